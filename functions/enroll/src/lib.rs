//! Turns an invitation into credentials. Looking at an invitation spends nothing; only the right
//! last name, date of birth and password do. Whoever has an account already proves the new chart
//! with the password they have, and the chart joins the account.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::{Account, PortalSession},
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, Request},
    client::Client,
    clock::Clock,
    dead_link,
    device::{Device, Presented},
    fields::{At, Date, Password, ProofName, Refusal, Secret},
    history::{Action, Actor, Author},
    id::{AccountId, AccountKey, SessionId},
    idempotency::{Attempt, IdempotencyKey},
    keys,
    password::{self, Personal},
    portal_user::{PortalUser, Status},
    practice::{Practice, PracticeView},
    problem::ProblemBody,
    proof,
    store::both,
    token::{self, InvitationToken},
    visitor::{self, MaybeVisitor, Visitor},
    web::StrictJson,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_check, check).operation(__path_enroll, enroll)
}

/// A link's token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What stands after `#` in the link.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    token: Secret,
}

/// How an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It can be used.
    Open,
    /// It is past its life, or a newer one took its place, or it was ended.
    Expired,
    /// Somebody enrolled with it.
    Used,
}

/// Whether the person chooses a password or proves to have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AccountKind {
    /// A password is to be chosen.
    New,
    /// The person has an account already, and its password is asked for.
    Existing,
}

/// What a link is good for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationState {
    /// The practice that invites.
    pub practice: PracticeView,
    /// How the invitation stands.
    pub state: Standing,
    /// When it ends, or ended.
    pub expires_at: At,
    /// Whether a password is to be chosen or proved. Only while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub account: Option<AccountKind>,
    /// The name of the person whose account the invitation joins, if there is one. Only while it is
    /// open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub account_name: Option<String>,
    /// The fewest characters of a password that is to be chosen. Only while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub password_minimum: Option<usize>,
}

/// Looks at an invitation. Spends nothing.
#[utoipa::path(
    post, path = "/api/portal/enrollment/check", operation_id = "enroll.check", tag = "portal",
    request_body = Link,
    responses(
        (status = 200, description = "How the invitation stands.", body = InvitationState),
        (status = 404, description = "There is no such invitation.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many links that do not work from this address.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn check(
    State(app): State<App>,
    caller: Caller,
    StrictJson(link): StrictJson<Link>,
) -> Result<Json<InvitationState>, Problem> {
    let (problem, answer) = match look(&app, &link.token).await {
        Ok(answer) if answer.state == Standing::Open => return Ok(Json(answer)),
        Ok(answer) => (over(answer.state), Some(answer)),
        Err(problem) => (problem, None),
    };
    let problem = refused(&app, &caller, &link.token, problem).await;
    match answer {
        // How the link stands is told, and not as a problem.
        Some(answer) if problem.code().starts_with("invitation_") => Ok(Json(answer)),
        _ => Err(problem),
    }
}

async fn look(app: &App, link: &Secret) -> Result<InvitationState, Problem> {
    let token = InvitationToken::parse(link.reveal()).ok_or_else(Problem::not_found)?;
    let (chart, accounts, practice) = read(app, &token).await?;
    let user = chart.user(token.user)?;
    let now = app.now();
    let (state, expires_at) = standing(user, &chart.client, &token, &practice.clock(now))
        .ok_or_else(Problem::not_found)?;
    let mut answer = InvitationState {
        practice: practice.view(),
        state,
        expires_at,
        account: None,
        account_name: None,
        password_minimum: None,
    };
    if state == Standing::Open {
        let account = match accounts.get(&user.account) {
            Some(account) => account.clone(),
            // The sign-in name changed after the link was made.
            None => app.store().get(&keys::account(&token.practice, &user.account)).await?,
        };
        let known: Option<Account> = account.filter(|a| a.password.is_some());
        answer.account = Some(known.as_ref().map_or(AccountKind::New, |_| AccountKind::Existing));
        answer.password_minimum = known.is_none().then(|| password::minimum(&practice));
        answer.account_name = known.map(|account| account.name.full());
    }
    Ok(answer)
}

/// Everything about a link, in one round trip.
async fn read(app: &App, token: &InvitationToken) -> Result<(Chart, Accounts, Practice), Problem> {
    let (store, practice) = (app.store(), &token.practice);
    let accounts = [token.account.clone()];
    let ((chart, accounts), settings) = both(
        both(
            Chart::load(store, practice, token.client),
            Chart::accounts(store, practice, &accounts),
        ),
        Practice::load(store, practice),
    )
    .await?;
    Ok((chart, accounts, settings))
}

/// How the invitation of a link stands, and when it ends or ended; none for a link that was never
/// sent. Of a link that is over nothing is told that is true only today.
fn standing(
    user: &PortalUser,
    client: &Client,
    token: &InvitationToken,
    clock: &Clock,
) -> Option<(Standing, At)> {
    if let Some(i) = user.invitation.as_ref().filter(|i| token.secret.matches(&i.hash)) {
        return Some(match (i.used_at, user.status(client, clock)) {
            (Some(at), _) => (Standing::Used, at),
            (None, Status::Invited) => (Standing::Open, i.expires_at),
            (None, _) => (Standing::Expired, i.expires_at),
        });
    }
    let replaced = user.replaced.iter().find(|old| token.secret.matches(&old.hash))?;
    Some((Standing::Expired, replaced.at))
}

/// Why a link that is not open cannot be used.
fn over(state: Standing) -> Problem {
    match state {
        Standing::Used => used(),
        _ => Problem::conflict(
            "invitation_expired",
            "This invitation no longer works. Use the newest one, or ask the practice for a new one.",
        ),
    }
}

/// What to answer to a problem. When it is about the link, that is counted against where it was sent
/// from, and recorded: on the chart, but for a link that was never sent, whose ids may be made up.
async fn refused(app: &App, caller: &Caller, link: &Secret, problem: Problem) -> Problem {
    let forged = problem.code() == "not_found";
    if !forged && !problem.code().starts_with("invitation_") {
        return problem;
    }
    let Some(practice) = token::practice_of(link.reveal()) else { return problem };
    let author = Author { actor: Actor::nobody(), caller: caller.clone() };
    let event = author.event(app, &practice, Action::EnrollmentRefused).because(problem.code());
    let event = match InvitationToken::parse(link.reveal()).filter(|_| !forged) {
        Some(token) => event.client(token.client).portal_user(token.user),
        None => event,
    };
    dead_link::refuse(app, caller, &event, problem).await
}

/// A proof, and a password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Enrollment {
    /// What stands after `#` in the link.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    token: Secret,
    /// The client's last name, as in the chart.
    last_name: ProofName,
    /// The client's date of birth, as in the chart.
    date_of_birth: Date,
    /// The password to sign in with from now on; the one that the account has, if it has one.
    password: Password,
}

/// What came of an enrolment: what is kept for a repetition of the request.
#[derive(Serialize, Deserialize)]
#[serde(tag = "outcome")]
enum Outcome {
    /// Enrolled, with a session.
    Enrolled { account: AccountId, key: AccountKey, sid: SessionId, session: Box<PortalSession> },
    /// Enrolled, and not signed in: a second factor is asked for.
    NotSignedIn,
    /// The proof was wrong, which was counted.
    WrongProof,
}

/// Enrols, and signs in.
#[utoipa::path(
    post, path = "/api/portal/enrollment", operation_id = "enroll", tag = "portal",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = Enrollment,
    responses(
        (status = 201, description = "Enrolled and signed in: the session's cookie is set, and that of the device.", body = PortalSession,
            headers(("Set-Cookie" = String, description = "The session; the device, which is known from now on."))),
        (status = 204, description = "Enrolled, and not signed in: signing in asks for a second factor."),
        (status = 404, description = "There is no such invitation.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many links that do not work from this address.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`invitation_used` or `invitation_expired`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`proof_failed`, or the password is too weak, or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn enroll(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    MaybeVisitor(previous): MaybeVisitor,
    key: IdempotencyKey,
    StrictJson(with): StrictJson<Enrollment>,
) -> Result<Response, Problem> {
    let used = use_link(&app, &caller, (presented, previous.as_ref(), &key), &with);
    match Box::pin(used).await {
        Err(problem) => Err(refused(&app, &caller, &with.token, problem).await),
        answer => answer,
    }
}

async fn use_link(
    app: &App,
    caller: &Caller,
    (presented, previous, key): (Presented, Option<&Visitor>, &IdempotencyKey),
    with: &Enrollment,
) -> Result<Response, Problem> {
    let token = InvitationToken::parse(with.token.reveal()).ok_or_else(Problem::not_found)?;
    let practice = token.practice.clone();
    let body =
        (with.token.reveal(), with.last_name.as_str(), with.date_of_birth, with.password.reveal());
    let attempt = Attempt::new(app, &practice, token.account.as_str(), "enroll", key, &body)?;
    let ((chart, accounts, settings), before) =
        both(read(app, &token), attempt.answered::<Outcome>(app.store(), app.now()))
            .await
            // The person was deleted, and invited anew, since: the old answer is no way in.
            .map_err(|p| if p.code() == "deleted" { used() } else { p })?;
    // A link that was never sent is nobody's: nothing is written on the chart for it.
    let clock = settings.clock(app.now());
    standing(chart.user(token.user)?, &chart.client, &token, &clock)
        .ok_or_else(Problem::not_found)?;
    let author = Author { actor: Actor::nobody(), caller: caller.clone() };
    let request = Request {
        practice: &settings,
        author: &author,
        attempt: &attempt,
        unchanged: None,
        silent: false,
    };
    let device = presented.or_repeated(app, &attempt)?;
    let mut hashes = Hashes::default();
    let mut made = None;
    let decide = |edit: &mut ChartEdit<'_>| {
        let outcome = decide(app, edit, &token, (with, &device), &settings, &mut hashes)?;
        made = outcome.session();
        Ok(outcome)
    };
    let outcome = match before {
        Some(before) => Ok(before),
        None => Box::pin(chart.change(app, &request, accounts, decide)).await,
    };
    match outcome {
        Ok(Outcome::Enrolled { account, key, sid, session }) => {
            if made != Some(sid) {
                still_open(app, &settings, &token, &key, sid).await?;
            }
            let cookie =
                visitor::portal_cookie(app, &settings, &key, account, sid, session.ends_at)?;
            // A repeated request brings the very session that it made.
            if let Some(previous) = previous.filter(|previous| previous.sid != sid) {
                previous.leave(app).await;
            }
            let cookies = AppendHeaders([(SET_COOKIE, cookie), (SET_COOKIE, device.cookie()?)]);
            Ok((StatusCode::CREATED, cookies, Json(session)).into_response())
        }
        Ok(Outcome::NotSignedIn) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Outcome::WrongProof) => Err(Problem::refused(
            "lastName",
            Refusal::rule(
                "proof_failed",
                "These details do not match what the practice knows. Check them, or ask the practice.",
            ),
        )),
        Err(problem) => Err(problem),
    }
}

fn used() -> Problem {
    Problem::conflict(
        "invitation_used",
        "This invitation was used already. Sign in with your password.",
    )
}

/// Demands of a session that was made by an earlier request that it still opens the chart: one that
/// was ended gets no new token, which services that only verify tokens would take.
async fn still_open(
    app: &App,
    practice: &Practice,
    token: &InvitationToken,
    key: &AccountKey,
    sid: SessionId,
) -> Result<(), Problem> {
    let account: Option<Account> = app.store().get(&keys::account(&token.practice, key)).await?;
    let open = account.as_ref().and_then(|a| a.admitted(practice, sid, app.now()));
    let opens = open.is_some_and(|(_, open)| open.iter().any(|(c, _)| *c == token.client));
    if opens { Ok(()) } else { Err(used()) }
}

impl Outcome {
    fn session(&self) -> Option<SessionId> {
        match self {
            Self::Enrolled { sid, .. } => Some(*sid),
            Self::NotSignedIn | Self::WrongProof => None,
        }
    }
}

/// What Argon2 said already: a decision that is taken again hashes nothing anew.
#[derive(Default)]
struct Hashes {
    /// Whether the password is the one with this hash.
    verified: Option<(String, bool)>,
    /// The new password's hash.
    hashed: Option<Secret>,
}

fn decide(
    app: &App,
    edit: &mut ChartEdit<'_>,
    token: &InvitationToken,
    (with, device): (&Enrollment, &Device),
    settings: &Practice,
    hashes: &mut Hashes,
) -> Result<Outcome, Problem> {
    let user = edit.user(token.user)?.clone();
    match standing(&user, &edit.client, token, edit.clock()).ok_or_else(Problem::not_found)? {
        // A Query is not a snapshot: it may meet the client after the chart was closed, and the
        // invitation before.
        (Standing::Open, _) if edit.client.closed.is_some() => {
            return Err(over(Standing::Expired));
        }
        (Standing::Open, _) => {}
        (state, _) => return Err(over(state)),
    }
    let account = edit.account(&user.account)?.ok_or_else(Problem::not_found)?;
    let right_password = match &account.password {
        None => true,
        Some(known) => match &hashes.verified {
            Some((of, right)) if of == known.reveal() => *right,
            _ => {
                let right = password::verify(app, &with.password, Some(known));
                hashes.verified = Some((known.reveal().to_owned(), right));
                right
            }
        },
    };
    let right_client = proof::of_last_name(&edit.client.name, with.last_name.as_str())
        && edit.client.date_of_birth == with.date_of_birth;
    if !(right_password && right_client) {
        edit.count_wrong_proof(token.user)?;
        return Ok(Outcome::WrongProof);
    }
    if account.password.is_some() {
        return enrolled(edit, &user, account.account_id, None, device);
    }
    password::check(&with.password, &Personal::of(settings, account))?;
    let hash = match &hashes.hashed {
        Some(hash) => hash.clone(),
        None => password::hash(app, &with.password)?,
    };
    hashes.hashed = Some(hash.clone());
    enrolled(edit, &user, account.account_id, Some(hash), device)
}

fn enrolled(
    edit: &mut ChartEdit<'_>,
    user: &PortalUser,
    account: AccountId,
    password: Option<Secret>,
    device: &Device,
) -> Result<Outcome, Problem> {
    let key = user.account.clone();
    Ok(match edit.enroll(user.portal_user_id, password, device)? {
        Some((sid, session)) => Outcome::Enrolled { account, key, sid, session: Box::new(session) },
        None => Outcome::NotSignedIn,
    })
}
