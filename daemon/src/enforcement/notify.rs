//! Notifications through org.freedesktop.Notifications (Desktop Notifications Specification 1.2), and what the person
//! does with them.
//!
//! What is said, and when, is decided elsewhere. Here is what each service can do, which notice of ours is on the screen,
//! and which button of it was pressed.
//!
//! # Invariants (tested)
//!
//! - Only what the service that shows a notice says about it counts: neither another sender nor another program's notice.
//! - A service that was started anew counts its notices from one again: no notice of another program is replaced or closed.
//! - While nothing of ours is shown, nothing is heard: other programs' notices do not wake the daemon.

use std::collections::HashMap;

use dwell_core::texts::Notice;
use dwell_core::time::{Boot, Millis};
use dwell_desktop::{Health, Notice as Heard};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::message::Sequence;
use zbus::names::{OwnedUniqueName, UniqueName};
use zbus::proxy::SignalStream;
use zbus::zvariant::Value;

use crate::clock;
use crate::deadline::BootDeadline;

const SERVICE: &str = "org.freedesktop.Notifications";

/// What is wrong where there is none.
const NOBODY: &str = "no notification service runs, so limits act without a word";

/// The next step where there is none.
const START_ONE: &str =
    "install and start one, for example: sudo apt install mako-notifier (Wayland) or dunst (X11)";

/// The next step where there is one that shows nothing.
const START_AGAIN: &str = "start that service again, or install another";

/// How long a service that runs may take to say what it is.
const PATIENCE: Millis = Millis::from_secs(1);

/// How long a service may take to say what it can do. The bus may have to start it first.
const STARTING: Millis = Millis::from_secs(5);

/// How long a notice stays that accompanies an act.
///
/// Such a one is critical. GNOME Shell shows no other above a full-screen window, and neither GNOME nor Plasma shows
/// another to a person who does not want to be disturbed; but a window that goes without a word looks like a fault. mako
/// is below full-screen windows whatever the urgency, unless the person chose `layer=overlay` for critical ones.
///
/// Critical notices stay until they are dismissed: the specification wants it, and GNOME and Plasma ignore the timeout
/// that comes with one (mako and dunst follow it). An act has to be seen once and asks for nothing, so the notice is
/// closed after a minute where the service has not done so.
const STAYS: Millis = Millis::from_secs(60);

/// Services that show every notice above full-screen windows, and critical ones as an alarm, white on dark red: there the
/// notice is an ordinary one. A limit that the person chose is no alarm.
const ALARMING: &[&str] = &["dunst"];

/// The key of the action that a click on the notice itself means (specification, "Actions").
const CLICK: &str = "default";

/// `NotificationClosed`: the person dismissed it.
const DISMISSED: u32 = 2;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    /// Name, vendor, version, and version of the specification.
    fn get_server_information(&self) -> zbus::Result<(String, String, String, String)>;
}

/// Something to say, or to take back. Private, so it has no `Debug`.
pub enum Word {
    /// Say this about a rule.
    Tell {
        /// The rule's id.
        rule: String,
        /// What to say.
        notice: Notice,
        /// Whether it accompanies an act: then it is shown above full-screen windows too, for a minute. See `STAYS`.
        urgent: bool,
        /// What the person can do about it, most wanted first. Not shown by a service that has no buttons.
        offers: Vec<Offer>,
    },
    /// Take back what was said about a rule.
    TakeBack {
        /// The rule's id.
        rule: String,
    },
    /// Whether anything is said at all from now on.
    Enable(bool),
}

/// A button of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Put the limit off.
    Snooze,
    /// Close what the limit is about.
    Close,
    /// Say why. A click on the notice itself means it as well.
    Why,
}

impl Button {
    const ALL: [Self; 3] = [Self::Snooze, Self::Close, Self::Why];

    /// What the service calls it. Stable: people bind keys to it (`makoctl invoke snooze`).
    const fn key(self) -> &'static str {
        match self {
            Self::Snooze => "snooze",
            Self::Close => "close",
            Self::Why => "why",
        }
    }
}

/// A button, and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Offer {
    /// The button.
    pub button: Button,
    /// `5 more minutes`
    pub label: String,
}

/// What the person did with a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Pressed [`Button::Snooze`].
    Snooze,
    /// Pressed [`Button::Close`].
    Close,
    /// Pressed [`Button::Why`], or clicked the notice.
    Why,
    /// Put the notice away, without a button.
    Dismissed,
}

impl From<Button> for Action {
    fn from(button: Button) -> Self {
        match button {
            Button::Snooze => Self::Snooze,
            Button::Close => Self::Close,
            Button::Why => Self::Why,
        }
    }
}

/// A rule's notice was answered. Private, so it has no `Debug`.
pub struct Acted {
    /// The rule's id.
    pub rule: String,
    /// What was done.
    pub action: Action,
}

/// A notice that may be on the screen.
struct Shown {
    /// By the service's count.
    id: u32,
    /// The service that shows it.
    owner: OwnedUniqueName,
    /// When the service said so, in the order of what came over the bus.
    since: Sequence,
    /// The buttons that it has.
    buttons: Vec<Button>,
    /// When it is closed from here.
    until: Option<Boot>,
}

/// What a service can do.
#[derive(Clone, Copy)]
struct Able {
    /// It shows buttons.
    actions: bool,
    /// It reads markup in bodies.
    markup: bool,
    /// It shows critical notices as an alarm, and needs none.
    alarming: bool,
}

/// Shows notifications, one for each rule.
pub struct Notifier {
    proxy: NotificationsProxy<'static>,
    shown: HashMap<String, Shown>,
    /// What the service says of its notices; `None` while none is ours.
    signals: Option<SignalStream<'static>>,
    /// What the service that runs can do, once it was asked.
    able: Option<Able>,
    /// When the next notice is closed from here.
    fading: BootDeadline,
    /// See [`STAYS`].
    stays: Millis,
    enabled: bool,
    /// The last notice was not shown, and the health says so.
    refused: bool,
    health: mpsc::Sender<Heard>,
    acted: mpsc::UnboundedSender<Acted>,
}

impl Notifier {
    /// A notifier on the session bus, which reports its health and what the person does to the hub.
    ///
    /// # Errors
    /// The bus refused the connection, or the system has no timer to give.
    pub async fn new(
        session: &zbus::Connection,
        enabled: bool,
        health: mpsc::Sender<Heard>,
        acted: mpsc::UnboundedSender<Acted>,
    ) -> zbus::Result<Self> {
        // No property of the service is read, so none is cached; and it is not started before it is needed.
        let builder = NotificationsProxy::builder(session).cache_properties(zbus::proxy::CacheProperties::No);
        Ok(Self {
            proxy: builder.build().await?,
            shown: HashMap::new(),
            signals: None,
            able: None,
            fading: BootDeadline::new().map_err(|error| zbus::Error::InputOutput(error.into()))?,
            stays: STAYS,
            enabled,
            refused: false,
            health,
            acted,
        })
    }

    /// Says what there is to say, until nobody is left who could; then takes everything back, for nothing that was
    /// said can be acted on any more.
    pub async fn run(mut self, mut words: mpsc::UnboundedReceiver<Word>) {
        let mut owners = self.proxy.inner().receive_owner_changed().await.ok();
        self.look().await;
        loop {
            // In this order: what is known of the screen comes before what is to be done about it.
            let word = tokio::select! {
                biased;
                owner = next(&mut owners) => {
                    self.is_now(owner).await;
                    continue;
                }
                signal = next(&mut self.signals) => {
                    self.hear(&signal).await;
                    continue;
                }
                _ = self.fading.due() => {
                    self.fade().await;
                    continue;
                }
                word = words.recv() => word,
            };
            let Some(word) = word else { break };
            match word {
                Word::Tell { rule, notice, urgent, offers } => {
                    self.tell(rule, &notice, urgent, &offers).await;
                }
                Word::TakeBack { rule } => self.take_back(&rule).await,
                Word::Enable(on) => {
                    self.enabled = on;
                    self.look().await;
                }
            }
            self.settle();
        }
        let rules: Vec<String> = self.shown.keys().cloned().collect();
        for rule in rules {
            self.take_back(&rule).await;
        }
    }

    /// Another service has the name now, or none: what the last one showed is gone with it.
    async fn is_now(&mut self, owner: Option<UniqueName<'static>>) {
        // Of a service that was started by our own notice, this news is older than its answer.
        self.shown
            .retain(|_, shown| owner.as_ref().is_some_and(|owner| shown.owner.as_str() == owner.as_str()));
        self.able = None;
        self.settle();
        self.look().await;
    }

    /// Says who shows notifications: a service that runs, or one that the bus would start when it is needed. Starts
    /// none.
    async fn look(&mut self) {
        self.refused = false;
        if !self.enabled {
            return self.report(Ok("off, by the configuration".to_owned())).await;
        }
        let found = self.find().await.ok_or_else(|| (NOBODY.to_owned(), Some(START_ONE.to_owned())));
        self.report(found).await;
    }

    async fn find(&self) -> Option<String> {
        let bus = zbus::fdo::DBusProxy::new(self.proxy.inner().connection()).await.ok()?;
        let name = zbus::names::BusName::try_from(SERVICE).ok()?;
        if !bus.name_has_owner(name).await.unwrap_or(false) {
            let started =
                bus.list_activatable_names().await.ok()?.iter().any(|name| name.as_str() == SERVICE);
            return started.then(|| format!("{SERVICE} is started when it is needed"));
        }
        // One that hangs is there all the same.
        Some(match within(PATIENCE, self.proxy.get_server_information()).await {
            Some((name, vendor, version, _)) => server(&name, &vendor, &version),
            None => format!("{SERVICE} is there, but does not say what it is"),
        })
    }

    /// Says who shows notifications; or what is wrong, and the step that mends it.
    async fn report(&self, found: Result<String, (String, Option<String>)>) {
        let (ok, message, fix) = match found {
            Ok(message) => (true, message, None),
            Err((message, fix)) => (false, message, fix),
        };
        let health = Health { part: "notifications", ok, message, fix, backend: "dbus" };
        // The hub is gone only while everything stops.
        let _ = self.health.send(Heard::Health(health)).await;
    }

    async fn tell(&mut self, rule: String, notice: &Notice, urgent: bool, actions: &[Offer]) {
        if !self.enabled {
            return;
        }
        if self.signals.is_none() {
            // Before the notice is shown, so that no answer to it is missed. Without it there are notices all the same.
            self.signals = self.proxy.inner().receive_all_signals().await.ok();
        }
        let able = self.able().await;
        let actions = if able.actions { actions } else { &[] };
        match self.notify(&rule, notice, urgent, actions, able).await {
            Ok(shown) => {
                self.shown.insert(rule, shown);
                if self.refused {
                    self.look().await;
                }
            }
            Err(_) => self.not_shown().await,
        }
    }

    async fn notify(
        &self,
        rule: &str,
        notice: &Notice,
        urgent: bool,
        offers: &[Offer],
        able: Able,
    ) -> zbus::Result<Shown> {
        let replaces = self.shown.get(rule).map_or(0, |shown| shown.id);
        let hints = HashMap::from([
            ("urgency", Value::from(if urgent && !able.alarming { 2_u8 } else { 1 })),
            ("desktop-entry", Value::from("dwell")),
            ("category", Value::from("x-dwell.limit")),
        ]);
        let body = if able.markup { escape(&notice.body) } else { notice.body.clone() };
        let click =
            offers.iter().find(|offer| offer.button == Button::Why).map(|offer| [CLICK, &offer.label]);
        let buttons = offers.iter().map(|offer| [offer.button.key(), &offer.label]);
        let actions: Vec<&str> = click.into_iter().chain(buttons).flatten().collect();
        let stays = i32::try_from(self.stays.as_ms()).unwrap_or(-1);
        let timeout = if urgent { stays } else { -1 };
        let arguments = ("dwell", replaces, "", &notice.summary, &body, &actions, &hints, timeout);
        let answer = self.proxy.inner().call_method("Notify", &arguments).await?;
        let id: u32 = answer.body().deserialize()?;
        let header = answer.header();
        let owner = header.sender().ok_or(zbus::Error::MissingField)?.to_owned().into();
        Ok(Shown {
            id,
            owner,
            since: answer.recv_position(),
            buttons: offers.iter().map(|offer| offer.button).collect(),
            until: urgent.then(|| clock::now().boot + self.stays),
        })
    }

    /// What the service can do. One that does not say it gets the plainest notices.
    async fn able(&mut self) -> Able {
        if let Some(able) = self.able {
            return able;
        }
        let said = within(STARTING, self.proxy.get_capabilities()).await;
        let name = within(PATIENCE, self.proxy.get_server_information()).await.unwrap_or_default().0;
        let can = |what: &str| said.as_ref().is_some_and(|said| said.iter().any(|can| can == what));
        let able = Able {
            actions: can("actions"),
            markup: said.is_none() || can("body-markup"),
            alarming: ALARMING.contains(&name.as_str()),
        };
        self.able = said.is_some().then_some(able);
        able
    }

    /// Says why a notice was not shown. That holds until one is shown, or another service comes.
    async fn not_shown(&mut self) {
        let found = self.find().await;
        self.refused = true;
        let wrong = match found {
            Some(name) => {
                // One that does not tell its name, or could not be started, is known by that of the service.
                let name = if name.starts_with(SERVICE) { SERVICE } else { &name };
                let message = format!("{name} refused a notice, so limits act without a word");
                (message, Some(START_AGAIN.to_owned()))
            }
            None => (NOBODY.to_owned(), Some(START_ONE.to_owned())),
        };
        self.report(Err(wrong)).await;
    }

    /// Hears what became of a notice.
    async fn hear(&mut self, signal: &zbus::Message) {
        let header = signal.header();
        let (Some(sender), Some(member)) = (header.sender(), header.member()) else { return };
        let of = |id: u32| {
            let ours = |shown: &Shown| shown.id == id && shown.owner.as_str() == sender.as_str();
            self.shown.iter().find(|(_, shown)| ours(shown)).map(|(rule, shown)| (rule.clone(), shown))
        };
        let body = signal.body();
        match member.as_str() {
            "ActionInvoked" => {
                let Ok((id, key)) = body.deserialize::<(u32, &str)>() else { return };
                let Some((rule, shown)) = of(id) else { return };
                let meant = |button: &Button| key == button.key() || key == CLICK && *button == Button::Why;
                let Some(button) = Button::ALL.into_iter().find(meant) else { return };
                if !shown.buttons.contains(&button) {
                    return;
                }
                // Most services close it by themselves. What they say of that comes too late to be a dismissal.
                self.take_back(&rule).await;
                self.pass_on(rule, button.into());
            }
            "NotificationClosed" => {
                let Ok((id, reason)) = body.deserialize::<(u32, u32)>() else { return };
                let Some((rule, shown)) = of(id) else { return };
                // Some keep the number of a notice that was closed before it was replaced.
                if signal.recv_position() < shown.since {
                    return;
                }
                self.shown.remove(&rule);
                if reason == DISMISSED {
                    self.pass_on(rule, Action::Dismissed);
                }
            }
            _ => {}
        }
        self.settle();
    }

    fn pass_on(&self, rule: String, action: Action) {
        // The hub is gone only while everything stops.
        let _ = self.acted.send(Acted { rule, action });
    }

    /// Closes what has been there for long enough.
    async fn fade(&mut self) {
        let now = clock::now().boot;
        let over = |shown: &Shown| shown.until.is_some_and(|until| until <= now);
        let rules: Vec<String> =
            self.shown.iter().filter(|(_, shown)| over(shown)).map(|(rule, _)| rule.clone()).collect();
        for rule in rules {
            self.take_back(&rule).await;
        }
        self.settle();
    }

    async fn take_back(&mut self, rule: &str) {
        if let Some(shown) = self.shown.remove(rule) {
            // It may be closed or gone already, which is as well.
            let _ = self.proxy.close_notification(shown.id).await;
        }
    }

    /// After each change of what is shown: stops listening when it is nothing, and says when to come back.
    fn settle(&mut self) {
        if self.shown.is_empty() {
            self.signals = None;
        }
        // Without it, a notice stays for as long as the service likes.
        let _ = self.fading.arm(self.shown.values().filter_map(|shown| shown.until).min());
    }
}

/// What a call gives, if it gives it within this time.
async fn within<T>(patience: Millis, call: impl Future<Output = zbus::Result<T>>) -> Option<T> {
    let mut late = BootDeadline::new().ok()?;
    late.arm(Some(clock::now().boot + patience)).ok()?;
    tokio::select! {
        told = call => told.ok(),
        _ = late.due() => None,
    }
}

/// What a service tells of itself: `mako 1.7.1 (emersion)`.
fn server(name: &str, vendor: &str, version: &str) -> String {
    let known = [name, version].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ");
    match (known.is_empty(), vendor.is_empty() || vendor == name) {
        (true, _) => format!("{SERVICE}, without a name"),
        (false, true) => known,
        (false, false) => format!("{known} ({vendor})"),
    }
}

/// The next item of a stream; never one of a stream that there is not, or that has ended.
async fn next<S: StreamExt + Unpin>(stream: &mut Option<S>) -> S::Item {
    if let Some(items) = stream {
        if let Some(item) = items.next().await {
            return item;
        }
        *stream = None;
    }
    std::future::pending().await
}

/// Bodies may carry markup (specification, "Markup"), so what is none is escaped. Summaries never do.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
