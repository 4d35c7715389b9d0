//! The nag budget: so many notices a day over all rules; what is beyond goes into a digest for the report.
//!
//! A notice that accompanies an act (something is blocked, closed, about to be) is never held back: an act without a word
//! would be worse than a word too many.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Gone, Standing};
use crate::calendar::CivilDay;
use crate::subject::Target;
use crate::time::Wall;

/// So many notices a dwell day that accompany no act.
pub const NOTICES_A_DAY: u32 = 2;
/// At most this many entries a day of the digest.
pub const MAX_DIGEST_ENTRIES: usize = 200;
/// For how many dwell days the digest is kept.
pub const DIGEST_DAYS: i32 = 35;
/// Days are remembered in spite of a clock that goes to and fro, but not more than this many.
const MAX_DAYS: usize = 70;

/// What a notice that was held back would have said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestKind {
    /// The limit was near.
    Warned,
    /// The limit was reached.
    Reached,
}

/// A notice that was held back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DigestEntry {
    /// What the report says of it. Private.
    pub line: String,
    /// What the rule is about; `None`: an earlier version did not keep that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What it would have said.
    pub kind: DigestKind,
    /// When.
    pub at: Wall,
}

impl fmt::Debug for DigestEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestEntry").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A day of the digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct DigestDay {
    /// What was held back, in order.
    pub entries: Vec<DigestEntry>,
    /// How many more there were than are kept.
    pub more: u32,
}

/// How much was said and held back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Nag {
    told: BTreeMap<CivilDay, u32>,
    digest: BTreeMap<CivilDay, DigestDay>,
}

impl Nag {
    /// Whether a notice may be shown. One that accompanies an act always may and costs nothing; of others each costs one of
    /// [`NOTICES_A_DAY`].
    #[must_use]
    pub fn may(&mut self, today: CivilDay, accompanies_act: bool) -> bool {
        if accompanies_act {
            return true;
        }
        let told = self.told.entry(today).or_default();
        if *told >= NOTICES_A_DAY {
            return false;
        }
        *told += 1;
        true
    }

    /// Notes a notice that was held back.
    pub fn hold_back(&mut self, today: CivilDay, entry: DigestEntry) {
        let day = self.digest.entry(today).or_default();
        if day.entries.len() < MAX_DIGEST_ENTRIES {
            day.entries.push(entry);
        } else {
            day.more = day.more.saturating_add(1);
        }
    }

    /// What was held back on a day.
    pub fn digest(&self, day: CivilDay) -> Option<&DigestDay> {
        self.digest.get(&day)
    }

    /// Drops what is to be gone, and says how many entries that were.
    pub(super) fn forget(&mut self, gone: &Gone) -> usize {
        let mut went = 0;
        for (day, held) in &mut self.digest {
            let before = held.entries.len();
            held.entries.retain(|entry| !gone.takes(*day, entry.target.as_ref()));
            went += before - held.entries.len();
            if gone.takes_day(*day) {
                went += usize::try_from(std::mem::take(&mut held.more)).unwrap_or(usize::MAX);
            }
        }
        self.digest.retain(|_, held| !held.entries.is_empty() || held.more > 0);
        went
    }

    pub(super) fn prune(&mut self, today: CivilDay) {
        fn kept<T>(days: &mut BTreeMap<CivilDay, T>, today: CivilDay) {
            days.retain(|day, _| today < day.plus(DIGEST_DAYS));
            while days.len() > MAX_DAYS {
                days.pop_last();
            }
        }
        kept(&mut self.told, today);
        kept(&mut self.digest, today);
    }
}

impl Standing {
    /// How much was said and held back.
    pub const fn nag(&self) -> &Nag {
        &self.nag
    }

    /// See [`Nag::may`] and [`Nag::hold_back`].
    pub const fn nag_mut(&mut self) -> &mut Nag {
        &mut self.nag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i32) -> CivilDay {
        CivilDay::from_epoch_days(number)
    }

    fn entry(name: &str) -> DigestEntry {
        DigestEntry {
            line: name.to_owned(),
            target: None,
            kind: DigestKind::Warned,
            at: Wall::from_unix_ms(5),
        }
    }

    #[test]
    fn two_a_day_and_those_that_accompany_an_act() {
        let mut nag = Nag::default();
        let today = day(100);
        assert!((0..50).all(|_| nag.may(today, true)));
        assert_eq!([false; 50].map(|act| nag.may(today, act)).iter().filter(|may| **may).count(), 2);
        assert!(nag.may(today, true));
        // Neither does a clock that goes to and fro give any back.
        assert!(nag.may(day(101), false));
        nag.prune(day(101));
        assert!(!nag.may(today, false));
    }

    #[test]
    fn the_digest_is_bounded() {
        let mut nag = Nag::default();
        for number in 0..203 {
            nag.hold_back(day(100), entry(&number.to_string()));
        }
        let held = nag.digest(day(100)).unwrap();
        assert_eq!((held.entries.len(), held.more, held.entries[199].line.as_str()), (200, 3, "199"));
        nag.prune(day(134));
        assert!(nag.digest(day(100)).is_some() && nag.digest(day(99)).is_none());
        nag.prune(day(135));
        assert!(nag.digest(day(100)).is_none());
        // Days that are still to come are no way to make it grow without bound either.
        for number in 200..400 {
            nag.hold_back(day(number), entry(""));
        }
        nag.prune(day(200));
        assert_eq!((nag.digest.len(), nag.digest(day(200)).is_some()), (MAX_DAYS, true));
    }
}
