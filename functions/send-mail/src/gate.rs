//! The gate of safe contact: whether a mail may go to an address is decided here, when it is sent, from consistent
//! reads. Nothing is handed to the mail service but to a [`Mailbox`], and only this module makes one.
//!
//! Whose mark counts for a mail to a portal user:
//!
//! | the mail is about | charts that decide |
//! | --- | --- |
//! | the access to a chart, an alert of it | that chart, and those in which the person is the client: it is their mailbox that somebody may read |
//! | the person's account | these, and every other chart that the account opens or is invited to: who reads a reset opens all of them |
//!
//! All of them have to allow the address. A chart from which the person was revoked has no say in mails about the
//! account, unless the person is its client.

use shared::{
    Problem,
    account::Account,
    client::Client,
    fields::Email,
    id::PracticeId,
    keys::{self, Key},
    mail::About,
    portal_user::PortalUser,
    practice::Practice,
    store::parse,
};

use crate::Sender;

/// An address that mail may go to.
pub(crate) struct Mailbox(Email);

impl Mailbox {
    /// The practice's inbox.
    pub(crate) fn inbox(practice: &Practice) -> Self {
        Self(practice.alert_inbox.clone())
    }

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Whether a mail may go.
pub(crate) enum Passage {
    /// It may, to this address.
    Open(Mailbox),
    /// It may not: the address is not safe.
    Unsafe,
    /// The person's account is not there: deleted in this moment, or under another sign-in name.
    Gone,
}

/// A mail that wants to pass.
pub(crate) struct Wish<'a> {
    /// What it is about.
    pub(crate) about: About,
    /// The practice.
    pub(crate) practice: &'a PracticeId,
    /// The client of its chart.
    pub(crate) client: &'a Client,
    /// The portal user whom it is for.
    pub(crate) user: &'a PortalUser,
    /// The person's account, if it was read.
    pub(crate) account: Option<Account>,
    /// Where it is to go.
    pub(crate) to: &'a Email,
}

impl Sender {
    /// Decides whether a mail may go.
    ///
    /// # Errors
    /// When it cannot be known now.
    pub(crate) async fn pass(&self, wish: Wish<'_>) -> Result<Passage, Problem> {
        let Wish { about, practice, client, user, account, to } = wish;
        if !client.allows_mail_to(to) {
            return Ok(Passage::Unsafe);
        }
        let store = self.app.store();
        let account: Account = if let Some(account) = account {
            account
        } else {
            let key = keys::account(practice, &user.account);
            let read = store.get_many(std::slice::from_ref(&key)).await?.remove(&key);
            let Some(read) = read else { return Ok(Passage::Gone) };
            parse(read)?
        };
        let others = account.others_that_decide(client.client_id, about);
        let others: Vec<Key> = others.map(|id| keys::client(practice, id)).collect();
        for other in store.get_many(&others).await?.into_values() {
            if !parse::<Client>(other)?.allows_mail_to(to) {
                return Ok(Passage::Unsafe);
            }
        }
        Ok(Passage::Open(Mailbox(to.clone())))
    }
}
