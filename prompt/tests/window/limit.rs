//! A real limit of the real daemon: it acts, the bus starts the window, and what is pressed there is done.

use dwell_tests::clock::{Deadline, wait_until};
use dwell_tests::{Bed, Daemon, Kind, Notices, Process};

use crate::desk::keep_a_keyboard;
use crate::tree::{FOCUSED, Sight, Tree};

/// The file by which a bus finds the window, as it is installed.
const SERVICE: &str = include_str!("../../../packaging/dbus/org.dwell.Prompt1.service");

const RULES: &str = r#"
[[rule]]
id = "alpha"
target = "app:AppA"
budget = "1s"
warn = []
snooze = { length = "5m", per-day = 3, wait = "1s" }

[[rule]]
id = "beta"
target = "app:AppB"
budget = "1s"
warn = []
"#;

/// A session with the daemon in it, and with the window where it is found when it is wanted.
struct Session {
    kind: Kind,
    tree: Tree,
    _daemon: Daemon,
    _notices: Notices,
    bed: Bed,
    _a11y: Process,
    _keyboard: Option<Process>,
}

impl Session {
    fn start(kind: Kind) -> Option<Self> {
        let mut bed = Bed::start(kind)?;
        let place = bed.place();
        // What a desktop does for its bus when it starts (dbus-update-activation-environment(1)).
        for name in ["DISPLAY", "WAYLAND_DISPLAY"] {
            let Some(value) = place.variable(name).and_then(|value| value.to_str()) else { continue };
            let to = [
                "call",
                "--session",
                "--dest",
                "org.freedesktop.DBus",
                "--object-path",
                "/org/freedesktop/DBus",
            ];
            let what = ["--method", "org.freedesktop.DBus.UpdateActivationEnvironment"];
            place.run("gdbus", &[&to[..], &what, &[&format!("{{'{name}': '{value}'}}")]].concat());
        }
        let a11y = Tree::serve(&bed)?;
        let keyboard = (kind == Kind::Sway).then(|| keep_a_keyboard(&bed));
        let tree = Tree::open(bed.session_bus().address());
        let notices = bed.record_notices();
        let daemon = bed.daemon();
        Some(Self { kind, tree, _daemon: daemon, _notices: notices, bed, _a11y: a11y, _keyboard: keyboard })
    }

    /// Puts the window where it is found, while the bus runs already: in a folder that the bus has not seen yet.
    fn install(&self) {
        let place = self.bed.place();
        let program = place.built("dwell-prompt");
        let service = SERVICE.replace("/usr/bin/dwell-prompt", &program.display().to_string());
        std::fs::create_dir_all(place.services()).unwrap();
        place.write(&place.services().join("org.dwell.Prompt1.service"), service);
    }

    /// Waits for the window about a program, with its first button focused.
    fn wait_for(&self, app: &str) {
        self.wait(&format!("the window about {app}"), |sight| {
            sight.dialog().is_some_and(|dialog| dialog.name.starts_with(app))
                && sight.button("Close").is_some_and(|close| close.is(FOCUSED))
        });
    }

    fn wait(&self, what: &str, condition: impl Fn(&Sight) -> bool) {
        let seen = wait_until(Deadline::seconds(20), || condition(&self.tree.look()));
        let log = std::fs::read_to_string(self.bed.place().log("dbus-daemon")).unwrap_or_default();
        assert!(seen, "{what}: there is\n{}{log}", self.tree.look());
    }

    /// Presses Enter until the window has gone: it takes no press in the first moment.
    fn enter(&self) {
        let gone = wait_until(Deadline::seconds(15), || {
            if self.tree.look().dialog().is_none() {
                return true;
            }
            self.press("Return");
            false
        });
        assert!(gone, "Enter did nothing: there is\n{}", self.tree.look());
    }

    fn press(&self, key: &str) {
        match self.kind {
            Kind::Sway => self.bed.place().run("wtype", &["-k", key]),
            _ => self.bed.place().run("xdotool", &["key", key]),
        };
    }
}

fn a_limit_opens_the_window_and_its_buttons_act(kind: Kind) {
    let Some(session) = Session::start(kind) else { return };
    let bed = &session.bed;
    let beta = bed.open("AppB", "beta");
    let alpha = bed.open("AppA", "alpha");
    bed.wait_for_dwell_to_see("AppA");
    assert!(session.tree.look().dialog().is_none(), "nothing has happened yet");
    session.install();
    let rules = bed.place().temporary().join("rules.toml");
    bed.place().write(&rules, RULES);
    let _ = bed.dwell(&["rules", "import", rules.to_str().unwrap(), "--yes"]).ok();

    session.wait_for("AppA");
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)));
    session.wait("its second button", |sight| sight.can_press("5 more minutes"));
    session.press("Tab");
    session.wait("its second button focused", |sight| {
        sight.focused().is_some_and(|part| part.name == "5 more minutes")
    });
    session.enter();
    assert!(bed.wait_until(Deadline::seconds(10), || !bed.is_hidden(&alpha)), "put off, and still away");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);

    bed.ask_for_focus(&beta);
    session.wait_for("AppB");
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&beta)));
    session.enter();
    assert!(bed.wait_until(Deadline::seconds(10), || !bed.is_open(&beta)), "not closed");
    assert!(bed.is_open(&alpha) && !bed.is_hidden(&alpha), "another program's window was closed");
}

#[test]
fn x11_a_limit_opens_the_window_and_its_buttons_act() {
    a_limit_opens_the_window_and_its_buttons_act(Kind::X11);
}

#[test]
fn sway_a_limit_opens_the_window_and_its_buttons_act() {
    a_limit_opens_the_window_and_its_buttons_act(Kind::Sway);
}
