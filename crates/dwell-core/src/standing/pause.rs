//! The pause: open rules are suspended for a while, without a reason, and it ends by itself.

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Ended, Moment, Next, Standing};
use crate::time::{Millis, Wall};

/// The longest pause.
pub const MAX_PAUSE: Millis = Millis::from_secs(31 * 86_400);

/// Why there is no pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pause lasts at most 31 days, and longer than no time at all")]
pub struct PauseError;

/// A pause ends at the earlier of two instants: a clock that is set back does not prolong it, and it ends in time when the
/// machine was off meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Pause {
    until: Wall,
    machine_until: MachineTime,
}

impl Pause {
    fn is_over(self, moment: &Moment) -> bool {
        moment.now.wall >= self.until || moment.machine >= self.machine_until
    }
}

impl Standing {
    /// Suspends open rules for so long; in place of a pause that runs.
    ///
    /// # Errors
    /// Longer than [`MAX_PAUSE`], or no time at all.
    pub fn pause(&mut self, length: Millis, moment: &Moment) -> Result<(), PauseError> {
        if length.is_zero() || length > MAX_PAUSE {
            return Err(PauseError);
        }
        self.pause = Some(Pause { until: moment.now.wall + length, machine_until: moment.machine + length });
        Ok(())
    }

    /// Ends a pause; `false`: there was none.
    pub fn resume(&mut self) -> bool {
        self.pause.take().is_some()
    }

    /// Until when open rules are suspended; `None`: they are not.
    pub fn paused_until(&self, moment: &Moment) -> Option<Wall> {
        let pause = self.pause.filter(|pause| !pause.is_over(moment))?;
        Some(pause.until.min(moment.wall_of(pause.machine_until)))
    }

    pub(super) fn settle_pause(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        if self.pause.take_if(|pause| pause.is_over(moment)).is_some() {
            ended.push(Ended::Pause);
        }
    }

    pub(super) fn next_pause(&self, next: &mut Next) {
        if let Some(pause) = self.pause {
            next.at_wall(pause.until);
            next.at_machine(pause.machine_until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DAY, HOUR, World, rule};
    use super::*;
    use crate::rules::Strict;

    fn paused(length: u64) -> World {
        let mut world = World::new();
        let now = world.moment();
        world.standing.pause(Millis::from_ms(length), &now).unwrap();
        world
    }

    #[test]
    fn only_open_rules_are_suspended() {
        let mut world = paused(HOUR);
        let day = world.moment().today.plus(1);
        let guards = [Strict::Open, Strict::Cooling, Strict::LockedUntil(day)];
        let rules = guards.map(|strict| rule("r", "app:a", strict));
        let suspended = |world: &World| -> Vec<_> {
            world.effective(&rules).into_iter().map(|held| held.suspended).collect()
        };
        assert_eq!(suspended(&world), [true, false, false]);
        world.advance(HOUR - 1);
        assert_eq!((suspended(&world), world.settle()), (vec![true, false, false], vec![]));
        world.advance(1);
        assert_eq!((suspended(&world), world.settle()), (vec![false; 3], vec![Ended::Pause]));
        assert!(!world.standing.resume());
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_nothing() {
        let mut world = paused(3 * HOUR);
        world.advance(HOUR);
        world.step(-(10 * DAY).cast_signed());
        let now = world.moment();
        assert_eq!(world.standing.paused_until(&now), Some(now.now.wall + Millis::from_ms(2 * HOUR)));
        world.reboot(0);
        world.advance(2 * HOUR);
        assert_eq!(world.settle(), [Ended::Pause]);
    }

    #[test]
    fn it_ends_in_time_when_the_machine_was_off() {
        let mut world = paused(3 * DAY);
        world.reboot(3 * DAY - 20_001);
        let now = world.moment();
        assert_eq!(world.standing.paused_until(&now), Some(now.now.wall + Millis::from_ms(1)));
        world.advance(1);
        assert_eq!(world.standing.paused_until(&world.moment()), None);
        assert_eq!(world.settle(), [Ended::Pause]);
    }

    #[test]
    fn absurd_lengths_are_refused_and_a_pause_stays() {
        let mut world = paused(HOUR);
        let now = world.moment();
        let before = world.standing.paused_until(&now);
        for absurd in [Millis::ZERO, MAX_PAUSE + Millis::from_ms(1)] {
            assert_eq!(world.standing.pause(absurd, &now), Err(PauseError));
        }
        assert_eq!(world.standing.paused_until(&now), before);
        assert_eq!(world.standing.pause(MAX_PAUSE, &now), Ok(()));
        assert!(world.standing.resume());
        assert_eq!(world.standing.paused_until(&now), None);
    }
}
