//! dwelld on a real KWin, by both of its ways: the window list that KWin grants to the installed program, and the script
//! where it grants nothing.

#![expect(clippy::print_stderr, reason = "a test prints what it measured")]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass, wait_until};
use dwell_tests::{Bed, Kind, machine};
use rustix::process::Signal;

/// How far a single instant may be off: dwell's debounce of 50 ms, and a busy machine.
const INSTANT_MS: i64 = 500;

/// How soon a KWin that goes must be missed, and one that comes taken up, also on a busy machine.
const NOTICED_WITHIN_MS: i64 = 5000;

/// What dwelld says of a part.
fn health(bed: &Bed, part: &str) -> (bool, String) {
    let status = bed.dwell_json(&["status"]);
    let parts = status["health"].as_array().cloned().unwrap_or_default();
    let part = parts.iter().find(|known| known["part"] == part).cloned().unwrap_or_default();
    (part["ok"] == true, part["message"].as_str().unwrap_or_default().to_owned())
}

fn wait_for_health(bed: &Bed, deadline: Deadline, ok: bool, words: &str) {
    let is_so = || {
        let (is_ok, message) = health(bed, "focus");
        is_ok == ok && message.contains(words)
    };
    assert!(wait_until(deadline, is_so), "{:?}", health(bed, "focus"));
}

/// What dwelld says of focus by each way.
fn how(kind: Kind) -> &'static str {
    if kind == Kind::Kwin { "window list" } else { "script" }
}

/// Milliseconds of attention that dwell counted for an app between two instants of the wall clock.
fn counted(bed: &Bed, app: &str, from: i64, to: i64) -> i64 {
    bed.spans().iter().filter(|span| span.is_focus_on(app)).map(|span| span.within(from, to)).sum()
}

fn focus_is_followed(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    let early = bed.open("AppC", "gamma");
    let mut daemon = bed.daemon();
    // What has focus already is told as well.
    bed.wait_for_dwell_to_see("AppC");
    wait_for_health(&bed, Deadline::seconds(5), true, how(kind));
    let (ok, message) = health(&bed, "windows");
    assert!(ok && message.starts_with("pid, close, minimise"), "{message}");
    let alpha = bed.open("AppA", "alpha");
    bed.wait_for_dwell_to_see("AppA");
    let beta = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    bed.ask_for_focus(&alpha);
    bed.wait_for_dwell_to_see("AppA");
    bed.close(alpha);
    bed.wait_for_dwell_to_see("AppB");
    bed.close(beta);
    bed.wait_for_dwell_to_see("AppC");
    bed.close(early);
    let nothing = || bed.dwell_json(&["status"])["active"].is_null();
    assert!(wait_until(Deadline::seconds(5), nothing), "{}", bed.dwell(&["status"]).stdout);

    // Nothing of how it was found out is left: no child, no file, no title, and the memory is closed as ever.
    assert_eq!(children(daemon.pid()), Vec::<String>::new());
    let runtime = bed.place().runtime();
    assert_eq!(files_with(&runtime, "dwell-"), Vec::<String>::new());
    assert_eq!(files_with(&runtime.join("dwell"), ""), Vec::<String>::new());
    let owner = fs::metadata(format!("/proc/{}/environ", daemon.pid()))
        .map(|meta| std::os::unix::fs::MetadataExt::uid(&meta));
    assert_eq!(owner.ok(), Some(0), "a process that can be looked into belongs to its user");
    daemon.terminate();
    assert_eq!(is_loaded(&bed, "org.dwell.focus"), "(false,)");
}

#[test]
fn kwin_grants_its_window_list_to_the_installed_daemon() {
    focus_is_followed(Kind::Kwin);
}

#[test]
fn without_a_grant_a_script_tells() {
    focus_is_followed(Kind::KwinUngranted);
}

/// The script with a stand-in for KWin, for there is no Plasma here whose desktop could be active: what it tells of a
/// program, of the desktop, of a panel and of nothing.
#[test]
fn the_script_takes_plasmas_desktop_for_no_program() {
    if let Some(missing) = machine::lacks(&["gjs"]) {
        return machine::cannot_run(&machine::running_test(), &format!("{missing} is not installed"));
    }
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let script = include_str!("../../integrations/kwin/focus.js");
    let text = format!(
        "const window = facts => ({{internalId: 'w1', desktopFileName: 'org.x', resourceClass: 'x', pid: 7, ...facts}});
        const workspace = {{windowActivated: {{connect(told) {{ workspace.tell = told; }}}}, activeWindow: window({{}})}};
        const callDBus = (...words) => print(words.slice(5).join(' ').trim() || 'nothing');
        {script}
        workspace.tell(window({{desktopWindow: true, dock: false}}));
        workspace.tell(window({{desktopWindow: false, dock: false}}));
        workspace.tell(window({{desktopWindow: false, dock: true}}));
        workspace.tell(null);\n"
    );
    let file = bed.place().home().join("focus.js");
    bed.place().write(&file, text);
    let told = bed.place().run("gjs", &[&file.display().to_string()]);
    assert_eq!(told, "w1 org.x x 7\nnothing\nw1 org.x x 7\nnothing\nnothing\n");
}

fn children(pid: u32) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(str::to_owned).collect()
}

fn files_with(folder: &std::path::Path, prefix: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.starts_with(prefix)).collect()
}

fn is_loaded(bed: &Bed, script: &str) -> String {
    let to = ["call", "--session", "--dest", "org.kde.KWin", "--object-path", "/Scripting"];
    let method = ["--method", "org.kde.kwin.Scripting.isScriptLoaded", script];
    bed.place().run("gdbus", &[&to[..], &method[..]].concat()).trim().to_owned()
}

fn windows_are_put_away_and_closed(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    let (mut alpha, beta) = (bed.open("AppA", "alpha"), bed.open("AppB", "beta"));
    let observer = bed.observe();
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    let _ = bed.dwell(&["limit", "set", "app:AppA", "2s"]).ok();
    bed.ask_for_focus(&alpha);
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)), "not put away");
    assert!(!bed.is_hidden(&beta), "another program's window was put away");
    bed.wait_for_dwell_to_see("AppB");
    // It comes back, and goes again. KWin tells that it is not hidden before it tells of its focus.
    let asked = Stamp::now();
    bed.ask_for_focus(&alpha);
    assert!(observer.wait_for_again("AppA", asked, Deadline::seconds(5)), "{:?}", observer.seen());
    assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(&alpha)), "it came back and stayed");

    let _ = bed.dwell(&["limit", "set", "app:AppA", "2s", "--at-limit", "close"]).ok();
    bed.ask_for_focus(&alpha);
    assert!(bed.wait_until(Deadline::seconds(20), || !bed.is_open(&alpha)), "not closed");
    assert!(alpha.process().wait(Deadline::seconds(5)).is_some(), "asked to close, zenity ends");
    assert!(bed.is_open(&beta) && !bed.is_hidden(&beta));
    assert_eq!(is_loaded(&bed, "org.dwell.act"), "(false,)");
}

#[test]
fn granted_windows_are_put_away_and_closed() {
    windows_are_put_away_and_closed(Kind::Kwin);
}

#[test]
fn a_script_puts_windows_away_and_closes_them() {
    windows_are_put_away_and_closed(Kind::KwinUngranted);
}

fn a_real_lock_is_never_counted(kind: Kind) {
    let Some(mut bed) = Bed::start(kind) else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let start = Stamp::now();
    let_pass(Duration::from_secs(1));
    bed.lock();
    let left = Stamp::now();
    let_pass(Duration::from_secs(2));
    assert_eq!(bed.dwell_json(&["status"])["state"], "locked");
    let before_return = Stamp::now();
    bed.unlock();
    bed.wait_for_dwell_to_see("AppA");
    let returned = Stamp::now();
    let_pass(Duration::from_secs(1));
    let end = Stamp::now();
    let before = counted(&bed, "AppA", start.wall_ms, left.wall_ms);
    let away = counted(&bed, "AppA", left.wall_ms + INSTANT_MS, before_return.wall_ms);
    let after = counted(&bed, "AppA", returned.wall_ms, end.wall_ms);
    eprintln!("counted before {before}, locked {away}, after {after} ms");
    assert_eq!(away, 0, "a lock was counted");
    assert!(before >= 800, "counted {before} ms before");
    assert!(end.since(returned) - after <= INSTANT_MS, "counted {after} of {} ms after", end.since(returned));
}

#[test]
fn a_real_lock_is_never_counted_when_granted() {
    a_real_lock_is_never_counted(Kind::Kwin);
}

#[test]
fn a_real_lock_is_never_counted_by_the_script() {
    a_real_lock_is_never_counted(Kind::KwinUngranted);
}

#[test]
fn idleness_begins_at_the_last_input() {
    let Some(bed) = Bed::start(Kind::Kwin) else { return };
    bed.idle_after("3s");
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let before_input = Stamp::now();
    bed.press_key();
    let last_input = Stamp::now();
    let state = |wanted: &str| bed.dwell_json(&["status"])["state"] == wanted;
    assert!(wait_until(Deadline::seconds(10), || state("idle")));
    let noticed = Stamp::now();
    let waited = noticed.since(last_input);
    // A busy machine is late, but not by the whole time without input again.
    assert!(noticed.since(before_input) >= 2800 && waited <= 5500, "idle {waited} ms after the last input");
    // KWin tells only that the time is over: what comes late is back-dated too little.
    let late = (waited - 3000).max(0);
    let returning = Stamp::now();
    bed.press_key();
    let back = Stamp::now();
    assert!(wait_until(Deadline::seconds(5), || !state("idle")));
    let_pass(Duration::from_secs(1));
    let end = Stamp::now();
    assert_eq!(counted(&bed, "AppA", last_input.wall_ms + INSTANT_MS + late, returning.wall_ms), 0);
    let there = counted(&bed, "AppA", back.wall_ms, end.wall_ms);
    assert!(end.since(back) - there <= INSTANT_MS, "counted {there} of {} ms", end.since(back));
}

/// Plasma's power manager knows what films and calls inhibit over D-Bus. KWin does not.
fn power_manager() -> Option<PathBuf> {
    let by_machine =
        std::fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path().join("libexec")));
    let folders = by_machine.chain(["/usr/libexec".into(), "/usr/lib".into()]);
    folders.map(|folder| folder.join("org_kde_powerdevil")).find(|program| program.exists())
}

#[test]
fn a_film_keeps_the_time_counting() {
    let Some(mut bed) = Bed::start(Kind::Kwin) else { return };
    let Some(power_manager) = power_manager() else {
        return machine::cannot_run(&machine::running_test(), "powerdevil is not installed");
    };
    bed.idle_after("3s");
    let _window = bed.open("AppA", "alpha");
    bed.place_mut().set("QT_QPA_PLATFORM", "wayland");
    bed.place_mut().set("XDG_CURRENT_DESKTOP", "KDE");
    let _power = bed.place().start(&power_manager.display().to_string(), &[]);
    let inhibits = || {
        let to = ["call", "--session", "--dest", "org.freedesktop.PowerManagement", "--object-path"];
        let object = "/org/freedesktop/PowerManagement/Inhibit";
        let method = "org.freedesktop.PowerManagement.Inhibit.HasInhibit";
        let answer = bed.place().try_run("gdbus", &[&to[..], &[object, "--method", method][..]].concat());
        answer.map(|answer| answer.trim() == "(true,)")
    };
    assert!(wait_until(Deadline::seconds(20), || inhibits() == Some(false)), "no power manager");
    // What a browser does that plays a film; it lasts as long as its connection.
    let film = "import dbus, time
saver = dbus.SessionBus().get_object('org.freedesktop.ScreenSaver', '/org/freedesktop/ScreenSaver')
saver.Inhibit('player', 'film', dbus_interface='org.freedesktop.ScreenSaver')
time.sleep(600)";
    let mut film = bed.place().start("python3", &["-c", film]);
    // The power manager waits five seconds before it takes an inhibition for one.
    assert!(wait_until(Deadline::seconds(20), || inhibits() == Some(true)), "nothing inhibits");

    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    bed.press_key();
    let last_input = Stamp::now();
    let is_idle = || bed.dwell_json(&["status"])["state"] == "idle";
    assert!(!wait_until(Deadline::seconds(5), is_idle), "idle in a film");
    film.kill();
    let end = Stamp::now();
    assert!(wait_until(Deadline::seconds(15), is_idle), "never idle after the film");
    let noticed = Stamp::now().since(end);
    assert!((2500..5000).contains(&noticed), "idle {noticed} ms after the film");
    let seen = counted(&bed, "AppA", last_input.wall_ms, end.wall_ms);
    assert!(
        (seen - end.since(last_input)).abs() <= INSTANT_MS,
        "counted {seen} of {} ms",
        end.since(last_input)
    );
    let after = counted(&bed, "AppA", end.wall_ms + 2 * INSTANT_MS, end.wall_ms + 10_000);
    assert_eq!(after, 0, "counted after the film");
}

/// At log-in the Wayland socket is there before KWin has its name on the bus, on a slow machine by many seconds. Here
/// somebody else takes the name, who then is not believed to be KWin for long.
#[test]
fn a_name_that_comes_late_is_noticed() {
    let Some(bed) = Bed::start(Kind::Weston) else { return };
    let _daemon = bed.daemon();
    assert!(wait_until(Deadline::seconds(10), || health(&bed, "focus").1.contains("weston")));
    // Until the attempts of the first seconds are over.
    let_pass(Duration::from_secs(8));
    let late = "import dbus.service, time
name = dbus.service.BusName('org.kde.KWin', dbus.SessionBus())
time.sleep(600)";
    let _late = bed.place().start("python3", &["-c", late]);
    let looks = || health(&bed, "focus").1.contains("KWin");
    assert!(wait_until(Deadline::seconds(10), looks), "{:?}", health(&bed, "focus"));
}

fn kwin_that_comes_back_is_taken_up_again(kind: Kind) {
    let Some(mut bed) = Bed::start(kind) else { return };
    let window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    // What a crash interrupts must not stay: a screen that was locked, or a script.
    bed.lock();
    bed.kill_desktop();
    let gone = Stamp::now();
    drop(window);
    wait_for_health(&bed, Deadline::seconds(10), false, "");
    let missed = Stamp::now();
    eprintln!("missed within {} ms", missed.since(gone));
    assert!(missed.since(gone) <= NOTICED_WITHIN_MS, "missed {} ms after the crash", missed.since(gone));
    let_pass(Duration::from_secs(1));
    let before_return = Stamp::now();
    bed.start_desktop();
    let up = Stamp::now();
    wait_for_health(&bed, Deadline::seconds(10), true, how(kind));
    let took = Stamp::now().since(up);
    eprintln!("taken up {took} ms after KWin was up");
    assert!(took <= NOTICED_WITHIN_MS, "taken up {took} ms after KWin was up");
    let _window = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    let unobserved = bed
        .spans()
        .iter()
        .filter(|span| span.kind == "unobserved")
        .map(|span| span.within(missed.wall_ms, before_return.wall_ms))
        .sum::<i64>();
    assert!(
        before_return.since(missed) - unobserved <= INSTANT_MS,
        "{unobserved} ms unobserved of {}",
        before_return.since(missed)
    );
    assert_eq!(counted(&bed, "AppA", gone.wall_ms + INSTANT_MS, before_return.wall_ms), 0);
}

#[test]
fn kwin_that_comes_back_grants_again() {
    kwin_that_comes_back_is_taken_up_again(Kind::Kwin);
}

#[test]
fn kwin_that_comes_back_gets_the_script_again() {
    kwin_that_comes_back_is_taken_up_again(Kind::KwinUngranted);
}

/// A stopped KWin tells nothing, not even that nobody is there.
fn kwin_that_is_stopped_is_unobserved_until_it_goes_on(kind: Kind) {
    let Some(mut bed) = Bed::start(kind) else { return };
    bed.idle_after("5s");
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
    bed.compositor().signal(Signal::STOP);
    wait_for_health(&bed, Deadline::seconds(20), false, "does not answer; it is taken up again when it does");
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");
    bed.compositor().signal(Signal::CONT);
    let goes_on = Stamp::now();
    wait_for_health(&bed, Deadline::seconds(10), true, how(kind));
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
    eprintln!("taken up within {} ms after KWin went on", Stamp::now().since(goes_on));
}

#[test]
fn kwin_that_is_stopped_is_noticed_when_granted() {
    kwin_that_is_stopped_is_unobserved_until_it_goes_on(Kind::Kwin);
}

#[test]
fn kwin_that_is_stopped_is_noticed_by_the_script() {
    kwin_that_is_stopped_is_unobserved_until_it_goes_on(Kind::KwinUngranted);
}

#[test]
fn a_killed_daemons_script_is_replaced() {
    let Some(bed) = Bed::start(Kind::KwinUngranted) else { return };
    let _alpha = bed.open("AppA", "alpha");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    daemon.kill9();
    assert_eq!(is_loaded(&bed, "org.dwell.focus"), "(true,)");
    // One that is killed during a load leaves the script's file, too.
    let file = bed.place().runtime().join("dwell/kwin-script.js");
    bed.place().write(&file, "what is left");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let _beta = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    daemon.terminate();
    assert_eq!(is_loaded(&bed, "org.dwell.focus"), "(false,)");
    assert!(!file.exists());
}

/// Somebody who listens to all that is said on the bus knows every word that KWin's script says. It is of no use.
#[test]
fn nobody_but_kwin_is_believed() {
    let Some(bed) = Bed::start(Kind::KwinUngranted) else { return };
    let place = bed.place();
    let monitor = place.lines("dbus-monitor", &["--session", "interface='org.dwell.Kwin1'"]);
    let watching = |_, line: &str| line.contains("member=NameLost").then_some(());
    monitor.find(Deadline::seconds(5), watching).expect("the monitor to watch");
    let alpha = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let mut words = (None, None, None);
    let overheard = monitor.find(Deadline::seconds(5), |_, line| {
        let word = |key: &str| Some(line.split_once(key)?.1.split([' ', ';']).next()?.to_owned());
        if line.contains("member=Active") {
            words = (word("destination="), word("path="), None);
        } else if words.0.is_some() && words.2.is_none() {
            words.2 = line.trim().strip_prefix("string ").map(|token| token.trim_matches('"').to_owned());
        }
        Some((words.0.clone()?, words.1.clone()?, words.2.clone()?))
    });
    let (daemon, object, token) = overheard.expect("what the script says");
    let _beta = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    let forge = |token: &str| {
        let to = ["call", "--session", "--dest", &daemon, "--object-path", &object];
        let what = ["--method", "org.dwell.Kwin1.Active", token, "w1", "AppX", "AppX", "0"];
        let output =
            place.command("gdbus").args(to).args(what).stderr(Stdio::piped()).output().expect("gdbus");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // The right word from the wrong side.
    let refused = forge(&token);
    assert!(refused.contains("AccessDenied"), "{refused}");
    // The wrong word from the right side: others can load scripts, too.
    let script = place.runtime().join("forged.js");
    let tell = |token: &str| {
        place.write(
            &script,
            format!("callDBus('{daemon}', '{object}', 'org.dwell.Kwin1', 'Active', '{token}', 'w1', 'AppX', 'AppX', '0');"),
        );
        let to = ["call", "--session", "--dest", "org.kde.KWin", "--object-path"];
        let load = ["/Scripting", "--method", "org.kde.kwin.Scripting.loadScript"];
        let file = script.display().to_string();
        let number = place
            .run("gdbus", &[&to[..], &load[..], &[file.as_str(), &format!("forged{token}")][..]].concat());
        let number = number.trim().trim_start_matches('(').trim_end_matches(",)").to_owned();
        // KWin 5, else KWin 6.
        let run = |object: String| {
            let what = [object.as_str(), "--method", "org.kde.kwin.Script.run"];
            place.try_run("gdbus", &[&to[..], &what[..]].concat()).is_some()
        };
        assert!(run(format!("/{number}")) || run(format!("/Scripting/Script{number}")));
    };
    tell("0");
    // KWin's calls arrive in their order: when this change has been seen, the forged one has been, too.
    bed.ask_for_focus(&alpha);
    bed.wait_for_dwell_to_see("AppA");
    assert!(!bed.spans().iter().any(|span| span.app == "AppX"), "a forged fact was believed");
    assert_eq!(bed.dwell_json(&["status"])["active"]["app"], "AppA");
    // With the right word from the right side it would have been: the test can fail.
    tell(&token);
    bed.wait_for_dwell_to_see("AppX");
}
