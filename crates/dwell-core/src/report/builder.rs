//! The builder: takes spans in the order of time, and makes rows of them.
//!
//! # Invariants
//!
//! What the rows say is what the ledger charged, to the millisecond. Spans that are given by name, spans that are given by
//! lane, and [`Part`]s made of runs of them come to the same report, visits included: a part remembers of each group
//! when its first visit began and its last one ended.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use super::part::{BETWEEN, Part, PartBy};
use super::rows::{By, Filter, Report, Row};
use super::{Before, Period};
use crate::almanac::Almanac;
use crate::browser;
use crate::calendar::{Calendar, CivilDay};
use crate::ledger::Visits;
use crate::span::{Activity, Span};
use crate::subject::{Category, Domain, Subject};
use crate::time::{Millis, Reading, Wall};

/// Tells a subject's category.
type Categories<'a> = Rc<dyn Fn(&Subject) -> Option<Category> + 'a>;

/// A group's key, with the kind that its row has.
pub(super) type Key = (Rc<str>, &'static str);

#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) time: Millis,
    pub(super) opens: u64,
    /// When it first had attention, whether or not within the period.
    pub(super) first: Option<Wall>,
    pub(super) visits: Visits,
}

/// Where a subject's time goes in one report: found once, and used for all of its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane(To);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// The filter leaves it out.
    Nowhere,
    /// It has a group.
    Group(usize),
    /// When it was decides about the group.
    Time,
}

/// Takes spans in the order of time, and makes a report of them.
#[derive(Clone)]
pub struct Builder<'a> {
    almanac: Almanac,
    period: Period,
    /// Time from here on is not counted.
    until: Option<Wall>,
    by: By,
    /// Each subject has a row of its own.
    by_subject: bool,
    filter: Filter,
    categories: Categories<'a>,
    numbers: HashMap<Key, usize>,
    groups: Vec<(Key, Group)>,
    /// The lanes of focus and of private windows.
    lanes: HashMap<Subject, [Option<Lane>; 2]>,
    /// The stretch of time that was found last, and its group.
    last: Option<(Wall, Wall, usize)>,
    observed: Millis,
    unobserved: Millis,
    /// From the first start to the last end of all that was given.
    bounds: Option<(Wall, Wall)>,
    /// The first and the last start of what was charged.
    order: Option<(Reading, Reading)>,
    in_order: bool,
}

impl<'a> Builder<'a> {
    /// A report over `period`, in which nothing has a category.
    pub fn new(calendar: &Calendar, period: Period, by: By, filter: Filter) -> Self {
        Self {
            almanac: Almanac::new(*calendar),
            period,
            until: None,
            by,
            by_subject: false,
            filter,
            categories: Rc::new(|_| None),
            numbers: HashMap::new(),
            groups: Vec::new(),
            lanes: HashMap::new(),
            last: None,
            observed: Millis::ZERO,
            unobserved: Millis::ZERO,
            bounds: None,
            order: None,
            in_order: true,
        }
    }

    /// A report over the earlier period that another one is compared with.
    pub fn of_before(calendar: &Calendar, before: Before, by: By, filter: Filter) -> Self {
        Self { until: before.until, ..Self::new(calendar, before.period, by, filter) }
    }

    /// Categories are no part of what is recorded: this tells them, as they are when the report is made.
    #[must_use]
    pub fn with_categories(self, categories: impl Fn(&Subject) -> Option<Category> + 'a) -> Self {
        Self { categories: Rc::new(categories), ..self }
    }

    /// Takes the next span. Spans before the period are welcome: they tell whether its first visit is a new one.
    pub fn add(&mut self, span: &Span) {
        match (&span.activity, span.activity.charged()) {
            (_, Some(subject)) => {
                let lane = self.lane(&subject, matches!(span.activity, Activity::Private(_)));
                self.put(lane, span.start, span.length);
            }
            (Activity::Unobserved, None) => self.put_unobserved(span.start.wall, span.length),
            (_, None) => {}
        }
    }

    /// Where the time of a subject goes; `private`: of its private windows.
    pub fn lane(&mut self, subject: &Subject, private: bool) -> Lane {
        let place = usize::from(private);
        if let Some(known) = self.lanes.get(subject).and_then(|lanes| lanes.get(place).copied().flatten()) {
            return known;
        }
        let lane = Lane(self.to(subject, if private { "private" } else { "focus" }));
        if let Some(of) = self.lanes.entry(subject.clone()).or_default().get_mut(place) {
            *of = Some(lane);
        }
        lane
    }

    fn to(&mut self, subject: &Subject, kind: &'static str) -> To {
        if !self.takes(subject) {
            return To::Nowhere;
        }
        if self.by_subject {
            let domain = subject.domain.as_ref().map_or("", Domain::as_str);
            return To::Group(self.number(&format!("{}{BETWEEN}{domain}", subject.app.as_str()), kind));
        }
        match self.key_of(subject, kind) {
            Some(key) => To::Group(self.number_of(key)),
            None => To::Time,
        }
    }

    /// Whether the filter takes a subject in.
    pub(super) fn takes(&self, subject: &Subject) -> bool {
        self.filter.takes(subject, &*self.categories)
    }

    /// The key of a subject's row; `None` where when it was decides about that.
    pub(super) fn key_of(&self, subject: &Subject, kind: &'static str) -> Option<Key> {
        match self.by {
            By::App => Some((subject.app.as_str().into(), kind)),
            By::Domain => Some(match &subject.domain {
                Some(domain) => (domain.as_str().into(), kind),
                None if kind == "focus" && browser::name_of(&subject.app).is_some() => ("".into(), "untold"),
                None => ("".into(), kind),
            }),
            By::Category => {
                Some(((self.categories)(subject).map_or_else(String::new, String::from).into(), kind))
            }
            By::Hour | By::Day | By::Week | By::Month => None,
        }
    }

    fn number(&mut self, key: &str, kind: &'static str) -> usize {
        self.number_of((key.into(), kind))
    }

    fn number_of(&mut self, key: Key) -> usize {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.groups.len();
        self.numbers.insert(key.clone(), number);
        self.groups.push((key, Group::default()));
        number
    }

    /// Takes the next stretch of attention.
    pub fn put(&mut self, lane: Lane, start: Reading, length: Millis) {
        if length.is_zero() {
            return;
        }
        let end = start.wall + length;
        self.widen(start.wall, end);
        self.in_order &= self.order.is_none_or(|(_, last)| is_sorted(last, start));
        self.order = Some((self.order.map_or(start, |(first, _)| first), start));
        self.last_and_each(start.wall, end, |this, day, at, stop| {
            let length = stop.since(at).unwrap_or(Millis::ZERO);
            let inside = this.is_inside(day, at);
            if inside {
                this.observed += length;
            }
            match lane.0 {
                To::Nowhere => {}
                To::Group(group) => this.count(group, at, length, inside),
                To::Time if this.by == By::Hour => {
                    let mut at = at;
                    while at < stop {
                        let (until, group) = this.hour(at);
                        let until = if until > at { until.min(stop) } else { stop };
                        this.count(group, at, until.since(at).unwrap_or(Millis::ZERO), inside);
                        at = until;
                    }
                }
                To::Time => {
                    let group = this.day(day, at);
                    this.count(group, at, length, inside);
                }
            }
        });
    }

    /// Takes a stretch that no sensor saw.
    pub fn put_unobserved(&mut self, start: Wall, length: Millis) {
        let end = start + length;
        self.widen(start, end);
        self.last_and_each(start, end, |this, day, at, stop| {
            if this.is_inside(day, at) {
                this.unobserved += stop.since(at).unwrap_or(Millis::ZERO);
            }
        });
    }

    /// Takes what stretches of whole days came to, in the place of their spans. All of a part has to lie within the
    /// period: see [`Part::is_within`].
    pub fn put_part(&mut self, part: &Part) {
        for (key, of) in &part.groups {
            let number = self.number_of(key.clone());
            let Some((_, group)) = self.groups.get_mut(number) else { continue };
            // The part counts its first stretch as a visit; whether it is one, what came before tells.
            let goes_on = of.first.is_some_and(|first| {
                let mut visits = group.visits.clone();
                group.visits.last_end().is_some() && !visits.next(first, Millis::ZERO)
            });
            group.time += of.time;
            group.opens += of.opens.saturating_sub(u64::from(goes_on));
            group.first = group.first.or(of.first);
            group.visits = of.visits.clone();
        }
        self.observed += part.observed;
        self.unobserved += part.unobserved;
        if let Some((start, end)) = part.bounds {
            self.widen(start, end);
        }
        if let Some((first, last)) = part.order {
            self.in_order &= self.order.is_none_or(|(_, earlier)| is_sorted(earlier, first));
            self.order = Some((self.order.map_or(first, |(first, _)| first), last));
        }
    }

    /// The days of which all counts, in order: those of the period, without one that is cut off.
    pub fn whole_days(&self) -> RangeInclusive<CivilDay> {
        let Period { first, last } = self.period;
        let day_of = |until| self.almanac.calendar().day_of(until);
        first..=self.until.map_or(last, |until| last.min(day_of(until).plus(-1)))
    }

    /// Takes what is left of whole days whose spans are gone: what each subject had in attention and visits, how that is
    /// spread over the hours of the day, and what no sensor saw. `first` says which day; more than one may be given at once where
    /// rows are not days, weeks or months. Private windows cannot be told from others any more, and visits are those of each day
    /// for itself. By hour there are none, and a filter, which cannot tell what it takes, takes nothing.
    pub fn put_totals<'t>(
        &mut self,
        first: CivilDay,
        subjects: impl Iterator<Item = (&'t Subject, Millis, u64)>,
        hours: &[Millis; 24],
        unobserved: Millis,
    ) {
        self.unobserved += unobserved;
        for (subject, time, opens) in subjects {
            self.observed += time;
            let group = match self.lane(subject, false).0 {
                To::Group(group) => group,
                To::Time if self.by != By::Hour => {
                    let start = self.almanac.calendar().start_of(first);
                    self.day(first, start)
                }
                To::Nowhere | To::Time => continue,
            };
            if let Some((_, group)) = self.groups.get_mut(group) {
                group.time += time;
                group.opens += opens;
            }
        }
        if self.by == By::Hour && self.filter.is_none() {
            for (hour, time) in hours.iter().enumerate() {
                let group = self.number(&format!("{hour:02}"), "period");
                if let Some((_, group)) = self.groups.get_mut(group) {
                    group.time += *time;
                }
            }
        }
    }

    /// Whether all that was given since this was asked last came in the order of time; else visits may be counted wrong.
    pub const fn came_in_order(&mut self) -> bool {
        std::mem::replace(&mut self.in_order, true)
    }

    fn widen(&mut self, start: Wall, end: Wall) {
        let (from, to) = self.bounds.unwrap_or((start, end));
        self.bounds = Some((from.min(start), to.max(end)));
    }

    fn is_inside(&self, day: CivilDay, at: Wall) -> bool {
        self.period.days().contains(&day) && self.until.is_none_or(|until| at < until)
    }

    /// Gives what lies within one day, and on one side of the instant from which nothing counts.
    fn last_and_each(
        &mut self,
        start: Wall,
        end: Wall,
        mut each: impl FnMut(&mut Self, CivilDay, Wall, Wall),
    ) {
        let mut at = start;
        while at < end {
            let (day, _, boundary) = self.almanac.day_around(at);
            let mut stop = if boundary > at { boundary.min(end) } else { end };
            if let Some(until) = self.until
                && at < until
            {
                stop = stop.min(until);
            }
            each(self, day, at, stop);
            at = stop;
        }
    }

    fn count(&mut self, group: usize, start: Wall, length: Millis, inside: bool) {
        let Some((_, group)) = self.groups.get_mut(group) else { return };
        let begins = group.visits.next(start, length);
        group.first = group.first.or(Some(start));
        if inside {
            group.time += length;
            group.opens += u64::from(begins);
        }
    }

    /// The group of an instant's hour, and when that hour ends.
    fn hour(&mut self, at: Wall) -> (Wall, usize) {
        if let Some((start, end, group)) = self.last
            && start <= at
            && at < end
        {
            return (end, group);
        }
        let calendar = *self.almanac.calendar();
        let group = self.number(&format!("{:02}", calendar.hour_of(at)), "period");
        if let Some((start, end)) = calendar.hour_around(at) {
            self.last = Some((start, end, group));
            return (end, group);
        }
        (calendar.next_hour(at), group)
    }

    /// The group of a day, which `at` lies in.
    fn day(&mut self, day: CivilDay, at: Wall) -> usize {
        if let Some((start, end, group)) = self.last
            && start <= at
            && at < end
        {
            return group;
        }
        let key = match self.by {
            By::Week => week(day).to_string(),
            By::Month => day.to_string().get(..7).unwrap_or_default().to_owned(),
            _ => day.to_string(),
        };
        let group = self.number(&key, "period");
        let (_, start, end) = self.almanac.day_around(at);
        self.last = Some((start, end, group));
        group
    }

    /// What it groups by.
    pub const fn by(&self) -> By {
        self.by
    }

    /// Whether it leaves something out.
    pub fn is_filtered(&self) -> bool {
        !self.filter.is_none()
    }

    /// A builder of a part that reports like this one can be given: of everything, without a filter.
    #[must_use]
    pub fn of_part(&self, by: PartBy) -> Self {
        let whole = Period { first: CivilDay::MIN, last: CivilDay::MAX };
        let (rows, by_subject) = match by {
            PartBy::Rows(by) => (by, false),
            PartBy::Subjects => (By::App, true),
        };
        let fresh = Self::new(self.almanac.calendar(), whole, rows, Filter::default());
        Self { by_subject, categories: Rc::clone(&self.categories), ..fresh }
    }

    /// Whether a part is of the categories that hold for this report.
    pub fn fits(&self, part: &Part) -> bool {
        part.is_of_categories(&*self.categories)
    }

    /// What was given so far as a part.
    pub fn into_part(self) -> Part {
        let mut told = Vec::new();
        if self.by == By::Category && !self.by_subject {
            let of = |subject: Subject| {
                let category = (self.categories)(&subject);
                (subject, category)
            };
            told.extend(self.lanes.into_keys().map(of));
        }
        Part {
            groups: self.groups,
            told,
            observed: self.observed,
            unobserved: self.unobserved,
            bounds: self.bounds,
            order: self.order,
        }
    }

    /// The report, with at most `top` rows; the rest is summed up in a row `others`.
    pub fn finish(self, top: Option<usize>) -> Report {
        let by = self.by;
        let mut report = self.all();
        if let Some(top) = top {
            report.limit(by, top);
        }
        report
    }

    /// The same beside an earlier period, of which `before` is the builder: each row says what it had then. Rows that
    /// stand for days, weeks or months are compared by their place in the period.
    pub fn finish_beside(self, before: Self, top: Option<usize>) -> Report {
        let (by, now, then) = (self.by, self.period, before.period);
        let (mut report, before) = (self.all(), before.all());
        let mut earlier: HashMap<(String, &'static str), Millis> = before
            .rows
            .into_iter()
            .filter_map(|row| Some(((super::before::shifted(by, row.key, then, now)?, row.kind), row.time)))
            .collect();
        for row in &mut report.rows {
            let had = earlier.remove(&(row.key.clone(), row.kind));
            row.before = Some(had.unwrap_or(Millis::ZERO));
        }
        report.rows.extend(earlier.into_iter().map(|((key, kind), time)| Row {
            key,
            kind,
            time: Millis::ZERO,
            opens: 0,
            before: Some(time),
        }));
        if by.is_time() {
            report.rows.sort_by(|a, b| a.key.cmp(&b.key));
        } else {
            report.rows.sort_by(|a, b| {
                (b.time, b.before)
                    .cmp(&(a.time, a.before))
                    .then_with(|| (&a.key, a.kind).cmp(&(&b.key, b.kind)))
            });
        }
        report.before = Some(before.total);
        if let Some(top) = top {
            report.limit(by, top);
        }
        report
    }

    fn all(self) -> Report {
        let by_time = self.by.is_time();
        let mut rows: Vec<Row> = self
            .groups
            .into_iter()
            .filter(|(_, group)| !group.time.is_zero())
            .map(|((key, kind), group)| Row {
                key: (*key).to_owned(),
                kind,
                time: group.time,
                opens: group.opens,
                before: None,
            })
            .collect();
        rows.sort_by(|a, b| {
            let by_size = if by_time { std::cmp::Ordering::Equal } else { b.time.cmp(&a.time) };
            by_size.then_with(|| (&a.key, a.kind).cmp(&(&b.key, b.kind)))
        });
        let total = rows.iter().map(|row| row.time).sum();
        Report { rows, total, observed: self.observed, unobserved: self.unobserved, before: None }
    }
}

fn is_sorted(earlier: Reading, later: Reading) -> bool {
    (earlier.wall, earlier.boot) <= (later.wall, later.boot)
}

pub(super) fn week(day: CivilDay) -> CivilDay {
    day.plus(-day.days_from_monday())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::subject::{AppId, Domain, Target};
    use crate::time::Boot;

    /// 2026-11-20T12:00+02:00
    const NOON: i64 = 1_795_168_800_000;
    const ALL: [By; 7] = [By::App, By::Domain, By::Category, By::Hour, By::Day, By::Week, By::Month];

    fn any_calendar() -> impl Strategy<Value = Calendar> {
        let zone =
            prop::sample::select(vec!["UTC", "Europe/Athens", "Australia/Lord_Howe", "America/St_Johns"]);
        let start = prop::sample::select(vec!["00:00", "04:00", "11:30"]);
        (zone, start).prop_map(|(zone, start)| Calendar::new(zone.parse().unwrap(), start.parse().unwrap()))
    }

    /// Spans in the order of time, over some weeks, often across the ends of hours and days.
    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        let app = prop::sample::select(vec!["a", "b", "firefox", "b/x"]);
        let domain = prop::sample::select(vec![None, Some("x.example"), Some("y.example")]);
        let gap = prop_oneof![0_u64..1_000, 200_000_u64..400_000, 0_u64..90_000_000];
        let length = prop_oneof![1_u64..100_000, 1_u64..9_000_000];
        prop::collection::vec((app, domain, gap, length, 0_u8..9), 0..60).prop_map(|list| {
            let mut at = NOON;
            let made = list.into_iter().map(|(app, domain, gap, length, kind)| {
                at += i64::try_from(gap).unwrap();
                let start = Reading::new(Boot::from_ms(0), Wall::from_unix_ms(at));
                at += i64::try_from(length).unwrap();
                let app = AppId::new(app).unwrap();
                let domain = domain.map(|domain| Domain::new(domain).unwrap());
                let activity = match kind {
                    0 => Activity::Unobserved,
                    1 => Activity::Audible(Subject::app(app)),
                    2 => Activity::Private(app),
                    _ => Activity::Focus(Subject { app, domain }),
                };
                Span { start, length: Millis::from_ms(length), activity }
            });
            made.collect()
        })
    }

    fn category(subject: &Subject) -> Option<Category> {
        (subject.app.as_str() != "a").then(|| Category::new("work").unwrap())
    }

    fn whole() -> Period {
        Period { first: CivilDay::MIN, last: CivilDay::MAX }
    }

    proptest! {
        /// Sums that are kept and added up again, with spans between them, are what the spans say: visits across the
        /// ends of parts included.
        #[test]
        fn parts_are_what_their_spans_say(
            spans in any_spans(),
            calendar in any_calendar(),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..5),
            from in 0_i32..6,
        ) {
            let first = calendar.day_of(Wall::from_unix_ms(NOON)).plus(from);
            let period = Period { first, last: first.plus(20) };
            let (start, end) = (calendar.start_of(period.first), calendar.end_of(period.last));
            let mut cuts: Vec<_> = cuts.iter().map(|(at, kept)| (at.index(spans.len() + 1), *kept)).collect();
            cuts.push((0, true));
            cuts.sort_unstable();
            for by in ALL {
                let of = |period| Builder::new(&calendar, period, by, Filter::default()).with_categories(category);
                let mut direct = of(period);
                spans.iter().for_each(|span| direct.add(span));
                let mut pieced = of(period);
                for (nth, (at, kept)) in cuts.iter().enumerate() {
                    let to = cuts.get(nth + 1).map_or(spans.len(), |(to, _)| *to);
                    let run = &spans[*at..to];
                    let mut part = of(whole());
                    run.iter().for_each(|span| part.add(span));
                    let part = Part::decode(&part.into_part().encode(&calendar), &calendar).unwrap();
                    prop_assert!(pieced.fits(&part));
                    if *kept && part.is_within(start, end) {
                        pieced.put_part(&part);
                    } else {
                        run.iter().for_each(|span| pieced.add(span));
                    }
                }
                prop_assert!(pieced.came_in_order());
                prop_assert_eq!(pieced.finish(None), direct.finish(None), "by {}", by);
            }
        }

        /// What does not count from an instant on is what would be there if nothing had happened since.
        #[test]
        fn until_is_as_if_it_had_ended_then(spans in any_spans(), calendar in any_calendar(), into in 0_i64..900_000_000) {
            let until = Wall::from_unix_ms(NOON + into);
            for by in ALL {
                let before = Before { period: whole(), until: Some(until) };
                let mut cut = Builder::of_before(&calendar, before, by, Filter::default());
                spans.iter().for_each(|span| cut.add(span));
                let mut ended = Builder::new(&calendar, whole(), by, Filter::default());
                for span in &spans {
                    let left = until.since(span.start.wall).unwrap_or(Millis::ZERO);
                    ended.add(&Span { length: span.length.min(left), ..span.clone() });
                }
                prop_assert_eq!(cut.finish(None), ended.finish(None), "by {}", by);
            }
        }

        /// What is compared is what each period's own report says.
        #[test]
        fn rows_say_what_they_had_before(spans in any_spans(), calendar in any_calendar(), top in 1_usize..9) {
            let first = calendar.day_of(Wall::from_unix_ms(NOON)).plus(7);
            let period = Period { first, last: first.plus(6) };
            let earlier = Period { first: first.plus(-7), last: first.plus(-1) };
            for by in [By::App, By::Domain, By::Hour, By::Day] {
                let of = |period| {
                    let mut builder = Builder::new(&calendar, period, by, Filter::default());
                    spans.iter().for_each(|span| builder.add(span));
                    builder
                };
                let before = Before { period: earlier, until: None };
                let mut then = Builder::of_before(&calendar, before, by, Filter::default());
                spans.iter().for_each(|span| then.add(span));
                let (now_alone, then_alone) = (of(period).finish(None), of(earlier).finish(None));
                let both = of(period).finish_beside(then, None);
                prop_assert_eq!(both.total, now_alone.total);
                prop_assert_eq!(both.before, Some(then_alone.total));
                let sum: Millis = both.rows.iter().map(|row| row.before.unwrap()).sum();
                prop_assert_eq!(sum, then_alone.total);
                for row in &now_alone.rows {
                    let found = both.rows.iter().find(|r| (&r.key, r.kind) == (&row.key, row.kind)).unwrap();
                    prop_assert_eq!((found.time, found.opens), (row.time, row.opens));
                }
                if by != By::Day {
                    for row in &then_alone.rows {
                        let found = both.rows.iter().find(|r| (&r.key, r.kind) == (&row.key, row.kind)).unwrap();
                        prop_assert_eq!(found.before, Some(row.time));
                    }
                }
                let mut then = Builder::of_before(&calendar, before, by, Filter::default());
                spans.iter().for_each(|span| then.add(span));
                let few = of(period).finish_beside(then, Some(top));
                prop_assert!(few.rows.len() <= top + 1);
                prop_assert_eq!(few.rows.iter().map(|row| row.before.unwrap()).sum::<Millis>(), then_alone.total);
            }
        }
    }

    #[test]
    fn days_weeks_and_months_are_compared_by_their_place() {
        let calendar = Calendar::new("UTC".parse().unwrap(), "00:00".parse().unwrap());
        let period =
            |first: &str, last: &str| Period { first: first.parse().unwrap(), last: last.parse().unwrap() };
        let span = |day: &str, length| {
            let start = Reading::new(Boot::from_ms(0), calendar.start_of(day.parse().unwrap()));
            Span {
                start,
                length: Millis::from_ms(length),
                activity: Activity::Focus(Subject::app(AppId::new("a").unwrap())),
            }
        };
        let shown = |by, now, then: Period, spans: &[Span]| {
            let mut builder = Builder::new(&calendar, now, by, Filter::default());
            let mut before =
                Builder::of_before(&calendar, Before { period: then, until: None }, by, Filter::default());
            spans.iter().for_each(|span| builder.add(span));
            spans.iter().for_each(|span| before.add(span));
            let rows = builder.finish_beside(before, None).rows.into_iter();
            rows.map(|row| (row.key, row.time.as_ms(), row.before.unwrap().as_ms())).collect::<Vec<_>>()
        };
        let row = |key: &str, now, before| (key.to_owned(), now, before);
        let spans = [span("2026-11-09", 1), span("2026-11-10", 2), span("2026-11-16", 4)];
        let (now, then) = (period("2026-11-16", "2026-11-18"), period("2026-11-09", "2026-11-11"));
        assert_eq!(shown(By::Day, now, then, &spans), [row("2026-11-16", 4, 1), row("2026-11-17", 0, 2)]);
        assert_eq!(shown(By::Week, now, then, &spans), [row("2026-11-16", 4, 3)]);
        let spans = [span("2025-01-09", 1), span("2025-03-10", 2), span("2026-01-16", 4)];
        let (now, then) = (period("2026-01-01", "2026-03-20"), period("2025-01-01", "2025-03-20"));
        assert_eq!(shown(By::Month, now, then, &spans), [row("2026-01", 4, 1), row("2026-03", 0, 2)]);
    }

    #[test]
    fn what_comes_out_of_order_is_noticed() {
        let calendar = Calendar::new("UTC".parse().unwrap(), "00:00".parse().unwrap());
        let of = |minute: i64| Span {
            start: Reading::new(Boot::from_ms(0), Wall::from_unix_ms(NOON + minute * 60_000)),
            length: Millis::from_ms(5),
            activity: Activity::Focus(Subject::app(AppId::new("a").unwrap())),
        };
        let part = |minutes: &[i64]| {
            let mut builder = Builder::new(&calendar, whole(), By::App, Filter::default());
            minutes.iter().for_each(|minute| builder.add(&of(*minute)));
            builder
        };
        assert!(part(&[1, 2, 9]).came_in_order() && !part(&[1, 9, 2]).came_in_order());
        let mut later = part(&[1, 5]);
        later.put_part(&part(&[4, 8]).into_part());
        assert!(!later.came_in_order());
    }

    #[test]
    fn a_filter_leaves_out_rows_and_not_what_was_observed() {
        let calendar = Calendar::new("UTC".parse().unwrap(), "00:00".parse().unwrap());
        let filter = Filter { only: vec!["app:b".parse::<Target>().unwrap()], not: Vec::new() };
        let mut builder = Builder::new(&calendar, whole(), By::App, filter);
        for (app, minute) in [("a", 0), ("b", 1)] {
            let lane = builder.lane(&Subject::app(AppId::new(app).unwrap()), false);
            let start = Reading::new(Boot::from_ms(0), Wall::from_unix_ms(NOON + minute * 60_000));
            builder.put(lane, start, Millis::from_ms(7));
        }
        let report = builder.finish(None);
        assert_eq!((report.total.as_ms(), report.observed.as_ms(), report.rows.len()), (7, 14, 1));
    }
}
