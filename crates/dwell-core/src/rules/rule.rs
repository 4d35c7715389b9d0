//! One rule: a budget for a target, and what happens when it is used up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::subject::{IdError, Target, private_id};
use crate::time::Millis;

/// At most this many rules: far above what a person can mean, low enough to judge them all at each change.
pub const MAX_RULES: usize = 200;

private_id! {
    /// A rule's id, chosen by the person or made from its target: it says as much as the target does.
    RuleId, 64
}

/// The period for which a budget is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// A dwell day.
    #[default]
    Day,
}

/// What happens when a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AtLimit {
    /// The person is told; nothing else.
    Notify,
    /// Told, and the target's windows are minimised, again whenever they come back.
    #[default]
    Block,
    /// Told, and the target's windows are asked to close.
    Close,
}

macro_rules! words {
    ($type:ty, $what:literal: $($word:literal = $variant:ident),+) => {
        impl $type {
            /// Every word that is understood.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that is typed and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = RuleError;
            fn from_str(text: &str) -> Result<Self, RuleError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(RuleError::UnknownWord { what: $what, words: Self::WORDS.join(", ") }),
                }
            }
        }
    };
}

words!(Per, "period": "day" = Day);
words!(AtLimit, "action at the limit": "notify" = Notify, "block" = Block, "close" = Close);

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A word that is not one of those understood.
    #[error("no such {what}; there is {words}")]
    UnknownWord {
        /// What the word was for.
        what: &'static str,
        /// The words that there are.
        words: String,
    },
    /// More than a day a day.
    #[error("a budget per day is at most 24h")]
    BudgetTooLong,
    /// A warning that would come before the first second is used.
    #[error("the warning would come before anything is used")]
    WarningTooEarly,
    /// A category: what belongs to one is found out when a report is made, not while time is counted.
    #[error("limits on categories are not supported yet")]
    Category,
    /// More rules than are kept.
    #[error("there are {MAX_RULES} rules already")]
    TooMany,
    /// A bad id.
    #[error("the rule's id is bad: {0}")]
    Id(#[from] IdError),
}

/// A budget for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it is about.
    pub target: Target,
    /// How much a period; zero: nothing at all.
    pub amount: Millis,
    /// The period.
    pub per: Per,
    /// How long before the limit the person wants to be warned; zero: not at all; `None`: see [`default_warning`].
    pub warn: Option<Millis>,
    /// What happens at the limit.
    pub at_limit: AtLimit,
}

impl Rule {
    /// How long before the limit the person is warned; zero: not at all.
    pub fn warning(&self) -> Millis {
        self.warn.unwrap_or_else(|| default_warning(self.amount))
    }

    /// Checks that the rule can be kept.
    ///
    /// # Errors
    /// A budget of more than a day, or a warning that would come at once.
    pub fn check(&self) -> Result<(), RuleError> {
        if matches!(self.target, Target::Category(_)) {
            return Err(RuleError::Category);
        }
        if self.amount > Millis::from_mins(24 * 60) {
            return Err(RuleError::BudgetTooLong);
        }
        if self.warning() > Millis::ZERO && self.warning() >= self.amount {
            return Err(RuleError::WarningTooEarly);
        }
        Ok(())
    }
}

/// The warning when the person names none: the smaller of five minutes and a fifth of the amount.
pub fn default_warning(amount: Millis) -> Millis {
    Millis::from_mins(5).min(Millis::from_ms(amount.as_ms() / 5))
}

/// An id for a rule on `target` that none of `taken` has: the target's last word, with a number when needed.
///
/// # Errors
/// Never in practice: the made id is short and plain.
pub fn new_id(target: &Target, taken: &[Rule]) -> Result<RuleId, RuleError> {
    let text = match target {
        Target::App(app) => app.as_str(),
        Target::Domain(domain) => domain.as_str(),
        Target::Category(category) => category.as_str(),
        Target::All => "all",
    };
    // org.mozilla.firefox → firefox; example.org stays whole, for there the front says more.
    let word = match target {
        Target::App(_) => text.rsplit('.').find(|part| !part.is_empty()).unwrap_or(text),
        Target::Domain(_) | Target::Category(_) | Target::All => text,
    };
    let mut slug = String::new();
    for c in word.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() || c == '.' {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let slug = slug.trim_matches(['-', '.']);
    let slug = if slug.is_empty() { "rule" } else { slug };
    let mut id = slug.to_owned();
    let mut number = 2;
    while taken.iter().any(|rule| rule.id.as_str() == id) {
        id = format!("{slug}-{number}");
        number += 1;
    }
    Ok(RuleId::new(id)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_from_targets() {
        let id = |target: &str, taken: &[Rule]| {
            new_id(&target.parse().unwrap(), taken).unwrap().as_str().to_owned()
        };
        assert_eq!(id("app:org.mozilla.firefox", &[]), "firefox");
        assert_eq!(id("app:AppA", &[]), "appa");
        assert_eq!(id("domain:example.org", &[]), "example.org");
        assert_eq!(id("all", &[]), "all");
        assert_eq!(id("app:日本", &[]), "rule");
        assert_eq!(id("app:foo.exe (x86)", &[]), "exe-x86");
        let taken = Rule {
            id: RuleId::new("firefox").unwrap(),
            target: Target::All,
            amount: Millis::from_mins(1),
            per: Per::Day,
            warn: None,
            at_limit: AtLimit::Block,
        };
        assert_eq!(id("app:firefox", &[taken]), "firefox-2");
    }

    #[test]
    fn absurd_rules_are_refused() {
        let rule = |target: &str, amount: &str, warn: &str| {
            Rule {
                id: RuleId::new("r").unwrap(),
                target: target.parse().unwrap(),
                amount: amount.parse().unwrap(),
                per: Per::Day,
                warn: Some(warn.parse().unwrap()),
                at_limit: AtLimit::Block,
            }
            .check()
        };
        assert_eq!(rule("all", "24h", "5m"), Ok(()));
        assert_eq!(rule("all", "0s", "0s"), Ok(()));
        assert_eq!(rule("all", "25h", "5m"), Err(RuleError::BudgetTooLong));
        assert_eq!(rule("all", "5m", "5m"), Err(RuleError::WarningTooEarly));
        assert_eq!(rule("category:video", "5m", "1m"), Err(RuleError::Category));
        assert!("blok".parse::<AtLimit>().unwrap_err().to_string().contains("notify, block, close"));
    }

    #[test]
    fn the_warning_is_five_minutes_or_a_fifth() {
        assert_eq!(default_warning(Millis::from_mins(60)), Millis::from_mins(5));
        assert_eq!(default_warning(Millis::from_secs(3)), Millis::from_ms(600));
    }
}
