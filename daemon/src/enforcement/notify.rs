//! Notifications through org.freedesktop.Notifications (Desktop Notifications Specification 1.2).

use std::collections::HashMap;

use dwell_desktop::{Health, Notice as Heard};
use tokio::sync::mpsc;
use zbus::zvariant::Value;

use crate::texts::Notice;

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
        Ok(Self { proxy: builder.build().await?, shown: HashMap::new(), enabled, health })
    }

    /// Says what there is to say, until nobody is left who could; then takes everything back, for nothing that was
    /// said can be acted on any more.
    pub async fn run(mut self, mut words: mpsc::UnboundedReceiver<Word>) {
        self.report(self.is_there().await).await;
        while let Some(word) = words.recv().await {
            match word {
                Word::Tell { rule, notice, urgent } => self.tell(rule, &notice, urgent).await,
                Word::TakeBack { rule } => self.take_back(&rule).await,
                Word::Enable(on) => self.enabled = on,
            }
        }
        let rules: Vec<String> = self.shown.keys().cloned().collect();
        for rule in rules {
            self.take_back(&rule).await;
        }
    }

    /// Whether a notification service runs, or would be started by the bus when asked for.
    async fn is_there(&self) -> bool {
        let name = "org.freedesktop.Notifications";
        let Ok(bus) = zbus::fdo::DBusProxy::new(self.proxy.inner().connection()).await else { return false };
        let Ok(bus_name) = zbus::names::BusName::try_from(name) else { return false };
        if bus.name_has_owner(bus_name).await.unwrap_or(false) {
            return true;
        }
        bus.list_activatable_names().await.is_ok_and(|names| names.iter().any(|n| n.as_str() == name))
    }

    async fn report(&self, ok: bool) {
        let message = if ok {
            "org.freedesktop.Notifications".to_owned()
        } else {
            "no notification service answers; limits act without a word: start one, for example mako or dunst"
                .into()
        };
        let health = Health { part: "notifications", ok, message, backend: "dbus" };
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
        self.report(told.is_ok()).await;
        if let Ok(id) = told {
            self.shown.insert(rule, id);
        }
    }

    async fn take_back(&mut self, rule: &str) {
        if let Some(id) = self.shown.remove(rule) {
            // It may be closed or gone already, which is as well.
            let _ = self.proxy.close_notification(id).await;
        }
    }
}

/// Bodies may carry markup (specification, "Markup"), so what is none is escaped. Summaries never do.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
