//! Loading clients: from a roster, as `sync-clients` brings a list of clients in line. A client who is
//! there already is passed over, so that loading can be repeated, and can go on where it was
//! stopped.

use std::{fmt::Display, io::Write, path::Path};

use add_portal_user::NewPortalUser;
use create_client::NewClient;
use indicatif::{ProgressBar, ProgressStyle};
use shared::{
    App, Problem,
    alike::{Alike, Creation},
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, NewUser, Request},
    history::{Actor, Author},
    id::{AccountKey, ClientId, PortalUserId},
    idempotency::Attempt,
    outbox::Outgoing,
    practice::Practice,
};
use sync_clients::{Held, List, MOST_ROWS, Outcome, Synced};

use crate::{
    Trouble,
    roster::{self, Mistake, Roster, Row},
};

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
    let author = author(app);
    let list =
        List { app, practice, author: &author, held: Held::Keep, dry_run: false, silent: false };
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
        let count = rows.len() as u64;
        let synced = Box::pin(list.rows(sent)).await.map_err(|problem| {
            bar.abandon();
            let cause = problem.cause().unwrap_or(problem.code());
            Trouble::new(format!("the roster could not be loaded: {cause}"))
        })?;
        for (row, synced) in rows.iter().zip(&synced) {
            loaded.count(row, synced, &say);
        }
        bar.inc(count);
    }
    bar.finish();
    Ok(loaded)
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
