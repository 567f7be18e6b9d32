//! Signs staff in at the practice's OpenID Connect issuer, by authorization code with PKCE, and
//! keeps their session. The exchange is done here: the browser never holds a token of the issuer.

mod issuer;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::{
    App, Problem, Routes,
    caller::Caller,
    cookie,
    fields::{At, Refusal},
    history::{Action, Actor, Event, Role},
    id::{PracticeId, SessionId},
    jwt::{Audience, Claims},
    keys,
    practice::{Practice, PracticeView},
    staff::{Reader, StaffSession, Standing},
    web::StrictQuery,
};
use subtle::ConstantTimeEq;
use utoipa::{IntoParams, ToSchema};

pub use issuer::{Identity, Issuer, Proof};

/// Cookie that carries a sign-in from here to the issuer and back. `Lax`, since the way back is a
/// navigation from another site.
const SIGN_IN_COOKIE: &str = "__Host-latchkey-signin";
/// Seconds that a sign-in may take.
const SIGN_IN_SECONDS: i64 = 10 * 60;

/// The routes of this function.
pub fn routes<R: Routes>(issuer: Issuer) -> R {
    R::default()
        .operation(__path_begin, begin)
        .operation(__path_callback, callback)
        .operation(__path_who, who)
        .operation(__path_sign_out, sign_out)
        .extension(issuer)
}

/// Where a sign-in leads.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Begin {
    /// Path on the staff site to land on.
    #[serde(default, rename = "returnTo")]
    #[param(
        rename = "returnTo",
        pattern = r"^/([A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?)?(\?[A-Za-z0-9._~/?=&%-]*)?$",
        max_length = 500
    )]
    return_to: Option<String>,
    /// Who is signing in, for the issuer.
    #[serde(default)]
    #[param(max_length = 254, pattern = "^[!-~]+$")]
    login_hint: Option<String>,
}

/// A sign-in on its way.
#[derive(Serialize, Deserialize)]
struct Underway {
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
    began: i64,
}

/// Begins to sign in: on to the issuer.
#[utoipa::path(
    get, path = "/api/staff/sign-in", operation_id = "staff-sign-in", tag = "staff",
    params(Begin),
    responses((status = 303, description = "To the issuer.", headers(
        ("Location" = String, description = "The issuer's sign-in page."),
        ("Set-Cookie" = String, description = "Carries the sign-in."),
    )))
)]
async fn begin(
    State(app): State<App>,
    Extension(issuer): Extension<Issuer>,
    StrictQuery(query): StrictQuery<Begin>,
) -> Result<Response, Problem> {
    let return_to = query.return_to.unwrap_or_else(|| "/".into());
    if !is_own_path(&return_to) {
        return Err(Problem::refused(
            "returnTo",
            Refusal::invalid("not_a_path", "Name a path of this site."),
        ));
    }
    let hint = query.login_hint;
    if hint
        .as_ref()
        .is_some_and(|h| !(1..=254).contains(&h.len()) || !h.bytes().all(|b| b.is_ascii_graphic()))
    {
        return Err(Problem::refused("login_hint", Refusal::invalid("invalid", "Name somebody.")));
    }
    let secret = || URL_SAFE_NO_PAD.encode(app.random::<32>());
    let underway = Underway {
        state: secret(),
        nonce: secret(),
        verifier: secret(),
        return_to,
        began: app.now().seconds(),
    };
    let location = issuer
        .authorize_url(&redirect(&app), &underway.state, &underway.nonce, &underway.verifier, hint)
        .await?;
    let cookie = carry(&seal(&app, &underway)?, SIGN_IN_SECONDS);
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::SET_COOKIE, cookie)])
        .into_response())
}

/// What the issuer answers.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Callback {
    /// The authorization code.
    #[serde(default)]
    code: Option<String>,
    /// What was sent along.
    #[serde(default)]
    state: Option<String>,
}

/// Ends a sign-in: with a session, or back at the sign-in page with a reason.
#[utoipa::path(
    get, path = "/api/staff/callback", operation_id = "staff-sign-in.callback", tag = "staff",
    params(Callback),
    responses((status = 303, description = "To the page that was wanted, or to `/sign-in?problem=…`.", headers(
        ("Location" = String, description = "A path of this site."),
        ("Set-Cookie" = String, description = "The session."),
    )))
)]
async fn callback(
    State(app): State<App>,
    Extension(issuer): Extension<Issuer>,
    caller: Caller,
    headers: HeaderMap,
    StrictQuery(answer): StrictQuery<Callback>,
) -> Result<Response, Problem> {
    let underway = cookie::value(&headers, SIGN_IN_COOKIE).and_then(|text| open(&app, text));
    let Some(underway) = underway else { return Ok(back("expired")) };
    let (Some(code), Some(state)) = (answer.code, answer.state) else { return Ok(back("refused")) };
    if !bool::from(state.as_bytes().ct_eq(underway.state.as_bytes())) {
        return Ok(back("expired"));
    }
    let proof = Proof {
        nonce: &underway.nonce,
        verifier: &underway.verifier,
        began: At::from_millis(underway.began * 1000),
    };
    let Some(identity) = issuer.identify(&redirect(&app), code, proof, app.now()).await? else {
        return Ok(back("refused"));
    };
    let Some(cookie) = admit(&app, &caller, &identity).await? else { return Ok(back("no_role")) };
    let mut response = (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, underway.return_to), (header::SET_COOKIE, carry("", 0))],
    )
        .into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Lets somebody in whom the issuer vouches for, if they have a role in a practice of ours: answers
/// the session's cookie. A practice hears of whoever comes in its name and has no role.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn admit(
    app: &App,
    caller: &Caller,
    identity: &Identity,
) -> Result<Option<axum::http::HeaderValue>, Problem> {
    let named = identity.practice.as_deref().and_then(PracticeId::parse);
    let Some(practice) = named else { return Ok(None) };
    let practice = match Practice::load(app.store(), &practice).await {
        Ok(practice) => practice,
        Err(problem) if problem.code() == "not_found" => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let id = URL_SAFE_NO_PAD.encode(&Sha256::digest(&identity.subject)[..16]);
    let name = identity.name.clone();
    if let Some(role) = identity.role {
        let actor = Actor { id, name, role };
        start(app, caller, &practice, actor, identity.email.clone()).await.map(Some)
    } else {
        let actor = Actor { id, name, role: Role::Nobody };
        let refusal = Event::new(app, caller, &actor, &practice.practice, Action::SignInRefused);
        app.store().record(&refusal).await.map(|()| None)
    }
}

/// Makes the session, and tells the history.
async fn start(
    app: &App,
    caller: &Caller,
    practice: &Practice,
    actor: Actor,
    email: String,
) -> Result<axum::http::HeaderValue, Problem> {
    let (now, role) = (app.now(), actor.role);
    let sid = SessionId::new(app.ulid());
    let ends_at = At::from_millis((now.seconds() + practice.staff_session_seconds) * 1000);
    let session = StaffSession {
        name: actor.name.clone(),
        email,
        role,
        began_at: now,
        idle_ends_at: now.plus(practice.staff_idle_seconds),
        ends_at,
        expires_at: ends_at.seconds(),
    };
    let id = &practice.practice;
    let mut change = app.store().change();
    change.insert(&keys::staff_session(id, &actor.id, sid), &session);
    change.event(&Event::new(app, caller, &actor, id, Action::StaffSignedIn));
    app.store()
        .write(change)
        .await
        .map_err(|_| Problem::unavailable("the session was not kept"))?;
    let claims = Claims {
        iss: String::new(),
        aud: Audience::Staff.claim().into(),
        sub: actor.id,
        sid,
        practice: id.clone(),
        iat: now.seconds(),
        exp: ends_at.seconds(),
        idle: practice.staff_idle_seconds,
        role: Some(role),
        account: None,
    };
    let token = app.keys().sign(&claims)?;
    cookie::set(cookie::name(Audience::Staff), &token, practice.staff_session_seconds)
}

/// Who is signed in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffSession)]
pub struct StaffView {
    /// Name of the person.
    pub name: String,
    /// E-mail address of the person.
    pub email: String,
    /// Role of the person.
    pub role: Role,
    /// The practice that the person works for.
    pub practice: PracticeView,
    /// When the session ends if it stays unused.
    pub expires_at: At,
    /// When the session ends in any case.
    pub ends_at: At,
}

/// Who is signed in. Asking keeps the session alive.
#[utoipa::path(
    get, path = "/api/staff/session", operation_id = "staff-sign-in.session", tag = "staff",
    security(("staffSession" = [])),
    responses((status = 200, description = "The session.", body = StaffView))
)]
async fn who(State(app): State<App>, reader: Reader) -> Result<Json<StaffView>, Problem> {
    let staff = reader.check(&app).await?;
    let Standing::Session(session) = staff.standing else { return Err(Problem::signed_out()) };
    Ok(Json(StaffView {
        name: session.name,
        email: session.email,
        role: session.role,
        practice: staff.practice.view(),
        expires_at: session.idle_ends_at,
        ends_at: session.ends_at,
    }))
}

/// Signs out.
#[utoipa::path(
    delete, path = "/api/staff/session", operation_id = "staff-sign-in.sign-out", tag = "staff",
    security(("staffSession" = [])),
    responses((status = 204, description = "Signed out.", headers(("Set-Cookie" = String, description = "Takes the cookie away."))))
)]
async fn sign_out(State(app): State<App>, reader: Reader) -> Result<Response, Problem> {
    let key = reader.session_key();
    let staff = reader.check(&app).await?;
    let key = key.ok_or_else(Problem::signed_out)?;
    let mut retries = app.store().retries();
    loop {
        let mut change = app.store().change();
        change.discard(&key);
        change.event(&staff.event(&app, Action::StaffSignedOut));
        let Err(error) = app.store().write(change).await else {
            let gone = [(header::SET_COOKIE, cookie::clear(Audience::Staff))];
            return Ok((StatusCode::NO_CONTENT, gone).into_response());
        };
        retries.retry(error).await?;
    }
}

fn redirect(app: &App) -> String {
    format!("{}/api/staff/callback", app.config().staff_origin)
}

/// Back to the sign-in page, saying why.
fn back(reason: &'static str) -> Response {
    let location = format!("/sign-in?problem={reason}");
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::SET_COOKIE, carry("", 0))])
        .into_response()
}

fn carry(value: &str, seconds: i64) -> String {
    format!("{SIGN_IN_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax")
}

/// Whether a text is a path of our own site, with or without a query, that no reader takes for
/// anything else: no empty segment, none that begins with a dot, nothing escaped before the query.
fn is_own_path(text: &str) -> bool {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let Some(path) = path.strip_prefix('/').filter(|_| text.len() <= 500) else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let segment = |s: &str| !s.is_empty() && !s.starts_with('.') && s.bytes().all(plain);
    (path.is_empty() || path.strip_suffix('/').unwrap_or(path).split('/').all(segment))
        && query.bytes().all(|b| plain(b) || b"/?=&%".contains(&b))
}

fn seal(app: &App, underway: &Underway) -> Result<String, Problem> {
    let json = serde_json::to_vec(underway).map_err(|e| Problem::internal(e.to_string()))?;
    let tag = app.hmac("sign-in", &[&json])?;
    Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(json), URL_SAFE_NO_PAD.encode(tag)))
}

fn open(app: &App, text: &str) -> Option<Underway> {
    let (json, tag) = text.split_once('.')?;
    let (json, tag) = (URL_SAFE_NO_PAD.decode(json).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
    if !bool::from(app.hmac("sign-in", &[&json]).ok()?.ct_eq(&tag)) {
        return None;
    }
    let underway: Underway = serde_json::from_slice(&json).ok()?;
    (underway.began + SIGN_IN_SECONDS > app.now().seconds()).then_some(underway)
}
