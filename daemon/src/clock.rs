//! The one place that reads the clocks.

use dwell_core::time::{Boot, Millis, Reading, Wall};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Both clocks, now.
pub fn now() -> Reading {
    Reading::new(Boot::from_ms(unsigned(clock_gettime(ClockId::Boottime))), wall())
}

/// How long the machine has slept since boot: the boot clock runs through suspend, the monotonic clock does not.
pub fn slept() -> Millis {
    let monotonic = unsigned(clock_gettime(ClockId::Monotonic));
    Millis::from_ms(unsigned(clock_gettime(ClockId::Boottime)).saturating_sub(monotonic))
}

fn wall() -> Wall {
    let t = clock_gettime(ClockId::Realtime);
    Wall::from_unix_ms(t.tv_sec.saturating_mul(1000).saturating_add(t.tv_nsec / 1_000_000))
}

fn unsigned(t: Timespec) -> u64 {
    u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000
}
