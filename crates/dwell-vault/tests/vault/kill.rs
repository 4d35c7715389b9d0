//! kill -9 at any moment: what was acknowledged is there, and the vault opens.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dwell_core::time::Boot;
use dwell_vault::{NewSecrets, Note, Places, Row, Unlock, Vault, What, restore};

use crate::generations::go_on;

use crate::world::{World, all, day, focus};

pub(crate) const FOLDER: &str = "DWELL_TEST_KILL_FOLDER";

/// This test program, running one test as a child.
pub(crate) fn child(test: &str, world: &World) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, &world.places.data_dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").unwrap();
    out.flush().unwrap();
}

/// Not a test of its own: what the killed child does.
#[test]
fn writing_child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (mut vault, _) = Vault::open_or_create(&Places::new(folder)).unwrap();
    let first = all(&mut vault).spans.len() as u64;
    for i in first.. {
        let today = i32::try_from(i / 25).unwrap();
        // One in three runs on for a while, and is superseded by the next one's row or by its own.
        for checkpoint in 1..=if i % 3 == 1 { 4 } else { 0 } {
            let row = Row::Checkpoint(focus(i * 1000, checkpoint * 200, "editor"));
            vault.append(day(today), &row).unwrap();
            say(&format!("runs for {}", checkpoint * 200));
            say(&format!("acknowledged {}", i + 1));
        }
        if i % 6 != 1 {
            vault.append(day(today), &Row::Span(focus(i * 1000, 900, "editor"))).unwrap();
            say(&format!("acknowledged {}", i + 1));
        }
        if i % 25 == 3 {
            vault.seal_before(day(today)).unwrap();
            vault.put_enforcement(&i.to_le_bytes()).unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let world = World::new();
    let mut last = 0;
    for round in 0..rounds() {
        let mut writer = child("kill::writing_child", &world);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = last;
        let mut after = 5 + round * 7 % 31;
        let mut running = 0;
        // Reading goes on after the kill: what was written to the pipe before it, was acknowledged.
        while let Some(Ok(line)) = lines.next() {
            if let Some(ms) = line.strip_prefix("runs for ") {
                running = ms.parse().unwrap();
            }
            let Some(seq) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged = seq.parse().unwrap();
            after = after.saturating_sub(1);
            if after == 0 {
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        assert!(acknowledged > last, "round {round} wrote nothing");

        let (mut vault, opened) = world.try_open().unwrap();
        let running_on = |note: &Note| matches!(note, Note::OpenSpanKept { .. });
        assert!(opened.notes.iter().all(running_on), "round {round}: {:?}", opened.notes);
        let history = all(&mut vault);
        assert_eq!(history.damaged, []);
        let found: Vec<u64> = history.spans.iter().map(|(_, span)| span.start.boot.as_ms() / 1000).collect();
        let count = found.len() as u64;
        assert!(count == acknowledged || count == acknowledged + 1, "{count} of {acknowledged}");
        assert!(found.iter().copied().eq(0..count), "round {round}");
        assert!(history.spans.iter().all(|(_, span)| span.end_boot() > Boot::from_ms(0)));
        if count == acknowledged && (acknowledged - 1) % 3 == 1 {
            let length = history.spans.last().unwrap().1.length.as_ms();
            assert!(length >= running, "round {round}: {length} of {running}");
        }
        last = count;
    }
}

pub(crate) fn rounds() -> u64 {
    if std::env::var_os("DWELL_LONG").is_some() { 500 } else { 20 }
}

/// Not a test of its own: what the child that is killed while it rekeys, seals and adds slots does.
#[test]
fn rekeying_child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (mut vault, _) = Vault::open_or_create(&Places::new(folder)).unwrap();
    let first = all(&mut vault).spans.len() as u64;
    for i in first.. {
        let today = i32::try_from(i / 5).unwrap();
        vault.append(day(today), &Row::Span(focus(i * 1000, 900, "editor"))).unwrap();
        say(&format!("acknowledged {}", i + 1));
        match i % 5 {
            1 => drop(vault.seal_before(day(today)).unwrap()),
            3 => drop(vault.rotate(&NewSecrets::default(), &mut go_on).unwrap()),
            _ => {}
        }
        if i % 40 == 7 && vault.slots().unwrap().len() < 8 {
            vault.add_recovery().unwrap();
        }
    }
}

/// Killed after a time of its own, at any moment of sealing, rekeying and switching.
#[test]
fn a_rekey_killed_at_any_moment_leaves_one_whole_vault() {
    let world = World::new();
    let mut last = 0;
    for round in 0..rounds() {
        let mut writer = child("kill::rekeying_child", &world);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = last;
        let mut after = 2 + round % 4;
        while let Some(Ok(line)) = lines.next() {
            let Some(seq) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged = seq.parse().unwrap();
            after = after.saturating_sub(1);
            if after == 0 {
                // Somewhere in what follows that row: a seal, a rekey, or both take some milliseconds.
                let until = Instant::now() + Duration::from_micros(round * 977 % 30_000);
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        let (mut vault, opened) = world.try_open().unwrap();
        assert_eq!(opened.notes, [], "round {round}");
        let history = all(&mut vault);
        assert_eq!(history.damaged, []);
        let found: Vec<u64> = history.spans.iter().map(|(_, span)| span.start.boot.as_ms() / 1000).collect();
        let count = found.len() as u64;
        assert!(count == acknowledged || count == acknowledged + 1, "{count} of {acknowledged}");
        assert!(found.iter().copied().eq(0..count), "round {round}");
        last = count;
        vault.close();
    }
}

/// Not a test of its own: what the child that is killed while it forgets, copies, backs up and restores does.
#[test]
fn restoring_child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let places = Places::new(&folder);
    let (mut vault, _) = Vault::open_or_create(&places).unwrap();
    // Not the rows' numbers: forgetting gives new ones.
    let first = all(&mut vault).spans.len() as u64;
    let nobody = What::App(dwell_core::subject::AppId::new("nobody").unwrap());
    for i in first.. {
        let today = i32::try_from(i / 5).unwrap();
        vault.append(day(today), &Row::Span(focus(i * 1000, 900, "editor"))).unwrap();
        say(&format!("acknowledged {}", i + 1));
        match i % 4 {
            0 => drop(vault.seal_before(day(today)).unwrap()),
            1 => drop(vault.forget(&nobody, false, &NewSecrets::default(), &mut go_on).unwrap()),
            2 => vault.make_copy().unwrap(),
            _ => {
                let file = places.data_dir.join("backup");
                let _ = std::fs::remove_file(&file);
                vault.backup(&file, 0).unwrap();
                vault.close();
                // The same rows, so that the old vault and the new one both have what was acknowledged.
                let slots = [Unlock::Keyfile(places.keyfile())];
                vault = restore(&file, &places, &slots, true).unwrap().vault;
            }
        }
    }
}

/// Killed anywhere in forgetting, copying, backing up and putting back: the old vault or the new one, never neither.
#[test]
fn a_restore_killed_at_any_moment_leaves_one_whole_vault() {
    let world = World::new();
    let mut last = 0;
    let mut cut_off = 0;
    for round in 0..rounds() {
        let mut writer = child("kill::restoring_child", &world);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = last;
        let mut after = 1 + round % 4;
        while let Some(Ok(line)) = lines.next() {
            let Some(seq) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged = seq.parse().unwrap();
            after = after.saturating_sub(1);
            if after == 0 {
                let until = Instant::now() + Duration::from_micros(round * 1777 % 40_000);
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        cut_off += u32::from(world.places.data_dir.join("restore.new").exists());
        assert!(Vault::is_there(&world.places).unwrap(), "round {round}");
        let (mut vault, opened) = world.try_open().unwrap();
        assert_eq!(opened.notes, [], "round {round}");
        let history = all(&mut vault);
        assert_eq!(history.damaged, []);
        let mut found: Vec<u64> =
            history.spans.iter().map(|(_, span)| span.start.boot.as_ms() / 1000).collect();
        found.sort_unstable();
        let count = found.len() as u64;
        assert!(count == acknowledged || count == acknowledged + 1, "{count} of {acknowledged}");
        assert!(found.iter().copied().eq(0..count), "round {round}");
        last = count;
        vault.close();
        for n in 1.. {
            let aside = world.places.data_dir.join(format!("before-restore.{n}"));
            if std::fs::remove_dir_all(aside).is_err() {
                break;
            }
        }
    }
    println!("{} rounds, {cut_off} of them within a restore", rounds());
}

/// Not a test of its own: what the child that is killed while it makes a vault does.
#[test]
fn creating_child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (mut vault, _) = Vault::open_or_create(&Places::new(folder)).unwrap();
    vault.append(day(0), &Row::Span(focus(0, 900, "editor"))).unwrap();
    say("acknowledged 1");
}

/// Kills the child as soon as its files have been seen to change for the nth time.
#[test]
fn a_creation_killed_at_any_moment_leaves_nothing_or_a_vault() {
    let (mut nothing, mut unfinished, mut whole) = (0, 0, 0);
    for changes in 0..24 {
        let world = World::new();
        let mut creator = child("kill::creating_child", &world);
        let (mut seen, mut last) = (0, world.places.data_dir.exists().then(Vec::new));
        while seen < changes && creator.try_wait().unwrap().is_none() {
            let now = world.places.data_dir.exists().then(|| names(&world.places.data_dir));
            if now != last {
                seen += 1;
                last = now;
            }
        }
        let _ = creator.kill();
        let output = creator.wait_with_output().unwrap();
        let acknowledged = String::from_utf8_lossy(&output.stdout).contains("acknowledged");

        let (mut vault, opened) = world.try_open().unwrap();
        let spans = all(&mut vault).spans.len();
        assert!(!acknowledged || spans == 1);
        match (opened.created, opened.notes.contains(&Note::UnfinishedCreationCleared)) {
            (true, false) => nothing += 1,
            (true, true) => unfinished += 1,
            _ => whole += 1,
        }
        assert!(
            opened.notes.iter().all(|note| *note == Note::UnfinishedCreationCleared),
            "{:?}",
            opened.notes
        );
        vault.append(day(0), &Row::Span(focus(1000, 900, "editor"))).unwrap();
        drop(vault);
        assert_eq!(all(&mut world.open()).spans.len(), spans + 1);
    }
    println!("nothing {nothing}, unfinished {unfinished}, whole {whole}");
}

fn names(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut names = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return names };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !path.is_symlink() {
            names.extend(self::names(&path));
        }
        names.push(path);
    }
    names.sort();
    names
}
