//! Daemons that go and come, and others that would like to be one.

use dwell_bus::{Failure, Kind};
use serde_json::json;

use crate::browser::Browser;
use crate::conversation::boot_ms;
use crate::daemon::{Bus, Daemon, Signal};

#[test]
fn a_daemon_that_goes_and_comes_hears_what_holds() {
    let bus = Bus::start();
    let mut browser = Browser::start(&bus);
    browser.hello();
    let away = browser.hear();
    assert_eq!(
        away,
        json!({"t": "link", "ok": false, "message": "dwell is not running", "audible": false,
            "hint": "start it with: systemctl --user start dwelld"})
    );
    browser.state("www.one.example");
    browser.query("one.example");
    assert_eq!(browser.hear()["error"], "dwell is not running");
    browser.say(&json!({"t": "more", "d": "one.example"}));
    assert_eq!(browser.hear()["error"], "dwell is not running");
    browser.say(&json!({"t": "snooze", "d": "one.example", "rule": "r", "sentence": ""}));
    assert_eq!(browser.hear()["ok"], false);
    assert!(!bus.started_it(), "the host started the daemon");

    for n in 0..2 {
        let came = boot_ms();
        let daemon = Daemon::start(&bus);
        daemon.link();
        assert_eq!(browser.hear()["ok"], true);
        // The last state again, as of now: this daemon knows nothing of before.
        let (state, reply) = daemon.state();
        assert_eq!(state.domain.as_deref(), Some(if n == 0 { "one.example" } else { "two.example" }));
        assert!(state.at_boot_ms >= came);
        reply.send(Ok(())).unwrap();
        browser.state("two.example");
        // This one is on its way when the daemon goes.
        let (_, reply) = daemon.state();
        drop(daemon);
        drop(reply);
        assert_eq!(browser.hear(), away);
    }
    assert!(!bus.started_it(), "the host started the daemon");
    assert_eq!(browser.ended().0, Some(0));
}

#[test]
fn nobody_but_the_daemon_is_listened_to() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let impostor = Daemon::impostor(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    let host = daemon.link();
    assert_eq!(browser.hear()["t"], "link");
    impostor.send(&host, Signal::Rules(1, vec![]));
    impostor.send(&host, Signal::Report);
    // The bus has passed on everything of the impostor once it has left.
    drop(impostor);
    daemon.send(&host, Signal::Rules(2, vec![]));
    assert_eq!(browser.hear(), json!({"t": "rules", "gen": 2, "block": []}));
}

#[test]
fn a_daemon_that_refuses_says_why_and_is_greeted_again() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    let refuse = || {
        let (_, _, reply) = daemon.hello();
        let failure = Failure::new(Kind::Denied, "too many browsers are linked").hint("close one");
        assert!(reply.send(Err(failure)).is_ok());
    };
    refuse();
    let link = browser.hear();
    assert_eq!((&link["ok"], &link["message"]), (&json!(false), &json!("too many browsers are linked")));
    assert_eq!(link["hint"], "close one");
    // Nothing else is said to who has not taken the greeting.
    browser.state("one.example");
    refuse();
    daemon.link();
    assert_eq!(browser.hear()["ok"], true, "the same refusal is told once");
    let (state, reply) = daemon.state();
    assert_eq!(state.domain.as_deref(), Some("one.example"));
    reply.send(Ok(())).unwrap();
}

#[test]
fn a_daemon_that_has_forgotten_us_is_greeted_again() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    browser.state("one.example");
    let (_, reply) = daemon.state();
    let failure = Failure::new(Kind::Denied, "this browser is not linked").hint("say hello first");
    assert!(reply.send(Err(failure)).is_ok());
    daemon.link();
    let (state, _reply) = daemon.state();
    assert_eq!(state.domain.as_deref(), Some("one.example"));
    // It is no reason to complain: the browser's log is for what a person has to mend.
    assert_eq!(browser.ended(), (Some(0), String::new()));
}

#[test]
fn what_a_daemon_cannot_take_is_no_reason_to_greet_it_again() {
    let bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    browser.state("one.example");
    let (_, reply) = daemon.state();
    assert!(reply.send(Err(Failure::new(Kind::Invalid, "this is no state"))).is_ok());
    browser.state("two.example");
    // With another greeting in between, this would not be what comes next.
    assert_eq!(daemon.state().0.domain.as_deref(), Some("two.example"));
}

#[test]
fn without_a_bus_it_says_so_and_stays() {
    let mut bus = Bus::start();
    let daemon = Daemon::start(&bus);
    let mut browser = Browser::start(&bus);
    browser.hello();
    daemon.link();
    assert_eq!(browser.hear()["ok"], true);
    bus.end();
    let link = browser.hear();
    assert_eq!((&link["t"], &link["ok"]), (&json!("link"), &json!(false)));

    let nowhere = std::process::Command::new(crate::browser::HOST);
    let mut lonely = Browser::by(nowhere, "unix:path=/nonexistent/bus");
    lonely.hello();
    let link = lonely.hear();
    assert_eq!(link["ok"], false, "{link}");
    // An extension starts the next host at once where one ends.
    for mut browser in [browser, lonely] {
        browser.state("one.example");
        browser.query("one.example");
        assert_eq!(browser.hear()["error"], "dwell is not running");
        assert_eq!(browser.ended().0, Some(0));
    }
}
