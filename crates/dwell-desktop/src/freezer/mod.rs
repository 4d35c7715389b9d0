//! Freezing programs: whether that can be done here, and doing it.
//!
//! A program is frozen as a whole, by the unit that the person's own systemd runs it in: `FreezeUnit`
//! (org.freedesktop.systemd1(5), from version 246) writes `cgroup.freeze` of that unit, which only the unified
//! hierarchy has (cgroup v2, kernel 5.2).
//!
//! It takes two steps, so that a daemon that is killed in between leaves nothing frozen that nobody knows of:
//!
//! 1. [`crate::WindowAct::FindUnits`] is answered by [`crate::Notice::Units`]: the units that the program runs in, or why
//!    it must not be frozen. Nothing has happened yet; the caller notes the units down durably.
//! 2. [`freeze`] freezes a unit, [`thaw`] undoes that, also after the daemon was started anew, from the noted name.
//!
//! What this deliberately lacks: it remembers nothing. A unit that ends takes its being frozen with it, so one that is
//! gone counts as thawed. Whoever logs out with a frozen program waits for systemd to give up on it: thaw before the end.

mod unit;

use std::path::{Path, PathBuf};

use dwell_core::subject::AppId;
use dwell_core::time::Millis;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{DynamicDeserialize, DynamicType, OwnedObjectPath, OwnedValue};
use zbus::{Connection, fdo};

use crate::idle::{PATIENCE, proxy};
use crate::{AppNames, clock};

pub use unit::Unit;
pub(crate) use unit::{Processes, find as find_units};

const SYSTEMD: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How long it may take to say how a unit is. It is busy while the desktop starts.
const ANSWERS_WITHIN: Millis = Millis::from_secs(5);

/// How long systemd may take to freeze or thaw: it answers when the last process has stopped, and one that waits for a
/// disk stops late.
const STOPS_WITHIN: Millis = Millis::from_secs(5);

/// Why a program is not frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// No limit ever acts on it.
    #[error("no limit acts on this program")]
    Exempt,
    /// It is a terminal or a development environment.
    #[error("work may be running in it")]
    HoldsWork,
    /// There is none, or the desktop tells of none.
    #[error("it has no window")]
    NoWindow,
    /// The desktop tells no process of one of its windows.
    #[error("this desktop does not tell the process of its window")]
    NoProcess,
    /// Its process, or its unit, has ended.
    #[error("it has ended")]
    Gone,
    /// It runs where the compositor does, or in a unit of the desktop's own.
    #[error("it runs together with the desktop itself, not in a unit of its own")]
    Session,
    /// It is in no unit of the person's own systemd.
    #[error("your own systemd does not run it")]
    NotOurs,
    /// Its unit was made for another program, such as the terminal that it was started in.
    #[error("it runs in the unit of another program, which would be frozen with it")]
    OtherUnit,
    /// Something else runs in its unit.
    #[error("other programs run in its unit, and would be frozen with it")]
    Shared,
    /// dwell is in its unit.
    #[error("dwell itself runs in its unit")]
    Dwell,
    /// There is no session bus, or no systemd on it.
    #[error("no systemd runs this session")]
    NoSystemd,
    /// systemd or the kernel cannot.
    #[error("systemd cannot freeze here (it takes version 246 and unified cgroups)")]
    Unsupported,
    /// systemd is about to freeze or thaw it already.
    #[error("systemd is busy with its unit")]
    Busy,
    /// It does not stop in time; it has been thawed again.
    #[error("it did not stop in time")]
    Slow,
    /// systemd does not answer.
    #[error("systemd does not answer")]
    Silent,
    /// systemd refused, for a reason of its own.
    #[error("systemd refused")]
    Refused,
}

/// The units that these processes of a program run in, if each of them may be frozen: what [`crate::WindowAct::FindUnits`]
/// finds for its windows' processes, for whoever knows those already. Where other programs have windows is not known then.
///
/// # Errors
/// Why not.
pub fn find(
    app: &AppId,
    processes: impl IntoIterator<Item = u32>,
    names: &AppNames,
) -> Result<Vec<Unit>, WhyNot> {
    let mut own = Processes::default();
    processes.into_iter().for_each(|pid| own.note(true, Some(pid)));
    find_units(app, &names.apps, &own)
}

/// Freezes a unit; done when every process in it has stopped. To freeze what is frozen is no failure.
///
/// # Errors
/// Why it is not frozen.
pub async fn freeze(session: &Connection, unit: &Unit) -> Result<(), WhyNot> {
    match state(session, unit).await? {
        State::Frozen => return Ok(()),
        State::Gone => return Err(WhyNot::Gone),
        State::Running | State::Between => {}
    }
    let name = unit.as_str();
    let ask = call::<_, ()>(session, PATH, MANAGER, "FreezeUnit", &name);
    let frozen = clock::within(STOPS_WITHIN, ask).await.unwrap_or(Err(WhyNot::Slow));
    if frozen == Err(WhyNot::Slow) {
        // The rest of it stands still already.
        let _ = thaw(session, unit).await;
    }
    frozen
}

/// Thaws a unit. One that runs, or is gone, is left as it is, and that is no failure.
///
/// # Errors
/// Why it may still be frozen.
pub async fn thaw(session: &Connection, unit: &Unit) -> Result<(), WhyNot> {
    if matches!(state(session, unit).await?, State::Running | State::Gone) {
        return Ok(());
    }
    let name = unit.as_str();
    let ask = call::<_, ()>(session, PATH, MANAGER, "ThawUnit", &name);
    match clock::within(STOPS_WITHIN, ask).await.unwrap_or(Err(WhyNot::Slow)) {
        Err(WhyNot::Gone) => Ok(()),
        thawed => thawed,
    }
}

/// What systemd says of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not frozen.
    Running,
    /// It is about to be frozen or thawed.
    Between,
    /// Every process in it stands still.
    Frozen,
    /// There is no such unit.
    Gone,
}

/// Whether a unit is frozen (`FreezerState`).
///
/// # Errors
/// Nobody knows.
pub async fn state(session: &Connection, unit: &Unit) -> Result<State, WhyNot> {
    let ask = async {
        let unit: OwnedObjectPath = match call(session, PATH, MANAGER, "GetUnit", &unit.as_str()).await {
            Err(WhyNot::Gone) => return Ok(State::Gone),
            path => path?,
        };
        let what = ("org.freedesktop.systemd1.Unit", "FreezerState");
        let state: OwnedValue = call(session, unit.as_str(), PROPERTIES, "Get", &what).await?;
        let state = String::try_from(state).map_err(|_| WhyNot::Unsupported)?;
        // From systemd 256 on a unit may also be frozen because its slice is.
        Ok(match state.as_str() {
            "running" => State::Running,
            "frozen" | "frozen-by-parent" => State::Frozen,
            _ => State::Between,
        })
    };
    clock::within(ANSWERS_WITHIN, ask).await.unwrap_or(Err(WhyNot::Silent))
}

/// Thaws the units that these processes are in, where they are frozen: who is asked to close must be able to.
pub(crate) async fn thaw_processes(session: Option<&Connection>, processes: &Processes) {
    use unit::Kernel as _;
    let Some(session) = session else { return };
    let uid = rustix::process::getuid().as_raw();
    for pid in processes.own() {
        let Some(cgroup) = unit::Linux.cgroup(pid) else { continue };
        let Ok(place) = unit::place(&cgroup, uid) else { continue };
        let events = std::fs::read_to_string(unit::folder(place.cgroup).join("cgroup.events"));
        if events.is_ok_and(|events| events.lines().any(|line| line == "frozen 1")) {
            let _ = thaw(session, &place.unit).await;
        }
    }
}

/// A call to the person's systemd. Starts nothing.
async fn call<B, R>(
    session: &Connection,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Result<R, WhyNot>
where
    B: serde::Serialize + DynamicType,
    R: for<'d> DynamicDeserialize<'d>,
{
    let systemd = proxy(session, SYSTEMD, path, interface).await.map_err(|_| WhyNot::NoSystemd)?;
    match systemd.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(WhyNot::Refused),
        Err(error) => Err(refused(error)),
    }
}

/// What an error of systemd's means; their names are in its `bus-common-errors.h`.
fn refused(error: zbus::Error) -> WhyNot {
    let name = match &error {
        zbus::Error::MethodError(name, ..) => name.as_str(),
        _ => "",
    };
    match name {
        "org.freedesktop.systemd1.NoSuchUnit"
        | "org.freedesktop.systemd1.UnitInactive"
        | "org.freedesktop.DBus.Error.UnknownObject" => WhyNot::Gone,
        "org.freedesktop.systemd1.UnitBusy" => WhyNot::Busy,
        "org.freedesktop.DBus.Error.UnknownMethod"
        | "org.freedesktop.DBus.Error.UnknownProperty"
        | "org.freedesktop.DBus.Error.NotSupported" => WhyNot::Unsupported,
        _ => match fdo::Error::from(error) {
            fdo::Error::ZBus(zbus::Error::MethodError(..)) => WhyNot::Refused,
            fdo::Error::NoReply(_) | fdo::Error::Timeout(_) | fdo::Error::TimedOut(_) => WhyNot::Silent,
            fdo::Error::AccessDenied(_) | fdo::Error::Failed(_) | fdo::Error::InvalidArgs(_) => {
                WhyNot::Refused
            }
            _ => WhyNot::NoSystemd,
        },
    }
}

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
pub(crate) async fn look(session: Option<&Connection>) -> Freezer {
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
    let version: OwnedValue = call(session, PATH, PROPERTIES, "Get", &(MANAGER, "Version")).await.ok()?;
    String::try_from(version).ok()
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
