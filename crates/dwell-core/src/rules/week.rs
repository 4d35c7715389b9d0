//! Days of the week and times of day: when a rule holds.
//!
//! All days are dwell days (see [`crate::calendar`]): with days that start at 04:00, "Friday 01:00" is the night after
//! Friday's evening. A window belongs to the day on which it starts, and may reach into the next one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, CivilDay};
use crate::time::Wall;

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Some days of the week, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Days(u8);

impl Default for Days {
    fn default() -> Self {
        Self::ALL
    }
}

/// Why texts are no days of the week.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// No day at all.
    #[error("no day is named")]
    Empty,
    /// A word that names no day.
    #[error("\"{0}\" is no day of the week; write mon, tue, wed, thu, fri, sat, sun, or mon-fri")]
    Unknown(String),
}

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0x7f);

    /// Whether a day is one of them.
    pub fn contains(self, day: CivilDay) -> bool {
        self.0 >> day.days_from_monday() & 1 == 1
    }

    /// Whether every day of `other` is one of them.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The days from Monday (0) to Sunday (6) that are among them.
    pub fn from_monday(self) -> impl Iterator<Item = u16> {
        (0..7).filter(move |day| self.0 >> day & 1 == 1)
    }

    /// Reads words such as `mon-fri`, `sat`, `daily`, in any order and case.
    ///
    /// # Errors
    /// No word, or one that names no day.
    pub fn of_words<S: AsRef<str>>(words: &[S]) -> Result<Self, DaysError> {
        let mut days = 0;
        let words = words.iter().flat_map(|words| words.as_ref().split(','));
        for word in words.map(str::trim).filter(|word| !word.is_empty()) {
            days |= bits(&word.to_ascii_lowercase()).ok_or_else(|| {
                DaysError::Unknown(word.chars().filter(|c| !c.is_control()).take(40).collect())
            })?;
        }
        if days == 0 { Err(DaysError::Empty) } else { Ok(Self(days)) }
    }

    /// The fewest words that say the same: `mon-fri`, `sun`.
    pub fn words(self) -> Vec<String> {
        let has = |day: usize| self.0 >> day & 1 == 1;
        let mut words = Vec::new();
        let mut day = 0;
        while day < 7 {
            if !has(day) {
                day += 1;
                continue;
            }
            let end = (day..7).take_while(|next| has(*next)).last().unwrap_or(day);
            let name = |day: usize| NAMES.get(day).copied().unwrap_or_default();
            match end - day {
                0 => words.push(name(day).to_owned()),
                1 => words.extend([name(day).to_owned(), name(end).to_owned()]),
                _ => words.push(format!("{}-{}", name(day), name(end))),
            }
            day = end + 1;
        }
        words
    }
}

/// `mon-fri,sun`
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(","))
    }
}

impl FromStr for Days {
    type Err = DaysError;
    fn from_str(text: &str) -> Result<Self, DaysError> {
        Self::of_words(&[text])
    }
}

impl TryFrom<Vec<String>> for Days {
    type Error = DaysError;
    fn try_from(words: Vec<String>) -> Result<Self, DaysError> {
        Self::of_words(&words)
    }
}

impl From<Days> for Vec<String> {
    fn from(days: Days) -> Self {
        days.words()
    }
}

fn bits(word: &str) -> Option<u8> {
    let number = |name: &str| {
        NAMES.iter().position(|known| {
            known.len() <= name.len() && name.starts_with(known) && full(known).starts_with(name)
        })
    };
    match word {
        "daily" | "all" => return Some(0x7f),
        "weekdays" => return Some(0x1f),
        "weekend" | "weekends" => return Some(0x60),
        _ => {}
    }
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (number(first.trim())?, number(last.trim())?);
    // fri-mon goes over the week's end.
    let length = (last + 7 - first) % 7;
    Some((0..=length).fold(0, |days, step| days | 1 << ((first + step) % 7)))
}

/// The whole name of a day, so that `friday` is understood as well.
fn full(short: &str) -> &'static str {
    match short {
        "mon" => "monday",
        "tue" => "tuesday",
        "wed" => "wednesday",
        "thu" => "thursday",
        "fri" => "friday",
        "sat" => "saturday",
        _ => "sunday",
    }
}

/// A time of day, 00:00 to 24:00, as minutes after local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes after local midnight, 0 to 1440.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A stretch of the day: `22:00-07:00`. One that ends no later than it starts ends on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    start: TimeOfDay,
    end: TimeOfDay,
}

/// Why a text is no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It has another form.
    #[error("it is no stretch of the day like 22:00-07:00")]
    Form,
    /// It starts where it ends.
    #[error("it starts when it ends; a whole day is 00:00-24:00")]
    Empty,
}

impl Window {
    /// When it starts.
    pub const fn start(self) -> TimeOfDay {
        self.start
    }

    /// When it ends.
    pub const fn end(self) -> TimeOfDay {
        self.end
    }

    /// Whether it ends on the day after the one on which it starts.
    pub const fn is_overnight(self) -> bool {
        self.end.0 <= self.start.0
    }

    /// How many minutes it lasts by the clock on the wall, 1 to 1440.
    pub const fn minutes(self) -> u16 {
        if self.is_overnight() { self.end.0 + DAY_MINUTES - self.start.0 } else { self.end.0 - self.start.0 }
    }
}

impl FromStr for Window {
    type Err = WindowError;
    fn from_str(text: &str) -> Result<Self, WindowError> {
        let (start, end) = text.trim().split_once(['-', '–']).ok_or(WindowError::Form)?;
        let (start, end) = (time(start.trim())?, time(end.trim())?);
        if start == end {
            return Err(WindowError::Empty);
        }
        // 24:00 is an end only.
        if start.0 == DAY_MINUTES { Err(WindowError::Form) } else { Ok(Self { start, end }) }
    }
}

fn time(text: &str) -> Result<TimeOfDay, WindowError> {
    let (hours, minutes) = text.split_once(':').ok_or(WindowError::Form)?;
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let plain = digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u16>().ok().filter(|_| plain).ok_or(WindowError::Form)
    };
    let (hours, minutes) = (number(hours, 1..=2)?, number(minutes, 2..=2)?);
    let all = hours * 60 + minutes;
    if minutes > 59 || all > DAY_MINUTES { Err(WindowError::Form) } else { Ok(TimeOfDay(all)) }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl TryFrom<String> for Window {
    type Error = WindowError;
    fn try_from(text: String) -> Result<Self, WindowError> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

/// When a window that belongs to a dwell day begins and ends. It begins at its time of day within that dwell day: with
/// days from 04:00 on, 01:00 is on the next calendar day. A time that daylight saving skips is the first instant after
/// the gap, one that comes twice is the first of the two; a window may thus be an hour shorter or longer, or nothing.
pub fn occurrence(calendar: &Calendar, day: CivilDay, window: Window) -> (Wall, Wall) {
    let date = if window.start.0 >= calendar.day_start.minutes() { day } else { day.plus(1) };
    let end_date = if window.is_overnight() { date.plus(1) } else { date };
    (calendar.instant(date, window.start.0), calendar.instant(end_date, window.end.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_said() {
        for (typed, said) in [
            ("mon-fri", "mon-fri"),
            ("sat, sun", "sat,sun"),
            ("Fri-Mon", "mon,fri-sun"),
            ("weekend", "sat,sun"),
            ("daily", "mon-sun"),
            ("thursday", "thu"),
            ("mon,wed,tue", "mon-wed"),
        ] {
            assert_eq!(typed.parse::<Days>().map(|days| days.to_string()), Ok(said.to_owned()), "{typed}");
        }
        assert_eq!("".parse::<Days>(), Err(DaysError::Empty));
        assert!("mo".parse::<Days>().is_err() && "thx".parse::<Days>().is_err());
        let monday = CivilDay::from_ymd(2026, 11, 23).unwrap();
        let days: Days = "tue".parse().unwrap();
        assert!(!days.contains(monday) && days.contains(monday.plus(1)) && days.contains(monday.plus(8)));
        assert!(Days::ALL.covers(days) && !days.covers(Days::ALL));
    }

    #[test]
    fn windows_are_read_and_said() {
        for (typed, said, minutes) in [
            ("22:00-07:00", "22:00-07:00", 540),
            ("9:30-17:00", "09:30-17:00", 450),
            ("00:00-24:00", "00:00-24:00", 1440),
            ("22:00-24:00", "22:00-24:00", 120),
            ("22:00-00:00", "22:00-00:00", 120),
        ] {
            let window: Window = typed.parse().unwrap();
            assert_eq!((window.to_string().as_str(), window.minutes()), (said, minutes));
        }
        assert_eq!("07:00-07:00".parse::<Window>(), Err(WindowError::Empty));
        for wrong in
            ["", "22-7", "22:00", "25:00-26:00", "24:00-07:00", "22:60-07:00", "22:0-07:00", "-1:00-2:00"]
        {
            assert_eq!(wrong.parse::<Window>(), Err(WindowError::Form), "{wrong}");
        }
    }
}
