//! The focus session: targets are blocked for a while. It is begun on purpose, and can be stopped at any time.
//!
//! It acts as rules of its own, one a target, beside the person's. Of those that are over it is kept how long they were to
//! last and how long they did, and not what they blocked.

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Effective, Ended, MadeBy, Moment, Next, Standing, free_id};
use crate::calendar::CivilDay;
use crate::rules::{Amount, AtLimit, Budget, Per, Rule, Snooze, Strict};
use crate::subject::Target;
use crate::time::{Millis, Wall};

/// The longest session.
pub const FOCUS_MOST: Millis = Millis::from_secs(12 * 3600);
/// At most this many targets a session.
pub const MAX_FOCUS_TARGETS: usize = 50;
/// For how many dwell days those that are over are kept for the report.
pub const SESSIONS_KEPT_DAYS: i32 = 60;
/// What is stopped sooner was a slip, and nothing that was planned.
const SLIP: Millis = Millis::from_mins(1);
/// At most this many of them, the latest.
const MAX_PAST: usize = 500;

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
    /// When it began, by the clock on the wall, and the dwell day in which that was. `None`: it began before that was
    /// kept, and is not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<(Wall, CivilDay)>,
}

/// A focus session that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Session {
    /// When it began, by the clock on the wall.
    pub at: Wall,
    /// The dwell day in which that was.
    pub day: CivilDay,
    /// How long it was to last.
    pub planned: Millis,
    /// How long it lasted: less, where it was stopped, or another one begun in its place.
    pub lasted: Millis,
}

impl Focus {
    /// What is kept of it once it is over; nothing where it was stopped right away.
    fn over(&self, moment: &Moment) -> Option<Session> {
        let (at, day) = self.began?;
        let lasted = self.length.saturating_sub(moment.left(self.until));
        (lasted >= SLIP.min(self.length)).then_some(Session { at, day, planned: self.length, lasted })
    }
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
        self.stop_focus(moment);
        let began = Some((moment.now.wall, moment.today));
        self.focus = Some(Focus { targets, until: moment.machine + length, length, began });
        Ok(())
    }

    /// Stops the session; `false`: there was none.
    pub fn stop_focus(&mut self, moment: &Moment) -> bool {
        let Some(stopped) = self.focus.take() else { return false };
        self.sessions.extend(stopped.over(moment));
        true
    }

    /// The sessions of the last [`SESSIONS_KEPT_DAYS`] days that are over, in the order in which they ended.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// The session that runs, as it would be kept if it were stopped now.
    pub fn running_session(&self, moment: &Moment) -> Option<Session> {
        self.focus(moment)?.over(moment)
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
        if let Some(over) = self.focus.take_if(|focus| moment.machine >= focus.until) {
            self.sessions.extend(over.over(moment));
            ended.push(Ended::Focus(over));
        }
        self.sessions.retain(|session| moment.today <= session.day.plus(SESSIONS_KEPT_DAYS));
        self.sessions.drain(..self.sessions.len().saturating_sub(MAX_PAST));
    }

    pub(super) fn next_focus(&self, next: &mut Next) {
        if let Some(focus) = &self.focus {
            next.at_machine(focus.until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DAY, MINUTE, World, rule};
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
        let now = world.moment();
        assert!(world.standing.stop_focus(&now));
        assert_eq!(
            (world.effective(&[]), world.settle(), world.standing.stop_focus(&now)),
            (vec![], vec![], false)
        );
    }

    #[test]
    fn how_long_it_lasted_is_kept_and_not_what_it_blocked() {
        let minutes = |world: &World| -> Vec<_> {
            let sessions = world.standing.sessions().iter();
            sessions.map(|over| (over.planned.as_ms() / MINUTE, over.lasted.as_ms() / MINUTE)).collect()
        };
        let mut world = started(&["domain:secret.example"]);
        world.advance(20 * MINUTE);
        let now = world.moment();
        assert_eq!(world.standing.running_session(&now).unwrap().lasted, Millis::from_mins(20));
        // Another one in its place, then one that is stopped, then one that ends while no daemon runs.
        world.standing.start_focus(Millis::from_mins(30), vec![], &now).unwrap();
        world.advance(30 * MINUTE);
        assert_eq!(world.settle().len(), 1);
        let now = world.moment();
        world.standing.start_focus(Millis::from_mins(10), vec![], &now).unwrap();
        world.advance(MINUTE);
        let now = world.moment();
        assert!(world.standing.stop_focus(&now));
        // One that was a slip.
        world.standing.start_focus(Millis::from_mins(45), vec![], &now).unwrap();
        world.advance(MINUTE - 1);
        let now = world.moment();
        assert_eq!(world.standing.running_session(&now), None);
        assert!(world.standing.stop_focus(&now));
        world.standing.start_focus(Millis::from_mins(5), vec![], &now).unwrap();
        world.restart(90 * MINUTE);
        assert_eq!(world.settle().len(), 1);
        assert_eq!(minutes(&world), [(50, 20), (30, 30), (10, 1), (5, 5)]);
        assert!(!serde_json::to_string(&world.standing).unwrap().contains("secret"));
        world.advance(60 * DAY);
        world.settle();
        assert_eq!(minutes(&world).len(), 4);
        world.advance(DAY);
        world.settle();
        assert_eq!(minutes(&world), []);
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
