//! A wait that the person sees going by.
//!
//! On the clock that goes on in suspend; the daemon is not asked meanwhile, and nothing else is done. Ctrl-C ends the
//! program as it ends any other: there is nothing to put back.

use std::io::{self, IsTerminal};

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

use crate::ask::tell;
use crate::console::Console;
use crate::error::{Error, Kind, reason};
use crate::output::text::{cut, glance};

/// Lets `ms` go by. `what` is told with what is left of it: `Before the snooze`.
///
/// # Errors
/// The system has no timer.
pub(super) fn pass(ms: u64, what: &str, console: &Console) -> Result<(), Error> {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let seen = io::stderr().is_terminal() && !console.quiet && !dumb;
    if !seen && ms > 0 {
        console.remark(&format!("{what}: {}", glance(ms.div_ceil(1000) * 1000)));
    }
    let end = boot_ms().saturating_add(ms);
    let mut left = ms;
    while left > 0 {
        if seen {
            let line = format!("{what}: {}", glance(left.div_ceil(1000) * 1000));
            tell(&format!("\r\x1b[K{}", cut(&line, console.look.width.saturating_sub(1))));
        }
        // Up to the next whole second where somebody looks, else to the end.
        sleep(if seen { left - (left - 1) / 1000 * 1000 } else { left })?;
        left = end.saturating_sub(boot_ms());
    }
    if seen {
        tell("\r\x1b[K");
    }
    Ok(())
}

fn boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000
}

fn sleep(ms: u64) -> Result<(), Error> {
    let failed = |why: rustix::io::Errno| {
        Error::new(Kind::Failed, format!("no timer can be set: {}", reason(&why.into())))
    };
    let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC).map_err(failed)?;
    let whole = Timespec {
        tv_sec: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(ms % 1000 * 1_000_000).unwrap_or(0),
    };
    let once = Itimerspec { it_interval: Timespec::default(), it_value: whole };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).map_err(failed)?;
    loop {
        match rustix::io::read(&timer, &mut [0; 8]) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(failed(why)),
        }
    }
}
