//! Forgetting: what is kept for the report beside history goes with it.
//!
//! That is what is planned, focus sessions, and what limits did. What is in force stays: rules, snoozes, and a session that
//! runs goes on, but is in no report.

use super::Standing;
use super::intention::Intentions;
use crate::calendar::CivilDay;
use crate::subject::Target;

/// What a person wants gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Everything before this dwell day.
    Before(CivilDay),
    /// Everything of one.
    Day(CivilDay),
    /// Everything of a program or a domain.
    Of(Target),
}

impl Gone {
    /// Whether it is about all of a day.
    pub(super) fn takes_day(&self, day: CivilDay) -> bool {
        match self {
            Self::Before(first) => day < *first,
            Self::Day(one) => day == *one,
            Self::Of(_) => false,
        }
    }

    /// Whether it is about something of a day. Programs and domains are the same here as in history.
    pub(super) fn takes(&self, day: CivilDay, about: Option<&Target>) -> bool {
        match (self, about) {
            (Self::Before(_) | Self::Day(_), _) => self.takes_day(day),
            (Self::Of(Target::App(gone)), Some(Target::App(app))) => gone.covers(app),
            (Self::Of(Target::Domain(gone)), Some(Target::Domain(domain))) => {
                gone.as_str().eq_ignore_ascii_case(domain.as_str())
            }
            (Self::Of(_), _) => false,
        }
    }
}

impl Standing {
    /// Drops what is kept of it for the report, and says how many entries that were.
    pub fn forget(&mut self, gone: &Gone) -> usize {
        let before = self.sessions.len();
        self.sessions.retain(|session| !gone.takes_day(session.day));
        let over = before - self.sessions.len();
        let began =
            self.focus.as_mut().and_then(|focus| focus.began.take_if(|(_, day)| gone.takes_day(*day)));
        over + usize::from(began.is_some()) + self.intentions.forget(gone) + self.nag.forget(gone)
    }
}

impl Intentions {
    fn forget(&mut self, gone: &Gone) -> usize {
        let before = self.running.len() + self.past.len();
        for planned in [&mut self.past, &mut self.running] {
            planned.retain(|planned| !gone.takes(planned.day, Some(&planned.target)));
        }
        before - self.running.len() - self.past.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DAY, MINUTE, World};
    use super::*;
    use crate::standing::{DigestEntry, DigestKind};
    use crate::time::Millis;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    /// Two days with a session, two plans and two lines each, one of which an earlier version wrote; and on the third a plan
    /// that runs.
    fn world() -> (World, CivilDay) {
        let mut world = World::new();
        let first = world.moment().today;
        for _ in 0..2 {
            let now = world.moment();
            world.standing.start_focus(Millis::from_mins(5), vec![target("domain:a.example")], &now).unwrap();
            for what in ["app:game/level", "domain:a.example"] {
                world.standing.intend(target(what), Millis::from_mins(5), Some("x".into()), &now).unwrap();
            }
            for about in [Some(target("app:Game")), None] {
                let (line, kind, at) = ("line".to_owned(), DigestKind::Reached, now.now.wall);
                let entry = DigestEntry { line, target: about, kind, at };
                world.standing.nag_mut().hold_back(now.today, entry);
            }
            world.advance(6 * MINUTE);
            assert_eq!(world.settle().len(), 3);
            world.advance(DAY - 6 * MINUTE);
        }
        let now = world.moment();
        world.standing.intend(target("app:game"), Millis::from_mins(5), None, &now).unwrap();
        (world, first)
    }

    fn left(world: &World, first: CivilDay) -> [usize; 5] {
        let standing = &world.standing;
        let lines = |day| standing.nag().digest(day).map_or(0, |held| held.entries.len());
        let (past, running) = (standing.past_intentions().len(), standing.intentions().len());
        [standing.sessions().len(), past, running, lines(first), lines(first.plus(1))]
    }

    #[test]
    fn what_is_kept_for_reports_goes_with_history() {
        for (gone, went, expected) in [
            (Gone::Day(world().1), 5, [1, 2, 1, 0, 2]),
            (Gone::Before(world().1.plus(1)), 5, [1, 2, 1, 0, 2]),
            (Gone::Before(world().1), 0, [2, 4, 1, 2, 2]),
            (Gone::Before(world().1.plus(2)), 10, [0, 0, 1, 0, 0]),
            (Gone::Before(world().1.plus(3)), 11, [0, 0, 0, 0, 0]),
            // Both of its plans that are over, the one that runs, and its lines.
            (Gone::Of(target("app:game")), 5, [2, 2, 0, 1, 1]),
            (Gone::Of(target("domain:A.example")), 2, [2, 2, 1, 2, 2]),
            (Gone::Of(target("domain:b.example")), 0, [2, 4, 1, 2, 2]),
            (Gone::Of(target("app:gam")), 0, [2, 4, 1, 2, 2]),
        ] {
            let (mut world, first) = world();
            assert_eq!((world.standing.forget(&gone), left(&world, first)), (went, expected), "{gone:?}");
            assert_eq!(world.standing.forget(&gone), 0);
        }
    }

    #[test]
    fn a_session_that_runs_goes_on_and_is_in_no_report() {
        let mut world = World::new();
        let now = world.moment();
        world.standing.start_focus(Millis::from_mins(5), vec![], &now).unwrap();
        world.advance(2 * MINUTE);
        let now = world.moment();
        assert_eq!(world.standing.forget(&Gone::Of(target("all"))), 0);
        assert_eq!(world.standing.forget(&Gone::Day(now.today)), 1);
        assert_eq!(
            (world.standing.focus(&now).is_some(), world.standing.running_session(&now)),
            (true, None)
        );
        world.advance(3 * MINUTE);
        assert_eq!((world.settle().len(), world.standing.sessions()), (1, &[][..]));
    }
}
