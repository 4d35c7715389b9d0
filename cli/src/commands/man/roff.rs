//! Text for a manual page: escaped, and in lines that its checkers have nothing to say about.

/// The longest line of a page's source, in bytes.
const LINE: usize = 80;

/// A section's head.
pub(super) fn section(title: &str) -> String {
    format!(".SH \"{title}\"\n")
}

/// Running text. What stands between backquotes is a command, and is shown bold.
pub(super) fn paragraph(text: &str) -> String {
    folded(&marked(text))
}

/// A term, and what it means. Backquotes mark commands in both.
pub(super) fn term(term: &str, meaning: &str) -> String {
    format!(".TP\n{}{}", folded(&marked(term)), paragraph(meaning))
}

/// Lines that stay as they are.
pub(super) fn literal(text: &str) -> String {
    let mut page = ".PP\n.RS 4\n.nf\n".to_owned();
    for line in text.lines() {
        page.push_str(&guarded(&escaped(line)));
        page.push('\n');
    }
    page + ".fi\n.RE\n"
}

/// `dwell-report(1)` as it is written in SEE ALSO.
pub(super) fn see(page: &str) -> String {
    match page.split_once('(') {
        Some((name, section)) => format!("\\fB{}\\fR({section}", escaped(name)),
        None => escaped(page),
    }
}

/// What roff would take for something else, written so that it does not.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            '`' => out.push_str("\\(ga"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            '→' => out.push_str("\\(->"),
            '…' => out.push_str("..."),
            other => out.push(other),
        }
    }
    out
}

fn marked(text: &str) -> String {
    let mut parts = text.split('`');
    let mut out = escaped(parts.next().unwrap_or_default());
    for (number, part) in parts.enumerate() {
        out.push_str(if number % 2 == 0 { "\\fB" } else { "\\fR" });
        out.push_str(&escaped(part));
    }
    out
}

/// A line that begins like a request, and is none.
fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}

/// Escaped text in lines that are not too long.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().map(str::trim_end) {
        let mut width = 0;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if width > 0 && width + 1 + word.len() > LINE {
                out.push('\n');
                width = 0;
            } else if width > 0 {
                out.push(' ');
                width += 1;
            }
            let word = if width == 0 { guarded(word) } else { word.to_owned() };
            width += word.len();
            out.push_str(&word);
        }
        out.push('\n');
    }
    out
}

/// clap_mangen's sections as its checkers want them: no blank at an end, no empty line beside a break, lists without gaps,
/// nothing too long.
pub(super) fn tidied(page: &str) -> String {
    let page = page.replace(".br\n\n.br\n", ".sp\n").replace(".RS 14\n", ".RS 7\n.PD 0\n");
    let mut out = String::new();
    let mut listed = false;
    for line in page.lines() {
        listed |= line == ".PD 0";
        if line == ".RE" && std::mem::take(&mut listed) {
            out.push_str(".PD\n");
        }
        if line.starts_with('.') {
            out.push_str(line.trim_end());
            out.push('\n');
        } else if !line.is_empty() {
            out.push_str(&folded(line));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_marked_and_folded() {
        assert_eq!(paragraph("say `dwell -h`"), "say \\fBdwell \\-h\\fR\n");
        assert_eq!(literal(".x\n'y"), ".PP\n.RS 4\n.nf\n\\&.x\n\\(aqy\n.fi\n.RE\n");
        let long = "word ".repeat(40);
        assert!(paragraph(&long).lines().all(|line| line.len() <= LINE && !line.ends_with(' ')));
        assert_eq!(folded("a .b"), "a .b\n");
        assert_eq!(see("dwell-report(1)"), "\\fBdwell\\-report\\fR(1)");
    }
}
