//! `dwell vault` and `dwell privacy`, with a daemon: opening, locking, checking, copying, and work that is cut off.

use std::io::Write;
use std::process::Stdio;
use std::sync::mpsc;

use dwell_bus::{VaultRequest, wire};

use crate::caretaker::{PASSPHRASE, RECOVERY, caring, done, info, keys, secret, usual, work};
use crate::daemon::{FakeDaemon, filled};
use crate::keys::with_input;
use crate::place::{Outcome, Place};
use crate::terminal::{Dialog, on_terminal};

#[test]
fn how_the_vault_stands() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["vault"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert_eq!(end, place.run(&["vault", "info"]));
    insta::assert_snapshot!(end.out.replacen("until 2026-11-21 ", "until ", 1), @"
    The vault is open until 22:10
      Folder      /home/me/.local/share/dwell/vault
      Id          00112233445566778899aabbccddeeff
      Generation  3
      Days        2026-11-01 to 2026-11-21
      Size        1.2 MB on disk, 20 day parts sealed with every span, 1 in the
                  journal
      Keys        key 0 (keyfile) and key 1 (passphrase)
      Rules       readable with the keyfile
      Copy        a weekly one, beside it
      Backup      /media/old.dwell, 2026-11-20, from before the last change
      Backup      /media/new.dwell, 2026-11-20
    ");
    insta::assert_snapshot!(place.run(&["vault", "info", "--json"]).out, @r#"{"schema":"dwell.vault/1","state":"open","why":null,"locks_at":"2026-11-21T22:10:00.000+02:00","path":"/home/me/.local/share/dwell/vault","id":"00112233445566778899aabbccddeeff","generation":3,"first":"2026-11-01","last":"2026-11-21","journal_parts":1,"sealed_parts":20,"totals_parts":0,"blocks":0,"bytes":1240000,"damaged":[],"suspect":false,"copy":true,"read_only":false,"keys":[{"number":0,"kind":"keyfile","place":"/home/me/.local/share/dwell/keyfile","automatic":true,"problem":null},{"number":1,"kind":"passphrase","place":null,"automatic":false,"problem":null}],"rules_key":"keyfile","backups":[{"path":"/media/old.dwell","at":"2026-11-20T22:05:00.000+02:00","generation":2},{"path":"/media/new.dwell","at":"2026-11-20T22:05:00.000+02:00","generation":3}]}"#);
    for command in [&["vault", "info"][..], &["privacy"], &["key"]] {
        let shown = on_terminal(place.command(command).env("NO_COLOR", "1"), 20);
        for line in shown.lines() {
            assert!(line.chars().count() <= 20, "{command:?}: {line}");
        }
    }
}

#[test]
fn what_is_wrong_with_the_vault_is_said() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::Info(reply) => drop(reply.send(Ok(wire::VaultInfo {
            state: "sealed".into(),
            why: Some("it was locked at 21:00".into()),
            locks_at_ms: None,
            damaged: vec!["2026-11-03".into()],
            suspect: true,
            read_only: true,
            copy: false,
            backups: vec![],
            ..info()
        }))),
        other => usual(other),
    });
    insta::assert_snapshot!(place.run(&["vault", "info"]).out, @"
    The vault is locked: it was locked at 21:00. Recording and limits go on; history
      opens with `dwell vault unlock`
      Folder      /home/me/.local/share/dwell/vault
      Id          00112233445566778899aabbccddeeff
      Generation  3
      Days        2026-11-01 to 2026-11-21
      Size        1.2 MB on disk, 20 day parts sealed with every span, 1 in the
                  journal
      Keys        key 0 (keyfile) and key 1 (passphrase)
      Rules       readable with the keyfile
      Copy        none yet; it is made weekly
    Damaged: something cannot be read of 2026-11-03
    History is older than what was last seen here. Is that meant? Then `dwell vault
      accept`
    A newer dwell wrote it: this one reads it, and writes nothing
    ");
}

#[test]
fn privacy_is_told_in_words() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["privacy"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @r"
    What is stored
      day page: every span of a day: program, domain, from when, how long
        read with a key of history; kept until you forget it

    Where
      /home/me/.local/share/dwell/vault
        all that is recorded; encrypted
      /home/me/.config/dwell/config.toml
        settings, nothing private; not encrypted

    Keys
      history: keyfile, /home/me/.local/share/dwell/keyfile
        protects from other people on this machine, and who gets a copy of the vault
        not from who takes the whole disk\u{1b}[31m

    Never stored
      window titles
      addresses of pages

    What the disk shows without a key
      that it is dwell, and how many days there are
    ");
    insta::assert_snapshot!(place.run(&["privacy", "--json"]).out, @r#"{"schema":"dwell.privacy/1","records":[{"kind":"day page","holds":"every span of a day: program, domain, from when, how long","readable":"a key of history","kept":"until you forget it"}],"places":[{"path":"/home/me/.local/share/dwell/vault","holds":"all that is recorded","encrypted":true},{"path":"/home/me/.config/dwell/config.toml","holds":"settings, nothing private","encrypted":false}],"keys":[{"opens":"history","kind":"keyfile","place":"/home/me/.local/share/dwell/keyfile","protects":"other people on this machine, and who gets a copy of the vault","exposed":"who takes the whole disk\u001b[31m"}],"never":["window titles","addresses of pages"],"visible":["that it is dwell, and how many days there are"]}"#);
}

/// A daemon whose vault has these keys, and what it was asked to open with.
fn opening(place: &Place, keys: Vec<wire::Key>) -> (FakeDaemon, mpsc::Receiver<(String, String, u64)>) {
    let (give, take) = mpsc::channel();
    let daemon = caring(place, move |request| match request {
        VaultRequest::ListKeys(reply) => drop(reply.send(Ok(keys.clone()))),
        VaultRequest::Unlock(kind, pipe, for_ms, reply) => {
            give.send((kind, secret(pipe), for_ms)).unwrap();
            drop(reply.send(Ok(())));
        }
        other => usual(other),
    });
    (daemon, take)
}

#[test]
fn what_opens_it_depends_on_its_keys() {
    let place = Place::with_empty_bus();
    let asked = |keys: Vec<wire::Key>, arguments: &[&str], input: &[u8]| {
        let (_daemon, take) = opening(&place, keys);
        let end = with_input(&place, &[&["vault", "unlock"], arguments].concat(), input);
        assert_eq!((end.code, end.err.as_str()), (Some(0), ""), "{end:?}");
        take.recv().unwrap()
    };
    let of = |kind: &str, secret: &str, for_ms| (kind.to_owned(), secret.to_owned(), for_ms);
    let [keyfile, passphrase] = keys().try_into().unwrap();
    let recovery = wire::Key { number: 2, kind: "recovery".into(), ..wire::Key::default() };
    let line = |secret: &str| format!("{secret}\n").into_bytes();
    assert_eq!(asked(vec![keyfile.clone()], &[], b"unread"), of("", "", 300_000));
    assert_eq!(
        asked(vec![keyfile, passphrase.clone()], &["--for", "1h"], &line(PASSPHRASE)),
        of("passphrase", PASSPHRASE, 3_600_000)
    );
    assert_eq!(
        asked(vec![passphrase, recovery.clone()], &["--recovery", "--for", "0s"], &line(RECOVERY)),
        of("recovery", RECOVERY, 0)
    );
    assert_eq!(asked(vec![recovery], &[], &line(RECOVERY)), of("recovery", RECOVERY, 300_000));
}

#[test]
fn opening_and_locking() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let mut dialog = Dialog::start(&mut place.command(&["vault", "unlock"]));
    dialog.until("Passphrase: ").types(PASSPHRASE).types("\n");
    let (code, shown) = dialog.end();
    assert!(code == Some(0) && shown.contains("The vault is open until"), "{shown}");
    assert!(!shown.contains("horse"), "{shown}");
    // Sixty characters off a sheet of paper are typed in sight.
    let mut dialog = Dialog::start(&mut place.command(&["vault", "unlock", "--recovery"]));
    dialog.until("from your paper: ").types(RECOVERY).types("\n").until(RECOVERY);
    assert_eq!(dialog.end().0, Some(0));
    let end = with_input(&place, &["vault", "unlock"], b"wrong\n");
    assert_eq!((end.code, end.out.as_str()), (Some(4), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: that passphrase does not open the vault; say it again, or use `dwell vault unlock --recovery`");
    let end = with_input(&place, &["vault", "unlock", "--recovery", "--json"], b"wrong\n");
    assert_eq!((end.code, end.out.as_str()), (Some(4), ""));
    insta::assert_snapshot!(end.complaint(), @r#"{"schema":"dwell.error/1","kind":"denied","message":"that recovery does not open the vault","hint":"compare it with your paper, and say it again"}"#);
    let end = with_input(&place, &["vault", "unlock"], b"");
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(place.run(&["vault", "lock"]).out, @"The vault is locked. Recording and limits go on");
    assert_eq!(place.run(&["vault", "lock", "--json"]).document()["schema"], "dwell.vault/1");
}

#[test]
fn checking_says_what_is_damaged() {
    let place = Place::with_empty_bus();
    let daemon = FakeDaemon::usual(&place);
    let end = place.run(&["vault", "verify"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"All is well: 3 days and 120 spans were read and checked");
    drop(daemon);
    let _daemon = caring(&place, |request| match request {
        VaultRequest::Verify(reply) => {
            let found = r#","days":3,"spans":119,"damaged":["2026-11-03"],"mismatched":["2026-11-04"]"#;
            drop(reply.send(Ok(work(&done("verify", found)))));
        }
        other => usual(other),
    });
    let end = place.run(&["vault", "verify"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.out, @"
    Something cannot be read of 2026-11-03
    The totals are not those of the spans on 2026-11-04
    3 days and 119 spans were read. A backup may have the rest: `dwell vault restore
      FILE`
    ");
    let end = place.run(&["vault", "verify", "--json"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.out, @r#"{"schema":"dwell.verify/1","ok":false,"days":3,"spans":119,"damaged":["2026-11-03"],"mismatched":["2026-11-04"]}"#);
}

#[test]
fn a_backup_is_written_where_the_person_is() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let in_place = |arguments: &[&str]| {
        let output = place.command(arguments).current_dir(place.path("")).output().unwrap();
        let end = Outcome::of(&output);
        let home = format!("{}/", place.path("").to_str().unwrap().trim_end_matches('/'));
        Outcome { code: end.code, out: end.out.replace(&home, "~/"), err: end.err.replace(&home, "~/") }
    };
    let end = in_place(&["vault", "backup", "a.dwell"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert!(place.path("a.dwell").exists());
    insta::assert_snapshot!(end.out, @"
    Written to ~/a.dwell (2.0 kB), with 3 days and 120 spans; it opens
      with the keys of today
    ");
    let end = in_place(&["vault", "backup", "a.dwell"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: ~/a.dwell exists already; name another file");
    assert_eq!(in_place(&["vault", "backup", "b.dwell", "--json"]).document()["work"], "backup");
}

#[test]
fn an_older_history_is_accepted_knowingly() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    assert_eq!(place.run(&["vault", "accept"]).code, Some(2));
    insta::assert_snapshot!(place.run(&["vault", "accept", "--yes"]).out, @"History is accepted as it is");
    let mut dialog = Dialog::start(&mut place.command(&["vault", "accept"]));
    dialog.until("[y/N] ").types("\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(shown, @"
    History here is older than what was last seen, as after an old copy was put
      back.
    Accepting takes it as it is: what is missing stays missing, and is no longer
      remarked upon.
    Go on? [y/N] 
    dwell: nothing has changed: it was not confirmed; say it again and answer y, or add --yes
    ");
}

#[test]
fn work_that_fails_or_is_cut_off_says_so() {
    let place = Place::with_empty_bus();
    let error = r#"{"schema":"dwell.error/1","kind":"storage-degraded","message":"the disk is full","hint":"make room"}"#;
    for (last, code) in [(error, 1), ("{\"schema\":\"dwell.progress/1\"", 1)] {
        let _daemon = caring(&place, move |request| match request {
            VaultRequest::Verify(reply) => drop(reply.send(Ok(work(last)))),
            other => usual(other),
        });
        let end = place.run(&["vault", "verify"]);
        assert_eq!((end.code, end.out.as_str()), (Some(code), ""));
        if last == error {
            insta::assert_snapshot!(end.complaint(), @"dwell: the disk is full; make room");
        } else {
            insta::assert_snapshot!(end.complaint(), @"dwell: the daemon was cut off; nothing was changed unless it says so; see how it stands with `dwell vault info`");
        }
    }
    let _daemon = caring(&place, |request| match request {
        VaultRequest::RotateKeys(reply) => drop(reply.send(Ok(filled(&[])))),
        other => usual(other),
    });
    let end = place.run(&["key", "rotate", "--yes", "--json"]);
    assert_eq!((end.code, end.out.as_str()), (Some(1), ""));
}

/// A daemon whose work goes on until the test ends it: the writing end goes there.
fn working(place: &Place) -> (FakeDaemon, mpsc::Receiver<std::io::PipeWriter>) {
    let (give, take) = mpsc::channel();
    let daemon = caring(place, move |request| match request {
        VaultRequest::RotateKeys(reply) => {
            let (read, write) = std::io::pipe().unwrap();
            drop(reply.send(Ok(read.into())));
            give.send(write).unwrap();
        }
        other => usual(other),
    });
    (daemon, take)
}

fn signal(pid: u32, name: &str) {
    let pid = pid.to_string();
    assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
}

#[test]
fn work_that_has_ended_was_not_stopped() {
    let place = Place::with_empty_bus();
    let (_daemon, take) = working(&place);
    // Which of two ready things is seen first is chance.
    for _ in 0..8 {
        let mut dialog = Dialog::start(place.command(&["key", "rotate", "--yes"]).env("TERM", "xterm"));
        let mut pipe = take.recv().unwrap();
        writeln!(pipe, r#"{{"schema":"dwell.progress/1","done":1,"total":3}}"#).unwrap();
        let pid = dialog.until("1 of 3 days").pid();
        // While it cannot look, both the end and Ctrl-C arrive.
        signal(pid, "-STOP");
        writeln!(pipe, "{}", done("rotate", "")).unwrap();
        signal(pid, "-INT");
        signal(pid, "-CONT");
        let (code, shown) = dialog.end();
        assert!(code == Some(0) && shown.contains("Everything is encrypted with new keys"), "{shown}");
    }
}

#[test]
fn an_interrupt_closes_the_pipe_and_says_that_nothing_changed() {
    let place = Place::with_empty_bus();
    let (_daemon, take) = working(&place);
    let mut dialog = Dialog::start(place.command(&["key", "rotate", "--yes"]).env("TERM", "xterm"));
    let mut pipe = take.recv().unwrap();
    writeln!(pipe, r#"{{"schema":"dwell.progress/1","done":1,"total":3}}"#).unwrap();
    signal(dialog.until("1 of 3 days").pid(), "-INT");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    let last = shown.lines().last().unwrap().rsplit("\x1b[K").next().unwrap();
    insta::assert_snapshot!(last, @"dwell: stopped: nothing has changed, unless it was done already; see how it stands with `dwell vault info`");
    assert_eq!(writeln!(pipe, "more").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn no_progress_where_nobody_looks() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let output =
        place.command(&["vault", "verify"]).env("TERM", "xterm").stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.stderr, b"");
    let shown = Dialog::start(place.command(&["vault", "verify", "-q"]).env("TERM", "xterm")).end().1;
    assert!(!shown.contains("Checking"), "{shown}");
}
