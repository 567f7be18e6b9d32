//! What people paste (rule 18): characters that nobody sees are dropped, typographic spaces and dashes
//! become plain ones, and the wrappings of mail and telephone programs are taken off.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A text without what nobody sees, composed (NFC) and trimmed. Control characters stay, for the
/// caller to refuse: they show that something else was pasted than was meant.
pub fn clean(raw: &str) -> String {
    let seen: Vec<char> = raw.chars().filter(|c| !is_unseen(*c)).map(plain).collect();
    let mut kept = String::with_capacity(raw.len());
    let mut before = None;
    for (at, c) in seen.iter().copied().enumerate() {
        if is_joiner(c) && !joins(c, before, seen.get(at + 1).copied()) {
            continue;
        }
        kept.push(c);
        before = Some(c);
    }
    kept.nfc().collect::<String>().trim().to_owned()
}

/// Whether something can be seen: a letter, a digit, a sign; not marks without a letter.
pub fn is_visible(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !is_combining_mark(c) && !is_joiner(c))
}

/// Format and direction marks, fillers, variation selectors, tags: Unicode's format characters (Cf)
/// and those that programs may leave out (`Default_Ignorable_Code_Point`), but for the joiners.
pub fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a joiner changes how the characters beside it look: in Arabic, Indic and related scripts, and
/// between emoji. Everywhere else nobody sees it.
fn joins(joiner: char, before: Option<char>, after: Option<char>) -> bool {
    let Some((before, after)) = before.zip(after) else { return false };
    let script = |c: char| {
        matches!(c, '\u{620}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
            | '\u{1a20}'..='\u{1c4f}' | '\u{a800}'..='\u{abff}' | '\u{11000}'..='\u{11fff}')
    };
    let picture = |c: char| matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}');
    script(before) && script(after) || joiner == '\u{200d}' && picture(before) && picture(after)
}

/// Typographic spaces and dashes as plain ones.
fn plain(c: char) -> char {
    match c {
        '\u{a0}'
        | '\u{1680}'
        | '\u{2000}'..='\u{200a}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{2800}'
        | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        c => c,
    }
}

/// Full-width letters, digits and signs, as East Asian keyboards make them, in their plain form.
pub fn narrow(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3002}' | '\u{ff61}' => '.',
        c => c,
    };
    text.chars().map(narrow).collect()
}

/// A text behind one of these words, in any case: `mailto:`, `tel:`.
fn behind<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| {
        let start = text.get(..word.len())?;
        start.eq_ignore_ascii_case(word).then(|| text[word.len()..].trim_start())
    })
}

/// What may stand around an address in a sentence.
fn bare(text: &str) -> &str {
    let around = ['"', '\'', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{ab}', '\u{bb}'];
    text.trim_matches(around)
        .trim_end_matches(|c: char| c.is_whitespace() || ".,;:>)".contains(c))
        .trim_start_matches(|c: char| c.is_whitespace() || "<(".contains(c))
        .trim_matches(around)
        .trim()
}

/// The address in `mailto:ann@mail.example?subject=…`, `Ann Lee <ann@mail.example>`,
/// `ann@mail.example (Ann Lee)`, or a sentence's end.
pub fn address(text: &str) -> String {
    let narrow = narrow(text);
    let mut text = narrow.trim();
    if let (1, Some((_, rest))) = (text.matches('<').count(), text.split_once('<')) {
        let (address, after) = rest.split_once('>').unwrap_or((rest, ""));
        if !after.contains(char::is_alphanumeric) {
            text = address;
        }
    }
    if let Some((address, _)) = text.split_once(" (").filter(|_| text.ends_with(')')) {
        text = address;
    }
    text = bare(text);
    if let Some(link) = behind(text, &["mailto:", "smtp:"]) {
        text = bare(link.split('?').next().unwrap_or_default());
    }
    text.replace('\u{2019}', "'")
}

/// The domain of an address in its ASCII form (IDNA, UTS 46): mail servers know no other.
pub fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    idna::domain_to_ascii(domain).ok().map(Cow::Owned)
}

/// Words that announce an extension; the longer before the shorter.
pub const EXTENSIONS: [&str; 16] = [
    "extensión",
    "extension",
    "durchwahl",
    "interno",
    "toestel",
    "anexo",
    "poste",
    "extn",
    "ext",
    "int",
    "dw",
    "x",
    "#",
    ";ext=",
    "p",
    "e",
];

/// A number as it is dialled, and its extension: `tel:+1-201-555-0123;ext=12`, `… ext. 12`, `… poste 4`,
/// `Tel. 555 0107`, `555 0107 (mobile)`.
pub fn number(text: &str) -> String {
    let narrow = narrow(text);
    let mut text = narrow.trim();
    let labels =
        ["tel:", "tel.:", "tel.", "tel ", "tél:", "tél.:", "tél.", "phone:", "callto:", "sms:"];
    if let Some(number) = behind(text, &labels) {
        text = number;
    }
    if let Some((number, label)) = text.rsplit_once('(')
        && text.ends_with(')')
        && !number.trim().is_empty()
        && !label.contains(|c: char| c.is_ascii_digit())
    {
        text = number;
    }
    text = text.trim_end_matches(|c: char| c.is_whitespace() || ".,;:".contains(c));
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (front, extension) = text.split_at(text.len() - digits);
    let front = front.trim_end_matches(|c: char| c.is_whitespace() || ".:".contains(c));
    let lower = front.to_lowercase();
    let word = EXTENSIONS.iter().find(|word| lower.ends_with(**word) && lower.len() == front.len());
    if let Some(word) = word
        && (1..=8).contains(&digits)
    {
        let number = front[..front.len() - word.len()]
            .trim_end_matches(|c: char| c.is_whitespace() || ".,;:-".contains(c));
        if number.contains(|c: char| c.is_ascii_digit()) {
            return format!("{} x{extension}", without_parameters(number));
        }
    }
    without_parameters(text).to_owned()
}

/// A `tel:` link's number without `;phone-context=…`.
fn without_parameters(number: &str) -> &str {
    number.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_dropped() {
        for (raw, left) in [
            ("\u{202a}Ann\u{202c} Lee", "Ann Lee"),
            ("\u{2066}Ann\u{2069}\u{feff}", "Ann"),
            ("Fea\u{ad}ther\u{200b}stone\u{2060}", "Featherstone"),
            ("A\u{200d}n\u{200c}n", "Ann"),
            ("\u{e0001}A\u{e0041}nn\u{fe0f}", "Ann"),
            ("Ann\u{a0}Lee\u{202f}\u{3000}", "Ann Lee"),
            ("Smith\u{2011}Jones \u{2013} \u{2212}\u{2014}", "Smith-Jones - --"),
            ("\u{3164}\u{115f}\u{2800}\u{1160}\u{ffa0}", ""),
            ("e\u{200b}\u{301}", "\u{e9}"),
            ("a\nb", "a\nb"),
        ] {
            assert_eq!(clean(raw), left, "{raw:?}");
            assert_eq!(clean(&clean(raw)), left, "{raw:?}");
        }
    }

    #[test]
    fn joiners_that_show_stay() {
        for text in [
            "\u{639}\u{644}\u{6cc}\u{200c}\u{631}\u{636}\u{627}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{1f469}\u{200d}\u{1f467}",
        ] {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("\u{200d}\u{1f469}\u{200d}"), "\u{1f469}");
    }

    #[test]
    fn only_what_shows_is_visible() {
        assert!(["a", "7", ".", "\u{1f469}", "e\u{301}"].iter().all(|t| is_visible(t)));
        assert!(["", " ", "\u{301}", "\u{200d}"].iter().all(|t| !is_visible(t)));
    }

    #[test]
    fn an_address_comes_out_of_its_wrapping() {
        for raw in [
            "ann@mail.example",
            "mailto:ann@mail.example",
            "MAILTO:ann@mail.example?subject=Hello",
            "<mailto:ann@mail.example>",
            "Ann Lee <ann@mail.example>",
            "\"Lee, Ann\" <ann@mail.example>,",
            "<ann@mail.example>;",
            "ann@mail.example.",
            "ann@mail.example (Ann Lee)",
            "\u{201c}ann@mail.example\u{201d}",
            "\u{ff41}nn\u{ff20}mail\u{3002}example",
        ] {
            assert_eq!(address(raw), "ann@mail.example", "{raw}");
        }
    }

    #[test]
    fn a_number_comes_out_of_its_wrapping() {
        for (raw, right) in [
            ("tel:+1-201-555-0123", "+1-201-555-0123"),
            ("tel:+1-201-555-0123;ext=12", "+1-201-555-0123 x12"),
            ("tel:555-0123;phone-context=+1201", "555-0123"),
            ("Tel.: 555 0107", "555 0107"),
            ("(238) 555-0107 ext. 12", "(238) 555-0107 x12"),
            ("(238) 555-0107, Ext 12", "(238) 555-0107 x12"),
            ("238 555 0107x12", "238 555 0107 x12"),
            ("01 44 55 66 77 poste 4", "01 44 55 66 77 x4"),
            ("01 44 55 66 77 p. 4", "01 44 55 66 77 x4"),
            ("0471 55 01 07 Durchwahl 23", "0471 55 01 07 x23"),
            ("555 0107 extensión: 9", "555 0107 x9"),
            ("555 0107 (mobile)", "555 0107"),
            ("555 0107.", "555 0107"),
            ("\u{ff15}\u{ff15}\u{ff15}\u{ff10}\u{ff11}", "55501"),
            ("ext. 4", "ext. 4"),
        ] {
            assert_eq!(number(raw), right, "{raw}");
            assert_eq!(number(&number(raw)), right, "{raw}");
        }
    }
}
