//! What `dwell limit try` costs from end to end: the whole of a process that asks a running `dwelld`, on a private bus, with
//! a heavy year in its vault.

use std::path::Path;

use crate::data::{self, History};
use crate::measure::{Memory, median, memory_of, time_of};
use crate::ours::Ours;
use crate::place::Place;

const DAYS: i32 = 365;

/// What is asked: in words, and as it is typed.
const TRIALS: [(&str, &[&str]); 5] = [
    ("a program", &["app:org.gnome.Nautilus", "15m"]),
    ("everything", &["all", "6h"]),
    ("a category", &["category:chat", "30m"]),
    ("visits", &["app:org.gnome.Nautilus", "5visits"]),
    ("everything by the hour, but one program", &["all", "40m", "--per", "hour", "--except", "app:code"]),
];

/// What was found.
pub(crate) struct Measured {
    /// How many spans the year has.
    pub(crate) spans: usize,
    /// The median of each trial, in ns.
    pub(crate) trials: Vec<(&'static str, f64)>,
    /// What the daemon had before the first trial, and at most until after the last.
    pub(crate) memory: (Memory, Memory),
}

/// Measures, with a vault in a folder of its own below `dir`.
pub(crate) fn measure(dir: &Path, rounds: usize) -> Measured {
    let root = tempfile::Builder::new().prefix("dwell-bench-").tempdir_in(dir).unwrap();
    let history = History::until(data::today().plus(-2), DAYS, data::HEAVY);
    let spans = Ours::filled(&root.path().join("data"), &history);
    let place = Place::start(root.path());
    let since = history.first().to_string();
    let ask = |trial: &[&str]| {
        let output =
            place.command("dwell").args(["limit", "try"]).args(trial).args(["--since", &since]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{trial:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{trial:?} says nothing");
    };
    let before = memory_of(place.daemon());
    let trials = TRIALS.map(|(what, trial)| {
        // Once so that no program is read from the disk.
        ask(trial);
        let mut times: Vec<f64> = std::iter::repeat_with(|| time_of(|| ask(trial))).take(rounds).collect();
        (what, median(&mut times))
    });
    Measured { spans, trials: trials.into(), memory: (before, memory_of(place.daemon())) }
}
