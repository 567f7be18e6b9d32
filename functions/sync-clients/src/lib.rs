//! Brings clients in line with a list of them, as another system has it: an EHR that syncs, a file that
//! is imported, the roster of the local home. Each client is found by the record number, and created
//! or changed in a transaction of its own by the rules that the single functions follow, so that the
//! same list again changes nothing.
//!
//! A held record number is that of the row's client if the name is alike or the date of birth is the
//! same: people marry, and dates are mistyped. With both another the number is somebody else's, and
//! the row is wrong.
//!
//! Rows that could be one another's duplicate (the same number, or the same date of birth) take turns in
//! their order; all others run side by side, a few at a time.

mod row;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use axum::extract::State;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    alike::{Alike, Creation, is_alike},
    chart::{Accounts, Chart, ChartEdit, Request},
    client::{Born, Client, Holder, named},
    fields::{NamePart, RecordNumber, Refusal, Relationship},
    history::{Action, Author, Event},
    id::{AccountKey, ClientId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    keys::{self, Key},
    practice::Practice,
    problem::{FieldProblem, ProblemBody},
    search::{fold, names_alike},
    staff::{Admin, Disclosed},
    store::{Change, Failed, Item, WriteError, both, parse},
    web::StrictJson,
};
use utoipa::ToSchema;

use self::row::field;
pub use self::row::{Row, SentRow};

/// Most rows of one call.
pub const MOST_ROWS: usize = 25;
/// Largest body: what 25 clients with all they can have take, every letter escaped.
const BODY: usize = 256 * 1024;
/// Rows under way at a time.
const AT_ONCE: usize = 8;
/// Most possible duplicates that are named of one row.
const MOST_ALIKE: usize = 3;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_sync_clients, sync_clients)
}

/// Clients to bring in line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncRequest {
    /// The clients, at most 25.
    #[schema(min_items = 1, max_items = 25)]
    rows: Vec<SentRow>,
    /// Whether to say only what would become of each.
    #[serde(default)]
    dry_run: Option<bool>,
}

/// What became of the rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = SyncResults)]
pub struct Results {
    /// One for each row, in the order of the rows.
    pub results: Vec<Synced>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncOutcome)]
pub enum Outcome {
    /// The client is new.
    Created,
    /// The client was there, and changed.
    Updated,
    /// The client was there, and is as the row says.
    Unchanged,
    /// Nothing was written: somebody with this date of birth and a like name is there under another
    /// record number.
    PossibleDuplicate,
    /// Nothing was written: a field that is needed is missing or wrong, or the record number is somebody
    /// else's.
    Invalid,
}

/// What became of a row, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncResult)]
pub struct Synced {
    /// The record number, as it was sent; empty where there was none.
    pub record_number: String,
    /// What became of the row.
    pub outcome: Outcome,
    /// The client; of a possible duplicate the one who is there; of a number that is somebody else's
    /// its holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_id: Option<ClientId>,
    /// What is wrong, field by field: with what costs the row, or with what was left out of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub fields: Vec<FieldProblem>,
}

impl Synced {
    fn of(row: &Row, outcome: Outcome, client: Option<ClientId>) -> Self {
        let record_number = row.record_number.as_str().to_owned();
        Self { record_number, outcome, client_id: client, fields: row.left_out.clone() }
    }

    fn invalid(record_number: String, client: Option<ClientId>, fields: Vec<FieldProblem>) -> Self {
        Self { record_number, outcome: Outcome::Invalid, client_id: client, fields }
    }
}

/// Creates and updates clients.
#[utoipa::path(
    post, path = "/api/clients/sync", operation_id = "sync-clients", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = SyncRequest,
    responses(
        (status = 200, description = "What became of each row; with `dryRun`, what would.", body = Results),
        (status = 413, description = "The body is over 256 KiB.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn sync_clients(
    State(app): State<App>,
    admin: Admin,
    key: IdempotencyKey,
    StrictJson(sync): StrictJson<SyncRequest, BODY>,
) -> Result<Disclosed<Results>, Problem> {
    check(&sync)?;
    let dry_run = sync.dry_run == Some(true);
    let now = app.now();
    let rows: Vec<Result<Row, Synced>> = sync.rows.into_iter().map(|row| row.read(now)).collect();
    let practice = admin.practice().clone();
    let attempt =
        Attempt::new(&app, &practice, admin.subject(), "sync-clients", &key, &(&rows, dry_run))?;
    let before = attempt.answered::<Results>(app.store(), now);
    let read = Box::pin(both(before, Known::read(&app, &practice, &rows)));
    let admitted = admin.admit(&app, read).await?;
    let synced = admitted.write(&app, async |staff, (before, known)| {
        let list = List {
            app: &app,
            practice: &staff.practice,
            author: &staff.author,
            held: Held::Update,
            dry_run,
            silent: false,
        };
        if let Some(before) = before {
            return list.record(&Seen::of(&before), &Attempt::default(), before).await;
        }
        let (results, seen) = list.sync(rows, &known).await?;
        let kept = if dry_run { &Attempt::default() } else { &attempt };
        list.record(&seen, kept, results).await
    });
    synced.await
}

/// Refuses a call with no rows or too many.
fn check(sync: &SyncRequest) -> Result<(), Problem> {
    let refusal = match sync.rows.len() {
        0 => Refusal::invalid("empty", "Send at least one row."),
        1..=MOST_ROWS => return Ok(()),
        _ => Refusal::invalid("too_many", format!("Send at most {MOST_ROWS} rows.")),
    };
    Err(Problem::refused("rows", refusal))
}

/// What becomes of a client who is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The client is changed to what the row says.
    Update,
    /// The client stays. A row with another name or date of birth is wrong.
    Keep,
}

/// A list of clients to bring in line.
#[derive(Clone, Copy)]
pub struct List<'a> {
    /// The app.
    pub app: &'a App,
    /// The practice.
    pub practice: &'a Practice,
    /// The author of the events.
    pub author: &'a Author,
    /// What becomes of a client who is there already.
    pub held: Held,
    /// Whether to say only what would become of each row.
    pub dry_run: bool,
    /// Whether nobody gets a mail.
    pub silent: bool,
}

/// What the table knows of the record numbers and dates of birth of some rows.
struct Known(HashMap<Key, Item>);

impl Known {
    async fn read(
        app: &App,
        practice: &PracticeId,
        rows: &[Result<Row, Synced>],
    ) -> Result<Self, Problem> {
        let rows = rows.iter().filter_map(|row| row.as_ref().ok());
        let keys = rows.flat_map(|row| {
            let record = keys::record(practice, &row.record_number);
            [record, keys::born(practice, row.date_of_birth)]
        });
        // A batch names no key twice.
        let keys: HashSet<Key> = keys.collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        app.store().get_many(&keys).await.map(Self)
    }
}

/// What the history is told of a call beside the changes.
#[derive(Debug, Default)]
struct Seen {
    /// Clients who were shown and did not change.
    shown: BTreeSet<ClientId>,
    /// Changes of clients that were refused, and why.
    refused: BTreeMap<ClientId, String>,
    /// Whether a client was changed, with an event of its own.
    changed: bool,
}

impl Seen {
    /// Of an answer that is given again.
    fn of(before: &Results) -> Self {
        let shown = before.results.iter().filter_map(|synced| synced.client_id).collect();
        Self { shown, ..Self::default() }
    }
}

/// What became of a row, and what the history is told of it.
struct Done {
    synced: Synced,
    seen: Seen,
}

impl Done {
    /// The client was shown as it is.
    fn shown(synced: Synced, clients: impl IntoIterator<Item = ClientId>) -> Self {
        let shown = clients.into_iter().collect();
        Self { synced, seen: Seen { shown, ..Seen::default() } }
    }

    fn changed(synced: Synced) -> Self {
        Self { synced, seen: Seen { changed: true, ..Seen::default() } }
    }
}

/// What one row found.
enum Found {
    /// The client who has its record number.
    Held(ClientId),
    /// Nobody; the last client who was created with its date of birth.
    Free(Option<Born>),
}

/// Clients as they would be after the rows before, in a dry run.
type Foreseen = HashMap<String, Chart>;

impl List<'_> {
    /// Brings the clients of some rows in line: at most [`MOST_ROWS`].
    ///
    /// # Errors
    /// 503 when the table does not answer: rows may have been written by then, and the same rows again
    /// do the rest.
    pub async fn rows(&self, rows: Vec<Row>) -> Result<Vec<Synced>, Problem> {
        let rows: Vec<Result<Row, Synced>> = rows.into_iter().map(Ok).collect();
        let known = Known::read(self.app, &self.practice.practice, &rows).await?;
        self.sync(rows, &known).await.map(|(results, _)| results.results)
    }

    async fn sync(
        &self,
        rows: Vec<Result<Row, Synced>>,
        known: &Known,
    ) -> Result<(Results, Seen), Problem> {
        let mut synced: Vec<Option<Synced>> = Vec::new();
        let mut turns: Vec<Vec<(usize, Row)>> = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            match row {
                Ok(row) => {
                    join(&mut turns, at, row);
                    synced.push(None);
                }
                Err(invalid) => synced.push(Some(invalid)),
            }
        }
        let turns = turns.into_iter().map(|turn| self.take_turns(turn, known).boxed());
        let turns: Vec<BoxFuture<'_, _>> = turns.collect();
        let mut seen = Seen::default();
        let mut failed = None;
        // What was begun is ended, whatever becomes of the rest.
        for turn in stream::iter(turns).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await {
            match turn {
                Ok(done) => {
                    for (at, done) in done {
                        seen.shown.extend(done.seen.shown);
                        seen.refused.extend(done.seen.refused);
                        seen.changed |= done.seen.changed;
                        synced[at] = Some(done.synced);
                    }
                }
                Err(problem) => failed = Some(problem),
            }
        }
        if let Some(problem) = failed {
            return Err(problem);
        }
        Ok((Results { results: synced.into_iter().flatten().collect() }, seen))
    }

    /// Takes the rows of one turn, one after the other.
    async fn take_turns(
        &self,
        rows: Vec<(usize, Row)>,
        known: &Known,
    ) -> Result<Vec<(usize, Done)>, Problem> {
        let mut foreseen = Foreseen::new();
        let mut done = Vec::new();
        for (at, row) in rows {
            // What was read before belongs to the first row of a number.
            let repeats = done.iter().any(|(_, before): &(usize, Done)| {
                same_number(&before.synced.record_number, &row.record_number)
            });
            let found = if repeats { None } else { Some(self.found(&row, known)?) };
            done.push((at, self.row(&row, found, &mut foreseen).await?));
        }
        Ok(done)
    }

    fn found(&self, row: &Row, known: &Known) -> Result<Found, Problem> {
        let practice = &self.practice.practice;
        let holder = known.0.get(&keys::record(practice, &row.record_number)).cloned();
        if let Some(holder) = holder {
            return Ok(Found::Held(parse::<Holder>(holder)?.client_id));
        }
        let born = known.0.get(&keys::born(practice, row.date_of_birth)).cloned();
        Ok(Found::Free(born.map(parse).transpose()?))
    }

    /// Looks again at who holds the record number.
    async fn find(&self, row: &Row) -> Result<Found, Problem> {
        let practice = &self.practice.practice;
        let (store, key) = (self.app.store(), keys::record(practice, &row.record_number));
        let born = keys::born(practice, row.date_of_birth);
        let (holder, born) = both(store.get::<Holder>(&key), store.get(&born)).await?;
        Ok(holder.map_or(Found::Free(born), |holder| Found::Held(holder.client_id)))
    }

    async fn row(
        &self,
        row: &Row,
        mut found: Option<Found>,
        foreseen: &mut Foreseen,
    ) -> Result<Done, Problem> {
        let number = row.record_number.compared();
        if let Some(chart) = foreseen.get(&number).cloned() {
            return self.hold(row, chart, foreseen).await;
        }
        let mut retries = self.app.store().retries();
        loop {
            let found = match found.take() {
                Some(found) => found,
                None => self.find(row).await?,
            };
            let done = match found {
                Found::Held(client) => {
                    let chart = Chart::load(self.app.store(), &self.practice.practice, client);
                    self.hold(row, chart.await?, foreseen).await
                }
                Found::Free(last) => self.create(row, last, foreseen).await,
            };
            match done {
                // Somebody got the number meanwhile, or gave it away.
                Err(problem) if problem.code() == MOVED => {
                    retries.retry(WriteError::Conflict(Failed::default())).await?;
                }
                done => return done,
            }
        }
    }

    /// Brings in line the client who has the record number.
    async fn hold(
        &self,
        row: &Row,
        chart: Chart,
        foreseen: &mut Foreseen,
    ) -> Result<Done, Problem> {
        let client = chart.client.clone();
        let id = known_id(&client);
        let unchanged = || Done::shown(Synced::of(row, Outcome::Unchanged, id), id);
        if let Err(problem) = self.may_be(row, &client) {
            return refused(row, id, &problem);
        }
        if self.held == Held::Keep {
            return Ok(unchanged());
        }
        let accounts = self.accounts(row, &chart).await?;
        let attempt = Attempt::default();
        let request = self.request(&attempt);
        let decide = |chart: &mut ChartEdit<'_>| {
            if !same_number(row.record_number.as_str(), &chart.client.record_number) {
                return Err(moved());
            }
            self.may_be(row, &chart.client)?;
            let before = chart.client.clone();
            chart.update_client(&row.update(&before))?;
            Ok(chart.client != before)
        };
        let changed = if self.dry_run {
            let foresee = |chart: &mut ChartEdit<'_>| Ok((decide(chart)?, Chart::clone(chart)));
            let seen = Box::pin(chart.foresee(self.app, &request, accounts, foresee)).await;
            seen.map(|(changed, chart)| {
                foreseen.insert(row.record_number.compared(), chart);
                changed
            })
        } else {
            Box::pin(chart.change(self.app, &request, accounts, decide)).await
        };
        match changed {
            Ok(false) => Ok(unchanged()),
            Ok(true) => {
                let synced = Synced::of(row, Outcome::Updated, id);
                Ok(if self.dry_run { Done::shown(synced, id) } else { Done::changed(synced) })
            }
            Err(problem) => refused(row, id, &problem),
        }
    }

    /// Creates the client of a number that nobody has.
    async fn create(
        &self,
        row: &Row,
        last: Option<Born>,
        foreseen: &mut Foreseen,
    ) -> Result<Done, Problem> {
        let (app, practice) = (self.app, &self.practice.practice);
        let client = row.client(ClientId::new(app.ulid()));
        let alike = Alike::after(app, practice, &row.name, row.date_of_birth, last).await?;
        if self.dry_run {
            let there = foreseen.values().map(|chart| &chart.client);
            let mut there = there.filter(|other| is_alike(&client, other));
            if let Some(other) = there.next() {
                return Ok(duplicate(row, &[(known_id(other), other.record_number.clone())]));
            }
            let matches = alike.matches(app, practice, &client).await?;
            if matches.is_empty() {
                let chart = Chart::of_new(practice, client);
                foreseen.insert(row.record_number.compared(), chart);
                return Ok(Done::shown(Synced::of(row, Outcome::Created, None), []));
            }
            let there = matches.into_iter().map(|hit| (Some(hit.client_id), hit.record_number));
            return Ok(duplicate(row, &there.collect::<Vec<_>>()));
        }
        let id = client.client_id;
        let attempt = Attempt::default();
        let request = self.request(&attempt);
        let guardian = row.guardian.as_ref();
        let accounts: Vec<AccountKey> = guardian.iter().map(|user| user.account.clone()).collect();
        let invite = |chart: &mut ChartEdit<'_>| {
            guardian.map(|user| chart.add(user)).transpose()?;
            Ok(())
        };
        match Box::pin(alike.create(app, &request, client, &accounts, invite)).await {
            Ok(Creation::Created(())) => {
                Ok(Done::changed(Synced::of(row, Outcome::Created, Some(id))))
            }
            Ok(Creation::Alike(hits)) => {
                let there = hits.into_iter().map(|hit| (Some(hit.client_id), hit.record_number));
                Ok(duplicate(row, &there.collect::<Vec<_>>()))
            }
            Err(problem) if problem.code() == "record_number_taken" => Err(moved()),
            Err(problem) => refused(row, None, &problem),
        }
    }

    /// Whether the client who holds the record number is the one of the row.
    fn may_be(&self, row: &Row, client: &Client) -> Result<(), Problem> {
        let same_day = client.date_of_birth == row.date_of_birth;
        let part = |a: &NamePart, b: &NamePart| fold(a.as_str()) == fold(b.as_str());
        let is = match self.held {
            Held::Update => same_day || names_alike(&[named(&row.name)], &client.all_names()),
            Held::Keep => {
                same_day
                    && part(&client.name.first, &row.name.first)
                    && part(&client.name.last, &row.name.last)
            }
        };
        let message = match self.held {
            _ if is => return Ok(()),
            Held::Update => {
                "Another client has this record number: both name and date of birth differ."
            }
            Held::Keep => "is held by a client with another name or date of birth",
        };
        Err(Problem::taken("recordNumber", "record_number_taken", message))
    }

    /// The accounts that a changed name shows on. A dry run reads them; a change reads what it needs.
    async fn accounts(&self, row: &Row, chart: &Chart) -> Result<Accounts, Problem> {
        let renamed = row.update(&chart.client).name.is_some_and(|name| name != chart.client.name);
        if !self.dry_run || !renamed {
            return Ok(Accounts::new());
        }
        let selves = chart.users.iter().filter(|u| u.relationship == Relationship::Oneself);
        let wanted: Vec<AccountKey> = selves.map(|user| user.account.clone()).collect();
        Chart::accounts(self.app.store(), &self.practice.practice, &wanted).await
    }

    fn request<'a>(&'a self, attempt: &'a Attempt) -> Request<'a> {
        Request {
            practice: self.practice,
            author: self.author,
            attempt,
            // What was found unchanged is recorded together, at the end.
            unchanged: None,
            silent: self.silent,
        }
    }

    /// Records what the answer shows, and keeps it for a repetition of the call: whichever of two calls
    /// with one key is first at this, the other gives its answer.
    async fn record(
        &self,
        seen: &Seen,
        attempt: &Attempt,
        results: Results,
    ) -> Result<Results, Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        loop {
            let mut change = store.change();
            self.tell(seen, &mut change);
            attempt.keep(&mut change, self.app.now(), &results)?;
            let Err(error) = store.write(change).await else { return Ok(results) };
            retries.retry(error).await?;
            if let Some(before) = attempt.answered(store, self.app.now()).await? {
                let mut change = store.change();
                self.tell(&Seen::of(&before), &mut change);
                store.write(change).await?;
                return Ok(before);
            }
        }
    }

    fn tell(&self, seen: &Seen, change: &mut Change) {
        let event = |action: Action| -> Event {
            self.author.event(self.app, &self.practice.practice, action)
        };
        for client in &seen.shown {
            change.event(&event(Action::ClientShown).client(*client));
        }
        for (client, code) in &seen.refused {
            change.event(&event(Action::Refused).client(*client).because(code.as_str()));
        }
        if seen.shown.is_empty() && seen.refused.is_empty() && !seen.changed {
            change.event(&event(Action::ClientsCompared));
        }
    }
}

/// The code of a refusal that is never answered: the record number has another holder than when it was
/// looked at.
const MOVED: &str = "number_moved";

fn moved() -> Problem {
    Problem::conflict(MOVED, "The record number has another holder now.")
}

/// The client's id; one whom a row before would create has none yet.
fn known_id(client: &Client) -> Option<ClientId> {
    (client.rev > 0).then_some(client.client_id)
}

fn same_number(sent: &str, number: &RecordNumber) -> bool {
    RecordNumber::parse(sent).is_ok_and(|sent| sent.compared() == number.compared())
}

/// A row whose client may not be created or changed so, with the fields at fault. Any other problem is
/// passed on.
fn refused(row: &Row, client: Option<ClientId>, problem: &Problem) -> Result<Done, Problem> {
    if !problem.status().is_client_error() || problem.code() == MOVED {
        return Err(problem.clone());
    }
    let body = problem.body("");
    let mut fields = body.fields;
    if fields.is_empty() {
        let (code, message) = (body.code.into(), body.detail.into());
        fields.push(FieldProblem { field: "row".to_owned(), code, message });
    }
    let number = row.record_number.as_str().to_owned();
    let refused = client.map(|client| (client, problem.code().to_owned()));
    let seen = Seen { refused: refused.into_iter().collect(), ..Seen::default() };
    Ok(Done { synced: Synced::invalid(number, client, fields), seen })
}

/// A row that may be clients who are there, or who the rows before would create.
fn duplicate(row: &Row, there: &[(Option<ClientId>, RecordNumber)]) -> Done {
    let named = &there[..there.len().min(MOST_ALIKE)];
    let mut synced = Synced::of(row, Outcome::PossibleDuplicate, named.first().and_then(|n| n.0));
    let numbers: Vec<&str> = named.iter().map(|(_, number)| number.as_str()).collect();
    let message = format!(
        "This may be the client with record number {}: a like name and the same date of birth.",
        numbers.join(", ")
    );
    let refusal = Refusal::rule("possible_duplicate", message);
    synced.fields.insert(0, field("recordNumber", refusal));
    Done::shown(synced, named.iter().filter_map(|(client, _)| *client))
}

/// Puts a row into the turn of those that it could be a duplicate of.
fn join(turns: &mut Vec<Vec<(usize, Row)>>, at: usize, row: Row) {
    let number = row.record_number.compared();
    let meets = |(_, other): &(usize, Row)| {
        other.date_of_birth == row.date_of_birth || other.record_number.compared() == number
    };
    let (joined, others): (Vec<_>, Vec<_>) =
        std::mem::take(turns).into_iter().partition(|turn: &Vec<_>| turn.iter().any(meets));
    let mut turn: Vec<(usize, Row)> = joined.into_iter().flatten().collect();
    turn.push((at, row));
    turn.sort_by_key(|(at, _)| *at);
    *turns = others;
    turns.push(turn);
}
