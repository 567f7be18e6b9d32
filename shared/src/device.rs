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
use http::{HeaderValue, request::Parts};
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    cookie,
    fields::{At, Secret},
    id::{AccountId, AccountKey, PracticeId},
    idempotency::Attempt,
    keys::{self, Key},
    lockout,
    problem::Problem,
    store::{Change, Update},
};

/// Seconds after the last success in which a device is forgotten: as long as browsers keep a cookie
/// (RFC 6265bis, section 5.5).
const KEPT: i64 = 400 * 24 * 60 * 60;

/// A device: 32 random bytes, in unpadded base64url.
#[derive(Debug, Clone)]
pub struct Device(Secret);

impl Device {
    fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(Secret::new(text.to_owned())))
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
        let parts = [practice.as_str(), account.as_str(), self.0.reveal()];
        let digest = context.hmac("device", &parts.map(str::as_bytes))?;
        Ok(keys::device(practice, account, &URL_SAFE_NO_PAD.encode(digest)))
    }

    /// Its cookie, kept anew for as long as browsers do.
    ///
    /// # Errors
    /// 500 when it is no header value, which it always is.
    pub fn cookie(&self) -> Result<HeaderValue, Problem> {
        cookie::set(cookie::DEVICE, self.0.reveal(), KEPT)
    }
}

/// The device that a request shows. Take it as an argument of a handler.
#[derive(Debug, Clone)]
pub struct Presented(Option<Device>);

impl Presented {
    /// The device, if the request shows one that is well formed.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        self.0.as_ref()
    }

    /// The device, or a new one for a browser that has none.
    #[must_use]
    pub fn or_new(&self, context: &Context) -> Device {
        self.0.clone().unwrap_or_else(|| Device::of_bytes(context.random()))
    }

    /// The device, or a new one: the same for a repetition of a request that may be repeated, whose
    /// first answer may have been lost.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn or_repeated(&self, context: &Context, attempt: &Attempt) -> Result<Device, Problem> {
        match (&self.0, attempt.digest()) {
            (None, Some(digest)) => {
                Ok(Device::of_bytes(context.hmac("device of a request", &[digest.as_bytes()])?))
            }
            _ => Ok(self.or_new(context)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(cookie::value(&parts.headers, cookie::DEVICE).and_then(Device::parse)))
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
        Self { account_id, failures: 0, locked_until: None, forgotten_at: None, expires_at, rev: 0 }
    }

    /// Whether it makes its device known to an account at `now`.
    #[must_use]
    pub fn is_of(&self, account: AccountId, now: At) -> bool {
        self.account_id == account && self.expires_at > now.seconds()
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
        assert!(Device::parse(&made).is_some());
        let (short, long) = (URL_SAFE_NO_PAD.encode([7; 31]), URL_SAFE_NO_PAD.encode([7; 33]));
        for wrong in
            ["", "x", &short, &long, &format!("{made}="), &format!(" {made}"), &"é".repeat(21)]
        {
            assert!(Device::parse(wrong).is_none(), "{wrong}");
        }
    }
}
