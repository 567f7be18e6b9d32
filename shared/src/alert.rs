//! Alerts: word that something new waits for a client in the portal.
//!
//! An app or a system posts an alert; it is an item beside the client, found by the table's stream and
//! sent by `send-mail`. Who gets it is decided when it is sent, from the chart as it is then
//! ([`Alert::addressee`]), in the transaction that opens the addressee's quarter of an hour ([`Hush`]).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    chart::Chart,
    clock::Clock,
    context::Context,
    fields::{At, Permission},
    id::{AlertId, ClientId, PortalUserId, PracticeId},
    keys::{self, Key},
    mail::MailState,
};

/// Seconds for which further alerts to the same addressee about the same client send nothing.
pub const QUIET: i64 = 15 * 60;
/// Seconds for which an alert is kept.
pub const KEPT: i64 = 30 * 24 * 60 * 60;

/// Stands for the practice's inbox where others have the id of a portal user.
const PRACTICE: &str = "PRACTICE";

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertKind {
    /// A message.
    Message,
    /// A document.
    Document,
    /// An appointment.
    Appointment,
    /// An invoice.
    Invoice,
    /// A survey.
    Survey,
    /// A session, or homework.
    Session,
}

impl AlertKind {
    /// The permission that somebody needs to be told of it.
    #[must_use]
    pub const fn needs(self) -> Permission {
        match self {
            Self::Message => Permission::Messaging,
            Self::Document => Permission::Documents,
            Self::Appointment => Permission::Basic,
            Self::Invoice => Permission::Billing,
            Self::Survey => Permission::Surveys,
            Self::Session => Permission::Sessions,
        }
    }
}

/// Whether an alert goes to a person or to the practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertTo {
    /// A portal user.
    PortalUser,
    /// The practice's inbox.
    Practice,
}

/// To whom an alert goes. As text, the portal user's id or `PRACTICE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Addressee {
    /// A portal user of the client.
    PortalUser(PortalUserId),
    /// The practice's inbox.
    Practice,
}

impl Addressee {
    /// What the API answers.
    #[must_use]
    pub const fn to(self) -> AlertTo {
        match self {
            Self::PortalUser(_) => AlertTo::PortalUser,
            Self::Practice => AlertTo::Practice,
        }
    }

    /// The portal user, if it is one.
    #[must_use]
    pub const fn user(self) -> Option<PortalUserId> {
        match self {
            Self::PortalUser(user) => Some(user),
            Self::Practice => None,
        }
    }
}

impl fmt::Display for Addressee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortalUser(user) => user.fmt(f),
            Self::Practice => f.write_str(PRACTICE),
        }
    }
}

impl From<Addressee> for String {
    fn from(to: Addressee) -> Self {
        to.to_string()
    }
}

impl TryFrom<String> for Addressee {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == PRACTICE {
            return Ok(Self::Practice);
        }
        PortalUserId::parse(&text)
            .map(Self::PortalUser)
            .ok_or("neither a portal user nor the practice")
    }
}

/// How far an alert has come. Later states never give way to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertState {
    /// Waits in the outbox.
    Queued,
    /// Sent nothing: an alert of the quarter of an hour before says the same.
    Covered,
    /// The mail service took its mail.
    Sent,
    /// The recipient's server took it.
    Delivered,
    /// The recipient's server refused it.
    Bounced,
    /// The recipient reported it as spam.
    Complained,
}

impl From<MailState> for AlertState {
    fn from(state: MailState) -> Self {
        match state {
            MailState::Queued => Self::Queued,
            MailState::Sent => Self::Sent,
            MailState::Delivered => Self::Delivered,
            MailState::Bounced => Self::Bounced,
            MailState::Complained => Self::Complained,
        }
    }
}

/// An alert as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its id.
    pub alert_id: AlertId,
    /// The practice.
    pub practice: PracticeId,
    /// The client for whom something waits.
    pub client_id: ClientId,
    /// What waits.
    pub kind: AlertKind,
    /// The one person whom it is for; none: the alert recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_for: Option<PortalUserId>,
    /// To whom it went, or would have gone; to whom the last attempt went, of one that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went: Option<Addressee>,
    /// A person to whose address the mail service takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<PortalUserId>,
    /// Whether the practice gets it whatever the chart says. The restore command sets it on alerts that waited
    /// at the moment of the copy: most were sent since, and nobody knows which.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_inbox: bool,
    /// How far it has come.
    pub state: AlertState,
    /// When it was posted.
    pub at: At,
    /// [`keys::PENDING`] until it is done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// When it was done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<At>,
    /// When `DynamoDB` may forget it (seconds since 1970).
    pub expires_at: i64,
}

/// An alert as the API answers it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alert)]
pub struct AlertView {
    /// Its id.
    pub alert_id: AlertId,
    /// What waits.
    pub kind: AlertKind,
    /// Whether it went to a person or to the practice; of one that waits, what is true now.
    pub to: AlertTo,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub portal_user_id: Option<PortalUserId>,
    /// How far it has come.
    pub state: AlertState,
    /// When it was posted.
    pub at: At,
}

impl Alert {
    /// An alert of now.
    #[must_use]
    pub fn new(
        context: &Context,
        practice: &PracticeId,
        client: ClientId,
        kind: AlertKind,
        only_for: Option<PortalUserId>,
    ) -> Self {
        let now = context.now();
        Self {
            alert_id: AlertId::new(context.ulid()),
            practice: practice.clone(),
            client_id: client,
            kind,
            only_for,
            went: None,
            refused: None,
            to_inbox: false,
            state: AlertState::Queued,
            at: now,
            pending: Some(keys::PENDING.to_owned()),
            done_at: None,
            expires_at: now.plus(KEPT).seconds(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> Key {
        keys::alert(&self.practice, self.client_id, self.alert_id)
    }

    /// Whether a mail of it went out, as far as is known.
    #[must_use]
    pub fn told(&self) -> bool {
        matches!(self.state, AlertState::Sent | AlertState::Delivered | AlertState::Complained)
    }

    /// Who gets it, by the chart.
    #[must_use]
    pub fn addressee(&self, chart: &Chart, clock: &Clock) -> Addressee {
        if self.to_inbox {
            return Addressee::Practice;
        }
        addressee(chart, self.kind, self.only_for, clock)
    }

    /// What the API answers, with its client's chart as it is now.
    #[must_use]
    pub fn view(&self, chart: &Chart, clock: &Clock) -> AlertView {
        let settled = self.done_at.is_some() || self.state > AlertState::Queued;
        let went = self.went.filter(|_| settled);
        let to = went.unwrap_or_else(|| self.addressee(chart, clock));
        AlertView {
            alert_id: self.alert_id,
            kind: self.kind,
            to: to.to(),
            portal_user_id: to.user(),
            state: self.state,
            at: self.at,
        }
    }
}

/// Who gets an alert, by the chart: the one person whom it is for, else the alert recipient, and only
/// with access, with an e-mail address and with the permission that its kind needs. Else, and under safe
/// contact, the practice.
fn addressee(
    chart: &Chart,
    kind: AlertKind,
    only_for: Option<PortalUserId>,
    clock: &Clock,
) -> Addressee {
    if chart.client.safe_contact {
        return Addressee::Practice;
    }
    let user = only_for.or(chart.client.alert_recipient).and_then(|id| chart.user(id).ok());
    let may = user.filter(|user| {
        user.email.is_some()
            && user.may(&chart.client, clock).is_some_and(|may| may.contains(&kind.needs()))
    });
    may.map_or(Addressee::Practice, |user| Addressee::PortalUser(user.portal_user_id))
}

/// The quarter of an hour in which further alerts to one addressee about one client send nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hush {
    /// The alert that opened it: a second attempt to send that one passes, and others are covered if it
    /// told somebody.
    pub alert: AlertId,
    /// When it is over.
    pub until: At,
    /// When `DynamoDB` may forget it (seconds since 1970).
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

impl Hush {
    /// The quarter of an hour that an alert opens at `now`.
    #[must_use]
    pub fn opened_by(alert: AlertId, now: At) -> Self {
        let until = now.plus(QUIET);
        Self { alert, until, expires_at: until.seconds(), rev: 0 }
    }

    /// Whether it is another alert's, and not over.
    #[must_use]
    pub fn covers(&self, alert: AlertId, now: At) -> bool {
        self.until > now && self.alert != alert
    }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    #[test]
    fn a_quarter_of_an_hour_covers_the_alerts_of_others_until_it_is_over() {
        let (opener, other) =
            (AlertId::new(Ulid::from_parts(1, 1)), AlertId::new(Ulid::from_parts(1, 2)));
        let now = At::from_millis(1_000_000);
        let hush = Hush::opened_by(opener, now);
        assert!(hush.covers(other, now) && hush.covers(other, now.plus(QUIET - 1)));
        assert!(!hush.covers(other, now.plus(QUIET)) && !hush.covers(opener, now));
    }
}
