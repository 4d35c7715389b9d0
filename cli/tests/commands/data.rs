//! `dwell import` and `dwell sql`: data in, and questions about it.

use std::sync::mpsc;

use dwell_bus::{Failure, Kind, Request, VaultRequest};

use crate::caretaker::{caring, done, secret, usual as usual_care, work};
use crate::daemon::{FakeDaemon, SPAN, filled, timeline, usual};
use crate::place::Place;
use crate::terminal::Dialog;

const WINDOWS: &str = r#"{"buckets":{"aw-watcher-window_lab":{"id":"aw-watcher-window_lab","type":"currentwindow","hostname":"lab","events":[
{"timestamp":"2026-11-02T10:00:00+00:00","duration":60,"data":{"app":"code","title":"secret"}},
{"timestamp":"2026-11-02T09:59:00.000Z","duration":120.5,"data":{"app":"firefox","title":"secret"}},
{"timestamp":"1970-01-01T00:00:00Z","duration":5,"data":{"app":"code"}},
{"timestamp":"2026-11-02T10:01:00Z","duration":-5,"data":{"app":"code"}},
{"timestamp":"2100-01-01T00:00:00Z","duration":5,"data":{"app":"code"}}]},
"aw-watcher-vim_lab":{"type":"app.editor.activity","events":[{"deep":[[[[]]]]},7]}}}"#;
const REST: &str = r#"{"buckets":{"aw-watcher-afk_lab":{"events":[{"timestamp":"2026-11-02T09:59:10Z","duration":80,"data":{"status":"not-afk"}}],"type":"afkstatus"},
"aw-watcher-web-firefox_lab":{"type":"web.tab.current","events":[
{"timestamp":"2026-11-02T09:59:20Z","duration":10,"data":{"url":"https://user@www.example.co.uk:8443/secret?x","title":"secret","incognito":false}},
{"timestamp":"2026-11-02T09:59:40Z","duration":5,"data":{"url":"https://hidden.example/secret","incognito":true}}]}}}"#;

fn files(place: &Place) -> [String; 2] {
    [("windows.json", WINDOWS), ("rest.json", REST)].map(|(name, text)| {
        let path = place.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[test]
fn what_is_given_to_the_daemon_holds_programs_and_sites_and_no_more() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = caring(&place, move |request| match request {
        VaultRequest::Import(spans, dry_run, reply) => {
            give.send((secret(spans), dry_run)).unwrap();
            let more = r#","days":1,"spans":3,"seconds":80,"ends":["2026-11-02","2026-11-02"],"left_out":{"later_seconds":7200}"#;
            drop(reply.send(Ok(work(&done("import", more)))));
        }
        other => usual_care(other),
    });
    let [windows, rest] = files(&place);
    let end = place.run(&["import", "activitywatch", &windows, &rest, "--dry-run"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @r#"
    Would take: 1m 20s of 1 day (2026-11-02), in 3 spans
    Left out: 40s while nobody was there; 1m of two windows at once, where the later
      one counts; 2h of days that are not over; 3 events with a time that cannot
      have been; 1 event of private windows; 2 events of a bucket of the type
      app.editor.activity
    Read: 5 window events, 1 afk event and 2 web events; titles and addresses were
      not looked at
    Nothing has changed
    "#);
    let (given, dry_run) = take.recv().unwrap();
    assert!(dry_run && !given.contains("secret") && !given.contains("lab") && !given.contains("hidden"));
    insta::assert_snapshot!(given, @r#"
    {"at":1793613550000,"ms":10000,"app":"firefox"}
    {"at":1793613560000,"ms":10000,"app":"firefox","domain":"example.co.uk"}
    {"at":1793613570000,"ms":30000,"app":"firefox"}
    {"at":1793613600000,"ms":30000,"app":"code"}
    {"schema":"dwell.end/1","spans":4,"damaged":[]}
    "#);
    let end = place.run(&["import", "activitywatch", &windows, &rest, "--json", "--yes"]);
    insta::assert_snapshot!(end.out, @r#"{"schema":"dwell.import/1","dry_run":false,"days":1,"from":"2026-11-02","to":"2026-11-02","spans":3,"seconds":80,"left_out":{"known_seconds":0,"away_seconds":40,"overlapping_seconds":61,"later_seconds":7200,"unread_seconds":0,"expired_seconds":0},"events":{"window":5,"afk":1,"web":2,"impossible":3,"incognito":1,"other_hosts":0,"unknown":[{"type":"app.editor.activity","events":2}]}}"#);
    assert_eq!([take.recv().unwrap(), take.recv().unwrap()], [(given.clone(), true), (given, false)]);
    // Elsewhere than on a terminal it is asked for beforehand.
    let end = place.run(&["import", "activitywatch", &windows, &rest]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: nobody can be asked here whether to take this in; add --yes if it is meant");
    assert!(take.recv().unwrap().1 && take.try_recv().is_err());
    let mut dialog = Dialog::start(&mut place.command(&["import", "activitywatch", &windows, &rest]));
    dialog.until("[y/N] ").types("n\n");
    let (code, shown) = dialog.end();
    assert!(code == Some(1) && shown.contains("2h of days that are not over"), "{shown}");
    assert!(take.recv().unwrap().1 && take.try_recv().is_err());
    // Ctrl-C, which long work listens for, is heard at the question as well.
    let mut dialog = Dialog::start(&mut place.command(&["import", "activitywatch", &windows, &rest]));
    dialog.until("[y/N] ").signal(rustix::process::Signal::INT);
    let (code, shown) = dialog.end();
    assert!(code == Some(1) && shown.contains("stopped: nothing has changed"), "{shown}");
    assert!(take.recv().unwrap().1 && take.try_recv().is_err());
}

#[test]
fn a_file_that_is_none_says_where_and_nothing_is_taken() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::Import(..) => panic!("it was given"),
        other => usual_care(other),
    });
    let path = place.path("bad.json");
    let name = path.to_str().unwrap().to_owned();
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let end = place.run(&["import", "activitywatch", &name, "--yes"]);
        assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{text:.80}");
        end.complaint().replace(&name, "FILE").to_owned()
    };
    let event =
        |event: &str| format!("{{\"buckets\":{{\"w\":{{\"type\":\"currentwindow\",\"events\":[\n{event}");
    insta::assert_snapshot!(refused(""), @"dwell: FILE is empty; export all buckets in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused("PK\x03\x04"), @"dwell: FILE is compressed; unpack it first, with unzip; nothing was taken");
    insta::assert_snapshot!(refused("SQLite format 3\0"), @"dwell: FILE is a database and no export; export all buckets in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused("{}"), @r#"dwell: FILE is no export of ActivityWatch: it has no "buckets"; export it anew in ActivityWatch, under Raw Data; nothing was taken"#);
    insta::assert_snapshot!(refused(&WINDOWS[..400]), @"dwell: FILE is no export of ActivityWatch: EOF while parsing a value at line 5 column 13; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused(&format!("{WINDOWS} x")), @"dwell: FILE is no export of ActivityWatch: trailing characters at line 7 column 86; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused(&event("{\"timestamp\":\"yesterday\",\"duration\":5}]}}}")), @r#"dwell: FILE is no export of ActivityWatch: an event has no instant that can be read as its "timestamp" at line 2 column 39; export it anew in ActivityWatch, under Raw Data; nothing was taken"#);
    insta::assert_snapshot!(refused(&event("{\"duration\":5}]}}}")), @"dwell: FILE is no export of ActivityWatch: missing field `timestamp` at line 2 column 14; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused(&event("{\"timestamp\":\"2026-11-02T10:01:00Z\",\"duration\":1e999}]}}}")), @"dwell: FILE is no export of ActivityWatch: number out of range at line 2 column 53; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused(&event(&"[".repeat(100_000))), @"dwell: FILE is no export of ActivityWatch: EOF while parsing a list at line 2 column 100000; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused(&format!("{{\"x\":{}", "[".repeat(100_000))), @"dwell: FILE is no export of ActivityWatch: EOF while parsing a list at line 1 column 100005; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused(&event(&format!("{{\"data\":{{\"title\":\"{}", "x".repeat(5 << 20)))), @"dwell: FILE is no export of ActivityWatch: one event, or what stands between two, is longer than 4 MiB at line 2 column 4194253; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    insta::assert_snapshot!(refused("{\"buckets\":{\"w\":{\"events\":[],\"type\":\"currentwindow\"}}}"), @"dwell: FILE is no export of ActivityWatch: a bucket says its type after its events at line 1 column 52; export it anew in ActivityWatch, under Raw Data; nothing was taken");
    let end = place.run(&["import", "activitywatch", "/nonexistent.json", "--yes"]);
    assert_eq!(end.code, Some(1));
    insta::assert_snapshot!(end.complaint(), @"dwell: /nonexistent.json cannot be read: No such file or directory; check the path and its permissions; nothing was taken");
    assert_eq!(place.run(&["import", "activitywatch", place.path("").to_str().unwrap()]).code, Some(1));
    std::fs::write(&path, "{\"buckets\":{}}").unwrap();
    assert_eq!(place.run(&["import", "activitywatch", &name]).code, Some(3));
}

/// Two machines in one export, each with somebody there for a time of its own; and an extension that did not know where
/// it ran.
const HOSTS: &str = r#"{"buckets":{
"aw-watcher-window_lab":{"events":[{"timestamp":"2026-11-02T10:00:00Z","duration":60,"data":{"app":"firefox"}}],"hostname":"lab","type":"currentwindow"},
"aw-watcher-window_den":{"type":"currentwindow","hostname":"den","events":[{"timestamp":"2026-11-02T10:00:30Z","duration":60,"data":{"app":"code"}}]},
"aw-watcher-afk_lab":{"type":"afkstatus","events":[{"timestamp":"2026-11-02T10:00:10Z","duration":99,"data":{"status":"not-afk"}}]},
"aw-watcher-afk_den":{"type":"afkstatus","hostname":"den","events":[]},
"aw-watcher-web-firefox":{"type":"web.tab.current","hostname":"unknown","events":[{"timestamp":"2026-11-02T10:00:50Z","duration":99,"data":{"url":"https://example.org"}}]},
"aw-watcher-web-chrome_old":{"type":"web.tab.current","hostname":"old","events":null}}}"#;

#[test]
fn of_several_hosts_one_is_taken() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = caring(&place, move |request| match request {
        VaultRequest::Import(spans, _, reply) => {
            give.send(secret(spans)).unwrap();
            drop(reply.send(Ok(work(&done("import", "")))));
        }
        other => usual_care(other),
    });
    let path = place.path("hosts.json");
    // With the mark that some editors put there.
    std::fs::write(&path, format!("\u{feff}{HOSTS}")).unwrap();
    let path = path.to_str().unwrap();
    let end = place.run(&["import", "activitywatch", path, "--yes"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: these files hold buckets of 2 hosts: den and lab; take them in one by one, each with --host NAME; nothing was taken");
    let end = place.run(&["import", "activitywatch", path, "--host", "Lab", "--yes"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: these files hold nothing of the host Lab; they hold buckets of den and lab; nothing was taken");
    assert!(take.try_recv().is_err());
    let end = place.run(&["import", "activitywatch", path, "--host", "lab", "--dry-run"]);
    insta::assert_snapshot!(end.out, @"
    Would take: nothing
    Left out: 10s while nobody was there; 1 event of other hosts
    Read: 2 window events, 1 afk event and 1 web event; titles and addresses were
      not looked at
    Nothing has changed
    ");
    insta::assert_snapshot!(take.recv().unwrap(), @r#"
    {"at":1793613610000,"ms":40000,"app":"firefox"}
    {"at":1793613650000,"ms":10000,"app":"firefox","domain":"example.org"}
    {"schema":"dwell.end/1","spans":2,"damaged":[]}
    "#);
    // Nobody was at the other one.
    let end = place.run(&["import", "activitywatch", path, "--host", "den", "--dry-run"]);
    assert!(end.out.contains("1m while nobody was there"), "{}", end.out);
    assert!(!take.recv().unwrap().contains("code"));
}

#[test]
fn a_refusal_of_the_daemon_is_told() {
    let place = Place::with_empty_bus();
    let _daemon = caring(&place, |request| match request {
        VaultRequest::Import(_, _, reply) => {
            drop(
                reply.send(Err(Failure::new(Kind::Locked, "the vault is locked").hint("dwell vault unlock"))),
            );
        }
        other => usual_care(other),
    });
    let [windows, rest] = files(&place);
    let end = place.run(&["import", "activitywatch", &windows, &rest, "--yes"]);
    assert_eq!((end.code, end.out.as_str()), (Some(4), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: the vault is locked; dwell vault unlock");
}

#[test]
fn a_query_in_every_form() {
    let place = Place::with_empty_bus();
    let daemon = FakeDaemon::usual(&place);
    let query =
        "SELECT app, count(*) AS n, sum(seconds), start AS n, NULL, 1.5, x'ff' FROM spans GROUP BY app";
    let end = place.run(&["sql", query]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @r#"
    app      n  sum(seconds)  n_2                            NULL  1.5  x'ff'
    ───────  ─  ────────────  ─────────────────────────────  ────  ───  ─────
    firefox  2           181  2026-11-21T21:40:00.000+02:00        1.5  ff
    "#);
    insta::assert_snapshot!(place.run(&["sql", query, "today", "--json"]).out, @r#"
    {"schema":"dwell.sql/1","columns":["app","n","sum(seconds)","n_2","NULL","1.5","x'ff'"],"rows":[["firefox",2,181,"2026-11-21T21:40:00.000+02:00",null,1.5,"ff"]]}
    "#);
    let document = place.run(&["sql", query, "--format", "json"]).out;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["columns"][3], "n_2");
    insta::assert_snapshot!(place.run(&["sql", query, "--format", "ndjson"]).out, @r#"{"app":"firefox","n":2,"sum(seconds)":181,"n_2":"2026-11-21T21:40:00.000+02:00","NULL":null,"1.5":1.5,"x'ff'":"ff"}"#);
    insta::assert_snapshot!(place.run(&["sql", query, "--format", "csv"]).out, @"
    app,n,sum(seconds),n_2,NULL,1.5,x'ff'
    firefox,2,181,2026-11-21T21:40:00.000+02:00,,1.5,ff
    ");
    let narrow = place.command(&["sql", "SELECT * FROM spans"]).env("COLUMNS", "60").output().unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    // A result that never ends has a reader that does.
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    let mut run = place.command(&["sql", endless]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(run.stdout.take().unwrap()), &mut line).unwrap();
    assert_eq!((line.as_str(), run.wait().unwrap().code()), ("   x\n", Some(0)));
    // A mistake is told before the daemon is asked; what only the rows tell, after.
    drop(daemon);
    let end = place.run(&["sql", "SELECT ap FROM spans", "--json"]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    insta::assert_snapshot!(end.complaint(), @r#"{"schema":"dwell.error/1","kind":"invalid","message":"the query is wrong: no such column: ap (character 8)","hint":"the table is spans(start, end, seconds, app, name, domain, category, kind)"}"#);
    assert_eq!(place.run(&["sql", "SELECT 1"]).code, Some(5));
}

#[test]
fn a_query_over_nothing_is_no_data() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::Spans(period, reply) => {
            let spans: &[&str] = if period == "today" { &[] } else { &[SPAN] };
            drop(reply.send(Ok(timeline(spans))));
        }
        other => usual(other),
    });
    let end = place.run(&["sql", "SELECT count(*) FROM spans"]);
    assert_eq!((end.code, end.out.as_str()), (Some(3), ""));
    let end = place.run(&[
        "sql",
        "SELECT count(*) AS n, abs(-9223372036854775807 - n) FROM (SELECT 1 AS n)",
        "all",
    ]);
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
}

#[test]
fn a_query_over_what_can_be_read_tells_what_cannot() {
    for (lack, code, told) in [
        (
            r#""damaged":["2026-11-20"]"#,
            1,
            "dwell: records are damaged, and spans missing, of 2026-11-20; what can be read is there; see `dwell doctor`",
        ),
        (
            r#""damaged":[],"sealed_seconds":60,"sealed":["2026-11-20"]"#,
            4,
            "dwell: 1m of 2026-11-20 are locked away in the vault; dwell vault unlock",
        ),
    ] {
        let place = Place::with_empty_bus();
        let _daemon = FakeDaemon::start(&place, move |request| match request {
            Request::Spans(_, reply) => {
                let end = format!("{{\"schema\":\"dwell.end/1\",\"spans\":1,{lack}}}");
                drop(reply.send(Ok(filled(&[SPAN, &end]))));
            }
            other => usual(other),
        });
        let end = place.run(&["sql", "SELECT count(*) AS n FROM spans", "--format", "csv"]);
        assert_eq!((end.code, end.out.as_str(), end.complaint()), (Some(code), "n\n1\n", told));
    }
}

#[test]
fn an_error_among_the_rows_leaves_a_whole_document() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3) \
                 SELECT CASE x WHEN 3 THEN abs(-9223372036854775807 - 1) ELSE x END AS x FROM n";
    let end = place.run(&["sql", query, "--json"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.out, @r#"{"schema":"dwell.sql/1","columns":["x"],"rows":[[1],[2]],"error":"integer overflow"}"#);
}
