//! One change for many: invitations, invitations again, or revocations, prepared for staff to look at and then
//! made row by row.
//!
//! ```text
//! ready ── start ──> running ── last row ──> finished
//!                    │   ▲
//!                    │   └── start ── stopped
//!                    └── stop, too many mails came back, or rights were taken away ──^
//! ```
//!
//! A job is one item, [`Bulk`], and its rows in pages of [`PAGE`]. A running job always has one [`Step`], which
//! the stream, or the sweep of what waits, hands to the worker. The worker makes some rows and puts the next step
//! in place of its own, in one transaction.
//!
//! Each row is an ordinary change of a chart. Its transaction also raises [`Bulk::done`] from the row's own number,
//! on the condition that the job still runs and that the person who started it may still change things ([`Note`]):
//! so a row is made once, however often a worker dies or two meet, nothing is changed after a stop was answered, and
//! nothing with rights that were taken away.
//!
//! A row that a rule refuses is noted as left out. One that fails otherwise is tried again, as long as what it
//! needs may come back, and then left out too ([`Stuck`]).
//!
//! On paper: a job of 10,000 rows is one partition of 80 pages, 1.6 MB with its outcomes. Each row writes its page,
//! of at most 20 kB, in a transaction: 40 write units, at 14 rows a second half of what one partition takes. To ask
//! how far such a job is costs 200 read units.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    caller::Caller,
    context::Context,
    fields::{At, Reason},
    history::{Action, Actor, Author, Event, Role},
    id::{BulkId, ClientId, PortalUserId, PracticeId, StaffId, StepId},
    keys::{self, Key},
    portal_user::RevokeCode,
    store::{Change, Handle, Update},
    team::Member,
};

/// The most rows of one job.
pub const MOST: usize = 10_000;
/// Rows in one item: of [`MOST`] rows all items go into one transaction.
pub const PAGE: usize = 125;
/// Rows that one step makes at most: at the mail service's usual pace, a second's.
pub const STEP: usize = 14;
/// Seconds that a job is kept, with its result.
pub const KEPT: i64 = 30 * 24 * 60 * 60;
/// Seconds before a job is forgotten in which it is not started: the longest takes less.
pub const STARTED_BEFORE: i64 = 2 * 24 * 60 * 60;
/// Seconds that a row may fail, for whatever reason, before the job goes on without it: no other is to wait for a
/// row that cannot be made. Less than there are between two sweeps, the next of which gives the row up.
const STUCK: i64 = 4 * 60;
/// A job is not judged by the mails that came back before it has sent so many.
const JUDGED: u64 = 20;
/// One in so many mails that come back stops a job: AWS reviews an account at 5 %
/// (<https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-dg.html>).
const BOUNCES: u64 = 20;

/// What a job does to each of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkAction)]
pub enum Kind {
    /// Adds the client as their own portal user, and invites them.
    Invite,
    /// Sends the invitation again.
    Resend,
    /// Revokes access.
    Revoke,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkState)]
pub enum State {
    /// Prepared; nothing was changed.
    Ready,
    /// Rows are being made.
    Running,
    /// Somebody stopped it, or too many mails came back. It can be started again.
    Stopped,
    /// All rows were made.
    Finished,
}

/// Why a job stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkStopped)]
pub enum Stopped {
    /// Somebody of the staff stopped it.
    Staff,
    /// One in twenty of its mails came back.
    Bounces,
    /// The person who started it may not change anything any more.
    Rights,
}

impl Stopped {
    /// The code in the event of a job that stopped by itself.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Bounces => "bounces",
            Self::Rights => "rights",
        }
    }
}

/// Why somebody is left out, or a row was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = BulkSkipped)]
pub enum Why {
    /// The client has no e-mail address.
    NoEmail,
    /// The client has a portal user, or the person has enrolled.
    HasAccess,
    /// The client is under 18.
    Minor,
    /// The chart is closed.
    Closed,
    /// Somebody else has an account with the address.
    AddressInUse,
    /// The address got as many mails as one may get.
    Budget,
    /// There is nobody of this id.
    NotFound,
    /// The person's access is revoked.
    Revoked,
    /// Under safe contact no mail goes to the address.
    SafeContact,
    /// The change was refused for another reason.
    Refused,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = BulkOutcome)]
pub enum Outcome {
    /// The change was made.
    Done,
    /// It was not.
    #[serde(untagged)]
    Skipped(Why),
}

/// A row: a client, and the portal user unless one is to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The client.
    pub client_id: ClientId,
    /// The portal user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_user_id: Option<PortalUserId>,
}

/// Somebody who is left out of a job: by the ids that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The portal user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_user_id: Option<PortalUserId>,
    /// Why.
    pub why: Why,
}

/// A page of rows, as stored: of those to be made, or of those left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rows {
    /// The rows to be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    /// Who is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What became of those that were made, in their order.
    pub outcomes: Vec<Outcome>,
    /// When it is forgotten (seconds since 1970).
    pub expires_at: i64,
}

/// A job, as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    /// Its id.
    pub bulk_id: BulkId,
    /// The practice.
    pub practice: PracticeId,
    /// What it does.
    pub action: Kind,
    /// Why access is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<RevokeCode>,
    /// What staff wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Reason>,
    /// How far it is.
    pub state: State,
    /// Its rows.
    pub total: usize,
    /// Those that are behind it.
    pub done: usize,
    /// Those among them that changed something.
    pub made: u64,
    /// Mails that came back.
    pub bounced: u64,
    /// Those among them that staff knew of when they started it.
    pub known: u64,
    /// How many rows had changed something then.
    #[serde(default)]
    pub made_before: u64,
    /// How often it was started. A step of an earlier run makes nothing any more.
    pub run: u32,
    /// Why it stopped, while it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// Who prepared or last started it: the actor of every row's event, with the rights of now.
    pub actor: Actor,
    /// Source address of that request.
    pub source: String,
    /// That request.
    pub request_id: String,
    /// When it is forgotten (seconds since 1970).
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

impl Bulk {
    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> Key {
        keys::bulk(&self.practice, self.bulk_id)
    }

    /// The author of its rows' events.
    #[must_use]
    pub fn author(&self) -> Author {
        let (source, request_id) = (self.source.clone(), self.request_id.clone());
        Author { actor: self.actor.clone(), caller: Caller { request_id, source } }
    }

    /// An event of it.
    #[must_use]
    pub fn event(&self, context: &Context, action: Action) -> Event {
        self.author().event(context, &self.practice, action)
    }

    /// An event of it that nobody of the staff caused.
    #[must_use]
    pub fn own_event(&self, context: &Context, action: Action) -> Event {
        let author = Author { actor: Actor::system(), ..self.author() };
        author.event(context, &self.practice, action)
    }

    /// Who prepared or last started it.
    #[must_use]
    pub fn starter(&self) -> Option<StaffId> {
        StaffId::parse(&self.actor.id)
    }

    /// Why it must not go on, the person who started it being this one on the staff list.
    #[must_use]
    pub fn must_stop(&self, starter: Option<&Member>) -> Option<Stopped> {
        if starter.is_none_or(|member| !member.role.may_change()) {
            return Some(Stopped::Rights);
        }
        self.bounces().then_some(Stopped::Bounces)
    }

    /// Whether so many of the mails of this run came back that the mail service would mind.
    fn bounces(&self) -> bool {
        let came_back = self.bounced.saturating_sub(self.known);
        let made = self.made.saturating_sub(self.made_before);
        self.sends() && made >= JUDGED && came_back * BOUNCES >= made
    }

    /// Whether it is forgotten so soon that it could be in the midst of its rows.
    #[must_use]
    pub fn is_old(&self, now: At) -> bool {
        self.expires_at - STARTED_BEFORE <= now.seconds()
    }

    /// Whether its rows send mails.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.action != Kind::Revoke
    }

    /// The page that holds a row, and the row's number in it.
    #[must_use]
    pub fn page_of(row: usize) -> (usize, usize) {
        (row / PAGE, row % PAGE)
    }

    /// Notes what became of the next row, as part of the row's own change.
    #[must_use]
    pub fn note(&self, outcome: Outcome) -> Note {
        let (page, row) = Self::page_of(self.done);
        let rows = keys::bulk_rows(&self.practice, self.bulk_id, page);
        let may = self.starter().map(|starter| {
            Update::of(keys::member(&self.practice, starter))
                .when_one_of("role", &[Role::Admin, Role::Staff])
        });
        let job = Update::of(self.key())
            .when("state", "=", &State::Running)
            .when("done", "=", &self.done)
            .when("actor.id", "=", &self.actor.id)
            .set("done", &(self.done + 1))
            .add("made", i64::from(outcome == Outcome::Done));
        let rows = Update::of(rows).set(&format!("outcomes[{row}]"), &outcome);
        Note { bulk: self.bulk_id, may, job, rows }
    }
}

/// What the change of a row notes in its job: only while the job runs, started by a person who may change things,
/// and nobody else made the row.
#[derive(Debug, Clone)]
pub struct Note {
    /// The job.
    pub bulk: BulkId,
    may: Option<Update>,
    job: Update,
    rows: Update,
}

impl Note {
    /// Adds it to a change. When the condition of one of these items fails, the row is not to be made now.
    pub fn write(&self, change: &mut Change) -> Vec<Handle> {
        let mut handles = vec![change.update(&self.job)];
        handles.extend(self.may.as_ref().map(|may| change.demand(may)));
        change.update(&self.rows);
        handles
    }
}

/// Work that a running job has left, as stored. The stream carries it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The practice.
    pub practice: PracticeId,
    /// The job.
    pub bulk_id: BulkId,
    /// The job's run of which it is.
    pub run: u32,
    /// Who started that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starter: Option<StaffId>,
    /// The row that cannot be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// [`keys::PENDING`]: it waits until it is gone.
    pub pending: String,
    /// When it is given up (seconds since 1970).
    pub expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

/// A row that fails again and again, though nothing refuses it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Stuck {
    /// Which one.
    pub row: usize,
    /// When it failed first.
    pub since: At,
}

impl Step {
    /// Whether a row has failed for so long that the job goes on without it.
    #[must_use]
    pub fn gives_up(&self, row: usize, now: At) -> bool {
        let stuck = self.stuck.filter(|stuck| stuck.row == row);
        stuck.is_some_and(|stuck| stuck.since.plus(STUCK) <= now)
    }

    /// Puts the next step of a job where the worker finds it, as part of a change.
    pub fn queue(context: &Context, bulk: &Bulk, change: &mut Change) {
        let step = Self {
            practice: bulk.practice.clone(),
            bulk_id: bulk.bulk_id,
            run: bulk.run,
            starter: bulk.starter(),
            stuck: None,
            pending: keys::PENDING.to_owned(),
            expires_at: bulk.expires_at,
            rev: 0,
        };
        let key = keys::step(&bulk.practice, bulk.bulk_id, StepId::new(context.ulid()));
        change.insert(&key, &step);
    }
}

/// When a job that is made now is forgotten.
#[must_use]
pub fn forgotten(now: At) -> i64 {
    now.seconds() + KEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mail_in_twenty_that_comes_back_stops_a_job_that_has_sent_enough() {
        let job = |action, (made, made_before), bounced, known| Bulk {
            bulk_id: BulkId::new(ulid::Ulid::nil()),
            practice: PracticeId::parse("harbor").unwrap(),
            action,
            code: None,
            note: None,
            state: State::Running,
            total: 1000,
            done: 1000,
            made,
            bounced,
            known,
            made_before,
            run: 1,
            stopped: None,
            actor: Actor::system(),
            source: String::new(),
            request_id: String::new(),
            expires_at: 0,
            rev: 0,
        };
        for (made, bounced, known, stops) in [
            ((19, 0), 19, 0, false),
            ((20, 0), 0, 0, false),
            ((20, 0), 1, 0, true),
            ((100, 0), 4, 0, false),
            ((100, 0), 5, 0, true),
            // Of an earlier run are neither the mails that came back nor the others.
            ((119, 100), 19, 5, false),
            ((120, 100), 5, 5, false),
            ((120, 100), 6, 5, true),
            ((200, 100), 9, 5, false),
            ((200, 100), 10, 5, true),
        ] {
            let judged = job(Kind::Resend, made, bounced, known).bounces();
            assert_eq!(judged, stops, "{bounced} of {made:?}, {known} known");
        }
        assert!(!job(Kind::Revoke, (20, 0), 20, 0).bounces());
    }
}
