//! A place of its own for a real `dwelld`: a bus, a home, and nothing of this machine's.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where nothing is waited for that does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A bus and a daemon on it. Both end with this.
pub(crate) struct Place {
    root: PathBuf,
    bus: Child,
    daemon: Child,
}

impl Place {
    /// Starts them, with all that is theirs below a folder.
    pub(crate) fn start(root: &Path) -> Self {
        for folder in ["run", "home"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        // Of those that were here before.
        for socket in ["run/bus", "run/notify"] {
            let _ = fs::remove_file(root.join(socket));
        }
        fs::write(root.join("config.toml"), "").unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .arg(format!("--address=unix:path={}", root.join("run/bus").display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says its address when it listens.
        let said = BufReader::new(bus.stdout.take().unwrap()).lines().next();
        assert!(said.is_some_and(|line| line.is_ok()), "the bus did not start");
        let ready = UnixDatagram::bind(root.join("run/notify")).unwrap();
        ready.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = command(root, "dwelld");
        command.env("NOTIFY_SOCKET", root.join("run/notify"));
        command.stdout(Stdio::null()).stderr(fs::File::create(root.join("log")).unwrap());
        let daemon = command.spawn().unwrap();
        let place = Self { root: root.to_owned(), bus, daemon };
        let mut said = [0; 4096];
        loop {
            let Ok(length) = ready.recv(&mut said) else {
                panic!("dwelld did not start: {}", fs::read_to_string(root.join("log")).unwrap());
            };
            if String::from_utf8_lossy(&said[..length]).lines().any(|line| line == "READY=1") {
                return place;
            }
        }
    }

    /// One of our programs, which reaches the daemon.
    pub(crate) fn command(&self, program: &str) -> Command {
        command(&self.root, program)
    }
}

impl Place {
    /// The daemon's process.
    pub(crate) fn daemon(&self) -> u32 {
        self.daemon.id()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One of our programs, as built beside this one, with an environment that names nothing outside of the folder.
fn command(root: &Path, program: &str) -> Command {
    let built = std::env::current_exe().unwrap().with_file_name(program);
    assert!(built.exists(), "{program} is not built: use make");
    let bus = |name: &str| format!("unix:path={}", root.join("run").join(name).display());
    let mut command = Command::new(built);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .env("HOME", root.join("home"))
        .env("XDG_RUNTIME_DIR", root.join("run"))
        .env("DWELL_DATA_DIR", root.join("data"))
        .env("DWELL_CONFIG", root.join("config.toml"))
        .env("DBUS_SESSION_BUS_ADDRESS", bus("bus"))
        .env("DBUS_SYSTEM_BUS_ADDRESS", bus("none"))
        .stdin(Stdio::null());
    command
}
