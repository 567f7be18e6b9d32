//! Mail on its way: an item beside the change that asked for it, written in the same transaction,
//! found by the table's stream, and sent by `send-mail`. What the stream did not bring is found by the
//! index of the mails that wait.
//!
//! The item holds no address: that is read from the portal user when the mail is sent. A notice to an
//! address that the person no longer has finds it there too, among [`PortalUser::notices`], so that it
//! goes with the person.

use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    fields::{At, Email},
    id::{AccountKey, BulkId, ClientId, MailId, PortalUserId, PracticeId},
    keys,
    mail::{Mail, MailKind, MailState},
    mail_budget::{Budgets, Spending},
    portal_user::PortalUser,
    problem::Problem,
    store::Change,
    token::Nonce,
};

/// Days that a sent mail's item is kept.
pub const KEPT_DAYS: i64 = 30;
/// Seconds that a mail waits for the stream before it is looked for.
pub const OVERDUE: i64 = 2 * 60;
/// Seconds after which a mail that could not be sent is given up, and staff see that.
pub const GIVEN_UP: i64 = 3 * 24 * 60 * 60;

/// A mail in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outgoing {
    /// Its id.
    pub mail_id: MailId,
    /// The practice that sends it.
    pub practice: PracticeId,
    /// The chart whose access it is about.
    pub client_id: ClientId,
    /// The portal user it goes to.
    pub portal_user_id: PortalUserId,
    /// What it is about.
    pub kind: MailKind,
    /// The account that the link's token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// What the link's token is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Nonce>,
    /// When the link ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_until: Option<At>,
    /// When it was asked for.
    pub queued_at: At,
    /// [`keys::PENDING`] until it is done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// How often sending it was begun. More than one means that the person may have got it more
    /// than once.
    #[serde(default)]
    pub attempts: u32,
    /// When it was done with: sent, or dropped as no longer true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<At>,
    /// The change for many that it is part of, which counts whether it came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<BulkId>,
    /// The mail service's id for it, once sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// Whom a mail goes to.
#[derive(Debug, Clone, Copy)]
pub struct Recipient {
    /// The chart whose access it is about.
    pub client: ClientId,
    /// The portal user.
    pub user: PortalUserId,
}

impl From<&PortalUser> for Recipient {
    fn from(user: &PortalUser) -> Self {
        Self { client: user.client_id, user: user.portal_user_id }
    }
}

impl Outgoing {
    /// A mail without a token: access granted, password changed.
    #[must_use]
    pub fn notice(context: &Context, practice: &PracticeId, to: Recipient, kind: MailKind) -> Self {
        Self {
            mail_id: MailId::new(context.ulid()),
            practice: practice.clone(),
            client_id: to.client,
            portal_user_id: to.user,
            kind,
            account: None,
            nonce: None,
            link_until: None,
            queued_at: context.now(),
            pending: Some(keys::PENDING.to_owned()),
            attempts: 0,
            done_at: None,
            bulk_id: None,
            message_id: None,
        }
    }

    /// Adds a link for an account that works until `until`.
    #[must_use]
    pub fn with_link(mut self, account: AccountKey, nonce: Nonce, until: At) -> Self {
        self.account = Some(account);
        self.nonce = Some(nonce);
        self.link_until = Some(until);
        self
    }

    /// What staff see of it on the portal user, once it is in the outbox.
    pub(crate) fn shown(&self) -> Mail {
        Mail {
            mail_id: self.mail_id,
            kind: self.kind,
            state: MailState::Queued,
            at: self.queued_at,
            reason: None,
        }
    }

    /// Puts a notice into the outbox, as part of a change, that goes whatever the budget of the address `to` says.
    /// Answers what staff see of it; nothing where there is no address.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn tell(
        context: &Context,
        practice: &PracticeId,
        recipient: Recipient,
        (kind, to): (MailKind, Option<&Email>),
        change: &mut Change,
    ) -> Result<Option<Mail>, Problem> {
        let mail = Self::notice(context, practice, recipient, kind);
        let mut spending = Spending::new(context, practice);
        let shown = mail.queue(change, &mut spending, to)?;
        // A notice spends nothing.
        spending.write(change, &Budgets::default())?;
        Ok(shown)
    }

    /// Puts it into the outbox as part of a change, which also has to write what the mail spends of
    /// the budget of the address `to`. Answers what staff see of it. A person without an address gets no
    /// mail: then nothing is written, and there is nothing to see.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn queue(
        &self,
        change: &mut Change,
        spending: &mut Spending<'_>,
        to: Option<&Email>,
    ) -> Result<Option<Mail>, Problem> {
        let Some(to) = to else { return Ok(None) };
        spending.count(to, self.kind)?;
        let _ = change.insert(&keys::mail(&self.practice, self.client_id, self.mail_id), self);
        Ok(Some(self.shown()))
    }
}
