//! The room against a portal that these tests are: with a key of its own, it answers what each test wants.

use std::{sync::Mutex, time::Duration};

use axum::body::Body;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Request;
use http_body_util::BodyExt;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::JwkSet};
use serde_json::Value;
use tower::ServiceExt;
use url::Url;

use super::*;
use crate::state::{StateDir, TestFolder};

const CLIENT_ID: &str = "harbor.01ARZ3NDEKTSV4RRFFQ69G5FAV";
const ORIGIN: &str = "http://rooms.localhost:8600";
const AMARA: &str = "01ARZ3NDEKTSV4RRFFQ69G5AMA";
const WREN: &str = "01ARZ3NDEKTSV4RRFFQ69G5WRE";

/// The portal: what it answers, and what it was asked.
struct Portal {
    origin: String,
    key: SigningKey,
    signing: EncodingKey,
    now: Mutex<Answers>,
}

struct Answers {
    /// Members of the ID token instead of the right ones.
    id_token: Value,
    userinfo: (StatusCode, Value),
    /// The last form at the token endpoint.
    asked: Vec<(String, String)>,
    nonce: String,
    /// Seconds that an access token lives.
    expires_in: i64,
    /// A key that is published beside the first.
    second: Option<SigningKey>,
    /// It answers nothing.
    down: bool,
}

fn charts(ids: &[(&str, &str)]) -> Value {
    let chart = |(id, first): &(&str, &str)| {
        let name = json!({"first": first, "last": "Okafor"});
        json!({"clientId": id, "name": name, "recordNumber": "HP-1", "permissions": ["messaging"]})
    };
    let charts: Vec<Value> = ids.iter().map(chart).collect();
    json!({"sub": "person", "sid": "session", "name": "Amara <O>", "charts": charts})
}

impl Portal {
    fn sign(&self, typ: &str, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.into());
        header.kid = Some(self.key.id.clone());
        jsonwebtoken::encode(&header, claims, &self.signing).unwrap()
    }

    fn claims(&self, changes: &Value) -> Value {
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": self.origin, "aud": CLIENT_ID, "sub": "person", "sid": "session",
            "iat": now, "exp": now + 120,
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    fn notice(&self, changes: &Value) -> String {
        let mut claims = json!({"jti": unguessable(), "events": {notice::EVENT: {}}});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.sign("logout+jwt", &self.claims(&claims))
    }

    fn answer(&self, status: u16, userinfo: Value) {
        let status = StatusCode::from_u16(status).unwrap();
        self.now.lock().unwrap().userinfo = (status, userinfo);
    }
}

async fn discovery(State(portal): State<Arc<Portal>>) -> Response {
    if portal.now.lock().unwrap().down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let at = |path: &str| format!("{}{path}", portal.origin);
    Json(json!({
        "issuer": portal.origin,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "end_session_endpoint": at("/sign-out"),
        "jwks_uri": at("/jwks.json"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
    .into_response()
}

async fn token(
    State(portal): State<Arc<Portal>>,
    Form(form): Form<Vec<(String, String)>>,
) -> Json<Value> {
    let mut now = portal.now.lock().unwrap();
    now.asked = form;
    let mut claims = portal.claims(&json!({"nonce": now.nonce}));
    for (name, value) in now.id_token.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let id_token = portal.sign("JWT", &claims);
    Json(json!({
        "access_token": "opaque", "token_type": "Bearer", "expires_in": now.expires_in,
        "id_token": id_token,
    }))
}

async fn userinfo(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    assert_eq!(headers["authorization"], "Bearer opaque");
    let (status, body) = portal.now.lock().unwrap().userinfo.clone();
    if portal.now.lock().unwrap().down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    (status, Json(body)).into_response()
}

/// A browser in front of the room.
struct Browser {
    room: Router,
    portal: Arc<Portal>,
    cookies: Mutex<Vec<(String, String)>>,
    folder: Arc<TestFolder>,
}

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }
}

impl Browser {
    async fn new() -> Self {
        let folder = TestFolder::new();
        let state = StateDir::open(&folder.0).unwrap();
        let key = SigningKey::open(&state, "portal.pem").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let portal = Arc::new(Portal {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            signing: EncodingKey::from_ec_pem(key.pem.as_bytes()).unwrap(),
            now: Mutex::new(Answers {
                id_token: json!({}),
                userinfo: (StatusCode::OK, charts(&[(AMARA, "Amara")])),
                asked: Vec::new(),
                nonce: String::new(),
                expires_in: 600,
                second: None,
                down: false,
            }),
            key,
        });
        let settings = Settings {
            issuer: portal.origin.clone(),
            origin: ORIGIN.into(),
            client_id: CLIENT_ID.into(),
            key: SigningKey::open(&state, "room.pem").unwrap(),
        };
        let room = Room::new(settings).unwrap().routes();
        let jwks = |State(portal): State<Arc<Portal>>| async move {
            let second = portal.now.lock().unwrap().second.clone();
            let keys = std::iter::once(portal.key.clone()).chain(second);
            Json(json!({"keys": keys.map(|key| key.jwk).collect::<Vec<Value>>()}))
        };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks.json", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(portal.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { room, portal, cookies: Mutex::default(), folder: Arc::new(folder) }
    }

    /// Another browser at the same room.
    fn another(&self) -> Self {
        let (room, portal) = (self.room.clone(), self.portal.clone());
        Self { room, portal, cookies: Mutex::default(), folder: self.folder.clone() }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", ORIGIN.trim_start_matches("http://"));
        let cookies: Vec<String> = {
            let cookies = self.cookies.lock().unwrap();
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect()
        };
        request = request.header("cookie", cookies.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.room.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap());
        let (parts, body) = answer.await.unwrap().into_parts();
        for set in parts.headers.get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("; Path=/; HttpOnly; Secure; SameSite=Lax"), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            cookies.retain(|(known, _)| known != name);
            if !set.ends_with("Max-Age=0") {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let text = body.collect().await.unwrap().to_bytes().to_vec();
        let text = String::from_utf8(text).unwrap();
        Page { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    async fn get(&self, path: &str) -> Page {
        let page = self.send("GET", path, &[], "").await;
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        page
    }

    /// Goes to the portal, and answers the address with which it sends the browser back.
    async fn depart(&self, path: &str) -> Url {
        let page = self.get(path).await;
        assert_eq!(page.status, 303, "{}", page.text);
        let away = Url::parse(page.location()).unwrap();
        assert!(away.as_str().starts_with(&format!("{}/authorize?", self.portal.origin)), "{away}");
        let asked = |name: &str| {
            let mut pairs = away.query_pairs();
            pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        assert_eq!(asked("client_id"), CLIENT_ID);
        assert_eq!(asked("redirect_uri"), format!("{ORIGIN}/in"));
        assert_eq!(asked("response_type"), "code");
        assert_eq!(asked("scope"), "openid profile messaging");
        assert_eq!(asked("code_challenge_method"), "S256");
        assert_eq!(asked("code_challenge").len(), 43);
        self.portal.now.lock().unwrap().nonce = asked("nonce");
        let mut back = Url::parse(&format!("{ORIGIN}/in")).unwrap();
        let pairs = [("code", "a code"), ("state", &asked("state")), ("iss", &self.portal.origin)];
        back.query_pairs_mut().extend_pairs(pairs);
        back
    }

    async fn come_back(&self, back: &Url) -> Page {
        self.get(&back[url::Position::BeforePath..]).await
    }

    /// Signs in on the way to a page, and shows it.
    async fn sign_in(&self, path: &str) -> Page {
        let back = self.depart(path).await;
        let page = self.come_back(&back).await;
        assert_eq!(page.status, 303, "{}", page.text);
        self.get(page.location()).await
    }

    /// Whether a notice came: while the portal does not answer, it holds. The session is gone then.
    async fn noticed(&self) -> bool {
        self.portal.now.lock().unwrap().down = true;
        let page = self.get("/").await;
        self.portal.now.lock().unwrap().down = false;
        assert!(!shows_a_chart(&page), "{}", page.text);
        assert!([403, 503].contains(&page.status), "{}", page.text);
        page.status == 403
    }

    async fn tell(&self, token: &str) -> u16 {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = format!("logout_token={token}");
        let told = self.another().send("POST", NOTICE, &form, &body).await;
        assert_eq!(told.headers["cache-control"], "no-store");
        told.status
    }
}

fn shows_a_chart(page: &Page) -> bool {
    page.text.contains("Amara Okafor") || page.text.contains("Welcome to your messages")
}

fn changed(url: &Url, name: &str, value: Option<&str>) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut changed = url.clone();
    let kept = pairs.iter().filter(|(key, _)| key != name);
    changed.query_pairs_mut().clear().extend_pairs(kept);
    if let Some(value) = value {
        changed.query_pairs_mut().append_pair(name, value);
    }
    changed
}

#[tokio::test]
async fn signed_out_it_leads_through_the_portal_and_back_to_the_same_page() {
    let browser = Browser::new().await;
    let page = browser.sign_in(&format!("/messages/2?chart={AMARA}")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<h1>Before your next visit</h1>"), "{}", page.text);
    assert!(page.text.contains("Signed in as Amara &lt;O&gt;"), "{}", page.text);
    assert_eq!(page.headers["referrer-policy"], "same-origin");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; "), "{policy}");
    let asked = browser.portal.now.lock().unwrap().asked.clone();
    let asked = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    assert_eq!(asked("grant_type"), Some("authorization_code"));
    assert_eq!(asked("redirect_uri"), Some("http://rooms.localhost:8600/in"));
    assert!(asked("code_verifier").is_some_and(|verifier| verifier.len() >= 43));
    assert!(asked("client_assertion").is_some() && asked("client_secret").is_none());
    // Signed in it goes nowhere.
    assert!(browser.get("/").await.text.contains("<h1>Messages of Amara Okafor</h1>"));
    // The session is the browser's alone.
    assert_eq!(browser.another().get("/").await.status, 303);
}

#[tokio::test]
async fn every_page_asks_and_shows_nothing_without_a_yes() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    // No verdict: nothing is shown, and nothing has ended.
    for (status, body) in [(503, json!({})), (500, json!({})), (302, json!({})), (200, json!({}))] {
        browser.portal.answer(status, body);
        for path in ["/", "/messages/1"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, 503, "{status} {path}");
            assert!(!shows_a_chart(&page), "{}", page.text);
        }
    }
    browser.portal.answer(200, charts(&[(AMARA, "Amara")]));
    assert!(shows_a_chart(&browser.get("/").await));

    let mut another = charts(&[(AMARA, "Amara")]);
    another["sub"] = "somebody else".into();
    for (status, body) in
        [(401, json!({"error": "invalid_token"})), (200, charts(&[])), (200, another)]
    {
        browser.portal.answer(200, charts(&[(AMARA, "Amara")]));
        browser.sign_in(&format!("/?iss={}", browser.portal.origin)).await;
        browser.portal.answer(status, body);
        let page = browser.get(&format!("/?chart={AMARA}")).await;
        assert_eq!(page.status, 403, "{}", page.text);
        assert!(page.text.contains("<h1>Your access has ended</h1>"), "{}", page.text);
        assert!(!shows_a_chart(&page), "{}", page.text);
        // The session is gone with it, whatever the portal would say now.
        browser.portal.answer(200, charts(&[(AMARA, "Amara")]));
        assert_eq!(browser.get("/").await.status, 303);
    }
}

#[tokio::test]
async fn of_several_charts_each_is_shown_while_it_is_open() {
    let browser = Browser::new().await;
    browser.portal.answer(200, charts(&[(AMARA, "Amara"), (WREN, "Wren")]));
    let page = browser.sign_in("/").await;
    assert!(page.text.contains("<h1>Whose messages?</h1>"), "{}", page.text);
    let page = browser.get(&format!("/?chart={WREN}")).await;
    assert!(page.text.contains("<h1>Messages of Wren Okafor</h1>"), "{}", page.text);
    browser.portal.answer(200, charts(&[(WREN, "Wren")]));
    for chart in [AMARA, "", "nonsense", "%3Cb%3E"] {
        for page in ["/", "/messages/1"] {
            let page = browser.get(&format!("{page}?chart={chart}")).await;
            assert_eq!(page.status, 403, "{chart}");
            assert!(page.text.contains("These messages are not open to you"), "{}", page.text);
            assert!(!shows_a_chart(&page), "{}", page.text);
        }
    }
    for path in ["/messages/0", "/messages/3", "/messages/x", "/mailbox", "/api/health"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_tile_opens_its_chart_for_the_person_of_now_and_no_other_issuer_is_taken() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    let issuer = browser.portal.origin.clone();
    // Also with a session: the portal may have another person by now.
    let page = browser.sign_in(&format!("/?iss={issuer}&chart={AMARA}")).await;
    assert!(page.text.contains("Messages of Amara Okafor"), "{}", page.text);
    for other in [
        "http://evil.example",
        "",
        &format!("{issuer}/"),
        &format!("{issuer}.evil.example"),
        &format!("{issuer}&iss={issuer}"),
    ] {
        let page = browser.get(&format!("/?iss={other}&chart={AMARA}")).await;
        assert_eq!(page.status, 400, "{other}");
        assert!(!shows_a_chart(&page), "{}", page.text);
    }
}

#[tokio::test]
async fn only_the_browser_that_left_comes_back_once_from_this_portal() {
    let browser = Browser::new().await;
    let back = browser.depart("/").await;
    for (name, value) in [
        ("state", Some("another")),
        ("state", None),
        ("iss", Some("http://evil.example")),
        ("iss", None),
    ] {
        let page = browser.come_back(&changed(&back, name, value)).await;
        assert_eq!(page.status, 400, "{name}: {value:?}");
    }
    let mut twice = back.clone();
    twice.query_pairs_mut().append_pair("code", "another");
    assert_eq!(browser.come_back(&twice).await.status, 400);
    // Of another browser, which left too.
    let nonce = browser.portal.now.lock().unwrap().nonce.clone();
    let other = browser.another();
    other.depart("/").await;
    assert_eq!(other.come_back(&back).await.status, 400);
    assert_eq!(browser.another().come_back(&back).await.status, 400);
    // None of them took it from its own browser, nor does another tab.
    let tab = browser.depart("/messages/2").await;
    let page = browser.come_back(&tab).await;
    assert_eq!((page.status, page.location()), (303, "/messages/2"));
    assert_eq!(browser.come_back(&tab).await.status, 400, "a second time");
    browser.portal.now.lock().unwrap().nonce = nonce;
    let page = browser.come_back(&back).await;
    assert_eq!((page.status, page.location()), (303, "/"));
}

#[tokio::test]
async fn an_id_token_that_does_not_hold_lets_nobody_in() {
    let browser = Browser::new().await;
    let past = Timestamp::now().as_second() - 600;
    for wrong in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "harbor.another"}),
        json!({"iss": "http://evil.example"}),
        json!({"exp": past}),
        json!({"sid": null}),
    ] {
        browser.portal.now.lock().unwrap().id_token = wrong.clone();
        let back = browser.depart("/").await;
        let page = browser.come_back(&back).await;
        assert_eq!(page.status, 403, "{wrong}");
        assert!(page.text.contains("You are not signed in"), "{}", page.text);
        assert_eq!(browser.get("/").await.status, 303, "{wrong}");
    }
    // What the portal says instead of a code.
    for (error, said) in
        [("access_denied", "You have no messages here"), ("server_error", "You are not signed in")]
    {
        let back = changed(&browser.depart("/").await, "code", None);
        let page = browser.come_back(&changed(&back, "error", Some(error))).await;
        assert_eq!(page.status, 403);
        assert!(page.text.contains(said), "{}", page.text);
    }
}

#[tokio::test]
async fn a_notice_holds_for_the_session_that_it_names_once() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    // Of others.
    assert_eq!(browser.tell(&browser.portal.notice(&json!({"sid": "another"}))).await, 200);
    assert_eq!(browser.tell(&browser.portal.notice(&json!({"sub": "another"}))).await, 200);
    assert!(!browser.noticed().await);
    for names in [json!({}), json!({"sub": null}), json!({"sid": null})] {
        browser.sign_in(&format!("/?iss={}", browser.portal.origin)).await;
        let token = browser.portal.notice(&names);
        assert_eq!(browser.tell(&token).await, 200, "{names}");
        assert!(browser.noticed().await, "{names}");
        browser.sign_in("/").await;
        assert_eq!(browser.tell(&token).await, 400, "a second time");
        assert!(!browser.noticed().await);
    }
}

/// Of two charts one closes: the portal tells of it, and says which is left when it is asked.
#[tokio::test]
async fn a_notice_about_one_chart_leaves_the_others_open() {
    let browser = Browser::new().await;
    browser.portal.answer(200, charts(&[(AMARA, "Amara"), (WREN, "Wren")]));
    browser.sign_in("/").await;
    browser.portal.answer(200, charts(&[(WREN, "Wren")]));
    assert_eq!(browser.tell(&browser.portal.notice(&json!({}))).await, 200);
    let page = browser.get(&format!("/?chart={AMARA}")).await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(page.text.contains("These messages are not open to you"), "{}", page.text);
    let page = browser.get(&format!("/?chart={WREN}")).await;
    assert!(page.text.contains("<h1>Messages of Wren Okafor</h1>"), "{}", page.text);
    browser.portal.answer(401, json!({}));
    let page = browser.get(&format!("/?chart={WREN}")).await;
    assert!(page.text.contains("<h1>Your access has ended</h1>"), "{}", page.text);
}

#[tokio::test]
async fn a_notice_that_does_not_hold_ends_nothing() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    let portal = &browser.portal;
    let now = Timestamp::now().as_second();
    let mut wrong = vec![String::new(), "nonsense".into(), "a.b.c".into()];
    for changes in [
        json!({"iss": "http://evil.example"}),
        json!({"iss": null}),
        json!({"aud": "harbor.another"}),
        json!({"aud": null}),
        json!({"exp": now - 60}),
        json!({"exp": null}),
        json!({"iat": now + 60}),
        json!({"iat": null}),
        json!({"jti": null}),
        json!({"jti": ""}),
        json!({"nonce": "a nonce"}),
        json!({"events": null}),
        json!({"events": {}}),
        json!({"events": [notice::EVENT]}),
        json!({"events": {notice::EVENT: null}}),
        json!({"sid": null, "sub": null}),
        json!({"sid": 1}),
    ] {
        wrong.push(portal.notice(&changes));
    }
    let right = portal.claims(&json!({"jti": "one", "events": {notice::EVENT: {}}}));
    wrong.push(portal.sign("JWT", &right));
    // Signed by somebody else, under the portal's name for its key, and under another.
    let folder = TestFolder::new();
    let state = StateDir::open(&folder.0).unwrap();
    let other = SigningKey::open(&state, "other.pem").unwrap();
    let signing = EncodingKey::from_ec_pem(other.pem.as_bytes()).unwrap();
    for kid in [Some(portal.key.id.clone()), Some(other.id.clone()), None] {
        let mut header = Header::new(Algorithm::ES256);
        (header.typ, header.kid) = (Some("logout+jwt".into()), kid);
        wrong.push(jsonwebtoken::encode(&header, &right, &signing).unwrap());
    }
    // The right one with another end, and without a signature.
    let token = portal.sign("logout+jwt", &right);
    let (signed, _) = token.rsplit_once('.').unwrap();
    wrong.push(format!("{signed}."));
    wrong.push(format!("{signed}.{}", "A".repeat(86)));
    for token in &wrong {
        assert_eq!(browser.tell(token).await, 400, "{token}");
    }
    assert!(!browser.noticed().await, "none of them holds");
    assert_eq!(browser.tell(&token).await, 200);
    assert!(browser.noticed().await);
}

#[tokio::test]
async fn a_notice_may_be_signed_with_a_key_that_is_new() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    let folder = TestFolder::new();
    let state = StateDir::open(&folder.0).unwrap();
    let new = SigningKey::open(&state, "new.pem").unwrap();
    let mut header = Header::new(Algorithm::ES256);
    (header.typ, header.kid) = (Some("logout+jwt".into()), Some(new.id.clone()));
    let claims = browser.portal.claims(&json!({"jti": "one", "events": {notice::EVENT: {}}}));
    let signing = EncodingKey::from_ec_pem(new.pem.as_bytes()).unwrap();
    let token = jsonwebtoken::encode(&header, &claims, &signing).unwrap();
    assert_eq!(browser.tell(&token).await, 400, "not published");
    browser.portal.now.lock().unwrap().second = Some(new);
    assert_eq!(browser.tell(&token).await, 200);
    assert!(browser.noticed().await);
}

#[tokio::test]
async fn a_session_is_over_when_its_token_is() {
    let browser = Browser::new().await;
    browser.portal.now.lock().unwrap().expires_in = 0;
    let back = browser.depart("/").await;
    assert_eq!(browser.come_back(&back).await.status, 303);
    let page = browser.get("/").await;
    assert!(page.location().contains("/authorize?"), "{}", page.location());
}

#[test]
fn a_sign_in_takes_ten_minutes_at_most_and_a_thousand_are_kept() {
    let (sessions, now) = (Sessions::default(), Instant::now());
    let depart = |state: &str, at: Instant| {
        let departed = Departed {
            browser: "browser".into(),
            nonce: openidconnect::Nonce::new("nonce".into()),
            verifier: openidconnect::PkceCodeVerifier::new("verifier".into()),
            place: Place::default(),
        };
        sessions.depart(state.into(), departed, at);
    };
    let second = Duration::from_secs(1);
    for (state, late) in [("in time", false), ("too late", true)] {
        depart(state, now + if late { Duration::ZERO } else { second });
        assert_eq!(sessions.come_back(state, "browser", now + PATIENCE).is_none(), late);
    }
    depart("oldest", now);
    for number in 0..sessions::MOST {
        depart(&number.to_string(), now + second);
    }
    assert!(sessions.come_back("oldest", "browser", now + second).is_none());
    assert!(sessions.come_back("0", "browser", now + second).is_some());
    assert!(sessions.come_back("999", "browser", now + second).is_some());
}

#[test]
fn a_critical_header_and_another_algorithm_are_not_understood() {
    let keys = JwkSet { keys: Vec::new() };
    let judge = |header: Value| {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        notice::judge(&format!("{header}.e30.AA"), &keys, "i", "c", 0).unwrap_err()
    };
    let header = |changes: Value| {
        let mut header = json!({"alg": "ES256", "typ": "logout+jwt", "kid": "k"});
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        header
    };
    assert_eq!(judge(header(json!({}))), Not::UnknownKey);
    assert_eq!(judge(header(json!({"crit": ["b64"]}))), Not::Valid("alg or crit"));
    assert_eq!(judge(header(json!({"alg": "HS256"}))), Not::Valid("alg or crit"));
    assert_eq!(judge(header(json!({"alg": "none"}))), Not::Valid("not a JWT"));
}

#[tokio::test]
async fn signing_out_ends_it_here_and_leads_to_where_everything_ends() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    let own = [("origin", ORIGIN)];
    let page = browser.send("POST", "/sign-out", &own, "").await;
    assert_eq!(page.status, 303, "{}", page.text);
    let away = Url::parse(page.location()).unwrap();
    assert!(away.as_str().starts_with(&format!("{}/sign-out?", browser.portal.origin)), "{away}");
    let asked: Vec<(String, String)> = away.query_pairs().into_owned().collect();
    let asked = |name: &str| asked.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    assert_eq!(asked("post_logout_redirect_uri"), Some("http://rooms.localhost:8600/signed-out"));
    assert_eq!(asked("client_id"), Some(CLIENT_ID));
    assert!(asked("id_token_hint").is_some_and(|hint| hint.split('.').count() == 3));
    assert_eq!(browser.get("/").await.status, 303);
    // Only who comes back from there has signed out there.
    let state = asked("state").expect("a state").to_owned();
    let come = async |query: &str| browser.get(&format!("{SIGNED_OUT}{query}")).await.text;
    let there = "<h1>You are signed out</h1>";
    let back = format!("?state={state}");
    assert!(
        browser
            .another()
            .get(&format!("{SIGNED_OUT}{back}"))
            .await
            .text
            .contains("not signed in here")
    );
    assert!(come(&back).await.contains(there));
    for query in [&*back, "", "?state=", "?state=another"] {
        assert!(come(query).await.contains("<h1>You are not signed in here</h1>"), "{query}");
    }

    // Also when a notice was quicker, or nobody is in here: the portal may have somebody.
    browser.sign_in("/").await;
    browser.tell(&browser.portal.notice(&json!({}))).await;
    let page = browser.send("POST", "/sign-out", &own, "").await;
    assert!(page.location().contains("id_token_hint="), "{}", page.location());
    let page = browser.send("POST", "/sign-out", &own, "").await;
    assert!(page.location().contains("/sign-out?client_id="), "{}", page.location());
}

#[tokio::test]
async fn signing_out_while_the_portal_does_not_answer_says_so() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    browser.portal.now.lock().unwrap().down = true;
    let own = [("origin", ORIGIN)];
    let page = browser.send("POST", "/sign-out", &own, "").await;
    assert_eq!(page.status, 503);
    assert!(page.text.contains("<h1>You are signed out of this room only</h1>"), "{}", page.text);
    browser.portal.now.lock().unwrap().down = false;
    assert_eq!(browser.get("/").await.status, 303, "here it is over");
    let page = browser.send("POST", "/sign-out", &own, "").await;
    assert!(page.location().contains("/sign-out?"), "{}", page.location());
}

#[tokio::test]
async fn other_sites_sign_nobody_out_and_frame_nothing() {
    let browser = Browser::new().await;
    browser.sign_in("/").await;
    for (method, path, header) in [
        ("POST", "/sign-out", ("origin", "http://evil.example")),
        ("POST", "/sign-out", ("origin", "null")),
        ("GET", "/", ("sec-fetch-site", "cross-site")),
        ("POST", NOTICE, ("origin", ORIGIN)),
        ("POST", NOTICE, ("sec-fetch-mode", "no-cors")),
    ] {
        assert_eq!(
            browser.send(method, path, &[header], "").await.status,
            403,
            "{path} {header:?}"
        );
    }
    assert_eq!(browser.send("GET", "/sign-out", &[], "").await.status, 405);
    assert!(shows_a_chart(&browser.get("/").await));
}
