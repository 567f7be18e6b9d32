//! One client of a list, read leniently: what is wrong with a field that may be missing costs that
//! field, and what is wrong with one that is needed costs the row. The whole request fails for neither.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use shared::{
    chart::{ClientUpdate, NewUser},
    client::{Client, Summary},
    fields::{
        At, ContactPhone, Date, GivenEmail, Name, NamePart, Professional, RecordNumber, Refusal,
    },
    id::ClientId,
    lists::Listing,
    problem::FieldProblem,
    web::{Fault, Sent},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AnyOfBuilder, ObjectBuilder, Type},
    },
};

use crate::Synced;

/// Most addresses, and most numbers, of a client.
const MOST_CONTACTS: usize = 10;
/// Most fields of one row that an answer names.
const MOST_NAMED: usize = 30;

/// A client as another system has it. What is not named stays as it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncRow)]
pub struct Row {
    /// Number of the chart: by it the client is found.
    pub record_number: RecordNumber,
    /// The client's name. A preferred name that is not named stays, an empty one is taken away.
    pub name: Name,
    /// The client's date of birth, not in the future.
    pub date_of_birth: Date,
    /// All e-mail addresses, at most ten; none of them when the list is empty.
    #[schema(max_items = 10)]
    pub emails: Option<Vec<GivenEmail>>,
    /// All phone numbers, at most ten; none of them when the list is empty.
    #[schema(max_items = 10)]
    pub phones: Option<Vec<ContactPhone>>,
    /// Who cares for the client; null takes the name away.
    #[schema(value_type = Option<Professional>)]
    pub professional: Option<Option<Professional>>,
    /// A portal user to invite with a client who is new. Not part of a request.
    #[serde(skip)]
    #[schema(ignore)]
    pub guardian: Option<NewUser>,
    /// The fields that were left out, and why.
    #[serde(skip)]
    #[schema(ignore)]
    pub left_out: Vec<FieldProblem>,
}

impl Row {
    /// The client of this row, as a new one with nobody in its portal.
    #[must_use]
    pub fn client(&self, id: ClientId) -> Client {
        let name = self.name.clone();
        Client {
            client_id: id,
            name: Name { preferred: name.preferred.filter(|p| !p.is_empty()), ..name },
            former_names: Vec::new(),
            date_of_birth: self.date_of_birth,
            record_number: self.record_number.clone(),
            emails: self.emails.iter().flatten().map(|email| email.kept(&[])).collect(),
            phones: self.phones.clone().unwrap_or_default(),
            professional: self.professional.clone().flatten(),
            chart_owner: None,
            alert_recipient: None,
            closed: None,
            safe_contact: false,
            portal: Summary::default(),
            listing: Listing::default(),
            version: 1,
            rev: 0,
        }
    }

    /// The edit that brings a client in line with this row. The record number stays as it is written.
    #[must_use]
    pub fn update(&self, client: &Client) -> ClientUpdate {
        let name = self.name.clone();
        let preferred = name.preferred.or_else(|| client.name.preferred.clone());
        ClientUpdate {
            version: client.version,
            name: Some(Name { preferred: preferred.filter(|p| !p.is_empty()), ..name }),
            date_of_birth: Some(self.date_of_birth),
            record_number: None,
            emails: self.emails.as_ref().map(|emails| with_safe(emails, client)),
            phones: self.phones.clone(),
            professional: self.professional.clone(),
            safe_contact: None,
        }
    }
}

/// The addresses of a row, and those that the front desk marked as safe: a program that does not know them does not
/// take them away from a client under safe contact.
fn with_safe(emails: &[GivenEmail], client: &Client) -> Vec<GivenEmail> {
    let mut all = emails.to_vec();
    for known in client.emails.iter().filter(|known| client.safe_contact && known.safe) {
        if !emails.iter().any(|email| email.address.same(&known.address)) {
            let (r#type, address) = (known.r#type, known.address.clone());
            all.push(GivenEmail { r#type, address, safe: None });
        }
    }
    all
}

/// A row as it was sent: an object, whatever is in it.
#[derive(Debug)]
pub struct SentRow(Vec<(String, Sent)>);

impl<'de> Deserialize<'de> for SentRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Sent::deserialize(deserializer)? {
            Sent::Object(members) => Ok(Self(members)),
            _ => Err(Refusal::invalid("wrong_type", "This must be an object.").error()),
        }
    }
}

impl PartialSchema for SentRow {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(Ref::from_schema_name("SyncRow"))
            .item(ObjectBuilder::new().schema_type(Type::Object))
            .description(Some("A client. An object that is none, or not wholly, is answered as `invalid` or with the fields that were left out: no row costs another."))
            .into()
    }
}

impl ToSchema for SentRow {
    fn name() -> std::borrow::Cow<'static, str> {
        "SentRow".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Row::name().into_owned(), Row::schema()));
        Row::schemas(schemas);
    }
}

impl SentRow {
    /// Reads the row.
    ///
    /// # Errors
    /// What the row is answered with when a field that is needed is wrong or missing.
    pub fn read(self, now: At) -> Result<Row, Synced> {
        let mut fields = Fields { members: self.0, wrong: Vec::new(), left_out: Vec::new() };
        let number = fields.members.iter().find(|(name, _)| name == "recordNumber");
        let number = match number {
            Some((_, Sent::Text(text))) => text.clone(),
            _ => String::new(),
        };
        let record_number = fields.needed("recordNumber");
        let name = fields.name();
        let date_of_birth = fields.needed::<Date>("dateOfBirth");
        if date_of_birth.is_some_and(|born| born.is_after(now)) {
            let future = Refusal::rule("in_future", "This date lies in the future.");
            fields.wrong.push(field("dateOfBirth", future));
        }
        let mut emails = fields.list::<GivenEmail>("emails");
        // Which address is safe is the front desk's to say.
        emails.iter_mut().flatten().for_each(|email| email.safe = None);
        let phones = fields.list("phones");
        let professional = fields.professional();
        fields.no_more();
        let Fields { wrong, mut left_out, .. } = fields;
        match (record_number, name, date_of_birth) {
            (Some(record_number), Some(name), Some(date_of_birth)) if wrong.is_empty() => {
                left_out.truncate(MOST_NAMED);
                Ok(Row {
                    record_number,
                    name,
                    date_of_birth,
                    emails,
                    phones,
                    professional,
                    guardian: None,
                    left_out,
                })
            }
            _ => {
                let fields = wrong.into_iter().chain(left_out).take(MOST_NAMED).collect();
                Err(Synced::invalid(number, None, fields))
            }
        }
    }
}

/// A field of a row, and what is wrong with it.
pub(crate) fn field(name: impl Into<String>, refusal: Refusal) -> FieldProblem {
    FieldProblem { field: name.into(), code: refusal.code, message: refusal.message }
}

/// The fields of a row that is being read.
struct Fields {
    /// Those still to be read.
    members: Vec<(String, Sent)>,
    /// What costs the row.
    wrong: Vec<FieldProblem>,
    /// What costs the field.
    left_out: Vec<FieldProblem>,
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<Sent> {
        let at = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(at).1)
    }

    fn leave_out(&mut self, fault: Fault) {
        let name = fault.field();
        self.left_out.push(field(name, fault.refusal));
    }

    /// A field without which there is no client.
    fn needed<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let Some(sent) = self.take(name) else {
            self.wrong.push(field(name, Refusal::invalid("missing", "This field is needed.")));
            return None;
        };
        self.read(name, sent)
    }

    fn read<T: DeserializeOwned>(&mut self, name: &str, sent: Sent) -> Option<T> {
        let wrong = |fault: Fault| {
            let fault = fault.in_member(name);
            self.wrong.push(field(fault.field(), fault.refusal));
        };
        sent.read().map_err(wrong).ok()
    }

    /// The name, of which only the preferred one may be wrong.
    fn name(&mut self) -> Option<Name> {
        const NAME: &str = "name";
        let Some(sent) = self.take(NAME) else { return self.needed(NAME) };
        let Sent::Object(members) = sent else { return self.read(NAME, sent) };
        let mut parts: Vec<(String, Sent)> = Vec::new();
        let mut preferred = None;
        for (part, value) in members {
            let known = ["first", "last", "preferred"].contains(&part.as_str());
            let twice = parts.iter().any(|(known, _)| *known == part)
                || part == "preferred" && preferred.is_some();
            if !known || twice {
                let name = format!("{NAME}.{part}");
                self.left_out.push(field(name, if known { twice_there() } else { unknown() }));
                continue;
            }
            if part != "preferred" {
                parts.push((part, value));
                continue;
            }
            match value.read::<Option<NamePart>>() {
                Ok(none) => preferred = Some(none.unwrap_or_else(NamePart::none)),
                Err(fault) => self.leave_out(fault.in_member(&part).in_member(NAME)),
            }
        }
        let name: Name = self.read(NAME, Sent::Object(parts))?;
        Some(Name { preferred, ..name })
    }

    /// All addresses or numbers, but for those that are wrong. A list of which nothing is left is as
    /// good as not named: it must not take away what is there.
    fn list<T: DeserializeOwned>(&mut self, name: &str) -> Option<Vec<T>> {
        let values = match self.take(name)? {
            Sent::Null => return None,
            Sent::List(values) => values,
            other => {
                // Read as what it should be, for the words of the refusal.
                let fault = other.read::<Vec<T>>().err()?;
                self.leave_out(fault.in_member(name));
                return None;
            }
        };
        let empty = values.is_empty();
        let mut kept = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            if kept.len() == MOST_CONTACTS {
                self.left_out.push(field(name, Refusal::invalid("too_many", "At most 10.")));
                break;
            }
            match value.read() {
                Ok(value) => kept.push(value),
                Err(fault) => self.leave_out(fault.in_list(index).in_member(name)),
            }
        }
        (empty || !kept.is_empty()).then_some(kept)
    }

    #[expect(clippy::option_option, reason = "not named, taken away, or set")]
    fn professional(&mut self) -> Option<Option<Professional>> {
        let sent = self.take("professional")?;
        match sent.read::<Option<Professional>>() {
            Ok(professional) => Some(professional),
            Err(fault) => {
                self.leave_out(fault.in_member("professional"));
                None
            }
        }
    }

    /// What is left is known and there twice, or not known.
    fn no_more(&mut self) {
        const KNOWN: [&str; 6] =
            ["recordNumber", "name", "dateOfBirth", "emails", "phones", "professional"];
        for (name, _) in std::mem::take(&mut self.members) {
            match name.as_str() {
                // Which of the two is meant nobody can say.
                "recordNumber" | "name" | "dateOfBirth" => {
                    self.wrong.push(field(name, twice_there()));
                }
                known if KNOWN.contains(&known) => self.left_out.push(field(name, twice_there())),
                _ => self.left_out.push(field(name, unknown())),
            }
        }
    }
}

fn twice_there() -> Refusal {
    Refusal::invalid("duplicate", "This field is there twice.")
}

fn unknown() -> Refusal {
    Refusal::invalid("unknown", "There is no such field here.")
}
