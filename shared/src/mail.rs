//! A mail as staff see it on the portal user: what it is about and how far it has come.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{fields::At, id::MailId};

/// What a mail is about: whose charts decide whether it may go ([`crate::client::Client::allows_mail_to`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The access to one chart: this chart, and those in which the person is the client.
    Access,
    /// The person's account: every chart that it opens, too.
    Account,
}

/// The reason of a mail that was not sent because its address is not marked safe, and the code of its event.
pub const UNSAFE_ADDRESS: &str = "unsafe-address";

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MailKind {
    /// Enrol.
    Invitation,
    /// Access was activated: sign in with the credentials you have.
    AccessGranted,
    /// Choose a new password.
    PasswordReset,
    /// The password was changed.
    PasswordChanged,
    /// The e-mail address was changed: goes to the new one.
    EmailChanged,
    /// The e-mail address was changed: goes to the one before.
    EmailReplaced,
    /// Confirm a new e-mail address: goes to that address.
    EmailConfirmation,
    /// The sign-in name was changed.
    UsernameChanged,
    /// A passkey or an authenticator app was added.
    FactorAdded,
    /// A passkey or the authenticator app was removed.
    FactorRemoved,
    /// A recovery code was made.
    RecoveryCodeMade,
    /// The recovery code was used, and another one made.
    RecoveryCodeUsed,
    /// The front desk printed a code for one sign-in.
    FactorReset,
}

impl MailKind {
    /// What it is about.
    #[must_use]
    pub const fn about(self) -> About {
        match self {
            Self::Invitation | Self::AccessGranted => About::Access,
            Self::PasswordReset
            | Self::PasswordChanged
            | Self::EmailChanged
            | Self::EmailReplaced
            | Self::EmailConfirmation
            | Self::UsernameChanged
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::RecoveryCodeMade
            | Self::RecoveryCodeUsed
            | Self::FactorReset => About::Account,
        }
    }

    /// Whether it tells the person what was changed. Such a mail is never held back: the budget of
    /// mails does not count it.
    #[must_use]
    pub const fn is_notice(self) -> bool {
        matches!(
            self,
            Self::PasswordChanged
                | Self::EmailChanged
                | Self::EmailReplaced
                | Self::UsernameChanged
                | Self::FactorAdded
                | Self::FactorRemoved
                | Self::RecoveryCodeMade
                | Self::RecoveryCodeUsed
                | Self::FactorReset
        )
    }
}

/// How far a mail has come. Later states never give way to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MailState {
    /// Waits in the outbox.
    Queued,
    /// The mail service took it.
    Sent,
    /// The recipient's server took it.
    Delivered,
    /// The recipient's server refused it.
    Bounced,
    /// The recipient reported it as spam.
    Complained,
}

/// The newest mail about an access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// The mail.
    pub mail_id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// How far it has come.
    pub state: MailState,
    /// Since when.
    pub at: At,
    /// Why it bounced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A mail as the API answers it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Mail)]
pub struct MailView {
    /// What it is about.
    pub kind: MailKind,
    /// How far it has come.
    pub state: MailState,
    /// Since when.
    pub at: At,
    /// Why it bounced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

impl Mail {
    /// What the API answers.
    #[must_use]
    pub fn view(&self) -> MailView {
        MailView { kind: self.kind, state: self.state, at: self.at, reason: self.reason.clone() }
    }
}
