//! What comes over the message buses: a stand-in for logind and others on a private bus, seen by the real code.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]
#![allow(missing_docs, reason = "zbus makes public items of the stand-ins' signals")]

mod bed;

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bed::{Bed, Sensors, block_on, can_run, connect, now};
use dwell_core::sample::Fact;
use dwell_core::time::Millis;
use dwell_desktop::{Buses, Surroundings};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedFd, OwnedObjectPath};

const LONG: u64 = 180_000;
const SESSION: &str = "/org/freedesktop/login1/session/_32";

type Inhibitor = (String, String, String, String, u32, u32);

/// logind, as far as the sensors use it.
#[derive(Default)]
struct Manager {
    inhibitors: Arc<Mutex<Vec<Inhibitor>>>,
    /// The other ends of the pipes that are inhibitors.
    delays: Arc<Mutex<Vec<std::io::PipeReader>>>,
}

fn session_path() -> OwnedObjectPath {
    ObjectPath::try_from(SESSION).unwrap().into()
}

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn get_session(&self, id: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        if id == "2" { Ok(session_path()) } else { Err(zbus::fdo::Error::Failed("no such session".into())) }
    }

    #[zbus(name = "GetSessionByPID")]
    fn get_session_by_pid(&self, _pid: u32) -> zbus::fdo::Result<OwnedObjectPath> {
        Err(zbus::fdo::Error::Failed("in no session".into()))
    }

    fn list_sessions(&self) -> Vec<(String, u32, String, String, OwnedObjectPath)> {
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        vec![("2".into(), uid, "user".into(), "seat0".into(), session_path())]
    }

    fn list_inhibitors(&self) -> Vec<Inhibitor> {
        self.inhibitors.lock().unwrap().clone()
    }

    fn inhibit(&self, what: &str, _who: &str, _why: &str, mode: &str) -> OwnedFd {
        assert_eq!((what, mode), ("sleep", "delay"));
        let (reader, writer) = std::io::pipe().unwrap();
        self.delays.lock().unwrap().push(reader);
        writer.as_fd().try_clone_to_owned().unwrap().into()
    }

    #[zbus(property)]
    fn block_inhibited(&self) -> String {
        self.inhibitors.lock().unwrap().iter().map(|inhibitor| inhibitor.0.clone()).collect()
    }

    #[zbus(signal)]
    async fn prepare_for_sleep(emitter: &SignalEmitter<'_>, start: bool) -> zbus::Result<()>;
}

struct Session {
    locked: bool,
    active: bool,
}

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        self.locked
    }
    #[zbus(property)]
    fn active(&self) -> bool {
        self.active
    }
    #[zbus(signal)]
    async fn lock(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
    #[zbus(signal)]
    async fn unlock(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}

/// A bus with a logind, and the sensors' own connection to it.
struct Logind {
    server: zbus::Connection,
    client: zbus::Connection,
    delays: Arc<Mutex<Vec<std::io::PipeReader>>>,
    inhibitors: Arc<Mutex<Vec<Inhibitor>>>,
}

impl Logind {
    async fn start(bed: &mut Bed) -> Self {
        let server = bed.bus().await;
        let manager = Manager::default();
        let (delays, inhibitors) = (Arc::clone(&manager.delays), Arc::clone(&manager.inhibitors));
        server.object_server().at("/org/freedesktop/login1", manager).await.unwrap();
        server.object_server().at(SESSION, Session { locked: false, active: true }).await.unwrap();
        server.request_name("org.freedesktop.login1").await.unwrap();
        let client = connect(&format!("unix:path={}", bed.path("bus").display())).await;
        Self { server, client, delays, inhibitors }
    }

    async fn change(&self, change: impl FnOnce(&mut Session)) {
        let session = self.server.object_server().interface::<_, Session>(SESSION).await.unwrap();
        let mut inner = session.get_mut().await;
        let before = (inner.locked, inner.active);
        change(&mut inner);
        if inner.locked != before.0 {
            inner.locked_hint_changed(session.signal_emitter()).await.unwrap();
        }
        if inner.active != before.1 {
            inner.active_changed(session.signal_emitter()).await.unwrap();
        }
    }

    fn system(&self) -> Buses {
        Buses { system: Some(self.client.clone()), session: None }
    }
}

#[test]
fn logind_tells_of_locks_seats_and_sleep() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        let mut bed = Bed::new();
        let logind = Logind::start(&mut bed).await;
        let mut sensors = Sensors::start(&bed, LONG, logind.system());
        sensors.fact("awake", |fact| *fact == Fact::Asleep(false)).await;
        sensors.fact("in front", |fact| *fact == Fact::SessionActive(true)).await;
        sensors.fact("not locked", |fact| *fact == Fact::Locked(false)).await;
        assert_eq!(sensors.health("session", true).await.backend, "logind");
        sensors.health("lock", true).await;

        for locked in [true, false] {
            logind.change(|session| session.locked = locked).await;
            sensors.fact("the hint", |fact| *fact == Fact::Locked(locked)).await;
        }
        for active in [false, true] {
            logind.change(|session| session.active = active).await;
            sensors.fact("the seat", |fact| *fact == Fact::SessionActive(active)).await;
        }
        let emitter = SignalEmitter::new(&logind.server, SESSION).unwrap();
        Session::lock(&emitter).await.unwrap();
        sensors.fact("the request", |fact| *fact == Fact::Locked(true)).await;
        Session::unlock(&emitter).await.unwrap();
        sensors.fact("its end", |fact| *fact == Fact::Locked(false)).await;
        // A request that nothing confirms lapses: a desktop without a locker is not locked for ever.
        Session::lock(&emitter).await.unwrap();
        let asked = sensors.fact("the request", |fact| *fact == Fact::Locked(true)).await.at;
        let lapsed = sensors.fact("its lapse", |fact| *fact == Fact::Locked(false)).await.at;
        assert!((9_900..12_000).contains(&lapsed.since(asked).unwrap().as_ms()));

        // Sleep is held back until the fact is out.
        let emitter = SignalEmitter::new(&logind.server, "/org/freedesktop/login1").unwrap();
        assert_eq!(logind.delays.lock().unwrap().len(), 1);
        for asleep in [true, false] {
            Manager::prepare_for_sleep(&emitter, asleep).await.unwrap();
            sensors.fact("sleep", |fact| *fact == Fact::Asleep(asleep)).await;
        }
        let mut reader = logind.delays.lock().unwrap().remove(0);
        // The end of the file is the release of the inhibitor.
        assert_eq!(std::io::Read::read(&mut reader, &mut [0; 8]).unwrap(), 0);
        logind.change(|session| session.locked = true).await;
        sensors.fact("the hint", |fact| *fact == Fact::Locked(true)).await;
        assert_eq!(logind.delays.lock().unwrap().len(), 1, "taken again after waking up");

        // logind goes: the session counts as in front, and that is said.
        logind.server.release_name("org.freedesktop.login1").await.unwrap();
        assert!(!sensors.health("session", false).await.message.is_empty());
        logind.server.request_name("org.freedesktop.login1").await.unwrap();
        sensors.health("session", true).await;
    });
}

#[test]
fn without_any_bus_the_session_counts_as_in_front() {
    block_on(async {
        let bed = Bed::new();
        let mut sensors = Sensors::start(&bed, LONG, Buses::default());
        sensors.fact("in front", |fact| *fact == Fact::SessionActive(true)).await;
        sensors.health("session", false).await;
        sensors.health("focus", false).await;
        sensors.health("idle", false).await;
    });
}

/// The power manager's inhibitor, as applications on X11 use it.
struct PowerInhibit {
    inhibits: bool,
}

#[zbus::interface(name = "org.freedesktop.PowerManagement.Inhibit")]
impl PowerInhibit {
    fn has_inhibit(&self) -> bool {
        self.inhibits
    }
    #[zbus(signal)]
    async fn has_inhibit_changed(emitter: &SignalEmitter<'_>, inhibits: bool) -> zbus::Result<()>;
}

#[test]
fn a_film_keeps_the_time_counting() {
    if !can_run(&["Xvfb", "openbox", "xdotool", "dbus-daemon"]) {
        return;
    }
    block_on(async {
        const PATH: &str = "/org/freedesktop/PowerManagement/Inhibit";
        let mut bed = Bed::new();
        bed.xvfb().await;
        bed.openbox().await;
        let logind = Logind::start(&mut bed).await;
        let server = &logind.server;
        server.object_server().at(PATH, PowerInhibit { inhibits: true }).await.unwrap();
        server.request_name("org.freedesktop.PowerManagement").await.unwrap();
        let buses = Buses { session: Some(logind.client.clone()), system: Some(logind.client.clone()) };
        let mut sensors = Sensors::start(&bed, 500, buses);
        sensors.health("lock", true).await;
        sensors.silence(Duration::from_millis(1700)).await;

        // The film ends: idleness begins here, though the last input is long ago.
        let power = server.object_server().interface::<_, PowerInhibit>(PATH).await.unwrap();
        let ends = now();
        power.get_mut().await.inhibits = false;
        PowerInhibit::has_inhibit_changed(power.signal_emitter(), false).await.unwrap();
        let (at, since) = sensors.idle().await;
        let unused = at.since(since).unwrap().as_ms();
        assert!((500..3000).contains(&unused), "{unused}");
        // The last look before the end may be what is known of it; the last input was longer ago.
        assert!(since + Millis::from_ms(1000) > ends, "{since:?} {ends:?}");

        // The same by logind; another user's inhibitor is none of ours. This one is there before the key: half a second
        // after that would be too late.
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        let inhibitor =
            |uid| ("idle".to_owned(), "player".to_owned(), "film".to_owned(), "block".to_owned(), uid, 1);
        *logind.inhibitors.lock().unwrap() = vec![inhibitor(uid)];
        bed.run(&["xdotool", "key", "shift"]).await;
        sensors.active().await;
        sensors.silence(Duration::from_millis(1200)).await;
        *logind.inhibitors.lock().unwrap() = vec![inhibitor(uid + 1)];
        let manager =
            server.object_server().interface::<_, Manager>("/org/freedesktop/login1").await.unwrap();
        manager.get().await.block_inhibited_changed(manager.signal_emitter()).await.unwrap();
        sensors.idle().await;
    });
}

/// The systemd user manager, as far as its environment goes.
struct UserManager {
    environment: Vec<String>,
}

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl UserManager {
    #[zbus(property)]
    fn environment(&self) -> Vec<String> {
        self.environment.clone()
    }
}

#[test]
fn the_user_managers_environment_leads_to_the_display() {
    if !can_run(&["Xvfb", "openbox", "dbus-daemon"]) {
        return;
    }
    block_on(async {
        const PATH: &str = "/org/freedesktop/systemd1";
        let mut bed = Bed::new();
        let server = bed.bus().await;
        server.object_server().at(PATH, UserManager { environment: vec!["LANG=C".into()] }).await.unwrap();
        server.request_name("org.freedesktop.systemd1").await.unwrap();
        let session = connect(&format!("unix:path={}", bed.path("bus").display())).await;
        // Started over ssh: nothing of a display in the environment.
        let runtime = bed.path(".");
        let around = Surroundings::new([("XDG_RUNTIME_DIR", runtime.to_str().unwrap())]);
        let display = bed.xvfb().await;
        bed.openbox().await;
        let mut sensors = Sensors::start_in(around, LONG, Buses { session: Some(session), system: None });
        sensors.health("focus", false).await;
        // Until the attempts of the first seconds are over.
        sensors.rest(Duration::from_secs(4)).await;
        let manager = server.object_server().interface::<_, UserManager>(PATH).await.unwrap();
        manager.get_mut().await.environment =
            vec![format!("DISPLAY={display}"), "XDG_SESSION_TYPE=x11".into()];
        manager.get().await.environment_changed(manager.signal_emitter()).await.unwrap();
        assert_eq!(sensors.health("focus", true).await.backend, "x11");
    });
}

/// A screen saver that covers the screen.
struct Saver;

#[zbus::interface(name = "org.freedesktop.ScreenSaver")]
impl Saver {
    fn get_active(&self) -> bool {
        true
    }
    #[zbus(signal)]
    async fn active_changed(emitter: &SignalEmitter<'_>, active: bool) -> zbus::Result<()>;
}

#[test]
fn a_screen_saver_is_a_lock() {
    if !can_run(&["dbus-daemon"]) {
        return;
    }
    block_on(async {
        const PATH: &str = "/org/freedesktop/ScreenSaver";
        let mut bed = Bed::new();
        let server = bed.bus().await;
        server.object_server().at(PATH, Saver).await.unwrap();
        server.request_name("org.freedesktop.ScreenSaver").await.unwrap();
        let session = connect(&format!("unix:path={}", bed.path("bus").display())).await;
        let mut sensors = Sensors::start(&bed, LONG, Buses { session: Some(session), system: None });
        sensors.fact("locked from the start", |fact| *fact == Fact::Locked(true)).await;
        let emitter = SignalEmitter::new(&server, PATH).unwrap();
        for active in [false, true] {
            Saver::active_changed(&emitter, active).await.unwrap();
            sensors.fact("the saver", |fact| *fact == Fact::Locked(active)).await;
        }
    });
}
