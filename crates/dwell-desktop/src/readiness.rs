//! Waiting on file descriptors with tokio.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that can be awaited.
#[expect(
    deprecated,
    reason = "its successor is `unsafe`, for types whose descriptor may change; an OwnedFd stays open and the same, and \
              this crate forbids unsafe code"
)]
pub(crate) fn awaitable(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, interest)
}
