//! Notices that a file changed, by inotify on its folder: editors replace files, and it may not exist yet.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::deadline::owned;

/// Says each time that a file may have changed. Where nothing can be watched, nothing is ever said; SIGHUP and
/// `Reload` work all the same.
pub fn file(path: &Path) -> (mpsc::Receiver<()>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(1);
    (receiver, tokio::spawn(follow(path.to_owned(), sender)))
}

/// Watches the file's folder; while that does not exist, the nearest one above it that does.
async fn follow(path: PathBuf, sender: mpsc::Sender<()>) {
    let (Some(name), Some(home)) = (path.file_name(), path.parent()) else { return };
    loop {
        let Some(folder) = home.ancestors().find(|folder| folder.is_dir()) else { return };
        let Ok(events) = watch(folder).inspect_err(|error| {
            tracing::warn!("the configuration's folder is not watched: {error}; send SIGHUP after a change");
        }) else {
            return;
        };
        if folder == home {
            // The file may have come with its folder.
            if sender.send(()).await.is_err() {
                return;
            }
            while home.is_dir() {
                if heard(&events, |event| event == name).await.is_err() || sender.send(()).await.is_err() {
                    return;
                }
            }
        } else if !home.is_dir() && heard(&events, |_| true).await.is_err() {
            return;
        }
    }
}

fn watch(folder: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let flags = WatchFlags::CLOSE_WRITE
        | WatchFlags::CREATE
        | WatchFlags::MOVED_TO
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    inotify::add_watch(&events, folder, flags)?;
    owned(events)
}

/// Waits until something happens to an entry that is wanted, or to the folder itself.
async fn heard(events: &AsyncFd<OwnedFd>, wanted: impl Fn(&OsStr) -> bool) -> io::Result<()> {
    let mut buffer = [MaybeUninit::uninit(); 2048];
    loop {
        let mut ready = events.readable().await?;
        let mut hit = false;
        let mut reader = inotify::Reader::new(events.get_ref(), &mut buffer);
        while let Ok(event) = reader.next() {
            hit |= event.file_name().is_none_or(|name| wanted(OsStr::from_bytes(name.to_bytes())));
        }
        ready.clear_ready();
        if hit {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_followed_even_before_its_folder_exists() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a/b");
        let (mut changes, task) = file(&folder.join("config.toml"));
        tokio::task::yield_now().await;
        std::fs::create_dir_all(&folder).unwrap();
        changes.recv().await.unwrap();
        for text in ["one", "two"] {
            // As editors do it: a new file takes the old one's place.
            std::fs::write(folder.join("new"), text).unwrap();
            std::fs::rename(folder.join("new"), folder.join("config.toml")).unwrap();
            changes.recv().await.unwrap();
        }
        task.abort();
    }
}
