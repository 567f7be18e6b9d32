//! Closes the chart of a client who left, died, or was entered twice: everybody's access to it ends,
//! each with a receipt, and nothing is deleted. Reopens it, which gives nobody access.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::{ChartEdit, Receipt},
    client::CloseReason,
    history::Action,
    id::ClientId,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::{ClientPath, StrictJson},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_close, close).operation(__path_reopen, reopen)
}

/// The closing of a chart.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Closing {
    /// Why.
    reason: CloseReason,
    /// The right chart, of a duplicate and only then: that of another client, and not closed.
    #[serde(default)]
    duplicate_of: Option<ClientId>,
}

/// Whose access ended.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// One for each portal user whose access or invitation the closing ended.
    #[schema(max_items = 16)]
    pub receipts: Vec<Receipt>,
}

/// Closes a chart. A repeat is answered the same and does nothing.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/close", operation_id = "close-client", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    request_body = Closing,
    responses(
        (status = 200, description = "What ended, for each portal user whose access it was.", body = Receipts),
        (status = 404, description = "The practice has no such client, or not the one of `duplicateOf`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`client_closed`: it is closed for another reason.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`duplicateOf` is missing, comes with another reason, is the client itself, or is closed.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn close(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    StrictJson(closing): StrictJson<Closing>,
) -> Result<Disclosed<Receipts>, Problem> {
    let Closing { reason, duplicate_of } = closing;
    let right = duplicate_of.filter(|right| reason == CloseReason::Duplicate && *right != id);
    let close = |chart: &mut ChartEdit<'_>| {
        chart.close(reason, duplicate_of)?;
        Ok(Receipts { receipts: chart.closing_receipts() })
    };
    let found = editor.chart_beside(&app, id, right).await?;
    found.change(&app, Action::ClientShown, close).await
}

/// Reopens a chart. Nobody's access comes back: activate it. A repeat does nothing.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/reopen", operation_id = "close-client.reopen", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    responses((status = 200, description = "The chart is open; there are no receipts.", body = Receipts))
)]
async fn reopen(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
) -> Result<Disclosed<Receipts>, Problem> {
    let reopen = |chart: &mut ChartEdit<'_>| {
        chart.reopen();
        Ok(Receipts { receipts: Vec::new() })
    };
    editor.chart(&app, id).await?.change(&app, Action::ClientShown, reopen).await
}
