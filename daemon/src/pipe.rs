//! Long answers and streams go through pipes that the daemon makes.
//!
//! The hub never waits for a reader: events are written without blocking, each in one piece, and a reader that lets
//! its pipe fill up is dropped. Long answers are written by a thread of their own that gives a stalled reader up.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

/// How long a reader may take none of a long answer before it is given up: a person may be reading, too.
const STALLED_AFTER: Timespec = Timespec { tv_sec: 600, tv_nsec: 0 };

/// A pipe: the end to give away, and the end to write to.
///
/// # Errors
/// The process has no file descriptors left.
pub fn pipe() -> io::Result<(OwnedFd, Writer)> {
    // Non-blocking on our side only: the flag belongs to the open file, and each end is one of its own.
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&write, true)?;
    Ok((read, Writer(write)))
}

/// The daemon's end of a pipe.
#[derive(Debug)]
pub struct Writer(OwnedFd);

impl Writer {
    /// Standard output, as it was given to this process: writing to it may wait.
    ///
    /// # Errors
    /// The process has no file descriptors left.
    pub fn stdout() -> io::Result<Self> {
        use std::os::fd::AsFd;
        Ok(Self(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// Writes a line at once or not at all. `false`: the reader is gone or has stalled, drop it.
    #[must_use]
    pub fn line(&self, line: &str) -> bool {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        // Up to PIPE_BUF (4096) bytes are written whole or refused (pipe(7)); a shorter count means that it was not.
        matches!(rustix::io::write(&self.0, &bytes), Ok(n) if n == bytes.len())
    }

    /// Whether nobody reads any more.
    pub fn is_closed(&self) -> bool {
        let mut fds = [PollFd::new(&self.0, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::ERR)
    }
}

/// Blocks for a reader that makes progress, fails for one that does not.
impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.0, bytes) {
                Ok(n) => return Ok(n),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.0, PollFlags::OUT)];
                    if poll(&mut fds, Some(&STALLED_AFTER))? == 0 {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_stalled_reader_is_dropped_and_never_waited_for() {
        let (read, writer) = pipe().unwrap();
        let line = "x".repeat(1000);
        let written = (0..1000).take_while(|_| writer.line(&line)).count();
        assert!((60..1000).contains(&written), "{written}");
        drop(writer);
        let mut text = String::new();
        std::fs::File::from(read).read_to_string(&mut text).unwrap();
        assert!(text.lines().all(|l| l == line), "a line was torn");
    }

    #[test]
    fn a_reader_that_leaves_is_noticed() {
        let (read, writer) = pipe().unwrap();
        assert!(!writer.is_closed());
        drop(read);
        assert!(writer.is_closed());
        assert!(!writer.line("x"));
    }
}
