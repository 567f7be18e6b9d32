//! Loading clients: from a roster, as `sync-clients` brings a list of clients in line. A client who is
//! there already is passed over, so that loading can be repeated, and can go on where it was
//! stopped.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    fmt::Display,
    io::Write,
    path::Path,
    sync::Arc,
};

use add_portal_user::NewPortalUser;
use create_client::NewClient;
use indicatif::{ProgressBar, ProgressStyle};
use shared::{
    App, Problem,
    alike::{Alike, Creation},
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, NewUser, Request},
    fields::Date,
    history::{Actor, Author},
    id::{AccountKey, ClientId, PortalUserId},
    idempotency::Attempt,
    outbox::Outgoing,
    practice::Practice,
};
use sync_clients::{Held, List, MOST_ROWS, Outcome, Synced};
use tokio::task::JoinHandle;

use crate::{
    Trouble,
    roster::{self, Mistake, Roster, Row},
};

/// Parts of a roster that are brought in line at a time, each on a processor of its own.
const AT_ONCE: usize = 4;

/// What became of a roster.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Clients who are new.
    pub new: usize,
    /// Rows whose record number was there already.
    pub known: usize,
    /// Rows whose client may be another who is there, by name and date of birth. They are left out; each
    /// was said on standard error.
    pub alike: usize,
    /// Rows that could not be loaded; each was said too.
    pub wrong: usize,
    /// Optional fields of new clients that were wrong and left out; each was said too.
    pub left_out: usize,
}

/// A client who is new, with those who were invited.
pub struct Added {
    /// The client.
    pub client: ClientId,
    /// The invitations, in the order in which they were asked for.
    pub invited: Vec<(PortalUserId, Outgoing)>,
}

/// Loads a roster into a practice, with a progress bar on standard error.
///
/// # Errors
/// One line when the file as a whole cannot be read, or the table does not answer.
pub async fn roster(app: &App, practice: &Practice, path: &Path) -> Result<Loaded, Trouble> {
    let rows = roster::check(path, app.now())?;
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} clients {elapsed}") {
        bar.set_style(style);
    }
    let mut loaded = Loaded::default();
    let say = |line: &dyn Display| {
        bar.suspend(|| {
            // Standard error is where this goes, or nowhere.
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    };
    let into = Arc::new((app.clone(), practice.clone(), author(app)));
    let mut under_way: VecDeque<Part> = VecDeque::new();
    let end = async |part: Part, loaded: &mut Loaded| {
        let synced = part.synced.await.map_err(|gone| gone.to_string()).and_then(|synced| {
            synced.map_err(|problem| problem.cause().unwrap_or(problem.code()).to_owned())
        });
        let synced = synced.map_err(|cause| {
            bar.abandon();
            Trouble::new(format!("the roster could not be loaded: {cause}"))
        })?;
        for (row, synced) in part.rows.iter().zip(&synced) {
            loaded.count(row, synced, &say);
        }
        bar.inc(part.rows.len() as u64);
        Ok(())
    };
    let mut roster = Roster::open(path, app.now())?.peekable();
    while roster.peek().is_some() {
        let (mut rows, mut sent) = (Vec::new(), Vec::new());
        for row in roster.by_ref().take(MOST_ROWS) {
            let read = row.map_err(|mistakes| mistakes.to_string()).and_then(|row| {
                let client = as_synced(app, practice, &row);
                client.map(|client| (row, client)).map_err(|problem| problem.code().to_owned())
            });
            match read {
                Ok((row, client)) => {
                    rows.push(row);
                    sent.push(client);
                }
                Err(mistake) => {
                    loaded.wrong += 1;
                    say(&mistake);
                }
            }
        }
        // Rows that could be one another's duplicate take turns in the file's order.
        while under_way.len() == AT_ONCE || under_way.iter().any(|part| part.meets(&rows)) {
            let Some(first) = under_way.pop_front() else { break };
            end(first, &mut loaded).await?;
        }
        under_way.push_back(Part::begin(&into, rows, sent));
    }
    for part in under_way {
        end(part, &mut loaded).await?;
    }
    bar.finish();
    Ok(loaded)
}

/// A part of a roster that is brought in line.
struct Part {
    rows: Vec<Row>,
    /// Who they may be: record numbers as they compare, and dates of birth.
    numbers: HashSet<String>,
    born: BTreeSet<Date>,
    synced: JoinHandle<Result<Vec<Synced>, Problem>>,
}

impl Part {
    fn begin(
        into: &Arc<(App, Practice, Author)>,
        rows: Vec<Row>,
        sent: Vec<sync_clients::Row>,
    ) -> Self {
        let into = Arc::clone(into);
        let synced = tokio::spawn(async move {
            let (app, practice, author) = &*into;
            let (held, dry_run, silent) = (Held::Keep, false, false);
            Box::pin(List { app, practice, author, held, dry_run, silent }.rows(sent)).await
        });
        let numbers = rows.iter().map(|row| row.record_number.compared()).collect();
        let born = rows.iter().map(|row| row.client.date_of_birth).collect();
        Self { rows, numbers, born, synced }
    }

    /// Whether a row of these could be a duplicate of one of its own.
    fn meets(&self, rows: &[Row]) -> bool {
        rows.iter().any(|row| {
            self.born.contains(&row.client.date_of_birth)
                || self.numbers.contains(&row.record_number.compared())
        })
    }
}

impl Loaded {
    /// Counts what became of a row, and says what the person who has the file should know.
    fn count(&mut self, row: &Row, synced: &Synced, say: &impl Fn(&dyn Display)) {
        let said = synced.fields.first().map_or("", |field| field.message.as_ref());
        let of_number = |message: &str| Mistake {
            line: row.line,
            column: Some(roster::COLUMNS[0]),
            message: message.to_owned(),
        };
        match synced.outcome {
            Outcome::Created => {
                self.new += 1;
                self.left_out += row.left_out.len();
                for mistake in &row.left_out {
                    say(mistake);
                }
            }
            Outcome::Unchanged | Outcome::Updated => self.known += 1,
            Outcome::PossibleDuplicate => {
                self.alike += 1;
                say(&of_number(said));
            }
            Outcome::Invalid => {
                self.wrong += 1;
                say(&of_number(said));
            }
        }
    }
}

/// A row as clients are synced.
fn as_synced(app: &App, practice: &Practice, row: &Row) -> Result<sync_clients::Row, Problem> {
    let client = row.client.clone();
    let guardian = row.guardian.clone();
    let guardian = guardian.map(|guardian| guardian.into_user(app, &practice.practice));
    Ok(sync_clients::Row {
        record_number: row.record_number.clone(),
        name: client.name,
        date_of_birth: client.date_of_birth,
        emails: Some(client.emails),
        phones: Some(client.phones),
        professional: Some(client.professional),
        guardian: guardian.transpose()?,
        left_out: Vec::new(),
    })
}

fn author(app: &App) -> Author {
    let caller = Caller { request_id: app.ulid().to_string(), source: String::new() };
    Author { actor: Actor::system(), caller }
}

/// Adds a client who is known to be another person than any who is there: with the first of its portal
/// users in one transaction, and each further one in one of their own. `None` when its record number is
/// held already.
///
/// # Errors
/// As the functions that create clients and portal users.
pub async fn add(
    app: &App,
    practice: &Practice,
    new: &NewClient,
    users: &[NewPortalUser],
    mail: bool,
) -> Result<Option<Added>, Problem> {
    create_client::check(app, new)?;
    let id = &practice.practice;
    let users: Vec<NewUser> =
        users.iter().map(|user| user.clone().into_user(app, id)).collect::<Result<_, _>>()?;
    let author = author(app);
    let attempt = Attempt::default();
    let request =
        Request { practice, author: &author, attempt: &attempt, unchanged: None, silent: !mail };
    let client = create_client::client(app, new)?;
    let mut added = Added { client: client.client_id, invited: Vec::new() };

    let (first, others) = users.split_first().unzip();
    let wanted: Vec<AccountKey> = first.iter().map(|first| first.account.clone()).collect();
    let invite_first = |chart: &mut ChartEdit<'_>| first.map(|new| invite(chart, new)).transpose();
    let created = Alike::nobody().create(app, &request, client, &wanted, invite_first);
    match Box::pin(created).await {
        Ok(Creation::Created(invited)) => added.invited.extend(invited),
        Ok(Creation::Alike(_)) => return Ok(None),
        Err(problem) if problem.code() == "record_number_taken" => return Ok(None),
        Err(problem) => return Err(problem),
    }
    for user in others.unwrap_or_default() {
        let chart = Chart::load(app.store(), id, added.client).await?;
        let add = |chart: &mut ChartEdit<'_>| invite(chart, user);
        let invited = Box::pin(chart.change(app, &request, Accounts::new(), add)).await?;
        added.invited.push(invited);
    }
    Ok(Some(added))
}

/// Adds a portal user; answers their id and their invitation.
fn invite(chart: &mut ChartEdit<'_>, new: &NewUser) -> Result<(PortalUserId, Outgoing), Problem> {
    let user = chart.add(new)?;
    let mut queued = chart.queued().iter();
    let mail = queued.find(|mail| mail.portal_user_id == user).cloned();
    Ok((user, mail.ok_or_else(|| Problem::internal("an invitation without a mail"))?))
}
