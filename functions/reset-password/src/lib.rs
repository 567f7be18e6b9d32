//! A new password for one that was forgotten, by a link in a mail. Asking writes the same for every name
//! and is answered alike: `send-mail` finds the accounts that it fits. Choosing ends every session of the
//! account and opens nothing: an open invitation still has to be enrolled with, by the new password.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::Account,
    ask::Ask,
    caller::Caller,
    cookie, dead_link,
    device::{self, Presented},
    fields::{Password, Secret, Username},
    history::{Action, Actor, Event},
    id::PracticeId,
    jwt::Audience,
    keys, limited,
    lockout::Door,
    mail::MailKind,
    mirror::to_charts::{self, AccountUpdate},
    outbox::{Outgoing, Recipient},
    password::{self, Personal},
    practice::Practice,
    problem::ProblemBody,
    store::both,
    token::{self, ResetToken},
    web::StrictJson,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_ask, ask).operation(__path_choose, choose)
}

/// Who forgot a password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// The practice whose portal it is.
    practice: PracticeId,
    /// The name to sign in with, or an e-mail address.
    username: Username,
}

/// Always the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asked {
    /// What the person can expect.
    message: &'static str,
}

/// Asks for a reset. The answer is the same whether or not anybody has the name or address.
#[utoipa::path(
    post, path = "/api/portal/password-reset", operation_id = "reset-password", tag = "portal",
    request_body = Forgotten,
    responses(
        (status = 202, description = "Each account that it fits gets a mail: a link for a new password or, if nobody enrolled, the invitation again.", body = Asked),
        (status = 429, description = "Too many requests from this address.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn ask(
    State(app): State<App>,
    caller: Caller,
    StrictJson(with): StrictJson<Forgotten>,
) -> Result<Response, Problem> {
    let ask = Ask::new(&app, &caller, &with.practice, &with.username)?;
    let door = (Door::Reset, &with.practice);
    limited::count(&app, &caller, door, |change| Some(ask.queue(change))).await?;
    Ok(asked())
}

fn asked() -> Response {
    let message = "If there is something to send for it, a mail with a link is on its way.";
    (StatusCode::ACCEPTED, Json(Asked { message })).into_response()
}

/// A new password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// What stands after `#` in the link.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    token: Secret,
    /// The new password.
    password: Password,
}

/// Chooses a new password. Every session of the account ends.
#[utoipa::path(
    put, path = "/api/portal/password", operation_id = "reset-password.choose", tag = "portal",
    request_body = NewPassword,
    responses(
        (status = 204, description = "The password is changed.", headers(("Set-Cookie" = String, description = "Takes the session's cookie away; the device, which is known from now on."))),
        (status = 409, description = "`reset_expired`: the link does not work, or no longer.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The password is too weak.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many links that do not work from this address.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn choose(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    StrictJson(with): StrictJson<NewPassword>,
) -> Result<Response, Problem> {
    let token = ResetToken::parse(with.token.reveal());
    let problem = match &token {
        Some(token) => match change_password(&app, &caller, presented, (&with, token)).await {
            Err(problem) if problem.code() == "reset_expired" => problem,
            answer => return answer,
        },
        None => expired(),
    };
    let practice = token.as_ref().map(|token| token.practice.clone());
    let Some(practice) = practice.or_else(|| token::practice_of(with.token.reveal())) else {
        return Err(problem);
    };
    let action = Action::PasswordChangeRefused;
    let event = Event::new(&app, &caller, &Actor::nobody(), &practice, action);
    let event = event.because(problem.code());
    let event = match &token {
        Some(token) => of_account(&app, token, event).await?,
        None => event,
    };
    Err(dead_link::refuse(&app, &caller, &event, problem).await)
}

fn expired() -> Problem {
    Problem::conflict("reset_expired", "This link no longer works. Ask for a new one.")
}

/// An event about the first chart of the account that a link names, if there is one.
async fn of_account(app: &App, token: &ResetToken, event: Event) -> Result<Event, Problem> {
    let key = keys::account(&token.practice, &token.account);
    let account: Option<Account> = app.store().get(&key).await?;
    Ok(match account.as_ref().and_then(|account| account.grants.iter().next()) {
        Some((client, grant)) => event.client(*client).portal_user(grant.portal_user_id),
        None => event,
    })
}

async fn change_password(
    app: &App,
    caller: &Caller,
    presented: Presented,
    (with, token): (&NewPassword, &ResetToken),
) -> Result<Response, Problem> {
    let practice = &token.practice;
    let key = keys::account(practice, &token.account);
    let device = presented.or_new(app);
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let (account, settings) =
            both(app.store().get::<Account>(&key), Practice::load(app.store(), practice))
                .await
                .map_err(|p| if p.code() == "not_found" { expired() } else { p })?;
        let clock = settings.clock(now);
        let mut account = account
            .filter(|a| {
                a.resettable(&clock).next().is_some()
                    && a.reset
                        .as_ref()
                        .is_some_and(|r| r.expires_at > now && token.secret.matches(&r.hash))
            })
            .ok_or_else(expired)?;
        password::check(&with.password, &Personal::of(&settings, &account))?;

        let mut change = app.store().change();
        account.set_password(password::hash(app, &with.password)?);
        let gone = account.sessions.end_all();
        gone.tell(app, practice, account.account_id, &mut change);
        change.replace(&key, &account, account.rev);
        let owner = (practice, &token.account, account.account_id);
        device::remember(app, &mut change, &device, owner)?;
        let first = account.resettable(&clock).next().map(|(c, g)| (c, g.portal_user_id));
        let mut shown = None;
        if let Some((client, user)) = first {
            let (to, what) =
                (Recipient { client, user }, (MailKind::PasswordChanged, account.email.as_ref()));
            let mail = Outgoing::tell(app, practice, to, what, &mut change)?;
            shown = mail.map(|mail| (client, mail));
        }
        let mail_on = shown.as_ref().map(|(c, m)| (*c, m));
        let news = AccountUpdate { mail: mail_on, reset: Some(now), ..AccountUpdate::default() };
        to_charts::write(&mut change, practice, &account, &news);
        let actor = account.actor();
        for (client, grant) in account.resettable(&clock) {
            let event = Event::new(app, caller, &actor, practice, Action::PasswordChanged);
            change.event(
                &event.client(client).portal_user(grant.portal_user_id).changed(["password"]),
            );
        }
        let Err(error) = app.store().write(change).await else {
            let gone = (SET_COOKIE, cookie::clear(Audience::Portal));
            let cookies = AppendHeaders([gone, (SET_COOKIE, device.cookie()?)]);
            return Ok((StatusCode::NO_CONTENT, cookies).into_response());
        };
        retries.retry(error).await?;
    }
}
