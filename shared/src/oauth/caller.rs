//! Which app calls, and whether it is that app.
//!
//! What a request says of itself ([`Shown`]) names where the app is kept, so that it is read beside
//! whatever the request is about; then it is proved, or not ([`Shown::prove`]). Every failure is the same
//! 401.

use std::collections::BTreeMap;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    fields::{At, Secret},
    id::AppId,
    jwt::header_of,
    keys,
    oauth::app::{Authentication, PublicKey, RegisteredApp},
    problem::Problem,
    store::{Change, Handle},
    token::AppToken,
};

/// `client_assertion_type` of a signed assertion (RFC 7523, section 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Most seconds that an assertion may live.
const LONGEST: i64 = 5 * 60;
/// Seconds by which an app's clock may be off.
const LEEWAY: i64 = 10;

/// What a request says of the app that sends it.
#[derive(Debug)]
pub struct Shown {
    /// The app that it says it is.
    pub id: AppId,
    proof: Proof,
}

#[derive(Debug)]
enum Proof {
    Secret(Secret),
    Assertion(Secret),
    None,
}

/// An assertion that was used: it works once.
#[derive(Debug)]
pub struct Used {
    digest: String,
    until: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    expires_at: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    jti: String,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
}

/// What an app that did not prove itself is told, whatever the reason.
#[must_use]
pub fn refused() -> Problem {
    Problem::oauth(
        "invalid_client",
        "The app is not known, is switched off, or did not prove itself.",
    )
}

impl Shown {
    /// Reads what a request says: in the header (`client_secret_basic`), in a signed assertion
    /// (`private_key_jwt`), or nothing but `client_id`.
    ///
    /// # Errors
    /// `invalid_client`; so too for more than one way at once.
    pub fn read(headers: &HeaderMap, form: &BTreeMap<String, String>) -> Result<Self, Problem> {
        let named =
            form.get("client_id").map(|id| AppId::parse(id).ok_or_else(refused)).transpose()?;
        let authorization = headers.get(header::AUTHORIZATION);
        let assertion = form.get("client_assertion");
        if form.contains_key("client_secret") {
            let right = "Send the secret in the Authorization header (client_secret_basic).";
            return Err(Problem::oauth("invalid_client", right));
        }
        let shown = match (authorization, assertion) {
            // In more than one way: in none.
            (Some(_), Some(_)) => return Err(refused()),
            (Some(value), None) => {
                let value = value.to_str().map_err(|_| refused())?;
                Self::basic(value).ok_or_else(refused)?
            }
            (None, Some(assertion)) => {
                let kind = form.get("client_assertion_type").map(String::as_str);
                if kind != Some(ASSERTION) {
                    return Err(refused());
                }
                let id = subject(assertion).ok_or_else(refused)?;
                Self { id, proof: Proof::Assertion(Secret::new(assertion.clone())) }
            }
            (None, None) => Self { id: named.clone().ok_or_else(refused)?, proof: Proof::None },
        };
        if named.is_some_and(|named| named != shown.id) {
            return Err(refused());
        }
        Ok(shown)
    }

    /// Reads a request about an access token: who asks, and the token, where it can be one of this app.
    ///
    /// # Errors
    /// As [`Shown::read`]; `invalid_request` without a token.
    pub fn of_token(
        headers: &HeaderMap,
        form: &BTreeMap<String, String>,
    ) -> Result<(Self, Option<AppToken>), Problem> {
        let shown = Self::read(headers, form)?;
        let missing = || Problem::oauth("invalid_request", "token is missing.");
        let token = AppToken::parse(form.get("token").ok_or_else(missing)?);
        let token = token.filter(|token| token.app == shown.id);
        Ok((shown, token))
    }

    /// Reads `Basic` credentials, both parts of which are encoded as in a form (RFC 6749, section 2.3.1).
    fn basic(value: &str) -> Option<Self> {
        let (scheme, encoded) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let decode = |part: &str| {
            let pair = format!("x={part}");
            form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
        };
        let proof = Proof::Secret(Secret::new(decode(secret)?));
        Some(Self { id: AppId::parse(&decode(id)?)?, proof })
    }

    /// Whether the app is the one that it says it is. `issuer` is who an assertion must be for. Answers
    /// the assertion that was used, which [`Used::write`] keeps from being used again.
    ///
    /// # Errors
    /// `invalid_client`, whatever the reason.
    pub fn prove(
        &self,
        app: Option<&RegisteredApp>,
        issuer: &str,
        now: At,
    ) -> Result<Option<Used>, Problem> {
        let app = app.filter(|app| app.enabled && app.app_id == self.id).ok_or_else(refused)?;
        match (&self.proof, app.registration.authentication) {
            (Proof::Secret(secret), Authentication::Secret) if app.knows(secret.reveal(), now) => {
                Ok(None)
            }
            (Proof::Assertion(assertion), Authentication::Key) => {
                let used = judge(assertion.reveal(), app, issuer, now);
                used.map(Some).ok_or_else(refused)
            }
            (Proof::None, Authentication::None) => Ok(None),
            _ => Err(refused()),
        }
    }

    /// Whether the app proves itself at all: one that cannot may not ask about tokens.
    #[must_use]
    pub const fn is_proof(&self) -> bool {
        !matches!(self.proof, Proof::None)
    }
}

impl Used {
    /// Keeps, as part of a change, that the assertion was used. The change fails when it was before.
    pub fn write(&self, change: &mut Change, id: &AppId, now: At) -> Handle {
        let key = keys::assertion(id.practice(), &self.digest);
        change.claim(&key, &Kept { expires_at: self.until }, now.seconds())
    }
}

/// The app that an assertion says it is of, before it is judged.
fn subject(assertion: &str) -> Option<AppId> {
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    AppId::parse(&claims.sub)
}

/// Judges an assertion (RFC 7523, section 3; FAPI 2.0, section 5.3.2.1).
fn judge(assertion: &str, app: &RegisteredApp, issuer: &str, now: At) -> Option<Used> {
    let header = header_of(assertion)?;
    if header.get("crit").is_some() || header.get("alg")? != "ES256" {
        return None;
    }
    let kid = header.get("kid")?.as_str()?;
    let PublicKey { x, y, .. } =
        app.registration.public_keys.iter().find(|key| key.kid.as_str() == kid)?;
    let key = DecodingKey::from_ec_components(x, y).ok()?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_aud = false;
    validation.validate_exp = false;
    let Claims { iss, sub, aud, exp, jti, iat, nbf } =
        jsonwebtoken::decode::<Claims>(assertion, &key, &validation).ok()?.claims;
    let (id, now) = (app.app_id.to_string(), now.seconds());
    let whose = iss == id && sub == id && aud == issuer;
    let when = exp > now
        && exp <= now + LONGEST + LEEWAY
        && iat.is_none_or(|at| at <= now + LEEWAY)
        && nbf.is_none_or(|at| at <= now + LEEWAY);
    let once = !jti.is_empty() && jti.len() <= 256;
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{id} {jti}")));
    (whose && when && once).then_some(Used { digest, until: exp + LEEWAY })
}
