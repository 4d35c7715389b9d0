//! Whether a limit that is wanted is looser than the rule that is there, as far as that can be told from here.
//!
//! This decides only whether a person is asked first. What waits, the daemon decides, from the whole rule.

use dwell_bus::wire;
use dwell_core::rules::{DAY_MINUTES, Days, Window};

use super::options::AtLimit;
use clap::ValueEnum;

/// What a limit would be. What is not named stays as it is.
#[derive(Debug)]
pub(in crate::commands) struct Wanted {
    amount: Option<Amount>,
    per: String,
    at_limit: Option<AtLimit>,
    days: Option<Days>,
    strict: Option<String>,
    excepts: bool,
    blocked: Option<Minutes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Time(u64),
    Visits(u32),
}

/// The minutes of a day, each blocked or not. A day's later half of an overnight window is taken for the same day's.
type Minutes = Vec<bool>;

impl Wanted {
    /// What these options ask for.
    pub(in crate::commands) fn new(ms: u64, options: &wire::LimitOptions) -> Self {
        let windows = |texts: &Option<Vec<String>>| -> Vec<Window> {
            texts.iter().flatten().filter_map(|text| text.parse().ok()).collect()
        };
        let blocked = match (&options.blocked, &options.allowed) {
            (Some(_), _) => Some(minutes(&windows(&options.blocked), true)),
            (None, Some(_)) => Some(minutes(&windows(&options.allowed), false)),
            (None, None) => None,
        };
        Self {
            amount: match options.opens {
                Some(opens) => Some(Amount::Visits(opens)),
                None => (options.only_hours != Some(true)).then_some(Amount::Time(ms)),
            },
            per: options.per.clone().unwrap_or_default(),
            at_limit: options.at_limit.as_deref().and_then(action),
            days: options.on.as_ref().and_then(|days| days.parse().ok()),
            strict: options.strict.clone(),
            excepts: options.except.is_some(),
            blocked,
        }
    }

    /// Whether something about it is looser than the rule, or cannot be compared with it.
    pub(super) fn is_looser_than(&self, rule: &wire::Limit) -> bool {
        self.gives_more(rule)
            || matches!((self.at_limit, action(&rule.at_limit)), (Some(new), Some(old)) if new < old)
            || self.days.is_some_and(|new| !new.covers(rule_days(rule)))
            || self
                .strict
                .as_ref()
                .is_some_and(|new| rank(new) < rank(rule.strict.as_deref().unwrap_or("cooling")))
            || self.excepts
            || self
                .blocked
                .as_ref()
                .is_some_and(|new| rule_minutes(rule).iter().zip(new).any(|(old, new)| *old && !*new))
    }

    fn gives_more(&self, rule: &wire::Limit) -> bool {
        let other_period = !self.per.is_empty() && self.per != rule.per;
        match (self.amount, rule.budget_opens, rule.budget_ms) {
            // Where there was no budget any is stricter.
            (_, None, None) => false,
            (None, ..) => true,
            (Some(Amount::Visits(new)), Some(old), _) => new > old || other_period,
            (Some(Amount::Time(new)), None, Some(old)) => new > old || other_period,
            (Some(_), ..) => true,
        }
    }
}

fn action(word: &str) -> Option<AtLimit> {
    AtLimit::from_str(word, false).ok()
}

/// `open` below `cooling` below every day, and an earlier day below a later one.
fn rank(strict: &str) -> (u8, &str) {
    match strict {
        "open" => (0, ""),
        "cooling" => (1, ""),
        day => (2, day),
    }
}

fn rule_days(rule: &wire::Limit) -> Days {
    rule.days.as_ref().and_then(|days| days.parse().ok()).unwrap_or(Days::ALL)
}

fn rule_minutes(rule: &wire::Limit) -> Minutes {
    let read =
        |texts: &str| -> Vec<Window> { texts.split(',').filter_map(|text| text.parse().ok()).collect() };
    match rule.hours.as_deref().and_then(|hours| hours.split_once(' ')) {
        Some(("blocked", windows)) => minutes(&read(windows), true),
        Some(("allowed", windows)) => minutes(&read(windows), false),
        _ => minutes(&[], true),
    }
}

/// `inside` where a window is, else its opposite.
fn minutes(windows: &[Window], inside: bool) -> Minutes {
    let mut minutes = vec![!inside; usize::from(DAY_MINUTES)];
    for window in windows {
        for step in 0..window.minutes() {
            let minute = usize::from((window.start().minutes() + step) % DAY_MINUTES);
            if let Some(there) = minutes.get_mut(minute) {
                *there = inside;
            }
        }
    }
    minutes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(change: impl FnOnce(&mut wire::Limit)) -> wire::Limit {
        let mut rule = wire::Limit {
            budget_ms: Some(1_800_000),
            per: "day".into(),
            at_limit: "block".into(),
            strict: Some("cooling".into()),
            ..wire::Limit::default()
        };
        change(&mut rule);
        rule
    }

    fn looser(ms: u64, change: impl FnOnce(&mut wire::LimitOptions), rule: &wire::Limit) -> bool {
        let mut options = wire::LimitOptions::default();
        change(&mut options);
        Wanted::new(ms, &options).is_looser_than(rule)
    }

    #[test]
    fn amounts() {
        let usual = rule(|_| ());
        assert!(looser(1_800_001, |_| (), &usual));
        assert!(!looser(1_800_000, |_| (), &usual) && !looser(0, |_| (), &usual));
        assert!(looser(60_000, |o| o.per = Some("hour".into()), &usual));
        assert!(!looser(60_000, |o| o.per = Some("day".into()), &usual));
        assert!(looser(0, |o| o.opens = Some(3), &usual));
        assert!(looser(0, |o| o.only_hours = Some(true), &usual));
        let visits = rule(|r| {
            r.budget_ms = None;
            r.budget_opens = Some(3)
        });
        assert!(looser(0, |o| o.opens = Some(4), &visits) && !looser(0, |o| o.opens = Some(3), &visits));
        assert!(looser(60_000, |_| (), &visits));
        let hours = rule(|r| {
            r.budget_ms = None;
            r.hours = Some("blocked 22:00-07:00".into())
        });
        assert!(!looser(60_000, |_| (), &hours));
    }

    #[test]
    fn all_the_rest() {
        let usual = rule(|_| ());
        let with = |change: fn(&mut wire::LimitOptions), rule: &wire::Limit| looser(60_000, change, rule);
        assert!(with(|o| o.at_limit = Some("notify".into()), &usual));
        assert!(!with(|o| o.at_limit = Some("lock".into()), &usual));
        assert!(with(|o| o.on = Some("mon-fri".into()), &usual));
        assert!(!with(|o| o.on = Some("mon-sat".into()), &rule(|r| r.days = Some("mon-fri".into()))));
        assert!(with(|o| o.except = Some(vec!["domain:docs.rs".into()]), &usual));
        assert!(with(|o| o.strict = Some("open".into()), &usual));
        assert!(!with(|o| o.strict = Some("locked-until 2026-12-31".into()), &usual));
        let locked = rule(|r| r.strict = Some("locked-until 2026-12-31".into()));
        assert!(with(|o| o.strict = Some("locked-until 2026-12-30".into()), &locked));
        assert!(!with(|o| o.strict = Some("locked-until 2027-01-01".into()), &locked));
    }

    #[test]
    fn hours() {
        let night = rule(|r| {
            r.budget_ms = None;
            r.hours = Some("blocked 22:00-07:00".into())
        });
        let with = |blocked: &[&str], allowed: &[&str]| {
            let texts = |texts: &[&str]| {
                Some(texts.iter().map(|text| (*text).to_owned()).collect()).filter(|t: &Vec<_>| !t.is_empty())
            };
            looser(
                0,
                |o| {
                    o.only_hours = Some(true);
                    o.blocked = texts(blocked);
                    o.allowed = texts(allowed)
                },
                &night,
            )
        };
        assert!(!with(&["22:00-07:00"], &[]) && !with(&["21:00-08:00"], &[]));
        assert!(with(&["23:00-07:00"], &[]) && with(&["22:00-06:59"], &[]));
        assert!(!with(&["21:00-00:00", "00:00-07:00"], &[]));
        assert!(!with(&[], &["07:00-22:00"]) && with(&[], &["07:00-22:01"]));
    }
}
