//! Which program a window belongs to.
//!
//! The canonical id is the desktop-file id. What leads to it, in this order:
//!
//! 1. A program that runs inside another one and has a class of its own — a Steam game, a Wine program, a web app
//!    of Chromium or Firefox — is that class: it is more specific than the sandbox or scope that it shares with its host.
//! 2. The Flatpak application, which the kernel's view of the process names.
//! 3. The Snap application, from the control group that snapd made for it — unless the window's class belongs to
//!    another desktop file: an editor from a Snap has a terminal, and what is started there is in its group too.
//! 4. The app id or class, matched to a desktop file. This comes before systemd's scopes for the same reason: a
//!    program that is started in a terminal runs in the terminal's scope.
//! 5. The systemd scope `app-…-ID-RANDOM.scope`, if it was made for this very process: its number is the process's,
//!    or its desktop file starts the process's executable.
//! 6. The app id or class as it is. A class that only names a toolkit (Java's `sun-awt-X11-XFramePeer`, GNOME's
//!    `window:1`) names no program: then a scope that is no terminal's is better, then the executable's name.
//! 7. The executable's name.
//!
//! Session scopes and system services (`session-2.scope`, `user@1000.service`) never name a program.

mod entries;
mod process;
mod terminal;
mod unit;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dwell_core::aliases::Aliases;
use dwell_core::policy::is_terminal;
use dwell_core::subject::{APP_MAX, AppId, Category};

use crate::{Settings, Surroundings};
use entries::Entries;
pub(crate) use process::Process;
use process::ProcessFacts;
pub(crate) use terminal::{Running, Tty};

/// What a back end knows of a window. Never its title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// Wayland's app id, or the class part of WM_CLASS.
    pub(crate) class: Option<String>,
    /// The instance part of WM_CLASS.
    pub(crate) instance: Option<String>,
    /// The process, where the display server vouches for it.
    pub(crate) pid: Option<u32>,
}

/// The program that a window belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// As what it is counted: the person's aliases hold, and what runs in a terminal is named where that is wanted.
    pub(crate) id: AppId,
    /// The terminal that it is, where what runs in it is wanted and can be known.
    pub(crate) terminal: Option<Terminal>,
}

impl From<AppId> for Program {
    fn from(id: AppId) -> Self {
        Self { id, terminal: None }
    }
}

/// A terminal in which programs run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Its own id, before aliases.
    pub(crate) own: AppId,
    pub(crate) pid: u32,
}

/// The programs on this machine. Cheap to clone; clones share what they have read and been told.
#[derive(Clone, Debug)]
pub(crate) struct Apps {
    entries: Arc<Mutex<Entries>>,
    choices: Arc<Mutex<Choices>>,
}

/// What the person has chosen.
#[derive(Clone, Debug, Default)]
struct Choices {
    aliases: Aliases,
    terminal_programs: bool,
}

impl Apps {
    pub(crate) fn new(around: &Surroundings) -> Self {
        Self { entries: Arc::new(Mutex::new(Entries::new(around))), choices: Arc::default() }
    }

    /// Looks in other data folders from now on.
    pub(crate) fn look_in(&self, around: &Surroundings) {
        *self.entries() = Entries::new(around);
    }

    /// Goes by these settings from now on.
    pub(crate) fn configure(&self, settings: &Settings) {
        let Settings { aliases, terminal_programs, .. } = settings.clone();
        *self.choices() = Choices { aliases, terminal_programs };
    }

    /// The program that a window belongs to.
    pub(crate) fn identify(&self, window: &Window) -> Program {
        let facts = window.pid.map(|pid| Process { pid }.facts()).unwrap_or_default();
        let own = identify(window, &facts, &mut self.entries());
        let wanted =
            self.choices().terminal_programs && (is_terminal(&own) || self.entries().is_terminal(&own));
        let terminal = window.pid.filter(|_| wanted).map(|pid| Terminal { own: own.clone(), pid });
        let tty = terminal.as_ref().and_then(|terminal| Tty::of(terminal.pid));
        Program { id: self.counted(&own, tty.and_then(|tty| tty.running()).as_ref()), terminal }
    }

    /// The program whose window has this class or app id, before aliases.
    pub(crate) fn of_class(&self, class: &str) -> AppId {
        let window = Window { class: Some(class.to_owned()), ..Window::default() };
        identify(&window, &ProcessFacts::default(), &mut self.entries())
    }

    /// As what a program is counted, with what runs in it.
    pub(crate) fn counted(&self, own: &AppId, running: Option<&Running>) -> AppId {
        self.choices().aliases.apply(&running.map_or_else(|| own.clone(), |running| own.with(&running.name)))
    }

    /// Whether a program's desktop file says that it is a terminal.
    pub(crate) fn says_terminal(&self, app: &AppId) -> bool {
        self.entries().is_terminal(app)
    }

    /// Whether a systemd unit was made for a program, or for one of these processes; `None` where its name tells
    /// nothing of a program.
    pub(crate) fn unit_is_for(&self, unit: &str, app: &AppId, pids: &BTreeSet<u32>) -> Option<bool> {
        let is = |id: &str| app.covers(&self.counted(&clean(id), None)) || app.covers(&clean(id));
        Some(match unit::parse(unit)? {
            unit::Unit::App { id, pid } => is(&id) || pid.is_some_and(|pid| pids.contains(&pid)),
            unit::Unit::Snap { id } => is(&id) || unit::names_snap(&id, app.as_str()),
        })
    }

    /// Its name for people; for one in a terminal, `vim in Foot`.
    pub(crate) fn name(&self, app: &AppId) -> Option<String> {
        let (host, program) = app.parts();
        let name = self.entries().name(host);
        match program {
            None => name,
            Some(program) => Some(format!("{program} in {}", name.as_deref().unwrap_or(host))),
        }
    }

    /// Its category; for one in a terminal, the terminal's.
    pub(crate) fn category(&self, app: &AppId) -> Option<Category> {
        let (host, _) = app.parts();
        self.entries().category(host).or_else(|| {
            let game = host.to_ascii_lowercase().starts_with("steam_app_");
            Category::new(if game { "games" } else { return None }).ok()
        })
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choices(&self) -> MutexGuard<'_, Choices> {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identify(window: &Window, process: &ProcessFacts, entries: &mut Entries) -> AppId {
    let filled = |text: &'_ str| {
        let text = text.trim();
        // GNOME's window tracker and some programs name the file itself.
        Some(text.strip_suffix(".desktop").unwrap_or(text).to_owned()).filter(|text| !text.is_empty())
    };
    let (class, instance) =
        (window.class.as_deref().and_then(filled), window.instance.as_deref().and_then(filled));
    let (class, instance) = (class.as_deref().map(renamed), instance.as_deref());
    if let Some(guest) = class.into_iter().chain(instance).find(|name| is_guest(name)) {
        if let Some(entry) = entries.by_class(guest) {
            return clean(&entry.id);
        }
        let browser = guest.split('-').next().unwrap_or(guest);
        let entry = web_app(guest).and_then(|app| entries.by_web_app(app, browser));
        return entry.map_or_else(|| clean(guest), |entry| clean(&entry.id));
    }
    if let Some(flatpak) = &process.flatpak {
        return clean(flatpak);
    }
    let telling = class.filter(|class| !is_toolkit(class));
    let known = match telling {
        Some(class) => match entries.by_class(class) {
            Some(entry) => Some(entry.id.clone()),
            None => instance.and_then(|name| entries.by_instance(name)).map(|entry| entry.id.clone()),
        },
        None => None,
    };
    let unit = process.unit.as_deref().and_then(unit::parse);
    if let Some(unit::Unit::Snap { id }) = &unit
        && (known.is_none()
            || known.iter().map(|known| &**known).chain(class).any(|name| unit::names_snap(id, name)))
    {
        return entries.by_id(id).map_or_else(|| clean(id), |entry| clean(&entry.id));
    }
    if let Some(known) = known {
        return clean(&known);
    }
    if let Some(unit::Unit::App { id, pid }) = &unit {
        let entry = entries.by_id(id);
        let program = process.program.as_deref();
        let own = match pid {
            Some(pid) => Some(*pid) == window.pid,
            None => entry.is_some_and(|entry| program.is_some_and(|program| entry.starts(program))),
        };
        let host = entry.is_some_and(|entry| !entry.terminal) && telling.is_none();
        if (own && (entry.is_some() || telling.is_none())) || host {
            return entry.map_or_else(|| clean(id), |entry| clean(&entry.id));
        }
    }
    telling.or(process.program.as_deref()).or(class).or(instance).map_or_else(unknown, clean)
}

/// What GNOME's terminal calls itself on Wayland before version 3.50: its server, which has no desktop file.
fn renamed(class: &str) -> &str {
    if class == "gnome-terminal-server" { "org.gnome.Terminal" } else { class }
}

/// The id that Chromium and its kin give a web application: 32 letters from `a` to `p`. Edge writes `crx__ID` into the
/// desktop file and `msedge-_ID-Default` onto the window.
fn web_app(class: &str) -> Option<&str> {
    class.split(['-', '_']).find(|part| part.len() == 32 && part.bytes().all(|c| (b'a'..=b'p').contains(&c)))
}

/// A program inside another program, with a class that is its own.
fn is_guest(class: &str) -> bool {
    let numbered = class.strip_prefix("steam_app_").is_some_and(|id| {
        // Proton outside Steam has no number to give.
        !id.is_empty() && id != "0" && id != "default"
    });
    let web_app = class.starts_with("crx_")
        || class.starts_with("FFPWA-")
        || ["chrome-", "chromium-", "brave-", "msedge-", "vivaldi-"].iter().any(|browser| {
            // `chrome-<host or 32-letter id>__-<profile>`; `chrome-` alone is just a name.
            class.strip_prefix(browser).and_then(|rest| rest.rsplit_once('-')).is_some_and(
                |(app, profile)| !app.is_empty() && (profile == "Default" || profile.starts_with("Profile")),
            )
        });
    let windows = class.len() > 4 && class.to_ascii_lowercase().ends_with(".exe");
    numbered || web_app || windows
}

/// A class that a toolkit gives to windows whose program named none.
fn is_toolkit(class: &str) -> bool {
    const NAMES: &[&str] =
        &["electron", "java", "python", "python3", "perl", "gjs", "mono-sgen", "tk", "toplevel", "unknown"];
    class.starts_with("sun-awt-")
        || matches!(class, "steam_app_0" | "steam_app_default" | "steam_proton")
        || class.starts_with("java-lang-")
        || class.starts_with("window:")
        || NAMES.iter().any(|name| class.eq_ignore_ascii_case(name))
}

/// A window of which nothing at all is known still has somebody's attention.
fn unknown() -> AppId {
    clean("unknown")
}

/// Makes an id of any text that a program may have chosen: control characters and outer white space are dropped,
/// and what is longer than an id may be is cut and told apart by its hash. What stands between a terminal and what runs
/// in it is no part of a name.
fn clean(text: &str) -> AppId {
    let text: String =
        text.chars().filter(|c| !c.is_control()).map(|c| if c == '/' { '-' } else { c }).collect();
    let mut text = text.trim().to_owned();
    if text.len() > APP_MAX {
        let hash = format!("-{:016x}", fnv1a(text.as_bytes()));
        let cut = (0..=APP_MAX - hash.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push_str(&hash);
    }
    // The empty text is all that can be left to refuse, and "unknown" is no such text.
    AppId::new(text).unwrap_or_else(|_| unknown())
}

/// FNV-1a, 64 bits: a hash that stays the same over versions, because it ends up in stored ids.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
