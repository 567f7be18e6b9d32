//! Ages, by the calendar of the practice.

use crate::{
    fields::{At, Date},
    practice::Practice,
};

/// From this age on, a client is no minor.
const ADULT: i16 = 18;

/// The day that it is at the practice.
#[must_use]
pub fn today(practice: &Practice, now: At) -> Date {
    now.day_in(&practice.time_zone)
}

/// How many years old a person is on a day. A person born on the 29th of February is a year older on the 1st of March
/// where the year has no such day. Before the birth it is less than nothing.
#[must_use]
pub fn years_on(born: Date, today: Date) -> i16 {
    let (born, today) = (born.day(), today.day());
    let before_birthday = (today.month(), today.day()) < (born.month(), born.day());
    today.year() - born.year() - i16::from(before_birthday)
}

/// Whether a client is a minor at the practice.
#[must_use]
pub fn is_minor(born: Date, practice: &Practice, now: At) -> bool {
    years_on(born, today(practice, now)) < ADULT
}

/// Whether it is a day somewhere on earth on which a client is a minor: for a judgement that comes before the practice's
/// settings are read.
#[must_use]
pub fn is_minor_somewhere(born: Date, now: At) -> bool {
    years_on(born, now.day_in("Etc/GMT+12")) < ADULT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fields::Email, id::PracticeId};

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn a_year_is_over_on_the_birthday_and_without_one_on_the_first_of_march() {
        for (born, today, years) in [
            ("2008-03-12", "2026-03-11", 17),
            ("2008-03-12", "2026-03-12", 18),
            ("2008-03-12", "2026-12-31", 18),
            ("2008-12-31", "2026-01-01", 17),
            ("2008-02-29", "2026-02-28", 17),
            ("2008-02-29", "2026-03-01", 18),
            ("2008-02-29", "2028-02-28", 19),
            ("2008-02-29", "2028-02-29", 20),
            ("2026-03-12", "2026-03-11", -1),
            ("1850-01-01", "2026-01-01", 176),
        ] {
            assert_eq!(years_on(date(born), date(today)), years, "{born} on {today}");
        }
    }

    #[test]
    fn the_day_is_that_of_the_practice() {
        let inbox = Email::parse("alerts@harbor.example").unwrap();
        let id = PracticeId::parse("harbor").unwrap();
        let mut practice = Practice::new(id, "Harbor", "https://portal.example", inbox);
        let now = At::parse("2026-03-12T04:30:00Z").unwrap();
        for (zone, today, minor) in [
            ("America/New_York", "2026-03-12", false),
            ("America/Los_Angeles", "2026-03-11", true),
            ("Pacific/Kiritimati", "2026-03-12", false),
            ("Nowhere/At_All", "2026-03-12", false),
        ] {
            practice.time_zone = zone.into();
            assert_eq!(super::today(&practice, now), date(today), "{zone}");
            assert_eq!(is_minor(date("2008-03-12"), &practice, now), minor, "{zone}");
        }
        // In the last zone of all a day ends at noon of the next, in UTC.
        for (at, minor) in [("2026-03-12T11:59:59Z", true), ("2026-03-12T12:00:00Z", false)] {
            assert_eq!(is_minor_somewhere(date("2008-03-12"), At::parse(at).unwrap()), minor);
        }
    }
}
