//! What the window says of a rule, made from what the daemon answered. Pure: no widget and no clock.

use chrono_tz::Tz;
use dwell_bus::wire;
use dwell_core::calendar::{Calendar, DayStart};
use dwell_core::rules::Per;
use dwell_core::texts::{Cause, Moment, RuleLine, RuleState, Texts};
use dwell_core::time::{Millis, Wall};

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
    pub(crate) fn of(
        rule: &str,
        why: &wire::Why,
        name: Option<&str>,
        texts: &Texts,
        now: Wall,
    ) -> Option<Self> {
        let limit = why.rules.iter().find(|limit| limit.id == rule)?;
        let name = name.map_or_else(|| called(limit, texts), str::to_owned);
        let moment = moment(&limit.zone, now);
        let until = Wall::from_unix_ms(limit.until_at_ms.unwrap_or(limit.renews_at_ms));
        let used = match limit.because.as_deref() {
            // Hours act whatever is used: a bar would lead astray.
            Some("hours") => None,
            _ => used_in_words(limit, texts).map(|words| (part(limit), words)),
        };
        let opens = limit.until_at_ms.filter(|_| limit.verdict == "blocked" && !never(limit));
        let line = |other: &wire::Limit| {
            let own = (other.id == rule).then_some(name.as_str());
            line(other, own, texts, now)
        };
        Some(Self {
            heading: texts.heading(&name, cause(limit), until),
            used,
            opens: opens.map(|until| texts.opens_again(&moment, Wall::from_unix_ms(until))),
            rules: why.rules.iter().map(line).collect(),
            name,
        })
    }
}

/// What was reached; `None`: nothing was.
fn cause(limit: &wire::Limit) -> Option<Cause> {
    let per = per(limit);
    let time = Cause::Time {
        used: Millis::from_ms(limit.used_ms),
        budget: Millis::from_ms(limit.budget_ms.unwrap_or(0)),
        per,
    };
    match (limit.verdict.as_str(), limit.because.as_deref()) {
        ("blocked", _) if limit.made_by.as_deref() == Some("focus") => Some(Cause::Focus),
        ("blocked", Some("hours")) => Some(Cause::Hours),
        ("blocked", _) if gives_nothing(limit) && limit.days.is_some() => Some(Cause::NotToday),
        ("blocked", Some("opens")) => {
            Some(Cause::Visits { visits: limit.budget_opens.unwrap_or_default(), per })
        }
        ("blocked", _) => Some(time),
        _ if is_used_up(limit) => Some(time),
        _ => None,
    }
}

/// Whether its budget is one of nothing.
fn gives_nothing(limit: &wire::Limit) -> bool {
    matches!((limit.budget_opens, limit.budget_ms), (Some(0), _) | (None, Some(0)))
}

/// Whether it allows nothing on any day, so that it does not open again by itself.
fn never(limit: &wire::Limit) -> bool {
    gives_nothing(limit)
        && limit.days.is_none()
        && limit.because.as_deref() != Some("hours")
        && limit.made_by.as_deref() != Some("focus")
}

fn per(limit: &wire::Limit) -> Per {
    limit.per.parse().unwrap_or(Per::Day)
}

/// What it is called, where the daemon says no more than its target.
fn called(limit: &wire::Limit, texts: &Texts) -> String {
    if let Some(alias) = &limit.alias {
        return alias.clone();
    }
    match limit.target.split_once(':') {
        Some(("category", category)) => texts.category(category),
        Some(("app", app)) => app.rsplit('.').find(|part| !part.is_empty()).unwrap_or(app).to_owned(),
        Some((_, name)) => name.to_owned(),
        None if limit.target == "all" => texts.everything(),
        None => limit.target.clone(),
    }
}

fn line(limit: &wire::Limit, name: Option<&str>, texts: &Texts, now: Wall) -> String {
    let name = name.map_or_else(|| called(limit, texts), str::to_owned);
    let blocked = limit.verdict == "blocked";
    let state = match (limit.snoozed_until_at_ms, limit.until_at_ms) {
        _ if limit.suspended == Some(true) => RuleState::Suspended,
        (Some(until), _) => RuleState::PutOff(Wall::from_unix_ms(until)),
        _ if blocked && never(limit) => RuleState::Never,
        (None, Some(until)) if blocked => RuleState::Blocks(Wall::from_unix_ms(until)),
        (None, _) => RuleState::Open,
    };
    let line = RuleLine {
        name: &name,
        used: used_in_words(limit, texts),
        per: per(limit),
        days: limit.days.as_deref(),
        hours: limit.hours.as_deref(),
        state,
    };
    texts.rule_line(&moment(&limit.zone, now), &line)
}

/// None where there is nothing to be used.
fn used_in_words(limit: &wire::Limit, texts: &Texts) -> Option<String> {
    if gives_nothing(limit) {
        return None;
    }
    if let Some(budget) = limit.budget_opens {
        return Some(texts.used_visits(limit.used_opens.unwrap_or(0), budget));
    }
    limit.budget_ms.map(|budget| texts.used_time(Millis::from_ms(limit.used_ms), Millis::from_ms(budget)))
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

/// When something is said. Days here are those of the calendar on the wall: at one in the night, 04:00 is not tomorrow.
pub(crate) fn moment(zone: &str, now: Wall) -> Moment {
    let midnight: DayStart = "00:00".parse().unwrap_or_default();
    Moment { calendar: Calendar::new(zone.parse().unwrap_or(Tz::UTC), midnight), now }
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
        Face::of("firefox", &why, Some("Firefox"), &Texts::new("en"), NOW)
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
        assert_eq!((face.heading.as_str(), face.used), ("Firefox is closed now", None));
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
    fn what_allows_nothing_does_not_open_again() {
        let nothing = wire::Limit { budget_ms: Some(0), ..limit() };
        let closed = face(vec![nothing.clone()]).unwrap();
        assert_eq!((closed.heading.as_str(), closed.opens, closed.used), ("Firefox is closed", None, None));
        assert!(closed.rules[0].ends_with("closed, for it allows no time"), "{}", closed.rules[0]);
        // A focus session ends.
        let focus = wire::Limit { made_by: Some("focus".to_owned()), ..nothing.clone() };
        let focus = face(vec![focus]).unwrap();
        assert_eq!((focus.heading.as_str(), focus.used), ("Firefox is closed now", None));
        assert!(focus.opens.is_some());
        assert_eq!(focus.rules, ["Firefox: opens again tomorrow at 04:00"]);
        // So does a day that is one of the rule's.
        let day = face(vec![wire::Limit { days: Some("sat".to_owned()), ..nothing }]).unwrap();
        assert_eq!(day.opens.as_deref(), Some("It opens again tomorrow at 04:00."));
        assert_eq!(day.rules, ["Firefox: only sat; opens again tomorrow at 04:00"]);
    }

    #[test]
    fn days_are_those_on_the_wall() {
        let texts = Texts::new("en");
        let said = |at, zone, now| texts.opens_again(&moment(zone, now), Wall::from_unix_ms(at));
        let (now, night) = (NOW.as_unix_ms(), Wall::from_unix_ms(NOW.as_unix_ms() + 9 * HOUR));
        assert_eq!(said(now + 12 * HOUR, "UTC", night), "It opens again at 04:00.");
        assert_eq!(said(now + 36 * HOUR, "UTC", NOW), "It opens again on Monday at 04:00.");
        assert_eq!(said(now, "Europe/Athens", NOW), "It opens again at 18:00.");
        assert_eq!(said(now - HOUR, "no/where", NOW), "It opens again at 15:00.");
    }

    #[test]
    fn targets_without_a_name() {
        let texts = Texts::new("en");
        let named = |target: &str| called(&wire::Limit { target: target.to_owned(), ..limit() }, &texts);
        assert_eq!(named("app:org.mozilla.firefox"), "firefox");
        assert_eq!(named("domain:example.org"), "example.org");
        assert_eq!(named("category:video"), "Everything in “video”");
        assert_eq!(named("all"), "Screen time");
    }
}
