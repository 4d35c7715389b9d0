//! The book: the rules in force, with what is derived from them for judging.

use std::sync::Arc;

use dwell_core::almanac::Almanac;
use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::ledger::{Ledger, Meter, Meters, Open};
use dwell_core::policy::Held;
use dwell_core::rules::{Rule, RuleId, RuleSet, RulesText};
use dwell_core::standing::{Effective, MachineTime, MadeBy, Moment, Standing};
use dwell_core::subject::{Category, Subject, Target};
use dwell_core::time::{Boot, Wall};

/// The rules in force.
///
/// # Invariant
///
/// What is derived is made anew whenever the text, the standing, the day or the counted time is another one.
#[derive(Default)]
pub(super) struct Book {
    pub(super) text: RulesText,
    held: Vec<Held>,
    effective: Vec<Effective>,
    meters: Meters,
    /// The day for which it was derived; `None`: it has to be derived anew.
    on: Option<CivilDay>,
    next: (Option<MachineTime>, Option<Wall>),
}

impl Book {
    /// A book of rules.
    pub(super) fn new(text: RulesText) -> Self {
        Self { text, ..Self::default() }
    }

    /// Everything that is decided.
    pub(super) fn set(&self) -> &RuleSet {
        self.text.set()
    }

    /// The person's own rules.
    pub(super) fn rules(&self) -> &[Rule] {
        &self.text.set().rules
    }

    /// The rules in force, those of a focus session and the like included.
    pub(super) fn held(&self) -> &[Held] {
        &self.held
    }

    /// The rules in force, with who made them.
    pub(super) fn all_effective(&self) -> &[Effective] {
        &self.effective
    }

    /// What is charged to them.
    pub(super) const fn meters(&self) -> &Meters {
        &self.meters
    }

    /// A rule in force, with who made it.
    pub(super) fn effective(&self, id: &RuleId) -> Option<&Effective> {
        self.effective.iter().find(|effective| &effective.rule.id == id)
    }

    /// Who made a rule.
    pub(super) fn made_by(&self, id: &RuleId) -> MadeBy {
        self.effective(id).map_or(MadeBy::Person, |effective| effective.made_by)
    }

    /// Has everything derived anew before the rules are judged again.
    pub(super) const fn stale(&mut self) {
        self.on = None;
    }

    /// Whether any rule asks to which category something belongs.
    pub(super) fn asks_for_categories(&self) -> bool {
        let is = |target: &Target| matches!(target, Target::Category(_));
        self.effective.iter().any(|held| is(&held.rule.target) || held.rule.except.iter().any(is))
    }

    /// Brings everything up to date.
    pub(super) fn refresh(
        &mut self,
        standing: &Standing,
        moment: &Moment,
        calendar: &Calendar,
        ledger: &Ledger,
        category: impl Fn(&Subject) -> Option<Category>,
    ) {
        // Also where nothing else changed: what was the next instant may have come, and brought nothing.
        self.next = standing.next(moment);
        if self.on == Some(moment.today) {
            let asks = self.asks_for_categories();
            self.meters.update(ledger, |subject: &Subject| if asks { category(subject) } else { None });
            return;
        }
        self.on = Some(moment.today);
        self.effective = standing.effective(self.rules(), moment);
        let clock = standing.clock();
        let boot = |at: MachineTime| clock.map(|clock| clock.boot_of(at));
        let held = self.effective.iter().map(|effective| {
            let mut held = Held::new(Arc::new(effective.rule.clone()), calendar, moment.today);
            held.suspended = effective.suspended;
            held.snoozed_until = effective.snoozed_until.and_then(boot);
            held.ends = match effective.made_by {
                MadeBy::Focus => standing.focus(moment).and_then(|focus| boot(focus.until)),
                MadeBy::Person | MadeBy::ResetWeek => None,
            };
            held
        });
        self.held = held.collect();
        let asks = self.asks_for_categories();
        let meters = self.held.iter().filter_map(Held::meter).cloned().collect::<Vec<Meter>>();
        self.meters =
            Meters::new(meters, ledger, |subject: &Subject| if asks { category(subject) } else { None });
    }

    /// The next instant on each clock at which what is in force changes by itself.
    pub(super) fn next(&self, standing: &Standing) -> (Option<Boot>, Option<Wall>) {
        let boot = self.next.0.and_then(|at| standing.clock().map(|clock| clock.boot_of(at)));
        (boot, self.next.1)
    }

    /// The first day whose charges are needed.
    pub(super) fn needs_from(&self, today: CivilDay) -> CivilDay {
        self.held.iter().map(|held| held.needs_from(today)).min().unwrap_or(today)
    }

    /// The open span, for judging.
    pub(super) fn open(
        &self,
        timeline: &dwell_core::timeline::Timeline,
        now: Boot,
        almanac: &Almanac,
        category: impl Fn(&Subject) -> Option<Category>,
    ) -> Option<Open> {
        let asks = self.asks_for_categories();
        Open::of(timeline, now, almanac, |subject| if asks { category(subject) } else { None })
    }
}
