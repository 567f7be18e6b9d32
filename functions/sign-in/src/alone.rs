//! A passkey alone: it is two factors, the device and what unlocks it. The browser suggests it where the sign-in
//! name is typed, so nothing is known of the person before it answers. Nobody guesses one, so that no wrong password
//! closes this way ([`PasskeyCounters`]).

use std::collections::BTreeMap;

use axum::{Json, extract::State, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    App, Problem,
    account::Account,
    caller::Caller,
    clock::Lapse,
    dead_link,
    device::Presented,
    factor::{
        challenge::SECONDS,
        passkey::{self, Answer as Credential, Handle},
    },
    fields::Secret,
    history::{Action, Actor, Event},
    id::{AccountId, AccountKey, PracticeId},
    keys::{self, Key},
    lockout::PasskeyCounters,
    practice::Practice,
    problem::ProblemBody,
    session::SignedInBy,
    store::{Change, Update, parse},
    token::{self, DoorToken, TokenSecret},
    visitor::MaybeVisitor,
    web::StrictJson,
};
use utoipa::ToSchema;

use crate::enter::{Answer, Entry, SignedIn};

/// Whose portal it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyWanted {
    /// The practice whose portal it is.
    practice: PracticeId,
}

/// What to ask the browser.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PasskeyQuestion {
    /// What the answer comes with.
    challenge: String,
    /// What `navigator.credentials.get` takes, in JSON.
    #[schema(value_type = Object)]
    options: Value,
}

/// A question that waits for its answer, as stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    /// What the answer is judged by.
    state: Secret,
    /// When it is over (seconds since 1970).
    expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    rev: u64,
}

/// Begins a sign-in with a passkey.
#[utoipa::path(
    post, path = "/api/portal/sign-in/passkey/options", operation_id = "sign-in.passkey-options", tag = "portal",
    request_body = PasskeyWanted,
    responses(
        (status = 200, description = "What to ask the browser.", body = PasskeyQuestion),
        (status = 404, description = "There is no such practice.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn ask(
    State(app): State<App>,
    StrictJson(PasskeyWanted { practice }): StrictJson<PasskeyWanted>,
) -> Result<Json<PasskeyQuestion>, Problem> {
    let asked = passkey::ask(&app, &BTreeMap::new())?;
    let token = DoorToken { practice, secret: TokenSecret::new(&app) };
    let expires_at = app.now().seconds() + SECONDS;
    let waiting = Waiting { state: asked.state, expires_at, rev: 0 };
    let practice = keys::practice(&token.practice);
    let mut retries = app.store().retries();
    loop {
        let mut change = app.store().change();
        // Nothing is kept for a practice that a stranger made up.
        change.demand(&Update::of(practice.clone()).when_exists("practice"));
        change.insert(&door(&token), &waiting);
        let Err(error) = app.store().write(change).await else {
            return Ok(Json(PasskeyQuestion { challenge: token.text(), options: asked.options }));
        };
        if app.store().get::<Practice>(&practice).await?.is_none() {
            return Err(Problem::not_found());
        }
        retries.retry(error).await?;
    }
}

fn door(token: &DoorToken) -> Key {
    keys::door(&token.practice, token.secret.hash().as_str())
}

/// What a passkey answered.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAnswer {
    /// What came with the question.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    challenge: Secret,
    /// What the browser answered, as JSON.
    #[schema(value_type = Object)]
    credential: Credential,
}

/// Signs in with a passkey alone.
#[utoipa::path(
    post, path = "/api/portal/sign-in/passkey", operation_id = "sign-in.passkey", tag = "portal",
    request_body = PasskeyAnswer,
    responses(
        (status = 200, description = "Signed in: the session's cookie is set, and that of the device.", body = SignedIn,
            headers(("Set-Cookie" = String, description = "The session; the device, which is known from now on."))),
        (status = 401, description = "`factor_failed`: the passkey is not right, or opens nothing here. `challenge_expired`: begin again.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`access_not_active`, or not from the site itself.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn answer(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(previous): MaybeVisitor,
    StrictJson(with): StrictJson<PasskeyAnswer>,
) -> Result<Response, Problem> {
    let whose = passkey::whose(&with.credential);
    let dead = async |practice: &PracticeId, problem: Problem| {
        let event = Event::new(&app, &caller, &Actor::nobody(), practice, Action::SignInRefused);
        dead_link::refuse(&app, &caller, &event.because(problem.code()), problem).await
    };
    let Some(token) = DoorToken::parse(with.challenge.reveal()) else {
        let problem = Problem::challenge_expired();
        return Err(match token::practice_of(with.challenge.reveal()) {
            Some(practice) => dead(&practice, problem).await,
            None => problem,
        });
    };
    // A device that does not say whose key it is has none of ours.
    let Some(handle) = whose else {
        return Err(dead(&token.practice, Problem::factor_failed()).await);
    };
    let attempt = Attempt { app: &app, caller: &caller, presented: &presented, token: &token };
    let mut retries = app.store().retries();
    loop {
        let found = match attempt.read(&handle).await? {
            Ok(found) => found,
            Err(problem) => return Err(dead(&token.practice, problem).await),
        };
        let mut change = app.store().change();
        let answer = attempt.decide(found, &with.credential, &mut change)?;
        let Err(error) = app.store().write(change).await else {
            if let (Answer::SignedIn(_), Some(previous)) = (&answer, &previous) {
                previous.leave(&app).await;
            }
            return answer.respond();
        };
        retries.retry(error).await?;
    }
}

/// A sign-in with a passkey alone.
struct Attempt<'a> {
    app: &'a App,
    caller: &'a Caller,
    presented: &'a Presented,
    token: &'a DoorToken,
}

/// What the table knows of it.
struct Found {
    key: AccountKey,
    account: Account,
    practice: Practice,
    waiting: Waiting,
    counters: PasskeyCounters,
}

impl Attempt<'_> {
    /// Reads all in one request; for a person whose sign-in name changed after the first passkey, in two.
    async fn read(&self, handle: &Handle) -> Result<Result<Found, Problem>, Problem> {
        let practice = &self.token.practice;
        let moved = keys::moved(practice, handle.account);
        let mut found = self.read_at(&handle.key, handle.account, Some(&moved)).await?;
        if let Err(Miss::Moved(key)) = found {
            found = self.read_at(&key, handle.account, None).await?;
        }
        Ok(found.map_err(|miss| match miss {
            Miss::Expired => Problem::challenge_expired(),
            Miss::Nobody | Miss::Moved(_) => Problem::factor_failed(),
        }))
    }

    async fn read_at(
        &self,
        key: &AccountKey,
        of: AccountId,
        moved: Option<&Key>,
    ) -> Result<Result<Found, Miss>, Problem> {
        let Self { app, caller, presented, token } = self;
        let place = (&token.practice, key);
        let mut counters = PasskeyCounters::of(app, caller, presented, place)?;
        let account = keys::account(&token.practice, key);
        let practice = keys::practice(&token.practice);
        let waiting = door(token);
        let wanted = [account.clone(), practice.clone(), waiting.clone()];
        let wanted = wanted.into_iter().chain(moved.cloned());
        let wanted: Vec<Key> = wanted.chain(counters.keys()).collect();
        let mut items = app.store().get_many(&wanted).await?;
        counters.read(&mut items)?;
        let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice).map(parse).transpose()?;
        let waiting: Option<Waiting> = items.remove(&waiting).map(parse).transpose()?;
        let moved: Option<passkey::Moved> =
            moved.and_then(|key| items.remove(key)).map(parse).transpose()?;
        let open = waiting.filter(|waiting| waiting.expires_at > app.now().seconds());
        let (Some(waiting), Some(practice)) = (open, practice) else {
            return Ok(Err(Miss::Expired));
        };
        Ok(match (account.filter(|account| account.account_id == of), moved) {
            (Some(account), _) => {
                Ok(Found { key: key.clone(), account, practice, waiting, counters })
            }
            (None, Some(moved)) => Err(Miss::Moved(moved.account)),
            (None, None) => Err(Miss::Nobody),
        })
    }

    fn event(&self, account: &Account, action: Action) -> Event {
        let id = account.account_id.to_string();
        let actor = Actor { id, ..Actor::nobody() };
        let event = Event::new(self.app, self.caller, &actor, &self.token.practice, action);
        match account.first {
            Some(first) => event.client(first.client_id).portal_user(first.portal_user_id),
            None => event,
        }
    }

    fn decide(
        &self,
        found: Found,
        credential: &Credential,
        change: &mut Change,
    ) -> Result<Answer, Problem> {
        let Self { app, caller, presented, token } = self;
        let Found { key, mut account, practice, waiting, counters } = found;
        let now = app.now();
        if let Err(refused) = counters.refuse(now) {
            return Ok(Answer::Refused(refused));
        }
        // One question is answered once, rightly or not.
        change.remove(&door(token), waiting.rev);
        let passkeys = &mut account.factors.passkeys;
        if passkey::take(app, &waiting.state, passkeys, credential)?.is_none() {
            let event = |action| self.event(&account, action).because("passkey");
            counters.count(change, now, event);
            return Ok(Answer::Refused(Problem::factor_failed()));
        }
        counters.demand(change, now);
        let clock = practice.clock(now);
        if account.untold(&clock).next().is_some() {
            Lapse::queue(app, (&token.practice, &key), now, None, change);
        }
        if !account.may_enter(&clock) {
            change.replace(&keys::account(&token.practice, &key), &account, account.rev);
            change.event(&self.event(&account, Action::SignInRefused));
            return Ok(Answer::Refused(Problem::access_not_active()));
        }
        let entry = Entry {
            app,
            caller,
            presented,
            practice: &practice,
            key: &key,
            device_rev: counters.device_rev(),
            by: SignedInBy::PasskeyAlone,
            mail: None,
            recovery_code: None,
        };
        entry.enter(account, change)
    }
}

/// Why there is nothing to judge.
enum Miss {
    /// The question is over.
    Expired,
    /// The account is kept elsewhere by now.
    Moved(AccountKey),
    /// There is no such account.
    Nobody,
}
