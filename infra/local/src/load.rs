//! Loading clients: from a roster, row by row, each in one transaction of its own. A row that is
//! there already is passed over, so that loading can be repeated, and can go on where it was
//! stopped.

use std::{io::Write, path::Path};

use add_portal_user::NewPortalUser;
use create_client::NewClient;
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::de::IgnoredAny;
use shared::{
    App, Problem,
    account::Account,
    chart::Chart,
    fields::{
        ContactEmail, ContactPhone, ContactType, Date, Email, Name, NamePart, Permission,
        PhoneNumber, Professional, RecordNumber, Refusal, Relationship, Username,
    },
    history::{Action, Actor, Event},
    id::{AccountId, ClientId, PortalUserId},
    keys,
    outbox::Outgoing,
    practice::Practice,
    store::Change,
    web::Caller,
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
    let loading = Loading { app, practice, mail };
    let mut retries = app.store().retries();
    let mut added = loop {
        let client = create_client::client(app, new)?;
        let mut added = Added { client: client.client_id, invited: Vec::new() };
        let mut change = app.store().change();
        create_client::register(&mut change, id, &client);
        change.event(&loading.event(Action::ClientCreated).client(client.client_id));
        let mut chart = Chart::of_new(id, client);
        match users.first() {
            Some(first) => {
                added.invited.push(loading.invite(&mut chart, first, &mut change).await?);
            }
            None => chart.save(&mut change),
        }
        let Err(error) = app.store().write(change).await else { break added };
        let failed = retries.retry(error).await?;
        if let Some(number) = &new.record_number
            && failed.contains(&create_client::RECORD)
        {
            let held: Option<IgnoredAny> = app.store().get(&keys::record(id, number)).await?;
            if held.is_some() {
                return Ok(None);
            }
        }
    };
    for user in users.iter().skip(1) {
        let mut retries = app.store().retries();
        loop {
            let mut chart = Chart::load(app.store(), id, added.client).await?;
            let mut change = app.store().change();
            let invited = loading.invite(&mut chart, user, &mut change).await?;
            let Err(error) = app.store().write(change).await else {
                added.invited.push(invited);
                break;
            };
            retries.retry(error).await?;
        }
    }
    Ok(Some(added))
}

struct Loading<'a> {
    app: &'a App,
    practice: &'a Practice,
    mail: bool,
}

impl Loading<'_> {
    /// Adds a portal user to a chart, which is saved with it.
    async fn invite(
        &self,
        chart: &mut Chart,
        new: &NewPortalUser,
        change: &mut Change,
    ) -> Result<(PortalUserId, Outgoing), Problem> {
        let id = &self.practice.practice;
        let username = new.username.clone().unwrap_or_else(|| Username::from(&new.email));
        let key = keys::account(id, &AccountId::of(id, &username));
        let account: Option<Account> = self.app.store().get(&key).await?;
        let (user, outgoing) =
            add_portal_user::add(self.app, chart, account, self.practice, new, change)?;
        if self.mail {
            outgoing.queue(change);
        }
        let client = chart.client.client_id;
        change.event(&self.event(Action::PortalUserAdded).client(client).portal_user(user));
        Ok((user, outgoing))
    }

    fn event(&self, action: Action) -> Event {
        let caller = Caller { request_id: self.app.ulid().to_string(), source: String::new() };
        Event::new(self.app, &caller, &Actor::system(), &self.practice.practice, action)
    }
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
