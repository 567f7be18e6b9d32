//! Passwords: Argon2id (RFC 9106) at rest, and how strong a new one must be (NIST SP 800-63B:
//! length, no composition rules, a check against what is easily guessed).

mod guess;
mod turn;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::{
    account::Account,
    context::Context,
    fields::{Date, Password, Refusal, Secret},
    practice::{PASSWORD_MINIMUM, Practice, SecondFactor},
    problem::Problem,
};

/// Memory in KiB, passes, lanes: OWASP's second choice for Argon2id, and the design's least.
const PARAMS: (u32, u32, u32) = (19_456, 2, 1);

/// The hash of no password anybody has: checked when there is no account, so that both cases take
/// as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ibw$7ClhSqOEUlYaULh1qFaTUdRyKeVbvQg8+Jt8GKt0NDE";

#[expect(clippy::expect_used, reason = "the parameters are constants that Argon2 accepts")]
fn argon2() -> Argon2<'static> {
    let (m, t, p) = PARAMS;
    let params = Params::new(m, t, p, None).expect("valid parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a new password, in PHC format.
///
/// # Errors
/// 500 when hashing fails, which it does only for want of memory.
pub fn hash(context: &Context, password: &Password) -> Result<Secret, Problem> {
    context.note_hash();
    let salt: [u8; 16] = context.random();
    let hash =
        turn::in_turn(|| argon2().hash_password_with_salt(password.reveal().as_bytes(), &salt))
            .map_err(|e| Problem::internal(format!("argon2: {e}")))?;
    Ok(Secret::new(hash.to_string()))
}

/// The hash of no password: none is right until the person chooses one by a reset.
#[must_use]
pub fn nobodys(context: &Context) -> Secret {
    let (m, t, p) = PARAMS;
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    let (salt, hash) = (text(&context.random::<16>()), text(&context.random::<32>()));
    Secret::new(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

/// Whether the password is the one that was hashed; without a hash, no, after as long a time.
#[must_use]
pub fn verify(context: &Context, password: &Password, hash: Option<&Secret>) -> bool {
    context.note_hash();
    let text = hash.map_or(NOBODY, Secret::reveal);
    let right = PasswordHash::new(text).is_ok_and(|h| {
        turn::in_turn(|| argon2().verify_password(password.reveal().as_bytes(), &h).is_ok())
    });
    right && hash.is_some()
}

/// Whether a hash was made with weaker parameters than today's.
#[must_use]
pub fn outdated(hash: &Secret) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.reveal()) else { return true };
    let weaker =
        |name: &str, least: u32| parsed.params.get_decimal(name).is_none_or(|value| value < least);
    parsed.algorithm.as_str() != "argon2id"
        || weaker("m", PARAMS.0)
        || weaker("t", PARAMS.1)
        || weaker("p", PARAMS.2)
}

/// What an attacker who knows the person would try first: the one context for every place where a password
/// is chosen. It comes out of the account whole, so that no caller can leave a chart or its birth date out.
#[derive(Debug, Clone)]
pub struct Personal {
    texts: Vec<String>,
    births: Vec<Date>,
    minimum: usize,
}

impl Personal {
    /// The names, addresses and birth dates of an account and of every chart that it opens, and the
    /// practice.
    #[must_use]
    pub fn of(practice: &Practice, account: &Account) -> Self {
        let mut texts = vec![
            practice.name.clone(),
            practice.sender_name.clone(),
            practice.practice.to_string(),
            account.username.as_str().to_owned(),
        ];
        texts.extend(account.email.as_ref().map(|email| email.as_str().to_owned()));
        let names = account.grants.values().map(|grant| &grant.name).chain([&account.name]);
        for name in names {
            texts.extend([name.first.as_str(), name.last.as_str()].map(str::to_owned));
            texts.extend(name.preferred.as_ref().map(|p| p.as_str().to_owned()));
        }
        Self {
            texts,
            births: account.grants.values().map(|grant| grant.date_of_birth).collect(),
            minimum: minimum(practice),
        }
    }
}

/// The fewest characters of a password in a practice.
#[must_use]
pub fn minimum(practice: &Practice) -> usize {
    // Beside a second factor fewer will do (NIST SP 800-63B-4, section 3.1.1.2).
    let least = if practice.second_factor == SecondFactor::Required { 8 } else { PASSWORD_MINIMUM };
    practice.password_minimum.max(least)
}

/// Whether a new password is strong enough. Parts that are easily guessed add nothing, however long they
/// are: what is left without them must be worth something too.
///
/// # Errors
/// 422 naming the field `password`: `too_short`, or `too_weak` with what would help.
pub fn check(password: &Password, personal: &Personal) -> Result<(), Problem> {
    let minimum = personal.minimum;
    if password.reveal().chars().count() < minimum {
        let message = format!(
            "Use at least {minimum} characters. Several words in a row are easy to remember."
        );
        return Err(Problem::refused("password", Refusal::rule("too_short", message)));
    }
    match guess::weakness(password.reveal(), &personal.texts, &personal.births) {
        None => Ok(()),
        Some(why) => {
            let message =
                format!("This password is too easy to guess. {why} Add another word or two.");
            Err(Problem::refused("password", Refusal::rule("too_weak", message)))
        }
    }
}
