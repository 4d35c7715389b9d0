//! Limits: what can be asked for, what waits, and what the past says.

use std::sync::mpsc;

use dwell_bus::{Request, wire};

use crate::daemon::{FakeDaemon, MINUTE, change, limit, today, usual};
use crate::place::Place;
use crate::rulekeeper::{keeping, pending};
use crate::terminal::Dialog;

#[test]
fn everything_about_a_limit_reaches_the_daemon() {
    let place = Place::with_empty_bus();
    let (give, take) = mpsc::channel();
    let _daemon = FakeDaemon::start(&place, move |request| {
        if let Request::SetLimit(target, ms, options, _) | Request::TryLimit(target, ms, options, _, _) =
            &request
        {
            give.send((target.clone(), *ms, options.clone())).unwrap();
        }
        usual(request);
    });
    let none = wire::LimitOptions::default;
    let text = |text: &str| Some(text.to_owned());
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    for (arguments, ms, wanted) in [
        (&["30m"][..], 30 * MINUTE, none()),
        (
            &["5visits", "--per", "week"],
            0,
            wire::LimitOptions { opens: Some(5), per: text("week"), ..none() },
        ),
        (&["5 visits"], 0, wire::LimitOptions { opens: Some(5), ..none() }),
        (&["1h", "--on", "Fri-Mon"], 60 * MINUTE, wire::LimitOptions { on: text("mon,fri-sun"), ..none() }),
        (
            &["1h", "--strict", "locked-until-2026-12-31", "--at-limit", "freeze", "--warn", "0s"],
            60 * MINUTE,
            wire::LimitOptions {
                strict: text("locked-until 2026-12-31"),
                at_limit: text("freeze"),
                warn_ms: Some(0),
                ..none()
            },
        ),
        (
            &["1h", "--except", "domain:docs.rs", "--except", "app:mail", "--id", "work"],
            60 * MINUTE,
            wire::LimitOptions { except: texts(&["domain:docs.rs", "app:mail"]), id: text("work"), ..none() },
        ),
        (
            &["--blocked", "22:00-7:00", "--blocked", "12:00-13:00"],
            0,
            wire::LimitOptions {
                blocked: texts(&["22:00-07:00", "12:00-13:00"]),
                only_hours: Some(true),
                ..none()
            },
        ),
        (
            &["1h", "--allowed", "09:00-17:00"],
            60 * MINUTE,
            wire::LimitOptions { allowed: texts(&["09:00-17:00"]), ..none() },
        ),
    ] {
        let end = place.run(&[&["limit", "set", "app:x"], arguments].concat());
        assert_eq!((end.code, end.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(take.recv().unwrap(), ("app:x".to_owned(), ms, wanted.clone()));
        let only_counted =
            wire::LimitOptions { at_limit: None, warn_ms: None, strict: None, id: None, ..wanted.clone() };
        if wanted == only_counted {
            assert_eq!(place.run(&[&["limit", "try", "app:x"], arguments].concat()).code, Some(0));
            assert_eq!(take.recv().unwrap(), ("app:x".to_owned(), ms, wanted));
        }
    }
}

#[test]
fn what_was_understood_is_repeated() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let said = |arguments: &[&str]| place.run(&[&["limit", "set", "app:x"], arguments].concat()).out;
    insta::assert_snapshot!(said(&["5visits"]), @"app:x: 5 visits a day, then its windows are minimised until 04:00");
    insta::assert_snapshot!(said(&["10h", "--per", "hour", "--at-limit", "lock"]), @"app:x: 10h an hour, warning 5m before, then the session is locked, once");
    insta::assert_snapshot!(said(&["--blocked", "22:00-07:00", "--on", "mon-fri", "--at-limit", "close"]), @"app:x: blocked 22:00-07:00, on mon-fri; its windows are asked to close");
    insta::assert_snapshot!(said(&["1h", "--allowed", "09:00-17:00"]), @"
    app:x: 1h a day, allowed only 09:00-17:00, warning 5m before, then its windows
      are minimised until 04:00
    ");
}

/// A daemon whose loosening waits.
fn waiting(place: &Place) -> FakeDaemon {
    keeping(place, |request| match request {
        Request::SetLimit(_, _, _, reply) => {
            let limit = wire::Limit { pending: Some(pending()), ..today(limit("firefox", 0)) };
            drop(reply.send(Ok(limit)));
            None
        }
        Request::ListLimits(reply) => {
            let strict = wire::Limit {
                pending: Some(pending()),
                strict: Some("cooling".into()),
                except: Some(vec!["domain:docs.rs".into(), "app:mail".into()]),
                snoozes_left: Some(2),
                ..today(limit("firefox", 0))
            };
            drop(reply.send(Ok(vec![strict])));
            None
        }
        other => Some(other),
    })
}

#[test]
fn what_waits_is_told_even_in_quiet() {
    let place = Place::with_empty_bus();
    let _daemon = waiting(&place);
    let end = place.run(&["limit", "set", "firefox", "45m"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    Waits: app:firefox: 30m a day → 45m a day
    Until then: app:firefox: 30m a day, warning 5m before, then its windows are
      minimised until 04:00
    Waits 18h with the machine on, then: `dwell limit confirm p1`. Give it up with
      `dwell limit cancel p1`
    ");
    insta::assert_snapshot!(place.run(&["limit", "set", "firefox", "45m", "-q"]).out, @"
    Waits 18h with the machine on, then: `dwell limit confirm p1`. Give it up with
      `dwell limit cancel p1`
    ");
    let document = place.run(&["limit", "set", "firefox", "45m", "--json"]).document();
    assert_eq!(document["limits"][0]["pending"]["waits_seconds"], 18 * 3600);
    insta::assert_snapshot!(place.run(&["limit"]).out, @"
      firefox  app:firefox            0s of 30m  30m left
    1 change waits: see `dwell limit pending`
    ");
    insta::assert_snapshot!(place.run(&["limit", "show", "firefox"]).out, @"
    app:firefox: 30m a day, warning 5m before, then its windows are minimised until
      04:00
    Used 0s so far, 30m left
    Id: firefox
    Except: domain:docs.rs and app:mail
    Looser: after 24h with the machine on, and a confirmation
    Snoozes: 2 left today (`dwell snooze firefox`)
    Waits 18h with the machine on, then: `dwell limit confirm p1`. Give it up with
      `dwell limit cancel p1`
    ");
}

#[test]
fn on_a_terminal_loosening_is_asked_for() {
    let place = Place::with_empty_bus();
    let _daemon = waiting(&place);
    let set = |more: &[&str]| place.command(&[&["limit", "set", "app:firefox"], more].concat());
    let mut dialog = Dialog::start(&mut set(&["45m"]));
    dialog.until("Now it is app:firefox: 30m a day").until("waits 24 hours").until("[y/N] ").types("\n");
    let (code, shown) = dialog.end();
    assert_eq!(code, Some(1));
    assert!(shown.contains("nothing has changed") && !shown.contains("Until then"), "{shown}");
    let mut dialog = Dialog::start(&mut set(&["45m"]));
    dialog.until("[y/N] ").types("y\n").until("Until then: app:firefox: 30m a day");
    assert_eq!(dialog.end().0, Some(0));
    // Stricter, or said with --yes, is not asked about.
    for more in [&["15m"][..], &["45m", "--yes"]] {
        let (code, shown) = Dialog::start(&mut set(more)).end();
        assert!(code == Some(0) && !shown.contains("[y/N]"), "{more:?}: {shown}");
    }
}

#[test]
fn changes_that_wait() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["limit", "pending"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    p1  Waits 18h with the machine on
      app:firefox: 30m a day → 45m a day
    p2  Can be confirmed for 24h with the machine on
      removes video

    Make one with `dwell limit confirm ID`, give one up with `dwell limit cancel ID`
    ");
    insta::assert_snapshot!(place.run(&["limit", "pending", "--json"]).out, @r#"{"schema":"dwell.pending/1","pending":[{"id":"p1","lines":["app:firefox: 30m a day → 45m a day"],"asked":"2026-11-22T05:05:00.000+09:00","waits_seconds":64800,"lapses_seconds":86400,"locked_until":null},{"id":"p2","lines":["removes video"],"asked":"2026-11-22T05:05:00.000+09:00","waits_seconds":0,"lapses_seconds":86400,"locked_until":null}]}"#);
    insta::assert_snapshot!(place.run(&["limit", "confirm", "p2"]).out, @"
    Done
      removes video
    ");
    insta::assert_snapshot!(place.run(&["limit", "confirm", "p2", "--json"]).out, @r#"{"schema":"dwell.change/1","is":"looser","applied":true,"pending":null,"lines":["removes video"],"warnings":[],"rules":2}"#);
    let end = place.run(&["limit", "confirm", "p1"]);
    assert_eq!(end.code, Some(4));
    insta::assert_snapshot!(end.complaint(), @"dwell: it waits 18h more with the machine on; dwell limit cancel p1 gives it up");
    let end = place.run(&["limit", "confirm", "p9"]);
    assert_eq!(end.code, Some(2));
    insta::assert_snapshot!(end.complaint(), @r#"dwell: no change "p9" waits; see `dwell limit pending`"#);
    insta::assert_snapshot!(place.run(&["limit", "cancel", "p1"]).out, @"Given up p1: the rules stay as they are");
    assert_eq!(place.run(&["limit", "cancel", "p1", "--json"]).document()["schema"], "dwell.pending/1");
    assert_eq!(place.run(&["limit", "cancel", "p9"]).code, Some(2));
    let place = Place::with_empty_bus();
    let _daemon = keeping(&place, |request| match request {
        Request::ListPending(reply) => {
            drop(reply.send(Ok(vec![])));
            None
        }
        other => Some(other),
    });
    insta::assert_snapshot!(place.run(&["limit", "pending"]).out, @"No change waits");
    assert_eq!(place.run(&["limit", "pending", "--quiet"]).out, "");
}

#[test]
fn a_limit_tried_on_the_past() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    let end = place.run(&["limit", "try", "Firefox", "30m"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(end.out, @"
    app:firefox: 14d
    It would have been reached on 2 of 14 days, 2026-11-08 to 2026-11-21:
      Mon  9 Nov     41m  at 18:20
      Fri 20 Nov  2h 10m
    On an ordinary day with any of it: 25m
    The limit would have kept 1h 51m in all
    ");
    insta::assert_snapshot!(place.run(&["limit", "try", "Firefox", "30m", "--since", "2026-11-01", "--json"]).out, @r#"{"schema":"dwell.trial/1","rule":"app:firefox: 2026-11-01..","zone":"Europe/Athens","from":"2026-11-08","to":"2026-11-21","days":14,"hits":[{"day":"2026-11-09","used_seconds":2460,"at":"2026-11-09T18:20:00.000+02:00"},{"day":"2026-11-20","used_seconds":7800,"at":null}],"median_seconds":1500,"over_seconds":6660}"#);
    let end = place.run(&["limit", "try", "Firefox", "30m", "--since", "yesterday"]);
    assert_eq!((end.code, end.out.as_str()), (Some(3), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: nothing is recorded from 2026-11-08 to 2026-11-21; name a longer time with --since, like 30d");
    assert_eq!(place.run(&["limit", "try", "nobody", "30m"]).code, Some(2));
}

#[test]
fn what_is_blocked_from_the_start_says_so() {
    let place = Place::with_empty_bus();
    let _daemon = keeping(&place, |request| match request {
        Request::SetLimit(_, _, _, reply) => {
            let blocked = wire::Limit {
                budget_ms: None,
                hours: Some("allowed 18:00-20:00".into()),
                because: Some("hours".into()),
                ..today(limit("firefox", 30))
            };
            drop(reply.send(Ok(blocked)));
            None
        }
        other => Some(other),
    });
    insta::assert_snapshot!(place.run(&["limit", "set", "firefox", "--allowed", "18:00-20:00"]).out, @"
    app:firefox: allowed only 18:00-20:00; its windows are minimised
    It is blocked already, opens again at 04:00
    ");
}

#[test]
fn a_change_that_waits_anew_is_no_success() {
    let place = Place::with_empty_bus();
    let _daemon = keeping(&place, |request| match request {
        Request::Confirm(_, reply) => {
            drop(reply.send(Ok(wire::Change {
                warnings: vec!["the rules have changed since this was asked for, so it waits anew".into()],
                pending: Some(pending()),
                ..change("looser", false)
            })));
            None
        }
        other => Some(other),
    });
    let end = place.run(&["limit", "confirm", "p2"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    assert!(end.out.contains("so it waits anew"), "{}", end.out);
}
