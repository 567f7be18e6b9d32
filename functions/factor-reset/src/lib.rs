//! Makes a code with which a person without their lost second factor signs in once, together with the password: after
//! proof in person the front desk prints it. The factor that was lost stays until the person removes it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::ChartEdit,
    fields::At,
    history::Action,
    id::{ClientId, PortalUserId},
    idempotency::{Attempt, IdempotencyKey, ShownOnce},
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::UserPath,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_factor_reset, factor_reset)
}

/// A code for one sign-in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactorReset {
    /// The code, to be printed. It is shown this once: the answer to a repeated request lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<String>,
    /// Until when it works.
    expires_at: At,
}

/// Makes a code for one sign-in, after proof in person. The person is told by mail.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users/{portalUserId}/factor-reset", operation_id = "factor-reset", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key makes no second code, for a day; the answer then lacks the code.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 201, description = "The code.", body = FactorReset),
        (status = 409, description = "`no_second_factor`: nothing is asked for that this could stand in for. `access_not_active`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn factor_reset(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    key: IdempotencyKey,
) -> Result<Disclosed<FactorReset>, Problem> {
    let operation = format!("factor-reset {client} {id}");
    let attempt = Attempt::new(&app, editor.practice(), editor.subject(), &operation, &key, &())?;
    let mut made = ShownOnce::default();
    let reset = |chart: &mut ChartEdit<'_>| {
        let (code, expires_at) = chart.reset_factor(id)?;
        // What is kept for a repetition lacks the code.
        let answer = FactorReset { code: None, expires_at };
        Ok(made.made(&app, code.text().reveal(), answer))
    };
    let found = editor.repeatable(&app, client, attempt, None).await?;
    let answer = found.change(&app, Action::PortalUserShown, reset).await?;
    Ok(answer.map(|once| FactorReset { code: made.of(&once), ..once.answer }).created())
}
