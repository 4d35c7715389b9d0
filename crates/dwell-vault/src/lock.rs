//! One daemon a vault: an exclusive `flock` on `lock`, given up by the kernel however the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::OpenError;

/// Takes the lock; it is held as long as the file is open.
pub(crate) fn take(path: &Path) -> Result<File, OpenError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| OpenError::io(path, e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { pid: holder(&file) }),
        Err(TryLockError::Error(e)) => return Err(OpenError::io(path, e)),
    }
    // Who holds it is a courtesy to whoever finds it taken: a full disk is no reason not to record.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    let read: io::Result<usize> = file.take(16).read_to_string(&mut text);
    read.ok().and_then(|_| text.trim().parse().ok())
}
