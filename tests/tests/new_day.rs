//! A limit lifts when the new day starts: by the real clock, at a real day start, with the daemon left alone.

use dwell_tests::clock::{Deadline, Stamp};
use dwell_tests::{Bed, Kind};

/// A configuration under which a new day starts with the next minute that is at least 15 s away: days can start in
/// the first half of a day only, so a zone is chosen in which it is morning.
fn configuration() -> String {
    let minute = (Stamp::now().wall_ms + 15_000).div_euclid(60_000) + 1;
    let (hour, minute) = (minute.div_euclid(60).rem_euclid(24), minute.rem_euclid(60));
    // Etc/GMT+3 is three hours west of Greenwich.
    let west = (hour - 6).rem_euclid(24);
    let (west, sign) = if west <= 12 { (west, '+') } else { (24 - west, '-') };
    let local = 6;
    format!("zone = \"Etc/GMT{sign}{west}\"\nday-start = \"{local:02}:{minute:02}\"\n")
}

#[test]
fn a_limit_lifts_when_the_new_day_starts() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    bed.place().write(&bed.place().config(), configuration());
    let alpha = bed.open("AppA", "alpha");
    let _beta = bed.open("AppB", "beta");
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    let events = bed.watch();
    let _ = bed.dwell(&["limit", "set", "app:AppA", "1s", "--warn", "0s"]).ok();
    bed.ask_for_focus(&alpha);
    assert!(bed.wait_until(Deadline::seconds(8), || bed.is_hidden(&alpha)), "not put away");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);

    let lifted = events.find(Deadline::seconds(90), |at, line| line.contains("limit-lifted").then_some(at));
    let lifted = lifted.expect("the limit lifts within a minute and a half");
    let into_the_minute = lifted.wall_ms.rem_euclid(60_000);
    assert!(into_the_minute < 500, "{into_the_minute} ms after the day start");
    assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
    let status = bed.dwell_json(&["status"]);
    assert_eq!(status["limits"][0]["used_seconds"], 0, "{status}");

    // The day before is a page of its own now, and still there.
    let yesterday = bed.dwell_json(&["report", "yesterday"]);
    assert!(yesterday["total_seconds"].as_u64().is_some_and(|s| s >= 1), "{yesterday}");
    assert!(bed.wait_until(Deadline::seconds(5), || !bed.is_hidden(&alpha)), "what was put away comes back");
}
