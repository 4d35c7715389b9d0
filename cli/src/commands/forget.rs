//! `dwell forget`: what is to be gone for good.

use dwell_bus::wire;
use dwell_core::calendar::CivilDay;

use super::{page, timeline, work};
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::text::{plain, wrap};
use crate::output::vault_json::Forget;
use crate::output::{care, json, phrase};
use crate::usage::BadValue;

/// Forget for good: days, a program, or a domain, one of them at a time
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Everything of the days before this one: 2026-11-01, today or yesterday
    #[arg(long, value_name = "DATE", value_parser = date)]
    before: Option<Date>,
    /// Everything of one day
    #[arg(long, value_name = "DATE", value_parser = date)]
    day: Option<Date>,
    /// Everything of a program
    #[arg(long, value_name = "ID", value_parser = app)]
    app: Option<String>,
    /// Everything of a domain
    #[arg(long, value_name = "D", value_parser = domain)]
    domain: Option<String>,
    /// Show what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// A day, or one that only the daemon can name, because it knows where a day starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Date {
    On(CivilDay),
    Today,
    Yesterday,
}

fn date(text: &str) -> Result<Date, BadValue> {
    match text.trim() {
        "today" => Ok(Date::Today),
        "yesterday" => Ok(Date::Yesterday),
        day => day.parse().map(Date::On).map_err(|_| {
            BadValue::new(format!("\"{text}\" is no day"), "write 2026-11-01, today or yesterday")
        }),
    }
}

fn app(text: &str) -> Result<String, BadValue> {
    target("app", text)
}

fn domain(text: &str) -> Result<String, BadValue> {
    target("domain", text)
}

/// A name, or a target in full: that is taken as it is, known or not.
fn target(kind: &str, text: &str) -> Result<String, BadValue> {
    let (text, prefix) = (text.trim(), format!("{kind}:"));
    let full = if text.starts_with(&prefix) { text } else { &format!("{prefix}{text}") };
    crate::cli::target(full)?;
    Ok(text.to_owned())
}

/// Asks what would go, asks the person, and lets it go.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let named = [args.before.is_some(), args.day.is_some(), args.app.is_some(), args.domain.is_some()];
    if named.into_iter().filter(|named| *named).count() != 1 {
        let message = "exactly one of --before, --day, --app and --domain is wanted";
        return Err(Error::new(Kind::Usage, message).hint("see `dwell forget --help`"));
    }
    let daemon = Daemon::find().await?;
    let selection = wire::Selection {
        before: day(&daemon, args.before).await?,
        day: day(&daemon, args.day).await?,
        app: args.app.clone(),
        domain: args.domain.clone(),
    };
    let would = daemon.care(|vault| vault.would_forget(selection.clone())).await?;
    if would.days == 0 && would.notes.is_none() {
        if console.json {
            console.say(&json::line(&Forget::new(&would, None)));
        }
        let message = format!("there is nothing to forget of {}", would.what);
        return Err(Error::new(Kind::NoData, message).hint("`dwell report all` shows what is kept"));
    }
    let ends = (would.first.as_deref(), would.last.as_deref());
    let going = care::going(&would.what, would.days, ends, would.spans, would.ms, would.notes);
    if args.dry_run {
        if console.json {
            console.say(&json::line(&Forget::new(&would, None)));
        } else {
            say(console, &format!("Would go: {going}"));
            elsewhere(&would).into_iter().for_each(|line| say(console, &line));
            page::kept().into_iter().for_each(|page| say(console, &with_it(&page)));
            say(console, "Nothing has changed");
        }
        return Ok(End::Well);
    }
    let mut what = vec![
        format!("This goes for good: {going}."),
        "What stays is encrypted anew. Nobody can bring it back.".to_owned(),
    ];
    what.extend(elsewhere(&would).map(|line| line + "."));
    what.extend(page::kept().map(|page| with_it(&page) + "."));
    ask::consent(console, &format!("forget {}", would.what), &what, args.yes)?;
    // Nobody can see in a page whether it has something of that, and it can be made anew: it goes first, so that none is left
    // whatever becomes of the rest.
    let page = page::discard();
    let gone_with_it = |page: &std::path::Path| {
        let again = "`dwell report lastweek --format html --save` makes one anew";
        format!("Gone with it: the page {}; {again}", page.display())
    };
    let done = match work::by_daemon(&daemon, "Forgetting", console, |vault| vault.forget(selection)).await {
        Ok(done) => done,
        Err(error) => {
            // Else it would seem that nothing at all has changed.
            if let Ok(Some(page)) = &page {
                ask::note(console, &[gone_with_it(page)]);
            }
            return Err(error);
        }
    };
    if console.json {
        console.say(&json::line(&Forget::new(&would, Some(&done))));
    } else if !console.quiet {
        let (days, spans) = (done.days.unwrap_or(would.days), done.spans.unwrap_or(would.spans));
        let ms = done.seconds.map_or(would.ms, |seconds| seconds.saturating_mul(1000));
        say(console, &format!("Forgotten: {}", care::going(&would.what, days, ends, spans, ms, done.notes)));
        // It is gone already: that the keys cannot be named now is no failure.
        let keys = daemon.care(|vault| vault.list_keys()).await.unwrap_or_default();
        care::outside(&done, &keys).into_iter().for_each(|line| say(console, &line));
        if let Ok(Some(page)) = &page {
            say(console, &gone_with_it(page));
        }
    }
    page.map(|_| End::Well)
}

fn say(console: &mut Console, text: &str) {
    console.say(&wrap(text, console.look.width, 2).join("\n"));
}

/// The backups that hold it, in one sentence.
fn elsewhere(would: &wire::Forgotten) -> Option<String> {
    let paths: Vec<_> = would.backups.iter().map(|backup| plain(&backup.path).into_owned()).collect();
    let them = if paths.len() == 1 { "A backup still holds it" } else { "Backups still hold it" };
    (!paths.is_empty()).then(|| format!("{them}: {}", phrase::list(&paths)))
}

/// The page of a week that goes, in one sentence.
fn with_it(page: &std::path::Path) -> String {
    format!("The page of a week goes with it: {}", plain(&page.display().to_string()))
}

/// The day's date. Where it is named by its distance from now, the daemon says which one that is.
async fn day(daemon: &Daemon, date: Option<Date>) -> Result<Option<String>, Error> {
    let period = match date {
        None => return Ok(None),
        Some(Date::On(day)) => return Ok(Some(day.to_string())),
        Some(Date::Today) => "today",
        Some(Date::Yesterday) => "yesterday",
    };
    let (first, _) = timeline::days(daemon, period).await?;
    Ok(Some(first.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_names_are_checked_before_anybody_is_asked() {
        assert_eq!(date("today"), Ok(Date::Today));
        assert_eq!(date(" yesterday "), Ok(Date::Yesterday));
        assert_eq!(date("2026-11-01"), Ok(Date::On(CivilDay::from_ymd(2026, 11, 1).unwrap())));
        for wrong in ["", "2026-11-31", "1.11.2026", "2026-11", "tomorrow"] {
            assert_eq!(date(wrong).unwrap_err().hint, "write 2026-11-01, today or yesterday", "{wrong}");
        }
        assert_eq!(app("app:firefox"), Ok("app:firefox".to_owned()));
        assert_eq!(app(" Firefox"), Ok("Firefox".to_owned()));
        assert_eq!(domain("example.org"), Ok("example.org".to_owned()));
        assert!(app("").is_err() && domain("domain:").is_err());
    }
}
