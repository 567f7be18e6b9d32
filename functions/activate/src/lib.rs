//! Activates a portal user's access. Whoever has credentials may sign in with them again and is
//! told so by mail; whoever never enrolled is invited.

use axum::{Json, extract::State};
use shared::{
    App, Problem, Routes,
    chart::{Chart, Receipt},
    history::Action,
    id::{ClientId, PortalUserId},
    session::Editor,
    web::UserPath,
};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_activate, activate)
}

/// Activates access. A repeat is answered the same and does nothing.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users/{portalUserId}/activate", operation_id = "activate", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
    ),
    responses((status = 200, description = "The portal user, and the mail that was queued.", body = Receipt))
)]
async fn activate(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
) -> Result<Json<Receipt>, Problem> {
    let practice = editor.practice().clone();
    let (staff, chart) = editor.admit(&app, Chart::load(app.store(), &practice, client)).await?;
    let receipt = chart.change(&app, |chart, change, _| {
        if let Some(mail) = chart.activate(&app, &staff.practice, id)? {
            mail.queue(change);
            chart.mirror_access(&app, change, chart.user(id)?);
            let event = staff.event(&app, Action::AccessActivated).client(client).portal_user(id);
            change.event(&event.changed(["status"]));
        }
        chart.receipt(id, app.now())
    });
    receipt.await.map(Json)
}
