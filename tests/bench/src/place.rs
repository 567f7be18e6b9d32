//! A practice of a given size over a database file, and the functions over it, with every request
//! to the table metered and held up at will.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use api_tests::{
    JWKS, KEY,
    wire::{Operations, Wire},
};
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, timeout::TimeoutConfig},
    types::AttributeValue,
};
use axum::{Router, body::Body};
use http::{Request, Response, header};
use http_body_util::BodyExt;
use latchkey_local::{
    database::{Database, Endpoint, Tables},
    functions,
    guard::AccessKey,
    issuer::{self, CLIENT_ID, Issuer},
    samples,
    state::StateDir,
};
use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    App,
    caller::Caller,
    client::SearchEntry,
    config::{Config, Edge, OidcConfig, SigningKey},
    context::system_entropy,
    fields::{At, Email, Secret},
    id::PracticeId,
    keys::{self, Found, Key},
    store::Item,
    web,
};
use staff_sign_in::Identity;
use tower::ServiceExt;

use crate::{
    meter::{Meter, Used},
    names,
};

/// An administrator among the samples.
pub const DANA: &str = "dana@harbor.example";
/// Clients loaded at a time.
const CHUNK: usize = 1000;

/// The practice and everything over it.
pub struct Place {
    /// What the functions share.
    pub app: App,
    /// The practice.
    pub practice: PracticeId,
    /// The staff's issuer.
    pub issuer: Issuer,
    /// Where the site is said to be.
    pub origin: String,
    api: Router,
    wire: Wire,
    meter: Meter,
    clock: Arc<AtomicI64>,
    endpoint: Endpoint,
}

/// An answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body; null when there is none.
    pub body: Value,
    /// Where it leads, for a redirect.
    pub location: String,
    /// The cookies that it sets, as `name=value`.
    pub cookies: Vec<String>,
}

/// What an operation asked of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// The requests, in the order in which they were made.
    pub requests: Vec<String>,
    /// How many of them had to wait for one another.
    pub rounds: usize,
    /// What they used.
    pub used: Used,
}

impl Place {
    /// Makes a practice with so many clients, in a folder that is empty.
    pub async fn of(size: usize, folder: &Path) -> Self {
        let state = StateDir::open(folder).expect("a folder");
        let tables = Tables { main: "latchkey".into(), history: "history".into() };
        let database = Database::open(&state.database("latchkey.db").expect("a file"), tables)
            .expect("a database");
        let key = AccessKey::new();
        let endpoint = database.serve(&key).expect("an endpoint");

        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let issuer = Issuer::open(&state, &origin, &format!("{origin}/api/staff/callback"));
        let issuer = issuer.expect("an issuer");
        let (wire, meter) = (Wire::default(), Meter::default());
        let clock = Arc::new(AtomicI64::new(now()));
        let app = app(&origin, (&endpoint.url, &key), &wire, &meter, clock.clone());
        let served = issuer.routes(functions::people(app.clone()));
        tokio::spawn(async move { axum::serve(listener, served).await });
        let oidc = staff_sign_in::Issuer::new(OidcConfig {
            issuer: issuer.url().to_owned(),
            client_id: CLIENT_ID.into(),
            client_secret: None,
        });
        let routes = functions::routes(oidc.expect("an HTTP client"));
        let api = web::finish(routes, app.clone());
        let practice =
            samples::practice(&app, "harbor", "Harbor Practice").await.expect("a practice");
        samples::staff(&app, &practice).await.expect("its staff");
        let practice = practice.practice;
        fill(&app, &database, &practice, size);
        // The issuer's clock went on meanwhile, and a sign-in in the future is refused.
        clock.store(now(), Ordering::SeqCst);
        Self { app, practice, issuer, origin, api, wire, meter, clock, endpoint }
    }

    /// Lets seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The cookie of somebody of the staff whom the issuer vouches for. Its own clock stands elsewhere.
    pub async fn admitted(&self, email: &str) -> String {
        let identity = Identity {
            issuer: self.issuer.url().to_owned(),
            subject: issuer::subject(&Email::parse(email).expect("an address")),
            name: "Robin".into(),
            email: email.to_owned(),
            email_verified: true,
        };
        let caller = Caller { request_id: String::new(), source: String::new() };
        let cookie = staff_sign_in::admit(&self.app, &caller, &identity).await;
        let cookie = cookie.expect("an answer").expect("a session");
        cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned()
    }

    /// A request from our own pages.
    pub fn request(&self, method: &str, path: &str, cookie: &str, body: &Value) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("sec-fetch-site", "same-origin")
            .header(web::CLIENT_ADDRESS, "203.0.113.7:50000")
            .header(header::COOKIE, cookie);
        if method == "POST" {
            // What creates something takes it, the rest ignores it.
            request = request.header("idempotency-key", self.app.ulid().to_string());
        }
        if body.is_null() {
            return request.body(Body::empty()).expect("a request");
        }
        request = request.header(header::CONTENT_TYPE, "application/json");
        request.body(Body::from(body.to_string())).expect("a request")
    }

    /// A form that an app sends.
    pub fn form(path: &str, authorization: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let call = api_tests::apps::form(path, fields).header("authorization", authorization);
        let mut request = Request::builder().method(call.method).uri(call.path);
        *request.headers_mut().expect("headers") = call.headers;
        request.body(call.body.map_or_else(Body::empty, Body::from)).expect("a request")
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        answer(self.api.clone().oneshot(request).await.expect("an answer")).await
    }

    /// Sends a request whose function asks nobody but the table; counts what it asks.
    pub async fn measure(&self, request: Request<Body>) -> (Answer, Cost) {
        self.count(self.send(request)).await
    }

    /// Does what asks nobody but the table; counts what it asks. All requests that wait are let through
    /// at once: each such time is a round trip.
    pub async fn count<T>(&self, work: impl Future<Output = T>) -> (T, Cost) {
        self.wire.forget();
        self.meter.take();
        self.wire.hold_marked();
        let mut operations = Operations::on(&self.wire);
        let answer = Arc::new(std::sync::Mutex::new(None));
        let keep = answer.clone();
        operations.add(async move {
            let answer = work.await;
            *keep.lock().expect("a lock") = Some(answer);
        });
        let mut rounds = 0;
        loop {
            operations.settle().await;
            if operations.answer(0).is_some() {
                break;
            }
            rounds += 1;
            while let Some(held) = self.wire.take(0) {
                held.release();
            }
        }
        drop(operations);
        self.wire.let_go();
        let cost = Cost { requests: self.wire.seen(), rounds, used: self.meter.take() };
        let answer = answer.lock().expect("a lock").take().expect("an answer");
        (answer, cost)
    }

    /// Sends a request whose function asks others too. Every request counts as a round trip.
    pub async fn measure_roughly(&self, request: Request<Body>) -> (Answer, Cost) {
        self.wire.forget();
        self.meter.take();
        let answer = self.send(request).await;
        let requests = self.wire.seen();
        let rounds = requests.len();
        (answer, Cost { requests, rounds, used: self.meter.take() })
    }

    /// Stops it.
    pub fn close(self) {
        self.endpoint.stop();
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

fn app(
    origin: &str,
    (table, key): (&str, &AccessKey),
    wire: &Wire,
    meter: &Meter,
    clock: Arc<AtomicI64>,
) -> App {
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(key.credentials())
        .endpoint_url(table)
        .http_client(wire.client())
        .interceptor(meter.clone())
        // A request that is held is not a stalled one.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .build();
    let config = Config {
        table: "latchkey".into(),
        history_table: "history".into(),
        staff_origin: origin.into(),
        // Passkeys are bound to a name: an address is none.
        portal_origin: origin.replace("127.0.0.1", "portal.localhost"),
        edge: Edge::None,
        token_issuer: origin.into(),
        verifying_keys: JWKS.into(),
        signing: Some(SigningKey { id: "test".into(), pem: Secret::new(KEY.into()) }),
        token_secret: Some(Secret::new("a secret for the bench".into())),
        deployment: None,
    };
    let clock = Arc::new(move || At::from_millis(clock.load(Ordering::SeqCst)));
    let client = aws_sdk_dynamodb::Client::from_conf(dynamodb);
    App::new(config, client, clock, system_entropy()).expect("an app")
}

async fn answer(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = |name: header::HeaderName| {
        let values = parts.headers.get_all(name).iter();
        values.filter_map(|v| v.to_str().ok().map(str::to_owned)).collect::<Vec<_>>()
    };
    let pair = |cookie: String| cookie.split(';').next().unwrap_or_default().to_owned();
    Answer {
        status: parts.status.as_u16(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        location: text(header::LOCATION).pop().unwrap_or_default(),
        cookies: text(header::SET_COOKIE).into_iter().map(pair).collect(),
    }
}

/// Loads clients past the API, as `create-client` would write them.
fn fill(app: &App, database: &Database, practice: &PracticeId, size: usize) {
    for from in (0..size).step_by(CHUNK) {
        let mut items = Vec::new();
        for number in from..size.min(from + CHUNK) {
            let client = create_client::client(app, &names::client(number)).expect("a client");
            let id = client.client_id;
            items.push(item(&client, &keys::client(practice, id), Some(1)));
            let record = keys::record(practice, &client.record_number);
            items.push(item(&json!({"clientId": id}), &record, Some(1)));
            let found = Found { client: id, user: None };
            for entry in client.search_entries() {
                let (partition, token) = (&entry.partition, &entry.token);
                let key = keys::search_entry(practice, partition, token, &entry.order, found);
                items.push(item(&SearchEntry { words: entry.words }, &key, None));
            }
        }
        database.load("latchkey", items).expect("loaded");
    }
}

fn item<T: Serialize>(value: &T, key: &Key, rev: Option<u64>) -> Item {
    let mut item: Item = serde_dynamo::to_item(value).expect("an item");
    item.insert("PK".into(), AttributeValue::S(key.pk.clone()));
    item.insert("SK".into(), AttributeValue::S(key.sk.clone()));
    if let Some(rev) = rev {
        item.insert("rev".into(), AttributeValue::N(rev.to_string()));
    }
    item
}
