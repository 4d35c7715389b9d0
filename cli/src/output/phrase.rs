//! Sentences about limits and states that several commands share.

use dwell_bus::wire;
use dwell_core::time::Millis;

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

/// `30m a day`, `5 visits a week`, `blocked 22:00-07:00`, `allowed only 09:00-17:00`: what a rule gives.
pub(crate) fn budget(limit: &wire::Limit) -> String {
    let per = plain(&limit.per);
    let amount = match (limit.budget_opens, limit.budget_ms) {
        (Some(0), _) if limit.days.is_some() => return "no visit".to_owned(),
        (None, Some(0)) if limit.days.is_some() => return "no time".to_owned(),
        (Some(0), _) => return format!("no visit {} any {per}", if per == "day" { "on" } else { "in" }),
        (Some(opens), _) => count(opens.into(), "visit"),
        (None, Some(0)) => return format!("no time {} any {per}", if per == "day" { "on" } else { "in" }),
        (None, Some(ms)) => Millis::from_ms(ms).to_string(),
        (None, None) => return hours(limit).unwrap_or_else(|| "without a budget".to_owned()),
    };
    format!("{amount} {} {per}", if per.starts_with('h') { "an" } else { "a" })
}

/// `blocked 22:00-07:00`, `allowed only 09:00-17:00`
pub(crate) fn hours(limit: &wire::Limit) -> Option<String> {
    let hours = plain(limit.hours.as_deref()?);
    Some(match hours.strip_prefix("allowed ") {
        Some(windows) => format!("allowed only {windows}"),
        None => hours.into_owned(),
    })
}

/// Whether a rule is one of visits, and how many of them are left.
pub(crate) fn visits_left(limit: &wire::Limit) -> Option<u32> {
    limit.budget_opens.map(|opens| opens.saturating_sub(limit.used_opens.unwrap_or(0)))
}

/// Whether the person's open rules are suspended.
pub(crate) fn is_paused(status: &wire::Status) -> bool {
    status.paused || status.standing.as_ref().is_some_and(|standing| standing.paused_until_at_ms.is_some())
}

/// `closed all day (this rule allows no time)`: where a rule allows nothing on any day, so that it does not open by itself when
/// a new day starts. That of a focus session ends.
pub(crate) fn never(limit: &wire::Limit) -> Option<String> {
    let what = match (limit.budget_opens, limit.budget_ms, limit.because.as_deref()) {
        (.., Some("hours")) => return None,
        (Some(0), ..) => "visit",
        (None, Some(0), _) => "time",
        _ => return None,
    };
    let ends = limit.days.is_some() || limit.made_by.as_deref() == Some("focus");
    (limit.verdict == "blocked" && !ends).then(|| format!("closed all day (this rule allows no {what})"))
}

/// `20m left`, `opens again at 04:00`, `used up until 04:00` (where that has no consequence), `put off until 22:10`;
/// with its ink.
pub(crate) fn state(limit: &wire::Limit, zone: Zone, now_ms: i64) -> (String, Ink) {
    if limit.suspended == Some(true) {
        return ("suspended".to_owned(), Ink::Faint);
    }
    if let Some(at) = limit.snoozed_until_at_ms {
        return (format!("put off until {}", zone.near(at, now_ms)), Ink::Soon);
    }
    let until = limit.until_at_ms.map(|at| zone.near(at, now_ms));
    let left = match (visits_left(limit), limit.left_ms, &until) {
        (Some(0), ..) => "the last visit".to_owned(),
        (Some(visits), ..) => format!("{} left", count(visits.into(), "visit")),
        (None, Some(ms), _) => format!("{} left", glance(ms)),
        (None, None, Some(until)) => format!("allowed until {until}"),
        (None, None, None) => "allowed".to_owned(),
    };
    if let Some(never) = never(limit) {
        return (never, Ink::Strong);
    }
    match limit.verdict.as_str() {
        "blocked" => match limit.until_at_ms {
            Some(at) => (format!("opens again {}", zone.at(at, now_ms)), Ink::Strong),
            None => ("blocked".to_owned(), Ink::Strong),
        },
        "warn" => match (limit.left_ms, until) {
            (Some(0), Some(at)) => (format!("used up until {at}"), Ink::Soon),
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

/// What happens when a rule blocks: `its windows are minimised`; `None`: nothing but a notice.
pub(crate) fn deed(limit: &wire::Limit) -> Option<String> {
    let what = match limit.target.split_once(':') {
        Some(("domain", _)) => "its pages",
        _ if limit.target == "all" => "all windows",
        _ => "its windows",
    };
    Some(match limit.at_limit.as_str() {
        "notify" => return None,
        "close" => format!("{what} are asked to close"),
        "block" | "freeze" if what == "its pages" => format!("{what} are blocked"),
        "block" => format!("{what} are minimised"),
        "freeze" => format!("{what} are minimised and frozen"),
        "lock" => "the session is locked".to_owned(),
        other => plain(other).into_owned(),
    })
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

/// The name of the month of `2026-11-21` or `2026-11`; nothing where it is no date.
pub(crate) fn month(date: &str) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let nth = date.get(5..7).and_then(|month| month.parse::<usize>().ok()).unwrap_or(0);
    nth.checked_sub(1).and_then(|nth| NAMES.get(nth)).copied().unwrap_or_default()
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
