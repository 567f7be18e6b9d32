//! Text of which a mail program would make a link: an address of the web or of a mailbox, a number to
//! call.
//!
//! Mail programs differ, and lists of top-level domains grow. So the kind is wide: what honest names
//! hardly ever look like. A name that falls in it is left out of the greeting, and nothing else is lost.

use unicode_normalization::UnicodeNormalization;

/// So many digits may be a number to call. Names have fewer.
const DIGITS: usize = 4;

/// Whether a mail program may make a link of some part of a text:
///
/// - a domain or an address of a host: letters or digits on both sides of a dot, with at least two
///   after it (`evil.example`, `10.0.0.1`, but `J.R.`, `St. John`);
/// - a scheme or a path: `:` before anything but a space, `//`, `\\`;
/// - an address of a mailbox, or a mention: `@`;
/// - a number to call: four digits or more.
#[must_use]
pub fn is_linked(text: &str) -> bool {
    // Wide forms, and the other dots that stand for one in a domain (RFC 3490, section 3.1).
    let text: Vec<char> =
        text.nfkc().map(|c| if matches!(c, '\u{3002}') { '.' } else { c }).collect();
    let at = |place: Option<usize>| place.and_then(|place| text.get(place)).copied();
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let domain = |dot: usize| {
        let [before, next, after] = [dot.checked_sub(1), Some(dot + 1), Some(dot + 2)].map(at);
        let numbers = [before, next].iter().all(|c| c.is_some_and(char::is_numeric));
        word(before) && word(next) && (word(after) || numbers)
    };
    let part = |(place, c): (usize, &char)| match c {
        '.' => domain(place),
        ':' => at(Some(place + 1)).is_some_and(|c| !c.is_whitespace()),
        '/' => at(Some(place + 1)) == Some('/'),
        '\\' | '@' => true,
        _ => false,
    };
    let www = text.iter().collect::<String>().to_lowercase().contains("www.");
    www || text.iter().enumerate().any(part)
        || text.iter().filter(|c| c.is_numeric()).count() >= DIGITS
}

/// The sign-in name, as far as a mail may show it: nothing of the web, but it may be an address of a
/// mailbox, which most are, or have dots: `amara.okafor` is a common form. `None` leaves it out.
#[must_use]
pub fn sign_in_name(username: &str) -> Option<&str> {
    let rest: String =
        username.chars().filter(|c| !matches!(c, '.' | '@') && !c.is_numeric()).collect();
    let www = username.to_lowercase().contains("www.");
    (!www && !is_linked(&rest)).then_some(username)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mail_program_would_link_is_known() {
        for text in [
            "Refund waiting at http://pay.example/1",
            "https://evil",
            "evil.example",
            "Ann evil.example/refund",
            "EVIL.COM",
            "www.x",
            "WWW.evil",
            "ann@evil.example",
            "@ann",
            "//evil",
            "\\\\server\\share",
            "mailto:ann",
            "tel:123",
            "javascript:alert(1)",
            "1.2",
            "10.0.0.1",
            "[2001:db8::1]",
            "evil\u{ff0e}example",
            "evil\u{3002}example",
            "evil\u{2024}example",
            "\u{ff48}ttp\u{ff1a}\u{ff0f}\u{ff0f}x",
            "ann\u{ff20}evil",
            "bücher.example",
            "пример.рф",
            "例え.テスト",
            "xn--bcher-kva.example",
            "call 0900 123456",
            "1-800-REFUNDS",
            "\u{660}\u{661}\u{662}\u{663}",
            "a.co",
            "Dr.No",
        ] {
            assert!(is_linked(text), "{text}");
        }
    }

    #[test]
    fn an_honest_name_is_greeted() {
        for name in [
            "J. Smith",
            "J.R.",
            "J.R.R. Tolkien",
            "St. John",
            "O'Brien",
            "O’Brien-García",
            "Dr. No",
            "María",
            "Jean-Luc",
            "Anna / Ann",
            "Sammy Davis Jr.",
            "Henry VIII.",
            "John 3rd",
            "陳大文",
            "Nguyễn Thị Minh",
            "Ana (Mia) #2",
            "d'Arc, Jeanne",
            "Mr: Smith",
        ] {
            assert!(!is_linked(name), "{name}");
        }
    }

    #[test]
    fn a_sign_in_name_is_shown_unless_it_leads_elsewhere() {
        for name in ["pat@mail.example", "amara.okafor", "pat-1984", "pat", "o'brien_3.5"] {
            assert_eq!(sign_in_name(name), Some(name));
        }
        for name in ["http://evil.example", "www.evil.example", "evil.example//x"] {
            assert_eq!(sign_in_name(name), None);
        }
    }
}
