//! The ledger: what was charged to whom, per civil day.
//!
//! There is one way from a span to charged time, [`charges`]; limits and reports both go through it, so that they
//! can never disagree.

mod meter;

use std::collections::{BTreeMap, HashMap, VecDeque};

pub(crate) use meter::{CountedVisits, first_day};
pub use meter::{Meter, Meters, Open, Reading as MeterReading, Tally};

use crate::calendar::{Calendar, CivilDay};
use crate::span::Span;
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

/// A charge as the ledger keeps it: its subject by number.
#[derive(Clone, Copy, Debug)]
struct Kept {
    day: CivilDay,
    start: Wall,
    length: Millis,
    subject: u32,
}

/// Totals per civil day and subject, and the charges of the days that limits need.
#[derive(Clone, Debug)]
pub struct Ledger {
    calendar: Calendar,
    days: BTreeMap<CivilDay, BTreeMap<Subject, Millis>>,
    visits: HashMap<AppId, Visits>,
    opens: BTreeMap<(CivilDay, AppId), u64>,
    subjects: Vec<Subject>,
    numbers: HashMap<Subject, u32>,
    charges: VecDeque<Kept>,
    /// How many charges were forgotten: the number of the first one that is kept.
    forgotten: u64,
}

impl Ledger {
    /// An empty ledger that counts days by `calendar`.
    pub fn new(calendar: Calendar) -> Self {
        Self {
            calendar,
            days: BTreeMap::new(),
            visits: HashMap::new(),
            opens: BTreeMap::new(),
            subjects: Vec::new(),
            numbers: HashMap::new(),
            charges: VecDeque::new(),
            forgotten: 0,
        }
    }

    /// Charges a closed span.
    pub fn charge(&mut self, span: &Span) {
        for charge in charges(&self.calendar, span) {
            let app = charge.subject.app.clone();
            if self.visits.entry(app.clone()).or_default().next(charge.start, charge.length) {
                *self.opens.entry((charge.day, app)).or_default() += 1;
            }
            let subject = self.number(&charge.subject);
            let Charge { day, start, length, .. } = charge;
            self.charges.push_back(Kept { day, start, length, subject });
            *self.days.entry(charge.day).or_default().entry(charge.subject).or_default() += charge.length;
        }
    }

    /// By what days are counted.
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    fn number(&mut self, subject: &Subject) -> u32 {
        if let Some(number) = self.numbers.get(subject) {
            return *number;
        }
        // There is no memory for four thousand million subjects.
        let number = u32::try_from(self.subjects.len()).unwrap_or(u32::MAX);
        self.subjects.push(subject.clone());
        self.numbers.insert(subject.clone(), number);
        number
    }

    /// Visits of a program that began on a day, with the provisional `open` span. Spans must have come in the order
    /// of time.
    pub fn opens(&self, day: CivilDay, app: &AppId, open: Option<&Span>) -> u64 {
        let mut visits = self.visits.get(app).cloned().unwrap_or_default();
        let charges = open.into_iter().flat_map(|span| charges(&self.calendar, span));
        let begun = charges
            .filter(|charge| &charge.subject.app == app)
            .filter(|charge| visits.next(charge.start, charge.length) && charge.day == day)
            .count();
        let closed = self.opens.get(&(day, app.clone())).copied().unwrap_or(0);
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
        let closed: Millis = self
            .days
            .get(&day)
            .into_iter()
            .flatten()
            .filter(|(subject, _)| wanted(subject))
            .map(|(_, length)| *length)
            .sum();
        let provisional: Millis = open
            .into_iter()
            .flat_map(|span| charges(&self.calendar, span))
            .filter(|charge| charge.day == day && wanted(&charge.subject))
            .map(|charge| charge.length)
            .sum();
        closed + provisional
    }

    /// The subjects charged on a day.
    pub fn subjects(&self, day: CivilDay) -> impl Iterator<Item = (&Subject, Millis)> {
        self.days.get(&day).into_iter().flatten().map(|(subject, length)| (subject, *length))
    }

    /// For how long wanted subjects had attention since an instant, as far as charges are kept, with the provisional `open`
    /// span.
    pub fn since(&self, from: Wall, open: Option<&Span>, wanted: impl Fn(&Subject) -> bool) -> Millis {
        let wanted_numbers: Vec<bool> = self.subjects.iter().map(&wanted).collect();
        let is_wanted = |subject: u32| wanted_numbers.get(subject as usize).copied().unwrap_or(false);
        let part =
            |start: Wall, length: Millis| (start + length).since(start.max(from)).unwrap_or(Millis::ZERO);
        let late = self.charges.iter().rev().take_while(|charge| charge.start + charge.length > from);
        let closed: Millis = late
            .filter(|charge| is_wanted(charge.subject))
            .map(|charge| part(charge.start, charge.length))
            .sum();
        let running = open.into_iter().flat_map(|span| charges(&self.calendar, span));
        let running = running.filter(|charge| wanted(&charge.subject));
        closed + running.map(|charge| part(charge.start, charge.length)).sum()
    }

    /// Forgets the days before `day`: the store has them.
    pub fn drop_before(&mut self, day: CivilDay) {
        self.days = self.days.split_off(&day);
        self.opens.retain(|(of, _), _| *of >= day);
        while self.charges.front().is_some_and(|charge| charge.day < day) {
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
