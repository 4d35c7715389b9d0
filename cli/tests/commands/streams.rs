//! Streams: spans and events through a pipe, and readers that leave.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::sync::mpsc;

use dwell_bus::Request;

use crate::daemon::{EVENT, FakeDaemon, SPAN, filled, timeline, usual};
use crate::place::{Outcome, Place};

#[test]
fn spans_in_every_form() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["spans"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert_eq!(end.out, format!("{SPAN}\n{SPAN}\n"));
    assert_eq!(end, place.run(&["spans", "today", "--json"]));
    let array: serde_json::Value =
        serde_json::from_str(&place.run(&["spans", "--format", "json"]).out).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 2);
    insta::assert_snapshot!(place.run(&["spans", "--format", "csv"]).out, @"
    start,end,seconds,app,name,domain,category,kind
    2026-11-21T21:40:00.000+02:00,2026-11-21T21:41:30.250+02:00,90,firefox,Firefox,,,focus
    2026-11-21T21:40:00.000+02:00,2026-11-21T21:41:30.250+02:00,90,firefox,Firefox,,,focus
    ");
}

#[test]
fn no_spans_are_no_data() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::Spans(_, reply) => drop(reply.send(Ok(timeline(&[])))),
        other => usual(other),
    });
    let end = place.run(&["spans", "lastweek", "--format", "json"]);
    assert_eq!((end.code, end.out.as_str()), (Some(3), "[]\n"));
    insta::assert_snapshot!(end.complaint(), @r#"{"schema":"dwell.error/1","kind":"no-data","message":"nothing is recorded for lastweek","hint":"`dwell doctor` tells whether everything is seen"}"#);
}

#[test]
fn a_timeline_that_is_cut_off_is_a_failure() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::Spans(_, reply) => drop(reply.send(Ok(filled(&[SPAN, SPAN])))),
        other => usual(other),
    });
    let end = place.run(&["spans"]);
    assert_eq!((end.code, end.out.lines().count()), (Some(1), 2));
    insta::assert_snapshot!(end.complaint(), @"dwell: the timeline is cut off after 2 spans: the daemon stopped, or waited too long for this reader; say it again");
}

#[test]
fn watch_ends_with_the_daemon_and_says_so() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["watch"]);
    assert_eq!(end.code, Some(5));
    insta::assert_snapshot!(end.out, @"
    22:05:07  Firefox
    22:05:07  Firefox
    ");
    insta::assert_snapshot!(end.complaint(), @"dwell: the daemon ended the stream: it stopped, or this reader was too slow; start it with `systemctl --user start dwelld`, or without systemd with `dwelld`");
    let end = place.run(&["watch", "--json"]);
    assert_eq!(end.out, format!("{EVENT}\n{EVENT}\n"));
}

/// A daemon whose event stream stays open: its writing end goes to the test.
fn watching(place: &Place) -> (FakeDaemon, mpsc::Receiver<std::io::PipeWriter>) {
    let (give, take) = mpsc::channel();
    let daemon = FakeDaemon::start(place, move |request| match request {
        Request::Watch(reply) => {
            let (read, write) = std::io::pipe().unwrap();
            give.send(write).unwrap();
            drop(reply.send(Ok(read.into())));
        }
        other => usual(other),
    });
    (daemon, take)
}

#[test]
fn every_event_is_handed_on_at_once() {
    let place = Place::with_empty_bus();
    let (_daemon, stream) = watching(&place);
    let mut watch = place.command(&["watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut events = stream.recv().unwrap();
    let mut out = BufReader::new(watch.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(events, "{EVENT}").unwrap();
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), EVENT);
    }
    // Half a line is none.
    write!(events, "{{\"half").unwrap();
    drop(events);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert_eq!(watch.wait().unwrap().code(), Some(5));
}

#[test]
fn watch_leaves_with_its_reader_even_when_nothing_happens() {
    let place = Place::with_empty_bus();
    let (_daemon, stream) = watching(&place);
    let mut watch = place.command(&["watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _events = stream.recv().unwrap();
    drop(watch.stdout.take());
    let end = Outcome::of(&watch.wait_with_output().unwrap());
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
}

#[test]
fn an_interrupted_watch_is_quiet() {
    use std::os::unix::process::ExitStatusExt;
    let place = Place::with_empty_bus();
    let (_daemon, stream) = watching(&place);
    let watch = place.command(&["watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _events = stream.recv().unwrap();
    let pid = watch.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = watch.wait_with_output().unwrap();
    assert_eq!((output.status.signal(), output.stderr.len()), (Some(2), 0));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let place = Place::with_empty_bus();
    let many: Vec<&str> = std::iter::repeat_n(SPAN, 200).collect();
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Spans(_, reply) => drop(reply.send(Ok(timeline(&many)))),
        other => usual(other),
    });
    for (command, code) in [
        (&["spans"][..], 0),
        (&["spans", "--format", "csv"], 0),
        (&["report", "--format", "csv"], 0),
        (&["status"], 0),
        (&["check", "firefox"], 10),
        (&["--help"], 0),
        (&["completions", "bash"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(command).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(code), 0), "{command:?}: {output:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(&["report"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"dwell: the output could not be written: No space left on device");
}
