//! Session tokens: signed JWTs (RFC 7519, ES256). They say who a session claims to belong to; whether it
//! still lives is asked of the table on every call.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, jwk::JwkSet};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    config::Config,
    es256,
    fields::At,
    history::Role,
    id::{AccountKey, LoginKey, PracticeId, SessionId},
    problem::Problem,
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
}

/// What a session's token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it: `TOKEN_ISSUER`.
    pub iss: String,
    /// For whom it is: [`Audience::claim`].
    pub aud: String,
    /// Staff: the id on the practice's list. Portal: the account's id.
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
    /// Staff: the role at sign-in. Only a hint: the practice's list says what the role is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Portal: where the account is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// Staff: where the practices are listed whose staff the person is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginKey>,
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
        self.sign_as("JWT", &Claims { iss: self.issuer.clone(), ..claims.clone() })
    }

    /// Signs something else than a session's token: `typ` and `aud` must tell it apart.
    ///
    /// # Errors
    /// 500 in a function that was given no signing key.
    pub fn sign_as<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, Problem> {
        let (id, key) = self
            .signing
            .as_ref()
            .ok_or_else(|| Problem::internal("this function has no signing key"))?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(id.clone());
        header.typ = Some(typ.to_owned());
        jsonwebtoken::encode(&header, claims, key).map_err(|e| Problem::internal(e.to_string()))
    }

    /// Reads what was signed with one of these keys as `typ`, whenever it ends: for an ID token that an
    /// app sends back. `None` for anything that we did not sign.
    #[must_use]
    pub fn read_signed<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Option<T> {
        let header = header_of(token)?;
        if header.get("crit").is_some() || header.get("typ")? != typ {
            return None;
        }
        let kid = header.get("kid")?.as_str()?;
        let (_, key) = self.verifying.iter().find(|(id, _)| id == kid)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_aud = false;
        validation.validate_exp = false;
        validation.set_required_spec_claims::<&str>(&[]);
        jsonwebtoken::decode::<T>(token, key, &validation).ok().map(|read| read.claims)
    }

    /// Checks a token: one algorithm, a key we know, all of `exp`, `iss`, `aud` and `sub`, no
    /// leeway, and no `crit` header, since we understand no extension (RFC 7515, section 4.1.11).
    #[must_use]
    pub fn verify(&self, token: &str, audience: Audience, now: At) -> Option<Claims> {
        let header = header_of(token)?;
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

/// The header of a signed token, not verified.
pub(crate) fn header_of(token: &str) -> Option<serde_json::Value> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice(&header).ok()
}
