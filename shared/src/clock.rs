//! Access with a clock: the day on which it ends, and the ages at which that of parents and guardians ends or
//! narrows.
//!
//! Nothing has to happen on that day. What a person may do is judged whenever it is asked, from the access as it
//! was given and the day that it is in the practice: [`Clock::judge`]. So no door stays open because something was
//! late. That it has ended is written afterwards ([`Told`]): the history says it once, apps are told, and no session
//! of before comes back. A last day leaves word for its end ([`Lapse`]); what a birthday or a changed rule ends is found
//! by the next sign-in, or the next edit of the person.

use std::fmt;

use jiff::{civil, tz::TimeZone};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Unexpected, Visitor},
};
use ulid::Ulid;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
    },
};

use crate::{
    context::Context,
    fields::{At, Date, Permission, Permissions, Relationship},
    id::{AccountKey, LapseId, PracticeId},
    keys,
    outbox::GIVEN_UP,
    portal_user::EndReason,
    practice::Practice,
    store::Change,
};

/// Days ahead in which an end is near.
pub const NEAR_DAYS: i64 = 30;
/// The highest age of a rule.
pub const OLDEST: u8 = 120;
/// Most rules of a practice.
pub const MOST_RULES: usize = 10;

/// What parents and guardians keep from an age of the client on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardianRule {
    /// The client's age in years.
    #[schema(minimum = 0, maximum = 120)]
    pub from_age: u8,
    /// What they keep.
    pub allows: Allows,
}

/// What a rule leaves of an access: these permissions, of those that the person has; of none, no access at all, for
/// which the word is `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allows(Permissions);

const NONE: &str = "none";

impl Serialize for Allows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            serializer.serialize_str(NONE)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Allows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AllowsVisitor)
    }
}

struct AllowsVisitor;

impl<'de> Visitor<'de> for AllowsVisitor {
    type Value = Allows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of permissions, or the word none")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Allows, E> {
        if text == NONE {
            return Ok(Allows(Permissions::new()));
        }
        Err(E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Allows, A::Error> {
        Permissions::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(Allows)
    }
}

impl Allows {
    /// What is left of some permissions; none when access ends.
    #[must_use]
    pub fn of(&self, given: &Permissions) -> Option<Permissions> {
        let left: Permissions = given.intersection(&self.0).copied().collect();
        let ends = self.0.is_empty() || (left.is_empty() && !given.is_empty());
        (!ends).then_some(left)
    }

    /// Whether it leaves no more than another one does.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
}

impl PartialSchema for Allows {
    fn schema() -> RefOr<Schema> {
        let permissions = ArrayBuilder::new()
            .items(Permission::schema())
            .unique_items(true)
            .description(Some("What they keep, of what they have."));
        let none = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some([NONE]))
            .description(Some("Access ends."));
        OneOfBuilder::new().item(permissions).item(none).into()
    }
}

impl ToSchema for Allows {
    fn name() -> std::borrow::Cow<'static, str> {
        "Allows".into()
    }
}

/// Word to the stream-driven function that a clock may have ended or narrowed what an account opens, from a moment on:
/// it writes that to the charts ([`crate::chart::ChartEdit::tell_clocks`]). It decides nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lapse {
    /// The practice.
    pub practice: PracticeId,
    /// Where the account is kept.
    pub account: AccountKey,
    /// From when on.
    pub due: At,
    /// Before this moment nothing of it held, whatever the day says: a date of birth was corrected then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_from: Option<At>,
    /// [`keys::PENDING`]: it waits until it is gone.
    pub pending: String,
    /// When it is given up (seconds since 1970).
    pub expires_at: i64,
}

impl Lapse {
    /// Puts it where the stream-driven function finds it when it is due, as part of a change.
    pub fn queue(
        context: &Context,
        (practice, account): (&PracticeId, &AccountKey),
        due: At,
        held_from: Option<At>,
        change: &mut Change,
    ) {
        // The index has what waits in the order of the ids: it is looked for once it is due.
        let random = u128::from_be_bytes(context.random());
        let id = LapseId::new(Ulid::from_parts(due.millis().unsigned_abs(), random));
        let lapse = Self {
            practice: practice.clone(),
            account: account.clone(),
            due,
            held_from,
            pending: keys::PENDING.to_owned(),
            expires_at: due.plus(GIVEN_UP).seconds(),
        };
        change.insert(&keys::lapse(practice, account, id), &lapse);
    }
}

/// Why a clock ended or narrowed an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// It was given until this day, which is over.
    Until(Date),
    /// The client has reached an age from which on the practice lets parents and guardians do nothing.
    Ended(u8),
    /// The client has reached an age from which on the practice lets parents and guardians do less.
    Narrowed(u8),
}

impl Cause {
    /// Why nobody enters any more; none where access only narrowed.
    #[must_use]
    pub const fn end(self) -> Option<EndReason> {
        match self {
            Self::Until(_) => Some(EndReason::Until),
            Self::Ended(_) => Some(EndReason::Age),
            Self::Narrowed(_) => None,
        }
    }
}

/// A clock's verdict of which the history tells, and since when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub at: At,
}

/// An access as it was given.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The last day, if there is one.
    pub until: Option<Date>,
    /// What the person is to the client.
    pub relationship: Relationship,
    /// The client's date of birth.
    pub born: Date,
    /// What the person was given.
    pub permissions: &'a Permissions,
}

/// What is true of an access on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What the person may do; none when access is over.
    pub permissions: Option<Permissions>,
    /// What ended or narrowed it.
    pub cause: Option<Cause>,
}

/// The time in a practice, and its rules that go by it.
#[derive(Debug, Clone)]
pub struct Clock {
    now: At,
    today: Date,
    zone: TimeZone,
    rules: Vec<GuardianRule>,
}

impl Practice {
    /// What its clocks show at `now`.
    #[must_use]
    pub fn clock(&self, now: At) -> Clock {
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let today = now.day_in(&zone);
        Clock { now, today, zone, rules: self.guardian_rules.clone() }
    }
}

impl Clock {
    /// The moment.
    #[must_use]
    pub const fn now(&self) -> At {
        self.now
    }

    /// The day in the practice.
    #[must_use]
    pub const fn today(&self) -> Date {
        self.today
    }

    /// What a person may do today.
    #[must_use]
    pub fn judge(&self, terms: &Terms<'_>) -> Verdict {
        self.judge_on(self.today, terms)
    }

    fn judge_on(&self, day: Date, terms: &Terms<'_>) -> Verdict {
        if let Some(until) = terms.until.filter(|until| *until < day) {
            return Verdict { permissions: None, cause: Some(Cause::Until(until)) };
        }
        let mut verdict = Verdict { permissions: Some(terms.permissions.clone()), cause: None };
        let guards = matches!(terms.relationship, Relationship::Parent | Relationship::Guardian);
        for rule in self.rules.iter().filter(|_| guards) {
            if terms.born.birthday(rule.from_age) > day {
                continue;
            }
            let Some(before) = verdict.permissions.take() else { continue };
            let Some(left) = rule.allows.of(&before) else {
                return Verdict { permissions: None, cause: Some(Cause::Ended(rule.from_age)) };
            };
            if left != before {
                verdict.cause = Some(Cause::Narrowed(rule.from_age));
            }
            verdict.permissions = Some(left);
        }
        verdict
    }

    /// When something of it began to hold: at the beginning of a day.
    #[must_use]
    pub fn since(&self, cause: Cause, born: Date) -> At {
        let day = match cause {
            Cause::Until(until) => until.next(),
            Cause::Ended(age) | Cause::Narrowed(age) => born.birthday(age),
        };
        let start = self.zone.to_ambiguous_zoned(civil::DateTime::from(day.day())).compatible();
        start.map_or(self.now, |start| At::from_millis(start.timestamp().as_millisecond()))
    }

    /// On which day within the next thirty the access ends or narrows further, and by what.
    #[must_use]
    pub fn ahead(&self, terms: &Terms<'_>) -> Option<(Date, Cause)> {
        let now = self.judge(terms);
        now.permissions.as_ref()?;
        let last = self.today.plus_days(NEAR_DAYS);
        let birthdays = self.rules.iter().map(|rule| terms.born.birthday(rule.from_age));
        let mut days: Vec<Date> = birthdays
            .chain(terms.until.map(Date::next))
            .filter(|day| *day > self.today && *day <= last.next())
            .collect();
        days.sort_unstable();
        days.into_iter().find_map(|day| {
            let then = self.judge_on(day, terms);
            let cause = then.cause.filter(|_| then.permissions != now.permissions)?;
            // Somebody whose last day it is has it still.
            let shown = if let Cause::Until(until) = cause { until } else { day };
            (shown <= last).then_some((shown, cause))
        })
    }

    /// The rules, by age.
    #[must_use]
    pub fn rules(&self) -> &[GuardianRule] {
        &self.rules
    }
}
