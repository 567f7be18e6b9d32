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
    fields::{AppName, Permission},
    id::{AppId, ClientId},
    jwt::Audience,
    keys,
    mirror::to_charts::{self, AccountUpdate},
    oauth::{
        app::RegisteredApp,
        pass::{Scopes, seen},
    },
    store::both,
    visitor::Visitor,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_who, who)
        .operation(__path_sign_out, sign_out)
        .operation(__path_apps, apps)
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
        if account.use_session(visitor.sid, &practice, now) {
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
    if !visitor.sign_out(&app, None).await? {
        return Err(Problem::signed_out());
    }
    let gone = [(SET_COOKIE, cookie::clear(Audience::Portal))];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

/// The apps that are open to the person who is signed in.
#[derive(Serialize, ToSchema)]
struct Tiles {
    /// Oldest first; none that has no address to open, or that serves none of the charts.
    apps: Vec<Tile>,
}

/// An app, and where it opens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tile {
    /// The app.
    app_id: AppId,
    /// What people call it.
    name: AppName,
    /// The permission that it serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    permission: Option<Permission>,
    /// Where it opens, for each chart.
    charts: Vec<Entrance>,
}

/// Where an app opens for a chart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Entrance {
    /// The client.
    client_id: ClientId,
    /// The app's address, with `iss` and `chart`.
    href: String,
}

/// The apps that are open now, for each chart. It is no use of the session: the page asks beside it.
#[utoipa::path(
    get, path = "/api/portal/apps", operation_id = "portal-session.apps", tag = "portal",
    security(("portalSession" = [])),
    responses((status = 200, description = "The apps.", body = Tiles))
)]
async fn apps(State(app): State<App>, visitor: Visitor) -> Result<Json<Tiles>, Problem> {
    let all = RegisteredApp::all(app.store(), &visitor.practice);
    let ((account, practice), all) = both(visitor.load(&app), all).await?;
    let admitted = account.admitted(&practice, visitor.sid, app.now());
    let (_, open) = admitted.ok_or_else(Problem::signed_out)?;
    let issuer = app.config().portal_origin.as_str();
    let tile = |registered: RegisteredApp| {
        let of = registered.registration;
        let address = of.launch_url.as_ref().filter(|_| registered.enabled)?;
        let charts = seen(&open, &of, &Scopes::every(&of)).into_iter().map(|chart| {
            let client_id = chart.client;
            let href = address.with([("iss", issuer), ("chart", &client_id.to_string())]);
            Entrance { client_id, href }
        });
        let charts: Vec<Entrance> = charts.collect();
        let (app_id, name, permission) = (registered.app_id, of.name, of.permission);
        (!charts.is_empty()).then_some(Tile { app_id, name, permission, charts })
    };
    Ok(Json(Tiles { apps: all.into_iter().filter_map(tile).collect() }))
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
