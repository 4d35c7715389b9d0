//! What is in force beside the rules: snooze, downtime, focus, intentions, pause, exit and the reset week.

use std::sync::mpsc;

use dwell_bus::{Request, wire};

use crate::daemon::{FakeDaemon, MINUTE, limit, status, today, usual};
use crate::place::Place;
use crate::rulekeeper::{SENTENCE, keeping, standing};
use crate::terminal::Dialog;

#[test]
fn a_snooze_waits_and_takes_the_sentence() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["snooze", "firefox", "--sentence", SENTENCE]);
    assert_eq!(end.code, Some(0), "{end:?}");
    insta::assert_snapshot!(end.out, @"app:firefox is open until 04:00, 1 snooze left today");
    insta::assert_snapshot!(end.err, @"
    Firefox: 5m more, 2 snoozes left today with this one
    Wait: 1s
    ");
    let quiet = place.run(&["snooze", "quick", "--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (Some(0), "", ""));
    let document = place.run(&["snooze", "quick", "--json", "-q"]).document();
    assert!(document["limits"][0]["snoozed_until"].is_string(), "{document}");
    // Nobody can type it, and it is not waited for in vain.
    let end = place.run(&["snooze", "firefox"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: firefox asks for your sentence; type it on a terminal, or give it with --sentence");
    let end = place.run(&["snooze", "firefox", "-q", "--sentence", "please"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: that is another sentence; type it as it is shown");
    let end = place.run(&["snooze", "code"]);
    assert_eq!(end.code, Some(4));
    insta::assert_snapshot!(end.complaint(), @"dwell: nothing blocks app:code; see `dwell why app:code`");
}

#[test]
fn a_snooze_on_a_terminal_lets_one_type_again() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let mut dialog = Dialog::start(&mut place.command(&["snooze", "firefox"]));
    dialog.until("Firefox: 5m more").until("Your sentence: I would rather read").until("Wait: 1s");
    dialog.until("Type it: ").types("I would\n").until("that is another sentence").until("Type it: ");
    dialog.types(&format!("{SENTENCE}\n")).until("app:firefox is open until 04:00");
    assert_eq!(dialog.end().0, Some(0));
    let mut dialog = Dialog::start(&mut place.command(&["snooze", "firefox"]));
    dialog.until("Type it: ").types("\n").until("nothing has changed");
    assert_eq!(dialog.end().0, Some(1));
}

#[test]
fn leaving_during_the_wait_leaves_nothing() {
    let place = Place::with_empty_bus();
    let _daemon = keeping(&place, |request| match request {
        Request::AskSnooze(_, reply) => {
            let snooze =
                wire::Snooze { rule: "firefox".into(), wait_ms: 600_000, left: 1, ..wire::Snooze::default() };
            drop(reply.send(Ok(snooze)));
            None
        }
        Request::Snooze(..) => panic!("it was snoozed"),
        other => Some(other),
    });
    let mut dialog = Dialog::start(&mut place.command(&["snooze", "firefox"]));
    dialog.until("Wait: 10m");
    let pid = rustix::process::Pid::from_raw(dialog.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    // Ended by the signal itself.
    assert_eq!(dialog.end().0, None);
}

#[test]
fn downtime_is_a_limit_of_hours() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = FakeDaemon::start(&place, move |request| {
        if let Request::SetLimit(target, ms, options, _) = &request {
            give.send((target.clone(), *ms, options.clone())).unwrap();
        }
        usual(request);
    });
    let end = place.run(&["downtime", "22:00-07:00", "--on", "sun-thu"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"all: blocked 22:00-07:00, on mon-thu,sun; all windows are minimised");
    let wanted = wire::LimitOptions {
        id: Some("downtime".into()),
        only_hours: Some(true),
        blocked: Some(vec!["22:00-07:00".into()]),
        on: Some("mon-thu,sun".into()),
        ..wire::LimitOptions::default()
    };
    assert_eq!(take.recv().unwrap(), ("all".to_owned(), 0, wanted));
    insta::assert_snapshot!(place.run(&["downtime"]).out, @"No downtime. Set one with `dwell downtime 22:00-07:00`");
    insta::assert_snapshot!(place.run(&["downtime", "--json"]).out, @r#"{"schema":"dwell.limits/1","limits":[]}"#);
    let end = place.run(&["downtime", "off"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: there is no downtime; set one with `dwell downtime 22:00-07:00`");
    let end = place.run(&["downtime", "off", "--on", "sat"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: "off" and --on do not go together; write the hours for the days on which it is to stay"#);
}

#[test]
fn downtime_can_be_loosened_only_after_a_question() {
    let place = Place::with_empty_bus();
    let _daemon = keeping(&place, |request| match request {
        Request::Why(target, reply) => {
            let night = wire::Limit {
                id: "downtime".into(),
                target: "all".into(),
                budget_ms: None,
                hours: Some("blocked 22:00-07:00".into()),
                strict: Some("locked-until 2026-12-31".into()),
                ..today(limit("x", 0))
            };
            drop(reply.send(Ok(wire::Why { target, rules: vec![night], ..wire::Why::default() })));
            None
        }
        other => Some(other),
    });
    let mut dialog = Dialog::start(&mut place.command(&["downtime", "23:00-07:00"]));
    dialog.until("locked until 2026-12-31").until("[y/N] ").types("n\n");
    assert_eq!(dialog.end().0, Some(1));
    let (code, shown) = Dialog::start(&mut place.command(&["downtime", "21:00-07:00"])).end();
    assert!(code == Some(0) && !shown.contains("[y/N]"), "{shown}");
}

#[test]
fn focus_starts_shows_and_stops() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["focus", "50m", "--block", "category:social", "--block", "app:game"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"Focus until 04:00: category:social and app:game are blocked");
    insta::assert_snapshot!(place.run(&["focus", "50m"]).out, @"Focus until 04:00: all but terminals is blocked");
    insta::assert_snapshot!(place.run(&["focus"]).out, @"No focus session runs. Start one with `dwell focus 50m`");
    let end = place.run(&["focus", "stop"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: no focus session runs; start one with `dwell focus 50m`");
    assert_eq!(place.run(&["focus", "stop", "--block", "app:x"]).code, Some(2));
    let document = place.run(&["focus", "50m", "--block", "app:game", "--json"]).document();
    assert_eq!(
        (&document["schema"], &document["focus_blocks"][0]),
        (&"dwell.standing/1".into(), &"app:game".into())
    );
}

#[test]
fn stopping_focus_ends_no_pause_and_resuming_no_focus() {
    for (command, ended, said) in [
        (&["focus", "stop"][..], "focus", "The focus session has ended"),
        (&["resume"][..], "pause", "Your rules hold again"),
    ] {
        let place = Place::with_empty_bus();
        let _daemon = keeping(&place, move |request| match request {
            Request::Resume(what, reply) => {
                assert_eq!(what, ended);
                drop(reply.send(Ok(standing())));
                None
            }
            other => Some(other),
        });
        assert_eq!(place.run(command).out.trim(), said);
    }
}

#[test]
fn an_intention_is_repeated_and_starts_nothing() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["open", "domain:youtube.com", "--for", "15m", "--to", " find the lecture "]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    domain:youtube.com, planned for 15m, to: find the lecture. You are told once
      when that is over
    ");
    insta::assert_snapshot!(place.run(&["open", "firefox", "--for", "15m", "--json"]).out, @r#"{"schema":"dwell.standing/1","paused_until":null,"exit_waits_seconds":null,"exit_until":null,"focus_until":null,"focus_blocks":[],"intentions":[{"target":"app:firefox","name":"app:firefox","at":"2026-11-22T05:05:00.000+09:00","planned_seconds":900,"actual_seconds":0,"to":null,"over":false}],"reset_day":null}"#);
    assert!(place.run(&["open", "--help"]).out.contains("it starts nothing"));
    assert_eq!(place.run(&["open", "nobody", "--for", "15m"]).code, Some(2));
}

#[test]
fn pause_and_resume() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["pause", "3h"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Your open rules are suspended until 04:00; what is cooling or locked goes on.
      `dwell resume` ends it
    ");
    insta::assert_snapshot!(place.run(&["resume"]).out, @"Your rules hold again");
    assert_eq!(place.run(&["resume", "--json"]).document()["paused_until"], serde_json::Value::Null);
    let end = place.run(&["pause", "5w"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @"dwell: a pause lasts at most 31 days; say a shorter one");
    assert_eq!(place.run(&["pause", "3h", "-q"]).out, "");
}

#[test]
fn the_exit_asks_no_question() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["exit"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    In 10m all your own rules are off, until the next day starts. `dwell exit
      --cancel` takes it back
    ");
    let (code, shown) = Dialog::start(&mut place.command(&["exit"])).end();
    assert!(code == Some(0) && !shown.contains('?'), "{shown}");
    insta::assert_snapshot!(place.run(&["exit", "--cancel"]).out, @"Your rules hold");
    assert_eq!(place.run(&["exit", "--json"]).document()["exit_waits_seconds"], 600);
}

#[test]
fn the_reset_week() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["reset-week", "start"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Reset week, day 1 of 7: 80% of each budget today
      app:firefox: 24m of 30m a day
    ");
    assert_eq!(place.run(&["reset-week"]), place.run(&["reset-week", "status", "-q"]));
    insta::assert_snapshot!(place.run(&["reset-week", "stop"]).out, @"The reset week has ended, and your rules are as they were");
    assert_eq!(place.run(&["reset-week", "start", "-q"]).out, "");
    insta::assert_snapshot!(place.run(&["reset-week", "status", "--json"]).out, @r#"{"schema":"dwell.reset-week/1","running":true,"day":1,"percent":80,"until":null,"lines":["app:firefox: 24m of 30m a day"]}"#);
}

#[test]
fn the_status_tells_what_is_in_force() {
    let place = Place::with_empty_bus();
    let _daemon = keeping(&place, |request| match request {
        Request::Status(reply) => {
            let status = status();
            let in_force = wire::Standing {
                paused_until_at_ms: Some(status.now_at_ms + 3_600_000),
                focus_until_at_ms: Some(status.now_at_ms + 60_000),
                focus_blocks: Some(vec!["app:game".into()]),
                exit_waits_ms: Some(9 * MINUTE),
                reset_day: Some(2),
                ..standing()
            };
            drop(reply.send(Ok(wire::Status { standing: Some(in_force), ..status })));
            None
        }
        other => Some(other),
    });
    let shown = place.run(&[]).out;
    insta::assert_snapshot!(shown.lines().take(5).collect::<Vec<_>>().join("\n"), @"
    Firefox  since 22:04, 1m
    In 9m all your own rules are off until the next day starts
    Your open rules are suspended until 06:05
    Focus until 05:06: app:game is blocked
    Reset week, day 2 of 7
    ");
    let document = place.run(&["--json"]).document();
    assert_eq!((&document["paused"], &document["standing"]["reset_day"]), (&true.into(), &2.into()));
    assert_eq!(place.run(&["status", "--format", "waybar"]).document()["class"], "paused");
}
