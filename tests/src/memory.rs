//! Looks for a text in what another process has in memory.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;

/// Whether this process may read the daemon's memory: its own user may not.
#[must_use]
pub fn may_be_read() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a text is anywhere in the writable memory of a process.
///
/// # Panics
///
/// When the memory cannot be read.
#[must_use]
pub fn holds(pid: u32, text: &str) -> bool {
    let maps = File::open(format!("/proc/{pid}/maps")).expect("the process runs");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("root may read its memory");
    let mut read = 0;
    let found = BufReader::new(maps).lines().map_while(Result::ok).any(|line| {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { return false };
        let Some((start, end)) = range.split_once('-') else { return false };
        let address = |text| u64::from_str_radix(text, 16).ok();
        let (Some(start), Some(end)) = (address(start), address(end)) else { return false };
        if !rights.starts_with("rw") {
            return false;
        }
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
        // Some regions give nothing, such as those of devices.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            return false;
        }
        read += bytes.len();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    });
    assert!(found || read > 1 << 20, "only {read} bytes of memory were read");
    found
}
