//! A single day: which programs were in front when, a lane for each.

use std::fmt::Write as _;

use dwell_bus::wire;

use super::chart::{percent, short};
use super::parts::{Figure, Page, Table, esc};
use crate::output::instant::Zone;
use crate::output::text::{cut, glance, plain};

/// In pixels.
const LANE: u32 = 46;
/// A mark of the axis after so many milliseconds.
const MARK_MS: u64 = 3 * 3_600_000;

/// The timeline of the day.
pub(super) fn section(page: &mut Page, report: &wire::Report, picture: &wire::Picture) {
    let (Some(lanes), Some(slot_ms)) = (picture.lanes.as_deref(), picture.slot_ms.filter(|ms| *ms > 0))
    else {
        return;
    };
    let Some(slots) = lanes.iter().map(|lane| lane.parts_ms.len()).max().filter(|slots| *slots > 0) else {
        return;
    };
    let day_ms = slot_ms * slots as u64;
    let mut drawing = String::new();
    let height = LANE * u32::try_from(lanes.len()).unwrap_or(0) + 22;
    let zone = Zone::new(&report.zone);
    let clock = |ms: u64| zone.clock(report.from_at_ms.saturating_add_unsigned(ms));
    for mark in (0..=day_ms).step_by(usize::try_from(MARK_MS).unwrap_or(usize::MAX)) {
        let x = short(percent(mark, day_ms));
        let class = match mark {
            0 => "axis",
            mark if mark == day_ms => "axis end",
            // There is no room for each of them on a telephone.
            mark if (mark / MARK_MS).is_multiple_of(2) => "axis middle",
            _ => "axis middle odd",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            drawing,
            "<line class=\"grid\" x1=\"{x}%\" x2=\"{x}%\" y1=\"0\" y2=\"{}\"/><text class=\"{class}\" x=\"{x}%\" y=\"{}\">{}</text>",
            height - 18,
            height - 4,
            clock(mark)
        );
    }
    let mut top = 0;
    for lane in lanes {
        let name = plain(&lane.name);
        let time: u64 = lane.parts_ms.iter().sum();
        let _ = writeln!(
            drawing,
            "<g><title>{0}: {1}</title><text y=\"{2}\">{3}</text><text class=\"end\" x=\"100%\" y=\"{2}\">{1}</text>\
             <rect class=\"track\" y=\"{4}\" width=\"100%\" height=\"18\"/>\
             <svg y=\"{4}\" width=\"100%\" height=\"18\" viewBox=\"0 0 {slots} 100\" preserveAspectRatio=\"none\">\
             <path class=\"bar\" d=\"{5}\"/></svg></g>",
            esc(&name),
            glance(time),
            top + 15,
            esc(&cut(&name, 30)),
            top + 21,
            path(&lane.parts_ms, slot_ms)
        );
        top += LANE;
    }
    let names: Vec<_> = lanes.iter().map(|lane| plain(&lane.name).into_owned()).collect();
    page.figure(&Figure {
        heading: "The day",
        description: &format!(
            "A lane for each program, from {} to {}: {}.",
            clock(0),
            clock(day_ms),
            names.join(", ")
        ),
        caption: &format!(
            "In stretches of {}; the higher the mark, the more of a stretch was given to the program.",
            glance(slot_ms)
        ),
        height,
        drawing,
        legend: String::new(),
        table: by_hour(lanes, names, slot_ms, clock),
    });
}

/// Columns as high as a slot was full, those that are next to each other and equal as one.
fn path(parts: &[u64], slot_ms: u64) -> String {
    let mut path = String::new();
    let height = |ms: u64| (ms.min(slot_ms) * 100).div_ceil(slot_ms);
    let mut from = 0;
    for run in parts.chunk_by(|a, b| height(*a) == height(*b)) {
        if let Some(high) = run.first().map(|ms| height(*ms)).filter(|high| *high > 0) {
            let _ = write!(path, "M{from} 100v-{high}h{}v{high}z", run.len());
        }
        from += run.len();
    }
    path
}

/// The same hour by hour.
fn by_hour(lanes: &[wire::Series], names: Vec<String>, slot_ms: u64, clock: impl Fn(u64) -> String) -> Table {
    let an_hour = usize::try_from(3_600_000 / slot_ms).unwrap_or(12).max(1);
    let hours = lanes.first().map_or(0, |lane| lane.parts_ms.len().div_ceil(an_hour));
    let rows = (0..hours).filter_map(|hour| {
        let of =
            |lane: &wire::Series| -> u64 { lane.parts_ms.iter().skip(hour * an_hour).take(an_hour).sum() };
        let times: Vec<u64> = lanes.iter().map(of).collect();
        let start = hour as u64 * 3_600_000;
        // An hour with nothing in it says nothing.
        (times.iter().sum::<u64>() > 0)
            .then(|| std::iter::once(clock(start)).chain(times.iter().map(|ms| glance(*ms))).collect())
    });
    Table { header: std::iter::once("From".to_owned()).chain(names).collect(), rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_slots_are_one_mark() {
        assert_eq!(path(&[0, 300, 300, 150, 0, 1], 300), "M1 100v-100h2v100zM3 100v-50h1v50zM5 100v-1h1v1z");
    }
}
