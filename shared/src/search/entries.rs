//! What is stored so that a client can be found.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    fold::{fold, is_apostrophe, is_cjk, is_hyphen, is_name_break, is_word_break, spellings},
    phone,
    words::{BORN, CLIENT, FIRST, FORMER, MARK, OTHER, Tokens, ordered},
};

/// Characters kept of a token and of a query word; what follows cannot be searched.
pub(super) const TOKEN_CHARS: usize = 40;

// One client's entries are rewritten in one transaction, which DynamoDB limits to 100 items. When
// every token changes, the old entries are deleted and the new ones put: 2 × 36 = 72, which leaves
// 28 for the client, its event, a record number that moves, and the accounts of its portal users,
// who see the name ([`crate::chart::MOST_USERS`]).
const NAME_TOKENS: usize = 12;
const TOKENS: usize = 20;
const PAIRS: usize = 5;
const DATED: usize = 3;
const SOUNDS: usize = 4;
const SOUND_PAIRS: usize = 4;

/// The most entries that [`entries`] makes for one client.
pub const MAX_ENTRIES: usize = TOKENS + PAIRS + DATED + SOUNDS + SOUND_PAIRS;

/// The most entries that [`person_entries`] makes for one portal user.
pub const MAX_PERSON_ENTRIES: usize = PERSON_NAMES + PERSON_PAIRS + 2;
const PERSON_NAMES: usize = 4;
const PERSON_PAIRS: usize = 1;

// None of the types here implements Debug: names and search text do not belong in logs.

/// A name.
#[derive(Clone, Copy, Default)]
pub struct Named<'a> {
    /// First name.
    pub first: &'a str,
    /// Last name.
    pub last: &'a str,
    /// Preferred name.
    pub preferred: &'a str,
}

/// Everything a client can be found by. What the client does not have is empty.
#[derive(Clone, Default)]
pub struct Subject<'a> {
    /// The name.
    pub name: Named<'a>,
    /// Earlier names, the latest first.
    pub former: Vec<Named<'a>>,
    /// E-mail addresses, the most important first.
    pub emails: Vec<&'a str>,
    /// Phone numbers as written, the most important first.
    pub phones: Vec<&'a str>,
    /// The practice's record number.
    pub record_number: &'a str,
    /// Date of birth as `YYYY-MM-DD`.
    pub date_of_birth: &'a str,
}

/// Everything a client can be found by through one portal user.
#[derive(Clone, Default)]
pub struct Person<'a> {
    /// The name; empty for a portal user who is the client.
    pub name: Named<'a>,
    /// The e-mail address; empty without one.
    pub email: &'a str,
    /// The sign-in name.
    pub username: &'a str,
    /// The client's name.
    pub client: Named<'a>,
}

/// One entry: the item at `PK = …S#<partition>`, `SK = <token>#<order>#<ids>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Which partition holds it.
    pub partition: String,
    /// What it is sorted by first.
    pub token: String,
    /// What it is sorted by then: a digit for what kind of token it is, and the client's last and
    /// first name.
    pub order: String,
    /// All tokens: see [`crate::search`].
    pub words: String,
}

pub(super) fn token(text: &str) -> String {
    cut(fold(text), TOKEN_CHARS)
}

fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
    text
}

/// Where a token is stored and a word looked up; none for a single letter or digit.
pub(super) fn partition(token: &str) -> Option<String> {
    let mut chars = token.chars();
    let first = chars.next()?;
    if is_cjk(first) {
        return Some(first.to_string());
    }
    Some([first, chars.next()?].iter().collect())
}

/// What hits are sorted by where they match alike: the last and the first name.
fn sort_name(last: &str, first: &str) -> String {
    format!("{} {}", cut(fold(last), 20), cut(fold(first), 12))
}

/// What kind of token it is, best first: where a token is found, its kind decides the order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Last,
    First,
    Former,
    Other,
    Through,
}

impl Kind {
    fn digit(self) -> char {
        match self {
            Self::Last => '0',
            Self::First => '1',
            Self::Former => '2',
            Self::Other => '3',
            Self::Through => '8',
        }
    }
}

/// Makes what is stored so that the client can be found: sorted, unique by key, at most
/// [`MAX_ENTRIES`].
///
/// Every token of two characters (or one CJK character) has exactly one entry under its own
/// partition, so a read for any one word of a query meets every client that the query matches.
/// Where a client has more of everything than fits, the last e-mails and phones and the tails of
/// very long names give way.
#[must_use]
pub fn entries(subject: &Subject<'_>) -> Vec<Entry> {
    let names = Names::of(&subject.name, &subject.former, NAME_TOKENS);
    let mut room = TOKENS.saturating_sub(names.count());
    let mut chunks: Vec<Chunk> = Vec::new();
    for (text, from) in other_tokens(subject) {
        let known = chunks.iter_mut().find(|chunk| chunk.text == text);
        let repeated = known.as_ref().is_some_and(|chunk| chunk.starts.contains(&from));
        if room == 0 || repeated || partition(&text[from..]).is_none() {
            continue;
        }
        match known {
            Some(chunk) => {
                chunk.starts.insert(from);
            }
            None if from == 0 => chunks.push(Chunk { text, starts: [0].into() }),
            None => continue,
        }
        room -= 1;
    }

    let mut words = names.words();
    if !chunks.is_empty() {
        words.push_str(OTHER);
        words.push(' ');
    }
    let born = token(subject.date_of_birth);
    for chunk in &chunks {
        if chunk.text == born {
            words.push(BORN);
        }
        words.push_str(&chunk.marked());
        words.push(' ');
    }

    let sort = sort_name(subject.name.last, subject.name.first);
    let mut keys: BTreeMap<(String, String), Kind> = BTreeMap::new();
    for (name, kind) in names.all() {
        keep_best(&mut keys, name, kind);
    }
    for token in chunks.iter().flat_map(Chunk::tokens) {
        keep_best(&mut keys, &token, Kind::Other);
    }
    let mut made: Vec<Entry> = keys
        .into_iter()
        .map(|((partition, token), kind)| Entry {
            partition,
            token,
            order: format!("{}{sort}", kind.digit()),
            words: words.clone(),
        })
        .collect();
    let derived = pairs(&words)
        .into_iter()
        .chain(sounds(&names.ordered()))
        .chain(sound_pairs(&names.ordered()));
    made.extend(derived.map(|(partition, token)| Entry {
        partition,
        token,
        order: sort.clone(),
        words: words.clone(),
    }));
    made.sort_unstable();
    made
}

/// Makes what is stored so that a client can be found by one of its portal users: at most
/// [`MAX_PERSON_ENTRIES`]. The name and the addresses are apart, so that a new address touches no
/// entry of the name.
#[must_use]
pub fn person_entries(person: &Person<'_>) -> Vec<Entry> {
    let names = Names::of(&person.name, &[], PERSON_NAMES);
    let client = Names::of(&person.client, &[], NAME_TOKENS);
    let client: Vec<String> = client.ordered().into_iter().map(|name| format!("{name} ")).collect();
    let client = format!("{CLIENT} {}", client.concat());
    let through = Kind::Through.digit().to_string();
    let mut made = Vec::new();
    let words = format!("{}{client}", names.words());
    for name in names.ordered() {
        if let Some(partition) = partition(&name) {
            made.push(Entry {
                partition,
                token: name,
                order: through.clone(),
                words: words.clone(),
            });
        }
    }
    let one = pairs(&names.words()).into_iter().take(PERSON_PAIRS);
    made.extend(one.map(|(partition, token)| Entry {
        partition,
        token,
        order: through.clone(),
        words: words.clone(),
    }));
    let addresses: BTreeSet<String> = [token(person.email), token(person.username)].into();
    for address in addresses {
        if let Some(partition) = partition(&address) {
            made.push(Entry {
                partition,
                words: format!(" {OTHER} {address} {client}"),
                token: address,
                order: through.clone(),
            });
        }
    }
    made.sort_unstable();
    made.dedup_by(|a, b| (&a.partition, &a.token) == (&b.partition, &b.token));
    made
}

fn keep_best(keys: &mut BTreeMap<(String, String), Kind>, token: &str, kind: Kind) {
    if let Some(partition) = partition(token) {
        let known = keys.entry((partition, token.to_owned())).or_insert(kind);
        *known = kind.min(*known);
    }
}

/// A text, and where in it tokens begin that go on to its end.
struct Chunk {
    text: String,
    starts: BTreeSet<usize>,
}

impl Chunk {
    fn marked(&self) -> String {
        let mut marked = String::new();
        for (at, c) in self.text.char_indices() {
            if at > 0 && self.starts.contains(&at) {
                marked.push(MARK);
            }
            marked.push(c);
        }
        marked
    }

    fn tokens(&self) -> impl Iterator<Item = String> {
        self.starts.iter().map(|at| cut(self.text[*at..].to_owned(), TOKEN_CHARS))
    }
}

/// The tokens of all names, each in one section only.
struct Names {
    last: Vec<String>,
    first: Vec<String>,
    former: Vec<String>,
}

impl Names {
    /// The fields take turns, so that a very long first name leaves room for the last.
    fn of(name: &Named<'_>, former: &[Named<'_>], most: usize) -> Self {
        let mut fields = vec![
            (Kind::Last, field_tokens(name.last)),
            (Kind::First, field_tokens(name.first)),
            (Kind::First, field_tokens(name.preferred)),
            (Kind::First, run_together(name.last, name.first)),
        ];
        for name in former {
            let of = [name.last, name.first, name.preferred];
            fields.extend(of.map(|field| (Kind::Former, field_tokens(field))));
        }
        let mut names = Self { last: Vec::new(), first: Vec::new(), former: Vec::new() };
        let longest = fields.iter().map(|(_, field)| field.len()).max().unwrap_or_default();
        for rank in 0..longest {
            for (kind, field) in &fields {
                let Some(token) = field.get(rank) else { continue };
                if names.count() < most && names.all().all(|(known, _)| known != token) {
                    match kind {
                        Kind::Last => names.last.push(token.clone()),
                        Kind::Former => names.former.push(token.clone()),
                        _ => names.first.push(token.clone()),
                    }
                }
            }
        }
        names
    }

    fn count(&self) -> usize {
        self.last.len() + self.first.len() + self.former.len()
    }

    fn all(&self) -> impl Iterator<Item = (&String, Kind)> {
        let of = |names: &'_ [String], kind: Kind| -> Vec<(usize, Kind)> {
            (0..names.len()).map(|at| (at, kind)).collect()
        };
        let last = of(&self.last, Kind::Last).into_iter().map(|(at, kind)| (&self.last[at], kind));
        let first =
            of(&self.first, Kind::First).into_iter().map(|(at, kind)| (&self.first[at], kind));
        let former =
            of(&self.former, Kind::Former).into_iter().map(|(at, kind)| (&self.former[at], kind));
        last.chain(first).chain(former)
    }

    /// The most telling first.
    fn ordered(&self) -> Vec<String> {
        ordered(&self.last, &self.first, &self.former)
    }

    fn words(&self) -> String {
        let mut words = String::from(" ");
        for (mark, names) in [("", &self.last), (FIRST, &self.first), (FORMER, &self.former)] {
            if !mark.is_empty() && !names.is_empty() {
                words.push_str(mark);
                words.push(' ');
            }
            for name in names {
                words.push_str(name);
                words.push(' ');
            }
        }
        words
    }
}

/// One name field: its parts, its hyphenated words and the whole joined, in all spellings; what
/// follows an apostrophe (so that `o brien` and `brien` find O'Brien); and within CJK every place
/// where a word could begin.
fn field_tokens(field: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut add = |text: String| {
        if !text.is_empty() && !tokens.contains(&text) {
            tokens.push(text);
        }
    };
    let parts = || field.split(is_name_break);
    let folded: Vec<String> = parts().map(token).filter(|part| !part.is_empty()).collect();
    folded.iter().cloned().for_each(&mut add);
    field.split(|c| is_word_break(c) || is_hyphen(c)).for_each(|part| add(token(part)));
    // `Saint John` is `St. John`.
    let saints: Vec<String> =
        folded.iter().map(|part| saint(part).map_or(part.clone(), str::to_owned)).collect();
    saints.iter().cloned().for_each(&mut add);
    for spelling in parts().flat_map(spellings) {
        add(cut(spelling, TOKEN_CHARS));
    }
    add(token(field));
    add(cut(saints.concat(), TOKEN_CHARS));
    field.split(is_word_break).for_each(|word| add(token(word)));
    for piece in parts().flat_map(|part| part.split(is_apostrophe).skip(1)) {
        let piece = token(piece);
        if piece.chars().nth(1).is_some() {
            add(piece);
        }
    }
    for part in &folded {
        let mut after_cjk = false;
        for (start, c) in part.char_indices() {
            if start > 0 && (after_cjk || is_cjk(c)) {
                add(part[start..].to_owned());
            }
            after_cjk = is_cjk(c);
        }
    }
    // The last of many give way: let it not be Cruz, of de la Cruz.
    tokens.sort_by_key(|token| is_particle(token));
    tokens
}

/// Small words within last names, folded, of Spanish, Portuguese, French, Italian, Dutch, German and
/// Arabic. Very many have them, so they tell little.
pub(super) fn is_particle(folded: &str) -> bool {
    const PARTICLES: [&str; 37] = [
        "al", "bin", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos",
        "du", "e", "el", "het", "i", "ibn", "la", "las", "le", "les", "lo", "los", "te", "ten",
        "ter", "van", "vom", "von", "y", "zu", "zum", "zur", "bint", "abu",
    ];
    PARTICLES.contains(&folded)
}

fn saint(part: &str) -> Option<&'static str> {
    Some(match part {
        "st" => "saint",
        "saint" => "st",
        "ste" => "sainte",
        "sainte" => "ste",
        _ => return None,
    })
}

/// A CJK name is written and typed without a space; in which field which half stands is anyone's
/// guess.
fn run_together(last: &str, first: &str) -> Vec<String> {
    let (last, first) = (fold(last), fold(first));
    if last.is_empty() || first.is_empty() || !last.chars().chain(first.chars()).all(is_cjk) {
        return Vec::new();
    }
    vec![token(&format!("{last}{first}")), token(&format!("{first}{last}"))]
}

/// Everything but names, the most telling first: a text, and where in it the token begins. Texts
/// come whole before their parts.
fn other_tokens(subject: &Subject<'_>) -> Vec<(String, usize)> {
    let whole = |(text, starts): &(String, Vec<usize>)| {
        (!text.is_empty() && !starts.is_empty()).then(|| (text.clone(), 0))
    };
    let parts = |(text, starts): &(String, Vec<usize>)| -> Vec<(String, usize)> {
        starts.iter().skip(1).map(|at| (text.clone(), *at)).collect()
    };
    let record = record_number(subject.record_number);
    let mut tokens: Vec<(String, usize)> = whole(&record).into_iter().collect();
    tokens.push((token(subject.date_of_birth), 0));
    for rank in 0..subject.phones.len().max(subject.emails.len()).max(1) {
        if let Some(number) = subject.phones.get(rank).map(|phone| phone_number(phone)) {
            tokens.extend(whole(&number));
            tokens.extend(parts(&number));
        }
        let address = subject.emails.get(rank).map(|email| email_address(email));
        tokens.extend(address.as_ref().and_then(whole));
        if rank == 0 {
            tokens.extend(parts(&record));
        }
        tokens.extend(address.iter().flat_map(parts));
    }
    tokens.retain(|(text, _)| !text.is_empty());
    tokens
}

/// A record number from its start, and from each group of letters or digits.
fn record_number(number: &str) -> (String, Vec<usize>) {
    let mut text = String::new();
    let mut starts = Vec::new();
    let mut before = ' ';
    for c in number.chars() {
        let folded = fold(&c.to_string());
        let same = before.is_alphanumeric() && before.is_numeric() == c.is_numeric();
        if !folded.is_empty() && !same {
            starts.push(text.len());
        }
        text.push_str(&folded);
        before = c;
    }
    (text, starts)
}

/// A phone number from its start, and its last digits.
fn phone_number(phone: &str) -> (String, Vec<usize>) {
    let digits = phone::national(phone);
    let mut starts = vec![0];
    let tails = phone::TAILS.iter().filter_map(|tail| digits.len().checked_sub(*tail));
    starts.extend(tails.filter(|at| *at > 0));
    (digits, starts)
}

/// Characters kept of an address, its domain included.
const ADDRESS_CHARS: usize = 100;

/// An address from its start, from after each separator of its local part, and from its domain.
/// The domain's own pieces would put nearly every client under `com`.
fn email_address(email: &str) -> (String, Vec<usize>) {
    let domain = email.rfind('@').unwrap_or(email.len());
    let mut text = String::new();
    let mut starts = vec![0];
    for (at, c) in email.char_indices() {
        if ['.', '-', '_', '+', '@'].contains(&c) && at <= domain {
            starts.push(text.len());
        } else {
            text.push_str(&fold(&c.to_string()));
        }
    }
    let text = cut(text, ADDRESS_CHARS);
    starts.dedup();
    starts.retain(|at| *at == 0 || text.get(*at..).is_some_and(|t| t.chars().nth(2).is_some()));
    (text, starts)
}

/// The pair entries of a client with these `words`: partition and key, the most telling first; pairs
/// of names, then names with the date of birth.
pub(super) fn pairs(words: &str) -> Vec<(String, String)> {
    let tokens = Tokens::of(words);
    let mut pairs = pairs_of_names(&tokens);
    pairs.extend(tokens.born.into_iter().flat_map(|born| dated(&tokens.names(), born)));
    pairs
}

/// Two names that are asked for together: first a last name with a first name, then a former one
/// with a first name, two last names, two first names.
///
/// A name and a part of it (Garcia, Garciamarquez) make no pair: no query has them as two words. But
/// John Johnson has two names.
fn pairs_of_names(tokens: &Tokens<'_>) -> Vec<(String, String)> {
    let Tokens { last, first, former, .. } = tokens;
    let mut ranked = Vec::new();
    let mut add = |cost: usize, one: &[&str], other: &[&str], of_one_field: bool| {
        for (i, a) in one.iter().enumerate() {
            for (j, b) in other.iter().enumerate().skip(if of_one_field { i + 1 } else { 0 }) {
                let of_cjk = a.chars().next().is_some_and(is_cjk);
                let within = a.contains(b) || b.contains(a);
                if !(within && (of_one_field || of_cjk)) {
                    ranked
                        .extend(pair_key(a, b).map(|key| (2 * (i + j) + cost, i.abs_diff(j), key)));
                }
            }
        }
    };
    add(0, last, first, false);
    add(3, former, first, false);
    add(1, last, last, true);
    add(3, first, first, true);
    add(5, last, former, false);
    ranked.sort_by_key(|(cost, apart, _)| (*cost, *apart));
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (_, _, pair) in ranked {
        if pairs.len() < PAIRS && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

/// The partition and the key of two tokens, whose order does not matter.
pub(super) fn pair_key(a: &str, b: &str) -> Option<(String, String)> {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    Some((format!("{}+{}", partition(a)?, partition(b)?), interleave(a, b)))
}

/// Both tokens letter by letter, so that two beginnings are the beginning of one key: `jan` and
/// `smi` are `jsamni`, and so `jane smith` begins. Where one has ended, dots stand for it.
pub(super) fn interleave(a: &str, b: &str) -> String {
    let (mut a, mut b) = (a.chars(), b.chars());
    let mut key = String::new();
    loop {
        match (a.next(), b.next()) {
            (None, None) => return key,
            (one, other) => key.extend([one.unwrap_or('.'), other.unwrap_or('.')]),
        }
    }
}

/// Names with the date of birth: for a common name and a year, or a month of one.
fn dated(names: &[&str], born: &str) -> Vec<(String, String)> {
    let mut dated: Vec<(String, String)> = Vec::new();
    for name in names {
        if let Some(pair) = pair_key(name, born)
            && dated.len() < DATED
            && !dated.contains(&pair)
        {
            dated.push(pair);
        }
    }
    dated
}

/// What a name of four or more letters a to z keeps through common misspellings: how it begins and
/// which kinds of consonant follow, whatever their order and number. Classes after Soundex, but
/// with g and j apart from k and s.
pub(super) fn sound(name: &str) -> Option<String> {
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
    // A class that the first letter has already named says little more, and is lost first
    // (Rodriguez).
    let own = class(first);
    let rest: BTreeSet<char> =
        name.bytes().filter_map(class).filter(|kind| Some(*kind) != own).collect();
    Some(format!("~{start}{}", rest.into_iter().collect::<String>()))
}

/// Names by their sound: one entry for each name.
fn sounds(names: &[String]) -> Vec<(String, String)> {
    let by_sound = names.iter().filter_map(|name| Some((sound(name)?, name.clone())));
    by_sound.take(SOUNDS).collect()
}

/// Pairs of names, of which one may be misspelt: by its sound and the start of the other.
fn sound_pairs(names: &[String]) -> Vec<(String, String)> {
    let mut made = Vec::new();
    for (i, a) in names.iter().enumerate() {
        for b in &names[i + 1..] {
            for (misspelt, known) in [(a, b), (b, a)] {
                if let Some(partition) = sound_pair(misspelt, known)
                    && !misspelt.starts_with(known.as_str())
                    && !known.starts_with(misspelt.as_str())
                    && made.len() < SOUND_PAIRS
                {
                    made.push((partition, format!("{known} {misspelt}")));
                }
            }
        }
    }
    made
}

/// The partition of names with this sound beside names with this beginning.
pub(super) fn sound_pair(misspelt: &str, known: &str) -> Option<String> {
    Some(format!("{}+{}", sound(misspelt)?, partition(known)?))
}
