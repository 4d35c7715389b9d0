//! What runs in a terminal: the foreground process group of its tty (tcgetpgrp(3)), as `/proc` tells it.
//!
//! Only the program's own name is read, never its arguments, its folder or what it shows. A shell at its prompt is
//! nothing apart from the terminal. Where a terminal's process has several ttys (tabs, or a server for all windows), nobody
//! tells which of them the window shows: then nothing is said to run in it.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use dwell_core::time::Boot;
use rustix::fs::{major, makedev, minor};

/// The major number of the slaves of `/dev/pts` (the kernel's devices.txt); the minor one is the file's name.
const PTS: u32 = 136;
/// Between a terminal and its shell there may be a helper or two (`ptyxis-agent`, `login`).
const DEPTH: u8 = 3;
/// Processes that are looked at for one terminal, at most.
const LOOKS: usize = 256;
/// Shells that are often missing in `/etc/shells`, because they are no login shells.
const SHELLS: &[&str] =
    &["bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "sh", "tcsh", "xonsh", "zsh"];

/// The only tty of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tty {
    /// The leader of the session on it: the shell, as a rule.
    leader: u32,
    device: u64,
}

/// A program in the foreground of a tty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// The executable's name.
    pub(crate) name: String,
    /// When its process began.
    pub(crate) since: Boot,
}

impl Tty {
    /// The tty that a terminal's process has; `None` when it has none yet, or several.
    pub(crate) fn of(terminal: u32) -> Option<Self> {
        // A terminal that was started in another one belongs to that one's tty; what it started itself does not.
        let own = Stat::of(terminal)?.device;
        let mut found = None;
        let mut waiting = VecDeque::from([(terminal, 0)]);
        for _ in 0..LOOKS {
            let Some((pid, depth)) = waiting.pop_front() else { return found };
            for child in children(pid) {
                let Some(stat) = Stat::of(child) else { continue };
                if stat.session == child && stat.device != 0 && stat.device != own {
                    if found.is_some() {
                        return None;
                    }
                    found = Some(Self { leader: child, device: stat.device });
                } else if depth < DEPTH {
                    waiting.push_back((child, depth + 1));
                }
            }
        }
        None
    }

    /// Its file, for as long as it is this tty's.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let path = PathBuf::from(format!("/dev/pts/{}", minor(self.device)));
        (major(self.device) == PTS && fs::metadata(&path).ok()?.rdev() == self.device).then_some(path)
    }

    /// What is in the foreground; `None` for a shell, and where nothing can be known.
    pub(crate) fn running(&self) -> Option<Running> {
        let leader = Stat::of(self.leader).filter(|stat| stat.device == self.device)?;
        let group = u32::try_from(leader.foreground).ok()?;
        let first = Stat::of(group).filter(|stat| stat.group == group && stat.alive);
        let (pid, stat) = match first {
            Some(stat) => (group, stat),
            // The first program of a pipe has ended, and others go on.
            None => self.member(group)?,
        };
        let name = name(pid).filter(|name| !is_shell(name))?;
        Some(Running { name, since: stat.began() })
    }

    fn member(&self, group: u32) -> Option<(u32, Stat)> {
        let of = |pid| Stat::of(pid).filter(|stat| stat.group == group && stat.alive).map(|stat| (pid, stat));
        children(self.leader).into_iter().find_map(of)
    }
}

/// The executable's name. A process may call itself what it likes (prctl(2), PR_SET_NAME; a script is called by its own
/// name), and that may be private: its own word holds only where it is the short form of its file's name (`vim` of
/// `vim.basic`), or where the file cannot be read, since it runs as another user.
fn name(pid: u32) -> Option<String> {
    let word = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let word = word.trim_end_matches('\n');
    let Ok(file) = fs::read_link(format!("/proc/{pid}/exe")) else { return Some(word.to_owned()) };
    let file = file.file_name()?.to_str()?.trim_end_matches(" (deleted)");
    Some(named(word, file).to_owned())
}

/// The better of a process's own word and its file's name.
fn named<'a>(word: &'a str, file: &'a str) -> &'a str {
    // The kernel cuts the word to 15 bytes.
    if !word.is_empty() && word.len() < 15 && file.starts_with(word) {
        return word;
    }
    // `python3.11`, which somebody else calls by the name of `python3`.
    file.rsplit_once('.')
        .filter(|(front, back)| !front.is_empty() && back.bytes().all(|digit| digit.is_ascii_digit()))
        .map_or(file, |(front, _)| front)
}

fn is_shell(name: &str) -> bool {
    // Debian lists these two, since they can be login shells; but a person who works in one is not at a bare prompt.
    let multiplexer = matches!(name, "tmux" | "screen");
    SHELLS.contains(&name)
        || !multiplexer
            && fs::read_to_string("/etc/shells").is_ok_and(|list| {
                list.lines().any(|line| line.starts_with('/') && line.trim().rsplit('/').next() == Some(name))
            })
}

/// The processes that a process has started: each of its threads knows its own.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// What is needed of `/proc/PID/stat` (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    alive: bool,
    group: u32,
    session: u32,
    /// 0: none.
    device: u64,
    /// The foreground process group of its tty; -1: none.
    foreground: i32,
    /// In ticks since boot.
    start: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn read(text: &str) -> Option<Self> {
        // The name in brackets may have anything in it, brackets too.
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        let alive = !matches!(fields.next()?, "Z" | "X" | "x");
        let group = fields.nth(1)?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        // new_encode_dev: the minor number is in bits 0 to 7 and 20 to 31, the major one in bits 8 to 19.
        let device: u32 = fields.next()?.parse::<i32>().ok()?.cast_unsigned();
        let device = match device {
            0 => 0,
            some => makedev(some >> 8 & 0xfff, some & 0xff | some >> 12 & 0xfff00),
        };
        let foreground = fields.next()?.parse().ok()?;
        let start = fields.nth(13)?.parse().ok()?;
        Some(Self { alive, group, session, device, foreground, start })
    }

    fn began(&self) -> Boot {
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        Boot::from_ms(self.start.saturating_mul(1000) / ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_whatever_the_name() {
        let text = "848 (a ) (b) R 805 848 840 34822 1025 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 8 9\n";
        let stat = Stat::read(text).unwrap();
        let device = makedev(136, 6);
        assert_eq!((stat.group, stat.session, stat.device, stat.foreground), (848, 840, device, 1025));
        assert_eq!((stat.alive, stat.start), (true, 4711));
        assert_eq!(Stat::read("1 (x) S 0"), None);
        let far = Stat::read("1 (x) Z 0 1 1 1083392 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 1 8 9").unwrap();
        assert_eq!((major(far.device), minor(far.device), far.alive, far.foreground), (136, 256, false, -1));
    }

    #[test]
    fn a_program_is_called_by_its_file() {
        for (word, file, name) in [
            ("vim", "vim.basic", "vim"),
            ("python3", "python3.11", "python3"),
            // A script by its own name, and programs that call themselves something.
            ("secret-notes", "python3.11", "python3"),
            ("tmux: client", "tmux", "tmux"),
            ("MainThread", "node", "node"),
            ("", "cargo", "cargo"),
            // Cut by the kernel.
            ("systemd-journal", "systemd-journalctl", "systemd-journalctl"),
        ] {
            assert_eq!(named(word, file), name, "{word} {file}");
        }
        assert!(is_shell("bash") && is_shell("nu") && !is_shell("vim") && !is_shell("tmux"));
    }

    #[test]
    fn this_process_has_no_tty_of_its_own() {
        assert_eq!(Tty::of(std::process::id()), None);
        assert_eq!(Tty::of(u32::MAX - 1), None);
    }
}
