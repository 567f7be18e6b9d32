//! The sample practices of a first start: `harbor` with a few hundred clients, and `cove`. A few
//! of harbor's clients have portal users in every status, so that each page has something to show.

use add_portal_user::NewPortalUser;
use axum::{Router, body::Body};
use create_client::NewClient;
use http::{Request, StatusCode, header};
use serde_json::json;
use shared::{
    App, Problem,
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, Request as ChartRequest},
    fields::{
        AppName, ContactPhone, ContactType, Date, Email, GivenEmail, Name, NamePart, Permission,
        PhoneNumber, Professional, RecordNumber, Refusal, Relationship, StaffName, Username,
    },
    history::{Action, Actor, Author, Event},
    id::{AppId, ClientId, PortalUserId, PracticeId},
    idempotency::Attempt,
    keys,
    lists::Listing,
    mail::MailState,
    mirror::to_account,
    oauth::{
        address::{Address, Hosts},
        app::{AppKind, Authentication, RegisteredApp, Registration},
    },
    portal_user::{Invitation, PortalUser},
    practice::Practice,
    store::Update,
    team::{NewMember, StaffRole, Team},
    token::InvitationToken,
};
use tower::ServiceExt;

use crate::keys::SigningKey;
use crate::load::{Added, add};
use crate::room::{CALLBACK, NOTICE, SIGNED_OUT};

/// The password of every sample portal user who has one.
pub const PASSWORD: &str = "tidal lantern orchard 27";

/// The sample practices.
pub const PRACTICES: [&str; 2] = ["harbor", "cove"];

/// The staff of the sample practices at the first start: practice, name, address and role.
pub const STAFF: [(&str, &str, &str, StaffRole); 4] = [
    ("harbor", "Dana Whitfield", "dana@harbor.example", StaffRole::Admin),
    ("harbor", "Felix Moreno", "felix@harbor.example", StaffRole::Staff),
    ("harbor", "Ada Lindqvist", "ada@harbor.example", StaffRole::Auditor),
    ("cove", "Casey Brandt", "casey@cove.example", StaffRole::Admin),
];

/// Clients of harbor who are nobody in particular.
const CROWD: usize = 300;

/// A practice's id, or a fault of ours.
///
/// # Errors
/// 500 when it is none.
pub fn practice_id(id: &str) -> Result<PracticeId, Problem> {
    PracticeId::parse(id).ok_or_else(|| Problem::internal("a sample practice"))
}

fn sample<T>(parsed: Result<T, Refusal>) -> Result<T, Problem> {
    parsed.map_err(|refusal| Problem::internal(format!("a sample: {refusal}")))
}

/// The settings of a sample practice, made when they are missing. Its portal is wherever this home
/// is now.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn practice(app: &App, id: &str, name: &str) -> Result<Practice, Problem> {
    let id = practice_id(id)?;
    let inbox = sample(Email::parse(&format!("alerts@{id}.example")))?;
    let fresh = Practice::new(id, name, &app.config().portal_origin, inbox);
    let key = keys::practice(&fresh.practice);
    let practice = match app.store().get::<Practice>(&key).await? {
        Some(known) if known.portal_address == fresh.portal_address => return Ok(known),
        Some(known) => Practice { portal_address: fresh.portal_address, ..known },
        None => fresh,
    };
    let mut change = app.store().change();
    change.set(&key, &practice);
    match app.store().write(change).await {
        Ok(()) => Ok(practice),
        Err(_) => Err(Problem::unavailable("the sample practice was not written")),
    }
}

/// Puts the sample staff on the list of a practice that has nobody on it.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn staff(app: &App, practice: &Practice) -> Result<(), Problem> {
    let id = &practice.practice;
    // Somebody who was taken off the list is not put back.
    if !Team::load(app.store(), id).await?.members().is_empty() {
        return Ok(());
    }
    // An admin is the first: if this is broken off, the rest can be added on the page.
    for (_, name, email, role) in STAFF.iter().filter(|(of, ..)| *of == id.as_str()) {
        let new = NewMember {
            name: sample(StaffName::parse(name))?,
            email: sample(Email::parse(email))?,
            role: (*role).into(),
        };
        let team = Team::load(app.store(), id).await?;
        let caller = Caller { request_id: app.ulid().to_string(), source: String::new() };
        let event = Event::new(app, &caller, &Actor::system(), id, Action::StaffAdded);
        let mut change = app.store().change();
        let member = team.add(app, &mut change, new)?;
        change.event(&event.staff(member.staff_id, &member.name));
        app.store().write(change).await?;
    }
    Ok(())
}

/// Has the people of a list matched by their address again: to them, an issuer that moved is another one.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn match_anew(app: &App, practice: &Practice) -> Result<(), Problem> {
    let id = &practice.practice;
    for member in Team::load(app.store(), id).await?.members() {
        let Some(subject) = &member.subject else { continue };
        let mut change = app.store().change();
        change.update(&Update::of(keys::member(id, member.staff_id)).unset("subject"));
        change.discard(&keys::login(subject, id));
        app.store().write(change).await?;
    }
    Ok(())
}

/// Loads the sample clients of harbor. Repeating it adds only what is missing.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn harbor(app: &App, practice: &Practice, api: &Router) -> Result<(), Problem> {
    let sample = Samples { app, practice, api };
    sample.okafors().await?;
    sample.family().await?;
    sample.invited().await?;
    for number in 0..CROWD {
        add(app, practice, &one_of_many(number)?, &[], false).await?;
    }
    Ok(())
}

/// Registers the sample room, which is at `origin` now, as an app of a practice. The app that has the room's
/// key is the room: it gets the addresses of today, and is otherwise left as an admin has made it, switched
/// off included.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn room(
    app: &App,
    practice: &Practice,
    key: &SigningKey,
    origin: &str,
) -> Result<AppId, Problem> {
    let address = |path: &str| sample(Address::parse(&format!("{origin}{path}")));
    let public = serde_json::from_value(key.jwk.clone());
    let registration = Registration {
        name: sample(AppName::parse("Messages"))?,
        kind: AppKind::Portal,
        permission: Some(Permission::Messaging),
        launch_url: Some(address("/")?),
        redirect_uris: vec![address(CALLBACK)?],
        post_logout_redirect_uris: vec![address(SIGNED_OUT)?],
        logout_uri: Some(address(NOTICE)?),
        authentication: Authentication::Key,
        public_keys: vec![public.map_err(|error| Problem::internal(error.to_string()))?],
        scopes: std::collections::BTreeSet::new(),
    };
    registration.check(Hosts::of(app.config()))?;
    let caller = Caller { request_id: app.ulid().to_string(), source: String::new() };
    let event = |action| Event::new(app, &caller, &Actor::system(), &practice.practice, action);
    let is_room = |known: &RegisteredApp| {
        known.registration.public_keys.iter().any(|known| known.kid.as_str() == key.id)
    };
    let all = RegisteredApp::all(app.store(), &practice.practice).await?;
    let mut change = app.store().change();
    let id = if let Some(mut known) = all.into_iter().find(is_room) {
        let was = known.registration.clone();
        let now = &mut known.registration;
        now.launch_url = registration.launch_url;
        now.redirect_uris = registration.redirect_uris;
        now.post_logout_redirect_uris = registration.post_logout_redirect_uris;
        now.logout_uri = registration.logout_uri;
        if *now == was {
            return Ok(known.app_id);
        }
        known.version += 1;
        let (id, name) = (known.app_id.clone(), &known.registration.name);
        let changed = ["launchUrl", "redirectUris", "postLogoutRedirectUris", "logoutUri"];
        change.replace(&RegisteredApp::key(&id), &known, known.rev);
        change.event(&event(Action::AppUpdated).app(&id, name).changed(changed));
        id
    } else {
        let (new, _) = RegisteredApp::new(app, practice.practice.clone(), registration);
        let (id, name) = (new.app_id.clone(), &new.registration.name);
        change.insert(&RegisteredApp::key(&id), &new);
        change.event(&event(Action::AppRegistered).app(&id, name));
        id
    };
    match app.store().write(change).await {
        Ok(()) => Ok(id),
        Err(_) => Err(Problem::unavailable("the sample room was not registered")),
    }
}

/// Loads the sample clients of cove.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn cove(app: &App, practice: &Practice) -> Result<(), Problem> {
    for (record, first, last, born) in
        [("CV-1", "Amara", "Okafor", "1991-01-05"), ("CV-2", "Rosa", "Delgado", "1979-09-30")]
    {
        add(app, practice, &person(record, first, last, born)?, &[], false).await?;
    }
    Ok(())
}

struct Samples<'a> {
    app: &'a App,
    practice: &'a Practice,
    api: &'a Router,
}

impl Samples<'_> {
    /// A client with three portal users: herself, who owns the chart, a spouse and a parent.
    async fn okafors(&self) -> Result<(), Problem> {
        let client = person("HP-200001", "Amara", "Okafor", "1984-03-12")?;
        let users = [
            user("Amara", "Okafor", "amara.okafor", Relationship::Oneself, &ALL)?,
            user("Chidi", "Okafor", "c.okafor1l", Relationship::Spouse, &[Permission::Billing])?,
            user(
                "Ngozi",
                "Okafor",
                "ngozi.O0",
                Relationship::Parent,
                &[Permission::Basic, Permission::Documents],
            )?,
        ];
        let Some(added) = self.add(&client, &users, false).await? else { return Ok(()) };
        for (user, _) in &added.invited {
            self.enroll(&added, *user, "Okafor", "1984-03-12").await?;
        }
        let (owner, _) = added.invited[0];
        self.change(added.client, |chart| chart.assign(Some(owner))).await
    }

    /// One parent with two children: one account, two charts.
    async fn family(&self) -> Result<(), Problem> {
        let parent = user("Holly", "Marsh", "holly.marsh", Relationship::Parent, &ALL)?;
        for (record, first, born) in
            [("HP-200002", "Wren", "2014-06-02"), ("HP-200003", "Silas", "2016-11-23")]
        {
            let child = person(record, first, "Marsh", born)?;
            let users = std::slice::from_ref(&parent);
            let Some(added) = self.add(&child, users, false).await? else { continue };
            self.enroll(&added, added.invited[0].0, "Marsh", born).await?;
        }
        Ok(())
    }

    /// Somebody whose invitation is under way, one whose invitation ran out, one revoked.
    async fn invited(&self) -> Result<(), Problem> {
        let client = person("HP-200004", "Tomás", "García Márquez", "1990-08-17")?;
        let users = [user("Tomás", "García Márquez", "tomas", Relationship::Oneself, &ALL)?];
        self.add(&client, &users, true).await?;

        let client = person("HP-200005", "Ambrose", "Quill", "2009-06-24")?;
        let users = [user("Edith", "Quill", "edith.quill", Relationship::Guardian, &ALL)?];
        if let Some(added) = self.add(&client, &users, false).await? {
            let (id, _) = added.invited[0];
            self.run_out(added.client, id).await?;
        }

        let client = person("HP-200006", "Samuel", "Ames", "1957-01-30")?;
        let users = [user("Samuel", "Ames", "samuel.ames", Relationship::Oneself, &ALL)?];
        if let Some(added) = self.add(&client, &users, false).await? {
            let (id, _) = added.invited[0];
            self.enroll(&added, id, "Ames", "1957-01-30").await?;
            self.change(added.client, |chart| chart.revoke(id, None, None)).await?;
        }
        Ok(())
    }

    async fn add(
        &self,
        client: &NewClient,
        users: &[NewPortalUser],
        mail: bool,
    ) -> Result<Option<Added>, Problem> {
        let added = add(self.app, self.practice, client, users, mail).await?;
        if let (Some(added), false) = (&added, mail) {
            for (user, _) in &added.invited {
                let key = keys::portal_user(&self.practice.practice, added.client, *user);
                let delivered = Update::of(key).set("mail.state", &MailState::Delivered);
                self.app.store().update::<PortalUser>(delivered).await?;
            }
        }
        Ok(added)
    }

    async fn change(
        &self,
        client: ClientId,
        rule: impl Fn(&mut ChartEdit<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let chart = Chart::load(self.app.store(), &self.practice.practice, client).await?;
        let caller = Caller { request_id: self.app.ulid().to_string(), source: String::new() };
        let author = Author { actor: Actor::system(), caller };
        let request = ChartRequest {
            practice: self.practice,
            author: &author,
            attempt: &Attempt::default(),
            unchanged: None,
            silent: true,
        };
        Box::pin(chart.change(self.app, &request, Accounts::new(), rule)).await
    }

    /// Lets an invitation run out yesterday.
    async fn run_out(&self, client: ClientId, id: PortalUserId) -> Result<(), Problem> {
        const DAY: i64 = 24 * 60 * 60;
        let now = self.app.now();
        let (sent, ended) = (now.plus(-8 * DAY), now.plus(-DAY));
        let practice = &self.practice.practice;
        let chart = Chart::load(self.app.store(), practice, client).await?;
        let mut over = chart.user(id)?.clone();
        over.invitation = over.invitation.map(|invitation| Invitation {
            sent_at: sent,
            expires_at: ended,
            ..invitation
        });
        let user =
            Update::of(keys::portal_user(practice, client, id)).set("invitation", &over.invitation);
        let user = Listing::write(user, practice, &chart.client, &over);
        let summary = Update::of(keys::client(practice, client)).set("portal.invitedUntil", &ended);
        let grant = to_account::begin(practice, client, chart.user(id)?)
            .set(&format!("grants.{client}.invitedUntil"), &ended);
        let mut change = self.app.store().change();
        for update in [user, summary, grant] {
            change.update(&update);
        }
        Ok(self.app.store().write(change).await?)
    }

    /// Enrols a sample portal user as the person would, with the token of the mail.
    async fn enroll(
        &self,
        added: &Added,
        user: PortalUserId,
        last_name: &str,
        born: &str,
    ) -> Result<(), Problem> {
        let missing = || Problem::internal("a sample without an invitation");
        let (_, mail) = added.invited.iter().find(|(u, _)| *u == user).ok_or_else(missing)?;
        let token = InvitationToken {
            practice: self.practice.practice.clone(),
            account: mail.account.clone().ok_or_else(missing)?,
            client: added.client,
            user,
            secret: mail.nonce.ok_or_else(missing)?.secret(self.app)?,
        };
        let body = json!({
            "token": token.text(), "lastName": last_name, "dateOfBirth": born, "password": PASSWORD,
        });
        let request = Request::post("/api/portal/enrollment")
            .header(header::CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(body.to_string()))
            .map_err(|e| Problem::internal(e.to_string()))?;
        let answer = self.api.clone().oneshot(request).await;
        match answer.map(|a| a.status()) {
            Ok(StatusCode::CREATED) => Ok(()),
            Ok(status) => Err(Problem::internal(format!("a sample did not enrol: {status}"))),
            Err(never) => match never {},
        }
    }
}

const ALL: [Permission; 6] = [
    Permission::Basic,
    Permission::Messaging,
    Permission::Documents,
    Permission::Sessions,
    Permission::Billing,
    Permission::Surveys,
];

fn name(first: &str, last: &str) -> Result<Name, Problem> {
    let (first, last) = (sample(NamePart::parse(first))?, sample(NamePart::parse(last))?);
    sample(Name::new(first, last, None))
}

fn user(
    first: &str,
    last: &str,
    username: &str,
    relationship: Relationship,
    permissions: &[Permission],
) -> Result<NewPortalUser, Problem> {
    let address = username.to_lowercase();
    Ok(NewPortalUser {
        name: name(first, last)?,
        email: Some(sample(Email::parse(&format!("{address}@mail.example")))?),
        username: Some(sample(Username::parse(username))?),
        relationship,
        permissions: permissions.iter().copied().collect(),
        chart_owner: None,
        same_person: None,
        until: None,
        review_on: None,
    })
}

fn person(record: &str, first: &str, last: &str, born: &str) -> Result<NewClient, Problem> {
    let local: String = shared::search::fold(&format!("{first}{last}"));
    Ok(NewClient {
        name: name(first, last)?,
        date_of_birth: sample(Date::parse(born))?,
        record_number: Some(sample(RecordNumber::parse(record))?),
        emails: vec![GivenEmail {
            r#type: ContactType::Home,
            address: sample(Email::parse(&format!("{local}@mail.example")))?,
            safe: None,
        }],
        phones: vec![ContactPhone {
            r#type: ContactType::Mobile,
            number: sample(PhoneNumber::parse(&format!(
                "(207) 555-{:0>4}",
                record.len() * 137 % 10_000
            )))?,
        }],
        professional: Some(sample(Professional::parse("Dr. R. Lindqvist"))?),
        safe_contact: None,
        // A made-up roster: who is alike is another person.
        distinct: Some(true),
    })
}

const FIRST: [&str; 20] = [
    "Amelia", "Bruno", "Carla", "Dev", "Elif", "Farah", "Gus", "Hana", "Ivan", "June", "Kofi",
    "Lena", "Milo", "Nadia", "Omar", "Priya", "Quinn", "Rosa", "Seán", "Tess",
];
const LAST: [&str; 15] = [
    "Abbott",
    "Bianchi",
    "Castellanos",
    "Dufour",
    "Eriksen",
    "Fofana",
    "Grant",
    "Hart",
    "Ibrahim",
    "Jansen",
    "Kaplan",
    "Lindholm",
    "O\u{2019}Brien",
    "Nguyễn",
    "Ortega-Ruiz",
];

/// One of the crowd: the same one for the same number.
fn one_of_many(number: usize) -> Result<NewClient, Problem> {
    let (first, last) = (FIRST[number % FIRST.len()], LAST[number / FIRST.len() % LAST.len()]);
    let born =
        format!("{}-{:02}-{:02}", 1940 + number * 7 % 78, number % 12 + 1, number * 5 % 28 + 1);
    let mut client = person(&format!("HP-{}", 201_000 + number), first, last, &born)?;
    client.phones[0].number =
        sample(PhoneNumber::parse(&format!("(207) 555-{:04}", number * 31 % 10_000)))?;
    Ok(client)
}
