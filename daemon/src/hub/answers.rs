//! Answers to what is asked over the bus.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::os::fd::OwnedFd;

use dwell_bus::{Failure, Kind, Reply, Request, lines, wire};
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::report::{Builder, By, Filter, Period};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Target};
use dwell_core::time::{Millis, Reading};
use dwell_desktop::{AppNames, Surroundings};

use super::targets::Resolved;
use super::{Hub, Sensors};
use crate::clock;
use crate::enforcement::Order;
use crate::pipe::{Writer, pipe};
use crate::store::{Shelf, Store};

/// A sample may be this much ahead of our own reading of the clock, which is taken a moment later elsewhere.
const CLOCK_SLACK: Millis = Millis::from_ms(100);

impl Hub {
    /// Answers a request, now or when the store has done its part.
    pub(super) fn request(&mut self, request: Request) {
        match request {
            Request::Status(reply) => answer(reply, Ok(self.status())),
            Request::Report(query, reply) => self.report(query, reply),
            Request::Spans(period, reply) => answer(reply, self.spans(&period)),
            Request::ListLimits(reply) => answer(reply, Ok(self.limits())),
            Request::SetLimit(target, amount, options, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(target)) => {
                    answer(reply, self.set_limit(&target, Millis::from_ms(amount), &options));
                }
                Ok(Resolved::NotYet) => {
                    self.wait_for_subjects(Request::SetLimit(target, amount, options, reply))
                }
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::RemoveLimit(id, reply) => answer(reply, self.remove_limit(&id)),
            Request::Why(target, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(target)) => answer(reply, Ok(self.why(&target))),
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::Why(target, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Check(target, reply) => match self.resolve(&target) {
                Ok(Resolved::Target(target)) => answer(reply, Ok(self.check(&target))),
                Ok(Resolved::NotYet) => self.wait_for_subjects(Request::Check(target, reply)),
                Err(failure) => answer(reply, Err(failure)),
            },
            Request::Watch(reply) => answer(reply, self.watch()),
            Request::Doctor(reply) => answer(reply, Ok(self.doctor())),
            Request::Attach(environment, reply) => {
                self.order(Order::Attach(Surroundings::new(environment)));
                answer(reply, Ok(()));
            }
            Request::Reload(reply) => answer(reply, self.reload()),
            Request::Intake(samples, reply) => answer(reply, self.intake(&samples)),
        }
    }

    fn wait_for_subjects(&mut self, request: Request) {
        if self.waiting.is_empty() {
            self.look_up_subjects();
        }
        self.waiting.push_back(request);
    }

    fn status(&mut self) -> wire::Status {
        let limits = self.limits();
        let now = clock::now();
        let today = self.calendar.day_of(now.wall);
        let open = self.timeline.open_span(now.boot);
        let mut apps: HashMap<AppId, Millis> = HashMap::new();
        for (subject, time) in self.ledger.subjects(today) {
            *apps.entry(subject.app.clone()).or_default() += time;
        }
        for charge in open.iter().flat_map(|span| dwell_core::ledger::charges(&self.calendar, span)) {
            if charge.day == today {
                *apps.entry(charge.subject.app).or_default() += charge.length;
            }
        }
        let mut top: Vec<(AppId, Millis)> = apps.into_iter().collect();
        top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let total: Millis = top.iter().map(|(_, time)| *time).sum();
        let row = |(app, time): &(AppId, Millis)| wire::Row {
            key: app.as_str().to_owned(),
            name: self.app_name(app),
            kind: "focus".to_owned(),
            category: None,
            ms: time.as_ms(),
            opens: 0,
        };
        wire::Status {
            now_at_ms: now.wall.as_unix_ms(),
            zone: self.calendar.zone.name().to_owned(),
            state: self.state().as_str().to_owned(),
            paused: false,
            active: self.timeline.attention().and_then(|(activity, since)| self.active(activity, since)),
            total_ms: total.as_ms(),
            top: top.iter().take(5).map(row).collect(),
            limits,
            health: self.parts(),
            vault: "open".to_owned(),
        }
    }

    fn active(&self, activity: &Activity, since: Reading) -> Option<wire::Active> {
        let app = activity.app()?;
        Some(wire::Active {
            app: app.as_str().to_owned(),
            name: self.app_name(app),
            domain: activity.charged().and_then(|s| s.domain).map(|d| d.as_str().to_owned()),
            since_at_ms: since.wall.as_unix_ms(),
        })
    }

    fn parts(&self) -> Vec<wire::Part> {
        let part = |health: &dwell_desktop::Health| wire::Part {
            part: health.part.to_owned(),
            ok: health.ok,
            message: health.message.clone(),
            fix: None,
        };
        self.health.values().map(part).collect()
    }

    fn doctor(&self) -> Vec<wire::Part> {
        let mut parts = self.parts();
        let plain =
            |part: &str, message: String| wire::Part { part: part.into(), ok: true, message, fix: None };
        parts.push(plain("store", format!("{}", self.data_dir.display())));
        parts.push(plain("config", format!("{}", self.config_path.display())));
        parts.push(plain(
            "days",
            format!("in {}, starting at {}", self.calendar.zone.name(), self.calendar.day_start),
        ));
        parts
    }

    fn period(&self, text: &str, now: Reading) -> Result<Period, Failure> {
        Period::parse(text, self.calendar.day_of(now.wall)).map_err(|error| {
            let hint = "write today, yesterday, week, lastweek, month, year, all, 7d, 2026-11-01 or 2026-11-01..2026-11-20";
            Failure::new(Kind::Invalid, error.to_string()).hint(hint)
        })
    }

    fn report(&mut self, query: wire::Query, reply: Reply<wire::Report>) {
        let bare = |text: &String| text.parse::<Target>().is_err();
        let mut targets = query.only.iter().chain(&query.not).flatten();
        if self.known.is_none() && targets.any(bare) {
            // Also where a text is no target at all: that is found out below, with the known subjects at hand.
            return self.wait_for_subjects(Request::Report(query, reply));
        }
        self.tick(clock::now());
        match self.report_job(&query) {
            Ok(job) => self.store.with(move |shelf| answer(reply, job.run(shelf))),
            Err(failure) => answer(reply, Err(failure)),
        }
    }

    fn report_job(&self, query: &wire::Query) -> Result<ReportJob, Failure> {
        let now = clock::now();
        let by = query.by.as_deref().map_or(Ok(By::default()), str::parse);
        let by =
            by.map_err(|error| Failure::new(Kind::Invalid, error.to_string()).hint("choose one of these"))?;
        let targets = |list: &Option<Vec<String>>| {
            let resolve = |text: &String| match self.resolve(text)? {
                Resolved::Target(target) => Ok(target),
                Resolved::NotYet => Err(Failure::new(Kind::Failed, "the known subjects were not read")),
            };
            list.iter().flatten().map(resolve).collect::<Result<Vec<Target>, Failure>>()
        };
        Ok(ReportJob {
            calendar: self.calendar,
            period: self.period(query.period.as_deref().unwrap_or("today"), now)?,
            by,
            filter: Filter { only: targets(&query.only)?, not: targets(&query.not)? },
            top: query.top.and_then(|top| usize::try_from(top).ok()),
            open: self.timeline.open_span(now.boot),
            now,
            names: self.names.clone(),
        })
    }

    fn spans(&mut self, period: &str) -> Result<OwnedFd, Failure> {
        let now = clock::now();
        self.tick(now);
        let period = self.period(period, now)?;
        let (read, writer) = pipe().map_err(|e| Failure::new(Kind::Failed, format!("no pipe: {e}")))?;
        let job = SpansJob {
            calendar: self.calendar,
            period,
            open: self.timeline.open_span(now.boot),
            names: self.names.clone(),
            store: self.store.clone(),
        };
        let spawned = std::thread::Builder::new().name("spans".into()).spawn(move || job.run(writer));
        spawned.map_err(|e| Failure::new(Kind::Failed, format!("no thread: {e}")))?;
        Ok(read)
    }

    fn watch(&mut self) -> Result<OwnedFd, Failure> {
        let (read, writer) = pipe().map_err(|e| Failure::new(Kind::Failed, format!("no pipe: {e}")))?;
        if self.watchers.add(writer) {
            Ok(read)
        } else {
            Err(Failure::new(Kind::Failed, "too many watchers").hint("end one of them"))
        }
    }

    fn intake(&mut self, samples: &[dwell_core::sample::Sample]) -> Result<(), Failure> {
        if self.sensors != Sensors::Intake {
            let failure = Failure::new(Kind::Denied, "this daemon senses by itself and takes no samples");
            return Err(failure.hint("start dwelld with --sensors intake"));
        }
        let now = clock::now();
        if samples.iter().any(|sample| sample.at > now.boot + CLOCK_SLACK) {
            return Err(Failure::new(Kind::Invalid, "a sample is from the future of the boot clock"));
        }
        for sample in samples {
            self.sample(sample, now);
        }
        Ok(())
    }
}

/// Sends an answer. Who asked may have left.
fn answer<T>(reply: Reply<T>, result: Result<T, Failure>) {
    let _ = reply.send(result);
}

struct ReportJob {
    calendar: Calendar,
    period: Period,
    by: By,
    filter: Filter,
    top: Option<usize>,
    open: Option<Span>,
    now: Reading,
    names: AppNames,
}

impl ReportJob {
    fn run(self, shelf: &mut Shelf) -> Result<wire::Report, Failure> {
        let mut period = self.period;
        let first_with_data = shelf.days().map_or(period.last, |(first, _)| first);
        // "all" begins with the first day that there is.
        if period.first < first_with_data {
            period.first = first_with_data.min(period.last);
        }
        let mut builder = Builder::new(&self.calendar, period, self.by, self.filter.clone());
        let mut damaged = Vec::new();
        // The day before tells whether the first visit is a new one.
        for days in chunks(period.first.plus(-1), period.last) {
            let history = shelf.read(days).map_err(unreadable)?;
            damaged.extend(history.damaged.into_iter().filter(|day| period.days().contains(day)));
            for (_, span) in &history.spans {
                // The open span's checkpoint is older than the open span itself.
                if !self.open.as_ref().is_some_and(|open| is_part_of(span, open)) {
                    builder.add(span);
                }
            }
        }
        if let Some(open) = &self.open {
            builder.add(open);
        }
        let report = builder.finish(self.top);
        let name = |key: &str, kind: &str| match (self.by, kind) {
            (_, "others") => "others".to_owned(),
            (By::App, _) => {
                AppId::new(key).ok().and_then(|app| self.names.name(&app)).unwrap_or_else(|| key.to_owned())
            }
            (By::Domain, _) if key.is_empty() => "(no domain)".to_owned(),
            (By::Category, _) if key.is_empty() => "(no category)".to_owned(),
            _ => key.to_owned(),
        };
        let rows = report.rows.into_iter().map(|row| wire::Row {
            name: name(&row.key, row.kind),
            key: row.key,
            kind: row.kind.to_owned(),
            category: None,
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
            sealed_ms: 0,
            damaged: damaged.iter().map(ToString::to_string).collect(),
            rows: rows.collect(),
        })
    }
}

struct SpansJob {
    calendar: Calendar,
    period: Period,
    open: Option<Span>,
    names: AppNames,
    store: Store,
}

impl SpansJob {
    /// Writes the spans of the period, a month at a time, so that ten years need no more memory than one month.
    fn run(self, writer: Writer) {
        let mut out = BufWriter::new(writer);
        let mut names: HashMap<AppId, Option<String>> = HashMap::new();
        let (ask, answers) = std::sync::mpsc::channel();
        let (first, last) = {
            let ask = ask.clone();
            self.store.with(move |shelf| drop(ask.send((shelf.days(), Vec::new()))));
            let Ok((days, _)) = answers.recv() else { return };
            let Some((first, last)) = days else { return self.write_open(&mut out, &mut names) };
            (self.period.first.max(first), self.period.last.min(last))
        };
        for days in chunks(first, last) {
            let ask = ask.clone();
            self.store.with(move |shelf| {
                let spans = shelf.read(days).map(|history| history.spans).unwrap_or_default();
                drop(ask.send((None, spans)));
            });
            let Ok((_, spans)) = answers.recv() else { return };
            for (_, span) in &spans {
                let in_open = self.open.as_ref().is_some_and(|open| is_part_of(span, open));
                if !in_open && self.write(&mut out, span, &mut names).is_err() {
                    return;
                }
            }
        }
        self.write_open(&mut out, &mut names);
    }

    fn write_open(&self, out: &mut impl Write, names: &mut HashMap<AppId, Option<String>>) {
        for (day, piece) in self.open.iter().flat_map(|open| super::counting::pieces(&self.calendar, open)) {
            if self.period.days().contains(&day) && self.write(out, &piece, names).is_err() {
                return;
            }
        }
        // The reader may have left.
        let _ = out.flush();
    }

    fn write(
        &self,
        out: &mut impl Write,
        span: &Span,
        names: &mut HashMap<AppId, Option<String>>,
    ) -> std::io::Result<()> {
        let app = span.activity.app();
        let name = app.and_then(|app| {
            names
                .entry(app.clone())
                .or_insert_with(|| self.names.name(app))
                .clone()
                .or_else(|| Some(app.as_str().into()))
        });
        let domain = match &span.activity {
            Activity::Focus(subject) | Activity::Audible(subject) => subject.domain.as_ref(),
            Activity::Private(_) | Activity::Unobserved => None,
        };
        let line = lines::Span {
            schema: lines::SPAN.to_owned(),
            start: self.calendar.rfc3339(span.start.wall),
            end: self.calendar.rfc3339(span.end_wall()),
            seconds: (span.length.as_ms() + 500) / 1000,
            app: app.map(|app| app.as_str().to_owned()),
            name,
            domain: domain.map(|domain| domain.as_str().to_owned()),
            category: None,
            kind: span.activity.kind().to_owned(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }
}

/// Whether a recorded span is a checkpoint of the open one.
fn is_part_of(span: &Span, open: &Span) -> bool {
    let end = open.start.boot + open.length;
    span.activity == open.activity
        && span.start.boot >= open.start.boot
        && span.end_boot() <= end
        && span.start.wall == open.start.at(span.start.boot).wall
}

/// Days in stretches of a month.
fn chunks(first: CivilDay, last: CivilDay) -> impl Iterator<Item = std::ops::RangeInclusive<CivilDay>> {
    let mut next = Some(first);
    std::iter::from_fn(move || {
        let start = next.filter(|day| *day <= last)?;
        let end = start.plus(30).min(last);
        next = (end < last).then(|| end.plus(1));
        Some(start..=end)
    })
}

fn unreadable(error: dwell_vault::ReadError) -> Failure {
    Failure::new(Kind::StorageDegraded, error.to_string()).hint("see `dwell doctor`")
}
