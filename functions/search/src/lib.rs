//! Finds clients by any part of what identifies them. Entries say who matches; the client items
//! of the page, read in one batch, say how each portal stands: so a change of access touches no
//! entry.

use std::collections::HashSet;

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    client::{Client, PortalView, SearchEntry},
    fields::{
        At, Date, Email, Name, PhoneNumber, Professional, RecordNumber, Refusal, SearchText, Whole,
    },
    history::Action,
    id::{ClientId, PracticeId},
    keys,
    problem::ProblemBody,
    search::{Plan, plan},
    staff::{Disclosed, Reader},
    store::{both, item_key, parse},
    web::StrictJson,
};
use utoipa::ToSchema;

/// Most hits on one page.
const MOST: usize = 50;
/// Hits on one page unless the caller says otherwise.
const USUAL: usize = 20;
/// Fewer exact hits than this, and near misses are shown too.
const LITTLE: usize = 5;
/// Entries looked at for one read before the answer goes out with what there is: one request to
/// the table each, so that no search waits longer in a large practice.
const LOOK: i32 = 400;
/// As many where a filter, in the table, leaves few of them.
const LOOK_FILTERED: i32 = 2000;

/// Characters of a cursor: more than any of ours, and too few for a sort key that the table would not
/// take.
const LONGEST_CURSOR: usize = 600;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_search, search)
}

/// What to look for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the contract calls it query")]
pub struct Query {
    /// Words of two characters and up, all of which must match.
    query: SearchText,
    /// Most hits wanted, 1 to 50; 20 unless given.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 50)]
    limit: Option<Whole>,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    #[schema(max_length = 600, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// A client who was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// The client's id.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// The client's date of birth.
    pub date_of_birth: Date,
    /// Number of the chart.
    pub record_number: RecordNumber,
    /// First e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<Email>,
    /// First phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<PhoneNumber>,
    /// Who cares for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub professional: Option<Professional>,
    /// The portal at a glance.
    pub portal: PortalView,
}

/// A page of hits.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hits {
    /// The clients.
    pub clients: Vec<Hit>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Where a page begins: in which read, after which sort key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    read: usize,
    after: Option<String>,
}

/// Searches clients. That somebody searched is recorded, what for is not.
#[utoipa::path(
    post, path = "/api/clients/search", operation_id = "search", tag = "staff",
    security(("staffSession" = [])),
    request_body = Query,
    responses(
        (status = 200, description = "The clients found.", body = Hits),
        (status = 422, description = "The query has no word of two characters, or the cursor is of another search.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn search(
    State(app): State<App>,
    reader: Reader,
    StrictJson(query): StrictJson<Query>,
) -> Result<Disclosed<Hits>, Problem> {
    let limit = query.limit.map_or(USUAL, |limit| usize::try_from(limit.0).unwrap_or(usize::MAX));
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::refused(
            "limit",
            Refusal::invalid("out_of_range", "Ask for 1 to 50."),
        ));
    }
    let plan = plan(query.query.as_str()).map_err(|_| {
        Problem::refused("query", Refusal::rule("too_short", "Type two characters or more."))
    })?;
    let from = query.cursor.as_deref().map(|text| place(text, &plan)).transpose()?;
    let practice = reader.practice().clone();
    let found = reader.admit(&app, Box::pin(find(&app, &practice, &plan, from, limit))).await?;
    let hits = found.show_with(
        &app,
        Action::ClientsSearched,
        async |found| {
            let keys = found.clients.iter().map(|id| keys::client(&practice, *id));
            app.store().get_many(&keys.collect::<Vec<_>>()).await
        },
        |found, mut items| {
            let now = app.now();
            let clients = found
                .clients
                .iter()
                .filter_map(|id| items.remove(&keys::client(&practice, *id)))
                .map(|item| parse(item).map(|client| hit(client, now)))
                .collect::<Result<_, _>>()?;
            Ok(Hits { clients, next_cursor: found.next.as_ref().map(cursor) })
        },
    );
    hits.await
}

struct Page {
    clients: Vec<ClientId>,
    next: Option<Place>,
}

/// One page of matches. The reads of a first page run side by side, near misses among them.
async fn find(
    app: &App,
    practice: &PracticeId,
    plan: &Plan,
    from: Option<Place>,
    limit: usize,
) -> Result<Page, Problem> {
    let first = from.is_none();
    let from = from.unwrap_or(Place { read: 0, after: None });
    let exact = |read: usize| {
        let after = if read == from.read { from.after.clone() } else { None };
        let wanted = read >= from.read && read < plan.reads.len();
        async move {
            if wanted {
                exact(app, practice, plan, read, after).await
            } else {
                Ok(Matches::default())
            }
        }
    };
    let near = async { if first { near(app, practice, plan).await } else { Ok(Vec::new()) } };
    let ((one, two), near) = both(both(exact(0), exact(1)), near).await?;

    let mut clients = Vec::new();
    // Reads that are not of one moment may show a client twice while it is edited.
    let mut seen: HashSet<ClientId> = HashSet::new();
    let mut next = None;
    'reads: for (read, matches) in [one, two].into_iter().enumerate() {
        let mut last = if read == from.read { from.after.clone() } else { None };
        for (sk, client) in matches.found {
            if !seen.contains(&client) {
                if clients.len() == limit {
                    next = Some(Place { read, after: last });
                    break 'reads;
                }
                seen.insert(client);
                clients.push(client);
            }
            last = Some(sk);
        }
        if let Some(after) = matches.stopped {
            next = Some(Place { read, after: Some(after) });
            break;
        }
    }
    if clients.len() < LITTLE {
        clients.extend(
            near.into_iter().filter(|c| seen.insert(*c)).take(limit - clients.len().min(limit)),
        );
    }
    Ok(Page { clients, next })
}

#[derive(Default)]
struct Matches {
    found: Vec<(String, ClientId)>,
    /// Where the read stopped before it had looked at everything.
    stopped: Option<String>,
}

async fn exact(
    app: &App,
    practice: &PracticeId,
    plan: &Plan,
    index: usize,
    after: Option<String>,
) -> Result<Matches, Problem> {
    let read = &plan.reads[index];
    let pk = keys::search_partition(practice, &read.partition);
    let look = if read.filters.is_empty() { LOOK } else { LOOK_FILTERED };
    let (items, stopped) =
        app.store().search_page(&pk, &read.prefix, &read.filters, after, look).await?;
    let mut found = Vec::new();
    for item in items {
        let sk = item_key(&item)?.sk;
        let entry: SearchEntry = parse(item)?;
        let Some((token, client)) = keys::client_of_entry(&sk) else { continue };
        if plan.shows(index, token, &entry.words) {
            found.push((sk, client));
        }
    }
    Ok(Matches { found, stopped })
}

/// Who nearly matches, the nearest first.
async fn near(app: &App, practice: &PracticeId, plan: &Plan) -> Result<Vec<ClientId>, Problem> {
    let read = |index: usize| async move {
        let Some(read) = plan.fuzzy.get(index) else { return Ok(Vec::new()) };
        let pk = keys::search_partition(practice, &read.partition);
        let page = app.store().search_page(&pk, &read.prefix, &read.filters, None, LOOK).await?;
        Ok(page.0)
    };
    let (one, two) = both(read(0), read(1)).await?;
    let mut near = Vec::new();
    for item in one.into_iter().chain(two) {
        let sk = item_key(&item)?.sk;
        let entry: SearchEntry = parse(item)?;
        if let (Some((_, client)), Some(distance)) =
            (keys::client_of_entry(&sk), plan.forgives(&entry.words))
        {
            near.push((distance, client));
        }
    }
    near.sort_unstable();
    Ok(near.into_iter().map(|(_, client)| client).collect())
}

fn hit(client: Client, now: At) -> Hit {
    Hit {
        portal: client.portal_view(now),
        client_id: client.client_id,
        name: client.name,
        date_of_birth: client.date_of_birth,
        record_number: client.record_number,
        email: client.emails.into_iter().next().map(|e| e.address),
        phone: client.phones.into_iter().next().map(|p| p.number),
        professional: client.professional,
    }
}

fn cursor(place: &Place) -> String {
    let text = format!("{}:{}", place.read, place.after.as_deref().unwrap_or_default());
    URL_SAFE_NO_PAD.encode(text)
}

/// Reads a cursor, which must be one of this very query.
fn place(text: &str, plan: &Plan) -> Result<Place, Problem> {
    let not_ours = || {
        Problem::refused(
            "cursor",
            Refusal::rule("not_a_cursor", "This is no cursor of this search."),
        )
    };
    if text.len() > LONGEST_CURSOR {
        return Err(Problem::refused("cursor", Refusal::invalid("too_long", "This is too long.")));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| not_ours())?;
    let text = String::from_utf8(bytes).map_err(|_| not_ours())?;
    let (read, sk) = text.split_once(':').ok_or_else(not_ours)?;
    let read: usize = read.parse().map_err(|_| not_ours())?;
    let fits = plan.reads.get(read).is_some_and(|r| sk.starts_with(&r.prefix));
    if sk.is_empty() && read < plan.reads.len() {
        return Ok(Place { read, after: None });
    }
    if !fits || keys::client_of_entry(sk).is_none() {
        return Err(not_ours());
    }
    Ok(Place { read, after: Some(sk.to_owned()) })
}
