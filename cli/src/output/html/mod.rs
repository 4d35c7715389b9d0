//! A report to look at: one page that needs nothing but itself.
//!
//! No script, no font, no picture from elsewhere; the page's own policy forbids whoever shows it to load anything. All
//! charts are SVG within the page, drawn in percent of its width so that their words keep their size, and each stands as
//! a table beside it too.
//!
//! # Invariants (tested)
//!
//! Names are text, whatever they look like. What the page shows fits in 400 KB for any history.

mod bars;
mod chart;
mod coverage;
mod heat;
mod lanes;
mod over_time;
mod parts;

use dwell_bus::wire;
use dwell_core::calendar::CivilDay;

use self::parts::{Page, esc};
use super::text::glance;
use super::week::Summary;
use super::{phrase, report as shown};

const STYLE: &str = include_str!("style.css");

/// Everything that a page is made of.
pub(crate) struct Content<'a> {
    /// By program; its rows may end with one for the others.
    pub(crate) apps: &'a wire::Report,
    /// By site, likewise.
    pub(crate) sites: &'a wire::Report,
    /// What only charts show.
    pub(crate) picture: &'a wire::Picture,
    /// The words that come first, where it is about a week.
    pub(crate) summary: Option<&'a Summary>,
    /// At most so many bars in a chart.
    pub(crate) bars: usize,
}

/// The whole page.
pub(crate) fn page(content: &Content<'_>) -> String {
    let Content { apps, sites, picture, summary, bars } = *content;
    let days = Days::of(picture);
    let title = format!("Screen time, {}", days.name());
    let mut page = Page::begin(&title, STYLE);
    page.raw(&format!("<header><h1>{}</h1>\n{}</header>\n<main>\n", esc(&title), facts(apps, picture)));
    if let Some(summary) = summary {
        words(&mut page, summary);
    }
    if picture.lanes.is_some() {
        lanes::section(&mut page, apps, picture);
    } else {
        heat::section(&mut page, picture, days);
    }
    bars::programs(&mut page, apps, bars);
    bars::sites(&mut page, sites, bars);
    over_time::section(&mut page, picture);
    bars::kept(&mut page, &picture.kept);
    if summary.is_none() {
        said(&mut page, "Limits", &shown::digest(apps));
        said(&mut page, "Planned", &shown::plans(apps));
    } else {
        said(&mut page, "What was planned", &shown::plans(apps));
    }
    coverage::section(&mut page, apps);
    page.end()
}

/// The totals, in a list of terms.
fn facts(apps: &wire::Report, picture: &wire::Picture) -> String {
    let mut facts = vec![("In all", glance(apps.total_ms))];
    if let Some(before) = &apps.compare {
        facts.push(("Before", glance(before.total_ms)));
        facts.push(("Change", shown::change(apps.total_ms, before.total_ms)));
    }
    if picture.lanes.is_none() {
        facts.push(("Days with anything recorded", picture.days.to_string()));
        let per_day = apps.total_ms.checked_div(u64::from(picture.days)).unwrap_or(0);
        facts.push(("On such a day", glance(per_day)));
    }
    if let Some(most) = apps.rows.iter().find(|row| row.kind != "others") {
        facts.push(("Most used", shown::label(most)));
    }
    let facts: String = facts
        .iter()
        .map(|(term, value)| format!("<div><dt>{term}</dt><dd>{}</dd></div>", esc(value)))
        .collect();
    let beside = apps
        .compare
        .as_ref()
        .map(|before| format!("<p class=\"beside\">Before: {}.</p>\n", esc(&shown::compared(apps, before))));
    format!("<dl>{facts}</dl>\n{}", beside.unwrap_or_default())
}

/// The summary of a week.
fn words(page: &mut Page, summary: &Summary) {
    page.raw("<div class=\"words\">\n");
    for part in &summary.parts {
        said(page, &part.heading, &part.lines);
    }
    page.raw("</div>\n");
}

/// Sentences below a heading; nothing where there are none.
fn said(page: &mut Page, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let items: String = lines.iter().map(|line| format!("<li>{}</li>", esc(line))).collect();
    page.raw(&format!("<section><h2>{}</h2>\n<ul>{items}</ul></section>\n", esc(heading)));
}

/// The days of a page.
#[derive(Clone, Copy)]
struct Days {
    first: CivilDay,
    last: CivilDay,
}

impl Days {
    fn of(picture: &wire::Picture) -> Self {
        // The daemon names days as we do.
        let day = |text: &str| text.parse().unwrap_or(CivilDay::MIN);
        let first = day(&picture.first);
        Self { first, last: day(&picture.last).max(first) }
    }

    /// `21 November 2026`, `9 to 15 November 2026`, `30 November to 6 December 2026`.
    fn name(self) -> String {
        let parts = |day: CivilDay| {
            let text = day.to_string();
            let number = text.get(8..10).unwrap_or_default().trim_start_matches('0').to_owned();
            (number, phrase::month(&text), text.get(..4).unwrap_or_default().to_owned())
        };
        let ((from, from_month, from_year), (to, month, year)) = (parts(self.first), parts(self.last));
        if self.first == self.last {
            format!("{to} {month} {year}")
        } else if from_year != year {
            format!("{from} {from_month} {from_year} to {to} {month} {year}")
        } else if from_month != month {
            format!("{from} {from_month} to {to} {month} {year}")
        } else {
            format!("{from} to {to} {month} {year}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_names() {
        let name = |first: &str, last: &str| {
            Days { first: first.parse().unwrap(), last: last.parse().unwrap() }.name()
        };
        assert_eq!(name("2026-11-21", "2026-11-21"), "21 November 2026");
        assert_eq!(name("2026-11-09", "2026-11-15"), "9 to 15 November 2026");
        assert_eq!(name("2026-11-30", "2026-12-06"), "30 November to 6 December 2026");
        assert_eq!(name("2026-12-28", "2027-01-03"), "28 December 2026 to 3 January 2027");
    }

    #[test]
    fn names_are_text() {
        assert_eq!(
            esc("<a href=\"x\">'&\u{202e}\u{1b}"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\u{202e}\\u{1b}"
        );
    }
}
