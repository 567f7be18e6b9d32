//! A chart: a client with all its portal users, read in one query.
//!
//! A chart that was read cannot be changed by itself: the rules of access are methods of
//! [`ChartEdit`], which writes all that belongs to a change (items, account, search entries, mail,
//! event) in one transaction. [`Chart::change`] retries the decision when another request wrote
//! meanwhile.
//!
//! Concurrency: each item is replaced on the condition that its `rev` is as it was read. Every change
//! of who may enter also writes the client item, so two such changes of one client always conflict. A
//! Query is not a snapshot; `ChartEdit` therefore checks the `rev` of any portal user who newly becomes
//! chart owner or alert recipient.

mod edit;
mod entries;
mod write;

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{
    account::Account,
    app::App,
    client::{Client, ClientView},
    clock::Clock,
    fields::At,
    history::{Action, Author},
    id::{AccountKey, ClientId, PortalUserId, PracticeId},
    idempotency::Attempt,
    keys,
    lockout::unlock::Locks,
    mail::{MailKind, MailState},
    mail_budget::Budgets,
    oauth::notice::ToldApp,
    portal_user::{Access, Ended, LastReceipt, PortalUser, PortalUserView},
    practice::Practice,
    problem::Problem,
    store::{Change, Handle, MOST_ITEMS, Store, both, parse},
};

pub use self::edit::{
    ChartEdit, ClientUpdate, NewUser, OVERTAKEN, Others, PrintedSheet, Unsure, UserUpdate,
    confirmation_expired,
};
use self::{
    edit::{Failed, Wanted},
    write::Finished,
};

/// The most portal users of one client: what one transaction can hold when the client is renamed.
pub const MOST_USERS: usize = 16;

/// A client and its portal users.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The practice.
    pub practice: PracticeId,
    /// The client.
    pub client: Client,
    /// Its portal users, oldest first.
    pub users: Vec<PortalUser>,
    /// Whether the client is still to be created.
    is_new: bool,
}

/// The accounts that were read beside a chart; `None` for one that does not exist.
pub type Accounts = BTreeMap<AccountKey, Option<Account>>;

/// What was read beside a chart that is changed.
#[derive(Debug, Default)]
pub struct Beside {
    accounts: Accounts,
    /// Other charts of these accounts, where a rule had to see them.
    charts: BTreeMap<ClientId, Chart>,
    /// What shuts the persons of these accounts out, where a rule had to see it.
    locks: BTreeMap<AccountKey, Locks>,
}

impl From<Accounts> for Beside {
    fn from(accounts: Accounts) -> Self {
        Self { accounts, ..Self::default() }
    }
}

impl From<Option<Chart>> for Beside {
    fn from(chart: Option<Chart>) -> Self {
        let charts = chart.into_iter().map(|chart| (chart.client.client_id, chart)).collect();
        Self { charts, ..Self::default() }
    }
}

/// By whom, why and how often a chart is changed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The practice's settings.
    pub practice: &'a Practice,
    /// The author of the events.
    pub author: &'a Author,
    /// The request that may be a repetition.
    pub attempt: &'a Attempt,
    /// The event to write when nothing changes, so that the answer has one too.
    pub unchanged: Option<Action>,
    /// Whether no mail goes out: for sample data, whose people get none.
    pub silent: bool,
}

/// A mail that a change queued, as a receipt names it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct ReceiptMail {
    /// What it is about.
    pub kind: MailKind,
    /// How far it has come.
    pub state: MailState,
}

/// What a change of access did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The portal user as it is now; null after a deletion.
    #[schema(required)]
    pub portal_user: Option<PortalUserView>,
    /// When.
    pub at: At,
    /// What ended.
    pub ended: Ended,
    /// The apps that are told of it, and how far word has come. After a deletion nothing tells more: there
    /// is no portal user who carries it.
    #[serde(default)]
    pub apps: Vec<ToldApp>,
    /// Who gets the alerts now; null: the practice's inbox.
    #[schema(required)]
    pub alert_recipient: Option<PortalUserId>,
    /// The mail that was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mail: Option<ReceiptMail>,
}

impl Chart {
    /// A chart for a client that is new; [`ChartEdit::create`] writes it.
    #[must_use]
    pub fn of_new(practice: &PracticeId, client: Client) -> Self {
        Self { practice: practice.clone(), client, users: Vec::new(), is_new: true }
    }

    /// Reads a chart in one query; 404 when the practice has no such client.
    ///
    /// # Errors
    /// 404, or 503 when the table does not answer.
    pub async fn load(store: &Store, practice: &PracticeId, id: ClientId) -> Result<Self, Problem> {
        let items = store.partition(&keys::chart(practice, id), keys::ACCESS).await?;
        let mut items = items.into_iter();
        // `A#CLIENT` sorts before every `A#USER#…`.
        let first = items.next().ok_or_else(Problem::not_found)?;
        let client: Client = parse(first)?;
        let users: Vec<PortalUser> = items.map(parse).collect::<Result<_, _>>()?;
        Ok(Self { practice: practice.clone(), client, users, is_new: false })
    }

    /// Forgets the sessions that ended with all others of the practice: no item of a chart was written
    /// then. The apps that are open in them stay, to be told with the next ending.
    pub fn forget_ended(&mut self, practice: &Practice) {
        for user in &mut self.users {
            user.forget_ended(practice);
        }
    }

    /// Reads accounts in one request.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn accounts(
        store: &Store,
        practice: &PracticeId,
        wanted: &[AccountKey],
    ) -> Result<Accounts, Problem> {
        let keys: Vec<_> = wanted.iter().map(|a| keys::account(practice, a)).collect();
        if keys.is_empty() {
            return Ok(Accounts::new());
        }
        let mut items = store.get_many(&keys).await?;
        let read = |(account, key)| Ok((account, items.remove(key).map(parse).transpose()?));
        wanted.iter().cloned().zip(&keys).map(read).collect()
    }

    /// Changes a chart that was read. `decide` applies the rules through [`ChartEdit`] and says what to
    /// answer. When another request wrote meanwhile, everything is read again and decided again; an
    /// answer that was kept for this very request wins over any decision.
    ///
    /// # Errors
    /// What `decide` or a read says, or 503 when the chart stays contended.
    pub async fn change<T: Serialize + DeserializeOwned>(
        self,
        app: &App,
        request: &Request<'_>,
        beside: impl Into<Beside>,
        mut decide: impl FnMut(&mut ChartEdit<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let (practice, client) = (self.practice.clone(), self.client.client_id);
        let store = app.store();
        let new = self.is_new.then(|| self.clone());
        let mut chart = self;
        let mut beside = beside.into();
        let mut retries = store.retries();
        let mut lost = Failed::default();
        let mut budgets = Budgets::default();
        loop {
            let mut edit = ChartEdit::begin(app, store.change(), request, chart, &beside, lost);
            let decision = decide(&mut edit);
            let mut wanted = edit.wanted().clone();
            if wanted.is_empty() {
                let finished = |answer: T| {
                    let mut finished = edit.finish(&budgets)?;
                    if finished.keeps {
                        request.attempt.keep(&mut finished.change, app.now(), &answer)?;
                    }
                    may_be_written(&finished.change)?;
                    Ok((answer, finished))
                };
                let (answer, finished) = match decision.and_then(finished) {
                    Ok(decided) => decided,
                    // A repetition that overlaps its first request is answered like it.
                    Err(refusal) => {
                        let before = request.attempt.answered(store, app.now()).await?;
                        return before.ok_or(refusal);
                    }
                };
                let Finished {
                    mut change,
                    guesses,
                    locks,
                    spent,
                    record_number,
                    born,
                    row,
                    unchanged,
                    ..
                } = finished;
                if change.is_empty() {
                    // Nothing to write but the event of what is shown.
                    if let Some(event) = unchanged {
                        store.record(&event).await?;
                    }
                    return Ok(answer);
                }
                if let Some(event) = unchanged {
                    change.event(&event);
                }
                let Err(error) = store.write(change).await else { return Ok(answer) };
                let failed = retries.retry(error).await?;
                lost = Failed {
                    record_number: record_number.is_some_and(|handle| failed.includes(handle)),
                    born: born.is_some_and(|handle| failed.includes(handle)),
                    row: row.iter().any(|handle| failed.includes(*handle)),
                };
                budgets = spent.read_failed(store, &failed).await?;
                let missed = |guesses: Vec<(Handle, AccountKey)>| -> Vec<AccountKey> {
                    let missed = guesses.into_iter().filter(|(h, _)| failed.includes(*h));
                    missed.map(|(_, key)| key).collect()
                };
                wanted.accounts.extend(missed(guesses));
                wanted.locks.extend(missed(locks));
                // Whose devices they are says the account.
                wanted.accounts.extend(wanted.locks.iter().cloned());
            }
            wanted.accounts.extend(beside.accounts.into_keys());
            wanted.charts.extend(beside.charts.into_keys());
            wanted.locks.extend(beside.locks.into_keys());
            let again = async {
                match &new {
                    Some(new) => Ok(new.clone()),
                    None => Self::load(store, &practice, client).await,
                }
            };
            let read = both(again, Beside::load(store, &practice, wanted));
            let before;
            ((chart, beside), before) =
                both(read, request.attempt.answered(store, app.now())).await?;
            if let Some(before) = before {
                return Ok(before);
            }
        }
    }

    /// Decides as [`Chart::change`] does and writes nothing, to say what a change would do: what the
    /// rules ask for is read, and a change that could not be written is refused.
    ///
    /// # Errors
    /// What `decide` or a read says.
    pub async fn foresee<T>(
        self,
        app: &App,
        request: &Request<'_>,
        accounts: Accounts,
        mut decide: impl FnMut(&mut ChartEdit<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let store = app.store();
        let mut beside = Beside::from(accounts);
        loop {
            let (chart, failed) = (self.clone(), Failed::default());
            let mut edit = ChartEdit::begin(app, store.change(), request, chart, &beside, failed);
            let decision = decide(&mut edit);
            let mut wanted = edit.wanted().clone();
            if wanted.is_empty() {
                let answer = decision?;
                may_be_written(&edit.finish(&Budgets::default())?.change)?;
                return Ok(answer);
            }
            wanted.accounts.extend(beside.accounts.into_keys());
            wanted.charts.extend(beside.charts.into_keys());
            wanted.locks.extend(beside.locks.into_keys());
            beside = Beside::load(store, &self.practice, wanted).await?;
        }
    }

    /// As [`Chart::foresee`], without reading anything: all accounts that the rules ask for must have
    /// been read.
    ///
    /// # Errors
    /// What `decide` says.
    pub fn rehearse<T>(
        self,
        app: &App,
        request: &Request<'_>,
        accounts: &Accounts,
        decide: impl FnOnce(&mut ChartEdit<'_>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let change = app.store().change();
        let beside = accounts.clone().into();
        decide(&mut ChartEdit::begin(app, change, request, self, &beside, Failed::default()))
    }

    /// The receipts of those whose access the closing of the chart ended, as long as they are there.
    #[must_use]
    pub fn closing_receipts(&self, clock: &Clock) -> Vec<Receipt> {
        let ended = self.client.closed.iter().flat_map(|closed| &closed.ended);
        ended.filter_map(|id| self.receipt(*id, clock).ok()).collect()
    }

    /// One of the portal users.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn user(&self, id: PortalUserId) -> Result<&PortalUser, Problem> {
        self.users.iter().find(|u| u.portal_user_id == id).ok_or_else(Problem::not_found)
    }

    /// One of the portal users as the API answers it.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn view(&self, id: PortalUserId, clock: &Clock) -> Result<PortalUserView, Problem> {
        let user = self.user(id)?;
        let mut others = self.users.iter().filter(|other| other.portal_user_id != id);
        let shares_email = user.email.as_ref().is_some_and(|email| {
            others.any(|other| other.email.as_ref().is_some_and(|other| other.same(email)))
        });
        Ok(PortalUserView { shares_email, ..user.view(&self.client, clock) })
    }

    /// The client page.
    #[must_use]
    pub fn client_view(&self, clock: &Clock) -> ClientView {
        self.client.view(self.alert_recipient(clock), clock.now())
    }

    /// Who gets the alerts: the one chosen, unless that person is revoked, expired or gone, or the client under
    /// safe contact.
    #[must_use]
    pub fn alert_recipient(&self, clock: &Clock) -> Option<PortalUserId> {
        let chosen = self.client.alert_recipient.filter(|_| !self.client.safe_contact)?;
        let chosen = self.user(chosen).ok()?;
        chosen.can_receive_alerts(&self.client, clock).then_some(chosen.portal_user_id)
    }

    /// The receipt of the last change of a portal user's access: the same however often it is
    /// asked for, but for the state of its mail.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn receipt(&self, id: PortalUserId, clock: &Clock) -> Result<Receipt, Problem> {
        let user = self.user(id)?;
        let invited_at = user.invitation.as_ref().map(|i| i.sent_at);
        let last = user.receipt.unwrap_or(LastReceipt {
            at: user.enrolled_at.or(invited_at).unwrap_or_else(|| clock.now()),
            ended: Ended::default(),
            mail: None,
        });
        let mail = last.mail.and_then(|kind| {
            user.mail
                .as_ref()
                .filter(|m| m.kind == kind)
                .map(|m| ReceiptMail { kind, state: m.state })
        });
        Ok(Receipt {
            portal_user: Some(self.view(id, clock)?),
            at: last.at,
            ended: last.ended,
            // Of an ending; an activation tells nobody.
            apps: if user.access == Access::Revoked { user.told() } else { Vec::new() },
            alert_recipient: self.alert_recipient(clock),
            mail,
        })
    }
}

impl Beside {
    /// Reads what rules asked for, side by side.
    async fn load(store: &Store, practice: &PracticeId, wanted: Wanted) -> Result<Self, Problem> {
        let keys: Vec<AccountKey> = wanted.accounts.into_iter().collect();
        let chart = async |id| Ok((id, Chart::load(store, practice, id).await?));
        let charts = try_join_all(wanted.charts.into_iter().map(chart));
        let locks =
            async |of: AccountKey| Ok((of.clone(), Locks::load(store, practice, &of).await?));
        let locks = try_join_all(wanted.locks.into_iter().map(locks));
        let read = both(charts, locks);
        let (accounts, (charts, locks)) =
            both(Chart::accounts(store, practice, &keys), read).await?;
        Ok(Self {
            accounts,
            charts: charts.into_iter().collect(),
            locks: locks.into_iter().collect(),
        })
    }
}

/// Refuses a change that is more than one transaction holds: of somebody who has access to many
/// clients.
fn may_be_written(change: &Change) -> Result<(), Problem> {
    let items = change.len();
    if items <= MOST_ITEMS {
        return Ok(());
    }
    Err(Problem::conflict(
        "change_too_large",
        format!(
            "This concerns {items} records, and at most {MOST_ITEMS} can change together. Nothing was changed. Change one field at a time, or delete the person's access to some clients first."
        ),
    ))
}

/// Who may enter, and how.
fn access(users: &[PortalUser]) -> Vec<(PortalUserId, Access)> {
    users.iter().map(|u| (u.portal_user_id, u.access)).collect()
}
