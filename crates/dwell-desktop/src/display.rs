//! Finding the display, keeping one back end attached to it, and taking it up again when it comes back.
//!
//! "No display yet" is a state, not an error: the daemon may be started before the compositor, or over ssh. While there
//! is none, nothing runs but what waits for one: the runtime folder and the X servers' folder (inotify), the user
//! manager's environment, logind's sessions, and `dwelld attach`. After each sign, and after each loss, the display is
//! tried a few times within some seconds ([`RETRIES`]), because a socket appears before anybody answers on it.

use std::path::PathBuf;
use std::sync::Arc;

use dwell_core::time::Millis;
use futures_util::stream::SelectAll;
use futures_util::{Stream, StreamExt};
use tokio::sync::{Notify, mpsc, watch};
use zbus::proxy::MethodFlags;
use zbus::{Connection, MessageStream};

use crate::apps::Apps;
use crate::away::Away;
use crate::backends::{ATTACH, Backend, Context, Down};
use crate::detect::{self, Choice, X11_SOCKETS, choose, look};
use crate::freezer::WhyNot;
use crate::idle::{PATIENCE, proxy, rule, subscribe};
use crate::report::Reporter;
use crate::senders::BUS;
use crate::watch::Watch;
use crate::{Buses, Settings, Surroundings, WindowAct, clock, compositor, freezer};

/// The waits between attempts, in milliseconds. Then only a new sign starts another row.
const RETRIES: &[u64] = &[50, 100, 200, 400, 800, 1600];
/// The wait after them while something answers on the display's socket, but not as a display does: a desktop that is
/// still starting, a server that is stopped or that refuses us. No event tells when that ends.
const RETRY: u64 = 2000;
/// How often that is waited, some half a minute, before it is given up on as a desktop that starts.
const RETRY_TIMES: usize = 15;
/// The wait after that.
const SLOW_RETRY: u64 = 30_000;
/// A display that has not answered by then is stopped or stuck. It is waited for, and that is said.
const ANSWERS_WITHIN: Millis = Millis::from_secs(5);
/// The names on the session bus by which two desktops are known.
const GNOME: &str = crate::backends::gnome::SHELL;
const KWIN: &str = "org.kde.KWin";
/// A back end that ran at least this long had a display: its loss starts the row of attempts anew.
const RAN: Millis = Millis::from_secs(2);

/// Everything that the supervisor is given.
pub(crate) struct Supervisor {
    pub(crate) reporter: Reporter,
    pub(crate) apps: Apps,
    pub(crate) buses: Buses,
    /// What the caller was started with.
    pub(crate) given: Surroundings,
    /// What `dwelld attach` told last; empty before.
    pub(crate) attached: watch::Receiver<Surroundings>,
    pub(crate) settings: watch::Receiver<Settings>,
    pub(crate) sessions: Arc<Notify>,
    pub(crate) acts: mpsc::UnboundedReceiver<WindowAct>,
    /// What dwell itself put out of sight on that display.
    pub(crate) away: Away,
    /// The display that was worked with last.
    pub(crate) last: Option<Choice>,
}

/// Why the waiting for a display, or the work with it, was interrupted.
enum Sign {
    /// Something changed: look again.
    Look,
    /// The next attempt of a row is due.
    Retry,
    /// The caller has gone.
    End,
}

impl Supervisor {
    /// Runs until the caller goes.
    pub(crate) async fn run(mut self) {
        let mut attempt = 0;
        self.reporter.found_freezer(freezer::look(self.buses.session.as_ref()).await);
        loop {
            let mut answers = false;
            // Made before looking, so that nothing that appears in between is missed.
            let mut watch = Watch::new(self.folders().iter().map(PathBuf::as_path));
            let mut shells = self.shells().await;
            let (choice, around) = self.choose().await;
            match Backend::of(&choice) {
                Some(backend) => {
                    // While there is a display, others' sockets that come and go are nobody's business.
                    drop((watch, shells));
                    let began = clock::now();
                    match self.work(&backend, &choice, around).await {
                        Ok(Sign::End) => return,
                        Ok(Sign::Look | Sign::Retry) => continue,
                        // Found out by connecting, so the next choice is another one.
                        Err(Down::Better) => continue,
                        Err(down) => {
                            self.away.clear();
                            if clock::now().since(began).is_some_and(|ran| ran >= RAN) {
                                attempt = 0;
                            }
                            answers = !matches!(down, Down::Lacks(_) | Down::Unsupported(_));
                            // What appears from here on; what came before, the first attempt finds.
                            watch = Watch::new(self.folders().iter().map(PathBuf::as_path));
                            shells = self.shells().await;
                            // A desktop that was still starting is another choice by now.
                            if !answers && self.choose().await.0 != choice {
                                continue;
                            }
                            self.lost(backend.name(), &down).await;
                        }
                    }
                }
                None => self.none(&choice).await,
            }
            let later = if attempt < RETRIES.len() + RETRY_TIMES { RETRY } else { SLOW_RETRY };
            let retry = RETRIES.get(attempt).copied().or(answers.then_some(later));
            match self.wait(&watch, &mut shells, retry).await {
                Sign::End => return,
                Sign::Retry => attempt += 1,
                Sign::Look => attempt = 0,
            }
        }
    }

    /// Runs a back end, until it ends or another display is the better choice.
    async fn work(&mut self, backend: &Backend, choice: &Choice, around: Surroundings) -> Result<Sign, Down> {
        let context = Context {
            reporter: self.reporter.clone(),
            apps: self.apps.clone(),
            settings: self.settings.borrow_and_update().clone(),
            buses: self.buses.clone(),
            away: self.away.clone(),
            around,
        };
        let naming = compositor::say(
            context.reporter.clone(),
            backend.name(),
            choice.clone(),
            context.around.clone(),
            self.buses.session.clone(),
        );
        self.reporter.want_terminal_programs(context.settings.terminal_programs);
        self.attached.mark_unchanged();
        self.reporter.begin();
        // What another display told does not hold on this one, also if this one tells nothing.
        if self.last.replace(choice.clone()).is_some_and(|last| last != *choice) {
            self.away.clear();
            self.reporter.unknown(clock::now()).await;
        }
        let mut acts = std::mem::replace(&mut self.acts, mpsc::unbounded_channel().1);
        let sign = {
            let mut run = std::pin::pin!(backend.run(context, &mut acts));
            let (mut naming, mut named) = (std::pin::pin!(naming), false);
            let mut overdue = std::pin::pin!(clock::after(ANSWERS_WITHIN));
            let mut waiting = true;
            loop {
                tokio::select! {
                    _ = &mut overdue, if waiting => {
                        waiting = false;
                        // Who has said anything, be it what is wrong, has answered.
                        if !self.reporter.has_heard() {
                            let message = "the display does not answer; it is taken up when it does";
                            self.say_unknown(backend.name(), message, None).await;
                        }
                    }
                    down = &mut run => {
                        if matches!(down, Err(Down::Lacks(_) | Down::Unsupported(_))) && !named {
                            // Who sees that a desktop is not supported wants to see which.
                            naming.await;
                        }
                        break down.map(|never| match never {});
                    }
                    () = &mut naming, if !named => named = true,
                    changed = self.attached.changed() => match changed {
                        Ok(()) if &self.choose().await.0 == choice => {}
                        Ok(()) => break Ok(Sign::Look),
                        Err(_) => break Ok(Sign::End),
                    },
                    changed = self.settings.changed() => {
                        break Ok(if changed.is_ok() { Sign::Look } else { Sign::End });
                    }
                }
            }
        };
        self.acts = acts;
        sign
    }

    /// The display was there and is not any more, or would not have us.
    async fn lost(&mut self, backend: &'static str, down: &Down) {
        let (message, fix) = down.told();
        if !matches!(down, Down::Lacks(_) | Down::Unsupported(_)) {
            self.reporter.ill("desktop", backend, &message, fix.as_deref()).await;
        }
        self.say_unknown(backend, &message, fix.as_deref()).await;
    }

    /// There is no display to attach to.
    async fn none(&mut self, choice: &Choice) {
        let Choice::Waiting(why) = choice else { return };
        let message = format!("no display yet: {why}; it is taken up when you log in to a desktop");
        self.reporter.ill("desktop", "none", &message, Some(ATTACH)).await;
        self.say_unknown("none", &message, Some(ATTACH)).await;
    }

    async fn say_unknown(&mut self, backend: &'static str, message: &str, fix: Option<&str>) {
        self.reporter.unknown(clock::now()).await;
        self.reporter.ill("focus", backend, message, fix).await;
        self.reporter.ill("idle", backend, message, fix).await;
        self.reporter.health("windows", true, backend, "none are known of").await;
    }

    /// Waits for a sign, or for the next attempt of a row.
    async fn wait(
        &mut self,
        watch: &Watch,
        shells: &mut Option<SelectAll<MessageStream>>,
        retry: Option<u64>,
    ) -> Sign {
        // systemd itself does not announce a changed environment in every version; where it does, this hears it.
        let mut environment: Option<MessageStream> = match &self.buses.session {
            Some(session) => {
                let changed = rule("org.freedesktop.DBus.Properties", "PropertiesChanged")
                    .and_then(|rule| rule.path("/org/freedesktop/systemd1"));
                subscribe(session, changed).await
            }
            None => None,
        };
        loop {
            tokio::select! {
                () = watch.appeared(detect::may_be_display) => return Sign::Look,
                _ = clock::after(Millis::from_ms(retry.unwrap_or(0))), if retry.is_some() => return Sign::Retry,
                changed = self.attached.changed() => return if changed.is_ok() { Sign::Look } else { Sign::End },
                changed = self.settings.changed() => return if changed.is_ok() { Sign::Look } else { Sign::End },
                () = self.sessions.notified() => return Sign::Look,
                () = next(&mut environment) => return Sign::Look,
                () = next(shells) => return Sign::Look,
                // Without a display there are no windows to do anything to.
                act = self.acts.recv() => match act {
                    Some(WindowAct::FindUnits(app)) => self.reporter.units(&app, Err(WhyNot::NoWindow)).await,
                    Some(_) => {}
                    None => return Sign::End,
                },
            }
        }
    }

    /// Speaks when a desktop that is known by its name on the session bus takes that name. Its Wayland socket may have
    /// been there long before.
    async fn shells(&self) -> Option<SelectAll<MessageStream>> {
        let session = self.buses.session.as_ref()?;
        let mut streams = SelectAll::new();
        for name in [GNOME, KWIN] {
            let owner = rule(BUS, "NameOwnerChanged").and_then(|rule| rule.sender(BUS)?.add_arg(name));
            streams.extend(subscribe(session, owner).await);
        }
        Some(streams)
    }

    /// The folders in which a display's socket appears.
    fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = [&*self.attached.borrow(), &self.given]
            .iter()
            .filter_map(|around| around.path("XDG_RUNTIME_DIR"))
            .chain([PathBuf::from(X11_SOCKETS)])
            .collect();
        folders.dedup();
        folders
    }

    /// The first display that one of the surroundings leads to, newest first; else why there is none.
    async fn choose(&self) -> (Choice, Surroundings) {
        let attached = self.attached.borrow().clone();
        let mut none = None;
        for source in [Source::Known(&attached), Source::Known(&self.given), Source::UserManager] {
            let around = match source {
                Source::Known(around) => around.clone(),
                Source::UserManager => match self.user_manager().await {
                    Some(around) => around.or(&self.given),
                    None => continue,
                },
            };
            let mut seen = look(&around);
            if seen.wayland.is_some() && !seen.has_ipc() {
                (seen.gnome, seen.kwin) = (self.owned(GNOME).await, self.owned(KWIN).await);
            }
            let choice = choose(&seen);
            if choice.attaches() {
                return (choice, around);
            }
            none.get_or_insert((choice, around));
        }
        none.unwrap_or((Choice::Waiting("nothing is known of a session"), attached))
    }

    /// The environment of the systemd user manager, into which desktops import their display.
    async fn user_manager(&self) -> Option<Surroundings> {
        let session = self.buses.session.as_ref()?;
        let ask = async {
            let name = "org.freedesktop.systemd1";
            let properties =
                proxy(session, name, "/org/freedesktop/systemd1", "org.freedesktop.DBus.Properties").await?;
            let what = ("org.freedesktop.systemd1.Manager", "Environment");
            properties
                .call_with_flags::<_, _, zbus::zvariant::OwnedValue>(
                    "Get",
                    MethodFlags::NoAutoStart.into(),
                    &what,
                )
                .await
        };
        let value = clock::within(PATIENCE, ask).await?.ok()??;
        let lines: Vec<String> = value.try_into().ok()?;
        Some(Surroundings::new(lines.iter().filter_map(|line| line.split_once('='))))
    }

    async fn owned(&self, name: &str) -> bool {
        let Some(session) = &self.buses.session else { return false };
        has_owner(session, name).await.unwrap_or(false)
    }
}

enum Source<'a> {
    Known(&'a Surroundings),
    UserManager,
}

async fn has_owner(bus: &Connection, name: &str) -> zbus::Result<bool> {
    let daemon = proxy(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus").await?;
    daemon.call("NameHasOwner", &name).await
}

async fn next(stream: &mut Option<impl Stream + Unpin>) {
    let Some(messages) = stream else { return std::future::pending().await };
    if messages.next().await.is_none() {
        // The bus has gone; do not ask it again and again.
        *stream = None;
        std::future::pending::<()>().await;
    }
}
