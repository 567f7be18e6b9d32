//! Logout notices (OpenID Connect Back-Channel Logout 1.0): each app that got a token in a session is told
//! when the session ends, or when a chart closes in it. A notice is a courtesy; what an app may open is
//! decided when it asks ([`crate::oauth::question`]).
//!
//! What one change ends is one item, written in its transaction, however many apps are told: found by the
//! table's stream, delivered by `deliver`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    context::Context,
    fields::{AppName, At},
    id::{AccountId, AppId, ClientId, NoticeId, PortalUserId, PracticeId, SessionId},
    keys::{self, Key},
    store::Change,
};

/// Seconds after which an app that could not be told is given up.
pub const GIVEN_UP: i64 = 24 * 60 * 60;

/// How far word of an ending has come to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TellingState)]
pub enum State {
    /// On its way.
    Telling,
    /// The app answered that it knows.
    Told,
    /// It did not within a day, or it has no address to be told at.
    Failed,
}

/// An app that is told, as receipts and portal users list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToldApp {
    /// The app.
    pub app_id: AppId,
    /// What people called it.
    pub name: AppName,
    /// How far word has come.
    pub state: State,
}

/// An app that is told, and the session of whose end it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The app.
    pub app: AppId,
    /// The session.
    pub sid: SessionId,
    /// How far word has come.
    pub state: State,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<At>,
}

impl Target {
    /// An app that is still to be told.
    #[must_use]
    pub const fn new(app: AppId, sid: SessionId) -> Self {
        Self { app, sid, state: State::Telling, attempts: 0, due_at: None }
    }
}

/// Word of one ending.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Its id.
    pub notice_id: NoticeId,
    /// The practice.
    pub practice: PracticeId,
    /// The person: `sub`.
    pub account: AccountId,
    /// The portal user who carries the list of who was told, where staff ended the access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<(ClientId, PortalUserId)>,
    /// The apps that are told, each of one session.
    pub targets: Vec<Target>,
    /// When it was queued.
    pub queued_at: At,
    /// [`keys::PENDING`] until everybody was told or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// When `DynamoDB` may forget it (seconds since 1970).
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

impl Notice {
    /// Word of an ending.
    #[must_use]
    pub fn of(
        context: &Context,
        practice: &PracticeId,
        account: AccountId,
        about: Option<(ClientId, PortalUserId)>,
        targets: Vec<Target>,
    ) -> Self {
        let now = context.now();
        Self {
            notice_id: NoticeId::new(context.ulid()),
            practice: practice.clone(),
            account,
            about,
            targets,
            queued_at: now,
            pending: Some(keys::PENDING.to_owned()),
            expires_at: now.plus(7 * GIVEN_UP).seconds(),
            rev: 0,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> Key {
        keys::notice(&self.practice, self.notice_id)
    }

    /// How far word has come to each app, in the order in which the apps are listed: to one that is told
    /// of several sessions, as far as the least.
    #[must_use]
    pub fn states(&self) -> Vec<State> {
        let mut states: Vec<(&AppId, State)> = Vec::new();
        for target in &self.targets {
            match states.iter_mut().find(|(app, _)| **app == target.app) {
                None => states.push((&target.app, target.state)),
                Some((_, state)) if target.state == State::Telling || *state == State::Told => {
                    *state = target.state;
                }
                Some(_) => {}
            }
        }
        states.into_iter().map(|(_, state)| state).collect()
    }

    /// Puts it where `deliver` finds it, as part of a change; one that tells nobody is left out.
    pub fn queue(&self, change: &mut Change) {
        if !self.targets.is_empty() {
            let _ = change.insert(&self.key(), self);
        }
    }
}
