//! The test beds themselves: windows appear, focus is seen, notifications are recorded, and nothing is left behind.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use dwell_tests::clock::{Deadline, Stamp, let_pass};
use dwell_tests::{Asked, Bed, Kind, Lines, Place};

fn windows_appear_and_focus_is_seen(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    let observer = bed.observe();
    let alpha = bed.open("AppA", "alpha");
    assert!(observer.wait_for("AppA", Deadline::seconds(5)), "{:?}", observer.seen());
    let beta = bed.open("AppB", "beta");
    assert!(observer.wait_for("AppB", Deadline::seconds(5)), "{:?}", observer.seen());

    let from = Stamp::now();
    for _ in 0..3 {
        for window in [&alpha, &beta] {
            bed.ask_for_focus(window);
            assert!(observer.wait_for(window.app(), Deadline::seconds(5)), "{:?}", observer.seen());
            let_pass(std::time::Duration::from_millis(100));
        }
    }
    let to = Stamp::now();
    let shares = observer.milliseconds_by_app(from, to);
    let sum: i64 = shares.values().sum();
    assert!((to.since(from) - sum).abs() <= 200, "{shares:?} in {} ms", to.since(from));
    assert!(shares["AppA"] >= 250 && shares["AppB"] >= 250, "{shares:?}");
    assert!(!bed.is_hidden(&alpha) && !bed.is_hidden(&beta));
    bed.press_key();

    drop(alpha);
    assert!(bed.wait_until(Deadline::seconds(5), || bed.is_open(&beta)));
}

#[test]
fn x11_windows_appear_and_focus_is_seen() {
    windows_appear_and_focus_is_seen(Kind::X11);
}

#[test]
fn sway_windows_appear_and_focus_is_seen() {
    windows_appear_and_focus_is_seen(Kind::Sway);
}

#[test]
fn sway_alone_windows_appear_and_focus_is_seen() {
    windows_appear_and_focus_is_seen(Kind::SwayAlone);
}

#[test]
fn labwc_windows_appear_and_focus_is_seen() {
    windows_appear_and_focus_is_seen(Kind::Labwc);
}

#[test]
fn a_window_that_is_put_away_is_seen_as_hidden() {
    if let Some(bed) = Bed::start(Kind::X11) {
        let window = bed.open("AppA", "alpha");
        bed.place().run("xdotool", &["search", "--name", "^alpha$", "windowminimize"]);
        assert!(bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&window)));
        bed.ask_for_focus(&window);
        assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&window)));
        bed.place().run("wmctrl", &["-c", "alpha"]);
        assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_open(&window)));
    }
    if let Some(bed) = Bed::start(Kind::Sway) {
        let window = bed.open("AppA", "alpha");
        bed.place().run("swaymsg", &["-q", "[app_id=AppA] move scratchpad"]);
        assert!(bed.wait_until(Deadline::seconds(5), || bed.is_hidden(&window)));
        bed.ask_for_focus(&window);
        assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&window)));
        bed.place().run("swaymsg", &["-q", "[app_id=AppA] kill"]);
        assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_open(&window)));
    }
}

#[test]
fn notifications_are_recorded_and_answered() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let notices = bed.record_notices();
    let place = bed.place();
    let notify = |replaces: &str| {
        let service = ["--session", "--dest", "org.freedesktop.Notifications"];
        let object = ["--object-path", "/org/freedesktop/Notifications"];
        let method = ["--method", "org.freedesktop.Notifications.Notify"];
        let call = ["tests", replaces, "", "AppA", "two minutes left", "['more','5 more minutes']"];
        let rest = ["{'urgency': <byte 2>}", "0"];
        let arguments: Vec<&str> = ["call"]
            .iter()
            .chain(&service)
            .chain(&object)
            .chain(&method)
            .chain(&call)
            .chain(&rest)
            .copied()
            .collect();
        place.run("gdbus", &arguments)
    };
    assert_eq!(notify("0").trim(), "(uint32 1,)");
    assert_eq!(notify("1").trim(), "(uint32 1,)");

    let second =
        notices.wait_for(Deadline::seconds(5), |notice| notice.replaces == 1).expect("the second notice");
    assert_eq!((second.summary.as_str(), second.body.as_str()), ("AppA", "two minutes left"));
    assert_eq!(second.actions, ["more", "5 more minutes"]);
    assert_eq!(second.hints, HashMap::from([("urgency".to_owned(), "U8(2)".to_owned())]));
    assert_eq!(notices.shown().len(), 2);

    let signals = monitor(bed.place(), "--session");
    assert_eq!(second.buttons(), ["more"]);
    assert!(second.is_critical());
    assert_eq!(notices.on_screen().len(), 1);
    notices.press(&second, "more");
    for expected in ["member=ActionInvoked", "uint32 1", "string \"more\"", "member=NotificationClosed"] {
        let seen = signals.find(Deadline::seconds(5), |_, line| line.contains(expected).then_some(()));
        assert!(seen.is_some(), "no {expected}");
    }
    assert!(notices.on_screen().is_empty(), "what was answered is gone");

    notify("0");
    let third = notices.wait_for(Deadline::seconds(5), |notice| notice.id == 2).expect("the third notice");
    notices.dismiss(&third);
    assert!(notices.wait_for_screen(Deadline::seconds(5), <[_]>::is_empty));
    let close = ["--object-path", "/org/freedesktop/Notifications", "--method"];
    let call = ["call", "--session", "--dest", "org.freedesktop.Notifications"];
    let method = ["org.freedesktop.Notifications.CloseNotification", "2"];
    place.run("gdbus", &[&call[..], &close, &method].concat());
    let asked = notices.asked();
    let order: Vec<String> = asked
        .iter()
        .map(|asked| match asked {
            Asked::Show(notice) => format!("show {}", notice.id),
            Asked::Close { id, .. } => format!("close {id}"),
            Asked::Answered { id, .. } => format!("answered {id}"),
        })
        .collect();
    assert_eq!(order, ["show 1", "show 1", "answered 1", "show 2", "answered 2", "close 2"]);
}

/// Prints every signal on a bus, from now on: it has lost its name once the bus made it a monitor.
fn monitor(place: &Place, bus: &str) -> Lines {
    let signals = place.lines("dbus-monitor", &[bus, "type='signal'"]);
    let watching = |_, line: &str| line.contains("member=NameLost").then_some(());
    signals.find(Deadline::seconds(5), watching).expect("the monitor to watch");
    signals
}

#[test]
fn a_mocked_logind_locks_and_sleeps() {
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let place = bed.place();
    let Some(logind) = bed.mock_logind() else { return };
    let signals = monitor(place, "--system");
    logind.lock(true);
    logind.prepare_for_sleep(true);
    logind.activate(false);
    for expected in [
        "interface=org.freedesktop.login1.Session; member=Lock",
        "string \"LockedHint\"",
        "variant             boolean true",
        "interface=org.freedesktop.login1.Manager; member=PrepareForSleep",
        "boolean true",
        "string \"Active\"",
        "boolean false",
    ] {
        let seen = signals.find(Deadline::seconds(5), |_, line| line.contains(expected).then_some(()));
        assert!(seen.is_some(), "no {expected}");
    }
}

/// Ends a bed in the way given and looks for what is left of it: processes, its folder, sockets of the X server.
fn leaves_nothing(kind: Kind, end: impl FnOnce(Bed)) {
    let Some(bed) = Bed::start(kind) else { return };
    let notices = bed.record_notices();
    let display = bed
        .place()
        .variable("DISPLAY")
        .map(|display| display.to_str().unwrap().trim_start_matches(':').to_owned());
    let folder = bed.folder().to_owned();
    let window = bed.open("AppA", "alpha");
    let observer = bed.observe();
    let before = processes_that_name(&folder);
    assert!(before.len() >= 4, "the bed runs {before:?}");

    drop((window, observer, notices));
    end(bed);
    assert_eq!(processes_that_name(&folder), Vec::<String>::new());
    assert!(!folder.exists());
    if let Some(number) = display {
        assert!(!Path::new(&format!("/tmp/.X{number}-lock")).exists());
        assert!(!Path::new(&format!("/tmp/.X11-unix/X{number}")).exists());
    }
}

/// Every process of the bed has its folder in the environment.
fn processes_that_name(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap().as_bytes();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process = entry.ok()?.path();
        let environment = fs::read(process.join("environ")).ok()?;
        let ours = environment.windows(name.len()).any(|window| window == name);
        ours.then(|| fs::read_to_string(process.join("comm")).unwrap_or_default())
    });
    processes.collect()
}

#[test]
fn an_x11_bed_leaves_nothing() {
    leaves_nothing(Kind::X11, drop);
}

#[test]
fn a_sway_bed_leaves_nothing() {
    leaves_nothing(Kind::Sway, drop);
}

#[test]
fn a_sway_alone_bed_leaves_nothing() {
    leaves_nothing(Kind::SwayAlone, drop);
}

#[test]
fn a_labwc_bed_leaves_nothing() {
    leaves_nothing(Kind::Labwc, drop);
}

#[test]
fn a_bed_whose_test_panics_leaves_nothing() {
    leaves_nothing(Kind::X11, |bed| {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _bed = bed;
            std::panic::resume_unwind(Box::new("the test failed"));
        }));
        assert!(panicked.is_err());
    });
}
