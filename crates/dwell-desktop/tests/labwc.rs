//! The back end for any compositor that tells of its toplevels, on a real labwc without a screen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod bed;

use std::time::Duration;

use bed::{Bed, Sensors, Watcher, app, block_on, can_run};
use dwell_desktop::{Buses, WindowAct};

const PROGRAMS: &[&str] = &["labwc", "foot", "wtype", "swaylock", "setpriv"];
const LONG: u64 = 180_000;

fn bed() -> Bed {
    let mut bed = Bed::unprivileged();
    for (name, value) in [
        ("WLR_BACKENDS", "headless"),
        ("WLR_LIBINPUT_NO_DEVICES", "1"),
        ("WLR_RENDERER", "pixman"),
        ("WLR_HEADLESS_OUTPUTS", "1"),
        ("XDG_CURRENT_DESKTOP", "labwc:wlroots"),
    ] {
        bed.set(name, value);
    }
    bed
}

/// A running labwc with the sensors attached, which found it by themselves.
async fn attached(bed: &mut Bed, idle_after_ms: u64) -> Sensors {
    let mut sensors = Sensors::start(bed, idle_after_ms, Buses::default());
    sensors.health("focus", false).await;
    bed.start("labwc", &["labwc"]);
    let health = sensors.health("focus", true).await;
    assert_eq!((health.backend, health.message.as_str()), ("wlr", "told by labwc (wlr-foreign-toplevel)"));
    let windows = sensors.health("windows", true).await.message;
    assert!(windows.starts_with("close, minimise; not pid"), "{windows}");
    sensors.focus_none().await;
    bed.set("WAYLAND_DISPLAY", "wayland-0");
    sensors
}

fn foot(bed: &mut Bed, id: &str) {
    bed.start(id, &["foot", "-a", id, "sleep", "600"]);
}

#[test]
fn labwc_focus_acts_and_locks() {
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
        let locker = bed.lock_screen().await;
        sensors.focus_none().await;
        // Unlocked within milliseconds of being locked, labwc 0.8 at times crashes.
        sensors.silence(Duration::from_millis(500)).await;
        bed.unlock_screen(locker);
        sensors.focus("AppA").await;

        sensors.desktop.act(WindowAct::Minimise(app("AppA")));
        sensors.focus("AppB").await;
        sensors.desktop.act(WindowAct::Restore(app("AppA")));
        sensors.desktop.act(WindowAct::Close(app("appb")));
        bed.ended("AppB").await;
        sensors.focus("AppA").await;
        sensors.desktop.act(WindowAct::Close(app("AppA")));
        bed.ended("AppA").await;
    });
}

#[test]
fn labwc_idleness_is_since_the_last_input() {
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
    });
}

#[test]
fn a_quiet_labwc_wakes_nobody() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = bed();
        let mut watcher = Watcher::start(&bed, 180);
        watcher.until("no display yet").await;
        bed.start("labwc", &["labwc"]);
        watcher.until("focus none").await;
        bed.set("WAYLAND_DISPLAY", "wayland-0");
        foot(&mut bed, "AppA");
        watcher.until("focus AppA").await;
        watcher.is_never_woken(Duration::from_secs(5)).await;
    });
}
