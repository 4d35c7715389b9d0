//! What is recorded before K_enf is there, and what comes of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use dwell_core::span::Span;
use dwell_core::subject::AppId;
use dwell_core::time::Millis;
use dwell_vault::{
    Keys, NewSecrets, NewSlot, NewVault, OpenError, Part, Places, Row, Spill, State, Unlock, Vault, What,
};
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::kill::{FOLDER, child, rounds, say};
use crate::world::{World, all, day, focus, of_day, record, some_spans};

/// A vault with six spans of day 0, closed.
fn filled() -> World {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 6));
    vault.close();
    world
}

fn spans(world: &World) -> Vec<Span> {
    all(&mut world.killed().open()).spans.into_iter().map(|(_, span)| span).collect()
}

/// Spills each slice as a batch of day 1, and dies.
fn spill(world: &World, batches: &[&[Row]]) {
    let mut spill = Spill::open(&world.places).unwrap();
    for batch in batches {
        let rows: Vec<_> = batch.iter().map(|row| (day(1), row.clone())).collect();
        spill.put(&rows).unwrap();
    }
}

fn at(minute: u64, length: u64, app: &str) -> Span {
    focus(86_400_000 + minute * 60_000, length, app)
}

fn files(world: &World) -> Vec<PathBuf> {
    let is_spill = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("spill.");
    world.files().into_keys().filter(is_spill).collect()
}

#[test]
fn what_was_spilled_is_recorded_when_the_vault_opens_and_the_spill_goes() {
    let world = filled();
    let (a, b) = (at(0, 900, "editor"), at(1, 800, "terminal"));
    let open = |length| Row::Checkpoint(at(2, length, "browser"));
    spill(&world, &[&[Row::Span(a.clone()), open(10)], &[Row::Span(b.clone()), open(40)]]);
    // A second process that was killed as well.
    spill(&world, &[&[Row::Span(at(3, 70, "radio"))], &[]]);
    assert_eq!(files(&world).len(), 2);
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!((opened.spilled.rows, opened.spilled.known, opened.spilled.refused), (4, 0, 0));
    assert!(opened.spilled.days.iter().eq([&day(1)]));
    assert_eq!(opened.notes, []);
    let expected = [a, b, at(2, 40, "browser"), at(3, 70, "radio")];
    assert_eq!(of_day(&all(&mut vault), 1), expected);
    assert!(files(&world).is_empty());
    vault.close();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!(
        (opened.spilled, of_day(&all(&mut vault), 1)),
        (dwell_vault::Taken::default(), expected.into())
    );
}

/// The order of a log-in whose keyring opens late: spilled, K_enf comes, recorded from memory; the vault itself opens
/// at noon, or the process dies in between.
#[test]
fn a_spill_never_replaces_what_was_recorded_since() {
    let world = World::new();
    let passphrase = || Zeroizing::new("correct horse".to_owned());
    let slots = vec![NewSlot::Passphrase(passphrase())];
    Vault::create(&world.places, &NewVault { slots, ..NewVault::default() }).unwrap().vault.close();
    let unlock = Unlock::Passphrase(passphrase());
    let (lost, voided) = (at(5, 60, "lost"), at(6, 60, "voided"));
    spill(&world, &[&[Row::Span(lost.clone())]]);
    let mut own = Spill::open(&world.places).unwrap();
    assert!(matches!(Spill::open(&world.places), Err(OpenError::InUse { .. })));
    own.put(&[(day(1), Row::Checkpoint(at(0, 30_000, "editor"))), (day(1), Row::Span(voided.clone()))])
        .unwrap();
    let own = own.close();
    let (State::Sealed { mut vault, .. }, opened) =
        State::open(&world.places, &Keys::sealed(&world.places)).unwrap()
    else {
        unreachable!("there was no key to try")
    };
    assert_eq!(opened.spilled.rows, 0, "it takes the vault's key to read a spill");
    vault.append(day(1), &Row::Span(at(0, 300_000, "editor"))).unwrap();
    vault.append(day(1), &Row::Span(Span { length: Millis::ZERO, ..voided })).unwrap();
    let expected = [at(0, 300_000, "editor"), lost];
    let killed = world.killed();
    // Killed here, with both spills still there; or its own removed, as it should be, and the day sealed.
    own.remove().unwrap();
    assert_eq!(files(&world).len(), 1);
    vault.seal_before(day(2)).unwrap();
    vault.close();
    for world in [&killed, &world] {
        let State::Sealed { vault, .. } = State::open(&world.places, &Keys::sealed(&world.places)).unwrap().0
        else {
            unreachable!("there was no key to try")
        };
        let mut vault = vault.unlock(&unlock).map_err(|(_, e)| e).unwrap();
        assert_eq!(of_day(&all(&mut vault), 1), expected);
        assert!(files(world).is_empty());
        vault.close();
    }
}

#[test]
fn a_spill_that_comes_back_changes_nothing_not_even_what_was_forgotten() {
    let world = filled();
    spill(&world, &[&[Row::Span(at(0, 900, "game")), Row::Span(at(1, 900, "editor"))]]);
    let file = files(&world).remove(0);
    let bytes = fs::read(&file).unwrap();
    let mut vault = world.open();
    let truth = all(&mut vault);
    vault.close();
    fs::write(&file, &bytes).unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!((opened.spilled.rows, opened.spilled.known), (0, 2));
    assert_eq!(all(&mut vault), truth);
    let game = What::App(AppId::new("game").unwrap());
    vault.forget(&game, false, &NewSecrets::default(), &mut go_on).unwrap();
    vault.close();
    fs::write(&file, &bytes).unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!((opened.spilled.rows, opened.spilled.refused), (0, 1));
    assert!(
        all(&mut vault)
            .spans
            .iter()
            .all(|(_, span)| span.activity.app() != Some(&AppId::new("game").unwrap()))
    );
    vault.close();
    // Another vault's.
    let other = filled();
    fs::write(other.places.vault().join("spill.1"), &bytes).unwrap();
    assert_eq!(other.try_open().unwrap().1.spilled.refused, 1);
}

/// It is of the old epoch, and would not open under the new one.
#[test]
fn a_rekeying_takes_in_what_is_spilled_and_a_forgetting_forgets_it() {
    for forget in [false, true] {
        let world = filled();
        spill(&world, &[&[Row::Span(at(0, 900, "game")), Row::Span(at(1, 900, "editor"))]]);
        let file = files(&world).remove(0);
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let mut vault = world.open();
        fs::write(&file, &bytes).unwrap();
        if forget {
            let game = What::App(AppId::new("game").unwrap());
            vault.forget(&game, false, &NewSecrets::default(), &mut go_on).unwrap();
        } else {
            vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
        }
        assert_eq!(of_day(&all(&mut vault), 1).len(), if forget { 1 } else { 2 });
        assert!(!file.exists());
    }
}

#[test]
fn a_cut_or_damaged_spill_gives_its_whole_batches_and_nothing_made_up() {
    let world = filled();
    let rows: Vec<Row> = (0..3).map(|i| Row::Span(at(i, 900, "editor"))).collect();
    let mut ends = Vec::new();
    let mut spill = Spill::open(&world.places).unwrap();
    let file = files(&world).remove(0);
    for row in &rows {
        spill.put(&[(day(1), row.clone())]).unwrap();
        ends.push(fs::metadata(&file).unwrap().len());
    }
    drop(spill);
    let bytes = fs::read(&file).unwrap();
    let place = |world: &World| world.places.vault().join(file.file_name().unwrap());
    let step = if std::env::var_os("DWELL_LONG").is_some() { 1 } else { 331 };
    for cut in (0..bytes.len()).step_by(step).chain([4, 11, 12, 13, bytes.len()]) {
        let killed = world.killed();
        fs::write(place(&killed), &bytes[..cut]).unwrap();
        let (mut vault, opened) = killed.try_open().unwrap();
        let whole = ends.iter().filter(|end| **end <= cut as u64).count();
        assert_eq!((opened.spilled.rows, opened.spilled.refused), (whole as u64, 0), "cut at {cut}");
        assert_eq!(of_day(&all(&mut vault), 1).len(), whole);
        assert!(!place(&killed).exists());
    }
    for at_byte in (0..bytes.len()).step_by(step) {
        let killed = world.killed();
        let mut bad = bytes.clone();
        bad[at_byte] ^= 0x40;
        fs::write(place(&killed), bad).unwrap();
        let (mut vault, opened) = killed.try_open().unwrap();
        let found = of_day(&all(&mut vault), 1);
        assert!(found.len() < 3 && opened.spilled.rows == found.len() as u64, "byte {at_byte}");
        assert!(found.iter().all(|span| rows.contains(&Row::Span(span.clone()))), "byte {at_byte}: made up");
        // A length that is wrong may end the file early, which is what a cut looks like; all else is told.
        assert!(opened.spilled.refused > 0 || found.len() < 3);
    }
}

#[test]
fn absurd_rows_are_refused_and_names_stand_in_no_spill() {
    let world = filled();
    let canary = "canary-in-the-spill";
    let mut odd = at(0, 900, canary);
    odd.length = Millis::from_mins(26 * 60);
    let mut early = at(1, 900, canary);
    early.start.wall = dwell_core::time::Wall::from_unix_ms(0);
    spill(&world, &[&[Row::Span(odd), Row::Span(early), Row::Span(at(2, 900, canary))]]);
    let bytes = fs::read(&files(&world)[0]).unwrap();
    assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()));
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!((opened.spilled.rows, opened.spilled.refused), (1, 2));
    assert_eq!(of_day(&all(&mut vault), 1).len(), 1);
}

#[test]
fn without_a_vault_there_is_no_spill() {
    let world = World::new();
    let refused = Spill::open(&world.places).unwrap_err();
    assert!(matches!(refused, OpenError::Corrupt { what: Part::Current }), "{refused}");
    assert_eq!(spans(&filled()).len(), 6);
}

/// Not a test of its own: what the killed child does.
#[test]
fn spilling_child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut spill = Spill::open(&Places::new(folder)).unwrap();
    for i in 0..1400 {
        spill.put(&[(day(1), Row::Span(at(i, 10 + i, "editor")))]).unwrap();
        say(&format!("acknowledged {}", i + 1));
    }
}

#[test]
fn nothing_acknowledged_is_lost_whenever_a_spill_is_killed() {
    for round in 0..rounds().min(60) {
        let world = filled();
        let mut writer = child("spills::spilling_child", &world);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let (mut acknowledged, mut after) = (0_u64, 1 + round % 17);
        while let Some(Ok(line)) = lines.next() {
            let Some(count) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged = count.parse().unwrap();
            after = after.saturating_sub(1);
            if after == 0 {
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        let (mut vault, opened) = world.try_open().unwrap();
        let count = of_day(&all(&mut vault), 1).len() as u64;
        assert!(acknowledged > 0 && count >= acknowledged && count <= acknowledged + 1, "round {round}");
        assert_eq!((opened.spilled.rows, opened.spilled.refused), (count, 0));
    }
}
