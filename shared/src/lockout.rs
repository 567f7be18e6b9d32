//! Guessing is slow: failures are counted per sign-in name and per network that they come from.
//!
//! Counting is part of the same write that the answer waits for, on the condition that nobody
//! counted meanwhile: a thousand guesses at once are judged one after the other. That holds for the
//! right guess too, which must find the count as it was read.
//!
//! - The counter of a sign-in name exists whether or not the name does. It counts strangers; the
//!   devices that signed in before have their own: see [`crate::device`]. A success changes nothing of
//!   it, so that nobody else can tell that somebody signed in.
//! - The counters of networks are the same for all practices.
//! - Staff can end a lock: see [`unlock`].

mod counters;
mod passkeys;
pub mod unlock;

use std::{collections::HashMap, net::IpAddr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    fields::At,
    history::Event,
    id::{AccountKey, Epoch, LockoutId, PracticeId},
    keys::{self, Key},
    problem::Problem,
    store::{Change, Item, Update, parse},
};

pub use self::{counters::Counters, passkeys::PasskeyCounters};

/// Failures in a row before a sign-in name, or a device, has to wait.
pub const FAILURES: u32 = 5;
/// Longest wait, in minutes.
const LONGEST: u32 = 15;
/// The window in which the failures of a network are counted, in seconds.
pub const SOURCE_WINDOW: i64 = 15 * 60;
/// Seconds after the last failure in which all are forgotten.
pub(crate) const FORGOTTEN: i64 = 24 * 60 * 60;

/// Until when the next attempt has to wait after so many failures in a row: 1, 2, 4 … 15 minutes from
/// the fifth on.
pub(crate) fn wait(failures: u32, now: At) -> Option<At> {
    (failures >= FAILURES).then(|| {
        let minutes = 2_u32.saturating_pow(failures - FAILURES).min(LONGEST);
        now.plus(i64::from(minutes) * 60)
    })
}

/// 429 while `until` is to come.
///
/// # Errors
/// 429 with the seconds to wait.
pub fn refuse(until: Option<At>, now: At) -> Result<(), Problem> {
    match until {
        Some(until) if until > now => {
            let seconds = (until.millis() - now.millis() + 999) / 1000;
            Err(Problem::too_many_attempts(u32::try_from(seconds).unwrap_or(u32::MAX)))
        }
        _ => Ok(()),
    }
}

/// Failures of a sign-in name, as stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// Failures since a day passed without one.
    #[serde(default)]
    pub failures: u32,
    /// Until when no attempt is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<At>,
    /// The last time that staff ended a lock of it. What devices counted before is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlocked: Option<Epoch>,
    /// When DynamoDB may forget it (seconds since 1970).
    #[serde(default)]
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// Word that a sign-in name is locked, as stored: the stream-driven function tells the portal users of the
/// account, if there is one, so that staff see who is locked out. The request cannot: it writes the same
/// whether or not there is an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lockout {
    /// The practice.
    pub practice: PracticeId,
    /// Where the account with the sign-in name is kept, if there is one.
    pub account: AccountKey,
    /// Until when it is locked.
    pub until: At,
    /// [`keys::PENDING`]: it waits until it is gone.
    pub pending: String,
    /// When it is given up (seconds since 1970): it is of no use after the lock.
    pub expires_at: i64,
}

impl Lockout {
    /// Puts it where the stream-driven function finds it, as part of a change.
    pub fn queue(
        context: &Context,
        practice: &PracticeId,
        account: &AccountKey,
        until: At,
        change: &mut Change,
    ) {
        let key = keys::lockout(practice, account, LockoutId::new(context.ulid()));
        let lockout = Self {
            practice: practice.clone(),
            account: account.clone(),
            until,
            pending: keys::PENDING.to_owned(),
            expires_at: until.seconds(),
        };
        change.insert(&key, &lockout);
    }
}

/// Counts a failure of a sign-in name. Answers until when it has to wait from now on, for the caller to
/// record.
#[must_use]
pub fn count(change: &mut Change, key: &Key, lock: Option<&Lock>, now: At) -> Option<At> {
    let before = lock.filter(|l| l.expires_at > now.seconds());
    let failures = before.map_or(0, |l| l.failures).saturating_add(1);
    let locked_until = wait(failures, now);
    let expires_at = now.seconds() + FORGOTTEN;
    let unlocked = lock.and_then(|l| l.unlocked);
    let next = Lock { failures, locked_until, unlocked, expires_at, rev: 0 };
    change.replace(key, &next, lock.map_or(0, |l| l.rev));
    locked_until
}

/// What failures of a network are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Signing in.
    SignIn,
    /// Signing in with a passkey alone.
    Passkey,
    /// Asking for a password reset.
    Reset,
    /// Sending a link that does not work.
    Link,
}

/// How much of the internet a counter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// An IPv4 address, or the first 64 bits of an IPv6 address: within them everybody has all
    /// addresses (RFC 4291, section 2.5.4).
    Host,
    /// The first 56 bits of an IPv6 address: what a household gets of its provider (RFC 6177).
    Household,
    /// The first 48 bits of an IPv6 address: what a company gets.
    Site,
}

impl Network {
    /// Failures in one window before nobody of the network is heard.
    #[must_use]
    pub const fn limit(self) -> u32 {
        match self {
            Self::Host => 50,
            Self::Household => 100,
            Self::Site => 200,
        }
    }

    /// The word for it in the history.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Host => "address",
            Self::Household | Self::Site => "network",
        }
    }
}

/// Failures of a network, as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    /// Failures in the window.
    #[serde(default)]
    failures: u32,
    /// When the window ends.
    window_ends_at: At,
    /// Whether the history says that the limit was reached.
    #[serde(default)]
    recorded: bool,
    /// When DynamoDB may forget it (seconds since 1970).
    #[serde(default)]
    expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    rev: u64,
}

/// The networks that a request comes from, smallest first, with their failures.
///
/// ```text
/// let mut sources = Sources::of(context, Door::SignIn, &caller.source)?;
/// sources.read(&mut items)?;      // after reading `sources.keys()`
/// match sources.locked_until(now) {
///     Some(_) => sources.record(&mut change, now, locked),
///     None => sources.count(&mut change, now, locked),
/// }
/// ```
///
/// [`crate::limited`] does all of that for a request that is counted whatever comes of it.
#[derive(Debug, Clone)]
pub struct Sources(Vec<Counter>);

#[derive(Debug, Clone)]
struct Counter {
    network: Network,
    key: Key,
    read: Option<Source>,
}

impl Sources {
    /// The networks of a source address. Nothing of them is read yet.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn of(context: &Context, door: Door, source: &str) -> Result<Self, Problem> {
        let purpose = match door {
            Door::SignIn => "source",
            Door::Passkey => "source of passkeys",
            Door::Reset => "source of resets",
            Door::Link => "source of dead links",
        };
        let counter = |(network, name): (Network, String)| {
            let digest = context.hmac(purpose, &[name.as_bytes()])?;
            let key = keys::source(&URL_SAFE_NO_PAD.encode(digest));
            Ok(Counter { network, key, read: None })
        };
        Ok(Self(networks(source).into_iter().map(counter).collect::<Result<_, Problem>>()?))
    }

    /// The keys of their counters.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.0.iter().map(|counter| counter.key.clone())
    }

    /// Takes their counters out of what was read.
    ///
    /// # Errors
    /// 500 when a counter is not what it should be.
    pub fn read(&mut self, items: &mut HashMap<Key, Item>) -> Result<(), Problem> {
        for counter in &mut self.0 {
            counter.read = items.remove(&counter.key).map(parse).transpose()?;
        }
        Ok(())
    }

    /// Until when nobody of these networks is heard.
    #[must_use]
    pub fn locked_until(&self, now: At) -> Option<At> {
        let spent = |counter: &Counter| {
            let source = counter.read.as_ref().filter(|s| s.window_ends_at > now)?;
            (source.failures >= counter.network.limit()).then_some(source.window_ends_at)
        };
        self.0.iter().filter_map(spent).max()
    }

    /// Counts a failure, with an event for each network that reaches its limit by it: of several
    /// requests at once, one alone writes that. A network that is over its limit is not counted further.
    pub fn count(&self, change: &mut Change, now: At, locked: impl Fn(Network) -> Event) {
        for network in self.add(change, now, true) {
            change.event(&locked(network));
        }
    }

    /// As [`Sources::count`], where there is no history to record it in: [`Sources::record`] makes up
    /// for it.
    pub fn count_unrecorded(&self, change: &mut Change, now: At) {
        self.add(change, now, false);
    }

    /// Writes an event for each network over its limit of which the history does not tell yet. To be
    /// called with each refusal that has a history.
    pub fn record(&self, change: &mut Change, now: At, locked: impl Fn(Network) -> Event) {
        for Counter { network, key, read } in &self.0 {
            let open = read.as_ref().filter(|s| s.window_ends_at > now);
            if let Some(s) = open.filter(|s| s.failures >= network.limit() && !s.recorded) {
                let update = Update::of(key.clone())
                    .set("recorded", &true)
                    .when("rev", "=", &s.rev)
                    .when("windowEndsAt", "=", &s.window_ends_at);
                change.update(&update);
                change.event(&locked(*network));
            }
        }
    }

    fn add(&self, change: &mut Change, now: At, recorded: bool) -> Vec<Network> {
        let mut reached = Vec::new();
        for Counter { network, key, read } in &self.0 {
            let limit = network.limit();
            match read {
                Some(s) if s.window_ends_at > now && s.failures >= limit => {}
                Some(s) if s.window_ends_at > now => {
                    let last = s.failures + 1 == limit;
                    let update = Update::of(key.clone())
                        .add("failures", 1)
                        // A count that is not taken for the last must not become it.
                        .when("failures", if last { "=" } else { "<" }, &(limit - 1))
                        .when("windowEndsAt", "=", &s.window_ends_at);
                    let update = if last { update.set("recorded", &recorded) } else { update };
                    change.update(&update);
                    reached.extend(last.then_some(*network));
                }
                _ => {
                    let window_ends_at = now.plus(SOURCE_WINDOW);
                    let expires_at = window_ends_at.seconds();
                    let next =
                        Source { failures: 1, window_ends_at, recorded: false, expires_at, rev: 0 };
                    change.replace(key, &next, read.as_ref().map_or(0, |s| s.rev));
                }
            }
        }
        reached
    }

    /// Demands, for a success, that no network has reached its limit meanwhile: else a burst over many
    /// sign-in names would still get its right answers.
    pub fn demand(&self, change: &mut Change, now: At) {
        for Counter { network, key, read } in &self.0 {
            match read {
                Some(past) if past.window_ends_at <= now => change.unchanged(key, past.rev),
                _ => {
                    let below = Update::upsert(key.clone());
                    change.demand(&below.when_absent_or("failures", "<", &network.limit()))
                }
            };
        }
    }
}

/// The networks of an address, smallest first. An IPv4 address, mapped into IPv6 or not, is one host;
/// what is no address stands for itself.
fn networks(source: &str) -> Vec<(Network, String)> {
    match source.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            vec![
                (Network::Host, format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")),
                (Network::Household, format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)),
                (Network::Site, format!("{a:x}:{b:x}:{c:x}::/48")),
            ]
        }
        Ok(IpAddr::V4(address)) => vec![(Network::Host, address.to_string())],
        Err(_) => vec![(Network::Host, source.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Vec<String> {
        networks(source).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn an_ipv6_address_stands_in_three_networks_and_an_ipv4_address_in_one() {
        assert_eq!(
            names("2001:db8:1:2f3::9"),
            ["2001:db8:1:2f3::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"]
        );
        assert_eq!(names("2001:DB8:1:2FF:ffff::")[1], names("2001:db8:1:200::1")[1]);
        assert_ne!(names("2001:db8:1:300::1")[1], names("2001:db8:1:200::1")[1]);
        assert_eq!(names("198.51.100.9"), ["198.51.100.9"]);
        assert_eq!(names("::ffff:198.51.100.9"), ["198.51.100.9"]);
        assert_eq!(names("unknown"), ["unknown"]);
    }

    #[test]
    fn the_wait_doubles_from_the_fifth_failure_on_to_a_quarter_of_an_hour() {
        let now = At::from_millis(0);
        let minutes = |failures| wait(failures, now).map(|until| until.seconds() / 60);
        let waits: Vec<_> = (4..=11).map(minutes).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 15, 15, 15].map(|m| (m > 0).then_some(m)));
        assert_eq!(minutes(u32::MAX), Some(15));
    }
}
