//! Gives a client's chart to another of its portal users.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::Chart,
    history::Action,
    id::{ClientId, PortalUserId},
    problem::ProblemBody,
    session::Editor,
    web::{ClientPath, StrictJson},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_change_owner, change_owner)
}

/// Who shall own the chart.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ownership {
    /// The portal user.
    portal_user_id: PortalUserId,
}

/// Who owns the chart.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartOwner {
    /// The portal user.
    pub chart_owner: PortalUserId,
}

/// Changes the chart owner.
#[utoipa::path(
    put, path = "/api/clients/{clientId}/chart-owner", operation_id = "change-owner", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    request_body = Ownership,
    responses(
        (status = 200, description = "Who owns the chart now.", body = ChartOwner),
        (status = 422, description = "The client has no such portal user.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn change_owner(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    StrictJson(ownership): StrictJson<Ownership>,
) -> Result<Json<ChartOwner>, Problem> {
    let practice = editor.practice().clone();
    let (staff, chart) = editor.admit(&app, Chart::load(app.store(), &practice, id)).await?;
    let chart_owner = ownership.portal_user_id;
    let given = chart.change(&app, |chart, change, _| {
        let before = chart.client.chart_owner;
        chart.change_owner(chart_owner)?;
        if before != Some(chart_owner) {
            let event = staff.event(&app, Action::ChartOwnerChanged).client(id);
            change.event(&event.portal_user(chart_owner).changed(["chartOwner"]));
        }
        Ok(ChartOwner { chart_owner })
    });
    given.await.map(Json)
}
