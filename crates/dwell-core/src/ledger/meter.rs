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

use super::{Charge, Kept, Ledger, Visits, charges};
use crate::calendar::{Calendar, CivilDay};
use crate::rules::{Amount, Budget, Days, Per, Rule, Window, occurrence};
use crate::subject::{Category, Subject, Target};
use crate::time::{Boot, Millis, Wall};
use crate::timeline::Timeline;

/// What counts for a limit, and in which periods.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meter {
    target: Target,
    except: Vec<Target>,
    days: Days,
    free: Vec<Window>,
    per: Per,
    visits: bool,
}

impl Meter {
    /// The meter of a rule; `None`: it has no budget.
    pub fn of(rule: &Rule) -> Option<Self> {
        let Budget { amount, per } = rule.budget?;
        Some(Self {
            target: rule.target.clone(),
            except: rule.except.clone(),
            days: rule.days,
            free: rule.count_free.clone(),
            per,
            visits: matches!(amount, Amount::Opens(_)),
        })
    }

    fn covers(&self, subject: &Subject, category: Option<&Category>) -> bool {
        self.target.covers_in(subject, category)
            && !self.except.iter().any(|except| except.covers_in(subject, category))
    }

    /// The parts of a charge that count, each with the period to which it belongs.
    pub(crate) fn parts(
        &self,
        calendar: &Calendar,
        day: CivilDay,
        start: Wall,
        length: Millis,
    ) -> Vec<(i64, Wall, Millis)> {
        if !self.days.contains(day) {
            return Vec::new();
        }
        let mut parts = vec![(start, start + length)];
        for free in self.free_times(calendar, day) {
            parts = parts.into_iter().flat_map(|part| without(part, free)).collect();
        }
        let mut counted = Vec::with_capacity(parts.len());
        for (start, end) in parts {
            if self.per == Per::Hour {
                let mut at = start;
                while at < end {
                    let hour = calendar.next_hour(at);
                    let stop = if hour > at { hour.min(end) } else { end };
                    counted.push((hour.as_unix_ms(), at, stop.since(at).unwrap_or(Millis::ZERO)));
                    at = stop;
                }
            } else {
                counted.push((
                    self.period_of(calendar, day, start),
                    start,
                    end.since(start).unwrap_or(Millis::ZERO),
                ));
            }
        }
        counted
    }

    /// The times of a day in which nothing counts; also those that began on the day before.
    fn free_times(&self, calendar: &Calendar, day: CivilDay) -> impl Iterator<Item = (Wall, Wall)> {
        let days = self.days;
        self.free.iter().flat_map(move |window| {
            let begun = [day.plus(-1), day].into_iter().filter(move |day| days.contains(*day));
            begun.map(move |day| occurrence(calendar, day, *window))
        })
    }

    /// The end of the time without counting that runs at an instant.
    pub fn free_until(&self, calendar: &Calendar, now: Wall) -> Option<Wall> {
        let mut until = None;
        let times: Vec<_> = self.free_times(calendar, calendar.day_of(now)).collect();
        let mut at = now;
        while let Some((_, end)) = times.iter().find(|(start, end)| *start <= at && at < *end) {
            at = *end;
            until = Some(at);
        }
        until
    }

    /// The number of the period to which an instant of a day belongs: greater for later ones.
    pub(crate) fn period_of(&self, calendar: &Calendar, day: CivilDay, at: Wall) -> i64 {
        match self.per {
            Per::Hour => calendar.next_hour(at).as_unix_ms(),
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

/// What is left of a stretch when another one is taken out of it.
fn without((start, end): (Wall, Wall), (from, to): (Wall, Wall)) -> impl Iterator<Item = (Wall, Wall)> {
    let (before, after) = ((start, end.min(from)), (start.max(to), end));
    let apart = to <= start || from >= end || from >= to;
    let parts = if apart { [Some((start, end)), None] } else { [Some(before), Some(after)] };
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
        Self {
            meter,
            counts: Vec::new(),
            periods: [(i64::MIN, Tally::default()); 2],
            visits: CountedVisits::default(),
        }
    }

    fn take(&mut self, calendar: &Calendar, charge: &Kept) {
        if self.counts.get(charge.subject as usize).copied().unwrap_or(false) {
            self.charge(calendar, charge.day, charge.start, charge.length);
        }
    }

    fn charge(&mut self, calendar: &Calendar, day: CivilDay, start: Wall, length: Millis) {
        let parts = self.meter.parts(calendar, day, start, length);
        let counted_from = parts.first().map(|(_, at, _)| *at);
        let begins = self.meter.visits && self.visits.next(start, length, counted_from);
        for (nth, (period, _, length)) in parts.into_iter().enumerate() {
            self.add(period, Tally { time: length, opens: u32::from(begins && nth == 0) });
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
        for subject in ledger.subjects.get(known..).unwrap_or_default() {
            let category = category(subject);
            for running in &mut self.running {
                running.counts.push(running.meter.covers(subject, category.as_ref()));
            }
        }
        let skip = usize::try_from(self.next.saturating_sub(ledger.forgotten)).unwrap_or(usize::MAX);
        for charge in ledger.charges.iter().skip(skip) {
            self.running.iter_mut().for_each(|running| running.take(&ledger.calendar, charge));
        }
        self.next = ledger.forgotten + ledger.charges.len() as u64;
    }

    /// What a meter shows, with the provisional `open` span of a subject of that category.
    ///
    /// Zero for a meter that is not among these.
    pub fn read(&self, meter: &Meter, calendar: &Calendar, now: Wall, open: Option<&Open>) -> Reading {
        let (Some(running), day) =
            (self.places.get(meter).and_then(|place| self.running.get(*place)), calendar.day_of(now))
        else {
            return Reading::default();
        };
        let period = meter.period_of(calendar, day, now);
        let before = meter.period_before(day);
        let open = open.filter(|open| meter.covers(&open.subject, open.category.as_ref()));
        let with_open = |running: &Running| Reading {
            period,
            now: running.of(period),
            before: before.map_or_else(Tally::default, |before| running.of(before)),
            last_end: running.visits.last_end().filter(|_| meter.visits),
        };
        match open {
            None => with_open(running),
            Some(open) => {
                // A copy of a few numbers: neither the table of subjects nor the meter is copied.
                let mut provisional = Running {
                    meter: meter.clone(),
                    counts: Vec::new(),
                    periods: running.periods,
                    visits: running.visits.clone(),
                };
                for charge in &open.charges {
                    provisional.charge(calendar, charge.day, charge.start, charge.length);
                }
                with_open(&provisional)
            }
        }
    }
}

/// What is charged at the moment: the open span, cut into charges, with the category of its subject.
#[derive(Clone, Debug)]
pub struct Open {
    /// Who is charged.
    pub subject: Subject,
    /// The subject's category.
    pub category: Option<Category>,
    charges: Vec<Charge>,
}

impl Open {
    /// What a timeline charges at a moment, if anything.
    pub fn of(
        timeline: &Timeline,
        now: Boot,
        calendar: &Calendar,
        category: impl Fn(&Subject) -> Option<Category>,
    ) -> Option<Self> {
        let subject = timeline.charging()?;
        // A span that has just begun has no length yet.
        let charges = timeline.open_span(now).map(|span| charges(calendar, &span)).unwrap_or_default();
        Some(Self { category: category(&subject), charges, subject })
    }
}
