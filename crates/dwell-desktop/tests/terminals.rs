//! What runs in a terminal, with real terminals, shells and programs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

mod bed;

use std::time::Duration;

use bed::{Bed, Sensors, Watcher, block_on, can_run};
use dwell_core::time::{Boot, Millis};
use dwell_desktop::{Buses, Settings};

const PROGRAMS: &[&str] = &["Xvfb", "openbox", "xterm", "xdotool", "bash", "vim", "make", "cc"];
const LONG: u64 = 180_000;

fn settings() -> Settings {
    Settings { idle_after: Millis::from_ms(LONG), terminal_programs: true, ..Settings::default() }
}

/// The files of a build that takes two seconds, without a word on the way.
fn project(bed: &Bed) {
    let source = "int main(void) { return 0; }\n";
    std::fs::write(bed.path("main.c"), source).unwrap();
    let makefile = "all:\n\t@for i in 1 2 3 4; do cc -o main main.c; sleep 0.5; done\n";
    std::fs::write(bed.path("Makefile"), makefile).unwrap();
}

fn is_about(found: Boot, really: Boot) {
    let off = found.as_ms().abs_diff(really.as_ms());
    assert!(off <= 1000, "{off} ms off");
}

fn now() -> Boot {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Boot::from_ms(u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap())
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
            bed.run(&["xdotool", "type", &format!("{typed}\n")]).await;
            let typed_at = now();
            is_about(sensors.focus(&format!("{own}/{program}")).await, typed_at);
            let ended_at = if program == "vim" {
                bed.run(&["xdotool", "type", ":q\n"]).await;
                now()
            } else {
                typed_at + Millis::from_ms(2300)
            };
            is_about(sensors.focus(&own).await, ended_at);
        }
    });
}
