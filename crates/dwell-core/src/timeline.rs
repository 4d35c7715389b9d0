//! The timeline: folds samples into spans that never overlap.
//!
//! It keeps the last known level of every fact (focus, idle, locked, session, sleep) and one open span. When a fact
//! changes what the time goes to, the open span is closed and handed out; a closed span never changes again. The
//! open span is provisional: if the person turns out to be idle, it ends at the last input, not now.
//!
//! Beside it, what browsers say is heard makes spans of its own, which enter no total: of those each subject has its own
//! row, which may overlap everything else. They go on while the person is idle or the screen is locked.
//!
//! It deliberately knows nothing of days (a span may cross a day start), of rules, and of storage.
//!
//! # Invariants
//!
//! - On the boot clock spans of attention never overlap and never run backwards, for any sequence of samples and readings.
//! - In wall time they never overlap either, except across a [`Step::ClockStep`], which is reported.
//! - A sample that comes late (it was queued, or another sensor was quicker) keeps its instant as long as that lies in
//!   the open span; it never rewrites a closed one.

mod heard;

use std::collections::BTreeSet;

use heard::Heard;

use crate::browser::{self, LinkId, Links, Page};
use crate::sample::{Fact, Sample};
use crate::span::{Activity, Span};
use crate::subject::{AppId, Subject};
use crate::time::{Boot, Millis, Reading, Wall};

/// Compositors say "no focus" for up to 10 ms between two windows (measured); it counts only when it lasts longer.
pub const DEBOUNCE: Millis = Millis::from_ms(50);

/// A browser says what it shows a little after the compositor says that it has the focus, and loses the focus a little
/// before: what its extension says late still holds from the change on, and that it shows nothing of which its extension
/// may know counts when it lasts this long. (Chromium's own word on its focus was seen to be stale for up to 300 ms.)
pub const PAGE_SETTLES: Millis = Millis::from_secs(1);

/// How far the wall clock may move against the boot clock before it is a step and not the network time's slewing.
pub const STEP_TOLERANCE: Millis = Millis::from_secs(2);

/// Two clocks are read one after the other and cut to milliseconds, so their offset wobbles by this much without
/// meaning anything: a smaller change leaves the offset as it is.
const JITTER: Millis = Millis::from_ms(2);

/// It is asked once more before that counts, for an answer may have been quicker than the browser's own notice of focus.
const ASKED_AGAIN: Millis = Millis::from_ms(400);
/// That answer is there by then; what is told still later was not so from the start.
const CORRECTED: Millis = Millis::from_ms(700);

/// What came out of folding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// A span is closed. Its length is never zero.
    Closed(Span),
    /// The wall clock was set: it moved by this many milliseconds (negative: back) against the boot clock.
    ClockStep {
        /// Signed distance in milliseconds.
        moved_ms: i64,
        /// Both clocks after the step.
        at: Reading,
    },
}

/// What the person is doing, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// At the machine, and observed.
    Active,
    /// No input for the configured time.
    Idle,
    /// The screen is locked.
    Locked,
    /// The machine sleeps.
    Asleep,
    /// Another session is in front.
    Inactive,
    /// At the machine as far as is known, but no sensor sees what has focus.
    Unobserved,
}

impl State {
    /// The word of machine-readable output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Locked => "locked",
            Self::Asleep => "asleep",
            Self::Inactive => "inactive",
            Self::Unobserved => "unobserved",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Focus {
    Unknown,
    Nothing,
    App {
        id: AppId,
        /// When it came to the front.
        since: Boot,
    },
}

#[derive(Clone, Debug)]
struct Open {
    start: Reading,
    activity: Activity,
}

/// The fold's state.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The offset between the clocks under which new spans begin.
    clock: Reading,
    /// The offset that holds since the last step, to tell the next one by: many small moves are one big one.
    base: Reading,
    /// Nothing before this instant can change any more: the newest closed span's end, or the open one's start.
    floor: Boot,
    /// Where the newest span ended in wall time, so that slewing back cannot make two overlap.
    last_end: Option<Wall>,
    focus: Focus,
    idle: bool,
    locked: bool,
    session_active: bool,
    asleep: bool,
    /// "No focus" was said at this instant, and may be passing.
    none_since: Option<Boot>,
    links: Links,
    /// The browser in front shows something that its extension does not see, since this instant; may be passing.
    elsewhere_since: Option<Boot>,
    /// It has lasted.
    elsewhere: bool,
    /// Whoever speaks for it was asked once more.
    asked_again: bool,
    /// A page of the program in front was told since it came there.
    page_told: bool,
    /// That it shows none was told since then.
    none_told: bool,
    /// How often there was a reason to ask.
    round: u64,
    open: Option<Open>,
    heard: Heard,
}

impl Timeline {
    /// A timeline that begins now, with nothing known: until a sensor speaks, time is unobserved.
    pub fn new(now: Reading) -> Self {
        let mut timeline = Self {
            clock: now,
            base: now,
            floor: now.boot,
            last_end: None,
            focus: Focus::Unknown,
            idle: false,
            locked: false,
            session_active: true,
            asleep: false,
            none_since: None,
            links: Links::default(),
            elsewhere_since: None,
            elsewhere: false,
            asked_again: false,
            page_told: false,
            none_told: false,
            round: 0,
            open: None,
            heard: Heard::new(now.boot),
        };
        timeline.open = Some(Open { start: now, activity: Activity::Unobserved });
        timeline
    }

    /// Folds one sample, processed at the moment `now`.
    pub fn fold(&mut self, sample: &Sample, now: Reading) -> Vec<Step> {
        let mut steps = Vec::new();
        let at = sample.at.min(now.boot).max(self.floor);
        self.settle(at, &mut steps);
        match &sample.fact {
            Fact::Focus(Some(app)) => {
                self.none_since = None;
                if !matches!(&self.focus, Focus::App { id, .. } if id == app) {
                    self.focus = Focus::App { id: app.clone(), since: at };
                    (self.page_told, self.none_told) = (false, false);
                    self.links.in_front(app);
                    self.round += 1;
                }
            }
            Fact::Focus(None) => {
                // Only a change from a window to nothing may be passing.
                if matches!(self.focus, Focus::App { .. }) {
                    self.none_since.get_or_insert(at);
                } else {
                    self.focus = Focus::Nothing;
                }
            }
            Fact::FocusUnknown => {
                self.none_since = None;
                self.focus = Focus::Unknown;
            }
            Fact::IdleSince(since) => {
                if !self.idle {
                    self.idle = true;
                    let end = self.none_since.map_or(*since, |none| none.min(*since));
                    self.close(end.min(at), &mut steps);
                }
            }
            Fact::Active => self.idle = false,
            Fact::Locked(on) => self.locked = *on,
            Fact::SessionActive(on) => self.session_active = *on,
            Fact::Asleep(on) => self.asleep = *on,
            Fact::Browser(link, told) => {
                self.round += u64::from(self.links.take(*link, told, at));
                if let Focus::App { id, .. } = &self.focus {
                    self.links.in_front(id);
                }
            }
        }
        self.look_at_page(at);
        self.follow(at, &mut steps);
        self.page_told |= self.is_page_told();
        self.listen(at, &mut steps);
        self.watch_clock(now, &mut steps);
        steps
    }

    /// Lets time pass: settles what was waiting, and notices a clock that was set.
    pub fn advance(&mut self, now: Reading) -> Vec<Step> {
        let mut steps = Vec::new();
        self.settle(now.boot, &mut steps);
        self.listen(now.boot, &mut steps);
        self.watch_clock(now, &mut steps);
        steps
    }

    /// Takes notice that the machine slept for `slept` since the newest instant folded, without anybody having said so
    /// before (there is no logind). When exactly it slept in between is not known: the sleep is placed at its end.
    pub fn slept(&mut self, slept: Millis, now: Reading) -> Vec<Step> {
        if self.asleep {
            return Vec::new();
        }
        let mut steps = self.fold(&Sample::new(now.boot - slept, Fact::Asleep(true)), now);
        steps.extend(self.fold(&Sample::new(now.boot, Fact::Asleep(false)), now));
        steps
    }

    /// Ends the timeline: closes the open span now (the daemon stops).
    pub fn finish(&mut self, now: Reading) -> Vec<Step> {
        let mut steps = self.advance(now);
        let end = self.none_since.take().unwrap_or(now.boot);
        self.close(end, &mut steps);
        steps.extend(self.heard.hush(now.boot));
        steps
    }

    /// The next instant at which [`Timeline::advance`] must be called, if any.
    pub fn deadline(&self) -> Option<Boot> {
        let piece = self.heard.deadline();
        [self.none_settles(), self.page_settles(), self.asks_again(), piece].into_iter().flatten().min()
    }

    fn none_settles(&self) -> Option<Boot> {
        self.none_since.map(|since| since + DEBOUNCE)
    }

    fn asks_again(&self) -> Option<Boot> {
        self.elsewhere_since.filter(|_| !self.asked_again).map(|since| since + ASKED_AGAIN)
    }

    fn page_settles(&self) -> Option<Boot> {
        self.elsewhere_since.filter(|_| !self.elsewhere).map(|since| since + PAGE_SETTLES)
    }

    /// Whom to ask what the browser in front shows: who speaks for it, where that is not known, or may be otherwise. With
    /// a number that is another one whenever they are to be asked anew.
    pub fn to_ask(&self) -> (u64, impl Iterator<Item = LinkId>) {
        let again = self.asked_again && !self.elsewhere;
        let front = match &self.focus {
            Focus::App { id, since } if again || self.links.page(id, *since) == Page::Untold => Some(id),
            _ => None,
        };
        (self.round, front.into_iter().flat_map(|app| self.links.of(app)))
    }

    /// Whether an extension speaks for a program.
    pub fn is_linked(&self, app: &AppId) -> bool {
        self.links.of(app).next().is_some()
    }

    /// The browser in front of which no extension can tell the site: none is linked, or the window is a private one.
    pub fn unseen(&self) -> Option<&AppId> {
        match &self.open.as_ref()?.activity {
            Activity::Private(app) => Some(app),
            Activity::Focus(subject) if browser::has_no_site(subject) && !self.is_linked(&subject.app) => {
                Some(&subject.app)
            }
            Activity::Focus(_) | Activity::Audible(_) | Activity::Unobserved => None,
        }
    }

    /// The open span up to `now`, if one is open and not empty. Provisional.
    pub fn open_span(&self, now: Boot) -> Option<Span> {
        let (start, length) = self.open_extent(now)?;
        self.open.as_ref().map(|open| Span { start, length, activity: open.activity.clone() })
    }

    /// When the open span began and how long it is, as [`Timeline::open_span`] would tell.
    pub fn open_extent(&self, now: Boot) -> Option<(Reading, Millis)> {
        let open = self.open.as_ref()?;
        let end = self.none_since.map_or(now, |none| none.min(now));
        let length = end.since(open.start.boot).filter(|l| !l.is_zero())?;
        Some((open.start, length))
    }

    /// What the open span is given to, empty or not.
    pub fn open_activity(&self) -> Option<&Activity> {
        self.open.as_ref().map(|open| &open.activity)
    }

    /// When the open span began, empty or not.
    pub fn open_start(&self) -> Option<Reading> {
        self.open.as_ref().map(|open| open.start)
    }

    /// What has attention, and since when.
    pub fn attention(&self) -> Option<(&Activity, Reading)> {
        self.open.as_ref().filter(|o| o.activity != Activity::Unobserved).map(|o| (&o.activity, o.start))
    }

    /// The subject that is being charged right now.
    pub fn charging(&self) -> Option<Subject> {
        self.open.as_ref().and_then(|open| open.activity.charged())
    }

    /// What the person is doing, as far as is known.
    pub fn state(&self) -> State {
        if self.asleep {
            State::Asleep
        } else if !self.session_active {
            State::Inactive
        } else if self.locked {
            State::Locked
        } else if self.idle {
            State::Idle
        } else if self.focus == Focus::Unknown {
            State::Unobserved
        } else {
            State::Active
        }
    }

    /// What was waiting becomes true, in the order of time.
    fn settle(&mut self, at: Boot, steps: &mut Vec<Step>) {
        let page_first =
            self.page_settles().is_some_and(|page| self.none_settles().is_none_or(|none| page < none));
        if page_first {
            self.settle_page(at, steps);
        }
        self.settle_none(at, steps);
        self.settle_page(at, steps);
    }

    fn settle_none(&mut self, at: Boot, steps: &mut Vec<Step>) {
        if let Some(since) = self.none_since
            && at >= since + DEBOUNCE
        {
            self.none_since = None;
            self.focus = Focus::Nothing;
            self.look_at_page(since);
            self.follow(since, steps);
        }
    }

    /// Notes since when the browser in front shows what its extension does not see.
    fn look_at_page(&mut self, at: Boot) {
        let page = match &self.focus {
            Focus::App { id, since } => Some((self.links.page(id, *since), *since)),
            Focus::Unknown | Focus::Nothing => None,
        };
        match page {
            Some((Page::Elsewhere, since)) => {
                self.none_told = true;
                if self.elsewhere_since.is_none() {
                    // Told first, it was so from the start.
                    let start = at < since + PAGE_SETTLES && !self.page_told;
                    let from = if start { since } else { at };
                    self.elsewhere_since = Some(from);
                }
            }
            _ => (self.elsewhere_since, self.elsewhere, self.asked_again) = (None, false, false),
        }
    }

    fn is_page_told(&self) -> bool {
        matches!(&self.focus, Focus::App { id, since } if matches!(self.links.page(id, *since), Page::At(_)))
    }

    fn settle_page(&mut self, at: Boot, steps: &mut Vec<Step>) {
        if self.asks_again().is_some_and(|due| at >= due) {
            self.asked_again = true;
            self.round += 1;
        }
        if let Some(since) = self.elsewhere_since
            && self.page_settles().is_some_and(|due| at >= due)
        {
            self.elsewhere = true;
            // The person may have been away in between.
            self.follow(since.max(self.floor), steps);
        }
    }

    fn watch_clock(&mut self, now: Reading, steps: &mut Vec<Step>) {
        let moved_ms = now.wall_moved_since(self.base);
        if moved_ms.unsigned_abs() > STEP_TOLERANCE.as_ms() {
            // The open span keeps the offset under which it began; its rest continues under the new one.
            let end = self.none_since.unwrap_or(now.boot);
            self.close(end, steps);
            steps.extend(self.heard.hush(now.boot));
            self.last_end = None;
            (self.clock, self.base) = (now, now);
            // No span reaches back over the step: its instants belong to the other offset.
            self.floor = now.boot;
            steps.push(Step::ClockStep { moved_ms, at: now });
            self.follow(now.boot, steps);
            self.listen(now.boot, steps);
        } else if now.wall_moved_since(self.clock).unsigned_abs() > JITTER.as_ms() {
            self.clock = now;
        }
    }

    /// What the time should go to, by everything that is known.
    fn wanted(&self) -> Option<Activity> {
        if self.asleep || !self.session_active || self.locked || self.idle {
            return None;
        }
        match &self.focus {
            Focus::Unknown => Some(Activity::Unobserved),
            Focus::Nothing => None,
            Focus::App { id, since } => Some(match self.links.page(id, *since) {
                Page::Untold => Activity::Focus(Subject::app(id.clone())),
                Page::At(domain) => Activity::Focus(Subject { app: id.clone(), domain: domain.cloned() }),
                Page::Elsewhere if self.elsewhere => Activity::Private(id.clone()),
                // It may be passing: as before.
                Page::Elsewhere => match &self.open {
                    Some(Open { activity: Activity::Focus(before), .. }) if before.app == *id => {
                        Activity::Focus(before.clone())
                    }
                    _ => Activity::Focus(Subject::app(id.clone())),
                },
            }),
        }
    }

    /// Makes what is heard agree with what is known, from `at` on. What has attention is not heard beside it.
    fn listen(&mut self, at: Boot, steps: &mut Vec<Step>) {
        let attention = self.open.as_ref().and_then(|open| open.activity.charged());
        let wanted: BTreeSet<Subject> = match self.asleep {
            true => BTreeSet::new(),
            false => self.links.heard().filter(|subject| Some(subject) != attention.as_ref()).collect(),
        };
        steps.extend(self.heard.follow(wanted, at, self.clock));
    }

    /// Makes the open span agree with what is known, from `at` on.
    fn follow(&mut self, at: Boot, steps: &mut Vec<Step>) {
        let wanted = self.wanted();
        if self.open.as_ref().map(|open| &open.activity) == wanted.as_ref() {
            return;
        }
        if self.was_so_from_the_start(at, wanted.as_ref()) {
            if let (Some(open), Some(activity)) = (&mut self.open, wanted) {
                open.activity = activity;
            }
            return;
        }
        self.close(at, steps);
        if let Some(activity) = wanted {
            let wall = self.clock.wall_at(at);
            let wall = self.last_end.map_or(wall, |end| end.max(wall));
            self.floor = at;
            self.open = Some(Open { start: Reading::new(at, wall), activity });
        }
    }

    /// Whether the page that a browser tells of was there already when it came to the front, where nothing was told yet.
    fn was_so_from_the_start(&self, at: Boot, wanted: Option<&Activity>) -> bool {
        let (Some(Activity::Focus(wanted)), Focus::App { since, .. }, Some(open)) =
            (wanted, &self.focus, &self.open)
        else {
            return false;
        };
        !self.page_told
            && wanted.domain.is_some()
            && open.activity == Activity::Focus(Subject::app(wanted.app.clone()))
            && open.start.boot >= *since
            && at < *since + if self.none_told { CORRECTED } else { PAGE_SETTLES }
    }

    /// Closes the open span at `end`, or drops it when it would be empty.
    fn close(&mut self, end: Boot, steps: &mut Vec<Step>) {
        let Some(open) = self.open.take() else { return };
        self.floor = self.floor.max(end);
        if let Some(length) = end.since(open.start.boot).filter(|l| !l.is_zero()) {
            let span = Span { start: open.start, length, activity: open.activity };
            self.last_end = Some(span.end_wall());
            steps.push(Step::Closed(span));
        }
    }
}

#[cfg(test)]
mod tests;
