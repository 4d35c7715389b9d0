//! A notification service on the private bus that records what it is asked to show, and can press the buttons.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use crate::bell::Bell;
use crate::clock::{Deadline, Stamp};

const PATH: &str = "/org/freedesktop/Notifications";

/// One call of `Notify`.
#[derive(Debug, Clone)]
pub struct Notice {
    /// When it arrived.
    pub at: Stamp,
    /// The number that we gave it.
    pub id: u32,
    /// The number of the notice that it takes the place of; zero for none.
    pub replaces: u32,
    /// The program that says it is asking.
    pub app_name: String,
    /// The headline.
    pub summary: String,
    /// The text.
    pub body: String,
    /// Pairs of key and label, flat, as the protocol has them.
    pub actions: Vec<String>,
    /// The hints, as text.
    pub hints: HashMap<String, String>,
}

/// The recording service. It leaves the bus when dropped.
#[derive(Debug)]
pub struct Notices {
    shown: Arc<Mutex<Vec<Notice>>>,
    new: Bell,
    presses: Option<UnboundedSender<(u32, String)>>,
    service: Option<JoinHandle<()>>,
}

impl Notices {
    /// Takes the name `org.freedesktop.Notifications` on this bus.
    pub(crate) fn start(address: &str) -> Self {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let new = Bell::default();
        let (presses, pressed) = unbounded_channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let recorder = Recorder { shown: Arc::clone(&shown), new: new.clone() };
        let address = address.to_owned();
        let service = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
            runtime.expect("a runtime").block_on(serve(&address, recorder, pressed, &ready));
        });
        is_ready.recv_timeout(Deadline::seconds(10).left()).expect("the notification service on the bus");
        Notices { shown, new, presses: Some(presses), service: Some(service) }
    }

    /// Everything shown so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Notice> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a notice that fits.
    pub fn wait_for(&self, deadline: Deadline, fits: impl Fn(&Notice) -> bool) -> Option<Notice> {
        self.new.wait_for(deadline, || self.shown().into_iter().find(&fits))
    }

    /// Presses a button of a notice, as the person would.
    pub fn press(&self, notice: &Notice, action: &str) {
        let presses = self.presses.as_ref().expect("a running service");
        presses.send((notice.id, action.to_owned())).expect("a running service");
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.presses = None;
        if let Some(service) = self.service.take() {
            let _ = service.join();
        }
    }
}

async fn serve(
    address: &str,
    recorder: Recorder,
    mut pressed: UnboundedReceiver<(u32, String)>,
    ready: &std::sync::mpsc::Sender<()>,
) {
    let connection = zbus::connection::Builder::address(address)
        .and_then(|builder| builder.serve_at(PATH, recorder))
        .and_then(|builder| builder.name("org.freedesktop.Notifications"))
        .expect("a notification service");
    let connection = connection.build().await.expect("the private bus");
    let _ = ready.send(());
    while let Some((id, action)) = pressed.recv().await {
        let Ok(emitter) = SignalEmitter::new(&connection, PATH) else { return };
        let _ = Recorder::action_invoked(&emitter, id, &action).await;
        let _ = Recorder::notification_closed(&emitter, id, 2).await;
    }
}

struct Recorder {
    shown: Arc<Mutex<Vec<Notice>>>,
    new: Bell,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Recorder {
    #[expect(clippy::too_many_arguments, reason = "the protocol has eight")]
    fn notify(
        &self,
        app_name: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let at = Stamp::now();
        let hints = hints.into_iter().map(|(key, value)| (key, format!("{:?}", *value))).collect();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let next = shown.iter().map(|notice| notice.id).max().unwrap_or(0) + 1;
        let id = if replaces == 0 { next } else { replaces };
        shown.push(Notice { at, id, replaces, app_name, summary, body, actions, hints });
        drop(shown);
        self.new.ring();
        id
    }

    async fn close_notification(&self, id: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        let _ = Self::notification_closed(&emitter, id, 3).await;
    }

    fn get_capabilities(&self) -> Vec<&'static str> {
        vec!["body", "actions", "persistence"]
    }

    fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        ("recorder", "dwell", "1", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}
