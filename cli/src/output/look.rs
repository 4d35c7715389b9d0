//! How output looks on this terminal: its width, and whether it has colours.

use anstyle::{AnsiColor, Style};

/// Width and colours. A plain value, so that tests pin it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether colours are shown.
    pub(crate) color: bool,
}

/// What a piece of text is, for its colour. Never the only carrier of a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As everything around it.
    Plain,
    /// The one thing to see first.
    Strong,
    /// Less important than its surroundings.
    Faint,
    /// A bar.
    Bar,
    /// All is well.
    Good,
    /// Soon something changes.
    Soon,
    /// Something does not work.
    Bad,
}

impl Look {
    /// The text in an ink, or as it is where there are no colours.
    pub(crate) fn ink(self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = match ink {
            Ink::Plain => return text.to_owned(),
            Ink::Strong => Style::new().bold(),
            Ink::Faint => Style::new().dimmed(),
            Ink::Bar => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
            Ink::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Ink::Soon => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Ink::Bad => Style::new().fg_color(Some(AnsiColor::Red.into())),
        };
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_where_there_is_some() {
        assert_eq!(Look { width: 80, color: false }.ink(Ink::Bad, "x"), "x");
        assert_eq!(Look { width: 80, color: true }.ink(Ink::Bad, "x"), "\x1b[31mx\x1b[0m");
    }
}
