//! What the window says of a rule, made from what the daemon answered. Pure: no widget and no clock.

use chrono_tz::Tz;
use dwell_bus::wire;
use dwell_core::calendar::{Calendar, DayStart};
use dwell_core::time::{Millis, Wall};

use crate::texts::{self, Reached, When};

/// What is in the window. Private, so it has no `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) struct Face {
    /// The largest line.
    pub(crate) heading: String,
    /// What it is about, for people.
    pub(crate) name: String,
    /// The part that is used, 0 to 1, and the same in words; none where the rule has no budget.
    pub(crate) used: Option<(f64, String)>,
    /// When it opens again.
    pub(crate) opens: Option<String>,
    /// The rules that apply, a line each.
    pub(crate) rules: Vec<String>,
}

impl Face {
    /// The face of `rule`; none when it does not apply any more. `name` is what the daemon calls the target, where it
    /// said so.
    pub(crate) fn of(rule: &str, why: &wire::Why, name: Option<&str>, now: Wall) -> Option<Self> {
        let limit = why.rules.iter().find(|limit| limit.id == rule)?;
        let name = name.map_or_else(|| called(limit), str::to_owned);
        let heading = match (limit.verdict.as_str(), limit.because.as_deref()) {
            ("blocked", Some("opens")) => texts::heading(&name, Reached::Visits, &limit.per),
            ("blocked", Some("hours")) => texts::heading(&name, Reached::Hours, &limit.per),
            ("blocked", _) => texts::heading(&name, Reached::Time, &limit.per),
            _ if is_used_up(limit) => texts::heading(&name, Reached::Time, &limit.per),
            _ => texts::heading_before(&name),
        };
        let used = match limit.because.as_deref() {
            // Hours act whatever is used: a bar would lead astray.
            Some("hours") => None,
            _ => used_in_words(limit).map(|words| (part(limit), words)),
        };
        let blocked = limit.verdict == "blocked";
        let opens = limit.until_at_ms.filter(|_| blocked).map(|until| when(until, &limit.zone, now));
        let rules = why.rules.iter().map(|other| line(other, (other.id == rule).then_some(&name), now));
        Some(Self {
            heading,
            used,
            opens: opens.map(|when| texts::opens_again(&when)),
            rules: rules.collect(),
            name,
        })
    }
}

fn called(limit: &wire::Limit) -> String {
    limit.alias.clone().unwrap_or_else(|| texts::target(&limit.target))
}

fn line(limit: &wire::Limit, name: Option<&String>, now: Wall) -> String {
    let name = name.cloned().unwrap_or_else(|| called(limit));
    let blocked = limit.verdict == "blocked";
    texts::rule(&texts::Rule {
        name: &name,
        used: used_in_words(limit),
        per: &limit.per,
        days: limit.days.as_deref(),
        hours: limit.hours.as_deref(),
        until: limit.until_at_ms.filter(|_| blocked).map(|until| when(until, &limit.zone, now)),
        snoozed: limit.snoozed_until_at_ms.map(|until| when(until, &limit.zone, now)),
        suspended: limit.suspended.unwrap_or(false),
    })
}

fn used_in_words(limit: &wire::Limit) -> Option<String> {
    if let Some(budget) = limit.budget_opens {
        return Some(texts::used_visits(limit.used_opens.unwrap_or(0), budget));
    }
    limit.budget_ms.map(|budget| texts::used_time(Millis::from_ms(limit.used_ms), Millis::from_ms(budget)))
}

fn is_used_up(limit: &wire::Limit) -> bool {
    limit.budget_ms.is_some_and(|budget| limit.used_ms >= budget)
}

/// The part of the budget that is used. A budget of nothing is used up.
fn part(limit: &wire::Limit) -> f64 {
    let (used, budget) = match limit.budget_opens {
        Some(budget) => (u64::from(limit.used_opens.unwrap_or(0)), u64::from(budget)),
        None => (limit.used_ms, limit.budget_ms.unwrap_or(0)),
    };
    if used >= budget { 1.0 } else { ratio(used, budget) }
}

#[expect(clippy::cast_precision_loss, reason = "a bar has some hundred pixels")]
fn ratio(used: u64, budget: u64) -> f64 {
    used as f64 / budget as f64
}

/// How far away an instant is, by the days of the calendar on the wall.
fn when(at_ms: i64, zone: &str, now: Wall) -> When {
    let calendar = Calendar::new(zone.parse().unwrap_or(Tz::UTC), midnight());
    let at = Wall::from_unix_ms(at_ms);
    let (today, day) = (calendar.day_of(now), calendar.day_of(at));
    let face = calendar.clock_face(at);
    match day.epoch_days() - today.epoch_days() {
        ..=0 => When::Today(face),
        1 => When::Tomorrow(face),
        2..=6 => When::Weekday(day.days_from_monday(), face),
        days => When::InDays(days),
    }
}

/// Days here are those of the wall's calendar: at one in the night, 04:00 is not tomorrow.
fn midnight() -> DayStart {
    "00:00".parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const HOUR: i64 = 3_600_000;
    /// 2026-11-21, a Saturday, 16:00 UTC.
    const NOW: Wall = Wall::from_unix_ms(1_795_276_800_000);

    fn limit() -> wire::Limit {
        wire::Limit {
            id: "firefox".to_owned(),
            target: "app:org.mozilla.firefox".to_owned(),
            used_ms: 30 * MINUTE,
            budget_ms: Some(30 * MINUTE),
            left_ms: Some(0),
            verdict: "blocked".to_owned(),
            because: Some("budget".to_owned()),
            until_at_ms: Some(NOW.as_unix_ms() + 12 * HOUR),
            per: "day".to_owned(),
            at_limit: "block".to_owned(),
            zone: "UTC".to_owned(),
            ..wire::Limit::default()
        }
    }

    fn face(rules: Vec<wire::Limit>) -> Option<Face> {
        let why = wire::Why { rules, ..wire::Why::default() };
        Face::of("firefox", &why, Some("Firefox"), NOW)
    }

    #[test]
    fn a_budget_that_is_used_up() {
        let face = face(vec![limit()]).unwrap();
        assert_eq!(face.heading, "Firefox: that was today’s time");
        assert_eq!(face.used, Some((1.0, "30 of 30 minutes".to_owned())));
        assert_eq!(face.opens.as_deref(), Some("It opens again tomorrow at 04:00."));
        assert_eq!(face.rules, ["Firefox: 30 of 30 minutes today; opens again tomorrow at 04:00"]);
    }

    #[test]
    fn hours_have_no_bar() {
        let hours = wire::Limit {
            because: Some("hours".to_owned()),
            hours: Some("blocked 22:00-07:00".to_owned()),
            ..limit()
        };
        let face = face(vec![hours]).unwrap();
        assert_eq!((face.heading.as_str(), face.used), ("Firefox: not at this hour", None));
    }

    #[test]
    fn visits_are_counted() {
        let visits = wire::Limit {
            because: Some("opens".to_owned()),
            budget_ms: None,
            budget_opens: Some(4),
            used_opens: Some(4),
            ..limit()
        };
        let face = face(vec![visits]).unwrap();
        assert_eq!(face.heading, "Firefox: those were today’s visits");
        assert_eq!(face.used, Some((1.0, "4 of 4 visits".to_owned())));
    }

    #[test]
    fn the_rule_is_looked_for_by_its_id() {
        let other = wire::Limit {
            id: "video".to_owned(),
            target: "category:video".to_owned(),
            used_ms: 10 * MINUTE,
            verdict: "allowed".to_owned(),
            because: None,
            until_at_ms: None,
            ..limit()
        };
        let both = face(vec![other.clone(), limit()]).unwrap();
        assert_eq!(both.heading, "Firefox: that was today’s time");
        assert_eq!(both.rules[0], "Everything in “video”: 10 of 30 minutes today");
        assert!(face(vec![other]).is_none(), "a rule that does not apply has no face");
    }

    #[test]
    fn what_is_only_told_of_blames_nobody() {
        let told = wire::Limit { verdict: "warn".to_owned(), used_ms: 25 * MINUTE, because: None, ..limit() };
        let face = face(vec![told]).unwrap();
        assert_eq!(face.heading, "Firefox: a moment to look up");
        assert_eq!(face.opens, None);
        assert!(face.used.is_some_and(|(part, _)| part > 0.8 && part < 0.9));
    }

    #[test]
    fn days_are_those_on_the_wall() {
        let night = Wall::from_unix_ms(NOW.as_unix_ms() + 9 * HOUR);
        assert_eq!(when(NOW.as_unix_ms() + 12 * HOUR, "UTC", night), When::Today("04:00".to_owned()));
        assert_eq!(when(NOW.as_unix_ms() + 36 * HOUR, "UTC", NOW), When::Weekday(0, "04:00".to_owned()));
        assert_eq!(when(NOW.as_unix_ms() + 10 * 24 * HOUR, "UTC", NOW), When::InDays(10));
        assert_eq!(when(NOW.as_unix_ms(), "Europe/Athens", NOW), When::Today("18:00".to_owned()));
        assert_eq!(when(NOW.as_unix_ms() - HOUR, "no/where", NOW), When::Today("15:00".to_owned()));
    }
}
