//! Work that needs a process of its own: what memory it takes, what it costs when nothing is warm.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use dwell_core::calendar::CivilDay;

use crate::data::History;
use crate::measure;
use crate::ours::Ours;
use crate::plain::Plain;

/// Runs one piece of work in a process of its own and returns the number that it says.
///
/// `round` makes the days that it records on differ from those of other rounds.
pub(crate) fn ask(work: &str, store: &str, folder: &Path, days: i32, round: i32) -> f64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["child", work, store])
        .arg(folder)
        .args([days.to_string(), round.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{work} {store}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The other end of [`ask`].
pub(crate) fn main(arguments: &[OsString]) {
    let [work, store, folder, days, round] = arguments else { panic!("not to be called by hand") };
    let (work, store, folder) = (work.to_str().unwrap(), store.to_str().unwrap(), Path::new(folder));
    let number = |text: &OsString| text.to_str().unwrap().parse().unwrap();
    let (days, round) = (number(days), number(round));
    println!(
        "{}",
        match work {
            "memory" => memory(store, folder, days, round),
            "cold" => cold(store, folder, days),
            "scan" | "totals" | "rotate" => report(work, folder, days),
            "make" => make(folder, days),
            "commits" => commits(store, folder, days, round),
            _ => panic!("no such work: {work}"),
        }
    );
}

/// The peak of a daemon's life in bytes: opens, records some hours, reads all history, and seals the day.
fn memory(store: &str, folder: &Path, days: i32, round: i32) -> f64 {
    let history = History::of_days(days);
    let day = History::coming(900 + round);
    let spans = history.spans(day);
    let (first, end) = (history.first(), day.plus(1));
    match store {
        "plain" => {
            let mut plain = Plain::open(folder);
            spans.iter().for_each(|span| plain.append(span));
            assert!(plain.scan(first, end).iter().sum::<u64>() > 0);
        }
        "ours" => {
            let mut ours = Ours::open(folder);
            spans.iter().for_each(|span| ours.append(day, span));
            assert!(!ours.scan(first, end).is_empty());
            ours.seal_before(CivilDay::MAX);
        }
        _ => panic!("no such store: {store}"),
    }
    measure::peak_rss() as f64
}

/// Time in ns from nothing to an answer: opens, and sums up all days from rollups.
fn cold(store: &str, folder: &Path, days: i32) -> f64 {
    let (from, to) = (History::of_days(days).first(), History::coming(0));
    match store {
        "plain" => measure::time_of(|| assert!(!Plain::open(folder).totals(from, to).is_empty())),
        "ours" => measure::time_of(|| assert!(!Ours::open(folder).totals(from, to).subjects.is_empty())),
        "opening" => measure::time_of(|| drop(Ours::open(folder))),
        _ => panic!("no such store: {store}"),
    }
}

/// CPU time of one commit in ns: for a profiler, which wants a process that does nothing else.
fn commits(store: &str, folder: &Path, days: i32, round: i32) -> f64 {
    let history = History::of_days(days);
    let days = (0..10).map(|n| History::coming(1000 + 10 * round + n));
    let spans: Vec<_> =
        days.flat_map(|day| history.spans(day).into_iter().map(move |span| (day, span))).collect();
    let spent = match store {
        "plain" => {
            let mut plain = Plain::open(folder);
            measure::cpu_of(|| spans.iter().for_each(|(_, span)| plain.append(span)))
        }
        "ours" => {
            let mut ours = Ours::open(folder);
            measure::cpu_of(|| spans.iter().for_each(|(day, span)| ours.append(*day, span)))
        }
        _ => panic!("no such store: {store}"),
    };
    spent / spans.len() as f64
}

/// Time in ns of 20 rounds of totals, of a scan or of new keys for everything: for a profiler.
fn report(work: &str, folder: &Path, days: i32) -> f64 {
    let (from, to) = (History::of_days(days).first(), History::coming(0));
    let mut ours = Ours::open(folder);
    measure::time_of(|| match work {
        "scan" => assert!(!ours.scan(from, to).is_empty()),
        "rotate" => ours.rotate(),
        _ => (0..20).for_each(|_| assert!(!ours.totals(from, to).subjects.is_empty())),
    })
}

/// Makes both stores, for a profiler to begin with.
fn make(folder: &Path, days: i32) -> f64 {
    crate::rounds::build(&History::of_days(days), folder);
    0.0
}
