//! A full disk: told as such, reads go on, nothing is lost, and it heals when there is space again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dwell_core::subject::AppId;
use dwell_vault::{NewSecrets, Note, Places, Row, Vault, What, WriteError};

use crate::generations::go_on;
use crate::imports::try_import;
use crate::kill::say;
use crate::power;
use crate::world::{all, copy, day, focus, not_run, of_day, record, some_spans};

const FOLDER: &str = "DWELL_TEST_FULL_FOLDER";

/// Not a test of its own: runs in a mount namespace whose FOLDER is a file system of four megabytes.
#[test]
fn full_child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let places = Places::new(folder.join("dwell"));
    let (mut vault, _) = Vault::open_or_create(&places).unwrap();
    let ballast = folder.join("ballast");
    let mut written = 0_u64;
    let mut today = 0;
    // Ever closer to the brim, so that every kind of write meets the end at some time.
    for round in 0..40_u64 {
        fill(&ballast, round * 4096);
        let error = loop {
            let row = Row::Span(focus(written * 1000, 900, "editor"));
            match vault.append(day(today), &row) {
                Ok(_) => written += 1,
                Err(error) => break error,
            }
            if written.is_multiple_of(100) {
                today += 1;
                match vault.seal_before(day(today)) {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            }
        };
        assert!(matches!(error, WriteError::DiskFull), "{error:?}");
        assert!(matches!(vault.put_enforcement(&[1; 20_000]), Ok(()) | Err(WriteError::DiskFull)));
        let history = all(&mut vault);
        assert_eq!((history.spans.len() as u64, history.damaged), (written, vec![]), "round {round}");
        fs::remove_file(&ballast).unwrap();
        if round % 5 == 4 {
            drop(vault);
            let (again, opened) = Vault::open_or_create(&places).unwrap();
            assert_eq!(opened.notes, [], "round {round}");
            vault = again;
        }
        vault.append(day(today), &Row::Span(focus(written * 1000, 900, "editor"))).unwrap();
        written += 1;
        vault.seal_before(day(today)).unwrap();
    }
    drop(vault);
    let (mut vault, _) = Vault::open_or_create(&places).unwrap();
    let history = all(&mut vault);
    assert_eq!((history.spans.len() as u64, &history.damaged), (written, &vec![]));
    assert!(!of_day(&history, 0).is_empty());
    println!("held {written} spans");
}

/// Takes up all space but `leave` bytes.
fn fill(ballast: &Path, leave: u64) {
    use std::io::Write;
    let mut file = fs::File::create(ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    file.set_len(file.metadata().unwrap().len().saturating_sub(leave)).unwrap();
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=4m tmpfs \"$DWELL_TEST_FULL_FOLDER\" || exit 77; exec \"$0\" \"$@\"";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "full::full_child", "--nocapture"])
        .env(FOLDER, folder.path())
        .output();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output {
        Ok(output) if output.status.success() => {
            let stdout = shown(&output.stdout);
            assert!(stdout.contains("held "), "{stdout}");
        }
        Ok(output) if output.status.code() == Some(101) => {
            panic!("{}{}", shown(&output.stdout), shown(&output.stderr));
        }
        other => {
            let why = other.map_or_else(|e| e.to_string(), |output| shown(&output.stderr));
            not_run("a full disk: no file system could be mounted", &why);
        }
    }
}

/// Not a test of its own: the nth write of each operation, and all after it, find the disk full.
#[test]
fn full_writes_child() {
    let Some(root) = std::env::var_os(power::FOLDER).map(PathBuf::from) else { return };
    let places = Places::new(root.join("first"));
    let (mut vault, _) = Vault::open_or_create(&places).unwrap();
    for after in 0..4 {
        record(&mut vault, after, &some_spans(after, 20));
    }
    vault.put_enforcement(b"rules").unwrap();
    vault.seal_before(day(2)).unwrap();
    vault.make_copy().unwrap();
    let truth = all(&mut vault);
    vault.close();
    let noon = [(0, 43_200_000, 60_000), (1, 43_200_000, 60_000)];
    let taken = {
        let places = Places::new(root.join("taken"));
        copy(&root.join("first"), &places.data_dir);
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        assert_eq!(try_import(&mut vault, &noon, 2).unwrap().taken_ms, 120_000);
        all(&mut vault)
    };
    let nobody = What::App(AppId::new("nobody").unwrap());
    let backup = root.join("backup");
    let long = std::env::var_os("DWELL_LONG").is_some();
    type Work<'a> = &'a dyn Fn(&mut Vault) -> Result<(), String>;
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let works: [(&str, Work<'_>); 8] = [
        ("append", &|v| {
            v.append(day(3), &Row::Span(some_spans(3, 1).remove(0))).map(drop).map_err(|e| said(&e))
        }),
        // Beside the journal or, where that fails, in it; as the span says that is there already.
        ("run", &|v| {
            v.append(day(3), &Row::Checkpoint(some_spans(3, 5).remove(4))).map(drop).map_err(|e| said(&e))
        }),
        ("seal", &|v| v.seal_before(day(9)).map(drop).map_err(|e| said(&e))),
        ("rotate", &|v| v.rotate(&NewSecrets::default(), &mut go_on).map(drop).map_err(|e| said(&e))),
        ("forget", &|v| {
            v.forget(&nobody, false, &NewSecrets::default(), &mut go_on).map(drop).map_err(|e| said(&e))
        }),
        ("import", &|v| try_import(v, &noon, 2).map(drop).map_err(|e| said(&e))),
        ("copy", &|v| v.make_copy().map_err(|e| said(&e))),
        ("backup", &|v| {
            let _ = fs::remove_file(&backup);
            v.backup(&backup, 0).map_err(|e| said(&e))
        }),
    ];
    for (name, work) in works {
        let mut failed = 0;
        // All of them with `DWELL_LONG=1`.
        let step = if long || name == "append" || name == "run" { 1 } else { 13 };
        for n in (0..).step_by(step) {
            let places = Places::new(root.join("one"));
            copy(&root.join("first"), &places.data_dir);
            let (mut vault, _) = Vault::open_or_create(&places).unwrap();
            let limit = root.join(format!("full.{n}"));
            fs::File::create(&limit).unwrap();
            let result = work(&mut vault);
            let done = if name == "import" { &taken } else { &truth };
            let is_now = if result.is_ok() { done } else { &truth };
            // Reads go on, whether or not it failed.
            assert_eq!(&all(&mut vault), is_now, "{name}, {n} writes");
            let full = fs::write(root.join("probe"), b"x").is_err();
            fs::remove_file(&limit).unwrap();
            if let Err(error) = &result {
                assert_eq!(error, "no space is left for the vault", "{name}, {n} writes");
                failed += 1;
            }
            // A kill while it is full, and space again: as before or done, and it works.
            drop(vault);
            let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
            let running = |note: &Note| name == "run" && matches!(note, Note::OpenSpanKept { .. });
            assert!(opened.notes.iter().all(running), "{name}, {n} writes: {:?}", opened.notes);
            assert_eq!(&all(&mut vault), is_now, "{name}, {n} writes");
            assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
            work(&mut vault).unwrap();
            assert_eq!(&all(&mut vault), done, "{name}, {n} writes");
            vault.close();
            fs::remove_dir_all(&places.data_dir).unwrap();
            if !full {
                break;
            }
        }
        assert!(failed > 0, "{name} never met a full disk");
        say(&format!("{name}: {failed} of its writes fail"));
    }
}

#[test]
fn whichever_write_finds_the_disk_full_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(folder.path()).unwrap();
    let mut child = match power::recorded_child("full::full_writes_child", &base) {
        Ok(child) => child,
        Err(why) => return not_run("a full disk at every write", &why),
    };
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("backup: "), "{text}{errors}");
    println!("{text}");
}
