//! The search entries of a chart: under what its client is found, by what the client has and through
//! its portal users.

use std::collections::BTreeSet;

use crate::{
    client::{Client, SearchEntry, named},
    fields::{Email, Name, Relationship},
    id::{PortalUserId, PracticeId},
    keys::{self, Found},
    portal_user::PortalUser,
    search::{self, Entry, Named, Person},
    store::Change,
};

/// Writes, as part of a change of a chart, the search entries under which its client is found now,
/// and removes those of `before` under which it no longer is. A portal user's entries change when
/// that person is added, deleted or renamed, and not when the client is renamed or access changes.
pub(super) fn index(
    change: &mut Change,
    practice: &PracticeId,
    before: Option<(&Client, &[PortalUser])>,
    client: &Client,
    users: &[PortalUser],
) {
    let old = before.map(|(client, _)| client.search_entries()).unwrap_or_default();
    write_entries(
        change,
        practice,
        Found { client: client.client_id, user: None },
        &old,
        &client.search_entries(),
    );
    let before = before.map(|(_, users)| users).unwrap_or_default();
    let of = |users: &[PortalUser], id: PortalUserId| {
        let user = users.iter().find(|user| user.portal_user_id == id);
        user.map(|user| user.search_entries(&client.name)).unwrap_or_default()
    };
    let ids: BTreeSet<PortalUserId> =
        before.iter().chain(users).map(|user| user.portal_user_id).collect();
    for id in ids {
        let (old, new) = (of(before, id), of(users, id));
        write_entries(
            change,
            practice,
            Found { client: client.client_id, user: Some(id) },
            &old,
            &new,
        );
    }
}

/// Writes, as part of a change of a person, the search entries of that person on another chart of the
/// same account, whose client has this name.
pub(super) fn index_person(
    change: &mut Change,
    practice: &PracticeId,
    found: Found,
    client: &Name,
    (before, now): (&PortalUser, &PortalUser),
) {
    let (before, now) = (before.search_entries(client), now.search_entries(client));
    write_entries(change, practice, found, &before, &now);
}

impl PortalUser {
    /// Under what a client of this name is found through the portal user. One who is the client is found
    /// by the client's own name.
    #[must_use]
    pub fn search_entries(&self, client: &Name) -> Vec<Entry> {
        let name = match self.relationship {
            Relationship::Oneself => Named::default(),
            _ => named(&self.name),
        };
        search::person_entries(&Person {
            name,
            email: self.email.as_ref().map(Email::as_str).unwrap_or_default(),
            username: self.username.as_str(),
            client: named(client),
        })
    }
}

fn write_entries(
    change: &mut Change,
    practice: &PracticeId,
    found: Found,
    old: &[Entry],
    new: &[Entry],
) {
    let key = |entry: &Entry| {
        keys::search_entry(practice, &entry.partition, &entry.token, &entry.order, found)
    };
    for entry in new.iter().filter(|entry| !old.contains(entry)) {
        change.set(&key(entry), &SearchEntry { words: entry.words.clone() });
    }
    let kept = |old: &Entry| new.iter().any(|new| key(new) == key(old));
    for entry in old.iter().filter(|entry| !kept(entry)) {
        change.discard(&key(entry));
    }
}
