//! The page as a text: its head, its parts, and what may stand in it.

use std::fmt::Write as _;

use crate::output::text::plain;

/// A text as it may stand in the page, in an element or in a quoted attribute: no tag, no entity, nothing that turns the
/// reading direction.
pub(super) fn esc(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in plain(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A page that is being written. All that is put in as it is (`raw`) must be ours, or escaped.
pub(super) struct Page {
    text: String,
    sections: usize,
}

/// A table below a chart: a header, and rows of cells. The first cell of a row names it.
#[derive(Default)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// A chart with all that belongs to it.
pub(super) struct Figure<'a> {
    pub(super) heading: &'a str,
    /// What the chart is, for those who do not see it.
    pub(super) description: &'a str,
    /// One or two sentences below it.
    pub(super) caption: &'a str,
    /// In pixels; as wide as the page.
    pub(super) height: u32,
    /// What is within `<svg>`.
    pub(super) drawing: String,
    /// A legend as HTML.
    pub(super) legend: String,
    pub(super) table: Table,
}

impl Page {
    /// The head, and the patterns that charts share.
    pub(super) fn begin(title: &str, style: &str) -> Self {
        let mut text = String::with_capacity(64 << 10);
        text.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        text.push_str(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        );
        text.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        text.push_str("<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
        let _ = write!(text, "<title>{}</title>\n<style>\n{style}</style>\n</head>\n<body>\n", esc(title));
        text.push_str(&patterns());
        Self { text, sections: 0 }
    }

    /// Adds HTML.
    pub(super) fn raw(&mut self, html: &str) {
        self.text.push_str(html);
    }

    /// Adds a chart.
    pub(super) fn figure(&mut self, figure: &Figure<'_>) {
        self.sections += 1;
        let n = self.sections;
        let Figure { heading, description, caption, height, drawing, legend, table } = figure;
        let (heading, description, caption) = (esc(heading), esc(description), esc(caption));
        // Writing to a string cannot fail.
        let _ = write!(
            self.text,
            "<section aria-labelledby=\"h{n}\"><h2 id=\"h{n}\">{heading}</h2>\n<figure>\n\
             <svg role=\"img\" aria-labelledby=\"t{n} d{n}\" width=\"100%\" height=\"{height}\">\
             <title id=\"t{n}\">{heading}</title><desc id=\"d{n}\">{description}</desc>\n{drawing}</svg>\n\
             {legend}<figcaption>{caption}</figcaption>\n</figure>\n\
             <details><summary>{heading}: the table</summary>\n\
             <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{heading}: the table\">{}</div></details>\n\
             </section>\n",
            table.html()
        );
    }

    /// The end, and the whole.
    pub(super) fn end(mut self) -> String {
        self.text.push_str(
            "</main>\n<footer><p>Made by dwell on this computer. The page is not encrypted: whoever has the file can read \
             it. It loads nothing and sends nothing.</p></footer>\n</body>\n</html>\n",
        );
        self.text
    }
}

impl Table {
    fn html(&self) -> String {
        let mut text = String::from("<table><thead><tr>");
        for cell in &self.header {
            let _ = write!(text, "<th scope=\"col\">{}</th>", esc(cell));
        }
        text.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            text.push_str("<tr>");
            for (nth, cell) in row.iter().enumerate() {
                let _ = if nth == 0 {
                    write!(text, "<th scope=\"row\">{}</th>", esc(cell))
                } else {
                    write!(text, "<td>{}</td>", esc(cell))
                };
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</tbody></table>");
        text
    }
}

/// How many looks there are; the last one but one is that of the others, the last that of what has none.
pub(super) const LOOKS: usize = 10;

/// The looks of series: each a colour with a pattern of its own, for those who do not tell colours apart.
fn patterns() -> String {
    const MARKS: [&str; LOOKS] = [
        "",
        "<path d=\"M-2 2l4-4M0 8l8-8M6 10l4-4\"/>",
        "<circle cx=\"4\" cy=\"4\" r=\"1.5\"/>",
        "<path d=\"M0 4h8\"/>",
        "<path d=\"M-2 6l4 4M0 0l8 8M6-2l4 4\"/>",
        "<path d=\"M4 0v8\"/>",
        "<path d=\"M0 4h8M4 0v8\"/>",
        "<path d=\"M0 8l4-4l4 4M0 4l4-4l4 4\"/>",
        "<path d=\"M0 2h8M0 6h8\"/>",
        "<circle cx=\"2\" cy=\"2\" r=\"1\"/><circle cx=\"6\" cy=\"6\" r=\"1\"/>",
    ];
    let mut text =
        String::from("<svg width=\"0\" height=\"0\" class=\"looks\" aria-hidden=\"true\"><defs>\n");
    for (nth, mark) in MARKS.iter().enumerate() {
        let _ = writeln!(
            text,
            "<pattern id=\"p{nth}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
             <rect width=\"8\" height=\"8\" class=\"c{nth}\"/><g class=\"mark\">{mark}</g></pattern>"
        );
    }
    text.push_str("</defs></svg>\n");
    text
}
