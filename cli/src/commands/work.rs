//! Long work: its progress, its end, and Ctrl-C, which stops it.
//!
//! Whoever does the work notices that the pipe is closed, and leaves everything as it was.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;

use dwell_bus::lines::{DONE, Done, ERROR, Failed, PROGRESS, Progress};
use tokio::signal::unix::{SignalKind, signal};

use super::stream::Lines;
use crate::ask::tell;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{Error, Kind, reason};
use crate::output::look::Look;
use crate::output::text::{bar, cut};

/// Asks the daemon for work, and follows it to its end. `doing` is what the bar says: `Checking`.
///
/// # Errors
/// The work failed, was stopped, or was cut off.
pub(super) async fn by_daemon<'a, F>(
    daemon: &'a Daemon,
    doing: &str,
    console: &Console,
    work: impl FnOnce(&'a dwell_bus::VaultProxy<'static>) -> F,
) -> Result<Done, Error>
where
    F: Future<Output = Result<zbus::zvariant::OwnedFd, dwell_bus::Error>>,
{
    let begun = async { Ok(daemon.care(work).await?.into()) };
    follow(begun, Worker::Daemon, doing, console).await
}

/// Follows work to its end, from the call that begins it.
///
/// # Errors
/// The work failed, was stopped, or was cut off.
pub(super) async fn follow(
    begun: impl Future<Output = Result<OwnedFd, Error>>,
    worker: Worker,
    doing: &str,
    console: &Console,
) -> Result<Done, Error> {
    let mut interrupts = signal(SignalKind::interrupt()).map_err(|why| {
        Error::new(Kind::Failed, format!("Ctrl-C cannot be listened for: {}", reason(&why)))
    })?;
    let pipe = tokio::select! {
        pipe = begun => pipe?,
        _ = interrupts.recv() => return Err(worker.stopped()),
    };
    let mut lines = Lines::new(pipe)?;
    let mut bar = Bar::new(doing, console);
    let (mut all_seen, mut waits) = (false, false);
    loop {
        let line = tokio::select! {
            line = lines.next() => line?,
            _ = interrupts.recv() => {
                if let Some(how) = already_ended(&mut lines, &mut all_seen).await {
                    return how;
                }
                // Then it is being written, and cannot be stopped: the end, a moment away, says what came of it.
                if worker == Worker::Importer && all_seen && !waits {
                    waits = true;
                    continue;
                }
                return Err(worker.stopped());
            }
        };
        match line.map(Line::read) {
            None => return Err(worker.cut_off()),
            Some(Line::Progress(progress)) => {
                all_seen = is_all(&progress);
                bar.show(&progress);
            }
            Some(Line::Done(done)) => return Ok(*done),
            Some(Line::Failed(failed)) => return Err(failed.into()),
            Some(Line::Unknown) => {}
        }
    }
}

/// No pipe holds more lines than that.
const LINES_MAX: usize = 65_536;

/// Whether nothing is left to look at.
const fn is_all(progress: &Progress) -> bool {
    progress.total > 0 && progress.done >= progress.total
}

/// The end of work that was there before it was stopped: that must not be called unchanged. Waits for nothing.
async fn already_ended(lines: &mut Lines, all_seen: &mut bool) -> Option<Result<Done, Error>> {
    for _ in 0..LINES_MAX {
        let line = tokio::select! {
            biased;
            line = lines.next() => line.ok()??,
            () = std::future::ready(()) => return None,
        };
        match Line::read(line) {
            Line::Done(done) => return Some(Ok(*done)),
            Line::Failed(failed) => return Some(Err(failed.into())),
            Line::Progress(progress) => *all_seen = is_all(&progress),
            Line::Unknown => {}
        }
    }
    None
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// The daemon on the bus.
    Daemon,
    /// The daemon, which takes in what it is given.
    Importer,
    /// The daemon, which only looks.
    Reader,
    /// `dwelld`, run for this.
    Program,
}

impl Worker {
    fn stopped(self) -> Error {
        let (message, hint) = match self {
            Self::Daemon => (
                "nothing has changed, unless it was done already",
                "see how it stands with `dwell vault info`",
            ),
            Self::Importer => ("nothing was taken, unless all of it was just being written", COMPARE),
            Self::Reader => ("nothing has changed", AGAIN),
            Self::Program => ("nothing has changed, unless it was done already", AGAIN),
        };
        Error::new(Kind::Failed, format!("stopped: {message}")).hint(hint)
    }

    fn cut_off(self) -> Error {
        let (message, hint) = match self {
            Self::Daemon => (
                "the daemon was cut off; nothing was changed unless it says so",
                "see how it stands with `dwell vault info`",
            ),
            Self::Importer => ("the daemon was cut off; it has taken all of it or nothing", COMPARE),
            Self::Reader => ("the daemon was cut off; nothing has changed", AGAIN),
            Self::Program => (
                "dwelld was cut off; nothing was changed unless it says so",
                "see whether it is of this version with `dwelld --version`",
            ),
        };
        Error::new(Kind::Failed, message).hint(hint)
    }
}

const AGAIN: &str = "say it again when you like";
/// What was taken in is not taken twice.
const COMPARE: &str = "give the same files with --dry-run: it says what is not taken yet";

/// One line of work.
#[derive(Debug)]
enum Line {
    Progress(Progress),
    Done(Box<Done>),
    Failed(Failed),
    /// Of a later version.
    Unknown,
}

impl Line {
    fn read(line: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Schema {
            schema: String,
        }
        let schema = serde_json::from_slice(line).map_or_else(|_| String::new(), |Schema { schema }| schema);
        let read = match schema.as_str() {
            PROGRESS => serde_json::from_slice(line).map(Self::Progress),
            DONE => serde_json::from_slice(line).map(Self::Done),
            ERROR => serde_json::from_slice(line).map(Self::Failed),
            _ => return Self::Unknown,
        };
        read.unwrap_or(Self::Unknown)
    }
}

/// How far it is, on standard error where that is a terminal; wiped at the end.
pub(super) struct Bar<'a> {
    doing: &'a str,
    look: Option<Look>,
    shown: bool,
}

/// Columns of the bar itself.
const CELLS: usize = 24;

impl<'a> Bar<'a> {
    /// A bar that is not shown yet.
    pub(super) fn new(doing: &'a str, console: &Console) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = io::stderr().is_terminal() && !console.quiet && !dumb;
        Self { doing, look: wanted.then_some(console.look), shown: false }
    }

    /// Whether anybody sees it.
    pub(super) const fn is_wanted(&self) -> bool {
        self.look.is_some()
    }

    fn show(&mut self, progress: &Progress) {
        self.show_of(progress.done, progress.total, "days");
    }

    /// Shows how many of how many things are done; of 0 where nobody knows.
    pub(super) fn show_of(&mut self, done: u64, total: u64, what: &str) {
        if let Some(look) = self.look {
            let state = state(self.doing, done, total, what);
            tell(&format!("\r\x1b[K{}", cut(&state, look.width.saturating_sub(1))));
            self.shown = true;
        }
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        if self.shown {
            tell("\r\x1b[K");
        }
    }
}

/// `Checking  12 of 340 days  █▎`
fn state(doing: &str, done: u64, total: u64, what: &str) -> String {
    match total {
        0 => format!("{doing}  {done} {what}"),
        total => format!("{doing}  {done} of {total} {what}  {}", bar(done, total, CELLS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is() {
        insta::assert_snapshot!(state("Checking", 12, 48, "days"), @"Checking  12 of 48 days  ██████");
        insta::assert_snapshot!(state("Checking", 12, 0, "days"), @"Checking  12 days");
    }

    #[test]
    fn lines_of_a_later_version_are_passed_over() {
        assert!(matches!(Line::read(br#"{"schema":"dwell.progress/2","done":"x"}"#), Line::Unknown));
        assert!(matches!(Line::read(b"no json"), Line::Unknown));
        let done = br#"{"schema":"dwell.done/1","work":"verify","days":3,"later":1}"#;
        assert!(matches!(Line::read(done), Line::Done(done) if done.days == Some(3)));
    }
}
