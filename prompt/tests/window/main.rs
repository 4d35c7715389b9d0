//! The window on real desktops: what a screen reader hears, what the keyboard does, and who is answered.
//!
//! The daemon is played by the test, with the daemon's own D-Bus declarations; everything else is real. In `limit` the
//! daemon is, too.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod desk;
mod limit;
mod looks;
mod tree;

use desk::{Call, Daemon, Desk, World, limit};
use dwell_bus::{Failure, Kind as Wrong, wire};
use dwell_tests::Kind;
use dwell_tests::clock::{Deadline, Stamp};
use tree::{EXPANDED, PROGRESS_BAR, SENSITIVE, TEXT};

const FIREFOX: &str = "app:org.mozilla.firefox";

/// The same test on Xvfb with openbox and on headless sway.
macro_rules! on_desktops {
    ($($name:ident)+) => {
        mod x11 {
            $(#[test] fn $name() { super::$name(dwell_tests::Kind::X11); })+
        }
        mod sway {
            $(#[test] fn $name() { super::$name(dwell_tests::Kind::Sway); })+
        }
    };
}

on_desktops! {
    a_screen_reader_hears_all_of_it
    enter_closes
    escape_does_nothing_else
    the_sentence_goes_along
    another_sentence_is_kindly_refused
    the_wait_is_said_once
    after_the_wait_it_can_be_pressed
    why_unfolds
    several_rules_share_the_window
    it_goes_when_the_rule_or_the_daemon_goes
    the_desktop_knows_it_by_its_desktop_file
}

fn a_screen_reader_hears_all_of_it(kind: Kind) {
    let Some(desk) = Desk::start(kind, World::default()) else { return };
    desk.show();
    let sight = desk.tree.look();
    let window = sight.dialog().unwrap();
    assert_eq!(window.name, "Firefox: that was today’s time", "{sight}");
    assert!(sight.says("Firefox: that was today’s time"), "{sight}");
    assert!(sight.says("30 of 30 minutes"), "{sight}");
    assert!(sight.says("It opens again at 04:00."), "{sight}");
    assert!(sight.says("3 times left today."), "{sight}");
    assert_eq!(sight.find(PROGRESS_BAR, "Used").and_then(|bar| bar.value), Some(1.0), "{sight}");
    let close = sight.button("Close").unwrap();
    assert_eq!(close.description, "Asks the windows of Firefox to close.");
    let more = sight.button("5 more minutes").unwrap();
    assert!(more.is(SENSITIVE) && more.description.is_empty(), "{sight}");
    let why = sight.button("Why").unwrap();
    assert_eq!(why.description, "Shows the rules that apply.");
    // Every one of them within reach of Tab, in the order in which they stand.
    for name in ["5 more minutes", "Why", "Close"] {
        desk.press("Tab");
        desk.wait(name, |sight| sight.focused().is_some_and(|part| part.name == name));
    }
}

fn enter_closes(kind: Kind) {
    let Some(desk) = Desk::start(kind, World::default()) else { return };
    // An Enter that was meant for whatever was in front a moment ago.
    let from = Stamp::now();
    desk.show();
    desk.press("Return");
    let early = Stamp::now().since(from) < 500;
    desk.press_until("Return", |sight| sight.dialog().is_none());
    let took = Stamp::now().since(from);
    assert_eq!(desk.daemon.called(), Some(Call::Close(FIREFOX.to_owned())));
    assert_eq!(desk.daemon.called_already(), None, "once");
    assert!(!early || took >= 700, "a press in the first moment counted: closed after {took} ms");
}

fn escape_does_nothing_else(kind: Kind) {
    let Some(mut desk) = Desk::start(kind, World::default()) else { return };
    desk.show();
    desk.press("Escape");
    desk.wait_until_gone();
    let ended = desk.prompt.wait(Deadline::seconds(10)).expect("it ends when it shows nothing");
    assert!(ended.success(), "{ended}");
    assert_eq!(desk.daemon.called_already(), None);
}

fn the_sentence_goes_along(kind: Kind) {
    let sentence = "I wanted to read tonight.";
    let world = World::with_snooze(|snooze| snooze.sentence = Some(sentence.to_owned()));
    let Some(desk) = Desk::start(kind, world) else { return };
    desk.show();
    let sight = desk.tree.look();
    assert!(sight.says(&format!("For 5 more minutes, type: “{sentence}”")), "{sight}");
    assert!(!sight.can_press("5 more minutes"), "nothing is typed yet");
    desk.press("Tab");
    desk.wait("the field has the keyboard", |sight| sight.focused().is_some_and(|part| part.role == TEXT));
    desk.type_text(sentence);
    desk.wait("the button can be pressed", |sight| sight.can_press("5 more minutes"));
    desk.press("Tab");
    desk.wait("the button has the keyboard", |sight| {
        sight.focused().is_some_and(|part| part.name == "5 more minutes")
    });
    desk.press_until("Return", |sight| sight.dialog().is_none());
    assert_eq!(desk.daemon.called(), Some(Call::Snooze("firefox".to_owned(), sentence.to_owned())));
    assert_eq!(desk.daemon.called_already(), None);
}

fn another_sentence_is_kindly_refused(kind: Kind) {
    let world = World::with_snooze(|snooze| snooze.sentence = Some("I will read".to_owned()));
    let Some(desk) = Desk::start(kind, world) else { return };
    desk.show();
    desk.press("Tab");
    desk.type_text("whatever");
    // Enter in the field is for the field: it must not reach the button that closes.
    let says = "That is not the sentence yet. Commas and full stops count as well.";
    desk.press_until("Return", |sight| sight.says(says));
    assert!(desk.tree.look().dialog().is_some());
    assert_eq!(desk.daemon.called(), Some(Call::Snooze("firefox".to_owned(), "whatever".to_owned())));
}

fn the_wait_is_said_once(kind: Kind) {
    let world = World::with_snooze(|snooze| snooze.wait_ms = 60_000);
    let Some(desk) = Desk::start(kind, world) else { return };
    desk.show();
    let waits = |sight: &tree::Sight| {
        let more = sight.button("5 more minutes").expect("a name that does not count");
        assert!(!more.is(SENSITIVE), "{sight}");
        assert_eq!(more.description, "Can be pressed after 60 seconds.");
    };
    waits(&desk.tree.look());
    let counted =
        |sight: &tree::Sight| (1..59).find(|n| sight.says(&format!("5 more minutes, in {n}\u{a0}s")));
    desk.wait("the wait counts on the screen", |sight| counted(sight).is_some());
    let first = counted(&desk.tree.look());
    desk.wait("and goes on counting", |sight| counted(sight) < first);
    waits(&desk.tree.look());
}

fn after_the_wait_it_can_be_pressed(kind: Kind) {
    let world = World::with_snooze(|snooze| snooze.wait_ms = 1_500);
    let Some(desk) = Desk::start(kind, world) else { return };
    desk.show();
    desk.wait("the wait is over", |sight| {
        sight.can_press("5 more minutes")
            && sight.button("5 more minutes").is_some_and(|more| more.description.is_empty())
    });
    desk.press("Tab");
    desk.press_until("Return", |sight| sight.dialog().is_none());
    assert_eq!(desk.daemon.called(), Some(Call::Snooze("firefox".to_owned(), String::new())));
}

fn why_unfolds(kind: Kind) {
    let mut world = World { snooze: None, ..World::default() };
    world.rules.push(wire::Limit {
        id: "browsers".to_owned(),
        target: "category:web".to_owned(),
        verdict: "allowed".to_owned(),
        because: None,
        until_at_ms: None,
        days: Some("mon-fri".to_owned()),
        budget_ms: Some(3_600_000),
        ..limit()
    });
    let Some(desk) = Desk::start(kind, world) else { return };
    desk.show();
    let sight = desk.tree.look();
    assert!(sight.button("5 more minutes").is_none(), "none is left: {sight}");
    let line = "Everything in “web”: 30 minutes of 1 hour today; only mon–fri";
    assert!(!sight.says(line), "{sight}");
    desk.press("Tab");
    desk.wait("Why has the keyboard", |sight| sight.focused().is_some_and(|part| part.name == "Why"));
    desk.press("space");
    desk.wait("the rules", |sight| {
        sight.says(line) && sight.button("Why").is_some_and(|why| why.is(EXPANDED))
    });
    assert_eq!(desk.daemon.called_already(), None);
}

fn several_rules_share_the_window(kind: Kind) {
    let mut world = World::default();
    world.rules.push(wire::Limit {
        id: "video".to_owned(),
        target: "category:video".to_owned(),
        alias: Some("Videos".to_owned()),
        ..limit()
    });
    world.snooze = None;
    world.rules[0].alias = Some("Firefox".to_owned());
    let Some(desk) = Desk::start(kind, world) else { return };
    desk.show();
    desk.daemon.show("domain:example.org", "video").unwrap();
    desk.wait("the newest in front", |sight| {
        sight.dialog().is_some_and(|window| window.name == "Videos: that was today’s time")
            && sight.says("Also at the limit: Firefox.")
    });
    desk.daemon.hide("video").unwrap();
    desk.wait("the other in front again", |sight| {
        sight.dialog().is_some_and(|window| window.name == "Firefox: that was today’s time")
            && !sight.says("Also at the limit: Firefox.")
    });
    assert_eq!(desk.daemon.called_already(), None);
}

fn it_goes_when_the_rule_or_the_daemon_goes(kind: Kind) {
    let Some(mut desk) = Desk::start(kind, World::default()) else { return };
    desk.show();
    desk.daemon.hide("firefox").unwrap();
    desk.wait_until_gone();
    desk.show();
    drop(std::mem::replace(
        &mut desk.daemon,
        Daemon::start(desk.bed.session_bus().address(), false, World::default()),
    ));
    desk.wait_until_gone();
}

fn the_desktop_knows_it_by_its_desktop_file(kind: Kind) {
    let Some(desk) = Desk::start(kind, World::default()) else { return };
    desk.show();
    let place = desk.bed.place();
    if kind == Kind::Sway {
        let tree = place.run("swaymsg", &["-r", "-t", "get_tree"]);
        assert!(tree.contains(r#""app_id": "org.dwell.Prompt1""#), "{tree}");
    } else {
        let windows = place.run("xdotool", &["search", "--onlyvisible", "--class", "^org.dwell.Prompt1$"]);
        assert_eq!(windows.lines().count(), 1, "{windows}");
    }
}

#[test]
fn only_the_daemon_is_answered() {
    let Some(mut desk) = Desk::start(Kind::X11, World::default()) else { return };
    let nobody = Daemon::start(desk.bed.session_bus().address(), false, World::default());
    let denied = Err("org.freedesktop.DBus.Error.AccessDenied".to_owned());
    assert_eq!(nobody.show(FIREFOX, "firefox"), denied);
    assert_eq!(nobody.hide("firefox"), denied);
    let invalid = Err("org.freedesktop.DBus.Error.InvalidArgs".to_owned());
    assert_eq!(desk.daemon.show("app:a\nb", "firefox"), invalid);
    assert_eq!(desk.daemon.show(FIREFOX, &"f".repeat(1000)), invalid);
    assert!(desk.tree.look().dialog().is_none());
    desk.show();
}

#[test]
fn what_went_wrong_is_said_and_a_window_closed_before_is_no_wrong() {
    let mut world = World::default();
    world
        .close_fails
        .push_back(Failure::new(Wrong::Failed, "the compositor does not answer").hint("try again"));
    world.close_fails.push_back(Failure::new(Wrong::NotFound, "no window of it is open"));
    let Some(desk) = Desk::start(Kind::X11, world) else { return };
    desk.show();
    let said = "the compositor does not answer: try again";
    desk.press_until("Return", |sight| sight.says(said));
    desk.press_until("Return", |sight| sight.dialog().is_none());
    assert_eq!(desk.daemon.called(), Some(Call::Close(FIREFOX.to_owned())));
    assert_eq!(desk.daemon.called(), Some(Call::Close(FIREFOX.to_owned())));
}

#[test]
fn a_rule_that_does_not_apply_opens_nothing() {
    let Some(mut desk) = Desk::start(Kind::X11, World { rules: Vec::new(), ..World::default() }) else {
        return;
    };
    desk.daemon.show(FIREFOX, "firefox").unwrap();
    assert!(desk.prompt.wait(Deadline::seconds(10)).expect("it ends").success());
    assert_eq!(desk.daemon.called_already(), None);
}

#[test]
fn the_bus_starts_it() {
    let Some(mut desk) = Desk::start(Kind::X11, World::default()) else { return };
    desk.prompt.terminate(Deadline::seconds(10));
    // The bed's own bus starts nothing, so there is another one, with the file of the package in its folder.
    let packaged = include_str!("../../../packaging/dbus/org.dwell.Prompt1.service");
    let place = desk.bed.place();
    let services = place.runtime().join("services");
    std::fs::create_dir(&services).unwrap();
    place.own(&services, 0o700);
    let program = format!("{} --linger 1", desk::PROMPT);
    let service = packaged
        .replace("/usr/bin/dwell-prompt", &program)
        .replace("SystemdService=dwell-prompt.service\n", "");
    assert!(service.contains(&program), "{service}");
    place.write(&services.join("org.dwell.Prompt1.service"), service);
    let address = place.bus_address("activating");
    let config = std::fs::read_to_string(place.runtime().join("session.conf")).unwrap();
    let config = config.replace(&place.bus_address("session"), &address);
    let folder = format!("<servicedir>{}</servicedir>\n</busconfig>", services.display());
    let file = place.runtime().join("activating.conf");
    place.write(&file, config.replace("</busconfig>", &folder));
    let mut environment = place.clone();
    environment.set("DBUS_SESSION_BUS_ADDRESS", address.as_str());
    let bus = environment
        .lines("dbus-daemon", &[&format!("--config-file={}", file.display()), "--nofork", "--print-address"]);
    bus.next(Deadline::seconds(10)).expect("the bus that starts services");

    let daemon = Daemon::start(&address, true, World::default());
    daemon.show(FIREFOX, "firefox").expect("a window that the bus starts");
    // It is on the bed's screen, where the keyboard is.
    let enter = || {
        desk.press("Return");
        daemon.called_already()
    };
    let mut called = None;
    dwell_tests::clock::wait_until(Deadline::seconds(15), || {
        called = enter();
        called.is_some()
    });
    assert_eq!(called, Some(Call::Close(FIREFOX.to_owned())));
}
