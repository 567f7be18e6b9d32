//! Which reads answer a query, and what the entries that they return amount to.
//!
//! All reads of a page run side by side, each with a limit, so a page reads at most [`MOST_READ`]
//! entries however large the practice is. Two cases follow:
//!
//! - One of the reads saw everybody who can match (its end was reached). Then all who match are
//!   known, and are sorted: best match first, then by last and first name.
//! - Every word of the query is that of very many clients. Then the hits come in the order of the
//!   entries: the whole word before its continuations, and within one word by last and first name.
//!   Two such words are looked for as names, or as a name and a date of birth; of the clients who
//!   have one of them elsewhere, in an address say, only those in reach are found.
//!
//! Which case it is the first page finds out, and the cursor says it to those that follow.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use strsim::osa_distance;

use super::{
    dates::Order,
    entries::{pairs, partition, sound, sound_pair},
    pairs::{Pair, joined, pairs_of},
    query::{self, Role, Word, allowance, weight},
    words::Tokens,
};
use crate::{
    id::{ClientId, PortalUserId},
    keys::{self, Found},
};

/// The most entries that the reads of one page return, for a page of up to 50.
pub const MOST_READ: usize = 600;

/// Entries that the reads of one page return where there are no others to be made.
const MOST_STREAMED: usize = 500;

/// Fewer exact hits than this, and near misses are shown too.
const LITTLE: usize = 5;

/// The most pairs that are read for.
const MOST_PAIRS: usize = 6;

/// Score of a hit through a portal user, above that of any hit by what the client has.
const THROUGH: u32 = 1000;

/// The query holds no word of two characters (or of one CJK character).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort;

impl fmt::Display for TooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("type at least two characters")
    }
}

impl std::error::Error for TooShort {}

/// One Query: entries of a partition.
#[derive(Clone, PartialEq, Eq)]
pub struct Read {
    /// Which partition to read.
    pub partition: String,
    /// Which of its entries.
    pub range: Range,
    /// Only what comes after this sort key.
    pub after: Option<String>,
    /// How many entries at most.
    pub limit: usize,
}

/// Which entries of a partition.
#[derive(Clone, PartialEq, Eq)]
pub enum Range {
    /// Those whose sort key begins so.
    Prefix(String),
    /// Those from here on.
    From(String),
    /// Those before this, the nearest first.
    Before(String),
}

/// What a read returned.
#[derive(Clone, Default)]
pub struct Window {
    /// Sort keys and `words`.
    pub entries: Vec<(String, String)>,
    /// Where the read stopped before its end.
    pub stopped: Option<String>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the sorted list of all hits, after this one.
    Sorted {
        /// Which words count: see [`Plan::ignored`].
        level: usize,
        /// How well it matches.
        score: u32,
        /// Its last and first name.
        sort: String,
        /// Its id.
        client: ClientId,
    },
    /// In the order of the entries.
    Streamed {
        /// Which words count.
        level: usize,
        /// Which chain of reads.
        chain: usize,
        /// Which of its reads.
        read: usize,
        /// After which sort key; empty for its start.
        after: String,
    },
}

/// A hit, before its client has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The client.
    pub client: ClientId,
    /// The portal user by whom the client was found, unless it was by what the client has.
    pub user: Option<PortalUserId>,
    /// How well it matches: less is better.
    pub score: u32,
}

/// A page, before its clients have been read.
#[derive(Clone, Default)]
pub struct Page {
    /// The hits in their order.
    pub candidates: Vec<Candidate>,
    /// Where the next page begins.
    pub next: Option<Place>,
    /// Which words counted: see [`Plan::ignored`].
    pub level: usize,
    /// Whether there are more hits than are known.
    pub streamed: bool,
}

/// How to answer a query.
#[derive(Clone)]
pub struct Plan {
    words: Vec<Word>,
    /// Each list finds everybody who matches, by one word of the query in all its meanings.
    leads: Vec<Vec<Lead>>,
    /// Finds those who have two of the words as names, or one and a date of birth.
    pairs: Vec<Pair>,
    /// Where misspelt names could be.
    near: Vec<(String, Range)>,
}

#[derive(Clone)]
struct Lead {
    partition: String,
    token: String,
    /// Which meaning of the word it stands for.
    meaning: usize,
    word: usize,
}

/// Decides how to answer a query; `this_year` decides what two digits of a year mean.
///
/// # Errors
///
/// [`TooShort`] when no word has two characters (or one CJK character).
pub fn plan(query: &str, this_year: u16) -> Result<Plan, TooShort> {
    let mut words = query::words(query, this_year);
    let narrows =
        |word: &Word| word.meanings.iter().all(|meaning| lead_of(&meaning.tokens).is_some());
    if !words.iter().any(|word| word.role == Role::Needed && narrows(word)) {
        // There is nothing but titles: then these are what is looked for.
        for word in words.iter_mut().filter(|word| word.role == Role::Optional) {
            word.role = Role::Needed;
        }
    }
    let mut order: Vec<usize> = (0..words.len())
        .filter(|at| words[*at].role == Role::Needed && narrows(&words[*at]))
        .collect();
    if order.is_empty() {
        return Err(TooShort);
    }
    let narrowest = |word: &Word| {
        let leads = word.meanings.iter().filter_map(|m| lead_of(&m.tokens)).map(|t| weight(t));
        leads.min().unwrap_or_default()
    };
    order.sort_by_key(|at| std::cmp::Reverse(narrowest(&words[*at])));
    let leads: Vec<Vec<Lead>> = order.iter().take(2).map(|at| leads(&words, *at)).collect();
    let mut pairs = pairs_of(&words, &order);
    pairs.extend(joined(&words));
    pairs.truncate(MOST_PAIRS);
    let near = near(&words, &order);
    Ok(Plan { words, leads, pairs, near })
}

/// The token to look up for a meaning: the one that narrows most.
fn lead_of(tokens: &[String]) -> Option<&String> {
    tokens.iter().filter(|token| partition(token).is_some()).max_by_key(|token| weight(token))
}

fn leads(words: &[Word], word: usize) -> Vec<Lead> {
    let lead = |(meaning, tokens): (usize, &[String])| {
        let token = lead_of(tokens)?;
        Some(Lead { partition: partition(token)?, token: token.clone(), meaning, word })
    };
    let meanings = words[word].meanings.iter().enumerate();
    meanings.filter_map(|(at, meaning)| lead((at, &meaning.tokens))).collect()
}

/// Where misspelt names could be: those that sound like the longest word, from where it would
/// stand among them in either direction.
fn near(words: &[Word], order: &[usize]) -> Vec<(String, Range)> {
    let mut names: Vec<&String> = order.iter().filter_map(|at| words[*at].name()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.chars().count()));
    let around = |partition: String, at: &String| {
        vec![(partition.clone(), Range::From(at.clone())), (partition, Range::Before(at.clone()))]
    };
    let Some(longest) = names.iter().find(|name| allowance(name) > 0) else { return Vec::new() };
    let sounding = names.iter().find(|name| allowance(name) > 0 && sound(name).is_some());
    if let Some(misspelt) = sounding
        && let Some(known) = names.iter().find(|name| name != &misspelt)
    {
        return sound_pair(misspelt, known).map(|p| around(p, known)).unwrap_or_default();
    }
    let mut near = sound(longest).map(|p| around(p, longest)).unwrap_or_default();
    // Half a word is often right: it also finds a wrong consonant in the other half.
    let half = longest.chars().take(longest.chars().count() / 2).collect();
    near.extend(partition(longest).map(|partition| (partition, Range::Prefix(half))));
    near
}

impl Plan {
    /// The reads of the page at `from`, to be run side by side.
    #[must_use]
    pub fn reads(&self, from: Option<&Place>, limit: usize) -> Vec<Read> {
        let room = Room::of(limit, self.leads.len() == 1 && self.pairs.is_empty());
        if let Some(Place::Streamed { level, chain, read, after }) = from {
            // Many of the entries may be of clients who were listed already.
            let chain = self.chain(*chain, *level);
            let shares: &[usize] =
                if chain.len().saturating_sub(*read) > 1 { &[7, 3] } else { &[10] };
            return chain
                .into_iter()
                .skip(*read)
                .zip(shares)
                .enumerate()
                .map(|(at, ((partition, prefix), share))| {
                    let after = (at == 0 && !after.is_empty()).then(|| after.clone());
                    let limit = MOST_STREAMED * share / 10;
                    Read { partition, range: Range::Prefix(prefix), after, limit }
                })
                .collect();
        }
        let mut reads = Vec::new();
        let read = |partition: &str, range: Range, limit: usize| Read {
            partition: partition.to_owned(),
            range,
            after: None,
            limit,
        };
        for (rank, group) in self.leads.iter().enumerate() {
            let all = if rank == 0 { room.first } else { room.second };
            let each = (all / group.len().max(1)).max(room.least);
            for lead in group {
                reads.push(read(&lead.partition, Range::Prefix(lead.token.clone()), each));
            }
        }
        let pair = room.pair + if self.pairs.len() > 2 && limit <= 20 { 60 } else { 0 };
        let each = (pair / self.pairs.len().max(1)).max(room.least);
        for pair in &self.pairs {
            reads.push(read(&pair.partition, Range::Prefix(pair.prefix()), each));
        }
        if from.is_none() {
            let near = self.near.iter();
            reads.extend(near.map(|(partition, range)| read(partition, range.clone(), room.near)));
        }
        reads
    }

    /// The pairs of which all words count on this level.
    fn pairs_on(&self, level: usize) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(move |pair| level < pair.levels)
    }

    /// Reads of which each follows the end of the one before: 0 are the pairs, 1 and 2 the leads.
    fn chain(&self, chain: usize, level: usize) -> Vec<(String, String)> {
        if chain == 0 {
            let pairs = self.pairs_on(level);
            return pairs.map(|pair| (pair.partition.clone(), pair.prefix())).collect();
        }
        let group = self.leads.get(chain - 1).into_iter().flatten();
        group.map(|lead| (lead.partition.clone(), lead.token.clone())).collect()
    }

    /// What the windows of [`Plan::reads`], in its order, amount to. `dates` is how the practice
    /// writes dates.
    #[must_use]
    pub fn page(
        &self,
        from: Option<&Place>,
        windows: &[Window],
        limit: usize,
        dates: Order,
    ) -> Page {
        if let Some(Place::Streamed { level, chain, read, .. }) = from {
            return self.streamed(*level, *chain, *read, from, windows, limit, dates);
        }
        let mut at = 0;
        let mut group = |count: usize| {
            let range = at..at + count;
            at += count;
            windows.get(range).unwrap_or_default()
        };
        let leads: Vec<&[Window]> = self.leads.iter().map(|lead| group(lead.len())).collect();
        let pairs = group(self.pairs.len());
        let all_seen = leads.iter().any(|lead| lead.iter().all(|w| w.stopped.is_none()));
        let on = |level: usize| {
            let counts = self.pairs.iter().zip(pairs).filter(|(pair, _)| level < pair.levels);
            let pairs: Vec<&Window> = counts.map(|(_, window)| window).collect();
            let of_pairs = pairs.iter().any(|window| !window.entries.is_empty());
            if all_seen || (of_pairs && pairs.iter().all(|window| window.stopped.is_none())) {
                self.sorted(level, None, windows, limit, dates)
            } else if of_pairs {
                let pairs: Vec<Window> = pairs.into_iter().cloned().collect();
                self.streamed(level, 0, 0, None, &pairs, limit, dates)
            } else {
                // The lead whose entries match most.
                let matches = |lead: &[Window]| {
                    let entries = lead.iter().flat_map(|window| &window.entries);
                    entries.filter(|(_, words)| self.finds(words, level)).count()
                };
                let best = leads.iter().enumerate();
                let best = best.max_by_key(|(at, lead)| (matches(lead), 2 - at));
                let best = best.map(|(at, _)| at).unwrap_or_default();
                self.streamed(level, best + 1, 0, None, leads[best], limit, dates)
            }
        };
        let mut page = if let Some(Place::Sorted { level, .. }) = from {
            self.sorted(*level, from, windows, limit, dates)
        } else {
            // The first level on which somebody is found; where nobody is, the last one has most
            // left to be read.
            let mut pages = (0..self.levels()).map(on);
            let last = pages.try_fold(Page::default(), |_, page| {
                if page.candidates.is_empty() { Ok(page) } else { Err(page) }
            });
            last.unwrap_or_else(|found| found)
        };
        if from.is_none() && page.next.is_none() && page.candidates.len() < LITTLE {
            let seen: HashSet<ClientId> = page.candidates.iter().map(|c| c.client).collect();
            let near = self.nearest(windows, &seen, limit.saturating_sub(seen.len()));
            if page.candidates.is_empty() && !near.is_empty() {
                // Near misses are of the words that are needed.
                page.level = self.levels() - 1;
            }
            page.candidates.extend(near);
        }
        page
    }

    /// All who match in these windows, sorted.
    fn sorted(
        &self,
        level: usize,
        from: Option<&Place>,
        windows: &[Window],
        limit: usize,
        dates: Order,
    ) -> Page {
        let list = best_of(windows, |words| self.score(words, level, dates));
        let mut rest = list.into_iter().skip_while(|(this, client)| match from {
            Some(Place::Sorted { score, sort, client: end, .. }) => {
                (this.score, &this.sort, client) <= (*score, sort, end)
            }
            _ => false,
        });
        let mut candidates = Vec::new();
        let mut end = None;
        for (Fit { score, sort, user }, client) in rest.by_ref().take(limit) {
            candidates.push(Candidate { client, user, score });
            end = Some(Place::Sorted { level, score, sort, client });
        }
        let next = rest.next().and(end);
        Page { candidates, next, level, streamed: false }
    }

    /// The clients that nearly match, the nearest first.
    fn nearest(&self, windows: &[Window], seen: &HashSet<ClientId>, most: usize) -> Vec<Candidate> {
        let near = best_of(windows, |words| self.forgives(words));
        let near = near.into_iter().filter(|(_, client)| !seen.contains(client)).take(most);
        near.map(|(fit, client)| Candidate { client, user: fit.user, score: fit.score }).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a place, and what was read there")]
    fn streamed(
        &self,
        level: usize,
        chain: usize,
        first: usize,
        from: Option<&Place>,
        windows: &[Window],
        limit: usize,
        dates: Order,
    ) -> Page {
        let mut page = Page { candidates: Vec::new(), next: None, level, streamed: true };
        let mut seen: HashSet<ClientId> = HashSet::new();
        let mut last = match from {
            Some(Place::Streamed { after, .. }) => after.clone(),
            _ => String::new(),
        };
        let mut before = keys::parse_search_entry(&last).map(|(_, _, found)| found.client);
        let length = self.chain(chain, level).len();
        let place = |read: usize, after: String| Place::Streamed { level, chain, read, after };
        for (at, window) in windows.iter().enumerate() {
            let read = first + at;
            for (sk, words) in &window.entries {
                let Some((token, order, who)) = keys::parse_search_entry(sk) else { continue };
                let Found { client, user } = who;
                let shown = self.shows(level, chain, read, (token, order), words)
                    && !seen.contains(&client)
                    // Several portal users of one client stand side by side.
                    && !(user.is_some() && before == Some(client));
                if shown && page.candidates.len() == limit {
                    page.next = Some(place(read, last));
                    return page;
                }
                if shown {
                    seen.insert(client);
                    let score = self.score(words, level, dates).unwrap_or_default();
                    page.candidates.push(Candidate { client, user, score });
                }
                before = Some(client);
                last.clone_from(sk);
            }
            if let Some(stopped) = &window.stopped {
                page.next = Some(place(read, stopped.clone()));
                return page;
            }
            last = String::new();
        }
        let next = first + windows.len();
        if next < length {
            page.next = Some(place(next, String::new()));
        }
        page
    }

    /// Whether an entry of a streamed read is to be listed. A client may have several tokens with
    /// the same beginning (Smith, `smith12@…`), and several meanings of a word may fit: it is listed
    /// for the first only.
    fn shows(
        &self,
        level: usize,
        chain: usize,
        read: usize,
        (key, order): (&str, &str),
        words: &str,
    ) -> bool {
        let tokens = Tokens::of(words);
        let listed = tokens.through && self.by_client(&tokens, level);
        if listed || self.matches(&tokens, level).is_none() {
            return false;
        }
        if chain == 0 {
            let (of_client, sort) = (pairs(words), sort_of(order));
            let meets = |pair: &Pair| pair.meets(&tokens, &of_client, sort);
            return self.pairs_on(level).take(read).all(|earlier| meets(earlier).is_none())
                && self.pairs_on(level).nth(read).and_then(meets).as_deref() == Some(key);
        }
        let lead = self.leads.get(chain - 1).and_then(|group| group.get(read));
        let Some(lead) = lead else { return false };
        let has = |text: &String| tokens.score(text, None).is_some();
        let mut meanings = self.words[lead.word].meanings.iter();
        let meant = meanings.position(|meaning| meaning.tokens.iter().all(has));
        meant == Some(lead.meaning) && tokens.least_with(&lead.token).as_deref() == Some(key)
    }

    /// How many levels there are: see [`Role::levels`].
    fn levels(&self) -> usize {
        let left_out = self.words.iter().map(|word| word.role).filter(|role| *role != Role::Needed);
        left_out.map(|role| role.levels() + 1).max().unwrap_or(1)
    }

    fn counts(word: &Word, level: usize) -> bool {
        level < word.role.levels()
    }

    /// The words that were left out on this level, as typed.
    #[must_use]
    pub fn ignored(&self, level: usize) -> Vec<String> {
        let out = self.words.iter().filter(|word| !Self::counts(word, level));
        out.map(|word| word.typed.clone()).collect()
    }

    /// How many words the query has.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Whether a client with these `words` matches on this level.
    #[must_use]
    pub fn finds(&self, words: &str, level: usize) -> bool {
        self.matches(&Tokens::of(words), level).is_some()
    }

    /// How well an entry matches, less is better; nothing if it does not. Of two readings of a
    /// date, that of the practice's own `order` is better.
    fn score(&self, words: &str, level: usize, order: Order) -> Option<u32> {
        let tokens = Tokens::of(words);
        let meant = self.matches(&tokens, level)?;
        let foreign = |of: Order| of != Order::Either && of != order;
        let score: u32 =
            meant.into_iter().map(|(score, of)| score + if foreign(of) { 100 } else { 0 }).sum();
        Some(score + if tokens.through { THROUGH } else { 0 })
    }

    fn matches(&self, tokens: &Tokens<'_>, level: usize) -> Option<Vec<(u32, Order)>> {
        let words = self.words.iter().filter(|word| Self::counts(word, level));
        words.map(|word| word.fit(tokens)).collect()
    }

    /// Whether the names of the client alone match, for an entry of a portal user: then the client
    /// is listed already.
    fn by_client(&self, tokens: &Tokens<'_>, level: usize) -> bool {
        self.matches(&tokens.of_client(), level).is_some()
    }

    /// Whether an entry is a near miss, and by how many slips in all: for ranking, fewest first.
    ///
    /// Each word that is needed begins a token, or is a name but for one slip (two from seven
    /// letters on): a letter missing, added, changed, or two neighbours swapped. Nothing for a client that
    /// matches without forgiveness.
    fn forgives(&self, words: &str) -> Option<u32> {
        let tokens = Tokens::of(words);
        let names = tokens.names();
        let mut slips = 0;
        for word in self.words.iter().filter(|word| word.role == Role::Needed) {
            if word.fit(&tokens).is_some() {
                continue;
            }
            let written = word.only()?;
            let nearest = names.iter().map(|name| osa_distance(written, name)).min()?;
            if nearest > allowance(written) {
                return None;
            }
            slips += u32::try_from(nearest).unwrap_or(u32::MAX);
        }
        let through = if tokens.through { THROUGH } else { 0 };
        (slips > 0).then_some(through + slips)
    }

    /// A place as text, which only the same query takes back.
    #[must_use]
    pub fn cursor(&self, place: &Place) -> String {
        let rest = match place {
            Place::Sorted { level, score, sort, client } => {
                format!("sorted\n{level}\n{score}\n{client}\n{sort}")
            }
            Place::Streamed { level, chain, read, after } => {
                format!("streamed\n{level}\n{chain}\n{read}\n{after}")
            }
        };
        format!("{}\n{rest}", self.digest())
    }

    /// The place that a cursor stands for; nothing if it is not one of this query.
    #[must_use]
    pub fn place(&self, cursor: &str) -> Option<Place> {
        let rest = cursor.strip_prefix(&self.digest())?.strip_prefix('\n')?;
        let parts: Vec<&str> = rest.split('\n').collect();
        let [kind, level, one, two, text] = parts[..] else { return None };
        let level = level.parse().ok().filter(|level| *level < self.levels())?;
        if kind == "sorted" {
            let (score, client) = (one.parse().ok()?, ClientId::parse(two)?);
            return Some(Place::Sorted { level, score, sort: text.to_owned(), client });
        }
        let (chain, read): (usize, usize) = (one.parse().ok()?, two.parse().ok()?);
        let chains = if chain > self.leads.len() { Vec::new() } else { self.chain(chain, level) };
        let (_, prefix) = chains.get(read)?;
        let fits = text.is_empty()
            || (text.starts_with(prefix.as_str()) && keys::parse_search_entry(text).is_some());
        let after = text.to_owned();
        (kind == "streamed" && fits).then_some(Place::Streamed { level, chain, read, after })
    }

    /// Tells one query from another.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for word in &self.words {
            for token in word.meanings.iter().flat_map(|meaning| &meaning.tokens) {
                hash.update(token.as_bytes());
                hash.update([0]);
            }
            hash.update([1]);
        }
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..6])
    }
}

/// The limits of the reads of a page.
struct Room {
    first: usize,
    second: usize,
    pair: usize,
    near: usize,
    least: usize,
}

impl Room {
    /// Of a page of so many hits, for a query of one word or of several.
    fn of(limit: usize, one_word: bool) -> Self {
        // A client often has several tokens with one beginning.
        let first = if one_word { 60 + 6 * limit } else { 20 + 9 * limit / 2 };
        let pair = 50 + 3 * limit / 2;
        Self { first: first.max(110), second: 50, pair: pair.max(80), near: 40, least: 25 }
    }
}

/// The last and first name in an entry's key; before those of a token stands its kind.
fn sort_of(order: &str) -> &str {
    order.strip_prefix(|c: char| c.is_ascii_digit()).unwrap_or(order)
}

/// How an entry fits, and where that places it: less is better.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    score: u32,
    /// Last and first name of the client.
    sort: String,
    user: Option<PortalUserId>,
}

/// Every client of the entries that fit, by the one that fits best; the best first.
fn best_of(windows: &[Window], score: impl Fn(&str) -> Option<u32>) -> Vec<(Fit, ClientId)> {
    let mut best: BTreeMap<ClientId, Fit> = BTreeMap::new();
    for (sk, words) in windows.iter().flat_map(|window| &window.entries) {
        let Some((_, order, Found { client, user })) = keys::parse_search_entry(sk) else {
            continue;
        };
        let Some(score) = score(words) else { continue };
        let sort = match user {
            None => sort_of(order).to_owned(),
            Some(_) => Tokens::of(words).client.into_iter().take(2).collect::<Vec<_>>().join(" "),
        };
        let this = Fit { score, sort, user };
        match best.get_mut(&client) {
            Some(known) if *known <= this => {}
            Some(known) => *known = this,
            None => {
                best.insert(client, this);
            }
        }
    }
    let mut list: Vec<(Fit, ClientId)> =
        best.into_iter().map(|(client, fit)| (fit, client)).collect();
    list.sort_unstable();
    list
}
