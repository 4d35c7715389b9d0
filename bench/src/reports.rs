//! What reports cost from end to end: the whole of a `dwell` process that asks a running `dwelld`, on a private bus, with a
//! heavy year in its vault, or ten of them; what that process has in memory at most, and what the daemon takes beside what it
//! had.
//!
//! A row is one line of [`ROWS`]; what other commands cost is measured by a function of its own that returns [`Line`]s.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::data::{self, History};
use crate::measure::{median, memory_of, peak_of, reset_peak, time_of};
use crate::ours::Ours;
use crate::place::Place;

const MIB: f64 = 1_048_576.0;

/// Which vaults a row is measured with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Year,
    Decade,
    Both,
}

/// What is asked, and at most how many milliseconds and MiB it may take.
struct Row {
    what: &'static str,
    with: With,
    arguments: &'static [&'static str],
    most_ms: Option<f64>,
    most_mib: Option<f64>,
}

const fn row(
    what: &'static str,
    with: With,
    most_ms: Option<f64>,
    arguments: &'static [&'static str],
) -> Row {
    Row { what, with, arguments, most_ms, most_mib: None }
}

// Asked right after a start, too.
const YEAR_BY_APP: Row =
    row("a year by app", With::Both, Some(25.0), &["report", "365d", "--by", "app", "--json"]);
const YEAR_BY_DOMAIN: Row =
    row("a year by domain", With::Both, Some(60.0), &["report", "365d", "--by", "domain", "--json"]);
const YEAR_BY_HOUR: Row =
    row("a year by hour", With::Both, Some(60.0), &["report", "365d", "--by", "hour", "--json"]);
const YEAR_BY_CATEGORY: Row =
    row("a year by category", With::Both, None, &["report", "365d", "--by", "category", "--json"]);
const YEAR_OF_ONE: Row = row(
    "a year of one program by domain",
    With::Both,
    None,
    &["report", "365d", "--by", "domain", "--app", "chromium", "--json"],
);
const ALL_BY_APP: Row =
    row("everything by app", With::Decade, Some(40.0), &["report", "all", "--by", "app", "--json"]);
const ALL_BY_CATEGORY: Row =
    row("everything by category", With::Decade, None, &["report", "all", "--by", "category", "--json"]);

/// `year` runs from January: here a year is 365 days, on whatever day it is measured.
const ROWS: [Row; 16] = [
    Row { most_mib: Some(15.0), ..YEAR_BY_APP },
    row("today", With::Both, Some(10.0), &["report", "today", "--json"]),
    row("yesterday", With::Both, None, &["report", "2d", "--json"]),
    YEAR_BY_DOMAIN,
    YEAR_BY_HOUR,
    row("a year by day", With::Year, None, &["report", "365d", "--by", "day", "--json"]),
    YEAR_BY_CATEGORY,
    YEAR_OF_ONE,
    row("a month by app, a table", With::Year, None, &["report", "30d"]),
    row("a month beside the one before", With::Year, None, &["report", "30d", "--compare", "--json"]),
    row("a year as a page with charts", With::Year, Some(300.0), &["report", "365d", "--format", "html"]),
    row(
        "a year of spans in SQL",
        With::Year,
        None,
        &["sql", "SELECT app, sum(seconds) FROM spans GROUP BY app", "365d", "--json"],
    ),
    ALL_BY_APP,
    ALL_BY_CATEGORY,
    row("everything by domain", With::Decade, None, &["report", "all", "--by", "domain", "--json"]),
    row("everything by hour", With::Decade, None, &["report", "all", "--by", "hour", "--json"]),
];

/// What is asked of a daemon that has just started, which has been asked the same in an earlier life.
const FIRST_ROWS: [Row; 7] =
    [YEAR_BY_APP, YEAR_BY_DOMAIN, YEAR_BY_HOUR, YEAR_BY_CATEGORY, YEAR_OF_ONE, ALL_BY_APP, ALL_BY_CATEGORY];
/// So often is it started for each of these.
const STARTS: usize = 5;

/// What the daemon may take more during any report.
const MOST_MORE_MIB: f64 = 20.0;

/// A line of the table.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) bar: Option<f64>,
}

impl Line {
    fn print(&self) -> bool {
        let Self { what, value, unit, bar } = self;
        let good = bar.is_none_or(|bar| *value <= bar);
        let said = match bar {
            None => "",
            Some(_) if good => "pass",
            Some(_) => "**FAIL**",
        };
        let bar = bar.map_or_else(String::new, |bar| format!("{bar:.0} {unit}"));
        println!("| {what} | {value:.1} {unit} | {bar} | {said} |");
        good
    }
}

/// Measures and says what held; `quick`: fewer rounds, and three years in place of ten; `dir`: where the vaults go for the
/// time being.
pub(crate) fn measure(quick: bool, dir: &Path) -> bool {
    println!("\n### Reports\n\n| | median | bar | |\n|---|---:|---:|---|");
    let rounds = if quick { 5 } else { 21 };
    let mut good = true;
    for (with, years) in [(With::Year, 1), (With::Decade, if quick { 3 } else { 10 })] {
        for line in with_history(dir, with, years, rounds) {
            good &= line.print();
        }
    }
    crate::imports::measure(dir).iter().fold(good, |good, line| line.print() && good)
}

fn with_history(dir: &Path, with: With, years: i32, rounds: usize) -> Vec<Line> {
    let root = tempfile::Builder::new().prefix("dwell-bench-").tempdir_in(dir).unwrap();
    let history = History::until(data::today(), 365 * years, data::HEAVY);
    let spans = Ours::filled(&root.path().join("data"), &history);
    let place = Place::start(root.path());
    let before = memory_of(place.daemon());
    let years = format!("{years} y");
    let mut lines = Vec::new();
    let mut most_more = 0.0_f64;
    for row in ROWS.iter().filter(|row| row.with == With::Both || row.with == with) {
        // The first one finds nothing kept; nor is the program read from the disk by those after it.
        let (first, first_more, _) = once(&place, row.arguments);
        let (mut times, mut peaks) = (Vec::new(), Vec::new());
        let mut more = first_more;
        for _ in 0..rounds {
            let (time, of_daemon, peak) = once(&place, row.arguments);
            times.push(time);
            peaks.push(peak);
            more = more.max(of_daemon);
        }
        most_more = most_more.max(more);
        if row.arguments.contains(&"html") {
            let page =
                place.command("dwell").args(row.arguments).stderr(Stdio::inherit()).output().unwrap().stdout;
            let what = format!("{years}: … how long it is");
            lines.push(Line { what, value: page.len() as f64 / 1000.0, unit: "KB", bar: Some(400.0) });
        }
        let what = format!("{years}: {} (at first {first:.0} ms)", row.what);
        lines.push(Line { what, value: median(&mut times), unit: "ms", bar: row.most_ms });
        if let Some(most) = row.most_mib {
            let what = format!("{years}: … memory of `dwell`");
            lines.push(Line { what, value: median(&mut peaks), unit: "MiB", bar: Some(most) });
        }
    }
    let after = memory_of(place.daemon());
    drop(place);
    for row in FIRST_ROWS.iter().filter(|row| row.with == With::Both || row.with == with) {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let place = Place::start(root.path());
            let (time, of_daemon, _) = once(&place, row.arguments);
            times.push(time);
            most_more = most_more.max(of_daemon);
        }
        let what = format!("{years}: {}, asked first after a start", row.what);
        lines.push(Line { what, value: median(&mut times), unit: "ms", bar: row.most_ms });
    }
    let what = format!("{years}: what the daemon takes more during any of these, first ones included");
    lines.push(Line { what, value: most_more, unit: "MiB", bar: Some(MOST_MORE_MIB) });
    let what = format!("{years}, {spans} spans: the daemon when it has started");
    lines.push(Line { what, value: before.now as f64 / MIB, unit: "MiB", bar: None });
    let what = format!("{years}: … when all has been asked");
    lines.push(Line { what, value: after.now as f64 / MIB, unit: "MiB", bar: None });
    lines
}

/// How long one process takes, in ms; what the daemon took more meanwhile, and what the process had at most, in MiB.
fn once(place: &Place, arguments: &[&str]) -> (f64, f64, f64) {
    let daemon = place.daemon();
    reset_peak(daemon);
    let before = memory_of(daemon);
    let mut peak = 0;
    let ns = time_of(|| peak = run(place.command("dwell").args(arguments)));
    let more = memory_of(daemon).peak.saturating_sub(before.now);
    (ns / 1e6, more as f64 / MIB, peak as f64 / MIB)
}

/// Runs a command to its end; the most memory that it had until it had made its answer, in bytes; 0 where the answer is
/// shorter than a page.
fn run(command: &mut Command) -> u64 {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    // So small that the process cannot leave before all is read, and tells its peak while it waits.
    rustix::pipe::fcntl_setpipe_size(&write, 4096).unwrap();
    let mut child = command.stdout(write).stderr(Stdio::inherit()).spawn().unwrap();
    // The command keeps our end for another run.
    command.stdout(Stdio::null());
    let mut read = File::from(read);
    let mut said = vec![0; 1];
    read.read_exact(&mut said).unwrap();
    let peak = peak_of(child.id());
    read.read_to_end(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?} failed");
    if said.len() > 4096 { peak.unwrap() } else { 0 }
}
