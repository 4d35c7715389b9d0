//! The focus session: targets are blocked for a while. It is begun on purpose, and can be stopped at any time.
//!
//! It acts as rules of its own, one a target, beside the person's.

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Effective, Ended, MadeBy, Moment, Next, Standing, free_id};
use crate::rules::{Amount, AtLimit, Budget, Per, Rule, Snooze, Strict};
use crate::subject::Target;
use crate::time::Millis;

/// The longest session.
pub const FOCUS_MOST: Millis = Millis::from_secs(12 * 3600);
/// At most this many targets a session.
pub const MAX_FOCUS_TARGETS: usize = 50;

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FocusError {
    /// Too long, or no time at all.
    #[error("a focus session lasts at most 12h, and longer than no time at all")]
    Length,
    /// More targets than are kept.
    #[error("a focus session blocks at most {MAX_FOCUS_TARGETS} targets")]
    TooManyTargets,
}

/// A focus session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Focus {
    /// What it blocks; empty: everything.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// When it ends.
    pub until: MachineTime,
    /// How long it was to last.
    #[serde(default)]
    pub length: Millis,
}

impl Standing {
    /// Begins a session, in place of one that runs.
    ///
    /// # Errors
    /// Longer than [`FOCUS_MOST`], no time at all, or too many targets.
    pub fn start_focus(
        &mut self,
        length: Millis,
        mut targets: Vec<Target>,
        moment: &Moment,
    ) -> Result<(), FocusError> {
        if length.is_zero() || length > FOCUS_MOST {
            return Err(FocusError::Length);
        }
        targets.sort();
        targets.dedup();
        if targets.len() > MAX_FOCUS_TARGETS {
            return Err(FocusError::TooManyTargets);
        }
        self.focus = Some(Focus { targets, until: moment.machine + length, length });
        Ok(())
    }

    /// Stops the session; `false`: there was none.
    pub fn stop_focus(&mut self) -> bool {
        self.focus.take().is_some()
    }

    /// The session that runs.
    pub fn focus(&self, moment: &Moment) -> Option<&Focus> {
        self.focus.as_ref().filter(|focus| moment.machine < focus.until)
    }

    pub(super) fn focus_rules(&self, rules: &[Rule], moment: &Moment) -> Vec<Effective> {
        let Some(focus) = self.focus(moment) else { return Vec::new() };
        let everything = [Target::All];
        let targets = if focus.targets.is_empty() { &everything[..] } else { &focus.targets };
        let nothing = Budget { amount: Amount::Time(Millis::ZERO), per: Per::Day };
        let rule = |(number, target): (usize, &Target)| {
            let rule = Rule {
                at_limit: AtLimit::Block,
                warn: Some(Vec::new()),
                snooze: Snooze { per_day: 0, ..Snooze::default() },
                strict: Strict::Open,
                ..Rule::new(free_id("focus", rules, number)?, target.clone(), Some(nothing))
            };
            Some(Effective::new(rule, MadeBy::Focus))
        };
        targets.iter().enumerate().filter_map(rule).collect()
    }

    pub(super) fn settle_focus(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        ended.extend(self.focus.take_if(|focus| moment.machine >= focus.until).map(Ended::Focus));
    }

    pub(super) fn next_focus(&self, next: &mut Next) {
        if let Some(focus) = &self.focus {
            next.at_machine(focus.until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MINUTE, World, rule};
    use super::*;

    fn targets(texts: &[&str]) -> Vec<Target> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn started(texts: &[&str]) -> World {
        let mut world = World::new();
        let now = world.moment();
        world.standing.start_focus(Millis::from_mins(50), targets(texts), &now).unwrap();
        world
    }

    fn shown(held: &[Effective]) -> Vec<String> {
        held.iter().map(|held| format!("{} {}", held.rule.id.as_str(), held.rule.target)).collect()
    }

    #[test]
    fn it_blocks_as_rules_beside_the_persons() {
        let mut world = started(&["domain:x.example", "app:b", "app:b"]);
        let own = [rule("focus", "app:a", Strict::Open), rule("focus-3", "app:a", Strict::Open)];
        let held = world.effective(&own);
        let expected = ["focus app:a", "focus-3 app:a", "focus-2 app:b", "focus-4 domain:x.example"];
        assert_eq!(shown(&held), expected);
        for made in &held[2..] {
            assert_eq!((made.made_by, made.suspended, made.rule.check()), (MadeBy::Focus, false, Ok(())));
            assert_eq!((made.rule.time(), made.rule.at_limit), (Some(Millis::ZERO), AtLimit::Block));
            assert!(made.rule.warnings().is_empty());
            assert_eq!(world.standing.snoozes_left(&made.rule, &world.moment()), 0);
        }
        world.advance(50 * MINUTE - 1);
        assert_eq!((world.effective(&own).len(), world.settle()), (4, vec![]));
        world.advance(1);
        assert_eq!((world.effective(&own).len(), world.settle().len(), world.settle()), (2, 1, vec![]));
    }

    #[test]
    fn without_targets_it_blocks_everything() {
        let mut world = started(&[]);
        assert_eq!(shown(&world.effective(&[])), ["focus all"]);
        assert!(world.standing.stop_focus());
        assert_eq!(
            (world.effective(&[]), world.settle(), world.standing.stop_focus()),
            (vec![], vec![], false)
        );
    }

    #[test]
    fn a_pause_leaves_it_alone() {
        let mut world = started(&[]);
        let now = world.moment();
        world.standing.pause(Millis::from_mins(60), &now).unwrap();
        assert!(!world.effective(&[])[0].suspended);
    }

    #[test]
    fn absurd_sessions_are_refused() {
        let mut world = started(&["app:a"]);
        let now = world.moment();
        let mut start = |length, targets| world.standing.start_focus(length, targets, &now);
        assert_eq!(start(Millis::ZERO, vec![]), Err(FocusError::Length));
        assert_eq!(start(FOCUS_MOST + Millis::from_ms(1), vec![]), Err(FocusError::Length));
        let many: Vec<_> = (0..51).map(|number| format!("app:{number}")).collect();
        let many = targets(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(start(FOCUS_MOST, many), Err(FocusError::TooManyTargets));
        assert_eq!(world.standing.focus(&now).unwrap().targets, targets(&["app:a"]));
    }
}
