//! `dwell limit set`: makes a limit, or changes the one that is there.

use dwell_bus::wire;
use dwell_core::subject::Domain;

use super::done;
use super::loosening::Wanted;
use super::options::{Counted, Then};
use crate::ask;
use crate::bus::Daemon;
use crate::commands::now_ms;
use crate::console::Console;
use crate::error::Error;
use crate::output::instant::Zone;
use crate::output::limits::understood;
use crate::output::text::{glance, plain, wrap};
use crate::output::{change, json, phrase};

/// Make a limit, or change the one that is there
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Stricter holds at once. Looser waits 24 hours with the machine on, and then for `dwell limit confirm`; for ten \
minutes after a rule was made it can be changed freely, and after it was made stricter it can be set back to what it was.

How it can be put off, what a period leaves for the next one and hours in which nothing counts (snooze, rollover, \
count-free) are set with `dwell rules edit`.")]
pub(super) struct Args {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
    #[command(flatten)]
    counted: Counted,
    #[command(flatten)]
    then: Then,
    /// Do not ask, though it may be looser than what holds now
    #[arg(long)]
    yes: bool,
}

/// Asks where it is looser, makes it, and repeats what was understood.
pub(super) async fn run(daemon: &Daemon, args: &Args, console: &mut Console) -> Result<(), Error> {
    let (ms, options) = args.counted.for_the_wire();
    let options = args.then.added_to(options);
    if !args.yes && ask::somebody() {
        let wanted = Wanted::new(ms, &options);
        confirmed(daemon, &args.target, args.then.id.as_deref(), &wanted, console).await?;
    }
    let limit = daemon.ask(|d| d.set_limit(&args.target, ms, options)).await?;
    if !console.json
        && let Some(site) = site(&args.target, &limit.target)
    {
        done(&site, console);
    }
    tell(&limit, console);
    Ok(())
}

/// Where a host or an address was typed: of which site it is.
fn site(typed: &str, target: &str) -> Option<String> {
    let site = target.strip_prefix("domain:")?;
    let host = typed.trim();
    let host = host.strip_prefix("domain:").unwrap_or(host);
    let meant = Domain::typed(host).is_ok_and(|domain| domain.as_str() == site);
    (meant && !host.eq_ignore_ascii_case(site))
        .then(|| format!("{} is counted as {}", plain(host), plain(target)))
}

/// On a terminal: where this is looser than the rule it would change, says what that costs, and asks.
pub(in crate::commands) async fn confirmed(
    daemon: &Daemon,
    target: &str,
    id: Option<&str>,
    wanted: &Wanted,
    console: &Console,
) -> Result<(), Error> {
    // Whatever is wrong with the target is told by the answer to the change itself.
    let Ok(why) = daemon.ask(|d| d.why(target)).await else { return Ok(()) };
    let mut own = why.rules.iter().filter(|rule| rule.made_by.is_none());
    let there = match id {
        Some(id) => own.find(|rule| rule.id == id),
        None => {
            let mut same = own.filter(|rule| rule.target == why.target);
            // Which of several, only the daemon can say.
            same.next().filter(|_| same.next().is_none())
        }
    };
    let Some(there) = there.filter(|there| wanted.is_looser_than(there)) else { return Ok(()) };
    let cost = match there.strict.as_deref() {
        Some("open") => return Ok(()),
        Some(strict) if strict.starts_with("locked-until ") => format!(
            "This is looser, and the rule is locked until {}. Before that day it cannot be loosened, but in the \
             first ten minutes of the rule, and where it takes back what was made stricter in the last ten minutes.",
            plain(strict.trim_start_matches("locked-until "))
        ),
        _ => "This is looser, so it waits 24 hours with the machine on, and then for your confirmation. \
              Only in the first ten minutes of a rule it holds at once, and where it takes back what was made \
              stricter in the last ten minutes."
            .to_owned(),
    };
    let now = format!("Now it is {}.", understood(there, now_ms()));
    ask::consent(console, "loosen a limit", &[now, cost], false)
}

/// Repeats what holds now, and what waits.
pub(in crate::commands) fn tell(limit: &wire::Limit, console: &mut Console) {
    let zone = Zone::new(&limit.zone);
    if console.json {
        console.say(&json::line(&json::Limits::new(std::slice::from_ref(limit), zone)));
        return;
    }
    let mut lines = Vec::new();
    let mut say = |text: &str| lines.extend(wrap(text, console.look.width, 2));
    if !console.quiet {
        if let Some(named) = &limit.alias {
            say(&format!("{} counts as {}, by your aliases", plain(named), plain(&limit.target)));
        }
        let said = understood(limit, now_ms());
        match &limit.pending {
            None => say(&said),
            Some(pending) => {
                pending.lines.iter().for_each(|line| say(&format!("Waits: {}", plain(line))));
                say(&format!("Until then: {said}"));
            }
        }
        if limit.verdict != "allowed" {
            let used = match limit.budget_opens {
                Some(_) => phrase::count(limit.used_opens.unwrap_or(0).into(), "visit"),
                None => glance(limit.used_ms),
            };
            let (state, _) = phrase::state(limit, zone, now_ms());
            match limit.because.as_deref() {
                Some("hours") => say(&format!("It is blocked already, {state}")),
                _ => say(&format!("Used {used} already, {state}")),
            }
        }
    }
    lines.extend(change::warnings(limit.warnings.as_deref().unwrap_or_default(), console.look));
    // That it does not hold yet must not be missed.
    lines.extend(limit.pending.iter().flat_map(|pending| change::pending(pending, console.look)));
    if !lines.is_empty() {
        console.say(&lines.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_said_to_be_a_site() {
        let said = |typed: &str| site(typed, "domain:youtube.com");
        assert_eq!(said("domain:YouTube.com"), None);
        assert_eq!(said("youtube.com"), None);
        assert_eq!(said("m.youtube.com").as_deref(), Some("m.youtube.com is counted as domain:youtube.com"));
        assert_eq!(
            said("https://youtube.com/x").as_deref(),
            Some("https://youtube.com/x is counted as domain:youtube.com")
        );
        // A name of something else that led there.
        assert_eq!(said("YouTube"), None);
        assert_eq!(site("www.youtube.com", "app:www.youtube.com"), None);
    }
}
