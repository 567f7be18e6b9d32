//! Passwords: Argon2id (RFC 9106) at rest, and how strong a new one must be (NIST SP 800-63B:
//! length, no composition rules, a check against what is easily guessed).

mod turn;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::{
    context::Context,
    fields::{Password, Secret},
    practice::{PASSWORD_MINIMUM, Practice},
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
    let salt: [u8; 16] = context.random();
    let hash =
        turn::in_turn(|| argon2().hash_password_with_salt(password.reveal().as_bytes(), &salt))
            .map_err(|e| Problem::internal(format!("argon2: {e}")))?;
    Ok(Secret::new(hash.to_string()))
}

/// Whether the password is the one that was hashed; without a hash, no, after as long a time.
#[must_use]
pub fn verify(password: &Password, hash: Option<&Secret>) -> bool {
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

/// Whether a new password is strong enough for the practice, given words that somebody who knows
/// the person would try. A row of such words is weak however long it is: so what is left without
/// them must be worth something too.
///
/// # Errors
/// 422 naming the field `password`: `too_short`, or `too_weak` with what would help.
pub fn check(password: &Password, practice: &Practice, context: &[&str]) -> Result<(), Problem> {
    let minimum = practice.password_minimum.max(PASSWORD_MINIMUM);
    if password.reveal().chars().count() < minimum {
        return Err(Problem::refused(
            "password",
            "too_short",
            format!(
                "Use at least {minimum} characters. Several words in a row are easy to remember."
            ),
        ));
    }
    let words: Vec<&str> = context
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([*text]))
        .filter(|word| word.chars().count() > 2)
        .collect();
    let estimate = zxcvbn::zxcvbn(password.reveal(), &words);
    let without_them = left_without(&words, password.reveal())
        .is_some_and(|left| zxcvbn::zxcvbn(&left, &[]).score() < zxcvbn::Score::Two);
    if estimate.score() < zxcvbn::Score::Three || without_them {
        let hint = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        let hint = hint.map_or_else(String::new, |warning| format!(" {warning}"));
        return Err(Problem::refused(
            "password",
            "too_weak",
            format!("This password is too easy to guess.{hint} Add another word or two."),
        ));
    }
    Ok(())
}

/// What is left of a password without these words; `None` when none of them is in it.
fn left_without(words: &[&str], password: &str) -> Option<String> {
    let mut words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let whole = password.to_lowercase();
    let left = words.iter().fold(whole.clone(), |left, word| left.replace(word, ""));
    (left != whole).then(|| left.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
}
