//! Staff who call: nobody's data leaves without a trace.
//!
//! A handler takes [`Reader`] or [`Editor`] as an argument: a token that we signed. Only
//! [`Reader::admit`] and its like check the session, beside the first read, and hand out what was read
//! as [`Admitted`], whose data is private. An answer, [`Disclosed`], can be made in three ways, each of
//! which writes an event:
//!
//! - [`Admitted::show`] records that something was looked at,
//! - [`Admitted::change`] records the change, or that the unchanged state was shown,
//! - a refusal by either is recorded with its code.
//!
//! [`Admitted::progress`] is the exception: for types that hold nothing personal ([`Impersonal`]).

use axum::{
    Json,
    extract::{FromRequestParts, MatchedPath, RawPathParams},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, request::Parts};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    app::App,
    caller::Caller,
    chart::{Accounts, Beside, Chart, ChartEdit, Request},
    cookie,
    fields::At,
    history::{Action, Actor, Author, Event, Role},
    id::{AccountKey, ClientId, Epoch, LoginKey, PracticeId, StaffId},
    idempotency::Attempt,
    jwt::{Audience, Claims},
    keys,
    oauth::{
        app::{Registration, SystemScope},
        question,
        system::{self, SystemToken},
    },
    practice::Practice,
    problem::Problem,
    store::{Update, both, parse},
    team::Member,
};

/// A staff session as stored. Whose it is, and what they may do, says the practice's list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaffSession {
    /// The epoch that the person was in when it was made.
    pub epoch: Epoch,
    /// When it began.
    pub began_at: At,
    /// When it ends if it stays unused.
    pub idle_ends_at: At,
    /// When it ends in any case.
    pub ends_at: At,
    /// When it was last used; none of one that an earlier version noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<At>,
    /// When DynamoDB may forget it (seconds since 1970).
    pub expires_at: i64,
}

impl StaffSession {
    /// As it is under the practice's settings of now, which may have shortened both its ends.
    fn under(mut self, practice: &Practice) -> Self {
        let life = practice.staff_sessions();
        self.ends_at = life.ends_at(self.began_at, self.ends_at);
        self.idle_ends_at = life.idle_ends_at(self.used_at, self.idle_ends_at).min(self.ends_at);
        self
    }

    /// Whether it lives at `now`, being as it is under the practice's settings.
    fn lives(&self, practice: &Practice, now: At) -> bool {
        self.idle_ends_at > now && self.ends_at > now && practice.admits(self.began_at)
    }
}

/// A member of the staff whose session was just found alive, or a system: the author of every staff event.
#[derive(Debug, Clone)]
pub struct Staff {
    /// The practice, with its settings.
    pub practice: Practice,
    /// The person, and the request.
    pub author: Author,
    /// By what it is let in.
    pub standing: Standing,
    /// That the session is used now, where that is still to be noted.
    used: Option<Update>,
}

/// By what staff are let in.
#[derive(Debug, Clone)]
pub enum Standing {
    /// A person by a session.
    Session(Box<SignedIn>),
    /// A system, or an app by itself, by what is registered of it.
    Registered(Box<Registration>),
}

/// A person of the staff who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: StaffSession,
    /// The person, as the practice's list has them.
    pub member: Member,
}

impl Staff {
    /// An event of this request.
    #[must_use]
    pub fn event(&self, app: &App, action: Action) -> Event {
        self.author.event(app, &self.practice.practice, action)
    }

    /// Records a refusal, with its code, and answers it. What is no refusal (a failing dependency, a
    /// fault of ours) is only answered.
    pub async fn refuse(&self, app: &App, client: Option<ClientId>, problem: Problem) -> Problem {
        if !problem.is_refusal() {
            return problem;
        }
        let mut event = self.event(app, Action::Refused).because(problem.code());
        event.client_id = client;
        if problem.shown().is_empty() {
            return app.store().record(&event).await.err().unwrap_or(problem);
        }
        let mut change = app.store().change();
        change.event(&event);
        for shown in problem.shown().iter().filter(|shown| Some(**shown) != client) {
            change.event(&self.event(app, Action::ClientShown).client(*shown));
        }
        match app.store().write(change).await {
            Ok(()) => problem,
            Err(error) => error.into(),
        }
    }
}

/// What somebody must be allowed to do.
#[derive(Debug, Clone, Copy)]
enum Needs {
    Look,
    Change,
    Admin,
    /// To look at what everybody did.
    Audit,
    /// To be a program.
    Program,
}

impl Needs {
    fn judge(self, role: Role) -> Result<(), Problem> {
        match self {
            Self::Change if !role.may_change() => Err(Problem::read_only()),
            Self::Admin if role != Role::Admin => Err(Problem::admins_only()),
            Self::Audit if !matches!(role, Role::Admin | Role::Auditor) => {
                Err(Problem::auditors_only())
            }
            Self::Program => Err(Problem::systems_only()),
            _ => Ok(()),
        }
    }
}

/// A token that was signed by us and has not expired: of a person of the staff, whose session is still to
/// be checked, or of a system.
#[derive(Debug)]
struct Ticket {
    by: By,
    caller: Caller,
}

#[derive(Debug)]
enum By {
    Session(Box<Pass>),
    System {
        token: Box<SystemToken>,
        /// As text: the actor's id.
        id: String,
        /// The scope that the route needs; none for one that is for people alone.
        needed: Option<SystemScope>,
    },
}

/// What the token of a person says.
#[derive(Debug)]
struct Pass {
    claims: Claims,
    staff_id: StaffId,
}

impl Pass {
    fn key(&self) -> keys::Key {
        keys::staff_session(&self.claims.practice, self.staff_id, self.claims.sid)
    }
}

impl Ticket {
    fn read(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::of(parts);
        // A token is judged before any cookie that comes along.
        let Some(text) = system::bearer(&parts.headers) else {
            return Self::of(&parts.headers, caller, app).ok_or_else(Problem::signed_out);
        };
        let token = Box::new(SystemToken::read(app, text).ok_or_else(Problem::signed_out)?);
        let route = parts.extensions.get::<MatchedPath>();
        let needed = route.and_then(|route| system::scope_of(route.as_str()));
        let id = token.sub.to_string();
        Ok(Self { by: By::System { token, id, needed }, caller })
    }

    fn of(headers: &HeaderMap, caller: Caller, app: &App) -> Option<Self> {
        let token = cookie::value(headers, cookie::name(Audience::Staff))?;
        let claims = app.keys().verify(token, Audience::Staff, app.now())?;
        let staff_id = StaffId::parse(&claims.sub)?;
        Some(Self { by: By::Session(Box::new(Pass { claims, staff_id })), caller })
    }

    fn practice(&self) -> &PracticeId {
        match &self.by {
            By::Session(pass) => &pass.claims.practice,
            By::System { token, .. } => token.sub.practice(),
        }
    }

    fn subject(&self) -> &str {
        match &self.by {
            By::Session(pass) => &pass.claims.sub,
            By::System { id, .. } => id,
        }
    }

    /// As [`Ticket::look`], for what is a use of the session: its idle end moves. That is written later, beside
    /// what the request writes ([`beside_use`]): only the practice's settings, which are read beside the session,
    /// say whether it lives still, and a session that they have ended must not move.
    async fn check(&self, app: &App) -> Result<Staff, Problem> {
        let mut staff = self.look(app).await?;
        if let (By::Session(pass), Standing::Session(signed_in)) = (&self.by, &mut staff.standing) {
            let (now, session) = (app.now(), &mut signed_in.session);
            session.idle_ends_at = now.plus(staff.practice.staff_idle_seconds).min(session.ends_at);
            session.used_at = Some(now);
            let used = Update::of(pass.key())
                .when("idleEndsAt", ">", &now)
                .when("endsAt", ">", &now)
                .set("idleEndsAt", &session.idle_ends_at)
                .set("usedAt", &now);
            staff.used = Some(used);
        }
        Ok(staff)
    }

    /// Reads together the session, the practice's settings, which say how long sessions last and whether all of its
    /// time were ended, and the person in the practice's list, which says the role (rule 19). Of a system, asks its
    /// own item. It is no use of the session.
    async fn look(&self, app: &App) -> Result<Staff, Problem> {
        let pass = match &self.by {
            By::Session(pass) => pass,
            By::System { token, id, needed } => return self.system(token, id, *needed, app).await,
        };
        let session = pass.key();
        let settings = keys::practice(&pass.claims.practice);
        let member = keys::member(&pass.claims.practice, pass.staff_id);
        let wanted = [session.clone(), settings.clone(), member.clone()];
        let mut items = Box::pin(app.store().get_many(&wanted)).await?;
        let session: Option<StaffSession> = items.remove(&session).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&settings).map(parse).transpose()?;
        let member: Option<Member> = items.remove(&member).map(parse).transpose()?;
        let ((session, practice), member) = session
            .zip(practice)
            .map(|(session, practice)| (session.under(&practice), practice))
            .zip(member)
            .filter(|((session, practice), member)| {
                session.lives(practice, app.now()) && session.epoch == member.epoch
            })
            .ok_or_else(Problem::signed_out)?;
        let actor = Actor {
            id: pass.claims.sub.clone(),
            name: member.name.as_str().to_owned(),
            role: member.role,
        };
        let author = Author { actor, caller: self.caller.clone() };
        let standing = Standing::Session(Box::new(SignedIn { session, member }));
        Ok(Staff { practice, author, standing, used: None })
    }

    async fn system(
        &self,
        token: &SystemToken,
        id: &str,
        needed: Option<SystemScope>,
        app: &App,
    ) -> Result<Staff, Problem> {
        let read = question::read(app, &token.sub, None).await?;
        let (registered, practice) = read
            .app
            .zip(read.practice)
            .filter(|(of, practice)| token.is_of(of) && practice.admits(token.made_at()))
            .ok_or_else(Problem::signed_out)?;
        let name = registered.registration.name.as_str().to_owned();
        let actor = Actor { id: id.to_owned(), name, role: Role::System };
        let author = Author { actor, caller: self.caller.clone() };
        let may = needed.is_some_and(|scope| token.may(&registered.registration, scope));
        let standing = Standing::Registered(Box::new(registered.registration));
        let staff = Staff { practice, author, standing, used: None };
        if !may {
            return Err(staff.refuse(app, None, Problem::insufficient_scope()).await);
        }
        Ok(staff)
    }

    /// Whether who was checked may do what is needed. A system's scope was judged with it.
    fn judge(&self, needs: Needs, staff: &Staff) -> Result<(), Problem> {
        match &self.by {
            By::Session(_) => needs.judge(staff.author.actor.role),
            By::System { .. } => Ok(()),
        }
    }

    /// A token that says its role may not is judged here, before the body is read, by the role that the
    /// person has now. Of all others, admission judges the role.
    async fn read_for(parts: &mut Parts, app: &App, needs: Needs) -> Result<Self, Problem> {
        let ticket = Self::read(parts, app)?;
        let By::Session(pass) = &ticket.by else { return Ok(ticket) };
        let claims = &pass.claims;
        let Some(role) = claims.role else { return Err(Problem::read_only()) };
        if needs.judge(role).is_err() {
            let practice = claims.practice.clone();
            let named = client_in_path(parts, app).await;
            let (staff, client) = both(ticket.check(app), existing(app, &practice, named)).await?;
            if let Err(problem) = ticket.judge(needs, &staff) {
                return Err(refused(app, staff, client, problem).await);
            }
        }
        Ok(ticket)
    }

    async fn admit<T>(
        self,
        app: &App,
        needs: Needs,
        read: impl Future<Output = Result<T, Problem>>,
        client: impl FnOnce(&T) -> Option<ClientId>,
    ) -> Result<Admitted<T>, Problem> {
        let read = async { Ok(read.await) };
        let (staff, data) = both(self.check(app), read).await?;
        let client = data.as_ref().ok().and_then(client);
        if let Err(problem) = self.judge(needs, &staff) {
            return Err(refused(app, staff, client, problem).await);
        }
        match data {
            Ok(data) => Ok(Admitted { staff, data, client, attempt: Attempt::default() }),
            Err(problem) => Err(refused(app, staff, None, problem).await),
        }
    }
}

/// Does something for staff, and notes beside it that their session is used. Answers what came of both.
async fn beside_use<T>(
    app: &App,
    staff: &mut Staff,
    done: impl AsyncFnOnce(&Staff) -> T,
) -> (T, Result<(), Problem>) {
    let Some(used) = staff.used.take() else { return (done(staff).await, Ok(())) };
    let noted = async {
        // What is done leaves first.
        tokio::task::yield_now().await;
        app.store().update::<IgnoredAny>(used).await.map(drop)
    };
    futures::join!(done(staff), Box::pin(noted))
}

/// Refuses, and notes that the session is used.
async fn refused(
    app: &App,
    mut staff: Staff,
    client: Option<ClientId>,
    problem: Problem,
) -> Problem {
    let refuse = async |staff: &Staff| staff.refuse(app, client, problem).await;
    let (problem, noted) = beside_use(app, &mut staff, refuse).await;
    noted.err().unwrap_or(problem)
}

/// Changes something, and notes that the session is used. What is changed is changed, also where that cannot be
/// noted: the session ends a little sooner.
async fn changed<T>(app: &App, staff: &mut Staff, change: impl AsyncFnOnce(&Staff) -> T) -> T {
    let (changed, noted) = beside_use(app, staff, change).await;
    if let Err(problem) = noted {
        tracing::warn!(
            code = problem.code(),
            cause = problem.cause(),
            "the use of a session is not noted"
        );
    }
    changed
}

/// Refuses a request that another site caused, and records it for staff whose session lives: with that
/// session it was sent. It is no use of the session, whose idle end stays. Requests without one are
/// only refused: strangers could fill the history.
pub async fn refuse_cross_site(app: &App, headers: &HeaderMap, caller: &Caller) -> Problem {
    let Some(ticket) = Ticket::of(headers, caller.clone(), app) else {
        return Problem::cross_site();
    };
    let By::Session(_) = &ticket.by else { return Problem::cross_site() };
    match ticket.look(app).await {
        Ok(staff) => staff.refuse(app, None, Problem::cross_site()).await,
        Err(problem) if problem.code() == "signed_out" => Problem::cross_site(),
        Err(problem) => problem,
    }
}

/// Staff who may look. Take it as an argument and [`Reader::admit`] it.
#[derive(Debug)]
pub struct Reader(Ticket);

/// Staff who may change things. Take it as an argument and [`Editor::admit`] it.
#[derive(Debug)]
pub struct Editor(Ticket);

/// Staff who look after the practice itself. Take it as an argument and [`Admin::admit`] it.
#[derive(Debug)]
pub struct Admin(Ticket);

/// Staff who may see what everybody did: admins and auditors. Take it as an argument and [`Auditor::admit`] it.
#[derive(Debug)]
pub struct Auditor(Ticket);

impl Auditor {
    /// Checks the session and the role beside the first read.
    ///
    /// # Errors
    /// 401 when the session has ended, 403 for another role, whatever the read found; else what the read
    /// says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Admitted<T>, Problem> {
        self.0.admit(app, Needs::Audit, read, |_| None).await
    }
}

/// An app or a system that acts by itself: no person's session does. Take it as an argument and
/// [`Program::admit`] it.
#[derive(Debug)]
pub struct Program(Ticket);

impl Program {
    /// Checks the program and its scope beside the first read, which says which client it is about.
    ///
    /// # Errors
    /// 401 when it is switched off, 403 for a person or another scope, whatever the read found; else what
    /// the read says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
        client: impl FnOnce(&T) -> ClientId,
    ) -> Result<Admitted<T>, Problem> {
        self.0.admit(app, Needs::Program, read, |found| Some(client(found))).await
    }
}

impl Admin {
    /// Checks the session and the role beside the first read.
    ///
    /// # Errors
    /// 401 when the session has ended, 403 for another role, whatever the read found; else what the read
    /// says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Admitted<T>, Problem> {
        self.0.admit(app, Needs::Admin, read, |_| None).await
    }
}

impl Reader {
    /// Key of the session; none of a system, which has none.
    #[must_use]
    pub fn session_key(&self) -> Option<keys::Key> {
        match &self.0.by {
            By::Session(pass) => Some(pass.key()),
            By::System { .. } => None,
        }
    }

    /// Where the practices are listed whose staff the person is; none of a system.
    #[must_use]
    pub fn login(&self) -> Option<&LoginKey> {
        match &self.0.by {
            By::Session(pass) => pass.claims.login.as_ref(),
            By::System { .. } => None,
        }
    }

    /// Checks the session beside the first read.
    ///
    /// # Errors
    /// 401 when the session has ended, whatever the read found; else what the read says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Admitted<T>, Problem> {
        self.0.admit(app, Needs::Look, read, |_| None).await
    }

    /// Checks the session beside the first read, for what a page asks by itself: it is no use of the session,
    /// whose idle end stays.
    ///
    /// # Errors
    /// 401 when the session has ended, whatever the read found; else what the read says.
    pub async fn idle<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Admitted<T>, Problem> {
        let read = async { Ok(read.await) };
        let (staff, data) = both(self.0.look(app), read).await?;
        match data {
            Ok(data) => Ok(Admitted { staff, data, client: None, attempt: Attempt::default() }),
            Err(problem) => Err(staff.refuse(app, None, problem).await),
        }
    }

    /// Checks the session alone.
    ///
    /// # Errors
    /// 401 when it has ended.
    pub async fn check(self, app: &App) -> Result<Staff, Problem> {
        let mut staff = self.0.check(app).await?;
        beside_use(app, &mut staff, async |_| ()).await.1?;
        Ok(staff)
    }

    /// Checks the session beside reading a chart, for what a page asks by itself: it is no use of the
    /// session, whose idle end stays.
    ///
    /// # Errors
    /// 401 when the session has ended; 404 when there is no such client.
    pub async fn idle_chart(self, app: &App, client: ClientId) -> Result<Admitted<Chart>, Problem> {
        let practice = self.practice().clone();
        let found = self.idle(app, Chart::load(app.store(), &practice, client)).await?;
        Ok(found.about(client))
    }

    /// Checks the session beside reading a chart.
    ///
    /// # Errors
    /// 401 when the session has ended; 404 when there is no such client.
    pub async fn chart(self, app: &App, client: ClientId) -> Result<Admitted<Chart>, Problem> {
        let practice = self.practice().clone();
        let read = Chart::load(app.store(), &practice, client);
        let found = self.0.admit(app, Needs::Look, read, |chart| Some(chart.client.client_id));
        let mut found = found.await?;
        found.data.forget_ended(&found.staff.practice);
        Ok(found)
    }
}

impl Editor {
    /// Checks the session and the role beside the first read.
    ///
    /// # Errors
    /// 401 when the session has ended, 403 for a role that may only look, whatever the read found;
    /// else what the read says.
    pub async fn admit<T>(
        self,
        app: &App,
        read: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Admitted<T>, Problem> {
        self.0.admit(app, Needs::Change, read, |_| None).await
    }

    /// Checks the session and the role beside reading a chart, to change it.
    ///
    /// # Errors
    /// 401, 403 or 404.
    pub async fn chart(self, app: &App, client: ClientId) -> Result<Admitted<Chart>, Problem> {
        let practice = self.practice().clone();
        let read = Chart::load(app.store(), &practice, client);
        self.0.admit(app, Needs::Change, read, |chart| Some(chart.client.client_id)).await
    }

    /// As [`Editor::chart`], with another chart beside it, which a rule has to see.
    ///
    /// # Errors
    /// 401, 403 or 404.
    pub async fn chart_beside(
        self,
        app: &App,
        client: ClientId,
        other: Option<ClientId>,
    ) -> Result<Admitted<(Chart, Beside)>, Problem> {
        let (practice, store) = (self.practice().clone(), app.store());
        let other = async {
            let Some(other) = other else { return Ok(Beside::default()) };
            Chart::load(store, &practice, other).await.map(Some).map(Beside::from)
        };
        let read = Box::pin(both(Chart::load(store, &practice, client), other));
        self.0.admit(app, Needs::Change, read, |(chart, _)| Some(chart.client.client_id)).await
    }

    /// As [`Editor::chart`], for a request that may be a repetition, with an account beside the chart.
    /// The answer kept for the request comes with it: [`Repeatable::change`] gives that one.
    ///
    /// # Errors
    /// 401, 403 or 404; 422 or 409 of the [`Attempt`].
    pub async fn repeatable<T: DeserializeOwned>(
        self,
        app: &App,
        client: ClientId,
        attempt: Attempt,
        account: Option<&AccountKey>,
    ) -> Result<Repeatable<T>, Problem> {
        let practice = self.practice().clone();
        let wanted: Vec<AccountKey> = account.into_iter().cloned().collect();
        let (store, now) = (app.store(), app.now());
        let read = Box::pin(both(
            both(Chart::load(store, &practice, client), Chart::accounts(store, &practice, &wanted)),
            attempt.answered::<T>(store, now),
        ));
        let found =
            self.0.admit(app, Needs::Change, read, |((c, _), _)| Some(c.client.client_id)).await?;
        let Admitted { staff, data: ((chart, accounts), before), client, .. } = found;
        let admitted = Admitted { staff, data: (chart, accounts), client, attempt };
        Ok(Repeatable { admitted, before })
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ticket::read(parts, app).map(Self)
    }
}

impl FromRequestParts<App> for Editor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ticket::read_for(parts, app, Needs::Change).await.map(Self)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ticket::read_for(parts, app, Needs::Admin).await.map(Self)
    }
}

impl FromRequestParts<App> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ticket::read_for(parts, app, Needs::Audit).await.map(Self)
    }
}

impl FromRequestParts<App> for Program {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ticket::read_for(parts, app, Needs::Program).await.map(Self)
    }
}

/// What a handler may know of a caller who is still to be checked.
macro_rules! callers {
    ($($name:ident),*) => {$(
        impl $name {
            /// The practice that is asked.
            #[must_use]
            pub fn practice(&self) -> &PracticeId {
                self.0.practice()
            }

            /// The caller, before the check: to tell callers apart, not to let them in.
            #[must_use]
            pub fn subject(&self) -> &str {
                self.0.subject()
            }
        }
    )*};
}
callers!(Reader, Editor, Admin, Auditor, Program);

async fn client_in_path(parts: &mut Parts, app: &App) -> Option<ClientId> {
    let params = RawPathParams::from_request_parts(parts, app).await.ok()?;
    params.iter().find(|(name, _)| *name == "clientId").and_then(|(_, id)| ClientId::parse(id))
}

/// The client, if it exists: an id that does not exist gets no history of its own.
async fn existing(
    app: &App,
    practice: &PracticeId,
    named: Option<ClientId>,
) -> Result<Option<ClientId>, Problem> {
    let Some(id) = named else { return Ok(None) };
    let client: Option<IgnoredAny> = app.store().get(&keys::client(practice, id)).await?;
    Ok(client.map(|_| id))
}

/// What staff asked for, after their session was checked. The data is private: it becomes an answer
/// only together with an event.
#[derive(Debug)]
pub struct Admitted<T> {
    staff: Staff,
    data: T,
    client: Option<ClientId>,
    attempt: Attempt,
}

/// A chart to change by a request that may be a repetition.
#[derive(Debug)]
pub struct Repeatable<T> {
    admitted: Admitted<(Chart, Accounts)>,
    before: Option<T>,
}

impl<T: Serialize + DeserializeOwned> Repeatable<T> {
    /// Changes the chart, or gives the answer that was kept for this very request, and records that it
    /// was shown.
    ///
    /// # Errors
    /// What `decide` says, which is recorded as a refusal; 503.
    pub async fn change(
        self,
        app: &App,
        unchanged: Action,
        decide: impl FnMut(&mut ChartEdit<'_>) -> Result<T, Problem>,
    ) -> Result<Disclosed<T>, Problem> {
        match self.before {
            Some(before) => self.admitted.show(app, unchanged, |_| Ok(before)).await,
            None => self.admitted.change(app, unchanged, decide).await,
        }
    }
}

/// An answer to staff of which an event tells.
#[derive(Debug)]
pub struct Disclosed<T> {
    status: StatusCode,
    value: T,
}

/// A type whose answers hold nothing personal and so need no event.
pub trait Impersonal {}

impl<T> Admitted<T> {
    /// The member of the staff, with the practice's settings.
    #[must_use]
    pub fn staff(&self) -> &Staff {
        &self.staff
    }

    /// Says which client the data is about, so that the event stands in that client's history. The
    /// client must exist.
    #[must_use]
    pub fn about(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Makes an answer of the data and records that it was shown.
    ///
    /// # Errors
    /// What `view` says, which is recorded as a refusal; 503.
    pub async fn show<V>(
        self,
        app: &App,
        action: Action,
        view: impl FnOnce(T) -> Result<V, Problem>,
    ) -> Result<Disclosed<V>, Problem> {
        self.show_with(app, action, async |_| Ok(()), |data, ()| view(data)).await
    }

    /// As [`Admitted::show`], with one more read, which runs beside the writing of the event.
    ///
    /// # Errors
    /// As there, and what the read says.
    pub async fn show_with<U, V>(
        mut self,
        app: &App,
        action: Action,
        read: impl AsyncFnOnce(&T) -> Result<U, Problem>,
        view: impl FnOnce(T, U) -> Result<V, Problem>,
    ) -> Result<Disclosed<V>, Problem> {
        let mut event = self.staff.event(app, action);
        event.client_id = self.client;
        let shown = both(read(&self.data), app.store().record(&event));
        let (shown, noted) = beside_use(app, &mut self.staff, async |_| shown.await).await;
        let (also, ()) = shown?;
        noted?;
        match view(self.data, also) {
            Ok(value) => Ok(Disclosed::of(value)),
            Err(problem) => Err(self.staff.refuse(app, self.client, problem).await),
        }
    }

    /// Makes an answer that holds nothing personal: no event is needed.
    ///
    /// # Errors
    /// What `view` says, which is recorded as a refusal.
    pub async fn progress<V: Impersonal>(
        mut self,
        app: &App,
        view: impl FnOnce(T) -> Result<V, Problem>,
    ) -> Result<Disclosed<V>, Problem> {
        beside_use(app, &mut self.staff, async |_| ()).await.1?;
        match view(self.data) {
            Ok(value) => Ok(Disclosed::of(value)),
            Err(problem) => Err(self.staff.refuse(app, self.client, problem).await),
        }
    }

    /// Opens the data to a handler whose change is not that of a chart. `write` must write an event of
    /// the staff member that it is given.
    ///
    /// # Errors
    /// What `write` says, which is recorded as a refusal.
    pub async fn write<V>(
        mut self,
        app: &App,
        write: impl AsyncFnOnce(&Staff, T) -> Result<V, Problem>,
    ) -> Result<Disclosed<V>, Problem> {
        let (data, client) = (self.data, self.client);
        let written = async |staff: &Staff| match write(staff, data).await {
            Ok(value) => Ok(Disclosed::of(value)),
            Err(problem) => Err(staff.refuse(app, client, problem).await),
        };
        changed(app, &mut self.staff, written).await
    }
}

impl Admitted<Chart> {
    /// Changes the chart by the rules of [`ChartEdit`] and answers what `decide` says. A change that
    /// changes nothing is recorded as `unchanged`: the answer shows the client's data all the same.
    ///
    /// # Errors
    /// What `decide` says, which is recorded as a refusal; 503.
    pub async fn change<V: Serialize + DeserializeOwned>(
        self,
        app: &App,
        unchanged: Action,
        decide: impl FnMut(&mut ChartEdit<'_>) -> Result<V, Problem>,
    ) -> Result<Disclosed<V>, Problem> {
        let Self { staff, data, client, attempt } = self;
        let read = Admitted { staff, data: (data, Accounts::new()), client, attempt };
        read.change(app, unchanged, decide).await
    }
}

impl<B: Into<Beside>> Admitted<(Chart, B)> {
    /// Changes the chart as [`Admitted::<Chart>::change`] does, with what was read beside it.
    ///
    /// # Errors
    /// What `decide` says, which is recorded as a refusal; 503.
    pub async fn change<V: Serialize + DeserializeOwned>(
        mut self,
        app: &App,
        unchanged: Action,
        decide: impl FnMut(&mut ChartEdit<'_>) -> Result<V, Problem>,
    ) -> Result<Disclosed<V>, Problem> {
        let ((chart, beside), client, attempt) = (self.data, self.client, self.attempt);
        let change = async |staff: &Staff| {
            let request = Request {
                practice: &staff.practice,
                author: &staff.author,
                attempt: &attempt,
                unchanged: Some(unchanged),
                silent: false,
            };
            match Box::pin(chart.change(app, &request, beside, decide)).await {
                Ok(value) => Ok(Disclosed::of(value)),
                Err(problem) => Err(staff.refuse(app, client, problem).await),
            }
        };
        changed(app, &mut self.staff, change).await
    }
}

impl<T> Disclosed<T> {
    fn of(value: T) -> Self {
        Self { status: StatusCode::OK, value }
    }

    /// The same answer with another value, made of this one.
    #[must_use]
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Disclosed<U> {
        Disclosed { status: self.status, value: to(self.value) }
    }

    /// The answer as 201.
    #[must_use]
    pub fn created(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self
    }

    /// No answer but that it is done: 204.
    #[must_use]
    pub fn nothing(mut self) -> Self {
        self.status = StatusCode::NO_CONTENT;
        self
    }

    /// The answer as 202.
    #[must_use]
    pub fn accepted(mut self) -> Self {
        self.status = StatusCode::ACCEPTED;
        self
    }
}

impl<T: Serialize> IntoResponse for Disclosed<T> {
    fn into_response(self) -> Response {
        if self.status == StatusCode::NO_CONTENT {
            return self.status.into_response();
        }
        (self.status, Json(self.value)).into_response()
    }
}
