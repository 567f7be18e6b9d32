//! Why a value that somebody gave is refused.

use std::{borrow::Cow, fmt};

/// Why a value was refused: a stable slug, and a sentence that says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable slug, such as `too_long`.
    pub code: Cow<'static, str>,
    /// What to do about it, in a sentence without the field's name.
    pub message: Cow<'static, str>,
    /// Whether a rule refuses it that the API document's schema cannot say: 422 instead of 400.
    pub rule: bool,
}

impl Refusal {
    /// A value that the API document's schema rules out.
    pub fn invalid(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code: code.into(), message: message.into(), rule: false }
    }

    /// A value that the schema allows and a rule refuses.
    pub fn rule(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), rule: true }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
