//! Devices that signed in before, known by a cookie of their own, so that strangers who guess cannot
//! shut the owner out.
//!
//! A known device has its own count of failures beside the count of a sign-in name (see
//! [`crate::lockout`]): it passes the wait that strangers caused, and its failures are no strangers'.
//! The item of a device names the account that signed in. The device is known while that is the account
//! of the name: the next owner of a name inherits none.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::Context,
    cookie,
    fields::{At, Secret},
    id::{AccountId, AccountKey, Epoch, PracticeId},
    idempotency::Attempt,
    keys::{self, Key},
    lockout,
    problem::Problem,
    store::{Change, Update},
};

/// Seconds after the last success in which a device is forgotten: as long as browsers keep a cookie
/// (RFC 6265bis, section 5.5).
const KEPT: i64 = 400 * 24 * 60 * 60;

/// What kind of device a browser runs on, as far as it says: people tell their sessions apart by it, and
/// nothing is decided by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeviceKind {
    /// A telephone.
    Phone,
    /// A tablet. Some say that they are computers.
    Tablet,
    /// A computer.
    Computer,
    /// It does not say, or a newer version knows more.
    #[default]
    #[serde(other)]
    Unknown,
}

impl DeviceKind {
    /// The kind that the headers of a request tell (`User-Agent`, RFC 9110).
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let agent = agent.unwrap_or_default();
        let names = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        if names(&["iPad", "Tablet", "Kindle", "Silk/"])
            || names(&["Android"]) && !names(&["Mobile"])
        {
            Self::Tablet
        } else if names(&["Mobi", "iPhone", "iPod"]) {
            Self::Phone
        } else if names(&["Windows NT", "Macintosh", "X11;", "CrOS"]) {
            Self::Computer
        } else {
            Self::Unknown
        }
    }
}

/// A device: 32 random bytes, in unpadded base64url, and of which kind it is.
#[derive(Debug, Clone)]
pub struct Device {
    cookie: Secret,
    kind: DeviceKind,
}

impl Device {
    fn of_bytes(bytes: [u8; 32], kind: DeviceKind) -> Self {
        Self { cookie: Secret::new(URL_SAFE_NO_PAD.encode(bytes)), kind }
    }

    fn parse(text: &str, kind: DeviceKind) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self { cookie: Secret::new(text.to_owned()), kind })
    }

    /// Of which kind it is.
    #[must_use]
    pub const fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// Where it is kept beside the lock of a sign-in name. Keys of other names tell nobody that it is
    /// the same device.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn key(
        &self,
        context: &Context,
        practice: &PracticeId,
        account: &AccountKey,
    ) -> Result<Key, Problem> {
        let parts = [practice.as_str(), account.as_str(), self.cookie.reveal()];
        let digest = context.hmac("device", &parts.map(str::as_bytes))?;
        Ok(keys::device(practice, account, &URL_SAFE_NO_PAD.encode(digest)))
    }

    /// Its cookie, kept anew for as long as browsers do.
    ///
    /// # Errors
    /// 500 when it is no header value, which it always is.
    pub fn cookie(&self) -> Result<HeaderValue, Problem> {
        cookie::set(cookie::DEVICE, self.cookie.reveal(), KEPT)
    }
}

/// The device that a request shows. Take it as an argument of a handler.
#[derive(Debug, Clone)]
pub struct Presented {
    device: Option<Device>,
    kind: DeviceKind,
}

impl Presented {
    /// The device, if the request shows one that is well formed.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// The device, or a new one for a browser that has none.
    #[must_use]
    pub fn or_new(&self, context: &Context) -> Device {
        self.device.clone().unwrap_or_else(|| Device::of_bytes(context.random(), self.kind))
    }

    /// The device, or a new one: the same for a repetition of a request that may be repeated, whose
    /// first answer may have been lost.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn or_repeated(&self, context: &Context, attempt: &Attempt) -> Result<Device, Problem> {
        match (&self.device, attempt.digest()) {
            (None, Some(digest)) => {
                let bytes = context.hmac("device of a request", &[digest.as_bytes()])?;
                Ok(Device::of_bytes(bytes, self.kind))
            }
            _ => Ok(self.or_new(context)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let kind = DeviceKind::of(&parts.headers);
        let shown = cookie::value(&parts.headers, cookie::DEVICE);
        Ok(Self { device: shown.and_then(|text| Device::parse(text, kind)), kind })
    }
}

/// A device that signed in to an account, as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// The account.
    pub account_id: AccountId,
    /// Failures since the last success, or since a day passed without one.
    #[serde(default)]
    failures: u32,
    /// Until when no attempt is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<At>,
    /// When the failures are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten_at: Option<At>,
    /// After which unlocking by staff they were counted: see [`lockout::unlock`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unlocked: Option<Epoch>,
    /// When DynamoDB may forget it (seconds since 1970).
    #[serde(default)]
    expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

impl Known {
    /// A device that has just signed in.
    #[must_use]
    pub fn new(account_id: AccountId, now: At) -> Self {
        let expires_at = now.seconds() + KEPT;
        Self {
            account_id,
            failures: 0,
            locked_until: None,
            forgotten_at: None,
            unlocked: None,
            expires_at,
            rev: 0,
        }
    }

    /// As it is since staff last ended a lock of the account: failures from before are void.
    #[must_use]
    pub fn since(mut self, unlocked: Option<Epoch>) -> Self {
        if unlocked.is_some() && self.unlocked != unlocked {
            (self.failures, self.locked_until, self.forgotten_at) = (0, None, None);
            self.unlocked = unlocked;
        }
        self
    }

    /// Whether it makes its device known to an account at `now`.
    #[must_use]
    pub fn is_of(&self, account: AccountId, now: At) -> bool {
        self.account_id == account && self.expires_at > now.seconds()
    }

    /// Whether failures of it are counted.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Counts a failure of the device. Answers whether it has to wait from now on, for the caller to
    /// record.
    #[must_use]
    pub fn count(&self, change: &mut Change, key: &Key, now: At) -> bool {
        let before = if self.forgotten_at.is_some_and(|at| at > now) { self.failures } else { 0 };
        let failures = before.saturating_add(1);
        let locked_until = lockout::wait(failures, now);
        let forgotten_at = Some(now.plus(lockout::FORGOTTEN));
        change.replace(
            key,
            &Self { failures, locked_until, forgotten_at, ..self.clone() },
            self.rev,
        );
        locked_until.is_some()
    }
}

/// Makes a device known to an account, for what proves the person in another way than by a password: a
/// link that was mailed. The answer sets [`Device::cookie`].
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn remember(
    context: &Context,
    change: &mut Change,
    device: &Device,
    (practice, key, account): (&PracticeId, &AccountKey, AccountId),
) -> Result<(), Problem> {
    let known = Known::new(account, context.now());
    let update = Update::upsert(device.key(context, practice, key)?)
        .set("accountId", &known.account_id)
        .set("failures", &known.failures)
        .set("expiresAt", &known.expires_at)
        .unset("lockedUntil")
        .unset("forgottenAt");
    change.update(&update);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_we_never_made_is_none() {
        let made = URL_SAFE_NO_PAD.encode([7; 32]);
        let kind = DeviceKind::Unknown;
        assert!(Device::parse(&made, kind).is_some());
        let (short, long) = (URL_SAFE_NO_PAD.encode([7; 31]), URL_SAFE_NO_PAD.encode([7; 33]));
        for wrong in
            ["", "x", &short, &long, &format!("{made}="), &format!(" {made}"), &"é".repeat(21)]
        {
            assert!(Device::parse(wrong, kind).is_none(), "{wrong}");
        }
    }
    #[test]
    fn browsers_are_told_apart_by_what_they_run_on() {
        let kind = |agent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, agent.parse().expect("a header"));
            DeviceKind::of(&headers)
        };
        for (agent, expected) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
                DeviceKind::Phone,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
                DeviceKind::Phone,
            ),
            (
                "Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0",
                DeviceKind::Phone,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
                DeviceKind::Tablet,
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
                DeviceKind::Tablet,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0",
                DeviceKind::Computer,
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
                DeviceKind::Computer,
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
                DeviceKind::Computer,
            ),
            ("curl/8.5.0", DeviceKind::Unknown),
            ("", DeviceKind::Unknown),
        ] {
            assert_eq!(kind(agent), expected, "{agent}");
        }
        assert_eq!(DeviceKind::of(&HeaderMap::new()), DeviceKind::Unknown);
        let later: DeviceKind = serde_json::from_str("\"watch\"").expect("read");
        assert_eq!(later, DeviceKind::Unknown);
    }
}
