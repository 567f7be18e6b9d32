//! Lets somebody who forgot a password choose a new one, by a link in a mail. Asking is always
//! answered alike; choosing ends every session of the account, and opens nothing: whoever is only
//! invited needs the password to enrol, and enrols with it all the same.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::{self, Account, RESET_SECONDS, Reset},
    caller::Caller,
    cookie,
    device::{self, Presented},
    fields::{Password, Secret, Username},
    history::{Action, Actor, Event},
    id::{AccountKey, ClientId, MailId, PortalUserId, PracticeId},
    jwt::Audience,
    keys,
    lockout::{Door, Sources},
    mail::MailKind,
    mail_budget::{Budgets, Spending},
    mirror::to_charts::{self, AccountUpdate},
    outbox::{Outgoing, Recipient},
    password::{self, Personal},
    practice::Practice,
    problem::ProblemBody,
    store::{Change, both, parse},
    token::{Nonce, ResetToken},
    web::StrictJson,
};
use utoipa::ToSchema;

/// Seconds in which an account gets no second reset mail: time to use the first, whose link a
/// second one would end. Anybody may ask.
const PAUSE: i64 = 10 * 60;

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
    /// The name to sign in with.
    username: Username,
}

/// Always the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asked {
    /// What the person can expect.
    message: &'static str,
}

/// Asks for a reset. The answer is the same whether or not the username exists.
#[utoipa::path(
    post, path = "/api/portal/password-reset", operation_id = "reset-password", tag = "portal",
    request_body = Forgotten,
    responses(
        (status = 202, description = "If the username can sign in, a mail is on its way.", body = Asked),
        (status = 429, description = "Too many requests from this address.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn ask(
    State(app): State<App>,
    caller: Caller,
    StrictJson(with): StrictJson<Forgotten>,
) -> Result<Response, Problem> {
    let id = account::key_of(&app, &with.practice, &with.username)?;
    let key = keys::account(&with.practice, &id);
    let settings = keys::practice(&with.practice);
    let mut sources = Sources::of(&app, Door::Reset, &caller.source)?;
    let wanted: Vec<_> =
        [key.clone(), settings.clone()].into_iter().chain(sources.keys()).collect();
    let mut retries = app.store().retries();
    let mut budgets = Budgets::default();
    loop {
        let now = app.now();
        let mut items = app.store().get_many(&wanted).await?;
        if !items.contains_key(&settings) {
            // Nobody's practice: nothing is kept of what was asked of it.
            return Ok(asked());
        }
        let account: Option<Account> = items.remove(&key).map(parse).transpose()?;
        sources.read(&mut items)?;
        sources.refuse(now)?;

        let mut change = app.store().change();
        sources.count(&mut change, now);
        let known = account.as_ref().map(|a| a.account_id.to_string());
        let rev = account.as_ref().map_or(0, |a| a.rev);
        let mut spending = Spending::new(&app, &with.practice);
        if let Some(account) = &account {
            spending.count(&account.email, MailKind::PasswordReset)?;
        }
        // Over the budget of its address, it silently gets none.
        let held = spending.until(&budgets).is_none();
        let mut spending = Spending::new(&app, &with.practice);
        let allowed = account.filter(|a| {
            let soon =
                a.reset.as_ref().is_some_and(|r| r.expires_at.plus(PAUSE - RESET_SECONDS) > now);
            a.resettable(now).next().is_some() && !soon && held
        });
        if let Some(account) = allowed {
            send(&app, &caller, &with.practice, &id, account, (&mut change, &mut spending))?;
        } else {
            // Nothing is kept of what was typed for a username that nobody has: it may have been a
            // password.
            let actor = Actor { id: known.unwrap_or_default(), ..Actor::nobody() };
            let action = Action::PasswordResetRequested;
            change.event(&Event::new(&app, &caller, &actor, &with.practice, action));
            // How long a transaction takes tells how many items take part in it: as many as in a
            // reset that is made.
            let (client, user) = (ClientId::new(app.ulid()), PortalUserId::new(app.ulid()));
            let mail = keys::mail(&with.practice, client, MailId::new(app.ulid()));
            change.unchanged(&key, rev);
            change.unchanged(&mail, 0);
            change.unchanged(&keys::budget(&with.practice, id.as_str()), 0);
            change.unchanged(&keys::portal_user(&with.practice, client, user), 0);
        }
        let spent = spending.write(&mut change, &budgets)?;
        let Err(error) = app.store().write(change).await else { return Ok(asked()) };
        let failed = retries.retry(error).await?;
        budgets = spent.read_failed(app.store(), &failed).await?;
    }
}

fn asked() -> Response {
    let message = "If this username can sign in, a mail with a link is on its way.";
    (StatusCode::ACCEPTED, Json(Asked { message })).into_response()
}

/// Makes a reset, the only one that works from now on, and queues its mail.
fn send(
    app: &App,
    caller: &Caller,
    practice: &PracticeId,
    id: &AccountKey,
    mut account: Account,
    (change, spending): (&mut Change, &mut Spending<'_>),
) -> Result<(), Problem> {
    let now = app.now();
    let Some((client, user)) = account.resettable(now).next().map(|(c, g)| (c, g.portal_user_id))
    else {
        return Ok(());
    };
    let nonce = Nonce::new(app);
    let expires_at = now.plus(RESET_SECONDS);
    account.reset = Some(Reset { hash: nonce.secret(app)?.hash(), expires_at });
    let to = Recipient { client, user, email: &account.email };
    let mail = Outgoing::notice(app, practice, &to, MailKind::PasswordReset).with_link(
        id.clone(),
        nonce,
        expires_at,
    );
    mail.queue(change, spending, &account.email)?;
    change.replace(&keys::account(practice, id), &account, account.rev);
    let news = AccountUpdate {
        mail: Some((client, &mail.shown())),
        reset: Some(now),
        ..AccountUpdate::default()
    };
    to_charts::write(change, practice, &account, &news);
    let actor = Actor { id: account.account_id.to_string(), ..Actor::nobody() };
    let event = Event::new(app, caller, &actor, practice, Action::PasswordResetRequested);
    change.event(&event.client(client).portal_user(user));
    Ok(())
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
    )
)]
async fn choose(
    State(app): State<App>,
    caller: Caller,
    presented: Presented,
    StrictJson(with): StrictJson<NewPassword>,
) -> Result<Response, Problem> {
    let expired =
        || Problem::conflict("reset_expired", "This link no longer works. Ask for a new one.");
    let token = ResetToken::parse(with.token.reveal()).ok_or_else(expired)?;
    let practice = &token.practice;
    let key = keys::account(practice, &token.account);
    let device = presented.or_new(&app);
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let (account, settings) =
            both(app.store().get::<Account>(&key), Practice::load(app.store(), practice))
                .await
                .map_err(|p| if p.code() == "not_found" { expired() } else { p })?;
        let mut account = account
            .filter(|a| {
                a.resettable(now).next().is_some()
                    && a.reset
                        .as_ref()
                        .is_some_and(|r| r.expires_at > now && token.secret.matches(&r.hash))
            })
            .ok_or_else(expired)?;
        password::check(&with.password, &Personal::of(&settings, &account))?;

        let mut change = app.store().change();
        account.password = Some(password::hash(&app, &with.password)?);
        account.sessions.clear();
        account.reset = None;
        change.replace(&key, &account, account.rev);
        let owner = (practice, &token.account, account.account_id);
        device::remember(&app, &mut change, &device, owner)?;
        let first = account.resettable(now).next().map(|(c, g)| (c, g.portal_user_id));
        let mut spending = Spending::new(&app, practice);
        let mail = first.map(|(client, user)| {
            let to = Recipient { client, user, email: &account.email };
            Outgoing::notice(&app, practice, &to, MailKind::PasswordChanged)
        });
        let shown = mail.as_ref().map(|m| (m.client_id, m.shown()));
        let mail_on = shown.as_ref().map(|(c, m)| (*c, m));
        let news = AccountUpdate { mail: mail_on, reset: Some(now), ..AccountUpdate::default() };
        to_charts::write(&mut change, practice, &account, &news);
        if let Some(mail) = &mail {
            mail.queue(&mut change, &mut spending, &account.email)?;
        }
        spending.write(&mut change, &Budgets::default())?;
        let actor = account.actor();
        for (client, grant) in account.resettable(now) {
            let event = Event::new(&app, &caller, &actor, practice, Action::PasswordChanged);
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
