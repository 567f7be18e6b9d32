//! Edits a portal user. A new e-mail address ends what was sent to the old one: the open
//! invitation, which goes out again to the new address, and the open reset.

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    App, Problem,
    chart::{Chart, Mirror},
    fields::{Email, Name, Permissions, Relationship, Whole},
    history::Action,
    id::{ClientId, PortalUserId},
    portal_user::{Access, PortalUserView},
    problem::ProblemBody,
    session::Editor,
    web::{StrictJson, UserPath},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(update_portal_user))
}

/// An edit of a portal user: what is not named stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PortalUserEdit {
    /// The version that was looked at.
    version: Whole,
    /// The person's name.
    #[serde(default)]
    name: Option<Name>,
    /// What the person is to the client.
    #[serde(default)]
    relationship: Option<Relationship>,
    /// All that the person may do.
    #[serde(default)]
    #[schema(value_type = Option<BTreeSet<shared::fields::Permission>>)]
    permissions: Option<Permissions>,
    /// Where the person's mails go.
    #[serde(default)]
    email: Option<Email>,
}

/// Edits a portal user.
#[utoipa::path(
    patch, path = "/api/clients/{clientId}/portal-users/{portalUserId}", operation_id = "update-portal-user", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
    ),
    request_body = PortalUserEdit,
    responses(
        (status = 200, description = "The portal user as it is now.", body = PortalUserView),
        (status = 409, description = "The version is old: nothing changed.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn update_portal_user(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    StrictJson(edit): StrictJson<PortalUserEdit>,
) -> Result<Json<PortalUserView>, Problem> {
    let practice = editor.practice().clone();
    let (staff, mut chart) =
        editor.admit(&app, Chart::load(app.store(), &practice, client)).await?;
    let mut tries = app.store().tries();
    loop {
        let user = chart.user_mut(id)?;
        if user.version != edit.version.0 {
            return Err(Problem::stale());
        }
        let mut changed = Vec::new();
        let mut mirror = Mirror::default();
        if let Some(name) = edit.name.as_ref().filter(|n| **n != user.name) {
            user.name = name.clone();
            mirror.person = true;
            changed.push("name");
        }
        if let Some(relationship) = edit.relationship.filter(|r| *r != user.relationship) {
            user.relationship = relationship;
            changed.push("relationship");
        }
        if let Some(permissions) = edit.permissions.as_ref().filter(|p| **p != user.permissions) {
            user.permissions = permissions.clone();
            mirror.permissions = Some(permissions.clone());
            changed.push("permissions");
        }
        if let Some(email) = edit.email.as_ref().filter(|e| **e != user.email) {
            user.email = email.clone();
            user.reset_until = None;
            mirror.email = true;
            changed.push("email");
        }
        if changed.is_empty() {
            return Ok(Json(chart.view(id, app.now())?));
        }

        let mut change = app.store().change();
        if mirror.email && user.access == Access::Invited {
            chart.invite(&app, &staff.practice, id)?.queue(&mut change);
        } else {
            user.version += 1;
        }
        chart.save(&mut change);
        if !mirror.is_empty() {
            chart.mirror(&mut change, chart.user(id)?, &mirror);
        }
        let event = staff.event(&app, Action::PortalUserUpdated).client(client).portal_user(id);
        change.event(&event.changed(changed));
        let Err(halt) = app.store().write(change).await else {
            return Ok(Json(chart.view(id, app.now())?));
        };
        tries.again(halt).await?;
        chart = Chart::load(app.store(), &practice, client).await?;
    }
}
