//! Days and moments.

use std::{borrow::Cow, fmt};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{KnownFormat, SchemaFormat, Type},
    },
};

use super::{Refusal, refusal};

/// The days that [`Date::parse`] takes, and the 29th of every February. Nobody of whom the API speaks is
/// born after 2099: as long as that lies ahead, it refuses such a day as one in the future.
const PATTERN: &str = r"^(18[5-9]|19\d|20\d)\d-((0[1-9]|1[0-2])-(0[1-9]|1\d|2\d)|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)$";

/// A day without a time, `YYYY-MM-DD`; for a date of birth, from 1850 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(civil::Date);

impl Date {
    /// Parses `YYYY-MM-DD`.
    ///
    /// # Errors
    /// `not_a_date` for another shape or a day that does not exist.
    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        const NOT: Refusal = refusal("not_a_date", "Enter a date that exists, as YYYY-MM-DD.");
        let shaped = raw.len() == 10
            && raw.bytes().enumerate().all(|(i, b)| match i {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shaped {
            return Err(NOT);
        }
        let date: civil::Date = raw.parse().map_err(|_| NOT)?;
        if date.year() < 1850 {
            return Err(refusal("too_early", "Enter a year from 1850 on."));
        }
        Ok(Self(date))
    }

    /// On which day somebody born on this one is so many years old. Who is born on the 29th of February is a year
    /// older on the 1st of March.
    #[must_use]
    pub fn birthday(self, age: u8) -> Self {
        let year = self.0.year().saturating_add(i16::from(age));
        let day = civil::Date::new(year, self.0.month(), self.0.day());
        Self(day.or_else(|_| civil::Date::new(year, 3, 1)).unwrap_or(civil::Date::MAX))
    }

    /// The day so many years before: the last that can be.
    #[must_use]
    pub fn years_before(self, years: u8) -> Self {
        Self(self.0.saturating_sub(jiff::Span::new().years(years)))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus_days(1)
    }

    /// The day so many days later.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().days(days)))
    }

    /// The day as the calendar has it.
    #[must_use]
    pub fn day(self) -> civil::Date {
        self.0
    }

    /// Whether the day lies after the day it is anywhere on earth at `now`.
    #[must_use]
    pub fn is_after(&self, now: At) -> bool {
        let latest = jiff::tz::Offset::constant(14).to_datetime(now.0).date();
        self.0 > latest
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&raw).map_err(|refusal| refusal.error())
    }
}

impl PartialSchema for Date {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .pattern(Some(PATTERN))
            .description(Some("A day that exists, YYYY-MM-DD, from 1850 on."))
            .into()
    }
}

impl ToSchema for Date {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Date")
    }
}

/// A moment, to the millisecond; RFC 3339 in UTC with exactly three decimals, so that the text
/// sorts as time does, in the table too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(Timestamp);

impl At {
    /// The moment of a number of milliseconds since 1970.
    ///
    /// # Panics
    /// Never for times within nine thousand years of now.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a clock cannot leave jiff's range of years")]
    pub fn from_millis(millis: i64) -> Self {
        Self(Timestamp::from_millisecond(millis).expect("a time within jiff's range"))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since 1970: the unit of JWT times (RFC 7519) and of DynamoDB's TTL.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Reads what [`At`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The year in UTC; none of ours is outside of four digits.
    #[must_use]
    pub fn year(self) -> u16 {
        let year = self.0.to_zoned(TimeZone::UTC).year();
        u16::try_from(year).unwrap_or_default()
    }

    /// The day that it is then in a zone.
    #[must_use]
    pub fn day_in(self, zone: &TimeZone) -> Date {
        Date(self.0.to_zoned(zone.clone()).date())
    }

    /// The moment `seconds` later (or earlier, when negative).
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_millis(self.millis() + seconds * 1000)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        raw.parse().map(Self).map_err(de::Error::custom)
    }
}

impl PartialSchema for At {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment, RFC 3339 in UTC."))
            .into()
    }
}

impl ToSchema for At {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("At")
    }
}
