//! CLOCK_BOOTTIME: reading it, and waiting for it.

use std::future::Future;
use std::io;

use dwell_core::time::{Boot, Millis};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::Interest;

use crate::readiness::awaitable;

/// The present instant of CLOCK_BOOTTIME.
pub(crate) fn now() -> Boot {
    Boot::from_ms(millis(clock_gettime(ClockId::Boottime)))
}

/// How long the machine has slept since it was booted: CLOCK_BOOTTIME less CLOCK_MONOTONIC.
pub(crate) fn slept() -> Millis {
    let boot = millis(clock_gettime(ClockId::Boottime));
    Millis::from_ms(boot.saturating_sub(millis(clock_gettime(ClockId::Monotonic))))
}

fn millis(spec: Timespec) -> u64 {
    let seconds = u64::try_from(spec.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(spec.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)
}

/// Waits until `length` has gone by, once. A timerfd, because tokio's timers stop in suspend.
pub(crate) async fn after(length: Millis) -> io::Result<()> {
    let fd = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let ms = length.as_ms().max(1);
    let once = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec {
            tv_sec: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(ms % 1000 * 1_000_000).unwrap_or(0),
        },
    };
    timerfd_settime(&fd, TimerfdTimerFlags::empty(), &once)?;
    let fd = awaitable(fd, Interest::READABLE)?;
    let _ = fd.readable().await?;
    // Nothing needs the count, but whoever traces the daemon sees by it that a timer has expired.
    let _ = rustix::io::read(fd.get_ref(), &mut [0; 8])?;
    Ok(())
}

/// What `future` yields, or `None` when it takes longer than `length`: for questions to other programs, which may
/// be stopped.
pub(crate) async fn within<F: Future>(length: Millis, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        _ = after(length) => None,
    }
}
