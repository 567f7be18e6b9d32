//! A client: whom the practice cares for, how to reach them, and in whose hands the chart is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    fields::{
        At, ContactEmail, ContactPhone, Date, Email, Name, NamePart, PhoneNumber, Professional,
        RecordNumber, Relationship,
    },
    id::{ClientId, PortalUserId},
    lists::Listing,
    search::{self, Entry, Named, Subject},
};

/// Former names that are kept, and searched.
const FORMER_NAMES: usize = 3;

/// A client as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Its id.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// Names that the client had before, the latest first: search still finds the client by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_names: Vec<Name>,
    /// The client's date of birth.
    pub date_of_birth: Date,
    /// Number of the chart.
    pub record_number: RecordNumber,
    /// E-mail addresses.
    #[serde(default)]
    pub emails: Vec<ContactEmail>,
    /// Phone numbers.
    #[serde(default)]
    pub phones: Vec<ContactPhone>,
    /// Who cares for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub professional: Option<Professional>,
    /// The portal user who owns the chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart_owner: Option<PortalUserId>,
    /// The portal user who gets the alerts; none: the practice's inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_recipient: Option<PortalUserId>,
    /// When and why the chart was closed, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// Whether mail goes only to addresses that are marked safe, and alerts to the practice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub safe_contact: bool,
    /// Who may enter, in numbers.
    pub portal: Summary,
    /// In which of the practice's lists the client stands.
    #[serde(flatten)]
    pub listing: Listing,
    /// Raised by every edit of the contact info.
    pub version: u64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// Why a chart was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CloseReason {
    /// The client left the practice's care.
    Left,
    /// The client died.
    Deceased,
    /// The client was entered twice, and another chart is the right one.
    Duplicate,
}

impl CloseReason {
    /// The slug that the API answers.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Deceased => "deceased",
            Self::Duplicate => "duplicate",
        }
    }
}

/// When and why a chart was closed, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// When.
    pub at: At,
    /// Why.
    pub reason: CloseReason,
    /// The right chart of a duplicate; none where a restoration lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<ClientId>,
    /// The portal users whose access it ended: a repeat of the request is answered the same.
    #[serde(default)]
    pub ended: Vec<PortalUserId>,
}

/// When and why a chart was closed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClosedChart)]
pub struct ClosedView {
    /// When.
    pub at: At,
    /// Why.
    pub reason: CloseReason,
    /// The right chart of a duplicate; missing where a restoration lost it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub duplicate_of: Option<ClientId>,
}

impl From<&Closed> for ClosedView {
    fn from(closed: &Closed) -> Self {
        Self { at: closed.at, reason: closed.reason, duplicate_of: closed.duplicate_of }
    }
}

/// Who may enter a client's portal, in numbers, so that a list of clients needs no other item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// All portal users.
    pub users: u32,
    /// Those who may sign in.
    pub active: u32,
    /// When the last open invitation ends, or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_until: Option<At>,
}

/// Who holds a record number, as stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The client.
    pub client_id: ClientId,
}

/// The last client who was created with a date of birth, as stored.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Born {
    /// The client.
    pub client_id: ClientId,
    /// Raised by every client who is created.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// A search entry as stored; its key says the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchEntry {
    /// All words under which the client is found: see [`crate::search`].
    pub words: String,
}

/// A client who was found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The client's id.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// The client's date of birth.
    pub date_of_birth: Date,
    /// Number of the chart.
    pub record_number: RecordNumber,
    /// First e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
    /// First phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<PhoneNumber>,
    /// Who cares for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub professional: Option<Professional>,
    /// The portal at a glance.
    pub portal: PortalView,
    /// When and why the chart was closed, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed: Option<ClosedView>,
    /// The portal user by whom the client was found, if it was not by what the client has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub through: Option<Through>,
}

/// The portal user by whom a client was found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Through {
    /// The person's name.
    pub name: Name,
    /// What the person is to the client.
    pub relationship: Relationship,
}

/// Whether anybody may enter a client's portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PortalStatus {
    /// There is no portal user.
    None,
    /// Somebody is invited, nobody has access yet.
    Invited,
    /// Invitations ran out, nobody has access.
    Expired,
    /// Somebody has access.
    Active,
    /// Everybody's access was revoked.
    Revoked,
}

/// A client's portal at a glance.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PortalView {
    /// Whether anybody may enter.
    pub status: PortalStatus,
    /// How many portal users there are, whatever their status.
    pub users: u32,
}

/// The client page.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Client)]
pub struct ClientView {
    /// The client's id.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// The client's date of birth.
    pub date_of_birth: Date,
    /// Number of the chart.
    pub record_number: RecordNumber,
    /// E-mail addresses.
    pub emails: Vec<ContactEmail>,
    /// Phone numbers.
    pub phones: Vec<ContactPhone>,
    /// Who cares for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub professional: Option<Professional>,
    /// The portal at a glance.
    pub portal: PortalView,
    /// When and why the chart was closed, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed: Option<ClosedView>,
    /// Whether mail goes only to addresses that are marked safe, and alerts to the practice.
    #[serde(default)]
    #[schema(required)]
    pub safe_contact: bool,
    /// The portal user who owns the chart.
    #[schema(required)]
    pub chart_owner: Option<PortalUserId>,
    /// The portal user who gets the alerts; null: the practice's inbox.
    #[schema(required)]
    pub alert_recipient: Option<PortalUserId>,
    /// What an edit must name.
    pub version: u64,
}

impl Client {
    /// The portal at a glance, as of `now`.
    #[must_use]
    pub fn portal_view(&self, now: At) -> PortalView {
        let Summary { users, active, invited_until } = &self.portal;
        let status = match (users, active, invited_until) {
            (0, ..) => PortalStatus::None,
            (_, 1.., _) => PortalStatus::Active,
            (.., Some(until)) if *until > now => PortalStatus::Invited,
            (.., Some(_)) => PortalStatus::Expired,
            (.., None) => PortalStatus::Revoked,
        };
        PortalView { status, users: *users }
    }

    /// The client page, as of `now`; who gets the alerts is the chart's to say.
    #[must_use]
    pub fn view(&self, alert_recipient: Option<PortalUserId>, now: At) -> ClientView {
        ClientView {
            client_id: self.client_id,
            name: self.name.clone(),
            date_of_birth: self.date_of_birth,
            record_number: self.record_number.clone(),
            emails: self.emails.clone(),
            phones: self.phones.clone(),
            professional: self.professional.clone(),
            portal: self.portal_view(now),
            closed: self.closed.as_ref().map(ClosedView::from),
            safe_contact: self.safe_contact,
            chart_owner: self.chart_owner,
            alert_recipient,
            version: self.version,
        }
    }

    /// Whether mail about the client may go to an address: under safe contact only to one that is marked, wherever
    /// it stands.
    #[must_use]
    pub fn allows_mail_to(&self, address: &Email) -> bool {
        let mut its = self.emails.iter().filter(|email| email.address.same(address)).peekable();
        !self.safe_contact || (its.peek().is_some() && its.all(|email| email.safe))
    }

    /// The client's first address that mail may go to.
    #[must_use]
    pub fn mail_address(&self) -> Option<&Email> {
        let mut addresses = self.emails.iter().map(|email| &email.address);
        addresses.find(|address| self.allows_mail_to(address))
    }

    /// The name as search takes it.
    fn named(&self) -> Named<'_> {
        named(&self.name)
    }

    /// The names by which the client is and was known.
    #[must_use]
    pub fn all_names(&self) -> Vec<Named<'_>> {
        std::iter::once(&self.name).chain(&self.former_names).map(named).collect()
    }

    /// Under what the client is found.
    #[must_use]
    pub fn search_entries(&self) -> Vec<Entry> {
        let born = self.date_of_birth.to_string();
        search::entries(&Subject {
            name: self.named(),
            former: self.former_names.iter().map(named).collect(),
            emails: self.emails.iter().map(|e| e.address.as_str()).collect(),
            phones: self.phones.iter().map(|p| p.number.as_str()).collect(),
            record_number: self.record_number.as_str(),
            date_of_birth: &born,
        })
    }

    /// Keeps the name that the client had `before`, if it was another.
    pub fn keep_former_name(&mut self, before: &Self) {
        if before.name == self.name {
            return;
        }
        self.former_names.insert(0, before.name.clone());
        let mut seen = BTreeSet::from([self.name.full()]);
        self.former_names.retain(|former| seen.insert(former.full()));
        self.former_names.truncate(FORMER_NAMES);
    }

    /// A hit of a search, as of `now`.
    #[must_use]
    pub fn hit(self, now: At, through: Option<Through>) -> Hit {
        Hit {
            portal: self.portal_view(now),
            closed: self.closed.as_ref().map(ClosedView::from),
            client_id: self.client_id,
            name: self.name,
            date_of_birth: self.date_of_birth,
            record_number: self.record_number,
            email: self.emails.into_iter().next().map(|e| e.address),
            phone: self.phones.into_iter().next().map(|p| p.number),
            professional: self.professional,
            through,
        }
    }
}

/// A name as search takes it.
#[must_use]
pub fn named(name: &Name) -> Named<'_> {
    Named {
        first: name.first.as_str(),
        last: name.last.as_str(),
        preferred: name.preferred.as_ref().map_or("", NamePart::as_str),
    }
}
