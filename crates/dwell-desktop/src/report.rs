//! What goes out to the hub: facts, and the health of each part, on change only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dwell_core::sample::{Fact, Sample};
use dwell_core::subject::AppId;
use dwell_core::time::Boot;
use tokio::sync::mpsc;

use crate::backends::Abilities;
use crate::freezer::Freezer;
use crate::{Health, Notice};

/// The way to the hub. When the hub is gone, what is said is lost: the tasks are about to end.
#[derive(Clone)]
pub(crate) struct Reporter {
    out: mpsc::Sender<Notice>,
    said: Arc<Mutex<BTreeMap<&'static str, Health>>>,
    freezer: Arc<OnceLock<Freezer>>,
}

impl Reporter {
    pub(crate) fn new(out: mpsc::Sender<Notice>) -> Self {
        Self { out, said: Arc::default(), freezer: Arc::default() }
    }

    /// States a fact that became true at `at`.
    pub(crate) async fn fact(&self, at: Boot, fact: Fact) {
        let _ = self.out.send(Notice::Sample(Sample::new(at, fact))).await;
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

    /// Whether a part was last said to work.
    pub(crate) fn is_ok(&self, part: &str) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).get(part).is_some_and(|health| health.ok)
    }

    /// Ends when nobody listens any more.
    pub(crate) async fn closed(&self) {
        self.out.closed().await;
    }
}

/// The levels of focus and idleness that one run of a back end has stated: a level is said once.
pub(crate) struct Levels {
    reporter: Reporter,
    focus: Option<Option<AppId>>,
    idle: Option<bool>,
}

impl Levels {
    pub(crate) fn new(reporter: Reporter) -> Self {
        Self { reporter, focus: None, idle: None }
    }

    /// States that focus is told of now, how, and what can be done to windows.
    pub(crate) async fn attached(&self, backend: &'static str, how: &str, abilities: Abilities) {
        self.health("focus", true, backend, how).await;
        let freezer = self.reporter.freezer.get().copied().unwrap_or_default();
        self.health("windows", true, backend, &abilities.told(freezer)).await;
    }

    /// What has focus.
    pub(crate) async fn focus(&mut self, at: Boot, app: Option<AppId>) {
        if self.focus.as_ref() != Some(&app) {
            self.focus = Some(app.clone());
            self.reporter.fact(at, Fact::Focus(app)).await;
        }
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
        self.reporter.health(part, ok, backend, message).await;
    }

    pub(crate) async fn ill(
        &self,
        part: &'static str,
        backend: &'static str,
        message: &str,
        fix: Option<&str>,
    ) {
        self.reporter.ill(part, backend, message, fix).await;
    }
}
