//! Whose word counts for a lock, for sleep and for the session in front: logind's and the screen savers' own, and no
//! silence of theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]
#![allow(missing_docs, reason = "zbus makes public items of the stand-ins' signals")]

mod bed;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bed::{Bed, Sensors, block_on, can_run, connect};
use dwell_core::sample::Fact;
use dwell_desktop::{Buses, Notice, Surroundings};
use zbus::Connection;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, Value};

const LONG: u64 = 180_000;
const LOGIND: &str = "org.freedesktop.login1";
const PATH: &str = "/org/freedesktop/login1";
/// A signal to everybody is to nobody in particular.
const NOBODY: Option<&str> = None;

/// logind with several sessions, all of this user. It can hang.
#[derive(Clone, Default)]
struct Manager {
    ids: Arc<Mutex<Vec<String>>>,
    hangs: Arc<AtomicBool>,
}

fn path_of(id: &str) -> OwnedObjectPath {
    ObjectPath::try_from(format!("{PATH}/session/{id}")).unwrap().into()
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    async fn get_session(&self, id: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        if self.hangs.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        let known = self.ids.lock().unwrap().iter().any(|known| known == id);
        if known { Ok(path_of(id)) } else { Err(zbus::fdo::Error::Failed("no such session".into())) }
    }

    fn list_sessions(&self) -> Vec<(String, u32, String, String, OwnedObjectPath)> {
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        let ids = self.ids.lock().unwrap();
        ids.iter().map(|id| (id.clone(), uid, "user".into(), String::new(), path_of(id))).collect()
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
    #[zbus(signal)]
    async fn session_new(emitter: &SignalEmitter<'_>, id: &str, path: OwnedObjectPath) -> zbus::Result<()>;
    #[zbus(signal)]
    async fn session_removed(
        emitter: &SignalEmitter<'_>,
        id: &str,
        path: OwnedObjectPath,
    ) -> zbus::Result<()>;
}

struct Session {
    kind: &'static str,
    active: bool,
    locked: bool,
}

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property, name = "Type")]
    fn kind(&self) -> &str {
        self.kind
    }
    #[zbus(property)]
    fn class(&self) -> &str {
        "user"
    }
    #[zbus(property)]
    fn state(&self) -> &str {
        if self.active { "active" } else { "online" }
    }
    #[zbus(property)]
    fn active(&self) -> bool {
        self.active
    }
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.locked
    }
}

/// A bus with a logind, and the sensors' own connection to it.
struct Logind {
    server: Connection,
    client: Connection,
    manager: Manager,
}

impl Logind {
    async fn start(bed: &mut Bed) -> Self {
        let server = bed.bus().await;
        let manager = Manager::default();
        server.object_server().at(PATH, manager.clone()).await.unwrap();
        server.request_name(LOGIND).await.unwrap();
        Self { client: another(bed).await, server, manager }
    }

    fn emitter(&self) -> SignalEmitter<'_> {
        SignalEmitter::new(&self.server, PATH).unwrap()
    }

    async fn add(&self, id: &str, kind: &'static str, active: bool, locked: bool) {
        let session = Session { kind, active, locked };
        self.server.object_server().at(path_of(id), session).await.unwrap();
        self.manager.ids.lock().unwrap().push(id.to_owned());
        Manager::session_new(&self.emitter(), id, path_of(id)).await.unwrap();
    }

    async fn remove(&self, id: &str) {
        self.manager.ids.lock().unwrap().retain(|other| other != id);
        self.server.object_server().remove::<Session, _>(path_of(id)).await.unwrap();
        Manager::session_removed(&self.emitter(), id, path_of(id)).await.unwrap();
    }

    async fn change(&self, id: &str, change: impl FnOnce(&mut Session)) {
        let session = self.server.object_server().interface::<_, Session>(path_of(id)).await.unwrap();
        let mut inner = session.get_mut().await;
        change(&mut inner);
        inner.locked_hint_changed(session.signal_emitter()).await.unwrap();
        inner.active_changed(session.signal_emitter()).await.unwrap();
    }

    /// Tells that the seat has another session in front.
    async fn switch(&self) {
        let changed = HashMap::from([("ActiveSession", Value::from(("b", path_of("b"))))]);
        let body = ("org.freedesktop.login1.Seat", changed, Vec::<String>::new());
        let interface = "org.freedesktop.DBus.Properties";
        let seat = format!("{PATH}/seat/seat0");
        self.server.emit_signal(NOBODY, seat, interface, "PropertiesChanged", &body).await.unwrap();
    }

    fn buses(&self) -> Buses {
        Buses { system: Some(self.client.clone()), session: None }
    }
}

async fn another(bed: &Bed) -> Connection {
    connect(&format!("unix:path={}", bed.path("bus").display())).await
}

/// The next fact of the session that is said, whatever it is.
async fn next_fact(sensors: &mut Sensors) -> Fact {
    let is = |fact: &Fact| matches!(fact, Fact::Locked(_) | Fact::SessionActive(_) | Fact::Asleep(_));
    match sensors.until("any", |notice| matches!(notice, Notice::Sample(sample) if is(&sample.fact))).await {
        Notice::Sample(sample) => sample.fact,
        _ => unreachable!("a fact was waited for"),
    }
}

/// Sends a signal to everybody, and straight to one connection, until the bus has passed both on.
async fn forge<B>(forger: &Connection, to: &Connection, path: &str, interface: &str, member: &str, body: &B)
where
    B: serde::Serialize + DynamicType,
{
    let to = to.unique_name().unwrap().as_str();
    for to in [NOBODY, Some(to)] {
        forger.emit_signal(to, path, interface, member, body).await.unwrap();
    }
    let bus = zbus::fdo::DBusProxy::new(forger).await.unwrap();
    bus.get_id().await.unwrap();
}

#[test]
fn what_another_says_in_the_name_of_logind_changes_nothing() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let logind = Logind::start(&mut bed).await;
        logind.add("2", "wayland", true, false).await;
        let mut sensors = Sensors::start(&bed, LONG, logind.buses());
        sensors.health("lock", true).await;

        let (forger, to) = (another(&bed).await, &logind.client);
        let manager = "org.freedesktop.login1.Manager";
        forge(&forger, to, PATH, manager, "PrepareForSleep", &true).await;
        // What follows it in the same queue is the next that is said.
        Manager::prepare_for_sleep(&logind.emitter(), false).await.unwrap();
        assert_eq!(next_fact(&mut sensors).await, Fact::Asleep(false));

        let session = path_of("2");
        forge(&forger, to, session.as_str(), "org.freedesktop.login1.Session", "Lock", &()).await;
        logind.change("2", |session| session.active = false).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::SessionActive(false));
    });
}

#[test]
fn a_logind_that_is_away_or_hangs_unlocks_nothing() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let logind = Logind::start(&mut bed).await;
        logind.add("2", "wayland", false, true).await;
        let around = Surroundings::new([("XDG_SESSION_ID", "2")]);
        let mut sensors = Sensors::start_in(around, LONG, logind.buses());
        sensors.health("lock", true).await;

        logind.server.release_name(LOGIND).await.unwrap();
        let said = sensors.health("session", false).await;
        assert_eq!(said.message, "logind does not answer, so what it said last holds");
        logind.server.request_name(LOGIND).await.unwrap();
        sensors.health("session", true).await;

        logind.manager.hangs.store(true, SeqCst);
        sensors.desktop.reattach(Surroundings::new([("XDG_SESSION_ID", "2"), ("LANG", "C")]));
        sensors.health("session", false).await;
        logind.manager.hangs.store(false, SeqCst);
        // It is asked again by and by.
        sensors.health("session", true).await;

        assert_eq!((sensors.count("Locked(false)"), sensors.count("SessionActive(true)")), (0, 0));
        logind.change("2", |session| session.locked = false).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(false));
    });
}

#[test]
fn a_session_with_a_display_is_preferred_and_of_two_the_active_one() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let logind = Logind::start(&mut bed).await;
        logind.add("ssh", "tty", true, false).await;
        let around = Surroundings::new([("XDG_SESSION_ID", "ssh")]);
        let mut sensors = Sensors::start_in(around, LONG, logind.buses());
        sensors.health("lock", true).await;

        logind.add("a", "wayland", true, true).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(true), "the desktop that was logged in to");

        // Another desktop of the same person comes to the front.
        logind.add("b", "x11", false, false).await;
        logind.change("a", |session| session.active = false).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::SessionActive(false));
        logind.change("b", |session| session.active = true).await;
        logind.switch().await;
        sensors.fact("in front again", |fact| *fact == Fact::SessionActive(true)).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(false));

        logind.remove("b").await;
        assert_eq!(next_fact(&mut sensors).await, Fact::SessionActive(false), "the first one is left");
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(true));
    });
}

/// GNOME Shell's part as a screen saver, or its helper's.
struct Shell {
    active: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.gnome.ScreenSaver")]
impl Shell {
    fn get_active(&self) -> bool {
        self.active.load(SeqCst)
    }
}

struct Mate;

#[zbus::interface(name = "org.mate.ScreenSaver")]
impl Mate {
    fn get_active(&self) -> bool {
        false
    }
}

/// A screen saver that is asked in vain.
struct Hung;

#[zbus::interface(name = "org.freedesktop.ScreenSaver")]
impl Hung {
    async fn get_active(&self) -> bool {
        std::future::pending().await
    }
}

async fn emit(saver: &Connection, path: &str, interface: &str, active: bool) {
    saver.emit_signal(NOBODY, path, interface, "ActiveChanged", &active).await.unwrap();
}

#[test]
fn each_screen_saver_speaks_for_itself_and_nobody_for_another() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    const PATH: &str = "/org/gnome/ScreenSaver";
    const GNOME: &str = "org.gnome.ScreenSaver";
    const XFCE: &str = "org.xfce.ScreenSaver";
    block_on(async {
        let mut bed = Bed::new();
        let shell = bed.bus().await;
        let (helper, other, forger) = (another(&bed).await, another(&bed).await, another(&bed).await);
        let active = Arc::new(AtomicBool::new(false));
        for server in [&shell, &helper] {
            server.object_server().at(PATH, Shell { active: Arc::clone(&active) }).await.unwrap();
        }
        shell.request_name("org.gnome.Shell").await.unwrap();
        helper.request_name(GNOME).await.unwrap();
        other.request_name(XFCE).await.unwrap();
        let session = another(&bed).await;
        let buses = Buses { session: Some(session.clone()), system: None };
        let mut sensors = Sensors::start(&bed, LONG, buses);
        assert_eq!(next_fact(&mut sensors).await, Fact::Asleep(false));
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(false));
        assert_eq!(next_fact(&mut sensors).await, Fact::SessionActive(true));

        // Who has the name of another screen saver may not speak for this one, either.
        for liar in [&forger, &other] {
            forge(liar, &session, PATH, GNOME, "ActiveChanged", &true).await;
        }
        emit(&shell, PATH, GNOME, false).await;
        emit(&other, "/", XFCE, true).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(true));
        emit(&other, "/", XFCE, false).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(false));

        // Both cover the screen: the end of one is not the end of the other, nor is that of GNOME's helper.
        active.store(true, SeqCst);
        emit(&shell, PATH, GNOME, true).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(true));
        emit(&other, "/", XFCE, true).await;
        emit(&other, "/", XFCE, false).await;
        forge(&forger, &session, PATH, GNOME, "ActiveChanged", &false).await;
        helper.release_name(GNOME).await.unwrap();
        // One that comes after all of this is named after all of this.
        other.object_server().at("/org/mate/ScreenSaver", Mate).await.unwrap();
        other.request_name("org.mate.ScreenSaver").await.unwrap();
        let named = "only org.gnome.ScreenSaver and org.mate.ScreenSaver tells when the screen is locked";
        let is = |notice: &Notice| matches!(notice, Notice::Health(health) if health.message == named);
        sensors.until("both are named", is).await;
        assert_eq!(sensors.count("Locked(false)"), 2, "at first, and when Xfce's had ended");
        active.store(false, SeqCst);
        emit(&shell, PATH, GNOME, false).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(false));
    });
}

#[test]
fn a_screen_saver_that_hangs_is_no_unlocked_screen() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    const PATH: &str = "/org/freedesktop/ScreenSaver";
    const NAME: &str = "org.freedesktop.ScreenSaver";
    block_on(async {
        let mut bed = Bed::new();
        let (hung, gnome) = (bed.bus().await, another(&bed).await);
        hung.object_server().at(PATH, Hung).await.unwrap();
        hung.request_name(NAME).await.unwrap();
        let active = Arc::new(AtomicBool::new(true));
        gnome
            .object_server()
            .at("/org/gnome/ScreenSaver", Shell { active: Arc::clone(&active) })
            .await
            .unwrap();
        let buses = Buses { session: Some(another(&bed).await), system: None };
        let mut sensors = Sensors::start(&bed, LONG, buses);
        sensors.health("lock", false).await;
        // KDE's tells at this path, too.
        emit(&hung, "/ScreenSaver", NAME, true).await;
        sensors.fact("its cover", |fact| *fact == Fact::Locked(true)).await;

        // The one that comes is heard although another one hangs.
        gnome.request_name("org.gnome.ScreenSaver").await.unwrap();
        let said = sensors.health("lock", false).await;
        assert_eq!(said.message, "only org.gnome.ScreenSaver tells when the screen is locked");
        active.store(false, SeqCst);
        gnome.release_name("org.gnome.ScreenSaver").await.unwrap();
        assert!(sensors.health("lock", false).await.message.starts_with("nothing tells"));
        emit(&hung, PATH, NAME, false).await;
        assert_eq!(next_fact(&mut sensors).await, Fact::Locked(false));
        assert_eq!(sensors.count("Locked(false)"), 2, "at first and at last");
    });
}
