//! Categories over time: columns, stacked.

use std::fmt::Write as _;

use dwell_bus::wire;

use super::chart::{legend, look, percent, short};
use super::parts::{Figure, Page, Table, esc};
use crate::output::phrase;
use crate::output::text::{glance, plain};

/// In pixels.
const HEIGHT: u32 = 220;
/// Where columns begin, in percent of the width.
const LEFT: f64 = 10.0;
/// Names below columns: as many as stand beside each other on a telephone.
const MARKS: usize = 6;

/// The categories' columns.
pub(super) fn section(page: &mut Page, picture: &wire::Picture) {
    let count = picture.buckets.len();
    let sums: Vec<u64> = (0..count)
        .map(|nth| picture.categories.iter().filter_map(|series| series.parts_ms.get(nth)).sum())
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let column = (100.0 - LEFT) / count as f64;
    let mut drawing = axis(most);
    let names: Vec<String> = picture.buckets.iter().map(|bucket| named(bucket, &picture.bucket)).collect();
    let step = count.div_ceil(MARKS);
    for (nth, name) in names.iter().enumerate() {
        let x = LEFT + column * nth as f64;
        let mut bottom = f64::from(HEIGHT);
        for (rank, series) in picture.categories.iter().enumerate() {
            let ms = series.parts_ms.get(nth).copied().unwrap_or(0);
            let height = f64::from(HEIGHT - 8) * ms as f64 / most as f64;
            if height < 0.05 {
                continue;
            }
            bottom -= height;
            // Writing to a string cannot fail.
            let _ = write!(
                drawing,
                "<rect class=\"part\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{}\" fill=\"url(#p{})\"><title>{}, {}: {}</title></rect>",
                short(x + column * 0.08),
                short(bottom),
                short(column * 0.84),
                short(height),
                look(rank, &series.kind),
                esc(name),
                esc(&series.name),
                glance(ms)
            );
        }
        if nth.is_multiple_of(step) {
            // The last name would reach beyond the page.
            let late = x > 86.0;
            let (class, x) = if late { ("axis end", x + column * 0.92) } else { ("axis", x + column * 0.08) };
            let _ = writeln!(
                drawing,
                "<text class=\"{class}\" x=\"{}%\" y=\"{}\">{}</text>",
                short(x),
                HEIGHT + 16,
                esc(name)
            );
        }
    }
    let of = |series: &wire::Series| series.parts_ms.iter().sum::<u64>();
    let entries: Vec<(usize, &str, u64)> = picture
        .categories
        .iter()
        .enumerate()
        .map(|(rank, series)| (look(rank, &series.kind), series.name.as_str(), of(series)))
        .collect();
    let each = plain(&picture.bucket);
    let shares: Vec<String> = picture
        .categories
        .iter()
        .map(|series| format!("{} {:.0}%", plain(&series.name), percent(of(series), picture.total_ms)))
        .collect();
    let rows = names.iter().enumerate().filter(|(nth, _)| sums[*nth] > 0).map(|(nth, name)| {
        let parts = picture.categories.iter().map(|series| series.parts_ms.get(nth).copied().unwrap_or(0));
        let cells = std::iter::once(sums[nth])
            .chain(parts)
            .map(|ms| if ms > 0 { glance(ms) } else { "–".to_owned() });
        std::iter::once(name.clone()).chain(cells).collect()
    });
    let header = ["When", "All"].into_iter().map(str::to_owned);
    page.figure(&Figure {
        heading: &format!("Categories by the {each}"),
        description: &format!("A column for each {each}, of these parts: {}.", shares.join(", ")),
        caption: "What has no category can be given one: dwell category set.",
        height: HEIGHT + 22,
        drawing,
        legend: legend(&entries),
        table: Table {
            header: header
                .chain(picture.categories.iter().map(|series| plain(&series.name).into_owned()))
                .collect(),
            rows: rows.collect(),
        },
    });
}

/// Lines at full lengths of time, with these.
fn axis(most: u64) -> String {
    const STEPS: [u64; 12] = [1, 5, 10, 15, 30, 60, 120, 240, 600, 1200, 3000, 6000];
    let steps = STEPS.map(|minutes| minutes * 60_000);
    let step = steps.into_iter().find(|step| most / step <= 4).unwrap_or(most.max(1));
    let mut text = String::new();
    for nth in 0..=most / step {
        let y = f64::from(HEIGHT) - f64::from(HEIGHT - 8) * (nth * step) as f64 / most as f64;
        let _ = write!(text, "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{0}\" y2=\"{0}\"/>", short(y));
        if nth > 0 {
            let _ = writeln!(
                text,
                "<text class=\"axis\" y=\"{}\">{}</text>",
                short(y + 13.0),
                axis_name(nth * step)
            );
        }
    }
    text
}

/// `30m`, `2h`: short enough to stand beside the columns.
fn axis_name(ms: u64) -> String {
    let minutes = ms / 60_000;
    if minutes.is_multiple_of(60) { format!("{}h", minutes / 60) } else { format!("{minutes}m") }
}

/// `04:00`, `9 Nov`, `Nov 2026`.
fn named(bucket: &str, kind: &str) -> String {
    let month = phrase::month(bucket);
    let month = month.get(..3).unwrap_or(month);
    match kind {
        "hour" => format!("{bucket}:00"),
        "month" => format!("{month} {}", bucket.get(..4).unwrap_or_default()),
        _ => format!("{} {month}", bucket.get(8..10).unwrap_or_default().trim_start_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_short_names() {
        assert_eq!(named("04", "hour"), "04:00");
        assert_eq!([named("2026-11-09", "day"), named("2026-11-30", "week")], ["9 Nov", "30 Nov"]);
        assert_eq!(named("2026-11", "month"), "Nov 2026");
        assert_eq!([1_800_000, 7_200_000].map(axis_name), ["30m", "2h"]);
    }
}
