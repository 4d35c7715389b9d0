//! What is in force beside the rules: pause, exit, focus session, intentions and the reset week.

use dwell_bus::wire;

use super::change::length;
use super::instant::Zone;
use super::phrase;
use super::text::{glance, plain};

/// Everything that is in force, a sentence each; none where nothing is.
pub(crate) fn lines(standing: &wire::Standing, now_ms: i64) -> Vec<String> {
    let mut said: Vec<_> =
        [exit(standing, now_ms), pause(standing, now_ms), focus(standing, now_ms), reset(standing)]
            .into_iter()
            .flatten()
            .collect();
    said.extend(standing.intentions.iter().flatten().filter(|plan| !plan.over).map(intention));
    said
}

/// `Your open rules are suspended until 22:05`
pub(crate) fn pause(standing: &wire::Standing, now_ms: i64) -> Option<String> {
    let until = Zone::new(&standing.zone).near(standing.paused_until_at_ms?, now_ms);
    Some(format!("Your open rules are suspended until {until}"))
}

/// `All your own rules are off until 04:00`, or how long that waits still.
pub(crate) fn exit(standing: &wire::Standing, now_ms: i64) -> Option<String> {
    if let Some(at) = standing.exit_until_at_ms {
        let until = Zone::new(&standing.zone).near(at, now_ms);
        return Some(format!("All your own rules are off until {until}"));
    }
    let wait = length(standing.exit_waits_ms?);
    Some(format!("In {wait} all your own rules are off until the next day starts"))
}

/// `Focus until 22:55: category:social is blocked`
pub(crate) fn focus(standing: &wire::Standing, now_ms: i64) -> Option<String> {
    let until = Zone::new(&standing.zone).near(standing.focus_until_at_ms?, now_ms);
    let blocked = match standing.focus_blocks.as_deref().unwrap_or_default() {
        [] => "all but terminals is blocked".to_owned(),
        [all] if all == "all" => "all but terminals is blocked".to_owned(),
        [one] => format!("{} is blocked", plain(one)),
        some => format!("{} are blocked", plain(&phrase::list(some))),
    };
    Some(format!("Focus until {until}: {blocked}"))
}

/// `Reset week, day 3 of 7`
pub(crate) fn reset(standing: &wire::Standing) -> Option<String> {
    standing.reset_day.map(|day| format!("Reset week, day {day} of 7"))
}

/// `YouTube: 15m planned, 4m used (find the lecture)`
pub(crate) fn intention(plan: &wire::Intention) -> String {
    let name = plain(if plan.name.is_empty() { &plan.target } else { &plan.name });
    let to = plan.to.as_deref().map(|to| format!(" ({})", plain(to))).unwrap_or_default();
    format!("{name}: {} planned, {} used{to}", glance(plan.planned_ms), glance(plan.actual_ms))
}

/// `2 focus sessions: 1h 40m planned, lasted 1h 20m`; none where there were none.
pub(crate) fn sessions(all: &[wire::FocusSession]) -> Option<String> {
    let sum = |of: fn(&wire::FocusSession) -> u64| glance(all.iter().map(of).sum());
    let number = phrase::count(u64::try_from(all.len()).ok().filter(|number| *number > 0)?, "focus session");
    Some(format!("{number}: {} planned, lasted {}", sum(|one| one.planned_ms), sum(|one| one.lasted_ms)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::output::limits::tests::NOW;

    pub(crate) fn standing() -> wire::Standing {
        wire::Standing {
            zone: "Europe/Athens".into(),
            paused_until_at_ms: Some(NOW + 3 * 86_400_000),
            exit_waits_ms: Some(600_000),
            exit_until_at_ms: None,
            focus_until_at_ms: Some(NOW + 50 * 60_000),
            focus_blocks: Some(vec!["category:social".into(), "app:game\x1b".into()]),
            intentions: Some(vec![plan(false), plan(true)]),
            reset_day: Some(3),
        }
    }

    pub(crate) fn focus_sessions() -> Vec<wire::FocusSession> {
        let session =
            |at, lasted| wire::FocusSession { at_ms: NOW + at, planned_ms: 3_000_000, lasted_ms: lasted };
        vec![session(-7_200_000, 3_000_000), session(-3_600_000, 1_800_400)]
    }

    pub(crate) fn plan(over: bool) -> wire::Intention {
        wire::Intention {
            target: "domain:youtube.com".into(),
            name: "YouTube".into(),
            at_ms: NOW - 240_000,
            planned_ms: 900_000,
            actual_ms: 240_000,
            to: Some("find the lecture".into()),
            over,
        }
    }

    #[test]
    fn everything_at_once() {
        insta::assert_snapshot!(lines(&standing(), NOW).join("\n"), @r"
        In 10m all your own rules are off until the next day starts
        Your open rules are suspended until Tue 22:05
        Focus until 22:55: category:social and app:game\u{1b} are blocked
        Reset week, day 3 of 7
        YouTube: 15m planned, 4m used (find the lecture)
        ");
        let other = wire::Standing {
            exit_until_at_ms: Some(NOW + 6 * 3_600_000),
            focus_blocks: None,
            paused_until_at_ms: None,
            intentions: None,
            reset_day: None,
            ..standing()
        };
        insta::assert_snapshot!(lines(&other, NOW).join("\n"), @"
        All your own rules are off until 04:05
        Focus until 22:55: all but terminals is blocked
        ");
        assert!(lines(&wire::Standing::default(), NOW).is_empty());
    }
}
