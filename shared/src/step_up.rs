//! Step-up: what changes how a person enters asks again for what they enter with, so that a browser left
//! open is not enough.
//!
//! A wrong proof is a failed sign-in by all counters ([`Counters`]): an open session is no way to guess a
//! password. So the handler judges everything else first, and then the proof, whose outcome it writes:
//!
//! ```ignore
//! let mut step_up = StepUp::new(&app, &visitor, &presented, &with.proof);
//! loop {
//!     let mut found = step_up.read().await?;
//!     // Refuse what the body has wrong: that says nothing of the proof.
//!     let mut change = app.store().change();
//!     let answer = match step_up.judge(&mut found, &mut change) {
//!         Ok(()) => { /* add to the change what is to be done */ Ok(()) }
//!         Err(problem) => Err(problem),
//!     };
//!     let Err(error) = app.store().write(change).await else { return answer };
//!     retries.retry(error).await?;
//! }
//! ```

use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    account::Account,
    app::App,
    caller::Caller,
    device::Presented,
    factor::{
        Method,
        challenge::{Challenge, Opens},
        code::TypedCode,
    },
    fields::{Password, Refusal, Secret},
    history::{Action, Event},
    id::{ClientId, PortalUserId},
    keys::{self, Key},
    lockout::Counters,
    password,
    practice::Practice,
    problem::Problem,
    store::{Change, parse},
    token::ChallengeToken,
    visitor::Visitor,
};

/// What shows that it is still the person who signed in: one of the two.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The password of the account.
    #[serde(default)]
    #[schema(nullable = false)]
    password: Option<Password>,
    /// A code of the authenticator app. It works once.
    #[serde(default)]
    #[schema(nullable = false)]
    code: Option<TypedCode>,
}

impl Proof {
    /// Whether it is a code, which is used up: the account has to be written.
    #[must_use]
    pub const fn is_code(&self) -> bool {
        self.code.is_some()
    }
}

/// A request that carries a proof.
pub struct StepUp<'a> {
    app: &'a App,
    visitor: &'a Visitor,
    presented: &'a Presented,
    proof: &'a Proof,
    /// What Argon2 said already, and of which hash: a decision that is taken again hashes nothing anew.
    verified: Option<(Option<Secret>, bool)>,
}

/// A chart that is open to the person, and their portal user there.
type Chart = (ClientId, PortalUserId);

/// A session that lives, with what its proof is held to.
pub struct InSession {
    /// The account.
    pub account: Account,
    /// The practice's settings.
    pub practice: Practice,
    /// The charts that the session opens.
    pub open: Vec<(ClientId, PortalUserId)>,
    counters: Counters,
}

impl<'a> StepUp<'a> {
    /// A proof in a session. Nothing is read yet.
    #[must_use]
    pub const fn new(
        app: &'a App,
        visitor: &'a Visitor,
        presented: &'a Presented,
        proof: &'a Proof,
    ) -> Self {
        Self { app, visitor, presented, proof, verified: None }
    }

    /// Reads the session and the counters in one request.
    ///
    /// # Errors
    /// 401 when the session is over; 503 when the table does not answer.
    pub async fn read(&self) -> Result<InSession, Problem> {
        InSession::read(self.app, self.visitor, self.presented).await
    }

    /// Judges the proof, and adds to the change what has to be written before it can be answered: for a
    /// wrong one its count and events, for a right one the demand that nothing was counted meanwhile. A code that
    /// was right is used: the caller has to write the account.
    ///
    /// # Errors
    /// 422 `missing` on `proof` that holds not one of the two, `wrong_password` on `proof.password` or `wrong_code` on
    /// `proof.code`, or 429 `too_many_attempts`: to be answered once the change is written.
    pub fn judge(&mut self, found: &mut InSession, change: &mut Change) -> Result<(), Problem> {
        let app = self.app;
        let visitor = self.visitor;
        let event = |account: &Account, chart: Option<&Chart>, action| {
            visitor.event_on(app, account, chart, action)
        };
        found.refuse(app, event, change)?;
        let (right, wrong) = match (&self.proof.password, &self.proof.code) {
            (Some(password), None) => {
                let known = &found.account.password;
                let right = match &self.verified {
                    Some((hash, right)) if hash == known => *right,
                    _ => password::verify(app, password, known.as_ref()),
                };
                self.verified = Some((known.clone(), right));
                (right, ("proof.password", "wrong_password", "This is not your password."))
            }
            (None, Some(code)) => {
                let clock = found.practice.clock(app.now());
                let Account { factors, grants, .. } = &mut found.account;
                let charts = (&*grants, &clock);
                let right = factors.take_code(app, charts, Method::Totp, code.reveal())?;
                (right, ("proof.code", "wrong_code", WRONG_CODE))
            }
            _ => {
                let refusal = Refusal::rule("missing", "Send a password or a code.");
                return Err(Problem::refused("proof", refusal));
            }
        };
        found.count(app, event, right, change);
        let (field, code, message) = wrong;
        if right { Ok(()) } else { Err(Problem::refused(field, Refusal::rule(code, message))) }
    }
}

/// What is said of a wrong code.
pub const WRONG_CODE: &str = "This code is not right. It works once, and only for a short time: take the one that is shown now.";

impl InSession {
    /// Whether the person has to wait, after so many wrong proofs.
    ///
    /// # Errors
    /// 429 `too_many_attempts`, to be answered once the change is written.
    pub fn refuse(
        &self,
        app: &App,
        event: impl Fn(&Account, Option<&Chart>, Action) -> Event,
        change: &mut Change,
    ) -> Result<(), Problem> {
        let (now, of) = (app.now(), Some(self.account.account_id));
        self.counters.refuse(of, now).inspect_err(|_| {
            let event = |action| event(&self.account, self.open.first(), action);
            self.counters.record(change, now, event);
        })
    }

    /// Counts a proof that was judged: a wrong one as a failed sign-in.
    pub fn count(
        &self,
        app: &App,
        event: impl Fn(&Account, Option<&Chart>, Action) -> Event,
        right: bool,
        change: &mut Change,
    ) {
        let of = self.account.account_id;
        if right {
            self.counters.succeed(of, change, app.now());
        } else {
            let event = |action| event(&self.account, self.open.first(), action);
            self.counters.count(app, Some(of), change, (Action::ProofRefused, event));
        }
    }

    /// Reads a session and the counters that a proof in it is held to, in one request.
    ///
    /// # Errors
    /// 401 when the session is over; 503 when the table does not answer.
    pub async fn read(
        app: &App,
        visitor: &Visitor,
        presented: &Presented,
    ) -> Result<Self, Problem> {
        let Visitor { practice, account, caller, .. } = visitor;
        let mut counters = Counters::of(app, caller, presented, practice, account)?;
        let (account, practice) = (keys::account(practice, account), keys::practice(practice));
        let wanted = [account.clone(), practice.clone()];
        let wanted: Vec<Key> = wanted.into_iter().chain(counters.keys()).collect();
        let mut items = app.store().get_many(&wanted).await?;
        counters.read(&mut items)?;
        let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice).map(parse).transpose()?;
        let (account, practice) = account.zip(practice).ok_or_else(Problem::signed_out)?;
        let open = visitor.open_charts(&account, &practice, app.now())?;
        Ok(Self { account, practice, open, counters })
    }

    /// Reads what a challenge opens that lets somebody add a factor who is not signed in yet, with the counters
    /// that a code is held to, in one request.
    ///
    /// # Errors
    /// 401 `challenge_expired` when it opens nothing, or a factor was added meanwhile; 503.
    pub async fn by_challenge(
        app: &App,
        caller: &Caller,
        presented: &Presented,
        token: &ChallengeToken,
    ) -> Result<(Self, Challenge), Problem> {
        let mut counters = Counters::of(app, caller, presented, &token.practice, &token.account)?;
        let account = keys::account(&token.practice, &token.account);
        let practice = keys::practice(&token.practice);
        let challenge = Challenge::key(token);
        let wanted = [account.clone(), practice.clone(), challenge.clone()];
        let wanted: Vec<Key> = wanted.into_iter().chain(counters.keys()).collect();
        let mut items = app.store().get_many(&wanted).await?;
        counters.read(&mut items)?;
        let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice).map(parse).transpose()?;
        let challenge: Option<Challenge> = items.remove(&challenge).map(parse).transpose()?;
        let (Some(account), Some(practice), Some(challenge)) = (account, practice, challenge)
        else {
            return Err(Problem::challenge_expired());
        };
        let opens = challenge.opens == Opens::Enrollment && !account.factors.is_enrolled();
        let clock = practice.clock(app.now());
        if !(opens && challenge.is_open(app, &account) && account.may_enter(&clock)) {
            return Err(Problem::challenge_expired());
        }
        let open =
            account.open_grants(&clock).map(|(client, grant)| (client, grant.portal_user_id));
        let open = open.collect();
        Ok((Self { account, practice, open, counters }, challenge))
    }
}
