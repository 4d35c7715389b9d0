//! What waits, with a daemon whose boot clock is ahead: in a time namespace of its own (time_namespaces(7)), as if the
//! machine had been on for so much longer. The clock on the wall is as it was.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use dwell_tests::{Bed, Daemon, Kind, machine};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// A daemon for which the machine has been on for so many seconds longer than it has.
fn daemon_after(bed: &Bed, seconds: u64) -> Daemon {
    let ahead = seconds.to_string();
    let unshare = ["unshare", "--time", "--boottime", &ahead];
    bed.try_daemon_under(&unshare, &[]).unwrap_or_else(|refusal| panic!("{}", refusal.stderr))
}

fn bed() -> Option<Bed> {
    let bed = Bed::start(Kind::NoDisplay)?;
    // The program itself is in the namespace, and not only what it starts, from Linux 6.3 on.
    let uptime =
        bed.place().try_run("unshare", &["--time", "--boottime", "1000000000", "cat", "/proc/uptime"]);
    let seconds = uptime.as_deref().and_then(|uptime| uptime.split('.').next()?.parse::<u64>().ok());
    if seconds.is_none_or(|seconds| seconds < 1_000_000_000) {
        machine::cannot_run(&machine::running_test(), "no time namespace can be entered");
        return None;
    }
    Some(bed)
}

#[test]
fn looser_waits_a_day_of_machine_time_and_a_word() {
    let Some(bed) = bed() else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m"]).ok();
    // Fingers slip: what was made just now goes at once.
    let _ = bed.dwell(&["limit", "remove", "appa"]).ok();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m"]).ok();
    daemon.terminate();

    let mut daemon = daemon_after(&bed, 11 * MINUTE);
    let removed = bed.dwell_json(&["limit", "remove", "appa"]);
    assert_eq!((&removed["applied"], &removed["is"]), (&false.into(), &"looser".into()), "{removed}");
    let id = removed["pending"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10, "it holds while the change waits");
    assert_eq!(bed.dwell(&["limit", "confirm", &id]).code, 4);
    // Stricter holds at once, and asking again does not begin the wait anew.
    let _ = bed.dwell(&["limit", "set", "app:AppB", "1m"]).ok();
    let again = bed.dwell_json(&["limit", "remove", "appa"]);
    assert_eq!(again["pending"]["id"], id.as_str(), "{again}");
    daemon.terminate();

    let mut daemon = daemon_after(&bed, 11 * MINUTE + 23 * HOUR);
    assert_eq!(bed.dwell(&["limit", "confirm", &id]).code, 4, "an hour is missing");
    daemon.terminate();
    let mut daemon = daemon_after(&bed, 12 * MINUTE + 24 * HOUR);
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10, "it does not happen by itself");
    let _ = bed.dwell(&["limit", "confirm", &id]).ok();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
    daemon.terminate();
}

#[test]
fn a_change_that_nobody_confirms_lapses() {
    let Some(bed) = bed() else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m"]).ok();
    daemon.terminate();
    let mut daemon = daemon_after(&bed, 11 * MINUTE);
    let removed = bed.dwell_json(&["limit", "remove", "appa"]);
    let id = removed["pending"]["id"].as_str().expect("an id").to_owned();
    daemon.terminate();
    let _daemon = daemon_after(&bed, 12 * MINUTE + 48 * HOUR);
    assert_eq!(bed.dwell(&["limit", "confirm", &id]).code, 2, "it lay ready for a day");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);
}

#[test]
fn the_exit_is_there_after_ten_minutes() {
    let Some(bed) = bed() else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m"]).ok();
    let _ = bed.dwell(&["exit"]).ok();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);
    daemon.terminate();
    let mut daemon = daemon_after(&bed, 9 * MINUTE);
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10, "a minute is missing");
    daemon.terminate();
    let _daemon = daemon_after(&bed, 11 * MINUTE);
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
    let _ = bed.dwell(&["exit", "--cancel"]).ok();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);
}

#[test]
fn the_configuration_is_no_way_around() {
    let Some(bed) = bed() else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "0m"]).ok();
    daemon.terminate();
    for (ahead, config) in [
        (11 * MINUTE, "[aliases]\nAppA = \"AppZ\"\n"),
        (12 * MINUTE, "idle-after = \"1s\"\n"),
        (13 * MINUTE, "day-start = \"11:00\"\n"),
    ] {
        // Changed while the daemon was away, and while it is there.
        bed.place().write(&bed.place().config(), config);
        let mut daemon = daemon_after(&bed, ahead);
        assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10, "{config}");
        let doctor = bed.dwell(&["doctor", "--json"]).json();
        let parts = doctor["parts"].as_array().cloned().unwrap_or_default();
        let told = parts.iter().any(|part| part["part"] == "settings" && part["ok"] == false);
        assert!(told, "{config}: {doctor}");
        daemon.terminate();
    }
    bed.place().write(&bed.place().config(), "");
    let _daemon = daemon_after(&bed, 14 * MINUTE);
    let doctor = bed.dwell(&["doctor", "--json"]).json();
    let parts = doctor["parts"].as_array().cloned().unwrap_or_default();
    assert!(parts.iter().all(|part| part["part"] != "settings"), "{doctor}");
}
