//! `dwell open`: states what something is opened for, and for how long.

use dwell_core::time::Millis;

use super::limit::done;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::text::{glance, plain};
use crate::output::{json, rules_json};

/// State what you open something for, and for how long; it starts nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
You open it yourself. When the time is over you are told once what you meant to do, and nothing is blocked. The report \
lists what was planned and what became of it.")]
pub(crate) struct Args {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
    /// For how long: 15m
    #[arg(long = "for", value_name = "DURATION", value_parser = crate::cli::duration)]
    length: Millis,
    /// What for, in your own words
    #[arg(long, value_name = "TEXT")]
    to: Option<String>,
}

/// Tells the daemon, and repeats it.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let to = args.to.as_deref().unwrap_or_default().trim();
    let now = daemon.ask(|d| d.intend(&args.target, args.length.as_ms(), to)).await?;
    if console.json {
        console.say(&json::line(&rules_json::StandingAlone::new(&now)));
        return Ok(End::Well);
    }
    // The newest is the one that was just stated.
    let newest = now.intentions.iter().flatten().filter(|plan| !plan.over).max_by_key(|plan| plan.at_ms);
    let name = newest
        .map_or(args.target.as_str(), |plan| if plan.name.is_empty() { &plan.target } else { &plan.name });
    let to = if to.is_empty() { String::new() } else { format!(", to: {}", plain(to)) };
    let said = format!(
        "{}, planned for {}{to}. You are told once when that is over",
        plain(name),
        glance(args.length.as_ms())
    );
    done(&said, console);
    Ok(End::Well)
}
