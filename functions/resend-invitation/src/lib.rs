//! Sends a portal user a new invitation. The old link is dead from then on.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::{
    App, Problem, Routes,
    chart::Chart,
    history::Action,
    id::{ClientId, PortalUserId},
    portal_user::{Access, PortalUserView},
    problem::ProblemBody,
    session::Editor,
    web::UserPath,
};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_resend_invitation, resend_invitation)
}

/// Sends a new invitation.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users/{portalUserId}/invitation", operation_id = "resend-invitation", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
    ),
    responses(
        (status = 202, description = "The portal user; the invitation is queued.", body = PortalUserView),
        (status = 409, description = "The person has enrolled already, or access is revoked.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn resend_invitation(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
) -> Result<Response, Problem> {
    let practice = editor.practice().clone();
    let (staff, chart) = editor.admit(&app, Chart::load(app.store(), &practice, client)).await?;
    let invited = chart.change(&app, |chart, change, _| {
        match chart.user(id)?.access {
            Access::Invited => {}
            Access::Active => {
                return Err(Problem::conflict(
                    "already_enrolled",
                    "This person has enrolled already and signs in with a password.",
                ));
            }
            Access::Revoked => {
                return Err(Problem::conflict(
                    "access_revoked",
                    "Access is revoked. Activate it first.",
                ));
            }
        }
        chart.invite(&app, &staff.practice, id)?.queue(change);
        chart.mirror_access(&app, change, chart.user(id)?);
        let event = staff.event(&app, Action::InvitationResent).client(client).portal_user(id);
        change.event(&event.changed(["invitation"]));
        chart.view(id, app.now())
    });
    Ok((StatusCode::ACCEPTED, Json(invited.await?)).into_response())
}
