//! What a sign-in with a passkey alone is held to. A passkey cannot be guessed, so that nothing closes its way that was
//! counted of passwords, of whatever name, device or network: strangers who guess do not shut its owner out on a new
//! device. Passkeys that are not right are counted per network, for themselves.

use std::collections::HashMap;

use super::{Door, Network, Sources, refuse};
use crate::{
    app::App,
    caller::Caller,
    device::{Known, Presented},
    fields::At,
    history::{Action, Event},
    id::{AccountKey, PracticeId},
    keys::Key,
    problem::Problem,
    store::{Change, Item, parse},
};

/// The failures of the networks that a passkey comes from, and the device that it is used on.
#[derive(Debug)]
pub struct PasskeyCounters {
    sources: Sources,
    device_key: Option<Key>,
    device: Option<Known>,
}

impl PasskeyCounters {
    /// Those of an attempt. Nothing of them is read yet.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn of(
        app: &App,
        caller: &Caller,
        presented: &Presented,
        (practice, account): (&PracticeId, &AccountKey),
    ) -> Result<Self, Problem> {
        let device = presented.device().map(|device| device.key(app, practice, account));
        Ok(Self {
            sources: Sources::of(app, Door::Passkey, &caller.source)?,
            device_key: device.transpose()?,
            device: None,
        })
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.device_key.iter().cloned().chain(self.sources.keys())
    }

    /// Takes them out of what was read.
    ///
    /// # Errors
    /// 500 when one is not what it should be.
    pub fn read(&mut self, items: &mut HashMap<Key, Item>) -> Result<(), Problem> {
        self.sources.read(items)?;
        let device = self.device_key.as_ref().and_then(|key| items.remove(key));
        self.device = device.map(parse).transpose()?;
        Ok(())
    }

    /// Whether the attempt has to wait.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn refuse(&self, now: At) -> Result<(), Problem> {
        refuse(self.sources.locked_until(now), now)
    }

    /// Counts a passkey that is not right, with its event and one for each network that reaches its limit.
    pub fn count(&self, change: &mut Change, now: At, event: impl Fn(Action) -> Event) {
        change.event(&event(Action::SignInRefused));
        let network = |network: Network| event(Action::Locked).because(network.slug());
        self.sources.count(change, now, network);
    }

    /// Demands, for a right passkey, that no network has reached its limit meanwhile.
    pub fn demand(&self, change: &mut Change, now: At) {
        self.sources.demand(change, now);
    }

    /// At which `rev` the device was read; 0 for one that is not kept.
    #[must_use]
    pub fn device_rev(&self) -> u64 {
        self.device.as_ref().map_or(0, |device| device.rev)
    }
}
