//! The status for bars of desktops: waybar, those that speak i3bar's protocol, and those that show a line of text.
//!
//! Everything is told in whole minutes, so that a bar is drawn anew once a minute at most while nothing else changes.

use dwell_bus::wire;
use dwell_core::time::Millis;
use serde::Serialize;

use super::instant::Zone;
use super::report::label;
use super::text::plain;
use super::{json, phrase};

/// The text while the daemon is away.
pub(crate) const AWAY: &str = "-";

const MINUTE: u64 = 60_000;

/// `3h 12m`, `0m`
fn minutes(ms: u64) -> String {
    match ms / MINUTE {
        0 => "0m".to_owned(),
        minutes => Millis::from_mins(minutes).to_string(),
    }
}

/// What is left or said of a limit, with minutes that have begun counted as whole: not before nothing is left does a bar
/// say so.
fn state(limit: &wire::Limit, status: &wire::Status) -> String {
    let left_ms = limit.left_ms.map(|ms| ms.div_ceil(MINUTE) * MINUTE);
    let limit = wire::Limit { left_ms, ..limit.clone() };
    phrase::state(&limit, Zone::new(&status.zone), status.now_at_ms).0
}

/// After how many milliseconds a bar says something else although nothing happens; `None`: not before something does.
pub(crate) fn next_ms(status: &wire::Status) -> Option<u64> {
    let counting = status.state == "active" && status.active.is_some();
    let left = tightest(status).and_then(|(limit, _)| limit.left_ms).filter(|left| *left > 0);
    // Both turn once a minute; what is left does so at its own moment.
    let turns = [Some(MINUTE - status.total_ms % MINUTE), left.map(|left| (left - 1) % MINUTE + 1)];
    counting.then(|| turns.into_iter().flatten().min())?
}

/// The limit that is nearest to its end, and how much of it is used, 0 to 100.
fn tightest(status: &wire::Status) -> Option<(&wire::Limit, u64)> {
    let part = |used: u64, whole: u64| {
        u64::try_from(u128::from(used) * 100 / u128::from(whole)).unwrap_or(100).min(100)
    };
    let percent = |limit: &wire::Limit| match (limit.budget_ms, limit.budget_opens) {
        // It blocks nothing for now.
        _ if limit.suspended == Some(true) => 0,
        (Some(0), _) | (None, Some(0)) => 100,
        (Some(budget), _) => part(limit.used_ms, budget),
        (None, Some(opens)) => part(limit.used_opens.unwrap_or(0).into(), opens.into()),
        (None, None) if limit.verdict == "blocked" => 100,
        (None, None) => 0,
    };
    status.limits.iter().map(|limit| (limit, percent(limit))).max_by_key(|(_, percent)| *percent)
}

/// The strictest verdict, or the state where that says more.
fn class(status: &wire::Status) -> &str {
    let any = |verdict: &str| status.limits.iter().any(|limit| limit.verdict == verdict);
    if phrase::is_paused(status) {
        "paused"
    } else if status.state != "active" {
        &status.state
    } else if any("blocked") {
        "blocked"
    } else if any("warn") {
        "warn"
    } else {
        "allowed"
    }
}

/// The document of a custom module of waybar (`return-type: json`).
#[derive(Serialize)]
struct Module<'a> {
    text: String,
    tooltip: String,
    class: &'a str,
    percentage: u64,
}

/// Today's total; the rest of the status is in the tooltip. The percentage is that of the limit of which most is used.
pub(crate) fn waybar(status: &wire::Status) -> String {
    let mut tooltip = vec![phrase::attention(status)];
    tooltip.extend(status.top.iter().map(|row| format!("{}  {}", minutes(row.ms), label(row))));
    tooltip.extend(
        status.limits.iter().map(|limit| format!("{}: {}", plain(&limit.target), state(limit, status))),
    );
    if let Some(standing) = &status.standing {
        tooltip.extend(super::standing::lines(standing, status.now_at_ms));
    }
    tooltip.extend(phrase::problems(&status.health));
    json::line(&Module {
        text: markup(&minutes(status.total_ms)),
        tooltip: markup(&tooltip.join("\n")),
        class: class(status),
        percentage: tightest(status).map_or(0, |(_, percent)| percent),
    })
}

/// The same while the daemon is away.
pub(crate) fn waybar_away(why: &str) -> String {
    json::line(&Module { text: AWAY.to_owned(), tooltip: markup(why), class: "away", percentage: 0 })
}

/// Bars read Pango markup: a program's name must not become a tag.
fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A block of i3bar's protocol, without markup.
#[derive(Serialize)]
struct Block {
    full_text: String,
    short_text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'static str>,
    urgent: bool,
}

/// Today's total, and a limit that is half used up.
pub(crate) fn i3(status: &wire::Status) -> String {
    json::line(&Block {
        full_text: line(status),
        short_text: minutes(status.total_ms),
        color: match class(status) {
            "warn" => Some("#e0af68"),
            "blocked" => Some("#f7768e"),
            _ => None,
        },
        urgent: false,
    })
}

/// The same while the daemon is away.
pub(crate) fn i3_away() -> String {
    json::line(&Block { full_text: AWAY.into(), short_text: AWAY.into(), color: None, urgent: false })
}

/// The same as a line of text.
pub(crate) fn line(status: &wire::Status) -> String {
    let total = minutes(status.total_ms);
    match tightest(status) {
        Some((limit, percent)) if percent >= 50 => {
            format!("{total}  {}: {}", plain(&limit.target), state(limit, status))
        }
        _ => total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::status::tests::status;

    #[test]
    fn bars_of_the_desktop() {
        let mut status = status();
        status.top[1].name = "<b>&".into();
        insta::assert_snapshot!(waybar(&status), @r#"{"text":"3h 12m","tooltip":"Firefox (example.org)\n1h 40m  Firefox\n55m  &lt;b&gt;&amp;\n37m  日本語の長い名前のプログラム\napp:firefox: opens again at 04:00\ncategory:video: 4m left\nall: 4h 48m left\nidle: no idle sensor on this desktop\\u{1b}[2J\nlock, session: no bus","class":"blocked","percentage":100}"#);
        insta::assert_snapshot!(i3(&status), @r##"{"full_text":"3h 12m  app:firefox: opens again at 04:00","short_text":"3h 12m","color":"#f7768e","urgent":false}"##);
        status.limits.clear();
        status.state = "idle".into();
        insta::assert_snapshot!(waybar(&status), @r#"{"text":"3h 12m","tooltip":"Away from the keyboard\n1h 40m  Firefox\n55m  &lt;b&gt;&amp;\n37m  日本語の長い名前のプログラム\nidle: no idle sensor on this desktop\\u{1b}[2J\nlock, session: no bus","class":"idle","percentage":0}"#);
        insta::assert_snapshot!(i3(&status), @r#"{"full_text":"3h 12m","short_text":"3h 12m","urgent":false}"#);
    }
    #[test]
    fn bars_tell_whole_minutes_and_when_they_turn() {
        let mut status = status();
        status.limits.truncate(2);
        status.limits.remove(0);
        status.total_ms = 59_000;
        status.limits[0].left_ms = Some(30_500);
        insta::assert_snapshot!(line(&status), @"0m  category:video: 1m left");
        assert_eq!(next_ms(&status), Some(1000));
        status.total_ms = 60_000;
        assert_eq!(next_ms(&status), Some(30_500));
        status.limits[0].left_ms = Some(120_000);
        insta::assert_snapshot!(line(&status), @"1m  category:video: 2m left");
        assert_eq!(next_ms(&status), Some(60_000));
        status.state = "idle".into();
        assert_eq!(next_ms(&status), None);
    }

    #[test]
    fn a_daemon_that_is_away_is_a_quiet_line() {
        insta::assert_snapshot!(waybar_away("<gone>"), @r#"{"text":"-","tooltip":"&lt;gone&gt;","class":"away","percentage":0}"#);
        insta::assert_snapshot!(i3_away(), @r#"{"full_text":"-","short_text":"-","urgent":false}"#);
    }
}
