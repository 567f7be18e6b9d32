//! The second step of a sign-in, as it waits: an item of its own beside the account, so that two browsers can sign
//! in at once, and a thief of the password alone cannot end what its owner began.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    account::Account,
    context::Context,
    fields::Secret,
    id::{AccountId, AccountKey, ClientId, Epoch, PracticeId},
    keys::{self, Key},
    store::Change,
    token::{ChallengeToken, TokenSecret},
};

/// Seconds in which the second step has to be taken.
pub const SECONDS: i64 = 10 * 60;

/// What a challenge opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Opens {
    /// Signing in, with a factor.
    SignIn,
    /// Adding a factor, and nothing else: one is required, and none is there.
    Enrollment,
    /// Signing in, with the code by which a factor was added in this very challenge: nobody is made to wait for
    /// the next code.
    Enrolled,
}

/// A second step that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Of whom the password was right: the next owner of the sign-in name inherits nothing.
    account_id: AccountId,
    /// The digest of the stored password that was right. With another all that was begun before is over.
    password: String,
    /// The charts that were open then, each in its epoch: what was revoked since, and opened again, is another.
    grants: BTreeMap<ClientId, Epoch>,
    /// What it opens.
    pub opens: Opens,
    /// What a passkey has to answer, as its library keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<Secret>,
    /// When it is over (seconds since 1970).
    expires_at: i64,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

impl Challenge {
    /// Begins the second step, as part of a change. `passkey` is what one has to answer. Answers what opens it.
    pub fn begin(
        context: &Context,
        (practice, key): (&PracticeId, &AccountKey),
        account: &Account,
        (opens, passkey): (Opens, Option<Secret>),
        change: &mut Change,
    ) -> Secret {
        let secret = TokenSecret::new(context);
        let token = ChallengeToken { practice: practice.clone(), account: key.clone(), secret };
        let challenge = Self {
            account_id: account.account_id,
            password: digest(account),
            grants: account.mirrored(false).map(|(client, grant)| (client, grant.epoch)).collect(),
            opens,
            passkey,
            expires_at: context.now().seconds() + SECONDS,
            rev: 0,
        };
        change.insert(&Self::key(&token), &challenge);
        Secret::new(token.text())
    }

    /// Where the challenge of a token is kept.
    #[must_use]
    pub fn key(token: &ChallengeToken) -> Key {
        keys::challenge(&token.practice, &token.account, token.secret.hash().as_str())
    }

    /// Whether it still opens something of this account.
    #[must_use]
    pub fn is_open(&self, context: &Context, account: &Account) -> bool {
        self.expires_at > context.now().seconds()
            && self.account_id == account.account_id
            && self.password == digest(account)
            && account.mirrored(false).all(|(client, g)| self.grants.get(&client) == Some(&g.epoch))
    }
}

fn digest(account: &Account) -> String {
    let stored = account.password.as_ref().map(Secret::reveal).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(Sha256::digest(stored.as_bytes()))
}
