//! The running span's checkpoint, which stands beside the journal until it is final.

use std::fs;

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_vault::{Keys, Note, Row, State, Unlock, Vault, salvage};

use crate::world::{World, day, focus, subject};

const RUNNING: u64 = 60_000;

/// A day with a span that is over, and one that runs: its name was said before, so its checkpoints need no row.
fn running() -> (World, Vault) {
    let world = World::new();
    let mut vault = world.open();
    vault.append(day(0), &Row::Span(focus(0, 50_000, "editor"))).unwrap();
    vault.append(day(0), &Row::Span(focus(50_000, 10_000, "browser"))).unwrap();
    for seconds in 1..=4 {
        vault.append(day(0), &Row::Checkpoint(focus(RUNNING, seconds * 30_000, "editor"))).unwrap();
    }
    (world, vault)
}

fn spans(vault: &mut Vault) -> Vec<Span> {
    let history = vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap();
    assert_eq!(history.damaged, []);
    history.spans.into_iter().map(|(_, span)| span).collect()
}

fn expected(last: Span) -> Vec<Span> {
    vec![focus(0, 50_000, "editor"), focus(50_000, 10_000, "browser"), last]
}

fn rows(world: &World) -> i64 {
    let db = world.killed();
    db.sqlite().query_row("SELECT count(*) FROM j", [], |row| row.get(0)).unwrap()
}

#[test]
fn checkpoints_take_no_rows_and_are_read_at_once() {
    let (world, mut vault) = running();
    assert_eq!(rows(&world), 2);
    assert_eq!(spans(&mut vault), expected(focus(RUNNING, 120_000, "editor")));
    let reader = vault.reader().unwrap();
    assert_eq!(reader.read(day(0)..=day(0)).unwrap().spans.len(), 3);
    // A name that nobody has said yet takes a row.
    vault.append(day(0), &Row::Checkpoint(focus(180_000, 30_000, "game"))).unwrap();
    assert_eq!(rows(&world), 4, "and so does what ran before, for it is over");
}

#[test]
fn after_a_kill_the_latest_checkpoint_is_there() {
    let (world, _vault) = running();
    let killed = world.killed();
    let (mut vault, opened) = killed.try_open().unwrap();
    assert_eq!(opened.notes, [Note::OpenSpanKept { day: day(0) }]);
    assert_eq!(spans(&mut vault), expected(focus(RUNNING, 120_000, "editor")));
    drop(vault);
    assert_eq!(spans(&mut killed.open()), expected(focus(RUNNING, 120_000, "editor")), "once");
}

#[test]
fn one_that_was_torn_leaves_the_one_before() {
    let (world, _vault) = running();
    let killed = world.killed();
    let path = killed.generation().join("running");
    let mut bytes = fs::read(&path).unwrap();
    // Four were written, the last one into the first slot.
    bytes[2000] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(spans(&mut killed.open()), expected(focus(RUNNING, 90_000, "editor")));
}

#[test]
fn what_ends_the_span_takes_its_place_and_anything_else_comes_after_it() {
    let (world, mut vault) = running();
    vault.append(day(0), &Row::Span(focus(RUNNING, 125_000, "editor"))).unwrap();
    assert_eq!(rows(&world), 3);
    assert_eq!(spans(&mut vault), expected(focus(RUNNING, 125_000, "editor")));
    assert_eq!(spans(&mut world.killed().open()), expected(focus(RUNNING, 125_000, "editor")));

    let (world, mut vault) = running();
    vault.append(day(0), &Row::Span(focus(300_000, 1000, "browser"))).unwrap();
    let mut both = expected(focus(RUNNING, 120_000, "editor"));
    both.push(focus(300_000, 1000, "browser"));
    assert_eq!(spans(&mut vault), both);
    assert_eq!(spans(&mut world.killed().open()), both);
}

/// Two programs may be heard from the same moment on, and neither is the other.
#[test]
fn what_is_heard_ends_only_itself() {
    let world = World::new();
    let mut vault = world.open();
    let heard = |app: &str, length: u64| {
        let span = focus(RUNNING, length, app);
        Span { activity: Activity::Audible(subject(app, None)), ..span }
    };
    vault.append(day(0), &Row::Span(heard("player", 0))).unwrap();
    vault.append(day(0), &Row::Checkpoint(heard("player", 30_000))).unwrap();
    vault.append(day(0), &Row::Span(heard("radio", 5000))).unwrap();
    let mut lengths: Vec<u64> = spans(&mut vault).iter().map(|span| span.length.as_ms()).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [5000, 30_000]);
}

#[test]
fn a_sealed_vault_takes_it_in_without_reading_it() {
    let (world, _vault) = running();
    let killed = world.killed();
    let open = || match State::open(&killed.places, &Keys::sealed(&killed.places)).unwrap().0 {
        State::Sealed { vault, .. } => vault,
        State::Open(_) => unreachable!("there was no key to try"),
    };
    for _ in 0..2 {
        let vault = open();
        let read = vault.read(day(0)..=day(0)).unwrap();
        assert_eq!((read.spans.len(), read.sealed[0].charged_ms), (0, 180_000));
    }
    assert_eq!(spans(&mut killed.open()), expected(focus(RUNNING, 120_000, "editor")));
}

#[test]
fn what_is_done_with_the_whole_vault_sees_it() {
    let (world, mut vault) = running();
    let file = world.places.data_dir.join("b.dwell");
    vault.backup(&file, 0).unwrap();
    assert_eq!(rows(&world), 3);
    vault.append(day(0), &Row::Checkpoint(focus(RUNNING, 150_000, "editor"))).unwrap();
    vault.rotate(&dwell_vault::NewSecrets::default(), &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!(spans(&mut vault), expected(focus(RUNNING, 150_000, "editor")));
    assert_eq!(spans(&mut world.killed().open()), expected(focus(RUNNING, 150_000, "editor")));

    let (world, mut vault) = running();
    assert_eq!(vault.seal_before(day(1)).unwrap(), 1);
    assert_eq!(spans(&mut world.killed().open()), expected(focus(RUNNING, 120_000, "editor")));
    let sealed = vault.lock();
    sealed.close();

    let (world, vault) = running();
    vault.close();
    assert_eq!(spans(&mut world.open()), expected(focus(RUNNING, 120_000, "editor")));
}

/// The tip is not synced, this file is.
#[test]
fn a_sealed_vault_takes_it_in_though_the_tip_is_behind() {
    let world = World::new();
    let mut vault = world.open();
    vault.append(day(0), &Row::Span(focus(0, 50_000, "editor"))).unwrap();
    let tip = fs::read(world.generation().join("tip")).unwrap();
    vault.append(day(0), &Row::Span(focus(50_000, 10_000, "browser"))).unwrap();
    for seconds in 1..=4 {
        vault.append(day(0), &Row::Checkpoint(focus(RUNNING, seconds * 30_000, "editor"))).unwrap();
    }
    let killed = world.killed();
    fs::write(killed.generation().join("tip"), tip).unwrap();
    let (state, _) = State::open(&killed.places, &Keys::sealed(&killed.places)).unwrap();
    let State::Sealed { mut vault, .. } = state else { unreachable!("there was no key to try") };
    let read = vault.read(day(0)..=day(0)).unwrap();
    assert_eq!(read.sealed[0].charged_ms, 180_000);
    // What comes next would have had its number.
    vault.append(day(0), &Row::Span(focus(300_000, 1000, "editor"))).unwrap();
    drop(vault);
    let mut all = expected(focus(RUNNING, 120_000, "editor"));
    all.push(focus(300_000, 1000, "editor"));
    assert_eq!(spans(&mut killed.open()), all);
}

/// Another history's file: its row has the number of the next one, and follows another row.
#[test]
fn a_slot_that_follows_another_row_is_no_row() {
    let world = World::new();
    let mut vault = world.open();
    vault.append(day(0), &Row::Span(focus(0, 50_000, "editor"))).unwrap();
    let other = world.killed();
    let mut fork = other.open();
    fork.append(day(0), &Row::Span(focus(50_000, 10_000, "editor"))).unwrap();
    fork.append(day(0), &Row::Checkpoint(focus(RUNNING, 30_000, "editor"))).unwrap();
    vault.append(day(0), &Row::Span(focus(50_000, 9000, "editor"))).unwrap();
    let killed = world.killed();
    fs::copy(other.generation().join("running"), killed.generation().join("running")).unwrap();
    let expected = [focus(0, 50_000, "editor"), focus(50_000, 9000, "editor")];
    assert_eq!(spans(&mut killed.open()), expected);
    let State::Sealed { vault, .. } = State::open(&killed.places, &Keys::sealed(&killed.places)).unwrap().0
    else {
        unreachable!("there was no key to try")
    };
    assert_eq!(vault.read(day(0)..=day(0)).unwrap().sealed[0].charged_ms, 59_000);
}

/// Its row is gone, others came after it, and the tip that would tell is gone too: an old file must not stand in.
#[test]
fn a_slot_whose_number_has_passed_is_no_row() {
    let (world, mut vault) = running();
    let old = fs::read(world.generation().join("running")).unwrap();
    vault.append(day(0), &Row::Span(focus(RUNNING, 125_000, "editor"))).unwrap();
    vault.append(day(1), &Row::Span(focus(90_000_000, 9, "editor"))).unwrap();
    vault.close();
    world.sqlite().execute_batch("DELETE FROM j WHERE seq = 3").unwrap();
    fs::remove_file(world.generation().join("tip")).unwrap();
    fs::write(world.generation().join("running"), old).unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!(opened.notes, [Note::TipRemade]);
    assert_eq!(spans(&mut vault).len(), 3, "two of the first day, one of the second");
    assert_eq!(vault.append(day(1), &Row::Span(focus(90_000_100, 9, "editor"))).unwrap().get(), 5);
}

/// The database's first page is gone: mending it keeps what runs, and so does salvage.
#[test]
fn mending_and_salvage_keep_it() {
    let (world, _vault) = running();
    let killed = world.killed();
    drop(killed.sqlite().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    let path = killed.generation().join("db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..2048].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let into = World::new();
    let slots = [Unlock::Keyfile(killed.places.keyfile())];
    let mut salvaged =
        salvage(&path, &into.places, &slots, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!(spans(&mut salvaged.vault), expected(focus(RUNNING, 120_000, "editor")));
    let (mut vault, opened) = killed.try_open().unwrap();
    assert!(opened.mended.is_some_and(|mended| mended.taken));
    assert_eq!(spans(&mut vault), expected(focus(RUNNING, 120_000, "editor")));
    // While it runs as well.
    vault.append(day(0), &Row::Checkpoint(focus(300_000, 30_000, "editor"))).unwrap();
    let (mut vault, _) = vault.mend().unwrap();
    vault.append(day(0), &Row::Checkpoint(focus(300_000, 60_000, "editor"))).unwrap();
    let mut all = expected(focus(RUNNING, 120_000, "editor"));
    all.push(focus(300_000, 60_000, "editor"));
    assert_eq!(spans(&mut vault), all);
    drop(vault);
    assert_eq!(spans(&mut killed.open()), all);
}

/// An old file put back, alone: whatever it holds is a thing of the past.
#[test]
fn a_slot_of_the_past_is_no_row() {
    let (world, mut vault) = running();
    let old = fs::read(world.generation().join("running")).unwrap();
    vault.append(day(0), &Row::Span(focus(RUNNING, 125_000, "editor"))).unwrap();
    let killed = world.killed();
    fs::write(killed.generation().join("running"), old).unwrap();
    assert_eq!(spans(&mut killed.open()), expected(focus(RUNNING, 125_000, "editor")));
}
