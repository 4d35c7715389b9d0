//! Trying a limit on the past.

use std::cell::RefCell;
use std::collections::HashMap;

use dwell_bus::{Failure, Kind, Reply, wire};
use dwell_core::almanac::Almanac;
use dwell_core::calendar::Calendar;
use dwell_core::report::Period;
use dwell_core::rules::{Rule, in_short};
use dwell_core::simulate::Trial;
use dwell_core::span::Span;
use dwell_core::subject::{Category, Subject, Target};
use dwell_core::time::{Millis, Wall};

use super::Hub;
use super::jobs::{chunks, labels, unreadable};
use crate::clock;
use crate::store::{Attention, Source};

impl Hub {
    /// Tries a limit on a period. It is not made.
    pub(super) fn try_limit(
        &mut self,
        target: &Target,
        amount: Millis,
        options: &wire::LimitOptions,
        period: &str,
        reply: Reply<wire::Trial>,
    ) {
        let now = clock::now();
        self.tick(now);
        // A limit that is there already is left out of it, but for its id.
        let apart = wire::LimitOptions { id: Some("tried".to_owned()), ..options.clone() };
        let asked =
            self.rule_of(target, amount, &apart).and_then(|rule| Ok((rule, self.period(period, now)?)));
        let (rule, period) = match asked {
            Ok(asked) => asked,
            Err(failure) => {
                // Who asked may have left.
                let _ = reply.send(Err(failure));
                return;
            }
        };
        let (names, categories) = (self.names.clone(), self.categories.clone());
        let job = Job {
            calendar: *self.calendar(),
            period,
            rule,
            open: self.count.timeline().open_span(now.boot),
            now: now.wall,
        };
        self.store.read(move |source| {
            let category = |subject: &Subject| categories.of(subject, names.category(&subject.app));
            // Who asked may have left.
            let _ = reply.send(job.run(source, category));
        });
    }
}

struct Job {
    calendar: Calendar,
    period: Period,
    rule: Rule,
    open: Option<Span>,
    now: Wall,
}

impl Job {
    fn run(
        mut self,
        source: &mut Source<'_>,
        category: impl Fn(&Subject) -> Option<Category>,
    ) -> Result<wire::Trial, Failure> {
        let nothing = || {
            Failure::new(Kind::NoData, "nothing is recorded of that time")
                .hint("try a longer one: --since 30d")
        };
        let (first, _) = source.days().ok_or_else(nothing)?;
        self.period.first = self.period.first.max(first).min(self.period.last);
        let Self { calendar, period, rule, .. } = &self;
        let idle = || {
            Failure::new(Kind::Invalid, "only an amount can be tried").hint("name one, like 30m or 5visits")
        };
        let mut trial = Trial::new(calendar, rule).ok_or_else(idle)?;
        // A program's category may be in its desktop file, which is looked for each time that one asks.
        let known: RefCell<HashMap<Subject, Option<Category>>> = RefCell::default();
        let category = |subject: &Subject| {
            let mut known = known.borrow_mut();
            known.get(subject).cloned().unwrap_or_else(|| {
                let found = category(subject);
                known.insert(subject.clone(), found.clone());
                found
            })
        };
        let almanac = Almanac::new(*calendar);
        let mut days = std::collections::BTreeSet::new();
        for labels in chunks(labels(*period)) {
            let covered = |subject: &Subject| trial.covers(subject, category);
            let found =
                source.attention(labels, self.open.as_ref(), covered).map_err(|error| unreadable(&error))?;
            for Attention { start, length, to: wanted } in found {
                let day = almanac.day_of(start.wall);
                if period.days().contains(&day) {
                    days.insert(day);
                    if wanted {
                        trial.add_covered(start.wall, length);
                    }
                }
            }
        }
        if let Some(open) = self.open.as_ref().filter(|open| open.activity.charged().is_some()) {
            days.insert(calendar.day_of(open.start.wall));
            trial.add(open, category);
        }
        if days.is_empty() {
            return Err(nothing());
        }
        let end = calendar.end_of(period.last).min(self.now);
        let found = trial.finish(end);
        let hits = found.hits.iter().map(|(day, at)| wire::TrialDay {
            day: day.to_string(),
            used_ms: found.days.get(day).copied().unwrap_or_default().as_ms(),
            at_ms: Some(at.as_unix_ms()),
        });
        let mut used: Vec<u64> = found.days.values().map(|used| used.as_ms()).collect();
        used.sort_unstable();
        Ok(wire::Trial {
            rule: in_short(rule),
            zone: calendar.zone.name().to_owned(),
            from: period.first.to_string(),
            to: period.last.to_string(),
            days: u32::try_from(days.len()).unwrap_or(u32::MAX),
            hits: hits.collect(),
            median_ms: used.get(used.len() / 2).copied().unwrap_or(0),
            over_ms: found.over.as_ms(),
        })
    }
}
