//! dwell on GNOME Shell.

use std::time::Duration;

use dwell_tests::clock::{Deadline, Stamp, let_pass};
use dwell_tests::{Bed, Kind};

#[test]
fn gnome_focus_is_followed() {
    let Some(bed) = Bed::start(Kind::Gnome) else { return };
    let a = bed.open("AppA", "alpha");
    let b = bed.open("AppB", "beta");
    let observer = bed.observe();
    assert!(observer.wait_for("AppB", Deadline::seconds(5)));
    let _daemon = bed.daemon();
    bed.wait_for_dwell_to_see("AppB");
    for _ in 0..3 {
        for (window, app) in [(&a, "AppA"), (&b, "AppB")] {
            bed.ask_for_focus(window);
            bed.wait_for_dwell_to_see(app);
        }
    }
    let_pass(Duration::from_secs(1));
    eprintln!("{}", bed.dwell(&["doctor"]).stdout);
    eprintln!("{:?} {:?}", observer.seen(), Stamp::now());
}
