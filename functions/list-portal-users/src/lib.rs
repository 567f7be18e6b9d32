//! Lists everyone with access to a client's portal, with what they may do.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem,
    chart::Chart,
    history::Action,
    id::{ClientId, PortalUserId},
    portal_user::PortalUserView,
    session::Reader,
    web::ClientPath,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_portal_users))
}

/// Everyone with access to a client's portal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortalUsers {
    /// The portal users, oldest first.
    pub portal_users: Vec<PortalUserView>,
    /// The one who owns the chart.
    #[schema(required)]
    pub chart_owner: Option<PortalUserId>,
    /// The one who gets the alerts; null: the practice's inbox.
    #[schema(required)]
    pub alert_recipient: Option<PortalUserId>,
}

/// Lists the portal users of a client. It is recorded.
#[utoipa::path(
    get, path = "/api/clients/{clientId}/portal-users", operation_id = "list-portal-users", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    responses((status = 200, description = "The portal users.", body = PortalUsers))
)]
async fn list_portal_users(
    State(app): State<App>,
    reader: Reader,
    ClientPath(id): ClientPath,
) -> Result<Json<PortalUsers>, Problem> {
    let practice = reader.practice().clone();
    let (staff, chart) = reader.admit(&app, Chart::load(app.store(), &practice, id)).await?;
    app.store().record(&staff.event(&app, Action::PortalUsersListed).client(id)).await?;
    let now = app.now();
    Ok(Json(PortalUsers {
        portal_users: chart.users.iter().map(|u| u.view(&chart.client, now)).collect(),
        chart_owner: chart.client.chart_owner,
        alert_recipient: chart.client.alert_recipient,
    }))
}
