//! How a text of rules is read: every key once, every error at the key that is wrong.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono_tz::Tz;
use toml_edit::{Document, Item, Table};

use super::super::rule::{
    Amount, AtLimit, Budget, Hours, MAX_RULES, Per, Rule, RuleError, RuleId, Snooze, Strict,
    WithoutExtension, new_id,
};
use super::super::set::{RuleSet, Settings};
use super::super::week::{Days, Window};
use super::entry::{Entry, Read, Wrong, entries, meant, place};
use super::shown;
use crate::calendar::{CivilDay, DayStart};
use crate::category::named;
use crate::config::{IDLE_MAX, IDLE_MIN};
use crate::subject::{AppId, Target, TargetError};
use crate::time::Millis;

const PARTS: &[&str] = &["settings", "categories", "rule"];
pub(super) const SETTINGS: &[&str] = &["idle-after", "day-start", "zone"];
pub(super) const RULE: &[&str] = &[
    "id",
    "target",
    "budget",
    "days",
    "blocked",
    "allowed",
    "count-free",
    "warn",
    "at-limit",
    "snooze",
    "strict",
    "except",
    "rollover",
    "without-extension",
];
const BUDGET: &[&str] = &["amount", "opens", "per"];
const SNOOZE: &[&str] = &["length", "per-day", "wait", "sentence"];
const STRICT: &[&str] = &["open", "cooling", "locked-until"];
const KINDS: &[&str] = &["app", "domain", "category", "all"];

const TARGET_HINT: &str =
    "write it like \"app:org.mozilla.firefox\", \"domain:example.org\", \"category:video\" or \"all\"";
const DURATION_HINT: &str = "write it like \"45m\" or \"1h30m\"";
const WINDOW_HINT: &str = "write it like \"22:00-07:00\"; several ones in [ ]";
const DAYS_HINT: &str = "write it like [\"mon-fri\"] or \"sat,sun\"";
const BUDGET_HINT: &str =
    "write it like \"45m\", { amount = \"3h\", per = \"week\" } or { opens = 5, per = \"day\" }";
const SNOOZE_HINT: &str = "write false, or { length = \"5m\", per-day = 3, wait = \"20s\" }";
const STRICT_HINT: &str = "write \"open\", \"cooling\" or \"locked-until 2026-12-31\"";

/// Whether a key of `[categories]` names this target. Ids compare without regard to ASCII case.
pub(super) fn same_target(key: &str, target: &Target) -> bool {
    key.parse::<Target>().is_ok_and(|known| known.to_string().eq_ignore_ascii_case(&target.to_string()))
}

/// Reads a whole text.
pub(super) fn set(document: &Document<String>) -> Read<RuleSet> {
    let mut set = RuleSet::default();
    for entry in entries(document.as_table()) {
        match entry.name {
            "settings" => settings(&entry, &mut set.settings)?,
            "categories" => categories(&entry, &mut set)?,
            "rule" => {
                let tables = entry.item.as_array_of_tables().ok_or_else(|| {
                    Wrong::new(
                        entry.at,
                        "a rule stands below [[rule]]",
                        "write [[rule]], in two pairs of brackets",
                    )
                })?;
                rules(tables.iter(), entry.at, &mut set)?;
            }
            _ => return Err(entry.unknown(PARTS)),
        }
    }
    Ok(set)
}

fn settings(entry: &Entry<'_>, settings: &mut Settings) -> Read<()> {
    for entry in entries(entry.table("write a line [settings], and the settings below it")?) {
        match entry.name {
            "idle-after" => {
                let idle = entry.duration("write it like \"3m\" or \"90s\"")?;
                let possible: RangeInclusive<Millis> = IDLE_MIN..=IDLE_MAX;
                if !possible.contains(&idle) {
                    return Err(
                        entry.wrong("idle-after is out of range", "choose 1s to 12h; 3m is the default")
                    );
                }
                settings.idle_after = Some(idle);
            }
            "day-start" => {
                let hint = "write it like \"04:00\"";
                let read = entry.text(hint)?.parse::<DayStart>();
                settings.day_start =
                    Some(read.map_err(|why| entry.wrong(format!("day-start is {why}"), hint))?);
            }
            "zone" => {
                let hint = "write it like \"Europe/Athens\"";
                let read = entry.text(hint)?.parse::<Tz>();
                settings.zone = Some(read.map_err(|_| entry.wrong("zone is no IANA time zone", hint))?);
            }
            _ => return Err(entry.unknown(SETTINGS)),
        }
    }
    Ok(())
}

fn categories(entry: &Entry<'_>, set: &mut RuleSet) -> Read<()> {
    let hint = "write a line below [categories], like \"domain:example.org\" = \"video\"";
    let mut known = BTreeSet::new();
    for entry in entries(entry.table(hint)?) {
        let target = target(entry.name, entry.at, "a category's key")?;
        if !matches!(target, Target::App(_) | Target::Domain(_)) {
            return Err(Wrong::new(entry.at, "only programs and domains have a category", hint));
        }
        if !known.insert(target.to_string().to_ascii_lowercase()) {
            let message = "this has a category already; upper and lower case are the same";
            return Err(Wrong::new(entry.at, message, "remove this line"));
        }
        let name = entry.text(hint)?;
        let name = name.strip_prefix("category:").unwrap_or(name);
        let category = named(name).map_err(|why| entry.wrong(format!("this is no category: {why}"), hint))?;
        set.categories.insert(target, category);
    }
    Ok(())
}

fn target(text: &str, at: usize, what: &str) -> Read<Target> {
    text.parse::<Target>().map_err(|why| {
        let hint = match &why {
            TargetError::Bare if AppId::new(text).is_ok() && !text.contains('"') => {
                let kind = if text.contains('.') && !text.contains(' ') { "domain" } else { "app" };
                format!("write what kind it is in front, like \"{kind}:{}\"", shown(text))
            }
            TargetError::UnknownKind(kind) => meant(kind, KINDS).unwrap_or_else(|| TARGET_HINT.to_owned()),
            TargetError::Bare | TargetError::Id(_) | TargetError::Host(_) => TARGET_HINT.to_owned(),
        };
        let why = match why {
            TargetError::UnknownKind(kind) => TargetError::UnknownKind(shown(&kind)),
            other => other,
        };
        Wrong::new(at, format!("{what}: {why}"), hint)
    })
}

fn rules<'a>(tables: impl Iterator<Item = &'a Table>, otherwise: usize, set: &mut RuleSet) -> Read<()> {
    let tables: Vec<&Table> = tables.collect();
    // Ids that are written are never given to a rule without one, wherever it stands.
    let written = |table: &&Table| RuleId::new(table.get("id")?.as_str()?).ok();
    let stand_in = |id: RuleId| Rule::new(id, Target::All, None);
    let mut taken: Vec<Rule> = tables.iter().filter_map(written).map(stand_in).collect();
    for (number, table) in tables.into_iter().enumerate() {
        let at = table.span().map_or(otherwise, |span| span.start);
        if number == MAX_RULES {
            let hint = "remove rules that are not needed; one on a category may stand for many";
            return Err(Wrong::new(at, RuleError::TooMany.to_string(), hint));
        }
        let rule = rule(table, at, &mut taken)?;
        if set.rules.iter().any(|other| other.id == rule.id) {
            let at = table.get("id").and_then(Item::span).map_or(at, |span| span.start);
            let message = format!("there is a rule \"{}\" already", shown(rule.id.as_str()));
            return Err(Wrong::new(
                at,
                message,
                "give this one another id, or remove the line: it gets one then",
            ));
        }
        set.rules.push(rule);
    }
    Ok(())
}

fn rule(table: &Table, at: usize, taken: &mut Vec<Rule>) -> Read<Rule> {
    let mut id = None;
    let mut about = None;
    let (mut blocked, mut allowed) = (None, None);
    // Stand-ins until the keys are read.
    let stand_in = RuleId::new("rule").map_err(|why| Wrong::new(at, why.to_string(), ""))?;
    let mut rule = Rule::new(stand_in, Target::All, None);
    let entries = entries(table);
    for entry in &entries {
        match entry.name {
            "id" => {
                let hint = "write a short name in quotes, like \"evening-video\"";
                let read = RuleId::new(entry.text(hint)?);
                id = Some(read.map_err(|why| entry.wrong(RuleError::Id(why).to_string(), hint))?);
            }
            "target" => about = Some(target(entry.text(TARGET_HINT)?, entry.value_at, "target")?),
            "budget" => rule.budget = Some(budget(entry)?),
            "days" => rule.days = days(entry)?,
            "blocked" => blocked = Some((entry.at, windows(entry)?)),
            "allowed" => allowed = Some((entry.at, windows(entry)?)),
            "count-free" => rule.count_free = windows(entry)?,
            "warn" => rule.warn = Some(warnings(entry)?),
            "at-limit" => rule.at_limit = entry.word::<AtLimit>(AtLimit::WORDS)?,
            "snooze" => rule.snooze = snooze(entry)?,
            "strict" => rule.strict = strict(entry)?,
            "except" => {
                let texts = entry.texts(TARGET_HINT)?;
                let read = texts.into_iter().map(|(at, text)| target(text, at, "except"));
                rule.except = read.collect::<Read<_>>()?;
            }
            "rollover" => rule.rollover = entry.yes()?,
            "without-extension" => {
                rule.without_extension = entry.word::<WithoutExtension>(WithoutExtension::WORDS)?;
            }
            _ => return Err(entry.unknown(RULE)),
        }
    }
    let missing = || {
        Wrong::new(at, "this rule has no target", TARGET_HINT.replacen("write it", "add target, written", 1))
    };
    rule.target = about.ok_or_else(missing)?;
    rule.hours = match (blocked, allowed) {
        (Some((one, _)), Some((other, _))) => {
            let hint = "keep one of both, or write two rules";
            return Err(Wrong::new(one.max(other), RuleError::BothHours.to_string(), hint));
        }
        (Some((_, windows)), None) if !windows.is_empty() => Hours::Blocked(windows),
        (None, Some((_, windows))) if !windows.is_empty() => Hours::Allowed(windows),
        (None, Some((at, _))) => {
            let hint = "a rule that allows no hour at all has budget = \"0s\" instead";
            return Err(Wrong::new(at, "allowed names no hours", hint));
        }
        (_, None) => Hours::Any,
    };
    rule.check().map_err(|why| locate(&rule, &entries, at, &why))?;
    rule.id = match id {
        Some(id) => id,
        None => {
            let id =
                new_id(&rule.target, taken).map_err(|why| Wrong::new(at, why.to_string(), "add an id"))?;
            taken.push(Rule::new(id.clone(), Target::All, None));
            id
        }
    };
    Ok(rule)
}

/// Where in a rule's table [`Rule::check`]'s error is, and what to do about it.
fn locate(rule: &Rule, entries: &[Entry<'_>], at: usize, why: &RuleError) -> Wrong {
    let of = |key: &str| entries.iter().find(|entry| entry.name == key);
    let within = |entry: &Entry<'_>, key: &str| {
        let value = entry.item.as_table_like().and_then(|table| table.get(key));
        value.and_then(Item::span).map_or(entry.value_at, |span| span.start)
    };
    let key = |key: &str| of(key).map_or(at, |entry| entry.value_at);
    let (at, hint) = match why {
        RuleError::BudgetTooLong(_, most) => {
            let at = of("budget").map_or(at, |entry| within(entry, "amount"));
            (at, format!("choose at most {most}, or a longer period"))
        }
        RuleError::WarningTooEarly => (key("warn"), "name times that are shorter than the budget".to_owned()),
        RuleError::WarningWithoutTime => {
            (key("warn"), "remove this line, or give the rule a budget of time".to_owned())
        }
        RuleError::TooManyWarnings => (key("warn"), "keep those that you would act on".to_owned()),
        RuleError::Idle => {
            let hint = "add a line like budget = \"45m\" or blocked = [\"22:00-07:00\"]";
            (of("blocked").map_or(at, |entry| entry.at), hint.to_owned())
        }
        RuleError::BothHours | RuleError::TooManyWindows => {
            let hours = if rule.hours.windows().len() > rule.count_free.len() {
                of("blocked").or_else(|| of("allowed"))
            } else {
                of("count-free")
            };
            (hours.map_or(at, |entry| entry.value_at), "join those that touch, or write two rules".to_owned())
        }
        RuleError::TooManyExceptions => {
            (key("except"), "give what you mean a category, and name that".to_owned())
        }
        RuleError::ExceptAll => {
            let index = rule.except.iter().position(|e| *e == Target::All || *e == rule.target);
            let list = of("except").and_then(|entry| entry.item.as_array());
            let value = list.zip(index).and_then(|(list, index)| list.get(index));
            let at = value.map_or_else(|| key("except"), |value| place(value, key("except")));
            (at, "name a part of the target, or remove the rule".to_owned())
        }
        RuleError::NothingCounts => (key("count-free"), "leave hours in which it counts".to_owned()),
        RuleError::WithoutExtension => {
            (key("without-extension"), "remove this line, or make the rule one about sites".to_owned())
        }
        RuleError::Rollover => (key("rollover"), "remove this line, or change the budget".to_owned()),
        RuleError::Snooze => {
            let Snooze { per_day, wait, .. } = &rule.snooze;
            let part = if *per_day > 20 {
                "per-day"
            } else if *wait > Millis::from_mins(10) {
                "wait"
            } else {
                "length"
            };
            let at = of("snooze").map_or(at, |entry| within(entry, part));
            (at, SNOOZE_HINT.to_owned())
        }
        RuleError::Sentence => {
            let at = of("snooze").map_or(at, |entry| within(entry, "sentence"));
            (at, "write one short line that you can type again".to_owned())
        }
        RuleError::UnknownWord { .. } | RuleError::TooMany | RuleError::Id(_) => (at, String::new()),
    };
    Wrong::new(at, why.to_string(), hint)
}

fn budget(entry: &Entry<'_>) -> Read<Budget> {
    if entry.item.is_str() {
        return Ok(Budget { amount: Amount::Time(entry.duration(BUDGET_HINT)?), per: Per::Day });
    }
    let wrong = || entry.wrong("budget is neither a time nor a table", BUDGET_HINT);
    let table = entry.item.as_table_like().ok_or_else(wrong)?;
    let (mut time, mut opens, mut per) = (None, None, Per::Day);
    for entry in entries(table) {
        match entry.name {
            "amount" => time = Some((entry.at, Amount::Time(entry.duration(DURATION_HINT)?))),
            "opens" => {
                let hint = "write a number of visits, like 5; zero allows none";
                opens = Some((entry.at, Amount::Opens(entry.count(hint)?)));
            }
            "per" => per = entry.word(Per::WORDS)?,
            _ => return Err(entry.unknown(BUDGET)),
        }
    }
    match (time, opens) {
        (Some((one, _)), Some((other, _))) => Err(Wrong::new(
            one.max(other),
            "a budget has both an amount and opens",
            "write two rules, one for each",
        )),
        (Some((_, amount)), None) | (None, Some((_, amount))) => Ok(Budget { amount, per }),
        (None, None) => Err(entry.wrong("the budget has neither an amount nor opens", BUDGET_HINT)),
    }
}

fn days(entry: &Entry<'_>) -> Read<Days> {
    let texts = entry.texts(DAYS_HINT)?;
    for (at, text) in &texts {
        // An empty word among others is no error of its own.
        if let Err(why @ super::super::week::DaysError::Unknown(_)) = Days::of_words(&[text]) {
            return Err(Wrong::new(*at, why.to_string(), DAYS_HINT));
        }
    }
    let words: Vec<&str> = texts.into_iter().map(|(_, text)| text).collect();
    Days::of_words(&words).map_err(|why| entry.wrong(format!("days: {why}"), DAYS_HINT))
}

fn windows(entry: &Entry<'_>) -> Read<Vec<Window>> {
    let read = |(at, text): (usize, &str)| {
        text.parse::<Window>().map_err(|why| Wrong::new(at, format!("{}: {why}", entry.name), WINDOW_HINT))
    };
    entry.texts(WINDOW_HINT)?.into_iter().map(read).collect()
}

/// Longest first, each once.
fn warnings(entry: &Entry<'_>) -> Read<Vec<Millis>> {
    let hint = "write it like [\"5m\"], or [] for no warning";
    let read = |(at, text): (usize, &str)| {
        text.parse::<Millis>().map_err(|why| Wrong::new(at, format!("warn: {why}"), hint))
    };
    let mut warnings = entry.texts(hint)?.into_iter().map(read).collect::<Read<Vec<_>>>()?;
    warnings.sort_unstable_by(|one, other| other.cmp(one));
    warnings.dedup();
    Ok(warnings)
}

fn snooze(entry: &Entry<'_>) -> Read<Snooze> {
    let mut snooze = Snooze::default();
    if let Some(on) = entry.item.as_bool() {
        snooze.per_day = if on { snooze.per_day } else { 0 };
        return Ok(snooze);
    }
    let wrong = || entry.wrong("snooze is neither false nor a table", SNOOZE_HINT);
    for entry in entries(entry.item.as_table_like().ok_or_else(wrong)?) {
        match entry.name {
            "length" => snooze.length = entry.duration(DURATION_HINT)?,
            "per-day" => snooze.per_day = entry.count("write how often a day, 0 to 20; 0 is never")?,
            "wait" => snooze.wait = entry.duration("write it like \"20s\"")?,
            "sentence" => snooze.sentence = Some(entry.text("write your own words in quotes")?.to_owned()),
            _ => return Err(entry.unknown(SNOOZE)),
        }
    }
    Ok(snooze)
}

fn strict(entry: &Entry<'_>) -> Read<Strict> {
    let text = entry.text(STRICT_HINT)?;
    let (word, day) = text.split_once(' ').map_or((text, None), |(word, day)| (word, Some(day.trim())));
    match (word, day) {
        ("open", None) => Ok(Strict::Open),
        ("cooling", None) => Ok(Strict::Cooling),
        ("locked-until", Some(day)) => match day.parse::<CivilDay>() {
            Ok(day) => Ok(Strict::LockedUntil(day)),
            Err(why) => Err(entry.wrong(format!("strict: this is {why}"), STRICT_HINT)),
        },
        ("locked-until", None) => {
            Err(entry.wrong("strict: the day until which it is locked is missing", STRICT_HINT))
        }
        _ => {
            let hint = meant(word, STRICT).unwrap_or_else(|| STRICT_HINT.to_owned());
            Err(entry.wrong(format!("strict cannot be \"{}\"", shown(text)), hint))
        }
    }
}
