//! `dwell doctor` on real desktops: what is there is told as it is, and what can be mended is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind};
use serde_json::Value;

/// What mends it that the daemon knows no display.
const ATTACH: &str = "in your desktop session, run: dwelld attach";

/// What is told of where nothing is missing, in this order.
const ALL_PARTS: [&str; 17] = [
    "bus",
    "daemon",
    "unit",
    "desktop",
    "focus",
    "windows",
    "idle",
    "lock",
    "session",
    "sleep",
    "notifications",
    "browser",
    "vault",
    "key",
    "store",
    "config",
    "days",
];

/// One part of the document, which must be as its schema says.
fn part(bed: &Bed, name: &str) -> Option<Value> {
    let answer = bed.dwell(&["doctor", "--json"]);
    let document = answer.json();
    assert_eq!(document["schema"], "dwell.doctor/1");
    let parts = document["parts"].as_array().unwrap();
    let all_well = parts.iter().all(|part| part["ok"] == true);
    assert_eq!((&document["ok"], answer.code), (&Value::Bool(all_well), i32::from(!all_well)));
    for part in parts {
        assert!(part["fix"].is_null() || (part["fix"].is_string() && part["ok"] == false), "{part}");
        let message = part["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('\n'), "{part}");
    }
    parts.iter().find(|part| part["part"] == name).cloned()
}

/// Waits until a part is well, or ill, and returns it.
fn wait_for(bed: &Bed, name: &str, ok: bool) -> Value {
    // Sensors that are only starting are not well either; that is not what is waited for.
    let fits = |part: Value| part["ok"] == ok && part["message"] != "the sensors are only starting";
    let is_so = || part(bed, name).is_some_and(fits);
    assert!(wait_until(Deadline::seconds(10), is_so), "{}", bed.dwell(&["doctor"]).stdout);
    part(bed, name).unwrap()
}

fn message(bed: &Bed, name: &str) -> String {
    part(bed, name).unwrap_or_else(|| panic!("no {name}"))["message"].as_str().unwrap().to_owned()
}

/// A session in which nothing is missing.
fn all_is_well(kind: Kind, desktop: &str, focus: &str, idle: &[&str]) {
    let Some(bed) = Bed::start(kind) else { return };
    let Some(_logind) = bed.mock_logind() else { return };
    let _notices = bed.record_notices();
    let _daemon = bed.daemon();
    for name in ALL_PARTS {
        wait_for(&bed, name, true);
    }
    let answer = bed.dwell(&["doctor"]).ok();
    assert!(answer.stdout.ends_with("\nAll is well\n") && answer.stderr.is_empty(), "{}", answer.stdout);

    let document = bed.dwell(&["doctor", "--json"]).json();
    let parts = document["parts"].as_array().unwrap();
    let names: Vec<&str> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(names, ALL_PARTS);
    assert!(message(&bed, "desktop").starts_with(desktop), "{}", message(&bed, "desktop"));
    assert!(message(&bed, "focus").contains(focus), "{}", message(&bed, "focus"));
    assert!(idle.iter().any(|idle| message(&bed, "idle").contains(idle)), "{}", message(&bed, "idle"));
    assert!(message(&bed, "windows").starts_with("pid, close, minimise"), "{}", message(&bed, "windows"));
    assert_eq!(message(&bed, "lock"), "told by logind (LockedHint)");
    assert!(message(&bed, "sleep").starts_with("held back"), "{}", message(&bed, "sleep"));
    assert_eq!(message(&bed, "notifications"), "recorder 1 (dwell)");
    assert_eq!(message(&bed, "vault"), "open");
    assert!(message(&bed, "key").contains("a key file"));
    assert!(message(&bed, "browser").starts_with("no browser is linked"));

    // Nothing to mend: nothing is done, and nothing is said of it.
    assert_eq!(bed.dwell(&["doctor", "--fix"]).ok().stdout, answer.stdout);
}

#[test]
fn x11_all_is_well() {
    all_is_well(Kind::X11, "Openbox on X11", "_NET_ACTIVE_WINDOW", &["IDLETIME"]);
}

#[test]
fn programs_in_terminals_are_told_of_after_the_windows() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    bed.place().write(&bed.place().config(), "terminal-programs = true\n");
    let _daemon = bed.daemon();
    wait_for(&bed, "terminal-programs", true);
    let document = bed.dwell(&["doctor", "--json"]).json();
    let names: Vec<_> = document["parts"].as_array().unwrap().iter().map(|part| &part["part"]).collect();
    let windows = names.iter().position(|name| *name == "windows").unwrap();
    assert_eq!(names[windows + 1], "terminal-programs", "{names:?}");
}

#[test]
fn sway_all_is_well() {
    all_is_well(Kind::Sway, "sway 1.", "sway", &["ext_idle_notify", "org_kde_kwin_idle"]);
}

#[test]
fn without_a_display_the_one_step_is_told_and_fix_takes_it() {
    let Some(mut bed) = Bed::start(Kind::X11) else { return };
    let Some(_logind) = bed.mock_logind() else { return };
    let _notices = bed.record_notices();
    let display = bed.place().variable("DISPLAY").unwrap().to_owned();
    bed.place_mut().unset("DISPLAY");
    let _daemon = bed.daemon();
    for name in ["desktop", "focus", "idle"] {
        assert_eq!(wait_for(&bed, name, false)["fix"], ATTACH, "{name}");
    }
    // The parts are told by tasks of their own, in no order.
    for name in ["lock", "session", "sleep", "notifications"] {
        wait_for(&bed, name, true);
    }
    let answer = bed.dwell(&["doctor"]);
    assert_eq!(answer.code, 1);
    assert_eq!(answer.stdout.matches(ATTACH).count(), 1, "{}", answer.stdout);
    assert!(answer.stdout.ends_with("\n1 problem\n"), "{}", answer.stdout);
    // From here no display can be told of, so nothing is mended.
    let answer = bed.dwell(&["doctor", "--fix"]);
    assert!(answer.code == 1 && !answer.stdout.contains("Mended"), "{answer:?}");

    bed.place_mut().set("DISPLAY", display);
    let answer = bed.dwell(&["doctor", "--fix"]).ok();
    assert!(answer.stdout.starts_with("Mended: the daemon was told your display"), "{}", answer.stdout);
    assert!(answer.stdout.ends_with("\nAll is well\n"), "{}", answer.stdout);
}

#[test]
fn without_a_system_bus_session_and_lock_are_told_and_the_count_goes_on() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let _daemon = bed.daemon();
    for name in ["session", "lock"] {
        let part = wait_for(&bed, name, false);
        assert_eq!(part["fix"], "start the system bus (dbus) and logind", "{part}");
    }
    assert_eq!(wait_for(&bed, "focus", true)["fix"], Value::Null);
    assert!(bed.dwell(&["status"]).ok().stdout.contains("see `dwell doctor`"));
}

#[test]
fn a_notification_service_is_seen_to_come_and_go() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let _daemon = bed.daemon();
    assert!(wait_for(&bed, "notifications", false)["fix"].as_str().unwrap().contains("dunst"));
    let notices = bed.record_notices();
    assert_eq!(wait_for(&bed, "notifications", true)["message"], "recorder 1 (dwell)");
    drop(notices);
    wait_for(&bed, "notifications", false);
}

#[test]
fn a_vault_that_is_locked_is_told() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let _daemon = bed.daemon();
    let _ = bed.dwell(&["vault", "lock"]).ok();
    let vault = wait_for(&bed, "vault", true);
    assert!(vault["message"].as_str().unwrap().contains("history locked away"), "{vault}");
}

#[test]
fn a_vault_that_waits_for_its_key_is_ill() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let Some(_keyring) = bed.keyring() else { return };
    let mut daemon = bed.daemon();
    assert!(daemon.terminate().success());
    drop(daemon);
    bed.lock_keyring();
    let _daemon = bed.daemon();
    let vault = wait_for(&bed, "vault", false);
    assert!(vault["message"].as_str().unwrap().starts_with("waiting for its key: "), "{vault}");
    assert_eq!(vault["fix"], "dwell vault unlock");
    // Nobody's secret is asked for, and nothing is opened.
    assert!(!bed.dwell(&["doctor", "--fix"]).stdout.contains("ended"));
}

#[test]
fn without_the_daemon_the_rest_is_looked_at() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let answer = bed.dwell(&["doctor"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stdout.contains("✗ daemon   the daemon is not running"), "{}", answer.stdout);
    assert!(answer.stdout.contains("✓ desktop  DISPLAY is set (X11)"), "{}", answer.stdout);
    assert_eq!(part(&bed, "daemon").unwrap()["fix"], "dwelld");
    assert_eq!(part(&bed, "config").unwrap()["ok"], true);
}

#[test]
fn a_configuration_that_turned_wrong_is_told() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let _daemon = bed.daemon();
    wait_for(&bed, "config", true);
    bed.place().write(&bed.place().config(), "idle-afer = \"3m\"\n");
    let config = wait_for(&bed, "config", false);
    assert!(config["message"].as_str().unwrap().contains("line 1"), "{config}");
    assert!(config["message"].as_str().unwrap().ends_with("the old one stays in force"), "{config}");
    assert!(config["fix"].as_str().unwrap().contains("idle-after"), "{config}");
}
