//! Long answers: made on the store's thread or one of their own, never on the hub's.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc;

use dwell_bus::{Failure, Kind, lines, wire};
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::category::Categories;
use dwell_core::count::{LABEL_SLACK, is_part_of, pieces};
use dwell_core::report::{Builder, By, Filter, Period};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Category, Domain, Subject, Target};
use dwell_core::time::{Millis, Reading};
use dwell_desktop::AppNames;

use crate::pipe::Writer;
use crate::store::{Source, Store};

/// A report to be made on the store's thread.
pub(super) struct ReportJob {
    pub(super) calendar: Calendar,
    pub(super) period: Period,
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
        let mut builder = builder.with_categories(category);
        let (mut damaged, mut sealed) = (Vec::new(), Millis::ZERO);
        for days in chunks(labels(period)) {
            let history = source.read(days).map_err(|error| unreadable(&error))?;
            damaged.extend(history.damaged.into_iter().filter(|day| period.days().contains(day)));
            let locked = history.sealed.iter().filter(|(day, _)| period.days().contains(day));
            sealed += locked.map(|(_, time)| *time).sum();
            let mut spans: Vec<&Span> = history.spans.iter().map(|(_, span)| span).collect();
            spans.sort_by_key(|span| (span.start.wall, span.start.boot));
            // The open span's checkpoint is older than the open span itself.
            let closed =
                spans.into_iter().filter(|span| !self.open.as_ref().is_some_and(|o| is_part_of(span, o)));
            closed.for_each(|span| builder.add(span));
        }
        if let Some(open) = &self.open {
            builder.add(open);
        }
        let report = builder.finish(self.top);
        let rows = report.rows.into_iter().map(|row| wire::Row {
            name: self.row_name(&row.key, row.kind),
            category: self.row_category(&row.key, row.kind),
            key: row.key,
            kind: row.kind.to_owned(),
            ms: row.time.as_ms(),
            opens: row.opens,
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
        })
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
    pub(super) store: Store,
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
            Ok(damaged) => lines::End {
                schema: lines::END.to_owned(),
                spans: lines.written,
                damaged: damaged.iter().map(ToString::to_string).collect(),
                error: None,
            },
            Err(Stop::Unreadable(error)) => lines::End {
                schema: lines::END.to_owned(),
                spans: lines.written,
                damaged: Vec::new(),
                error: Some(error),
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
    fn all(&mut self, out: &mut impl Write) -> Result<BTreeSet<CivilDay>, Stop> {
        let ended = || Stop::Unreadable("the daemon is stopping".to_owned());
        let mut damaged = BTreeSet::new();
        let (ask, days) = mpsc::channel();
        // The one who asked waits for the answer below.
        self.job.store.with(move |shelf| _ = ask.send(shelf.days()));
        if let Some((first, last)) = days.recv().map_err(|_| ended())? {
            let labels = labels(self.job.period);
            for days in chunks(first.max(*labels.start())..=last.min(*labels.end())) {
                let (ask, answer) = mpsc::channel();
                self.job.store.with(move |shelf| _ = ask.send(shelf.read(days)));
                let history = answer.recv().map_err(|_| ended())?;
                let history = history.map_err(|error| Stop::Unreadable(error.to_string()))?;
                damaged
                    .extend(history.damaged.into_iter().filter(|day| self.job.period.days().contains(day)));
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
        Ok(damaged)
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
