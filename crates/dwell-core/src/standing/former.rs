//! Slips when a rule is made stricter: for a while the rule as it was just before can be had back at once.
//!
//! Only just that rule, and only while all that it depends on beside it is as it was: what was in force a moment ago is in
//! force again, and nothing looser ever is. Of several changes in a row it is the last one that can be taken back; a rule
//! that is fresh needs none of this.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::machine::MachineTime;
use super::{Moment, Standing};
use crate::rules::{Comparison, FRESH, Rule, RuleId, RuleSet, RulesText, compare};

/// A rule as it was before it was made stricter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Former {
    /// Its text, as a set of its own. As text, so that a version that does not understand it still reads the rest.
    rule: String,
    until: MachineTime,
    /// Stands for all that decided what it meant.
    #[serde(rename = "beside")]
    surroundings: u64,
}

/// Private, as rules are.
impl fmt::Debug for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Former(‹redacted›)")
    }
}

/// Rules as they were, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct FormerRules(BTreeMap<RuleId, Former>);

impl FormerRules {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Standing {
    /// Takes note of which rules were made stricter. `surroundings` stands for all that decides what rules mean beside
    /// themselves: settings, categories, aliases. It must not have changed together with them.
    pub fn note_tightened(&mut self, before: &[Rule], after: &[Rule], surroundings: u64, moment: &Moment) {
        self.former.0.retain(|id, _| after.iter().any(|rule| rule.id == *id));
        for new in after {
            let Some(old) = before.iter().find(|old| old.id == new.id) else { continue };
            match compare(&alone(old), &alone(new)) {
                Comparison::Same => {}
                Comparison::Tighter if !self.is_fresh(&new.id, moment) => {
                    let until = moment.machine + FRESH;
                    let former = text_of(old).map(|rule| Former { rule, until, surroundings });
                    match former {
                        Some(former) => self.former.0.insert(new.id.clone(), former),
                        None => self.former.0.remove(&new.id),
                    };
                }
                Comparison::Tighter | Comparison::Looser | Comparison::Mixed => {
                    self.former.0.remove(&new.id);
                }
            }
        }
    }

    /// Forgets them all: something beside the rules has changed with them.
    pub fn forget_former_rules(&mut self) {
        self.former.0.clear();
    }

    /// Whether a rule is just as it was before it was made stricter a moment ago. Warnings limit nothing, and are not
    /// looked at.
    pub fn is_former(&self, rule: &Rule, surroundings: u64, moment: &Moment) -> bool {
        self.former.0.get(&rule.id).is_some_and(|former| {
            moment.machine < former.until
                && former.surroundings == surroundings
                && is_text_of(&former.rule, rule)
        })
    }

    pub(super) fn settle_former(&mut self, moment: &Moment) {
        self.former.0.retain(|_, former| moment.machine < former.until);
    }
}

fn alone(rule: &Rule) -> RuleSet {
    RuleSet { rules: vec![rule.clone()], ..RuleSet::default() }
}

/// A rule's text, without its warnings; none where it is one that no text can have.
fn text_of(rule: &Rule) -> Option<String> {
    let mut text = RulesText::default();
    text.put(&without_warnings(rule)).ok()?;
    Some(text.to_text())
}

/// Whether a text is that of a rule but for its warnings. One that is not understood is that of none.
fn is_text_of(text: &str, rule: &Rule) -> bool {
    RulesText::parse(text).is_ok_and(|text| text.set().rules == [without_warnings(rule)])
}

fn without_warnings(rule: &Rule) -> Rule {
    Rule { warn: None, ..rule.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MINUTE, World, rule};
    use super::*;
    use crate::rules::{Amount, AtLimit, Budget, Per, Strict};
    use crate::time::Millis;
    use proptest::prelude::*;

    fn of(minutes: u64) -> Rule {
        let budget = Budget { amount: Amount::Time(Millis::from_mins(minutes)), per: Per::Day };
        Rule { budget: Some(budget), ..rule("a", "app:a", Strict::Cooling) }
    }

    fn change(world: &mut World, before: &Rule, after: &Rule) {
        let now = world.moment();
        world.standing.note_tightened(std::slice::from_ref(before), std::slice::from_ref(after), 7, &now);
        world.standing.rules_changed(std::slice::from_ref(before), std::slice::from_ref(after), &now);
    }

    fn is_former(world: &World, rule: &Rule) -> bool {
        world.standing.is_former(rule, 7, &world.moment())
    }

    #[test]
    fn only_the_last_rule_and_only_for_ten_minutes() {
        let mut world = World::new();
        change(&mut world, &of(60), &of(30));
        assert!(is_former(&world, &of(60)) && !is_former(&world, &of(59)) && !is_former(&world, &of(61)));
        assert!(is_former(&world, &Rule { warn: Some(vec![]), ..of(60) }));
        let kept = serde_json::to_string(&world.standing.former).unwrap();
        insta::assert_snapshot!(kept, @r#"{"a":{"rule":"[[rule]]\nid = \"a\"\ntarget = \"app:a\"\nbudget = { amount = \"1h\", per = \"day\" }\n","until":600000,"beside":7}}"#);
        assert!(!format!("{:?}", world.standing.former).contains("app:a"));
        assert!(!is_former(&world, &Rule { at_limit: AtLimit::Notify, ..of(60) }));
        assert!(!world.standing.is_former(&of(60), 8, &world.moment()), "something beside it is another");
        // A change that limits nothing leaves it.
        change(&mut world, &of(30), &Rule { warn: Some(vec![]), ..of(30) });
        world.reboot(MINUTE);
        assert!(is_former(&world, &of(60)), "it is kept");
        world.advance(9 * MINUTE);
        change(&mut world, &of(30), &of(20));
        assert!(!is_former(&world, &of(60)) && is_former(&world, &of(30)));
        world.advance(10 * MINUTE - 1);
        assert!(is_former(&world, &of(30)));
        world.advance(1);
        assert!(!is_former(&world, &of(30)));
        assert_eq!(world.settle(), []);
        assert_eq!(world.standing.former, FormerRules::default());
    }

    #[test]
    fn a_text_of_a_later_version_is_read_and_equals_nothing() {
        let mut world = World::new();
        change(&mut world, &of(60), &of(30));
        let kept = serde_json::to_string(&world.standing).unwrap();
        let later = kept.replace("app:a", "planet:a");
        assert_ne!(kept, later);
        world.standing = serde_json::from_str(&later).unwrap();
        assert!(!is_former(&world, &of(60)));
        world.standing = serde_json::from_str(&kept).unwrap();
        assert!(is_former(&world, &of(60)));
    }

    #[test]
    fn what_is_taken_back_or_gone_is_not_had_twice() {
        let mut world = World::new();
        change(&mut world, &of(60), &of(30));
        change(&mut world, &of(30), &of(60));
        assert!(!is_former(&world, &of(60)) && !is_former(&world, &of(30)));
        change(&mut world, &of(60), &of(30));
        let now = world.moment();
        world.standing.note_tightened(&[of(30)], &[], 7, &now);
        assert!(!is_former(&world, &of(60)));
        change(&mut world, &of(60), &of(30));
        world.standing.forget_former_rules();
        assert!(!is_former(&world, &of(60)));
    }

    #[test]
    fn a_fresh_rule_lends_none_of_its_time() {
        let mut world = World::new();
        world.standing.rules_changed(&[], &[of(600)], &world.moment());
        change(&mut world, &of(600), &of(30));
        world.advance(10 * MINUTE);
        assert!(!is_former(&world, &of(600)));
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let at_limit =
            prop::sample::select(vec![AtLimit::Notify, AtLimit::Block, AtLimit::Close, AtLimit::Freeze]);
        let strict = prop::sample::select(vec![Strict::Open, Strict::Cooling]);
        (1_u64..4, at_limit, strict, prop::bool::ANY).prop_map(|(hours, at_limit, strict, silent)| Rule {
            at_limit,
            strict,
            warn: silent.then(Vec::new),
            ..of(hours * 60)
        })
    }

    proptest! {
        /// Whatever is changed into whatever: what can be had back was in force in the last ten minutes, and all since then
        /// has been as strict as that.
        #[test]
        fn nothing_looser_than_what_was_in_force(
            rules in prop::collection::vec((any_rule(), 0_u64..8), 2..8),
            other in any_rule(),
        ) {
            let mut world = World::new();
            let mut past: Vec<(u64, Rule)> = vec![(0, rules[0].0.clone())];
            for ((old, _), (new, minutes)) in rules.iter().zip(&rules[1..]) {
                world.advance(minutes * MINUTE);
                change(&mut world, old, new);
                past.push((world.on, new.clone()));
                if is_former(&world, &other) {
                    let was = |rule: &Rule| without_warnings(rule) == without_warnings(&other);
                    let last = past.iter().rposition(|(_, rule)| was(rule)).unwrap();
                    let (ended, _) = past[last + 1];
                    prop_assert!(world.on < ended + FRESH.as_ms());
                    for (_, since) in &past[last + 1..] {
                        prop_assert!(!compare(&alone(&other), &alone(since)).loosens());
                    }
                }
            }
        }
    }
}
