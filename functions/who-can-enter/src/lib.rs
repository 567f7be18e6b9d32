//! Shows a chart owner who can enter the chart: everybody with access, since when and with which
//! permissions, and who entered last.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::Chart,
    clock::Clock,
    fields::{At, Name, Permissions, Relationship},
    history::{Action, Event},
    id::{ClientId, PortalUserId},
    keys,
    mirror::to_charts::{self, AccountUpdate},
    portal_user::PortalUser,
    problem::ProblemBody,
    store::both,
    visitor::Visitor,
    web::ClientPath,
};
use utoipa::ToSchema;

/// So many of the newest events of the chart are looked at for entries.
const LOOKED_AT: i32 = 200;
/// The most entries that are shown.
const MOST: usize = 10;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_who_can_enter, who_can_enter)
}

/// Who can enter a chart, and who did.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WhoCanEnter {
    /// Everybody with access, the longest first.
    people: Vec<Person>,
    /// The last entries, newest first: of those that the last two hundred events tell.
    entries: Vec<Entry>,
}

/// Somebody with access to a chart.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PersonWithAccess)]
pub struct Person {
    /// The portal user.
    portal_user_id: PortalUserId,
    /// The person's name.
    name: Name,
    /// What the person is to the client.
    relationship: Relationship,
    /// What the person may do.
    #[schema(value_type = BTreeSet<shared::fields::Permission>)]
    permissions: Permissions,
    /// Since when: enrolled, or given access again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<At>,
    /// When the person last signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_entry_at: Option<At>,
    /// Whether it is the person who asks.
    you: bool,
}

/// That somebody entered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When.
    at: At,
    /// The portal user, who may be gone by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    portal_user_id: Option<PortalUserId>,
    /// What the person was called then.
    name: String,
}

/// Shows who can enter a chart that the person owns. It is recorded.
#[utoipa::path(
    get, path = "/api/portal/charts/{clientId}/access", operation_id = "who-can-enter", tag = "portal",
    security(("portalSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    responses(
        (status = 200, description = "Who can enter.", body = WhoCanEnter),
        (status = 403, description = "`no_access`: the chart is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The session opens no such chart.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn who_can_enter(
    State(app): State<App>,
    visitor: Visitor,
    ClientPath(client): ClientPath,
) -> Result<Json<WhoCanEnter>, Problem> {
    let (store, practice) = (app.store(), &visitor.practice);
    let history = keys::chart(practice, client);
    let chart = async {
        match Chart::load(store, practice, client).await {
            Err(problem) if problem.code() == "not_found" => Ok(None),
            read => read.map(Some),
        }
    };
    let mut retries = store.retries();
    let read = both(visitor.load(&app), store.history_page(&history, None, LOOKED_AT));
    let (((mut account, mut settings), (events, _)), chart) = both(read, chart).await?;
    loop {
        let now = app.now();
        let open = visitor.open_charts(&account, &settings, now)?;
        let owned = owned(&open, client, chart.as_ref());
        let (chart, you) = match owned {
            Ok(owned) => owned,
            Err(problem) => {
                let event = visitor.event_on(&app, &account, open.first(), Action::Refused);
                store.record(&event.because(problem.code())).await?;
                return Err(problem);
            }
        };
        let mut change = store.change();
        if account.use_session(visitor.sid, &settings, now) {
            change.replace(&keys::account(practice, &visitor.account), &account, account.rev);
            to_charts::write(&mut change, practice, &account, &AccountUpdate::default());
        }
        let shown = visitor.event_on(&app, &account, Some(&(client, you)), Action::AccessShown);
        change.event(&shown);
        let answer = WhoCanEnter::of(chart, &settings.clock(now), you, events.clone());
        let Err(error) = store.write(change).await else { return Ok(Json(answer)) };
        retries.retry(error).await?;
        (account, settings) = visitor.load(&app).await?;
    }
}

/// The chart, if the session opens it, its owner asks and it is not under safe contact, and who the owner is.
fn owned<'a>(
    open: &[(ClientId, PortalUserId)],
    client: ClientId,
    chart: Option<&'a Chart>,
) -> Result<(&'a Chart, PortalUserId), Problem> {
    let opened = open.iter().find(|(of, _)| *of == client);
    let (chart, (_, you)) = chart.zip(opened).ok_or_else(Problem::not_found)?;
    // Under safe contact the owner is answered as anybody who is not: so the answer says nothing of the mark.
    if chart.client.chart_owner != Some(*you) || chart.client.safe_contact {
        return Err(Problem::no_access());
    }
    Ok((chart, *you))
}

impl WhoCanEnter {
    fn of(chart: &Chart, clock: &Clock, you: PortalUserId, events: Vec<Event>) -> Self {
        let person =
            |user: &PortalUser| Some(Person::of(user, user.may(&chart.client, clock)?, you));
        let mut people: Vec<Person> = chart.users.iter().filter_map(person).collect();
        people.sort_by_key(|person| (person.since, person.portal_user_id));
        let entered = |event: &Event| {
            matches!(event.action, Action::SignedIn | Action::Enrolled | Action::ChartJoined)
        };
        let entries = events.into_iter().filter(entered).take(MOST).map(|event| Entry {
            at: event.at,
            portal_user_id: event.portal_user_id,
            name: event.actor.name,
        });
        Self { people, entries: entries.collect() }
    }
}

impl Person {
    fn of(user: &PortalUser, permissions: Permissions, you: PortalUserId) -> Self {
        // Of an active one the receipt is that of being given access again.
        let again = user.receipt.map(|receipt| receipt.at);
        Self {
            portal_user_id: user.portal_user_id,
            name: user.name.clone(),
            relationship: user.relationship,
            permissions,
            since: user.enrolled_at.max(again),
            last_entry_at: user.last_sign_in_at,
            you: user.portal_user_id == you,
        }
    }
}
