//! All that a person has decided: rules, settings that change what is charged, and categories of their own.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::rule::Rule;
use crate::calendar::DayStart;
use crate::subject::{Category, Target};
use crate::time::Millis;

/// Settings that change what is charged, so that they are rules too. `None`: what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Without input for this long the person counts as away, from the last input on.
    pub idle_after: Option<Millis>,
    /// When a day starts.
    pub day_start: Option<DayStart>,
    /// The zone in which days are counted.
    pub zone: Option<Tz>,
}

/// All that is decided, as the text form has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    /// Settings.
    pub settings: Settings,
    /// Categories that the person gives to programs and domains; they win over the built-in ones.
    pub categories: BTreeMap<Target, Category>,
    /// The rules, in the order of the text.
    pub rules: Vec<Rule>,
}
