//! The running span's checkpoint, which stands beside the journal until it is final.

use std::fs;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_vault::{Keys, Note, Row, State, Vault};

use crate::world::{World, day, focus};

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
