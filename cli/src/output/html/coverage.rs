//! What the numbers rest on: how much was seen, not seen, or is locked away.

use std::fmt::Write as _;

use dwell_bus::wire;

use super::chart::{legend, percent, short};
use super::parts::{Figure, Page, Table};
use crate::output::report::notes;
use crate::output::text::glance;

/// One bar of three parts.
pub(super) fn section(page: &mut Page, report: &wire::Report) {
    let parts = [
        (0, "Observed", report.observed_ms),
        (1, "Not observed", report.unobserved_ms),
        (4, "Locked away in the vault", report.sealed_ms),
    ];
    let all: u64 = parts.iter().map(|(_, _, ms)| *ms).sum();
    let mut drawing = String::new();
    let mut x = 0.0;
    for (look, name, ms) in parts {
        let length = percent(ms, all);
        // Writing to a string cannot fail.
        let _ = write!(
            drawing,
            "<rect class=\"part\" x=\"{}%\" width=\"{}%\" height=\"22\" fill=\"url(#p{look})\"><title>{name}: {}</title></rect>",
            short(x),
            short(length),
            glance(ms)
        );
        x += length;
    }
    let mut notes = notes(report);
    notes.push("Time when nobody was there, or the screen was locked, is in none of these.".to_owned());
    let share = |ms: u64| format!("{:.1}%", percent(ms, all));
    page.figure(&Figure {
        heading: "What this rests on",
        description: &format!("Of the time at the computer {} was observed.", share(report.observed_ms)),
        caption: &notes.join(" "),
        height: 22,
        drawing,
        legend: legend(&parts),
        table: Table {
            header: ["Part", "Time", "Share"].map(str::to_owned).into(),
            rows: parts
                .iter()
                .map(|(_, name, ms)| vec![(*name).to_owned(), glance(*ms), share(*ms)])
                .collect(),
        },
    });
}
