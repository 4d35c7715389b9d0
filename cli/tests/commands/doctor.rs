//! `dwell doctor`: what it tells with and without a daemon, and what `--fix` does.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::mpsc;

use dwell_bus::fixes::ATTACH;
use dwell_bus::{Request, wire};

use crate::daemon::{FakeDaemon, part, usual};
use crate::place::{Outcome, Place};

/// `dwell` with a configuration's place that is the same in every run, in a session with a display.
fn in_session(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(arguments);
    command.env("DWELL_CONFIG", "/nonexistent/config.toml").env("WAYLAND_DISPLAY", "wayland-7");
    // No systemctl of the machine.
    command.env("PATH", place.path("bin"));
    command
}

fn run(place: &Place, arguments: &[&str]) -> Outcome {
    Outcome::of(&in_session(place, arguments).output().unwrap())
}

/// A program of this name in the place's path, which keeps what it was called with.
fn program(place: &Place, name: &str, script: &str) {
    let folder = place.path("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let calls = place.path(&format!("{name}.calls"));
    let text = format!("#!/bin/sh\necho \"$@\" >>{}\n{script}\n", calls.display());
    std::fs::write(folder.join(name), text).unwrap();
    std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn calls(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(&format!("{name}.calls"))).unwrap_or_default()
}

#[test]
fn without_a_bus() {
    let place = Place::without_bus();
    let end = run(&place, &["doctor"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.out.replace(place.path("").to_str().unwrap(), "/D/"), @"
    ✗ bus      there is no session bus to reach the daemon on
               (unix:path=/D/run/bus: No such file or directory)
               → run it inside your desktop session
    ✓ desktop  WAYLAND_DISPLAY is set (Wayland); a running daemon tells more
    ✓ config   /nonexistent/config.toml does not exist: the defaults hold

    1 problem
    ");
}

#[test]
fn without_a_daemon() {
    let place = Place::with_empty_bus();
    let end = run(&place, &["doctor"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.out, @"
    ✓ bus      reachable
    ✗ daemon   the daemon is not running
               → dwelld
    ✓ unit     no systemd on this bus; let your desktop start dwelld
    ✓ desktop  WAYLAND_DISPLAY is set (Wayland); a running daemon tells more
    ✓ config   /nonexistent/config.toml does not exist: the defaults hold

    1 problem
    ");
    let end = run(&place, &["doctor", "--json"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.out, @r#"{"schema":"dwell.doctor/1","ok":false,"parts":[{"part":"bus","ok":true,"message":"reachable","fix":null},{"part":"daemon","ok":false,"message":"the daemon is not running","fix":"dwelld"},{"part":"unit","ok":true,"message":"no systemd on this bus; let your desktop start dwelld","fix":null},{"part":"desktop","ok":true,"message":"WAYLAND_DISPLAY is set (Wayland); a running daemon tells more","fix":null},{"part":"config","ok":true,"message":"/nonexistent/config.toml does not exist: the defaults hold","fix":null}]}"#);
}

#[test]
fn without_a_display() {
    let place = Place::with_empty_bus();
    let end = Outcome::of(&in_session(&place, &["doctor"]).env_remove("WAYLAND_DISPLAY").output().unwrap());
    assert!(end.out.contains("✗ desktop  neither WAYLAND_DISPLAY nor DISPLAY is set here"), "{end:?}");
}

#[test]
fn with_a_configuration_that_is_wrong() {
    let place = Place::with_empty_bus();
    let file = place.path("config.toml");
    std::fs::write(&file, "idle-afer = \"3m\"\n").unwrap();
    let mut command = in_session(&place, &["doctor", "--json"]);
    let document = Outcome::of(&command.env("DWELL_CONFIG", &file).output().unwrap()).document();
    let config = document["parts"].as_array().unwrap().iter().find(|part| part["part"] == "config").unwrap();
    assert_eq!((&config["ok"], &config["fix"]), (&false.into(), &"did you mean idle-after?".into()));
}

#[test]
fn root_by_mistake_gets_one_line() {
    if !rustix::process::getuid().is_root() {
        eprintln!("cannot run here: only root can be taken for root");
        return;
    }
    let place = Place::with_empty_bus();
    let end =
        Outcome::of(&in_session(&place, &["doctor", "--fix"]).env("SUDO_UID", "1000").output().unwrap());
    assert_eq!((end.code, end.out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.complaint(), @"dwell: you are root, and each person has a daemon of their own; run `dwell doctor` as yourself");
}

/// A daemon that knows no display until it is told one, and passes on what it was told.
fn without_display(place: &Place) -> (FakeDaemon, mpsc::Receiver<HashMap<String, String>>) {
    let (tell, told) = mpsc::channel();
    let mut attached = false;
    let daemon = FakeDaemon::start(place, move |request| match request {
        Request::Attach(environment, reply) => {
            attached = true;
            tell.send(environment).unwrap();
            drop(reply.send(Ok(())));
        }
        Request::Doctor(reply) => {
            let ill = |name| wire::Part {
                message: "no display yet".into(),
                fix: Some(ATTACH.into()),
                ..part(name, false)
            };
            let of = |name| if attached { part(name, true) } else { ill(name) };
            drop(reply.send(Ok(vec![of("desktop"), of("focus"), of("idle")])));
        }
        other => usual(other),
    });
    (daemon, told)
}

#[test]
fn a_cause_is_told_once_and_counted_once() {
    let place = Place::with_empty_bus();
    let (_daemon, _) = without_display(&place);
    let end = run(&place, &["doctor"]);
    assert_eq!(end.code, Some(1));
    insta::assert_snapshot!(end.out, @"
    ✓ bus      reachable
    ✓ daemon   running
    ✓ unit     no systemd on this bus; the daemon was started without it
    ✗ desktop  no display yet
               → in your desktop session, run: dwelld attach
    ✗ focus    the same
    ✗ idle     the same

    1 problem; `dwell doctor --fix` mends what it may
    ");
}

#[test]
fn fix_tells_the_daemon_and_systemd_the_display() {
    let place = Place::with_empty_bus();
    program(&place, "systemctl", "");
    let (_daemon, told) = without_display(&place);
    let mut command = in_session(&place, &["doctor", "--fix"]);
    let end = Outcome::of(&command.env("SECRET", "x").env("XAUTHORITY", "/a").output().unwrap());
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""), "{end:?}");
    insta::assert_snapshot!(end.out, @"
    Mended: the daemon was told your display (dwelld attach), and so was systemd
      (import-environment)

    ✓ bus      reachable
    ✓ daemon   running
    ✓ unit     no systemd on this bus; the daemon was started without it
    ✓ desktop  x11
    ✓ focus    x11
    ✓ idle     x11

    All is well
    ");
    let told = told.try_recv().unwrap();
    let mut names: Vec<&str> = told.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"]);
    assert_eq!(calls(&place, "systemctl"), "--user import-environment WAYLAND_DISPLAY XAUTHORITY\n");
}

#[test]
fn fix_tells_nobody_a_display_of_another_machine() {
    let place = Place::with_empty_bus();
    program(&place, "systemctl", "");
    let (_daemon, told) = without_display(&place);
    let mut command = in_session(&place, &["doctor", "--fix"]);
    command.env("DISPLAY", "localhost:10.0").env_remove("WAYLAND_DISPLAY");
    let end = Outcome::of(&command.output().unwrap());
    assert!(end.code == Some(1) && !end.out.contains("Mended"), "{end:?}");
    assert!(told.try_recv().is_err());
    let end = Outcome::of(&command.env("WAYLAND_DISPLAY", "wayland-7").output().unwrap());
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(!told.try_recv().unwrap().contains_key("DISPLAY"));
    assert_eq!(calls(&place, "systemctl"), "--user import-environment WAYLAND_DISPLAY\n");
}

#[test]
fn fix_tells_systemd_no_display_that_the_daemon_cannot_use() {
    let place = Place::with_empty_bus();
    program(&place, "systemctl", "");
    let _daemon = FakeDaemon::start(&place, |request| match request {
        Request::Attach(_, reply) => drop(reply.send(Ok(()))),
        Request::Doctor(reply) => {
            let ill = wire::Part { fix: Some(ATTACH.into()), ..part("desktop", false) };
            drop(reply.send(Ok(vec![ill])));
        }
        other => usual(other),
    });
    let end = run(&place, &["doctor", "--fix"]);
    assert_eq!(end.code, Some(1), "{end:?}");
    assert_eq!(calls(&place, "systemctl"), "");
}

#[test]
fn quiet_tells_problems_alone() {
    let place = Place::with_empty_bus();
    let daemon = FakeDaemon::usual(&place);
    let end = run(&place, &["doctor", "--quiet"]);
    assert_eq!((end.code, end.out.as_str(), end.err.as_str()), (Some(0), "", ""));
    drop(daemon);
    let end = run(&place, &["doctor", "--quiet"]);
    assert_eq!((end.code, end.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(end.out, @r"
    ✗ daemon  the daemon is not running
              → dwelld

    1 problem
    ");
}

#[test]
fn fix_with_json_tells_what_it_did_on_stderr() {
    let place = Place::with_empty_bus();
    let (_daemon, _told) = without_display(&place);
    let end = run(&place, &["doctor", "--fix", "--json"]);
    assert_eq!((end.code, &end.document()["ok"]), (Some(0), &true.into()));
    assert_eq!(end.complaint(), "Mended: the daemon was told your display (dwelld attach)");
}

#[test]
fn fix_without_a_display_of_its_own_leaves_it_to_the_person() {
    let place = Place::with_empty_bus();
    let (_daemon, told) = without_display(&place);
    let mut command = in_session(&place, &["doctor", "--fix"]);
    let end = Outcome::of(&command.env_remove("WAYLAND_DISPLAY").output().unwrap());
    assert_eq!(end.code, Some(1));
    assert!(end.out.contains(ATTACH) && !end.out.contains("Mended"), "{end:?}");
    assert!(told.try_recv().is_err());
}

#[test]
fn fix_has_the_bus_start_the_daemon_where_there_is_no_systemd() {
    let place = Place::with_bus(&[("org.dwell.Dwell1", "/nonexistent/dwelld")]);
    let end = run(&place, &["doctor"]);
    assert!(end.out.contains("→ dwelld attach"), "{end:?}");
    let end = run(&place, &["doctor", "--fix"]);
    assert_eq!(end.code, Some(1));
    assert!(end.out.starts_with("Not mended: the bus cannot start the daemon: "), "{end:?}");
}

/// systemd as far as it is asked about the unit.
struct Systemd(&'static str);

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl Systemd {
    fn get_unit_file_state(&self, unit: &str) -> zbus::fdo::Result<&'static str> {
        assert_eq!(unit, "dwelld.service");
        Ok(self.0)
    }
}

/// Serves systemd with a unit in this state while `test` runs.
fn with_unit(state: &'static str, place: &Place, test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let served = zbus::connection::Builder::address(place.address()).unwrap();
    let served = served.serve_at("/org/freedesktop/systemd1", Systemd(state)).unwrap();
    let served = served.name("org.freedesktop.systemd1").unwrap();
    let connection = runtime.block_on(served.build()).unwrap();
    test();
    drop(connection);
}

#[test]
fn fix_starts_the_unit_and_looks_again() {
    let place = Place::with_empty_bus();
    program(&place, "systemctl", "");
    with_unit("enabled", &place, || {
        let end = run(&place, &["doctor", "--fix"]);
        // It said that it did, and did not: that is found out.
        assert_eq!(end.code, Some(1));
        insta::assert_snapshot!(end.out, @"
    Not mended: the daemon was started (systemctl --user start dwelld), but the
      problem is still there

    ✓ bus      reachable
    ✗ daemon   the daemon is not running
               → systemctl --user start dwelld
    ✓ unit     enabled, inactive
    ✓ desktop  WAYLAND_DISPLAY is set (Wayland); a running daemon tells more
    ✓ config   /nonexistent/config.toml does not exist: the defaults hold

    1 problem
    ");
        assert_eq!(calls(&place, "systemctl"), "--user start dwelld\n");
    });
}

#[test]
fn fix_says_why_systemd_would_not() {
    let place = Place::with_empty_bus();
    program(&place, "systemctl", "echo 'Job for dwelld.service failed.' >&2; echo more >&2; exit 1");
    with_unit("disabled", &place, || {
        let end = run(&place, &["doctor", "--fix", "--json"]);
        assert_eq!((end.code, &end.document()["ok"]), (Some(1), &false.into()));
        insta::assert_snapshot!(end.complaint(), @"Not mended: `systemctl --user enable --now dwelld` failed: Job for dwelld.service failed.");
        assert_eq!(calls(&place, "systemctl"), "--user enable --now dwelld\n");
    });
}

#[test]
fn fix_leaves_a_masked_unit_masked() {
    let place = Place::with_empty_bus();
    program(&place, "systemctl", "");
    with_unit("masked", &place, || {
        let end = run(&place, &["doctor", "--fix"]);
        assert_eq!(end.code, Some(1));
        insta::assert_snapshot!(end.out, @"
    ✓ bus      reachable
    ✗ daemon   the daemon is not running
               → systemctl --user unmask dwelld
    ✗ unit     masked: systemd may not start it
               → the same
    ✓ desktop  WAYLAND_DISPLAY is set (Wayland); a running daemon tells more
    ✓ config   /nonexistent/config.toml does not exist: the defaults hold

    1 problem
    ");
        assert_eq!(calls(&place, "systemctl"), "");
    });
}

#[test]
fn a_masked_unit_is_told_while_the_daemon_runs() {
    let place = Place::with_empty_bus();
    let _daemon = FakeDaemon::usual(&place);
    with_unit("masked", &place, || {
        let end = run(&place, &["doctor"]);
        assert!(end.out.contains("✗ unit    masked"), "{end:?}");
        assert!(end.out.contains("→ systemctl --user unmask dwelld"), "{end:?}");
    });
}

#[test]
fn a_pipe_that_stays_open_holds_nothing_up() {
    let place = Place::with_empty_bus();
    let (mut kept, mut first) = (Vec::new(), true);
    let _daemon = FakeDaemon::start(&place, move |request| match request {
        Request::Attach(_, reply) => drop(reply.send(Ok(()))),
        Request::Watch(reply) => {
            let (read, write) = std::io::pipe().unwrap();
            kept.push(write);
            drop(reply.send(Ok(read.into())));
        }
        Request::Doctor(reply) => {
            let fix = std::mem::take(&mut first).then(|| ATTACH.to_owned());
            drop(reply.send(Ok(vec![wire::Part { fix, ..part("desktop", false) }])));
        }
        other => usual(other),
    });
    let end = run(&place, &["doctor", "--fix"]);
    assert_eq!(end.code, Some(1), "{end:?}");
}
