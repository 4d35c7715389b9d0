//! What comes from elsewhere fills what nothing is known of, all of it or nothing, and only once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::time::Millis;
use dwell_vault::{ImportError, Imported, Retention, Row, Terms, Vault, What};
use proptest::prelude::*;

use crate::generations::go_on;
use crate::totals::assert_totals;
use crate::world::{World, all, day, focus, of_day, record, some_spans, subject};

/// Spans from elsewhere, by day; each `(day, start, length)` in milliseconds, which begins in its day.
fn foreign(spans: &[(i32, u64, u64)]) -> Vec<(CivilDay, Vec<Span>)> {
    let mut days: BTreeMap<i32, Vec<Span>> = BTreeMap::new();
    for (after, start, length) in spans {
        let morning = u64::try_from(*after).unwrap() * 86_400_000;
        let span = focus(morning + start, *length, if length % 2 == 0 { "elsewhere" } else { "editor" });
        days.entry(*after).or_default().push(span);
    }
    let sorted = |(after, mut spans): (i32, Vec<Span>)| {
        spans.sort_by_key(|span| span.start.wall);
        (day(after), spans)
    };
    days.into_iter().map(sorted).collect()
}

/// Takes what is over by then, whatever its age.
fn until(today: i32) -> Terms<'static> {
    Terms { today: day(today), keep_detail: None, held: &[], dry_run: false }
}

pub(crate) fn import(vault: &mut Vault, spans: &[(i32, u64, u64)], today: i32) -> Imported {
    try_import(vault, spans, today).unwrap()
}

pub(crate) fn try_import(
    vault: &mut Vault,
    spans: &[(i32, u64, u64)],
    today: i32,
) -> Result<Imported, ImportError> {
    let days = foreign(spans);
    let total = days.len() as u64;
    vault.import(days.into_iter(), total, until(today), &mut go_on)
}

/// Where each span of attention begins and ends, with what it was given to.
fn track(spans: &[Span]) -> Vec<(i64, i64, Activity)> {
    let mut track: Vec<_> = spans
        .iter()
        .filter(|span| !matches!(span.activity, Activity::Audible(_)))
        .map(|span| (span.start.wall.as_unix_ms(), span.end_wall().as_unix_ms(), span.activity.clone()))
        .collect();
    track.sort_by_key(|(start, end, _)| (*start, *end));
    track
}

/// Which milliseconds of its day are whose: the model against which an import is held.
fn painted(spans: &[Span], length: usize) -> Vec<Option<Activity>> {
    let mut minutes = vec![None; length];
    for (start, end, activity) in track(spans) {
        for at in start..end {
            let at = usize::try_from(at - 1_795_240_800_000).unwrap();
            if let Some(place) = minutes.get_mut(at) {
                *place = Some(activity.clone());
            }
        }
    }
    minutes
}

fn any_known() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec((0..40_u64, 1..40_u64, 0..5_u8), 0..12).prop_map(|pieces| {
        let mut at = 0;
        let spans = pieces.into_iter().map(|(pause, length, what)| {
            let mut span = focus(at + pause, length, "editor");
            span.activity = match what {
                0 => Activity::Private(subject("browser", None).app),
                1 => Activity::Audible(subject("radio", None)),
                2 | 3 => Activity::Unobserved,
                _ => span.activity,
            };
            at += pause + length;
            span
        });
        spans.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Millisecond by millisecond: what was recorded stays, what nobody saw is filled, and nothing comes twice.
    #[test]
    fn what_is_recorded_wins_and_the_rest_is_filled(
        known in any_known(),
        spans in prop::collection::vec((0..500_u64, 1..60_u64), 0..25),
        extra in any_known(),
    ) {
        let world = World::new();
        let mut vault = world.open();
        record(&mut vault, 0, &known);
        vault.seal_before(day(1)).unwrap();
        // Of a day that has more than one part, too.
        let extra: Vec<Span> = extra.into_iter().map(|span| Span { start: focus(2000, 0, "x").start, ..span }).take(1).collect();
        if !extra.is_empty() {
            record(&mut vault, 0, &extra);
            vault.seal_before(day(1)).unwrap();
        }
        let before = painted(&of_day(&all(&mut vault), 0), 4000);
        let spans: Vec<_> = spans.into_iter().map(|(start, length)| (0, start, length)).collect();
        let given: u64 = spans.iter().map(|(_, _, length)| length).sum();
        let imported = import(&mut vault, &spans, 1);
        assert_totals(&mut vault, &[(0, 0), (-50, 200)]);
        let sheer = |days: Vec<(CivilDay, Vec<Span>)>| days.into_iter().flat_map(|(_, spans)| spans).collect::<Vec<_>>();
        let mut wanted = before.clone();
        for span in sheer(foreign(&spans)) {
            for (at, activity) in painted(std::slice::from_ref(&span), 4000).into_iter().enumerate() {
                let free = matches!(before[at], None | Some(Activity::Unobserved));
                let taken = wanted[at] != before[at];
                if activity.is_some() && free && !taken {
                    wanted[at] = activity;
                }
            }
        }
        let after = of_day(&all(&mut vault), 0);
        let filled = painted(&after, 4000);
        prop_assert!(filled == wanted);
        let new = filled.iter().zip(&before).filter(|(after, before)| after != before).count() as u64;
        prop_assert_eq!((imported.taken_ms, imported.taken_ms + imported.known_ms), (new, given));
        for pair in track(&after).windows(2) {
            prop_assert!(pair[0].1 <= pair[1].0, "overlap");
        }
        // Once more, it takes nothing.
        let again = import(&mut vault, &spans, 1);
        prop_assert_eq!(again, Imported { known_ms: given, ..Imported::default() });
        vault.close();
        let mut vault = world.open();
        prop_assert_eq!(of_day(&all(&mut vault), 0), after);
        prop_assert!(vault.verify(&mut go_on).unwrap().contradicting.is_empty());
    }
}

#[test]
fn of_days_that_can_still_change_or_cannot_be_read_nothing_is_taken() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..4 {
        record(&mut vault, after, &some_spans(after, 5));
    }
    vault.seal_before(day(3)).unwrap();
    vault.retain(&Retention { keep_detail: Some(day(1)), keep_totals: None }).unwrap();
    // Day 3 is in the journal, day 0 has totals only, day 4 is today, day 9 is to come, day 2 has room.
    let spans = [(0, 40_000_000, 7), (2, 40_000_000, 11), (3, 40_000_000, 13), (4, 0, 17), (9, 5, 19)];
    let imported = import(&mut vault, &spans, 4);
    let wanted = Imported {
        days: 1,
        ends: Some((day(2), day(2))),
        spans: 1,
        taken_ms: 11,
        known_ms: 0,
        later_ms: 13 + 17 + 19,
        unread_ms: 7,
        expired_ms: 0,
    };
    assert_eq!(imported, wanted);
    assert_totals(&mut vault, &[(1, 9)]);
    vault.seal_before(day(4)).unwrap();
    vault.close();
    // A page that is gone: what it held is not known.
    world.sqlite().execute("DELETE FROM page", []).unwrap();
    let mut vault = world.open();
    let imported = import(&mut vault, &[(1, 0, 5), (2, 0, 5), (60, 1, 3)], 61);
    assert_eq!((imported.unread_ms, imported.taken_ms), (10, 3));
}

/// Rows that a full disk keeps out of the vault are recorded all the same, also under a day near to it.
#[test]
fn what_is_recorded_and_not_here_yet_counts_as_well() {
    let world = World::new();
    let mut vault = world.open();
    let noon = 43_200_000;
    let held = |after: i32, label: i32| {
        let start = u64::try_from(after).unwrap() * 86_400_000 + noon;
        (day(label), Row::Span(focus(start, 60_000, "editor")))
    };
    // Of day 1, and of day 3 as another calendar named it.
    let rows = [held(1, 1), held(3, 4)];
    let spans: Vec<_> = [1, 2, 3].map(|after| (after, noon, 100_000)).to_vec();
    let terms = Terms { held: &rows, ..until(9) };
    let imported = vault.import(foreign(&spans).into_iter(), 3, terms, &mut go_on).unwrap();
    let ends = Some((day(2), day(3)));
    let wanted = Imported {
        days: 2,
        ends,
        spans: 2,
        taken_ms: 140_000,
        later_ms: 100_000,
        known_ms: 60_000,
        ..Imported::default()
    };
    assert_eq!(imported, wanted);
    for (label, row) in &rows {
        let _ = vault.append(*label, row).unwrap();
    }
    vault.seal_before(day(9)).unwrap();
    // What was left out before, and only where nothing is recorded.
    let imported = import(&mut vault, &[(1, noon, 100_000), (2, noon, 100_000), (3, noon, 100_000)], 9);
    assert_eq!((imported.taken_ms, imported.known_ms), (40_000, 260_000));
    let spans = all(&mut vault).spans.into_iter().map(|(_, span)| span).collect::<Vec<_>>();
    for pair in track(&spans).windows(2) {
        assert!(pair[0].1 <= pair[1].0, "overlap");
    }
}

/// What would go at the next upkeep is not taken to begin with.
#[test]
fn of_days_whose_spans_are_not_kept_nothing_is_taken() {
    let world = World::new();
    let mut vault = world.open();
    let spans: Vec<_> = (0..6).map(|after| (after, 0, 60_000)).collect();
    let terms = Terms { keep_detail: Some(day(2)), ..until(9) };
    let imported = vault.import(foreign(&spans).into_iter(), 6, terms, &mut go_on).unwrap();
    assert_eq!((imported.days, imported.taken_ms, imported.expired_ms), (4, 240_000, 120_000));
    assert_eq!(imported.ends, Some((day(2), day(5))));
    let retention = Retention { keep_detail: Some(day(2)), keep_totals: None };
    assert_eq!(vault.retain(&retention).unwrap(), dwell_vault::LetGo::default());
    // Later, what was taken goes like anything else, and its totals stay.
    let retention = Retention { keep_detail: Some(day(4)), keep_totals: None };
    assert_eq!(vault.retain(&retention).unwrap().details, 2);
    assert_totals(&mut vault, &[(4, 9)]);
    assert_eq!(all(&mut vault).spans.len(), 2);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 9));
    vault.seal_before(day(1)).unwrap();
    let files = world.files();
    let days = || foreign(&[(0, 0, 9_000_000), (1, 0, 5000), (7, 0, 1)]).into_iter();
    let would = vault.import(days(), 3, Terms { dry_run: true, ..until(5) }, &mut go_on).unwrap();
    assert!(would.taken_ms > 5000 && would.known_ms > 0 && would.later_ms == 1);
    assert!(world.files() == files, "a dry run has written");
    assert_eq!(vault.import(days(), 3, until(5), &mut go_on).unwrap(), would);
    assert!(world.files() != files);
}

#[test]
fn stopped_at_any_day_nothing_is_taken() {
    let world = World::new();
    let mut vault = world.open();
    let spans: Vec<_> = (0..5).map(|after| (after, 0, 60_000)).collect();
    let mut stops = 0;
    for stop_at in 0..=6 {
        let mut calls = 0;
        let days = foreign(&spans);
        let imported = vault.import(days.into_iter(), 5, until(5), &mut |_| {
            calls += 1;
            if calls > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match imported {
            Err(ImportError::Interrupted) => {
                stops += 1;
                assert_eq!(all(&mut vault).spans.len(), 0, "after {stop_at}");
            }
            Ok(imported) => assert_eq!((imported.days, calls), (5, 6)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((stops, all(&mut vault).spans.len()), (6, 5));
}

/// Thirty days' rollups made before an import are not those of after; forgetting and new keys keep what came.
#[test]
fn what_was_taken_is_history_like_any_other() {
    let world = World::new();
    let mut vault = world.open();
    for after in (0..60).step_by(3) {
        record(&mut vault, after, &some_spans(after, 6));
    }
    vault.seal_before(day(120)).unwrap();
    assert_totals(&mut vault, &[(0, 59), (0, 119)]);
    let spans: Vec<_> = (0..70).map(|after| (after, 1_000_000, 7_200_000)).collect();
    assert_eq!(import(&mut vault, &spans, 120).days, 70);
    let ranges = [(0, 0), (5, 41), (-50, 700)];
    assert_totals(&mut vault, &ranges);
    // The killed vault is whole: all of it was one commit.
    let mut killed = world.killed().open();
    assert_totals(&mut killed, &ranges);
    drop(killed);
    let before = all(&mut vault).spans;
    vault.rotate(&dwell_vault::NewSecrets::default(), &mut go_on).unwrap();
    assert_eq!(all(&mut vault).spans, before);
    assert_totals(&mut vault, &ranges);
    let gone = What::App(subject("elsewhere", None).app);
    vault.forget(&gone, false, &dwell_vault::NewSecrets::default(), &mut go_on).unwrap();
    assert_totals(&mut vault, &ranges);
    // Later rows of a day that has such a part are kept as well.
    record(&mut vault, 1, &[focus(86_400_000 + 80_000_000, 5, "editor")]);
    vault.seal_before(day(120)).unwrap();
    assert_totals(&mut vault, &ranges);
    assert!(vault.subjects().unwrap().apps.contains(&subject("editor", None).app));
    assert!(!all(&mut vault).spans.iter().any(|(_, span)| span.length == Millis::ZERO));
}
