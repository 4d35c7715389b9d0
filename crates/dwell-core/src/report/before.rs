//! The period before: what a period is compared with.
//!
//! A period that goes on is compared with as much of the one before: today up to noon with yesterday up to noon, a week up
//! to Thursday evening with the last one up to Thursday evening.

use super::builder::week;
use super::{By, Period};
use crate::calendar::{Calendar, CivilDay};
use crate::time::{Millis, Wall};

/// An earlier period of equal kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its days.
    pub period: Period,
    /// Where it ends, if that is before its last day does.
    pub until: Option<Wall>,
}

/// A period that nothing lies before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is nothing before everything to compare it with")]
pub struct NothingBefore;

impl Before {
    /// What the period that `text` names is compared with. `period` is what [`Period::parse`] made of it.
    ///
    /// `today` is compared with yesterday, `week` with the last one up to the same weekday, `month` and `year` with the
    /// last one up to the same date, all else with as many days right before it. Where the period has today in it, all of
    /// these end at the same time of day as `now`.
    ///
    /// # Errors
    /// `all` has nothing before it.
    pub fn of(text: &str, period: Period, calendar: &Calendar, now: Wall) -> Result<Self, NothingBefore> {
        let Period { first, last } = period;
        let days = last.epoch_days() - first.epoch_days() + 1;
        let (start, end) = match text.trim() {
            _ if period.is_all() => return Err(NothingBefore),
            "week" => (first.plus(-7), last.plus(-7)),
            "month" => same_date(first, last, first.plus(-1).month_start()),
            "year" => same_date(first, last, first.plus(-1).year_start()),
            _ => (first.plus(-days), first.plus(-1)),
        };
        let today = calendar.day_of(now);
        // A shorter month was over on that date, whatever the time of day.
        let cut_short = text.trim() == "month" && days > end.epoch_days() - start.epoch_days() + 1;
        let until = (last >= today && !cut_short)
            .then(|| calendar.same_time(now, today, end))
            .filter(|until| *until < calendar.end_of(end));
        Ok(Self { period: Period { first: start, last: end }, until })
    }

    /// The end of what is compared.
    pub fn end(self, calendar: &Calendar) -> Wall {
        self.until.unwrap_or_else(|| calendar.end_of(self.period.last))
    }
}

/// From `start` on to the date that `last` is in the month or year of `first`, or to its end, where it is shorter. After
/// a leap day dates count, not days.
fn same_date(first: CivilDay, last: CivilDay, start: CivilDay) -> (CivilDay, CivilDay) {
    let into_month = last.epoch_days() - last.month_start().epoch_days();
    let months = months(last) - months(first);
    let mut month = start;
    for _ in 0..months {
        month = month.plus(31).month_start();
    }
    (start, month.plus(into_month).min(first.plus(-1)))
}

/// Months since the beginning of the year 0.
fn months(day: CivilDay) -> i32 {
    let text = day.to_string();
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<i32>().ok());
    number(0..4).unwrap_or(0) * 12 + number(5..7).unwrap_or(1) - 1
}

/// Under which key of the later period a row of the earlier one is compared; `None`: it has no counterpart.
pub(super) fn shifted(by: By, key: String, then: Period, now: Period) -> Option<String> {
    let days = |from: CivilDay, to: CivilDay| to.epoch_days() - from.epoch_days();
    match by {
        By::App | By::Domain | By::Category | By::Hour => Some(key),
        By::Day => {
            let day: CivilDay = key.parse().ok()?;
            Some(day.plus(days(then.first, now.first)).to_string())
        }
        By::Week => {
            let day: CivilDay = key.parse().ok()?;
            Some(day.plus(days(week(then.first), week(now.first))).to_string())
        }
        By::Month => {
            let of: CivilDay = format!("{key}-01").parse().ok()?;
            let month = months(of) + months(now.first) - months(then.first);
            Some(format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1))
        }
    }
}

impl Calendar {
    /// The instant of another day at which its clocks show what they show `now` in `today`; within that day.
    fn same_time(&self, now: Wall, today: CivilDay, day: CivilDay) -> Wall {
        let (hour, minute) = (self.hour_of(now), self.minute_of(now));
        let minutes = u16::try_from(hour * 60 + minute).unwrap_or(0);
        // After midnight the date is the next one, and the day still the same.
        let date = |of: CivilDay| if minutes < self.day_start.minutes() { of.plus(1) } else { of };
        let rest = now.since(self.instant(date(today), minutes)).unwrap_or(Millis::ZERO);
        let at = self.instant(date(day), minutes) + Millis::from_ms(rest.as_ms() % 60_000);
        at.max(self.start_of(day)).min(self.end_of(day))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn calendar() -> Calendar {
        Calendar::new("Europe/Athens".parse().unwrap(), "04:00".parse().unwrap())
    }

    fn of(text: &str, now: &str) -> Result<String, String> {
        let calendar = calendar();
        let now = chrono::DateTime::parse_from_rfc3339(now).unwrap().timestamp_millis();
        let now = Wall::from_unix_ms(now);
        let period = Period::parse(text, calendar.day_of(now)).map_err(|error| error.to_string())?;
        let before = Before::of(text, period, &calendar, now).map_err(|error| error.to_string())?;
        let end =
            before.until.map_or_else(|| "end".to_owned(), |until| calendar.rfc3339(until)[..16].to_owned());
        Ok(format!("{} {} {end}", before.period.first, before.period.last))
    }

    #[test]
    fn the_period_before_is_of_equal_kind_and_as_far() {
        // A Saturday.
        let now = "2026-11-21T15:30:20+02:00";
        for (text, want) in [
            ("today", "2026-11-20 2026-11-20 2026-11-20T15:30"),
            ("2026-11-21", "2026-11-20 2026-11-20 2026-11-20T15:30"),
            ("yesterday", "2026-11-19 2026-11-19 end"),
            ("week", "2026-11-09 2026-11-14 2026-11-14T15:30"),
            ("lastweek", "2026-11-02 2026-11-08 end"),
            ("month", "2026-10-01 2026-10-21 2026-10-21T15:30"),
            ("year", "2025-01-01 2025-11-21 2025-11-21T15:30"),
            ("7d", "2026-11-08 2026-11-14 2026-11-14T15:30"),
            ("2026-11-01..2026-11-10", "2026-10-22 2026-10-31 end"),
            ("2026-11-10..", "2026-10-29 2026-11-09 2026-11-09T15:30"),
        ] {
            assert_eq!(of(text, now).as_deref(), Ok(want), "{text}");
        }
        assert_eq!(of("all", now).unwrap_err(), "there is nothing before everything to compare it with");
    }

    #[test]
    fn short_months_leap_years_and_nights() {
        // The night belongs to the day before it, and so does the instant up to which it is compared.
        assert_eq!(
            of("today", "2026-11-21T02:10:00+02:00").unwrap(),
            "2026-11-19 2026-11-19 2026-11-20T02:10"
        );
        // The 31st has no counterpart in a month of 30 days: all of that month is.
        assert_eq!(of("month", "2026-10-31T12:00:00+02:00").unwrap(), "2026-09-01 2026-09-30 end");
        assert_eq!(of("month", "2026-03-30T12:00:00+03:00").unwrap(), "2026-02-01 2026-02-28 end");
        assert_eq!(
            of("year", "2028-02-29T12:00:00+02:00").unwrap(),
            "2027-01-01 2027-03-01 2027-03-01T12:00"
        );
        assert_eq!(
            of("year", "2028-03-01T12:00:00+02:00").unwrap(),
            "2027-01-01 2027-03-01 2027-03-01T12:00"
        );
        // The night before, clocks were set forward from three to four: there was no half past three.
        assert_eq!(of("today", "2026-03-30T03:30:00+03:00").unwrap(), "2026-03-28 2026-03-28 end");
    }

    proptest! {
        #[test]
        fn it_ends_before_the_period_begins_and_is_never_longer(
            day in 1000_i32..30_000,
            ms in 0_i64..86_400_000,
            text in prop::sample::select(vec!["today", "yesterday", "week", "lastweek", "month", "year", "7d", "40d"]),
        ) {
            let calendar = calendar();
            let now = Wall::from_unix_ms(i64::from(day) * 86_400_000 + ms);
            let period = Period::parse(text, calendar.day_of(now)).unwrap();
            let before = Before::of(text, period, &calendar, now).unwrap();
            prop_assert!(before.period.first <= before.period.last);
            prop_assert!(before.period.last < period.first);
            prop_assert!(before.end(&calendar) <= calendar.start_of(period.first));
            prop_assert!(before.end(&calendar) >= calendar.start_of(before.period.last));
        }
    }
}
