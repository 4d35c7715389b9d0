//! Today by hour, and the last seven days.
//!
//! An hour's bar is full at sixty minutes, whatever the others are, so that two days can be compared by eye.

use dwell_core::time::Millis;
use ratatui::layout::Rect;

use super::Board;
use super::pen::Canvas;
use crate::output::instant::{Zone, weekday};
use crate::output::look::Ink;
use crate::output::text::{bar, glance, right, width};

const HOUR: u64 = 3_600_000;

/// As much of the two as fits.
pub(super) fn draw(canvas: &mut Canvas<'_>, board: &Board) {
    let (columns, height) = (canvas.width(), canvas.height());
    // Today, the chart and the week beside it take less than half of the screen.
    let tall = height >= 20;
    let with_week = tall && columns >= 72;
    if height >= 14 {
        canvas.skip(1);
    }
    let total = Millis::from_secs(board.facts.status.total_ms / 1000).to_string();
    if !with_week {
        canvas.say(&[("Today ", Ink::Plain), (&total, Ink::Strong)]);
        let rows = if tall { 3 } else { u16::from(height >= 8) };
        let area = Rect { height: rows, ..canvas.rest() };
        hours(canvas, board, area, height >= 12);
        canvas.skip(rows + u16::from(height >= 12));
        return;
    }
    let rest = canvas.rest();
    let week_columns = (rest.width / 3).clamp(24, 44);
    let rows = if height >= 40 { 10 } else { 6 };
    let day = Rect { width: rest.width - week_columns - 2, height: rows + 2, ..rest };
    let side = Rect { x: rest.right() - week_columns, width: week_columns, ..rest };
    canvas.put(day, 0, &[("Today ", Ink::Plain), (&total, Ink::Strong)]);
    hours(canvas, board, Rect { y: day.y + 1, height: rows, ..day }, true);
    week(canvas, board, side);
    canvas.skip(rows + 2);
}

/// A bar an hour, and below it, with `labels`, the hours' names.
fn hours(canvas: &mut Canvas<'_>, board: &Board, area: Rect, labels: bool) {
    const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let (first, spent) = by_hour(board);
    // Where 24 columns are too many, each stands for several hours.
    let merged = [1, 2, 3, 4].into_iter().find(|hours| 24 / hours <= usize::from(area.width)).unwrap_or(6);
    let cells: Vec<u64> = spent.chunks(merged).map(|hours| hours.iter().sum()).collect();
    let each = (usize::from(area.width) / cells.len()).clamp(1, 4);
    let rows = usize::from(area.height);
    let whole = HOUR * u64::try_from(merged).unwrap_or(1);
    for row in 0..rows {
        let below = (rows - 1 - row) as u64 * 8;
        let line: String = cells
            .iter()
            .map(|ms| {
                // Anything above zero shows.
                let eighths = (ms.min(&whole) * 8 * rows as u64).div_ceil(whole);
                let here = usize::try_from(eighths.saturating_sub(below).min(8)).unwrap_or(8);
                // A free column between two bars, where there is room.
                let wide = if each > 1 { each - 1 } else { 1 };
                format!("{}{}", EIGHTHS[here].repeat(wide), " ".repeat(each - wide))
            })
            .collect();
        canvas.put(area, row, &[(line.trim_end(), Ink::Bar)]);
    }
    if labels {
        let every = if each * 3 >= 5 { 3 } else { 6 };
        let shown: String = (0..24)
            .step_by(every)
            .map(|hour| format!("{:<1$}", format!("{:02}", (first + hour) % 24), every * each / merged))
            .collect();
        let below = Rect { y: area.y + area.height, height: 1, ..area };
        canvas.put(below, 0, &[(shown.trim_end(), Ink::Faint)]);
    }
}

/// The hour with which the day starts, and what was counted in it and those that follow.
fn by_hour(board: &Board) -> (usize, [u64; 24]) {
    let report = &board.facts.reports.hours;
    let zone = Zone::new(&report.zone);
    let hour_of = |at_ms| zone.clock(at_ms).get(..2).and_then(|hour| hour.parse::<usize>().ok()).unwrap_or(0);
    let first = hour_of(report.from_at_ms);
    let mut spent = [0; 24];
    let place = |hour: usize| (hour + 24 - first) % 24;
    for row in &report.rows {
        if let Ok(hour) = row.key.parse::<usize>() {
            spent[place(hour % 24)] += row.ms;
        }
    }
    spent[place(hour_of(board.facts.status.now_at_ms))] += board.grown_ms();
    (first, spent)
}

/// Seven lines: the day, a bar, the time; below the heading.
fn week(canvas: &mut Canvas<'_>, board: &Board, area: Rect) {
    let report = &board.facts.reports.week;
    let (_, last) = Zone::new(&report.zone).days(report.from_at_ms, report.to_at_ms);
    let days: Vec<_> = (-6..=0)
        .map(|back| {
            let day = last.plus(back).to_string();
            let row = report.rows.iter().find(|row| row.key == day);
            let grown = if back == 0 { board.grown_ms() } else { 0 };
            (day, row.map_or(0, |row| row.ms) + grown)
        })
        .collect();
    let total: u64 = days.iter().map(|(_, ms)| ms).sum();
    canvas.put(area, 0, &[("Seven days ", Ink::Plain), (&glance(total), Ink::Strong)]);
    let most = days.iter().map(|(_, ms)| *ms).max().unwrap_or(0);
    let times = days.iter().map(|(_, ms)| width(&glance(*ms))).max().unwrap_or(0);
    let cells = usize::from(area.width).saturating_sub(5 + times + 2);
    for (at, (day, ms)) in days.iter().enumerate() {
        let ink = if at == 6 { Ink::Plain } else { Ink::Faint };
        let name = format!("{}  ", weekday(day).unwrap_or("   "));
        let time = format!("{}  ", right(&glance(*ms), times));
        canvas.put(area, at + 1, &[(&name, ink), (&time, ink), (&bar(*ms, most, cells), Ink::Bar)]);
    }
}
