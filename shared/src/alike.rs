//! Clients who may be the one to create: somebody with the same date of birth and a like name.
//!
//! Two requests that create like clients at once would not see each other. So the last client created
//! with each date of birth is an item of its own ([`Born`]), and [`crate::chart::ChartEdit::create`]
//! demands that it is as it was when [`Alike`] looked.

use futures::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    chart::{Chart, ChartEdit, OVERTAKEN, Others, Request},
    client::{Born, Client, Hit, named},
    fields::{Date, Name},
    id::{AccountKey, ClientId, PracticeId},
    keys,
    problem::Problem,
    search::{Read, born_alike, may_be_alike, names_alike},
    store::{both, parse},
};

/// Most clients that are named as possible duplicates.
const MOST_MATCHES: usize = 20;

/// Clients who may be the one to create.
#[derive(Debug)]
pub struct Alike {
    /// What creating the client goes by.
    others: Others,
    /// Clients with this date of birth and maybe a like name.
    candidates: Vec<ClientId>,
}

/// What became of a client to create.
#[derive(Debug)]
pub enum Creation<T> {
    /// The client was created.
    Created(T),
    /// Nothing was written: these may be the client.
    Alike(Vec<Hit>),
}

impl Alike {
    /// Nobody: the client is known to be another person than any who is there.
    #[must_use]
    pub fn nobody() -> Self {
        Self { others: Others::Distinct, candidates: Vec::new() }
    }

    /// Looks for them, in one round trip.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn look(
        app: &App,
        practice: &PracticeId,
        name: &Name,
        born: Date,
    ) -> Result<Self, Problem> {
        let reads = born_alike(&born.to_string(), named(name));
        let key = keys::born(practice, born);
        let last = app.store().get::<Born>(&key);
        let (last, mut found) = both(last, read(app, practice, name, &reads)).await?;
        // Both were read at once: a client created in between may be the last, and not among the rest.
        if last.is_some_and(|last: Born| !found.seen.contains(&last.client_id)) {
            found = read(app, practice, name, &reads).await?;
        }
        Ok(Self { others: Others::Seen(last), candidates: found.candidates })
    }

    /// Looks for them when it was read before who was created `last` with this date of birth. It takes
    /// one request where [`Alike::look`] takes four, unless very many clients have this date of birth.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn after(
        app: &App,
        practice: &PracticeId,
        name: &Name,
        born: Date,
        last: Option<Born>,
    ) -> Result<Self, Problem> {
        let reads = born_alike(&born.to_string(), named(name));
        let (day, others) = reads.split_at(reads.len().min(1));
        let mut found = read(app, practice, name, day).await?;
        if found.is_part {
            let more = read(app, practice, name, others).await?;
            found.candidates.extend(more.candidates);
            found.candidates.sort_unstable();
            found.candidates.dedup();
        }
        Ok(Self { others: Others::Seen(last), candidates: found.candidates })
    }

    /// Those who are like the client.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn matches(
        &self,
        app: &App,
        practice: &PracticeId,
        client: &Client,
    ) -> Result<Vec<Hit>, Problem> {
        if self.candidates.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = self.candidates.iter().map(|id| keys::client(practice, *id)).collect();
        let mut items = app.store().get_many(&keys).await?;
        let mut matches = Vec::new();
        for item in keys.iter().filter_map(|key| items.remove(key)) {
            let other: Client = parse(item)?;
            if is_alike(client, &other) {
                matches.push(other.hit(app.now(), None));
            }
        }
        Ok(matches)
    }

    /// Creates the client, unless one of those who are alike is there; `also` does what belongs to it,
    /// with these accounts read. Nothing but the practice's own rules stands in its way, so a request
    /// that somebody else overtook looks again at who is there.
    ///
    /// # Errors
    /// As [`ChartEdit::create`] and `also`; 503.
    pub async fn create<T: Serialize + DeserializeOwned>(
        mut self,
        app: &App,
        request: &Request<'_>,
        client: Client,
        accounts: &[AccountKey],
        mut also: impl FnMut(&mut ChartEdit<'_>) -> Result<T, Problem>,
    ) -> Result<Creation<T>, Problem> {
        let practice = &request.practice.practice;
        loop {
            let matches = self.matches(app, practice, &client).await?;
            if !matches.is_empty() {
                return Ok(Creation::Alike(matches));
            }
            let accounts = Chart::accounts(app.store(), practice, accounts).await?;
            let chart = Chart::of_new(practice, client.clone());
            let others = self.others;
            let create = |chart: &mut ChartEdit<'_>| {
                chart.create(others)?;
                also(chart)
            };
            match Box::pin(chart.change(app, request, accounts, create)).await {
                Err(problem) if problem.code() == OVERTAKEN => {
                    self = Self::look(app, practice, &client.name, client.date_of_birth).await?;
                }
                answer => return answer.map(Creation::Created),
            }
        }
    }
}

/// Whether a client may be another who is there: the same date of birth, and a like name.
#[must_use]
pub fn is_alike(client: &Client, other: &Client) -> bool {
    client.date_of_birth == other.date_of_birth
        && names_alike(&[named(&client.name)], &other.all_names())
}

/// Clients with a date of birth, as far as they were read.
struct Found {
    /// Those with maybe a like name.
    candidates: Vec<ClientId>,
    /// All of them.
    seen: Vec<ClientId>,
    /// Whether there are more than were read.
    is_part: bool,
}

async fn read(
    app: &App,
    practice: &PracticeId,
    name: &Name,
    reads: &[Read],
) -> Result<Found, Problem> {
    let pks: Vec<String> =
        reads.iter().map(|read| keys::search_partition(practice, &read.partition)).collect();
    let reads = reads.iter().zip(&pks);
    let windows = reads.map(|(read, pk)| app.store().search_page(pk, read, true));
    let windows = try_join_all(windows).await?;
    let is_part = windows.iter().any(|window| window.stopped.is_some());
    let mut found = Found { candidates: Vec::new(), seen: Vec::new(), is_part };
    for (sk, words) in windows.into_iter().flat_map(|window| window.entries) {
        let Some((_, _, place)) = keys::parse_search_entry(&sk) else { continue };
        if place.user.is_some() || found.seen.contains(&place.client) {
            continue;
        }
        found.seen.push(place.client);
        if may_be_alike(&words, named(name)) && found.candidates.len() < MOST_MATCHES {
            found.candidates.push(place.client);
        }
    }
    Ok(found)
}

/// 409: the clients who may be the one to create, with all that search shows of them.
#[must_use]
pub fn possible_duplicate(matches: &[Hit]) -> Problem {
    Problem::conflict(
        "possible_duplicate",
        "Somebody with this date of birth and a like name is there already. If it is another person, say so.",
    )
    .with("matches", serde_json::json!(matches))
    .showing(matches.iter().map(|hit| hit.client_id))
}
