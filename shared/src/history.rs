//! The history: who did what to whose access, when, and from where. Events carry names of fields,
//! never values, and are only ever added.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    fields::At,
    id::{ClientId, EventId, PortalUserId, PracticeId},
    keys::{self, Key},
    web::Caller,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the meaning, and what the API answers")]
pub enum Action {
    ClientCreated,
    ClientUpdated,
    ClientOpened,
    ClientsSearched,
    PortalUsersListed,
    PortalUserAdded,
    PortalUserUpdated,
    InvitationResent,
    AccessRevoked,
    AccessActivated,
    PortalUserDeleted,
    AlertRecipientAssigned,
    ChartOwnerChanged,
    Enrolled,
    ChartJoined,
    EnrollmentRefused,
    SignedIn,
    SignInRefused,
    SignedOut,
    PasswordResetRequested,
    PasswordChanged,
    StaffSignedIn,
    StaffSignedOut,
    Refused,
    /// What a newer version did, of which this one knows no more.
    #[serde(other)]
    Other,
}

/// In which capacity somebody acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Staff who may do everything.
    Admin,
    /// Staff who may do the daily work.
    Staff,
    /// Staff who may only look.
    Auditor,
    /// A client or guardian, in the portal.
    PortalUser,
    /// Somebody who is not signed in.
    Nobody,
    /// Latchkey itself, as when a roster is loaded.
    System,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// Staff: subject at the issuer. Portal users: their account. Empty for nobody.
    pub id: String,
    /// As people know them.
    pub name: String,
    /// Capacity.
    pub role: Role,
}

impl Actor {
    /// Somebody who is not signed in.
    #[must_use]
    pub fn nobody() -> Self {
        Self { id: String::new(), name: String::new(), role: Role::Nobody }
    }

    /// Latchkey itself.
    #[must_use]
    pub fn system() -> Self {
        Self { id: String::new(), name: "Latchkey".into(), role: Role::System }
    }
}

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Sorts by time.
    pub event_id: EventId,
    /// The practice.
    pub practice: PracticeId,
    /// The client it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The portal user it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portal_user_id: Option<PortalUserId>,
    /// When.
    pub at: At,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// Names of the fields that changed.
    #[serde(default)]
    pub changed: Vec<String>,
    /// Source address of the request.
    pub source: String,
    /// The request.
    pub request_id: String,
}

impl Event {
    /// An event of now.
    #[must_use]
    pub fn new(
        app: &App,
        caller: &Caller,
        actor: &Actor,
        practice: &PracticeId,
        action: Action,
    ) -> Self {
        Self {
            event_id: EventId::new(app.ulid()),
            practice: practice.clone(),
            client_id: None,
            portal_user_id: None,
            at: app.now(),
            actor: actor.clone(),
            action,
            changed: Vec::new(),
            source: caller.source.clone(),
            request_id: caller.request_id.clone(),
        }
    }

    /// About this client.
    #[must_use]
    pub fn client(mut self, client: ClientId) -> Self {
        self.client_id = Some(client);
        self
    }

    /// About this portal user.
    #[must_use]
    pub fn portal_user(mut self, user: PortalUserId) -> Self {
        self.portal_user_id = Some(user);
        self
    }

    /// These fields changed.
    #[must_use]
    pub fn changed<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.changed = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Where it stands in the history.
    #[must_use]
    pub fn key(&self) -> Key {
        match self.client_id {
            Some(client) => keys::client_event(&self.practice, client, self.event_id),
            None => keys::practice_event(&self.practice, self.at, self.event_id),
        }
    }
}
