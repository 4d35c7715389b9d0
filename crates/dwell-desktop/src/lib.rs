//! The desktop, both ways: facts in ([`dwell_core::sample::Sample`]), window actions out ([`WindowAct`]).
//!
//! [`Desktop::start`] finds the display, attaches the one back end that fits, watches logind, and keeps doing so
//! when either goes away and comes back. Everything runs as tasks on the caller's tokio runtime; there are no
//! threads. Nothing polls: on a quiet desktop nothing here wakes up.
//!
//! What it deliberately lacks: it keeps no history, measures no durations and does not smooth out passing facts
//! (the timeline does), never asks for a window's title, and reads no environment variable: the caller passes
//! its [`Surroundings`] in.
#![forbid(unsafe_code)]

mod apps;
mod away;
mod backends;
mod clock;
mod compositor;
mod connector;
mod detect;
mod display;
pub mod fixes;
mod follow;
pub mod freezer;
mod idle;
mod lock;
mod logind;
mod readiness;
mod report;
mod senders;
mod session;
mod session_lock;
mod sleep;
mod surroundings;
mod watch;

use std::sync::Arc;

use dwell_core::aliases::Aliases;
use dwell_core::sample::Sample;
use dwell_core::subject::{AppId, Category};
use dwell_core::time::Millis;
use tokio::sync::{self, mpsc};
use tokio::task::AbortHandle;

pub use connector::connect_for_parent;
pub use session_lock::NotLocked;
pub use surroundings::Surroundings;

/// What reaches the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A fact.
    Sample(Sample),
    /// How one part of the sensing is doing. Sent on change only.
    Health(Health),
    /// What [`WindowAct::FindUnits`] has found.
    Units {
        /// The program that was asked about.
        app: AppId,
        /// All units that its windows run in, or why it must not be frozen.
        found: Result<Vec<freezer::Unit>, freezer::WhyNot>,
    },
}

/// How one part of the sensing is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `desktop`, `focus`, `windows`, `idle`, `lock`, `session`, `sleep`, or where it is wanted `terminal-programs`.
    pub part: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// One line for a person: what is in use, or what is wrong. Never names an app.
    pub message: String,
    /// The one command, or the one step, that mends what is wrong, where there is one.
    pub fix: Option<String>,
    /// What does the work: `x11`, `sway`, `hyprland`, `niri`, `gnome`, `kwin`, `wlr`, `logind`, `screensaver`,
    /// `scripted`, or `none`.
    pub backend: &'static str,
}

/// What the sensors must know of the person's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// After this long without input the person is idle. At least one second.
    pub idle_after: Millis,
    /// Programs that are told of as another one.
    pub aliases: Aliases,
    /// Whether a terminal is told of with what runs in it, as `foot/vim`.
    pub terminal_programs: bool,
}

/// Three minutes, no aliases, terminals as a whole.
impl Default for Settings {
    fn default() -> Self {
        Self { idle_after: Millis::from_secs(180), aliases: Aliases::default(), terminal_programs: false }
    }
}

/// The message buses, where there are any.
#[derive(Clone, Debug, Default)]
pub struct Buses {
    /// The session bus: screen savers, idle inhibitors, the user manager's environment.
    pub session: Option<zbus::Connection>,
    /// The system bus: logind.
    pub system: Option<zbus::Connection>,
}

/// Something to do to the windows of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowAct {
    /// Put every shown window of the program out of sight (X11: iconify; sway: scratchpad).
    Minimise(AppId),
    /// Bring back the windows of the program that `Minimise` put out of sight and that still are, without giving them
    /// focus where the desktop allows that. What the person put away stays there, and what they brought back, too.
    Restore(AppId),
    /// Ask every window of the program to close, as its close button would. A frozen one is thawed before.
    Close(AppId),
    /// Find out whether the program may be frozen, and with which units; the answer is [`Notice::Units`]. Nothing is
    /// done yet: see [`freezer`]. A display that goes meanwhile leaves this unanswered.
    FindUnits(AppId),
}

impl WindowAct {
    /// The program whose windows are meant.
    pub const fn app(&self) -> &AppId {
        let (Self::Minimise(app) | Self::Restore(app) | Self::Close(app) | Self::FindUnits(app)) = self;
        app
    }

    /// Whether a window is meant that belongs to `program`: to a terminal whatever runs in it, to a program in a
    /// terminal only where it is that one.
    pub(crate) fn is_for(&self, program: &apps::Program) -> bool {
        self.app().covers(&program.id)
    }
}

/// The handle of the running sensors. Dropping it ends them.
#[derive(Debug)]
pub struct Desktop {
    given: Surroundings,
    attached: sync::watch::Sender<Surroundings>,
    settings: sync::watch::Sender<Settings>,
    acts: mpsc::UnboundedSender<WindowAct>,
    apps: apps::Apps,
    system: Option<zbus::Connection>,
    task: AbortHandle,
}

impl Desktop {
    /// Starts the sensors as tasks of the current tokio runtime. Facts and health arrive at `out`: the present level
    /// of every fact first, then every change. When `out` is closed the sensors end.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        surroundings: Surroundings,
        settings: Settings,
        out: mpsc::Sender<Notice>,
        buses: Buses,
    ) -> Self {
        let (attached, attached_rx) = sync::watch::channel(surroundings.clone());
        let apps = apps::Apps::new(&surroundings);
        apps.configure(&settings);
        let (settings, settings_rx) = sync::watch::channel(settings);
        let (acts, acts_rx) = mpsc::unbounded_channel();
        let reporter = report::Reporter::new(out);
        let sessions = Arc::new(sync::Notify::new());
        let session =
            session::watch(buses.clone(), reporter.clone(), attached_rx.clone(), Arc::clone(&sessions));
        let system = buses.system.clone();
        let display = display::Supervisor {
            reporter: reporter.clone(),
            apps: apps.clone(),
            buses,
            given: surroundings.clone(),
            attached: attached_rx,
            settings: settings_rx,
            sessions,
            acts: acts_rx,
            away: away::Away::default(),
            last: None,
        };
        let followed = follow::follow(apps.clone(), reporter.clone());
        let task = tokio::spawn(async move {
            tokio::select! {
                () = reporter.closed() => {}
                () = followed => {}
                ((), ()) = async { tokio::join!(session, display.run()) } => {}
            }
        });
        Self { given: surroundings, attached, settings, acts, apps, system, task: task.abort_handle() }
    }

    /// A desktop that is played from a script, for tests: what is sent to `script` reaches `out`; the window
    /// actions that are asked for come out of the returned channel, in order.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn scripted(
        script: mpsc::Receiver<Notice>,
        out: mpsc::Sender<Notice>,
    ) -> (Self, mpsc::UnboundedReceiver<WindowAct>) {
        let given = Surroundings::default();
        let (acts, asked) = mpsc::unbounded_channel();
        let desktop = Self {
            attached: sync::watch::channel(given.clone()).0,
            settings: sync::watch::channel(Settings::default()).0,
            acts,
            apps: apps::Apps::new(&given),
            system: None,
            task: tokio::spawn(backends::scripted::play(script, out)).abort_handle(),
            given,
        };
        (desktop, asked)
    }

    /// Tells where a display may be found from now on (`dwelld attach`, a changed environment). If it leads to
    /// another display than the present one, that one is taken instead.
    pub fn reattach(&self, more: Surroundings) {
        let around = more.or(&self.given);
        self.apps.look_in(&around);
        self.attached.send_replace(around);
    }

    /// Changes the settings; takes effect at once.
    pub fn configure(&self, settings: Settings) {
        self.apps.configure(&settings);
        self.settings.send_if_modified(|old| {
            let changed = *old != settings;
            *old = settings;
            changed
        });
    }

    /// Does something to the windows of a program, over the running back end's own connection. Ids compare without
    /// regard to ASCII case. Without a display there are no windows, and nothing happens.
    pub fn act(&self, act: WindowAct) {
        let _ = self.acts.send(act);
    }

    /// Asks logind to lock the person's session, as `loginctl lock-session` does. That is a request to the desktop, and
    /// one on which nobody listens to it stays unlocked: whether it locked, [`Fact::Locked`](dwell_core::sample::Fact)
    /// tells, and holds on to it for more than some ten seconds only if it did.
    ///
    /// # Errors
    /// Nobody was asked.
    pub fn lock_session(&self) -> impl Future<Output = Result<(), NotLocked>> + Send + use<> {
        let around = self.attached.borrow().clone();
        session_lock::lock(self.system.clone(), around)
    }

    /// The display names of programs, from their desktop files.
    pub fn names(&self) -> AppNames {
        AppNames { apps: self.apps.clone() }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Display names and categories of programs, looked up in their desktop files when asked for.
#[derive(Clone, Debug)]
pub struct AppNames {
    apps: apps::Apps,
}

impl AppNames {
    /// Looks names up in the data folders that `surroundings` point at (`XDG_DATA_HOME`, `XDG_DATA_DIRS`, `HOME`), in
    /// the language that they name (`LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`).
    pub fn new(surroundings: &Surroundings) -> Self {
        Self { apps: apps::Apps::new(surroundings) }
    }

    /// The program's name in the person's language, if it has a desktop file. Reads files.
    pub fn name(&self, app: &AppId) -> Option<String> {
        self.apps.name(app)
    }

    /// The program of which no more is known than what its window called itself, its class or app id: as the sensors name
    /// it, before aliases. Reads files.
    pub fn of_class(&self, class: &str) -> AppId {
        self.apps.of_class(class)
    }

    /// The program's category, as its desktop file has it (see [`dwell_core::category`]). Reads files.
    pub fn category(&self, app: &AppId) -> Option<Category> {
        self.apps.category(app)
    }
}
