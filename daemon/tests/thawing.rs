//! Letting programs run again where the person's systemd comes after the daemon: a systemd of our own, on a private bus.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[allow(dead_code, reason = "only its bus is needed")]
mod bed;

use bed::Bus;
use dwell_daemon::enforcement::Freezer;
use dwell_desktop::freezer::Unit;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_frozen_is_thawed_when_systemd_has_come() {
    let bus = Bus::start();
    let freezer = Freezer::new(bus.connect().await);
    let unit = Unit::new("app-game.scope".to_owned()).unwrap();
    // Nobody is there: that is no reason to wait here.
    freezer.thaw(vec![unit]).await;

    let (told, mut thawed) = mpsc::unbounded_channel();
    let systemd = bus.connect().await;
    systemd.object_server().at("/org/freedesktop/systemd1", Manager(told)).await.unwrap();
    systemd.object_server().at("/unit", Frozen).await.unwrap();
    dwell_bus::serve::listening(&systemd).await.unwrap();
    systemd.request_name("org.freedesktop.systemd1").await.unwrap();
    assert_eq!(thawed.recv().await.as_deref(), Some("app-game.scope"));
}
