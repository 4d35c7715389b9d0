//! What the kernel and systemd say of one process. Read for the one process that is asked about, never cached.

use std::fs;
use std::path::PathBuf;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// One process, by id. Anything unreadable is `None`: the process may be gone, or another user's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
}

/// The facts that identification uses, so that it can be tested with plain values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessFacts {
    /// The Flatpak application that the process runs in.
    pub(crate) flatpak: Option<String>,
    /// The systemd unit, the last part of the control group.
    pub(crate) unit: Option<String>,
    /// The executable's file name.
    pub(crate) program: Option<String>,
}

impl Process {
    pub(crate) fn facts(self) -> ProcessFacts {
        ProcessFacts { flatpak: self.flatpak(), unit: self.unit(), program: self.program() }
    }

    /// `/.flatpak-info` is put there by Flatpak itself; the application cannot write it.
    fn flatpak(self) -> Option<String> {
        let path: PathBuf = format!("/proc/{}/root/.flatpak-info", self.pid).into();
        flatpak_name(&fs::read_to_string(path).ok()?)
    }

    fn unit(self) -> Option<String> {
        unit_of(&fs::read_to_string(format!("/proc/{}/cgroup", self.pid)).ok()?)
    }

    /// The executable's file name.
    pub(crate) fn program(self) -> Option<String> {
        let pid = Pid::from_u32(self.pid);
        let mut system = System::new().ok()?;
        let what = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always).without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
        let process = system.process(pid)?;
        let own = process.name();
        let file = process.exe().and_then(|exe| exe.file_name()).unwrap_or(own);
        Some(program_of(file.to_str()?.trim_end_matches(" (deleted)"), own.to_str()?).to_owned())
    }
}

/// The executable's file name; where that is Wine, which runs all Windows programs, what the process calls itself:
/// Wine makes that the name of the Windows program, of which the kernel keeps 15 bytes.
fn program_of<'a>(file: &'a str, own: &'a str) -> &'a str {
    let wine = ["wine", "wine64", "wine-preloader", "wine64-preloader"].contains(&file);
    if wine && !own.is_empty() { own } else { file }
}

/// `name` in the group `[Application]` (flatpak-metadata(5)).
fn flatpak_name(info: &str) -> Option<String> {
    let mut application = false;
    for line in info.lines() {
        if line.starts_with('[') {
            application = line.trim() == "[Application]";
        } else if let Some(name) = line.strip_prefix("name=")
            && application
        {
            return Some(name.trim().to_owned());
        }
    }
    None
}

/// The unit of `/proc/PID/cgroup` (cgroups(7)): the unified hierarchy's line, else systemd's own.
fn unit_of(cgroup: &str) -> Option<String> {
    let path = |start: &str| cgroup.lines().find_map(|line| line.strip_prefix(start));
    let named = || cgroup.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path));
    let is_unit = |path: &&str| path.ends_with(".scope") || path.ends_with(".service");
    let path = path("0::").filter(is_unit).or_else(|| named().filter(is_unit))?;
    path.rsplit('/').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_last_part_of_the_control_group() {
        let app = "/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-code-42.scope";
        for (cgroup, unit) in [
            (format!("0::{app}\n"), Some("app-gnome-code-42.scope")),
            (format!("12:pids:/\n1:name=systemd:{app}\n0::/\n"), Some("app-gnome-code-42.scope")),
            ("0::/user.slice/user-1000.slice/session-2.scope\n".into(), Some("session-2.scope")),
            ("0::/\n".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(unit_of(&cgroup).as_deref(), unit, "{cgroup}");
        }
    }

    #[test]
    fn flatpak_names_the_application_only() {
        let info = "[Application]\nname=org.mozilla.firefox\nruntime=runtime/x\n\n[Instance]\nname=no\n";
        assert_eq!(flatpak_name(info).as_deref(), Some("org.mozilla.firefox"));
        assert_eq!(flatpak_name("[Runtime]\nname=org.gnome.Platform\n"), None);
    }

    #[test]
    fn wine_is_not_the_program() {
        assert_eq!(program_of("wine64-preloader", "Photoshop.exe"), "Photoshop.exe");
        assert_eq!(program_of("firefox-esr", "GeckoMain"), "firefox-esr");
    }

    #[test]
    fn this_process_is_known() {
        let facts = Process { pid: std::process::id() }.facts();
        assert!(facts.program.unwrap().contains("dwell_desktop"));
        assert_eq!(Process { pid: u32::MAX - 1 }.facts(), ProcessFacts::default());
    }
}
