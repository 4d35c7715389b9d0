//! The list in front, its heading, and the limits beside or above it.

use dwell_bus::wire;
use ratatui::layout::Rect;

use super::pen::Canvas;
use super::{Board, List, WIDE};
use crate::output::instant::Zone;
use crate::output::look::Ink;
use crate::output::report::{labels, percent};
use crate::output::text::{bar, cut, glance, left, right, width};
use crate::output::{limits, phrase};

/// How many lines the list in front has in all.
pub(super) fn length(board: &Board) -> usize {
    match board.list {
        List::Limits => board.facts.status.limits.len(),
        _ => rows(board).len(),
    }
}

/// The limits that are nearest to their ends, where the list in front has none and there is room; then the names of the
/// lists. Returns what is left for the list.
pub(super) fn heading(canvas: &mut Canvas<'_>, board: &Board) -> Rect {
    let height = canvas.height();
    let limits = &board.facts.status.limits;
    let above = board.list != List::Limits && canvas.width() < WIDE.into() && height >= 16;
    if above && !limits.is_empty() {
        canvas.skip(1);
        let area = canvas.rest();
        let lines = nearest(limits, if height >= 22 { 3 } else { 1 });
        limit_lines(canvas, board, &lines, area);
        canvas.skip(u16::try_from(lines.len() * limit_height(area)).unwrap_or(0));
    }
    if height >= 14 {
        canvas.skip(1);
    }
    tabs(canvas, board);
    let rest = canvas.rest();
    Rect { height: rest.height.saturating_sub(u16::from(height >= 8)), ..rest }
}

/// `1 Programs  [2 Sites]  3 Categories  4 Limits`, or the one in front alone.
fn tabs(canvas: &mut Canvas<'_>, board: &Board) {
    let named = |(at, list): (usize, List)| {
        let name = format!("{} {}", at + 1, list.name());
        if list == board.list {
            (format!("[{name}]"), Ink::Strong)
        } else {
            (format!(" {name} "), Ink::Faint)
        }
    };
    let all: Vec<_> = List::ALL.into_iter().enumerate().map(named).collect();
    let columns: usize = all.iter().map(|(name, _)| width(name) + 1).sum();
    let pieces: Vec<(&str, Ink)> = if columns <= canvas.width() + 1 {
        all.iter().flat_map(|(name, ink)| [(name.as_str(), *ink), (" ", Ink::Plain)]).collect()
    } else {
        all.iter().filter(|(_, ink)| *ink == Ink::Strong).map(|(name, ink)| (name.as_str(), *ink)).collect()
    };
    canvas.say(&pieces);
}

/// Draws the list in front, and corrects how far it is scrolled.
pub(super) fn draw(canvas: &mut Canvas<'_>, board: &mut Board, area: Rect) {
    let (length, page) = (length(board), usize::from(area.height));
    let page = if board.list == List::Limits { page / limit_height(area) } else { page };
    board.page = page;
    board.first = board.first.min(length.saturating_sub(page.max(1)));
    if length == 0 {
        let said = match board.list {
            List::Programs => "Nothing is recorded today yet",
            List::Sites => "No site is recorded today (dwell browser status tells which browsers are linked)",
            List::Categories => "No category is recorded today",
            List::Limits => "There are no limits (dwell limit set TARGET AMOUNT makes one)",
        };
        for (line, text) in crate::output::text::wrap(said, area.width.into(), 0).iter().enumerate() {
            canvas.put(area, line, &[(text, Ink::Faint)]);
        }
    } else if board.list == List::Limits {
        let lines: Vec<_> = board.facts.status.limits.iter().skip(board.first).take(page).collect();
        limit_lines(canvas, board, &lines, area);
    } else {
        row_lines(canvas, board, area);
    }
}

/// The limits beside the list.
pub(super) fn side(canvas: &mut Canvas<'_>, board: &Board, area: Rect) {
    let limits = &board.facts.status.limits;
    // Beside the names of the lists, so that both columns begin in one line.
    let area = Rect { y: area.y.saturating_sub(1), height: area.height + 1, ..area };
    canvas.put(area, 0, &[("Limits", Ink::Plain)]);
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if limits.is_empty() {
        canvas.put(area, 0, &[("none", Ink::Faint)]);
    }
    let lines = nearest(limits, usize::from(area.height) / limit_height(area));
    limit_lines(canvas, board, &lines, area);
}

/// The reports' rows, with what was counted since added to the one that is in focus.
fn rows(board: &Board) -> Vec<wire::Row> {
    let reports = &board.facts.reports;
    let active = board.facts.status.active.as_ref();
    let (report, focus) = match board.list {
        List::Sites => (&reports.sites, active.and_then(|active| active.domain.as_deref())),
        List::Categories => (&reports.categories, None),
        List::Programs | List::Limits => (&reports.programs, active.map(|active| active.app.as_str())),
    };
    let mut rows = report.rows.clone();
    let grows = |row: &&mut wire::Row| row.kind == "focus" && focus == Some(row.key.as_str());
    if let Some(row) = rows.iter_mut().find(grows) {
        row.ms += board.grown_ms();
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.ms));
    rows
}

fn row_lines(canvas: &mut Canvas<'_>, board: &Board, area: Rect) {
    let rows = rows(board);
    let by = if board.list == List::Sites { "domain" } else { "app" };
    let names = labels(&rows, by);
    let total = match board.list {
        // These do not grow between two reports, so they are parts of what was reported.
        List::Categories => board.facts.reports.categories.total_ms,
        _ => board.facts.status.total_ms,
    };
    let most = rows.iter().map(|row| row.ms).max().unwrap_or(0);
    let times = rows.iter().map(|row| width(&glance(row.ms))).max().unwrap_or(0);
    let columns = usize::from(area.width);
    let share_columns = if columns < 40 { 0 } else { 6 };
    let fixed = times + 2 + share_columns;
    let bars = if columns < 50 { 0 } else { (columns / 2).min(columns.saturating_sub(fixed + 2 + 16)) };
    // Names take what they need, and no more than leaves room for the rest.
    let room = columns.saturating_sub(fixed + if bars > 0 { bars + 2 } else { 0 });
    let named = names.iter().map(|name| width(name)).max().unwrap_or(0).min(room);
    let bars = if bars > 0 { columns - fixed - 2 - named } else { 0 };
    for (line, (row, name)) in rows.iter().zip(&names).skip(board.first).take(area.height.into()).enumerate()
    {
        let time = right(&glance(row.ms), times);
        let share = if share_columns > 0 {
            format!("  {}", right(&percent(row.ms, total), 4))
        } else {
            String::new()
        };
        let cells = if bars > 0 { format!("  {}", bar(row.ms, most, bars)) } else { String::new() };
        canvas.put(
            area,
            line,
            &[
                (&left(name, named), Ink::Plain),
                ("  ", Ink::Plain),
                (&time, Ink::Plain),
                (&share, Ink::Faint),
                (&cells, Ink::Bar),
            ],
        );
    }
}

/// What blocks, then what is used most, at most so many.
fn nearest(limits: &[wire::Limit], most: usize) -> Vec<&wire::Limit> {
    let mut lines: Vec<_> = limits.iter().collect();
    let used = |limit: &wire::Limit| {
        let (part, whole) = limits::fill(limit);
        u128::from(part.min(whole)) * 1000 / u128::from(whole.max(1))
    };
    let rank = |limit: &wire::Limit| match (limit.suspended, limit.verdict.as_str()) {
        (Some(true), _) => 3,
        (_, "blocked") => 0,
        (_, "warn") => 1,
        _ => 2,
    };
    lines.sort_by_key(|limit| (rank(limit), std::cmp::Reverse(used(limit))));
    lines.truncate(most);
    lines
}

/// Columns below which a limit takes two lines: what and how much, then what is left.
const ONE_LINE: u16 = 56;

fn limit_height(area: Rect) -> usize {
    if area.width < ONE_LINE { 2 } else { 1 }
}

fn limit_lines(canvas: &mut Canvas<'_>, board: &Board, lines: &[&wire::Limit], area: Rect) {
    let zone = Zone::new(&board.facts.status.zone);
    let now_ms = board.facts.status.now_at_ms;
    let cells: Vec<_> = lines
        .iter()
        .map(|limit| (limits::target(limit), limits::used(limit), phrase::state(limit, zone, now_ms)))
        .collect();
    let columns = usize::from(area.width);
    if limit_height(area) > 1 {
        for (line, (target, used, (state, ink))) in cells.iter().enumerate() {
            let room = columns.saturating_sub(width(used) + 1);
            if room >= width(target).min(8) {
                let pieces =
                    [(&*left(target, room), Ink::Plain), (" ", Ink::Plain), (used.as_str(), Ink::Plain)];
                canvas.put(area, 2 * line, &pieces);
            } else {
                canvas.put(area, 2 * line, &[(target, Ink::Plain)]);
            }
            canvas.put(area, 2 * line + 1, &[("  ", Ink::Plain), (state, *ink)]);
        }
        return;
    }
    let most = |columns: &mut dyn Iterator<Item = usize>| columns.max().unwrap_or(0);
    let uses = most(&mut cells.iter().map(|(_, used, _)| width(used)));
    let states = most(&mut cells.iter().map(|(.., (state, _))| width(state)));
    let names = most(&mut cells.iter().map(|(target, ..)| width(target)));
    let room = columns.saturating_sub(uses + states + 4);
    let bars = room.saturating_sub(names.min(24) + 2).min(30);
    let bars = if bars >= 6 { bars } else { 0 };
    let names = names.min(room.saturating_sub(if bars > 0 { bars + 2 } else { 0 }));
    for (line, ((target, used, (state, ink)), limit)) in cells.iter().zip(lines).enumerate() {
        let (part, whole) = limits::fill(limit);
        let filled =
            if bars > 0 { format!("  {}", left(&bar(part, whole, bars), bars)) } else { String::new() };
        canvas.put(
            area,
            line,
            &[
                (&left(target, names), Ink::Plain),
                (&filled, Ink::Bar),
                ("  ", Ink::Plain),
                (&right(used, uses), Ink::Plain),
                ("  ", Ink::Plain),
                (&cut(state, columns), *ink),
            ],
        );
    }
}
