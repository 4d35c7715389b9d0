//! Rules: what a person has decided about their time.
//!
//! Here is what a rule *is*; what it *means* at a given moment is [`crate::policy`]'s matter.

#[cfg(test)]
pub(crate) mod arbitrary;
mod check;
mod compare;
mod edit;
mod minutes;
mod moves;
mod rule;
mod set;
mod text;
mod week;

pub use check::warnings;
pub use compare::{Comparison, compare, guard, loosens};
pub use edit::{Edit, EditError, describe, in_short};
pub use rule::{
    Amount, AtLimit, Budget, Hours, MAX_EXCEPTIONS, MAX_RULES, MAX_WARNINGS, MAX_WINDOWS, Per, Rule,
    RuleError, RuleId, Snooze, Strict, WithoutExtension, default_warning, new_id,
};
pub use set::{RuleSet, Settings};
pub use text::{MAX_TEXT, RulesText, TextError};
pub use week::{DAY_MINUTES, Days, DaysError, TimeOfDay, Window, WindowError, occurrence};

use crate::time::Millis;

/// A loosening waits this long, in time during which the machine was on.
pub const COOLING: Millis = Millis::from_secs(24 * 3600);
/// When it has waited, it can be confirmed for this long; then it lapses, so that none lies ready for a weak moment.
pub const CONFIRMABLE: Millis = Millis::from_secs(24 * 3600);
/// A rule can be changed freely for this long after it was made, which undoes slips of the finger.
pub const FRESH: Millis = Millis::from_mins(10);
