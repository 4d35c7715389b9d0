//! Meters: what is charged to limits, kept up to date charge by charge.
//!
//! A [`Meter`] is that part of a rule which decides what counts for it; rules with the same one share it. [`Meters`] read
//! the ledger's charges, each once, so that judging costs no more than looking at a few numbers.
//!
//! # Invariant
//!
//! A meter's tally of a period is the sum of the charges that count for it in that period, to the millisecond, in
//! whatever steps it was brought up to date.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Kept, Ledger, Visits, stretches};
use crate::almanac::Almanac;
use crate::browser;
use crate::calendar::{Calendar, CivilDay};
use crate::rules::{Amount, Budget, Days, Per, Rule, Window, WithoutExtension, occurrence};
use crate::subject::{Category, Subject, Target};
use crate::time::{Boot, Millis, Wall};
use crate::timeline::Timeline;

/// What counts for a limit, and in which periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// A hash of all the rest: meters are looked up far more often than made.
    mark: u64,
    target: Target,
    except: Vec<Target>,
    days: Days,
    free: Vec<Window>,
    per: Per,
    visits: bool,
    /// Browsers of which no site is known count as well.
    without_site: bool,
}

impl Hash for Meter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.mark);
    }
}

impl Meter {
    /// The meter of a rule; `None`: it has no budget.
    pub fn of(rule: &Rule) -> Option<Self> {
        let Budget { amount, per } = rule.budget?;
        let visits = matches!(amount, Amount::Opens(_));
        let mut hasher = DefaultHasher::new();
        let without_site = rule.without_extension == WithoutExtension::CountAll;
        (&rule.target, &rule.except, rule.days, &rule.count_free, per, visits, without_site)
            .hash(&mut hasher);
        Some(Self {
            mark: hasher.finish(),
            target: rule.target.clone(),
            except: rule.except.clone(),
            days: rule.days,
            free: rule.count_free.clone(),
            per,
            visits,
            without_site,
        })
    }

    fn covers(&self, subject: &Subject, category: Option<&Category>) -> bool {
        (self.target.covers_in(subject, category) || (self.without_site && browser::has_no_site(subject)))
            && !self.except.iter().any(|except| except.covers_in(subject, category))
    }

    /// The parts of a charge that count, each with the period to which it belongs, in order. `free` are the times without
    /// counting of its day.
    pub(crate) fn parts(
        &self,
        almanac: &Almanac,
        free: &[(Wall, Wall)],
        charge: Stretch,
        mut take: impl FnMut(i64, Wall, Millis),
    ) {
        if !self.days.contains(charge.day) {
            return;
        }
        let mut each = |(start, end): (Wall, Wall)| {
            let mut at = start;
            while at < end {
                let period = self.period_of(almanac, charge.day, at);
                let stop = match self.per {
                    // Hours are numbered by their ends.
                    Per::Hour => Some(Wall::from_unix_ms(period))
                        .filter(|hour| *hour > at)
                        .map_or(end, |hour| hour.min(end)),
                    Per::Day | Per::Week | Per::Month => end,
                };
                take(period, at, stop.since(at).unwrap_or(Millis::ZERO));
                at = stop;
            }
        };
        let whole = (charge.start, charge.start + charge.length);
        if free.iter().all(|(from, to)| apart(whole, (*from, *to))) {
            each(whole);
            return;
        }
        let mut parts = vec![whole];
        for free in free {
            parts = parts.into_iter().flat_map(|part| without(part, *free)).collect();
        }
        parts.into_iter().for_each(each);
    }

    /// The times of a day in which nothing counts; also those that began on the day before.
    fn free_times(&self, calendar: &Calendar, day: CivilDay) -> impl Iterator<Item = (Wall, Wall)> {
        let days = self.days;
        self.free.iter().flat_map(move |window| {
            let begun = [day.plus(-1), day].into_iter().filter(move |day| days.contains(*day));
            begun.map(move |day| occurrence(calendar, day, *window))
        })
    }

    /// The number of the period to which an instant of a day belongs: greater for later ones.
    pub(crate) fn period_of(&self, almanac: &Almanac, day: CivilDay, at: Wall) -> i64 {
        match self.per {
            Per::Hour => almanac.next_hour(at).as_unix_ms(),
            Per::Day | Per::Week | Per::Month => i64::from(first_day(self.per, day).epoch_days()),
        }
    }
}

impl Meter {
    /// The number of the period before the one of a day; `None`: hours are not carried over.
    pub(crate) fn period_before(&self, day: CivilDay) -> Option<i64> {
        match self.per {
            Per::Hour => None,
            per => Some(i64::from(first_day(per, first_day(per, day).plus(-1)).epoch_days())),
        }
    }
}

/// The first day of the period of `day`; of an hour, that day.
pub(crate) fn first_day(per: Per, day: CivilDay) -> CivilDay {
    match per {
        Per::Hour | Per::Day => day,
        Per::Week => day.plus(-day.days_from_monday()),
        Per::Month => day.month_start(),
    }
}

/// A part of a span that lies within one civil day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) day: CivilDay,
    pub(crate) start: Wall,
    pub(crate) length: Millis,
}

/// The times without counting of the day that was asked for last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Free(Option<(CivilDay, Vec<(Wall, Wall)>)>);

impl Free {
    /// Those of a day.
    pub(crate) fn of(&mut self, meter: &Meter, calendar: &Calendar, day: CivilDay) -> &[(Wall, Wall)] {
        if meter.free.is_empty() {
            return &[];
        }
        if self.0.as_ref().is_none_or(|(known, _)| *known != day) {
            self.0 = Some((day, meter.free_times(calendar, day).collect()));
        }
        self.0.as_ref().map_or(&[], |(_, times)| times)
    }
}

/// The end of the time without counting that runs at an instant.
fn free_until(times: &[(Wall, Wall)], now: Wall) -> Option<Wall> {
    let mut until = None;
    let mut at = now;
    while let Some((_, end)) = times.iter().find(|(start, end)| *start <= at && at < *end) {
        at = *end;
        until = Some(at);
    }
    until
}

fn apart((start, end): (Wall, Wall), (from, to): (Wall, Wall)) -> bool {
    to <= start || from >= end || from >= to
}

/// What is left of a stretch when another one is taken out of it.
fn without((start, end): (Wall, Wall), (from, to): (Wall, Wall)) -> impl Iterator<Item = (Wall, Wall)> {
    let (before, after) = ((start, end.min(from)), (start.max(to), end));
    let parts = if apart((start, end), (from, to)) {
        [Some((start, end)), None]
    } else {
        [Some(before), Some(after)]
    };
    parts.into_iter().flatten().filter(|(start, end)| start < end)
}

/// What was charged in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Tally {
    /// Attention.
    pub time: Millis,
    /// Visits that began.
    pub opens: u32,
}

impl std::ops::Add for Tally {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { time: self.time + other.time, opens: self.opens.saturating_add(other.opens) }
    }
}

impl Tally {
    /// What this has beyond `other`.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        Self { time: self.time.saturating_sub(other.time), opens: self.opens.saturating_sub(other.opens) }
    }

    /// Whether there is nothing.
    pub const fn is_zero(self) -> bool {
        self.time.is_zero() && self.opens == 0
    }
}

#[derive(Clone, Debug)]
struct Running {
    meter: Meter,
    /// Whether the subjects of the ledger, by their numbers, count.
    counts: Vec<bool>,
    free: Free,
    shown: Shown,
}

/// What a meter has counted.
#[derive(Clone, Debug)]
struct Shown {
    /// The newest period and the one before it in which anything counted, with their numbers.
    periods: [(i64, Tally); 2],
    visits: CountedVisits,
}

/// Visits, of which some begin when nothing counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountedVisits {
    all: Visits,
    /// Whether the newest one was counted when it began.
    counted: bool,
    last_end: Option<Wall>,
}

impl CountedVisits {
    /// Takes the next stretch of attention, whose first counted part begins at an instant; says whether a visit begins
    /// with it that counts. A visit goes on through hours in which nothing counts, and one that begins there is free.
    pub(crate) fn next(&mut self, start: Wall, length: Millis, counted_from: Option<Wall>) -> bool {
        let begins = self.all.next(start, length);
        if begins {
            self.counted = counted_from == Some(start);
        }
        if self.counted {
            self.last_end = Some(start + length);
        }
        begins && self.counted
    }

    /// When the last counted visit ended, or would if it ended now.
    pub(crate) const fn last_end(&self) -> Option<Wall> {
        self.last_end
    }
}

impl Running {
    fn new(meter: Meter) -> Self {
        let shown = Shown { periods: [(i64::MIN, Tally::default()); 2], visits: CountedVisits::default() };
        Self { meter, counts: Vec::new(), free: Free::default(), shown }
    }

    fn take(&mut self, almanac: &Almanac, charge: &Kept) {
        if self.counts.get(charge.subject as usize).copied().unwrap_or(false) {
            let free = self.free.of(&self.meter, almanac.calendar(), charge.at.day);
            self.shown.charge(&self.meter, almanac, free, charge.at);
        }
    }
}

impl Shown {
    fn charge(&mut self, meter: &Meter, almanac: &Almanac, free: &[(Wall, Wall)], charge: Stretch) {
        if !meter.visits {
            meter.parts(almanac, free, charge, |period, _, time| self.add(period, Tally { time, opens: 0 }));
            return;
        }
        let mut counted_from = None;
        meter.parts(almanac, free, charge, |period, at, time| {
            counted_from.get_or_insert((period, at));
            self.add(period, Tally { time, opens: 0 });
        });
        if self.visits.next(charge.start, charge.length, counted_from.map(|(_, at)| at))
            && let Some((period, _)) = counted_from
        {
            self.add(period, Tally { time: Millis::ZERO, opens: 1 });
        }
    }

    fn add(&mut self, period: i64, tally: Tally) {
        let [newest, before] = &mut self.periods;
        if period > newest.0 {
            *before = *newest;
            *newest = (period, Tally::default());
        }
        if period == newest.0 {
            newest.1 = newest.1 + tally;
        } else if period == before.0 {
            before.1 = before.1 + tally;
        } else if period > before.0 {
            // A clock that was ahead made a period that is not there yet; this one lies between.
            *before = (period, tally);
        }
    }

    fn of(&self, period: i64) -> Tally {
        self.periods
            .iter()
            .find(|(known, _)| *known == period)
            .map_or_else(Tally::default, |(_, tally)| *tally)
    }
}

/// What a meter shows at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The number of the running period.
    pub period: i64,
    /// The running period.
    pub now: Tally,
    /// The period before, if anything was charged in it.
    pub before: Tally,
    /// When the last counted visit ended, if visits are counted; while one goes on, that is now.
    pub last_end: Option<Wall>,
    /// What is charged at the moment is what the meter is about, though it may not count now.
    pub running: bool,
    /// While it runs: the end of the time without counting in which it does.
    pub free_until: Option<Wall>,
}

/// The meters of all rules.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    running: Vec<Running>,
    places: HashMap<Meter, usize>,
    /// The number of the first charge that was not read.
    next: u64,
}

impl Meters {
    /// Meters for these, up to date with a ledger. `category` tells the category of a subject.
    pub fn new(
        meters: impl IntoIterator<Item = Meter>,
        ledger: &Ledger,
        category: impl Fn(&Subject) -> Option<Category>,
    ) -> Self {
        let mut own = Self { next: ledger.forgotten, ..Self::default() };
        for meter in meters {
            if !own.places.contains_key(&meter) {
                own.places.insert(meter.clone(), own.running.len());
                own.running.push(Running::new(meter));
            }
        }
        own.update(ledger, category);
        own
    }

    /// Reads the charges that came since.
    pub fn update(&mut self, ledger: &Ledger, category: impl Fn(&Subject) -> Option<Category>) {
        let known = self.running.first().map_or(0, |running| running.counts.len());
        for (subject, _) in ledger.subjects.get(known..).unwrap_or_default() {
            let category = category(subject);
            for running in &mut self.running {
                running.counts.push(running.meter.covers(subject, category.as_ref()));
            }
        }
        let skip = usize::try_from(self.next.saturating_sub(ledger.forgotten)).unwrap_or(usize::MAX);
        for charge in ledger.charges.iter().skip(skip) {
            self.running.iter_mut().for_each(|running| running.take(&ledger.almanac, charge));
        }
        self.next = ledger.forgotten + ledger.charges.len() as u64;
    }

    /// What a meter shows on a day at an instant, with the provisional `open` span of a subject of that category.
    ///
    /// Zero for a meter that is not among these.
    pub fn read(
        &self,
        meter: &Meter,
        almanac: &Almanac,
        day: CivilDay,
        now: Wall,
        open: Option<&Open>,
    ) -> Reading {
        let Some(running) = self.places.get(meter).and_then(|place| self.running.get(*place)) else {
            return Reading::default();
        };
        let period = meter.period_of(almanac, day, now);
        let before = meter.period_before(day);
        let with_open = |shown: &Shown| Reading {
            period,
            now: shown.of(period),
            before: before.map_or_else(Tally::default, |before| shown.of(before)),
            last_end: shown.visits.last_end().filter(|_| meter.visits),
            running: false,
            free_until: None,
        };
        let Some(open) = open.filter(|open| meter.covers(&open.subject, open.category.as_ref())) else {
            return with_open(&running.shown);
        };
        let (mut provisional, mut other) = (running.shown.clone(), Free::default());
        let mut free = |day: CivilDay| match &running.free.0 {
            Some((known, times)) if *known == day => times.clone(),
            _ => other.of(meter, almanac.calendar(), day).to_vec(),
        };
        for charge in &open.charges {
            provisional.charge(meter, almanac, &free(charge.day), *charge);
        }
        Reading { running: true, free_until: free_until(&free(day), now), ..with_open(&provisional) }
    }
}

/// What is charged at the moment: the open span, cut into charges, with the category of its subject.
#[derive(Clone, Debug)]
pub struct Open {
    /// Who is charged.
    pub subject: Subject,
    /// The subject's category.
    pub category: Option<Category>,
    charges: Vec<Stretch>,
}

impl Open {
    /// What a timeline charges at a moment, if anything.
    pub fn of(
        timeline: &Timeline,
        now: Boot,
        almanac: &Almanac,
        category: impl Fn(&Subject) -> Option<Category>,
    ) -> Option<Self> {
        let subject = timeline.charging()?;
        // A span that has just begun has no length yet.
        let span = timeline.open_extent(now);
        let charges = span.into_iter().flat_map(|(start, length)| stretches(almanac, start.wall, length));
        Some(Self { category: category(&subject), charges: charges.collect(), subject })
    }
}
