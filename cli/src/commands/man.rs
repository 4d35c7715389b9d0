//! `dwell man DIR` (hidden, for packagers): a manual page for every command.

use std::path::{Path, PathBuf};

use crate::error::{End, Error, Kind, reason};

/// Write the manual pages into a folder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An existing folder
    dir: PathBuf,
}

/// Writes the pages.
pub(crate) fn run(args: &Args) -> Result<End, Error> {
    let written = pages().into_iter().try_for_each(|(name, page)| std::fs::write(args.dir.join(name), page));
    let folder = Path::display(&args.dir);
    written.map(|()| End::Well).map_err(|why| {
        Error::new(Kind::Failed, format!("the manual pages cannot be written to {folder}: {}", reason(&why)))
            .hint("name an existing folder")
    })
}

/// File names and contents; the same in every build of one version.
fn pages() -> Vec<(String, Vec<u8>)> {
    let mut command = crate::cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages);
    pages
}

fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let version = concat!("dwell ", env!("CARGO_PKG_VERSION"));
    let manual =
        clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).source(version).manual("dwell");
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    if manual.render(&mut page).is_ok() {
        if name == "dwell" {
            page.extend_from_slice(MORE.as_bytes());
        }
        pages.push((format!("{name}.1"), page));
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        collect(sub, pages);
    }
}

/// What the page of `dwell` itself says beyond its options.
const MORE: &str = r#".SH "EXIT STATUS"
.TP
0
Well.
.TP
1
Something failed, or \fBdwell doctor\fR or \fBdwell vault verify\fR found a problem.
.TP
2
Wrong usage, a value that makes no sense, or an unknown id.
.TP
3
Nothing, or not enough, is recorded.
.TP
4
Denied, or the vault is locked.
.TP
5
The daemon cannot be reached.
.TP
10
Blocked by a rule.
.SH "CHANGING YOUR MIND"
What makes a rule stricter holds at once. What makes it looser waits 24 hours, counted while the machine is on, and then
for \fBdwell limit confirm\fR; \fBdwell limit pending\fR lists what waits, and \fBdwell limit cancel\fR gives it up. A
rule that is \fIopen\fR can be loosened at once, one that is \fIlocked\-until\fR a day not before that day. For ten
minutes after it was made every rule can be changed freely. \fBdwell exit\fR always opens: ten minutes later all your
own rules are off until the next day starts.
.SH "WHEN SOMETHING IS WRONG"
\fBdwell doctor\fR tells of each part whether it works, and after an arrow the one command or step that mends it: the
bus, the daemon and its unit, the desktop, what tells of focus, input, locks and sleep, notifications, the vault and its
keys, and the configuration. It starts nothing and changes nothing.
.PP
\fBdwell doctor \-\-fix\fR mends what needs no root: it starts the daemon, has it started at each log\-in, and tells it
where your display is. On GNOME it writes dwell's extension to \fI~/.local/share/gnome\-shell/extensions\fR and switches
it on in your settings, also if you switched it off. A masked unit stays masked and a locked vault locked. What it did is
told first (with \fB\-\-json\fR on standard error); then everything is looked at again. It exits 0 when all is well by
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
.SH FILES
.TP
\fI~/.config/dwell/config.toml\fR
The configuration. Nothing private is in it.
.TP
\fI~/.local/share/dwell/\fR
The vault: everything recorded, encrypted.
.SH "SEE ALSO"
\fBsystemctl\fR(1), \fBbusctl\fR(1)
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let names: Vec<_> = pages().into_iter().map(|(name, _)| name).collect();
        insta::assert_snapshot!(names.join(" "), @"dwell.1 dwell-status.1 dwell-report.1 dwell-spans.1 dwell-limit.1 dwell-limit-set.1 dwell-limit-list.1 dwell-limit-show.1 dwell-limit-remove.1 dwell-limit-pending.1 dwell-limit-confirm.1 dwell-limit-cancel.1 dwell-limit-try.1 dwell-why.1 dwell-check.1 dwell-snooze.1 dwell-downtime.1 dwell-focus.1 dwell-open.1 dwell-pause.1 dwell-resume.1 dwell-exit.1 dwell-reset-week.1 dwell-rules.1 dwell-rules-export.1 dwell-rules-import.1 dwell-rules-edit.1 dwell-rules-check.1 dwell-category.1 dwell-category-list.1 dwell-category-which.1 dwell-category-set.1 dwell-category-unset.1 dwell-watch.1 dwell-browser.1 dwell-browser-install.1 dwell-browser-remove.1 dwell-browser-status.1 dwell-doctor.1 dwell-key.1 dwell-key-list.1 dwell-key-add.1 dwell-key-remove.1 dwell-key-recovery.1 dwell-key-rotate.1 dwell-vault.1 dwell-vault-unlock.1 dwell-vault-lock.1 dwell-vault-info.1 dwell-vault-verify.1 dwell-vault-backup.1 dwell-vault-restore.1 dwell-vault-salvage.1 dwell-vault-accept.1 dwell-forget.1 dwell-privacy.1 dwell-config.1 dwell-config-show.1 dwell-config-path.1 dwell-config-check.1 dwell-completions.1");
        for (name, page) in pages() {
            let page = String::from_utf8(page).unwrap();
            assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
        }
    }
}
