//! What is said of the desktop and the back ends: in words that are true, with the one step that mends what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod bed;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use bed::{Bed, Sensors, block_on, can_run, connect};
use dwell_core::sample::Fact;
use dwell_desktop::{Buses, Health, Notice};

const LONG: u64 = 180_000;
const ATTACH: Option<&str> = Some("in your desktop session, run: dwelld attach");

/// Waits until each of these parts was last said to be well, or ill.
async fn parts(sensors: &mut Sensors, wanted: &[(&'static str, bool)]) -> BTreeMap<&'static str, Health> {
    let said = RefCell::new(BTreeMap::new());
    let all = |notice: &Notice| {
        let mut said = said.borrow_mut();
        if let Notice::Health(health) = notice {
            said.insert(health.part, health.clone());
        }
        wanted.iter().all(|(part, ok)| said.get(part).is_some_and(|health: &Health| health.ok == *ok))
    };
    sensors.until(&format!("{wanted:?}"), all).await;
    said.into_inner()
}

#[test]
fn x11_is_known_by_its_window_manager() {
    if !can_run(&["Xvfb", "openbox"]) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        let said = parts(&mut sensors, &[("desktop", false), ("focus", false), ("idle", false)]).await;
        for part in ["desktop", "focus", "idle"] {
            assert_eq!(said[part].fix.as_deref(), ATTACH, "{said:?}");
            assert!(said[part].message.starts_with("no display yet"), "{said:?}");
        }

        bed.xvfb().await;
        sensors.desktop.reattach(bed.surroundings());
        let said = parts(&mut sensors, &[("desktop", true), ("focus", false), ("idle", true)]).await;
        assert_eq!(said["desktop"].message, "X11 without a window manager");
        assert_eq!(said["focus"].fix.as_deref(), Some("start a window manager, for example openbox"));
        assert!(!said["focus"].message.contains(';'), "what is wrong, and nothing else: {said:?}");
        assert!(said["idle"].message.contains("IDLETIME"));
        // It has answered, and is not said to be silent later.
        sensors.rest(Duration::from_millis(500)).await;
        sensors.silence(Duration::from_millis(5500)).await;

        bed.openbox().await;
        let said = parts(&mut sensors, &[("desktop", true), ("focus", true), ("windows", true)]).await;
        assert_eq!(said["desktop"].message, "Openbox on X11");
        assert_eq!((said["focus"].fix.as_deref(), said["focus"].backend), (None, "x11"));
        let windows = &said["windows"].message;
        // There is no bus here, and so no systemd that would freeze anything.
        assert!(windows.starts_with("pid, close, minimise; not freeze ("), "{windows}");

        bed.kill("Xvfb").await;
        let said = parts(&mut sensors, &[("desktop", false), ("focus", false), ("idle", false)]).await;
        assert!(said["desktop"].message.ends_with("taken up again when it comes back"), "{said:?}");
        assert_eq!(said["desktop"].fix, None, "there is nothing to do: {said:?}");
    });
}

#[test]
fn sway_tells_its_version_and_without_its_ipc_it_is_known_by_its_process() {
    if !can_run(&["sway", "setpriv"]) {
        return;
    }
    block_on(async {
        for hidden in [false, true] {
            let mut bed = Bed::unprivileged();
            for (name, value) in [
                ("WLR_BACKENDS", "headless"),
                ("WLR_LIBINPUT_NO_DEVICES", "1"),
                ("WLR_RENDERER", "pixman"),
                // A claim, which counts less than what is seen.
                ("XDG_CURRENT_DESKTOP", "GNOME"),
            ] {
                bed.set(name, value);
            }
            std::fs::write(bed.path("config"), "xwayland disable\n").unwrap();
            let mut sensors = Sensors::start(&bed, LONG, Buses::default());
            parts(&mut sensors, &[("desktop", false)]).await;
            if hidden {
                let socket = bed.path("hidden.sock");
                bed.set("SWAYSOCK", socket.to_str().unwrap());
            }
            let config = bed.path("config");
            bed.start("sway", &["sway", "-c", config.to_str().unwrap()]);
            let said = parts(&mut sensors, &[("desktop", true), ("focus", true), ("idle", true)]).await;
            let desktop = &said["desktop"].message;
            if hidden {
                assert_eq!((desktop.as_str(), said["focus"].backend), ("sway on Wayland", "wlr"));
                let windows = &said["windows"].message;
                assert_eq!(windows, "close, minimise; not pid, freeze (no window's process is known)");
            } else {
                assert!(desktop.starts_with("sway 1.") && desktop.ends_with(" on Wayland"), "{desktop}");
                assert!(!desktop.contains('('), "the branch is of no interest: {desktop}");
            }
            assert!(said["idle"].message.contains("idle"), "{said:?}");
        }
    });
}

/// A screen saver that covers the screen.
struct Saver;

#[zbus::interface(name = "org.gnome.ScreenSaver")]
impl Saver {
    fn get_active(&self) -> bool {
        true
    }
}

#[test]
fn a_screen_saver_is_named_and_one_that_goes_away_locks_nothing() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let server = bed.bus().await;
        server.object_server().at("/org/gnome/ScreenSaver", Saver).await.unwrap();
        let session = connect(&format!("unix:path={}", bed.path("bus").display())).await;
        let mut sensors = Sensors::start(&bed, LONG, Buses { session: Some(session), system: None });
        let said = parts(&mut sensors, &[("lock", false), ("session", false), ("sleep", true)]).await;
        assert!(said["lock"].message.starts_with("nothing tells"), "{said:?}");
        assert_eq!(said["lock"].fix.as_deref(), Some("start the system bus (dbus) and logind"), "{said:?}");

        server.request_name("org.gnome.ScreenSaver").await.unwrap();
        sensors.fact("its cover", |fact| *fact == Fact::Locked(true)).await;
        let said = parts(&mut sensors, &[("lock", false)]).await;
        assert_eq!(said["lock"].message, "only org.gnome.ScreenSaver tells when the screen is locked");

        // Killed with the screen covered, it will never say that it is not any more.
        server.release_name("org.gnome.ScreenSaver").await.unwrap();
        sensors.fact("its end", |fact| *fact == Fact::Locked(false)).await;
        let said = parts(&mut sensors, &[("lock", false)]).await;
        assert!(said["lock"].message.starts_with("nothing tells"), "{said:?}");
    });
}
