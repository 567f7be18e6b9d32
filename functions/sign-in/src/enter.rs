//! Begins a session for a person who has shown all that is asked for.

use axum::{
    Json,
    http::{HeaderValue, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem,
    account::{Account, PortalSession},
    caller::Caller,
    device::{Known, Presented},
    history::{Action, Event},
    id::{AccountKey, ClientId, SessionId},
    keys,
    mail::Mail,
    mirror::to_charts::{self, AccountUpdate},
    practice::Practice,
    session::SignedInBy,
    store::Change,
    visitor,
};
use utoipa::ToSchema;

/// Who is signed in, and the code that takes the place of the one that was used.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// Who is signed in.
    #[serde(flatten)]
    pub session: PortalSession,
    /// The new recovery code, after the one before was used. It is shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recovery_code: Option<String>,
}

/// What a step of a sign-in comes to.
pub enum Answer {
    /// A session, with the cookies of it and of the device.
    SignedIn(Box<(SignedIn, [HeaderValue; 2])>),
    /// A refusal, of which all is written that is to be.
    Refused(Problem),
}

impl Answer {
    /// The answer as it goes out.
    pub fn respond(self) -> Result<Response, Problem> {
        match self {
            Self::SignedIn(done) => {
                let (session, cookies) = *done;
                let cookies = AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie)));
                Ok((cookies, Json(session)).into_response())
            }
            Self::Refused(problem) => Err(problem),
        }
    }
}

/// A person who has shown all that is asked for.
pub struct Entry<'a> {
    /// The function.
    pub app: &'a App,
    /// The request.
    pub caller: &'a Caller,
    /// The device that it shows.
    pub presented: &'a Presented,
    /// The practice.
    pub practice: &'a Practice,
    /// Where the account is kept.
    pub key: &'a AccountKey,
    /// At which `rev` the device was read; 0 for one that is not kept.
    pub device_rev: u64,
    /// What was shown.
    pub by: SignedInBy,
    /// A mail of this change, and on which chart staff see it.
    pub mail: Option<(ClientId, Mail)>,
    /// A recovery code that was made.
    pub recovery_code: Option<String>,
}

impl Entry<'_> {
    /// Adds the session to a change that demands already what was counted.
    pub fn enter(self, mut account: Account, change: &mut Change) -> Result<Answer, Problem> {
        let Self { app, caller, presented, practice, key, device_rev, .. } = self;
        let (now, id) = (app.now(), &practice.practice);
        let device = presented.or_new(app);
        let device_key = device.key(app, id, key)?;
        change.replace(&device_key, &Known::new(account.account_id, now), device_rev);
        let sid = SessionId::new(app.ulid());
        let (ends_at, gone) = account.start_session((sid, device.kind(), self.by), practice, now);
        gone.tell(app, id, account.account_id, change);
        change.replace(&keys::account(id, key), &account, account.rev);
        let mail = self.mail.as_ref().map(|(client, mail)| (*client, mail));
        let news = AccountUpdate { signed_in: Some((sid, now)), mail, ..AccountUpdate::default() };
        to_charts::write(change, id, &account, &news);
        let actor = account.actor();
        for (client, grant) in account.open_grants(&practice.clock(now)) {
            let event = Event::new(app, caller, &actor, id, Action::SignedIn);
            change.event(&event.client(client).portal_user(grant.portal_user_id));
        }
        let session = account
            .portal_session(practice, sid, now)
            // At the very moment at which all sessions of the practice end: a new one would be among them.
            .ok_or_else(|| Problem::unavailable("all sessions end at this moment"))?;
        let cookie = visitor::portal_cookie(app, practice, key, account.account_id, sid, ends_at)?;
        let session = SignedIn { session, recovery_code: self.recovery_code };
        Ok(Answer::SignedIn(Box::new((session, [cookie, device.cookie()?]))))
    }
}
