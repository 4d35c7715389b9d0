//! The documents about changes to rules, trials, and what is in force beside the rules; pinned by their `schema`.

use dwell_bus::wire;
use serde::Serialize;

use super::instant::Zone;
use super::json::nearest;

/// Whole seconds that something lasts still: 0 only when it is over.
const fn still(ms: u64) -> u64 {
    ms.div_ceil(1000)
}

/// A change that waits.
#[derive(Debug, Serialize)]
pub(crate) struct Pending<'a> {
    id: &'a str,
    lines: &'a [String],
    asked: String,
    waits_seconds: u64,
    lapses_seconds: u64,
    locked_until: Option<&'a str>,
}

impl<'a> Pending<'a> {
    /// A change that waits, in documents of others.
    pub(crate) fn new(pending: &'a wire::Pending, zone: Zone) -> Self {
        Self {
            id: &pending.id,
            lines: &pending.lines,
            asked: zone.rfc3339(pending.asked_at_ms),
            waits_seconds: still(pending.waits_ms),
            lapses_seconds: still(pending.lapses_ms),
            locked_until: pending.locked_until.as_deref(),
        }
    }
}

/// `dwell.pending/1`
#[derive(Debug, Serialize)]
pub(crate) struct Waiting<'a> {
    schema: &'static str,
    pending: Vec<Pending<'a>>,
}

impl<'a> Waiting<'a> {
    /// The document of all changes that wait.
    pub(crate) fn new(pending: &'a [wire::Pending], zone: Zone) -> Self {
        let pending = pending.iter().map(|pending| Pending::new(pending, zone)).collect();
        Self { schema: "dwell.pending/1", pending }
    }
}

/// `dwell.change/1`
#[derive(Debug, Serialize)]
pub(crate) struct Change<'a> {
    schema: &'static str,
    is: &'a str,
    applied: bool,
    pending: Option<Pending<'a>>,
    lines: &'a [String],
    warnings: &'a [String],
    rules: u32,
}

impl<'a> Change<'a> {
    /// The document of what became of a change, or of what would.
    pub(crate) fn new(change: &'a wire::Change) -> Self {
        let zone = Zone::new(&change.zone);
        Self {
            schema: "dwell.change/1",
            is: &change.is,
            applied: change.applied,
            pending: change.pending.as_ref().map(|pending| Pending::new(pending, zone)),
            lines: &change.lines,
            warnings: &change.warnings,
            rules: change.rules,
        }
    }
}

/// `dwell.rules/1`
#[derive(Debug, Serialize)]
pub(crate) struct Rules<'a> {
    schema: &'static str,
    text: &'a str,
}

impl<'a> Rules<'a> {
    /// The document that holds the rules' text.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { schema: "dwell.rules/1", text }
    }
}

/// `dwell.written/1`
#[derive(Debug, Serialize)]
pub(crate) struct Written<'a> {
    schema: &'static str,
    path: &'a str,
}

impl<'a> Written<'a> {
    /// The document that names a file which was written.
    pub(crate) const fn new(path: &'a str) -> Self {
        Self { schema: "dwell.written/1", path }
    }
}

/// `dwell.trial/1`
#[derive(Debug, Serialize)]
pub(crate) struct Trial<'a> {
    schema: &'static str,
    rule: &'a str,
    zone: &'a str,
    from: &'a str,
    to: &'a str,
    days: u32,
    hits: Vec<Hit<'a>>,
    median_seconds: u64,
    over_seconds: u64,
}

#[derive(Debug, Serialize)]
struct Hit<'a> {
    day: &'a str,
    used_seconds: u64,
    at: Option<String>,
}

impl<'a> Trial<'a> {
    /// The document of a trial.
    pub(crate) fn new(trial: &'a wire::Trial) -> Self {
        let zone = Zone::new(&trial.zone);
        let hit = |hit: &'a wire::TrialDay| Hit {
            day: &hit.day,
            used_seconds: nearest(hit.used_ms),
            at: hit.at_ms.map(|at| zone.rfc3339(at)),
        };
        Self {
            schema: "dwell.trial/1",
            rule: &trial.rule,
            zone: &trial.zone,
            from: &trial.from,
            to: &trial.to,
            days: trial.days,
            hits: trial.hits.iter().map(hit).collect(),
            median_seconds: nearest(trial.median_ms),
            over_seconds: nearest(trial.over_ms),
        }
    }
}

/// What something was opened for.
#[derive(Debug, Serialize)]
pub(crate) struct Intention<'a> {
    target: &'a str,
    name: &'a str,
    at: String,
    planned_seconds: u64,
    actual_seconds: u64,
    to: Option<&'a str>,
    over: bool,
}

impl<'a> Intention<'a> {
    /// Intentions, in documents of others.
    pub(crate) fn all(intentions: &'a [wire::Intention], zone: Zone) -> Vec<Self> {
        intentions
            .iter()
            .map(|intention| Self {
                target: &intention.target,
                name: &intention.name,
                at: zone.rfc3339(intention.at_ms),
                planned_seconds: nearest(intention.planned_ms),
                actual_seconds: nearest(intention.actual_ms),
                to: intention.to.as_deref(),
                over: intention.over,
            })
            .collect()
    }
}

/// A focus session.
#[derive(Debug, Serialize)]
pub(crate) struct FocusSession {
    at: String,
    planned_seconds: u64,
    lasted_seconds: u64,
}

impl FocusSession {
    /// Sessions, in documents of others.
    pub(crate) fn all(sessions: &[wire::FocusSession], zone: Zone) -> Vec<Self> {
        let document = |session: &wire::FocusSession| Self {
            at: zone.rfc3339(session.at_ms),
            planned_seconds: nearest(session.planned_ms),
            lasted_seconds: nearest(session.lasted_ms),
        };
        sessions.iter().map(document).collect()
    }
}

/// What is in force beside the rules.
#[derive(Debug, Serialize)]
pub(crate) struct Standing<'a> {
    paused_until: Option<String>,
    exit_waits_seconds: Option<u64>,
    exit_until: Option<String>,
    focus_until: Option<String>,
    focus_blocks: &'a [String],
    intentions: Vec<Intention<'a>>,
    reset_day: Option<u32>,
}

impl<'a> Standing<'a> {
    /// What is in force, in the document of the status.
    pub(crate) fn new(standing: &'a wire::Standing) -> Self {
        let zone = Zone::new(&standing.zone);
        let instant = |at: Option<i64>| at.map(|at| zone.rfc3339(at));
        Self {
            paused_until: instant(standing.paused_until_at_ms),
            exit_waits_seconds: standing.exit_waits_ms.map(still),
            exit_until: instant(standing.exit_until_at_ms),
            focus_until: instant(standing.focus_until_at_ms),
            focus_blocks: standing.focus_blocks.as_deref().unwrap_or_default(),
            intentions: Intention::all(standing.intentions.as_deref().unwrap_or_default(), zone),
            reset_day: standing.reset_day,
        }
    }
}

/// `dwell.standing/1`
#[derive(Debug, Serialize)]
pub(crate) struct StandingAlone<'a> {
    schema: &'static str,
    #[serde(flatten)]
    standing: Standing<'a>,
}

impl<'a> StandingAlone<'a> {
    /// The document of what is in force beside the rules.
    pub(crate) fn new(standing: &'a wire::Standing) -> Self {
        Self { schema: "dwell.standing/1", standing: Standing::new(standing) }
    }
}

/// `dwell.reset-week/1`
#[derive(Debug, Serialize)]
pub(crate) struct ResetWeek<'a> {
    schema: &'static str,
    running: bool,
    day: Option<u32>,
    percent: Option<u32>,
    until: Option<String>,
    lines: &'a [String],
}

impl<'a> ResetWeek<'a> {
    /// The document of the reset week.
    pub(crate) fn new(week: &'a wire::ResetWeek) -> Self {
        Self {
            schema: "dwell.reset-week/1",
            running: week.running,
            day: week.day,
            percent: week.percent,
            until: week.until_at_ms.map(|at| Zone::new(&week.zone).rfc3339(at)),
            lines: &week.lines,
        }
    }
}
