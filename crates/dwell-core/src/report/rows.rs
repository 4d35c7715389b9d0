//! What a report is asked for, and its rows.

use std::fmt;
use std::str::FromStr;

use crate::subject::{Category, Subject, Target};
use crate::time::Millis;

/// What a report is grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// Whether everything is taken in.
    pub fn is_none(&self) -> bool {
        self.only.is_empty() && self.not.is_empty()
    }

    pub(super) fn takes(&self, subject: &Subject, category: impl Fn(&Subject) -> Option<Category>) -> bool {
        let is_category = |target: &Target| matches!(target, Target::Category(_));
        let category = self.only.iter().chain(&self.not).any(is_category).then(|| category(subject));
        self.takes_subject(subject, category.flatten().as_ref())
    }

    /// Whether time of a subject of this category is taken in.
    pub fn takes_subject(&self, subject: &Subject, category: Option<&Category>) -> bool {
        let covers = |target: &Target| match target {
            Target::Category(wanted) => category == Some(wanted),
            Target::App(_) | Target::Domain(_) | Target::All => target.covers(subject),
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
    /// Charged in the period that it is compared with.
    pub before: Option<Millis>,
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
    /// What the rows had in the period that this one is compared with, in sum.
    pub before: Option<Millis>,
}

impl Report {
    /// At most `top` rows; the rest is summed up in a row `others`.
    pub(super) fn limit(&mut self, by: By, top: usize) {
        if self.rows.len() <= top {
            return;
        }
        let rest = if by.is_time() {
            // Of stretches of time the longest stay, in the order of time.
            let mut lengths: Vec<Millis> = self.rows.iter().map(|row| row.time).collect();
            lengths.sort_by(|a, b| b.cmp(a));
            let least = lengths.get(top.saturating_sub(1)).copied();
            let mut kept = 0;
            let (stay, rest): (Vec<Row>, Vec<Row>) = self.rows.drain(..).partition(|row| {
                let stays = kept < top && least.is_some_and(|least| row.time >= least);
                kept += usize::from(stays);
                stays
            });
            self.rows = stay;
            rest
        } else {
            self.rows.split_off(top)
        };
        self.rows.push(others(&rest));
    }
}

fn others(rest: &[Row]) -> Row {
    Row {
        key: "others".to_owned(),
        kind: "others",
        time: rest.iter().map(|row| row.time).sum(),
        opens: rest.iter().map(|row| row.opens).sum(),
        before: rest.iter().map(|row| row.before).sum(),
    }
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
    use crate::calendar::{Calendar, CivilDay};
    use crate::ledger::Ledger;
    use crate::report::made_up::{self, span};
    use crate::report::{Builder, Period};
    use crate::span::{Activity, Span};
    use crate::subject::{AppId, Subject};
    use proptest::prelude::*;

    fn calendar() -> Calendar {
        Calendar::new("Europe/Athens".parse().unwrap(), "04:00".parse().unwrap())
    }

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

    proptest! {
        /// Invariant 1: what a report shows is what limits were charged, to the millisecond, in every grouping.
        #[test]
        fn report_equals_charged(spans in made_up::any_spans(NOON, 40, 200_000, 40_000_000)) {
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
