//! Changes that wait: asked for, then waiting, then to be confirmed for a while, then gone by themselves.
//!
//! What a change does is opaque here. A change that has waited is judged anew by whoever confirms it: the rules may
//! have become stricter meanwhile.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Ended, Moment, Next, Standing};
use crate::calendar::CivilDay;
use crate::rules::CONFIRMABLE;
use crate::time::{Millis, Wall};

/// At most this many changes wait.
pub const MAX_PENDING: usize = 20;

/// A change that waits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pending {
    /// Its short name, `p1`; not given again while others wait.
    pub id: String,
    /// The change in its serialised form, by which it is recognised when it is asked for again. Private.
    pub edit: String,
    /// What it means, a line each, for people. Private.
    #[serde(default)]
    pub lines: Vec<String>,
    /// When it was asked for.
    pub asked_at: Wall,
    /// When it can be confirmed.
    pub ready_at: MachineTime,
    /// It cannot be confirmed before this day.
    #[serde(default)]
    pub locked_until: Option<CivilDay>,
    /// The person was told that it can be confirmed.
    #[serde(default)]
    told: bool,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("id", &self.id)
            .field("ready_at", &self.ready_at)
            .field("locked_until", &self.locked_until)
            .finish_non_exhaustive()
    }
}

impl Pending {
    /// When it is gone, if it is not confirmed.
    pub fn lapses_at(&self) -> MachineTime {
        self.ready_at + CONFIRMABLE
    }

    /// Whether it can be confirmed.
    pub fn is_ready(&self, moment: &Moment) -> bool {
        self.check(moment).is_ok()
    }

    fn check(&self, moment: &Moment) -> Result<(), ConfirmError> {
        if self.has_lapsed(moment) {
            return Err(ConfirmError::NotFound);
        }
        if let Some(day) = self.locked_until.filter(|day| moment.today < *day) {
            return Err(ConfirmError::Locked(day));
        }
        if moment.machine < self.ready_at {
            return Err(ConfirmError::TooEarly { left: moment.left(self.ready_at) });
        }
        Ok(())
    }

    fn has_lapsed(&self, moment: &Moment) -> bool {
        moment.machine >= self.lapses_at()
    }
}

/// Why a change cannot be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmError {
    /// No such change waits.
    #[error("no such change waits")]
    NotFound,
    /// It has not waited long enough.
    #[error("it has to wait for another {left} during which the machine is on")]
    TooEarly {
        /// How long it waits still.
        left: Millis,
    },
    /// What it loosens is locked.
    #[error("what it loosens is locked until {0}")]
    Locked(CivilDay),
}

/// No such change waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such change waits")]
pub struct NotPending;

/// More changes than are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_PENDING} changes wait already")]
pub struct TooManyPending;

/// All changes that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Waiting {
    /// The number of the id that was given last.
    last: u64,
    /// In the order in which they were asked for.
    changes: Vec<Pending>,
}

impl Standing {
    /// Changes that wait or can be confirmed, in the order in which they were asked for.
    pub fn pending(&self, moment: &Moment) -> impl Iterator<Item = &Pending> {
        self.pending.changes.iter().filter(|change| !change.has_lapsed(moment))
    }

    /// Lets a change wait until `ready_at` (see [`super::Ruling::Waits`]). Asked for again, it goes on waiting as it did.
    ///
    /// # Errors
    /// [`MAX_PENDING`] others wait.
    pub fn ask_change(
        &mut self,
        edit: String,
        lines: Vec<String>,
        ready_at: MachineTime,
        moment: &Moment,
    ) -> Result<Pending, TooManyPending> {
        if let Some(same) = self.pending(moment).find(|change| change.edit == edit) {
            return Ok(same.clone());
        }
        if self.pending(moment).count() >= MAX_PENDING {
            return Err(TooManyPending);
        }
        let waiting = &mut self.pending;
        waiting.last = if waiting.changes.is_empty() { 1 } else { waiting.last.saturating_add(1) };
        let change = Pending {
            id: format!("p{}", waiting.last),
            edit,
            lines,
            asked_at: moment.now.wall,
            ready_at,
            locked_until: None,
            told: false,
        };
        waiting.changes.push(change.clone());
        Ok(change)
    }

    /// Locks a change that waits until that day, because what it loosens has been locked since; `None`: it is not locked,
    /// or not any more.
    ///
    /// # Errors
    /// No such change waits.
    pub fn lock_change(&mut self, id: &str, until: Option<CivilDay>) -> Result<(), NotPending> {
        let change = self.pending.changes.iter_mut().find(|change| change.id == id).ok_or(NotPending)?;
        change.locked_until = until;
        Ok(())
    }

    /// Takes out a change that has waited, to be made.
    ///
    /// # Errors
    /// No such change, not long enough waited, or locked; it then stays.
    pub fn confirm(&mut self, id: &str, moment: &Moment) -> Result<Pending, ConfirmError> {
        let changes = &mut self.pending.changes;
        let at = changes.iter().position(|change| change.id == id).ok_or(ConfirmError::NotFound)?;
        changes.get(at).ok_or(ConfirmError::NotFound)?.check(moment)?;
        Ok(changes.remove(at))
    }

    /// Gives up a change.
    ///
    /// # Errors
    /// No such change waits.
    pub fn cancel(&mut self, id: &str) -> Result<Pending, NotPending> {
        let changes = &mut self.pending.changes;
        let at = changes.iter().position(|change| change.id == id).ok_or(NotPending)?;
        Ok(changes.remove(at))
    }

    pub(super) fn settle_pending(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        self.pending.changes.retain_mut(|change| {
            if change.has_lapsed(moment) {
                ended.push(Ended::PendingLapsed(change.clone()));
                return false;
            }
            if !change.told && change.is_ready(moment) {
                change.told = true;
                ended.push(Ended::PendingReady(change.clone()));
            }
            true
        });
    }

    pub(super) fn next_pending(&self, moment: &Moment, next: &mut Next) {
        for change in &self.pending.changes {
            next.at_machine(change.lapses_at());
            if !change.told {
                if moment.machine < change.ready_at {
                    next.at_machine(change.ready_at);
                } else {
                    // It waits for a day, or has come at this very moment.
                    next.at_wall(if change.is_ready(moment) { moment.now.wall } else { moment.day_end });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{HOUR, World};
    use super::*;
    use crate::rules::COOLING;

    fn ask(world: &mut World, edit: &str) -> Result<Pending, TooManyPending> {
        let now = world.moment();
        world.standing.ask_change(edit.to_owned(), vec!["line".to_owned()], now.machine + COOLING, &now)
    }

    fn confirm(world: &mut World, id: &str) -> Result<String, ConfirmError> {
        let now = world.moment();
        world.standing.confirm(id, &now).map(|change| change.edit)
    }

    #[test]
    fn neither_the_clock_nor_a_reboot_makes_a_change_ready() {
        let mut world = World::new();
        ask(&mut world, "looser").unwrap();
        world.step((25 * HOUR).cast_signed());
        assert_eq!(confirm(&mut world, "p1"), Err(ConfirmError::TooEarly { left: COOLING }));
        world.advance(23 * HOUR);
        world.reboot(100 * HOUR);
        let left = Millis::from_ms(HOUR - 20_000);
        assert_eq!(confirm(&mut world, "p1"), Err(ConfirmError::TooEarly { left }));
        world.advance(left.as_ms() - 1);
        assert_eq!(world.settle(), []);
        world.advance(1);
        let told = world.settle();
        assert!(matches!(&told[..], [Ended::PendingReady(change)] if change.id == "p1"));
        assert_eq!(confirm(&mut world, "p1").as_deref(), Ok("looser"));
        assert_eq!(confirm(&mut world, "p1"), Err(ConfirmError::NotFound));
        world.advance(100 * HOUR);
        assert_eq!(world.settle(), []);
    }

    #[test]
    fn what_is_not_confirmed_lapses() {
        let mut world = World::new();
        ask(&mut world, "looser").unwrap();
        world.advance(48 * HOUR - 1);
        assert_eq!(world.settle().len(), 1);
        let mut late = World::new();
        ask(&mut late, "looser").unwrap();
        late.advance(48 * HOUR);
        assert_eq!(confirm(&mut late, "p1"), Err(ConfirmError::NotFound));
        assert_eq!(late.standing.pending(&late.moment()).count(), 0);
        let told = late.settle();
        assert!(matches!(&told[..], [Ended::PendingLapsed(_)]), "{told:?}");
        assert_eq!(confirm(&mut world, "p1").as_deref(), Ok("looser"));
    }

    #[test]
    fn asked_again_it_goes_on_waiting() {
        let mut world = World::new();
        let first = ask(&mut world, "one").unwrap();
        world.advance(5 * HOUR);
        assert_eq!(ask(&mut world, "one"), Ok(first));
        // Once it has lapsed, it is a new change.
        world.advance(43 * HOUR);
        let again = ask(&mut world, "one").unwrap();
        assert_eq!((again.id.as_str(), again.ready_at.as_ms()), ("p2", 72 * HOUR));
    }

    #[test]
    fn ids_are_not_given_again_while_others_stand() {
        let mut world = World::new();
        let mut id = |edit: &str, cancel: &[&str]| {
            cancel.iter().for_each(|id| assert!(world.standing.cancel(id).is_ok()));
            ask(&mut world, edit).unwrap().id
        };
        assert_eq!((id("a", &[]), id("b", &[]), id("c", &["p2"])), ("p1".into(), "p2".into(), "p3".into()));
        assert_eq!((id("d", &["p3"]), id("e", &["p1", "p4"])), ("p4".into(), "p1".into()));
        assert_eq!(world.standing.cancel("p9"), Err(NotPending));
    }

    #[test]
    fn no_more_than_twenty_wait() {
        let mut world = World::new();
        for edit in 0..20 {
            ask(&mut world, &format!("edit {edit}")).unwrap();
        }
        assert_eq!(ask(&mut world, "one more"), Err(TooManyPending));
        assert!(ask(&mut world, "edit 7").is_ok());
        world.advance(48 * HOUR);
        assert!(ask(&mut world, "one more").is_ok());
    }

    #[test]
    fn what_was_locked_since_stays_until_that_day() {
        let mut world = World::new();
        ask(&mut world, "looser").unwrap();
        let day = world.moment().today.plus(2);
        // It is what was found last.
        world.standing.lock_change("p1", Some(day.plus(5))).unwrap();
        world.standing.lock_change("p1", None).unwrap();
        world.standing.lock_change("p1", Some(day)).unwrap();
        world.advance(24 * HOUR);
        assert_eq!((world.settle(), confirm(&mut world, "p1")), (vec![], Err(ConfirmError::Locked(day))));
        // Noon to the day's end, and then its first instant.
        let now = world.moment();
        assert_eq!(world.standing.next(&now).1, Some(now.day_end));
        world.advance(16 * HOUR);
        assert_eq!(world.settle().len(), 1);
        assert!(confirm(&mut world, "p1").is_ok());
        assert_eq!(world.standing.lock_change("p1", Some(day)), Err(NotPending));
    }
}
