//! Who asks, and how a change of their factors is made: read, judge the proof, decide, write all in one
//! transaction; if somebody else wrote meanwhile, again.

use serde::{Serialize, de::DeserializeOwned};
use shared::{
    App, Problem,
    account::Account,
    caller::Caller,
    dead_link,
    device::Presented,
    factor::challenge::{Challenge, Opens},
    fields::{Refusal, Secret},
    history::{Action, Actor, Event},
    id::{AccountKey, ClientId, PortalUserId, PracticeId},
    idempotency::Attempt,
    keys,
    mail::MailKind,
    mirror::to_charts::{self, AccountUpdate},
    outbox::{Outgoing, Recipient},
    step_up::{InSession, Proof, StepUp},
    store::{Change, both},
    token::{self, ChallengeToken},
    visitor::Visitor,
};

/// By what the person comes.
pub enum Way<'a> {
    /// A session.
    Session(&'a Visitor),
    /// The challenge that the right password opened, where a factor is required and none is there.
    Challenge(ChallengeToken),
}

impl<'a> Way<'a> {
    /// The way of a request. A challenge counts before a session, which may be another person's. One that cannot be one
    /// is recorded where it says of which practice it is.
    pub async fn of(
        (app, caller): (&App, &Caller),
        visitor: Option<&'a Visitor>,
        challenge: Option<&Secret>,
    ) -> Result<Self, Problem> {
        let Some(challenge) = challenge.map(Secret::reveal) else {
            return visitor.map(Self::Session).ok_or_else(Problem::signed_out);
        };
        if let Some(token) = ChallengeToken::parse(challenge) {
            return Ok(Self::Challenge(token));
        }
        Err(match token::practice_of(challenge) {
            Some(practice) => expired(app, caller, &practice).await,
            None => Problem::challenge_expired(),
        })
    }
}

/// Records a challenge that opens nothing, as the second step of a sign-in does, and counts it as a link that does not
/// work. Answers what is to be answered.
async fn expired(app: &App, caller: &Caller, practice: &PracticeId) -> Problem {
    let problem = Problem::challenge_expired();
    let event = Event::new(app, caller, &Actor::nobody(), practice, Action::SignInRefused);
    dead_link::refuse(app, caller, &event.because(problem.code()), problem).await
}

/// What has to be shown before factors change.
#[derive(Clone, Copy)]
pub enum Needs<'a> {
    /// That it is still the person.
    Proof(&'a Proof),
    /// Nothing: the challenge was opened by the password, or what is done was proved when it was begun.
    Nothing,
}

impl Way<'_> {
    /// What has to be shown before a factor is begun to be added: in a session a proof.
    ///
    /// # Errors
    /// 422 on `proof` when there is none.
    pub fn needs<'p>(&self, proof: Option<&'p Proof>) -> Result<Needs<'p>, Problem> {
        match (self, proof) {
            (Way::Challenge(_), _) => Ok(Needs::Nothing),
            (Way::Session(_), Some(proof)) => Ok(Needs::Proof(proof)),
            (Way::Session(_), None) => {
                let refusal = Refusal::rule("missing", "Send a password or a code.");
                Err(Problem::refused("proof", refusal))
            }
        }
    }
}

/// A person who asks.
pub struct Person<'a> {
    pub app: &'a App,
    pub caller: &'a Caller,
    pub presented: &'a Presented,
    pub way: Way<'a>,
}

/// What a change comes to.
pub struct Done<T> {
    answer: T,
    /// What is kept for a repetition of the request; without it, the answer.
    kept: Option<T>,
    event: Option<(Action, &'static str)>,
    mail: Option<MailKind>,
    /// What the challenge opens from now on; without it, it is over.
    opens: Option<Opens>,
    /// Whether a challenge stays as it is.
    begun: bool,
}

impl<T> Done<T> {
    /// What begins a change, and is none yet.
    pub fn quietly(answer: T) -> Self {
        Self { answer, kept: None, event: None, mail: None, opens: None, begun: true }
    }

    /// A change that the history tells.
    pub fn recorded(answer: T, action: Action, what: &'static str) -> Self {
        Self { event: Some((action, what)), begun: false, ..Self::quietly(answer) }
    }

    /// A change that the history tells, and a mail the person.
    pub fn told(answer: T, action: Action, mail: MailKind, what: &'static str) -> Self {
        Self { mail: Some(mail), ..Self::recorded(answer, action, what) }
    }

    /// What the challenge opens then, if the change was made by one.
    pub fn opening(self, opens: Option<Opens>) -> Self {
        Self { opens, ..self }
    }

    /// What a repetition of the request is answered.
    pub fn kept_as(self, kept: T) -> Self {
        Self { kept: Some(kept), ..self }
    }
}

type Found = (InSession, Option<Challenge>);

impl<'a> Person<'a> {
    /// A person who is signed in.
    pub fn in_session(app: &'a App, visitor: &'a Visitor, presented: &'a Presented) -> Self {
        Self { app, caller: &visitor.caller, presented, way: Way::Session(visitor) }
    }

    /// The practice, and where the account is kept.
    pub fn place(&self) -> (&PracticeId, &AccountKey) {
        match &self.way {
            Way::Session(visitor) => (&visitor.practice, &visitor.account),
            Way::Challenge(token) => (&token.practice, &token.account),
        }
    }

    /// What is answered when it could not be read: of a challenge that opens nothing the history tells.
    async fn unread(&self, problem: Problem) -> Problem {
        match &self.way {
            Way::Challenge(token) if problem.code() == Problem::challenge_expired().code() => {
                expired(self.app, self.caller, &token.practice).await
            }
            _ => problem,
        }
    }

    async fn read(&self) -> Result<Found, Problem> {
        let Self { app, caller, presented, way } = self;
        match way {
            Way::Session(visitor) => Ok((InSession::read(app, visitor, presented).await?, None)),
            Way::Challenge(token) => {
                let (found, challenge) =
                    InSession::by_challenge(app, caller, presented, token).await?;
                Ok((found, Some(challenge)))
            }
        }
    }

    /// Reads it, and beside it what was answered to this very request before. That is the person's alone: only who is
    /// signed in gets it again. By a challenge, which is over by then, it is the key of the request that proves it.
    async fn read_beside<T: DeserializeOwned>(
        &self,
        attempt: Option<&Attempt>,
    ) -> Result<Result<Found, T>, Problem> {
        let Some(attempt) = attempt else { return self.read().await.map(Ok) };
        let read = async { Ok(self.read().await) };
        let answered = attempt.answered::<T>(self.app.store(), self.app.now());
        match (both(read, answered).await?, &self.way) {
            ((found, None), _) => found.map(Ok),
            ((found, Some(before)), Way::Session(_)) => found.map(|_| Err(before)),
            ((_, Some(before)), Way::Challenge(_)) => Ok(Err(before)),
        }
    }

    fn event(
        &self,
        account: &Account,
        chart: Option<&(ClientId, PortalUserId)>,
        action: Action,
    ) -> Event {
        let (practice, _) = self.place();
        let event = Event::new(self.app, self.caller, &account.actor(), practice, action);
        match chart {
            Some((client, user)) => event.client(*client).portal_user(*user),
            None => event,
        }
    }

    /// Changes factors after a proof, where one is asked for.
    pub async fn settle<T: Serialize + DeserializeOwned>(
        &self,
        needs: Needs<'_>,
        act: impl FnMut(&mut InSession, &AccountKey) -> Result<Done<T>, Problem>,
    ) -> Result<T, Problem> {
        self.settle_with(needs, None, act).await
    }

    /// As [`Self::settle`], with an answer that is kept, and given again to the same request.
    pub async fn settle_with<T: Serialize + DeserializeOwned>(
        &self,
        needs: Needs<'_>,
        attempt: Option<&Attempt>,
        mut act: impl FnMut(&mut InSession, &AccountKey) -> Result<Done<T>, Problem>,
    ) -> Result<T, Problem> {
        let app = self.app;
        let (practice, key) = self.place();
        let mut step_up = match (&self.way, needs) {
            (Way::Session(visitor), Needs::Proof(proof)) => {
                Some(StepUp::new(app, visitor, self.presented, proof))
            }
            _ => None,
        };
        let mut retries = app.store().retries();
        loop {
            let (mut found, challenge) = match self.read_beside(attempt).await {
                Ok(Ok(read)) => read,
                Ok(Err(before)) => return Ok(before),
                Err(problem) => return Err(self.unread(problem).await),
            };
            let mut change = app.store().change();
            let judged = match &mut step_up {
                Some(step_up) => step_up.judge(&mut found, &mut change),
                None => Ok(()),
            };
            let proved = found.account.clone();
            let answer = match judged {
                Err(problem) => Err(problem),
                Ok(()) => match act(&mut found, key) {
                    Ok(done) => Ok(self.write((found, challenge), done, attempt, &mut change)?),
                    // A right proof is held to what was counted meanwhile, and a code is used up, whatever is refused
                    // then: else requests side by side would say which guess was right.
                    Err(problem) if problem.is_refusal() => {
                        if matches!(needs, Needs::Proof(proof) if proof.is_code()) {
                            change.replace(&keys::account(practice, key), &proved, proved.rev);
                        }
                        change.event(&self.refusal(&found, &problem));
                        Err(problem)
                    }
                    Err(problem) => return Err(problem),
                },
            };
            let Err(error) = app.store().write(change).await else { return answer };
            retries.retry(error).await?;
        }
    }

    /// Changes factors by what proves itself, such as a code: a wrong one is counted as a wrong password.
    pub async fn settle_judged<T: Serialize>(
        &self,
        mut judge: impl FnMut(&mut InSession) -> Result<Result<(), Problem>, Problem>,
        mut done: impl FnMut() -> Done<T>,
    ) -> Result<T, Problem> {
        let app = self.app;
        let mut retries = app.store().retries();
        loop {
            let (mut found, challenge) = match self.read().await {
                Ok(read) => read,
                Err(problem) => return Err(self.unread(problem).await),
            };
            let mut change = app.store().change();
            let event = |account: &Account, chart: Option<&(ClientId, PortalUserId)>, action| {
                self.event(account, chart, action)
            };
            let answer = match found.refuse(app, event, &mut change) {
                Err(refused) => Err(refused),
                Ok(()) => match judge(&mut found) {
                    Err(problem) => return Err(self.record(&found, problem).await),
                    Ok(Err(wrong)) => {
                        found.count(app, event, false, &mut change);
                        Err(wrong)
                    }
                    Ok(Ok(())) => {
                        found.count(app, event, true, &mut change);
                        Ok(self.write((found, challenge), done(), None, &mut change)?)
                    }
                },
            };
            let Err(error) = app.store().write(change).await else { return answer };
            retries.retry(error).await?;
        }
    }

    /// Records a refusal, with nothing else.
    async fn record(&self, found: &InSession, problem: Problem) -> Problem {
        if !problem.is_refusal() {
            return problem;
        }
        match self.app.store().record(&self.refusal(found, &problem)).await {
            Ok(()) => problem,
            Err(failed) => failed,
        }
    }

    fn refusal(&self, found: &InSession, problem: &Problem) -> Event {
        let event = self.event(&found.account, found.open.first(), Action::Refused);
        event.because(problem.code())
    }

    /// Adds to the change what was done: the account, what its charts copy, the mail, the events, the answer.
    fn write<T: Serialize>(
        &self,
        (found, challenge): Found,
        done: Done<T>,
        attempt: Option<&Attempt>,
        change: &mut Change,
    ) -> Result<T, Problem> {
        let (app, now) = (self.app, self.app.now());
        let (practice, key) = self.place();
        let InSession { mut account, practice: settings, open, .. } = found;
        if let Way::Session(visitor) = &self.way {
            account.use_session(visitor.sid, &settings, now);
        }
        // Other sessions were begun without the factor that is new, or with the one that is gone.
        if let Some((Action::FactorAdded | Action::FactorRemoved, _)) = done.event {
            let gone = match &self.way {
                Way::Session(visitor) => account.sessions.end_others(visitor.sid),
                Way::Challenge(_) => account.sessions.end_all(),
            };
            gone.tell(app, practice, account.account_id, change);
        }
        if let (Way::Challenge(token), Some(challenge), false) = (&self.way, challenge, done.begun)
        {
            let at = Challenge::key(token);
            match done.opens {
                Some(opens) => {
                    let mut challenge = challenge;
                    challenge.opens = opens;
                    change.replace(&at, &challenge, challenge.rev);
                }
                None => {
                    change.remove(&at, challenge.rev);
                }
            }
        }
        let mut shown = None;
        if let (Some(kind), Some((client, user))) = (done.mail, open.first()) {
            let to = Recipient { client: *client, user: *user };
            let what = (kind, account.email.as_ref());
            shown = Outgoing::tell(app, practice, to, what, change)?.map(|mail| (*client, mail));
        }
        change.replace(&keys::account(practice, key), &account, account.rev);
        let mail = shown.as_ref().map(|(client, mail)| (*client, mail));
        let update = AccountUpdate { mail, ..AccountUpdate::default() };
        to_charts::write(change, practice, &account, &update);
        if let Some((action, what)) = done.event {
            for (client, grant) in account.open_grants(&settings.clock(now)) {
                let chart = (client, grant.portal_user_id);
                change.event(&self.event(&account, Some(&chart), action).changed([what]));
            }
        }
        if let Some(attempt) = attempt {
            attempt.keep(change, now, done.kept.as_ref().unwrap_or(&done.answer))?;
        }
        Ok(done.answer)
    }
}
