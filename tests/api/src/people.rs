//! People: staff who are signed in, clients, and those who may enter their portals. Each verb is
//! one request to the API.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use shared::{
    account, cookie,
    fields::{At, Email, StaffName, Username},
    history::Role,
    id::{AccountKey, LoginKey, PracticeId, SessionId, StaffId},
    jwt::{Audience, Claims},
    keys,
    staff::StaffSession,
    store::Update,
    team::{self, Login, Member, NewMember, Team},
};

use crate::{Answer, Call, PASSWORD, World};

/// Somebody of the staff, signed in.
#[derive(Clone)]
pub struct Staff {
    /// The Latchkey in which they work.
    pub world: World,
    /// The session's cookie, as `name=value`.
    pub cookie: String,
    /// The id on the practice's list.
    pub id: String,
}

/// A portal user in the making: ids, and the token of the newest mail.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The client.
    pub client: String,
    /// The portal user.
    pub user: String,
    /// The address.
    pub email: String,
    /// The token in the invitation.
    pub token: String,
}

static PEOPLE: AtomicU64 = AtomicU64::new(0);

impl World {
    /// Signs staff in, past the issuer: puts them on the practice's list, if they are not on it, and makes
    /// a session in the table and its cookie.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn staff(&self, practice: &str, name: &str, role: Role) -> Staff {
        let practice = PracticeId::parse(practice).expect("a practice");
        let (login, member) = self.member(&practice, name, role).await;
        let (now, sid) = (self.now(), SessionId::new(self.app.ulid()));
        let ends_at = now.plus(12 * 60 * 60);
        let session = StaffSession {
            epoch: member.epoch,
            began_at: now,
            idle_ends_at: now.plus(30 * 60),
            ends_at,
            used_at: Some(now),
            expires_at: ends_at.seconds(),
        };
        let mut change = self.app.store().change();
        change.insert(&keys::staff_session(&practice, member.staff_id, sid), &session);
        self.app.store().write(change).await.expect("written");
        let mut claims = staff_claims(&practice, member.staff_id, sid, role, now);
        claims.login = Some(login);
        let token = self.app.keys().sign(&claims).expect("a token");
        let cookie = format!("{}={token}", cookie::name(Audience::Staff));
        self.wire.forget();
        Staff { world: self.clone(), cookie, id: member.staff_id.to_string() }
    }

    /// A person of a practice's list who has signed in before.
    async fn member(&self, practice: &PracticeId, name: &str, role: Role) -> (LoginKey, Member) {
        let (app, store) = (&self.app, self.app.store());
        let email = format!("{}@{practice}.example", name.to_lowercase());
        let login = team::subject_key(app, "past the issuer", &email).expect("a key");
        let email = Email::parse(&email).expect("an address");
        let team = Team::load(store, practice).await.expect("a list");
        let mut member = if let Some(member) = team.with_email(&email) {
            member.clone()
        } else {
            let name = StaffName::parse(name).expect("a name");
            let mut change = store.change();
            let new = NewMember { name, email, role };
            let member = team.add(app, &mut change, new).expect("added");
            store.write(change).await.expect("written");
            member
        };
        if member.subject.is_none() || member.role != role {
            let key = keys::member(practice, member.staff_id);
            let update = Update::of(key).set("subject", &login).set("role", &role);
            member = store.update(update).await.expect("written").expect("the person");
            let mut change = store.change();
            let leads = Login { practice: practice.clone(), staff_id: member.staff_id };
            change.set(&keys::login(&login, practice), &leads);
            store.write(change).await.expect("written");
        }
        (login, member)
    }

    /// Dana, who may do everything at harbor.
    pub async fn dana(&self) -> Staff {
        self.staff("harbor", "Dana", Role::Admin).await
    }

    /// Signs in to harbor's portal.
    pub async fn sign_in(&self, username: &str, password: &str) -> Answer {
        let body = json!({"practice": "harbor", "username": username, "password": password});
        self.send(Call::new("POST", "/api/portal/sign-in").json(&body)).await
    }

    /// Signs in; answers the session's cookie.
    ///
    /// # Panics
    /// When it does not work.
    pub async fn signed_in(&self, username: &str, password: &str) -> String {
        let answer = self.sign_in(username, password).await;
        let cookie = answer.cookie(cookie::name(Audience::Portal));
        answer.expect(200);
        cookie.expect("a cookie")
    }

    /// Who is signed in.
    pub async fn session(&self, cookie: &str) -> Answer {
        self.send(Call::new("GET", "/api/portal/session").cookie(cookie)).await
    }

    /// Enrols.
    pub async fn enroll(&self, token: &str, last: &str, born: &str, password: &str) -> Answer {
        let body = json!({
            "token": token, "lastName": last, "dateOfBirth": born, "password": password,
        });
        self.send(Call::new("POST", "/api/portal/enrollment").json(&body)).await
    }

    /// Looks at an invitation.
    pub async fn check(&self, token: &str) -> Answer {
        let body = json!({"token": token});
        self.send(Call::new("POST", "/api/portal/enrollment/check").json(&body)).await
    }

    /// Asks for a password reset.
    pub async fn ask(&self, typed: &str) -> Answer {
        let body = json!({"practice": "harbor", "username": typed});
        self.send(Call::new("POST", "/api/portal/password-reset").json(&body)).await
    }

    /// Asks for a password reset, and has it found out whom it fits.
    pub async fn forgot(&self, typed: &str) -> Answer {
        let answer = self.ask(typed).await;
        self.resolve().await;
        answer
    }

    /// Chooses a new password.
    pub async fn choose(&self, token: &str, password: &str) -> Answer {
        let body = json!({"token": token, "password": password});
        self.send(Call::new("PUT", "/api/portal/password").json(&body)).await
    }
}

/// A browser in which somebody is signed in to harbor's portal.
#[derive(Clone)]
pub struct Browser {
    /// The Latchkey that it visits.
    pub world: World,
    /// Its cookies: the session's, and that of the device.
    pub cookies: String,
}

impl Browser {
    /// Sends a request with its cookies.
    pub async fn send(&self, call: Call) -> Answer {
        self.world.send(call.cookie(&self.cookies)).await
    }

    /// The account of the person.
    pub async fn account(&self) -> Answer {
        self.send(Call::new("GET", "/api/portal/account")).await
    }

    /// Chooses a language.
    pub async fn speak(&self, language: &str) -> Answer {
        let body = json!({"language": language});
        self.send(Call::new("PATCH", "/api/portal/account").json(&body)).await
    }

    /// Chooses another password.
    pub async fn change_password(&self, to: &str, proof: &str) -> Answer {
        let body = json!({"password": to, "proof": {"password": proof}});
        self.send(Call::new("PUT", "/api/portal/account/password").json(&body)).await
    }

    /// Asks for another e-mail address.
    pub async fn change_email(&self, to: &str, proof: &str) -> Answer {
        let body = json!({"email": to, "proof": {"password": proof}});
        self.send(Call::new("POST", "/api/portal/account/email").json(&body)).await
    }

    /// Uses the link that confirms an address.
    pub async fn confirm(&self, token: &str) -> Answer {
        let body = json!({"token": token});
        self.send(Call::new("POST", "/api/portal/email-confirmation").json(&body)).await
    }

    /// Ends a session, or `others`.
    pub async fn end(&self, session: &str) -> Answer {
        let path = format!("/api/portal/account/sessions/{session}");
        self.send(Call::new("DELETE", &path)).await
    }

    /// Who can enter a chart.
    pub async fn access(&self, client: &str) -> Answer {
        self.send(Call::new("GET", &format!("/api/portal/charts/{client}/access"))).await
    }

    /// Whether the session lives.
    pub async fn lives(&self) -> bool {
        let path = "/api/portal/session";
        self.send(Call::new("GET", path)).await.status.is_success()
    }
}

impl World {
    /// Signs in in a browser of its own, which calls itself so.
    ///
    /// # Panics
    /// When it does not work.
    pub async fn browser(&self, username: &str, password: &str, agent: &str) -> Browser {
        let body = json!({"practice": "harbor", "username": username, "password": password});
        let call = Call::new("POST", "/api/portal/sign-in").json(&body);
        let answer = self.send(call.header("user-agent", agent)).await;
        let cookies = [cookie::name(Audience::Portal), cookie::DEVICE];
        let cookies = cookies.map(|name| answer.cookie(name).expect("a cookie"));
        answer.expect(200);
        Browser { world: self.clone(), cookies: cookies.join("; ") }
    }

    /// Where the account with a sign-in name of harbor is kept.
    ///
    /// # Panics
    /// For a text that is no sign-in name.
    #[must_use]
    pub fn account_key(&self, username: &str) -> AccountKey {
        let harbor = PracticeId::parse("harbor").expect("a practice");
        let username = Username::parse(username).expect("a sign-in name");
        account::key_of(&self.app, &harbor, &username).expect("a key")
    }
}

/// The claims of a staff session.
#[must_use]
pub fn staff_claims(
    practice: &PracticeId,
    staff_id: StaffId,
    sid: SessionId,
    role: Role,
    now: At,
) -> Claims {
    Claims {
        iss: String::new(),
        aud: Audience::Staff.claim().into(),
        sub: staff_id.to_string(),
        sid,
        practice: practice.clone(),
        iat: now.seconds(),
        exp: now.seconds() + 12 * 60 * 60,
        idle: 30 * 60,
        role: Some(role),
        account: None,
        login: None,
    }
}

impl Staff {
    /// Sends a request with the session's cookie.
    pub async fn send(&self, call: Call) -> Answer {
        self.world.send(call.cookie(&self.cookie)).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Call::new("GET", path)).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("POST", path).json(body)).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("PATCH", path).json(body)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Call::new("PUT", path).json(body)).await
    }

    /// Creates a client; answers its id.
    pub async fn client(&self, first: &str, last: &str, born: &str) -> String {
        // Many scenes have several clients of one name.
        let body = json!({
            "name": {"first": first, "last": last}, "dateOfBirth": born, "distinct": true,
        });
        let client = self.post("/api/clients", &body).await.expect(201);
        text(&client["clientId"])
    }

    /// Adds a portal user; answers the request's answer.
    pub async fn add(&self, client: &str, email: &str) -> Answer {
        let body = json!({
            "name": {"first": "Pat", "last": "Person"}, "email": email,
            "relationship": "parent", "permissions": ["basic", "messaging"],
        });
        self.post(&format!("/api/clients/{client}/portal-users"), &body).await
    }

    /// Adds a portal user and has the invitation delivered.
    pub async fn invite(&self, client: &str, email: &str) -> Invited {
        let user = text(&self.add(client, email).await.expect(201)["portalUserId"]);
        self.world.deliver().await;
        let token = self.world.post.newest(email).token();
        Invited { client: client.into(), user, email: email.into(), token }
    }

    /// A portal user who has enrolled with [`PASSWORD`], for a client of their own called
    /// Amara Okafor, born 1984-03-12.
    pub async fn enrolled(&self) -> Invited {
        let number = PEOPLE.fetch_add(1, Ordering::Relaxed);
        let client = self.client("Amara", "Okafor", "1984-03-12").await;
        self.enroll_for(&client, &format!("person{number}@mail.example")).await
    }

    /// A portal user of a client born 1984-03-12 called Okafor who has enrolled.
    pub async fn enroll_for(&self, client: &str, email: &str) -> Invited {
        let invited = self.invite(client, email).await;
        self.world.enroll(&invited.token, "Okafor", "1984-03-12", PASSWORD).await.expect(201);
        invited
    }

    /// Closes a chart.
    pub async fn close(&self, client: &str, body: &Value) -> Answer {
        self.post(&format!("/api/clients/{client}/close"), body).await
    }

    /// Reopens a chart.
    pub async fn reopen(&self, client: &str) -> Answer {
        self.send(Call::new("POST", &format!("/api/clients/{client}/reopen"))).await
    }

    /// Revokes access.
    pub async fn revoke(&self, who: &Invited) -> Answer {
        self.post(&format!("{}/revoke", who.path()), &json!({})).await
    }

    /// Activates access.
    pub async fn activate(&self, who: &Invited) -> Answer {
        self.send(Call::new("POST", &format!("{}/activate", who.path()))).await
    }

    /// Sends a new invitation.
    pub async fn resend(&self, who: &Invited) -> Answer {
        self.send(Call::new("POST", &format!("{}/invitation", who.path()))).await
    }

    /// Deletes a portal user.
    pub async fn delete(&self, who: &Invited, query: &str) -> Answer {
        self.send(Call::new("DELETE", &format!("{}?{query}", who.path()))).await
    }

    /// Says who gets the alerts.
    pub async fn assign(&self, client: &str, user: Option<&str>) -> Answer {
        let path = format!("/api/clients/{client}/alert-recipient");
        self.put(&path, &json!({"portalUserId": user})).await
    }

    /// Everyone with access.
    pub async fn users(&self, client: &str) -> Value {
        self.get(&format!("/api/clients/{client}/portal-users")).await.expect(200)
    }

    /// One portal user, as listed.
    ///
    /// # Panics
    /// When it is not.
    pub async fn user(&self, who: &Invited) -> Value {
        let users = self.users(&who.client).await;
        let users = users["portalUsers"].as_array().expect("a list");
        users.iter().find(|u| u["portalUserId"] == who.user.as_str()).expect("the user").clone()
    }

    /// Actions in a client's history, newest first.
    ///
    /// # Panics
    /// When it is none.
    pub async fn actions(&self, client: &str) -> Vec<String> {
        let history = self.get(&format!("/api/clients/{client}/history")).await.expect(200);
        let events = history["events"].as_array().expect("a list");
        events.iter().map(|e| text(&e["action"])).collect()
    }
}

impl Invited {
    /// Path of the portal user.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/api/clients/{}/portal-users/{}", self.client, self.user)
    }
}

/// A JSON string as text.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
