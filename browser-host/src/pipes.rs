//! The two pipes to the browser, without a thread: standard input and output are made non-blocking, and waited for like
//! any other event.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::frame::{FrameError, Frames, OUT_MAX};

/// What the browser says.
pub(crate) struct Input {
    pipe: AsyncFd<OwnedFd>,
    frames: Frames,
}

impl Input {
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self { pipe: patient(pipe, Interest::READABLE)?, frames: Frames::default() })
    }

    /// The next frame; `None` where the browser has closed its end. May be dropped and asked anew: no byte is lost.
    ///
    /// # Errors
    /// What comes are no frames.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        loop {
            if let Some(frame) = self.frames.whole()? {
                return Ok(Some(frame));
            }
            let mut piece = [0; 4096];
            let bytes = self.read(&mut piece).await;
            if bytes.is_empty() {
                return self.frames.end().map(|()| None);
            }
            self.frames.take(bytes);
        }
    }

    /// Reads what comes into nothing, until the browser closes its end.
    pub(crate) async fn outlast(&mut self) {
        let mut piece = [0; 4096];
        while !self.read(&mut piece).await.is_empty() {}
    }

    /// Some bytes; none at the end. A pipe that cannot be read has ended as well.
    async fn read<'a>(&self, into: &'a mut [u8]) -> &'a [u8] {
        loop {
            let Ok(mut ready) = self.pipe.readable().await else { return &[] };
            match rustix::io::read(&self.pipe, &mut *into) {
                Ok(read) => return into.get(..read).unwrap_or_default(),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(_) => return &[],
            }
        }
    }
}

/// What may wait for a browser that does not read, in bytes. It is two of the longest frames, beside what the pipe holds
/// itself: whoever lets that much lie is stuck.
const WAITING_MAX: usize = 2 * OUT_MAX;

/// The browser does not read what it is told.
#[derive(Debug)]
pub(crate) struct Stalled;

/// What the browser is told.
pub(crate) struct Output {
    pipe: AsyncFd<OwnedFd>,
    waiting: VecDeque<u8>,
}

impl Output {
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self { pipe: patient(pipe, Interest::WRITABLE)?, waiting: VecDeque::new() })
    }

    /// Tells a frame, now where the pipe has room for it.
    ///
    /// # Errors
    /// Too much waits already.
    pub(crate) fn tell(&mut self, frame: &[u8]) -> Result<(), Stalled> {
        if self.waiting.len() + frame.len() > WAITING_MAX {
            return Err(Stalled);
        }
        self.waiting.extend(frame);
        // What fails here, fails in `drain` as well.
        let _ = self.write();
        Ok(())
    }

    pub(crate) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until the pipe takes more, and gives it that.
    ///
    /// # Errors
    /// Nobody is there to read.
    pub(crate) async fn drain(&mut self) -> Result<(), Errno> {
        let mut ready = self.pipe.writable().await.map_err(|_| Errno::PIPE)?;
        ready.clear_ready();
        drop(ready);
        self.write()
    }

    fn write(&mut self) -> Result<(), Errno> {
        while self.is_behind() {
            match rustix::io::write(&self.pipe, self.waiting.as_slices().0) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(why) => return Err(why),
            }
        }
        self.waiting.shrink_to(1 << 10);
        Ok(())
    }
}

/// A descriptor that gives up instead of blocking.
#[expect(
    deprecated,
    reason = "its successor is unsafe; an owned descriptor, never replaced, is what it wants"
)]
fn patient(pipe: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    rustix::io::ioctl_fionbio(&pipe, true)?;
    AsyncFd::with_interest(pipe, interest)
}
