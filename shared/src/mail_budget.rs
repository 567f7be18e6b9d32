//! The budget of mails for each address (rule 7): nobody can fill a mailbox through the practice.
//!
//! One item for each address holds when its last mails were queued, newest first. The change that
//! queues a mail adds its time there, on the condition that the budget holds it: the tenth newest of
//! the mails before is an hour old, and so on. So the window slides exactly, two changes at once
//! cannot both take the last place, and no read comes before the write. Only a change whose condition
//! failed reads the item: to say when it can be done, or to cut a list that has become long. A change
//! that a stranger asked for reads it first ([`Spending::read`]), since its limits depend on which
//! requests were counted.
//!
//! Alerts are mails too, and count as such. They leave room for what strangers may ask for and for what
//! staff send: see [`Spending::of_alert`].
//!
//! Strangers cause mails too, by asking for resets. Of an address's budget these may take half, so that
//! asking never keeps the practice's own mails back: see [`Spending::asked_for`].
//!
//! A change that mails has a [`Spending`], without which [`Outgoing::queue`] cannot be called:
//!
//! ```ignore
//! let mut budgets = Budgets::default();
//! loop {
//!     let mut spending = Spending::new(&app, &practice);
//!     mail.queue(&mut change, &mut spending, email.as_ref())?;
//!     let spent = spending.write(&mut change, &budgets)?; // 429 when the budget is spent
//!     let Err(error) = store.write(change).await else { break };
//!     let failed = retries.retry(error).await?;
//!     budgets = spent.read_failed(store, &failed).await?;
//! }
//! ```
//!
//! [`Outgoing::queue`]: crate::outbox::Outgoing::queue

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    fields::{At, Email},
    id::{AskId, PracticeId},
    keys::{self, Key},
    mail::MailKind,
    problem::Problem,
    store::{Change, Failed, Handle, Item, Store, Update, parse},
};

/// The most mails to one address in any hour.
pub const MAILS_AN_HOUR: usize = 10;
/// The most mails to one address in any day.
pub const MAILS_A_DAY: usize = 20;
/// The most requests for a reset of which mails to one address come in any hour.
pub const RESETS_AN_HOUR: usize = 3;
/// The most of an hour's mails that may come of such requests: resets, and invitations sent again.
pub const ASKED_AN_HOUR: usize = MAILS_AN_HOUR / 2;
/// The most of a day's mails that may.
pub const ASKED_A_DAY: usize = MAILS_A_DAY / 2;

/// An alert goes to an address only if it is at most the fourth mail of the hour: with all that strangers
/// may ask for, a place is left for what staff send.
pub const ALERTS_AN_HOUR: usize = MAILS_AN_HOUR - ASKED_AN_HOUR - 1;
/// And at most the ninth of the day.
pub const ALERTS_A_DAY: usize = MAILS_A_DAY - ASKED_A_DAY - 1;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// A list gets no longer than this before it is read and cut to what still counts.
const LONGEST: usize = 40;

/// When the last mails to an address were queued, as stored; each list with the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Budget {
    /// All mails that count.
    #[serde(default)]
    times: Vec<At>,
    /// Those among them that a stranger asked for.
    #[serde(default)]
    asked: Vec<Asked>,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    rev: u64,
}

/// A mail that a stranger asked for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Asked {
    /// When it was queued.
    at: At,
    /// The request. All that comes of one counts as one reset.
    ask: AskId,
}

/// The budgets that were read because a change failed on them.
#[derive(Debug, Clone, Default)]
pub struct Budgets(BTreeMap<Key, Budget>);

/// One limit: how many of the newest times of a list may lie within the seconds before now.
struct Limit {
    most: usize,
    seconds: i64,
}

/// The limits of all mails.
const MAILS: [Limit; 2] =
    [Limit { most: MAILS_AN_HOUR, seconds: HOUR }, Limit { most: MAILS_A_DAY, seconds: DAY }];
/// What is left of them for alerts.
const ALERTS: [Limit; 2] =
    [Limit { most: ALERTS_AN_HOUR, seconds: HOUR }, Limit { most: ALERTS_A_DAY, seconds: DAY }];
/// Those of the mails that strangers asked for.
const ASKED: [Limit; 2] =
    [Limit { most: ASKED_AN_HOUR, seconds: HOUR }, Limit { most: ASKED_A_DAY, seconds: DAY }];
/// That of the requests of which mails came.
const RESETS: [Limit; 1] = [Limit { most: RESETS_AN_HOUR, seconds: HOUR }];

impl Limit {
    /// The place in its list of the time that must be past, for so many more.
    fn place(&self, more: usize) -> usize {
        self.most.saturating_sub(more)
    }
}

/// When lists hold so many more times within their limits.
fn free(limits: &[Limit], times: &[At], more: usize) -> Option<At> {
    let until = |limit: &Limit| times.get(limit.place(more)).map(|at| at.plus(limit.seconds));
    limits.iter().filter_map(until).max()
}

impl Budget {
    /// When it holds so many more mails, asked for by a stranger or not; `None`: now.
    fn until(&self, mails: usize, cause: Cause, now: At) -> Option<At> {
        let asked = cause.ask().and_then(|ask| {
            let times: Vec<At> = self.asked.iter().map(|mail| mail.at).collect();
            let resets = self.resets();
            let resets: Vec<At> = resets.iter().map(|mail| mail.at).collect();
            let reset = if self.has(ask) { None } else { free(&RESETS, &resets, 1) };
            free(&ASKED, &times, mails).max(reset)
        });
        free(cause.limits(), &self.times, mails).max(asked).filter(|until| *until > now)
    }

    /// Whether mails of this request were counted.
    fn has(&self, ask: AskId) -> bool {
        self.asked.iter().any(|mail| mail.ask == ask)
    }

    /// The newest mail of each request.
    fn resets(&self) -> Vec<Asked> {
        let mut newest: Vec<Asked> = Vec::new();
        for mail in &self.asked {
            if !newest.iter().any(|known| known.ask == mail.ask) {
                newest.push(*mail);
            }
        }
        newest
    }
}

/// What the mails of one change come of.
#[derive(Debug, Clone, Copy)]
enum Cause {
    /// Something that the practice or the person did.
    Practice,
    /// A stranger's request.
    Ask(AskId),
    /// An alert.
    Alert,
}

impl Cause {
    fn ask(self) -> Option<AskId> {
        match self {
            Self::Ask(ask) => Some(ask),
            Self::Practice | Self::Alert => None,
        }
    }

    /// The limits of all mails, as far as mails of this cause may reach.
    fn limits(self) -> &'static [Limit] {
        match self {
            Self::Alert => &ALERTS,
            Self::Practice | Self::Ask(_) => &MAILS,
        }
    }
}

/// What the mails of one change spend of the budgets of their addresses.
pub struct Spending<'a> {
    context: &'a Context,
    practice: PracticeId,
    /// What the mails come of.
    cause: Cause,
    /// How many mails there are, by where the budget of their address is.
    mails: BTreeMap<Key, usize>,
}

/// The items of a change that hold budgets.
#[derive(Debug, Default)]
pub struct Spent(Vec<(Handle, Key)>);

impl<'a> Spending<'a> {
    /// Begins to count the mails of a change. `context` has the deployment's secret.
    #[must_use]
    pub fn new(context: &'a Context, practice: &PracticeId) -> Self {
        Self { context, practice: practice.clone(), cause: Cause::Practice, mails: BTreeMap::new() }
    }

    /// Says that the mails of the change come of a stranger's request: they count among those that are
    /// held to half of the budget, and all that come of one request count as one reset.
    pub fn asked_for(&mut self, ask: AskId) {
        self.cause = Cause::Ask(ask);
    }

    /// Counts the mail of an alert to an address. It goes out only while others still have room.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn of_alert(&mut self, to: &Email) -> Result<(), Problem> {
        self.cause = Cause::Alert;
        self.add(to)
    }

    /// Counts a mail to an address; a notice of a change does not count.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn count(&mut self, to: &Email, kind: MailKind) -> Result<(), Problem> {
        if kind.is_notice() { Ok(()) } else { self.add(to) }
    }

    fn add(&mut self, to: &Email) -> Result<(), Problem> {
        *self.mails.entry(place_of(self.context, &self.practice, to)?).or_default() += 1;
        Ok(())
    }

    /// Reads the budgets that the mails counted so far are spent of.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn read(&self, store: &Store) -> Result<Budgets, Problem> {
        read(store, self.mails.keys().cloned()).await
    }

    /// When the budgets that were read hold these mails; `None`: now.
    #[must_use]
    pub fn until(&self, read: &Budgets) -> Option<At> {
        let now = self.context.now();
        let over = |(key, mails): (&Key, &usize)| read.0.get(key)?.until(*mails, self.cause, now);
        self.mails.iter().filter_map(over).max()
    }

    /// Adds to the change what its mails spend.
    ///
    /// # Errors
    /// 429 `mail_budget_spent` when a budget that was read does not hold them.
    pub fn write(&self, change: &mut Change, read: &Budgets) -> Result<Spent, Problem> {
        let now = self.context.now();
        if let Some(until) = self.until(read) {
            return Err(Problem::mail_budget_spent(until, now));
        }
        let write = |(key, mails): (&Key, &usize)| {
            let update = match (read.0.get(key), self.cause.ask()) {
                (Some(budget), ask) => rewrite(key, budget, *mails, ask, now),
                (None, None) => add(key, *mails, self.cause.limits(), now),
                // Which requests were counted is only seen on the item: if it is there, it is read.
                (None, ask) => rewrite(key, &Budget::default(), *mails, ask, now),
            };
            let update = update.set("expiresAt", &now.plus(DAY + 1).seconds());
            (change.update(&update), key.clone())
        };
        Ok(Spent(self.mails.iter().map(write).collect()))
    }
}

/// Where the budget of an address is.
///
/// # Errors
/// 500 in a function that was given no secret.
pub fn place_of(context: &Context, practice: &PracticeId, to: &Email) -> Result<Key, Problem> {
    let address = to.folded();
    let parts = [practice.as_str().as_bytes(), address.as_bytes()];
    let digest = URL_SAFE_NO_PAD.encode(context.hmac("mail budget", &parts)?);
    Ok(keys::budget(practice, &digest))
}

/// Whether a budget that was read holds no more mail of the practice's own.
///
/// # Errors
/// 500 when the item is none.
pub fn is_spent(budget: Item, now: At) -> Result<bool, Problem> {
    let budget: Budget = parse(budget)?;
    Ok(budget.until(1, Cause::Practice, now).is_some())
}

/// Adds the time of mails to a budget that was not read, if it holds them.
fn add(key: &Key, mails: usize, limits: &[Limit], now: At) -> Update {
    let mut update = Update::upsert(key.clone());
    for limit in limits {
        let place = format!("times[{}]", limit.place(mails));
        update = update.when_absent_or(&place, "<=", &now.plus(-limit.seconds));
    }
    update.when_shorter("times", LONGEST).prepend("times", &vec![now; mails])
}

/// Adds the time of mails to a budget that was read, and cuts its lists to what can count.
fn rewrite(key: &Key, budget: &Budget, mails: usize, ask: Option<AskId>, now: At) -> Update {
    let update = Update::upsert(key.clone());
    let update = match budget.rev {
        0 => update.when_absent("rev"),
        rev => update.when("rev", "=", &rev),
    };
    let times = newest(now, mails, &budget.times, MAILS_A_DAY);
    let update = update.set("times", &times);
    match ask {
        Some(ask) => {
            let asked = newest(Asked { at: now, ask }, mails, &budget.asked, ASKED_A_DAY);
            update.set("asked", &asked)
        }
        None => update,
    }
}

/// A list with so many more values in front, cut to the length at which all that can count are in it.
fn newest<T: Copy>(value: T, count: usize, before: &[T], most: usize) -> Vec<T> {
    std::iter::repeat_n(value, count).chain(before.iter().copied()).take(most).collect()
}

async fn read(store: &Store, keys: impl Iterator<Item = Key>) -> Result<Budgets, Problem> {
    let mut budgets = BTreeMap::new();
    for key in keys {
        let budget = store.get(&key).await?.unwrap_or_default();
        budgets.insert(key, budget);
    }
    Ok(Budgets(budgets))
}

impl Spent {
    /// Reads the budgets on which the change failed.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn read_failed(self, store: &Store, failed: &Failed) -> Result<Budgets, Problem> {
        let lost = self.0.into_iter().filter(|(handle, _)| failed.includes(*handle));
        read(store, lost.map(|(_, key)| key)).await
    }
}
