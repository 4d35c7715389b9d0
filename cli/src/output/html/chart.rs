//! What charts are drawn with: places in percent of the width, rows of bars, legends.

use std::fmt::Write as _;

use super::parts::{LOOKS, esc};
use crate::output::text::{cut, glance, plain};

/// A name on a chart is cut there; the table has it whole.
const NAME_COLUMNS: usize = 30;

/// `part` of `whole` in percent, to a hundredth.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 100.0 }
}

/// A number as short as it can be written: `12.5`, `7`.
pub(super) fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A row of a bar chart: a name, what stands at its end, how long the bar is, and where it ended before, in percent.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) length: f64,
    pub(super) before: Option<f64>,
}

/// In pixels.
const ROW: u32 = 38;

/// Bars below each other, with their names above them; and their height.
pub(super) fn bars(rows: &[Bar]) -> (String, u32) {
    let mut text = String::new();
    let mut top = 0;
    for Bar { name, value, length, before } in rows {
        let before = before.map(|at| {
            let (at, from, to) = (short(at), top + 19, top + 33);
            format!("<line class=\"before\" x1=\"{at}%\" x2=\"{at}%\" y1=\"{from}\" y2=\"{to}\"/>")
        });
        // Writing to a string cannot fail. Anything above nothing shows.
        let _ = writeln!(
            text,
            "<g><title>{0}: {1}</title><text x=\"0\" y=\"{2}\">{3}</text>\
             <text x=\"100%\" y=\"{2}\" class=\"end\">{1}</text>\
             <rect class=\"track\" y=\"{4}\" width=\"100%\" height=\"10\" rx=\"2\"/>\
             <rect class=\"bar\" y=\"{4}\" width=\"{5}%\" height=\"10\" rx=\"2\"/>{6}</g>",
            esc(name),
            esc(value),
            top + 15,
            esc(&cut(&plain(name), NAME_COLUMNS)),
            top + 21,
            short(if *length > 0.0 { length.max(0.5) } else { 0.0 }),
            before.unwrap_or_default()
        );
        top += ROW;
    }
    (text, top)
}

/// Which look the nth of so many series has.
pub(super) fn look(nth: usize, kind: &str) -> usize {
    match kind {
        "none" => LOOKS - 1,
        "others" => LOOKS - 2,
        _ => nth % (LOOKS - 2),
    }
}

/// What each look stands for, with its time.
pub(super) fn legend(entries: &[(usize, &str, u64)]) -> String {
    let mut text = String::from("<ul class=\"legend\">");
    for (look, name, ms) in entries {
        let _ = write!(
            text,
            "<li><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><rect width=\"16\" height=\"16\" rx=\"2\" \
             fill=\"url(#p{look})\"/></svg>{} <b>{}</b></li>",
            esc(&cut(&plain(name), NAME_COLUMNS)),
            glance(*ms)
        );
    }
    text.push_str("</ul>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 12.5, 7.0, 33.333].map(short), ["0", "12.5", "7", "33.33"]);
        assert_eq!(percent(1, 3), 33.33);
        assert_eq!(percent(1, 0), 0.0);
    }
}
