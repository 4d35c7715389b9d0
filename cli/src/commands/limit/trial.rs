//! `dwell limit try`: on which days of the past a limit would have been reached.

use super::options::Counted;
use crate::bus::Daemon;
use crate::commands::report;
use crate::console::Console;
use crate::error::{Error, Kind};
use crate::output::{json, rules_json, trial};
use crate::usage::BadValue;

/// Try a limit on the past: on which days it would have been reached
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
    #[command(flatten)]
    counted: Counted,
    /// Over which days: 14d, lastweek, month, or from a DATE on
    #[arg(long, value_name = "PERIOD", value_parser = since, default_value = "14d")]
    since: String,
}

/// A PERIOD; a single day is its first.
fn since(text: &str) -> Result<String, BadValue> {
    let period = report::period(text)?;
    let is_a_day = period.parse::<dwell_core::calendar::CivilDay>().is_ok();
    Ok(if is_a_day { format!("{period}..") } else { period })
}

/// Asks and shows.
pub(super) async fn run(daemon: &Daemon, args: &Args, console: &mut Console) -> Result<(), Error> {
    let (ms, options) = args.counted.for_the_wire();
    let trial = daemon.ask(|d| d.try_limit(&args.target, ms, options, &args.since)).await?;
    if trial.days == 0 {
        let message = format!("nothing is recorded from {} to {}", trial.from, trial.to);
        return Err(Error::new(Kind::NoData, message).hint("name a longer time with --since, like 30d"));
    }
    console.say(&if console.json {
        json::line(&rules_json::Trial::new(&trial))
    } else {
        trial::screen(&trial, console.look)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_first_of_many() {
        assert_eq!(since("2026-11-01").as_deref(), Ok("2026-11-01.."));
        assert_eq!(since("2026-11-01..2026-11-03").as_deref(), Ok("2026-11-01..2026-11-03"));
        assert_eq!(since("14d").as_deref(), Ok("14d"));
        assert!(since("fortnight").is_err());
    }
}
