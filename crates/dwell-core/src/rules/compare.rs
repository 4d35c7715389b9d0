//! Whether a change of the rules is tighter or looser, and how strictly what it loosens is kept.
//!
//! Stricter is instant, looser waits: this is what decides which is which. The one question asked is whether a new set
//! is *at least as strict* as an old one, that is: whatever the new one lets happen, the old one would have let happen
//! too. [`Comparison`] asks it both ways, so a change and its inverse are never both tighter, and no field has a rule
//! for one direction only. Where it cannot be shown, it is not so: in doubt a change is [`Comparison::Mixed`] and waits.
//!
//! # A rule
//!
//! Rules are matched by their id; one that is added is tighter, one that is removed is looser. A rule is as strict as its
//! old self when every one of these is:
//!
//! | field | as strict where | note |
//! |---|---|---|
//! | target | it covers the old target | `all` covers everything, `app:foot` covers `app:foot/vim`; of others none covers another |
//! | except | each exception is covered by an old one, or touches nothing of the old target | |
//! | target, except, categories, with a budget of visits | nothing of these changes | what is one visit to more is several visits to less |
//! | budget | there was none; or it is nothing at all; or kind and period are the same and it is not larger | also time per week or month instead of time per day, when not larger and without rollover: what is used in a day is used in its week. All else that changes kind or period is mixed |
//! | rollover | it is off, or was on | a period in which less is charged leaves more over, so more days leave less: a day without the rule leaves all of it |
//! | without-extension | ignore < block < count-all | a rule about all needs none; with a budget of visits any change is mixed |
//! | hours | the blocked minutes of the week include the old ones | see [`super::minutes`]; for every usual day start where the settings name none |
//! | days, count-free | with a budget: the days include the old ones, and the minutes that are charged include the old ones | a window of a new day may reach into an old one: mixed |
//! | at-limit | notify < block < close < lock and block < freeze < lock | close and freeze: mixed |
//! | snooze | none; or there was one and it is no longer, no more often, after no shorter a wait, with a sentence that is no shorter if there was one | typing is what slows down: other words of the same length are the same, white space is none |
//! | strict | open < cooling < locked-until, the later day the stricter | |
//! | warn, the order of rules | always | they limit nothing |
//!
//! # The rest
//!
//! What limits no rule is the same.
//!
//! | | as strict where | note |
//! |---|---|---|
//! | idle-after | it is as long or longer: more is charged | unknown against known is mixed; with a rule on visits any change is mixed, for a longer wait joins visits |
//! | day-start, zone | they are the same | |
//! | categories | no program or domain falls out of what a rule covers | see [`super::moves`]: what a rule's target loses is looser, what it gains tighter, and with an exception it is the other way round |
//!
//! At the seam of two days or of hours that count, one visit may be counted once instead of twice; that is not regarded.

use super::minutes::{Minutes, day_starts};
use super::moves::moves;
use super::rule::{Amount, AtLimit, Budget, Per, Rule, Snooze, Strict, WithoutExtension};
use super::set::{RuleSet, Settings};
use super::text::by_id;
use super::text::of_rule;
use crate::calendar::DayStart;
use crate::subject::{Category, Target};
use crate::time::Millis;

/// What a change does to how much is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing: it may be made at once.
    Same,
    /// More is limited, nothing less: it may be made at once.
    Tighter,
    /// Less is limited: it waits.
    Looser,
    /// Some of both, or it cannot be told: it waits.
    Mixed,
}

impl Comparison {
    /// Two changes together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, one) | (one, Self::Same) => one,
            (Self::Tighter, Self::Tighter) => Self::Tighter,
            (Self::Looser, Self::Looser) => Self::Looser,
            _ => Self::Mixed,
        }
    }

    /// Whether something is loosened, or may be.
    pub const fn loosens(self) -> bool {
        matches!(self, Self::Looser | Self::Mixed)
    }

    const fn of(as_strict: bool, was_as_strict: bool) -> Self {
        match (as_strict, was_as_strict) {
            (true, true) => Self::Same,
            (true, false) => Self::Tighter,
            (false, true) => Self::Looser,
            (false, false) => Self::Mixed,
        }
    }
}

/// What the change from `old` to `new` does.
#[must_use]
pub fn compare(old: &RuleSet, new: &RuleSet) -> Comparison {
    Comparison::of(is_as_strict(new, old), is_as_strict(old, new))
}

/// How strictly that is kept which the change from `old` to `new` would loosen: the strictest of the old rules that
/// would be removed or loosened, or that a setting or category affects which would be. [`Strict::Open`] where nothing
/// is loosened.
#[must_use]
pub fn guard(old: &RuleSet, new: &RuleSet) -> Strict {
    loosened(new, old).into_iter().map(|rule| rule.strict).max().unwrap_or(Strict::Open)
}

/// The old rules that the change from `old` to `new` would remove or loosen, each as its text. A change that waits was
/// asked for with these in view: whether it would loosen others by now shows in them. Private.
#[must_use]
pub fn loosens(old: &RuleSet, new: &RuleSet) -> Vec<String> {
    loosened(new, old).into_iter().map(of_rule).collect()
}

fn is_as_strict(new: &RuleSet, old: &RuleSet) -> bool {
    loosened(new, old).is_empty()
}

/// The old rules of which the new set is not known to be as strict.
fn loosened<'a>(new: &RuleSet, old: &'a RuleSet) -> Vec<&'a Rule> {
    let after = by_id(new);
    let (moves, back) = (moves(old, new), moves(new, old));
    let same_days = same_days(&new.settings, &old.settings);
    let idle_holds = idle_holds(&new.settings, &old.settings);
    let known = old.settings.day_start;
    let same_idle = new.settings.idle_after == old.settings.idle_after;
    let holds = |new: &Rule, old: &Rule| {
        let visits = both_count_visits(new, old);
        same_days
            && (idle_holds || old.budget.is_none())
            && (same_idle || !visits)
            && new.strict >= old.strict
            && moves.iter().all(|moved| moved.holds(new, old))
            && (!visits || back.iter().all(|moved| moved.holds(old, new)))
            && limits_hold(new, old, known)
    };
    old.rules.iter().filter(|old| !after.get(&old.id).is_some_and(|new| holds(new, old))).collect()
}

fn same_days(new: &Settings, old: &Settings) -> bool {
    (new.day_start, new.zone) == (old.day_start, old.zone)
}

fn idle_holds(new: &Settings, old: &Settings) -> bool {
    match (new.idle_after, old.idle_after) {
        (Some(new), Some(old)) => new >= old,
        (new, old) => new == old,
    }
}

/// Whether both budgets count visits; one that gives none at all does not count.
fn both_count_visits(new: &Rule, old: &Rule) -> bool {
    let counts = |rule: &Rule| rule.opens().is_some_and(|opens| opens > 0);
    counts(new) && counts(old)
}

/// Whether a rule limits at least what another one limits, as long as categories stay as they are, and days start when
/// they do now.
pub(super) fn limits_hold(new: &Rule, old: &Rule, known: Option<DayStart>) -> bool {
    covers(new, old)
        && (!both_count_visits(new, old) || covers(old, new))
        && at_limit_holds(new.at_limit, old.at_limit)
        && snooze_holds(&new.snooze, &old.snooze)
        && budget_holds(new, old, known)
        && hours_hold(new, old, known)
}

fn covers(new: &Rule, old: &Rule) -> bool {
    let holds = |except: &Target| {
        // A browser of which no site is known is covered beside the target, whatever its category.
        let unseen =
            old.without_extension != WithoutExtension::Ignore && !matches!(except, Target::Domain(_));
        let apart = are_apart(except, &old.target) && !unseen;
        apart || old.except.iter().any(|old| target_covers(old, except))
    };
    target_covers(&new.target, &old.target)
        && new.except.iter().all(holds)
        && (new.target == Target::All || new.without_extension >= old.without_extension)
}

/// Whether all attention to `part` is attention to `whole`, whatever has which category.
pub(super) fn target_covers(whole: &Target, part: &Target) -> bool {
    match (whole, part) {
        (Target::All, _) => true,
        (Target::App(whole), Target::App(part)) => whole.covers(part),
        (Target::Domain(whole), Target::Domain(part)) => whole.as_str().eq_ignore_ascii_case(part.as_str()),
        (Target::Category(whole), Target::Category(part)) => is_category(whole, part),
        _ => false,
    }
}

/// Whether nothing can be attention to both.
pub(super) fn are_apart(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::App(_), Target::App(_))
        | (Target::Domain(_), Target::Domain(_))
        | (Target::Category(_), Target::Category(_)) => {
            !target_covers(one, other) && !target_covers(other, one)
        }
        // A domain is looked at in a program, and both may be of any category.
        _ => false,
    }
}

fn is_category(one: &Category, other: &Category) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

fn is_nothing(budget: &Budget) -> bool {
    matches!(budget.amount, Amount::Time(Millis::ZERO) | Amount::Opens(0))
}

fn budget_holds(new: &Rule, old: &Rule, known: Option<DayStart>) -> bool {
    let (new_budget, old_budget) = match (&new.budget, &old.budget) {
        (_, None) => return true,
        (None, Some(_)) => return false,
        (Some(new), Some(old)) => (new, old),
    };
    if !new.days.covers(old.days) {
        return false;
    }
    if is_nothing(new_budget) {
        return true;
    }
    let not_larger = match (new_budget.amount, old_budget.amount) {
        (Amount::Time(new), Amount::Time(old)) => new <= old,
        (Amount::Opens(new), Amount::Opens(old)) => new <= old,
        _ => false,
    };
    let longer = new_budget.per == Per::Week || new_budget.per == Per::Month;
    let per = if new_budget.per == old_budget.per {
        !new.rollover || old.rollover
    } else {
        new.time().is_some() && longer && old_budget.per == Per::Day && !new.rollover
    };
    not_larger && per && charges_hold(new, old, known)
}

fn charges_hold(new: &Rule, old: &Rule, known: Option<DayStart>) -> bool {
    let same = new.days == old.days && new.count_free == old.count_free;
    let holds = |day_start: u16| Minutes::charged(new, day_start).covers(&Minutes::charged(old, day_start));
    same || day_starts(&[new, old], known).into_iter().all(holds)
}

fn hours_hold(new: &Rule, old: &Rule, known: Option<DayStart>) -> bool {
    let same = new.days == old.days && new.hours == old.hours;
    let holds = |day_start: u16| Minutes::blocked(new, day_start).covers(&Minutes::blocked(old, day_start));
    same || day_starts(&[new, old], known).into_iter().all(holds)
}

fn at_limit_holds(new: AtLimit, old: AtLimit) -> bool {
    let rank = |at_limit: AtLimit| match at_limit {
        AtLimit::Notify => 0,
        AtLimit::Block => 1,
        AtLimit::Close | AtLimit::Freeze => 2,
        AtLimit::Lock => 3,
    };
    new == old || rank(new) > rank(old)
}

fn snooze_holds(new: &Snooze, old: &Snooze) -> bool {
    if new.per_day == 0 || old.per_day == 0 {
        return new.per_day == 0;
    }
    new.per_day <= old.per_day
        && new.length <= old.length
        && new.wait >= old.wait
        && typed_length(new.sentence.as_deref()) >= typed_length(old.sentence.as_deref())
}

/// How much of a sentence has to be typed: its characters but for white space, of which any amount will do.
fn typed_length(sentence: Option<&str>) -> usize {
    sentence.map_or(0, |sentence| sentence.chars().filter(|c| !c.is_whitespace()).count())
}

#[cfg(test)]
mod tests;
