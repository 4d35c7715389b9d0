//! A browser's host, the compositor and the clock, for tests of a daemon on a real bus.

use dwell_bus::IntakeProxy;
use dwell_bus::browser::{Block, Hello, PROTOCOL, State};
use dwell_bus::intake;
use dwell_bus::intake::{BrowserReportStream, BrowserRulesStream};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::{Boot, Millis};
use dwell_daemon::clock;
use dwell_daemon::deadline::BootDeadline;
use futures_util::StreamExt;
use zbus::proxy::CacheProperties;

use super::bed::Bus;

/// A browser's host, and the extension behind it.
pub(crate) struct Host {
    pub(crate) door: IntakeProxy<'static>,
    pub(crate) rules: BrowserRulesStream,
    pub(crate) reports: BrowserReportStream,
    pub(crate) bus: zbus::Connection,
}

impl Host {
    /// On the bus, and not linked yet.
    pub(crate) async fn start(bus: &Bus) -> Self {
        let bus = bus.connect().await;
        let door = IntakeProxy::builder(&bus).cache_properties(CacheProperties::No).build().await.unwrap();
        let rules = door.receive_browser_rules().await.unwrap();
        let reports = door.receive_browser_report().await.unwrap();
        Self { door, rules, reports, bus }
    }

    pub(crate) async fn linked(bus: &Bus, program: &str) -> Self {
        let host = Self::start(bus).await;
        host.door.browser_hello(hello(program)).await.unwrap();
        host
    }

    pub(crate) async fn shows(&self, focused: bool, domain: Option<&str>) {
        self.shows_at(clock::now().boot, focused, domain).await;
    }

    /// As if it had been told then, whatever the machine has to do meanwhile.
    pub(crate) async fn shows_at(&self, at: Boot, focused: bool, domain: Option<&str>) {
        let at_boot_ms = at.as_ms();
        let state = State { at_boot_ms, focused, domain: domain.map(str::to_owned), audible: None };
        self.door.browser_state(state).await.unwrap();
    }

    #[allow(dead_code, reason = "not every test asks for it")]
    pub(crate) async fn blocks(&mut self) -> (u64, Vec<Block>) {
        let signal = self.rules.next().await.expect("the daemon tells what is blocked");
        let told = signal.args().unwrap();
        (*told.generation(), told.blocks().clone())
    }
}

pub(crate) fn hello(program: &str) -> Hello {
    Hello {
        program: program.to_owned(),
        browser: "chromium".to_owned(),
        extension: "0.1.0".to_owned(),
        instance: "0".repeat(32),
        protocol: PROTOCOL,
    }
}

/// The compositor.
pub(crate) struct Screen(pub(crate) IntakeProxy<'static>);

impl Screen {
    pub(crate) async fn of(bus: &zbus::Connection) -> Self {
        Self(IntakeProxy::builder(bus).cache_properties(CacheProperties::No).build().await.unwrap())
    }

    pub(crate) async fn says(&self, fact: Fact) -> Boot {
        let sample = Sample::new(clock::now().boot, fact);
        self.0.submit(vec![intake::to_wire(&sample)]).await.unwrap();
        sample.at
    }

    pub(crate) async fn focus(&self, app: &str) -> Boot {
        self.says(Fact::Focus(Some(AppId::new(app).unwrap()))).await
    }
}

/// Lets time pass, which is what is measured.
pub(crate) async fn holds(ms: u64) {
    let mut pace = BootDeadline::new().unwrap();
    pace.arm(Some(clock::now().boot + Millis::from_ms(ms))).unwrap();
    pace.due().await.unwrap();
}

/// A folder for a daemon that shows no notices.
pub(crate) fn quiet() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), "notifications = false\n").unwrap();
    folder
}
