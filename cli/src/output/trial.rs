//! A limit tried on the past, as people read it.

use dwell_bus::wire;

use super::instant::{Zone, weekday};
use super::look::{Ink, Look};
use super::phrase::count;
use super::text::{glance, left, plain, right, width, wrap};

/// On which days it would have been reached, what is usual, and what it would have kept.
pub(crate) fn screen(trial: &wire::Trial, look: Look) -> String {
    let zone = Zone::new(&trial.zone);
    let mut lines = wrap(&plain(&trial.rule), look.width, 2);
    let days = count(trial.days.into(), "day");
    let range = if trial.from == trial.to {
        plain(&trial.from).into_owned()
    } else {
        format!("{} to {}", plain(&trial.from), plain(&trial.to))
    };
    let told = if trial.hits.is_empty() {
        format!("Never reached on {days} with anything recorded, {range}")
    } else {
        format!("It would have been reached on {} of {days}, {range}:", trial.hits.len())
    };
    lines.extend(wrap(&told, look.width, 2).iter().map(|line| look.ink(Ink::Strong, line)));
    let used: Vec<_> = trial.hits.iter().map(|hit| glance(hit.used_ms)).collect();
    let used_columns = used.iter().map(|used| width(used)).max().unwrap_or(0);
    let names: Vec<_> = trial.hits.iter().map(|hit| day(&hit.day)).collect();
    let name_columns = names.iter().map(|name| width(name)).max().unwrap_or(0);
    for ((hit, used), name) in trial.hits.iter().zip(used).zip(names) {
        let at = hit.at_ms.map(|at| format!("  at {}", zone.clock(at))).unwrap_or_default();
        let line = format!("  {}  {}{at}", left(&name, name_columns), right(&used, used_columns));
        lines.extend(wrap(&line, look.width, 4));
    }
    if trial.median_ms > 0 {
        let usual = format!("On an ordinary day with any of it: {}", glance(trial.median_ms));
        lines.extend(wrap(&usual, look.width, 2));
    }
    if trial.over_ms > 0 {
        lines.extend(wrap(
            &format!("The limit would have kept {} in all", glance(trial.over_ms)),
            look.width,
            2,
        ));
    }
    lines.join("\n")
}

/// `Mon 9 Nov`, or the text where it is no day.
fn day(text: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let named = || {
        let (month, day) = (text.get(5..7)?.parse::<usize>().ok()?, text.get(8..10)?.parse::<u8>().ok()?);
        Some(format!("{} {day:>2} {}", weekday(text)?, MONTHS.get(month.checked_sub(1)?)?))
    };
    named().unwrap_or_else(|| plain(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial() -> wire::Trial {
        let hit = |day: &str, minutes: u64, at_ms| wire::TrialDay {
            day: day.into(),
            used_ms: minutes * 60_000,
            at_ms,
        };
        wire::Trial {
            rule: "domain:example.org: 30m a day".into(),
            zone: "Europe/Athens".into(),
            from: "2026-11-08".into(),
            to: "2026-11-21".into(),
            days: 14,
            hits: vec![hit("2026-11-09", 41, Some(1_794_241_200_000)), hit("2026-11-20", 130, None)],
            median_ms: 25 * 60_000,
            over_ms: 111 * 60_000,
        }
    }

    #[test]
    fn screens() {
        let shown = |trial: &wire::Trial, width| screen(trial, Look { width, color: false });
        insta::assert_snapshot!(shown(&trial(), 80), @"
        domain:example.org: 30m a day
        It would have been reached on 2 of 14 days, 2026-11-08 to 2026-11-21:
          Mon  9 Nov     41m  at 18:20
          Fri 20 Nov  2h 10m
        On an ordinary day with any of it: 25m
        The limit would have kept 1h 51m in all
        ");
        insta::assert_snapshot!(shown(&trial(), 40), @"
        domain:example.org: 30m a day
        It would have been reached on 2 of 14
          days, 2026-11-08 to 2026-11-21:
          Mon  9 Nov     41m  at 18:20
          Fri 20 Nov  2h 10m
        On an ordinary day with any of it: 25m
        The limit would have kept 1h 51m in all
        ");
        let never = wire::Trial { hits: vec![], over_ms: 0, to: "2026-11-08".into(), days: 1, ..trial() };
        insta::assert_snapshot!(shown(&never, 80), @"
        domain:example.org: 30m a day
        Never reached on 1 day with anything recorded, 2026-11-08
        On an ordinary day with any of it: 25m
        ");
        assert_eq!(day("x\x1b"), r"x\u{1b}");
    }
}
