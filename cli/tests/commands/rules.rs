//! The rules as text: out, in, and through an editor.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;

use dwell_bus::Request;

use crate::daemon::{FakeDaemon, usual};
use crate::keys::with_input;
use crate::place::{Outcome, Place};
use crate::rulekeeper::RULES;
use crate::terminal::Dialog;

#[test]
fn rules_go_out() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    assert_eq!(place.run(&["rules", "export"]).out, RULES);
    assert_eq!(place.run(&["rules", "export", "-"]).out, RULES);
    assert_eq!(place.run(&["rules", "export", "--json"]).document()["text"], RULES);
    let file = place.path("mine.toml");
    let name = file.to_str().unwrap();
    let end = place.run(&["rules", "export", name]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), RULES);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let end = place.run(&["rules", "export", name]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint().replace(name, "FILE"), @"dwell: FILE exists already; name another file");
    assert_eq!(place.run(&["rules", "export", "/nonexistent/x"]).code, Some(1));
}

#[test]
fn a_check_tells_and_changes_nothing() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::ImportRules(..) => panic!("it was taken"),
        other => usual(other),
    });
    let check = |text: &str| with_input(&place, &["rules", "check", "-"], text.as_bytes());
    insta::assert_snapshot!(check("").out, @"The rules stay as they are (2 rules)");
    insta::assert_snapshot!(check("# tighter").out, @"
    Stricter (2 rules)
      app:firefox: 30m a day → 15m a day
    Mind: rule b never acts: rule a is stricter
    ");
    insta::assert_snapshot!(check("# looser").out, @"
    Looser: it would wait 18h with the machine on (2 rules)
      app:firefox: 30m a day → 45m a day
    ");
    // The daemon may know of more that is wrong than this program.
    let end = check("# wrong");
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: standard input: line 3, column 9: "tagret" is no key of a rule; did you mean "target"?"#);
    let file = place.path("mine.toml");
    std::fs::write(&file, "# wrong").unwrap();
    let end = place.run(&["rules", "check", file.to_str().unwrap(), "--json"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint().replace(file.to_str().unwrap(), "FILE"), @r#"{"schema":"dwell.error/1","kind":"invalid","message":"FILE: line 3, column 9: \"tagret\" is no key of a rule","hint":"did you mean \"target\"?"}"#);
    let json = with_input(&place, &["rules", "check", "-", "--json"], b"# tighter");
    insta::assert_snapshot!(json.out, @r#"{"schema":"dwell.change/1","is":"tighter","applied":false,"pending":null,"lines":["app:firefox: 30m a day → 15m a day"],"warnings":["rule b never acts: rule a is stricter"],"rules":2}"#);
    for bad in [&b"\xff"[..], &[b'a'; (256 << 10) + 1]] {
        assert_eq!(with_input(&place, &["rules", "check", "-"], bad).code, Some(2));
    }
}

#[test]
fn rules_come_in() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let import = |text: &str| with_input(&place, &["rules", "import", "-"], text.as_bytes());
    insta::assert_snapshot!(import("tighter").out, @"
    2 rules now
      app:firefox: 30m a day → 15m a day
    Mind: rule b never acts: rule a is stricter
    ");
    insta::assert_snapshot!(import("").out, @"Nothing changes: it is so already");
    insta::assert_snapshot!(import("looser").out, @"
      app:firefox: 30m a day → 45m a day
    Waits 18h with the machine on, then: `dwell limit confirm p1`. Give it up with
      `dwell limit cancel p1`
    ");
    assert_eq!(import("wrong").code, Some(2));
    let end = place.run(&["rules", "import", "/nonexistent"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: /nonexistent cannot be read: No such file or directory; name a file of rules");
    // Nothing at all is more often a slip than meant.
    {
        let place = Place::with_empty_bus();
        let _daemon = crate::rulekeeper::keeping(&place, |request| match request {
            Request::CheckRules(_, reply) => {
                drop(reply.send(Ok(crate::rulekeeper::emptied(false))));
                None
            }
            Request::ImportRules(_, reply) => {
                drop(reply.send(Ok(crate::rulekeeper::emptied(true))));
                None
            }
            other => Some(other),
        });
        let end = with_input(&place, &["rules", "import", "-"], b"# no rule");
        assert_eq!(end.code, Some(2));
        insta::assert_snapshot!(end.complaint(), @"dwell: nobody can be asked here whether to remove all rules; add --yes if it is meant");
        assert_eq!(with_input(&place, &["rules", "import", "-", "--yes"], b"# no rule").code, Some(0));
    }
    // On a terminal it is asked about first.
    let file = place.path("mine.toml");
    std::fs::write(&file, "looser").unwrap();
    let file = file.to_str().unwrap();
    let mut dialog = Dialog::start(&mut place.command(&["rules", "import", file]));
    dialog.until("Looser: it would wait").until("[y/N] ").types("n\n").until("nothing has changed");
    assert_eq!(dialog.end().0, Some(1));
    let (code, shown) = Dialog::start(&mut place.command(&["rules", "import", file, "--yes"])).end();
    assert!(code == Some(0) && !shown.contains("[y/N]"), "{shown}");
}

/// A folder in memory, for the text that is edited. Gone when dropped.
struct Memory(tempfile::TempDir);

impl Memory {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("dwell-test").tempdir_in("/dev/shm").unwrap())
    }

    fn left(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

/// An editor that does what a script says to the file in `$1`, and `dwell rules edit` with it.
fn edit(place: &Place, memory: &Path, script: &str) -> Command {
    let editor = place.path("editor");
    std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = place.command(&["rules", "edit"]);
    command.env("EDITOR", editor).env("XDG_RUNTIME_DIR", memory).env("PATH", "/usr/bin:/bin");
    command
}

#[test]
fn rules_are_edited_in_memory_and_nothing_is_left() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = FakeDaemon::start(&place, move |request| {
        if let Request::ImportRules(text, _) = &request {
            give.send(text.clone()).unwrap();
        }
        usual(request);
    });
    let memory = Memory::new();
    let run = |script: &str| Outcome::of(&edit(&place, memory.0.path(), script).output().unwrap());
    let end = run("stat -c %a $(dirname $1) $1; cp $1 $1.swp; echo '# tighter' >> $1");
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    700
    600
    2 rules now
      app:firefox: 30m a day → 15m a day
    Mind: rule b never acts: rule a is stricter
    ");
    assert_eq!(take.recv().unwrap(), format!("{RULES}# tighter\n"));
    assert_eq!(memory.left(), [""; 0].map(PathBuf::from));
    insta::assert_snapshot!(run("true").out, @"Nothing was changed");
    let end = run("echo wrong >> $1");
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: line 3, column 9: "tagret" is no key of a rule; did you mean "target"?"#);
    let end = run("echo looser >> $1; exit 1");
    assert_eq!(end.code, Some(1));
    assert!(end.complaint().contains("ended with an error, and nothing has changed"), "{end:?}");
    assert_eq!(run("rm $1").code, Some(2));
    assert_eq!(memory.left(), [""; 0].map(PathBuf::from));
    assert!(take.try_recv().is_err(), "something else was taken");
}

#[test]
fn a_mistake_can_be_mended() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let memory = Memory::new();
    let twice = "if grep -q wrong $1; then sed -i s/wrong/looser/ $1; else echo wrong >> $1; fi";
    let mut dialog = Dialog::start(&mut edit(&place, memory.0.path(), twice));
    dialog.until("line 3, column 9").until("Edit again? [Y/n] ").types("\n");
    dialog.until("Looser: it would wait").until("[y/N] ").types("y\n").until("dwell limit confirm p1");
    assert_eq!(dialog.end().0, Some(0));
    assert!(memory.left().is_empty());
    let mut dialog = Dialog::start(&mut edit(&place, memory.0.path(), twice));
    dialog.until("Edit again? [Y/n] ").types("n\n").until("nothing has changed");
    assert_eq!(dialog.end().0, Some(1));
    assert!(memory.left().is_empty());
}

#[test]
fn signals_leave_nothing_behind() {
    use rustix::process::{Pid, Signal, kill_process};
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let memory = Memory::new();
    // At the question, and while the editor runs; there Ctrl-C is the editor's.
    for (script, shown, signal) in [
        ("echo wrong >> $1", "Edit again? [Y/n] ", Signal::INT),
        ("echo wrong >> $1", "Edit again? [Y/n] ", Signal::TERM),
        ("echo begun; read line", "begun", Signal::HUP),
    ] {
        let mut dialog = Dialog::start(&mut edit(&place, memory.0.path(), script));
        dialog.until(shown);
        assert_eq!(memory.left().len(), 1);
        let pid = Pid::from_raw(dialog.pid().cast_signed()).unwrap();
        if signal == Signal::HUP {
            kill_process(pid, Signal::INT).unwrap();
        }
        kill_process(pid, signal).unwrap();
        dialog.until("stopped: nothing has changed");
        // An editor may outlive us; it waits for a line.
        dialog.types("\n");
        assert_eq!(dialog.end().0, Some(1), "{signal:?}");
        assert!(memory.left().is_empty(), "{signal:?}");
    }
}

#[test]
fn rules_are_not_edited_on_a_disk() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let refused = |runtime: Option<&Path>| {
        let mut command = edit(&place, Path::new("/nowhere"), "echo tighter >> $1");
        match runtime {
            Some(runtime) => command.env("XDG_RUNTIME_DIR", runtime),
            None => command.env_remove("XDG_RUNTIME_DIR"),
        };
        let end = Outcome::of(&command.output().unwrap());
        assert_eq!(end.code, Some(1));
        end.complaint().to_owned()
    };
    insta::assert_snapshot!(refused(None), @"dwell: there is no safe place to edit in: XDG_RUNTIME_DIR is not set; take `dwell rules export FILE`, and `dwell rules import FILE`");
    insta::assert_snapshot!(refused(Some(Path::new("/nonexistent"))), @"dwell: there is no safe place to edit in: XDG_RUNTIME_DIR cannot be used: No such file or directory; take `dwell rules export FILE`, and `dwell rules import FILE`");
    // No test can be sure of a disk below a temporary folder; this one is none.
    insta::assert_snapshot!(refused(Some(Path::new("/proc"))), @"dwell: there is no safe place to edit in: XDG_RUNTIME_DIR is on a disk, and the rules are private; take `dwell rules export FILE`, and `dwell rules import FILE`");
}
