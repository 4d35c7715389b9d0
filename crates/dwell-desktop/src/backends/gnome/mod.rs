//! GNOME Shell on Wayland, which tells nobody what has focus but an extension: dwell's own (`integrations/gnome-shell`),
//! over the session bus.
//!
//! The extension answers the owner of dwell's bus name alone, and tells it of each change by a signal that nobody else
//! gets. GNOME Shell switches extensions off while the screen is locked, so its name on the bus comes and goes with
//! the lock; that is no failure. Any other absence is one, and is told with what mends it.
//!
//! Everything here is over the bus: a shell that ends loses its names there, and with them its idle watches. One that is
//! stopped or stuck keeps them, so while time runs it is asked for a sign of life when nothing was heard for long.

mod extension;
mod idle;

use std::convert::Infallible;
use std::path::PathBuf;

use dwell_core::time::{Boot, Millis};
use futures_util::StreamExt;
use futures_util::stream::{SelectAll, select_all};
use tokio::sync::mpsc;
use zbus::{Connection, Message, MessageStream};

use self::extension::{Answer, Extension, Told};
use self::idle::Watches;
use super::ipc;
use super::{Abilities, Context, Down};
use crate::freezer::Processes;
use crate::idle::{Inhibitors, rule, subscribe};
use crate::report::Levels;
use crate::{WindowAct, clock};

/// This back end's name in [`crate::Health::backend`].
pub(crate) const NAME: &str = "gnome";

pub(crate) const ABILITIES: Abilities = Abilities { pid: true, close: true, minimise: true };

/// The shell's own name on the bus.
pub(crate) const SHELL: &str = "org.gnome.Shell";

/// How long the extension may be away before that is told. The shell switches it off some 0.3 s before the lock is told
/// of, and on again when the lock ends.
const GRACE: Millis = Millis::from_secs(2);

/// The GNOME Shell back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gnome {
    pub(crate) wayland: PathBuf,
}

impl Gnome {
    /// Attaches and runs until GNOME Shell goes.
    pub(crate) async fn run(
        &self,
        context: Context,
        acts: &mut mpsc::UnboundedReceiver<WindowAct>,
    ) -> Result<Infallible, Down> {
        let bus = context.buses.session.clone().ok_or(Down::Lacks(
            "GNOME Shell is reached over the session bus, and there is none; start dwelld in the session",
        ))?;
        wait_for_sign_of_life(&bus, &context).await;
        let mut inhibitors = Inhibitors::new(context.buses.clone()).await;
        let mut messages = subscriptions(&bus).await;
        let shell = owner(&bus, SHELL).await?.ok_or(ended())?;
        let mut session = Session {
            extension: Extension::new(&bus),
            shell,
            idle_after: context.settings.idle_after,
            watches: None,
            levels: Levels::new(context.reporter.clone()),
            locked: is_covered(&bus).await,
            told: false,
            counts: Counts { focus: false, present: true },
            unseen_from: Some(clock::now() - GRACE),
            front: None,
            bus,
            context,
        };
        session.watch_idle(&inhibitors).await?;
        session.look_for_extension().await?;
        if !session.told {
            // What another display told last is not what has focus here.
            session.levels.focus_unknown(clock::now()).await;
        }
        if session.locked && !session.told {
            session.say_locked().await;
        }
        loop {
            let wait = session.patience();
            let (counts, idle_after) = (session.is_counting(), session.idle_after);
            tokio::select! {
                message = messages.next() => match message {
                    Some(Ok(message)) => session.take(&message, &inhibitors).await?,
                    Some(Err(_)) => {}
                    None => return Err(Down::Ended("the session bus")),
                },
                () = inhibitors.changed() => session.look_at_idle(&inhibitors).await?,
                act = acts.recv() => match act {
                    Some(act) => {
                        session.act(&act).await;
                        session.levels.acted(&act);
                    }
                    None => std::future::pending().await,
                },
                _ = clock::after(wait.unwrap_or(Millis::ZERO)), if wait.is_some() => session.say_absent().await,
                // Every word from the shell begins this wait anew.
                _ = clock::after(idle_after), if counts => session.require_sign_of_life().await?,
            }
        }
    }
}

/// Everything on the bus that matters here.
async fn subscriptions(bus: &Connection) -> SelectAll<MessageStream> {
    const BUS: &str = "org.freedesktop.DBus";
    let rules = [
        rule(BUS, "NameOwnerChanged").and_then(|rule| rule.sender(BUS)?.add_arg(SHELL)),
        rule(BUS, "NameOwnerChanged").and_then(|rule| rule.sender(BUS)?.add_arg(extension::NAME)),
        rule(extension::NAME, "FocusChanged").and_then(|rule| rule.path(extension::PATH)),
        rule(BUS, "NameOwnerChanged").and_then(|rule| rule.sender(BUS)?.add_arg(idle::INTERFACE)),
        rule("org.gnome.ScreenSaver", "ActiveChanged"),
        rule(idle::INTERFACE, "WatchFired").and_then(|rule| rule.path(idle::PATH)),
    ];
    let mut streams = Vec::new();
    for rule in rules {
        streams.extend(subscribe(bus, rule).await);
    }
    select_all(streams)
}

struct Session {
    bus: Connection,
    /// The unique name of the shell. What claims to come from it, or from its extension, must come from here.
    shell: String,
    extension: Extension,
    idle_after: Millis,
    /// `None` while the shell has no idle monitor: it takes that name later than its own.
    watches: Option<Watches>,
    context: Context,
    levels: Levels,
    /// The shell covers the screen.
    locked: bool,
    /// The shell's number for the window in front.
    front: Option<u64>,
    /// The extension, as it is there now, has told what has focus.
    told: bool,
    counts: Counts,
    /// Since when it has not, while that has not been said.
    unseen_from: Option<Boot>,
}

/// What makes time run, as it was last stated.
struct Counts {
    /// A window has focus.
    focus: bool,
    /// Somebody is there, be it that a film plays.
    present: bool,
}

impl Session {
    async fn take(&mut self, message: &Message, inhibitors: &Inhibitors) -> Result<(), Down> {
        let header = message.header();
        let member = header.member().map(|member| member.as_str()).unwrap_or_default();
        let from_shell = header.sender().is_some_and(|sender| sender.as_str() == self.shell);
        match member {
            "NameOwnerChanged" => match message.body().deserialize::<(String, String, String)>() {
                Ok((name, ..)) if name == SHELL => return Err(ended()),
                Ok((name, _, new)) if name == idle::INTERFACE => {
                    if !new.is_empty() {
                        self.watch_idle(inhibitors).await?;
                    }
                }
                Ok((_, _, new)) if new.is_empty() => self.lose_extension().await,
                Ok(_) => self.look_for_extension().await?,
                Err(_) => {}
            },
            "FocusChanged" if from_shell => {
                if let Ok(told) = message.body().deserialize::<Told>() {
                    self.say_focus(told).await;
                }
            }
            "ActiveChanged" if from_shell => {
                self.locked = message.body().deserialize::<bool>().unwrap_or(self.locked);
                if !self.told {
                    // Back from the lock, the extension has some time to come back, too.
                    self.unseen_from = Some(clock::now());
                }
            }
            "WatchFired" if from_shell => {
                let fired = message.body().deserialize::<u32>();
                if let (Some(watches), Ok(id)) = (&mut self.watches, fired)
                    && watches.has_fired(id)
                {
                    self.look_at_idle(inhibitors).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks the extension what has focus, if it is there and the shell's own.
    async fn look_for_extension(&mut self) -> Result<(), Down> {
        if owner(&self.bus, extension::NAME).await?.as_ref() != Some(&self.shell) {
            return Ok(());
        }
        match self.extension.focus().await {
            Answer::Is(told) => self.say_focus(told).await,
            // It does not know yet that dwell's name is ours, and tells us as soon as it does.
            Answer::Refused => self.unseen_from = Some(clock::now()),
            Answer::None => return Err(silent()),
        }
        Ok(())
    }

    const fn is_counting(&self) -> bool {
        self.told && self.counts.focus && self.counts.present
    }

    /// Ends the back end if the shell does not answer.
    async fn require_sign_of_life(&self) -> Result<(), Down> {
        clock::within(ipc::PATIENCE, is_there(&self.bus)).await.ok_or_else(silent)
    }

    async fn say_focus(&mut self, told: Told) {
        let at = clock::now();
        self.told = true;
        self.unseen_from = None;
        self.levels.attached(NAME, "GNOME Shell's extension tells what has focus", ABILITIES).await;
        let app = told.window().map(|window| self.context.apps.identify(&window));
        let front = told.id();
        if self.front != front
            && let Some(front) = front
        {
            self.context.away.seen(front);
        }
        self.front = front;
        self.counts.focus = app.is_some();
        self.levels.focus(at, app).await;
    }

    async fn lose_extension(&mut self) {
        if std::mem::take(&mut self.told) {
            let at = clock::now();
            self.unseen_from = Some(at);
            self.levels.focus_unknown(at).await;
        }
    }

    /// How long until it must be said that the extension is not there; `None` when it is, has been said not to be, or
    /// cannot be.
    fn patience(&self) -> Option<Millis> {
        let from = self.unseen_from.filter(|_| !self.told && !self.locked)?;
        Some(GRACE.saturating_sub(clock::now().since(from).unwrap_or(Millis::ZERO)))
    }

    async fn say_absent(&mut self) {
        self.unseen_from = None;
        let (wrong, fix) = self.extension.why_absent().await;
        self.levels.ill("focus", NAME, wrong, fix).await;
        self.levels.health("windows", true, NAME, "none are known of").await;
    }

    async fn say_locked(&self) {
        let message = "the screen is locked; GNOME Shell's extension tells what has focus when that ends";
        self.levels.health("focus", true, NAME, message).await;
    }

    /// Has the shell tell of idleness, if it can by now.
    async fn watch_idle(&mut self, inhibitors: &Inhibitors) -> Result<(), Down> {
        self.watches = match owner(&self.bus, idle::INTERFACE).await? {
            Some(_) => Some(Watches::new(&self.bus, self.idle_after).await.ok_or_else(silent)?),
            None => None,
        };
        if self.watches.is_some() {
            self.levels.health("idle", true, NAME, "GNOME Shell tells when there is no input").await;
        } else {
            let message = "GNOME Shell does not tell when there is no input, so you always count as present";
            self.levels.ill("idle", NAME, message, Some("log out and in")).await;
        }
        self.look_at_idle(inhibitors).await
    }

    async fn look_at_idle(&mut self, inhibitors: &Inhibitors) -> Result<(), Down> {
        let since = match &mut self.watches {
            // The shell tells of no idleness while it is inhibited: ask now, or it is never known.
            Some(watches) => watches.look(inhibitors.any().await).await.ok_or_else(silent)?,
            None => None,
        };
        self.counts.present = since.is_none();
        self.levels.idle(clock::now(), since).await;
        Ok(())
    }

    /// Does something to every window of a program.
    async fn act(&self, act: &WindowAct) {
        let windows = match self.extension.windows().await {
            Answer::Is(windows) => windows,
            Answer::Refused | Answer::None => Vec::new(),
        };
        // While the screen is locked none are told of, and all are still there.
        if !windows.is_empty() {
            let is = |told: &Told, id: &str| told.id().is_some_and(|own| own.to_string() == id);
            self.context.away.keep(|id| windows.iter().any(|told| is(told, id)));
        }
        let (mut ids, mut processes) = (Vec::new(), Processes::default());
        for told in &windows {
            let (Some(window), Some(id)) = (told.window(), told.id()) else { continue };
            let is_meant = match act {
                WindowAct::Restore(app) => self.context.away.take(id, app).is_some(),
                _ => act.is_for(&self.context.apps.identify(&window)),
            };
            processes.note(is_meant, window.pid);
            if let (WindowAct::Minimise(app), true, Some(false)) = (act, is_meant, told.minimised()) {
                self.context.away.put(id, app, None);
            }
            if is_meant {
                ids.push(id);
            }
        }
        // The active one last: so none of the others becomes active for a moment, as if the person had chosen it.
        ids.sort_by_key(|id| Some(*id) == self.front);
        if !self.context.is_done(act, &processes).await && !ids.is_empty() {
            self.extension.act(act, &ids).await;
        }
    }
}

/// Who owns a name on the bus.
async fn owner(bus: &Connection, name: &str) -> Result<Option<String>, Down> {
    let ask = async {
        let daemon =
            crate::idle::proxy(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
                .await?;
        daemon.call::<_, _, String>("GetNameOwner", &name).await
    };
    match clock::within(crate::idle::PATIENCE, ask).await {
        Some(Ok(owner)) => Ok(Some(owner)),
        Some(Err(zbus::Error::MethodError(..))) => Ok(None),
        Some(Err(_)) | None => Err(Down::Ended("the session bus")),
    }
}

/// Whether the shell covers the screen. Asked of the shell itself: `org.gnome.ScreenSaver` is a service beside it that
/// runs only once somebody has started it.
async fn is_covered(bus: &Connection) -> bool {
    matches!(clock::within(crate::idle::PATIENCE, ask_covered(bus)).await, Some(Ok(true)))
}

async fn ask_covered(bus: &Connection) -> zbus::Result<bool> {
    crate::idle::proxy(bus, SHELL, "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver")
        .await?
        .call("GetActive", &())
        .await
}

/// Waits until the shell has answered anything, which takes for ever while it is stopped or stuck. That it is gone is an
/// answer, too: the bus gives it.
async fn is_there(bus: &Connection) {
    let _ = ask_covered(bus).await;
}

/// A shell that is stopped is waited for here, before there is anything that tells of it: so it is taken up at once when
/// it goes on, and nothing that it is told meanwhile has to be kept.
async fn wait_for_sign_of_life(bus: &Connection, context: &Context) {
    let mut answer = std::pin::pin!(is_there(bus));
    if clock::within(crate::idle::PATIENCE, &mut answer).await.is_none() {
        let mut levels = Levels::new(context.reporter.clone());
        levels.focus_unknown(clock::now()).await;
        let (wrong, fix) = silent().told();
        levels.ill("focus", NAME, &wrong, fix.as_deref()).await;
        answer.await;
    }
}

/// It is there and does not answer.
const fn silent() -> Down {
    Down::Silent("GNOME Shell")
}

fn ended() -> Down {
    Down::Ended("GNOME Shell")
}
