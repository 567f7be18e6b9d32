//! Activates a portal user's access. Whoever has credentials may sign in with them again and is
//! told so by mail; whoever never enrolled is invited.

use axum::{Json, extract::State};
use shared::{
    App, Problem,
    chart::{Chart, Receipt},
    history::Action,
    id::{ClientId, PortalUserId},
    portal_user::{Access, LastReceipt},
    session::Editor,
    web::UserPath,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(activate))
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
    let (staff, mut chart) =
        editor.admit(&app, Chart::load(app.store(), &practice, client)).await?;
    let mut tries = app.store().tries();
    loop {
        let now = app.now();
        let user = chart.user(id)?;
        if user.access != Access::Revoked {
            return Ok(Json(chart.receipt(id, now)?));
        }
        let mut change = app.store().change();
        let mail = if user.enrolled_at.is_some() {
            let mail = chart.activate(&app, id)?;
            chart.open_grant(&app, &mut change, chart.user(id)?);
            mail
        } else {
            let mail = chart.invite(&app, &staff.practice, id)?;
            chart.user_mut(id)?.receipt = Some(LastReceipt::of_mail(&mail));
            Some(mail)
        };
        if let Some(mail) = &mail {
            mail.queue(&mut change);
        }
        chart.user_mut(id)?.revoke_reason = None;
        chart.save(&mut change);
        let event = staff.event(&app, Action::AccessActivated).client(client).portal_user(id);
        change.event(&event.changed(["status"]));
        let Err(halt) = app.store().write(change).await else {
            return Ok(Json(chart.receipt(id, now)?));
        };
        tries.again(halt).await?;
        chart = Chart::load(app.store(), &practice, client).await?;
    }
}
