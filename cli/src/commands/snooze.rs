//! `dwell snooze`: a few more minutes, after a wait and the person's own sentence.
//!
//! The daemon keeps the wait: whoever asks earlier is refused, and whoever leaves here leaves nothing behind.

use dwell_bus::wire;

use super::limit::{done, tell};
use super::{now_ms, wait};
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::phrase;
use crate::output::text::{glance, plain, wrap};

/// Put a limit off for a few minutes, after a wait
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What is blocked, or the limit's id
    #[arg(value_parser = crate::cli::target)]
    target: String,
    /// The limit's sentence, where there is nobody to type it
    #[arg(long, value_name = "TEXT")]
    sentence: Option<String>,
}

/// Begins the wait, lets it pass, takes the sentence, and puts the limit off.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let snooze = daemon.ask(|d| d.ask_snooze(&args.target)).await?;
    let wanted = match (&snooze.sentence, &args.sentence) {
        (Some(sentence), None) if ask::somebody() => Some(sentence),
        (Some(_), None) => {
            return Err(Error::new(Kind::Usage, format!("{} asks for your sentence", plain(&snooze.rule)))
                .hint("type it on a terminal, or give it with --sentence"));
        }
        (..) => None,
    };
    ask::note(console, &about(&snooze, now_ms()));
    if let Some(sentence) = wanted {
        ask::note(console, &[format!("Your sentence: {}", plain(sentence))]);
    }
    wait::pass(snooze.wait_ms, "Wait", console)?;
    let limit = match wanted {
        Some(_) => typed(&daemon, &snooze.rule, console).await?,
        None => {
            let sentence = args.sentence.as_deref().unwrap_or_default();
            daemon.ask(|d| d.snooze(&snooze.rule, sentence)).await?
        }
    };
    if console.json {
        tell(&limit, console);
    } else {
        done(&end(&limit, now_ms()), console);
    }
    Ok(End::Well)
}

/// Asks for the sentence until it is the right one, or nothing is typed.
async fn typed(daemon: &Daemon, rule: &str, console: &Console) -> Result<wire::Limit, Error> {
    loop {
        // What was typed during the wait was typed for nobody.
        let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
        let sentence = ask::answer("Type it: ")?;
        if sentence.trim().is_empty() {
            return Err(Error::new(Kind::Failed, "nothing has changed: nothing was typed"));
        }
        match daemon.ask(|d| d.snooze(rule, sentence.trim())).await {
            Err(why) if why.kind == Kind::Invalid => {
                let lines = wrap(&plain(&why.message), console.look.width, 2);
                ask::tell(&(lines.join("\n") + "\n"));
            }
            end => return end,
        }
    }
}

/// `Firefox: 5m more, 2 snoozes left today`
fn about(snooze: &wire::Snooze, now_ms: i64) -> Vec<String> {
    let name = plain(if snooze.name.is_empty() { &snooze.target } else { &snooze.name });
    let left = phrase::count(snooze.left.into(), "snooze");
    let mut said =
        vec![format!("{name}: {} more, {left} left today with this one", glance(snooze.length_ms))];
    if let Some(other) = &snooze.still_by {
        // Known before the wait: it may not be worth it.
        let until = until(snooze.still_until_at_ms, Zone::new(&snooze.zone), now_ms);
        said.push(format!("The limit {} blocks it as well{until}, and goes on doing so", plain(other)));
    }
    said
}

/// ` until 07:00`, where it ends.
fn until(at_ms: Option<i64>, zone: Zone, now_ms: i64) -> String {
    at_ms.map(|at| format!(" until {}", zone.near(at, now_ms))).unwrap_or_default()
}

/// `app:firefox is put off until 22:10, 1 snooze left today`
fn end(limit: &wire::Limit, now_ms: i64) -> String {
    let (target, zone) = (plain(&limit.target), Zone::new(&limit.zone));
    let put_off = until(limit.snoozed_until_at_ms, zone, now_ms);
    let put_off = match &limit.still_by {
        None => format!("{target} is open{put_off}"),
        Some(_) => format!("{} is put off{put_off}", plain(&limit.id)),
    };
    let put_off = match limit.snoozes_left {
        Some(0) => format!("{put_off}, no snooze left today"),
        Some(left) => format!("{put_off}, {} left today", phrase::count(left.into(), "snooze")),
        None => put_off,
    };
    match &limit.still_by {
        None => put_off,
        Some(other) => {
            let until = until(limit.still_until_at_ms, zone, now_ms);
            format!("{put_off}. But the limit {} still blocks {target}{until}", plain(other))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::limits::tests::{NOW, limits};

    #[test]
    fn what_blocks_all_the_same_is_said() {
        let put_off = wire::Limit {
            snoozed_until_at_ms: Some(NOW + 300_000),
            snoozes_left: Some(1),
            zone: "Europe/Athens".into(),
            ..limits().remove(0)
        };
        insta::assert_snapshot!(end(&put_off, NOW), @"app:firefox is open until 22:10, 1 snooze left today");
        let still = wire::Limit {
            still_by: Some("bedtime\x1b".into()),
            still_until_at_ms: Some(NOW + 3_600_000),
            ..put_off
        };
        insta::assert_snapshot!(end(&still, NOW), @r"firefox is put off until 22:10, 1 snooze left today. But the limit bedtime\u{1b} still blocks app:firefox until 23:05");
        let asked = wire::Snooze {
            target: "app:firefox".into(),
            length_ms: 300_000,
            left: 2,
            still_by: Some("bedtime".into()),
            zone: "Europe/Athens".into(),
            ..wire::Snooze::default()
        };
        insta::assert_snapshot!(about(&asked, NOW).join("\n"), @"
        app:firefox: 5m more, 2 snoozes left today with this one
        The limit bedtime blocks it as well, and goes on doing so
        ");
    }
}
