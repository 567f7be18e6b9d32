//! The counters that one attempt at a password is held to: signing in, and proving in a session that one
//! is still the person. They are read together with what the attempt is judged by, and written with its
//! answer.

use std::collections::HashMap;

use super::{Door, Lock, Lockout, Network, Sources, count, refuse};
use crate::{
    app::App,
    caller::Caller,
    context::Context,
    device::{Known, Presented},
    fields::At,
    history::{Action, Event},
    id::{AccountId, AccountKey, PracticeId},
    keys::{self, Key},
    problem::Problem,
    store::{Change, Item, parse},
};

/// The failures of a sign-in name, of the networks that a request comes from, and of the device that it
/// shows. A device that signed in to the account before is held to its own count alone.
#[derive(Debug)]
pub struct Counters {
    practice: PracticeId,
    account: AccountKey,
    lock_key: Key,
    lock: Option<Lock>,
    sources: Sources,
    device_key: Option<Key>,
    device: Option<Known>,
}

impl Counters {
    /// Those of an attempt. Nothing of them is read yet.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn of(
        app: &App,
        caller: &Caller,
        presented: &Presented,
        practice: &PracticeId,
        account: &AccountKey,
    ) -> Result<Self, Problem> {
        let key = |device: &crate::device::Device| device.key(app, practice, account);
        Ok(Self {
            practice: practice.clone(),
            account: account.clone(),
            lock_key: keys::lock(practice, account),
            lock: None,
            sources: Sources::of(app, Door::SignIn, &caller.source)?,
            device_key: presented.device().map(key).transpose()?,
            device: None,
        })
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let device = self.device_key.iter().cloned();
        [self.lock_key.clone()].into_iter().chain(device).chain(self.sources.keys())
    }

    /// Takes them out of what was read.
    ///
    /// # Errors
    /// 500 when one is not what it should be.
    pub fn read(&mut self, items: &mut HashMap<Key, Item>) -> Result<(), Problem> {
        self.sources.read(items)?;
        self.lock = items.remove(&self.lock_key).map(parse).transpose()?;
        let device = self.device_key.as_ref().and_then(|key| items.remove(key));
        let device: Option<Known> = device.map(parse).transpose()?;
        let unlocked = self.lock.as_ref().and_then(|lock| lock.unlocked);
        self.device = device.map(|device| device.since(unlocked));
        Ok(())
    }

    /// The device, if it signed in to this account before, and where it is kept.
    fn known(&self, of: Option<AccountId>, now: At) -> Option<(&Key, &Known)> {
        let of = of?;
        let device = self.device.as_ref().filter(|device| device.is_of(of, now))?;
        self.device_key.as_ref().zip(Some(device))
    }

    /// Whether an attempt at the account, if there is one, has to wait.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn refuse(&self, of: Option<AccountId>, now: At) -> Result<(), Problem> {
        let until = if let Some((_, device)) = self.known(of, now) {
            device.locked_until
        } else {
            let name = self.lock.as_ref().and_then(|lock| lock.locked_until);
            name.max(self.sources.locked_until(now))
        };
        refuse(until, now)
    }

    /// Counts a failure, with its event and one for each lock that it brings about. `event` makes an event
    /// of the attempt; `refused` is what the failure is called.
    pub fn count(
        &self,
        context: &Context,
        of: Option<AccountId>,
        change: &mut Change,
        (refused, event): (Action, impl Fn(Action) -> Event),
    ) {
        let now = context.now();
        let (locked, whose) = if let Some((key, device)) = self.known(of, now) {
            (device.count(change, key, now), "device")
        } else {
            let until = count(change, &self.lock_key, self.lock.as_ref(), now);
            if let Some(until) = until {
                Lockout::queue(context, &self.practice, &self.account, until, change);
            }
            (until.is_some(), "sign-in-name")
        };
        change.event(&event(refused));
        if locked {
            change.event(&event(Action::Locked).because(whose));
        }
        let network = |network: Network| event(Action::Locked).because(network.slug());
        self.sources.count(change, now, network);
    }

    /// Counts a failure against the networks alone, where there is no history to record it in.
    pub fn count_unrecorded(&self, change: &mut Change, now: At) {
        self.sources.count_unrecorded(change, now);
    }

    /// Records, with a refusal that has a history, which networks reached their limit by a failure that
    /// had none.
    pub fn record(&self, change: &mut Change, now: At, event: impl Fn(Action) -> Event) {
        let network = |network: Network| event(Action::Locked).because(network.slug());
        self.sources.record(change, now, network);
    }

    /// Demands, for a right password, that nobody counted meanwhile: else a burst of guesses would still
    /// get its right answer. Of a known device, what notes its success demands it.
    pub fn demand(&self, of: Option<AccountId>, change: &mut Change, now: At) {
        if self.known(of, now).is_none() {
            change.unchanged(&self.lock_key, self.lock.as_ref().map_or(0, |lock| lock.rev));
            self.sources.demand(change, now);
        }
    }

    /// Demands that a known device counted nothing meanwhile, for a right password that opens nothing.
    pub fn demand_device(&self, of: Option<AccountId>, change: &mut Change, now: At) {
        if let Some((key, device)) = self.known(of, now) {
            change.unchanged(key, device.rev);
        }
    }

    /// At which `rev` the device was read; 0 for one that is not kept.
    #[must_use]
    pub fn device_rev(&self) -> u64 {
        self.device.as_ref().map_or(0, |device| device.rev)
    }

    /// Takes a right password of an account in a session: as [`Self::demand`], and a known device that failed
    /// begins to count anew.
    pub fn succeed(&self, of: AccountId, change: &mut Change, now: At) {
        match self.known(Some(of), now) {
            Some((key, device)) if device.has_failed() => {
                change.replace(key, &Known::new(of, now), device.rev);
            }
            Some(_) => self.demand_device(Some(of), change, now),
            None => self.demand(None, change, now),
        }
    }
}
