//! Headless GNOME Shell: windows are foot terminals, and the shell is asked through a small extension of the bed's own,
//! which shares nothing with dwell's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bell::Bell;
use crate::clock::{Deadline, Stamp, wait_until};
use crate::logind::Logind;
use crate::mock::{Mock, On};
use crate::place::Place;
use crate::process::Process;

/// The bed's extension, on the bus.
const BED: &str = "org.dwell.Bed1";
const BED_UUID: &str = "bed@dwell.org";
const DWELL_UUID: &str = "dwell@dwell.org";
const DISPLAY: &str = "wayland-1";
/// What the shell logs when it is up.
const UP: &str = "GNOME Shell started at";

/// A running GNOME Shell.
#[derive(Debug)]
pub(crate) struct Gnome {
    changed: Bell,
    _events: Process,
    shell: Process,
    _display_manager: Mock,
    _logind: Logind,
}

impl Gnome {
    pub(crate) const NEEDS: &[&str] =
        &["gnome-shell", "foot", "gdbus", "gsettings", "python3", "setpriv", "dbus-daemon"];

    /// Starts the shell, with dwell's extension or without.
    ///
    /// # Errors
    ///
    /// What this machine lacks.
    pub(crate) fn start(place: &mut Place, with_dwell: bool) -> Result<Self, String> {
        // The shell must have a logind, and does not lock the screen without a display manager that could unlock it.
        let logind = Logind::start(place)?;
        let display_manager = display_manager(place);
        place.set("GSETTINGS_BACKEND", "keyfile");
        place.set("XDG_CURRENT_DESKTOP", "GNOME");
        place.set("XDG_SESSION_TYPE", "wayland");
        place.set("XDG_SESSION_ID", "c1");
        place.set("LIBGL_ALWAYS_SOFTWARE", "1");
        place.set("WAYLAND_DISPLAY", DISPLAY);

        let version = version(place);
        install(place, BED_UUID, "[\"user\",\"unlock-dialog\"]", version, &bed_extension(version));
        let mut enabled = vec![BED_UUID];
        if with_dwell {
            install(place, DWELL_UUID, "[\"user\"]", version, &dwell_extension(version));
            enabled.push(DWELL_UUID);
        }
        place.run("gsettings", &["set", "org.gnome.shell", "enabled-extensions", &format!("{enabled:?}")]);
        place.run("gsettings", &["set", "org.gnome.shell", "welcome-dialog-last-shown-version", "999"]);

        let shell = start_shell(place);
        let changed = Bell::default();
        let events = ring_on_events(place, changed.clone());
        Ok(Gnome { changed, _events: events, shell, _display_manager: display_manager, _logind: logind })
    }

    /// Kills the shell as a crash would, which ends every window, and starts it again.
    pub(crate) fn restart(&mut self, place: &Place) {
        self.kill();
        self.shell = start_shell(place);
    }

    /// Kills the shell as a crash would.
    pub(crate) fn kill(&mut self) {
        self.shell.kill();
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.shell
    }

    /// Starts a terminal with this app id and gives it focus, which the shell does by itself only if it likes.
    pub(crate) fn open(&self, place: &Place, app: &str, title: &str) -> (Process, u32) {
        let process = place.start("foot", &["-a", app, "-T", title, "sleep", "100000"]);
        let pid = process.pid();
        // A window is there before it is shown, and until then nobody can give it focus: asked for at each change.
        let focused = || match window(place, pid) {
            Some(window) if window["focused"] == true => true,
            Some(_) => {
                Self::ask_for_focus(place, pid);
                false
            }
            None => false,
        };
        assert!(
            self.changed.wait_until(Deadline::seconds(15), focused),
            "the new window got no focus: {:?}",
            windows(place)
        );
        (process, pid)
    }

    pub(crate) fn ask_for_focus(place: &Place, pid: u32) {
        ask(place, "Activate", &[&pid.to_string()]).expect("the bed's extension answers");
    }

    pub(crate) fn stay(place: &Place, pid: u32, times: u32) {
        ask(place, "Stay", &[&pid.to_string(), &times.to_string()]).expect("the bed's extension answers");
    }

    pub(crate) fn press_key(place: &Place) {
        ask(place, "PressKey", &[]).expect("the bed's extension answers");
    }

    pub(crate) fn is_hidden(place: &Place, pid: u32) -> bool {
        window(place, pid).is_some_and(|window| window["hidden"] == true)
    }

    pub(crate) fn is_open(place: &Place, pid: u32) -> bool {
        window(place, pid).is_some()
    }

    pub(crate) fn changed(&self) -> &Bell {
        &self.changed
    }

    /// Locks the screen or unlocks it, as the lock key and the right password do, and waits until it is so.
    pub(crate) fn lock(place: &Place, locked: bool) {
        screen_saver(place, "SetActive", &[&locked.to_string()]);
        let wanted = format!("({locked},)");
        let done = || screen_saver(place, "GetActive", &[]).trim() == wanted;
        assert!(wait_until(Deadline::seconds(10), done), "GNOME Shell is not locked: {locked}");
    }

    /// Has gnome-session's place taken by something that knows of one inhibitor of idleness, a film say.
    pub(crate) fn start_film(place: &Place) -> Film {
        let name = "org.gnome.SessionManager";
        let mock = Mock::start(place, On::Session, name, "/org/gnome/SessionManager", name);
        mock.add_property("InhibitedActions", "uint32 8");
        mock.add_method("IsInhibited", "u", "b", "True");
        mock.emit("InhibitorAdded", "o", "[<objectpath '/org/gnome/SessionManager/Inhibitor1'>]");
        Film { mock }
    }

    /// The app that has focus by the bed's own extension.
    pub(crate) fn focused(place: &Place) -> Option<String> {
        let windows = windows(place);
        let window = windows.iter().find(|window| window["focused"] == true)?;
        Some(window["app"].as_str().unwrap_or_default().to_owned())
    }

    /// A tool that prints a line for each change of focus.
    pub(crate) fn focus_monitor(place: &Place) -> Command {
        place.command_with_log("gdbus", &["monitor", "--session", "--dest", BED])
    }

    /// Reads a line of that tool: what has focus now, if that is what it tells.
    pub(crate) fn read_focus(line: &str) -> Option<Option<String>> {
        if line.contains("does not have an owner") {
            return Some(None);
        }
        let app = line.split_once("org.dwell.Bed1.Focus ('")?.1.strip_suffix("',)")?;
        Some(Some(app.to_owned()).filter(|app| !app.is_empty()))
    }
}

/// A film that keeps the screen on.
#[derive(Debug)]
pub struct Film {
    mock: Mock,
}

impl Film {
    /// Ends it. As in real life, the shell learns of it by the property, dwell by the signal.
    pub fn end(&self) {
        self.mock.add_method("IsInhibited", "u", "b", "False");
        self.mock.change_property("InhibitedActions", "uint32 0");
        self.mock.emit("InhibitorRemoved", "o", "[<objectpath '/org/gnome/SessionManager/Inhibitor1'>]");
    }
}

/// As much of a display manager as the shell asks for: one that has a version.
fn display_manager(place: &Place) -> Mock {
    let (path, interface) = ("/org/gnome/DisplayManager/Manager", "org.gnome.DisplayManager.Manager");
    let mock = Mock::start(place, On::System, "org.gnome.DisplayManager", path, interface);
    mock.add_property("Version", "'43.0'");
    mock
}

/// Starts the shell and waits until it is up and the bed's extension answers.
fn start_shell(place: &Place) -> Process {
    let arguments = [
        "--headless",
        "--wayland",
        "--no-x11",
        "--wayland-display",
        DISPLAY,
        "--virtual-monitor",
        "1280x720",
    ];
    let ups = || fs::read_to_string(place.log("gnome-shell")).unwrap_or_default().matches(UP).count();
    let before = ups();
    let shell = place.start("gnome-shell", &arguments);
    let mut stuck = Stuck { shell: shell.pid(), seen: None };
    let up = || {
        stuck.end();
        ups() > before
    };
    assert!(wait_until(Deadline::seconds(40), up), "GNOME Shell does not come up: {}", log_tail(place));
    let answers = || ask(place, "List", &[]).is_some();
    assert!(
        wait_until(Deadline::seconds(10), answers),
        "the bed's extension is not there: {}",
        log_tail(place)
    );
    shell
}

/// A shell without a user manager starts ibus itself, with a callback in JavaScript between fork and exec. If another
/// thread held a lock at that moment the child waits for ever, and the shell with it (seen in GNOME Shell 43). Such a
/// child is ended here and the shell goes on; once the bed's extension is there it starts none.
struct Stuck {
    shell: u32,
    seen: Option<(u32, Stamp)>,
}

impl Stuck {
    fn end(&mut self) {
        let file = format!("/proc/{0}/task/{0}/children", self.shell);
        let children = fs::read_to_string(file).unwrap_or_default();
        let program = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).ok();
        let own = program(self.shell);
        let mut pids = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        let forked = pids.find(|pid| own.is_some() && program(*pid) == own);
        match (forked, self.seen) {
            (Some(child), Some((same, since))) if child == same => {
                if Stamp::now().since(since) > 500
                    && let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw)
                {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            (Some(child), _) => self.seen = Some((child, Stamp::now())),
            (None, _) => self.seen = None,
        }
    }
}

fn log_tail(place: &Place) -> String {
    let log = fs::read_to_string(place.log("gnome-shell")).unwrap_or_default();
    let last: Vec<&str> = log.lines().rev().take(20).collect();
    last.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// The major version of the installed GNOME Shell.
fn version(place: &Place) -> u32 {
    // GNOME Shell 43.9
    let line = place.run("gnome-shell", &["--version"]);
    let number = line.split_whitespace().last().and_then(|version| version.split('.').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("not a version: {line}"))
}

/// Whether this version loads extensions as modules.
fn is_esm(version: u32) -> bool {
    version >= 45
}

/// Puts an extension where the shell looks for the person's own.
fn install(place: &Place, uuid: &str, modes: &str, version: u32, text: &str) {
    let folder = place.home().join(".local/share/gnome-shell/extensions").join(uuid);
    fs::create_dir_all(&folder).expect("a folder for an extension");
    for part in folder.ancestors().take(3) {
        place.own(part, 0o700);
    }
    let metadata = format!(
        r#"{{"uuid":"{uuid}","name":"{uuid}","description":"for a test bed","session-modes":{modes},
            "shell-version":["{version}"],"version":1}}"#
    );
    place.write(&folder.join("metadata.json"), metadata);
    place.write(&folder.join("extension.js"), text);
}

fn bed_extension(version: u32) -> String {
    let body = include_str!("bed.js");
    if is_esm(version) {
        let imports: String = ["Clutter", "Gio", "GLib"]
            .iter()
            .map(|name| format!("import {name} from 'gi://{name}';\n"))
            .collect();
        let shell = "import * as Main from 'resource:///org/gnome/shell/ui/main.js';\n\
                     import * as IBusManager from 'resource:///org/gnome/shell/misc/ibusManager.js';\n";
        format!("{imports}{shell}{body}\nexport {{Bed as default}};\n")
    } else {
        let imports = "const {Clutter, Gio, GLib} = imports.gi;\nconst Main = imports.ui.main;\n\
                       const IBusManager = imports.misc.ibusManager;\n";
        format!("{imports}{body}\nfunction init() {{\n    return new Bed();\n}}\n")
    }
}

/// dwell's extension in the form for this version, put together as `dwell doctor --fix` does it.
fn dwell_extension(version: u32) -> String {
    let parts = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../integrations/gnome-shell"));
    let form = parts.join(if is_esm(version) { "esm" } else { "legacy" });
    let files: [PathBuf; 3] = [form.join("head.js"), parts.join("body.js"), form.join("foot.js")];
    files.iter().map(|file| fs::read_to_string(file).expect("a part of dwell's extension")).collect()
}

fn windows(place: &Place) -> Vec<Value> {
    // ('[{"pid":1,…}]',) — a JSON text in GVariant's notation. App ids of a bed have no quotes.
    let answer = ask(place, "List", &[]).unwrap_or_default();
    let text = answer.trim().trim_start_matches("('").trim_end_matches("',)");
    serde_json::from_str(text).unwrap_or_default()
}

fn window(place: &Place, pid: u32) -> Option<Value> {
    windows(place).into_iter().find(|window| window["pid"] == pid)
}

fn ask(place: &Place, method: &str, arguments: &[&str]) -> Option<String> {
    let method = format!("{BED}.{method}");
    let call = ["call", "--session", "--dest", BED, "--object-path", "/org/dwell/Bed1", "--method", &method];
    place.try_run("gdbus", &[&call[..], arguments].concat())
}

fn screen_saver(place: &Place, method: &str, arguments: &[&str]) -> String {
    let method = format!("org.gnome.ScreenSaver.{method}");
    let call = ["call", "--session", "--dest", "org.gnome.Shell", "--object-path", "/org/gnome/ScreenSaver"];
    place.run("gdbus", &[&call[..], &["--method", &method], arguments].concat())
}

fn ring_on_events(place: &Place, bell: Bell) -> Process {
    let mut command = Gnome::focus_monitor(place);
    let mut monitor = Process::start("gdbus", command.stdout(Stdio::piped()));
    let mut events = monitor.take_stdout();
    std::thread::spawn(move || {
        let mut some = [0; 4096];
        while std::io::Read::read(&mut events, &mut some).is_ok_and(|length| length > 0) {
            bell.ring();
        }
    });
    monitor
}
