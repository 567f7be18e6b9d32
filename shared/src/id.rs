//! Names of things: opaque to everyone outside, of one shape each inside, so that a client's id can
//! never stand where a portal user's belongs and a malformed one never reaches the table.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;
use utoipa::ToSchema;

use crate::fields::{At, Refusal};

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Ulid);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let not = || Refusal::invalid("not_an_id", "Use the id as it was given.").error();
                Self::parse(&text).ok_or_else(not)
            }
        }

        impl $name {
            /// Makes the id from a fresh ULID.
            #[must_use]
            pub const fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// Reads an id; `None` for anything that is not exactly one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let ulid = Ulid::from_string(text).ok()?;
                (ulid.to_string() == text).then_some(Self(ulid))
            }

            /// The sixteen bytes of the id.
            #[must_use]
            pub fn bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// The id of these sixteen bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some("^[0-7][0-9A-HJKMNP-TV-Z]{25}$"))
                    .description(Some("An opaque id."))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    };
}

ulid_id!(
    /// A client's chart.
    ClientId
);
ulid_id!(
    /// One person's access to one client's portal.
    PortalUserId
);
ulid_id!(
    /// A person's account: random, never reused, the same when the sign-in name changes.
    AccountId
);
ulid_id!(
    /// A person of a practice's staff list: another one for each practice, and for each time of being
    /// on the list.
    StaffId
);
ulid_id!(
    /// A session, of staff or of a client.
    SessionId
);
ulid_id!(
    /// A passkey of an account.
    PasskeyId
);
ulid_id!(
    /// A mail in the outbox.
    MailId
);
ulid_id!(
    /// An alert.
    AlertId
);
ulid_id!(
    /// A reset that was asked for.
    AskId
);
ulid_id!(
    /// Word to apps of what ended.
    NoticeId
);
ulid_id!(
    /// One change for many.
    BulkId
);
ulid_id!(
    /// Work that such a change has left.
    StepId
);
ulid_id!(
    /// Word that a clock may have ended something.
    LapseId
);
ulid_id!(
    /// Word that a sign-in name is locked.
    LockoutId
);
ulid_id!(
    /// An event in the history.
    EventId
);
ulid_id!(
    /// One time of a grant being open: it changes with every activation, so that a session made
    /// before a revocation can never open what was granted after it.
    Epoch
);

impl SessionId {
    /// When it was made, which is when the session began.
    #[must_use]
    pub fn made_at(self) -> At {
        made_at(self.0)
    }
}

impl Epoch {
    /// When it was made, which is when the grant was opened.
    #[must_use]
    pub fn made_at(self) -> At {
        made_at(self.0)
    }
}

fn made_at(id: Ulid) -> At {
    At::from_millis(i64::try_from(id.timestamp_ms()).unwrap_or(i64::MAX))
}

/// A practice (tenant): 2 to 32 lower-case letters, digits and dashes, chosen by whoever deploys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PracticeId(String);

impl PracticeId {
    /// Reads a practice's id; `None` for anything that is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let shaped = (2..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        shaped.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PracticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PracticeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| Refusal::invalid("not_a_practice", "Use the practice's id.").error())
    }
}

impl utoipa::PartialSchema for PracticeId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[a-z0-9-]{2,32}$"))
            .min_length(Some(2))
            .max_length(Some(32))
            .description(Some("A practice's id."))
            .into()
    }
}

impl ToSchema for PracticeId {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("PracticeId")
    }
}

/// An app or a system that is registered: its practice, a dot, and a ULID. It is the `client_id` of OAuth,
/// so that the id of an app says where it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId {
    practice: PracticeId,
    ulid: Ulid,
}

impl AppId {
    /// Makes the id from a fresh ULID.
    #[must_use]
    pub const fn new(practice: PracticeId, ulid: Ulid) -> Self {
        Self { practice, ulid }
    }

    /// Reads an id; `None` for anything that is not exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (practice, rest) = text.split_once('.')?;
        let ulid = Ulid::from_string(rest).ok().filter(|ulid| ulid.to_string() == rest)?;
        Some(Self { practice: PracticeId::parse(practice)?, ulid })
    }

    /// The practice whose app it is.
    #[must_use]
    pub fn practice(&self) -> &PracticeId {
        &self.practice
    }

    /// What tells it from the practice's other apps.
    #[must_use]
    pub const fn ulid(&self) -> Ulid {
        self.ulid
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.practice, self.ulid)
    }
}

impl Serialize for AppId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AppId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| Refusal::invalid("not_an_app", "Use the app's id.").error())
    }
}

impl utoipa::PartialSchema for AppId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^[a-z0-9-]{2,32}\.[0-7][0-9A-HJKMNP-TV-Z]{25}$"))
            .description(Some("An app's id: its OAuth client_id."))
            .into()
    }
}

impl ToSchema for AppId {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("AppId")
    }
}

/// Where an account is kept: 16 bytes of a keyed digest of practice and sign-in name (see
/// [`crate::account::key_of`]), in unpadded base64url. Another sign-in name is another key; the
/// account's [`AccountId`] stays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountKey(String);

impl AccountKey {
    /// The key of these sixteen bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a key; `None` for anything that is not exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self::from_bytes(bytes))
    }

    /// The sixteen bytes of the key; zeros for a text that is not a key.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        URL_SAFE_NO_PAD
            .decode(&self.0)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default()
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the practices are listed whose staff a person is: 16 bytes of a keyed digest of the person's
/// e-mail address, or of who they are at the issuer (see [`crate::team`]), in unpadded base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoginKey(String);

impl LoginKey {
    /// The key of these sixteen bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Display for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the accounts with an e-mail address are listed: 16 bytes of a keyed digest of practice and
/// address (see [`crate::account::address_key`]), in unpadded base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressKey(String);

impl AddressKey {
    /// The key of these sixteen bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
