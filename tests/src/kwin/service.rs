//! What KWin talks to in a bed: the object that the bed's scripts tell what they see, and a logind of KWin's own, whose
//! `Unlock` unlocks the screen without a password.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{Fd, ObjectPath};

use crate::bell::Bell;
use crate::bus::PrivateBus;
use crate::clock::{Deadline, Stamp};
use crate::observer::{Feed, Observer};
use crate::place::Place;

const SESSION: &str = "/org/freedesktop/login1/session/auto";

/// The service, on a thread of its own.
#[derive(Debug)]
pub(super) struct Service {
    told: Arc<Mutex<Told>>,
    changed: Bell,
    /// Its name on the session bus.
    name: String,
    unlocks: Option<UnboundedSender<()>>,
    thread: Option<JoinHandle<()>>,
    logind: PrivateBus,
}

/// What KWin has told last, and who else wants to know.
#[derive(Debug, Default)]
struct Told {
    state: Value,
    feeds: Vec<Feed>,
}

impl Service {
    pub(super) fn start(place: &Place) -> Self {
        let logind = PrivateBus::start(place, "kwin-system");
        let told = Arc::new(Mutex::new(Told::default()));
        let changed = Bell::default();
        let (unlocks, asked) = unbounded_channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let watch = Watch { told: Arc::clone(&told), changed: changed.clone() };
        let (session, system) = (place.bus_address("session"), logind.address().to_owned());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
            runtime.expect("a runtime").block_on(serve(&session, &system, watch, asked, &ready));
        });
        let name = is_ready.recv_timeout(Deadline::seconds(10).left()).expect("the service on the bus");
        Service { told, changed, name, unlocks: Some(unlocks), thread: Some(thread), logind }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn logind_address(&self) -> &str {
        self.logind.address()
    }

    pub(super) fn changed(&self) -> &Bell {
        &self.changed
    }

    /// Tells KWin to unlock, as `loginctl unlock-session` does.
    pub(super) fn unlock(&self) {
        self.unlocks.as_ref().expect("a running service").send(()).expect("a running service");
    }

    /// Forgets what was told: another KWin will tell.
    pub(super) fn forget(&self) {
        self.lock().state = Value::Null;
    }

    pub(super) fn has_told(&self) -> bool {
        !self.lock().state.is_null()
    }

    /// The process that has focus.
    pub(super) fn active(&self) -> Option<u32> {
        self.lock().state["active"]["pid"].as_u64().and_then(|pid| pid.try_into().ok())
    }

    /// Whether the window of a process is minimised; none when it has no window.
    pub(super) fn minimised(&self, pid: u32) -> Option<bool> {
        let told = self.lock();
        let windows = told.state["windows"].as_array()?;
        windows.iter().find(|window| window["pid"] == pid)?["minimized"].as_bool()
    }

    /// An observer that is told from now on, and what is so now.
    pub(super) fn observe(&self) -> Observer {
        let (observer, feed) = Observer::fed();
        let mut told = self.lock();
        feed.tell(Stamp::now(), active_app(&told.state));
        told.feeds.push(feed);
        observer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.unlocks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn active_app(state: &Value) -> Option<String> {
    state["active"]["app"].as_str().map(str::to_owned)
}

async fn serve(
    session: &str,
    system: &str,
    watch: Watch,
    mut unlocks: UnboundedReceiver<()>,
    ready: &std::sync::mpsc::Sender<String>,
) {
    let session = zbus::connection::Builder::address(session)
        .and_then(|builder| builder.serve_at("/watch", watch))
        .expect("an object for KWin's scripts");
    let session = session.build().await.expect("the session bus");
    let system = zbus::connection::Builder::address(system)
        .and_then(|builder| builder.serve_at("/org/freedesktop/login1", Manager))
        .and_then(|builder| builder.serve_at(SESSION, Session))
        .and_then(|builder| builder.name("org.freedesktop.login1"))
        .expect("a logind for KWin");
    let system = system.build().await.expect("KWin's system bus");
    let _ = ready.send(session.unique_name().map(ToString::to_string).unwrap_or_default());
    while unlocks.recv().await.is_some() {
        let Ok(emitter) = SignalEmitter::new(&system, SESSION) else { return };
        let _ = Session::unlock(&emitter).await;
    }
}

struct Watch {
    told: Arc<Mutex<Told>>,
    changed: Bell,
}

#[zbus::interface(name = "org.dwell.tests.Watch", spawn = false)]
impl Watch {
    fn tell(&self, state: &str) {
        let at = Stamp::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.state = serde_json::from_str(state).expect("KWin tells JSON");
        let app = active_app(&told.state);
        for feed in &told.feeds {
            feed.tell(at, app.clone());
        }
        drop(told);
        self.changed.ring();
    }
}

struct Manager;

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    fn get_session(&self, _id: &str) -> ObjectPath<'static> {
        ObjectPath::from_static_str_unchecked(SESSION)
    }

    fn inhibit(&self, _what: &str, _who: &str, _why: &str, _mode: &str) -> zbus::fdo::Result<Fd<'static>> {
        let null = std::fs::File::open("/dev/null");
        let null = null.map_err(|error| zbus::fdo::Error::Failed(error.to_string()))?;
        Ok(Fd::from(OwnedFd::from(null)))
    }
}

struct Session;

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl Session {
    fn set_locked_hint(&self, _locked: bool) {}

    #[zbus(property)]
    fn locked_hint(&self) -> bool {
        false
    }

    #[zbus(signal)]
    async fn unlock(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}
