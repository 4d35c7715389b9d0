//! The status for bars of desktops: waybar, and those that speak i3bar's protocol.

use dwell_bus::wire;
use serde::Serialize;

use super::instant::Zone;
use super::report::label;
use super::text::{glance, plain};
use super::{json, phrase};

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

/// The document of a custom module of waybar.
pub(crate) fn waybar(status: &wire::Status) -> String {
    #[derive(Serialize)]
    struct Module<'a> {
        text: String,
        tooltip: String,
        class: &'a str,
        percentage: u64,
    }
    let zone = Zone::new(&status.zone);
    let mut tooltip = vec![phrase::attention(status)];
    tooltip.extend(status.top.iter().map(|row| format!("{}  {}", glance(row.ms), label(row))));
    tooltip.extend(status.limits.iter().map(|limit| {
        format!("{}: {}", plain(&limit.target), phrase::state(limit, zone, status.now_at_ms).0)
    }));
    if let Some(standing) = &status.standing {
        tooltip.extend(super::standing::lines(standing, status.now_at_ms));
    }
    tooltip.extend(phrase::problems(&status.health));
    json::line(&Module {
        text: markup(&glance(status.total_ms)),
        tooltip: markup(&tooltip.join("\n")),
        class: class(status),
        percentage: tightest(status).map_or(0, |(_, percent)| percent),
    })
}

/// Bars read Pango markup: a program's name must not become a tag.
fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A block of i3bar's protocol.
pub(crate) fn i3(status: &wire::Status) -> String {
    #[derive(Serialize)]
    struct Block {
        full_text: String,
        short_text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        color: Option<&'static str>,
        urgent: bool,
    }
    let total = glance(status.total_ms);
    let full = match tightest(status) {
        Some((limit, percent)) if percent >= 50 => {
            let state = phrase::state(limit, Zone::new(&status.zone), status.now_at_ms).0;
            format!("{total}  {}: {state}", plain(&limit.target))
        }
        _ => total.clone(),
    };
    json::line(&Block {
        full_text: full,
        short_text: total,
        color: match class(status) {
            "warn" => Some("#e0af68"),
            "blocked" => Some("#f7768e"),
            _ => None,
        },
        urgent: false,
    })
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
}
