//! The staff's `OpenID` Connect issuer on this machine, in Cognito's place: authorization code with
//! PKCE (RFC 7636, S256 only) for one public client, ID tokens signed with ES256.
//!
//! It has no passwords. It signs in everybody on a staff list of this home, as the lists are at that
//! moment. Its page has one link for each of them; a `login_hint` with an address skips the page. They are
//! links rather than forms because
//! Chromium holds the redirect after a form against the page's `form-action`.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::{Problem, es256, fields::Email, id::PracticeId, team::Member};
use url::Url;

use crate::keys::SigningKey;
use crate::page::{Escaped, page};
use crate::state::{StateDir, random};
use crate::{Trouble, guard};

/// Somebody on a staff list of this home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Their address, which `login_hint` takes.
    pub email: Email,
    /// The practice they work for.
    pub practice: PracticeId,
    /// What they may do there, in a word.
    pub role: String,
}

impl Person {
    /// A person of a practice's list.
    #[must_use]
    pub fn of(practice: &PracticeId, member: &Member) -> Self {
        let role = serde_json::to_value(member.role).unwrap_or_default();
        Self {
            name: member.name.as_str().to_owned(),
            email: member.email.clone(),
            practice: practice.clone(),
            role: role.as_str().unwrap_or_default().to_owned(),
        }
    }

    fn subject(&self) -> String {
        subject(&self.email)
    }
}

/// The issuer's own name for somebody, which never changes: the same on every list with the address.
#[must_use]
pub fn subject(email: &Email) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(email.folded())[..16])
}

/// Reads who is on the staff lists of this home.
pub type People = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<Person>, Problem>> + Send + Sync>;

/// The path below which the issuer is mounted.
pub const PATH: &str = "/oidc";
/// The id of its one client.
pub const CLIENT_ID: &str = "latchkey";

/// How long a code can be redeemed.
const CODE_LIFE: Duration = Duration::from_mins(1);
/// How long an ID token holds, in seconds.
const TOKEN_LIFE: i64 = 3600;

/// The issuer. Clones share it.
#[derive(Clone)]
pub struct Issuer(Arc<Inner>);

struct Inner {
    url: String,
    redirect_uri: String,
    key: SigningKey,
    signing: EncodingKey,
    codes: Mutex<HashMap<String, Grant>>,
}

/// What a code stands for until it is redeemed.
struct Grant {
    person: Person,
    challenge: String,
    nonce: Option<String>,
    /// When the person authenticated, in seconds since 1970.
    auth_time: i64,
    expires: Instant,
}

impl Issuer {
    /// An issuer for the home at `origin` (such as `http://localhost:8600`) whose one client
    /// gets its codes at exactly `redirect_uri`.
    pub fn open(state: &StateDir, origin: &str, redirect_uri: &str) -> Result<Self, Trouble> {
        let key = SigningKey::open(state, "issuer-key.pem")?;
        es256::install().map_err(Trouble::new)?;
        let signing = EncodingKey::from_ec_pem(key.pem.as_bytes())
            .map_err(|error| Trouble::new(format!("the issuer's key cannot be used: {error}")))?;
        Ok(Self(Arc::new(Inner {
            url: format!("{origin}{PATH}"),
            redirect_uri: redirect_uri.to_owned(),
            key,
            signing,
            codes: Mutex::default(),
        })))
    }

    /// The issuer's URL, as in `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Everything below [`PATH`], for these people.
    pub fn routes(&self, people: People) -> Router {
        let origin = self.0.url.strip_suffix(PATH).unwrap_or(&self.0.url);
        let pages = Router::new().route("/authorize", get(authorize)).layer(Extension(people));
        let programs = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks.json", get(jwks))
            .route("/token", post(token));
        let below = guard::own_pages_only(pages, origin).merge(guard::programs_only(programs));
        Router::new().nest(PATH, below.with_state(self.clone()))
    }

    fn grant(&self, person: Person, query: &HashMap<String, String>, challenge: String) -> String {
        let code = URL_SAFE_NO_PAD.encode(random::<32>());
        let now = Instant::now();
        let mut codes = self.0.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, grant| grant.expires > now);
        codes.insert(
            code.clone(),
            Grant {
                person,
                challenge,
                nonce: query.get("nonce").cloned(),
                auth_time: Timestamp::now().as_second(),
                expires: now + CODE_LIFE,
            },
        );
        code
    }

    /// Takes a code, which is gone then whatever follows.
    fn redeem(&self, code: &str) -> Option<Grant> {
        let grant = self.0.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;
        (grant.expires > Instant::now()).then_some(grant)
    }

    fn id_token(&self, grant: Grant) -> jsonwebtoken::errors::Result<String> {
        let now = Timestamp::now().as_second();
        let person = &grant.person;
        let mut claims = json!({
            "iss": self.0.url,
            "aud": CLIENT_ID,
            "sub": person.subject(),
            "iat": now,
            "auth_time": grant.auth_time,
            "exp": now + TOKEN_LIFE,
            "email": person.email,
            "email_verified": true,
            "name": person.name,
        });
        if let Some(nonce) = grant.nonce {
            claims["nonce"] = nonce.into();
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.0.key.id.clone());
        jsonwebtoken::encode(&header, &claims, &self.0.signing)
    }
}

/// `OpenID` Connect Discovery 1.0, section 3.
async fn discovery(State(issuer): State<Issuer>) -> Json<Value> {
    let url = issuer.url();
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "iss", "aud", "sub", "iat", "exp", "auth_time", "nonce", "email", "email_verified",
            "name",
        ],
    }))
}

async fn jwks(State(issuer): State<Issuer>) -> Json<Value> {
    Json(issuer.0.key.jwks())
}

async fn authorize(
    State(issuer): State<Issuer>,
    Extension(people): Extension<People>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let has = |name: &str, value: &str| query.get(name).is_some_and(|given| given == value);
    // Until both are right nobody may be sent anywhere (RFC 6749, section 4.1.2.1).
    if !has("client_id", CLIENT_ID) || !has("redirect_uri", &issuer.0.redirect_uri) {
        let said = "This sign-in was asked for by an unknown page";
        let detail =
            "<p>The client id or the address to return to is not the one registered here.</p>";
        return (StatusCode::BAD_REQUEST, page(said, &format!("<h1>{said}</h1>{detail}")))
            .into_response();
    }
    let refuse = |error: &str| issuer.back(&query, &[("error", error)]);
    if !has("response_type", "code") {
        return refuse("unsupported_response_type");
    }
    if !query.get("scope").is_some_and(|scope| scope.split(' ').any(|one| one == "openid")) {
        return refuse("invalid_scope");
    }
    let Some(challenge) = query
        .get("code_challenge")
        .filter(|challenge| challenge.len() == 43 && has("code_challenge_method", "S256"))
    else {
        return refuse("invalid_request");
    };
    if has("cancel", "true") {
        return refuse("access_denied");
    }
    let Ok(people) = people().await else { return refuse("temporarily_unavailable") };
    let hint = query.get("login_hint").map(|hint| hint.trim().to_lowercase());
    match people.iter().find(|person| hint.as_ref() == Some(&person.email.folded())) {
        Some(person) => {
            let person = person.clone();
            let code = issuer.grant(person, &query, challenge.clone());
            issuer.back(&query, &[("code", &code)])
        }
        None if has("prompt", "none") => refuse("login_required"),
        None => choose(&people, &query),
    }
}

impl Issuer {
    /// Sends the browser back to the client.
    fn back(&self, query: &HashMap<String, String>, answer: &[(&str, &str)]) -> Response {
        // The redirect URI was checked against the registered one, which is a URL.
        let Ok(mut url) = Url::parse(&self.0.redirect_uri) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        url.query_pairs_mut().extend_pairs(answer);
        if let Some(state) = query.get("state") {
            url.query_pairs_mut().append_pair("state", state);
        }
        ([(CACHE_CONTROL, "no-store")], Redirect::to(url.as_str())).into_response()
    }
}

/// The page with a link for each person.
fn choose(people: &[Person], query: &HashMap<String, String>) -> Response {
    let link = |name: &str, value: &str| {
        let mut link = url::form_urlencoded::Serializer::new(String::new());
        link.extend_pairs(query.iter().filter(|(name, _)| *name != "login_hint"));
        link.append_pair(name, value);
        format!("{PATH}/authorize?{}", link.finish())
    };
    let mut main = String::from(
        "<h1>Sign in as</h1>\n<p class=\"quiet\">The people on the staff lists of this home. In your deployment people sign in with your own identity provider.</p>\n<ul class=\"cards\">\n",
    );
    for person in people {
        let Person { name, email, practice, role } = person;
        let _ = writeln!(
            main,
            "<li><a href=\"{}\"><span><strong>{}</strong><br>{}</span><span class=\"quiet\">{practice}, {role}</span></a></li>",
            Escaped(&link("login_hint", email.as_str())),
            Escaped(name),
            Escaped(email.as_str()),
        );
    }
    let _ =
        write!(main, "</ul>\n<p><a href=\"{}\">Cancel</a></p>", Escaped(&link("cancel", "true")));
    ([(CACHE_CONTROL, "no-store")], page("Sign in", &main)).into_response()
}

async fn token(
    State(issuer): State<Issuer>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let (status, body) = match issuer.exchange(&form) {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (StatusCode::BAD_REQUEST, json!({"error": error})),
    };
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

impl Issuer {
    /// The token endpoint (RFC 6749, section 4.1.3); an `Err` is its error code.
    fn exchange(&self, form: &HashMap<String, String>) -> Result<Value, &'static str> {
        let field = |name: &str| form.get(name).map(String::as_str).ok_or("invalid_request");
        if field("grant_type")? != "authorization_code" {
            return Err("unsupported_grant_type");
        }
        let (code, verifier) = (field("code")?, field("code_verifier")?);
        if field("client_id")? != CLIENT_ID {
            return Err("invalid_client");
        }
        let redirect_uri = field("redirect_uri")?;
        let grant = self.redeem(code).ok_or("invalid_grant")?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if redirect_uri != self.0.redirect_uri || challenge != grant.challenge {
            return Err("invalid_grant");
        }
        let id_token = self.id_token(grant).map_err(|error| {
            tracing::error!(%error, "an ID token cannot be signed");
            "server_error"
        })?;
        Ok(json!({
            // There is nothing here to access; the token is there because the protocol has one.
            "access_token": URL_SAFE_NO_PAD.encode(random::<32>()),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE,
            "id_token": id_token,
        }))
    }
}

#[cfg(test)]
mod tests;
