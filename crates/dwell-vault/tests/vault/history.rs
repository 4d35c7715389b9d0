//! What goes in comes out: rows, checkpoints, sealing, reopening.

use std::collections::BTreeMap;

use dwell_core::span::{Activity, Span};
use dwell_core::time::Millis;
use dwell_vault::{Note, Row};
use proptest::prelude::*;

use crate::world::{World, all, day, focus, of_day, record, some_spans, subject};

#[test]
fn spans_read_back_at_once_after_closing_after_a_kill_and_after_sealing() {
    let world = World::new();
    let (mut vault, opened) = world.try_open().unwrap();
    assert!(opened.created && opened.notes.is_empty());
    assert_eq!(vault.days(), None);
    let days: Vec<Vec<Span>> = (0..3).map(|d| some_spans(d, 25)).collect();
    for (after, spans) in (0..).zip(&days) {
        record(&mut vault, after, spans);
    }
    assert_eq!(vault.days(), Some((day(0), day(2))));
    let written = all(&mut vault);
    assert_eq!(written.damaged, []);
    for (after, spans) in (0..).zip(&days) {
        assert_eq!(&of_day(&written, after), spans);
    }

    let killed = world.killed();
    let (mut after_kill, opened) = killed.try_open().unwrap();
    assert!(!opened.created && opened.notes.is_empty(), "{:?}", opened.notes);
    assert_eq!(all(&mut after_kill), written);

    assert_eq!(vault.seal_before(day(2)).unwrap(), 2);
    assert_eq!(vault.seal_before(day(2)).unwrap(), 0);
    assert_eq!(all(&mut vault), written);
    assert_eq!(vault.read(day(1)..=day(1)).unwrap().spans.len(), 25);
    vault.close();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!(opened.notes, []);
    assert_eq!(all(&mut vault), written);
    assert_eq!(vault.seal_before(day(3)).unwrap(), 1);
    assert_eq!(all(&mut vault), written);
    drop(vault);
    assert_eq!(all(&mut world.open()), written);
    let rows: u32 = world.sqlite().query_row("SELECT count(*) FROM j", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn a_later_row_supersedes_a_checkpoint_and_may_be_shorter_or_none() {
    let world = World::new();
    let mut vault = world.open();
    let at = |start, length| focus(start, length, "editor");
    for row in [
        Row::Checkpoint(at(0, 30_000)),
        Row::Checkpoint(at(0, 60_000)),
        Row::Span(at(0, 45_000)),
        Row::Checkpoint(at(100_000, 30_000)),
        Row::Span(at(100_000, 0)),
        Row::Checkpoint(at(200_000, 30_000)),
    ] {
        vault.append(day(0), &row).unwrap();
    }
    let expected = [at(0, 45_000), at(200_000, 30_000)];
    assert_eq!(of_day(&all(&mut vault), 0), expected);

    let killed = world.killed();
    let (mut reopened, opened) = killed.try_open().unwrap();
    assert_eq!(opened.notes, [Note::OpenSpanKept { day: day(0) }]);
    assert_eq!(of_day(&all(&mut reopened), 0), expected);
    reopened.append(day(0), &Row::Span(at(200_000, 31_000))).unwrap();
    reopened.close();
    assert_eq!(killed.try_open().unwrap().1.notes, []);

    vault.seal_before(day(1)).unwrap();
    assert_eq!(of_day(&all(&mut vault), 0), expected);
}

/// Idle noticed at 04:02 trims a span that had been taken to last past the day's start at 04:00.
#[test]
fn rows_of_yesterday_and_today_may_mingle() {
    let world = World::new();
    let mut vault = world.open();
    let (late, early) = (focus(1000, 60_000, "player"), focus(61_000, 30_000, "player"));
    vault
        .append_all(&[(day(0), Row::Checkpoint(late.clone())), (day(1), Row::Checkpoint(early.clone()))])
        .unwrap();
    let trimmed = Span { length: Millis::from_ms(20_000), ..late };
    let dropped = Span { length: Millis::ZERO, ..early };
    vault.append_all(&[(day(0), Row::Span(trimmed.clone())), (day(1), Row::Span(dropped))]).unwrap();
    let next = focus(300_000, 5, "editor");
    vault.append(day(1), &Row::Span(next.clone())).unwrap();
    for _ in 0..2 {
        let history = all(&mut vault);
        assert_eq!((of_day(&history, 0), of_day(&history, 1)), (vec![trimmed.clone()], vec![next.clone()]));
        assert_eq!(history.damaged, []);
        vault.close();
        vault = world.open();
        vault.seal_before(day(1)).unwrap();
    }
}

#[test]
fn rows_that_come_after_their_day_was_sealed_are_kept_and_supersede() {
    let world = World::new();
    let mut vault = world.open();
    let (first, second) = (focus(0, 30_000, "editor"), focus(60_000, 30_000, "editor"));
    vault.append(day(0), &Row::Checkpoint(first.clone())).unwrap();
    vault.append(day(0), &Row::Span(second.clone())).unwrap();
    assert_eq!(vault.seal_before(day(1)).unwrap(), 1);
    vault.append(day(0), &Row::Span(Span { length: Millis::ZERO, ..first })).unwrap();
    let late = focus(90_000, 7, "editor");
    vault.append(day(0), &Row::Span(late.clone())).unwrap();
    let expected = [second, late];
    assert_eq!(of_day(&all(&mut vault), 0), expected);
    assert_eq!(vault.seal_before(day(1)).unwrap(), 1);
    assert_eq!(of_day(&all(&mut vault), 0), expected, "a later part's page keeps that the span is void");
    drop(vault);
    assert_eq!(of_day(&all(&mut world.open()), 0), expected);
}

#[test]
fn attention_and_sounds_that_begin_together_are_all_kept() {
    let world = World::new();
    let mut vault = world.open();
    let focus = focus(0, 30_000, "editor");
    let sound = |app| Span { activity: Activity::Audible(subject(app, None)), ..focus.clone() };
    let spans = [focus.clone(), sound("player"), sound("radio")];
    record(&mut vault, 0, &spans);
    assert_eq!(of_day(&all(&mut vault), 0), spans);
    vault.seal_before(day(1)).unwrap();
    assert_eq!(of_day(&all(&mut vault), 0), spans);
}

#[test]
fn numbers_of_rows_grow_and_never_come_again() {
    let world = World::new();
    let mut vault = world.open();
    let mut last = 0;
    for round in 0..4 {
        let seq = vault.append(day(round), &Row::Span(focus(0, 5, "editor"))).unwrap().get();
        assert_eq!(seq, last + 1);
        last = vault.append_all(&[]).unwrap().get();
        assert_eq!(last, seq);
        vault.seal_before(day(round + 1)).unwrap();
        vault.close();
        vault = world.open();
    }
}

#[test]
fn subjects_are_those_of_pages_journal_and_new_rows() {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 10));
    vault.seal_before(day(1)).unwrap();
    vault.append(day(1), &Row::Span(focus(90_000_000, 5, "terminal"))).unwrap();
    let names = |vault: &mut dwell_vault::Vault| -> Vec<String> {
        let known = vault.subjects().unwrap();
        let apps = known.apps.iter().map(|app| app.as_str().to_owned());
        apps.chain(known.domains.iter().map(|domain| domain.as_str().to_owned())).collect()
    };
    assert_eq!(names(&mut vault), ["browser", "editor", "radio", "terminal", "example.org"]);
    vault.append(day(1), &Row::Span(focus(91_000_000, 5, "chat"))).unwrap();
    assert_eq!(names(&mut vault), ["browser", "chat", "editor", "radio", "terminal", "example.org"]);
}

#[test]
fn the_enforcement_record_is_replaced_and_read_back() {
    let world = World::new();
    let mut vault = world.open();
    assert_eq!(vault.enforcement().unwrap(), None);
    for bytes in [&b""[..], b"rules", &[7; 100_000], b"fewer rules"] {
        vault.put_enforcement(bytes).unwrap();
        assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), bytes);
        let killed = world.killed();
        assert_eq!(killed.open().enforcement().unwrap().unwrap().as_slice(), bytes);
    }
    let too_long = vault.put_enforcement(&vec![0; 17 << 20]).unwrap_err();
    assert_eq!(too_long.to_string(), "17825792 bytes are more than one record can hold");
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"fewer rules");
}

#[test]
fn a_second_daemon_is_refused_and_told_of_the_first() {
    let world = World::new();
    let vault = world.open();
    let refused = world.try_open().unwrap_err();
    let pid = std::process::id();
    assert!(matches!(refused, dwell_vault::OpenError::InUse { pid: Some(p) } if p == pid), "{refused}");
    vault.close();
    world.open().close();
}

#[derive(Clone, Debug)]
enum Op {
    /// Rows: day, start, length, track (0: attention), whether it is a checkpoint.
    Append(Vec<(i32, u64, u64, u8, bool)>),
    SealBefore(i32),
    Close,
    Kill,
}

fn op() -> impl Strategy<Value = Op> {
    let row = (0..3, 0_u64..5, 0_u64..4, 0_u8..3, any::<bool>());
    prop_oneof![
        6 => proptest::collection::vec(row, 1..4).prop_map(Op::Append),
        1 => (1..4).prop_map(Op::SealBefore),
        1 => Just(Op::Close),
        1 => Just(Op::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever comes in whatever order, the last row of a start and track counts, if it has any length.
    #[test]
    fn a_vault_is_what_a_map_would_be(ops in proptest::collection::vec(op(), 1..25)) {
        let mut world = World::new();
        let mut vault = world.open();
        let mut model: BTreeMap<(i32, u64, u8), u64> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Append(rows) => {
                    let mut batch = Vec::new();
                    for (after, start, length, track, checkpoint) in rows {
                        let mut span = focus(start * 1000, length, "editor");
                        if track > 0 {
                            span.activity = Activity::Audible(subject(["", "player", "radio"][usize::from(track)], None));
                        }
                        batch.push((day(after), if checkpoint { Row::Checkpoint(span) } else { Row::Span(span) }));
                        model.insert((after, start, track), length);
                    }
                    vault.append_all(&batch).unwrap();
                }
                Op::SealBefore(after) => drop(vault.seal_before(day(after)).unwrap()),
                Op::Close => {
                    vault.close();
                    vault = world.open();
                }
                Op::Kill => {
                    let killed = world.killed();
                    drop(vault);
                    world = killed;
                    vault = world.open();
                }
            }
            let history = all(&mut vault);
            prop_assert_eq!(&history.damaged, &[]);
            let found: Vec<_> = history.spans.iter().map(|(d, span)| {
                let track = match &span.activity {
                    Activity::Audible(s) if s.app.as_str() == "player" => 1,
                    Activity::Audible(_) => 2,
                    _ => 0,
                };
                ((d.epoch_days() - day(0).epoch_days(), span.start.boot.as_ms() / 1000, track), span.length.as_ms())
            }).collect();
            let expected: Vec<_> = model.iter().filter(|(_, length)| **length > 0).map(|(k, v)| (*k, *v)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
