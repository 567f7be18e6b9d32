//! Search over clients: what is stored so that a client can be found, and which reads find it.
//!
//! This module hides how text becomes tokens, how tokens spread over partitions, and how a query turns
//! into a few bounded reads. It does no I/O: [`entries`] says what to write beside a client, [`plan`] says
//! what to read, and the plan judges what the reads return.
//!
//! **What is stored.** Each [`Entry`] becomes an item with `PK = …S#<partition>`,
//! `SK = <token>#<clientId>` and [`Entries::words`] as an attribute. There are three kinds:
//!
//! | kind | partition | read by |
//! | --- | --- | --- |
//! | token | its first two characters (`sm`), or its first if that is a CJK character (`李`) | a word's prefix |
//! | pair of names | both partitions, sorted (`ja+sm`); one entry per client and partition | two name-like words |
//! | sound | `~` and the name's first letter and consonant classes (`~sdm`); one per client and partition | a misspelt word |
//!
//! `words` holds every token of the client between single spaces, names first:
//! `" jane smith / 0142 19840312 hp100050 "`. So the filter `contains(words, " jan")` is exactly "some
//! token starts with jan", and the names before the slash tell which pairs the client has: that lets
//! [`Plan::shows`] keep a client from being listed twice without any state between pages. Folding leaves
//! nothing but letters and digits in a token, so `#`, space, `/`, `+` and `~` cannot be forged.
//!
//! **Changing the rules below** (folding, classes, limits) makes stored entries disagree with new plans:
//! the entries then have to be rebuilt.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use strsim::osa_distance;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters kept of a token and of a query word; what follows cannot be searched.
const TOKEN_CHARS: usize = 64;

// One client's entries are rewritten in one transaction, which DynamoDB limits to 100 items. When every
// token changes, the old entries are deleted and the new ones put: 2 × (24 + 9 + 7) = 80, which leaves
// four for the client, its event and a record number that moves, and the rest for the accounts of its
// portal users, who see the name ([`crate::chart::MOST_USERS`]).
const NAME_TOKENS: usize = 14;
const TOKENS: usize = 24;
const PAIRS: usize = 9;
const SOUNDS: usize = 7;

/// The most entries that [`entries`] makes for one client.
pub const MAX_ENTRIES: usize = TOKENS + PAIRS + SOUNDS;

/// Filters sent with one read; further words are checked on what comes back.
const FILTERS: usize = 8;

/// Stands in `words` between the names and all other tokens.
const NAMES_END: &str = "/";

// None of the types here implements Debug, but for those that hold nothing personal: names and search text
// do not belong in logs.

/// Everything a client can be found by. What the client does not have is empty.
#[derive(Clone, Default)]
pub struct Subject<'a> {
    /// First name.
    pub first: &'a str,
    /// Last name.
    pub last: &'a str,
    /// Preferred name.
    pub preferred: &'a str,
    /// E-mail addresses, the most important first.
    pub emails: Vec<&'a str>,
    /// Phone numbers as written, the most important first.
    pub phones: Vec<&'a str>,
    /// The practice's record number.
    pub record_number: &'a str,
    /// Date of birth as `YYYY-MM-DD`.
    pub date_of_birth: &'a str,
}

/// What is stored for one client.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entries {
    /// The client's tokens as one string, for filters; an attribute of every entry.
    pub words: String,
    /// The keys of the entries: sorted, unique, at most [`MAX_ENTRIES`].
    pub keys: Vec<Entry>,
}

/// The key of one entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Which partition holds it.
    pub partition: String,
    /// What it is sorted by; comes before the client's id.
    pub token: String,
}

/// The query holds no word of two characters (or of one CJK character).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort;

impl fmt::Display for TooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("type at least two characters")
    }
}

impl std::error::Error for TooShort {}

/// One Query: the entries of a partition whose sort key begins with a prefix, filtered.
#[derive(Clone, PartialEq, Eq)]
pub struct Read {
    /// Which partition to read.
    pub partition: String,
    /// What the sort key begins with. Empty means the whole partition: leave the condition out.
    pub prefix: String,
    /// Each is bound as it stands (it begins with a space) to one `contains(words, …)`; all must hold.
    pub filters: Vec<String>,
}

/// How to answer a query. Run `reads`, and on the first page `fuzzy` too, side by side.
///
/// The answer is what `reads[0]` returns and then what `reads[1]` returns, each in its own order, without
/// what [`Plan::shows`] declines. That list is the same whoever asks for whichever page, so a cursor need
/// only name the read and the last sort key shown. When `reads[0]` has more, `reads[1]` can wait.
/// If the list is short, the near misses of [`Plan::forgives`] follow.
#[derive(Clone)]
pub struct Plan {
    /// One or two exact reads. The last one alone finds every match; a first one over a pair of names
    /// finds nearly all of them by reading very little.
    pub reads: Vec<Read>,
    /// At most two reads of candidates for forgiveness, the better one first. One page of each is enough.
    /// The same client may be in both.
    pub fuzzy: Vec<Read>,
    /// The query's words, folded.
    pub words: Vec<String>,
}

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
fn is_cjk(c: char) -> bool {
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
fn is_word_break(c: char) -> bool {
    c.is_whitespace() || ",;，、".contains(c)
}

/// Where a name falls into parts: between words, and at hyphens and dashes of all kinds.
fn is_name_break(c: char) -> bool {
    is_word_break(c)
        || ('\u{2010}'..='\u{2015}').contains(&c)
        || "-/\u{58A}\u{2212}\u{30FB}\u{FE58}\u{FE63}\u{FF0D}\u{FF65}".contains(c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c,
        '\'' | '`' | '\u{B4}' | '\u{2B9}'..='\u{2BD}' | '\u{2C8}' | '\u{2018}'..='\u{201B}'
        | '\u{2032}' | '\u{2035}' | '\u{A78B}' | '\u{A78C}' | '\u{FF07}')
}

fn token(text: &str) -> String {
    let mut folded = fold(text);
    if let Some((end, _)) = folded.char_indices().nth(TOKEN_CHARS) {
        folded.truncate(end);
    }
    folded
}

/// Where a token is stored and a word looked up; none for a single letter or digit.
fn partition(token: &str) -> Option<String> {
    let mut chars = token.chars();
    let first = chars.next()?;
    if is_cjk(first) {
        return Some(first.to_string());
    }
    Some([first, chars.next()?].iter().collect())
}

/// Makes what is stored so that the client can be found.
///
/// Every token of two characters (or one CJK character) has exactly one entry under its own partition, so
/// a read for any one word of a query meets every client that the query matches. Where a client has more
/// of everything than fits, the last e-mails and phones and the tails of very long names give way.
#[must_use]
pub fn entries(subject: &Subject<'_>) -> Entries {
    let names = name_tokens(subject);
    let mut others = Tokens::default();
    let room = TOKENS - names.len();
    for text in other_tokens(subject) {
        if others.0.len() < room && !names.contains(&text) {
            others.add(text);
        }
    }
    let names: Vec<String> = names.into_iter().collect();
    let others: BTreeSet<String> = others.0.into_iter().collect();

    let mut keys: Vec<Entry> = Vec::new();
    for token in names.iter().chain(&others) {
        if let Some(partition) = partition(token) {
            keys.push(Entry { partition, token: token.clone() });
        }
    }
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut sounds = BTreeMap::new();
    for name in &borrowed {
        if let Some(sound) = sound(name)
            && sounds.len() < SOUNDS
        {
            sounds.entry(sound).or_insert_with(|| (*name).to_owned());
        }
    }
    let derived = pairs(&borrowed).into_iter().chain(sounds);
    keys.extend(derived.map(|(partition, token)| Entry { partition, token }));
    keys.sort_unstable();

    let mut words = String::from(" ");
    for name in &names {
        words.push_str(name);
        words.push(' ');
    }
    if !others.is_empty() {
        words.push_str(NAMES_END);
        words.push(' ');
    }
    for other in &others {
        words.push_str(other);
        words.push(' ');
    }
    Entries { words, keys }
}

/// Tokens in order of importance, without repetition.
#[derive(Default)]
struct Tokens(Vec<String>);

impl Tokens {
    fn add(&mut self, token: String) {
        if !token.is_empty() && !self.0.contains(&token) {
            self.0.push(token);
        }
    }
}

/// The tokens of all names. The fields take turns, so that a very long first name leaves room for the last.
fn name_tokens(subject: &Subject<'_>) -> BTreeSet<String> {
    let fields = [
        field_tokens(subject.last),
        field_tokens(subject.first),
        field_tokens(subject.preferred),
        run_together(subject.last, subject.first),
    ];
    let longest = fields.iter().map(Vec::len).max().unwrap_or_default();
    let mut names = BTreeSet::new();
    for rank in 0..longest {
        for name in fields.iter().filter_map(|field| field.get(rank)) {
            if names.len() < NAME_TOKENS {
                names.insert(name.clone());
            }
        }
    }
    names
}

/// One name field: its parts, its hyphenated words and the whole joined, what follows an apostrophe (so
/// that `o brien` and `brien` find O'Brien), and within CJK every place where a word could begin.
fn field_tokens(field: &str) -> Vec<String> {
    let mut tokens = Tokens::default();
    let parts = || field.split(is_name_break);
    parts().for_each(|part| tokens.add(token(part)));
    tokens.add(token(field));
    field.split(is_word_break).for_each(|word| tokens.add(token(word)));
    for piece in parts().flat_map(|part| part.split(is_apostrophe).skip(1)) {
        let piece = token(piece);
        if piece.chars().nth(1).is_some() {
            tokens.add(piece);
        }
    }
    for part in parts().map(token) {
        let mut after_cjk = false;
        for (start, c) in part.char_indices() {
            if start > 0 && (after_cjk || is_cjk(c)) {
                tokens.add(part[start..].to_owned());
            }
            after_cjk = is_cjk(c);
        }
    }
    tokens.0
}

/// A CJK name is written and typed without a space; in which field which half stands is anyone's guess.
fn run_together(last: &str, first: &str) -> Vec<String> {
    let (last, first) = (fold(last), fold(first));
    if last.is_empty() || first.is_empty() || !last.chars().chain(first.chars()).all(is_cjk) {
        return Vec::new();
    }
    vec![token(&format!("{last}{first}")), token(&format!("{first}{last}"))]
}

/// Everything but names, the most telling first.
fn other_tokens(subject: &Subject<'_>) -> Vec<String> {
    let mut tokens = vec![
        token(subject.record_number),
        // As a query of digits would be read, so that both always agree.
        phone_digits(subject.record_number).chars().take(TOKEN_CHARS).collect(),
        token(subject.date_of_birth),
    ];
    for rank in 0..subject.phones.len().max(subject.emails.len()) {
        if let Some(phone) = subject.phones.get(rank) {
            tokens.extend(phone_tokens(phone));
        }
        if let Some(email) = subject.emails.get(rank) {
            tokens.extend(email_tokens(email));
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// The digits of a phone number without North America's country code, which people leave out.
fn phone_digits(text: &str) -> String {
    let text: String = text.nfkc().collect();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let number = text.trim_start_matches(|c: char| c != '+' && !c.is_ascii_digit());
    let with_code = number.starts_with("+1") || (digits.len() == 11 && digits.starts_with('1'));
    if with_code { digits[1..].to_owned() } else { digits }
}

fn phone_tokens(phone: &str) -> Vec<String> {
    // An extension ("x12") is not part of the number.
    let start = phone.trim_start_matches(|c: char| c != '+' && !c.is_numeric());
    let number = start.split(char::is_alphabetic).next().unwrap_or_default();
    let digits: String = phone_digits(number).chars().take(TOKEN_CHARS).collect();
    let tail = |length: usize| {
        let from = digits.len().saturating_sub(length);
        digits[from..].to_owned()
    };
    vec![tail(TOKEN_CHARS), tail(7), tail(4)]
}

/// An address from its start, from after each separator of its local part, and from its domain. The
/// domain's own pieces would put nearly every client under `com`.
fn email_tokens(email: &str) -> Vec<String> {
    let mut tokens = vec![token(email)];
    let domain = email.rfind('@').unwrap_or(email.len());
    let separators = email.match_indices(['.', '-', '_', '+', '@']).map(|(at, _)| at);
    for at in separators.filter(|at| *at <= domain) {
        let suffix = token(&email[at + 1..]);
        if suffix.chars().nth(2).is_some() {
            tokens.push(suffix);
        }
    }
    tokens
}

/// The pair entries of a client: partition → token. Names come sorted, as they stand in `words`.
///
/// One entry per partition is enough, because its filters look at all words; so whatever is read from a
/// pair's partition is one client each. A name and its own beginning (Garcia, Garciamarquez) make no pair:
/// no query has them as two words.
fn pairs(names: &[&str]) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    for (at, a) in names.iter().enumerate() {
        for b in names[at + 1..].iter().filter(|b| !b.starts_with(a)) {
            if let Some(partition) = pair_partition(a, b)
                && pairs.len() < PAIRS
            {
                pairs.entry(partition).or_insert_with(|| format!("{a} {b}"));
            }
        }
    }
    pairs
}

/// The partition of two words in sorted order. No partition is the beginning of another, so the words sort
/// as their partitions do.
fn pair_partition(a: &str, b: &str) -> Option<String> {
    Some(format!("{}+{}", partition(a)?, partition(b)?))
}

/// What a name of four or more letters a to z keeps through common misspellings: how it begins and which
/// kinds of consonant follow, whatever their order and number. Classes after Soundex, but with g and j
/// apart from k and s.
fn sound(name: &str) -> Option<String> {
    if name.len() < 4 || !name.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let class = |letter: u8| match letter {
        b'b' | b'f' | b'p' | b'v' => Some('b'),
        b'c' | b'k' | b'q' | b's' | b'x' | b'z' => Some('k'),
        b'd' | b't' => Some('d'),
        b'g' | b'j' => Some('g'),
        b'l' => Some('l'),
        b'm' | b'n' => Some('m'),
        b'r' => Some('r'),
        _ => None,
    };
    let first = *name.as_bytes().first()?;
    let start = match first {
        b'c' | b'q' => 'k',
        b'j' => 'g',
        b'y' => 'i',
        b'z' => 's',
        other => char::from(other),
    };
    // A class that the first letter has already named says little more, and is lost first (Rodriguez).
    let own = class(first);
    let rest: BTreeSet<char> =
        name.bytes().filter_map(class).filter(|kind| Some(*kind) != own).collect();
    Some(format!("~{start}{}", rest.into_iter().collect::<String>()))
}

/// Decides how to answer a query.
///
/// # Errors
///
/// [`TooShort`] when no word has two characters (or one CJK character).
pub fn plan(query: &str) -> Result<Plan, TooShort> {
    let words = query_words(query);
    let mut leads: Vec<&String> = words.iter().filter(|word| partition(word).is_some()).collect();
    leads.sort_by_key(|word| Reverse(weight(word)));
    let lead = *leads.first().ok_or(TooShort)?;

    let mut reads = Vec::new();
    let pair = pair_of(&leads);
    if let Some(partition) = &pair {
        let filters = needles(words.iter());
        reads.push(Read { partition: partition.clone(), prefix: String::new(), filters });
    }
    if let Some(partition) = partition(lead) {
        let filters = needles(words.iter().filter(|word| *word != lead));
        reads.push(Read { partition, prefix: lead.clone(), filters });
    }
    let fuzzy = fuzzy_reads(&words, pair);
    Ok(Plan { reads, fuzzy, words })
}

/// The query's words, folded; without those that another word implies by beginning with them.
fn query_words(query: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut numbers = Vec::new();
    let mut all_numbers = true;
    // Compatibility forms are resolved within each word: NFKC would put a space into O´Brien.
    for word in query.split(is_word_break) {
        let word: String = word.nfkc().collect();
        if let Some(date) = date_token(&word) {
            words.push(date);
        } else if word.chars().all(|c| c.is_ascii_digit() || "()+-.".contains(c)) {
            numbers.push(word);
        } else {
            all_numbers = false;
            words.push(token(&word));
        }
    }
    if all_numbers {
        numbers = vec![numbers.concat()];
    }
    words.extend(
        numbers.iter().map(|number| phone_digits(number).chars().take(TOKEN_CHARS).collect()),
    );

    let mut kept: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let implied = words.iter().enumerate().any(|(other_at, other)| {
            other.starts_with(word.as_str()) && (other.len() > word.len() || other_at < at)
        });
        if !implied {
            kept.push(word.clone());
        }
    }
    kept
}

/// How well a word narrows a search: by its length, but digits and CJK characters say more than letters.
fn weight(word: &str) -> usize {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let cjk = word.chars().filter(|c| is_cjk(*c)).count();
    word.chars().count() + 2 * cjk + if digits >= 4 { 2 * digits } else { 0 }
}

/// The pair partition of the two weightiest words that could be names.
fn pair_of(leads: &[&String]) -> Option<String> {
    let mut names = leads.iter().filter(|word| word.chars().all(char::is_alphabetic));
    let (one, two) = (names.next()?, names.next()?);
    pair_partition(one.min(two), one.max(two))
}

fn needles<'a>(words: impl Iterator<Item = &'a String>) -> Vec<String> {
    words.take(FILTERS).map(|word| format!(" {word}")).collect()
}

/// Where misspelt names could be. Words that cannot be misspelt (numbers, short ones) stay filters.
fn fuzzy_reads(words: &[String], pair: Option<String>) -> Vec<Read> {
    let mut fuzzy = Vec::new();
    let Some(longest) = words.iter().filter(|w| allowance(w) > 0).max_by_key(|w| w.chars().count())
    else {
        return fuzzy;
    };
    let read = |partition, prefix| {
        let filters = needles(words.iter().filter(|word| allowance(word) == 0));
        Read { partition, prefix, filters }
    };
    // With two names the pair's partition is small, and holds every slip after the first two letters.
    let paired = pair.is_some();
    fuzzy.extend(pair.map(|partition| read(partition, String::new())));
    fuzzy.extend(sound(longest).map(|partition| read(partition, String::new())));
    // With one, half a word is often right: it also finds a wrong consonant in the other half.
    if let Some(partition) = partition(longest)
        && !paired
    {
        let half = longest.chars().count() / 2;
        fuzzy.push(read(partition, longest.chars().take(half).collect()));
    }
    fuzzy
}

/// How many slips a query word may hold. Numbers have none: another number is another person.
fn allowance(word: &str) -> usize {
    if !word.chars().all(|c| c.is_alphabetic() && !is_cjk(c)) {
        return 0;
    }
    match word.chars().count() {
        0..=3 => 0,
        4..=5 => 1,
        _ => 2,
    }
}

/// The date a word means, as eight digits, or nothing if it means none that exists. `3/12/1984` is
/// March 12th; the day comes first where only that exists.
fn date_token(word: &str) -> Option<String> {
    let number = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        let digits = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<u16>().ok() } else { None }
    };
    if word.len() == 8 && word.is_ascii() {
        let compact =
            (number(&word[..4], 4..=4), number(&word[4..6], 2..=2), number(&word[6..], 2..=2));
        if let (Some(year), Some(month), Some(day)) = compact {
            return existing_date(year, month, day);
        }
    }
    let separator = word.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = word.split(separator).collect();
    let [a, b, c] = parts[..] else { return None };
    // 1984-03-1 is a date still being typed.
    let day_digits = b.len()..=2;
    if let (Some(year), Some(month), Some(day)) =
        (number(a, 4..=4), number(b, 1..=2), number(c, day_digits))
    {
        return existing_date(year, month, day);
    }
    let (a, b, year) = (number(a, 1..=2)?, number(b, 1..=2)?, number(c, 4..=4)?);
    existing_date(year, a, b).or_else(|| existing_date(year, b, a))
}

fn existing_date(year: u16, month: u16, day: u16) -> Option<String> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    // Dates in which someone alive can have been born, with room: other numbers are records and phones.
    let exists = (1850..=2150).contains(&year) && (1..=days).contains(&day);
    exists.then(|| format!("{year:04}{month:02}{day:02}"))
}

fn tokens_in(words: &str) -> impl Iterator<Item = &str> {
    words.split(' ').filter(|token| !token.is_empty() && *token != NAMES_END)
}

fn names_in(words: &str) -> Vec<&str> {
    words
        .split(' ')
        .filter(|token| !token.is_empty())
        .take_while(|token| *token != NAMES_END)
        .collect()
}

impl Plan {
    /// Whether an entry that `reads[read]` returned is to be listed.
    ///
    /// A client often has several tokens with the same beginning (Smith, `smith12@…`), and is found by both
    /// reads. It is listed for one entry only: in the earliest read that holds it, under the first of its
    /// `words` that begins with the prefix. `token` is the part of the sort key before the `#`.
    #[must_use]
    pub fn shows(&self, read: usize, token: &str, words: &str) -> bool {
        let Some(this) = self.reads.get(read) else {
            return false;
        };
        if !self.words.iter().all(|word| tokens_in(words).any(|t| t.starts_with(word.as_str()))) {
            return false;
        }
        if this.prefix.is_empty() {
            return true;
        }
        if tokens_in(words).find(|t| t.starts_with(&this.prefix)) != Some(token) {
            return false;
        }
        let earlier = &self.reads[..read];
        earlier.is_empty() || {
            let pairs = pairs(&names_in(words));
            !earlier.iter().any(|pair| pairs.contains_key(&pair.partition))
        }
    }

    /// Whether a candidate that a fuzzy read returned is a near miss, and by how many slips in all: for
    /// ranking, fewest first.
    ///
    /// Each word begins a token, or is a name but for one slip (two from six letters on): a letter missing,
    /// added, changed, or two neighbours swapped. Nothing for a client that matches without forgiveness,
    /// for the exact reads list it.
    #[must_use]
    pub fn forgives(&self, words: &str) -> Option<u8> {
        let names = names_in(words);
        let mut slips = 0;
        for word in &self.words {
            if tokens_in(words).any(|token| token.starts_with(word.as_str())) {
                continue;
            }
            let nearest = names.iter().map(|name| osa_distance(word, name)).min()?;
            if nearest > allowance(word) {
                return None;
            }
            slips += nearest;
        }
        if slips == 0 { None } else { Some(u8::try_from(slips).unwrap_or(u8::MAX)) }
    }
}

#[cfg(test)]
mod tests;
