//! What is said while all is well.

use dwell_bus::browser::{Block, Wishes};
use dwell_bus::{Failure, Kind, Request, wire};
use serde_json::json;

use crate::browser::{Browser, HOST, INSTANCE};
use crate::daemon::{Bus, Daemon, Signal};

fn block() -> Block {
    Block {
        rule: "evening-video".into(),
        domains: vec!["youtube.com".into()],
        except: vec!["docs.rs".into()],
        until_at_ms: 1_795_000_000_000,
        used_ms: 5,
        budget_ms: Some(6),
        more_left: 3,
        length_ms: 300_000,
        why: "Video was used for 30 minutes.".into(),
        opens: "It opens again at 04:00.".into(),
    }
}

#[test]
fn greeting_then_blocks_then_their_confirmation() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    let (host, hello, reply) = daemon.hello();
    let this = std::env::current_exe().unwrap();
    assert_eq!(hello.program, this.file_name().unwrap().to_str().unwrap());
    assert_eq!((hello.browser.as_str(), hello.extension.as_str()), ("chromium", "0.1.0"));
    assert_eq!((hello.instance.as_str(), hello.protocol), (INSTANCE, 1));
    reply.send(Ok(Wishes { audible: true })).unwrap();
    let link = browser.hear();
    assert_eq!(
        (&link["t"], &link["ok"], &link["audible"]),
        (&json!("link"), &json!(true), &json!(true)),
        "{link}"
    );
    assert!(link.get("refused").is_none());

    daemon.send(&host, Signal::Rules(3, vec![block()]));
    assert_eq!(
        browser.hear(),
        json!({"t": "rules", "gen": 3, "block": [{
            "rule": "evening-video", "d": ["youtube.com"], "except": ["docs.rs"], "until": 1_795_000_000_000_i64,
            "used_ms": 5, "budget_ms": 6, "more_left": 3, "length_ms": 300_000, "why": "Video was used for 30 minutes.",
            "opens": "It opens again at 04:00."
        }]})
    );
    browser.say(&json!({"t": "applied", "gen": 3, "ok": true, "err": null}));
    assert_eq!(daemon.applied(), (3, None));
    browser.say(&json!({"t": "applied", "gen": 3, "ok": false, "err": "two\nlines"}));
    assert_eq!(daemon.applied(), (3, Some("two lines".into())));

    daemon.send(&host, Signal::Report);
    assert_eq!(browser.hear(), json!({"t": "report"}));
    assert_eq!(browser.ended(), (Some(0), String::new()));
}

#[test]
fn a_hostname_is_a_site_before_it_leaves_the_host() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    let before = boot_ms();
    browser.say(&json!({"t": "state", "seq": 1, "focused": true, "host": "www.youtube.com",
        "audible": ["a.music.example", "b.music.example"], "why": "tab", "of_a_later_version": [1]}));
    let (state, reply) = daemon.state();
    reply.send(Ok(())).unwrap();
    assert!(state.focused && state.at_boot_ms >= before && state.at_boot_ms <= boot_ms());
    assert_eq!(state.domain.as_deref(), Some("youtube.com"));
    assert_eq!(state.audible, Some(vec!["music.example".into()]));
    browser.say(&json!({"t": "state", "seq": 2, "focused": false, "host": "a..b.com", "audible": ["co.uk"]}));
    let (state, _reply) = daemon.state();
    assert!(!state.focused);
    assert_eq!((state.domain, state.audible), (None, Some(vec![])));
}

#[test]
fn today_on_a_site() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    let host = daemon.link();
    browser.hear();
    daemon.send(&host, Signal::Rules(1, vec![block()]));
    browser.hear();
    let limit =
        |left| wire::Limit { left_ms: Some(left), used_ms: 9, verdict: "blocked".into(), ..<_>::default() };
    let answer = |report: Result<wire::Report, Failure>| {
        let mut report = Some(report);
        for _ in 0..2 {
            match daemon.asked() {
                Request::Why(target, reply) => {
                    assert_eq!(target, "domain:youtube.com");
                    let rules = vec![limit(600), limit(0)];
                    let why = wire::Why { target, verdict: "blocked".into(), rules, ..<_>::default() };
                    reply.send(Ok(why)).unwrap();
                }
                Request::Report(query, reply) => {
                    assert_eq!(query.only, Some(vec!["domain:youtube.com".into()]));
                    assert!(reply.send(report.take().unwrap()).is_ok());
                }
                _ => panic!("another question"),
            }
        }
    };
    browser.query("m.youtube.com");
    answer(Ok(wire::Report { total_ms: 1200, ..<_>::default() }));
    let usage = json!({"t": "usage", "d": "youtube.com", "used_ms": 1200, "left_ms": 0, "blocked": true,
        "why": "Video was used for 30 minutes."});
    assert_eq!(browser.hear(), usage);
    // A locked vault hides history, and not what the rules have counted.
    browser.query("youtube.com");
    answer(Err(Failure::new(Kind::Locked, "the vault is locked")));
    assert_eq!(browser.hear()["used_ms"], 9);
    // A page that is of no site.
    browser.query("co.uk");
    let usage = browser.hear();
    assert_eq!((&usage["d"], &usage["error"]), (&json!("co.uk"), &json!("this page is of no site")));
}

#[test]
fn five_more_minutes() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    browser.hear();
    browser.say(&json!({"t": "more", "d": "www.youtube.com"}));
    let Request::AskSnooze(target, reply) = daemon.asked() else { panic!("no snooze") };
    assert_eq!(target, "domain:youtube.com");
    let terms = wire::Snooze {
        rule: "evening-video".into(),
        wait_ms: 20_000,
        length_ms: 300_000,
        left: 3,
        sentence: Some("I choose this".into()),
        ..<_>::default()
    };
    reply.send(Ok(terms)).unwrap();
    assert_eq!(
        browser.hear(),
        json!({"t": "more", "d": "youtube.com", "rule": "evening-video", "wait_ms": 20000, "length_ms": 300_000,
            "left": 3, "sentence": "I choose this"})
    );
    let snooze =
        json!({"t": "snooze", "d": "youtube.com", "rule": "evening-video", "sentence": "I choose this"});
    browser.say(&snooze);
    let Request::Snooze(rule, sentence, reply) = daemon.asked() else { panic!("no snooze") };
    assert_eq!((rule.as_str(), sentence.as_str()), ("evening-video", "I choose this"));
    reply.send(Ok(wire::Limit { snoozes_left: Some(2), ..<_>::default() })).unwrap();
    assert_eq!(
        browser.hear(),
        json!({"t": "snoozed", "d": "youtube.com", "ok": true, "message": "Open. 2 times more are left today."})
    );

    // Another rule keeps the site closed: that is said before the wait, and after it.
    browser.say(&json!({"t": "more", "d": "youtube.com"}));
    let Request::AskSnooze(_, reply) = daemon.asked() else { panic!("no snooze") };
    let terms = wire::Snooze {
        still_by: Some("bedtime".into()),
        still_until_at_ms: Some(1_795_000_000_000),
        ..<_>::default()
    };
    reply.send(Ok(terms)).unwrap();
    let more = browser.hear();
    assert_eq!((&more["still_by"], &more["still_until"]), (&json!("bedtime"), &json!(1_795_000_000_000_i64)));
    browser.say(&snooze);
    let Request::Snooze(_, _, reply) = daemon.asked() else { panic!("no snooze") };
    let limit = wire::Limit {
        still_by: Some("bedtime".into()),
        still_until_at_ms: Some(1_795_000_000_000),
        ..<_>::default()
    };
    reply.send(Ok(limit)).unwrap();
    assert_eq!(
        browser.hear(),
        json!({"t": "snoozed", "d": "youtube.com", "ok": true, "message": "The limit is put off.", "still_by": "bedtime",
            "still_until": 1_795_000_000_000_i64})
    );

    // What the daemon refuses, it says in its own words.
    let refusal = || Failure::new(Kind::Denied, "no snooze is left today").hint("it opens at 04:00");
    browser.say(&snooze);
    let Request::Snooze(_, _, reply) = daemon.asked() else { panic!("no snooze") };
    assert!(reply.send(Err(refusal())).is_ok());
    assert_eq!(
        browser.hear(),
        json!({"t": "snoozed", "d": "youtube.com", "ok": false, "message": "no snooze is left today",
            "hint": "it opens at 04:00"})
    );
    browser.say(&json!({"t": "more", "d": "youtube.com"}));
    let Request::AskSnooze(_, reply) = daemon.asked() else { panic!("no snooze") };
    assert!(reply.send(Err(refusal())).is_ok());
    assert_eq!(
        browser.hear(),
        json!({"t": "more", "d": "youtube.com", "error": "no snooze is left today", "hint": "it opens at 04:00"})
    );
}

#[test]
fn a_browser_is_found_behind_a_shell() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut command = std::process::Command::new("/bin/sh");
    // What follows keeps the shell from becoming the host.
    command.args(["-c", "\"$0\" \"$@\"; exit $?", HOST]);
    let mut browser = Browser::by(command, &bus.address);
    browser.hello();
    let (_, hello, _reply) = daemon.hello();
    let this = std::env::current_exe().unwrap();
    assert_eq!(hello.program, this.file_name().unwrap().to_str().unwrap());
}

#[test]
fn the_host_is_confined() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    let status = std::fs::read_to_string(format!("/proc/{}/status", browser.pid())).unwrap();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), (Some("1"), Some("2")), "{status}");
}

pub(crate) fn boot_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap()
}
