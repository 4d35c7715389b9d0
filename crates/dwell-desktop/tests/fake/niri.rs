//! The niri back end, with recorded answers.

use super::*;
use crate::bed::{app, block_on};
use crate::compositor::{Asked, Do, State};
use crate::ipc::{Answer, Ipc};
use dwell_core::sample::Fact;
use dwell_desktop::WindowAct;

/// The answer that niri's own documentation shows (docs/wiki/IPC.md), with another app id.
fn focused(app_id: &str) -> Answer {
    Answer::Text(format!(
        "{{\"Ok\":{{\"FocusedWindow\":{{\"id\":12,\"title\":\"t socat STDIO /run/u ~\",\"app_id\":\"{app_id}\",\"workspace_id\":6,\"is_focused\":true}}}}}}\n"
    ))
}

const NOTHING_FOCUSED: &str = "{\"Ok\":{\"FocusedWindow\":null}}\n";
const HANDLED: &str = "{\"Ok\":\"Handled\"}\n";
const VERSION: &str = "{\"Ok\":{\"Version\":\"25.11 (b35bcae)\"}}\n";

/// Windows in the form of niri 25.11 (`Window` in niri-ipc 25.11.0): two of AppA's in sight, one on a workspace that is
/// not, and one that has neither app id nor process.
const WINDOWS: &str = concat!(
    r#"{"Ok":{"Windows":[{"id":3,"title":"a","app_id":"AppA","pid":0,"workspace_id":1,"is_focused":true,"is_floating":false,"is_urgent":false,"layout":{"pos_in_scrolling_layout":[1,1],"tile_size":[1269.0,2120.0],"window_size":[1269,2120],"tile_pos_in_workspace_view":null,"window_offset_in_tile":[0.0,0.0]},"focus_timestamp":{"secs":5,"nanos":12}},"#,
    r#"{"id":5,"title":"b","app_id":"AppA","pid":null,"workspace_id":4,"is_focused":false,"is_floating":true,"is_urgent":false},"#,
    r#"{"id":7,"title":"c","app_id":"AppA","pid":null,"workspace_id":3,"is_focused":false},"#,
    r#"{"id":8,"title":null,"app_id":null,"pid":null,"workspace_id":null,"is_focused":false},"#,
    r#"{"id":9,"title":"d","app_id":"AppB","pid":null,"workspace_id":1,"is_focused":false}]}}"#,
    "\n"
);

/// Workspaces in the recorded form (scorpion-26/gBar, issue 111) on two screens: 1 and 4 are shown, 2 and 6 are last.
const WORKSPACES: &str = concat!(
    r#"{"Ok":{"Workspaces":[{"id":3,"idx":2,"name":null,"output":"eDP-1","is_active":false,"is_focused":false,"active_window_id":7},"#,
    r#"{"id":1,"idx":1,"name":null,"output":"eDP-1","is_active":true,"is_focused":true,"active_window_id":3},"#,
    r#"{"id":2,"idx":3,"name":null,"output":"eDP-1","is_active":false,"is_focused":false,"active_window_id":null},"#,
    r#"{"id":6,"idx":2,"name":null,"output":"DP-2","is_active":false,"is_focused":false,"active_window_id":null},"#,
    r#"{"id":4,"idx":1,"name":null,"output":"DP-2","is_active":true,"is_focused":false,"active_window_id":5}]}}"#,
    "\n"
);

fn usual(question: &str) -> Answer {
    match question {
        "\"Version\"\n" => VERSION.into(),
        "\"FocusedWindow\"\n" => NOTHING_FOCUSED.into(),
        "\"Windows\"\n" => WINDOWS.into(),
        "\"Workspaces\"\n" => WORKSPACES.into(),
        _ => HANDLED.into(),
    }
}

struct Niri {
    compositor: Compositor,
    ipc: Ipc,
    sensors: Sensors,
    _bed: Bed,
}

impl Niri {
    async fn start() -> Self {
        Self::of_version(VERSION, "pid, close, minimise").await
    }

    async fn of_version(version: &'static str, abilities: &str) -> Self {
        let bed = Bed::new();
        let compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        let path = bed.path(&format!("niri.wayland-1.{}.sock", std::process::id()));
        let ipc = Ipc::start(path, move |question| match question {
            "\"Version\"\n" => version.into(),
            _ => usual(question),
        });
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        let health = sensors.health("focus", true).await;
        assert_eq!((health.backend, health.message.as_str()), ("niri", "niri tells what has focus"));
        // Freezing is no matter of the display.
        let windows = sensors.health("windows", true).await.message;
        assert!(windows.starts_with(abilities), "{windows}");
        sensors.focus_none().await;
        Self { compositor, ipc, sensors, _bed: bed }
    }
}

#[test]
fn the_ipc_says_what_has_focus_when_the_toplevels_change() {
    block_on(async {
        let mut fake = Niri::start().await;
        fake.ipc.answer(|_| focused("AppA"));
        let a = fake.compositor.open("something else", None);
        fake.sensors.focus("AppA").await;
        // niri refuses, or knows of none: what the toplevel says.
        fake.ipc.answer(|_| "{\"Err\":\"error parsing request\"}\n".into());
        let b = fake.compositor.open("AppB", Some(a));
        fake.sensors.focus("AppB").await;
        fake.ipc.answer(usual);
        fake.compositor.all([Do::States(b, vec![]), Do::States(a, vec![State::Activated])]);
        fake.sensors.focus("something else").await;
        fake.compositor.one(Do::States(a, vec![]));
        fake.sensors.focus_none().await;
        fake.ipc.passed_over();
        for _ in 0..10 {
            fake.compositor.one(Do::Title(a, "more secrets".into()));
        }
        fake.compositor.one(Do::Idle);
        fake.sensors.idle().await;
        assert_eq!(fake.ipc.passed_over(), 0, "neither no focus nor titles are asked about");
    });
}

#[test]
fn windows_are_put_away_and_closed_by_id() {
    block_on(async {
        let mut fake = Niri::start().await;
        fake.sensors.desktop.act(WindowAct::Minimise(app("AppA")));
        // Each to the last workspace of its own screen; the one that is out of sight stays.
        for (window, workspace) in [(3, 2), (5, 6)] {
            let action = format!(
                "{{\"Action\":{{\"MoveWindowToWorkspace\":{{\"window_id\":{window},\"reference\":{{\"Id\":{workspace}}},\"focus\":false}}}}}}\n"
            );
            assert_eq!(fake.ipc.asked("Action").await, action);
        }
        fake.sensors.desktop.act(WindowAct::Close(app("appa")));
        for window in [3, 5, 7] {
            assert_eq!(
                fake.ipc.asked("Action").await,
                format!("{{\"Action\":{{\"CloseWindow\":{{\"id\":{window}}}}}}}\n")
            );
        }
        assert!(matches!(fake.compositor.asked().await, Asked::Idle("ext", _)));
        assert!(!fake.compositor.is_asked());
    });
}

#[test]
fn windows_come_back_to_where_they_were() {
    block_on(async {
        let fake = Niri::start().await;
        let moved = |window: u64, workspace: u64| {
            format!(
                "{{\"Action\":{{\"MoveWindowToWorkspace\":{{\"window_id\":{window},\"reference\":{{\"Id\":{workspace}}},\"focus\":false}}}}}}\n"
            )
        };
        let (mut fake, act) = (fake, |act: fn(_) -> WindowAct| act(app("AppA")));
        fake.sensors.desktop.act(act(WindowAct::Restore));
        fake.sensors.desktop.act(act(WindowAct::Minimise));
        assert_eq!(fake.ipc.asked("Action").await, moved(3, 2), "nothing was put away before");
        assert_eq!(fake.ipc.asked("Action").await, moved(5, 6));
        // They are where they went. Of one the place where it was has gone meanwhile.
        fake.ipc.answer(|question| match question {
            "\"Windows\"\n" => {
                let windows = WINDOWS.replace(r#""pid":0,"workspace_id":1"#, r#""pid":0,"workspace_id":2"#);
                windows.replace(r#""workspace_id":4"#, r#""workspace_id":6"#).into()
            }
            "\"Workspaces\"\n" => WORKSPACES.replace(r#"{"id":4,"#, r#"{"id":40,"#).into(),
            other => usual(other),
        });
        fake.sensors.desktop.act(act(WindowAct::Restore));
        assert_eq!(fake.ipc.asked("Action").await, moved(3, 1));
        assert_eq!(fake.ipc.asked("Action").await, moved(5, 40), "to what is in front on its screen");
        // Once.
        fake.sensors.desktop.act(act(WindowAct::Restore));
        fake.sensors.desktop.act(WindowAct::Close(app("AppB")));
        assert_eq!(fake.ipc.asked("Action").await, "{\"Action\":{\"CloseWindow\":{\"id\":9}}}\n");
    });
}

#[test]
fn an_older_niri_would_go_along_with_the_window_and_is_not_asked_to() {
    block_on(async {
        for version in
            ["{\"Ok\":{\"Version\":\"25.02 (b94a5db)\"}}\n", "{\"Err\":\"error parsing request\"}\n"]
        {
            let mut fake = Niri::of_version(version, "pid, close; not minimise").await;
            fake.sensors.desktop.act(WindowAct::Minimise(app("AppA")));
            fake.sensors.desktop.act(WindowAct::Close(app("AppB")));
            assert_eq!(fake.ipc.asked("Action").await, "{\"Action\":{\"CloseWindow\":{\"id\":9}}}\n");
        }
    });
}

#[test]
fn an_ipc_that_makes_no_sense_ends_the_back_end_which_is_tried_again() {
    block_on(async {
        for bad in [
            Answer::from(""),
            Answer::from("{\"Ok\":{\"FocusedWindow\":{\"id\":12,"),
            Answer::from("{\"Ok\":{\"FocusedWindow\":null}}"),
            Answer::from("{\"Ok\":{\"FocusedWindow\":{\"id\":\"12\"}}}\n"),
            Answer::from("{\"Ok\":\"Handled\"}\n"),
            Answer::from("{\"Ok\":{\"Nonsense\":1}}\n"),
            Answer::from("\u{0}\n"),
            Answer::Endless(b"[[[[[[[["),
        ] {
            let mut fake = Niri::start().await;
            let once = bad.clone();
            fake.ipc.answer(move |_| once.clone());
            fake.compositor.open("AppA", None);
            fake.sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
            let health = fake.sensors.health("focus", false).await;
            assert_eq!(
                health.message,
                "the connection to niri ended; it is taken up again when it comes back"
            );
            fake.ipc.answer(|question| match question {
                "\"FocusedWindow\"\n" => focused("AppA"),
                _ => usual(question),
            });
            fake.sensors.health("focus", true).await;
            fake.sensors.focus("AppA").await;
        }
    });
}

#[test]
fn the_socket_is_the_one_that_the_display_s_owner_listens_on() {
    block_on(async {
        let mut bed = Bed::new();
        let own = bed.path("elsewhere/niri");
        let _compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        let _ipc = Ipc::start(own.clone(), usual);
        // A name that is left over: nobody answers there.
        drop(std::os::unix::net::UnixListener::bind(bed.path("niri.wayland-1.1.sock")).unwrap());
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        assert_eq!(sensors.health("focus", true).await.backend, "wlr");
        bed.set("NIRI_SOCKET", own.to_str().unwrap());
        sensors.desktop.reattach(bed.surroundings());
        assert_eq!(sensors.health("focus", true).await.backend, "niri");
    });
}
