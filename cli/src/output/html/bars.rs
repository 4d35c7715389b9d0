//! What is most used, and how often limits were kept: bars.

use dwell_bus::wire;

use super::chart::{Bar, bars, percent};
use super::parts::{Figure, Page, Table};
use crate::output::phrase;
use crate::output::report::{change, labels};
use crate::output::text::{glance, plain};

const SHARE: &str = "The share is of all time in front of the screen.";
/// Rows of a table; what is beyond is in its last row.
const TABLE_ROWS: usize = 50;

/// The programs.
pub(super) fn programs(page: &mut Page, report: &wire::Report, most: usize) {
    let names = labels(&report.rows, &report.by);
    let rows: Vec<Row<'_>> = report.rows.iter().zip(names).map(|(row, name)| Row { row, name }).collect();
    section(page, "Programs", &rows, report, most, SHARE);
}

/// The sites: what has a name, for the time without one is in the programs.
pub(super) fn sites(page: &mut Page, report: &wire::Report, most: usize) {
    let names = labels(&report.rows, &report.by);
    let named = |row: &wire::Row| !row.key.is_empty();
    let rows: Vec<Row<'_>> = report
        .rows
        .iter()
        .zip(names)
        .filter(|(row, _)| named(row))
        .map(|(row, name)| Row { row, name })
        .collect();
    // What is summed up may be nothing but time without a site.
    if rows.iter().all(|row| row.row.kind == "others") {
        return;
    }
    let untold: u64 = report.rows.iter().filter(|row| row.kind == "untold").map(|row| row.ms).sum();
    let mut caption = SHARE.to_owned();
    if untold >= 60_000 {
        caption = format!("{caption} Of {} in browsers no site is known.", glance(untold));
    }
    section(page, "Sites", &rows, report, most, &caption);
}

struct Row<'a> {
    row: &'a wire::Row,
    name: String,
}

/// A line of a chart or its table.
struct Shown {
    name: String,
    ms: u64,
    before_ms: u64,
    opens: u64,
    /// It is all the others, summed up.
    is_rest: bool,
}

fn section(
    page: &mut Page,
    heading: &str,
    rows: &[Row<'_>],
    report: &wire::Report,
    most: usize,
    caption: &str,
) {
    if rows.is_empty() {
        return;
    }
    let shown = |most: usize| -> Vec<Shown> {
        let (others, named): (Vec<&Row<'_>>, Vec<&Row<'_>>) =
            rows.iter().partition(|row| row.row.kind == "others");
        // A single one more needs no summing up.
        let most = if named.len() == most + 1 && others.is_empty() { most + 1 } else { most };
        let one = |row: &&Row<'_>| Shown {
            name: row.name.clone(),
            ms: row.row.ms,
            before_ms: row.row.before_ms.unwrap_or(0),
            opens: row.row.opens,
            is_rest: false,
        };
        let mut list: Vec<Shown> = named.iter().take(most).map(one).collect();
        let rest = named.iter().skip(most).chain(&others);
        let mut others = Shown { name: "Others".to_owned(), ms: 0, before_ms: 0, opens: 0, is_rest: true };
        for Row { row, .. } in rest {
            others.ms += row.ms;
            others.before_ms += row.before_ms.unwrap_or(0);
            others.opens += row.opens;
        }
        if others.ms > 0 || others.before_ms > 0 {
            list.push(others);
        }
        list
    };
    let chart = shown(most);
    let is_compared = report.compare.is_some();
    let of_one = |row: &Shown| row.ms.max(if is_compared { row.before_ms } else { 0 });
    let longest = chart.iter().filter(|row| !row.is_rest).map(of_one).max().unwrap_or(0);
    let share = |ms: u64| match percent(ms, report.total_ms) {
        part if part < 0.5 && ms > 0 => "<1%".to_owned(),
        part => format!("{part:.0}%"),
    };
    let drawn: Vec<Bar> = chart
        .iter()
        .map(|row| Bar {
            name: row.name.clone(),
            value: format!("{} · {}", glance(row.ms), share(row.ms)),
            // Many small ones together are no bar to compare others with.
            length: if row.is_rest { 0.0 } else { percent(row.ms, longest) },
            before: (is_compared && !row.is_rest).then(|| percent(row.before_ms, longest)),
        })
        .collect();
    let (drawing, height) = bars(&drawn);
    let first = chart.first().map(|row| format!(" The longest: {}, {}.", row.name, glance(row.ms)));
    let cells = |row: Shown| {
        let before = is_compared.then(|| [glance(row.before_ms), change(row.ms, row.before_ms)]);
        let beside = before.into_iter().flatten();
        let ends = [share(row.ms), row.opens.to_string()];
        [row.name, glance(row.ms)].into_iter().chain(beside).chain(ends).collect()
    };
    let header = ["Name", "Time", "Before", "Change", "Share", "Visits"];
    let header = header.into_iter().filter(|name| is_compared || !["Before", "Change"].contains(name));
    let line = if is_compared { " The line on a bar is where it ended before." } else { "" };
    page.figure(&Figure {
        heading,
        description: &format!("Bars, {} of them, by time.{}", chart.len(), first.unwrap_or_default()),
        caption: &format!("{caption}{line}"),
        height,
        drawing,
        legend: String::new(),
        table: Table {
            header: header.map(str::to_owned).collect(),
            rows: shown(TABLE_ROWS).into_iter().map(cells).collect(),
        },
    });
}

/// On how many days each budget was enough. Plain counts.
pub(super) fn kept(page: &mut Page, kept: &[wire::Kept]) {
    let kept: Vec<&wire::Kept> = kept.iter().filter(|kept| kept.days > 0).collect();
    if kept.is_empty() {
        return;
    }
    let name = |kept: &wire::Kept| {
        let name = named(&kept.name, &kept.id);
        plain(&name).into_owned()
    };
    let counted =
        |kept: &wire::Kept| format!("{} of {}", kept.within, phrase::count(u64::from(kept.days), "day"));
    let drawn: Vec<Bar> = kept
        .iter()
        .map(|kept| Bar {
            name: name(kept),
            value: counted(kept),
            length: percent(u64::from(kept.within), u64::from(kept.days)),
            before: None,
        })
        .collect();
    let (drawing, height) = bars(&drawn);
    let row = |kept: &&wire::Kept| {
        vec![name(kept), kept.rule.clone(), kept.within.to_string(), kept.days.to_string()]
    };
    page.figure(&Figure {
        heading: "Within the budget",
        description: "A bar for each limit: the days on which its budget was enough, of the days on which it holds.",
        caption: "Days with anything recorded, measured against the budgets as they are now. A minute more than the \
                  budget is still within it, for a limit takes a moment to act.",
        height,
        drawing,
        legend: String::new(),
        table: Table {
            header: ["Limit", "Rule", "Days within", "Days"].map(str::to_owned).into(),
            rows: kept.iter().map(row).collect(),
        },
    });
}

/// `YouTube`, or with the rule's id where that says more.
fn named(name: &str, id: &str) -> String {
    if name.eq_ignore_ascii_case(id) { name.to_owned() } else { format!("{name} ({id})") }
}
