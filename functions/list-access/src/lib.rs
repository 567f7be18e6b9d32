//! Lists everybody with access to a client's portal, and each trouble with access.
//!
//! A page of a list is two round trips: one index says who stands in it, one batch reads them. With words to
//! look for, search says who is found, and the charts of those are read. See [`shared::lists`].

use std::collections::HashSet;

use axum::{extract::State, http::HeaderMap};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::{
    App, Problem, Routes,
    chart::Chart,
    client::Client,
    clock::Clock,
    fields::{At, Name, Professional, RecordNumber, Refusal, SearchText, Whole},
    history::Action,
    id::{ClientId, PracticeId},
    keys::{self, Key},
    lists::{self, Range, View},
    oauth::question,
    portal_user::{PortalUser, PortalUserView},
    practice::Practice,
    problem::ProblemBody,
    search::{Order, Page, Place, Plan, Window, plan},
    staff::{Disclosed, Impersonal, Reader},
    store::{Entry, both, parse},
    web::StrictJson,
};
use utoipa::ToSchema;

/// Most rows on one page.
const MOST: usize = 100;
/// Rows on one page unless the caller says otherwise.
const USUAL: usize = 50;
/// Most rows that are read for one page: each costs half a read unit for the portal user and half for the
/// client, and a page at most 100.
const READ: usize = 96;
/// Most rows of one page of a professional's, of whom an index is read that costs more.
const READ_OF_PROFESSIONAL: usize = 50;
/// Most clients whose charts are read for one page, when words say who is found.
const CHARTS: usize = 20;
/// Counts go so far.
const COUNTED: usize = 500;

/// One more shows that there are more.
const MOST_COUNTED: i32 = 501;
/// Characters of a cursor: more than any of ours.
const LONGEST_CURSOR: usize = 2000;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_list, list).operation(__path_summarise, summarise)
}

/// What to list.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccessQuery)]
#[expect(clippy::struct_field_names, reason = "the contract calls it query")]
pub struct Query {
    /// The list.
    view: View,
    /// Words by which the client or the portal user is found, all of which must match.
    #[serde(default)]
    query: Option<SearchText>,
    /// Only clients of this professional, by the exact name.
    #[serde(default)]
    professional: Option<Professional>,
    /// Most rows wanted, 1 to 100; 50 unless given.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Whole>,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    #[schema(max_length = 2000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccessPage)]
pub struct Rows {
    /// The rows, by the client's last and first name; of lists that time makes, by time.
    pub rows: Vec<Row>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// A portal user with the client, or a client alone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccessRow)]
pub struct Row {
    /// The client.
    pub client: RowClient,
    /// The portal user; not there in a list of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub portal_user: Option<PortalUserView>,
}

/// The client of a row.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccessRowClient)]
pub struct RowClient {
    /// The client's id.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// Number of the chart.
    pub record_number: RecordNumber,
    /// Who cares for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub professional: Option<Professional>,
}

impl Row {
    /// `user` has forgotten the sessions that ended with all others.
    fn of(client: &Client, user: Option<&PortalUser>, clock: &Clock) -> Self {
        let now = clock.now();
        let locked = |user: &PortalUser| user.listing.locked_until().filter(|until| *until > now);
        Self {
            client: RowClient {
                client_id: client.client_id,
                name: client.name.clone(),
                record_number: client.record_number.clone(),
                professional: client.professional.clone(),
            },
            portal_user: user.map(|user| PortalUserView {
                locked_until: locked(user),
                ..user.view(client, clock)
            }),
        }
    }
}

/// How many stand in each list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccessSummary)]
pub struct Summary {
    /// The lists.
    pub views: Vec<Count>,
    /// What happened in the 24 hours before now.
    pub last_day: LastDay,
}

impl Impersonal for Summary {}

/// How many stand in a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AccessCount)]
pub struct Count {
    /// The list.
    pub view: View,
    /// How many, up to 500.
    pub count: usize,
    /// Whether there are more.
    pub more: bool,
}

/// What happened in a day, as it stands now: of somebody who came and whose access ended since, the end alone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AccessLastDay)]
pub struct LastDay {
    /// Those who signed in, or were given access.
    pub came: Tally,
    /// Those whose access ended.
    pub ended: Tally,
}

/// How many.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AccessTally)]
pub struct Tally {
    /// How many, up to 500.
    pub count: usize,
    /// Whether there are more.
    pub more: bool,
}

impl Tally {
    fn of(count: usize) -> Self {
        Self { count: count.min(COUNTED), more: count > COUNTED }
    }
}

/// What a request asks for.
struct Asked {
    view: View,
    professional: Option<Professional>,
    limit: usize,
    now: At,
}

impl Asked {
    /// Whether a client's row, or that of a portal user, belongs here.
    fn holds(
        &self,
        practice: &PracticeId,
        client: &Client,
        user: Option<&PortalUser>,
        clock: &Clock,
    ) -> bool {
        let theirs = self.professional.is_none() || self.professional == client.professional;
        theirs && self.view.holds(practice, client, user, clock)
    }

    /// Tells one list from another, for cursors.
    fn digest(&self) -> String {
        let professional = self.professional.as_ref().map(Professional::as_str);
        let text = format!("{:?}\n{professional:?}", self.view);
        URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..6])
    }

    /// A place in the list as text, which only the same list takes back.
    fn cursor(&self, place: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{place}", self.digest()))
    }

    fn place(&self, cursor: &str) -> Result<String, Problem> {
        if cursor.len() > LONGEST_CURSOR {
            let refusal = Refusal::invalid("too_long", "This is too long.");
            return Err(Problem::refused("cursor", refusal));
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| not_ours())?;
        let text = String::from_utf8(bytes).map_err(|_| not_ours())?;
        let place = text.strip_prefix(&self.digest()).and_then(|rest| rest.strip_prefix('\n'));
        place.filter(|place| !place.is_empty()).map(str::to_owned).ok_or_else(not_ours)
    }
}

fn not_ours() -> Problem {
    let refusal = Refusal::rule("not_a_cursor", "This is no cursor of this list.");
    Problem::refused("cursor", refusal)
}

/// Lists portal users, or clients. That somebody looked is recorded, the words are not.
#[utoipa::path(
    post, path = "/api/access", operation_id = "list-access", tag = "staff",
    security(("staffSession" = [])),
    request_body = Query,
    responses(
        (status = 200, description = "A page of the list.", body = Rows),
        (status = 422, description = "The query has no word of two characters, or the cursor is of another list.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(app): State<App>,
    reader: Reader,
    StrictJson(query): StrictJson<Query>,
) -> Result<Disclosed<Rows>, Problem> {
    let limit = query.limit.map_or(USUAL, |limit| usize::try_from(limit.0).unwrap_or(usize::MAX));
    if !(1..=MOST).contains(&limit) {
        let refusal = Refusal::invalid("out_of_range", "Ask for 1 to 100.");
        return Err(Problem::refused("limit", refusal));
    }
    let Query { view, professional, .. } = query;
    let read = if professional.is_some() { READ_OF_PROFESSIONAL } else { READ };
    let asked = Asked { view, professional, limit: limit.min(read), now: app.now() };
    let place = query.cursor.as_deref().map(|cursor| asked.place(cursor)).transpose()?;
    match query.query {
        Some(words) => find(&app, reader, &asked, &words, place).await,
        None => page(&app, reader, &asked, place).await,
    }
}

/// A page of a list as the index has it.
async fn page(
    app: &App,
    reader: Reader,
    asked: &Asked,
    place: Option<String>,
) -> Result<Disclosed<Rows>, Problem> {
    if asked.view == View::Ending {
        return ending_page(app, reader, asked, place).await;
    }
    let practice = reader.practice().clone();
    let entries = Box::pin(entries(app, &practice, asked, place.as_deref()));
    let admitted = reader.admit(app, entries).await?;
    let practice = admitted.staff().practice.clone();
    let rows = admitted.show_with(
        app,
        Action::AccessListed,
        async |(entries, _): &(Vec<Entry>, Option<String>)| {
            Box::pin(rows(app, &practice, asked, entries)).await
        },
        |(_, next), rows| Ok(Rows { rows, next_cursor: next.map(|next| asked.cursor(&next)) }),
    );
    rows.await
}

/// The entries of a page, and behind which sort key the next one begins.
async fn entries(
    app: &App,
    practice: &PracticeId,
    asked: &Asked,
    place: Option<&str>,
) -> Result<(Vec<Entry>, Option<String>), Problem> {
    let mut range = asked.view.range(practice, asked.now);
    let forward = range.forward || asked.professional.is_some();
    let read = if let Some(professional) = &asked.professional {
        let list = keys::list_of_professional(practice, professional.as_str());
        vec![app.store().listed_of(&range, &list, place.unwrap_or("\u{1}")).await?]
    } else {
        if let Some(place) = place {
            range = range.behind(place);
        }
        // One more than the page shows whether there is another.
        app.store().listed(&range, asked.limit + 1).await?
    };
    let stopped = read.iter().filter_map(|read| read.stopped.clone());
    let stopped = if forward { stopped.min() } else { stopped.max() };
    let mut entries: Vec<Entry> = read.into_iter().flat_map(|read| read.entries).collect();
    entries.sort_by(|a, b| if forward { a.sort.cmp(&b.sort) } else { b.sort.cmp(&a.sort) });
    let more = entries.len() > asked.limit;
    entries.truncate(asked.limit);
    let last = entries.last().map(|entry| entry.sort.clone());
    Ok((entries, if more { last } else { stopped }))
}

/// A page of what ends. Where it stands, the practice's rules say, which are read with the session's check: one
/// round trip more than another list.
async fn ending_page(
    app: &App,
    reader: Reader,
    asked: &Asked,
    place: Option<String>,
) -> Result<Disclosed<Rows>, Problem> {
    let admitted = reader.admit(app, async { Ok(()) }).await?;
    let settings = admitted.staff().practice.clone();
    let shown = admitted.show_with(
        app,
        Action::AccessListed,
        async |()| Box::pin(ending(app, &settings, asked, place.as_deref())).await,
        |(), (rows, next)| Ok(Rows { rows, next_cursor: next.map(|next| asked.cursor(&next)) }),
    );
    shown.await
}

/// A page of what ends, the next day first, and behind what the next page begins.
async fn ending(
    app: &App,
    settings: &Practice,
    asked: &Asked,
    place: Option<&str>,
) -> Result<(Vec<Row>, Option<String>), Problem> {
    let clock = settings.clock(asked.now);
    let parts = lists::ending(&settings.practice, &clock);
    let read = try_join_all(parts.iter().map(|part| app.store().listed(&part.range, COUNTED)));
    let read = Box::pin(read).await?;
    let mut found: Vec<(String, Entry)> = Vec::new();
    for (part, read) in parts.iter().zip(read) {
        for entry in read.into_iter().flat_map(|read| read.entries) {
            let Some(day) = part.day(&entry.sort) else { continue };
            found.push((format!("{day}#{}#{}", entry.key.pk, entry.key.sk), entry));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    // Somebody with a last day whose client also reaches an age stands in two parts.
    let mut seen = HashSet::new();
    found.retain(|(_, entry)| seen.insert(entry.key.clone()));
    let mut left = found.into_iter().filter(|(at, _)| place.is_none_or(|place| **at > *place));
    let mut rows_found = Vec::new();
    // What only looks as if it ended leaves room for more.
    loop {
        let page: Vec<(String, Entry)> = left.by_ref().take(asked.limit).collect();
        let Some((last, _)) = page.last() else { return Ok((rows_found, None)) };
        let last = last.clone();
        let entries: Vec<Entry> = page.into_iter().map(|(_, entry)| entry).collect();
        rows_found.extend(rows(app, settings, asked, &entries).await?);
        if !rows_found.is_empty() {
            let more = left.next().is_some();
            return Ok((rows_found, more.then_some(last)));
        }
    }
}

/// Reads what the entries name, and leaves out what has left the list since.
async fn rows(
    app: &App,
    settings: &Practice,
    asked: &Asked,
    entries: &[Entry],
) -> Result<Vec<Row>, Problem> {
    let practice = &settings.practice;
    let clock = settings.clock(asked.now);
    let of = |entry: &Entry| {
        let (_, client) = keys::parse_chart(&entry.key.pk)?;
        Some((entry.key.clone(), keys::client(practice, client)))
    };
    let wanted: Vec<(Key, Key)> = entries.iter().filter_map(of).collect();
    let users: Vec<Key> = wanted.iter().filter(|(e, c)| e != c).map(|(e, _)| e.clone()).collect();
    let mut clients: Vec<Key> = wanted.iter().map(|(_, client)| client.clone()).collect();
    clients.dedup();
    clients.sort_unstable();
    clients.dedup();
    let (mut people, items) =
        both(app.store().get_some(&users), app.store().get_some(&clients)).await?;
    let mut rows = Vec::new();
    for (entry, client) in wanted {
        // Deleted since the index was read.
        let Some(item) = items.get(&client) else { continue };
        let client_item: Client = parse(item.clone())?;
        let mut user: Option<PortalUser> = people.remove(&entry).map(parse).transpose()?;
        if let Some(user) = &mut user {
            user.forget_ended(settings);
        }
        let missing = entry != client && user.is_none();
        if !missing && asked.holds(practice, &client_item, user.as_ref(), &clock) {
            rows.push(Row::of(&client_item, user.as_ref(), &clock));
        }
    }
    Ok(rows)
}

/// Where a page of what was found begins: at a place of the search, behind so many rows of its first client.
struct Found {
    place: Option<Place>,
    passed: usize,
}

/// A page of those in a list who are found by words.
async fn find(
    app: &App,
    reader: Reader,
    asked: &Asked,
    words: &SearchText,
    place: Option<String>,
) -> Result<Disclosed<Rows>, Problem> {
    let plan = plan(words.as_str(), asked.now.year()).map_err(|_| {
        Problem::refused("query", Refusal::rule("too_short", "Type two characters or more."))
    })?;
    let from = match place.as_deref().map(|place| place.split_once('\n').ok_or_else(not_ours)) {
        None => Found { place: None, passed: 0 },
        Some(Err(problem)) => return Err(problem),
        Some(Ok((passed, ""))) => {
            Found { place: None, passed: passed.parse().map_err(|_| not_ours())? }
        }
        Some(Ok((passed, place))) => Found {
            place: Some(plan.place(place).ok_or_else(not_ours)?),
            passed: passed.parse().map_err(|_| not_ours())?,
        },
    };
    let practice = reader.practice().clone();
    let reads = plan.reads(from.place.as_ref(), CHARTS);
    let windows = Box::pin(app.store().search_windows(&practice, &reads));
    let admitted = reader.admit(app, windows).await?;
    let settings = admitted.staff().practice.clone();
    let dates = Order::of_country(&settings.country);
    let rows = admitted.show_with(
        app,
        Action::AccessListed,
        async |windows: &Vec<Window>| {
            let page = plan.page(from.place.as_ref(), windows, CHARTS, dates);
            let charts = page.candidates.iter().map(|candidate| async {
                match Chart::load(app.store(), &practice, candidate.client).await {
                    Err(problem) if problem.code() == "not_found" => Ok(None),
                    found => found.map(|mut chart| {
                        chart.forget_ended(&settings);
                        Some(chart)
                    }),
                }
            });
            let charts = Box::pin(try_join_all(charts)).await?;
            Ok((page, charts))
        },
        |windows, (page, charts)| {
            let cut = |candidates| plan.page(from.place.as_ref(), &windows, candidates, dates).next;
            let clock = settings.clock(asked.now);
            let (rows, next) = found((asked, &clock), &plan, &from, &page, &charts, cut);
            let next_cursor = next.map(|Found { place, passed }| {
                let place = place.map(|place| plan.cursor(&place)).unwrap_or_default();
                asked.cursor(&format!("{passed}\n{place}"))
            });
            Ok(Rows { rows, next_cursor })
        },
    );
    rows.await
}

/// The rows of the charts that were found, as many as a page has, and where the next one begins. `cut` says
/// where a page of fewer clients would have ended.
fn found(
    (asked, clock): (&Asked, &Clock),
    plan: &Plan,
    from: &Found,
    page: &Page,
    charts: &[Option<Chart>],
    cut: impl Fn(usize) -> Option<Place>,
) -> (Vec<Row>, Option<Found>) {
    let mut rows = Vec::new();
    for (n, chart) in charts.iter().enumerate() {
        let own = chart.iter().flat_map(|chart| of_chart((asked, clock), plan, page.level, chart));
        let passed = if n == 0 { from.passed } else { 0 };
        for (m, row) in own.enumerate().skip(passed) {
            if rows.len() == asked.limit {
                let place = if n == 0 { from.place.clone() } else { cut(n) };
                return (rows, Some(Found { place, passed: m }));
            }
            rows.push(row);
        }
    }
    (rows, page.next.clone().map(|place| Found { place: Some(place), passed: 0 }))
}

/// The rows of a chart that was found: all of it by what the client has, else of the portal users by whom it
/// was.
fn of_chart(
    (asked, clock): (&Asked, &Clock),
    plan: &Plan,
    level: usize,
    chart: &Chart,
) -> Vec<Row> {
    let Chart { practice, client, users, .. } = chart;
    if asked.view.is_of_clients() {
        let holds = asked.holds(practice, client, None, clock);
        return holds.then(|| Row::of(client, None, clock)).into_iter().collect();
    }
    let finds = |entries: Vec<shared::search::Entry>| {
        entries.iter().any(|entry| plan.finds(&entry.words, level))
    };
    let through: Vec<bool> =
        users.iter().map(|user| finds(user.search_entries(&client.name))).collect();
    // Of a name that was misspelt neither says so.
    let all = finds(client.search_entries()) || !through.contains(&true);
    let users = users.iter().zip(through).filter(|(_, through)| all || *through);
    let users = users.filter(|(user, _)| asked.holds(practice, client, Some(user), clock));
    users.map(|(user, _)| Row::of(client, Some(user), clock)).collect()
}

/// Counts the lists. Nothing in the answer is about anybody, so looking leaves no trace.
#[utoipa::path(
    get, path = "/api/access/summary", operation_id = "list-access.summary", tag = "staff",
    security(("staffSession" = [])),
    params(("Latchkey-Activity" = Option<String>, Header, description = "`none`: a page asks by itself, and it is no use of the session.")),
    responses((status = 200, description = "How many stand in each list.", body = Summary))
)]
async fn summarise(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
) -> Result<Disclosed<Summary>, Problem> {
    let (practice, now) = (reader.practice().clone(), app.now());
    let count = async |range: Range| app.store().count(&range, MOST_COUNTED).await;
    // `all` is the sum of the lists by access.
    let elsewhere = [View::All, View::Ending];
    let counted = View::ALL.into_iter().filter(|view| !elsewhere.contains(view));
    let views = counted.map(async |view| Ok((view, count(view.range(&practice, now)).await?)));
    let day_ago = now.plus(-24 * 60 * 60);
    let last_day = both(
        count(lists::came_since(&practice, day_ago)),
        count(lists::ended_since(&practice, day_ago)),
    );
    let counts = Box::pin(both(try_join_all(views), last_day));
    let admitted = if question::is_use(&headers) {
        reader.admit(&app, counts).await?
    } else {
        reader.idle(&app, counts).await?
    };
    let settings = admitted.staff().practice.clone();
    let asked = Asked { view: View::Ending, professional: None, limit: READ, now };
    let (mut ends, mut place) = (0, None);
    loop {
        let (rows, next) = Box::pin(ending(&app, &settings, &asked, place.as_deref())).await?;
        ends += rows.len();
        if next.is_none() || ends > COUNTED {
            break;
        }
        place = next;
    }
    let summary = admitted.progress(&app, |(mut counts, (came, ended))| {
        let before = counts.iter().position(|(view, _)| *view == View::WithoutAccess);
        counts.insert(before.unwrap_or(counts.len()), (View::Ending, ends));
        let by_access = [View::Active, View::Invited, View::Expired, View::Revoked];
        let of = |view: &View| by_access.contains(view);
        let all = counts.iter().filter(|(view, _)| of(view)).map(|(_, count)| count).sum();
        let views = [(View::All, all)].into_iter().chain(counts).map(|(view, count)| {
            let Tally { count, more } = Tally::of(count);
            Count { view, count, more }
        });
        let last_day = LastDay { came: Tally::of(came), ended: Tally::of(ended) };
        Ok(Summary { views: views.collect(), last_day })
    });
    summary.await
}
