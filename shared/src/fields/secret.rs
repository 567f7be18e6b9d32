//! What must not show.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::{EMPTY, Refusal, string_schema, too_long};

/// A text that must not show in a log: its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself: for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A password as typed: 1 to 256 characters at this door; how strong a new one must be is for
/// [`crate::password`].
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// The password as typed, composed (NFC, after NIST SP 800-63B) so that one keyboard's `é`
    /// is another's.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes a password as typed.
    ///
    /// # Errors
    /// `empty`, or `too_long` past 256 characters.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        match raw.chars().count() {
            0 => Err(EMPTY),
            n if n > 256 => Err(too_long(256)),
            _ => Ok(Self(raw.nfc().collect())),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&raw).map_err(|refusal| refusal.error())
    }
}

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        string_schema("A password; any characters.", 1, 256, None)
    }
}

impl ToSchema for Password {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Password")
    }
}
