//! Long answers: made on the store's thread or one of their own, never on the hub's.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc;

use dwell_bus::{Failure, Kind, lines, wire};
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::category::Categories;
use dwell_core::count::{LABEL_SLACK, pieces};
use dwell_core::report::{Before, Builder, By, Filter, Period};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Category, Domain, Subject, Target};
use dwell_core::time::{Millis, Reading, Wall};
use dwell_desktop::AppNames;

use crate::pipe::Writer;
use crate::store::{Asked, Gaps, Source, WeakStore};

/// A report to be made on the store's thread.
pub(super) struct ReportJob {
    pub(super) calendar: Calendar,
    pub(super) period: Period,
    /// The period that it is compared with, if any.
    pub(super) before: Option<Before>,
    pub(super) today: CivilDay,
    pub(super) by: By,
    pub(super) filter: Filter,
    pub(super) top: Option<usize>,
    pub(super) open: Option<Span>,
    pub(super) now: Reading,
    pub(super) names: AppNames,
    pub(super) categories: Categories,
    /// What limits did, beside what was said at once.
    pub(super) digest: Vec<String>,
    /// What was planned, and what became of it.
    pub(super) intentions: Vec<wire::Intention>,
    /// Focus sessions.
    pub(super) sessions: Vec<wire::FocusSession>,
}

impl ReportJob {
    /// Reads what it needs and makes the report.
    pub(super) fn run(self, source: &mut Source<'_>) -> Result<wire::Report, Failure> {
        let mut period = self.period;
        if period.is_all() {
            // Everything begins with the first day that there is.
            let recorded = source.days().map(|(first, _)| first);
            let open = self.open.as_ref().map(|open| self.calendar.day_of(open.start.wall));
            period.first = recorded.into_iter().chain(open).min().unwrap_or(period.last).min(period.last);
        }
        let known = RefCell::new(HashMap::<Subject, Option<Category>>::new());
        let category = |subject: &Subject| {
            let mut known = known.borrow_mut();
            let look_up = || self.categories.of(subject, self.names.category(&subject.app));
            known.entry(subject.clone()).or_insert_with(look_up).clone()
        };
        let builder = Builder::new(&self.calendar, period, self.by, self.filter.clone());
        let end = self.calendar.end_of(period.last);
        let (builder, gaps) = self.filled(builder.with_categories(category), period, end, source)?;
        let earlier = match self.before {
            None => None,
            Some(before) => {
                let builder = Builder::of_before(&self.calendar, before, self.by, self.filter.clone());
                let end = before.end(&self.calendar);
                Some(self.filled(builder.with_categories(category), before.period, end, source)?.0)
            }
        };
        let inside = |day: &CivilDay| period.days().contains(day);
        let damaged: Vec<CivilDay> = gaps.damaged.into_iter().filter(inside).collect();
        let sealed: Millis = gaps.sealed.iter().filter(|(day, _)| inside(day)).map(|(_, time)| *time).sum();
        let report = match earlier {
            None => builder.finish(self.top),
            Some(earlier) => builder.finish_beside(earlier, self.top),
        };
        let compare = self.before.zip(report.before).map(|(before, total)| wire::Compared {
            from_at_ms: self.calendar.start_of(before.period.first).as_unix_ms(),
            to_at_ms: before.end(&self.calendar).as_unix_ms(),
            total_ms: total.as_ms(),
        });
        let rows = report.rows.into_iter().map(|row| wire::Row {
            name: self.row_name(&row.key, row.kind),
            category: self.row_category(&row.key, row.kind),
            key: row.key,
            kind: row.kind.to_owned(),
            ms: row.time.as_ms(),
            opens: row.opens,
            before_ms: row.before.map(Millis::as_ms),
        });
        Ok(wire::Report {
            from_at_ms: self.calendar.start_of(period.first).as_unix_ms(),
            to_at_ms: self.calendar.end_of(period.last).min(self.now.wall).as_unix_ms(),
            zone: self.calendar.zone.name().to_owned(),
            by: self.by.to_string(),
            total_ms: report.total.as_ms(),
            observed_ms: report.observed.as_ms(),
            unobserved_ms: report.unobserved.as_ms(),
            sealed_ms: sealed.as_ms(),
            damaged: damaged.iter().map(ToString::to_string).collect(),
            rows: rows.collect(),
            digest: Some(self.digest.clone()).filter(|digest| !digest.is_empty()),
            intentions: Some(self.intentions.clone()).filter(|intentions| !intentions.is_empty()),
            focus_sessions: Some(self.sessions.clone()).filter(|sessions| !sessions.is_empty()),
            compare,
        })
    }

    /// Gives a report all that is recorded of a period, and the open span. What counts ends at `end`.
    fn filled<'a>(
        &self,
        mut builder: Builder<'a>,
        period: Period,
        end: Wall,
        source: &mut Source<'_>,
    ) -> Result<(Builder<'a>, Gaps), Failure> {
        let asked = Asked {
            calendar: &self.calendar,
            within: (self.calendar.start_of(period.first), end),
            open: self.open.as_ref(),
            today: self.today,
        };
        let gaps = source.give(labels(period), &asked, &mut builder).map_err(|error| unreadable(&error))?;
        if let Some(open) = &self.open {
            builder.add(open);
        }
        Ok((builder, gaps))
    }

    fn row_category(&self, key: &str, kind: &str) -> Option<String> {
        match (self.by, kind) {
            (_, "others") => None,
            (By::App, _) => {
                let app = AppId::new(key).ok()?;
                let by_desktop_file = self.names.category(&app);
                self.categories.of(&Subject::app(app), by_desktop_file).map(String::from)
            }
            (By::Domain, _) => {
                let domain = Target::Domain(Domain::new(key).ok()?);
                self.categories.which(&domain, None).0.map(String::from)
            }
            (By::Category, _) => Some(key.to_owned()).filter(|key| !key.is_empty()),
            _ => None,
        }
    }

    fn row_name(&self, key: &str, kind: &str) -> String {
        let name = match (self.by, kind) {
            (_, "others") => None,
            (By::App, _) => AppId::new(key).ok().and_then(|app| self.names.name(&app)),
            (By::Domain, "untold") => Some("(site not known)".to_owned()),
            (By::Domain, "private") if key.is_empty() => Some("(private windows)".to_owned()),
            (By::Domain, _) if key.is_empty() => Some("(no site)".to_owned()),
            (By::Category, _) if key.is_empty() => Some("(no category)".to_owned()),
            _ => None,
        };
        name.unwrap_or_else(|| key.to_owned())
    }
}

/// The timeline of a period, to be written to a pipe by a thread of its own.
pub(super) struct SpansJob {
    pub(super) calendar: Calendar,
    pub(super) period: Period,
    pub(super) open: Option<Span>,
    pub(super) names: AppNames,
    pub(super) categories: Categories,
    pub(super) store: WeakStore,
    /// Its place among the readers that are served at once; given back with the job.
    pub(super) _place: Arc<()>,
}

impl SpansJob {
    /// Writes the spans, a month at a time, so that ten years need no more memory than one month; then how many they
    /// were, so that a reader who was cut off knows it.
    pub(super) fn run(self, writer: Writer) {
        let mut out = BufWriter::new(writer);
        let mut lines = Lines { job: &self, known: HashMap::new(), written: 0 };
        let end = match lines.all(&mut out) {
            Ok(Missing { damaged, sealed }) => lines::End {
                schema: lines::END.to_owned(),
                spans: lines.written,
                damaged: damaged.iter().map(ToString::to_string).collect(),
                sealed_seconds: Some((sealed.values().copied().sum::<Millis>().as_ms() + 500) / 1000)
                    .filter(|seconds| *seconds > 0),
                sealed: sealed.keys().map(ToString::to_string).collect(),
                error: None,
            },
            Err(Stop::Unreadable(error)) => lines::End {
                schema: lines::END.to_owned(),
                spans: lines.written,
                error: Some(error),
                ..lines::End::default()
            },
            // The reader has left or stalled: there is nobody to tell.
            Err(Stop::Reader) => return,
        };
        if serde_json::to_writer(&mut out, &end).is_ok() {
            // As above.
            let _ = out.write_all(b"\n").and_then(|()| out.flush());
        }
    }
}

/// What of a timeline is recorded, and cannot be written.
#[derive(Default)]
struct Missing {
    damaged: BTreeSet<CivilDay>,
    /// Days that are locked away, with the attention of each.
    sealed: BTreeMap<CivilDay, Millis>,
}

/// Why the writing ended early.
enum Stop {
    Reader,
    Unreadable(String),
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Reader
    }
}

struct Lines<'a> {
    job: &'a SpansJob,
    known: HashMap<Subject, (String, Option<String>)>,
    written: u64,
}

impl Lines<'_> {
    fn all(&mut self, out: &mut impl Write) -> Result<Missing, Stop> {
        let ended = || Stop::Unreadable("the daemon is stopping".to_owned());
        let mut missing = Missing::default();
        let (ask, days) = mpsc::channel();
        // The one who asked waits for the answer below.
        self.job.store.upgrade().ok_or_else(ended)?.with(move |shelf| _ = ask.send(shelf.days()));
        if let Some((first, last)) = days.recv().map_err(|_| ended())? {
            let labels = labels(self.job.period);
            for days in chunks(first.max(*labels.start())..=last.min(*labels.end())) {
                let (ask, answer) = mpsc::channel();
                let store = self.job.store.upgrade().ok_or_else(ended)?;
                store.with(move |shelf| _ = ask.send(shelf.read(days)));
                drop(store);
                let history = answer.recv().map_err(|_| ended())?;
                let history = history.map_err(|error| Stop::Unreadable(error.to_string()))?;
                let asked_for = self.job.period.days();
                missing.damaged.extend(history.damaged.into_iter().filter(|day| asked_for.contains(day)));
                let sealed = history.sealed.into_iter().filter(|(day, _)| asked_for.contains(day));
                sealed.for_each(|(day, time)| *missing.sealed.entry(day).or_default() += time);
                for (_, span) in &history.spans {
                    if !self.is_later(span) && self.is_asked_for(span) {
                        self.write(out, span)?;
                    }
                }
            }
        }
        for (_, piece) in self.job.open.iter().flat_map(|open| pieces(&self.job.calendar, open)) {
            if self.is_asked_for(&piece) {
                self.write(out, &piece)?;
            }
        }
        Ok(missing)
    }

    /// Whether a span was recorded since this timeline was asked for: the open span as it was then stands in for it.
    fn is_later(&self, span: &Span) -> bool {
        self.job.open.as_ref().is_some_and(|open| {
            span.start.boot >= open.start.boot && span.start.wall == open.start.at(span.start.boot).wall
        })
    }

    fn is_asked_for(&self, span: &Span) -> bool {
        self.job.period.days().contains(&self.job.calendar.day_of(span.start.wall))
    }

    fn write(&mut self, out: &mut impl Write, span: &Span) -> io::Result<()> {
        let subject = match &span.activity {
            Activity::Focus(subject) | Activity::Audible(subject) => Some(subject.clone()),
            Activity::Private(app) => Some(Subject::app(app.clone())),
            Activity::Unobserved => None,
        };
        let (names, categories) = (&self.job.names, &self.job.categories);
        let (name, category) = subject.as_ref().map_or((None, None), |subject| {
            let name = || names.name(&subject.app).unwrap_or_else(|| subject.app.as_str().to_owned());
            let category = || categories.of(subject, names.category(&subject.app)).map(String::from);
            let looked_up = || (name(), category());
            let (name, category) = self.known.entry(subject.clone()).or_insert_with(looked_up).clone();
            (Some(name), category)
        });
        let app = subject.as_ref().map(|subject| &subject.app);
        let domain = subject.as_ref().and_then(|subject| subject.domain.as_ref());
        let calendar = &self.job.calendar;
        let line = lines::Span {
            schema: lines::SPAN.to_owned(),
            start: calendar.rfc3339(span.start.wall),
            end: calendar.rfc3339(span.end_wall()),
            seconds: (span.length.as_ms() + 500) / 1000,
            app: app.map(|app| app.as_str().to_owned()),
            name,
            domain: domain.map(|domain| domain.as_str().to_owned()),
            category,
            kind: span.activity.kind().to_owned(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }
}

/// The days under which spans of a period can be recorded. One day before tells whether its first visit is a new one.
pub(super) fn labels(period: Period) -> RangeInclusive<CivilDay> {
    period.first.plus(-LABEL_SLACK)..=period.last.plus(LABEL_SLACK)
}

/// Days in stretches of a month.
pub(super) fn chunks(days: RangeInclusive<CivilDay>) -> impl Iterator<Item = RangeInclusive<CivilDay>> {
    let last = *days.end();
    let mut next = Some(*days.start());
    std::iter::from_fn(move || {
        let start = next.filter(|day| *day <= last)?;
        let end = start.plus(30).min(last);
        next = (end < last).then(|| end.plus(1));
        Some(start..=end)
    })
}

pub(super) fn unreadable(error: &dwell_vault::ReadError) -> Failure {
    Failure::new(Kind::StorageDegraded, error.to_string()).hint("see `dwell doctor`")
}
