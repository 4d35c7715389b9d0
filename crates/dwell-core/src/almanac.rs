//! The almanac: a calendar that remembers what it was asked last.
//!
//! Asking a zone for the bounds of a day costs far more than anything else that is done with a span, and one asks for the
//! same few bounds again and again: those of the day and the hour that run, and the starts of a few days to come. An
//! almanac belongs to one who asks in (nearly) the order of time.
//!
//! It deliberately knows nothing that its calendar does not.
//!
//! # Invariant
//!
//! Every answer is its calendar's, whatever was asked before.

use std::cell::Cell;

use crate::calendar::{Calendar, CivilDay};
use crate::time::{Millis, Wall};

/// How many starts of days are remembered: of the running day, the next one, the next week and month, and a few that
/// rules for some days of the week ask for.
const STARTS: usize = 8;

/// A calendar with a memory.
#[derive(Clone, Debug)]
pub struct Almanac {
    calendar: Calendar,
    /// The day that was found last, with its bounds; at first one without any instant.
    day: Cell<(CivilDay, Wall, Wall)>,
    /// The hour that was found last.
    hour: Cell<(Wall, Wall)>,
    starts: [Cell<Option<(CivilDay, Wall)>>; STARTS],
    /// Which of them is forgotten next.
    oldest: Cell<usize>,
}

impl Almanac {
    /// An almanac of a calendar.
    pub fn new(calendar: Calendar) -> Self {
        let never = Wall::from_unix_ms(i64::MIN);
        Self {
            calendar,
            day: Cell::new((CivilDay::MIN, never, never)),
            hour: Cell::new((never, never)),
            starts: Default::default(),
            oldest: Cell::new(0),
        }
    }

    /// The calendar whose answers these are.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// See [`Calendar::day_of`].
    pub fn day_of(&self, wall: Wall) -> CivilDay {
        self.day_around(wall).0
    }

    /// See [`Calendar::start_of`].
    pub fn start_of(&self, day: CivilDay) -> Wall {
        if let Some((_, start)) = self.starts.iter().filter_map(Cell::get).find(|(known, _)| *known == day) {
            return start;
        }
        let start = self.calendar.start_of(day);
        let place = self.oldest.get();
        if let Some(oldest) = self.starts.get(place) {
            oldest.set(Some((day, start)));
        }
        self.oldest.set((place + 1) % STARTS);
        start
    }

    /// See [`Calendar::end_of`].
    pub fn end_of(&self, day: CivilDay) -> Wall {
        self.start_of(day.plus(1))
    }

    /// See [`Calendar::next_hour`].
    pub fn next_hour(&self, wall: Wall) -> Wall {
        let (start, end) = self.hour.get();
        if start <= wall && wall < end {
            return end;
        }
        if let Some(hour) = self.calendar.hour_around(wall) {
            self.hour.set(hour);
            return hour.1;
        }
        self.calendar.next_hour(wall)
    }

    /// See [`Calendar::split`].
    pub fn split(&self, start: Wall, length: Millis) -> impl Iterator<Item = (CivilDay, Wall, Millis)> {
        let end = start + length;
        let mut at = start;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let (from, (day, _, boundary)) = (at, self.day_around(at));
            at = if boundary > from { boundary.min(end) } else { end };
            Some((day, from, at.since(from).unwrap_or(Millis::ZERO)))
        })
    }

    /// The day to which an instant belongs, its first instant and the next day's.
    pub(crate) fn day_around(&self, wall: Wall) -> (CivilDay, Wall, Wall) {
        let known = self.day.get();
        if known.1 <= wall && wall < known.2 {
            return known;
        }
        let day = self.calendar.day_of(wall);
        let found = (day, self.start_of(day), self.end_of(day));
        self.day.set(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::DayStart;

    /// Instants of a few days, by minutes, around any day of the years 1970 to 2060; and absurd ones.
    fn any_instants() -> impl Strategy<Value = Vec<i64>> {
        let near = (0_i64..33_000, prop::collection::vec((0_i64..6_000, 0_i64..60_000), 1..60));
        let near = near.prop_map(|(day, offsets)| {
            let at = |(minutes, ms): (i64, i64)| day * 86_400_000 + minutes * 60_000 + ms;
            offsets.into_iter().map(at).collect()
        });
        prop_oneof![8 => near, 1 => prop::collection::vec(any::<i64>(), 1..8)]
    }

    fn any_calendar() -> impl Strategy<Value = Calendar> {
        let odd = [
            "Pacific/Apia",
            "Australia/Lord_Howe",
            "America/St_Johns",
            "America/Santiago",
            "Africa/Monrovia",
        ];
        let odd = prop::sample::select(odd.to_vec()).prop_map(|name| name.parse().unwrap());
        let start = prop_oneof![Just(0_u16), Just(240), 0_u16..=720];
        let start = start.prop_map(|m| format!("{:02}:{:02}", m / 60, m % 60).parse().unwrap());
        (prop_oneof![odd, prop::sample::select(TZ_VARIANTS.to_vec())], start)
            .prop_map(|(zone, start)| Calendar::new(zone, start))
    }

    fn agree(almanac: &Almanac, ms: i64) -> Result<(), TestCaseError> {
        let (calendar, wall) = (almanac.calendar(), Wall::from_unix_ms(ms));
        let day = calendar.day_of(wall);
        prop_assert_eq!(almanac.day_of(wall), day, "{} in {}", ms, calendar.zone);
        prop_assert_eq!(almanac.end_of(day), calendar.end_of(day));
        prop_assert_eq!(almanac.next_hour(wall), calendar.next_hour(wall), "{} in {}", ms, calendar.zone);
        let length = Millis::from_ms(ms.unsigned_abs() % 200_000_000);
        let split: Vec<_> = almanac.split(wall, length).collect();
        prop_assert_eq!(split, calendar.split(wall, length));
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]
        #[test]
        fn what_is_remembered_is_what_the_calendar_says(calendar in any_calendar(), instants in any_instants()) {
            let almanac = Almanac::new(calendar);
            for ms in instants {
                agree(&almanac, ms)?;
            }
        }
    }

    /// Chance seldom meets the hours in which clocks are set.
    #[test]
    fn clocks_that_are_set_are_no_surprise() {
        let zones = [
            "Africa/Casablanca",
            "Africa/Monrovia",
            "America/Caracas",
            "America/Havana",
            "America/Santiago",
            "America/St_Johns",
            "Antarctica/Troll",
            "Asia/Gaza",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Europe/Athens",
            "Pacific/Apia",
            "Pacific/Kwajalein",
        ];
        for zone in zones {
            let mut starts = ["00:00", "02:30", "04:00", "12:00"].iter().cycle();
            let utc = Calendar::new(zone.parse().unwrap(), DayStart::default());
            let offset = |day: i64| utc.offset_ms(Wall::from_unix_ms(day * 86_400_000));
            for day in (1..25_000).filter(|day| offset(*day) != offset(day - 1)) {
                let start = starts.next().unwrap().parse().unwrap();
                let almanac = Almanac::new(Calendar::new(utc.zone, start));
                for step in 0..240 {
                    agree(&almanac, day * 86_400_000 + (step - 180) * 13 * 60_000 + 1).unwrap();
                }
            }
        }
    }
}
