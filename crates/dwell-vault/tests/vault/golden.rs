//! Vaults of each released format, kept as they were written: whatever the code becomes, it opens them.
//!
//! A new one is written by `DWELL_GOLDEN=NAME cargo nextest run -p dwell-vault golden::write_a_golden_vault`, into
//! `tests/golden/NAME`, and never changed again.

use std::fs;
use std::path::{Path, PathBuf};

use dwell_core::span::{Activity, Span};
use dwell_core::time::Millis;
use dwell_vault::{
    EnfSource, History, Keys, NewSlot, NewVault, Note, Row, SlotKind, Spill, State, Unlock, Vault, restore,
};
use zeroize::Zeroizing;

use crate::world::{World, all, copy, day, focus, of_day, record, some_spans, subject};

const ENF: [u8; 32] = [0x0e; 32];
const SEED: [u8; 32] = [0x5e; 32];
const PASSPHRASE: &str = "correct horse battery staple";
const RULES: &[u8] = b"golden rules";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn seed() -> Unlock {
    Unlock::Seed(Zeroizing::new(SEED), SlotKind::Credential)
}

/// What is in every golden vault: of forty days every fifth, sealed, so that there are totals of thirty; one sealed in two parts; one
/// in the journal; of each kind of span, with the longest names that there can be.
fn days() -> Vec<(i32, Vec<Span>)> {
    let mut days: Vec<(i32, Vec<Span>)> =
        (0..41).step_by(5).map(|after| (after, some_spans(after, 8))).collect();
    let mut long = focus(40 * 86_400_000 + 70_000_000, 900, "editor");
    let domain = ["d".repeat(63).as_str(); 4].join(".")[..253].to_owned();
    long.activity = Activity::Focus(subject(&"a".repeat(128), Some(&domain)));
    days.extend([(40, vec![long])]);
    days
}

/// Comes to day 0 after that was sealed, and to day 40 from a spill; and runs when all is cut off.
fn late() -> [Span; 3] {
    let of_day_40 = |at: u64, length, app| focus(40 * 86_400_000 + at, length, app);
    [
        focus(80_000_000, 700, "late"),
        of_day_40(80_000_000, 700, "spilled"),
        of_day_40(85_000_000, 60_000, "editor"),
    ]
}

fn check(vault: &mut Vault, truth_of: impl Fn(i32) -> Vec<Span>, spilled: bool) {
    let History { damaged, .. } = all(vault);
    assert_eq!(damaged, []);
    let history = all(vault);
    for after in 0..41 {
        let mut expected = truth_of(after);
        expected.extend((after == 0).then(|| late()[0].clone()));
        if after == 40 && spilled {
            expected.extend_from_slice(&late()[1..]);
        }
        expected.sort_by_key(|span| span.start.wall);
        assert_eq!(of_day(&history, after), expected, "day {after}");
    }
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), RULES);
    crate::totals::assert_totals(vault, &[(0, 40), (3, 33)]);
}

fn truth_of(after: i32) -> Vec<Span> {
    days().into_iter().filter(|(d, _)| *d == after).flat_map(|(_, spans)| spans).collect()
}

/// Everything that a golden vault holds. Returns the recovery key.
fn make(world: &World) -> Zeroizing<String> {
    let slots = vec![
        NewSlot::Seed(Zeroizing::new(SEED), SlotKind::Credential),
        NewSlot::Passphrase(Zeroizing::new(PASSPHRASE.into())),
    ];
    let new = NewVault { enf: Some(Zeroizing::new(ENF)), slots, recovery: true };
    let made = Vault::create(&world.places, &new).unwrap();
    let mut vault = made.vault;
    for (after, spans) in days() {
        record(&mut vault, after, &spans);
    }
    vault.seal_before(day(40)).unwrap();
    record(&mut vault, 0, &late()[..1]);
    vault.seal_before(day(40)).unwrap();
    vault.put_enforcement(RULES).unwrap();
    vault.make_copy().unwrap();
    for length in [30_000, 60_000] {
        let running = Span { length: Millis::from_ms(length), ..late()[2].clone() };
        vault.append(day(40), &Row::Checkpoint(running)).unwrap();
    }
    drop(vault);
    let mut spill = Spill::open(&world.places).unwrap();
    spill.put(&[(day(40), Row::Span(late()[1].clone()))]).unwrap();
    drop(spill);
    made.recovery.unwrap()
}

/// Opens a golden vault with each of its keys, restores its copy, and rekeys it.
fn try_all(golden: &Path) {
    let recovery = fs::read_to_string(golden.join("recovery")).unwrap();
    let fresh = || {
        let world = World::new();
        copy(&golden.join("dwell"), &world.places.data_dir);
        world
    };
    for unlock in [
        seed(),
        Unlock::Passphrase(Zeroizing::new(PASSPHRASE.into())),
        Unlock::Recovery(Zeroizing::new(recovery.trim().to_owned())),
    ] {
        let world = fresh();
        let keys = Keys { enf: EnfSource::Secret(Zeroizing::new(ENF)), slots: vec![unlock] };
        let (State::Open(mut vault), opened) = State::open(&world.places, &keys).unwrap() else {
            unreachable!("{} does not open", golden.display())
        };
        assert_eq!(opened.notes, [Note::OpenSpanKept { day: day(40) }]);
        assert_eq!((opened.spilled.rows, opened.spilled.refused), (1, 0));
        check(&mut vault, truth_of, true);
        vault.rotate(&Default::default(), &mut crate::generations::go_on).unwrap();
        check(&mut vault, truth_of, true);
        record(&mut vault, 50, &some_spans(50, 3));
        vault.seal_before(day(60)).unwrap();
        check(&mut vault, truth_of, true);
        vault.close();
    }
    // Sealed, it enforces and records.
    let world = fresh();
    let keys = Keys { enf: EnfSource::Secret(Zeroizing::new(ENF)), slots: Vec::new() };
    let (State::Sealed { mut vault, .. }, _) = State::open(&world.places, &keys).unwrap() else {
        unreachable!("there was no key to try")
    };
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), RULES);
    vault.append(day(41), &Row::Span(some_spans(41, 1).remove(0))).unwrap();
    vault.close();
    let (elsewhere, weekly) = (World::new(), golden.join("dwell/vault/weekly"));
    let mut restored = restore(&weekly, &elsewhere.places, &[seed()], false).unwrap().vault;
    check(&mut restored, truth_of, false);
}

#[test]
fn every_golden_vault_opens() {
    // One of today's, so that this is tried even where none is kept yet.
    let today = World::new();
    let recovery = make(&today);
    let kept = today.places.data_dir.parent().unwrap();
    fs::write(kept.join("recovery"), recovery.as_bytes()).unwrap();
    try_all(kept);
    let mut tried = 0;
    for entry in fs::read_dir(folder()).into_iter().flatten() {
        let golden = entry.unwrap().path();
        if golden.is_dir() {
            try_all(&golden);
            tried += 1;
        }
    }
    println!("{tried} golden vaults");
}

/// Writes one; nothing without `DWELL_GOLDEN`.
#[test]
fn write_a_golden_vault() {
    let Ok(name) = std::env::var("DWELL_GOLDEN") else { return };
    let golden = folder().join(name);
    assert!(!golden.exists(), "a golden vault is never changed");
    let world = World::new();
    let recovery = make(&world);
    fs::create_dir_all(&golden).unwrap();
    copy(&world.places.data_dir, &golden.join("dwell"));
    let _ = fs::remove_file(golden.join("dwell/lock"));
    fs::write(golden.join("recovery"), recovery.as_bytes()).unwrap();
}
