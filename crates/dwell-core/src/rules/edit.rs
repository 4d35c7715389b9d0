//! Changes of a set of rules: as values that can wait, and as lines for people.
//!
//! # What becomes of a change that waited
//!
//! A loosening is applied a day after it was asked for, to a set that may have changed meanwhile:
//!
//! | change | meanwhile | result |
//! |---|---|---|
//! | [`Edit::Put`] | the rule was changed | it is as this change has it: nothing of the other change is left |
//! | [`Edit::Put`] | the rule was removed | it is added again |
//! | [`Edit::Remove`] | the rule was removed | [`EditError::NoSuchRule`] |
//! | [`Edit::Import`] | anything | the set is the imported one: whatever came meanwhile is gone |
//! | [`Edit::Category`] | the category was changed | it is as this change has it |
//! | [`Edit::Category`] to none | the category was taken away | no change, no error |
//!
//! So a change may loosen more than it did when it was asked for (an import drops a rule that was added since). Who
//! applies it compares anew (see [`crate::rules::guard`]) with the set as it is at that moment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rule::{Amount, Hours, Rule, RuleId, Strict, WithoutExtension};
use super::set::RuleSet;
use super::text::{RulesText, TextError, by_id, of_rule};
use super::week::{Days, Window};
use crate::subject::{Category, Target};

/// One change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub enum Edit {
    /// Adds a rule, or puts it in place of the one with its id. Stored as the rule's text, the one form that rules have.
    Put(Rule),
    /// Removes a rule.
    Remove(RuleId),
    /// Puts this text in place of everything.
    Import(String),
    /// Gives a program or a domain a category; `None`: takes it away.
    Category(Target, Option<Category>),
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put(_) => "Put(‹redacted›)",
            Self::Remove(_) => "Remove(‹redacted›)",
            Self::Import(_) => "Import(‹redacted›)",
            Self::Category(..) => "Category(‹redacted›)",
        })
    }
}

/// How a change is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stored {
    Put(String),
    Remove(RuleId),
    Import(String),
    Category { target: Target, category: Option<Category> },
}

impl From<Edit> for Stored {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Put(rule) => Self::Put(of_rule(&rule)),
            Edit::Remove(id) => Self::Remove(id),
            Edit::Import(text) => Self::Import(text),
            Edit::Category(target, category) => Self::Category { target, category },
        }
    }
}

impl TryFrom<Stored> for Edit {
    type Error = EditError;
    fn try_from(stored: Stored) -> Result<Self, EditError> {
        Ok(match stored {
            Stored::Put(text) => {
                let mut set = RulesText::parse(&text)?.set().clone();
                match (set.rules.pop(), set == RuleSet::default()) {
                    (Some(rule), true) => Self::Put(rule),
                    _ => return Err(EditError::NotOneRule),
                }
            }
            Stored::Remove(id) => Self::Remove(id),
            Stored::Import(text) => Self::Import(text),
            Stored::Category { target, category } => Self::Category(target, category),
        })
    }
}

/// Why a change cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text that would come about, or that is imported, is wrong.
    #[error(transparent)]
    Text(#[from] TextError),
    /// There is no rule of this id to remove.
    #[error("there is no such rule; perhaps it was removed meanwhile")]
    NoSuchRule(RuleId),
    /// The stored text of a rule is not that of exactly one rule.
    #[error("this is not the text of one rule")]
    NotOneRule,
}

impl Edit {
    /// The text after this change. The old one is as it was.
    ///
    /// # Errors
    /// The change cannot be made, also because of what changed meanwhile (see this module's table).
    pub fn apply(&self, text: &RulesText) -> Result<RulesText, EditError> {
        let mut new = text.clone();
        match self {
            Self::Put(rule) => new.put(rule)?,
            Self::Remove(id) if !new.remove(id) => return Err(EditError::NoSuchRule(id.clone())),
            Self::Remove(_) => {}
            Self::Import(imported) => new = RulesText::parse(imported)?,
            Self::Category(target, category) => new.set_category(target, category.as_ref())?,
        }
        Ok(new)
    }
}

/// What a change does, a plain line for each thing: rules in the order of the new set, then those that are gone, then
/// settings and categories. Empty where nothing changes. For people; private.
pub fn describe(old: &RuleSet, new: &RuleSet) -> Vec<String> {
    let mut lines = Vec::new();
    let (before, after) = (by_id(old), by_id(new));
    for rule in &new.rules {
        match before.get(&rule.id) {
            None => lines.push(format!("added: {}", summary(rule))),
            Some(old) => lines.extend(differences(old, rule)),
        }
    }
    let gone = old.rules.iter().filter(|rule| !after.contains_key(&rule.id));
    lines.extend(gone.map(|rule| format!("removed: {}", summary(rule))));
    let (from, to) = (&old.settings, &new.settings);
    let said = |text: Option<String>| text.unwrap_or_else(|| "as configured".to_owned());
    for (name, from, to) in [
        (
            "idle-after",
            from.idle_after.map(|idle| idle.to_string()),
            to.idle_after.map(|idle| idle.to_string()),
        ),
        (
            "day-start",
            from.day_start.map(|start| start.to_string()),
            to.day_start.map(|start| start.to_string()),
        ),
        ("zone", from.zone.map(|zone| zone.to_string()), to.zone.map(|zone| zone.to_string())),
    ] {
        if from != to {
            lines.push(format!("{name}: {} → {}", said(from), said(to)));
        }
    }
    let mut targets: Vec<&Target> = old.categories.keys().chain(new.categories.keys()).collect();
    targets.sort_unstable();
    targets.dedup();
    for target in targets {
        let (from, to) = (old.categories.get(target), new.categories.get(target));
        if from != to {
            let name = |category: Option<&Category>| category.map_or("none", Category::as_str).to_owned();
            lines.push(format!("category of {target}: {} → {}", name(from), name(to)));
        }
    }
    lines
}

/// `evening-video (category:video, 45m a day)`
fn summary(rule: &Rule) -> String {
    format!("{} ({})", rule.id.as_str(), in_short(rule))
}

/// `category:video, 45m a day`: what a rule is about, how much it gives, and when. For people; private.
pub fn in_short(rule: &Rule) -> String {
    let mut parts = vec![rule.target.to_string()];
    parts.extend(rule.budget.is_some().then(|| budget(rule)));
    parts.extend((rule.hours != Hours::Any).then(|| hours(rule)));
    parts.extend((rule.days != Days::ALL).then(|| days(rule)));
    parts.join(", ")
}

fn differences(old: &Rule, new: &Rule) -> Vec<String> {
    type Say = fn(&Rule) -> String;
    let parts: [(&str, Say); 13] = [
        ("", |rule| rule.target.to_string()),
        ("", budget),
        ("", hours),
        ("", days),
        ("not counted: ", |rule| list(&rule.count_free)),
        ("warning: ", |rule| match rule.warnings().as_slice() {
            [] => "none".to_owned(),
            some => list(some),
        }),
        ("at the limit: ", |rule| rule.at_limit.to_string()),
        ("snooze: ", snooze),
        ("sentence: ", |rule| {
            rule.snooze.sentence.as_ref().map_or("none".to_owned(), |said| format!("“{said}”"))
        }),
        ("loosened: ", |rule| match rule.strict {
            Strict::Open => "at once".to_owned(),
            Strict::Cooling => "after a wait".to_owned(),
            Strict::LockedUntil(day) => format!("not before {day}"),
        }),
        ("except: ", |rule| list(&rule.except)),
        ("browsers without the extension: ", |rule| match rule.without_extension {
            WithoutExtension::Ignore => "not its matter".to_owned(),
            WithoutExtension::Block => "put away while it blocks".to_owned(),
            WithoutExtension::CountAll => "count, and put away while it blocks".to_owned(),
        }),
        ("carried over: ", |rule| if rule.rollover { "what is left" } else { "nothing" }.to_owned()),
    ];
    let id = new.id.as_str();
    let mut lines = Vec::new();
    for (what, say) in parts {
        let (from, to) = (say(old), say(new));
        // A default warning moves with its budget: that is no decision of the person's.
        let follows = what == "warning: " && old.warn == new.warn;
        if from != to && !follows {
            lines.push(format!("{id}: {what}{from} → {to}"));
        }
    }
    lines
}

pub(super) fn budget(rule: &Rule) -> String {
    let Some(budget) = rule.budget else { return "no budget".to_owned() };
    let per = match budget.per.as_str() {
        "hour" => "an hour".to_owned(),
        other => format!("a {other}"),
    };
    match budget.amount {
        Amount::Time(time) => format!("{time} {per}"),
        Amount::Opens(1) => format!("1 visit {per}"),
        Amount::Opens(opens) => format!("{opens} visits {per}"),
    }
}

fn hours(rule: &Rule) -> String {
    let windows = |windows: &[Window]| list(windows);
    match &rule.hours {
        Hours::Any => "at all hours".to_owned(),
        Hours::Blocked(blocked) => format!("blocked {}", windows(blocked)),
        Hours::Allowed(allowed) => format!("only {}", windows(allowed)),
    }
}

fn days(rule: &Rule) -> String {
    if rule.days == Days::ALL { "every day".to_owned() } else { rule.days.to_string() }
}

fn snooze(rule: &Rule) -> String {
    let snooze = &rule.snooze;
    match snooze.per_day {
        0 => "never".to_owned(),
        times => format!("{}, {times} a day, after {}", snooze.length, snooze.wait),
    }
}

fn list<T: fmt::Display>(things: &[T]) -> String {
    if things.is_empty() {
        return "none".to_owned();
    }
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::arbitrary::{any_change, any_rule};
    use super::*;

    fn text(text: &str) -> RulesText {
        RulesText::parse(text).unwrap()
    }

    const TWO: &str = "[[rule]]\nid = \"firefox\"\ntarget = \"app:firefox\"\nbudget = \"30m\"\n\n\
        [[rule]]\nid = \"evening-video\"\ntarget = \"category:video\"\nbudget = \"45m\"\nblocked = \"22:00-07:00\"\n";

    #[test]
    fn changes_are_said_in_plain_lines() {
        let old = text(&format!("{TWO}[categories]\n\"domain:x.org\" = \"social\"\n"));
        let new = text(
            "[[rule]]\nid = \"firefox\"\ntarget = \"app:firefox\"\nbudget = \"45m\"\ndays = \"mon-fri\"\n\
             strict = \"locked-until 2026-12-31\"\nat-limit = \"close\"\nwarn = []\nexcept = \"domain:docs.rs\"\n\
             snooze = { per-day = 1, sentence = \"no\" }\nrollover = true\ncount-free = \"12:00-13:00\"\n\
             [[rule]]\nid = \"a\"\ntarget = \"all\"\nbudget = { opens = 5, per = \"hour\" }\n\
             [settings]\nidle-after = \"5m\"\nzone = \"UTC\"\n",
        );
        let lines = describe(old.set(), new.set());
        insta::assert_snapshot!(lines.join("\n"), @"
        firefox: 30m a day → 45m a day
        firefox: every day → mon-fri
        firefox: not counted: none → 12:00-13:00
        firefox: warning: 5m → none
        firefox: at the limit: block → close
        firefox: snooze: 5m, 3 a day, after 20s → 5m, 1 a day, after 20s
        firefox: sentence: none → “no”
        firefox: loosened: after a wait → not before 2026-12-31
        firefox: except: none → domain:docs.rs
        firefox: carried over: nothing → what is left
        added: a (all, 5 visits an hour)
        removed: evening-video (category:video, 45m a day, blocked 22:00-07:00)
        idle-after: as configured → 5m
        zone: as configured → UTC
        category of domain:x.org: social → none
        ");
        assert_eq!(describe(old.set(), old.set()), Vec::<String>::new());
        // A default warning follows its budget without being named.
        let longer = text(&TWO.replace("30m", "20m"));
        assert_eq!(describe(text(TWO).set(), longer.set()), ["firefox: 30m a day → 20m a day"]);
    }

    #[test]
    fn a_change_that_waited_meets_what_came_meanwhile() {
        let old = text(TWO);
        let firefox = old.set().rules[0].clone();
        let without = Edit::Remove(firefox.id.clone()).apply(&old).unwrap();
        assert_eq!(without.set().rules.len(), 1);
        // Removed meanwhile.
        assert_eq!(Edit::Put(firefox.clone()).apply(&without).unwrap().set().rules[1], firefox);
        let error = Edit::Remove(firefox.id.clone()).apply(&without).unwrap_err();
        assert_eq!(error, EditError::NoSuchRule(firefox.id.clone()));
        assert_eq!(error.to_string(), "there is no such rule; perhaps it was removed meanwhile");
        // An import is all that there is then.
        assert_eq!(Edit::Import(TWO.into()).apply(&without).unwrap(), old);
        assert!(
            matches!(Edit::Import("[rule]".into()).apply(&old), Err(EditError::Text(error)) if error.line == 1)
        );
        let target: Target = "app:firefox".parse().unwrap();
        let given = Edit::Category(target.clone(), Category::new("garden").ok()).apply(&old).unwrap();
        assert_eq!(given.set().categories.len(), 1);
        let taken = Edit::Category(target.clone(), None);
        assert_eq!(taken.apply(&given).unwrap().set(), old.set());
        assert_eq!(taken.apply(&old).unwrap(), old);
    }

    #[test]
    fn a_stored_change_is_checked() {
        let json = |edit: &Edit| serde_json::to_string(edit).unwrap();
        let edit = Edit::Put(text(TWO).set().rules[0].clone());
        assert_eq!(
            json(&edit),
            r#"{"put":"[[rule]]\nid = \"firefox\"\ntarget = \"app:firefox\"\nbudget = { amount = \"30m\", per = \"day\" }\n"}"#
        );
        for wrong in [
            r#"{"put":""}"#,
            r#"{"put":"[[rule]]\ntarget = \"all\"\nbudget = \"1h\"\n[settings]\nzone = \"UTC\""}"#,
            r#"{"put":"[[rule]]\ntarget = \"all\"\nbudget = \"25h\""}"#,
            r#"{"remove":""}"#,
            r#"{"category":{"target":"x","category":null}}"#,
        ] {
            assert!(serde_json::from_str::<Edit>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(format!("{edit:?}"), "Put(‹redacted›)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn edits_are_stored_and_read_back(rule in any_rule("ü \"3\" \\"), (old, new) in any_change()) {
            let edits = [
                Edit::Put(rule.clone()),
                Edit::Remove(rule.id),
                Edit::Import("[settings]\n".into()),
                Edit::Category(rule.target, new.categories.values().next().cloned()),
            ];
            for edit in edits {
                let stored = serde_json::to_string(&edit).unwrap();
                prop_assert_eq!(serde_json::from_str::<Edit>(&stored).unwrap(), edit);
            }
            // Nothing that comes or goes is left unsaid.
            let lines = describe(&old, &new);
            for rule in old.rules.iter().filter(|rule| new.rules.iter().all(|new| new.id != rule.id)) {
                let said = format!("removed: {}", summary(rule));
                prop_assert!(lines.contains(&said));
            }
            for rule in new.rules.iter().filter(|rule| old.rules.iter().all(|old| old.id != rule.id)) {
                let said = format!("added: {}", summary(rule));
                prop_assert!(lines.contains(&said));
            }
        }
    }
}
