//! Sentences about limits and states that several commands share.

use dwell_bus::wire;

use super::instant::Zone;
use super::look::Ink;
use super::text::{glance, plain};

/// What needs attention, one line for each cause: `desktop, focus: no display yet`.
pub(crate) fn problems(parts: &[wire::Part]) -> Vec<String> {
    let mut told: Vec<(String, &str)> = Vec::new();
    for part in parts.iter().filter(|part| !part.ok) {
        match told.iter_mut().find(|(_, message)| *message == part.message) {
            Some((names, _)) => {
                names.push_str(", ");
                names.push_str(&plain(&part.part));
            }
            None => told.push((plain(&part.part).into_owned(), &part.message)),
        }
    }
    told.iter().map(|(names, message)| format!("{names}: {}", plain(message))).collect()
}

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

/// `1 day`, `12 days`
pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `1, 2 and 3`
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// `key 0 (keyfile)`
pub(crate) fn key(key: &wire::Key) -> String {
    format!("key {} ({})", key.number, plain(&key.kind))
}

/// `key 0 (keyfile) and key 2 (recovery)`
pub(crate) fn keys<'a>(keys: impl IntoIterator<Item = &'a wire::Key>) -> String {
    list(&keys.into_iter().map(key).collect::<Vec<_>>())
}

/// Bytes at a glance: `812 B`, `12.4 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut tenths = u128::from(bytes) * 10;
    let mut units = ["B", "kB", "MB", "GB", "TB", "PB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if tenths < 10_000 {
            break;
        }
        tenths = (tenths + 500) / 1000;
        unit = larger;
    }
    if unit == "B" { format!("{} B", tenths / 10) } else { format!("{}.{} {unit}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts() {
        let shown: Vec<_> = [0, 999, 1000, 12_440_000, 999_960, 5_000_000_000].map(size).into();
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "12.4 MB", "1.0 MB", "5.0 GB"]);
        assert_eq!(count(1, "day") + &count(2, "day"), "1 day2 days");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
