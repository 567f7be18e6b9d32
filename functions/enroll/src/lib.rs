//! Turns an invitation into credentials. Looking at an invitation spends nothing; only the right
//! last name, date of birth and password do. Whoever has an account already proves the new chart
//! with the password they have, and the chart joins the account.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::{Account, AccountUpdate, PortalSession},
    chart::Chart,
    fields::{At, Date, Password, ProofName, Secret},
    history::{Action, Actor, Event, Role},
    id::{Epoch, SessionId},
    idempotency::{Attempt, IdempotencyKey},
    keys, password,
    portal_user::{Access, PortalUser, WRONG_PROOFS},
    practice::{Practice, PracticeView},
    problem::ProblemBody,
    proof, session,
    store::{both, parse},
    token::InvitationToken,
    web::{Caller, StrictJson},
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
    /// Whether a password is to be chosen or proved.
    pub account: AccountKind,
}

/// Looks at an invitation. Spends nothing.
#[utoipa::path(
    post, path = "/api/portal/enrollment/check", operation_id = "enroll.check", tag = "portal",
    request_body = Link,
    responses(
        (status = 200, description = "How the invitation stands.", body = InvitationState),
        (status = 404, description = "There is no such invitation.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn check(
    State(app): State<App>,
    StrictJson(link): StrictJson<Link>,
) -> Result<Json<InvitationState>, Problem> {
    let token = InvitationToken::parse(link.token.reveal()).ok_or_else(Problem::not_found)?;
    let user = keys::portal_user(&token.practice, token.client, token.user);
    let account = keys::account(&token.practice, &token.account);
    let wanted = [user.clone(), account.clone()];
    let (mut items, practice) =
        both(app.store().get_many(&wanted), Practice::load(&app, &token.practice)).await?;
    let user: Option<PortalUser> = items.remove(&user).map(parse).transpose()?;
    let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
    let account = account.filter(|a| is_for(a, &token));
    let (user, account) = user.zip(account).ok_or_else(Problem::not_found)?;
    let now = app.now();
    let state = state(&user, &token, now);
    Ok(Json(InvitationState {
        practice: practice.view(),
        state,
        expires_at: user.invitation.as_ref().map_or(now, |i| i.expires_at),
        account: if account.password.is_some() { AccountKind::Existing } else { AccountKind::New },
    }))
}

/// Whether an account is that of the portal user in the token. The secret proves the portal user
/// alone: without this, whoever is invited could name the account of another who is invited to the
/// same chart, and set its password.
fn is_for(account: &Account, token: &InvitationToken) -> bool {
    account.grants.get(&token.client).is_some_and(|g| g.portal_user_id == token.user)
}

fn state(user: &PortalUser, token: &InvitationToken, now: At) -> Standing {
    match &user.invitation {
        Some(i) if token.secret.matches(&i.hash) => match (i.used_at, user.access) {
            (Some(_), _) => Standing::Used,
            (None, Access::Invited) if i.open(now) => Standing::Open,
            (None, _) => Standing::Expired,
        },
        _ => Standing::Expired,
    }
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

/// What is kept of an enrolment that was answered.
#[derive(Serialize, Deserialize)]
struct Enrolled {
    sid: SessionId,
    session: PortalSession,
}

/// Enrols, and signs in.
#[utoipa::path(
    post, path = "/api/portal/enrollment", operation_id = "enroll", tag = "portal",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = Enrollment,
    responses(
        (status = 201, description = "Enrolled and signed in: the session's cookie is set.", body = PortalSession,
            headers(("Set-Cookie" = String, description = "The session."))),
        (status = 404, description = "There is no such invitation.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`invitation_used` or `invitation_expired`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`proof_failed`, or the password is too weak, or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn enroll(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    StrictJson(with): StrictJson<Enrollment>,
) -> Result<Response, Problem> {
    let token = InvitationToken::parse(with.token.reveal()).ok_or_else(Problem::not_found)?;
    let practice = token.practice.clone();
    let body =
        (with.token.reveal(), with.last_name.as_str(), with.date_of_birth, with.password.reveal());
    let attempt = Attempt::new(&app, &practice, token.account.as_str(), "enroll", &key, &body)?;
    let account_key = keys::account(&practice, &token.account);
    let mut retries = app.store().retries();
    loop {
        let ((chart, account), (settings, answered)) = both(
            both(
                Chart::load(app.store(), &practice, token.client),
                app.store().get::<Account>(&account_key),
            ),
            both(Practice::load(&app, &practice), attempt.answered::<Enrolled>(&app)),
        )
        .await?;
        if let Some(before) = answered {
            let account = account.as_ref().ok_or_else(used)?;
            return respond(&app, &settings, &token, account, before);
        }
        let account = account.filter(|a| is_for(a, &token)).ok_or_else(Problem::not_found)?;
        let decision = decide(&app, &caller, &token, &with, &settings, chart, account)?;
        let Decision { mut chart, account, enrolled, event } = decision;
        let mut change = app.store().change();
        chart.save(&mut change);
        change.replace(&account_key, &account, account.rev);
        change.event(&event);
        if let Some(enrolled) = &enrolled {
            let news = AccountUpdate {
                told: Some(token.client),
                signed_in: Some(app.now()),
                ..AccountUpdate::default()
            };
            account.mirror(&mut change, &practice, &news);
            // The session opens the account's other charts too: there it is a sign-in.
            for (client, grant) in account.open_grants().filter(|(c, _)| *c != token.client) {
                let signed_in =
                    Event::new(&app, &caller, &event.actor, &practice, Action::SignedIn);
                change.event(&signed_in.client(client).portal_user(grant.portal_user_id));
            }
            attempt.keep(&app, &mut change, enrolled)?;
        }
        let Err(error) = app.store().write(change).await else {
            let enrolled = enrolled.ok_or_else(|| {
                Problem::refused(
                    "lastName",
                    "proof_failed",
                    "These details do not match what the practice knows. Check them, or ask the practice.",
                )
            })?;
            return respond(&app, &settings, &token, &account, enrolled);
        };
        retries.retry(error).await?;
    }
}

fn used() -> Problem {
    Problem::conflict(
        "invitation_used",
        "This invitation was used already. Sign in with your password.",
    )
}

/// Answers an enrolment, also when it is asked for again: as long as its session opens the chart.
/// One that was ended gets no new token, which services that only verify it would take.
fn respond(
    app: &App,
    practice: &Practice,
    token: &InvitationToken,
    account: &Account,
    enrolled: Enrolled,
) -> Result<Response, Problem> {
    let (session, _) = account
        .admitted(practice, enrolled.sid, app.now())
        .filter(|(_, open)| open.iter().any(|(client, _)| *client == token.client))
        .ok_or_else(used)?;
    let cookie =
        session::portal_cookie(app, practice, &token.account, enrolled.sid, session.ends_at)?;
    Ok((StatusCode::CREATED, [(SET_COOKIE, cookie)], Json(enrolled.session)).into_response())
}

/// What is to be written, and said.
struct Decision {
    chart: Chart,
    account: Account,
    /// None when the proof failed, which is counted.
    enrolled: Option<Enrolled>,
    event: Event,
}

fn decide(
    app: &App,
    caller: &Caller,
    token: &InvitationToken,
    with: &Enrollment,
    settings: &Practice,
    mut chart: Chart,
    mut account: Account,
) -> Result<Decision, Problem> {
    let now = app.now();
    let about = |actor: &Actor, action: Action| {
        let event = Event::new(app, caller, actor, &token.practice, action);
        event.client(token.client).portal_user(token.user)
    };
    match state(chart.user(token.user)?, token, now) {
        Standing::Open => {}
        Standing::Used => return Err(used()),
        Standing::Expired => {
            return Err(Problem::conflict(
                "invitation_expired",
                "This invitation no longer works. Use the newest one, or ask the practice for a new one.",
            ));
        }
    }

    let known = account.password.clone();
    let right_password = known.as_ref().is_none_or(|k| password::verify(&with.password, Some(k)));
    let right_client = proof::of_last_name(&chart.client.name, with.last_name.as_str())
        && chart.client.date_of_birth == with.date_of_birth;
    if !(right_password && right_client) {
        let user = chart.user_mut(token.user)?;
        if let Some(invitation) = &mut user.invitation {
            invitation.wrong_proofs += 1;
            if invitation.wrong_proofs >= WRONG_PROOFS {
                invitation.expires_at = now;
            }
        }
        let invited_until = user.invited_until();
        if let Some(grant) = account.grants.get_mut(&token.client) {
            grant.invited_until = invited_until;
        }
        let event = about(&Actor::nobody(), Action::EnrollmentRefused);
        return Ok(Decision { chart, account, enrolled: None, event });
    }

    if known.is_none() {
        let user = chart.user(token.user)?;
        let born = chart.client.date_of_birth.to_string();
        let (person, client) = (user.name.full(), chart.client.name.full());
        let context = [
            person.as_str(),
            client.as_str(),
            born.as_str(),
            user.username.as_str(),
            user.email.as_str(),
            settings.name.as_str(),
        ];
        password::check(&with.password, settings, &context)?;
        account.password = Some(password::hash(app, &with.password)?);
    }

    if let Some(grant) = account.grants.get_mut(&token.client) {
        grant.active = true;
        grant.invited_until = None;
        grant.epoch = Epoch::new(app.ulid());
    }
    let sid = SessionId::new(app.ulid());
    account.start_session(sid, settings, now);
    let user = chart.user_mut(token.user)?;
    user.access = Access::Active;
    user.enrolled_at = Some(now);
    user.last_sign_in_at = Some(now);
    user.sessions = account.sessions_of(token.client);
    user.version += 1;
    if let Some(invitation) = &mut user.invitation {
        invitation.used_at = Some(now);
    }
    let actor =
        Actor { id: token.account.to_string(), name: account.name.full(), role: Role::PortalUser };
    let action = if known.is_some() { Action::ChartJoined } else { Action::Enrolled };
    let event = about(&actor, action).changed(["status"]);
    let session = account
        .portal_session(settings, sid, now)
        .ok_or_else(|| Problem::internal("a session that opens nothing"))?;
    Ok(Decision { chart, account, enrolled: Some(Enrolled { sid, session }), event })
}
