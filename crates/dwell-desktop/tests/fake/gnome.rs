//! The GNOME back end where there is but GNOME Shell's name on the bus.

use super::*;
use crate::bed::{block_on, can_run, connect};
use dwell_core::sample::Fact;
use dwell_desktop::Notice;

#[test]
fn without_its_extension_the_last_displays_program_does_not_count_on() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        let (mut bed, other) = (Bed::new(), Bed::new());
        let shell = bed.bus().await;
        let session = connect(&format!("unix:path={}", bed.path("bus").display())).await;
        let mut compositor = Compositor::start(bed.path("wayland-1"), Offers::USUAL);
        let _gnome = Compositor::start(other.path("wayland-1"), Offers::USUAL);
        let mut sensors = Sensors::start(&bed, LONG, Buses { session: Some(session), system: None });
        assert_eq!(sensors.health("focus", true).await.backend, "wlr");
        compositor.open("AppA", None);
        sensors.focus("AppA").await;
        shell.request_name("org.gnome.Shell").await.unwrap();
        sensors.desktop.reattach(other.surroundings());
        let unknown = |fact: &Fact| *fact == Fact::FocusUnknown;
        let first = sensors.until("unknown", |notice| match notice {
            Notice::Sample(sample) => unknown(&sample.fact),
            Notice::Health(health) => health.part == "focus" && !health.ok,
            Notice::Units { .. } => false,
        });
        // At once, and not when the patience with the extension has ended.
        assert!(matches!(first.await, Notice::Sample(_)));
        assert_eq!(sensors.health("focus", false).await.backend, "gnome");
    });
}
