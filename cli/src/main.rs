//! `dwell`: asks the daemon over D-Bus, and shows the answer to people and to scripts.
//!
//! One file a command under [`commands`], one place for everything that is shown ([`output`]), one error type that
//! fixes the exit code ([`error`]). What a command shows is made by pure functions from wire values, so that every
//! screen and every document is tested without a bus. Nothing here decides about time, rules or names of programs:
//! that is the daemon's.
#![forbid(unsafe_code)]

mod ask;
mod bus;
mod cli;
mod commands;
mod console;
#[cfg(test)]
mod documented;
mod error;
mod examples;
mod output;
mod secret;
mod usage;

fn main() -> std::process::ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut console = console::Console::new(&arguments);
    let end = commands::run(&arguments, &mut console);
    console.finish(end)
}
