//! Closes again what closed since. A table that was put back to an earlier moment lets in people who
//! were shut out after it: this does again, by the rules of [`shared::chart`], what the history says
//! was closed.
//!
//! While it works the table holds open doors, so no function may run before it has ended well. A run
//! that was interrupted is begun anew, on whatever the table holds then: each change is a transaction
//! of its own, and what the history tells already is not told twice.
//!
//! The history says what happened, and not to which values. Where that leaves a doubt, access stays
//! closed, and staff who know better open it again:
//!
//! | since the moment | now |
//! | --- | --- |
//! | revoked, deleted | again |
//! | permissions edited | revoked |
//! | address or sign-in name changed | revoked wherever the person has access: with the old ones resets go to the old address |
//! | password changed | no password is right until the person chooses one, by a reset |
//! | a passkey removed | all passkeys are, since nobody knows which it was |
//! | an authenticator app removed, or another added | the one of before is removed |
//! | a recovery code used or made, a code printed in the last two days | the one of before is not taken; what else there is stays |
//! | of these, where no second factor is left; a factor added where there was none | as for a changed password: the password alone does not let in |
//! | invited anew, enrolled, reset asked for, … | the invitation and the reset of before end |
//! | client closed, and not reopened | closed again; of a duplicate, staff say anew which chart is the right one |
//! | client edited | its open invitations end, which its name and date of birth prove |
//! | safe contact set, and not ended | set again; where the client's addresses were edited since, none is safe until staff mark it |
//! | alerts assigned | they go to the practice's inbox |
//! | an app edited, deleted or given another secret | switched off |
//! | a person of a staff list removed, or given another role or address | off the list: the last admin too, whom `npm run ops -- staff add` puts back |
//! | what this version does not know | revoked |
//!
//! What was opened since (access activated, charts reopened, invitations, enrolments) stays lost. A reset that was open
//! at the moment ends too, whenever it was asked for. Nobody gets a mail of it.

mod since;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::AddAssign,
};

use serde::{Deserialize, Serialize};
use shared::{
    App, Problem,
    account::Account,
    caller::Caller,
    chart::{Accounts, Chart, ChartEdit, Request},
    fields::At,
    history::{Action, Actor, Author},
    id::{AccountKey, AppId, ClientId, PortalUserId, PracticeId, StaffId},
    idempotency::Attempt,
    oauth::app::RegisteredApp,
    portal_user::{Access, PortalUser},
    practice::Practice,
    team::Team,
};

pub use crate::since::Told;
use crate::since::{Fate, Since, UserSince};

/// One line that says why it ended, and that nobody may be let in.
#[derive(Debug)]
pub struct Trouble(String);

impl Trouble {
    /// Says why.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

/// What a problem says to those who restore.
fn trouble(about: impl fmt::Display) -> impl FnOnce(Problem) -> Trouble {
    move |problem| Trouble(format!("{about}: {}", problem.cause().unwrap_or(problem.code())))
}

/// How much was closed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Accesses that were revoked.
    pub revoked: usize,
    /// Portal users who were deleted.
    pub deleted: usize,
    /// Accounts whose password is nobody's.
    pub passwords: usize,
    /// Accounts that lost a second factor, or a code that stands in for one.
    #[serde(default)]
    pub factors: usize,
    /// Portal users whose open invitation or reset ended.
    pub links: usize,
    /// Charts that were closed.
    #[serde(default)]
    pub charts: usize,
    /// Clients who are under safe contact again, or whose safe addresses are to be marked anew.
    #[serde(default)]
    pub safe: usize,
    /// Apps and systems that were switched off: an admin looks at each, and switches it on again.
    #[serde(default)]
    pub apps: usize,
    /// People who were taken off a staff list: an admin, or `npm run ops -- staff add`, puts them back.
    #[serde(default)]
    pub staff: usize,
}

impl AddAssign for Closed {
    fn add_assign(&mut self, more: Self) {
        self.revoked += more.revoked;
        self.deleted += more.deleted;
        self.passwords += more.passwords;
        self.factors += more.factors;
        self.links += more.links;
        self.charts += more.charts;
        self.safe += more.safe;
        self.apps += more.apps;
        self.staff += more.staff;
    }
}

/// A restoration: of the table of `app`, or of what it would do to it.
pub struct Restoration<'a> {
    app: &'a App,
    moment: At,
    rehearsal: bool,
    author: Author,
    practices: BTreeMap<PracticeId, Practice>,
    /// The accounts whose password was made nobody's: they are counted once.
    passwords: BTreeSet<(PracticeId, AccountKey)>,
}

impl<'a> Restoration<'a> {
    /// The restoration `name` to a moment. A rehearsal writes nothing.
    #[must_use]
    pub fn new(app: &'a App, name: &str, moment: At, rehearsal: bool) -> Self {
        let caller = Caller { request_id: format!("restore {name}"), source: String::new() };
        Self {
            app,
            moment,
            rehearsal,
            author: Author { actor: Actor::system(), caller },
            practices: BTreeMap::new(),
            passwords: BTreeSet::new(),
        }
    }

    /// Closes what these events of the history say was closed. Those of an interrupted run of the same
    /// restoration are to be among them; their order does not matter.
    ///
    /// # Errors
    /// When the table does not answer, or it cannot be said who may enter.
    pub async fn close(
        mut self,
        events: impl IntoIterator<Item = Told>,
    ) -> Result<Closed, Trouble> {
        let events: Vec<Told> = events.into_iter().collect();
        let apps = since::apps(&events, self.moment);
        let staff = since::staff(&events, self.moment);
        let mut charts =
            since::charts(events, &self.author.caller.request_id, self.moment, self.app.now())?;
        self.find_moved(&mut charts).await?;
        let mut closed = Closed::default();
        for ((practice, client), since) in &charts {
            closed += Box::pin(self.chart(practice, *client, since)).await?;
        }
        for id in &apps {
            closed.apps += usize::from(self.switch_off(id).await?);
        }
        for (practice, id) in &staff {
            closed.staff += usize::from(self.take_off(practice, *id).await?);
        }
        Ok(closed)
    }

    /// Takes somebody off a staff list who is back on it. Answers whether there was one.
    async fn take_off(&self, practice: &PracticeId, id: StaffId) -> Result<bool, Trouble> {
        let about = || trouble(format!("the staff list of {practice}"));
        let store = self.app.store();
        let mut retries = store.retries();
        loop {
            let team = Team::load(store, practice).await.map_err(about())?;
            if team.member(id).is_err() {
                return Ok(false);
            }
            if self.rehearsal {
                return Ok(true);
            }
            let mut change = store.change();
            let gone = team.take_off(self.app, &mut change, id).map_err(about())?;
            let event = self.author.event(self.app, practice, Action::StaffRemoved);
            change.event(&event.staff(id, &gone.name));
            let Err(error) = store.write(change).await else { return Ok(true) };
            retries.retry(error).await.map_err(about())?;
        }
    }

    /// Switches an app off that is back as it was before it was deleted, edited or given another secret.
    /// Answers whether there was one that was on.
    async fn switch_off(&self, id: &AppId) -> Result<bool, Trouble> {
        let about = || trouble(format!("the app {id}"));
        let store = self.app.store();
        let mut retries = store.retries();
        loop {
            let found = store.get::<RegisteredApp>(&RegisteredApp::key(id)).await;
            let Some(mut app) = found.map_err(about())?.filter(|app| app.enabled) else {
                return Ok(false);
            };
            if self.rehearsal {
                return Ok(true);
            }
            app.enabled = false;
            app.version += 1;
            let event = self.author.event(self.app, id.practice(), Action::AppUpdated);
            let event = event.app(id, &app.registration.name).changed(["enabled"]);
            let mut change = store.change();
            change.replace(&RegisteredApp::key(id), &app, app.rev);
            change.event(&event);
            let Err(error) = store.write(change).await else { return Ok(true) };
            retries.retry(error).await.map_err(about())?;
        }
    }

    /// A person is known by the account: with its old address or sign-in name back, all that it opens
    /// is in doubt.
    async fn find_moved(
        &self,
        charts: &mut BTreeMap<(PracticeId, ClientId), Since>,
    ) -> Result<(), Trouble> {
        let mut found = Vec::new();
        for ((practice, client), since) in charts.iter() {
            if !since.users.values().any(|user| user.moved) {
                continue;
            }
            let Some(chart) = self.load(practice, *client).await? else { continue };
            let moved = |user: &&PortalUser| {
                since.users.get(&user.portal_user_id).is_some_and(|since| since.moved)
            };
            for user in chart.users.iter().filter(moved) {
                let (_, account) = self.account(practice, user).await?;
                let grants = account.grants.into_iter();
                found
                    .extend(grants.map(|(client, g)| (practice.clone(), client, g.portal_user_id)));
            }
        }
        for (practice, client, user) in found {
            let since = charts.entry((practice, client)).or_default();
            since.users.entry(user).or_default().close();
        }
        Ok(())
    }

    /// Closes what closed on one chart, one portal user at a time: a transaction holds no more.
    async fn chart(
        &mut self,
        practice: &PracticeId,
        client: ClientId,
        since: &Since,
    ) -> Result<Closed, Trouble> {
        // One that is not there was made after the moment.
        let Some(chart) = self.load(practice, client).await? else { return Ok(Closed::default()) };
        let settings = self.settings(practice).await?;
        let mut closed = Closed::default();
        let safe = &since.safe_contact;
        if safe.set || chart.client.safe_contact && safe.doubtful {
            let told = vec![(Action::SafeContactSet, None)];
            let rule = |edit: &mut ChartEdit<'_>| {
                let safe = usize::from(edit.mark_safe_contact_again(safe.doubtful));
                Ok(Closed { safe, ..Closed::default() })
            };
            closed += self.change(&settings, client, Accounts::new(), told, rule).await?;
        }
        let nothing = UserSince::default();
        for user in &chart.users {
            let invited = since.edited && user.access == Access::Invited;
            let of_user = since.users.get(&user.portal_user_id);
            let Some(of_user) = of_user.or(invited.then_some(&nothing)) else { continue };
            let (accounts, _) = self.account(practice, user).await?;
            let told = of_user.told.iter().map(|told| (*told, Some(user.portal_user_id))).collect();
            let rule = |edit: &mut ChartEdit<'_>| close_user(edit, user.portal_user_id, of_user);
            let mut done = self.change(&settings, client, accounts, told, rule).await?;
            if done.passwords > 0 {
                let new = self.passwords.insert((practice.clone(), user.account.clone()));
                done.passwords = usize::from(new);
            }
            closed += done;
        }
        if let Some(reason) = since.closed {
            let told = vec![(Action::ClientClosed, None)];
            let rule = |edit: &mut ChartEdit<'_>| {
                let charts = usize::from(edit.client.closed.is_none());
                edit.close_again(reason)?;
                Ok(Closed { charts, ..Closed::default() })
            };
            closed += self.change(&settings, client, Accounts::new(), told, rule).await?;
        }
        if since.alerts {
            let told = since.alerts_told.then_some((Action::AlertRecipientAssigned, None));
            let rule = |edit: &mut ChartEdit<'_>| edit.assign(None).map(|()| Closed::default());
            let told = told.into_iter().collect();
            closed += self.change(&settings, client, Accounts::new(), told, rule).await?;
        }
        Ok(closed)
    }

    /// Applies a rule to a chart, or says what it would do.
    async fn change(
        &self,
        practice: &Practice,
        client: ClientId,
        accounts: Accounts,
        told: Vec<(Action, Option<PortalUserId>)>,
        rule: impl Fn(&mut ChartEdit<'_>) -> Result<Closed, Problem>,
    ) -> Result<Closed, Trouble> {
        let attempt = Attempt::default();
        let request = Request {
            practice,
            author: &self.author,
            attempt: &attempt,
            unchanged: None,
            silent: true,
        };
        let decide = |edit: &mut ChartEdit<'_>| {
            edit.is_told(told.clone());
            rule(edit)
        };
        let about = format!("the chart {client} of {}", practice.practice);
        let chart = Chart::load(self.app.store(), &practice.practice, client).await;
        let chart = chart.map_err(trouble(&about))?;
        let closed = if self.rehearsal {
            chart.rehearse(self.app, &request, &accounts, decide)
        } else {
            Box::pin(chart.change(self.app, &request, accounts, decide)).await
        };
        closed.map_err(trouble(about))
    }

    /// A chart, if it was there at the moment.
    async fn load(
        &self,
        practice: &PracticeId,
        client: ClientId,
    ) -> Result<Option<Chart>, Trouble> {
        match Chart::load(self.app.store(), practice, client).await {
            Ok(chart) => Ok(Some(chart)),
            Err(problem) if problem.code() == "not_found" => Ok(None),
            Err(problem) => Err(trouble(format!("the chart {client} of {practice}"))(problem)),
        }
    }

    /// The account of a portal user, which must have this very access.
    async fn account(
        &self,
        practice: &PracticeId,
        user: &PortalUser,
    ) -> Result<(Accounts, Account), Trouble> {
        let about = format!("the portal user {} of {practice}", user.portal_user_id);
        let wanted = [user.account.clone()];
        let accounts = Chart::accounts(self.app.store(), practice, &wanted).await;
        let accounts = accounts.map_err(trouble(&about))?;
        let account = accounts.get(&user.account).and_then(Option::as_ref).filter(|account| {
            let grant = account.grants.get(&user.client_id);
            grant.is_some_and(|grant| grant.portal_user_id == user.portal_user_id)
        });
        let Some(account) = account.cloned() else {
            return Err(Trouble(format!(
                "{about} has no account with this access, so nobody can say who may enter. Take a copy of another moment."
            )));
        };
        Ok((accounts, account))
    }

    /// The settings of a practice.
    async fn settings(&mut self, id: &PracticeId) -> Result<Practice, Trouble> {
        if let Some(known) = self.practices.get(id) {
            return Ok(known.clone());
        }
        let practice = match Practice::load(self.app.store(), id).await {
            Err(problem) if problem.code() == "not_found" => {
                return Err(Trouble(format!(
                    "The practice {id} has charts and no settings. Make them first: practice put {id}"
                )));
            }
            loaded => loaded.map_err(trouble(format!("the practice {id}")))?,
        };
        self.practices.insert(id.clone(), practice.clone());
        Ok(practice)
    }
}

/// Closes what closed for one portal user.
fn close_user(
    edit: &mut ChartEdit<'_>,
    id: PortalUserId,
    since: &UserSince,
) -> Result<Closed, Problem> {
    let mut closed = Closed::default();
    match since.access {
        Fate::Deleted => {
            edit.delete_again(id, None)?;
            closed.deleted = 1;
            return Ok(closed);
        }
        Fate::Closed => {
            closed.revoked = usize::from(edit.user(id)?.access != Access::Revoked);
            edit.revoke(id, since.reason.map(|code| (code, None)), None)?;
        }
        Fate::Kept => closed.links = usize::from(edit.end_links(id)?),
    }
    let unsure = edit.end_factors(id, since.factors)?;
    closed.factors = usize::from(unsure.factors);
    let password = unsure.password || since.password && edit.end_password(id)?;
    closed.passwords = usize::from(password);
    Ok(closed)
}
