//! The door for outside sensors: the same scripted facts, once in this process and once through `Intake` on a
//! private bus, must make the same ledger. The family mode's agent will come in by that door.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;

use std::io::Read;
use std::path::Path;

use bed::{Bus, Daemon, ledger, own};
use dwell_bus::{IntakeProxy, intake, lines, wire};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::{Boot, Millis};
use dwell_daemon::clock;
use dwell_daemon::deadline::BootDeadline;
use dwell_daemon::hub::Sensors;
use dwell_desktop::Surroundings;
use tokio::sync::oneshot;
use zbus::proxy::CacheProperties;

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
    // "No focus" counts once it has lasted for 50 ms. One that passes sooner may be heard to end too late, and by one of
    // the two only.
    for (_, holds) in script.iter_mut().filter(|(fact, _)| *fact == Fact::Focus(None)) {
        *holds = 70;
    }
    script.push((Fact::Locked(true), 1));
    script
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
    use dwell_core::texts::Texts;
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
            let texts = Texts::new("C");
            let parts = Parts {
                config,
                config_path,
                data_dir,
                sensors,
                store,
                condition,
                orders,
                errands,
                names,
                texts,
            };
            let hub = Hub::new(parts, past).unwrap();
            let (stop, stopped) = oneshot::channel::<()>();
            let (_, acted) = mpsc::unbounded_channel();
            let (_, thaws) = mpsc::unbounded_channel();
            let inputs = Inputs { notices: heard, requests: asked, news, acted, thaws, config_changed };
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
