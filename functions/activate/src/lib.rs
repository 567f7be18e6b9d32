//! Activates a portal user's access. Whoever has credentials may sign in with them again and is
//! told so by mail; whoever never enrolled is invited.

use axum::extract::State;
use shared::{
    App, Problem, Routes,
    chart::{ChartEdit, Receipt},
    history::Action,
    id::{ClientId, PortalUserId},
    idempotency::{Attempt, IdempotencyKey},
    problem::ProblemBody,
    staff::{Disclosed, Editor},
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
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 200, description = "The portal user, and the mail that was queued.", body = Receipt),
        (status = 409, description = "`client_closed`: reopen the chart first. `age_rule`: the practice's rules end such an access at the client's age.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`mail_budget_spent`, with `until`: the address got as many mails as one may get.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn activate(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    key: IdempotencyKey,
) -> Result<Disclosed<Receipt>, Problem> {
    let operation = format!("activate {client} {id}");
    let attempt = Attempt::new(&app, editor.practice(), editor.subject(), &operation, &key, &())?;
    let activate = |chart: &mut ChartEdit<'_>| {
        chart.activate(id)?;
        chart.receipt(id)
    };
    let found = editor.repeatable(&app, client, attempt, None).await?;
    found.change(&app, Action::PortalUserShown, activate).await
}
