//! The second step: a challenge that the right password opened, and a factor. A wrong one counts by the counters
//! of wrong passwords; the challenge stays, so that a mistyped code is no reason to begin again.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use shared::{
    App, Problem,
    account::Account,
    caller::Caller,
    clock::Clock,
    dead_link,
    device::Presented,
    factor::{
        Method,
        challenge::{Challenge, Opens},
        code::TypedCode,
        passkey::{self, Answer as Credential},
    },
    fields::{Refusal, Secret},
    history::{Action, Actor, Event},
    keys::{self, Key},
    lockout::Counters,
    mail::MailKind,
    outbox::{Outgoing, Recipient},
    practice::Practice,
    problem::ProblemBody,
    store::{Change, parse},
    token::{self, ChallengeToken},
    visitor::MaybeVisitor,
    web::StrictJson,
};
use utoipa::ToSchema;

use crate::enter::{Answer, Entry, SignedIn};

/// A factor.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FactorAnswer)]
pub struct FactorAnswer {
    /// What the right password opened.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    challenge: Secret,
    /// With what the step is taken.
    method: Method,
    /// The code, for every method but `passkey`.
    #[serde(default)]
    #[schema(nullable = false)]
    code: Option<TypedCode>,
    /// What the browser answered, as JSON, for `passkey`.
    #[serde(default)]
    #[schema(nullable = false, value_type = Object)]
    credential: Option<Credential>,
}

/// What a factor is shown by.
enum Shown<'a> {
    Code(&'a str),
    Credential(&'a Credential),
}

impl FactorAnswer {
    fn shown(&self) -> Result<Shown<'_>, Problem> {
        let missing = |field| {
            let refusal = Refusal::rule("missing", "This method needs it.");
            Err(Problem::refused(field, refusal))
        };
        match (self.method, &self.code, &self.credential) {
            (Method::Passkey, _, Some(credential)) => Ok(Shown::Credential(credential)),
            (Method::Passkey, _, None) => missing("credential"),
            (_, Some(code), _) => Ok(Shown::Code(code.reveal())),
            (_, None, _) => missing("code"),
        }
    }
}

/// Takes the second step of a sign-in.
#[utoipa::path(
    post, path = "/api/portal/sign-in/factor", operation_id = "sign-in.factor", tag = "portal",
    request_body = FactorAnswer,
    responses(
        (status = 200, description = "Signed in: the session's cookie is set, and that of the device. After a recovery code with a new one.", body = SignedIn,
            headers(("Set-Cookie" = String, description = "The session; the device, which is known from now on."))),
        (status = 401, description = "`factor_failed`: the code or the passkey is not right. `challenge_expired`: sign in from the beginning.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`access_not_active`, or not from the site itself.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn factor(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(previous): MaybeVisitor,
    StrictJson(with): StrictJson<FactorAnswer>,
) -> Result<Response, Problem> {
    let shown = with.shown()?;
    let Some(token) = ChallengeToken::parse(with.challenge.reveal()) else {
        let practice = token::practice_of(with.challenge.reveal());
        let problem = Problem::challenge_expired();
        let Some(practice) = practice else { return Err(problem) };
        let event = Event::new(&app, &caller, &Actor::nobody(), &practice, Action::SignInRefused);
        return Err(dead_link::refuse(&app, &caller, &event.because(problem.code()), problem).await);
    };
    let step = Step { app: &app, caller: &caller, presented: &presented, token: &token };
    let mut retries = app.store().retries();
    loop {
        let mut change = app.store().change();
        let answer = match step.read().await? {
            Ok(found) => step.decide(found, (with.method, &shown), &mut change)?,
            Err(event) => {
                let problem = Problem::challenge_expired();
                let event = event.because(problem.code());
                return Err(dead_link::refuse(&app, &caller, &event, problem).await);
            }
        };
        let Err(error) = app.store().write(change).await else {
            if let (Answer::SignedIn(_), Some(previous)) = (&answer, &previous) {
                previous.leave(&app).await;
            }
            return answer.respond();
        };
        retries.retry(error).await?;
    }
}

/// A second step.
struct Step<'a> {
    app: &'a App,
    caller: &'a Caller,
    presented: &'a Presented,
    token: &'a ChallengeToken,
}

/// What the table knows of it.
struct Found {
    account: Account,
    practice: Practice,
    challenge: Challenge,
    counters: Counters,
}

impl Step<'_> {
    /// Reads all in one request. For a challenge that opens nothing, the event of its refusal.
    async fn read(&self) -> Result<Result<Found, Event>, Problem> {
        let Self { app, caller, presented, token } = self;
        let mut counters = Counters::of(app, caller, presented, &token.practice, &token.account)?;
        let account = keys::account(&token.practice, &token.account);
        let practice = keys::practice(&token.practice);
        let challenge = Challenge::key(token);
        let wanted = [account.clone(), practice.clone(), challenge.clone()];
        let wanted: Vec<Key> = wanted.into_iter().chain(counters.keys()).collect();
        let mut items = app.store().get_many(&wanted).await?;
        counters.read(&mut items)?;
        let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice).map(parse).transpose()?;
        let challenge: Option<Challenge> = items.remove(&challenge).map(parse).transpose()?;
        let event = || {
            let actor = Actor::nobody();
            Event::new(app, caller, &actor, &token.practice, Action::SignInRefused)
        };
        let (Some(account), Some(practice), Some(challenge)) = (account, practice, challenge)
        else {
            return Ok(Err(event()));
        };
        let open = challenge.is_open(app, &account) && challenge.opens != Opens::Enrollment;
        Ok(if open { Ok(Found { account, practice, challenge, counters }) } else { Err(event()) })
    }

    /// An event of the attempt, as those of the first step.
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
        (method, shown): (Method, &Shown<'_>),
        change: &mut Change,
    ) -> Result<Answer, Problem> {
        let Self { app, caller, presented, token } = self;
        let Found { mut account, practice, challenge, counters } = found;
        let (now, of) = (app.now(), Some(account.account_id));
        let clock = practice.clock(now);
        if let Err(refused) = counters.refuse(of, now) {
            counters.record(change, now, |action| self.event(&account, action));
            return Ok(Answer::Refused(refused));
        }
        if !right((app, &clock), &mut account, &challenge, (method, shown))? {
            let event = |action| self.event(&account, action).because(method.slug());
            counters.count(app, of, change, (Action::SignInRefused, event));
            return Ok(Answer::Refused(Problem::factor_failed()));
        }
        counters.demand(of, change, now);
        change.remove(&Challenge::key(token), challenge.rev);
        if !account.may_enter(&clock) {
            counters.demand_device(of, change, now);
            // What was shown is used up all the same.
            change.replace(&keys::account(&token.practice, &token.account), &account, account.rev);
            change.event(&self.event(&account, Action::SignInRefused));
            return Ok(Answer::Refused(Problem::access_not_active()));
        }
        let (mut mail, mut recovery_code) = (None, None);
        if method == Method::RecoveryCode {
            recovery_code =
                Some(account.factors.new_recovery_code(app)?.text().reveal().to_owned());
            if let Some((client, grant)) = account.open_grants(&clock).next() {
                let to = Recipient { client, user: grant.portal_user_id };
                let what = (MailKind::RecoveryCodeUsed, account.email.as_ref());
                let told = Outgoing::tell(app, &token.practice, to, what, change)?;
                mail = told.map(|mail| (client, mail));
            }
            // On the chart that the account has had longest, so that a restored table knows it.
            change.event(&self.event(&account, Action::RecoveryCodeMade).changed(["recoveryCode"]));
        }
        let entry = Entry {
            app,
            caller,
            presented,
            practice: &practice,
            key: &token.account,
            device_rev: counters.device_rev(),
            by: method.signs_in(),
            mail,
            recovery_code,
        };
        entry.enter(account, change)
    }
}

/// Whether what was shown is right: it is used up then.
fn right(
    (app, clock): (&App, &Clock),
    account: &mut Account,
    challenge: &Challenge,
    (method, shown): (Method, &Shown<'_>),
) -> Result<bool, Problem> {
    match (shown, &challenge.passkey) {
        (Shown::Credential(answer), Some(state)) => {
            let taken = passkey::take(app, state, &mut account.factors.passkeys, answer)?;
            Ok(taken.is_some())
        }
        (Shown::Credential(_), None) => Ok(false),
        (Shown::Code(code), _) => {
            let enrolled = challenge.opens == Opens::Enrolled && method == Method::Totp;
            match &account.factors.totp {
                Some(totp) if enrolled && totp.took(app, code)? => Ok(true),
                _ => account.factors.take_code(app, (&account.grants, clock), method, code),
            }
        }
    }
}
