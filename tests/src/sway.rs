//! Headless sway: windows are foot terminals, and the compositor is asked through `swaymsg`.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::bell::Bell;
use crate::clock::{Deadline, wait_until};
use crate::place::Place;
use crate::process::Process;

/// A running sway.
#[derive(Debug)]
pub(crate) struct Sway {
    changed: Bell,
    _events: Process,
    compositor: Process,
}

impl Sway {
    pub(crate) const NEEDS: &[&str] = &["sway", "swaymsg", "foot", "wtype", "setpriv", "dbus-daemon"];

    pub(crate) fn start(place: &mut Place) -> Self {
        place.set("WLR_BACKENDS", "headless");
        place.set("WLR_LIBINPUT_NO_DEVICES", "1");
        place.set("WLR_RENDERER", "pixman");
        place.set("WLR_HEADLESS_OUTPUTS", "1");
        place.set("XDG_CURRENT_DESKTOP", "sway");
        place.set("XDG_SESSION_TYPE", "wayland");
        let config = place.runtime().join("sway.conf");
        place.write(&config, "xwayland disable\noutput HEADLESS-1 mode 1280x720 bg #203040 solid_color\n");
        let compositor = place.start("sway", &["-c", &config.display().to_string()]);

        let sockets = || Some((socket(place, "sway-ipc.")?, socket(place, "wayland-")?));
        assert!(wait_until(Deadline::seconds(15), || sockets().is_some()), "sway made no sockets");
        let (ipc, wayland) = sockets().expect("the sockets just seen");
        place.set("SWAYSOCK", place.runtime().join(ipc));
        place.set("WAYLAND_DISPLAY", wayland);
        let listens = || {
            let asked = place.command("swaymsg").args(["-q", "-t", "get_version"]).status();
            asked.is_ok_and(|status| status.success())
        };
        assert!(wait_until(Deadline::seconds(15), listens), "sway does not answer");

        let changed = Bell::default();
        let events = ring_on_events(place, changed.clone());
        Sway { changed, _events: events, compositor }
    }

    /// Starts a terminal with this app id and waits until it has focus, as every new window of sway gets it.
    pub(crate) fn open(&self, place: &Place, app: &str, title: &str) -> (Process, u32) {
        let process = place.start("foot", &["-a", app, "-T", title, "sleep", "100000"]);
        let pid = process.pid();
        let focused = || node(place, pid).is_some_and(|node| node["focused"] == true);
        assert!(self.changed.wait_until(Deadline::seconds(15), focused), "no new window");
        (process, pid)
    }

    pub(crate) fn ask_for_focus(place: &Place, pid: u32) {
        place.run("swaymsg", &["-q", &format!("[pid={pid}] focus")]);
    }

    pub(crate) fn press_key(place: &Place) {
        place.run("wtype", &["-k", "Shift_L"]);
    }

    /// Whether it is in the scratchpad and shown nowhere, which is as minimised as sway can make a window.
    pub(crate) fn is_hidden(place: &Place, pid: u32) -> bool {
        node(place, pid).is_some_and(|node| node["visible"] == false && node["scratchpad_state"] != "none")
    }

    pub(crate) fn is_open(place: &Place, pid: u32) -> bool {
        node(place, pid).is_some()
    }

    /// Whether something that is no window has the keyboard, as a screen locker.
    pub(crate) fn has_no_window_in_focus(place: &Place) -> bool {
        let seats: Value =
            serde_json::from_str(&place.run("swaymsg", &["-r", "-t", "get_seats"])).unwrap_or_default();
        seats[0]["focus"] == 0
    }

    /// The compositor's process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.compositor
    }

    /// Kills it as a crash would; what it leaves behind would be taken for the next one's.
    pub(crate) fn kill(&mut self, place: &Place) {
        self.compositor.kill();
        for prefix in ["sway-ipc.", "wayland-"] {
            while let Some(name) = socket(place, prefix) {
                fs::remove_file(place.runtime().join(name)).expect("to remove a dead socket");
            }
        }
    }

    pub(crate) fn changed(&self) -> &Bell {
        &self.changed
    }
}

fn socket(place: &Place, prefix: &str) -> Option<String> {
    let names =
        fs::read_dir(place.runtime()).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().find(|name| name.starts_with(prefix) && !name.ends_with(".lock"))
}

/// The window of this process in sway's tree.
fn node(place: &Place, pid: u32) -> Option<Value> {
    let tree: Value = serde_json::from_str(&place.run("swaymsg", &["-r", "-t", "get_tree"])).ok()?;
    find(&tree, &|node| node["pid"] == pid).cloned()
}

/// The first node below (and with) this one that fits.
pub(crate) fn find<'a>(node: &'a Value, fits: &dyn Fn(&Value) -> bool) -> Option<&'a Value> {
    if fits(node) {
        return Some(node);
    }
    let below = ["nodes", "floating_nodes"].iter().filter_map(|kind| node[kind].as_array()).flatten();
    below.into_iter().find_map(|node| find(node, fits))
}

fn ring_on_events(place: &Place, bell: Bell) -> Process {
    let mut command = place.command("swaymsg");
    command.args(["-t", "subscribe", "-m", r#"["window","workspace"]"#]).stdout(Stdio::piped());
    let mut subscription = Process::start("swaymsg", &mut command);
    let mut events = subscription.take_stdout();
    std::thread::spawn(move || {
        let mut some = [0; 4096];
        while std::io::Read::read(&mut events, &mut some).is_ok_and(|length| length > 0) {
            bell.ring();
        }
    });
    subscription
}
