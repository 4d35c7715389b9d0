//! `dwell top` on a terminal: what it follows, and that the terminal is as it was on every way out.

use std::io::{PipeWriter, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};

use dwell_bus::{Request, wire};
use rustix::process::Signal;

use crate::daemon::{EVENT, FakeDaemon, status, usual};
use crate::place::Place;
use crate::terminal::Dialog;

/// Leaves the other screen and shows the cursor.
const GIVEN_BACK: &str = "\x1b[?1049l\x1b[?25h";

fn top(place: &Place) -> Command {
    let mut command = place.command(&["top"]);
    command.env("TERM", "xterm");
    command
}

/// A name of which no letter stands where another text has the same: only cells that change are drawn.
fn named(status: &Mutex<wire::Status>, name: &str) {
    let mut status = status.lock().unwrap();
    status.state = "active".into();
    status.active.as_mut().unwrap().name = name.into();
}

/// A daemon whose status a test changes, and whose stream of events a test writes.
fn changing(place: &Place) -> (FakeDaemon, Arc<Mutex<wire::Status>>, mpsc::Receiver<PipeWriter>) {
    let (give, take) = mpsc::channel();
    let shared = Arc::new(Mutex::new(wire::Status { state: "idle".into(), ..status() }));
    let now = Arc::clone(&shared);
    let daemon = FakeDaemon::start(place, move |request| match request {
        Request::Status(reply) => drop(reply.send(Ok(now.lock().unwrap().clone()))),
        Request::Watch(reply) => {
            let (read, write) = std::io::pipe().unwrap();
            // The test may be over.
            let _ = give.send(write);
            drop(reply.send(Ok(read.into())));
        }
        other => usual(other),
    });
    (daemon, shared, take)
}

#[test]
fn lists_change_with_keys_and_the_terminal_is_given_back() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let mut shown = Dialog::start(&mut top(&place));
    shown.until("\x1b[?1049h").until("Firefox").until("[1").until("xterm").until("quit");
    assert_ne!(shown.modes(), shown.modes_before(), "keys are read one by one");
    shown.types("\t").until("[2").types("4").until("[4").types("?").until("Keys").types("\x1b").until("4");
    shown.resize(30, 10).until("[4");
    shown.types("q").until(GIVEN_BACK);
    assert_eq!(shown.modes(), shown.modes_before());
    let (code, _) = shown.end();
    assert_eq!(code, Some(0));
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let ways: [fn(&mut Dialog) -> &mut Dialog; 6] = [
        |shown| shown.types("\x03"),
        |shown| shown.types("\x1b"),
        |shown| shown.signal(Signal::TERM),
        |shown| shown.signal(Signal::HUP),
        |shown| shown.signal(Signal::INT),
        |shown| shown.signal(Signal::QUIT),
    ];
    for (at, leave) in ways.iter().enumerate() {
        let mut shown = Dialog::start(&mut top(&place));
        shown.until("quit");
        leave(&mut shown);
        shown.until(GIVEN_BACK);
        assert_eq!(shown.modes(), shown.modes_before(), "{at}");
        assert_eq!(shown.end().0, Some(0), "{at}");
    }
}

#[test]
fn what_the_daemon_tells_is_shown() {
    let place = Place::with_empty_bus();
    let (_daemon, status, stream) = changing(&place);
    let mut shown = Dialog::start(&mut top(&place));
    // Nobody is there: nothing is asked until something happens.
    shown.until("Away").until("quit");
    let mut events = stream.recv().unwrap();
    named(&status, "ZZZZ");
    writeln!(events, "{EVENT}").unwrap();
    shown.until("ZZZZ");
    // From then on the clock runs, without a word from the daemon.
    named(&status, "QQQQ");
    shown.until("QQQQ").types("q");
    assert_eq!(shown.end().0, Some(0));
}

#[test]
fn a_daemon_may_go_and_come_back() {
    let place = Place::with_empty_bus();
    let daemon = FakeDaemon::usual(&place);
    let mut shown = Dialog::start(&mut top(&place));
    shown.until("Firefox").until("quit");
    drop(daemon);
    shown.until("reachable");
    let (_daemon, status, stream) = changing(&place);
    let mut events = stream.recv().unwrap();
    // The new one's stream is followed, too.
    named(&status, "ZZZZ");
    writeln!(events, "{EVENT}").unwrap();
    shown.until("ZZZZ").types("q");
    assert_eq!(shown.end().0, Some(0));
}

#[test]
fn keys_work_while_the_daemon_hangs() {
    let place = Place::with_empty_bus();
    let mut asked = 0;
    let mut kept = Vec::new();
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Status(reply) if asked > 0 => kept.push(reply),
        Request::Status(reply) => {
            asked += 1;
            drop(reply.send(Ok(status())));
        }
        other => usual(other),
    });
    let mut shown = Dialog::start(&mut top(&place));
    shown.until("quit").types("2").until("[2").types("q").until(GIVEN_BACK);
    assert_eq!(shown.end().0, Some(0));
}

#[test]
fn without_a_terminal_or_a_daemon_it_says_what_to_do() {
    let place = Place::with_empty_bus();
    insta::assert_snapshot!(place.run(&["top"]).complaint(), @"dwell: dwell top needs a terminal to draw on and to read keys from; use `dwell watch` for a stream of changes, or `dwell status`");
    assert_eq!(place.run(&["top"]).code, Some(2));
    insta::assert_snapshot!(place.run(&["top", "--json"]).complaint(), @r#"{"schema":"dwell.error/1","kind":"usage","message":"dwell top is for people, and has no --json","hint":"use `dwell watch` for a stream of changes, or `dwell status`"}"#);
    let (code, shown) = Dialog::start(top(&place).env("TERM", "dumb")).end();
    assert_eq!(code, Some(2));
    assert!(shown.contains("TERM is dumb") && shown.contains("dwell watch"), "{shown}");
    let (code, shown) = Dialog::start(&mut top(&place)).end();
    assert_eq!(code, Some(5));
    insta::assert_snapshot!(shown, @"dwell: the daemon is not running; start it with `systemctl --user start dwelld`, or without systemd with `dwelld`");
}
