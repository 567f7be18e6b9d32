//! A minor's own e-mail address: nobody else of the chart may have it, since who reads a mailbox can take the
//! account over.
//!
//! The rule is about two portal users of one chart, one of them `self`, where the client is a minor by the
//! practice's calendar. Every change of a chart passes it when it is written ([`super::super::write`]); what was so
//! before does not keep staff from other changes. The rules that write addresses also ask it first, so that it is
//! the reason that people are told.
//!
//! A person's address changes on all their charts at once: those of minors are read too. So that two changes at
//! once cannot make two people share an address, a change of who has which address writes the client's item, from
//! whichever chart it comes, and on a minor's chart those of all its people: there, a change that comes from another
//! chart demands that the person's item is as it was read.

use std::collections::BTreeSet;

use super::{super::Chart, ChartEdit};
use crate::{
    age::is_minor,
    client::Client,
    clock::Clock,
    fields::{Email, Refusal, Relationship},
    id::PortalUserId,
    portal_user::PortalUser,
    problem::Problem,
};

/// A client's own portal user, another one, and the address that both have.
type Shared = BTreeSet<(PortalUserId, PortalUserId, String)>;

impl ChartEdit<'_> {
    /// Refuses an address for a portal user to be, if it would be shared.
    ///
    /// # Errors
    /// 422 `address_shared` on `email`.
    pub(super) fn demand_own_address(
        &self,
        relationship: Relationship,
        email: Option<&Email>,
    ) -> Result<(), Problem> {
        let born = self.chart.client.date_of_birth;
        let shares = |user: &PortalUser| {
            clash((relationship, email), (user.relationship, user.email.as_ref()))
        };
        if is_minor(born, &self.clock) && self.chart.users.iter().any(shares) {
            return Err(address_shared());
        }
        Ok(())
    }

    /// Whether the change is about who has which address on a minor's chart: then the items of all its people are
    /// written.
    pub(in super::super) fn touches_minors_addresses(&self) -> bool {
        let Some((before, users)) = &self.read else { return false };
        let client = &self.chart.client;
        is_minor(client.date_of_birth, &self.clock)
            && (before.date_of_birth != client.date_of_birth
                || addresses(users) != addresses(&self.chart.users))
    }

    /// Refuses a change by which two portal users would share an address that did not before.
    ///
    /// # Errors
    /// 422 `address_shared` on `email`.
    pub(in super::super) fn demand_own_addresses(&self) -> Result<(), Problem> {
        let Chart { client, users, .. } = &self.chart;
        let before = self.read.as_ref().map(|(client, users)| self.shared(client, users));
        nothing_new(&before.unwrap_or_default(), &self.shared(client, users))
    }

    /// As [`Self::demand_own_addresses`], of another chart, whose portal users will be these.
    ///
    /// # Errors
    /// 422 `address_shared` on `email`.
    pub(super) fn demand_own_addresses_on(
        &self,
        other: &Chart,
        users: &[PortalUser],
    ) -> Result<(), Problem> {
        let client = &other.client;
        nothing_new(&self.shared(client, &other.users), &self.shared(client, users))
    }

    fn shared(&self, client: &Client, users: &[PortalUser]) -> Shared {
        shared(&self.clock, client, users)
    }
}

/// Who the people of a chart are to the client, and their addresses.
pub(in super::super) fn addresses(
    users: &[PortalUser],
) -> Vec<(PortalUserId, Relationship, Option<&Email>)> {
    users.iter().map(|u| (u.portal_user_id, u.relationship, u.email.as_ref())).collect()
}

fn shared(clock: &Clock, client: &Client, users: &[PortalUser]) -> Shared {
    if !is_minor(client.date_of_birth, clock) {
        return Shared::new();
    }
    let own = users.iter().filter(|user| user.relationship == Relationship::Oneself);
    own.flat_map(|own| {
        let shares = |user: &&PortalUser| {
            clash((own.relationship, own.email.as_ref()), (user.relationship, user.email.as_ref()))
        };
        let shares = users.iter().filter(shares);
        let address = own.email.as_ref().map(Email::folded).unwrap_or_default();
        shares.map(move |user| (own.portal_user_id, user.portal_user_id, address.clone()))
    })
    .collect()
}

/// Whether two people have one address, and one of them is the client.
fn clash(a: (Relationship, Option<&Email>), b: (Relationship, Option<&Email>)) -> bool {
    let oneself = |relationship| relationship == Relationship::Oneself;
    let same = a.1.zip(b.1).is_some_and(|(a, b)| a.same(b));
    oneself(a.0) != oneself(b.0) && same
}

fn nothing_new(before: &Shared, after: &Shared) -> Result<(), Problem> {
    if after.is_subset(before) { Ok(()) } else { Err(address_shared()) }
}

fn address_shared() -> Problem {
    Problem::refused(
        "email",
        Refusal::rule(
            "address_shared",
            "A client under 18 needs an e-mail address of their own: this one would be shared with somebody else who has access to the chart. Use another address for one of them.",
        ),
    )
}
