//! Phone numbers: what of one is stored, and how a typed one is read.
//!
//! A number is stored without its country's code and without the zero that many countries dial
//! before it, so that its national and its international form are one. Its last eight, seven and
//! four digits are found, too.

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
    let north_american = digits.len() == 11 && digits.starts_with('1');
    if let Some(rest) = without_code(&typed, &digits) {
        let rest = significant(rest);
        return if north_american || typed.starts_with("+1") {
            vec![rest]
        } else {
            vec![rest, digits]
        };
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
    }
}
