//! Lines from the daemon's pipe, one at a time.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;

use crate::error::{Error, Kind, reason};

/// The reading end of a pipe that the daemon fills.
pub(super) struct Lines {
    pipe: BufReader<Receiver>,
    line: Vec<u8>,
}

impl Lines {
    /// Takes the pipe.
    ///
    /// # Errors
    /// What the daemon gave is no pipe.
    pub(super) fn new(pipe: OwnedFd) -> Result<Self, Error> {
        let pipe = Receiver::from_owned_fd(pipe).map_err(|why| broke(&why))?;
        Ok(Self { pipe: BufReader::new(pipe), line: Vec::new() })
    }

    /// The next line with its end, or `None` after the last. A last line without an end was cut off, and is dropped.
    ///
    /// # Errors
    /// The pipe broke.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        self.line.clear();
        self.pipe.read_until(b'\n', &mut self.line).await.map_err(|why| broke(&why))?;
        Ok(Some(self.line.as_slice()).filter(|line| line.ends_with(b"\n")))
    }
}

fn broke(why: &io::Error) -> Error {
    Error::new(Kind::Failed, format!("the stream from the daemon broke ({})", reason(why))).hint("try again")
}

/// Returns when nobody reads our standard output any more; never, where that cannot be known (a plain file).
///
/// A thread waits for it: the event loop could only do so through unsafe code, since it cannot own standard output.
pub(super) async fn deserted() {
    let (tell, told) = oneshot::channel();
    let watcher = std::thread::Builder::new().name("reader-gone".to_owned()).spawn(move || {
        let output = io::stdout();
        // No events are asked for: hang-ups and errors are told unasked.
        while let Err(Errno::INTR) = poll(&mut [PollFd::new(&output, PollFlags::empty())], None) {}
        // By then the answer may be of no interest any more.
        let _ = tell.send(());
    });
    if watcher.is_err() || told.await.is_err() {
        std::future::pending().await
    }
}
