//! Letting programs run again where the person's systemd comes after the daemon: a systemd of our own, on a private bus.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[allow(dead_code, reason = "not all of it is needed")]
mod bed;

use bed::{Bus, Daemon, left, own, record};
use dwell_bus::{IntakeProxy, intake, wire};
use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::{AppId, Subject};
use dwell_core::time::Millis;
use dwell_daemon::clock;
use dwell_daemon::enforcement::Freezer;
use dwell_daemon::record::{HeldBack, Text};
use dwell_desktop::freezer::Unit;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::zvariant::OwnedObjectPath;

struct Manager(mpsc::UnboundedSender<String>);

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn get_unit(&self, _name: &str) -> OwnedObjectPath {
        OwnedObjectPath::try_from("/unit").unwrap()
    }

    fn thaw_unit(&self, name: &str) {
        self.0.send(name.to_owned()).unwrap();
    }
}

struct Frozen;

#[zbus::interface(name = "org.freedesktop.systemd1.Unit")]
impl Frozen {
    #[zbus(property)]
    fn freezer_state(&self) -> &str {
        "frozen"
    }
}

/// Puts a systemd on the bus; says what it thaws.
async fn systemd(bus: &Bus) -> (zbus::Connection, mpsc::UnboundedReceiver<String>) {
    let (told, thawed) = mpsc::unbounded_channel();
    let systemd = bus.connect().await;
    systemd.object_server().at("/org/freedesktop/systemd1", Manager(told)).await.unwrap();
    systemd.object_server().at("/unit", Frozen).await.unwrap();
    dwell_bus::serve::listening(&systemd).await.unwrap();
    systemd.request_name("org.freedesktop.systemd1").await.unwrap();
    (systemd, thawed)
}

fn frozen(app: &str, unit: &str) -> HeldBack {
    let subject = Subject::app(AppId::new(app).unwrap());
    HeldBack { subject, category: None, frozen: vec![Text(unit.to_owned())], unseen: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_systemd_asks_once_more() {
    let bus = Bus::start();
    let freezer = Freezer::new(bus.connect().await);
    let unit = Unit::new("app-game.scope".to_owned()).unwrap();
    // Nobody is there.
    assert_eq!(freezer.thaw(vec![unit.clone()]).await.waiting, std::slice::from_ref(&unit));
    freezer.thaw_within(vec![unit.clone()], Millis::ZERO).await;
    let waits = async { freezer.thaw_within(vec![unit], Millis::from_mins(10)).await };
    let ((), (_systemd, mut thawed)) = tokio::join!(waits, systemd(&bus));
    assert_eq!(thawed.try_recv().as_deref(), Ok("app-game.scope"), "it was awaited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_frozen_stays_noted_until_it_runs_again() {
    let bus = Bus::start();
    let data = left(&bus, |record| record.held_back = vec![frozen("AppA", "a.scope")]).await;
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    own(&bus.connect().await).await.list_limits().await.unwrap();
    // Nothing blocks it, and nobody is there to thaw it.
    daemon.stop().await;
    let (vault, kept) = record(&bus, data.path()).await;
    vault.close();
    assert_eq!((kept.held_back, kept.thawing), (vec![], vec![frozen("AppA", "a.scope")]));

    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let (_systemd, mut thawed) = systemd(&bus).await;
    assert_eq!(thawed.recv().await.as_deref(), Some("a.scope"));
    daemon.stop().await;
    let (vault, kept) = record(&bus, data.path()).await;
    vault.close();
    assert_eq!((kept.held_back, kept.thawing), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_blocked_again_meanwhile_is_not_thawed() {
    let bus = Bus::start();
    let both = vec![frozen("AppA", "a.scope"), frozen("AppB", "b.scope")];
    let data = left(&bus, |record| record.thawing = both).await;
    let daemon = Daemon::start_with(&bus, data.path(), false).await;
    let client = bus.connect().await;
    let (own, screen) = (own(&client).await, IntakeProxy::new(&client).await.unwrap());
    let mut changes = own.receive_changed().await.unwrap();
    let freeze = wire::LimitOptions { at_limit: Some("freeze".to_owned()), ..wire::LimitOptions::default() };
    own.set_limit("app:AppA", 0, freeze).await.unwrap();
    // Orders are carried out one after the other: both were tried by now.
    changes.next().await.unwrap();
    let sample = Sample::new(clock::now().boot, Fact::Focus(Some(AppId::new("AppA").unwrap())));
    screen.submit(vec![intake::to_wire(&sample)]).await.unwrap();
    assert_eq!(own.check("app:AppA").await.unwrap().verdict, "blocked");
    let (_systemd, mut thawed) = systemd(&bus).await;
    assert_eq!(thawed.recv().await.as_deref(), Some("b.scope"), "and not what is blocked");
    // When it stops, it gives everything back.
    daemon.stop().await;
    assert_eq!(thawed.recv().await.as_deref(), Some("a.scope"));
}
