//! Reads that find few where each word of a query is that of very many: two names, a name and a date
//! of birth, a name and an initial, a name that was typed as two words.

use super::{
    entries::{interleave, is_particle, pair_key, partition},
    query::{Role, Word, weight},
    words::Tokens,
};

/// The most of them that are names typed as several words.
const MOST_JOINED: usize = 3;

/// One read of pair entries, or of those of a last name beside an initial, or of a name that was
/// typed as two words.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) partition: String,
    /// What their key begins with.
    key: String,
    /// Then it is the whole key, and the last and first name begin so.
    sort: Option<String>,
    /// On how many levels its words count.
    pub(super) levels: usize,
}

impl Pair {
    /// Whether it reads entries of tokens, and not of pairs.
    fn of_tokens(&self) -> bool {
        !self.partition.contains('+')
    }

    /// What the sort keys of its entries begin with.
    pub(super) fn prefix(&self) -> String {
        match &self.sort {
            None => self.key.clone(),
            // An entry of a token says of what kind it is: a last name.
            Some(sort) if self.of_tokens() => format!("{}#0{sort}", self.key),
            Some(sort) => format!("{}#{sort}", self.key),
        }
    }

    /// The key under which this read meets the client with these tokens and pairs, and this last and
    /// first name.
    pub(super) fn meets(
        &self,
        tokens: &Tokens<'_>,
        of_client: &[(String, String)],
        sort: &str,
    ) -> Option<String> {
        let own = of_client.iter().filter(|(partition, _)| *partition == self.partition);
        match &self.sort {
            None if self.of_tokens() => tokens.least_with(&self.key),
            None => own.map(|(_, key)| key).filter(|key| key.starts_with(&self.key)).min().cloned(),
            Some(start) => {
                let stored =
                    self.of_tokens() || own.map(|(_, key)| key).any(|key| *key == self.key);
                (stored && sort.starts_with(start.as_str())).then(|| self.key.clone())
            }
        }
    }
}

/// The reads of two words as a pair. Two names go first; else a name and a date. An initial beside
/// one or two names goes before them.
pub(super) fn pairs_of(words: &[Word], order: &[usize]) -> Vec<Pair> {
    let telling = |name: &&String| (is_particle(name), std::cmp::Reverse(weight(name)));
    let mut needed: Vec<&String> = order.iter().filter_map(|at| words[*at].name()).collect();
    needed.sort_by_key(telling);
    // Don Smith, John Johnson: what may be left out may be a name, too.
    let may_be = words.iter().filter(|word| word.role == Role::Optional);
    let mut may_be: Vec<&String> = may_be.filter_map(Word::name).collect();
    may_be.sort_by_key(telling);
    let names: Vec<&String> = needed.iter().copied().chain(may_be).take(2).collect();
    let role = if needed.len() < names.len() { Role::Optional } else { Role::Needed };
    let levels = role.levels();
    let pair = |a: &str, b: &str, levels: usize| {
        let partition = format!("{}+{}", partition(a)?, partition(b)?);
        Some(Pair { partition, key: start_of_pair(a, b), sort: None, levels })
    };

    let mut made = initials(words, &needed);
    if let [one, other] = names[..] {
        let (a, b) = if one <= other { (one, other) } else { (other, one) };
        let first = pair(a, b, levels);
        // Names that begin alike may stand either way round.
        let alike = partition(a) == partition(b);
        let second = pair(b, a, levels).filter(|_| alike);
        let second = second.filter(|second| first.as_ref().is_some_and(|p| p.key != second.key));
        made.extend(first.into_iter().chain(second));
    }
    let Some(name) = needed.first().filter(|_| needed.len() == 1) else { return made };
    let date = |word: &Word| -> Vec<String> {
        let year = |token: &String| {
            token.len() >= 4
                && ["18", "19", "20", "21"].iter().any(|century| token.starts_with(century))
                && token.bytes().all(|b| b.is_ascii_digit())
        };
        let meanings = word.meanings.iter().filter(|meaning| meaning.tokens.len() == 1);
        meanings.flat_map(|meaning| &meaning.tokens).filter(|t| year(t)).cloned().collect()
    };
    let dates = order.iter().map(|at| date(&words[*at])).find(|dates| !dates.is_empty());
    let dates = dates.unwrap_or_default();
    made.extend(dates.iter().filter_map(|date| pair(date, name, Role::Needed.levels())));
    made
}

/// `mary ann`, `de la cruz`: the entries of names that are written as one word, the longest first.
pub(super) fn joined(words: &[Word]) -> Vec<Pair> {
    let ends = words.iter().filter(|word| word.only().is_some_and(|end| !is_particle(end)));
    let mut keys: Vec<&String> = ends.flat_map(|word| &word.joined).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
    keys.dedup();
    let pair = |key: &&String| {
        let (partition, key) = (partition(key)?, (*key).clone());
        Some(Pair { partition, key, sort: None, levels: Role::Needed.levels() })
    };
    keys.iter().filter_map(pair).take(MOST_JOINED).collect()
}

/// `J Smith`, `John M Smith`: the entries of a last name, or of both names, in which the first name,
/// or the second, begins so.
fn initials(words: &[Word], names: &[&String]) -> Vec<Pair> {
    let letter = words.iter().filter(|word| word.role == Role::Letter).find_map(Word::only);
    let Some(letter) = letter else { return Vec::new() };
    let levels = Role::Letter.levels();
    match names {
        [last] => {
            let partition = partition(last).into_iter();
            let sort = Some(format!("{last} {letter}"));
            let key = (*last).clone();
            partition
                .map(|partition| Pair { partition, key: key.clone(), sort: sort.clone(), levels })
                .collect()
        }
        [one, other] => {
            let Some((partition, key)) = pair_key(one, other) else { return Vec::new() };
            let sorts = [format!("{one} {other}{letter}"), format!("{other} {one}{letter}")];
            let pair = |sort| Pair {
                partition: partition.clone(),
                key: key.clone(),
                sort: Some(sort),
                levels,
            };
            sorts.into_iter().map(pair).collect()
        }
        _ => Vec::new(),
    }
}

/// What the key of a pair begins with that is known of its two beginnings.
fn start_of_pair(a: &str, b: &str) -> String {
    let both = a.chars().count().min(b.chars().count());
    let take = |text: &str, count: usize| text.chars().take(count).collect::<String>();
    let mut prefix = interleave(&take(a, both), &take(b, both));
    prefix.extend(a.chars().nth(both));
    prefix
}
