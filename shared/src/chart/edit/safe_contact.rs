//! Safe contact: a client whose mail somebody dangerous may read, or whose chart such a person may enter.
//!
//! While the mark is set, mail about the chart goes only to addresses of the client that are marked safe, which
//! `send-mail` decides when it sends ([`Client::allows_mail_to`]); alerts go to the practice
//! ([`crate::alert`]); and the portal shows nobody who can enter the chart. Neither the portal nor a mail
//! says that the mark exists. It ends nobody's access: staff see who has it, and end it.
//!
//! Some changes would do harm without a word, and are refused with 409 `safe_contact`:
//!
//! - An invitation that would not be sent, in place of an open one: its link, mailed or printed, would be dead, and
//!   the person would get no other.
//! - To delete the client's own access, or to make it another person's, where the account opens other charts: the
//!   mark has its say over mails about those for as long as the account is known as the client's.
//! - To take over the client of a duplicate that has the mark into a chart that has none.

use std::collections::BTreeSet;

use super::{AccountWrite, ChartEdit};
use crate::{
    account::Account, chart::Chart, client::Client, fields::Relationship, history::Action,
    id::ClientId, mail::About, portal_user::PortalUser, problem::Problem,
};

/// The code of what safe contact does not allow.
pub(super) const SAFE_CONTACT: &str = "safe_contact";

/// What is said of the client's own access that is to be deleted.
pub(super) const DELETED: &str = "This person is the client, who is under safe contact, and has access to other charts, too. Without this access, mails about those would go to addresses that are not safe. Revoke it instead, or end safe contact first.";

/// What is said of the client's own access that is to be another person's.
pub(super) const RELABELLED: &str = "This person is the client, who is under safe contact, and has access to other charts, too. With another relationship, mails about those would go to addresses that are not safe. End safe contact first.";

impl ChartEdit<'_> {
    /// Sets or ends the mark, with an event of its own.
    pub(super) fn mark_safe_contact(&mut self, marked: bool) {
        self.chart.client.safe_contact = marked;
        let action = if marked { Action::SafeContactSet } else { Action::SafeContactEnded };
        self.record(action, None, ["safeContact"]);
    }

    /// Sets the mark again on a restored table. Which addresses are safe is not in the history: where they changed
    /// since (`doubtful`), none is until staff say so. Answers whether anything was to be done.
    pub fn mark_safe_contact_again(&mut self, doubtful: bool) -> bool {
        let client = &mut self.chart.client;
        let (unmarked, doubtful) =
            (!client.safe_contact, doubtful && client.emails.iter().any(|email| email.safe));
        if !unmarked && !doubtful {
            return false;
        }
        client.version += 1;
        if doubtful {
            client.emails.iter_mut().for_each(|email| email.safe = false);
            self.record(Action::ClientUpdated, None, ["emails"]);
        }
        if unmarked {
            self.mark_safe_contact(true);
        }
        true
    }

    /// Refuses to choose a person for alerts that go to the practice.
    pub(super) fn demand_alerts_to_persons(&self) -> Result<(), Problem> {
        if self.chart.client.safe_contact {
            let words = "This client is under safe contact: alerts go to the practice.";
            return Err(not_allowed("alerts", words));
        }
        Ok(())
    }

    /// Refuses a mail about the access of a person to a client's chart that would be withheld. Whoever decides that
    /// is held to it until the change is written.
    ///
    /// # Errors
    /// 409 `safe_contact`; and when something has to be read: for the caller to pass on.
    pub(super) fn demand_mail_arrives(
        &mut self,
        client: &Client,
        user: &PortalUser,
    ) -> Result<(), Problem> {
        let Some(to) = &user.email else { return Ok(()) };
        // Before anything is guessed: a refusal that nobody is told writes nothing.
        if !client.allows_mail_to(to) {
            return Err(not_sent());
        }
        let decide = |account: &Account| -> BTreeSet<ClientId> {
            account.others_that_decide(client.client_id, About::Access).collect()
        };
        let written = self.account_writes.get(&user.account);
        let others = match (written, self.beside.accounts.get(&user.account)) {
            (Some(AccountWrite::Put(account)), _) => decide(account.as_ref()),
            (_, Some(account)) => account.as_ref().map(decide).unwrap_or_default(),
            (_, None) => {
                self.guess_account(user, |update| update);
                BTreeSet::new()
            }
        };
        let charts = self.other_charts(&others)?;
        let others = others.iter().filter_map(|other| charts.get(other));
        let clients: Vec<&Client> = others.map(|chart| &chart.client).chain([client]).collect();
        if !clients.iter().all(|client| client.allows_mail_to(to)) {
            return Err(not_sent());
        }
        // An edit of a person with forty charts has no room for the clients of all: there a mark that is set in the same
        // moment keeps the mail from going, and the link of before has ended.
        if client.client_id == self.chart.client.client_id {
            for client in clients {
                self.hold(client);
            }
        }
        Ok(())
    }

    /// Holds a change to a client as they were read: of two such changes at once, one reads again.
    pub(super) fn hold(&mut self, client: &Client) {
        self.held.insert(client.client_id, client.rev);
    }

    /// Refuses to take the client's own access away from an account that opens other charts.
    pub(super) fn demand_say_stays(
        &self,
        user: &PortalUser,
        account: &Account,
        words: &'static str,
    ) -> Result<(), Problem> {
        let oneself = user.relationship == Relationship::Oneself;
        if self.chart.client.safe_contact && oneself && account.grants.len() > 1 {
            return Err(not_allowed("own-access", words));
        }
        Ok(())
    }

    /// Refuses to take over the client of a duplicate with the mark into this chart, if it has none.
    pub(super) fn demand_mark_of(&self, duplicates: &[&Chart]) -> Result<(), Problem> {
        let marked = duplicates.iter().any(|duplicate| duplicate.client.safe_contact);
        if marked && !self.chart.client.safe_contact {
            return Err(not_allowed(
                "duplicate",
                "The other chart of this client, a duplicate of this one, is under safe contact, and this one is not: mark it first, so that the person goes on being protected.",
            ));
        }
        Ok(())
    }
}

/// 409: a mail that would be withheld.
fn not_sent() -> Problem {
    not_allowed(
        "mail",
        "Under safe contact, mail goes only to addresses that are marked as safe, and this one is not: the invitation would reach nobody, and an earlier link would be dead. Mark the address as safe first, or print an enrolment sheet.",
    )
}

/// 409: the pages have words of their own for what it is about.
fn not_allowed(about: &'static str, words: &'static str) -> Problem {
    Problem::conflict(SAFE_CONTACT, words).with("about", about.into())
}
