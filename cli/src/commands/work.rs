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
    loop {
        let line = tokio::select! {
            line = lines.next() => line?,
            _ = interrupts.recv() => {
                return already_ended(&mut lines).await.unwrap_or_else(|| Err(worker.stopped()));
            }
        };
        match line.map(Line::read) {
            None => return Err(worker.cut_off()),
            Some(Line::Progress(progress)) => bar.show(&progress),
            Some(Line::Done(done)) => return Ok(done),
            Some(Line::Failed(failed)) => return Err(failed.into()),
            Some(Line::Unknown) => {}
        }
    }
}

/// No pipe holds more lines than that.
const LINES_MAX: usize = 65_536;

/// The end of work that was there before it was stopped: that must not be called unchanged. Waits for nothing.
async fn already_ended(lines: &mut Lines) -> Option<Result<Done, Error>> {
    for _ in 0..LINES_MAX {
        let line = tokio::select! {
            biased;
            line = lines.next() => line.ok()??,
            () = std::future::ready(()) => return None,
        };
        match Line::read(line) {
            Line::Done(done) => return Some(Ok(done)),
            Line::Failed(failed) => return Some(Err(failed.into())),
            Line::Progress(_) | Line::Unknown => {}
        }
    }
    None
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    /// The daemon on the bus.
    Daemon,
    /// `dwelld`, run for this.
    Program,
}

impl Worker {
    fn stopped(self) -> Error {
        Error::new(Kind::Failed, "stopped: nothing has changed, unless it was done already").hint(
            match self {
                Self::Daemon => "see how it stands with `dwell vault info`",
                Self::Program => "say it again when you like",
            },
        )
    }

    fn cut_off(self) -> Error {
        let (who, hint) = match self {
            Self::Daemon => ("the daemon", "see how it stands with `dwell vault info`"),
            Self::Program => ("dwelld", "see whether it is of this version with `dwelld --version`"),
        };
        let message = format!("{who} was cut off; nothing was changed unless it says so");
        Error::new(Kind::Failed, message).hint(hint)
    }
}

/// One line of work.
#[derive(Debug)]
enum Line {
    Progress(Progress),
    Done(Done),
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
struct Bar<'a> {
    doing: &'a str,
    look: Option<Look>,
    shown: bool,
}

/// Columns of the bar itself.
const CELLS: usize = 24;

impl<'a> Bar<'a> {
    fn new(doing: &'a str, console: &Console) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let wanted = io::stderr().is_terminal() && !console.quiet && !dumb;
        Self { doing, look: wanted.then_some(console.look), shown: false }
    }

    fn show(&mut self, progress: &Progress) {
        if let Some(look) = self.look {
            tell(&format!("\r\x1b[K{}", cut(&state(self.doing, progress), look.width.saturating_sub(1))));
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
fn state(doing: &str, progress: &Progress) -> String {
    match progress.total {
        0 => format!("{doing}  {} days", progress.done),
        total => format!("{doing}  {} of {total} days  {}", progress.done, bar(progress.done, total, CELLS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is() {
        let progress = |done, total| Progress { schema: PROGRESS.into(), done, total };
        insta::assert_snapshot!(state("Checking", &progress(12, 48)), @"Checking  12 of 48 days  ██████");
        insta::assert_snapshot!(state("Checking", &progress(12, 0)), @"Checking  12 days");
    }

    #[test]
    fn lines_of_a_later_version_are_passed_over() {
        assert!(matches!(Line::read(br#"{"schema":"dwell.progress/2","done":"x"}"#), Line::Unknown));
        assert!(matches!(Line::read(b"no json"), Line::Unknown));
        let done = br#"{"schema":"dwell.done/1","work":"verify","days":3,"later":1}"#;
        assert!(matches!(Line::read(done), Line::Done(done) if done.days == Some(3)));
    }
}
