//! The history: who did what to whose access, when, and from where. Events carry names of fields,
//! never values, and are only ever added.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::Caller,
    context::Context,
    fields::{AppName, At, StaffName},
    id::{AppId, ClientId, EventId, PortalUserId, PracticeId, StaffId},
    keys::{self, Key},
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the meaning, and what the API answers")]
pub enum Action {
    ClientCreated,
    ClientUpdated,
    ClientClosed,
    ClientReopened,
    SafeContactSet,
    SafeContactEnded,
    MailWithheld,
    ClientOpened,
    ClientShown,
    PortalUserShown,
    HistoryShown,
    ClientsSearched,
    AccessListed,
    ClientsCompared,
    PortalUsersListed,
    PortalUserAdded,
    PortalUserUpdated,
    InvitationResent,
    SheetPrinted,
    LinksEnded,
    AccessRevoked,
    AccessActivated,
    AccessUnlocked,
    AccessEnded,
    AccessNarrowed,
    PortalUserDeleted,
    AlertRecipientAssigned,
    ChartOwnerChanged,
    Enrolled,
    ChartJoined,
    EnrollmentRefused,
    SignedIn,
    SignInRefused,
    Locked,
    SignedOut,
    PasswordResetRequested,
    PasswordChanged,
    PasswordChangeRefused,
    AccountShown,
    AccountUpdated,
    AccessShown,
    EmailChangeRequested,
    EmailChangeRefused,
    ProofRefused,
    SessionEnded,
    SecondFactorAsked,
    FactorAdded,
    FactorRenamed,
    FactorRemoved,
    RecoveryCodeMade,
    FactorReset,
    StaffSignedIn,
    StaffSignedOut,
    StaffShown,
    StaffAdded,
    StaffUpdated,
    StaffRemoved,
    StaffSessionsEnded,
    AppOpened,
    AppClosed,
    AppsShown,
    AppRegistered,
    AppUpdated,
    AppSecretMade,
    AppDeleted,
    AlertPosted,
    AlertsShown,
    PracticeShown,
    PracticeUpdated,
    SessionsEnded,
    BulkPrepared,
    BulkShown,
    BulkStarted,
    BulkStopped,
    BulkFinished,
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

impl Role {
    /// Whether the role may change what it may see.
    #[must_use]
    pub fn may_change(self) -> bool {
        matches!(self, Self::Admin | Self::Staff)
    }
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// Staff: their id on the practice's list. Portal users: the id of their account. Empty for nobody.
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

/// The author of events: an actor, and the request in which it acts.
#[derive(Debug, Clone)]
pub struct Author {
    /// Who acts.
    pub actor: Actor,
    /// The request.
    pub caller: Caller,
}

impl Author {
    /// An event of this author.
    #[must_use]
    pub fn event(&self, context: &Context, practice: &PracticeId, action: Action) -> Event {
        Event::new(context, &self.caller, &self.actor, practice, action)
    }
}

/// An app or a system, as it was called when something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventApp {
    /// Its id.
    pub app_id: AppId,
    /// What people called it.
    pub name: AppName,
}

/// A person of the staff, as they were called when something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventStaff {
    /// The id on the practice's list.
    pub staff_id: StaffId,
    /// What they were called.
    pub name: StaffName,
}

/// Who acted, as staff see it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ActorView {
    /// Tells people of one name apart; empty for somebody who was not signed in.
    pub id: String,
    /// As people know them; empty for somebody who was not signed in.
    pub name: String,
    /// In which capacity.
    pub role: Role,
}

/// One event, as staff see it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// Its id.
    pub event_id: EventId,
    /// When.
    pub at: At,
    /// Who.
    pub actor: ActorView,
    /// What.
    pub action: Action,
    /// Which portal user it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub portal_user_id: Option<PortalUserId>,
    /// Why: the code of a revocation or of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// The app or system that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app: Option<EventApp>,
    /// Names of the fields that changed.
    pub changed: Vec<String>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Actor { id, name, role } = event.actor;
        Self {
            event_id: event.event_id,
            at: event.at,
            actor: ActorView { id, name, role },
            action: event.action,
            portal_user_id: event.portal_user_id,
            reason: event.reason,
            app: event.app,
            changed: event.changed,
        }
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
    /// Why: the code of a revocation, of a closing or of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The app or system that it is about, or through which it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<EventApp>,
    /// The person of the staff that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<EventStaff>,
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
        context: &Context,
        caller: &Caller,
        actor: &Actor,
        practice: &PracticeId,
        action: Action,
    ) -> Self {
        Self {
            event_id: EventId::new(context.ulid()),
            practice: practice.clone(),
            client_id: None,
            portal_user_id: None,
            at: context.now(),
            actor: actor.clone(),
            action,
            reason: None,
            app: None,
            staff: None,
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

    /// Why: a slug, such as the code of a refusal.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// About this app.
    #[must_use]
    pub fn app(mut self, app_id: &AppId, name: &AppName) -> Self {
        self.app = Some(EventApp { app_id: app_id.clone(), name: name.clone() });
        self
    }

    /// About this person of the staff.
    #[must_use]
    pub fn staff(mut self, staff_id: StaffId, name: &StaffName) -> Self {
        self.staff = Some(EventStaff { staff_id, name: name.clone() });
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
