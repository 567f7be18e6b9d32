//! Shows who did what to a client's access, newest first.

use axum::extract::State;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use shared::{
    App, Problem, Routes,
    fields::Refusal,
    history::{Action, EventView},
    id::{ClientId, EventId},
    keys,
    staff::{Disclosed, Reader},
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
) -> Result<Disclosed<History>, Problem> {
    if page.cursor.as_deref().is_some_and(|c| EventId::parse(c).is_none()) {
        return Err(Problem::refused(
            "cursor",
            Refusal::invalid("invalid", "This is no cursor of ours."),
        ));
    }
    let pk = keys::chart(reader.practice(), id);
    let client = keys::client(reader.practice(), id);
    let read = async {
        let client = app.store().get::<IgnoredAny>(&client);
        let events = app.store().history_page(&pk, page.cursor.clone(), PAGE);
        let (client, events) = both(client, events).await?;
        client.map(|_| events).ok_or_else(Problem::not_found)
    };
    let found = reader.admit(&app, read).await?.about(id);
    let history = found.show(&app, Action::HistoryShown, |(events, next_cursor)| {
        Ok(History { events: events.into_iter().map(EventView::from).collect(), next_cursor })
    });
    history.await
}
