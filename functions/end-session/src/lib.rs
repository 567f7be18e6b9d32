//! Signs a person out, on the way from an app or from the portal (OpenID Connect RP-Initiated Logout 1.0),
//! and says where the browser goes on: only to an address that is registered for the app.

use axum::{
    Json,
    extract::State,
    http::header::SET_COOKIE,
    response::{AppendHeaders, IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes, cookie,
    fields::Refusal,
    id::{AccountId, AppId},
    jwt::Audience,
    oauth::{app::RegisteredApp, id_token},
    problem::ProblemBody,
    store::both,
    visitor::{MaybeVisitor, Visitor},
    web::StrictJson,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_end_session, end_session)
}

/// Longest `state` that is carried along.
const LONGEST: usize = 1000;

/// What an app asks with a sign-out, as it stood in the address of the page. Without an app: the portal's
/// own sign-out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOut {
    /// The ID token that the app got: says whose session it means.
    #[serde(default)]
    id_token_hint: Option<String>,
    /// The app.
    #[serde(default)]
    client_id: Option<String>,
    /// Where to go on.
    #[serde(default)]
    post_logout_redirect_uri: Option<String>,
    /// What the app wants back.
    #[serde(default)]
    #[schema(max_length = 1000)]
    state: Option<String>,
}

/// Where the browser goes on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedOut {
    /// An address of the app; nothing where none is registered as asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    redirect_to: Option<String>,
}

/// Signs out.
#[utoipa::path(
    post, path = "/api/portal/sign-out", operation_id = "end-session", tag = "portal",
    request_body = SignOut,
    responses(
        (status = 200, description = "Signed out, or nobody was signed in: the cookie is taken away.", body = SignedOut,
            headers(("Set-Cookie" = String, description = "Takes the cookie away."))),
        (status = 409, description = "`another_session`: the app means somebody else than who is signed in here. Ask the person.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`not_ours`: the ID token is not one of ours for this app. Nobody was signed out.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn end_session(
    State(app): State<App>,
    MaybeVisitor(visitor): MaybeVisitor,
    StrictJson(asked): StrictJson<SignOut>,
) -> Result<Response, Problem> {
    if asked.state.as_ref().is_some_and(|state| state.len() > LONGEST) {
        let refusal = Refusal::invalid("too_long", format!("Use at most {LONGEST} characters."));
        return Err(Problem::refused("state", refusal));
    }
    let named = asked.client_id.as_deref().and_then(AppId::parse);
    let hint = match &asked.id_token_hint {
        None => None,
        Some(text) => {
            let ours = id_token::read(&app, text)
                .filter(|hint| asked.client_id.is_none() || named.as_ref() == Some(&hint.aud));
            let not = || Refusal::rule("not_ours", "This is no ID token of ours for this app.");
            Some(ours.ok_or_else(|| Problem::refused("id_token_hint", not()))?)
        }
    };
    if let (Some(hint), Some(visitor)) = (&hint, &visitor)
        && hint.sid != visitor.sid
        && is_another(&app, visitor, hint.sub).await?
    {
        let detail = "Somebody else is signed in here by now.";
        return Err(Problem::conflict("another_session", detail));
    }
    // The person may have signed in again since: then both sessions end.
    let meant = hint.as_ref().map(|hint| hint.sid);
    let id = hint.map(|hint| hint.aud).or(named);
    // Of another practice's app nobody takes an address on its word alone.
    let ours = |id: &AppId| {
        meant.is_some() || visitor.as_ref().is_none_or(|of| of.practice == *id.practice())
    };
    let id = id.filter(ours);
    let onward = onward(&app, id.as_ref(), &asked);
    let ended = async {
        match &visitor {
            Some(visitor) => visitor.sign_out(&app, meant).await.map(drop),
            None => Ok(()),
        }
    };
    let (redirect_to, ()) = both(onward, ended).await?;
    let gone = AppendHeaders([(SET_COOKIE, cookie::clear(Audience::Portal))]);
    Ok((gone, Json(SignedOut { redirect_to })).into_response())
}

/// Whether somebody is signed in who is not this person.
async fn is_another(app: &App, visitor: &Visitor, person: AccountId) -> Result<bool, Problem> {
    match visitor.load(app).await {
        Ok((account, practice)) => {
            let alive = account.admitted(&practice, visitor.sid, app.now()).is_some();
            Ok(alive && account.account_id != person)
        }
        Err(problem) if problem.code() == "signed_out" => Ok(false),
        Err(problem) => Err(problem),
    }
}

/// Where the app may have the browser sent: an address that is registered for it, to the letter.
async fn onward(app: &App, id: Option<&AppId>, asked: &SignOut) -> Result<Option<String>, Problem> {
    let (Some(id), Some(uri)) = (id, &asked.post_logout_redirect_uri) else { return Ok(None) };
    let found: Option<RegisteredApp> = app.store().get(&RegisteredApp::key(id)).await?;
    let known = found.filter(|app| app.enabled).and_then(|app| {
        let uris = app.registration.post_logout_redirect_uris;
        uris.into_iter().find(|known| known.as_str() == uri)
    });
    let state = asked.state.as_deref().map(|state| ("state", state));
    Ok(known.map(|known| match state {
        Some(state) => known.with([state]),
        None => known.as_str().to_owned(),
    }))
}
