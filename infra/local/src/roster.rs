//! The roster: a practice's clients as a CSV file, as practice systems export them.
//!
//! Rows are read one after the other, so a file of any length needs little memory (only the record
//! numbers seen are kept, to find one used twice). Whatever is wrong is said with its line and
//! column, in words for the person who has the file open, and never with a name or an address in
//! it. What a name may contain is not this module's business: `<script>` and `O’Brien` are names.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use jiff::civil::Date;

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

/// One client of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file this row starts on.
    pub line: u64,
    /// The practice's number for the client; unique in the file.
    pub record_number: String,
    /// Empty for a person who has one name only and it stands in `last_name`.
    pub first_name: String,
    /// Empty for a person who has one name only and it stands in `first_name`.
    pub last_name: String,
    /// The name they go by, when it is another.
    pub preferred_name: Option<String>,
    /// A day that exists.
    pub date_of_birth: Date,
    /// An address as typed.
    pub email: Option<String>,
    /// A number as typed.
    pub phone: Option<String>,
    /// Who in the practice looks after the client.
    pub professional: Option<String>,
    /// The person who is to own the client's chart in the portal.
    pub guardian: Option<Guardian>,
}

/// A client's guardian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardian {
    /// One of the two names may be empty.
    pub first_name: String,
    /// One of the two names may be empty.
    pub last_name: String,
    /// An address as typed.
    pub email: String,
    /// `parent`, `guardian`, `spouse` or `other`.
    pub relationship: String,
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
}

/// How many mistakes [`check`] shows before it only counts.
const SHOWN: usize = 20;

/// Reads the whole file without loading anything and answers how many clients it holds, or every
/// mistake (the first twenty of them), a line for each.
pub fn check(path: &Path) -> Result<usize, Trouble> {
    let mut rows = 0;
    let mut mistakes: Vec<String> = Vec::new();
    let mut more = 0;
    for row in Roster::open(path)? {
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
    pub fn open(path: &Path) -> Result<Self, Trouble> {
        let name = PathBuf::from(path);
        let trouble =
            |what: &dyn fmt::Display| Trouble::new(format!("the roster {} {what}", name.display()));
        let file = File::open(path)
            .and_then(|file| {
                let folder = file.metadata()?.is_dir();
                if folder { Err(std::io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
            })
            .map_err(|error| trouble(&format!("cannot be read: {error}")))?;
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
        Ok(Self { reader, record: csv::ByteRecord::new(), seen: HashMap::new() })
    }
}

impl Iterator for Roster {
    type Item = Result<Row, Mistakes>;

    fn next(&mut self) -> Option<Self::Item> {
        let whole_line = |line, message: String| {
            Some(Err(Mistakes(vec![Mistake { line, column: None, message }])))
        };
        loop {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(false) => return None,
                Ok(true) => {}
                Err(error) => {
                    let line = self.reader.position().line();
                    return whole_line(line, format!("cannot be read: {error}"));
                }
            }
            self.record.trim();
            let blank = self.record.len() == 1 && self.record[0].is_empty();
            if !blank {
                break;
            }
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let record = match StringRecord::from_byte_record(self.record.clone()) {
            Ok(record) => record,
            Err(error) => {
                let column = COLUMNS.get(error.utf8_error().field()).copied();
                let message = "is not UTF-8 text; save the file as \"CSV UTF-8\"".to_owned();
                return Some(Err(Mistakes(vec![Mistake { line, column, message }])));
            }
        };
        if record.len() != COLUMNS.len() {
            return whole_line(
                line,
                format!("has {} columns instead of {}", record.len(), COLUMNS.len()),
            );
        }
        Some(parse(line, &record, &mut self.seen))
    }
}

fn parse(
    line: u64,
    record: &StringRecord,
    seen: &mut HashMap<String, u64>,
) -> Result<Row, Mistakes> {
    let mut fields = Fields { line, record, mistakes: Vec::new() };

    let record_number = fields.text(0);
    if record_number.is_empty() {
        fields.mistake(0, "is missing");
    } else if let Some(first) = seen.insert(record_number.clone(), line) {
        fields.mistake(0, format!("{record_number:?} is already used on line {first}"));
    }
    let (first_name, last_name) = (fields.text(1), fields.text(2));
    if first_name.is_empty() && last_name.is_empty() {
        fields.mistake(1, "is missing, and last_name too; one of them is needed");
    }
    let preferred_name = fields.optional(3);
    let date_of_birth = fields.date(4);
    let email = fields.email(5);
    let phone = fields.optional(6);
    let professional = fields.optional(7);
    let guardian = fields.guardian();

    match (date_of_birth, fields.mistakes) {
        (Some(date_of_birth), mistakes) if mistakes.is_empty() => Ok(Row {
            line,
            record_number,
            first_name,
            last_name,
            preferred_name,
            date_of_birth,
            email,
            phone,
            professional,
            guardian,
        }),
        (_, mistakes) => Err(Mistakes(mistakes)),
    }
}

struct Fields<'a> {
    line: u64,
    record: &'a StringRecord,
    mistakes: Vec<Mistake>,
}

impl Fields<'_> {
    fn mistake(&mut self, column: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake {
            line: self.line,
            column: Some(COLUMNS[column]),
            message: message.into(),
        });
    }

    fn text(&mut self, column: usize) -> String {
        let text = self.record.get(column).unwrap_or_default().trim();
        if text.chars().any(char::is_control) {
            self.mistake(column, "has a line break or another control character in it");
        }
        text.to_owned()
    }

    fn optional(&mut self, column: usize) -> Option<String> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    fn date(&mut self, column: usize) -> Option<Date> {
        let text = self.text(column);
        if text.is_empty() {
            self.mistake(column, "is missing");
            return None;
        }
        // `Date` alone would take other spellings too, such as 19840313.
        let dashed = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
        match text.parse::<Date>().ok().filter(|_| dashed) {
            None => self.mistake(column, format!("{text:?} is not a date (YYYY-MM-DD)")),
            Some(date) if date > today() => {
                self.mistake(column, format!("{text:?} is in the future"));
            }
            Some(date) => return Some(date),
        }
        None
    }

    fn email(&mut self, column: usize) -> Option<String> {
        let text = self.optional(column)?;
        let plausible = text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && !domain.is_empty() && !domain.contains('@')
        }) && !text.contains(char::is_whitespace);
        if plausible {
            return Some(text);
        }
        self.mistake(column, "is not an e-mail address");
        None
    }

    fn guardian(&mut self) -> Option<Guardian> {
        if self.record.iter().skip(8).all(|field| field.trim().is_empty()) {
            return None;
        }
        let (first_name, last_name) = (self.text(8), self.text(9));
        if first_name.is_empty() && last_name.is_empty() {
            self.mistake(8, "is missing, and guardian_last_name too; one of them is needed");
        }
        if self.record.get(10).unwrap_or_default().trim().is_empty() {
            self.mistake(10, "is missing, but the line names a guardian");
        }
        let email = self.email(10);
        let relationship = self.text(11);
        if !matches!(relationship.as_str(), "parent" | "guardian" | "spouse" | "other") {
            self.mistake(
                11,
                format!("{relationship:?} is none of parent, guardian, spouse, other"),
            );
        }
        Some(Guardian { first_name, last_name, email: email?, relationship })
    }
}

fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
