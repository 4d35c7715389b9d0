//! What charts show of a period, from a single pass over its spans.

use std::cell::RefCell;

use dwell_bus::{Failure, Kind, Reply, Request, wire};
use dwell_core::calendar::Calendar;
use dwell_core::category::Categories;
use dwell_core::report::picture::{Painter, Picture, SLOT, Series, Whose};
use dwell_core::report::{Filter, Period};
use dwell_core::rules::{Rule, in_short};
use dwell_core::span::Span;
use dwell_core::subject::{AppId, Category, Subject};
use dwell_core::time::Millis;
use dwell_desktop::AppNames;

use super::Hub;
use super::jobs::{chunks, labels, unreadable};
use crate::clock;
use crate::store::{Attention, Source};

/// At most so many categories, and programs of a day, have a row of their own: as many as can be told apart.
const MOST: usize = 8;

impl Hub {
    /// Answers with the picture of a period.
    pub(super) fn picture(&mut self, query: wire::Query, reply: Reply<wire::Picture>) {
        if self.known.is_none() && self.is_unclear(&query) {
            return self.wait_for_subjects(Request::Picture(query, reply));
        }
        self.tick(clock::now());
        let job = self.picture_job(&query);
        match job {
            // Who asked may have left.
            Ok(job) => self.store.read(move |source| _ = reply.send(job.run(source))),
            Err(failure) => _ = reply.send(Err(failure)),
        }
    }

    fn picture_job(&self, query: &wire::Query) -> Result<Job, Failure> {
        let now = clock::now();
        let rules: Vec<Rule> = self.book.rules().to_vec();
        Ok(Job {
            calendar: *self.calendar(),
            period: self.period(query.period.as_deref().unwrap_or("today"), now)?,
            filter: self.filter(query)?,
            named: rules.iter().map(|rule| self.target_name(&rule.target)).collect(),
            rules,
            open: self.count.timeline().open_span(now.boot),
            names: self.names.clone(),
            categories: self.categories.clone(),
        })
    }
}

struct Job {
    calendar: Calendar,
    period: Period,
    filter: Filter,
    rules: Vec<Rule>,
    /// The names of what the rules are about.
    named: Vec<String>,
    open: Option<Span>,
    names: AppNames,
    categories: Categories,
}

impl Job {
    fn run(self, source: &mut Source<'_>) -> Result<wire::Picture, Failure> {
        let mut period = self.period;
        if period.is_all() {
            // Everything begins with the first day that there is.
            let recorded = source.days().map(|(first, _)| first);
            let open = self.open.as_ref().map(|open| self.calendar.day_of(open.start.wall));
            period.first = recorded.into_iter().chain(open).min().unwrap_or(period.last).min(period.last);
        }
        let painter = Painter::new(&self.calendar, period, self.filter.clone(), &self.rules);
        let painter = RefCell::new(painter);
        let category = |subject: &Subject| self.categories.of(subject, self.names.category(&subject.app));
        let number = |subject: &Subject| painter.borrow_mut().subject(subject, category);
        for days in chunks(labels(period)) {
            let found =
                source.attention(days, self.open.as_ref(), number).map_err(|error| unreadable(&error))?;
            let mut painter = painter.borrow_mut();
            for Attention { start, length, to } in found {
                painter.add(start.wall, length, to);
            }
        }
        if let Some((open, subject)) =
            self.open.as_ref().and_then(|open| Some((open, open.activity.charged()?)))
        {
            let number = number(&subject);
            painter.borrow_mut().add(open.start.wall, open.length, number);
        }
        let picture = painter.into_inner().finish(MOST);
        if picture.days == 0 {
            return Err(Failure::new(Kind::NoData, "nothing is recorded of that time")
                .hint("try a longer one: month"));
        }
        Ok(self.told(period, picture))
    }

    fn told(&self, period: Period, picture: Picture) -> wire::Picture {
        let parts = |parts: Vec<Millis>| parts.into_iter().map(Millis::as_ms).collect();
        let category = |series: Series<Category>| {
            let (key, kind) = told(series.whose, |category: &Category| category.as_str().to_owned());
            let name = match kind {
                "none" => "(no category)".to_owned(),
                "others" => "others".to_owned(),
                _ => key.clone(),
            };
            wire::Series { key, name, kind: kind.to_owned(), parts_ms: parts(series.parts) }
        };
        let lane = |series: Series<AppId>| {
            let name = match &series.whose {
                Whose::One(app) => self.names.name(app).unwrap_or_else(|| app.as_str().to_owned()),
                Whose::Nobody | Whose::Others => "others".to_owned(),
            };
            let (key, kind) = told(series.whose, |app: &AppId| app.as_str().to_owned());
            wire::Series { key, name, kind: kind.to_owned(), parts_ms: parts(series.parts) }
        };
        let kept = picture.kept.into_iter().filter_map(|kept| {
            let (rule, name) = self.rules.iter().zip(&self.named).find(|(rule, _)| rule.id == kept.rule)?;
            Some(wire::Kept {
                id: kept.rule.as_str().to_owned(),
                name: name.clone(),
                rule: in_short(rule),
                days: kept.days,
                within: kept.within,
            })
        });
        let single = period.first == period.last;
        wire::Picture {
            first: period.first.to_string(),
            last: period.last.to_string(),
            day_start: self.calendar.day_start.to_string(),
            total_ms: picture.total.as_ms(),
            days: picture.days,
            hours_ms: picture.hours.iter().flatten().map(|time| time.as_ms()).collect(),
            bucket: picture.bucket.as_str().to_owned(),
            buckets: picture.buckets,
            categories: picture.categories.into_iter().map(category).collect(),
            slot_ms: single.then_some(SLOT.as_ms()),
            lanes: single.then(|| picture.lanes.into_iter().map(lane).collect()),
            kept: kept.collect(),
        }
    }
}

/// The key of a row, and its kind.
fn told<T>(whose: Whose<T>, key: impl Fn(&T) -> String) -> (String, &'static str) {
    match whose {
        Whose::One(one) => (key(&one), "one"),
        Whose::Nobody => (String::new(), "none"),
        Whose::Others => (String::new(), "others"),
    }
}
