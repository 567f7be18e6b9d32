//! A portal user: one person's access to one client's portal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    client::Client,
    fields::{At, Email, Name, Permissions, Reason, Relationship, Username},
    id::{AccountId, ClientId, MailId, PortalUserId, PracticeId, SessionId},
    outbox::Outgoing,
    token::TokenHash,
};

/// Whether somebody may enter, as stored; that an invitation has expired shows in its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// May enrol while the invitation lives.
    Invited,
    /// May sign in.
    Active,
    /// May not, until activated again.
    Revoked,
}

/// Whether somebody may enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// May enrol while the invitation lives.
    Invited,
    /// Was invited, and the invitation is past its life.
    Expired,
    /// May sign in.
    Active,
    /// May not, until activated again.
    Revoked,
}

/// A portal user as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortalUser {
    /// Its id.
    pub portal_user_id: PortalUserId,
    /// The client whose portal it is.
    pub client_id: ClientId,
    /// The person's name.
    pub name: Name,
    /// The name the person signs in with.
    pub username: Username,
    /// Where the person's mails go.
    pub email: Email,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person may do.
    pub permissions: Permissions,
    /// Whether the person may enter.
    pub access: Access,
    /// The newest invitation; none once access was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// When the person enrolled, and so has credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_at: Option<At>,
    /// The newest mail about this access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// When the person last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<At>,
    /// Sessions that may open this chart, and when each ends if it stays unused: a mirror of the
    /// account's, so that whoever revokes knows without another read how many end.
    #[serde(default)]
    pub sessions: BTreeMap<SessionId, At>,
    /// When the open password reset ends: a mirror of the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_until: Option<At>,
    /// What the last revocation or activation did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<LastReceipt>,
    /// Why access was revoked, as whoever did it wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_reason: Option<Reason>,
    /// Raised by every change that staff see.
    pub version: u64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// What a revocation or a deletion ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// Sessions that could open the chart.
    pub sessions: u32,
    /// Open invitations.
    pub invitations: u32,
    /// Open password resets.
    pub resets: u32,
}

/// What the last change of access did: kept, so that a repeat of the request is answered the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReceipt {
    /// When.
    pub at: At,
    /// What ended.
    pub ended: Ended,
    /// The mail that was queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailKind>,
}

impl LastReceipt {
    /// A change that ended nothing and queued a mail.
    #[must_use]
    pub fn of_mail(mail: &Outgoing) -> Self {
        Self { at: mail.queued_at, ended: Ended::default(), mail: Some(mail.kind) }
    }
}

/// An invitation, as the table knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Hash of the only token that works.
    pub hash: TokenHash,
    /// When it was made.
    pub sent_at: At,
    /// When it ends.
    pub expires_at: At,
    /// Wrong proofs so far.
    #[serde(default)]
    pub wrong_proofs: u32,
    /// When somebody enrolled with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<At>,
}

/// So many wrong proofs kill an invitation.
pub const WRONG_PROOFS: u32 = 10;

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

/// A portal user as the API answers it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalUser)]
pub struct PortalUserView {
    /// Its id.
    pub portal_user_id: PortalUserId,
    /// The person's name.
    pub name: Name,
    /// The name the person signs in with.
    pub username: Username,
    /// Where the person's mails go.
    pub email: Email,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person may do.
    #[schema(value_type = BTreeSet<crate::fields::Permission>)]
    pub permissions: Permissions,
    /// Whether the person may enter.
    pub status: Status,
    /// Whether the person owns the chart.
    pub chart_owner: bool,
    /// Whether the person gets the alerts.
    pub receives_alerts: bool,
    /// The invitation, until it was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invitation: Option<InvitationView>,
    /// The newest mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mail: Option<MailView>,
    /// When the person last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_sign_in_at: Option<At>,
    /// Until when no sign-in of the person is taken, after too many that failed. Only in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locked_until: Option<At>,
    /// What an edit must name.
    pub version: u64,
}

/// An invitation as the API answers it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// When it was made.
    pub sent_at: At,
    /// When it ends, or ended.
    pub expires_at: At,
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

impl Invitation {
    /// Whether it can be used at `now`.
    #[must_use]
    pub fn open(&self, now: At) -> bool {
        self.used_at.is_none() && self.expires_at > now && self.wrong_proofs < WRONG_PROOFS
    }
}

impl PortalUser {
    /// Whether the person may enter, as of `now`.
    #[must_use]
    pub fn status(&self, now: At) -> Status {
        match self.access {
            Access::Active => Status::Active,
            Access::Revoked => Status::Revoked,
            Access::Invited if self.invitation.as_ref().is_some_and(|i| i.open(now)) => {
                Status::Invited
            }
            Access::Invited => Status::Expired,
        }
    }

    /// When the invitation ends that can still be used; none once it was used, ended, or tried too
    /// often.
    #[must_use]
    pub fn invited_until(&self) -> Option<At> {
        let invitation = self.invitation.as_ref().filter(|_| self.access == Access::Invited)?;
        (invitation.wrong_proofs < WRONG_PROOFS).then_some(invitation.expires_at)
    }

    /// The account that holds this person's credentials.
    #[must_use]
    pub fn account(&self, practice: &PracticeId) -> AccountId {
        AccountId::of(practice, &self.username)
    }

    /// What the API answers, as of `now`.
    #[must_use]
    pub fn view(&self, client: &Client, now: At) -> PortalUserView {
        let open = self.invitation.as_ref().filter(|i| i.used_at.is_none());
        PortalUserView {
            portal_user_id: self.portal_user_id,
            name: self.name.clone(),
            username: self.username.clone(),
            email: self.email.clone(),
            relationship: self.relationship,
            permissions: self.permissions.clone(),
            status: self.status(now),
            chart_owner: client.chart_owner == Some(self.portal_user_id),
            receives_alerts: client.alert_recipient == Some(self.portal_user_id),
            invitation: open
                .map(|i| InvitationView { sent_at: i.sent_at, expires_at: i.expires_at }),
            mail: self.mail.as_ref().map(|m| MailView {
                kind: m.kind,
                state: m.state,
                at: m.at,
                reason: m.reason.clone(),
            }),
            last_sign_in_at: self.last_sign_in_at,
            locked_until: None,
            version: self.version,
        }
    }
}
