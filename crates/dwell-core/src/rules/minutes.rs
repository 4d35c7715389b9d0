//! The minutes of a week in which a rule blocks or charges, as sets that can be compared.
//!
//! A week here is seven plain days of 1440 minutes by the clock on the wall, from Monday to Monday, round and round:
//! what reaches over Sunday's end goes on at Monday's beginning. The hour that daylight saving skips or repeats is not
//! in it; windows are resolved to instants elsewhere.
//!
//! A window belongs to the dwell day on which it starts, so where it lies depends on when days start: with days that
//! start at 04:00, Friday's `01:00-02:00` is in the night after Friday. Where the rules do not say when days start, what
//! is said of two rules has to hold for every usual day start (see [`day_starts`]).

use super::rule::{Hours, Rule};
use super::week::{DAY_MINUTES, Days, Window};
use crate::calendar::DayStart;

const DAY: usize = DAY_MINUTES as usize;
const WEEK: usize = 7 * DAY;
/// Days that start later than this are so rare that nobody waits for them: with a day start at 08:30, Monday's
/// `08:00-18:00` is Tuesday's, and longer hours of work would not be tighter.
const LAST_USUAL: u16 = 6 * 60;

/// A set of minutes of the week.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Minutes(Box<[u64]>);

impl Minutes {
    fn none() -> Self {
        Self(vec![0; WEEK.div_ceil(64)].into())
    }

    /// All minutes of these dwell days.
    pub(super) fn of_days(days: Days, day_start: u16) -> Self {
        let mut set = Self::none();
        for day in days.from_monday() {
            set.add(usize::from(day) * DAY + usize::from(day_start), DAY);
        }
        set
    }

    /// The minutes of windows that start on these dwell days.
    pub(super) fn of_windows(windows: &[Window], days: Days, day_start: u16) -> Self {
        let mut set = Self::none();
        for window in windows {
            let start = window.start().minutes();
            let next = if start < day_start { DAY } else { 0 };
            for day in days.from_monday() {
                set.add(usize::from(day) * DAY + next + usize::from(start), usize::from(window.minutes()));
            }
        }
        set
    }

    /// The minutes in which a rule blocks by its hours.
    pub(super) fn blocked(rule: &Rule, day_start: u16) -> Self {
        match &rule.hours {
            Hours::Any => Self::none(),
            Hours::Blocked(windows) => Self::of_windows(windows, rule.days, day_start),
            Hours::Allowed(windows) => {
                let allowed = Self::of_windows(windows, rule.days, day_start);
                Self::of_days(rule.days, day_start).without(&allowed)
            }
        }
    }

    /// The minutes in which a rule's budget is charged.
    pub(super) fn charged(rule: &Rule, day_start: u16) -> Self {
        let free = Self::of_windows(&rule.count_free, rule.days, day_start);
        Self::of_days(rule.days, day_start).without(&free)
    }

    /// What is in this set and not in the other.
    pub(super) fn without(mut self, other: &Self) -> Self {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
        self
    }

    /// Whether all of `other` is in this set.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(word, other)| word & other == *other)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// How many there are in a stretch of minutes from Monday's midnight.
    pub(super) fn count_in(&self, start: u16, length: u16) -> u32 {
        let mut stretch = Self::none();
        stretch.add(usize::from(start), usize::from(length));
        self.0.iter().zip(&stretch.0).map(|(word, other)| (word & other).count_ones()).sum()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn add(&mut self, start: usize, length: usize) {
        let (mut at, end) = (start, start + length);
        while at < end {
            let minute = at % WEEK;
            // To the end of the word, of the week, or of the stretch, whichever comes first.
            let bit = minute % 64;
            let bits = (64 - bit).min(WEEK - minute).min(end - at);
            if let Some(word) = self.0.get_mut(minute / 64) {
                *word |= (u64::MAX >> (64 - bits)) << bit;
            }
            at += bits;
        }
    }
}

/// The day starts, in minutes after midnight, for which something has to hold: the one that is known, or those that stand
/// for all from midnight to 06:00. What holds of these rules' sets at each of them holds at any of those: the sets' edges
/// lie at the windows' ends and at the day's start, so their order changes only where the day's start passes the end of
/// a window.
pub(super) fn day_starts(rules: &[&Rule], known: Option<DayStart>) -> Vec<u16> {
    if let Some(known) = known {
        return vec![known.minutes()];
    }
    let windows = rules.iter().flat_map(|rule| rule.hours.windows().iter().chain(&rule.count_free));
    let edges =
        windows.flat_map(|window| [window.start(), window.end()]).map(|edge| edge.minutes() % DAY_MINUTES);
    let mut starts: Vec<u16> = std::iter::once(0).chain(edges).flat_map(|edge| [edge, edge + 1]).collect();
    starts.retain(|start| *start <= LAST_USUAL);
    starts.sort_unstable();
    starts.dedup();
    starts
}
