//! The ledger: what was charged to whom, per civil day.
//!
//! There is one way from a span to charged time, [`charges`]; limits and reports both go through it, so that they
//! can never disagree.

mod meter;

use std::collections::{BTreeMap, HashMap, VecDeque};

pub(crate) use meter::{CountedVisits, Free, Stretch, first_day};
pub use meter::{Meter, Meters, Open, Reading as MeterReading, Tally};

use crate::almanac::Almanac;
use crate::calendar::{Calendar, CivilDay};
use crate::span::{Activity, Span};
use crate::subject::{AppId, Subject, Target};
use crate::time::{Millis, Wall};

/// A visit begins when a subject gets attention after at least this long without it.
pub const VISIT_GAP: Millis = Millis::from_mins(5);

/// A part of a span that lies within one civil day, charged to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The day it belongs to.
    pub day: CivilDay,
    /// When the part began.
    pub start: Wall,
    /// How long it lasted.
    pub length: Millis,
    /// Who is charged.
    pub subject: Subject,
}

/// What a span costs: nothing for `audible` and `unobserved` ones, else one charge a civil day that it touches.
pub fn charges(calendar: &Calendar, span: &Span) -> Vec<Charge> {
    let Some(subject) = span.activity.charged() else { return Vec::new() };
    calendar
        .split(span.start.wall, span.length)
        .into_iter()
        .map(|(day, start, length)| Charge { day, start, length, subject: subject.clone() })
        .collect()
}

/// A span's part of each civil day.
pub(crate) fn stretches(almanac: &Almanac, start: Wall, length: Millis) -> impl Iterator<Item = Stretch> {
    almanac.split(start, length).map(|(day, start, length)| Stretch { day, start, length })
}

/// A charge as the ledger keeps it: its subject by number.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Stretch,
    subject: u32,
}

/// Totals per civil day and subject, and the charges of the days that limits need.
#[derive(Clone, Debug)]
pub struct Ledger {
    almanac: Almanac,
    days: BTreeMap<CivilDay, BTreeMap<u32, Millis>>,
    visits: Vec<Visits>,
    opens: BTreeMap<(CivilDay, u32), u64>,
    /// Each with the number of its program.
    subjects: Vec<(Subject, u32)>,
    numbers: HashMap<Subject, u32>,
    apps: HashMap<AppId, u32>,
    charges: VecDeque<Kept>,
    /// How many charges were forgotten: the number of the first one that is kept.
    forgotten: u64,
}

impl Ledger {
    /// An empty ledger that counts days by `calendar`.
    pub fn new(calendar: Calendar) -> Self {
        Self {
            almanac: Almanac::new(calendar),
            days: BTreeMap::new(),
            visits: Vec::new(),
            opens: BTreeMap::new(),
            subjects: Vec::new(),
            numbers: HashMap::new(),
            apps: HashMap::new(),
            charges: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// Charges a closed span.
    pub fn charge(&mut self, span: &Span) {
        let (subject, app) = match &span.activity {
            Activity::Focus(subject) => self.number(subject),
            Activity::Private(app) => self.number(&Subject::app(app.clone())),
            Activity::Audible(_) | Activity::Unobserved => return,
        };
        for at in stretches(&self.almanac, span.start.wall, span.length) {
            let visits = self.visits.get_mut(app as usize);
            if visits.is_some_and(|visits| visits.next(at.start, at.length)) {
                *self.opens.entry((at.day, app)).or_default() += 1;
            }
            self.charges.push_back(Kept { at, subject });
            *self.days.entry(at.day).or_default().entry(subject).or_default() += at.length;
        }
    }

    /// By what days are counted.
    pub const fn calendar(&self) -> &Calendar {
        self.almanac.calendar()
    }

    /// The same, with a memory.
    pub const fn almanac(&self) -> &Almanac {
        &self.almanac
    }

    /// The numbers of a subject and of its program.
    fn number(&mut self, subject: &Subject) -> (u32, u32) {
        if let Some(number) = self.numbers.get(subject) {
            return (*number, self.subjects.get(*number as usize).map_or(0, |(_, app)| *app));
        }
        // There is no memory for four thousand million subjects.
        let new = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let app = self.apps.get(&subject.app).copied().unwrap_or_else(|| {
            let app = new(self.visits.len());
            self.visits.push(Visits::default());
            self.apps.insert(subject.app.clone(), app);
            app
        });
        let number = new(self.subjects.len());
        self.subjects.push((subject.clone(), app));
        self.numbers.insert(subject.clone(), number);
        (number, app)
    }

    fn subject(&self, number: u32) -> Option<&Subject> {
        self.subjects.get(number as usize).map(|(subject, _)| subject)
    }

    /// What the provisional `open` span is charged to, and when.
    fn provisional(&self, open: Option<&Span>) -> impl Iterator<Item = Charge> {
        open.into_iter().flat_map(|span| charges(self.calendar(), span))
    }

    /// Visits of a program that began on a day, with the provisional `open` span. Spans must have come in the order
    /// of time.
    pub fn opens(&self, day: CivilDay, app: &AppId, open: Option<&Span>) -> u64 {
        let number = self.apps.get(app).copied();
        let mut visits =
            number.and_then(|number| self.visits.get(number as usize)).cloned().unwrap_or_default();
        let begun = self
            .provisional(open)
            .filter(|charge| &charge.subject.app == app)
            .filter(|charge| visits.next(charge.start, charge.length) && charge.day == day)
            .count();
        let closed = number.and_then(|number| self.opens.get(&(day, number))).copied().unwrap_or(0);
        closed.saturating_add(u64::try_from(begun).unwrap_or(0))
    }

    /// What was charged for a target on a day, with the provisional `open` span.
    pub fn used(&self, day: CivilDay, target: &Target, open: Option<&Span>) -> Millis {
        self.sum(day, open, |subject| target.covers(subject))
    }

    /// What was charged on a day for a program alone, without what ran in it, with the provisional `open` span.
    pub fn used_by(&self, day: CivilDay, app: &AppId, open: Option<&Span>) -> Millis {
        self.sum(day, open, |subject| subject.app == *app)
    }

    fn sum(&self, day: CivilDay, open: Option<&Span>, wanted: impl Fn(&Subject) -> bool) -> Millis {
        let closed = self.charged_on(day).filter(|(subject, _)| wanted(subject)).map(|(_, length)| length);
        let closed: Millis = closed.sum();
        let provisional: Millis = self
            .provisional(open)
            .filter(|charge| charge.day == day && wanted(&charge.subject))
            .map(|charge| charge.length)
            .sum();
        closed + provisional
    }

    /// The subjects charged on a day, in their order.
    pub fn subjects(&self, day: CivilDay) -> impl Iterator<Item = (&Subject, Millis)> {
        let mut subjects: Vec<_> = self.charged_on(day).collect();
        subjects.sort_unstable();
        subjects.into_iter()
    }

    fn charged_on(&self, day: CivilDay) -> impl Iterator<Item = (&Subject, Millis)> {
        let charged = self.days.get(&day).into_iter().flatten();
        charged.filter_map(|(number, length)| self.subject(*number).map(|subject| (subject, *length)))
    }

    /// For how long wanted subjects had attention since an instant, as far as charges are kept, with the provisional `open`
    /// span.
    pub fn since(&self, from: Wall, open: Option<&Span>, wanted: impl Fn(&Subject) -> bool) -> Millis {
        let wanted_numbers: Vec<bool> = self.subjects.iter().map(|(subject, _)| wanted(subject)).collect();
        let is_wanted = |subject: u32| wanted_numbers.get(subject as usize).copied().unwrap_or(false);
        let part =
            |start: Wall, length: Millis| (start + length).since(start.max(from)).unwrap_or(Millis::ZERO);
        let late = self.charges.iter().rev().take_while(|charge| charge.at.start + charge.at.length > from);
        let closed: Millis = late
            .filter(|charge| is_wanted(charge.subject))
            .map(|charge| part(charge.at.start, charge.at.length))
            .sum();
        let running = self.provisional(open).filter(|charge| wanted(&charge.subject));
        closed + running.map(|charge| part(charge.start, charge.length)).sum()
    }

    /// Forgets the days before `day`: the store has them.
    pub fn drop_before(&mut self, day: CivilDay) {
        self.days = self.days.split_off(&day);
        self.opens.retain(|(of, _), _| *of >= day);
        while self.charges.front().is_some_and(|charge| charge.at.day < day) {
            self.charges.pop_front();
            self.forgotten += 1;
        }
    }
}

/// Counts visits of one group of subjects, from charges in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    last_end: Option<Wall>,
}

impl Visits {
    /// When the last stretch of attention ended.
    pub(crate) const fn last_end(&self) -> Option<Wall> {
        self.last_end
    }

    /// Visits of which the last stretch ended then.
    pub(crate) const fn ended(last_end: Option<Wall>) -> Self {
        Self { last_end }
    }

    /// Takes the next stretch of attention; says whether a visit begins with it.
    pub fn next(&mut self, start: Wall, length: Millis) -> bool {
        let begins = self
            .last_end
            // After a clock that was set back there is no telling: no new visit.
            .is_none_or(|end| start.since(end).is_some_and(|gap| gap >= VISIT_GAP));
        self.last_end = Some(start + length);
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Activity;
    use crate::subject::AppId;
    use crate::time::{Boot, Reading};

    fn span(start_ms: i64, length_ms: u64) -> Span {
        Span {
            start: Reading::new(Boot::from_ms(0), Wall::from_unix_ms(start_ms)),
            length: Millis::from_ms(length_ms),
            activity: Activity::Focus(Subject::app(AppId::new("a").unwrap())),
        }
    }

    #[test]
    fn provisional_time_counts_and_unobserved_time_does_not() {
        let calendar = Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap());
        let mut ledger = Ledger::new(calendar);
        let noon = 12 * 3_600_000;
        ledger.charge(&span(noon, 5000));
        ledger.charge(&Span { activity: Activity::Unobserved, ..span(noon + 5000, 9000) });
        let day = CivilDay::from_epoch_days(0);
        let open = span(noon + 20_000, 700);
        assert_eq!(ledger.used(day, &Target::All, None).as_ms(), 5000);
        assert_eq!(ledger.used(day, &Target::All, Some(&open)).as_ms(), 5700);
        assert_eq!(ledger.used(day, &"app:A".parse().unwrap(), Some(&open)).as_ms(), 5700);
        assert_eq!(ledger.used(day, &"app:b".parse().unwrap(), Some(&open)).as_ms(), 0);
        assert_eq!(ledger.used(day.plus(1), &Target::All, Some(&open)).as_ms(), 0);
    }

    #[test]
    fn a_terminal_has_its_own_time_and_that_of_what_runs_in_it() {
        let calendar = Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap());
        let mut ledger = Ledger::new(calendar);
        let of = |app: &str, start_ms, length_ms| {
            let activity = Activity::Focus(Subject::app(AppId::new(app).unwrap()));
            Span { activity, ..span(start_ms, length_ms) }
        };
        let noon = 12 * 3_600_000;
        ledger.charge(&of("foot", noon, 1000));
        ledger.charge(&of("foot/vim", noon + 1000, 20));
        let (day, open) = (CivilDay::from_epoch_days(0), of("foot/make", noon + 2000, 3));
        let used = |target: &str| ledger.used(day, &target.parse().unwrap(), Some(&open)).as_ms();
        assert_eq!((used("app:foot"), used("app:foot/vim"), used("app:foot/make")), (1023, 20, 3));
        assert_eq!(ledger.used_by(day, &AppId::new("foot").unwrap(), Some(&open)).as_ms(), 1000);
    }

    #[test]
    fn visits_are_counted_by_day_and_program() {
        let calendar = Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap());
        let mut ledger = Ledger::new(calendar);
        let (noon, minute) = (12 * 3_600_000, 60_000);
        ledger.charge(&span(noon, 60_000));
        ledger.charge(&span(noon + 2 * minute, 60_000));
        let (day, app) = (CivilDay::from_epoch_days(0), AppId::new("a").unwrap());
        assert_eq!(ledger.opens(day, &app, None), 1);
        assert_eq!(ledger.opens(day, &app, Some(&span(noon + 4 * minute, 5))), 1);
        assert_eq!(ledger.opens(day, &app, Some(&span(noon + 9 * minute, 5))), 2);
        assert_eq!(ledger.opens(day.plus(1), &app, None), 0);
    }

    #[test]
    fn a_visit_begins_after_five_minutes() {
        let mut visits = Visits::default();
        let minute = 60_000;
        let wall = |m: i64| Wall::from_unix_ms(m * minute);
        assert!(visits.next(wall(0), Millis::from_mins(1)));
        assert!(!visits.next(wall(5), Millis::from_mins(1)));
        assert!(visits.next(wall(11), Millis::from_mins(1)));
        assert!(!visits.next(wall(2), Millis::from_mins(1)), "the clock went back");
    }
}
