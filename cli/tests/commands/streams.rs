//! Streams: spans and events through a pipe, and readers that leave.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::mpsc;

use dwell_bus::{Request, wire};

use crate::daemon::{EVENT, FakeDaemon, SPAN, filled, report, timeline, usual};
use crate::place::{Outcome, Place};
use crate::terminal::{on_terminal, on_terminal_beside};

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
fn an_export_is_everything_that_the_timeline_has() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Spans(period, reply) => {
            give.send(period).unwrap();
            drop(reply.send(Ok(timeline(&[SPAN, SPAN]))));
        }
        other => usual(other),
    });
    let end = place.run(&["export"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    assert_eq!(end.out, format!("{SPAN}\n{SPAN}\n"));
    assert_eq!(take.recv().unwrap(), "today");
    assert_eq!(place.run(&["export", "week", "--json"]), end);
    assert_eq!(take.recv().unwrap(), "week");
    let end = place.run(&["export", "--format", "activitywatch", "--json"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
}

/// A timeline of these spans, to which something is missing.
fn lacking(spans: &[&str], lack: &str) -> OwnedFd {
    let end = format!("{{\"schema\":\"dwell.end/1\",\"spans\":{},{lack}}}", spans.len());
    filled(&[spans, &[end.as_str()]].concat())
}

const DAMAGED: &str = r#""damaged":["2026-11-19","2026-11-20"]"#;
const SEALED: &str = r#""damaged":[],"sealed_seconds":7380,"sealed":["2026-11-19"]"#;

#[test]
fn what_an_export_cannot_read_is_told_at_the_end_of_a_whole_document() {
    for (lack, code, told) in [
        (
            DAMAGED,
            1,
            "dwell: records are damaged, and spans missing, of 2026-11-19 to 2026-11-20; what can be read is there; see `dwell doctor`",
        ),
        (SEALED, 4, "dwell: 2h 03m of 2026-11-19 are locked away in the vault; dwell vault unlock"),
    ] {
        let place = Place::with_empty_bus();
        let _daemon = FakeDaemon::start(&place, move |request| match request {
            Request::Spans(period, reply) => {
                // Of that year there is nothing that can be read.
                let spans: &[&str] = if period.starts_with("2025") { &[] } else { &[SPAN] };
                drop(reply.send(Ok(lacking(spans, lack))));
            }
            Request::Report(query, reply) if query.period.as_deref() == Some("2025-01-01") => {
                let (from_at_ms, to_at_ms) = (1_735_696_800_000, 1_735_783_200_000);
                drop(reply.send(Ok(wire::Report { from_at_ms, to_at_ms, ..report(&query) })));
            }
            other => usual(other),
        });
        let end = place.run(&["export", "week", "--format", "activitywatch"]);
        assert_eq!((end.code, end.complaint()), (Some(code), told));
        let document: serde_json::Value = serde_json::from_str(&end.out).unwrap();
        let buckets = &document["buckets"];
        for (bucket, events) in [("window", 1), ("web", 0), ("afk", 1)] {
            let of = &buckets[format!("aw-watcher-{bucket}_dwell")]["events"];
            assert_eq!(of.as_array().unwrap().len(), events, "{bucket}: {}", end.out);
        }
        let end = place.run(&["export", "2025-01-01", "--format", "activitywatch"]);
        assert_eq!((end.code, end.complaint()), (Some(code), told));
        assert_eq!(end.out, "{\"buckets\":{}}\n");
        let identity = age::x25519::Identity::generate();
        let recipient = identity.to_public().to_string();
        let end = place.command(&["export", "--encrypt", &recipient]).output().unwrap();
        assert_eq!(end.status.code(), Some(code));
        assert_eq!(decrypted(&end.stdout, &identity).unwrap(), format!("{SPAN}\n"));
    }
}

#[test]
fn an_export_for_activitywatch_is_of_one_period_up_to_one_moment() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let mut asked = 0;
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Spans(period, reply) => {
            asked += 1;
            give.send(period).unwrap();
            // Meanwhile a private window is in front, and then another program.
            let going_on = SPAN.replace("21:40:00.000", "21:41:30.250").replace("\"focus\"", "\"private\"");
            let going_on = going_on.replace(
                "21:41:30.250+02:00\",\"seconds",
                &format!("21:4{}:00.000+02:00\",\"seconds", asked + 1),
            );
            let later = SPAN.replace("21:41:30.250", "21:59:00.000").replace("21:40:00.000", "21:50:00.000");
            let spans = [SPAN, &going_on, &later];
            drop(reply.send(Ok(timeline(&spans[..if asked == 1 { 2 } else { 3 }]))));
        }
        other => usual(other),
    });
    let end = place.run(&["export", "today", "--format", "activitywatch"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    let asked: Vec<String> = take.try_iter().collect();
    assert_eq!(asked, ["2026-11-21..2026-11-21"; 3]);
    let document: serde_json::Value = serde_json::from_str(&end.out).unwrap();
    let buckets = &document["buckets"];
    let seconds = |bucket: &str| {
        let events = &buckets[format!("aw-watcher-{bucket}_dwell")]["events"];
        events.as_array().unwrap().iter().map(|event| event["duration"].as_f64().unwrap()).sum::<f64>()
    };
    assert_eq!((seconds("window"), seconds("afk")), (120.0, 120.0), "{}", end.out);
    assert!(!end.out.contains("private") && !end.out.contains("\"incognito\":true"));
}

#[test]
fn a_long_export_shows_how_far_it_is() {
    let place = Place::with_empty_bus();
    let days: Vec<String> =
        (10..=21).map(|day| SPAN.replace("2026-11-21", &format!("2026-11-{day}"))).collect();
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Spans(_, reply) => {
            let spans: Vec<&str> = days.iter().map(String::as_str).collect();
            drop(reply.send(Ok(timeline(&spans))));
        }
        Request::Report(query, reply) => {
            let report = wire::Report { from_at_ms: 1_794_189_600_000, ..report(&query) };
            drop(reply.send(Ok(report)));
        }
        other => usual(other),
    });
    for format in ["ndjson", "activitywatch"] {
        let mut export = place.command(&["export", "all", "--format", format]);
        let shown = on_terminal_beside(&mut export, 80);
        assert!(
            shown.contains("Exporting  1 of 13 days") && shown.contains("Exporting  12 of 13 days"),
            "{shown:?}"
        );
        assert!(shown.ends_with("\r\u{1b}[K"), "it is wiped: {shown:?}");
        // Where the export itself is on the screen there is no place for it.
        let shown = on_terminal(&mut place.command(&["export", "all", "--format", format]), 80);
        assert!(!shown.contains("Exporting"), "{shown}");
        let shown =
            on_terminal_beside(&mut place.command(&["export", "all", "--quiet", "--format", format]), 80);
        assert_eq!(shown, "");
    }
}

fn decrypted(bytes: &[u8], by: &age::x25519::Identity) -> Result<String, String> {
    let mut text = String::new();
    let keys = std::iter::once(by as &dyn age::Identity);
    let mut reader = age::Decryptor::new(bytes).unwrap().decrypt(keys).map_err(|why| why.to_string())?;
    reader.read_to_string(&mut text).map(|_| text).map_err(|why| why.to_string())
}

#[test]
fn an_export_can_be_for_one_reader_alone() {
    let whole = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&whole, |request| match request {
        Request::Spans(_, reply) => drop(reply.send(Ok(timeline(&[SPAN, SPAN])))),
        other => usual(other),
    });
    let cut = Place::with_empty_bus();
    let _other = FakeDaemon::start(&cut, |request| match request {
        Request::Spans(_, reply) => drop(reply.send(Ok(filled(&[SPAN])))),
        other => usual(other),
    });
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let exported = |place: &Place| place.command(&["export", "--encrypt", &recipient]).output().unwrap();
    let end = exported(&whole);
    assert_eq!(end.status.code(), Some(0));
    assert_eq!(decrypted(&end.stdout, &identity).unwrap(), format!("{SPAN}\n{SPAN}\n"));
    decrypted(&end.stdout, &age::x25519::Identity::generate()).unwrap_err();
    // Cut off, it does not look whole.
    let end = exported(&cut);
    assert_eq!(end.status.code(), Some(1));
    decrypted(&end.stdout, &identity).unwrap_err();
    let end = whole.run(&["export", "--encrypt", "age1nobody"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: "age1nobody" is no recipient of age; it begins with age1; age-keygen makes one"#);
}

#[test]
fn an_export_for_activitywatch_has_buckets_without_titles_and_host() {
    let place = Place::with_empty_bus();
    let line = |from: &str, to: &str, app: &str, domain: &str, kind: &str| {
        format!(
            r#"{{"schema":"dwell.span/1","start":"2026-11-21T{from}+02:00","end":"2026-11-21T{to}+02:00","seconds":90,"app":{app},"name":"Name","domain":{domain},"category":null,"kind":"{kind}"}}"#
        )
    };
    let spans = [
        line("21:40:00.000", "21:41:30.250", "\"firefox\"", "\"example.org\"", "focus"),
        line("21:41:30.250", "21:42:00.000", "\"firefox\"", "null", "private"),
        line("21:41:30.250", "21:42:00.000", "\"radio\"", "null", "audible"),
        line("21:42:00.000", "21:50:00.000", "null", "null", "unobserved"),
        line("21:50:00.000", "21:51:00.000", "\"code\"", "null", "focus"),
    ];
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Spans(_, reply) => {
            let lines: Vec<&str> = spans.iter().map(String::as_str).collect();
            drop(reply.send(Ok(timeline(&lines))));
        }
        other => usual(other),
    });
    let end = place.run(&["export", "--format", "activitywatch"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @r#"
    {"buckets":{"aw-watcher-window_dwell":{"id":"aw-watcher-window_dwell","type":"currentwindow","client":"dwell","hostname":"dwell","created":"2026-11-21T21:40:00.000+02:00","data":{},"events":[
    {"timestamp":"2026-11-21T21:40:00.000+02:00","duration":90.25,"data":{"app":"firefox","title":""}},
    {"timestamp":"2026-11-21T21:41:30.250+02:00","duration":29.75,"data":{"app":"firefox","title":""}},
    {"timestamp":"2026-11-21T21:50:00.000+02:00","duration":60.0,"data":{"app":"code","title":""}}]},
    "aw-watcher-web_dwell":{"id":"aw-watcher-web_dwell","type":"web.tab.current","client":"dwell","hostname":"dwell","created":"2026-11-21T21:40:00.000+02:00","data":{},"events":[
    {"timestamp":"2026-11-21T21:40:00.000+02:00","duration":90.25,"data":{"url":"https://example.org/","title":"","audible":false,"incognito":false}}]},
    "aw-watcher-afk_dwell":{"id":"aw-watcher-afk_dwell","type":"afkstatus","client":"dwell","hostname":"dwell","created":"2026-11-21T21:40:00.000+02:00","data":{},"events":[
    {"timestamp":"2026-11-21T21:40:00.000+02:00","duration":120.0,"data":{"status":"not-afk"}},
    {"timestamp":"2026-11-21T21:50:00.000+02:00","duration":60.0,"data":{"status":"not-afk"}}]}}}
    "#);
    let document: serde_json::Value = serde_json::from_str(&end.out).unwrap();
    assert_eq!(document["buckets"].as_object().unwrap().len(), 3);
}

#[test]
fn an_export_of_nothing_is_still_a_document() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::Spans(_, reply) => drop(reply.send(Ok(timeline(&[])))),
        other => usual(other),
    });
    let end = place.run(&["export", "--format", "activitywatch"]);
    assert_eq!((end.code, end.out.as_str()), (Some(3), "{\"buckets\":{}}\n"));
    insta::assert_snapshot!(end.complaint(), @"dwell: nothing is recorded for today; `dwell doctor` tells whether everything is seen");
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
    insta::assert_snapshot!(end.complaint(), @r#"{"schema":"dwell.error/1","kind":"no-data","message":"nothing is recorded for last week","hint":"`dwell doctor` tells whether everything is seen"}"#);
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
    insta::assert_snapshot!(end.complaint(), @"dwell: the daemon ended the stream: it was started anew, or this reader was too slow; say it again; what happened meanwhile is in `dwell spans`");
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
fn a_daemon_that_stops_under_a_watch_is_told_with_how_to_start_it() {
    let place = Place::with_empty_bus();
    let (daemon, stream) = watching(&place);
    let mut watch = place.command(&["watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut events = stream.recv().unwrap();
    // What it says of this tells that it has its answer, and follows. A reader that left would end it as well.
    let mut out = BufReader::new(watch.stdout.take().unwrap());
    writeln!(events, "{EVENT}").unwrap();
    out.read_line(&mut String::new()).unwrap();
    drop(daemon);
    drop(events);
    let end = Outcome::of(&watch.wait_with_output().unwrap());
    assert_eq!(end.code, Some(5));
    insta::assert_snapshot!(end.complaint(), @"dwell: the daemon ended the stream: it stopped; start it with `systemctl --user start dwelld`, or without systemd with `dwelld`");
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
