//! Dates of birth as people write them: which days a text can mean.
//!
//! `3/12/1984` is a day in March and one in December. Both are looked for, and the practice's own
//! order decides which clients come first.

use std::ops::RangeInclusive;

use super::fold::fold;

/// In which order a date was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The month before the day, as in the United States.
    MonthFirst,
    /// The day before the month, as nearly everywhere else.
    DayFirst,
    /// It reads the same in either.
    Either,
}

/// The countries whose people write the month first.
const MONTH_FIRST: [&str; 11] = ["US", "AS", "GU", "MP", "PR", "VI", "UM", "FM", "MH", "PW", "PH"];

impl Order {
    /// How the people of a country (ISO 3166-1) write dates.
    #[must_use]
    pub fn of_country(country: &str) -> Self {
        if MONTH_FIRST.contains(&country) { Self::MonthFirst } else { Self::DayFirst }
    }
}

/// A way to read a date: the start of a date of birth as it is stored (`YYYYMMDD`), and in which
/// order it was read.
pub(super) type Reading = (String, Order);

/// Years in which somebody alive can have been born, with room: other numbers are records and
/// phones.
const YEARS: RangeInclusive<u16> = 1850..=2150;

/// The months in English, Spanish and French, as [`fold`] leaves them. From three letters on, the
/// start of one is enough.
const MONTHS: [[&str; 3]; 12] = [
    ["january", "enero", "janvier"],
    ["february", "febrero", "fevrier"],
    ["march", "marzo", "mars"],
    ["april", "abril", "avril"],
    ["may", "mayo", "mai"],
    ["june", "junio", "juin"],
    ["july", "julio", "juillet"],
    ["august", "agosto", "aout"],
    ["september", "septiembre", "septembre"],
    ["october", "octubre", "octobre"],
    ["november", "noviembre", "novembre"],
    ["december", "diciembre", "decembre"],
];

/// Short forms that do not begin the month's name, or begin two months in one language.
const SHORT: [(&str, u16); 4] = [("sept", 9), ("set", 9), ("setiembre", 9), ("juil", 7)];

/// Words that stand between the parts of a date: `12 de marzo de 1984`.
const BETWEEN: [&str; 6] = ["de", "del", "of", "the", "le", "el"];

/// Reads the date at the start of `words`: how many words it takes, and what it can mean. The
/// second part of the answer says whether it is certainly a date; else the words may also be
/// something other (`April 1984`, `12 03 84`, `03121984`).
pub(super) fn read(words: &[&str], this_year: u16) -> Option<(usize, bool, Vec<Reading>)> {
    one_word(words.first()?, this_year)
        .map(|(certain, readings)| (1, certain, readings))
        .or_else(|| with_month_name(words, this_year))
        .or_else(|| three_numbers(words, this_year))
        .filter(|(.., readings)| !readings.is_empty())
}

/// `1984-03-12`, `3/12/84`, `12.03.1984`, `03/1984`, `03121984`, `12-Mar-1984`.
fn one_word(word: &str, this_year: u16) -> Option<(bool, Vec<Reading>)> {
    let word = word.trim_end_matches('.');
    if word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit()) {
        let mut readings = day(&word[..4], &word[4..6], &word[6..], Order::Either);
        readings.extend(in_either_order(&word[..2], &word[2..4], &word[4..], this_year));
        // Another number of eight digits is a phone's or a record's.
        return (!readings.is_empty()).then_some((false, readings));
    }
    let separator = word.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = word.split(separator).collect();
    match parts[..] {
        [a, b, c] if month_named(b).is_some() || month_named(a).is_some() => {
            let (_, certain, readings) = with_month_name(&[a, b, c], this_year)?;
            Some((certain, readings))
        }
        [year, b, c] if year.len() == 4 && c.len() >= b.len() => {
            let readings = day(year, b, c, Order::Either);
            (!readings.is_empty()).then_some((true, readings))
        }
        [a, b, year] if matches!(year.len(), 2 | 4) => {
            let readings = in_either_order(a, b, year, this_year);
            (!readings.is_empty()).then_some((true, readings))
        }
        [month, year] | [year, month] if year.len() == 4 => {
            let readings = month_of(number(month, 1..=2)?, year, this_year);
            (!readings.is_empty()).then_some((false, readings))
        }
        _ => None,
    }
}

/// `12 March 1984`, `March 12, 1984`, `12 mars 84`, `12 de marzo de 1984`, `March 1984`.
fn with_month_name(words: &[&str], this_year: u16) -> Option<(usize, bool, Vec<Reading>)> {
    // What was passed over counts as taken.
    let mut parts: Vec<(usize, &str)> = Vec::new();
    for (at, word) in words.iter().enumerate().take(6) {
        if at == 0 || !BETWEEN.contains(&fold(word).as_str()) {
            parts.push((at + 1, word));
        }
    }
    let texts: Vec<&str> = parts.iter().map(|(_, word)| *word).take(3).collect();
    let (taken, certain, readings) = match texts[..] {
        [a, b, c] if month_named(b).is_some() && day_number(a).is_some() => {
            (parts[2].0, true, named(day_number(a)?, month_named(b)?, c, this_year))
        }
        [a, b, c] if month_named(a).is_some() && day_number(b).is_some() && is_year(c) => {
            (parts[2].0, true, named(day_number(b)?, month_named(a)?, c, this_year))
        }
        [a, b, ..] if b.len() == 4 => (parts[1].0, false, month_of(month_named(a)?, b, this_year)),
        _ => return None,
    };
    (!readings.is_empty()).then_some((taken, certain, readings))
}

/// `12 03 1984`, `12. 3. 1984`: three numbers and no fourth.
fn three_numbers(words: &[&str], this_year: u16) -> Option<(usize, bool, Vec<Reading>)> {
    let is_number = |word: &&str| {
        !word.is_empty() && word.trim_end_matches('.').bytes().all(|b| b.is_ascii_digit())
    };
    let [a, b, year] = words.get(..3)? else { return None };
    if ![a, b, year].into_iter().all(is_number) || words.get(3).is_some_and(is_number) {
        return None;
    }
    let [a, b, year] = [a, b, year].map(|word| word.trim_end_matches('.'));
    let readings = in_either_order(a, b, year, this_year);
    (!readings.is_empty()).then_some((3, false, readings))
}

fn in_either_order(a: &str, b: &str, year: &str, this_year: u16) -> Vec<Reading> {
    let mut readings = Vec::new();
    for year in years(year, this_year) {
        let month_first = day(&year, a, b, Order::MonthFirst);
        let day_first = day(&year, b, a, Order::DayFirst);
        match (&month_first[..], &day_first[..]) {
            ([(one, _)], [(other, _)]) if one == other => {
                readings.push((one.clone(), Order::Either));
            }
            ([_], [_]) => readings.extend(month_first.into_iter().chain(day_first)),
            // Only one of them exists, so nothing is ambiguous.
            ([(only, _)], _) | (_, [(only, _)]) => readings.push((only.clone(), Order::Either)),
            _ => {}
        }
    }
    readings
}

fn named(day_number: u16, month: u16, year: &str, this_year: u16) -> Vec<Reading> {
    let years = years(year.trim_start_matches(['\'', '\u{2019}']), this_year);
    let of = |year: String| day(&year, &month.to_string(), &day_number.to_string(), Order::Either);
    years.into_iter().flat_map(of).collect()
}

fn month_of(month: u16, year: &str, this_year: u16) -> Vec<Reading> {
    if !(1..=12).contains(&month) {
        return Vec::new();
    }
    let years = years(year, this_year).into_iter();
    years.map(|year| (format!("{year}{month:02}"), Order::Either)).collect()
}

/// The years meant by four digits, or by two: of those, each that is not yet to come.
fn years(text: &str, this_year: u16) -> Vec<String> {
    let Some(year) = number(text, 2..=4) else { return Vec::new() };
    match text.len() {
        2 => {
            let both = [2000 + year, 1900 + year];
            both.into_iter().filter(|y| *y <= this_year).map(|y| y.to_string()).collect()
        }
        4 if YEARS.contains(&year) => vec![text.to_owned()],
        _ => Vec::new(),
    }
}

fn is_year(text: &str) -> bool {
    let text = text.trim_start_matches(['\'', '\u{2019}']);
    matches!(text.len(), 2 | 4) && text.bytes().all(|b| b.is_ascii_digit())
}

/// The day, if it exists; else nothing.
fn day(year: &str, month: &str, day: &str, order: Order) -> Vec<Reading> {
    let parts = number(year, 4..=4).zip(number(month, 1..=2)).zip(number(day, 1..=2));
    let existing = parts.and_then(|((year, month), day)| existing(year, month, day));
    existing.map(|date| (date, order)).into_iter().collect()
}

fn existing(year: u16, month: u16, day: u16) -> Option<String> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let exists = YEARS.contains(&year) && (1..=days).contains(&day);
    exists.then(|| format!("{year:04}{month:02}{day:02}"))
}

fn number(text: &str, lengths: RangeInclusive<usize>) -> Option<u16> {
    let digits = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// `12`, `12.`, `12th`, `1er`, `1º`.
fn day_number(text: &str) -> Option<u16> {
    let folded = fold(text);
    let digits = folded.trim_end_matches(|c: char| !c.is_ascii_digit());
    let ending = &folded[digits.len()..];
    let ordinal = ["", "st", "nd", "rd", "th", "er", "o"].contains(&ending);
    number(digits, 1..=2).filter(|day| ordinal && (1..=31).contains(day))
}

fn month_named(text: &str) -> Option<u16> {
    let folded = fold(text);
    if folded.chars().count() < 3 || !folded.chars().all(char::is_alphabetic) {
        return None;
    }
    if let Some((_, month)) = SHORT.iter().find(|(short, _)| *short == folded) {
        return Some(*month);
    }
    let named = |names: &[&str; 3]| names.iter().any(|name| name.starts_with(&folded));
    // `jui` begins June and July in French: neither is meant for sure.
    let mut months = (1..).zip(&MONTHS).filter(|(_, names)| named(names)).map(|(month, _)| month);
    let month = months.next()?;
    months.next().is_none().then_some(month)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(text: &str) -> Vec<String> {
        let words: Vec<&str> = text.split([' ', ',']).filter(|w| !w.is_empty()).collect();
        let read = read(&words, 2026);
        read.map_or(Vec::new(), |(_, _, readings)| readings.into_iter().map(|r| r.0).collect())
    }

    #[test]
    fn a_date_of_birth_is_read_as_people_write_it() {
        for text in [
            "1984-03-12",
            "1984/3/12",
            "1984.03.12",
            "12 March 1984",
            "March 12, 1984",
            "12 mars 84",
            "12 mars 1984",
            "12 de marzo de 1984",
            "12 marzo 84",
            "12th March 1984",
            "12. MARCH 1984",
            "Mar 12 1984",
            "12-Mar-1984",
            "12/mar/84",
            "12 Mars '84",
            "12th of March 1984",
            "19840312",
            "marzo 12 de 1984",
        ] {
            assert_eq!(dates(text), ["19840312"], "{text}");
        }
        for text in ["3/12/1984", "03/12/84", "03.12.1984", "03-12-1984", "3 12 1984", "03121984"] {
            assert_eq!(dates(text), ["19840312", "19841203"], "{text}");
        }
        assert_eq!(dates("13/12/1984"), ["19841213"]);
        assert_eq!(dates("12-13-1984"), ["19841213"]);
        assert_eq!(dates("2/29/2000"), ["20000229"]);
        assert_eq!(dates("1er mars 1984"), ["19840301"]);
        assert_eq!(dates("1 août 1984"), ["19840801"]);
        assert_eq!(dates("3 sept. 1984"), ["19840903"]);
        assert_eq!(dates("5/5/84"), ["19840505"]);
        assert_eq!(dates("12 mars 12"), ["20120312", "19120312"]);
        for text in ["03/1984", "3.1984", "1984-03", "March 1984", "mars 1984", "marzo de 1984"] {
            assert_eq!(dates(text), ["198403"], "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_read_as_none() {
        for text in [
            "2/30/1984",
            "2/29/1900",
            "13/13/1984",
            "0/1/1984",
            "3/12",
            "12345678",
            "1984-0312",
            "1984-03-12-1",
            "3/12-1984",
            "+3/12/1984",
            "a/b/1984",
            "jane",
            "12 March",
            "31 april 84",
            "06 12 34 56 79",
            "13/1984",
            "3/12/9999",
            "jui 1984",
            "1984-03-1",
            "",
        ] {
            assert_eq!(dates(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_country_has_its_order() {
        assert_eq!(Order::of_country("US"), Order::MonthFirst);
        for country in ["FR", "GB", "ES", "DE", "CA"] {
            assert_eq!(Order::of_country(country), Order::DayFirst);
        }
        let order = |text: &str, date: &str| {
            let readings = read(&[text], 2026).map(|r| r.2).unwrap_or_default();
            readings.into_iter().find(|r| r.0 == date).map(|r| r.1)
        };
        assert_eq!(order("3/12/1984", "19840312"), Some(Order::MonthFirst));
        assert_eq!(order("3/12/1984", "19841203"), Some(Order::DayFirst));
        assert_eq!(order("3/13/1984", "19840313"), Some(Order::Either));
    }
}
