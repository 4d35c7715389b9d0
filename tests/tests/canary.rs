//! No plain name of a program reaches the disk, the log or a temporary file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use dwell_tests::clock::{Deadline, let_pass};
use dwell_tests::{Bed, Kind, canary};

/// Every folder of the bed in which dwell could leave something.
fn where_dwell_writes(bed: &Bed) -> [std::path::PathBuf; 4] {
    [bed.place().data(), bed.place().runtime(), bed.place().home(), bed.place().temporary()]
}

fn assert_nowhere(secret: &str, bed: &Bed) {
    for folder in where_dwell_writes(bed) {
        assert_eq!(canary::files_that_hold(secret, &folder), Vec::<std::path::PathBuf>::new());
    }
}

fn a_name_stays_in_the_vault(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    let _notices = bed.record_notices();
    let (app, limited) = (canary::unique_app(), canary::unique_app());
    let window = bed.open(&app, "alpha");
    let trace = [("DWELL_LOG", "trace"), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")];
    let mut daemon = bed.try_daemon(&trace).unwrap();
    bed.wait_for_dwell_to_see(&app);
    let other = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");

    // Rules name programs too, and so do refusals.
    let _ = bed.dwell(&["limit", "set", &format!("app:{limited}"), "30m"]).ok();
    let _ = bed.dwell(&["limit", "set", &format!("app:{app}"), "1s"]).ok();
    let _ = bed.dwell(&["why", &format!("app:{app}")]).ok();
    let _ = bed.dwell(&["limit", "show", &canary::unique_app()]);
    bed.ask_for_focus(&window);
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&window)));
    bed.ask_for_focus(&other);
    let_pass(Duration::from_millis(300));

    // It is known, so its absence below means something.
    assert!(bed.spans().iter().any(|span| span.is_focus_on(&app)));
    for secret in [&app, &limited] {
        assert_nowhere(secret, &bed);
    }
    daemon.kill9();
    for secret in [&app, &limited] {
        assert_nowhere(secret, &bed);
    }
    let mut daemon_again = bed.try_daemon(&trace).unwrap();
    assert!(bed.spans().iter().any(|span| span.is_focus_on(&app)));
    daemon_again.terminate();

    for secret in [&app, &limited] {
        assert_nowhere(secret, &bed);
        for daemon in [&daemon, &daemon_again] {
            let log = daemon.stderr();
            assert!(!log.contains(secret.as_str()), "the log names a program: {log}");
            assert!(log.lines().count() >= 3, "the log says too little to prove anything: {log}");
        }
    }
    assert!(canary::files_below(&bed.place().data()) >= 3, "there is no vault to search");
}

#[test]
fn x11_a_name_stays_in_the_vault() {
    a_name_stays_in_the_vault(Kind::X11);
}

#[test]
fn sway_a_name_stays_in_the_vault() {
    a_name_stays_in_the_vault(Kind::Sway);
}

/// The positive control: the same search finds the same kind of name in a plain SQLite file.
#[test]
fn the_search_finds_a_name_in_plain_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let (there, absent) = (canary::unique_app(), canary::unique_app());
    let file = folder.path().join("below/plain.db");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    write_plain(&file, &there);
    assert_eq!(canary::files_that_hold(&there, folder.path()), [file]);
    assert_eq!(canary::files_that_hold(&absent, folder.path()), Vec::<std::path::PathBuf>::new());
}

fn write_plain(file: &Path, app: &str) {
    let database = rusqlite::Connection::open(file).unwrap();
    database.execute_batch("CREATE TABLE span (app TEXT, ms INTEGER)").unwrap();
    database.execute("INSERT INTO span VALUES (?1, 1000)", [app]).unwrap();
}
