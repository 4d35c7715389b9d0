//! A full disk: told as such, reads go on, nothing is lost, and it heals when there is space again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dwell_vault::{Places, Row, Vault, WriteError};

use crate::world::{all, day, focus, not_run, of_day};

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
