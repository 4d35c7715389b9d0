//! `dwell limit`: make, show, try and remove limits, and the changes that wait.

mod loosening;
mod options;
mod set;
mod trial;

use clap::Subcommand;
use dwell_bus::wire;

use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::limits::{Ids, details, table};
use crate::output::text::{plain, wrap};
use crate::output::{change, json, phrase, rules_json};

pub(super) use loosening::Wanted;
pub(super) use options::word;
pub(crate) use options::{days, window};
pub(super) use set::{confirmed, tell};

/// Make, show, try and remove limits (alone: list them)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Box<set::Args>),
    /// List all limits with their use
    List,
    /// Show one limit with everything about it
    Show {
        /// The limit's id, as `dwell limit list` shows it
        id: String,
    },
    /// Remove a limit; that is looser, so it may have to wait
    Remove {
        /// The limit's id, as `dwell limit list` shows it, or a target that has just one limit
        id: String,
    },
    /// List the changes that wait
    Pending,
    /// Make a change that has waited
    Confirm {
        /// The change's id, as `dwell limit pending` shows it
        id: String,
    },
    /// Give up a change that waits
    Cancel {
        /// The change's id, as `dwell limit pending` shows it
        id: String,
    },
    Try(Box<trial::Args>),
}

/// Does one of them.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    match args.command.unwrap_or(Command::List) {
        Command::Set(args) => set::run(&daemon, &args, console).await?,
        Command::List => list(&daemon, console).await?,
        Command::Show { id } => show(&daemon, &id, console).await?,
        Command::Remove { id } => {
            let change = daemon.ask(|d| d.remove_limit(&id)).await?;
            removed(change, &format!("Removed {}", plain(&id)), console);
        }
        Command::Pending => pending(&daemon, console).await?,
        Command::Confirm { id } => {
            let change = daemon.ask(|d| d.confirm(&id)).await?;
            changed(&change, "Done", console);
            if !change.applied && change.is != "same" {
                // It was to be made, and waits anew: a script must not take it for done.
                return Ok(End::Problem);
            }
        }
        Command::Cancel { id } => {
            daemon.ask(|d| d.cancel(&id)).await?;
            if console.json {
                pending(&daemon, console).await?;
            } else {
                done(&format!("Given up {}: the rules stay as they are", plain(&id)), console);
            }
        }
        Command::Try(args) => trial::run(&daemon, &args, console).await?,
    }
    Ok(End::Well)
}

/// Tells what became of a change; `deed` where it holds at once and the daemon has nothing to add.
pub(super) fn changed(change: &wire::Change, deed: &str, console: &mut Console) {
    if console.json {
        console.say(&json::line(&rules_json::Change::new(change)));
    } else if change.applied && change.pending.is_none() && change.is != "same" {
        done(deed, console);
        if !console.quiet && (!change.lines.is_empty() || !change.warnings.is_empty()) {
            console.say(&change::made(change, console.look));
        }
    } else if !console.quiet || change.pending.is_some() {
        console.say(&change::made(change, console.look));
    }
}

/// Tells that a rule is gone, or that this waits.
pub(super) fn removed(mut change: wire::Change, deed: &str, console: &mut Console) {
    if change.applied && !console.json {
        // That it is removed is said already.
        change.lines.clear();
    }
    changed(&change, deed, console);
}

/// Tells that something is done; not where quiet is wanted.
pub(super) fn done(text: &str, console: &mut Console) {
    if !console.quiet {
        console.say(&wrap(text, console.look.width, 2).join("\n"));
    }
}

async fn list(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    let limits = daemon.ask(|d| d.list_limits()).await?;
    let zone = zone(&limits);
    if console.json {
        console.say(&json::line(&json::Limits::new(&limits, zone)));
    } else if limits.is_empty() {
        done("No limits yet. Make one with `dwell limit set TARGET 45m`", console);
    } else {
        console.say(&table(&limits, Ids::Shown, zone, now_ms(), console.look).join("\n"));
        let waiting = limits.iter().filter(|limit| limit.pending.is_some()).count();
        if waiting > 0 {
            let wait = if waiting == 1 { "waits" } else { "wait" };
            let changes = phrase::count(u64::try_from(waiting).unwrap_or(u64::MAX), "change");
            done(&format!("{changes} {wait}: see `dwell limit pending`"), console);
        }
    }
    Ok(())
}

async fn show(daemon: &Daemon, id: &str, console: &mut Console) -> Result<(), Error> {
    let limits = daemon.ask(|d| d.list_limits()).await?;
    let limit = limits.iter().find(|limit| limit.id == id).ok_or_else(|| unknown(id, &limits))?;
    let zone = Zone::new(&limit.zone);
    console.say(&if console.json {
        json::line(&json::Limits::new(std::slice::from_ref(limit), zone))
    } else {
        details(limit, zone, now_ms(), console.look)
    });
    Ok(())
}

async fn pending(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    let pending = daemon.ask(|d| d.list_pending()).await?;
    if console.json {
        // Only the document has instants, and they need a zone.
        let zone = daemon.ask(|d| d.standing()).await?.zone;
        console.say(&json::line(&rules_json::Waiting::new(&pending, Zone::new(&zone))));
    } else if pending.is_empty() {
        done("No change waits", console);
    } else {
        console.say(&change::list(&pending, console.look));
    }
    Ok(())
}

/// All limits are counted in one zone; where there is none it does not matter which.
fn zone(limits: &[wire::Limit]) -> Zone {
    Zone::new(limits.first().map_or("UTC", |limit| &limit.zone))
}

fn unknown(id: &str, limits: &[wire::Limit]) -> Error {
    let ids: Vec<_> = limits.iter().map(|limit| limit.id.as_str()).collect();
    let hint = match ids.as_slice() {
        [one] => format!("did you mean \"{one}\"?"),
        [] => "there are none yet; make one with `dwell limit set TARGET 45m`".to_owned(),
        some if some.len() <= 6 => format!("known: {}", some.join(", ")),
        _ => "see them with `dwell limit list`".to_owned(),
    };
    Error::new(Kind::NotFound, format!("there is no limit \"{id}\"")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::limits::tests::limits;

    #[test]
    fn an_unknown_id_names_the_known_ones() {
        insta::assert_snapshot!(unknown("x", &limits()), @r#"dwell: there is no limit "x"; known: firefox, video, all"#);
        insta::assert_snapshot!(unknown("x", &[]), @r#"dwell: there is no limit "x"; there are none yet; make one with `dwell limit set TARGET 45m`"#);
    }
}
