//! Cookies of sessions and devices: `__Host-`, `HttpOnly`, `Secure`, `SameSite=Strict`.

use http::{HeaderMap, HeaderValue, header};

use crate::{jwt::Audience, problem::Problem};

/// Name of an audience's cookie.
#[must_use]
pub const fn name(audience: Audience) -> &'static str {
    match audience {
        Audience::Staff => "__Host-latchkey-staff",
        Audience::Portal => "__Host-latchkey-portal",
    }
}

/// Name of the cookie that tells a device that signed in before: see [`crate::device`].
pub const DEVICE: &str = "__Host-latchkey-device";

/// A cookie that is kept for so many seconds.
///
/// # Errors
/// 500 when the value is no header value, which a JWT always is.
pub fn set(name: &str, value: &str, seconds: i64) -> Result<HeaderValue, Problem> {
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict");
    HeaderValue::from_str(&text).map_err(|e| Problem::internal(e.to_string()))
}

/// The cookie that ends a session in the browser.
#[must_use]
pub fn clear(audience: Audience) -> HeaderValue {
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
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
