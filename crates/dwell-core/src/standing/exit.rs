//! The emergency exit: after a wait, all of the person's own rules are off for the rest of the day. No question is asked,
//! and it is never refused.

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Ended, Moment, Next, Standing};
use crate::calendar::CivilDay;
use crate::time::{Millis, Wall};

/// How long the exit waits.
pub const EXIT_WAIT: Millis = Millis::from_mins(10);
/// The exit lasts at most this long, wherever a clock that is set back puts the day's end.
pub const EXIT_MOST: Millis = Millis::from_secs(36 * 3600);

/// The exit at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitState {
    /// It waits still, for so long.
    Waits(Millis),
    /// The person's own rules are off until then.
    Off(Wall),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(super) enum Exit {
    /// Asked for; found to be over when settled.
    Waiting { ready_at: MachineTime },
    /// The rules are off for this day.
    Off { day: CivilDay, until: MachineTime },
}

impl Standing {
    /// Begins the exit's wait. Asked again it goes on, and while the rules are off it changes nothing.
    pub fn ask_exit(&mut self, moment: &Moment) -> ExitState {
        if let Some(state) = self.exit(moment) {
            return state;
        }
        self.exit = Some(Exit::Waiting { ready_at: moment.machine + EXIT_WAIT });
        ExitState::Waits(EXIT_WAIT)
    }

    /// Takes the exit back, waiting or not; `false`: there was none.
    pub fn cancel_exit(&mut self) -> bool {
        self.exit.take().is_some()
    }

    /// The exit, where it waits or holds.
    pub fn exit(&self, moment: &Moment) -> Option<ExitState> {
        match self.exit? {
            Exit::Waiting { ready_at } => Some(ExitState::Waits(moment.left(ready_at))),
            Exit::Off { .. } if !self.is_exit_off(moment) => None,
            Exit::Off { day, until } => {
                let most = moment.wall_of(until);
                Some(ExitState::Off(if moment.today == day { most.min(moment.day_end) } else { most }))
            }
        }
    }

    pub(super) fn is_exit_off(&self, moment: &Moment) -> bool {
        matches!(self.exit, Some(Exit::Off { day, until }) if moment.today <= day && moment.machine < until)
    }

    pub(super) fn settle_exit(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        match self.exit {
            Some(Exit::Waiting { ready_at }) if moment.machine >= ready_at => {
                self.exit = Some(Exit::Off { day: moment.today, until: moment.machine + EXIT_MOST });
                ended.push(Ended::ExitBegan);
            }
            Some(Exit::Off { .. }) if !self.is_exit_off(moment) => {
                self.exit = None;
                ended.push(Ended::ExitOver);
            }
            _ => {}
        }
    }

    pub(super) fn next_exit(&self, moment: &Moment, next: &mut Next) {
        match self.exit {
            Some(Exit::Waiting { ready_at }) => next.at_machine(ready_at),
            Some(Exit::Off { until, .. }) => {
                next.at_machine(until);
                next.at_wall(moment.day_end);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DAY, HOUR, MINUTE, World, rule};
    use super::*;
    use crate::rules::{Rule, Strict};

    fn ask(world: &mut World) -> ExitState {
        let now = world.moment();
        world.standing.ask_exit(&now)
    }

    fn rules(world: &World) -> [Rule; 3] {
        let locked = Strict::LockedUntil(world.moment().today.plus(300));
        [Strict::Open, Strict::Cooling, locked].map(|strict| rule("r", "app:a", strict))
    }

    fn is_off(world: &World) -> bool {
        let held = world.effective(&rules(world));
        assert!(held.iter().all(|rule| rule.suspended == held[0].suspended));
        held[0].suspended
    }

    #[test]
    fn after_its_wait_all_rules_are_off_until_the_day_is_over() {
        let mut world = World::new();
        assert_eq!(ask(&mut world), ExitState::Waits(EXIT_WAIT));
        world.step(HOUR.cast_signed());
        world.advance(6 * MINUTE);
        assert_eq!((ask(&mut world), is_off(&world)), (ExitState::Waits(Millis::from_mins(4)), false));
        world.reboot(HOUR);
        world.advance(4 * MINUTE - 20_001);
        assert_eq!((world.settle(), is_off(&world)), (vec![], false));
        world.advance(1);
        assert_eq!((world.settle(), is_off(&world)), (vec![Ended::ExitBegan], true));
        let now = world.moment();
        assert_eq!(ask(&mut world), ExitState::Off(now.day_end));
        assert_eq!(world.standing.next(&now).1, Some(now.day_end));
        let rest = now.day_end.since(now.now.wall).unwrap().as_ms();
        world.advance(rest - 1);
        assert_eq!((world.settle(), is_off(&world)), (vec![], true));
        world.advance(1);
        assert_eq!((is_off(&world), world.standing.exit(&world.moment())), (false, None));
        assert_eq!(world.settle(), [Ended::ExitOver]);
        assert_eq!(ask(&mut world), ExitState::Waits(EXIT_WAIT));
    }

    #[test]
    fn it_can_be_taken_back_at_any_time() {
        let mut world = World::new();
        ask(&mut world);
        assert!(world.standing.cancel_exit());
        world.advance(10 * MINUTE);
        assert_eq!((world.settle(), is_off(&world)), (vec![], false));
        // A wait that was taken back begins anew.
        ask(&mut world);
        world.advance(10 * MINUTE);
        assert_eq!((world.settle(), is_off(&world)), (vec![Ended::ExitBegan], true));
        assert!(world.standing.cancel_exit());
        assert_eq!((is_off(&world), world.settle(), world.standing.cancel_exit()), (false, vec![], false));
    }

    #[test]
    fn a_clock_that_is_set_back_prolongs_it_no_further_than_a_day_and_a_half() {
        let mut world = World::new();
        ask(&mut world);
        world.advance(10 * MINUTE);
        assert_eq!(world.settle(), [Ended::ExitBegan]);
        world.step(-(3 * DAY).cast_signed());
        let now = world.moment();
        assert_eq!(world.standing.exit(&now), Some(ExitState::Off(now.now.wall + EXIT_MOST)));
        world.advance(EXIT_MOST.as_ms() - 1);
        assert_eq!((world.settle(), is_off(&world)), (vec![], true));
        world.advance(1);
        assert_eq!((is_off(&world), world.settle()), (false, vec![Ended::ExitOver]));
    }

    #[test]
    fn a_focus_session_is_off_as_well() {
        let mut world = World::new();
        let now = world.moment();
        world.standing.start_focus(Millis::from_mins(60), Vec::new(), &now).unwrap();
        ask(&mut world);
        world.advance(10 * MINUTE);
        assert_eq!(world.settle(), [Ended::ExitBegan]);
        assert!(world.effective(&[]).iter().all(|held| held.suspended));
    }
}
