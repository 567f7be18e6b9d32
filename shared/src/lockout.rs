//! Guessing is slow: failures are counted per username and per source address, and no answer
//! leaves before its failure is counted.
//!
//! Counting is part of the same write that the answer waits for, on the condition that nobody
//! counted meanwhile: a thousand guesses at once are judged one after the other. That holds for the
//! right guess too, which must find the count as it was read. The counter of a username exists
//! whether or not the username does.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    fields::At,
    id::PracticeId,
    keys::{self, Key},
    problem::Problem,
    store::{Change, Update},
};

/// Failures of a username before it has to wait.
pub const FAILURES: u32 = 5;
/// Longest wait, in minutes.
const LONGEST: u32 = 15;
/// Failures of a source address in one window before it has to wait.
pub const SOURCE_FAILURES: u32 = 50;
/// The window, in seconds.
pub const SOURCE_WINDOW: i64 = 15 * 60;
/// Seconds after which a username's failures are forgotten.
const FORGOTTEN: i64 = 24 * 60 * 60;

/// Failures of a username, as stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// Failures since the last success.
    #[serde(default)]
    pub failures: u32,
    /// Until when no attempt is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<At>,
    /// When DynamoDB may forget it (seconds since 1970).
    #[serde(default)]
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// Failures of a source address, as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Failures in the window.
    #[serde(default)]
    pub failures: u32,
    /// When the window ends.
    pub window_ends_at: At,
    /// When DynamoDB may forget it (seconds since 1970).
    #[serde(default)]
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// What failures of an address are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Signing in.
    SignIn,
    /// Asking for a password reset.
    Reset,
}

/// Where the failures of a source address stand.
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn source_key(
    context: &Context,
    practice: &PracticeId,
    door: Door,
    source: &str,
) -> Result<Key, Problem> {
    let purpose = match door {
        Door::SignIn => "source",
        Door::Reset => "source of resets",
    };
    let network = network(source);
    let parts = [practice.as_str().as_bytes(), network.as_bytes()];
    Ok(keys::source(practice, &digest(context, purpose, &parts)?))
}

/// Whose address it is: of IPv6 the first 64 bits, for within them everybody has all addresses (RFC
/// 4291, section 2.5.4); an IPv4 address, mapped into IPv6 or not, is one host.
fn network(source: &str) -> String {
    match source.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => source.to_owned(),
    }
}

fn digest(context: &Context, purpose: &str, parts: &[&[u8]]) -> Result<String, Problem> {
    Ok(URL_SAFE_NO_PAD.encode(context.hmac(purpose, parts)?))
}

/// Refuses an attempt while the username or the address has to wait.
///
/// # Errors
/// 429 with the seconds to wait.
pub fn refuse(lock: Option<&Lock>, source: Option<&Source>, now: At) -> Result<(), Problem> {
    let username = lock.and_then(|l| l.locked_until);
    let address = source.filter(|s| s.failures >= SOURCE_FAILURES).map(|s| s.window_ends_at);
    match username.into_iter().chain(address).max() {
        Some(until) if until > now => {
            let seconds = (until.millis() - now.millis() + 999) / 1000;
            Err(Problem::too_many_attempts(u32::try_from(seconds).unwrap_or(u32::MAX)))
        }
        _ => Ok(()),
    }
}

/// Counts a failure of a username.
pub fn count(change: &mut Change, key: &Key, lock: Option<&Lock>, now: At) {
    let before = lock.filter(|l| l.expires_at > now.seconds());
    let failures = before.map_or(0, |l| l.failures) + 1;
    let locked_until = (failures >= FAILURES).then(|| {
        let minutes = 2_u32.saturating_pow(failures - FAILURES).min(LONGEST);
        now.plus(i64::from(minutes) * 60)
    });
    let expires_at = now.seconds() + FORGOTTEN;
    let next = Lock { failures, locked_until, expires_at, rev: 0 };
    change.replace(key, &next, lock.map_or(0, |l| l.rev));
}

/// Counts a failure of a source address, unless it has reached its limit meanwhile.
pub fn count_source(change: &mut Change, key: &Key, source: Option<&Source>, now: At) {
    match source {
        Some(s) if s.window_ends_at > now => {
            let update = Update::of(key.clone())
                .add("failures", 1)
                .when("failures", "<", &SOURCE_FAILURES)
                .when("windowEndsAt", "=", &s.window_ends_at);
            change.update(&update);
        }
        _ => {
            let window_ends_at = now.plus(SOURCE_WINDOW);
            let next = Source {
                failures: 1,
                window_ends_at,
                expires_at: window_ends_at.seconds(),
                rev: 0,
            };
            change.replace(key, &next, source.map_or(0, |s| s.rev));
        }
    }
}

/// Forgets the failures of a username after a success, if they are still as they were read.
pub fn clear(change: &mut Change, key: &Key, lock: Option<&Lock>) {
    match lock {
        Some(lock) => change.remove(key, lock.rev),
        None => change.unchanged(key, 0),
    };
}

/// Demands, for a success, that the source address has not reached its limit meanwhile: else a
/// burst over many usernames would still get its right answers.
pub fn demand_source(change: &mut Change, key: &Key, source: Option<&Source>, now: At) {
    match source {
        Some(past) if past.window_ends_at <= now => change.unchanged(key, past.rev),
        _ => {
            let below = Update::upsert(key.clone());
            change.demand(&below.when_absent_or("failures", "<", &SOURCE_FAILURES))
        }
    };
}
