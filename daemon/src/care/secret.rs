//! Secrets that come through a file descriptor.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use dwell_bus::vault::SECRET_MAX;
use dwell_bus::{Failure, Kind};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use zeroize::Zeroizing;

/// Whoever sends a secret has it ready: a longer wait is a mistake, or an attempt to hold the daemon up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads a secret to the end of the file, without the line break at its end.
pub(crate) async fn read(from: OwnedFd) -> Result<Zeroizing<String>, Failure> {
    let read = tokio::task::spawn_blocking(move || read_blocking(from));
    read.await.unwrap_or_else(|_| Err(Failure::new(Kind::Failed, "the secret could not be read")))
}

fn read_blocking(from: OwnedFd) -> Result<Zeroizing<String>, Failure> {
    let unread = |why: &dyn std::fmt::Display| {
        Failure::new(Kind::Invalid, format!("the secret could not be read: {why}")).hint("try again")
    };
    let mut file = std::fs::File::from(from);
    let mut bytes = Zeroizing::new(vec![0; SECRET_MAX + 2]);
    let mut length = 0;
    let begun = Instant::now();
    loop {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let mut fds = [PollFd::new(&file, PollFlags::IN)];
        match poll(&mut fds, Some(&left)) {
            Ok(0) => return Err(unread(&"nobody wrote it")),
            Err(Errno::INTR) => continue,
            ready => ready.map_err(|error| unread(&error))?,
        };
        let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) else {
            return Err(unread(&format!("it is longer than {SECRET_MAX} bytes")));
        };
        match file.read(rest).map_err(|error| unread(&error))? {
            0 => break,
            n => length += n,
        }
    }
    let text = std::str::from_utf8(bytes.get(..length).unwrap_or_default());
    let text = text.map_err(|_| unread(&"it is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn sent(bytes: &[u8]) -> Result<Zeroizing<String>, Failure> {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let bytes = bytes.to_vec();
        // More than a pipe holds is written while it is read.
        let writer = std::thread::spawn(move || std::fs::File::from(write).write_all(&bytes));
        let text = read_blocking(read);
        let _ = writer.join();
        text
    }

    #[test]
    fn a_secret_is_what_was_typed() {
        for (bytes, text) in
            [("a b\n", "a b"), ("a b", "a b"), ("  spaces \r\n", "  spaces "), ("\n\n", "\n"), ("", "")]
        {
            assert_eq!(sent(bytes.as_bytes()).unwrap().as_str(), text);
        }
        assert_eq!(sent(&[b'x'; SECRET_MAX]).unwrap().len(), SECRET_MAX);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for bad in [&[b'x'; 3 * SECRET_MAX][..], &[0xff, 0xfe]] {
            assert_eq!(sent(bad).unwrap_err().kind, Kind::Invalid);
        }
    }
}
