//! Revokes a portal user's access: from the moment this answers, no session, no sign-in, no
//! invitation and no reset of that access works. Nothing is deleted.

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    chart::{Chart, Receipt},
    fields::Reason,
    history::Action,
    id::{ClientId, PortalUserId},
    session::Editor,
    web::{OptionalJson, UserPath},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_revoke, revoke)
}

/// A revocation.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Why, for the practice's own record.
    #[serde(default)]
    reason: Option<Reason>,
}

/// Revokes access. A repeat is answered the same and does nothing.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users/{portalUserId}/revoke", operation_id = "revoke", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
    ),
    request_body = Option<Revocation>,
    responses((status = 200, description = "What ended, and who gets the alerts now.", body = Receipt))
)]
async fn revoke(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    OptionalJson(body): OptionalJson<Option<Revocation>>,
) -> Result<Json<Receipt>, Problem> {
    let practice = editor.practice().clone();
    let (staff, chart) = editor.admit(&app, Chart::load(app.store(), &practice, client)).await?;
    let reason = body.and_then(|b| b.reason);
    let receipt = chart.change(&app, |chart, change, _| {
        let now = app.now();
        let receives_alerts = chart.client.alert_recipient == Some(id);
        if chart.revoke(id, reason.as_ref(), now)?.is_some() {
            chart.mirror_access(&app, change, chart.user(id)?);
            let mut changed = vec!["status"];
            changed.extend(receives_alerts.then_some("alertRecipient"));
            changed.extend(reason.is_some().then_some("reason"));
            let event = staff.event(&app, Action::AccessRevoked).client(client).portal_user(id);
            change.event(&event.changed(changed));
        }
        chart.receipt(id, now)
    });
    receipt.await.map(Json)
}
