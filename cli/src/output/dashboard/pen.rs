//! What the dashboard is drawn with: inks, a canvas that is filled from the top, and the way back to ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::output::look::Ink;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pen {
    /// Whether there are colours; without them there is no bold either, as everywhere in dwell.
    pub(crate) color: bool,
    /// Whether there is more than ASCII.
    pub(crate) unicode: bool,
}

impl Pen {
    /// How a piece of text looks: the same as [`super::super::look::Look::ink`].
    pub(crate) fn style(self, ink: Ink) -> Style {
        if !self.color {
            return Style::new();
        }
        match ink {
            Ink::Plain => Style::new(),
            Ink::Strong => Style::new().add_modifier(Modifier::BOLD),
            Ink::Faint => Style::new().add_modifier(Modifier::DIM),
            Ink::Bar => Style::new().fg(Color::Cyan),
            Ink::Good => Style::new().fg(Color::Green),
            Ink::Soon => Style::new().fg(Color::Yellow),
            Ink::Bad => Style::new().fg(Color::Red),
        }
    }
}

/// A part of the screen that is filled line by line. Nothing is ever drawn outside of it.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    /// The first line that is free.
    next: u16,
    pen: Pen,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect, pen: Pen) -> Self {
        Self { buffer, area, next: area.y, pen }
    }

    pub(super) fn width(&self) -> usize {
        self.area.width.into()
    }

    pub(super) fn height(&self) -> u16 {
        self.area.height
    }

    /// What is free below what was drawn so far.
    pub(super) fn rest(&self) -> Rect {
        let bottom = self.area.bottom();
        Rect { y: self.next.min(bottom), height: bottom.saturating_sub(self.next), ..self.area }
    }

    /// Leaves lines free.
    pub(super) fn skip(&mut self, lines: u16) {
        self.next = self.next.saturating_add(lines).min(self.area.bottom());
    }

    /// Draws the next line.
    pub(super) fn say(&mut self, pieces: &[(&str, Ink)]) {
        let rest = self.rest();
        self.put(rest, 0, pieces);
        self.skip(1);
    }

    /// Draws the last line, over whatever is there.
    pub(super) fn bottom(&mut self, pieces: &[(&str, Ink)]) {
        let area = self.area;
        self.put(area, usize::from(area.height.saturating_sub(1)), pieces);
    }

    /// Draws a line of a part of the screen, cut where that ends.
    pub(super) fn put(&mut self, part: Rect, line: usize, pieces: &[(&str, Ink)]) {
        let part = part.intersection(self.area);
        let Some(y) = u16::try_from(line).ok().filter(|line| *line < part.height) else { return };
        let spans: Vec<_> =
            pieces.iter().map(|(text, ink)| Span::styled(*text, self.pen.style(*ink))).collect();
        let spans = Line::from(spans);
        if spans.width() > part.width.into() {
            // The cut is seen, as in every table of dwell.
            self.put_cut(part, y, pieces);
        } else {
            self.buffer.set_line(part.x, part.y + y, &spans, part.width);
        }
    }

    fn put_cut(&mut self, part: Rect, y: u16, pieces: &[(&str, Ink)]) {
        let mut left = usize::from(part.width);
        let mut spans = Vec::new();
        for (text, ink) in pieces {
            let kept = crate::output::text::cut(text, left);
            left -= crate::output::text::width(&kept);
            spans.push(Span::styled(kept.into_owned(), self.pen.style(*ink)));
            if left == 0 {
                break;
            }
        }
        self.buffer.set_line(part.x, part.y + y, &Line::from(spans), part.width);
    }
}

/// Turns everything that is not ASCII into something that is, cell by cell: the width stays as it is.
pub(super) fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let plain = match symbol {
            "█" | "▇" | "▆" | "▉" | "▊" | "▋" | "▌" => "#",
            "▅" | "▄" | "▃" => ":",
            "▂" | "▁" => ".",
            "▍" | "▎" | "▏" | "─" => "-",
            "│" => "|",
            "┌" | "┐" | "└" | "┘" => "+",
            "↑" => "^",
            "↓" => "v",
            "…" => "~",
            "–" | "·" => "-",
            _ => "?",
        };
        cell.set_symbol(plain);
    }
}
