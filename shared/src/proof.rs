//! The proof of a last name (rule 11): whether what a person typed is the last name in the chart.
//!
//! It forgives spelling and never another person. Forgiven are case, accents, `ä`/`ae`-like pairs,
//! hyphens, spaces and other punctuation, generational suffixes, words in brackets, `St`/`Saint`, a
//! missing particle (`van`, `de la`), and the full name typed for the last. Any one surname of several
//! proves, when it has three letters or more.
//!
//! Never proved are:
//! - nothing, or punctuation;
//! - a first name, when the person has a real last name;
//! - a particle, a suffix or a placeholder alone;
//! - one of several names typed in the hope that one fits.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::{fields::Name, search};

/// Whether what was typed proves the last name. A name with one part is proved with that part; a
/// placeholder (`.`, `FNU`, `Unknown`) is no part.
#[must_use]
pub fn of_last_name(name: &Name, typed: &str) -> bool {
    let (first, last) = (name.first.as_str(), name.last.as_str());
    let preferred = name.preferred.as_ref().map_or("", |p| p.as_str());
    if is_placeholder(last) {
        return !is_placeholder(first) && Known::of(first, &[], last).proved_by(typed);
    }
    let first = if is_placeholder(first) { "" } else { first };
    Known::of(last, &[first, preferred], "").proved_by(typed)
}

/// What practices write where a person has no such name. Surnames that exist (Null, Na, No) are not
/// among them as people write them.
const PLACEHOLDERS: [&str; 40] = [
    "fnu",
    "lnu",
    "nfn",
    "nln",
    "nmn",
    "unknown",
    "unk",
    "unkn",
    "unnamed",
    "unspecified",
    "none",
    "noname",
    "no name",
    "no first name",
    "no last name",
    "no surname",
    "no family name",
    "nolastname",
    "nosurname",
    "first name unknown",
    "last name unknown",
    "firstname",
    "lastname",
    "surname",
    "n a",
    "not given",
    "not known",
    "not provided",
    "not available",
    "not applicable",
    "missing",
    "blank",
    "only name",
    "one name",
    "single name",
    "mononym",
    "desconocido",
    "sin apellido",
    "inconnu",
    "sans nom",
];

/// Whether a part of a name stands for no name at all.
fn is_placeholder(part: &str) -> bool {
    let part = part.trim();
    if ["null", "NULL", "nil", "NIL", "N.A.", "n.a."].contains(&part) {
        return true;
    }
    let words: Vec<String> =
        part.split(is_separator).map(search::fold).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    if text.is_empty() {
        // Signs of other kinds may be somebody's name: they are compared as they stand.
        return part.chars().all(|c| c.is_whitespace() || is_punctuation(c));
    }
    PLACEHOLDERS.contains(&text.as_str()) || text.chars().all(|c| c == 'x')
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{205e}' | '\u{2212}' | '\u{3000}'..='\u{301f}')
}

/// The name to be proved.
struct Known {
    /// The name as it stands.
    whole: String,
    /// Its readings: without and with what stands in brackets.
    readings: Vec<Vec<Word>>,
    /// How a full name may begin, or end when the last name comes first.
    firsts: Vec<Vec<Word>>,
    /// The same, as a letter.
    initials: Vec<Vec<Word>>,
    /// The part that is none: may be typed, and says nothing.
    placeholder: Vec<Word>,
}

impl Known {
    fn of(part: &str, firsts: &[&str], placeholder: &str) -> Self {
        let (mut forms, mut initials) = (Vec::new(), Vec::new());
        for text in firsts {
            let names = words(text);
            if let Some(first) = names.first() {
                forms.push(vec![first.clone()]);
                initials.extend(first.initial().map(|initial| vec![initial]));
                forms.push(names);
            }
        }
        Self {
            whole: part.trim().to_owned(),
            readings: readings(part),
            firsts: forms,
            initials,
            placeholder: words(placeholder),
        }
    }

    fn proved_by(&self, typed: &str) -> bool {
        if self.readings.is_empty() {
            return !self.whole.is_empty() && self.whole == typed.trim();
        }
        let guesses: Vec<Vec<Word>> =
            readings(typed).iter().flat_map(|words| self.without_the_rest(words)).collect();
        guesses.iter().any(|guess| {
            let mut readings = self.readings.iter();
            readings.next().is_some_and(|outside| self.is_proved(outside, guess))
                || readings.any(|all| same(all, guess))
        })
    }

    /// What was typed, and what is left of it without title, first name, and placeholder: the last
    /// names that it may be. Each is the end of it, or all but its end, so that a long text holds no
    /// more guesses than a short one.
    fn without_the_rest(&self, typed: &[Word]) -> Vec<Vec<Word>> {
        let mut found = vec![typed.to_vec()];
        let bare = match typed {
            [title, rest @ ..] if !rest.is_empty() && title.is_one_of(&TITLES) => rest,
            all => all,
        };
        found.push(bare.to_vec());
        let generic = |word: &Word| word.is_one_of(&["fnu", "lnu"]);
        let without = [
            bare.strip_prefix(&self.placeholder[..]),
            bare.strip_suffix(&self.placeholder[..]),
            bare.split_first().filter(|(word, _)| generic(word)).map(|(_, rest)| rest),
            bare.split_last().filter(|(word, _)| generic(word)).map(|(_, rest)| rest),
        ];
        found.extend(without.into_iter().flatten().map(<[Word]>::to_vec));
        for first in self.firsts.iter().chain(&self.initials) {
            if bare.len() > first.len() && same(&bare[..first.len()], first) {
                // A middle name or two, which the chart need not have.
                let rest = &bare[first.len()..];
                found.extend((0..=2).filter_map(|n| rest.get(n..)).map(<[Word]>::to_vec));
            }
            if bare.len() > first.len() && same(&bare[bare.len() - first.len()..], first) {
                found.push(bare[..bare.len() - first.len()].to_vec());
            }
        }
        found.retain(|words| !words.is_empty());
        found
    }

    fn is_proved(&self, known: &[Word], guess: &[Word]) -> bool {
        if same(known, guess) {
            return true;
        }
        let (known, guess) = (without_suffix(known), without_suffix(guess));
        let (surnames, guessed) = (surnames(known), surnames(guess));
        let core =
            |names: &[Surname]| names.iter().flat_map(|n| n.core.clone()).collect::<Vec<_>>();
        if same(known, guess) || same(&core(&surnames), guess) {
            return true;
        }
        let particles = core(&surnames).len() < known.len();
        if particles && same(&core(&surnames), &core(&guessed)) {
            return true;
        }
        surnames.len() > 1 && self.are_some_of(&surnames, &guessed)
    }

    /// Whether all names typed are among those of the chart, and one of them says enough.
    fn are_some_of(&self, known: &[Surname], guessed: &[Surname]) -> bool {
        let mut left: Vec<&Surname> = known.iter().collect();
        let mut long_enough = false;
        for name in guessed {
            let at = left.iter().position(|k| k.is(name) && !k.core.is_empty());
            let Some(at) = at else { return false };
            let found = left.swap_remove(at);
            let is_first = self.firsts.iter().any(|first| same(first, &found.core));
            long_enough |= letters(&found.core) >= 3 && !is_first;
        }
        long_enough
    }
}

/// A word of a name, composed for compatibility, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    folded: String,
}

impl Word {
    fn new(text: String) -> Self {
        let folded = search::fold(&text);
        Self { text, folded }
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&self.folded.as_str())
    }

    fn initial(&self) -> Option<Self> {
        self.text.chars().next().map(|c| Self::new(c.to_string()))
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.'
                | ','
                | ';'
                | ':'
                | '/'
                | '\\'
                | '&'
                | '+'
                | '_'
                | '|'
                | '"'
                | '“'
                | '”'
                | '„'
                | '«'
                | '»'
        )
        || matches!(
            c,
            '\u{ad}' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2212}'
                    | '\u{fe58}'
                    | '\u{fe63}'
                    | '\u{ff0d}'
                    | '・'
                    | '·'
                    | '='
        )
}

const BRACKETS: [(char, char); 4] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>')];

/// The words of a text that have letters or digits.
fn words(text: &str) -> Vec<Word> {
    let bracket = |c: char| BRACKETS.iter().any(|(open, close)| c == *open || c == *close);
    let text: String = text.nfkc().collect();
    let parts = text.split(|c: char| is_separator(c) || bracket(c));
    let mut words = Vec::new();
    for part in parts {
        // `StJohn`, as one writes `St.John`.
        let saint = part.strip_prefix("St").filter(|rest| rest.starts_with(char::is_uppercase));
        let parts = saint.map_or_else(|| vec![part], |rest| vec!["St", rest]);
        words.extend(parts.into_iter().map(|part| match part.to_lowercase().as_str() {
            "st" => Word::new("saint".into()),
            "ste" => Word::new("sainte".into()),
            word => Word::new(word.to_owned()),
        }));
    }
    words.retain(|word| !word.folded.is_empty());
    words
}

/// The words of a text outside its brackets, and all of them.
fn readings(text: &str) -> Vec<Vec<Word>> {
    let text: String = text.nfkc().collect();
    let mut outside = String::new();
    let mut closing = Vec::new();
    for c in text.chars() {
        if let Some((_, close)) = BRACKETS.iter().find(|(open, _)| *open == c) {
            closing.push(*close);
            outside.push(' ');
        } else if closing.last() == Some(&c) {
            closing.pop();
        } else if closing.is_empty() {
            outside.push(c);
        }
    }
    let mut readings = vec![words(&outside), words(&text)];
    readings.retain(|words| !words.is_empty());
    readings.dedup();
    readings
}

/// Words before a name that are none of it.
const TITLES: [&str; 26] = [
    "mr", "mrs", "ms", "miss", "mx", "mister", "missus", "dr", "doctor", "prof", "rev", "sir",
    "dame", "sr", "sra", "srta", "senor", "senora", "don", "dona", "m", "mme", "mlle", "monsieur",
    "madame", "herr",
];

/// Words after a name that tell generations apart.
const SUFFIXES: [&str; 27] = [
    "jr", "jnr", "junior", "sr", "snr", "senior", "i", "ii", "iii", "iv", "v", "vi", "vii", "1st",
    "2nd", "3rd", "4th", "5th", "fils", "pere", "hijo", "filho", "neto", "sobrinho", "younger",
    "elder", "esq",
];

/// A name without its generational suffixes, as long as something is left.
fn without_suffix(name: &[Word]) -> &[Word] {
    match name {
        [rest @ .., last] if !rest.is_empty() && last.is_one_of(&SUFFIXES) => without_suffix(rest),
        _ => name,
    }
}

/// Words before a surname that people leave out or write together with it.
const PARTICLES: [&str; 52] = [
    "van", "von", "vom", "zu", "zum", "zur", "der", "den", "dem", "des", "de", "del", "della",
    "delle", "dello", "degli", "dei", "di", "da", "das", "do", "dos", "du", "d", "la", "las", "le",
    "les", "lo", "los", "el", "al", "ul", "as", "af", "av", "ten", "ter", "te", "t", "op", "bin",
    "ibn", "bint", "ben", "bar", "abu", "y", "e", "und", "and", "the",
];

/// Words that are part of the surname behind them: without them it is another name.
const BOUND: [&str; 18] = [
    "saint", "sainte", "san", "santa", "santo", "sao", "sankt", "o", "mc", "mac", "fitz", "ap",
    "ab", "ni", "nic", "ua", "ui", "abd",
];

/// One surname of a person.
struct Surname {
    /// With its particles.
    full: Vec<Word>,
    /// Without them; empty when there is nothing else.
    core: Vec<Word>,
}

impl Surname {
    fn is(&self, typed: &Self) -> bool {
        same(&self.full, &typed.full) || same(&self.core, &typed.full)
    }
}

fn surnames(name: &[Word]) -> Vec<Surname> {
    let mut found = Vec::new();
    let mut next = Surname { full: Vec::new(), core: Vec::new() };
    for word in name {
        next.full.push(word.clone());
        let particle = word.is_one_of(&PARTICLES);
        if particle && next.core.is_empty() {
            continue;
        }
        next.core.push(word.clone());
        if !particle && !word.is_one_of(&BOUND) {
            found
                .push(std::mem::replace(&mut next, Surname { full: Vec::new(), core: Vec::new() }));
        }
    }
    if !next.full.is_empty() {
        found.push(next);
    }
    found
}

fn letters(words: &[Word]) -> usize {
    words.iter().map(|word| word.folded.chars().count()).sum()
}

/// Whether two rows of words are one name, wherever the spaces are.
fn same(a: &[Word], b: &[Word]) -> bool {
    let together = |words: &[Word]| words.iter().map(|word| word.text.as_str()).collect::<String>();
    let (a, b) = (spellings(&together(a)), spellings(&together(b)));
    a.iter().any(|spelling| !spelling.is_empty() && b.contains(spelling))
}

/// Letters that are spelt with one letter or with two.
fn pair(c: char) -> Option<[&'static str; 2]> {
    Some(match c {
        'ä' => ["a", "ae"],
        'ö' | 'ø' | 'ő' => ["o", "oe"],
        'ü' | 'ű' => ["u", "ue"],
        'å' => ["a", "aa"],
        'æ' => ["ae", "a"],
        'œ' => ["oe", "o"],
        'ß' => ["ss", "s"],
        'đ' => ["d", "dj"],
        'ð' => ["d", "dh"],
        'þ' => ["th", "t"],
        _ => return None,
    })
}

/// More letters with two spellings than this are all spelt alike.
const MIXED: usize = 6;

/// How a name in lower case may be spelt in plain letters.
fn spellings(name: &str) -> BTreeSet<String> {
    let mixed = name.chars().filter(|c| pair(*c).is_some()).count() <= MIXED;
    let mut found = vec![String::new()];
    for c in name.chars() {
        match pair(c) {
            Some(both) if mixed => {
                let longer =
                    found.iter().flat_map(|text| both.map(|spelt| format!("{text}{spelt}")));
                found = longer.collect();
            }
            Some(both) => {
                if found.len() == 1 {
                    found.push(found[0].clone());
                }
                found = found.into_iter().zip(both).map(|(text, spelt)| text + spelt).collect();
            }
            None => {
                let plain = search::fold(c.encode_utf8(&mut [0; 4]));
                found = found.into_iter().map(|text| text + &plain).collect();
            }
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests;
