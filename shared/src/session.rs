//! The sessions of an account, and what apps have in them. A session ends only through
//! [`Sessions`], which answers what has gone: that is told to the apps ([`Gone::tell`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    device::DeviceKind,
    fields::{AppName, At, Permissions},
    id::{AccountId, AppId, ClientId, Epoch, PracticeId, SessionId},
    oauth::{
        notice::{Notice, Target},
        pass::AppSession,
    },
    practice::Practice,
    store::Change,
};

/// Most sessions one account has at a time; the oldest gives way.
pub const SESSIONS: usize = 10;

/// A session's idle end is moved only when it moves by so many seconds or more: at most a minute,
/// and a small part of `idle`, so that whoever stays is never signed out between two steps.
#[must_use]
pub fn step_seconds(idle: i64) -> i64 {
    (idle / 10).min(60)
}

/// With what a session was begun.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedInBy {
    /// A password alone.
    #[default]
    Password,
    /// A password, and a code of an authenticator app or from paper.
    Code,
    /// A password, and a passkey.
    Passkey,
    /// A passkey alone, which verified the person.
    PasskeyAlone,
}

impl SignedInBy {
    /// Whether it is one factor or two (`acr`).
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Password => "urn:latchkey:acr:password",
            Self::Code | Self::Passkey | Self::PasskeyAlone => "urn:latchkey:acr:two-factors",
        }
    }

    /// The methods (`amr`), by the names of RFC 8176.
    #[must_use]
    pub const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Code => &["pwd", "otp", "mfa"],
            Self::Passkey => &["pwd", "pop", "user", "mfa"],
            Self::PasskeyAlone => &["pop", "user", "mfa"],
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    const fn is_password(&self) -> bool {
        matches!(self, Self::Password)
    }
}

/// A session of a client or guardian.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The charts that were open when it was made, and in which epoch.
    pub grants: BTreeMap<ClientId, Epoch>,
    /// When it began.
    pub began_at: At,
    /// When it ends if it stays unused.
    pub idle_ends_at: At,
    /// When it ends in any case.
    pub ends_at: At,
    /// When it was last used, as far as that was noted; none of one that an earlier version noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<At>,
    /// On what kind of device it was made; of one that an earlier version made, unknown.
    #[serde(default)]
    pub device: DeviceKind,
    /// With what it was begun.
    #[serde(default, skip_serializing_if = "SignedInBy::is_password")]
    pub by: SignedInBy,
    /// What apps have in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<AppId, AppSession>,
}

impl Session {
    /// As it is under the practice's settings of now, which may have shortened both its ends.
    #[must_use]
    pub fn under(mut self, practice: &Practice) -> Self {
        (self.idle_ends_at, self.ends_at) = self.ends(practice);
        self
    }

    /// When it ends if it stays unused, and when in any case, under the practice's settings of now.
    #[must_use]
    pub fn ends(&self, practice: &Practice) -> (At, At) {
        let life = practice.client_sessions();
        let ends_at = life.ends_at(self.began_at, self.ends_at);
        (life.idle_ends_at(self.used_at, self.idle_ends_at).min(ends_at), ends_at)
    }
}

/// The sessions of an account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sessions(BTreeMap<SessionId, Session>);

/// Sessions that have ended. Their apps are to be told.
#[derive(Debug, Default)]
#[must_use = "the apps of sessions that ended are to be told"]
pub struct Gone(Vec<(SessionId, Session)>);

/// An app that got a token in sessions, as a portal user mirrors it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenApp {
    /// What people called it then.
    pub name: AppName,
    /// The person, as the app knows them.
    pub subject: AccountId,
    /// The sessions.
    pub sessions: BTreeSet<SessionId>,
    /// For which permissions it may show charts, by session: see [`AppSession::serves`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub serves: BTreeMap<SessionId, Permissions>,
}

impl OpenApp {
    /// An app that has got nothing yet.
    #[must_use]
    pub const fn of(name: AppName, subject: AccountId) -> Self {
        Self { name, subject, sessions: BTreeSet::new(), serves: BTreeMap::new() }
    }

    /// Whether it may show a chart in a session to a person who has these permissions there. Of a session
    /// of which that is not known, it may.
    #[must_use]
    pub fn shows(&self, sid: SessionId, permissions: &Permissions) -> bool {
        self.serves.get(&sid).is_none_or(|serves| !serves.is_disjoint(permissions))
    }

    /// The sessions in which a chart closes to it when its person loses some permissions there.
    pub fn closes<'a>(
        &'a self,
        before: &'a Permissions,
        after: &'a Permissions,
    ) -> impl Iterator<Item = SessionId> + 'a {
        let lost = !before.is_subset(after);
        self.sessions.iter().copied().filter(move |sid| {
            let known = self.serves.contains_key(sid);
            lost && (!known || (self.shows(*sid, before) && !self.shows(*sid, after)))
        })
    }
}

impl Sessions {
    /// One of them.
    #[must_use]
    pub fn get(&self, sid: SessionId) -> Option<&Session> {
        self.0.get(&sid)
    }

    /// One of them, to note something in it.
    pub fn get_mut(&mut self, sid: SessionId) -> Option<&mut Session> {
        self.0.get_mut(&sid)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.0.iter().map(|(sid, session)| (*sid, session))
    }

    /// Adds one, and drops what has ended, alone or with all others of the practice, or is one too many.
    pub fn begin(
        &mut self,
        sid: SessionId,
        session: Session,
        practice: &Practice,
        now: At,
    ) -> Gone {
        let over =
            |s: &Session| s.ends_at <= now || s.idle_ends_at <= now || !practice.admits(s.began_at);
        let mut gone: Vec<SessionId> =
            self.iter().filter(|(_, s)| over(s)).map(|(sid, _)| sid).collect();
        let mut left: Vec<(At, SessionId)> =
            self.iter().filter(|(_, s)| !over(s)).map(|(sid, s)| (s.ends_at, sid)).collect();
        left.sort_unstable();
        let too_many = (left.len() + 1).saturating_sub(SESSIONS);
        gone.extend(left.into_iter().take(too_many).map(|(_, sid)| sid));
        let ended = Gone(gone.into_iter().filter_map(|sid| self.0.remove_entry(&sid)).collect());
        self.0.insert(sid, session);
        ended
    }

    /// Ends one.
    pub fn end(&mut self, sid: SessionId) -> Gone {
        Gone(self.0.remove_entry(&sid).into_iter().collect())
    }

    /// Ends all but one.
    pub fn end_others(&mut self, sid: SessionId) -> Gone {
        let kept = self.0.remove_entry(&sid);
        let gone = std::mem::take(&mut self.0).into_iter().collect();
        self.0.extend(kept);
        Gone(gone)
    }

    /// Ends all.
    pub fn end_all(&mut self) -> Gone {
        Gone(std::mem::take(&mut self.0).into_iter().collect())
    }
}

impl Gone {
    /// Whether none has ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has the apps told that got a token in these sessions, as part of the change that ends them.
    pub fn tell(
        self,
        context: &Context,
        practice: &PracticeId,
        of: AccountId,
        change: &mut Change,
    ) {
        let targets = self.0.iter().flat_map(|(sid, session)| {
            let told = session.apps.iter().filter(|(_, had)| had.got_token());
            told.map(|(app, _)| Target::new(app.clone(), *sid))
        });
        Notice::of(context, practice, of, None, targets.collect()).queue(change);
    }
}
