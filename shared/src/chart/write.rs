//! The transaction that a change of a chart becomes: what the rules asked for and what follows from it.

use super::{
    Chart, access,
    edit::{ChartEdit, addresses},
    entries::{index, index_person},
};
use crate::{
    account::{self, Account, AddressEntry},
    client::{Client, Summary},
    factor::Factors,
    fields::{At, Email, Name},
    history::Event,
    id::{AccountKey, ClientId, PortalUserId, PracticeId},
    keys::{self, Found},
    lists::Listing,
    mail_budget::{Budgets, Spent},
    mirror::to_account,
    portal_user::{Access, KeptAnswer, PortalUser},
    problem::Problem,
    store::{Change, Handle, Update},
};

/// What another chart of an account is told if the transaction has room for it: derived data, which
/// decides nothing.
pub(super) enum Elsewhere {
    /// The client, with the summary of its portal users. The next change of that chart writes it too.
    Client(Box<Client>),
    /// That the account's reset ended. Left out, the chart counts it among what a revocation there ends,
    /// until its time is up.
    Reset(ClientId, PortalUserId),
    /// That the person is not locked out any more.
    Unlocked(ClientId, PortalUserId),
    /// How the person is found there: as it was and as it is, with the client's name. Left out, it
    /// stays as it was.
    Person(Found, Name, Box<(PortalUser, PortalUser)>),
}

/// What happens to one account. A transaction can touch an item once, so the rules of one change
/// meet here.
pub(super) enum AccountWrite {
    /// Parts of it change. `guessed`: on conditions that stand for an account that was not read.
    Update { update: Update, guessed: bool },
    /// It is written whole.
    Put(Box<Account>),
    /// It is removed at this `rev`.
    Remove(u64),
    /// It is removed if this is its only chart, and no passkey leads to it from elsewhere, which was guessed.
    RemoveIfLast(ClientId),
}

/// What a decision writes.
pub(super) struct Finished {
    /// The writes.
    pub(super) change: Change,
    /// Items whose failed condition means that an account has to be read.
    pub(super) guesses: Vec<(Handle, AccountKey)>,
    /// Locks whose failed condition means that what shuts the person of the account out has to be read.
    pub(super) locks: Vec<(Handle, AccountKey)>,
    /// The budgets of addresses, whose failed condition means that they have to be read.
    pub(super) spent: Spent,
    /// The record number's holder, whose failed condition means that it is taken.
    pub(super) record_number: Option<Handle>,
    /// The last client with the date of birth, whose failed condition means that there is another.
    pub(super) born: Option<Handle>,
    /// What a row of a change for many notes there, whose failed condition means that it is not to be made now.
    pub(super) row: Vec<Handle>,
    /// Whether the answer is kept for a repetition of the request.
    pub(super) keeps: bool,
    /// The event of a change that changes nothing: the answer shows the client's data all the same.
    pub(super) unchanged: Option<Event>,
}

impl ChartEdit<'_> {
    /// Updates parts of the account of a portal user, together with what other rules update there.
    pub(super) fn update_account(
        &mut self,
        user: &PortalUser,
        apply: impl FnOnce(Update) -> Update,
    ) {
        let begin = || to_account::begin(&self.chart.practice, self.chart.client.client_id, user);
        let write = self
            .account_writes
            .entry(user.account.clone())
            .or_insert_with(|| AccountWrite::Update { update: begin(), guessed: false });
        if let AccountWrite::Update { update, .. } = write {
            *update = apply(update.clone());
        }
    }

    /// As [`Self::update_account`], on the guess that the account has this chart alone.
    pub(super) fn guess_account(
        &mut self,
        user: &PortalUser,
        apply: impl FnOnce(Update) -> Update,
    ) {
        self.update_account(user, |update| apply(update.when_size("grants", "=", 1)));
        self.guessed(user);
    }

    /// As [`Self::update_account`], on the guess that the account has a second factor.
    pub(super) fn guess_factors(
        &mut self,
        user: &PortalUser,
        apply: impl FnOnce(Update) -> Update,
    ) {
        self.update_account(user, |update| apply(update.when_one_exists(&Factors::PLACES)));
        self.guessed(user);
    }

    fn guessed(&mut self, user: &PortalUser) {
        if let Some(AccountWrite::Update { guessed, .. }) =
            self.account_writes.get_mut(&user.account)
        {
            *guessed = true;
        }
    }

    /// Notes in an account that is written by this change when the invitation to another chart ends.
    pub(super) fn set_invited_until(&mut self, account: &AccountKey, client: ClientId, until: At) {
        match self.account_writes.get_mut(account) {
            Some(AccountWrite::Put(account)) => {
                if let Some(grant) = account.grants.get_mut(&client) {
                    grant.invited_until = Some(until);
                }
            }
            Some(AccountWrite::Update { update, .. }) => {
                let path = format!("grants.{client}.invitedUntil");
                *update = update.clone().set(&path, &until);
            }
            _ => {}
        }
    }

    /// Writes what leads from e-mail addresses to the accounts of this change. It is derived from
    /// what each account was and will be, so that no rule can forget it.
    fn write_addresses(&mut self) -> Result<(), Problem> {
        let practice = &self.chart.practice;
        for (key, write) in &self.account_writes {
            let before = match (self.beside.accounts.get(key), &self.read) {
                (Some(account), _) => account.as_ref().and_then(|account| account.email.as_ref()),
                // A portal user has the address of its account.
                (None, Some((_, users))) => address_of(users, key),
                (None, None) => None,
            };
            let after = match write {
                AccountWrite::Put(account) => account.email.as_ref(),
                AccountWrite::Update { .. } => address_of(&self.chart.users, key).or(before),
                AccountWrite::Remove(_) | AccountWrite::RemoveIfLast(_) => None,
            };
            if before.map(Email::folded) == after.map(Email::folded) {
                continue;
            }
            // The account, which is written too, guards both.
            if let Some(old) = before {
                let address = account::address_key(self.context, practice, old)?;
                self.change.discard(&keys::address(practice, &address, key));
            }
            if let Some(new) = after {
                let address = account::address_key(self.context, practice, new)?;
                self.change.set(&keys::address(practice, &address, key), &AddressEntry {});
            }
        }
        Ok(())
    }

    /// The whole change, and the items whose failed condition means that something has to be read:
    /// an account, or the budget of an address.
    ///
    /// # Errors
    /// 409 when the change gives access to a closed chart; 422 when two people would share a minor's address; 429 when the budget of an address does not
    /// hold the mails of the change; 500 when an account's address changes in a function that was given
    /// no secret.
    pub(super) fn finish(mut self, budgets: &Budgets) -> Result<Finished, Problem> {
        self.admits_nobody_while_closed()?;
        self.demand_own_addresses()?;
        self.write_addresses()?;
        let spent = self.spending.write(&mut self.change, budgets)?;
        let accounts = std::mem::take(&mut self.account_writes);
        let practice = self.chart.practice.clone();
        let mut guesses = Vec::new();
        for (account, write) in accounts {
            let key = keys::account(&practice, &account);
            match write {
                AccountWrite::Update { update, guessed } => {
                    let handle = if update.is_update() {
                        self.change.update(&update)
                    } else {
                        self.change.demand(&update)
                    };
                    guesses.extend(guessed.then_some((handle, account)));
                }
                AccountWrite::Put(account) => {
                    self.change.replace(&key, &*account, account.rev);
                }
                AccountWrite::Remove(rev) => {
                    self.change.remove(&key, rev);
                }
                AccountWrite::RemoveIfLast(client) => {
                    let only = Update::upsert(key)
                        .when_exists(&format!("grants.{client}"))
                        .when_size("grants", "=", 1)
                        .when_absent(Factors::HOME);
                    guesses.push((self.change.remove_when(&only), account));
                }
            }
        }
        self.save();
        self.hold_others();
        self.write_elsewhere();
        let unchanged = match self.request.unchanged {
            Some(action) if self.change.is_empty() => Some(self.event(action, None)),
            _ => None,
        };
        Ok(Finished {
            unchanged,
            change: self.change,
            guesses,
            locks: self.locks,
            spent,
            record_number: self.record_number,
            born: self.born,
            row: self.row,
            keeps: self.keeps,
        })
    }

    /// Adds what the clients of other charts are held to. What such a chart is told of its portal users is written
    /// with it: a transaction touches an item once.
    fn hold_others(&mut self) {
        let this = self.chart.client.client_id;
        for (id, rev) in std::mem::take(&mut self.held).into_iter().filter(|(id, _)| *id != this) {
            let key = keys::client(&self.chart.practice, id);
            let of = |told: &Elsewhere| matches!(told, Elsewhere::Client(client) if client.client_id == id);
            let told = self.elsewhere.iter().position(of).map(|at| self.elsewhere.remove(at));
            match told {
                Some(Elsewhere::Client(client)) => self.change.replace(&key, &*client, rev),
                _ => self.change.update(&Update::of(key).when("rev", "=", &rev)),
            };
        }
    }

    /// Adds what other charts are told, as long as there is room for it: what may never be left out
    /// is in the change.
    fn write_elsewhere(&mut self) {
        let kept = usize::from(self.keeps && self.request.attempt.digest().is_some());
        let practice = &self.chart.practice;
        for told in &self.elsewhere {
            self.change.add_if_room(kept, |change| match told {
                Elsewhere::Client(client) => {
                    let key = keys::client(practice, client.client_id);
                    change.replace(&key, &**client, client.rev);
                }
                Elsewhere::Reset(client, user) => {
                    let key = keys::portal_user(practice, *client, *user);
                    change.update(&Update::of(key).unset("resetUntil"));
                }
                Elsewhere::Unlocked(client, user) => {
                    let key = keys::portal_user(practice, *client, *user);
                    change.update(&Listing::unlocked(Update::of(key)));
                }
                Elsewhere::Person(found, client, people) => {
                    index_person(change, practice, *found, client, (&people.0, &people.1));
                }
            });
        }
    }

    /// Adds to the change the items of the chart that differ from what was read.
    fn save(&mut self) {
        let now = self.context.now();
        let portal = summary(&self.chart.users);
        let Some((client, users)) = &self.read else {
            self.chart.client.portal = portal;
            let Chart { practice, client, users, .. } = &mut self.chart;
            list(practice, client, users);
            let (p, c) = (&self.chart.practice, self.chart.client.client_id);
            index(&mut self.change, p, None, &self.chart.client, &self.chart.users);
            self.change.insert(&keys::client(p, c), &self.chart.client);
            for user in &self.chart.users {
                self.change.insert(&keys::portal_user(p, c, user.portal_user_id), user);
            }
            return;
        };
        // A summary that another chart's change had no room for is written now.
        if summary(users) != portal || !self.change.is_empty() {
            self.chart.client.portal = portal;
            // Only with something else: what changes nothing writes nothing.
            let Chart { practice, client, users, .. } = &mut self.chart;
            list(practice, client, users);
        }
        if let Some((digest, until)) = self.request.attempt.kept(now).filter(|_| self.keeps) {
            for user in &mut self.chart.users {
                let before = users.iter().find(|u| u.portal_user_id == user.portal_user_id);
                if before != Some(user) {
                    user.requests.retain(|kept| kept.until > now.seconds());
                    user.requests.push(KeptAnswer { request: digest.to_owned(), until });
                }
            }
        }
        self.chart.client.keep_former_name(client);
        let all = self.touches_minors_addresses();
        let (p, c) = (&self.chart.practice, self.chart.client.client_id);
        let before = Some((client, users.as_slice()));
        index(&mut self.change, p, before, &self.chart.client, &self.chart.users);
        // Also when the summary is equal: otherwise revoking an invited user could race with
        // assigning them the alerts, and two people could get one address at once.
        if *client != self.chart.client
            || access(users) != access(&self.chart.users)
            || addresses(users) != addresses(&self.chart.users)
            || self.held.contains_key(&c)
        {
            self.change.replace(&keys::client(p, c), &self.chart.client, client.rev);
        }
        let named = |client: &Client| [client.alert_recipient, client.chart_owner];
        let newly_named: Vec<PortalUserId> = named(&self.chart.client)
            .into_iter()
            .zip(named(client))
            .filter_map(|(now, before)| now.filter(|_| now != before))
            .collect();
        for user in &self.chart.users {
            let key = keys::portal_user(p, c, user.portal_user_id);
            match users.iter().find(|u| u.portal_user_id == user.portal_user_id) {
                None => {
                    self.change.insert(&key, user);
                }
                Some(before) if before != user || all => {
                    self.change.replace(&key, user, before.rev);
                }
                Some(before)
                    if newly_named.contains(&user.portal_user_id)
                        || self.judged.contains(&user.portal_user_id) =>
                {
                    self.change.unchanged(&key, before.rev);
                }
                Some(_) => {}
            }
        }
        for gone in users {
            if !self.chart.users.iter().any(|u| u.portal_user_id == gone.portal_user_id) {
                self.change.remove(&keys::portal_user(p, c, gone.portal_user_id), gone.rev);
            }
        }
    }
}

/// Says in which lists a client and its portal users stand.
fn list(practice: &PracticeId, client: &mut Client, users: &mut [PortalUser]) {
    client.listing = Listing::of_chart(practice, client, users);
    for user in users {
        user.listing = Listing::of_user(practice, client, user);
    }
}

/// The e-mail address of the portal user with an account, if there is one.
fn address_of<'a>(users: &'a [PortalUser], account: &AccountKey) -> Option<&'a Email> {
    users.iter().find(|user| user.account == *account)?.email.as_ref()
}

pub(super) fn summary(users: &[PortalUser]) -> Summary {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let invited = users.iter().filter(|u| u.access == Access::Invited && !u.is_over());
    Summary {
        users: count(users.len()),
        active: count(users.iter().filter(|u| u.access == Access::Active && !u.is_over()).count()),
        invited_until: invited.filter_map(|u| u.invitation.as_ref()).map(|i| i.expires_at).max(),
    }
}
