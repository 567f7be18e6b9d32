//! Clients and guardians who call: a signed token in a cookie, whose session the account can end.

use axum::extract::FromRequestParts;
use http::{HeaderValue, request::Parts};

use crate::{
    app::App,
    caller::Caller,
    cookie,
    fields::At,
    id::{AccountId, AccountKey, PracticeId, SessionId},
    jwt::{Audience, Claims},
    practice::Practice,
    problem::Problem,
};

/// A portal token that was signed by us and has not expired. Whether its session lives, the account
/// says: [`crate::account::Account::admitted`].
#[derive(Debug)]
pub struct Visitor {
    /// The practice.
    pub practice: PracticeId,
    /// Where the account is kept.
    pub account: AccountKey,
    /// The session.
    pub sid: SessionId,
    /// Seconds after which the session ends if it stays unused.
    pub idle: i64,
    /// The request.
    pub caller: Caller,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let claims = cookie::value(&parts.headers, cookie::name(Audience::Portal))
            .and_then(|token| app.keys().verify(token, Audience::Portal, app.now()))
            .ok_or_else(Problem::signed_out)?;
        Ok(Self {
            account: claims.account.ok_or_else(Problem::signed_out)?,
            practice: claims.practice,
            sid: claims.sid,
            idle: claims.idle,
            caller: Caller::of(parts),
        })
    }
}

/// Makes the token and cookie of a portal session that ends at `ends_at` in any case.
///
/// # Errors
/// 500 in a function that was given no signing key.
pub fn portal_cookie(
    app: &App,
    practice: &Practice,
    key: &AccountKey,
    account: AccountId,
    sid: SessionId,
    ends_at: At,
) -> Result<HeaderValue, Problem> {
    let (now, exp) = (app.now().seconds(), ends_at.seconds());
    let claims = Claims {
        iss: String::new(),
        aud: Audience::Portal.claim().to_owned(),
        sub: account.to_string(),
        sid,
        practice: practice.practice.clone(),
        iat: now,
        exp,
        idle: practice.client_idle_seconds,
        role: None,
        account: Some(key.clone()),
    };
    cookie::set(cookie::name(Audience::Portal), &app.keys().sign(&claims)?, exp - now)
}
