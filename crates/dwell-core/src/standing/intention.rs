//! Intentions: what something is opened for, and for how long. It blocks nothing; it is said once when the time is over,
//! and the report sets what was planned beside what it was.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Ended, Moment, Next, Standing};
use crate::calendar::CivilDay;
use crate::subject::Target;
use crate::time::{Millis, Wall};

/// At most this many at a time.
pub const MAX_INTENTIONS: usize = 10;
/// The longest one.
pub const MAX_INTENTION: Millis = Millis::from_secs(24 * 3600);
/// For how many dwell days they are kept for the report.
pub const INTENTIONS_KEPT_DAYS: i32 = 60;
/// At most this many that are over are kept, the latest.
const MAX_PAST: usize = 500;
/// The longest text, in characters.
const MAX_WORDS: usize = 200;

/// Why there is no intention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntentionError {
    /// Too long, or no time at all.
    #[error("what is planned lasts at most 24h, and longer than no time at all")]
    Length,
    /// More than are kept.
    #[error("{MAX_INTENTIONS} things are planned already")]
    TooMany,
    /// Too long a text.
    #[error("what it is for has at most {MAX_WORDS} characters, in one line")]
    Words,
}

/// What something is opened for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Intention {
    /// Its number.
    pub id: u64,
    /// What is opened.
    pub target: Target,
    /// What for, in the person's words. Private.
    #[serde(default)]
    pub to: Option<String>,
    /// When it was stated, by the clock on the wall.
    pub at: Wall,
    /// The dwell day in which that was.
    pub day: CivilDay,
    /// When it was stated.
    pub began: MachineTime,
    /// How long it was to last.
    pub planned: Millis,
    /// For how long the target had attention; `None`: not filled in.
    #[serde(default)]
    pub actual: Option<Millis>,
}

impl fmt::Debug for Intention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intention")
            .field("id", &self.id)
            .field("planned", &self.planned)
            .finish_non_exhaustive()
    }
}

impl Intention {
    /// When the planned time is over.
    pub fn until(&self) -> MachineTime {
        self.began + self.planned
    }
}

/// All intentions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Intentions {
    last: u64,
    pub(super) running: Vec<Intention>,
    pub(super) past: Vec<Intention>,
}

impl Standing {
    /// States what a target is opened for, and gives the intention's number.
    ///
    /// # Errors
    /// Too long, no time at all, too many at a time, or too long a text.
    pub fn intend(
        &mut self,
        target: Target,
        planned: Millis,
        to: Option<String>,
        moment: &Moment,
    ) -> Result<u64, IntentionError> {
        if planned.is_zero() || planned > MAX_INTENTION {
            return Err(IntentionError::Length);
        }
        let to = to.map(|to| to.trim().to_owned()).filter(|to| !to.is_empty());
        let fits = |to: &String| to.chars().count() <= MAX_WORDS && !to.chars().any(char::is_control);
        if !to.as_ref().is_none_or(fits) {
            return Err(IntentionError::Words);
        }
        let intentions = &mut self.intentions;
        if intentions.running.len() >= MAX_INTENTIONS {
            return Err(IntentionError::TooMany);
        }
        intentions.last = intentions.last.saturating_add(1);
        let (id, at, day, began) = (intentions.last, moment.now.wall, moment.today, moment.machine);
        intentions.running.push(Intention { id, target, to, at, day, began, planned, actual: None });
        Ok(id)
    }

    /// What is planned at the moment, in the order in which it was stated.
    pub fn intentions(&self) -> &[Intention] {
        &self.intentions.running
    }

    /// What was planned in the last [`INTENTIONS_KEPT_DAYS`] days and is over, in the order in which it ended.
    pub fn past_intentions(&self) -> &[Intention] {
        &self.intentions.past
    }

    /// Fills in for how long the target of an intention that is over had attention; `false`: there is none of this number.
    pub fn set_actual(&mut self, id: u64, actual: Millis) -> bool {
        let past = self.intentions.past.iter_mut().find(|past| past.id == id);
        past.map(|past| past.actual = Some(actual)).is_some()
    }

    pub(super) fn settle_intentions(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        let Intentions { running, past, .. } = &mut self.intentions;
        for over in running.extract_if(.., |intention| moment.machine >= intention.until()) {
            ended.push(Ended::Intention(over.clone()));
            past.push(over);
        }
        past.retain(|past| moment.today <= past.day.plus(INTENTIONS_KEPT_DAYS));
        past.drain(..past.len().saturating_sub(MAX_PAST));
    }

    pub(super) fn next_intention(&self, next: &mut Next) {
        for intention in &self.intentions.running {
            next.at_machine(intention.until());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DAY, MINUTE, World};
    use super::*;

    fn intend(world: &mut World, minutes: u64, to: &str) -> Result<u64, IntentionError> {
        let now = world.moment();
        world.standing.intend(Target::All, Millis::from_mins(minutes), Some(to.to_owned()), &now)
    }

    #[test]
    fn it_is_said_once_and_kept_with_what_it_was() {
        let mut world = World::new();
        let (long, short) =
            (intend(&mut world, 20, " find X ").unwrap(), intend(&mut world, 5, " ").unwrap());
        assert!(!world.standing.set_actual(long, Millis::ZERO));
        world.step(DAY.cast_signed());
        world.advance(5 * MINUTE);
        let told = world.settle();
        assert!(matches!(&told[..], [Ended::Intention(over)] if over.id == short && over.to.is_none()));
        world.restart(15 * MINUTE);
        let told = world.settle();
        assert!(matches!(&told[..], [Ended::Intention(over)] if over.to.as_deref() == Some("find X")));
        assert!(world.standing.set_actual(long, Millis::from_mins(31)));
        let past: Vec<_> =
            world.standing.past_intentions().iter().map(|past| (past.id, past.actual)).collect();
        assert_eq!(past, [(short, None), (long, Some(Millis::from_mins(31)))]);
        assert!(world.standing.intentions().is_empty());
        // Numbers are not given again.
        assert_eq!(intend(&mut world, 1, ""), Ok(3));
        assert!(world.standing.past_intentions()[1].at < world.moment().now.wall);
    }

    #[test]
    fn past_ones_are_kept_for_sixty_days() {
        let mut world = World::new();
        intend(&mut world, 5, "").unwrap();
        world.advance(60 * DAY);
        assert_eq!((world.settle().len(), world.standing.past_intentions().len()), (1, 1));
        world.advance(DAY);
        assert_eq!((world.settle().len(), world.standing.past_intentions().len()), (0, 0));
    }

    #[test]
    fn no_more_than_five_hundred_are_kept() {
        let mut world = World::new();
        for number in 0..501 {
            intend(&mut world, 1, "").unwrap();
            world.advance(MINUTE);
            assert_eq!(world.settle().len(), 1, "{number}");
        }
        assert_eq!(world.standing.past_intentions().len(), 500);
        assert_eq!(world.standing.past_intentions()[0].id, 2);
    }

    #[test]
    fn absurd_ones_are_refused() {
        let mut world = World::new();
        assert_eq!(intend(&mut world, 0, ""), Err(IntentionError::Length));
        assert_eq!(intend(&mut world, 24 * 60 + 1, ""), Err(IntentionError::Length));
        assert_eq!(intend(&mut world, 1, "two\nlines"), Err(IntentionError::Words));
        assert_eq!(intend(&mut world, 1, &"ä".repeat(201)), Err(IntentionError::Words));
        assert!(intend(&mut world, 24 * 60, &"ä".repeat(200)).is_ok());
        for _ in 1..10 {
            intend(&mut world, 1, "").unwrap();
        }
        assert_eq!(intend(&mut world, 1, ""), Err(IntentionError::TooMany));
    }
}
