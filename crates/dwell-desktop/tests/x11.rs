//! The X11 back end on a real X server with a real window manager.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod bed;

use std::cell::RefCell;
use std::time::Duration;

use bed::{Bed, Sensors, Watcher, app, block_on, can_run, eventually, now};
use dwell_core::sample::Fact;
use dwell_core::time::Millis;
use dwell_desktop::{Buses, WindowAct};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, WindowClass};
use x11rb::wrapper::ConnectionExt as _;

const PROGRAMS: &[&str] = &["Xvfb", "openbox", "xterm", "xdotool", "xprop"];
const LONG: u64 = 180_000;

async fn desktop(bed: &mut Bed) {
    bed.xvfb().await;
    bed.openbox().await;
}

fn xterm(bed: &mut Bed, class: &str) -> u32 {
    bed.start(class, &["xterm", "-class", class, "-e", "sleep", "600"])
}

#[test]
fn focus_follows_the_active_window() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        bed.xvfb().await;
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        let health = sensors.health("focus", false).await;
        assert!(health.message.contains("window manager"), "{health:?}");
        sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        bed.openbox().await;
        sensors.health("focus", true).await;
        sensors.focus_none().await;

        xterm(&mut bed, "AppA");
        sensors.focus("AppA").await;
        xterm(&mut bed, "AppB");
        sensors.focus("AppB").await;
        let before = sensors.focus_activated(&bed, "AppA").await;
        let after = sensors.focus_activated(&bed, "AppB").await;
        assert!(before < after);
        // An xterm that nobody gave a class is known by its desktop file, where there is one.
        bed.start("plain", &["xterm", "-e", "sleep", "600"]);
        let known = std::path::Path::new("/usr/share/applications/debian-xterm.desktop").exists();
        sensors.focus(if known { "debian-xterm" } else { "XTerm" }).await;

        // Windows that close give focus back, and the last one to nobody.
        bed.kill("plain").await;
        sensors.focus("AppB").await;
        bed.kill("AppB").await;
        sensors.focus("AppA").await;
        bed.kill("AppA").await;
        sensors.focus_none().await;

        bed.kill("openbox").await;
        sensors.health("focus", false).await;
        sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        bed.openbox().await;
        sensors.health("focus", true).await;
    });
}

/// What Flatpak does, by the program with which it does it: another root, other processes' numbers, and a file that
/// only it can have put there.
#[test]
fn a_sandbox_is_known_by_what_flatpak_wrote_into_it() {
    if !can_run(&[PROGRAMS, &["bwrap", "setpriv"]].concat()) {
        return;
    }
    block_on(async {
        let mut bed = Bed::unprivileged();
        desktop(&mut bed).await;
        let info = bed.path("info");
        let text =
            "[Application]\nname=org.example.Sandboxed\nruntime=runtime/org.gnome.Platform/x86_64/43\n";
        std::fs::write(&info, text).unwrap();
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.focus_none().await;
        let info = info.to_str().unwrap();
        let mut words = vec!["bwrap", "--unshare-pid", "--tmpfs", "/", "--proc", "/proc", "--dev", "/dev"];
        for path in ["/usr", "/etc", "/tmp/.X11-unix"] {
            words.extend(["--ro-bind", path, path]);
        }
        for (to, path) in [("usr/bin", "/bin"), ("usr/lib", "/lib"), ("usr/lib64", "/lib64")] {
            words.extend(["--symlink", to, path]);
        }
        words.extend(["--ro-bind", info, "/.flatpak-info", "xterm", "-e", "sleep", "600"]);
        bed.start("sandboxed", &words);
        sensors.focus("org.example.Sandboxed").await;
        // The same program outside.
        bed.start("plain", &["xterm", "-e", "sleep", "600"]);
        sensors.focus_of(&["debian-xterm", "XTerm"]).await;
    });
}

impl Sensors {
    async fn focus_activated(&mut self, bed: &Bed, class: &str) -> dwell_core::time::Boot {
        bed.run(&["xdotool", "search", "--onlyvisible", "--class", class, "windowactivate"]).await;
        self.focus(class).await
    }
}

#[test]
fn a_window_without_a_class_is_known_by_its_process_and_then_by_its_class() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        desktop(&mut bed).await;
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        // openbox may sleep on a first window that comes while it starts, until the next event.
        xterm(&mut bed, "First");
        sensors.focus("First").await;
        let display = bed.env.iter().find(|(name, _)| name == "DISPLAY").unwrap().1.clone();
        let (x, screen) = x11rb::connect(Some(&display)).unwrap();
        let window = x.generate_id().unwrap();
        let root = x.setup().roots[screen].root;
        let (depth, what) = (x11rb::COPY_DEPTH_FROM_PARENT, CreateWindowAux::new());
        x.create_window(depth, window, root, 0, 0, 200, 200, 0, WindowClass::INPUT_OUTPUT, 0, &what).unwrap();
        x.map_window(window).unwrap();
        x.flush().unwrap();
        // Nothing names a process but the server's own view of the connection: it is this test's.
        let own = std::env::current_exe().unwrap();
        sensors.focus(own.file_name().unwrap().to_str().unwrap()).await;
        x.change_property8(
            PropMode::REPLACE,
            window,
            AtomEnum::WM_CLASS,
            AtomEnum::STRING,
            b"late\0Late App\0",
        )
        .unwrap();
        x.flush().unwrap();
        sensors.focus("Late App").await;
        // Hundreds of windows that close while they are asked about do no harm.
        for n in 0..200_u32 {
            let short = x.generate_id().unwrap();
            x.create_window(depth, short, root, 0, 0, 50, 50, 0, WindowClass::INPUT_OUTPUT, 0, &what)
                .unwrap();
            x.map_window(short).unwrap();
            x.flush().unwrap();
            if n % 3 == 0 {
                x.sync().unwrap();
            }
            x.destroy_window(short).unwrap();
        }
        x.destroy_window(window).unwrap();
        x.sync().unwrap();
        xterm(&mut bed, "AppA");
        sensors.focus("AppA").await;
    });
}

#[test]
fn idleness_is_since_the_last_input() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        desktop(&mut bed).await;
        let mut sensors = Sensors::start(&bed, 800, Buses::default());
        // The server counts from its own start, which may be longer ago than this: known is the time after a key.
        let (_, mut since) = sensors.idle().await;
        for _ in 0..2 {
            let pressed = now();
            bed.run(&["xdotool", "key", "shift"]).await;
            sensors.active().await;
            let at;
            (at, since) = sensors.idle().await;
            let unused = at.since(since).unwrap().as_ms();
            assert!((800..3000).contains(&unused), "{unused}");
            // The two clocks are cut to milliseconds.
            assert!(since + Millis::from_ms(50) > pressed, "{since:?} {pressed:?}");
        }
        // Whoever comes when the person is idle already is told so, with the same instant.
        let mut late = Sensors::start(&bed, 800, Buses::default());
        let (_, late_since) = late.idle().await;
        assert!(late_since.as_ms().abs_diff(since.as_ms()) < 400, "{since:?} {late_since:?}");
        // A changed setting takes effect at once.
        late.desktop.configure(dwell_desktop::Settings {
            idle_after: dwell_core::time::Millis::from_ms(LONG),
            ..Default::default()
        });
        late.active().await;
        bed.run(&["xdotool", "key", "shift"]).await;
        sensors.active().await;
    });
}

#[test]
fn windows_are_minimised_and_closed() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        desktop(&mut bed).await;
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        for class in ["AppB", "AppA"] {
            xterm(&mut bed, class);
            sensors.focus(class).await;
        }
        bed.start("second", &["xterm", "-class", "AppA", "-e", "sleep", "600"]);
        let shown = ["xdotool", "search", "--sync", "--onlyvisible", "--class", "AppA"];
        while bed.run(&shown).await.lines().count() < 2 {}

        sensors.desktop.act(WindowAct::Minimise(app("appa")));
        sensors.focus("AppB").await;
        for window in bed.run(&["xdotool", "search", "--class", "AppA"]).await.lines() {
            let state = bed.run(&["xprop", "-id", window, "WM_STATE"]).await;
            assert!(!state.contains("Normal"), "{state}");
        }
        sensors.desktop.act(WindowAct::Close(app("AppA")));
        bed.ended("AppA").await;
        bed.ended("second").await;
        sensors.desktop.act(WindowAct::Close(app("AppB")));
        bed.ended("AppB").await;
        sensors.focus_none().await;
        // What is not there is nobody's failure.
        sensors.desktop.act(WindowAct::Close(app("AppB")));
        xterm(&mut bed, "AppC");
        sensors.focus("AppC").await;
    });
}

/// The windows of a class that are as ICCCM calls that: `Normal` or `Iconic`.
async fn windows_in(bed: &Bed, class: &str, state: &str) -> Vec<String> {
    let mut found = Vec::new();
    for window in bed.run(&["xdotool", "search", "--class", class]).await.lines() {
        if bed.run(&["xprop", "-id", window, "WM_STATE"]).await.contains(state) {
            found.push(window.to_owned());
        }
    }
    found
}

/// The window that has focus, if one has, as xdotool writes it; its own question fails where none has.
async fn active(bed: &Bed) -> Option<String> {
    let told = bed.run(&["xprop", "-root", "_NET_ACTIVE_WINDOW"]).await;
    // A second value is xfwm4's junk.
    let window = told.split_once("# 0x")?.1.split([',', '\n']).next()?;
    Some(u32::from_str_radix(window, 16).unwrap().to_string())
}

/// The window that has focus, once it is one of that class.
async fn activates(bed: &Bed, class: &str) -> String {
    let windows = bed.run(&["xdotool", "search", "--class", class]).await;
    let found = RefCell::new(None);
    let is_one = async || {
        let active = active(bed).await;
        let is_one = windows.lines().any(|window| Some(window) == active.as_deref());
        found.replace(active);
        is_one
    };
    eventually(&format!("{class} is active"), is_one).await;
    found.into_inner().unwrap()
}

fn what_dwell_put_away_comes_back(manager: &'static [&'static str]) {
    if !can_run(&[PROGRAMS, &["dbus-daemon"], &manager[..1]].concat()) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        bed.xvfb().await;
        // Newer ones of Xfce start a bus of their own where there is none.
        let _bus = bed.bus().await;
        let address = format!("unix:path={}", bed.path("bus").display());
        bed.set("DBUS_SESSION_BUS_ADDRESS", &address);
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        bed.start("manager", manager);
        sensors.health("focus", true).await;
        for class in ["AppC", "AppB", "AppA"] {
            xterm(&mut bed, class);
            sensors.focus(class).await;
        }
        let persons = activates(&bed, "AppA").await;
        bed.run(&["xdotool", "windowminimize", &persons]).await;
        sensors.focus("AppB").await;
        bed.start("second", &["xterm", "-class", "AppA", "-e", "sleep", "600"]);
        sensors.focus("AppA").await;
        let dwells = activates(&bed, "AppA").await;

        let minimise = WindowAct::Minimise(app("AppA"));
        let restore = WindowAct::Restore(app("appa"));
        sensors.desktop.act(minimise.clone());
        sensors.focus("AppB").await;
        // Changed settings start the back end anew. What it put away is remembered.
        let idle_after = dwell_core::time::Millis::from_ms(LONG + 1);
        sensors.desktop.configure(dwell_desktop::Settings { idle_after, ..Default::default() });
        sensors.focus("AppB").await;
        sensors.desktop.act(restore.clone());
        eventually("it is back", async || windows_in(&bed, "AppA", "Normal").await == [dwells.clone()]).await;
        activates(&bed, "AppB").await;
        assert_eq!(windows_in(&bed, "AppA", "Iconic").await, [persons], "the person put it away");

        // The person brings it back, and puts it away again: it is theirs now.
        sensors.desktop.act(minimise);
        eventually("it is away", async || windows_in(&bed, "AppA", "Normal").await.is_empty()).await;
        bed.run(&["xdotool", "windowactivate", &dwells]).await;
        activates(&bed, "AppA").await;
        sensors.desktop.act(WindowAct::Close(app("AppC")));
        bed.ended("AppC").await;
        bed.run(&["xdotool", "windowminimize", &dwells]).await;
        activates(&bed, "AppB").await;
        sensors.desktop.act(restore);
        sensors.desktop.act(WindowAct::Close(app("AppB")));
        bed.ended("AppB").await;
        assert!(windows_in(&bed, "AppA", "Normal").await.is_empty());
    });
}

#[test]
fn what_dwell_put_away_comes_back_in_openbox() {
    what_dwell_put_away_comes_back(&["openbox"]);
}

#[test]
fn what_dwell_put_away_comes_back_in_xfwm4() {
    what_dwell_put_away_comes_back(&["xfwm4", "--compositor=off", "--sm-client-disable"]);
}

#[test]
fn a_server_that_comes_back_is_taken_up_again() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let display = bed.xvfb().await;
        bed.openbox().await;
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        xterm(&mut bed, "AppA");
        sensors.focus("AppA").await;
        bed.kill("Xvfb").await;
        sensors.fact("unknown", |fact| *fact == Fact::FocusUnknown).await;
        sensors.health("focus", false).await;
        // Long after the attempts of the first seconds have ended, the server's socket is the sign.
        sensors.rest(Duration::from_secs(4)).await;
        bed.start("Xvfb", &["Xvfb", &display, "-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"]);
        sensors.health("idle", true).await;
        bed.openbox().await;
        sensors.health("focus", true).await;
        xterm(&mut bed, "AppB");
        sensors.focus("AppB").await;
    });
}

#[test]
fn a_quiet_desktop_wakes_nobody() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        desktop(&mut bed).await;
        let mut watcher = Watcher::start(&bed, 180);
        watcher.until("focus none").await;
        xterm(&mut bed, "AppA");
        watcher.until("focus AppA").await;
        watcher.is_never_woken(Duration::from_secs(5)).await;
        println!("{} KiB resident", watcher.status("VmRSS"));
        assert!(watcher.status("VmRSS") < 12 * 1024);
    });
}
