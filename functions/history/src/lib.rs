//! Shows who did what to a client's access, newest first.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use shared::{
    App, Problem, Routes,
    fields::At,
    history::{Action, Event, Role},
    id::{ClientId, EventId, PortalUserId},
    keys,
    session::Reader,
    store::both,
    web::{ClientPath, StrictQuery},
};
use utoipa::{IntoParams, ToSchema};

/// Events on one page.
const PAGE: i32 = 50;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_history, history)
}

/// Where to go on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// The `nextCursor` of the page before.
    #[serde(default)]
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    cursor: Option<String>,
}

/// Who acted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ActorView {
    /// As people know them; empty for somebody who was not signed in.
    pub name: String,
    /// In which capacity.
    pub role: Role,
}

/// One event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// When.
    pub at: At,
    /// Who.
    pub actor: ActorView,
    /// What.
    pub action: Action,
    /// Which portal user it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub portal_user_id: Option<PortalUserId>,
    /// Names of the fields that changed.
    pub changed: Vec<String>,
}

/// A page of the history.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The events, newest first.
    pub events: Vec<EventView>,
    /// Where the next page begins; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Shows a page of a client's history.
#[utoipa::path(
    get, path = "/api/clients/{clientId}/history", operation_id = "history", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client."), Page),
    responses((status = 200, description = "The events.", body = History))
)]
async fn history(
    State(app): State<App>,
    reader: Reader,
    ClientPath(id): ClientPath,
    StrictQuery(page): StrictQuery<Page>,
) -> Result<Json<History>, Problem> {
    if page.cursor.as_deref().is_some_and(|c| EventId::parse(c).is_none()) {
        return Err(Problem::invalid("cursor", "invalid", "This is no cursor of ours."));
    }
    let pk = keys::chart(reader.practice(), id);
    let client = keys::client(reader.practice(), id);
    let client = app.store().get::<IgnoredAny>(&client);
    let events = app.store().history_page(&pk, page.cursor.clone(), PAGE);
    let (_, (client, (events, next_cursor))) = reader.admit(&app, both(client, events)).await?;
    client.ok_or_else(Problem::not_found)?;
    Ok(Json(History { events: events.into_iter().map(view).collect(), next_cursor }))
}

fn view(event: Event) -> EventView {
    EventView {
        at: event.at,
        actor: ActorView { name: event.actor.name, role: event.actor.role },
        action: event.action,
        portal_user_id: event.portal_user_id,
        changed: event.changed,
    }
}
