//! Deadlines as timerfds: they run through suspend, which tokio's timers do not.

use std::io;

use dwell_core::time::{Boot, Wall};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A deadline on the boot clock.
#[derive(Debug)]
pub struct BootDeadline {
    timer: AsyncFd<OwnedFd>,
    armed: Option<Boot>,
}

impl BootDeadline {
    /// A deadline that is not armed.
    ///
    /// # Errors
    /// The system has no timer to give.
    pub fn new() -> io::Result<Self> {
        Ok(Self { timer: timer(TimerfdClockId::Boottime)?, armed: None })
    }

    /// Arms it, or disarms it. Arming it again for the same instant costs nothing.
    ///
    /// # Errors
    /// The system refused.
    pub fn arm(&mut self, at: Option<Boot>) -> io::Result<()> {
        if self.armed != at {
            let ms = at.map_or(0, |at| at.as_ms().max(1));
            timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &once(ms))?;
            self.armed = at;
        }
        Ok(())
    }

    /// Waits until it is due. Never returns while it is not armed.
    ///
    /// # Errors
    /// The timer cannot be read.
    pub async fn due(&mut self) -> io::Result<()> {
        wait(&self.timer).await?;
        self.armed = None;
        Ok(())
    }
}

/// A deadline on the wall clock, which also wakes when that clock is set.
#[derive(Debug)]
pub struct WallDeadline {
    timer: AsyncFd<OwnedFd>,
    armed: Option<Wall>,
}

impl WallDeadline {
    /// A deadline that is not armed.
    ///
    /// # Errors
    /// The system has no timer to give.
    pub fn new() -> io::Result<Self> {
        Ok(Self { timer: timer(TimerfdClockId::Realtime)?, armed: None })
    }

    /// Arms it. While it is armed, a wall clock that is set wakes [`WallDeadline::due`] as well.
    ///
    /// # Errors
    /// The system refused.
    pub fn arm(&mut self, at: Wall) -> io::Result<()> {
        if self.armed != Some(at) {
            let ms = u64::try_from(at.as_unix_ms()).unwrap_or(1).max(1);
            let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
            timerfd_settime(self.timer.get_ref(), flags, &once(ms))?;
            self.armed = Some(at);
        }
        Ok(())
    }

    /// Waits until it is due or the clock was set.
    ///
    /// # Errors
    /// The timer cannot be read.
    pub async fn due(&mut self) -> io::Result<()> {
        wait(&self.timer).await?;
        self.armed = None;
        Ok(())
    }
}

fn timer(clock: TimerfdClockId) -> io::Result<AsyncFd<OwnedFd>> {
    owned(timerfd_create(clock, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?)
}

/// Registers a descriptor of our own with the runtime.
pub(crate) fn owned(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(deprecated, reason = "unsound for types that lie about their descriptor; an OwnedFd never does")]
    AsyncFd::new(fd)
}

fn once(ms: u64) -> Itimerspec {
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    // The remainder is below 1000, so it always fits.
    let nanos = i64::try_from(ms % 1000).unwrap_or(0) * 1_000_000;
    Itimerspec { it_interval: zero, it_value: Timespec { tv_sec: seconds, tv_nsec: nanos } }
}

async fn wait(timer: &AsyncFd<OwnedFd>) -> io::Result<()> {
    let mut count = [0_u8; 8];
    loop {
        let mut ready = timer.readable().await?;
        match rustix::io::read(timer.get_ref(), &mut count) {
            // Cancelled: the wall clock was set, which is news as well.
            Ok(_) | Err(Errno::CANCELED) => return Ok(()),
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
