//! What became of a change to the rules: it holds, or it waits; and the changes that wait.
//!
//! Waits count time with the machine on, so they are told as lengths and never as instants.

use dwell_bus::wire;
use dwell_core::time::Millis;

use super::look::{Ink, Look};
use super::phrase::count;
use super::text::{plain, wrap};

/// What a change did, when it was made.
pub(crate) fn made(change: &wire::Change, look: Look) -> String {
    let mut lines = Vec::new();
    if change.is == "same" && change.lines.is_empty() {
        lines.extend(wrap("Nothing changes: it is so already", look.width, 2));
    }
    lines.extend(bullets(&change.lines, look));
    lines.extend(warnings(&change.warnings, look));
    match &change.pending {
        Some(pending) => lines.extend(self::pending(pending, look)),
        None if !change.applied && change.is != "same" => {
            lines.extend(wrap("Nothing has changed", look.width, 2));
        }
        None => {}
    }
    lines.join("\n")
}

/// What a change is where nobody can be asked what it is.
pub(crate) const UNKNOWN: &str = "unknown";

/// What a change would do, when it was only looked at.
pub(crate) fn looked_at(change: &wire::Change, look: Look) -> String {
    let verdict = match change.is.as_str() {
        "same" => "The rules stay as they are",
        "tighter" => "Stricter",
        "looser" => "Looser",
        "mixed" => "Stricter in part, and looser in part",
        UNKNOWN => "Nothing is wrong with it; what it would change, only a running daemon can tell",
        other => &plain(other),
    };
    let wait = change.pending.as_ref().map(|pending| match (&pending.locked_until, pending.waits_ms) {
        (Some(day), _) => format!(": locked until {}", plain(day)),
        (None, ms) => format!(": it would wait {} with the machine on", length(ms)),
    });
    let verdict = format!("{verdict}{}", wait.unwrap_or_default());
    let of = count(change.rules.into(), "rule");
    let mut lines: Vec<_> = wrap(&format!("{verdict} ({of})"), look.width, 2)
        .iter()
        .map(|line| look.ink(Ink::Strong, line))
        .collect();
    lines.extend(bullets(&change.lines, look));
    lines.extend(warnings(&change.warnings, look));
    lines.join("\n")
}

/// What a change that waits asks for: `Waits 24h with the machine on, then: dwell limit confirm p1`.
pub(crate) fn pending(pending: &wire::Pending, look: Look) -> Vec<String> {
    let id = plain(&pending.id);
    let wait = wait(pending);
    let text = if is_ready(pending) {
        format!("{wait}: `dwell limit confirm {id}`")
    } else {
        format!("{wait}, then: `dwell limit confirm {id}`. Give it up with `dwell limit cancel {id}`")
    };
    wrap(&text, look.width, 2).iter().map(|line| look.ink(Ink::Soon, line)).collect()
}

/// All changes that wait, with what they change.
pub(crate) fn list(all: &[wire::Pending], look: Look) -> String {
    let mut lines = Vec::new();
    for pending in all {
        let text = format!("{}  {}", plain(&pending.id), wait(pending));
        let ink = if is_ready(pending) { Ink::Good } else { Ink::Soon };
        lines.extend(wrap(&text, look.width, 4).iter().map(|line| look.ink(ink, line)));
        lines.extend(bullets(&pending.lines, look));
    }
    lines.push(String::new());
    let hint = "Make one with `dwell limit confirm ID`, give one up with `dwell limit cancel ID`";
    lines.extend(wrap(hint, look.width, 2));
    lines.join("\n")
}

/// Whether it can be confirmed now.
const fn is_ready(pending: &wire::Pending) -> bool {
    pending.waits_ms == 0 && pending.locked_until.is_none()
}

fn wait(pending: &wire::Pending) -> String {
    match (&pending.locked_until, pending.waits_ms) {
        (Some(day), 0) => format!("Waits until {}", plain(day)),
        (Some(day), ms) => format!("Waits until {}, and {} with the machine on", plain(day), length(ms)),
        (None, 0) => format!("Can be confirmed for {} with the machine on", length(pending.lapses_ms)),
        (None, ms) => format!("Waits {} with the machine on", length(ms)),
    }
}

/// A length that is not over before it says so: whole minutes from one minute on, rounded up.
pub(crate) fn length(ms: u64) -> String {
    let rounded = if ms > 60_000 { ms.div_ceil(60_000) * 60_000 } else { ms.div_ceil(1000) * 1000 };
    Millis::from_ms(rounded).to_string()
}

fn bullets<'a>(texts: &'a [String], look: Look) -> impl Iterator<Item = String> + 'a {
    texts.iter().flat_map(move |text| wrap(&format!("  {}", plain(text)), look.width, 4))
}

/// What is odd, though it is kept.
pub(crate) fn warnings<'a>(texts: &'a [String], look: Look) -> impl Iterator<Item = String> + 'a {
    texts
        .iter()
        .flat_map(move |text| wrap(&format!("Mind: {}", plain(text)), look.width, 2))
        .map(move |line| look.ink(Ink::Soon, &line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { width: 80, color: false };

    fn waiting() -> wire::Pending {
        wire::Pending {
            id: "p1".into(),
            lines: vec!["app:firefox: 30m a day → 45m a day".into()],
            asked_at_ms: 0,
            waits_ms: 86_400_000,
            lapses_ms: 86_400_000,
            locked_until: None,
        }
    }

    fn change(is: &str, applied: bool, pending: Option<wire::Pending>) -> wire::Change {
        wire::Change {
            is: is.into(),
            applied,
            pending,
            lines: vec!["app:firefox: 30m a day → 45m a day".into()],
            warnings: vec![],
            rules: 3,
            zone: "Europe/Athens".into(),
        }
    }

    #[test]
    fn changes_that_were_made() {
        let said = |change: wire::Change| made(&change, PLAIN);
        insta::assert_snapshot!(said(change("tighter", true, None)), @"  app:firefox: 30m a day → 45m a day");
        insta::assert_snapshot!(said(wire::Change { lines: vec![], ..change("same", true, None) }), @"Nothing changes: it is so already");
        insta::assert_snapshot!(said(change("looser", false, Some(waiting()))), @"
          app:firefox: 30m a day → 45m a day
        Waits 24h with the machine on, then: `dwell limit confirm p1`. Give it up with
          `dwell limit cancel p1`
        ");
        let odd = wire::Change {
            warnings: vec!["rule b never\x1b[31m acts".into()],
            ..change("mixed", false, Some(waiting()))
        };
        insta::assert_snapshot!(said(odd), @r"
          app:firefox: 30m a day → 45m a day
        Mind: rule b never\u{1b}[31m acts
        Waits 24h with the machine on, then: `dwell limit confirm p1`. Give it up with
          `dwell limit cancel p1`
        ");
        insta::assert_snapshot!(made(&change("looser", false, Some(waiting())), Look { width: 40, color: false }), @"
          app:firefox: 30m a day → 45m a day
        Waits 24h with the machine on, then:
          `dwell limit confirm p1`. Give it up
          with `dwell limit cancel p1`
        ");
    }

    #[test]
    fn a_look_names_the_wait_where_there_is_one() {
        let would = |pending| looked_at(&change("mixed", false, Some(pending)), PLAIN);
        insta::assert_snapshot!(would(waiting()), @"
        Stricter in part, and looser in part: it would wait 24h with the machine on (3
          rules)
          app:firefox: 30m a day → 45m a day
        ");
        let locked = wire::Pending { locked_until: Some("2026-12-31".into()), ..waiting() };
        insta::assert_snapshot!(would(locked), @"
        Stricter in part, and looser in part: locked until 2026-12-31 (3 rules)
          app:firefox: 30m a day → 45m a day
        ");
    }

    #[test]
    fn changes_that_were_looked_at() {
        let all = ["same", "tighter", "looser", "mixed", UNKNOWN]
            .map(|is| looked_at(&change(is, false, None), PLAIN));
        insta::assert_snapshot!(all.join("\n"), @"
        The rules stay as they are (3 rules)
          app:firefox: 30m a day → 45m a day
        Stricter (3 rules)
          app:firefox: 30m a day → 45m a day
        Looser (3 rules)
          app:firefox: 30m a day → 45m a day
        Stricter in part, and looser in part (3 rules)
          app:firefox: 30m a day → 45m a day
        Nothing is wrong with it; what it would change, only a running daemon can tell
          (3 rules)
          app:firefox: 30m a day → 45m a day
        ");
    }

    #[test]
    fn each_wait_says_how_long_and_never_too_short() {
        let said = |change: &dyn Fn(&mut wire::Pending)| {
            let mut pending = waiting();
            change(&mut pending);
            wait(&pending)
        };
        insta::assert_snapshot!(said(&|p| p.waits_ms = 1), @"Waits 1s with the machine on");
        insta::assert_snapshot!(said(&|p| p.waits_ms = 59_000), @"Waits 59s with the machine on");
        insta::assert_snapshot!(said(&|p| p.waits_ms = 3_600_001), @"Waits 1h 01m with the machine on");
        insta::assert_snapshot!(said(&|p| p.waits_ms = 0), @"Can be confirmed for 24h with the machine on");
        insta::assert_snapshot!(said(&|p| p.locked_until = Some("2026-12-31".into())), @"Waits until 2026-12-31, and 24h with the machine on");
        insta::assert_snapshot!(said(&|p| { p.locked_until = Some("2026-12-31".into()); p.waits_ms = 0 }), @"Waits until 2026-12-31");
    }

    #[test]
    fn the_list() {
        let ready = wire::Pending { id: "p2".into(), waits_ms: 0, ..waiting() };
        insta::assert_snapshot!(list(&[waiting(), ready], PLAIN), @"
        p1  Waits 24h with the machine on
          app:firefox: 30m a day → 45m a day
        p2  Can be confirmed for 24h with the machine on
          app:firefox: 30m a day → 45m a day

        Make one with `dwell limit confirm ID`, give one up with `dwell limit cancel ID`
        ");
    }
}
