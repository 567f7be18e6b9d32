//! Exchanges an app's code for an access token, once; says whether a token still opens anything; and ends
//! tokens (RFC 6749, 7636, 7662, 7009; OpenID Connect Core 1.0, section 3.1.3).

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    caller::Caller,
    id::{AccountId, AppId, SessionId},
    keys,
    mirror::to_charts::{self, AccountUpdate},
    oauth::{
        app::{AppKind, RegisteredApp},
        caller::{Shown, refused},
        id_token,
        pass::Exchange,
        question::{self, AppChart, Asks, By, Place, Read},
        system::{self, SystemToken},
    },
    problem::OAuthBody,
    store::Change,
    token::AppToken,
    web::OAuthForm,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_token, token)
        .operation(__path_introspect, introspect)
        .operation(__path_revoke, revoke)
}

/// A request for a token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in the API document")]
struct TokenRequest {
    /// `authorization_code`, or `client_credentials` for a system and for an app that posts alerts.
    #[schema(pattern = "^(authorization_code|client_credentials)$")]
    grant_type: String,
    /// The code.
    #[schema(min_length = 1)]
    code: Option<String>,
    /// What the code's challenge is the SHA-256 of.
    #[schema(pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<String>,
    /// What a system or an app asks for by itself; all that is registered when it names nothing.
    scope: Option<String>,
    /// Where the code was sent, if it is named.
    redirect_uri: Option<String>,
    /// The app, where neither the header nor an assertion names it.
    client_id: Option<String>,
    /// That of a JWT, beside an assertion.
    client_assertion_type: Option<String>,
    /// A JWT signed with the app's key, for this issuer, used once.
    client_assertion: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// Opaque. It ends with the session, or once no chart is left.
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// Seconds after which it ends in any case.
    expires_in: i64,
    /// What was granted.
    scope: String,
    /// Who signed in; none of `client_credentials`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id_token: Option<String>,
}

fn invalid_grant() -> Problem {
    Problem::oauth("invalid_grant", "The code is not valid, was used, or is not for this app.")
}

/// Exchanges a code for a token.
#[utoipa::path(
    post, path = "/api/oauth/token", operation_id = "token", tag = "apps",
    security(("app" = [])),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = Tokens),
        (status = 400, description = "`invalid_grant`, `invalid_request`, `unsupported_grant_type`.", body = OAuthBody),
        (status = 401, description = "`invalid_client`.", body = OAuthBody),
    )
)]
async fn token(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(form): OAuthForm,
) -> Result<Json<Tokens>, Problem> {
    let shown = Shown::read(&headers, &form)?;
    let code = form.get("code").and_then(|code| AppToken::parse(code));
    let code = code.filter(|code| code.app == shown.id);
    let asks = Asks::of(&shown, code.as_ref().map(|code| &code.account));
    let decide = |read, change: &mut Change| {
        Grant::read(&form).and_then(|grant| match grant {
            Grant::Code => exchange(&app, &caller, &form, code.as_ref(), read, change),
            Grant::Own => credentials(&app, &form, read),
        })
    };
    let answer = asks.answered(&app, &caller, decide, |answer| {
        answer.as_ref().ok().map(|(_, registered)| registered)
    });
    answer.await?.map(|(tokens, _)| Json(tokens))
}

/// Exchanges a code as part of a change, which is to be written whatever comes of it: a code that comes
/// again ends what it got.
fn exchange(
    app: &App,
    caller: &Caller,
    form: &BTreeMap<String, String>,
    code: Option<&AppToken>,
    read: Read,
    change: &mut Change,
) -> Result<(Tokens, RegisteredApp), Problem> {
    let now = app.now();
    let code = code.ok_or_else(invalid_grant)?;
    let found = read.account.zip(read.practice).zip(read.app);
    let ((mut account, practice), registered) = found.ok_or_else(invalid_grant)?;
    if registered.registration.kind != AppKind::Portal {
        return Err(Problem::oauth("unauthorized_client", "This is for apps that people open."));
    }
    account.admitted(&practice, code.sid, now).ok_or_else(invalid_grant)?;
    let key = keys::account(code.app.practice(), &code.account);
    let session = account.sessions.get_mut(code.sid).ok_or_else(invalid_grant)?;
    let had = session.apps.get_mut(&code.app).ok_or_else(invalid_grant)?;
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    let uri = form.get("redirect_uri").map(String::as_str);
    let (secret, pass, waiting) = match had.exchange(app, &registered, &code.secret, verifier, uri)
    {
        Exchange::Token(exchanged) => *exchanged,
        Exchange::Refused => return Err(invalid_grant()),
        Exchange::Used => {
            let (place, why) = (Place::from(code), Some("code_used"));
            question::close(app, caller, (change, &account), &place, &registered, why);
            change.replace(&key, &account, account.rev);
            return Err(invalid_grant());
        }
    };
    let served = had.serves.len();
    let first = !had.got_token();
    had.name.get_or_insert(registered.registration.name.clone());
    had.serves.extend(pass.scopes.permissions(&registered.registration));
    let more = had.serves.len() > served;
    let charts = question::charts(&account, &practice, code.sid, &registered, &pass.scopes, now);
    if charts.is_empty() {
        return Err(invalid_grant());
    }
    let place = Place::from(code);
    question::record(app, caller, (change, &mut account), &place, &registered, &charts);
    change.replace(&key, &account, account.rev);
    if first || more {
        // When staff end the session from a chart, or take a permission away there, they know by that
        // which apps are told.
        to_charts::write(change, code.app.practice(), &account, &AccountUpdate::default());
    }
    let session = account.sessions.get(code.sid).ok_or_else(invalid_grant)?;
    let (of, nonce) = ((code.sid, session), waiting.nonce.as_deref());
    let id_token = id_token::make(app, &code.app, &account, of, &pass.scopes, nonce)?;
    let tokens = Tokens {
        access_token: AppToken { secret, ..code.clone() }.text(),
        token_type: "Bearer".into(),
        expires_in: session.ends(&practice).1.seconds() - now.seconds(),
        scope: pass.scopes.text(),
        id_token: Some(id_token),
    };
    Ok((tokens, registered))
}

/// A token for a system, or for an app by itself.
fn credentials(
    app: &App,
    form: &BTreeMap<String, String>,
    read: Read,
) -> Result<(Tokens, RegisteredApp), Problem> {
    let why = "This is for systems, and for apps that may post alerts.";
    let refused = || Problem::oauth("unauthorized_client", why);
    let has_scopes = |app: &RegisteredApp| !app.registration.scopes.is_empty();
    let registered = read.app.filter(has_scopes).ok_or_else(refused)?;
    let scope = system::granted(form.get("scope").map(String::as_str), &registered.registration);
    if scope.is_empty() {
        let why = "None of these scopes is registered for the system.";
        return Err(Problem::oauth("invalid_scope", why));
    }
    let tokens = Tokens {
        scope: system::text(&scope),
        access_token: SystemToken::make(app, &registered, scope)?,
        token_type: "Bearer".into(),
        expires_in: system::SECONDS,
        id_token: None,
    };
    Ok((tokens, registered))
}

/// For what a token is asked.
enum Grant {
    /// A code of somebody who signed in.
    Code,
    /// Its own credentials.
    Own,
}

impl Grant {
    /// Refuses what the standard leaves to a request's form.
    fn read(form: &BTreeMap<String, String>) -> Result<Self, Problem> {
        match form.get("grant_type").map(String::as_str) {
            Some("authorization_code") => {}
            Some("client_credentials") => return Ok(Self::Own),
            None => return Err(Problem::oauth("invalid_request", "grant_type is missing.")),
            Some(_) => {
                let right = "grant_type must be authorization_code or client_credentials.";
                return Err(Problem::oauth("unsupported_grant_type", right));
            }
        }
        // FAPI 2.0 wants a code without its verifier refused as one with a wrong verifier is.
        for (name, error) in [("code", "invalid_request"), ("code_verifier", "invalid_grant")] {
            if !form.contains_key(name) {
                return Err(Problem::oauth(error, format!("{name} is missing.")));
            }
        }
        Ok(Self::Code)
    }
}

/// A question about a token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form in the API document")]
struct TokenQuestion {
    /// The access token.
    #[schema(min_length = 1)]
    token: String,
    /// Passed over: there is one kind of token.
    token_type_hint: Option<String>,
    /// The app, where neither the header nor an assertion names it.
    client_id: Option<String>,
    /// That of a JWT, beside an assertion.
    client_assertion_type: Option<String>,
    /// A JWT signed with the app's key, for this issuer, used once.
    client_assertion: Option<String>,
}

/// What a token opens now. Of one that opens nothing only that it is not active.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Introspection {
    /// Whether it opens anything.
    active: bool,
    /// Who signed it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iss: Option<String>,
    /// The app that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<AppId>,
    /// `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token_type: Option<String>,
    /// What was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<AccountId>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sid: Option<SessionId>,
    /// When it ends if the session stays unused, in seconds since 1970. It may end earlier: ask again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exp: Option<i64>,
    /// The charts that it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    charts: Option<Vec<AppChart>>,
}

/// Says what a token opens now.
#[utoipa::path(
    post, path = "/api/oauth/introspect", operation_id = "token.introspect", tag = "apps",
    security(("app" = [])),
    params(("Latchkey-Activity" = Option<String>, Header, description = "`none`: nobody is there, and the question is no use of the session.")),
    request_body(content = TokenQuestion, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What it opens.", body = Introspection),
        (status = 400, description = "`invalid_request`.", body = OAuthBody),
        (status = 401, description = "`invalid_client`.", body = OAuthBody),
    )
)]
async fn introspect(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(form): OAuthForm,
) -> Result<Json<Introspection>, Problem> {
    let (shown, token) = Shown::of_token(&headers, &form)?;
    if !shown.is_proof() {
        return Err(refused());
    }
    let answer = if let Some(token) = &token {
        let (place, by) = (Place::from(token), By::Token(&token.secret));
        let is_use = question::is_use(&headers);
        question::ask(&app, &caller, &place, by, Some(&shown), is_use).await?.ok()
    } else {
        Asks::of(&shown, None).answered(&app, &caller, |_, _| (), |()| None).await?;
        None
    };
    let Some(answer) = answer else { return Ok(Json(Introspection::default())) };
    Ok(Json(Introspection {
        active: true,
        iss: Some(app.config().portal_origin.clone()),
        client_id: Some(shown.id),
        token_type: Some("Bearer".into()),
        scope: Some(answer.scopes.text()),
        sub: Some(answer.account.account_id),
        sid: token.map(|token| token.sid),
        exp: Some(answer.session.idle_ends_at.seconds()),
        charts: Some(answer.charts),
    }))
}

/// Ends a token.
#[utoipa::path(
    post, path = "/api/oauth/revoke", operation_id = "token.revoke", tag = "apps",
    security(("app" = [])),
    request_body(content = TokenQuestion, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "It has ended, or was never one of this app."),
        (status = 400, description = "`invalid_request`.", body = OAuthBody),
        (status = 401, description = "`invalid_client`.", body = OAuthBody),
    )
)]
async fn revoke(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(form): OAuthForm,
) -> Result<StatusCode, Problem> {
    let (shown, token) = Shown::of_token(&headers, &form)?;
    let asks = Asks::of(&shown, token.as_ref().map(|token| &token.account));
    let decide = |read: Read, change: &mut Change| {
        let Some(((mut account, registered), token)) =
            read.account.zip(read.app).zip(token.as_ref())
        else {
            return;
        };
        let session = account.sessions.get_mut(token.sid);
        let had = session.and_then(|session| session.apps.get_mut(&shown.id));
        if had.is_some_and(|had| had.end(&token.secret)) {
            let place = Place::from(token);
            question::close(&app, &caller, (change, &account), &place, &registered, None);
            let key = keys::account(shown.id.practice(), &token.account);
            change.replace(&key, &account, account.rev);
        }
    };
    asks.answered(&app, &caller, decide, |()| None).await?;
    Ok(StatusCode::OK)
}
