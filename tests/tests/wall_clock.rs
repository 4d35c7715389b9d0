//! What limits do by the clock on the wall, on real windows, with the daemon left alone: the new day gives back what the
//! old one put away, and blocked hours begin and end.
//!
//! The clock is the machine's own, so a full minute is waited for: on all desktops at once.

use dwell_tests::clock::{Deadline, Stamp};
use dwell_tests::{Bed, Daemon, Kind, Window};

/// Enough for setting up two desktops one after the other on a slow machine, in seconds.
const SETTING_UP: i64 = 45;

/// The hour that it is in the zone of these tests: days can start in the first half of a day only.
const LOCAL_HOUR: i64 = 6;

/// A minute of the clock on the wall that is still to come, counted from 1970.
#[derive(Clone, Copy)]
struct Minute(i64);

impl Minute {
    /// The first that begins at least so many seconds from now.
    fn in_seconds(seconds: i64) -> Self {
        Minute((Stamp::now().wall_ms + seconds * 1000).div_euclid(60_000) + 1)
    }

    /// Its name, so many hours later, in a zone in which it is in the hour after six.
    fn named(self, hours: i64) -> String {
        format!("{:02}:{:02}", LOCAL_HOUR + hours, self.0.rem_euclid(60))
    }

    /// A zone in which it is in the hour after six.
    fn zone(self) -> String {
        // Etc/GMT+3 is three hours west of Greenwich.
        let west = (self.0.div_euclid(60) - LOCAL_HOUR).rem_euclid(24);
        let (west, sign) = if west <= 12 { (west, '+') } else { (24 - west, '-') };
        format!("Etc/GMT{sign}{west}")
    }

    fn assert_has_begun(self, what: &str) {
        let early = self.0 * 60_000 - Stamp::now().wall_ms;
        assert!(early <= 0, "{what} {early} ms before its time");
    }
}

/// The desktops that this machine can run, each with a window of AppA and one of AppB, which has focus.
fn beds() -> Vec<(Bed, Window, Window)> {
    let beds = [Kind::X11, Kind::Sway].into_iter().filter_map(Bed::start);
    let open = |bed: Bed| {
        let (alpha, beta) = (bed.open("AppA", "alpha"), bed.open("AppB", "beta"));
        (bed, alpha, beta)
    };
    beds.map(open).collect()
}

fn daemon(bed: &Bed, configuration: &str) -> Daemon {
    bed.place().write(&bed.place().config(), configuration);
    let daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    daemon
}

#[test]
fn a_limit_lifts_when_the_new_day_starts() {
    let beds = beds();
    let day_start = Minute::in_seconds(SETTING_UP);
    let (zone, at) = (day_start.zone(), day_start.named(0));
    let begun: Vec<_> = beds
        .iter()
        .map(|(bed, alpha, _)| {
            let daemon = daemon(bed, &format!("zone = \"{zone}\"\nday-start = \"{at}\"\n"));
            let events = bed.watch();
            let _ = bed.dwell(&["limit", "set", "app:AppA", "1s", "--warn", "0s"]).ok();
            bed.ask_for_focus(alpha);
            assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(alpha)), "not put away");
            assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 10);
            (daemon, events)
        })
        .collect();

    for ((bed, alpha, beta), (_daemon, events)) in beds.iter().zip(&begun) {
        let lifted =
            events.find(Deadline::seconds(120), |_, line| line.contains("limit-lifted").then_some(()));
        lifted.expect("the limit lifts when the day starts");
        day_start.assert_has_begun("lifted");
        assert!(bed.wait_until(Deadline::seconds(10), || !bed.is_hidden(alpha)), "put away still");
        assert!(!bed.is_hidden(beta));
        assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
        let status = bed.dwell_json(&["status"]);
        assert_eq!(status["limits"][0]["verdict"], "allowed", "{status}");

        // The day before is a page of its own now, and still there.
        let yesterday = bed.dwell_json(&["report", "yesterday"]);
        assert!(yesterday["total_seconds"].as_u64().is_some_and(|s| s >= 1), "{yesterday}");
    }
}

#[test]
fn blocked_hours_begin_and_end() {
    let beds = beds();
    let change = Minute::in_seconds(SETTING_UP);
    let zone = change.zone();
    // AppA until then, and AppB from then on.
    let rules = format!(
        "[[rule]]\nid = \"a\"\ntarget = \"app:AppA\"\nblocked = [\"{}-{at}\"]\n\
         [[rule]]\nid = \"b\"\ntarget = \"app:AppB\"\nblocked = [\"{at}-{}\"]\n",
        change.named(-1),
        change.named(1),
        at = change.named(0),
    );
    let begun: Vec<_> = beds
        .iter()
        .map(|(bed, alpha, beta)| {
            let daemon = daemon(bed, &format!("zone = \"{zone}\"\n"));
            let file = bed.place().temporary().join("rules.toml");
            bed.place().write(&file, &rules);
            let _ = bed.dwell(&["rules", "import", file.to_str().expect("a path"), "--yes"]).ok();
            bed.ask_for_focus(alpha);
            assert!(bed.wait_until(Deadline::seconds(10), || bed.is_hidden(alpha)), "not put away");
            let why = bed.dwell_json(&["why", "app:AppA"]);
            assert_eq!(why["rules"][0]["because"], "hours", "{why}");
            bed.ask_for_focus(beta);
            bed.wait_for_dwell_to_see("AppB");
            daemon
        })
        .collect();

    for (bed, alpha, beta) in &beds {
        let changed = || !bed.is_hidden(alpha) && bed.is_hidden(beta);
        let both = || (bed.is_hidden(alpha), bed.is_hidden(beta));
        assert!(bed.wait_until(Deadline::seconds(120), || both() != (true, false)), "nothing happens");
        change.assert_has_begun("changed");
        assert!(bed.wait_until(Deadline::seconds(10), changed), "(AppA, AppB) hidden: {:?}", both());
        assert_eq!(bed.dwell(&["check", "app:AppA"]).code, 0);
        assert_eq!(bed.dwell(&["check", "app:AppB"]).code, 10);
    }
    drop(begun);
}
