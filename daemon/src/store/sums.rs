//! What days come to in a report: read with their names by number, a run of thirty days at a time, and kept in the vault for
//! the next report where nothing can change them any more.
//!
//! The vault's own totals cannot answer a report: they do not tell private windows from others, count visits of each
//! subject for itself, and know nothing of the zone in which they were counted. So the first report of its kind over many days
//! goes over their spans; what it finds in each run of thirty is a few kilobytes, sealed ([`dwell_vault::Sum`]) once
//! it has answered, and answers every later one, after a restart as well. Nothing is kept in memory.
//!
//! A filter is answered from what each subject came to, where no row of the report sums up several of them; else from
//! their spans, run by run. So are reports by hour, day, week and month that have one.
//!
//! Of days whose spans were let go those totals are all there is, and reports tell them with what they lack.
//!
//! # Invariants
//!
//! - What is kept is what a report would find again: it is of the records that it came from ([`dwell_vault::Reader::mark`]), of
//!   the calendar and, by category, of the categories that hold. Runs that can still grow, or of which something is
//!   damaged, are not kept.
//! - It goes with the days that it came from: see [`dwell_vault::Sum`].

use std::ops::RangeInclusive;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::count::{LABEL_SLACK, is_part_of};
use dwell_core::report::{Builder, By, Lane, Part, PartBy};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::Subject;
use dwell_core::time::{Millis, Wall};
use dwell_vault::{ActivityKind, Numbered, ReadError, Run, Scanned, Sum};
use zeroize::Zeroizing;

use super::Source;

/// At most so much of what was found is kept of one report, in bytes: ten years by domain, with 500 of them a month. What is
/// more is for the next report to find.
const FOUND_MAX: usize = 6 << 20;

/// What a report found and the vault did not have.
#[derive(Clone, Debug, Default)]
pub struct Found {
    sums: Vec<Sum>,
    bytes: usize,
}

impl Found {
    fn put(&mut self, sum: Sum) {
        if self.bytes + sum.bytes.len() <= FOUND_MAX {
            self.bytes += sum.bytes.len();
            self.sums.push(sum);
        }
    }

    /// All of it, in pieces that hold up no row for long.
    pub(super) fn pieces(self) -> impl Iterator<Item = Vec<Sum>> {
        let mut sums = self.sums.into_iter();
        std::iter::from_fn(move || {
            let piece: Vec<Sum> = sums.by_ref().take(SUMS_A_COMMIT).collect();
            (!piece.is_empty()).then_some(piece)
        })
    }
}

/// What one commit takes: more of them would cost more syncs, longer ones would have rows wait.
const SUMS_A_COMMIT: usize = 32;

/// What is wanted of some days.
pub struct Asked<'a> {
    /// By which days and hours are counted.
    pub calendar: &'a Calendar,
    /// Between these instants all counts.
    pub within: (Wall, Wall),
    /// The span that is open now: what is recorded of it is left out.
    pub open: Option<&'a Span>,
    /// The running day.
    pub today: CivilDay,
}

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Days of which records are damaged.
    pub damaged: Vec<CivilDay>,
    /// What was charged on days that are locked away.
    pub sealed: Vec<(CivilDay, Millis)>,
}

impl Source<'_> {
    /// Gives what is recorded under some days to a report, in the order of time, rows that are still held included.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn give(
        &mut self,
        days: RangeInclusive<CivilDay>,
        asked: &Asked<'_>,
        report: &mut Builder<'_>,
    ) -> Result<Gaps, ReadError> {
        let mut gaps = Gaps::default();
        // What is recorded later can change these.
        let open = asked.open.map(|open| asked.calendar.day_of(open.start.wall));
        let settled = open.into_iter().chain([asked.today]).min().unwrap_or(asked.today).plus(-LABEL_SLACK);
        // Where the run that was given last begins, or those that were sorted into each other, and how things were before.
        let mut last: Option<(CivilDay, Builder<'_>, Gaps)> = None;
        for run in runs(days) {
            let before = (*run.start(), report.clone(), gaps.clone());
            let part = if is_whole(&run) && *run.end() < settled {
                self.part_for(&run, report, asked.calendar, &mut gaps)?
            } else {
                None
            };
            match part {
                Some(part) if part.is_within(asked.within.0, asked.within.1) => report.put_part(&part),
                _ => self.give_run(run.clone(), asked.open, report, &mut gaps)?,
            }
            if report.came_in_order() {
                last = Some(before);
                continue;
            }
            // A clock was set back, or days were called otherwise, and they overlap: they have to be sorted into each
            // other.
            (*report, gaps) = (before.1.clone(), before.2.clone());
            self.give_sorted(run.clone(), asked.open, report, &mut gaps)?;
            if report.came_in_order() {
                last = Some(before);
                continue;
            }
            // They overlap with those of the run before, too. The next run may overlap with what was sorted here, so
            // that it has to be possible to go back to the same place again.
            let (start, builder, of_gaps) = last.unwrap_or(before);
            (*report, gaps) = (builder.clone(), of_gaps.clone());
            self.give_sorted(start..=*run.end(), asked.open, report, &mut gaps)?;
            last = Some((start, builder, of_gaps));
            // Of a clock that was set back by more than that there is no telling.
            report.came_in_order();
        }
        self.give_totals(report, &mut gaps)?;
        gaps.damaged.sort_unstable();
        gaps.damaged.dedup();
        Ok(gaps)
    }

    /// Gives what is left of days whose spans were let go.
    fn give_totals(&mut self, report: &mut Builder<'_>, gaps: &mut Gaps) -> Result<(), ReadError> {
        let Self::Reader { reader, .. } = self else { return Ok(()) };
        for run in reader.without_spans(report.whole_days()) {
            // Where a row is of some of these days, each is asked for.
            let each = matches!(report.by(), By::Day | By::Week | By::Month);
            let steps = if each { run.end().epoch_days() - run.start().epoch_days() } else { 0 };
            for first in (0..=steps).map(|step| run.start().plus(step)) {
                let totals = reader.totals(first..=if each { first } else { *run.end() })?;
                let subjects = totals.subjects.iter();
                let subjects = subjects.map(|(subject, had)| (subject, Millis::from_ms(had.ms), had.opens));
                let hours = totals.hours.map(Millis::from_ms);
                report.put_totals(first, subjects, &hours, Millis::from_ms(totals.unobserved_ms));
                gaps.damaged.extend(totals.damaged);
            }
        }
        Ok(())
    }

    /// What a whole run comes to in a report; `None` where that can change, or does not follow from what is kept.
    fn part_for(
        &mut self,
        run: &RangeInclusive<CivilDay>,
        report: &Builder<'_>,
        calendar: &Calendar,
        gaps: &mut Gaps,
    ) -> Result<Option<Part>, ReadError> {
        let rows = PartBy::Rows(report.by());
        if !report.is_filtered() {
            return self.part(run, rows, report, calendar, gaps);
        }
        if report.by().is_time() {
            return Ok(None);
        }
        let Some(subjects) = self.part(run, PartBy::Subjects, report, calendar, gaps)? else {
            return Ok(None);
        };
        let mut failed = None;
        let all = || match self.part(run, rows, report, calendar, gaps) {
            Ok(part) => part,
            Err(error) => {
                failed = Some(error);
                None
            }
        };
        let part = Part::filtered(&subjects, report, all);
        failed.map_or(Ok(part), Err)
    }

    /// What a whole run comes to; `None` where that can change.
    fn part(
        &mut self,
        run: &RangeInclusive<CivilDay>,
        by: PartBy,
        like: &Builder<'_>,
        calendar: &Calendar,
        gaps: &mut Gaps,
    ) -> Result<Option<Part>, ReadError> {
        let Self::Reader { reader, held, .. } = self else { return Ok(None) };
        if held.iter().any(|(day, _)| run.contains(day)) {
            return Ok(None);
        }
        let Some(mark) = reader.mark(run.clone()) else { return Ok(None) };
        let (of, number) = (Run::of(*run.start()), by.number());
        let known = reader.sum(of, number)?.and_then(|bytes| Part::decode(&bytes, calendar));
        if let Some(part) = known.filter(|part| like.fits(part)) {
            return Ok(Some(part));
        }
        let mut report = like.of_part(by);
        let mut of_run = Gaps::default();
        let fresh = report.clone();
        self.give_run(run.clone(), None, &mut report, &mut of_run)?;
        if !report.came_in_order() {
            (report, of_run) = (fresh, Gaps::default());
            self.give_sorted(run.clone(), None, &mut report, &mut of_run)?;
        }
        let part = report.into_part();
        if of_run == Gaps::default()
            && let Self::Reader { found, .. } = self
        {
            found.put(Sum { run: of, number, mark, bytes: Zeroizing::new(part.encode(calendar)) });
        }
        gaps.damaged.append(&mut of_run.damaged);
        Ok(Some(part))
    }

    fn give_run(
        &mut self,
        days: RangeInclusive<CivilDay>,
        open: Option<&Span>,
        report: &mut Builder<'_>,
        gaps: &mut Gaps,
    ) -> Result<(), ReadError> {
        if let Self::Reader { reader, held, .. } = self
            && !held.iter().any(|(day, _)| days.contains(day))
        {
            gaps.damaged.extend(reader.scan(days, |day| give_day(report, &day, open))?);
            return Ok(());
        }
        self.give_sorted(days, open, report, gaps)
    }

    /// The same by name, sorted by time.
    fn give_sorted(
        &mut self,
        days: RangeInclusive<CivilDay>,
        open: Option<&Span>,
        report: &mut Builder<'_>,
        gaps: &mut Gaps,
    ) -> Result<(), ReadError> {
        let past = self.read(days)?;
        gaps.damaged.extend(past.damaged);
        gaps.sealed.extend(past.sealed);
        let mut spans: Vec<&Span> = past.spans.iter().map(|(_, span)| span).collect();
        spans.sort_by_key(|span| (span.start.wall, span.start.boot));
        // The open span's checkpoint is older than the open span itself.
        let closed = spans.into_iter().filter(|span| !open.is_some_and(|open| is_part_of(span, open)));
        closed.for_each(|span| report.add(span));
        Ok(())
    }
}

/// Gives one day's spans to a report. Each name is looked at once.
fn give_day(report: &mut Builder<'_>, day: &Scanned<'_>, open: Option<&Span>) {
    let name = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
    let subject_of = |span: &Numbered| {
        let domain = name(span.domain).and_then(|domain| day.domains.get(domain)).cloned();
        Some(Subject { app: day.apps.get(name(span.app)?)?.clone(), domain })
    };
    // By program; then of its private windows, of what has no domain, and of each domain.
    let mut lanes: Vec<Vec<Option<Lane>>> = vec![Vec::new(); day.apps.len()];
    for span in day.spans {
        let (private, audible) = match span.kind {
            ActivityKind::Focus => (false, false),
            ActivityKind::Private => (true, false),
            ActivityKind::Audible => (false, true),
            ActivityKind::Unobserved => (false, false),
        };
        if audible {
            continue;
        }
        let is_open = open.is_some_and(|open| {
            // Names are looked at only where all else fits.
            let activity = || match span.kind {
                ActivityKind::Unobserved => Some(Activity::Unobserved),
                _ => {
                    let subject = subject_of(span)?;
                    Some(if private { Activity::Private(subject.app) } else { Activity::Focus(subject) })
                }
            };
            let Numbered { start, length, .. } = *span;
            start.boot >= open.start.boot
                && start.boot < open.end_boot()
                && activity().is_some_and(|activity| is_part_of(&Span { start, length, activity }, open))
        });
        if is_open {
            continue;
        }
        if span.kind == ActivityKind::Unobserved {
            report.put_unobserved(span.start.wall, span.length);
            continue;
        }
        let Some(of_app) = name(span.app).and_then(|app| lanes.get_mut(app)) else { continue };
        let at = if private { 0 } else { name(span.domain).map_or(1, |domain| domain + 2) };
        if of_app.len() <= at {
            of_app.resize(at + 1, None);
        }
        let Some(lane) = of_app.get_mut(at) else { continue };
        let lane = match *lane {
            Some(lane) => lane,
            None => {
                let Some(subject) = subject_of(span) else { continue };
                *lane.insert(report.lane(&subject, private))
            }
        };
        report.put(lane, span.start, span.length);
    }
}

/// Days cut where runs begin.
fn runs(days: RangeInclusive<CivilDay>) -> impl Iterator<Item = RangeInclusive<CivilDay>> {
    let last = *days.end();
    let mut next = Some(*days.start()).filter(|day| *day <= last);
    std::iter::from_fn(move || {
        let start = next?;
        let end = (*Run::of(start).days().end()).min(last);
        next = (end < last).then(|| end.plus(1));
        Some(start..=end)
    })
}

fn is_whole(run: &RangeInclusive<CivilDay>) -> bool {
    Run::of(*run.start()).days() == *run
}

#[cfg(test)]
mod tests {
    use dwell_core::report::{Before, By, Filter, Period, Report};
    use dwell_core::subject::{AppId, Category, Domain};
    use dwell_core::time::{Boot, Reading};
    use dwell_vault::{Places, Retention, Row, Terms, Totals, Vault, What};
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;
    const ALL: [By; 7] = [By::App, By::Domain, By::Category, By::Hour, By::Day, By::Week, By::Month];

    /// As days since 1970: days 5 to 94 after it are three runs.
    const FIRST: i32 = 20_725;

    fn any_activity() -> impl Strategy<Value = Activity> {
        let app = prop::sample::select(vec!["a", "firefox", "a/x"]).prop_map(|app| AppId::new(app).unwrap());
        let domain = prop::sample::select(vec![None, Some("x.example"), Some("y.example")]);
        (app, domain, 0..9_u8).prop_map(|(app, domain, kind)| {
            let domain = domain.map(|domain| Domain::new(domain).unwrap());
            match kind {
                0 => Activity::Unobserved,
                1 => Activity::Audible(Subject::app(app)),
                2 => Activity::Private(app),
                _ => Activity::Focus(Subject { app, domain }),
            }
        })
    }

    fn any_calendar() -> impl Strategy<Value = Calendar> {
        let zone = prop::sample::select(vec!["UTC", "Europe/Athens", "Pacific/Auckland", "America/St_Johns"]);
        let start = prop::sample::select(vec!["00:00", "04:00", "11:30"]);
        (zone, start).prop_map(|(zone, start)| Calendar::new(zone.parse().unwrap(), start.parse().unwrap()))
    }

    /// Spans of a hundred days in the order of time, in clusters around the ends of days and hours, each
    /// recorded under the day that another calendar may have called it.
    fn any_rows() -> impl Strategy<Value = Vec<(CivilDay, Span)>> {
        let cluster = (
            prop_oneof![0..100_i64, 3..7_i64, 33..37_i64, 63..67_i64],
            0..24_i64,
            prop::collection::vec((any_calendar(), 0..400_000_u64, 1..3_000_000_u64, any_activity()), 1..6),
        );
        prop::collection::vec(cluster, 1..14).prop_map(|mut clusters| {
            clusters.sort_by_key(|(day, hour, _)| (*day, *hour));
            let (mut at, mut rows) = (i64::MIN, Vec::new());
            for (day, hour, spans) in clusters {
                at = at.max((i64::from(FIRST) + day) * DAY + hour * 3_600_000 - 600_000);
                for (calendar, gap, length, activity) in spans {
                    at += i64::try_from(gap).unwrap();
                    let start = Reading::new(Boot::from_ms(at.unsigned_abs()), Wall::from_unix_ms(at));
                    at += i64::try_from(length).unwrap();
                    let span = Span { start, length: Millis::from_ms(length), activity };
                    rows.extend(dwell_core::count::pieces(&calendar, &span));
                }
            }
            rows
        })
    }

    fn category(subject: &Subject) -> Option<Category> {
        (subject.app.as_str() != "a").then(|| Category::new("work").unwrap())
    }

    struct Ask {
        calendar: Calendar,
        by: By,
        filter: Filter,
        period: Period,
        until: Option<Wall>,
        open: Option<Span>,
    }

    impl Ask {
        fn builder(&self) -> Builder<'static> {
            let before = Before { period: self.period, until: self.until };
            Builder::of_before(&self.calendar, before, self.by, self.filter.clone()).with_categories(category)
        }

        /// All spans at once, by name.
        fn slowly(&self, rows: &[(CivilDay, Span)]) -> Report {
            self.slowly_beside(&[], rows)
        }

        /// The same with what is left of other days.
        fn slowly_beside(&self, left: &[(CivilDay, Totals)], rows: &[(CivilDay, Span)]) -> Report {
            let mut report = self.builder();
            for (day, totals) in left {
                let subjects = totals
                    .subjects
                    .iter()
                    .map(|(subject, had)| (subject, Millis::from_ms(had.ms), had.opens));
                let unobserved = Millis::from_ms(totals.unobserved_ms);
                report.put_totals(*day, subjects, &totals.hours.map(Millis::from_ms), unobserved);
            }
            let mut spans: Vec<_> = rows.iter().map(|(_, span)| span).collect();
            spans.sort_by_key(|span| (span.start.wall, span.start.boot));
            spans.retain(|span| !self.open.as_ref().is_some_and(|open| is_part_of(span, open)));
            spans.into_iter().chain(&self.open).for_each(|span| report.add(span));
            report.finish(None)
        }

        fn of(&self, source: &mut Source<'_>) -> Report {
            let mut report = self.builder();
            let end = self.until.unwrap_or_else(|| self.calendar.end_of(self.period.last));
            let asked = Asked {
                calendar: &self.calendar,
                within: (self.calendar.start_of(self.period.first), end),
                open: self.open.as_ref(),
                today: CivilDay::from_epoch_days(FIRST + 103),
            };
            let days = self.period.first.plus(-LABEL_SLACK)..=self.period.last.plus(LABEL_SLACK);
            assert_eq!(source.give(days, &asked, &mut report).unwrap(), Gaps::default());
            self.open.iter().for_each(|open| report.add(open));
            report.finish(None)
        }
    }

    fn source<'a>(vault: &Vault) -> Source<'a> {
        let reader = Box::new(vault.reader().unwrap());
        Source::Reader { reader, held: Vec::new(), days: vault.days(), found: Found::default() }
    }

    fn keep(vault: &mut Vault, source: Source<'_>) {
        source.into_found().pieces().for_each(|sums| vault.put_sums(&sums).unwrap());
    }

    /// How many sums the vault has.
    fn kept(folder: &tempfile::TempDir) -> i64 {
        let db = rusqlite::Connection::open(folder.path().join("vault/current/db")).unwrap();
        let sql = "SELECT count(*) FROM roll WHERE substr(b, 1, 2) = x'010f'";
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn reopened(vault: Vault, folder: &tempfile::TempDir) -> Vault {
        vault.close();
        Vault::open_or_create(&Places::new(folder.path())).unwrap().0
    }

    /// What can happen to days that are over.
    #[derive(Clone, Copy, Debug)]
    enum Edit {
        Late(i32),
        Forget(&'static str),
        ForgetDay(i32),
        ForgetBefore(i32),
        Rotate,
        LetGo(i32),
        Import(i32),
        Restart,
    }

    fn any_edit() -> impl Strategy<Value = Edit> {
        prop_oneof![
            (0..100).prop_map(Edit::Late),
            prop::sample::select(vec!["app:a", "app:firefox", "domain:x.example"]).prop_map(Edit::Forget),
            (0..100).prop_map(Edit::ForgetDay),
            (0..100).prop_map(Edit::ForgetBefore),
            Just(Edit::Rotate),
            (0..100).prop_map(Edit::LetGo),
            (0..100).prop_map(Edit::Import),
            Just(Edit::Restart),
        ]
    }

    fn edit(vault: Vault, folder: &tempfile::TempDir, edit: Edit) -> Vault {
        let mut vault = vault;
        let sealed = CivilDay::from_epoch_days(FIRST + 103);
        let on = |day: i32, hour: i64| {
            let at = (i64::from(FIRST) + i64::from(day)) * DAY + hour * 3_600_000;
            let start = Reading::new(Boot::from_ms(at.unsigned_abs()), Wall::from_unix_ms(at));
            let activity = Activity::Focus(Subject::app(AppId::new("late").unwrap()));
            (CivilDay::from_epoch_days(FIRST + day), Span { start, length: Millis::from_mins(7), activity })
        };
        let mut go_on = |_| std::ops::ControlFlow::Continue(());
        let secrets = dwell_vault::NewSecrets::default();
        match edit {
            Edit::Late(day) => {
                let (day, span) = on(day, 23);
                vault.append_all(&[(day, Row::Span(span))]).unwrap();
                vault.seal_before(sealed).unwrap();
            }
            Edit::Forget(target) => {
                let what = match target.parse().unwrap() {
                    dwell_core::subject::Target::App(app) => What::App(app),
                    dwell_core::subject::Target::Domain(domain) => What::Domain(domain),
                    _ => unreachable!(),
                };
                vault.forget(&what, false, &secrets, &mut go_on).unwrap();
            }
            Edit::ForgetDay(day) => {
                let what = What::Day(CivilDay::from_epoch_days(FIRST + day));
                vault.forget(&what, false, &secrets, &mut go_on).unwrap();
            }
            Edit::ForgetBefore(day) => {
                let what = What::Before(CivilDay::from_epoch_days(FIRST + day));
                vault.forget(&what, false, &secrets, &mut go_on).unwrap();
            }
            Edit::Rotate => _ = vault.rotate(&secrets, &mut go_on).unwrap(),
            Edit::LetGo(day) => {
                let before = Some(CivilDay::from_epoch_days(FIRST + day));
                vault.retain(&Retention { keep_detail: before, keep_totals: None }).unwrap();
            }
            Edit::Import(day) => {
                let (day, span) = on(day, 12);
                let terms = Terms { today: sealed, keep_detail: None, held: &[], dry_run: false };
                vault.import(std::iter::once((day, vec![span])), 1, terms, &mut go_on).unwrap();
            }
            Edit::Restart => vault = reopened(vault, folder),
        }
        vault
    }

    proptest! {
        // Each makes a vault.
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
        #[test]
        fn reports_are_what_all_spans_say(
            rows in any_rows(),
            calendar in any_calendar(),
            periods in prop::collection::vec((-5..100_i32, 0..110_i32), 1..3),
            filter in prop::sample::select(vec![None, Some("app:firefox"), Some("category:work"), Some("domain:x.example")]),
            sealed in 0..105_i32,
            into in prop_oneof![Just(None), (0..100_i64 * DAY).prop_map(Some)],
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
            let recorded: Vec<_> = rows.iter().map(|(day, span)| (*day, Row::Span(span.clone()))).collect();
            vault.append_all(&recorded).unwrap();
            vault.seal_before(CivilDay::from_epoch_days(FIRST + sealed)).unwrap();
            let until = into.map(|into| Wall::from_unix_ms(i64::from(FIRST) * DAY + into));
            // Recorded so far, and open still.
            let mut open = rows.last().unwrap().1.clone();
            open.length += Millis::from_ms(500);
            let only = filter.map(|target| target.parse().unwrap()).into_iter().collect();
            let filters = [Filter::default(), Filter { only, not: Vec::new() }];
            for (from, length) in periods {
                let first = CivilDay::from_epoch_days(FIRST + from);
                let period = Period { first, last: first.plus(length) };
                // A period ends with its last day, if not before.
                let until = until.filter(|until| *until < calendar.end_of(period.last));
                for (by, filter) in ALL.into_iter().flat_map(|by| filters.clone().map(|filter| (by, filter))) {
                    for open in [None, Some(open.clone())] {
                        let ask = Ask { calendar, by, filter: filter.clone(), period, until, open };
                        let truth = ask.slowly(&rows);
                        // The second time what was kept is there.
                        for time in ["first", "again"] {
                            let mut source = source(&vault);
                            prop_assert_eq!(&ask.of(&mut source), &truth, "by {}, {}", by, time);
                            keep(&mut vault, source);
                        }
                    }
                }
            }
        }
    }

    proptest! {
        // Each makes a vault, and asks for everything after each edit.
        #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
        #[test]
        fn what_is_kept_says_what_the_spans_say_whatever_happens_to_them(
            rows in any_rows(),
            calendar in any_calendar(),
            edits in prop::collection::vec(any_edit(), 1..4),
            only in prop::sample::select(vec!["app:firefox", "app:a", "category:work", "domain:x.example"]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
            let recorded: Vec<_> = rows.iter().map(|(day, span)| (*day, Row::Span(span.clone()))).collect();
            vault.append_all(&recorded).unwrap();
            vault.seal_before(CivilDay::from_epoch_days(FIRST + 103)).unwrap();
            let target: dwell_core::subject::Target = only.parse().unwrap();
            let filters = [
                Filter::default(),
                Filter { only: vec![target.clone()], not: Vec::new() },
                Filter { only: Vec::new(), not: vec![target] },
            ];
            let first = CivilDay::from_epoch_days(FIRST);
            let period = Period { first: first.plus(-3), last: first.plus(110) };
            for at in 0..=edits.len() {
                let spans = vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap().spans;
                let is_gone = |day: &CivilDay| spans.iter().all(|(of, _)| of != day);
                let gone = period.first.epoch_days()..=period.last.epoch_days();
                let gone = gone.map(CivilDay::from_epoch_days).filter(is_gone);
                let left: Vec<_> = gone.map(|day| (day, vault.totals(day..=day).unwrap())).collect();
                for (by, filter) in ALL.into_iter().flat_map(|by| filters.clone().map(|filter| (by, filter))) {
                    let ask = Ask { calendar, by, filter, period, until: None, open: None };
                    let mut source = source(&vault);
                    prop_assert_eq!(ask.of(&mut source), ask.slowly_beside(&left, &spans), "by {}, after {:?}", by, &edits[..at]);
                    keep(&mut vault, source);
                }
                if let Some(next) = edits.get(at) {
                    vault = edit(vault, &folder, *next);
                }
            }
        }
    }

    fn focus(day: i32, app: &str) -> (CivilDay, Row) {
        let at = i64::from(FIRST + day) * DAY + 43_200_000;
        let start = Reading::new(Boot::from_ms(at.unsigned_abs()), Wall::from_unix_ms(at));
        let activity = Activity::Focus(Subject::app(AppId::new(app).unwrap()));
        let span = Span { start, length: Millis::from_mins(9), activity };
        (CivilDay::from_epoch_days(FIRST + day), Row::Span(span))
    }

    #[test]
    fn what_is_left_of_days_without_spans_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
        // Of 90 days, each has nine minutes of one program, every tenth of another one.
        let rows: Vec<_> = (0..90).map(|day| focus(day, if day % 10 == 0 { "a" } else { "b" })).collect();
        vault.append_all(&rows).unwrap();
        vault.seal_before(CivilDay::from_epoch_days(FIRST + 103)).unwrap();
        let day = |day| CivilDay::from_epoch_days(FIRST + day);
        let ask = |by, first, last, only: &[&str]| Ask {
            calendar: Calendar::new(chrono_tz::UTC, "00:00".parse().unwrap()),
            by,
            filter: Filter { only: only.iter().map(|only| only.parse().unwrap()).collect(), not: Vec::new() },
            period: Period { first: day(first), last: day(last) },
            until: None,
            open: None,
        };
        let asks = || {
            let all = ALL.into_iter().map(|by| ask(by, -5, 100, &[]));
            let some = ALL.into_iter().filter(|by| *by != By::Hour).map(|by| ask(by, 17, 64, &["app:a"]));
            all.chain(some).collect::<Vec<_>>()
        };
        let before: Vec<_> = asks().iter().map(|ask| ask.of(&mut source(&vault))).collect();
        assert_eq!(before[0].rows.len(), 2);
        vault.retain(&Retention { keep_detail: Some(day(70)), keep_totals: None }).unwrap();
        assert_eq!(vault.read(day(0)..=day(69)).unwrap().spans, []);
        for (ask, mut before) in asks().into_iter().zip(before) {
            let mut after = ask.of(&mut source(&vault));
            if ask.by.is_time() {
                // Visits of all programs together cannot be told from those of each.
                before.rows.iter_mut().chain(&mut after.rows).for_each(|row| row.opens = 0);
            }
            assert_eq!(after, before, "by {}", ask.by);
        }
        // A day that is cut off is none whose totals can be told.
        let noon = Some(ask(By::App, 0, 69, &[]).calendar.start_of(day(69)) + Millis::from_mins(12 * 60));
        let cut = Ask { until: noon, ..ask(By::App, 0, 69, &[]) };
        assert_eq!(cut.of(&mut source(&vault)).total, Millis::from_mins(9 * 69));
    }

    /// The second of two runs that were sorted into each other can overlap with a third; the first one can have to be
    /// sorted for itself, and overlap with the second all the same.
    #[test]
    fn a_run_can_overlap_with_the_one_before_and_with_the_next() {
        // Recorded under which day, and when: on which day, at which minute. Runs begin with days 35 and 65.
        let at_both_ends = [(35, 34, 0), (34, 34, 10), (65, 64, 0), (64, 64, 10)];
        let after_a_step = [(30, 30, 10), (30, 30, 0), (35, 34, 0), (34, 34, 10)];
        for rows in [at_both_ends, after_a_step] {
            let rows = rows.map(|(label, day, minute)| {
                let at = i64::from(FIRST + day) * DAY + minute * 60_000;
                let start = Reading::new(Boot::from_ms(at.unsigned_abs()), Wall::from_unix_ms(at));
                let activity = Activity::Focus(Subject::app(AppId::new("a").unwrap()));
                (
                    CivilDay::from_epoch_days(FIRST + label),
                    Span { start, length: Millis::from_mins(1), activity },
                )
            });
            let folder = tempfile::tempdir().unwrap();
            let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
            let recorded: Vec<_> = rows.iter().map(|(day, span)| (*day, Row::Span(span.clone()))).collect();
            vault.append_all(&recorded).unwrap();
            vault.seal_before(CivilDay::from_epoch_days(FIRST + 103)).unwrap();
            for by in [By::App, By::Category] {
                let ask = Ask {
                    calendar: Calendar::new(chrono_tz::UTC, "00:00".parse().unwrap()),
                    by,
                    filter: Filter::default(),
                    period: Period {
                        first: CivilDay::from_epoch_days(FIRST + 20),
                        last: CivilDay::from_epoch_days(FIRST + 99),
                    },
                    until: None,
                    open: None,
                };
                for _ in 0..2 {
                    let mut source = source(&vault);
                    let report = ask.of(&mut source);
                    keep(&mut vault, source);
                    assert_eq!(report, ask.slowly(&rows));
                    assert_eq!(report.rows.iter().map(|row| row.opens).collect::<Vec<_>>(), [4]);
                }
            }
        }
    }

    /// A vault with a hundred days of nine minutes each.
    fn hundred_days(folder: &tempfile::TempDir) -> Vault {
        let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
        let rows: Vec<_> = (0..100).map(|day| focus(day, "a")).collect();
        vault.append_all(&rows).unwrap();
        vault.seal_before(CivilDay::from_epoch_days(FIRST + 103)).unwrap();
        vault
    }

    fn by_app(by: By) -> Ask {
        Ask {
            calendar: Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap()),
            by,
            filter: Filter::default(),
            period: Period {
                first: CivilDay::from_epoch_days(FIRST),
                last: CivilDay::from_epoch_days(FIRST + 100),
            },
            until: None,
            open: None,
        }
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart_and_does_not_outlive_what_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let mut vault = hundred_days(&folder);
        let ask = by_app(By::App);
        // What it says, and how much of it had to be found.
        let total = |vault: &mut Vault| {
            let mut source = source(vault);
            let total = ask.of(&mut source).total;
            let Source::Reader { found, .. } = &source else { unreachable!() };
            let missing = found.sums.len();
            keep(vault, source);
            (total, missing)
        };
        assert_eq!(total(&mut vault), (Millis::from_mins(900), 3));
        let mut vault = reopened(vault, &folder);
        assert_eq!((total(&mut vault), kept(&folder)), ((Millis::from_mins(900), 0), 3));
        // It goes at once with a day that grows, and is made again when that is sealed.
        let before = source(&vault);
        vault = edit(vault, &folder, Edit::Late(50));
        assert_eq!(kept(&folder), 2);
        assert_eq!(total(&mut vault), (Millis::from_mins(907), 1));
        // What was found in days that are others by now is not kept.
        let mut before = before;
        assert_eq!(ask.of(&mut before).total, Millis::from_mins(900));
        keep(&mut vault, before);
        assert_eq!(total(&mut vault), (Millis::from_mins(907), 0));
        // Days 5 to 34 are a run, and what is let go before day 20 is of it.
        vault = edit(vault, &folder, Edit::LetGo(20));
        assert_eq!(kept(&folder), 2);
        assert_eq!(total(&mut vault), (Millis::from_mins(907), 1));
        // New keys, and nothing is taken over.
        vault = edit(vault, &folder, Edit::ForgetDay(99));
        assert_eq!(kept(&folder), 0);
        assert_eq!(total(&mut vault), (Millis::from_mins(898), 3));
    }

    #[test]
    fn by_category_what_is_kept_holds_as_long_as_the_categories_do() {
        let folder = tempfile::tempdir().unwrap();
        let mut vault = hundred_days(&folder);
        let ask = by_app(By::Category);
        for category in ["work", "work", "play", "work"] {
            let mut report = Builder::new(&ask.calendar, ask.period, By::Category, Filter::default())
                .with_categories(|_| Some(Category::new(category).unwrap()));
            let within = (ask.calendar.start_of(ask.period.first), ask.calendar.end_of(ask.period.last));
            let today = CivilDay::from_epoch_days(FIRST + 103);
            let asked = Asked { calendar: &ask.calendar, within, open: None, today };
            let mut source = source(&vault);
            source.give(ask.period.first..=ask.period.last, &asked, &mut report).unwrap();
            keep(&mut vault, source);
            let rows = report.finish(None).rows;
            assert_eq!(
                rows.iter().map(|row| (&*row.key, row.time)).collect::<Vec<_>>(),
                [(category, Millis::from_mins(900))]
            );
        }
    }

    /// What somebody with the file can do to it: sums are wrong in no report for it.
    #[test]
    fn a_sum_that_was_tampered_with_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut vault = hundred_days(&folder);
        let ask = by_app(By::App);
        let found = |vault: &Vault| {
            let mut source = source(vault);
            assert_eq!(ask.of(&mut source).total, Millis::from_mins(900));
            let Source::Reader { found, .. } = &source else { unreachable!() };
            (found.sums.len(), source)
        };
        let (missing, first) = found(&vault);
        keep(&mut vault, first);
        assert_eq!((missing, found(&vault).0), (3, 0));
        let is_sum = "substr(b, 1, 2) = x'010f'";
        for (tamper, missing) in [
            (
                format!(
                    "UPDATE roll SET b = cast(substr(b, 1, 100) || x'01' || substr(b, 102) AS BLOB) WHERE {is_sum}"
                ),
                3,
            ),
            (format!("UPDATE roll SET b = substr(b, 1, 200) WHERE {is_sum}"), 3),
            // One run's in the place of all others.
            (format!("UPDATE roll SET b = (SELECT b FROM roll WHERE {is_sum} LIMIT 1) WHERE {is_sum}"), 2),
            (format!("DELETE FROM roll WHERE {is_sum}"), 3),
        ] {
            let (_, whole) = found(&vault);
            keep(&mut vault, whole);
            vault.close();
            let db = rusqlite::Connection::open(folder.path().join("vault/current/db")).unwrap();
            db.execute(&tamper, []).unwrap();
            drop(db);
            vault = Vault::open_or_create(&Places::new(folder.path())).unwrap().0;
            assert_eq!(found(&vault).0, missing, "{tamper}");
        }
    }

    #[test]
    fn a_damaged_day_is_told_each_time_and_its_run_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        vault.append_all(&[focus(30, "a"), focus(40, "a")]).unwrap();
        vault.seal_before(CivilDay::from_epoch_days(FIRST + 103)).unwrap();
        vault.close();
        let db = folder.path().join("vault/current/db");
        rusqlite::Connection::open(db)
            .unwrap()
            .execute("DELETE FROM page WHERE id = (SELECT min(id) FROM page)", [])
            .unwrap();
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        let calendar = Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap());
        let days = CivilDay::from_epoch_days(FIRST)..=CivilDay::from_epoch_days(FIRST + 100);
        let within = (calendar.start_of(*days.start()), calendar.end_of(*days.end()));
        let today = CivilDay::from_epoch_days(FIRST + 103);
        for _ in 0..2 {
            let mut report = Builder::new(
                &calendar,
                Period { first: *days.start(), last: *days.end() },
                By::App,
                Filter::default(),
            );
            let asked = Asked { calendar: &calendar, within, open: None, today };
            let mut source = source(&vault);
            let gaps = source.give(days.clone(), &asked, &mut report).unwrap();
            keep(&mut vault, source);
            assert_eq!((gaps.damaged.len(), report.finish(None).total), (1, Millis::from_mins(9)));
        }
        // The run of the other day is kept, and the one in which there is nothing.
        assert_eq!(kept(&folder), 2);
    }
}
