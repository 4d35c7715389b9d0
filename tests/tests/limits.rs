//! Limits on real windows: the person is warned, then the window really goes, and only that window.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints what it measured"
)]

use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass};
use dwell_tests::{Bed, Kind, Observer, Window};
use serde_json::Value;

/// How long after the limit it may take until the window is gone.
const PROMPTLY_MS: i64 = 1000;

/// Two windows, with AppB in focus, and everything that watches them.
struct Scene {
    alpha: Window,
    beta: Window,
    observer: Observer,
    notices: dwell_tests::Notices,
    daemon: dwell_tests::Daemon,
    bed: Bed,
}

impl Scene {
    fn set(kind: Kind) -> Option<Self> {
        let bed = Bed::start(kind)?;
        let notices = bed.record_notices();
        let (alpha, beta) = (bed.open("AppA", "alpha"), bed.open("AppB", "beta"));
        let observer = bed.observe();
        let daemon = bed.daemon();
        bed.wait_for_dwell_to_see("AppB");
        Some(Scene { alpha, beta, observer, notices, daemon, bed })
    }

    /// Gives AppA focus and says since when it had it.
    fn use_alpha(&self) -> Stamp {
        let asked = Stamp::now();
        self.bed.ask_for_focus(&self.alpha);
        assert!(self.observer.wait_for_again("AppA", asked, Deadline::seconds(5)));
        asked
    }

    /// A window may be hidden a moment before the one behind it has focus. Who brings it back in that moment changes
    /// nothing for those who are told of changes.
    fn wait_until_beta_has_focus(&self) {
        assert!(self.observer.wait_for("AppB", Deadline::seconds(5)), "focus stays with what is hidden");
    }

    /// Waits until the condition holds and asserts that it came promptly after three seconds of use, and not before.
    fn assert_at_the_limit(&self, began: Stamp, condition: impl FnMut() -> bool) {
        assert!(self.bed.wait_until(Deadline::seconds(10), condition), "nothing happened at the limit");
        let happened = Stamp::now();
        // The observer hears of a change through a tool and a pipe, at times later than dwell does.
        let used_up = self.observer.when_used_up("AppA", began, 2900).unwrap_or_else(|| {
            panic!(
                "it happened before three seconds were used: {:?}",
                self.observer.milliseconds_by_app(began, happened)
            )
        });
        let late = happened.boot_ms - used_up - 100;
        eprintln!("{late} ms after the limit");
        assert!(late <= PROMPTLY_MS, "{late} ms after the limit");
    }
}

fn a_limit_warns_and_puts_the_window_away(kind: Kind) {
    let Some(scene) = Scene::set(kind) else { return };
    let (bed, notices) = (&scene.bed, &scene.notices);
    let _ = bed.dwell(&["limit", "set", "app:AppA", "3s", "--warn", "2s"]).ok();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);

    let began = scene.use_alpha();
    let warning = notices.wait_for(Deadline::seconds(10), |_| true).expect("a warning");
    assert!(!bed.is_hidden(&scene.alpha), "put away before the warning");
    assert!(warning.summary.contains("AppA"), "{warning:?}");
    scene.assert_at_the_limit(began, || bed.is_hidden(&scene.alpha));
    assert!(bed.is_open(&scene.alpha), "put away, not closed");
    assert!(!bed.is_hidden(&scene.beta), "another program's window was put away");

    let reached =
        notices.wait_for(Deadline::seconds(5), |notice| notice.at > warning.at).expect("a second notice");
    assert_eq!(
        reached.replaces,
        warning.id,
        "notices of one rule take each other's place: {:?}",
        notices.shown()
    );
    assert!(warning.at < reached.at);

    // It comes back, and goes again.
    for _ in 0..3 {
        scene.wait_until_beta_has_focus();
        scene.use_alpha();
        let back = Stamp::now();
        assert!(
            bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&scene.alpha)),
            "it came back and stayed"
        );
        assert!(Stamp::now().since(back) <= PROMPTLY_MS);
    }

    // The rule is named, to people and to scripts.
    let limits = bed.dwell_json(&["limit", "list"]);
    let id = limits["limits"][0]["id"].as_str().expect("an id").to_owned();
    let why = bed.dwell_json(&["why", "app:AppA"]);
    assert_eq!(
        (&why["schema"], &why["verdict"]),
        (&Value::from("dwell.why/1"), &Value::from("blocked")),
        "{why}"
    );
    assert_eq!(why["rules"][0]["id"], id.as_str());
    let told = bed.dwell(&["why", "app:AppA"]).ok();
    assert!(told.stdout.contains(&id) || told.stdout.contains("app:AppA"), "{}", told.stdout);
    let check = bed.dwell(&["check", "app:AppA"]);
    assert_eq!(check.code, 10, "{check:?}");
    let check = bed.dwell(&["check", "app:AppA", "--json"]);
    assert_eq!((check.code, &check.json()["rule"]), (10, &Value::from(id.as_str())));
    assert_eq!(bed.dwell(&["check", "app:AppB"]).code, 0);

    // Without the rule it stays. The rule is minutes old, so it goes at once.
    let _ = bed.dwell(&["limit", "remove", &id]).ok();
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&scene.alpha)), "not given back");
    bed.ask_for_focus(&scene.alpha);
    let_pass(Duration::from_secs(1));
    assert!(!bed.is_hidden(&scene.alpha), "put away without a rule");
    // dwell sees to it that what it gives back does not come to the front at once; so this may have to ask twice.
    let in_front = || {
        let is = scene.observer.current().as_deref() == Some("AppA");
        if !is {
            bed.ask_for_focus(&scene.alpha);
        }
        is
    };
    assert!(bed.wait_until(Deadline::seconds(5), in_front), "it cannot be used without a rule");
    let_pass(Duration::from_secs(1));
    assert!(!bed.is_hidden(&scene.alpha), "put away without a rule");
    assert_eq!(scene.observer.current().as_deref(), Some("AppA"));
}

/// A program can see to its windows coming back, as soon as they are put away and as often as it likes.
fn a_window_that_keeps_coming_back_goes_in_the_end(kind: Kind) {
    let Some(scene) = Scene::set(kind) else { return };
    let bed = &scene.bed;
    let _ = bed.dwell(&["limit", "set", "app:AppA", "1s"]).ok();
    let began = scene.use_alpha();
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&scene.alpha)), "nothing happened");

    let nagging = Deadline::seconds(3);
    while !nagging.passed() {
        bed.ask_for_focus(&scene.alpha);
    }
    let away = bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&scene.alpha));
    assert!(away, "it came back and stayed: {}", scene.daemon.stderr());
    scene.wait_until_beta_has_focus();
    bed.wait_for_dwell_to_see("AppB");
    // The warning, the limit, and at most one a second of what comes back.
    let told = i64::try_from(scene.notices.shown().len()).expect("a few");
    let seconds = Stamp::now().since(began) / 1000;
    assert!(told <= 3 + seconds, "{told} notices in {seconds} s");
}

#[test]
fn x11_a_window_that_keeps_coming_back_goes_in_the_end() {
    a_window_that_keeps_coming_back_goes_in_the_end(Kind::X11);
}

#[test]
fn sway_a_window_that_keeps_coming_back_goes_in_the_end() {
    a_window_that_keeps_coming_back_goes_in_the_end(Kind::Sway);
}

#[test]
fn kwin_a_window_that_keeps_coming_back_goes_in_the_end() {
    a_window_that_keeps_coming_back_goes_in_the_end(Kind::Kwin);
}

#[test]
fn xfwm4_a_window_that_keeps_coming_back_goes_in_the_end() {
    a_window_that_keeps_coming_back_goes_in_the_end(Kind::Xfwm4);
}

#[test]
fn labwc_a_window_that_keeps_coming_back_goes_in_the_end() {
    a_window_that_keeps_coming_back_goes_in_the_end(Kind::Labwc);
}

#[test]
fn gnome_a_window_that_keeps_coming_back_goes_in_the_end() {
    a_window_that_keeps_coming_back_goes_in_the_end(Kind::Gnome);
}

/// Seen in GNOME Shell: a window that comes back before the shell draws again never loses focus.
#[test]
fn gnome_a_window_that_comes_back_in_the_same_moment_goes_again() {
    let Some(scene) = Scene::set(Kind::Gnome) else { return };
    let bed = &scene.bed;
    let _ = bed.dwell(&["limit", "set", "app:AppA", "1s"]).ok();
    bed.have_it_stay(&scene.alpha, 3);
    scene.use_alpha();
    let stays_away = || bed.is_hidden(&scene.alpha) && scene.observer.current().as_deref() == Some("AppB");
    assert!(bed.wait_until(Deadline::seconds(10), stays_away), "it came back and stayed");
    bed.wait_for_dwell_to_see("AppB");
}

#[test]
fn x11_a_limit_warns_and_puts_the_window_away() {
    a_limit_warns_and_puts_the_window_away(Kind::X11);
}

#[test]
fn sway_a_limit_warns_and_puts_the_window_away() {
    a_limit_warns_and_puts_the_window_away(Kind::Sway);
}

#[test]
fn gnome_a_limit_warns_and_puts_the_window_away() {
    a_limit_warns_and_puts_the_window_away(Kind::Gnome);
}

/// KWin numbers a script by how many there are, so that one that is loaded after another has gone gets the number of a
/// third, which KWin runs in its place.
#[test]
fn kwin_by_script_a_limit_acts_though_somebody_elses_script_has_gone() {
    let Some(bed) = Bed::start(Kind::KwinUngranted) else { return };
    let scripting = |method: &str, arguments: &[&str]| {
        let method = format!("org.kde.kwin.Scripting.{method}");
        let call = ["call", "--session", "--dest", "org.kde.KWin", "--object-path", "/Scripting", "--method"];
        bed.place().run("gdbus", &[&call[..], &[&method], arguments].concat())
    };
    let file = bed.place().home().join("elses.js");
    bed.place().write(&file, "let nothing;");
    scripting("loadScript", &[&file.display().to_string(), "elses"]);
    let alpha = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    scripting("unloadScript", &["elses"]);
    let _ = bed.dwell(&["limit", "set", "app:AppA", "1s"]).ok();
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)), "not put away");
}

fn a_limit_closes_the_window_where_the_rule_says_so(kind: Kind) {
    let Some(mut scene) = Scene::set(kind) else { return };
    let _ = scene.bed.dwell(&["limit", "set", "app:AppA", "3s", "--at-limit", "close"]).ok();
    let began = scene.use_alpha();
    scene.assert_at_the_limit(began, || !scene.bed.is_open(&scene.alpha));
    let status = scene.alpha.process().wait(Deadline::seconds(5)).expect("the program ends with its window");
    assert_ne!(status.code(), None, "it was asked to close, not killed");
    assert!(scene.bed.is_open(&scene.beta));
    assert!(!scene.bed.is_hidden(&scene.beta));
}

#[test]
fn x11_a_limit_closes_the_window_where_the_rule_says_so() {
    a_limit_closes_the_window_where_the_rule_says_so(Kind::X11);
}

#[test]
fn sway_a_limit_closes_the_window_where_the_rule_says_so() {
    a_limit_closes_the_window_where_the_rule_says_so(Kind::Sway);
}

#[test]
fn gnome_a_limit_closes_the_window_where_the_rule_says_so() {
    a_limit_closes_the_window_where_the_rule_says_so(Kind::Gnome);
}

#[test]
fn a_limit_only_tells_where_the_rule_says_so() {
    let Some(scene) = Scene::set(Kind::X11) else { return };
    let watch = scene.bed.watch();
    let _ = scene.bed.dwell(&["limit", "set", "app:AppA", "3s", "--at-limit", "notify"]).ok();
    scene.use_alpha();
    for event in ["limit-warning", "limit-reached"] {
        let seen = watch.find(Deadline::seconds(10), |_, line| {
            let value: Value = serde_json::from_str(line).unwrap();
            (value["event"] == event).then_some(())
        });
        assert!(seen.is_some(), "no {event}");
    }
    let first = scene.notices.wait_for(Deadline::seconds(5), |_| true).expect("a warning");
    assert!(scene.notices.wait_for(Deadline::seconds(5), |notice| notice.at > first.at).is_some());
    let_pass(Duration::from_secs(1));
    assert!(scene.bed.is_open(&scene.alpha) && !scene.bed.is_hidden(&scene.alpha));
    assert_eq!(scene.observer.current().as_deref(), Some("AppA"));
}

#[test]
fn a_limit_holds_over_a_restart() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let alpha = bed.open("AppA", "alpha");
    let observer = bed.observe();
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let _ = bed.dwell(&["limit", "set", "app:AppA", "1s"]).ok();
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)));
    daemon.kill9();

    // While nobody watches it comes back; the next daemon puts it away at once.
    let asked = Stamp::now();
    bed.ask_for_focus(&alpha);
    assert!(observer.wait_for_again("AppA", asked, Deadline::seconds(5)));
    let _daemon = bed.daemon();
    assert!(bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&alpha)), "forgotten over a restart");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);
}
