//! Lists everyone with access to a client's portal, with what they may do.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::Chart,
    history::Action,
    id::{ClientId, PortalUserId},
    lockout::{self, Lock},
    portal_user::PortalUserView,
    session::Reader,
    store::{both, parse},
    web::ClientPath,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_list_portal_users, list_portal_users)
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
    let locks = chart
        .users
        .iter()
        .map(|user| lockout::lock_key(&app, &practice, &user.username))
        .collect::<Result<Vec<_>, _>>()?;
    let event = staff.event(&app, Action::PortalUsersListed).client(id);
    let (mut found, ()) = both(app.store().get_many(&locks), app.store().record(&event)).await?;
    let now = app.now();
    let mut portal_users = Vec::new();
    for (user, key) in chart.users.iter().zip(&locks) {
        let lock: Option<Lock> = found.remove(key).map(parse).transpose()?;
        let locked_until = lock.and_then(|lock| lock.locked_until).filter(|until| *until > now);
        portal_users.push(PortalUserView { locked_until, ..user.view(&chart.client, now) });
    }
    Ok(Json(PortalUsers {
        portal_users,
        chart_owner: chart.client.chart_owner,
        alert_recipient: chart.client.alert_recipient,
    }))
}
