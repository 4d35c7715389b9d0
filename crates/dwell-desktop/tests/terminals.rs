//! What runs in a terminal, with real terminals, shells and programs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]
#![allow(clippy::print_stdout, reason = "what was measured is said")]

mod bed;

use std::time::Duration;

use bed::{Bed, Sensors, Watcher, block_on, can_run, now};
use dwell_core::time::{Boot, Millis};
use dwell_desktop::{Buses, Settings, WindowAct};

const PROGRAMS: &[&str] = &["Xvfb", "openbox", "xterm", "xdotool", "bash", "vim", "make", "cc"];
const LONG: u64 = 180_000;

fn settings() -> Settings {
    Settings { idle_after: Millis::from_ms(LONG), terminal_programs: true, ..Settings::default() }
}

/// The files of a build that takes two seconds, without a word on the way.
fn project(bed: &Bed) {
    let source = "int main(void) { return 0; }\n";
    std::fs::write(bed.path("main.c"), source).unwrap();
    let makefile = "all:\n\t@for i in 1 2 3 4; do cc -o main main.c; sleep 0.5; done; touch made\n";
    std::fs::write(bed.path("Makefile"), makefile).unwrap();
}

/// When the build really ended.
fn made(bed: &Bed) -> Boot {
    let ago = std::fs::metadata(bed.path("made")).unwrap().modified().unwrap().elapsed().unwrap();
    Boot::from_ms(now().as_ms() - u64::try_from(ago.as_millis()).unwrap())
}

/// When a program ended, or took another one's place, is known from words and looks.
fn is_about(found: Boot, really: Boot) {
    let off = found.as_ms().abs_diff(really.as_ms());
    println!("{off} ms off");
    assert!(off <= 1000, "{off} ms off");
}

/// What a typed word has done came while the typing tool ran, or, on a busy machine, some time after it.
fn was_typed(found: Boot, typed: (Boot, Boot)) {
    let [found, from, to] = [found, typed.0, typed.1].map(|at| at.as_ms());
    println!("{found}, typed from {from} to {to}");
    assert!(found + 50 >= from && found <= to + 1500, "{found}, typed from {from} to {to}");
}

/// When one began the kernel knows; of one that has ended meanwhile nobody can tell any more.
fn began(program: &str, found: Boot, typed: (Boot, Boot)) {
    was_typed(found, typed);
    let found = found.as_ms();
    // Other tests may have such programs, too.
    let really = starts(program);
    assert!(
        really.is_empty() || really.iter().any(|start| start.abs_diff(found) <= 100),
        "{found}, really {really:?}"
    );
}

/// When the processes of this name began, by proc_pid_stat(5), in which a second has a hundred ticks.
fn starts(program: &str) -> Vec<u64> {
    let stats = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = stats.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    let start = |stat: String| {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        let ticks: u64 = rest.split(' ').nth(19)?.parse().ok()?;
        name.starts_with(program).then_some(ticks * 10)
    };
    stats.filter_map(start).collect()
}

/// An interactive shell without a start-up file.
const SHELL: &[&str] = &["bash", "--norc", "--noprofile", "-i"];

#[test]
fn what_runs_in_an_xterm_is_told_apart() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        bed.xvfb().await;
        bed.openbox().await;
        project(&bed);
        let mut sensors = Sensors::start_with(bed.surroundings(), settings(), Buses::default());
        assert!(sensors.health("terminal-programs", true).await.message.contains("counts apart"));
        bed.start("terminal", &[&["xterm", "-class", "XTerm", "-e"], SHELL].concat());
        let own = sensors.focus_of(&["debian-xterm", "XTerm"]).await;
        for (typed, program) in [("vim", "vim"), ("make", "make")] {
            let from = now();
            bed.run(&["xdotool", "type", &format!("{typed}\n")]).await;
            let typed_at = (from, now());
            began(program, sensors.focus(&format!("{own}/{program}")).await, typed_at);
            if program == "vim" {
                bed.run(&["xdotool", "type", ":q\n"]).await;
                let quit_at = now();
                is_about(sensors.focus(&own).await, quit_at);
            } else {
                is_about(sensors.focus(&own).await, made(&bed));
            }
        }
    });
}

const ON_SWAY: &[&str] = &["sway", "foot", "wtype", "setpriv", "bash", "vim", "make", "cc", "tmux"];

#[test]
fn what_runs_in_a_foot_is_told_apart() {
    if !can_run(ON_SWAY) {
        return;
    }
    block_on(async {
        let mut bed = bed::sway();
        project(&bed);
        let mut sensors = Sensors::start_with(bed.surroundings(), settings(), Buses::default());
        bed::start_sway(&mut bed);
        assert_eq!(sensors.health("terminal-programs", true).await.backend, "sway");
        sensors.focus_none().await;
        bed::find_sway(&mut bed);
        let foot = [&["foot", "-a", "foot"], SHELL].concat();
        bed.start("terminal", &foot);
        sensors.focus("foot").await;
        let typed = async |bed: &Bed, text: &str| {
            let from = now();
            // The pauses let the new keyboard become known first; without them keys are lost.
            bed.run(&["wtype", "-s", "200", "-d", "5", text, "-s", "50", "-k", "Return"]).await;
            (from, now())
        };
        let at = typed(&bed, "vim").await;
        began("vim", sensors.focus("foot/vim").await, at);
        let (_, at) = typed(&bed, ":q").await;
        is_about(sensors.focus("foot").await, at);
        let at = typed(&bed, "make").await;
        began("make", sensors.focus("foot/make").await, at);
        is_about(sensors.focus("foot").await, made(&bed));
        // A program that begins without a word, and later than the first look after the last one.
        let text = "(sleep 0.7; exec sleep 1)";
        bed.run(&["wtype", "-s", "200", "-d", "5", text]).await;
        // Nothing is left to look at.
        sensors.rest(Duration::from_millis(2500)).await;
        bed.run(&["wtype", "-s", "200", "-k", "Return"]).await;
        let at = now() + Millis::from_ms(700);
        is_about(sensors.focus("foot/sleep").await, at);
        sensors.focus("foot").await;
        // A program that says nothing, and one that is stopped and taken up again.
        let at = typed(&bed, "sleep 600").await;
        began("sleep", sensors.focus("foot/sleep").await, at);
        bed.run(&["wtype", "-s", "200", "-M", "ctrl", "z", "-m", "ctrl"]).await;
        let at = now();
        is_about(sensors.focus("foot").await, at);
        let at = typed(&bed, "fg").await;
        was_typed(sensors.focus("foot/sleep").await, at);
        // Another terminal's programs are its own. What is closed is the window in which the program runs.
        bed.start("other", &foot);
        sensors.focus("foot").await;
        sensors.desktop.act(WindowAct::Close(bed::app("foot/vim")));
        sensors.desktop.act(WindowAct::Close(bed::app("foot/sleep")));
        bed.ended("terminal").await;
        // tmux is what runs in the terminal, whatever runs in tmux.
        let at = typed(&bed, "tmux -u -f /dev/null -S tmux.sock new-session sleep 60").await;
        began("tmux", sensors.focus("foot/tmux").await, at);
        bed.run(&["tmux", "-S", "tmux.sock", "kill-server"]).await;
        sensors.focus("foot").await;
        // A terminal that was started with a program in place of a shell.
        bed.start("direct", &["foot", "-a", "foot", "vim"]);
        sensors.focus("foot/vim").await;
        // Closing the terminal is closing all of it.
        sensors.desktop.act(WindowAct::Close(bed::app("foot")));
        sensors.focus_none().await;
    });
}

#[test]
fn aliases_hold_at_once_and_find_their_windows() {
    if !can_run(ON_SWAY) {
        return;
    }
    block_on(async {
        let mut bed = bed::sway();
        let mut sensors = Sensors::start_with(bed.surroundings(), settings(), Buses::default());
        bed::start_sway(&mut bed);
        sensors.focus_none().await;
        bed::find_sway(&mut bed);
        bed.start("AppA", &["foot", "-a", "AppA", "sleep", "600"]);
        sensors.focus("AppA").await;
        bed.start("AppB", &["foot", "-a", "AppB", "sleep", "600"]);
        sensors.focus("AppB").await;
        let mut other = settings();
        for app in ["AppA", "AppB"] {
            other.aliases.add(app, "org.example.App").unwrap();
        }
        sensors.desktop.configure(other);
        sensors.focus("org.example.App").await;
        sensors.desktop.act(WindowAct::Close(bed::app("org.example.App")));
        bed.ended("AppA").await;
        bed.ended("AppB").await;
        sensors.focus_none().await;
        sensors.desktop.configure(Settings { terminal_programs: false, ..settings() });
        assert_eq!(sensors.health("terminal-programs", true).await.message, "not wanted");
    });
}

#[test]
fn without_processes_it_is_said_that_terminals_count_as_a_whole() {
    if !can_run(ON_SWAY) {
        return;
    }
    block_on(async {
        let mut bed = bed::sway();
        let mut sensors = Sensors::start_with(bed.surroundings(), settings(), Buses::default());
        // sway puts its IPC where it is told to; the sensors are not told.
        let hidden = bed.path("hidden.sock");
        bed.set("SWAYSOCK", hidden.to_str().unwrap());
        bed::start_sway(&mut bed);
        let health = sensors.health("terminal-programs", false).await;
        assert_eq!(health.backend, "wlr");
        assert!(health.message.contains("as a whole"), "{health:?}");
    });
}

#[test]
fn a_quiet_terminal_wakes_nobody_and_a_chatty_one_seldom() {
    if !can_run(PROGRAMS) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        bed.xvfb().await;
        bed.openbox().await;
        let mut watcher = Watcher::start_with(&bed, &["180", "terminal-programs"]);
        watcher.until("focus none").await;
        bed.start("quiet", &["xterm", "-class", "Xterm", "-e", "bash", "--norc", "-i"]);
        watcher.until("focus").await;
        bed.run(&["xdotool", "type", "sleep 600\n"]).await;
        watcher.until("/sleep").await;
        // Longer than any pause of ours; not much longer, for each tty that is opened on this machine is a word to us.
        watcher.is_never_woken(Duration::from_secs(2)).await;
        // A hundred lines a second.
        bed.run(&["xdotool", "key", "ctrl+c"]).await;
        bed.run(&["xdotool", "type", "yes | perl -ne 'print; select(undef,undef,undef,.01)'\n"]).await;
        watcher.until("/yes").await;
        let seconds = 5;
        let woken = watcher.wakeups(Duration::from_secs(seconds)).await;
        println!("woken {woken} times in {seconds} s");
        assert!(woken >= seconds / 2 && woken <= 3 * seconds, "{woken}");
    });
}
