//! Signs a client or guardian in. Nobody can tell from the answer, or from how long it took,
//! whether a username exists; that access is not active is said only after the right password.
//!
//! Where the account has a second factor, or the practice requires one, the right password opens the second step
//! alone ([`factor`]); a passkey needs no password ([`alone`]).
//!
//! Until the password was right, only a few attributes of the account are read: however many charts it
//! opens, a wrong password reads and writes the same. So a refusal takes two round trips to the table,
//! and a success three.

mod alone;
mod enter;
mod factor;

use std::collections::HashMap;

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    account::{self, Account, FirstChart},
    caller::Caller,
    clock::Lapse,
    device::Presented,
    factor::{
        Method,
        challenge::{Challenge, Opens},
        passkey,
    },
    fields::{Password, Secret, Username},
    history::{Action, Actor, Event},
    id::{AccountId, AccountKey, PracticeId},
    keys::{self, Key},
    lockout::Counters,
    password,
    practice::{Practice, SecondFactor},
    problem::ProblemBody,
    session::SignedInBy,
    store::{Change, Failed, Item, WriteError, parse},
    visitor::MaybeVisitor,
    web::StrictJson,
};
use utoipa::ToSchema;

use self::enter::{Answer, Entry, SignedIn};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_sign_in, sign_in)
        .operation(factor::__path_factor, factor::factor)
        .operation(alone::__path_ask, alone::ask)
        .operation(alone::__path_answer, alone::answer)
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
        (status = 200, description = "Signed in: the session's cookie is set, and that of the device.", body = SignedIn,
            headers(("Set-Cookie" = String, description = "The session; the device, which is known from now on."))),
        (status = 401, description = "`sign_in_failed`: the username or the password is not right. `second_factor_required` after the right password, with `challenge`, `methods`, and `passkey` (what to ask the browser) where a passkey is one of them.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`access_not_active` after the right password, or not from the site itself. `factor_enrollment_required` after the right password, with a `challenge` that opens adding a second factor.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait, whether or not the username exists.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn sign_in(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(previous): MaybeVisitor,
    StrictJson(credentials): StrictJson<Credentials>,
) -> Result<Response, Problem> {
    let request = Request { app: &app, caller: &caller, presented: &presented, with: &credentials };
    let mut hashes = Hashes::default();
    let mut retries = app.store().retries();
    loop {
        let attempt = Attempt::read(&request).await?;
        let mut change = app.store().change();
        let decision = attempt.decide(&request, &mut hashes, &mut change).await?;
        let error = match decision {
            Some(answer) => match app.store().write(change).await {
                Ok(()) => {
                    if let (Answer::SignedIn(_), Some(previous)) = (&answer, &previous) {
                        previous.leave(&app).await;
                    }
                    return answer.respond();
                }
                Err(error) => error,
            },
            None => WriteError::Conflict(Failed::default()),
        };
        retries.retry(error).await?;
    }
}

struct Request<'a> {
    app: &'a App,
    caller: &'a Caller,
    presented: &'a Presented,
    with: &'a Credentials,
}

/// What Argon2 said already: a decision that is taken again hashes nothing anew.
#[derive(Default)]
struct Hashes {
    /// Whether the password is the one with this hash; the hash is none for an unknown username.
    verified: Option<(Option<String>, bool)>,
    /// The password's hash with the parameters of today.
    renewed: Option<Secret>,
}

impl Hashes {
    fn verify(&mut self, app: &App, password: &Password, known: Option<&Secret>) -> bool {
        let hash = known.map(|known| known.reveal().to_owned());
        match &self.verified {
            Some((of, right)) if *of == hash => *right,
            _ => {
                let right = password::verify(app, password, known);
                self.verified = Some((hash, right));
                right
            }
        }
    }

    fn renew(&mut self, app: &App, password: &Password) -> Result<Secret, Problem> {
        if self.renewed.is_none() {
            self.renewed = Some(password::hash(app, password)?);
        }
        self.renewed.clone().ok_or_else(|| Problem::internal("no hash was made"))
    }
}

/// What is read of an account before the password was right.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    account_id: AccountId,
    username: Username,
    #[serde(default)]
    password: Option<Secret>,
    #[serde(default)]
    first: Option<FirstChart>,
}

/// The attributes that are read of an account, and those of counters. Of the practice only that it is
/// there.
const BEFORE: [&str; 12] = [
    "accountId",
    "username",
    "password",
    "first",
    "failures",
    "lockedUntil",
    "forgottenAt",
    "unlocked",
    "windowEndsAt",
    "recorded",
    "expiresAt",
    "rev",
];

/// An attempt, with what the table knows of it before the password is judged: read in one request.
struct Attempt {
    id: AccountKey,
    practice_exists: bool,
    credential: Option<Credential>,
    counters: Counters,
}

impl Attempt {
    async fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let Request { app, caller, presented, with } = request;
        let id = account::key_of(app, &with.practice, &with.username)?;
        let account = keys::account(&with.practice, &id);
        let practice = keys::practice(&with.practice);
        let mut counters = Counters::of(app, caller, presented, &with.practice, &id)?;
        let wanted = [account.clone(), practice.clone()];
        let wanted: Vec<Key> = wanted.into_iter().chain(counters.keys()).collect();
        let mut items = app.store().get_parts(&wanted, &BEFORE).await?;
        counters.read(&mut items)?;
        Ok(Self {
            practice_exists: items.contains_key(&practice),
            credential: items
                .remove(&account)
                .map(parse)
                .transpose()?
                // Not one whose name only looks the same.
                .filter(|c: &Credential| c.username.folded() == with.username.folded()),
            id,
            counters,
        })
    }

    /// The account that has the sign-in name, if there is one.
    fn account(&self) -> Option<AccountId> {
        self.credential.as_ref().map(|c| c.account_id)
    }

    /// Decides, and adds to `change` what has to be written before it can be answered. None when the
    /// account is another by now, so that the attempt has to be judged again.
    async fn decide(
        &self,
        request: &Request<'_>,
        hashes: &mut Hashes,
        change: &mut Change,
    ) -> Result<Option<Answer>, Problem> {
        let Request { app, with, .. } = request;
        let now = app.now();
        if let Err(refused) = self.counters.refuse(self.account(), now) {
            if self.practice_exists {
                // The failure that reached the limit had no history to stand in.
                self.counters.record(change, now, |action| self.event(request, action));
            }
            return Ok(Some(Answer::Refused(refused)));
        }
        if !self.practice_exists {
            // The names of practices are public. So this costs no hash, and nothing is kept under a
            // name that a stranger made up: but the caller failed.
            self.counters.count_unrecorded(change, now);
            return Ok(Some(Answer::Refused(Problem::sign_in_failed())));
        }
        let password = self.credential.as_ref().and_then(|c| c.password.as_ref());
        if !hashes.verify(app, &with.password, password) {
            let event = |action| self.event(request, action);
            self.counters.count(app, self.account(), change, (Action::SignInRefused, event));
            return Ok(Some(Answer::Refused(Problem::sign_in_failed())));
        }
        let Some((account, practice)) = self.whole(request).await? else { return Ok(None) };
        self.enter(request, account, &practice, hashes, change).map(Some)
    }

    /// An event of an attempt: in the history of the account's first chart, or else of the practice,
    /// so that neither takes longer. Where there is no account, nothing is kept of what was typed for a
    /// username: it may have been a password.
    fn event(&self, request: &Request<'_>, action: Action) -> Event {
        let Request { app, caller, with, .. } = request;
        let id = self.credential.as_ref().map(|c| c.account_id.to_string()).unwrap_or_default();
        let actor = Actor { id, ..Actor::nobody() };
        let event = Event::new(app, caller, &actor, &with.practice, action);
        match self.credential.as_ref().and_then(|c| c.first) {
            Some(first) => event.client(first.client_id).portal_user(first.portal_user_id),
            None => event,
        }
    }

    /// The account and its practice, read after the right password; none when the password is another
    /// by now.
    async fn whole(&self, request: &Request<'_>) -> Result<Option<(Account, Practice)>, Problem> {
        let account_key = keys::account(&request.with.practice, &self.id);
        let practice_key = keys::practice(&request.with.practice);
        let wanted = [account_key.clone(), practice_key.clone()];
        let mut items: HashMap<Key, Item> = request.app.store().get_many(&wanted).await?;
        let account: Option<Account> = items.remove(&account_key).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice_key).map(parse).transpose()?;
        let hash = |password: Option<&Secret>| password.map(|hash| hash.reveal().to_owned());
        let judged = hash(self.credential.as_ref().and_then(|c| c.password.as_ref()));
        let account = account.filter(|account| account.is_named(&request.with.username));
        let account = account.filter(|account| hash(account.password.as_ref()) == judged);
        Ok(account.zip(practice))
    }

    /// What the right password comes to: a session, or the second step, if access is active.
    fn enter(
        &self,
        request: &Request<'_>,
        mut account: Account,
        practice: &Practice,
        hashes: &mut Hashes,
        change: &mut Change,
    ) -> Result<Answer, Problem> {
        let Request { app, caller, presented, with } = request;
        let now = app.now();
        // Successes are not counted, but must find the counts as they were read.
        self.counters.demand(self.account(), change, now);
        let clock = practice.clock(now);
        if account.untold(&clock).next().is_some() {
            Lapse::queue(app, (&with.practice, &self.id), now, None, change);
        }
        if !account.may_enter(&clock) {
            self.counters.demand_device(self.account(), change, now);
            change.event(&self.event(request, Action::SignInRefused));
            return Ok(Answer::Refused(Problem::access_not_active()));
        }
        let outdated = account.password.as_ref().is_some_and(password::outdated);
        if outdated {
            account.password = Some(hashes.renew(app, &with.password)?);
        }
        let required = practice.second_factor == SecondFactor::Required;
        if account.factors.is_enrolled() || required {
            self.counters.demand_device(self.account(), change, now);
            if outdated {
                change.replace(&keys::account(&with.practice, &self.id), &account, account.rev);
            }
            return self.second_step(request, (&account, practice), change).map(Answer::Refused);
        }
        let entry = Entry {
            app,
            caller,
            presented,
            practice,
            key: &self.id,
            device_rev: self.counters.device_rev(),
            by: SignedInBy::Password,
            mail: None,
            recovery_code: None,
        };
        entry.enter(account, change)
    }

    /// Adds a challenge to the change, and answers what opens it: nobody is signed in yet.
    fn second_step(
        &self,
        request: &Request<'_>,
        (account, practice): (&Account, &Practice),
        change: &mut Change,
    ) -> Result<Problem, Problem> {
        let Request { app, with, .. } = request;
        let place = (&with.practice, &self.id);
        change.event(&self.event(request, Action::SecondFactorAsked));
        if !account.factors.is_enrolled() {
            let opens = (Opens::Enrollment, None);
            let challenge = Challenge::begin(app, place, account, opens, change);
            return Ok(Problem::factor_enrollment_required(challenge.reveal()));
        }
        let passkeys = &account.factors.passkeys;
        let asked = if passkeys.is_empty() { None } else { Some(passkey::ask(app, passkeys)?) };
        let state = asked.as_ref().map(|asked| asked.state.clone());
        let challenge = Challenge::begin(app, place, account, (Opens::SignIn, state), change);
        let methods: Vec<_> = account
            .factors
            .methods(&account.grants, &practice.clock(app.now()))
            .into_iter()
            .map(Method::slug)
            .collect();
        let problem = Problem::second_factor_required(challenge.reveal(), &methods);
        Ok(match asked {
            Some(asked) => problem.with("passkey", asked.options),
            None => problem,
        })
    }
}
