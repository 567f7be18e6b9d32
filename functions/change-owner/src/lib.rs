//! Gives a client's chart to another of its portal users.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    history::Action,
    id::{ClientId, PortalUserId},
    problem::ProblemBody,
    staff::{Disclosed, Editor},
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
        (status = 409, description = "`client_closed`: reopen the chart first.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The client has no such portal user, or its access is revoked.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn change_owner(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    StrictJson(ownership): StrictJson<Ownership>,
) -> Result<Disclosed<ChartOwner>, Problem> {
    let chart_owner = ownership.portal_user_id;
    let chart = editor.chart(&app, id).await?;
    let changed = chart.change(&app, Action::ClientShown, |chart| {
        chart.change_owner(chart_owner)?;
        Ok(ChartOwner { chart_owner })
    });
    changed.await
}
