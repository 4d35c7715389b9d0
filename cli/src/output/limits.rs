//! Limits as people read them: one in full, all of them as a table.

use dwell_bus::wire;
use dwell_core::time::Millis;

use super::change;
use super::instant::Zone;
use super::look::{Ink, Look};
use super::phrase;
use super::text::{bar, cut, glance, left, plain, right, width, wrap};

/// `app:firefox: 30m a day, warning 5m before, then its windows are minimised until 04:00`
pub(crate) fn understood(limit: &wire::Limit, now_ms: i64) -> String {
    let timed = limit.budget_ms.is_some() || limit.budget_opens.is_some();
    let mut said = format!("{}: {}", plain(&limit.target), phrase::budget(limit));
    if let Some(percent) = limit.reset_percent {
        said.push_str(&format!(" (the reset week leaves {percent} % of your own today)"));
    }
    if timed && let Some(hours) = phrase::hours(limit) {
        said.push_str(&format!(", {hours}"));
    }
    if let Some(days) = &limit.days {
        said.push_str(&format!(", on {}", plain(days)));
    }
    match (limit.budget_ms, limit.warn_ms) {
        (None | Some(0), _) => {}
        (_, 0) => said.push_str(", no warning"),
        (_, ms) => said.push_str(&format!(", warning {} before", Millis::from_ms(ms))),
    }
    let again = Zone::new(&limit.zone).near(limit.renews_at_ms, now_ms);
    said + &match (phrase::deed(limit), timed) {
        (None, true) => ", then a notice and nothing more".to_owned(),
        (None, false) => ", with a notice and nothing more".to_owned(),
        (Some(deed), true) if limit.at_limit == "lock" => format!(", then {deed}, once"),
        (Some(deed), true)
            if matches!((limit.budget_opens, limit.budget_ms), (Some(0), _) | (None, Some(0))) =>
        {
            format!("; {deed}")
        }
        (Some(deed), true) => format!(", then {deed} until {again}"),
        (Some(deed), false) => format!("; {deed}"),
    }
}

/// One limit with everything about it.
pub(crate) fn details(limit: &wire::Limit, zone: Zone, now_ms: i64, look: Look) -> String {
    let (state, ink) = phrase::state(limit, zone, now_ms);
    let mut lines = wrap(&understood(limit, now_ms), look.width, 2);
    let used = match (limit.budget_opens, limit.budget_ms) {
        (Some(_), _) => {
            format!("Used {} so far, {state}", phrase::count(limit.used_opens.unwrap_or(0).into(), "visit"))
        }
        (None, Some(_)) => format!("Used {} so far, {state}", glance(limit.used_ms)),
        (None, None) => format!("Now: {state}"),
    };
    lines.extend(wrap(&used, look.width, 2).iter().map(|line| look.ink(ink, line)));
    let mut say = |text: &str| lines.extend(wrap(text, look.width, 2));
    say(&format!("Id: {}", plain(&limit.id)));
    if let Some(by) = &limit.made_by {
        say(&format!("Made by {}", maker(by)));
    }
    if let Some(except) = limit.except.as_deref().filter(|except| !except.is_empty()) {
        say(&format!("Except: {}", plain(&phrase::list(except))));
    }
    match limit.strict.as_deref() {
        None => {}
        Some("open") => say("Looser: at once"),
        Some("cooling") => say("Looser: after 24h with the machine on, and a confirmation"),
        Some(strict) => match strict.strip_prefix("locked-until ") {
            Some(day) => say(&format!(
                "Looser: from {} on, after 24h with the machine on, and a confirmation",
                plain(day)
            )),
            None => say(&format!("Looser: {}", plain(strict))),
        },
    }
    match limit.snoozes_left {
        None => {}
        Some(0) => say("Snoozes: none left today"),
        Some(left) => say(&format!("Snoozes: {left} left today (`dwell snooze {}`)", plain(&limit.id))),
    }
    if let Some(pending) = &limit.pending {
        lines.extend(change::pending(pending, look));
    }
    lines.join("\n")
}

/// `a focus session`
fn maker(made_by: &str) -> String {
    match made_by {
        "focus" => "a focus session".to_owned(),
        "reset-week" => "the reset week".to_owned(),
        other => plain(other).into_owned(),
    }
}

/// Columns of a limit's bar.
const BAR: usize = 8;

/// Whether limits are shown with the ids by which they are shown and removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Only their targets: at a glance.
    Hidden,
    /// Ids and targets.
    Shown,
}

/// Limits as aligned lines; where that is too wide each takes several.
pub(crate) fn table(limits: &[wire::Limit], ids: Ids, zone: Zone, now_ms: i64, look: Look) -> Vec<String> {
    let id_columns = limits.iter().map(|limit| width(&plain(&limit.id))).max().unwrap_or(0).min(20);
    let name = |limit: &wire::Limit| match ids {
        Ids::Hidden => target(limit),
        Ids::Shown => format!("{}  {}", left(&plain(&limit.id), id_columns), target(limit)),
    };
    let cells: Vec<_> =
        limits.iter().map(|limit| (name(limit), used(limit), phrase::state(limit, zone, now_ms))).collect();
    let names = cells.iter().map(|(name, ..)| width(name)).max().unwrap_or(0).max(8);
    let uses = cells.iter().map(|(_, used, _)| width(used)).max().unwrap_or(0);
    let states = cells.iter().map(|(.., (state, _))| width(state)).max().unwrap_or(0);
    let fixed = 2 + 2 + uses + 2 + states;
    // Long targets may be cut, as long as enough of them is left to tell them apart.
    let least = if ids == Ids::Shown { names.min(24 + id_columns) } else { names.min(24) };
    if fixed + least > look.width {
        return cells
            .iter()
            .zip(limits)
            .flat_map(|((_, used, (state, ink)), limit)| {
                let mut lines = vec![cut(&target(limit), look.width).into_owned()];
                if ids == Ids::Shown {
                    lines.extend(wrap(&format!("  id {}", plain(&limit.id)), look.width, 2));
                }
                lines.extend(wrap(&format!("  {used}"), look.width, 2));
                lines.extend(wrap(&format!("  {state}"), look.width, 2).iter().map(|l| look.ink(*ink, l)));
                lines
            })
            .collect();
    }
    let with_bar = fixed + least + BAR + 2 <= look.width;
    let names = names.min(look.width - fixed - if with_bar { BAR + 2 } else { 0 });
    cells
        .iter()
        .zip(limits)
        .map(|((name, used, (state, ink)), limit)| {
            let mut line = format!("  {}  ", left(name, names));
            if with_bar {
                let (part, whole) = fill(limit);
                let cells = bar(part, whole, BAR);
                line.push_str(&look.ink(Ink::Bar, &cells));
                line.push_str(&" ".repeat(BAR.saturating_sub(width(&cells)) + 2));
            }
            format!("{line}{}  {}", right(used, uses), look.ink(*ink, state))
        })
        .collect()
}

/// `app:firefox`, or who else made a rule about it: `app:firefox (reset week)`.
pub(crate) fn target(limit: &wire::Limit) -> String {
    let target = plain(&limit.target);
    match limit.made_by.as_deref() {
        None => target.into_owned(),
        Some("reset-week") => format!("{target} (reset week)"),
        Some(by) => format!("{target} ({})", plain(by)),
    }
}

/// `30m of 45m`, `1h of 10h/week`, `2 of 5 visits`, `not 22:00-07:00`, `only 09:00-17:00 …`
pub(crate) fn used(limit: &wire::Limit) -> String {
    let used = match (limit.budget_opens, limit.budget_ms) {
        (Some(opens), _) => {
            format!("{} of {}", limit.used_opens.unwrap_or(0), phrase::count(opens.into(), "visit"))
        }
        (None, Some(budget)) => format!("{} of {}", glance(limit.used_ms), Millis::from_ms(budget)),
        (None, None) => return limit.hours.as_deref().map_or_else(|| glance(limit.used_ms), stretch),
    };
    match limit.per.as_str() {
        "" | "day" => used,
        per => format!("{used}/{}", plain(per)),
    }
}

/// The first stretch of hours: `limit show` has them all.
fn stretch(hours: &str) -> String {
    let hours = plain(hours);
    let (word, windows) = match hours.split_once(' ') {
        Some(("blocked", windows)) => ("not", windows),
        Some(("allowed", windows)) => ("only", windows),
        _ => return hours.into_owned(),
    };
    match windows.split_once(',') {
        Some((first, _)) => format!("{word} {first} …"),
        None => format!("{word} {windows}"),
    }
}

/// What part of its bar a limit fills.
pub(crate) fn fill(limit: &wire::Limit) -> (u64, u64) {
    match (limit.budget_opens, limit.budget_ms) {
        // A budget of nothing is used up from the start.
        (Some(0), _) | (None, Some(0)) => (1, 1),
        (Some(opens), _) => (limit.used_opens.unwrap_or(0).into(), opens.into()),
        (None, Some(budget)) => (limit.used_ms, budget),
        (None, None) => (u64::from(limit.verdict == "blocked"), 1),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::output::json;

    /// 2026-11-21T22:05:00+02:00
    pub(crate) const NOW: i64 = 1_795_291_500_000;
    const MINUTE: u64 = 60_000;

    pub(crate) fn limits() -> Vec<wire::Limit> {
        let limit = |id: &str, target: &str, used: u64, budget: u64, verdict: &str| wire::Limit {
            id: id.into(),
            alias: None,
            target: target.into(),
            used_ms: used,
            budget_ms: Some(budget),
            left_ms: Some(budget.saturating_sub(used)),
            verdict: verdict.into(),
            until_at_ms: (verdict == "blocked").then_some(1_795_312_800_000),
            per: "day".into(),
            at_limit: "block".into(),
            warn_ms: 5 * MINUTE,
            renews_at_ms: 1_795_312_800_000,
            zone: "Europe/Athens".into(),
            because: (verdict != "allowed").then(|| "budget".into()),
            ..wire::Limit::default()
        };
        vec![
            limit("firefox", "app:firefox", 30 * MINUTE + 400, 30 * MINUTE, "blocked"),
            limit("video", "category:video", 41 * MINUTE, 45 * MINUTE, "warn"),
            limit("all", "all", 192 * MINUTE, 480 * MINUTE, "allowed"),
        ]
    }

    fn zone() -> Zone {
        Zone::new("Europe/Athens")
    }

    #[test]
    fn tables() {
        let table = |width, ids| table(&limits(), ids, zone(), NOW, Look { width, color: false }).join("\n");
        let shown = |width| table(width, Ids::Hidden);
        insta::assert_snapshot!(table(80, Ids::Shown), @"
        firefox  app:firefox     ████████    30m of 30m  opens again at 04:00
        video    category:video  ███████▍    41m of 45m  4m left
        all      all             ███▎      3h 12m of 8h  4h 48m left
        ");
        insta::assert_snapshot!(table(20, Ids::Shown), @"
        app:firefox
          id firefox
          30m of 30m
          opens again at
          04:00
        category:video
          id video
          41m of 45m
          4m left
        all
          id all
          3h 12m of 8h
          4h 48m left
        ");
        insta::assert_snapshot!(shown(80), @"
        app:firefox     ████████    30m of 30m  opens again at 04:00
        category:video  ███████▍    41m of 45m  4m left
        all             ███▎      3h 12m of 8h  4h 48m left
        ");
        insta::assert_snapshot!(shown(50), @"
        app:firefox
          30m of 30m
          opens again at 04:00
        category:video
          41m of 45m
          4m left
        all
          3h 12m of 8h
          4h 48m left
        ");
        insta::assert_snapshot!(shown(20), @"
        app:firefox
          30m of 30m
          opens again at
          04:00
        category:video
          41m of 45m
          4m left
        all
          3h 12m of 8h
          4h 48m left
        ");
        let colored = super::table(&limits()[..1], Ids::Hidden, zone(), NOW, Look { width: 80, color: true })
            .join("\n");
        insta::assert_snapshot!(colored.replace('\x1b', "ESC"), @"  app:firefox  ESC[36m████████ESC[0m  30m of 30m  ESC[1mopens again at 04:00ESC[0m");
    }

    #[test]
    fn what_was_understood() {
        let said = |change: &dyn Fn(&mut wire::Limit)| {
            let mut limit = limits().remove(0);
            change(&mut limit);
            understood(&limit, NOW)
        };
        insta::assert_snapshot!(said(&|_| ()), @"app:firefox: 30m a day, warning 5m before, then its windows are minimised until 04:00");
        insta::assert_snapshot!(said(&|l| l.at_limit = "notify".into()), @"app:firefox: 30m a day, warning 5m before, then a notice and nothing more");
        insta::assert_snapshot!(said(&|l| { l.at_limit = "close".into(); l.warn_ms = 0 }), @"app:firefox: 30m a day, no warning, then its windows are asked to close until 04:00");
        insta::assert_snapshot!(said(&|l| { l.target = "domain:example.org".into(); l.budget_ms = Some(0) }), @"domain:example.org: no time on any day; its pages are blocked");
        insta::assert_snapshot!(said(&|l| l.reset_percent = Some(80)), @"app:firefox: 30m a day (the reset week leaves 80 % of your own today), warning 5m before, then its windows are minimised until 04:00");
        insta::assert_snapshot!(said(&|l| { l.target = "all".into(); l.budget_ms = Some(90 * MINUTE) }), @"all: 1h 30m a day, warning 5m before, then all windows are minimised until 04:00");
    }

    #[test]
    fn one_limit() {
        insta::assert_snapshot!(details(&limits()[1], zone(), NOW, Look { width: 80, color: false }), @"
        category:video: 45m a day, warning 5m before, then its windows are minimised
          until 04:00
        Used 41m so far, 4m left
        Id: video
        ");
    }

    /// One of every kind.
    pub(crate) fn of_every_kind() -> Vec<wire::Limit> {
        let usual = || wire::Limit { because: None, verdict: "allowed".into(), ..limits().remove(2) };
        let hours = |id: &str, hours: &str| wire::Limit {
            id: id.into(),
            budget_ms: None,
            left_ms: None,
            hours: Some(hours.into()),
            until_at_ms: Some(NOW + 3_600_000),
            ..usual()
        };
        vec![
            wire::Limit { days: Some("sun-thu".into()), ..hours("downtime", "blocked 23:00-07:00") },
            wire::Limit {
                target: "app:org.example.Game".into(),
                verdict: "blocked".into(),
                because: Some("hours".into()),
                until_at_ms: Some(NOW + 5 * 86_400_000),
                ..hours("game", "allowed 18:00-19:00, 20:00-21:00")
            },
            wire::Limit {
                id: "news".into(),
                target: "category:news".into(),
                budget_ms: None,
                left_ms: None,
                budget_opens: Some(5),
                used_opens: Some(4),
                ..usual()
            },
            wire::Limit {
                id: "mail".into(),
                target: "app:mail".into(),
                budget_ms: None,
                left_ms: None,
                budget_opens: Some(1),
                used_opens: Some(1),
                per: "hour".into(),
                at_limit: "lock".into(),
                ..usual()
            },
            wire::Limit {
                id: "video".into(),
                target: "domain:youtube.com".into(),
                per: "week".into(),
                budget_ms: Some(600 * MINUTE),
                left_ms: Some(408 * MINUTE),
                except: Some(vec!["domain:docs.rs".into()]),
                strict: Some("locked-until 2026-12-31".into()),
                made_by: Some("reset-week".into()),
                renews_at_ms: NOW + 2 * 86_400_000,
                ..usual()
            },
            wire::Limit {
                id: "social".into(),
                target: "category:social".into(),
                budget_ms: Some(0),
                left_ms: Some(0),
                suspended: Some(true),
                made_by: Some("focus".into()),
                ..usual()
            },
            wire::Limit {
                id: "shop".into(),
                target: "category:shopping".into(),
                per: "month".into(),
                snoozed_until_at_ms: Some(NOW + 300_000),
                snoozes_left: Some(0),
                at_limit: "freeze".into(),
                strict: Some("open".into()),
                ..usual()
            },
        ]
    }

    #[test]
    fn tables_of_every_kind() {
        let table =
            |width, ids| table(&of_every_kind(), ids, zone(), NOW, Look { width, color: false }).join("\n");
        insta::assert_snapshot!(table(100, Ids::Shown), @"
        downtime  all                                           not 23:00-07:00  allowed until 23:05
        game      app:org.example.Game             ████████  only 18:00-19:00 …  opens again on Thu 22:05
        news      category:news                    ██████▌        4 of 5 visits  1 visit left
        mail      app:mail                         ████████   1 of 1 visit/hour  the last visit
        video     domain:youtube.com (reset week)  ██▋       3h 12m of 10h/week  6h 48m left
        social    category:social (focus)          ████████        3h 12m of 0s  suspended
        shop      category:shopping                ███▎      3h 12m of 8h/month  put off until 22:10
        ");
        insta::assert_snapshot!(table(80, Ids::Hidden), @"
        all                                 not 23:00-07:00  allowed until 23:05
        app:org.example.Game             only 18:00-19:00 …  opens again on Thu 22:05
        category:news                         4 of 5 visits  1 visit left
        app:mail                          1 of 1 visit/hour  the last visit
        domain:youtube.com (reset week)  3h 12m of 10h/week  6h 48m left
        category:social (focus)                3h 12m of 0s  suspended
        category:shopping                3h 12m of 8h/month  put off until 22:10
        ");
        insta::assert_snapshot!(table(40, Ids::Shown), @"
        all
          id downtime
          not 23:00-07:00
          allowed until 23:05
        app:org.example.Game
          id game
          only 18:00-19:00 …
          opens again on Thu 22:05
        category:news
          id news
          4 of 5 visits
          1 visit left
        app:mail
          id mail
          1 of 1 visit/hour
          the last visit
        domain:youtube.com (reset week)
          id video
          3h 12m of 10h/week
          6h 48m left
        category:social (focus)
          id social
          3h 12m of 0s
          suspended
        category:shopping
          id shop
          3h 12m of 8h/month
          put off until 22:10
        ");
        for columns in 16..=120 {
            for ids in [Ids::Hidden, Ids::Shown] {
                for line in table(columns, ids).lines() {
                    assert!(width(line) <= columns, "{columns}: {line}");
                }
            }
        }
    }

    #[test]
    fn details_of_every_kind() {
        let look = Look { width: 80, color: false };
        let all: Vec<_> = of_every_kind().iter().map(|limit| details(limit, zone(), NOW, look)).collect();
        insta::assert_snapshot!(all.join("\n--\n"), @"
        all: blocked 23:00-07:00, on sun-thu; all windows are minimised
        Now: allowed until 23:05
        Id: downtime
        --
        app:org.example.Game: allowed only 18:00-19:00, 20:00-21:00; its windows are
          minimised
        Now: opens again on Thu 22:05
        Id: game
        --
        category:news: 5 visits a day, then its windows are minimised until 04:00
        Used 4 visits so far, 1 visit left
        Id: news
        --
        app:mail: 1 visit an hour, then the session is locked, once
        Used 1 visit so far, the last visit
        Id: mail
        --
        domain:youtube.com: 10h a week, warning 5m before, then its pages are blocked
          until Mon 22:05
        Used 3h 12m so far, 6h 48m left
        Id: video
        Made by the reset week
        Except: domain:docs.rs
        Looser: from 2026-12-31 on, after 24h with the machine on, and a confirmation
        --
        category:social: no time on any day; its windows are minimised
        Used 3h 12m so far, suspended
        Id: social
        Made by a focus session
        --
        category:shopping: 8h a month, warning 5m before, then its windows are minimised
          and frozen until 04:00
        Used 3h 12m so far, put off until 22:10
        Id: shop
        Looser: at once
        Snoozes: none left today
        ");
    }

    #[test]
    fn document() {
        insta::assert_snapshot!(json::line(&json::Limits::new(&limits(), zone())), @r#"{"schema":"dwell.limits/1","limits":[{"id":"firefox","target":"app:firefox","used_seconds":1800,"budget_seconds":1800,"left_seconds":0,"verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00","per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":"budget","strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null},{"id":"video","target":"category:video","used_seconds":2460,"budget_seconds":2700,"left_seconds":240,"verdict":"warn","until":null,"per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":"budget","strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null},{"id":"all","target":"all","used_seconds":11520,"budget_seconds":28800,"left_seconds":17280,"verdict":"allowed","until":null,"per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":null,"strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null}]}"#);
        let free = wire::Limit { budget_ms: None, left_ms: None, until_at_ms: None, ..limits().remove(2) };
        insta::assert_snapshot!(json::line(&json::Limits::new(&[free], zone())), @r#"{"schema":"dwell.limits/1","limits":[{"id":"all","target":"all","used_seconds":11520,"budget_seconds":null,"left_seconds":null,"verdict":"allowed","until":null,"per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":null,"strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null}]}"#);
    }
}
