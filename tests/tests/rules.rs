//! Rules and what stands beside them, on real windows: what is put away comes back, whoever asks for it.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use dwell_tests::clock::{Deadline, let_pass, wait_until};
use dwell_tests::{Bed, Kind};

/// A rule for AppA that is used up after a second, and can be put off at once with a sentence.
const SENTENCE: &str = r#"
[[rule]]
id = "alpha"
target = "app:AppA"
budget = { amount = "1s", per = "day" }
warn = []
snooze = { length = "5m", per-day = 1, wait = "1s", sentence = "I want to see it" }
"#;

/// The same, with nothing to type.
const PLAIN: &str = r#"
[[rule]]
id = "alpha"
target = "app:AppA"
budget = "1s"
warn = []
snooze = { length = "5m", per-day = 2, wait = "1s" }
"#;

fn import(bed: &Bed, text: &str) {
    let file = bed.place().temporary().join("rules.toml");
    bed.place().write(&file, text);
    let _ = bed.dwell(&["rules", "import", file.to_str().expect("a path"), "--yes"]).ok();
}

fn put_off_with_a_sentence(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    let notices = bed.record_notices();
    let alpha = bed.open("AppA", "alpha");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    import(&bed, SENTENCE);
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)));
    let told =
        notices.wait_for(Deadline::seconds(5), |notice| !notice.buttons().is_empty()).expect("a notice");
    assert_eq!(told.buttons(), ["close", "snooze", "why"]);

    let wrong = bed.dwell(&["snooze", "app:AppA", "--sentence", "please"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(bed.is_hidden(&alpha));
    let _ = bed.dwell(&["snooze", "app:AppA", "--sentence", " i want  to SEE it"]).ok();
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&alpha)), "put off, and still away");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
    let again = bed.dwell(&["snooze", "app:AppA", "--sentence", "I want to see it"]);
    assert_eq!(again.code, 4, "one a day: {again:?}");

    // A snooze outlives the daemon.
    daemon.kill9();
    let _daemon = bed.daemon();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
}

#[test]
fn x11_put_off_with_a_sentence() {
    put_off_with_a_sentence(Kind::X11);
}

#[test]
fn sway_put_off_with_a_sentence() {
    put_off_with_a_sentence(Kind::Sway);
}

#[test]
fn kwin_put_off_with_a_sentence() {
    put_off_with_a_sentence(Kind::Kwin);
}

#[test]
fn kwin_by_script_put_off_with_a_sentence() {
    put_off_with_a_sentence(Kind::KwinUngranted);
}

#[test]
fn gnome_put_off_with_a_sentence() {
    put_off_with_a_sentence(Kind::Gnome);
}

#[test]
fn the_buttons_of_a_notice_do_what_they_say() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let notices = bed.record_notices();
    let mut alpha = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    import(&bed, PLAIN);
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)));
    let told =
        notices.wait_for(Deadline::seconds(5), |notice| !notice.buttons().is_empty()).expect("a notice");
    notices.press(&told, "snooze");
    assert!(bed.wait_until(Deadline::seconds(10), || !bed.is_hidden(&alpha)), "the wait was a second");

    let _ = bed.dwell(&["limit", "set", "app:AppB", "1s"]).ok();
    let beta = bed.open("AppB", "beta");
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&beta)));
    let closing = notices
        .wait_for(Deadline::seconds(5), |notice| notice.at > told.at && notice.buttons().contains(&"close"))
        .expect("a notice");
    notices.press(&closing, "close");
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_open(&beta)), "asked to close");
    assert!(alpha.process().wait(Deadline::seconds(0)).is_none(), "another program was closed");
}

fn a_focus_session_blocks_and_gives_back(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    let (alpha, beta) = (bed.open("AppA", "alpha"), bed.open("AppB", "beta"));
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    let _ = bed.dwell(&["focus", "50m", "--block", "app:AppA"]).ok();
    bed.ask_for_focus(&alpha);
    assert!(bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&alpha)));
    assert!(!bed.is_hidden(&beta));
    let status = bed.dwell_json(&["status"]);
    assert!(status["standing"]["focus_until"].is_string(), "{status}");

    let _ = bed.dwell(&["focus", "stop"]).ok();
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&alpha)), "over, and still away");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);

    // What a daemon that stops has put away it gives back.
    let _ = bed.dwell(&["focus", "50m", "--block", "app:AppA"]).ok();
    bed.ask_for_focus(&alpha);
    assert!(bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&alpha)));
    daemon.terminate();
    assert!(
        bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&alpha)),
        "left behind: {}",
        daemon.stderr()
    );
}

#[test]
fn x11_a_focus_session_blocks_and_gives_back() {
    a_focus_session_blocks_and_gives_back(Kind::X11);
}

#[test]
fn sway_a_focus_session_blocks_and_gives_back() {
    a_focus_session_blocks_and_gives_back(Kind::Sway);
}

#[test]
fn kwin_a_focus_session_blocks_and_gives_back() {
    a_focus_session_blocks_and_gives_back(Kind::Kwin);
}

#[test]
fn kwin_by_script_a_focus_session_blocks_and_gives_back() {
    a_focus_session_blocks_and_gives_back(Kind::KwinUngranted);
}

#[test]
fn gnome_a_focus_session_blocks_and_gives_back() {
    a_focus_session_blocks_and_gives_back(Kind::Gnome);
}

#[test]
fn fifty_limits_that_only_tell_tell_twice() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let notices = bed.record_notices();
    let _alpha = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let rule = |nth: u32| {
        format!(
            "[[rule]]\nid = \"r{nth}\"\ntarget = \"app:AppA\"\nbudget = \"{}s\"\nwarn = []\nat-limit = \"notify\"\n",
            1 + nth % 3
        )
    };
    import(&bed, &(0..50).map(rule).collect::<String>());
    let reached = || {
        let limits = bed.dwell_json(&["limit", "list"]);
        let limits = limits["limits"].as_array().cloned().unwrap_or_default();
        limits.iter().filter(|limit| limit["verdict"] == "warn").count()
    };
    assert!(wait_until(Deadline::seconds(15), || reached() == 50), "{} reached", reached());
    assert!(notices.wait_for(Deadline::seconds(5), |_| true).is_some());
    let_pass(Duration::from_secs(1));
    assert!(notices.shown().len() <= 2, "{:?}", notices.shown());
    // Nothing is lost: the rest is for the report.
    let report = bed.dwell_json(&["report"]);
    let digest = report["digest"].as_array().map_or(0, Vec::len);
    assert_eq!(digest + notices.shown().len(), 50, "{report}");
}

#[test]
fn a_limit_on_a_category_holds_for_its_programs() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let file = bed.place().home().join(".local/share/applications/AppA.desktop");
    let entry =
        "[Desktop Entry]\nType=Application\nName=Alpha\nExec=alpha\nCategories=AudioVideo;Video;Player;\n";
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    bed.place().write(&file, entry);
    let (alpha, beta) = (bed.open("AppA", "alpha"), bed.open("AppB", "beta"));
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    let _ = bed.dwell(&["limit", "set", "category:video", "1s", "--warn", "0s"]).ok();
    bed.ask_for_focus(&alpha);
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)));
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);
    assert_eq!(bed.dwell(&["check", "app:AppB"]).code, 0);
    // It is no video player any more, because its person says so.
    let _ = bed.dwell(&["category", "set", "app:AppA", "office"]).ok();
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&alpha)), "given back");
    assert!(!bed.is_hidden(&beta));
}
