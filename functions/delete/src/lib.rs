//! Deletes a portal user, its sessions, invitations and resets, and its account with the last
//! portal user. The client's record and history stay.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    chart::Receipt,
    fields::Refusal,
    history::Action,
    id::{ClientId, PortalUserId},
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::{StrictQuery, UserPath},
};
use utoipa::IntoParams;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_delete, delete)
}

/// A deletion.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Deletion {
    /// The word `delete`, in any case.
    #[param(pattern = r"^\s*[dD][eE][lL][eE][tT][eE]\s*$")]
    confirm: String,
    /// Who gets the alerts, if this portal user did: another portal user, or `practice`.
    #[serde(default)]
    #[param(pattern = "^practice$|^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    alert_recipient: Option<String>,
}

/// Deletes a portal user.
#[utoipa::path(
    delete, path = "/api/clients/{clientId}/portal-users/{portalUserId}", operation_id = "delete", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
        Deletion,
    ),
    responses(
        (status = 200, description = "What ended, and who gets the alerts now.", body = Receipt),
        (status = 409, description = "`safe_contact`: this is the client's own access, the client is under safe contact, and the account opens other charts, over whose mails the mark would lose its say. Revoke it instead, or end safe contact first.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The successor cannot get the alerts.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    StrictQuery(deletion): StrictQuery<Deletion>,
) -> Result<Disclosed<Receipt>, Problem> {
    let successor = check(&deletion)?;
    let chart = editor.chart(&app, client).await?;
    chart.change(&app, Action::PortalUserShown, |chart| chart.delete(id, successor)).await
}

/// Demands the word, and reads the successor.
fn check(deletion: &Deletion) -> Result<Option<PortalUserId>, Problem> {
    if deletion.confirm.trim().to_lowercase() != "delete" {
        return Err(Problem::refused(
            "confirm",
            Refusal::invalid("not_confirmed", "Type “delete” to continue."),
        ));
    }
    match deletion.alert_recipient.as_deref() {
        None | Some("practice") => Ok(None),
        Some(id) => PortalUserId::parse(id).map(Some).ok_or_else(|| {
            Problem::refused(
                "alertRecipient",
                Refusal::invalid("invalid", "Name a portal user, or practice."),
            )
        }),
    }
}
