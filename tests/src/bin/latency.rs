//! How soon a change of focus is stored: from when the desktop's own tools tell of it to when dwelld has written the
//! span that ended to the vault's log. What the disk then takes to sync is not in it.
//!
//! Seen from outside: the observer's stamp, and inotify on the log. The figure from asking for the change on is an upper
//! bound; it has the tool that asks and the desktop's own time in it.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and fails loudly"
)]

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp};
use dwell_tests::{Bed, Kind, machine, say_panics_plainly};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify;

/// The bar, in milliseconds.
const MEDIAN_MS: i64 = 10;

/// Changes of focus on each desktop.
const CHANGES: usize = 40;

/// After this long without a write, what was written for a change is complete.
const COMPLETE: Duration = Duration::from_millis(150);

fn main() -> ExitCode {
    say_panics_plainly("latency");
    if std::env::args().len() > 1 {
        eprintln!("latency: it takes no arguments");
        return ExitCode::from(2);
    }
    println!(
        "from a change of focus to its span in the vault's log, ms ({CHANGES} changes; syncing excluded)"
    );
    println!();
    println!("| desktop | median | 90 % | worst | median from asking on | |");
    println!("|---|---:|---:|---:|---:|---|");
    println!("| *at most* | {MEDIAN_MS} | | | | |");
    let (mut good, mut measured) = (true, 0);
    for kind in Kind::DESKTOPS {
        match measure(*kind) {
            Ok(delays) => {
                measured += 1;
                let pass = delays.told.median() <= MEDIAN_MS;
                good &= pass;
                let told = &delays.told;
                println!(
                    "| {} | {} | {} | {} | {} | {} |",
                    kind.name(),
                    told.median(),
                    told.percentile(90),
                    told.percentile(100),
                    delays.asked.median(),
                    if pass { "pass" } else { "**FAIL**" }
                );
            }
            Err(why) => machine::cannot_run(&format!("the latency on {}", kind.name()), &why),
        }
    }
    if good && measured > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Delays in milliseconds, in rising order.
struct Delays(Vec<i64>);

impl Delays {
    fn new(mut delays: Vec<i64>) -> Self {
        delays.sort_unstable();
        Self(delays)
    }

    fn percentile(&self, percent: usize) -> i64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or_default()
    }

    fn median(&self) -> i64 {
        self.percentile(50)
    }
}

struct Measured {
    /// From when the observer was told.
    told: Delays,
    /// From when the change was asked for.
    asked: Delays,
}

fn measure(kind: Kind) -> Result<Measured, String> {
    let bed = Bed::try_start(kind)?;
    let windows = [bed.open("AppA", "alpha"), bed.open("AppB", "beta")];
    let observer = bed.observe();
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    let log = Log::watch(&bed.place().data().join("vault/current"));
    let (mut told, mut asked) = (Vec::new(), Vec::new());
    for turn in 0..CHANGES {
        log.written_at();
        let window = &windows[turn % 2];
        let before = Stamp::now();
        bed.ask_for_focus(window);
        let given = observer.wait_for_again(window.app(), before, Deadline::seconds(5));
        assert!(given, "{} did not give focus when asked to", kind.name());
        let sighting = observer.seen().into_iter().rfind(|seen| seen.app.is_some());
        let seen = sighting.expect("the sighting just waited for").at;
        let written = log.written_at().expect("the change to be stored");
        // Less than nothing, where the observer's own tool was slower than dwelld: told as it is.
        told.push(written.since(seen));
        asked.push(written.since(before));
    }
    Ok(Measured { told: Delays::new(told), asked: Delays::new(asked) })
}

/// The vault's log, watched for writes.
struct Log {
    inotify: OwnedFd,
}

impl Log {
    fn watch(vault: &Path) -> Self {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let inotify = inotify::init(flags).expect("inotify");
        let watched = ["db", "db-wal"].into_iter().filter(|name| {
            inotify::add_watch(&inotify, vault.join(name), inotify::WatchFlags::MODIFY).is_ok()
        });
        assert!(watched.count() > 0, "neither the vault nor its log is there");
        Self { inotify }
    }

    /// The last write of what is written now or soon; none when nothing is.
    fn written_at(&self) -> Option<Stamp> {
        let mut last = None;
        loop {
            let mut events = [PollFd::new(&self.inotify, PollFlags::IN)];
            let deadline = Deadline::after(COMPLETE);
            match poll(&mut events, Some(&deadline.timespec())) {
                Ok(0) => return last,
                Ok(_) => last = Some(Stamp::now()),
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => panic_on(error),
            }
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
            while reader.next().is_ok() {}
        }
    }
}

fn panic_on(error: rustix::io::Errno) -> ! {
    eprintln!("latency: poll: {error}");
    std::process::exit(1)
}
