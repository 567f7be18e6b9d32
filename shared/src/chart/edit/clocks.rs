//! What clocks end or narrow on a chart ([`crate::clock`]), written by whichever change of the chart comes first.

use super::{AccountWrite, AppsOpen, ChartEdit, end};
use crate::{
    account::Grant,
    client::ClientView,
    clock::{Cause, Clock, Lapse, Told},
    fields::{At, Refusal},
    history::{Action, Actor, Author},
    id::PortalUserId,
    mirror::to_account,
    portal_user::{Access, LastReceipt, PortalUser, PortalUserView},
    problem::Problem,
    store::Update,
};

use super::super::Receipt;

impl ChartEdit<'_> {
    /// The time in the practice.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// As [`super::super::Chart::view`], now.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn view(&self, id: PortalUserId) -> Result<PortalUserView, Problem> {
        self.chart.view(id, &self.clock)
    }

    /// As [`super::super::Chart::receipt`], now.
    ///
    /// # Errors
    /// 404 when the client has no such portal user.
    pub fn receipt(&self, id: PortalUserId) -> Result<Receipt, Problem> {
        self.chart.receipt(id, &self.clock)
    }

    /// As [`super::super::Chart::closing_receipts`], now.
    #[must_use]
    pub fn closing_receipts(&self) -> Vec<Receipt> {
        self.chart.closing_receipts(&self.clock)
    }

    /// As [`super::super::Chart::client_view`], now.
    #[must_use]
    pub fn client_view(&self) -> ClientView {
        self.chart.client_view(&self.clock)
    }

    /// As [`super::super::Chart::alert_recipient`], now.
    #[must_use]
    pub fn alert_recipient(&self) -> Option<PortalUserId> {
        self.chart.alert_recipient(&self.clock)
    }

    /// Why a clock has ended a portal user's access, if one has.
    pub(super) fn ended_by(&self, user: &PortalUser) -> Option<Cause> {
        let verdict = user.verdict(&self.chart.client, &self.clock);
        verdict.cause.filter(|cause| cause.end().is_some())
    }

    /// Writes what clocks have ended or narrowed, or let in again, since the chart was written last: the
    /// sessions end, apps are told, the alerts go to the practice, and the history tells it once. Staff see
    /// nothing change by it: it is no new version.
    ///
    /// # Errors
    /// As a rule that has to read first.
    pub fn tell_clocks(&mut self, held_from: Option<At>) -> Result<(), Problem> {
        for user in self.chart.users.clone() {
            let verdict = user.verdict(&self.chart.client, &self.clock);
            let cause = verdict.cause;
            if user.access == Access::Revoked || cause == user.clocked.map(|told| told.cause) {
                continue;
            }
            let id = user.portal_user_id;
            let at = cause.map(|cause| self.held_since(&user, cause));
            let at = at.max(at.and(held_from));
            let told = cause.zip(at).map(|(cause, at)| Told { cause, at });
            let over = cause.is_some_and(|cause| cause.end().is_some());
            let was_over = user.is_over();
            self.user_mut(id)?.clocked = told;
            if over && !was_over {
                self.lapse(id, told)?;
            } else if !over {
                let left = verdict.permissions.unwrap_or_default();
                let apps = AppsOpen::without(&user, &left);
                if !apps.is_empty() {
                    self.tell_apps(&apps, Some(id))?;
                }
            }
            self.mirror_clocked(id, over && !was_over)?;
            let action = match (over, was_over) {
                (true, _) => Some(Action::AccessEnded),
                (false, _) if cause.is_some() => Some(Action::AccessNarrowed),
                (false, true) => Some(Action::AccessActivated),
                (false, false) => None,
            };
            if let Some(action) = action {
                self.tell_end(id, action, cause);
            }
        }
        Ok(())
    }

    /// Has it told when the last day of a portal user's access is over.
    pub(super) fn tell_on_the_day(&mut self, id: PortalUserId) -> Result<(), Problem> {
        let user = self.chart.user(id)?;
        let mut read = self.read.iter().flat_map(|(_, users)| users);
        let before = read.find(|user| user.portal_user_id == id);
        let until = user.until.filter(|until| before.and_then(|user| user.until) != Some(*until));
        if let Some(until) = until.filter(|until| *until >= self.clock.today()) {
            let due = self.clock.since(Cause::Until(until), self.chart.client.date_of_birth);
            let (practice, account) = (self.chart.practice.clone(), user.account.clone());
            Lapse::queue(self.context, (&practice, &account), due, None, &mut self.change);
        }
        Ok(())
    }

    /// Has it told what a corrected date of birth ends or narrows, or lets in again.
    pub(super) fn tell_of_birth(&mut self) {
        let now = self.clock.now();
        let practice = self.chart.practice.clone();
        for user in &self.chart.users {
            let cause = user.verdict(&self.chart.client, &self.clock).cause;
            if user.access != Access::Revoked && cause != user.clocked.map(|told| told.cause) {
                let place = (&practice, &user.account);
                Lapse::queue(self.context, place, now, Some(now), &mut self.change);
            }
        }
    }

    /// Since when a clock's verdict holds: since this change, if it was not so before.
    fn held_since(&self, user: &PortalUser, cause: Cause) -> At {
        let since = self.clock.since(cause, self.chart.client.date_of_birth);
        let before = self.read.as_ref().and_then(|(client, users)| {
            let before = users.iter().find(|u| u.portal_user_id == user.portal_user_id)?;
            before.verdict(client, &self.clock).cause
        });
        if before == Some(cause) { since } else { self.clock.now() }
    }

    /// Ends what a person has open whose time is over.
    fn lapse(&mut self, id: PortalUserId, told: Option<Told>) -> Result<(), Problem> {
        let now = self.clock.now();
        let user = self.user_mut(id)?;
        let apps = AppsOpen::of(user);
        let ended = end(user, now);
        let at = told.map_or(now, |told| told.at);
        user.receipt = Some(LastReceipt { at, ended, mail: None });
        self.tell_apps(&apps, Some(id))?;
        if self.chart.client.alert_recipient == Some(id) {
            self.hand_over_alerts(None)?;
        }
        self.end_reset_elsewhere(id, ended)
    }

    /// Copies to the account what is told, and that it ended now.
    fn mirror_clocked(&mut self, id: PortalUserId, ended: bool) -> Result<(), Problem> {
        let user = self.chart.user(id)?.clone();
        let (context, client) = (self.context, self.chart.client.client_id);
        if let Some(AccountWrite::Put(account)) = self.account_writes.get_mut(&user.account)
            && ended
        {
            (account.reset, account.new_email) = (None, None);
        }
        self.mirror(
            &user,
            |grant| {
                grant.copy_access(&user);
                if ended {
                    grant.end(context);
                }
            },
            |update| {
                let update = to_account::clocked(update, client, &user);
                let update = to_account::invitation(update, client, &user);
                if ended { to_account::ended(update, context, client) } else { update }
            },
        );
        Ok(())
    }

    /// Writes to the grant of a portal user, whether the account is written whole or in part.
    pub(super) fn mirror(
        &mut self,
        user: &PortalUser,
        whole: impl FnOnce(&mut Grant),
        part: impl FnOnce(Update) -> Update,
    ) {
        let client = self.chart.client.client_id;
        if let Some(AccountWrite::Put(account)) = self.account_writes.get_mut(&user.account) {
            if let Some(grant) = account.grants.get_mut(&client) {
                whole(grant);
            }
        } else {
            self.update_account(user, part);
        }
    }

    /// The event: no person's doing.
    fn tell_end(&mut self, id: PortalUserId, action: Action, cause: Option<Cause>) {
        let caller = self.request.author.caller.clone();
        let author = Author { actor: Actor::system(), caller };
        let event = author.event(self.context, &self.chart.practice, action);
        let event = event.client(self.chart.client.client_id).portal_user(id);
        let changed = if action == Action::AccessNarrowed { "permissions" } else { "status" };
        let event = event.changed([changed]);
        self.change.event(&match cause.and_then(Cause::end) {
            Some(reason) => event.because(reason.slug()),
            None => event,
        });
    }
}

/// 409: the client's age ends the access of parents and guardians.
pub(super) fn too_old() -> Problem {
    Problem::conflict(
        "age_rule",
        "The practice's settings end the access of parents and guardians at this client's age. If the person may enter all the same, change the relationship to another one first.",
    )
}

/// 422: as the last day of an access that is to begin.
pub(super) fn past(field: &'static str) -> Problem {
    let message = "Give today or a later day: the access would be over before it begins.";
    Problem::refused(field, Refusal::rule("in_the_past", message))
}
