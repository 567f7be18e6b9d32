//! What was typed, as words that must all be found.

use unicode_normalization::UnicodeNormalization;

use super::{
    dates::{self, Order},
    entries::{partition, token},
    fold::{fold, is_cjk, is_hyphen, is_word_break},
    phone,
    words::{LONGER, Tokens},
};
use crate::fields::ascii_domain;

/// A word of a query.
#[derive(Clone)]
pub(super) struct Word {
    /// As it was typed.
    pub(super) typed: String,
    /// What it can mean: one of these must be found.
    pub(super) meanings: Vec<Meaning>,
    /// Whether it may be left out.
    pub(super) role: Role,
    /// Another word that begins with this one: it needs a token of its own.
    pub(super) longer: Option<String>,
    /// It and the words before it as one: Mary Ann finds Maryann.
    pub(super) joined: Vec<String>,
}

/// One thing that a word can mean.
#[derive(Clone)]
pub(super) struct Meaning {
    /// Beginnings of tokens, all of which must be found.
    pub(super) tokens: Vec<String>,
    /// In which order it was read, if it is a date.
    pub(super) order: Order,
}

/// Whether a word may be left out where all words together find nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It may not.
    Needed,
    /// A title or a generational suffix may, first; and the beginning of another word (John Johnson).
    Optional,
    /// A single letter may, then.
    Letter,
}

impl Role {
    /// On how many levels such a word counts: all words, then without what is optional, then without
    /// letters.
    pub(super) const fn levels(self) -> usize {
        match self {
            Self::Needed => 3,
            Self::Letter => 2,
            Self::Optional => 1,
        }
    }
}

/// Titles and suffixes in English, Spanish, French and German, as [`fold`] leaves them.
const TITLES: [&str; 60] = [
    "mr",
    "mister",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "doctor",
    "prof",
    "professor",
    "rev",
    "reverend",
    "sir",
    "dame",
    "madam",
    "sr",
    "sra",
    "srta",
    "senor",
    "senora",
    "senorita",
    "don",
    "dona",
    "dra",
    "doctora",
    "profesor",
    "profesora",
    "mm",
    "mme",
    "mlle",
    "me",
    "monsieur",
    "madame",
    "mademoiselle",
    "docteur",
    "pr",
    "professeur",
    "herr",
    "frau",
    "jr",
    "jnr",
    "junior",
    "snr",
    "senior",
    "ii",
    "iii",
    "iv",
    "vi",
    "2nd",
    "3rd",
    "4th",
    "esq",
    "phd",
    "md",
    "rn",
    "dds",
    "hijo",
    "fils",
    "pere",
    "padre",
];

/// Whether a folded word is a title or a generational suffix.
pub(super) fn is_title(folded: &str) -> bool {
    TITLES.contains(&folded)
}

/// Articles that may stand before a date.
const ARTICLES: [&str; 3] = ["le", "el", "the"];

/// The most meanings of a word, and so of reads for it.
const MEANINGS: usize = 4;

impl Word {
    fn of_text(typed: &str) -> Self {
        let folded = token(typed);
        let role = if partition(&folded).is_none() && folded.chars().all(char::is_alphabetic) {
            Role::Letter
        } else if is_title(&folded) {
            Role::Optional
        } else {
            Role::Needed
        };
        Self::new(typed, vec![vec![folded]], role)
    }

    fn new(typed: &str, meanings: Vec<Vec<String>>, role: Role) -> Self {
        let meaning = |tokens| Meaning { tokens, order: Order::Either };
        let mut meanings: Vec<Meaning> = meanings.into_iter().map(meaning).collect();
        meanings.truncate(MEANINGS);
        Self { typed: typed.to_owned(), meanings, role, longer: None, joined: Vec::new() }
    }

    /// An address: its domain as letters of any script, and as mail servers know it.
    fn of_address(typed: &str) -> Option<Self> {
        let (local, domain) = typed.trim_end_matches('>').rsplit_once('@')?;
        let known = ascii_domain(domain).filter(|known| known != domain)?;
        let meanings = [token(&format!("{local}@{known}")), token(typed)];
        Some(Self::new(
            typed,
            meanings.into_iter().map(|token| vec![token]).collect(),
            Role::Needed,
        ))
    }

    /// How well it fits a client, less is better, and in which order it was read, if it is a date;
    /// nothing if it does not fit.
    pub(super) fn fit(&self, tokens: &Tokens<'_>) -> Option<(u32, Order)> {
        let longer = self.longer.as_deref();
        // Dr is not the beginning of Drew; but Jo, of Joanna Johnson, is that of Joanna.
        let short = |text: &String| text.chars().count() <= 2 && is_title(text);
        let whole = self.only().is_some_and(short) && self.role != Role::Needed;
        let of_meaning = |meaning: &Meaning| {
            let scores = meaning.tokens.iter().map(|token| tokens.score(token, longer));
            Some((scores.sum::<Option<u32>>()?, meaning.order))
        };
        let joined = self.joined.iter().filter_map(|joined| tokens.score(joined, longer));
        let joined = joined.map(|score| (score + 1, Order::Either));
        let meanings = self.meanings.iter().filter_map(of_meaning);
        let meanings = meanings.filter(|(score, _)| !whole || *score < LONGER);
        meanings.chain(joined).min_by_key(|(score, _)| *score)
    }

    /// The word, if it means one thing and has one token.
    pub(super) fn only(&self) -> Option<&String> {
        match &self.meanings[..] {
            [Meaning { tokens, .. }] if tokens.len() == 1 => tokens.first(),
            _ => None,
        }
    }

    /// The word, if it could be a name.
    pub(super) fn name(&self) -> Option<&String> {
        self.only()
            .filter(|word| word.chars().all(char::is_alphabetic) && partition(word).is_some())
            // `letters.example` is part of an address.
            .filter(|_| !self.typed.trim_end_matches('.').contains(['.', '@']))
    }
}

/// Reads a query; `this_year` decides what two digits of a year mean.
pub(super) fn words(query: &str, this_year: u16) -> Vec<Word> {
    // Compatibility forms are resolved within each word: NFKC would put a space into O´Brien.
    let typed: Vec<String> = query
        .split(is_word_break)
        .map(|word| without_scheme(&word.nfkc().collect::<String>()))
        .collect();
    let typed: Vec<&str> = typed
        .iter()
        .map(|word| phone::before_extension(word))
        .filter(|word| !word.is_empty())
        .collect();
    let only_numbers = typed.iter().all(|word| is_number(word) || fold(word).is_empty());

    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(first) = typed.get(at) {
        let rest = &typed[at..];
        if let Some((taken, certain, readings)) = dates::read(rest, this_year) {
            if let Some(article) = words.last_mut()
                && article.only().is_some_and(|word| ARTICLES.contains(&word.as_str()))
            {
                article.role = Role::Optional;
            }
            words.push(date(&rest[..taken], certain, readings));
            at += taken;
        } else if is_number(first) {
            let of_date =
                |words: &[&str]| matches!(dates::read(words, this_year), Some((_, true, _)));
            let taken = (1..rest.len())
                .find(|next| !is_number(rest[*next]) || of_date(&rest[*next..]))
                .unwrap_or(rest.len());
            words.push(number(&rest[..taken], only_numbers));
            at += taken;
            if phone::is_whole(&rest[..taken].concat()) {
                at += phone::extension(&typed[at..]);
            }
        } else {
            let parts: Vec<&str> = if first.chars().any(|c| c == '@' || c.is_numeric()) {
                vec![first]
            } else {
                first.split(is_hyphen).collect()
            };
            let word = |part: &str| Word::of_address(part).unwrap_or_else(|| Word::of_text(part));
            words.extend(parts.into_iter().map(word));
            at += 1;
        }
    }
    words.retain(|word| word.only().is_none_or(|token| !token.is_empty()));
    join(&mut words);
    without_repeated(words)
}

/// Links that people copy: `tel:+1…`, `mailto:jane@…`.
fn without_scheme(word: &str) -> String {
    let scheme = ["tel:", "mailto:"].into_iter().find(|scheme| {
        word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    word[scheme.map_or(0, str::len)..].to_owned()
}

fn is_number(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || is_hyphen(c) || "()+.".contains(c))
}

fn date(typed: &[&str], certain: bool, readings: Vec<dates::Reading>) -> Word {
    let mut word = Word::new(&typed.join(" "), Vec::new(), Role::Needed);
    word.meanings = readings
        .into_iter()
        .map(|(start, order)| Meaning { tokens: vec![start], order })
        .take(MEANINGS)
        .collect();
    if !certain {
        let tokens = if typed.iter().all(|word| is_number(word)) {
            vec![token(&typed.concat())]
        } else {
            typed.iter().map(|word| token(word)).collect()
        };
        word.meanings.truncate(MEANINGS - 1);
        word.meanings.push(Meaning { tokens, order: Order::Either });
    }
    word
}

/// Numbers that follow one another: one phone or record number, or one of each.
fn number(typed: &[&str], only_numbers: bool) -> Word {
    let cut = |text: &str| token(text);
    let mut meanings: Vec<Vec<String>> = Vec::new();
    for reading in phone::readings(&typed.concat()) {
        let reading = vec![cut(&reading)];
        if !meanings.contains(&reading) {
            meanings.push(reading);
        }
    }
    let pieces: Vec<String> = typed.iter().map(|word| cut(word)).collect();
    let long = pieces.iter().all(|piece| piece.len() >= 4);
    if typed.len() > 1 && (long || !only_numbers) {
        meanings.truncate(MEANINGS - 1);
        meanings.push(pieces);
    }
    Word::new(&typed.join(" "), meanings, Role::Needed)
}

/// Leaves out what was typed twice. A word with which another begins needs a token of its own.
fn without_repeated(words: Vec<Word>) -> Vec<Word> {
    let mut kept: Vec<Word> = Vec::new();
    for word in words {
        if word.only().is_none() || kept.iter().all(|known| known.only() != word.only()) {
            kept.push(word);
        }
    }
    let all: Vec<String> = kept.iter().filter_map(Word::only).cloned().collect();
    for word in &mut kept {
        let Some(own) = word.only() else { continue };
        let longer = all.iter().filter(|other| other.len() > own.len());
        word.longer = longer.filter(|other| other.starts_with(own.as_str())).min().cloned();
        if word.longer.is_some() && word.role == Role::Needed {
            word.role = Role::Optional;
        }
    }
    kept
}

/// Words that may be parts of one name.
fn join(words: &mut [Word]) {
    let spelt = |word: &Word| word.only().filter(|t| t.chars().all(char::is_alphabetic)).cloned();
    let all: Vec<Option<String>> = words.iter().map(spelt).collect();
    for (at, word) in words.iter_mut().enumerate() {
        let Some(mut joined) = all[at].clone() else { continue };
        for before in all[..at].iter().rev().take(2).map_while(Option::as_ref) {
            joined.insert_str(0, before);
            word.joined.push(token(&joined));
        }
    }
}

/// How well a token narrows a search: by its length, but digits and CJK characters say more than
/// letters.
pub(super) fn weight(token: &str) -> usize {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let cjk = token.chars().filter(|c| is_cjk(*c)).count();
    token.chars().count() + 2 * cjk + if digits >= 4 { 2 * digits } else { 0 }
}

/// How many slips a query word may hold. Numbers have none: another number is another person.
pub(super) fn allowance(word: &str) -> usize {
    if !word.chars().all(|c| c.is_alphabetic() && !is_cjk(c)) {
        return 0;
    }
    match word.chars().count() {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    }
}
