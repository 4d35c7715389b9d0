//! Simulation: what rules would have done, or will do, with given samples.
//!
//! [`Replay`] runs the very count and the very judging of the daemon, with made-up clocks and without a store: what it says
//! is what would have happened. [`Trial`] answers the narrower question on which days a budget would have been reached,
//! from spans alone, and is much faster; that both agree is tested.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::almanac::Almanac;
use crate::browser;
use crate::calendar::{Calendar, CivilDay};
use crate::count::Count;
use crate::ledger::{CountedVisits, Free, Meter, Meters, Open, Stretch, Tally, VISIT_GAP, stretches};
use crate::policy::{Bench, Held, Stage, Verdict, Verdicts, judge};
use crate::rules::{Amount, Rule, RuleId};
use crate::sample::{Fact, Sample};
use crate::span::{Activity, Span};
use crate::subject::{AppId, Category, Subject, Target};
use crate::time::{Boot, Millis, Reading, Wall};

/// Whether windows are put away at a limit, so that time is no longer spent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Limits are only noticed.
    Off,
    /// What is blocked is put away whenever it comes to the front; the person goes on with it once it is not any more.
    On,
}

/// A rule came to another stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Wall,
    /// Which rule.
    pub rule: RuleId,
    /// The stage that it came to.
    pub stage: Stage,
}

/// Rules at work on samples, in the order of time.
pub struct Replay<'a> {
    calendar: Calendar,
    rules: Vec<Arc<Rule>>,
    category: &'a dyn Fn(&Subject) -> Option<Category>,
    enforcement: Enforcement,
    /// What the person would have in front.
    wanted: Option<AppId>,
    now: Reading,
    count: Count,
    held: (CivilDay, Vec<Held>),
    meters: Meters,
    verdicts: Verdicts,
    events: Vec<Event>,
}

impl<'a> Replay<'a> {
    /// A replay that begins at an instant, with nothing charged before.
    pub fn new(
        calendar: Calendar,
        rules: &[Rule],
        category: &'a dyn Fn(&Subject) -> Option<Category>,
        enforcement: Enforcement,
        start: Reading,
    ) -> Self {
        let rules: Vec<Arc<Rule>> = rules.iter().cloned().map(Arc::new).collect();
        let count = Count::new(calendar, &[], start);
        let today = calendar.day_of(start.wall);
        let held = (today, held(&rules, &calendar, today));
        let meters = Meters::new(held.1.iter().filter_map(Held::meter).cloned(), count.ledger(), category);
        let verdicts = Verdicts::default();
        let mut replay = Self {
            calendar,
            rules,
            category,
            enforcement,
            wanted: None,
            now: start,
            count,
            held,
            meters,
            verdicts,
            events: Vec::new(),
        };
        replay.settle();
        replay
    }

    /// Lets time pass until a sample becomes true, and takes it in.
    pub fn sample(&mut self, sample: &Sample) {
        self.pass_until(sample.at);
        if let (Fact::Focus(app), Enforcement::On) = (&sample.fact, self.enforcement) {
            self.wanted.clone_from(app);
        }
        let _ = self.count.fold(sample, self.now);
        self.settle();
    }

    /// Lets time pass.
    pub fn pass_until(&mut self, until: Boot) {
        while let Some(due) = self.due().filter(|due| *due <= until) {
            // A deadline that is over is due now.
            self.now = self.now.at(due.max(self.now.boot));
            let _ = self.count.advance(self.now);
            self.settle();
        }
        if until > self.now.boot {
            self.now = self.now.at(until);
        }
    }

    /// What happened so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What the rules say.
    pub const fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// What was counted.
    pub const fn count(&self) -> &Count {
        &self.count
    }

    fn due(&self) -> Option<Boot> {
        let wall = |wall: Wall| self.now.boot + wall.since(self.now.wall).unwrap_or(Millis::ZERO);
        let day_end = wall(self.count.almanac().end_of(self.held.0));
        [
            self.count.timeline().deadline(),
            self.verdicts.next_boot,
            self.verdicts.next_wall.map(wall),
            Some(day_end),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn settle(&mut self) {
        self.judge();
        if self.enforcement == Enforcement::Off {
            return;
        }
        let front = self.count.timeline().charging();
        let timeline = self.count.timeline();
        // A hidden browser tells nothing: it stays away until its extension is linked.
        let unlinked =
            |app: &AppId| browser::has_no_site(&Subject::app(app.clone())) && !timeline.is_linked(app);
        let focus = match (front, &self.wanted) {
            (Some(front), _) if self.is_blocked(&front, timeline.unseen().is_some()) => None,
            (None, Some(wanted)) if !self.is_blocked(&Subject::app(wanted.clone()), unlinked(wanted)) => {
                self.wanted.clone()
            }
            _ => return,
        };
        let _ = self.count.fold(&Sample::new(self.now.boot, Fact::Focus(focus)), self.now);
        self.judge();
    }

    fn is_blocked(&self, subject: &Subject, unseen: bool) -> bool {
        let category = (self.category)(subject);
        let mut blocked = self.verdicts.rules.iter().filter(|judged| judged.verdict == Verdict::Blocked);
        let category = category.as_ref();
        let covers =
            |rule: &Rule| rule.covers(subject, category) || (unseen && rule.covers_unseen(subject, category));
        blocked.any(|judged| covers(&judged.rule))
    }

    fn judge(&mut self) {
        let today = self.count.almanac().day_of(self.now.wall);
        if self.held.0 != today {
            self.held = (today, held(&self.rules, &self.calendar, today));
            let needed = self.held.1.iter().map(|held| held.needs_from(today)).min().unwrap_or(today);
            self.count.drop_before(needed);
        }
        self.meters.update(self.count.ledger(), self.category);
        let almanac = self.count.almanac();
        let open = Open::of(self.count.timeline(), self.now.boot, almanac, self.category);
        let beside = |_: &RuleId, _: i64| Tally::default();
        let bench = Bench { meters: &self.meters, open: open.as_ref(), almanac, beside: &beside };
        let verdicts = judge(&self.held.1, &bench, self.now);
        for (nth, judged) in verdicts.rules.iter().enumerate() {
            let was = self.verdicts.rules.get(nth).map_or(Stage::Within, |was| was.stage);
            if was != judged.stage {
                self.events.push(Event { at: self.now.wall, rule: judged.id().clone(), stage: judged.stage });
            }
        }
        self.verdicts = verdicts;
    }
}

fn held(rules: &[Arc<Rule>], calendar: &Calendar, today: CivilDay) -> Vec<Held> {
    rules.iter().map(|rule| Held::new(Arc::clone(rule), calendar, today)).collect()
}

/// A budget tried on spans, in the order of time: in which periods it would have been reached, and when.
#[derive(Debug)]
pub struct Trial<'a> {
    almanac: Almanac,
    rule: &'a Rule,
    meter: Meter,
    free: Free,
    pieces: (Vec<Stretch>, Vec<(i64, Wall, Millis)>),
    /// Whether the rule asks to which category something belongs.
    asks: bool,
    period: Option<i64>,
    used: Tally,
    before: Option<(i64, Tally)>,
    visits: CountedVisits,
    reached: bool,
    /// What was used on each day on which anything counted.
    days: BTreeMap<CivilDay, Millis>,
    hits: Vec<(CivilDay, Wall)>,
    over: Millis,
}

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What counted on each day on which anything did.
    pub days: BTreeMap<CivilDay, Millis>,
    /// When the budget was reached, once a period at most, in the order of time.
    pub hits: Vec<(CivilDay, Wall)>,
    /// What came after, in all periods together.
    pub over: Millis,
}

impl<'a> Trial<'a> {
    /// A trial of a rule's budget; `None`: it has none. Its hours are not tried.
    pub fn new(calendar: &Calendar, rule: &'a Rule) -> Option<Self> {
        let is = |target: &Target| matches!(target, Target::Category(_));
        Some(Self {
            almanac: Almanac::new(*calendar),
            rule,
            meter: Meter::of(rule)?,
            free: Free::default(),
            pieces: Default::default(),
            asks: is(&rule.target) || rule.except.iter().any(is),
            period: None,
            used: Tally::default(),
            before: None,
            visits: CountedVisits::default(),
            reached: false,
            days: BTreeMap::new(),
            hits: Vec::new(),
            over: Millis::ZERO,
        })
    }

    /// Whether attention to a subject is tried; `category` tells that of the subject.
    pub fn covers(&self, subject: &Subject, category: impl Fn(&Subject) -> Option<Category>) -> bool {
        let category = if self.asks { category(subject) } else { None };
        self.rule.counts(subject, category.as_ref())
    }

    /// Takes the next span; `category` tells that of its subject.
    pub fn add(&mut self, span: &Span, category: impl Fn(&Subject) -> Option<Category>) {
        let covered = match &span.activity {
            Activity::Focus(subject) => self.covers(subject, category),
            Activity::Private(app) => self.covers(&Subject::app(app.clone()), category),
            Activity::Audible(_) | Activity::Unobserved => false,
        };
        if covered {
            self.add_covered(span.start.wall, span.length);
        }
    }

    /// Takes the next stretch of attention to subjects that are tried (see [`Trial::covers`]).
    pub fn add_covered(&mut self, start: Wall, length: Millis) {
        // Memory that is used again: there may be a million spans.
        let (mut charges, mut parts) = std::mem::take(&mut self.pieces);
        charges.extend(stretches(&self.almanac, start, length));
        for charge in charges.drain(..) {
            self.visits_over(charge.start);
            let free = self.free.of(&self.meter, self.almanac.calendar(), charge.day);
            self.meter
                .parts(&self.almanac, free, charge, |period, at, length| parts.push((period, at, length)));
            let counted_from = parts.first().map(|(_, at, _)| *at);
            let begins = self.visits.next(charge.start, charge.length, counted_from);
            for (nth, (period, at, length)) in parts.drain(..).enumerate() {
                let opens = u32::from(begins && nth == 0);
                self.count(charge.day, period, at, Tally { time: length, opens });
            }
        }
        self.pieces = (charges, parts);
    }

    /// Ends the trial. `until`: the end of what was tried.
    pub fn finish(mut self, until: Wall) -> Found {
        self.visits_over(until);
        Found { days: self.days, hits: self.hits, over: self.over }
    }

    fn count(&mut self, day: CivilDay, period: i64, at: Wall, tally: Tally) {
        if self.period != Some(period) {
            self.before = self.period.map(|period| (period, self.used));
            (self.period, self.used, self.reached) = (Some(period), Tally::default(), false);
        }
        *self.days.entry(day).or_default() += tally.time;
        let used = self.used;
        self.used = used + tally;
        let hit = match self.rule.budget.map(|budget| budget.amount) {
            Some(Amount::Time(time)) => {
                let whole = time + self.carried(day, time);
                self.over += self.used.time.saturating_sub(whole.max(used.time));
                (self.used.time >= whole).then(|| at + whole.saturating_sub(used.time))
            }
            Some(Amount::Opens(opens)) => {
                let beyond = self.used.opens > opens;
                if beyond {
                    self.over += tally.time;
                }
                beyond.then_some(at)
            }
            None => None,
        };
        self.hit(hit);
    }

    /// What the period before left.
    fn carried(&self, day: CivilDay, time: Millis) -> Millis {
        if !self.rule.rollover {
            return Millis::ZERO;
        }
        let before = self.before.filter(|(period, _)| Some(*period) == self.meter.period_before(day));
        time.saturating_sub(before.map_or(Millis::ZERO, |(_, used)| used.time))
    }

    /// The last visit that a budget gives is over some minutes after it ended, unless that is in another period.
    fn visits_over(&mut self, now: Wall) {
        let (Some(opens), Some(over)) =
            (self.rule.opens(), self.visits.last_end().map(|end| end + VISIT_GAP))
        else {
            return;
        };
        let day = self.almanac.day_of(over);
        let same = self.period == Some(self.meter.period_of(&self.almanac, day, over));
        if now >= over && same && self.used.opens >= opens && self.rule.days.contains(day) {
            self.hit(Some(over));
        }
    }

    fn hit(&mut self, at: Option<Wall>) {
        if let Some(at) = at.filter(|_| !self.reached) {
            self.reached = true;
            self.hits.push((self.almanac.day_of(at), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::{Budget, Hours, Per};

    /// 2026-10-20T10:00:00Z, five days before clocks go back in Europe.
    const START: i64 = 1_792_490_400_000;

    fn nothing(_: &Subject) -> Option<Category> {
        None
    }

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(zone.parse().unwrap(), "04:00".parse().unwrap())
    }

    fn focus(at: u64, app: Option<&str>) -> Sample {
        Sample::new(Boot::from_ms(at), Fact::Focus(app.map(|app| AppId::new(app).unwrap())))
    }

    fn start() -> Reading {
        Reading::new(Boot::from_ms(1000), Wall::from_unix_ms(START))
    }

    fn rule(target: &str, amount: Amount, per: Per) -> Rule {
        let target: Target = target.parse().unwrap();
        Rule::new(RuleId::new("r").unwrap(), target, Some(Budget { amount, per }))
    }

    /// Changes of focus: how long each lasts, and which of a few programs it is; 0 is none.
    fn any_life() -> impl Strategy<Value = Vec<(u64, u8)>> {
        let moment = prop_oneof![
            6 => (1_000_u64..1_800_000, 0_u8..4),
            1 => (1_800_000_u64..40_000_000, 0_u8..4),
        ];
        prop::collection::vec(moment, 1..80)
    }

    fn samples(life: &[(u64, u8)]) -> (Vec<Sample>, Boot) {
        let mut at = 2000;
        let mut samples = Vec::new();
        for (length, app) in life {
            samples.push(focus(
                at,
                [None, Some("a"), Some("b"), Some("c")].get(usize::from(*app)).copied().flatten(),
            ));
            at += length;
        }
        (samples, Boot::from_ms(at))
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let amount = prop_oneof![
            3 => (0_u64..6 * 3_600).prop_map(|s| Amount::Time(Millis::from_secs(s))),
            2 => (0_u32..6).prop_map(Amount::Opens),
        ];
        let per = prop::sample::select(vec![Per::Hour, Per::Day, Per::Week, Per::Month]);
        let target = prop::sample::select(vec!["app:a", "all"]);
        let free = prop::option::of(prop::sample::select(vec!["12:00-13:00", "23:00-02:30", "03:50-04:10"]));
        (target, amount, per, free, any::<bool>()).prop_map(|(target, amount, per, free, rollover)| {
            let amount = match amount {
                Amount::Time(time) if per == Per::Hour => Amount::Time(Millis::from_ms(time.as_ms() / 6)),
                other => other,
            };
            let plain = rule(target, amount, per);
            let count_free = free.map(|free| free.parse().unwrap()).into_iter().collect();
            let rollover = rollover && per != Per::Hour && plain.time().is_some();
            Rule { count_free, rollover, warn: plain.time().map(|_| Vec::new()), ..plain }
        })
    }

    fn any_hours() -> impl Strategy<Value = Hours> {
        let windows = vec!["22:00-07:00", "12:00-13:30", "03:00-05:00", "16:00-16:20"];
        (prop::sample::subsequence(windows, 1..3), any::<bool>()).prop_map(|(windows, blocked)| {
            let windows = windows.iter().map(|window| window.parse().unwrap()).collect();
            if blocked { Hours::Blocked(windows) } else { Hours::Allowed(windows) }
        })
    }

    fn replayed(
        rule: &Rule,
        calendar: Calendar,
        life: &[(u64, u8)],
        enforcement: Enforcement,
    ) -> (Vec<Event>, Count) {
        let mut replay = Replay::new(calendar, std::slice::from_ref(rule), &nothing, enforcement, start());
        let (samples, end) = samples(life);
        samples.iter().for_each(|sample| replay.sample(sample));
        replay.pass_until(end);
        (replay.events().to_vec(), replay.count().clone())
    }

    fn hit_days(events: &[Event], calendar: &Calendar) -> Vec<CivilDay> {
        let mut days: Vec<_> =
            events.iter().filter(|e| e.stage == Stage::Reached).map(|e| calendar.day_of(e.at)).collect();
        days.dedup();
        days
    }

    fn tried(rule: &Rule, calendar: &Calendar, life: &[(u64, u8)]) -> Vec<CivilDay> {
        let (samples, end) = samples(life);
        let mut count = Count::new(*calendar, &[], start());
        let mut spans = Vec::new();
        for sample in &samples {
            let now = start().at(sample.at);
            let outcome = count.fold(sample, now);
            spans.extend(
                outcome
                    .entries
                    .iter()
                    .filter(|(_, e)| matches!(e, crate::count::Entry::Span(_)))
                    .map(|(_, e)| e.span().clone()),
            );
        }
        let outcome = count.finish(start().at(end));
        spans.extend(
            outcome
                .entries
                .iter()
                .filter(|(_, e)| matches!(e, crate::count::Entry::Span(_)))
                .map(|(_, e)| e.span().clone()),
        );
        let mut trial = Trial::new(calendar, rule).unwrap();
        spans.iter().filter(|span| !span.length.is_zero()).for_each(|span| trial.add(span, nothing));
        let mut days: Vec<_> =
            trial.finish(start().at(end).wall).hits.into_iter().map(|(day, _)| day).collect();
        days.dedup();
        days
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
        /// What a person is shown before choosing a limit is what the limit does, whether windows are put away or not.
        #[test]
        fn a_trial_finds_the_days_on_which_a_replay_reaches_the_limit(
            rule in any_rule(),
            life in any_life(),
            zone in prop::sample::select(vec!["UTC", "Europe/Athens", "Asia/Kolkata"]),
        ) {
            // Nothing at all is reached before anything is used.
            prop_assume!(rule.time().is_none_or(|time| !time.is_zero()) && rule.opens() != Some(0));
            let calendar = calendar(zone);
            let tried = tried(&rule, &calendar, &life);
            // A visit that is cut off begins anew when the block ends: visits are counted as they were.
            let enforced = rule.time().map(|_| Enforcement::On);
            for enforcement in [Enforcement::Off].into_iter().chain(enforced) {
                let (events, _) = replayed(&rule, calendar, &life, enforcement);
                prop_assert_eq!(&hit_days(&events, &calendar), &tried, "{:?}", enforcement);
            }
        }

        /// Enforced, no more is used than the budget.
        #[test]
        fn no_more_is_used_than_the_budget(seconds in 1_u64..20_000, life in any_life()) {
            let calendar = calendar("UTC");
            let rule = rule("app:a", Amount::Time(Millis::from_secs(seconds)), Per::Day);
            let (samples, end) = samples(&life);
            let mut replay = Replay::new(calendar, std::slice::from_ref(&rule), &nothing, Enforcement::On, start());
            for sample in &samples {
                replay.sample(sample);
                let used = replay.verdicts().rules[0].used.time;
                // That nothing has focus any more is believed only after a moment.
                prop_assert!(used <= Millis::from_secs(seconds) + crate::timeline::DEBOUNCE, "{}", used);
            }
            replay.pass_until(end + crate::timeline::DEBOUNCE);
            prop_assert!(replay.verdicts().rules[0].used.time <= Millis::from_secs(seconds));
        }
    }

    proptest! {
        // Looking all the time takes long.
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        /// Between the instants that judging names nothing changes: whoever looks all the time sees no more.
        #[test]
        fn nothing_changes_before_the_next_instant(
            mut rules in prop::collection::vec(any_rule(), 1..4),
            hours in prop::option::of(any_hours()),
            days in prop::sample::select(vec!["daily", "mon-fri", "tue,wed"]),
            warn in prop::option::of(1_u64..1800),
            life in any_life(),
            zone in prop::sample::select(vec!["UTC", "Europe/Athens", "Asia/Kolkata"]),
        ) {
            for (nth, rule) in rules.iter_mut().enumerate() {
                rule.id = RuleId::new(format!("r{nth}")).unwrap();
                rule.days = days.parse().unwrap();
                if let (Some(warn), Some(_)) = (warn, rule.time()) {
                    rule.warn = Some(vec![Millis::from_secs(warn), Millis::from_secs(warn / 2)]);
                }
            }
            if let (Some(hours), Some(rule)) = (hours, rules.first_mut()) {
                rule.hours = hours;
            }
            let calendar = calendar(zone);
            let (samples, end) = samples(&life);
            let seen = |step: Option<u64>| {
                let mut replay = Replay::new(calendar, &rules, &nothing, Enforcement::Off, start());
                for sample in &samples {
                    let mut at = replay.now.boot;
                    while let Some(next) = step.map(|step| at + Millis::from_ms(step)).filter(|next| *next < sample.at) {
                        at = next;
                        replay.pass_until(at);
                        replay.settle();
                    }
                    replay.sample(sample);
                }
                replay.pass_until(end);
                replay.events().to_vec()
            };
            prop_assert_eq!(seen(None), seen(Some(97_001)));
        }
    }
}
