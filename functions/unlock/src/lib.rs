//! Ends the lock of a portal user's sign-in name, so that the person can try at once: for the front desk, which has
//! made sure who asks. It gives nobody access, and no more guesses than a name has that was never locked.

use axum::extract::State;
use shared::{
    App, Problem, Routes,
    chart::ChartEdit,
    history::Action,
    id::{ClientId, PortalUserId},
    idempotency::{Attempt, IdempotencyKey},
    portal_user::PortalUserView,
    staff::{Disclosed, Editor},
    web::UserPath,
};

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_unlock, unlock)
}

/// Ends the lock of a sign-in name. Where nothing is locked, it is answered the same and does nothing.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users/{portalUserId}/unlock", operation_id = "unlock", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses((status = 200, description = "The portal user, who can try to sign in at once.", body = PortalUserView))
)]
async fn unlock(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    key: IdempotencyKey,
) -> Result<Disclosed<PortalUserView>, Problem> {
    let operation = format!("unlock {client} {id}");
    let attempt = Attempt::new(&app, editor.practice(), editor.subject(), &operation, &key, &())?;
    let unlock = |chart: &mut ChartEdit<'_>| {
        chart.unlock(id)?;
        chart.view(id)
    };
    let found = editor.repeatable(&app, client, attempt, None).await?;
    found.change(&app, Action::PortalUserShown, unlock).await
}
