//! A rule that was made stricter by a slip of the finger, with a daemon whose boot clock is ahead (see `waits.rs`).

#![expect(clippy::panic, reason = "a test fails by panicking")]

use dwell_tests::{Bed, Daemon, Kind, machine};

const MINUTE: u64 = 60;

fn daemon_after(bed: &Bed, seconds: u64) -> Daemon {
    let ahead = seconds.to_string();
    let unshare = ["unshare", "--time", "--boottime", &ahead];
    bed.try_daemon_under(&unshare, &[]).unwrap_or_else(|refusal| panic!("{}", refusal.stderr))
}

fn bed() -> Option<Bed> {
    let bed = Bed::start(Kind::NoDisplay)?;
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
fn an_old_rule_that_was_made_stricter_can_be_set_back_for_ten_minutes() {
    let Some(bed) = bed() else { return };
    let mut daemon = bed.daemon();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "60m"]).ok();
    daemon.terminate();

    let mut daemon = daemon_after(&bed, 11 * MINUTE);
    let set = |amount: &str| bed.dwell_json(&["limit", "set", "app:AppA", amount])["limits"][0].clone();
    assert_eq!(set("6m")["pending"], serde_json::Value::Null);
    // Looser than it was waits, and so does what lies between.
    assert_ne!(set("61m")["pending"], serde_json::Value::Null);
    assert_ne!(set("59m")["pending"], serde_json::Value::Null);
    assert_eq!(set("60m")["pending"], serde_json::Value::Null);
    assert_eq!(bed.dwell_json(&["limit", "list"])["limits"][0]["budget_seconds"], 3600);
    let _ = set("30m");
    daemon.terminate();

    // It is kept, but not for longer than that.
    let mut daemon = daemon_after(&bed, 15 * MINUTE);
    assert_eq!(set("60m")["pending"], serde_json::Value::Null);
    let _ = set("30m");
    daemon.terminate();
    let _daemon = daemon_after(&bed, 27 * MINUTE);
    assert_ne!(set("60m")["pending"], serde_json::Value::Null);
}
