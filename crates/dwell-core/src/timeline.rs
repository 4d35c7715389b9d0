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

use std::collections::{BTreeMap, BTreeSet};

use crate::browser::{LinkId, Links, Page};
use crate::sample::{Fact, Sample};
use crate::span::{Activity, Span};
use crate::subject::{AppId, Subject};
use crate::time::{Boot, Millis, Reading, Wall};

/// Compositors say "no focus" for up to 10 ms between two windows (measured); it counts only when it lasts longer.
pub const DEBOUNCE: Millis = Millis::from_ms(50);

/// A browser says what it shows a little after the compositor says that it has the focus, and loses the focus a little
/// before: what its extension says late still holds from the change on, and that it shows nothing of which its extension
/// may know counts when it lasts this long. (Measured: 5 to 60 ms, on a busy machine up to 500.)
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

/// What is heard is closed after this long and goes on as another span, so that a power loss costs at most this much.
pub const HEARD_PIECE: Millis = Millis::from_mins(5);

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
    heard: BTreeMap<Subject, Reading>,
    /// Nothing that is heard reaches back before this: a span of it may have ended here.
    heard_floor: Boot,
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
            heard: BTreeMap::new(),
            heard_floor: now.boot,
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
        self.hush(now.boot, &mut steps);
        steps
    }

    /// The next instant at which [`Timeline::advance`] must be called, if any.
    pub fn deadline(&self) -> Option<Boot> {
        let piece = self.heard.values().map(|start| start.boot + HEARD_PIECE).min();
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
            self.hush(now.boot, steps);
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
        let at = at.max(self.heard_floor);
        let attention = self.open.as_ref().and_then(|open| open.activity.charged());
        let wanted: BTreeSet<Subject> = match self.asleep {
            true => BTreeSet::new(),
            false => self.links.heard().filter(|subject| Some(subject) != attention.as_ref()).collect(),
        };
        let over = |subject: &Subject, start: &Reading| {
            !wanted.contains(subject) || at.since(start.boot).is_some_and(|length| length >= HEARD_PIECE)
        };
        let over: Vec<Subject> = self
            .heard
            .iter()
            .filter(|(subject, start)| over(subject, start))
            .map(|(s, _)| s.clone())
            .collect();
        for subject in over {
            if let Some(start) = self.heard.remove(&subject) {
                self.heard_floor = at;
                steps.extend(heard(subject, start, at));
            }
        }
        for subject in wanted {
            let wall = self.clock.wall_at(at);
            self.heard.entry(subject).or_insert(Reading::new(at, wall));
        }
    }

    /// Ends everything that is heard.
    fn hush(&mut self, at: Boot, steps: &mut Vec<Step>) {
        self.heard_floor = at;
        for (subject, start) in std::mem::take(&mut self.heard) {
            steps.extend(heard(subject, start, at));
        }
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

fn heard(subject: Subject, start: Reading, end: Boot) -> Option<Step> {
    let length = end.since(start.boot).filter(|length| !length.is_zero())?;
    Some(Step::Closed(Span { start, length, activity: Activity::Audible(subject) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::{Shown, Told};
    use crate::subject::Domain;
    use proptest::prelude::*;

    fn boot(ms: u64) -> Boot {
        Boot::from_ms(ms)
    }
    fn at(ms: u64) -> Reading {
        Reading::new(boot(ms), Wall::from_unix_ms(1_000_000 + i64::try_from(ms).unwrap()))
    }
    fn app(name: &str) -> AppId {
        AppId::new(name).unwrap()
    }
    fn focus(name: &str) -> Fact {
        Fact::Focus(Some(app(name)))
    }

    /// Folds facts at their instants; shows closed spans as (app or kind, start, length).
    fn run(facts: &[(u64, Fact)]) -> Vec<(String, u64, u64)> {
        let mut timeline = Timeline::new(at(0));
        let mut steps = timeline.fold(&Sample::new(boot(0), Fact::Focus(None)), at(0));
        for (ms, fact) in facts {
            steps.extend(timeline.fold(&Sample::new(boot(*ms), fact.clone()), at(*ms)));
        }
        show(&steps)
    }

    fn show(steps: &[Step]) -> Vec<(String, u64, u64)> {
        steps
            .iter()
            .filter_map(|step| match step {
                Step::Closed(span) => {
                    let app = span.activity.app().map_or("unobserved", AppId::as_str).to_owned();
                    let name = match &span.activity {
                        Activity::Private(_) => format!("private {app}"),
                        Activity::Audible(subject) => {
                            format!("audible {app} at {}", subject.domain.as_ref().unwrap().as_str())
                        }
                        Activity::Focus(Subject { domain: Some(domain), .. }) => {
                            format!("{app} at {}", domain.as_str())
                        }
                        _ => app,
                    };
                    Some((name, span.start.boot.as_ms(), span.length.as_ms()))
                }
                Step::ClockStep { .. } => None,
            })
            .collect()
    }

    fn row(name: &str, start: u64, length: u64) -> (String, u64, u64) {
        (name.to_owned(), start, length)
    }

    #[test]
    fn focus_changes_make_spans() {
        let got = run(&[(100, focus("a")), (400, focus("b")), (450, focus("b")), (1000, Fact::Locked(true))]);
        assert_eq!(got, [row("a", 100, 300), row("b", 400, 600)]);
    }

    #[test]
    fn idleness_is_back_dated_to_the_last_input() {
        let got = run(&[
            (0, focus("a")),
            (200_000, Fact::IdleSince(boot(20_000))),
            (300_000, Fact::Active),
            (310_000, focus("b")),
        ]);
        assert_eq!(got, [row("a", 0, 20_000), row("a", 300_000, 10_000)]);
    }

    #[test]
    fn idleness_never_changes_a_closed_span() {
        // A window that opened by itself during the idle time: its span is dropped, the one before stays.
        let got = run(&[(0, focus("a")), (100_000, focus("b")), (200_000, Fact::IdleSince(boot(20_000)))]);
        assert_eq!(got, [row("a", 0, 100_000)]);
    }

    #[test]
    fn passing_none_between_windows_is_not_counted() {
        let got = run(&[
            (0, focus("a")),
            (1000, Fact::Focus(None)),
            (1010, focus("b")),
            (2000, Fact::Locked(true)),
        ]);
        assert_eq!(got, [row("a", 0, 1010), row("b", 1010, 990)]);
        // The same window again: one span.
        let got = run(&[
            (0, focus("a")),
            (1000, Fact::Focus(None)),
            (1010, focus("a")),
            (2000, Fact::Locked(true)),
        ]);
        assert_eq!(got, [row("a", 0, 2000)]);
    }

    fn linked(id: u64) -> Fact {
        Fact::Browser(LinkId(id), Told::Linked(vec![app("b")]))
    }
    fn shows(id: u64, focused: bool, domain: Option<&str>) -> Fact {
        let domain = domain.map(|domain| Domain::new(domain).unwrap());
        Fact::Browser(LinkId(id), Told::Shows(Shown { focused, domain, audible: Vec::new() }))
    }
    fn page(domain: &str, start: u64, length: u64) -> (String, u64, u64) {
        row(&format!("b at {domain}"), start, length)
    }

    #[test]
    fn a_browsers_time_goes_to_the_domain_that_it_tells() {
        let got = run(&[
            (0, linked(1)),
            (1000, focus("b")),
            // Told a little after the compositor said it, and so from the start.
            (1040, shows(1, true, Some("x.example"))),
            (5000, shows(1, true, Some("y.example"))),
            (7000, shows(1, true, None)),
            (8000, focus("a")),
            // What it says while another has the focus counts for nothing.
            (8100, shows(1, true, Some("x.example"))),
            (9000, Fact::Locked(true)),
        ]);
        let pages = [page("x.example", 1000, 4000), page("y.example", 5000, 2000), row("b", 7000, 1000)];
        assert_eq!(got, [&pages[..], &[row("a", 8000, 1000)]].concat());
    }

    #[test]
    fn a_page_that_comes_long_after_the_focus_was_not_there_from_the_start() {
        let late = run(&[
            (0, linked(1)),
            (1000, focus("b")),
            (2500, shows(1, true, Some("x.example"))),
            (3000, Fact::Locked(true)),
        ]);
        assert_eq!(late, [row("b", 1000, 1500), page("x.example", 2500, 500)]);
        // Nor was one that was opened in a new tab.
        let opened = run(&[
            (0, linked(1)),
            (1000, focus("b")),
            (1020, shows(1, true, None)),
            (1500, shows(1, true, Some("x.example"))),
            (3000, Fact::Locked(true)),
        ]);
        assert_eq!(opened, [row("b", 1000, 500), page("x.example", 1500, 1500)]);
    }

    #[test]
    fn what_an_extension_does_not_see_is_private() {
        let got = run(&[
            (0, linked(1)),
            (0, focus("b")),
            (10, shows(1, true, Some("x.example"))),
            (4000, shows(1, false, Some("x.example"))),
            (9000, shows(1, true, Some("x.example"))),
            (9500, Fact::Locked(true)),
        ]);
        let private = row("private b", 4000, 5000);
        assert_eq!(got, [page("x.example", 0, 4000), private, page("x.example", 9000, 500)]);
        // A private window was in front when it came there.
        let from_the_start = run(&[
            (0, linked(1)),
            (1000, focus("b")),
            (1030, shows(1, false, Some("x.example"))),
            (6000, Fact::Locked(true)),
        ]);
        assert_eq!(from_the_start, [row("private b", 1000, 5000)]);
    }

    #[test]
    fn an_answer_that_was_quicker_than_the_focus_is_corrected() {
        let got = run(&[
            (0, linked(1)),
            (1000, focus("b")),
            (1010, shows(1, false, None)),
            // Asked once more.
            (1420, shows(1, true, Some("x.example"))),
            (4000, Fact::Locked(true)),
        ]);
        assert_eq!(got, [page("x.example", 1000, 3000)]);
        // A private window that is left for another one was none of it from the start.
        let left = run(&[
            (0, linked(1)),
            (1000, focus("b")),
            (1010, shows(1, false, None)),
            (1900, shows(1, true, Some("x.example"))),
            (4000, Fact::Locked(true)),
        ]);
        assert_eq!(left, [row("b", 1000, 900), page("x.example", 1900, 2100)]);
    }

    #[test]
    fn a_browser_that_is_just_being_left_is_not_private() {
        let got = run(&[
            (0, linked(1)),
            (0, focus("b")),
            (10, shows(1, true, Some("x.example"))),
            (4000, shows(1, false, Some("x.example"))),
            (4100, focus("a")),
            (9000, Fact::Locked(true)),
        ]);
        assert_eq!(got, [page("x.example", 0, 4100), row("a", 4100, 4900)]);
    }

    #[test]
    fn that_it_is_private_is_settled_by_itself() {
        let mut timeline = Timeline::new(at(0));
        for (ms, fact) in [(0, linked(1)), (0, focus("b")), (10, shows(1, false, None))] {
            let _ = timeline.fold(&Sample::new(boot(ms), fact), at(ms));
        }
        let asked = |timeline: &Timeline| timeline.to_ask().1.collect::<Vec<_>>();
        assert_eq!(asked(&timeline), [], "it has answered");
        assert_eq!(timeline.deadline(), Some(boot(400)));
        let round = timeline.to_ask().0;
        let _ = timeline.advance(at(400));
        assert_eq!(asked(&timeline), [LinkId(1)], "and is asked once more");
        assert!(timeline.to_ask().0 > round);
        assert_eq!(timeline.deadline(), Some(boot(1000)));
        let _ = timeline.advance(at(1000));
        assert_eq!(asked(&timeline), []);
        assert_eq!(timeline.attention().unwrap().0, &Activity::Private(app("b")));
        assert_eq!(timeline.deadline(), None);
    }

    #[test]
    fn without_its_link_a_browser_is_a_program_like_any_other() {
        let got = run(&[
            (0, linked(1)),
            (0, focus("b")),
            (10, shows(1, true, Some("x.example"))),
            (4000, Fact::Browser(LinkId(1), Told::Gone)),
            (5000, linked(2)),
            (5010, shows(2, true, Some("x.example"))),
            (6000, Fact::Locked(true)),
        ]);
        let between = row("b", 4000, 1010);
        assert_eq!(got, [page("x.example", 0, 4000), between, page("x.example", 5010, 990)]);
    }

    #[test]
    fn those_are_asked_who_have_not_told() {
        let mut timeline = Timeline::new(at(0));
        for (ms, fact) in [(0, linked(1)), (0, linked(2)), (5, focus("b"))] {
            let _ = timeline.fold(&Sample::new(boot(ms), fact), at(ms));
        }
        assert_eq!(timeline.to_ask().1.collect::<Vec<_>>(), [LinkId(1), LinkId(2)]);
        let _ = timeline.fold(&Sample::new(boot(9), shows(2, true, None)), at(9));
        assert_eq!(timeline.to_ask().1.count(), 0);
    }

    fn sounds(focused: bool, domain: Option<&str>, audible: &[&str]) -> Fact {
        let name = |text: &&str| Domain::new(*text).unwrap();
        let audible = audible.iter().map(name).collect();
        Fact::Browser(LinkId(1), Told::Shows(Shown { focused, domain: domain.as_ref().map(name), audible }))
    }

    #[test]
    fn what_is_heard_beside_has_its_own_row() {
        let radio = |start, length| row("audible b at radio.example", start, length);
        let got = run(&[
            (0, linked(1)),
            (0, focus("b")),
            (10, sounds(true, Some("radio.example"), &["radio.example"])),
            // In the background from here on, also while another program has the focus, and while nobody is there.
            (1000, sounds(true, Some("x.example"), &["radio.example"])),
            (2000, focus("a")),
            (3000, Fact::Locked(true)),
            (5000, sounds(false, Some("x.example"), &[])),
        ]);
        let pages = [page("radio.example", 0, 1000), page("x.example", 1000, 1000), row("a", 2000, 1000)];
        assert_eq!(got, [&pages[..], &[radio(1000, 4000)]].concat());
        // It lasts for hours, and is closed piece by piece.
        let mut timeline = Timeline::new(at(0));
        // Of which of a browser's windows is not known before one of them was in front.
        for fact in [linked(1), sounds(false, None, &["radio.example"]), focus("b"), focus("a")] {
            let _ = timeline.fold(&Sample::new(boot(0), fact), at(0));
        }
        assert_eq!(timeline.deadline(), Some(boot(HEARD_PIECE.as_ms())));
        let steps = timeline.advance(at(HEARD_PIECE.as_ms()));
        assert_eq!(show(&steps), [radio(0, HEARD_PIECE.as_ms())]);
        let gone = Sample::new(boot(400_000), Fact::Browser(LinkId(1), Told::Gone));
        assert_eq!(show(&timeline.fold(&gone, at(400_000))), [radio(300_000, 100_000)]);
        assert_eq!(timeline.deadline(), None);
    }

    #[test]
    fn lasting_none_ends_the_span_where_it_began() {
        let got = run(&[
            (0, focus("a")),
            (1000, Fact::Focus(None)),
            (5000, focus("a")),
            (6000, Fact::Locked(true)),
        ]);
        assert_eq!(got, [row("a", 0, 1000), row("a", 5000, 1000)]);
        let mut timeline = Timeline::new(at(0));
        let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
        let _ = timeline.fold(&Sample::new(boot(1000), Fact::Focus(None)), at(1000));
        assert_eq!(timeline.deadline(), Some(boot(1050)));
        assert_eq!(timeline.open_span(boot(1040)).unwrap().length.as_ms(), 1000);
        assert_eq!(show(&timeline.advance(at(1049))), []);
        assert_eq!(show(&timeline.advance(at(1050))), [row("a", 0, 1000)]);
        assert_eq!(timeline.deadline(), None);
    }

    #[test]
    fn lock_sleep_and_other_sessions_stop_the_count() {
        for (stop, go) in [
            (Fact::Locked(true), Fact::Locked(false)),
            (Fact::Asleep(true), Fact::Asleep(false)),
            (Fact::SessionActive(false), Fact::SessionActive(true)),
        ] {
            let got =
                run(&[(0, focus("a")), (10, stop), (20, focus("b")), (30, go), (50, Fact::FocusUnknown)]);
            assert_eq!(got, [row("a", 0, 10), row("b", 30, 20)]);
        }
    }

    #[test]
    fn a_lost_sensor_is_unobserved_but_idle_or_locked_time_is_not() {
        let got = run(&[
            (0, focus("a")),
            (10, Fact::FocusUnknown),
            (30, Fact::Locked(true)),
            (90, Fact::Locked(false)),
            (100, focus("a")),
        ]);
        assert_eq!(got, [row("a", 0, 10), row("unobserved", 10, 20), row("unobserved", 90, 10)]);
    }

    #[test]
    fn a_clock_that_is_set_is_an_event_and_never_negative() {
        let mut timeline = Timeline::new(at(0));
        let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
        let back = Reading::new(boot(10_000), Wall::from_unix_ms(1_000_000 - 3_600_000 + 10_000));
        let steps = timeline.advance(back);
        assert_eq!(show(&steps), [row("a", 0, 10_000)]);
        assert!(matches!(steps[1], Step::ClockStep { moved_ms: -3_600_000, .. }), "{steps:?}");
        assert_eq!(timeline.open_span(boot(11_000)).unwrap().start, back);
        // Slewing within the tolerance is no step, and makes no overlap in wall time.
        let slewed = Reading::new(boot(20_000), Wall::from_unix_ms(back.wall.as_unix_ms() + 10_000 - 1500));
        let steps = timeline.fold(&Sample::new(boot(20_000), focus("b")), slewed);
        let Step::Closed(first) = &steps[0] else { panic!("{steps:?}") };
        assert_eq!(steps.len(), 1);
        assert!(timeline.open_span(boot(20_001)).unwrap().start.wall >= first.end_wall());
    }

    #[test]
    fn unannounced_sleep_is_not_counted() {
        let mut timeline = Timeline::new(at(0));
        let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
        let _ = timeline.advance(at(30_000));
        let steps = timeline.slept(Millis::from_secs(3600), at(3_635_000));
        assert_eq!(show(&steps), [row("a", 0, 35_000)]);
        assert_eq!(timeline.open_span(boot(3_636_000)).unwrap().length, Millis::from_secs(1));
        // A sleep that was announced changes nothing more.
        let _ = timeline.fold(&Sample::new(boot(3_636_000), Fact::Asleep(true)), at(3_636_000));
        assert_eq!(timeline.slept(Millis::from_secs(60), at(3_700_000)), []);
        assert_eq!(timeline.state(), State::Asleep);
    }

    #[test]
    fn finishing_saves_the_open_span() {
        let mut timeline = Timeline::new(at(0));
        let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
        assert_eq!(show(&timeline.finish(at(700))), [row("a", 0, 700)]);
        assert!(timeline.open_span(boot(800)).is_none());
    }

    #[test]
    fn a_queue_of_samples_keeps_its_instants() {
        let mut timeline = Timeline::new(at(0));
        let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
        // Time was looked at in between, which closes nothing.
        let _ = timeline.advance(at(4000));
        let mut steps = timeline.fold(&Sample::new(boot(1000), focus("b")), at(4000));
        steps.extend(timeline.fold(&Sample::new(boot(3000), focus("c")), at(4000)));
        steps.extend(timeline.finish(at(4000)));
        assert_eq!(show(&steps), [row("a", 0, 1000), row("b", 1000, 2000), row("c", 3000, 1000)]);
        // What is closed stays closed.
        assert_eq!(show(&timeline.fold(&Sample::new(boot(500), focus("d")), at(5000))), []);
        assert_eq!(timeline.open_span(boot(5000)).unwrap().start.boot, boot(4000));
    }

    #[test]
    fn many_small_moves_of_the_clock_are_one_step() {
        let mut timeline = Timeline::new(at(0));
        let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
        let mut stepped = 0;
        for i in 1..=40 {
            let now = Reading::new(boot(i * 1000), at(0).wall);
            stepped += timeline.advance(now).iter().filter(|s| matches!(s, Step::ClockStep { .. })).count();
        }
        // The wall clock stood still for 40 s: every third second it had moved by more than two.
        assert_eq!(stepped, 13);
        assert!(timeline.open_span(boot(41_000)).unwrap().start.wall <= at(0).wall + STEP_TOLERANCE);
    }

    #[derive(Clone, Debug)]
    enum Op {
        Fold { late: u64, fact: Fact },
        Advance,
        StepClock(i64),
    }

    fn any_fact() -> impl Strategy<Value = Fact> {
        prop_oneof![
            4 => prop::sample::select(vec!["a", "b", "c"]).prop_map(focus),
            2 => Just(Fact::Focus(None)),
            1 => Just(Fact::FocusUnknown),
            2 => (0_u64..400_000).prop_map(|ms| Fact::IdleSince(boot(ms))),
            2 => Just(Fact::Active),
            1 => any::<bool>().prop_map(Fact::Locked),
            1 => any::<bool>().prop_map(Fact::SessionActive),
            1 => any::<bool>().prop_map(Fact::Asleep),
            4 => any_told(),
        ]
    }

    fn any_told() -> impl Strategy<Value = Fact> {
        let domain = prop::sample::select(vec![None, Some("x.example"), Some("y.example")]);
        let shown = (0_u64..2, prop::bool::weighted(0.7), domain)
            .prop_map(|(id, focused, domain)| shows(id, focused, domain));
        let audible = prop::sample::select(vec![&[][..], &["x.example"], &["x.example", "radio.example"]]);
        let heard = (any::<bool>(), audible).prop_map(|(focused, audible)| sounds(focused, None, audible));
        prop_oneof![
            2 => (0_u64..2).prop_map(linked),
            4 => shown,
            2 => heard,
            1 => (0_u64..2).prop_map(|id| Fact::Browser(LinkId(id), Told::Gone)),
        ]
    }

    fn any_op() -> impl Strategy<Value = (u64, Op)> {
        let op = prop_oneof![
            8 => (0_u64..2000, any_fact()).prop_map(|(late, fact)| Op::Fold { late, fact }),
            2 => Just(Op::Advance),
            1 => (-7_200_000_i64..7_200_000).prop_map(Op::StepClock),
        ];
        (0_u64..20_000, op)
    }

    /// What must hold after every operation.
    fn verify_invariants(timeline: &Timeline, closed: &[Span], stepped_at: &[Boot], now: Reading) {
        let open = timeline.open_span(now.boot);
        let all: Vec<&Span> = closed.iter().chain(open.as_ref()).collect();
        for span in &all {
            assert!(!span.length.is_zero(), "an empty span");
            assert!(span.end_boot() <= now.boot, "a span ends in the future");
        }
        for pair in all.windows(2) {
            assert!(pair[0].end_boot() <= pair[1].start.boot, "overlap on the boot clock: {pair:?}");
            let stepped = stepped_at.iter().any(|s| *s >= pair[0].end_boot() && *s <= pair[1].start.boot);
            assert!(stepped || pair[0].end_wall() <= pair[1].start.wall, "overlap in wall time: {pair:?}");
        }
        if timeline.state() != State::Active && timeline.state() != State::Unobserved {
            assert!(timeline.attention().is_none(), "attention while {:?}", timeline.state());
        }
        let elapsed = now.boot.as_ms();
        let counted: Millis = all.iter().map(|s| s.length).sum();
        assert!(counted.as_ms() <= elapsed, "more time than there was");
    }

    proptest! {
        /// Facts that were queued make the same spans as facts that were folded at once, with time looked at between.
        #[test]
        fn a_batch_is_as_good_as_one_by_one(facts in prop::collection::vec((0_u64..20_000, any_fact()), 1..40)) {
            let (mut queued, mut prompt) = (Timeline::new(at(0)), Timeline::new(at(0)));
            let mut now = 0;
            let mut samples = Vec::new();
            let mut promptly = Vec::new();
            for (wait, fact) in facts {
                now += wait;
                let fact = match fact {
                    Fact::IdleSince(since) => Fact::IdleSince(since.min(boot(now))),
                    fact => fact,
                };
                let sample = Sample::new(boot(now), fact);
                promptly.extend(prompt.advance(at(now)));
                promptly.extend(prompt.fold(&sample, at(now)));
                samples.push(sample);
            }
            let late = at(now + 1000);
            let mut at_once: Vec<Step> = samples.iter().flat_map(|s| queued.fold(s, late)).collect();
            promptly.extend(prompt.finish(late));
            at_once.extend(queued.finish(late));
            prop_assert_eq!(promptly, at_once);
        }

        #[test]
        fn invariants_hold_for_any_sequence(ops in prop::collection::vec(any_op(), 1..60)) {
            let mut now = at(0);
            let mut timeline = Timeline::new(now);
            let (mut closed, mut heard, mut stepped_at) = (Vec::<Span>::new(), Vec::<Span>::new(), Vec::new());
            for (wait, op) in ops {
                now = now.at(now.boot + Millis::from_ms(wait));
                let steps = match op {
                    Op::Fold { late, fact } => timeline.fold(&Sample::new(now.boot - Millis::from_ms(late), fact), now),
                    Op::Advance => timeline.advance(now),
                    Op::StepClock(by) => {
                        now.wall = Wall::from_unix_ms(now.wall.as_unix_ms() + by);
                        timeline.advance(now)
                    }
                };
                for step in steps {
                    match step {
                        Step::Closed(span) if matches!(span.activity, Activity::Audible(_)) => heard.push(span),
                        Step::Closed(span) => closed.push(span),
                        Step::ClockStep { at, .. } => stepped_at.push(at.boot),
                    }
                }
                verify_invariants(&timeline, &closed, &stepped_at, now);
            }
            for step in timeline.finish(now) {
                match step {
                    Step::Closed(span) if matches!(span.activity, Activity::Audible(_)) => heard.push(span),
                    Step::Closed(span) => closed.push(span),
                    Step::ClockStep { .. } => {}
                }
            }
            verify_invariants(&timeline, &closed, &stepped_at, now);
            // What is heard of one subject does not overlap either.
            heard.sort_by_key(|span| span.start.boot);
            for (nth, span) in heard.iter().enumerate() {
                prop_assert!(!span.length.is_zero() && span.length <= HEARD_PIECE + Millis::from_ms(20_000));
                let before = heard[..nth].iter().filter(|other| other.activity == span.activity);
                prop_assert!(before.clone().all(|other| other.end_boot() <= span.start.boot), "{heard:?}");
            }
        }
    }
}
