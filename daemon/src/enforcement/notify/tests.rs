//! Against a service in this process, on a bus of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use zbus::object_server::SignalEmitter;

use super::*;

const PATH: &str = "/org/freedesktop/Notifications";

/// What the service was asked for.
#[derive(Debug, PartialEq)]
enum Asked {
    Notify { id: u32, replaces: u32, body: String, actions: Vec<String>, urgency: Option<u8>, timeout: i32 },
    Close(u32),
}

struct Service {
    name: &'static str,
    can: &'static [&'static str],
    asked: mpsc::UnboundedSender<Asked>,
    /// It shows nothing while it does.
    refuses: Arc<AtomicBool>,
    /// It keeps the number of a notice that the person dismissed just before it was replaced.
    dismisses: Arc<AtomicBool>,
    last: AtomicU32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[expect(clippy::too_many_arguments, reason = "the specification's method")]
    async fn notify(
        &self,
        _app_name: &str,
        replaces: u32,
        _app_icon: &str,
        _summary: &str,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, Value<'_>>,
        timeout: i32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> zbus::fdo::Result<u32> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(zbus::fdo::Error::LimitsExceeded("too many".into()));
        }
        if replaces != 0 && self.dismisses.load(Ordering::Relaxed) {
            Self::notification_closed(&emitter, replaces, DISMISSED).await.unwrap();
        }
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok());
        let id = if replaces == 0 { self.last.fetch_add(1, Ordering::Relaxed) + 1 } else { replaces };
        self.asked.send(Asked::Notify { id, replaces, body, actions, urgency, timeout }).unwrap();
        Ok(id)
    }

    fn close_notification(&self, id: u32) {
        self.asked.send(Asked::Close(id)).unwrap();
    }

    fn get_capabilities(&self) -> Vec<&str> {
        self.can.to_vec()
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        (self.name, "", "2", "1.2")
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// A bus, with a service on it and a notifier.
struct Scene {
    daemon: std::process::Child,
    address: String,
    service: zbus::Connection,
    /// The notifier's.
    session: zbus::Connection,
    refuses: Arc<AtomicBool>,
    dismisses: Arc<AtomicBool>,
    asked: mpsc::UnboundedReceiver<Asked>,
    health: mpsc::Receiver<Heard>,
    acted: mpsc::UnboundedReceiver<Acted>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }
}

impl Scene {
    async fn set(can: &'static [&'static str]) -> (Self, Notifier) {
        Self::set_with("moody", can).await
    }

    async fn set_with(name: &'static str, can: &'static [&'static str]) -> (Self, Notifier) {
        use std::io::{BufRead, BufReader};
        let mut daemon = std::process::Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("dbus-daemon is needed: package dbus");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let (refuses, dismisses) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let (service, asked) = serve(&address, name, can, &refuses, &dismisses).await;
        let session = connect(&address).build().await.unwrap();
        let (sender, health) = mpsc::channel(8);
        let (acts, acted) = mpsc::unbounded_channel();
        let notifier = Notifier::new(&session, true, sender, acts).await.unwrap();
        (Self { daemon, address, service, session, refuses, dismisses, asked, health, acted }, notifier)
    }

    async fn heard(&mut self) -> (bool, String, Option<String>) {
        match in_time(self.health.recv()).await {
            Some(Heard::Health(health)) => (health.ok, health.message, health.fix),
            _ => panic!("the notifier tells of its health alone"),
        }
    }

    async fn asked(&mut self) -> Asked {
        in_time(self.asked.recv()).await.unwrap()
    }

    /// The number of the next notice, and that of the one whose place it takes.
    async fn shown(&mut self) -> (u32, u32) {
        match self.asked().await {
            Asked::Notify { id, replaces, .. } => (id, replaces),
            Asked::Close(id) => panic!("{id} was closed"),
        }
    }

    async fn acted(&mut self) -> (String, Action) {
        let acted = in_time(self.acted.recv()).await.unwrap();
        (acted.rule, acted.action)
    }

    async fn press(&self, id: u32, key: &str) {
        let emitter = SignalEmitter::new(&self.service, PATH).unwrap();
        Service::action_invoked(&emitter, id, key).await.unwrap();
    }

    async fn closed(&self, id: u32, reason: u32) {
        let emitter = SignalEmitter::new(&self.service, PATH).unwrap();
        Service::notification_closed(&emitter, id, reason).await.unwrap();
    }
}

/// What has to come, or the test fails instead of waiting for ever.
async fn in_time<T>(coming: impl Future<Output = T>) -> T {
    within(Millis::from_secs(20), async { Ok(coming.await) }).await.expect("it did not come in time")
}

fn connect(address: &str) -> zbus::connection::Builder<'_> {
    zbus::connection::Builder::address(address.trim()).unwrap()
}

async fn serve(
    address: &str,
    name: &'static str,
    can: &'static [&'static str],
    refuses: &Arc<AtomicBool>,
    dismisses: &Arc<AtomicBool>,
) -> (zbus::Connection, mpsc::UnboundedReceiver<Asked>) {
    let (sender, asked) = mpsc::unbounded_channel();
    let (refuses, dismisses) = (Arc::clone(refuses), Arc::clone(dismisses));
    let service = Service { name, can, asked: sender, refuses, dismisses, last: AtomicU32::new(0) };
    let service = connect(address).serve_at(PATH, service).unwrap();
    (service.name(SERVICE).unwrap().build().await.unwrap(), asked)
}

fn notice(body: &str) -> Notice {
    Notice { summary: "YouTube: that was today’s time".into(), body: body.into() }
}

fn offers() -> Vec<Offer> {
    let labels = [(Button::Snooze, "5 more minutes"), (Button::Close, "Close"), (Button::Why, "Why")];
    labels.map(|(button, label)| Offer { button, label: label.into() }).into()
}

fn tell(words: &mpsc::UnboundedSender<Word>, rule: &str) {
    let (notice, offers) = (notice("b"), offers());
    assert!(words.send(Word::Tell { rule: rule.into(), notice, urgent: false, offers }).is_ok());
}

fn running(notifier: Notifier) -> (mpsc::UnboundedSender<Word>, tokio::task::JoinHandle<()>) {
    let (words, receiver) = mpsc::unbounded_channel();
    (words, tokio::spawn(notifier.run(receiver)))
}

const ALL: &[&str] = &["actions", "body", "body-markup"];

#[tokio::test]
async fn a_refused_notice_is_told_until_one_is_shown() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    scene.refuses.store(true, Ordering::Relaxed);
    let (words, running) = running(notifier);
    assert_eq!(scene.heard().await, (true, "moody 2".to_owned(), None));
    tell(&words, "r");
    let refused = "moody 2 refused a notice, so limits act without a word".to_owned();
    assert_eq!(scene.heard().await, (false, refused, Some(START_AGAIN.to_owned())));
    scene.refuses.store(false, Ordering::Relaxed);
    tell(&words, "r");
    assert_eq!(scene.heard().await, (true, "moody 2".to_owned(), None));
    drop(words);
    running.await.unwrap();
}

#[tokio::test]
async fn a_service_gets_what_it_can_show() {
    let text = "<b> & 5m";
    let shows = async |can, urgent| {
        let (mut scene, mut notifier) = Scene::set(can).await;
        notifier.tell("r".into(), &notice(text), urgent, &offers()).await;
        scene.asked().await
    };
    let full = ["default", "Why", "snooze", "5 more minutes", "close", "Close", "why", "Why"];
    let escaped = "&lt;b&gt; &amp; 5m".to_owned();
    let actions = full.map(str::to_owned).to_vec();
    assert_eq!(
        shows(ALL, true).await,
        Asked::Notify { id: 1, replaces: 0, body: escaped, actions, urgency: Some(2), timeout: 60_000 }
    );
    let plain = Asked::Notify {
        id: 1,
        replaces: 0,
        body: text.into(),
        actions: vec![],
        urgency: Some(1),
        timeout: -1,
    };
    assert_eq!(shows(&["body"], false).await, plain);
}

#[tokio::test]
async fn no_alarm_is_raised_where_an_ordinary_notice_is_seen() {
    let (mut scene, mut notifier) = Scene::set_with("dunst", ALL).await;
    notifier.tell("r".into(), &notice("b"), true, &[]).await;
    let ordinary = Asked::Notify {
        id: 1,
        replaces: 0,
        body: "b".into(),
        actions: vec![],
        urgency: Some(1),
        timeout: 60_000,
    };
    assert_eq!(scene.asked().await, ordinary);
}

#[tokio::test]
async fn a_press_is_passed_on_once_and_ends_the_notice() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    let (words, _running) = running(notifier);
    for (key, action) in [("snooze", Action::Snooze), ("close", Action::Close), ("default", Action::Why)] {
        tell(&words, "r");
        // A second rule, so that the notifier goes on listening.
        tell(&words, "other");
        let (first, second) = (scene.shown().await, scene.shown().await);
        assert_eq!((first.1, second.1), (0, 0), "what was answered is not replaced");
        for key in [key, key] {
            scene.press(first.0, key).await;
        }
        scene.closed(first.0, DISMISSED).await;
        scene.closed(second.0, DISMISSED).await;
        assert_eq!(scene.acted().await, ("r".to_owned(), action));
        assert_eq!(scene.asked().await, Asked::Close(first.0));
        assert_eq!(scene.acted().await, ("other".to_owned(), Action::Dismissed));
    }
}

#[tokio::test]
async fn notices_of_one_rule_replace_each_other() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    let (words, running) = running(notifier);
    for (rule, shown) in [("r", (1, 0)), ("s", (2, 0)), ("r", (1, 1)), ("s", (2, 2))] {
        tell(&words, rule);
        assert_eq!(scene.shown().await, shown);
    }
    assert!(words.send(Word::TakeBack { rule: "r".into() }).is_ok());
    assert_eq!(scene.asked().await, Asked::Close(1));
    tell(&words, "r");
    assert_eq!(scene.shown().await, (3, 0));
    // It expired: nobody did anything, and there is nothing left to replace.
    scene.closed(3, 1).await;
    scene.closed(2, DISMISSED).await;
    assert_eq!(scene.acted().await, ("s".to_owned(), Action::Dismissed));
    tell(&words, "r");
    assert_eq!(scene.shown().await, (4, 0));
    drop(words);
    running.await.unwrap();
    assert_eq!(scene.asked().await, Asked::Close(4));
}

#[tokio::test]
async fn only_the_service_speaks_and_only_of_our_own() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    let (words, _running) = running(notifier);
    tell(&words, "r");
    let (id, _) = scene.shown().await;
    let stranger = connect(&scene.address).build().await.unwrap();
    let to_us = scene.session.unique_name().unwrap();
    for (member, body) in [("ActionInvoked", (id, "snooze")), ("ActionInvoked", (id, "close"))] {
        stranger.emit_signal(Some(to_us), PATH, SERVICE, member, &body).await.unwrap();
        stranger.emit_signal(None::<&str>, PATH, SERVICE, member, &body).await.unwrap();
    }
    stranger.emit_signal(Some(to_us), PATH, SERVICE, "NotificationClosed", &(id, DISMISSED)).await.unwrap();
    // The bus has passed those on before it answers.
    zbus::fdo::DBusProxy::new(&stranger).await.unwrap().get_id().await.unwrap();
    // Of another program's notice; a key that was not offered; a body that cannot be read.
    scene.press(id + 1, "snooze").await;
    scene.closed(id + 1, DISMISSED).await;
    scene.press(id, "inline-reply").await;
    let emitter = SignalEmitter::new(&scene.service, PATH).unwrap();
    emitter.emit(SERVICE, "ActionInvoked", &"snooze").await.unwrap();
    scene.press(id, "why").await;
    assert_eq!(scene.acted().await, ("r".to_owned(), Action::Why));
    assert_eq!(scene.asked().await, Asked::Close(id));
}

#[tokio::test]
async fn a_button_that_was_not_offered_is_none() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    let (words, _running) = running(notifier);
    let offers = offers().into_iter().filter(|offer| offer.button == Button::Close).collect();
    assert!(words.send(Word::Tell { rule: "r".into(), notice: notice("b"), urgent: false, offers }).is_ok());
    let (id, _) = scene.shown().await;
    for key in ["snooze", "default", "close"] {
        scene.press(id, key).await;
    }
    assert_eq!(scene.acted().await, ("r".to_owned(), Action::Close));
}

#[tokio::test]
async fn a_service_that_was_started_anew_shows_nothing_of_ours() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    let (words, _running) = running(notifier);
    scene.heard().await;
    for rule in ["r", "s"] {
        tell(&words, rule);
    }
    assert_eq!((scene.shown().await, scene.shown().await), ((1, 0), (2, 0)));
    scene.service.release_name(SERVICE).await.unwrap();
    // Whether the bus would start another depends on what is installed here.
    scene.heard().await;
    (scene.service, scene.asked) =
        serve(&scene.address, "moody", &["body"], &scene.refuses, &scene.dismisses).await;
    assert_eq!(scene.heard().await, (true, "moody 2".to_owned(), None));
    // Number 1 may be another program's now. The buttons are those that this service shows.
    assert!(words.send(Word::TakeBack { rule: "r".into() }).is_ok());
    tell(&words, "s");
    let plain = Asked::Notify {
        id: 1,
        replaces: 0,
        body: "b".into(),
        actions: vec![],
        urgency: Some(1),
        timeout: -1,
    };
    assert_eq!(scene.asked().await, plain);
}

#[tokio::test]
async fn news_of_a_service_that_our_own_notice_started_takes_nothing_away() {
    let (scene, mut notifier) = Scene::set(ALL).await;
    notifier.tell("r".into(), &notice("b"), false, &offers()).await;
    let owner = scene.service.unique_name().unwrap().to_owned();
    notifier.is_now(Some(owner.into_inner())).await;
    assert!(notifier.shown.contains_key("r"));
    notifier.is_now(None).await;
    assert!(notifier.shown.is_empty());
}

#[tokio::test]
async fn a_dismissal_that_crossed_the_next_notice_is_of_the_last_one() {
    let (mut scene, notifier) = Scene::set(ALL).await;
    scene.dismisses.store(true, Ordering::Relaxed);
    let (words, _running) = running(notifier);
    for shown in [(1, 0), (1, 1)] {
        tell(&words, "r");
        assert_eq!(scene.shown().await, shown);
    }
    scene.press(1, "snooze").await;
    assert_eq!(scene.acted().await, ("r".to_owned(), Action::Snooze));
}

#[tokio::test]
async fn a_notice_that_accompanies_an_act_does_not_stay() {
    let (mut scene, mut notifier) = Scene::set(ALL).await;
    notifier.stays = Millis::from_ms(1);
    let (words, _running) = running(notifier);
    tell(&words, "warned");
    let urgent = Word::Tell { rule: "blocked".into(), notice: notice("b"), urgent: true, offers: vec![] };
    assert!(words.send(urgent).is_ok());
    assert_eq!((scene.shown().await, scene.shown().await), ((1, 0), (2, 0)));
    assert_eq!(scene.asked().await, Asked::Close(2));
    // The other one is still there, and nothing else was closed.
    scene.closed(1, DISMISSED).await;
    assert_eq!(scene.acted().await, ("warned".to_owned(), Action::Dismissed));
    assert!(scene.asked.is_empty());
}

#[tokio::test]
async fn while_nothing_is_shown_nothing_is_heard() {
    let (_scene, mut notifier) = Scene::set(ALL).await;
    assert!(notifier.signals.is_none());
    notifier.tell("r".into(), &notice("b"), false, &[]).await;
    notifier.settle();
    assert!(notifier.signals.is_some());
    notifier.take_back("r").await;
    notifier.settle();
    assert!(notifier.signals.is_none());
}
