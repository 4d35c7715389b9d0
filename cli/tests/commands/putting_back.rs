//! `dwell vault restore` and `salvage`: the daemon must be away, and a `dwelld` of the test's does the work.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::caretaker::{PASSPHRASE, RECOVERY};
use crate::daemon::FakeDaemon;
use crate::place::{Outcome, Place};
use crate::terminal::Dialog;

/// Notes its arguments and the first line of its input beside itself, and ends as a good one does.
const WELL: &str = r#"
echo '{"schema":"dwell.progress/1","done":1,"total":2}'
echo '{"schema":"dwell.done/1","work":"restore","days":2,"spans":40,"put_aside":"/home/me/vault.aside"}'
"#;

/// Does not open by itself, but with the right secret.
const LOCKED: &str = r#"
case "$*" in
*--passphrase*|*--recovery*)
    if [ "$secret" = 'correct horse battery' ] || [ "${secret#0K3F9}" != "$secret" ]; then
        echo '{"schema":"dwell.done/1","work":"restore","days":2,"spans":40}'
    else
        echo '{"schema":"dwell.error/1","kind":"denied","message":"that passphrase does not open the backup","hint":null}'
    fi;;
*) echo '{"schema":"dwell.error/1","kind":"locked","message":"no key opens it","hint":"try --recovery"}';;
esac
"#;

/// A `dwell` with a `dwelld` beside it, and a backup.
fn with_dwelld(place: &Place, script: &str) -> PathBuf {
    let program = place.path("dwell");
    if !program.exists() {
        let own = env!("CARGO_BIN_EXE_dwell");
        // A link where it can be had: the program is looked for beside the file that runs.
        std::fs::hard_link(own, &program).or_else(|_| std::fs::copy(own, &program).map(|_| ())).unwrap();
    }
    let log = place.path("asked");
    let head = format!("#!/bin/sh\nIFS= read -r secret\necho \"$*|$secret\" >> '{}'\n", log.display());
    let dwelld = place.path("dwelld");
    // A new file each time: one that runs cannot be written.
    let new = place.path("dwelld.new");
    std::fs::write(&new, format!("{head}{script}")).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&new, &dwelld).unwrap();
    std::fs::write(place.path("old.dwell"), "a backup").unwrap();
    program
}

fn command(place: &Place, script: &str, arguments: &[&str]) -> Command {
    let usual = place.command(&[]);
    let mut command = Command::new(with_dwelld(place, script));
    command.args(arguments).env_clear().current_dir(place.path("")).stdin(Stdio::null());
    for (name, value) in usual.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

fn run(place: &Place, script: &str, arguments: &[&str], input: &str) -> Outcome {
    std::fs::write(place.path("input"), input).unwrap();
    let input = std::fs::File::open(place.path("input")).unwrap();
    let end = Outcome::of(&command(place, script, arguments).stdin(input).output().unwrap());
    Outcome { code: end.code, out: shorter(place, &end.out), err: shorter(place, &end.err) }
}

fn shorter(place: &Place, text: &str) -> String {
    text.replace(&format!("{}/", place.path("").to_str().unwrap().trim_end_matches('/')), "~/")
}

/// What `dwelld` was asked, and with which secret, a line each.
fn asked(place: &Place) -> String {
    let asked = std::fs::read_to_string(place.path("asked")).unwrap_or_default();
    let _ = std::fs::remove_file(place.path("asked"));
    shorter(place, &asked)
}

#[test]
fn a_backup_takes_the_place_of_the_vault() {
    let place = Place::with_empty_bus();
    let end = run(&place, WELL, &["vault", "restore", "old.dwell", "--yes"], "");
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Restored 2 days and 40 spans from ~/old.dwell
    The vault that was there is now /home/me/vault.aside
    Start the daemon with `systemctl --user start dwelld`
    ");
    insta::assert_snapshot!(asked(&place), @"restore ~/old.dwell --put-aside|");
    let end = run(&place, WELL, &["vault", "salvage", "old.dwell", "--yes", "--json"], "");
    assert_eq!((end.code, &end.document()["put_aside"]), (Some(0), &"/home/me/vault.aside".into()));
    insta::assert_snapshot!(asked(&place), @"salvage ~/old.dwell|");
    // Also where there is no bus at all.
    let place = Place::without_bus();
    assert_eq!(run(&place, WELL, &["vault", "restore", "old.dwell", "--yes"], "").code, Some(0));
}

#[test]
fn it_is_not_done_without_consent() {
    let place = Place::with_empty_bus();
    for word in ["restore", "salvage"] {
        let end = run(&place, WELL, &["vault", word, "old.dwell"], "");
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{end:?}");
        assert!(end.complaint().ends_with("; add --yes if it is meant"));
    }
    let mut dialog = Dialog::start(&mut command(&place, WELL, &["vault", "restore", "old.dwell"]));
    dialog.until("[y/N] ").types("n\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    assert!(shown.contains("is put aside, and nothing is deleted."), "{shown}");
    assert_eq!(asked(&place), "");
}

#[test]
fn the_daemon_must_be_away() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = run(&place, WELL, &["vault", "restore", "old.dwell", "--yes"], "");
    assert_eq!((end.code, end.out.as_str()), (Some(1), ""));
    let own = std::process::id().to_string();
    insta::assert_snapshot!(end.complaint().replace(&own, "PID"), @"dwell: the daemon is running, and has the vault open; stop it with `kill PID`, then say it again");
    assert_eq!(asked(&place), "");
    // And it is not woken for that.
    let place = Place::with_bus(&[("org.dwell.Dwell1", "/nonexistent/dwelld")]);
    assert_eq!(run(&place, WELL, &["vault", "restore", "old.dwell", "--yes"], "").code, Some(0));
}

#[test]
fn a_backup_that_does_not_open_by_itself_asks() {
    let place = Place::with_empty_bus();
    let restore = ["vault", "restore", "old.dwell", "--yes"];
    let end = run(&place, LOCKED, &restore, &format!("{PASSPHRASE}\n"));
    assert_eq!(end.code, Some(0), "{end:?}");
    insta::assert_snapshot!(asked(&place), @"
    restore ~/old.dwell --put-aside|
    restore ~/old.dwell --put-aside --passphrase|correct horse battery
    ");
    let end = run(&place, LOCKED, &["vault", "restore", "old.dwell", "--yes", "--recovery", "-q"], RECOVERY);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(asked(&place), @"restore ~/old.dwell --put-aside --recovery|0K3F9-AAAAA-BBBBB-CCCCC-DDDDD-EEEEE-FFFFF-GGGGG-HHHHH-JJJJJ-KKKKK-XYZ12");
    let end = run(&place, LOCKED, &["vault", "restore", "old.dwell", "--yes", "-q"], "wrong\n");
    assert_eq!((end.code, end.out.as_str()), (Some(4), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: that passphrase does not open the backup");
    asked(&place);
    let mut dialog = Dialog::start(&mut command(&place, LOCKED, &restore));
    dialog.until("Passphrase: ").types(PASSPHRASE).types("\n").until("Restored 2 days and 40 spans");
    let (code, shown) = dialog.end();
    assert!(code == Some(0) && !shown.contains("horse"), "{shown}");
    let end = run(&place, LOCKED, &["vault", "salvage", "old.dwell", "--yes", "-q"], PASSPHRASE);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
}

#[test]
fn an_interrupt_stops_it_even_when_it_never_pauses() {
    let place = Place::with_empty_bus();
    let busy = "while echo '{\"schema\":\"dwell.progress/1\",\"done\":1,\"total\":2}'; do :; done\n";
    let mut restore = command(&place, busy, &["vault", "restore", "old.dwell", "--yes"]);
    let mut dialog = Dialog::start(restore.env("TERM", "xterm"));
    let pid = dialog.until("1 of 2 days").pid().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    // It has waited for the other program, which stops because nobody reads what it says.
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    let last = shown.lines().last().unwrap().rsplit("\x1b[K").next().unwrap();
    insta::assert_snapshot!(last, @"dwell: stopped: nothing has changed, unless it was done already; say it again when you like");
}

#[test]
fn what_goes_wrong_is_one_line() {
    let place = Place::with_empty_bus();
    let restore = ["vault", "restore", "old.dwell", "--yes"];
    let end = run(&place, "exit 2\n", &restore, "");
    assert_eq!((end.code, end.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: dwelld was cut off; nothing was changed unless it says so; see whether it is of this version with `dwelld --version`");
    let end = run(&place, WELL, &["vault", "restore", "none.dwell", "--yes"], "");
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: none.dwell cannot be read: No such file or directory; name a backup");
    let mut command = command(&place, WELL, &restore);
    std::fs::remove_file(place.path("dwelld")).unwrap();
    let end = Outcome::of(&command.env("PATH", "/nonexistent").output().unwrap());
    assert_eq!((end.code, end.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: the program dwelld cannot be run: No such file or directory; install it beside dwell, or where PATH leads");
}
