//! Authenticator apps: time-based codes (RFC 6238; SHA-1, six digits, 30 seconds, which every app knows).
//!
//! The secret that the app holds is an HMAC of random bytes under the deployment's key, as the tokens of links
//! are. The table keeps the random bytes: who reads the table cannot make a code.

use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Totp as Generator};

use crate::{
    context::Context,
    fields::{At, Secret, Username},
    problem::Problem,
    token::Nonce,
};

/// Seconds that a code is shown.
const STEP: u64 = 30;
/// Seconds in which an app that was shown a secret has to confirm it.
pub const PENDING_SECONDS: i64 = 15 * 60;

/// An authenticator app of an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totp {
    /// What its secret is made of.
    seed: Nonce,
    /// The newest step of which a code was taken: none of it, nor of one before, is taken again.
    last_step: u64,
    /// When it was added.
    pub created_at: At,
}

/// An authenticator app that has not shown yet that it holds the secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    seed: Nonce,
    /// Until when it can be confirmed.
    pub expires_at: At,
}

/// What an authenticator app is given: shown once.
pub struct Given {
    /// The secret in base 32, to be typed.
    pub secret: Secret,
    /// The same as an address that the app reads from a picture (`otpauth:`).
    pub uri: Secret,
}

impl Pending {
    /// A fresh secret.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        Self { seed: Nonce::new(context), expires_at: context.now().plus(PENDING_SECONDS) }
    }

    /// What the app is given. `practice` and `username` are what it shows beside the code.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn give(
        &self,
        context: &Context,
        practice: &str,
        username: &Username,
    ) -> Result<Given, Problem> {
        // A colon parts the two where the app reads them.
        let apart = |text: &str| text.replace(':', " ");
        let generator = Builder::new()
            .with_secret(secret(context, &self.seed)?)
            .with_account_name(apart(username.as_str()))
            .with_issuer(Some(apart(practice)))
            .build()
            .map_err(|_| Problem::internal("no authenticator secret was made"))?;
        let uri = generator
            .to_url()
            .map_err(|_| Problem::internal("no address for an authenticator was made"))?;
        let secret = Secret::new(generator.secret().to_base32());
        Ok(Given { secret, uri: Secret::new(uri) })
    }

    /// The app, once it has shown a code: whose step counts as used. `None` for a wrong code, and after its time.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn confirm(&self, context: &Context, code: &str) -> Result<Option<Totp>, Problem> {
        let now = context.now();
        if self.expires_at <= now {
            return Ok(None);
        }
        let step = step_of(context, &self.seed, code, 0)?;
        let app = |last_step| Totp { seed: self.seed, last_step, created_at: now };
        Ok(step.map(app))
    }
}

impl Totp {
    /// Takes a code of this step or the one before, if none was taken of it yet. Answers whether it did.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn take(&mut self, context: &Context, code: &str) -> Result<bool, Problem> {
        let step = step_of(context, &self.seed, code, self.last_step + 1)?;
        self.last_step = step.unwrap_or(self.last_step);
        Ok(step.is_some())
    }

    /// Whether this is the very code by which the app was confirmed, or that was taken last.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn took(&self, context: &Context, code: &str) -> Result<bool, Problem> {
        Ok(step_of(context, &self.seed, code, self.last_step)? == Some(self.last_step))
    }
}

/// The step of a code: the current one or the one before, and not before `from`.
fn step_of(context: &Context, seed: &Nonce, code: &str, from: u64) -> Result<Option<u64>, Problem> {
    let generator: Generator = Builder::new()
        .with_secret(secret(context, seed)?)
        .with_skew(0)
        .with_account_name("account")
        .build()
        .map_err(|_| Problem::internal("no authenticator secret was made"))?;
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let now = u64::try_from(context.now().seconds()).unwrap_or_default();
    let steps = [now / STEP, (now / STEP).saturating_sub(1)];
    Ok(steps
        .into_iter()
        .filter_map(|step| generator.check(&digits, step * STEP))
        .find(|s| *s >= from))
}

fn secret(context: &Context, seed: &Nonce) -> Result<Vec<u8>, Problem> {
    let whole = context.lasting_hmac("authenticator", &[seed.bytes()])?;
    Ok(whole[..20].to_vec())
}
