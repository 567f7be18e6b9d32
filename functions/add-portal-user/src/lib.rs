//! Gives somebody access to a client's portal: a portal user, a grant in their account, an
//! invitation and its mail, all at once.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    account::{Account, MOST_CHARTS},
    chart::{Chart, MOST_USERS},
    fields::{Email, Name, Permissions, Relationship, Username},
    history::Action,
    id::{AccountId, ClientId, PortalUserId},
    idempotency::{Attempt, IdempotencyKey},
    keys,
    outbox::Outgoing,
    portal_user::{Access, PortalUser, PortalUserView},
    practice::Practice,
    problem::ProblemBody,
    session::Editor,
    store::{Change, both},
    web::{ClientPath, StrictJson, created},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_add_portal_user, add_portal_user)
}

/// A portal user to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPortalUser {
    /// The person's name.
    pub name: Name,
    /// Where the invitation goes.
    pub email: Email,
    /// The name to sign in with; the e-mail address unless given.
    #[serde(default)]
    pub username: Option<Username>,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// What the person may do.
    #[schema(value_type = BTreeSet<shared::fields::Permission>)]
    pub permissions: Permissions,
    /// Whether the person owns the chart; the client's first portal user does in any case.
    #[serde(default)]
    pub chart_owner: Option<bool>,
}

/// Adds a portal user.
#[utoipa::path(
    post, path = "/api/clients/{clientId}/portal-users", operation_id = "add-portal-user", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = NewPortalUser,
    responses(
        (status = 201, description = "The portal user; an invitation is queued.", body = PortalUserView),
        (status = 409, description = "The username is somebody else's, the person has access already, or there is no room for one more.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The username cannot be one, or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn add_portal_user(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewPortalUser>,
) -> Result<Response, Problem> {
    let practice = editor.practice().clone();
    let operation = format!("add-portal-user {id}");
    let attempt = Attempt::new(&app, &practice, editor.subject(), &operation, &key, &new)?;
    let account = keys::account(&practice, &AccountId::of(&practice, &username(&new)));
    let read = || {
        let found = both(Chart::load(app.store(), &practice, id), app.store().get(&account));
        Box::pin(both(attempt.answered::<PortalUserView>(&app), found))
    };
    let (staff, (mut answered, mut found)) = editor.admit(&app, read()).await?;
    let mut retries = app.store().retries();
    loop {
        if let Some(before) = answered {
            return Ok(created(before));
        }
        let (mut chart, account) = found;
        let owner = chart.client.chart_owner;
        let mut change = app.store().change();
        let (user, mail) = add(&app, &mut chart, account, &staff.practice, &new, &mut change)?;
        mail.queue(&mut change);
        let event = staff.event(&app, Action::PortalUserAdded).client(id).portal_user(user);
        let mut changed = vec!["name", "email", "username", "relationship", "permissions"];
        changed.extend((chart.client.chart_owner != owner).then_some("chartOwner"));
        change.event(&event.changed(changed));
        let view = chart.view(user, app.now())?;
        attempt.keep(&app, &mut change, &view)?;
        let Err(error) = app.store().write(change).await else { return Ok(created(view)) };
        retries.retry(error).await?;
        (answered, found) = read().await?;
    }
}

fn username(new: &NewPortalUser) -> Username {
    new.username.clone().unwrap_or_else(|| Username::from(&new.email))
}

/// Adds a portal user to a chart as part of a change. The invitation's mail is for the caller to
/// queue.
///
/// # Errors
/// 409 when the username belongs to somebody with another e-mail address, the account has access to
/// this client already, or the client or the account is full.
pub fn add(
    app: &App,
    chart: &mut Chart,
    account: Option<Account>,
    settings: &Practice,
    new: &NewPortalUser,
    change: &mut Change,
) -> Result<(PortalUserId, Outgoing), Problem> {
    let username = username(new);
    if chart.users.len() >= MOST_USERS {
        return Err(Problem::conflict(
            "too_many_portal_users",
            format!("A client can have {MOST_USERS} portal users. Delete one first."),
        ));
    }
    if let Some(account) = &account {
        if !account.email.same(&new.email) {
            return Err(Problem::taken(
                "username",
                "username_taken",
                "Somebody with another e-mail address has this username. Choose another.",
            ));
        }
        if account.grants.contains_key(&chart.client.client_id) {
            return Err(Problem::taken(
                "username",
                "already_added",
                "This person has access to this client already.",
            ));
        }
        if account.grants.len() >= MOST_CHARTS {
            return Err(Problem::conflict(
                "too_many_charts",
                format!("An account can have {MOST_CHARTS} charts. Choose another username."),
            ));
        }
    }
    let id = PortalUserId::new(app.ulid());
    let user = PortalUser {
        portal_user_id: id,
        client_id: chart.client.client_id,
        name: new.name.clone(),
        username,
        email: new.email.clone(),
        relationship: new.relationship,
        permissions: new.permissions.clone(),
        access: Access::Invited,
        invitation: None,
        enrolled_at: None,
        mail: None,
        last_sign_in_at: None,
        sessions: BTreeMap::new(),
        reset_until: None,
        receipt: None,
        revoke_reason: None,
        version: 0,
        rev: 0,
    };
    chart.add(user, new.chart_owner == Some(true));
    let mail = chart.invite(app, settings, id)?;
    let user = chart.user(id)?;
    let mut account = account.unwrap_or_else(|| Account::waiting(user));
    account.grants.insert(chart.client.client_id, chart.grant(app, user));
    let key = keys::account(&chart.practice, &user.account(&chart.practice));
    change.replace(&key, &account, account.rev);
    chart.save(change);
    Ok((id, mail))
}
