//! KWin on a virtual screen: windows are terminals of foot or dialogs of zenity, and KWin is asked by scripts of the
//! bed's own, which report to a D-Bus object of the bed's own.

mod service;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::bell::Bell;
use crate::clock::{Deadline, wait_until};
use crate::machine;
use crate::observer::Observer;
use crate::place::Place;
use crate::process::Process;
use service::Service;

/// The desktop file of the package, by which KWin knows dwelld.
const DESKTOP_FILE: &str = include_str!("../../../packaging/applications/org.dwell.dwelld.desktop");
const WATCH: &str = include_str!("watch.js");
const FOCUS: &str = include_str!("focus.js");

const SOCKET: &str = "wayland-0";

/// A running KWin.
#[derive(Debug)]
pub(crate) struct Kwin {
    service: Service,
    program: PathBuf,
    compositor: Option<Process>,
}

impl Kwin {
    /// What it takes on this machine.
    pub(crate) fn needs() -> Vec<&'static str> {
        vec![
            "kwin_wayland",
            if has_old_foot() { "zenity" } else { "foot" },
            "gdbus",
            "setpriv",
            "dbus-daemon",
        ]
    }

    /// Starts it; `granted`: with the desktop file that lets dwelld see its windows.
    pub(crate) fn start(place: &mut Place, granted: bool) -> Self {
        place.set("XDG_SESSION_TYPE", "wayland");
        place.set("KWIN_COMPOSE", "Q");
        place.set("GDK_BACKEND", "wayland");
        place.set("NO_AT_BRIDGE", "1");
        place.set("GSETTINGS_BACKEND", "memory");
        // The screen is locked when a test says so, and at no other time.
        let settings = place.home().join(".config/kscreenlockerrc");
        place.write(&settings, "[Daemon]\nAutolock=false\nLockOnResume=false\n");
        // Without a menu that takes every program, KDE knows of none.
        let menus = place.home().join(".config/menus");
        fs::create_dir(&menus).expect("a private folder");
        place.own(&menus, 0o700);
        place.write(
            &menus.join("applications.menu"),
            "<Menu><Name>Applications</Name><DefaultAppDirs/><DefaultDirectoryDirs/><Include><All/></Include></Menu>",
        );
        let applications = place.home().join(".local/share/applications");
        fs::create_dir(&applications).expect("a private folder");
        place.own(&applications, 0o700);
        let grant = |name: &str, text: String| place.write(&applications.join(name), text);
        if granted {
            let dwelld = real_path(place, "dwelld");
            grant("org.dwell.dwelld.desktop", DESKTOP_FILE.replace("/usr/bin/dwelld", &dwelld));
        }
        let key = real_path(place, "kwin-key");
        grant(
            "kwin-key.desktop",
            format!(
                "[Desktop Entry]\nType=Application\nName=key\nExec={key}\nNoDisplay=true\nX-KDE-Wayland-Interfaces=org_kde_kwin_fake_input\n"
            ),
        );
        // The installed program carries a file capability, with which it does not start where that is not to be had.
        // A copy has none. Its name counts.
        let installed = machine::program("kwin_wayland").expect("kwin_wayland was there a moment ago");
        let program = place.home().join("kwin_wayland");
        fs::copy(installed, &program).expect("a copy of kwin_wayland");
        place.own(&program, 0o700);
        let service = Service::start(place);
        let mut kwin = Kwin { service, program, compositor: None };
        kwin.start_again(place);
        place.set("WAYLAND_DISPLAY", SOCKET);
        kwin
    }

    /// Starts the compositor and watches it.
    pub(crate) fn start_again(&mut self, place: &Place) {
        let mut place = place.clone();
        place.unset("WAYLAND_DISPLAY");
        // A logind of KWin's own: the one that tells dwelld of locks is another.
        place.set("DBUS_SYSTEM_BUS_ADDRESS", self.service.logind_address());
        let program = self.program.display().to_string();
        let arguments = ["--virtual", "--width", "1280", "--height", "720", "--no-global-shortcuts"];
        let socket = ["--socket", SOCKET];
        let arguments: Vec<&str> = arguments.iter().chain(&socket).copied().collect();
        self.compositor = Some(place.start(&program, &arguments));
        // Its scripting comes last.
        let answers =
            || call(&place, "/Scripting", "org.kde.kwin.Scripting.isScriptLoaded", &["watch"]).is_some();
        assert!(wait_until(Deadline::seconds(20), answers), "KWin does not answer");
        self.service.forget();
        self.run_script(&place, "watch", &WATCH.replace("@SERVICE@", self.service.name()));
        let told = || self.service.has_told();
        assert!(self.changed().wait_until(Deadline::seconds(10), told), "KWin tells nothing");
    }

    /// Ends the compositor as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut compositor) = self.compositor.take() {
            compositor.kill();
        }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.compositor.as_mut().expect("KWin runs")
    }

    /// Opens a window with this app id and waits until it has focus, as every new window gets it.
    pub(crate) fn open(&self, place: &Place, app: &str, title: &str) -> (Process, u32) {
        let process = if has_old_foot() {
            place.start("zenity", &["--info", "--name", app, "--title", title, "--text", title])
        } else {
            place.start("foot", &["-a", app, "-T", title, "sleep", "100000"])
        };
        let pid = process.pid();
        let focused = || self.service.active() == Some(pid);
        assert!(self.changed().wait_until(Deadline::seconds(20), focused), "no new window");
        (process, pid)
    }

    pub(crate) fn ask_for_focus(&self, place: &Place, pid: u32) {
        self.run_script(place, "focus", &FOCUS.replace("@PID@", &pid.to_string()));
        self.unload(place, "focus");
    }

    pub(crate) fn press_key(place: &Place) {
        place.run(&real_path(place, "kwin-key"), &[]);
    }

    /// Whether it is minimised.
    pub(crate) fn is_hidden(&self, pid: u32) -> bool {
        self.service.minimised(pid) == Some(true)
    }

    pub(crate) fn is_open(&self, pid: u32) -> bool {
        self.service.minimised(pid).is_some()
    }

    pub(crate) fn changed(&self) -> &Bell {
        self.service.changed()
    }

    pub(crate) fn observe(&self) -> Observer {
        self.service.observe()
    }

    /// Locks with KWin's own locker, as its shortcut does, or unlocks as logind does, without a password.
    pub(crate) fn lock(&self, place: &Place, locked: bool) {
        if locked {
            saver(place, "Lock");
        } else {
            self.service.unlock();
        }
        let wanted = format!("({locked},)");
        let is_so = || saver(place, "GetActive").is_some_and(|answer| answer.trim() == wanted);
        assert!(wait_until(Deadline::seconds(20), is_so), "the screen did not become so: locked {locked}");
    }

    fn run_script(&self, place: &Place, name: &str, text: &str) {
        let file = place.runtime().join(format!("{name}.js"));
        place.write(&file, text);
        let load = "org.kde.kwin.Scripting.loadScript";
        // dwelld may have one loaded or unloaded in between, which is given the same number.
        let runs = || {
            let loaded = call(place, "/Scripting", load, &[&file.display().to_string(), name]);
            let loaded = loaded.unwrap_or_else(|| panic!("KWin does not load {name}"));
            let number = loaded.trim().trim_start_matches('(').trim_end_matches(",)");
            // KWin 5, else KWin 6.
            let objects = [format!("/{number}"), format!("/Scripting/Script{number}")];
            let run = |object: &String| call(place, object, "org.kde.kwin.Script.run", &[]).is_some();
            let runs = objects.iter().any(run);
            if !runs {
                self.unload(place, name);
            }
            runs
        };
        assert!((0..3).any(|_| runs()), "KWin does not run {name}");
    }

    fn unload(&self, place: &Place, name: &str) {
        call(place, "/Scripting", "org.kde.kwin.Scripting.unloadScript", &[name]);
    }
}

/// foot before 1.16 dies on the KWin that comes with it; and the zenity that comes with newer ones cannot be given an id.
fn has_old_foot() -> bool {
    let version = Command::new("foot").arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let minor = version.split_once("1.").and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor < 16)
}

fn saver(place: &Place, method: &str) -> Option<String> {
    let method = format!("org.freedesktop.ScreenSaver.{method}");
    let to = ["call", "--session", "--dest", "org.freedesktop.ScreenSaver"];
    let what = ["--object-path", "/org/freedesktop/ScreenSaver", "--method", &method];
    place.try_run("gdbus", &[&to[..], &what[..]].concat())
}

fn call(place: &Place, object: &str, method: &str, arguments: &[&str]) -> Option<String> {
    let to = ["call", "--session", "--dest", "org.kde.KWin", "--object-path", object, "--method", method];
    place.try_run("gdbus", &[&to[..], arguments].concat())
}

/// The path by which KWin sees one of the built programs.
fn real_path(place: &Place, program: &str) -> String {
    let path = fs::canonicalize(place.built(program)).expect("a built program");
    let mode = fs::metadata(&path).map_or(0, |program| program.permissions().mode());
    assert!(mode & 0o400 != 0, "the kernel hides a program that cannot be read");
    path.display().to_string()
}
