//! Step-up: what changes how a person enters asks again for what they enter with, so that a browser left
//! open is not enough.
//!
//! A wrong proof is a failed sign-in by all counters ([`Counters`]): an open session is no way to guess a
//! password. So the handler judges everything else first, and then the proof, whose outcome it writes:
//!
//! ```ignore
//! let mut step_up = StepUp::new(&app, &visitor, &presented, &with.proof);
//! loop {
//!     let found = step_up.read().await?;
//!     // Refuse what the body has wrong: that says nothing of the proof.
//!     let mut change = app.store().change();
//!     let answer = match step_up.judge(&found, &mut change) {
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
    device::Presented,
    fields::{Password, Refusal, Secret},
    history::Action,
    id::{ClientId, PortalUserId},
    keys::{self, Key},
    lockout::Counters,
    password,
    practice::Practice,
    problem::Problem,
    store::{Change, parse},
    visitor::Visitor,
};

/// What shows that it is still the person who signed in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The password of the account.
    password: Password,
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
        let Visitor { practice, account, caller, .. } = self.visitor;
        let mut counters = Counters::of(self.app, caller, self.presented, practice, account)?;
        let (account, practice) = (keys::account(practice, account), keys::practice(practice));
        let wanted = [account.clone(), practice.clone()];
        let wanted: Vec<Key> = wanted.into_iter().chain(counters.keys()).collect();
        let mut items = self.app.store().get_many(&wanted).await?;
        counters.read(&mut items)?;
        let account: Option<Account> = items.remove(&account).map(parse).transpose()?;
        let practice: Option<Practice> = items.remove(&practice).map(parse).transpose()?;
        let (account, practice) = account.zip(practice).ok_or_else(Problem::signed_out)?;
        let open = self.visitor.open_charts(&account, &practice, self.app.now())?;
        Ok(InSession { account, practice, open, counters })
    }

    /// Judges the proof, and adds to the change what has to be written before it can be answered: for a
    /// wrong one its count and events, for a right one the demand that nothing was counted meanwhile.
    ///
    /// # Errors
    /// 422 `wrong_password` on `proof.password`, or 429 `too_many_attempts`: to be answered once the
    /// change is written.
    pub fn judge(&mut self, found: &InSession, change: &mut Change) -> Result<(), Problem> {
        let (app, now) = (self.app, self.app.now());
        let InSession { account, counters, .. } = found;
        let event = |action| self.visitor.event_on(app, account, found.open.first(), action);
        let of = Some(account.account_id);
        if let Err(refused) = counters.refuse(of, now) {
            counters.record(change, now, event);
            return Err(refused);
        }
        let right = match &self.verified {
            Some((hash, right)) if *hash == account.password => *right,
            _ => password::verify(app, &self.proof.password, account.password.as_ref()),
        };
        if right {
            counters.succeed(account.account_id, change, now);
        } else {
            counters.count(app, of, change, (Action::ProofRefused, event));
        }
        self.verified = Some((account.password.clone(), right));
        if right { Ok(()) } else { Err(wrong()) }
    }
}

fn wrong() -> Problem {
    let refusal = Refusal::rule("wrong_password", "This is not your password.");
    Problem::refused("proof.password", refusal)
}
