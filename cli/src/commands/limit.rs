//! `dwell limit`: make, show and remove limits.

use clap::{Subcommand, ValueEnum};
use dwell_bus::wire;
use dwell_core::time::Millis;

use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::look::{Ink, Look};
use crate::output::text::{bar, cut, glance, left, plain, right, width, wrap};
use crate::output::{json, phrase};

/// Make, show and remove limits (alone: list them)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a limit, or change the one that is there
    Set(Set),
    /// List all limits with their use
    List,
    /// Show one limit
    Show {
        /// The limit's id, as `dwell limit list` shows it
        id: String,
    },
    /// Remove a limit
    Remove {
        /// The limit's id, as `dwell limit list` shows it
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Set {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
    /// How much: 90s, 45m, 1h30m
    #[arg(value_parser = crate::cli::duration)]
    amount: Millis,
    /// For which period (default: day)
    #[arg(long, value_enum, value_name = "PERIOD")]
    per: Option<Per>,
    /// What happens at the limit (default: block; windows are minimised, web pages covered)
    #[arg(long, value_enum, value_name = "WHAT")]
    at_limit: Option<AtLimit>,
    /// How long before to warn (default: 5m, for short limits a fifth of the amount)
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::duration)]
    warn: Option<Millis>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Per {
    /// From one day start to the next
    Day,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AtLimit {
    /// Tell, and do nothing
    Notify,
    /// Minimise its windows whenever they come to the front
    Block,
    /// Close its windows
    Close,
}

/// Does one of the four.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    match args.command.unwrap_or(Command::List) {
        Command::Set(args) => {
            let options = wire::LimitOptions {
                per: args.per.map(word),
                at_limit: args.at_limit.map(word),
                warn_ms: args.warn.map(Millis::as_ms),
            };
            let limit = daemon.ask(|d| d.set_limit(&args.target, args.amount.as_ms(), options)).await?;
            let zone = Zone::new(&limit.zone);
            if console.json {
                console.say(&json::line(&json::Limits::new(&[limit], zone)));
            } else if !console.quiet {
                if let Some(named) = &limit.alias {
                    let said =
                        format!("{} counts as {}, by your aliases", plain(named), plain(&limit.target));
                    console.say(&wrap(&said, console.look.width, 2).join("\n"));
                }
                let said = understood(&limit, now_ms());
                console.say(&wrap(&said, console.look.width, 2).join("\n"));
                if limit.verdict != "allowed" {
                    let used = glance(limit.used_ms);
                    let (state, _) = phrase::state(&limit, zone, now_ms());
                    let already = format!("Used {used} already, {state}");
                    console.say(&wrap(&already, console.look.width, 2).join("\n"));
                }
            }
        }
        Command::List => {
            let limits = daemon.ask(|d| d.list_limits()).await?;
            let zone = zone(&limits);
            if console.json {
                console.say(&json::line(&json::Limits::new(&limits, zone)));
            } else if !limits.is_empty() {
                console.say(&table(&limits, Ids::Shown, zone, now_ms(), console.look).join("\n"));
            } else if !console.quiet {
                let hint = "No limits yet. Make one with `dwell limit set TARGET 45m`";
                console.say(&wrap(hint, console.look.width, 0).join("\n"));
            }
        }
        Command::Show { id } => {
            let limits = daemon.ask(|d| d.list_limits()).await?;
            let limit = limits.iter().find(|limit| limit.id == id).ok_or_else(|| unknown(&id, &limits))?;
            let zone = Zone::new(&limit.zone);
            console.say(&if console.json {
                json::line(&json::Limits::new(std::slice::from_ref(limit), zone))
            } else {
                details(limit, zone, now_ms(), console.look)
            });
        }
        Command::Remove { id } => {
            daemon.ask(|d| d.remove_limit(&id)).await?;
            if console.json {
                let limits = daemon.ask(|d| d.list_limits()).await?;
                console.say(&json::line(&json::Limits::new(&limits, zone(&limits))));
            } else if !console.quiet {
                console.say(&wrap(&format!("Removed {}", plain(&id)), console.look.width, 2).join("\n"));
            }
        }
    }
    Ok(End::Well)
}

/// All limits are counted in one zone; where there is none it does not matter which.
fn zone(limits: &[wire::Limit]) -> Zone {
    Zone::new(limits.first().map_or("UTC", |limit| &limit.zone))
}

fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
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

/// `app:firefox: 30m a day, warning 5m before, then its windows are minimised until 04:00`
fn understood(limit: &wire::Limit, now_ms: i64) -> String {
    let again = Zone::new(&limit.zone).near(limit.renews_at_ms, now_ms);
    let warning = match (limit.budget_ms, limit.warn_ms) {
        (Some(0), _) => String::new(),
        (_, 0) => ", no warning".to_owned(),
        (_, ms) => format!(", warning {} before", Millis::from_ms(ms)),
    };
    let (target, budget) = (plain(&limit.target), phrase::budget(limit));
    format!("{target}: {budget}{warning}, {}", phrase::at_limit(limit, &again))
}

fn details(limit: &wire::Limit, zone: Zone, now_ms: i64, look: Look) -> String {
    let (state, ink) = phrase::state(limit, zone, now_ms);
    let mut lines = wrap(&understood(limit, now_ms), look.width, 2);
    let used = wrap(&format!("Used {} so far, {state}", glance(limit.used_ms)), look.width, 2);
    lines.extend(used.iter().map(|line| look.ink(ink, line)));
    lines.extend(wrap(&format!("Id: {}", plain(&limit.id)), look.width, 2));
    lines.join("\n")
}

/// Columns of a limit's bar.
const BAR: usize = 8;

/// Whether limits are shown with the ids by which they are shown and removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Only their targets: at a glance.
    Hidden,
    /// Ids and targets.
    Shown,
}

/// Limits as aligned lines; where that is too wide each takes several.
pub(crate) fn table(limits: &[wire::Limit], ids: Ids, zone: Zone, now_ms: i64, look: Look) -> Vec<String> {
    let used = |limit: &wire::Limit| match limit.budget_ms {
        Some(budget) => format!("{} of {}", glance(limit.used_ms), Millis::from_ms(budget)),
        None => glance(limit.used_ms),
    };
    let id_columns = limits.iter().map(|limit| width(&plain(&limit.id))).max().unwrap_or(0).min(20);
    let name = |limit: &wire::Limit| match ids {
        Ids::Hidden => plain(&limit.target).into_owned(),
        Ids::Shown => format!("{}  {}", left(&plain(&limit.id), id_columns), plain(&limit.target)),
    };
    let cells: Vec<_> =
        limits.iter().map(|limit| (name(limit), used(limit), phrase::state(limit, zone, now_ms))).collect();
    let names = cells.iter().map(|(name, ..)| width(name)).max().unwrap_or(0).max(8);
    let uses = cells.iter().map(|(_, used, _)| width(used)).max().unwrap_or(0);
    let states = cells.iter().map(|(.., (state, _))| width(state)).max().unwrap_or(0);
    let fixed = 2 + 2 + uses + 2 + states;
    // Long targets may be cut, as long as enough of them is left to tell them apart.
    let least = if ids == Ids::Shown { names.min(26 + id_columns) } else { names.min(24) };
    if fixed + least > look.width {
        return cells
            .iter()
            .zip(limits)
            .flat_map(|((_, used, (state, ink)), limit)| {
                let mut lines = vec![cut(&plain(&limit.target), look.width).into_owned()];
                if ids == Ids::Shown {
                    lines.extend(wrap(&format!("  id {}", plain(&limit.id)), look.width, 2));
                }
                lines.extend(wrap(&format!("  {used}"), look.width, 2));
                lines.extend(wrap(&format!("  {state}"), look.width, 2).iter().map(|l| look.ink(*ink, l)));
                lines
            })
            .collect();
    }
    let with_bar = fixed + least + BAR + 2 <= look.width;
    let names = names.min(look.width - fixed - if with_bar { BAR + 2 } else { 0 });
    cells
        .iter()
        .zip(limits)
        .map(|((name, used, (state, ink)), limit)| {
            let mut line = format!("  {}  ", left(name, names));
            if with_bar {
                // A budget of nothing is used up from the start.
                let (part, whole) = match limit.budget_ms {
                    Some(0) => (1, 1),
                    budget => (limit.used_ms, budget.unwrap_or(0)),
                };
                let cells = bar(part, whole, BAR);
                line.push_str(&look.ink(Ink::Bar, &cells));
                line.push_str(&" ".repeat(BAR.saturating_sub(width(&cells)) + 2));
            }
            format!("{line}{}  {}", right(used, uses), look.ink(*ink, state))
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// 2026-11-21T22:05:00+02:00
    pub(crate) const NOW: i64 = 1_795_291_500_000;
    const MINUTE: u64 = 60_000;

    pub(crate) fn limits() -> Vec<wire::Limit> {
        let limit = |id: &str, target: &str, used: u64, budget: u64, verdict: &str| wire::Limit {
            id: id.into(),
            alias: None,
            target: target.into(),
            used_ms: used,
            budget_ms: Some(budget),
            left_ms: Some(budget.saturating_sub(used)),
            verdict: verdict.into(),
            until_at_ms: (verdict == "blocked").then_some(1_795_312_800_000),
            per: "day".into(),
            at_limit: "block".into(),
            warn_ms: 5 * MINUTE,
            renews_at_ms: 1_795_312_800_000,
            zone: "Europe/Athens".into(),
        };
        vec![
            limit("firefox", "app:firefox", 30 * MINUTE + 400, 30 * MINUTE, "blocked"),
            limit("video", "category:video", 41 * MINUTE, 45 * MINUTE, "warn"),
            limit("all", "all", 192 * MINUTE, 480 * MINUTE, "allowed"),
        ]
    }

    fn zone() -> Zone {
        Zone::new("Europe/Athens")
    }

    #[test]
    fn tables() {
        let table = |width, ids| table(&limits(), ids, zone(), NOW, Look { width, color: false }).join("\n");
        let shown = |width| table(width, Ids::Hidden);
        insta::assert_snapshot!(table(80, Ids::Shown), @"
        firefox  app:firefox     ████████    30m of 30m  opens again at 04:00
        video    category:video  ███████▍    41m of 45m  4m left
        all      all             ███▎      3h 12m of 8h  4h 48m left
        ");
        insta::assert_snapshot!(table(20, Ids::Shown), @"
        app:firefox
          id firefox
          30m of 30m
          opens again at
          04:00
        category:video
          id video
          41m of 45m
          4m left
        all
          id all
          3h 12m of 8h
          4h 48m left
        ");
        insta::assert_snapshot!(shown(80), @"
        app:firefox     ████████    30m of 30m  opens again at 04:00
        category:video  ███████▍    41m of 45m  4m left
        all             ███▎      3h 12m of 8h  4h 48m left
        ");
        insta::assert_snapshot!(shown(50), @"
        app:firefox
          30m of 30m
          opens again at 04:00
        category:video
          41m of 45m
          4m left
        all
          3h 12m of 8h
          4h 48m left
        ");
        insta::assert_snapshot!(shown(20), @"
        app:firefox
          30m of 30m
          opens again at
          04:00
        category:video
          41m of 45m
          4m left
        all
          3h 12m of 8h
          4h 48m left
        ");
        let colored = super::table(&limits()[..1], Ids::Hidden, zone(), NOW, Look { width: 80, color: true })
            .join("\n");
        insta::assert_snapshot!(colored.replace('\x1b', "ESC"), @"  app:firefox  ESC[36m████████ESC[0m  30m of 30m  ESC[1mopens again at 04:00ESC[0m");
    }

    #[test]
    fn what_was_understood() {
        let said = |change: &dyn Fn(&mut wire::Limit)| {
            let mut limit = limits().remove(0);
            change(&mut limit);
            understood(&limit, NOW)
        };
        insta::assert_snapshot!(said(&|_| ()), @"app:firefox: 30m a day, warning 5m before, then its windows are minimised until 04:00");
        insta::assert_snapshot!(said(&|l| l.at_limit = "notify".into()), @"app:firefox: 30m a day, warning 5m before, then a notice and nothing more");
        insta::assert_snapshot!(said(&|l| { l.at_limit = "close".into(); l.warn_ms = 0 }), @"app:firefox: 30m a day, no warning, then its windows are asked to close until 04:00");
        insta::assert_snapshot!(said(&|l| { l.target = "domain:example.org".into(); l.budget_ms = Some(0) }), @"domain:example.org: no time on any day, then its pages are blocked until 04:00");
        insta::assert_snapshot!(said(&|l| { l.target = "all".into(); l.budget_ms = Some(90 * MINUTE) }), @"all: 1h 30m a day, warning 5m before, then all windows are minimised until 04:00");
    }

    #[test]
    fn one_limit() {
        insta::assert_snapshot!(details(&limits()[1], zone(), NOW, Look { width: 80, color: false }), @"
        category:video: 45m a day, warning 5m before, then its windows are minimised
          until 04:00
        Used 41m so far, 4m left
        Id: video
        ");
    }

    #[test]
    fn an_unknown_id_names_the_known_ones() {
        insta::assert_snapshot!(unknown("x", &limits()), @r#"dwell: there is no limit "x"; known: firefox, video, all"#);
        insta::assert_snapshot!(unknown("x", &[]), @r#"dwell: there is no limit "x"; there are none yet; make one with `dwell limit set TARGET 45m`"#);
    }

    #[test]
    fn document() {
        insta::assert_snapshot!(json::line(&json::Limits::new(&limits(), zone())), @r#"{"schema":"dwell.limits/1","limits":[{"id":"firefox","target":"app:firefox","used_seconds":1800,"budget_seconds":1800,"left_seconds":0,"verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00"},{"id":"video","target":"category:video","used_seconds":2460,"budget_seconds":2700,"left_seconds":240,"verdict":"warn","until":null},{"id":"all","target":"all","used_seconds":11520,"budget_seconds":28800,"left_seconds":17280,"verdict":"allowed","until":null}]}"#);
        let free = wire::Limit { budget_ms: None, left_ms: None, until_at_ms: None, ..limits().remove(2) };
        insta::assert_snapshot!(json::line(&json::Limits::new(&[free], zone())), @r#"{"schema":"dwell.limits/1","limits":[{"id":"all","target":"all","used_seconds":11520,"budget_seconds":null,"left_seconds":null,"verdict":"allowed","until":null}]}"#);
    }
}
