//! Which systemd unit a program runs in, whole and alone.
//!
//! A program may be frozen only with the whole unit that it runs in, so a unit is looked at before: it must be one of
//! the person's own systemd, made for this program or holding nothing else, and nothing in it may be needed to undo
//! the freezing. Whatever is unclear is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use dwell_core::policy::{holds_work, is_exempt, is_terminal};
use dwell_core::subject::AppId;

use super::WhyNot;
use crate::apps::{Apps, Process};

/// How deep a tree of control groups or of processes is looked at. A real one has some three levels.
const DEPTH: usize = 64;

/// dwell's own programs, but for the browser's helper, which belongs to its browser.
const OWN: &[&str] = &["dwell", "dwelld", "dwell-agent", "dwell-prompt"];

/// The parts of a path that name what the desktop itself runs in.
const OF_DESKTOP: &[&str] = &["session.slice", "session-graphical.slice", "init.scope"];

/// The name of a unit of the person's own systemd. It may carry the program's name, so it never reaches a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(String);

impl Unit {
    /// The unit of that name; `None` where that is not the name of a scope or a service.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        let kind = [".scope", ".service"].iter().find_map(|kind| name.strip_suffix(kind))?;
        // systemd.unit(5): what names are made of, and how long they may be.
        let clean = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
        (!kind.is_empty() && name.len() < 256 && name.chars().all(clean)).then_some(Self(name))
    }

    /// Its name, to be sealed in a record.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹redacted›")
    }
}

/// The processes of windows, as a back end knows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    /// Of the program that is meant; where a window's is not known, that is noted, too.
    own: BTreeSet<Option<u32>>,
    others: BTreeSet<u32>,
}

impl Processes {
    /// Notes the process of a window.
    pub(crate) fn note(&mut self, meant: bool, pid: Option<u32>) {
        if meant {
            self.own.insert(pid);
        } else {
            self.others.extend(pid);
        }
    }

    pub(super) fn own(&self) -> impl Iterator<Item = u32> {
        self.own.iter().copied().flatten()
    }
}

/// What the kernel knows of processes and control groups.
pub(super) trait Kernel {
    /// The process's place in the unified hierarchy, from its root on.
    fn cgroup(&self, pid: u32) -> Option<String>;
    /// All processes at a place and below it.
    fn members(&self, cgroup: &str) -> Option<BTreeSet<u32>>;
    /// The process that started this one, or took it over.
    fn parent(&self, pid: u32) -> Option<u32>;
    /// The file name of its executable.
    fn program(&self, pid: u32) -> Option<String>;
}

/// The kernel of this machine.
pub(super) struct Linux;

impl Kernel for Linux {
    fn cgroup(&self, pid: u32) -> Option<String> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
    }

    fn members(&self, cgroup: &str) -> Option<BTreeSet<u32>> {
        let mut all = BTreeSet::new();
        collect(&folder(cgroup), DEPTH, &mut all)?;
        Some(all)
    }

    fn parent(&self, pid: u32) -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's own name in brackets, and may have anything in it (proc(5)).
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    }

    fn program(&self, pid: u32) -> Option<String> {
        Process { pid }.program()
    }
}

/// Where a control group is mounted, if only the unified hierarchy is; see [`super::file`].
pub(super) fn folder(cgroup: &str) -> PathBuf {
    Path::new("/sys/fs/cgroup").join(cgroup.trim_start_matches('/'))
}

fn collect(folder: &Path, depth: usize, all: &mut BTreeSet<u32>) -> Option<()> {
    let below = depth.checked_sub(1)?;
    let procs = std::fs::read_to_string(folder.join("cgroup.procs")).ok()?;
    // A process of another namespace is told as 0: who cannot be looked at is no reason to go on.
    all.extend(procs.lines().map(|line| line.parse().unwrap_or(0)));
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), below, all)?;
        }
    }
    Some(())
}

/// A unit of the person's systemd, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) unit: Unit,
    /// The unit's own control group, without what it made below.
    pub(super) cgroup: &'a str,
    of_desktop: bool,
}

/// The unit that a place belongs to, of the systemd of the person with that id.
pub(super) fn place(cgroup: &str, uid: u32) -> Result<Place<'_>, WhyNot> {
    let manager = format!("/user@{uid}.service/");
    let Some((before, inside)) = cgroup.split_once(&manager) else {
        let scope = cgroup.split('/').any(|part| part.starts_with("session-") && part.ends_with(".scope"));
        return Err(if scope { WhyNot::Session } else { WhyNot::NotOurs });
    };
    let mut end = before.len() + manager.len();
    for part in inside.split('/') {
        end += part.len();
        if !part.ends_with(".slice") {
            let of_desktop = inside.split('/').any(|part| OF_DESKTOP.contains(&part));
            let unit = Unit::new(part).ok_or(WhyNot::NotOurs)?;
            return Ok(Place { unit, cgroup: cgroup.get(..end).ok_or(WhyNot::NotOurs)?, of_desktop });
        }
        end += 1;
    }
    Err(WhyNot::NotOurs)
}

/// The units that a program's windows run in, if each of them may be frozen.
///
/// # Errors
/// Why not.
pub(crate) fn find(app: &AppId, apps: &Apps, processes: &Processes) -> Result<Vec<Unit>, WhyNot> {
    let uid = rustix::process::getuid().as_raw();
    judge(app, apps, processes, &Linux, uid, std::process::id())
}

fn judge(
    app: &AppId,
    apps: &Apps,
    processes: &Processes,
    kernel: &impl Kernel,
    uid: u32,
    own: u32,
) -> Result<Vec<Unit>, WhyNot> {
    if is_exempt(app) {
        return Err(WhyNot::Exempt);
    }
    if holds_work(app) || apps.says_terminal(app) {
        return Err(WhyNot::HoldsWork);
    }
    if processes.own.is_empty() {
        return Err(WhyNot::NoWindow);
    }
    if processes.own.contains(&None) {
        return Err(WhyNot::NoProcess);
    }
    let own = kernel.cgroup(own);
    let others: BTreeSet<String> = processes.others.iter().filter_map(|pid| kernel.cgroup(*pid)).collect();
    let mut units = BTreeMap::new();
    for pid in processes.own() {
        let cgroup = kernel.cgroup(pid).ok_or(WhyNot::Gone)?;
        let place = place(&cgroup, uid)?;
        if place.of_desktop {
            return Err(WhyNot::Session);
        }
        let below = |other: &String| is_below(other, place.cgroup);
        if own.as_ref().is_some_and(below) {
            return Err(WhyNot::Dwell);
        }
        if others.iter().any(below) {
            return Err(WhyNot::Shared);
        }
        units.insert(place.unit, place.cgroup.to_owned());
    }
    let windows: BTreeSet<u32> = processes.own().collect();
    for (unit, cgroup) in &units {
        let members = kernel.members(cgroup).ok_or(WhyNot::NotOurs)?;
        for pid in &members {
            let program = match kernel.program(*pid) {
                Some(program) => program,
                // It has ended meanwhile; 0 is one of another namespace, of which nothing can be known.
                None if *pid != 0 && kernel.cgroup(*pid).is_none() => continue,
                None => return Err(WhyNot::Shared),
            };
            if OWN.contains(&&*program) {
                return Err(WhyNot::Dwell);
            }
            if AppId::new(program).is_ok_and(|program| is_exempt(&program) || is_terminal(&program)) {
                return Err(WhyNot::Shared);
            }
        }
        match apps.unit_is_for(unit.as_str(), app, &windows) {
            // Made for this program: what is in it was started for it.
            Some(true) => {}
            Some(false) => return Err(WhyNot::OtherUnit),
            None if members.iter().all(|pid| descends(kernel, *pid, &windows)) => {}
            None => return Err(WhyNot::Shared),
        }
    }
    Ok(units.into_keys().collect())
}

fn is_below(cgroup: &str, unit: &str) -> bool {
    cgroup.strip_prefix(unit).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn descends(kernel: &impl Kernel, pid: u32, from: &BTreeSet<u32>) -> bool {
    let mut ancestors = std::iter::successors(Some(pid), |pid| kernel.parent(*pid)).take(DEPTH);
    ancestors.any(|pid| from.contains(&pid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Surroundings;

    const APP: &str = "/user.slice/user-1000.slice/user@1000.service/app.slice/";

    /// Processes: id, parent, program, control group.
    struct Fake(Vec<(u32, u32, &'static str, String)>);

    impl Kernel for Fake {
        fn cgroup(&self, pid: u32) -> Option<String> {
            self.0.iter().find(|known| known.0 == pid).map(|known| known.3.clone())
        }
        fn members(&self, cgroup: &str) -> Option<BTreeSet<u32>> {
            Some(self.0.iter().filter(|known| is_below(&known.3, cgroup)).map(|known| known.0).collect())
        }
        fn parent(&self, pid: u32) -> Option<u32> {
            self.0.iter().find(|known| known.0 == pid).map(|known| known.1)
        }
        fn program(&self, pid: u32) -> Option<String> {
            self.0.iter().find(|known| known.0 == pid).map(|known| known.2.to_owned())
        }
    }

    fn judged(
        app: &str,
        own: &[u32],
        others: &[u32],
        all: &[(u32, u32, &'static str, &str)],
    ) -> Result<Vec<String>, WhyNot> {
        let mut processes = Processes::default();
        own.iter().for_each(|pid| processes.note(true, Some(*pid)));
        others.iter().for_each(|pid| processes.note(false, Some(*pid)));
        let dwelld = (1, 0, "dwelld", format!("{APP}dwelld.service"));
        let all = all.iter().map(|(pid, parent, program, cgroup)| {
            let cgroup =
                if cgroup.starts_with('/') { (*cgroup).to_owned() } else { format!("{APP}{cgroup}") };
            (*pid, *parent, *program, cgroup)
        });
        let kernel = Fake(all.chain([dwelld]).collect());
        let apps = Apps::new(&Surroundings::default());
        let units = judge(&AppId::new(app).unwrap(), &apps, &processes, &kernel, 1000, 1)?;
        Ok(units.into_iter().map(|unit| unit.0).collect())
    }

    #[test]
    fn a_unit_that_was_made_for_the_program_is_frozen() {
        let game = "app-gnome-org.example.Game-40.scope";
        let all = [(40, 9, "game", game), (41, 40, "helper", game), (42, 1, "orphan", game)];
        assert_eq!(judged("org.example.Game", &[40], &[], &all), Ok(vec![game.to_owned()]));
        // Each start of a program has a scope of its own.
        let second = "app-gnome-org.example.Game-50.scope/below";
        let two = [all[0], (50, 9, "game", second)];
        assert_eq!(judged("org.example.game", &[40, 50], &[], &two).unwrap().len(), 2);
        // GNOME names a scope for what it started, and for its process.
        let other = "app-gnome-game\\x2dlauncher-40.scope";
        assert!(judged("org.example.Game", &[40], &[], &[(40, 9, "game", other)]).is_ok());
    }

    #[test]
    fn a_unit_without_a_name_may_hold_only_what_the_window_started() {
        let scope = "run-r1.scope";
        let all = [(40, 9, "game", scope), (41, 40, "helper", scope), (42, 41, "helper", scope)];
        assert_eq!(judged("game", &[40], &[], &all), Ok(vec![scope.to_owned()]));
        let shared = [all[0], (43, 9, "make", scope)];
        assert_eq!(judged("game", &[40], &[], &shared), Err(WhyNot::Shared));
        let tab = "vte-spawn-6f1d9e0a-1b2c-4d3e-8f90-a1b2c3d4e5f6.scope";
        let in_tab = [(39, 9, "bash", tab), (40, 39, "game", tab)];
        assert_eq!(
            judged("game", &[40], &[], &in_tab),
            Err(WhyNot::Shared),
            "the shell that it was typed in"
        );
    }

    #[test]
    fn what_is_not_the_programs_own_is_refused() {
        let refused = |program, cgroup| judged("game", &[40], &[], &[(40, 9, program, cgroup)]);
        let session = "/user.slice/user-1000.slice/session-2.scope";
        assert_eq!(refused("game", session), Err(WhyNot::Session));
        let compositor = "/user.slice/user-1000.slice/user@1000.service/session.slice/game.service";
        assert_eq!(refused("game", compositor), Err(WhyNot::Session));
        for foreign in [
            "/",
            "/system.slice/game.service",
            "/user.slice/user-1001.slice/user@1001.service/app.slice/app-game-1.scope",
            "/user.slice/user-1000.slice/user@1000.service/app.slice",
        ] {
            assert_eq!(refused("game", foreign), Err(WhyNot::NotOurs), "{foreign}");
        }
        assert_eq!(refused("game", "app-foot-77.scope"), Err(WhyNot::OtherUnit), "started in a terminal");
        assert_eq!(refused("game", "dwelld.service"), Err(WhyNot::Dwell));
        assert_eq!(judged("game", &[], &[], &[]), Err(WhyNot::NoWindow));
        assert_eq!(judged("game", &[40], &[], &[]), Err(WhyNot::Gone));
        assert_eq!(judged("sway", &[40], &[], &[]), Err(WhyNot::Exempt));
        assert_eq!(judged("foot", &[40], &[], &[]), Err(WhyNot::HoldsWork));
        let mut unknown = Processes::default();
        unknown.note(true, None);
        let apps = Apps::new(&Surroundings::default());
        let unknown = judge(&AppId::new("game").unwrap(), &apps, &unknown, &Fake(vec![]), 1000, 1);
        assert_eq!(unknown, Err(WhyNot::NoProcess));
    }

    #[test]
    fn company_is_refused() {
        let unit = "app-files-40.scope";
        let with = |program| [(40, 9, "files", unit), (41, 40, program, unit)];
        assert!(judged("files", &[40], &[], &with("mpv")).is_ok());
        assert_eq!(
            judged("files", &[40], &[41], &with("mpv")),
            Err(WhyNot::Shared),
            "it has a window of its own"
        );
        for own in OWN {
            assert_eq!(judged("files", &[40], &[], &with(own)), Err(WhyNot::Dwell), "{own}");
        }
        assert_eq!(judged("files", &[40], &[], &with("xterm")), Err(WhyNot::Shared));
        assert_eq!(judged("files", &[40], &[], &with("swaylock")), Err(WhyNot::Shared));
        assert!(judged("files", &[40], &[], &with("dwell-browser-host")).is_ok());
    }

    #[test]
    fn names_of_units_are_private_and_checked() {
        assert!(Unit::new(r"app-gnome-google\x2dchrome-77.scope").is_some());
        assert!(Unit::new("dbus-:1.2-org.gnome.TextEditor@0.service").is_some());
        for bad in ["", ".scope", "app.slice", "a b.scope", "../a.scope", "a\n.service"] {
            assert_eq!(Unit::new(bad), None, "{bad}");
        }
        assert_eq!(format!("{:?}", Unit::new("secret.scope").unwrap()), "‹redacted›");
    }
}
