//! When a change of the rules takes effect: what makes them stricter at once, what loosens them after a wait.
//!
//! Whether a change loosens is not decided here, but where rules are compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Moment, Standing};
use crate::calendar::CivilDay;
use crate::rules::{COOLING, FRESH, Rule, RuleId, Strict};

/// A change, as far as it matters for when it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// It allows something that was not allowed before.
    pub loosens: bool,
    /// The strictest guard of the rules that it loosens, as it was before the change.
    pub guard: Strict,
    /// All rules that it loosens are fresh: see [`Standing::is_fresh`].
    pub fresh: bool,
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ruling {
    /// At once.
    AtOnce,
    /// When it is confirmed, from then on.
    Waits(MachineTime),
    /// Not before this day has started; it is not even kept until then.
    Locked(CivilDay),
}

impl Change {
    /// When it takes effect.
    pub fn ruling(self, moment: &Moment) -> Ruling {
        // A lock that was set by a slip of the finger is one that could last for years.
        if !self.loosens || self.fresh {
            return Ruling::AtOnce;
        }
        match self.guard {
            Strict::Open => Ruling::AtOnce,
            Strict::LockedUntil(day) if moment.today < day => Ruling::Locked(day),
            Strict::Cooling | Strict::LockedUntil(_) => Ruling::Waits(moment.machine + COOLING),
        }
    }
}

/// When rules were made that are fresh still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Made(BTreeMap<RuleId, MachineTime>);

impl Standing {
    /// Whether a rule was made so recently that it can be changed freely. Changing it does not renew that.
    pub fn is_fresh(&self, rule: &RuleId, moment: &Moment) -> bool {
        self.made.0.get(rule).is_some_and(|made| moment.machine < *made + FRESH)
    }

    pub(super) fn note_made(&mut self, before: &[Rule], after: &[Rule], moment: &Moment) {
        let has = |rules: &[Rule], id: &RuleId| rules.iter().any(|rule| &rule.id == id);
        self.made.0.retain(|id, _| has(after, id));
        for rule in after.iter().filter(|rule| !has(before, &rule.id)) {
            self.made.0.insert(rule.id.clone(), moment.machine);
        }
    }

    pub(super) fn settle_made(&mut self, moment: &Moment) {
        self.made.0.retain(|_, made| moment.machine < *made + FRESH);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::World;
    use super::*;

    #[test]
    fn stricter_is_at_once_and_looser_waits() {
        let now = World::new().moment();
        let tomorrow = now.today.plus(1);
        let waits = Ruling::Waits(MachineTime::from_ms(24 * 3_600_000));
        for (loosens, guard, fresh, ruling) in [
            (false, Strict::LockedUntil(tomorrow), false, Ruling::AtOnce),
            (true, Strict::Open, false, Ruling::AtOnce),
            (true, Strict::Cooling, false, waits),
            (true, Strict::Cooling, true, Ruling::AtOnce),
            (true, Strict::LockedUntil(tomorrow), false, Ruling::Locked(tomorrow)),
            (true, Strict::LockedUntil(tomorrow), true, Ruling::AtOnce),
            (true, Strict::LockedUntil(now.today), false, waits),
        ] {
            assert_eq!(Change { loosens, guard, fresh }.ruling(&now), ruling, "{loosens} {guard:?} {fresh}");
        }
    }
}
