//! The count: timeline and ledger in step, and what has to be recorded of them.
//!
//! A closed span is charged and recorded in one step. The open span is recorded every thirty seconds as a checkpoint,
//! which the closed span later takes the place of: it has the same start. Where it has not (the person turned out to
//! have been away, or days are counted in another way from now on) the checkpoint is taken back by an entry of no length.
//!
//! # Invariant
//!
//! What a report makes of the recorded entries and the open span is what the ledger charged, to the millisecond, after
//! any sequence of samples, ticks, clock steps, changes of the calendar, kills and restarts.

use std::mem;
use std::ops::RangeInclusive;

use crate::almanac::Almanac;
use crate::calendar::{Calendar, CivilDay};
use crate::ledger::Ledger;
use crate::sample::Sample;
use crate::span::{Activity, Span};
use crate::subject::{AppId, Target};
use crate::time::{Boot, Millis, Reading};
use crate::timeline::{Step, Timeline};

/// The open span is recorded this often, so that a power loss costs at most this much.
pub const CHECKPOINT: Millis = Millis::from_secs(30);
/// Time that nobody observes may last for weeks, and is worth less: it is recorded this often.
pub const UNOBSERVED_CHECKPOINT: Millis = Millis::from_mins(10);
/// Shorter unobserved spans are not recorded: a blink between two sensors is no gap.
pub const UNOBSERVED_MIN: Millis = Millis::from_secs(1);
/// Days are recorded under the day that they were when they were recorded. Between any two zones and day starts the
/// same instant's days differ by at most this many.
pub const LABEL_SLACK: i32 = 2;

/// The days under which spans that matter from `today` on can be recorded: those after it, too, for the clock may have
/// been ahead.
pub fn around(today: CivilDay) -> RangeInclusive<CivilDay> {
    today.plus(-LABEL_SLACK)..=CivilDay::MAX
}

/// One entry to be recorded under a day. A later entry with the same day and start takes the place of an earlier one;
/// one of no length takes it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A span that is over.
    Span(Span),
    /// The open span so far.
    Checkpoint(Span),
}

impl Entry {
    /// The span that is stated.
    pub const fn span(&self) -> &Span {
        match self {
            Self::Span(span) | Self::Checkpoint(span) => span,
        }
    }
}

/// What came of something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Outcome {
    /// What has to be recorded, in order, all or none.
    pub entries: Vec<(CivilDay, Entry)>,
    /// The wall clock was set, by this many milliseconds: the caller has to have the count made anew
    /// ([`Count::recount`]), for the running day may be another one.
    pub clock_moved_ms: Option<i64>,
}

/// Timeline and ledger in step.
#[derive(Clone, Debug)]
pub struct Count {
    calendar: Calendar,
    timeline: Timeline,
    ledger: Ledger,
    /// The pieces of the open span as they were last recorded.
    checkpointed: Vec<(CivilDay, Span)>,
    next_checkpoint: Option<Boot>,
    /// What was to be recorded since the recorded spans were asked for, while a recount is under way.
    meanwhile: Option<Vec<(CivilDay, Entry)>>,
}

impl Count {
    /// A count that begins now. `recorded` are the spans of the days [`around`] today, in the order of time.
    pub fn new(calendar: Calendar, recorded: &[Span], now: Reading) -> Self {
        let mut ledger = Ledger::new(calendar);
        recorded.iter().for_each(|span| ledger.charge(span));
        Self {
            calendar,
            timeline: Timeline::new(now),
            ledger,
            checkpointed: Vec::new(),
            next_checkpoint: Some(now.boot + UNOBSERVED_CHECKPOINT),
            meanwhile: None,
        }
    }

    /// Takes a fact in.
    pub fn fold(&mut self, sample: &Sample, now: Reading) -> Outcome {
        let steps = self.timeline.fold(sample, now);
        self.take(steps, now)
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Reading) -> Outcome {
        let steps = self.timeline.advance(now);
        self.take(steps, now)
    }

    /// Takes notice of sleep that nobody announced; see [`Timeline::slept`].
    pub fn slept(&mut self, slept: Millis, now: Reading) -> Outcome {
        let steps = self.timeline.slept(slept, now);
        self.take(steps, now)
    }

    /// Ends the count: the open span is closed.
    pub fn finish(&mut self, now: Reading) -> Outcome {
        let steps = self.timeline.finish(now);
        self.take(steps, now)
    }

    /// Records the open span now, whatever the time: something depends on it.
    pub fn checkpoint(&mut self, now: Reading) -> Outcome {
        self.next_checkpoint = Some(now.boot);
        self.take(Vec::new(), now)
    }

    /// A time that was not observed before this count began.
    pub fn absence(&self, gap: &Span) -> Outcome {
        let entries = pieces(&self.calendar, gap).into_iter().map(|(day, piece)| (day, Entry::Span(piece)));
        Outcome { entries: entries.collect(), clock_moved_ms: None }
    }

    /// From now on what is to be recorded is remembered for [`Count::recount`]. To be called when the recorded spans
    /// are asked for.
    pub fn begin_recount(&mut self) {
        self.meanwhile = Some(Vec::new());
    }

    /// Charges everything anew, by `calendar`. `recorded` are the recorded spans of the days [`around`] today as they
    /// were when [`Count::begin_recount`] was called.
    pub fn recount(
        &mut self,
        calendar: Calendar,
        mut recorded: Vec<(CivilDay, Span)>,
        now: Reading,
    ) -> Outcome {
        for (day, entry) in self.meanwhile.take().unwrap_or_default() {
            let span = entry.span();
            recorded.retain(|(of, old)| (*of, old.start) != (day, span.start) || !same_track(old, span));
            recorded.push((day, span.clone()));
        }
        recorded.sort_by_key(|(_, span)| (span.start.wall, span.start.boot));
        let open = self.timeline.open_span(now.boot);
        let closed = recorded.iter().map(|(_, span)| span);
        let closed = closed.filter(|span| !open.as_ref().is_some_and(|open| is_part_of(span, open)));
        let mut ledger = Ledger::new(calendar);
        closed.for_each(|span| ledger.charge(span));
        self.ledger = ledger;
        // Recorded under days that are others from now on: taken back, and recorded again.
        let mut outcome = Outcome::default();
        if calendar != self.calendar {
            for (day, piece) in mem::take(&mut self.checkpointed) {
                outcome.entries.push((day, Entry::Span(Span { length: Millis::ZERO, ..piece })));
            }
            self.calendar = calendar;
            self.next_checkpoint = Some(now.boot);
        }
        let checkpoint = self.take(Vec::new(), now);
        outcome.entries.extend(checkpoint.entries);
        outcome
    }

    /// What was charged.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The next instant at which [`Count::advance`] must be called, if any.
    pub fn deadline(&self) -> Option<Boot> {
        [self.timeline.deadline(), self.next_checkpoint].into_iter().flatten().min()
    }

    /// By what days are counted.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The same, with a memory.
    pub const fn almanac(&self) -> &Almanac {
        self.ledger.almanac()
    }

    /// What is known of the person at the moment.
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The day that runs.
    pub fn today(&self, now: Reading) -> CivilDay {
        self.calendar.day_of(now.wall)
    }

    /// Charged today for a target, provisional time included.
    pub fn used(&self, target: &Target, now: Reading) -> Millis {
        self.ledger.used(self.today(now), target, self.timeline.open_span(now.boot).as_ref())
    }

    /// Today's programs with time and visits, provisional time included, most used first.
    pub fn apps(&self, now: Reading) -> Vec<(AppId, Millis, u64)> {
        let today = self.today(now);
        let open = self.timeline.open_span(now.boot);
        let running = open.as_ref().and_then(|span| span.activity.app());
        let mut ids: Vec<&AppId> =
            self.ledger.subjects(today).map(|(subject, _)| &subject.app).chain(running).collect();
        ids.sort();
        ids.dedup();
        let measure = |app: &AppId| {
            let time = self.ledger.used_by(today, app, open.as_ref());
            (app.clone(), time, self.ledger.opens(today, app, open.as_ref()))
        };
        let mut apps: Vec<_> = ids.into_iter().map(measure).filter(|(_, time, _)| !time.is_zero()).collect();
        apps.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        apps
    }

    /// The subjects charged today.
    pub fn subjects(&self, now: Reading) -> impl Iterator<Item = &crate::subject::Subject> {
        self.ledger.subjects(self.today(now)).map(|(subject, _)| subject)
    }

    /// Whether earlier days may be sealed: no provisional span touches them. Idleness noticed after the day start may
    /// still trim what lies before it.
    pub fn is_settled_before(&self, today: CivilDay, now: Reading) -> bool {
        let open = self.timeline.open_span(now.boot);
        open.is_none_or(|span| self.calendar.day_of(span.start.wall) >= today)
    }

    /// Forgets the days before `day`: they are recorded.
    pub fn drop_before(&mut self, day: CivilDay) {
        self.ledger.drop_before(day);
    }

    fn take(&mut self, steps: Vec<Step>, now: Reading) -> Outcome {
        let mut outcome = Outcome::default();
        for step in steps {
            match step {
                Step::Closed(span)
                    if span.activity == Activity::Unobserved && span.length < UNOBSERVED_MIN => {}
                Step::Closed(span) => {
                    self.ledger.charge(&span);
                    outcome.entries.extend(self.cut(span).map(|(day, piece)| (day, Entry::Span(piece))));
                }
                Step::ClockStep { moved_ms, .. } => outcome.clock_moved_ms = Some(moved_ms),
            }
        }
        self.keep_checkpoint(&mut outcome, now);
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile.extend(outcome.entries.iter().cloned());
        }
        outcome
    }

    /// A span cut at day boundaries. Nearly all lie within one day, and are not copied.
    fn cut(&self, span: Span) -> impl Iterator<Item = (CivilDay, Span)> {
        let mut parts = self.almanac().split(span.start.wall, span.length);
        let whole = parts.next().filter(|(_, _, length)| *length == span.length).map(|(day, ..)| day);
        let (whole, cut) = match whole {
            Some(day) => (Some((day, span)), Vec::new()),
            None => (None, pieces(&self.calendar, &span)),
        };
        whole.into_iter().chain(cut)
    }

    fn keep_checkpoint(&mut self, outcome: &mut Outcome, now: Reading) {
        let open = self.timeline.open_extent(now.boot);
        let activity = self.timeline.open_activity();
        let same = matches!((open, self.checkpointed.first()), (Some((start, _)), Some((_, c))) if start == c.start && activity == Some(&c.activity));
        if !same {
            for (day, piece) in mem::take(&mut self.checkpointed) {
                let replaced = |(of, entry): &(CivilDay, Entry)| {
                    *of == day && entry.span().start == piece.start && same_track(entry.span(), &piece)
                };
                if !outcome.entries.iter().any(replaced) {
                    outcome.entries.push((day, Entry::Span(Span { length: Millis::ZERO, ..piece })));
                }
            }
        }
        let Some((start, length)) = open else {
            self.next_checkpoint = self.timeline.open_start().map(|start| start.boot + CHECKPOINT);
            return;
        };
        let every = if activity == Some(&Activity::Unobserved) { UNOBSERVED_CHECKPOINT } else { CHECKPOINT };
        if self.next_checkpoint.is_some_and(|at| at <= now.boot)
            && let Some(open) = self.timeline.open_span(now.boot)
        {
            self.checkpointed = pieces(&self.calendar, &open);
            let cut = self.checkpointed.iter().cloned();
            outcome.entries.extend(cut.map(|(day, piece)| (day, Entry::Checkpoint(piece))));
        }
        // Counted from the span's start: each span has its own rhythm, and the one before it is recorded already.
        let due = length.as_ms() / every.as_ms() + 1;
        self.next_checkpoint = Some(start.boot + Millis::from_ms(due * every.as_ms()));
    }
}

/// Whether one span can take the place of another with the same start: what is heard stands beside what has attention.
fn same_track(one: &Span, other: &Span) -> bool {
    match (&one.activity, &other.activity) {
        (Activity::Audible(one), Activity::Audible(other)) => one == other,
        (Activity::Audible(_), _) | (_, Activity::Audible(_)) => false,
        _ => true,
    }
}

/// Whether a recorded span is a checkpoint, or a piece of one, of a span that is whole now.
pub fn is_part_of(span: &Span, whole: &Span) -> bool {
    span.activity == whole.activity
        && span.start.boot >= whole.start.boot
        && span.start.boot < whole.end_boot()
        && span.start.wall == whole.start.at(span.start.boot).wall
}

/// A span cut at day boundaries, each piece with its day.
pub fn pieces(calendar: &Calendar, span: &Span) -> Vec<(CivilDay, Span)> {
    let cut = calendar.split(span.start.wall, span.length).into_iter();
    cut.map(|(day, wall, length)| {
        let into = wall.since(span.start.wall).unwrap_or(Millis::ZERO);
        let start = Reading::new(span.start.boot + into, wall);
        (day, Span { start, length, activity: span.activity.clone() })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::{LinkId, Shown, Told};
    use crate::report::{Builder, By, Filter, Period};
    use crate::sample::Fact;
    use crate::subject::{Domain, Subject};
    use crate::time::Wall;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// 2026-11-20T23:30:00Z: near the day start of some zone wherever one looks.
    const START: i64 = 1_795_217_400_000;

    /// What a store makes of entries: the last one with a day and a start counts, one of no length drops it.
    #[derive(Clone, Default)]
    struct Store(BTreeMap<(CivilDay, Wall, Boot, Option<Subject>), Span>);

    impl Store {
        fn record(&mut self, outcome: &Outcome) {
            for (day, entry) in &outcome.entries {
                let span = entry.span();
                let track = match &span.activity {
                    Activity::Audible(subject) => Some(subject.clone()),
                    _ => None,
                };
                let key = (*day, span.start.wall, span.start.boot, track);
                if span.length.is_zero() {
                    self.0.remove(&key);
                } else {
                    self.0.insert(key, span.clone());
                }
            }
        }

        fn around(&self, day: CivilDay) -> Vec<(CivilDay, Span)> {
            let days = around(day);
            let found = self.0.iter().filter(|((of, ..), _)| days.contains(of));
            let mut spans: Vec<_> = found.map(|((of, ..), span)| (*of, span.clone())).collect();
            spans.sort_by_key(|(_, span)| (span.start.wall, span.start.boot));
            spans
        }

        fn spans(&self, day: CivilDay) -> Vec<Span> {
            self.around(day).into_iter().map(|(_, span)| span).collect()
        }
    }

    struct World {
        now: Reading,
        count: Count,
        store: Store,
    }

    impl World {
        fn new(calendar: Calendar) -> Self {
            let now = Reading::new(Boot::from_ms(1_000_000), Wall::from_unix_ms(START));
            Self { now, count: Count::new(calendar, &[], now), store: Store::default() }
        }

        fn took(&mut self, outcome: &Outcome) {
            self.store.record(outcome);
            if outcome.clock_moved_ms.is_some() {
                self.recount(*self.count.calendar(), None);
            }
        }

        /// As the daemon does it: the store is asked, and something may close before it answers.
        fn recount(&mut self, calendar: Calendar, meanwhile: Option<Fact>) {
            self.count.begin_recount();
            let recorded = self.store.around(calendar.day_of(self.now.wall));
            if let Some(fact) = meanwhile {
                let outcome = self.count.fold(&Sample::new(self.now.boot, fact), self.now);
                self.store.record(&outcome);
            }
            let outcome = self.count.recount(calendar, recorded, self.now);
            assert_eq!(outcome.clock_moved_ms, None);
            self.store.record(&outcome);
        }

        fn apply(&mut self, op: Op) {
            match op {
                Op::Fold { late, fact } => {
                    let sample = Sample::new(self.now.boot - Millis::from_ms(late), fact);
                    let outcome = self.count.fold(&sample, self.now);
                    self.took(&outcome);
                }
                Op::Advance => {
                    let outcome = self.count.advance(self.now);
                    self.took(&outcome);
                }
                Op::Checkpoint => {
                    let outcome = self.count.checkpoint(self.now);
                    self.took(&outcome);
                }
                Op::StepClock(by) => {
                    self.now.wall = Wall::from_unix_ms(self.now.wall.as_unix_ms() + by);
                    let outcome = self.count.advance(self.now);
                    self.took(&outcome);
                }
                Op::Calendar(calendar, meanwhile) => {
                    let outcome = self.count.advance(self.now);
                    self.took(&outcome);
                    self.recount(calendar, meanwhile);
                }
                Op::Restart { kill } => {
                    if !kill {
                        let outcome = self.count.finish(self.now);
                        self.took(&outcome);
                    }
                    let calendar = *self.count.calendar();
                    let recorded = self.store.spans(calendar.day_of(self.now.wall));
                    self.count = Count::new(calendar, &recorded, self.now);
                }
            }
        }

        fn verify(&self) {
            let today = self.count.today(self.now);
            let open = self.count.timeline().open_span(self.now.boot);
            let mut spans = self.store.spans(today);
            spans.retain(|span| !open.as_ref().is_some_and(|open| is_part_of(span, open)));
            spans.extend(open);
            let period = Period { first: today, last: today };
            let mut builder = Builder::new(self.count.calendar(), period, By::App, Filter::default());
            spans.iter().for_each(|span| builder.add(span));
            let report = builder.finish(None);
            assert_eq!(report.total, self.count.used(&Target::All, self.now), "report and limits disagree");
            // What is heard goes on beside.
            spans.retain(|span| !matches!(span.activity, Activity::Audible(_)));
            for pair in spans.windows(2).filter(|pair| pair[0].start.boot < pair[1].start.boot) {
                assert!(pair[0].end_boot() <= pair[1].start.boot, "recorded twice: {pair:?}");
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Fold { late: u64, fact: Fact },
        Advance,
        Checkpoint,
        StepClock(i64),
        Calendar(Calendar, Option<Fact>),
        Restart { kill: bool },
    }

    fn focus(name: &str) -> Fact {
        Fact::Focus(Some(AppId::new(name).unwrap()))
    }

    fn any_fact() -> impl Strategy<Value = Fact> {
        prop_oneof![
            5 => prop::sample::select(vec!["a", "b"]).prop_map(focus),
            1 => Just(Fact::Focus(None)),
            1 => Just(Fact::FocusUnknown),
            2 => (900_000_u64..2_000_000).prop_map(|ms| Fact::IdleSince(Boot::from_ms(ms))),
            2 => Just(Fact::Active),
            1 => any::<bool>().prop_map(Fact::Locked),
            3 => any_told(),
        ]
    }

    fn any_told() -> impl Strategy<Value = Fact> {
        let told = prop_oneof![
            2 => Just(Told::Linked(vec![AppId::new("b").unwrap()])),
            1 => Just(Told::Gone),
            4 => (any::<bool>(), prop::option::of(Just(Domain::new("x.example").unwrap())))
                .prop_map(|(focused, domain)| Told::Shows(Shown { focused, domain, audible: Vec::new() })),
            2 => (any::<bool>(), prop::option::of(Just(Domain::new("x.example").unwrap()))).prop_map(
                |(focused, domain)| {
                    let audible = vec![Domain::new("radio.example").unwrap()];
                    Told::Shows(Shown { focused, domain, audible })
                },
            ),
        ];
        told.prop_map(|told| Fact::Browser(LinkId(1), told))
    }

    fn any_calendar() -> impl Strategy<Value = Calendar> {
        let zone = prop::sample::select(vec![
            "UTC",
            "Asia/Tokyo",
            "Pacific/Kiritimati",
            "Etc/GMT+12",
            "Europe/Athens",
        ]);
        let start = prop::sample::select(vec!["00:00", "04:00", "11:30"]);
        (zone, start).prop_map(|(zone, start)| Calendar::new(zone.parse().unwrap(), start.parse().unwrap()))
    }

    fn any_op() -> impl Strategy<Value = (u64, Op)> {
        let op = prop_oneof![
            8 => (0_u64..2000, any_fact()).prop_map(|(late, fact)| Op::Fold { late, fact }),
            3 => Just(Op::Advance),
            2 => Just(Op::Checkpoint),
            1 => (-90_000_000_i64..90_000_000).prop_map(Op::StepClock),
            1 => (any_calendar(), prop::option::of(any_fact())).prop_map(|(c, f)| Op::Calendar(c, f)),
            1 => any::<bool>().prop_map(|kill| Op::Restart { kill }),
        ];
        (0_u64..400_000, op)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
        /// Invariant 1, over everything that can happen to a daemon.
        #[test]
        fn reports_and_limits_agree_whatever_happens(first in any_calendar(), ops in prop::collection::vec(any_op(), 1..40)) {
            let mut world = World::new(first);
            for (wait, op) in ops {
                world.now = world.now.at(world.now.boot + Millis::from_ms(wait));
                world.apply(op);
                world.verify();
            }
        }
    }

    fn utc() -> Calendar {
        Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap())
    }

    #[test]
    fn checkpoints_come_every_half_minute_and_never_while_idle() {
        let mut world = World::new(utc());
        let later = |world: &World, ms| world.now.at(world.now.boot + Millis::from_ms(ms));
        world.apply(Op::Fold { late: 0, fact: focus("a") });
        let start = world.now.boot;
        assert_eq!(world.count.deadline(), Some(start + CHECKPOINT));
        world.now = later(&world, 30_000);
        world.apply(Op::Advance);
        assert_eq!(world.store.0.values().map(|s| s.length.as_ms()).collect::<Vec<_>>(), [30_000]);
        assert_eq!(world.count.deadline(), Some(start + CHECKPOINT + CHECKPOINT));
        for stop in
            [Fact::IdleSince(start), Fact::Locked(true), Fact::Asleep(true), Fact::SessionActive(false)]
        {
            world.apply(Op::Fold { late: 0, fact: stop });
            assert_eq!(world.count.deadline(), None);
        }
        assert_eq!(world.store.0.len(), 0, "away since the start: the checkpoint is taken back");
    }

    #[test]
    fn another_zone_counts_once() {
        let mut world = World::new(utc());
        world.apply(Op::Fold { late: 0, fact: focus("a") });
        world.now = world.now.at(world.now.boot + Millis::from_ms(31_500));
        world.apply(Op::Advance);
        world.apply(Op::Calendar(Calendar::new(chrono_tz::Asia::Tokyo, "04:00".parse().unwrap()), None));
        world.now = world.now.at(world.now.boot + Millis::from_ms(1000));
        world.apply(Op::Fold { late: 0, fact: Fact::Locked(true) });
        assert_eq!(world.count.used(&Target::All, world.now).as_ms(), 32_500);
        world.verify();
    }

    #[test]
    fn a_clock_that_goes_there_and_back_gives_nothing_back() {
        let mut world = World::new(utc());
        world.apply(Op::Fold { late: 0, fact: focus("a") });
        world.now = world.now.at(world.now.boot + Millis::from_ms(3000));
        world.apply(Op::Fold { late: 0, fact: Fact::Locked(true) });
        for by in [10 * 86_400_000, -10 * 86_400_000] {
            world.apply(Op::StepClock(by));
            world.count.drop_before(world.count.today(world.now));
        }
        assert_eq!(world.count.used(&Target::All, world.now).as_ms(), 3000);
    }
}
