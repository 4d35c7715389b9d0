//! `dwell pause` and `dwell resume`: the person's open rules, suspended for a while.

use dwell_bus::wire;
use dwell_core::time::Millis;

use super::limit::done;
use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::{json, rules_json, standing};

/// Suspend your open rules for a while; it ends by itself
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Counting goes on. Rules that are cooling or locked go on as well; for an emergency there is `dwell exit`.")]
pub(crate) struct Args {
    /// For how long, at most 31d: 2h, 3d, 1w
    #[arg(value_parser = crate::cli::duration)]
    duration: Millis,
}

/// Pauses.
pub(crate) async fn pause(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let now = daemon.ask(|d| d.pause(args.duration.as_ms())).await?;
    show(&now, "Nothing is suspended", console);
    Ok(End::Well)
}

/// Ends a pause. A focus session was begun on purpose, and goes on.
pub(crate) async fn resume(console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let now = daemon.ask(|d| d.resume("pause")).await?;
    show(&now, "Your rules hold again", console);
    Ok(End::Well)
}

fn show(now: &wire::Standing, otherwise: &str, console: &mut Console) {
    if console.json {
        console.say(&json::line(&rules_json::StandingAlone::new(now)));
        return;
    }
    let said = match (standing::pause(now, now_ms()), standing::focus(now, now_ms())) {
        (Some(pause), _) => format!("{pause}; what is cooling or locked goes on. `dwell resume` ends it"),
        (None, Some(focus)) => focus,
        (None, None) => otherwise.to_owned(),
    };
    done(&said, console);
}
