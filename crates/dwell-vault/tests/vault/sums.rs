//! Sums of runs: given as long as their days are what they were, gone from the disk with them, and made by nobody else.

use dwell_vault::{NewSecrets, Retention, Run, SUMS_OF_RUN, Sum, Terms, Vault, What};
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::world::{World, day, focus, record, some_spans};

/// These days are of one run.
const WITHIN: std::ops::Range<i32> = 0..10;

fn run() -> Run {
    let run = Run::of(day(0));
    assert!(WITHIN.map(day).all(|day| run.days().contains(&day)));
    run
}

fn sum(vault: &Vault, number: u16, says: &[u8]) -> Sum {
    let mark = vault.reader().unwrap().mark(run().days()).unwrap();
    Sum { run: run(), number, mark, bytes: Zeroizing::new(says.to_vec()) }
}

fn said(vault: &Vault, number: u16) -> Option<Vec<u8>> {
    vault.reader().unwrap().sum(run(), number).unwrap().map(|said| said.to_vec())
}

/// Some sealed days, and a sum of them of every number.
fn with_sums(world: &World) -> Vault {
    let mut vault = world.open();
    WITHIN.for_each(|after| record(&mut vault, after, &some_spans(after, 5)));
    vault.seal_before(day(40)).unwrap();
    let sums: Vec<Sum> =
        (0..SUMS_OF_RUN).map(|number| sum(&vault, number, &vec![7; 100 << number])).collect();
    vault.put_sums(&sums).unwrap();
    vault
}

/// The sums as they stand in the database.
fn blobs(world: &World) -> Vec<(i64, Vec<u8>)> {
    let db = world.sqlite();
    let mut all = db.prepare("SELECT id, b FROM roll WHERE substr(b, 1, 2) = x'010f'").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// How many of these have 24 bytes of theirs in some file.
fn remains(world: &World, gone: &[(i64, Vec<u8>)]) -> usize {
    let files = world.files();
    let there = |piece: &[u8]| files.values().any(|bytes| bytes.windows(24).any(|window| window == piece));
    gone.iter().filter(|(_, blob)| there(&blob[blob.len() / 2..blob.len() / 2 + 24])).count()
}

#[test]
fn sums_are_there_after_a_restart_in_few_sizes_and_in_each_others_place() {
    let world = World::new();
    let mut vault = with_sums(&world);
    vault.put_sums(&[sum(&vault, 3, b"newer")]).unwrap();
    vault.close();
    assert!(blobs(&world).iter().all(|(_, blob)| blob.len() % 2048 == 0));
    let vault = world.open();
    for number in (0..SUMS_OF_RUN).filter(|number| *number != 3) {
        assert_eq!(said(&vault, number), Some(vec![7; 100 << number]));
    }
    assert_eq!(said(&vault, 3).as_deref(), Some(&b"newer"[..]));
    assert_eq!(vault.reader().unwrap().sum(Run::of(day(60)), 0).unwrap(), None);
}

type Change<'a> = &'a dyn Fn(&mut Vault);

#[test]
fn sums_go_with_what_they_came_from_and_closing_leaves_nothing_behind() {
    let none = NewSecrets::default();
    let changes: [(&str, Change<'_>); 5] = [
        ("late rows", &|vault| {
            record(vault, 4, &[focus(4 * 86_400_000 + 80_000_000, 900, "late")]);
            vault.seal_before(day(40)).unwrap();
        }),
        ("an import", &|vault| {
            let span = focus(5 * 86_400_000 + 70_000_000, 900, "elsewhere");
            let terms = Terms { today: day(40), keep_detail: None, held: &[], dry_run: false };
            vault.import(std::iter::once((day(5), vec![span])), 1, terms, &mut go_on).unwrap();
        }),
        ("retention", &|vault| {
            vault.retain(&Retention { keep_detail: Some(day(2)), keep_totals: None }).unwrap();
        }),
        ("forgetting", &|vault| {
            vault.forget(&What::Day(day(3)), false, &none, &mut go_on).unwrap();
        }),
        ("new keys", &|vault| {
            vault.rotate(&none, &mut go_on).unwrap();
        }),
    ];
    for (what, change) in changes {
        let world = World::new();
        let vault = with_sums(&world);
        let stale = sum(&vault, 1, b"stale");
        vault.close();
        let before = blobs(&world);
        assert_eq!(before.len(), usize::from(SUMS_OF_RUN));
        assert_eq!(remains(&world, &before), before.len(), "the control");
        let mut vault = world.open();
        change(&mut vault);
        assert_eq!((0..SUMS_OF_RUN).find_map(|number| said(&vault, number)), None, "{what}");
        // Made before, and come late.
        vault.put_sums(&[stale]).unwrap();
        vault.close();
        assert_eq!((blobs(&world).len(), remains(&world, &before)), (0, 0), "{what}");
    }
}

#[test]
fn a_sum_from_before_that_somebody_puts_back_is_none() {
    let world = World::new();
    with_sums(&world).close();
    let before = blobs(&world);
    let mut vault = world.open();
    record(&mut vault, 4, &[focus(4 * 86_400_000 + 80_000_000, 900, "late")]);
    vault.seal_before(day(40)).unwrap();
    vault.close();
    for (id, blob) in &before {
        assert_eq!(world.sqlite().execute("INSERT INTO roll VALUES (?1, ?2)", (id, blob)).unwrap(), 1);
    }
    let vault = world.open();
    assert_eq!((0..SUMS_OF_RUN).find_map(|number| said(&vault, number)), None);
}

#[test]
fn of_days_that_grow_there_is_no_sum() {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 5));
    vault.seal_before(day(1)).unwrap();
    let sum = sum(&vault, 0, b"says");
    record(&mut vault, 1, &some_spans(1, 5));
    vault.put_sums(&[sum]).unwrap();
    assert_eq!((said(&vault, 0), vault.reader().unwrap().mark(run().days())), (None, None));
    vault.close();
    assert_eq!(blobs(&world), []);
}

/// A sum that does not open is none, whatever byte of it was changed.
#[test]
fn no_changed_byte_is_believed() {
    let world = World::new();
    with_sums(&world).close();
    let (id, blob) = blobs(&world).into_iter().min_by_key(|(_, blob)| blob.len()).unwrap();
    let alone = "DELETE FROM roll WHERE substr(b, 1, 2) = x'010f' AND id <> ?1";
    world.sqlite().execute(alone, [id]).unwrap();
    for byte in (0..blob.len()).step_by(41).chain(0..40) {
        let mut bad = blob.clone();
        bad[byte] ^= 0x20;
        world.sqlite().execute("UPDATE roll SET b = ?2 WHERE id = ?1", (id, bad)).unwrap();
        let vault = world.open();
        assert_eq!((0..SUMS_OF_RUN).find_map(|number| said(&vault, number)), None, "byte {byte}");
        vault.close();
    }
    world.sqlite().execute("UPDATE roll SET b = ?2 WHERE id = ?1", (id, blob)).unwrap();
    let vault = world.open();
    assert!((0..SUMS_OF_RUN).any(|number| said(&vault, number).is_some()), "the control");
}
