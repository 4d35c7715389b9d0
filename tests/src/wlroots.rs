//! Headless compositors that are not asked through tools of their own: labwc, which tells every client of its windows, and
//! weston and cage, which tell nobody.

use std::fs;
use std::path::PathBuf;

use crate::bell::Bell;
use crate::clock::{Deadline, wait_until};
use crate::foreign::Foreign;
use crate::observer::Observer;
use crate::place::Place;
use crate::process::Process;

/// Which compositor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compositor {
    Labwc,
    Weston,
    /// With one foot terminal, its only window.
    Cage,
    /// sway, as any compositor that tells of its windows: the IPC is not used, and dwell is not told where it is.
    SwayAlone,
}

impl Compositor {
    pub(crate) const fn needs(self) -> &'static [&'static str] {
        match self {
            Compositor::Labwc => &["labwc", "foot", "wtype", "setpriv", "dbus-daemon"],
            Compositor::Weston => &["weston", "setpriv", "dbus-daemon"],
            Compositor::Cage => &["cage", "foot", "setpriv", "dbus-daemon"],
            Compositor::SwayAlone => &["sway", "foot", "wtype", "setpriv", "dbus-daemon"],
        }
    }

    const fn tells_of_windows(self) -> bool {
        matches!(self, Compositor::Labwc | Compositor::SwayAlone)
    }

    fn start(self, place: &mut Place) -> Process {
        place.set("WLR_BACKENDS", "headless");
        place.set("WLR_LIBINPUT_NO_DEVICES", "1");
        place.set("WLR_RENDERER", "pixman");
        place.set("WLR_HEADLESS_OUTPUTS", "1");
        place.set("XDG_SESSION_TYPE", "wayland");
        place.unset("WAYLAND_DISPLAY");
        match self {
            Compositor::Labwc => {
                place.set("XDG_CURRENT_DESKTOP", "labwc:wlroots");
                place.start("labwc", &[])
            }
            Compositor::Weston => {
                let size = ["--width=1280", "--height=720", "--idle-time=0", "--socket=wayland-1"];
                let screen = ["--backend=headless-backend.so", "--use-pixman"];
                place.start("weston", &[&screen[..], &size[..]].concat())
            }
            Compositor::Cage => place.start("cage", &["--", "foot", "-a", "AppA", "sleep", "100000"]),
            Compositor::SwayAlone => {
                // sway puts its IPC where it is told to, and nobody else is told.
                let config = place.runtime().join("sway.conf");
                place.write(&config, "xwayland disable\noutput HEADLESS-1 mode 1280x720\n");
                let hidden = place.runtime().join("hidden.sock");
                place.set("SWAYSOCK", &hidden);
                let process = place.start("sway", &["-c", &config.display().to_string()]);
                place.unset("SWAYSOCK");
                process
            }
        }
    }
}

/// A running compositor.
#[derive(Debug)]
pub(crate) struct Wlroots {
    compositor: Compositor,
    /// Our own client; none for one that tells nobody anything.
    foreign: Option<Foreign>,
    changed: Bell,
    process: Process,
}

impl Wlroots {
    pub(crate) fn start(place: &mut Place, compositor: Compositor) -> Self {
        let process = compositor.start(place);
        let answers = || {
            let socket = socket(place)?;
            std::os::unix::net::UnixStream::connect(&socket).is_ok().then_some(socket)
        };
        assert!(wait_until(Deadline::seconds(15), || answers().is_some()), "{compositor:?} does not answer");
        let socket = answers().expect("the socket just seen");
        place.set("WAYLAND_DISPLAY", socket.file_name().expect("a socket has a name"));
        let foreign = compositor.tells_of_windows().then(|| {
            // It answers before it offers everything.
            let mut foreign = None;
            let connects = || {
                foreign = Foreign::connect(&socket);
                foreign.is_some()
            };
            assert!(wait_until(Deadline::seconds(15), connects), "{compositor:?} tells of no windows");
            foreign.expect("the connection just made")
        });
        let changed = foreign.as_ref().map(|foreign| foreign.changed().clone()).unwrap_or_default();
        Wlroots { compositor, foreign, changed, process }
    }

    fn foreign(&self) -> &Foreign {
        self.foreign.as_ref().unwrap_or_else(|| panic!("{:?} tells of no windows", self.compositor))
    }

    /// Starts a terminal with this app id and waits until it has focus, as every new window gets it.
    pub(crate) fn open(&self, place: &Place, app: &str, title: &str) -> (Process, u32) {
        let before = self.foreign().opened();
        let process = place.start("foot", &["-a", app, "-T", title, "sleep", "100000"]);
        let new = || self.foreign().focused_after(before, app);
        let number = self.changed.wait_for(Deadline::seconds(15), new).expect("a new window");
        (process, number)
    }

    pub(crate) fn ask_for_focus(&self, number: u32) {
        self.foreign().activate(number);
    }

    pub(crate) fn hide(&self, number: u32) {
        self.foreign().minimise(number);
    }

    pub(crate) fn press_key(place: &Place) {
        place.run("wtype", &["-k", "Shift_L"]);
    }

    pub(crate) fn is_hidden(&self, number: u32) -> bool {
        self.foreign().is_minimised(number)
    }

    pub(crate) fn is_open(&self, number: u32) -> bool {
        self.foreign().is_open(number)
    }

    pub(crate) fn has_no_window_in_focus(&self) -> bool {
        self.foreign().has_no_window_in_focus()
    }

    pub(crate) fn observe(&self) -> Observer {
        self.foreign().observe()
    }

    pub(crate) fn changed(&self) -> &Bell {
        &self.changed
    }

    /// The compositor's process.
    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills it as a crash would; what it leaves behind would be taken for the next one's.
    pub(crate) fn kill(&mut self, place: &Place) {
        self.process.kill();
        while let Some(socket) = socket(place) {
            fs::remove_file(socket).expect("to remove a dead socket");
        }
    }

    /// Starts another in its place.
    pub(crate) fn start_again(&mut self, place: &mut Place) {
        *self = Self::start(place, self.compositor);
    }
}

fn socket(place: &Place) -> Option<PathBuf> {
    let names =
        fs::read_dir(place.runtime()).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut sockets = names.filter(|name| name.starts_with("wayland-") && !name.ends_with(".lock"));
    sockets.next().map(|name| place.runtime().join(name))
}
