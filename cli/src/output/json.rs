//! The documents that scripts rely on, pinned by their `schema`.

use dwell_bus::wire;
use dwell_core::report::round_seconds;
use dwell_core::time::Millis;
use serde::Serialize;

use super::instant::Zone;
use super::phrase;
use super::rules_json::{FocusSession, Intention, Pending, Standing};

/// A document in one line. Control characters that JSON leaves as they are (DEL, C1) are escaped too.
pub(crate) fn line(document: &impl Serialize) -> String {
    // These documents have string keys only and no failing serializers.
    let text = serde_json::to_string(document).unwrap_or_default();
    if !text.chars().any(char::is_control) {
        return text;
    }
    text.chars()
        .map(|c| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect()
}

/// One line of a report, and of today's top in the status.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    pub(crate) key: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) category: Option<&'a str>,
    pub(crate) seconds: u64,
    pub(crate) share: f64,
    pub(crate) opens: u64,
    /// Only in a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before_seconds: Option<u64>,
}

/// Rows whose seconds add up to the rounded sum of `rest_ms` and themselves.
fn rows(rows: &[wire::Row], total_ms: u64) -> Vec<Row<'_>> {
    let shown: u64 = rows.iter().map(|row| row.ms).fold(0, u64::saturating_add);
    let mut parts: Vec<Millis> = rows.iter().map(|row| Millis::from_ms(row.ms)).collect();
    parts.push(Millis::from_ms(total_ms.saturating_sub(shown)));
    let before: Vec<Millis> = rows.iter().map(|row| Millis::from_ms(row.before_ms.unwrap_or(0))).collect();
    rows.iter()
        .zip(round_seconds(&parts).0.into_iter().zip(round_seconds(&before).0))
        .map(|(row, (seconds, before))| Row {
            key: &row.key,
            name: &row.name,
            kind: &row.kind,
            category: row.category.as_deref(),
            seconds,
            share: share(row.ms, total_ms),
            opens: row.opens,
            before_seconds: row.before_ms.map(|_| before),
        })
        .collect()
}

/// Whole seconds of one length, to the nearest.
pub(crate) const fn nearest(ms: u64) -> u64 {
    ms / 1000 + if ms % 1000 >= 500 { 1 } else { 0 }
}

/// The fraction of the total, rounded to four places.
pub(crate) fn share(ms: u64, total_ms: u64) -> f64 {
    if total_ms == 0 {
        return 0.0;
    }
    let (ms, total) = (u128::from(ms.min(total_ms)), u128::from(total_ms));
    f64::from(u32::try_from((ms * 10_000 + total / 2) / total).unwrap_or(10_000)) / 10_000.0
}

/// `dwell.report/1`
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    schema: &'static str,
    from: String,
    to: String,
    zone: &'a str,
    pub(crate) by: &'a str,
    total_seconds: u64,
    coverage: Coverage,
    pub(crate) rows: Vec<Row<'a>>,
    digest: &'a [String],
    intentions: Vec<Intention<'a>>,
    focus_sessions: Vec<FocusSession>,
    /// Only in a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compare: Option<Compared>,
}

/// The earlier period that rows are compared with.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    from: String,
    to: String,
    pub(crate) total_seconds: u64,
}

#[derive(Debug, Serialize)]
struct Coverage {
    observed_seconds: u64,
    unobserved_seconds: u64,
    sealed_seconds: u64,
}

impl<'a> Report<'a> {
    /// The document of a report.
    pub(crate) fn new(report: &'a wire::Report) -> Self {
        let zone = Zone::new(&report.zone);
        Self {
            schema: "dwell.report/1",
            from: zone.rfc3339(report.from_at_ms),
            to: zone.rfc3339(report.to_at_ms),
            zone: &report.zone,
            by: &report.by,
            total_seconds: nearest(report.total_ms),
            coverage: Coverage {
                observed_seconds: nearest(report.observed_ms),
                unobserved_seconds: nearest(report.unobserved_ms),
                sealed_seconds: nearest(report.sealed_ms),
            },
            rows: rows(&report.rows, report.total_ms),
            digest: report.digest.as_deref().unwrap_or_default(),
            intentions: Intention::all(report.intentions.as_deref().unwrap_or_default(), zone),
            focus_sessions: FocusSession::all(report.focus_sessions.as_deref().unwrap_or_default(), zone),
            compare: report.compare.as_ref().map(|before| Compared {
                from: zone.rfc3339(before.from_at_ms),
                to: zone.rfc3339(before.to_at_ms),
                total_seconds: nearest(before.total_ms),
            }),
        }
    }
}

/// `dwell.row/1`: a report's row as a line of its own.
#[derive(Debug, Serialize)]
pub(crate) struct RowLine<'a> {
    schema: &'static str,
    #[serde(flatten)]
    row: Row<'a>,
}

impl<'a> RowLine<'a> {
    /// A row with its schema.
    pub(crate) const fn new(row: Row<'a>) -> Self {
        Self { schema: "dwell.row/1", row }
    }
}

/// A limit and its use, as every document shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Limit<'a> {
    id: &'a str,
    target: &'a str,
    used_seconds: u64,
    budget_seconds: Option<u64>,
    left_seconds: Option<u64>,
    verdict: &'a str,
    until: Option<String>,
    per: &'a str,
    at_limit: &'a str,
    budget_opens: Option<u32>,
    used_opens: Option<u32>,
    days: Option<&'a str>,
    hours: Option<&'a str>,
    because: Option<&'a str>,
    strict: Option<&'a str>,
    except: &'a [String],
    made_by: Option<&'a str>,
    snoozed_until: Option<String>,
    snoozes_left: Option<u32>,
    suspended: bool,
    pending: Option<Pending<'a>>,
    /// Only after a snooze.
    #[serde(skip_serializing_if = "Option::is_none")]
    still_blocked_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    still_blocked_until: Option<String>,
    /// Only after a change that is odd.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<&'a [String]>,
    /// Only in a reset week.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_percent: Option<u32>,
}

impl<'a> Limit<'a> {
    fn new(limit: &'a wire::Limit, zone: Zone) -> Self {
        let used = nearest(limit.used_ms);
        let left = limit.left_ms.map(|left| match limit.budget_ms {
            // What is used and what is left make up the budget, in seconds too.
            Some(budget) if limit.used_ms.saturating_add(left) == budget => {
                nearest(budget).saturating_sub(used)
            }
            _ => nearest(left),
        });
        Self {
            id: &limit.id,
            target: &limit.target,
            used_seconds: used,
            budget_seconds: limit.budget_ms.map(nearest),
            left_seconds: left,
            verdict: &limit.verdict,
            until: limit.until_at_ms.map(|at| zone.rfc3339(at)),
            per: &limit.per,
            at_limit: &limit.at_limit,
            budget_opens: limit.budget_opens,
            used_opens: limit.used_opens,
            days: limit.days.as_deref(),
            hours: limit.hours.as_deref(),
            because: limit.because.as_deref(),
            strict: limit.strict.as_deref(),
            except: limit.except.as_deref().unwrap_or_default(),
            made_by: limit.made_by.as_deref(),
            snoozed_until: limit.snoozed_until_at_ms.map(|at| zone.rfc3339(at)),
            snoozes_left: limit.snoozes_left,
            suspended: limit.suspended.unwrap_or(false),
            pending: limit.pending.as_ref().map(|pending| Pending::new(pending, zone)),
            still_blocked_by: limit.still_by.as_deref(),
            still_blocked_until: limit.still_until_at_ms.map(|at| zone.rfc3339(at)),
            warnings: limit.warnings.as_deref(),
            reset_percent: limit.reset_percent,
        }
    }

    fn all(limits: &'a [wire::Limit], zone: Zone) -> Vec<Self> {
        limits.iter().map(|limit| Self::new(limit, zone)).collect()
    }
}

/// `dwell.limits/1`
#[derive(Debug, Serialize)]
pub(crate) struct Limits<'a> {
    schema: &'static str,
    limits: Vec<Limit<'a>>,
}

impl<'a> Limits<'a> {
    /// The document of limits.
    pub(crate) fn new(limits: &'a [wire::Limit], zone: Zone) -> Self {
        Self { schema: "dwell.limits/1", limits: Limit::all(limits, zone) }
    }
}

/// `dwell.status/1`
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    schema: &'static str,
    now: String,
    active: Option<Active<'a>>,
    state: &'a str,
    paused: bool,
    today: Today<'a>,
    limits: Vec<Limit<'a>>,
    health: Vec<Health<'a>>,
    vault: &'a str,
    standing: Option<Standing<'a>>,
}

#[derive(Debug, Serialize)]
struct Active<'a> {
    app: &'a str,
    name: &'a str,
    domain: Option<&'a str>,
    since: String,
}

#[derive(Debug, Serialize)]
struct Today<'a> {
    total_seconds: u64,
    top: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Health<'a> {
    part: &'a str,
    ok: bool,
    message: &'a str,
}

impl<'a> Status<'a> {
    /// The document of the status.
    pub(crate) fn new(status: &'a wire::Status) -> Self {
        let zone = Zone::new(&status.zone);
        Self {
            schema: "dwell.status/1",
            now: zone.rfc3339(status.now_at_ms),
            active: status.active.as_ref().map(|active| Active {
                app: &active.app,
                name: &active.name,
                domain: active.domain.as_deref(),
                since: zone.rfc3339(active.since_at_ms),
            }),
            state: &status.state,
            paused: phrase::is_paused(status),
            today: Today { total_seconds: nearest(status.total_ms), top: rows(&status.top, status.total_ms) },
            limits: Limit::all(&status.limits, zone),
            health: status
                .health
                .iter()
                .map(|part| Health { part: &part.part, ok: part.ok, message: &part.message })
                .collect(),
            vault: &status.vault,
            standing: status.standing.as_ref().map(Standing::new),
        }
    }
}

/// `dwell.why/1`
#[derive(Debug, Serialize)]
pub(crate) struct Why<'a> {
    schema: &'static str,
    target: &'a str,
    verdict: &'a str,
    until: Option<String>,
    /// Only where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    without_extension: bool,
    rules: Vec<Limit<'a>>,
}

impl<'a> Why<'a> {
    /// The document of an explanation.
    pub(crate) fn new(why: &'a wire::Why) -> Self {
        let zone = Zone::new(&why.zone);
        Self {
            schema: "dwell.why/1",
            target: &why.target,
            verdict: &why.verdict,
            until: why.until_at_ms.map(|at| zone.rfc3339(at)),
            without_extension: why.without_extension == Some(true),
            rules: Limit::all(&why.rules, zone),
        }
    }
}

/// `dwell.check/1`
#[derive(Debug, Serialize)]
pub(crate) struct Check<'a> {
    schema: &'static str,
    target: &'a str,
    verdict: &'a str,
    rule: Option<&'a str>,
    until: Option<String>,
    /// Only where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    without_extension: bool,
}

impl<'a> Check<'a> {
    /// The document of a check.
    pub(crate) fn new(check: &'a wire::Check) -> Self {
        let zone = Zone::new(&check.zone);
        Self {
            schema: "dwell.check/1",
            target: &check.target,
            verdict: &check.verdict,
            rule: check.rule.as_deref(),
            until: check.until_at_ms.map(|at| zone.rfc3339(at)),
            without_extension: check.without_extension == Some(true),
        }
    }
}

/// `dwell.doctor/1`
#[derive(Debug, Serialize)]
pub(crate) struct Doctor<'a> {
    schema: &'static str,
    ok: bool,
    parts: Vec<DoctorPart<'a>>,
}

#[derive(Debug, Serialize)]
struct DoctorPart<'a> {
    part: &'a str,
    ok: bool,
    message: &'a str,
    fix: Option<&'a str>,
}

impl<'a> Doctor<'a> {
    /// The document of the parts' health.
    pub(crate) fn new(parts: &'a [wire::Part]) -> Self {
        Self {
            schema: "dwell.doctor/1",
            ok: parts.iter().all(|part| part.ok),
            parts: parts
                .iter()
                .map(|part| DoctorPart {
                    part: &part.part,
                    ok: part.ok,
                    message: &part.message,
                    fix: part.fix.as_deref(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_four_places_and_never_leave_the_unit() {
        assert_eq!(share(1, 3), 0.3333);
        assert_eq!(share(2, 3), 0.6667);
        assert_eq!(share(5, 0), 0.0);
        assert_eq!(share(7, 5), 1.0);
        assert_eq!(share(u64::MAX, u64::MAX), 1.0);
    }

    #[test]
    fn a_limit_says_what_is_odd_and_what_a_reset_week_leaves() {
        let limit = wire::Limit {
            warnings: Some(vec!["odd".to_owned()]),
            reset_percent: Some(80),
            zone: "UTC".to_owned(),
            ..wire::Limit::default()
        };
        let said = line(&Limits::new(&[limit], Zone::new("UTC")));
        assert!(said.contains(r#""warnings":["odd"],"reset_percent":80}"#), "{said}");
    }

    #[test]
    fn documents_carry_no_control_characters() {
        assert_eq!(line(&"a\u{1b}b\u{9b}c\u{7f}"), "\"a\\u001bb\\u009bc\\u007f\"");
    }
}
