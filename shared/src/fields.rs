//! The values people type, parsed once at the door.
//!
//! A value of one of these types has been trimmed, normalised and measured, so nothing further in
//! has to ask whether a name is over-long or a date possible. Parsing errors carry a stable code
//! and a sentence; reading (`strict`) adds the name of the field. A text out of the
//! store is not parsed again (see `strict`): rules that grow stricter break nothing that is kept.

mod pasted;
mod secret;
mod time;
mod username;

use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::strict::{Typed, typed};

pub(crate) use self::pasted::{EXTENSIONS, ascii_domain, is_unseen};
pub use self::{
    secret::{Password, Secret},
    time::{At, Date},
};
pub use crate::refusal::Refusal;

const fn refusal(code: &'static str, message: &'static str) -> Refusal {
    Refusal { code: Cow::Borrowed(code), message: Cow::Borrowed(message), rule: false }
}

const EMPTY: Refusal = refusal("empty", "Enter something here.");
const CONTROL: Refusal =
    refusal("control_character", "Remove line breaks, tabs and other control characters.");

fn too_long(max: usize) -> Refusal {
    Refusal::invalid("too_long", format!("Use at most {max} characters."))
}

/// Takes what was pasted ([`pasted::clean`]) and measures what is left in characters. Refuses
/// control characters, and texts of which nothing can be seen.
fn text(raw: &str, min: usize, max: usize) -> Result<String, Refusal> {
    let value = pasted::clean(raw);
    if value.chars().any(char::is_control) {
        return Err(CONTROL);
    }
    let length = value.chars().count();
    if length > max {
        // Composing can make a text longer than it was typed.
        return Err(Refusal { rule: raw.chars().count() <= max, ..too_long(max) });
    }
    if min > 0 && raw.trim().is_empty() {
        return Err(EMPTY);
    }
    if length < min || length > 0 && !pasted::is_visible(&value) {
        return Err(Refusal::rule("not_visible", "Enter something that can be seen."));
    }
    Ok(value)
}

/// A JSON string schema with the limits that [`text`] enforces.
fn string_schema(
    description: &'static str,
    min: usize,
    max: usize,
    pattern: Option<&str>,
) -> RefOr<Schema> {
    let mut schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .min_length(Some(min))
        .max_length(Some(max));
    if let Some(pattern) = pattern {
        schema = schema.pattern(Some(pattern));
    }
    schema.into()
}

/// Declares a newtype over `String` which can only be had by parsing.
macro_rules! parsed {
    (#[doc = $doc:literal] $name:ident, $min:expr, $max:expr, $pattern:expr, $parse:expr) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(String);

        impl $name {
            /// Parses what somebody typed.
            ///
            /// # Errors
            /// The [`Refusal`] that tells them what to change.
            pub fn parse(raw: &str) -> Result<Self, Refusal> {
                let parse: fn(&str) -> Result<String, Refusal> = $parse;
                parse(raw).map(Self)
            }

            /// The parsed text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Typed for $name {
            fn parse(raw: &str) -> Result<Self, Refusal> {
                Self::parse(raw)
            }

            fn stored(text: String) -> Self {
                Self(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                typed(deserializer)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                string_schema($doc, $min, $max, $pattern)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// Text without control characters that is not blank: what the patterns in the API document allow.
const VISIBLE: Option<&str> = Some(
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
);
const VISIBLE_OR_EMPTY: Option<&str> = Some(r"^[^\u0000-\u001f\u007f-\u009f]*$");

parsed!(
    #[doc = "One part of a person's name, as the person writes it; may be empty."]
    NamePart,
    0,
    100,
    VISIBLE_OR_EMPTY,
    |raw| text(raw, 0, 100)
);
parsed!(
    #[doc = "An e-mail address. Checked for shape only: whether it takes mail is for the mail to find out."]
    Email,
    3,
    254,
    Some(
        r"^\s*(?!\.)(?!'+@)(?![^@]*\.[.@])[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\s*$"
    ),
    email
);
parsed!(
    #[doc = "The name a person signs in with. Compared without regard to case."]
    Username,
    1,
    254,
    Some(r"^\s*[^\s\u0000-\u001f\u007f-\u009f]+\s*$"),
    username::parse
);
parsed!(
    #[doc = "A phone number, as written; its digits are what search uses."]
    PhoneNumber,
    2,
    40,
    Some(r"^\s*[+(]{0,2}[0-9][0-9 ().+x#/-]{0,36}[0-9]\s*$"),
    phone_number
);
parsed!(
    #[doc = "The number of a client's chart, unique in its practice."]
    RecordNumber,
    1,
    40,
    Some(r"^\s*[A-Za-z0-9]([A-Za-z0-9./ _-]{0,38}[A-Za-z0-9])?\s*$"),
    |raw| {
        let value = pasted::narrow(&text(raw, 1, 40)?);
        let edge = |c: char| c.is_ascii_alphanumeric();
        if !value.starts_with(edge)
            || !value.ends_with(edge)
            || value.chars().any(|c| !(edge(c) || "./ _-".contains(c)))
        {
            return Err(refusal(
                "not_a_record_number",
                "Use letters and digits, with dots, dashes, slashes or spaces between them.",
            ));
        }
        Ok(value)
    }
);
parsed!(
    #[doc = "The professional who cares for the client."]
    Professional,
    1,
    100,
    VISIBLE,
    |raw| text(raw, 1, 100)
);
parsed!(
    #[doc = "The name of an app or a system, as people read it when they sign in."]
    AppName,
    1,
    60,
    VISIBLE,
    |raw| text(raw, 1, 60)
);
parsed!(
    #[doc = "The name of a person of the staff, as the practice calls them."]
    StaffName,
    1,
    100,
    VISIBLE,
    |raw| text(raw, 1, 100)
);
parsed!(
    #[doc = "What a person calls a passkey, such as the device that holds it."]
    PasskeyName,
    1,
    60,
    VISIBLE,
    |raw| text(raw, 1, 60)
);
parsed!(
    #[doc = "The name of a practice, or of the sender of its mails: one of which no mail program makes a link."]
    PracticeName,
    1,
    100,
    VISIBLE,
    |raw| {
        let value = text(raw, 1, 100)?;
        if crate::letter::is_linked(&value) {
            return Err(Refusal::rule(
                "would_be_a_link",
                "Mail programs would make a link of this: leave out addresses, phone numbers, and dots or @ between letters.",
            ));
        }
        Ok(value)
    }
);
parsed!(
    #[doc = "Which of an app's public keys one is (kid)."]
    KeyId,
    1,
    100,
    Some(r"^[!-~]+$"),
    |raw| {
        let shaped = (1..=100).contains(&raw.len()) && raw.bytes().all(|b| b.is_ascii_graphic());
        let not = refusal("not_a_key_id", "Use 1 to 100 visible ASCII characters.");
        if shaped { Ok(raw.to_owned()) } else { Err(not) }
    }
);
parsed!(
    #[doc = "Why access was revoked, for the practice's own record."]
    Reason,
    1,
    500,
    VISIBLE,
    |raw| text(raw, 1, 500)
);
parsed!(
    #[doc = "What somebody types to search: a name, e-mail, phone, record number or date of birth."]
    SearchText,
    1,
    200,
    VISIBLE,
    |raw| text(raw, 1, 200)
);
parsed!(
    #[doc = "A client's last name as a person types it to prove who they are."]
    ProofName,
    1,
    200,
    VISIBLE,
    |raw| text(raw, 1, 200)
);

fn phone_number(raw: &str) -> Result<String, Refusal> {
    const NOT: Refusal = refusal(
        "not_a_phone_number",
        "Enter a phone number: digits, with spaces, dots, dashes or brackets, and x12 for an extension.",
    );
    if raw.trim().is_empty() {
        return Err(EMPTY);
    }
    let value = pasted::number(&text(raw, 1, 80)?);
    let number = value.trim_start_matches(['+', '(']);
    let edges = number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit());
    if number.len() < 2
        || value.len() - number.len() > 2
        || !edges
        || number.chars().any(|c| !(c.is_ascii_digit() || " ().+x#/-".contains(c)))
    {
        return Err(NOT);
    }
    if value.len() > 40 { Err(too_long(40)) } else { Ok(value) }
}

fn email(raw: &str) -> Result<String, Refusal> {
    const NOT: Refusal = refusal("not_an_email", "Enter an e-mail address, like name@example.com.");
    const LOCAL: Refusal = refusal(
        "not_an_email",
        "Before the @, use letters without accents, digits and signs such as . _ - +, like name@example.com.",
    );
    let value = pasted::address(&text(raw, 1, 512)?);
    let (local, domain) = value.rsplit_once('@').ok_or(NOT)?;
    if !local.is_ascii() && !local.contains(char::is_whitespace) {
        return Err(LOCAL);
    }
    let domain = pasted::ascii_domain(domain).ok_or(NOT)?;
    // What stands between the dots, so that none leads, trails or follows another: RFC 5322's
    // dot-atom, without which the mail service takes no mail.
    let atom = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_{|}~-".contains(c))
    };
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if !(1..=64).contains(&local.len())
        || !local.split('.').all(atom)
        || !(2..=6).contains(&domain.split('.').count())
        || !domain.split('.').all(label)
    {
        return Err(NOT);
    }
    let address = format!("{local}@{domain}");
    if address.len() > 254 { Err(too_long(254)) } else { Ok(address) }
}

impl Email {
    /// Whether two addresses are one: compared without regard to case, as every provider does.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }

    /// The form in which addresses compare.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl RecordNumber {
    /// The form in which numbers compare: case and kind of separators do not count, separators do.
    /// `HC/2024-0017` is `hc 2024 0017`; `12-1` is not `1-21`.
    #[must_use]
    pub fn compared(&self) -> String {
        let parts = self.0.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("-").to_lowercase()
    }
}

impl NamePart {
    /// A part that is not there.
    #[must_use]
    pub fn none() -> Self {
        Self(String::new())
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// Here and below, `deny_unknown_fields` is for the API document: what is read is the parts, without
// other members at the door (`strict` sees to it), with whatever a newer version wrote in the store.

/// A person's name. One of `first` and `last` may be empty: many people have a single name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "A person's name; one of first and last may be empty.")]
pub struct Name {
    /// Given name; may be empty when `last` is not.
    pub first: NamePart,
    /// Family name; may be empty when `first` is not.
    pub last: NamePart,
    /// What the person likes to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred: Option<NamePart>,
}

#[derive(Deserialize)]
struct NameParts {
    first: NamePart,
    last: NamePart,
    #[serde(default)]
    preferred: Option<NamePart>,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let NameParts { first, last, preferred } = NameParts::deserialize(deserializer)?;
        Self::new(first, last, preferred).map_err(|refusal| refusal.error())
    }
}

impl Name {
    /// Puts a name together.
    ///
    /// # Errors
    /// `empty` when both `first` and `last` are.
    pub fn new(
        first: NamePart,
        last: NamePart,
        preferred: Option<NamePart>,
    ) -> Result<Self, Refusal> {
        if first.is_empty() && last.is_empty() {
            return Err(Refusal::rule("empty", "Enter a first or a last name."));
        }
        let preferred = preferred.filter(|p| !p.is_empty());
        Ok(Self { first, last, preferred })
    }

    /// The name as it is said: first, then last.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{} {}", self.first.as_str(), self.last.as_str()).trim().to_owned()
    }

    /// The name by which to greet the person.
    #[must_use]
    pub fn greeting(&self) -> &str {
        let preferred = self.preferred.as_ref().map_or("", NamePart::as_str);
        [preferred, self.first.as_str(), self.last.as_str()]
            .into_iter()
            .find(|part| !part.is_empty())
            .unwrap_or_default()
    }
}

/// What a portal user may do. The names on the pages stand in the design, section 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// Basic Functions.
    Basic,
    /// Messaging.
    Messaging,
    /// Access to Documents.
    Documents,
    /// Session & Homework.
    Sessions,
    /// Billing, Invoicing & Insurance.
    Billing,
    /// View & Submit Surveys.
    Surveys,
}

impl Permission {
    /// The slug that the API answers.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Messaging => "messaging",
            Self::Documents => "documents",
            Self::Sessions => "sessions",
            Self::Billing => "billing",
            Self::Surveys => "surveys",
        }
    }
}

/// A set of permissions; repeats in the input count once. May be empty.
pub type Permissions = BTreeSet<Permission>;

/// What a portal user is to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Relationship {
    /// The client.
    #[serde(rename = "self")]
    Oneself,
    /// A parent.
    Parent,
    /// A legal guardian.
    Guardian,
    /// A spouse or partner.
    Spouse,
    /// Anybody else.
    Other,
}

/// Which of a person's addresses or numbers one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ContactType {
    /// At home.
    Home,
    /// At work.
    Work,
    /// A mobile phone.
    Mobile,
    /// Anything else.
    Other,
}

/// An e-mail address of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "EmailParts", deny_unknown_fields)]
pub struct ContactEmail {
    /// Which address it is.
    pub r#type: ContactType,
    /// The address.
    pub address: Email,
    /// Whether mail may go there while the client is under safe contact.
    pub safe: bool,
}

/// An e-mail address of a client, as it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "EmailParts", deny_unknown_fields)]
pub struct GivenEmail {
    /// Which address it is.
    pub r#type: ContactType,
    /// The address.
    pub address: Email,
    /// Whether mail may go there while the client is under safe contact. Not named, it stays as it is; of a new
    /// address it is not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe: Option<bool>,
}

#[derive(Deserialize)]
struct EmailParts {
    r#type: ContactType,
    address: Email,
    #[serde(default)]
    safe: Option<bool>,
}

impl From<EmailParts> for ContactEmail {
    fn from(EmailParts { r#type, address, safe }: EmailParts) -> Self {
        Self { r#type, address, safe: safe == Some(true) }
    }
}

impl From<EmailParts> for GivenEmail {
    fn from(EmailParts { r#type, address, safe }: EmailParts) -> Self {
        Self { r#type, address, safe }
    }
}

impl GivenEmail {
    /// The address as it is kept from now on, beside those that were kept before.
    #[must_use]
    pub fn kept(&self, before: &[ContactEmail]) -> ContactEmail {
        let mut marks = before.iter().filter(|email| email.address.same(&self.address)).peekable();
        // Where an address stands twice, it is safe by all of its marks, as for mail.
        let safe =
            self.safe.unwrap_or_else(|| marks.peek().is_some() && marks.all(|email| email.safe));
        ContactEmail { r#type: self.r#type, address: self.address.clone(), safe }
    }
}

/// A phone number of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "PhoneParts", deny_unknown_fields)]
pub struct ContactPhone {
    /// Which phone it is.
    pub r#type: ContactType,
    /// The number.
    pub number: PhoneNumber,
}

#[derive(Deserialize)]
struct PhoneParts {
    r#type: ContactType,
    number: PhoneNumber,
}

impl From<PhoneParts> for ContactPhone {
    fn from(PhoneParts { r#type, number }: PhoneParts) -> Self {
        Self { r#type, number }
    }
}

/// A whole number, not negative. JSON has one kind of number: `4` and `4.0` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NOT: Refusal = refusal("wrong_type", "This must be a whole number, not negative.");
        let number = serde_json::Number::deserialize(deserializer)?;
        let whole = number.as_u64().or_else(|| {
            let float =
                number.as_f64().filter(|f| f.fract() == 0.0 && (0.0..=EXACT).contains(f))?;
            format!("{float:.0}").parse().ok()
        });
        whole.map(Self).ok_or_else(|| NOT.error())
    }
}

/// Up to here a JSON number is exact everywhere: 2⁵³ − 1 (RFC 8259, section 6).
const EXACT: f64 = 9_007_199_254_740_991.0;

impl PartialSchema for Whole {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(9_007_199_254_740_991_i64))
            .into()
    }
}

impl ToSchema for Whole {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Whole")
    }
}
