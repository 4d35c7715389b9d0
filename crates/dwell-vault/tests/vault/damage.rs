//! Splices, losses and flipped bits: noticed, told by date, and good records stay good.

use std::collections::BTreeMap;
use std::fs;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_core::time::Wall;
use dwell_vault::{History, Note, OpenError, Row, Vault};

use crate::world::{World, all, copy, day, focus, of_day, record, some_spans};

/// Days 0 and 1 sealed, days 2 and 3 in the journal, closed. Also what it holds.
fn filled() -> (World, History) {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..4 {
        record(&mut vault, after, &some_spans(after, 6));
    }
    vault.put_enforcement(b"rules").unwrap();
    vault.seal_before(day(2)).unwrap();
    let history = all(&mut vault);
    vault.close();
    (world, history)
}

/// Reads the vault; every day that is not told as damaged must be as it was. Returns the days that are.
fn damaged_days(world: &World, truth: &History) -> Vec<i32> {
    let (mut vault, opened) = world.try_open().unwrap();
    let history = all(&mut vault);
    for (after, d) in (0..4).map(|after| (after, day(after))) {
        if !history.damaged.contains(&d) {
            assert_eq!(of_day(&history, after), of_day(truth, after), "day {after} is wrong in silence");
        }
        let truth_of_day = of_day(truth, after);
        let made_up = of_day(&history, after).into_iter().find(|span| !truth_of_day.contains(span));
        assert_eq!(made_up, None, "day {after}: made up");
        let noted = opened.notes.contains(&Note::DayDamaged { day: d });
        assert!(!noted || history.damaged.contains(&d));
    }
    history.damaged.iter().map(|d| d.epoch_days() - day(0).epoch_days()).collect()
}

fn minute_of(span: &Span) -> Wall {
    let minute = span.start.wall.as_unix_ms() / 60_000;
    Wall::from_unix_ms(minute * 60_000)
}

fn sql(world: &World, statements: &str) {
    world.sqlite().execute_batch(statements).unwrap();
}

#[test]
fn pages_that_change_places_open_at_neither() {
    let (world, truth) = filled();
    sql(
        &world,
        "CREATE TEMP TABLE t AS SELECT id, b FROM page;
         UPDATE page SET b = (SELECT b FROM t WHERE t.id <> page.id)",
    );
    assert_eq!(damaged_days(&world, &truth), [0, 1]);
}

#[test]
fn pages_and_day_keys_that_change_places_together_open_at_neither() {
    let (world, truth) = filled();
    sql(
        &world,
        "CREATE TEMP TABLE t AS SELECT id, b FROM page;
         UPDATE page SET b = (SELECT b FROM t WHERE t.id <> page.id);
         CREATE TEMP TABLE k AS SELECT id, w FROM dk;
         UPDATE dk SET w = (SELECT w FROM k WHERE k.id <> dk.id LIMIT 1)",
    );
    let days = damaged_days(&world, &truth);
    assert!(days.contains(&0) && days.contains(&1), "{days:?}");
}

#[test]
fn a_page_that_is_gone_is_missed() {
    let (world, truth) = filled();
    sql(&world, "DELETE FROM page WHERE id = (SELECT min(id) FROM page)");
    assert_eq!(damaged_days(&world, &truth).len(), 1);
    sql(&world, "DELETE FROM page");
    assert_eq!(damaged_days(&world, &truth), [0, 1]);
}

#[test]
fn losing_one_of_a_sealed_days_two_wrapped_keys_costs_nothing() {
    let (world, truth) = filled();
    let mut vault = world.open();
    vault.seal_before(day(4)).unwrap();
    vault.close();
    let one = world.killed();
    sql(&one, "DELETE FROM dk");
    assert_eq!(damaged_days(&one, &truth), [0; 0]);
    // The first byte is the wrap's length, the next 66 are the wrap.
    sql(&world, "UPDATE page SET b = CAST(substr(b, 1, 21) || x'00' || substr(b, 23) AS BLOB)");
    assert_eq!(damaged_days(&world, &truth), [0; 0]);
    sql(&world, "DELETE FROM dk");
    assert_eq!(damaged_days(&world, &truth), [0, 1, 2, 3]);
}

#[test]
fn journal_rows_that_change_places_are_noticed_within_and_between_days() {
    // Rows 13 to 18 are day 2's, 19 to 24 day 3's.
    for (a, b, expected) in [(14, 15, vec![2]), (14, 20, vec![2, 3])] {
        let (world, truth) = filled();
        let swap = format!(
            "CREATE TEMP TABLE t AS SELECT seq, b FROM j WHERE seq IN ({a}, {b});
             UPDATE j SET b = (SELECT b FROM t WHERE t.seq <> j.seq) WHERE seq IN ({a}, {b})"
        );
        sql(&world, &swap);
        assert_eq!(damaged_days(&world, &truth), expected, "{a} and {b}");
        let history = all(&mut world.open());
        let lost = truth.spans.len() - history.spans.len();
        assert_eq!(lost, 2, "the rows beside them are good");
    }
}

#[test]
fn a_journal_row_that_is_gone_is_missed_wherever_it_stood() {
    for (seq, expected) in [(13, 2), (15, 2), (18, 2), (19, 3), (24, 3)] {
        let (world, truth) = filled();
        sql(&world, &format!("DELETE FROM j WHERE seq = {seq}"));
        assert_eq!(damaged_days(&world, &truth), [expected], "row {seq}");
        let (world, truth) = filled();
        sql(&world, &format!("UPDATE j SET b = zeroblob(144) WHERE seq = {seq}"));
        assert_eq!(damaged_days(&world, &truth), [expected], "row {seq} damaged");
    }
}

#[test]
fn a_journal_that_lost_its_end_is_told_and_does_not_stay_untold() {
    let (world, truth) = filled();
    sql(&world, "DELETE FROM j WHERE seq > 22");
    let (mut vault, opened) = world.try_open().unwrap();
    // Of six spans a minute apart, the last two are gone.
    let after = Some(minute_of(&of_day(&truth, 3)[3]));
    assert!(opened.notes.contains(&Note::RowsMissing { day: day(3), after }), "{:?}", opened.notes);
    // New rows are good, and neither another day's nor this one's make the loss forgotten.
    vault.append(day(2), &Row::Span(focus(200_000_000, 9, "editor"))).unwrap();
    vault.close();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!(opened.notes, [Note::DayDamaged { day: day(3) }]);
    vault.append(day(3), &Row::Span(focus(300_000_000, 9, "editor"))).unwrap();
    vault.seal_before(day(9)).unwrap();
    let history = all(&mut vault);
    assert_eq!(history.damaged, [day(3)]);
    assert_eq!(history.spans.len(), truth.spans.len() - 2 + 2);
}

#[test]
fn a_damaged_day_goes_on_in_a_part_of_its_own_and_other_days_are_untouched() {
    let (world, mut truth) = filled();
    sql(&world, "UPDATE j SET b = zeroblob(144) WHERE seq = 20");
    let mut vault = world.open();
    let more = focus(300_000_000, 9, "editor");
    vault.append(day(3), &Row::Span(more.clone())).unwrap();
    vault.append(day(4), &Row::Span(focus(400_000_000, 9, "editor"))).unwrap();
    vault.seal_before(day(9)).unwrap();
    vault.close();
    truth.spans.push((day(3), more.clone()));
    assert_eq!(damaged_days(&world, &truth), [3]);
    let history = all(&mut world.open());
    assert_eq!(of_day(&history, 3).len(), 6 - 1 + 1);
    assert!(of_day(&history, 3).contains(&more));
}

#[test]
fn records_of_another_vault_do_not_open() {
    let ((world, truth), (other, _)) = (filled(), filled());
    // The same place in another vault: same days, same row numbers.
    let rows: Vec<(i64, Vec<u8>)> = {
        let db = other.sqlite();
        let mut statement = db.prepare("SELECT seq, b FROM j").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let db = world.sqlite();
    for (seq, blob) in rows {
        db.execute("UPDATE j SET b = ?2 WHERE seq = ?1", rusqlite::params![seq, blob]).unwrap();
    }
    drop(db);
    assert_eq!(damaged_days(&world, &truth), [2, 3]);
}

#[test]
fn a_damaged_enforcement_record_is_an_error_and_a_missing_one_is_not_none() {
    let (world, truth) = filled();
    sql(&world, "UPDATE enf SET b = CAST(substr(b, 1, 99) || x'00' || substr(b, 101) AS BLOB)");
    let vault = world.open();
    assert_eq!(vault.enforcement().unwrap_err().to_string(), "the vault is damaged: the enforcement record");
    drop(vault);
    sql(&world, "DELETE FROM enf");
    let mut vault = world.open();
    assert!(vault.enforcement().is_err());
    vault.put_enforcement(b"new rules").unwrap();
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"new rules");
    drop(vault);
    assert_eq!(damaged_days(&world, &truth), [0; 0]);
}

/// The page that holds the rules is gone: recording goes on, and once it is mended, so do the rules.
#[test]
fn rules_that_cannot_be_written_stop_no_recording() {
    let (world, truth) = filled();
    let root: usize = world
        .sqlite()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'enf'", [], |row| row.get(0))
        .unwrap();
    let path = world.generation().join("db");
    let sound = fs::read(&path).unwrap();
    for from in [0, 100] {
        let bad = world.killed();
        let mut bytes = sound.clone();
        bytes[(root - 1) * 2048 + from..root * 2048].fill(0x5a);
        fs::write(bad.generation().join("db"), bytes).unwrap();
        let (mut vault, opened) = bad.try_open().unwrap();
        vault.append(day(3), &Row::Span(focus(300_000_000, 9, "editor"))).unwrap();
        vault.append(day(4), &Row::Span(focus(400_000_000, 9, "editor"))).unwrap();
        if vault.put_enforcement(b"new rules").is_err() {
            assert!(opened.mended.is_none(), "byte {from}");
            vault = vault.mend().unwrap().0;
            vault.put_enforcement(b"new rules").unwrap();
        }
        assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"new rules");
        assert_eq!(all(&mut vault).spans.len(), truth.spans.len() + 2, "byte {from}");
        vault.close();
        let mut vault = bad.open();
        assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"new rules");
        assert_eq!(all(&mut vault).damaged, []);
    }
}

#[test]
fn a_row_with_an_absurd_number_stops_nothing() {
    for seq in [i64::MAX, i64::MIN, -1, 1 << 50] {
        let (world, truth) = filled();
        sql(&world, &format!("INSERT INTO j VALUES ({seq}, zeroblob(144))"));
        assert_eq!(damaged_days(&world, &truth), [0; 0]);
        let mut vault = world.open();
        assert_eq!(vault.append(day(4), &Row::Span(focus(400_000_000, 9, "editor"))).unwrap().get(), 25);
    }
}

#[test]
fn an_older_database_put_back_is_noticed() {
    let (world, _) = filled();
    let old = world.killed();
    let mut vault = world.open();
    record(&mut vault, 4, &some_spans(4, 6));
    vault.seal_before(day(4)).unwrap();
    vault.close();
    fs::copy(old.generation().join("db"), world.generation().join("db")).unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    assert!(opened.notes.contains(&Note::OlderThanLastSeen), "{:?}", opened.notes);
    let missing = Note::RowsMissing { day: day(4), after: None };
    assert!(opened.notes.contains(&missing), "nothing of it is left: {:?}", opened.notes);
    // Recording goes on, with numbers that were never used.
    assert_eq!(vault.append(day(5), &Row::Span(focus(500_000_000, 9, "editor"))).unwrap().get(), 31);
    assert_eq!(all(&mut vault).damaged, [day(4)]);
}

#[test]
fn a_missing_tip_is_made_again_and_told() {
    let (world, truth) = filled();
    fs::remove_file(world.generation().join("tip")).unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!(opened.notes, [Note::TipRemade]);
    vault.append(day(4), &Row::Span(focus(400_000_000, 9, "editor"))).unwrap();
    vault.close();
    assert_eq!(damaged_days(&world, &truth), [0; 0]);
    assert_eq!(world.try_open().unwrap().1.notes, []);
}

/// A span that runs, as of a checkpoint.
fn running(length: u64) -> Span {
    focus(4 * 86_400_000 + 3_600_000, length, "editor")
}

/// What one flipped bit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Harmless,
    Told,
    OneDay,
    MoreDays,
    Refused,
}

fn outcome(
    opened: Result<(Vault, dwell_vault::Opened), OpenError>,
    truth: &BTreeMap<CivilDay, Vec<Span>>,
    in_running: bool,
) -> Outcome {
    let Ok((mut vault, opened)) = opened else { return Outcome::Refused };
    let Ok(history) = vault.read(CivilDay::MIN..=CivilDay::MAX) else { return Outcome::Refused };
    let enforcement = vault.enforcement();
    let told = !opened.notes.is_empty() || enforcement.is_err();
    if let Ok(bytes) = &enforcement {
        assert_eq!(bytes.as_ref().map(|b| b.as_slice()), Some(&b"rules"[..]), "rules wrong in silence");
    }
    let mut found: BTreeMap<CivilDay, Vec<Span>> = BTreeMap::new();
    for (d, mut span) in history.spans {
        if span == running(60_000) && in_running {
            // A checkpoint that was torn leaves the one before: 30 seconds, as after a power loss.
            span = running(90_000);
        }
        found.entry(d).or_default().push(span);
    }
    for (d, spans) in truth {
        let whole = found.get(d) == Some(spans);
        let known = history.damaged.contains(d) || opened.notes.contains(&Note::ManifestRemade);
        assert!(whole || known, "{d} wrong in silence");
        // Even of a damaged day, nothing is made up.
        assert!(found.get(d).is_none_or(|some| some.iter().all(|span| spans.contains(span))), "{d} made up");
    }
    assert!(found.keys().all(|d| truth.contains_key(d)), "a day made up");
    match (history.damaged.len(), told) {
        (0, false) => Outcome::Harmless,
        (0, true) => Outcome::Told,
        (1, _) => Outcome::OneDay,
        _ => Outcome::MoreDays,
    }
}

/// Every `stride`th byte of every file, one bit each: no panic, nothing wrong in silence.
fn sweep(world: &World, truth: &History, stride: usize) -> BTreeMap<(String, Outcome), u32> {
    let mut by_day: BTreeMap<CivilDay, Vec<Span>> = BTreeMap::new();
    for (d, span) in &truth.spans {
        by_day.entry(*d).or_default().push(span.clone());
    }
    let mut counts = BTreeMap::new();
    let mut turn = 0_u32;
    for (path, bytes) in world.files() {
        let name = path.strip_prefix(&world.places.data_dir).unwrap().to_owned();
        if path.is_symlink() || name.ends_with("db-shm") {
            continue;
        }
        // Small files are swept more densely: they are few bytes, and each counts.
        let step = if bytes.len() < 16_384 || stride == 8 { stride / 8 } else { stride };
        for at in (usize::try_from(turn).unwrap() % step..bytes.len()).step_by(step) {
            turn += 1;
            let copied = World::new();
            copy(&world.places.data_dir, &copied.places.data_dir);
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (turn % 8);
            fs::write(copied.places.data_dir.join(&name), bad).unwrap();
            let what = outcome(copied.try_open(), &by_day, name.ends_with("running"));
            *counts.entry((name.file_name().unwrap().to_str().unwrap().to_owned(), what)).or_insert(0) += 1;
        }
    }
    counts
}

/// Every byte with `DWELL_LONG=1`, which takes long.
fn stride(short: usize) -> usize {
    if std::env::var_os("DWELL_LONG").is_some() { 8 } else { short }
}

#[test]
fn no_flipped_bit_is_wrong_in_silence_in_a_closed_vault() {
    let (world, truth) = filled();
    let counts = sweep(&world, &truth, stride(887));
    println!("{counts:?}");
    assert_eq!(counts.get(&("hdr".into(), Outcome::Refused)), None);
    assert!(counts.contains_key(&("db".into(), Outcome::OneDay)));
    assert!(counts.contains_key(&("keyfile".into(), Outcome::Refused)));
}

#[test]
fn no_flipped_bit_is_wrong_in_silence_after_a_kill() {
    let (world, _) = filled();
    let mut vault = world.open();
    for after in [2, 3, 4] {
        for span in some_spans(after, 3) {
            let moved = Span { start: span.start.at(span.end_boot()), ..span };
            vault.append(day(after), &Row::Span(moved)).unwrap();
        }
    }
    for seconds in [60, 90] {
        vault.append(day(4), &Row::Checkpoint(running(seconds * 1000))).unwrap();
    }
    let truth = all(&mut vault);
    assert_eq!(truth.spans.last().unwrap().1, running(90_000));
    let counts = sweep(&world.killed(), &truth, stride(1997));
    println!("{counts:?}");
    assert!(counts.keys().all(|(name, what)| name != "running" || *what <= Outcome::Told));
    assert!(counts.keys().any(|(name, what)| name == "db-wal" && *what >= Outcome::OneDay));
}
