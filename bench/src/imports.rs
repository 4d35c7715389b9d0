//! What taking in a year of ActivityWatch's costs: the whole of `dwell import`, with an empty vault behind it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use dwell_core::span::{Activity, Span};
use dwell_core::subject::Subject;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::data::{self, History};
use crate::measure::{memory_of, peak_of, reset_peak};
use crate::place::Place;
use crate::reports::Line;

const MIB: f64 = 1_048_576.0;

/// At most so long and so much for the heavy year, in seconds and MiB.
const MOST: (f64, f64) = (20.0, 100.0);

/// Imports the year once: it is long enough for chance to even out.
pub(crate) fn measure(dir: &Path) -> Vec<Line> {
    let root = tempfile::Builder::new().prefix("dwell-bench-").tempdir_in(dir).unwrap();
    let history = History::until(data::today(), 366, data::HEAVY);
    let file = root.path().join("buckets.json");
    let events = export(&history, &file);
    let place = Place::start(root.path());
    reset_peak(place.daemon());
    let begun = Instant::now();
    let mut command = place.command("dwell");
    command.args(["import", "activitywatch", "--yes", "--quiet"]).arg(&file).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut peak = 0;
    let ends = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
    let often = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    // What it had at most is not told any more once it has ended, so it is looked at until then.
    while poll(&mut [PollFd::new(&ends, PollFlags::IN)], Some(&often)).unwrap() == 0 {
        peak = peak_of(child.id()).unwrap_or(peak);
    }
    let took = begun.elapsed().as_secs_f64();
    assert!(child.wait().unwrap().success(), "the import failed");
    let of_daemon = memory_of(place.daemon()).peak;
    let line = |what: String, value, unit, bar| Line { what, value, unit, bar: Some(bar) };
    vec![
        line(format!("import of {events} events of ActivityWatch's"), took, "s", MOST.0),
        line("… memory of `dwell`".to_owned(), peak as f64 / MIB, "MiB", MOST.1),
        line("… memory of the daemon".to_owned(), of_daemon as f64 / MIB, "MiB", MOST.1),
    ]
}

/// Writes a history as ActivityWatch would have: an event a window, and one a site, with a title each that nobody wants.
fn export(history: &History, path: &Path) -> u64 {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut events = 0;
    for (bucket, kind) in
        [("window", "currentwindow"), ("web-firefox", "web.tab.current"), ("afk", "afkstatus")]
    {
        let opening = if bucket == "window" { "{\"buckets\":{" } else { "]},\n" };
        write!(out, "{opening}\"aw-watcher-{bucket}_x\":{{\"type\":\"{kind}\",\"events\":[").unwrap();
        let mut first = true;
        for span in history.days().flat_map(|day| history.spans(day)) {
            let Some(about) = told(bucket, &span) else { continue };
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            let at = chrono::DateTime::from_timestamp_millis(span.start.wall.as_unix_ms()).unwrap();
            let seconds = span.length.as_ms() as f64 / 1000.0;
            let at = at.to_rfc3339();
            write!(out, "{comma}\n{{\"timestamp\":\"{at}\",\"duration\":{seconds},\"data\":{{{about}}}}}")
                .unwrap();
            events += 1;
        }
    }
    out.write_all(b"]}}}").unwrap();
    out.flush().unwrap();
    events
}

fn told(bucket: &str, span: &Span) -> Option<String> {
    let Activity::Focus(Subject { app, domain }) = &span.activity else { return None };
    match (bucket, domain) {
        ("window", _) => {
            Some(format!(r#""app":"{}","title":"Something that was in front"#, app.as_str()) + "\"")
        }
        ("web-firefox", Some(domain)) => {
            let site = domain.as_str();
            Some(format!(
                r#""url":"https://www.{site}/a/path","title":"A page","incognito":false,"audible":false"#
            ))
        }
        ("afk", _) => Some(r#""status":"not-afk""#.to_owned()),
        _ => None,
    }
}
