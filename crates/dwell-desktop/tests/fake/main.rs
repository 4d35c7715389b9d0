//! The back ends of Wayland compositors on a compositor that does what the test says: what real ones do too rarely, too
//! slowly or never, and the ones that cannot run here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

#[path = "../bed/mod.rs"]
mod bed;
mod compositor;
mod endings;
mod focus;
mod gnome;
mod hyprland;
mod idle;
mod ipc;
#[path = "../../src/backends/wayland/lock_interfaces.rs"]
mod lock_interfaces;
mod lock_protocol;
mod niri;

use std::time::Duration;

use bed::{Bed, Sensors};
use compositor::{Compositor, Offers};
use dwell_desktop::Buses;

/// No event on these beds takes longer, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);
/// An idle time that does not pass in a test.
const LONG: u64 = 180_000;

/// A compositor on a bed of its own, with the sensors attached.
struct Fake {
    compositor: Compositor,
    sensors: Sensors,
    bed: Bed,
}

impl Fake {
    async fn start(offers: Offers) -> Self {
        Self::start_with(offers, LONG).await
    }

    async fn start_with(offers: Offers, idle_after_ms: u64) -> Self {
        let bed = Bed::new();
        let compositor = Compositor::start(bed.path("wayland-1"), offers);
        let mut sensors = Sensors::start(&bed, idle_after_ms, Buses::default());
        let health = sensors.health("focus", true).await;
        assert_eq!(health.backend, "wlr", "{health:?}");
        Self { compositor, sensors, bed }
    }
}
