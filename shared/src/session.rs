//! Sessions: a signed token in a `__Host-` cookie, and the item in the table that can end it.
//!
//! One mechanism serves staff and clients, told apart by cookie and audience. The token (a JWT,
//! RFC 7519, ES256) says who somebody claims to be; whether the session still lives is asked of
//! the table on every call. Handlers take [`Reader`], [`Editor`] or [`Visitor`] as arguments, so
//! none can run for nobody; staff handlers get their actor only out of `admit`, which runs that
//! check beside their first read.

use axum::extract::{FromRequestParts, RawPathParams};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::JwkSet};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    chart::Chart,
    config::Config,
    es256,
    fields::At,
    history::{Action, Actor, Event, Role},
    id::{AccountId, ClientId, PracticeId, SessionId},
    keys,
    practice::Practice,
    problem::Problem,
    store::{Update, both},
    web::Caller,
};

/// For whom a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People of the practice.
    Staff,
    /// Clients and guardians.
    Portal,
}

impl Audience {
    /// `aud` of its tokens.
    #[must_use]
    pub const fn claim(self) -> &'static str {
        match self {
            Self::Staff => "latchkey:staff",
            Self::Portal => "latchkey:portal",
        }
    }

    /// Name of its cookie.
    #[must_use]
    pub const fn cookie(self) -> &'static str {
        match self {
            Self::Staff => "__Host-latchkey-staff",
            Self::Portal => "__Host-latchkey-portal",
        }
    }
}

/// What a session's token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it: `TOKEN_ISSUER`.
    pub iss: String,
    /// For whom it is: [`Audience::claim`].
    pub aud: String,
    /// Staff: subject at the issuer. Portal: the account.
    pub sub: String,
    /// The session.
    pub sid: SessionId,
    /// The practice.
    pub practice: PracticeId,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Seconds after which the session ends if it stays unused.
    pub idle: i64,
    /// Role of staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// The keys of the session tokens.
pub struct Keys {
    signing: Option<(String, EncodingKey)>,
    verifying: Vec<(String, DecodingKey)>,
    jwks: serde_json::Value,
    issuer: String,
}

impl Keys {
    /// Reads the keys of a configuration. Every verifying key must be for ES256 and have a `kid`.
    ///
    /// # Errors
    /// When a key cannot be read.
    pub fn read(config: &Config) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        es256::install()?;
        let set: JwkSet = serde_json::from_str(&config.verifying_keys)?;
        let mut verifying = Vec::new();
        for jwk in &set.keys {
            let id = jwk.common.key_id.clone().ok_or("a verifying key without kid")?;
            verifying.push((id, DecodingKey::from_jwk(jwk)?));
        }
        let signing = match &config.signing {
            Some(key) => {
                Some((key.id.clone(), EncodingKey::from_ec_pem(key.pem.reveal().as_bytes())?))
            }
            None => None,
        };
        let jwks = serde_json::from_str(&config.verifying_keys)?;
        Ok(Self { signing, verifying, jwks, issuer: config.token_issuer.clone() })
    }

    /// The public keys as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> &serde_json::Value {
        &self.jwks
    }

    /// Signs claims; their `iss` is set here.
    ///
    /// # Errors
    /// 500 in a function that was given no signing key.
    pub fn sign(&self, claims: &Claims) -> Result<String, Problem> {
        let (id, key) = self
            .signing
            .as_ref()
            .ok_or_else(|| Problem::internal("this function has no signing key"))?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(id.clone());
        let claims = Claims { iss: self.issuer.clone(), ..claims.clone() };
        jsonwebtoken::encode(&header, &claims, key).map_err(|e| Problem::internal(e.to_string()))
    }

    /// Checks a token: one algorithm, a key we know, all of `exp`, `iss`, `aud` and `sub`, no
    /// leeway, and no `crit` header, since we understand no extension (RFC 7515, section 4.1.11).
    #[must_use]
    pub fn verify(&self, token: &str, audience: Audience, now: At) -> Option<Claims> {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
        if header.get("crit").is_some() || header.get("typ")? != "JWT" {
            return None;
        }
        let kid = header.get("kid")?.as_str()?;
        let (_, key) = self.verifying.iter().find(|(id, _)| id == kid)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[audience.claim()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The app's own clock says what has expired.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims;
        (claims.exp > now.seconds() && claims.iat <= now.seconds() + 60).then_some(claims)
    }
}

/// The cookie that carries a session.
///
/// # Errors
/// 500 when the token is no header value, which a JWT always is.
pub fn cookie(audience: Audience, token: &str, seconds: i64) -> Result<HeaderValue, Problem> {
    let name = audience.cookie();
    let text =
        format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict");
    HeaderValue::from_str(&text).map_err(|e| Problem::internal(e.to_string()))
}

/// The cookie that ends a session in the browser.
#[must_use]
pub fn no_cookie(audience: Audience) -> HeaderValue {
    let text = match audience {
        Audience::Staff => {
            "__Host-latchkey-staff=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"
        }
        Audience::Portal => {
            "__Host-latchkey-portal=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"
        }
    };
    HeaderValue::from_static(text)
}

/// The value of a cookie.
#[must_use]
pub fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A staff session as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaffSession {
    /// Name of the person.
    pub name: String,
    /// E-mail address of the person.
    pub email: String,
    /// Role of the person.
    pub role: Role,
    /// When it began.
    pub began_at: At,
    /// When it ends if it stays unused.
    pub idle_ends_at: At,
    /// When it ends in any case.
    pub ends_at: At,
    /// When DynamoDB may forget it (seconds since 1970).
    pub expires_at: i64,
}

/// Somebody of the staff whose session was just found alive: the actor of every staff event.
#[derive(Debug, Clone)]
pub struct Staff {
    /// The practice, with its settings.
    pub practice: Practice,
    /// The person.
    pub actor: Actor,
    /// The session.
    pub session: StaffSession,
    /// The request.
    pub caller: Caller,
}

impl Staff {
    /// An event of this request.
    #[must_use]
    pub fn event(&self, app: &App, action: Action) -> Event {
        Event::new(app, &self.caller, &self.actor, &self.practice.practice, action)
    }
}

/// A staff token that was signed by us and has not expired; the session is still to be checked.
#[derive(Debug)]
struct Ticket {
    claims: Claims,
    caller: Caller,
}

impl Ticket {
    fn read(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let claims = cookie_value(&parts.headers, Audience::Staff.cookie())
            .and_then(|token| app.keys().verify(token, Audience::Staff, app.now()))
            .ok_or_else(Problem::signed_out)?;
        Ok(Self { claims, caller: Caller::of(parts) })
    }

    /// Asks the table whether the session lives, and moves its idle end, in one conditional
    /// update: the condition is judged on the item's latest version, as a consistent read would.
    /// Beside it, asks the practice's settings whether all sessions of its time were ended.
    async fn check(self, app: &App) -> Result<Staff, Problem> {
        let (claims, now) = (self.claims, app.now());
        let end = At::from_millis(claims.exp * 1000);
        let alive = Update::of(keys::staff_session(&claims.practice, &claims.sub, claims.sid))
            .when("idleEndsAt", ">", &now)
            .when("endsAt", ">", &now)
            .set("idleEndsAt", &now.plus(claims.idle).min(end));
        let session = app.store().update::<StaffSession>(alive);
        let settings = keys::practice(&claims.practice);
        let settings = app.store().get::<Practice>(&settings);
        let (session, practice) = both(session, settings).await?;
        let (session, practice) = session
            .zip(practice)
            .filter(|(session, practice)| practice.admits(session.began_at))
            .ok_or_else(Problem::signed_out)?;
        let actor = Actor { id: claims.sub, name: session.name.clone(), role: session.role };
        Ok(Staff { practice, actor, session, caller: self.caller })
    }
}

/// Staff who may look. Take it as an argument and [`Reader::admit`] it.
#[derive(Debug)]
pub struct Reader(Ticket);

/// Staff who may change things. Take it as an argument and [`Editor::admit`] it.
#[derive(Debug)]
pub struct Editor(Ticket);

impl Reader {
    /// The practice whose data is asked for.
    #[must_use]
    pub fn practice(&self) -> &PracticeId {
        &self.0.claims.practice
    }

    /// Key of the session.
    #[must_use]
    pub fn session_key(&self) -> keys::Key {
        keys::staff_session(&self.0.claims.practice, &self.0.claims.sub, self.0.claims.sid)
    }

    /// Checks the session beside the first read.
    ///
    /// # Errors
    /// 401 when the session has ended, whatever the read found; else what the read says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<(Staff, T), Problem> {
        both(self.0.check(app), read).await
    }
}

impl Editor {
    /// The practice whose data is to change.
    #[must_use]
    pub fn practice(&self) -> &PracticeId {
        &self.0.claims.practice
    }

    /// The person, before the session is checked: for what must tell people apart, not let in.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.claims.sub
    }

    /// Checks the session beside the first read.
    ///
    /// # Errors
    /// 401 when the session has ended, whatever the read found; else what the read says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<(Staff, T), Problem> {
        both(self.0.check(app), read).await
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ticket::read(parts, app).map(Self)
    }
}

impl FromRequestParts<App> for Editor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ticket = Ticket::read(parts, app)?;
        if !matches!(ticket.claims.role, Some(Role::Admin | Role::Staff)) {
            let practice = ticket.claims.practice.clone();
            let named = client_in_path(parts, app).await;
            let (staff, client) = both(ticket.check(app), existing(app, &practice, named)).await?;
            let mut refusal = staff.event(app, Action::Refused);
            refusal.client_id = client;
            app.store().record(&refusal).await?;
            return Err(Problem::read_only());
        }
        Ok(Self(ticket))
    }
}

async fn client_in_path(parts: &mut Parts, app: &App) -> Option<ClientId> {
    let params = RawPathParams::from_request_parts(parts, app).await.ok()?;
    params.iter().find(|(name, _)| *name == "clientId").and_then(|(_, id)| ClientId::parse(id))
}

/// The client, if it is there: else what was refused is told to the practice's history alone, and
/// nobody's id gets a history of its own.
async fn existing(
    app: &App,
    practice: &PracticeId,
    named: Option<ClientId>,
) -> Result<Option<ClientId>, Problem> {
    let Some(id) = named else { return Ok(None) };
    match Chart::load(app.store(), practice, id).await {
        Ok(_) => Ok(Some(id)),
        Err(problem) if problem.code() == "not_found" => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Somebody with a portal token that was signed by us and has not expired; whether the session
/// lives, the account says: [`crate::account::Account::admitted`].
#[derive(Debug)]
pub struct Visitor {
    /// The practice.
    pub practice: PracticeId,
    /// The account.
    pub account: AccountId,
    /// The session.
    pub sid: SessionId,
    /// Seconds after which the session ends if it stays unused.
    pub idle: i64,
    /// The request.
    pub caller: Caller,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let claims = cookie_value(&parts.headers, Audience::Portal.cookie())
            .and_then(|token| app.keys().verify(token, Audience::Portal, app.now()))
            .ok_or_else(Problem::signed_out)?;
        Ok(Self {
            account: AccountId::parse(&claims.sub).ok_or_else(Problem::signed_out)?,
            practice: claims.practice,
            sid: claims.sid,
            idle: claims.idle,
            caller: Caller::of(parts),
        })
    }
}

/// Makes the token and cookie of a portal session that ends at `ends_at` in any case.
///
/// # Errors
/// 500 in a function that was given no signing key.
pub fn portal_cookie(
    app: &App,
    practice: &Practice,
    account: &AccountId,
    sid: SessionId,
    ends_at: At,
) -> Result<HeaderValue, Problem> {
    let (now, exp) = (app.now().seconds(), ends_at.seconds());
    let claims = Claims {
        iss: String::new(),
        aud: Audience::Portal.claim().to_owned(),
        sub: account.to_string(),
        sid,
        practice: practice.practice.clone(),
        iat: now,
        exp,
        idle: practice.client_idle_seconds,
        role: None,
    };
    cookie(Audience::Portal, &app.keys().sign(&claims)?, exp - now)
}
