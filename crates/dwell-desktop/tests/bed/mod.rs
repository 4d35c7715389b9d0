//! A small bed for this crate's tests on real desktops: private folders, programs that end with the test, and waiting
//! on what the sensors say, with a deadline.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bed that fails is a failed test"
)]
#![allow(clippy::print_stdout, reason = "what cannot run here is said")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::{Boot, Millis};
use dwell_desktop::freezer::{Unit, WhyNot};
use dwell_desktop::{Buses, Desktop, Health, Notice, Settings, Surroundings, WindowAct};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout, timeout_at};

/// No event on these beds takes longer, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// The unprivileged user for compositors that refuse root.
const USER: &str = "dwelltest";

/// Whether these programs are there. Says so if not, and fails where everything is required.
pub(crate) fn can_run(programs: &[&str]) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    let there = |program: &&str| path.split(':').any(|dir| Path::new(dir).join(program).is_file());
    let missing: Vec<_> = programs.iter().filter(|program| !there(program)).collect();
    if missing.is_empty() {
        return true;
    }
    println!("cannot run here: {missing:?} not installed");
    assert_ne!(std::env::var("DWELL_REQUIRE").as_deref(), Ok("all"), "missing: {missing:?}");
    false
}

/// A private folder that serves as runtime folder and home, and the programs started in it.
pub(crate) struct Bed {
    dir: tempfile::TempDir,
    user: Option<(u32, u32)>,
    programs: Vec<(String, Child)>,
    pub(crate) env: Vec<(String, String)>,
}

impl Bed {
    /// A bed whose programs run as this user.
    pub(crate) fn new() -> Self {
        Self::owned_by(None)
    }

    /// A bed whose programs do not run as root.
    pub(crate) fn unprivileged() -> Self {
        let root =
            fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
        Self::owned_by(root.then(|| {
            let passwd = fs::read_to_string("/etc/passwd").unwrap();
            let line = passwd.lines().find(|line| line.starts_with(&format!("{USER}:")));
            let line = line.unwrap_or_else(|| panic!("as root these tests need a user {USER}"));
            let mut ids = line.split(':').skip(2).map(|id| id.parse().unwrap());
            (ids.next().unwrap(), ids.next().unwrap())
        }))
    }

    fn owned_by(user: Option<(u32, u32)>) -> Self {
        let dir = tempfile::Builder::new().prefix("dwell-desktop-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((uid, gid)) = user {
            chown(dir.path(), Some(uid), Some(gid)).unwrap();
        }
        let own = dir.path().to_str().unwrap().to_owned();
        let env = vec![("XDG_RUNTIME_DIR".into(), own.clone()), ("HOME".into(), own)];
        Self { dir, user, programs: Vec::new(), env }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(key, _)| key != name);
        self.env.push((name.into(), value.into()));
    }

    /// The sensors' surroundings on this bed.
    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings::new(self.env.clone())
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = match self.user {
            // setpriv becomes the program, so that the process id is the program's own.
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into()]);
                command.args(words);
                command
            }
            None => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]);
                command
            }
        };
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.env.iter().map(|(key, value)| (key, value))).current_dir(self.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts a program that stays, under a name.
    pub(crate) fn start(&mut self, name: &str, words: &[&str]) -> u32 {
        let child = self.command(words).spawn().unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let pid = child.id().unwrap();
        self.programs.push((name.into(), child));
        pid
    }

    /// The process id of the program of that name.
    pub(crate) fn pid(&self, name: &str) -> u32 {
        self.programs.iter().find(|(other, _)| other == name).and_then(|(_, child)| child.id()).unwrap()
    }

    /// Locks the screen with swaylock; its process id. It goes on in the background when the screen is locked: one that
    /// were ended before would leave it locked for ever.
    pub(crate) async fn lock_screen(&mut self) -> Pid {
        self.start("swaylock", &["swaylock", "-f", "-c", "000000"]);
        self.ended("swaylock").await;
        // Nothing tells when a process gets ready for a signal.
        let mut again = interval(Duration::from_millis(10));
        let found = async {
            loop {
                again.tick().await;
                if let Some(pid) = self.locker() {
                    return pid;
                }
            }
        };
        timeout(DEADLINE, found).await.expect("swaylock is gone")
    }

    /// The swaylock of this bed that can be told to unlock; its child, which checks passwords, cannot.
    fn locker(&self) -> Option<Pid> {
        let own = format!("XDG_RUNTIME_DIR={}", self.dir.path().display());
        let is = |pid: &i32| {
            let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            let status = String::from_utf8_lossy(&read("status")).into_owned();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
            let catches_usr1 =
                u64::from_str_radix(caught.trim(), 16).is_ok_and(|caught| caught & (1 << 9) != 0);
            let ours = read("environ").split(|byte| *byte == 0).any(|var| var == own.as_bytes());
            read("comm") == b"swaylock\n" && catches_usr1 && ours
        };
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.find(is).and_then(Pid::from_raw)
    }

    /// Unlocks what [`Self::lock_screen`] locked, and waits until its locker has gone.
    pub(crate) fn unlock_screen(&self, locker: Pid) {
        let end = pidfd_open(locker, PidfdFlags::NONBLOCK).unwrap();
        kill_process(locker, Signal::USR1).unwrap();
        let patience = Timespec::try_from(DEADLINE).unwrap();
        assert_eq!(
            poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&patience)),
            Ok(1),
            "it does not unlock"
        );
    }

    /// Kills the program of that name with SIGKILL and waits for its end.
    pub(crate) async fn kill(&mut self, name: &str) {
        let at = self.programs.iter().position(|(other, _)| other == name).unwrap();
        let (_, mut child) = self.programs.remove(at);
        child.kill().await.unwrap();
    }

    /// Waits for the program of that name to end by itself.
    pub(crate) async fn ended(&mut self, name: &str) {
        let at = self.programs.iter().position(|(other, _)| other == name).unwrap();
        let (_, mut child) = self.programs.remove(at);
        timeout(DEADLINE, child.wait()).await.unwrap_or_else(|_| panic!("{name} does not end")).unwrap();
    }

    /// Runs a program to its end; what it printed.
    pub(crate) async fn run(&self, words: &[&str]) -> String {
        let output = self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = timeout(DEADLINE, output).await.unwrap_or_else(|_| panic!("{words:?} hangs")).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {} {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a program that prints one line when it is ready; that line.
    pub(crate) async fn start_telling(&mut self, name: &str, words: &[&str]) -> String {
        let mut child = self.command(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(DEADLINE, lines.next_line()).await.unwrap_or_else(|_| panic!("{words:?} hangs"));
        self.programs.push((name.into(), child));
        line.unwrap().unwrap_or_else(|| panic!("{words:?} said nothing"))
    }

    /// A virtual X server; sets DISPLAY.
    pub(crate) async fn xvfb(&mut self) -> String {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        // A number of this process's own: servers that look for a free one themselves step on each other's lock files, and
        // take the number of one that was killed to be started again.
        let own = std::process::id() * 4 + STARTED.fetch_add(1, Ordering::Relaxed);
        let display = format!(":{}", 30_000 + own % 30_000);
        let screen = ["-screen", "0", "1280x720x24", "-nolisten", "tcp", "-noreset"];
        let words = [&["Xvfb", &display, "-displayfd", "1"], &screen[..]].concat();
        self.start_telling("Xvfb", &words).await;
        self.set("DISPLAY", &display);
        display
    }

    /// A window manager. It is ready, which for one that takes up existing windows without focusing them matters.
    pub(crate) async fn openbox(&mut self) {
        self.start_telling("openbox", &["openbox", "--startup", "echo ready"]).await;
    }

    /// A private message bus; its address.
    pub(crate) async fn bus(&mut self) -> zbus::Connection {
        let listen = format!("--address=unix:path={}", self.path("bus").display());
        let words = ["dbus-daemon", "--session", "--nofork", "--nopidfile", &listen, "--print-address"];
        let address = self.start_telling("dbus-daemon", &words).await;
        let bus = connect(address.trim()).await;
        // A test may serve objects on it, and must not miss the first that asks.
        dwell_bus::serve::listening(&bus).await.unwrap();
        bus
    }
}

/// A bed for sway, without a screen and unprivileged.
pub(crate) fn sway() -> Bed {
    let mut bed = Bed::unprivileged();
    for (name, value) in [
        ("WLR_BACKENDS", "headless"),
        ("WLR_LIBINPUT_NO_DEVICES", "1"),
        ("WLR_RENDERER", "pixman"),
        ("WLR_HEADLESS_OUTPUTS", "1"),
        ("XDG_CURRENT_DESKTOP", "sway"),
    ] {
        bed.set(name, value);
    }
    fs::write(bed.path("config"), "xwayland disable\noutput HEADLESS-1 mode 1280x720\n").unwrap();
    bed
}

pub(crate) fn start_sway(bed: &mut Bed) {
    let config = bed.path("config");
    bed.start("sway", &["sway", "-c", config.to_str().unwrap()]);
}

/// Makes the bed's other programs find the sway that the sensors have found.
pub(crate) fn find_sway(bed: &mut Bed) {
    let pid = bed.pid("sway");
    let mut names =
        fs::read_dir(bed.path(".")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let ipc = names.find(|name| name.starts_with("sway-ipc.") && name.contains(&format!(".{pid}."))).unwrap();
    let ipc = bed.path(&ipc);
    bed.set("SWAYSOCK", ipc.to_str().unwrap());
    bed.set("WAYLAND_DISPLAY", "wayland-1");
}

/// Waits until that holds. For what a window manager does without telling anybody.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async { while !holds().await {} };
    timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Another connection to the bus with that address.
pub(crate) async fn connect(address: &str) -> zbus::Connection {
    zbus::connection::Builder::address(address).unwrap().build().await.unwrap()
}

/// The sensors, and what they have said so far.
pub(crate) struct Sensors {
    pub(crate) desktop: Desktop,
    notices: mpsc::Receiver<Notice>,
    said: Vec<String>,
    /// How each part was said to be doing last.
    parts: BTreeMap<&'static str, bool>,
    focus: Option<String>,
}

/// What is said of in every bed, some of it by tasks of their own that come to it when they come to it.
const PARTS: [&str; 7] = ["desktop", "focus", "idle", "lock", "session", "sleep", "windows"];

impl Sensors {
    pub(crate) fn start(bed: &Bed, idle_after_ms: u64, buses: Buses) -> Self {
        Self::start_in(bed.surroundings(), idle_after_ms, buses)
    }

    pub(crate) fn start_in(around: Surroundings, idle_after_ms: u64, buses: Buses) -> Self {
        let idle_after = Millis::from_ms(idle_after_ms);
        Self::start_with(around, Settings { idle_after, ..Settings::default() }, buses)
    }

    pub(crate) fn start_with(around: Surroundings, settings: Settings, buses: Buses) -> Self {
        let (out, notices) = mpsc::channel(256);
        let desktop = Desktop::start(around, settings, out, buses);
        Self { desktop, notices, said: Vec::new(), parts: BTreeMap::new(), focus: None }
    }

    /// Waits for a notice; the ones before it are passed over.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Notice) -> bool) -> Notice {
        let waiting = async {
            loop {
                let notice = self.notices.recv().await.expect("the sensors have ended");
                self.note(&notice);
                if wanted(&notice) {
                    return notice;
                }
            }
        };
        match timeout(DEADLINE, waiting).await {
            Ok(notice) => notice,
            Err(_) => panic!("waited for {what}; said was:\n{}", self.said.join("\n")),
        }
    }

    fn note(&mut self, notice: &Notice) {
        self.said.push(show(notice));
        match notice {
            Notice::Sample(Sample { fact: Fact::Focus(app), .. }) => {
                self.focus = app.as_ref().map(|app| app.as_str().to_owned());
            }
            Notice::Health(health) => {
                self.parts.insert(health.part, health.ok);
            }
            _ => {}
        }
    }

    /// How many notices like that were among what was waited through.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.said.iter().filter(|said| said.contains(what)).count()
    }

    pub(crate) async fn fact(&mut self, what: &str, wanted: impl Fn(&Fact) -> bool) -> Sample {
        match self.until(what, |notice| matches!(notice, Notice::Sample(s) if wanted(&s.fact))).await {
            Notice::Sample(sample) => sample,
            _ => unreachable!("a fact was waited for"),
        }
    }

    pub(crate) async fn focus(&mut self, app: &str) -> Boot {
        let wanted = app.to_owned();
        let is = move |fact: &Fact| matches!(fact, Fact::Focus(Some(app)) if app.as_str() == wanted);
        self.fact(&format!("focus on {app}"), is).await.at
    }

    /// Which one of these programs has got focus.
    pub(crate) async fn focus_of(&mut self, apps: &[&str]) -> String {
        let is = |fact: &Fact| matches!(fact, Fact::Focus(Some(app)) if apps.contains(&app.as_str()));
        match self.fact("focus on one of several", is).await.fact {
            Fact::Focus(Some(app)) => app.as_str().to_owned(),
            _ => unreachable!("focus was waited for"),
        }
    }

    pub(crate) async fn focus_none(&mut self) -> Boot {
        self.fact("no focus", |fact| *fact == Fact::Focus(None)).await.at
    }

    /// The program that has focus by what was said so far.
    pub(crate) fn stated_focus(&self) -> Option<&str> {
        self.focus.as_deref()
    }

    pub(crate) async fn active(&mut self) -> Boot {
        self.fact("activity", |fact| *fact == Fact::Active).await.at
    }

    /// When it was said, and the last instant of use.
    pub(crate) async fn idle(&mut self) -> (Boot, Boot) {
        let sample = self.fact("idleness", |fact| matches!(fact, Fact::IdleSince(_))).await;
        match sample.fact {
            Fact::IdleSince(since) => (sample.at, since),
            _ => unreachable!("idleness was waited for"),
        }
    }

    /// What units the program is found to run in.
    pub(crate) async fn units(&mut self, id: &str) -> Result<Vec<Unit>, WhyNot> {
        self.desktop.act(WindowAct::FindUnits(app(id)));
        match self.until(&format!("the units of {id}"), |notice| matches!(notice, Notice::Units { .. })).await
        {
            Notice::Units { app: of, found } if of == app(id) => found,
            _ => unreachable!("one answer was waited for"),
        }
    }

    pub(crate) async fn health(&mut self, part: &str, ok: bool) -> Health {
        let wanted = part.to_owned();
        let is = move |notice: &Notice| matches!(notice, Notice::Health(h) if h.part == wanted && h.ok == ok);
        match self.until(&format!("health of {part}: {ok}"), is).await {
            Notice::Health(health) => health,
            _ => unreachable!("a health was waited for"),
        }
    }

    /// Waits until nothing has been said for this long.
    pub(crate) async fn rest(&mut self, length: Duration) {
        while let Ok(Some(notice)) = timeout(length, self.notices.recv()).await {
            self.note(&notice);
        }
    }

    /// Waits until everything has been said that is said of a desktop by itself. Which desktop it is may well come
    /// after what has focus on it.
    pub(crate) async fn told_all(&mut self) {
        let told = |parts: &BTreeMap<&str, bool>| {
            PARTS.iter().all(|part| parts.contains_key(part)) && (parts["desktop"] || !parts["focus"])
        };
        while !told(&self.parts) {
            self.until("every part's health", |notice| matches!(notice, Notice::Health(_))).await;
        }
    }

    /// Asserts that nothing at all is said for this long, once everything that may come late has come.
    pub(crate) async fn silence(&mut self, length: Duration) {
        self.told_all().await;
        if let Ok(Some(notice)) = timeout(length, self.notices.recv()).await {
            panic!("said in silence: {}; before:\n{}", show(&notice), self.said.join("\n"));
        }
    }
}

/// The sensors in a process of their own (the example `watch`), for what is measured of a process.
pub(crate) struct Watcher {
    pid: u32,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
    _child: Child,
}

impl Watcher {
    pub(crate) fn start(bed: &Bed, idle_after_s: u64) -> Self {
        Self::start_with(bed, &[&idle_after_s.to_string()])
    }

    pub(crate) fn start_with(bed: &Bed, words: &[&str]) -> Self {
        let own = std::env::current_exe().unwrap();
        let watch = own.parent().unwrap().parent().unwrap().join("examples/watch");
        let mut command = Command::new(watch);
        command.args(words).env_clear().envs(bed.env.iter().map(|(key, value)| (key, value)));
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { pid: child.id().unwrap(), lines, said: String::new(), _child: child }
    }

    pub(crate) async fn until(&mut self, wanted: &str) {
        let waiting = async {
            while let Ok(Some(line)) = self.lines.next_line().await {
                self.said += &format!("{line}\n");
                if line.contains(wanted) {
                    return true;
                }
            }
            false
        };
        let found = timeout(DEADLINE, waiting).await.unwrap_or(false);
        assert!(found, "waited for {wanted}; said was:\n{}", self.said);
    }

    /// Waits for a time of this length in which the process is not woken once. The desktop may have something left to
    /// say about what was just done; whatever polls never passes.
    pub(crate) async fn is_never_woken(&mut self, length: Duration) {
        let mut woken = Vec::new();
        while woken.last() != Some(&0) {
            assert!(woken.len() < 5, "woken in each {length:?}: {woken:?}; said was:\n{}", self.said);
            woken.push(self.wakeups(length).await);
        }
    }

    /// How often the process was woken in this time. To say something is to be woken.
    pub(crate) async fn wakeups(&mut self, length: Duration) -> u64 {
        let (before, end) = (self.status("voluntary_ctxt_switches"), Instant::now() + length);
        let mut lines = 0;
        while let Ok(Ok(Some(line))) = timeout_at(end, self.lines.next_line()).await {
            self.said += &format!("{line}\n");
            lines += 1;
        }
        lines.max(self.status("voluntary_ctxt_switches") - before)
    }

    /// A number of `/proc/PID/status`; `VmRSS` is in kibibytes.
    pub(crate) fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

pub(crate) fn show(notice: &Notice) -> String {
    match notice {
        Notice::Health(health) => format!("{health:?}"),
        Notice::Units { found, .. } => format!("{found:?}"),
        Notice::Sample(Sample { at, fact: Fact::Focus(Some(app)) }) => {
            format!("{} {}", at.as_ms(), app.as_str())
        }
        Notice::Sample(sample) => format!("{} {:?}", sample.at.as_ms(), sample.fact),
    }
}

pub(crate) fn now() -> Boot {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Boot::from_ms(u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap())
}

pub(crate) fn app(id: &str) -> AppId {
    AppId::new(id).unwrap()
}

/// Runs a test on the kind of runtime that the daemon has.
pub(crate) fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}
