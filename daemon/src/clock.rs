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

/// When the process that started this one began, or `None` where the kernel does not tell (proc(5), `stat`, field 22).
pub fn parent_started() -> Option<Boot> {
    let parent = rustix::process::getppid()?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", parent.as_raw_nonzero())).ok()?;
    // The second field is a name in parentheses, and may hold any character.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()?;
    Some(Boot::from_ms(ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1)))
}

fn wall() -> Wall {
    let t = clock_gettime(ClockId::Realtime);
    Wall::from_unix_ms(t.tv_sec.saturating_mul(1000).saturating_add(t.tv_nsec / 1_000_000))
}

fn unsigned(t: Timespec) -> u64 {
    u64::try_from(t.tv_sec).unwrap_or(0) * 1000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000_000
}
