//! The budget of mails for each address (rule 7): nobody can fill a mailbox through the practice.
//!
//! One item for each address holds when its last mails were queued, newest first. The change that
//! queues a mail adds its time there, on the condition that the budget holds it: the tenth newest of
//! the mails before is an hour old, and so on. So the window slides exactly, two changes at once
//! cannot both take the last place, and no read comes before the write. Only a change whose condition
//! failed reads the item: to say when it can be done, or to cut a list that has become long.
//!
//! A change that mails has a [`Spending`], without which [`Outgoing::queue`] cannot be called:
//!
//! ```ignore
//! let mut budgets = Budgets::default();
//! loop {
//!     let mut spending = Spending::new(&app, &practice);
//!     mail.queue(&mut change, &mut spending, &email)?;
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
    id::PracticeId,
    keys::{self, Key},
    mail::MailKind,
    problem::Problem,
    store::{Change, Failed, Handle, Store, Update},
};

/// The most mails to one address in any hour.
pub const MAILS_AN_HOUR: usize = 10;
/// The most mails to one address in any day.
pub const MAILS_A_DAY: usize = 20;
/// The most password resets to one address in any hour. Each is a mail, too.
pub const RESETS_AN_HOUR: usize = 3;

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
    /// The password resets among them.
    #[serde(default)]
    resets: Vec<At>,
    /// Raised by every write.
    #[serde(skip_serializing, default)]
    rev: u64,
}

/// The budgets that were read because a change failed on them.
#[derive(Debug, Clone, Default)]
pub struct Budgets(BTreeMap<Key, Budget>);

/// The mails that one change queues for one address.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    mails: usize,
    resets: usize,
}

/// One limit: how many of the times in a list may lie within the seconds before now.
struct Limit {
    list: &'static str,
    most: usize,
    seconds: i64,
}

const MAILS: [Limit; 2] = [
    Limit { list: "times", most: MAILS_AN_HOUR, seconds: HOUR },
    Limit { list: "times", most: MAILS_A_DAY, seconds: DAY },
];
const RESETS: [Limit; 1] = [Limit { list: "resets", most: RESETS_AN_HOUR, seconds: HOUR }];

impl Count {
    /// The limits that concern these mails, each with the place in its list of the time that must be
    /// past.
    fn limits(self) -> impl Iterator<Item = (&'static Limit, usize)> {
        let mails = MAILS.iter().map(move |limit| (limit, self.mails));
        let resets = RESETS.iter().map(move |limit| (limit, self.resets));
        mails
            .chain(resets)
            .filter(|(_, count)| *count > 0)
            .map(|(limit, count)| (limit, limit.most.saturating_sub(count)))
    }
}

impl Budget {
    fn list(&self, name: &str) -> &[At] {
        if name == "resets" { &self.resets } else { &self.times }
    }

    /// When it holds so many more mails; `None`: now.
    fn until(&self, count: Count, now: At) -> Option<At> {
        let free = |(limit, place): (&Limit, usize)| {
            self.list(limit.list).get(place).map(|at| at.plus(limit.seconds))
        };
        count.limits().filter_map(free).max().filter(|until| *until > now)
    }
}

/// What the mails of one change spend of the budgets of their addresses.
pub struct Spending<'a> {
    context: &'a Context,
    practice: PracticeId,
    counts: BTreeMap<Key, Count>,
}

/// The items of a change that hold budgets.
#[derive(Debug, Default)]
pub struct Spent(Vec<(Handle, Key)>);

impl<'a> Spending<'a> {
    /// Begins to count the mails of a change. `context` has the deployment's secret.
    #[must_use]
    pub fn new(context: &'a Context, practice: &PracticeId) -> Self {
        Self { context, practice: practice.clone(), counts: BTreeMap::new() }
    }

    /// Counts a mail to an address; a notice of a change does not count.
    ///
    /// # Errors
    /// 500 in a function that was given no secret.
    pub fn count(&mut self, to: &Email, kind: MailKind) -> Result<(), Problem> {
        if kind.is_notice() {
            return Ok(());
        }
        let address = to.folded();
        let parts = [self.practice.as_str().as_bytes(), address.as_bytes()];
        let digest = URL_SAFE_NO_PAD.encode(self.context.hmac("mail budget", &parts)?);
        let count = self.counts.entry(keys::budget(&self.practice, &digest)).or_default();
        count.mails += 1;
        count.resets += usize::from(kind == MailKind::PasswordReset);
        Ok(())
    }

    /// When the budgets that were read hold these mails; `None`: now.
    #[must_use]
    pub fn until(&self, read: &Budgets) -> Option<At> {
        let now = self.context.now();
        let over = |(key, count): (&Key, &Count)| read.0.get(key)?.until(*count, now);
        self.counts.iter().filter_map(over).max()
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
        let write = |(key, count): (&Key, &Count)| {
            let update = match read.0.get(key) {
                None => add(key, *count, now),
                Some(budget) => rewrite(key, budget, *count, now),
            };
            let update = update.set("expiresAt", &now.plus(DAY + 1).seconds());
            (change.update(&update), key.clone())
        };
        Ok(Spent(self.counts.iter().map(write).collect()))
    }
}

/// Adds the time of mails to a budget that was not read, if it holds them.
fn add(key: &Key, count: Count, now: At) -> Update {
    let mut update = Update::upsert(key.clone());
    for (limit, place) in count.limits() {
        let place = format!("{}[{place}]", limit.list);
        update = update.when_absent_or(&place, "<=", &now.plus(-limit.seconds));
    }
    for (list, count) in [("times", count.mails), ("resets", count.resets)] {
        if count > 0 {
            update = update.when_shorter(list, LONGEST).prepend(list, &vec![now; count]);
        }
    }
    update
}

/// Adds the time of mails to a budget that was read, and cuts its lists to what can count.
fn rewrite(key: &Key, budget: &Budget, count: Count, now: At) -> Update {
    let mut update = Update::upsert(key.clone());
    update = match budget.rev {
        0 => update.when_absent("rev"),
        rev => update.when("rev", "=", &rev),
    };
    for (list, count) in [("times", count.mails), ("resets", count.resets)] {
        if count > 0 {
            let before = budget.list(list).iter().copied();
            let times: Vec<At> =
                std::iter::repeat_n(now, count).chain(before).take(MAILS_A_DAY).collect();
            update = update.set(list, &times);
        }
    }
    update
}

impl Spent {
    /// Reads the budgets on which the change failed.
    ///
    /// # Errors
    /// 503 when the table does not answer.
    pub async fn read_failed(self, store: &Store, failed: &Failed) -> Result<Budgets, Problem> {
        let mut budgets = BTreeMap::new();
        for (handle, key) in self.0 {
            if failed.includes(handle) {
                let budget = store.get(&key).await?.unwrap_or_default();
                budgets.insert(key, budget);
            }
        }
        Ok(Budgets(budgets))
    }
}
