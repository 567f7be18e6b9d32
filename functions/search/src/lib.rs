//! Finds clients by any part of what identifies them. Entries say who matches; the client items
//! of the page, read in one batch, say how each portal stands: so a change of access touches no
//! entry.

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    client::{Client, Hit, Through},
    fields::{At, Refusal, SearchText, Whole},
    history::Action,
    id::PracticeId,
    keys,
    portal_user::PortalUser,
    problem::ProblemBody,
    search::{Candidate, Order, Page, Place, Plan, plan},
    staff::{Disclosed, Reader},
    store::{both, parse},
    web::StrictJson,
};
use utoipa::ToSchema;

/// Most hits on one page.
const MOST: usize = 50;
/// Hits on one page unless the caller says otherwise.
const USUAL: usize = 20;

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

/// A page of hits.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hits {
    /// The clients, best match first, then by last and first name.
    pub clients: Vec<Hit>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// Titles, suffixes and single letters that were left out, as typed, because with them nobody
    /// was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub ignored: Vec<String>,
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
    let now = app.now();
    let plan = plan(query.query.as_str(), now.year()).map_err(|_| {
        Problem::refused("query", Refusal::rule("too_short", "Type two characters or more."))
    })?;
    let from = query.cursor.as_deref().map(|text| place(text, &plan)).transpose()?;
    let practice = reader.practice().clone();
    let reads = plan.reads(from.as_ref(), limit);
    let windows = app.store().search_windows(&practice, &reads);
    let admitted = reader.admit(&app, Box::pin(windows)).await?;
    let dates = Order::of_country(&admitted.staff().practice.country);
    let hits = admitted.show_with(
        &app,
        Action::ClientsSearched,
        async |windows| {
            let page = plan.page(from.as_ref(), windows, limit, dates);
            let clients = Box::pin(hits(&app, &practice, &plan, &page, now)).await?;
            Ok((page, clients))
        },
        |_, (page, clients)| {
            let next_cursor = page.next.as_ref().map(|next| cursor(&plan, next));
            Ok(Hits { clients, next_cursor, ignored: plan.ignored(page.level) })
        },
    );
    hits.await
}

/// Reads the clients of a page, and the portal users by whom some were found.
async fn hits(
    app: &App,
    practice: &PracticeId,
    plan: &Plan,
    page: &Page,
    now: At,
) -> Result<Vec<Hit>, Problem> {
    let candidates = &page.candidates;
    let clients: Vec<_> = candidates.iter().map(|c| keys::client(practice, c.client)).collect();
    let through = candidates.iter().filter_map(|c| Some((c.client, c.user?)));
    let through: Vec<_> = through.map(|(c, user)| keys::portal_user(practice, c, user)).collect();
    let (mut items, mut people) =
        both(app.store().get_many(&clients), app.store().get_some(&through)).await?;
    let mut hits = Vec::new();
    for (Candidate { client: id, user, .. }, key) in candidates.iter().zip(&clients) {
        // The client was deleted since the entries were read.
        let Some(item) = items.remove(key) else { continue };
        let client: Client = parse(item)?;
        let mut through = None;
        if let Some(user) = user {
            let Some(item) = people.remove(&keys::portal_user(practice, *id, *user)) else {
                continue;
            };
            let entries = client.search_entries();
            let direct = entries.first().is_some_and(|own| plan.finds(&own.words, page.level));
            if direct && page.streamed {
                continue;
            }
            if !direct {
                let PortalUser { name, relationship, .. } = parse(item)?;
                through = Some(Through { name, relationship });
            }
        }
        hits.push(client.hit(now, through));
    }
    Ok(hits)
}

fn cursor(plan: &Plan, place: &Place) -> String {
    URL_SAFE_NO_PAD.encode(plan.cursor(place))
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
    plan.place(&text).ok_or_else(not_ours)
}
