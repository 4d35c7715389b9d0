//! What is GNOME Shell's own: an extension that may not be there, that answers dwell alone, that the shell takes away
//! while the screen is locked, and that goes and comes with the shell.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass, wait_until};
use dwell_tests::{Bed, Kind, machine};
use rustix::process::Signal;
use serde_json::Value;

/// How long after the shell's extension is there dwell may take to know again what has focus: it is waited for, and not
/// tried again every half minute. The shell itself has much to catch up with on a busy machine.
const TAKEN_UP_MS: i64 = 5000;

/// One part of what the doctor says.
fn part(bed: &Bed, name: &str) -> Value {
    let doctor = bed.dwell(&["doctor", "--json"]).json();
    let parts = doctor["parts"].as_array().unwrap();
    parts.iter().find(|part| part["part"] == name).cloned().unwrap_or_default()
}

fn wait_for_focus_part(bed: &Bed, ok: bool) -> Value {
    // Sensors that are only starting are not well either; that is not what is waited for.
    let is = || {
        let focus = part(bed, "focus");
        focus["ok"] == ok && focus["message"] != "the sensors are only starting"
    };
    assert!(wait_until(Deadline::seconds(10), is), "focus is not {ok}: {}", part(bed, "focus"));
    part(bed, "focus")
}

#[test]
fn gnome_without_the_extension_is_told_and_mended() {
    let Some(mut bed) = Bed::start(Kind::GnomeAlone) else { return };
    let _daemon = bed.daemon();
    let focus = wait_for_focus_part(&bed, false);
    assert_eq!(focus["fix"], "dwell doctor --fix, then log out and in", "{focus}");
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");

    let told = bed.dwell(&["doctor", "--fix"]);
    assert_eq!(told.code, 1, "the shell has not started anew yet: {}", told.stdout);
    let plain = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains("it was installed, it was switched on; now log out and in"), "{plain}");
    // Doing it again does nothing more, and says no other thing.
    let again = bed.dwell(&["doctor", "--fix"]);
    let plain = again.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains("nothing was to be done; now log out and in"), "{plain}");

    bed.start_desktop();
    wait_for_focus_part(&bed, true);
    let _window = bed.open("AppA", "alpha");
    bed.wait_for_dwell_to_see("AppA");
    assert!(!bed.dwell(&["doctor", "--fix"]).stdout.contains("extension for GNOME Shell"), "nothing to mend");

    // Switched off and on again while the shell runs.
    let extensions = |what: &str| bed.place().run("gnome-extensions", &[what, "dwell@dwell.org"]);
    extensions("disable");
    let focus = wait_for_focus_part(&bed, false);
    assert!(focus["message"].as_str().unwrap().ends_with("is switched off"), "{focus}");
    assert_eq!(focus["fix"], "dwell doctor --fix");
    let told = bed.dwell(&["doctor", "--fix"]);
    assert!(told.stdout.contains("it was switched on"), "{}", told.stdout);
    bed.wait_for_dwell_to_see("AppA");
}

/// Calls the extension as some other program on the bus.
fn as_a_stranger(bed: &Bed, method: &str, arguments: &[&str]) -> Option<String> {
    let method = format!("org.dwell.Shell1.{method}");
    let call = ["call", "--session", "--dest", "org.dwell.Shell1", "--object-path", "/org/dwell/Shell1"];
    bed.place().try_run("gdbus", &[&call[..], &["--method", &method], arguments].concat())
}

#[test]
fn gnome_tells_nobody_but_dwell() {
    let Some(bed) = Bed::start(Kind::Gnome) else { return };
    let listener = bed.place().lines("gdbus", &["monitor", "--session", "--dest", "org.dwell.Shell1"]);
    let owned = |_, line: &str| line.contains("is owned by").then_some(());
    assert!(listener.find(Deadline::seconds(10), owned).is_some());
    let alpha = bed.open("AppA", "alpha");
    let strangers_learn_nothing = || {
        for (method, arguments) in
            [("GetFocus", &[][..]), ("ListWindows", &[]), ("Minimise", &["[1]"]), ("Close", &["[1]"])]
        {
            assert_eq!(as_a_stranger(&bed, method, arguments), None, "{method} answers a stranger");
        }
    };
    strangers_learn_nothing();
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    strangers_learn_nothing();
    let _beta = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
    bed.ask_for_focus(&alpha);
    bed.wait_for_dwell_to_see("AppA");
    // That the listener hears what is sent to all is seen above: it was told of the name.
    let heard = listener.find(Deadline::after(Duration::from_millis(500)), |_, line| {
        line.contains("/org/dwell/Shell1").then(|| line.to_owned())
    });
    assert_eq!(heard, None, "the change of focus was sent to all");
}

#[test]
fn gnome_locked_is_no_failure_of_the_extension() {
    let Some(mut bed) = Bed::start(Kind::Gnome) else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    bed.lock();
    assert!(wait_until(Deadline::seconds(5), || bed.dwell_json(&["status"])["state"] == "locked"));
    // Longer than the extension may be away without a word.
    let_pass(Duration::from_millis(2500));
    assert_eq!(part(&bed, "focus")["ok"], true, "{}", part(&bed, "focus"));
    bed.unlock();
    let unlocked = Stamp::now();
    bed.wait_for_dwell_to_see("AppA");
    let took = Stamp::now().since(unlocked);
    eprintln!("focus known {took} ms after the unlock");
    assert!(took <= TAKEN_UP_MS, "{took} ms");
}

#[test]
fn gnome_that_dies_is_unobserved_and_taken_up_again() {
    let Some(mut bed) = Bed::start(Kind::Gnome) else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    bed.kill_desktop();
    let killed = Stamp::now();
    let unobserved = || bed.dwell_json(&["status"])["state"] == "unobserved";
    assert!(wait_until(Deadline::seconds(5), unobserved), "{}", bed.dwell(&["status"]).stdout);
    eprintln!("unobserved {} ms after the kill", Stamp::now().since(killed));
    bed.start_desktop();
    let back = Stamp::now();
    let observed = || part(&bed, "focus")["ok"] == true && part(&bed, "idle")["ok"] == true;
    assert!(wait_until(Deadline::seconds(10), observed), "{}", bed.dwell(&["doctor"]).stdout);
    let took = Stamp::now().since(back);
    eprintln!("taken up {took} ms after the shell was back");
    assert!(took <= TAKEN_UP_MS, "{took} ms");
    let _window = bed.open("AppB", "beta");
    bed.wait_for_dwell_to_see("AppB");
}

/// A stopped shell tells nothing, not even that nobody is there, and keeps its names on the bus.
#[test]
fn gnome_that_is_stopped_is_unobserved_until_it_goes_on() {
    let Some(mut bed) = Bed::start(Kind::Gnome) else { return };
    bed.idle_after("5s");
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
    bed.compositor().signal(Signal::STOP);
    let says_so = || {
        let focus = part(&bed, "focus");
        focus["ok"] == false && focus["message"].as_str().unwrap().contains("GNOME Shell does not answer")
    };
    assert!(wait_until(Deadline::seconds(20), says_so), "{}", part(&bed, "focus"));
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");
    bed.compositor().signal(Signal::CONT);
    let goes_on = Stamp::now();
    wait_for_focus_part(&bed, true);
    let took = Stamp::now().since(goes_on);
    eprintln!("taken up {took} ms after the shell went on");
    assert!(took <= TAKEN_UP_MS, "{took} ms");
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
}

#[test]
fn gnome_a_film_counts_and_its_end_begins_idleness() {
    let Some(bed) = Bed::start(Kind::Gnome) else { return };
    bed.idle_after("2s");
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
    let state = || bed.dwell_json(&["status"])["state"].clone();
    let film = bed.start_film();
    bed.press_key();
    let last_input = Stamp::now();
    let_pass(Duration::from_secs(5));
    assert_eq!(state(), "active", "nobody touches a key in a film");
    let ending = Stamp::now();
    film.end();
    let ended = Stamp::now();
    assert!(wait_until(Deadline::seconds(10), || state() == "idle"), "{}", state());
    let spans = bed.spans();
    let end = spans.iter().filter(|span| span.is_focus_on("AppA")).map(|span| span.end_ms).max().unwrap();
    eprintln!(
        "use ended {} ms after the film, {} ms after the last input",
        end - ended.wall_ms,
        end - last_input.wall_ms
    );
    let with_the_film = ending.wall_ms - 200..=ended.wall_ms + 1500;
    assert!(with_the_film.contains(&end), "use ends with the film: {} ms", end - ended.wall_ms);
}

/// Both forms of the extension are programs that GNOME's JavaScript can read, and the one for later versions works with a
/// stand-in for the shell. (The one for the installed version runs in the tests above.)
#[test]
fn gnome_both_forms_of_the_extension_are_programs() {
    const TEST: &str = "gnome_both_forms_of_the_extension_are_programs";
    if let Some(missing) = machine::lacks(&["gjs"]) {
        return machine::cannot_run(TEST, &format!("{missing} is not installed"));
    }
    let Some(bed) = Bed::start(Kind::NoDisplay) else { return };
    let parts = concat!(env!("CARGO_MANIFEST_DIR"), "/../integrations/gnome-shell");
    let read = |name: &str| std::fs::read_to_string(format!("{parts}/{name}")).unwrap();
    let form =
        |form: &str| read(&format!("{form}/head.js")) + &read("body.js") + &read(&format!("{form}/foot.js"));
    let shell = include_str!("../src/gnome/stand_in.js");
    let gjs = |arguments: &[&str], name: &str, text: &str| {
        let file = bed.place().home().join(name);
        bed.place().write(&file, text);
        bed.place().run("gjs", &[arguments, &[&file.display().to_string()]].concat())
    };
    let (legacy, esm) = (form("legacy"), form("esm"));
    for text in [&legacy, &esm] {
        assert!(!text.contains("get_title"), "titles are never read");
    }
    let legacy = legacy.replace("{Gio, GLib, Meta, Shell} = imports.gi", "{Gio, GLib} = imports.gi");
    let user = "const made = init();\nif (!made.enable || !made.disable) throw new Error('not an extension');\n\
                print('done');\n";
    assert_eq!(gjs(&[], "legacy.js", &format!("{shell}{legacy}{user}")), "done\n");
    let esm = esm.replace("import Meta from 'gi://Meta';\nimport Shell from 'gi://Shell';\n", shell);
    assert!(esm.contains(shell), "the stand-in has its place");
    gjs(&["-m"], "esm.js", &esm);
    assert_eq!(gjs(&["-m"], "user.js", include_str!("../src/gnome/esm_user.js")), "done\n");
}
