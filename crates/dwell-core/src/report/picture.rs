//! The picture: what charts show of a period, made in one pass over its spans.
//!
//! How attention lay over the week and the hours, how categories shared it from one stretch of time to the next, for a
//! single day which programs had it when, and on how many days each limit's budget was enough. What can be asked of a
//! [report](super::Report) (rows, visits, coverage) is not here.
//!
//! Whoever has a million spans looks each subject up once ([`Painter::subject`]) and then gives numbers.
//!
//! # Invariant
//!
//! Whatever is summed up, hours, categories or programs, the sum is the total of a report on the same spans, to the
//! millisecond.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Filter, Period};
use crate::almanac::Almanac;
use crate::calendar::{Calendar, CivilDay};
use crate::ledger::{CountedVisits, Free, Meter, Stretch, Tally, stretches};
use crate::rules::{Amount, Budget, Per, Rule, RuleId};
use crate::subject::{AppId, Category, Subject};
use crate::time::{Millis, Wall};

/// Into stretches of this length a single day is cut.
pub const SLOT: Millis = Millis::from_mins(5);
/// A limit takes a moment to act, and a day is not over its budget for that.
pub const MOMENT: Millis = Millis::from_mins(1);
/// At most this many days are shown day by day; five weeks.
const DAILY: i32 = 35;
/// At most this many days are shown week by week; half a year.
const WEEKLY: i32 = 184;

/// The stretches of time of which a chart is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Hours of the clock, of a single day.
    Hour,
    /// Dwell days.
    Day,
    /// Weeks, each from its Monday.
    Week,
    /// Months.
    Month,
}

impl Bucket {
    /// Those that fit the length of a period: neither three columns nor three hundred.
    pub const fn fitting(period: Period) -> Self {
        match period.last.epoch_days() - period.first.epoch_days() + 1 {
            ..=1 => Self::Hour,
            days if days <= DAILY => Self::Day,
            days if days <= WEEKLY => Self::Week,
            _ => Self::Month,
        }
    }

    /// `hour`, `day`, `week` or `month`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn start(self, day: CivilDay) -> CivilDay {
        match self {
            Self::Hour | Self::Day => day,
            Self::Week => day.plus(-day.days_from_monday()),
            Self::Month => day.month_start(),
        }
    }
}

/// Whose time a row of a picture is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose<T> {
    /// That one's.
    One(T),
    /// What has none.
    Nobody,
    /// That of all which had less, summed up.
    Others,
}

/// A row: somebody's time in each stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series<T> {
    /// Whose.
    pub whose: Whose<T>,
    /// In the order of time.
    pub parts: Vec<Millis>,
}

/// How often a rule's budget was enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The rule.
    pub rule: RuleId,
    /// Days of the period on which the rule would have held and anything at all was recorded.
    pub days: u32,
    /// Those on which no more was used than the budget gives, but for a [`MOMENT`].
    pub within: u32,
}

/// What charts show of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Charged in the period, as far as the filter takes it in.
    pub total: Millis,
    /// By the dwell day's weekday from Monday, then by the hour of the clock.
    pub hours: [[Millis; 24]; 7],
    /// What `buckets` are.
    pub bucket: Bucket,
    /// `00` to `23` from the hour in which the day starts, `2026-11-21`, a week's Monday, or `2026-11`.
    pub buckets: Vec<String>,
    /// The categories' share of each, the largest first, what is summed up last.
    pub categories: Vec<Series<Category>>,
    /// Of a single day, the programs' share of each [`SLOT`] from its start; else empty. The largest first.
    pub lanes: Vec<Series<AppId>>,
    /// Rules with a budget for each day, in their order.
    pub kept: Vec<Kept>,
    /// Days of the period with anything recorded.
    pub days: u32,
}

/// The number that a [`Painter`] gave a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered(u32);

/// Somebody's sums so far.
struct Sums<T> {
    of: Vec<T>,
    numbers: HashMap<T, usize>,
    parts: Vec<Vec<Millis>>,
}

impl<T> Default for Sums<T> {
    fn default() -> Self {
        Self { of: Vec::new(), numbers: HashMap::new(), parts: Vec::new() }
    }
}

/// What is known of a subject.
struct Known {
    /// The filter takes it in.
    taken: bool,
    category: usize,
    app: usize,
    /// The rules to which it is charged.
    rules: Vec<usize>,
}

/// Where on the picture an instant lies: the same place from `from` to `to`.
#[derive(Clone, Copy)]
struct Place {
    from: Wall,
    to: Wall,
    /// `None`: outside of the period.
    at: Option<Spot>,
}

#[derive(Clone, Copy)]
struct Spot {
    weekday: usize,
    hour: usize,
    bucket: usize,
    slot: Option<usize>,
}

/// Takes spans in the order of time, and makes a picture of them.
pub struct Painter<'a> {
    almanac: Almanac,
    period: Period,
    bucket: Bucket,
    /// The first days of the buckets; of hours, none.
    starts: Vec<CivilDay>,
    /// The hour in which the first day starts.
    first_hour: usize,
    filter: Filter,
    numbers: HashMap<Subject, Numbered>,
    known: Vec<Known>,
    categories: Sums<Option<Category>>,
    lanes: Sums<AppId>,
    slots: usize,
    total: Millis,
    hours: [[Millis; 24]; 7],
    place: Place,
    days: BTreeSet<CivilDay>,
    rules: Vec<Watched<'a>>,
}

impl<'a> Painter<'a> {
    /// A picture of `period`, whose first day should be one that has data. Of the rules those are watched that have a
    /// budget for each day.
    pub fn new(calendar: &Calendar, period: Period, filter: Filter, rules: &'a [Rule]) -> Self {
        let bucket = Bucket::fitting(period);
        let mut starts: Vec<CivilDay> = Vec::new();
        if bucket != Bucket::Hour {
            for day in period.first.epoch_days()..=period.last.epoch_days() {
                let start = bucket.start(CivilDay::from_epoch_days(day));
                if starts.last() != Some(&start) {
                    starts.push(start);
                }
            }
        }
        let start = calendar.start_of(period.first);
        let length = calendar.end_of(period.first).since(start).unwrap_or(Millis::ZERO);
        let slots = length.as_ms().div_ceil(SLOT.as_ms());
        Self {
            almanac: Almanac::new(*calendar),
            period,
            bucket,
            starts,
            first_hour: hour_of(calendar, start),
            filter,
            numbers: HashMap::new(),
            known: Vec::new(),
            categories: Sums::default(),
            lanes: Sums::default(),
            slots: if bucket == Bucket::Hour { usize::try_from(slots).unwrap_or(0) } else { 0 },
            total: Millis::ZERO,
            hours: [[Millis::ZERO; 24]; 7],
            place: Place { from: Wall::from_unix_ms(i64::MAX), to: Wall::from_unix_ms(i64::MIN), at: None },
            days: BTreeSet::new(),
            rules: rules.iter().filter_map(Watched::of).collect(),
        }
    }

    /// The number by which a subject's time is given; `category` is asked for that of a new one.
    pub fn subject(
        &mut self,
        subject: &Subject,
        category: impl FnOnce(&Subject) -> Option<Category>,
    ) -> Numbered {
        if let Some(number) = self.numbers.get(subject) {
            return *number;
        }
        let category = category(subject);
        let covered = |watched: &Watched<'_>| watched.rule.counts(subject, category.as_ref());
        let known = Known {
            taken: self.filter.takes_subject(subject, category.as_ref()),
            rules: (0_usize..).zip(&self.rules).filter(|(_, rule)| covered(rule)).map(|(n, _)| n).collect(),
            category: self.categories.number(category),
            app: self.lanes.number(subject.app.clone()),
        };
        // There is no memory for four thousand million subjects.
        let number = Numbered(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        self.known.push(known);
        self.numbers.insert(subject.clone(), number);
        number
    }

    /// Takes the next stretch of attention. Those around the period are welcome: they tell what a rule carries over, and
    /// whether its first visit is a new one.
    pub fn add(&mut self, start: Wall, length: Millis, subject: Numbered) {
        let Some(known) = self.known.get(subject.0 as usize) else { return };
        for rule in &known.rules {
            if let Some(rule) = self.rules.get_mut(*rule) {
                stretches(&self.almanac, start, length).for_each(|charge| rule.take(&self.almanac, charge));
            }
        }
        let (taken, category, app) = (known.taken, known.category, known.app);
        let end = start + length;
        let mut at = start;
        while at < end {
            let place = self.place(at);
            let stop = if place.to > at { place.to.min(end) } else { end };
            let part = stop.since(at).unwrap_or(Millis::ZERO);
            at = stop;
            let Some(spot) = place.at.filter(|_| taken) else { continue };
            self.total += part;
            if let Some(hour) = self.hours.get_mut(spot.weekday).and_then(|hours| hours.get_mut(spot.hour)) {
                *hour += part;
            }
            let buckets = if self.bucket == Bucket::Hour { 24 } else { self.starts.len() };
            self.categories.put(category, spot.bucket, buckets, part);
            if let Some(slot) = spot.slot {
                self.lanes.put(app, slot, self.slots, part);
            }
        }
    }

    /// The picture. Of categories and programs at most so many are shown, `most`; the rest is summed up.
    pub fn finish(self, most: usize) -> Picture {
        let buckets = match self.bucket {
            Bucket::Hour => (0..24).map(|nth| format!("{:02}", (self.first_hour + nth) % 24)).collect(),
            Bucket::Month => self.starts.iter().map(|start| start.to_string()[..7].to_owned()).collect(),
            Bucket::Day | Bucket::Week => self.starts.iter().map(ToString::to_string).collect(),
        };
        let categories = self.categories.series(most).into_iter();
        let categories = categories.map(|(category, parts)| Series {
            whose: match category {
                Some(Some(category)) => Whose::One(category),
                Some(None) => Whose::Nobody,
                None => Whose::Others,
            },
            parts,
        });
        let lanes = self.lanes.series(most).into_iter();
        let lanes = lanes.map(|(app, parts)| Series { whose: app.map_or(Whose::Others, Whose::One), parts });
        Picture {
            total: self.total,
            hours: self.hours,
            bucket: self.bucket,
            buckets,
            categories: categories.collect(),
            lanes: lanes.collect(),
            kept: self.rules.into_iter().map(|rule| rule.kept(&self.days)).collect(),
            days: u32::try_from(self.days.len()).unwrap_or(u32::MAX),
        }
    }

    /// Where an instant lies. Its day is noted as one that has data.
    fn place(&mut self, at: Wall) -> Place {
        if self.place.from <= at && at < self.place.to {
            return self.place;
        }
        let day = self.almanac.day_of(at);
        let mut to = self.almanac.next_hour(at).min(self.almanac.end_of(day));
        let spot = self.period.days().contains(&day).then(|| {
            self.days.insert(day);
            let hour = hour_of(self.almanac.calendar(), at);
            let bucket = match self.bucket {
                Bucket::Hour => (hour + 24 - self.first_hour) % 24,
                _ => self.starts.partition_point(|start| *start <= day).saturating_sub(1),
            };
            let weekday = usize::try_from(day.days_from_monday()).unwrap_or(0);
            let slot = (self.bucket == Bucket::Hour).then(|| {
                let start = self.almanac.start_of(day);
                let nth = at.since(start).unwrap_or(Millis::ZERO).as_ms() / SLOT.as_ms();
                to = to.min(start + Millis::from_ms((nth + 1) * SLOT.as_ms()));
                usize::try_from(nth).unwrap_or(usize::MAX)
            });
            Spot { weekday, hour, bucket, slot }
        });
        self.place = Place { from: at, to, at: spot };
        self.place
    }
}

impl<T: Clone + Eq + std::hash::Hash + Ord> Sums<T> {
    fn number(&mut self, of: T) -> usize {
        *self.numbers.entry(of).or_insert_with_key(|of| {
            self.of.push(of.clone());
            self.parts.push(Vec::new());
            self.of.len() - 1
        })
    }

    fn put(&mut self, number: usize, nth: usize, room: usize, time: Millis) {
        let Some(parts) = self.parts.get_mut(number) else { return };
        if parts.is_empty() {
            parts.resize(room, Millis::ZERO);
        }
        if let Some(part) = parts.get_mut(nth) {
            *part += time;
        }
    }

    /// The largest first; `None`: the rest, summed up.
    fn series(self, most: usize) -> Vec<(Option<T>, Vec<Millis>)> {
        let all = self.of.into_iter().zip(self.parts);
        let mut all: Vec<(T, Vec<Millis>, Millis)> = all
            .map(|(of, parts)| (of, parts.iter().copied().sum(), parts))
            .filter(|(_, sum, _): &(T, Millis, _)| !sum.is_zero())
            .map(|(of, sum, parts)| (of, parts, sum))
            .collect();
        all.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        // A single one needs no summing up.
        let rest = if all.len() > most + 1 { all.split_off(most) } else { Vec::new() };
        let mut series: Vec<_> = all.into_iter().map(|(of, parts, _)| (Some(of), parts)).collect();
        let rest = rest.into_iter().map(|(_, parts, _)| parts).reduce(|mut sums, parts| {
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            sums
        });
        series.extend(rest.map(|parts| (None, parts)));
        series
    }
}

/// A rule with a budget for each day, and what was charged to it.
struct Watched<'a> {
    rule: &'a Rule,
    amount: Amount,
    meter: Meter,
    free: Free,
    visits: CountedVisits,
    /// The day that runs; in `days` it is still lacking.
    running: Option<(i64, Tally)>,
    days: BTreeMap<i64, Tally>,
}

impl<'a> Watched<'a> {
    fn of(rule: &'a Rule) -> Option<Self> {
        let Budget { amount, per: Per::Day } = rule.budget? else { return None };
        Some(Self {
            rule,
            amount,
            meter: Meter::of(rule)?,
            free: Free::default(),
            visits: CountedVisits::default(),
            running: None,
            days: BTreeMap::new(),
        })
    }

    fn take(&mut self, almanac: &Almanac, charge: Stretch) {
        let Self { meter, free, running, days, .. } = self;
        let mut counted_from = None;
        let mut put = |period: i64, tally: Tally| match running {
            Some((day, sum)) if *day == period => *sum = *sum + tally,
            _ => {
                if let Some((day, sum)) = running.replace((period, tally)) {
                    let all = days.entry(day).or_default();
                    *all = *all + sum;
                }
            }
        };
        let free = free.of(meter, almanac.calendar(), charge.day);
        meter.parts(almanac, free, charge, |period, at, time| {
            counted_from.get_or_insert((period, at));
            put(period, Tally { time, opens: 0 });
        });
        if matches!(self.amount, Amount::Opens(_))
            && self.visits.next(charge.start, charge.length, counted_from.map(|(_, at)| at))
            && let Some((period, _)) = counted_from
        {
            put(period, Tally { time: Millis::ZERO, opens: 1 });
        }
    }

    fn kept(mut self, observed: &BTreeSet<CivilDay>) -> Kept {
        if let Some((day, sum)) = self.running.take() {
            let all = self.days.entry(day).or_default();
            *all = *all + sum;
        }
        let used = |period: i64| self.days.get(&period).copied().unwrap_or_default();
        let within = |day: &CivilDay| {
            let used_then = used(i64::from(day.epoch_days()));
            match self.amount {
                Amount::Time(time) => {
                    let before = self.meter.period_before(*day).filter(|_| self.rule.rollover);
                    let carried =
                        before.map_or(Millis::ZERO, |before| time.saturating_sub(used(before).time));
                    used_then.time <= time + carried + MOMENT
                }
                Amount::Opens(opens) => used_then.opens <= opens,
            }
        };
        let held = observed.iter().filter(|day| self.rule.days.contains(**day));
        let (days, within) = held.fold((0, 0), |(days, kept), day| (days + 1, kept + u32::from(within(day))));
        Kept { rule: self.rule.id.clone(), days, within }
    }
}

fn hour_of(calendar: &Calendar, at: Wall) -> usize {
    usize::try_from(calendar.hour_of(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::made_up::{self, span};
    use super::super::{Builder, By};
    use super::*;
    use crate::simulate::Trial;
    use crate::span::Span;

    /// 2026-10-23T12:00+03:00, a Friday, two days before clocks go back in Europe.
    const NOON: i64 = 1_792_746_000_000;

    fn calendar(zone: &str, start: &str) -> Calendar {
        Calendar::new(zone.parse().unwrap(), start.parse().unwrap())
    }

    fn category(subject: &Subject) -> Option<Category> {
        let name = match (subject.app.as_str(), &subject.domain) {
            (_, Some(_)) => "video",
            ("a", None) => "work",
            _ => return None,
        };
        Category::new(name).ok()
    }

    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        made_up::any_spans(NOON, 60, 2_000_000, 20_000_000)
    }

    fn paint(calendar: &Calendar, period: Period, filter: Filter, rules: &[Rule], spans: &[Span]) -> Picture {
        let mut painter = Painter::new(calendar, period, filter, rules);
        for span in spans {
            if let Some(subject) = span.activity.charged() {
                let number = painter.subject(&subject, category);
                painter.add(span.start.wall, span.length, number);
            }
        }
        painter.finish(8)
    }

    fn sum<'a>(parts: impl IntoIterator<Item = &'a Millis>) -> Millis {
        parts.into_iter().copied().sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
        /// The sums of a picture are those of reports.
        #[test]
        fn a_picture_adds_up_to_the_report(
            spans in any_spans(),
            zone in prop::sample::select(vec!["Europe/Athens", "Asia/Kathmandu", "Australia/Lord_Howe"]),
            start in prop::sample::select(vec!["04:00", "00:00", "03:30"]),
            from in -1_i32..5,
            length in prop::sample::select(vec![1_i32, 2, 9, 40, 200]),
            filtered in any::<bool>(),
        ) {
            let calendar = calendar(zone, start);
            let first = calendar.day_of(Wall::from_unix_ms(NOON)).plus(from);
            let period = Period { first, last: first.plus(length - 1) };
            let not = if filtered { vec!["category:video".parse().unwrap()] } else { Vec::new() };
            let filter = Filter { only: Vec::new(), not };
            let picture = paint(&calendar, period, filter.clone(), &[], &spans);
            let rows = |by: By| {
                let builder = Builder::new(&calendar, period, by, filter.clone());
                let mut builder = builder.with_categories(category);
                spans.iter().for_each(|span| builder.add(span));
                builder.finish(None)
            };
            let by_hour = rows(By::Hour);
            prop_assert_eq!(picture.total, by_hour.total);
            let in_hour = |hour: usize| -> Millis { picture.hours.iter().map(|day| day[hour]).sum() };
            for row in &by_hour.rows {
                prop_assert_eq!(in_hour(row.key.parse().unwrap()), row.time);
            }
            prop_assert_eq!(sum(picture.hours.iter().flatten()), by_hour.total);
            let by = match picture.bucket {
                Bucket::Hour => By::Hour,
                Bucket::Day => By::Day,
                Bucket::Week => By::Week,
                Bucket::Month => By::Month,
            };
            let mut columns: BTreeMap<String, Millis> = BTreeMap::new();
            for series in &picture.categories {
                prop_assert_eq!(series.parts.len(), picture.buckets.len());
                for (bucket, part) in picture.buckets.iter().zip(&series.parts) {
                    *columns.entry(bucket.clone()).or_default() += *part;
                }
            }
            columns.retain(|_, time| !time.is_zero());
            let reported = rows(by).rows.into_iter().map(|row| (row.key, row.time));
            prop_assert_eq!(columns, reported.collect::<BTreeMap<_, _>>());
            for series in &picture.categories {
                let key = match &series.whose {
                    Whose::One(category) => category.as_str(),
                    _ => "",
                };
                let times = rows(By::Category).rows;
                let reported: Millis = times.iter().filter(|row| row.key == key).map(|row| row.time).sum();
                prop_assert_eq!(sum(&series.parts), reported);
            }
            if length == 1 {
                for lane in &picture.lanes {
                    let Whose::One(app) = &lane.whose else { unreachable!("there are three programs") };
                    let times = rows(By::App).rows;
                    let reported: Millis =
                        times.iter().filter(|row| row.key == app.as_str()).map(|row| row.time).sum();
                    prop_assert_eq!(sum(&lane.parts), reported);
                    prop_assert!(lane.parts.iter().all(|part| *part <= SLOT));
                }
            }
            prop_assert_eq!(picture.lanes.iter().map(|lane| sum(&lane.parts)).sum::<Millis>(),
                if length == 1 { picture.total } else { Millis::ZERO });
        }

        /// A budget was not enough on the days on which a trial would have reached one that is a moment larger.
        #[test]
        fn days_within_a_budget_are_those_that_a_trial_leaves(
            spans in any_spans(),
            minutes in 0_u64..300,
            target in prop::sample::select(vec!["app:a", "all", "category:video"]),
            free in prop::sample::select(vec![None, Some("12:00-13:00"), Some("23:00-05:00")]),
            days in prop::sample::select(vec!["daily", "mon-fri", "sat,sun"]),
        ) {
            let calendar = calendar("Europe/Athens", "04:00");
            let amount = |time| Some(Budget { amount: Amount::Time(time), per: Per::Day });
            let rule = Rule::new(RuleId::new("r").unwrap(), target.parse().unwrap(), amount(Millis::from_mins(minutes)));
            let count_free = free.map(|free| free.parse().unwrap()).into_iter().collect();
            let rule = Rule { count_free, days: days.parse().unwrap(), warn: Some(Vec::new()), ..rule };
            let first = calendar.day_of(Wall::from_unix_ms(NOON));
            let period = Period { first, last: first.plus(60) };
            let picture = paint(&calendar, period, Filter::default(), std::slice::from_ref(&rule), &spans);
            let beyond = Rule { budget: amount(Millis::from_mins(minutes) + MOMENT + Millis::from_ms(1)), ..rule };
            let mut trial = Trial::new(&calendar, &beyond).unwrap();
            spans.iter().for_each(|span| trial.add(span, category));
            let hits = trial.finish(calendar.end_of(period.last)).hits.len();
            prop_assert_eq!(usize::try_from(picture.kept[0].days - picture.kept[0].within).unwrap(), hits);
        }
    }

    fn kept(rule: Rule, spans: &[Span]) -> (u32, u32) {
        let calendar = calendar("Europe/Athens", "04:00");
        let first = calendar.day_of(Wall::from_unix_ms(NOON));
        let period = Period { first, last: first.plus(6) };
        let picture = paint(&calendar, period, Filter::default(), &[rule], spans);
        picture.kept.first().map_or((0, 0), |kept| (kept.within, kept.days))
    }

    fn rule(amount: Amount, per: Per) -> Rule {
        Rule::new(RuleId::new("r").unwrap(), "app:a".parse().unwrap(), Some(Budget { amount, per }))
    }

    const DAY: i64 = 86_400_000;
    const MINUTE: u64 = 60_000;

    #[test]
    fn only_days_with_data_count_and_a_moment_is_nothing() {
        let time = |minutes| rule(Amount::Time(Millis::from_mins(minutes)), Per::Day);
        // The second day has another program alone; the third none.
        let spans = [
            span("a", NOON, 31 * MINUTE),
            span("b", NOON + DAY, MINUTE),
            span("a", NOON + 3 * DAY, 31 * MINUTE + 1),
        ];
        assert_eq!(kept(time(30), &spans), (2, 3));
        assert_eq!(kept(rule(Amount::Time(Millis::from_mins(30)), Per::Week), &spans), (0, 0));
        // What the first day left is there on the second.
        let spans = [span("a", NOON, 10 * MINUTE), span("a", NOON + DAY, 50 * MINUTE)];
        assert_eq!(kept(time(30), &spans), (1, 2));
        assert_eq!(kept(Rule { rollover: true, ..time(30) }, &spans), (2, 2));
    }

    #[test]
    fn visits_are_counted() {
        let quarter = 900_000;
        let spans: Vec<Span> = (0..3).map(|nth| span("a", NOON + nth * quarter, MINUTE)).collect();
        assert_eq!(kept(rule(Amount::Opens(3), Per::Day), &spans), (1, 1));
        assert_eq!(kept(rule(Amount::Opens(2), Per::Day), &spans), (0, 1));
    }

    #[test]
    fn stretches_fit_the_length() {
        let first: CivilDay = "2026-11-02".parse().unwrap();
        let of = |days: i32| Bucket::fitting(Period { first, last: first.plus(days - 1) }).as_str();
        assert_eq!(
            [1, 2, 31, 35, 36, 184, 185, 3650].map(of),
            ["hour", "day", "day", "day", "week", "week", "month", "month"]
        );
    }

    #[test]
    fn what_is_small_is_summed_up() {
        let calendar = calendar("Europe/Athens", "04:00");
        let first = calendar.day_of(Wall::from_unix_ms(NOON));
        let period = Period { first, last: first };
        let spans: Vec<Span> = (0..5_i64)
            .map(|nth| {
                span(&format!("p{nth}"), NOON + nth * 600_000, MINUTE * u64::try_from(5 - nth).unwrap())
            })
            .collect();
        let mut painter = Painter::new(&calendar, period, Filter::default(), &[]);
        for span in &spans {
            let number = painter.subject(&span.activity.charged().unwrap(), |_| None);
            painter.add(span.start.wall, span.length, number);
        }
        let picture = painter.finish(2);
        let lanes: Vec<_> = picture.lanes.iter().map(|lane| sum(&lane.parts).as_ms() / MINUTE).collect();
        assert_eq!(lanes, [5, 4, 6]);
        assert_eq!(picture.lanes[2].whose, Whose::Others);
        assert_eq!(picture.categories.len(), 1);
        assert_eq!(picture.buckets[0], "04");
    }
}
