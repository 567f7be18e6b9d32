//! A portal user: one person's access to one client's portal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    client::Client,
    clock::{Cause, Clock, NEAR_DAYS, Terms, Told, Verdict},
    fields::{AppName, At, Date, Email, Name, Permissions, Reason, Relationship, Username},
    id::{AccountKey, AppId, ClientId, MailId, NoticeId, PortalUserId, SessionId},
    letter::Language,
    lists::Listing,
    mail::{Mail, MailKind, MailView},
    oauth::notice::ToldApp,
    practice::Practice,
    session::OpenApp,
    token::{TokenHash, TokenSecret},
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
    /// The sign-in name.
    pub username: Username,
    /// Where the account with that sign-in name is kept.
    pub account: AccountKey,
    /// Where the person's mails go. Without one nothing is mailed, and the person enrols with a sheet of paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person may do.
    pub permissions: Permissions,
    /// The last day of the access, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// When staff mean to look at it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Date>,
    /// What the history tells of a clock that ended or narrowed the access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocked: Option<Told>,
    /// Whether the person was given access. Whether it is over by a clock says [`PortalUser::verdict`].
    pub access: Access,
    /// The newest invitation; none once access was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<Invitation>,
    /// Invitations that are over because another took their place or access was revoked: their links
    /// are told so, and no more. The newest twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// When the person enrolled, and so has credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_at: Option<At>,
    /// The newest mail about this access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// Former addresses that are still to be told that they are, by the notice that goes there. Sending
    /// it takes the address away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notices: BTreeMap<MailId, Email>,
    /// When the person last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<At>,
    /// Sessions that may open this chart, and when each ends if it stays unused: a mirror of the
    /// account's, so that whoever revokes knows without another read how many end.
    #[serde(default)]
    pub sessions: BTreeMap<SessionId, At>,
    /// The apps that got a token in these sessions: a mirror of the account's, so that whoever revokes
    /// knows without another read whom to tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open_apps: BTreeMap<AppId, OpenApp>,
    /// Who was told of the last ending, and how far word has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telling: Option<Telling>,
    /// When the open password reset ends: a mirror of the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_until: Option<At>,
    /// The language that the person chose for mails: a mirror of the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// What the last revocation or activation did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<LastReceipt>,
    /// When and why access was revoked, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
    /// The answers about this person that are kept for repeated requests. Deleting the person takes
    /// them away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<KeptAnswer>,
    /// In which of the practice's lists the portal user stands.
    #[serde(flatten)]
    pub listing: Listing,
    /// Raised by every change that staff see.
    pub version: u64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// Who was told that access ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// The word that they are sent.
    pub notice: NoticeId,
    /// The apps.
    pub apps: Vec<ToldApp>,
}

/// Where the answer to a request is kept: see [`crate::idempotency`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Digest of the request.
    pub request: String,
    /// When the answer is forgotten, in seconds since 1970.
    pub until: i64,
}

/// Why staff revoked an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RevokeCode {
    /// The client, or the person, asked for it.
    Request,
    /// The client left the practice's care.
    LeftCare,
    /// A court ordered it.
    CourtOrder,
    /// Somebody's safety.
    Safety,
    /// The access was given by mistake.
    Mistake,
    /// None of these.
    Other,
}

/// A revocation, as the portal user carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: At,
    /// Why.
    pub code: RevokeCode,
    /// What staff wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Reason>,
}

/// Why an invitation or an access is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The invitation was not used in time.
    Expired,
    /// Ten wrong proofs ended the invitation.
    WrongProofs,
    /// Another invitation took its place.
    Replaced,
    /// The last day of the access is over.
    Until,
    /// The client has reached an age at which the practice's rules end the access of parents and guardians.
    Age,
    /// Revoked: see [`RevokeCode::Request`].
    Request,
    /// Revoked: see [`RevokeCode::LeftCare`].
    LeftCare,
    /// Revoked: see [`RevokeCode::CourtOrder`].
    CourtOrder,
    /// Revoked: see [`RevokeCode::Safety`].
    Safety,
    /// Revoked: see [`RevokeCode::Mistake`].
    Mistake,
    /// Revoked: see [`RevokeCode::Other`].
    Other,
}

impl EndReason {
    /// The slug that the API answers.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::WrongProofs => "wrong-proofs",
            Self::Replaced => "replaced",
            Self::Until => "until",
            Self::Age => "age",
            Self::Request => "request",
            Self::LeftCare => "left-care",
            Self::CourtOrder => "court-order",
            Self::Safety => "safety",
            Self::Mistake => "mistake",
            Self::Other => "other",
        }
    }
}

impl From<RevokeCode> for EndReason {
    fn from(code: RevokeCode) -> Self {
        match code {
            RevokeCode::Request => Self::Request,
            RevokeCode::LeftCare => Self::LeftCare,
            RevokeCode::CourtOrder => Self::CourtOrder,
            RevokeCode::Safety => Self::Safety,
            RevokeCode::Mistake => Self::Mistake,
            RevokeCode::Other => Self::Other,
        }
    }
}

/// When and why an invitation or an access ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = EndedAccess)]
pub struct EndedView {
    /// When.
    pub at: At,
    /// Why.
    pub reason: EndReason,
    /// What staff wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<Reason>,
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
    /// When it was last sent again because somebody asked for a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<At>,
    /// Wrong proofs so far.
    #[serde(default)]
    pub wrong_proofs: u32,
    /// When somebody enrolled with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<At>,
}

/// An invitation whose link was sent and no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Hash of its token.
    pub hash: TokenHash,
    /// When it ended.
    pub at: At,
}

/// So many replaced invitations are remembered.
const REPLACED: usize = 20;

/// So many wrong proofs kill an invitation.
pub const WRONG_PROOFS: u32 = 10;

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
    /// Where the person's mails go; not there for a person without an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person may do.
    #[schema(value_type = BTreeSet<crate::fields::Permission>)]
    pub permissions: Permissions,
    /// What the person was given, where the client's age leaves less of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<BTreeSet<crate::fields::Permission>>)]
    pub given: Option<Permissions>,
    /// The last day of the access, if it has one: open through its end in the practice's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub until: Option<Date>,
    /// When staff mean to look at the access again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub review_on: Option<Date>,
    /// What comes to the access within thirty days, or is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ending: Option<EndingView>,
    /// Whether the person may enter.
    pub status: Status,
    /// Whether the person owns the chart.
    pub chart_owner: bool,
    /// Whether the person gets the alerts: chosen for them, and active. Nobody does under safe contact.
    pub receives_alerts: bool,
    /// The invitation, until it was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invitation: Option<InvitationView>,
    /// Whether another portal user of the client has the same e-mail address. Not in the lists of the whole
    /// practice.
    #[serde(default)]
    #[schema(required)]
    pub shares_email: bool,
    /// The newest mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mail: Option<MailView>,
    /// When the person last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_sign_in_at: Option<At>,
    /// Until when no sign-in of the person from an unknown device is taken, after too many that failed.
    /// Only in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locked_until: Option<At>,
    /// Whether signing in asks for a second factor. Only in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub second_factor: Option<bool>,
    /// When and why the invitation or the access ended, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ended: Option<EndedView>,
    /// The apps that are open to the person now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub open_apps: Vec<OpenAppView>,
    /// The apps that were told of the last ending, and how far word has come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub apps: Vec<ToldApp>,
    /// What an edit must name.
    pub version: u64,
}

/// What is to come to an access, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EndingAccess)]
pub struct EndingView {
    /// The last day of the access; the day on which the client reaches the age; the day of the review.
    pub on: Date,
    /// What it is.
    pub reason: EndingReason,
}

/// What is to come to an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndingReason {
    /// It ends: it was given until a day.
    Until,
    /// It ends: the client reaches an age.
    Age,
    /// It narrows: the client reaches an age.
    Narrows,
    /// Staff look at it again.
    Review,
}

impl From<Cause> for EndingReason {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Until(_) => Self::Until,
            Cause::Ended(_) => Self::Age,
            Cause::Narrowed(_) => Self::Narrows,
        }
    }
}

/// An app that is open to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpenApp)]
pub struct OpenAppView {
    /// The app.
    pub app_id: AppId,
    /// What people call it.
    pub name: AppName,
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

impl Invitation {
    /// An invitation of `now` that the secret opens until `until`.
    #[must_use]
    pub fn of(secret: &TokenSecret, now: At, until: At) -> Self {
        Self {
            hash: secret.hash(),
            sent_at: now,
            expires_at: until,
            asked_at: None,
            wrong_proofs: 0,
            used_at: None,
        }
    }

    /// Whether it can be used at `now`.
    #[must_use]
    pub fn open(&self, now: At) -> bool {
        self.used_at.is_none() && self.expires_at > now && self.wrong_proofs < WRONG_PROOFS
    }
}

impl PortalUser {
    /// The access as it was given.
    #[must_use]
    pub const fn terms<'a>(&'a self, client: &Client) -> Terms<'a> {
        let (until, relationship) = (self.until, self.relationship);
        Terms { until, relationship, born: client.date_of_birth, permissions: &self.permissions }
    }

    /// Whether it is written that a clock ended the access.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.clocked.is_some_and(|told| told.cause.end().is_some())
    }

    /// Forgets that a clock ended the access. That one narrowed it stays told.
    pub fn forget_clocked_end(&mut self) {
        self.clocked = self.clocked.filter(|told| told.cause.end().is_none());
    }

    /// What a clock says of the access to this client.
    #[must_use]
    pub fn verdict(&self, client: &Client, clock: &Clock) -> Verdict {
        clock.judge(&self.terms(client))
    }

    /// What the person may do now; none without access.
    #[must_use]
    pub fn may(&self, client: &Client, clock: &Clock) -> Option<Permissions> {
        self.verdict(client, clock).permissions.filter(|_| self.access == Access::Active)
    }

    /// Whether the person may enter.
    #[must_use]
    pub fn status(&self, client: &Client, clock: &Clock) -> Status {
        let now = clock.now();
        if self.verdict(client, clock).permissions.is_none() {
            return Status::Revoked;
        }
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

    /// Gives the person a new invitation, which `mail` tells of, if a mail does: the only one that works from
    /// now on.
    pub fn replace_invitation(&mut self, new: Invitation, mail: Option<Mail>, now: At) {
        self.retire_invitation(now);
        self.access = Access::Invited;
        self.invitation = Some(new);
        self.mail = mail;
    }

    /// Takes the unused invitation away; its link is told that it is over.
    pub fn retire_invitation(&mut self, now: At) {
        let Some(old) = self.invitation.take() else { return };
        self.replaced.push(Replaced { hash: old.hash, at: old.expires_at.min(now) });
        let surplus = self.replaced.len().saturating_sub(REPLACED);
        self.replaced.drain(..surplus);
    }

    /// Whether alerts may be assigned to the person: active, or with an open invitation, and with an e-mail
    /// address.
    #[must_use]
    pub fn can_receive_alerts(&self, client: &Client, clock: &Clock) -> bool {
        let status = self.status(client, clock);
        self.email.is_some() && matches!(status, Status::Active | Status::Invited)
    }

    /// When and why the invitation or the access ended, if it did.
    fn ended(&self, client: &Client, clock: &Clock) -> Option<EndedView> {
        let over = self.verdict(client, clock).cause.filter(|_| self.access != Access::Revoked);
        if let Some((cause, reason)) = over.and_then(|cause| Some((cause, cause.end()?))) {
            let told = self.clocked.filter(|told| told.cause == cause).map(|told| told.at);
            let at = told.unwrap_or_else(|| clock.since(cause, client.date_of_birth));
            return Some(EndedView { at, reason, note: None });
        }
        let status = self.status(client, clock);
        let (at, reason, note) = match (status, &self.revoked, &self.invitation) {
            (Status::Revoked, Some(r), _) => (r.at, r.code.into(), r.note.clone()),
            (Status::Expired, _, Some(i)) if i.wrong_proofs >= WRONG_PROOFS => {
                (i.expires_at, EndReason::WrongProofs, None)
            }
            (Status::Expired, _, Some(i)) => (i.expires_at, EndReason::Expired, None),
            _ => return None,
        };
        Some(EndedView { at, reason, note })
    }

    /// The apps that got a token in sessions which live, for a permission that the person has.
    fn apps_open(&self, now: At) -> impl Iterator<Item = (&AppId, &OpenApp)> {
        let lives = move |sid: &SessionId| self.sessions.get(sid).is_some_and(|end| *end > now);
        let shows = move |app: &OpenApp, sid: &SessionId| app.shows(*sid, &self.permissions);
        self.open_apps
            .iter()
            .filter(move |(_, app)| app.sessions.iter().any(|sid| lives(sid) && shows(app, sid)))
    }

    /// Forgets the sessions that ended with all others of the practice.
    pub fn forget_ended(&mut self, practice: &Practice) {
        self.sessions.retain(|sid, _| practice.admits(sid.made_at()));
    }

    /// Who was told of the last ending.
    #[must_use]
    pub fn told(&self) -> Vec<ToldApp> {
        self.telling.as_ref().map(|telling| telling.apps.clone()).unwrap_or_default()
    }

    /// What is to come to the access within thirty days, or is due.
    #[must_use]
    pub fn ending(&self, client: &Client, clock: &Clock) -> Option<EndingView> {
        if self.status(client, clock) == Status::Revoked {
            return None;
        }
        let near = clock.today().plus_days(NEAR_DAYS);
        let review = self.review_on.filter(|day| *day <= near);
        let review = review.map(|on| EndingView { on, reason: EndingReason::Review });
        let ahead = clock.ahead(&self.terms(client));
        let ahead = ahead.map(|(on, cause)| EndingView { on, reason: cause.into() });
        ahead.into_iter().chain(review).min_by_key(|ending| ending.on)
    }

    /// What the API answers.
    #[must_use]
    pub fn view(&self, client: &Client, clock: &Clock) -> PortalUserView {
        let now = clock.now();
        let open = self.invitation.as_ref().filter(|i| i.used_at.is_none());
        let status = self.status(client, clock);
        let may = self.verdict(client, clock).permissions;
        let less = may.filter(|may| *may != self.permissions);
        PortalUserView {
            portal_user_id: self.portal_user_id,
            name: self.name.clone(),
            username: self.username.clone(),
            email: self.email.clone(),
            relationship: self.relationship,
            given: less.as_ref().map(|_| self.permissions.clone()),
            permissions: less.unwrap_or_else(|| self.permissions.clone()),
            until: self.until,
            review_on: self.review_on,
            ending: self.ending(client, clock),
            status,
            chart_owner: client.chart_owner == Some(self.portal_user_id),
            receives_alerts: status == Status::Active
                && !client.safe_contact
                && client.alert_recipient == Some(self.portal_user_id),
            invitation: open
                .map(|i| InvitationView { sent_at: i.sent_at, expires_at: i.expires_at }),
            shares_email: false,
            mail: self.mail.as_ref().map(Mail::view),
            last_sign_in_at: self.last_sign_in_at,
            locked_until: None,
            second_factor: None,
            ended: self.ended(client, clock),
            open_apps: self
                .apps_open(now)
                .map(|(id, app)| OpenAppView { app_id: id.clone(), name: app.name.clone() })
                .collect(),
            apps: self.told(),
            version: self.version,
        }
    }
}
