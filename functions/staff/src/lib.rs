//! The staff list of a practice: who may sign in, and in which role. For admins.

mod pool;

use axum::{Extension, extract::State};
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    fields::{Email, StaffName, Whole},
    history::Action,
    id::{PracticeId, StaffId},
    idempotency::{Attempt, IdempotencyKey},
    problem::ProblemBody,
    staff::{Admin, Disclosed, Staff},
    store::{Change, both},
    team::{self, Member, MemberEdit, MemberView, NewMember, StaffRole, Team},
    web::{StaffPath, StrictJson},
};
use utoipa::ToSchema;

pub use pool::Pool;

/// The routes of this function.
pub fn routes<R: Routes>(pool: Pool) -> R {
    R::default()
        .operation(__path_list, list)
        .operation(__path_add, add)
        .operation(__path_edit, edit)
        .operation(__path_remove, remove)
        .operation(__path_end_sessions, end_sessions)
        .extension(pool)
}

/// The staff list of a practice.
#[derive(Debug, Serialize, ToSchema)]
struct StaffList {
    /// In the order in which they were added.
    staff: Vec<MemberView>,
}

/// Lists the staff.
#[utoipa::path(
    get, path = "/api/staff", operation_id = "staff.list", tag = "staff",
    security(("staffSession" = [])),
    responses((status = 200, description = "All of them.", body = StaffList))
)]
async fn list(State(app): State<App>, admin: Admin) -> Result<Disclosed<StaffList>, Problem> {
    let practice = admin.practice().clone();
    let found = admin.admit(&app, Team::load(app.store(), &practice)).await?;
    let listed = found.show(&app, Action::StaffShown, |team| {
        Ok(StaffList { staff: team.members().iter().map(Member::view).collect() })
    });
    listed.await
}

/// Somebody who is to be staff.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewStaff {
    /// What the practice calls the person.
    name: StaffName,
    /// The address that the issuer vouches for when the person first signs in.
    email: Email,
    /// What the person may do.
    role: StaffRole,
}

/// Adds a person, who may sign in from now on.
#[utoipa::path(
    post, path = "/api/staff", operation_id = "staff", tag = "staff",
    security(("staffSession" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the same answer, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewStaff,
    responses(
        (status = 201, description = "The person.", body = MemberView),
        (status = 409, description = "`email_taken`: the address is on the list; `too_many_staff`: the list is full.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn add(
    State(app): State<App>,
    Extension(pool): Extension<Pool>,
    admin: Admin,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewStaff>,
) -> Result<Disclosed<MemberView>, Problem> {
    let practice = admin.practice().clone();
    let attempt = Attempt::new(&app, &practice, admin.subject(), "staff", &key, &new)?;
    let before = attempt.answered::<MemberView>(app.store(), app.now());
    let read = Box::pin(both(before, Team::load(app.store(), &practice)));
    let admitted = admin.admit(&app, read).await?;
    let added = admitted.write(&app, async |staff, (mut before, mut team)| {
        let mut let_in = false;
        let mut retries = app.store().retries();
        loop {
            // A repetition, or one whose first answer was lost.
            if let Some(before) = before {
                return repeated(&app, staff, &team, before).await;
            }
            team.admits(&staff.author.actor)?;
            let NewStaff { name, email, role } = new.clone();
            let mut change = app.store().change();
            let new = NewMember { name, email, role: role.into() };
            let member = team.add(&app, &mut change, new)?;
            // Before the list, so that nobody is on it whom the pool does not know: had the pool failed
            // after it, a repeat would be told that the address is taken.
            if !let_in {
                pool.let_in(&member.email, &member.name).await?;
                let_in = true;
            }
            attempt.keep(&mut change, app.now(), &member.view())?;
            change.event(&event(&app, staff, Action::StaffAdded, &member));
            let Err(error) = app.store().write(change).await else { return Ok(member.view()) };
            retries.retry(error).await?;
            before = attempt.answered(app.store(), app.now()).await?;
            team = Team::load(app.store(), &practice).await?;
        }
    });
    added.await.map(Disclosed::created)
}

/// The answer to a request that was answered before: of somebody who is on the list still.
async fn repeated(
    app: &App,
    staff: &Staff,
    team: &Team,
    before: MemberView,
) -> Result<MemberView, Problem> {
    if team.member(before.staff_id).is_err() {
        let detail = "This request was answered before, and whom it added was removed since.";
        return Err(Problem::conflict("deleted", detail));
    }
    app.store().record(&staff.event(app, Action::StaffShown)).await?;
    Ok(before)
}

fn event(app: &App, staff: &Staff, action: Action, member: &Member) -> shared::history::Event {
    staff.event(app, action).staff(member.staff_id, &member.name)
}

/// Reads the list of an admin's practice, on which somebody must be.
async fn load(app: &App, practice: &PracticeId, id: StaffId) -> Result<Team, Problem> {
    let team = Team::load(app.store(), practice).await?;
    team.member(id).map(drop)?;
    Ok(team)
}

/// Whether an address is on the list of another practice.
async fn elsewhere(app: &App, practice: &PracticeId, email: &Email) -> Result<bool, Problem> {
    let logins = team::logins(app.store(), &team::email_key(app, email)?).await?;
    Ok(logins.iter().any(|login| login.practice != *practice))
}

/// An edit of a person: what is not named stays.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StaffEdit {
    /// The version that was looked at.
    version: Whole,
    /// What the practice calls the person.
    #[serde(default)]
    name: Option<StaffName>,
    /// Another address is another sign-in at the issuer: the person is matched anew, and the sessions end.
    #[serde(default)]
    email: Option<Email>,
    /// What the person may do, from the next request on.
    #[serde(default)]
    role: Option<StaffRole>,
}

/// Edits a person.
#[utoipa::path(
    patch, path = "/api/staff/{staffId}", operation_id = "staff.edit", tag = "staff",
    security(("staffSession" = [])),
    params(("staffId" = StaffId, Path, description = "The person.")),
    request_body = StaffEdit,
    responses(
        (status = 200, description = "The person as they are now.", body = MemberView),
        (status = 409, description = "`stale`: the version is old; `email_taken`: the address is somebody else's; `last_admin`: nobody else is an admin.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn edit(
    State(app): State<App>,
    Extension(pool): Extension<Pool>,
    admin: Admin,
    StaffPath(id): StaffPath,
    StrictJson(edit): StrictJson<StaffEdit>,
) -> Result<Disclosed<MemberView>, Problem> {
    let StaffEdit { version, name, email, role } = edit;
    let edit = MemberEdit { version: version.0, name, email, role: role.map(Into::into) };
    let decide = |team: &Team, change: &mut Change| {
        let before = team.member(id)?.clone();
        let (after, changed) = team.edit(&app, change, id, &edit)?;
        let moved = !after.email.same(&before.email);
        Ok(Decided {
            action: Action::StaffUpdated,
            changed: Some(changed),
            let_in: moved.then(|| after.clone()),
            shut_out: moved.then_some(before),
            member: after,
        })
    };
    change(&app, &pool, admin, id, decide).await
}

/// Removes a person, whose sessions end at once.
#[utoipa::path(
    delete, path = "/api/staff/{staffId}", operation_id = "staff.remove", tag = "staff",
    security(("staffSession" = [])),
    params(("staffId" = StaffId, Path, description = "The person.")),
    responses(
        (status = 204, description = "The person is not staff any more."),
        (status = 409, description = "`last_admin`: nobody else is an admin.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn remove(
    State(app): State<App>,
    Extension(pool): Extension<Pool>,
    admin: Admin,
    StaffPath(id): StaffPath,
) -> Result<Disclosed<MemberView>, Problem> {
    let decide = |team: &Team, change: &mut Change| {
        let member = team.remove(&app, change, id)?;
        let shut_out = Some(member.clone());
        Ok(Decided { action: Action::StaffRemoved, changed: None, let_in: None, shut_out, member })
    };
    change(&app, &pool, admin, id, decide).await.map(Disclosed::nothing)
}

/// Ends a person's sessions. They may sign in again.
#[utoipa::path(
    post, path = "/api/staff/{staffId}/end-sessions", operation_id = "staff.end-sessions", tag = "staff",
    security(("staffSession" = [])),
    params(("staffId" = StaffId, Path, description = "The person.")),
    responses((status = 200, description = "The person.", body = MemberView))
)]
async fn end_sessions(
    State(app): State<App>,
    Extension(pool): Extension<Pool>,
    admin: Admin,
    StaffPath(id): StaffPath,
) -> Result<Disclosed<MemberView>, Problem> {
    let decide = |team: &Team, change: &mut Change| {
        let member = team.end_sessions(&app, change, id)?;
        let action = Action::StaffSessionsEnded;
        Ok(Decided { action, changed: None, let_in: None, shut_out: None, member })
    };
    change(&app, &pool, admin, id, decide).await
}

/// What a change of the list comes to.
struct Decided {
    action: Action,
    /// The fields that an edit changed.
    changed: Option<Vec<&'static str>>,
    /// Who signs in at the pool from now on.
    let_in: Option<Member>,
    /// Whose address is not on this list any more.
    shut_out: Option<Member>,
    /// The person, after it.
    member: Member,
}

/// Changes the list as `decide` says, and what the pool knows of it. The pool comes first: what it failed
/// at is done by a repeat, which the list would refuse.
async fn change(
    app: &App,
    pool: &Pool,
    admin: Admin,
    id: StaffId,
    decide: impl Fn(&Team, &mut Change) -> Result<Decided, Problem>,
) -> Result<Disclosed<MemberView>, Problem> {
    let practice = admin.practice().clone();
    let admitted = admin.admit(app, load(app, &practice, id)).await?;
    let changed = admitted.write(app, async |staff, mut team| {
        let mut told = None;
        let mut retries = app.store().retries();
        loop {
            let mut change = app.store().change();
            let decided =
                team.admits(&staff.author.actor).and_then(|()| decide(&team, &mut change));
            let decided = match decided {
                Ok(decided) => decided,
                // Somebody was faster, after the pool was told: the person stays.
                Err(problem) => return Err(take_back(pool, told).await.err().unwrap_or(problem)),
            };
            if decided.changed.as_ref().is_some_and(Vec::is_empty) {
                app.store().record(&staff.event(app, Action::StaffShown)).await?;
                return Ok(decided.member.view());
            }
            if pool.is_ours() && told.is_none() {
                if let Some(member) = &decided.let_in {
                    pool.let_in(&member.email, &member.name).await?;
                }
                if let Some(member) = &decided.shut_out
                    && !elsewhere(app, &practice, &member.email).await?
                {
                    told = Some(member.clone());
                    pool.shut_out(&member.email).await?;
                }
            }
            let event = event(app, staff, decided.action, &decided.member);
            change.event(&event.changed(decided.changed.unwrap_or_default()));
            let Err(error) = app.store().write(change).await else {
                return Ok(decided.member.view());
            };
            retries.retry(error).await?;
            team = load(app, &practice, id).await?;
        }
    });
    changed.await
}

/// Lets somebody sign in at the pool again who was shut out for a change that was then refused.
async fn take_back(pool: &Pool, told: Option<Member>) -> Result<(), Problem> {
    let Some(member) = told else { return Ok(()) };
    pool.let_in(&member.email, &member.name).await
}
