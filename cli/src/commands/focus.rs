//! `dwell focus`: blocks what distracts, for a while.

use dwell_bus::wire;
use dwell_core::time::Millis;

use super::limit::done;
use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::{json, rules_json, standing};
use crate::usage::BadValue;

/// Block what distracts, for a while (alone: show what runs)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For how long: 50m, 1h30m; or stop
    #[arg(value_name = "DURATION", value_parser = length)]
    length: Option<Length>,
    /// Block this (may be repeated; default: everything but what a terminal runs)
    #[arg(long, value_name = "TARGET", value_parser = crate::cli::target, requires = "length")]
    block: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Stop,
    For(Millis),
}

fn length(text: &str) -> Result<Length, BadValue> {
    if text.trim() == "stop" {
        return Ok(Length::Stop);
    }
    crate::cli::duration(text).map(Length::For)
}

/// Starts one, stops it, or shows it.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let now = match args.length {
        Some(Length::For(length)) => daemon.ask(|d| d.focus(length.as_ms(), args.block.clone())).await?,
        Some(Length::Stop) if !args.block.is_empty() => {
            return Err(
                Error::new(Kind::Usage, "\"stop\" and --block do not go together").hint("leave one out")
            );
        }
        Some(Length::Stop) => daemon.ask(|d| d.resume("focus")).await?,
        None => daemon.ask(|d| d.standing()).await?,
    };
    show(&now, args.length == Some(Length::Stop), console);
    Ok(End::Well)
}

fn show(now: &wire::Standing, stopped: bool, console: &mut Console) {
    if console.json {
        console.say(&json::line(&rules_json::StandingAlone::new(now)));
        return;
    }
    let said = match standing::focus(now, now_ms()) {
        Some(said) => said,
        None if stopped => "The focus session has ended".to_owned(),
        None => "No focus session runs. Start one with `dwell focus 50m`".to_owned(),
    };
    done(&said, console);
}
