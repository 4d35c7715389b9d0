//! `dwell key`: secrets come in unseen, and what is done cannot be done by accident.

use std::io::Write;
use std::process::Stdio;
use std::sync::mpsc;

use dwell_bus::VaultRequest;

use crate::caretaker::{PASSPHRASE, RECOVERY, caring, done, keys, secret, usual, work};
use crate::daemon::{FakeDaemon, filled};
use crate::place::{Outcome, Place};
use crate::terminal::Dialog;

/// Runs `dwell` with this on its standard input.
pub(crate) fn with_input(place: &Place, arguments: &[&str], input: &[u8]) -> Outcome {
    let mut child = place
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have refused and gone before it read anything.
    let _ = child.stdin.take().unwrap().write_all(input);
    Outcome::of(&child.wait_with_output().unwrap())
}

#[test]
fn keys_are_listed() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["key"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    0  keyfile     opens by itself, from /home/me/.local/share/dwell/keyfile
    1  passphrase  opens when you type it

    No recovery key yet: `dwell key recovery` makes one, to keep on paper
    ");
    assert_eq!(end, place.run(&["key", "list"]));
    insta::assert_snapshot!(place.run(&["key", "--json"]).out, @r#"{"schema":"dwell.keys/1","keys":[{"number":0,"kind":"keyfile","place":"/home/me/.local/share/dwell/keyfile","automatic":true,"problem":null},{"number":1,"kind":"passphrase","place":null,"automatic":false,"problem":null}]}"#);
    let end = place.run(&["key", "add", "keyring"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"3  keyring     opens by itself, from the keyring's place");
    assert_eq!(place.run(&["key", "add", "credential", "--quiet"]).out, "");
}

#[test]
fn a_passphrase_comes_through_standard_input_as_one_line() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let add = ["key", "add", "passphrase"];
    let end = with_input(&place, &add, format!("{PASSPHRASE}\nthe next line").as_bytes());
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    3  passphrase  opens when you type it
    The vault still opens without it, by key 0 (keyfile). To be asked for it from
    now on:
      dwell key remove 0
    ");
    // Without an end of the line it is the same.
    assert_eq!(with_input(&place, &add, PASSPHRASE.as_bytes()), end);
    let end = with_input(&place, &["key", "add", "passphrase", "--json"], b"short\n");
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @r#"{"schema":"dwell.keys/1","keys":[{"number":3,"kind":"passphrase","place":null,"automatic":false,"problem":null}]}"#);
    let end = with_input(&place, &add, b"short\n");
    assert_eq!(end.code, Some(0));
    insta::assert_snapshot!(end.err, @"That is short. It is taken; from 12 characters on it is much harder to guess");
    assert_eq!(with_input(&place, &["key", "add", "passphrase", "-q"], b"short\n").err, "");
}

#[test]
fn what_is_no_passphrase_is_refused_before_the_daemon_hears_of_it() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::AddPassphrase(..) => panic!("it was sent"),
        other => usual(other),
    });
    let refused = |input: &[u8]| {
        let end = with_input(&place, &["key", "add", "passphrase"], input);
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{input:?}");
        end.complaint().to_owned()
    };
    insta::assert_snapshot!(refused(b""), @"dwell: no passphrase came through standard input; send it as one line, or run this on a terminal");
    assert_eq!(refused(b"\n"), refused(b""));
    insta::assert_snapshot!(refused(b"\xff\xfe\xfd, thirteen\n"), @"dwell: the passphrase is no valid UTF-8; choose another one");
    insta::assert_snapshot!(refused(&[b'a'; 5000]), @"dwell: the passphrase is longer than 4096 bytes; check what was pasted");
}

#[test]
fn a_secret_in_the_command_line_is_refused_and_not_repeated() {
    let place = Place::without_bus();
    let end = place.run(&["key", "add", "passphrase", "hunter2", "more"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    assert!(!end.err.contains("hunter2"));
    insta::assert_snapshot!(end.complaint(), @"dwell: a secret is never taken from the command line, where every program on this machine can read it; choose another one, leave it out, and type it when you are asked or send it through standard input");
}

#[test]
fn a_passphrase_is_typed_twice_and_never_shown() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = caring(&place, move |request| match request {
        VaultRequest::AddPassphrase(pipe, reply) => {
            give.send(secret(pipe)).unwrap();
            drop(reply.send(Ok(keys().remove(1))));
        }
        other => usual(other),
    });
    let mut dialog = Dialog::start(&mut place.command(&["key", "add", "passphrase"]));
    dialog.until("New passphrase: ").types(PASSPHRASE).types("\n");
    dialog.until("The same again: ").types(PASSPHRASE).types("\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("horse"), "{shown}");
    assert_eq!(take.recv().unwrap(), PASSPHRASE);

    let mut dialog = Dialog::start(&mut place.command(&["key", "add", "passphrase"]));
    dialog.until("New passphrase: ").types("correct\n").until("The same again: ").types("corect\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(shown, @"
    New passphrase: 
    The same again: 
    dwell: the two passphrases are not the same, so none was added; say it again
    ");

    // Ctrl-C ends the question, not the program: the terminal gets its echo back.
    let mut dialog = Dialog::start(&mut place.command(&["key", "add", "passphrase"]));
    dialog.until("New passphrase: ").types("corr\x03");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(shown, @"
    New passphrase: 
    dwell: stopped: nothing has changed; say it again when you like
    ");

    let mut dialog = Dialog::start(&mut place.command(&["key", "add", "passphrase"]));
    dialog.until("New passphrase: ").types("\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(shown, @"
    New passphrase: 
    dwell: the passphrase is empty; say it again and type it
    ");
    assert!(take.try_recv().is_err(), "nothing more was sent");
}

#[test]
fn the_terminal_has_its_echo_after_a_question() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let mut shell = std::process::Command::new("sh");
    let program = place.command(&[]).get_program().to_owned();
    shell.args(["-c", "\"$0\" key add passphrase; echo ready; read answer"]).arg(program).env_clear();
    for (name, value) in place.command(&[]).get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let mut dialog = Dialog::start(&mut shell);
    dialog.until("New passphrase: ").types("corr\x03").until("ready\n").types("visible\n").until("visible");
    dialog.end();
}

#[test]
fn a_recovery_key_is_shown_once_and_proven_to_be_written_down() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["key", "recovery"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Recovery key (key 2)

        0K3F9  AAAAA  BBBBB  CCCCC
        DDDDD  EEEEE  FFFFF  GGGGG
        HHHHH  JJJJJ  KKKKK  XYZ12

    Write it down and keep it away from this machine. It opens the vault, and every
    backup made from now on, when no other key does: `dwell vault unlock
    --recovery`. It is shown only now, and kept nowhere.
    ");
    let json = place.run(&["key", "recovery", "--json"]).document();
    assert_eq!(json, serde_json::json!({"schema": "dwell.recovery-key/1", "number": 2, "key": RECOVERY}));
    let mut dialog = Dialog::start(&mut place.command(&["key", "recovery"]));
    dialog.until("to go without): ").types("GGGGG\n").until("Once more").types("xyz12\n");
    let (code, shown) = dialog.end();
    assert!(code == Some(0) && shown.ends_with("That is right: it is written down\n"), "{shown}");
    let mut dialog = Dialog::start(&mut place.command(&["key", "recovery"]));
    dialog.until("to go without): ").types("\n");
    let (code, shown) = dialog.end();
    assert!(code == Some(0) && shown.contains("It was not confirmed"), "{shown}");
}

#[test]
fn a_recovery_key_that_does_not_come_is_a_failure() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::AddRecovery(reply) => drop(reply.send(Ok((keys().remove(1), filled(&[]))))),
        other => usual(other),
    });
    let end = place.run(&["key", "recovery"]);
    assert_eq!((end.code, end.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: the recovery key did not come through (unexpected end of file); see `dwell key list`, remove it with `dwell key remove`, and say it again");
}

#[test]
fn removing_and_rotating_need_consent() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    for (command, deed) in
        [(&["key", "remove", "0"][..], "remove key 0"), (&["key", "rotate"], "encrypt everything anew")]
    {
        let end = place.run(command);
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{command:?}");
        let wanted = format!("dwell: nobody can be asked here whether to {deed}; add --yes if it is meant");
        assert_eq!(end.complaint(), wanted);
    }
    let end = place.run(&["key", "remove", "0", "--yes"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Removed key 0; everything is encrypted anew
    A backup is from before, and stays as it is: /media/old.dwell. Delete it if
      nobody should read it
    A copy of the vault made before still opens with key 1 (passphrase), whose
      secret is as it was. For copies from now on another can take its place: `dwell
      key add KIND`, then `dwell key remove 1`
    ");
    let end = place.run(&["key", "rotate", "--yes", "--json"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @r#"{"schema":"dwell.done/1","work":"rotate","unrotated":[1],"backups":["/media/old.dwell"]}"#);
    let end = place.run(&["key", "remove", "7", "--yes"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: there is no key 7; there are key 0 (keyfile) and key 1 (passphrase)");

    let mut dialog = Dialog::start(&mut place.command(&["key", "remove", "0"]));
    dialog.until("[y/N] ").types("n\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(shown, @"
    Key 0 (keyfile) goes, and everything is encrypted anew.
    Copies and backups made before still open with it.
    The vault then opens with key 1 (passphrase).
    It no longer opens by itself: history is to be read after `dwell vault unlock`,
      while recording and limits go on without.
    Go on? [y/N] n
    dwell: nothing has changed: it was not confirmed; say it again and answer y, or add --yes
    ");
    let mut dialog = Dialog::start(place.command(&["key", "rotate"]).env("TERM", "xterm"));
    dialog.until("[y/N] ").types("yes\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(0));
    assert!(shown.contains("\r\x1b[KEncrypting  3 of 3 days  ████████████████████████\r\x1b[K"), "{shown:?}");
}

#[test]
fn the_last_key_stays() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::ListKeys(reply) => drop(reply.send(Ok(vec![keys().remove(0)]))),
        VaultRequest::RemoveKey(_, reply) => drop(reply.send(Ok(work(&done("remove-key", ""))))),
        other => usual(other),
    });
    let end = place.run(&["key", "remove", "0", "--yes"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: key 0 (keyfile) is the only one: without it nothing could be read again; add another first: `dwell key add passphrase`");
}
