//! `dwell why TARGET`: which rules apply, what is used and left, and what changes next.

use dwell_bus::wire;

use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::instant::Zone;
use crate::output::look::{Ink, Look};
use crate::output::text::{plain, wrap};
use crate::output::{json, limits, phrase, standing};

/// Tell which rules apply, what is used and left, and what changes next
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
}

/// Asks and explains.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let mut why = daemon.ask(|d| d.why(&args.target)).await?;
    strictest_first(&mut why.rules);
    if console.json {
        console.say(&json::line(&json::Why::new(&why)));
        return Ok(End::Well);
    }
    let beside = if why.rules.iter().any(|rule| rule.suspended == Some(true)) {
        suspended(&daemon.ask(|d| d.standing()).await?, now_ms())
    } else {
        Vec::new()
    };
    console.say(&screen(&why, &beside, now_ms(), console.look));
    Ok(End::Well)
}

/// Why a rule about sites is one about the browser.
const UNSEEN: &str = "Its sites cannot be told: it has no extension, or shows a private window";

/// Why rules are suspended: the exit, or a pause.
fn suspended(now: &wire::Standing, now_ms: i64) -> Vec<String> {
    let exit = now.exit_until_at_ms.and_then(|_| standing::exit(now, now_ms));
    let pause = || standing::pause(now, now_ms).map(|pause| format!("{pause}: `dwell resume` ends that"));
    exit.or_else(pause).into_iter().collect()
}

/// The rule that blocks longest, then those that block, those that nearly do, and those that are suspended last.
fn strictest_first(rules: &mut [wire::Limit]) {
    rules.sort_by_key(|rule| {
        let verdict = match rule.verdict.as_str() {
            "blocked" => 0,
            "warn" => 1,
            _ if rule.suspended == Some(true) => 3,
            _ => 2,
        };
        // One that blocks without an end blocks longest.
        (verdict, std::cmp::Reverse(if verdict == 0 { rule.until_at_ms.unwrap_or(i64::MAX) } else { 0 }))
    });
}

/// The screen; `beside`: what suspends rules, a sentence each.
fn screen(why: &wire::Why, beside: &[String], now_ms: i64, look: Look) -> String {
    let zone = Zone::new(&why.zone);
    // What allows nothing ends with no day.
    let ends = !why.rules.iter().any(|rule| phrase::never(rule).is_some());
    let verdict = phrase::verdict(&why.verdict, why.until_at_ms.filter(|_| ends), zone, now_ms);
    let mut lines: Vec<String> = wrap(&format!("{} is {verdict}", plain(&why.target)), look.width, 2)
        .iter()
        .map(|line| look.ink(Ink::Strong, line))
        .collect();
    if why.rules.is_empty() {
        lines.extend(wrap("No rule applies to it.", look.width, 2));
        return lines.join("\n");
    }
    let strictest = why.rules.first().filter(|rule| rule.verdict == why.verdict);
    let strictest = strictest.filter(|rule| rule.suspended != Some(true));
    if let Some(because) = strictest.and_then(because) {
        lines.extend(wrap(&because, look.width, 2));
    }
    if why.without_extension == Some(true) {
        lines.extend(wrap(UNSEEN, look.width, 2));
    }
    lines.extend(beside.iter().flat_map(|line| wrap(line, look.width, 2)));
    if let Some(next) = next(&why.rules, zone, now_ms) {
        lines.extend(wrap(&next, look.width, 2));
    }
    lines.push(String::new());
    lines.extend(limits::table(&why.rules, limits::Ids::Shown, zone, now_ms, look));
    lines.join("\n")
}

/// `Because of firefox: 30m a day are used up`
fn because(rule: &wire::Limit) -> Option<String> {
    let because = rule.because.as_deref()?;
    if rule.made_by.as_deref() == Some("focus") {
        return Some("Because of the focus session".to_owned());
    }
    let days = rule.days.as_ref().map(|days| format!(" on {}", plain(days))).unwrap_or_default();
    let what = match because {
        "hours" => phrase::hours(rule).unwrap_or_else(|| "its hours".to_owned()) + &days,
        "budget" | "opens" => {
            let end = match (rule.budget_ms, rule.budget_opens) {
                (Some(0), _) | (None, Some(0)) => "",
                _ if rule.verdict == "blocked" => " are used up",
                _ => " are nearly used up",
            };
            format!("{}{days}{end}", phrase::budget(rule))
        }
        other => plain(other).into_owned(),
    };
    let reset = if rule.made_by.as_deref() == Some("reset-week") { " in the reset week" } else { "" };
    Some(format!("Because of {}{reset}: {what}", plain(&rule.id)))
}

/// The first thing that changes by itself, over all rules: `Next: at 22:10 the snooze of firefox ends`.
fn next(rules: &[wire::Limit], zone: Zone, now_ms: i64) -> Option<String> {
    let changes = rules.iter().filter(|rule| phrase::never(rule).is_none()).flat_map(|rule| {
        let id = plain(&rule.id);
        let verdict = rule.until_at_ms.map(|at| match rule.verdict.as_str() {
            _ if rule.made_by.as_deref() == Some("focus") => (at, "the focus session ends".to_owned()),
            "blocked" => (at, format!("{id} opens again")),
            _ if rule.hours.is_some() => (at, format!("the hours of {id} begin")),
            _ => (at, format!("{id} starts anew")),
        });
        let snooze = rule.snoozed_until_at_ms.map(|at| (at, format!("the snooze of {id} ends")));
        // A new period of nothing changes nothing.
        let budget = rule.budget_opens.map(u64::from).or(rule.budget_ms).filter(|amount| *amount > 0);
        let budget = budget.is_some().then(|| (rule.renews_at_ms, format!("{id} starts anew")));
        [verdict, snooze, budget].into_iter().flatten()
    });
    let (at, what) = changes.filter(|(at, _)| *at > now_ms).min_by_key(|(at, _)| *at)?;
    Some(format!("Next: {} {what}", zone.at(at, now_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::limits::tests::{NOW, limits};

    fn why() -> wire::Why {
        wire::Why {
            target: "app:firefox".into(),
            verdict: "blocked".into(),
            until_at_ms: Some(1_795_312_800_000),
            without_extension: None,
            rules: limits(),
            zone: "Europe/Athens".into(),
        }
    }

    #[test]
    fn screens() {
        insta::assert_snapshot!(screen(&why(), &[], NOW, Look { width: 80, color: false }), @"
        app:firefox is blocked until 04:00
        Because of firefox: 30m a day are used up
        Next: at 04:00 firefox opens again

          firefox  app:firefox     ████████    30m of 30m  opens again at 04:00
          video    category:video  ███████▍    41m of 45m  4m left
          all      all             ███▎      3h 12m of 8h  4h 48m left
        ");
        insta::assert_snapshot!(screen(&why(), &[], NOW, Look { width: 20, color: false }), @"
        app:firefox is
          blocked until
          04:00
        Because of firefox:
          30m a day are used
          up
        Next: at 04:00
          firefox opens
          again

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
        let free = wire::Why { verdict: "allowed".into(), until_at_ms: None, rules: vec![], ..why() };
        insta::assert_snapshot!(screen(&free, &[], NOW, Look { width: 80, color: false }), @"
        app:firefox is allowed
        No rule applies to it.
        ");
    }

    #[test]
    fn a_browser_without_the_extension_is_told_why() {
        let video = wire::Limit { id: "video".into(), target: "category:video".into(), ..limits().remove(0) };
        let why = wire::Why { rules: vec![video], without_extension: Some(true), ..why() };
        insta::assert_snapshot!(screen(&why, &[], NOW, Look { width: 80, color: false }), @"
        app:firefox is blocked until 04:00
        Because of video: 30m a day are used up
        Its sites cannot be told: it has no extension, or shows a private window
        Next: at 04:00 video opens again

          video  category:video  ████████  30m of 30m  opens again at 04:00
        ");
        let document = json::line(&json::Why::new(&why));
        assert!(document.contains(r#""without_extension":true"#), "{document}");
    }

    #[test]
    fn what_allows_nothing_does_not_open_again() {
        let closed = |change: fn(&mut wire::Limit)| {
            let mut rule =
                wire::Limit { budget_ms: Some(0), because: Some("budget".into()), ..limits().remove(0) };
            change(&mut rule);
            let why = wire::Why { rules: vec![rule], ..why() };
            screen(&why, &[], NOW, Look { width: 90, color: false })
        };
        insta::assert_snapshot!(closed(|_| ()), @"
        app:firefox is blocked
        Because of firefox: no time on any day

          firefox  app:firefox  ████████  30m of 0s  closed all day (this rule allows no time)
        ");
        insta::assert_snapshot!(closed(|rule| rule.days = Some("sat,sun".into())), @"
        app:firefox is blocked until 04:00
        Because of firefox: no time on sat,sun
        Next: at 04:00 firefox opens again

          firefox  app:firefox  ████████  30m of 0s  opens again at 04:00
        ");
        insta::assert_snapshot!(closed(|rule| { rule.budget_ms = None; rule.budget_opens = Some(0); }), @"
        app:firefox is blocked
        Because of firefox: no visit on any day

          firefox  app:firefox  0 of 0 visits  closed all day (this rule allows no visit)
        ");
    }

    #[test]
    fn a_pause_is_said() {
        let now = wire::Standing {
            zone: "Europe/Athens".into(),
            paused_until_at_ms: Some(NOW + 3_600_000),
            ..wire::Standing::default()
        };
        let rule = wire::Limit {
            suspended: Some(true),
            verdict: "allowed".into(),
            until_at_ms: None,
            ..limits().remove(0)
        };
        let why = wire::Why { rules: vec![rule], verdict: "allowed".into(), until_at_ms: None, ..why() };
        insta::assert_snapshot!(screen(&why, &suspended(&now, NOW), NOW, Look { width: 80, color: false }), @"
        app:firefox is allowed
        Your open rules are suspended until 23:05: `dwell resume` ends that
        Next: at 04:00 firefox starts anew

          firefox  app:firefox  ████████  30m of 30m  suspended
        ");
        let off = wire::Standing { exit_until_at_ms: Some(NOW + 7_200_000), ..now };
        insta::assert_snapshot!(suspended(&off, NOW).join("|"), @"All your own rules are off until 00:05");
    }

    #[test]
    fn the_strictest_comes_first_and_says_why() {
        let shown = |rules: Vec<wire::Limit>, verdict: &str| {
            let mut why = wire::Why { rules, verdict: verdict.into(), until_at_ms: None, ..why() };
            strictest_first(&mut why.rules);
            let shown = screen(&why, &[], NOW, Look { width: 80, color: false });
            shown.split("\n\n").next().unwrap_or_default().to_owned()
        };
        let all = || limits().into_iter().rev().collect::<Vec<_>>();
        let hours = |verdict: &str| wire::Limit {
            id: "downtime".into(),
            budget_ms: None,
            left_ms: None,
            verdict: verdict.into(),
            hours: Some("blocked 22:00-07:00".into()),
            because: (verdict == "blocked").then(|| "hours".into()),
            until_at_ms: Some(NOW + 3_600_000),
            ..limits().remove(2)
        };
        insta::assert_snapshot!(shown([all(), vec![hours("blocked")]].concat(), "blocked"), @"
        app:firefox is blocked
        Because of firefox: 30m a day are used up
        Next: at 23:05 downtime opens again
        ");
        // What blocks for longer is stricter.
        let until =
            |minutes: i64| wire::Limit { until_at_ms: Some(NOW + minutes * 60_000), ..hours("blocked") };
        insta::assert_snapshot!(shown([all(), vec![until(600)]].concat(), "blocked"), @"
        app:firefox is blocked
        Because of downtime: blocked 22:00-07:00
        Next: at 04:00 firefox opens again
        ");
        insta::assert_snapshot!(shown(vec![hours("allowed")], "allowed"), @"
        app:firefox is allowed
        Next: at 23:05 the hours of downtime begin
        ");
        insta::assert_snapshot!(shown(all()[..2].to_vec(), "warn"), @"
        app:firefox is allowed, little or nothing left
        Because of video: 45m a day are nearly used up
        Next: at 04:00 video starts anew
        ");
        let visits = wire::Limit {
            budget_ms: None,
            budget_opens: Some(5),
            because: Some("opens".into()),
            made_by: Some("reset-week".into()),
            days: Some("mon-fri".into()),
            ..limits().remove(0)
        };
        insta::assert_snapshot!(shown(vec![visits.clone()], "blocked"), @"
        app:firefox is blocked
        Because of firefox in the reset week: 5 visits a day on mon-fri are used up
        Next: at 04:00 firefox opens again
        ");
        let snoozed = wire::Limit {
            verdict: "allowed".into(),
            because: None,
            snoozed_until_at_ms: Some(NOW + 300_000),
            ..visits
        };
        insta::assert_snapshot!(shown(vec![snoozed], "allowed"), @"
        app:firefox is allowed
        Next: at 22:10 the snooze of firefox ends
        ");
        let focus = wire::Limit {
            id: "focus-1".into(),
            made_by: Some("focus".into()),
            budget_ms: Some(0),
            ..limits().remove(0)
        };
        insta::assert_snapshot!(shown(vec![focus], "blocked"), @"
        app:firefox is blocked
        Because of the focus session
        Next: at 04:00 the focus session ends
        ");
    }

    #[test]
    fn document() {
        let mut why = why();
        why.rules.truncate(1);
        insta::assert_snapshot!(json::line(&json::Why::new(&why)), @r#"{"schema":"dwell.why/1","target":"app:firefox","verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00","rules":[{"id":"firefox","target":"app:firefox","used_seconds":1800,"budget_seconds":1800,"left_seconds":0,"verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00","per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":"budget","strict":null,"except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null}]}"#);
    }
}
