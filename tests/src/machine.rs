//! What this machine has: programs, the built binaries, somebody who is not root; and saying so when it lacks one.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Somebody that a bed's programs run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The login name.
    pub name: String,
    /// The user's number.
    pub uid: u32,
    /// The number of the main group.
    pub gid: u32,
}

impl Person {
    /// Whoever runs the tests.
    #[must_use]
    pub fn current() -> Self {
        let uid = rustix::process::getuid().as_raw();
        Self::look_up(&uid.to_string()).unwrap_or(Person {
            name: uid.to_string(),
            uid,
            gid: rustix::process::getgid().as_raw(),
        })
    }

    /// Whoever runs the tests, or `dwelltest` (`DWELL_TEST_USER`) in place of root, whom some programs refuse.
    ///
    /// # Errors
    ///
    /// What to do when there is no such user.
    pub fn unprivileged() -> Result<Self, String> {
        let current = Self::current();
        if current.uid != 0 {
            return Ok(current);
        }
        let name = std::env::var("DWELL_TEST_USER").unwrap_or_else(|_| "dwelltest".to_owned());
        Self::look_up(&name)
            .ok_or_else(|| format!("it refuses root and there is no user {name}: useradd -m {name}"))
    }

    /// Whether programs of this person need a change of user to start.
    #[must_use]
    pub fn is_somebody_else(&self) -> bool {
        self.uid != rustix::process::getuid().as_raw()
    }

    fn look_up(key: &str) -> Option<Self> {
        let entry = Command::new("getent").args(["passwd", key]).output().ok()?;
        let entry = String::from_utf8(entry.stdout).ok()?;
        let mut fields = entry.trim_end().split(':');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Person { name, uid, gid })
    }
}

/// The search path of every bed: the system's folders first, so that the system's Python finds the system's modules.
#[must_use]
pub fn search_path() -> OsString {
    let mut path = OsString::from("/usr/bin:/bin");
    if let Some(inherited) = std::env::var_os("PATH") {
        path.push(":");
        path.push(inherited);
    }
    path
}

/// Where a program is, if this machine has it.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The first of these programs that this machine lacks.
#[must_use]
pub fn lacks<'a>(programs: &[&'a str]) -> Option<&'a str> {
    programs.iter().copied().find(|name| program(name).is_none())
}

/// A program of this workspace that was built: `DWELL_BIN_DIR`, else the build folder that this test came from.
///
/// # Panics
///
/// When it was not built: that is a mistake in the build, not a lack of the machine.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let folders: Vec<PathBuf> = match std::env::var_os("DWELL_BIN_DIR") {
        Some(folder) => vec![folder.into()],
        None => {
            let profile = profile_folder();
            vec![profile.clone(), profile.with_file_name("release"), profile.with_file_name("debug")]
        }
    };
    folders.iter().map(|folder| folder.join(name)).find(|file| is_executable(file)).unwrap_or_else(|| {
        panic!("{name} is not built: cargo build -p dwelld -p dwell-cli, or set DWELL_BIN_DIR")
    })
}

/// `target/debug` or `target/release`: the folder above the running test or program.
fn profile_folder() -> PathBuf {
    let running = std::env::current_exe().expect("to know the running program");
    let folder = running.parent().expect("a program is in a folder");
    if folder.ends_with("deps") {
        folder.parent().expect("deps is in a folder").to_owned()
    } else {
        folder.to_owned()
    }
}

/// Says that this machine cannot run something: on stderr and in `target/not-run.txt`.
///
/// # Panics
///
/// With `DWELL_REQUIRE=all`, where nothing may be missing.
pub fn cannot_run(name: &str, why: &str) {
    let line = format!("cannot run here: {name}: {why}");
    assert!(std::env::var("DWELL_REQUIRE").as_deref() != Ok("all"), "{line}");
    eprintln!("{line}");
    let list = profile_folder().with_file_name("not-run.txt");
    if let Ok(mut list) = OpenOptions::new().create(true).append(true).open(list) {
        let _ = writeln!(list, "{line}");
    }
}

/// The name of the running test, for messages.
#[must_use]
pub fn running_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}
