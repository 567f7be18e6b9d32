//! Makes the rows of a change for many: some at each step, every row an ordinary change of its chart, and
//! none twice. See [`shared::bulk`].
//!
//! A step that sends mails takes as long as the mail service wants for so many. Each job keeps to that pace by
//! itself; of several practices' at once the mail service takes some later, as it does with all mails.

use std::time::Duration;

use serde::de::IgnoredAny;
use shared::{
    Problem, account, age,
    bulk::{Bulk, Kind, Outcome, Row, Rows, STEP, State, Step, Stopped, Stuck, Why},
    chart::{Chart, ChartEdit, NewUser, OVERTAKEN, Request},
    fields::{Permission, Relationship, Username},
    history::Action,
    id::PortalUserId,
    idempotency::Attempt,
    keys::{self, Key},
    portal_user::Access,
    practice::Practice,
    store::{Change, Update, parse},
    team::Member,
};

use crate::{Sender, tell};

/// What somebody who is invited with many others may do.
const GIVEN: [Permission; 2] = [Permission::Basic, Permission::Messaging];

/// A job as it is now, with what decides whether it goes on.
struct Found {
    job: Bulk,
    practice: Practice,
    /// Why it must stop.
    ended: Option<Stopped>,
}

impl Found {
    /// Whether another row is to be made now.
    fn goes_on(&self) -> bool {
        let running = self.job.state == State::Running && self.job.done < self.job.total;
        running && self.ended.is_none()
    }
}

impl Sender {
    /// Makes some rows of a job and leaves the next step in place of this one.
    ///
    /// # Errors
    /// When it has to be tried again.
    pub async fn step(&self, key: &Key) -> Result<(), Problem> {
        let store = self.app.store();
        let Some(step) = store.get::<Step>(key).await? else { return Ok(()) };
        let began = self.app.now();
        let mut found = self.find(&step).await?;
        let mut page: Option<(usize, Rows)> = None;
        let most = usize::try_from(self.config.a_second).unwrap_or(STEP).min(STEP);
        let (mut made, mut sent) = (0, 0);
        while let Some(now) = found.as_ref().filter(|now| now.goes_on() && made < most) {
            let (number, row) = Bulk::page_of(now.job.done);
            if page.as_ref().is_none_or(|(known, _)| *known != number) {
                let rows = keys::bulk_rows(&now.job.practice, now.job.bulk_id, number);
                let rows: Option<Rows> = store.get(&rows).await?;
                page = rows.map(|rows| (number, rows));
            }
            let row = page.as_ref().and_then(|(_, page)| page.rows.get(row)).copied();
            let row = row.ok_or_else(|| Problem::internal("a bulk change without its rows"))?;
            let number = now.job.done;
            let last = step.gives_up(number, began);
            let outcome = match Box::pin(self.row(now, row, last)).await {
                Ok(outcome) => outcome,
                Err(problem) => {
                    if let Err(also) = self.note_stuck(key, &step, number).await {
                        tell(key, &also);
                    }
                    return Err(problem);
                }
            };
            sent += usize::from(outcome == Some(Outcome::Done) && now.job.sends());
            made += 1;
            found = self.find(&step).await?;
        }
        self.keep_pace(sent, began.millis()).await;
        self.leave(key, &step, found).await
    }

    /// Reads a job; nothing when it is forgotten, or was started anew since.
    async fn find(&self, step: &Step) -> Result<Option<Found>, Problem> {
        let place = keys::bulk(&step.practice, step.bulk_id);
        let settings = keys::practice(&step.practice);
        let starter = step.starter.map(|starter| keys::member(&step.practice, starter));
        let wanted = [Some(place.clone()), Some(settings.clone()), starter.clone()];
        let wanted: Vec<Key> = wanted.into_iter().flatten().collect();
        let mut items = self.app.store().get_many(&wanted).await?;
        let job: Option<Bulk> = items.remove(&place).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&settings).map(parse).transpose()?;
        let starter = starter.and_then(|starter| items.remove(&starter));
        let starter: Option<Member> = starter.map(parse).transpose()?;
        let job = job.filter(|job| job.run == step.run);
        let Some((job, practice)) = job.zip(practice) else { return Ok(None) };
        let ended = job.must_stop(starter.as_ref());
        Ok(Some(Found { job, practice, ended }))
    }

    /// Waits until the mail service bears the next mails, so many having been asked for since `began`.
    async fn keep_pace(&self, sent: usize, began: i64) {
        let (sent, pace) = (u64::try_from(sent).unwrap_or(0), u64::from(self.config.a_second));
        let due = Duration::from_millis(sent * 1000 / pace.max(1));
        let gone = u64::try_from(self.app.now().millis() - began).unwrap_or(0);
        let wait = due.saturating_sub(Duration::from_millis(gone));
        if !wait.is_zero() {
            self.app.store().pause(wait).await;
        }
    }

    /// Puts the next step in place of this one, or says that the job is over.
    async fn leave(&self, key: &Key, step: &Step, mut found: Option<Found>) -> Result<(), Problem> {
        let store = self.app.store();
        let (mut retries, mut rev) = (store.retries(), step.rev);
        loop {
            let mut change = store.change();
            change.remove(key, rev);
            if let Some(found) = found.as_ref().filter(|found| found.job.state == State::Running) {
                self.go_on(found, &mut change);
            }
            let Err(error) = store.write(change).await else { return Ok(()) };
            retries.retry(error).await?;
            // Or another worker left the next one, or noted that a row is stuck.
            let Some(now) = store.get::<Step>(key).await? else { return Ok(()) };
            rev = now.rev;
            found = self.find(step).await?;
        }
    }

    fn go_on(&self, found: &Found, change: &mut Change) {
        let job = &found.job;
        if found.goes_on() {
            // Of a job that is stopped meanwhile, it makes nothing.
            Step::queue(&self.app, job, change);
            return;
        }
        // What is finished was not stopped.
        let stopped = found.ended.filter(|_| job.done < job.total);
        let (state, event) = match stopped {
            None => (State::Finished, job.own_event(&self.app, Action::BulkFinished)),
            Some(why) => {
                let event = job.own_event(&self.app, Action::BulkStopped);
                (State::Stopped, event.because(why.code()))
            }
        };
        change.replace(&job.key(), &Bulk { state, stopped, ..job.clone() }, job.rev);
        change.event(&event);
    }

    /// Notes since when a row has failed.
    async fn note_stuck(&self, key: &Key, step: &Step, row: usize) -> Result<(), Problem> {
        if step.stuck.is_some_and(|stuck| stuck.row == row) {
            return Ok(());
        }
        let stuck = Stuck { row, since: self.app.now() };
        let note = Update::of(key.clone()).when_exists("run").set("stuck", &stuck);
        self.app.store().update::<IgnoredAny>(note).await.map(drop)
    }

    /// Makes the next row, and notes what became of it; nothing when it was made meanwhile, or is not to be made
    /// now. The `last` try notes whatever went wrong.
    async fn row(&self, found: &Found, row: Row, last: bool) -> Result<Option<Outcome>, Problem> {
        let refused = match Box::pin(self.make(found, row)).await {
            Ok(()) => return Ok(Some(Outcome::Done)),
            Err(problem) if problem.code() == OVERTAKEN => return Ok(None),
            Err(problem) if problem.is_refusal() || last => problem,
            Err(problem) => return Err(problem),
        };
        let (job, store) = (&found.job, self.app.store());
        let why = why(job.action, refused.code());
        let outcome = Outcome::Skipped(why);
        let event = job.event(&self.app, Action::Refused).because(refused.code());
        // An id that does not exist gets no history of its own.
        let there = why != Why::NotFound || row.portal_user_id.is_some();
        let event = if there { event.client(row.client_id) } else { event };
        let mut retries = store.retries();
        loop {
            let mut change = store.change();
            let handles = job.note(outcome).write(&mut change);
            change.event(&event);
            let Err(error) = store.write(change).await else { return Ok(Some(outcome)) };
            let failed = retries.retry(error).await?;
            if handles.into_iter().any(|handle| failed.includes(handle)) {
                return Ok(None);
            }
        }
    }

    async fn make(&self, found: &Found, row: Row) -> Result<(), Problem> {
        let Found { job, practice, .. } = found;
        let (author, attempt) = (job.author(), Attempt::default());
        let request = Request {
            practice,
            author: &author,
            attempt: &attempt,
            unchanged: None,
            silent: false,
        };
        let store = self.app.store();
        let chart = Chart::load(store, &job.practice, row.client_id).await?;
        let new = match job.action {
            Kind::Invite => Some(self.invited(&chart)?),
            Kind::Resend | Kind::Revoke => None,
        };
        let wanted = new.as_ref().map(|new| new.account.clone());
        let accounts = Chart::accounts(store, &job.practice, wanted.as_slice()).await?;
        let note = job.note(Outcome::Done);
        let decide = |edit: &mut ChartEdit<'_>| {
            edit.is_row(&note)?;
            let user = || row.portal_user_id.ok_or_else(Problem::not_found);
            match (job.action, &new) {
                (Kind::Invite, new) => add(edit, new.as_ref()),
                (Kind::Resend, _) => edit.invite(user()?),
                (Kind::Revoke, _) => revoke(edit, job, user()?),
            }
        };
        Box::pin(chart.change(&self.app, &request, accounts, decide)).await
    }

    /// The client of a chart as their own portal user.
    fn invited(&self, chart: &Chart) -> Result<NewUser, Problem> {
        let client = &chart.client;
        let email = client.mail_address().cloned();
        let email = email.ok_or_else(|| Problem::conflict(NO_EMAIL, "There is no address."))?;
        if age::is_minor_somewhere(client.date_of_birth, self.app.now()) {
            return Err(Problem::conflict(MINOR, "The client is under 18."));
        }
        let username = Username::from(&email);
        Ok(NewUser {
            name: client.name.clone(),
            account: account::key_of(&self.app, &chart.practice, &username)?,
            email: Some(email),
            username,
            relationship: Relationship::Oneself,
            permissions: GIVEN.into(),
            until: None,
            review_on: None,
            chart_owner: true,
            same_person: false,
        })
    }
}

/// Codes of refusals that are only noted.
const NO_EMAIL: &str = "no_email";
const MINOR: &str = "minor";
const HAS_ACCESS: &str = "has_access";
const REVOKED: &str = "is_revoked";

fn add(edit: &mut ChartEdit<'_>, new: Option<&NewUser>) -> Result<(), Problem> {
    let new = new.ok_or_else(Problem::not_found)?;
    if !edit.users.is_empty() {
        return Err(Problem::conflict(HAS_ACCESS, "The client has a portal user."));
    }
    edit.add(new).map(drop)
}

fn revoke(edit: &mut ChartEdit<'_>, bulk: &Bulk, user: PortalUserId) -> Result<(), Problem> {
    if edit.user(user)?.access == Access::Revoked {
        return Err(Problem::conflict(REVOKED, "Access is revoked already."));
    }
    edit.revoke(user, bulk.code.map(|code| (code, bulk.note.clone())), None)
}

/// Why a row was not made, of the code of a refusal.
fn why(action: Kind, code: &str) -> Why {
    match code {
        "not_found" => Why::NotFound,
        "already_enrolled" | "already_added" | HAS_ACCESS => Why::HasAccess,
        "access_revoked" if action == Kind::Invite => Why::HasAccess,
        "access_revoked" | REVOKED => Why::Revoked,
        "account_exists" | "username_taken" | "username_confusable" | "self_twice" => {
            Why::AddressInUse
        }
        "mail_budget_spent" => Why::Budget,
        "client_closed" => Why::Closed,
        NO_EMAIL => Why::NoEmail,
        MINOR => Why::Minor,
        "safe_contact" => Why::SafeContact,
        _ => Why::Refused,
    }
}
