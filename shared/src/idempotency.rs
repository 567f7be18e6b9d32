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
    id::PracticeId,
    keys::{self, Key},
    problem::Problem,
    store::Change,
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
            return Err(Problem::invalid(
                "Idempotency-Key",
                "invalid",
                "Use 1 to 255 visible ASCII characters.",
            ));
        }
        Ok(Self(Some(text.to_owned())))
    }
}

/// A request that may have been made before: where its answer is kept, and a digest of its body.
/// Nothing for a request without a key.
#[derive(Debug)]
pub struct Attempt(Option<(Key, String)>);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    body: String,
    answer: String,
    expires_at: i64,
}

impl Attempt {
    /// Names the request: who asks (`subject`), for what (`operation`, with the ids in its path),
    /// and with which body.
    ///
    /// # Errors
    /// 500 when the body cannot be written as JSON, or the function was given no secret.
    pub fn new<B: Serialize>(
        app: &App,
        practice: &PracticeId,
        subject: &str,
        operation: &str,
        key: &IdempotencyKey,
        body: &B,
    ) -> Result<Self, Problem> {
        let Some(key) = &key.0 else { return Ok(Self(None)) };
        let digest = |purpose: &str, parts: &[&[u8]]| {
            app.hmac(purpose, parts).map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
        };
        let body = serde_json::to_vec(body).map_err(|e| Problem::internal(e.to_string()))?;
        let parts = [subject.as_bytes(), operation.as_bytes(), key.as_bytes()];
        let key = keys::request(practice, &digest("request", &parts)?);
        Ok(Self(Some((key, digest("body", &[&body])?))))
    }

    /// The answer given before; `None` when there was none.
    ///
    /// # Errors
    /// 422 when the key came with another body; 503 when the table does not answer.
    pub async fn answered<T: DeserializeOwned>(&self, app: &App) -> Result<Option<T>, Problem> {
        let Some((key, body)) = &self.0 else { return Ok(None) };
        let before: Option<Answered> = app.store().get(key).await?;
        let Some(before) = before.filter(|b| b.expires_at > app.now().seconds()) else {
            return Ok(None);
        };
        if before.body != *body {
            return Err(Problem::key_reused());
        }
        let kept = &mut serde_json::Deserializer::from_str(&before.answer);
        serde_path_to_error::deserialize(kept)
            .map(Some)
            .map_err(|e| Problem::internal(format!("kept answer: {} cannot be read", e.path())))
    }

    /// Keeps the answer, as part of the change that creates what it tells of.
    ///
    /// # Errors
    /// 500 when the answer cannot be written as JSON.
    pub fn keep<T: Serialize>(
        &self,
        app: &App,
        change: &mut Change,
        answer: &T,
    ) -> Result<(), Problem> {
        let Some((key, body)) = &self.0 else { return Ok(()) };
        let answer = serde_json::to_string(answer).map_err(|e| Problem::internal(e.to_string()))?;
        let now = app.now().seconds();
        let answered = Answered { body: body.clone(), answer, expires_at: now + KEPT };
        change.claim(key, &answered, now);
        Ok(())
    }
}
