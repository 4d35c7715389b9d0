//! Following what runs in the terminal that has focus.
//!
//! No event tells that a tty's foreground process group has changed. But a shell writes to its tty when a command is
//! typed and when one has ended, and so do most programs; inotify tells of the first such write to `/dev/pts/N`. Then the
//! tty is left alone for a pause, looked at, and watched again; if nothing is written during another pause it is looked at
//! once more, for what was started without a word. So each round is two wake-ups: the word, and the end of the pause. A
//! build that prints all the time makes one round a second, a program that prints a few times a second fewer than two,
//! and a quiet tty none. But `/dev/pts` is watched as well, for another tab of the same terminal: each tty that is
//! opened or closed on the machine is a word, and makes a round.
//! Only the terminal in front is followed, and only where the person wants it.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use dwell_core::time::Millis;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::apps::{Apps, Terminal, Tty};
use crate::clock;
use crate::readiness::awaitable;
use crate::report::Reporter;

/// How long a tty is left alone after something was written to it.
const PAUSE: Millis = Millis::from_ms(500);
/// The same where it is written to without end.
const LONG_PAUSE: Millis = Millis::from_secs(1);
/// Who is written to again as soon as this is written to without end.
const SOON: Millis = Millis::from_ms(100);

/// Follows the terminal in front, whichever it is, until nobody listens any more.
pub(crate) async fn follow(apps: Apps, reporter: Reporter) {
    let mut terminals = reporter.terminals();
    loop {
        let terminal = terminals.borrow_and_update().clone();
        let changed = match terminal {
            Some(terminal) => tokio::select! {
                changed = terminals.changed() => changed,
                // It only ends where nothing can be watched (the limits of inotify are reached): then what ran when
                // the terminal came to the front is all that is known.
                _ = watch(&apps, &reporter, &terminal) => terminals.changed().await,
            },
            None => terminals.changed().await,
        };
        if changed.is_err() {
            return;
        }
    }
}

async fn watch(apps: &Apps, reporter: &Reporter, terminal: &Terminal) -> std::io::Result<()> {
    let events = Events::new()?;
    let mut looked = clock::now();
    let mut written = looked;
    let mut again = true;
    let mut chatty = false;
    loop {
        let tty = Tty::of(terminal.pid);
        events.arm(tty.as_ref());
        let now = clock::now();
        let running = tty.as_ref().and_then(Tty::running);
        // It was not in front when it was last looked for. Who types a command is answered before it begins, so that it is
        // not taken to have been there before the first word since then either.
        let least = looked.max(written);
        // When a program ended nobody knows; it was no later than the first word, unless there were many of them.
        let ended = if chatty { now.since(least).unwrap_or(Millis::ZERO).as_ms() / 2 } else { 0 };
        let at = match &running {
            Some(running) => running.since.max(least).min(now),
            None => least + Millis::from_ms(ended),
        };
        let id = apps.counted(&terminal.own, running.as_ref());
        reporter.inside(terminal, at, id).await;
        looked = now;
        again = tokio::select! {
            biased;
            heard = events.next() => { heard?; true }
            waited = clock::after(PAUSE), if again => { waited?; false }
        };
        chatty = false;
        if again {
            written = clock::now();
            chatty = written.since(looked).is_some_and(|quiet| quiet < SOON);
            clock::after(if chatty { LONG_PAUSE } else { PAUSE }).await?;
            events.drain();
        }
    }
}

/// Writes to a tty, and ttys that are opened and closed: a terminal may open another tab.
struct Events {
    fd: AsyncFd<OwnedFd>,
}

impl Events {
    fn new() -> std::io::Result<Self> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&fd, "/dev/pts", WatchFlags::CREATE | WatchFlags::DELETE)?;
        Ok(Self { fd: awaitable(fd, Interest::READABLE)? })
    }

    /// Listens for the next write to a tty, and to no more than that one.
    fn arm(&self, tty: Option<&Tty>) {
        if let Some(path) = tty.and_then(Tty::path) {
            // Where it has gone meanwhile, that it has is the next event.
            let _ = inotify::add_watch(self.fd.get_ref(), path, WatchFlags::MODIFY | WatchFlags::ONESHOT);
        }
    }

    async fn next(&self) -> std::io::Result<()> {
        loop {
            let mut ready = self.fd.readable().await?;
            ready.clear_ready();
            if self.drain() {
                return Ok(());
            }
        }
    }

    /// Takes what has been told so far; whether anything has that is more than the end of a watch.
    fn drain(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(self.fd.get_ref(), &mut buffer);
        let mut any = false;
        while let Ok(event) = reader.next() {
            any |= !event.events().contains(inotify::ReadFlags::IGNORED);
        }
        any
    }
}
