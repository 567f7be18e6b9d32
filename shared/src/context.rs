//! Time, chance and the deployment's secret: what makes a program unpredictable, in one value, so
//! that tests put their own in its place.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ulid::Ulid;

use crate::{
    fields::{At, Secret},
    problem::Problem,
};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> At + Send + Sync>;
/// Fills a buffer with bytes nobody can guess.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The clock, the source of randomness and the HMAC secret of a running function.
///
/// The secret is `lasting.replaceable`. The first key names what is kept for good, such as accounts: with
/// another one, nobody would find their account again. The second can be replaced when it may have become
/// known; links that were sent with the one before end then. A secret without a dot is both.
pub struct Context {
    clock: Clock,
    entropy: Entropy,
    secret: Option<Secret>,
    last: Mutex<Ulid>,
    hashes: AtomicU64,
}

impl Context {
    /// A context; `secret` has the keys of [`Context::hmac`] and [`Context::lasting_hmac`], for the
    /// functions that have it.
    #[must_use]
    pub fn new(clock: Clock, entropy: Entropy, secret: Option<Secret>) -> Self {
        Self { clock, entropy, secret, last: Mutex::default(), hashes: AtomicU64::new(0) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> At {
        (self.clock)()
    }

    /// Bytes nobody can guess.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    /// A new ULID: 48 bits of time, 80 bits of randomness. Within a millisecond each sorts after the
    /// one before, so the events of one request read in their order.
    #[must_use]
    pub fn ulid(&self) -> Ulid {
        let mut random = [0; 16];
        random[6..].copy_from_slice(&self.random::<10>());
        let fresh =
            Ulid::from_parts(self.now().millis().unsigned_abs(), u128::from_be_bytes(random));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let same = last.timestamp_ms() == fresh.timestamp_ms();
        let next = if same { last.increment().ok() } else { None };
        *last = next.unwrap_or(fresh);
        *last
    }

    /// Notes that a password is hashed or verified.
    pub(crate) fn note_hash(&self) {
        self.hashes.fetch_add(1, Ordering::Relaxed);
    }

    /// How many passwords were hashed or verified so far: each costs tens of milliseconds.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// HMAC-SHA-256 (RFC 2104) under the replaceable key: for links, counters and whatever else ends by
    /// itself. `purpose` separates the uses: a value of one means nothing in another.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn hmac(&self, purpose: &str, parts: &[&[u8]]) -> Result<[u8; 32], Problem> {
        let secret = self.secret()?;
        mac(secret.split_once('.').map_or(secret, |(_, replaceable)| replaceable), purpose, parts)
    }

    /// The same under the key that is never replaced: for the keys of items that stay.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn lasting_hmac(&self, purpose: &str, parts: &[&[u8]]) -> Result<[u8; 32], Problem> {
        let secret = self.secret()?;
        mac(secret.split_once('.').map_or(secret, |(lasting, _)| lasting), purpose, parts)
    }

    fn secret(&self) -> Result<&str, Problem> {
        let secret = self.secret.as_ref();
        let secret =
            secret.ok_or_else(|| Problem::internal("this function has no token secret"))?;
        Ok(secret.reveal())
    }
}

fn mac(key: &str, purpose: &str, parts: &[&[u8]]) -> Result<[u8; 32], Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map_err(|e| Problem::internal(e.to_string()))?;
    mac.update(purpose.as_bytes());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}

/// The system's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        At::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// The system's randomness.
///
/// # Panics
/// The closure panics when the operating system has no randomness: nothing safe can go on then.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness no token is safe: stop")]
pub fn system_entropy() -> Entropy {
    Arc::new(|buffer| getrandom::fill(buffer).expect("the operating system's randomness"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(secret: &str) -> Context {
        let secret = Secret::new(secret.to_owned());
        Context::new(Arc::new(|| At::from_millis(0)), Arc::new(|_| ()), Some(secret))
    }

    #[test]
    fn another_replaceable_key_changes_nothing_that_lasts() {
        let of = |secret: &str| {
            let context = with(secret);
            let parts: [&[u8]; 1] = [b"harbor"];
            (context.lasting_hmac("account", &parts).ok(), context.hmac("account", &parts).ok())
        };
        let (before, after) = (of("kept.one"), of("kept.two"));
        assert!(before.0.is_some() && before.0 == after.0 && before.1 != after.1);
        // What was one key before it was replaced for the first time goes on as the lasting one.
        let (single, replaced) = (of("kept"), of("kept.one"));
        assert!(single.0 == single.1 && single.0 == replaced.0 && single.1 != replaced.1);
    }
}
