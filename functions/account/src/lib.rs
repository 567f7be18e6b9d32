//! The account of the person who is signed in: what it is, and what they change of it by themselves: the
//! language, the password, the e-mail address, and where they are signed in. A new password or address asks
//! for the password again ([`StepUp`]) and is mailed to the person. A new address is theirs once the link
//! was used that was mailed to it.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::{Account, CONFIRMATION_SECONDS, NewEmail},
    chart::{Chart, ChartEdit, Request, confirmation_expired},
    clock::Clock,
    cookie, dead_link,
    device::{DeviceKind, Presented},
    factor::{Factors, passkey::PasskeyView},
    fields::{At, Email, Name, Password, Refusal, Secret, Username},
    history::{Action, Actor, Author, Event},
    id::{AskId, ClientId, PortalUserId, SessionId},
    idempotency::{Attempt, IdempotencyKey},
    jwt::Audience,
    keys,
    letter::Language,
    mail::MailKind,
    mail_budget::{Budgets, Spending},
    mirror::to_charts::{self, AccountUpdate},
    outbox::{Outgoing, Recipient},
    password::{self, Personal},
    practice::{Practice, SecondFactor},
    problem::ProblemBody,
    step_up::{InSession, Proof, StepUp},
    store::{Change, both},
    token::{self, ConfirmationToken, Nonce},
    visitor::Visitor,
    web::{SessionPath, StrictJson},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_show, show)
        .operation(__path_edit, edit)
        .operation(__path_change_password, change_password)
        .operation(__path_change_email, change_email)
        .operation(__path_confirm_email, confirm_email)
        .operation(__path_end_session, end_session)
}

/// The account of the person who is signed in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub struct AccountView {
    /// The person's name.
    name: Name,
    /// The name the person signs in with.
    username: Username,
    /// Where the person's mails go; not there for a person without an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<Email>,
    /// The language of pages and mails: the person's choice, or else the practice's.
    language: Language,
    /// What the person signs in with beside the password.
    second_factors: SecondFactors,
    /// Whether the practice offers or requires a second factor.
    second_factor: SecondFactor,
    /// Where the person is signed in: this session first, then the last used.
    sessions: Vec<SessionView>,
}

/// What a person signs in with beside the password.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactors {
    /// The passkeys.
    passkeys: Vec<PasskeyView>,
    /// Whether there is an authenticator app.
    totp: bool,
    /// Whether there is a recovery code.
    recovery_code: bool,
}

impl SecondFactors {
    fn of(factors: &Factors) -> Self {
        Self {
            passkeys: factors.passkeys.iter().map(|(id, passkey)| passkey.view(*id)).collect(),
            totp: factors.totp.is_some(),
            recovery_code: factors.has_recovery_code(),
        }
    }
}

/// A session of the person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnSession)]
pub struct SessionView {
    /// Its id.
    session_id: SessionId,
    /// When it began.
    began_at: At,
    /// When it was last used, to about a minute.
    last_used_at: At,
    /// On what kind of device.
    device: DeviceKind,
    /// Whether it is the one that asks.
    current: bool,
}

impl AccountView {
    fn of(account: &Account, practice: &Practice, sid: SessionId, now: At) -> Self {
        let lives = |of: SessionId| account.admitted(practice, of, now).is_some();
        let living = account.sessions.iter().filter(|(of, _)| lives(*of));
        let view = |(session_id, session): (SessionId, &shared::session::Session)| SessionView {
            session_id,
            began_at: session.began_at,
            last_used_at: session.used_at.unwrap_or(session.began_at),
            device: session.device,
            current: session_id == sid,
        };
        let mut sessions: Vec<SessionView> = living.map(view).collect();
        sessions.sort_by_key(|s| (!s.current, std::cmp::Reverse((s.last_used_at, s.session_id))));
        Self {
            name: account.name.clone(),
            username: account.username.clone(),
            email: account.email.clone(),
            language: language_of(account, practice),
            second_factors: SecondFactors::of(&account.factors),
            second_factor: practice.second_factor,
            sessions,
        }
    }
}

fn language_of(account: &Account, practice: &Practice) -> Language {
    account.language.unwrap_or_else(|| Language::from_tag(&practice.language))
}

/// Shows the account. It is recorded.
#[utoipa::path(
    get, path = "/api/portal/account", operation_id = "account", tag = "portal",
    security(("portalSession" = [])),
    responses((status = 200, description = "The account.", body = AccountView))
)]
async fn show(State(app): State<App>, visitor: Visitor) -> Result<Json<AccountView>, Problem> {
    Box::pin(settle(&app, &visitor, &AccountEdit::default())).await
}

/// A change of the account: what is not named stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountEdit {
    /// The language of pages and mails.
    #[serde(default)]
    language: Option<Language>,
}

/// Changes the language.
#[utoipa::path(
    patch, path = "/api/portal/account", operation_id = "account.edit", tag = "portal",
    security(("portalSession" = [])),
    request_body = AccountEdit,
    responses((status = 200, description = "The account as it is now.", body = AccountView))
)]
async fn edit(
    State(app): State<App>,
    visitor: Visitor,
    StrictJson(edit): StrictJson<AccountEdit>,
) -> Result<Json<AccountView>, Problem> {
    Box::pin(settle(&app, &visitor, &edit)).await
}

async fn settle(
    app: &App,
    visitor: &Visitor,
    edit: &AccountEdit,
) -> Result<Json<AccountView>, Problem> {
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let (mut account, practice) = visitor.load(app).await?;
        let open = visitor.open_charts(&account, &practice, now)?;
        let mut change = app.store().change();
        let language = edit.language.filter(|to| account.language != Some(*to));
        if let Some(language) = language {
            account.language = Some(language);
            for chart in &charts(&account, &practice.clock(now)) {
                let event = visitor.event_on(app, &account, Some(chart), Action::AccountUpdated);
                change.event(&event.changed(["language"]));
            }
        } else {
            let shown = visitor.event_on(app, &account, open.first(), Action::AccountShown);
            change.event(&shown);
        }
        if account.use_session(visitor.sid, &practice, now) || language.is_some() {
            let update = AccountUpdate { language, ..AccountUpdate::default() };
            write(&mut change, visitor, &account, &update);
        }
        let answer = AccountView::of(&account, &practice, visitor.sid, now);
        let Err(error) = app.store().write(change).await else { return Ok(Json(answer)) };
        retries.retry(error).await?;
    }
}

/// The charts that are open to the person, each with their portal user there.
fn charts(account: &Account, clock: &Clock) -> Vec<(ClientId, PortalUserId)> {
    account.open_grants(clock).map(|(client, grant)| (client, grant.portal_user_id)).collect()
}

/// Adds the account to a change, and what its charts copy of it.
fn write(change: &mut Change, visitor: &Visitor, account: &Account, update: &AccountUpdate<'_>) {
    let key = keys::account(&visitor.practice, &visitor.account);
    change.replace(&key, account, account.rev);
    to_charts::write(change, &visitor.practice, account, update);
}

/// A new password, and the one before.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The new password.
    password: Password,
    /// That it is still the person.
    proof: Proof,
}

/// Changes the password. All other sessions of the account end.
#[utoipa::path(
    put, path = "/api/portal/account/password", operation_id = "account.password", tag = "portal",
    security(("portalSession" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The password is changed."),
        (status = 422, description = "`wrong_password` on `proof.password`; `too_short` or `too_weak` on `password`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn change_password(
    State(app): State<App>,
    visitor: Visitor,
    presented: Presented,
    StrictJson(with): StrictJson<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let mut step_up = StepUp::new(&app, &visitor, &presented, &with.proof);
    let mut hash = None;
    let mut retries = app.store().retries();
    loop {
        let mut found = step_up.read().await?;
        password::check(&with.password, &Personal::of(&found.practice, &found.account))?;
        let mut change = app.store().change();
        let answer = step_up.judge(&mut found, &mut change);
        if answer.is_ok() {
            if hash.is_none() {
                hash = Some(password::hash(&app, &with.password)?);
            }
            let hash = hash.clone().ok_or_else(|| Problem::internal("no hash was made"))?;
            set_password(&app, &visitor, found, hash, &mut change)?;
        }
        let Err(error) = app.store().write(change).await else {
            return answer.map(|()| StatusCode::NO_CONTENT);
        };
        retries.retry(error).await?;
    }
}

/// Adds a new password to a change: the other sessions end, and the person is told.
fn set_password(
    app: &App,
    visitor: &Visitor,
    found: InSession,
    hash: Secret,
    change: &mut Change,
) -> Result<(), Problem> {
    let (practice, now) = (&visitor.practice, app.now());
    let InSession { mut account, practice: settings, open, .. } = found;
    account.set_password(hash);
    account.use_session(visitor.sid, &settings, now);
    account.sessions.end_others(visitor.sid).tell(app, practice, account.account_id, change);
    let mut shown = None;
    if let Some((client, user)) = open.first() {
        let to = Recipient { client: *client, user: *user };
        let what = (MailKind::PasswordChanged, account.email.as_ref());
        let mail = Outgoing::tell(app, practice, to, what, change)?;
        shown = mail.map(|mail| (*client, mail));
    }
    let update = AccountUpdate {
        mail: shown.as_ref().map(|(client, mail)| (*client, mail)),
        reset: Some(now),
        ..AccountUpdate::default()
    };
    write(change, visitor, &account, &update);
    for (client, grant) in account.resettable(&settings.clock(now)) {
        let chart = (client, grant.portal_user_id);
        let event = visitor.event_on(app, &account, Some(&chart), Action::PasswordChanged);
        change.event(&event.changed(["password"]));
    }
    Ok(())
}

/// A new e-mail address.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    /// The new address.
    email: Email,
    /// That it is still the person.
    proof: Proof,
}

/// A mail is on its way to the new address.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailChangeAsked {
    /// When the link ends that confirms the address.
    expires_at: At,
}

/// Asks for another e-mail address. Nothing changes until the link is used that is mailed to it.
#[utoipa::path(
    post, path = "/api/portal/account/email", operation_id = "account.email", tag = "portal",
    security(("portalSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and address get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = EmailChange,
    responses(
        (status = 202, description = "The new address gets a mail with a link, unless it got as many as an address may get: of that nobody is told, who may not know who else has mails there.", body = EmailChangeAsked),
        (status = 422, description = "`wrong_password` on `proof.password`; `unchanged` on `email`; or the key came with another address.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts`: wait.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn change_email(
    State(app): State<App>,
    visitor: Visitor,
    presented: Presented,
    key: IdempotencyKey,
    StrictJson(with): StrictJson<EmailChange>,
) -> Result<Response, Problem> {
    let (store, practice) = (app.store(), &visitor.practice);
    let (subject, body) = (visitor.account.as_str(), with.email.as_str());
    let attempt = Attempt::new(&app, practice, subject, "account.email", &key, &body)?;
    let mut step_up = StepUp::new(&app, &visitor, &presented, &with.proof);
    let ask = AskId::new(app.ulid());
    let mut retries = store.retries();
    loop {
        let mut spending = asked_for(&app, &visitor, ask);
        spending.count(&with.email, MailKind::EmailConfirmation)?;
        let before = attempt.answered::<EmailChangeAsked>(store, app.now());
        let ((mut found, budgets), before) =
            both(both(step_up.read(), spending.read(store)), before).await?;
        if found.account.email.as_ref().is_some_and(|email| email.same(&with.email)) {
            let refusal = Refusal::rule("unchanged", "This is your e-mail address already.");
            return Err(Problem::refused("email", refusal));
        }
        let mut change = store.change();
        let answer = match step_up.judge(&mut found, &mut change) {
            Err(problem) => Err(problem),
            // The proof was judged all the same: what was answered before is the person's alone.
            Ok(()) => Ok(if let Some(before) = before {
                if with.proof.is_code() {
                    write(&mut change, &visitor, &found.account, &AccountUpdate::default());
                }
                before
            } else {
                let mail = spending.until(&budgets).is_none().then_some((ask, &budgets));
                let asked = ask_for_email(&app, &visitor, found, (&with, mail), &mut change)?;
                attempt.keep(&mut change, app.now(), &asked)?;
                asked
            }),
        };
        let Err(error) = store.write(change).await else {
            return answer.map(|asked| (StatusCode::ACCEPTED, Json(asked)).into_response());
        };
        retries.retry(error).await?;
    }
}

/// The mail goes where the person says, who may be anybody in a browser left open: it is held to what
/// strangers may ask for.
fn asked_for<'a>(app: &'a App, visitor: &Visitor, ask: AskId) -> Spending<'a> {
    let mut spending = Spending::new(app, &visitor.practice);
    spending.asked_for(ask);
    spending
}

/// Adds to a change that an address waits to be confirmed, and the mail to it. Without a mail, for which its
/// budget has no room, what waited before stays.
fn ask_for_email(
    app: &App,
    visitor: &Visitor,
    found: InSession,
    (with, mail): (&EmailChange, Option<(AskId, &Budgets)>),
    change: &mut Change,
) -> Result<EmailChangeAsked, Problem> {
    let now = app.now();
    let (email, used_code) = (&with.email, with.proof.is_code());
    let expires_at = now.plus(CONFIRMATION_SECONDS);
    let InSession { mut account, practice, open, .. } = found;
    // A code that was the proof is used, whatever comes of the rest.
    let moved = account.use_session(visitor.sid, &practice, now) || used_code;
    let first = open.first().map(|(client, user)| Recipient { client: *client, user: *user });
    let goes = if let (Some((ask, budgets)), Some(to)) = (mail, first) {
        let nonce = Nonce::new(app);
        let hash = nonce.secret(app)?.hash();
        account.new_email = Some(NewEmail { email: email.clone(), hash, expires_at });
        let kind = MailKind::EmailConfirmation;
        let mail = Outgoing::notice(app, &visitor.practice, to, kind).with_link(
            visitor.account.clone(),
            nonce,
            expires_at,
        );
        let mut spending = asked_for(app, visitor, ask);
        mail.queue(change, &mut spending, Some(email))?;
        // When the write fails, everything is read again: which condition failed does not matter.
        let _ = spending.write(change, budgets)?;
        true
    } else {
        false
    };
    if goes || moved {
        write(change, visitor, &account, &AccountUpdate::default());
    }
    let event = visitor.event_on(app, &account, open.first(), Action::EmailChangeRequested);
    change.event(&event);
    Ok(EmailChangeAsked { expires_at })
}

/// A link's token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// What stands after `#` in the link.
    #[schema(value_type = String, min_length = 1, max_length = 300)]
    token: Secret,
}

/// The address is confirmed: what is kept for a repetition of the request.
#[derive(Serialize, Deserialize)]
struct Confirmed {}

/// Makes a new e-mail address the person's, by the link that was mailed to it, while the person is signed in: the
/// link alone may have reached a stranger, whose address was given by mistake. Both addresses are told, the one
/// before without the new one.
#[utoipa::path(
    post, path = "/api/portal/email-confirmation", operation_id = "account.confirm-email", tag = "portal",
    security(("portalSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = Confirmation,
    responses(
        (status = 204, description = "The address is the person's."),
        (status = 409, description = "`confirmation_expired`: the link does not work, or no longer. `other_account`: it is another person's. `change_too_large`: the person has access to more clients than can be told together.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many links that do not work from this address.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn confirm_email(
    State(app): State<App>,
    visitor: Visitor,
    key: IdempotencyKey,
    StrictJson(with): StrictJson<Confirmation>,
) -> Result<StatusCode, Problem> {
    let caller = &visitor.caller;
    let token = ConfirmationToken::parse(with.token.reveal());
    let problem = match &token {
        Some(token) => match Box::pin(use_link(&app, &visitor, token, &key)).await {
            Err(problem) if [EXPIRED, OTHER_ACCOUNT].contains(&problem.code()) => problem,
            answer => return answer.map(|_| StatusCode::NO_CONTENT),
        },
        None => confirmation_expired(),
    };
    let (theirs, settings) = visitor.load(&app).await?;
    visitor.open_charts(&theirs, &settings, app.now())?;
    let practice = token.as_ref().map(|token| token.practice.clone());
    let Some(practice) = practice.or_else(|| token::practice_of(with.token.reveal())) else {
        return Err(problem);
    };
    let action = Action::EmailChangeRefused;
    let event = Event::new(&app, caller, &Actor::nobody(), &practice, action);
    let event = event.because(problem.code());
    let account: Option<Account> = match &token {
        Some(token) => app.store().get(&keys::account(&practice, &token.account)).await?,
        None => None,
    };
    let first = account.as_ref().and_then(|account| account.grants.iter().next());
    let event = match first {
        Some((client, grant)) => event.client(*client).portal_user(grant.portal_user_id),
        None => event,
    };
    Err(dead_link::refuse(&app, caller, &event, problem).await)
}

/// The code of [`confirmation_expired`].
const EXPIRED: &str = "confirmation_expired";
/// The code with which a link of another person's account is refused.
const OTHER_ACCOUNT: &str = "other_account";

async fn use_link(
    app: &App,
    visitor: &Visitor,
    token: &ConfirmationToken,
    key: &IdempotencyKey,
) -> Result<Confirmed, Problem> {
    let (store, practice) = (app.store(), &token.practice);
    if (&visitor.practice, &visitor.account) != (practice, &token.account) {
        return Err(Problem::conflict(OTHER_ACCOUNT, "This link is of another person's account."));
    }
    let body = ConfirmationToken::text(token);
    let operation = "account.confirm-email";
    let attempt = Attempt::new(app, practice, token.account.as_str(), operation, key, &body)?;
    let accounts = [token.account.clone()];
    let read = both(
        both(
            Chart::load(store, practice, token.client),
            Chart::accounts(store, practice, &accounts),
        ),
        Practice::load(store, practice),
    );
    let before = attempt.answered::<Confirmed>(store, app.now());
    let (((chart, accounts), settings), before) =
        both(read, before).await.map_err(|problem| match problem.code() {
            // The person was deleted since.
            "not_found" | "deleted" => confirmation_expired(),
            _ => problem,
        })?;
    let account = accounts.get(&token.account).and_then(Option::as_ref);
    let account = account.ok_or_else(Problem::signed_out)?;
    // A repetition, too, is answered in a session that is open.
    visitor.open_charts(account, &settings, app.now())?;
    if let Some(before) = before {
        return Ok(before);
    }
    let author = Author { actor: account.actor(), caller: visitor.caller.clone() };
    let request = Request {
        practice: &settings,
        author: &author,
        attempt: &attempt,
        unchanged: None,
        silent: false,
    };
    let confirm = |edit: &mut ChartEdit<'_>| {
        let account = edit.account(&token.account)?.ok_or_else(Problem::signed_out)?;
        visitor.open_charts(account, &settings, app.now())?;
        edit.confirm_email(token.user, &token.account, &token.secret)?;
        Ok(Confirmed {})
    };
    Box::pin(chart.change(app, &request, accounts, confirm)).await
}

/// Ends a session of the person, or all but the one that asks.
#[utoipa::path(
    delete, path = "/api/portal/account/sessions/{sessionId}", operation_id = "account.end-session", tag = "portal",
    security(("portalSession" = [])),
    params(("sessionId" = String, Path, description = "The session, or `others`: all but the one that asks.", pattern = "^(others|[0-7][0-9A-HJKMNP-TV-Z]{25})$")),
    responses(
        (status = 204, description = "It is over.", headers(("Set-Cookie" = String, description = "Takes the cookie away, when the session that asks was ended."))),
        (status = 404, description = "The person has no such session.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn end_session(
    State(app): State<App>,
    visitor: Visitor,
    ends: SessionPath,
) -> Result<Response, Problem> {
    if matches!(ends, SessionPath::One(sid) if sid == visitor.sid) {
        if !visitor.sign_out(&app, None).await? {
            return Err(Problem::signed_out());
        }
        let gone = [(SET_COOKIE, cookie::clear(Audience::Portal))];
        return Ok((StatusCode::NO_CONTENT, gone).into_response());
    }
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let (mut account, practice) = visitor.load(&app).await?;
        let open = visitor.open_charts(&account, &practice, now)?;
        let lives = |sid: SessionId| account.admitted(&practice, sid, now).is_some();
        let mut change = app.store().change();
        let gone = match ends {
            SessionPath::One(sid) if lives(sid) => account.sessions.end(sid),
            SessionPath::One(_) => {
                let problem = Problem::not_found();
                let event = visitor.event_on(&app, &account, open.first(), Action::Refused);
                app.store().record(&event.because(problem.code())).await?;
                return Err(problem);
            }
            SessionPath::Others => account.sessions.end_others(visitor.sid),
        };
        if !gone.is_empty() {
            gone.tell(&app, &visitor.practice, account.account_id, &mut change);
            account.use_session(visitor.sid, &practice, now);
            write(&mut change, &visitor, &account, &AccountUpdate::default());
            for chart in &open {
                let event = visitor.event_on(&app, &account, Some(chart), Action::SessionEnded);
                change.event(&event);
            }
        }
        let Err(error) = app.store().write(change).await else {
            return Ok(StatusCode::NO_CONTENT.into_response());
        };
        retries.retry(error).await?;
    }
}
