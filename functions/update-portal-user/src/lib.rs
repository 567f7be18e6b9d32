//! Edits a portal user. A new e-mail address ends what was sent to the old one: the open
//! invitation, which goes out again to the new address, and the open reset.
//!
//! The address is the account's: resets go there. Whoever has enrolled has proved to be that
//! account's person, and the new address shows on every chart of the account. Somebody who was only
//! invited has proved nothing: were the account's address to follow theirs, a reset would give them
//! the other charts that it opens.

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    App, Problem, Routes,
    account::Account,
    chart::{Chart, Mirror},
    fields::{Email, Name, Permissions, Relationship, Whole},
    history::Action,
    id::{ClientId, PortalUserId},
    keys,
    portal_user::{Access, PortalUser, PortalUserView},
    problem::ProblemBody,
    session::{Editor, Staff},
    store::{Change, Update, both},
    web::{StrictJson, UserPath},
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
        (status = 409, description = "`stale`: the version is old; or `account_in_use`: the e-mail address of somebody who has not enrolled is to change, and the username is that of an account with access to other clients. Nothing changed.", body = ProblemBody, content_type = "application/problem+json"),
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
    // Read only when it turns out that it may open other charts too.
    let mut account: Option<Account> = None;
    let mut retries = app.store().retries();
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

        let shared = account.as_ref().filter(|a| mirror.email && a.grants.len() > 1);
        if shared.is_some() && user.enrolled_at.is_none() {
            return Err(Problem::taken(
                "email",
                "account_in_use",
                "This username is that of an account with access to other clients. Delete this person, and add them with a username of their own.",
            ));
        }
        let key = keys::account(&practice, &user.account(&practice));
        let mail = if mirror.email && user.access == Access::Invited {
            Some(chart.invite(&app, &staff.practice, id)?)
        } else {
            user.version += 1;
            None
        };
        let mut change = app.store().change();
        if !mirror.is_empty() {
            let update = chart.mirror(chart.user(id)?, &mirror);
            change.update(&match &account {
                _ if !mirror.email => update,
                Some(account) => update.when("rev", "=", &account.rev),
                None => update.when_size("grants", "=", 1),
            });
        }
        if let Some(account) = shared {
            tell_others(&app, &staff, &mut change, account, chart.user(id)?);
        }
        if let Some(mail) = mail {
            mail.queue(&mut change);
        }
        chart.save(&mut change);
        let event = staff.event(&app, Action::PortalUserUpdated).client(client).portal_user(id);
        change.event(&event.changed(changed));
        let Err(error) = app.store().write(change).await else {
            return Ok(Json(chart.view(id, app.now())?));
        };
        // The account is the change's first item: the condition of a new address fails when the
        // account opens other charts too, or is not what was read.
        let failed = retries.retry(error).await?;
        let read = Chart::load(app.store(), &practice, client);
        if mirror.email && failed.contains(&0) {
            (chart, account) = both(read, app.store().get(&key)).await?;
        } else {
            chart = read.await?;
        }
    }
}

/// Tells the other charts of an account its new address, and their histories. Of the invitations
/// among them the links stay good: they ask for the account's password.
fn tell_others(
    app: &App,
    staff: &Staff,
    change: &mut Change,
    account: &Account,
    told: &PortalUser,
) {
    let practice = &staff.practice.practice;
    for (client, grant) in account.grants.iter().filter(|(client, _)| **client != told.client_id) {
        let user = Update::of(keys::portal_user(practice, *client, grant.portal_user_id));
        change.update(&user.set("email", &told.email).unset("resetUntil").add("version", 1));
        let event = staff.event(app, Action::PortalUserUpdated).client(*client);
        change.event(&event.portal_user(grant.portal_user_id).changed(["email"]));
    }
}
