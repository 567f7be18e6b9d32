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
    entries::{
        BORN, CLIENT, FIRST, FORMER, MARK, OTHER, TOKEN_CHARS, interleave, pairs, partition, sound,
        sound_pair,
    },
    query::{self, Role, Word, allowance, weight},
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

/// Somebody to show, once the client has been read.
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

#[derive(Clone)]
struct Pair {
    partition: String,
    prefix: String,
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
        for word in words.iter_mut().filter(|word| word.role == Role::Title) {
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
    let pairs = pairs_of(&words, &order);
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

/// The reads of two words as a pair. Two names go first; else a name and a date.
fn pairs_of(words: &[Word], order: &[usize]) -> Vec<Pair> {
    let mut names: Vec<&String> = order.iter().filter_map(|at| words[*at].name()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(weight(name)));
    let pair = |a: &str, b: &str| {
        let partition = format!("{}+{}", partition(a)?, partition(b)?);
        Some(Pair { partition, prefix: start_of_pair(a, b) })
    };
    if let [one, other, ..] = names[..] {
        let (a, b) = if one <= other { (one, other) } else { (other, one) };
        let mut made: Vec<Pair> = pair(a, b).into_iter().collect();
        // Names that begin alike may stand either way round.
        if partition(a) == partition(b) {
            made.extend(pair(b, a).filter(|p| made.iter().all(|m| m.prefix != p.prefix)));
        }
        return made;
    }
    let Some(name) = names.first() else { return Vec::new() };
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
    dates.iter().filter_map(|date| pair(date, name)).collect()
}

/// What the key of a pair begins with that is known of its two beginnings.
fn start_of_pair(a: &str, b: &str) -> String {
    let both = a.chars().count().min(b.chars().count());
    let take = |text: &str, count: usize| text.chars().take(count).collect::<String>();
    let mut prefix = interleave(&take(a, both), &take(b, both));
    prefix.extend(a.chars().nth(both));
    prefix
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
        let room = Room::of(limit, self.leads.len() == 1);
        if let Some(Place::Streamed { chain, read, after, .. }) = from {
            // Many of the entries may be of clients who were listed already.
            let chain = self.chain(*chain);
            let each = MOST_STREAMED / chain.len().saturating_sub(*read).clamp(1, 2);
            return chain
                .into_iter()
                .skip(*read)
                .take(2)
                .enumerate()
                .map(|(at, (partition, prefix))| {
                    let after = (at == 0 && !after.is_empty()).then(|| after.clone());
                    Read { partition, range: Range::Prefix(prefix), after, limit: each }
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
        let each = (room.pair / self.pairs.len().max(1)).max(room.least);
        for pair in &self.pairs {
            reads.push(read(&pair.partition, Range::Prefix(pair.prefix.clone()), each));
        }
        if from.is_none() {
            let near = self.near.iter();
            reads.extend(near.map(|(partition, range)| read(partition, range.clone(), room.near)));
        }
        reads
    }

    /// Reads of which each follows the end of the one before: 0 are the pairs, 1 and 2 the leads.
    fn chain(&self, chain: usize) -> Vec<(String, String)> {
        if chain == 0 {
            let pairs = self.pairs.iter();
            return pairs.map(|pair| (pair.partition.clone(), pair.prefix.clone())).collect();
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
        let complete = |windows: &[Window]| windows.iter().all(|w| w.stopped.is_none());
        let of_pairs = !pairs.is_empty()
            && pairs.iter().any(|window| !window.entries.is_empty())
            && complete(pairs);
        let mut page = if leads.iter().any(|lead| complete(lead)) || of_pairs || from.is_some() {
            self.sorted(from, windows, limit, dates)
        } else if pairs.iter().all(|window| window.entries.is_empty()) {
            // The lead whose entries match most.
            let level = self.levels() - 1;
            let matches = |lead: &[Window]| {
                let entries = lead.iter().flat_map(|window| &window.entries);
                entries.filter(|(_, words)| self.score(words, level, dates).is_some()).count()
            };
            let best = leads.iter().enumerate().max_by_key(|(at, lead)| (matches(lead), 2 - at));
            let best = best.map(|(at, _)| at).unwrap_or_default();
            self.first_level(|level| {
                self.streamed(level, best + 1, 0, None, leads[best], limit, dates)
            })
        } else {
            self.first_level(|level| self.streamed(level, 0, 0, None, pairs, limit, dates))
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

    /// The page of the first level on which somebody is found.
    fn first_level(&self, page: impl Fn(usize) -> Page) -> Page {
        let found = (0..self.levels()).map(&page).find(|page| !page.candidates.is_empty());
        found.unwrap_or_else(|| page(0))
    }

    /// All who match in these windows, sorted.
    fn sorted(&self, from: Option<&Place>, windows: &[Window], limit: usize, dates: Order) -> Page {
        let mut entries: BTreeMap<&str, &str> = BTreeMap::new();
        for (sk, words) in windows.iter().flat_map(|window| &window.entries) {
            entries.insert(sk, words);
        }
        let found = |level: usize| {
            let mut found: BTreeMap<ClientId, (u32, String, Option<PortalUserId>)> =
                BTreeMap::new();
            for (sk, words) in &entries {
                let Some((_, order, who)) = keys::parse_search_entry(sk) else { continue };
                let Found { client, user } = who;
                let Some(score) = self.score(words, level, dates) else { continue };
                let sort = if user.is_some() { String::new() } else { sort_of(order) };
                let this = (score, sort, user);
                match found.get_mut(&client) {
                    Some(best) if *best <= this => {}
                    Some(best) => *best = this,
                    None => {
                        found.insert(client, this);
                    }
                }
            }
            let mut list: Vec<(u32, String, ClientId, Option<PortalUserId>)> =
                found.into_iter().map(|(c, (score, sort, user))| (score, sort, c, user)).collect();
            list.sort_unstable();
            list
        };
        let (level, list) = if let Some(Place::Sorted { level, .. }) = from {
            (*level, found(*level))
        } else {
            let levels = (0..self.levels()).map(|level| (level, found(level)));
            levels.into_iter().find(|(_, list)| !list.is_empty()).unwrap_or_default()
        };
        let mut rest = list.into_iter().skip_while(|(score, sort, client, _)| match from {
            Some(Place::Sorted { score: s, sort: n, client: c, .. }) => {
                (score, sort, client) <= (s, n, c)
            }
            _ => false,
        });
        let mut candidates = Vec::new();
        let mut end = None;
        for (score, sort, client, user) in rest.by_ref().take(limit) {
            candidates.push(Candidate { client, user, score });
            end = Some(Place::Sorted { level, score, sort, client });
        }
        let next = rest.next().and(end);
        Page { candidates, next, level, streamed: false }
    }

    /// The clients that nearly match, the nearest first.
    fn nearest(&self, windows: &[Window], seen: &HashSet<ClientId>, most: usize) -> Vec<Candidate> {
        let mut near: BTreeMap<ClientId, (u32, String, Option<PortalUserId>)> = BTreeMap::new();
        for (sk, words) in windows.iter().flat_map(|window| &window.entries) {
            let Some((_, order, who)) = keys::parse_search_entry(sk) else { continue };
            let Found { client, user } = who;
            let Some(slips) = self.forgives(words).filter(|_| !seen.contains(&client)) else {
                continue;
            };
            let through = if user.is_some() { THROUGH } else { 0 };
            let this = (through + u32::from(slips), sort_of(order), user);
            match near.get_mut(&client) {
                Some(best) if *best <= this => {}
                Some(best) => *best = this,
                None => {
                    near.insert(client, this);
                }
            }
        }
        let mut near: Vec<_> =
            near.into_iter().map(|(c, (score, sort, user))| (score, sort, c, user)).collect();
        near.sort_unstable();
        near.into_iter()
            .take(most)
            .map(|(score, _, client, user)| Candidate { client, user, score })
            .collect()
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
        let length = self.chain(chain).len();
        let place = |read: usize, after: String| Place::Streamed { level, chain, read, after };
        for (at, window) in windows.iter().enumerate() {
            let read = first + at;
            for (sk, words) in &window.entries {
                let Some((token, _, who)) = keys::parse_search_entry(sk) else { continue };
                let Found { client, user } = who;
                let shown = self.shows(level, chain, read, token, words, user.is_some())
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
        key: &str,
        words: &str,
        through: bool,
    ) -> bool {
        let tokens = Tokens::of(words);
        if self.matches(&tokens, level).is_none() || (through && self.by_client(&tokens, level)) {
            return false;
        }
        if chain == 0 {
            let of_client = pairs(words);
            let of = |pair: &Pair| {
                let fits =
                    |p: &String, k: &String| *p == pair.partition && k.starts_with(&pair.prefix);
                let keys = of_client.iter().filter(|(p, k)| fits(p, k));
                keys.map(|(_, key)| key.as_str()).min()
            };
            return self.pairs.iter().take(read).all(|earlier| of(earlier).is_none())
                && self.pairs.get(read).and_then(of) == Some(key);
        }
        let lead = self.leads.get(chain - 1).and_then(|group| group.get(read));
        let Some(lead) = lead else { return false };
        let meanings = &self.words[lead.word].meanings;
        let meant = meanings.iter().position(|m| tokens.has_all(&m.tokens));
        meant == Some(lead.meaning) && tokens.least_with(&lead.token).as_deref() == Some(key)
    }

    /// How many levels there are: all words, then without titles, then without single letters.
    fn levels(&self) -> usize {
        let has = |role: Role| self.words.iter().any(|word| word.role == role);
        if has(Role::Letter) {
            3
        } else if has(Role::Title) {
            2
        } else {
            1
        }
    }

    fn counts(word: &Word, level: usize) -> bool {
        match word.role {
            Role::Needed => true,
            Role::Title => level < 1,
            Role::Letter => level < 2,
        }
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
        words
            .map(|word| {
                let meanings = word.meanings.iter();
                let scored = meanings.filter_map(|m| Some((tokens.score_all(&m.tokens)?, m.order)));
                scored.min_by_key(|(score, _)| *score)
            })
            .collect()
    }

    /// Whether the names of the client alone match, for an entry of a portal user: then the client
    /// is listed already.
    fn by_client(&self, tokens: &Tokens<'_>, level: usize) -> bool {
        let begins =
            |word: &String| tokens.client.iter().any(|name| name.starts_with(word.as_str()));
        let mut words = self.words.iter().filter(|word| Self::counts(word, level));
        words.all(|word| word.meanings.iter().any(|m| m.tokens.iter().all(begins)))
    }

    /// Whether an entry is a near miss, and by how many slips in all: for ranking, fewest first.
    ///
    /// Each word that is needed begins a token, or is a name but for one slip (two from seven
    /// letters on): a letter missing, added, changed, or two neighbours swapped. Nothing for a client that
    /// matches without forgiveness.
    fn forgives(&self, words: &str) -> Option<u8> {
        let tokens = Tokens::of(words);
        let mut slips = 0;
        for word in self.words.iter().filter(|word| word.role == Role::Needed) {
            if word.meanings.iter().any(|meaning| tokens.has_all(&meaning.tokens)) {
                continue;
            }
            let word = word.only()?;
            let names = tokens.names.iter();
            let nearest = names.map(|(name, _)| osa_distance(word, name)).min()?;
            if nearest > allowance(word) {
                return None;
            }
            slips += nearest;
        }
        if slips == 0 { None } else { Some(u8::try_from(slips).unwrap_or(u8::MAX)) }
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
        let chains = if chain > self.leads.len() { Vec::new() } else { self.chain(chain) };
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
fn sort_of(order: &str) -> String {
    order.strip_prefix(|c: char| c.is_ascii_digit()).unwrap_or(order).to_owned()
}

#[derive(Clone, Copy)]
enum Section {
    Last,
    First,
    Former,
}

/// The tokens of an entry's `words`.
struct Tokens<'a> {
    names: Vec<(&'a str, Section)>,
    others: Vec<&'a str>,
    client: Vec<&'a str>,
    through: bool,
}

impl<'a> Tokens<'a> {
    fn of(words: &'a str) -> Self {
        let mut tokens =
            Self { names: Vec::new(), others: Vec::new(), client: Vec::new(), through: false };
        let mut section = "";
        for chunk in words.split(' ').filter(|chunk| !chunk.is_empty()) {
            match chunk {
                FIRST | FORMER | OTHER => section = chunk,
                CLIENT => {
                    section = chunk;
                    tokens.through = true;
                }
                _ => match section {
                    OTHER => tokens.others.push(chunk.trim_start_matches(BORN)),
                    CLIENT => tokens.client.push(chunk),
                    FIRST => tokens.names.push((chunk, Section::First)),
                    FORMER => tokens.names.push((chunk, Section::Former)),
                    _ => tokens.names.push((chunk, Section::Last)),
                },
            }
        }
        tokens
    }

    /// How well a word fits the best of the tokens that it begins: a whole token before a longer
    /// one, a last name before a first name before all else.
    fn score(&self, word: &str) -> Option<u32> {
        let of_name = |(name, section): &(&str, Section)| {
            let rest = name.strip_prefix(word)?;
            let section = match section {
                Section::Last => 0,
                Section::First => 1,
                Section::Former => 2,
            };
            Some(section + if rest.is_empty() { 0 } else { 4 })
        };
        let of_other = |chunk: &&str| {
            let whole = suffixes(chunk).filter_map(|suffix| fits(suffix, word)).max()?;
            Some(3 + if whole { 0 } else { 4 })
        };
        let names = self.names.iter().filter_map(of_name);
        names.chain(self.others.iter().filter_map(of_other)).min()
    }

    fn score_all(&self, tokens: &[String]) -> Option<u32> {
        let scores: Option<Vec<u32>> = tokens.iter().map(|token| self.score(token)).collect();
        scores.map(|scores| scores.into_iter().sum())
    }

    fn has_all(&self, tokens: &[String]) -> bool {
        self.score_all(tokens).is_some()
    }

    /// The first token in order that begins so.
    fn least_with(&self, prefix: &str) -> Option<String> {
        let names = self.names.iter().map(|(name, _)| (*name).to_owned());
        let others = self.others.iter().flat_map(|chunk| suffixes(chunk));
        let others = others.filter(|suffix| fits(suffix, prefix).is_some());
        let others = others.map(|suffix| letters(suffix).collect());
        names.filter(|name| name.starts_with(prefix)).chain(others).min()
    }
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

/// Whether a token begins with a word, and if it does, whether that is all of it.
fn fits(suffix: &str, word: &str) -> Option<bool> {
    let mut letters = letters(suffix);
    word.chars().all(|c| letters.next() == Some(c)).then(|| letters.next().is_none())
}
