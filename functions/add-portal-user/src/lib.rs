//! Gives somebody access to a client's portal: a portal user, a grant in their account, an
//! invitation and its mail, all at once.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes, account,
    chart::{ChartEdit, NewUser},
    context::Context,
    fields::{Date, Email, Name, Permissions, Refusal, Relationship, Username},
    history::Action,
    id::{ClientId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    portal_user::PortalUserView,
    problem::ProblemBody,
    staff::{Disclosed, Editor},
    web::{ClientPath, StrictJson},
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
    /// Where the invitation goes. A person without an address enrols with a printed sheet, and is mailed nothing.
    #[serde(default)]
    pub email: Option<Email>,
    /// The sign-in name; the e-mail address unless given. Needed where there is none.
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
    /// Whether it is the same person as the one whose account `account_exists` named.
    #[serde(default)]
    pub same_person: Option<bool>,
    /// The last day of the access, if it has one: open through its end in the practice's zone.
    #[serde(default)]
    pub until: Option<Date>,
    /// When staff mean to look at the access again.
    #[serde(default)]
    pub review_on: Option<Date>,
}

impl NewPortalUser {
    /// What the chart takes, with the place of the account.
    ///
    /// # Errors
    /// 422 without an e-mail address and a sign-in name; 500 in a function that was given no secret.
    pub fn into_user(self, context: &Context, practice: &PracticeId) -> Result<NewUser, Problem> {
        let username = self.username.or_else(|| self.email.as_ref().map(Username::from));
        let username = username.ok_or_else(|| {
            let message = "Without an e-mail address the person needs a sign-in name. Enter one that is easy to remember, such as maria.417.";
            Problem::refused("username", Refusal::rule("required", message))
        })?;
        Ok(NewUser {
            account: account::key_of(context, practice, &username)?,
            name: self.name,
            email: self.email,
            username,
            relationship: self.relationship,
            permissions: self.permissions,
            chart_owner: self.chart_owner == Some(true),
            same_person: self.same_person == Some(true),
            until: self.until,
            review_on: self.review_on,
        })
    }
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
        (status = 201, description = "The portal user; an invitation is queued, if there is an e-mail address.", body = PortalUserView),
        (status = 409, description = "`account_exists`, with `account: {name, charts: [{clientId, name, relationship}]}`: say whether it is the same person; `self_twice`, `username_taken`, `username_confusable`: choose another sign-in name; `already_added`; `access_revoked`: activate instead; `age_rule`: the practice's rules end such an access at the client's age; `safe_contact`: the person is the client of a duplicate of this chart that is under safe contact: mark this one first; `client_closed`; `too_many_portal_users`, `too_many_charts`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The username cannot be one; `required` on `username`: there is no e-mail address that it could be; or the key came with another body.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`mail_budget_spent`, with `until`: the address got as many mails as one may get.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn add_portal_user(
    State(app): State<App>,
    editor: Editor,
    ClientPath(id): ClientPath,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewPortalUser>,
) -> Result<Disclosed<PortalUserView>, Problem> {
    let practice = editor.practice();
    let operation = format!("add-portal-user {id}");
    let attempt = Attempt::new(&app, practice, editor.subject(), &operation, &key, &new)?;
    let new = new.into_user(&app, practice)?;
    let add = |chart: &mut ChartEdit<'_>| {
        let user = chart.add(&new)?;
        chart.view(user)
    };
    let found = editor.repeatable(&app, id, attempt, Some(&new.account)).await?;
    found.change(&app, Action::PortalUserShown, add).await.map(Disclosed::created)
}
