//! What text is compared as: letters and digits without case, accents and punctuation, and the
//! spellings under which one name is known.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Reduces text to what is compared: lower-case letters and digits without accents, and nothing else.
///
/// `fold("D’Angelo-Müller") == "dangelomuller"`. Compatibility forms become plain (`ﬁ`, full width), and
/// letters that Unicode does not decompose become their usual ASCII spelling (`ß`, `ø`, `ł`). In scripts
/// where vowel signs are letters rather than accents (Devanagari, Thai, kana with voicing marks) they stay.
/// Folding twice changes nothing.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_accent(*c)) {
        for lower in c.to_lowercase() {
            match plain(lower) {
                Some(spelling) => folded.push_str(spelling),
                None if lower.is_alphanumeric() || is_voicing_mark(lower) => folded.push(lower),
                None => {}
            }
        }
    }
    // NFKD takes Hangul syllables and voiced kana apart; people see and type them whole.
    folded.nfc().filter(|c| !is_voicing_mark(*c)).collect()
}

/// Dashes and slashes that join words of one name or groups of one number.
pub(super) fn is_hyphen(c: char) -> bool {
    ('\u{2010}'..='\u{2015}').contains(&c)
        || "-/\u{58A}\u{2212}\u{30FB}\u{FE58}\u{FE63}\u{FF0D}\u{FF65}".contains(c)
}

/// Marks below U+0900 are accents and points (Latin, Greek, Cyrillic, Hebrew, Arabic). Those above are
/// either alphabetic, which is to say vowel signs, or dropped with everything that is not alphanumeric.
fn is_accent(c: char) -> bool {
    c < '\u{900}' && is_combining_mark(c)
}

fn is_voicing_mark(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309A}')
}

/// The spelling of lower-case letters that have no decomposition; empty for signs that only Unicode counts
/// as letters.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ø' | 'ɔ' => "o",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'ł' | 'ƚ' => "l",
        'ħ' => "h",
        'ı' | 'ɨ' => "i",
        'ŧ' => "t",
        'ŋ' | 'ɲ' => "n",
        'ə' | 'ɛ' | 'ǝ' => "e",
        'ƀ' | 'ɓ' => "b",
        'ƙ' | 'ĸ' => "k",
        'ƴ' => "y",
        'ƶ' => "z",
        'ʉ' => "u",
        'ς' => "σ",
        // Arabic and Persian keyboards differ in these; names are written with either.
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        'ة' => "ه",
        // Modifier letters (ʻokina, ʼ and their kin), saltillo, N'Ko apostrophes, tatweel, Hangul fillers.
        '\u{2B0}'..='\u{2FF}'
        | '\u{A78C}'
        | '\u{7F4}'
        | '\u{7F5}'
        | '\u{640}'
        | '\u{115F}'
        | '\u{1160}' => "",
        _ => return None,
    })
}

/// Ideographs, kana, bopomofo and Hangul: scripts in which one character says much and words run together.
pub(super) fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11FF}'
        | '\u{2E80}'..='\u{2FDF}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3021}'..='\u{3035}'
        | '\u{3040}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{A960}'..='\u{A97F}'
        | '\u{AC00}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{1AFF0}'..='\u{1B16F}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// What stands between words, in names as in queries.
pub(super) fn is_word_break(c: char) -> bool {
    c.is_whitespace() || ",;，、".contains(c)
}

/// Where a name falls into parts: between words, and at hyphens and dashes of all kinds.
pub(super) fn is_name_break(c: char) -> bool {
    is_word_break(c)
        || ('\u{2010}'..='\u{2015}').contains(&c)
        || ".-/\u{58A}\u{2212}\u{30FB}\u{FE58}\u{FE63}\u{FF0D}\u{FF65}".contains(c)
}

pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c,
        '\'' | '`' | '\u{B4}' | '\u{2B9}'..='\u{2BD}' | '\u{2C8}' | '\u{2018}'..='\u{201B}'
        | '\u{2032}' | '\u{2035}' | '\u{A78B}' | '\u{A78C}' | '\u{FF07}')
}

/// The spellings under which a name is known: folded, with two letters for a letter with a mark
/// (`Böhm`: `bohm`, `boehm`), and with one for two (`Boehm`: `boehm`, `bohm`). So either spelling
/// finds the other, whichever the chart has.
#[must_use]
pub fn spellings(name: &str) -> Vec<String> {
    let folded = fold(name);
    let mut wide = String::with_capacity(name.len());
    for c in name.nfc().flat_map(char::to_lowercase) {
        match c {
            'ä' => wide.push_str("ae"),
            'ö' | 'ø' => wide.push_str("oe"),
            'ü' => wide.push_str("ue"),
            'å' => wide.push_str("aa"),
            other => wide.push(other),
        }
    }
    let wide = fold(&wide);
    let narrow = narrow(&wide);
    let mut spellings = vec![folded];
    for spelling in [wide, narrow] {
        if !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    spellings
}

/// One letter for two: `ae`, `oe`, `ue` (not in `que`) and `aa`.
fn narrow(folded: &str) -> String {
    let mut narrow = String::with_capacity(folded.len());
    let mut before = [' ', ' '];
    for c in folded.chars() {
        let pair = matches!((before[1], c), ('a' | 'o', 'e') | ('a', 'a'))
            || (before[1] == 'u' && c == 'e' && before[0] != 'q');
        before = [before[1], c];
        if pair {
            // A third letter begins anew: `aaa` is `aa`.
            before = [' ', ' '];
        } else {
            narrow.push(c);
        }
    }
    narrow
}
