//! `dwell why TARGET`: which rules apply, what is used and left, and what changes next.

use dwell_bus::wire;

use super::{limit, now_ms};
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::instant::Zone;
use crate::output::look::{Ink, Look};
use crate::output::text::{plain, wrap};
use crate::output::{json, phrase};

/// Tell which rules apply, what is used and left, and what changes next
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
}

/// Asks and explains.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let why = daemon.ask(|d| d.why(&args.target)).await?;
    console.say(&if console.json {
        json::line(&json::Why::new(&why))
    } else {
        screen(&why, now_ms(), console.look)
    });
    Ok(End::Well)
}

fn screen(why: &wire::Why, now_ms: i64, look: Look) -> String {
    let zone = Zone::new(&why.zone);
    let verdict = phrase::verdict(&why.verdict, why.until_at_ms, zone, now_ms);
    let mut lines: Vec<String> = wrap(&format!("{} is {verdict}", plain(&why.target)), look.width, 2)
        .iter()
        .map(|line| look.ink(Ink::Strong, line))
        .collect();
    if why.rules.is_empty() {
        lines.extend(wrap("No rule applies to it.", look.width, 2));
    } else {
        lines.push(String::new());
        lines.extend(limit::table(&why.rules, limit::Ids::Shown, zone, now_ms, look));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::limit::tests::{NOW, limits};

    fn why() -> wire::Why {
        wire::Why {
            target: "app:firefox".into(),
            verdict: "blocked".into(),
            until_at_ms: Some(1_795_312_800_000),
            rules: limits(),
            zone: "Europe/Athens".into(),
        }
    }

    #[test]
    fn screens() {
        insta::assert_snapshot!(screen(&why(), NOW, Look { width: 80, color: false }), @"
        app:firefox is blocked until 04:00

          firefox  app:firefox     ████████    30m of 30m  opens again at 04:00
          video    category:video  ███████▍    41m of 45m  4m left
          all      all             ███▎      3h 12m of 8h  4h 48m left
        ");
        insta::assert_snapshot!(screen(&why(), NOW, Look { width: 20, color: false }), @"
        app:firefox is
          blocked until
          04:00

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
        let free = wire::Why { verdict: "allowed".into(), until_at_ms: None, rules: vec![], ..why() };
        insta::assert_snapshot!(screen(&free, NOW, Look { width: 80, color: false }), @"
        app:firefox is allowed
        No rule applies to it.
        ");
    }

    #[test]
    fn document() {
        let mut why = why();
        why.rules.truncate(1);
        insta::assert_snapshot!(json::line(&json::Why::new(&why)), @r#"{"schema":"dwell.why/1","target":"app:firefox","verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00","rules":[{"id":"firefox","target":"app:firefox","used_seconds":1800,"budget_seconds":1800,"left_seconds":0,"verdict":"blocked","until":"2026-11-22T04:00:00.000+02:00"}]}"#);
    }
}
