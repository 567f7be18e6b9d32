//! Tells an app who is there, and which charts it may open: now, not when it got its token (OpenID Connect
//! Core 1.0, section 5.3).

use axum::{Json, extract::State, http::HeaderMap};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    caller::Caller,
    id::{AccountId, SessionId},
    oauth::{
        id_token,
        question::{self, AppChart, By, Place},
        system,
    },
    problem::OAuthBody,
    token::AppToken,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_userinfo, userinfo).operation(__path_posted, posted)
}

/// Who is there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Userinfo {
    /// The person.
    sub: AccountId,
    /// The session.
    sid: SessionId,
    /// The person's name, for `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// The person's e-mail address, for `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    email: Option<String>,
    /// The charts that the app may open: at least one.
    charts: Vec<AppChart>,
}

/// Tells who is there.
#[utoipa::path(
    get, path = "/api/oauth/userinfo", operation_id = "userinfo", tag = "apps",
    security(("accessToken" = [])),
    params(("Latchkey-Activity" = Option<String>, Header, description = "`none`: nobody is there, and the question is no use of the session.")),
    responses(
        (status = 200, description = "Who is there.", body = Userinfo),
        (status = 401, description = "`invalid_token`: it ended, or no chart is left.", body = OAuthBody),
    )
)]
async fn userinfo(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<Userinfo>, Problem> {
    let refused = || Problem::oauth("invalid_token", "The token has ended, or opens nothing now.");
    let token = system::bearer(&headers).and_then(AppToken::parse).ok_or_else(refused)?;
    let (place, by) = (Place::from(&token), By::Token(&token.secret));
    let is_use = question::is_use(&headers);
    let answer = question::ask(&app, &caller, &place, by, None, is_use).await?;
    let answer = answer.map_err(|_| refused())?;
    Ok(Json(Userinfo {
        sub: answer.account.account_id,
        sid: token.sid,
        name: id_token::name(&answer.account, &answer.scopes),
        email: id_token::email(&answer.account, &answer.scopes).map(str::to_owned),
        charts: answer.charts,
    }))
}

/// Tells who is there.
#[utoipa::path(
    post, path = "/api/oauth/userinfo", operation_id = "userinfo.posted", tag = "apps",
    security(("accessToken" = [])),
    params(("Latchkey-Activity" = Option<String>, Header, description = "`none`: nobody is there, and the question is no use of the session.")),
    responses(
        (status = 200, description = "Who is there.", body = Userinfo),
        (status = 401, description = "`invalid_token`: it ended, or no chart is left.", body = OAuthBody),
    )
)]
async fn posted(
    app: State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<Userinfo>, Problem> {
    userinfo(app, caller, headers).await
}
