//! `dwell reset-week`: seven days of less, which end by themselves.

use clap::ValueEnum;
use dwell_bus::wire;

use super::limit::word;
use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::instant::Zone;
use crate::output::look::{Ink, Look};
use crate::output::text::{plain, wrap};
use crate::output::{json, rules_json};

/// Seven days of less, which end by themselves and put your rules back as they were
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to do (alone: status)
    #[arg(value_enum)]
    what: Option<What>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Begin it today
    Start,
    /// Tell its day, and what holds
    Status,
    /// End it, and put the rules back as they were
    Stop,
}

/// Does one of the three.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let what = args.what.unwrap_or(What::Status);
    let week = daemon.ask(|d| async move { d.reset_week(&word(what)).await }).await?;
    if console.json {
        console.say(&json::line(&rules_json::ResetWeek::new(&week)));
    } else if !console.quiet || matches!(what, What::Status) {
        console.say(&screen(&week, what, now_ms(), console.look));
    }
    Ok(End::Well)
}

fn screen(week: &wire::ResetWeek, what: What, now_ms: i64, look: Look) -> String {
    let mut said = match (week.running, week.day, what) {
        (true, Some(day), _) => format!("Reset week, day {day} of 7"),
        (true, None, _) => "The reset week begins with the next day".to_owned(),
        (false, _, What::Stop) => "The reset week has ended, and your rules are as they were".to_owned(),
        (false, ..) => "No reset week runs. Begin one with `dwell reset-week start`".to_owned(),
    };
    if week.running {
        if let Some(percent) = week.percent {
            said.push_str(&format!(": {percent}% of each budget today"));
        }
        if let Some(at) = week.until_at_ms {
            let end = Zone::new(&week.zone).at(at, now_ms);
            said.push_str(&format!(". It ends by itself {end}"));
        }
    }
    let mut lines: Vec<_> =
        wrap(&said, look.width, 2).iter().map(|line| look.ink(Ink::Strong, line)).collect();
    // What it makes of each budget; once it is over that says nothing.
    if week.running {
        lines.extend(week.lines.iter().flat_map(|line| wrap(&format!("  {}", plain(line)), look.width, 4)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::limits::tests::NOW;

    #[test]
    fn screens() {
        let week = wire::ResetWeek {
            running: true,
            day: Some(2),
            percent: Some(70),
            until_at_ms: Some(NOW + 5 * 86_400_000),
            lines: vec!["all: 5h 36m of 8h a day".into(), "app:firefox: 21m of 30m a day".into()],
            zone: "Europe/Athens".into(),
        };
        let shown =
            |week: &wire::ResetWeek, what, width| screen(week, what, NOW, Look { width, color: false });
        insta::assert_snapshot!(shown(&week, What::Status, 80), @"
        Reset week, day 2 of 7: 70% of each budget today. It ends by itself on Thu 22:05
          all: 5h 36m of 8h a day
          app:firefox: 21m of 30m a day
        ");
        let none = wire::ResetWeek::default();
        insta::assert_snapshot!(shown(&none, What::Status, 40), @"
        No reset week runs. Begin one with
          `dwell reset-week start`
        ");
        insta::assert_snapshot!(shown(&none, What::Stop, 80), @"The reset week has ended, and your rules are as they were");
        // A focus session goes on, and has a budget of nothing.
        let ended = wire::ResetWeek { lines: vec!["social: 0s a day".into()], ..none };
        insta::assert_snapshot!(shown(&ended, What::Stop, 80), @"The reset week has ended, and your rules are as they were");
    }
}
