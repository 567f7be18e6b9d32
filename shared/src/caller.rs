//! Who sent a request, as far as any request tells.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// The request's id and its source address.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// Names the request in answers, logs and history.
    pub request_id: String,
    /// Source address.
    pub source: String,
}

impl Caller {
    /// The caller that [`crate::web::finish`] noted in the request.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}
