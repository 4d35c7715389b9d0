//! Judging: from rules and what was charged to verdicts.

use std::sync::Arc;

use super::hours::Schedule;
use super::verdict::{Because, Judged, Stage, Verdict, Verdicts};
use crate::almanac::Almanac;
use crate::calendar::{Calendar, CivilDay};
use crate::ledger::{Meter, Meters, Open, Tally, VISIT_GAP, first_day};
use crate::rules::{Amount, AtLimit, Budget, Days, Per, Rule, RuleId};
use crate::time::{Boot, Millis, Reading, Wall};

/// How long before a block by hours the person is warned.
pub(super) const HOURS_WARNING: Millis = Millis::from_mins(5);

/// A rule that is in force, with what can be said of it once a day.
#[derive(Clone, Debug)]
pub struct Held {
    /// The rule.
    pub rule: Arc<Rule>,
    /// It is suspended: it says nothing.
    pub suspended: bool,
    /// It is put off until then.
    pub snoozed_until: Option<Boot>,
    /// It is there no longer than until then, whatever its period.
    pub ends: Option<Boot>,
    meter: Option<Meter>,
    schedule: Schedule,
    warnings: Vec<Millis>,
}

impl Held {
    /// A rule as it stands on a day.
    pub fn new(rule: Arc<Rule>, calendar: &Calendar, today: CivilDay) -> Self {
        let (meter, schedule) = (Meter::of(&rule), Schedule::of(&rule, calendar, today));
        let warnings = rule.warnings();
        Self { rule, suspended: false, snoozed_until: None, ends: None, meter, schedule, warnings }
    }

    /// What counts for it; `None`: it has no budget.
    pub const fn meter(&self) -> Option<&Meter> {
        self.meter.as_ref()
    }

    /// The first day whose charges it needs on a day.
    pub fn needs_from(&self, today: CivilDay) -> CivilDay {
        let Some(Budget { per, .. }) = self.rule.budget else { return today };
        let first = first_day(per, today);
        if self.rule.rollover { first_day(per, first.plus(-1)) } else { first }
    }
}

/// What rules are judged by.
pub struct Bench<'a> {
    /// What was charged.
    pub meters: &'a Meters,
    /// What is charged at the moment: the open span.
    pub open: Option<&'a Open>,
    /// By what days are counted.
    pub almanac: &'a Almanac,
    /// What was charged in the running period of a rule (by its number) beside that: locked away, or forgotten since.
    pub beside: &'a dyn Fn(&RuleId, i64) -> Tally,
}

/// Judges rules at a moment.
pub fn judge(rules: &[Held], bench: &Bench<'_>, now: Reading) -> Verdicts {
    let mut next = Next::default();
    let today = Today::of(bench.almanac, now.wall);
    let rules = rules.iter().map(|held| one(held, bench, now, &today, &mut next)).collect();
    Verdicts { rules, next_boot: next.boot, next_wall: next.wall }
}

/// What is the same for all rules.
struct Today {
    day: CivilDay,
    end: Wall,
    /// When the running periods end.
    hour: Wall,
    week: Wall,
    month: Wall,
}

impl Today {
    fn of(almanac: &Almanac, now: Wall) -> Self {
        let day = almanac.day_of(now);
        let month = first_day(Per::Month, first_day(Per::Month, day).plus(31));
        Self {
            day,
            end: almanac.end_of(day),
            hour: almanac.next_hour(now),
            week: almanac.start_of(first_day(Per::Week, day).plus(7)),
            month: almanac.start_of(month),
        }
    }
}

/// The next instants at which anything can change.
#[derive(Default)]
struct Next {
    boot: Option<Boot>,
    wall: Option<Wall>,
}

impl Next {
    fn at_boot(&mut self, at: Boot) {
        self.boot = Some(self.boot.map_or(at, |next| next.min(at)));
    }

    fn at_wall(&mut self, at: Wall) {
        self.wall = Some(self.wall.map_or(at, |next| next.min(at)));
    }
}

fn one(held: &Held, bench: &Bench<'_>, now: Reading, today: &Today, next: &mut Next) -> Judged {
    let Held { rule, suspended, snoozed_until, ends, meter, schedule, .. } = held;
    let renews = match rule.per() {
        Per::Hour => today.hour,
        Per::Day => today.end,
        Per::Week => today.week,
        Per::Month => today.month,
    };
    let mut judged = Judged {
        rule: Arc::clone(rule),
        verdict: Verdict::Allowed,
        because: None,
        period: 0,
        used: Tally::default(),
        budget: None,
        until: None,
        renews,
        stage: Stage::Within,
        suspended: *suspended,
        snoozed_until: snoozed_until.filter(|until| *until > now.boot),
        closes: None,
    };
    if let Some(meter) = meter {
        budget(held, meter, bench, now, today, &mut judged, next);
    }
    hours(schedule, now.wall, &mut judged, next);
    if judged.suspended || judged.snoozed_until.is_some() {
        if let Some(until) = judged.snoozed_until {
            next.at_boot(until);
        }
        (judged.stage, judged.until, judged.closes) = (Stage::Within, None, None);
        return judged;
    }
    if let Some(ends) = ends {
        // The clock on the wall may be set before that; it is judged anew then.
        let ends = now.wall_at(*ends);
        judged.until = judged.until.map(|until| until.min(ends));
    }
    judged.verdict = match (judged.because, rule.at_limit) {
        (Some(_), AtLimit::Notify) => Verdict::Warn,
        (Some(_), _) => Verdict::Blocked,
        (None, _) if judged.stage > Stage::Within => Verdict::Warn,
        (None, _) => Verdict::Allowed,
    };
    if judged.because.is_some() {
        judged.stage = Stage::Reached;
    } else if judged.verdict == Verdict::Warn {
        judged.until = Some(judged.closes.unwrap_or_else(|| holds_until(rule, bench.almanac, today, renews)));
    }
    judged
}

/// What the budget says.
fn budget(
    held: &Held,
    meter: &Meter,
    bench: &Bench<'_>,
    now: Reading,
    today: &Today,
    judged: &mut Judged,
    next: &mut Next,
) {
    let rule = &held.rule;
    let Some(Budget { amount, per }) = rule.budget else { return };
    let read = bench.meters.read(meter, bench.almanac, today.day, now.wall, bench.open);
    judged.period = read.period;
    judged.used = read.now + (bench.beside)(&rule.id, read.period);
    let holds = rule.days.contains(today.day);
    let running = holds && read.running;
    let reached = match amount {
        Amount::Time(time) => {
            let carried = if rule.rollover { time.saturating_sub(read.before.time) } else { Millis::ZERO };
            let whole = time + carried;
            judged.budget = Some(whole);
            let left = whole.saturating_sub(judged.used.time);
            let warnings = &held.warnings;
            if holds && !left.is_zero() {
                let due = warnings.iter().filter(|warning| left <= **warning).count();
                judged.stage = match u8::try_from(due).unwrap_or(u8::MAX) {
                    0 => Stage::Within,
                    due => Stage::Warned(due),
                };
                if running {
                    match read.free_until {
                        Some(counts_again) => next.at_wall(counts_again),
                        None => {
                            let warning = warnings.iter().filter(|warning| **warning < left).max();
                            next.at_boot(
                                now.boot + left.saturating_sub(warning.copied().unwrap_or_default()),
                            );
                        }
                    }
                }
            }
            left.is_zero().then_some(Because::Budget)
        }
        Amount::Opens(opens) => {
            // The last visit may go on; when it is over there is none left.
            let over = read.last_end.map(|end| end + VISIT_GAP);
            let in_visit = over.is_some_and(|over| now.wall < over);
            let left = match judged.used.opens.cmp(&opens) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal => opens > 0 && in_visit,
                std::cmp::Ordering::Greater => false,
            };
            if left
                && judged.used.opens == opens
                && !running
                && let Some(over) = over
            {
                next.at_wall(over);
            }
            (!left).then_some(Because::Opens)
        }
    };
    if !holds {
        return;
    }
    if per == Per::Hour && !judged.used.is_zero() {
        next.at_wall(judged.renews);
    }
    if reached.is_some() {
        judged.because = reached;
        judged.until = Some(holds_until(rule, bench.almanac, today, judged.renews));
    }
}

/// When a rule that holds today ends to hold, or its period does, where that gives anything.
fn holds_until(rule: &Rule, almanac: &Almanac, today: &Today, renews: Wall) -> Wall {
    if rule.days == Days::ALL {
        return renews;
    }
    // A week is enough to find a day on which it does not hold.
    let last = (0..7).take_while(|ahead| rule.days.contains(today.day.plus(*ahead))).last().unwrap_or(0);
    let end = if last == 0 { today.end } else { almanac.end_of(today.day.plus(last)) };
    // A new period of nothing opens nothing.
    if rule.allows_nothing() { end } else { end.min(renews) }
}

/// What the hours say.
fn hours(schedule: &Schedule, now: Wall, judged: &mut Judged, next: &mut Next) {
    if schedule.is_empty() {
        return;
    }
    if let Some(end) = schedule.blocked_until(now) {
        next.at_wall(end);
        judged.because = judged.because.or(Some(Because::Hours));
        judged.until = judged.until.max(Some(end));
    } else if let Some(start) = schedule.next_block(now) {
        let warned_from = start.as_unix_ms().saturating_sub_unsigned(HOURS_WARNING.as_ms());
        let warned_from = Wall::from_unix_ms(warned_from);
        if now < warned_from {
            next.at_wall(warned_from);
        } else {
            next.at_wall(start);
            if judged.because.is_none() {
                // A warning of its own, also where one about the budget was given.
                judged.stage = match judged.stage {
                    Stage::Warned(given) => Stage::Warned(given.saturating_add(1)),
                    Stage::Within | Stage::Reached => Stage::Warned(1),
                };
                judged.closes = Some(start);
            }
        }
    }
    // The end of a budget's block may lie within a block by hours.
    if let Some(end) = judged.until.and_then(|until| schedule.blocked_until(until)) {
        judged.until = Some(end);
    }
}
