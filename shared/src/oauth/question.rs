//! Questions of apps: who is it, and which charts may I open? Each is answered from one consistent read of
//! the account, the practice and the app, whatever the app was told before.

use http::HeaderMap;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::ToSchema;

use crate::{
    account::Account,
    app::App,
    caller::Caller,
    fields::{At, Name, Permissions, RecordNumber},
    history::{Action, Actor, Event},
    id::{AccountKey, AppId, ClientId, SessionId},
    keys,
    mirror::to_charts::{self, AccountUpdate},
    oauth::{
        app::{AppKind, RegisteredApp},
        caller::{Shown, refused},
        pass::{Scopes, SeenChart, seen},
    },
    practice::Practice,
    problem::Problem,
    session::Session,
    store::{Change, Handle, both, parse},
    token::{AppToken, TokenSecret},
};

/// Header by which an app says that nobody is there: a question with `none` is no use of the session.
const ACTIVITY: &str = "latchkey-activity";

/// Where the answer to a question lies.
#[derive(Debug, Clone)]
pub struct Place {
    /// The app that asks, or for which is asked.
    pub app: AppId,
    /// The account of the person.
    pub account: AccountKey,
    /// The session.
    pub sid: SessionId,
}

impl From<&AppToken> for Place {
    fn from(token: &AppToken) -> Self {
        Self { app: token.app.clone(), account: token.account.clone(), sid: token.sid }
    }
}

/// What was read for a question.
#[derive(Debug)]
pub struct Read {
    /// The account, if it is there.
    pub account: Option<Account>,
    /// The practice, if it is there.
    pub practice: Option<Practice>,
    /// The app, if it is there and was not switched off.
    pub app: Option<RegisteredApp>,
}

/// Reads all that answers a question of an app, in one request: the app, its practice and, where one is
/// named, an account. An app that was switched off is as one that is not there.
///
/// # Errors
/// 503 when the table does not answer.
pub async fn read(app: &App, id: &AppId, account: Option<&AccountKey>) -> Result<Read, Problem> {
    let practice = id.practice();
    let account = account.map(|account| keys::account(practice, account));
    let settings = keys::practice(practice);
    let registered = RegisteredApp::key(id);
    let wanted = [settings.clone(), registered.clone()];
    let wanted: Vec<_> = wanted.into_iter().chain(account.clone()).collect();
    let mut items = app.store().get_many(&wanted).await?;
    let account = account.and_then(|account| items.remove(&account));
    let registered: Option<RegisteredApp> = items.remove(&registered).map(parse).transpose()?;
    Ok(Read {
        account: account.map(parse).transpose()?,
        practice: items.remove(&settings).map(parse).transpose()?,
        app: registered.filter(|app| app.enabled),
    })
}

/// Whether a question is a use of the session: unless the app says that nobody is there.
#[must_use]
pub fn is_use(headers: &HeaderMap) -> bool {
    headers.get(ACTIVITY).is_none_or(|value| !value.as_bytes().eq_ignore_ascii_case(b"none"))
}

/// A chart that an app may open for a person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppChart {
    /// The client.
    pub client_id: ClientId,
    /// The client's name.
    pub name: Name,
    /// The number of the client's chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub record_number: Option<RecordNumber>,
    /// Those of the person's permissions that the app is for.
    #[schema(value_type = BTreeSet<crate::fields::Permission>)]
    pub permissions: Permissions,
}

/// The charts of a session that an app may open.
#[must_use]
pub fn charts(
    account: &Account,
    practice: &Practice,
    sid: SessionId,
    app: &RegisteredApp,
    scopes: &Scopes,
    now: At,
) -> Vec<AppChart> {
    let Some((_, open)) = account.admitted(practice, sid, now) else { return Vec::new() };
    let charts = seen(&open, &app.registration, scopes).into_iter();
    let chart = |chart: SeenChart<'_>| AppChart {
        client_id: chart.client,
        name: chart.grant.name.clone(),
        record_number: chart.grant.record_number.clone(),
        permissions: chart.permissions,
    };
    charts.map(chart).collect()
}

/// How a question is proved.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// By an access token of the app.
    Token(&'a TokenSecret),
    /// By the session's own cookie, for an app behind a proxy: it sees what it is registered for.
    Session,
}

/// The answer to a question.
#[derive(Debug)]
pub struct Answer {
    /// The account of the person.
    pub account: Account,
    /// The session.
    pub session: Session,
    /// The app.
    pub app: RegisteredApp,
    /// What was granted.
    pub scopes: Scopes,
    /// The charts that the app may open: at least one.
    pub charts: Vec<AppChart>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The session is over.
    Session,
    /// The app is not known or switched off, its token has ended, or no chart is left that it serves.
    Access,
}

/// Answers a question. An app that asks for itself, `shown`, must prove itself first.
///
/// The first answer of a session is recorded in the histories of the charts that it shows. Beside that
/// only a use of the session is written: it moves the idle end, unless the app says that nobody is there.
///
/// # Errors
/// `invalid_client` of an app that does not prove itself; 503 when the table does not answer.
pub async fn ask(
    app: &App,
    caller: &Caller,
    place: &Place,
    by: By<'_>,
    shown: Option<&Shown>,
    is_use: bool,
) -> Result<Result<Answer, Closed>, Problem> {
    let asks = Asks { id: &place.app, shown, account: Some(&place.account) };
    let decide = |read, change: &mut Change| answer(app, caller, place, (by, is_use), read, change);
    asks.answered(app, caller, decide, |answer| answer.as_ref().ok().map(|answer| &answer.app))
        .await
}

/// A request of an app, or one for which it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'a> {
    /// The app.
    pub id: &'a AppId,
    /// What the app says of itself, which it must prove; none where somebody else asks.
    pub shown: Option<&'a Shown>,
    /// The account that the request is about, if it is about one.
    pub account: Option<&'a AccountKey>,
}

impl<'a> Asks<'a> {
    /// A request of an app for itself.
    #[must_use]
    pub const fn of(shown: &'a Shown, account: Option<&'a AccountKey>) -> Self {
        Self { id: &shown.id, shown: Some(shown), account }
    }

    /// Reads what the request is about, has the app prove itself, and writes what `decide` adds to the
    /// change; all of it again when another request wrote meanwhile. An assertion is used up whatever is
    /// decided. `used` says of an answer which app is noted to have asked.
    ///
    /// # Errors
    /// `invalid_client` of an app that does not prove itself; 503 when the table does not answer.
    pub async fn answered<T: Send + Sync>(
        self,
        app: &App,
        caller: &Caller,
        mut decide: impl FnMut(Read, &mut Change) -> T + Send,
        used: impl Fn(&T) -> Option<&RegisteredApp> + Send + Sync,
    ) -> Result<T, Problem> {
        let mut retries = app.store().retries();
        loop {
            let read = read(app, self.id, self.account).await?;
            let mut change = app.store().change();
            let once = match prove(app, self.shown, read.app.as_ref(), &mut change) {
                Ok(once) => once,
                Err(problem) => return Err(refuse(app, caller, read.app.as_ref(), problem).await),
            };
            let answer = decide(read, &mut change);
            let noted = async {
                if let Some(registered) = used(&answer) {
                    note(app, registered).await;
                }
                Ok(())
            };
            let written = async { Ok(app.store().write(change).await) };
            let (written, ()) = both(written, noted).await?;
            let Err(error) = written else { return Ok(answer) };
            let failed = retries.retry(error).await?;
            if once.is_some_and(|once| failed.includes(once)) {
                return Err(refused());
            }
        }
    }
}

/// Records that somebody was not the app that they said they were: in the practice's history, of an app
/// that there is, once in a quarter of an hour. Answers what is to be answered.
async fn refuse(
    app: &App,
    caller: &Caller,
    registered: Option<&RegisteredApp>,
    problem: Problem,
) -> Problem {
    let Some(registered) = registered else { return problem };
    let recorded = async {
        let update = registered.note_refusal(app.now());
        if app.store().update::<IgnoredAny>(update).await?.is_none() {
            return Ok(());
        }
        let (id, name) = (&registered.app_id, &registered.registration.name);
        let event = Event::new(app, caller, &Actor::nobody(), id.practice(), Action::Refused);
        app.store().record(&event.app(id, name).because(problem.code())).await
    };
    recorded.await.err().unwrap_or(problem)
}

/// Has an app prove itself, and keeps, as part of a change, that its assertion was used.
fn prove(
    app: &App,
    shown: Option<&Shown>,
    registered: Option<&RegisteredApp>,
    change: &mut Change,
) -> Result<Option<Handle>, Problem> {
    let Some(shown) = shown else { return Ok(None) };
    let now = app.now();
    let used = shown.prove(registered, &app.config().portal_origin, now)?;
    Ok(used.map(|used| used.write(change, &shown.id, now)))
}

fn answer(
    app: &App,
    caller: &Caller,
    place: &Place,
    (by, is_use): (By<'_>, bool),
    read: Read,
    change: &mut Change,
) -> Result<Answer, Closed> {
    let now = app.now();
    let (mut account, practice) = read.account.zip(read.practice).ok_or(Closed::Session)?;
    account.admitted(&practice, place.sid, now).ok_or(Closed::Session)?;
    let portal = |app: &RegisteredApp| app.registration.kind == AppKind::Portal;
    let registered = read.app.filter(portal).ok_or(Closed::Access)?;
    let session = account.sessions.get(place.sid).ok_or(Closed::Session)?;
    let had = session.apps.get(&place.app);
    let scopes = match by {
        By::Session => Scopes::every(&registered.registration),
        By::Token(secret) => {
            let pass = had.and_then(|had| had.pass(&registered, secret));
            let pass = pass.ok_or(Closed::Access)?;
            // As far as they are the app's by now.
            Scopes::granted(&pass.scopes.text(), &registered.registration)
        }
    };
    let charts = charts(&account, &practice, place.sid, &registered, &scopes, now);
    if charts.is_empty() {
        if matches!(by, By::Session) {
            deny(app, caller, (change, &mut account), place, &registered);
        }
        return Err(Closed::Access);
    }
    let used = is_use && account.use_session(place.sid, &practice, now);
    let new = record(app, caller, (change, &mut account), place, &registered, &charts);
    if new || used {
        let key = keys::account(place.app.practice(), &place.account);
        change.replace(&key, &account, account.rev);
    }
    if used {
        let update = AccountUpdate::default();
        to_charts::write(change, place.app.practice(), &account, &update);
    }
    let session = account.sessions.get(place.sid).ok_or(Closed::Session)?.clone().under(&practice);
    Ok(Answer { account, session, app: registered, scopes, charts })
}

/// Notes when the app last asked something, unless that was noted minutes ago. That it cannot be noted is
/// no reason to answer nothing: it is only logged.
pub async fn note(app: &App, registered: &RegisteredApp) {
    let Some(update) = registered.note_use(app.now()) else { return };
    if let Err(problem) = app.store().update::<IgnoredAny>(update).await {
        tracing::warn!(
            code = problem.code(),
            cause = problem.cause(),
            "the use of an app is not noted"
        );
    }
}

/// Records, as part of a change, that a person was denied an app: once in a session, in the history of the
/// first chart that it opens.
fn deny(
    app: &App,
    caller: &Caller,
    (change, account): (&mut Change, &mut Account),
    place: &Place,
    registered: &RegisteredApp,
) {
    let event = event_of(app, caller, account, place, registered, Action::Refused);
    let Some(session) = account.sessions.get_mut(place.sid) else { return };
    let first = session.grants.keys().next().copied();
    let had = session.apps.entry(place.app.clone()).or_default();
    if std::mem::replace(&mut had.denied, true) {
        return;
    }
    let mut event = event.because("no_access");
    event.client_id = first;
    event.portal_user_id =
        first.and_then(|first| account.grants.get(&first)).map(|grant| grant.portal_user_id);
    change.event(&event);
    change.replace(&keys::account(place.app.practice(), &place.account), account, account.rev);
}

/// An event of a person with an app.
fn event_of(
    app: &App,
    caller: &Caller,
    account: &Account,
    place: &Place,
    registered: &RegisteredApp,
    action: Action,
) -> Event {
    let event = Event::new(app, caller, &account.actor(), place.app.practice(), action);
    event.app(&place.app, &registered.registration.name)
}

/// Records, as part of a change, that what an app had of a person has ended: in the history of each chart
/// that tells that it was opened.
pub fn close(
    app: &App,
    caller: &Caller,
    (change, account): (&mut Change, &Account),
    place: &Place,
    registered: &RegisteredApp,
    why: Option<&'static str>,
) {
    let session = account.sessions.get(place.sid);
    let Some(had) = session.and_then(|session| session.apps.get(&place.app)) else { return };
    for client in &had.recorded {
        let Some(grant) = account.grants.get(client) else { continue };
        let event = event_of(app, caller, account, place, registered, Action::AppClosed);
        let mut event = event.client(*client).portal_user(grant.portal_user_id);
        event.reason = why.map(str::to_owned);
        change.event(&event);
    }
}

/// Records, as part of a change, that an app is shown these charts: in the history of each, once in a
/// session. Answers whether there is something new in the account, which is then to be written too.
pub fn record(
    app: &App,
    caller: &Caller,
    (change, account): (&mut Change, &mut Account),
    place: &Place,
    registered: &RegisteredApp,
    charts: &[AppChart],
) -> bool {
    let had = account.sessions.get(place.sid).and_then(|session| session.apps.get(&place.app));
    let told = |chart: &&AppChart| had.is_some_and(|had| had.recorded.contains(&chart.client_id));
    let new: Vec<ClientId> =
        charts.iter().filter(|chart| !told(chart)).map(|chart| chart.client_id).collect();
    if new.is_empty() {
        return false;
    }
    for client in &new {
        let event = event_of(app, caller, account, place, registered, Action::AppOpened);
        let mut event = event.client(*client);
        event.portal_user_id = account.grants.get(client).map(|g| g.portal_user_id);
        change.event(&event);
    }
    if let Some(session) = account.sessions.get_mut(place.sid) {
        session.apps.entry(place.app.clone()).or_default().recorded.extend(new);
    }
    true
}
