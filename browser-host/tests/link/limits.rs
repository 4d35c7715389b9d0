//! Nothing grows: not with states, not with questions, not with what nobody reads.

use dwell_bus::Request;
use dwell_bus::browser::Block;
use serde_json::json;

use crate::browser::Browser;
use crate::daemon::{Bus, Daemon, Signal};

#[test]
fn of_many_states_the_last_one_counts() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    browser.state("s0.example");
    let (first, reply) = daemon.state();
    assert_eq!(first.domain.as_deref(), Some("s0.example"));
    (1..=50).for_each(|n| browser.state(&format!("s{n}.example")));
    // Frames are taken in order: with this question, all of them were.
    browser.query("x.example");
    let questions = [daemon.asked(), daemon.asked()];
    assert!(questions.iter().all(|asked| matches!(asked, Request::Why(..) | Request::Report(..))));
    reply.send(Ok(())).unwrap();
    let (last, reply) = daemon.state();
    assert_eq!(last.domain.as_deref(), Some("s50.example"));
    reply.send(Ok(())).unwrap();
    browser.query("x.example");
    assert!(matches!(daemon.asked(), Request::Why(..) | Request::Report(..)), "a state more");
}

#[test]
fn a_few_questions_are_asked_at_once() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    browser.hear();
    for n in 0..9 {
        browser.say(&json!({"t": "more", "d": format!("s{n}.example")}));
    }
    let busy = browser.hear();
    assert_eq!((&busy["d"], &busy["error"]), (&json!("s8.example"), &json!("dwell is busy")));
    let waiting: Vec<_> = (0..8).map(|_| daemon.asked()).collect();
    for (n, asked) in waiting.into_iter().enumerate() {
        let Request::AskSnooze(target, reply) = asked else { panic!("no snooze") };
        assert_eq!(target, format!("domain:s{n}.example"));
        drop(reply);
        assert_eq!(browser.hear()["error"], "the daemon is stopping");
    }
    browser.say(&json!({"t": "more", "d": "s9.example"}));
    assert!(matches!(daemon.asked(), Request::AskSnooze(..)));
}

fn big(n: usize) -> Block {
    Block { rule: format!("r{n}"), why: "x".repeat(60_000), ..Block::default() }
}

#[test]
fn a_browser_that_does_not_read_ends_the_host() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    let host = daemon.link();
    for n in 0..10 {
        daemon.send(&host, Signal::Rules(n, (0..3).map(big).collect()));
    }
    let (code, why) = browser.wait();
    assert_eq!(code, Some(1));
    assert_eq!(why, "dwell-browser-host: the browser does not read what it is told\n");
}

#[test]
fn what_no_frame_can_hold_is_told_to_the_daemon() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    let host = daemon.link();
    browser.hear();
    daemon.send(&host, Signal::Rules(1, (0..9).map(big).collect()));
    let rules = browser.hear();
    assert_eq!(rules["block"].as_array().unwrap().len(), 4, "as many as fit");
    browser.say(&json!({"t": "applied", "gen": 1, "ok": true}));
    let (generation, problem) = daemon.applied();
    assert_eq!(generation, 1);
    assert_eq!(problem.as_deref(), Some("there are more blocked sites than a browser can be told"));
    daemon.send(&host, Signal::Rules(2, vec![big(0)]));
    browser.hear();
    browser.say(&json!({"t": "applied", "gen": 2, "ok": true}));
    assert_eq!(daemon.applied(), (2, None));
}

#[test]
fn the_host_ends_with_its_browser_whatever_is_on_its_way() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    browser.state("s.example");
    let (_, _never_answered) = daemon.state();
    browser.say(&json!({"t": "more", "d": "s.example"}));
    let _never_answered_either = daemon.asked();
    assert_eq!(browser.ended(), (Some(0), String::new()));
    // Nor does it need a word, or a greeting that is taken.
    assert_eq!(Browser::start(&bus).ended(), (Some(0), String::new()));
    let mut browser = Browser::start(&bus);
    browser.hello();
    let (_, _, _never_taken) = daemon.hello();
    assert_eq!(browser.ended(), (Some(0), String::new()));
}
