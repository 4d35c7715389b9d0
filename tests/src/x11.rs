//! Xvfb with openbox or xfwm4: windows are xterms, and the window manager is asked as a pager or a person would ask it.

use std::sync::Arc;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window as XWindow,
};
use x11rb::rust_connection::RustConnection;

use crate::bell::Bell;
use crate::clock::Deadline;
use crate::place::Place;
use crate::process::{Lines, Process};

/// The `WM_STATE` of a minimised window (ICCCM 4.1.3.1).
const ICONIC: u32 = 3;

/// A property of the root window, set by us when the window manager is ready.
const READY: &str = "DWELL_BED_READY";

/// Which window manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    Openbox,
    Xfwm4,
}

impl Manager {
    const fn program(self) -> &'static str {
        match self {
            Self::Openbox => "openbox",
            Self::Xfwm4 => "xfwm4",
        }
    }

    /// What a bed with it needs.
    pub(crate) fn needs(self) -> Vec<&'static str> {
        [&[self.program()], X11::NEEDS].concat()
    }

    /// Starts it. A window that comes before the manager handles windows waits five seconds for an answer that was lost.
    fn start(self, place: &Place, screen: &Screen, changed: &Bell) -> Process {
        // From before it ran: a restarted one must not be taken for ready.
        screen.delete(screen.root, screen.ready);
        screen.delete(screen.root, screen.check);
        let (manager, ready): (_, &dyn Fn() -> bool) = match self {
            // The usual sign comes too early here. The startup command runs when all is set up.
            Self::Openbox => {
                let sign = format!("xprop -root -format {READY} 32c -set {READY} 1");
                (place.start("openbox", &["--startup", &sign]), &|| {
                    !screen.property(screen.root, screen.ready).is_empty()
                })
            }
            // Its settings come over the bed's own session bus, if anything answers there: without, its defaults.
            Self::Xfwm4 => {
                let alone = ["--compositor=off", "--sm-client-disable"];
                (place.start("xfwm4", &alone), &|| {
                    !screen.property(screen.root, screen.check).is_empty()
                        && !screen.property(screen.root, screen.supported).is_empty()
                })
            }
        };
        assert!(changed.wait_until(Deadline::seconds(15), ready), "{} did not come up", self.program());
        manager
    }
}

/// A running X server with its window manager.
#[derive(Debug)]
pub(crate) struct X11 {
    screen: Arc<Screen>,
    changed: Bell,
    // Before the server: it goes while there is one.
    _manager: Process,
    server: Lines,
}

#[derive(Debug)]
struct Screen {
    connection: RustConnection,
    root: XWindow,
    ready: Atom,
    check: Atom,
    supported: Atom,
    clients: Atom,
    state: Atom,
    hints: Atom,
    hidden: Atom,
}

impl X11 {
    const NEEDS: &[&str] = &["Xvfb", "xterm", "xdotool", "wmctrl", "xprop", "setpriv", "dbus-daemon"];

    pub(crate) fn start(place: &mut Place, manager: Manager) -> Self {
        Self::start_on(place, manager, None)
    }

    /// Kills the X server as a crash would.
    pub(crate) fn kill(&mut self) {
        self.server.process().kill();
    }

    /// Starts another under the same number.
    pub(crate) fn start_again(&mut self, place: &mut Place, manager: Manager) {
        let display = place.variable("DISPLAY").and_then(|display| display.to_str()).expect("a display");
        *self = Self::start_on(place, manager, Some(display.to_owned()));
    }

    fn start_on(place: &mut Place, manager: Manager, display: Option<String>) -> Self {
        let (server, display) = start_server(place, display);
        place.set("DISPLAY", &display);

        let screen = Arc::new(Screen::connect(&display));
        let changed = Bell::default();
        screen.follow(screen.root);
        ring_on_events(Arc::clone(&screen), changed.clone());
        let manager = manager.start(place, &screen, &changed);
        X11 { screen, changed, _manager: manager, server }
    }

    /// Starts a terminal of this class and waits until the window manager lists its window.
    pub(crate) fn open(&self, place: &Place, app: &str, title: &str) -> (Process, XWindow) {
        let before = self.screen.property(self.screen.root, self.screen.clients);
        let process = place.start("xterm", &["-class", app, "-T", title, "-e", "sleep", "100000"]);
        let new = || {
            let clients = self.screen.property(self.screen.root, self.screen.clients);
            clients.into_iter().find(|window| !before.contains(window) && self.screen.class(*window) == app)
        };
        let window = self.changed.wait_for(Deadline::seconds(15), new).expect("a new window");
        self.screen.follow(window);
        (process, window)
    }

    pub(crate) fn ask_for_focus(place: &Place, window: XWindow) {
        place.run("wmctrl", &["-i", "-a", &format!("{window:#010x}")]);
    }

    pub(crate) fn press_key(place: &Place) {
        place.run("xdotool", &["key", "shift"]);
    }

    /// Whether the window manager has really minimised it: the state that it keeps, and the hint that pagers read.
    pub(crate) fn is_hidden(&self, window: XWindow) -> bool {
        self.screen.property(window, self.screen.state).first() == Some(&ICONIC)
            && self.screen.property(window, self.screen.hints).contains(&self.screen.hidden)
    }

    pub(crate) fn is_open(&self, window: XWindow) -> bool {
        self.screen.property(self.screen.root, self.screen.clients).contains(&window)
    }

    pub(crate) fn changed(&self) -> &Bell {
        &self.changed
    }
}

/// A number by chance, again if it is taken: servers that look for a free number themselves step on each other's lock
/// files when several start at once, and wait two seconds each time.
fn start_server(place: &Place, wanted: Option<String>) -> (Lines, String) {
    for _ in 0..5 {
        let display = wanted.clone().unwrap_or_else(|| format!(":{}", fastrand::u32(1_000..30_000)));
        let screen = ["-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"];
        let arguments: Vec<&str> =
            [display.as_str(), "-displayfd", "1"].iter().chain(&screen).copied().collect();
        let server = place.lines("Xvfb", &arguments);
        // It prints its number once it listens; nothing when the number was taken.
        if server.next(Deadline::seconds(15)).is_some() {
            return (server, display);
        }
    }
    panic!("Xvfb does not start");
}

impl Screen {
    fn connect(display: &str) -> Self {
        let (connection, number) =
            RustConnection::connect(Some(display)).expect("to connect to our own X server");
        let root = connection.setup().roots[number].root;
        let atom = |name: &str| {
            let reply = connection.intern_atom(false, name.as_bytes()).expect("a request").reply();
            reply.expect("an atom").atom
        };
        let (ready, clients) = (atom(READY), atom("_NET_CLIENT_LIST"));
        let (check, supported) = (atom("_NET_SUPPORTING_WM_CHECK"), atom("_NET_SUPPORTED"));
        let (state, hints, hidden) = (atom("WM_STATE"), atom("_NET_WM_STATE"), atom("_NET_WM_STATE_HIDDEN"));
        Screen { root, ready, check, supported, clients, state, hints, hidden, connection }
    }

    fn follow(&self, window: XWindow) {
        let changes = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        // A window may be gone again: that is seen as an empty property, not as an error.
        let _ = self.connection.change_window_attributes(window, &changes);
        let _ = self.connection.flush();
    }

    fn delete(&self, window: XWindow, property: Atom) {
        let _ = self.connection.delete_property(window, property);
        let _ = self.connection.flush();
    }

    /// A property as 32-bit values; empty when the window or the property is not there.
    fn property(&self, window: XWindow, property: Atom) -> Vec<u32> {
        let request = self.connection.get_property(false, window, property, AtomEnum::ANY, 0, 1024);
        let Ok(Ok(reply)) = request.map(|request| request.reply()) else { return Vec::new() };
        reply.value32().map(Iterator::collect).unwrap_or_default()
    }

    /// The class of a window: the second of the two strings of `WM_CLASS`.
    fn class(&self, window: XWindow) -> String {
        let request =
            self.connection.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 1024);
        let Ok(Ok(reply)) = request.map(|request| request.reply()) else { return String::new() };
        let strings = String::from_utf8_lossy(&reply.value).into_owned();
        strings.split('\0').nth(1).unwrap_or_default().to_owned()
    }
}

/// Rings for every event until the server goes away with the bed.
fn ring_on_events(screen: Arc<Screen>, bell: Bell) {
    std::thread::spawn(move || {
        while let Ok(event) = screen.connection.wait_for_event() {
            if !matches!(event, Event::Error(_)) {
                bell.ring();
            }
        }
    });
}
