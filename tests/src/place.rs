//! Where a bed's programs run: as whom, in which folders, with which environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::machine::{self, Person};
use crate::process::{Lines, Process};

/// One person's private folders and environment.
#[derive(Debug, Clone)]
pub struct Place {
    root: PathBuf,
    person: Person,
    env: BTreeMap<OsString, OsString>,
}

impl Place {
    /// Makes the folders below `root`, which must exist, and an environment that names nothing outside them.
    pub(crate) fn make(root: &Path, person: Person) -> Self {
        let mut place = Place { root: root.to_owned(), person, env: BTreeMap::new() };
        place.own(root, 0o700);
        for folder in [
            "run",
            "home",
            "home/.config",
            "home/.cache",
            "home/.local",
            "home/.local/share",
            "tmp",
            "log",
            "bin",
        ] {
            fs::create_dir(root.join(folder)).expect("a private folder");
            place.own(&root.join(folder), 0o700);
        }
        place.set("PATH", machine::search_path());
        place.set("LANG", "C.UTF-8");
        place.set("USER", place.person.name.clone());
        place.set("LOGNAME", place.person.name.clone());
        place.set("HOME", place.home());
        place.set("TMPDIR", place.temporary());
        place.set("XDG_RUNTIME_DIR", place.runtime());
        place.set("XDG_CONFIG_HOME", place.home().join(".config"));
        place.set("XDG_CACHE_HOME", place.home().join(".cache"));
        place.set("XDG_DATA_HOME", place.home().join(".local/share"));
        place.set("DWELL_DATA_DIR", place.data());
        place.set("DWELL_CONFIG", place.config());
        // Two addresses where nothing answers: no program may fall back to a bus of the machine.
        place.set("DBUS_SESSION_BUS_ADDRESS", place.bus_address("session"));
        place.set("DBUS_SYSTEM_BUS_ADDRESS", place.bus_address("system"));
        place
    }

    /// Whom the programs run as.
    #[must_use]
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// `XDG_RUNTIME_DIR`.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.root.join("run")
    }

    /// `HOME`.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// `TMPDIR`.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// `DWELL_DATA_DIR`: dwelld makes it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// `DWELL_CONFIG`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// Where the output of one of the bed's programs goes.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(name)
    }

    /// Where the private buses look for services that they may start. There is no such folder before a test makes it, as
    /// in a new home.
    #[must_use]
    pub fn services(&self) -> PathBuf {
        self.home().join(".local/share/dbus-1/services")
    }

    /// The address of a private bus of this place, whether or not it runs.
    #[must_use]
    pub fn bus_address(&self, name: &str) -> String {
        format!("unix:path={}", self.runtime().join(format!("{name}.bus")).display())
    }

    /// Sets one variable for every program that starts from now on.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.insert(name.into(), value.into());
    }

    /// Takes one variable away from every program that starts from now on.
    pub fn unset(&mut self, name: &str) {
        self.env.remove(OsStr::new(name));
    }

    /// One variable.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Writes a file that belongs to the person.
    pub fn write(&self, file: &Path, contents: impl AsRef<[u8]>) {
        fs::write(file, contents).unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
        self.own(file, 0o600);
    }

    /// Gives a file or folder to the person.
    pub fn own(&self, path: &Path, mode: u32) {
        if self.person.is_somebody_else() {
            chown(path, Some(self.person.uid), Some(self.person.gid)).expect("to hand over a file");
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("to set a file's mode");
    }

    /// A command that runs as the person, with nothing of our environment, in a process group of its own. It is ended
    /// by the kernel if this test is killed. Its output goes nowhere unless it is redirected.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM"]);
        if self.person.is_somebody_else() {
            command.arg(format!("--reuid={}", self.person.uid));
            command.arg(format!("--regid={}", self.person.gid));
            command.arg("--clear-groups");
        }
        command.arg("--").arg(program);
        command.env_clear().envs(&self.env).current_dir(&self.root).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The file that a program logs to, given by its name or path, open for appending.
    pub(crate) fn open_log(&self, program: &str) -> File {
        let name = Path::new(program).file_name().and_then(OsStr::to_str).expect("a program has a name");
        OpenOptions::new().create(true).append(true).open(self.log(name)).expect("a log file")
    }

    /// A command with arguments that complains into its log.
    pub(crate) fn command_with_log(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(program);
        command.args(arguments).stderr(self.open_log(program));
        command
    }

    /// Starts a program in the background, its output in a log.
    #[must_use]
    pub fn start(&self, program: &str, arguments: &[&str]) -> Process {
        let log = self.open_log(program);
        let second = log.try_clone().expect("a second handle of a log");
        Process::start(program, self.command(program).args(arguments).stdout(log).stderr(second))
    }

    /// Starts a program whose lines are read as they come.
    #[must_use]
    pub fn lines(&self, program: &str, arguments: &[&str]) -> Lines {
        Lines::start(program, &mut self.command_with_log(program, arguments))
    }

    /// Runs a small tool to its end and returns what it printed; panics when it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output =
            self.command(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = output.unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a program prints; `None`: it fails.
    #[must_use]
    pub fn try_run(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let output = self.command(program).args(arguments).stdout(Stdio::piped()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// One of the built programs, in a place where the person may run it: a copy, if our build folder is closed to them.
    #[must_use]
    pub fn built(&self, name: &str) -> PathBuf {
        let program = machine::built(name);
        if !self.person.is_somebody_else() || may_be_run_by_anybody(&program) {
            return program;
        }
        let copy = self.root.join("bin").join(name);
        if !copy.exists() {
            fs::copy(&program, &copy).expect("a copy of a program");
            self.own(&copy, 0o700);
        }
        copy
    }
}

fn may_be_run_by_anybody(program: &Path) -> bool {
    program
        .ancestors()
        .all(|part| fs::metadata(part).is_ok_and(|part| part.permissions().mode() & 0o001 != 0))
}
