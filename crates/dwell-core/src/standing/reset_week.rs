//! The reset week: for seven days every budget of time is a little smaller than the day before, and then all is as it was.
//!
//! It lies over the rules and never changes them, so that its end restores them exactly. It is an offer: it can be
//! stopped at any time.

use serde::{Deserialize, Serialize};

use super::{Effective, Ended, MadeBy, Moment, Next, Standing, free_id};
use crate::calendar::CivilDay;
use crate::rules::{Amount, AtLimit, Budget, Per, Rule, Snooze, Strict};
use crate::subject::Target;
use crate::time::Millis;

/// How many dwell days it lasts.
pub const RESET_DAYS: u32 = 7;
/// By how much each day lessens a budget, in percent of the whole.
const STEP: u32 = 7;

/// The reset week at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetWeekState {
    /// Its day, 1 to 7.
    pub day: u32,
    /// What is left of each budget of time, in percent.
    pub percent: u32,
    /// Its last dwell day: it ends when that does.
    pub last_day: CivilDay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ResetWeek {
    first_day: CivilDay,
    #[serde(default)]
    baseline: Option<Millis>,
}

impl ResetWeek {
    /// The day, 1 to 7, where the clock was set back the first; `None`: over.
    fn day(self, today: CivilDay) -> Option<u32> {
        let gone = today.epoch_days().saturating_sub(self.first_day.epoch_days()).max(0);
        Some(gone.unsigned_abs() + 1).filter(|day| *day <= RESET_DAYS)
    }

    fn last_day(self) -> CivilDay {
        self.first_day.plus(RESET_DAYS.cast_signed() - 1)
    }
}

impl Standing {
    /// Begins a reset week with today; one that runs goes on. `baseline` is what was used a day of late, in all: where
    /// the person has no budget of time on everything, one is made from it that notifies.
    pub fn start_reset_week(&mut self, baseline: Option<Millis>, moment: &Moment) {
        if self.reset_week(moment).is_none() {
            self.reset_week = Some(ResetWeek { first_day: moment.today, baseline });
        }
    }

    /// Stops the reset week; `false`: there was none.
    pub fn stop_reset_week(&mut self) -> bool {
        self.reset_week.take().is_some()
    }

    /// The reset week, where one runs.
    pub fn reset_week(&self, moment: &Moment) -> Option<ResetWeekState> {
        let week = self.reset_week?;
        let day = week.day(moment.today)?;
        Some(ResetWeekState { day, percent: 100 - STEP * day, last_day: week.last_day() })
    }

    pub(super) fn reset_week_rule(&self, rules: &[Rule], moment: &Moment) -> Option<Effective> {
        let percent = self.reset_week(moment)?.percent;
        let baseline = self.reset_week?.baseline.filter(|baseline| !baseline.is_zero())?;
        if rules.iter().any(|rule| rule.target == Target::All && rule.time().is_some()) {
            return None;
        }
        let whole = Amount::Time(baseline.min(Millis::from_mins(24 * 60)));
        let budget = Budget { amount: whole, per: Per::Day };
        let rule = Rule {
            at_limit: AtLimit::Notify,
            snooze: Snooze { per_day: 0, ..Snooze::default() },
            strict: Strict::Open,
            ..Rule::new(free_id("reset-week", rules, 0)?, Target::All, Some(budget))
        };
        Some(Effective { made_by: MadeBy::ResetWeek, ..scaled(&rule, Some(percent)) })
    }

    pub(super) fn settle_reset_week(&mut self, moment: &Moment, ended: &mut Vec<Ended>) {
        if self.reset_week.take_if(|week| week.day(moment.today).is_none()).is_some() {
            ended.push(Ended::ResetWeek);
        }
    }

    pub(super) fn next_reset_week(&self, moment: &Moment, next: &mut Next) {
        if self.reset_week.is_some() {
            next.at_wall(moment.day_end);
        }
    }
}

/// A rule with so many percent of its budget of time, in whole minutes; at least one minute of it stays.
pub(super) fn scaled(rule: &Rule, percent: Option<u32>) -> Effective {
    let mut rule = rule.clone();
    let time = rule.time().zip(rule.budget).zip(percent);
    let percent = time.map(|((whole, budget), percent)| {
        let minute = Millis::from_mins(1);
        let part = u128::from(whole.as_ms()) * u128::from(percent) / 100 / u128::from(minute.as_ms());
        let part = Millis::from_mins(u64::try_from(part).unwrap_or(u64::MAX)).max(minute).min(whole);
        rule.budget = Some(Budget { amount: Amount::Time(part), ..budget });
        // A warning that would now come before anything is used gives way to the usual one.
        rule.warn = rule.warn.take().and_then(|chosen| {
            let none_wanted = chosen.is_empty();
            let fitting: Vec<_> = chosen.into_iter().filter(|warning| *warning < part).collect();
            (none_wanted || !fitting.is_empty()).then_some(fitting)
        });
        percent
    });
    Effective { percent, ..Effective::new(rule, MadeBy::Person) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{DAY, HOUR, World, plain, rule};
    use super::*;
    use crate::rules::Hours;

    fn amount(text: &str, warn: Option<&[&str]>) -> Rule {
        let whole = Budget { amount: Amount::Time(text.parse().unwrap()), per: Per::Week };
        let warn = warn.map(|warn| warn.iter().map(|warn| warn.parse().unwrap()).collect());
        Rule { budget: Some(whole), warn, ..rule("r", "app:a", Strict::Cooling) }
    }

    fn left(rule: &Rule, percent: u32) -> String {
        let held = scaled(rule, Some(percent));
        assert_eq!((held.rule.per(), held.percent), (Per::Week, Some(percent)));
        held.rule.time().unwrap().typed()
    }

    #[test]
    fn budgets_are_lessened_in_whole_minutes() {
        for (whole, percent, part) in [
            ("100m", 93, "1h33m"),
            ("100m", 51, "51m"),
            ("45m", 93, "41m"),
            ("10m", 51, "5m"),
            ("1m30s", 93, "1m"),
            ("1m", 51, "1m"),
            ("30s", 51, "30s"),
            ("0s", 51, "0s"),
        ] {
            assert_eq!(left(&amount(whole, None), percent), part, "{whole} {percent}");
        }
        let visits = Rule {
            budget: Some(Budget { amount: Amount::Opens(9), per: Per::Day }),
            ..rule("r", "app:a", Strict::Open)
        };
        assert_eq!(scaled(&visits, Some(51)), Effective::new(visits, MadeBy::Person));
    }

    #[test]
    fn warnings_that_would_come_too_early_give_way() {
        let warn = |chosen: Option<&[&str]>| scaled(&amount("10m", chosen), Some(51)).rule.warn;
        assert_eq!(warn(None), None);
        assert_eq!(warn(Some(&[])), Some(Vec::new()));
        assert_eq!(warn(Some(&["6m", "1m"])), Some(vec![Millis::from_mins(1)]));
        assert_eq!(warn(Some(&["6m", "5m"])), None);
    }

    #[test]
    fn seven_days_and_then_all_is_as_it_was() {
        let mut world = World::new();
        let rules = [amount("100m", None), rule("two", "all", Strict::Open)];
        let now = world.moment();
        world.standing.start_reset_week(Some(Millis::from_mins(200)), &now);
        let mut percents = Vec::new();
        for day in 1..=7 {
            let now = world.moment();
            let week = world.standing.reset_week(&now).unwrap();
            assert_eq!((week.day, week.last_day.to_string().as_str()), (day, "2026-11-29"));
            let held = world.effective(&rules);
            assert_eq!(held.len(), 2);
            assert_eq!(held[0].rule.time(), Some(Millis::from_mins(u64::from(week.percent))));
            percents.push(week.percent);
            // Begun again, it goes on.
            world.standing.start_reset_week(None, &now);
            assert_eq!(world.settle(), []);
            world.reboot(DAY - 20_000);
        }
        assert_eq!(percents, [93, 86, 79, 72, 65, 58, 51]);
        assert_eq!(world.effective(&rules), plain(&rules));
        assert_eq!((world.settle(), world.settle()), (vec![Ended::ResetWeek], vec![]));
        assert!(!world.standing.stop_reset_week());
    }

    #[test]
    fn it_ends_with_the_day_and_can_be_stopped() {
        let mut world = World::new();
        let now = world.moment();
        world.standing.start_reset_week(None, &now);
        world.advance(6 * DAY + 16 * HOUR - 1);
        assert!(world.standing.reset_week(&world.moment()).is_some());
        world.advance(1);
        assert_eq!(world.standing.reset_week(&world.moment()), None);
        let mut world = World::new();
        world.standing.start_reset_week(None, &now);
        assert!(world.standing.stop_reset_week());
        assert_eq!((world.effective(&[amount("9m", None)])[0].percent, world.settle()), (None, vec![]));
    }

    #[test]
    fn where_nothing_limits_everything_it_says_so_itself() {
        let mut world = World::new();
        let now = world.moment();
        world.standing.start_reset_week(Some(Millis::from_mins(200)), &now);
        // Hours are no budget.
        let night = Rule {
            budget: None,
            hours: Hours::Blocked(vec!["22:00-07:00".parse().unwrap()]),
            ..rule("reset-week", "all", Strict::Open)
        };
        let held = world.effective(std::slice::from_ref(&night));
        let made = &held[1];
        assert_eq!((made.rule.id.as_str(), made.made_by), ("reset-week-2", MadeBy::ResetWeek));
        assert_eq!((made.rule.time(), made.rule.at_limit), (Some(Millis::from_mins(186)), AtLimit::Notify));
        assert_eq!((&made.rule.target, made.rule.check(), made.percent), (&Target::All, Ok(()), Some(93)));
        assert_eq!(held[0], Effective::new(night, MadeBy::Person));
        // In a pause it is as silent as the person's open rules.
        world.standing.pause(Millis::from_mins(1), &now).unwrap();
        assert!(world.effective(&[])[0].suspended);
        // A baseline that no day can have still makes a rule that can be kept.
        let mut world = World::new();
        world.standing.start_reset_week(Some(Millis::from_mins(9000)), &now);
        assert_eq!(world.effective(&[])[0].rule.check(), Ok(()));
        for nothing in [None, Some(Millis::ZERO)] {
            let mut world = World::new();
            world.standing.start_reset_week(nothing, &now);
            assert_eq!(world.effective(&[]), []);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_eighth_day() {
        let mut world = World::new();
        let now = world.moment();
        world.standing.start_reset_week(None, &now);
        world.step(-(30 * DAY).cast_signed());
        assert_eq!(world.standing.reset_week(&world.moment()).map(|week| week.day), Some(1));
    }

    proptest! {
        #[test]
        fn a_scaled_rule_can_be_kept_and_is_never_looser(
            ms in 0_u64..7 * DAY, percent in 0_u32..=100, warnings in prop::collection::vec(0.0..0.999, 0..4),
        ) {
            let mut rule = amount(&Millis::from_ms(ms).typed(), None);
            if ms > 0 {
                let of = |part: f64| Millis::from_ms((part * 1000.0) as u64 * ms / 1000);
                rule.warn = Some(warnings.into_iter().map(of).collect());
            }
            prop_assert_eq!(rule.check(), Ok(()));
            let held = scaled(&rule, Some(percent)).rule;
            prop_assert_eq!(held.check(), Ok(()));
            prop_assert!(held.time() <= rule.time());
            prop_assert!(held.time() >= rule.time().min(Some(Millis::from_mins(1))));
        }
    }
}
