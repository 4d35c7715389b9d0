//! The text form of a [`RuleSet`]: the TOML that `dwell rules export` gives and `dwell rules import` takes.
//!
//! [`RulesText`] is a document that has been read without error, together with what it says. An edit touches only what
//! it is about: comments, order and the way in which everything else was written stay. After each edit the document is
//! read again, so that what is kept is always what a person would get by importing the text.
//!
//! Invariants: [`RulesText::set`] is what [`RulesText::to_text`] says; every rule passes [`Rule::check`] and has an id
//! that stands in the text; a text is at most [`MAX_TEXT`] bytes long.
//!
//! What this lacks on purpose: an opinion. Rules that can be kept but are surely not meant are
//! [`crate::rules::warnings`]'s matter. Windows are read as times on the wall; when they are in force on a day on which
//! the clocks change (an hour that is skipped or comes twice) is decided where they are resolved, not here.

mod entry;
mod read;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table};

use super::rule::{MAX_RULES, Rule, RuleId};
use super::set::RuleSet;
use crate::subject::{Category, Target};
use entry::Wrong;

/// Longest text, in bytes: far above what [`MAX_RULES`] rules with comments need.
pub const MAX_TEXT: usize = 256 * 1024;

/// What an empty set of rules is exported as: a text that says nothing and shows how to begin.
const EXAMPLE: &str = r#"# Rules of dwell. To begin, take the number sign away in front of what you want, or write your own.
#
# [[rule]]
# id = "evening-video"
# target = "category:video"            # or app:ID, domain:example.org, all
# budget = { amount = "45m", per = "day" }
# days = ["mon-fri"]
# blocked = ["22:00-07:00"]
#
# [categories]
# "domain:example.org" = "video"
"#;

/// What is wrong with a text of rules, and where.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TextError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong. It may name ids and targets: for the person, never for a log.
    pub message: String,
    /// The next step, or empty.
    pub hint: String,
}

impl fmt::Debug for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextError {{ line: {}, column: {}, ‹redacted› }}", self.line, self.column)
    }
}

impl TextError {
    fn locate(text: &str, wrong: Wrong) -> Self {
        let at = (0..=wrong.at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = text.get(..at).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let message = wrong.message.lines().collect::<Vec<_>>().join("; ");
        Self { line, column, message, hint: wrong.hint }
    }
}

/// A text of rules that has been read, and what it says.
#[derive(Clone)]
pub struct RulesText {
    document: DocumentMut,
    set: RuleSet,
}

impl Default for RulesText {
    fn default() -> Self {
        Self { document: DocumentMut::new(), set: RuleSet::default() }
    }
}

/// By the text: comments are part of it.
impl PartialEq for RulesText {
    fn eq(&self, other: &Self) -> bool {
        self.document.to_string() == other.document.to_string()
    }
}

impl Eq for RulesText {}

impl fmt::Debug for RulesText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹redacted›")
    }
}

impl RulesText {
    /// Reads a text. A rule without an id gets one, which then stands in the text.
    ///
    /// # Errors
    /// Broken TOML, unknown keys and words (with what was probably meant), values out of range, two rules of one id,
    /// too many rules, a text that is too long: the first one found.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let located = |wrong| TextError::locate(text, wrong);
        if text.len() > MAX_TEXT {
            return Err(located(too_long(text)));
        }
        let document = Document::parse(text.to_owned()).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            located(Wrong::new(at, error.message(), broken(text, at)))
        })?;
        let set = read::set(&document).map_err(located)?;
        if text == EXAMPLE {
            // It said nothing when it was given out, and is not to stand above the first rule for ever.
            return Ok(Self::default());
        }
        let mut document = document.into_mut();
        if let Some(rules) = document.get_mut("rule").and_then(Item::as_array_of_tables_mut) {
            for (table, rule) in rules.iter_mut().zip(&set.rules) {
                if !table.contains_key("id") {
                    table.insert("id", toml_edit::value(rule.id.as_str()));
                    table.sort_values_by(|one, _, other, _| (one != "id").cmp(&(other != "id")));
                }
            }
        }
        // With ids that were missing it may be longer than it came.
        if document.to_string().len() > MAX_TEXT {
            return Err(located(too_long(text)));
        }
        Ok(Self { document, set })
    }

    /// What the text says.
    pub const fn set(&self) -> &RuleSet {
        &self.set
    }

    /// The text. It reads back as the same set. Where it says nothing at all, it shows in comments how to begin.
    pub fn to_text(&self) -> String {
        let text = self.document.to_string();
        if text.trim().is_empty() { EXAMPLE.to_owned() } else { text }
    }

    /// Replaces the rule of this id where it stands, or adds it behind all others. Only the keys whose meaning changes
    /// are written anew; a key that becomes what it would be anyway is taken out.
    ///
    /// # Errors
    /// A rule that cannot be kept, one too many, or a text that becomes too long. The place is one in the text that
    /// would have come about. Nothing has changed then.
    pub fn put(&mut self, rule: &Rule) -> Result<(), TextError> {
        let old = self.set.rules.iter().position(|old| old.id == rule.id);
        let mut document = self.document.clone();
        let is_first = document.as_table().iter().next().is_none();
        let Some(rules) = document
            .as_table_mut()
            .entry("rule")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut()
        else {
            return self.take(document);
        };
        match old.and_then(|index| Some((self.set.rules.get(index)?, rules.get_mut(index)?))) {
            Some((old, table)) => write::update(table, old, rule),
            None => {
                let mut table = write::rule(rule);
                if is_first {
                    // What stands in a text without any key are comments about the whole: they stay on top.
                    let above = document.trailing().as_str().unwrap_or("").to_owned();
                    let gap = if above.is_empty() || above.ends_with("\n\n") { "" } else { "\n" };
                    table.decor_mut().set_prefix(format!("{above}{gap}"));
                    document.set_trailing("");
                }
                if let Some(rules) = document.get_mut("rule").and_then(Item::as_array_of_tables_mut) {
                    rules.push(table);
                }
            }
        }
        self.take(document)
    }

    /// Takes a rule out, with the comment that stands directly above it. Whether there was one.
    pub fn remove(&mut self, id: &RuleId) -> bool {
        let Some(index) = self.set.rules.iter().position(|rule| &rule.id == id) else { return false };
        let mut document = self.document.clone();
        let Some(rules) = document.get_mut("rule").and_then(Item::as_array_of_tables_mut) else {
            return false;
        };
        if index >= rules.len() {
            return false;
        }
        let removed = rules.remove(index);
        let is_last = rules.is_empty();
        let prefix = removed.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or("");
        // A comment with an empty line below it is about more than this rule.
        let kept = prefix.rfind("\n\n").and_then(|end| prefix.get(..end + 2)).unwrap_or("");
        if !kept.trim().is_empty() {
            if let Some(next) = rules.get_mut(index) {
                let own = next.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or("");
                let joined = format!("{kept}{}", own.trim_start_matches('\n'));
                next.decor_mut().set_prefix(joined);
            } else {
                let below = document.trailing().as_str().unwrap_or("").to_owned();
                document.set_trailing(format!("{kept}{below}"));
            }
        }
        if is_last {
            document.remove("rule");
        }
        self.take(document).is_ok()
    }

    /// Gives a program or a domain a category, or takes it away.
    ///
    /// # Errors
    /// A target that is neither a program nor a domain; a text that becomes too long. Nothing has changed then.
    pub fn set_category(&mut self, target: &Target, category: Option<&Category>) -> Result<(), TextError> {
        let mut document = self.document.clone();
        if category.is_none() && !document.contains_key("categories") {
            return Ok(());
        }
        let item = document.as_table_mut().entry("categories").or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = item.as_table_like_mut() else { return self.take(document) };
        let known = table
            .iter()
            .find(|(key, _)| read::same_target(key, target))
            .map_or_else(|| target.to_string(), |(key, _)| key.to_owned());
        match category {
            Some(category) => write::set(table, &known, category.as_str().into()),
            None => {
                table.remove(&known);
            }
        }
        if table.is_empty() {
            document.remove("categories");
        }
        self.take(document)
    }

    /// Reads a changed document and takes it over where that succeeds.
    fn take(&mut self, document: DocumentMut) -> Result<(), TextError> {
        *self = Self::parse(&document.to_string())?;
        Ok(())
    }
}

/// The text of one rule alone.
pub(super) fn of_rule(rule: &Rule) -> String {
    let mut rules = ArrayOfTables::new();
    rules.push(write::rule(rule));
    let mut document = DocumentMut::new();
    document.insert("rule", Item::ArrayOfTables(rules));
    document.to_string().trim_start().to_owned()
}

fn too_long(text: &str) -> Wrong {
    let message = format!("the text is longer than {} KiB", MAX_TEXT / 1024);
    Wrong::new(MAX_TEXT.min(text.len()), message, "remove what is not needed")
}

/// What helps with the commonest ways to break TOML.
fn broken(text: &str, at: usize) -> &'static str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let (key, value) = line.split_once('=').unwrap_or((line, "\""));
    if key.contains(':') && !key.contains('"') {
        "write a key that has a \":\" in quotes, like \"domain:example.org\" = \"video\""
    } else if !value.trim_start().starts_with(['"', '\'', '[', '{']) {
        "write texts in quotes, like target = \"domain:example.org\""
    } else {
        ""
    }
}

/// Which of these words was probably meant.
fn nearest(typed: &str, known: &[&'static str]) -> Option<&'static str> {
    let typed = typed.to_ascii_lowercase().replace('_', "-");
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, &typed), *known))
        .filter(|(distance, known)| *distance <= 3 && distance * 2 <= known.len().max(typed.len()))
        .min()
        .map(|(_, known)| known)
}

/// What a person typed, as far as it fits into a line.
fn shown(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Rules by their ids.
pub(super) fn by_id(set: &RuleSet) -> BTreeMap<&RuleId, &Rule> {
    set.rules.iter().map(|rule| (&rule.id, rule)).collect()
}

const _: () = assert!(MAX_RULES * 200 < MAX_TEXT);

#[cfg(test)]
mod tests;
