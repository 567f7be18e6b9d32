//! Closing a chart, and opening it again.
//!
//! A closed chart admits nobody. Closing revokes everybody's access in the same transaction, and until
//! the chart is reopened no rule gives access to it:
//!
//! | rule | in a closed chart |
//! | --- | --- |
//! | `add`, `invite`, `activate` | 409 `client_closed` |
//! | `assign`, `change_owner` | 409 `client_closed`, unless nothing would change |
//! | `enroll`, `invite_again`, `count_wrong_proof` | there is no invitation: closing ended it |
//! | `revoke` | changes nothing: everybody is revoked |
//! | `delete`, `update_user`, `update_client`, `end_links`, `end_password` | as ever: they give nobody access |
//!
//! These refusals come first, so that a closed chart is the reason that staff are told. What a rule
//! that is written later forgets, [`ChartEdit::admits_nobody_while_closed`] refuses: every change
//! passes it.
//!
//! The people of a duplicate are added to the right chart like any others. One who is the client there is
//! the client of the right chart, too, and no account is that of two clients (rule 12): so adding the
//! person as `self` makes them `other` in the duplicate.
//!
//! A transaction holds a chart of [`super::MOST_USERS`]: for each portal user the item, the account, the
//! event and a notice to apps; the client, its event, and the chart that it is a duplicate of. What the
//! persons' other charts show of an ended reset is left out where there is no room.

use std::collections::BTreeSet;

use super::{
    super::{Chart, write::Elsewhere},
    ChartEdit,
};
use crate::{
    account::Account,
    client::{CloseReason, Closed},
    fields::{Refusal, Relationship},
    history::Action,
    id::{ClientId, PortalUserId},
    keys::{self, Found},
    portal_user::{Access, PortalUser, RevokeCode},
    problem::Problem,
    store::Update,
};

impl CloseReason {
    /// The reason that the revoked portal users carry.
    const fn of_revocation(self) -> RevokeCode {
        match self {
            Self::Left => RevokeCode::LeftCare,
            Self::Deceased => RevokeCode::Other,
            Self::Duplicate => RevokeCode::Mistake,
        }
    }
}

impl<'a> ChartEdit<'a> {
    /// Closes the chart and revokes everybody's access to it. Portal users who are revoked already keep
    /// their own ending. A repeat changes nothing.
    ///
    /// # Errors
    /// 409 `client_closed` when it is closed for another reason. 422 on `duplicateOf`: it is missing, or
    /// comes with another reason, or is this client, or is closed, or lacks the mark of safe contact. 404 when the practice has no such
    /// client.
    pub fn close(
        &mut self,
        reason: CloseReason,
        duplicate_of: Option<ClientId>,
    ) -> Result<(), Problem> {
        let right = self.duplicate(reason, duplicate_of)?;
        if let Some(closed) = &self.chart.client.closed {
            if (closed.reason, closed.duplicate_of) == (reason, right) {
                return Ok(());
            }
            return Err(Problem::conflict(
                CLIENT_CLOSED,
                "This chart is closed already, for another reason. Reopen it first.",
            ));
        }
        if let Some(right) = right {
            let charts = self.other_charts(&BTreeSet::from([right]))?;
            let client = charts.get(&right).map(|chart| &chart.client);
            let client = client.ok_or_else(Problem::not_found)?;
            if client.closed.is_some() {
                return Err(refused(CLIENT_CLOSED, "This chart is closed itself."));
            }
            if self.chart.client.safe_contact && !client.safe_contact {
                return Err(refused(
                    "safe_contact",
                    "This client is under safe contact, and the other chart is not: mark that one first, so that the person goes on being protected.",
                ));
            }
            self.change.unchanged(&keys::client(&self.chart.practice, right), client.rev);
        }
        self.end_everybody(reason, right)?;
        self.tell(
            &self.event(Action::ClientClosed, None).changed(["closed"]).because(reason.slug()),
        );
        Ok(())
    }

    /// Closes the chart again on a restored table. Of a duplicate, the history does not say of which.
    ///
    /// # Errors
    /// When an account has to be read: for the caller to pass on.
    pub fn close_again(&mut self, reason: CloseReason) -> Result<(), Problem> {
        if self.chart.client.closed.is_some() {
            return Ok(());
        }
        self.end_everybody(reason, None)?;
        self.tell(
            &self.event(Action::ClientClosed, None).changed(["closed"]).because(reason.slug()),
        );
        Ok(())
    }

    /// Opens the chart again. Nobody's access comes back: staff activate the people one by one. A repeat
    /// changes nothing.
    pub fn reopen(&mut self) {
        let Some(closed) = self.chart.client.closed.take() else { return };
        let event = self.event(Action::ClientReopened, None).changed(["closed"]);
        self.tell(&event.because(closed.reason.slug()));
    }

    /// The client of which this one is a duplicate, if that is what the request says.
    fn duplicate(
        &self,
        reason: CloseReason,
        duplicate_of: Option<ClientId>,
    ) -> Result<Option<ClientId>, Problem> {
        match (reason, duplicate_of) {
            (CloseReason::Duplicate, None) => {
                Err(refused("duplicate_of_missing", "Say which client is the right one."))
            }
            (CloseReason::Duplicate, Some(right)) if right == self.chart.client.client_id => {
                Err(refused("duplicate_of_itself", "A client is no duplicate of itself."))
            }
            (CloseReason::Left | CloseReason::Deceased, Some(_)) => {
                Err(refused("not_a_duplicate", "Only a duplicate has another chart."))
            }
            (_, right) => Ok(right),
        }
    }

    /// Revokes everybody's access, and marks the client as closed.
    fn end_everybody(
        &mut self,
        reason: CloseReason,
        duplicate_of: Option<ClientId>,
    ) -> Result<(), Problem> {
        let id = self.chart.client.client_id;
        // A Query is not a snapshot. It may miss a portal user whom the client counts already: then the
        // chart is read once more.
        if usize::try_from(self.chart.client.portal.users) != Ok(self.chart.users.len()) {
            self.other_charts(&BTreeSet::from([id]))?;
        }
        let mut ended = Vec::new();
        for user in self.chart.users.clone() {
            if user.access == Access::Revoked {
                // And it may show one as revoked who was activated since.
                self.judged.insert(user.portal_user_id);
                continue;
            }
            self.revoke(user.portal_user_id, Some((reason.of_revocation(), None)), None)?;
            ended.push(user.portal_user_id);
        }
        let at = self.context.now();
        self.chart.client.closed = Some(Closed { at, reason, duplicate_of, ended });
        Ok(())
    }

    /// The charts in which the person with an account is the client, if all of them are closed as
    /// duplicates of this one; else none.
    ///
    /// # Errors
    /// When the charts have to be read: for the caller to pass on.
    pub(super) fn duplicates_of_oneself(
        &mut self,
        relationship: Relationship,
        account: &Account,
    ) -> Result<Vec<&'a Chart>, Problem> {
        let this = self.chart.client.client_id;
        if relationship != Relationship::Oneself || !account.is_of_another_client(this) {
            return Ok(Vec::new());
        }
        let oneself = account.grants.iter().filter(|(client, grant)| {
            **client != this && grant.relationship == Relationship::Oneself
        });
        let clients: BTreeSet<ClientId> = oneself.map(|(client, _)| *client).collect();
        let charts = self.other_charts(&clients)?;
        let found = clients.iter().filter_map(|client| charts.get(client));
        let of_this = |chart: &&Chart| {
            chart.client.closed.as_ref().is_some_and(|closed| closed.duplicate_of == Some(this))
        };
        let duplicates: Vec<&Chart> = found.filter(of_this).collect();
        Ok(if duplicates.len() == clients.len() { duplicates } else { Vec::new() })
    }

    /// Makes the client of a duplicate, whose account this is, somebody else there.
    pub(super) fn take_over(&mut self, duplicate: &Chart, account: &mut Account) {
        let (practice, client) = (self.chart.practice.clone(), &duplicate.client);
        let Some(grant) = account.grants.get_mut(&client.client_id) else { return };
        grant.relationship = Relationship::Other;
        let (id, name) = (grant.portal_user_id, grant.name.clone());
        let Ok(user) = duplicate.user(id) else { return };
        self.change.unchanged(&keys::client(&practice, client.client_id), client.rev);
        let key = keys::portal_user(&practice, client.client_id, id);
        let update = Update::of(key).when("rev", "=", &user.rev).add("version", 1);
        self.change.update(&update.set("relationship", &Relationship::Other));
        let event = self.author_event(Action::PortalUserUpdated).client(client.client_id);
        self.change.event(&event.portal_user(id).changed(["relationship"]));
        let now = PortalUser { relationship: Relationship::Other, ..user.clone() };
        let found = Found { client: client.client_id, user: Some(id) };
        self.elsewhere.push(Elsewhere::Person(found, name, Box::new((user.clone(), now))));
    }

    /// Refuses what a closed chart does not allow.
    ///
    /// # Errors
    /// 409 `client_closed`.
    pub(super) fn demand_open(&self) -> Result<(), Problem> {
        if self.chart.client.closed.is_none() { Ok(()) } else { Err(client_closed()) }
    }

    /// Refuses a change that gives access to a closed chart, by whatever rule.
    ///
    /// # Errors
    /// 409 `client_closed`.
    pub(in crate::chart) fn admits_nobody_while_closed(&self) -> Result<(), Problem> {
        let before = |id: PortalUserId| {
            let (_, users) = self.read.as_ref()?;
            users.iter().find(|user| user.portal_user_id == id).map(|user| user.access)
        };
        let admitted = self
            .chart
            .users
            .iter()
            .any(|user| degree(Some(user.access)) > degree(before(user.portal_user_id)));
        if admitted { self.demand_open() } else { Ok(()) }
    }
}

/// How far access goes.
const fn degree(access: Option<Access>) -> u8 {
    match access {
        None | Some(Access::Revoked) => 0,
        Some(Access::Invited) => 1,
        Some(Access::Active) => 2,
    }
}

/// The code of what a closed chart does not allow.
const CLIENT_CLOSED: &str = "client_closed";

fn client_closed() -> Problem {
    Problem::conflict(CLIENT_CLOSED, "This chart is closed. Reopen it first.")
}

fn refused(code: &'static str, message: &'static str) -> Problem {
    Problem::refused("duplicateOf", Refusal::rule(code, message))
}
