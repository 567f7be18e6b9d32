//! Revokes a portal user's access: from the moment this answers, no session, no sign-in, no
//! invitation and no reset of that access works. Nothing is deleted.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    chart::{ChartEdit, Receipt},
    fields::Reason,
    history::Action,
    id::{ClientId, PortalUserId},
    portal_user::RevokeCode,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::{OptionalJson, UserPath},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_revoke, revoke)
}

/// A revocation.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Why, for the practice's own record.
    #[serde(default)]
    reason: Option<WhyRevoked>,
    /// Who gets the alerts next, if this portal user did; nobody else: the practice's inbox.
    #[serde(default)]
    alert_recipient: Option<PortalUserId>,
}

/// Why access is revoked.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhyRevoked {
    /// The kind of reason.
    code: RevokeCode,
    /// What staff write about it.
    #[serde(default)]
    note: Option<Reason>,
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
    responses(
        (status = 200, description = "What ended, and who gets the alerts now.", body = Receipt),
        (status = 422, description = "The successor cannot get the alerts.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn revoke(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    OptionalJson(body): OptionalJson<Option<Revocation>>,
) -> Result<Disclosed<Receipt>, Problem> {
    let Revocation { reason, alert_recipient } = body.unwrap_or_default();
    let reason = reason.map(|why| (why.code, why.note));
    let revoke = |chart: &mut ChartEdit<'_>| {
        chart.revoke(id, reason.clone(), alert_recipient)?;
        chart.receipt(id)
    };
    editor.chart(&app, client).await?.change(&app, Action::PortalUserShown, revoke).await
}
