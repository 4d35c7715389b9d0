//! A daemon on a private bus, that takes its samples from the test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chrono_tz::UTC;
use dwell_bus::{OwnProxy, wire};
use dwell_core::calendar::{Calendar, DayStart};
use dwell_daemon::environment::Environment;
use dwell_daemon::hub::Sensors;
use dwell_daemon::keys::{self, Credentials, SecretService};
use dwell_daemon::record::Record;
use dwell_daemon::roles::user::{Options, run_on};
use dwell_daemon::store::Kept;
use dwell_desktop::Surroundings;
use dwell_vault::{Places, Vault};
use tokio::sync::oneshot;
use zbus::proxy::CacheProperties;

/// A bus of our own, ended with the test.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
    _folder: tempfile::TempDir,
}

impl Bus {
    pub(crate) fn start() -> Self {
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

    pub(crate) async fn connect(&self) -> zbus::Connection {
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
pub(crate) struct Daemon {
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

impl Daemon {
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) async fn start(bus: &Bus, data: &Path) -> Self {
        Self::start_with(bus, data, true).await
    }

    /// `dry_run`: what it would do is printed.
    pub(crate) async fn start_with(bus: &Bus, data: &Path, dry_run: bool) -> Self {
        let session = bus.connect().await;
        let environment = Environment {
            data_dir: data.join("data"),
            config: data.join("config.toml"),
            credentials: Credentials::default(),
            surroundings: Surroundings::new([("XDG_DATA_DIRS", data.join("share").to_str().unwrap())]),
            locale: String::new(),
        };
        let keyrings = SecretService::Unused;
        let options = Options { sensors: Sensors::Intake, dry_run, keyrings };
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

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.done.await.unwrap();
    }
}

pub(crate) async fn own(bus: &zbus::Connection) -> OwnProxy<'static> {
    OwnProxy::builder(bus).cache_properties(CacheProperties::No).build().await.unwrap()
}

/// Everything that a report and the timeline say.
#[allow(dead_code, reason = "not every test asks for it")]
pub(crate) async fn ledger(own: &OwnProxy<'_>) -> (Vec<wire::Row>, String) {
    let report =
        own.report(wire::Query { period: Some("2d".into()), ..wire::Query::default() }).await.unwrap();
    let mut spans = String::new();
    let pipe = own.spans("2d").await.unwrap();
    std::fs::File::from(std::os::fd::OwnedFd::from(pipe)).read_to_string(&mut spans).unwrap();
    (report.rows, spans)
}

/// The vault of a daemon that has stopped, and what it keeps.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) async fn record(bus: &Bus, data: &Path) -> (Box<Vault>, Record) {
    let places = Places::new(data.join("data"));
    let calendar = Calendar::new(UTC, DayStart::default());
    let (credentials, session) = (Credentials::default(), bus.connect().await);
    let opening =
        keys::open(&places, &credentials, SecretService::Unused, &session, &calendar).await.unwrap();
    let Kept::Open(vault) = opening.kept else { unreachable!("it opens") };
    let record = Record::from_bytes(&vault.enforcement().unwrap().unwrap()).unwrap();
    (Box::new(vault), record)
}

/// A folder of a daemon whose record says that.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) async fn left(bus: &Bus, change: impl FnOnce(&mut Record)) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("config.toml"), "notifications = false\n").unwrap();
    Daemon::start(bus, data.path()).await.stop().await;
    let (mut vault, mut record) = record(bus, data.path()).await;
    change(&mut record);
    vault.put_enforcement(&record.to_bytes()).unwrap();
    vault.close();
    data
}
