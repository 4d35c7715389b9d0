//! The sway back end on a real sway without a screen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod bed;

use std::time::Duration;

use bed::{
    Bed, Sensors, Watcher, app, block_on, can_run, eventually, find_sway as find, start_sway as sway,
    sway as bed,
};
use dwell_core::sample::Fact;
use dwell_desktop::{Buses, Surroundings, WindowAct};

const PROGRAMS: &[&str] = &["sway", "swaymsg", "swaylock", "foot", "wtype", "setpriv"];
const LONG: u64 = 180_000;

/// A running sway with the sensors attached, which found it by themselves.
async fn attached(bed: &mut Bed, idle_after_ms: u64) -> Sensors {
    let mut sensors = Sensors::start(bed, idle_after_ms, Buses::default());
    sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
    let health = sensors.health("focus", false).await;
    assert!(health.message.starts_with("no display yet"), "{health:?}");
    sway(bed);
    assert_eq!(sensors.health("focus", true).await.backend, "sway");
    sensors.focus_none().await;
    find(bed);
    sensors
}

fn foot(bed: &mut Bed, id: &str) {
    bed.start(id, &["foot", "-a", id, "sleep", "600"]);
}

#[test]
fn focus_follows_the_active_toplevel() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = attached(&mut bed, LONG).await;
        foot(&mut bed, "AppA");
        sensors.focus("AppA").await;
        foot(&mut bed, "AppB");
        sensors.focus("AppB").await;
        bed.run(&["swaymsg", "[app_id=AppA] focus"]).await;
        sensors.focus("AppA").await;
        bed.start("plain", &["foot", "sleep", "600"]);
        sensors.focus("foot").await;
        bed.kill("plain").await;
        sensors.focus("AppA").await;
        // An empty workspace: sway's IPC says nothing about focus, the toplevels do.
        bed.run(&["swaymsg", "workspace 2"]).await;
        sensors.focus_none().await;
        bed.run(&["swaymsg", "workspace 1"]).await;
        sensors.focus("AppA").await;
    });
}

#[test]
fn a_lock_takes_focus_from_every_window() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = attached(&mut bed, LONG).await;
        foot(&mut bed, "AppA");
        sensors.focus("AppA").await;
        let locker = bed.lock_screen().await;
        sensors.focus_none().await;
        bed.unlock_screen(locker);
        // Unlocked within milliseconds of being locked, sway 1.7 at times gives no window focus again by itself.
        bed.run(&["swaymsg", "[app_id=AppA] focus"]).await;
        sensors.focus("AppA").await;
    });
}

#[test]
fn idleness_is_since_the_last_input() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = attached(&mut bed, 1000).await;
        foot(&mut bed, "AppA");
        for _ in 0..2 {
            let (at, since) = sensors.idle().await;
            assert_eq!(at.since(since).unwrap().as_ms(), 1000);
            bed.run(&["wtype", "-k", "Shift_L"]).await;
            sensors.active().await;
        }
        sensors.desktop.configure(dwell_desktop::Settings {
            idle_after: dwell_core::time::Millis::from_ms(500),
            ..Default::default()
        });
        let (at, since) = sensors.idle().await;
        assert_eq!(at.since(since).unwrap().as_ms(), 500);
    });
}

#[test]
fn windows_are_put_away_and_closed() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = attached(&mut bed, LONG).await;
        for id in ["AppB", "AppA"] {
            foot(&mut bed, id);
            sensors.focus(id).await;
        }
        sensors.desktop.act(WindowAct::Minimise(app("AppA")));
        sensors.focus("AppB").await;
        bed.run(&["swaymsg", "[app_id=AppA] scratchpad show"]).await;
        sensors.focus("AppA").await;
        sensors.desktop.act(WindowAct::Close(app("appa")));
        bed.ended("AppA").await;
        sensors.focus("AppB").await;
        sensors.desktop.act(WindowAct::Close(app("AppB")));
        bed.ended("AppB").await;
        sensors.focus_none().await;
    });
}

/// Where a window is, and whether it has our mark: `workspace tiled|floating [marked]`.
async fn place(bed: &Bed, id: &str) -> String {
    let tree = bed.run(&["swaymsg", "-rt", "get_tree"]).await;
    let tree: serde_json::Value = serde_json::from_str(&tree).unwrap();
    find_place(&tree, "", id).unwrap_or_else(|| "nowhere".to_owned())
}

fn find_place(node: &serde_json::Value, on: &str, id: &str) -> Option<String> {
    let on = if node["type"] == "workspace" { node["name"].as_str().unwrap() } else { on };
    if node["app_id"] == id {
        let how = if node["type"] == "floating_con" { "floating" } else { "tiled" };
        let marked = node["marks"].as_array().unwrap().iter().any(|mark| mark != "mine");
        return Some(format!("{on} {how}{}", if marked { " marked" } else { "" }));
    }
    let below = ["nodes", "floating_nodes"].into_iter().filter_map(|below| node[below].as_array());
    below.flatten().find_map(|node| find_place(node, on, id))
}

#[test]
fn what_dwell_put_away_comes_back() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = attached(&mut bed, LONG).await;
        bed.run(&["swaymsg", "workspace", "3:a_b c"]).await;
        for id in ["AppD", "AppC", "AppB", "AppA"] {
            foot(&mut bed, id);
            sensors.focus(id).await;
        }
        bed.run(&["swaymsg", "[app_id=AppB] floating enable, mark --add mine"]).await;
        bed.run(&["swaymsg", "[app_id=AppC] move scratchpad"]).await;
        for id in ["AppA", "AppB"] {
            sensors.desktop.act(WindowAct::Minimise(app(id)));
            sensors.desktop.act(WindowAct::Minimise(app(id)));
        }
        sensors.focus("AppD").await;
        let away = "__i3_scratch floating marked";
        eventually("it is away", async || place(&bed, "AppB").await == away).await;
        assert_eq!(place(&bed, "AppA").await, away);

        // Elsewhere meanwhile; and another daemon, which knows what the first one left by the marks alone.
        bed.run(&["swaymsg", "workspace", "4"]).await;
        sensors.focus_none().await;
        foot(&mut bed, "AppE");
        sensors.focus("AppE").await;
        drop(sensors);
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.focus("AppE").await;
        for id in ["AppA", "AppB", "AppC"] {
            sensors.desktop.act(WindowAct::Restore(app(id)));
        }
        eventually("it is back", async || place(&bed, "AppB").await == "3:a_b c floating").await;
        assert_eq!(place(&bed, "AppA").await, "3:a_b c tiled");
        assert_eq!(place(&bed, "AppE").await, "4 tiled");
        sensors.desktop.act(WindowAct::Close(app("AppE")));
        bed.ended("AppE").await;
        sensors.focus_none().await;
        assert_eq!(place(&bed, "AppC").await, "__i3_scratch floating", "the person put it away");

        // The person brings it back: it is theirs again, and stays where they put it later.
        bed.run(&["swaymsg", "workspace", "3:a_b c"]).await;
        sensors.fact("focus", |fact| matches!(fact, Fact::Focus(Some(_)))).await;
        sensors.desktop.act(WindowAct::Minimise(app("AppA")));
        eventually("it is away", async || place(&bed, "AppA").await == away).await;
        bed.run(&["swaymsg", "[app_id=AppA] scratchpad show"]).await;
        eventually("it is theirs", async || place(&bed, "AppA").await == "3:a_b c floating").await;
        bed.run(&["swaymsg", "[app_id=AppA] move scratchpad"]).await;
        sensors.desktop.act(WindowAct::Restore(app("AppA")));
        sensors.desktop.act(WindowAct::Close(app("AppD")));
        bed.ended("AppD").await;
        assert_eq!(place(&bed, "AppA").await, "__i3_scratch floating");
    });
}

#[test]
fn a_compositor_that_comes_back_is_taken_up_again() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = attached(&mut bed, LONG).await;
        foot(&mut bed, "AppA");
        sensors.focus("AppA").await;
        // From here on the sensors have stale names, as after a log-out and a new log-in.
        sensors.desktop.reattach(bed.surroundings());
        bed.kill("sway").await;
        sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        sensors.health("focus", false).await;
        sway(&mut bed);
        assert_eq!(sensors.health("focus", true).await.backend, "sway");
        find(&mut bed);
        foot(&mut bed, "AppB");
        sensors.focus("AppB").await;
    });
}

#[test]
fn without_its_ipc_the_toplevels_are_enough() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut sensors = Sensors::start(&bed, 1000, Buses::default());
        // sway puts its IPC where it is told to; the sensors are not told.
        let hidden = bed.path("hidden.sock");
        bed.set("SWAYSOCK", hidden.to_str().unwrap());
        bed.set("WAYLAND_DISPLAY", "wayland-1");
        let config = bed.path("config");
        bed.start("sway", &["env", "-u", "WAYLAND_DISPLAY", "sway", "-c", config.to_str().unwrap()]);
        assert_eq!(sensors.health("focus", true).await.backend, "wlr");
        for id in ["AppB", "AppA"] {
            foot(&mut bed, id);
            sensors.focus(id).await;
        }
        bed.run(&["swaymsg", "workspace 2"]).await;
        sensors.focus_none().await;
        bed.run(&["swaymsg", "workspace 1"]).await;
        sensors.focus("AppA").await;
        let (at, since) = sensors.idle().await;
        assert_eq!(at.since(since).unwrap().as_ms(), 1000);
        sensors.desktop.act(WindowAct::Close(app("AppA")));
        bed.ended("AppA").await;
        sensors.focus("AppB").await;
    });
}

#[test]
fn attach_leads_to_another_display() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let (mut first, mut second) = (bed(), bed());
        let mut sensors = attached(&mut first, LONG).await;
        sway(&mut second);
        let mut other = Sensors::start(&second, LONG, Buses::default());
        other.health("focus", true).await;
        find(&mut second);
        foot(&mut second, "AppB");
        other.focus("AppB").await;
        sensors.desktop.reattach(second.surroundings());
        sensors.focus("AppB").await;
        sensors.active().await;
        // Attaching to where one is changes nothing; to nowhere neither: the given display is still there.
        sensors.desktop.reattach(second.surroundings());
        sensors.silence(Duration::from_millis(300)).await;
        sensors.desktop.reattach(Surroundings::default());
        sensors.focus_none().await;
    });
}

#[test]
fn a_quiet_desktop_wakes_nobody() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut watcher = Watcher::start(&bed, 180);
        watcher.until("no display yet").await;
        sway(&mut bed);
        watcher.until("focus none").await;
        find(&mut bed);
        foot(&mut bed, "AppA");
        watcher.until("focus AppA").await;
        watcher.is_never_woken(Duration::from_secs(5)).await;
        println!("{} KiB resident", watcher.status("VmRSS"));
        assert!(watcher.status("VmRSS") < 12 * 1024);
    });
}

/// An Xwayland window has no app id but a class, and Xwayland's process is not the program's.
#[test]
fn an_xwayland_window_is_known_by_its_class() {
    if !can_run(&["sway", "swaymsg", "foot", "Xwayland", "xterm", "setpriv"]) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        std::fs::write(bed.path("config"), "xwayland enable\noutput HEADLESS-1 mode 1280x720\n").unwrap();
        let mut sensors = attached(&mut bed, LONG).await;
        foot(&mut bed, "AppA");
        sensors.focus("AppA").await;
        // Started by sway, which alone knows the display's number.
        bed.run(&["swaymsg", "exec", "xterm -class AppX -e sleep 600"]).await;
        sensors.focus("AppX").await;
        bed.run(&["swaymsg", "[app_id=AppA] focus"]).await;
        sensors.focus("AppA").await;
        sensors.desktop.act(WindowAct::Minimise(app("appx")));
        sensors.desktop.act(WindowAct::Close(app("AppA")));
        bed.ended("AppA").await;
        // What is in the scratchpad does not get focus by itself.
        sensors.focus_none().await;
        bed.run(&["swaymsg", "[class=AppX] scratchpad show"]).await;
        sensors.focus("AppX").await;
        sensors.desktop.act(WindowAct::Close(app("AppX")));
        sensors.focus_none().await;
        // Not killed: it removes the X display's socket and lock file.
        bed.start("exit", &["swaymsg", "exit"]);
        bed.ended("sway").await;
    });
}
