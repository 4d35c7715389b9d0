//! A notification service on the private bus that records what it is asked to show and to close, in order, and can press
//! the buttons or put a notice away, as the person would.

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

impl Notice {
    /// The keys of its buttons, in order. A click on the notice itself is no button.
    #[must_use]
    pub fn buttons(&self) -> Vec<&str> {
        let keys = self.actions.iter().step_by(2).map(String::as_str);
        keys.filter(|key| *key != "default").collect()
    }

    /// Whether it is critical.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.hints.get("urgency").is_some_and(|urgency| urgency == "U8(2)")
    }
}

/// What the service was asked for, or did.
#[derive(Debug, Clone)]
pub enum Asked {
    /// To show a notice.
    Show(Notice),
    /// To close the one with this number.
    Close {
        /// When.
        at: Stamp,
        /// The number that we gave it.
        id: u32,
    },
    /// The person pressed a button of it, or put it away.
    Answered {
        /// When.
        at: Stamp,
        /// The number that we gave it.
        id: u32,
    },
}

/// The recording service. It leaves the bus when dropped.
#[derive(Debug)]
pub struct Notices {
    asked: Arc<Mutex<Vec<Asked>>>,
    new: Bell,
    answers: Option<UnboundedSender<Answer>>,
    service: Option<JoinHandle<()>>,
}

impl Notices {
    /// Takes the name `org.freedesktop.Notifications` on this bus.
    pub(crate) fn start(address: &str) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let new = Bell::default();
        let (answers, answered) = unbounded_channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let recorder = Recorder { asked: Arc::clone(&asked), new: new.clone() };
        let address = address.to_owned();
        let service = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
            runtime.expect("a runtime").block_on(serve(&address, recorder, answered, &ready));
        });
        is_ready.recv_timeout(Deadline::seconds(10).left()).expect("the notification service on the bus");
        Notices { asked, new, answers: Some(answers), service: Some(service) }
    }

    /// Everything that happened so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything shown so far.
    #[must_use]
    pub fn shown(&self) -> Vec<Notice> {
        let shown = |asked| match asked {
            Asked::Show(notice) => Some(notice),
            Asked::Close { .. } | Asked::Answered { .. } => None,
        };
        self.asked().into_iter().filter_map(shown).collect()
    }

    /// What is on the screen now: shown, and neither replaced, closed nor answered.
    #[must_use]
    pub fn on_screen(&self) -> Vec<Notice> {
        let mut there: Vec<Notice> = Vec::new();
        for asked in self.asked() {
            let id = match &asked {
                Asked::Show(notice) => notice.id,
                Asked::Close { id, .. } | Asked::Answered { id, .. } => *id,
            };
            there.retain(|notice| notice.id != id);
            if let Asked::Show(notice) = asked {
                there.push(notice);
            }
        }
        there
    }

    /// Waits for a notice that fits.
    pub fn wait_for(&self, deadline: Deadline, fits: impl Fn(&Notice) -> bool) -> Option<Notice> {
        self.new.wait_for(deadline, || self.shown().into_iter().find(&fits))
    }

    /// Waits until what is on the screen is as the condition wants it.
    pub fn wait_for_screen(&self, deadline: Deadline, condition: impl Fn(&[Notice]) -> bool) -> bool {
        self.new.wait_until(deadline, || condition(&self.on_screen()))
    }

    /// Presses a button of a notice, as the person would. `default`: clicks the notice.
    ///
    /// # Panics
    ///
    /// If it has no such button.
    pub fn press(&self, notice: &Notice, action: &str) {
        let has = notice.actions.iter().step_by(2).any(|key| key == action);
        assert!(has, "there is no button {action}: {:?}", notice.actions);
        self.answer(Answer { id: notice.id, pressed: Some(action.to_owned()) });
    }

    /// Puts a notice away, as the person would.
    pub fn dismiss(&self, notice: &Notice) {
        self.answer(Answer { id: notice.id, pressed: None });
    }

    fn answer(&self, answer: Answer) {
        let answers = self.answers.as_ref().expect("a running service");
        answers.send(answer).expect("a running service");
    }
}

/// What the person does with a notice.
#[derive(Debug)]
struct Answer {
    id: u32,
    pressed: Option<String>,
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.answers = None;
        if let Some(service) = self.service.take() {
            let _ = service.join();
        }
    }
}

async fn serve(
    address: &str,
    recorder: Recorder,
    mut answered: UnboundedReceiver<Answer>,
    ready: &std::sync::mpsc::Sender<()>,
) {
    let connection = zbus::connection::Builder::address(address)
        .and_then(|builder| builder.serve_at(PATH, recorder.clone()))
        .and_then(|builder| builder.name("org.freedesktop.Notifications"))
        .expect("a notification service");
    let connection = connection.build().await.expect("the private bus");
    let _ = ready.send(());
    while let Some(Answer { id, pressed }) = answered.recv().await {
        let Ok(emitter) = SignalEmitter::new(&connection, PATH) else { return };
        recorder.note(Asked::Answered { at: Stamp::now(), id });
        if let Some(action) = pressed {
            let _ = Recorder::action_invoked(&emitter, id, &action).await;
        }
        let _ = Recorder::notification_closed(&emitter, id, 2).await;
    }
}

#[derive(Debug, Clone)]
struct Recorder {
    asked: Arc<Mutex<Vec<Asked>>>,
    new: Bell,
}

impl Recorder {
    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        self.new.ring();
    }
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
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = asked.iter().filter_map(|asked| match asked {
            Asked::Show(notice) => Some(notice.id),
            Asked::Close { .. } | Asked::Answered { .. } => None,
        });
        let id = if replaces == 0 { ids.max().unwrap_or(0) + 1 } else { replaces };
        asked.push(Asked::Show(Notice { at, id, replaces, app_name, summary, body, actions, hints }));
        drop(asked);
        self.new.ring();
        id
    }

    async fn close_notification(&self, id: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        self.note(Asked::Close { at: Stamp::now(), id });
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
