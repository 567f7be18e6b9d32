//! Asking for a password reset: an item that the request writes alike for everybody, and that the
//! stream-driven function resolves. It says nothing of what was typed, which may have been a password,
//! but two keyed digests of it.

use serde::{Deserialize, Serialize};

use crate::{
    account,
    caller::Caller,
    context::Context,
    fields::{At, Email, Username},
    history::{Action, Actor, Author, Event},
    id::{AccountKey, AddressKey, AskId, ClientId, PracticeId},
    keys::{self, Key},
    outbox::GIVEN_UP,
    problem::Problem,
    store::{Change, Handle, Update},
};

/// What is kept of earlier requests with that which leads from an address to an account, so that all who
/// share an address take turns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// When the account had its last turn.
    #[serde(default)]
    pub served_at: Option<At>,
    /// The last chart whose invitation was sent again: the next turn begins behind it.
    #[serde(default)]
    pub invited: Option<ClientId>,
}

impl Turn {
    /// Notes at `entry`, as part of a change, that the account has its turn now.
    pub fn take(entry: &Key, invited: Option<ClientId>, now: At, change: &mut Change) {
        let update = Update::of(entry.clone()).set("servedAt", &now);
        change.update(&match invited {
            Some(client) => update.set("invited", &client),
            None => update,
        });
    }
}

/// Somebody forgot a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    /// Its id.
    pub ask_id: AskId,
    /// The practice whose portal it is.
    pub practice: PracticeId,
    /// Where the account is kept of which the sign-in name was typed, if there is one.
    pub account: AccountKey,
    /// Where the accounts are listed of which the e-mail address was typed, if there are any.
    pub address: AddressKey,
    /// Source address of the request.
    pub source: String,
    /// The request.
    pub request_id: String,
    /// When it was asked.
    pub asked_at: At,
    /// [`keys::PENDING`]: it waits until it is gone.
    pub pending: String,
    /// When it is given up (seconds since 1970).
    pub expires_at: i64,
    /// The accounts that were dealt with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dealt: Vec<AccountKey>,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    pub rev: u64,
}

impl Ask {
    /// What is kept of a request that names an account by its sign-in name or e-mail address. A name
    /// that is no address has a made-up digest for one, so that the item is as large.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn new(
        context: &Context,
        caller: &Caller,
        practice: &PracticeId,
        typed: &Username,
    ) -> Result<Self, Problem> {
        let now = context.now();
        let address = match Email::parse(typed.as_str()) {
            Ok(email) => account::address_key(context, practice, &email)?,
            Err(_) => AddressKey::from_bytes(context.random()),
        };
        Ok(Self {
            ask_id: AskId::new(context.ulid()),
            practice: practice.clone(),
            account: account::key_of(context, practice, typed)?,
            address,
            source: caller.source.clone(),
            request_id: caller.request_id.clone(),
            asked_at: now,
            pending: keys::PENDING.to_owned(),
            expires_at: now.plus(GIVEN_UP).seconds(),
            dealt: Vec::new(),
            rev: 0,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> Key {
        keys::ask(&self.practice, &self.account, self.ask_id)
    }

    /// Puts it where the stream-driven function finds it, as part of a change.
    pub fn queue(&self, change: &mut Change) -> Handle {
        change.insert(&self.key(), self)
    }

    /// Notes, as part of a change, that an account was dealt with, if nobody else did meanwhile.
    /// Answers how it stands after that.
    #[must_use]
    pub fn pass(&self, account: &AccountKey, change: &mut Change) -> Self {
        let mut next = self.clone();
        next.dealt.push(account.clone());
        change.replace(&self.key(), &next, self.rev);
        next.rev += 1;
        next
    }

    /// Takes it away, as part of a change, once all accounts were dealt with.
    pub fn finish(&self, change: &mut Change) {
        change.remove(&self.key(), self.rev);
    }

    /// The visitor, not signed in, in the request that asked.
    #[must_use]
    pub fn author(&self) -> Author {
        let (source, request_id) = (self.source.clone(), self.request_id.clone());
        Author { actor: Actor::nobody(), caller: Caller { request_id, source } }
    }

    /// The event of asking. `account` is the id of the account it was for, if there was one.
    #[must_use]
    pub fn event(&self, context: &Context, account: Option<String>) -> Event {
        let actor = Actor { id: account.unwrap_or_default(), ..Actor::nobody() };
        let author = Author { actor, ..self.author() };
        author.event(context, &self.practice, Action::PasswordResetRequested)
    }
}
