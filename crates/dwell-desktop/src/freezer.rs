//! Whether a program can be frozen here, as far as that is no matter of the display.
//!
//! A program is frozen as a whole, by the unit that the person's own systemd runs it in: `FreezeUnit`
//! (org.freedesktop.systemd1(5), from version 246) writes `cgroup.freeze` of that unit, which only the unified
//! hierarchy has (cgroup v2, kernel 5.2).

use std::path::{Path, PathBuf};

use zbus::Connection;
use zbus::proxy::MethodFlags;
use zbus::zvariant::OwnedValue;

use crate::clock;
use crate::idle::{PATIENCE, proxy};

/// The first systemd that freezes units.
const SINCE: u32 = 246;

/// Whether units can be frozen, or why not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Freezer {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// Everything needed is there.
    There,
    /// Processes are not in the unified hierarchy.
    NoCgroup,
    /// No systemd manages what runs in this session.
    NoSystemd,
    /// It cannot freeze yet.
    OldSystemd,
}

impl Freezer {
    /// Why nothing can be frozen; `None`: it can.
    pub(crate) const fn lacks(self) -> Option<&'static str> {
        match self {
            Self::There => None,
            Self::Unknown => Some("it is not known whether systemd can"),
            Self::NoCgroup => Some("this system has no unified cgroups"),
            Self::NoSystemd => Some("no systemd runs this session"),
            Self::OldSystemd => Some("systemd is older than 246"),
        }
    }
}

/// Looks for what freezing needs. Starts nothing.
pub(crate) async fn find(session: Option<&Connection>) -> Freezer {
    let cgroup = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let freezes = file(&cgroup).is_some_and(|file| Path::new("/sys/fs/cgroup").join(file).exists());
    let version = match session {
        Some(session) => clock::within(PATIENCE, version(session)).await.flatten(),
        None => None,
    };
    judge(freezes, version.as_deref())
}

/// Whether units can be frozen where the kernel `freezes` ours, and this is the version of our systemd.
fn judge(freezes: bool, systemd: Option<&str>) -> Freezer {
    match systemd {
        _ if !freezes => Freezer::NoCgroup,
        None => Freezer::NoSystemd,
        Some(version) if number(version) < SINCE => Freezer::OldSystemd,
        Some(_) => Freezer::There,
    }
}

/// The version of the person's own systemd.
async fn version(session: &Connection) -> Option<String> {
    let (name, path) = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1");
    let properties = proxy(session, name, path, "org.freedesktop.DBus.Properties").await.ok()?;
    let (flags, what) = (MethodFlags::NoAutoStart.into(), ("org.freedesktop.systemd1.Manager", "Version"));
    let version: Option<OwnedValue> = properties.call_with_flags("Get", flags, &what).await.ok()?;
    String::try_from(version?).ok()
}

/// The file that would freeze us, below the mounted hierarchy (cgroups(7): the line of the unified one begins with
/// `0::`). Where other hierarchies are mounted beside it, it is not at that place, and systemd freezes nothing.
fn file(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(path).join("cgroup.freeze"))
}

/// `252` of `252.39-1~deb12u1` and of `v252.4`; zero when there is none.
fn number(version: &str) -> u32 {
    let digits = version.trim_start_matches('v');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_freezing_needs() {
        let service = "0::/user.slice/user-1000.slice/user@1000.service/session.slice/dwelld.service\n";
        assert!(file(service).unwrap().ends_with("session.slice/dwelld.service/cgroup.freeze"));
        assert_eq!(file("12:pids:/\n1:name=systemd:/\n"), None);
        for (version, expected) in [("252.39-1~deb12u1", 252), ("v257", 257), ("245.4", 245), ("", 0)] {
            assert_eq!(number(version), expected, "{version}");
        }
    }

    #[test]
    fn it_is_there_only_where_everything_is() {
        assert_eq!(judge(true, Some("252.39-1~deb12u1")), Freezer::There);
        assert_eq!(judge(false, Some("252.39-1~deb12u1")), Freezer::NoCgroup);
        assert_eq!(judge(true, Some("245")), Freezer::OldSystemd);
        assert_eq!(judge(true, None), Freezer::NoSystemd);
        assert_eq!(Freezer::There.lacks(), None);
    }
}
