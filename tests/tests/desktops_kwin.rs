//! dwelld on a real KWin, by both of its ways: the window list that KWin grants to the installed program, and the script
//! where it grants nothing.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Kind};

/// What dwelld says of a part.
fn health(bed: &Bed, part: &str) -> (bool, String) {
    let status = bed.dwell_json(&["status"]);
    let parts = status["health"].as_array().cloned().unwrap_or_default();
    let part = parts.iter().find(|known| known["part"] == part).cloned().unwrap_or_default();
    (part["ok"] == true, part["message"].as_str().unwrap_or_default().to_owned())
}

fn wait_for_health(bed: &Bed, part: &str, words: &str) {
    let is_so = || {
        let (ok, message) = health(bed, part);
        ok && message.contains(words)
    };
    assert!(wait_until(Deadline::seconds(10), is_so), "{:?}", health(bed, part));
}

fn focus_is_followed(kind: Kind, how: &str) {
    let Some(bed) = Bed::start(kind) else { return };
    let _daemon = bed.daemon();
    wait_for_health(&bed, "focus", how);
    let alpha = bed.open("AppA", "alpha");
    bed.wait_for_dwell_to_see("AppA");
    let beta = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    bed.ask_for_focus(&alpha);
    bed.wait_for_dwell_to_see("AppA");
    bed.close(alpha);
    bed.wait_for_dwell_to_see("AppB");
    bed.close(beta);
}

#[test]
fn kwin_grants_its_window_list_to_the_installed_daemon() {
    focus_is_followed(Kind::Kwin, "KWin tells");
}

#[test]
fn without_a_grant_a_script_tells() {
    focus_is_followed(Kind::KwinUngranted, "script");
}
