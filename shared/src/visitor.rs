//! Clients and guardians who call: a signed token in a cookie, whose session the account can end.

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, request::Parts};

use crate::{
    account::Account,
    app::App,
    caller::Caller,
    cookie,
    fields::At,
    history::{Action, Event},
    id::{AccountId, AccountKey, ClientId, PortalUserId, PracticeId, SessionId},
    jwt::{Audience, Claims},
    keys,
    mirror::to_charts::{self, AccountUpdate},
    oauth::pass::AppSession,
    practice::Practice,
    problem::Problem,
    session::Session,
    store::parse,
};

/// A portal token that was signed by us and has not expired. Whether its session lives, the account
/// says: [`crate::account::Account::admitted`].
#[derive(Debug)]
pub struct Visitor {
    /// The practice.
    pub practice: PracticeId,
    /// Where the account is kept.
    pub account: AccountKey,
    /// The session.
    pub sid: SessionId,
    /// The request.
    pub caller: Caller,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(&parts.headers, Caller::of(parts), app).ok_or_else(Problem::signed_out)
    }
}

/// A visitor, if one is signed in.
#[derive(Debug)]
pub struct MaybeVisitor(pub Option<Visitor>);

impl FromRequestParts<App> for MaybeVisitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &App,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(Self(Visitor::of(&parts.headers, Caller::of(parts), app)))
    }
}

impl Visitor {
    fn of(headers: &HeaderMap, caller: Caller, app: &App) -> Option<Self> {
        let token = cookie::value(headers, cookie::name(Audience::Portal))?;
        let claims = app.keys().verify(token, Audience::Portal, app.now())?;
        let Claims { practice, sid, .. } = claims;
        Some(Self { account: claims.account?, practice, sid, caller })
    }

    /// What says whether the session lives: the account that holds it and the practice's settings, in
    /// one request.
    ///
    /// # Errors
    /// 401 when either is not there, 503 when the table does not answer.
    pub async fn load(&self, app: &App) -> Result<(Account, Practice), Problem> {
        let account = keys::account(&self.practice, &self.account);
        let practice = keys::practice(&self.practice);
        let mut items = app.store().get_many(&[account.clone(), practice.clone()]).await?;
        let account = items.remove(&account).map(parse).transpose()?;
        let practice = items.remove(&practice).map(parse).transpose()?;
        account.zip(practice).ok_or_else(Problem::signed_out)
    }

    /// The charts that the session opens, each with the person's portal user there.
    ///
    /// # Errors
    /// 401 when the session is over.
    pub fn open_charts(
        &self,
        account: &Account,
        practice: &Practice,
        now: At,
    ) -> Result<Vec<(ClientId, PortalUserId)>, Problem> {
        let (_, open) =
            account.admitted(practice, self.sid, now).ok_or_else(Problem::signed_out)?;
        Ok(open.iter().map(|(client, grant)| (*client, grant.portal_user_id)).collect())
    }

    /// An event of the person in the history of one of the charts that the session opens.
    #[must_use]
    pub fn event_on(
        &self,
        app: &App,
        account: &Account,
        chart: Option<&(ClientId, PortalUserId)>,
        action: Action,
    ) -> Event {
        let event = Event::new(app, &self.caller, &account.actor(), &self.practice, action);
        match chart {
            Some((client, user)) => event.client(*client).portal_user(*user),
            None => event,
        }
    }

    /// Ends the session, and another one of the account if it is named; the rest go on. Answers whether
    /// it lived: of one whose time had run out, the apps are told all the same.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn sign_out(&self, app: &App, also: Option<SessionId>) -> Result<bool, Problem> {
        let key = keys::account(&self.practice, &self.account);
        let mut retries = app.store().retries();
        loop {
            let (mut account, practice) = match self.load(app).await {
                Err(problem) if problem.code() == "signed_out" => return Ok(false),
                loaded => loaded?,
            };
            let open = self.open_charts(&account, &practice, app.now()).ok();
            let lived = open.is_some();
            let open = open.unwrap_or_default();
            let ends = [Some(self.sid), also].into_iter().flatten();
            // One that is over changes nothing by itself: only an app may still have to be told.
            let matters = |s: &Session| lived || s.apps.values().any(AppSession::got_token);
            let ends: Vec<_> =
                ends.filter(|sid| account.sessions.get(*sid).is_some_and(matters)).collect();
            if ends.is_empty() {
                return Ok(false);
            }
            let mut change = app.store().change();
            for sid in ends {
                let gone = account.sessions.end(sid);
                gone.tell(app, &self.practice, account.account_id, &mut change);
            }
            change.replace(&key, &account, account.rev);
            to_charts::write(&mut change, &self.practice, &account, &AccountUpdate::default());
            for chart in &open {
                change.event(&self.event_on(app, &account, Some(chart), Action::SignedOut));
            }
            let Err(error) = app.store().write(change).await else { return Ok(lived) };
            retries.retry(error).await?;
        }
    }

    /// Ends the session that a browser had, when another takes its place there: nobody could end it any
    /// more. That it could not be ended is only logged, since the other has begun.
    pub async fn leave(&self, app: &App) {
        if let Err(problem) = self.sign_out(app, None).await {
            tracing::warn!(
                code = problem.code(),
                cause = problem.cause(),
                "a session that a browser forgets was not ended"
            );
        }
    }

    /// The event of a refusal: in the history of the first chart that the session opens. `None` when it
    /// has ended.
    async fn refused(&self, app: &App, problem: &Problem) -> Result<Option<Event>, Problem> {
        let (account, practice) = match self.load(app).await {
            Err(problem) if problem.code() == "signed_out" => return Ok(None),
            loaded => loaded?,
        };
        let Ok(open) = self.open_charts(&account, &practice, app.now()) else { return Ok(None) };
        let event = self.event_on(app, &account, open.first(), Action::Refused);
        Ok(Some(event.because(problem.code())))
    }
}

/// Refuses a request that another site caused, and records it for a client whose session lives: with
/// that session it was sent. It is no use of the session. Requests without one are only refused.
pub async fn refuse_cross_site(app: &App, headers: &HeaderMap, caller: &Caller) -> Problem {
    let problem = Problem::cross_site();
    let Some(visitor) = Visitor::of(headers, caller.clone(), app) else { return problem };
    let recorded = async {
        match visitor.refused(app, &problem).await? {
            Some(event) => app.store().record(&event).await,
            None => Ok(()),
        }
    };
    recorded.await.err().unwrap_or(problem)
}

/// Makes the token and cookie of a portal session that ends at `ends_at` in any case.
///
/// # Errors
/// 500 in a function that was given no signing key.
pub fn portal_cookie(
    app: &App,
    practice: &Practice,
    key: &AccountKey,
    account: AccountId,
    sid: SessionId,
    ends_at: At,
) -> Result<HeaderValue, Problem> {
    let (now, exp) = (app.now().seconds(), ends_at.seconds());
    let claims = Claims {
        iss: String::new(),
        aud: Audience::Portal.claim().to_owned(),
        sub: account.to_string(),
        sid,
        practice: practice.practice.clone(),
        iat: now,
        exp,
        idle: practice.client_idle_seconds,
        role: None,
        account: Some(key.clone()),
        login: None,
    };
    cookie::set(cookie::name(Audience::Portal), &app.keys().sign(&claims)?, exp - now)
}
