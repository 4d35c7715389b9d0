//! Data in and out, end to end: an export of ActivityWatch goes in once, whole or not at all, and comes out again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use dwell_tests::{Bed, Kind};
use serde_json::Value;

/// A made-up export: window events through twelve hours of each of these days before today, the same every time. With
/// 365 days of 2,000 events it is the year of which benchmarks speak.
fn export(days: i64, events_a_day: i64) -> String {
    const DAY: i64 = 86_400;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    // The bed's zone has four in the afternoon now: seven in the morning, and twelve hours from then on are of one day.
    let seven = i64::try_from(now.as_secs()).unwrap() / 3600 * 3600 - 9 * 3600;
    let mut seed = 7_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut text =
        String::from(r#"{"buckets":{"aw-watcher-window_made-up":{"type":"currentwindow","events":["#);
    let length = 12 * 3600 / events_a_day;
    for (number, at) in (2..days + 2)
        .rev()
        .flat_map(|day| (0..events_a_day).map(move |event| seven - day * DAY + event * length))
        .enumerate()
    {
        let instant = chrono::DateTime::from_timestamp(at, 0).unwrap().to_rfc3339();
        let comma = if number > 0 { "," } else { "" };
        let app = next(30);
        write!(
            text,
            "{comma}\n{{\"timestamp\":\"{instant}\",\"duration\":{length},\"data\":{{\"app\":\"made-up-{app}\",\"title\":\"t{at}\"}}}}"
        )
        .unwrap();
    }
    text + "]}}}"
}

fn file(bed: &Bed, text: &str) -> PathBuf {
    let path = bed.place().data().with_file_name("export.json");
    fs::write(&path, text).unwrap();
    path
}

fn seconds(bed: &Bed) -> u64 {
    let answer = bed.dwell(&["report", "all", "--json"]);
    if answer.code == 3 { 0 } else { answer.ok().json()["total_seconds"].as_u64().unwrap() }
}

#[test]
fn what_goes_in_counts_once_and_comes_out_again() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let mut daemon = bed.daemon();
    let path = file(&bed, &export(40, 100));
    let path = path.to_str().unwrap();
    let whole = 40 * 12 * 3600;
    let before = seconds(&bed);
    let would = bed.dwell_json(&["import", "activitywatch", path, "--dry-run"]);
    assert_eq!((&would["days"], &would["seconds"]), (&Value::from(40), &Value::from(whole)), "{would}");
    assert!(seconds(&bed) < before + 3600, "a dry run has taken something");
    bed.dwell(&["import", "activitywatch", path]).assert_refused(2, "--yes");
    let done = bed.dwell_json(&["import", "activitywatch", path, "--yes"]);
    assert_eq!((&done["spans"], &done["seconds"]), (&would["spans"], &would["seconds"]));
    let after = seconds(&bed);
    assert!((whole..whole + 3600).contains(&(after - before)), "{before} and then {after}");
    // Once more, it takes nothing; nor after a restart, when rollups and pages have to be found again.
    let again = bed.dwell_json(&["import", "activitywatch", path, "--yes"]);
    assert_eq!(
        (&again["seconds"], &again["left_out"]["known_seconds"]),
        (&Value::from(0), &Value::from(whole))
    );
    assert!(daemon.terminate().success());
    let _daemon = bed.daemon();
    assert!((whole..whole + 3600).contains(&(seconds(&bed) - before)));
    let _ = bed.dwell(&["vault", "verify"]).ok();
    // What comes out for ActivityWatch is what went in.
    let out = bed.dwell(&["export", "all", "--format", "activitywatch"]).ok();
    assert!(!out.stdout.contains("\"t1"), "a title has come through");
    let out = file(&bed, &out.stdout);
    let again = bed.dwell_json(&["import", "activitywatch", out.to_str().unwrap(), "--yes"]);
    assert_eq!(again["seconds"], 0, "{again}");
    let sums = "SELECT count(DISTINCT substr(start, 1, 10)) AS days, sum(seconds) AS s FROM spans WHERE app LIKE 'made-up%'";
    let sums = bed.dwell_json(&["sql", sums, "all"]);
    assert_eq!(sums["rows"][0][1], whole, "{sums}");
    assert_eq!(bed.dwell(&["export", "all"]).ok().stdout, bed.dwell(&["spans", "all"]).ok().stdout);
}

#[test]
fn a_daemon_that_is_killed_meanwhile_has_taken_all_or_nothing() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let path = file(&bed, &export(60, 400));
    let path = path.to_str().unwrap();
    let whole = 60 * 12 * 3600;
    for pages in 0..6_u64 {
        let mut daemon = bed.daemon();
        let dwell = bed.place().built("dwell");
        let mut import = bed
            .place()
            .command(dwell)
            .args(["import", "activitywatch", path, "--yes", "--quiet"])
            .spawn()
            .unwrap();
        // Ever later in the work, by what it has written; the last ones when it is done.
        let db = || {
            let current = bed.place().data().join("vault/current");
            ["db-wal", "db"]
                .iter()
                .filter_map(|name| fs::metadata(current.join(name)).ok())
                .map(|about| about.len())
                .sum::<u64>()
        };
        let (before, mut ended) = (db(), None);
        while ended.is_none() && db() < before + pages * pages * 100_000 + 1 {
            ended = import.try_wait().unwrap();
            std::thread::yield_now();
        }
        daemon.kill9();
        let _ = import.wait().unwrap();
        let _again = bed.daemon();
        let there = seconds(&bed);
        assert!(there < 3600 || (whole..whole + 3600).contains(&there), "half of it was taken: {there}");
        let _ = bed.dwell(&["vault", "verify"]).ok();
    }
    let _daemon = bed.daemon();
    let _ = bed.dwell(&["import", "activitywatch", path, "--yes"]).ok();
    assert!(seconds(&bed) >= whole);
}

#[test]
fn two_at_once_and_one_that_is_stopped_take_it_once() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let _daemon = bed.daemon();
    let path = file(&bed, &export(30, 400));
    let path = path.to_str().unwrap();
    let start = || {
        let dwell = bed.place().built("dwell");
        bed.place()
            .command(dwell)
            .args(["import", "activitywatch", path, "--yes", "--quiet"])
            .spawn()
            .unwrap()
    };
    let mut stopped = start();
    stopped.kill().unwrap();
    let _ = stopped.wait().unwrap();
    let both = [start(), start()].map(|mut import| import.wait().unwrap().success());
    assert!(both.contains(&true), "{both:?}");
    let whole = 30 * 12 * 3600;
    assert!((whole..whole + 3600).contains(&seconds(&bed)), "{}", seconds(&bed));
}

#[test]
fn what_was_taken_is_forgotten_and_comes_again_and_old_days_do_not() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let path = file(&bed, &export(40, 100));
    let path = path.to_str().unwrap();
    let day = 12 * 3600;
    let configuration = fs::read_to_string(bed.place().config()).unwrap();
    bed.place().write(&bed.place().config(), format!("{configuration}\nkeep-detail = \"20d\"\n"));
    let mut daemon = bed.daemon();
    let would = bed.dwell_json(&["import", "activitywatch", path, "--dry-run"]);
    let expired = would["left_out"]["expired_seconds"].as_u64().unwrap();
    assert!((20 * day..=22 * day).contains(&expired), "{would}");
    assert_eq!(would["seconds"].as_u64().unwrap() + expired, 40 * day);
    let text = bed.dwell(&["import", "activitywatch", path, "--dry-run"]).ok().stdout;
    assert!(text.contains("keep-detail"), "{text}");
    let done = bed.dwell_json(&["import", "activitywatch", path, "--yes"]);
    assert_eq!(done["seconds"], would["seconds"]);
    // A start lets go of what is old: of this, nothing.
    assert!(daemon.terminate().success());
    let _daemon = bed.daemon();
    let spans =
        bed.dwell(&["export", "all"]).ok().stdout.lines().filter(|line| line.contains("made-up")).count();
    assert_eq!(spans as u64, done["spans"].as_u64().unwrap());
    // What is forgotten is gone, and not recorded any more: it can be taken in again.
    let first = done["from"].as_str().unwrap();
    let _ = bed.dwell(&["forget", "--day", first, "--yes"]).ok();
    let again = bed.dwell_json(&["import", "activitywatch", path, "--dry-run"]);
    assert_eq!(
        (&again["from"], &again["to"], &again["seconds"]),
        (&done["from"], &done["from"], &Value::from(day))
    );
    let _ = bed.dwell(&["import", "activitywatch", path, "--yes"]).ok();
    let last = bed.dwell_json(&["import", "activitywatch", path, "--yes"]);
    assert_eq!(last["seconds"], 0, "{last}");
    let _ = bed.dwell(&["vault", "verify"]).ok();
}
