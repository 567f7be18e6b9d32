//! Deletes a portal user, its sessions, invitations and resets, and its account with the last
//! portal user. The client's record and history stay.

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    chart::{Chart, Receipt},
    history::Action,
    id::{ClientId, PortalUserId},
    problem::ProblemBody,
    session::Editor,
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
        (status = 422, description = "The successor cannot get the alerts.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn delete(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    StrictQuery(deletion): StrictQuery<Deletion>,
) -> Result<Json<Receipt>, Problem> {
    let successor = check(&deletion)?;
    let practice = editor.practice().clone();
    let (staff, chart) = editor.admit(&app, Chart::load(app.store(), &practice, client)).await?;
    // Most accounts have one chart.
    let mut last = true;
    let receipt = chart.change(&app, |chart, change, failed| {
        // The grant is the change's first item: its condition fails when the account has more
        // charts, or fewer, than was supposed.
        if failed.contains(&0) {
            last = !last;
        }
        let now = app.now();
        let owns_chart = chart.client.chart_owner == Some(id);
        let receives_alerts = chart.client.alert_recipient == Some(id);
        let (gone, ended) = chart.delete(id, successor, now)?;
        chart.drop_grant(change, &gone, last);
        let mut changed = vec!["portalUser"];
        changed.extend(owns_chart.then_some("chartOwner"));
        changed.extend(receives_alerts.then_some("alertRecipient"));
        let event = staff.event(&app, Action::PortalUserDeleted).client(client).portal_user(id);
        change.event(&event.changed(changed));
        let alert_recipient = chart.client.alert_recipient;
        Ok(Receipt { portal_user: None, at: now, ended, alert_recipient, mail: None })
    });
    receipt.await.map(Json)
}

/// Demands the word, and reads the successor.
fn check(deletion: &Deletion) -> Result<Option<PortalUserId>, Problem> {
    if deletion.confirm.trim().to_lowercase() != "delete" {
        return Err(Problem::invalid("confirm", "not_confirmed", "Type “delete” to continue."));
    }
    match deletion.alert_recipient.as_deref() {
        None | Some("practice") => Ok(None),
        Some(id) => PortalUserId::parse(id).map(Some).ok_or_else(|| {
            Problem::invalid("alertRecipient", "invalid", "Name a portal user, or practice.")
        }),
    }
}
