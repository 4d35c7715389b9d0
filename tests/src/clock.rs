//! The tests' clocks: one reading of boot and wall time together, deadlines, and the one place where time passes.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::{ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{clock_gettime, timerfd_create, timerfd_settime};

/// One instant on both clocks, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// CLOCK_BOOTTIME: for durations.
    pub boot_ms: i64,
    /// CLOCK_REALTIME, Unix milliseconds: for comparison with what dwell writes down.
    pub wall_ms: i64,
}

impl Stamp {
    /// Reads both clocks.
    #[must_use]
    pub fn now() -> Self {
        Stamp { boot_ms: read(ClockId::Boottime), wall_ms: read(ClockId::Realtime) }
    }

    /// Milliseconds from `earlier` to this instant, by the boot clock.
    #[must_use]
    pub fn since(self, earlier: Stamp) -> i64 {
        self.boot_ms - earlier.boot_ms
    }
}

fn read(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// The latest moment at which an event may still come.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline this far from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Deadline(Instant::now() + limit)
    }

    /// A deadline this many seconds from now.
    #[must_use]
    pub fn seconds(seconds: u64) -> Self {
        Self::after(Duration::from_secs(seconds))
    }

    /// What is left; zero once it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// What is left as poll(2) takes it.
    #[must_use]
    pub fn timespec(self) -> Timespec {
        Timespec::try_from(self.left()).expect("a deadline fits a timespec")
    }
}

/// Lets real time pass, on a timerfd. For schedules, where time itself is what is measured; never to wait for an event.
pub fn let_pass(time: Duration) {
    if time.is_zero() {
        return;
    }
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC).expect("a timerfd");
    let once = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec::try_from(time).expect("a time that fits a timespec"),
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).expect("to arm a timerfd");
    loop {
        let mut expiry = [PollFd::new(&timer, PollFlags::IN)];
        match poll(&mut expiry, None) {
            Ok(_) => return,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("poll on a timerfd: {error}"),
        }
    }
}

/// Lets time pass until this instant of the boot clock; returns at once if it has passed.
pub fn let_pass_until(boot_ms: i64) {
    let left = boot_ms - Stamp::now().boot_ms;
    let_pass(Duration::from_millis(u64::try_from(left).unwrap_or(0)));
}

/// Asks again and again until the condition holds, and says whether it did before the deadline.
///
/// Only for conditions that announce themselves through nothing that can be waited on (a file of another program).
pub fn wait_until(deadline: Deadline, mut condition: impl FnMut() -> bool) -> bool {
    loop {
        // Read before asking: the last asking begins after the deadline.
        let last = deadline.passed();
        if condition() {
            return true;
        }
        if last {
            return false;
        }
        let_pass(Duration::from_millis(10));
    }
}
