//! What dwell measures on real desktops, against an observer that shares no code with it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints what it measured"
)]

use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass, let_pass_until};
use dwell_tests::{Bed, Kind, Lines, milliseconds_by_app, schedule};
use serde_json::Value;

/// How far dwell and the observer may differ over thirty seconds: 15 ms for each change. A lost second is more.
const TOLERANCE_MS: i64 = 600;

/// How far a single instant may be off: dwell's debounce of 50 ms, and a busy machine.
const INSTANT_MS: i64 = 500;

/// How long without input is idle.
const IDLE_AFTER_MS: i64 = 3000;

/// How late the word of idleness may be on a busy machine. Twice the time without input is more.
const LATE_MS: i64 = 2500;

fn forty_changes_in_thirty_seconds(kind: Kind, test: &str) {
    let Some(bed) = Bed::start(kind) else { return };
    let windows = [bed.open("AppA", "alpha"), bed.open("AppB", "beta")];
    let observer = bed.observe();
    assert!(observer.wait_for("AppB", Deadline::seconds(5)));
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");

    let mut chance = schedule::chance(test);
    let moments = schedule::moments(&mut chance, 40, Duration::from_secs(30), Duration::from_millis(150));
    let from = Stamp::now();
    for (moment, window) in moments.iter().zip(windows.iter().cycle()) {
        let_pass_until(from.boot_ms + i64::try_from(moment.as_millis()).unwrap());
        bed.ask_for_focus(window);
    }
    let_pass_until(from.boot_ms + 30_000);
    let to = Stamp::now();

    let spans = bed.spans();
    let measured = milliseconds_by_app(&spans, from, to);
    let seen = observer.milliseconds_by_app(from, to);
    eprintln!("{test}: dwell {measured:?}, observer {seen:?} in {} ms", to.since(from));
    let later = observer.seen().into_iter().filter(|sighting| sighting.at > from);
    let mut apps: Vec<String> = later.filter_map(|sighting| sighting.app).collect();
    // openbox may announce the same window twice.
    apps.dedup();
    // On a busy machine a desktop may take two requests at once, and the change between them never was.
    assert!((36..=40).contains(&apps.len()), "the changes must really have happened: {apps:?}");
    assert_eq!(measured.keys().collect::<Vec<_>>(), seen.keys().collect::<Vec<_>>());
    for (app, milliseconds) in &seen {
        let difference = measured[app] - milliseconds;
        assert!(
            difference.abs() <= TOLERANCE_MS,
            "{app}: {difference} ms off; dwell {measured:?}, observer {seen:?}"
        );
    }
    for pair in spans.windows(2) {
        assert!(pair[0].end_ms <= pair[1].start_ms, "overlap: {pair:?}");
    }

    // The report and the timeline are two views of one ledger.
    let report = bed.dwell_json(&["report"]);
    // The window in focus went on being used while the two questions were asked, and the report rounds to seconds.
    let asked = Stamp::now().since(to) + 1000;
    let rows = report["rows"].as_array().unwrap();
    for row in rows {
        let app = row["key"].as_str().unwrap();
        let spent: i64 =
            spans.iter().filter(|span| span.is_focus_on(app)).map(|span| span.milliseconds()).sum();
        let reported = row["seconds"].as_i64().unwrap() * 1000;
        assert!((reported - spent).abs() <= asked, "{app}: report {reported} ms, spans {spent} ms");
    }
    let sum: i64 = rows.iter().map(|row| row["seconds"].as_i64().unwrap()).sum();
    assert_eq!(report["total_seconds"].as_i64(), Some(sum), "{report}");
}

#[test]
fn x11_forty_changes_in_thirty_seconds() {
    forty_changes_in_thirty_seconds(Kind::X11, "x11_forty_changes");
}

#[test]
fn sway_forty_changes_in_thirty_seconds() {
    forty_changes_in_thirty_seconds(Kind::Sway, "sway_forty_changes");
}

#[test]
fn gnome_forty_changes_in_thirty_seconds() {
    forty_changes_in_thirty_seconds(Kind::Gnome, "gnome_forty_changes");
}

/// Milliseconds of attention that dwell counted for an app between two instants.
fn counted(bed: &Bed, app: &str, from: i64, to: i64) -> i64 {
    bed.spans().iter().filter(|span| span.is_focus_on(app)).map(|span| span.within(from, to)).sum()
}

/// The next event of this kind on the stream of `dwell watch --json`.
fn next_event(watch: &Lines, event: &str) -> (Stamp, Value) {
    let found = watch.find(Deadline::seconds(15), |at, line| {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["schema"], "dwell.event/1", "{line}");
        (value["event"] == event).then_some((at, value))
    });
    found.unwrap_or_else(|| panic!("no event {event}"))
}

fn idle_time_is_not_counted_from_the_last_input_on(kind: Kind) {
    let Some(bed) = Bed::start(kind) else { return };
    bed.idle_after("3s");
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    bed.press_key();
    bed.wait_for_dwell_to_see("AppA");
    let watch = bed.watch();

    let before_input = Stamp::now();
    bed.press_key();
    let last_input = Stamp::now();
    let (idle, _) = next_event(&watch, "idle");
    let waited = idle.since(last_input);
    assert!(idle.since(before_input) >= IDLE_AFTER_MS - 200, "idle {waited} ms after the last input");
    assert!(waited <= IDLE_AFTER_MS + LATE_MS, "idle {waited} ms after the last input");
    // Some desktops tell only that the time is over: what comes late is back-dated too little.
    let late = (waited - IDLE_AFTER_MS).max(0);
    assert_eq!(bed.dwell_json(&["status"])["state"], "idle");
    let_pass(Duration::from_millis(500));

    let returning = Stamp::now();
    bed.press_key();
    let back = Stamp::now();
    next_event(&watch, "active");
    let_pass(Duration::from_secs(2));
    bed.press_key();
    let end = Stamp::now();

    // Back-dated: the three seconds before idleness was noticed do not count either.
    let away = counted(&bed, "AppA", last_input.wall_ms + INSTANT_MS + late, returning.wall_ms);
    assert_eq!(away, 0, "counted {away} ms while nobody was there");
    let there = counted(&bed, "AppA", back.wall_ms, end.wall_ms);
    assert!(end.since(back) - there <= INSTANT_MS, "counted {there} of {} ms", end.since(back));
    assert!(counted(&bed, "AppA", 0, before_input.wall_ms) > 0);
    let spans = bed.spans();
    let mut ends = spans.iter().filter(|span| span.is_focus_on("AppA")).map(|span| span.end_ms);
    let at_the_input = before_input.wall_ms - INSTANT_MS..=last_input.wall_ms + INSTANT_MS + late;
    assert!(ends.any(|end| at_the_input.contains(&end)), "no span ends at the last input: {spans:?}");
}

#[test]
fn x11_idle_time_is_not_counted_from_the_last_input_on() {
    idle_time_is_not_counted_from_the_last_input_on(Kind::X11);
}

#[test]
fn sway_idle_time_is_not_counted_from_the_last_input_on() {
    idle_time_is_not_counted_from_the_last_input_on(Kind::Sway);
}

#[test]
fn gnome_idle_time_is_not_counted_from_the_last_input_on() {
    idle_time_is_not_counted_from_the_last_input_on(Kind::Gnome);
}

/// One second of use, an absence of three seconds, one second of use: the absence is not counted, the rest is.
fn an_absence_is_not_counted(bed: &mut Bed, leave: impl FnOnce(&mut Bed), come_back: impl FnOnce(&mut Bed)) {
    bed.wait_for_dwell_to_see("AppA");
    let start = Stamp::now();
    let_pass(Duration::from_secs(1));
    leave(bed);
    let left = Stamp::now();
    let_pass(Duration::from_secs(3));
    let before_return = Stamp::now();
    come_back(bed);
    bed.wait_for_dwell_to_see("AppA");
    let returned = Stamp::now();
    let_pass(Duration::from_secs(1));
    let end = Stamp::now();

    let before = counted(bed, "AppA", start.wall_ms, left.wall_ms);
    let away = counted(bed, "AppA", left.wall_ms + INSTANT_MS, before_return.wall_ms);
    let after = counted(bed, "AppA", returned.wall_ms, end.wall_ms);
    eprintln!(
        "counted before {before} of {}, away {away}, after {after} of {}",
        left.since(start),
        end.since(returned)
    );
    assert_eq!(away, 0, "an absence was counted");
    assert!(before >= 800, "counted {before} ms before");
    assert!(end.since(returned) - after <= INSTANT_MS, "counted {after} of {} ms after", end.since(returned));
}

#[test]
fn sway_a_real_screen_lock_stops_the_count() {
    let Some(mut bed) = Bed::start(Kind::Sway) else { return };
    if !bed.prepare_lock() {
        return;
    }
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    an_absence_is_not_counted(&mut bed, Bed::lock, Bed::unlock);
}

#[test]
fn gnome_a_real_screen_lock_stops_the_count() {
    let Some(mut bed) = Bed::start(Kind::Gnome) else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    an_absence_is_not_counted(&mut bed, Bed::lock, Bed::unlock);
}

#[test]
fn x11_a_lock_by_logind_stops_the_count() {
    let Some(mut bed) = Bed::start(Kind::X11) else { return };
    let Some(logind) = bed.mock_logind() else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    an_absence_is_not_counted(&mut bed, |_| logind.lock(true), |_| logind.lock(false));
}

#[test]
fn x11_sleep_by_logind_stops_the_count() {
    let Some(mut bed) = Bed::start(Kind::X11) else { return };
    let Some(logind) = bed.mock_logind() else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    an_absence_is_not_counted(
        &mut bed,
        |_| logind.prepare_for_sleep(true),
        |_| logind.prepare_for_sleep(false),
    );
}

#[test]
fn x11_somebody_elses_session_stops_the_count() {
    let Some(mut bed) = Bed::start(Kind::X11) else { return };
    let Some(logind) = bed.mock_logind() else { return };
    let _window = bed.open("AppA", "alpha");
    let _daemon = bed.daemon();
    an_absence_is_not_counted(&mut bed, |_| logind.activate(false), |_| logind.activate(true));
}
