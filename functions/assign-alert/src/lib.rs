//! Says which one portal user gets a client's alerts.

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
    R::default().operation(__path_assign_alert, assign_alert)
}

/// Who shall get the alerts.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    /// The portal user; null for the practice's inbox.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    portal_user_id: Option<PortalUserId>,
}

/// Who gets the alerts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRecipient {
    /// The portal user; null: the practice's inbox.
    #[schema(required)]
    pub alert_recipient: Option<PortalUserId>,
}

/// Assigns the alerts. Whoever had them before has them no more, in the same write.
#[utoipa::path(
    put, path = "/api/clients/{clientId}/alert-recipient", operation_id = "assign-alert", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    request_body = Assignment,
    responses(
        (status = 200, description = "Who gets the alerts now.", body = AlertRecipient),
        (status = 409, description = "`client_closed`: reopen the chart first. `safe_contact`: alerts go to the practice.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The client has no such portal user, or its access is revoked.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn assign_alert(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    StrictJson(assignment): StrictJson<Assignment>,
) -> Result<Disclosed<AlertRecipient>, Problem> {
    let chart = editor.chart(&app, id).await?;
    let assigned = chart.change(&app, Action::ClientShown, |chart| {
        chart.assign(assignment.portal_user_id)?;
        Ok(AlertRecipient { alert_recipient: chart.alert_recipient() })
    });
    assigned.await
}
