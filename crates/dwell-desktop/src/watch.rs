//! Waiting for a display's socket to appear in a folder (inotify).

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::inotify;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::readiness::awaitable;

/// Folders in which something is awaited. Made before one looks there, so that nothing slips in between.
pub(crate) struct Watch {
    fd: Option<AsyncFd<OwnedFd>>,
}

impl Watch {
    /// Watches those of `folders` that exist; where one does not, its parent, for it to be made. Without inotify
    /// (limits reached) nothing is ever reported, and the other ways to find a display remain.
    pub(crate) fn new<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Self {
        Self { fd: Self::open(folders).ok() }
    }

    fn open<'a>(folders: impl IntoIterator<Item = &'a Path>) -> std::io::Result<AsyncFd<OwnedFd>> {
        let fd = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let events = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
        for folder in folders {
            let there: PathBuf =
                if folder.is_dir() { folder.into() } else { folder.parent().unwrap_or(folder).into() };
            let _ = inotify::add_watch(&fd, &there, events);
        }
        awaitable(fd, Interest::READABLE)
    }

    /// Waits until a file for which `wanted` holds appears.
    pub(crate) async fn appeared(&self, wanted: impl Fn(&str) -> bool) {
        let Some(fd) = &self.fd else { return std::future::pending().await };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        loop {
            let Ok(mut ready) = fd.readable().await else { return std::future::pending().await };
            ready.clear_ready();
            let mut found = false;
            let mut reader = inotify::Reader::new(fd.get_ref(), &mut buffer);
            while let Ok(event) = reader.next() {
                // A queue overflow carries no name: look, to be sure.
                found |= event.file_name().is_none_or(|name| name.to_str().is_ok_and(&wanted));
            }
            if found {
                return;
            }
        }
    }
}
