//! Signs staff in at the practice's OpenID Connect issuer, by authorization code with PKCE, and
//! keeps their session. The exchange is done here: the browser never holds a token of the issuer.
//!
//! The issuer says who somebody is; the staff lists say in which practices they work and in which roles.
//! Somebody who is staff of several begins in the first by name, and goes over to another by
//! `PUT /api/staff/session`.

mod issuer;
mod list;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    caller::Caller,
    cookie,
    fields::{At, Refusal},
    history::{Action, Actor, Event, Role},
    id::{LoginKey, PracticeId, SessionId},
    jwt::{Audience, Claims},
    keys,
    practice::PracticeView,
    problem::ProblemBody,
    staff::{Reader, StaffSession, Standing},
    store::{Change, Update, WriteError, both},
    team::{self, Login, Place},
    web::{StrictJson, StrictQuery},
};
use subtle::ConstantTimeEq;
use utoipa::{IntoParams, ToSchema};

pub use issuer::{Identity, Issuer, Proof};

use list::{Entry, Found, Refused};

/// Cookie that carries a sign-in from here to the issuer and back. `Lax`, since the way back is a
/// navigation from another site.
const SIGN_IN_COOKIE: &str = "__Host-latchkey-signin";
/// Seconds that a sign-in may take: the first one includes setting up an authenticator app.
const SIGN_IN_SECONDS: i64 = 30 * 60;

/// The routes of this function.
pub fn routes<R: Routes>(issuer: Issuer) -> R {
    R::default()
        .operation(__path_begin, begin)
        .operation(__path_callback, callback)
        .operation(__path_who, who)
        .operation(__path_switch, switch)
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

/// The most lists on which somebody is matched for the first time by one sign-in: what a transaction
/// holds. The next sign-in goes on.
const MOST_FIRST: usize = 40;

/// Lets somebody in whom the issuer vouches for, if they are on a staff list: answers the session's
/// cookie. A practice that has the address on its list hears of a person whom it refuses.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn admit(
    app: &App,
    caller: &Caller,
    identity: &Identity,
) -> Result<Option<HeaderValue>, Problem> {
    let mut retries = app.store().retries();
    loop {
        let Found { login, entries, refused } = Found::of(app, identity).await?;
        let Some(chosen) = entries.first() else {
            let (id, name) = (String::new(), identity.name.clone());
            let actor = Actor { id, name, role: Role::Nobody };
            for Refused { practice, why } in &refused {
                let event = Event::new(app, caller, &actor, practice, Action::SignInRefused);
                app.store().record(&event.because(*why)).await?;
            }
            return Ok(None);
        };
        let mut change = app.store().change();
        for entry in entries.iter().skip(1).filter(|entry| entry.first).take(MOST_FIRST) {
            bind(&mut change, entry, &login, None);
        }
        bind(&mut change, chosen, &login, Some(app.now()));
        let (_, cookie) = begin_session(app, caller, &chosen.place, &login, &mut change)?;
        let Err(error) = app.store().write(change).await else { return Ok(Some(cookie)) };
        retries.retry(error).await?;
    }
}

/// Notes who a person of a list is at the issuer, and when they signed in, on the condition that the list
/// says of them what was read.
fn bind(change: &mut Change, entry: &Entry, login: &LoginKey, signed_in: Option<At>) {
    let Place { practice, member } = &entry.place;
    let practice = &practice.practice;
    let mut person =
        Update::of(keys::member(practice, member.staff_id)).when("epoch", "=", &member.epoch);
    if entry.first {
        person = person.when_absent("subject").set("subject", login);
        let leads = Login { practice: practice.clone(), staff_id: member.staff_id };
        change.set(&keys::login(login, practice), &leads);
    } else {
        person = person.when("subject", "=", login);
    }
    if let Some(at) = signed_in {
        person = person.set("lastSignInAt", &at);
    }
    change.update(&person);
}

/// Begins a session as part of a change that tells the history; answers it and its cookie.
fn begin_session(
    app: &App,
    caller: &Caller,
    place: &Place,
    login: &LoginKey,
    change: &mut Change,
) -> Result<(StaffSession, HeaderValue), Problem> {
    let Place { practice, member } = place;
    let (id, now) = (&practice.practice, app.now());
    let sid = SessionId::new(app.ulid());
    let ends_at = At::from_millis((now.seconds() + practice.staff_session_seconds) * 1000);
    let session = StaffSession {
        epoch: member.epoch,
        began_at: now,
        idle_ends_at: now.plus(practice.staff_idle_seconds),
        ends_at,
        used_at: Some(now),
        expires_at: ends_at.seconds(),
    };
    let actor = Actor {
        id: member.staff_id.to_string(),
        name: member.name.as_str().to_owned(),
        role: member.role,
    };
    change.insert(&keys::staff_session(id, member.staff_id, sid), &session);
    change.event(&Event::new(app, caller, &actor, id, Action::StaffSignedIn));
    let claims = Claims {
        iss: String::new(),
        aud: Audience::Staff.claim().into(),
        sub: actor.id,
        sid,
        practice: id.clone(),
        iat: now.seconds(),
        exp: ends_at.seconds(),
        idle: practice.staff_idle_seconds,
        role: Some(member.role),
        account: None,
        login: Some(login.clone()),
    };
    let token = app.keys().sign(&claims)?;
    let cookie =
        cookie::set(cookie::name(Audience::Staff), &token, practice.staff_session_seconds)?;
    Ok((session, cookie))
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
    /// The practices whose staff the person is, by name: for somebody with more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub practices: Vec<PracticeView>,
}

impl StaffView {
    fn of(place: Place, session: &StaffSession, choices: &[Place]) -> Self {
        let Place { practice, member } = place;
        Self {
            name: member.name.as_str().to_owned(),
            email: member.email.as_str().to_owned(),
            role: member.role,
            practice: practice.view(),
            expires_at: session.idle_ends_at,
            ends_at: session.ends_at,
            practices: choices
                .iter()
                .filter(|_| choices.len() > 1)
                .map(|place| place.practice.view())
                .collect(),
        }
    }
}

/// Who is signed in. Asking keeps the session alive.
#[utoipa::path(
    get, path = "/api/staff/session", operation_id = "staff-sign-in.session", tag = "staff",
    security(("staffSession" = [])),
    responses((status = 200, description = "The session.", body = StaffView))
)]
async fn who(State(app): State<App>, reader: Reader) -> Result<Json<StaffView>, Problem> {
    let login = reader.login().cloned();
    let (staff, logins) = both(reader.check(&app), logins(&app, login.as_ref())).await?;
    let Standing::Session(signed_in) = staff.standing else { return Err(Problem::signed_out()) };
    // With one practice there is nothing to choose, and nothing more to read.
    let several = if logins.len() > 1 { &logins[..] } else { &[] };
    let choices = list::choices(&app, several).await?;
    let place = Place { practice: staff.practice, member: signed_in.member };
    Ok(Json(StaffView::of(place, &signed_in.session, &choices)))
}

async fn logins(app: &App, login: Option<&LoginKey>) -> Result<Vec<Login>, Problem> {
    match login {
        Some(login) => team::logins(app.store(), login).await,
        None => Ok(Vec::new()),
    }
}

/// To which practice somebody goes over.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// One of their practices.
    practice: PracticeId,
}

/// Goes over to another practice of one's own. The session here ends, and one begins there.
#[utoipa::path(
    put, path = "/api/staff/session", operation_id = "staff-sign-in.switch", tag = "staff",
    security(("staffSession" = [])),
    request_body = Switch,
    responses(
        (status = 200, description = "The session there.", body = StaffView, headers(("Set-Cookie" = String, description = "The session."))),
        (status = 404, description = "Nobody of that practice's staff, or no practice.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn switch(
    State(app): State<App>,
    caller: Caller,
    reader: Reader,
    StrictJson(to): StrictJson<Switch>,
) -> Result<Response, Problem> {
    let (key, login) = (reader.session_key(), reader.login().cloned());
    let (staff, mut found) = both(reader.check(&app), logins(&app, login.as_ref())).await?;
    let Some((key, login)) = key.zip(login) else {
        return Err(staff.refuse(&app, None, Problem::not_found()).await);
    };
    let mut retries = app.store().retries();
    loop {
        let choices = list::choices(&app, &found).await?;
        let mut own = choices.iter().filter(|place| place.member.subject.as_ref() == Some(&login));
        let Some(place) = own.find(|place| place.practice.practice == to.practice).cloned() else {
            return Err(staff.refuse(&app, None, Problem::not_found()).await);
        };
        let mut change = app.store().change();
        let before = change.remove_when(&Update::of(key.clone()));
        change.event(&staff.event(&app, Action::StaffSignedOut));
        let entry = Entry { place: place.clone(), first: false };
        bind(&mut change, &entry, &login, Some(app.now()));
        let (session, cookie) = begin_session(&app, &caller, &place, &login, &mut change)?;
        let Err(error) = app.store().write(change).await else {
            let view = StaffView::of(place, &session, &choices);
            return Ok(([(header::SET_COOKIE, cookie)], Json(view)).into_response());
        };
        // Signed out meanwhile: no session begins.
        if matches!(&error, WriteError::Conflict(failed) if failed.includes(before)) {
            return Err(Problem::signed_out());
        }
        retries.retry(error).await?;
        found = logins(&app, Some(&login)).await?;
    }
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
