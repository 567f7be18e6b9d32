//! The sample room: a small app behind the portal's door, at a host of its own, as an integrator would
//! build one. It knows of Latchkey only what discovery, an ID token and userinfo tell it.
//!
//! - `GET /` and the pages below show a chart. Signed out, they lead to the portal's `/authorize`, and back
//!   to the same page. With `iss` (a tile of the portal, or another page that begins a sign-in) they do so
//!   too, so that the room shows the charts of the person who is signed in to the portal now. No other
//!   issuer is taken.
//! - Every page asks the portal first. After a revocation it says so and shows nothing else; where the
//!   portal does not answer, it shows nothing either.
//! - [`NOTICE`] takes logout notices. The question decides all the same: a notice may be about one of several
//!   charts. Where the portal does not answer, the notice holds.
//! - Signing out ends the room's session, then all others by the portal's `/sign-out`. Only who comes back from
//!   there is told to be signed out everywhere.
//!
//! It keeps no messages: each chart has the same two.

mod notice;
mod pages;
mod provider;
mod sessions;

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Form, Path, RawQuery, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use shared::cookie;
use url::form_urlencoded;

use self::{
    notice::Not,
    pages::Word,
    provider::{Failed, Provider},
    sessions::{Departed, PATIENCE, Sessions, unguessable},
};
use crate::{Trouble, guard, keys::SigningKey, page};

/// The room's host.
pub const HOST: &str = "rooms.localhost";
/// Where people come back to with a code.
pub const CALLBACK: &str = "/in";
/// Where people come back to once they are signed out.
pub const SIGNED_OUT: &str = "/signed-out";
/// Where logout notices are posted.
pub const NOTICE: &str = "/logout-notice";

/// The cookie of a session.
const SESSION: &str = "__Host-latchkey-room";
/// The cookie of a browser that is on its way to sign in.
const BROWSER: &str = "__Host-latchkey-room-way";
/// The cookie of a browser that is on its way to sign out.
const LEAVING: &str = "__Host-latchkey-room-out";
/// Largest body: a logout token has a few hundred bytes.
const BODY: usize = 16 * 1024;

/// What the room is registered with, and its key.
#[derive(Clone)]
pub struct Settings {
    /// The portal's origin: the one issuer.
    pub issuer: String,
    /// The room's own origin.
    pub origin: String,
    /// Who it is to the portal.
    pub client_id: String,
    /// With what it proves that.
    pub key: SigningKey,
}

impl Settings {
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// The room. Clones share it.
#[derive(Clone)]
pub struct Room(Arc<Inner>);

struct Inner {
    provider: Provider,
    sessions: Sessions,
    /// The content policy of its pages.
    policy: HeaderValue,
}

/// A page of the room, with which a sign-in ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The client whose chart it is; any that is open.
    chart: Option<String>,
    /// A message of it, counted from 1.
    message: Option<usize>,
}

impl Place {
    /// Its address within the room.
    fn path(&self) -> String {
        let page = self.message.map_or_else(|| "/".into(), |number| format!("/messages/{number}"));
        match &self.chart {
            None => page,
            Some(chart) => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("chart", chart)
                    .finish();
                format!("{page}?{query}")
            }
        }
    }
}

/// The parameters of an address, each of which stands there once.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(query: Option<&str>) -> Option<Self> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
        let pairs: Vec<(String, String)> = pairs.collect();
        let twice = (1..pairs.len()).any(|n| pairs[..n].iter().any(|(key, _)| *key == pairs[n].0));
        (!twice).then_some(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Deserialize)]
struct Posted {
    logout_token: String,
}

impl Room {
    /// A room with nobody in it.
    ///
    /// # Errors
    /// When its key cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Trouble> {
        // A browser holds the redirect after a form against the policy, and signing out ends at the portal.
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            settings.issuer
        );
        let policy = HeaderValue::from_str(&policy)
            .map_err(|error| Trouble::new(format!("the room has no origin: {error}")))?;
        let (provider, sessions) = (Provider::new(settings)?, Sessions::default());
        Ok(Self(Arc::new(Inner { provider, sessions, policy })))
    }

    /// Everything at its host but the icon.
    pub fn routes(&self) -> Router {
        let origin = &self.settings().origin;
        let pages = Router::new()
            .route("/", get(start))
            .route("/messages/{number}", get(message))
            .route(CALLBACK, get(callback))
            .route("/sign-out", post(sign_out))
            .route(SIGNED_OUT, get(signed_out))
            .fallback(nothing)
            .layer(from_fn_with_state(self.clone(), headers));
        let programs = Router::new().route(NOTICE, post(take_notice));
        guard::own_pages_only(pages, origin)
            .merge(guard::programs_only(programs))
            .merge(page::routes())
            .layer(DefaultBodyLimit::max(BODY))
            .with_state(self.clone())
    }

    fn settings(&self) -> &Settings {
        self.0.provider.settings()
    }

    /// Shows a page, once the portal has said that this person may see it.
    async fn show(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        message: Option<usize>,
    ) -> Response {
        let Some(query) = Query::read(query) else { return Word::Twice.say() };
        let place = Place { chart: query.get("chart").map(str::to_owned), message };
        if let Some(issuer) = query.get("iss") {
            if issuer != self.settings().issuer {
                return Word::AnotherIssuer.say();
            }
            return self.depart(headers, place).await;
        }
        let id = cookie::value(headers, SESSION).unwrap_or_default();
        let Some(session) = self.0.sessions.find(id) else {
            return self.depart(headers, place).await;
        };
        match self.0.provider.ask(&session.signed_in).await {
            Ok(Some(person)) => pages::chart(&person, &place),
            Ok(None) => self.shut(id),
            Err(_) if session.noticed => self.shut(id),
            Err(failed) => unanswered(&failed),
        }
    }

    /// Says that access has ended.
    fn shut(&self, id: &str) -> Response {
        self.0.sessions.forget(id);
        (AppendHeaders([(SET_COOKIE, gone(SESSION))]), Word::Ended.say()).into_response()
    }

    /// Sends the browser to the portal.
    async fn depart(&self, headers: &HeaderMap, place: Place) -> Response {
        let departure = match self.0.provider.depart().await {
            Ok(departure) => departure,
            Err(failed) => return unanswered(&failed),
        };
        // One name for all of a browser's tabs, so that each comes back to its own page.
        let browser = cookie::value(headers, BROWSER).filter(|value| !value.is_empty());
        let browser = browser.map_or_else(unguessable, str::to_owned);
        let kept = format!("{}; Max-Age={}", set(BROWSER, &browser), PATIENCE.as_secs());
        let (nonce, verifier) = (departure.nonce, departure.verifier);
        let departed = Departed { browser, nonce, verifier, place };
        self.0.sessions.depart(departure.state, departed, Instant::now());
        (AppendHeaders([(SET_COOKIE, kept)]), Redirect::to(departure.url.as_str())).into_response()
    }
}

async fn start(
    State(room): State<Room>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    room.show(&headers, query.as_deref(), None).await
}

async fn message(
    State(room): State<Room>,
    headers: HeaderMap,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match number.parse().ok().filter(|number| pages::has(*number)) {
        Some(number) => room.show(&headers, query.as_deref(), Some(number)).await,
        None => Word::NoSuchPage.say(),
    }
}

async fn nothing() -> Response {
    Word::NoSuchPage.say()
}

/// Where the portal sends the browser once it signed out there.
async fn signed_out(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let left = cookie::value(&headers, LEAVING).filter(|state| !state.is_empty());
    let query = Query::read(query.as_deref());
    let came_back = query.as_ref().and_then(|query| query.get("state"));
    let word = if left.is_some() && came_back == left { Word::SignedOut } else { Word::NotHere };
    (AppendHeaders([(SET_COOKIE, gone(LEAVING))]), word.say()).into_response()
}

/// Where the portal sends the browser back to (RFC 6749, section 4.1.2; RFC 9207).
async fn callback(
    State(room): State<Room>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(query) = Query::read(query.as_deref()) else { return Word::Twice.say() };
    if query.get("iss") != Some(&room.settings().issuer) {
        return Word::AnotherIssuer.say();
    }
    let browser = cookie::value(&headers, BROWSER).unwrap_or_default();
    let come_back = |state| room.0.sessions.come_back(state, browser, Instant::now());
    let departed = query.get("state").and_then(come_back);
    let Some(Departed { nonce, verifier, place, .. }) = departed else {
        return Word::NotBegunHere.say();
    };
    let Some(code) = query.get("code") else {
        return match query.get("error") {
            Some("access_denied") => Word::NoAccess.say(),
            _ => Word::NotSignedIn.say(),
        };
    };
    let signed_in = match room.0.provider.arrive(code.to_owned(), verifier, &nonce).await {
        Ok(signed_in) => signed_in,
        Err(Failed::Refused(error)) => {
            tracing::info!(%error, "the room did not take a sign-in");
            return Word::NotSignedIn.say();
        }
        Err(failed) => return unanswered(&failed),
    };
    if let Some(before) = cookie::value(&headers, SESSION) {
        room.0.sessions.forget(before);
    }
    let id = room.0.sessions.open(signed_in);
    (AppendHeaders([(SET_COOKIE, set(SESSION, &id))]), Redirect::to(&place.path())).into_response()
}

/// Ends the room's session, then leads to where all others end.
async fn sign_out(State(room): State<Room>, headers: HeaderMap) -> Response {
    let id = cookie::value(&headers, SESSION).unwrap_or_default();
    let session = room.0.sessions.forget(id).map(|session| session.signed_in);
    let after = room.settings().address(SIGNED_OUT);
    let state = unguessable();
    let onward = match room.0.provider.goodbye(session.as_ref(), after, state.clone()).await {
        Ok(url) => {
            let leaving = format!("{}; Max-Age={}", set(LEAVING, &state), PATIENCE.as_secs());
            (AppendHeaders([(SET_COOKIE, leaving)]), Redirect::to(url.as_str())).into_response()
        }
        Err(failed) => {
            log(&failed);
            pages::signed_out_here_alone()
        }
    };
    (AppendHeaders([(SET_COOKIE, gone(SESSION))]), onward).into_response()
}

/// Takes a logout notice: 200 also for a session that is not here, 400 for what is no notice.
async fn take_notice(State(room): State<Room>, Form(posted): Form<Posted>) -> Response {
    let now = Timestamp::now().as_second();
    let Settings { issuer, client_id, .. } = room.settings();
    let mut answer = (StatusCode::OK, Json(json!({})));
    for anew in [false, true] {
        let keys = match room.0.provider.keys(anew).await {
            Ok(keys) => keys,
            Err(failed) => return unanswered(&failed),
        };
        let judged = notice::judge(&posted.logout_token, &keys, issuer, client_id, now);
        let why = match judged {
            Ok(notice) if room.0.sessions.notice(&notice, now) => break,
            Ok(_) => "jti was used",
            // Perhaps signed with a key that is newer than what is known.
            Err(Not::UnknownKey) if !anew => continue,
            Err(Not::UnknownKey) => "kid",
            Err(Not::Valid(why)) => why,
        };
        let body = json!({"error": "invalid_request", "error_description": why});
        answer = (StatusCode::BAD_REQUEST, Json(body));
        break;
    }
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}

fn log(failed: &Failed) {
    let (Failed::Refused(error) | Failed::NoAnswer(error)) = failed;
    tracing::warn!(%error, "the room got no answer from the portal");
}

fn unanswered(failed: &Failed) -> Response {
    log(failed);
    Word::NoAnswer.say()
}

/// A cookie that no script reads and that comes along when a person follows a link from elsewhere.
fn set(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; Secure; SameSite=Lax")
}

fn gone(name: &str) -> String {
    format!("{}; Max-Age=0", set(name, ""))
}

/// The headers of every page. A referrer within the room, since without one a browser says nothing of where
/// a form comes from.
async fn headers(State(room): State<Room>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, room.0.policy.clone());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests;
