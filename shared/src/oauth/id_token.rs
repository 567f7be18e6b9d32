//! ID tokens: who signed in, when and how, signed for one app (OpenID Connect Core 1.0, section 2). They
//! say how it was when they were made; whether it still is, is asked ([`crate::oauth::question`]).

use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    app::App,
    fields::{Email, Name},
    id::{AccountId, AppId, SessionId},
    oauth::pass::{Scope, Scopes},
    problem::Problem,
    session::Session,
};

/// Seconds that an ID token lives.
pub const SECONDS: i64 = 5 * 60;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: AccountId,
    aud: &'a AppId,
    exp: i64,
    iat: i64,
    auth_time: i64,
    acr: &'static str,
    amr: &'static [&'static str],
    sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

/// What an ID token of ours says, when an app sends it back.
#[derive(Debug, Deserialize)]
pub struct Hint {
    iss: String,
    /// The person.
    pub sub: AccountId,
    /// The app that got it.
    pub aud: AppId,
    /// The session in which it was made.
    pub sid: SessionId,
}

/// The person's name, where the app may be told.
#[must_use]
pub fn name(account: &Account, scopes: &Scopes) -> Option<String> {
    scopes.has(Scope::Profile).then(|| Name::full(&account.name))
}

/// The person's e-mail address, where the app may be told.
#[must_use]
pub fn email<'a>(account: &'a Account, scopes: &Scopes) -> Option<&'a str> {
    let email = account.email.as_ref().filter(|_| scopes.has(Scope::Email));
    email.map(Email::as_str)
}

/// Makes an ID token.
///
/// # Errors
/// 500 in a function that was given no signing key.
pub fn make(
    app: &App,
    of: &AppId,
    account: &Account,
    (sid, session): (SessionId, &Session),
    scopes: &Scopes,
    nonce: Option<&str>,
) -> Result<String, Problem> {
    let now = app.now().seconds();
    let claims = Claims {
        iss: &app.config().portal_origin,
        sub: account.account_id,
        aud: of,
        exp: now + SECONDS,
        iat: now,
        auth_time: session.began_at.seconds(),
        acr: session.by.class(),
        amr: session.by.methods(),
        sid,
        nonce,
        name: name(account, scopes),
        email: email(account, scopes),
    };
    app.keys().sign_as("JWT", &claims)
}

/// Reads an ID token that an app sends back. It may have ended; `None` for anything that we did not sign
/// as one.
#[must_use]
pub fn read(app: &App, text: &str) -> Option<Hint> {
    let hint: Hint = app.keys().read_signed(text, "JWT")?;
    (hint.iss == app.config().portal_origin).then_some(hint)
}
