//! Instants of two clocks that cannot be mixed, and lengths of time.
//!
//! [`Boot`] is CLOCK_BOOTTIME: it runs through suspend, never jumps, and starts anew at each boot. All durations
//! come from it. [`Wall`] is CLOCK_REALTIME: it says in which civil day something happened, and may jump at any
//! moment. A [`Reading`] is both, taken at one moment; it is the only bridge between the two.
//!
//! ```compile_fail
//! use dwell_core::time::{Boot, Wall};
//! let _ = Wall::from_unix_ms(5) < Boot::from_ms(5); // two clocks: does not compile
//! ```
//!
//! ```compile_fail
//! use dwell_core::time::{Boot, Wall};
//! let _ = Boot::from_ms(5).since(Wall::from_unix_ms(3)); // two clocks: does not compile
//! ```

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A length of time in whole milliseconds; never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length of `ms` milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// A length of `seconds` seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// A length of `minutes` minutes.
    pub const fn from_mins(minutes: u64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    /// The length in milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self - other`, or zero where `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Millis {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Millis {
    /// The form that is typed, exact to the millisecond: `1h30m`.
    pub fn typed(self) -> String {
        let ms = self.0;
        let parts =
            [(ms / 3_600_000, "h"), (ms / 60_000 % 60, "m"), (ms / 1000 % 60, "s"), (ms % 1000, "ms")];
        let text: String = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, unit)| format!("{number}{unit}"))
            .collect();
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

/// `2h 05m`, `45m`, `1m 30s`, `12s`, `600ms`: for people. Seconds are cut off from one hour on, milliseconds from
/// one second on.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match (h, m, s) {
            (0, 0, 0) if self.0 > 0 => write!(f, "{}ms", self.0),
            (0, 0, s) => write!(f, "{s}s"),
            (0, m, 0) => write!(f, "{m}m"),
            (0, m, s) => write!(f, "{m}m {s:02}s"),
            (h, 0, _) => write!(f, "{h}h"),
            (h, m, _) => write!(f, "{h}h {m:02}m"),
        }
    }
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing was given.
    #[error("a duration is missing")]
    Empty,
    /// A number without its unit.
    #[error("\"{0}\" lacks a unit")]
    NoUnit(String),
    /// Something that is neither number nor unit.
    #[error("\"{0}\" is not a duration")]
    Unreadable(String),
    /// Longer than [`MAX_DURATION`].
    #[error("\"{0}\" is longer than 10 years")]
    TooLong(String),
}

/// The longest duration that a person may name: ten years of 365 days.
pub const MAX_DURATION: Millis = Millis::from_secs(10 * 365 * 86_400);

/// `90s 45m 1h30m 3d 2w`, units in falling order, each once, no signs, no fractions.
impl FromStr for Millis {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || DurationError::Unreadable(text.to_owned());
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(DurationError::Empty);
        }
        let mut total = 0_u64;
        let mut last_unit = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(unreadable());
            }
            let number: u64 = rest[..digits].parse().map_err(|_| DurationError::TooLong(text.to_owned()))?;
            rest = &rest[digits..];
            let unit_len = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit = match &rest[..unit_len] {
                "" if rest.is_empty() => return Err(DurationError::NoUnit(text.to_owned())),
                "w" => 7 * 86_400_000,
                "d" => 86_400_000,
                "h" => 3_600_000,
                "m" | "min" => 60_000,
                "s" => 1000,
                "ms" => 1,
                _ => return Err(unreadable()),
            };
            if unit >= last_unit {
                return Err(unreadable());
            }
            last_unit = unit;
            rest = rest[unit_len..].trim_start();
            total = number
                .checked_mul(unit)
                .and_then(|ms| total.checked_add(ms))
                .filter(|ms| *ms <= MAX_DURATION.0)
                .ok_or_else(|| DurationError::TooLong(text.to_owned()))?;
        }
        Ok(Self(total))
    }
}

/// An instant of CLOCK_BOOTTIME: milliseconds since this boot, suspend included. Means nothing in another boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boot(u64);

impl Boot {
    /// The instant `ms` milliseconds after boot.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since boot.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The time that has gone by since `earlier`, or `None` when `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Option<Millis> {
        match self.0.checked_sub(earlier.0) {
            Some(ms) => Some(Millis(ms)),
            None => None,
        }
    }
}

impl Add<Millis> for Boot {
    type Output = Self;
    fn add(self, length: Millis) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

/// Saturates at boot.
impl Sub<Millis> for Boot {
    type Output = Self;
    fn sub(self, length: Millis) -> Self {
        Self(self.0.saturating_sub(length.0))
    }
}

/// An instant of CLOCK_REALTIME: Unix milliseconds. May jump; only places things in civil days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(i64);

impl Wall {
    /// The instant `ms` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Unix milliseconds.
    pub const fn as_unix_ms(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`, or `None` when `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Option<Millis> {
        if self.0 < earlier.0 { None } else { Some(Millis(self.0.abs_diff(earlier.0))) }
    }
}

impl Add<Millis> for Wall {
    type Output = Self;
    fn add(self, length: Millis) -> Self {
        Self(self.0.saturating_add_unsigned(length.0))
    }
}

impl Sub<Millis> for Wall {
    type Output = Self;
    fn sub(self, length: Millis) -> Self {
        Self(self.0.saturating_sub_unsigned(length.0))
    }
}

/// Both clocks, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// CLOCK_BOOTTIME.
    pub boot: Boot,
    /// CLOCK_REALTIME.
    pub wall: Wall,
}

impl Reading {
    /// A reading of both clocks.
    pub const fn new(boot: Boot, wall: Wall) -> Self {
        Self { boot, wall }
    }

    /// The same moment's wall time for another boot instant, by this reading's offset between the clocks.
    pub const fn wall_at(self, boot: Boot) -> Wall {
        Wall(self.wall.0.saturating_add_unsigned(boot.0).saturating_sub_unsigned(self.boot.0))
    }

    /// This reading moved to the instant `boot`, with the same offset between the clocks.
    #[must_use]
    pub const fn at(self, boot: Boot) -> Self {
        Self { boot, wall: self.wall_at(boot) }
    }

    /// How far the wall clock has moved against the boot clock since `earlier`, in milliseconds; negative: back.
    pub const fn wall_moved_since(self, earlier: Self) -> i64 {
        self.wall.0.saturating_sub(earlier.wall_at(self.boot).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, ms) in [
            ("90s", 90_000),
            ("45m", 2_700_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("3d", 259_200_000),
            ("2w", 1_209_600_000),
            ("250ms", 250),
            ("0s", 0),
        ] {
            assert_eq!(text.parse::<Millis>(), Ok(Millis::from_ms(ms)), "{text}");
        }
        assert_eq!(Millis::from_mins(125).to_string(), "2h 05m");
        assert_eq!(Millis::from_secs(90).to_string(), "1m 30s");
        assert_eq!(Millis::from_secs(7).to_string(), "7s");
        assert_eq!(Millis::from_ms(600).to_string(), "600ms");
        assert_eq!(Millis::ZERO.to_string(), "0s");
    }

    #[test]
    fn bad_durations_are_refused() {
        use DurationError::*;
        assert_eq!("".parse::<Millis>(), Err(Empty));
        assert_eq!("30".parse::<Millis>(), Err(NoUnit("30".into())));
        for bad in ["-5m", "5x", "m5", "1.5h", "5m 1h", "5m5m", "５m", "1h-", "h"] {
            assert_eq!(bad.parse::<Millis>(), Err(Unreadable(bad.into())), "{bad}");
        }
        for long in ["9999999999w", "99999999999999999999s", "11000d"] {
            assert_eq!(long.parse::<Millis>(), Err(TooLong(long.into())), "{long}");
        }
    }

    #[test]
    fn a_reading_bridges_the_clocks() {
        let r = Reading::new(Boot::from_ms(1000), Wall::from_unix_ms(500_000));
        assert_eq!(r.wall_at(Boot::from_ms(400)), Wall::from_unix_ms(499_400));
        let later = Reading::new(Boot::from_ms(2000), Wall::from_unix_ms(498_000));
        assert_eq!(later.wall_moved_since(r), -3000);
        assert_eq!(Boot::from_ms(1).since(Boot::from_ms(2)), None);
    }
}
