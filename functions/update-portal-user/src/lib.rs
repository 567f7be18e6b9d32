//! Edits a portal user. What an edit ends and where else it shows, [`ChartEdit::update_user`] says.
//!
//! The e-mail address is the account's: resets go there. It therefore changes on every chart of the
//! account once the person has enrolled. Somebody who was only invited has proved nothing: if the
//! address of an existing account followed theirs, a reset would give them its other charts.

use axum::extract::State;
use serde::Deserialize;
use shared::{
    App, Problem, Routes, account,
    chart::{ChartEdit, UserUpdate},
    fields::{Date, Email, Name, Permissions, Relationship, Username, Whole},
    history::Action,
    id::{ClientId, PortalUserId},
    idempotency::Attempt,
    portal_user::PortalUserView,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::{StrictJson, UserPath, given},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_update_portal_user, update_portal_user)
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
    /// The sign-in name. A new one ends the account's sessions.
    #[serde(default)]
    username: Option<Username>,
    /// The last day of the access: open through its end in the practice's zone. A day that is over ends the
    /// access at once; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Date>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    until: Option<Option<Date>>,
    /// When staff mean to look at the access again; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Date>)]
    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    review_on: Option<Option<Date>>,
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
        (status = 409, description = "Nothing changed. `stale`: the version is old; `account_in_use`: the person has not enrolled, and the sign-in name is that of an account with access to other clients; `username_taken`, `username_confusable`; `name_of_client`: the person is a client elsewhere; `self_twice`: so it is, and nobody is two clients; `safe_contact`: a new address is not marked as safe, and an open invitation would be dead with no other sent: mark it first; or the client's own access, of an account that opens other charts, would be another person's: end safe contact first; `change_too_large`: the person has access to more clients than can be told of all this together.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`mail_budget_spent`, with `until`: the address got as many mails as one may get.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn update_portal_user(
    State(app): State<App>,
    editor: Editor,
    UserPath(client, id): UserPath,
    StrictJson(edit): StrictJson<PortalUserEdit>,
) -> Result<Disclosed<PortalUserView>, Problem> {
    let practice = editor.practice();
    let account = edit.username.as_ref().map(|name| account::key_of(&app, practice, name));
    let account = account.transpose()?;
    let edit = UserUpdate {
        version: edit.version.0,
        name: edit.name,
        relationship: edit.relationship,
        permissions: edit.permissions,
        email: edit.email,
        username: edit.username,
        until: edit.until,
        review_on: edit.review_on,
    };
    let update = |chart: &mut ChartEdit<'_>| {
        chart.update_user(id, &edit)?;
        chart.view(id)
    };
    let found = editor.repeatable(&app, client, Attempt::default(), account.as_ref()).await?;
    found.change(&app, Action::PortalUserShown, update).await
}
