//! What is recorded outlives whatever happens to the daemon.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dwell_tests::clock::{Stamp, let_pass, let_pass_until};
use dwell_tests::{Bed, Kind, Span, schedule, spans};

/// What a crash may cost of the span that was open.
const CHECKPOINT_MS: i64 = 30_000;

/// The closed spans that dwell has told us of: all but the last, which may still be open.
fn acknowledged(bed: &Bed) -> Vec<Span> {
    let answer = bed.dwell(&["spans", "--format", "ndjson"]);
    // The daemon may have been killed while it answered: the last line may be cut off.
    let complete = answer.stdout.rfind('\n').map_or("", |end| &answer.stdout[..=end]);
    let mut spans = spans(complete);
    for pair in spans.windows(2) {
        assert!(pair[0].end_ms <= pair[1].start_ms, "one answer tells the same time twice: {pair:?}");
    }
    spans.pop();
    spans
}

#[test]
fn kill_9_loses_no_acknowledged_span() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let windows = [bed.open("AppA", "alpha"), bed.open("AppB", "beta"), bed.open("AppC", "gamma")];
    let mut chance = schedule::chance("kill_9");
    let mut switching = chance.fork();
    let stop = AtomicBool::new(false);
    let mut told = BTreeSet::new();
    let mut worst_ms = 0;

    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                bed.ask_for_focus(&windows[switching.usize(0..windows.len())]);
                let_pass(Duration::from_millis(switching.u64(60..400)));
            }
        });
        let _stops = StopOnDrop(&stop);
        for round in 0..20 {
            let mut daemon = bed.daemon();
            let ready = Stamp::now();
            let kill_at = ready.boot_ms + chance.i64(100..1500);
            let asking = AtomicBool::new(true);
            let heard = std::thread::scope(|scope| {
                let heard = scope.spawn(|| {
                    let mut heard = BTreeSet::new();
                    while asking.load(Ordering::Relaxed) {
                        heard.extend(acknowledged(&bed));
                    }
                    heard
                });
                let_pass_until(kill_at);
                daemon.kill9();
                asking.store(false, Ordering::Relaxed);
                heard.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            let killed = Stamp::now();
            told.extend(heard);

            let mut daemon = bed.daemon();
            let kept = bed.spans();
            for span in &told {
                assert!(kept.contains(span), "round {round}: {span:?} was lost; kept: {kept:#?}");
            }
            let covered: i64 = kept.iter().map(|span| span.within(ready.wall_ms, killed.wall_ms)).sum();
            worst_ms = worst_ms.max(killed.since(ready) - covered);
            daemon.kill9();
        }
    });
    eprintln!(
        "kill_9: {} acknowledged spans in 20 rounds, none lost; at most {worst_ms} ms of one round missing",
        told.len()
    );
    assert!(told.len() >= 20, "only {} spans were acknowledged: the test proves little", told.len());
    assert!(worst_ms <= CHECKPOINT_MS, "{worst_ms} ms of a round are missing");
}

/// Ends the switching of windows also when a round fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn kill_9_costs_at_most_thirty_seconds_of_the_open_span() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let _window = bed.open("AppA", "alpha");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let start = Stamp::now();
    let_pass(Duration::from_secs(38));
    daemon.kill9();
    let killed = Stamp::now();

    let _daemon = bed.daemon();
    let kept: i64 = bed
        .spans()
        .iter()
        .filter(|span| span.is_focus_on("AppA"))
        .map(|span| span.within(start.wall_ms, killed.wall_ms))
        .sum();
    let missing = killed.since(start) - kept;
    eprintln!("kill_9: {missing} of {} ms of the open span are missing", killed.since(start));
    assert!(missing <= CHECKPOINT_MS, "{missing} ms are missing");
}

#[test]
fn a_clean_stop_saves_the_open_span() {
    let Some(bed) = Bed::start(Kind::X11) else { return };
    let _window = bed.open("AppA", "alpha");
    let mut daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppA");
    let start = Stamp::now();
    let_pass(Duration::from_millis(1500));
    let stopping = Stamp::now();
    daemon.terminate();
    let stopped = Stamp::now();
    assert_eq!(daemon.stdout(), "", "dwelld prints nothing on stdout");
    assert_eq!(bed.dwell(&["status"]).code, 5);

    // A pause in which nothing watches, so that the old span's end cannot be mistaken for the new one's start.
    let_pass(Duration::from_millis(500));
    let _daemon = bed.daemon();
    let spans = bed.spans();
    let saved = spans.iter().find(|span| span.is_focus_on("AppA")).expect("the span that was open");
    assert!(saved.start_ms <= start.wall_ms, "{saved:?}");
    let at_the_end = stopping.wall_ms - 300..=stopped.wall_ms + 300;
    assert!(at_the_end.contains(&saved.end_ms), "{saved:?} should end in {at_the_end:?}");
}
