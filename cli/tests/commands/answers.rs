//! What a healthy daemon answers reaches the person and the script.

use std::process::Command;

use crate::daemon::FakeDaemon;
use crate::place::{Outcome, Place};
use crate::terminal::on_terminal;

fn run(arguments: &[&str]) -> Outcome {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    place.run(arguments)
}

#[test]
fn status_is_what_dwell_alone_shows() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let alone = place.run(&[]);
    assert_eq!(alone, place.run(&["status"]));
    assert_eq!((alone.code, alone.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(alone.out, @"
    Firefox  since 22:04, 1m

    Today 30m
      firefox  30m  ████████████████████████

    Limits
      app:firefox  ████████  30m of 30m  opens again at 04:00
    ");
    assert_eq!(place.run(&["--json"]).document()["schema"], "dwell.status/1");
    assert_eq!(place.run(&["status", "--format", "waybar"]).document()["class"], "blocked");
    assert_eq!(place.run(&["status", "--format", "i3"]).document()["short_text"], "30m");
    assert_eq!(place.run(&["status", "--json", "--format", "plain"]).code, Some(2));
}

#[test]
fn a_report_in_every_form() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let table = place.run(&["report"]);
    assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(table.out, @"
    2026-11-21, by app

      firefox  30m  100%  1 visit  ██████████████████████████████
      code      0s   <1%  1 visit  ▏
      xterm     0s   <1%  1 visit  ▏
      Total    30m
    ");
    let json = place.run(&["report", "--json"]);
    assert_eq!(json, place.run(&["report", "--format", "json"]));
    let document = json.document();
    let seconds: u64 =
        document["rows"].as_array().unwrap().iter().map(|row| row["seconds"].as_u64().unwrap()).sum();
    assert_eq!(Some(seconds), document["total_seconds"].as_u64());
    for (form, lines) in [("csv", 4), ("md", 5), ("ndjson", 3)] {
        let end = place.run(&["report", "--format", form]);
        assert_eq!((end.code, end.out.lines().count()), (Some(0), lines), "{form}");
    }
    assert_eq!(place.run(&["report", "--json", "--format", "ndjson"]).out.lines().count(), 3);
    let end = place.run(&["report", "--json", "--format", "csv"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.err, @r#"{"schema":"dwell.error/1","kind":"usage","message":"--json and --format csv do not go together","hint":"leave one out"}"#);
}

#[test]
fn a_comparison_is_asked_for_and_everything_has_none() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["report", "--compare", "--format", "csv"]);
    insta::assert_snapshot!(end.out, @"
    key,name,kind,category,seconds,share,opens,before_seconds
    firefox,firefox,focus,,1801,0.9996,1,600
    code,code,focus,,0,0.0002,1,0
    xterm,xterm,focus,,0,0.0002,1,0
    ");
    let end = place.run(&["report", "all", "--compare"]);
    insta::assert_snapshot!(end.err, @"dwell: --compare: nothing lies before all that is recorded; choose a period, like month or 30d");
    assert_eq!(end.code, Some(2));
}

#[test]
fn a_reports_question_reaches_the_daemon() {
    let end = run(&[
        "report",
        "7d",
        "--by",
        "day",
        "--app",
        "firefox",
        "--app",
        "code",
        "--domain",
        "Example.org",
        "--category",
        "video",
        "--not",
        "app:x",
        "--top",
        "3",
        "--format",
        "csv",
    ]);
    insta::assert_snapshot!(end.out, @"
    key,name,kind,category,seconds,share,opens
    firefox,firefox,focus,,1801,0.9996,1
    code,code,focus,,0,0.0002,1
    xterm,xterm,focus,,0,0.0002,1
    only app:firefox,only app:firefox,focus,,0,0.0000,1
    only app:code,only app:code,focus,,0,0.0000,1
    only domain:Example.org,only domain:Example.org,focus,,0,0.0000,1
    only category:video,only category:video,focus,,0,0.0000,1
    not app:x,not app:x,focus,,0,0.0000,1
    top 3,top 3,focus,,0,0.0000,1
    ");
}

#[test]
fn an_empty_report_is_kind() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["report", "yesterday"]);
    assert_eq!((end.code, end.out.as_str()), (Some(3), ""));
    insta::assert_snapshot!(end.err, @"dwell: nothing is recorded for yesterday; `dwell doctor` tells whether everything is seen");
    let end = place.run(&["report", "yesterday", "--json"]);
    assert_eq!(end, place.run(&["report", "yesterday", "--format", "json"]));
    assert_eq!(end.code, Some(3));
    assert_eq!(end.document()["rows"], serde_json::json!([]));
    insta::assert_snapshot!(end.complaint(), @r#"{"schema":"dwell.error/1","kind":"no-data","message":"nothing is recorded for yesterday","hint":"`dwell doctor` tells whether everything is seen"}"#);
}

#[test]
fn limits_are_made_shown_and_removed() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["limit", "set", "Firefox", "30m"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    app:firefox: 30m a day, warning 5m before, then its windows are minimised until
      04:00
    ");
    let end = place.run(&[
        "limit",
        "set",
        "app:x",
        "1h30m",
        "--per",
        "day",
        "--at-limit",
        "close",
        "--warn",
        "10m",
    ]);
    insta::assert_snapshot!(end.out, @"
    app:x: 1h 30m a day, warning 10m before, then its windows are asked to close
      until 04:00
    ");
    assert_eq!(place.run(&["limit", "set", "x", "0m", "--quiet"]).out, "");
    insta::assert_snapshot!(place.run(&["limit", "set", "x", "0m", "--warn", "0s"]).out, @"
    app:x: no time on any day; its windows are minimised
    Used 30m already, closed all day (this rule allows no time)
    ");
    insta::assert_snapshot!(place.run(&["limit", "set", "x", "20m", "--json"]).out, @r#"{"schema":"dwell.limits/1","limits":[{"id":"firefox","target":"app:x","used_seconds":0,"budget_seconds":1200,"left_seconds":1200,"verdict":"allowed","until":null,"per":"day","at_limit":"block","budget_opens":null,"used_opens":null,"days":null,"hours":null,"because":null,"strict":"cooling","except":[],"made_by":null,"snoozed_until":null,"snoozes_left":null,"suspended":false,"pending":null}]}"#);
    assert_eq!(place.run(&["limit"]), place.run(&["limit", "list"]));
    insta::assert_snapshot!(place.run(&["limit", "list"]).out, @"
    firefox  app:firefox  ████████  30m of 30m  opens again at 04:00
    code     app:code                0s of 30m  30m left
    ");
    insta::assert_snapshot!(place.run(&["limit", "show", "firefox"]).out, @"
    app:firefox: 30m a day, warning 5m before, then its windows are minimised until
      04:00
    Used 30m so far, opens again at 04:00
    Id: firefox
    ");
    insta::assert_snapshot!(place.run(&["limit", "remove", "firefox"]).out, @"Removed firefox");
    assert_eq!(place.run(&["limit", "remove", "firefox", "-q"]).out, "");
    let document = place.run(&["limit", "remove", "firefox", "--json"]).document();
    assert_eq!(
        (&document["schema"], &document["lines"][0]),
        (&"dwell.change/1".into(), &"removed: firefox (app:firefox)".into())
    );
}

#[test]
fn check_speaks_through_its_exit_code() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["check", "firefox"]);
    assert_eq!((end.code, end.err.as_str()), (Some(10), ""));
    assert_eq!(place.run(&["check", "code"]).code, Some(0));
    let quiet = place.run(&["check", "firefox", "--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (Some(10), "", ""));
    let json = place.run(&["check", "firefox", "--json"]);
    assert_eq!((json.code, &json.document()["verdict"]), (Some(10), &"blocked".into()));
}

#[test]
fn why_and_doctor() {
    let end = run(&["why", "firefox"]);
    assert_eq!(end.code, Some(0));
    assert!(end.out.starts_with("app:firefox is blocked until"), "{end:?}");
    let end = run(&["doctor"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    ✓ bus     reachable
    ✓ daemon  running
    ✓ unit    no systemd on this bus; the daemon was started without it
    ✓ focus   x11
    ✓ idle    x11

    All is well
    ");
}

#[test]
fn a_screen_fits_its_terminal() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let shown = on_terminal(place.command(&["status"]).env("NO_COLOR", "1"), 20);
    insta::assert_snapshot!(shown, @"
    Firefox
    since 22:04, 1m

    Today 30m
    firefox  30m

    Limits
    app:firefox
      30m of 30m
      opens again at
      04:00
    ");
    for command in [
        &["status"][..],
        &["report"],
        &["limit"],
        &["why", "firefox"],
        &["doctor"],
        &["limit", "show", "code"],
    ] {
        let shown = on_terminal(place.command(command).env("NO_COLOR", "1"), 20);
        for line in shown.lines() {
            assert!(line.chars().count() <= 20, "{command:?}: {line}");
        }
    }
    // Who says how wide it is, is believed.
    let output = place.command(&["status"]).env("COLUMNS", "20").output().unwrap();
    assert_eq!(Outcome::of(&output).out, shown);
}

#[test]
fn colours_only_where_they_are_welcome() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let colored =
        |command: &mut Command| on_terminal(command.env("TERM", "xterm-256color"), 80).contains('\x1b');
    assert!(colored(&mut place.command(&["status"])));
    assert!(colored(&mut place.command(&["--help"])));
    assert!(!colored(&mut place.command(&["status", "--no-color"])));
    assert!(!colored(&mut place.command(&["--help", "--no-color"])));
    assert!(!colored(place.command(&["report"]).env("NO_COLOR", "1")));
    assert!(!colored(&mut place.command(&["status", "--json"])));
    assert!(!on_terminal(place.command(&["status"]).env("TERM", "dumb"), 80).contains('\x1b'));
    let output = place.command(&["report"]).env("TERM", "xterm-256color").output().unwrap();
    assert!(!output.stdout.contains(&0x1b), "not a terminal");
}
