//! Compositors of the wlroots kind: those that tell what has focus, and those that do not.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints what it measured"
)]

use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass, wait_until};
use dwell_tests::{Bed, Kind, milliseconds_by_app};
use rustix::process::Signal;

/// Nothing can be counted, and every answer says so in its way.
fn is_unsupported(kind: Kind, name: &str) {
    let Some(bed) = Bed::start(kind) else { return };
    let mut daemon = bed.daemon();
    let focus = || {
        let status = bed.dwell_json(&["status"]);
        let parts = status["health"].as_array().cloned().unwrap_or_default();
        parts.into_iter().find(|part| part["part"] == "focus" && part["ok"] == false)
    };
    let said = || focus().is_some_and(|part| part["message"].as_str().unwrap().contains(name));
    assert!(wait_until(Deadline::seconds(10), said), "{:?}", focus());
    let_pass(Duration::from_secs(3));

    let document = bed.dwell(&["doctor", "--json"]).json();
    let part = |name: &str| document["parts"].as_array().unwrap().iter().find(|part| part["part"] == name);
    assert_eq!(part("desktop").unwrap()["message"], format!("{name} on Wayland"), "{document}");
    let fix = part("focus").unwrap()["fix"].as_str().unwrap();
    assert!(fix.starts_with("log in to GNOME, KDE Plasma, sway,"), "{document}");
    let doctor = bed.dwell(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    let words = doctor.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let plainly = format!("unsupported: {name} tells no other program what has focus, so no time is counted");
    assert!(words.contains(&plainly), "{}", doctor.stdout);
    assert!(words.contains("log in to GNOME, KDE Plasma, sway,"), "{}", doctor.stdout);

    let status = bed.dwell(&["status"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");
    // "No data" is what 3 means, and the document is whole all the same.
    let report = bed.dwell(&["report", "--json"]);
    assert_eq!(report.code, 3, "{report:?}");
    let report = report.json();
    assert_eq!(report["rows"].as_array().unwrap().len(), 0, "{report}");
    assert!(report["coverage"]["unobserved_seconds"].as_i64().unwrap() >= 3, "{report}");
    assert_eq!(report["total_seconds"], 0);
    let spans = bed.spans();
    assert!(!spans.is_empty() && spans.iter().all(|span| span.kind == "unobserved"), "{spans:?}");
    assert!(daemon.is_running());
    daemon.terminate();
}

#[test]
fn weston_is_unsupported_and_says_so() {
    is_unsupported(Kind::Weston, "weston");
}

#[test]
fn cage_is_unsupported_and_says_so() {
    is_unsupported(Kind::Cage, "cage");
}

/// Milliseconds of attention that dwell counted for an app between two instants.
fn counted(bed: &Bed, app: &str, from: Stamp, to: Stamp) -> i64 {
    milliseconds_by_app(&bed.spans(), from, to).get(app).copied().unwrap_or(0)
}

/// How far dwell and the observer may differ over some twenty changes: 20 ms for each. A lost second is more.
const TOLERANCE_MS: i64 = 400;

/// How far a single instant may be off: dwell's debounce of 50 ms, and a busy machine.
const INSTANT_MS: i64 = 500;

/// dwell follows focus as the tests' own client of the same protocol does, and puts windows away.
fn focus_is_told_by_the_toplevels(kind: Kind, name: &str) {
    let Some(bed) = Bed::start(kind) else { return };
    let windows = [bed.open("AppA", "alpha"), bed.open("AppB", "beta")];
    let observer = bed.observe();
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    let health = bed.dwell_json(&["status"])["health"].clone();
    let health = health.as_array().unwrap();
    let focus = health.iter().find(|part| part["part"] == "focus").unwrap();
    assert_eq!(focus["message"], format!("told by {name} (wlr-foreign-toplevel)"), "{focus}");

    let from = Stamp::now();
    for window in windows.iter().cycle().take(20) {
        bed.ask_for_focus(window);
        assert!(observer.wait_for(window.app(), Deadline::seconds(5)), "{:?}", observer.seen());
        let_pass(Duration::from_millis(200));
    }
    let to = Stamp::now();
    let seen = observer.milliseconds_by_app(from, to);
    for (app, milliseconds) in &seen {
        let measured = counted(&bed, app, from, to);
        eprintln!("{name}: {app}: dwell {measured} ms, observer {milliseconds} ms of {}", to.since(from));
        assert!(
            (measured - milliseconds).abs() <= TOLERANCE_MS,
            "{app}: dwell {measured}, observer {seen:?}"
        );
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn sway_without_its_ipc_is_told_by_the_toplevels() {
    focus_is_told_by_the_toplevels(Kind::SwayAlone, "sway");
}

#[test]
fn labwc_is_told_by_the_toplevels() {
    focus_is_told_by_the_toplevels(Kind::Labwc, "labwc");
}

/// labwc minimises for real.
#[test]
fn labwc_windows_are_hidden_and_shown() {
    let Some(bed) = Bed::start(Kind::Labwc) else { return };
    let (alpha, beta) = (bed.open("AppA", "alpha"), bed.open("AppB", "beta"));
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    bed.hide(&beta);
    assert!(bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&beta)));
    bed.ask_for_focus(&alpha);
    bed.wait_for_dwell_to_see("AppA");
    bed.ask_for_focus(&beta);
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&beta)));
    bed.wait_for_dwell_to_see("AppB");
}

/// The focus part of `dwell status`: whether it works, and what is said of it.
fn focus_health(bed: &Bed) -> (bool, String) {
    let status = bed.dwell_json(&["status"]);
    let parts = status["health"].as_array().cloned().unwrap_or_default();
    let focus = parts.into_iter().find(|part| part["part"] == "focus").unwrap_or_default();
    (focus["ok"] == true, focus["message"].as_str().unwrap_or_default().to_owned())
}

/// How soon a compositor that goes must be missed, and one that answers taken up, also on a busy machine.
const NOTICED_WITHIN_MS: i64 = 5000;

fn a_crash_is_unobserved_and_the_next_one_is_taken_up(kind: Kind) {
    let Some(mut bed) = Bed::start(kind) else { return };
    let _window = bed.open("AppA", "alpha");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let_pass(Duration::from_secs(1));
    bed.kill_desktop();
    let killed = Stamp::now();
    assert!(wait_until(Deadline::seconds(10), || !focus_health(&bed).0), "the crash is not noticed");
    let took = Stamp::now().since(killed);
    eprintln!("{kind:?}: missed within {took} ms");
    assert!(took <= NOTICED_WITHIN_MS, "missed {took} ms after the crash");
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");
    let_pass(Duration::from_secs(2));
    bed.start_desktop();
    // It returns when the new one answers.
    let answers = Stamp::now();
    assert!(wait_until(Deadline::seconds(10), || focus_health(&bed).0), "not taken up");
    let took = Stamp::now().since(answers);
    eprintln!("{kind:?}: taken up within {took} ms");
    assert!(took <= NOTICED_WITHIN_MS, "taken up {took} ms after it answered");
    let _window = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    assert!(daemon.is_running());

    let late = Stamp { wall_ms: killed.wall_ms + INSTANT_MS, ..killed };
    assert_eq!(counted(&bed, "AppA", late, Stamp::now()), 0);
    let gap: i64 = bed
        .spans()
        .iter()
        .filter(|span| span.kind == "unobserved")
        .map(|span| span.within(killed.wall_ms, answers.wall_ms))
        .sum();
    assert!(gap >= 1800, "only {gap} ms are unobserved");
}

#[test]
fn a_sway_that_crashes_is_taken_up_again() {
    a_crash_is_unobserved_and_the_next_one_is_taken_up(Kind::Sway);
}

#[test]
fn a_sway_alone_that_crashes_is_taken_up_again() {
    a_crash_is_unobserved_and_the_next_one_is_taken_up(Kind::SwayAlone);
}

#[test]
fn a_labwc_that_crashes_is_taken_up_again() {
    a_crash_is_unobserved_and_the_next_one_is_taken_up(Kind::Labwc);
}

/// A stopped compositor tells nothing, not even that nobody is there.
#[test]
fn a_sway_that_is_stopped_is_unobserved_until_it_goes_on() {
    let Some(mut bed) = Bed::start(Kind::Sway) else { return };
    bed.idle_after("5s");
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
    bed.compositor().signal(Signal::STOP);
    let says_so = || {
        let (ok, message) = focus_health(&bed);
        !ok && message.contains("does not answer; it is taken up again when it does")
    };
    assert!(wait_until(Deadline::seconds(20), says_so), "{:?}", focus_health(&bed));
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");
    bed.compositor().signal(Signal::CONT);
    let goes_on = Stamp::now();
    bed.press_key();
    assert!(wait_until(Deadline::seconds(10), || focus_health(&bed).0), "{:?}", focus_health(&bed));
    let took = Stamp::now().since(goes_on);
    eprintln!("sway: taken up within {took} ms after it went on");
    assert!(took <= NOTICED_WITHIN_MS, "taken up {took} ms after it went on");
    bed.wait_for_dwell_to_see("AppA");
}

/// Idleness, a return, and a lock by a real swaylock: none of it is counted, and what is between them is.
fn absences_are_not_counted(kind: Kind) {
    let Some(mut bed) = Bed::start(kind) else { return };
    bed.idle_after("3s");
    if !bed.prepare_lock() {
        return;
    }
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    // A key at each look: nobody is idle before dwell has seen anything.
    let sees = || {
        bed.press_key();
        bed.dwell_json(&["status"])["active"]["app"] == "AppA"
    };
    assert!(wait_until(Deadline::seconds(10), sees), "{}", bed.dwell(&["status"]).stdout);
    let last = Stamp::now();
    let idle = || bed.dwell_json(&["status"])["state"] == "idle";
    assert!(wait_until(Deadline::seconds(10), idle), "{}", bed.dwell(&["status"]).stdout);
    // The compositor tells only that the time is over: what comes late is back-dated too little.
    let late = (Stamp::now().since(last) - 3000).clamp(0, 2500);
    let_pass(Duration::from_secs(1));
    let returning = Stamp::now();
    bed.press_key();
    let back = Stamp::now();
    bed.wait_for_dwell_to_see("AppA");
    let_pass(Duration::from_secs(1));
    // The locker takes its time to start, in which nobody is idle.
    bed.press_key();
    bed.lock();
    let locked = Stamp::now();
    let_pass(Duration::from_millis(1500));
    let unlocking = Stamp::now();
    bed.unlock();
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");

    let later = |stamp: Stamp, ms: i64| Stamp { wall_ms: stamp.wall_ms + ms, boot_ms: stamp.boot_ms + ms };
    assert_eq!(counted(&bed, "AppA", later(last, INSTANT_MS + late), returning), 0, "idle time was counted");
    assert_eq!(counted(&bed, "AppA", later(locked, INSTANT_MS), unlocking), 0, "a lock was counted");
    let between = counted(&bed, "AppA", back, locked);
    assert!((locked.since(back) - between).abs() <= INSTANT_MS, "counted {between} ms between them");
}

#[test]
fn labwc_absences_are_not_counted() {
    absences_are_not_counted(Kind::Labwc);
}

#[test]
fn sway_alone_absences_are_not_counted() {
    absences_are_not_counted(Kind::SwayAlone);
}
