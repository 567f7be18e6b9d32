//! What a person signs in with beside the password, and the rules of it.
//!
//! # What is kept
//!
//! All factors of an account stand in the account ([`Factors`]), so that what signs in is judged, used up and
//! written with the session in one transaction, on the condition that nobody wrote the account meanwhile: a factor
//! that was removed signs nobody in, a code signs in once, and a revocation that came first wins.
//!
//! | item | holds |
//! | --- | --- |
//! | the account | passkeys (public key, counter), the authenticator app (the random bytes that its secret is made of, the newest step that was taken), the hashes of the recovery code and of the front desk's code |
//! | a challenge ([`challenge`]) | that the password was right, for ten minutes; what a passkey is to answer |
//!
//! # States of a sign-in
//!
//! ```text
//!                     wrong ─────────────► 401 sign_in_failed
//! password ─ right ─┬ no factor, none required ─────► signed in
//!                   ├ a factor ─► 401 second_factor_required, challenge
//!                   │               ├ wrong ─► 401 factor_failed, counted as a wrong password is
//!                   │               └ right ─► signed in, the challenge is gone
//!                   └ none, but required ─► 403 factor_enrollment_required, challenge
//!                                   └ a factor is added with it ─► the challenge takes that factor
//! ```
//!
//! # Rules
//!
//! - An account that has a factor is asked for it, whatever the practice's setting: turning the setting off stops
//!   adding, and takes nobody's protection away.
//! - The last factor cannot be removed where one is required. With the last factor its codes go.
//! - A recovery code needs a factor: alone it would be a password on paper.
//! - A password reset leaves factors alone. Deleting the account deletes them.
//! - Every change of a factor is mailed to the person, whatever the budget of mails says.
//! - A wrong code or passkey counts by the counters of wrong passwords ([`crate::lockout::Counters`]). A passkey alone is
//!   held to nothing that was counted of passwords: nobody guesses one ([`crate::lockout::PasskeyCounters`]).

pub mod challenge;
pub mod code;
pub mod passkey;
pub mod totp;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{
    code::{Code, CodeHash},
    passkey::Passkey,
    totp::{Pending, Totp},
};
use crate::{
    account::Grant,
    clock::Clock,
    context::Context,
    fields::{At, Secret},
    id::{AccountKey, ClientId, PasskeyId},
    practice::{Practice, SecondFactor},
    problem::Problem,
    session::SignedInBy,
};

/// Seconds that a code of the front desk works: until the person is home, and the day after.
pub const RESET_SECONDS: i64 = 2 * 24 * 60 * 60;

/// A passkey that a browser was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    /// What its answer is judged by.
    state: Secret,
    /// Until when it can be added.
    expires_at: At,
}

/// With what the second step of a sign-in is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A code of an authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// The recovery code that the person keeps.
    RecoveryCode,
    /// The code that the front desk printed.
    ResetCode,
}

impl Method {
    /// The word for it in the API and in the history.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::RecoveryCode => "recovery-code",
            Self::ResetCode => "reset-code",
        }
    }

    /// What a session is told that was begun with the password and this.
    #[must_use]
    pub const fn signs_in(self) -> SignedInBy {
        match self {
            Self::Passkey => SignedInBy::Passkey,
            Self::Totp | Self::RecoveryCode | Self::ResetCode => SignedInBy::Code,
        }
    }
}

/// A code that the front desk printed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetCode {
    /// Its hash.
    hash: CodeHash,
    /// The client whose chart the person may open, as whose portal user the code was printed for them.
    client_id: ClientId,
    /// Until when it works.
    pub expires_at: At,
}

impl ResetCode {
    /// Where it stands in an account as stored.
    pub const PLACE: &str = "factors.resetCode";

    /// A code for one sign-in, and what is kept of it. It takes the place of the one before.
    #[must_use]
    pub fn new(context: &Context, client_id: ClientId) -> (Code, Self) {
        let code = Code::new(context);
        let expires_at = context.now().plus(RESET_SECONDS);
        let kept = Self { hash: code.hash(), client_id, expires_at };
        (code, kept)
    }

    /// Whether it works: a revocation of the access that it was printed for ends it for good.
    fn works(&self, grants: &BTreeMap<ClientId, Grant>, clock: &Clock) -> bool {
        let printed_at = self.expires_at.plus(-RESET_SECONDS);
        let stands =
            |grant: &Grant| grant.open(clock).is_some() && grant.epoch.made_at() <= printed_at;
        self.expires_at > clock.now() && grants.get(&self.client_id).is_some_and(stands)
    }
}

/// What a person signs in with beside the password.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Factors {
    /// The passkeys.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub passkeys: BTreeMap<PasskeyId, Passkey>,
    /// The authenticator app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp: Option<Totp>,
    /// An authenticator app that was given a secret and has not shown a code yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// A passkey that a browser was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<CodeHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_code: Option<ResetCode>,
    /// Where the account was kept when its first passkey was added: what all its passkeys say.
    #[serde(skip_serializing_if = "Option::is_none")]
    home: Option<AccountKey>,
}

/// What happened to an account's factors that a restored table does not know.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each of them happened, or did not")]
pub struct Lost {
    /// A passkey was removed; nobody knows which.
    pub passkeys: bool,
    /// The authenticator app was removed, or another took its place.
    pub totp: bool,
    /// The recovery code was used, or another took its place.
    pub recovery_code: bool,
    /// A code was printed, and may have been used.
    pub reset_code: bool,
    /// A factor was added.
    pub added: bool,
}

impl Lost {
    /// Whether nothing happened.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Factors {
    /// Where factors stand in an account as stored, each if it is there.
    pub const PLACES: [&str; 2] = ["factors.passkeys", "factors.totp"];

    /// Where it stands in an account as stored that passkeys were added: what they say leads to it still when it is kept
    /// elsewhere.
    pub const HOME: &str = "factors.home";

    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let waits = self.pending.is_some() || self.asked.is_some();
        !self.is_enrolled() && !waits && self.home.is_none()
    }

    /// Whether signing in asks for a factor.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }

    /// Whether there is a recovery code.
    #[must_use]
    pub fn has_recovery_code(&self) -> bool {
        self.recovery_code.is_some()
    }

    /// With what the second step can be taken.
    #[must_use]
    pub fn methods(&self, grants: &BTreeMap<ClientId, Grant>, clock: &Clock) -> Vec<Method> {
        let works = |code: &ResetCode| code.works(grants, clock);
        let reset = self.reset_code.as_ref().is_some_and(works);
        let all = [
            (Method::Passkey, !self.passkeys.is_empty()),
            (Method::Totp, self.totp.is_some()),
            (Method::RecoveryCode, self.recovery_code.is_some()),
            (Method::ResetCode, reset),
        ];
        all.into_iter().filter_map(|(method, there)| there.then_some(method)).collect()
    }

    /// Where the passkeys say that the account is kept, which is kept at `key`.
    #[must_use]
    pub fn home<'a>(&'a self, key: &'a AccountKey) -> &'a AccountKey {
        self.home.as_ref().unwrap_or(key)
    }

    /// Notes what the answer of a browser is judged by that was asked for a passkey.
    pub fn ask_for_passkey(&mut self, context: &Context, state: Secret) {
        let expires_at = context.now().plus(challenge::SECONDS);
        self.asked = Some(Asked { state, expires_at });
    }

    /// What the answer of a browser is judged by: once.
    pub fn take_asked(&mut self, now: At) -> Option<Secret> {
        self.asked.take().filter(|asked| asked.expires_at > now).map(|asked| asked.state)
    }

    /// Whether the account needs a signpost for its passkeys when it is kept at `key` from now on; `None` when no
    /// passkey was ever added.
    #[must_use]
    pub fn moves_to(&self, key: &AccountKey) -> Option<bool> {
        self.home.as_ref().map(|home| home != key)
    }

    /// Adds a passkey to an account that is kept at `key`.
    ///
    /// # Errors
    /// 409 `too_many_passkeys`.
    pub fn add_passkey(
        &mut self,
        id: PasskeyId,
        passkey: Passkey,
        key: &AccountKey,
    ) -> Result<(), Problem> {
        if self.passkeys.len() >= passkey::MOST {
            return Err(too_many_passkeys());
        }
        self.home.get_or_insert_with(|| key.clone());
        self.passkeys.insert(id, passkey);
        Ok(())
    }

    /// Makes a new recovery code, which takes the place of the one before.
    ///
    /// # Errors
    /// 409 `no_second_factor` where there is no factor that it could stand in for.
    pub fn new_recovery_code(&mut self, context: &Context) -> Result<Code, Problem> {
        if !self.is_enrolled() {
            return Err(no_second_factor());
        }
        let code = Code::new(context);
        self.recovery_code = Some(code.hash());
        Ok(code)
    }

    /// Takes a code, which does not work again. Answers whether it was right. The grants are those of the account.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn take_code(
        &mut self,
        context: &Context,
        (grants, clock): (&BTreeMap<ClientId, Grant>, &Clock),
        method: Method,
        typed: &str,
    ) -> Result<bool, Problem> {
        let right = |hash: &CodeHash| Code::parse(typed).is_some_and(|code| code.matches(hash));
        match method {
            Method::Totp => match &mut self.totp {
                Some(totp) => totp.take(context, typed),
                None => Ok(false),
            },
            Method::RecoveryCode => Ok(self.recovery_code.take_if(|hash| right(hash)).is_some()),
            Method::ResetCode => {
                let right = |code: &mut ResetCode| code.works(grants, clock) && right(&code.hash);
                Ok(self.reset_code.take_if(right).is_some())
            }
            Method::Passkey => Ok(false),
        }
    }

    /// Removes the authenticator app.
    ///
    /// # Errors
    /// 404 when there is none; 409 `last_factor`.
    pub fn remove_totp(&mut self, practice: &Practice) -> Result<(), Problem> {
        let totp = self.totp.take().ok_or_else(Problem::not_found)?;
        let settled = self.settle(practice);
        if settled.is_err() {
            self.totp = Some(totp);
        }
        settled
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// 404 when there is none; 409 `last_factor`.
    pub fn remove_passkey(&mut self, practice: &Practice, id: PasskeyId) -> Result<(), Problem> {
        let passkey = self.passkeys.remove(&id).ok_or_else(Problem::not_found)?;
        let settled = self.settle(practice);
        if settled.is_err() {
            self.passkeys.insert(id, passkey);
        }
        settled
    }

    /// Takes away what must not sign in any more. Answers what that is, as the history calls it.
    pub fn lose(&mut self, lost: Lost) -> Vec<&'static str> {
        let mut gone = Vec::new();
        if lost.passkeys && !self.passkeys.is_empty() {
            self.passkeys.clear();
            gone.push("passkey");
        }
        if lost.totp && self.totp.take().is_some() {
            gone.push("totp");
        }
        // Without a factor, its codes stand in for nothing.
        let bare = !self.is_enrolled();
        if (lost.recovery_code || bare) && self.recovery_code.take().is_some() {
            gone.push("recoveryCode");
        }
        if (lost.reset_code || bare) && self.reset_code.take().is_some() {
            gone.push("resetCode");
        }
        gone
    }

    /// After a removal: without a factor, its codes stand in for nothing.
    fn settle(&mut self, practice: &Practice) -> Result<(), Problem> {
        if self.is_enrolled() {
            return Ok(());
        }
        if practice.second_factor == SecondFactor::Required {
            return Err(Problem::conflict(
                "last_factor",
                "The practice asks for a second factor. Add another one first.",
            ));
        }
        self.recovery_code = None;
        self.reset_code = None;
        Ok(())
    }
}

/// Whether a factor may be added.
///
/// # Errors
/// 409 `second_factor_off` where the practice offers none.
pub fn offered(practice: &Practice) -> Result<(), Problem> {
    if practice.second_factor == SecondFactor::Off {
        return Err(Problem::conflict("second_factor_off", "The practice does not offer this."));
    }
    Ok(())
}

/// There are as many passkeys as there may be.
#[must_use]
pub fn too_many_passkeys() -> Problem {
    Problem::conflict("too_many_passkeys", "You have ten passkeys. Remove one first.")
}

/// There is nothing that a code on paper could stand in for.
#[must_use]
pub fn no_second_factor() -> Problem {
    Problem::conflict(
        "no_second_factor",
        "There is no second factor that this code could stand in for.",
    )
}
