//! Loading clients: from a roster, row by row, each in one transaction of its own. A row that is
//! there already is passed over, so that loading can be repeated, and can go on where it was
//! stopped.

use std::{fmt::Display, io::Write, path::Path};

use add_portal_user::NewPortalUser;
use create_client::{Alike, NewClient};
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use shared::{
    App, Problem,
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, NewUser, OVERTAKEN, Request},
    client::{Client, Hit, Holder},
    fields::{NamePart, RecordNumber},
    history::{Actor, Author},
    id::{AccountKey, ClientId, PortalUserId},
    idempotency::Attempt,
    keys,
    outbox::Outgoing,
    practice::Practice,
    search,
};

use crate::{
    Trouble,
    roster::{self, Roster, Row},
};

/// Rows under way at a time.
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
    let outcomes = stream::iter(Roster::open(path, app.now())?).map(|row| async {
        match row {
            Ok(row) => (self::row(app, practice, &row).await, row.left_out),
            Err(mistake) => (Outcome::Wrong(mistake.to_string()), Vec::new()),
        }
    });
    let mut outcomes = outcomes.buffered(AT_ONCE);
    let mut loaded = Loaded::default();
    let say = |line: &dyn Display| {
        bar.suspend(|| {
            // Standard error is where this goes, or nowhere.
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    };
    while let Some((outcome, left_out)) = outcomes.next().await {
        if matches!(outcome, Outcome::New) {
            loaded.left_out += left_out.len();
            for mistake in &left_out {
                say(mistake);
            }
        }
        match outcome {
            Outcome::New => loaded.new += 1,
            Outcome::Known => loaded.known += 1,
            Outcome::Alike(line) => {
                loaded.alike += 1;
                say(&line);
            }
            Outcome::Wrong(line) => {
                loaded.wrong += 1;
                say(&line);
            }
            Outcome::Failed(problem) => {
                bar.abandon();
                let cause = problem.cause().unwrap_or(problem.code());
                return Err(Trouble::new(format!("the roster could not be loaded: {cause}")));
            }
        }
        bar.inc(1);
    }
    bar.finish();
    Ok(loaded)
}

enum Outcome {
    New,
    Known,
    Alike(String),
    Wrong(String),
    Failed(Problem),
}

async fn row(app: &App, practice: &Practice, row: &Row) -> Outcome {
    match Box::pin(load(app, practice, row)).await {
        Ok(outcome) => outcome,
        Err(problem) if problem.status().is_client_error() => {
            let about = problem.body("").detail;
            Outcome::Wrong(format!("line {}: {about}", row.line))
        }
        Err(problem) => Outcome::Failed(problem),
    }
}

async fn load(app: &App, practice: &Practice, row: &Row) -> Result<Outcome, Problem> {
    let guardian = row.guardian.clone().into_iter().collect::<Vec<_>>();
    let (line, new) = (row.line, &row.client);
    Ok(match create(app, practice, new, &guardian, true, true).await? {
        Creation::Added(_) => Outcome::New,
        Creation::Alike(hits) if !hits.iter().any(|hit| holds(hit, new)) => {
            let numbers: Vec<&str> = hits.iter().map(|hit| hit.record_number.as_str()).collect();
            let there = numbers.join(", ");
            Outcome::Alike(format!(
                "line {line}: may be the client with record number {there}: a like name and the same date of birth"
            ))
        }
        Creation::Held | Creation::Alike(_) if is_known(app, practice, new).await? => {
            Outcome::Known
        }
        Creation::Held | Creation::Alike(_) => Outcome::Wrong(format!(
            "line {line}: record_number: is held by a client with another name or date of birth"
        )),
    })
}

/// Whether somebody has the record number of a new client.
fn holds(hit: &Hit, new: &NewClient) -> bool {
    let number = new.record_number.as_ref().map(RecordNumber::compared);
    number.is_some_and(|number| hit.record_number.compared() == number)
}

/// Whether the client who holds the record number is the one of the row.
async fn is_known(app: &App, practice: &Practice, new: &NewClient) -> Result<bool, Problem> {
    let id = &practice.practice;
    let Some(number) = &new.record_number else { return Ok(false) };
    let holder: Option<Holder> = app.store().get(&keys::record(id, number)).await?;
    let Some(holder) = holder else { return Ok(false) };
    let held: Option<Client> = app.store().get(&keys::client(id, holder.client_id)).await?;
    let part = |part: &NamePart| search::fold(part.as_str());
    Ok(held.is_some_and(|held| {
        held.date_of_birth == new.date_of_birth
            && part(&held.name.first) == part(&new.name.first)
            && part(&held.name.last) == part(&new.name.last)
    }))
}

/// Adds a client who is known to be another person than any who is there, with those who may enter
/// its portal. `None` when its record number is held already.
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
    match create(app, practice, new, users, mail, false).await? {
        Creation::Added(added) => Ok(Some(added)),
        Creation::Held | Creation::Alike(_) => Ok(None),
    }
}

/// What became of a client to add.
enum Creation {
    Added(Added),
    /// The record number is held already.
    Held,
    /// These may be the client.
    Alike(Vec<Hit>),
}

/// Adds a client with the first of its portal users in one transaction, and each further one in one of
/// their own. `wary`: unless somebody with the same date of birth and a like name is there.
async fn create(
    app: &App,
    practice: &Practice,
    new: &NewClient,
    users: &[NewPortalUser],
    mail: bool,
    wary: bool,
) -> Result<Creation, Problem> {
    create_client::check(app, new)?;
    let id = &practice.practice;
    let users: Vec<NewUser> =
        users.iter().map(|user| user.clone().into_user(app, id)).collect::<Result<_, _>>()?;
    let caller = Caller { request_id: app.ulid().to_string(), source: String::new() };
    let author = Author { actor: Actor::system(), caller };
    let attempt = Attempt::default();
    let request =
        Request { practice, author: &author, attempt: &attempt, unchanged: None, silent: !mail };
    let client = create_client::client(app, new)?;
    let mut added = Added { client: client.client_id, invited: Vec::new() };

    let (first, others) = users.split_first().unzip();
    let wanted: Vec<AccountKey> = first.iter().map(|first| first.account.clone()).collect();
    loop {
        let alike = Alike::look(app, id, new, wary).await?;
        let matches = alike.matches(app, id, new).await?;
        if !matches.is_empty() {
            return Ok(Creation::Alike(matches));
        }
        let create = |chart: &mut ChartEdit<'_>| {
            chart.create(alike.others)?;
            first.map(|first| invite(chart, first)).transpose()
        };
        let accounts = Chart::accounts(app.store(), id, &wanted).await?;
        let chart = Chart::of_new(id, client.clone());
        match Box::pin(chart.change(app, &request, accounts, create)).await {
            Ok(invited) => {
                added.invited.extend(invited);
                break;
            }
            Err(problem) if problem.code() == OVERTAKEN => {}
            Err(problem) if problem.code() == "record_number_taken" => return Ok(Creation::Held),
            Err(problem) => return Err(problem),
        }
    }
    for user in others.unwrap_or_default() {
        let chart = Chart::load(app.store(), id, added.client).await?;
        let add = |chart: &mut ChartEdit<'_>| invite(chart, user);
        let invited = Box::pin(chart.change(app, &request, Accounts::new(), add)).await?;
        added.invited.push(invited);
    }
    Ok(Creation::Added(added))
}

/// Adds a portal user; answers their id and their invitation.
fn invite(chart: &mut ChartEdit<'_>, new: &NewUser) -> Result<(PortalUserId, Outgoing), Problem> {
    let user = chart.add(new)?;
    let mut queued = chart.queued().iter();
    let mail = queued.find(|mail| mail.portal_user_id == user).cloned();
    Ok((user, mail.ok_or_else(|| Problem::internal("an invitation without a mail"))?))
}
