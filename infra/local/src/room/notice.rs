//! Logout notices: tokens that the portal posts when a session ended (OpenID Connect Back-Channel
//! Logout 1.0, sections 2.4 and 2.6).

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Map, Value};

/// The event that a logout token tells.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Seconds by which the portal's clock may differ.
const LEEWAY: i64 = 10;

/// A notice that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The session, or all sessions of the person.
    pub sid: Option<String>,
    /// The person.
    pub sub: Option<String>,
    /// Which notice it is.
    pub jti: String,
    /// The last second in which it holds.
    pub until: i64,
}

/// Why a token is no notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Not {
    /// It names a key that is not known: perhaps a new one.
    UnknownKey,
    /// It says something that does not hold.
    Valid(&'static str),
}

/// Judges a logout token.
///
/// # Errors
/// Why it is not taken.
pub fn judge(
    token: &str,
    keys: &JwkSet,
    issuer: &str,
    client_id: &str,
    now: i64,
) -> Result<Notice, Not> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Not::Valid("not a JWT"))?;
    if header.alg != Algorithm::ES256 || header.crit.is_some() {
        return Err(Not::Valid("alg or crit"));
    }
    // No ID token passes for a notice.
    if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("logout+jwt")) {
        return Err(Not::Valid("typ"));
    }
    let kid = header.kid.ok_or(Not::Valid("kid"))?;
    let key = keys.find(&kid).ok_or(Not::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Not::Valid("key"))?;
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[client_id]);
    rules.set_required_spec_claims(&["iss", "aud"]);
    // Judged below, at `now`.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &rules)
        .map_err(|_| Not::Valid("signature, iss or aud"))?
        .claims;
    let seconds = |name: &'static str| claims.get(name).and_then(Value::as_i64);
    let (Some(iat), Some(exp)) = (seconds("iat"), seconds("exp")) else {
        return Err(Not::Valid("iat or exp is missing"));
    };
    if iat > now + LEEWAY || exp <= now - LEEWAY {
        return Err(Not::Valid("iat or exp"));
    }
    if claims.contains_key("nonce") {
        return Err(Not::Valid("nonce"));
    }
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(Not::Valid("events"));
    }
    let text = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(Not::Valid(name)),
    };
    let (sid, sub) = (text("sid")?, text("sub")?);
    if sid.is_none() && sub.is_none() {
        return Err(Not::Valid("sid and sub are missing"));
    }
    let jti = text("jti")?.ok_or(Not::Valid("jti"))?;
    Ok(Notice { sid, sub, jti, until: exp + LEEWAY })
}
