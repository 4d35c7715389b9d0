//! Which rules the window is about, the one shown last in front. Pure: knows no widget and asks nobody.
//!
//! One window for all of them: a second one would ask for attention a second time. The others stand in one line below,
//! and whatever the person answers is the answer to the window as a whole, so that nothing else pops up behind it.

use dwell_bus::wire;
use zbus::names::OwnedUniqueName;

use crate::face::Face;

/// A rule in the window. Private, so it has no `Debug`.
#[derive(Clone)]
pub(crate) struct Entry {
    /// What was in front when the rule acted.
    pub(crate) target: String,
    /// The rule's id.
    pub(crate) rule: String,
    /// Who asked for it to be shown.
    pub(crate) daemon: OwnedUniqueName,
    /// What is said of it.
    pub(crate) face: Face,
    /// How it can be put off, and when the wait for that is over by the monotonic clock, in microseconds; none where it
    /// cannot.
    pub(crate) snooze: Option<(wire::Snooze, i64)>,
}

/// What is in the window, the front last.
#[derive(Default)]
pub(crate) struct Shown {
    entries: Vec<Entry>,
}

impl Shown {
    /// Puts a rule in front, in place of what was shown of it before; or behind the front, where the person is busy
    /// with that.
    pub(crate) fn put(&mut self, entry: Entry, busy: bool) {
        let in_front = self.front().is_some_and(|front| front.rule == entry.rule);
        self.entries.retain(|other| other.rule != entry.rule);
        let place = self.entries.len() - usize::from(busy && !in_front && !self.entries.is_empty());
        self.entries.insert(place, entry);
    }

    /// Takes a rule away; says whether it was there.
    pub(crate) fn take(&mut self, rule: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.rule != rule);
        self.entries.len() < before
    }

    /// Takes all away.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The rule in front.
    pub(crate) fn front(&self) -> Option<&Entry> {
        self.entries.last()
    }

    /// The names of the others, newest first, each once.
    pub(crate) fn others(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let front = self.front().map(|entry| entry.face.name.as_str());
        for entry in self.entries.iter().rev().skip(1) {
            let name = entry.face.name.as_str();
            if Some(name) != front && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rule: &str) -> Entry {
        Entry {
            target: "app:a".to_owned(),
            rule: rule.to_owned(),
            daemon: ":1.1".try_into().unwrap(),
            face: Face {
                heading: String::new(),
                name: rule.to_uppercase(),
                used: None,
                opens: None,
                rules: Vec::new(),
            },
            snooze: None,
        }
    }

    fn front(shown: &Shown) -> Option<&str> {
        shown.front().map(|entry| entry.rule.as_str())
    }

    #[test]
    fn the_newest_is_in_front_and_each_is_there_once() {
        let mut shown = Shown::default();
        for rule in ["a", "b", "c", "a"] {
            shown.put(entry(rule), false);
        }
        assert_eq!(front(&shown), Some("a"));
        assert_eq!(shown.others(), ["C", "B"]);
        assert!(shown.take("a") && !shown.take("a"));
        assert_eq!((front(&shown), shown.others()), (Some("c"), vec!["B".to_owned()]));
    }

    #[test]
    fn nobody_is_pushed_aside_while_typing() {
        let mut shown = Shown::default();
        shown.put(entry("a"), true);
        shown.put(entry("b"), true);
        assert_eq!(front(&shown), Some("a"));
        shown.put(entry("a"), true);
        assert_eq!((front(&shown), shown.others()), (Some("a"), vec!["B".to_owned()]));
    }
}
