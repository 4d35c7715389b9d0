//! Text for terminals: what a name may contain, how wide it is, bars, and lengths of time at a glance.

use std::borrow::Cow;
use std::fmt::Write as _;

use dwell_core::time::Millis;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A foreign text with everything escaped that could move the cursor, change colours or turn the reading direction.
///
/// Names come from desktop files and web pages: an escape sequence in one must not reach the terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if harmful(c) => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text, or as much as fits into `columns` with `…` at its end.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// The text cut or filled on the right to exactly `columns`.
pub(crate) fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(&text))))
}

/// The text cut or filled on the left to exactly `columns`.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(&text))))
}

/// Breaks a text at blanks so that no line is wider than `columns`; words that are wider are cut hard.
/// Lines after the first begin with `indent` blanks.
pub(crate) fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let columns = columns.max(indent + 4);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && width(&line) + 1 + width(word) > columns {
            line.truncate(line.trim_end().len());
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        empty = false;
        for c in word.chars() {
            if width(&line) + c.width().unwrap_or(0) > columns {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

/// A bar of at most `cells` columns for `part` of `whole`, in eighths of a column. Anything above zero shows.
pub(crate) fn bar(part: u64, whole: u64, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if part == 0 || whole == 0 || cells == 0 {
        return String::new();
    }
    let steps = cells as u128 * 8;
    let filled = (u128::from(part.min(whole)) * steps).div_ceil(u128::from(whole));
    let (full, rest) =
        (usize::try_from(filled / 8).unwrap_or(cells), usize::try_from(filled % 8).unwrap_or(0));
    format!("{}{}", "█".repeat(full), EIGHTHS[rest])
}

/// A length of time at a glance: seconds only below ten minutes.
pub(crate) fn glance(ms: u64) -> String {
    let minutes = ms / 60_000;
    let shown = if minutes < 10 { Millis::from_secs(ms / 1000) } else { Millis::from_mins(minutes) };
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_steers_the_terminal() {
        assert_eq!(plain("a\x1b[31mred\x07\n\u{9b}5m"), r"a\u{1b}[31mred\u{7}\n\u{9b}5m");
        assert_eq!(plain("evil\u{202e}gnp.exe"), r"evil\u{202e}gnp.exe");
        assert_eq!(plain("Übersicht 日本 👍🏽"), "Übersicht 日本 👍🏽");
    }

    #[test]
    fn columns_are_counted_not_bytes() {
        assert_eq!(left("日本語", 4), "日… ");
        assert_eq!(left("abc", 5), "abc  ");
        assert_eq!(right("1h", 4), "  1h");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(wrap("one two three", 7, 2), ["one two", "  three"]);
        assert_eq!(wrap("abcdefghij", 6, 2), ["abcdef", "  ghij"]);
    }

    #[test]
    fn bars_are_full_at_the_whole_and_never_longer() {
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(20, 10, 4), "████");
        assert_eq!(bar(5, 10, 3), "█▌");
        assert_eq!(bar(1, u64::MAX, 4), "▏");
        assert_eq!(bar(u64::MAX, u64::MAX, 2), "██");
        assert_eq!(bar(0, 10, 4), "");
        assert_eq!(bar(1, 0, 4), "");
    }

    #[test]
    fn lengths_at_a_glance() {
        let shown: Vec<_> = [0, 999, 59_999, 90_000, 599_999, 659_000, 7_500_000].map(glance).into();
        assert_eq!(shown, ["0s", "0s", "59s", "1m 30s", "9m 59s", "10m", "2h 05m"]);
    }
}
