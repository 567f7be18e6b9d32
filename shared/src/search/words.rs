//! `words`, the attribute of an entry: every token of the client as one text, in the format that
//! [`crate::search`] describes.

use super::entries::TOKEN_CHARS;

// Sections of `words`, each begun by its mark.
/// First and preferred names.
pub(super) const FIRST: &str = "+";
/// Former names.
pub(super) const FORMER: &str = "~";
/// Everything but names.
pub(super) const OTHER: &str = "/";
/// In the entries of a portal user: names of the client.
pub(super) const CLIENT: &str = "%";
/// Within a chunk of `words`: here another token begins, which goes on to the chunk's end.
pub(super) const MARK: char = '\'';
/// Before a chunk of `words`: it is the date of birth.
pub(super) const BORN: char = '=';

/// What the score of a token that goes on after the text is worse by.
pub(super) const LONGER: u32 = 4;

/// The tokens of an entry's `words`, by section.
#[derive(Default)]
pub(super) struct Tokens<'a> {
    pub(super) last: Vec<&'a str>,
    pub(super) first: Vec<&'a str>,
    pub(super) former: Vec<&'a str>,
    others: Vec<&'a str>,
    /// The date of birth, which is one of the others.
    pub(super) born: Option<&'a str>,
    /// In the entries of a portal user: the names of the client, the most telling first.
    pub(super) client: Vec<&'a str>,
    /// Whether it is an entry of a portal user.
    pub(super) through: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(words: &'a str) -> Self {
        let mut tokens = Self::default();
        let mut section = "";
        for chunk in words.split(' ').filter(|chunk| !chunk.is_empty()) {
            match (chunk, section) {
                (FIRST | FORMER | OTHER, _) => section = chunk,
                (CLIENT, _) => {
                    section = chunk;
                    tokens.through = true;
                }
                (_, FIRST) => tokens.first.push(chunk),
                (_, FORMER) => tokens.former.push(chunk),
                (_, CLIENT) => tokens.client.push(chunk),
                (_, OTHER) => {
                    let born = chunk.strip_prefix(BORN);
                    tokens.others.push(born.unwrap_or(chunk));
                    tokens.born = tokens.born.or(born);
                }
                _ => tokens.last.push(chunk),
            }
        }
        tokens
    }

    /// In an entry of a portal user: the names of the client alone.
    pub(super) fn of_client(&self) -> Self {
        Self { last: self.client.clone(), ..Self::default() }
    }

    /// All names, the most telling first.
    pub(super) fn names(&self) -> Vec<&'a str> {
        ordered(&self.last, &self.first, &self.former)
    }

    /// How well a text fits the best of the tokens that it begins: a whole token before a longer
    /// one, a last name before a first name before all else. Tokens that begin with `longer` are
    /// another word's.
    pub(super) fn score(&self, text: &str, longer: Option<&str>) -> Option<u32> {
        let others = |token: &str| longer.is_none_or(|longer| !token.starts_with(longer));
        let of_names = |names: &[&str], section: u32| {
            let rest = names.iter().filter(|name| others(name));
            let rest = rest.filter_map(|name| name.strip_prefix(text));
            rest.map(|rest| section + if rest.is_empty() { 0 } else { LONGER }).min()
        };
        let of_other = |chunk: &&str| {
            let free = suffixes(chunk)
                .filter(|suffix| longer.is_none_or(|longer| fits(suffix, longer).is_none()));
            let whole = free.filter_map(|suffix| fits(suffix, text)).max()?;
            Some(3 + if whole { 0 } else { LONGER })
        };
        let sections = [(&self.last, 0), (&self.first, 1), (&self.former, 2)];
        let names = sections.into_iter().filter_map(|(names, section)| of_names(names, section));
        names.chain(self.others.iter().filter_map(of_other)).min()
    }

    /// The first token in order that begins so.
    pub(super) fn least_with(&self, prefix: &str) -> Option<String> {
        let names = self.last.iter().chain(&self.first).chain(&self.former);
        let names = names.filter(|name| name.starts_with(prefix)).map(|name| (*name).to_owned());
        let others = self.others.iter().flat_map(|chunk| suffixes(chunk));
        let others = others.filter(|suffix| fits(suffix, prefix).is_some());
        names.chain(others.map(|suffix| letters(suffix).collect())).min()
    }
}

/// Last and first names in turn, then the former ones.
pub(super) fn ordered<T: Clone>(last: &[T], first: &[T], former: &[T]) -> Vec<T> {
    let turns = 0..last.len().max(first.len());
    let turns = turns.flat_map(|at| [last.get(at), first.get(at)]).flatten();
    turns.chain(former).cloned().collect()
}

/// The tokens of a chunk: from its start and from each mark to its end, other marks included.
fn suffixes(chunk: &str) -> impl Iterator<Item = &str> {
    let marks = chunk.match_indices(MARK).map(|(at, _)| &chunk[at + MARK.len_utf8()..]);
    std::iter::once(chunk).chain(marks)
}

/// What a token consists of.
fn letters(suffix: &str) -> impl Iterator<Item = char> {
    suffix.chars().filter(|c| *c != MARK).take(TOKEN_CHARS)
}

/// Whether a token begins with a text, and if it does, whether that is all of it.
fn fits(suffix: &str, text: &str) -> Option<bool> {
    let mut letters = letters(suffix);
    text.chars().all(|c| letters.next() == Some(c)).then(|| letters.next().is_none())
}
