//! `dwell downtime`: hours in which everything is blocked; a limit with the id `downtime`.

use dwell_bus::wire;
use dwell_core::rules::{Days, Window};

use super::limit::{self, Wanted};
use super::now_ms;
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::json;
use crate::output::limits::details;
use crate::usage::BadValue;

/// The rule's id.
const ID: &str = "downtime";

/// Block everything in these hours, such as the night (alone: show it)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Hours belong to the day on which they start: 22:00-07:00 on sun-thu ends on Friday morning. What must go on, such as \
the screen reader and the terminal you type this in, is never blocked.")]
pub(crate) struct Args {
    /// 22:00-07:00, or off
    #[arg(value_name = "RANGE", value_parser = hours)]
    hours: Option<Hours>,
    /// Only on these days: sun-thu, weekend (default: every day)
    #[arg(long, value_name = "DAYS", value_parser = limit::days, requires = "hours")]
    on: Option<Days>,
    /// Do not ask, though it may be looser than what holds now
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hours {
    Off,
    In(Window),
}

fn hours(text: &str) -> Result<Hours, BadValue> {
    if text.trim() == "off" {
        return Ok(Hours::Off);
    }
    limit::window(text).map(Hours::In).map_err(|bad| {
        let hint = format!("{}, or off", bad.hint);
        BadValue::new(bad.to_string(), hint)
    })
}

/// Shows it, makes it, or takes it away.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    match args.hours {
        None => show(&daemon, console).await?,
        Some(Hours::Off) if args.on.is_some() => {
            return Err(Error::new(Kind::Usage, "\"off\" and --on do not go together")
                .hint("write the hours for the days on which it is to stay"));
        }
        Some(Hours::Off) => {
            let end = daemon.ask(|d| d.remove_limit(ID)).await;
            let change = end.map_err(|why| if why.kind == Kind::NotFound { none() } else { why })?;
            limit::removed(change, "Downtime is off", console);
        }
        Some(Hours::In(window)) => {
            let options = wire::LimitOptions {
                id: Some(ID.to_owned()),
                only_hours: Some(true),
                blocked: Some(vec![window.to_string()]),
                // All days, said out loud: what was chosen last time must not stay unseen.
                on: Some(args.on.unwrap_or_default().to_string()),
                ..wire::LimitOptions::default()
            };
            if !args.yes && ask::somebody() {
                limit::confirmed(&daemon, "all", Some(ID), &Wanted::new(0, &options), console).await?;
            }
            let limit = daemon.ask(|d| d.set_limit("all", 0, options)).await?;
            limit::tell(&limit, console);
        }
    }
    Ok(End::Well)
}

fn none() -> Error {
    Error::new(Kind::NotFound, "there is no downtime").hint("set one with `dwell downtime 22:00-07:00`")
}

async fn show(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    let limits = daemon.ask(|d| d.list_limits()).await?;
    let found = limits.iter().find(|limit| limit.id == ID);
    if console.json {
        let zone = Zone::new(found.map_or("UTC", |limit| &limit.zone));
        console.say(&json::line(&json::Limits::new(found.map_or(&[], std::slice::from_ref), zone)));
    } else if let Some(limit) = found {
        console.say(&details(limit, Zone::new(&limit.zone), now_ms(), console.look));
    } else {
        limit::done("No downtime. Set one with `dwell downtime 22:00-07:00`", console);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_or_off() {
        assert_eq!(hours("off"), Ok(Hours::Off));
        assert_eq!(hours("22:00-07:00"), Ok(Hours::In("22:00-07:00".parse().unwrap())));
        let bad = hours("22").unwrap_err();
        insta::assert_snapshot!(format!("{bad}; {}", bad.hint), @r#""22" is no stretch of the day; write it like 22:00-07:00, or off"#);
    }
}
