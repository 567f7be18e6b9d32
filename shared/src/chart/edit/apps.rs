//! Apps that are told of what a change of access closes.

use super::ChartEdit;
use crate::{
    fields::Permissions,
    id::{AccountId, AppId, PortalUserId, SessionId},
    oauth::notice::{Notice, State, Target, ToldApp},
    portal_user::{PortalUser, Telling},
    problem::Problem,
    session::OpenApp,
};

/// The apps that got a token of a portal user, to be told that this ends: in sessions whose time has run
/// out, too. Nobody told the app of that, and it may still let the person in.
pub(super) struct AppsOpen {
    /// The person, as the apps know them; none where no app is open.
    subject: Option<AccountId>,
    targets: Vec<Target>,
    told: Vec<ToldApp>,
}

impl AppsOpen {
    /// All of them.
    pub(super) fn of(user: &PortalUser) -> Self {
        Self::each(user, |app| app.sessions.iter().copied().collect())
    }

    /// Those to which the chart closes once the person has only these permissions.
    pub(super) fn without(user: &PortalUser, permissions: &Permissions) -> Self {
        Self::each(user, |app| app.closes(&user.permissions, permissions).collect())
    }

    fn each(user: &PortalUser, sessions: impl Fn(&OpenApp) -> Vec<SessionId>) -> Self {
        let mut open = Self { subject: None, targets: Vec::new(), told: Vec::new() };
        for (id, app) in &user.open_apps {
            let sessions = sessions(app);
            if !sessions.is_empty() {
                open.add(id, app, sessions);
            }
        }
        open
    }

    fn add(&mut self, id: &AppId, app: &OpenApp, sessions: Vec<SessionId>) {
        self.subject = Some(app.subject);
        self.targets.extend(sessions.into_iter().map(|sid| Target::new(id.clone(), sid)));
        let (app_id, name) = (id.clone(), app.name.clone());
        self.told.push(ToldApp { app_id, name, state: State::Telling });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

impl ChartEdit<'_> {
    /// Has apps told that a chart closed in sessions in which they got a token. `carrier`: the portal user
    /// who carries the list of them from now on. Answers the list.
    pub(super) fn tell_apps(
        &mut self,
        apps: &AppsOpen,
        carrier: Option<PortalUserId>,
    ) -> Result<Vec<ToldApp>, Problem> {
        let about = carrier.map(|user| (self.chart.client.client_id, user));
        let notice = apps.subject.map(|subject| {
            let targets = apps.targets.clone();
            Notice::of(self.context, &self.chart.practice, subject, about, targets)
        });
        if let Some(notice) = &notice {
            notice.queue(&mut self.change);
        }
        if let Some(user) = carrier {
            let apps = apps.told.clone();
            let telling = notice.map(|notice| Telling { notice: notice.notice_id, apps });
            self.user_mut(user)?.telling = telling;
        }
        Ok(apps.told.clone())
    }
}
