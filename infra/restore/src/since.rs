//! What happened since the moment, by chart and portal user.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    account::{CONFIRMATION_SECONDS, RESET_SECONDS},
    client::CloseReason,
    factor::{self, Lost},
    fields::At,
    history::Action,
    id::{AppId, ClientId, EventId, PortalUserId, PracticeId, StaffId},
    portal_user::RevokeCode,
};

use crate::Trouble;

/// Clocks differ, and a change may be written seconds after the time it tells: what happened so many
/// seconds before the moment is judged too.
const MARGIN: i64 = 15 * 60;

/// An event as the history has it, as far as it matters here: a later version may have changed the
/// rest.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    event_id: EventId,
    practice: PracticeId,
    #[serde(default)]
    client_id: Option<ClientId>,
    #[serde(default)]
    portal_user_id: Option<PortalUserId>,
    at: At,
    action: Action,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    app: Option<OfApp>,
    #[serde(default)]
    staff: Option<OfStaff>,
}

/// The person of a staff list that an event is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfStaff {
    staff_id: StaffId,
}

/// The people of staff lists who may do less since the moment, or nothing any more: removed, or with another
/// role or address.
pub(crate) fn staff<'a>(
    events: impl IntoIterator<Item = &'a Told>,
    moment: At,
) -> BTreeSet<(PracticeId, StaffId)> {
    let closes = |told: &&Told| {
        let less = match told.action {
            Action::StaffRemoved | Action::Other => true,
            Action::StaffUpdated => told.changed.iter().any(|field| field != "name"),
            _ => false,
        };
        less && told.at >= moment.plus(-MARGIN)
    };
    let of = |told: &Told| Some((told.practice.clone(), told.staff.as_ref()?.staff_id));
    events.into_iter().filter(closes).filter_map(of).collect()
}

/// The app that an event is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfApp {
    app_id: AppId,
}

/// The apps that may ask less since the moment, or not any more: deleted, edited, or with another secret.
pub(crate) fn apps<'a>(events: impl IntoIterator<Item = &'a Told>, moment: At) -> BTreeSet<AppId> {
    let closes = |told: &&Told| {
        let action = matches!(
            told.action,
            Action::AppUpdated | Action::AppSecretMade | Action::AppDeleted | Action::Other
        );
        action && told.at >= moment.plus(-MARGIN)
    };
    events.into_iter().filter(closes).filter_map(|told| Some(told.app.clone()?.app_id)).collect()
}

/// What happened to a chart.
#[derive(Debug, Default)]
pub(crate) struct Since {
    /// What happened to its portal users.
    pub(crate) users: BTreeMap<PortalUserId, UserSince>,
    /// The client was edited.
    pub(crate) edited: bool,
    /// What happened to its safe contact.
    pub(crate) safe_contact: SafeSince,
    /// The alerts were assigned.
    pub(crate) alerts: bool,
    /// The history says last that they go to the practice's inbox.
    pub(crate) alerts_told: bool,
    /// The chart was closed, and not reopened after: why. What this version does not know counts as
    /// [`CloseReason::Left`].
    pub(crate) closed: Option<CloseReason>,
}

/// What happened to the safe contact of a chart.
#[derive(Debug, Default)]
pub(crate) struct SafeSince {
    /// It was set, and not ended after it. An end is not done again: rather too safe.
    pub(crate) set: bool,
    /// The client's addresses were edited: which of them are safe is in doubt.
    pub(crate) doubtful: bool,
}

/// What becomes of an access, in rising order: the most that happened counts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It stays as it is.
    #[default]
    Kept,
    /// It was closed, or may have been.
    Closed,
    /// It was deleted.
    Deleted,
}

/// What happened to a portal user.
#[derive(Debug, Default)]
pub(crate) struct UserSince {
    /// What becomes of the access.
    pub(crate) access: Fate,
    /// The address or the sign-in name changed.
    pub(crate) moved: bool,
    /// The password changed.
    pub(crate) password: bool,
    /// What happened to second factors.
    pub(crate) factors: Lost,
    /// Why access was revoked, if that was the last that happened.
    pub(crate) reason: Option<RevokeCode>,
    /// What the history says already of what is done again: nothing else happened after it.
    pub(crate) told: Vec<Action>,
}

/// Sorts events of the history by chart. `ours` is the request of this restoration, of which an
/// earlier run may have been interrupted.
///
/// # Errors
/// When this version does not know whom an event shuts out.
pub(crate) fn charts(
    events: impl IntoIterator<Item = Told>,
    ours: &str,
    moment: At,
    now: At,
) -> Result<BTreeMap<(PracticeId, ClientId), Since>, Trouble> {
    let in_order: BTreeMap<EventId, Told> =
        events.into_iter().map(|event| (event.event_id, event)).collect();
    let mut charts = BTreeMap::<_, Since>::new();
    for event in in_order.into_values() {
        let Some(client) = event.client_id else { continue };
        let counts = event.at >= moment.plus(-MARGIN);
        // A link or a code that may still be open.
        let life = match event.action {
            Action::FactorReset => factor::RESET_SECONDS,
            Action::PasswordResetRequested => RESET_SECONDS,
            Action::EmailChangeRequested => CONFIRMATION_SECONDS,
            _ => 0,
        };
        let open = life > 0 && event.at.plus(life) > now;
        if changes(event.action) && (counts || open) {
            let ours = event.request_id == ours;
            charts.entry((event.practice.clone(), client)).or_default().add(&event, ours)?;
        }
    }
    Ok(charts)
}

/// Whether what happened changed anything that a restored table would have to know.
fn changes(action: Action) -> bool {
    match action {
        Action::ClientOpened
        | Action::ClientShown
        | Action::PortalUserShown
        | Action::HistoryShown
        | Action::ClientsSearched
        | Action::AccessListed
        | Action::ClientsCompared
        | Action::BulkPrepared
        | Action::BulkShown
        | Action::BulkStarted
        | Action::BulkStopped
        | Action::BulkFinished
        | Action::PortalUsersListed
        | Action::SignedIn
        | Action::SignInRefused
        | Action::Locked
        | Action::AccessUnlocked
        | Action::SignedOut
        | Action::PasswordChangeRefused
        | Action::AccountShown
        | Action::AccountUpdated
        | Action::AccessShown
        | Action::EmailChangeRefused
        | Action::ProofRefused
        | Action::SecondFactorAsked
        | Action::FactorRenamed
        | Action::SessionEnded
        | Action::StaffSignedIn
        | Action::StaffSignedOut
        | Action::StaffShown
        | Action::StaffAdded
        | Action::StaffUpdated
        | Action::StaffRemoved
        | Action::StaffSessionsEnded
        | Action::AppOpened
        | Action::AppClosed
        | Action::AppsShown
        | Action::AppRegistered
        | Action::AppUpdated
        | Action::AppSecretMade
        | Action::AppDeleted
        | Action::AlertPosted
        | Action::MailWithheld
        | Action::AlertsShown
        | Action::PracticeShown
        | Action::PracticeUpdated
        | Action::SessionsEnded
        | Action::Refused => false,
        Action::ClientCreated
        | Action::ClientUpdated
        | Action::ClientClosed
        | Action::ClientReopened
        | Action::SafeContactSet
        | Action::SafeContactEnded
        | Action::PortalUserAdded
        | Action::PortalUserUpdated
        | Action::InvitationResent
        | Action::SheetPrinted
        | Action::LinksEnded
        | Action::AccessRevoked
        | Action::AccessActivated
        | Action::AccessEnded
        | Action::AccessNarrowed
        | Action::PortalUserDeleted
        | Action::AlertRecipientAssigned
        | Action::ChartOwnerChanged
        | Action::Enrolled
        | Action::ChartJoined
        | Action::EnrollmentRefused
        | Action::PasswordResetRequested
        | Action::EmailChangeRequested
        | Action::PasswordChanged
        | Action::FactorAdded
        | Action::FactorRemoved
        | Action::RecoveryCodeMade
        | Action::FactorReset
        | Action::Other => true,
    }
}

impl Since {
    fn add(&mut self, event: &Told, ours: bool) -> Result<(), Trouble> {
        match event.action {
            Action::ClientUpdated => {
                self.edited = true;
                self.safe_contact.doubtful |= event.changed.iter().any(|field| field == "emails");
            }
            Action::ClientClosed => {
                let reason = event.reason.as_deref().and_then(slug);
                self.closed = Some(reason.unwrap_or(CloseReason::Left));
            }
            Action::ClientReopened => self.closed = None,
            Action::SafeContactSet => self.safe_contact.set = true,
            Action::SafeContactEnded => self.safe_contact.set = false,
            Action::AlertRecipientAssigned => {
                self.alerts = true;
                self.alerts_told = event.portal_user_id.is_none();
            }
            _ => {}
        }
        let Some(user) = event.portal_user_id else {
            return match event.action {
                // It may have shut out anybody.
                Action::PortalUserDeleted
                | Action::AccessRevoked
                | Action::PortalUserUpdated
                | Action::PasswordChanged
                | Action::Other => Err(Trouble::new(format!(
                    "This version does not know what the event {} means. Restore with the version that wrote it.",
                    event.event_id
                ))),
                _ => Ok(()),
            };
        };
        self.users.entry(user).or_default().add(event, ours);
        Ok(())
    }
}

impl UserSince {
    /// The access was closed, or may have been.
    pub(crate) fn close(&mut self) {
        self.access = self.access.max(Fate::Closed);
    }

    fn add(&mut self, event: &Told, ours: bool) {
        match event.action {
            Action::PortalUserDeleted => self.access = Fate::Deleted,
            // The date or the practice's rule that ended it may be of after the copy.
            Action::AccessRevoked
            | Action::AccessEnded
            | Action::AccessNarrowed
            | Action::Other => self.close(),
            Action::PasswordChanged => self.password = true,
            Action::FactorAdded => {
                self.factors.added = true;
                // Another app takes the place of the one before; a passkey does not.
                self.factors.totp |= event.changed.iter().any(|what| what != "passkey");
            }
            Action::FactorRemoved => {
                let known = ["passkey", "totp", "recoveryCode", "resetCode"];
                // What this version does not know may be any of them.
                let unknown = event.changed.is_empty()
                    || event.changed.iter().any(|what| !known.contains(&what.as_str()));
                let gone = |what: &str| unknown || event.changed.iter().any(|told| told == what);
                self.factors.passkeys |= gone("passkey");
                self.factors.totp |= gone("totp");
                self.factors.recovery_code |= gone("recoveryCode");
                self.factors.reset_code |= gone("resetCode");
            }
            Action::RecoveryCodeMade => self.factors.recovery_code = true,
            Action::FactorReset => self.factors.reset_code = true,
            Action::PortalUserUpdated => {
                let about = |fields: &[&str]| {
                    let mut changed = event.changed.iter();
                    changed.any(|field| fields.contains(&field.as_str()))
                };
                self.moved |= about(&["email", "username"]);
                let harmless = ["name", "relationship"];
                if event.changed.iter().any(|field| !harmless.contains(&field.as_str())) {
                    self.close();
                }
            }
            // It opened access, or ended what was sent.
            _ => {}
        }
        if ours {
            self.told.push(event.action);
            return;
        }
        self.told.clear();
        self.reason = None;
        match event.action {
            Action::AccessRevoked => {
                self.told.push(event.action);
                self.reason = event.reason.as_deref().and_then(slug);
            }
            Action::PortalUserDeleted => self.told.push(event.action),
            _ => {}
        }
    }
}

/// The reason of a revocation or of a closing, from what the history calls it.
fn slug<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(text.into()).ok()
}
