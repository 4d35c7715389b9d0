//! `dwell report`: where the time went.

use clap::ValueEnum;
use dwell_bus::wire;
use dwell_core::calendar::CivilDay;
use dwell_core::report::{Period, PeriodError};

use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::output::instant::Zone;
use crate::output::look::{Ink, Look};
use crate::output::text::{bar, glance, left, plain, right, width, wrap};
use crate::output::{csv, json};
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
    /// In which form (default: table)
    #[arg(long, value_enum)]
    format: Option<Format>,
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
    /// A Markdown table
    Md,
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
        (Some(format @ (Format::Table | Format::Csv | Format::Md)), true) => {
            let name = format.to_possible_value();
            return Err(two_formats(name.as_ref().map_or("", |name| name.get_name())));
        }
        (format, _) => format.unwrap_or(Format::Table),
    };
    let daemon = Daemon::find().await?;
    let report = daemon.ask(|d| d.report(query(args))).await?;
    show(&report, format, &args.period, console)
}

fn query(args: &Args) -> wire::Query {
    let some = |targets: Vec<String>| Some(targets).filter(|targets| !targets.is_empty());
    wire::Query {
        period: Some(args.period.clone()),
        by: args.by.to_possible_value().map(|by| by.get_name().to_owned()),
        only: some([args.app.as_slice(), &args.domain, &args.category].concat()),
        not: some(args.not.clone()),
        top: args.top,
    }
}

fn show(report: &wire::Report, format: Format, period: &str, console: &mut Console) -> Result<End, Error> {
    let document = json::Report::new(report);
    match format {
        Format::Json => console.say(&json::line(&document)),
        Format::Ndjson => {
            document.rows.into_iter().for_each(|row| console.say(&json::line(&json::RowLine::new(row))));
        }
        Format::Csv => records(&document).iter().for_each(|record| console.say(record)),
        Format::Md if !report.rows.is_empty() => console.say(&markdown(&document)),
        Format::Table if !report.rows.is_empty() => console.say(&screen(report, console.look)),
        Format::Md | Format::Table => {}
    }
    if report.rows.is_empty() { Err(nothing(report, period)) } else { Ok(End::Well) }
}

fn nothing(report: &wire::Report, period: &str) -> Error {
    let filtered = report.observed_ms > 0;
    let message = match (report.damaged.is_empty(), filtered) {
        (false, _) => format!("nothing readable is recorded for {period}: some days are damaged"),
        (true, true) => format!("nothing of that is recorded for {period}"),
        (true, false) => format!("nothing is recorded for {period}"),
    };
    let hint = if filtered {
        "dwell report shows everything"
    } else {
        "dwell doctor tells whether everything is seen"
    };
    Error::new(Kind::NoData, message).hint(hint)
}

/// What a row is called on a screen.
pub(crate) fn label(row: &wire::Row) -> String {
    let name = match (row.name.as_str(), row.key.as_str()) {
        ("", "") => "(other)".into(),
        ("", key) => plain(key),
        (name, _) => plain(name),
    };
    match row.kind.as_str() {
        "private" => format!("{name} (private)"),
        "audible" => format!("{name} (audible)"),
        _ => name.into_owned(),
    }
}

/// Labels of all rows; programs of the same name get their id.
fn labels(rows: &[wire::Row]) -> Vec<String> {
    let names: Vec<_> = rows.iter().map(label).collect();
    let twice = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    rows.iter()
        .zip(&names)
        .map(|(row, name)| {
            if twice(name) && !row.key.is_empty() && row.key != row.name {
                format!("{name} [{}]", plain(&row.key))
            } else {
                name.clone()
            }
        })
        .collect()
}

fn screen(report: &wire::Report, look: Look) -> String {
    let mut lines: Vec<_> =
        wrap(&title(report), look.width, 2).iter().map(|line| look.ink(Ink::Strong, line)).collect();
    lines.push(String::new());
    lines.extend(table(report, look));
    let notes = notes(report);
    if !notes.is_empty() {
        lines.push(String::new());
    }
    for note in notes {
        lines.extend(wrap(&note, look.width, 2).iter().map(|line| look.ink(Ink::Faint, line)));
    }
    lines.join("\n")
}

/// `2026-11-15 to 2026-11-21, by app`
fn title(report: &wire::Report) -> String {
    let (first, last) = Zone::new(&report.zone).days(report.from_at_ms, report.to_at_ms);
    let by = plain(&report.by);
    match (first, last) {
        (CivilDay::MIN, last) => format!("Everything up to {last}, by {by}"),
        (first, last) if first == last => format!("{first}, by {by}"),
        (first, last) => format!("{first} to {last}, by {by}"),
    }
}

/// Aligned rows and the total: name, time, share, bar, visits, as far as the width allows.
fn table(report: &wire::Report, look: Look) -> Vec<String> {
    let names = labels(&report.rows);
    let times: Vec<_> = report.rows.iter().map(|row| glance(row.ms)).collect();
    let total = glance(report.total_ms);
    let time_columns = times.iter().chain([&total]).map(|time| width(time)).max().unwrap_or(0);
    let most = report.rows.iter().map(|row| row.ms).max().unwrap_or(0);
    let with_opens = look.width >= 60 && report.rows.iter().any(|row| row.opens > 0);
    let opens: Vec<_> = report
        .rows
        .iter()
        .map(|row| match row.opens {
            0 => String::new(),
            1 => "1 visit".to_owned(),
            n => format!("{n} visits"),
        })
        .collect();
    let opens_columns = if with_opens { opens.iter().map(|text| width(text)).max().unwrap_or(0) } else { 0 };
    let indent = if look.width < 40 { 0 } else { 2 };
    let share_columns = if look.width < 30 { 0 } else { 4 };
    let gap = |columns: usize| if columns > 0 { columns + 2 } else { 0 };
    let fixed = indent + gap(time_columns) + gap(share_columns) + gap(opens_columns);
    let widest = names.iter().map(|name| width(name)).chain([5]).max().unwrap_or(5);
    let bar_columns = match look.width.saturating_sub(fixed + 2 + widest.min(look.width / 2)) {
        room if look.width < 40 || room < 6 => 0,
        room => room.min(30),
    };
    let name_columns = widest.min(look.width.saturating_sub(fixed + gap(bar_columns))).max(4);
    let line = |name: &str, time: &str| {
        format!("{}{}  {}", " ".repeat(indent), left(name, name_columns), right(time, time_columns))
    };
    let mut lines = Vec::with_capacity(report.rows.len() + 2);
    for (i, row) in report.rows.iter().enumerate() {
        let mut text = line(&names[i], &times[i]);
        if share_columns > 0 {
            text.push_str(&format!("  {}", right(&percent(row.ms, report.total_ms), share_columns)));
        }
        if opens_columns > 0 {
            text.push_str(&format!("  {}", look.ink(Ink::Faint, &right(&opens[i], opens_columns))));
        }
        if bar_columns > 0 {
            text.push_str(&format!("  {}", look.ink(Ink::Bar, &bar(row.ms, most, bar_columns))));
        }
        lines.push(text.trim_end().to_owned());
    }
    lines.push(look.ink(Ink::Strong, &line("Total", &total)));
    lines
}

fn percent(ms: u64, total_ms: u64) -> String {
    match (u128::from(ms) * 100 + u128::from(total_ms) / 2).checked_div(u128::from(total_ms)) {
        Some(0) if ms > 0 => "<1%".to_owned(),
        Some(percent) => format!("{percent}%"),
        None => String::new(),
    }
}

/// What the numbers do not hold.
fn notes(report: &wire::Report) -> Vec<String> {
    let mut notes = Vec::new();
    // Less than a minute is the switching between programs, not a gap.
    if report.unobserved_ms >= 60_000 {
        notes.push(format!("{} of session time was not observed.", glance(report.unobserved_ms)));
    }
    if report.sealed_ms > 0 {
        notes.push(format!("{} more cannot be read while the vault is sealed.", glance(report.sealed_ms)));
    }
    match report.damaged.as_slice() {
        [] => {}
        [day] => notes.push(format!("Records of {} are damaged, and missing here.", plain(day))),
        days => {
            let shown: Vec<_> = days.iter().take(5).map(|day| plain(day)).collect();
            let more = days.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more days") } else { String::new() };
            notes.push(format!("Records of {}{more} are damaged, and missing here.", shown.join(", ")));
        }
    }
    notes
}

fn records(report: &json::Report<'_>) -> Vec<String> {
    let header = csv::record(["key", "name", "kind", "category", "seconds", "share", "opens"]);
    let rows = report.rows.iter().map(|row| {
        csv::record([
            row.key,
            row.name,
            row.kind,
            row.category.unwrap_or_default(),
            &row.seconds.to_string(),
            &format!("{:.4}", row.share),
            &row.opens.to_string(),
        ])
    });
    std::iter::once(header).chain(rows).collect()
}

fn markdown(report: &json::Report<'_>) -> String {
    let cell = |text: &str| plain(text).replace('\\', "\\\\").replace('|', "\\|");
    let mut lines = vec!["| name | time | share | visits |".to_owned(), "|---|---:|---:|---:|".to_owned()];
    for row in &report.rows {
        let name = if row.name.is_empty() { row.key } else { row.name };
        let time = glance(row.seconds.saturating_mul(1000));
        lines.push(format!("| {} | {time} | {:.1}% | {} |", cell(name), row.share * 100.0, row.opens));
    }
    lines.join("\n")
}
