//! Snoozes: a rule is put off for some minutes, after a wait, some times a day.
//!
//! Whether a rule blocks anything that could be put off is not known here. A snooze belongs to the dwell day in which it
//! begins. Days are remembered for a while after they have passed, so that a clock that goes to and fro gives none back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Ended, Moment, Next, Standing};
use crate::calendar::CivilDay;
use crate::rules::{Rule, RuleId};
use crate::time::Millis;

/// A wait that is over and not made use of is forgotten after this long.
pub const ASK_LASTS: Millis = Millis::from_mins(10);
/// How long it is remembered how many there were in a day, from the last one on.
const DAY_KEPT: Millis = Millis::from_secs(7 * 86_400);

/// Why a rule is not put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnoozeError {
    /// All of today's are used, or the rule allows none.
    #[error("no snooze is left today")]
    NoneLeft,
    /// It was not asked for, or too long ago.
    #[error("it was not asked for in the last minutes")]
    NotAsked,
    /// The wait is not over.
    #[error("the wait is not over: {left} left")]
    TooEarly {
        /// How long it lasts still.
        left: Millis,
    },
    /// Something else than the rule's sentence was typed.
    #[error("this is not the rule's sentence")]
    Sentence,
    /// The rule is put off already.
    #[error("it is put off already, for another {left}")]
    Running {
        /// For how long still.
        left: Millis,
    },
}

/// What a person who asks for a snooze is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How long the wait lasts still.
    pub wait_left: Millis,
    /// How many are left today, this one included.
    pub left: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ask {
    asked_at: MachineTime,
    ready_at: MachineTime,
}

impl Ask {
    fn has_lapsed(self, moment: &Moment) -> bool {
        moment.machine >= self.ready_at + ASK_LASTS
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Running {
    began: MachineTime,
    until: MachineTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Used {
    day: CivilDay,
    rule: RuleId,
    count: u32,
    last: MachineTime,
}

/// All snoozes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Snoozes {
    asks: BTreeMap<RuleId, Ask>,
    running: BTreeMap<RuleId, Running>,
    used: Vec<Used>,
}

impl Standing {
    /// How many snoozes of a rule are left today.
    pub fn snoozes_left(&self, rule: &Rule, moment: &Moment) -> u32 {
        let used = self.snoozes.used.iter().find(|used| used.day == moment.today && used.rule == rule.id);
        rule.snooze.per_day.saturating_sub(used.map_or(0, |used| used.count))
    }

    /// Until when a rule is put off; `None`: it is not.
    pub fn snoozed_until(&self, rule: &RuleId, moment: &Moment) -> Option<MachineTime> {
        self.snoozes.running.get(rule).map(|running| running.until).filter(|until| moment.machine < *until)
    }

    /// Begins the wait before a snooze. Asked again, the wait goes on.
    ///
    /// # Errors
    /// None is left today, or the rule is put off already.
    pub fn ask_snooze(&mut self, rule: &Rule, moment: &Moment) -> Result<Asked, SnoozeError> {
        let left = self.check_snooze(rule, moment)?;
        let begun = Ask { asked_at: moment.machine, ready_at: moment.machine + rule.snooze.wait };
        let ask = self.snoozes.asks.entry(rule.id.clone()).or_insert(begun);
        if ask.has_lapsed(moment) {
            *ask = begun;
        }
        Ok(Asked { wait_left: moment.left(ask.ready_at), left })
    }

    /// Puts a rule off after its wait, and says until when. `typed` is what the person typed; white space at the ends,
    /// its amount, and upper and lower case do not matter.
    ///
    /// # Errors
    /// Not asked for, the wait is not over, another sentence, none left, or put off already; the wait then stands as it did.
    pub fn snooze(&mut self, rule: &Rule, typed: &str, moment: &Moment) -> Result<MachineTime, SnoozeError> {
        self.check_snooze(rule, moment)?;
        let ask = self.snoozes.asks.get(&rule.id).filter(|ask| !ask.has_lapsed(moment));
        let ask = ask.ok_or(SnoozeError::NotAsked)?;
        if moment.machine < ask.ready_at {
            return Err(SnoozeError::TooEarly { left: moment.left(ask.ready_at) });
        }
        if rule.snooze.sentence.as_ref().is_some_and(|sentence| plain(sentence) != plain(typed)) {
            return Err(SnoozeError::Sentence);
        }
        self.snoozes.asks.remove(&rule.id);
        let until = moment.machine + rule.snooze.length;
        self.snoozes.running.insert(rule.id.clone(), Running { began: moment.machine, until });
        let used = &mut self.snoozes.used;
        if let Some(used) = used.iter_mut().find(|used| used.day == moment.today && used.rule == rule.id) {
            used.count = used.count.saturating_add(1);
            used.last = moment.machine;
        } else {
            used.push(Used { day: moment.today, rule: rule.id.clone(), count: 1, last: moment.machine });
        }
        Ok(until)
    }

    fn check_snooze(&self, rule: &Rule, moment: &Moment) -> Result<u32, SnoozeError> {
        if let Some(until) = self.snoozed_until(&rule.id, moment) {
            return Err(SnoozeError::Running { left: moment.left(until) });
        }
        match self.snoozes_left(rule, moment) {
            0 => Err(SnoozeError::NoneLeft),
            left => Ok(left),
        }
    }

    /// After a change of the rules: a snooze that runs, or is waited for, follows what became stricter and nothing else.
    pub(super) fn cut_snoozes(&mut self, rules: &[Rule]) {
        let find = |id: &RuleId| rules.iter().find(|rule| &rule.id == id);
        self.snoozes.running.retain(|id, running| {
            find(id).is_some_and(|rule| {
                running.until = running.until.min(running.began + rule.snooze.length);
                true
            })
        });
        self.snoozes.asks.retain(|id, ask| {
            find(id).is_some_and(|rule| {
                ask.ready_at = ask.ready_at.max(ask.asked_at + rule.snooze.wait);
                true
            })
        });
    }

    pub(super) fn settle_snoozes(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        let Snoozes { asks, running, used } = &mut self.snoozes;
        running.retain(|rule, running| {
            let runs = moment.machine < running.until;
            if !runs {
                ended.push(Ended::Snooze(rule.clone()));
            }
            runs
        });
        asks.retain(|_, ask| !ask.has_lapsed(moment));
        used.retain(|used| used.day == moment.today || moment.machine < used.last + DAY_KEPT);
    }

    pub(super) fn next_snooze(&self, next: &mut Next) {
        for running in self.snoozes.running.values() {
            next.at_machine(running.until);
        }
    }
}

/// A sentence without what nobody means when they type it.
fn plain(sentence: &str) -> String {
    sentence.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DAY, HOUR, MINUTE, World, rule};
    use super::*;
    use crate::rules::{Snooze, Strict};

    fn with(snooze: Snooze) -> Rule {
        Rule { snooze, ..rule("r", "app:a", Strict::Cooling) }
    }

    fn ask(world: &mut World, rule: &Rule) -> Result<Asked, SnoozeError> {
        let now = world.moment();
        world.standing.ask_snooze(rule, &now)
    }

    fn snooze(world: &mut World, rule: &Rule, typed: &str) -> Result<MachineTime, SnoozeError> {
        let now = world.moment();
        world.standing.snooze(rule, typed, &now)
    }

    #[test]
    fn the_wait_goes_on_when_asked_again_and_over_a_reboot() {
        let mut world = World::new();
        let rule = with(Snooze { wait: Millis::from_mins(2), ..Snooze::default() });
        assert_eq!(snooze(&mut world, &rule, ""), Err(SnoozeError::NotAsked));
        assert_eq!(ask(&mut world, &rule), Ok(Asked { wait_left: Millis::from_mins(2), left: 3 }));
        world.advance(MINUTE);
        world.step(HOUR.cast_signed());
        assert_eq!(ask(&mut world, &rule), Ok(Asked { wait_left: Millis::from_mins(1), left: 3 }));
        world.reboot(HOUR);
        let left = Millis::from_secs(40);
        assert_eq!(snooze(&mut world, &rule, ""), Err(SnoozeError::TooEarly { left }));
        world.advance(left.as_ms());
        let until = MachineTime::from_ms(7 * MINUTE);
        assert_eq!(snooze(&mut world, &rule, ""), Ok(until));
        assert_eq!(world.effective(std::slice::from_ref(&rule))[0].snoozed_until, Some(until));
        // Two in a row need two waits, and the second begins when the first is over.
        let left = Millis::from_mins(5);
        assert_eq!(snooze(&mut world, &rule, ""), Err(SnoozeError::Running { left }));
        assert_eq!(ask(&mut world, &rule), Err(SnoozeError::Running { left }));
        world.advance(5 * MINUTE);
        assert_eq!(world.settle(), [Ended::Snooze(rule.id.clone())]);
        assert_eq!(world.effective(std::slice::from_ref(&rule))[0].snoozed_until, None);
        assert_eq!(snooze(&mut world, &rule, ""), Err(SnoozeError::NotAsked));
        assert_eq!(ask(&mut world, &rule), Ok(Asked { wait_left: Millis::from_mins(2), left: 2 }));
    }

    #[test]
    fn an_ask_that_is_not_used_is_forgotten() {
        let mut world = World::new();
        let rule = with(Snooze::default());
        ask(&mut world, &rule).unwrap();
        world.advance(20_000 + 10 * MINUTE - 1);
        assert_eq!(ask(&mut world, &rule).unwrap().wait_left, Millis::ZERO);
        world.advance(1);
        assert_eq!(snooze(&mut world, &rule, ""), Err(SnoozeError::NotAsked));
        assert_eq!(ask(&mut world, &rule).unwrap().wait_left, Millis::from_secs(20));
        world.advance(HOUR);
        assert_eq!(world.settle(), []);
        assert!(world.standing.snoozes.asks.is_empty());
    }

    #[test]
    fn the_sentence_is_compared_as_people_type() {
        let mut world = World::new();
        let rule = with(Snooze {
            wait: Millis::ZERO,
            sentence: Some("  Ich möchte  wirklich weiter. ".into()),
            ..Snooze::default()
        });
        ask(&mut world, &rule).unwrap();
        for other in ["", "ich möchte weiter.", "ichmöchte wirklich weiter."] {
            assert_eq!(snooze(&mut world, &rule, other), Err(SnoozeError::Sentence), "{other}");
        }
        assert!(snooze(&mut world, &rule, "ICH MÖCHTE\twirklich  weiter. ").is_ok());
    }

    #[test]
    fn so_many_a_day_whatever_the_clock_says() {
        let mut world = World::new();
        let rule = with(Snooze { wait: Millis::ZERO, per_day: 2, ..Snooze::default() });
        let once = |world: &mut World| {
            ask(world, &rule)?;
            snooze(world, &rule, "")?;
            world.advance(5 * MINUTE);
            assert_eq!(world.settle().len(), 1);
            Ok(())
        };
        assert_eq!((once(&mut world), once(&mut world)), (Ok(()), Ok(())));
        assert_eq!(once(&mut world), Err(SnoozeError::NoneLeft));
        world.step(DAY.cast_signed());
        assert_eq!(once(&mut world), Ok(()));
        world.step(-DAY.cast_signed());
        world.reboot(0);
        assert_eq!(once(&mut world), Err(SnoozeError::NoneLeft));
        // Noon to four in the morning.
        world.advance(17 * HOUR);
        assert_eq!((once(&mut world), once(&mut world)), (Ok(()), Err(SnoozeError::NoneLeft)));
        let none = with(Snooze { per_day: 0, ..Snooze::default() });
        world.advance(DAY);
        assert_eq!(ask(&mut world, &none), Err(SnoozeError::NoneLeft));
        world.advance(8 * DAY);
        assert_eq!(world.settle(), []);
        assert!(world.standing.snoozes.used.is_empty());
    }

    #[test]
    fn a_clock_that_is_held_on_one_day_gives_none_back() {
        let mut world = World::new();
        let rule = with(Snooze { wait: Millis::ZERO, per_day: 2, ..Snooze::default() });
        let later = |world: &mut World, days: u64, clock: i64| {
            world.advance(days * DAY);
            world.step((clock - days.cast_signed()) * DAY.cast_signed());
            let _ = world.settle();
        };
        for _ in 0..2 {
            ask(&mut world, &rule).unwrap();
            snooze(&mut world, &rule, "").unwrap();
            later(&mut world, 5, 0);
        }
        later(&mut world, 10, 0);
        assert_eq!(ask(&mut world, &rule), Err(SnoozeError::NoneLeft));
        // Nor does one that is elsewhere meanwhile: from the last of them on, seven days.
        let mut world = World::new();
        for days in [5, 0] {
            ask(&mut world, &rule).unwrap();
            snooze(&mut world, &rule, "").unwrap();
            later(&mut world, days, 0);
        }
        later(&mut world, 3, 1);
        later(&mut world, 3, -1);
        assert_eq!(ask(&mut world, &rule), Err(SnoozeError::NoneLeft));
    }

    #[test]
    fn each_rule_has_its_own() {
        let mut world = World::new();
        let one = with(Snooze { wait: Millis::ZERO, per_day: 1, ..Snooze::default() });
        let other = Rule { id: RuleId::new("other").unwrap(), ..one.clone() };
        ask(&mut world, &one).unwrap();
        snooze(&mut world, &one, "").unwrap();
        assert_eq!(snooze(&mut world, &other, ""), Err(SnoozeError::NotAsked));
        ask(&mut world, &other).unwrap();
        snooze(&mut world, &other, "").unwrap();
        world.advance(5 * MINUTE);
        assert_eq!(world.settle().len(), 2);
        assert_eq!([&one, &other].map(|rule| ask(&mut world, rule)), [Err(SnoozeError::NoneLeft); 2]);
    }

    #[test]
    fn a_change_of_the_rule_never_prolongs_a_snooze() {
        let mut world = World::new();
        let at = |minutes, wait| {
            let length = Millis::from_mins(minutes);
            with(Snooze { length, wait: Millis::from_mins(wait), ..Snooze::default() })
        };
        let change = |world: &mut World, after: &[Rule]| {
            let now = world.moment();
            world.standing.rules_changed(&[at(5, 0)], after, &now);
            world.standing.snoozed_until(&at(5, 0).id, &now).map(MachineTime::as_ms)
        };
        ask(&mut world, &at(5, 0)).unwrap();
        snooze(&mut world, &at(5, 0), "").unwrap();
        world.advance(MINUTE);
        assert_eq!(change(&mut world, &[at(30, 0)]), Some(5 * MINUTE));
        assert_eq!(change(&mut world, &[at(2, 0)]), Some(2 * MINUTE));
        assert_eq!(change(&mut world, &[at(1, 0)]), None);
        assert_eq!(world.settle().len(), 1);
        // A longer wait holds for one that has begun; a shorter one does not.
        ask(&mut world, &at(5, 1)).unwrap();
        change(&mut world, &[at(5, 3)]);
        change(&mut world, &[at(5, 0)]);
        let left = Millis::from_mins(3);
        assert_eq!(snooze(&mut world, &at(5, 0), ""), Err(SnoozeError::TooEarly { left }));
        // What is about a rule that is gone is gone without a word.
        world.advance(3 * MINUTE);
        snooze(&mut world, &at(5, 0), "").unwrap();
        assert_eq!(change(&mut world, &[]), None);
        assert_eq!(world.settle(), []);
    }
}
