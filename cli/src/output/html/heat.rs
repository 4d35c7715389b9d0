//! Several days: which hours of the week were spent in front of the screen.

use std::fmt::Write as _;

use dwell_bus::wire;

use super::Days;
use super::chart::short;
use super::parts::{Figure, Page, Table};
use crate::output::text::glance;

const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// Where hours begin, in percent of the width: before that are the weekdays.
const LEFT: f64 = 12.0;
/// In pixels.
const ROW: u32 = 26;
/// Shades.
const LEVELS: u64 = 5;

/// The week by hours.
pub(super) fn section(page: &mut Page, picture: &wire::Picture, days: Days) {
    if picture.hours_ms.len() != 7 * 24 {
        return;
    }
    let first_hour: usize = picture.day_start.get(..2).and_then(|hour| hour.parse().ok()).unwrap_or(0);
    let hours: Vec<usize> = (0..24).map(|nth| (first_hour + nth) % 24).collect();
    let counts = weekdays(days);
    let average = |weekday: usize, hour: usize| -> u64 {
        let ms = picture.hours_ms.get(weekday * 24 + hour).copied().unwrap_or(0);
        ms.checked_div(counts[weekday]).unwrap_or(0)
    };
    let all = || (0..7).flat_map(|weekday| (0..24).map(move |hour| (weekday, hour)));
    let Some((most, (busy_day, busy_hour))) =
        all().map(|(d, h)| (average(d, h), (d, h))).max_by_key(|(ms, _)| *ms)
    else {
        return;
    };
    if most == 0 {
        return;
    }
    let cell = (100.0 - LEFT) / 24.0;
    let mut drawing = String::new();
    for (weekday, name) in NAMES.iter().enumerate() {
        let top = ROW * u32::try_from(weekday).unwrap_or(0);
        // Writing to a string cannot fail.
        let _ = writeln!(drawing, "<text y=\"{}\">{}</text>", top + 18, &name[..3]);
        for (column, hour) in hours.iter().enumerate() {
            let ms = average(weekday, *hour);
            if ms == 0 {
                continue;
            }
            // The size says it as well as the shade does.
            let side = (ms as f64 / most as f64).sqrt().max(0.2);
            let level = (ms * LEVELS).div_ceil(most).clamp(1, LEVELS);
            let _ = writeln!(
                drawing,
                "<rect class=\"h{level}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{}\"><title>{name} {hour:02}:00: {}</title></rect>",
                short(LEFT + cell * (column as f64 + (1.0 - side * 0.92) / 2.0)),
                short(f64::from(top) + f64::from(ROW) * (1.0 - side * 0.92) / 2.0),
                short(cell * side * 0.92),
                short(f64::from(ROW) * side * 0.92),
                glance(ms)
            );
        }
    }
    for (column, hour) in hours.iter().enumerate().step_by(4) {
        let x = short(LEFT + cell * column as f64);
        let _ = writeln!(
            drawing,
            "<line class=\"grid\" x1=\"{x}%\" x2=\"{x}%\" y1=\"0\" y2=\"{0}\"/><text class=\"axis\" x=\"{x}%\" y=\"{1}\">{hour:02}:00</text>",
            ROW * 7 + 4,
            ROW * 7 + 18
        );
    }
    let busiest = format!("{} at {busy_hour:02}:00", NAMES[busy_day]);
    let several = counts.iter().any(|count| *count > 1);
    let rows = NAMES.iter().enumerate().map(|(weekday, name)| {
        let cells = hours.iter().map(|hour| match average(weekday, *hour) {
            0 => "–".to_owned(),
            ms => glance(ms),
        });
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    page.figure(&Figure {
        heading: "Hours of the week",
        description: &format!(
            "Weekdays below each other, hours beside each other. The most: {busiest}, {}.",
            glance(most)
        ),
        caption: &format!(
            "{} The larger and stronger the mark, the more; the most is {} on {busiest}. A day starts at {}: what is \
             later at night belongs to the day before.",
            if several { "What an hour of that weekday has on average." } else { "What each hour has." },
            glance(most),
            crate::output::text::plain(&picture.day_start),
        ),
        height: ROW * 7 + 22,
        drawing,
        legend: String::new(),
        table: Table {
            header: std::iter::once("Day".to_owned())
                .chain(hours.iter().map(|hour| format!("{hour:02}:00")))
                .collect(),
            rows: rows.collect(),
        },
    });
}

/// How often each weekday occurs.
fn weekdays(days: Days) -> [u64; 7] {
    let length = u64::try_from(days.last.epoch_days() - days.first.epoch_days() + 1).unwrap_or(1);
    let first = u64::try_from(days.first.days_from_monday()).unwrap_or(0);
    let mut counts = [length / 7; 7];
    for (weekday, count) in (0_u64..).zip(&mut counts) {
        *count += u64::from((weekday + 7 - first) % 7 < length % 7);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_are_counted() {
        let days = |first: &str, last: &str| {
            weekdays(Days { first: first.parse().unwrap(), last: last.parse().unwrap() })
        };
        // Friday to the Monday after the next.
        assert_eq!(days("2026-11-20", "2026-11-30"), [2, 1, 1, 1, 2, 2, 2]);
        assert_eq!(days("2026-11-16", "2026-11-22"), [1; 7]);
        assert_eq!(days("2026-11-22", "2026-11-22"), [0, 0, 0, 0, 0, 0, 1]);
    }
}
