//! Sends a portal user a new invitation. The old link is dead from then on.

use axum::extract::State;
use shared::{
    App, Problem, Routes,
    chart::ChartEdit,
    history::Action,
    id::{ClientId, PortalUserId},
    idempotency::{Attempt, IdempotencyKey},
    portal_user::PortalUserView,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
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
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 202, description = "The portal user; the invitation is queued.", body = PortalUserView),
        (status = 409, description = "`already_enrolled`, `access_revoked`; `no_email`: print a sheet instead; `safe_contact`: the address is not marked as safe, so that the mail would not be sent, and an earlier link would be dead: mark it first, or print a sheet; `client_closed`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`mail_budget_spent`, with `until`: the address got as many mails as one may get.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn resend_invitation(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    key: IdempotencyKey,
) -> Result<Disclosed<PortalUserView>, Problem> {
    let operation = format!("resend-invitation {client} {id}");
    let attempt = Attempt::new(&app, editor.practice(), editor.subject(), &operation, &key, &())?;
    let invite = |chart: &mut ChartEdit<'_>| {
        chart.invite(id)?;
        chart.view(id)
    };
    let found = editor.repeatable(&app, client, attempt, None).await?;
    found.change(&app, Action::PortalUserShown, invite).await.map(Disclosed::accepted)
}
