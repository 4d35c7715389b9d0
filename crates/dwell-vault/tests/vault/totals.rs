//! Totals are what the spans say, whichever records they come from, after whatever was done.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::ledger::Visits;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::Subject;
use dwell_vault::{
    ActivityKind, History, Keys, NewSecrets, Numbered, Row, State, Totals, Unlock, Use, Vault,
};
use proptest::prelude::*;

use crate::generations::go_on;
use crate::world::{World, all, day, focus, record, some_spans, subject};

/// What the spans say: the report's own way of counting, one day at a time.
pub(crate) fn by_hand(vault: &mut Vault, days: RangeInclusive<CivilDay>) -> Totals {
    let history = vault.read(days).unwrap();
    let mut totals = Totals { damaged: history.damaged, ..Totals::default() };
    let mut visits: BTreeMap<(CivilDay, Subject), Visits> = BTreeMap::new();
    for (day, span) in history.spans {
        let ms = span.length.as_ms();
        totals.unobserved_ms += if span.activity == Activity::Unobserved { ms } else { 0 };
        let Some(subject) = span.activity.charged() else { continue };
        let begins = visits.entry((day, subject.clone())).or_default().next(span.start.wall, span.length);
        let of: &mut Use = totals.subjects.entry(subject).or_default();
        (of.ms, of.opens) = (of.ms + ms, of.opens + u64::from(begins));
        totals.charged_ms += ms;
        let mut at = span.start.wall.as_unix_ms();
        let end = span.end_wall().as_unix_ms();
        while at < end {
            let next = ((at / 3_600_000 + 1) * 3_600_000).min(end);
            totals.hours[usize::try_from(at / 3_600_000 % 24).unwrap()] += u64::try_from(next - at).unwrap();
            at = next;
        }
    }
    totals
}

/// What a scan gives, with its names put back.
fn scanned(vault: &Vault, days: RangeInclusive<CivilDay>) -> History {
    let mut spans = Vec::new();
    let damaged = vault.scan(days, |scanned| {
        let app = |span: &Numbered| scanned.apps[span.app.unwrap() as usize].clone();
        let subject = |span: &Numbered| Subject {
            app: app(span),
            domain: span.domain.map(|place| scanned.domains[place as usize].clone()),
        };
        spans.extend(scanned.spans.iter().map(|span| {
            let activity = match span.kind {
                ActivityKind::Focus => Activity::Focus(subject(span)),
                ActivityKind::Private => Activity::Private(app(span)),
                ActivityKind::Audible => Activity::Audible(subject(span)),
                ActivityKind::Unobserved => Activity::Unobserved,
            };
            (scanned.day, Span { start: span.start, length: span.length, activity })
        }));
    });
    History { spans, damaged: damaged.unwrap() }
}

pub(crate) fn assert_totals(vault: &mut Vault, ranges: &[(i32, i32)]) {
    for (from, to) in ranges {
        let days = day(*from)..=day(*to);
        assert_eq!(vault.totals(days.clone()).unwrap(), by_hand(vault, days.clone()), "{from} to {to}");
        assert_eq!(scanned(vault, days.clone()), vault.read(days).unwrap(), "{from} to {to}");
    }
}

const RANGES: [(i32, i32); 9] =
    [(0, 0), (-50, 200), (3, 40), (28, 95), (41, 70), (10, 4), (-50, 700), (90, 480), (101, 461)];

#[derive(Clone, Debug)]
enum Op {
    /// Rows: day, start, length, which activity.
    Append(Vec<(i32, u64, u64, u8)>),
    SealBefore(i32),
    Close,
    Kill,
    /// Lock, do these while sealed, restart sealed or not, unlock.
    Sealed(Vec<(i32, u64, u64, u8)>, i32, bool),
    /// What comes from elsewhere (day, start, length), and which day is today.
    Import(Vec<(i32, u64, u64)>, i32),
}

fn op() -> impl Strategy<Value = Op> {
    let rows = || {
        let row = (prop_oneof![0..4, 27..34, 60..64, 99..104, 460..464], 0_u64..6, 0_u64..9_000_000, 0_u8..5);
        proptest::collection::vec(row, 1..6)
    };
    prop_oneof![
        5 => rows().prop_map(Op::Append),
        3 => prop_oneof![0..5, 30..35, 61..120, 455..600].prop_map(Op::SealBefore),
        1 => (prop::collection::vec((0..130_i32, 0..86_000_000_u64, 1..9_000_000_u64), 1..12), 1..140_i32)
            .prop_map(|(spans, today)| Op::Import(spans, today)),
        1 => Just(Op::Close),
        1 => Just(Op::Kill),
        2 => (rows(), 0..100, any::<bool>()).prop_map(|(rows, before, restart)| Op::Sealed(rows, before, restart)),
    ]
}

fn batch(rows: &[(i32, u64, u64, u8)]) -> Vec<(CivilDay, Row)> {
    let made = rows.iter().map(|(after, start, length, what)| {
        let morning = u64::try_from(*after).unwrap() * 86_400_000;
        let mut span = focus(morning + start * 400_000, *length, "editor");
        span.activity = match what {
            0 => Activity::Focus(subject("browser", Some("example.org"))),
            1 => Activity::Private(subject("browser", None).app),
            2 => Activity::Audible(subject("radio", None)),
            3 => Activity::Unobserved,
            _ => span.activity,
        };
        (day(*after), Row::Span(span))
    });
    made.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn totals_are_what_the_spans_say(ops in proptest::collection::vec(op(), 1..16)) {
        let mut world = World::new();
        let mut vault = world.open();
        for op in ops {
            match op {
                Op::Append(rows) => drop(vault.append_all(&batch(&rows)).unwrap()),
                Op::SealBefore(before) => drop(vault.seal_before(day(before)).unwrap()),
                Op::Import(spans, today) => _ = crate::imports::import(&mut vault, &spans, today),
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
                Op::Sealed(rows, before, restart) => {
                    let mut sealed = vault.lock();
                    if restart {
                        drop(sealed);
                        let (State::Sealed { vault, .. }, _) =
                            State::open(&world.places, &Keys::sealed(&world.places)).unwrap()
                        else {
                            unreachable!("no key was given")
                        };
                        sealed = vault;
                    }
                    sealed.append_all(&batch(&rows)).unwrap();
                    sealed.seal_before(day(before)).unwrap();
                    let keyfile = Unlock::Keyfile(world.places.keyfile());
                    vault = sealed.unlock(&keyfile).map_err(|(_, error)| error).unwrap();
                }
            }
            assert_totals(&mut vault, &RANGES);
        }
        prop_assert_eq!(all(&mut vault).damaged, []);
    }
}

#[test]
fn hours_are_those_of_the_calendar_that_was_set() {
    let world = World::new();
    let mut vault = world.open();
    vault.set_calendar(Calendar::new("Asia/Kolkata".parse().unwrap(), "04:00".parse().unwrap()));
    // 06:00 UTC is 11:30 there.
    record(&mut vault, 0, &[focus(0, 3_600_000, "editor")]);
    for _ in 0..2 {
        assert_eq!(vault.totals(day(0)..=day(0)).unwrap().hours[10..14], [0, 1_800_000, 1_800_000, 0]);
        vault.seal_before(day(1)).unwrap();
    }
}

/// A page that is lost costs its spans; its rollup still answers, and the day is told.
#[test]
fn a_rollup_answers_for_a_page_that_is_lost() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..40 {
        record(&mut vault, after, &some_spans(after, 6));
    }
    vault.seal_before(day(70)).unwrap();
    let truth = by_hand(&mut vault, day(0)..=day(99));
    vault.close();
    world.sqlite().execute("DELETE FROM page", []).unwrap();
    let mut vault = world.open();
    assert_eq!(vault.totals(day(0)..=day(99)).unwrap(), truth);
    assert_eq!(vault.totals(day(3)..=day(99)).unwrap().charged_ms, truth.charged_ms / 40 * 37);
    assert_eq!(vault.read(day(0)..=day(99)).unwrap().damaged.len(), 40);
    assert_eq!(scanned(&vault, day(0)..=day(99)), vault.read(day(0)..=day(99)).unwrap());
    vault.close();
    world.sqlite().execute("DELETE FROM roll", []).unwrap();
    let mut vault = world.open();
    let lost = vault.totals(day(0)..=day(99)).unwrap();
    assert_eq!((lost.charged_ms, lost.damaged.len()), (0, 40));
    assert_eq!(all(&mut vault).spans, []);
}

/// Prints what a year and ten cost; the bars hold for a release build: `DWELL_LONG=1 cargo test --release …`.
#[test]
fn ten_years_of_totals() {
    let days = if std::env::var_os("DWELL_LONG").is_some() { 3650 } else { 100 };
    let world = World::new();
    let mut vault = world.open();
    for after in 0..days {
        let morning = u64::try_from(after).unwrap() * 86_400_000;
        let spans: Vec<Span> = (0..40_u64)
            .map(|i| {
                let mut span =
                    focus(morning + i * 600_000, 500_000 + i, &format!("org.example.App{}", i % 13));
                if i % 3 == 0 {
                    let domain = format!("site{}.example", (i + u64::try_from(after).unwrap()) % 40);
                    span.activity = Activity::Focus(subject("browser", Some(&domain)));
                }
                span
            })
            .collect();
        record(&mut vault, after, &spans);
        if after % 50 == 49 {
            vault.seal_before(day(after)).unwrap();
        }
    }
    vault.seal_before(day(days + 60)).unwrap();
    for length in [30, 365, 3650].into_iter().filter(|length| *length <= days) {
        let range = day(days - length)..=day(days);
        let mut times: Vec<_> = (0..20)
            .map(|_| {
                let began = std::time::Instant::now();
                assert!(vault.totals(range.clone()).unwrap().charged_ms > 0);
                began.elapsed()
            })
            .collect();
        times.sort();
        println!("{length} days: median {:?}", times[10]);
    }
    assert_totals(&mut vault, &[(5, 80), (0, days)]);
    let began = std::time::Instant::now();
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    println!("rekeying {days} days: {:?}", began.elapsed());
    let began = std::time::Instant::now();
    vault.verify(&mut go_on).unwrap();
    println!("verifying them: {:?}", began.elapsed());
    println!("{} bytes a day", vault.info().unwrap().bytes / u64::try_from(days).unwrap());
}

/// Rollups that change places, or come from an earlier state, are not believed; the pages answer instead.
#[test]
fn rollups_that_change_places_are_not_believed() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..3 {
        record(&mut vault, after, &some_spans(after, 5 * u64::try_from(after + 1).unwrap()));
    }
    vault.seal_before(day(3)).unwrap();
    vault.close();
    let splice = "CREATE TEMP TABLE t AS SELECT row_number() OVER (ORDER BY id) AS n, id, b FROM roll;
        UPDATE roll SET b = (SELECT b FROM t WHERE t.n = 1 + (SELECT n FROM t AS me WHERE me.id = roll.id) % 3)";
    world.sqlite().execute_batch(splice).unwrap();
    let mut vault = world.open();
    assert_totals(&mut vault, &[(0, 0), (1, 1), (0, 9)]);
    assert!(vault.verify(&mut |_| std::ops::ControlFlow::Continue(())).unwrap().contradicting.is_empty());
}
