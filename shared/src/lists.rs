//! The lists of a practice: everybody with access, and each trouble with it.
//!
//! A portal user or a client says itself in which lists it stands: its [`Listing`] is attributes of the item,
//! written with every change of it, and sparse indexes of the table ([`keys::LISTED`] and the like) hold what
//! has them. So a list is read where it begins, whatever the size of the practice, and never by looking
//! through clients.
//!
//! What only time changes is no attribute: an invitation that ends, an access that stays unused and a lock
//! that passes are ranges of a sort key, bounded by now.
//!
//! Indexes follow the table a moment later. They say what to read; [`View::holds`] judges what was read.
//!
//! Three writes touch parts of a portal user without reading it whole, and keep the listing by
//! [`Listing::signed_in`], [`Listing::mail`] and [`Listing::write`].
//!
//! Load, on paper. An index's partition takes 1,000 write units a second and cannot be split where its keys
//! rise with time. Of [`keys::SINCE`], the partition of active portal users gets two units a sign-in: 500
//! sign-ins a second of one practice, which at 1,000,000 clients who all come on one day, a fifth of them in
//! its busiest hour, has 56. The other partitions change when staff change something. Practices share no
//! partition, so 10,000 of them add up nowhere but in [`keys::WAITING`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    client::Client,
    clock::{Clock, NEAR_DAYS},
    fields::{At, Date, Name, Relationship},
    id::{ClientId, PortalUserId, PracticeId},
    keys::{self, Index},
    mail::MailState,
    portal_user::{Access, PortalUser, WRONG_PROOFS},
    search::fold,
    store::Update,
};

/// Days without a sign-in after which an access is unused.
pub const UNUSED_DAYS: i64 = 90;
/// The most letters of each name that a sort key holds: DynamoDB takes 1,024 bytes.
const LETTERS: usize = 60;
/// Sorts before every sort key of a list.
const FIRST: &str = "\u{1}";
/// Sorts after every sort key of a list.
const LAST: &str = "\u{10FFFF}";

/// One of the practice's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Every portal user, by the client's name.
    All,
    /// Those who may sign in.
    Active,
    /// Those whose invitation is open: what ends first comes first.
    Invited,
    /// Those whose invitation is over: the latest first.
    Expired,
    /// Those whose access was revoked.
    Revoked,
    /// Those whose sign-in name is locked by failures.
    Locked,
    /// Those whose last mail came back.
    Bounced,
    /// Those who may sign in and have not for 90 days: the longest unused first.
    Unused,
    /// Those whose access ends or narrows within thirty days, or is to be looked at by then: the next first.
    Ending,
    /// Clients without a portal user.
    WithoutAccess,
    /// Clients with portal users none of whom owns the chart.
    WithoutOwner,
    /// Clients somebody could get the alerts of, whose alerts go to the practice.
    AlertsToPractice,
}

impl View {
    /// Every view.
    pub const ALL: [Self; 12] = [
        Self::All,
        Self::Active,
        Self::Invited,
        Self::Expired,
        Self::Revoked,
        Self::Locked,
        Self::Bounced,
        Self::Unused,
        Self::Ending,
        Self::WithoutAccess,
        Self::WithoutOwner,
        Self::AlertsToPractice,
    ];

    /// Whether its rows are clients and not portal users.
    #[must_use]
    pub const fn is_of_clients(self) -> bool {
        matches!(self, Self::WithoutAccess | Self::WithoutOwner | Self::AlertsToPractice)
    }

    /// Where it stands in the indexes, as of `now`. What ends is in more places than this one: see
    /// [`ending`].
    #[must_use]
    pub fn range(self, practice: &PracticeId, now: At) -> Range {
        let list = |name: &str| keys::list(practice, name);
        let range = Range::all;
        match self {
            Self::All => range(keys::LISTED, vec![list(ACTIVE), list(INVITED), list(REVOKED)]),
            Self::Active => range(keys::LISTED, vec![list(ACTIVE)]),
            Self::Revoked => range(keys::LISTED, vec![list(REVOKED)]),
            Self::Invited => Range { low: after(now), ..range(keys::SINCE, vec![list(INVITED)]) },
            Self::Expired => Range {
                high: after(now),
                forward: false,
                ..range(keys::SINCE, vec![list(INVITED)])
            },
            Self::Unused => Range {
                high: after(now.plus(-UNUSED_DAYS * 24 * 60 * 60)),
                ..range(keys::SINCE, vec![list(ACTIVE)])
            },
            Self::Ending => range(keys::ENDING, vec![list(ENDING)]),
            Self::Locked => Range { low: after(now), ..range(keys::LOCKED, vec![list(LOCKED)]) },
            Self::Bounced => range(keys::TROUBLE, vec![list(BOUNCED)]),
            Self::AlertsToPractice => range(keys::TROUBLE, vec![list(ALERTS)]),
            Self::WithoutAccess => range(keys::LISTED, vec![list(WITHOUT_ACCESS)]),
            Self::WithoutOwner => range(keys::LISTED, vec![list(WITHOUT_OWNER)]),
        }
    }

    /// Whether the list holds this client, or portal user of this client, as it was read.
    #[must_use]
    pub fn holds(
        self,
        practice: &PracticeId,
        client: &Client,
        user: Option<&PortalUser>,
        clock: &Clock,
    ) -> bool {
        if user.is_none() != self.is_of_clients() {
            return false;
        }
        if self == Self::Ending {
            return user.is_some_and(|user| user.ending(client, clock).is_some());
        }
        let now = clock.now();
        let listing = if let Some(user) = user {
            Listing::of_user(practice, client, user)
        } else {
            let trouble = client.listing.trouble.clone();
            Listing { trouble, ..Listing::of_client(practice, client) }
        };
        let range = self.range(practice, now);
        let [partition, sort] = listing.keys_in(&range.index);
        let here = partition.is_some_and(|partition| range.partitions.contains(partition));
        here && sort.is_some_and(|sort| *range.low <= **sort && **sort <= *range.high)
    }
}

/// Those who signed in, or were given access, at this moment or later.
#[must_use]
pub fn came_since(practice: &PracticeId, at: At) -> Range {
    Range { low: at.to_string(), ..Range::all(keys::SINCE, vec![keys::list(practice, ACTIVE)]) }
}

/// Those whose access ended at this moment or later.
#[must_use]
pub fn ended_since(practice: &PracticeId, at: At) -> Range {
    Range { low: at.to_string(), ..Range::all(keys::SINCE, vec![keys::list(practice, REVOKED)]) }
}

/// Where those stand whose access a clock ends or narrows within thirty days: with a last day or a review, and
/// the parents and guardians of clients who reach an age of which the practice has a rule.
#[must_use]
pub fn ending(practice: &PracticeId, clock: &Clock) -> Vec<Ending> {
    let near = clock.today().plus_days(NEAR_DAYS);
    let dated = Range {
        high: format!("{near}$"),
        ..Range::all(keys::ENDING, vec![keys::list(practice, ENDING)])
    };
    let mut all = vec![Ending { range: dated, age: None }];
    for rule in clock.rules() {
        let born = |on: Date| on.years_before(rule.from_age);
        let range = Range::all(keys::GUARDED, vec![keys::list(practice, GUARDED)]);
        // Of a leap day's child the birthday may be the day after.
        let low = born(clock.today()).plus_days(-1).to_string();
        let range = Range { low, high: format!("{}$", born(near)), ..range };
        all.push(Ending { range, age: Some(rule.from_age) });
    }
    all
}

/// Part of what ends: the range, and the age that its clients reach.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Where it stands in an index.
    pub range: Range,
    /// The age; none of what ends on a day that staff gave.
    pub age: Option<u8>,
}

impl Ending {
    /// The day that a sort key of the range says.
    #[must_use]
    pub fn day(&self, sort: &str) -> Option<Date> {
        let day = Date::parse(sort.get(..10)?).ok()?;
        Some(self.age.map_or(day, |age| day.birthday(age)))
    }
}

/// Where a portal user is found by the id alone.
#[must_use]
pub fn person(practice: &PracticeId, user: PortalUserId) -> Range {
    Range::all(keys::PERSON, vec![keys::person(practice, user)])
}

/// What sorts after everything of this moment, and before what is later.
fn after(at: At) -> String {
    // The ids that follow a moment are divided from it by `#`, which sorts before `$`.
    format!("{at}$")
}

/// The names of partitions.
const ACTIVE: &str = "active";
const INVITED: &str = "invited";
const REVOKED: &str = "revoked";
const LOCKED: &str = "locked";
const ENDING: &str = "ending";
const GUARDED: &str = "guarded";
const BOUNCED: &str = "bounced";
const ALERTS: &str = "alerts-to-practice";
const WITHOUT_ACCESS: &str = "without-access";
const WITHOUT_OWNER: &str = "without-owner";

/// Part of an index: of some partitions what sorts between two keys, both included.
#[derive(Debug, Clone)]
pub struct Range {
    /// The index.
    pub index: Index,
    /// Its partitions, each of which is read.
    pub partitions: Vec<String>,
    /// The least sort key.
    pub low: String,
    /// The greatest sort key.
    pub high: String,
    /// Whether the least comes first.
    pub forward: bool,
}

impl Range {
    /// All that stands in these partitions.
    fn all(index: Index, partitions: Vec<String>) -> Self {
        Self { index, partitions, low: FIRST.into(), high: LAST.into(), forward: true }
    }

    /// What of it comes behind this sort key.
    #[must_use]
    pub fn behind(mut self, sort: &str) -> Self {
        // No sort key is the beginning of another: each ends with ids of one length.
        if self.forward {
            self.low = format!("{sort}!").max(self.low);
        } else {
            // What sorts just before it.
            let before = sort.strip_suffix(|_: char| true).unwrap_or_default();
            let last = sort.chars().next_back().unwrap_or('\u{1}');
            let below = char::from_u32(u32::from(last).saturating_sub(1)).unwrap_or('\u{1}');
            self.high = format!("{before}{below}{LAST}").min(self.high);
        }
        self
    }
}

/// In which lists an item stands: attributes of it that are keys of indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// The list of its kind of access, or of what a client lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    /// Its place among names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list_order: Option<String>,
    /// Since when it has been used, or until when it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// A list of troubles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// The list of the client's professional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of_professional: Option<String>,
    /// Who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// The list of those whose access has a last day, or is to be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ending_in: Option<String>,
    /// On which day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ending_order: Option<String>,
    /// The list of parents and guardians.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guarded_in: Option<String>,
    /// When their client was born.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guarded_order: Option<String>,
    /// The list of those who are locked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locked_in: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock_order: Option<String>,
}

impl Listing {
    /// The listing of a portal user.
    #[must_use]
    pub fn of_user(practice: &PracticeId, client: &Client, user: &PortalUser) -> Self {
        let list = |name: &str| Some(keys::list(practice, name));
        let (client_id, user_id) = (client.client_id, user.portal_user_id);
        let over = user.clocked.filter(|_| user.is_over());
        let (listed, since) = match user.access {
            Access::Active | Access::Invited if over.is_some() => {
                (REVOKED, over.map(|told| told.at))
            }
            Access::Active => {
                let given = user.enrolled_at.max(user.receipt.map(|receipt| receipt.at));
                (ACTIVE, user.last_sign_in_at.max(given))
            }
            Access::Invited => (
                INVITED,
                user.invitation.as_ref().map(|invitation| {
                    let killed = invitation.wrong_proofs >= WRONG_PROOFS;
                    if killed { invitation.sent_at } else { invitation.expires_at }
                }),
            ),
            Access::Revoked => (REVOKED, user.revoked.as_ref().map(|revoked| revoked.at)),
        };
        let revoked = user.access == Access::Revoked || over.is_some();
        let bounced = user.mail.as_ref().is_some_and(|mail| mail.state == MailState::Bounced);
        let since = since.unwrap_or_else(|| At::from_millis(0));
        let day = user.until.into_iter().chain(user.review_on).min().filter(|_| !revoked);
        let guards = matches!(user.relationship, Relationship::Parent | Relationship::Guardian);
        let guards = guards && !revoked;
        let on = |day: Date| format!("{day}#{client_id}#{user_id}");
        Self {
            listed: list(listed),
            list_order: Some(format!("{}#{client_id}#{user_id}", place(&client.name))),
            since: Some(with_ids(since, client_id, user_id)),
            trouble: if bounced && !revoked { list(BOUNCED) } else { None },
            of_professional: professional(practice, client),
            person: Some(keys::person(practice, user_id)),
            ending_in: if day.is_some() { list(ENDING) } else { None },
            ending_order: day.map(on),
            guarded_in: if guards { list(GUARDED) } else { None },
            guarded_order: guards.then(|| on(client.date_of_birth)),
            locked_in: user.listing.locked_in.clone().filter(|_| !revoked),
            lock_order: user.listing.lock_order.clone().filter(|_| !revoked),
        }
    }

    /// The listing of a client, but for the trouble that only the whole chart shows:
    /// see [`Listing::of_chart`].
    fn of_client(practice: &PracticeId, client: &Client) -> Self {
        let list = |name: &str| Some(keys::list(practice, name));
        let listed = match (client.portal.users, client.chart_owner) {
            // There is nothing to do about a closed chart.
            _ if client.closed.is_some() => None,
            (0, _) => list(WITHOUT_ACCESS),
            (_, None) => list(WITHOUT_OWNER),
            (_, Some(_)) => None,
        };
        Self {
            listed,
            list_order: Some(format!("{}#{}", place(&client.name), client.client_id)),
            of_professional: professional(practice, client),
            ..Self::default()
        }
    }

    /// The listing of a client with these portal users.
    #[must_use]
    pub fn of_chart(practice: &PracticeId, client: &Client, users: &[PortalUser]) -> Self {
        let able = |user: &PortalUser| user.access != Access::Revoked && !user.is_over();
        let chosen = |user: &PortalUser| client.alert_recipient == Some(user.portal_user_id);
        let to_practice = users.iter().any(able) && !users.iter().any(|u| able(u) && chosen(u));
        // Under safe contact they go there on purpose.
        let to_practice = to_practice && client.closed.is_none() && !client.safe_contact;
        let trouble = to_practice.then(|| keys::list(practice, ALERTS));
        Self { trouble, ..Self::of_client(practice, client) }
    }

    /// The keys under which the item stands in an index.
    fn keys_in(&self, index: &Index) -> [Option<&String>; 2] {
        let attribute = |name: &str| match name {
            "listed" => self.listed.as_ref(),
            "listOrder" => self.list_order.as_ref(),
            "since" => self.since.as_ref(),
            "trouble" => self.trouble.as_ref(),
            "ofProfessional" => self.of_professional.as_ref(),
            "person" => self.person.as_ref(),
            "endingIn" => self.ending_in.as_ref(),
            "endingOrder" => self.ending_order.as_ref(),
            "guardedIn" => self.guarded_in.as_ref(),
            "guardedOrder" => self.guarded_order.as_ref(),
            "lockedIn" => self.locked_in.as_ref(),
            "lockOrder" => self.lock_order.as_ref(),
            _ => None,
        };
        [attribute(index.partition_key), attribute(index.sort_key)]
    }

    /// Until when the person is locked out, as far as this item was told.
    #[must_use]
    pub fn locked_until(&self) -> Option<At> {
        let (at, _) = self.lock_order.as_ref()?.split_once('#')?;
        At::parse(at)
    }

    /// The person is not locked out any more.
    pub fn unlock(&mut self) {
        (self.locked_in, self.lock_order) = (None, None);
    }

    /// As part of an update of a portal user: the person is not locked out any more.
    #[must_use]
    pub fn unlocked(update: Update) -> Update {
        update.unset("lockedIn").unset("lockOrder")
    }

    /// Writes it whole, as part of an update of a portal user of another chart.
    #[must_use]
    pub fn write(
        update: Update,
        practice: &PracticeId,
        client: &Client,
        user: &PortalUser,
    ) -> Update {
        let listing = Self::of_user(practice, client, user);
        let attributes = [
            ("listed", listing.listed),
            ("listOrder", listing.list_order),
            ("since", listing.since),
            ("trouble", listing.trouble),
            ("ofProfessional", listing.of_professional),
            ("person", listing.person),
            ("endingIn", listing.ending_in),
            ("endingOrder", listing.ending_order),
            ("guardedIn", listing.guarded_in),
            ("guardedOrder", listing.guarded_order),
        ];
        attributes.into_iter().fold(update, |update, (name, value)| match value {
            Some(value) => update.set(name, &value),
            None => update.unset(name),
        })
    }

    /// As part of an update of an active portal user: the person signed in, and so is not locked out.
    #[must_use]
    pub fn signed_in(update: Update, client: ClientId, user: PortalUserId, at: At) -> Update {
        let update = update.set("lastSignInAt", &at).set("since", &with_ids(at, client, user));
        Self::unlocked(update)
    }

    /// As part of an update of a portal user: the newest mail came so far.
    #[must_use]
    pub fn mail(update: Update, practice: &PracticeId, state: MailState) -> Update {
        match state {
            MailState::Bounced => update.set("trouble", &keys::list(practice, BOUNCED)),
            _ => update.unset("trouble"),
        }
    }

    /// As part of an update of a portal user: the sign-in name is locked.
    #[must_use]
    pub fn locked(
        update: Update,
        practice: &PracticeId,
        client: ClientId,
        user: PortalUserId,
        until: At,
    ) -> Update {
        update
            .set("lockedIn", &keys::list(practice, LOCKED))
            .set("lockOrder", &with_ids(until, client, user))
    }
}

fn with_ids(at: At, client: ClientId, user: PortalUserId) -> String {
    format!("{at}#{client}#{user}")
}

fn professional(practice: &PracticeId, client: &Client) -> Option<String> {
    let professional = client.professional.as_ref()?;
    Some(keys::list_of_professional(practice, professional.as_str()))
}

/// A name's place among names: last, then first, as search compares them.
fn place(name: &Name) -> String {
    let part = |text: &str| fold(text).chars().take(LETTERS).collect::<String>();
    format!("{} {}", part(name.last.as_str()), part(name.first.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: &str, high: &str, forward: bool) -> Range {
        let (low, high) = (low.to_owned(), high.to_owned());
        Range { index: keys::LISTED, partitions: Vec::new(), low, high, forward }
    }

    #[test]
    fn a_page_goes_on_behind_the_last_row_and_leaves_none_out() {
        let rows = ["a#01", "a#02", "b#01", "b#0Z"];
        for forward in [true, false] {
            for (n, row) in rows.iter().enumerate() {
                let rest = range(FIRST, LAST, forward).behind(row);
                let within = |r: &&&str| *rest.low <= ***r && ***r <= *rest.high;
                let left: Vec<_> = rows.iter().filter(within).collect();
                let expected: Vec<_> =
                    if forward { rows[n + 1..].iter() } else { rows[..n].iter() }.collect();
                assert_eq!(left, expected, "behind {row}, forward: {forward}");
            }
        }
    }

    #[test]
    fn going_on_never_leaves_the_range() {
        assert_eq!(range("m", "p", true).behind("a#01").low, "m");
        assert_eq!(range("m", "p", false).behind("z#01").high, "p");
    }

    #[test]
    fn what_ends_at_this_moment_is_over() {
        let practice = PracticeId::parse("harbor").unwrap();
        let (client, user) =
            (ClientId::new(ulid::Ulid::nil()), PortalUserId::new(ulid::Ulid::nil()));
        let now = At::from_millis(1_000);
        let ends = |millis| with_ids(At::from_millis(millis), client, user);
        let (open, over) =
            (View::Invited.range(&practice, now), View::Expired.range(&practice, now));
        for (millis, is_open) in [(999, false), (1_000, false), (1_001, true)] {
            assert_eq!(ends(millis) >= open.low, is_open, "{millis}");
            assert_eq!(ends(millis) <= over.high, !is_open, "{millis}");
        }
    }
}
