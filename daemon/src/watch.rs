//! Notices that a file changed, by inotify on its folder: editors replace files, and it may not exist yet.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use dwell_core::time::Millis;

use crate::clock;
use crate::deadline::{BootDeadline, owned};

/// Says each time that a file may have changed. Where nothing can be watched, nothing is ever said; SIGHUP and
/// `Reload` work all the same.
pub fn file(path: &Path) -> (mpsc::Receiver<()>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(1);
    (receiver, tokio::spawn(follow(path.to_owned(), sender)))
}

/// Watches the file's folder; while that does not exist, the nearest one above it that does.
async fn follow(path: PathBuf, sender: mpsc::Sender<()>) {
    let Some(home) = path.parent() else { return };
    loop {
        let Some(folder) = home.ancestors().find(|folder| folder.is_dir()) else { return };
        let Ok(events) = watch(folder, &path).inspect_err(|error| {
            tracing::warn!("the configuration's folder is not watched: {error}; send SIGHUP after a change");
        }) else {
            return;
        };
        if folder == home {
            // The file may have come with its folder.
            if sender.send(()).await.is_err() {
                return;
            }
            if changes(&events, &path, &sender).await.is_err() {
                return;
            }
        } else if !home.is_dir() && heard(&events, |_| true).await.is_err() {
            return;
        }
    }
}

/// Says each change of the file, until its folder is gone or it leads elsewhere.
async fn changes(events: &AsyncFd<OwnedFd>, path: &Path, sender: &mpsc::Sender<()>) -> io::Result<()> {
    let target = path.canonicalize().ok();
    let names: Vec<OsString> = [Some(path), target.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(Path::file_name)
        .map(OsString::from)
        .collect();
    while path.parent().is_some_and(Path::is_dir) && path.canonicalize().ok() == target {
        heard(events, |event| names.iter().any(|name| name == event)).await?;
        // Some editors take the old file away before the new one is there: no file is not the last word.
        if !path.exists() {
            pause(SETTLE).await?;
        }
        sender.send(()).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
    }
    Ok(())
}

/// How long a file may be away while it is saved.
const SETTLE: Millis = Millis::from_secs(1);

async fn pause(time: Millis) -> io::Result<()> {
    let mut deadline = BootDeadline::new()?;
    deadline.arm(Some(clock::now().boot + time))?;
    deadline.due().await
}

/// Watches a folder, and the one in which the file really is: it may be a link.
fn watch(folder: &Path, file: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    // Not CREATE, except of folders that are waited for: a file that was just made is empty.
    let waiting = if Some(folder) == file.parent() { WatchFlags::empty() } else { WatchFlags::CREATE };
    let flags = waiting
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::MOVED_TO
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    inotify::add_watch(&events, folder, flags)?;
    let target = file.canonicalize().ok();
    if let Some(elsewhere) = target.as_deref().and_then(Path::parent).filter(|home| *home != folder) {
        inotify::add_watch(&events, elsewhere, flags)?;
    }
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

    #[tokio::test]
    async fn a_link_is_followed_to_its_file() {
        let top = tempfile::tempdir().unwrap();
        let (here, there) = (top.path().join("here"), top.path().join("there"));
        std::fs::create_dir(&here).unwrap();
        std::fs::create_dir(&there).unwrap();
        std::fs::write(there.join("real.toml"), "one").unwrap();
        std::os::unix::fs::symlink(there.join("real.toml"), here.join("config.toml")).unwrap();
        let (mut changes, task) = file(&here.join("config.toml"));
        changes.recv().await.unwrap();
        std::fs::write(there.join("real.toml"), "two").unwrap();
        changes.recv().await.unwrap();
        task.abort();
    }

    #[tokio::test]
    async fn a_save_that_takes_the_file_away_for_a_moment_is_one_change() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("config.toml");
        std::fs::write(&path, "one").unwrap();
        let (mut changes, task) = file(&path);
        changes.recv().await.unwrap();
        // As vim does it: the old file becomes the backup, and a new one is written.
        std::fs::rename(&path, top.path().join("config.toml~")).unwrap();
        let half = std::fs::File::create(&path).unwrap();
        assert!(changes.try_recv().is_err(), "an empty file was announced");
        drop(half);
        changes.recv().await.unwrap();
        assert!(changes.try_recv().is_err());
        task.abort();
    }
}
