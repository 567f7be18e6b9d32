//! Apps behind the door: what they are registered as, and what they ask.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Answer, Call, KEY, PASSWORD, PORTAL, World,
    people::{Invited, Staff, text},
};

/// Where the apps of the tests get their codes.
pub const REDIRECT: &str = "https://rooms.example/in";
/// Where they want people to be once they are signed out.
pub const GOODBYE: &str = "https://rooms.example/bye";
/// A PKCE verifier.
pub const VERIFIER: &str = "seven-quiet-kettles-hum-in-the-morning-light";

/// The public half of the tests' key.
pub const X: &str = "lGpFE9UWsBM6Wrq-R-5SlEXuo0eHzB9iu4dfoDDLyP0";
/// The public half of the tests' key.
pub const Y: &str = "oxW4cGh6B6X-7xpmOa6QgQ6EF3kXUWWLvDQFulPf59M";

/// A registered app.
#[derive(Debug, Clone)]
pub struct Room {
    /// Its id.
    pub id: String,
    /// Its secret; empty for an app without one.
    pub secret: String,
}

/// A person who is signed in, and an app.
pub struct Scene {
    /// Where they are.
    pub world: World,
    /// Who looks after the app.
    pub dana: Staff,
    /// The person.
    pub who: Invited,
    /// The person's session.
    pub cookie: String,
    /// The app.
    pub room: Room,
}

impl Scene {
    /// A person, and an app with a secret.
    pub async fn new() -> Self {
        Self::with(&json!({})).await
    }

    /// A person, and an app that is registered with changes.
    pub async fn with(registration: &Value) -> Self {
        let world = World::new().await;
        let dana = world.dana().await;
        let who = dana.enrolled().await;
        let room = dana.register(registration).await;
        let cookie = world.signed_in(&who.email, PASSWORD).await;
        Self { world, dana, who, cookie, room }
    }

    /// A person, and an app with the tests' key.
    pub async fn with_key() -> Self {
        Self::with(&with_key()).await
    }

    /// An access token for the app.
    pub async fn token(&self) -> String {
        self.world.token(&self.cookie, &self.room).await
    }

    /// A code for the app.
    pub async fn code(&self) -> String {
        self.world.code(&self.cookie, &self.room).await
    }

    /// What the app is told on its own address.
    pub async fn told(&self, changes: &Value) -> String {
        let answer = self.world.authorize(&self.cookie, &self.room, changes).await.expect(200);
        text(&answer["redirectTo"])
    }

    /// What the app gets for a code that it asked for with changes.
    ///
    /// # Panics
    /// When there is no code.
    pub async fn tokens(&self, changes: &Value) -> Value {
        let code = parameter(&self.told(changes).await, "code").expect("a code");
        self.world.exchange(&self.room, &code).await.expect(200)
    }

    /// Whether a token opens anything.
    ///
    /// # Panics
    /// When introspection and userinfo differ.
    pub async fn is_open(&self, token: &str) -> bool {
        let active = self.world.introspect(&self.room, token).await["active"] == json!(true);
        let info = self.world.userinfo(token).await.status.as_u16();
        assert_eq!(info, if active { 200 } else { 401 }, "both say the same");
        active
    }
}

/// The claims of a JWT, not verified.
///
/// # Panics
/// When it is no JWT.
#[must_use]
pub fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

/// What an app with a secret is registered with, and changes to it.
#[must_use]
pub fn registration(changes: &Value) -> Value {
    let mut body = json!({
        "name": "Messages", "kind": "portal", "permission": "messaging",
        "launchUrl": "https://rooms.example/", "redirectUris": [REDIRECT],
        "postLogoutRedirectUris": [GOODBYE], "authentication": "secret",
    });
    merge(&mut body, changes);
    body
}

/// What makes an app one that proves itself with the tests' key, which is its `a`.
#[must_use]
pub fn with_key() -> Value {
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": X, "y": Y});
    json!({"authentication": "key", "publicKeys": [key]})
}

/// Sets members; null takes one away.
fn merge(body: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        match (body.as_object_mut(), value) {
            (Some(body), Value::Null) => drop(body.remove(name)),
            (Some(body), value) => drop(body.insert(name.clone(), value.clone())),
            (None, _) => {}
        }
    }
}

/// The challenge of a verifier.
#[must_use]
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A parameter of an address.
///
/// # Panics
/// When the address is none.
#[must_use]
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?').expect("a query").1;
    let mut pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value)
}

/// A form, as an app on a server sends it: without what browsers add.
#[must_use]
pub fn form(path: &str, fields: &[(&str, &str)]) -> Call {
    let mut call = Call::new("POST", path);
    call.headers.remove("origin");
    call.headers.remove("sec-fetch-site");
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    call.body = Some(encoded.extend_pairs(fields).finish());
    call.header("content-type", "application/x-www-form-urlencoded")
}

#[expect(clippy::must_use_candidate, reason = "a demand is of use without what it answers")]
impl Answer {
    /// Demands an error of OAuth.
    ///
    /// # Panics
    /// When it is another answer.
    #[track_caller]
    pub fn oauth(self, status: u16, error: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.body["error"], error, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401, "{}", self.body);
        assert!(self.body["error_description"].is_string(), "{}", self.body);
        self.body
    }
}

impl Room {
    /// `client_secret_basic`.
    #[must_use]
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret)))
    }
}

impl Room {
    /// The good way of an app with a key to prove itself, with changes to the claims.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn proof(&self, now: i64, changes: &Value) -> String {
        let mut claims = json!({
            "iss": self.id, "sub": self.id, "aud": PORTAL, "exp": now + 60, "iat": now, "jti": "one",
        });
        merge(&mut claims, changes);
        self.assertion(&json!({"alg": "ES256", "typ": "JWT", "kid": "a"}), &claims)
    }

    /// An assertion, signed with the tests' key.
    ///
    /// # Panics
    /// When it cannot be signed.
    #[must_use]
    pub fn assertion(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let key = EncodingKey::from_ec_pem(KEY.as_bytes()).expect("a key");
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::ES256).expect("signed");
        format!("{message}.{signature}")
    }
}

impl Staff {
    /// Registers an app, with changes to what the tests' apps have.
    pub async fn register(&self, changes: &Value) -> Room {
        let body = self.post("/api/apps", &registration(changes)).await.expect(201);
        let secret = body["secret"].as_str().unwrap_or_default().to_owned();
        Room { id: text(&body["app"]["appId"]), secret }
    }
}

impl World {
    /// Asks to be let into an app, with changes to what the tests' apps ask.
    pub async fn authorize(&self, cookie: &str, room: &Room, changes: &Value) -> Answer {
        let mut body = json!({
            "client_id": room.id, "redirect_uri": REDIRECT, "response_type": "code",
            "scope": "openid profile email messaging", "state": "s t&te", "nonce": "n-1",
            "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256",
        });
        merge(&mut body, changes);
        let call = Call::new("POST", "/api/portal/authorization").json(&body);
        self.send(if cookie.is_empty() { call } else { call.cookie(cookie) }).await
    }

    /// A code for an app.
    ///
    /// # Panics
    /// When there is none.
    pub async fn code(&self, cookie: &str, room: &Room) -> String {
        let body = self.authorize(cookie, room, &json!({})).await.expect(200);
        parameter(&text(&body["redirectTo"]), "code").expect("a code")
    }

    /// Exchanges a code.
    pub async fn exchange(&self, room: &Room, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", REDIRECT),
        ];
        self.ask_as(room, "/api/oauth/token", &fields).await
    }

    /// Sends a form as an app, with its secret, or with nothing but its id.
    pub async fn ask_as(&self, room: &Room, path: &str, fields: &[(&str, &str)]) -> Answer {
        if room.secret.is_empty() {
            let fields: Vec<_> = fields.iter().copied().chain([("client_id", &*room.id)]).collect();
            return self.send(form(path, &fields)).await;
        }
        self.send(form(path, fields).header("authorization", &room.basic())).await
    }

    /// Sends a form with a signed assertion.
    pub async fn ask_with(&self, proof: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let proof = [("client_assertion_type", kind), ("client_assertion", proof)];
        let fields: Vec<_> = fields.iter().copied().chain(proof).collect();
        self.send(form(path, &fields)).await
    }

    /// An access token for an app.
    pub async fn token(&self, cookie: &str, room: &Room) -> String {
        let code = self.code(cookie, room).await;
        text(&self.exchange(room, &code).await.expect(200)["access_token"])
    }

    /// Asks what a token opens.
    pub async fn introspect(&self, room: &Room, token: &str) -> Value {
        self.ask_as(room, "/api/oauth/introspect", &[("token", token)]).await.expect(200)
    }

    /// Asks who is there.
    pub async fn userinfo(&self, token: &str) -> Answer {
        let call = Call::new("GET", "/api/oauth/userinfo");
        self.send(call.header("authorization", &format!("Bearer {token}"))).await
    }

    /// Asks, as a proxy in front of an app, whether a request may pass.
    pub async fn may_pass(&self, cookie: &str, query: &str) -> Answer {
        let call = Call::new("GET", &format!("/api/portal/check?{query}"));
        self.send(if cookie.is_empty() { call } else { call.cookie(cookie) }).await
    }
}
