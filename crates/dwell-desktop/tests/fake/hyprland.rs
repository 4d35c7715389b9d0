//! The Hyprland back end, with recorded answers.

use super::*;
use crate::bed::{app, block_on};
use crate::compositor::{Asked, Do, State};
use crate::ipc::{Answer, Ipc, hyprland};
use dwell_core::sample::Fact;
use dwell_desktop::WindowAct;

/// A window as `j/clients` and `j/activewindow` tell it, with the given address, class, workspace and pid: recorded from
/// Hyprland 0.34 (franciscolourenco/done, pull request 145).
fn window(address: &str, class: &str, workspace: &str, pid: u32) -> String {
    format!(
        r#"{{
    "address": "{address}",
    "mapped": true,
    "hidden": false,
    "at": [440, 247],
    "size": [720, 405],
    "workspace": {{
        "id": 3,
        "name": "{workspace}"
    }},
    "floating": true,
    "monitor": 1,
    "class": "{class}",
    "title": "hyprctl activewindow ~",
    "initialClass": "{class}",
    "initialTitle": "foot",
    "pid": {pid},
    "xwayland": false,
    "pinned": false,
    "fullscreen": false,
    "fullscreenMode": 0,
    "fakeFullscreen": false,
    "grouped": [],
    "swallowing": "0x0",
    "focusHistoryID": 0
}}"#
    )
}

/// The same window in the form of Hyprland 0.55 (`getWindowData` in its source), of an Xwayland program.
fn newer_window(address: &str, class: &str) -> String {
    format!(
        r#"{{"address": "{address}", "mapped": true, "hidden": false, "visible": true, "acceptsInput": true,
    "at": [4, 4], "size": [1912, 1072], "workspace": {{"id": 1, "name": "1"}}, "floating": false, "monitor": 0,
    "class": "{class}", "title": "\"quoted\" \\ \u001b", "initialClass": "{class}", "initialTitle": "", "pid": 0,
    "xwayland": true, "pinned": false, "pinFullscreened": false, "fullscreen": 0, "fullscreenClient": 0,
    "fullscreenHandler": "", "allowedOverFullscreen": false, "grouped": [], "tags": [], "swallowing": "0x0",
    "focusHistoryID": 0, "inhibitingIdle": false, "xdgTag": "", "xdgDescription": "", "contentType": "none",
    "tearingHint": false, "stableId": "18000002"}}"#
    )
}

/// A window that is not there any more (hyprwm/Hyprland, issue 2653; its form: issue 1810).
const GONE: &str = r#"{"address": "0x839b0800", "mapped": false, "hidden": false, "at": [0, 0], "size": [0, 0],
    "workspace": {"id": -1, "name": ""}, "floating": false, "monitor": -1, "class": "", "title": "",
    "initialClass": "AppA", "pid": 0, "xwayland": true, "pinned": false, "fullscreen": false, "fullscreenMode": 0,
    "fakeFullscreen": false, "grouped": [], "swallowing": null}"#;

struct Hyprland {
    compositor: Compositor,
    ipc: Ipc,
    sensors: Sensors,
    _bed: Bed,
}

/// Hyprland offers what the others do, and tells of locks.
const OFFERS: Offers = Offers { lock: true, ..Offers::USUAL };

impl Hyprland {
    async fn start() -> Self {
        let bed = Bed::new();
        let compositor = Compositor::start(bed.path("wayland-1"), OFFERS);
        let ipc = Ipc::start(hyprland(&bed.path(""), "59f9f2688ac508a0584d1462151195a6c4992f99_1"), |_| {
            "{}".into()
        });
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        let health = sensors.health("focus", true).await;
        assert_eq!((health.backend, health.message.as_str()), ("hyprland", "Hyprland tells what has focus"));
        // Freezing is no matter of the display.
        let windows = sensors.health("windows", true).await.message;
        assert!(windows.starts_with("pid, close, minimise"), "{windows}");
        sensors.focus_none().await;
        Self { compositor, ipc, sensors, _bed: bed }
    }
}

#[test]
fn the_ipc_says_what_has_focus_when_the_toplevels_change() {
    block_on(async {
        let mut fake = Hyprland::start().await;
        // The answer outweighs what the toplevel says.
        fake.ipc.answer(|_| window("0x1b9e3e0", "AppA", "3", 0).into());
        let a = fake.compositor.open("something else", None);
        fake.sensors.focus("AppA").await;
        fake.ipc.answer(|_| newer_window("0x5581e0a4f2d0", "AppB").into());
        let b = fake.compositor.open("other", Some(a));
        fake.sensors.focus("AppB").await;
        assert!(fake.ipc.asked("j/activewindow").await.starts_with("j/"));
        // Hyprland knows of none (it is about to tell so): what the toplevel says, meanwhile.
        fake.ipc.answer(|_| "{}".into());
        fake.compositor.all([Do::States(b, vec![]), Do::States(a, vec![State::Activated])]);
        fake.sensors.focus("something else").await;
        // No focus is not asked about; neither are titles.
        fake.compositor.one(Do::States(a, vec![]));
        fake.sensors.focus_none().await;
        fake.ipc.passed_over();
        for _ in 0..10 {
            fake.compositor.one(Do::Title(a, "more secrets".into()));
        }
        fake.compositor.one(Do::Idle);
        fake.sensors.idle().await;
        assert_eq!(fake.ipc.passed_over(), 0);
    });
}

#[test]
fn a_lock_is_told_by_its_own_protocol() {
    block_on(async {
        let mut fake = Hyprland::start().await;
        fake.ipc.answer(|_| window("0x1b9e3e0", "AppA", "3", 0).into());
        fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        // The window stays activated, and Hyprland goes on calling it active.
        fake.compositor.one(Do::Lock);
        fake.sensors.focus_none().await;
        fake.compositor.one(Do::Unlock);
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn one_that_tells_of_no_lock_says_so() {
    block_on(async {
        let bed = Bed::new();
        let _compositor = Compositor::start(bed.path("wayland-1"), Offers { lock: false, ..OFFERS });
        let _ipc = Ipc::start(hyprland(&bed.path(""), "old_1"), |_| "{}".into());
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        let health = sensors.health("focus", true).await;
        assert!(health.message.ends_with("it tells of no lock, which only logind does then"), "{health:?}");
    });
}

#[test]
fn windows_come_back_from_where_only_dwell_puts_them() {
    block_on(async {
        let mut fake = Hyprland::start().await;
        let answers = |clients: String| {
            move |question: &str| match question {
                "j/clients" => clients.as_str().into(),
                "j/activeworkspace" => r#"{"id":7,"name":"7"}"#.into(),
                old if old.starts_with("dispatch movetoworkspacesilent ") => "ok".into(),
                _ => "{}".into(),
            }
        };
        let (here, gone) = (window("0x1", "AppA", "3", 0), window("0x1", "AppA", "special:dwell", 0));
        let others = format!(
            "{},{}",
            window("0x2", "AppA", "special:magic", 0),
            window("0x3", "AppB", "special:dwell", 0)
        );
        fake.ipc.answer(answers(format!("[{here},{others}]")));
        fake.sensors.desktop.act(WindowAct::Restore(app("AppA")));
        fake.sensors.desktop.act(WindowAct::Restore(app("AppB")));
        let asked = fake.ipc.asked("dispatch ").await;
        assert_eq!(asked, "dispatch movetoworkspacesilent 7,address:0x3", "left by a daemon that was killed");
        fake.sensors.desktop.act(WindowAct::Minimise(app("AppA")));
        for wanted in ["0x1", "0x2"] {
            let asked = fake.ipc.asked("dispatch ").await;
            assert_eq!(asked, format!("dispatch movetoworkspacesilent special:dwell,address:{wanted}"));
        }
        fake.ipc.answer(answers(format!("[{gone},{others}]")));
        fake.sensors.desktop.act(WindowAct::Restore(app("appa")));
        let asked = fake.ipc.asked("dispatch ").await;
        assert_eq!(asked, "dispatch movetoworkspacesilent 3,address:0x1", "to where it was");
        // The person has brought the other one back to a place of their own; that is where it stays.
        fake.sensors.desktop.act(WindowAct::Restore(app("AppB")));
        let asked = fake.ipc.asked("dispatch ").await;
        assert_eq!(asked, "dispatch movetoworkspacesilent 7,address:0x3");
    });
}

#[test]
fn windows_are_put_away_and_closed_by_address() {
    block_on(async {
        let mut fake = Hyprland::start().await;
        let clients = format!(
            "[{},{},{},{},{GONE},{}]",
            window("0x1b9e3e0", "AppA", "3", 0),
            window("0x2", "AppB", "3", 0),
            window("0x3", "AppA", "special:dwell", 0),
            newer_window("0x4", "AppA"),
            window("0x5,class:.*", "AppA", "3", 0),
        );
        let answer = clients.clone();
        // The language before 0.55.
        fake.ipc.answer(move |question| match question {
            "j/clients" => answer.as_str().into(),
            "dispatch closewindow address:0x4" => "closeWindow: no window found".into(),
            old if old.starts_with("dispatch movetoworkspacesilent ") => "ok".into(),
            old if old.starts_with("dispatch closewindow ") => "ok".into(),
            other if other.starts_with("dispatch ") => "Invalid dispatcher".into(),
            _ => "{}".into(),
        });
        fake.sensors.desktop.act(WindowAct::Minimise(app("appa")));
        for wanted in ["0x1b9e3e0", "0x4"] {
            let asked = fake.ipc.asked("dispatch ").await;
            assert_eq!(asked, format!("dispatch movetoworkspacesilent special:dwell,address:{wanted}"));
        }
        fake.sensors.desktop.act(WindowAct::Close(app("AppA")));
        for wanted in ["0x1b9e3e0", "0x3", "0x4"] {
            assert_eq!(
                fake.ipc.asked("dispatch closewindow").await,
                format!("dispatch closewindow address:{wanted}")
            );
        }
        // One that closed meanwhile ends nothing.
        assert_eq!(fake.ipc.asked("dispatch ").await, "dispatch hl.dsp.window.close(\"address:0x4\")");
        // The language since 0.55, where the old one is a mistake in a program.
        fake.ipc.answer(move |question| match question {
            "j/clients" => clients.as_str().into(),
            new if new.starts_with("dispatch hl.dsp.") => "ok".into(),
            old if old.starts_with("dispatch ") => "[string \"return hl.dispatch(closewindow address:0x2)\"]:1: ')' expected near 'address'\n\n \u{2192} Note: dispatch in lua is a shorthand for hl.dispatch(...), your syntax might need to be updated.".into(),
            _ => "{}".into(),
        });
        fake.sensors.desktop.act(WindowAct::Close(app("AppB")));
        assert_eq!(fake.ipc.asked("hl.").await, "dispatch hl.dsp.window.close(\"address:0x2\")");
        fake.sensors.desktop.act(WindowAct::Minimise(app("AppB")));
        assert_eq!(
            fake.ipc.asked("hl.").await,
            "dispatch hl.dsp.window.move({ workspace = \"special:dwell\", follow = false, window = \"address:0x2\" })"
        );
        // Over the toplevels nothing was asked for but idleness.
        assert!(matches!(fake.compositor.asked().await, Asked::Idle("ext", _)));
        assert!(!fake.compositor.is_asked());
    });
}

#[test]
fn an_ipc_that_makes_no_sense_ends_the_back_end_which_is_tried_again() {
    block_on(async {
        for bad in [
            Answer::from("Invalid"),
            Answer::from(""),
            Answer::from("{\"address\": \"0x1b9e3e0\", \"class\": "),
            Answer::from("[]{}"),
            Answer::from("{\"address\": 7}"),
            Answer::Endless(b"[[[[[[[["),
        ] {
            let mut fake = Hyprland::start().await;
            let once = bad.clone();
            fake.ipc.answer(move |_| once.clone());
            fake.compositor.open("AppA", None);
            fake.sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
            let health = fake.sensors.health("focus", false).await;
            assert_eq!(
                health.message,
                "the connection to Hyprland ended; it is taken up again when it comes back"
            );
            fake.ipc.answer(|_| window("0x1b9e3e0", "AppA", "3", 0).into());
            fake.sensors.health("focus", true).await;
            fake.sensors.focus("AppA").await;
        }
    });
}

#[test]
fn an_act_that_fails_does_not_lose_sight_of_focus() {
    block_on(async {
        let mut fake = Hyprland::start().await;
        fake.ipc.answer(|_| window("0x1b9e3e0", "AppA", "3", 0).into());
        let a = fake.compositor.open("AppA", None);
        fake.sensors.focus("AppA").await;
        for bad in [Answer::from("no list"), Answer::Never] {
            fake.ipc.answer(move |_| bad.clone());
            fake.sensors.desktop.act(WindowAct::Close(app("AppA")));
            fake.ipc.asked("j/clients").await;
            // Longer than an answer may take.
            fake.sensors.silence(Duration::from_millis(5500)).await;
        }
        fake.ipc.answer(|_| window("0x2", "AppB", "3", 0).into());
        fake.compositor.open("AppB", Some(a));
        fake.sensors.focus("AppB").await;
    });
}

#[test]
fn an_ipc_that_never_answers_holds_nothing_up() {
    block_on(async {
        let mut fake = Hyprland::start().await;
        fake.ipc.answer(|_| Answer::Never);
        fake.compositor.open("AppA", None);
        fake.sensors.health("focus", false).await;
        fake.ipc.answer(|_| window("0x1b9e3e0", "AppA", "3", 0).into());
        fake.sensors.focus("AppA").await;
    });
}

#[test]
fn the_instance_is_the_one_that_owns_the_display() {
    block_on(async {
        let mut bed = Bed::new();
        // Another's: it is named, but nobody answers there. And one that is left over.
        bed.set("HYPRLAND_INSTANCE_SIGNATURE", "gone");
        for gone in ["gone", "0_gone"] {
            let path = hyprland(&bed.path(""), gone);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            drop(std::os::unix::net::UnixListener::bind(path).unwrap());
        }
        let _compositor = Compositor::start(bed.path("wayland-1"), OFFERS);
        let _ipc = Ipc::start(hyprland(&bed.path(""), "there"), |_| "{}".into());
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        assert_eq!(sensors.health("focus", true).await.backend, "hyprland");
    });
}
