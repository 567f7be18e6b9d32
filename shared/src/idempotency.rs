//! Retries are safe: a request that creates something and carries an `Idempotency-Key` is answered
//! once; the same key and body again get the same answer, another body a refusal.
//!
//! The answer is kept in the transaction that creates the thing, for a day, under a digest of who
//! asked, of what, and of the key.

use axum::extract::FromRequestParts;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::request::Parts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    context::Context,
    fields::{At, Refusal},
    id::PracticeId,
    keys::{self, Key},
    portal_user::KeptAnswer,
    problem::Problem,
    store::{Change, Store, Update},
};

/// Seconds that an answer is kept.
const KEPT: i64 = 24 * 60 * 60;

/// The `Idempotency-Key` header, if there is one: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Option<String>);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default();
        if !(1..=255).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Problem::refused(
                "Idempotency-Key",
                Refusal::invalid("invalid", "Use 1 to 255 visible ASCII characters."),
            ));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// A request that may have been made before: digests of who asked for what with which key, and of
/// its body. Empty for a request without a key.
#[derive(Debug, Default)]
pub struct Attempt(Option<Request>);

#[derive(Debug)]
struct Request {
    practice: PracticeId,
    digest: String,
    body: String,
}

impl Request {
    fn key(&self) -> Key {
        keys::request(&self.practice, &self.digest)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    /// Digest of the request's body; none where a restoration lost it.
    #[serde(default)]
    body: Option<String>,
    /// The answer as JSON; none when what it told of was deleted since.
    #[serde(default)]
    answer: Option<String>,
    expires_at: i64,
}

impl Attempt {
    /// Names the request: who asks (`subject`), for what (`operation`, with the ids in its path),
    /// and with which body.
    ///
    /// # Errors
    /// 500 when the body cannot be written as JSON, or the function was given no secret.
    pub fn new<B: Serialize>(
        context: &Context,
        practice: &PracticeId,
        subject: &str,
        operation: &str,
        key: &IdempotencyKey,
        body: &B,
    ) -> Result<Self, Problem> {
        let Some(key) = &key.0 else { return Ok(Self(None)) };
        let digest = |purpose: &str, parts: &[&[u8]]| {
            context.hmac(purpose, parts).map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
        };
        let body = serde_json::to_vec(body).map_err(|e| Problem::internal(e.to_string()))?;
        let parts = [subject.as_bytes(), operation.as_bytes(), key.as_bytes()];
        let digest_of_request = digest("request", &parts)?;
        let body = digest("body", &[&body])?;
        Ok(Self(Some(Request { practice: practice.clone(), digest: digest_of_request, body })))
    }

    /// The digest of who asked for what with which key; none for a request without a key.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.0.as_ref().map(|request| request.digest.as_str())
    }

    /// The answer given before; `None` when there was none.
    ///
    /// # Errors
    /// 422 when the key came with another body, 409 when what the answer told of was deleted since,
    /// 503 when the table does not answer.
    pub async fn answered<T: DeserializeOwned>(
        &self,
        store: &Store,
        now: At,
    ) -> Result<Option<T>, Problem> {
        let Some(request) = &self.0 else { return Ok(None) };
        let before: Option<Answered> = store.get(&request.key()).await?;
        let Some(before) = before.filter(|b| b.expires_at > now.seconds()) else {
            return Ok(None);
        };
        if before.body.is_some_and(|body| body != request.body) {
            return Err(Problem::key_reused());
        }
        let Some(answer) = before.answer else {
            return Err(Problem::conflict(
                "deleted",
                "This request was answered before, and what it made was deleted since.",
            ));
        };
        let kept = &mut serde_json::Deserializer::from_str(&answer);
        serde_path_to_error::deserialize(kept)
            .map(Some)
            .map_err(|e| Problem::internal(format!("kept answer: {} cannot be read", e.path())))
    }

    /// Where the answer is kept, and until when (seconds since 1970).
    #[must_use]
    pub fn kept(&self, now: At) -> Option<(&str, i64)> {
        self.0.as_ref().map(|request| (request.digest.as_str(), now.seconds() + KEPT))
    }

    /// Keeps the answer, as part of the change that creates what it tells of.
    ///
    /// # Errors
    /// 500 when the answer cannot be written as JSON.
    pub fn keep<T: Serialize>(
        &self,
        change: &mut Change,
        now: At,
        answer: &T,
    ) -> Result<(), Problem> {
        let Some(request) = &self.0 else { return Ok(()) };
        let answer = serde_json::to_string(answer).map_err(|e| Problem::internal(e.to_string()))?;
        let now = now.seconds();
        let body = Some(request.body.clone());
        let answered = Answered { body, answer: Some(answer), expires_at: now + KEPT };
        change.claim(&request.key(), &answered, now);
        Ok(())
    }
}

/// Takes a kept answer away, as part of the change that deletes what it tells of: a repeat of the
/// request is told so, and what was deleted is not made anew. A restored table has people without the
/// answers about them: there too the repeat is told so.
pub fn forget(change: &mut Change, practice: &PracticeId, kept: &KeptAnswer) {
    let key = keys::request(practice, &kept.request);
    change.update(&Update::upsert(key).unset("answer").set("expiresAt", &kept.until));
}

/// An answer as it is kept, which lacks what is shown once, and by which try it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Once<T> {
    /// The answer.
    pub answer: T,
    tried: String,
}

/// What is shown once: of the last try. One that was overtaken by its own repetition made something that never came
/// to be, and is answered as its repetition is.
#[derive(Debug, Default)]
pub struct ShownOnce(Option<(String, String)>);

impl ShownOnce {
    /// Notes what this try shows, beside the answer that lacks it.
    pub fn made<T>(&mut self, context: &Context, shown: &str, answer: T) -> Once<T> {
        let tried = context.ulid().to_string();
        self.0 = Some((tried.clone(), shown.to_owned()));
        Once { answer, tried }
    }

    /// What is shown with an answer: nothing with one that another try made.
    #[must_use]
    pub fn of<T>(self, once: &Once<T>) -> Option<String> {
        self.0.filter(|(tried, _)| *tried == once.tried).map(|(_, shown)| shown)
    }
}
