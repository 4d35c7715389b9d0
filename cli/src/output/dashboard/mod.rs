//! The dashboard of `dwell top`: what it knows, and how that is drawn on a screen of any size.
//!
//! Pure: a [`Board`] in, cells out. What does not fit is left out from the least important on: first the charts shrink,
//! then the limits above the list go, then the hints. Colours carry no meaning that is not in words, too.

mod charts;
mod lists;
mod pen;

use dwell_bus::wire;
use dwell_core::time::Millis;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use self::pen::Canvas;
pub(crate) use self::pen::Pen;
use super::instant::Zone;
use super::look::Ink;
use super::text::{plain, width};
use super::{phrase, standing};

/// Which list is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum List {
    #[default]
    Programs,
    Sites,
    Categories,
    Limits,
}

impl List {
    /// In the order of their keys, 1 to 4.
    pub(crate) const ALL: [Self; 4] = [Self::Programs, Self::Sites, Self::Categories, Self::Limits];

    const fn name(self) -> &'static str {
        match self {
            Self::Programs => "Programs",
            Self::Sites => "Sites",
            Self::Categories => "Categories",
            Self::Limits => "Limits",
        }
    }
}

/// What the daemon answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Now, today, limits, health.
    pub(crate) status: wire::Status,
    /// Asked for less often than the status.
    pub(crate) reports: Reports,
}

/// Today and the week, by everything that is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports {
    /// Today by app.
    pub(crate) programs: wire::Report,
    /// Today by domain.
    pub(crate) sites: wire::Report,
    /// Today by category.
    pub(crate) categories: wire::Report,
    /// Today by hour.
    pub(crate) hours: wire::Report,
    /// The last seven days by day.
    pub(crate) week: wire::Report,
}

/// Everything that decides what is seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    /// The last answers.
    pub(crate) facts: Facts,
    /// Why there are no newer ones.
    pub(crate) trouble: Option<String>,
    /// The list in front.
    pub(crate) list: List,
    /// Its first line that is shown.
    pub(crate) first: usize,
    /// How many lines of it fitted when it was last drawn.
    pub(crate) page: usize,
    /// Whether the keys are explained on top of everything.
    pub(crate) help: bool,
}

impl Board {
    /// Whether time is running for something.
    pub(crate) fn is_counting(&self) -> bool {
        let status = &self.facts.status;
        self.trouble.is_none() && status.state == "active" && status.active.is_some()
    }

    /// What was counted since the reports were made. It belongs to what is in focus: had that changed since, the reports
    /// would be newer.
    fn grown_ms(&self) -> u64 {
        let status = &self.facts.status;
        let counting = status.state == "active" && status.active.is_some();
        if counting { status.total_ms.saturating_sub(self.facts.reports.hours.total_ms) } else { 0 }
    }

    /// Shows another list, from its top.
    pub(crate) fn turn_to(&mut self, list: List) {
        if self.list != list {
            self.list = list;
            self.first = 0;
        }
    }

    /// Shows the list that stands so many places further on.
    pub(crate) fn turn(&mut self, by: usize) {
        let at = List::ALL.iter().position(|list| *list == self.list).unwrap_or(0);
        self.turn_to(List::ALL[(at + by) % List::ALL.len()]);
    }

    /// Moves the list. Where it ends is known when it is drawn.
    pub(crate) fn scroll(&mut self, by: isize) {
        self.first = self.first.saturating_add_signed(by);
    }
}

/// Columns from which the limits have a place of their own beside the list.
const WIDE: u16 = 120;

/// Draws all of it.
pub(crate) fn draw(frame: &mut Frame<'_>, board: &mut Board, pen: Pen) {
    let area = frame.area();
    let mut canvas = Canvas::new(frame.buffer_mut(), area, pen);
    top(&mut canvas, board);
    let below = lists::heading(&mut canvas, board);
    let (list, side) = if area.width >= WIDE && board.list != List::Limits {
        let half = below.width / 2;
        let side = Rect { x: below.x + half + 2, width: below.width - half - 2, ..below };
        (Rect { width: half, ..below }, Some(side))
    } else {
        (below, None)
    };
    lists::draw(&mut canvas, board, list);
    if let Some(side) = side {
        lists::side(&mut canvas, board, side);
    }
    if area.height >= 8 {
        footer(&mut canvas, board);
    }
    if board.help {
        help(frame, pen);
    }
    if !pen.unicode {
        pen::to_ascii(frame.buffer_mut());
    }
}

/// What has attention, what is in force, what does not work, and the charts.
fn top(canvas: &mut Canvas<'_>, board: &Board) {
    let status = &board.facts.status;
    let mut notes: Vec<(String, Ink)> = Vec::new();
    match &board.trouble {
        // What has focus now is not known then; what was counted before still holds.
        Some(trouble) => notes.push((plain(trouble).into_owned(), Ink::Bad)),
        None => now(canvas, status),
    }
    if status.vault == "sealed" {
        notes.push(("The vault is sealed: only what is counted since then is shown".into(), Ink::Soon));
    }
    let in_force = status.standing.as_ref().map(|now| standing::lines(now, status.now_at_ms));
    if status.paused && status.standing.as_ref().is_none_or(|now| now.paused_until_at_ms.is_none()) {
        notes.push(("Your rules are paused".into(), Ink::Soon));
    }
    notes.extend(in_force.into_iter().flatten().map(|line| (line, Ink::Soon)));
    notes.extend(phrase::problems(&status.health).into_iter().map(|line| (line, Ink::Bad)));
    let room = usize::from(canvas.height() / 6).max(1);
    let hidden = notes.len().saturating_sub(room);
    if hidden > 0 {
        notes.truncate(room);
        if let Some((last, _)) = notes.last_mut() {
            last.push_str(&format!(" (and {hidden} more: dwell status)"));
        }
    }
    for (note, ink) in notes {
        canvas.say(&[(&note, ink)]);
    }
    charts::draw(canvas, board);
}

fn now(canvas: &mut Canvas<'_>, status: &wire::Status) {
    let what = phrase::attention(status);
    let since = match &status.active {
        Some(active) if status.state == "active" => {
            let lasted = u64::try_from(status.now_at_ms.saturating_sub(active.since_at_ms)).unwrap_or(0);
            let since = Zone::new(&status.zone).near(active.since_at_ms, status.now_at_ms);
            format!("since {since}, {}", Millis::from_secs(lasted / 1000))
        }
        _ => String::new(),
    };
    if since.is_empty() {
        canvas.say(&[(&what, Ink::Strong)]);
    } else if width(&what) + 2 + width(&since) <= canvas.width() {
        canvas.say(&[(&what, Ink::Strong), ("  ", Ink::Plain), (&since, Ink::Faint)]);
    } else {
        canvas.say(&[(&what, Ink::Strong)]);
        canvas.say(&[(&since, Ink::Faint)]);
    }
}

/// The keys, as far as they fit, and where in the list we are.
fn footer(canvas: &mut Canvas<'_>, board: &Board) {
    let length = lists::length(board);
    let shown = (board.first + board.page).min(length);
    let place = if length > board.page && board.page > 0 {
        format!("{}-{shown} of {length}", board.first + 1)
    } else {
        String::new()
    };
    let mut hints = String::new();
    for hint in ["q quit", "? help", "Tab next list", "1-4 lists", "↑↓ scroll"] {
        let gap = if hints.is_empty() { 0 } else { 3 };
        if width(&hints) + gap + width(hint) + 2 + width(&place) > canvas.width() {
            break;
        }
        hints.push_str(&" ".repeat(gap));
        hints.push_str(hint);
    }
    let gap = canvas.width().saturating_sub(width(&hints) + width(&place));
    canvas.bottom(&[(&hints, Ink::Faint), (&" ".repeat(gap), Ink::Faint), (&place, Ink::Faint)]);
}

const KEYS: [(&str, &str); 8] = [
    ("q Esc", "quit (Ctrl-C, too)"),
    ("Tab", "the next list"),
    ("1 2", "programs, sites"),
    ("3 4", "categories, limits"),
    ("↑ ↓", "scroll, by a line"),
    ("PgUp PgDn", "by a page"),
    ("Home End", "to the top, to the end"),
    ("Ctrl-Z", "stop; `fg` comes back"),
];

fn help(frame: &mut Frame<'_>, pen: Pen) {
    let area = frame.area();
    let (columns, rows) = (area.width.min(44), area.height.min(10));
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    };
    let wide = columns >= 40;
    let lines = KEYS.iter().map(|(key, does)| {
        let key = if wide { format!("  {key:<11}") } else { format!("{key} ") };
        Line::from(vec![Span::styled(key, pen.style(Ink::Strong)), Span::raw(*does)])
    });
    let lines: Vec<_> = lines.collect();
    let block = if wide && rows >= 10 { Block::bordered().title(" Keys ") } else { Block::new() };
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block), place);
}

#[cfg(test)]
mod tests;
