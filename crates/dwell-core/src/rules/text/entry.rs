//! A key of a text of rules, and reading what stands behind it with an error that names its place.

use toml_edit::{Item, Key, TableLike, Value};

use super::super::rule::RuleError;
use super::read::{RULE, SETTINGS};
use super::{nearest, shown};
use crate::time::Millis;

/// What is wrong, and how many bytes into the text.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Wrong {
    pub(super) fn new(at: usize, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: hint.into() }
    }
}

pub(super) type Read<T> = Result<T, Wrong>;

/// A key, what stands behind it, and where each of both begins.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
    pub(super) item: &'a Item,
    pub(super) value_at: usize,
}

/// The keys of a table, in the order of the text.
pub(super) fn entries(table: &dyn TableLike) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    for (name, item) in table.iter() {
        let key = table.key(name).and_then(Key::span);
        let at = key.or_else(|| item.span()).map_or(0, |span| span.start);
        let value_at = item.span().map_or(at, |span| span.start);
        entries.push(Entry { name, at, item, value_at });
    }
    entries
}

impl<'a> Entry<'a> {
    pub(super) fn wrong(&self, message: impl Into<String>, hint: impl Into<String>) -> Wrong {
        Wrong::new(self.value_at, message, hint)
    }

    pub(super) fn text(&self, hint: &str) -> Read<&'a str> {
        self.item.as_str().ok_or_else(|| self.wrong(format!("{} is no text", self.name), hint))
    }

    /// A text or a list of texts, each with its place.
    pub(super) fn texts(&self, hint: &str) -> Read<Vec<(usize, &'a str)>> {
        if let Some(text) = self.item.as_str() {
            return Ok(vec![(self.value_at, text)]);
        }
        let neither = || self.wrong(format!("{} is neither a text nor a list of texts", self.name), hint);
        let list = self.item.as_array().ok_or_else(neither)?;
        list.iter()
            .map(|value| {
                let at = place(value, self.value_at);
                let wrong = || Wrong::new(at, format!("{} has something that is no text", self.name), hint);
                Ok((at, value.as_str().ok_or_else(wrong)?))
            })
            .collect()
    }

    pub(super) fn table(&self, hint: &str) -> Read<&'a dyn TableLike> {
        let wrong = || self.wrong(format!("{} is no table", self.name), hint);
        self.item.as_table_like().ok_or_else(wrong)
    }

    pub(super) fn yes(&self) -> Read<bool> {
        let wrong = || self.wrong(format!("{} is neither true nor false", self.name), "write true or false");
        self.item.as_bool().ok_or_else(wrong)
    }

    pub(super) fn duration(&self, hint: &str) -> Read<Millis> {
        let text = self.text(hint)?;
        text.parse().map_err(|why| self.wrong(format!("{}: {why}", self.name), hint))
    }

    pub(super) fn count(&self, hint: &str) -> Read<u32> {
        let number = self.item.as_integer().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.wrong(format!("{} is no whole number from 0 on", self.name), hint))
    }

    /// One of a few words.
    pub(super) fn word<T: std::str::FromStr<Err = RuleError>>(&self, words: &[&'static str]) -> Read<T> {
        let list = words.join(", ");
        let text = self.text(&format!("write one of {list}, in quotes"))?;
        text.parse().map_err(|_| {
            let hint = match text {
                "end-session" | "offline" => "it is for families only; here: lock".to_owned(),
                "minimise" | "minimize" => "did you mean block? It minimises".to_owned(),
                _ => meant(text, words).unwrap_or_else(|| format!("there is {list}")),
            };
            self.wrong(format!("{} cannot be \"{}\"", self.name, shown(text)), hint)
        })
    }

    pub(super) fn unknown(&self, known: &[&'static str]) -> Wrong {
        let hint = meant(self.name, known).unwrap_or_else(|| {
            if RULE.contains(&self.name) {
                format!("{} belongs to a rule: write it below its [[rule]]", self.name)
            } else if SETTINGS.contains(&self.name) {
                format!("{} is a setting: write it below [settings]", self.name)
            } else {
                format!("known keys: {}", known.join(", "))
            }
        });
        Wrong::new(self.at, format!("unknown key \"{}\"", shown(self.name)), hint)
    }
}

pub(super) fn meant(typed: &str, known: &[&'static str]) -> Option<String> {
    nearest(typed, known).map(|known| format!("did you mean {known}?"))
}

pub(super) fn place(value: &Value, otherwise: usize) -> usize {
    value.span().map_or(otherwise, |span| span.start)
}
