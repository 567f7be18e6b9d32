//! Who is a minor, by the calendar of the practice.

use jiff::tz::{Offset, TimeZone};

use crate::{
    clock::Clock,
    fields::{At, Date},
};

/// From this age on, a client is no minor.
const ADULT: u8 = 18;

/// Whether a client is a minor today at the practice.
#[must_use]
pub fn is_minor(born: Date, clock: &Clock) -> bool {
    born.birthday(ADULT) > clock.today()
}

/// Whether it is a day somewhere on earth on which a client is a minor: for a judgement that comes before the practice's
/// settings are read.
#[must_use]
pub fn is_minor_somewhere(born: Date, now: At) -> bool {
    let last = TimeZone::fixed(Offset::constant(-12));
    born.birthday(ADULT) > now.day_in(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fields::Email, id::PracticeId, practice::Practice};

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn practice(zone: &str) -> Practice {
        let inbox = Email::parse("alerts@harbor.example").unwrap();
        let id = PracticeId::parse("harbor").unwrap();
        let mut practice = Practice::new(id, "Harbor", "https://portal.example", inbox);
        practice.time_zone = zone.into();
        practice
    }

    #[test]
    fn a_minor_is_one_until_the_birthday_and_without_one_until_the_first_of_march() {
        for (born, today, minor) in [
            ("2008-03-12", "2026-03-11", true),
            ("2008-03-12", "2026-03-12", false),
            ("2008-12-31", "2026-01-01", true),
            ("2008-02-29", "2026-02-28", true),
            ("2008-02-29", "2026-03-01", false),
            ("2026-03-12", "2026-03-11", true),
            ("1850-01-01", "2026-01-01", false),
        ] {
            let clock = practice("UTC").clock(At::parse(&format!("{today}T12:00:00Z")).unwrap());
            assert_eq!(is_minor(date(born), &clock), minor, "{born} on {today}");
        }
    }

    #[test]
    fn the_day_is_that_of_the_practice() {
        let now = At::parse("2026-03-12T04:30:00Z").unwrap();
        for (zone, today, minor) in [
            ("America/New_York", "2026-03-12", false),
            ("America/Los_Angeles", "2026-03-11", true),
            ("Pacific/Kiritimati", "2026-03-12", false),
            ("Nowhere/At_All", "2026-03-12", false),
        ] {
            let clock = practice(zone).clock(now);
            assert_eq!(clock.today(), date(today), "{zone}");
            assert_eq!(is_minor(date("2008-03-12"), &clock), minor, "{zone}");
        }
        // In the last zone of all a day ends at noon of the next, in UTC.
        for (at, minor) in [("2026-03-12T11:59:59Z", true), ("2026-03-12T12:00:00Z", false)] {
            assert_eq!(is_minor_somewhere(date("2008-03-12"), At::parse(at).unwrap()), minor);
        }
    }
}
