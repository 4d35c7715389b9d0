//! `dwell exit`: the emergency exit. It always opens, and nobody is asked why.

use super::limit::done;
use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::change::length;
use crate::output::instant::Zone;
use crate::output::{json, rules_json};

/// The emergency exit: after ten minutes all your own rules are off until the next day starts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
No question is asked. Said again while it waits, it tells how long that lasts still. Counting goes on, and the next \
day's rules are as they were.")]
pub(crate) struct Args {
    /// Take it back: the rules hold, or hold again
    #[arg(long)]
    cancel: bool,
}

/// Begins it, tells how it stands, or takes it back.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let now = daemon.ask(|d| d.exit(args.cancel)).await?;
    if console.json {
        console.say(&json::line(&rules_json::StandingAlone::new(&now)));
        return Ok(End::Well);
    }
    let said = match (now.exit_until_at_ms, now.exit_waits_ms) {
        (Some(at), _) => {
            let until = Zone::new(&now.zone).near(at, now_ms());
            format!("All your own rules are off until {until}. `dwell exit --cancel` puts them back")
        }
        (None, Some(ms)) => format!(
            "In {} all your own rules are off, until the next day starts. `dwell exit --cancel` takes it back",
            length(ms)
        ),
        (None, None) => "Your rules hold".to_owned(),
    };
    done(&said, console);
    Ok(End::Well)
}
