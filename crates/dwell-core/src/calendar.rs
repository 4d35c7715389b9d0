//! Civil days: the only place that knows zones, daylight saving and the day start.
//!
//! A dwell day begins at `day-start` (04:00 by default) local time, so that a late evening belongs to the day that
//! it ends. Days of 23 and 25 hours come out right because a day is the stretch between two instants, never
//! "24 hours". A local time that daylight saving skips means the first instant after the gap; one that occurs
//! twice means the first.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::time::{Millis, Wall};

/// A dwell day, named by the civil date on which it starts. Ordered; counts days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CivilDay(i32);

impl CivilDay {
    /// The first and last day that dwell can name (years 1970 to 9999): outside, chrono's arithmetic ends.
    pub const MIN: Self = Self(0);
    /// See [`CivilDay::MIN`].
    pub const MAX: Self = Self(2_932_896);

    /// The day `days` after 1970-01-01, kept within [`CivilDay::MIN`] and [`CivilDay::MAX`].
    pub const fn from_epoch_days(days: i32) -> Self {
        if days < Self::MIN.0 {
            Self::MIN
        } else if days > Self::MAX.0 {
            Self::MAX
        } else {
            Self(days)
        }
    }

    /// Days since 1970-01-01.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// The day of a calendar date, or `None` outside the years 1970 to 9999.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        Self::from_date(NaiveDate::from_ymd_opt(year, month, day)?)
    }

    fn from_date(date: NaiveDate) -> Option<Self> {
        let days = i32::try_from((date - NaiveDate::default()).num_days()).ok()?;
        (Self::MIN.0..=Self::MAX.0).contains(&days).then_some(Self(days))
    }

    fn date(self) -> NaiveDate {
        // Days are counted from the first of January of the year 1 there. No day that can be named is out of reach.
        NaiveDate::from_num_days_from_ce_opt(self.0 + 719_163).unwrap_or_default()
    }

    /// The day `days` later (earlier when negative), kept within the nameable range.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self::from_epoch_days(self.0.saturating_add(days))
    }

    /// Days since the week's Monday: 0 for Monday to 6 for Sunday.
    pub const fn days_from_monday(self) -> i32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7)
    }

    /// The first day of this day's month.
    #[must_use]
    pub fn month_start(self) -> Self {
        self.plus(-self.date().day0().cast_signed())
    }

    /// The first day of this day's year.
    #[must_use]
    pub fn year_start(self) -> Self {
        Self::from_ymd(self.date().year(), 1, 1).unwrap_or(self)
    }
}

/// `2026-11-21`
impl fmt::Display for CivilDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date().format("%Y-%m-%d"))
    }
}

/// A text that is no date of the form `2026-11-21` within the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a date like 2026-11-21")]
pub struct NotADay;

impl FromStr for CivilDay {
    type Err = NotADay;
    fn from_str(text: &str) -> Result<Self, NotADay> {
        let exact = text.len() == 10 && text.is_ascii();
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| NotADay)?;
        Self::from_date(date).filter(|_| exact).ok_or(NotADay)
    }
}

/// Minutes after local midnight at which a day starts, 00:00 to 12:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DayStart(u16);

impl DayStart {
    /// Minutes after local midnight, 0 to 720.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl Default for DayStart {
    /// 04:00
    fn default() -> Self {
        Self(4 * 60)
    }
}

/// A text that is no day start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time from 00:00 to 12:00 like 04:00")]
pub struct NotADayStart;

impl FromStr for DayStart {
    type Err = NotADayStart;
    fn from_str(text: &str) -> Result<Self, NotADayStart> {
        let (h, m) = text.split_once(':').ok_or(NotADayStart)?;
        if h.len() != 2 || m.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit() || b == b':') {
            return Err(NotADayStart);
        }
        let (h, m): (u16, u16) = (h.parse().map_err(|_| NotADayStart)?, m.parse().map_err(|_| NotADayStart)?);
        if m > 59 || h * 60 + m > 12 * 60 { Err(NotADayStart) } else { Ok(Self(h * 60 + m)) }
    }
}

impl fmt::Display for DayStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl TryFrom<String> for DayStart {
    type Error = NotADayStart;
    fn try_from(text: String) -> Result<Self, NotADayStart> {
        text.parse()
    }
}

impl From<DayStart> for String {
    fn from(start: DayStart) -> Self {
        start.to_string()
    }
}

/// The last instant of which chrono is asked: the end of the year 9999.
const LAST_MS: i64 = 253_402_214_400_000;

/// A zone and a day start: what turns instants into dwell days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The person's zone.
    pub zone: Tz,
    /// When a day starts.
    pub day_start: DayStart,
}

impl Calendar {
    /// A calendar for a zone and a day start.
    pub const fn new(zone: Tz, day_start: DayStart) -> Self {
        Self { zone, day_start }
    }

    /// The day to which an instant belongs.
    pub fn day_of(&self, wall: Wall) -> CivilDay {
        let local = self.local(wall);
        let guess = CivilDay::from_date(local.date_naive()).unwrap_or(CivilDay::MIN);
        // Daylight saving may put the day's start a little off the nominal local time, so ask the bounds.
        if wall < self.start_of(guess) {
            guess.plus(-1)
        } else if wall >= self.start_of(guess.plus(1)) && guess < CivilDay::MAX {
            guess.plus(1)
        } else {
            guess
        }
    }

    /// The first instant of a day.
    pub fn start_of(&self, day: CivilDay) -> Wall {
        self.instant(day, self.day_start.0)
    }

    /// The first instant at which it is so many minutes (0 to 1440) after midnight of a calendar date.
    pub(crate) fn instant(&self, date: CivilDay, minutes: u16) -> Wall {
        let (date, minutes) = if minutes < 24 * 60 { (date, minutes) } else { (date.plus(1), 0) };
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minutes) * 60, 0)
            .unwrap_or(NaiveTime::MIN);
        self.first_instant(date.date().and_time(time))
    }

    /// The first instant of the next day: a day is `[start_of, end_of)`.
    pub fn end_of(&self, day: CivilDay) -> Wall {
        self.start_of(day.plus(1))
    }

    /// Cuts `[start, start + length)` at day boundaries: `(day, start, length)`, in order, none empty.
    pub fn split(&self, start: Wall, length: Millis) -> Vec<(CivilDay, Wall, Millis)> {
        let end = start + length;
        let mut pieces = Vec::with_capacity(1);
        let mut at = start;
        while at < end {
            let day = self.day_of(at);
            let boundary = self.end_of(day);
            let stop = if boundary > at { boundary.min(end) } else { end };
            pieces.push((day, at, stop.since(at).unwrap_or(Millis::ZERO)));
            at = stop;
        }
        pieces
    }

    /// Local hour of the day, 0 to 23.
    pub fn hour_of(&self, wall: Wall) -> u32 {
        chrono::Timelike::hour(&self.local(wall))
    }

    /// Minutes past the local hour, 0 to 59.
    pub(crate) fn minute_of(&self, wall: Wall) -> u32 {
        chrono::Timelike::minute(&self.local(wall))
    }

    /// The next full local hour after `wall`.
    pub fn next_hour(&self, wall: Wall) -> Wall {
        let local = self.local(wall);
        let into = u64::from(chrono::Timelike::minute(&local)) * 60_000
            + u64::from(chrono::Timelike::second(&local)) * 1000
            + u64::from(local.timestamp_subsec_millis().min(999));
        wall + Millis::from_ms(3_600_000 - into)
    }

    /// The local hour around an instant, from its full hour to the next one; `None` where clocks are set within it, or
    /// it is not certain that they are not.
    pub(crate) fn hour_around(&self, wall: Wall) -> Option<(Wall, Wall)> {
        let end = self.next_hour(wall);
        let start = Wall::from_unix_ms(end.as_unix_ms().checked_sub(3_600_000)?);
        let last = Wall::from_unix_ms(end.as_unix_ms().checked_sub(1)?);
        // The years of which chrono can tell; it is not asked about others.
        let certain = start.as_unix_ms() >= 0 && end.as_unix_ms() <= LAST_MS;
        let offset = self.offset_ms(wall);
        (certain && offset == self.offset_ms(start) && offset == self.offset_ms(last)).then_some((start, end))
    }

    /// How far local time is ahead of UTC at an instant, in milliseconds.
    pub(crate) fn offset_ms(&self, wall: Wall) -> i64 {
        i64::from(self.local(wall).offset().fix().local_minus_utc()) * 1000
    }

    /// RFC 3339 with milliseconds and the zone's offset: `2026-11-21T22:05:00.000+02:00`.
    pub fn rfc3339(&self, wall: Wall) -> String {
        self.local(wall).to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
    }

    /// Local `HH:MM`, for people.
    pub fn clock_face(&self, wall: Wall) -> String {
        self.local(wall).format("%H:%M").to_string()
    }

    fn local(&self, wall: Wall) -> DateTime<Tz> {
        // Clamped to the years 1970 to 9999, so that no clock can make chrono overflow.
        let ms = wall.as_unix_ms().clamp(0, LAST_MS);
        let utc = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
        utc.with_timezone(&self.zone)
    }

    fn first_instant(&self, local: NaiveDateTime) -> Wall {
        let found = match self.zone.from_local_datetime(&local) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => Some(t),
            // In a gap: gaps are at most a day (Samoa skipped one), and offsets change on whole minutes.
            LocalResult::None => (1..=24 * 60)
                .find_map(|m| self.zone.from_local_datetime(&(local + Duration::minutes(m))).earliest()),
        };
        Wall::from_unix_ms(found.map_or_else(|| local.and_utc().timestamp_millis(), |t| t.timestamp_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cal(zone: &str, start: &str) -> Calendar {
        Calendar::new(zone.parse().unwrap(), start.parse().unwrap())
    }
    fn wall(text: &str) -> Wall {
        Wall::from_unix_ms(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }
    fn hours(c: &Calendar, day: &str) -> u64 {
        let day: CivilDay = day.parse().unwrap();
        c.end_of(day).since(c.start_of(day)).unwrap().as_ms() / 3_600_000
    }

    #[test]
    fn one_in_the_morning_belongs_to_yesterday() {
        let c = cal("Europe/Athens", "04:00");
        assert_eq!(c.day_of(wall("2026-11-21T01:00:00+02:00")).to_string(), "2026-11-20");
        assert_eq!(c.day_of(wall("2026-11-21T03:59:59.999+02:00")).to_string(), "2026-11-20");
        assert_eq!(c.day_of(wall("2026-11-21T04:00:00+02:00")).to_string(), "2026-11-21");
    }

    #[test]
    fn days_of_23_and_25_hours() {
        let c = cal("Europe/Athens", "04:00");
        // 29 March 2026: 03:00 → 04:00. The day that holds the change is the one started on the 28th.
        assert_eq!(hours(&c, "2026-03-28"), 23);
        assert_eq!(hours(&c, "2026-03-29"), 24);
        assert_eq!(hours(&c, "2026-10-24"), 25);
        // A day start inside the gap is the first instant after it.
        let gap = cal("Europe/Athens", "03:30");
        assert_eq!(gap.start_of("2026-03-29".parse().unwrap()), wall("2026-03-29T04:00:00+03:00"));
        // Midnight is skipped in Santiago's spring.
        let midnight = cal("America/Santiago", "00:00");
        assert_eq!(hours(&midnight, "2026-09-06"), 23);
        // A whole day was skipped in Samoa: 30 December 2011.
        let samoa = cal("Pacific/Apia", "04:00");
        assert_eq!(samoa.day_of(wall("2011-12-31T12:00:00+14:00")).to_string(), "2011-12-31");
    }

    #[test]
    fn a_span_is_cut_at_the_day_start() {
        let c = cal("Europe/Athens", "04:00");
        let pieces = c.split(wall("2026-11-21T03:59:00+02:00"), Millis::from_mins(3));
        let shown: Vec<_> = pieces.iter().map(|(d, _, l)| (d.to_string(), l.as_ms())).collect();
        assert_eq!(shown, [("2026-11-20".to_owned(), 60_000), ("2026-11-21".to_owned(), 120_000)]);
    }

    #[test]
    fn bad_texts_are_refused() {
        for bad in ["4:00", "04:60", "12:01", "+4:00", "0400", "04:00:00", ""] {
            assert_eq!(bad.parse::<DayStart>(), Err(NotADayStart), "{bad}");
        }
        for bad in ["2026-13-01", "2026-1-1", "1969-12-31", "+12026-01-01", "today", ""] {
            assert_eq!(bad.parse::<CivilDay>(), Err(NotADay), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn splits_lose_nothing(
            zone in prop::sample::select(vec!["Europe/Athens", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
            start in 1_300_000_000_000_i64..1_900_000_000_000,
            length in 0_u64..400_000_000,
            begin in 0_u16..=720,
        ) {
            let c = Calendar::new(zone.parse().unwrap(), DayStart(begin));
            let pieces = c.split(Wall::from_unix_ms(start), Millis::from_ms(length));
            let mut at = Wall::from_unix_ms(start);
            for (day, from, len) in &pieces {
                prop_assert_eq!(*from, at);
                prop_assert!(!len.is_zero());
                prop_assert!(*from >= c.start_of(*day) && *from + *len <= c.end_of(*day));
                at = *from + *len;
            }
            prop_assert_eq!(at, Wall::from_unix_ms(start) + Millis::from_ms(length));
        }

        #[test]
        fn absurd_clocks_never_panic(ms in any::<i64>(), len in any::<u32>()) {
            let c = cal("Europe/Athens", "04:00");
            let w = Wall::from_unix_ms(ms);
            let _ = (c.day_of(w), c.rfc3339(w), c.hour_of(w), c.clock_face(w));
            let _ = c.split(w, Millis::from_ms(u64::from(len)));
        }
    }
}
