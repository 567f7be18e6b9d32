//! Signs a client or guardian in. Nobody can tell from the answer, or from how long it took,
//! whether a username exists; that access is not active is said only after the right password.

use axum::{
    Json,
    extract::State,
    http::header::SET_COOKIE,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    account::{self, Account, PortalSession},
    caller::Caller,
    fields::{Password, Username},
    history::{Action, Actor, Event},
    id::{AccountKey, PracticeId, SessionId},
    keys,
    lockout::{self, Door, Sources},
    mirror::to_charts::{self, AccountUpdate},
    password,
    practice::Practice,
    problem::ProblemBody,
    store::{Change, parse},
    visitor,
    web::StrictJson,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_sign_in, sign_in)
}

/// Credentials.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The practice whose portal it is.
    practice: PracticeId,
    /// The name to sign in with.
    username: Username,
    /// The password.
    password: Password,
}

/// Signs in.
#[utoipa::path(
    post, path = "/api/portal/sign-in", operation_id = "sign-in", tag = "portal",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in: the session's cookie is set.", body = PortalSession,
            headers(("Set-Cookie" = String, description = "The session."))),
        (status = 401, description = "`sign_in_failed`: the username or the password is not right.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`access_not_active` after the right password, or not from the site itself.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait, whether or not the username exists.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn sign_in(
    State(app): State<App>,
    caller: Caller,
    StrictJson(credentials): StrictJson<Credentials>,
) -> Result<Response, Problem> {
    let mut retries = app.store().retries();
    loop {
        let found = ReadState::read(&app, &caller, &credentials).await?;
        let mut change = app.store().change();
        let answer = found.decide(&app, &caller, &credentials, &mut change)?;
        let Err(error) = app.store().write(change).await else { return answer.respond() };
        retries.retry(error).await?;
    }
}

/// What the table knows of an attempt, read in one request.
struct ReadState {
    id: AccountKey,
    account: Option<Account>,
    practice: Option<Practice>,
    lock_key: keys::Key,
    lock: Option<lockout::Lock>,
    sources: Sources,
}

enum Answer {
    SignedIn(Box<(PortalSession, axum::http::HeaderValue)>),
    Refused(Problem),
}

impl Answer {
    fn respond(self) -> Result<Response, Problem> {
        match self {
            Self::SignedIn(done) => Ok(([(SET_COOKIE, done.1)], Json(done.0)).into_response()),
            Self::Refused(problem) => Err(problem),
        }
    }
}

impl ReadState {
    async fn read(app: &App, caller: &Caller, with: &Credentials) -> Result<Self, Problem> {
        let id = account::key_of(app, &with.practice, &with.username)?;
        let account = keys::account(&with.practice, &id);
        let practice = keys::practice(&with.practice);
        let lock_key = keys::lock(&with.practice, &id);
        let mut sources = Sources::of(app, Door::SignIn, &caller.source)?;
        let wanted = [account.clone(), practice.clone(), lock_key.clone()];
        let wanted: Vec<_> = wanted.into_iter().chain(sources.keys()).collect();
        let mut items = app.store().get_many(&wanted).await?;
        sources.read(&mut items)?;
        Ok(Self {
            id,
            account: items
                .remove(&account)
                .map(parse)
                .transpose()?
                .filter(|account: &Account| account.is_named(&with.username)),
            practice: items.remove(&practice).map(parse).transpose()?,
            lock: items.remove(&lock_key).map(parse).transpose()?,
            sources,
            lock_key,
        })
    }

    /// Judges an attempt. The answer may leave only once `change` is written: that counts it.
    fn decide(
        self,
        app: &App,
        caller: &Caller,
        with: &Credentials,
        change: &mut Change,
    ) -> Result<Answer, Problem> {
        let now = app.now();
        let lock = self.lock.as_ref().and_then(|lock| lock.locked_until);
        lockout::refuse(lock.max(self.sources.locked_until(now)), now)?;
        let Some(practice) = self.practice else {
            // The names of practices are public. So this costs no hash, and nothing is kept under a
            // name that a stranger made up: but the caller failed.
            self.sources.count(change, now);
            return Ok(Answer::Refused(Problem::sign_in_failed()));
        };
        let known = self.account.as_ref().and_then(|a| a.password.as_ref());
        let right = password::verify(&with.password, known);
        match self.account {
            Some(mut account) if right => {
                change.unchanged(&self.lock_key, self.lock.as_ref().map_or(0, |lock| lock.rev));
                self.sources.demand(change, now);
                if !account.may_enter() {
                    change.event(&refusal(app, caller, &with.practice, Some(&account)));
                    return Ok(Answer::Refused(Problem::access_not_active()));
                }
                if account.password.as_ref().is_some_and(password::outdated) {
                    account.password = Some(password::hash(app, &with.password)?);
                }
                let sid = SessionId::new(app.ulid());
                let ends_at = account.start_session(sid, &practice, now).ends_at;
                change.replace(&keys::account(&with.practice, &self.id), &account, account.rev);
                let news = AccountUpdate { signed_in: Some(now), ..AccountUpdate::default() };
                to_charts::write(change, &with.practice, &account, &news);
                let actor = account.actor();
                for (client, grant) in account.open_grants() {
                    let event = Event::new(app, caller, &actor, &with.practice, Action::SignedIn);
                    change.event(&event.client(client).portal_user(grant.portal_user_id));
                }
                let session = account
                    .portal_session(&practice, sid, now)
                    .ok_or_else(|| Problem::internal("a session that opens nothing"))?;
                let cookie = visitor::portal_cookie(
                    app,
                    &practice,
                    &self.id,
                    account.account_id,
                    sid,
                    ends_at,
                )?;
                Ok(Answer::SignedIn(Box::new((session, cookie))))
            }
            account => {
                lockout::count(change, &self.lock_key, self.lock.as_ref(), now);
                self.sources.count(change, now);
                change.event(&refusal(app, caller, &with.practice, account.as_ref()));
                Ok(Answer::Refused(Problem::sign_in_failed()))
            }
        }
    }
}

/// A refused attempt: in the history of the account's first chart, or else of the practice. One
/// event in either case, so that neither takes longer. Where there is no account, nothing is kept of
/// what was typed for a username: it may have been a password.
fn refusal(app: &App, caller: &Caller, practice: &PracticeId, account: Option<&Account>) -> Event {
    let id = account.map(|a| a.account_id.to_string()).unwrap_or_default();
    let actor = Actor { id, ..Actor::nobody() };
    let event = Event::new(app, caller, &actor, practice, Action::SignInRefused);
    match account.and_then(|a| a.grants.iter().next()) {
        Some((client, grant)) => event.client(*client).portal_user(grant.portal_user_id),
        None => event,
    }
}
