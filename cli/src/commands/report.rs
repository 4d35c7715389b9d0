//! `dwell report`: where the time went.

use std::path::PathBuf;

use clap::ValueEnum;
use dwell_bus::wire;
use dwell_core::calendar::CivilDay;
use dwell_core::report::{Period, PeriodError};

use super::page;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::{json, prometheus, report as shown, week};
use crate::usage::BadValue;

/// Show where the time went
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// today yesterday week lastweek month year all 7d DATE DATE..DATE
    #[arg(value_parser = period, default_value = "today")]
    period: String,
    /// What to group by
    #[arg(long, value_enum, default_value_t = By::App)]
    by: By,
    /// Only this program (may be repeated)
    #[arg(long, value_name = "ID", value_parser = app)]
    app: Vec<String>,
    /// Only this domain (may be repeated)
    #[arg(long, value_name = "D", value_parser = domain)]
    domain: Vec<String>,
    /// Only this category (may be repeated)
    #[arg(long, value_name = "C", value_parser = category)]
    category: Vec<String>,
    /// Leave this out (may be repeated)
    #[arg(long, value_name = "TARGET", value_parser = crate::cli::target)]
    not: Vec<String>,
    /// At most so many rows; the rest is summed up in one
    #[arg(long, value_name = "N", value_parser = rows)]
    top: Option<u32>,
    /// Beside the period before: yesterday, last week, the days before, up to the same time of day
    #[arg(long)]
    compare: bool,
    /// In which form (default: table)
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// With prometheus: name sites too, and tell private windows apart. They say much of a person, and such files are
    /// read by other programs, and often by other people
    #[arg(long)]
    with_domains: bool,
    /// With html: write it to a file that only you can read, ~/.local/state/dwell/week.html or FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    save: Option<Option<PathBuf>>,
    /// With --save: show a notification when it is there
    #[arg(long, requires = "save")]
    notify: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    App,
    Domain,
    Category,
    Hour,
    Day,
    Week,
    Month,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// A JSON object a row
    Ndjson,
    /// Comma-separated values with a header
    Csv,
    /// A Markdown table; of a whole week, with a few sentences before it
    Md,
    /// A page to look at, that needs nothing but itself
    Html,
    /// For the textfile collector of Prometheus
    Prometheus,
}

fn app(id: &str) -> Result<String, BadValue> {
    crate::cli::target(&format!("app:{id}"))
}

fn domain(id: &str) -> Result<String, BadValue> {
    crate::cli::target(&format!("domain:{id}"))
}

fn category(id: &str) -> Result<String, BadValue> {
    crate::cli::target(&format!("category:{id}"))
}

fn rows(text: &str) -> Result<u32, BadValue> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| {
        BadValue::new(format!("\"{text}\" is no number of rows"), "write a whole number from 1 on, like 10")
    })
}

/// A PERIOD; which days that is, the daemon decides, because it knows where a day starts.
pub(crate) fn period(text: &str) -> Result<String, BadValue> {
    let usual =
        "write today, yesterday, week, lastweek, month, year, all, 7d, 2026-11-01 or 2026-11-01..2026-11-20";
    match Period::parse(text, CivilDay::MAX) {
        Ok(_) => Ok(text.trim().to_owned()),
        Err(PeriodError::Unknown { text, suggestion: Some(meant) }) => {
            Err(BadValue::new(format!("\"{text}\" is no period"), format!("did you mean \"{meant}\"?")))
        }
        Err(PeriodError::Unknown { text, .. }) => {
            Err(BadValue::new(format!("\"{text}\" is no period"), usual))
        }
        Err(why) => Err(BadValue::new(format!("\"{text}\": {why}"), usual)),
    }
}

/// `--json` beside another format.
pub(crate) fn two_formats(other: &str) -> Error {
    Error::new(Kind::Usage, format!("--json and --format {other} do not go together")).hint("leave one out")
}

/// Asks and shows.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let format = match (args.format, console.json) {
        (None, true) => Format::Json,
        (
            Some(format @ (Format::Table | Format::Csv | Format::Md | Format::Html | Format::Prometheus)),
            true,
        ) => {
            let name = format.to_possible_value();
            return Err(two_formats(name.as_ref().map_or("", |name| name.get_name())));
        }
        (format, _) => format.unwrap_or(Format::Table),
    };
    if args.compare && args.period == "all" {
        let message = "--compare: nothing lies before all that is recorded";
        return Err(Error::new(Kind::Usage, message).hint("choose a period, like month or 30d"));
    }
    fits(args, format)?;
    let daemon = Daemon::find().await?;
    let query = query(args);
    match format {
        Format::Html => html(args, &query, &daemon, console).await,
        Format::Prometheus => {
            let ask = async |by| daemon.ask(|d| d.report(page::by(&query, by, query.top))).await;
            let (apps, categories) = (ask("app").await?, ask("category").await?);
            let sites = if args.with_domains { Some(ask("domain").await?) } else { None };
            console.write(prometheus::metrics(&apps, &categories, sites.as_ref()).as_bytes());
            if apps.rows.is_empty() { Err(nothing(&apps, &args.period)) } else { Ok(End::Well) }
        }
        Format::Md => {
            let report = daemon.ask(|d| d.report(query.clone())).await?;
            if let Some(summary) = page::summary(&daemon, &query, &report).await? {
                console.write(week::markdown(&summary).as_bytes());
            }
            show(&report, format, &args.period, console)
        }
        _ => show(&daemon.ask(|d| d.report(query)).await?, format, &args.period, console),
    }
}

/// Whether the options mean something in a format.
fn fits(args: &Args, format: Format) -> Result<(), Error> {
    let wrong = |what: &str, hint: &str| Err(Error::new(Kind::Usage, what).hint(hint));
    if matches!(format, Format::Html | Format::Prometheus) && !matches!(args.by, By::App) {
        return wrong("this format shows every grouping", "leave --by out");
    }
    if args.compare && format == Format::Prometheus {
        let hint = "leave --compare out; Prometheus itself compares with `offset`";
        return wrong("metrics are of one period, and have no room for another", hint);
    }
    if args.with_domains && format != Format::Prometheus {
        return wrong("--with-domains is for --format prometheus", "to see sites: --by domain");
    }
    if args.save.is_some() && format != Format::Html {
        return wrong("--save is for --format html", "other formats can be sent to a file: > FILE");
    }
    Ok(())
}

/// The page, shown or saved.
async fn html(
    args: &Args,
    query: &wire::Query,
    daemon: &Daemon,
    console: &mut Console,
) -> Result<End, Error> {
    let report = daemon.ask(|d| d.report(page::by_program(query))).await?;
    if report.rows.is_empty() {
        // Another week's page is not left to be taken for this one's, nor longer than it was meant to be there.
        if matches!(args.save, Some(None)) && page::discard()?.is_some() {
            console.remark("the page that was there before is gone");
        }
        return Err(nothing(&report, &args.period));
    }
    let text = page::page(daemon, query, &report).await?;
    let Some(place) = &args.save else {
        console.write(text.as_bytes());
        return Ok(End::Well);
    };
    let path = place.clone().map_or_else(page::usual_place, Ok)?;
    page::save(&path, &text, console)?;
    if args.notify {
        page::notify(&path).await?;
    }
    Ok(End::Well)
}

fn query(args: &Args) -> wire::Query {
    let some = |targets: Vec<String>| Some(targets).filter(|targets| !targets.is_empty());
    wire::Query {
        period: Some(args.period.clone()),
        by: args.by.to_possible_value().map(|by| by.get_name().to_owned()),
        only: some([args.app.as_slice(), &args.domain, &args.category].concat()),
        not: some(args.not.clone()),
        top: args.top,
        compare: args.compare.then_some(true),
        must_be_known: Some(true),
    }
}

fn show(report: &wire::Report, format: Format, period: &str, console: &mut Console) -> Result<End, Error> {
    let document = json::Report::new(report);
    match format {
        Format::Json => console.say(&json::line(&document)),
        Format::Ndjson => {
            document.rows.into_iter().for_each(|row| console.say(&json::line(&json::RowLine::new(row))));
        }
        Format::Csv => shown::records(&document).iter().for_each(|record| console.say(record)),
        Format::Md if !report.rows.is_empty() => console.say(&shown::markdown(&report.rows, &document)),
        Format::Table if !report.rows.is_empty() => console.say(&shown::screen(report, console.look)),
        Format::Md | Format::Table | Format::Html | Format::Prometheus => {}
    }
    if report.rows.is_empty() { Err(nothing(report, period)) } else { Ok(End::Well) }
}

fn nothing(report: &wire::Report, period: &str) -> Error {
    if report.sealed_ms > 0 {
        let time = crate::output::text::glance(report.sealed_ms);
        let message = format!("{time} of {period} are locked away in the vault");
        return Error::new(Kind::Locked, message).hint("dwell vault unlock");
    }
    let filtered = report.observed_ms > 0;
    let period = super::timeline::of(period);
    let message = match (report.damaged.is_empty(), filtered) {
        (false, _) => format!("nothing readable is recorded {period}: some days are damaged"),
        (true, true) => format!("nothing of that is recorded {period}"),
        (true, false) => format!("nothing is recorded {period}"),
    };
    let hint = if filtered {
        "`dwell report` shows everything"
    } else {
        "`dwell doctor` tells whether everything is seen"
    };
    Error::new(Kind::NoData, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::report::tests::report;

    #[test]
    fn nothing_is_told_apart() {
        let empty = wire::Report { rows: vec![], total_ms: 0, observed_ms: 0, damaged: vec![], ..report() };
        insta::assert_snapshot!(nothing(&empty, "today"), @"dwell: nothing is recorded for today; `dwell doctor` tells whether everything is seen");
        let locked = wire::Report { sealed_ms: 7_380_000, ..empty.clone() };
        insta::assert_snapshot!(nothing(&locked, "yesterday"), @"dwell: 2h 03m of yesterday are locked away in the vault; dwell vault unlock");
        assert_eq!(nothing(&locked, "yesterday").kind.exit_code(), 4);
        insta::assert_snapshot!(nothing(&wire::Report { observed_ms: 5, ..empty.clone() }, "7d"), @"dwell: nothing of that is recorded for 7d; `dwell report` shows everything");
        insta::assert_snapshot!(nothing(&wire::Report { damaged: vec!["x".into()], ..empty }, "week"), @"dwell: nothing readable is recorded for this week: some days are damaged; `dwell doctor` tells whether everything is seen");
        insta::assert_snapshot!(nothing(&wire::Report { rows: vec![], total_ms: 0, observed_ms: 0, damaged: vec![], ..report() }, "all"), @"dwell: nothing is recorded at all; `dwell doctor` tells whether everything is seen");
    }

    #[test]
    fn periods_are_checked_before_anybody_is_asked() {
        for good in ["today", "lastweek", "7d", "2026-11-01", "2026-11-01..2026-11-20", "2026-11-01.."] {
            assert_eq!(period(good).as_deref(), Ok(good));
        }
        let told = |text| period(text).map_err(|bad| format!("{bad}; {}", bad.hint)).unwrap_err();
        insta::assert_snapshot!(told("yesturday"), @r#""yesturday" is no period; did you mean "yesterday"?"#);
        insta::assert_snapshot!(told("2026-11-20..2026-11-01"), @r#""2026-11-20..2026-11-01": the period ends before it begins; write today, yesterday, week, lastweek, month, year, all, 7d, 2026-11-01 or 2026-11-01..2026-11-20"#);
        insta::assert_snapshot!(told("whenever"), @r#""whenever" is no period; write today, yesterday, week, lastweek, month, year, all, 7d, 2026-11-01 or 2026-11-01..2026-11-20"#);
    }
}
