//! What goes wrong is said in one clear line, ends with the pinned exit code, and loses nothing.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind, Refusal};
use serde_json::Value;

/// A refusal to start: one line that names the matter, with a next step.
fn assert_one_clear_line(refusal: &Refusal, code: i32, names: &str) {
    let lines: Vec<&str> = refusal.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(refusal.code, Some(code), "{}", refusal.stderr);
    assert_eq!(lines.len(), 1, "one line, not: {}", refusal.stderr);
    assert!(lines[0].contains(names), "should name {names:?}: {}", lines[0]);
}

fn must_refuse(bed: &Bed) -> Refusal {
    match bed.try_daemon(&[]) {
        Ok(_) => panic!("dwelld started"),
        Err(refusal) => refusal,
    }
}

/// A bed with some recorded history, and that history.
fn bed_with_history() -> Option<(Bed, usize)> {
    let bed = Bed::start(Kind::X11)?;
    let alpha = bed.open("AppA", "alpha");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let beta = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    drop((alpha, beta));
    daemon.terminate();
    drop(daemon);
    let daemon = bed.daemon();
    let known = apps(&bed).len();
    drop(daemon);
    assert!(known >= 2);
    Some((bed, known))
}

fn apps(bed: &Bed) -> Vec<String> {
    let mut apps: Vec<String> =
        bed.spans().into_iter().map(|span| span.app).filter(|app| !app.is_empty()).collect();
    apps.sort();
    apps.dedup();
    apps
}

#[test]
fn an_unknown_configuration_key_is_named_with_the_one_that_was_meant() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    bed.place().write(&bed.place().config(), "day-start = \"04:00\"\nidel-after = \"3m\"\n");
    let refusal = must_refuse(&bed);
    assert_one_clear_line(&refusal, 2, "line 2");
    assert!(
        refusal.stderr.contains("idel-after") && refusal.stderr.contains("idle-after"),
        "{}",
        refusal.stderr
    );
    let check = bed.dwell(&["config", "check"]);
    check.assert_refused(2, "idle-after");
    assert!(!bed.place().data().join("vault").exists(), "a refusal leaves nothing behind");
}

#[test]
fn a_running_daemon_keeps_its_configuration_when_the_new_one_is_wrong() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let mut daemon = bed.daemon();
    bed.place().write(&bed.place().config(), "idle-after = \"soon\"\n");
    bed.dwell(&["config", "check"]).assert_refused(2, "idle-after");
    assert_eq!(bed.dwell(&["status"]).code, 0);
    assert!(daemon.is_running());
}

/// The heading `[aliases]` forgotten, a program's name is an unknown setting's.
#[test]
fn a_wrong_configuration_puts_no_program_into_the_log() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let mut daemon = bed.daemon();
    bed.place().write(&bed.place().config(), "\"secret.diary.App\" = \"x\"\n");
    let told = || daemon.stderr().contains("line 1, column 1 is wrong");
    assert!(wait_until(Deadline::seconds(5), told), "{}", daemon.stderr());
    assert!(!daemon.stderr().contains("secret"), "{}", daemon.stderr());
    bed.dwell(&["config", "check"]).assert_refused(2, "secret.diary.App");
    daemon.terminate();

    let Err(refusal) = bed.try_daemon(&[("JOURNAL_STREAM", "8:1")]) else { panic!("dwelld started") };
    assert_one_clear_line(&refusal, 2, "line 1, column 1");
    assert!(!refusal.stderr.contains("secret"), "{}", refusal.stderr);
}

#[test]
fn values_and_targets_that_make_no_sense_are_refused() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let _daemon = bed.daemon();
    bed.dwell(&["limit", "set", "app:AppA", "3x"]).assert_refused(2, "3x");
    bed.dwell(&["limit", "set", "app:AppA", "-5m"]).assert_refused(2, "-5");
    bed.dwell(&["limit", "set", "nobody-ever-used-this", "30m"]).assert_refused(2, "nobody-ever-used-this");
    bed.dwell(&["why", "nobody-ever-used-this"]).assert_refused(2, "nobody-ever-used-this");
    bed.dwell(&["limit", "remove", "no-such-rule"]).assert_refused(2, "no-such-rule");
    bed.dwell(&["report", "lastyeah"]).assert_refused(2, "lastyeah");
    assert_eq!(bed.dwell_json(&["limit", "list"])["limits"], Value::Array(Vec::new()), "nothing was set");
    // A site that is known needs no kind, though nobody has been there.
    let set = bed.dwell_json(&["limit", "set", "youtube.com", "30m"]);
    assert_eq!(set["limits"][0]["target"], "domain:youtube.com", "{set}");

    let error = bed.dwell(&["limit", "set", "nobody-ever-used-this", "30m", "--json"]);
    assert_eq!(error.code, 2);
    let document: Value = serde_json::from_str(&error.stderr).expect("an error as JSON");
    assert_eq!(document["schema"], "dwell.error/1");
    for part in ["kind", "message", "hint"] {
        assert!(document[part].as_str().is_some_and(|text| !text.is_empty()), "no {part}: {document}");
    }
}

#[test]
fn no_display_is_a_state_and_not_an_error() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let mut daemon = bed.daemon();
    let unhealthy = || {
        let status = bed.dwell_json(&["status"]);
        let parts = status["health"].as_array().cloned().unwrap_or_default();
        parts.iter().any(|part| part["part"] == "focus" && part["ok"] == false)
    };
    assert!(wait_until(Deadline::seconds(5), unhealthy), "{}", bed.dwell(&["status", "--json"]).stdout);
    let doctor = bed.dwell(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.stdout.to_lowercase().contains("display"), "{}", doctor.stdout);
    assert!(daemon.is_running());
    daemon.terminate();
}

#[test]
fn no_session_bus_is_said_by_both_programs() {
    let Some(mut bed) = Bed::start(Kind::NoDisplay) else { return };
    let nowhere = format!("unix:path={}", bed.place().runtime().join("nothing").display());
    bed.place_mut().set("DBUS_SESSION_BUS_ADDRESS", &nowhere);
    assert_one_clear_line(&must_refuse(&bed), 1, "bus");
    bed.dwell(&["status"]).assert_refused(5, "bus");
    bed.place_mut().unset("DBUS_SESSION_BUS_ADDRESS");
    bed.place_mut().unset("XDG_RUNTIME_DIR");
    bed.dwell(&["status"]).assert_refused(5, "bus");
}

#[test]
fn a_daemon_that_does_not_run_is_exit_code_5() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    for command in [&["status"][..], &["check", "app:AppA"], &["report"], &["watch"], &["limit", "list"]] {
        bed.dwell(command).assert_refused(5, "dwelld");
    }
}

#[test]
fn a_second_daemon_leaves_the_first_alone() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let mut first = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "30m"]).ok();
    let refusal = must_refuse(&bed);
    assert_one_clear_line(&refusal, 1, "run");
    assert!(first.is_running());
    assert_eq!(bed.dwell_json(&["limit", "list"])["limits"][0]["target"], "app:AppA");
}

#[test]
fn a_key_that_cannot_be_read_stops_the_daemon_and_loses_nothing() {
    let Some((bed, known)) = bed_with_history() else { return };
    let key = bed.place().data().join("keyfile");
    let kept = bed.place().data().join("elsewhere");
    for damage in ["gone", "cut", "wrong"] {
        fs::rename(&key, &kept).unwrap();
        match damage {
            "cut" => bed.place().write(&key, &fs::read(&kept).unwrap()[..10]),
            "wrong" => {
                let mut bytes = fs::read(&kept).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                bed.place().write(&key, bytes);
            }
            _ => {}
        }
        let before = everything_in(&bed);
        assert_one_clear_line(&must_refuse(&bed), 4, "key");
        assert_eq!(everything_in(&bed), before, "{damage}: a refusal changes nothing");
        fs::rename(&kept, &key).unwrap();
        let _daemon = bed.daemon();
        assert_eq!(apps(&bed).len(), known, "{damage}: with its key back, everything is there");
    }
}

/// Names and contents of the files of the vault.
fn everything_in(bed: &Bed) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut folders = vec![bed.place().data()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "lock") {
                // It holds the pid of whoever opened the vault last.
            } else if let Ok(bytes) = fs::read(&path) {
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_damaged_header_stops_the_daemon_and_loses_nothing() {
    let Some((bed, known)) = bed_with_history() else { return };
    let header = bed.place().data().join("vault/current/hdr");
    let good = fs::read(&header).unwrap();
    // All over the file: it holds itself twice.
    let mut bad = good.clone();
    for byte in bad.iter_mut().skip(20).step_by(100) {
        *byte ^= 0xff;
    }
    bed.place().write(&header, &bad);
    assert_one_clear_line(&must_refuse(&bed), 1, "vault");
    assert_eq!(fs::read(&header).unwrap(), bad, "a refusal changes nothing");

    // One half is enough.
    let half = good.len() / 2;
    bad[half..].copy_from_slice(&good[half..]);
    bed.place().write(&header, &bad);
    let _daemon = bed.daemon();
    assert_eq!(apps(&bed).len(), known);
}

#[test]
fn a_damaged_database_is_never_silent() {
    let Some((bed, known)) = bed_with_history() else { return };
    let database = bed.place().data().join("vault/current/db");
    let good = fs::read(&database).unwrap();
    // One flip in every page of the file: whatever is there, something is hit.
    let mut bad = good.clone();
    for byte in bad.iter_mut().skip(2048).step_by(4096) {
        *byte ^= 0xff;
    }
    bed.place().write(&database, &bad);
    match bed.try_daemon(&[]) {
        Err(refusal) => assert_one_clear_line(&refusal, 1, "vault"),
        Ok(daemon) => {
            let all_there = apps(&bed).len() == known;
            let doctor = bed.dwell(&["doctor"]);
            let report = bed.dwell(&["report"]);
            assert!(
                all_there || doctor.code == 1 || report.code != 0,
                "spans are missing and nobody says so: {} {}",
                doctor.stdout,
                report.stdout
            );
            drop(daemon);
        }
    }
    // What was not damaged by us is there once the file is back.
    for companion in ["db-wal", "db-shm"] {
        let _ = fs::remove_file(bed.place().data().join("vault/current").join(companion));
    }
    bed.place().write(&database, &good);
    if let Ok(_daemon) = bed.try_daemon(&[]) {
        assert_eq!(apps(&bed).len(), known);
    }
}
