//! The commands, one file each: its arguments, its conversation with the daemon, its screen.

pub(crate) mod browser;
pub(crate) mod category;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod downtime;
pub(crate) mod exit;
pub(crate) mod export;
pub(crate) mod focus;
mod follow;
pub(crate) mod forget;
pub(crate) mod gnome;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod limit;
mod live;
pub(crate) mod man;
pub(crate) mod open;
mod page;
pub(crate) mod pause;
pub(crate) mod privacy;
mod put_back;
pub(crate) mod report;
pub(crate) mod reset_week;
pub(crate) mod rules;
pub(crate) mod snooze;
pub(crate) mod spans;
pub(crate) mod sql;
pub(crate) mod status;
mod stream;
mod timeline;
pub(crate) mod top;
pub(crate) mod vault;
mod wait;
pub(crate) mod watch;
pub(crate) mod why;
mod work;

use std::ffi::OsString;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::bus::converse;
use crate::cli::{self, Command};
use crate::console::Console;
use crate::error::{End, Error};

/// Reads the command line and does what it says.
///
/// # Errors
/// Everything that can go wrong, on its way to the person.
pub(crate) fn run(arguments: &[OsString], console: &mut Console) -> Result<End, Error> {
    let Some(cli) = cli::parse(arguments, console)? else { return Ok(End::Well) };
    match cli.command {
        None => converse(status::run(&status::Args::default(), console)),
        Some(Command::Status(args)) => converse(status::run(&args, console)),
        Some(Command::Report(args)) => converse(report::run(&args, console)),
        Some(Command::Spans(args)) => converse(spans::run(&args, console)),
        Some(Command::Sql(args)) => converse(sql::run(&args, console)),
        Some(Command::Export(args)) => converse(export::run(&args, console)),
        Some(Command::Import(args)) => converse(import::run(&args, console)),
        Some(Command::Limit(args)) => converse(limit::run(args, console)),
        Some(Command::Why(args)) => converse(why::run(&args, console)),
        Some(Command::Check(args)) => converse(check::run(&args, console)),
        Some(Command::Snooze(args)) => converse(snooze::run(&args, console)),
        Some(Command::Downtime(args)) => converse(downtime::run(&args, console)),
        Some(Command::Focus(args)) => converse(focus::run(&args, console)),
        Some(Command::Open(args)) => converse(open::run(&args, console)),
        Some(Command::Pause(args)) => converse(pause::pause(&args, console)),
        Some(Command::Resume) => converse(pause::resume(console)),
        Some(Command::Exit(args)) => converse(exit::run(&args, console)),
        Some(Command::ResetWeek(args)) => converse(reset_week::run(&args, console)),
        Some(Command::Rules(args)) => converse(rules::run(args, console)),
        Some(Command::Category(args)) => converse(category::run(args, console)),
        Some(Command::Top) => converse(top::run(console)),
        Some(Command::Watch) => converse(watch::run(console)),
        Some(Command::Browser(args)) => browser::run(&args, console),
        Some(Command::Doctor(args)) => converse(doctor::run(args, console)),
        Some(Command::Key(args)) => converse(key::run(args, console)),
        Some(Command::Vault(args)) => converse(vault::run(args, console)),
        Some(Command::Forget(args)) => converse(forget::run(&args, console)),
        Some(Command::Privacy) => converse(privacy::run(console)),
        Some(Command::Config(args)) => config::run(&args, console),
        Some(Command::Completions(args)) => completions::run(&args, console),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Complete(words)) => completions::complete(words, console),
    }
}

/// Now, in Unix milliseconds, for answers that do not say when they were true.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
