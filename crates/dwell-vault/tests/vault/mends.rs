//! A damaged database is mended by itself: what a flipped byte hides, and what it costs.

use std::fs;

use dwell_vault::{History, Note, Row, WriteError};

use crate::world::{World, all, day, focus, of_day, record, some_spans};

const DAYS: i32 = 30;

/// Thirty days, all but the last two sealed, closed.
fn filled() -> (World, History) {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..DAYS {
        record(&mut vault, after, &some_spans(after, 25));
    }
    vault.put_enforcement(b"rules").unwrap();
    vault.seal_before(day(DAYS - 2)).unwrap();
    let truth = all(&mut vault);
    vault.close();
    (world, truth)
}

/// Opens, and mends where reading finds what opening did not, as the daemon does. Returns the days that differ; what
/// is lost must be told, and nothing is made up.
fn lost(world: &World, truth: &History, at: &str) -> Vec<i32> {
    let (mut vault, opened) = world.try_open().unwrap_or_else(|e| unreachable!("{at}: {e}"));
    let mut history = all(&mut vault);
    if !history.damaged.is_empty() && opened.mended.is_none() {
        let (again, mended) = vault.mend().unwrap();
        vault = again;
        assert_eq!(mended.lost.len() + mended.regained.len(), history.damaged.len(), "{at}");
        history = all(&mut vault);
        assert_eq!(history.damaged, mended.lost, "{at}");
    }
    let rules = vault.enforcement();
    assert!(rules.is_err() || rules.unwrap().unwrap().as_slice() == b"rules", "{at}: rules wrong in silence");
    let suspect = vault.info().unwrap().suspect;
    let differ: Vec<i32> = (0..DAYS).filter(|d| of_day(&history, *d) != of_day(truth, *d)).collect();
    for d in &differ {
        assert!(history.damaged.contains(&day(*d)) || suspect, "{at}: day {d} lost in silence");
    }
    assert!(history.spans.iter().all(|span| truth.spans.contains(span)), "{at}: made up");
    // It goes on: what is recorded now is there at the next start.
    let row = Row::Span(focus(90 * 86_400_000, 9, "editor"));
    if let Err(error) = vault.append(day(90), &row) {
        assert!(matches!(error, WriteError::Corrupt { .. }), "{at}: {error}");
        let (again, mended) = vault.mend().unwrap();
        assert!(mended.taken, "{at}");
        vault = again;
        vault.append(day(90), &row).unwrap();
    }
    vault.close();
    let mut vault = world.open();
    assert_eq!(of_day(&all(&mut vault), 90).len(), 1, "{at}");
    differ
}

#[test]
fn ninety_nine_of_a_hundred_flipped_bits_cost_one_day_at_most() {
    let (world, truth) = filled();
    let db = fs::read(world.generation().join("db")).unwrap();
    let step = if std::env::var_os("DWELL_LONG").is_some() { 97 } else { db.len() / 24 };
    let (mut tried, mut none, mut one, mut more) = (0_u32, 0_u32, 0_u32, Vec::new());
    // The first pages hold the schema and the roots of the tables: each of them counts more than a page of a day.
    for at in (0..8192).step_by(step.min(1021)).chain((8192..db.len()).step_by(step)) {
        let bad = world.killed();
        let mut bytes = db.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(bad.generation().join("db"), bytes).unwrap();
        tried += 1;
        match lost(&bad, &truth, &format!("byte {at}")).len() {
            0 => none += 1,
            1 => one += 1,
            days => more.push((at, days)),
        }
    }
    println!("of {tried} flips {none} cost nothing, {one} a day, {more:?} more");
    assert!(more.len() * 100 <= tried as usize, "{more:?} of {tried}");
    assert!(one > 0, "a day's page is most of the file");
}

/// The worst: a page that leads to all days.
#[test]
fn a_lost_root_is_mended_and_the_swap_survives_a_kill_at_every_step() {
    let (world, truth) = filled();
    let path = world.generation().join("db");
    let sound = fs::read(&path).unwrap();
    // All of the first ones with `DWELL_LONG=1`.
    for page in (0..16).step_by(if std::env::var_os("DWELL_LONG").is_some() { 1 } else { 2 }) {
        let bad = world.killed();
        let mut bytes = sound.clone();
        bytes[page * 2048..(page + 1) * 2048].fill(0x5a);
        fs::write(bad.generation().join("db"), bytes).unwrap();
        let days = lost(&bad, &truth, &format!("page {page}"));
        // One page holds the wrapped keys of both days that are still in the journal.
        assert!(days.len() <= 2, "page {page}: {days:?}");
        // What is lost is told again, a sealed day when it is read, and that is all: it was mended for good.
        let told: Vec<_> = days.iter().map(|d| day(*d)).collect();
        let (mut vault, opened) = bad.try_open().unwrap();
        let of_lost = |note: &Note| matches!(note, Note::DayDamaged { day } if told.contains(day));
        assert!(opened.notes.iter().all(of_lost) && opened.mended.is_none(), "page {page}: {opened:?}");
        assert_eq!(all(&mut vault).damaged, told, "page {page}");
    }
    // Decided, and killed: with the old log still there, which would spoil the new database; gone; and with the
    // database half renamed.
    let mut vault = world.open();
    record(&mut vault, 70, &some_spans(70, 30));
    let truth = all(&mut vault);
    let killed = world.killed();
    let mended = killed.places.data_dir.join("mended");
    killed.killed().sqlite().execute("VACUUM INTO ?1", [mended.to_str().unwrap()]).unwrap();
    for step in 0..3 {
        let cut = killed.killed();
        let folder = cut.generation();
        assert!(fs::metadata(folder.join("db-wal")).unwrap().len() > 0);
        fs::copy(&mended, folder.join("db.mended")).unwrap();
        if step > 0 {
            fs::remove_file(folder.join("db-wal")).unwrap();
        }
        if step == 2 {
            fs::remove_file(folder.join("db")).unwrap();
        }
        let (mut vault, opened) = cut.try_open().unwrap();
        assert_eq!(
            (all(&mut vault), opened.notes, opened.mended),
            (truth.clone(), vec![], None),
            "step {step}"
        );
        assert!(!folder.join("db.mended").exists() && !folder.join("mending").exists());
        assert_eq!(vault.verify(&mut crate::generations::go_on).unwrap().damaged, []);
    }
}

#[test]
fn what_cannot_be_gained_changes_nothing() {
    let (world, truth) = filled();
    let mut vault = world.open();
    let (again, mended) = vault.mend().unwrap();
    assert_eq!(mended, dwell_vault::Mended::default());
    vault = again;
    assert_eq!(all(&mut vault), truth);
    vault.close();
    // A day's page that is gone is gone, whatever is done; and a file of zeros has nothing in it.
    world.sqlite().execute_batch("DELETE FROM page WHERE id = (SELECT min(id) FROM page)").unwrap();
    let (vault, mended) = world.open().mend().unwrap();
    assert!(!mended.taken && mended.lost.len() == 1, "{mended:?}");
    vault.close();
    let path = world.generation().join("db");
    let length = fs::metadata(&path).unwrap().len();
    fs::write(&path, vec![0; usize::try_from(length).unwrap()]).unwrap();
    let refused = world.try_open().unwrap_err();
    assert!(matches!(refused, dwell_vault::OpenError::Corrupt { .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap().len() as u64, length, "the evidence stays");
}

/// Mending takes room and leave to write; reading what is whole does not.
#[test]
fn where_it_cannot_be_mended_the_rest_is_read() {
    let (world, truth) = filled();
    world.sqlite().execute_batch("DELETE FROM dk").unwrap();
    let in_the_way = world.generation().join("mending");
    fs::write(&in_the_way, "").unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    let lost = [day(DAYS - 2), day(DAYS - 1)];
    assert_eq!(opened.notes, lost.map(|day| Note::DayDamaged { day }));
    assert_eq!(opened.mended, None);
    let history = all(&mut vault);
    assert_eq!(history.damaged, lost);
    assert!((0..DAYS - 2).all(|d| of_day(&history, d) == of_day(&truth, d)));
    assert!(vault.mend().is_err());
}

#[test]
fn an_older_database_is_not_mended_into_a_new_one() {
    let (world, _) = filled();
    let old = world.killed();
    let mut vault = world.open();
    record(&mut vault, 70, &some_spans(70, 5));
    vault.close();
    fs::copy(old.generation().join("db"), world.generation().join("db")).unwrap();
    let (vault, opened) = world.try_open().unwrap();
    assert!(opened.notes.contains(&Note::OlderThanLastSeen), "{:?}", opened.notes);
    assert!(opened.mended.is_none_or(|mended| !mended.taken));
    assert!(vault.info().unwrap().suspect);
}
