//! dwell shown at work where there is no screen: a headless desktop, two real windows, a limit that really acts, and
//! the commands as a person runs them. Ends with 0 only if the window was really seen to go.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demonstration prints")]

use std::io::Write as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass};
use dwell_tests::{Bed, Kind, say_panics_plainly};

/// The class of the window that one may use.
const FREE: &str = "editor";
/// The class of the window that gets a limit.
const LIMITED: &str = "videos";

fn main() -> ExitCode {
    // A bed that cannot start panics; here that is a message to a person.
    say_panics_plainly("demo");
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("demo: {why}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<(), String> {
    let (bed, desktop) = desktop()?;
    // The defaults, as after an installation.
    bed.place().write(&bed.place().config(), "");
    let notices = bed.record_notices();
    // Without it dwell rightly complains that nobody tells it when the screen is locked.
    let _logind = bed.try_mock_logind();
    let limited = bed.open(LIMITED, "videos");
    let free = bed.open(FREE, "editor");
    let observer = bed.observe();
    stage(&format!("A desktop without a screen ({desktop}), with two windows: {FREE} and {LIMITED}."));
    let _daemon =
        bed.try_daemon(&[]).map_err(|refusal| format!("dwelld did not start: {}", refusal.stderr.trim()))?;
    bed.wait_for_dwell_to_see(FREE);
    stage(
        "dwelld runs on a bus of its own, with an empty vault. It sees which window has focus, and nothing else.",
    );

    for (window, milliseconds) in [(&free, 2500_u32), (&limited, 1000), (&free, 1500)] {
        bed.ask_for_focus(window);
        println!("  {:.1} s in {}", f64::from(milliseconds) / 1000.0, window.app());
        let_pass(Duration::from_millis(milliseconds.into()));
    }

    stage(&format!("Three seconds of {LIMITED} a day, and no more:"));
    run(&bed, &["limit", "set", &format!("app:{LIMITED}"), "3s"])?;
    let began = Stamp::now();
    bed.ask_for_focus(&limited);
    println!("  {LIMITED} has focus");
    let warning =
        notices.wait_for(Deadline::seconds(6), |_| true).ok_or("there was no warning before the limit")?;
    println!("  warned after {}: “{}”", elapsed(began, warning.at), warning.summary);
    if !bed.wait_until(Deadline::seconds(6), || bed.is_hidden(&limited)) {
        return Err("the limit was reached and the window is still there".to_owned());
    }
    println!("  put away after {}: the window is minimised", elapsed(began, Stamp::now()));
    if bed.is_hidden(&free) {
        return Err(format!("the window of {FREE} went too"));
    }

    stage("It comes back, and goes again:");
    let returned = Stamp::now();
    bed.ask_for_focus(&limited);
    if !observer.wait_for_again(LIMITED, returned, Deadline::seconds(3)) {
        return Err("the window did not come back when it was asked to".to_owned());
    }
    if !bed.wait_until(Deadline::seconds(3), || bed.is_hidden(&limited)) {
        return Err("it came back and stayed".to_owned());
    }
    println!("  minimised again after {} ms", Stamp::now().since(returned));

    stage("And what a person sees:");
    for command in [&["status"][..], &["limit", "list"], &["why", &format!("app:{LIMITED}")], &["report"]] {
        run(&bed, command)?;
        println!();
    }
    println!("All of it was real, all of it is gone now: the data lay in {}.", bed.folder().display());
    Ok(())
}

fn desktop() -> Result<(Bed, &'static str), String> {
    let x11 = Bed::try_start(Kind::X11).map(|bed| (bed, "Xvfb and openbox"));
    x11.or_else(|lacks_x11| {
        let sway = Bed::try_start(Kind::Sway).map(|bed| (bed, "headless sway"));
        sway.map_err(|lacks_sway| {
            format!("no desktop to show it on: for X11, {lacks_x11}; for sway, {lacks_sway}")
        })
    })
}

fn stage(text: &str) {
    println!("\n{text}");
}

fn elapsed(from: Stamp, to: Stamp) -> String {
    let milliseconds = to.since(from);
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// Runs `dwell` before the person's eyes.
fn run(bed: &Bed, arguments: &[&str]) -> Result<(), String> {
    println!("$ dwell {}", arguments.join(" "));
    let _ = std::io::stdout().flush();
    let mut dwell = bed.place().command(bed.place().built("dwell"));
    for name in ["TERM", "COLUMNS", "NO_COLOR"] {
        if let Some(value) = std::env::var_os(name) {
            dwell.env(name, value);
        }
    }
    let status = dwell.args(arguments).stdout(Stdio::inherit()).stderr(Stdio::inherit()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`dwell {}` ended with {status}", arguments.join(" "))),
        Err(error) => Err(format!("cannot run dwell: {error}")),
    }
}
