//! A world to test in: all functions over a fresh table of the embedded engine, a clock and a
//! source of randomness that tests set, a mail service that keeps what it gets, and a wire to the
//! table on which requests can be counted, held up, refused, or lost.

pub mod apps;
pub mod authenticator;
pub mod mail;
pub mod people;
pub mod programs;
pub mod races;
pub mod routes;
pub mod wire;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use axum::Router;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use latchkey_local::{
    database::{Database, Endpoint, Tables},
    functions,
    guard::AccessKey,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::{
    App,
    config::{Config, Edge, OidcConfig, SigningKey},
    fields::{At, Email, Secret},
    id::PracticeId,
    keys::{self, Key},
    practice::Practice,
    store::{Item, item_key, parse},
    web,
};
use tower::ServiceExt;

use crate::{mail::Post, wire::Wire};

/// Origin of the staff site in tests.
pub const STAFF: &str = "http://localhost:8600";
/// Origin of the portal in tests.
pub const PORTAL: &str = "http://portal.localhost:8600";
/// The moment at which every world begins: 2026-11-22T14:00:00Z.
pub const BEGINNING: i64 = 1_795_356_000_000;
/// A password that is strong enough for anybody in the tests.
pub const PASSWORD: &str = "seven quiet kettles hum";

/// A key pair for tests only.
pub const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgR6U7CBW4dA50yb6G
CKDfTy5L7PL89cgFK9Jr1zoEqwihRANCAASUakUT1RawEzpaur5H7lKURe6jR4fM
H2K7h1+gMMvI/aMVuHBoegel/u8aZjmukIEOhBd5F1Fli7w0BbpT3+fT
-----END PRIVATE KEY-----";
/// The public half of [`KEY`].
pub const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"test","x":"lGpFE9UWsBM6Wrq-R-5SlEXuo0eHzB9iu4dfoDDLyP0","y":"oxW4cGh6B6X-7xpmOa6QgQ6EF3kXUWWLvDQFulPf59M"}]}"#;

/// Sleeps not at all, and counts by milliseconds how often it should have.
#[derive(Debug, Clone, Default)]
struct NoSleep(Arc<Mutex<BTreeMap<u128, usize>>>);

impl AsyncSleep for NoSleep {
    fn sleep(&self, time: std::time::Duration) -> Sleep {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pauses.entry(time.as_millis()).or_default() += 1;
        Sleep::new(std::future::ready(()))
    }
}

/// A fresh Latchkey.
#[derive(Clone)]
pub struct World {
    /// What the functions share.
    pub app: App,
    /// The API.
    pub api: Router,
    /// The wire to the table.
    pub wire: Wire,
    /// The mail service.
    pub post: Post,
    /// The table itself.
    pub database: Database,
    clock: Arc<AtomicI64>,
    pauses: NoSleep,
    /// The table's endpoint lives as long as the world.
    endpoint: Arc<Mutex<Option<Endpoint>>>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null when there is none.
    pub body: Value,
}

#[expect(clippy::must_use_candidate, reason = "a demand is of use without what it answers")]
impl Answer {
    /// Demands a status; answers the body.
    ///
    /// # Panics
    /// When the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Demands a problem of a status and code; answers the body.
    ///
    /// # Panics
    /// When it is another, or no problem.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["requestId"], self.headers["x-request-id"].to_str().unwrap_or(""));
        self.body
    }

    /// Demands an answer that is equal to the letter, but for what names the request.
    ///
    /// # Panics
    /// When it differs.
    #[track_caller]
    pub fn assert_alike(&self, other: &Self, what: &str) {
        let plain = |answer: &Self| {
            let (mut headers, mut body) = (answer.headers.clone(), answer.body.clone());
            headers.remove("x-request-id");
            body["requestId"] = Value::Null;
            (answer.status, headers, body)
        };
        assert_eq!(plain(self), plain(other), "{what}");
    }

    /// The cookie that it sets, as `name=value`.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .filter(|v| v.starts_with(&format!("{name}=")))
            .filter_map(|v| v.split(';').next())
            .next_back()
            .map(str::to_owned)
    }
}

/// A request in the making: what a browser on our own pages would send.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method.
    pub method: http::Method,
    /// Path and query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Option<String>,
}

impl Call {
    /// A request from our own pages.
    ///
    /// # Panics
    /// When the method is none.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let method: http::Method = method.parse().expect("a method");
        let mut headers = HeaderMap::new();
        let origin = if path.starts_with("/api/portal/") { PORTAL } else { STAFF };
        if method != http::Method::GET {
            headers.insert("origin", origin.parse().expect("a header"));
            headers.insert("sec-fetch-site", "same-origin".parse().expect("a header"));
        }
        headers.insert(web::CLIENT_ADDRESS, "203.0.113.7:50000".parse().expect("a header"));
        Self { method, path: path.to_owned(), headers, body: None }
    }

    /// With a JSON body.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.headers.insert("content-type", "application/json".parse().expect("a header"));
        self.body = Some(body.to_string());
        self
    }

    /// With a header.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().expect("a header"));
        self
    }

    /// With cookies, as `name=value`.
    #[must_use]
    pub fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    /// From another address.
    #[must_use]
    pub fn from(self, address: &str) -> Self {
        self.header("cloudfront-viewer-address", &format!("{address}:50000"))
    }
}

impl World {
    /// A world with the practices `harbor` and `cove`, and nobody in them.
    ///
    /// # Panics
    /// When the embedded engine cannot be started.
    pub async fn new() -> Self {
        Self::configured(|_| {}).await
    }

    /// As [`Self::new`], with another configuration of the functions.
    ///
    /// # Panics
    /// When the embedded engine cannot be started.
    pub async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let tables = Tables { main: "latchkey".into(), history: "history".into() };
        let database = Database::in_memory(tables).expect("a database");
        let key = AccessKey::new();
        let endpoint = database.serve(&key).expect("an endpoint");
        let clock = Arc::new(AtomicI64::new(BEGINNING));
        let pauses = NoSleep::default();
        let wire = Wire::default();
        let post = Post::default();
        let dynamo = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(key.credentials())
            .endpoint_url(&endpoint.url)
            .http_client(wire.client())
            .sleep_impl(SharedAsyncSleep::new(pauses.clone()))
            .timeout_config(no_timeouts())
            // A request that a test holds is not a stalled one.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let ticks = clock.clone();
        let counter = AtomicU64::new(0);
        let app = App::new(
            config,
            aws_sdk_dynamodb::Client::from_conf(dynamo),
            Arc::new(move || At::from_millis(ticks.load(Ordering::SeqCst))),
            Arc::new(move |buffer| fill(&counter, buffer)),
        )
        .expect("an app");
        let issuer = staff_sign_in::Issuer::new(OidcConfig {
            issuer: format!("{STAFF}/oidc"),
            client_id: "latchkey".into(),
            client_secret: None,
        })
        .expect("an issuer");
        let api = web::finish(functions::routes(issuer), app.clone());
        let endpoint = Arc::new(Mutex::new(Some(endpoint)));
        let world = Self { app, api, wire, post, database, clock, pauses, endpoint };
        for (id, name) in [("harbor", "Harbor Practice"), ("cove", "Cove Clinic")] {
            world.practice(id, name, |_| {}).await;
        }
        world.wire.forget();
        world
    }

    /// Makes a practice, or changes its settings.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn practice(&self, id: &str, name: &str, change: impl FnOnce(&mut Practice)) {
        let inbox = Email::parse(&format!("alerts@{id}.example")).expect("an address");
        let id = PracticeId::parse(id).expect("a practice");
        let mut practice = Practice::new(id, name, PORTAL, inbox);
        change(&mut practice);
        let mut written = self.app.store().change();
        written.set(&keys::practice(&practice.practice), &practice);
        self.app.store().write(written).await.expect("written");
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> At {
        self.app.now()
    }

    /// How often functions have wanted to pause for so many milliseconds. They were not kept waiting.
    #[must_use]
    pub fn pauses(&self, millis: u128) -> usize {
        let pauses = self.pauses.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.get(&millis).copied().unwrap_or_default()
    }

    /// Lets seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.pass_millis(seconds * 1000);
    }

    /// Lets milliseconds pass.
    pub fn pass_millis(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the request is none, or the answer is not JSON.
    pub async fn send(&self, call: Call) -> Answer {
        let mut request = Request::builder().method(call.method).uri(call.path);
        if let Some(headers) = request.headers_mut() {
            *headers = call.headers;
        }
        let body = call.body.map_or_else(axum::body::Body::empty, axum::body::Body::from);
        let request = request.body(body).expect("a request");
        let response = self.api.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).expect("JSON")
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// All items of the main table, by key, for comparing before and after.
    pub async fn items(&self) -> BTreeMap<String, String> {
        self.dump(&self.database.tables().main).await
    }

    /// All items but those of staff sessions, whose idle end moves with every request.
    pub async fn items_but_sessions(&self) -> BTreeMap<String, String> {
        let mut items = self.items().await;
        items.retain(|key, _| !key.contains("#W#"));
        items
    }

    /// All events of the history, by key.
    pub async fn events(&self) -> BTreeMap<String, String> {
        self.dump(&self.database.tables().history).await
    }

    /// The events that tell of a change: neither that unchanged data was shown, nor that something
    /// was refused.
    pub async fn changes(&self) -> BTreeMap<String, String> {
        let mut events = self.events().await;
        events.retain(|_, event| !event.contains("-shown\"") && !event.contains("\"refused\""));
        events
    }

    /// Forgets how many mails each address got, as the table does after a day.
    ///
    /// # Panics
    /// When that cannot be written.
    pub async fn forget_mails(&self) {
        let mut change = self.app.store().change();
        for key in self.items().await.keys().filter(|key| key.ends_with(" BUDGET")) {
            let (pk, sk) = key.split_once(' ').expect("a key");
            change.discard(&Key { pk: pk.into(), sk: sk.into() });
        }
        self.app.store().write(change).await.expect("written");
    }

    async fn dump(&self, table: &str) -> BTreeMap<String, String> {
        let entry = |item| {
            let key = item_key(&item).expect("a key");
            let value: Value = parse(item).expect("an item");
            (format!("{} {}", key.pk, key.sk), value.to_string())
        };
        self.read(table).await.into_iter().map(entry).collect()
    }

    /// Every item of a table, past the wire: the engine is asked, on a thread that may block.
    async fn read(&self, table: &str) -> Vec<Item> {
        let (database, table) = (self.database.clone(), table.to_owned());
        let read = tokio::task::spawn_blocking(move || database.items(&table));
        read.await.expect("a thread").expect("a table")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if Arc::strong_count(&self.endpoint) == 1 {
            let endpoint = self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(endpoint) = endpoint {
                endpoint.stop();
            }
        }
    }
}

fn config() -> Config {
    Config {
        table: "latchkey".into(),
        history_table: "history".into(),
        staff_origin: STAFF.into(),
        portal_origin: PORTAL.into(),
        edge: Edge::None,
        token_issuer: STAFF.into(),
        verifying_keys: JWKS.into(),
        signing: Some(SigningKey { id: "test".into(), pem: Secret::new(KEY.into()) }),
        token_secret: Some(Secret::new("a secret for tests".into())),
        deployment: None,
    }
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "tests")
}

fn no_timeouts() -> aws_smithy_types::timeout::TimeoutConfig {
    aws_smithy_types::timeout::TimeoutConfig::disabled()
}

/// Bytes that look random and are the same in every run.
fn fill(counter: &AtomicU64, buffer: &mut [u8]) {
    for chunk in buffer.chunks_mut(32) {
        let next = counter.fetch_add(1, Ordering::SeqCst);
        let digest = Sha256::digest(next.to_be_bytes());
        chunk.copy_from_slice(&digest[..chunk.len()]);
    }
}
