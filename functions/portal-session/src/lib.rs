//! Says who is signed in to the portal and what they may open, signs them out, and publishes the
//! keys with which the practice's own portal services verify the session's token.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{
    App, Problem, Routes,
    account::PortalSession,
    cookie,
    jwt::Audience,
    keys,
    mirror::to_charts::{self, AccountUpdate},
    visitor::Visitor,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_who, who)
        .operation(__path_sign_out, sign_out)
        .operation(__path_keys_of_tokens, keys_of_tokens)
}

/// Who is signed in, and what they may open now.
#[utoipa::path(
    get, path = "/api/portal/session", operation_id = "portal-session", tag = "portal",
    security(("portalSession" = [])),
    responses((status = 200, description = "The session.", body = PortalSession))
)]
async fn who(State(app): State<App>, visitor: Visitor) -> Result<Json<PortalSession>, Problem> {
    let key = keys::account(&visitor.practice, &visitor.account);
    let mut retries = app.store().retries();
    loop {
        let now = app.now();
        let (mut account, practice) = visitor.load(&app).await?;
        account.admitted(&practice, visitor.sid, now).ok_or_else(Problem::signed_out)?;
        let mut change = app.store().change();
        if account.use_session(visitor.sid, visitor.idle, now) {
            change.replace(&key, &account, account.rev);
            to_charts::write(&mut change, &visitor.practice, &account, &AccountUpdate::default());
        }
        let answer =
            account.portal_session(&practice, visitor.sid, now).ok_or_else(Problem::signed_out)?;
        let Err(error) = app.store().write(change).await else { return Ok(Json(answer)) };
        retries.retry(error).await?;
    }
}

/// Signs out: this session ends, others of the account go on.
#[utoipa::path(
    delete, path = "/api/portal/session", operation_id = "portal-session.sign-out", tag = "portal",
    security(("portalSession" = [])),
    responses((status = 204, description = "Signed out.", headers(("Set-Cookie" = String, description = "Takes the cookie away."))))
)]
async fn sign_out(State(app): State<App>, visitor: Visitor) -> Result<Response, Problem> {
    if !visitor.sign_out(&app).await? {
        return Err(Problem::signed_out());
    }
    let gone = [(SET_COOKIE, cookie::clear(Audience::Portal))];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

/// Public keys (RFC 7517).
#[derive(Serialize, ToSchema)]
struct KeySet {
    /// The keys.
    keys: Vec<PublicKey>,
}

/// A public key (RFC 7517).
#[derive(Serialize, ToSchema)]
struct PublicKey {
    /// `EC`.
    kty: String,
    /// `P-256`.
    crv: String,
    /// Which key it is.
    kid: String,
    /// Coordinate.
    x: String,
    /// Coordinate.
    y: String,
}

/// The public keys of the session tokens. A service that verifies a token must still ask whether
/// the session lives: a token outlives a revocation, a session does not.
#[utoipa::path(
    get, path = "/api/portal/jwks.json", operation_id = "portal-session.keys", tag = "portal",
    responses((status = 200, description = "The keys.", body = KeySet))
)]
async fn keys_of_tokens(State(app): State<App>) -> Json<serde_json::Value> {
    Json(app.keys().jwks().clone())
}
