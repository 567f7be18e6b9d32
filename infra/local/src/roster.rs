//! The roster: a practice's clients as a CSV file, as practice systems export them.
//!
//! Rows are read one after the other, so a file of any length needs little memory (only the record
//! numbers seen are kept, to find one used twice). Each mistake is said with its line and
//! column, in words for the person who has the file open, and never with a name or an address in
//! it. The values are the API's own types, so that nothing is refused here that the API takes, or there
//! what was taken here. A wrong optional field costs the field; a line without values is passed over.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use add_portal_user::NewPortalUser;
use create_client::NewClient;
use csv::StringRecord;
use shared::fields::{
    At, ContactPhone, ContactType, Date, Email, GivenEmail, Name, NamePart, Permission,
    PhoneNumber, Professional, RecordNumber, Refusal, Relationship,
};

use crate::Trouble;

/// The header line, exactly.
pub const COLUMNS: [&str; 12] = [
    "record_number",
    "first_name",
    "last_name",
    "preferred_name",
    "date_of_birth",
    "email",
    "phone",
    "professional",
    "guardian_first_name",
    "guardian_last_name",
    "guardian_email",
    "guardian_relationship",
];

/// One client of the roster, as the API takes it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line of the file this row starts on.
    pub line: u64,
    /// Number of the chart.
    pub record_number: RecordNumber,
    /// The client.
    pub client: NewClient,
    /// The person who is to own the client's chart in the portal.
    pub guardian: Option<NewPortalUser>,
    /// Optional fields that are wrong and were left out, each with what would be right.
    pub left_out: Vec<Mistake>,
}

/// What is wrong with one line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1 for the header.
    pub line: u64,
    /// The column, unless the whole line is meant.
    pub column: Option<&'static str>,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(column) = self.column {
            write!(f, "{column}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Mistake::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A roster whose header is right. It iterates over its rows; a row with mistakes comes as all of
/// them, and reading goes on behind it.
pub struct Roster {
    reader: csv::Reader<File>,
    record: csv::ByteRecord,
    seen: HashMap<String, u64>,
    now: At,
    /// Where the file ends, if its last line has no end.
    open_end: Option<u64>,
}

/// How many mistakes [`check`] shows before it only counts.
const SHOWN: usize = 20;

/// Reads the whole file with the API's own types, without loading anything, and answers how many clients
/// it holds, or every mistake that would cost a client (the first twenty of them), a line for each.
///
/// # Errors
/// What is wrong with the file.
pub fn check(path: &Path, now: At) -> Result<usize, Trouble> {
    let mut rows = 0;
    let mut mistakes: Vec<String> = Vec::new();
    let mut more = 0;
    for row in Roster::open(path, now)? {
        match row {
            Ok(_) => rows += 1,
            Err(found) => {
                for mistake in found.0 {
                    if mistakes.len() < SHOWN {
                        mistakes.push(mistake.to_string());
                    } else {
                        more += 1;
                    }
                }
            }
        }
    }
    if mistakes.is_empty() {
        return Ok(rows);
    }
    if more > 0 {
        mistakes.push(format!("and {more} more"));
    }
    let name = path.display();
    Err(Trouble::new(format!(
        "the roster {name} was not loaded: {}",
        mistakes.join(&format!("\n  {name}: "))
    )))
}

impl Roster {
    /// Opens the file and checks its header.
    ///
    /// # Errors
    /// What is wrong with the file as a whole.
    pub fn open(path: &Path, now: At) -> Result<Self, Trouble> {
        let name = PathBuf::from(path);
        let trouble =
            |what: &dyn fmt::Display| Trouble::new(format!("the roster {} {what}", name.display()));
        let file = File::open(path)
            .and_then(|file| {
                let folder = file.metadata()?.is_dir();
                if folder { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
            })
            .map_err(|error| trouble(&format!("cannot be read: {error}")))?;
        let open_end =
            open_end(&file).map_err(|error| trouble(&format!("cannot be read: {error}")))?;
        // The reader counts lines right only if they end in \n alone; the \r before it is white
        // space at the end of the last column then, and is trimmed with the rest.
        let mut reader = csv::ReaderBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .from_reader(file);
        let mut header = csv::ByteRecord::new();
        reader
            .read_byte_record(&mut header)
            .map_err(|error| trouble(&format!("cannot be read: {error}")))?;
        header.trim();
        if !header.iter().eq(COLUMNS.iter().map(|column| column.as_bytes())) {
            return Err(trouble(&format!("must start with the line \"{}\"", COLUMNS.join(","))));
        }
        Ok(Self { reader, record: csv::ByteRecord::new(), seen: HashMap::new(), now, open_end })
    }
}

/// The length of a file whose last line has no end.
fn open_end(mut file: &File) -> std::io::Result<Option<u64>> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        file.seek(SeekFrom::Start(0))?;
    }
    Ok((last != *b"\n").then_some(length))
}

impl Roster {
    /// The line on which the record just read starts. Counted from its end, because the reader passes
    /// over blank lines before a record without saying how many.
    fn line(&self) -> u64 {
        let at = self.reader.position();
        let bytes = self.record.iter().flatten();
        let inside: u64 = bytes.map(|byte| u64::from(*byte == b'\n')).sum();
        let closed = self.open_end.is_none_or(|end| at.byte() < end);
        at.line() - inside - u64::from(closed)
    }
}

impl Iterator for Roster {
    type Item = Result<Row, Mistakes>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole_line = |line, message: String| {
            Some(Err(Mistakes(vec![Mistake { line, column: None, message }])))
        };
        let line = loop {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(false) => return None,
                Ok(true) => {}
                Err(error) => {
                    let line = self.reader.position().line();
                    return whole_line(line, format!("cannot be read: {error}"));
                }
            }
            let line = self.line();
            self.record.trim();
            // A line without any value, as spreadsheets leave them below the last row.
            if self.record.iter().any(|field| !field.is_empty()) {
                break line;
            }
        };
        let mut record = match StringRecord::from_byte_record(self.record.clone()) {
            Ok(record) => record,
            Err(error) => {
                let column = COLUMNS.get(error.utf8_error().field()).copied();
                let message = "is not UTF-8 text; save the file as \"CSV UTF-8\"".to_owned();
                return Some(Err(Mistakes(vec![Mistake { line, column, message }])));
            }
        };
        if record.len() > COLUMNS.len() && record.iter().skip(COLUMNS.len()).all(str::is_empty) {
            record.truncate(COLUMNS.len());
        }
        if record.len() != COLUMNS.len() {
            return whole_line(
                line,
                format!("has {} columns instead of {}", record.len(), COLUMNS.len()),
            );
        }
        let mut fields =
            Fields { line, record: &record, mistakes: Vec::new(), left_out: Vec::new() };
        Some(fields.row(&mut self.seen, self.now).ok_or(Mistakes(fields.mistakes)))
    }
}

/// The fields of a row, and what is wrong with them.
struct Fields<'a> {
    line: u64,
    record: &'a StringRecord,
    /// What costs the client.
    mistakes: Vec<Mistake>,
    /// What costs the field.
    left_out: Vec<Mistake>,
}

impl Fields<'_> {
    fn row(&mut self, seen: &mut HashMap<String, u64>, now: At) -> Option<Row> {
        let record_number = self.needed(0, RecordNumber::parse);
        if let Some(number) = &record_number {
            // The first row with a number holds it, whatever else is wrong there.
            match seen.entry(number.compared()) {
                Entry::Vacant(free) => {
                    free.insert(self.line);
                }
                Entry::Occupied(first) => {
                    let message =
                        format!("{:?} is already used on line {}", number.as_str(), first.get());
                    self.mistake(0, message);
                }
            }
        }
        let name = self.name();
        let date_of_birth = self.born(now);
        let email = self.optional(5, Email::parse);
        let phone = self.optional(6, PhoneNumber::parse);
        let professional = self.optional(7, Professional::parse);
        let guardian = self.guardian();
        let complete =
            record_number.zip(name).zip(date_of_birth).filter(|_| self.mistakes.is_empty());
        let ((record_number, name), date_of_birth) = complete?;
        let client = NewClient {
            name,
            date_of_birth,
            record_number: Some(record_number.clone()),
            emails: email
                .map(|address| GivenEmail { r#type: ContactType::Home, address, safe: None })
                .into_iter()
                .collect(),
            phones: phone
                .map(|number| ContactPhone { r#type: ContactType::Mobile, number })
                .into_iter()
                .collect(),
            professional,
            safe_contact: None,
            distinct: None,
        };
        Some(Row {
            line: self.line,
            record_number,
            client,
            guardian,
            left_out: std::mem::take(&mut self.left_out),
        })
    }

    fn about(&self, column: usize, message: impl Into<String>) -> Mistake {
        Mistake { line: self.line, column: Some(COLUMNS[column]), message: message.into() }
    }

    fn mistake(&mut self, column: usize, message: impl Into<String>) {
        let mistake = self.about(column, message);
        self.mistakes.push(mistake);
    }

    fn leave_out(&mut self, column: usize, message: impl Into<String>) {
        let mistake = self.about(column, message);
        self.left_out.push(mistake);
    }

    fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    /// A field without which there is no client.
    fn needed<T>(&mut self, column: usize, parse: fn(&str) -> Result<T, Refusal>) -> Option<T> {
        let text = self.text(column);
        if text.is_empty() {
            self.mistake(column, "is missing");
            return None;
        }
        parse(text)
            .map_err(|refusal| self.mistake(column, format!("is wrong: {}", refusal.message)))
            .ok()
    }

    /// A field that may be missing, or say that there is none.
    fn optional<T>(&mut self, column: usize, parse: fn(&str) -> Result<T, Refusal>) -> Option<T> {
        let text = self.text(column);
        if says_none(text) {
            return None;
        }
        parse(text)
            .map_err(|refusal| self.leave_out(column, format!("is left out: {}", refusal.message)))
            .ok()
    }

    fn name(&mut self) -> Option<Name> {
        if self.text(1).is_empty() && self.text(2).is_empty() {
            self.mistake(1, "is missing, and last_name too; one of them is needed");
            return None;
        }
        let mut part = |column: usize| {
            NamePart::parse(self.text(column))
                .map_err(|refusal| self.mistake(column, format!("is wrong: {}", refusal.message)))
                .ok()
        };
        let (first, last) = (part(1), part(2));
        let preferred = self.optional(3, NamePart::parse);
        let (first, last) = first.zip(last)?;
        Name::new(first, last, preferred)
            .map_err(|refusal| self.mistake(1, format!("is wrong: {}", refusal.message)))
            .ok()
    }

    fn born(&mut self, now: At) -> Option<Date> {
        let born = self.needed(4, Date::parse)?;
        // As the API judges it: today somewhere on earth is not the future.
        if born.is_after(now) {
            self.mistake(4, "is in the future");
            return None;
        }
        Some(born)
    }

    /// The guardian, who may be missing: one who is not complete costs the guardian alone.
    fn guardian(&mut self) -> Option<NewPortalUser> {
        if self.record.iter().skip(8).all(says_none) {
            return None;
        }
        let parsed = self.guardian_parts();
        parsed
            .map_err(|(column, why)| {
                self.leave_out(column, format!("the guardian is left out: {why}"));
            })
            .ok()
    }

    fn guardian_parts(&self) -> Result<NewPortalUser, (usize, String)> {
        let at = |column: usize| move |refusal: Refusal| (column, refusal.message.into_owned());
        let part = |column: usize| NamePart::parse(self.text(column)).map_err(at(column));
        let name = Name::new(part(8)?, part(9)?, None).map_err(at(8))?;
        if self.text(10).is_empty() {
            return Err((10, "the e-mail address is missing.".to_owned()));
        }
        let email = Email::parse(self.text(10)).map_err(at(10))?;
        let relationship = match self.text(11).to_lowercase().as_str() {
            "parent" => Relationship::Parent,
            "guardian" => Relationship::Guardian,
            "spouse" => Relationship::Spouse,
            "other" => Relationship::Other,
            _ => return Err((11, "Use one of: parent, guardian, spouse, other.".to_owned())),
        };
        Ok(NewPortalUser {
            name,
            email: Some(email),
            username: None,
            relationship,
            permissions: [Permission::Basic, Permission::Messaging, Permission::Documents].into(),
            chart_owner: None,
            same_person: None,
            until: None,
            review_on: None,
        })
    }
}

/// Whether an optional field is empty, or says so in the words that exports use.
fn says_none(text: &str) -> bool {
    let said = text.trim().trim_matches(['(', ')', '[', ']', '<', '>', '#']).to_lowercase();
    said.chars().all(|c| !c.is_alphanumeric())
        || [
            "n/a",
            "n.a.",
            "n.a",
            "na",
            "none",
            "null",
            "nil",
            "unknown",
            "no",
            "not given",
            "not provided",
            "not available",
            "not known",
            "no email",
            "no e-mail",
            "no phone",
            "tbd",
            "ninguno",
            "ninguna",
            "no tiene",
            "aucun",
            "aucune",
            "néant",
            "sans",
        ]
        .contains(&said.as_str())
}

#[cfg(test)]
mod tests;
