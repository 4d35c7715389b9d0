//! Events: what the watchers hear.

use dwell_bus::lines;
use dwell_core::policy::Judged;
use dwell_core::span::Activity;
use dwell_core::time::Reading;
use dwell_core::timeline::State;
use dwell_desktop::Health;

use super::Hub;
use crate::clock;
use crate::pipe::Writer;

/// At most this many watchers: more than any person has panels, few enough to write to all of them at once.
const MAX_WATCHERS: usize = 32;

/// The pipes of those who watch.
#[derive(Default)]
pub(super) struct Watchers(Vec<Writer>);

impl Watchers {
    /// Takes a watcher in; `false`: there are too many.
    pub(super) fn add(&mut self, watcher: Writer) -> bool {
        self.0.retain(|watcher| !watcher.is_closed());
        let room = self.0.len() < MAX_WATCHERS;
        if room {
            self.0.push(watcher);
        }
        room
    }
}

/// What the watchers were last told.
#[derive(Default)]
pub(super) struct Shown {
    state: Option<State>,
    attention: Option<Activity>,
}

impl Hub {
    /// Tells what has changed about the person's doing.
    pub(super) fn say_changes(&mut self, now: Reading) {
        let state = self.state();
        let before = self.shown.state.replace(state);
        if before != Some(state) {
            let event = match (before, state) {
                (_, State::Idle) => Some("idle"),
                (_, State::Locked) => Some("lock"),
                (Some(State::Locked), _) => Some("unlock"),
                (Some(State::Idle), State::Active | State::Unobserved) => Some("active"),
                _ => None,
            };
            if let Some(event) = event {
                self.say(now, event, |_| {});
            }
        }
        let attention = self.count.timeline().attention().map(|(activity, _)| activity.clone());
        if self.shown.attention != attention {
            self.shown.attention.clone_from(&attention);
            // While nobody is there, nothing has focus, and that was said above.
            if state == State::Active {
                let app = attention.as_ref().and_then(Activity::app);
                let name = app.map(|app| self.app_name(app));
                let domain = attention.as_ref().and_then(Activity::charged).and_then(|s| s.domain);
                self.say(now, "focus", |event| {
                    event.app = Some(app.map(|app| app.as_str().to_owned()));
                    event.name = name;
                    event.domain = domain.map(|domain| domain.as_str().to_owned());
                });
            }
        }
    }

    /// Tells that a limit has come to a new stage.
    pub(super) fn say_limit(&mut self, event: &str, judged: &Judged, now: Reading) {
        let until = judged.until.filter(|_| judged.reached()).map(|until| self.calendar().rfc3339(until));
        self.say(now, event, |line| {
            line.rule = Some(judged.id().as_str().to_owned());
            line.target = Some(judged.rule.target.to_string());
            line.at_limit = Some(judged.rule.at_limit.to_string());
            line.left_seconds =
                judged.left().filter(|_| event == "limit-warning").map(|left| left.as_ms() / 1000);
            line.until = until;
        });
    }

    /// Tells that the rules were changed.
    pub(super) fn say_rules_changed(&mut self, now: Reading) {
        self.say(now, "rules-changed", |_| {});
    }

    /// Tells that the wall clock was set.
    pub(super) fn say_clock_step(&mut self, moved_ms: i64) {
        self.say(clock::now(), "clock-step", |event| {
            event.message = Some(format!("the clock was set by {moved_ms} ms; time counts on as before"));
        });
    }

    /// Tells how a part is doing.
    pub(super) fn say_health(&mut self, health: &Health) {
        self.say(clock::now(), "sensor", |event| {
            event.part = Some(health.part.to_owned());
            event.ok = Some(health.ok);
            event.message = Some(health.message.clone());
        });
    }

    fn say(&mut self, now: Reading, event: &str, fill: impl FnOnce(&mut lines::Event)) {
        if self.watchers.0.is_empty() {
            return;
        }
        let mut line = lines::Event {
            schema: lines::EVENT.to_owned(),
            at: self.calendar().rfc3339(now.wall),
            event: event.to_owned(),
            ..lines::Event::default()
        };
        fill(&mut line);
        let Ok(line) = serde_json::to_string(&line) else { return };
        self.watchers.0.retain(|watcher| watcher.line(&line));
    }
}
