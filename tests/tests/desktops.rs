//! The same day on every desktop: windows come, take turns and go, the person is away, the screen is locked, the desktop
//! crashes and comes back. What dwell counted is compared with what the desktop's own tools saw.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints what it measured"
)]

use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass, let_pass_until, wait_until};
use dwell_tests::{Bed, Kind, Lines, Observer, Span, Window, milliseconds_by_app, schedule};
use serde_json::Value;

/// How far dwell and the observer may differ in what they give to an app, after so many changes of focus: less than the
/// time between two of them.
fn tolerance_ms(observer: &Observer, from: Stamp, to: Stamp) -> i64 {
    let changes =
        observer.seen().iter().filter(|seen| seen.at > from && seen.at <= to && seen.app.is_some()).count();
    200 + 8 * i64::try_from(changes).unwrap_or(0)
}

/// How far a single instant may be off: dwell's debounce of 50 ms, and a busy machine.
const INSTANT_MS: i64 = 500;

/// How soon a display that is back must be taken up, also on a busy machine.
const TAKEN_UP_WITHIN_MS: i64 = 5000;

/// How long without input is idle in the part that is about that.
const IDLE_AFTER_MS: i64 = 2000;

/// How late the word of idleness may be on a busy machine.
const LATE_MS: i64 = 1900;

fn a_day_on(kind: Kind, test: &str) {
    let Some(mut bed) = Bed::start(kind) else { return };
    if !bed.prepare_lock() {
        return;
    }
    let mut windows = vec![bed.open("AppA", "alpha"), bed.open("AppB", "beta"), bed.open("AppC", "gamma")];
    let observer = bed.observe();
    assert!(observer.wait_for("AppC", Deadline::seconds(5)), "{:?}", observer.seen());
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppC");
    let watch = bed.watch();

    windows_take_turns(&bed, &observer, &mut windows, test);
    a_lock_is_no_use(&mut bed, &windows, test);
    idleness_is_no_use(&bed, &windows, &watch, test);
    drop((windows, observer));
    a_crash_is_survived(&mut bed, &watch, test);
}

/// Twenty-four changes of focus, in the midst of which one of three windows closes.
fn windows_take_turns(bed: &Bed, observer: &Observer, windows: &mut Vec<Window>, test: &str) {
    let mut chance = schedule::chance(test);
    let moments = schedule::moments(&mut chance, 24, Duration::from_secs(12), Duration::from_millis(150));
    let from = Stamp::now();
    for (turn, moment) in moments.iter().enumerate() {
        let_pass_until(from.boot_ms + i64::try_from(moment.as_millis()).unwrap());
        if turn == 16 {
            bed.close(windows.pop().unwrap());
        }
        bed.ask_for_focus(&windows[turn % windows.len()]);
    }
    let_pass_until(from.boot_ms + 12_500);
    let to = Stamp::now();
    same_as_observed(bed, observer, from, to, test);
    let changes =
        observer.seen().iter().filter(|sighting| sighting.at > from && sighting.app.is_some()).count();
    assert!(changes >= 20, "only {changes} changes of focus really happened");
}

fn same_as_observed(bed: &Bed, observer: &Observer, from: Stamp, to: Stamp, test: &str) {
    let spans = bed.spans();
    let measured = milliseconds_by_app(&spans, from, to);
    let seen = observer.milliseconds_by_app(from, to);
    eprintln!("{test}: dwell {measured:?}, observer {seen:?} in {} ms", to.since(from));
    assert_eq!(measured.keys().collect::<Vec<_>>(), seen.keys().collect::<Vec<_>>(), "{:?}", observer.seen());
    for (app, milliseconds) in &seen {
        let difference = measured[app] - milliseconds;
        assert!(
            difference.abs() <= tolerance_ms(observer, from, to),
            "{app}: {difference} ms off; dwell {measured:?}, observer {seen:?}"
        );
    }
    for pair in spans.windows(2) {
        assert!(pair[0].end_ms <= pair[1].start_ms, "overlap: {pair:?}");
    }
    no_passing_nothing_is_counted(&spans, observer, from, to);
}

/// Between two windows many desktops say for a moment that nothing has focus. Where the observer saw no real "nothing",
/// the timeline has no gap.
fn no_passing_nothing_is_counted(spans: &[Span], observer: &Observer, from: Stamp, to: Stamp) {
    let away: i64 = to.since(from) - observer.milliseconds_by_app(from, to).values().sum::<i64>();
    let counted: i64 = spans.iter().map(|span| span.within(from.wall_ms, to.wall_ms)).sum();
    let gaps = to.since(from) - counted;
    assert!(
        (gaps - away).abs() <= tolerance_ms(observer, from, to),
        "{gaps} ms belong to nobody, the observer saw {away}"
    );
}

/// Milliseconds of attention that dwell counted between two instants, whatever for.
fn counted(bed: &Bed, from: i64, to: i64) -> i64 {
    bed.spans().iter().filter(|span| span.kind == "focus").map(|span| span.within(from, to)).sum()
}

fn a_lock_is_no_use(bed: &mut Bed, windows: &[Window], test: &str) {
    bed.ask_for_focus(&windows[0]);
    bed.wait_for_dwell_to_see("AppA");
    bed.lock();
    let locked = Stamp::now();
    let_pass(Duration::from_secs(2));
    let status = bed.dwell_json(&["status"]);
    assert!(status["active"].is_null(), "{status}");
    let before = Stamp::now();
    bed.unlock();
    bed.ask_for_focus(&windows[0]);
    bed.wait_for_dwell_to_see("AppA");
    let back = Stamp::now();
    let_pass(Duration::from_secs(1));
    let end = Stamp::now();
    let away = counted(bed, locked.wall_ms + INSTANT_MS, before.wall_ms);
    let after = counted(bed, back.wall_ms, end.wall_ms);
    eprintln!("{test}: {away} ms counted behind the lock, {after} of {} after it", end.since(back));
    assert_eq!(away, 0, "counted behind the lock");
    assert!(end.since(back) - after <= INSTANT_MS, "counted {after} of {} ms", end.since(back));
}

/// The next event of this kind on the stream of `dwell watch --json`.
fn next_event(watch: &Lines, deadline: Deadline, wanted: impl Fn(&Value) -> bool) -> Stamp {
    let found = watch.find(deadline, |at, line| {
        let value: Value = serde_json::from_str(line).unwrap();
        wanted(&value).then_some(at)
    });
    found.unwrap_or_else(|| panic!("the event did not come"))
}

fn idleness_is_no_use(bed: &Bed, windows: &[Window], watch: &Lines, test: &str) {
    bed.ask_for_focus(&windows[0]);
    bed.wait_for_dwell_to_see("AppA");
    bed.press_key();
    bed.idle_after("2s");
    next_event(watch, Deadline::seconds(15), |event| event["event"] == "idle");
    bed.press_key();
    next_event(watch, Deadline::seconds(5), |event| event["event"] == "active");

    let before_input = Stamp::now();
    bed.press_key();
    let last_input = Stamp::now();
    let idle = next_event(watch, Deadline::seconds(15), |event| event["event"] == "idle");
    let_pass(Duration::from_millis(500));
    let returning = Stamp::now();
    bed.press_key();
    next_event(watch, Deadline::seconds(5), |event| event["event"] == "active");
    bed.idle_after("3m");
    let waited = idle.since(last_input);
    // Some desktops tell only that the time is over: what comes late is back-dated too little.
    let late = (waited - IDLE_AFTER_MS).max(0);
    let away = counted(bed, last_input.wall_ms + INSTANT_MS + late, returning.wall_ms);
    eprintln!("{test}: idle {waited} ms after the last input, {away} ms counted while nobody was there");
    // KWin's timers are Qt's coarse ones, which may be a twentieth early.
    assert!(idle.since(before_input) >= IDLE_AFTER_MS - 200, "idle after {waited} ms");
    assert!(waited <= IDLE_AFTER_MS + LATE_MS, "idle after {waited} ms");
    assert_eq!(away, 0);
}

fn a_crash_is_survived(bed: &mut Bed, watch: &Lines, test: &str) {
    let focus = |bed: &Bed| {
        let status = bed.dwell_json(&["status"]);
        let parts = status["health"].as_array().cloned().unwrap_or_default();
        parts.iter().any(|part| part["part"] == "focus" && part["ok"] == true)
    };
    assert!(wait_until(Deadline::seconds(10), || focus(bed)), "{}", bed.dwell(&["doctor"]).stdout);
    let killed = Stamp::now();
    bed.kill_desktop();
    let gone = Stamp::now();
    let of_focus = |event: &Value| event["event"] == "sensor" && event["part"] == "focus";
    next_event(watch, Deadline::seconds(5), |event| of_focus(event) && event["ok"] == false);
    assert_eq!(bed.dwell_json(&["status"])["state"], "unobserved");
    // Less than a second is not told as a gap.
    let_pass(Duration::from_millis(1500));
    bed.start_desktop();
    let answers = Stamp::now();
    let taken_up = next_event(watch, Deadline::seconds(10), |event| of_focus(event) && event["ok"] == true);
    eprintln!("{test}: taken up {} ms after the desktop answered again", taken_up.since(answers));
    assert!(taken_up.since(answers) <= TAKEN_UP_WITHIN_MS, "{} ms", taken_up.since(answers));
    let unobserved: i64 = bed
        .spans()
        .iter()
        .filter(|span| span.kind == "unobserved")
        .map(|span| span.within(killed.wall_ms, taken_up.wall_ms))
        .sum();
    assert!((1400..=taken_up.since(killed)).contains(&unobserved), "{unobserved} ms of the gap are told");
    assert_eq!(counted(bed, gone.wall_ms + INSTANT_MS, answers.wall_ms), 0);

    let windows = [bed.open("AppD", "delta"), bed.open("AppE", "epsilon")];
    let observer = bed.observe();
    assert!(observer.wait_for("AppE", Deadline::seconds(5)), "{:?}", observer.seen());
    bed.wait_for_dwell_to_see("AppE");
    let from = Stamp::now();
    for turn in 0..4 {
        let_pass(Duration::from_millis(400));
        bed.ask_for_focus(&windows[turn % 2]);
    }
    let_pass(Duration::from_millis(400));
    same_as_observed(bed, &observer, from, Stamp::now(), test);
}

#[test]
fn openbox() {
    a_day_on(Kind::X11, "openbox");
}

#[test]
fn xfwm4() {
    a_day_on(Kind::Xfwm4, "xfwm4");
}

#[test]
fn sway() {
    a_day_on(Kind::Sway, "sway");
}

#[test]
fn kwin() {
    a_day_on(Kind::Kwin, "kwin");
}

#[test]
fn kwin_by_script() {
    a_day_on(Kind::KwinUngranted, "kwin_by_script");
}

#[test]
fn gnome() {
    a_day_on(Kind::Gnome, "gnome");
}

#[test]
fn labwc() {
    a_day_on(Kind::Labwc, "labwc");
}
