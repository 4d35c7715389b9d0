//! Sentences about limits and states that several commands share.

use dwell_bus::wire;

use super::instant::Zone;
use super::look::Ink;
use super::text::{glance, plain};

/// `30m a day`
pub(crate) fn budget(limit: &wire::Limit) -> String {
    let amount = match limit.budget_ms {
        Some(0) => return format!("no time on any {}", plain(&limit.per)),
        Some(ms) => dwell_core::time::Millis::from_ms(ms).to_string(),
        None => return "without a budget".to_owned(),
    };
    let article = if limit.per.starts_with('h') { "an" } else { "a" };
    format!("{amount} {article} {}", plain(&limit.per))
}

/// `20m left`, `opens again at 04:00`, `used up until 04:00` (where that has no consequence); with its ink.
pub(crate) fn state(limit: &wire::Limit, zone: Zone, now_ms: i64) -> (String, Ink) {
    let left = limit.left_ms.map_or_else(|| "allowed".to_owned(), |ms| format!("{} left", glance(ms)));
    match limit.verdict.as_str() {
        "blocked" => match limit.until_at_ms {
            Some(at) => (format!("opens again at {}", zone.near(at, now_ms)), Ink::Strong),
            None => ("blocked".to_owned(), Ink::Strong),
        },
        "warn" => match (limit.left_ms, limit.until_at_ms) {
            (Some(0), Some(at)) => (format!("used up until {}", zone.near(at, now_ms)), Ink::Soon),
            _ => (left, Ink::Soon),
        },
        _ => (left, Ink::Good),
    }
}

/// `blocked until 04:00`, `allowed`, `allowed, little or nothing left`.
pub(crate) fn verdict(verdict: &str, until: Option<i64>, zone: Zone, now_ms: i64) -> String {
    let until = until.map(|at| zone.near(at, now_ms));
    match (verdict, until) {
        ("blocked", Some(at)) => format!("blocked until {at}"),
        ("warn", _) => "allowed, little or nothing left".to_owned(),
        (other, _) => plain(other).into_owned(),
    }
}

/// What happens at the limit: `then its windows are minimised until 04:00`.
pub(crate) fn at_limit(limit: &wire::Limit, again: &str) -> String {
    let what = match limit.target.split_once(':') {
        Some(("domain", _)) => "its pages",
        _ if limit.target == "all" => "all windows",
        _ => "its windows",
    };
    let act = match limit.at_limit.as_str() {
        "notify" => return "then a notice and nothing more".to_owned(),
        "close" => "asked to close",
        "block" if what == "its pages" => "blocked",
        "block" => "minimised",
        other => return format!("then {}", plain(other)),
    };
    format!("then {what} are {act} until {again}")
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
