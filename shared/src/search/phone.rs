//! Phone numbers: what of one is stored, and how a typed one is read.
//!
//! A number is stored without its country's code and without the zero that many countries dial
//! before it, so that its national and its international form are one. Its last eight, seven and
//! four digits are found, too.

use super::fold::fold;
use crate::fields::EXTENSIONS;

/// The digits of a stored number: without extension, country code and leading zeros.
pub(super) fn national(phone: &str) -> String {
    let start = phone.trim_start_matches(|c: char| c != '+' && !c.is_ascii_digit());
    let number = start.split(char::is_alphabetic).next().unwrap_or_default();
    // The zero in `+44 (0)20 …` is dialled only within the country.
    let number = number.replace("(0)", "");
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match without_code(&number, &digits) {
        Some(rest) => significant(rest),
        None => significant(&digits),
    }
}

/// The lengths of the tails by which a number is found.
pub(super) const TAILS: [usize; 3] = [8, 7, 4];

/// What typed digits may mean: as they stand, and without a country code or a leading zero.
pub(super) fn readings(typed: &str) -> Vec<String> {
    let typed = typed.replace("(0)", "");
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    if let Some(rest) = without_code(&typed, &digits) {
        let rest = significant(rest);
        // Without a plus sign, it may be a record number.
        return if typed.starts_with("+1") { vec![rest] } else { vec![rest, digits] };
    }
    let mut readings = vec![digits.clone()];
    if digits.len() >= ENOUGH && digits.starts_with('0') {
        readings.push(significant(&digits));
    } else if digits.len() > ENOUGH + 4 {
        // An international number without its plus sign.
        readings.push(significant(&digits[code_length(&digits)..]));
    }
    readings
}

/// Whether typed digits are a whole number, which may have an extension.
pub(super) fn is_whole(typed: &str) -> bool {
    typed.bytes().filter(u8::is_ascii_digit).count() >= 7
}

/// How many of the words after a number are its extension: `x12`, `ext. 12`, `poste 12`. Extensions
/// are not stored.
pub(super) fn extension(words: &[&str]) -> usize {
    let Some(first) = words.first() else { return 0 };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let announced = first.trim_end_matches(|c: char| c.is_ascii_digit() || ".:=".contains(c));
    let folded = fold(announced);
    let known = EXTENSIONS.iter().map(|word| fold(word));
    if announced != "#" && !known.filter(|word| !word.is_empty()).any(|word| word == folded) {
        return 0;
    }
    let number = first[announced.len()..].trim_start_matches(['.', ':', '=']);
    let next = words.get(1).is_some_and(|next| digits(next));
    if digits(number) {
        1
    } else if number.is_empty() && next {
        2
    } else {
        0
    }
}

/// The number, without an extension that stands behind it without a space: `555-0142x12`.
pub(super) fn before_extension(word: &str) -> &str {
    let end = word.find(|c: char| c.is_alphabetic() || "#;".contains(c)).unwrap_or(word.len());
    let (number, rest) = word.split_at(end);
    if is_whole(number) && extension(&[rest.trim_start_matches(';')]) == 1 { number } else { word }
}

/// From so many digits on, a leading zero is the one that is dialled, not the first of a tail.
const ENOUGH: usize = 5;

fn significant(digits: &str) -> String {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.len() >= 2 { trimmed.to_owned() } else { digits.to_owned() }
}

/// What follows the country code, for a number that has one.
fn without_code<'a>(number: &str, digits: &'a str) -> Option<&'a str> {
    let number = number.trim_start_matches(|c: char| c != '+' && !c.is_ascii_digit());
    if number.starts_with('+') {
        return digits.get(code_length(digits)..);
    }
    if digits.len() > 6 && digits.starts_with("00") {
        let digits = &digits[2..];
        return digits.get(code_length(digits)..);
    }
    // North Americans write their country code without a plus sign.
    (digits.len() == 11 && digits.starts_with('1')).then(|| &digits[1..])
}

/// How many digits the country code at the start has (ITU-T E.164, list of assigned codes).
fn code_length(digits: &str) -> usize {
    const TWO: [&str; 45] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
        "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
        "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98", "28",
    ];
    let length = match digits.get(..2) {
        Some(start) if start.starts_with(['1', '7']) => 1,
        Some(start) if TWO.contains(&start) => 2,
        _ => 3,
    };
    length.min(digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_stored_without_what_depends_on_where_one_dials() {
        for (written, stored) in [
            ("+33 6 12 34 56 79", "612345679"),
            ("06 12 34 56 79", "612345679"),
            ("0033 6 12 34 56 79", "612345679"),
            ("+1 (555) 555-0142", "5555550142"),
            ("1-555-555-0142 x99", "5555550142"),
            ("555 555 0142", "5555550142"),
            ("+44 (0)20 7946 0958", "2079460958"),
            ("020 7946 0958 ext. 12", "2079460958"),
            ("+353 1 555 0142", "15550142"),
            ("+7 912 555 01 42", "9125550142"),
            ("911", "911"),
            ("00", "00"),
            ("none", ""),
        ] {
            assert_eq!(national(written), stored, "{written}");
        }
    }

    #[test]
    fn every_way_of_writing_a_number_reads_as_the_stored_one() {
        for (typed, stored) in [
            ("06 12 34 56 79", "612345679"),
            ("+33612345679", "612345679"),
            ("33 6 12 34 56 79", "612345679"),
            ("0033 612345679", "612345679"),
            ("1 555 555 0142", "5555550142"),
            ("+1 555 555 0142", "5555550142"),
            ("+44 (0)20 7946 0958", "2079460958"),
            ("061234", "61234"),
        ] {
            assert!(readings(typed).iter().any(|reading| reading == stored), "{typed}");
        }
        assert_eq!(readings("0142"), ["0142"], "the last four digits");
        assert_eq!(readings("10000012345"), ["0000012345".trim_start_matches('0'), "10000012345"]);
    }

    #[test]
    fn an_extension_is_not_part_of_the_number() {
        for (words, extension_words) in [
            (&["x12"][..], 1),
            (&["ext.", "12"], 2),
            (&["ext.12"], 1),
            (&["ext", "12", "smith"], 2),
            (&["#12"], 1),
            (&["poste", "4"], 2),
            (&["Extensión", "4"], 2),
            (&["ext"], 0),
            (&["x"], 0),
            (&["12"], 0),
            (&["smith", "12"], 0),
            (&["x12a"], 0),
            (&["-", "12"], 0),
            (&["&", "12"], 0),
            (&[], 0),
        ] {
            assert_eq!(extension(words), extension_words, "{words:?}");
        }
        assert_eq!(before_extension("555-0142x12"), "555-0142");
        assert_eq!(before_extension("+1-201-555-0123;ext=12"), "+1-201-555-0123");
        assert_eq!(before_extension("20240017AB"), "20240017AB", "a record number");
        assert_eq!(before_extension("12x34"), "12x34");
    }
}
