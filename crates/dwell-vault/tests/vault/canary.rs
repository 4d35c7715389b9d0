//! No name of a program, domain or rule reaches any file.

use dwell_core::span::{Activity, Span};
use dwell_vault::{Row, Run, Sum, Vault};
use zeroize::Zeroizing;

use crate::world::{World, all, day, focus, subject};

const APP: &str = "org.canary.Singing";
const DOMAIN: &str = "canary-in-the-coal.example";
const RULE: &str = "at most nine canaries";

fn holds(bytes: &[u8], needle: &str) -> bool {
    let utf16: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [needle.as_bytes(), &utf16]
        .iter()
        .any(|needle| bytes.windows(needle.len()).any(|window| window == *needle))
}

fn leaks(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in world.files() {
        for needle in [APP, DOMAIN, RULE] {
            if holds(&bytes, needle) {
                found.push(format!("{needle} in {}", path.display()));
            }
        }
    }
    found
}

fn sing(vault: &mut Vault, after: i32) {
    for i in 0..30 {
        let mut span = focus(i * 1000, 500, APP);
        span.activity = match i % 3 {
            0 => Activity::Focus(subject(APP, Some(DOMAIN))),
            1 => Activity::Private(subject(APP, None).app),
            _ => Activity::Audible(subject(APP, Some(DOMAIN))),
        };
        let row = Row::Checkpoint(Span { length: span.length, ..span.clone() });
        vault.append_all(&[(day(after), row), (day(after), Row::Span(span))]).unwrap();
        vault.put_enforcement(RULE.as_bytes()).unwrap();
    }
}

#[test]
fn no_name_reaches_any_file() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..3 {
        sing(&mut vault, after);
        assert_eq!(leaks(&world), [""; 0]);
        vault.seal_before(day(after)).unwrap();
        assert_eq!(leaks(&world), [""; 0]);
    }
    assert_eq!(all(&mut vault).spans.len(), 90);
    // What reports keep says names as well.
    vault.seal_before(day(40)).unwrap();
    let run = Run::of(day(0));
    let mark = vault.reader().unwrap().mark(run.days()).unwrap();
    let bytes = Zeroizing::new([APP, DOMAIN, RULE].concat().into_bytes());
    vault.put_sums(&[Sum { run, number: 0, mark, bytes }]).unwrap();
    assert!(vault.reader().unwrap().sum(run, 0).unwrap().is_some());
    assert_eq!(leaks(&world), [""; 0]);
    vault.subjects().unwrap();
    assert_eq!(leaks(&world), [""; 0]);
    vault.close();
    assert_eq!(leaks(&world), [""; 0]);

    // The same names in a plain database are found, so the search would have found them.
    let plain = rusqlite::Connection::open(world.generation().join("plain")).unwrap();
    plain
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE span(app TEXT, domain TEXT, rule TEXT)")
        .unwrap();
    plain.execute("INSERT INTO span VALUES (?1, ?2, ?3)", [APP, DOMAIN, RULE]).unwrap();
    assert!(leaks(&world).len() >= 3);
}

/// What was deleted from the journal is gone from database and log, ciphertext or not.
#[test]
fn sealed_days_leave_no_rows_behind() {
    let world = World::new();
    let mut vault = world.open();
    sing(&mut vault, 0);
    vault.close();
    let row: Vec<u8> =
        world.sqlite().query_row("SELECT b FROM j WHERE seq = 7", [], |row| row.get(0)).unwrap();
    let remains =
        |world: &World| world.files().values().any(|bytes| bytes.windows(64).any(|w| *w == row[18..82]));
    assert!(remains(&world));
    let mut vault = world.open();
    vault.seal_before(day(1)).unwrap();
    assert!(!remains(&world));
    drop(vault);
    assert!(!remains(&world));
}
