//! Reading what people send: request bodies and parameters.
//!
//! There are two steps. The text becomes a [`Sent`] value, which keeps every member in its order; then
//! the value becomes a type. The second step is stricter than serde by itself:
//! - an object has no members but those of its struct, and none twice;
//! - a list is no struct, and an object no enum;
//! - texts of a [`Typed`] kind are parsed.
//!
//! Its error is a [`Fault`]: the field, a stable code and a sentence. Stored items are read by serde's
//! own rules instead: a newer version may have written more members, an older one by other rules.

use std::{fmt, marker::PhantomData, vec};

use serde::{
    de::{
        self, Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected,
        IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::Number;

use crate::refusal::Refusal;

/// A text that people type.
pub trait Typed: Sized {
    /// Parses it, when it comes from outside.
    ///
    /// # Errors
    /// What to tell the person who typed it.
    fn parse(raw: &str) -> Result<Self, Refusal>;

    /// Takes it as it stands, when it comes out of the store: it was parsed before it went in, by
    /// the rules of its day.
    fn stored(text: String) -> Self;
}

/// The name under which [`typed`] asks for a text: it tells [`Sent`] from every other deserializer.
const TYPED: &str = "typed text";

/// Reads a [`Typed`] text: parsed when it was sent, as it stands when it was stored.
///
/// # Errors
/// When it is no text, or parsing refuses it.
pub fn typed<'de, T: Typed, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<'de, T: Typed> Visitor<'de> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, raw: &str) -> Result<T, E> {
            T::parse(raw).map_err(|refusal| refusal.error())
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
            String::deserialize(inner).map(T::stored)
        }
    }

    deserializer.deserialize_newtype_struct(TYPED, Text(PhantomData))
}

impl Refusal {
    /// The refusal as serde's error, in serde's own terms: the code is what was found, the sentence
    /// what was expected. A [`Fault`] takes them apart again.
    #[must_use]
    pub fn error<E: de::Error>(&self) -> E {
        let found = Unexpected::Other(&self.code);
        if self.rule { E::invalid_value(found, self) } else { E::invalid_type(found, self) }
    }
}

impl Expected for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why a value cannot be read, and where.
#[derive(Debug)]
pub struct Fault {
    /// The way to the field, innermost first.
    steps: Vec<Step>,
    /// What is wrong with it.
    pub refusal: Refusal,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Index(usize),
}

impl Fault {
    fn new(refusal: Refusal) -> Self {
        Self { steps: Vec::new(), refusal }
    }

    fn wrong_type(right: impl fmt::Display) -> Self {
        Self::new(Refusal::invalid("wrong_type", format!("This must be {right}.")))
    }

    /// The fault as one of the member of this name.
    #[must_use]
    pub fn in_member(self, name: &str) -> Self {
        self.within(Step::Member(name.to_owned()))
    }

    /// The fault as one of a value of a list.
    #[must_use]
    pub fn in_list(self, index: usize) -> Self {
        self.within(Step::Index(index))
    }

    fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The field as in `emails[0].address`; `body` for the whole.
    #[must_use]
    pub fn field(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            let step = match step {
                Step::Index(index) => format!("[{index}]"),
                Step::Member(name) if path.is_empty() => name.clone(),
                Step::Member(name) => format!(".{name}"),
            };
            path.push_str(&step);
        }
        if path.is_empty() { "body".to_owned() } else { path }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field(), self.refusal.code)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new(Refusal::invalid("invalid", "This value is not valid."))
    }

    fn invalid_type(found: Unexpected<'_>, right: &dyn Expected) -> Self {
        match found {
            Unexpected::Other(code) => {
                Self::new(Refusal::invalid(code.to_owned(), right.to_string()))
            }
            _ => Self::wrong_type(right),
        }
    }

    fn invalid_value(found: Unexpected<'_>, right: &dyn Expected) -> Self {
        match found {
            Unexpected::Other(code) => Self::new(Refusal::rule(code.to_owned(), right.to_string())),
            _ => Self::new(Refusal::invalid("invalid", format!("This must be {right}."))),
        }
    }

    fn unknown_variant(_: &str, options: &'static [&'static str]) -> Self {
        let message = format!("This is not one of the options: {}.", options.join(", "));
        Self::new(Refusal::invalid("not_an_option", message))
    }

    fn unknown_field(name: &str, members: &'static [&'static str]) -> Self {
        let message = match members {
            [] => "There is no such field here.".to_owned(),
            members => format!("There is no such field here, only: {}.", members.join(", ")),
        };
        Self::new(Refusal::invalid("unknown", message)).within(Step::Member(name.to_owned()))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Refusal::invalid("missing", "This field is needed."))
            .within(Step::Member(name.to_owned()))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Refusal::invalid("duplicate", "This field is there twice."))
            .within(Step::Member(name.to_owned()))
    }
}

/// A value as it was sent.
#[derive(Debug)]
pub enum Sent {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Sent>),
    /// An object, or a row of parameters: its members in their order, however often they are there.
    Object(Vec<(String, Sent)>),
}

impl Sent {
    /// Reads the value as a type.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Fault> {
        T::deserialize(self)
    }

    fn text(self) -> Result<String, Fault> {
        if let Self::Text(text) = self { Ok(text) } else { Err(Fault::wrong_type("a string")) }
    }
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Sent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Sent, E> {
                Ok(Sent::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Sent, E> {
                Ok(Sent::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Sent, E> {
                Ok(Sent::Number(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Sent, E> {
                Ok(Sent::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Sent, E> {
                Ok(Number::from_f64(value).map_or(Sent::Null, Sent::Number))
            }

            fn visit_str<E>(self, value: &str) -> Result<Sent, E> {
                Ok(Sent::Text(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Sent, E> {
                Ok(Sent::Text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sent, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Sent::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Sent, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Sent::Object(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserializer<'de> for Sent {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(whole), ..) => visitor.visit_u64(whole),
                (_, Some(whole), _) => visitor.visit_i64(whole),
                (.., float) => visitor.visit_f64(float.unwrap_or(f64::NAN)),
            },
            Self::Text(text) => visitor.visit_string(text),
            Self::List(values) => visitor.visit_seq(Values(values.into_iter().enumerate())),
            Self::Object(members) => visitor.visit_map(Members::new(None, members)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Self::Null = self { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == TYPED {
            return visitor.visit_string(self.text()?);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::List(_) => self.deserialize_any(visitor),
            _ => Err(Fault::wrong_type("a list")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Self::Object(sent) => visitor.visit_map(Members::new(Some(members), sent)),
            _ => Err(Fault::wrong_type("an object")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(Word(self.text()?))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct map identifier ignored_any
    }
}

/// One of a few words: an enum without data.
struct Word(String);

impl<'de> EnumAccess<'de> for Word {
    type Error = Fault;
    type Variant = Alone;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Alone), Fault> {
        seed.deserialize(self.0.into_deserializer()).map(|word| (word, Alone))
    }
}

/// A word with nothing behind it.
struct Alone;

impl<'de> de::VariantAccess<'de> for Alone {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Fault> {
        Err(Fault::wrong_type("an object"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::wrong_type("an object"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(Fault::wrong_type("an object"))
    }
}

/// The values of a list.
struct Values(std::iter::Enumerate<vec::IntoIter<Sent>>);

impl<'de> SeqAccess<'de> for Values {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((index, value)) = self.0.next() else { return Ok(None) };
        seed.deserialize(value).map(Some).map_err(|fault| fault.within(Step::Index(index)))
    }
}

/// The members of an object, which may have no others than those that are known.
struct Members {
    known: Option<&'static [&'static str]>,
    left: vec::IntoIter<(String, Sent)>,
    next: Option<(String, Sent)>,
}

impl Members {
    fn new(known: Option<&'static [&'static str]>, members: Vec<(String, Sent)>) -> Self {
        Self { known, left: members.into_iter(), next: None }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        if let Some(known) = self.known.filter(|known| !known.contains(&name.as_str())) {
            return Err(de::Error::unknown_field(&name, known));
        }
        let key = seed.deserialize(name.as_str().into_deserializer())?;
        self.next = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, value) = self.next.take().ok_or_else(|| Fault::wrong_type("an object"))?;
        seed.deserialize(value).map_err(|fault| fault.within(Step::Member(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{ContactEmail, ContactPhone, Name, Permission, Whole};

    fn fault<T: DeserializeOwned + fmt::Debug>(json: &str) -> (String, String, String, bool) {
        let sent: Sent = serde_json::from_str(json).unwrap();
        let fault = sent.read::<T>().unwrap_err();
        let (field, Refusal { code, message, rule }) = (fault.field(), fault.refusal);
        (field, code.into_owned(), message.into_owned(), rule)
    }

    #[test]
    fn a_fault_names_the_field_the_code_and_what_would_be_right() {
        for (json, field, code, says) in [
            (r#"{"type":"home","address":"zoe"}"#, "address", "not_an_email", "name@example.com"),
            (
                r#"{"type":"fax","address":"a@b.example"}"#,
                "type",
                "not_an_option",
                "home, work, mobile, other",
            ),
            (r#"{"type":["home"],"address":"a@b.example"}"#, "type", "wrong_type", "a string"),
            (r#"{"type":"home"}"#, "address", "missing", "needed"),
            (
                r#"{"type":"home","type":"home","address":"a@b.example"}"#,
                "type",
                "duplicate",
                "twice",
            ),
            (r#"{"type":"home","adress":"a@b.example"}"#, "adress", "unknown", "type, address"),
            (r#"["home","a@b.example"]"#, "body", "wrong_type", "an object"),
            (r#"{"type":"home","address":7}"#, "address", "wrong_type", "a string"),
        ] {
            let (at, found, message, rule) = fault::<ContactEmail>(json);
            assert_eq!((at.as_str(), found.as_str(), rule), (field, code, false), "{json}");
            assert!(message.contains(says), "{json}: {message}");
        }
    }

    #[test]
    fn a_fault_further_in_names_the_whole_way() {
        let list = r#"[{"type":"home","number":"555 0107"},{"type":"home","number":"abc"}]"#;
        assert_eq!(fault::<Vec<ContactPhone>>(list).0, "[1].number");
        assert_eq!(fault::<Vec<Permission>>(r#"["basic","all"]"#).0, "[1]");
    }

    #[test]
    fn a_rule_is_told_from_a_wrong_shape() {
        assert!(fault::<Name>(r#"{"first":"","last":""}"#).3);
        assert!(!fault::<Whole>("1.5").3);
        assert!(!fault::<Name>(r#"{"first":""}"#).3);
    }
}
