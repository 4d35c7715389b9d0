//! What the rules say at a moment.

use std::sync::Arc;

use crate::ledger::Tally;
use crate::rules::{Amount, Rule, RuleId};
use crate::time::{Boot, Millis, Wall};

/// What a rule says at a moment, mildest first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Within the limit.
    #[default]
    Allowed,
    /// Near the limit; or beyond it, where the rule only notifies.
    Warn,
    /// Beyond it.
    Blocked,
}

impl Verdict {
    /// The word of machine-readable output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Warn => "warn",
            Self::Blocked => "blocked",
        }
    }
}

/// What brought a rule to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// The time is used up.
    Budget,
    /// The visits are used up.
    Opens,
    /// It is not the time of day.
    Hours,
}

impl Because {
    /// The word of machine-readable output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Opens => "opens",
            Self::Hours => "hours",
        }
    }
}

/// How far a rule has come.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Within the limit.
    #[default]
    Within,
    /// So many of its warnings are due.
    Warned(u8),
    /// At its limit.
    Reached,
}

/// One rule at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What it says.
    pub verdict: Verdict,
    /// What brought it to its limit, whatever that leads to; `None`: it is within.
    pub because: Option<Because>,
    /// The number of the running period of its budget (see [`crate::ledger::Meter`]); 0: it has none.
    pub period: i64,
    /// Used in the running period.
    pub used: Tally,
    /// What the running period gives in all, with what was carried over; `None`: there is no budget of time.
    pub budget: Option<Millis>,
    /// When the verdict ends by itself; `None` while allowed.
    pub until: Option<Wall>,
    /// When the running period ends and the budget is whole again.
    pub renews: Wall,
    /// How far it has come: what the person has been told of.
    pub stage: Stage,
    /// It is suspended: it says nothing.
    pub suspended: bool,
    /// It is put off until then, on the boot clock.
    pub snoozed_until: Option<Boot>,
    /// When the block by hours begins that a warning is about.
    pub closes: Option<Wall>,
}

impl Judged {
    /// The rule's id.
    pub fn id(&self) -> &RuleId {
        &self.rule.id
    }

    /// Whether the limit is reached, whatever that leads to.
    pub const fn reached(&self) -> bool {
        self.because.is_some()
    }

    /// What is left of the budget of time; `None`: there is none.
    pub fn left(&self) -> Option<Millis> {
        self.budget.map(|budget| budget.saturating_sub(self.used.time))
    }

    /// The visits that the running period gives; `None`: they are not limited.
    pub fn opens(&self) -> Option<u32> {
        match self.rule.budget?.amount {
            Amount::Opens(opens) => Some(opens),
            Amount::Time(_) => None,
        }
    }
}

/// All rules at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Verdicts {
    /// One entry a rule, in the rules' order.
    pub rules: Vec<Judged>,
    /// The boot instant at which charging the running subject, or the end of a snooze, changes a verdict, if nothing else
    /// happens before.
    pub next_boot: Option<Boot>,
    /// The wall instant at which the time of day changes a verdict. The day's end is not among them: everything is judged
    /// anew then.
    pub next_wall: Option<Wall>,
}

impl Verdicts {
    /// The strictest rule among some: by verdict, then by the end that is furthest away.
    pub fn strictest(&self, applies: impl Fn(&Judged) -> bool) -> Option<&Judged> {
        self.rules.iter().filter(|j| applies(j)).max_by_key(|j| (j.verdict, j.until, j.because.is_some()))
    }

    /// What a rule says.
    pub fn find(&self, id: &RuleId) -> Option<&Judged> {
        self.rules.iter().find(|judged| judged.id() == id)
    }
}
