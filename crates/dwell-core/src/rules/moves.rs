//! What a change of the person's own categories moves into what a rule covers, and out of it.
//!
//! A subject's category is that of the nearest own entry at or above its domain, else the catalogue's, else its
//! program's (see [`crate::category::Categories`]). So an entry that comes or goes changes all that had, or will have,
//! another category in its place:
//!
//! | entry | without it |
//! |---|---|
//! | a domain, below another entry's | that entry's category |
//! | a domain | the catalogue's, for it and for what is listed below it; where it is not listed, its program's: `browser`, or any that the person gives to a program |
//! | what runs in a terminal that has an entry | the terminal's |
//! | a program | what its desktop file says, which is not known here: any |
//!
//! A program may be a browser of which no site is known. A rule with `without-extension` is about that one whatever its
//! category, and loses it only to an exception.
//!
//! That a program in which a domain is looked at calls itself a browser in its desktop file is taken for granted: it is a
//! file of the person's own, and no rule guards it.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Rule, WithoutExtension};
use super::set::RuleSet;
use crate::category::catalogue;
use crate::subject::{Category, Target};

/// The category of programs that show web pages.
const BROWSER: &str = "browser";

/// A category in lower case; `None`: one that is not known here.
type Name = Option<String>;

/// Something whose category changes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Move {
    from: Name,
    to: Name,
    /// It is a program, and no site.
    program: bool,
}

/// All that moves between categories, each pair once.
pub(super) fn moves(old: &RuleSet, new: &RuleSet) -> BTreeSet<Move> {
    if old.categories == new.categories {
        return BTreeSet::new();
    }
    let (old, new) = (Entries::of(old), Entries::of(new));
    let mut moves = BTreeSet::new();
    for key in old.own.keys().chain(new.own.keys()) {
        let (before, after) = (old.own.get(key), new.own.get(key));
        if before != after {
            let (from, to) = (old.categories_at(key), new.categories_at(key));
            // On the side that has the entry it is one category.
            let program = key.starts_with("app:");
            let moved = |from: &Name, to: &Name| Move { from: from.clone(), to: to.clone(), program };
            moves.extend(from.iter().flat_map(|from| to.iter().map(|to| moved(from, to))));
        }
    }
    moves.retain(|moved| moved.from != moved.to);
    moves
}

impl Move {
    /// Whether what the old rule covered of this is covered by the new one.
    pub(super) fn holds(&self, new: &Rule, old: &Rule) -> bool {
        self.holds_where(false, new, old) && (!self.program || self.holds_where(true, new, old))
    }

    /// The same, where it is (`unseen`) a browser of which no site is known, or is none.
    fn holds_where(&self, unseen: bool, new: &Rule, old: &Rule) -> bool {
        let is = |name: &str, category: &Category| name.eq_ignore_ascii_case(category.as_str());
        let excepts = |rule: &Rule, name: &str| {
            rule.except.iter().any(|except| matches!(except, Target::Category(own) if is(name, own)))
        };
        let whatever = |rule: &Rule| unseen && rule.without_extension != WithoutExtension::Ignore;
        let was_covered = match (&self.from, &old.target) {
            (Some(from), _) if excepts(old, from) => false,
            (Some(from), Target::Category(own)) => is(from, own) || whatever(old),
            _ => true,
        };
        let is_covered = match (&self.to, &new.target) {
            (Some(to), _) if excepts(new, to) => false,
            (Some(to), Target::Category(own)) => is(to, own) || whatever(new),
            (Some(_), _) => true,
            (None, Target::Category(_)) if !whatever(new) => false,
            (None, _) => !new.except.iter().any(|except| matches!(except, Target::Category(_))),
        };
        !was_covered || is_covered
    }
}

/// The person's own entries, in lower case.
struct Entries {
    own: BTreeMap<String, String>,
}

impl Entries {
    fn of(set: &RuleSet) -> Self {
        let lower = |text: &str| text.to_ascii_lowercase();
        let entry =
            |(target, category): (&Target, &Category)| (lower(&target.to_string()), lower(category.as_str()));
        Self { own: set.categories.iter().map(entry).collect() }
    }

    /// The categories that there are at an entry's place and below it, as far as it decides.
    fn categories_at(&self, key: &str) -> Vec<Name> {
        if let Some(own) = self.own.get(key) {
            return vec![Some(own.clone())];
        }
        let Some(domain) = key.strip_prefix("domain:") else {
            let terminal = key.split_once('/').and_then(|(terminal, _)| self.own.get(terminal));
            return vec![terminal.cloned()];
        };
        let above = catalogue::above(domain).skip(1);
        if let Some(own) = above.into_iter().find_map(|domain| self.own.get(&format!("domain:{domain}"))) {
            return vec![Some(own.clone())];
        }
        let mut names: Vec<Name> = catalogue::below(domain).map(|name| Some(name.to_owned())).collect();
        match catalogue::category(domain) {
            Some(listed) => names.push(Some(listed.to_owned())),
            None => {
                let programs = self.own.iter().filter(|(key, _)| key.starts_with("app:"));
                names.extend(programs.map(|(_, category)| Some(category.clone())));
                names.push(Some(BROWSER.to_owned()));
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}
