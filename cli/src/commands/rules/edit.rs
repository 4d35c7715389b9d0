//! `dwell rules edit`: the rules in the person's editor.
//!
//! The text lies in a folder of its own in `$XDG_RUNTIME_DIR`, which is memory and only the person's, for as long as
//! the editor runs; it goes with the folder however this ends, short of `kill -9`. What an editor keeps elsewhere is
//! its own matter; vim, which would, is asked not to.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Source, check, cost, import, write_new};
use crate::ask;
use crate::bus::Daemon;
use crate::commands::limit::done;
use crate::console::Console;
use crate::error::{Error, Kind, reason};
use crate::output::{json, rules_json};

/// Opens the editor until the text is right or given up, and takes it.
pub(super) async fn run(yes: bool, console: &mut Console) -> Result<(), Error> {
    let daemon = Daemon::find().await?;
    let before = daemon.ask(|d| d.export_rules()).await?;
    // From here on no signal ends this program at once, so that the folder goes with it.
    let mut signals = Signals::caught()?;
    let desk = Desk::set_up(&before)?;
    let (text, would) = loop {
        edited(&desk.file(), &mut signals).await?;
        let text = Source::File(desk.file()).read().map_err(|why| Source::Editor.named(why))?;
        if text == before {
            if console.json {
                let same = check(&daemon, &Source::Editor, &text).await?;
                console.say(&json::line(&rules_json::Change::new(&same)));
            } else {
                done("Nothing was changed", console);
            }
            return Ok(());
        }
        match check(&daemon, &Source::Editor, &text).await {
            Ok(would) => break (text, would),
            Err(why) if why.kind == Kind::Invalid && ask::somebody() => {
                ask::tell(&format!("{why}\n"));
                let said = answer("Edit again? [Y/n] ", &mut signals).await?;
                if !matches!(said.trim().to_lowercase().as_str(), "" | "y" | "yes") {
                    return Err(Error::new(Kind::Failed, "nothing has changed: the rules have a mistake"));
                }
            }
            Err(why) => return Err(why),
        }
    };
    if !yes
        && ask::somebody()
        && let Some(cost) = cost(&would, console)
    {
        ask::note(console, &cost);
        ask::agreed(&answer(ask::GO_ON, &mut signals).await?)?;
    }
    import(&daemon, &Source::Editor, &text, console).await
}

/// The signals that would end this program and leave the text behind.
struct Signals {
    hangups: Signal,
    ends: Signal,
    /// Ctrl-C is the editor's while that runs.
    _interrupts: Signal,
}

fn caught(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind)
        .map_err(|why| Error::new(Kind::Failed, format!("signals cannot be listened for: {}", reason(&why))))
}

impl Signals {
    fn caught() -> Result<Self, Error> {
        Ok(Self {
            hangups: caught(SignalKind::hangup())?,
            ends: caught(SignalKind::terminate())?,
            _interrupts: caught(SignalKind::interrupt())?,
        })
    }

    /// The terminal has gone, or somebody wants an end.
    async fn end(&mut self) {
        tokio::select! {
            _ = self.hangups.recv() => {}
            _ = self.ends.recv() => {}
        }
    }
}

fn stopped() -> Error {
    Error::new(Kind::Failed, "stopped: nothing has changed")
}

/// One line typed at a terminal, or the end by a signal.
async fn answer(prompt: &str, signals: &mut Signals) -> Result<String, Error> {
    // Only what comes from now on: what was pressed in the editor was meant for it.
    let mut interrupts = caught(SignalKind::interrupt())?;
    ask::tell(prompt);
    tokio::select! {
        () = ask::something_typed() => {}
        _ = interrupts.recv() => return Err(stopped()),
        () = signals.end() => return Err(stopped()),
    }
    Ok(ask::answer("")?.to_string())
}

/// A folder of our own, gone when dropped.
struct Desk(PathBuf);

impl Desk {
    /// Puts the text there.
    fn set_up(text: &str) -> Result<Self, Error> {
        let hint = "take `dwell rules export FILE`, and `dwell rules import FILE`";
        let refuse = |why: &str| {
            Error::new(Kind::Failed, format!("there is no safe place to edit in: {why}")).hint(hint)
        };
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty());
        let runtime = PathBuf::from(runtime.ok_or_else(|| refuse("XDG_RUNTIME_DIR is not set"))?);
        let is_memory = in_memory(&runtime)
            .map_err(|why| refuse(&format!("XDG_RUNTIME_DIR cannot be used: {}", reason(&why))))?;
        if !is_memory {
            return Err(refuse("XDG_RUNTIME_DIR is on a disk, and the rules are private"));
        }
        let folder = runtime.join(format!("dwell-edit-{}", std::process::id()));
        let failed = |why: io::Error| refuse(&reason(&why));
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
        let desk = Self(folder);
        write_new(&desk.file(), text).map_err(failed)?;
        Ok(desk)
    }

    fn file(&self) -> PathBuf {
        self.0.join("rules.toml")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Swap files and backups that the editor left lie there as well.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a folder lies in memory and not on a disk.
fn in_memory(folder: &Path) -> io::Result<bool> {
    const TMPFS: u32 = 0x0102_1994;
    const RAMFS: u32 = 0x8584_58f6;
    // The kernel's type of this number differs between machines; all of them hold 32 bits of it.
    let kind = rustix::fs::statfs(folder)?.f_type & 0xffff_ffff;
    Ok([TMPFS, RAMFS].iter().any(|memory| u64::from(*memory) == kind.cast_unsigned()))
}

/// Runs the editor to its end.
async fn edited(file: &Path, signals: &mut Signals) -> Result<(), Error> {
    let editor = editor();
    // As git does: the editor may come with arguments of its own, which a shell takes apart.
    let mut line = editor.clone();
    line.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg("sh").args(discretion(&editor)).arg(file);
    let shown = editor.to_string_lossy().into_owned();
    let failed = |what: &str| {
        Error::new(Kind::Failed, format!("the editor \"{shown}\" {what}, and nothing has changed"))
            .hint("choose another one with EDITOR")
    };
    let mut child = command.spawn().map_err(|_| failed("cannot be run"))?;
    tokio::select! {
        end = child.wait() => match end {
            Ok(end) if end.success() => Ok(()),
            _ => Err(failed("ended with an error")),
        },
        () = signals.end() => Err(stopped()),
    }
}

fn editor() -> OsString {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".into())
}

/// What makes vim keep nothing of the text elsewhere: no swap file, no history, no undo file.
fn discretion(editor: &OsStr) -> &'static [&'static str] {
    let is_vim = editor.to_str().is_some_and(|name| {
        let program = name.split_whitespace().next().unwrap_or_default();
        resolved(program).is_some_and(|name| name.starts_with("vim") || name == "nvim")
    });
    if is_vim { &["-n", "-i", "NONE", "-c", "set noundofile nobackup nowritebackup"] } else { &[] }
}

/// The name of the program that a word leads to: `vi` may be vim.
fn resolved(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = places.into_iter().find_map(|place| std::fs::canonicalize(place).ok())?;
    Some(found.file_name()?.to_str()?.to_owned())
}
