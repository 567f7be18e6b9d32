//! Finds out whom a password reset was asked for, and mails them.
//!
//! The request only noted that somebody asked. The account with the sign-in name comes first, then those
//! with the address, longest unserved first: what the budget of the address does not hold today is first
//! in line the next time. Each gets one mail before anybody gets a second.
//!
//! A reset is written together with the note that its account was dealt with, and an invitation is not
//! sent again that was sent again since the request: so each is sent once, however often the stream
//! brings the same record, and wherever the function dies. What one request can do is bounded: it looks
//! at [`MOST`] accounts and tries [`ASKED_A_DAY`] mails, and is over when the budget is spent.

use std::collections::{BTreeMap, BTreeSet};

use shared::{
    Problem,
    account::{self, Account, PAUSE, RESET_SECONDS, Reset},
    ask::{Ask, Turn},
    chart::{Accounts, Chart, ChartEdit, Request},
    clock::Clock,
    fields::Email,
    history::Event,
    id::{AccountKey, ClientId, PortalUserId},
    idempotency::Attempt,
    keys::{self, Key},
    mail::MailKind,
    mail_budget::{ASKED_A_DAY, Spending},
    mirror::to_charts::{self, AccountUpdate},
    outbox::{Outgoing, Recipient},
    practice::Practice,
    store::{Change, item_key, parse},
    token::Nonce,
};

use crate::Sender;

/// The most accounts that one request for a reset looks at: the change that ends it holds two items for
/// each.
const MOST: usize = 40;

/// The accounts that a request for a reset matches.
#[derive(Default)]
struct Matches {
    practice: Option<Practice>,
    people: Vec<MatchedAccount>,
    /// What leads to accounts that are not there, or have another address by now.
    stale_entries: Vec<Key>,
    /// Whether there are more than can be looked at.
    crowded: bool,
}

/// An account that a request for a reset matches.
struct MatchedAccount {
    key: AccountKey,
    account: Account,
    /// Where it is kept when they had their turn.
    entry: Option<Key>,
    /// What they can be sent, in this order.
    letters: Vec<Sendable>,
    /// Whether anything of it was tried.
    tried: bool,
    /// The chart whose invitation was tried last.
    invited: Option<ClientId>,
}

/// What somebody can be sent.
#[derive(Clone, Copy)]
enum Sendable {
    /// A link for a new password, shown on this chart.
    Reset(Recipient),
    /// The invitation to this chart, again.
    Invitation(Recipient),
}

impl Sender {
    /// Mails everybody whom an asked-for reset fits, as far as the budgets of their addresses hold it.
    /// What they do not hold is not sent, and nobody is told.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn resolve(&self, key: &Key) -> Result<(), Problem> {
        let store = self.app.store();
        let mut retries = store.retries();
        'read: loop {
            let Some(mut ask) = store.get::<Ask>(key).await? else { return Ok(()) };
            let over = ask.expires_at <= self.app.now().seconds();
            let mut found = if over { Matches::default() } else { self.found(&ask).await? };
            let mut spent = BTreeSet::new();
            for (person, letter) in letters(&found.people) {
                let (Some(practice), person) = (&found.practice, &mut found.people[person]) else {
                    continue;
                };
                let Some(address) = person.account.email.as_ref().map(Email::folded) else {
                    continue;
                };
                if spent.contains(&address) {
                    continue;
                }
                let held = match letter {
                    Sendable::Invitation(Recipient { client, user }) => {
                        let held = self.invite_again(&ask, practice, client, user).await?;
                        person.invited = Some(client).filter(|_| held).or(person.invited);
                        held
                    }
                    Sendable::Reset(to) => {
                        let mut change = store.change();
                        let held = self.reset(&ask, person, to, &mut change).await?;
                        if held {
                            let next = ask.pass(&person.key, &mut change);
                            if let Err(error) = store.write(change).await {
                                retries.retry(error).await?;
                                continue 'read;
                            }
                            (ask, retries) = (next, store.retries());
                        }
                        held
                    }
                };
                person.tried |= held;
                if !held {
                    spent.insert(address);
                }
            }
            let Err(error) = store.write(self.end(&ask, &found)).await else { return Ok(()) };
            retries.retry(error).await?;
        }
    }

    /// The change that ends it: an event for each person who got no reset, and a note of whose turn it
    /// was. A person for whom the budget had no room keeps their turn.
    fn end(&self, ask: &Ask, found: &Matches) -> Change {
        let now = self.app.now();
        let mut change = self.app.store().change();
        if found.people.is_empty() && ask.dealt.is_empty() {
            change.event(&ask.event(&self.app, None));
        }
        for person in found.people.iter().filter(|person| !ask.dealt.contains(&person.key)) {
            let event = ask.event(&self.app, Some(person.account.account_id.to_string()));
            let first = person.account.grants.iter().next();
            change.event(&match first {
                Some((client, grant)) => event.client(*client).portal_user(grant.portal_user_id),
                None => event,
            });
            let passed = person.letters.is_empty() && found.crowded;
            if let Some(entry) = person.entry.as_ref().filter(|_| person.tried || passed) {
                Turn::take(entry, person.invited, now, &mut change);
            }
        }
        if found.crowded {
            for entry in &found.stale_entries {
                Turn::take(entry, None, now, &mut change);
            }
        }
        ask.finish(&mut change);
        change
    }

    /// The accounts with the sign-in name and with the address that were not dealt with yet, in the order
    /// of their turns.
    async fn found(&self, ask: &Ask) -> Result<Matches, Problem> {
        let store = self.app.store();
        let listed = keys::address_partition(&ask.practice, &ask.address);
        let mut turns = BTreeMap::new();
        for item in store.partition(&listed, &keys::address_sort_key(None)).await? {
            let entry = item_key(&item)?;
            if let Some(account) = keys::parse_address(&entry.sk) {
                turns.insert(account, (entry, parse::<Turn>(item)?));
            }
        }
        let mut order: Vec<AccountKey> = turns.keys().cloned().collect();
        order.retain(|key| *key != ask.account);
        order.sort_by_key(|key| turns.get(key).and_then(|(_, turn)| turn.served_at));
        order.insert(0, ask.account.clone());
        order.retain(|key| !ask.dealt.contains(key));
        let crowded = order.len() > MOST;
        order.truncate(MOST);

        let settings = keys::practice(&ask.practice);
        let place = |key: &AccountKey| keys::account(&ask.practice, key);
        let wanted: Vec<Key> =
            [settings.clone()].into_iter().chain(order.iter().map(place)).collect();
        let mut items = store.get_many(&wanted).await?;
        let Some(practice) = items.remove(&settings).map(parse::<Practice>).transpose()? else {
            return Ok(Matches::default());
        };
        let clock = practice.clock(self.app.now());
        let mut found = Matches { practice: Some(practice), crowded, ..Matches::default() };
        for key in order {
            let account: Option<Account> = items.remove(&place(&key)).map(parse).transpose()?;
            let entry = turns.remove(&key);
            let Some(account) = account else {
                found.stale_entries.extend(entry.map(|(entry, _)| entry));
                continue;
            };
            let address = account.email.as_ref();
            let address = address
                .map(|email| account::address_key(&self.app, &ask.practice, email))
                .transpose()?;
            let entry = match address {
                Some(address) if address == ask.address => entry,
                // By the sign-in name alone: what is kept of its turns is listed elsewhere.
                Some(address) if key == ask.account => {
                    let listed = keys::address_partition(&ask.practice, &address);
                    let own = store.partition(&listed, &keys::address_sort_key(Some(&key))).await?;
                    let own = own.into_iter().next();
                    own.map(|item| Ok::<_, Problem>((item_key(&item)?, parse(item)?)))
                        .transpose()?
                }
                None if key == ask.account => None,
                _ => {
                    found.stale_entries.extend(entry.map(|(entry, _)| entry));
                    continue;
                }
            };
            let (entry, turn) = entry.unzip();
            let letters = self.letters_for(&account, &clock, turn.and_then(|turn| turn.invited));
            found.people.push(MatchedAccount {
                key,
                account,
                entry,
                letters,
                tried: false,
                invited: None,
            });
        }
        Ok(found)
    }

    /// What somebody can be sent: a reset, unless one was sent a moment ago, or without a password the
    /// open invitations, beginning behind the last that was sent again. Nothing without an address.
    fn letters_for(
        &self,
        account: &Account,
        clock: &Clock,
        last: Option<ClientId>,
    ) -> Vec<Sendable> {
        let now = self.app.now();
        if account.email.is_none() {
            return Vec::new();
        }
        if account.password.is_none() {
            let open = account.grants.iter().filter(|(_, grant)| grant.is_invited(clock));
            let mut open: Vec<Recipient> = open
                .map(|(client, grant)| Recipient { client: *client, user: grant.portal_user_id })
                .collect();
            open.sort_by_key(|to| (Some(to.client) <= last, to.client));
            return open.into_iter().map(Sendable::Invitation).collect();
        }
        let sent = account.reset.as_ref().map(|reset| reset.expires_at.plus(-RESET_SECONDS));
        if sent.is_some_and(|sent| sent.plus(PAUSE) > now) {
            return Vec::new();
        }
        let chart = account.resettable(clock).next();
        let chart = chart.map(|(client, grant)| Recipient { client, user: grant.portal_user_id });
        chart.into_iter().map(Sendable::Reset).collect()
    }

    /// Makes a reset, the only one that works from now on, and queues its mail, as part of a change.
    /// Answers whether the budget holds it; the change is of no use if it does not.
    async fn reset(
        &self,
        ask: &Ask,
        person: &MatchedAccount,
        to: Recipient,
        change: &mut Change,
    ) -> Result<bool, Problem> {
        let (app, practice, now) = (&self.app, &ask.practice, self.app.now());
        let mut account = person.account.clone();
        let nonce = Nonce::new(app);
        let expires_at = now.plus(RESET_SECONDS);
        account.reset = Some(Reset { hash: nonce.secret(app)?.hash(), expires_at });
        let mail = Outgoing::notice(app, practice, to, MailKind::PasswordReset).with_link(
            person.key.clone(),
            nonce,
            expires_at,
        );
        let mut spending = Spending::new(app, practice);
        spending.asked_for(ask.ask_id);
        let shown = mail.queue(change, &mut spending, account.email.as_ref())?;
        let budgets = spending.read(app.store()).await?;
        if spending.until(&budgets).is_some() {
            return Ok(false);
        }
        // When the write fails, everything is read again: which condition failed does not matter.
        let _ = spending.write(change, &budgets)?;
        change.replace(&keys::account(practice, &person.key), &account, account.rev);
        let news = AccountUpdate {
            mail: shown.as_ref().map(|mail| (to.client, mail)),
            reset: Some(now),
            ..AccountUpdate::default()
        };
        to_charts::write(change, practice, &account, &news);
        if let Some(entry) = &person.entry {
            Turn::take(entry, None, now, change);
        }
        let event: Event = ask.event(app, Some(account.account_id.to_string()));
        change.event(&event.client(to.client).portal_user(to.user));
        Ok(true)
    }

    /// Sends the invitation to a chart again. Answers whether the budget of the address holds it.
    async fn invite_again(
        &self,
        ask: &Ask,
        practice: &Practice,
        client: ClientId,
        user: PortalUserId,
    ) -> Result<bool, Problem> {
        let (author, attempt) = (ask.author(), Attempt::default());
        let request = Request {
            practice,
            author: &author,
            attempt: &attempt,
            unchanged: None,
            silent: false,
        };
        let again = async {
            let chart = Chart::load(self.app.store(), &ask.practice, client).await?;
            let invite = |edit: &mut ChartEdit<'_>| edit.invite_again(user, ask);
            Box::pin(chart.change(&self.app, &request, Accounts::new(), invite)).await
        };
        match again.await {
            Ok(()) => Ok(true),
            // The person was deleted meanwhile.
            Err(problem) if problem.code() == "not_found" => Ok(true),
            Err(problem) if problem.code() == "mail_budget_spent" => Ok(false),
            Err(problem) => Err(problem),
        }
    }
}

/// What is tried, in order, and for which of the people: a first letter for each, then a second.
fn letters(people: &[MatchedAccount]) -> Vec<(usize, Sendable)> {
    let of = |(n, person): (usize, &MatchedAccount)| {
        let letters = person.letters.clone();
        letters.into_iter().enumerate().map(move |(round, letter)| (round, n, letter))
    };
    let mut letters: Vec<_> = people.iter().enumerate().flat_map(of).collect();
    letters.sort_by_key(|(round, n, _)| (*round, *n));
    letters.truncate(ASKED_A_DAY);
    letters.into_iter().map(|(_, n, letter)| (n, letter)).collect()
}
