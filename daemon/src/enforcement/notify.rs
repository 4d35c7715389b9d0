//! Notifications through org.freedesktop.Notifications (Desktop Notifications Specification 1.2).

use std::collections::HashMap;

use dwell_core::time::Millis;
use dwell_desktop::{Health, Notice as Heard};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use zbus::zvariant::Value;

use crate::clock;
use crate::deadline::BootDeadline;
use crate::texts::Notice;

const SERVICE: &str = "org.freedesktop.Notifications";

/// What is wrong where there is none.
const NOBODY: &str = "no notification service runs, so limits act without a word";

/// The next step where there is none.
const START_ONE: &str =
    "install and start one, for example: sudo apt install mako-notifier (Wayland) or dunst (X11)";

/// The next step where there is one that shows nothing.
const START_AGAIN: &str = "start that service again, or install another";

/// How long a service may take to say what it is.
const PATIENCE: Millis = Millis::from_secs(1);

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification's method")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: &HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

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
        /// Whether it accompanies an act.
        urgent: bool,
    },
    /// Take back what was said about a rule.
    TakeBack {
        /// The rule's id.
        rule: String,
    },
    /// Whether anything is said at all from now on.
    Enable(bool),
}

/// Shows notifications, one for each rule.
pub struct Notifier {
    proxy: NotificationsProxy<'static>,
    shown: HashMap<String, u32>,
    enabled: bool,
    /// The last notice was not shown, and the health says so.
    refused: bool,
    health: mpsc::Sender<Heard>,
}

impl Notifier {
    /// A notifier on the session bus, which reports its health to the hub.
    ///
    /// # Errors
    /// The bus refused the connection.
    pub async fn new(
        session: &zbus::Connection,
        enabled: bool,
        health: mpsc::Sender<Heard>,
    ) -> zbus::Result<Self> {
        // No property of the service is read, so none is cached; and it is not started before it is needed.
        let builder = NotificationsProxy::builder(session).cache_properties(zbus::proxy::CacheProperties::No);
        Ok(Self { proxy: builder.build().await?, shown: HashMap::new(), enabled, refused: false, health })
    }

    /// Says what there is to say, until nobody is left who could; then takes everything back, for nothing that was
    /// said can be acted on any more.
    pub async fn run(mut self, mut words: mpsc::UnboundedReceiver<Word>) {
        let mut owners = self.proxy.inner().receive_owner_changed().await.ok();
        self.look().await;
        loop {
            let word = tokio::select! {
                word = words.recv() => word,
                () = next(&mut owners) => {
                    self.look().await;
                    continue;
                }
            };
            let Some(word) = word else { break };
            match word {
                Word::Tell { rule, notice, urgent } => self.tell(rule, &notice, urgent).await,
                Word::TakeBack { rule } => self.take_back(&rule).await,
                Word::Enable(on) => {
                    self.enabled = on;
                    self.look().await;
                }
            }
        }
        let rules: Vec<String> = self.shown.keys().cloned().collect();
        for rule in rules {
            self.take_back(&rule).await;
        }
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
        let mut late = BootDeadline::new().ok()?;
        late.arm(Some(clock::now().boot + PATIENCE)).ok()?;
        let told = tokio::select! {
            told = self.proxy.get_server_information() => told.ok(),
            _ = late.due() => None,
        };
        Some(match told {
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

    async fn tell(&mut self, rule: String, notice: &Notice, urgent: bool) {
        if !self.enabled {
            return;
        }
        let replaces = self.shown.get(&rule).copied().unwrap_or(0);
        let urgency: u8 = if urgent { 2 } else { 1 };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from("dwell")),
            ("category", Value::from("x-dwell.limit")),
        ]);
        let body = escape(&notice.body);
        let told = self.proxy.notify("dwell", replaces, "", &notice.summary, &body, &[], &hints, -1).await;
        match told {
            Ok(id) => {
                self.shown.insert(rule, id);
                if self.refused {
                    self.look().await;
                }
            }
            Err(_) => self.not_shown().await,
        }
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

    async fn take_back(&mut self, rule: &str) {
        if let Some(id) = self.shown.remove(rule) {
            // It may be closed or gone already, which is as well.
            let _ = self.proxy.close_notification(id).await;
        }
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

async fn next(owners: &mut Option<zbus::proxy::OwnerChangedStream<'_>>) {
    let Some(stream) = owners else { return std::future::pending().await };
    if stream.next().await.is_none() {
        *owners = None;
    }
}

/// Bodies may carry markup (specification, "Markup"), so what is none is escaped. Summaries never do.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A service that shows nothing while it refuses.
    struct Service(Arc<AtomicBool>);

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Service {
        #[expect(clippy::too_many_arguments, reason = "the specification's method")]
        fn notify(
            &self,
            _app_name: &str,
            _replaces_id: u32,
            _app_icon: &str,
            _summary: &str,
            _body: &str,
            _actions: Vec<String>,
            _hints: HashMap<String, Value<'_>>,
            _expire_timeout: i32,
        ) -> zbus::fdo::Result<u32> {
            if self.0.load(Ordering::Relaxed) {
                return Err(zbus::fdo::Error::LimitsExceeded("too many".into()));
            }
            Ok(1)
        }

        fn close_notification(&self, _id: u32) {}

        fn get_server_information(&self) -> (&str, &str, &str, &str) {
            ("moody", "", "2", "1.2")
        }
    }

    async fn heard(health: &mut mpsc::Receiver<Heard>) -> (bool, String, Option<String>) {
        match health.recv().await {
            Some(Heard::Health(health)) => (health.ok, health.message, health.fix),
            _ => panic!("the notifier tells of its health alone"),
        }
    }

    #[tokio::test]
    async fn a_refused_notice_is_told_until_one_is_shown() {
        use std::io::{BufRead, BufReader};
        let mut daemon = std::process::Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("dbus-daemon is needed: package dbus");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let connect = || zbus::connection::Builder::address(address.trim()).unwrap();

        let refuses = Arc::new(AtomicBool::new(true));
        let service = connect().serve_at("/org/freedesktop/Notifications", Service(Arc::clone(&refuses)));
        let _service = service.unwrap().name(SERVICE).unwrap().build().await.unwrap();
        let session = connect().build().await.unwrap();
        let (sender, mut health) = mpsc::channel(8);
        let (words, receiver) = mpsc::unbounded_channel();
        let running = tokio::spawn(Notifier::new(&session, true, sender).await.unwrap().run(receiver));
        let tell = || {
            let notice = Notice { summary: "s".into(), body: "b".into() };
            assert!(words.send(Word::Tell { rule: "r".into(), notice, urgent: false }).is_ok());
        };
        assert_eq!(heard(&mut health).await, (true, "moody 2".to_owned(), None));
        tell();
        let refused = "moody 2 refused a notice, so limits act without a word".to_owned();
        assert_eq!(heard(&mut health).await, (false, refused, Some(START_AGAIN.to_owned())));
        refuses.store(false, Ordering::Relaxed);
        tell();
        assert_eq!(heard(&mut health).await, (true, "moody 2".to_owned(), None));

        drop(words);
        running.await.unwrap();
        let _ = daemon.kill();
        let _ = daemon.wait();
    }
}
