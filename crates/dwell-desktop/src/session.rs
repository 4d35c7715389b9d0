//! The login session, from logind (org.freedesktop.login1(5)): whether it is the one in front, whether it is locked,
//! and whether the machine goes to sleep.
//!
//! The session is the one that `XDG_SESSION_ID` names, else the one that this process is in, else the user's own
//! graphical one (a daemon of the user manager is in none). Without logind the session counts as in front, and the
//! health says so.
//!
//! A delay inhibitor holds the machine back from sleep until the fact is out: what is read after waking up would carry
//! the instant of waking up, and the night would count.

use std::sync::Arc;

use dwell_core::sample::Fact;
use dwell_core::time::{Boot, Millis};
use futures_util::StreamExt;
use futures_util::stream::{SelectAll, select_all};
use tokio::sync::{Notify, watch};
use zbus::message::Type;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{OwnedFd, OwnedObjectPath};
use zbus::{Connection, MatchRule, Message, MessageStream, Proxy};

use crate::idle::{PATIENCE, proxy, rule, subscribe};
use crate::lock::{self, CONFIRM_WITHIN, Evidence, LockFold};
use crate::report::Reporter;
use crate::{Buses, Surroundings, clock};

const LOGIND: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const PATH: &str = "/org/freedesktop/login1";
const NAME: &str = "logind";

/// The next step where there is no system bus, and so no logind, be it systemd's or elogind.
const START_BUS: &str = "start the system bus (dbus) and logind";
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
        system: buses.system,
        bus_session: buses.session,
        session: None,
        lock: LockFold::default(),
        requested_at: clock::now(),
        locked: None,
        active: None,
        savers: Vec::new(),
        hinted: false,
        sleep_delay: None,
        slept: clock::slept(),
        changed,
    };
    let mut streams = watcher.subscribe().await;
    let mut of_session = SelectAll::new();
    watcher.say(Fact::Asleep(false)).await;
    watcher.delay_sleep().await;
    let surroundings = around.borrow_and_update().clone();
    watcher.ask_savers().await;
    watcher.find(&surroundings, &mut of_session).await;
    loop {
        let unconfirmed = watcher.lock.is_unconfirmed();
        let waited = clock::now().since(watcher.requested_at).unwrap_or(Millis::ZERO);
        let event = tokio::select! {
            message = next(&mut streams) => watcher.take(&message).await,
            message = next(&mut of_session) => watcher.take(&message).await,
            result = around.changed() => match result {
                Ok(()) => Event::Look,
                Err(_) => return,
            },
            _ = clock::after(CONFIRM_WITHIN.saturating_sub(waited)), if unconfirmed => {
                watcher.evidence(Evidence::Lapsed).await;
                Event::Done
            }
        };
        match event {
            Event::Done => {}
            Event::Look => {
                let surroundings = around.borrow_and_update().clone();
                watcher.find(&surroundings, &mut of_session).await;
            }
        }
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

enum Event {
    Done,
    /// The session must be looked for again.
    Look,
}

struct Watcher {
    reporter: Reporter,
    system: Option<Connection>,
    bus_session: Option<Connection>,
    session: Option<OwnedObjectPath>,
    lock: LockFold,
    /// When a lock was last asked for.
    requested_at: Boot,
    locked: Option<bool>,
    active: Option<bool>,
    /// The screen savers that answer.
    savers: Vec<&'static str>,
    /// logind tells whether the session is locked.
    hinted: bool,
    sleep_delay: Option<OwnedFd>,
    slept: Millis,
    changed: Arc<Notify>,
}

impl Watcher {
    async fn subscribe(&self) -> SelectAll<MessageStream> {
        let mut streams = Vec::new();
        if let Some(system) = &self.system {
            for member in ["PrepareForSleep", "SessionNew", "SessionRemoved"] {
                streams.extend(subscribe(system, rule(MANAGER, member).and_then(|r| r.path(PATH))).await);
            }
            let owner = rule("org.freedesktop.DBus", "NameOwnerChanged").and_then(|r| r.add_arg(LOGIND));
            streams.extend(subscribe(system, owner).await);
        }
        if let Some(session) = &self.bus_session {
            streams.extend(lock::savers(session).await);
        }
        select_all(streams)
    }

    /// Finds the session, subscribes to it and states its levels.
    async fn find(&mut self, around: &Surroundings, of_session: &mut SelectAll<MessageStream>) {
        let found = match &self.system {
            Some(system) => match clock::within(PATIENCE, find_session(system, around)).await {
                Some(Ok(path)) => Ok(path),
                _ => Err(("logind knows no session of yours, so yours counts as in front", SEE_SESSIONS)),
            },
            None => Err(("there is no system bus, so your session counts as in front", START_BUS)),
        };
        match found {
            Ok(path) => {
                if self.session.as_ref() != Some(&path) {
                    of_session.clear();
                    if let Some(system) = &self.system {
                        of_session.extend(subscribe(system, session_rule(&path)).await);
                    }
                    self.session = Some(path);
                }
                self.read().await;
                self.reporter.health("session", true, NAME, "logind tells whether it is in front").await;
                self.state_lock(None).await;
            }
            Err((message, fix)) => {
                of_session.clear();
                self.session = None;
                self.say_active(true).await;
                self.evidence(Evidence::Hint(false)).await;
                self.reporter.ill("session", "none", message, Some(fix)).await;
                self.hinted = false;
                self.state_lock(Some(fix)).await;
            }
        }
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

    /// Looks which screen savers there are, and whether one covers the screen.
    async fn ask_savers(&mut self) {
        let Some(session) = self.bus_session.clone() else { return };
        let (savers, active) = lock::ask_savers(&session).await;
        self.savers = savers;
        self.evidence(Evidence::Saver(active)).await;
    }

    /// Reads the session's properties and states them.
    async fn read(&mut self) {
        let (Some(system), Some(path)) = (self.system.clone(), self.session.clone()) else { return };
        let ask = async {
            let session = proxy(&system, LOGIND, path.as_str(), SESSION).await?;
            let active: bool = session.get_property("Active").await?;
            // Older than systemd 230, and logind's stand-ins, have no LockedHint.
            Ok::<_, zbus::Error>((active, session.get_property::<bool>("LockedHint").await.ok()))
        };
        if let Some(Ok((active, locked))) = clock::within(PATIENCE, ask).await {
            self.say_active(active).await;
            self.hinted = locked.is_some();
            self.evidence(Evidence::Hint(locked.unwrap_or(false))).await;
        }
    }

    async fn take(&mut self, message: &Message) -> Event {
        let header = message.header();
        let member = header.member().map(|member| member.as_str()).unwrap_or_default();
        match member {
            "PrepareForSleep" => {
                if let Ok(asleep) = message.body().deserialize::<bool>() {
                    self.sleep(asleep).await;
                }
            }
            "Lock" => {
                self.requested_at = clock::now();
                self.evidence(Evidence::Request(true)).await;
            }
            "Unlock" => self.evidence(Evidence::Request(false)).await,
            "ActiveChanged" => {
                if let Ok(active) = message.body().deserialize::<bool>() {
                    self.evidence(Evidence::Saver(active)).await;
                }
            }
            "PropertiesChanged" => self.read().await,
            "NameOwnerChanged" if !is_of_logind(message) => {
                // One that went away with the screen locked will not say that it is unlocked.
                self.ask_savers().await;
                let lost = self.session.is_none();
                self.state_lock(lost.then(|| self.missing())).await;
            }
            "NameOwnerChanged" => {
                // A new logind has no inhibitor of ours.
                self.sleep_delay = None;
                self.delay_sleep().await;
                return Event::Look;
            }
            "SessionNew" => {
                self.changed.notify_one();
                // A session that was found stays ours for as long as it lives.
                if self.session.is_none() {
                    return Event::Look;
                }
            }
            "SessionRemoved" => {
                let ours = message
                    .body()
                    .deserialize::<(String, OwnedObjectPath)>()
                    .is_ok_and(|(_, path)| self.session.as_ref() == Some(&path));
                if ours {
                    return Event::Look;
                }
            }
            _ => {}
        }
        Event::Done
    }

    async fn sleep(&mut self, asleep: bool) {
        let mut at = clock::now();
        if asleep {
            // Held back, we are in time. If not, and this is read after waking up, the sleep has already been.
            let slept = clock::slept().saturating_sub(self.slept);
            if slept >= Millis::from_secs(1) {
                at = at - slept;
            }
        }
        self.slept = clock::slept();
        self.reporter.fact(at, Fact::Asleep(asleep)).await;
        if asleep {
            self.sleep_delay = None;
        } else {
            self.delay_sleep().await;
        }
    }

    /// Takes the delay inhibitor. Without it (refused, no logind) sleep is still noticed, if late.
    async fn delay_sleep(&mut self) {
        let Some(system) = &self.system else {
            return self
                .reporter
                .health("sleep", true, "none", "noticed from the clocks, after waking up")
                .await;
        };
        let ask = async {
            let manager = proxy(system, LOGIND, PATH, MANAGER).await?;
            let what = ("sleep", "dwell", "screen time ends where sleep begins", "delay");
            manager.call_with_flags::<_, _, OwnedFd>("Inhibit", MethodFlags::NoAutoStart.into(), &what).await
        };
        self.sleep_delay = clock::within(PATIENCE, ask).await.and_then(Result::ok).flatten();
        let message = if self.sleep_delay.is_some() {
            "held back until it is noted (PrepareForSleep, delay inhibitor)"
        } else {
            "noticed from the clocks, after waking up; logind gives no delay inhibitor"
        };
        self.reporter.health("sleep", true, NAME, message).await;
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

fn is_of_logind(message: &Message) -> bool {
    message.body().deserialize::<(String, String, String)>().is_ok_and(|(name, ..)| name == LOGIND)
}

/// Everything that one session says: Lock, Unlock and PropertiesChanged.
fn session_rule(path: &OwnedObjectPath) -> zbus::Result<zbus::match_rule::Builder<'_>> {
    MatchRule::builder().msg_type(Type::Signal).path(path.as_str())
}

async fn find_session(system: &Connection, around: &Surroundings) -> zbus::Result<OwnedObjectPath> {
    let manager = proxy(system, LOGIND, PATH, MANAGER).await?;
    if let Some(id) = around.get("XDG_SESSION_ID")
        && let Ok(path) = ask(&manager, "GetSession", &id).await
    {
        return Ok(path);
    }
    if let Ok(path) = ask(&manager, "GetSessionByPID", &std::process::id()).await {
        return Ok(path);
    }
    let uid = rustix::process::getuid().as_raw();
    let user: zbus::Result<OwnedObjectPath> = ask(&manager, "GetUser", &uid).await;
    if let Ok(user) = user {
        let user = proxy(system, LOGIND, user.as_str(), "org.freedesktop.login1.User").await?;
        // The user's own graphical session; logind gives an empty id where there is none.
        if let Ok((id, path)) = user.get_property::<(String, OwnedObjectPath)>("Display").await
            && !id.is_empty()
        {
            return Ok(path);
        }
    }
    let all: Vec<(String, u32, String, String, OwnedObjectPath)> = ask(&manager, "ListSessions", &()).await?;
    let mut mine = all.into_iter().filter(|(_, of, ..)| *of == uid).map(|(.., path)| path);
    let mut first = None;
    for path in mine.by_ref() {
        let session = proxy(system, LOGIND, path.as_str(), SESSION).await?;
        if session.get_property::<bool>("Active").await.unwrap_or(false) {
            return Ok(path.clone());
        }
        first.get_or_insert(path.clone());
    }
    first.ok_or_else(|| zbus::Error::Failure("no session".into()))
}

/// A call that starts no service.
async fn ask<B, R>(manager: &Proxy<'_>, method: &str, body: &B) -> zbus::Result<R>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
    R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    let reply = manager.call_with_flags(method, MethodFlags::NoAutoStart.into(), body).await?;
    reply.ok_or_else(|| zbus::Error::Failure("no reply".into()))
}
