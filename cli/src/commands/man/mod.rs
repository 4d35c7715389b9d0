//! `dwell man DIR` (hidden, for packagers): a manual page for every command, for the configuration, the text of rules
//! and the daemon.
//!
//! Options are described by clap_mangen from the command line itself, examples come from [`crate::examples`]; what else
//! a page has is here. Every page is the same in every build of one version.

mod configuration;
mod others;
mod roff;

use std::path::{Path, PathBuf};

use roff::{escaped, folded, literal, paragraph, section, see, term, tidied};

use crate::error::{End, Error, Kind, reason};

/// Write the manual pages into a folder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An existing folder
    dir: PathBuf,
}

/// A file name, and what is in it.
type Page = (String, Vec<u8>);

/// When the words of these pages last changed much: a page must have a date, and the same one in each build.
const DATE: &str = "2026-11-22";
/// Who made it.
const SOURCE: &str = concat!("dwell ", env!("CARGO_PKG_VERSION"));

/// Writes the pages.
pub(crate) fn run(args: &Args) -> Result<End, Error> {
    let written = pages().into_iter().try_for_each(|(name, page)| std::fs::write(args.dir.join(name), page));
    let folder = Path::display(&args.dir);
    written.map(|()| End::Well).map_err(|why| {
        Error::new(Kind::Failed, format!("the manual pages cannot be written to {folder}: {}", reason(&why)))
            .hint("name an existing folder")
    })
}

/// File names and contents.
fn pages() -> Vec<Page> {
    let mut command = crate::cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = vec![configuration::page(), others::rules(), others::daemon()];
    collect(&command, "dwell", None, &mut pages);
    pages
}

fn collect(command: &clap::Command, path: &str, above: Option<&str>, pages: &mut Vec<Page>) {
    let shown = || command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    let name = path.replace(' ', "-");
    let below = shown().map(|sub| format!("{name}-{}(1)", sub.get_name()));
    let above = above.map(|above| format!("{}(1)", above.replace(' ', "-")));
    let mut related: Vec<String> = above.into_iter().chain(below).collect();
    related.extend(topics(path).iter().map(|topic| (*topic).to_owned()));
    let related: Vec<&str> = related.iter().map(String::as_str).collect();
    pages.push(finished(&format!("{name}.1"), &text(command, path), &related));
    shown().for_each(|sub| collect(sub, &format!("{path} {}", sub.get_name()), Some(path), pages));
}

/// Pages that have more on a command's matter.
fn topics(path: &str) -> &'static [&'static str] {
    let top = path.split(' ').nth(1).unwrap_or_default();
    match top {
        "" => &["dwell.toml(5)", "dwell-rules(5)", "dwelld(8)"],
        "config" => &["dwell.toml(5)", "dwelld(8)"],
        "limit" | "rules" | "category" | "snooze" | "downtime" | "why" | "check" => &["dwell-rules(5)"],
        "vault" | "key" | "doctor" | "browser" => &["dwelld(8)"],
        _ => &[],
    }
}

const SEE_CONFIG: &[&str] = &["dwell(1)", "dwell-config(1)", "dwelld(8)"];

/// The page of a command, up to what is related.
fn text(command: &clap::Command, path: &str) -> String {
    let name = path.replace(' ', "-");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = head(&name.to_uppercase(), 1, &format!("{} \\- {}", escaped(&name), escaped(&about)));
    page += &section("SYNOPSIS");
    page += &synopsis(command, path);
    page += &section("DESCRIPTION");
    page += &paragraph(&format!("{about}."));
    if path != "dwell"
        && let Some(more) = command.get_after_help()
    {
        for part in more.to_string().split("\n\n") {
            page += ".PP\n";
            page += &if part.starts_with("bash: ") { literal(part) } else { paragraph(part) };
        }
    }
    page += &options(command);
    if path == "dwell" {
        page += &section("CHANGING YOUR MIND");
        page += &paragraph(CHANGING);
        page += MORE;
    }
    page += &section("EXAMPLES");
    for (what, line) in crate::examples::of(path) {
        page += &format!(".PP\n{}", paragraph(&format!("{what}:")));
        page += &literal(line);
    }
    page += &section("EXIT STATUS");
    for (code, what) in codes(path) {
        page += &term(&code.to_string(), what);
    }
    page += &section("FILES");
    page + &files()
}

/// What the options mean, and which commands there are, in clap_mangen's words.
fn options(command: &clap::Command) -> String {
    // Of the hidden ones nobody needs to know, and help is on every command.
    let shown = command
        .clone()
        .mut_args(|argument| if argument.get_id() == "help" { argument.hide(true) } else { argument });
    let manual = clap_mangen::Man::new(shown.clone());
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = manual.render_options_section(&mut page);
    if shown.get_subcommands().any(|sub| !sub.is_hide_set()) {
        let _ = manual.render_subcommands_section(&mut page);
    }
    let page = String::from_utf8_lossy(&page).into_owned();
    // Each section comes with its own definition of an apostrophe; the page has that already.
    let page: String =
        page.lines().filter(|line| !is_preamble(line)).map(|line| format!("{line}\n")).collect();
    tidied(&page.replace("\\*(Aq", "\\(aq"))
}

fn is_preamble(line: &str) -> bool {
    line.starts_with(".ie ") || line.starts_with(".el ")
}

/// How it is called. Options that every command has are left to the page of `dwell`.
fn synopsis(command: &clap::Command, path: &str) -> String {
    let mut words = vec![format!("\\fB{}\\fR", escaped(path).replace(' ', "\\ "))];
    let shown = || command.get_arguments().filter(|a| !a.is_hide_set() && a.get_id() != "help");
    for option in shown().filter(|argument| !argument.is_positional()) {
        if path != "dwell" && option.is_global_set() {
            continue;
        }
        let flag = match (option.get_long(), option.get_short()) {
            (Some(long), _) => format!("\\-\\-{}", escaped(long)),
            (None, Some(short)) => format!("\\-{short}"),
            (None, None) => continue,
        };
        let value = option.get_action().takes_values().then(|| {
            let value = format!("\\fI{}\\fR", escaped(&value_name(option)));
            let optional = option.get_num_args().is_some_and(|count| count.min_values() == 0);
            match (optional, option.is_require_equals_set()) {
                (true, true) => format!("[={value}]"),
                (false, true) => format!("={value}"),
                (_, false) => format!("\\ {value}"),
            }
        });
        let word = format!("\\fB{flag}\\fR{}", value.unwrap_or_default());
        let word = if option.is_required_set() { word } else { format!("[{word}]") };
        words.push(word + repeats(option));
    }
    for argument in shown().filter(|argument| argument.is_positional()) {
        let word = format!("\\fI{}\\fR", escaped(&value_name(argument)));
        let word = if argument.is_required_set() { word } else { format!("[{word}]") };
        words.push(word + repeats(argument));
    }
    if command.get_subcommands().any(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let word = "\\fICOMMAND\\fR";
        words.push(if command.is_subcommand_required_set() { word.to_owned() } else { format!("[{word}]") });
    }
    // Neither stretched nor broken within a word.
    format!(".nh\n.ad l\n{}\n.ad\n.hy\n", words.join("\n"))
}

/// What stands behind a word of which there may be several.
fn repeats(argument: &clap::Arg) -> &'static str {
    if matches!(argument.get_action(), clap::ArgAction::Append) { "..." } else { "" }
}

fn value_name(argument: &clap::Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The exit codes of a command.
fn codes(path: &str) -> Vec<(u8, &'static str)> {
    let top = path.split(' ').nth(1).unwrap_or_default();
    let alone = matches!(top, "config" | "completions");
    let failed = match path {
        "dwell" => "Something failed, or a command that looks for problems found one.",
        "dwell doctor" => "Something failed, or a part does not work.",
        "dwell browser" | "dwell browser status" => "Something failed, or a browser cannot be linked.",
        "dwell vault verify" => "Something failed, or a record is damaged.",
        "dwell limit confirm" => "Something failed, or the change has to wait anew.",
        _ => "Something failed.",
    };
    let all = [
        (0, if path == "dwell check" { "It is allowed." } else { "Well." }),
        (1, failed),
        (2, "Wrong usage, a value that makes no sense, or an unknown id."),
        (3, "Nothing, or not enough, is recorded."),
        (4, "Denied, or the vault is locked."),
        (5, "The daemon cannot be reached."),
        (10, "Blocked by a rule."),
    ];
    let has = |code: u8| match code {
        3 => matches!(
            path,
            "dwell"
                | "dwell report"
                | "dwell spans"
                | "dwell sql"
                | "dwell export"
                | "dwell import activitywatch"
                | "dwell limit try"
                | "dwell forget"
        ),
        4 | 5 => !alone,
        10 => matches!(path, "dwell" | "dwell check"),
        _ => true,
    };
    all.into_iter().filter(|(code, _)| has(*code)).collect()
}

/// Title and name of a page.
fn head(title: &str, section_number: u8, name: &str) -> String {
    format!(".TH {} {section_number} {DATE} \"{SOURCE}\" dwell\n.SH NAME\n{}", escaped(title), folded(name))
}

/// The places of dwell's files.
fn files() -> String {
    term("`~/.config/dwell/config.toml`", "The configuration. Nothing private is in it.")
        + &term("`~/.local/share/dwell/`", "The vault: everything recorded, encrypted.")
}

/// A page with what is related at its end.
fn finished(name: &str, page: &str, related: &[&str]) -> Page {
    // A section begins a paragraph by itself.
    let mut tight = String::with_capacity(page.len());
    let mut begun = false;
    for line in page.lines() {
        if line == ".PP" && begun {
            continue;
        }
        begun = line == ".PP" || line.starts_with(".SH");
        tight.push_str(line);
        tight.push('\n');
    }
    let mut page = tight + &section("SEE ALSO");
    let mut related: Vec<&str> = related.to_vec();
    if name != "dwell.1" && !related.contains(&"dwell(1)") {
        related.push("dwell(1)");
    }
    // By section, then by name, as manual pages have it.
    related.sort_by_key(|page| {
        let (name, section) = page.split_once('(').unwrap_or((page, ""));
        (section, name)
    });
    related.dedup();
    let last = related.len().saturating_sub(1);
    for (number, other) in related.iter().enumerate() {
        page += &see(other);
        page += if number == last { "\n" } else { ",\n" };
    }
    (name.to_owned(), page.into_bytes())
}

/// What loosening a rule costs.
const CHANGING: &str = "\
What makes a rule stricter holds at once. What makes it looser waits 24 hours, counted while the machine is on, and then \
for `dwell limit confirm`; `dwell limit pending` lists what waits, and `dwell limit cancel` gives it up. A rule that is \
open can be loosened at once, one that is locked-until a day not before that day. For ten minutes after it was made every \
rule can be changed freely. `dwell exit` always opens: ten minutes later all your own rules are off until the next day \
starts.";

/// What the page of `dwell` itself says beyond its options.
const MORE: &str = r#".SH "WHEN SOMETHING IS WRONG"
\fBdwell doctor\fR tells of each part whether it works, and after an arrow the
one command or step that mends it: the
bus, the daemon and its unit, the desktop, what tells of focus, input, locks and
sleep, notifications, the vault and its
keys, and the configuration. It starts nothing and changes nothing.
.PP
\fBdwell doctor \-\-fix\fR mends what needs no root: it starts the daemon, has
it started at each log\-in, and tells it
where your display is. On GNOME it writes dwell's extension to
\fI~/.local/share/gnome\-shell/extensions\fR and switches
it on in your settings, also if you switched it off. A masked unit stays masked
and a locked vault locked. What it did is
told first (with \fB\-\-json\fR on standard error); then everything is looked at
again. It exits 0 when all is well by
then.
.SH ENVIRONMENT
.TP
\fBDWELL_BUS\fR
\fBsession\fR (the default) or \fBsystem\fR: where the daemon is.
.TP
\fBDWELL_CONFIG\fR
Another place of the configuration.
.TP
\fBVISUAL\fR, \fBEDITOR\fR
The editor of \fBdwell rules edit\fR.
.TP
\fBXDG_RUNTIME_DIR\fR
Where the rules lie meanwhile; it must be in memory.
.TP
\fBNO_COLOR\fR, \fBCOLUMNS\fR
No colours; the width of a line.
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_every_section() {
        let pages = pages();
        for (name, page) in &pages {
            let page = std::str::from_utf8(page).unwrap();
            let sections = ["NAME", "DESCRIPTION", "EXAMPLES", "FILES", "SEE ALSO"];
            let of_a_program = ["SYNOPSIS", "EXIT STATUS"];
            let program = of_a_program.iter().filter(|_| !name.ends_with(".5"));
            for wanted in sections.iter().chain(program) {
                let there = page
                    .lines()
                    .any(|line| line == format!(".SH {wanted}") || line == format!(".SH \"{wanted}\""));
                assert!(there, "{name} has no {wanted}");
            }
            assert!(page.is_ascii(), "{name}");
        }
    }

    #[test]
    fn values_stand_in_the_synopsis_as_they_are_typed() {
        let pages = pages();
        let (_, page) = pages.iter().find(|(name, _)| name == "dwell-report.1").unwrap();
        let page = std::str::from_utf8(page).unwrap();
        assert!(page.contains("[\\fB\\-\\-save\\fR[=\\fIFILE\\fR]]"), "{page}");
        assert!(page.contains("[\\fB\\-\\-by\\fR\\ \\fIBY\\fR]\n"), "{page}");
        assert!(page.contains("[\\fB\\-\\-app\\fR\\ \\fIID\\fR]...\n"), "{page}");
        let (_, page) = pages.iter().find(|(name, _)| name == "dwell-import-activitywatch.1").unwrap();
        assert!(std::str::from_utf8(page).unwrap().contains("\\fIFILE\\fR...\n"));
    }

    #[test]
    fn related_pages_exist() {
        let pages = pages();
        let ours: Vec<String> = pages.iter().map(|(name, _)| name.clone()).collect();
        for (name, page) in &pages {
            let page = std::str::from_utf8(page).unwrap();
            let related = page.split(".SH \"SEE ALSO\"\n").nth(1).unwrap();
            for line in related.lines() {
                let plain = line.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
                let plain = plain.trim_end_matches(',').trim_end_matches(')').replace('(', ".");
                assert!(ours.contains(&plain) || plain.starts_with("systemctl."), "{name} names {plain}");
                assert_ne!(&plain, name, "a page names itself");
            }
        }
    }
}
