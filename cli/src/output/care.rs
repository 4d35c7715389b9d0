//! Screens about the vault and its keys, and what is still outside of it.

use dwell_bus::lines::Done;
use dwell_bus::wire;

use super::instant::Zone;
use super::look::{Ink, Look};
use super::phrase::{self, count, list};
use super::text::{glance, left, plain, wrap};

/// The keys, one after the other.
pub(crate) fn keys(keys: &[wire::Key], look: Look) -> String {
    let mut lines = Vec::new();
    for key in keys {
        let how = match (key.automatic, &key.place) {
            (true, Some(place)) => format!("opens by itself, from {}", plain(place)),
            (true, None) => "opens by itself".to_owned(),
            (false, _) if key.kind == "recovery" => "opens with what is on your paper".to_owned(),
            (false, _) if key.kind == "passphrase" => "opens when you type it".to_owned(),
            (false, _) => "opens with a newer dwell".to_owned(),
        };
        let text = format!("{}  {}  {how}", key.number, left(&plain(&key.kind), 10));
        let indent = if look.width < 40 { 3 } else { 15 };
        lines.extend(wrap(&text, look.width, indent));
        if let Some(problem) = &key.problem {
            let text = format!("{}not usable just now: {}", " ".repeat(indent), plain(problem));
            lines.extend(wrap(&text, look.width, indent).iter().map(|line| look.ink(Ink::Bad, line)));
        }
    }
    lines.join("\n")
}

/// A recovery key as it is to be written down: four groups a line.
pub(crate) fn recovery_key(number: u8, text: &str) -> String {
    let groups: Vec<_> = text.split(['-', ' ']).filter(|group| !group.is_empty()).collect();
    let rows: Vec<_> = groups.chunks(4).map(|row| format!("    {}", row.join("  "))).collect();
    format!("Recovery key (key {number})\n\n{}", rows.join("\n"))
}

/// The whole screen of `dwell vault info`.
pub(crate) fn info(info: &wire::VaultInfo, now_ms: i64, look: Look) -> String {
    let zone = Zone::new(&info.zone);
    let (state, ink) = state(info, zone, now_ms);
    let mut lines: Vec<_> = wrap(&state, look.width, 2).iter().map(|line| look.ink(ink, line)).collect();
    let mut fact = |label: &str, text: &str| {
        let text = plain(text);
        if text.is_empty() {
            return;
        }
        lines.extend(if look.width < 40 {
            wrap(&format!("  {label}: {text}"), look.width, 4)
        } else {
            wrap(&format!("  {} {text}", left(label, 11)), look.width, 14)
        });
    };
    fact("Folder", &info.path);
    fact("Id", &info.id);
    fact("Generation", &info.generation.to_string());
    // Nobody has looked into one that waits for its key, or has a header that cannot be read any more.
    let is_known = !info.id.is_empty();
    match (&info.first, &info.last) {
        (Some(first), Some(last)) if first == last => fact("Days", first),
        (Some(first), Some(last)) => fact("Days", &format!("{first} to {last}")),
        _ if is_known => fact("Days", "none yet"),
        _ => {}
    }
    if is_known {
        fact("Size", &format!("{} on disk, {}", phrase::size(info.bytes), parts(info)));
    }
    fact("Keys", &phrase::keys(&info.keys));
    fact("Rules", &format!("readable with the {}", info.rules_key));
    if is_known {
        fact("Copy", if info.copy { "a weekly one, beside it" } else { "none yet; it is made weekly" });
    }
    for backup in &info.backups {
        let old = if backup.generation < info.generation { ", from before the last change" } else { "" };
        fact("Backup", &format!("{}, {}{old}", backup.path, &zone.rfc3339(backup.at_ms)[..10]));
    }
    let mut warn = |text: &str| {
        lines.extend(wrap(text, look.width, 2).iter().map(|line| look.ink(Ink::Bad, line)));
    };
    if !info.damaged.is_empty() {
        warn(&format!("Damaged: something cannot be read of {}", plain(&list(&info.damaged))));
    }
    if info.suspect {
        warn("History is older than what was last seen here. Is that meant? Then `dwell vault accept`");
    }
    if info.read_only {
        warn("A newer dwell wrote it: this one reads it, and writes nothing");
    }
    lines.join("\n")
}

/// `The vault is open until 22:10`
fn state(info: &wire::VaultInfo, zone: Zone, now_ms: i64) -> (String, Ink) {
    let why = info.why.as_ref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
    match (info.state.as_str(), info.locks_at_ms) {
        ("open", Some(at)) => (format!("The vault is open until {}", zone.near(at, now_ms)), Ink::Good),
        ("open", None) => ("The vault is open".to_owned(), Ink::Good),
        ("sealed", _) => (
            format!(
                "The vault is locked{why}. Recording and limits go on; history opens with `dwell vault unlock`"
            ),
            Ink::Soon,
        ),
        ("waiting", _) => {
            (format!("The vault has no key yet{why}. Until then all is held in memory"), Ink::Bad)
        }
        (other, _) => (format!("The vault is {}{why}", plain(other)), Ink::Soon),
    }
}

/// `320 parts of days with every span, 10 with totals only, 2 blocks of 30 days, 1 in the journal`
fn parts(info: &wire::VaultInfo) -> String {
    let mut parts = vec![format!("{} sealed with every span", count(info.sealed_parts, "day part"))];
    if info.totals_parts > 0 {
        parts.push(format!("{} of which only totals are left", info.totals_parts));
    }
    if info.blocks > 0 {
        parts.push(format!("{} of 30 days' totals", count(info.blocks, "block")));
    }
    parts.push(format!("{} in the journal", info.journal_parts));
    parts.join(", ")
}

/// What goes, in one sentence: `app:firefox: 12 days, 2026-11-01 to 2026-11-21, 340 spans, 12h 30m, 2 notes on plans and limits`
pub(crate) fn going(
    what: &str,
    days: u64,
    ends: (Option<&str>, Option<&str>),
    spans: u64,
    ms: u64,
    notes: Option<u64>,
) -> String {
    let range = match ends {
        (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
        (Some(day), _) if !what.contains(day) || what.starts_with("before") => format!(", {day}"),
        _ => String::new(),
    };
    let history = (days > 0)
        .then(|| format!("{}{range}, {}, {}", count(days, "day"), count(spans, "span"), glance(ms)));
    let notes = notes.map(|notes| format!("{} on plans and limits", count(notes, "note")));
    let text = format!("{what}: {}", history.into_iter().chain(notes).collect::<Vec<_>>().join(", "));
    plain(&text).into_owned()
}

/// What new keys and a new generation do not reach: copies that are elsewhere. Whole sentences, none where there is
/// nothing to say.
pub(crate) fn outside(done: &Done, keys: &[wire::Key]) -> Vec<String> {
    let mut said = Vec::new();
    if !done.backups.is_empty() {
        let paths: Vec<_> = done.backups.iter().map(|path| plain(path).into_owned()).collect();
        let (these, stay, them) = match paths.len() {
            1 => ("A backup is", "stays as it is", "it"),
            _ => ("Backups are", "stay as they are", "them"),
        };
        said.push(format!(
            "{these} from before, and {stay}: {}. Delete {them} if nobody should read {them}",
            list(&paths)
        ));
    }
    if !done.unrotated.is_empty() {
        let named: Vec<_> = done
            .unrotated
            .iter()
            .map(|number| {
                keys.iter()
                    .find(|key| key.number == *number)
                    .map_or_else(|| format!("key {number}"), phrase::key)
            })
            .collect();
        let (secrets, place, number) = match done.unrotated.as_slice() {
            [one] => ("whose secret is as it was", "its place", one.to_string()),
            _ => ("whose secrets are as they were", "their place", "N".to_owned()),
        };
        said.push(format!(
            "A copy of the vault made before still opens with {}, {secrets}. For copies from now on another can \
             take {place}: `dwell key add KIND`, then `dwell key remove {number}`",
            list(&named)
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { width: 80, color: false };

    #[test]
    fn every_kind_of_key_says_how_it_opens() {
        let key = |number, kind: &str, automatic, problem: Option<&str>| wire::Key {
            number,
            kind: kind.into(),
            place: None,
            automatic,
            problem: problem.map(str::to_owned),
        };
        let all = [
            key(0, "keyring", true, Some("the keyring is locked\x1b[31m")),
            key(1, "passphrase", false, None),
            key(2, "recovery", false, None),
            key(7, "unknown", false, None),
        ];
        insta::assert_snapshot!(keys(&all, PLAIN), @r"
        0  keyring     opens by itself
                       not usable just now: the keyring is locked\u{1b}[31m
        1  passphrase  opens when you type it
        2  recovery    opens with what is on your paper
        7  unknown     opens with a newer dwell
        ");
        insta::assert_snapshot!(keys(&all[..2], Look { width: 20, color: false }), @r"
        0  keyring     opens
           by itself
           not usable just
           now: the keyring
           is
           locked\u{1b}[31m
        1  passphrase  opens
           when you type it
        ");
    }

    #[test]
    fn what_goes_names_its_days_once() {
        let said = |what, days, first, last| going(what, days, (first, last), 3, 90_000, None);
        insta::assert_snapshot!(said("day 2026-11-01", 1, Some("2026-11-01"), Some("2026-11-01")), @"day 2026-11-01: 1 day, 3 spans, 1m 30s");
        insta::assert_snapshot!(said("app:x", 1, Some("2026-11-01"), Some("2026-11-01")), @"app:x: 1 day, 2026-11-01, 3 spans, 1m 30s");
        insta::assert_snapshot!(said("before 2026-11-01", 9, Some("2026-09-01"), Some("2026-10-30")), @"before 2026-11-01: 9 days, 2026-09-01 to 2026-10-30, 3 spans, 1m 30s");
        insta::assert_snapshot!(said("app:x\n", 2, None, None), @r"app:x\n: 2 days, 3 spans, 1m 30s");
        insta::assert_snapshot!(going("app:x", 1, (None, None), 3, 90_000, Some(2)), @"app:x: 1 day, 3 spans, 1m 30s, 2 notes on plans and limits");
        insta::assert_snapshot!(going("app:x", 0, (None, None), 0, 0, Some(1)), @"app:x: 1 note on plans and limits");
    }

    #[test]
    fn what_is_outside_is_one_thing_or_several() {
        let done = |unrotated: &[u8], backups: &[&str]| Done {
            unrotated: unrotated.to_vec(),
            backups: backups.iter().map(|path| (*path).to_owned()).collect(),
            ..Done::default()
        };
        assert!(outside(&done(&[], &[]), &[]).is_empty());
        insta::assert_snapshot!(outside(&done(&[1, 2], &["/a", "/b\n"]), &[]).join("\n"), @r"
        Backups are from before, and stay as they are: /a and /b\n. Delete them if nobody should read them
        A copy of the vault made before still opens with key 1 and key 2, whose secrets are as they were. For copies from now on another can take their place: `dwell key add KIND`, then `dwell key remove N`
        ");
    }

    #[test]
    fn a_vault_without_days_or_keys() {
        let bare = wire::VaultInfo {
            state: "waiting".into(),
            why: Some("the keyring is locked".into()),
            path: "/v".into(),
            generation: 3,
            rules_key: "keyring".into(),
            ..wire::VaultInfo::default()
        };
        insta::assert_snapshot!(info(&bare, 0, PLAIN), @"
        The vault has no key yet: the keyring is locked. Until then all is held in
          memory
          Folder      /v
          Generation  3
          Rules       readable with the keyring
        ");
        let new = wire::VaultInfo {
            state: "open".into(),
            why: None,
            id: "00ff".into(),
            totals_parts: 2,
            blocks: 1,
            ..bare
        };
        insta::assert_snapshot!(info(&new, 0, PLAIN), @"
        The vault is open
          Folder      /v
          Id          00ff
          Generation  3
          Days        none yet
          Size        0 B on disk, 0 day parts sealed with every span, 2 of which only
                      totals are left, 1 block of 30 days' totals, 0 in the journal
          Rules       readable with the keyring
          Copy        none yet; it is made weekly
        ");
    }
}
