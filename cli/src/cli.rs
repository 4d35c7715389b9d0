//! The command line: global wishes, the commands, and what each argument may be.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use dwell_core::subject::{Target, TargetError};
use dwell_core::time::{DurationError, Millis};

use crate::commands::{
    browser, category, check, completions, config, doctor, downtime, exit, export, focus, forget, import,
    key, limit, man, open, pause, report, reset_week, rules, snooze, spans, sql, status, vault, why,
};
use crate::console::Console;
use crate::error::Error;
use crate::examples;
use crate::usage::{self, BadValue};

/// Below the help text.
const EXIT_CODES: &str = "Exit codes: 0 well, 1 failed, 2 wrong usage or unknown, 3 nothing recorded, \
    4 denied or locked, 5 daemon not reachable, 10 blocked";

/// Below the help text of `dwell top`.
const TOP_KEYS: &str = "\
Keys: q quits, ? explains all of them; Tab shows the next list, 1 to 4 show programs, sites, categories
and limits; the arrows, PgUp, PgDn, Home and End scroll; Ctrl-Z stops it, and `fg` comes back.";

/// See where your screen time goes, and keep it where you want it. Without a command: today at a glance
#[derive(Debug, Parser)]
#[command(name = "dwell", bin_name = "dwell", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What holds for every command. A script may add one to a line that has it already.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Answer with a JSON document (streams: one object a line), errors included
    #[arg(long, global = true, overrides_with = "json")]
    pub(crate) json: bool,
    /// Say nothing but results and errors
    #[arg(long, short, global = true, overrides_with = "quiet")]
    pub(crate) quiet: bool,
    /// No colours (also: NO_COLOR)
    #[arg(long, global = true, overrides_with = "no_color")]
    pub(crate) no_color: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(status::Args),
    Report(report::Args),
    Spans(spans::Args),
    Sql(sql::Args),
    Export(export::Args),
    Import(import::Args),
    Limit(limit::Args),
    Why(why::Args),
    Check(check::Args),
    Snooze(snooze::Args),
    Downtime(downtime::Args),
    Focus(focus::Args),
    Open(open::Args),
    Pause(pause::Args),
    /// End a pause
    Resume,
    Exit(exit::Args),
    ResetWeek(reset_week::Args),
    Rules(rules::Args),
    Category(category::Args),
    /// Show today as it goes by, on the whole terminal; ? explains the keys
    #[command(after_help = TOP_KEYS)]
    Top,
    /// Follow changes as they happen, until Ctrl-C
    Watch,
    Browser(browser::Args),
    Doctor(doctor::Args),
    Key(key::Args),
    Vault(vault::Args),
    Forget(forget::Args),
    /// Say what is stored, where, and who can read it
    Privacy,
    Config(config::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Man(man::Args),
    #[command(name = "__complete", hide = true)]
    Complete(completions::Words),
}

/// The whole command line, for help, completions and manual pages.
pub(crate) fn command() -> clap::Command {
    examples::added(Cli::command())
}

/// Reads the command line; `None` when it asked for help or the version, which is then already shown.
///
/// # Errors
/// A mistake in it, in one line.
pub(crate) fn parse(arguments: &[OsString], console: &mut Console) -> Result<Option<Cli>, Error> {
    let choice = if console.look.color { clap::ColorChoice::Always } else { clap::ColorChoice::Never };
    let parsed = command()
        .color(choice)
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            console.json = cli.global.json;
            console.quiet = cli.global.quiet;
            Ok(Some(cli))
        }
        Err(mistake) if mistake.exit_code() == 0 => {
            let shown = mistake.render();
            console.say(&if console.look.color { shown.ansi().to_string() } else { shown.to_string() });
            Ok(None)
        }
        Err(mistake) => Err(usage::explain(&mistake)),
    }
}

/// A TARGET as it was typed; prefixed ones are checked here, bare ones by the daemon, which knows the subjects.
pub(crate) fn target(text: &str) -> Result<String, BadValue> {
    match Target::typed(text) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(TargetError::Bare) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Err(TargetError::Bare) => {
            Err(BadValue::new("the target is empty", "write app:ID, domain:D, category:C or all"))
        }
        Err(why) => Err(BadValue::new(format!("\"{text}\" is no target: {why}"), why.hint())),
    }
}

/// A DURATION such as `90s`, `45m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Millis, BadValue> {
    text.parse().map_err(|why| {
        let usual = "write 30m, 1h30m or 90s";
        match why {
            DurationError::NoUnit(number) => BadValue::new(
                format!("\"{number}\" is no amount of time: a unit is missing"),
                format!("write {number}m, 1h30m or 90s"),
            ),
            DurationError::Empty => BadValue::new("the amount of time is empty", usual),
            DurationError::Unreadable(text) => {
                BadValue::new(format!("\"{text}\" is no amount of time"), usual)
            }
            DurationError::TooLong(text) => {
                BadValue::new(format!("\"{text}\" is longer than 10 years"), usual)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some() || command.is_hide_set(), "{path} has no description");
            for argument in
                command.get_arguments().filter(|a| a.get_id() != "help" && a.get_id() != "version")
            {
                assert!(argument.get_help().is_some(), "{path} {} has no help", argument.get_id());
            }
            command.get_subcommands().for_each(|sub| look(sub, &path));
        }
        look(&command(), "");
    }

    #[test]
    fn bad_values_say_what_to_write() {
        let told = |bad: BadValue| format!("{bad}; {}", bad.hint);
        assert_eq!(
            told(duration("30").unwrap_err()),
            "\"30\" is no amount of time: a unit is missing; write 30m, 1h30m or 90s"
        );
        assert_eq!(told(duration("5x").unwrap_err()), "\"5x\" is no amount of time; write 30m, 1h30m or 90s");
        assert_eq!(
            told(target("aap:x").unwrap_err()),
            "\"aap:x\" is no target: \"aap:\" is no kind of target (app:, domain:, category:, all); \
             write app:ID, domain:D, category:C or all"
        );
        assert_eq!(
            told(target("domain:co.uk").unwrap_err()),
            "\"domain:co.uk\" is no target: this is an ending that many sites share, and no site itself; \
             name one of the sites: domain:example.co.uk"
        );
        assert!(target(" ").is_err());
        assert!(target("https://www.youtube.com/x").is_ok() && target("youtube.com:443").is_ok());
        assert_eq!(target("Firefox"), Ok("Firefox".to_owned()));
        assert_eq!(duration("0m"), Ok(Millis::ZERO));
    }
}
