//! Takes the alerts of apps and systems, as many as each may post ([`limit`]), and shows staff how far the
//! last ones of a client came.

mod limit;

use axum::extract::State;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use shared::{
    App, Problem, Routes,
    alert::{Alert, AlertKind, AlertTo, AlertView},
    chart::Chart,
    client::Holder,
    clock::Clock,
    fields::{Permission, RecordNumber, Refusal},
    history::Action,
    id::{AlertId, AppId, ClientId, PortalUserId, PracticeId},
    idempotency::{Attempt, IdempotencyKey},
    keys,
    problem::ProblemBody,
    staff::{Disclosed, Program, Reader, Staff, Standing},
    store::{Store, Update, WriteError, both, parse},
    web::{ClientPath, StrictJson},
};
use utoipa::ToSchema;

pub use self::limit::POSTS_AN_HOUR;

/// How many of a client's last alerts are shown.
const LAST: usize = 20;
/// How many are read for it: a program of one permission is shown its own.
const READ: i32 = 60;

/// The routes of this function.
pub fn routes<R: Routes>() -> R {
    R::default().operation(__path_post, post).operation(__path_list, list)
}

/// Word that something waits for a client. One of `clientId` and `recordNumber` says for which.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAlert {
    /// The client.
    #[serde(default)]
    client_id: Option<ClientId>,
    /// The number of the client's chart.
    #[serde(default)]
    record_number: Option<RecordNumber>,
    /// What waits.
    kind: AlertKind,
    /// The one person whom it is for, as of a private message; without, the alert recipient.
    #[serde(default)]
    portal_user_id: Option<PortalUserId>,
}

/// Which client an alert is about.
enum About {
    Client(ClientId),
    Record(RecordNumber),
}

impl About {
    fn read(new: &NewAlert) -> Result<Self, Problem> {
        match (new.client_id, new.record_number.clone()) {
            (Some(client), None) => Ok(Self::Client(client)),
            (None, Some(number)) => Ok(Self::Record(number)),
            (None, None) => Err(Problem::refused(
                "clientId",
                Refusal::invalid("missing", "Say which client: clientId or recordNumber."),
            )),
            (Some(_), Some(_)) => Err(Problem::refused(
                "recordNumber",
                Refusal::invalid("twice", "Say which client once: by clientId or recordNumber."),
            )),
        }
    }

    /// The client, if the practice has it.
    async fn client(self, store: &Store, practice: &PracticeId) -> Result<ClientId, Problem> {
        let found = match self {
            Self::Client(client) => {
                let there: Option<IgnoredAny> = store.get(&keys::client(practice, client)).await?;
                there.map(|_| client)
            }
            Self::Record(number) => {
                let holder: Option<Holder> = store.get(&keys::record(practice, &number)).await?;
                holder.map(|holder| holder.client_id)
            }
        };
        found.ok_or_else(Problem::not_found)
    }
}

/// What a request finds.
enum Found {
    /// The alert that it posted before.
    Before(Posted),
    /// The client.
    New(ClientId),
}

impl Found {
    fn client(&self) -> ClientId {
        match self {
            Self::Before(posted) => posted.client_id,
            Self::New(client) => *client,
        }
    }
}

/// What is kept of an answer. To whom an alert goes is not: that stands with the alert.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    alert_id: AlertId,
    client_id: ClientId,
}

/// An alert that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// Its id.
    alert_id: AlertId,
    /// To whom it would go now. It is decided when it is sent.
    to: AlertTo,
    /// The person to whom it would go now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    portal_user_id: Option<PortalUserId>,
}

impl Taken {
    fn of(alert: &Alert, chart: &Chart, clock: &Clock) -> Self {
        let AlertView { alert_id, to, portal_user_id, .. } = alert.view(chart, clock);
        Self { alert_id, to, portal_user_id }
    }
}

/// Posts an alert.
#[utoipa::path(
    post, path = "/api/alerts", operation_id = "alerts", tag = "apps",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body are one alert, for a day.", min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = NewAlert,
    responses(
        (status = 202, description = "The alert was taken.", body = Taken),
        (status = 409, description = "`deleted`: a repeat, about a person who was deleted since.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "The practice has no such client, or the client no such portal user.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_alerts`: this program posted 600 alerts in this hour of the clock. `Retry-After` says when the next begins.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post(
    State(app): State<App>,
    program: Program,
    key: IdempotencyKey,
    StrictJson(new): StrictJson<NewAlert>,
) -> Result<Disclosed<Taken>, Problem> {
    let practice = program.practice().clone();
    let attempt = Attempt::new(&app, &practice, program.subject(), "alerts", &key, &new)?;
    let store = app.store();
    let about = About::read(&new)?;
    let id = AppId::parse(program.subject());
    let counted = async {
        match &id {
            Some(id) => limit::count(&app, id).await,
            // A person, who is refused.
            None => Ok(None),
        }
    };
    let read = async {
        let before = attempt.answered::<Posted>(store, app.now());
        let client = async { Ok(about.client(store, &practice).await) };
        let all = Box::pin(both(before, both(client, counted)));
        let (before, (client, too_many)) = all.await?;
        // The client may go by another number since.
        match (before, too_many) {
            (Some(before), _) => Ok(Found::Before(before)),
            (None, Some(too_many)) => Err(too_many),
            (None, None) => client.map(Found::New),
        }
    };
    let found = program.admit(&app, Box::pin(read), Found::client).await?;
    let taken = found.write(&app, async |staff, found| {
        if serves(staff).is_some_and(|permission| permission != new.kind.needs()) {
            return Err(Problem::insufficient_scope());
        }
        match found {
            Found::Before(before) => again(&app, staff, before, &new).await,
            Found::New(client) => take(&app, staff, client, &new, &attempt).await,
        }
    });
    taken.await.map(Disclosed::accepted)
}

/// Answers a request that was answered before.
async fn again(app: &App, staff: &Staff, before: Posted, new: &NewAlert) -> Result<Taken, Problem> {
    let (store, practice) = (app.store(), &staff.practice.practice);
    let key = keys::alert(practice, before.client_id, before.alert_id);
    let chart = Chart::load(store, practice, before.client_id);
    let (chart, alert) = both(chart, store.get::<Alert>(&key)).await?;
    let is_there = |user: &PortalUserId| chart.user(*user).is_ok();
    let taken = alert.map(|alert| Taken::of(&alert, &chart, &staff.practice.clock(app.now())));
    let taken = taken.filter(|t| t.portal_user_id.iter().chain(&new.portal_user_id).all(is_there));
    let Some(taken) = taken else {
        let why = "This request was answered before, and the person was deleted since.";
        return Err(Problem::conflict("deleted", why));
    };
    let shown = staff.event(app, Action::AlertsShown).client(before.client_id);
    store.record(&shown).await?;
    Ok(taken)
}

/// The permission whose alerts a program is for; none: all of them.
fn serves(staff: &Staff) -> Option<Permission> {
    match &staff.standing {
        Standing::Registered(registration) => registration.permission,
        Standing::Session(_) => None,
    }
}

/// Takes an alert: writes it beside reading who would get it now.
async fn take(
    app: &App,
    staff: &Staff,
    client: ClientId,
    new: &NewAlert,
    attempt: &Attempt,
) -> Result<Taken, Problem> {
    let (store, practice) = (app.store(), &staff.practice.practice);
    let alert = Alert::new(app, practice, client, new.kind, new.portal_user_id);
    let mut event = staff.event(app, Action::AlertPosted).client(client);
    event.portal_user_id = new.portal_user_id;
    let mut retries = store.retries();
    loop {
        let mut change = store.change();
        change.insert(&alert.key(), &alert);
        let named = new.portal_user_id.map(|user| {
            let key = keys::portal_user(practice, client, user);
            change.demand(&Update::of(key).when("portalUserId", "=", &user))
        });
        attempt.keep(
            &mut change,
            app.now(),
            &Posted { alert_id: alert.alert_id, client_id: client },
        )?;
        change.event(&event);
        let write = async { Ok(store.write(change).await) };
        let chart = async { Ok(Chart::load(store, practice, client).await) };
        let (written, chart) = both(write, chart).await?;
        let Err(error) = written else {
            return Ok(Taken::of(&alert, &chart?, &staff.practice.clock(app.now())));
        };
        if let WriteError::Conflict(failed) = &error
            && named.is_some_and(|named| failed.includes(named))
        {
            return Err(Problem::not_found());
        }
        retries.retry(error).await?;
        // The same request overlapped, or the table's answer to this one was lost.
        if let Some(before) = attempt.answered::<Posted>(store, app.now()).await? {
            return again(app, staff, before, new).await;
        }
    }
}

/// The last alerts of a client.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// Newest first, at most twenty.
    alerts: Vec<AlertView>,
}

/// Shows the last alerts of a client: to whom they went, and how far they came.
#[utoipa::path(
    get, path = "/api/clients/{clientId}/alerts", operation_id = "alerts.list", tag = "staff",
    security(("staffSession" = [])),
    params(("clientId" = ClientId, Path, description = "The client.")),
    responses((status = 200, description = "The alerts.", body = Alerts))
)]
async fn list(
    State(app): State<App>,
    reader: Reader,
    ClientPath(client): ClientPath,
) -> Result<Disclosed<Alerts>, Problem> {
    let practice = reader.practice().clone();
    let read = async {
        let pk = keys::chart(&practice, client);
        let chart = Chart::load(app.store(), &practice, client);
        both(chart, app.store().newest(&pk, keys::ALERT, READ)).await
    };
    let found = reader.admit(&app, Box::pin(read)).await?.about(client);
    let serves = serves(found.staff());
    let clock = found.staff().practice.clock(app.now());
    let shown = found.show(&app, Action::AlertsShown, |(chart, items)| {
        let alerts = items.into_iter().map(parse::<Alert>).collect::<Result<Vec<_>, _>>()?;
        // The table forgets late.
        let now = app.now().seconds();
        let its = |alert: &&Alert| serves.is_none_or(|permission| alert.kind.needs() == permission);
        let kept = alerts.iter().filter(its).filter(|alert| alert.expires_at > now);
        Ok(Alerts { alerts: kept.take(LAST).map(|alert| alert.view(&chart, &clock)).collect() })
    });
    shown.await
}
