//! Rules: what a person has decided about their time.
//!
//! Here is what a rule *is*; what it *means* at a given moment is [`crate::policy`]'s matter.

mod rule;

pub use rule::{AtLimit, MAX_RULES, Per, Rule, RuleError, RuleId, default_warning, new_id};
