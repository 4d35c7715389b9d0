//! A bus, and a daemon on it of which a test is the hub.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use dwell_bus::browser::{Block, Hello, State, Wishes};
use dwell_bus::{BrowserRequest, Intake, NAME, Own, PATH, Reply, Request};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::names::OwnedUniqueName;
use zbus::object_server::SignalEmitter;

/// A test that waits longer has failed; on a slow machine everything comes much earlier.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bus of our own, ended with the test.
pub(crate) struct Bus {
    process: Child,
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

impl Bus {
    /// A bus where dwell's name is activatable, by a program that leaves a mark.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let services = folder.path().join("services");
        std::fs::create_dir(&services).unwrap();
        let service = format!("[D-BUS Service]\nName={NAME}\nExec=/bin/touch {path}/started\n");
        std::fs::write(services.join("dwell.service"), service).unwrap();
        let config = folder.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{path}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
        );
        std::fs::write(&config, text).unwrap();
        let mut process = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need dbus-daemon");
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "the bus did not start");
        Self { process, address: address.trim().to_owned(), folder }
    }

    /// Whether somebody had the daemon started.
    pub(crate) fn started_it(&self) -> bool {
        self.folder.path().join("started").exists()
    }

    /// Ends the bus under everybody.
    pub(crate) fn end(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the daemon sends to a host.
pub(crate) enum Signal {
    Rules(u64, Vec<Block>),
    Report,
}

/// Someone on the bus who serves dwell's contract, with dwell's name or without. Leaves the bus when dropped.
pub(crate) struct Daemon {
    requests: Receiver<Request>,
    signals: Option<UnboundedSender<(OwnedUniqueName, Signal)>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Takes dwell's name; returns once it has it.
    pub(crate) fn start(bus: &Bus) -> Self {
        Self::named(bus, true)
    }

    /// Somebody else on the same bus.
    pub(crate) fn impostor(bus: &Bus) -> Self {
        Self::named(bus, false)
    }

    fn named(bus: &Bus, named: bool) -> Self {
        let address = bus.address.clone();
        let (tell, ready) = channel();
        let (pass, requests) = channel();
        let (signals, wanted) = unbounded_channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(&address, named, &tell, &pass, wanted));
        });
        ready.recv().expect("the daemon did not start");
        Self { requests, signals: Some(signals), thread: Some(thread) }
    }

    /// Sends a signal to a host.
    pub(crate) fn send(&self, host: &OwnedUniqueName, signal: Signal) {
        self.signals.as_ref().unwrap().send((host.clone(), signal)).unwrap();
    }

    /// The next thing that is asked.
    pub(crate) fn asked(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("nothing was asked")
    }

    /// The next thing asked, which must be about browsers.
    fn browser(&self) -> BrowserRequest {
        match self.asked() {
            Request::Browser(request) => request,
            _ => panic!("a question came first"),
        }
    }

    /// The greeting that must come next.
    pub(crate) fn hello(&self) -> (OwnedUniqueName, Hello, Reply<Wishes>) {
        match self.browser() {
            BrowserRequest::Hello(host, hello, reply) => (host, hello, reply),
            _ => panic!("no greeting"),
        }
    }

    /// Takes the greeting that must come next.
    pub(crate) fn link(&self) -> OwnedUniqueName {
        let (host, _, reply) = self.hello();
        reply.send(Ok(Wishes::default())).unwrap();
        host
    }

    /// The state that must come next.
    pub(crate) fn state(&self) -> (State, Reply<()>) {
        match self.browser() {
            BrowserRequest::State(_, state, reply) => (state, reply),
            _ => panic!("no state"),
        }
    }

    /// The confirmation that must come next, taken.
    pub(crate) fn applied(&self) -> (u64, Option<String>) {
        match self.browser() {
            BrowserRequest::Applied(_, generation, problem, reply) => {
                reply.send(Ok(())).unwrap();
                (generation, problem)
            }
            _ => panic!("no confirmation"),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.signals.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    address: &str,
    named: bool,
    tell: &Sender<()>,
    pass: &Sender<Request>,
    mut wanted: UnboundedReceiver<(OwnedUniqueName, Signal)>,
) {
    let (hub, mut requests) = tokio::sync::mpsc::channel(64);
    let builder = zbus::connection::Builder::address(address).unwrap();
    let builder = builder.serve_at(PATH, Own::new(hub.clone())).unwrap();
    let builder = builder.serve_at(PATH, Intake::new(hub)).unwrap();
    let builder = if named { builder.name(NAME).unwrap() } else { builder };
    let connection = builder.build().await.unwrap();
    tell.send(()).unwrap();
    loop {
        tokio::select! {
            Some(request) = requests.recv() => {
                let _ = pass.send(request);
            }
            signal = wanted.recv() => {
                let Some((host, signal)) = signal else { return };
                let emitter = SignalEmitter::new(&connection, PATH).unwrap().set_destination(host.into());
                match signal {
                    Signal::Rules(generation, blocks) => Intake::browser_rules(&emitter, generation, blocks).await,
                    Signal::Report => Intake::browser_report(&emitter).await,
                }
                .unwrap();
            }
        }
    }
}
