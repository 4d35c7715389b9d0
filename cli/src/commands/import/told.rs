//! What an import takes, and what it leaves out and why: for people and for scripts.

use dwell_bus::lines::{Done, LeftOut};
use serde::Serialize;

use super::merge::Account;
use crate::output::phrase::{count, list};
use crate::output::text::{glance, plain};

/// The summary, a sentence each. `verb` is what is, was or would be done.
pub(super) fn summary(verb: &str, account: &Account, done: &Done) -> Vec<String> {
    let seconds = done.seconds.unwrap_or_default();
    let taken = if seconds == 0 {
        "nothing".to_owned()
    } else {
        let (days, spans) = (done.days.unwrap_or_default(), done.spans.unwrap_or_default());
        let ends = match &done.ends {
            Some((first, last)) if first == last => format!(" ({first})"),
            Some((first, last)) => format!(" ({first} to {last})"),
            None => String::new(),
        };
        format!("{} of {}{ends}, in {}", glance(seconds * 1000), count(days, "day"), count(spans, "span"))
    };
    let mut lines = vec![format!("{verb}: {taken}")];
    let out = done.left_out.unwrap_or_default();
    let dropped = &account.dropped;
    let times = [
        (out.known_seconds * 1000, "of which something is recorded already"),
        (dropped.away_ms, "while nobody was there"),
        (dropped.overlapping_ms, "of two windows at once, where the later one counts"),
        (out.later_seconds * 1000, "of days that are not over"),
        (out.unread_seconds * 1000, "of days whose records cannot all be read"),
        (out.expired_seconds * 1000, "of days that are older than `keep-detail` says"),
    ];
    let seen = &account.seen;
    let mut left: Vec<String> = times
        .into_iter()
        .filter(|(ms, _)| *ms >= 1000)
        .map(|(ms, why)| format!("{} {why}", glance(ms)))
        .collect();
    let events = [
        (seen.impossible, "with a time that cannot have been"),
        (seen.incognito, "of private windows"),
        (seen.other_hosts, "of other hosts"),
    ];
    left.extend(
        events.into_iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{} {why}", count(n, "event"))),
    );
    left.extend(seen.unknown.iter().map(|(kind, n)| {
        let kind = if kind.is_empty() { "no type".to_owned() } else { format!("the type {}", plain(kind)) };
        format!("{} of a bucket of {kind}", count(*n, "event"))
    }));
    if !left.is_empty() {
        lines.push(format!("Left out: {}", left.join("; ")));
    }
    if !seen.has_afk {
        lines.push(
            "No afk bucket was given: all time in windows counts, also while nobody was there".to_owned(),
        );
    }
    let [windows, afk, web] = seen.events;
    let parts = [(windows, "window"), (afk, "afk"), (web, "web")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, kind)| count(n, &format!("{kind} event")))
        .collect();
    lines.push(format!("Read: {}; titles and addresses were not looked at", list(&parts)));
    lines
}

/// `dwell.import/1`
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    dry_run: bool,
    days: u64,
    from: Option<&'a str>,
    to: Option<&'a str>,
    spans: u64,
    seconds: u64,
    left_out: Times,
    events: Read<'a>,
}

/// Time that was left out, in seconds.
#[derive(Debug, Serialize)]
struct Times {
    known_seconds: u64,
    away_seconds: u64,
    overlapping_seconds: u64,
    later_seconds: u64,
    unread_seconds: u64,
    expired_seconds: u64,
}

/// Events by what they were.
#[derive(Debug, Serialize)]
struct Read<'a> {
    window: u64,
    afk: u64,
    web: u64,
    impossible: u64,
    incognito: u64,
    other_hosts: u64,
    unknown: Vec<Unknown<'a>>,
}

#[derive(Debug, Serialize)]
struct Unknown<'a> {
    r#type: &'a str,
    events: u64,
}

impl<'a> Document<'a> {
    pub(super) fn new(account: &'a Account, done: &'a Done, dry_run: bool) -> Self {
        let LeftOut { known_seconds, later_seconds, unread_seconds, expired_seconds } =
            done.left_out.unwrap_or_default();
        let seconds = |ms: u64| (ms + 500) / 1000;
        let seen = &account.seen;
        let [window, afk, web] = seen.events;
        Self {
            schema: "dwell.import/1",
            dry_run,
            days: done.days.unwrap_or_default(),
            from: done.ends.as_ref().map(|(first, _)| first.as_str()),
            to: done.ends.as_ref().map(|(_, last)| last.as_str()),
            spans: done.spans.unwrap_or_default(),
            seconds: done.seconds.unwrap_or_default(),
            left_out: Times {
                known_seconds,
                away_seconds: seconds(account.dropped.away_ms),
                overlapping_seconds: seconds(account.dropped.overlapping_ms),
                later_seconds,
                unread_seconds,
                expired_seconds,
            },
            events: Read {
                window,
                afk,
                web,
                impossible: seen.impossible,
                incognito: seen.incognito,
                other_hosts: seen.other_hosts,
                unknown: seen.unknown.iter().map(|(r#type, n)| Unknown { r#type, events: *n }).collect(),
            },
        }
    }
}
