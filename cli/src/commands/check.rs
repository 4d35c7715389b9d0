//! `dwell check TARGET`: for scripts, an exit code.

use dwell_bus::wire;

use super::now_ms;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error};
use crate::output::instant::Zone;
use crate::output::text::plain;
use crate::output::{json, phrase};

/// Tell whether something is allowed now: exit code 0 allowed, 10 blocked
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// app:ID, domain:D, category:C, all, or a bare name that only one thing has
    #[arg(value_parser = crate::cli::target)]
    target: String,
}

/// Asks, says it, and answers with the exit code.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let daemon = Daemon::find().await?;
    let check = daemon.ask(|d| d.check(&args.target)).await?;
    if console.json {
        console.say(&json::line(&json::Check::new(&check)));
    } else if !console.quiet {
        console.say(&sentence(&check, now_ms()));
    }
    Ok(if check.verdict == "blocked" { End::Blocked } else { End::Well })
}

/// `app:firefox is blocked until 04:00 (rule firefox)`
fn sentence(check: &wire::Check, now_ms: i64) -> String {
    let verdict = phrase::verdict(&check.verdict, check.until_at_ms, Zone::new(&check.zone), now_ms);
    let unseen = if check.without_extension == Some(true) { ", for its sites cannot be told" } else { "" };
    let by = match &check.rule {
        Some(rule) if check.verdict != "allowed" => format!(" (rule {}{unseen})", plain(rule)),
        _ => String::new(),
    };
    format!("{} is {verdict}{by}", plain(&check.target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::json;

    fn check(verdict: &str) -> wire::Check {
        wire::Check {
            target: "app:firefox".into(),
            verdict: verdict.into(),
            rule: (verdict != "allowed").then(|| "firefox".into()),
            until_at_ms: (verdict == "blocked").then_some(1_795_312_800_000),
            without_extension: None,
            zone: "Europe/Athens".into(),
        }
    }

    #[test]
    fn sentences() {
        let said = |verdict| sentence(&check(verdict), 1_795_291_500_000);
        insta::assert_snapshot!(said("allowed"), @"app:firefox is allowed");
        insta::assert_snapshot!(said("warn"), @"app:firefox is allowed, little or nothing left (rule firefox)");
        insta::assert_snapshot!(said("blocked"), @"app:firefox is blocked until 04:00 (rule firefox)");
        let unseen = wire::Check { without_extension: Some(true), ..check("blocked") };
        insta::assert_snapshot!(sentence(&unseen, 1_795_291_500_000), @"app:firefox is blocked until 04:00 (rule firefox, for its sites cannot be told)");
        assert!(json::line(&json::Check::new(&unseen)).contains(r#","without_extension":true}"#));
    }

    #[test]
    fn documents() {
        insta::assert_snapshot!(json::line(&json::Check::new(&check("blocked"))), @r#"{"schema":"dwell.check/1","target":"app:firefox","verdict":"blocked","rule":"firefox","until":"2026-11-22T04:00:00.000+02:00"}"#);
        insta::assert_snapshot!(json::line(&json::Check::new(&check("allowed"))), @r#"{"schema":"dwell.check/1","target":"app:firefox","verdict":"allowed","rule":null,"until":null}"#);
    }
}
