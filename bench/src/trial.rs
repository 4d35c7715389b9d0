//! What `dwell limit try` costs from end to end: the whole of a process that asks a running `dwelld`, on a private bus, with
//! a heavy year in its vault.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use dwell_core::calendar::CivilDay;

use crate::data::History;
use crate::measure::{Memory, median, memory_of, time_of};
use crate::ours::Ours;

const DAYS: i32 = 365;
/// Spans of a heavy day, on average over a week: 790,000 in the year.
const MEAN: f64 = 2_164.0;
/// Where nothing is waited for that does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked: in words, and as it is typed.
const TRIALS: [(&str, &[&str]); 5] = [
    ("a program", &["app:org.gnome.Nautilus", "15m"]),
    ("everything", &["all", "6h"]),
    ("a category", &["category:chat", "30m"]),
    ("visits", &["app:org.gnome.Nautilus", "5visits"]),
    ("everything by the hour, but one program", &["all", "40m", "--per", "hour", "--except", "app:code"]),
];

/// What was found.
pub(crate) struct Measured {
    /// How many spans the year has.
    pub(crate) spans: usize,
    /// The median of each trial, in ns.
    pub(crate) trials: Vec<(&'static str, f64)>,
    /// What the daemon had before the first trial, and at most until after the last.
    pub(crate) memory: (Memory, Memory),
}

/// Measures, with a vault in a folder of its own below `dir`.
pub(crate) fn measure(dir: &Path, rounds: usize) -> Measured {
    let root = tempfile::Builder::new().prefix("dwell-bench-").tempdir_in(dir).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let today = CivilDay::from_epoch_days(i32::try_from(now.as_secs() / 86_400).unwrap());
    let history = History::until(today.plus(-2), DAYS, MEAN);
    let mut ours = Ours::open(&root.path().join("data"));
    let mut spans = 0;
    for day in history.days() {
        let of_day = history.spans(day);
        spans += of_day.len();
        ours.append_all(day, &of_day);
        ours.seal_before(day.plus(1));
    }
    ours.close();
    let place = Place::start(root.path());
    let since = history.first().to_string();
    let ask = |trial: &[&str]| {
        let output =
            place.command("dwell").args(["limit", "try"]).args(trial).args(["--since", &since]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{trial:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{trial:?} says nothing");
    };
    let before = memory_of(place.daemon.id());
    let trials = TRIALS.map(|(what, trial)| {
        // Once so that no program is read from the disk.
        ask(trial);
        let mut times: Vec<f64> = std::iter::repeat_with(|| time_of(|| ask(trial))).take(rounds).collect();
        (what, median(&mut times))
    });
    Measured { spans, trials: trials.into(), memory: (before, memory_of(place.daemon.id())) }
}

/// A bus and a daemon on it. Both end with this.
struct Place {
    root: PathBuf,
    bus: Child,
    daemon: Child,
}

impl Place {
    fn start(root: &Path) -> Self {
        for folder in ["run", "home"] {
            fs::create_dir(root.join(folder)).unwrap();
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

    fn command(&self, program: &str) -> Command {
        command(&self.root, program)
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
    assert!(built.exists(), "{program} is not built: use `make bench-rules`");
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
