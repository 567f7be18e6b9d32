//! Who may call what: every operation of the API, tried by everybody who must not. The operations
//! come out of the API document, so that a new one fails here until it has a row.

use std::collections::{BTreeMap, BTreeSet};

use api_tests::{
    Call, JWKS, KEY, PASSWORD, PORTAL, STAFF, World,
    apps::{REDIRECT, Room, VERIFIER, challenge, form, registration},
    authenticator::{Authenticator, Device},
    people::{Invited, Staff, text},
    programs::{Program, system},
    routes::{Operation, operations},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use ring::hmac;
use serde_json::{Value, json};
use shared::{cookie, history::Role, jwt::Audience};

use crate::tenancy::harbors;

/// Operations open to everybody. The list may only shrink: an operation is not added here without
/// saying in the commit how it keeps out whoever must not use it.
const PUBLIC: [&str; 15] = [
    // How apps ask; and a sign-out, after which nobody is signed in, as before it.
    "authorize.metadata",
    "end-session",
    "enroll",
    "enroll.check",
    "health",
    "health.document",
    "portal-session.keys",
    "reset-password",
    "reset-password.choose",
    "sign-in",
    // By the challenge that the right password opened, or a passkey.
    "sign-in.factor",
    "sign-in.passkey",
    "sign-in.passkey-options",
    "staff-sign-in",
    "staff-sign-in.callback",
];

/// Operations that are for admins alone.
const ADMINS: [&str; 15] = [
    "apps",
    "apps.delete",
    "apps.edit",
    "apps.list",
    "apps.secret",
    "apps.show",
    "practice",
    "practice.edit",
    "practice.end-sessions",
    "staff",
    "staff.edit",
    "staff.end-sessions",
    "staff.list",
    "staff.remove",
    "sync-clients",
];

/// Operations that are for admins and auditors.
const AUDITORS: [&str; 1] = ["practice-history"];

/// Operations for which looking is enough: an auditor may call them, though some are not a `GET`.
const LOOKING: [&str; 13] = [
    "alerts.list",
    "bulk.rows",
    "bulk.show",
    "client",
    "history",
    "list-access",
    "list-access.summary",
    "list-portal-users",
    "list-portal-users.progress",
    "search",
    "staff-sign-in.session",
    "staff-sign-in.sign-out",
    "staff-sign-in.switch",
];

/// The code with which others are refused what is for admins, or for admins and auditors.
fn reserved(operation: &Operation) -> Option<&'static str> {
    let of = |list: &[&str]| list.contains(&operation.id.as_str());
    if of(&ADMINS) {
        return Some("admins_only");
    }
    of(&AUDITORS).then_some("auditors_only")
}

/// Whether programs call it, from their servers or from pages of their own: with no cookie.
fn of_programs(operation: &Operation) -> bool {
    operation.path.starts_with("/api/oauth/") || operation.scheme.as_deref() == Some("systemToken")
}

/// An id of the right shape that nothing has.
const NOBODY: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Another key pair than the one whose public half the functions know.
const WRONG_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCKjN1AVeFuZZgNYX
tCpwK3e6fY0tUYzveIDP7DgQ09ShRANCAATQ+Kx4V1KntpqQAiJhoWwXFZz2upKg
KLe3lf/ZvegvaG26RVTdh/D4XTW9RDB9t3CAO5bhd9mSG/kvy5EIL1jW
-----END PRIVATE KEY-----";

type Items = BTreeMap<String, String>;

/// A practice in which everything can be done once: what each operation's row needs.
struct Scene {
    world: World,
    dana: Staff,
    client: String,
    invited: Invited,
    enrolled: Invited,
    portal_cookie: String,
    reset: String,
    /// The token that confirms another address of the enrolled portal user.
    confirmation: String,
    room: Room,
    system: Program,
    code: String,
    token: String,
    /// Version of the invited portal user.
    version: Value,
    /// Somebody on the staff list.
    uma: Staff,
    /// A change for many that is prepared.
    job: String,
    factor: Factor,
}

/// What is sent about second factors: of the right shape, and true once [`Scene::prepare`] was called.
struct Factor {
    challenge: String,
    code: String,
    credential: Value,
    passkey: String,
}

impl Factor {
    fn none() -> Self {
        Self {
            challenge: "harbor.x".into(),
            code: "000000".into(),
            credential: json!({}),
            passkey: NOBODY.into(),
        }
    }
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let client = dana.client("Amara", "Okafor", "1984-03-12").await;
        let enrolled = dana.enroll_for(&client, "amara@mail.example").await;
        let invited = dana.invite(&client, "pat@mail.example").await;
        let portal_cookie = world.signed_in(&enrolled.email, PASSWORD).await;
        world.forgot(&enrolled.email).await.expect(202);
        world.deliver().await;
        let reset = world.post.newest(&enrolled.email).token();
        let asked = json!({"email": "a.okafor@new.example", "proof": {"password": PASSWORD}});
        let asked = Call::new("POST", "/api/portal/account/email").json(&asked);
        world.send(asked.cookie(&portal_cookie)).await.expect(202);
        world.deliver().await;
        let confirmation = world.post.newest("a.okafor@new.example").token();
        let version = dana.user(&invited).await["version"].clone();
        let uma = world.staff("harbor", "Uma", Role::Staff).await;
        let room = dana.register(&json!({})).await;
        let system = dana.program(&system(&["alerts"])).await;
        let token = world.token(&portal_cookie, &room).await;
        let code = world.code(&portal_cookie, &room).await;
        let job = json!({"action": "resend", "view": "invited"});
        let job = text(&dana.post("/api/bulk", &job).await.expect(201)["bulkId"]);
        Self {
            world,
            dana,
            client,
            invited,
            enrolled,
            portal_cookie,
            reset,
            confirmation,
            room,
            system,
            code,
            token,
            version,
            uma,
            job,
            factor: Factor::none(),
        }
    }

    /// Has the enrolled portal user have what an operation about second factors needs.
    async fn prepare(&mut self, operation: &Operation) {
        let id = operation.id.as_str();
        if !(id.starts_with("factor") || id.starts_with("sign-in.")) {
            return;
        }
        let offered = json!({"version": 1, "secondFactor": "offered"});
        self.dana.patch("/api/practice", &offered).await.expect(200);
        let account = async |method: &str, path: &str, body: &Value| {
            let call = Call::new(method, &format!("/api/portal/account/{path}")).json(body);
            self.world.send(call.cookie(&self.portal_cookie)).await
        };
        let proof = json!({"proof": {"password": PASSWORD}});
        let app = async || {
            let given = account("POST", "totp", &proof).await.expect(200);
            Authenticator::new(&text(&given["secret"])).code(self.world.now())
        };
        let confirmed = async || {
            let code = app().await;
            account("PUT", "totp", &json!({"code": code})).await.expect(204);
        };
        let mut device = Device::at(PORTAL, 1);
        let mut factor = Factor::none();
        let mut made = async || {
            let asked = account("POST", "passkeys/options", &proof).await.expect(200);
            device.create(&asked["options"])
        };
        match id {
            "factors.confirm-totp" => factor.code = app().await,
            "factors.remove-totp" | "factors.recovery-code" | "factor-reset" => confirmed().await,
            "factors.add-passkey" => factor.credential = made().await,
            "factors.rename-passkey" | "factors.remove-passkey" | "sign-in.passkey" => {
                let body = json!({"name": "Phone", "credential": made().await});
                let added = account("POST", "passkeys", &body).await.expect(201);
                factor.passkey = text(&added["passkeyId"]);
                let ask = json!({"practice": "harbor"});
                let ask = Call::new("POST", "/api/portal/sign-in/passkey/options").json(&ask);
                let question = self.world.send(ask).await.expect(200);
                factor.challenge = text(&question["challenge"]);
                factor.credential = device.get(&question["options"]);
            }
            "sign-in.factor" => {
                confirmed().await;
                let made = account("POST", "recovery-code", &proof).await.expect(201);
                factor.code = text(&made["code"]);
                let asked = self.world.sign_in(&self.enrolled.email, PASSWORD).await;
                let asked = asked.problem(401, "second_factor_required");
                factor.challenge = text(&asked["challenge"]);
            }
            _ => {}
        }
        self.factor = factor;
    }

    /// The bodies of what is done with second factors.
    fn of_factor(&self, operation: &str) -> Option<Value> {
        let Factor { challenge, code, credential, .. } = &self.factor;
        let proof = json!({"proof": {"password": PASSWORD}});
        match operation {
            "factors.add-passkey" => Some(json!({"name": "Phone", "credential": credential})),
            "factors.rename-passkey" => Some(json!({"name": "Old phone"})),
            "factors.confirm-totp" => Some(json!({"code": code})),
            "factor-reset" => None,
            id if id.starts_with("factors") => Some(proof),
            "sign-in.factor" => {
                Some(json!({"challenge": challenge, "method": "recovery-code", "code": code}))
            }
            "sign-in.passkey" => Some(json!({"challenge": challenge, "credential": credential})),
            "sign-in.passkey-options" => Some(json!({"practice": "harbor"})),
            other => panic!("{other} has no row in this test"),
        }
    }

    /// The row of an operation: a request that works for whoever may make it.
    fn row(&self, operation: &Operation) -> Call {
        if let Some(call) = self.row_of_program(operation) {
            return call;
        }
        let user = match operation.id.as_str() {
            "factor-reset" | "unlock" => &self.enrolled.user,
            _ => &self.invited.user,
        };
        let body = match operation.id.as_str() {
            "search" => Some(json!({"query": "amara"})),
            "create-client" => Some(json!({
                "name": {"first": "New", "last": "Client"}, "dateOfBirth": "1990-01-01",
            })),
            "client.edit" => Some(json!({"version": 1, "professional": "Dr. New"})),
            "sync-clients" => Some(json!({"rows": [{
                "recordNumber": "S-1", "name": {"first": "New", "last": "Client"},
                "dateOfBirth": "1990-01-01",
            }]})),
            "assign-alert" | "change-owner" => Some(json!({"portalUserId": user})),
            "add-portal-user" => Some(json!({
                "name": {"first": "New", "last": "Person"}, "email": "new@mail.example",
                "relationship": "other", "permissions": ["basic"],
            })),
            "update-portal-user" => {
                Some(json!({"version": self.version, "relationship": "guardian"}))
            }
            "revoke" => Some(json!({"reason": {"code": "left-care"}})),
            "close-client" => Some(json!({"reason": "left"})),
            "sign-in" => Some(json!({
                "practice": "harbor", "username": self.enrolled.email, "password": PASSWORD,
            })),
            id if OF_PRACTICE.iter().any(|of| id.starts_with(of)) => of_practice(id),
            "apps" => Some(registration(&json!({"name": "Documents"}))),
            "apps.edit" => Some(json!({"version": 1, "name": "Letters"})),
            "staff" => Some(json!({
                "name": "New Person", "email": "new@harbor.example", "role": "auditor",
            })),
            "staff.edit" => Some(json!({"version": 1, "name": "Uma Renamed"})),
            "authorize" => Some(json!({
                "client_id": self.room.id, "redirect_uri": REDIRECT, "response_type": "code",
                "scope": "openid", "code_challenge": challenge(VERIFIER),
                "code_challenge_method": "S256",
            })),
            "end-session" => Some(json!({"client_id": self.room.id})),
            id if id.starts_with("account") => self.of_account(id),
            id if id.starts_with("factor") || id.starts_with("sign-in.") => self.of_factor(id),
            id if id.starts_with("enroll") || id.starts_with("reset-password") => {
                Some(self.of_link(id))
            }
            "alerts.list"
            | "apps.delete"
            | "apps.list"
            | "apps.secret"
            | "apps.show"
            | "authorize.metadata"
            | "check"
            | "activate"
            | "client"
            | "close-client.reopen"
            | "delete"
            | "health"
            | "health.document"
            | "history"
            | "list-portal-users"
            | "list-portal-users.progress"
            | "portal-session"
            | "portal-session.apps"
            | "portal-session.keys"
            | "portal-session.sign-out"
            | "resend-invitation"
            | "sheet"
            | "staff-sign-in"
            | "staff-sign-in.callback"
            | "staff-sign-in.session"
            | "staff-sign-in.sign-out"
            | "staff.end-sessions"
            | "staff.list"
            | "staff.remove"
            | "unlock"
            | "who-can-enter" => None,
            other => panic!("{other} ({}) has no row in this test", operation.name()),
        };
        let mut path = operation
            .path
            .replace("{appId}", &self.room.id)
            .replace("{bulkId}", &self.job)
            .replace("{clientId}", &self.client)
            .replace("{passkeyId}", &self.factor.passkey)
            .replace("{portalUserId}", user)
            .replace("{sessionId}", "others")
            .replace("{staffId}", &self.uma.id);
        match operation.id.as_str() {
            "delete" | "apps.delete" => path += "?confirm=delete",
            "check" => path = format!("{path}?app={}", self.room.id),
            _ => {}
        }
        let call = Call::new(&operation.method, &path);
        match body {
            Some(body) => call.json(&body),
            None => call,
        }
    }

    /// The bodies of what is done by a link, or asks for one.
    fn of_link(&self, operation: &str) -> Value {
        match operation {
            "enroll.check" => json!({"token": self.invited.token}),
            "enroll" => json!({
                "token": self.invited.token, "lastName": "Okafor",
                "dateOfBirth": "1984-03-12", "password": PASSWORD,
            }),
            "reset-password" => json!({"practice": "harbor", "username": self.enrolled.email}),
            "reset-password.choose" => {
                json!({"token": self.reset, "password": "another nine grey pebbles"})
            }
            other => panic!("{other} has no row in this test"),
        }
    }

    /// The bodies of what the person does with their own account.
    fn of_account(&self, operation: &str) -> Option<Value> {
        let proof = json!({"password": PASSWORD});
        match operation {
            "account" | "account.end-session" => None,
            "account.edit" => Some(json!({"language": "es"})),
            "account.password" => {
                Some(json!({"password": "another nine grey pebbles", "proof": proof}))
            }
            "account.email" => Some(json!({"email": "amara@new.example", "proof": proof})),
            "account.confirm-email" => Some(json!({"token": self.confirmation})),
            other => panic!("{other} has no row in this test"),
        }
    }

    /// The row of an operation that no session of a browser asks.
    fn row_of_program(&self, operation: &Operation) -> Option<Call> {
        let call = Call::new(&operation.method, &operation.path);
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        let (call, (header, token)) = match operation.id.as_str() {
            "token" => {
                let fields = [
                    ("grant_type", "authorization_code"),
                    ("code", &*self.code),
                    ("code_verifier", VERIFIER),
                ];
                return Some(self.of_app(operation, &fields));
            }
            "token.introspect" | "token.revoke" => {
                return Some(self.of_app(operation, &[("token", &self.token)]));
            }
            "alerts" => {
                let body = json!({"clientId": self.client, "kind": "message"});
                (call.json(&body), bearer(&self.system.token))
            }
            "userinfo" | "userinfo.posted" => (call, bearer(&self.token)),
            _ => return None,
        };
        Some(call.header(header, &token))
    }

    fn of_app(&self, operation: &Operation, fields: &[(&str, &str)]) -> Call {
        form(&operation.path, fields).header("authorization", &self.room.basic())
    }

    fn cookie_for(&self, operation: &Operation) -> Option<String> {
        match audience(operation)? {
            Audience::Staff => Some(self.dana.cookie.clone()),
            Audience::Portal => Some(self.portal_cookie.clone()),
        }
    }

    async fn state(&self) -> (Items, Items) {
        (self.world.items().await, self.world.events().await)
    }
}

/// What is done with the practice itself, or with many of its people.
const OF_PRACTICE: [&str; 4] = ["bulk", "list-access", "practice", "staff-sign-in.switch"];

/// The bodies of [`OF_PRACTICE`].
fn of_practice(operation: &str) -> Option<Value> {
    match operation {
        "bulk" => Some(json!({"action": "revoke", "view": "active"})),
        "bulk.start" => Some(json!({})),
        "list-access" => Some(json!({"view": "all"})),
        "staff-sign-in.switch" => Some(json!({"practice": "harbor"})),
        "bulk.rows" | "bulk.show" | "bulk.stop" | "list-access.summary" | "practice" => None,
        "practice.edit" => Some(json!({"version": 1, "invitationDays": 3})),
        "practice.end-sessions" => Some(json!({"confirm": "end"})),
        "practice-history" => Some(json!({"from": "2026-11-01", "to": "2026-11-30"})),
        other => panic!("{other} has no row in this test"),
    }
}

fn audience(operation: &Operation) -> Option<Audience> {
    match operation.scheme.as_deref()? {
        "staffSession" => Some(Audience::Staff),
        "portalSession" => Some(Audience::Portal),
        // No session: `oauth` and `alerts` try what apps and systems show.
        "app" | "accessToken" | "systemToken" => None,
        other => panic!("{}: which session is {other}?", operation.name()),
    }
}

fn secured() -> impl Iterator<Item = (Operation, Audience)> {
    operations().into_iter().filter_map(|o| audience(&o).map(|a| (o.clone(), a)))
}

/// Items but those of staff sessions, whose idle end moves with every request.
fn strip(items: &Items) -> Items {
    items.iter().filter(|(k, _)| !k.contains("#W#")).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The events that `after` has and `before` has not: each tells staff that a request from elsewhere was
/// refused.
#[track_caller]
fn assert_only_refused(before: &(Items, Items), after: &(Items, Items), what: &str) -> usize {
    assert!(strip(&before.0) == strip(&after.0), "{what}: the main table changed");
    let new: Vec<&String> =
        after.1.iter().filter(|(key, _)| !before.1.contains_key(*key)).map(|(_, e)| e).collect();
    assert_eq!(after.1.len(), before.1.len() + new.len(), "{what}: the history lost something");
    for event in &new {
        let told = event.contains("\"refused\"") && event.contains("\"cross_site\"");
        assert!(told, "{what}: {event}");
    }
    new.len()
}

#[track_caller]
fn assert_unchanged(before: &(Items, Items), after: &(Items, Items), what: &str) {
    assert!(before.0 == after.0, "{what}: the main table changed");
    assert!(before.1 == after.1, "{what}: the history changed");
}

// ---- Who may ----

#[test]
fn only_the_listed_operations_are_open_to_everybody() {
    let open: BTreeSet<String> =
        operations().into_iter().filter(|o| o.scheme.is_none()).map(|o| o.id).collect();
    let listed: BTreeSet<String> = PUBLIC.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(open, listed, "an operation is open and not listed, or listed and not open");
    for (operation, audience) in secured() {
        let portal = operation.path.starts_with("/api/portal/");
        assert_eq!(portal, audience == Audience::Portal, "{}", operation.name());
    }
}

#[tokio::test]
async fn whoever_may_can() {
    for operation in operations() {
        // The issuer is another program: `staff_sign_in` has tests of its own.
        if operation.id == "staff-sign-in" {
            continue;
        }
        let mut scene = Scene::new().await;
        scene.prepare(&operation).await;
        let mut call = scene.row(&operation);
        if let Some(cookie) = scene.cookie_for(&operation) {
            call = call.cookie(&cookie);
        }
        let answer = scene.world.send(call).await;
        let fine = answer.status.is_success() || answer.status.as_u16() == 303;
        assert!(fine, "{}: {} {}", operation.name(), answer.status, answer.body);
        let status = answer.status.as_u16().to_string();
        assert!(
            operation.value["responses"].get(&status).is_some(),
            "{} answers {status}, which the document does not say",
            operation.name()
        );
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_session() {
    let scene = Scene::new().await;
    let before = scene.state().await;
    for (operation, audience) in secured() {
        let row = scene.row(&operation);
        let name = cookie::name(audience);
        for cookie in ["", "theme=dark", &format!("{name}="), &format!("{name}=x.y.z")] {
            let answer = scene.world.send(row.clone().cookie(cookie)).await;
            answer.problem(401, "signed_out");
        }
        scene.world.send(row).await.problem(401, "signed_out");
        assert_unchanged(&before, &scene.state().await, &operation.name());
    }
}

// ---- Forged tokens ----

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with just these header and claims, signed with the key of a pair.
fn forge(header: &Value, claims: &Value, pem: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = EncodingKey::from_ec_pem(pem.as_bytes()).expect("a key");
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::ES256).expect("signed");
    format!("{message}.{signature}")
}

/// A token "signed" with an HMAC under something public.
fn forge_hmac(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

/// The header and the claims of the token in a cookie.
fn read(cookie: &str) -> (Value, Value) {
    let token = cookie.split_once('=').expect("a cookie").1;
    let part = |i: usize| -> Value {
        let part = token.split('.').nth(i).expect("a part");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    (part(0), part(1))
}

fn with(value: &Value, member: &str, to: Value) -> Value {
    let mut changed = value.clone();
    changed[member] = to;
    changed
}

fn without(value: &Value, member: &str) -> Value {
    let mut changed = value.clone();
    changed.as_object_mut().expect("an object").remove(member).expect("a member");
    changed
}

/// Tokens that are each wrong in one way, made from a good one.
fn forgeries(cookie: &str, other_audience: &str, now: i64) -> Vec<(String, String)> {
    let (header, claims) = read(cookie);
    let good = forge(&header, &claims, KEY);
    let parts: Vec<&str> = good.split('.').collect();
    let jwks: Value = serde_json::from_str(JWKS).expect("JSON");
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, token: String| all.push((what.to_owned(), token));

    add("expired", forge(&header, &with(&claims, "exp", json!(now)), KEY));
    add("from tomorrow", forge(&header, &with(&claims, "iat", json!(now + 86_400)), KEY));
    for alg in ["none", "None", "NONE", ""] {
        let header = with(&header, "alg", json!(alg));
        let message = format!("{}.{}", encode(&header), encode(&claims));
        add(&format!("alg {alg:?}, no signature"), format!("{message}."));
        add(&format!("alg {alg:?}, any signature"), format!("{message}.{}", parts[2]));
    }
    add("alg ES384", forge(&with(&header, "alg", json!("ES384")), &claims, KEY));
    add("no alg", forge(&without(&header, "alg"), &claims, KEY));
    add("another key", forge(&header, &claims, WRONG_KEY));
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "0PiseFdSp7aakAIiYaFsFxWc9rqSoCi3t5X_2b3oL2g", "y": "bbpFVN2H8PhdNb1EMH23cIA7luF32ZIb-S_LkQgvWNY"});
    add("its own key", forge(&with(&header, "jwk", jwk), &claims, WRONG_KEY));
    add(
        "another issuer",
        forge(&header, &with(&claims, "iss", json!("https://evil.example")), KEY),
    );
    add("issuer like ours", forge(&header, &with(&claims, "iss", json!(format!("{STAFF}/"))), KEY));
    add("the other audience", forge(&header, &with(&claims, "aud", json!(other_audience)), KEY));
    add("no audience of ours", forge(&header, &with(&claims, "aud", json!(["x"])), KEY));
    for claim in ["iss", "aud", "sub", "exp", "iat", "sid", "practice", "idle"] {
        add(&format!("without {claim}"), forge(&header, &without(&claims, claim), KEY));
        add(&format!("{claim} null"), forge(&header, &with(&claims, claim, Value::Null), KEY));
    }
    add("crit", forge(&with(&header, "crit", json!(["exp"])), &claims, KEY));
    add("empty crit", forge(&with(&header, "crit", json!([])), &claims, KEY));
    add("unknown kid", forge(&with(&header, "kid", json!("other")), &claims, KEY));
    add("kid of a path", forge(&with(&header, "kid", json!("../test")), &claims, KEY));
    add("no kid", forge(&without(&header, "kid"), &claims, KEY));
    add("no typ", forge(&without(&header, "typ"), &claims, KEY));
    add("another typ", forge(&with(&header, "typ", json!("at+jwt")), &claims, KEY));
    let hs256 = with(&header, "alg", json!("HS256"));
    let key = jwks["keys"][0].clone();
    let point =
        [&key["x"], &key["y"]].map(|c| URL_SAFE_NO_PAD.decode(text(c)).expect("base64")).concat();
    for (what, secret) in [
        ("set", JWKS.as_bytes().to_vec()),
        ("key", key.to_string().into_bytes()),
        ("point", point.clone()),
        ("uncompressed point", [vec![4], point].concat()),
        ("nothing", Vec::new()),
    ] {
        add(&format!("HS256 under the public {what}"), forge_hmac(&hs256, &claims, &secret));
    }
    let other = with(&claims, "sub", json!("somebody-else"));
    add(
        "other claims under the signature",
        format!("{}.{}.{}", parts[0], encode(&other), parts[2]),
    );
    add("no signature", format!("{}.{}.", parts[0], parts[1]));
    add("two parts", format!("{}.{}", parts[0], parts[1]));
    add("four parts", format!("{good}.{}", parts[2]));
    add("padded", format!("{good}="));
    add("a header that is no JSON", format!("bm8.{}.{}", parts[1], parts[2]));
    all
}

#[tokio::test]
async fn a_forged_token_opens_nothing() {
    let scene = Scene::new().await;
    // Forging itself works: with our own key and claims the token is as good as the real one.
    for (path, cookie, audience) in [
        ("/api/staff/session", &scene.dana.cookie, Audience::Staff),
        ("/api/portal/session", &scene.portal_cookie, Audience::Portal),
    ] {
        let (header, claims) = read(cookie);
        let cookie = format!("{}={}", cookie::name(audience), forge(&header, &claims, KEY));
        scene.world.send(Call::new("GET", path).cookie(&cookie)).await.expect(200);
    }
    let now = scene.world.now().seconds();
    let staff = forgeries(&scene.dana.cookie, Audience::Portal.claim(), now);
    let portal = forgeries(&scene.portal_cookie, Audience::Staff.claim(), now);
    for (operation, audience) in secured() {
        let row = scene.row(&operation);
        let before = scene.state().await;
        for (what, token) in if audience == Audience::Staff { &staff } else { &portal } {
            let cookie = format!("{}={token}", cookie::name(audience));
            let answer = scene.world.send(row.clone().cookie(&cookie)).await;
            assert_eq!(answer.status.as_u16(), 401, "{} {what}: {}", operation.name(), answer.body);
            assert_eq!(answer.body["code"], "signed_out", "{} {what}", operation.name());
        }
        assert_unchanged(&before, &scene.state().await, &operation.name());
    }
}

#[tokio::test]
async fn a_clients_session_is_nothing_to_staff_and_a_staffs_nothing_to_clients() {
    let scene = Scene::new().await;
    let token = |cookie: &str| cookie.split_once('=').expect("a cookie").1.to_owned();
    for (operation, audience) in secured() {
        let row = scene.row(&operation);
        let before = scene.state().await;
        let other = match audience {
            Audience::Staff => scene.portal_cookie.clone(),
            Audience::Portal => scene.dana.cookie.clone(),
        };
        let renamed = format!("{}={}", cookie::name(audience), token(&other));
        let both = format!("{other}; {renamed}");
        for cookie in [other, renamed, both] {
            scene.world.send(row.clone().cookie(&cookie)).await.problem(401, "signed_out");
        }
        assert_unchanged(&before, &scene.state().await, &operation.name());
    }
}

// ---- Roles ----

#[tokio::test]
async fn an_auditor_looks_and_changes_nothing_and_every_try_is_recorded() {
    for (operation, audience) in secured() {
        if audience == Audience::Portal {
            continue;
        }
        let scene = Scene::new().await;
        let ada = scene.world.staff("harbor", "Ada", Role::Auditor).await;
        let row = scene.row(&operation);
        let before = scene.state().await;
        let answer = ada.send(row).await;
        if LOOKING.contains(&operation.id.as_str()) {
            assert!(answer.status.is_success(), "{}: {}", operation.name(), answer.body);
            continue;
        }
        if AUDITORS.contains(&operation.id.as_str()) {
            answer.expect(200);
            continue;
        }
        let admins = ADMINS.contains(&operation.id.as_str());
        let problem = answer.problem(403, reserved(&operation).unwrap_or("read_only"));
        let after = scene.state().await;
        assert_eq!(strip(&before.0), strip(&after.0), "{}", operation.name());
        let new: Vec<Value> = after
            .1
            .iter()
            .filter(|(key, _)| !before.1.contains_key(*key))
            .map(|(_, event)| serde_json::from_str(event).expect("JSON"))
            .collect();
        assert_eq!(new.len(), 1, "{}: one event", operation.name());
        assert_eq!(new[0]["action"], "refused", "{}", operation.name());
        assert_eq!(new[0]["actor"]["name"], "Ada");
        assert_eq!(new[0]["actor"]["role"], "auditor");
        assert_eq!(new[0]["source"], "203.0.113.7");
        assert_eq!(new[0]["requestId"], problem["requestId"]);
        let client = new[0].get("clientId").and_then(Value::as_str);
        let of_client = operation.path.contains("{clientId}");
        let expected = (of_client && !admins).then_some(scene.client.as_str());
        assert_eq!(client, expected, "{}", operation.name());
    }
}

#[tokio::test]
async fn the_role_staff_does_the_daily_work() {
    for (operation, audience) in secured() {
        if audience == Audience::Portal {
            continue;
        }
        let mut scene = Scene::new().await;
        scene.prepare(&operation).await;
        let felix = scene.world.staff("harbor", "Felix", Role::Staff).await;
        let answer = felix.send(scene.row(&operation)).await;
        if let Some(code) = reserved(&operation) {
            answer.problem(403, code);
            continue;
        }
        assert!(answer.status.is_success(), "{}: {}", operation.name(), answer.body);
    }
}

/// Operations whose answers hold no client's data, or nothing personal.
const UNSEEN: [&str; 6] = [
    "bulk.show",
    // Started, it tells how far it is, as does one that was not running and is stopped.
    "bulk.start",
    "bulk.stop",
    "list-access.summary",
    "list-portal-users.progress",
    "staff-sign-in.session",
];

/// Rule 6: every answer that shows client data says so in the history, a repetition and a change that
/// changes nothing included.
#[tokio::test]
async fn every_answer_to_staff_leaves_an_event() {
    for (operation, audience) in secured() {
        if audience == Audience::Portal || UNSEEN.contains(&operation.id.as_str()) {
            continue;
        }
        let scene = Scene::new().await;
        for time in ["once", "again"] {
            let before = scene.world.events().await.len();
            let answer = scene.dana.send(scene.row(&operation)).await;
            // A second deletion, an edit of an old version: refused, which is an event, too.
            let refused = [404, 409].contains(&answer.status.as_u16());
            let ended = answer.status.as_u16() == 401;
            assert!(answer.status.is_success() || refused || ended, "{}", answer.body);
            let after = scene.world.events().await.len();
            assert!(after > before || ended, "{} {time}: {}", operation.name(), answer.body);
        }
    }
}

/// Rule 19: whoever was demoted has less at the next request, whatever the token says.
#[tokio::test]
async fn the_role_is_the_one_of_now() {
    let scene = Scene::new().await;
    let path = format!("/api/staff/{}", scene.uma.id);
    for (version, role, code) in [(1, "auditor", Some("read_only")), (2, "staff", None)] {
        let edit = json!({"version": version, "role": role});
        scene.dana.patch(&path, &edit).await.expect(200);
        let answer = scene.uma.revoke(&scene.enrolled).await;
        match code {
            Some(code) => drop(answer.problem(403, code)),
            None => drop(answer.expect(200)),
        }
    }
}

#[tokio::test]
async fn a_role_that_is_none_of_the_staffs_changes_nothing() {
    let scene = Scene::new().await;
    for role in [Role::PortalUser, Role::Nobody, Role::System] {
        let odd = scene.world.staff("harbor", "Odd", role).await;
        for (operation, audience) in secured() {
            if audience == Audience::Portal || LOOKING.contains(&operation.id.as_str()) {
                continue;
            }
            let row = scene.row(&operation);
            let before = strip(&scene.world.items().await);
            let code = reserved(&operation).unwrap_or("read_only");
            odd.send(row).await.problem(403, code);
            assert_eq!(strip(&scene.world.items().await), before, "{}", operation.name());
        }
    }
    // Nor does a token that names no role at all.
    let (header, claims) = read(&scene.dana.cookie);
    let token = forge(&header, &without(&claims, "role"), KEY);
    let cookie = format!("{}={token}", cookie::name(Audience::Staff));
    let body = json!({"name": {"first": "New", "last": "Client"}, "dateOfBirth": "1990-01-01"});
    let call = Call::new("POST", "/api/clients").json(&body).cookie(&cookie);
    scene.world.send(call).await.problem(403, "read_only");
}

// ---- Practices ----

#[tokio::test]
async fn another_practices_ids_answer_like_ids_that_do_not_exist() {
    let scene = Scene::new().await;
    let casey = scene.world.staff("cove", "Casey", Role::Admin).await;
    // To have a client of her own: so that it is not for want of clients that she finds none.
    casey.client("Iris", "Cove", "1970-07-07").await;
    for (operation, audience) in secured() {
        if audience == Audience::Portal || !operation.by_id() {
            continue;
        }
        let row = scene.row(&operation);
        let mut nobodys = row.clone();
        nobodys.path = nobodys
            .path
            .replace(&scene.client, NOBODY)
            .replace(&scene.invited.user, NOBODY)
            .replace(&scene.uma.id, NOBODY)
            .replace(&scene.job, NOBODY)
            .replace(&scene.room.id, &format!("harbor.{NOBODY}"));
        let before = strip(&scene.world.items().await);
        let events = harbors(&scene.world.events().await);
        let (there, not_there) = (casey.send(row).await, casey.send(nobodys).await);
        there.assert_alike(&not_there, &operation.name());
        there.problem(404, "not_found");
        assert_eq!(strip(&scene.world.items().await), before, "{}", operation.name());
        let told = harbors(&scene.world.events().await);
        assert_eq!(told, events, "{}: nor does harbor's history tell of it", operation.name());
    }
}

// ---- Sessions that have ended ----

/// Demands 401 of every operation of an audience, and that none of the requests changes anything.
async fn assert_shut(scene: &Scene, audience: Audience, cookie: &str, what: &str) {
    let before = scene.state().await;
    for (operation, _) in secured().filter(|(_, of)| *of == audience) {
        let answer = scene.world.send(scene.row(&operation).cookie(cookie)).await;
        assert_eq!(answer.status.as_u16(), 401, "{what}: {} {}", operation.name(), answer.body);
        assert_eq!(answer.body["code"], "signed_out", "{what}: {}", operation.name());
        assert_unchanged(&before, &scene.state().await, &operation.name());
    }
}

#[tokio::test]
async fn a_staff_session_ends_by_signing_out_by_rest_and_by_the_clock() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let out = world.dana().await;
    out.send(Call::new("DELETE", "/api/staff/session")).await.expect(204);
    assert_shut(&scene, Audience::Staff, &out.cookie, "signed out").await;

    let idle = world.dana().await;
    world.pass(30 * 60 - 1);
    idle.get("/api/staff/session").await.expect(200);
    world.pass(30 * 60 - 1);
    idle.get("/api/staff/session").await.expect(200);
    world.pass(30 * 60);
    assert_shut(&scene, Audience::Staff, &idle.cookie, "idle").await;

    let busy = world.dana().await;
    for _ in 0..(12 * 60 / 20 - 1) {
        world.pass(20 * 60);
        busy.get("/api/staff/session").await.expect(200);
    }
    world.pass(20 * 60 - 1);
    busy.get("/api/staff/session").await.expect(200);
    world.pass(1);
    assert_shut(&scene, Audience::Staff, &busy.cookie, "twelve hours").await;
}

#[tokio::test]
async fn a_staff_session_that_is_gone_from_the_table_is_shut_though_its_token_lives() {
    let scene = Scene::new().await;
    let (header, claims) = read(&scene.dana.cookie);
    let claims = with(&claims, "sid", json!(NOBODY));
    let cookie = format!("{}={}", cookie::name(Audience::Staff), forge(&header, &claims, KEY));
    assert_shut(&scene, Audience::Staff, &cookie, "gone").await;
    // Nor does a session open another practice.
    let (_, claims) = read(&scene.dana.cookie);
    let claims = with(&claims, "practice", json!("cove"));
    let cookie = format!("{}={}", cookie::name(Audience::Staff), forge(&header, &claims, KEY));
    assert_shut(&scene, Audience::Staff, &cookie, "moved").await;
}

#[tokio::test]
async fn an_ended_auditors_try_is_no_longer_recorded() {
    let scene = Scene::new().await;
    let ada = scene.world.staff("harbor", "Ada", Role::Auditor).await;
    ada.send(Call::new("DELETE", "/api/staff/session")).await.expect(204);
    assert_shut(&scene, Audience::Staff, &ada.cookie, "an auditor's").await;
}

#[tokio::test]
async fn a_portal_session_ends_by_signing_out_by_rest_and_by_the_clock() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let fresh = async || world.signed_in(&scene.enrolled.email, PASSWORD).await;
    let out = fresh().await;
    let answer = world.send(Call::new("DELETE", "/api/portal/session").cookie(&out)).await;
    assert_eq!(
        answer.cookie(cookie::name(Audience::Portal)),
        Some("__Host-latchkey-portal=".into())
    );
    answer.expect(204);
    assert_shut(&scene, Audience::Portal, &out, "signed out").await;

    let idle = fresh().await;
    world.pass(10 * 60 - 1);
    world.session(&idle).await.expect(200);
    world.pass(10 * 60 - 1);
    world.session(&idle).await.expect(200);
    world.pass(10 * 60);
    assert_shut(&scene, Audience::Portal, &idle, "idle").await;

    let busy = fresh().await;
    for _ in 0..11 {
        world.pass(5 * 60);
        world.session(&busy).await.expect(200);
    }
    world.pass(5 * 60 - 1);
    world.session(&busy).await.expect(200);
    world.pass(1);
    assert_shut(&scene, Audience::Portal, &busy, "an hour").await;
}

#[tokio::test]
async fn a_portal_session_ends_with_its_access() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (dana, who) = (&scene.dana, &scene.enrolled);
    let revoked = world.signed_in(&who.email, PASSWORD).await;
    world.session(&revoked).await.expect(200);
    dana.revoke(who).await.expect(200);
    assert_shut(&scene, Audience::Portal, &revoked, "revoked").await;
    dana.activate(who).await.expect(200);
    assert_shut(&scene, Audience::Portal, &revoked, "reactivated").await;

    let deleted = world.signed_in(&who.email, PASSWORD).await;
    world.session(&deleted).await.expect(200);
    dana.delete(who, "confirm=delete").await.expect(200);
    assert_shut(&scene, Audience::Portal, &deleted, "deleted").await;
}

#[tokio::test]
async fn a_new_password_ends_every_portal_session() {
    let scene = Scene::new().await;
    scene.world.session(&scene.portal_cookie).await.expect(200);
    scene.world.choose(&scene.reset, "another nine grey pebbles").await.expect(204);
    let cookie = scene.portal_cookie.clone();
    assert_shut(&scene, Audience::Portal, &cookie, "another password").await;
}

// ---- Other sites ----

#[tokio::test]
async fn a_change_is_taken_only_from_our_own_pages() {
    let scene = Scene::new().await;
    let mut tried = 0;
    for operation in operations().into_iter().filter(Operation::changes) {
        if of_programs(&operation) {
            continue;
        }
        let mut row = scene.row(&operation);
        if let Some(cookie) = scene.cookie_for(&operation) {
            row = row.cookie(&cookie);
        }
        row.headers.remove("origin");
        row.headers.remove("sec-fetch-site");
        let (ours, others) = if operation.path.starts_with("/api/portal/") {
            (PORTAL, STAFF)
        } else {
            (STAFF, PORTAL)
        };
        let slash = format!("{ours}/");
        let origins = [others, "https://evil.example", "null", "", &slash, "HTTP://LOCALHOST:8600"];
        let mut wrong = vec![row.clone()];
        wrong.extend(origins.map(|o| row.clone().header("origin", o)));
        for site in ["cross-site", "same-site", "none", "", "Same-Origin"] {
            wrong.push(row.clone().header("sec-fetch-site", site));
            wrong.push(row.clone().header("sec-fetch-site", site).header("origin", ours));
        }
        for origin in origins {
            let call = row.clone().header("origin", origin);
            wrong.push(call.header("sec-fetch-site", "same-origin"));
        }
        let before = scene.state().await;
        let calls = wrong.len();
        for call in wrong {
            let headers = format!("{} {:?}", operation.name(), call.headers);
            let answer = scene.world.send(call).await;
            assert_eq!(answer.status.as_u16(), 403, "{headers}: {}", answer.body);
            answer.problem(403, "cross_site");
            tried += 1;
        }
        // Staff learn of each that was sent with a session; of a stranger's nothing is kept.
        let told = assert_only_refused(&before, &scene.state().await, &operation.name());
        let signed_in = audience(&operation).is_some();
        assert_eq!(told, if signed_in { calls } else { 0 }, "{}", operation.name());
    }
    assert!(tried > 200, "{tried}");
}

/// GETs that browsers may send from elsewhere: the way of staff to the issuer and back, and what is
/// the same for everybody. This list may only shrink.
const FROM_ANYWHERE: [&str; 7] = [
    "/.well-known/openid-configuration",
    "/api/health",
    "/api/openapi.json",
    // A proxy asks with the headers of whatever request it holds.
    "/api/portal/check",
    "/api/portal/jwks.json",
    "/api/staff/callback",
    "/api/staff/sign-in",
];

#[tokio::test]
async fn a_read_that_another_page_caused_is_refused_and_leaves_no_trace_but_that() {
    let scene = Scene::new().await;
    let mut tried = 0;
    for operation in operations().into_iter().filter(|operation| operation.method == "GET") {
        let path = operation.path.as_str();
        if FROM_ANYWHERE.contains(&path) || of_programs(&operation) {
            continue;
        }
        let mut row = scene.row(&operation);
        if let Some(cookie) = scene.cookie_for(&operation) {
            row = row.cookie(&cookie);
        }
        let (ours, others) = if operation.path.starts_with("/api/portal/") {
            (PORTAL, STAFF)
        } else {
            (STAFF, PORTAL)
        };
        let before = scene.state().await;
        let mut calls = 0;
        for method in ["GET", "HEAD"] {
            for (site, origin) in [
                ("same-site", None),
                ("cross-site", None),
                ("none", None),
                ("", None),
                ("same-site", Some(ours)),
                ("same-origin", Some(others)),
                ("same-origin", Some("null")),
            ] {
                let mut call = row.clone().header("sec-fetch-site", site);
                call.method = method.parse().expect("a method");
                if let Some(origin) = origin {
                    call = call.header("origin", origin);
                }
                let said = format!("{method} {} {site} {origin:?}", operation.path);
                let answer = scene.world.send(call).await;
                assert_eq!(answer.status.as_u16(), 403, "{said}");
                tried += 1;
                calls += 1;
            }
        }
        let told = assert_only_refused(&before, &scene.state().await, &operation.name());
        let signed_in = audience(&operation).is_some();
        assert_eq!(told, if signed_in { calls } else { 0 }, "{}", operation.name());
        let own = row.clone().header("sec-fetch-site", "same-origin");
        let answers = (scene.world.send(own).await.status, scene.world.send(row).await.status);
        assert_eq!(answers.0, answers.1, "{}: ours, and no browser's", operation.path);
        assert_ne!(answers.0.as_u16(), 403, "{}", operation.path);
    }
    assert!(tried > 60, "{tried}");
}

/// Only a session that lives is told of: strangers, and what is left of a session, fill no history. It
/// is no use of the session.
#[tokio::test]
async fn a_request_from_elsewhere_is_recorded_for_a_session_that_lives_and_does_not_lengthen_it() {
    let world = World::new().await;
    let dana = world.dana().await;
    let elsewhere = || {
        let call = Call::new("POST", "/api/clients/search").json(&json!({"query": "amara"}));
        call.header("sec-fetch-site", "same-site")
    };
    let told = async |call: Call| {
        let before = world.events().await;
        world.send(call).await.problem(403, "cross_site");
        let mut events = world.events().await;
        events.retain(|key, _| !before.contains_key(key));
        events.into_values().map(|event| serde_json::from_str(&event).expect("JSON")).collect()
    };
    let events: Vec<Value> = told(elsewhere().cookie(&dana.cookie)).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"]["name"], "Dana");
    assert_eq!(events[0]["reason"], "cross_site");

    let forged = format!("{}x", dana.cookie);
    for call in [elsewhere(), elsewhere().cookie(&forged)] {
        assert_eq!(told(call).await, Vec::<Value>::new());
    }
    world.pass(20 * 60);
    assert_eq!(told(elsewhere().cookie(&dana.cookie)).await.len(), 1);
    world.pass(10 * 60);
    assert_eq!(told(elsewhere().cookie(&dana.cookie)).await, Vec::<Value>::new());
    dana.get("/api/staff/session").await.problem(401, "signed_out");
}

#[tokio::test]
async fn a_request_from_elsewhere_with_a_clients_session_stands_in_the_chart_while_that_lives() {
    let world = World::new().await;
    let dana = world.dana().await;
    let who = dana.enrolled().await;
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    let calls = [
        ("DELETE", "/api/portal/session", json!({})),
        ("POST", "/api/portal/sign-in", json!({"practice": "harbor"})),
        ("POST", "/api/portal/password-reset", json!({})),
        ("PUT", "/api/portal/password", json!({})),
        ("POST", "/api/portal/enrollment", json!({})),
        ("POST", "/api/portal/enrollment/check", json!({})),
    ];
    let told = async |cookie: &str| {
        let before = (world.items().await, world.events().await);
        for (method, path, body) in &calls {
            let call = Call::new(method, path).json(body).header("sec-fetch-site", "same-site");
            world.send(call.cookie(cookie)).await.problem(403, "cross_site");
        }
        assert_eq!(world.items().await, before.0, "it is no use of the session");
        let mut events = world.events().await;
        events.retain(|key, _| !before.1.contains_key(key));
        let events = events.into_values().map(|event| serde_json::from_str(&event).expect("JSON"));
        events.collect::<Vec<Value>>()
    };
    let events = told(&cookie).await;
    assert_eq!(events.len(), calls.len());
    for event in &events {
        assert_eq!((&event["action"], &event["reason"]), (&json!("refused"), &json!("cross_site")));
        assert_eq!(
            (&event["clientId"], &event["portalUserId"]),
            (&json!(who.client), &json!(who.user))
        );
        assert_eq!(event["actor"]["role"], "portalUser");
    }
    assert!(told(&format!("{cookie}x")).await.is_empty());
    world.pass(10 * 60);
    assert!(told(&cookie).await.is_empty(), "it is over");
    let cookie = world.signed_in(&who.email, PASSWORD).await;
    assert_eq!(told(&cookie).await.len(), calls.len());
    world.dana().await.revoke(&who).await.expect(200);
    assert!(told(&cookie).await.is_empty(), "it was ended");
}

#[tokio::test]
async fn the_way_to_the_issuer_and_back_is_a_page_and_nothing_else() {
    let world = World::new().await;
    for path in ["/api/staff/sign-in", "/api/staff/callback"] {
        for mode in ["no-cors", "cors", "same-origin", "websocket", ""] {
            let call = Call::new("GET", path).header("sec-fetch-site", "same-site");
            let answer = world.send(call.header("sec-fetch-mode", mode)).await;
            answer.problem(403, "cross_site");
        }
        let link = Call::new("GET", path).header("sec-fetch-site", "cross-site");
        let answer = world.send(link.header("sec-fetch-mode", "navigate")).await;
        assert_ne!(answer.status.as_u16(), 403, "{path}: a link is followed");
    }
}

#[tokio::test]
async fn either_header_of_our_own_pages_is_enough() {
    let scene = Scene::new().await;
    for (header, value) in [("origin", STAFF), ("sec-fetch-site", "same-origin")] {
        let mut call = Call::new("POST", "/api/clients/search").json(&json!({"query": "amara"}));
        call.headers.remove("origin");
        call.headers.remove("sec-fetch-site");
        scene.dana.send(call.header(header, value)).await.expect(200);
    }
}
