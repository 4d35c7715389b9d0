//! Where a recipe is cooked: a home, a bus, a `dwelld` that takes its samples from us, and bash.
//!
//! In its zone it is between four and five in the afternoon, so that no recipe meets the start of a day.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use dwell_bus::{IntakeProxy, intake};
use dwell_core::calendar::CivilDay;
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::Boot;
use zbus::proxy::CacheProperties;

use crate::book::Recipe;
use crate::{history, shape};

/// Where nothing is waited for that does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The rules of whoever lives here.
const RULES: &str = r#"
[[rule]]
id = "video"
target = "category:video"
budget = "1h"

[[rule]]
id = "news"
target = "category:news"
blocked = ["09:00-18:00"]
strict = "open"
"#;

/// Programs that are installed: id, name, categories.
const PROGRAMS: [(&str, &str, &str); 5] = [
    ("code", "Code", "Development;IDE;"),
    ("firefox", "Firefox", "Network;WebBrowser;"),
    ("foot", "Foot", "System;TerminalEmulator;"),
    ("supertuxkart", "SuperTuxKart", "Game;ArcadeGame;"),
    ("thunderbird", "Thunderbird", "Network;Email;"),
];

/// When it is, and in which zone.
pub(crate) struct Now {
    unix_ms: i64,
    /// How many hours east of Greenwich.
    east: i64,
}

impl Now {
    fn look() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let unix_ms = i64::try_from(since.as_millis()).unwrap();
        let hour = unix_ms.div_euclid(3_600_000).rem_euclid(24);
        Self { unix_ms, east: (16 - hour + 12).rem_euclid(24) - 12 }
    }

    pub(crate) fn offset_ms(&self) -> i64 {
        self.east * 3_600_000
    }

    pub(crate) fn today(&self) -> CivilDay {
        let days = (self.unix_ms + self.offset_ms()).div_euclid(86_400_000);
        CivilDay::from_epoch_days(i32::try_from(days).unwrap())
    }

    /// The signs of these zones are the wrong way round: Etc/GMT-3 is three hours east of Greenwich.
    fn zone(&self) -> String {
        if self.east > 0 { format!("Etc/GMT-{}", self.east) } else { format!("Etc/GMT+{}", -self.east) }
    }
}

/// A made-up month, to begin each recipe with.
pub(crate) struct Larder {
    folder: tempfile::TempDir,
    now: Now,
}

impl Larder {
    pub(crate) fn stock() -> Self {
        let larder = Self { folder: tempfile::tempdir().unwrap(), now: Now::look() };
        history::record(&larder.folder.path().join("data"), &larder.now);
        larder
    }
}

/// A place for one recipe. What it started ends with it.
pub(crate) struct Kitchen {
    root: tempfile::TempDir,
    zone: String,
    started: Vec<Child>,
}

/// What came of a recipe.
pub(crate) struct Served {
    /// None: a signal ended it.
    code: Option<i32>,
    /// Both streams, as a terminal shows them.
    pub(crate) printed: String,
}

impl Served {
    /// Compares it with the book.
    pub(crate) fn judge(&self, recipe: &Recipe) -> Result<(), String> {
        let printed = format!("printed was:\n{}", self.printed);
        if self.code != Some(0) {
            return Err(format!("it ended with {:?}; {printed}", self.code));
        }
        let Some(prints) = &recipe.prints else { return Ok(()) };
        shape::compare(&prints.text, &self.printed, prints.shape_only)
            .map_err(|why| format!("{why}\n{printed}"))
    }
}

impl Kitchen {
    pub(crate) fn open(larder: &Larder) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut kitchen = Self { root, zone: larder.now.zone(), started: Vec::new() };
        for folder in ["bin", "run", "home", "home/.local/share/applications"] {
            fs::create_dir_all(kitchen.path(folder)).unwrap();
        }
        for (id, name, categories) in PROGRAMS {
            let text = format!(
                "[Desktop Entry]\nType=Application\nName={name}\nExec={id}\nCategories={categories}\n"
            );
            fs::write(kitchen.path("home/.local/share/applications").join(format!("{id}.desktop")), text)
                .unwrap();
        }
        for program in ["dwell", "dwelld"] {
            std::os::unix::fs::symlink(built(program), kitchen.path("bin").join(program)).unwrap();
        }
        let config = format!("zone = \"{}\"\nday-start = \"04:00\"\nnotifications = false\n", kitchen.zone);
        fs::write(kitchen.path("config.toml"), config).unwrap();
        copy(&larder.folder.path().join("data"), &kitchen.path("data"));
        kitchen.start_bus();
        kitchen.start_daemon();
        let rules = kitchen.path("rules.toml");
        fs::write(&rules, RULES).unwrap();
        let done = kitchen.command("dwell").args(["rules", "import", "--yes"]).arg(rules).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        kitchen
    }

    /// Types it all into bash, which stops at the first mistake.
    pub(crate) fn cook(&self, script: &str) -> Served {
        let mut bash = self.command("bash");
        bash.args(["-euo", "pipefail", "-c"]).arg(format!("exec 2>&1\n{script}"));
        let output = bash.output().unwrap();
        assert!(output.stderr.is_empty(), "bash: {}", String::from_utf8_lossy(&output.stderr));
        Served { code: output.status.code(), printed: String::from_utf8(output.stdout).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A program with an environment that names nothing outside of this place.
    fn command(&self, program: &str) -> Command {
        let own = self.path("bin").join(program);
        let mut command = Command::new(if own.exists() { own } else { program.into() });
        let mut path = self.path("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let bus = |name: &str| format!("unix:path={}", self.path("run").join(name).display());
        command
            .env_clear()
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .env("TZ", &self.zone)
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("home/.local/share"))
            .env("XDG_DATA_DIRS", self.path("none"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("DWELL_DATA_DIR", self.path("data"))
            .env("DWELL_CONFIG", self.path("config.toml"))
            .env("DBUS_SESSION_BUS_ADDRESS", bus("bus"))
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus("none"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(self.path("home"))
            .stdin(Stdio::null());
        command
    }

    fn start_bus(&mut self) {
        let address = format!("--address=unix:path={}", self.path("run/bus").display());
        let mut bus = self
            .command("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address", &address])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It says its address when it listens.
        let said = BufReader::new(bus.stdout.take().unwrap()).lines().next();
        self.started.push(bus);
        assert!(said.is_some_and(|line| line.is_ok()), "the bus did not start");
    }

    /// Starts dwelld. Somebody was in the editor a moment ago, and is away now, so that nothing more is counted.
    fn start_daemon(&mut self) {
        let ready = UnixDatagram::bind(self.path("run/notify")).unwrap();
        ready.set_read_timeout(Some(PATIENCE)).unwrap();
        let log = self.path("log");
        let mut daemon = self.command("dwelld");
        daemon.args(["--sensors", "intake", "--dry-run", "--no-keyring"]);
        daemon.env("NOTIFY_SOCKET", self.path("run/notify"));
        daemon.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        self.started.push(daemon.spawn().unwrap());
        let mut said = [0; 4096];
        loop {
            let Ok(length) = ready.recv(&mut said) else {
                panic!("dwelld did not start: {}", fs::read_to_string(&log).unwrap());
            };
            if String::from_utf8_lossy(&said[..length]).lines().any(|line| line == "READY=1") {
                break;
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.tell());
    }

    async fn tell(&self) {
        let address = format!("unix:path={}", self.path("run/bus").display());
        let bus = zbus::connection::Builder::address(address.as_str()).unwrap().build().await.unwrap();
        let door = IntakeProxy::builder(&bus).cache_properties(CacheProperties::No).build().await.unwrap();
        let now = Boot::from_ms(boot_ms());
        let facts = [Fact::Focus(Some(AppId::new("code").unwrap())), Fact::IdleSince(now)];
        let samples = facts.into_iter().map(|fact| intake::to_wire(&Sample::new(now, fact))).collect();
        door.submit(samples).await.unwrap();
    }
}

impl Drop for Kitchen {
    fn drop(&mut self) {
        for child in self.started.iter_mut().rev() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn boot_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(now.tv_sec).unwrap() * 1_000 + u64::try_from(now.tv_nsec).unwrap() / 1_000_000
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success(), "the vault could not be copied");
}

/// One of our programs: `dwell` as built for this test, `dwelld` as built beside it.
fn built(program: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_BIN_EXE_dwell")).with_file_name(program);
    assert!(file.exists(), "{program} is not built: cargo build -p dwelld");
    file
}

/// The first of these programs that this machine does not have.
pub(crate) fn lacks<'a>(programs: &[&'a str]) -> Option<&'a str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &&str| std::env::split_paths(&path).any(|folder| folder.join(program).exists());
    programs.iter().copied().find(|program| !has(program))
}

/// Says that this machine cannot run something: on stderr and in `target/not-run.txt`, which `make test` ends with.
pub(crate) fn cannot_run(what: &str, why: &str) {
    let line = format!("cannot run here: {what}: {why}");
    assert!(std::env::var("DWELL_REQUIRE").as_deref() != Ok("all"), "{line}");
    eprintln!("{line}");
    let list = Path::new(env!("CARGO_BIN_EXE_dwell")).parent().unwrap().with_file_name("not-run.txt");
    if let Ok(mut list) = fs::OpenOptions::new().create(true).append(true).open(list) {
        use std::io::Write as _;
        let _ = writeln!(list, "{line}");
    }
}
