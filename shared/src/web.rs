//! What every request goes through, in both homes: who is calling, whether a change comes from our
//! own pages, strict reading of bodies and parameters, problems rendered in one form, and the
//! headers that every answer carries.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    caller::Caller,
    config::Edge,
    id::{AppId, BulkId, ClientId, PasskeyId, PortalUserId, SessionId, StaffId},
    metrics,
    oauth::system,
    problem::Problem,
    staff, visitor,
};

pub use crate::strict::{Fault, Sent};

/// The header in which either home says from which address a request came (`address:port`).
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// The header with which CloudFront shows that a request came through it.
const ORIGIN_SECRET: HeaderName = HeaderName::from_static("x-latchkey-origin");

/// Largest body, in bytes, unless a route takes more.
const BODY_LIMIT: usize = 64 * 1024;

/// Headers of every answer of the API.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=63072000; includeSubDomains"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// What an app that is a page in the browser asks, from wherever it is (Fetch, section 3.2): it shows a
/// code or a token, and no cookie counts there. What demands a secret is for servers.
const OPEN_TO_PAGES: [&str; 5] = [
    "/.well-known/openid-configuration",
    "/api/oauth/revoke",
    "/api/oauth/token",
    "/api/oauth/userinfo",
    "/api/portal/jwks.json",
];
/// Headers of every answer there: any page may read it, and a browser sends no cookie along.
const CROSS_ORIGIN: [(HeaderName, HeaderValue); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("retry-after, www-authenticate, x-request-id"),
    ),
];
/// What a browser is told that asks before it sends. On AWS it asks no route, and is answered all the same.
const PREFLIGHT: [(HeaderName, HeaderValue); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, latchkey-activity"),
    ),
    (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200")),
];

/// Completes a router: fallbacks, and the frame around every request.
pub fn finish(router: Router<App>, app: App) -> Router {
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(middleware::from_fn_with_state(app.clone(), frame))
        .with_state(app)
}

async fn frame(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = app.now();
    let caller = Caller { request_id: app.ulid().to_string(), source: source(request.headers()) };
    let method = request.method().clone();
    request.extensions_mut().insert(caller.clone());
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned());
    let open_to_pages = OPEN_TO_PAGES.contains(&request.uri().path());
    let mut response = if !comes_through_the_edge(&app.config().edge, request.headers()) {
        Problem::direct().into_response()
    } else if open_to_pages && method == Method::OPTIONS {
        (StatusCode::NO_CONTENT, PREFLIGHT).into_response()
    } else if !comes_from_our_pages(&app, &request) {
        let headers = request.headers();
        let problem = match route.as_deref() {
            Some(route) if of_staff(route) => {
                Box::pin(staff::refuse_cross_site(&app, headers, &caller)).await
            }
            Some(route) if route.starts_with("/api/portal/") => {
                Box::pin(visitor::refuse_cross_site(&app, headers, &caller)).await
            }
            _ => Problem::cross_site(),
        };
        problem.into_response()
    } else {
        next.run(request).await
    };
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        let oauth = route.as_deref().is_some_and(|route| route.starts_with(OAUTH));
        render(problem, &caller, oauth && problem.is_oauth(), &mut response);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    if open_to_pages {
        headers.extend(CROSS_ORIGIN);
    }
    if let Ok(id) = HeaderValue::from_str(&caller.request_id) {
        headers.insert("x-request-id", id);
    }
    let milliseconds = app.now().millis() - began.millis();
    metrics::request(&app, response.status(), problem.as_ref());
    tracing::info!(
        requestId = caller.request_id,
        method = method.as_str(),
        route = route.as_deref().unwrap_or("none"),
        status = response.status().as_u16(),
        code = problem.as_ref().map(Problem::code),
        cause = problem.as_ref().and_then(Problem::cause),
        milliseconds,
        "request"
    );
    response
}

fn render(problem: &Problem, caller: &Caller, oauth: bool, response: &mut Response) {
    let allow = response.headers().get(header::ALLOW).cloned();
    let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
    if oauth {
        *response = (problem.status(), Json(problem.oauth_body())).into_response();
        let challenge = match problem.code() {
            "invalid_client" => Some("Basic realm=\"Latchkey\", charset=\"UTF-8\""),
            "invalid_token" => Some("Bearer realm=\"Latchkey\", error=\"invalid_token\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            let challenge = HeaderValue::from_static(challenge);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
    } else {
        *response = (problem.status(), Json(problem.body(&caller.request_id))).into_response();
        let media = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
    }
    let headers = response.headers_mut();
    if let Some(seconds) = problem.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = allow {
        headers.insert(header::ALLOW, allow);
    }
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn source(headers: &HeaderMap) -> String {
    let viewer = headers.get(CLIENT_ADDRESS).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let address = viewer.rsplit_once(':').map_or(viewer, |(address, _)| address);
    address.trim_matches(['[', ']']).chars().take(64).collect()
}

/// Whether a request shows one of the secrets that CloudFront alone knows, where it stands in front:
/// the API has an address of its own, which knows nothing of the firewall in front of the site.
fn comes_through_the_edge(edge: &Edge, headers: &HeaderMap) -> bool {
    let Edge::Digests(digests) = edge else { return true };
    let shown = headers.get(ORIGIN_SECRET).map_or(&[][..], HeaderValue::as_bytes);
    let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(shown));
    digests.contains(&shown)
}

/// GETs that other sites may send browsers to: the way to the issuer and back. They are pages, so
/// no page may load them as anything else.
const LINKS: [&str; 2] = ["/api/staff/sign-in", "/api/staff/callback"];
/// GETs that are the same for everybody and leave no trace.
const PUBLIC: [&str; 4] = [
    "/api/health",
    "/api/openapi.json",
    "/api/portal/jwks.json",
    "/.well-known/openid-configuration",
];

/// Routes that apps call, on either host.
const OAUTH: &str = "/api/oauth/";
/// What proxies ask for every request of a browser, and pass that request's headers along.
const CHECK: &str = "/api/portal/check";

/// Whether a request comes from the site that it is for. Browsers send `Origin` with every change:
/// one that has neither it nor `Sec-Fetch-Site` is refused. Reading leaves a trace too, so a read
/// that another site caused, by an image or a link, is refused. A read without either header is no
/// browser's.
fn comes_from_our_pages(app: &App, request: &Request) -> bool {
    let path = request.uri().path();
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    // No page of another site can send a token along.
    let bearer = system::bearer(request.headers()).is_some();
    let no_page = bearer || path.starts_with(OAUTH) || (reads && path == CHECK);
    if request.method() == Method::OPTIONS || no_page || (reads && PUBLIC.contains(&path)) {
        return true;
    }
    if reads && LINKS.contains(&path) {
        let mode = request.headers().get("sec-fetch-mode");
        return mode.is_none_or(|mode| mode == "navigate");
    }
    let ours = if path.starts_with("/api/portal/") {
        &app.config().portal_origin
    } else {
        &app.config().staff_origin
    };
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let (origin, site) = (header("origin"), header("sec-fetch-site"));
    (reads || origin.is_some() || site.is_some())
        && origin.is_none_or(|o| o == ours.as_bytes())
        && site.is_none_or(|s| s == b"same-origin")
}

/// Whether a route is one of those that staff call: their functions may read the session.
fn of_staff(route: &str) -> bool {
    !route.starts_with("/api/portal/") && !PUBLIC.contains(&route)
}

/// A JSON body, read strictly: the right media type, no unknown members, nothing after it, at most
/// `LIMIT` bytes.
#[derive(Debug)]
pub struct StrictJson<T, const LIMIT: usize = BODY_LIMIT>(pub T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<App> for StrictJson<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, LIMIT).await?;
        parse_json(&parts.headers, &bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BODY_LIMIT).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        parse_json(&parts.headers, &bytes).map(Self)
    }
}

async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let bytes = to_bytes(body, limit).await;
    bytes.map(|bytes| bytes.to_vec()).map_err(|_| Problem::too_large(limit))
}

/// The media type of a body, without its parameters, in small letters.
fn essence(headers: &HeaderMap) -> String {
    let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn parse_json<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    if essence(headers) != "application/json" {
        return Err(Problem::media_type());
    }
    let sent: Sent = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    sent.read().map_err(refused)
}

fn refused(fault: Fault) -> Problem {
    Problem::refused(fault.field(), fault.refusal)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::malformed(format!(
        "The body is not valid JSON: line {}, column {}.",
        error.line(),
        error.column()
    ))
}

/// Query parameters, read strictly: each at most once, none unknown.
#[derive(Debug)]
pub struct StrictQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let pairs = pairs.map(|(name, value)| (name, Sent::Text(value))).collect();
        Sent::Object(pairs).read().map(Self).map_err(refused)
    }
}

/// The parameters of OAuth that are read here.
const PARAMETERS: [&str; 11] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "scope",
    "token",
    "token_type_hint",
];

/// A form (`application/x-www-form-urlencoded`), as OAuth reads it: what is empty counts as left out, what
/// is unknown is passed over, and nothing that is known comes twice.
#[derive(Debug)]
pub struct OAuthForm(pub BTreeMap<String, String>);

impl FromRequest<App> for OAuthForm {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BODY_LIMIT).await?;
        if essence(&parts.headers) != "application/x-www-form-urlencoded" {
            let right = "Send the parameters as application/x-www-form-urlencoded.";
            return Err(Problem::oauth("invalid_request", right));
        }
        let mut form = BTreeMap::new();
        let known = |name: &str| PARAMETERS.contains(&name);
        for (name, value) in form_urlencoded::parse(&bytes).into_owned() {
            if !known(&name) {
                continue;
            }
            if form.contains_key(&name) {
                return Err(Problem::oauth("invalid_request", "A parameter comes twice."));
            }
            form.insert(name, value);
        }
        form.retain(|_, value| !value.is_empty());
        Ok(Self(form))
    }
}

/// The app that a path names; 404 for an id that cannot be one.
#[derive(Debug, Clone)]
pub struct AppPath(pub AppId);

impl FromRequestParts<App> for AppPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_id(parts, app, "appId", AppId::parse).await.map(Self)
    }
}

/// The person of the staff whom a path names; 404 for an id that cannot be one.
#[derive(Debug, Clone, Copy)]
pub struct StaffPath(pub StaffId);

impl FromRequestParts<App> for StaffPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_id(parts, app, "staffId", StaffId::parse).await.map(Self)
    }
}

/// The change for many that a path names; 404 for an id that cannot be one.
#[derive(Debug, Clone, Copy)]
pub struct BulkPath(pub BulkId);

impl FromRequestParts<App> for BulkPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_id(parts, app, "bulkId", BulkId::parse).await.map(Self)
    }
}

/// Which of a person's sessions a path names; 404 for an id that cannot be one.
#[derive(Debug, Clone, Copy)]
pub enum SessionPath {
    /// This one.
    One(SessionId),
    /// All but the one that asks.
    Others,
}

impl SessionPath {
    fn parse(text: &str) -> Option<Self> {
        if text == "others" { Some(Self::Others) } else { SessionId::parse(text).map(Self::One) }
    }
}

impl FromRequestParts<App> for SessionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_id(parts, app, "sessionId", Self::parse).await
    }
}

/// The passkey that a path names; 404 for an id that cannot be one.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyPath(pub PasskeyId);

impl FromRequestParts<App> for PasskeyPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_id(parts, app, "passkeyId", PasskeyId::parse).await.map(Self)
    }
}

/// The client that a path names; 404 for an id that cannot be one.
#[derive(Debug, Clone, Copy)]
pub struct ClientPath(pub ClientId);

/// The portal user that a path names; 404 for ids that cannot be ones.
#[derive(Debug, Clone, Copy)]
pub struct UserPath(pub ClientId, pub PortalUserId);

async fn path_id<T>(
    parts: &mut Parts,
    app: &App,
    name: &str,
    read: fn(&str) -> Option<T>,
) -> Result<T, Problem> {
    let params =
        RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::not_found())?;
    let (_, value) = params.iter().find(|(key, _)| *key == name).ok_or_else(Problem::not_found)?;
    read(value).ok_or_else(Problem::not_found)
}

impl FromRequestParts<App> for ClientPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        path_id(parts, app, "clientId", ClientId::parse).await.map(Self)
    }
}

impl FromRequestParts<App> for UserPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let client = path_id(parts, app, "clientId", ClientId::parse).await?;
        let user = path_id(parts, app, "portalUserId", PortalUserId::parse).await?;
        Ok(Self(client, user))
    }
}

/// A new thing: 201.
#[must_use]
pub fn created<T: serde::Serialize>(value: T) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

/// Tells "null" from "not named": what a body names is `Some`, and `Some(None)` for null.
///
/// # Errors
/// What the value's own type says.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}
