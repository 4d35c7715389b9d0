//! Rules and what they say, as the bus has them.

use dwell_bus::wire;
use dwell_core::calendar::CivilDay;
use dwell_core::policy::Judged;
use dwell_core::report::Period;
use dwell_core::rules::{CONFIRMABLE, Days, Hours, Rule, Strict};
use dwell_core::standing::{DIGEST_DAYS, DigestKind, ExitState, Intention, Moment, Pending};
use dwell_core::time::{Millis, Reading, Wall};

use super::Hub;
use crate::clock;

impl Hub {
    /// A rule as it stands.
    pub(super) fn limit(&self, judged: &Judged) -> wire::Limit {
        let now = clock::now();
        let moment = self.moment(now);
        let rule = &*judged.rule;
        let standing = &self.record.standing;
        let snoozed =
            standing.snoozed_until(&rule.id, &moment).map(|until| moment.wall_of(until).as_unix_ms());
        wire::Limit {
            id: rule.id.as_str().to_owned(),
            target: rule.target.to_string(),
            alias: None,
            used_ms: judged.used.time.as_ms(),
            budget_ms: judged.budget.map(Millis::as_ms),
            left_ms: judged.left().map(Millis::as_ms),
            verdict: judged.verdict.as_str().to_owned(),
            until_at_ms: judged.until.map(Wall::as_unix_ms),
            per: rule.per().to_string(),
            at_limit: rule.at_limit.to_string(),
            warn_ms: rule.warnings().first().copied().unwrap_or_default().as_ms(),
            renews_at_ms: judged.renews.as_unix_ms(),
            zone: self.calendar().zone.name().to_owned(),
            budget_opens: judged.opens(),
            used_opens: judged.opens().map(|_| judged.used.opens),
            days: (rule.days != Days::ALL).then(|| rule.days.to_string()),
            hours: hours(rule),
            because: judged.because.map(|because| because.as_str().to_owned()),
            strict: Some(strict(rule.strict)),
            except: Some(rule.except.iter().map(ToString::to_string).collect::<Vec<_>>())
                .filter(|e| !e.is_empty()),
            made_by: self.book.made_by(&rule.id).as_str().map(str::to_owned),
            snoozed_until_at_ms: snoozed,
            snoozes_left: (rule.snooze.per_day > 0).then(|| standing.snoozes_left(rule, &moment)),
            suspended: judged.suspended.then_some(true),
            pending: standing
                .pending(&moment)
                .find(|pending| super::rules::is_about(pending, &rule.id))
                .map(|pending| self.pending(pending, &moment)),
            still_by: None,
            still_until_at_ms: None,
            reset_percent: self.book.effective(&rule.id).and_then(|held| held.percent),
            warnings: None,
        }
    }

    /// A change that waits.
    pub(super) fn pending(&self, pending: &Pending, moment: &Moment) -> wire::Pending {
        wire::Pending {
            id: pending.id.clone(),
            lines: pending.lines.clone(),
            asked_at_ms: pending.asked_at.as_unix_ms(),
            waits_ms: moment.left(pending.ready_at).as_ms(),
            lapses_ms: moment.left(pending.lapses_at()).min(CONFIRMABLE).as_ms(),
            locked_until: pending.locked_until.map(|day| day.to_string()),
        }
    }

    /// What is in force beside the rules.
    pub(super) fn standing(&self) -> wire::Standing {
        let now = clock::now();
        let moment = self.moment(now);
        let standing = &self.record.standing;
        let focus = standing.focus(&moment);
        let blocks = |focus: &dwell_core::standing::Focus| {
            if focus.targets.is_empty() {
                vec!["all".to_owned()]
            } else {
                focus.targets.iter().map(ToString::to_string).collect()
            }
        };
        let (exit_waits_ms, exit_until_at_ms) = match standing.exit(&moment) {
            Some(ExitState::Waits(left)) => (Some(left.as_ms()), None),
            Some(ExitState::Off(until)) => (None, Some(until.as_unix_ms())),
            None => (None, None),
        };
        let intentions: Vec<_> =
            standing.intentions().iter().map(|planned| self.intention(planned, &moment)).collect();
        wire::Standing {
            zone: self.calendar().zone.name().to_owned(),
            paused_until_at_ms: standing.paused_until(&moment).map(Wall::as_unix_ms),
            exit_waits_ms,
            exit_until_at_ms,
            focus_until_at_ms: focus.map(|focus| moment.wall_of(focus.until).as_unix_ms()),
            focus_blocks: focus.map(blocks),
            intentions: Some(intentions).filter(|intentions| !intentions.is_empty()),
            reset_day: standing.reset_week(&moment).map(|week| week.day),
        }
    }

    /// Something that was planned.
    pub(super) fn intention(&self, intention: &Intention, moment: &Moment) -> wire::Intention {
        wire::Intention {
            target: intention.target.to_string(),
            name: self.target_name(&intention.target),
            at_ms: intention.at.as_unix_ms(),
            planned_ms: intention.planned.as_ms(),
            actual_ms: intention.actual.unwrap_or_else(|| self.used_since(intention, moment)).as_ms(),
            to: intention.to.clone(),
            over: moment.left(intention.until()).is_zero(),
        }
    }

    /// What limits did in a period, beside what the person was told at once.
    pub(super) fn digest(&self, period: Period) -> Vec<String> {
        let nag = self.record.standing.nag();
        let (first, last) = (period.first.epoch_days(), period.last.epoch_days());
        // Only so many days are kept, and a period may be all time.
        let days = (first.max(last - DIGEST_DAYS)..=last).map(CivilDay::from_epoch_days);
        let reached = days.filter_map(|day| nag.digest(day)).flat_map(|day| &day.entries);
        reached.filter(|entry| entry.kind == DigestKind::Reached).map(|entry| entry.line.clone()).collect()
    }

    /// What was planned in a period, and what became of it.
    pub(super) fn intentions(&self, period: Period, now: Reading) -> Vec<wire::Intention> {
        let moment = self.moment(now);
        let standing = &self.record.standing;
        let all = standing.past_intentions().iter().chain(standing.intentions());
        all.filter(|planned| period.days().contains(&planned.day))
            .map(|planned| self.intention(planned, &moment))
            .collect()
    }

    /// The focus sessions that began in a period.
    pub(super) fn sessions(&self, period: Period, now: Reading) -> Vec<wire::FocusSession> {
        let standing = &self.record.standing;
        let running = standing.running_session(&self.moment(now));
        let all = standing.sessions().iter().chain(&running);
        all.filter(|session| period.days().contains(&session.day))
            .map(|session| wire::FocusSession {
                at_ms: session.at.as_unix_ms(),
                planned_ms: session.planned.as_ms(),
                lasted_ms: session.lasted.as_ms(),
            })
            .collect()
    }

    /// The reset week.
    pub(super) fn reset_week_now(&self) -> wire::ResetWeek {
        let now = clock::now();
        let moment = self.moment(now);
        let week = self.record.standing.reset_week(&moment);
        let line = |held: &dwell_core::standing::Effective| {
            let time = held.rule.time()?;
            (held.percent.is_some() || held.made_by.as_str().is_some())
                .then(|| format!("{}: {time} a {}", self.target_name(&held.rule.target), held.rule.per()))
        };
        wire::ResetWeek {
            running: week.is_some(),
            day: week.map(|week| week.day),
            percent: week.map(|week| week.percent),
            until_at_ms: week.map(|week| self.calendar().end_of(week.last_day).as_unix_ms()),
            lines: self.book.all_effective().iter().filter_map(line).collect(),
            zone: self.calendar().zone.name().to_owned(),
        }
    }
}

/// `blocked 22:00-07:00`, `allowed 09:00-12:00, 13:00-17:00`.
fn hours(rule: &Rule) -> Option<String> {
    let kind = match &rule.hours {
        Hours::Any => return None,
        Hours::Blocked(_) => "blocked",
        Hours::Allowed(_) => "allowed",
    };
    let windows: Vec<String> = rule.hours.windows().iter().map(ToString::to_string).collect();
    Some(format!("{kind} {}", windows.join(", ")))
}

/// `open`, `cooling`, `locked-until 2026-12-31`.
fn strict(strict: Strict) -> String {
    match strict {
        Strict::Open => "open".to_owned(),
        Strict::Cooling => "cooling".to_owned(),
        Strict::LockedUntil(day) => format!("locked-until {day}"),
    }
}
