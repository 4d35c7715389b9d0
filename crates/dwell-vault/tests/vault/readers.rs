//! Reports on a connection of their own: a view of one moment, which holds up no commit.

use std::time::{Duration, Instant};

use dwell_core::calendar::CivilDay;
use dwell_vault::{NewSecrets, Reader, Row};

use crate::generations::go_on;
use crate::world::{World, all, day, focus, record, some_spans};

const ALWAYS: std::ops::RangeInclusive<CivilDay> = CivilDay::MIN..=CivilDay::MAX;

fn is_send<T: Send>(_: &T) {}

#[test]
fn a_reader_sees_one_moment_whatever_happens_after() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..3 {
        record(&mut vault, after, &some_spans(after, 10));
    }
    vault.seal_before(day(1)).unwrap();
    let reader: Reader = vault.reader().unwrap();
    is_send(&reader);
    let (then, totals) = (all(&mut vault), vault.totals(ALWAYS).unwrap());
    let same = |reader: &Reader| {
        assert_eq!(reader.read(ALWAYS).unwrap(), then);
        assert_eq!(reader.totals(ALWAYS).unwrap(), totals);
    };
    same(&reader);
    record(&mut vault, 2, &[focus(900_000_000, 7, "editor")]);
    same(&reader);
    vault.seal_before(day(3)).unwrap();
    same(&reader);
    assert_eq!(vault.reader().unwrap().read(ALWAYS).unwrap(), all(&mut vault));
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    same(&reader);
    drop(reader);
    vault.close();
    assert_eq!(world.try_open().unwrap().1.notes, []);
}

/// Prints what a commit costs while reports run all the time, and without: the bar is 5 ms more.
#[test]
fn reports_hold_up_no_commit() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..30 {
        record(&mut vault, after, &some_spans(after, 200));
    }
    vault.seal_before(day(60)).unwrap();
    let mut commits = |busy: bool| -> Duration {
        let readers: Vec<Reader> = (0..8).filter(|_| busy).map(|_| vault.reader().unwrap()).collect();
        let reading =
            std::thread::spawn(move || readers.iter().map(|r| r.read(ALWAYS).unwrap().spans.len()).sum());
        let mut times: Vec<Duration> = (0..60)
            .map(|i| {
                let began = Instant::now();
                vault.append(day(61), &Row::Span(focus(6_000_000_000 + i, 7, "editor"))).unwrap();
                began.elapsed()
            })
            .collect();
        let read: usize = reading.join().unwrap();
        assert_eq!(read > 0, busy);
        times.sort();
        times[30]
    };
    let (idle, busy) = (commits(false), commits(true));
    println!("a commit takes {idle:?}, while reports run {busy:?}");
    assert!(busy < idle + Duration::from_millis(5));
}
