//! What the kernel says that something cost.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::fs::{Advice, fadvise, fsync};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time, user and system, of this thread so far, in ns.
pub(crate) fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec) as f64
}

/// How long something takes by CPU, in ns.
pub(crate) fn cpu_of(work: impl FnOnce()) -> f64 {
    let before = cpu_ns();
    work();
    cpu_ns() - before
}

/// How long something takes by the clock on the wall, in ns.
pub(crate) fn time_of(work: impl FnOnce()) -> f64 {
    let before = Instant::now();
    work();
    before.elapsed().as_nanos() as f64
}

/// What this process has written so far.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    /// Bytes given to write calls (`wchar`): log, database and tip, whether or not they have reached the disk. Says
    /// the same in every run.
    pub(crate) given: u64,
    /// Bytes of pages that became dirty (`write_bytes`): what the disk gets, 4 KiB at a time. 0 on tmpfs.
    pub(crate) dirtied: u64,
}

impl Written {
    pub(crate) fn now() -> Self {
        let io = fs::read_to_string("/proc/self/io").unwrap();
        Self { given: field(&io, "wchar:"), dirtied: field(&io, "write_bytes:") }
    }

    pub(crate) const fn add(&mut self, more: Self) {
        self.given += more.given;
        self.dirtied += more.dirtied;
    }

    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self { given: self.given - earlier.given, dirtied: self.dirtied - earlier.dirtied }
    }
}

/// The most memory that this process has had, in bytes.
pub(crate) fn peak_rss() -> u64 {
    1024 * field(&fs::read_to_string("/proc/self/status").unwrap(), "VmHWM:")
}

/// What memory a process has, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now: u64,
    /// At most so far.
    pub(crate) peak: u64,
}

/// What a process has.
pub(crate) fn memory_of(pid: u32) -> Memory {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    Memory { now: 1024 * field(&status, "VmRSS:"), peak: 1024 * field(&status, "VmHWM:") }
}

/// The most memory that a process has had, in bytes; `None` where it has ended.
pub(crate) fn peak_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.contains("VmHWM:").then(|| 1024 * field(&status, "VmHWM:"))
}

/// Lets a process's peak begin anew at what it has now.
pub(crate) fn reset_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Lets the kernel forget what it holds of all files below a folder.
pub(crate) fn drop_cache(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            drop_cache(&path);
        } else if kind.is_file() {
            let file = fs::File::open(&path).unwrap();
            fsync(&file).unwrap();
            fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        }
    }
}

/// Copies a folder with all that is in it, links as links.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&path, &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), &target).unwrap();
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The bytes of all files below a folder.
pub(crate) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => size(&entry.path()),
            kind if kind.is_file() => entry.metadata().unwrap().len(),
            _ => 0,
        })
        .sum()
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How far apart the middle half of the values is, as a share of their median: how noisy the machine was.
pub(crate) fn spread(values: &mut [f64]) -> f64 {
    let middle = median(values);
    (values[values.len() * 3 / 4] - values[values.len() / 4]) / middle
}
