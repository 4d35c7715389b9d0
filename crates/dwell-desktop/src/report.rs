//! What goes out to the hub: facts, and the health of each part, on change only.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::Boot;
use tokio::sync::{self, mpsc, watch};

use crate::apps::{Program, Terminal};
use crate::backends::Abilities;
use crate::freezer::{Freezer, Unit, WhyNot};
use crate::{Health, Notice, WindowAct};

/// The way to the hub. When the hub is gone, what is said is lost: the tasks are about to end.
#[derive(Clone)]
pub(crate) struct Reporter {
    out: mpsc::Sender<Notice>,
    said: Arc<Mutex<BTreeMap<&'static str, Health>>>,
    freezer: Arc<OnceLock<Freezer>>,
    /// What has focus, and whether anybody is there. Held while it is told of, so that what is told last is what holds.
    front: Arc<sync::Mutex<Front>>,
    /// The terminal that has focus, for who follows what runs in it.
    terminal: Arc<watch::Sender<Option<Terminal>>>,
    /// Whether the person wants to know what runs in terminals.
    terminal_programs: Arc<AtomicBool>,
    /// Whether the back end that runs has said anything yet.
    heard: Arc<AtomicBool>,
}

/// What is known of the front of the screen.
#[derive(Debug, Default)]
struct Front {
    program: Option<Program>,
    /// Whether it has been said that nobody knows what has focus.
    unknown: bool,
    idle: bool,
    locked: bool,
    asleep: bool,
    inactive: bool,
}

impl Front {
    /// The terminal to follow: while nobody looks at it, none.
    fn terminal(&self) -> Option<Terminal> {
        let away = self.idle || self.locked || self.asleep || self.inactive;
        self.program.as_ref().filter(|_| !away)?.terminal.clone()
    }
}

impl Reporter {
    pub(crate) fn new(out: mpsc::Sender<Notice>) -> Self {
        Self {
            out,
            said: Arc::default(),
            freezer: Arc::default(),
            front: Arc::default(),
            terminal: Arc::new(watch::channel(None).0),
            terminal_programs: Arc::default(),
            heard: Arc::default(),
        }
    }

    /// States a fact that became true at `at`.
    pub(crate) async fn fact(&self, at: Boot, fact: Fact) {
        let mut front = self.front.lock().await;
        match &fact {
            Fact::FocusUnknown => (front.program, front.unknown) = (None, true),
            Fact::Active => front.idle = false,
            Fact::IdleSince(_) => front.idle = true,
            Fact::Locked(locked) => front.locked = *locked,
            Fact::Asleep(asleep) => front.asleep = *asleep,
            Fact::SessionActive(active) => front.inactive = !active,
            // Browsers are told of by others.
            Fact::Focus(_) | Fact::Browser(..) => {}
        }
        self.tell(&front, at, fact).await;
    }

    /// States what has focus.
    pub(crate) async fn focus(&self, at: Boot, program: Option<Program>) {
        let fact = Fact::Focus(program.as_ref().map(|program| program.id.clone()));
        let mut front = self.front.lock().await;
        (front.program, front.unknown) = (program, false);
        self.tell(&front, at, fact).await;
    }

    /// States that nobody knows what has focus, nor therefore whether anybody is there, unless that was said last.
    pub(crate) async fn unknown(&self, at: Boot) {
        if !self.front.lock().await.unknown {
            self.fact(at, Fact::FocusUnknown).await;
            // Idleness is the display's to tell, too. Without one nothing counts, so this is but the level to start from.
            self.fact(at, Fact::Active).await;
        }
    }

    async fn tell(&self, front: &Front, at: Boot, fact: Fact) {
        self.send(at, fact).await;
        let terminal = front.terminal();
        self.terminal.send_if_modified(|old| {
            *old != terminal && {
                *old = terminal;
                true
            }
        });
    }

    /// A back end begins: it has said nothing yet.
    pub(crate) fn begin(&self) {
        self.heard.store(false, Ordering::Relaxed);
    }

    /// Whether it has said anything since.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// States what runs in a terminal, unless that has lost focus or it is what was said last.
    pub(crate) async fn inside(&self, terminal: &Terminal, at: Boot, id: AppId) {
        let mut front = self.front.lock().await;
        let program = front.program.as_mut();
        if let Some(program) = program.filter(|program| program.terminal.as_ref() == Some(terminal))
            && program.id != id
        {
            self.send(at, Fact::Focus(Some(id.clone()))).await;
            program.id = id;
        }
    }

    /// The terminal that has focus, if what runs in it is wanted.
    pub(crate) fn terminals(&self) -> watch::Receiver<Option<Terminal>> {
        self.terminal.subscribe()
    }

    /// Whether it has to be said if what runs in terminals can be known.
    pub(crate) fn want_terminal_programs(&self, wanted: bool) {
        self.terminal_programs.store(wanted, Ordering::Relaxed);
    }

    async fn send(&self, at: Boot, fact: Fact) {
        let _ = self.out.send(Notice::Sample(Sample::new(at, fact))).await;
    }

    /// Answers what units a program runs in.
    pub(crate) async fn units(&self, app: &AppId, found: Result<Vec<Unit>, WhyNot>) {
        let _ = self.out.send(Notice::Units { app: app.clone(), found }).await;
    }

    /// States how a part is doing, unless that is what was said last.
    pub(crate) async fn health(&self, part: &'static str, ok: bool, backend: &'static str, message: &str) {
        self.state(Health { part, ok, message: message.to_owned(), fix: None, backend }).await;
    }

    /// States what is wrong with a part, and the one command or step that mends it.
    pub(crate) async fn ill(
        &self,
        part: &'static str,
        backend: &'static str,
        message: &str,
        fix: Option<&str>,
    ) {
        let (message, fix) = (message.to_owned(), fix.map(str::to_owned));
        self.state(Health { part, ok: false, message, fix, backend }).await;
    }

    async fn state(&self, health: Health) {
        let part = health.part;
        let old = self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(part, health.clone());
        if old.as_ref() != Some(&health) {
            let _ = self.out.send(Notice::Health(health)).await;
        }
    }

    /// Notes whether programs can be frozen here, which is no matter of the display. The first word holds.
    pub(crate) fn found_freezer(&self, freezer: Freezer) {
        let _ = self.freezer.set(freezer);
    }

    fn has_said(&self, part: &str) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).contains_key(part)
    }

    /// Ends when nobody listens any more.
    pub(crate) async fn closed(&self) {
        self.out.closed().await;
    }
}

/// The levels of focus and idleness that one run of a back end has stated: a level is said once, and focus once more after
/// windows were put away.
pub(crate) struct Levels {
    reporter: Reporter,
    focus: Option<Option<(AppId, Option<Terminal>)>>,
    /// Windows were put away since it was stated.
    put_away: bool,
    idle: Option<bool>,
}

impl Levels {
    pub(crate) fn new(reporter: Reporter) -> Self {
        Self { reporter, focus: None, put_away: false, idle: None }
    }

    /// States that focus is told of now, how, and what can be done to windows.
    pub(crate) async fn attached(&self, backend: &'static str, how: &str, abilities: Abilities) {
        self.health("focus", true, backend, how).await;
        let freezer = self.reporter.freezer.get().copied().unwrap_or_default();
        self.health("windows", true, backend, &abilities.told(freezer)).await;
        let wanted = self.reporter.terminal_programs.load(Ordering::Relaxed);
        if wanted || self.reporter.has_said("terminal-programs") {
            match (wanted, abilities.pid) {
                (false, _) => self.health("terminal-programs", true, backend, "not wanted").await,
                (true, true) => {
                    let message = "what runs in the terminal in front counts apart from it";
                    self.health("terminal-programs", true, backend, message).await;
                }
                (true, false) => {
                    let message = "this desktop tells no window's process, so a terminal counts as a whole";
                    let fix = "set terminal-programs = false";
                    self.ill("terminal-programs", backend, message, Some(fix)).await;
                }
            }
        }
    }

    /// What has focus.
    pub(crate) async fn focus(&mut self, at: Boot, program: Option<Program>) {
        // What runs in a terminal changes by itself, and is followed elsewhere.
        let level = program.as_ref().map(|program| match &program.terminal {
            Some(terminal) => (terminal.own.clone(), Some(terminal.clone())),
            None => (program.id.clone(), None),
        });
        if self.focus.as_ref() != Some(&level) || self.put_away {
            self.put_away = false;
            self.focus = Some(level);
            self.reporter.focus(at, program).await;
        }
    }

    /// An act was done. Where it put windows away, what has focus is stated the next time it is looked at, be it the same
    /// as before: one of them may be back before anybody looks, and must go again. Not where it asked them to close: the
    /// question whether to save, which the program asks then, has focus for as long as the person thinks about it.
    pub(crate) fn acted(&mut self, act: &WindowAct) {
        self.put_away |= matches!(act, WindowAct::Minimise(_));
    }

    /// For a while nobody knows what has focus, though the back end lives.
    pub(crate) async fn focus_unknown(&mut self, at: Boot) {
        self.focus = None;
        self.reporter.fact(at, Fact::FocusUnknown).await;
    }

    /// The person is there (`None`), or had the last input at an instant.
    pub(crate) async fn idle(&mut self, at: Boot, since: Option<Boot>) {
        if self.idle == Some(since.is_some()) {
            return;
        }
        self.idle = Some(since.is_some());
        self.reporter.fact(at, since.map_or(Fact::Active, Fact::IdleSince)).await;
    }

    pub(crate) async fn health(&self, part: &'static str, ok: bool, backend: &'static str, message: &str) {
        self.reporter.heard.store(true, Ordering::Relaxed);
        self.reporter.health(part, ok, backend, message).await;
    }

    pub(crate) async fn ill(
        &self,
        part: &'static str,
        backend: &'static str,
        message: &str,
        fix: Option<&str>,
    ) {
        self.reporter.heard.store(true, Ordering::Relaxed);
        self.reporter.ill(part, backend, message, fix).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked before a program closes has focus, and is the program's own: to close that, too, would never end.
    #[tokio::test]
    async fn focus_is_stated_once_and_once_more_after_windows_were_put_away() {
        let (out, mut told) = mpsc::channel(100);
        let mut levels = Levels::new(Reporter::new(out));
        let app = || AppId::new("AppA").unwrap();
        let program = || Some(Program { id: app(), terminal: None });
        let at = Boot::from_ms(0);
        let mut stated = async |levels: &mut Levels| {
            levels.focus(at, program()).await;
            std::iter::from_fn(|| told.try_recv().ok()).count()
        };
        assert_eq!(stated(&mut levels).await, 1);
        assert_eq!(stated(&mut levels).await, 0);
        for act in [WindowAct::Close(app()), WindowAct::Restore(app()), WindowAct::FindUnits(app())] {
            levels.acted(&act);
            assert_eq!(stated(&mut levels).await, 0, "{act:?}");
        }
        levels.acted(&WindowAct::Minimise(app()));
        assert_eq!(stated(&mut levels).await, 1);
        assert_eq!(stated(&mut levels).await, 0);
    }
}
