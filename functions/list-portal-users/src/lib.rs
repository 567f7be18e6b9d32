//! Lists everyone with access to a client's portal, with what they may do.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    App, Problem, Routes,
    factor::Factors,
    fields::At,
    history::Action,
    id::{AppId, ClientId, PortalUserId, PracticeId},
    keys::{self, Key},
    mail::{Mail, MailView},
    oauth::notice::{self, ToldApp},
    portal_user::{PortalUser, PortalUserView},
    staff::{Disclosed, Impersonal, Reader},
    store::parse,
    web::{ClientPath, UserPath},
};
use utoipa::ToSchema;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default()
        .operation(__path_list_portal_users, list_portal_users)
        .operation(__path_progress, progress)
}

/// Everyone with access to a client's portal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortalUsers {
    /// The portal users, oldest first.
    pub portal_users: Vec<PortalUserView>,
    /// The one who owns the chart.
    #[schema(required)]
    pub chart_owner: Option<PortalUserId>,
    /// The one chosen for the alerts, unless revoked, expired or gone; null: the practice's inbox.
    #[schema(required)]
    pub alert_recipient: Option<PortalUserId>,
}

/// Lists the portal users of a client. It is recorded.
#[utoipa::path(
    get, path = "/api/clients/{clientId}/portal-users", operation_id = "list-portal-users", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    responses((status = 200, description = "The portal users.", body = PortalUsers))
)]
async fn list_portal_users(
    State(app): State<App>,
    reader: Reader,
    ClientPath(id): ClientPath,
) -> Result<Disclosed<PortalUsers>, Problem> {
    let chart = reader.chart(&app, id).await?;
    let clock = chart.staff().practice.clock(app.now());
    let listed = chart.show_with(
        &app,
        Action::PortalUsersListed,
        async |chart| {
            let of = |user: &PortalUser| keys_of(&chart.practice, user);
            let keys: Vec<Key> = chart.users.iter().flat_map(of).collect();
            app.store().get_parts(&keys, &PARTS).await
        },
        |chart, mut parts| {
            let mut portal_users = Vec::new();
            for user in &chart.users {
                let [lock, account] =
                    keys_of(&chart.practice, user).map(|key| parts.remove(&key).map(parse::<Part>));
                let lock = lock.transpose()?.unwrap_or_default();
                let account = account.transpose()?.unwrap_or_default();
                let view = chart.view(user.portal_user_id, &clock)?;
                portal_users.push(PortalUserView {
                    locked_until: lock.locked_until.filter(|until| *until > clock.now()),
                    second_factor: Some(account.factors.is_enrolled()),
                    ..view
                });
            }
            Ok(PortalUsers {
                portal_users,
                chart_owner: chart.client.chart_owner,
                alert_recipient: chart.alert_recipient(&clock),
            })
        },
    );
    listed.await
}

/// What the list reads of sign-in names' counters and of accounts.
const PARTS: [&str; 2] = ["lockedUntil", "factors"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Part {
    locked_until: Option<At>,
    factors: Factors,
}

/// Where the counter of a portal user's sign-in name is kept, and the account.
fn keys_of(practice: &PracticeId, user: &PortalUser) -> [Key; 2] {
    [keys::lock(practice, &user.account), keys::account(practice, &user.account)]
}

/// How far the newest mail to a portal user has come, and word of the last ending to apps. Nothing
/// personal: asking leaves no event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The newest mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mail: Option<MailView>,
    /// How far word of the last ending has come to each app. The names, which may say what care somebody
    /// gets, are in the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub apps: Vec<Telling>,
}

/// How far word has come to an app.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgressOfTelling)]
pub struct Telling {
    /// The app.
    pub app_id: AppId,
    /// How far word has come.
    pub state: notice::State,
}

impl From<ToldApp> for Telling {
    fn from(ToldApp { app_id, state, .. }: ToldApp) -> Self {
        Self { app_id, state }
    }
}

impl Impersonal for Progress {}

/// Tells how far the newest mail to a portal user has come, and word to the apps, so that a page can ask
/// again.
#[utoipa::path(
    get, path = "/api/clients/{clientId}/portal-users/{portalUserId}/progress", operation_id = "list-portal-users.progress", tag = "staff",
    security(("staffSession" = [])),
    params(
        ("clientId" = ClientId, Path, description = "The client."),
        ("portalUserId" = PortalUserId, Path, description = "The portal user."),
    ),
    responses((status = 200, description = "How far it has come.", body = Progress))
)]
async fn progress(
    State(app): State<App>,
    reader: Reader,
    UserPath(client, id): UserPath,
) -> Result<Disclosed<Progress>, Problem> {
    let chart = reader.idle_chart(&app, client).await?;
    let progress = chart.progress(&app, |chart| {
        let user = chart.user(id)?;
        Ok(Progress {
            mail: user.mail.as_ref().map(Mail::view),
            apps: user.told().into_iter().map(Telling::from).collect(),
        })
    });
    progress.await
}
