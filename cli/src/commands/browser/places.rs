//! The browsers that dwell knows, and where they and their manifests are.
//!
//! Chromium, Chrome: <https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>; Firefox:
//! <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests>. The others look where Chromium
//! or Firefox does, each below a folder of its own. Zen is missing: it reads Firefox's folder, by no word of its makers
//! (<https://github.com/zen-browser/desktop/issues/10622>).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// By what an extension is named in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
}

/// A browser that dwell knows.
#[derive(Debug)]
pub(crate) struct Browser {
    /// Its id in documents.
    pub(crate) id: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    pub(crate) engine: Engine,
    /// The commands that start it.
    commands: &'static [&'static str],
    /// What its processes are called besides, as the daemon hears it from a host.
    processes: &'static [&'static str],
    /// The person's folder for manifests: below the folder for configurations, or for Firefox below home.
    folder: &'static str,
    /// The machine's folder for manifests, where there is one that is documented.
    system: Option<&'static str>,
    /// Its name as a snap.
    snap: Option<&'static str>,
    /// Its name as a Flatpak.
    flatpak: Option<&'static str>,
}

/// All of them.
pub(crate) const BROWSERS: &[Browser] = &[
    Browser {
        id: "chromium",
        name: "Chromium",
        engine: Engine::Chromium,
        commands: &["chromium", "chromium-browser"],
        processes: &[],
        folder: "chromium/NativeMessagingHosts",
        system: Some("etc/chromium/native-messaging-hosts"),
        snap: Some("chromium"),
        flatpak: Some("org.chromium.Chromium"),
    },
    Browser {
        id: "chrome",
        name: "Chrome",
        engine: Engine::Chromium,
        commands: &["google-chrome", "google-chrome-stable"],
        processes: &["chrome"],
        folder: "google-chrome/NativeMessagingHosts",
        system: Some("etc/opt/chrome/native-messaging-hosts"),
        snap: None,
        flatpak: Some("com.google.Chrome"),
    },
    Browser {
        id: "brave",
        name: "Brave",
        engine: Engine::Chromium,
        commands: &["brave-browser", "brave-browser-stable", "brave"],
        processes: &[],
        folder: "BraveSoftware/Brave-Browser/NativeMessagingHosts",
        system: None,
        snap: Some("brave"),
        flatpak: Some("com.brave.Browser"),
    },
    Browser {
        id: "edge",
        name: "Edge",
        engine: Engine::Chromium,
        commands: &["microsoft-edge", "microsoft-edge-stable"],
        processes: &["msedge"],
        folder: "microsoft-edge/NativeMessagingHosts",
        system: None,
        snap: None,
        flatpak: Some("com.microsoft.Edge"),
    },
    Browser {
        id: "vivaldi",
        name: "Vivaldi",
        engine: Engine::Chromium,
        commands: &["vivaldi", "vivaldi-stable"],
        processes: &["vivaldi-bin"],
        folder: "vivaldi/NativeMessagingHosts",
        system: None,
        snap: Some("vivaldi"),
        flatpak: Some("com.vivaldi.Vivaldi"),
    },
    Browser {
        id: "opera",
        name: "Opera",
        engine: Engine::Chromium,
        commands: &["opera", "opera-stable"],
        processes: &[],
        folder: "opera/NativeMessagingHosts",
        system: None,
        snap: Some("opera"),
        flatpak: Some("com.opera.Opera"),
    },
    Browser {
        id: "firefox",
        name: "Firefox",
        engine: Engine::Firefox,
        commands: &["firefox", "firefox-esr"],
        processes: &["firefox-bin"],
        folder: ".mozilla/native-messaging-hosts",
        system: Some("usr/lib/mozilla/native-messaging-hosts"),
        snap: Some("firefox"),
        flatpak: Some("org.mozilla.firefox"),
    },
    Browser {
        id: "librewolf",
        name: "LibreWolf",
        engine: Engine::Firefox,
        commands: &["librewolf"],
        processes: &["librewolf-bin"],
        folder: ".librewolf/native-messaging-hosts",
        system: None,
        snap: None,
        flatpak: Some("io.gitlab.librewolf-community"),
    },
    Browser {
        id: "waterfox",
        name: "Waterfox",
        engine: Engine::Firefox,
        commands: &["waterfox"],
        processes: &["waterfox-bin"],
        folder: ".waterfox/native-messaging-hosts",
        system: None,
        snap: None,
        flatpak: Some("net.waterfox.waterfox"),
    },
];

/// In what a browser comes. Of a snap and a Flatpak no program outside of them can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Packaging {
    System,
    Snap,
    Flatpak,
}

/// A browser that is there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) browser: &'static Browser,
    pub(crate) packaging: Packaging,
    /// The command, or the folder of the package.
    pub(crate) path: PathBuf,
}

/// Where this person's and this machine's things are.
#[derive(Debug)]
pub(crate) struct Places {
    /// `/`, but in tests.
    pub(crate) root: PathBuf,
    pub(crate) home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`, or below home.
    pub(crate) config: Option<PathBuf>,
    /// Where commands are looked for.
    pub(crate) path: Vec<PathBuf>,
    /// Who may own, beside root, what everyone's browsers start: nobody else, but in tests.
    pub(crate) owner: u32,
}

impl Places {
    /// Those of this process.
    pub(crate) fn own() -> Self {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let absolute = |name| set(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let home = absolute("HOME");
        let config = absolute("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
        let path = set("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        Self { root: "/".into(), home, config, path, owner: 0 }
    }

    /// The browsers that are there, each package of one by itself.
    pub(crate) fn browsers(&self) -> Vec<Found> {
        BROWSERS.iter().flat_map(|browser| self.packages(browser)).collect()
    }

    fn packages(&self, browser: &'static Browser) -> Vec<Found> {
        let found = |packaging, path| Found { browser, packaging, path };
        let mut all = Vec::new();
        let commands = self.path.iter().flat_map(|folder| browser.commands.iter().map(|c| folder.join(c)));
        let mut snap =
            browser.snap.map(|snap| self.root.join("snap").join(snap)).filter(|path| path.exists());
        let mut system = None;
        for command in commands.filter(|command| is_program(command)) {
            if is_of_snap(&command) {
                snap.get_or_insert(command);
            } else if system.is_none() && !is_of_flatpak(&command) {
                system = Some(command);
            }
        }
        all.extend(system.map(|path| found(Packaging::System, path)));
        all.extend(snap.map(|path| found(Packaging::Snap, path)));
        if let Some(id) = browser.flatpak {
            let shared = Some(self.root.join("var/lib/flatpak/app"));
            let own = self.home.as_ref().map(|home| home.join(".local/share/flatpak/app"));
            let path = [own, shared].into_iter().flatten().map(|apps| apps.join(id)).find(|app| app.exists());
            all.extend(path.map(|path| found(Packaging::Flatpak, path)));
        }
        all
    }

    /// The person's folder for a browser's manifests.
    pub(crate) fn own_folder(&self, browser: &Browser) -> Option<PathBuf> {
        let base = match browser.engine {
            Engine::Chromium => &self.config,
            Engine::Firefox => &self.home,
        };
        base.as_ref().map(|base| base.join(browser.folder))
    }

    /// The machine's folder for a browser's manifests.
    pub(crate) fn system_folder(&self, browser: &Browser) -> Option<PathBuf> {
        browser.system.map(|folder| self.root.join(folder))
    }

    /// The host, and where it was looked for: beside `dwell` first, so that what is not installed finds its own.
    pub(crate) fn host(&self, dwell: Option<&Path>) -> (Option<PathBuf>, Vec<PathBuf>) {
        let beside = dwell.and_then(Path::parent);
        let mut folders: Vec<PathBuf> = beside.map(Path::to_path_buf).into_iter().collect();
        // `make install` puts it below its prefix.
        folders.extend(beside.and_then(Path::parent).map(|prefix| prefix.join("libexec")));
        folders.extend(["usr/libexec", "usr/local/libexec", "usr/bin"].map(|folder| self.root.join(folder)));
        let mut seen = Vec::new();
        folders.retain(|folder| {
            !seen.contains(folder) && {
                seen.push(folder.clone());
                true
            }
        });
        let hosts = folders.iter().map(|folder| folder.join(dwell_bus::extension::HOST_PROGRAM));
        (hosts.into_iter().find(|host| is_program(host)), folders)
    }

    /// Who beside root could put another program in the place of one: where, and what is wrong there. It would then run
    /// as everybody who starts a browser.
    pub(crate) fn exposed(&self, program: &Path) -> Option<(PathBuf, &'static str)> {
        let real = match std::fs::canonicalize(program) {
            Ok(real) => real,
            Err(_) => return Some((program.to_owned(), "cannot be looked at")),
        };
        let all = program.ancestors().chain(real.ancestors()).filter(|path| !path.as_os_str().is_empty());
        all.into_iter().find_map(|path| {
            let wrong = match std::fs::symlink_metadata(path) {
                Ok(found) => self.wrong_with(&found)?,
                Err(_) => "cannot be looked at",
            };
            Some((path.to_owned(), wrong))
        })
    }

    fn wrong_with(&self, found: &std::fs::Metadata) -> Option<&'static str> {
        use std::os::unix::fs::MetadataExt as _;
        if found.uid() != 0 && found.uid() != self.owner {
            return Some("does not belong to root");
        }
        let mode = found.mode();
        // What lies in a sticky folder is taken away by its owner alone. The folders of a group, as /usr/local may be
        // of staff, are the administrator's choice; and of a link the mode means nothing.
        let by_others = match (found.is_dir(), found.is_symlink()) {
            (true, _) => mode & 0o1002 == 0o002,
            (false, true) => false,
            (false, false) => mode & 0o002 != 0 || (mode & 0o020 != 0 && found.gid() != 0),
        };
        by_others.then_some("can be written by others than root")
    }
}

impl Browser {
    /// Whether a host was started by this browser.
    pub(crate) fn is(&self, program: &str) -> bool {
        self.commands.contains(&program) || self.processes.contains(&program)
    }
}

/// Whether it can be executed.
pub(crate) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Ubuntu's package of Firefox is a script that starts the snap.
fn is_of_snap(command: &Path) -> bool {
    lies_in(command, "snap") || begins_with_script(command, "/snap/bin/")
}

fn is_of_flatpak(command: &Path) -> bool {
    lies_in(command, "flatpak") || begins_with_script(command, "flatpak run")
}

fn lies_in(command: &Path, folder: &str) -> bool {
    let real = std::fs::canonicalize(command);
    let has = |path: &Path| path.components().any(|part| part.as_os_str() == folder);
    has(command) || real.is_ok_and(|real| has(&real))
}

fn begins_with_script(command: &Path, text: &str) -> bool {
    use std::io::Read as _;
    let mut start = Vec::new();
    let read = std::fs::File::open(command).and_then(|file| file.take(8192).read_to_end(&mut start));
    read.is_ok() && start.starts_with(b"#!") && String::from_utf8_lossy(&start).contains(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    /// Makes an executable file.
    pub(crate) fn program(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A machine in a folder.
    pub(crate) fn machine(root: &Path) -> Places {
        Places {
            root: root.to_owned(),
            home: Some(root.join("home")),
            config: Some(root.join("home/.config")),
            path: vec![root.join("usr/local/bin"), root.join("usr/bin")],
            owner: std::fs::metadata(root).unwrap().uid(),
        }
    }

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_program_that_others_could_replace_is_exposed() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        let host = root.join("usr/libexec/dwell-browser-host");
        program(&host, "ELF");
        assert_eq!(places.exposed(&host), None);
        let writable = "can be written by others than root";
        chmod(&host, 0o757);
        assert_eq!(places.exposed(&host), Some((host.clone(), writable)));
        chmod(&host, 0o755);
        // Its folder, and each above: what is in it can be put away as a whole.
        let usr = root.join("usr");
        chmod(&usr, 0o777);
        assert_eq!(places.exposed(&host), Some((usr.clone(), writable)));
        chmod(&usr, 0o1777);
        assert_eq!(places.exposed(&host), None);
        // By a link as by its own name.
        let link = root.join("link");
        std::os::unix::fs::symlink(&host, &link).unwrap();
        assert_eq!(places.exposed(&link), None);
        chmod(&host, 0o757);
        assert_eq!(places.exposed(&link), Some((host.clone(), writable)));
        chmod(&host, 0o755);
        let nobody = Places { owner: 0, ..machine(root) };
        if places.owner == 0 {
            std::os::unix::fs::chown(&host, Some(1), None).unwrap();
        }
        assert_eq!(nobody.exposed(&host), Some((host.clone(), "does not belong to root")));
    }

    #[test]
    fn browsers_are_found_in_what_they_come() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        assert!(places.browsers().is_empty());
        program(&root.join("usr/bin/chromium"), "ELF");
        program(&root.join("usr/bin/firefox-esr"), "ELF");
        program(&root.join("usr/bin/firefox"), "#!/bin/sh\nexec /snap/bin/firefox \"$@\"\n");
        std::fs::create_dir_all(root.join("var/lib/flatpak/app/com.google.Chrome")).unwrap();
        std::fs::create_dir_all(root.join("home/.local/share/flatpak/app/org.mozilla.firefox")).unwrap();
        std::fs::create_dir_all(root.join("snap/brave")).unwrap();
        // No program, for it cannot be started.
        std::fs::write(root.join("usr/bin/vivaldi"), "ELF").unwrap();
        let found: Vec<_> = places
            .browsers()
            .into_iter()
            .map(|found| {
                let path = found.path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                (found.browser.id, found.packaging, path)
            })
            .collect();
        let expected = [
            ("chromium", Packaging::System, "usr/bin/chromium"),
            ("chrome", Packaging::Flatpak, "var/lib/flatpak/app/com.google.Chrome"),
            ("brave", Packaging::Snap, "snap/brave"),
            ("firefox", Packaging::System, "usr/bin/firefox-esr"),
            ("firefox", Packaging::Snap, "usr/bin/firefox"),
            ("firefox", Packaging::Flatpak, "home/.local/share/flatpak/app/org.mozilla.firefox"),
        ];
        assert_eq!(found, expected.map(|(id, packaging, path)| (id, packaging, path.to_owned())));
    }

    #[test]
    fn the_host_beside_dwell_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        let dwell = root.join("opt/dwell/bin/dwell");
        let (none, looked) = places.host(Some(&dwell));
        assert_eq!((none, looked.len()), (None, 5));
        let all = ["usr/bin", "usr/libexec", "opt/dwell/libexec", "opt/dwell/bin"];
        for folder in all {
            let host = root.join(folder).join("dwell-browser-host");
            program(&host, "ELF");
            assert_eq!(places.host(Some(&dwell)).0, Some(host));
        }
    }

    #[test]
    fn each_browser_has_a_folder_of_its_own() {
        let places = machine(tempfile::tempdir().unwrap().path());
        let home = places.home.clone().unwrap();
        let folder = |id| {
            let browser = BROWSERS.iter().find(|browser| browser.id == id).unwrap();
            places.own_folder(browser).unwrap().strip_prefix(&home).unwrap().to_owned()
        };
        assert_eq!(folder("opera"), Path::new(".config/opera/NativeMessagingHosts"));
        assert_eq!(folder("librewolf"), Path::new(".librewolf/native-messaging-hosts"));
        assert_eq!(folder("waterfox"), Path::new(".waterfox/native-messaging-hosts"));
        let mut all: Vec<_> = BROWSERS.iter().map(|browser| places.own_folder(browser)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), BROWSERS.len());
        // The daemon counts the time of each of them by site.
        for browser in BROWSERS {
            let mut programs = browser.commands.iter().chain(browser.processes);
            assert!(
                programs.any(|program| dwell_core::browser::apps_of(program).len() > 1),
                "{}",
                browser.id
            );
        }
    }

    #[test]
    fn processes_belong_to_browsers() {
        let of = |program: &str| BROWSERS.iter().find(|browser| browser.is(program)).map(|b| b.id);
        assert_eq!(of("chrome"), Some("chrome"));
        assert_eq!(of("firefox-esr"), Some("firefox"));
        assert_eq!(of("librewolf"), Some("librewolf"));
        assert_eq!(of("xterm"), None);
    }
}
