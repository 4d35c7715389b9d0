//! `dwell status --follow`: lines for bars, while the daemon comes and goes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use dwell_bus::{Request, wire};

use crate::daemon::{EVENT, FakeDaemon, status, usual};
use crate::place::{Outcome, Place};

/// A bar, which reads lines.
struct Bar {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Bar {
    fn start(place: &Place, format: &str) -> Self {
        let mut command = place.command(&["status", "--format", format, "--follow"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "cut off: {line:?}");
        line.trim_end().to_owned()
    }

    /// The bar goes away. How the command took it.
    fn leave(self) -> Outcome {
        drop(self.lines);
        Outcome::of(&self.child.wait_with_output().unwrap())
    }
}

#[test]
fn a_daemon_that_comes_and_goes_is_a_line_each_time() {
    let place = Place::with_empty_bus();
    let mut bar = Bar::start(&place, "waybar");
    insta::assert_snapshot!(bar.next(), @r#"{"text":"-","tooltip":"dwelld is not running\nsystemctl --user start dwelld","class":"away","percentage":0}"#);
    let daemon = FakeDaemon::usual(&place);
    assert!(bar.next().contains("\"text\":\"30m\""));
    drop(daemon);
    assert!(bar.next().contains("\"class\":\"away\""));
    let _daemon = FakeDaemon::usual(&place);
    // A question that was under way when the daemon went has an error of its own, which is one more line.
    let mut back = bar.next();
    if back.contains("\"class\":\"away\"") {
        back = bar.next();
    }
    assert!(back.contains("\"class\":\"blocked\""), "{back}");
    let end = bar.leave();
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
}

#[test]
fn every_change_is_a_line_and_no_line_comes_twice() {
    let place = Place::with_empty_bus();
    let (give, stream) = mpsc::channel();
    let shared = Arc::new(Mutex::new(wire::Status { state: "idle".into(), limits: vec![], ..status() }));
    let now = Arc::clone(&shared);
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Status(reply) => drop(reply.send(Ok(now.lock().unwrap().clone()))),
        Request::Watch(reply) => {
            let (read, write) = std::io::pipe().unwrap();
            let _ = give.send(write);
            drop(reply.send(Ok(read.into())));
        }
        other => usual(other),
    });
    let mut bar = Bar::start(&place, "line");
    assert_eq!(bar.next(), "30m");
    let mut events: std::io::PipeWriter = stream.recv().unwrap();
    for (minutes, line) in [(30, None), (31, Some("31m")), (31, None), (32, Some("32m"))] {
        shared.lock().unwrap().total_ms = minutes * 60_000;
        writeln!(events, "{EVENT}").unwrap();
        if let Some(line) = line {
            assert_eq!(bar.next(), line);
        }
    }
}

/// Nothing is told, and yet a minute of something in focus is a new line.
#[test]
fn minutes_go_by_without_events() {
    let place = Place::with_empty_bus();
    let mut minutes = 0;
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Status(reply) => {
            minutes += 1;
            // Nearly the next one.
            let status = wire::Status { total_ms: minutes * 60_000 - 50, limits: vec![], ..status() };
            drop(reply.send(Ok(status)));
        }
        other => usual(other),
    });
    let mut bar = Bar::start(&place, "i3");
    let seen: Vec<_> = (0..4).map(|_| bar.next()).collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    {"full_text":"0m","short_text":"0m","urgent":false}
    {"full_text":"1m","short_text":"1m","urgent":false}
    {"full_text":"2m","short_text":"2m","urgent":false}
    {"full_text":"3m","short_text":"3m","urgent":false}
    "#);
}

#[test]
fn a_bus_that_is_not_there_is_a_line_and_an_error() {
    let place = Place::without_bus();
    let end = place.run(&["status", "--format", "i3", "--follow"]);
    assert_eq!(end.code, Some(5));
    assert_eq!(end.out, "{\"full_text\":\"-\",\"short_text\":\"-\",\"urgent\":false}\n");
    assert!(end.complaint().starts_with("dwell: there is no session bus"), "{end:?}");
}

#[test]
fn what_is_for_people_is_not_followed() {
    let place = Place::without_bus();
    let end = place.run(&["status", "--follow"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: --follow goes with --format line, waybar, i3 or json, one line each; for people there is `dwell top`");
}
