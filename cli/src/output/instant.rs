//! Instants as the person's zone shows them.

use chrono::DateTime;
use chrono_tz::Tz;
use dwell_bus::lines::Span;
use dwell_core::calendar::{Calendar, CivilDay, DayStart};
use dwell_core::time::Wall;

use crate::error::{Error, Kind};

/// Turns instants of the wire into texts, in the zone that the daemon counts days in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone(Calendar);

impl Zone {
    /// The zone of an IANA name; UTC for a name that this build does not know.
    pub(crate) fn new(name: &str) -> Self {
        Self(Calendar::new(name.parse().unwrap_or(Tz::UTC), DayStart::default()))
    }

    /// `2026-11-21T22:05:00.000+02:00`
    pub(crate) fn rfc3339(self, at_ms: i64) -> String {
        self.0.rfc3339(Wall::from_unix_ms(at_ms))
    }

    /// `22:05`
    pub(crate) fn clock(self, at_ms: i64) -> String {
        self.0.clock_face(Wall::from_unix_ms(at_ms))
    }

    /// `22:05`, or with its weekday (`Thu 22:05`) or date when that is a day or more away from `now_ms`.
    pub(crate) fn near(self, at_ms: i64, now_ms: i64) -> String {
        let clock = self.clock(at_ms);
        let date = self.rfc3339(at_ms)[..10].to_owned();
        let ahead = at_ms.saturating_sub(now_ms);
        if ahead.unsigned_abs() < DAY.unsigned_abs() {
            clock
        } else if (0..6 * DAY).contains(&ahead) {
            // Six days, so that no weekday can mean today's.
            format!("{} {clock}", weekday(&date).unwrap_or(&date))
        } else {
            format!("{date} {clock}")
        }
    }

    /// `at 22:05`, `on Thu 22:05`
    pub(crate) fn at(self, at_ms: i64, now_ms: i64) -> String {
        let on = if at_ms.abs_diff(now_ms) < DAY.unsigned_abs() { "at" } else { "on" };
        format!("{on} {}", self.near(at_ms, now_ms))
    }

    /// First and last dwell day of `[from, to)`, where `from` starts a day.
    pub(crate) fn days(self, from_ms: i64, to_ms: i64) -> (CivilDay, CivilDay) {
        let day_start = self.clock(from_ms).parse().unwrap_or_default();
        let calendar = Calendar::new(self.0.zone, day_start);
        let last = Wall::from_unix_ms(to_ms.saturating_sub(1).max(from_ms));
        (calendar.day_of(Wall::from_unix_ms(from_ms)), calendar.day_of(last))
    }
}

const DAY: i64 = 86_400_000;

/// Unix milliseconds of an RFC 3339 instant; `None` where it is none.
pub(crate) fn read(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_millis())
}

/// Start and end of a span from the daemon, in Unix milliseconds.
///
/// # Errors
/// They are no instants.
pub(crate) fn ends(span: &Span) -> Result<(i64, i64), Error> {
    read(&span.start)
        .zip(read(&span.end))
        .ok_or_else(|| Error::new(Kind::Failed, "a span from the daemon has no instants that can be read"))
}

/// `Thu` for `2026-11-26`; `None` where it is no day.
pub(crate) fn weekday(date: &str) -> Option<&'static str> {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let from_monday = date.parse::<CivilDay>().ok()?.days_from_monday();
    NAMES.get(usize::try_from(from_monday).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_291_500_000; // 2026-11-21T22:05:00+02:00

    #[test]
    fn instants_in_the_persons_zone() {
        let zone = Zone::new("Europe/Athens");
        assert_eq!(zone.rfc3339(NOW), "2026-11-21T22:05:00.000+02:00");
        assert_eq!(zone.near(NOW + 21_300_000, NOW), "04:00");
        assert_eq!(zone.near(NOW + 5 * DAY, NOW), "Thu 22:05");
        assert_eq!(zone.near(NOW + 6 * DAY, NOW), "2026-11-27 22:05");
        assert_eq!(zone.near(NOW - DAY, NOW), "2026-11-20 22:05");
        assert_eq!([zone.at(NOW, NOW), zone.at(NOW + DAY, NOW)], ["at 22:05", "on Sun 22:05"]);
        assert_eq!(Zone::new("Nowhere/Atall").clock(NOW), "20:05");
    }

    #[test]
    fn a_period_names_its_dwell_days() {
        let zone = Zone::new("Europe/Athens");
        let from = NOW - 18 * 3_600_000 - 300_000; // 04:00
        let shown = |(first, last): (CivilDay, CivilDay)| format!("{first} {last}");
        assert_eq!(shown(zone.days(from, NOW)), "2026-11-21 2026-11-21");
        assert_eq!(shown(zone.days(from, from + 86_400_000)), "2026-11-21 2026-11-21");
        assert_eq!(shown(zone.days(from, from + 86_400_001)), "2026-11-21 2026-11-22");
        assert_eq!(shown(zone.days(from, from)), "2026-11-21 2026-11-21");
    }
}
