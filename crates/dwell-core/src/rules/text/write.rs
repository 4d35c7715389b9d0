//! How a rule is written: one way, keys in one order, only what differs from what it would be anyway.

use toml_edit::{Array, InlineTable, Item, Key, Table, TableLike, Value};

use super::super::rule::{Amount, AtLimit, Budget, Hours, Rule, Snooze, Strict, WithoutExtension};
use super::super::week::{Days, Window};

/// A rule as a table.
pub(super) fn rule(rule: &Rule) -> Table {
    let mut table = Table::new();
    for (key, value) in fields(rule) {
        if let Some(value) = value {
            table.insert(key, Item::Value(value));
        }
    }
    table
}

/// Makes a rule's table say what the new rule says, where that differs from the old one.
pub(super) fn update(table: &mut Table, old: &Rule, new: &Rule) {
    for ((key, old), (_, new)) in fields(old).into_iter().zip(fields(new)) {
        if old.as_ref().map(ToString::to_string) == new.as_ref().map(ToString::to_string) {
            continue;
        }
        match new {
            Some(value) => set(table, key, value),
            None => {
                table.remove(key);
            }
        }
    }
}

/// Writes a value, with the comment that stood behind the old one.
pub(super) fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        _ => {
            // Also where a table of its own stood: the value takes its place.
            table.remove(key);
            table.insert(Key::new(key).get(), Item::Value(value));
        }
    }
}

/// Every key in the order in which it is written; `None`: left out.
fn fields(rule: &Rule) -> [(&'static str, Option<Value>); 14] {
    let (blocked, allowed) = match &rule.hours {
        Hours::Any => (None, None),
        Hours::Blocked(windows) => (Some(texts(windows.iter().map(Window::to_string))), None),
        Hours::Allowed(windows) => (None, Some(texts(windows.iter().map(Window::to_string)))),
    };
    let count_free = texts(rule.count_free.iter().map(Window::to_string));
    let except = texts(rule.except.iter().map(ToString::to_string));
    let unseen = rule.without_extension;
    [
        ("id", Some(rule.id.as_str().into())),
        ("target", Some(rule.target.to_string().into())),
        ("budget", rule.budget.map(budget)),
        ("days", (rule.days != Days::ALL).then(|| texts(rule.days.words().into_iter()))),
        ("blocked", blocked),
        ("allowed", allowed),
        ("count-free", (!rule.count_free.is_empty()).then_some(count_free)),
        ("warn", rule.warn.as_ref().map(|warn| texts(warn.iter().map(|warning| warning.typed())))),
        ("at-limit", (rule.at_limit != AtLimit::default()).then(|| rule.at_limit.as_str().into())),
        ("snooze", (rule.snooze != Snooze::default()).then(|| snooze(&rule.snooze))),
        ("strict", strict(rule.strict)),
        ("except", (!rule.except.is_empty()).then_some(except)),
        ("rollover", rule.rollover.then(|| true.into())),
        ("without-extension", (unseen != WithoutExtension::default()).then(|| unseen.as_str().into())),
    ]
}

fn texts(texts: impl Iterator<Item = String>) -> Value {
    Value::Array(texts.collect::<Array>())
}

fn budget(budget: Budget) -> Value {
    let mut table = InlineTable::new();
    match budget.amount {
        Amount::Time(time) => table.insert("amount", time.typed().into()),
        Amount::Opens(opens) => table.insert("opens", i64::from(opens).into()),
    };
    table.insert("per", budget.per.as_str().into());
    Value::InlineTable(table)
}

fn snooze(snooze: &Snooze) -> Value {
    let usual = Snooze::default();
    if *snooze == (Snooze { per_day: 0, ..usual.clone() }) {
        return false.into();
    }
    let mut table = InlineTable::new();
    if snooze.length != usual.length {
        table.insert("length", snooze.length.typed().into());
    }
    if snooze.per_day != usual.per_day {
        table.insert("per-day", i64::from(snooze.per_day).into());
    }
    if snooze.wait != usual.wait {
        table.insert("wait", snooze.wait.typed().into());
    }
    if let Some(sentence) = &snooze.sentence {
        table.insert("sentence", sentence.as_str().into());
    }
    Value::InlineTable(table)
}

fn strict(strict: Strict) -> Option<Value> {
    match strict {
        Strict::Cooling => None,
        Strict::Open => Some("open".into()),
        Strict::LockedUntil(day) => Some(format!("locked-until {day}").into()),
    }
}
