//! Sentences about limits and states that several commands share.

use dwell_bus::wire;

use super::instant::Zone;
use super::look::Ink;
use super::text::{glance, plain};

/// `30m a day`
pub(crate) fn budget(limit: &wire::Limit) -> String {
    let amount = match limit.budget_ms {
        Some(0) => return format!("none of any {}", plain(&limit.per)),
        Some(ms) => dwell_core::time::Millis::from_ms(ms).to_string(),
        None => return "without a budget".to_owned(),
    };
    let article = if limit.per.starts_with('h') { "an" } else { "a" };
    format!("{amount} {article} {}", plain(&limit.per))
}

/// `20m left`, `3m left, soon used up`, `blocked, opens again at 04:00`; with the ink that suits it.
pub(crate) fn state(limit: &wire::Limit, zone: Zone, now_ms: i64) -> (String, Ink) {
    let left = limit.left_ms.map_or_else(|| "allowed".to_owned(), |ms| format!("{} left", glance(ms)));
    match limit.verdict.as_str() {
        "blocked" => match limit.until_at_ms {
            Some(at) => (format!("blocked, opens again at {}", zone.near(at, now_ms)), Ink::Strong),
            None => ("blocked".to_owned(), Ink::Strong),
        },
        "warn" => (left, Ink::Soon),
        _ => (left, Ink::Good),
    }
}

/// `blocked until 04:00`, `allowed`, `allowed, nearly used up`.
pub(crate) fn verdict(verdict: &str, until: Option<i64>, zone: Zone, now_ms: i64) -> String {
    let until = until.map(|at| zone.near(at, now_ms));
    match (verdict, until) {
        ("blocked", Some(at)) => format!("blocked until {at}"),
        ("warn", _) => "allowed, nearly used up".to_owned(),
        (other, _) => plain(other).into_owned(),
    }
}

/// What happens at the limit: `then its windows are minimised until 04:00`.
pub(crate) fn at_limit(limit: &wire::Limit, again: Option<String>) -> String {
    let (windows, page) = match limit.target.split_once(':') {
        Some(("domain", _)) => ("its pages", true),
        Some(("category", _)) => ("their windows", false),
        _ if limit.target == "all" => ("all windows", false),
        _ => ("its windows", false),
    };
    let until = again.map_or_else(|| "until the day starts anew".to_owned(), |at| format!("until {at}"));
    match limit.at_limit.as_str() {
        "notify" => "then a notice and nothing more".to_owned(),
        "close" => format!("then {windows} are closed {until}"),
        "block" if page => format!("then {windows} are blocked {until}"),
        "block" => format!("then {windows} are minimised {until}"),
        other => format!("then {} {until}", plain(other)),
    }
}

/// What has attention now, or why nothing has, without the instant.
pub(crate) fn attention(status: &wire::Status) -> String {
    match (status.state.as_str(), &status.active) {
        ("active", Some(active)) => {
            let name = plain(if active.name.is_empty() { &active.app } else { &active.name });
            match &active.domain {
                Some(domain) => format!("{name} ({})", plain(domain)),
                None => name.into_owned(),
            }
        }
        ("active", None) => "No window has focus".to_owned(),
        ("idle", _) => "Away from the keyboard".to_owned(),
        ("locked", _) => "The session is locked".to_owned(),
        ("asleep", _) => "Asleep".to_owned(),
        ("inactive", _) => "Another session is in front".to_owned(),
        ("unobserved", _) => "Nothing can see what has focus".to_owned(),
        (other, _) => plain(other).into_owned(),
    }
}
