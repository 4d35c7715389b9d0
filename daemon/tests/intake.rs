//! The door for outside sensors: the same scripted facts, once in this process and once through `Intake` on a
//! private bus, must make the same ledger. The family mode's agent will come in by that door.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dwell_bus::{IntakeProxy, OwnProxy, intake, lines, wire};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::{Boot, Millis};
use dwell_daemon::clock;
use dwell_daemon::deadline::BootDeadline;
use dwell_daemon::environment::Environment;
use dwell_daemon::hub::Sensors;
use dwell_daemon::keys::{Credentials, SecretService};
use dwell_daemon::roles::user::{Options, run_on};
use dwell_desktop::Surroundings;
use tokio::sync::oneshot;
use zbus::proxy::CacheProperties;

/// A bus of our own, ended with the test.
struct Bus {
    daemon: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Bus {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("unix:path={}", folder.path().join("bus").display());
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1", "--address", &address])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is needed: package dbus");
        let mut line = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { daemon, address: line.trim().to_owned(), _folder: folder }
    }

    async fn connect(&self) -> zbus::Connection {
        zbus::connection::Builder::address(self.address.as_str()).unwrap().build().await.unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

/// A daemon in this process, on its own data folder.
struct Daemon {
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

impl Daemon {
    async fn start(bus: &Bus, data: &Path) -> Self {
        let session = bus.connect().await;
        let environment = Environment {
            data_dir: data.join("data"),
            config: data.join("config.toml"),
            credentials: Credentials::default(),
            surroundings: Surroundings::new([("XDG_DATA_DIRS", data.join("share").to_str().unwrap())]),
        };
        let keyrings = SecretService::Unused;
        let options = Options { sensors: Sensors::Intake, dry_run: true, keyrings };
        let (stop, stopped) = oneshot::channel();
        let watcher = bus.connect().await;
        let dbus = zbus::fdo::DBusProxy::new(&watcher).await.unwrap();
        let mut names = dbus.receive_name_owner_changed_with_args(&[(0, dwell_bus::NAME)]).await.unwrap();
        let done = tokio::task::spawn(async move {
            run_on(session, environment, options, async { drop(stopped.await) }).await.unwrap();
        });
        use futures_util::StreamExt;
        names.next().await.expect("the daemon takes its name");
        Self { stop, done }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.done.await.unwrap();
    }
}

/// Facts of a busy moment, each with how long it holds, in milliseconds.
fn script() -> Vec<(Fact, u64)> {
    let app = |name: &str| Fact::Focus(Some(AppId::new(name).unwrap()));
    let facts = [
        app("org.example.Editor"),
        Fact::Focus(None),
        app("org.example.Browser"),
        Fact::IdleSince(Boot::from_ms(0)),
        Fact::Active,
        app("org.example.Chat"),
        Fact::Locked(true),
        app("org.example.Editor"),
        Fact::Locked(false),
        Fact::Asleep(true),
        Fact::Asleep(false),
        Fact::FocusUnknown,
        app("org.example.Browser"),
        Fact::SessionActive(false),
        Fact::SessionActive(true),
        Fact::Focus(None),
    ];
    let times = (0..64).map(|i| if i % 5 == 0 { 70 } else { 10 + i % 13 });
    let mut script: Vec<_> = facts.into_iter().cycle().zip(times).collect();
    script.push((Fact::Locked(true), 1));
    script
}

/// A desktop file, below the folder that XDG_DATA_DIRS names.
fn desktop_file(data: &Path, id: &str, more: &str) {
    let folder = data.join("share/applications");
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!("[Desktop Entry]\nType=Application\nName={id}!\nExec={id}\n{more}\n");
    std::fs::write(folder.join(format!("{id}.desktop")), text).unwrap();
}

async fn own(bus: &zbus::Connection) -> OwnProxy<'static> {
    OwnProxy::builder(bus).cache_properties(CacheProperties::No).build().await.unwrap()
}

/// Everything that a report and the timeline say.
async fn ledger(own: &OwnProxy<'_>) -> (Vec<wire::Row>, String) {
    let report =
        own.report(wire::Query { period: Some("2d".into()), ..wire::Query::default() }).await.unwrap();
    let mut spans = String::new();
    let pipe = own.spans("2d").await.unwrap();
    std::fs::File::from(std::os::fd::OwnedFd::from(pipe)).read_to_string(&mut spans).unwrap();
    (report.rows, spans)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_process_and_over_the_bus_make_the_same_ledger() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, &data.path().join("a")).await;
    let client = bus.connect().await;
    let door = IntakeProxy::builder(&client).cache_properties(CacheProperties::No).build().await.unwrap();
    let in_process = in_process::Running::start(&data.path().join("b"));

    // Each fact gets its instant once, and goes both ways. The time between them is what is measured.
    let mut pace = BootDeadline::new().unwrap();
    for (fact, holds) in script() {
        let at = clock::now().boot;
        let fact = match fact {
            Fact::IdleSince(_) => Fact::IdleSince(at - Millis::from_ms(9)),
            fact => fact,
        };
        let sample = Sample::new(at, fact);
        in_process.feed(&sample).await;
        door.submit(vec![intake::to_wire(&sample)]).await.unwrap();
        pace.arm(Some(at + Millis::from_ms(holds))).unwrap();
        pace.due().await.unwrap();
    }
    let (over_bus, over_bus_spans) = ledger(&own(&client).await).await;
    let (within, within_spans) = in_process.finish().await;
    daemon.stop().await;

    assert!(over_bus.len() == 3 && over_bus.iter().all(|row| row.ms > 50), "{over_bus:?}");
    assert_eq!(within, over_bus);
    let (within, over_bus) = (recorded(&within_spans), recorded(&over_bus_spans));
    assert!(over_bus.len() > 20, "{over_bus:?}");
    assert_eq!(within.len(), over_bus.len());
    for (a, b) in within.iter().zip(&over_bus) {
        // The two read the wall clock at different moments within a millisecond; lengths come from the boot clock.
        assert_eq!((&a.app, a.length), (&b.app, b.length));
        assert!(a.start.abs_diff(b.start) <= 2, "{a:?} {b:?}");
    }
}

#[derive(Debug)]
struct Recorded {
    app: String,
    start: i64,
    length: i64,
}

/// What was recorded, but for unobserved time before the first fact: the two did not start at the same moment.
fn recorded(spans: &str) -> Vec<Recorded> {
    let ms = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
    let (spans, end) = spans.trim_end().rsplit_once('\n').unwrap();
    let end: lines::End = serde_json::from_str(end).unwrap();
    assert_eq!((end.error, end.spans), (None, u64::try_from(spans.lines().count()).unwrap()));
    let spans = spans.lines().map(|line| serde_json::from_str::<lines::Span>(line).unwrap());
    let spans = spans.filter(|span| span.kind != "unobserved").map(|span| {
        let (start, end) = (ms(&span.start), ms(&span.end));
        Recorded { app: span.app.unwrap(), start, length: end - start }
    });
    spans.collect()
}

mod in_process {
    //! A hub without a bus, fed by the channel that the sensors use.

    use super::*;
    use dwell_bus::Request;
    use dwell_core::calendar::Calendar;
    use dwell_core::config::Config;
    use dwell_daemon::environment::zone;
    use dwell_daemon::hub::{Hub, Inputs, Parts, Past};
    use dwell_daemon::store::{Opening, Store};
    use dwell_desktop::{AppNames, Notice};
    use dwell_vault::{Keys, Places, State};
    use tokio::sync::mpsc;

    pub(super) struct Running {
        notices: mpsc::Sender<Notice>,
        requests: mpsc::Sender<Request>,
        stop: oneshot::Sender<()>,
        hub: tokio::task::JoinHandle<std::io::Result<()>>,
        vault: std::thread::JoinHandle<()>,
    }

    const QUEUE: usize = 64;

    impl Running {
        pub(super) fn start(folder: &Path) -> Self {
            let config = Config::default();
            let data_dir = folder.join("data");
            let calendar = Calendar::new(zone(&config), config.day_start);
            let places = Places::new(&data_dir);
            let opened = State::open(&places, &Keys::files(&places)).unwrap();
            let opening = Opening::of(opened, &calendar).unwrap();
            let past = Past::of(opening.known).unwrap();
            let condition = opening.kept.condition();
            let (store, news, vault) = Store::start(opening.kept).unwrap();
            let (errands, _) = mpsc::unbounded_channel();
            let (notices, heard) = mpsc::channel(QUEUE);
            let (requests, asked) = mpsc::channel(QUEUE);
            let (orders, _) = mpsc::unbounded_channel();
            let (_, config_changed) = mpsc::channel(1);
            let names = AppNames::new(&Surroundings::default());
            let config_path = folder.join("config.toml");
            let sensors = Sensors::Own;
            let parts =
                Parts { config, config_path, data_dir, sensors, store, condition, orders, errands, names };
            let hub = Hub::new(parts, past).unwrap();
            let (stop, stopped) = oneshot::channel::<()>();
            let inputs = Inputs { notices: heard, requests: asked, news, config_changed };
            let hub = tokio::spawn(hub.run(inputs, async { drop(stopped.await) }));
            Self { notices, requests, stop, hub, vault }
        }

        pub(super) async fn feed(&self, sample: &Sample) {
            self.notices.send(Notice::Sample(sample.clone())).await.unwrap();
            // Facts and questions come by different channels: wait until this fact has been taken.
            while self.notices.capacity() < QUEUE {
                tokio::task::yield_now().await;
            }
        }

        async fn ask<T>(&self, request: impl FnOnce(dwell_bus::Reply<T>) -> Request) -> T {
            let (reply, answer) = oneshot::channel();
            self.requests.send(request(reply)).await.unwrap();
            answer.await.unwrap().unwrap()
        }

        pub(super) async fn finish(self) -> (Vec<wire::Row>, String) {
            let query = wire::Query { period: Some("2d".into()), ..wire::Query::default() };
            let report = self.ask(|reply| Request::Report(query, reply)).await;
            let pipe = self.ask(|reply| Request::Spans("2d".into(), reply)).await;
            let mut spans = String::new();
            std::fs::File::from(pipe).read_to_string(&mut spans).unwrap();
            self.stop.send(()).unwrap();
            self.hub.await.unwrap().unwrap();
            self.vault.join().unwrap();
            (report.rows, spans)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_refuses_what_it_must() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    let daemon = Daemon::start(&bus, data.path()).await;
    let client = bus.connect().await;
    let door = IntakeProxy::builder(&client).cache_properties(CacheProperties::No).build().await.unwrap();
    let future = Sample::new(clock::now().boot + Millis::from_mins(10), Fact::Active);
    let refused = door.submit(vec![intake::to_wire(&future)]).await.unwrap_err().into_failure().unwrap();
    assert_eq!(refused.kind, dwell_bus::Kind::Invalid);
    let many = vec![intake::to_wire(&Sample::new(Boot::from_ms(1), Fact::Active)); 1025];
    assert_eq!(door.submit(many).await.unwrap_err().into_failure().unwrap().kind, dwell_bus::Kind::Invalid);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aliases_terminals_and_categories_hold_everywhere() {
    let (bus, data) = (Bus::start(), tempfile::tempdir().unwrap());
    desktop_file(data.path(), "org.example.App", "Categories=Network;WebBrowser;");
    desktop_file(data.path(), "foot", "Categories=System;TerminalEmulator;");
    let config = data.path().join("config.toml");
    std::fs::write(&config, "[aliases]\n\"crx_*\" = \"org.example.App\"\nxterm = \"foot\"\n").unwrap();
    let daemon = Daemon::start(&bus, data.path()).await;
    let client = bus.connect().await;
    let door = IntakeProxy::builder(&client).cache_properties(CacheProperties::No).build().await.unwrap();
    let own = own(&client).await;
    let focus = async |app: &str| {
        let fact = Fact::Focus(Some(AppId::new(app).unwrap()));
        door.submit(vec![intake::to_wire(&Sample::new(clock::now().boot, fact))]).await.unwrap();
        let mut pace = BootDeadline::new().unwrap();
        pace.arm(Some(clock::now().boot + Millis::from_ms(100))).unwrap();
        pace.due().await.unwrap();
        let active = own.status().await.unwrap().active.unwrap();
        (active.app, active.name)
    };
    let is = |app: &str, name: &str| (app.to_owned(), name.to_owned());
    assert_eq!(focus("crx_abc").await, is("org.example.App", "org.example.App!"));
    assert_eq!(focus("xterm/vim").await, is("foot/vim", "vim in foot!"));
    assert_eq!(focus("foot").await, is("foot", "foot!"));

    // A limit that is set on what is counted as another program holds for that one, and says so.
    let limit = own.set_limit("app:crx_1", 3_600_000, wire::LimitOptions::default()).await.unwrap();
    assert_eq!((limit.target.as_str(), limit.alias.as_deref()), ("app:org.example.App", Some("app:crx_1")));
    assert!(limit.used_ms >= 100, "{limit:?}");
    assert_eq!(own.check("app:crx_2").await.unwrap().target, "app:org.example.App");
    // A limit on a terminal counts what runs in it; one on a program in it does not count the terminal.
    let limit = |target: &'static str| own.set_limit(target, 3_600_000, wire::LimitOptions::default());
    let (foot, vim) = (limit("app:foot").await.unwrap(), limit("vim").await.unwrap());
    assert_eq!((vim.target.as_str(), vim.id.as_str()), ("app:foot/vim", "foot-vim"));
    assert!(vim.used_ms >= 100 && foot.used_ms >= vim.used_ms + 100, "{foot:?} {vim:?}");
    let applying = own.why("app:foot/vim").await.unwrap().rules;
    assert_eq!(applying.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["foot", "foot-vim"]);

    // Each program has its row, and all of them make the total.
    let (rows, spans) = ledger(&own).await;
    let row = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(row("org.example.App").category.as_deref(), Some("browser"));
    assert_eq!(row("foot/vim").category.as_deref(), Some("terminal"));
    let status = own.status().await.unwrap();
    assert!(status.total_ms.abs_diff(status.top.iter().map(|row| row.ms).sum()) == 0, "{status:?}");
    let span: lines::Span =
        spans.lines().find(|line| line.contains("foot/vim")).map(serde_json::from_str).unwrap().unwrap();
    assert_eq!((span.name.as_deref(), span.category.as_deref()), (Some("vim in foot!"), Some("terminal")));
    let query = |by: &str, only: Option<&str>| wire::Query {
        by: Some(by.into()),
        only: only.map(|only| vec![only.to_owned()]),
        ..wire::Query::default()
    };
    let keys = async |query| {
        own.report(query).await.unwrap().rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
    };
    let mut categories = keys(query("category", None)).await;
    categories.sort();
    assert_eq!(categories, ["browser", "terminal"]);
    assert_eq!(keys(query("app", Some("category:browser"))).await, ["org.example.App"]);
    let mut foot = keys(query("app", Some("app:foot"))).await;
    foot.sort();
    assert_eq!(foot, ["foot", "foot/vim"]);

    // A limit from before an alias is told of: it will never count.
    let quiet = own.doctor().await.unwrap().iter().all(|part| part.part != "aliases");
    std::fs::write(&config, "[aliases]\n\"org.example.App\" = \"x\"\n").unwrap();
    own.reload().await.unwrap();
    let parts = own.doctor().await.unwrap();
    let part = parts.iter().find(|part| part.part == "aliases").unwrap();
    assert!(quiet && !part.ok && part.fix.as_deref() == Some("dwell limit remove app"), "{part:?}");

    // Other aliases hold at once, for what has focus too.
    std::fs::write(&config, "[aliases]\nfoot = \"kitty\"\n").unwrap();
    own.reload().await.unwrap();
    assert_eq!(own.status().await.unwrap().active.unwrap().app, "kitty");
    daemon.stop().await;
}
