//! Loading clients: from a roster, row by row, each in one transaction of its own. A row that is
//! there already is passed over, so that loading can be repeated, and can go on where it was
//! stopped.

use std::{io::Write, path::Path};

use add_portal_user::NewPortalUser;
use create_client::NewClient;
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use shared::{
    App, Problem,
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, NewUser, Request},
    fields::{
        ContactEmail, ContactPhone, ContactType, Date, Email, Name, NamePart, Permission,
        PhoneNumber, Professional, RecordNumber, Refusal, Relationship,
    },
    history::{Actor, Author},
    id::{AccountKey, ClientId, PortalUserId},
    idempotency::Attempt,
    outbox::Outgoing,
    practice::Practice,
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
    /// Rows that could not be loaded; each was said on standard error.
    pub wrong: usize,
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
    let rows = roster::check(path)?;
    let bar = ProgressBar::new(rows as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} clients {elapsed}") {
        bar.set_style(style);
    }
    let outcomes = stream::iter(Roster::open(path)?).map(|row| async {
        match row {
            Ok(row) => self::row(app, practice, &row).await,
            Err(mistake) => Outcome::Wrong(mistake.to_string()),
        }
    });
    let mut outcomes = outcomes.buffered(AT_ONCE);
    let mut loaded = Loaded::default();
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Outcome::New => loaded.new += 1,
            Outcome::Known => loaded.known += 1,
            Outcome::Wrong(line) => {
                loaded.wrong += 1;
                bar.suspend(|| {
                    // Standard error is where this goes, or nowhere.
                    let _ = writeln!(std::io::stderr(), "{line}");
                });
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
    Wrong(String),
    Failed(Problem),
}

async fn row(app: &App, practice: &Practice, row: &Row) -> Outcome {
    let (client, guardian) = match parse(row) {
        Ok(parsed) => parsed,
        Err((column, refusal)) => {
            return Outcome::Wrong(format!("line {}: {column}: {}", row.line, refusal.message));
        }
    };
    let guardian = guardian.into_iter().collect::<Vec<_>>();
    match add(app, practice, &client, &guardian, true).await {
        Ok(Some(_)) => Outcome::New,
        Ok(None) => Outcome::Known,
        Err(problem) if problem.status().is_client_error() => {
            let about = problem.body("").detail;
            Outcome::Wrong(format!("line {}: {about}", row.line))
        }
        Err(problem) => Outcome::Failed(problem),
    }
}

/// Adds a client with the first of those who may enter its portal in one transaction, and each
/// further one in one of their own. `None` when its record number is held already.
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
    let caller = Caller { request_id: app.ulid().to_string(), source: String::new() };
    let author = Author { actor: Actor::system(), caller };
    let attempt = Attempt::default();
    let request =
        Request { practice, author: &author, attempt: &attempt, unchanged: None, silent: !mail };
    let client = create_client::client(app, new)?;
    let mut added = Added { client: client.client_id, invited: Vec::new() };

    let (first, others) = users.split_first().unzip();
    let create = |chart: &mut ChartEdit<'_>| {
        chart.create()?;
        first.map(|first| invite(chart, first)).transpose()
    };
    let wanted: Vec<AccountKey> = first.iter().map(|first| first.account.clone()).collect();
    let accounts = Chart::accounts(app.store(), id, &wanted).await?;
    let chart = Chart::of_new(id, client);
    match Box::pin(chart.change(app, &request, accounts, create)).await {
        Ok(invited) => added.invited.extend(invited),
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

type Parsed = (NewClient, Option<NewPortalUser>);

/// Reads a row's texts as the API would read them.
fn parse(row: &Row) -> Result<Parsed, (&'static str, Refusal)> {
    let at = |column: &'static str| move |refusal: Refusal| (column, refusal);
    let part = |text: &str, column| NamePart::parse(text).map_err(at(column));
    let preferred = row.preferred_name.as_deref().map(|p| part(p, "preferred_name")).transpose()?;
    let name = Name::new(
        part(&row.first_name, "first_name")?,
        part(&row.last_name, "last_name")?,
        preferred,
    )
    .map_err(at("last_name"))?;
    let email = row.email.as_deref().map(Email::parse).transpose().map_err(at("email"))?;
    let phone = row.phone.as_deref().map(PhoneNumber::parse).transpose().map_err(at("phone"))?;
    let professional = row.professional.as_deref().map(Professional::parse).transpose();
    let client = NewClient {
        name,
        date_of_birth: Date::parse(&row.date_of_birth.to_string()).map_err(at("date_of_birth"))?,
        record_number: Some(RecordNumber::parse(&row.record_number).map_err(at("record_number"))?),
        emails: email
            .map(|address| ContactEmail { r#type: ContactType::Home, address })
            .into_iter()
            .collect(),
        phones: phone
            .map(|number| ContactPhone { r#type: ContactType::Mobile, number })
            .into_iter()
            .collect(),
        professional: professional.map_err(at("professional"))?,
    };
    let Some(guardian) = &row.guardian else { return Ok((client, None)) };
    let guardian = NewPortalUser {
        name: Name::new(
            part(&guardian.first_name, "guardian_first_name")?,
            part(&guardian.last_name, "guardian_last_name")?,
            None,
        )
        .map_err(at("guardian_last_name"))?,
        email: Email::parse(&guardian.email).map_err(at("guardian_email"))?,
        username: None,
        relationship: relationship(&guardian.relationship),
        permissions: [Permission::Basic, Permission::Messaging, Permission::Documents].into(),
        chart_owner: None,
        same_person: None,
    };
    Ok((client, Some(guardian)))
}

fn relationship(text: &str) -> Relationship {
    match text {
        "parent" => Relationship::Parent,
        "guardian" => Relationship::Guardian,
        "spouse" => Relationship::Spouse,
        "self" => Relationship::Oneself,
        _ => Relationship::Other,
    }
}
