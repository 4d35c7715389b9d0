//! The login session, from logind (org.freedesktop.login1(5)): whether it is the one in front, whether it is locked,
//! and whether the machine goes to sleep.
//!
//! The session is the graphical one ([`logind::find`]); until there is one, it is looked for again whenever a session
//! comes or goes. Without logind the session counts as in front, and the health says so. Where there was an answer and
//! then there is none (logind starts anew, or hangs), what was known holds: silence unlocks nothing.

use std::sync::Arc;

use dwell_core::sample::Fact;
use dwell_core::time::{Boot, Millis};
use futures_util::StreamExt;
use futures_util::stream::{SelectAll, select_all};
use tokio::sync::{Notify, watch};
use zbus::message::Type;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::idle::{PATIENCE, rule, subscribe};
use crate::lock::{self, Answer, CONFIRM_WITHIN, Evidence, LockFold};
use crate::logind::{self, LOGIND, MANAGER, PATH};
use crate::report::Reporter;
use crate::senders::{BUS, Owners, is_of_bus};
use crate::sleep::Sleep;
use crate::{Buses, Surroundings, clock};

const SEATS: &str = "/org/freedesktop/login1/seat";
const NAME: &str = "logind";

/// The next step where there is no system bus, and so no logind, be it systemd's or elogind.
const START_BUS: &str = "start the system bus (dbus) and logind";
/// When what hangs is asked again: after this time, then after twice as long each time, up to [`ASK_AGAIN_MAX`].
const ASK_AGAIN: Millis = Millis::from_secs(2);
const ASK_AGAIN_MAX: Millis = Millis::from_secs(256);

/// The next step where there is no logind.
const START_LOGIND: &str = "start logind: sudo systemctl start systemd-logind";
/// The next step where logind does not know us.
const SEE_SESSIONS: &str = "see your sessions: loginctl list-sessions";

/// Watches the session for ever. `changed` is told when a session comes to the front: a display may have come.
pub(crate) async fn watch(
    buses: Buses,
    reporter: Reporter,
    mut around: watch::Receiver<Surroundings>,
    changed: Arc<Notify>,
) {
    let mut watcher = Watcher {
        reporter,
        logind: Owners::new(buses.system.clone()),
        saver_owners: Owners::new(buses.session.clone()),
        system: buses.system,
        bus_session: buses.session,
        graphical: false,
        hangs: false,
        ask_again: ASK_AGAIN,
        session: None,
        lock: LockFold::default(),
        requested_at: clock::now(),
        locked: None,
        active: None,
        savers: Vec::new(),
        hinted: false,
        sleep: Sleep::new(),
        changed,
    };
    let mut of_logind = watcher.subscribe().await;
    let mut of_savers = match &watcher.bus_session {
        Some(session) => select_all(lock::savers(session).await),
        None => SelectAll::new(),
    };
    let mut of_session = SelectAll::new();
    watcher.say(Fact::Asleep(false)).await;
    watcher.delay_sleep().await;
    let mut event = Event::Ask;
    loop {
        if event != Event::Done {
            let surroundings = around.borrow_and_update().clone();
            watcher.look(event, &surroundings, &mut of_session).await;
        }
        let unconfirmed = watcher.lock.is_unconfirmed();
        let waited = clock::now().since(watcher.requested_at).unwrap_or(Millis::ZERO);
        event = tokio::select! {
            message = next(&mut of_logind) => watcher.take(&message).await,
            message = next(&mut of_session) => watcher.take(&message).await,
            message = next(&mut of_savers) => watcher.take_saver(&message).await,
            result = around.changed() => match result {
                Ok(()) => Event::Look,
                Err(_) => return,
            },
            _ = clock::after(CONFIRM_WITHIN.saturating_sub(waited)), if unconfirmed => {
                watcher.evidence(Evidence::Lapsed).await;
                Event::Done
            }
            _ = clock::after(watcher.ask_again), if watcher.hangs => Event::Ask,
        };
    }
}

/// The next message; never, when there is nothing to listen to.
async fn next(streams: &mut SelectAll<MessageStream>) -> Message {
    loop {
        match streams.next().await {
            Some(Ok(message)) => return message,
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Done,
    /// The session must be looked for again.
    Look,
    /// So it must, and the screen savers must be asked.
    Ask,
}

struct Watcher {
    reporter: Reporter,
    system: Option<Connection>,
    bus_session: Option<Connection>,
    /// Who logind is, and who the screen savers are.
    logind: Owners,
    saver_owners: Owners,
    session: Option<OwnedObjectPath>,
    /// The session is one with a display: no better one will come as long as it is in front.
    graphical: bool,
    /// Somebody who is there did not answer.
    hangs: bool,
    ask_again: Millis,
    lock: LockFold,
    /// When a lock was last asked for.
    requested_at: Boot,
    locked: Option<bool>,
    active: Option<bool>,
    /// The screen savers that answer.
    savers: Vec<&'static str>,
    /// logind tells whether the session is locked.
    hinted: bool,
    sleep: Sleep,
    changed: Arc<Notify>,
}

impl Watcher {
    async fn subscribe(&self) -> SelectAll<MessageStream> {
        let mut streams = Vec::new();
        if let Some(system) = &self.system {
            for member in ["PrepareForSleep", "SessionNew", "SessionRemoved"] {
                let rule = rule(MANAGER, member).and_then(|rule| rule.sender(LOGIND)?.path(PATH));
                streams.extend(subscribe(system, rule).await);
            }
            // Another session of the person may come to the front after somebody else's, or a greeter's, had been.
            let seats = rule("org.freedesktop.DBus.Properties", "PropertiesChanged")
                .and_then(|rule| rule.sender(LOGIND)?.path_namespace(SEATS));
            streams.extend(subscribe(system, seats).await);
            let owner = rule(BUS, "NameOwnerChanged").and_then(|rule| rule.sender(BUS)?.add_arg(LOGIND));
            streams.extend(subscribe(system, owner).await);
        }
        select_all(streams)
    }

    /// Asks those who are to be asked, and again later if one of them hangs.
    async fn look(&mut self, event: Event, around: &Surroundings, of_session: &mut SelectAll<MessageStream>) {
        let again = self.hangs;
        self.hangs = false;
        if again || event == Event::Ask {
            self.ask_savers().await;
        }
        self.find(around, of_session).await;
        self.ask_again = match (again, self.hangs) {
            (true, true) => Millis::from_ms(self.ask_again.as_ms() * 2).min(ASK_AGAIN_MAX),
            _ => ASK_AGAIN,
        };
    }

    /// Finds the session, subscribes to it and states its levels.
    async fn find(&mut self, around: &Surroundings, of_session: &mut SelectAll<MessageStream>) {
        let Some(system) = self.system.clone() else {
            self.has_none("there is no system bus, so your session counts as in front", START_BUS).await;
            return;
        };
        match clock::within(PATIENCE, logind::find(&system, around)).await {
            Some(Ok(Some(path))) => {
                if self.session.as_ref() != Some(&path) {
                    of_session.clear();
                    of_session.extend(subscribe(&system, session_rule(&path)).await);
                    self.session = Some(path);
                }
                if self.read().await {
                    self.reporter.health("session", true, NAME, "logind tells whether it is in front").await;
                    self.state_lock(None).await;
                } else {
                    self.hangs = true;
                    self.is_silent().await;
                }
            }
            Some(Ok(None)) => {
                of_session.clear();
                self.has_none("logind knows no session of yours, so yours counts as in front", SEE_SESSIONS)
                    .await;
            }
            Some(Err(_)) => self.is_silent().await,
            None => {
                self.hangs = true;
                self.is_silent().await;
            }
        }
    }

    /// There is no session: it counts as in front.
    async fn has_none(&mut self, message: &str, fix: &str) {
        self.session = None;
        self.graphical = false;
        self.hinted = false;
        self.say_active(true).await;
        self.evidence(Evidence::Hint(false)).await;
        self.reporter.ill("session", "none", message, Some(fix)).await;
        self.state_lock(Some(fix)).await;
    }

    /// Nobody says anything of the session: what was known of it holds.
    async fn is_silent(&mut self) {
        if self.session.is_none() {
            return self
                .has_none("logind does not answer, so your session counts as in front", START_LOGIND)
                .await;
        }
        if self.active.is_none() {
            self.say_active(true).await;
            self.evidence(Evidence::Hint(false)).await;
        }
        let message = "logind does not answer, so what it said last holds";
        self.hinted = false;
        self.reporter.ill("session", "none", message, Some(START_LOGIND)).await;
        self.state_lock(Some(START_LOGIND)).await;
    }

    /// Says what tells of a lock. `fix`: what brings the session back, where there is none.
    async fn state_lock(&self, fix: Option<&str>) {
        let savers = self.savers.join(" and ");
        let logind = "logind (LockedHint)";
        match (self.hinted, savers.is_empty(), fix) {
            (true, true, _) => self.lock_told_by(NAME, logind).await,
            (true, false, _) => self.lock_told_by(NAME, &format!("{logind} and {savers}")).await,
            // Older than systemd 230, or a stand-in for logind: a screen saver does as well.
            (false, false, None) => self.lock_told_by("screensaver", &savers).await,
            (false, true, _) => {
                let message = "nothing tells when the screen is locked, so a locked screen may count until you are idle";
                self.reporter.ill("lock", "none", message, fix.or(Some(START_LOGIND))).await;
            }
            (false, false, Some(fix)) => {
                let message = format!("only {savers} tells when the screen is locked");
                self.reporter.ill("lock", "screensaver", &message, Some(fix)).await;
            }
        }
    }

    async fn lock_told_by(&self, backend: &'static str, who: &str) {
        self.reporter.health("lock", true, backend, &format!("told by {who}")).await;
    }

    /// Looks which screen savers there are, and which of them cover the screen.
    async fn ask_savers(&mut self) {
        let Some(session) = self.bus_session.clone() else { return };
        let before = std::mem::take(&mut self.savers);
        for (saver, answer) in lock::ask_savers(&session).await {
            match answer {
                Answer::Active(active) => {
                    self.savers.push(saver);
                    self.evidence(Evidence::Saver(saver, active)).await;
                }
                Answer::Absent => self.evidence(Evidence::Saver(saver, false)).await,
                Answer::Silent => {
                    self.hangs = true;
                    if before.contains(&saver) {
                        self.savers.push(saver);
                    }
                }
            }
        }
    }

    /// Reads the session's properties and states them; whether there was an answer.
    async fn read(&mut self) -> bool {
        let (Some(system), Some(path)) = (&self.system, &self.session) else { return false };
        let Some(Ok(state)) = clock::within(PATIENCE, logind::State::ask(system, path)).await else {
            return false;
        };
        self.graphical = state.graphical;
        self.hinted = state.locked.is_some();
        self.say_active(state.active.unwrap_or(true)).await;
        self.evidence(Evidence::Hint(state.locked.unwrap_or(false))).await;
        true
    }

    /// Takes what came from the session bus.
    async fn take_saver(&mut self, message: &Message) -> Event {
        if let Some(saver) = lock::saver_of(message) {
            if let Ok(active) = message.body().deserialize::<bool>()
                && self.saver_owners.sent(saver.names, message).await
            {
                self.evidence(Evidence::Saver(saver.interface, active)).await;
            }
        } else if is_of_bus(message) {
            // One that went away with the screen locked will not say that it is unlocked.
            self.saver_owners.forget();
            self.ask_savers().await;
            let lost = self.session.is_none();
            self.state_lock(lost.then(|| self.missing())).await;
        }
        Event::Done
    }

    /// Takes what came from the system bus.
    async fn take(&mut self, message: &Message) -> Event {
        if is_of_bus(message) {
            // logind is gone, or there is a new one, which has no inhibitor of ours. Look finds out which.
            self.logind.forget();
            self.sleep.release();
            self.delay_sleep().await;
            return Event::Look;
        }
        if !self.logind.sent(&[LOGIND], message).await {
            return Event::Done;
        }
        let header = message.header();
        let member = header.member().map(|member| member.as_str()).unwrap_or_default();
        match member {
            "PrepareForSleep" => {
                if let Ok(asleep) = message.body().deserialize::<bool>() {
                    self.reporter.fact(self.sleep.instant(asleep), Fact::Asleep(asleep)).await;
                    if asleep {
                        self.sleep.release();
                    } else {
                        self.delay_sleep().await;
                    }
                }
            }
            "Lock" => {
                self.requested_at = clock::now();
                self.evidence(Evidence::Request(true)).await;
            }
            "Unlock" => self.evidence(Evidence::Request(false)).await,
            "PropertiesChanged" => {
                self.read().await;
                return self.look_for_better();
            }
            "SessionNew" => {
                self.changed.notify_one();
                return self.look_for_better();
            }
            "SessionRemoved" => {
                let ours = message
                    .body()
                    .deserialize::<(String, OwnedObjectPath)>()
                    .is_ok_and(|(_, path)| self.session.as_ref() == Some(&path));
                return if ours { Event::Look } else { self.look_for_better() };
            }
            _ => {}
        }
        Event::Done
    }

    /// A session with a display that is in front stays ours; any other is only the best that there was.
    fn look_for_better(&self) -> Event {
        if self.graphical && self.active == Some(true) { Event::Done } else { Event::Look }
    }

    async fn delay_sleep(&mut self) {
        self.sleep.hold_back(self.system.as_ref(), &self.reporter).await;
    }

    /// What to do about a session that is not found.
    const fn missing(&self) -> &'static str {
        if self.system.is_some() { SEE_SESSIONS } else { START_BUS }
    }

    async fn evidence(&mut self, evidence: Evidence) {
        let locked = self.lock.take(evidence);
        if self.locked != Some(locked) {
            self.locked = Some(locked);
            self.say(Fact::Locked(locked)).await;
        }
    }

    async fn say_active(&mut self, active: bool) {
        if self.active != Some(active) {
            self.active = Some(active);
            self.say(Fact::SessionActive(active)).await;
            self.changed.notify_one();
        }
    }

    async fn say(&self, fact: Fact) {
        self.reporter.fact(clock::now(), fact).await;
    }
}

/// Everything that one session says: Lock, Unlock and PropertiesChanged.
fn session_rule(path: &OwnedObjectPath) -> zbus::Result<zbus::match_rule::Builder<'_>> {
    MatchRule::builder().msg_type(Type::Signal).sender(LOGIND)?.path(path.as_str())
}
