//! Times as the practice's clocks show them. The time zone database is in the program: a function on
//! AWS Lambda finds none on its machine.

use jiff::{Timestamp, tz::TimeZone};
use shared::{fields::At, letter::Local};

/// What the clocks of a zone of the IANA time zone database show, with the zone's name: its letters at
/// that time of the year, and its city. In UTC when there is no such zone.
pub(crate) fn local(at: At, zone: &str) -> Local {
    let found = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let named = found.iana_name().unwrap_or("UTC").to_owned();
    let moment = Timestamp::from_millisecond(at.millis()).unwrap_or_default().to_zoned(found);
    let part = |part: i8| part.unsigned_abs();
    Local {
        year: moment.year(),
        month: part(moment.month()),
        day: part(moment.day()),
        hour: part(moment.hour()),
        minute: part(moment.minute()),
        zone: name(&moment.strftime("%Z").to_string(), &named),
    }
}

/// `EST (New York)`; `UTC+03 (Istanbul)` where a zone has no letters; `UTC`.
fn name(letters: &str, zone: &str) -> String {
    let letters =
        if letters.starts_with(['+', '-']) { format!("UTC{letters}") } else { letters.to_owned() };
    match zone.rsplit_once('/') {
        Some((area, city)) if area != "Etc" => format!("{letters} ({})", city.replace('_', " ")),
        _ => letters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_zone_has_its_time_and_name_in_summer_and_winter() {
        let winter = At::from_millis(1_796_047_380_000); // 2026-11-30T14:03:00Z
        let summer = At::from_millis(1_782_828_180_000); // 2026-06-30T14:03:00Z
        for (zone, cold, warm) in [
            ("America/New_York", (9, 3, "EST (New York)"), (10, 3, "EDT (New York)")),
            ("Europe/Paris", (15, 3, "CET (Paris)"), (16, 3, "CEST (Paris)")),
            ("Europe/Istanbul", (17, 3, "UTC+03 (Istanbul)"), (17, 3, "UTC+03 (Istanbul)")),
            ("Asia/Kolkata", (19, 33, "IST (Kolkata)"), (19, 33, "IST (Kolkata)")),
            ("UTC", (14, 3, "UTC"), (14, 3, "UTC")),
            ("Etc/UTC", (14, 3, "UTC"), (14, 3, "UTC")),
            ("Nowhere/At_All", (14, 3, "UTC"), (14, 3, "UTC")),
        ] {
            for (at, (hour, minute, name)) in [(winter, cold), (summer, warm)] {
                let local = local(at, zone);
                assert_eq!(
                    (local.hour, local.minute, local.zone.as_str()),
                    (hour, minute, name),
                    "{zone}"
                );
            }
        }
    }

    #[test]
    fn the_day_is_that_of_the_zone() {
        let at = At::from_millis(1_798_765_200_000); // 2027-01-01T01:00:00Z
        let local = local(at, "America/Los_Angeles");
        assert_eq!((local.year, local.month, local.day, local.hour), (2026, 12, 31, 17));
    }
}
