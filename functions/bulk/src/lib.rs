//! One change for many: prepares it and says what it would do and who is left out, starts it, stops it, and says
//! how far it is. The changes themselves are made behind the table's stream: see [`shared::bulk`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::extract::State;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{
    App, Problem, Routes,
    account::{self, Account},
    age,
    bulk::{
        self, Bulk, Kind, LeftOut, MOST, Outcome, PAGE, Rows, State as JobState, Step, Stopped, Why,
    },
    client::Client,
    fields::{At, Email, Name, Reason, RecordNumber, Refusal, Username},
    history::Action,
    id::{BulkId, ClientId, PortalUserId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    keys::{self, Key},
    lists::{Range, View, person},
    mail::About,
    mail_budget,
    portal_user::{Access, PortalUser, RevokeCode},
    problem::ProblemBody,
    staff::{Disclosed, Editor, Impersonal, Reader, Staff},
    store::{Item, Store, Update, parse},
    web::{BulkPath, OptionalJson, StrictJson},
};
use utoipa::ToSchema;

/// Most ids that a request may name.
const IDS: usize = 1000;
/// Entries of an index that one request reads.
const ENTRIES: usize = 2000;
/// Keys in one batch: DynamoDB's limit.
const BATCH: usize = 100;
/// Batches that are under way together.
const TOGETHER: usize = 10;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_prepare, prepare)
        .operation(__path_start, start)
        .operation(__path_stop, stop)
        .operation(__path_show, show)
        .operation(__path_rows, rows)
}

/// A change for many: exactly one of `view`, `portalUserIds` and `clientIds` says for whom.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewBulk {
    /// What is done. `invite` is for clients who have no portal user: `clientIds`, or the view
    /// `without-access`.
    action: Kind,
    /// Everybody in one of the practice's lists.
    #[serde(default)]
    view: Option<View>,
    /// These portal users, at most 1,000.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    portal_user_ids: Option<Vec<PortalUserId>>,
    /// These clients, at most 1,000.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    client_ids: Option<Vec<ClientId>>,
    /// Why access is revoked.
    #[serde(default)]
    reason: Option<BulkReason>,
}

/// Why access is revoked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkReason {
    /// The kind of reason.
    code: RevokeCode,
    /// What staff write about it.
    #[serde(default)]
    note: Option<Reason>,
}

/// What would be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// The job, to be started.
    pub bulk_id: BulkId,
    /// How many would change.
    pub will_change: usize,
    /// How many are left out, and why.
    pub skipped: Vec<Skipped>,
    /// Everybody: first those who would change, then those who are left out.
    pub rows: Vec<PreparedRow>,
}

/// How many are left out for one reason.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Skipped {
    /// Why.
    pub why: Why,
    /// How many.
    pub count: usize,
}

/// Somebody whom it concerns.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreparedRow {
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client: Option<PreparedClient>,
    /// The portal user, unless one would be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub portal_user: Option<PreparedUser>,
    /// Why nothing would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub skipped: Option<Why>,
    /// The id of whom nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub not_found: Option<String>,
}

/// A client whom it concerns.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreparedClient {
    /// The client's id.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// Number of the chart.
    pub record_number: RecordNumber,
}

/// A portal user whom it concerns.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreparedUser {
    /// The portal user's id.
    pub portal_user_id: PortalUserId,
    /// The person's name.
    pub name: Name,
    /// Where the person's mails go; not there for a person without an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
}

/// How far a job is. It holds ids and no names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkProgress)]
pub struct Progress {
    /// The job.
    pub bulk_id: BulkId,
    /// What it does.
    pub action: Kind,
    /// How far it is.
    pub state: JobState,
    /// Rows that are behind it.
    pub done: usize,
    /// All rows.
    pub total: usize,
    /// Mails that came back. One in twenty stops the job.
    pub bounced: u64,
    /// Why it stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stopped: Option<Stopped>,
    /// What became of the rows so far.
    pub results: Vec<ResultRow>,
}

impl Impersonal for Progress {}

/// Whom a job concerns, by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkRows)]
pub struct Named {
    /// What the job does.
    pub action: Kind,
    /// How many would change, or were to.
    pub will_change: usize,
    /// How many are left out, and why.
    pub skipped: Vec<Skipped>,
    /// Everybody, in the order in which it goes on: first those who would change.
    pub rows: Vec<PreparedRow>,
}

/// What became of a row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkResult)]
pub struct ResultRow {
    /// The client.
    pub client_id: ClientId,
    /// The portal user, unless one was to be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub portal_user_id: Option<PortalUserId>,
    /// `done`, or why nothing was.
    #[schema(value_type = String)]
    pub outcome: Outcome,
}

/// Starts a job.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The word `revoke`, for a revocation.
    #[serde(default)]
    confirm: Option<String>,
}

/// For whom a job is.
enum Whom {
    View(View),
    Users(Vec<PortalUserId>),
    Clients(Vec<ClientId>),
}

impl NewBulk {
    /// # Errors
    /// 422 unless it is said once, and in a way that fits the action; 400 for none or too many ids.
    fn whom(&self) -> Result<Whom, Problem> {
        let invites = self.action == Kind::Invite;
        let refuse = |field, code, message: &'static str| {
            Err(Problem::refused(field, Refusal::rule(code, message)))
        };
        let miscounted = |field, code, message: &'static str| {
            Err(Problem::refused(field, Refusal::invalid(code, message)))
        };
        if self.reason.is_some() && self.action != Kind::Revoke {
            return refuse("reason", "not_here", "Only a revocation has a reason.");
        }
        match (self.view, &self.portal_user_ids, &self.client_ids) {
            (Some(view), None, None) if invites && view != View::WithoutAccess => {
                refuse("view", "not_here", "Those who can be invited are in without-access.")
            }
            (Some(view), None, None) if !invites && view.is_of_clients() => {
                refuse("view", "not_here", "Choose a list of portal users.")
            }
            (Some(View::Ending), None, None) => {
                refuse("view", "not_here", "Of what ends, name the portal users: portalUserIds.")
            }
            (Some(view), None, None) => Ok(Whom::View(view)),
            (None, Some(_), None) if invites => {
                refuse("portalUserIds", "not_here", "To invite, name clients: clientIds.")
            }
            (None, Some(ids), None) if ids.is_empty() => {
                miscounted("portalUserIds", "empty", "Name at least one.")
            }
            (None, Some(ids), None) if ids.len() > IDS => {
                miscounted("portalUserIds", "too_many", "At most 1,000.")
            }
            (None, Some(ids), None) => Ok(Whom::Users(ids.clone())),
            (None, None, Some(_)) if !invites => {
                refuse("clientIds", "not_here", "Name portal users: portalUserIds.")
            }
            (None, None, Some(ids)) if ids.is_empty() => {
                miscounted("clientIds", "empty", "Name at least one.")
            }
            (None, None, Some(ids)) if ids.len() > IDS => {
                miscounted("clientIds", "too_many", "At most 1,000.")
            }
            (None, None, Some(ids)) => Ok(Whom::Clients(ids.clone())),
            (None, None, None) => {
                refuse("view", "missing", "Say for whom: view, portalUserIds or clientIds.")
            }
            (Some(_), _, _) => refuse("view", "twice", "Say for whom once."),
            (None, Some(_), Some(_)) => refuse("clientIds", "twice", "Say for whom once."),
        }
    }
}

/// Somebody whom a job concerns, by ids.
#[derive(Clone, Copy)]
struct Target {
    client: Option<ClientId>,
    user: Option<PortalUserId>,
}

impl Target {
    fn client_key(self, practice: &PracticeId) -> Option<Key> {
        Some(keys::client(practice, self.client?))
    }

    fn user_key(self, practice: &PracticeId) -> Option<Key> {
        Some(keys::portal_user(practice, self.client?, self.user?))
    }
}

/// Everybody whom a job concerns.
#[derive(Default)]
struct Targets(Vec<Target>);

impl Targets {
    async fn read(
        store: &Store,
        practice: &PracticeId,
        whom: &Whom,
        now: At,
    ) -> Result<Self, Problem> {
        match whom {
            Whom::View(view) => Self::of_view(store, practice, *view, now).await,
            Whom::Users(ids) => {
                let unique: BTreeSet<PortalUserId> = ids.iter().copied().collect();
                let one = async |id: PortalUserId| {
                    let read = store.listed(&person(practice, id), 1).await?;
                    let entry = read.into_iter().flat_map(|read| read.entries).next();
                    let chart = entry.and_then(|entry| keys::parse_chart(&entry.key.pk));
                    let client = chart.map(|(_, client)| client);
                    Ok::<_, Problem>(Target { client, user: Some(id) })
                };
                let mut targets = Self::default();
                let unique: Vec<PortalUserId> = unique.into_iter().collect();
                for some in unique.chunks(BATCH) {
                    targets.0.extend(try_join_all(some.iter().map(|id| one(*id))).await?);
                }
                Ok(targets)
            }
            Whom::Clients(ids) => {
                let unique: BTreeSet<ClientId> = ids.iter().copied().collect();
                let target = |id| Target { client: Some(id), user: None };
                Ok(Self(unique.into_iter().map(target).collect()))
            }
        }
    }

    async fn of_view(
        store: &Store,
        practice: &PracticeId,
        view: View,
        now: At,
    ) -> Result<Self, Problem> {
        let mut targets = Self::default();
        let whole = view.range(practice, now);
        for partition in &whole.partitions {
            let mut range = Range { partitions: vec![partition.clone()], ..whole.clone() };
            loop {
                let read = store.listed(&range, ENTRIES).await?;
                let entries: Vec<_> = read.into_iter().flat_map(|read| read.entries).collect();
                let last = entries.last().map(|entry| entry.sort.clone());
                let full = entries.len() == ENTRIES;
                let ids = entries.into_iter().filter_map(|entry| {
                    let (_, client) = keys::parse_chart(&entry.key.pk)?;
                    let user = keys::parse_portal_user(&entry.key.sk);
                    Some(Target { client: Some(client), user })
                });
                targets.0.extend(ids);
                if targets.0.len() > MOST {
                    let refusal = Refusal::rule("too_many", "A job has at most 10,000 rows.");
                    return Err(Problem::refused("view", refusal));
                }
                match last.filter(|_| full) {
                    Some(last) => range = range.behind(&last),
                    None => break,
                }
            }
        }
        Ok(targets)
    }
}

/// Reads items of any number, some batches at a time.
async fn read_all(store: &Store, keys: Vec<Key>) -> Result<HashMap<Key, Item>, Problem> {
    let mut unique = keys;
    unique.sort_unstable();
    unique.dedup();
    let batches: Vec<&[Key]> = unique.chunks(BATCH).collect();
    let mut found = HashMap::new();
    for some in batches.chunks(TOGETHER) {
        for items in try_join_all(some.iter().map(|batch| store.get_many(batch))).await? {
            found.extend(items);
        }
    }
    Ok(found)
}

/// What is read of those whom a job concerns.
struct Read(HashMap<Key, Item>);

impl Read {
    async fn of(store: &Store, practice: &PracticeId, targets: &[Target]) -> Result<Self, Problem> {
        let keys = |target: &Target| [target.client_key(practice), target.user_key(practice)];
        read_all(store, targets.iter().flat_map(keys).flatten().collect()).await.map(Self)
    }

    fn get<T: DeserializeOwned>(&self, key: Option<Key>) -> Result<Option<T>, Problem> {
        key.and_then(|key| self.0.get(&key).cloned()).map(parse).transpose()
    }
}

/// Judges whom a job concerns, as the change of each would be judged now.
struct Judge<'a> {
    app: &'a App,
    practice: &'a PracticeId,
    action: Kind,
    now: At,
}

/// Where a row's mail would go.
struct Mailed {
    row: usize,
    /// The chart.
    client: ClientId,
    /// The address.
    to: Email,
    /// Where the budget of the address is.
    budget: Key,
    /// Where the account is, or would be.
    account: Key,
    /// Whether the person would be added.
    new: bool,
}

impl Judge<'_> {
    /// Everybody by name, and why nothing would be done: first those for whom something would.
    async fn rows(&self, targets: &Targets) -> Result<Vec<PreparedRow>, Problem> {
        let read = Read::of(self.app.store(), self.practice, &targets.0).await?;
        let mut rows = Vec::new();
        let mut mailed = Vec::new();
        for target in &targets.0 {
            let client: Option<Client> = read.get(target.client_key(self.practice))?;
            let user: Option<PortalUser> = read.get(target.user_key(self.practice))?;
            let skipped = match &client {
                None => Some(Why::NotFound),
                Some(client) => self.judge(client, target.user, user.as_ref()),
            };
            if let (None, Some(client)) = (skipped, &client) {
                mailed.extend(self.mailed(rows.len(), client, user.as_ref())?);
            }
            rows.push(PreparedRow::of(*target, client, user, skipped));
        }
        self.judge_mails(&mailed, &mut rows).await?;
        let (mut rows, left_out): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.skipped.is_none());
        rows.extend(left_out);
        Ok(rows)
    }

    fn judge(
        &self,
        client: &Client,
        wanted: Option<PortalUserId>,
        user: Option<&PortalUser>,
    ) -> Option<Why> {
        let access = user.map(|user| user.access);
        match (self.action, access) {
            (Kind::Resend | Kind::Revoke, None) if wanted.is_some() => Some(Why::NotFound),
            (Kind::Resend | Kind::Invite, _) if client.closed.is_some() => Some(Why::Closed),
            (Kind::Invite, _) if client.portal.users > 0 => Some(Why::HasAccess),
            (Kind::Invite, _) if age::is_minor_somewhere(client.date_of_birth, self.now) => {
                Some(Why::Minor)
            }
            (Kind::Invite, _) if client.mail_address().is_none() => Some(Why::NoEmail),
            (Kind::Resend, Some(Access::Active)) => Some(Why::HasAccess),
            (Kind::Resend | Kind::Revoke, Some(Access::Revoked)) => Some(Why::Revoked),
            (Kind::Resend, _) => match user.and_then(|user| user.email.as_ref()) {
                None => Some(Why::NoEmail),
                Some(to) if !client.allows_mail_to(to) => Some(Why::SafeContact),
                Some(_) => None,
            },
            _ => None,
        }
    }

    fn mailed(
        &self,
        row: usize,
        client: &Client,
        user: Option<&PortalUser>,
    ) -> Result<Option<Mailed>, Problem> {
        let (to, known) = match self.action {
            Kind::Revoke => return Ok(None),
            Kind::Resend => {
                (user.and_then(|user| user.email.as_ref()), user.map(|user| user.account.clone()))
            }
            Kind::Invite => (client.mail_address(), None),
        };
        let Some(to) = to.cloned() else { return Ok(None) };
        let budget = mail_budget::place_of(self.app, self.practice, &to)?;
        let new = known.is_none();
        let account = match known {
            Some(account) => account,
            None => account::key_of(self.app, self.practice, &Username::from(&to))?,
        };
        let account = keys::account(self.practice, &account);
        let client = client.client_id;
        Ok(Some(Mailed { row, client, to, budget, account, new }))
    }

    /// Leaves out who would be invited under an address that somebody has, an account or a row before; whose address is
    /// not safe by another chart's word; and whose address got as many mails as one may.
    async fn judge_mails(
        &self,
        mailed: &[Mailed],
        rows: &mut [PreparedRow],
    ) -> Result<(), Problem> {
        let places = |mail: &Mailed| [mail.budget.clone(), mail.account.clone()];
        let wanted = mailed.iter().flat_map(places).collect();
        let items = read_all(self.app.store(), wanted).await?;
        let (mut seen, mut deciding) = (BTreeSet::new(), BTreeMap::new());
        for Mailed { row, client, account, .. } in mailed.iter().filter(|mail| !mail.new) {
            let account: Option<Account> = items.get(account).cloned().map(parse).transpose()?;
            let others =
                account.iter().flat_map(|of| of.others_that_decide(*client, About::Access));
            let others = others.map(|other| keys::client(self.practice, other));
            deciding.insert(*row, others.collect::<Vec<Key>>());
        }
        let clients = read_all(self.app.store(), deciding.values().flatten().cloned().collect());
        let clients = clients.await?;
        for Mailed { row, to, budget, account, new, .. } in mailed {
            // Who has an account and would be a second client is somebody else: rule 12.
            let in_use = *new && (items.contains_key(account) || !seen.insert(account));
            let spent = match items.get(budget) {
                Some(budget) => mail_budget::is_spent(budget.clone(), self.now)?,
                None => false,
            };
            let mut withheld = false;
            for other in deciding.get(row).into_iter().flatten().filter_map(|key| clients.get(key))
            {
                withheld |= !parse::<Client>(other.clone())?.allows_mail_to(to);
            }
            rows[*row].skipped = match (in_use, withheld, spent) {
                (true, ..) => Some(Why::AddressInUse),
                (_, true, _) => Some(Why::SafeContact),
                (.., true) => Some(Why::Budget),
                _ => None,
            };
        }
        Ok(())
    }
}

impl PreparedRow {
    fn of(
        target: Target,
        client: Option<Client>,
        user: Option<PortalUser>,
        skipped: Option<Why>,
    ) -> Self {
        let id = || target.user.map(|id| id.to_string());
        let id = || id().or_else(|| target.client.map(|id| id.to_string()));
        let known = if target.user.is_some() { user.is_some() } else { client.is_some() };
        Self {
            client: client.map(|client| PreparedClient {
                client_id: client.client_id,
                name: client.name,
                record_number: client.record_number,
            }),
            portal_user: user.map(|user| PreparedUser {
                portal_user_id: user.portal_user_id,
                name: user.name,
                email: user.email,
            }),
            skipped,
            not_found: if known { None } else { id() },
        }
    }

    /// Who it is of whom nothing is known.
    fn unknown(&self, action: Kind) -> Target {
        let id = self.not_found.as_deref().unwrap_or_default();
        let client = self.client.as_ref().map(|client| client.client_id);
        match action {
            Kind::Invite => Target { client: client.or_else(|| ClientId::parse(id)), user: None },
            Kind::Resend | Kind::Revoke => Target { client, user: PortalUserId::parse(id) },
        }
    }

    fn target(&self, action: Kind) -> Target {
        let client = self.client.as_ref().map(|client| client.client_id);
        match &self.portal_user {
            Some(user) => Target { client, user: Some(user.portal_user_id) },
            None => self.unknown(action),
        }
    }
}

/// Says what a change for many would do, and keeps it to be started.
#[utoipa::path(
    post, path = "/api/bulk", operation_id = "bulk", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewBulk,
    responses(
        (status = 201, description = "What would be done. Nothing was changed.", body = Prepared),
        (status = 422, description = "It is not said once for whom, in a way that fits the action; it concerns more than 10,000; or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn prepare(
    State(app): State<App>,
    editor: Editor,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewBulk>,
) -> Result<Disclosed<Prepared>, Problem> {
    let whom = new.whom()?;
    let (practice, now, store) = (editor.practice().clone(), app.now(), app.store());
    let attempt = Attempt::new(&app, &practice, editor.subject(), "bulk", &key, &new)?;
    let read = async {
        if let Some(before) = attempt.answered::<Made>(store, now).await? {
            return Ok(Found::Before(before.bulk_id));
        }
        let targets = Targets::read(store, &practice, &whom, now).await?;
        let judge = Judge { app: &app, practice: &practice, action: new.action, now };
        Ok(Found::New(judge.rows(&targets).await?))
    };
    let admitted = editor.admit(&app, Box::pin(read)).await?;
    let made = admitted.write(&app, async |staff, found| match found {
        Found::Before(bulk_id) => again(&app, staff, bulk_id).await,
        Found::New(rows) => keep(&app, staff, &new, rows, &attempt).await,
    });
    made.await.map(Disclosed::created)
}

/// What is kept of an answer: the rows stand with the job.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    bulk_id: BulkId,
}

enum Found {
    Before(BulkId),
    New(Vec<PreparedRow>),
}

/// Writes a job.
async fn keep(
    app: &App,
    staff: &Staff,
    new: &NewBulk,
    rows: Vec<PreparedRow>,
    attempt: &Attempt,
) -> Result<Prepared, Problem> {
    let practice = &staff.practice.practice;
    let (mut to_make, mut left_out) = (Vec::new(), Vec::new());
    for row in &rows {
        let Target { client, user } = row.target(new.action);
        match (row.skipped, client) {
            (None, Some(client_id)) => to_make.push(bulk::Row { client_id, portal_user_id: user }),
            (why, client_id) => left_out.push(LeftOut {
                client_id,
                portal_user_id: user,
                why: why.unwrap_or(Why::NotFound),
            }),
        }
    }
    let expires_at = bulk::forgotten(app.now());
    let reason = new.reason.clone();
    let job = Bulk {
        bulk_id: BulkId::new(app.ulid()),
        practice: practice.clone(),
        action: new.action,
        code: reason.as_ref().map(|reason| reason.code),
        note: reason.and_then(|reason| reason.note),
        state: JobState::Ready,
        total: to_make.len(),
        done: 0,
        made: 0,
        bounced: 0,
        known: 0,
        made_before: 0,
        run: 0,
        stopped: None,
        actor: staff.author.actor.clone(),
        source: staff.author.caller.source.clone(),
        request_id: staff.author.caller.request_id.clone(),
        expires_at,
        rev: 0,
    };
    let page = |rows: &[bulk::Row], left_out: &[LeftOut]| Rows {
        rows: rows.to_vec(),
        left_out: left_out.to_vec(),
        outcomes: Vec::new(),
        expires_at,
    };
    let pages = to_make.chunks(PAGE).map(|rows| page(rows, &[]));
    let pages = pages.chain(left_out.chunks(PAGE).map(|left_out| page(&[], left_out)));
    let pages: Vec<Rows> = pages.collect();
    let mut retries = app.store().retries();
    loop {
        let mut change = app.store().change();
        change.insert(&job.key(), &job);
        for (number, page) in pages.iter().enumerate() {
            change.insert(&keys::bulk_rows(practice, job.bulk_id, number), page);
        }
        change.event(&staff.event(app, Action::BulkPrepared));
        attempt.keep(&mut change, app.now(), &Made { bulk_id: job.bulk_id })?;
        let Err(error) = app.store().write(change).await else {
            return Ok(Prepared::of(job.bulk_id, rows));
        };
        retries.retry(error).await?;
        // The same request, made twice at once.
        if let Some(before) = attempt.answered::<Made>(app.store(), app.now()).await? {
            return again(app, staff, before.bulk_id).await;
        }
    }
}

impl Prepared {
    fn of(bulk_id: BulkId, rows: Vec<PreparedRow>) -> Self {
        let (will_change, skipped) = count(&rows);
        Self { bulk_id, will_change, skipped, rows }
    }
}

/// How many would change, and how many are left out for which reason.
fn count(rows: &[PreparedRow]) -> (usize, Vec<Skipped>) {
    let mut skipped: BTreeMap<Why, usize> = BTreeMap::new();
    for why in rows.iter().filter_map(|row| row.skipped) {
        *skipped.entry(why).or_default() += 1;
    }
    let will_change = rows.len() - skipped.values().sum::<usize>();
    (will_change, skipped.into_iter().map(|(why, count)| Skipped { why, count }).collect())
}

/// Answers a repeated request with the job that the first one made.
async fn again(app: &App, staff: &Staff, bulk_id: BulkId) -> Result<Prepared, Problem> {
    let practice = &staff.practice.practice;
    let (_, pages) = load(app, practice, bulk_id).await?;
    let rows = named(app.store(), practice, &pages).await?;
    app.store().record(&staff.event(app, Action::BulkShown)).await?;
    Ok(Prepared::of(bulk_id, rows))
}

/// Everybody whom a job concerns, with the names that they have now.
async fn named(
    store: &Store,
    practice: &PracticeId,
    pages: &[Rows],
) -> Result<Vec<PreparedRow>, Problem> {
    let made = pages
        .iter()
        .flat_map(|page| &page.rows)
        .map(|row| (Target { client: Some(row.client_id), user: row.portal_user_id }, None));
    let left_out = pages.iter().flat_map(|page| &page.left_out).map(|left_out| {
        let LeftOut { client_id, portal_user_id, why } = *left_out;
        (Target { client: client_id, user: portal_user_id }, Some(why))
    });
    let targets: Vec<(Target, Option<Why>)> = made.chain(left_out).collect();
    let ids: Vec<Target> = targets.iter().map(|(target, _)| *target).collect();
    let read = Read::of(store, practice, &ids).await?;
    let row = |(target, why): (Target, Option<Why>)| {
        let client = read.get(target.client_key(practice))?;
        let user = read.get(target.user_key(practice))?;
        Ok(PreparedRow::of(target, client, user, why))
    };
    targets.into_iter().map(row).collect()
}

/// Reads a job with its rows; 404 when the practice has no such job.
async fn load(app: &App, practice: &PracticeId, id: BulkId) -> Result<(Bulk, Vec<Rows>), Problem> {
    let items = app.store().partition(&keys::partition::bulk(practice, id), keys::BULK).await?;
    let mut items = items.into_iter();
    // `BULK` sorts before `BULK#…`.
    let job: Bulk = parse(items.next().ok_or_else(Problem::not_found)?)?;
    // The table forgets it some time after that, piece by piece.
    if job.expires_at <= app.now().seconds() {
        return Err(Problem::not_found());
    }
    Ok((job, items.map(parse).collect::<Result<_, _>>()?))
}

/// Starts a job, or goes on with one that was stopped. One that runs or is finished is only told of.
#[utoipa::path(
    post, path = "/api/bulk/{bulkId}/start", operation_id = "bulk.start", tag = "staff",
    security(("staffSession" = [])),
    params(("bulkId" = BulkId, Path, description = "The job.")),
    request_body = Option<Start>,
    responses(
        (status = 200, description = "How far it is.", body = Progress),
        (status = 409, description = "`bulk_expired`: it was prepared four weeks ago, and is soon forgotten.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`not_confirmed`: a revocation asks for the word `revoke`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn start(
    State(app): State<App>,
    editor: Editor,
    BulkPath(id): BulkPath,
    OptionalJson(body): OptionalJson<Option<Start>>,
) -> Result<Disclosed<Progress>, Problem> {
    let confirm = body.unwrap_or_default().confirm.unwrap_or_default();
    let practice = editor.practice().clone();
    let read = load(&app, &practice, id);
    let admitted = editor.admit(&app, Box::pin(read)).await?;
    let started = admitted.write(&app, async |staff, (mut job, mut pages)| {
        if job.action == Kind::Revoke && confirm.trim().to_lowercase() != "revoke" {
            let refusal = Refusal::rule("not_confirmed", "Type “revoke” to continue.");
            return Err(Problem::refused("confirm", refusal));
        }
        let store = app.store();
        let mut retries = store.retries();
        loop {
            if !matches!(job.state, JobState::Ready | JobState::Stopped) {
                return Ok(Progress::of(&job, &pages));
            }
            if job.is_old(app.now()) {
                let text = "It was prepared too long ago. Prepare it anew.";
                return Err(Problem::conflict("bulk_expired", text));
            }
            let next = Bulk {
                state: if job.total == 0 { JobState::Finished } else { JobState::Running },
                run: job.run + 1,
                // Those that came back were seen.
                known: job.bounced,
                made_before: job.made,
                stopped: None,
                actor: staff.author.actor.clone(),
                source: staff.author.caller.source.clone(),
                request_id: staff.author.caller.request_id.clone(),
                ..job.clone()
            };
            let mut change = store.change();
            change.replace(&job.key(), &next, job.rev);
            if next.state == JobState::Running {
                Step::queue(&app, &next, &mut change);
            }
            change.event(&staff.event(&app, Action::BulkStarted));
            let Err(error) = store.write(change).await else {
                return Ok(Progress::of(&next, &pages));
            };
            retries.retry(error).await?;
            (job, pages) = load(&app, &practice, id).await?;
        }
    });
    started.await
}

/// Stops a job. What was made stays; it can be started again.
#[utoipa::path(
    post, path = "/api/bulk/{bulkId}/stop", operation_id = "bulk.stop", tag = "staff",
    security(("staffSession" = [])),
    params(("bulkId" = BulkId, Path, description = "The job.")),
    responses((status = 200, description = "How far it is.", body = Progress))
)]
async fn stop(
    State(app): State<App>,
    editor: Editor,
    BulkPath(id): BulkPath,
) -> Result<Disclosed<Progress>, Problem> {
    let practice = editor.practice().clone();
    let read = load(&app, &practice, id);
    let admitted = editor.admit(&app, Box::pin(read)).await?;
    let stopped = admitted.write(&app, async |staff, (mut job, mut pages)| {
        let store = app.store();
        // Whatever row is made meanwhile; but what is finished is not stopped.
        let stop = Update::of(job.key())
            .when("state", "=", &JobState::Running)
            .when("done", "<", &job.total)
            .set("state", &JobState::Stopped)
            .set("stopped", &Stopped::Staff);
        if job.state == JobState::Running {
            let mut retries = store.retries();
            loop {
                let mut change = store.change();
                let handle = change.update(&stop);
                change.event(&staff.event(&app, Action::BulkStopped));
                let Err(error) = store.write(change).await else { break };
                if retries.retry(error).await?.includes(handle) {
                    break;
                }
            }
            (job, pages) = load(&app, &practice, id).await?;
        }
        Ok(Progress::of(&job, &pages))
    });
    stopped.await
}

/// Tells how far a job is.
#[utoipa::path(
    get, path = "/api/bulk/{bulkId}", operation_id = "bulk.show", tag = "staff",
    security(("staffSession" = [])),
    params(("bulkId" = BulkId, Path, description = "The job.")),
    responses((status = 200, description = "How far it is, with what became of each row so far.", body = Progress))
)]
async fn show(
    State(app): State<App>,
    reader: Reader,
    BulkPath(id): BulkPath,
) -> Result<Disclosed<Progress>, Problem> {
    let practice = reader.practice().clone();
    let read = load(&app, &practice, id);
    // The page asks by itself, again and again.
    let admitted = reader.idle(&app, Box::pin(read)).await?;
    admitted.progress(&app, |(job, pages)| Ok(Progress::of(&job, &pages))).await
}

/// Tells whom a job concerns, by name: to go on with it from another place, or to take its result along.
#[utoipa::path(
    get, path = "/api/bulk/{bulkId}/rows", operation_id = "bulk.rows", tag = "staff",
    security(("staffSession" = [])),
    params(("bulkId" = BulkId, Path, description = "The job.")),
    responses((status = 200, description = "Everybody whom it concerns.", body = Named))
)]
async fn rows(
    State(app): State<App>,
    reader: Reader,
    BulkPath(id): BulkPath,
) -> Result<Disclosed<Named>, Problem> {
    let practice = reader.practice().clone();
    let read = load(&app, &practice, id);
    let admitted = reader.admit(&app, Box::pin(read)).await?;
    let shown = admitted.show_with(
        &app,
        Action::BulkShown,
        async |(_, pages): &(Bulk, Vec<Rows>)| named(app.store(), &practice, pages).await,
        |(job, _), rows| {
            let (will_change, skipped) = count(&rows);
            Ok(Named { action: job.action, will_change, skipped, rows })
        },
    );
    Box::pin(shown).await
}

impl Progress {
    fn of(job: &Bulk, pages: &[Rows]) -> Self {
        let results = pages.iter().flat_map(|page| {
            page.rows.iter().zip(&page.outcomes).map(|(row, outcome)| {
                let bulk::Row { client_id, portal_user_id } = *row;
                ResultRow { client_id, portal_user_id, outcome: *outcome }
            })
        });
        Self {
            bulk_id: job.bulk_id,
            action: job.action,
            state: job.state,
            done: job.done,
            total: job.total,
            bounced: job.bounced,
            stopped: job.stopped,
            results: results.collect(),
        }
    }
}
