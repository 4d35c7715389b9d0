//! Notices that a file changed, by inotify on its folder: editors replace files, and it may not exist yet.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::deadline::owned;

/// Says each time that a file may have changed. Where its folder cannot be watched, nothing is ever said; SIGHUP
/// and `Reload` work all the same.
pub fn file(path: &Path) -> (mpsc::Receiver<()>, Option<JoinHandle<()>>) {
    let (sender, receiver) = mpsc::channel(1);
    let watched = path.parent().zip(path.file_name()).and_then(|(folder, name)| {
        let events = watch(folder).inspect_err(|error| {
            tracing::debug!("the configuration's folder is not watched: {error}");
        });
        Some(tokio::spawn(report(events.ok()?, name.to_owned(), sender)))
    });
    (receiver, watched)
}

fn watch(folder: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::ONLYDIR;
    inotify::add_watch(&events, folder, flags)?;
    owned(events)
}

async fn report(events: AsyncFd<OwnedFd>, name: OsString, sender: mpsc::Sender<()>) {
    let mut buffer = [MaybeUninit::uninit(); 2048];
    while let Ok(mut ready) = events.readable().await {
        let mut ours = false;
        let mut reader = inotify::Reader::new(events.get_ref(), &mut buffer);
        while let Ok(event) = reader.next() {
            ours |= event.file_name().is_some_and(|n| n.to_bytes() == name.as_encoded_bytes());
        }
        ready.clear_ready();
        if ours && sender.send(()).await.is_err() {
            return;
        }
    }
}
