//! Rows of a report: charges grouped, filtered, summed and ordered.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Period;
use crate::browser;
use crate::calendar::{Calendar, CivilDay};
use crate::ledger::{Charge, Visits, charges};
use crate::span::{Activity, Span};
use crate::subject::{Category, Subject, Target};
use crate::time::{Millis, Wall};

/// What a report is grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Program.
    #[default]
    App,
    /// Registrable domain; time without one is a row without a name.
    Domain,
    /// Category.
    Category,
    /// Hour of the day, `00` to `23`, local time.
    Hour,
    /// Dwell day.
    Day,
    /// Week, named by its Monday.
    Week,
    /// Month, `2026-11`.
    Month,
}

/// A text that is no grouping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no grouping; there is app, domain, category, hour, day, week, month")]
pub struct ByError(String);

impl By {
    /// The word that is typed and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Domain => "domain",
            Self::Category => "category",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Whether rows stand for stretches of time: then they keep the order of time, not of size.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Day | Self::Week | Self::Month)
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for By {
    type Err = ByError;
    fn from_str(text: &str) -> Result<Self, ByError> {
        [Self::App, Self::Domain, Self::Category, Self::Hour, Self::Day, Self::Week, Self::Month]
            .into_iter()
            .find(|by| by.as_str() == text)
            .ok_or_else(|| ByError(text.to_owned()))
    }
}

/// Which charges a report takes in.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these targets; empty: all.
    pub only: Vec<Target>,
    /// Not these.
    pub not: Vec<Target>,
}

impl Filter {
    fn takes(&self, charge: &Charge, category: impl Fn(&Subject) -> Option<Category>) -> bool {
        let covers = |target: &Target| match target {
            Target::Category(wanted) => category(&charge.subject).as_ref() == Some(wanted),
            Target::App(_) | Target::Domain(_) | Target::All => target.covers(&charge.subject),
        };
        (self.only.is_empty() || self.only.iter().any(covers)) && !self.not.iter().any(covers)
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The group's key; empty where the group has none (time without a domain or category).
    pub key: String,
    /// `focus` or `private` for subjects, `period` for stretches of time, `others` for the summed-up rest; by domain also
    /// `untold`, for a browser's time of which no extension told a domain.
    pub kind: &'static str,
    /// Charged.
    pub time: Millis,
    /// Visits begun.
    pub opens: u64,
}

/// A finished report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The rows; their times sum to `total`.
    pub rows: Vec<Row>,
    /// Sum of the rows.
    pub total: Millis,
    /// Charged in the period, before any filter.
    pub observed: Millis,
    /// Session time in the period that no sensor saw.
    pub unobserved: Millis,
}

#[derive(Default)]
struct Group {
    time: Millis,
    opens: u64,
    visits: Visits,
}

/// Tells a subject's category.
type Categories<'a> = Box<dyn Fn(&Subject) -> Option<Category> + 'a>;

/// Takes spans in the order of time, and makes a report of them.
pub struct Builder<'a> {
    calendar: &'a Calendar,
    period: Period,
    by: By,
    filter: Filter,
    categories: Categories<'a>,
    groups: BTreeMap<(String, &'static str), Group>,
    observed: Millis,
    unobserved: Millis,
}

impl<'a> Builder<'a> {
    /// A report over `period`, in which nothing has a category.
    pub fn new(calendar: &'a Calendar, period: Period, by: By, filter: Filter) -> Self {
        Self {
            calendar,
            period,
            by,
            filter,
            categories: Box::new(|_| None),
            groups: BTreeMap::new(),
            observed: Millis::ZERO,
            unobserved: Millis::ZERO,
        }
    }

    /// Categories are no part of what is recorded: this tells them, as they are when the report is made.
    #[must_use]
    pub fn with_categories(self, categories: impl Fn(&Subject) -> Option<Category> + 'a) -> Self {
        Self { categories: Box::new(categories), ..self }
    }

    /// Takes the next span. Spans before the period are welcome: they tell whether its first visit is a new one.
    pub fn add(&mut self, span: &Span) {
        if span.activity == Activity::Unobserved {
            for (day, _, length) in self.calendar.split(span.start.wall, span.length) {
                if self.period.days().contains(&day) {
                    self.unobserved += length;
                }
            }
            return;
        }
        for charge in charges(self.calendar, span) {
            let inside = self.period.days().contains(&charge.day);
            if inside {
                self.observed += charge.length;
            }
            if self.filter.takes(&charge, &self.categories) {
                self.group(&charge, span.activity.kind(), inside);
            }
        }
    }

    fn group(&mut self, charge: &Charge, kind: &'static str, inside: bool) {
        if self.by == By::Hour {
            let end = charge.start + charge.length;
            let mut at = charge.start;
            while at < end {
                let stop = self.calendar.next_hour(at).min(end);
                let length = stop.since(at).unwrap_or(Millis::ZERO);
                self.put((format!("{:02}", self.calendar.hour_of(at)), "period"), at, length, inside);
                at = stop;
            }
            return;
        }
        let key = match self.by {
            By::App => (charge.subject.app.as_str().to_owned(), kind),
            By::Domain => match &charge.subject.domain {
                Some(domain) => (domain.as_str().to_owned(), kind),
                None if kind == "focus" && browser::name_of(&charge.subject.app).is_some() => {
                    (String::new(), "untold")
                }
                None => (String::new(), kind),
            },
            By::Category => {
                let category = (self.categories)(&charge.subject);
                (category.map_or_else(String::new, String::from), kind)
            }
            By::Day => (charge.day.to_string(), "period"),
            By::Week => (week(charge.day).to_string(), "period"),
            By::Month | By::Hour => (charge.day.to_string()[..7].to_owned(), "period"),
        };
        self.put(key, charge.start, charge.length, inside);
    }

    fn put(&mut self, key: (String, &'static str), start: Wall, length: Millis, inside: bool) {
        let group = self.groups.entry(key).or_default();
        let begins = group.visits.next(start, length);
        if inside {
            group.time += length;
            group.opens += u64::from(begins);
        }
    }

    /// The report, with at most `top` rows; the rest is summed up in a row `others`.
    pub fn finish(self, top: Option<usize>) -> Report {
        let mut rows: Vec<Row> = self
            .groups
            .into_iter()
            .filter(|(_, group)| !group.time.is_zero())
            .map(|((key, kind), group)| Row { key, kind, time: group.time, opens: group.opens })
            .collect();
        if !self.by.is_time() {
            rows.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.key.cmp(&b.key)));
        }
        if let Some(top) = top
            && rows.len() > top
        {
            if self.by.is_time() {
                // Of stretches of time the longest stay, in the order of time.
                let mut lengths: Vec<Millis> = rows.iter().map(|row| row.time).collect();
                lengths.sort_by(|a, b| b.cmp(a));
                let least = lengths.get(top.saturating_sub(1)).copied();
                let mut kept = 0;
                let (stay, rest): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| {
                    let stays = kept < top && least.is_some_and(|least| row.time >= least);
                    kept += usize::from(stays);
                    stays
                });
                rows = stay;
                rows.push(others(&rest));
            } else {
                let rest = rows.split_off(top);
                rows.push(others(&rest));
            }
        }
        let total = rows.iter().map(|row| row.time).sum();
        Report { rows, total, observed: self.observed, unobserved: self.unobserved }
    }
}

fn others(rest: &[Row]) -> Row {
    Row {
        key: "others".to_owned(),
        kind: "others",
        time: rest.iter().map(|row| row.time).sum(),
        opens: rest.iter().map(|row| row.opens).sum(),
    }
}

fn week(day: CivilDay) -> CivilDay {
    day.plus(-day.days_from_monday())
}

/// Rounds times to whole seconds so that the rows still add up: the total is rounded to the nearest second, and the
/// seconds that are lacking go to the rows with the largest remainders (Hare–Niemeyer).
///
/// Returns the rows' seconds and their total.
pub fn round_seconds(times: &[Millis]) -> (Vec<u64>, u64) {
    let total = (times.iter().copied().sum::<Millis>().as_ms() + 500) / 1000;
    let mut seconds: Vec<u64> = times.iter().map(|time| time.as_ms() / 1000).collect();
    let lacking = total.saturating_sub(seconds.iter().sum());
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(times[*i].as_ms() % 1000));
    for i in order.into_iter().take(usize::try_from(lacking).unwrap_or(usize::MAX)) {
        seconds[i] += 1;
    }
    (seconds, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;
    use crate::subject::{AppId, Subject};
    use crate::time::{Boot, Reading};
    use proptest::prelude::*;

    fn calendar() -> Calendar {
        Calendar::new("Europe/Athens".parse().unwrap(), "04:00".parse().unwrap())
    }

    fn span(app: &str, start_ms: i64, length_ms: u64) -> Span {
        Span {
            start: Reading::new(Boot::from_ms(0), Wall::from_unix_ms(start_ms)),
            length: Millis::from_ms(length_ms),
            activity: Activity::Focus(Subject::app(AppId::new(app).unwrap())),
        }
    }

    /// 2026-11-20T12:00+02:00
    const NOON: i64 = 1_795_168_800_000;

    fn day(text: &str) -> CivilDay {
        text.parse().unwrap()
    }

    fn shown(spans: &[Span], by: By, top: Option<usize>) -> Vec<(String, u64, u64)> {
        let calendar = calendar();
        let period = Period { first: day("2026-11-20"), last: day("2026-11-20") };
        let mut builder = Builder::new(&calendar, period, by, Filter::default());
        spans.iter().for_each(|span| builder.add(span));
        builder.finish(top).rows.into_iter().map(|r| (r.key, r.time.as_ms(), r.opens)).collect()
    }

    fn row(key: &str, ms: u64, opens: u64) -> (String, u64, u64) {
        (key.to_owned(), ms, opens)
    }

    #[test]
    fn time_in_a_browser_of_which_no_site_is_known_is_told_apart() {
        let calendar = calendar();
        let period = Period { first: day("2026-11-20"), last: day("2026-11-20") };
        let mut builder = Builder::new(&calendar, period, By::Domain, Filter::default());
        let mut site = span("firefox", NOON + 60_000, 50_000);
        site.activity = Activity::Focus(Subject {
            app: AppId::new("firefox").unwrap(),
            domain: Some(crate::subject::Domain::new("example.org").unwrap()),
        });
        let private = Activity::Private(AppId::new("firefox").unwrap());
        let private = Span { activity: private, ..span("firefox", NOON + 200_000, 40_000) };
        for span in [span("firefox", NOON, 60_000), site, span("foot", NOON + 120_000, 30_000), private] {
            builder.add(&span);
        }
        let rows = builder.finish(None).rows;
        let rows: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.kind, row.time.as_ms())).collect();
        let expected = [
            ("", "untold", 60_000),
            ("example.org", "focus", 50_000),
            ("", "private", 40_000),
            ("", "focus", 30_000),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn rows_by_app_largest_first_with_opens() {
        let spans = [
            span("a", NOON, 60_000),
            span("b", NOON + 60_000, 100_000),
            span("a", NOON + 160_000, 10_000),
            span("a", NOON + 900_000, 5000),
        ];
        assert_eq!(shown(&spans, By::App, None), [row("b", 100_000, 1), row("a", 75_000, 2)]);
        assert_eq!(shown(&spans, By::App, Some(1)), [row("b", 100_000, 1), row("others", 75_000, 2)]);
    }

    #[test]
    fn categories_group_and_filter() {
        let calendar = calendar();
        let period = Period { first: day("2026-11-20"), last: day("2026-11-20") };
        let spans = [span("a", NOON, 1000), span("b", NOON + 1000, 20), span("c", NOON + 1020, 3)];
        let report = |filter: Filter| {
            let category = |subject: &Subject| {
                let name = if subject.app.as_str() == "c" { return None } else { "games" };
                Category::new(name).ok()
            };
            let mut builder = Builder::new(&calendar, period, By::Category, filter).with_categories(category);
            spans.iter().for_each(|span| builder.add(span));
            builder
                .finish(None)
                .rows
                .into_iter()
                .map(|r| (r.key, r.time.as_ms(), r.opens))
                .collect::<Vec<_>>()
        };
        let games = || vec!["category:games".parse().unwrap()];
        assert_eq!(report(Filter::default()), [row("games", 1020, 1), row("", 3, 1)]);
        assert_eq!(report(Filter { only: games(), not: Vec::new() }), [row("games", 1020, 1)]);
        assert_eq!(report(Filter { only: Vec::new(), not: games() }), [row("", 3, 1)]);
    }

    #[test]
    fn hours_split_and_keep_the_order_of_time() {
        let spans = [span("a", NOON - 60_000, 180_000), span("a", NOON + 3_600_000, 1000)];
        assert_eq!(
            shown(&spans, By::Hour, None),
            [row("11", 60_000, 1), row("12", 120_000, 1), row("13", 1000, 1)]
        );
        assert_eq!(shown(&spans, By::Hour, Some(1)), [row("12", 120_000, 1), row("others", 61_000, 2)]);
    }

    #[test]
    fn only_the_period_counts_and_a_visit_across_its_start_is_not_new() {
        let four = NOON - 8 * 3_600_000;
        let spans = [span("a", four - 60_000, 120_000)];
        assert_eq!(shown(&spans, By::App, None), [row("a", 60_000, 0)]);
        assert_eq!(shown(&spans, By::Day, None), [row("2026-11-20", 60_000, 1)]);
    }

    #[test]
    fn seconds_add_up_to_the_total() {
        let ms = |list: &[u64]| list.iter().map(|ms| Millis::from_ms(*ms)).collect::<Vec<_>>();
        assert_eq!(round_seconds(&ms(&[1400, 1400, 1400])), (vec![2, 1, 1], 4));
        assert_eq!(round_seconds(&ms(&[600, 600])), (vec![1, 0], 1));
        assert_eq!(round_seconds(&[]), (vec![], 0));
    }

    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        let one = (prop::sample::select(vec!["a", "b", "c"]), 0_u64..200_000, 1_u64..40_000_000, 0_u8..8);
        prop::collection::vec(one, 0..40).prop_map(|list| {
            let mut at = NOON;
            list.into_iter()
                .map(|(app, gap, length, what)| {
                    at += i64::try_from(gap).unwrap();
                    let mut made = span(app, at, length);
                    at += i64::try_from(length).unwrap();
                    made.activity = match (what, made.activity) {
                        (0, _) => Activity::Unobserved,
                        (1, Activity::Focus(subject)) => Activity::Audible(subject),
                        (2, Activity::Focus(subject)) => Activity::Private(subject.app),
                        (_, activity) => activity,
                    };
                    made
                })
                .collect()
        })
    }

    proptest! {
        /// Invariant 1: what a report shows is what limits were charged, to the millisecond, in every grouping.
        #[test]
        fn report_equals_charged(spans in any_spans()) {
            let calendar = calendar();
            let mut ledger = Ledger::new(calendar);
            spans.iter().for_each(|span| ledger.charge(span));
            let first = day("2026-11-19");
            for offset in 0..30 {
                let today = first.plus(offset);
                for by in [By::App, By::Domain, By::Category, By::Hour, By::Day, By::Week, By::Month] {
                    let period = Period { first: today, last: today };
                    let mut builder = Builder::new(&calendar, period, by, Filter::default());
                    spans.iter().for_each(|span| builder.add(span));
                    let report = builder.finish(None);
                    prop_assert_eq!(report.total, ledger.used(today, &Target::All, None));
                    prop_assert_eq!(report.total, report.observed);
                    if by == By::App {
                        for app in ["a", "b", "c"] {
                            let rows: Millis = report.rows.iter().filter(|r| r.key == app).map(|r| r.time).sum();
                            let target = Target::App(AppId::new(app).unwrap());
                            prop_assert_eq!(rows, ledger.used(today, &target, None));
                        }
                    }
                }
            }
        }

        #[test]
        fn rounding_always_adds_up(times in prop::collection::vec(0_u64..100_000_000, 0..50)) {
            let times: Vec<Millis> = times.into_iter().map(Millis::from_ms).collect();
            let (seconds, total) = round_seconds(&times);
            prop_assert_eq!(seconds.iter().sum::<u64>(), total);
            for (s, t) in seconds.iter().zip(&times) {
                prop_assert!(s.abs_diff(t.as_ms() / 1000) <= 1);
            }
        }
    }
}
