//! Makes an enrolment sheet: an invitation that is printed and handed over, for a person without an e-mail
//! address. What it opens, and to whom, is decided as for one that was mailed.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    chart::{ChartEdit, PrintedSheet},
    fields::At,
    history::Action,
    id::{ClientId, PortalUserId},
    idempotency::{Attempt, IdempotencyKey, ShownOnce},
    letter::Language,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::UserPath,
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_sheet, sheet)
}

/// An invitation to be printed. Its link is a secret, so that this type has no `Debug`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sheet {
    /// The link with which the person enrols. It is shown this once: the answer to a repeated request lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    link: Option<String>,
    /// Until when it works.
    expires_at: At,
    /// The practice's language, which a sheet is in unless the person reads another.
    language: Language,
}

/// Makes an enrolment sheet. Earlier links of this invitation, printed or mailed, are dead from then on.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users/{portalUserId}/sheet", operation_id = "sheet", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key makes no second sheet, for a day; the answer then lacks the link.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 201, description = "The sheet.", body = Sheet),
        (status = 409, description = "`already_enrolled`: the person signs in with a password. `access_revoked`: activate first. `client_closed`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn sheet(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    key: IdempotencyKey,
) -> Result<Disclosed<Sheet>, Problem> {
    let operation = format!("sheet {client} {id}");
    let attempt = Attempt::new(&app, editor.practice(), editor.subject(), &operation, &key, &())?;
    let mut made = ShownOnce::default();
    let print = |chart: &mut ChartEdit<'_>| {
        let PrintedSheet { link, expires_at, language } = chart.print_sheet(id)?;
        // What is kept for a repetition lacks the link.
        let answer = Sheet { link: None, expires_at, language };
        Ok(made.made(&app, link.reveal(), answer))
    };
    let found = editor.repeatable(&app, client, attempt, None).await?;
    let answer = found.change(&app, Action::PortalUserShown, print).await?;
    Ok(answer.map(|once| Sheet { link: made.of(&once), ..once.answer }).created())
}
