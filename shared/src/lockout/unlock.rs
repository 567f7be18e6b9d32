//! Staff end a lock, after they made sure who asks.
//!
//! The count of the sign-in name begins anew, and so do those of the devices that are known to the account: what a
//! device counted belongs to an unlocking ([`Lock::unlocked`]), and counts no more after the next one. So no device
//! has to be looked for. The counters of networks stay.
//!
//! What a stranger can see of it: that a name which was locked is not locked any more, sooner than was said. That
//! happens to names that exist alone, and only when staff were asked.

use crate::{
    device::Known,
    fields::At,
    id::{AccountId, AccountKey, Epoch, PracticeId},
    keys::{self, Key},
    problem::Problem,
    store::{Store, Update, both, parse},
};

use super::{FORGOTTEN, Lock};

/// The counters that can shut an account's person out: of the sign-in name, and of devices.
#[derive(Debug)]
pub struct Locks {
    name: Option<Lock>,
    devices: Vec<Known>,
}

impl Locks {
    /// Reads them.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn load(
        store: &Store,
        practice: &PracticeId,
        account: &AccountKey,
    ) -> Result<Self, Problem> {
        let key = keys::lock(practice, account);
        let (name, devices) = both(store.get(&key), store.partition(&key.pk, keys::DEVICE)).await?;
        Ok(Self { name, devices: devices.into_iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// Whether the person of the account has to wait, wherever they sign in.
    #[must_use]
    pub fn stand(&self, of: AccountId, now: At) -> bool {
        let unlocked = self.name.as_ref().and_then(|lock| lock.unlocked);
        let waits = |until: Option<At>| until.is_some_and(|until| until > now);
        let locked = |device: &Known| {
            device.is_of(of, now) && waits(device.clone().since(unlocked).locked_until)
        };
        waits(self.name.as_ref().and_then(|lock| lock.locked_until))
            || self.devices.iter().any(locked)
    }

    /// Begins an update of the counter of the sign-in name, which must be as it was read.
    #[must_use]
    pub fn as_read(&self, key: Key) -> Update {
        let update = Update::upsert(key);
        match &self.name {
            Some(lock) => update.when("rev", "=", &lock.rev),
            None => update.when_absent("rev"),
        }
    }
}

/// As part of an update of the counter of a sign-in name: it begins anew, and so do those of devices.
#[must_use]
pub fn end(update: Update, unlocked: Epoch, now: At) -> Update {
    update
        .set("failures", &0)
        .set("unlocked", &unlocked)
        .set("expiresAt", &(now.seconds() + FORGOTTEN))
        .unset("lockedUntil")
}
