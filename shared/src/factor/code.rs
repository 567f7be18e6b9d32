//! Codes on paper: the recovery code that a person keeps, and the code that the front desk prints.
//!
//! A code is 120 random bits in 24 letters and digits, without those that look alike (Crockford's base 32).
//! So many bits need no slow hash (NIST SP 800-63B-4, section 3.1.2.2: 112 bits or more), and nobody guesses
//! one. The table keeps the SHA-256 alone: a code is shown when it is made and never again.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{context::Context, fields::Secret, refusal::Refusal};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters and digits of a code.
const LENGTH: usize = 24;
/// How many of them stand together on paper.
const GROUP: usize = 4;

/// A code: shown once.
pub struct Code(String);

/// SHA-256 of a code: all that the table keeps of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeHash(String);

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash")
    }
}

impl Code {
    /// A fresh code.
    #[must_use]
    pub fn new(context: &Context) -> Self {
        let bytes: [u8; 15] = context.random();
        let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let place = |n: usize| usize::try_from(bits >> (5 * n) & 31).unwrap_or_default();
        Self((0..LENGTH).map(|n| char::from(ALPHABET[place(n)])).collect())
    }

    /// Reads a code as it was typed: spaces, hyphens, small letters and the letters that look like digits are
    /// understood. `None` for anything that cannot be one.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let read = |c: char| match c.to_ascii_uppercase() {
            'O' => Some('0'),
            'I' | 'L' => Some('1'),
            c => u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte)).then_some(c),
        };
        let parted = |c: &char| !(c.is_whitespace() || matches!(c, '-' | '–' | '—' | '.'));
        let code: String = typed.chars().filter(parted).map(read).collect::<Option<_>>()?;
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// The code as it is shown and printed: in groups of four.
    #[must_use]
    pub fn text(&self) -> Secret {
        let groups: Vec<&str> =
            (0..LENGTH).step_by(GROUP).filter_map(|from| self.0.get(from..from + GROUP)).collect();
        Secret::new(groups.join("-"))
    }

    /// What the table keeps.
    #[must_use]
    pub fn hash(&self) -> CodeHash {
        CodeHash(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes())))
    }

    /// Whether this is the code with that hash; takes as long whether or not.
    #[must_use]
    pub fn matches(&self, hash: &CodeHash) -> bool {
        self.hash().0.as_bytes().ct_eq(hash.0.as_bytes()).into()
    }
}

/// A code as somebody typed it, of an app or from paper: 1 to 64 characters.
#[derive(Clone)]
pub struct TypedCode(String);

impl TypedCode {
    /// What was typed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode")
    }
}

impl<'de> Deserialize<'de> for TypedCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        match raw.chars().count() {
            0 => Err(Refusal::invalid("empty", "Enter something here.").error()),
            n if n > 64 => Err(Refusal::invalid("too_long", "Use at most 64 characters.").error()),
            _ => Ok(Self(raw.into_owned())),
        }
    }
}

impl PartialSchema for TypedCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A code of an authenticator app, or one from paper."))
            .min_length(Some(1))
            .max_length(Some(64))
            .into()
    }
}

impl ToSchema for TypedCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TypedCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(byte: u8) -> Code {
        let fill = move |bytes: &mut [u8]| bytes.fill(byte);
        Code::new(&Context::new(crate::context::system_clock(), std::sync::Arc::new(fill), None))
    }

    #[test]
    fn a_code_is_read_as_it_is_typed() {
        let made = code(0b0000_1000);
        let text = made.text().reveal().to_owned();
        assert_eq!(text.len(), 29);
        let typed =
            [text.clone(), text.replace('-', " "), text.replace('-', ""), text.to_lowercase()];
        for typed in typed {
            assert!(Code::parse(&typed).expect("a code").matches(&made.hash()), "{typed}");
        }
        let zeros = code(0);
        assert_eq!(zeros.text().reveal(), "0000-0000-0000-0000-0000-0000");
        assert!(
            Code::parse("oOo0-oOo0-oOo0-oOo0-oOo0-oOo0").expect("a code").matches(&zeros.hash())
        );
        assert!(!made.matches(&zeros.hash()));
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        let long = "0".repeat(25);
        for typed in
            ["", "0000-0000", &long, "0000-0000-0000-0000-0000-000U", "é".repeat(24).as_str()]
        {
            assert!(Code::parse(typed).is_none(), "{typed}");
        }
    }
}
