//! Waits. By a timerfd, because tokio's timers stop in suspend.

use std::io;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits until so much time has gone by, at least a nanosecond.
///
/// # Errors
/// The system has no timer to give.
pub(crate) async fn pause(length: Duration) -> io::Result<()> {
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let at = Timespec {
        tv_sec: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        // Of zero it would be no timer.
        tv_nsec: i64::from(length.subsec_nanos().max(1)),
    };
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    // It is due once, and closed after that: nobody has to read it.
    owned(timer)?.readable().await.map(drop)
}

#[expect(
    deprecated,
    reason = "its successor is unsafe; an owned descriptor, never replaced, is what it wants"
)]
fn owned(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(timer, Interest::READABLE)
}
