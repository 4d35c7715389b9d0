//! What is odd about a set of rules that can be kept: it is surely not what was meant, or one half of it does nothing.
//!
//! Nothing here refuses anything: what makes a set unusable is an error of [`crate::rules::RulesText::parse`]. Nothing
//! here knows how much is used, which programs there are or what day it is.

use super::compare::{are_apart, limits_hold, target_covers};
use super::edit::budget;
use super::minutes::{Minutes, day_starts};
use super::rule::{Amount, AtLimit, Budget, Hours, Per, Rule};
use super::set::RuleSet;
use super::week::{DAY_MINUTES, Days, Window};
use crate::calendar::DayStart;
use crate::category;
use crate::subject::{Category, Domain, Target};
use crate::time::Millis;

/// What is odd, a line each that begins with the rule's id, in the order of the rules. For people; private.
pub fn warnings(set: &RuleSet) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, rule) in set.rules.iter().enumerate() {
        let mut odd = of_rule(rule, set.settings.day_start);
        odd.extend(unknown_categories(rule, set));
        odd.extend(no_sites(rule));
        odd.extend(needless(index, rule, set));
        lines.extend(odd.into_iter().map(|odd| format!("{}: {odd}", rule.id.as_str())));
    }
    lines
}

/// What is odd about a rule by itself. Where the rules do not say when days start, it is what is odd with any
/// usual day start.
fn of_rule(rule: &Rule, day_start: Option<DayStart>) -> Vec<String> {
    let mut odd = Vec::new();
    let starts = day_starts(&[rule], day_start);
    let nothing =
        matches!(rule.budget, Some(Budget { amount: Amount::Time(Millis::ZERO) | Amount::Opens(0), .. }));
    let has_hours = rule.hours != Hours::Any;
    for except in &rule.except {
        if target_covers(except, &rule.target) {
            odd.push(format!("its exception {except} covers all that it is about, so it limits nothing"));
        } else if are_apart(except, &rule.target) {
            odd.push(format!("its exception {except} has nothing to do with {}", rule.target));
        }
    }
    if nothing && rule.at_limit != AtLimit::Notify {
        if has_hours {
            odd.push(format!("its budget is {}, so its hours make no difference", budget(rule)));
        } else if rule.target == Target::All {
            let days =
                if rule.days == Days::ALL { "at all times".to_owned() } else { format!("on {}", rule.days) };
            odd.push(format!("it blocks everything {days}"));
        }
    } else if !nothing {
        odd.extend(unreachable_budget(rule, &starts));
    }
    if rule.budget.is_none() && !rule.count_free.is_empty() {
        odd.push("count-free makes no difference, for it has no budget".to_owned());
    }
    if has_hours && starts.iter().all(|start| Minutes::blocked(rule, *start).is_empty()) {
        odd.push("its hours block nothing".to_owned());
    }
    for windows in [rule.hours.windows(), &rule.count_free] {
        odd.extend(swallowed(windows));
        odd.extend(nights(windows, rule.days, day_start.unwrap_or_default()));
    }
    if let (Some(time), Some(warning)) = (rule.time(), rule.warnings().first())
        && Millis::from_ms(warning.as_ms().saturating_mul(2)) > time
    {
        odd.push(format!("it warns {warning} before the end of {time}: before half of it is used"));
    }
    odd
}

/// A budget of which the hours that are left cannot use up all.
fn unreachable_budget(rule: &Rule, starts: &[u16]) -> Option<String> {
    let time = rule.time()?;
    let most = starts.iter().map(|start| most_minutes(rule, *start)).max()?;
    if most == 0 {
        return Some("nothing is ever charged to it: no hour is left that is not blocked or free".to_owned());
    }
    let most = Millis::from_mins(u64::from(most));
    let said = budget(rule);
    (time > most).then(|| format!("its hours leave {most} at most, so {said} is never used up"))
}

/// The most minutes that can be charged in a period.
fn most_minutes(rule: &Rule, day_start: u16) -> u32 {
    let mut usable = Minutes::charged(rule, day_start);
    // The hours of a rule that only tells leave all hours to be used.
    if rule.at_limit != AtLimit::Notify {
        usable = usable.without(&Minutes::blocked(rule, day_start));
    }
    let day =
        (0..7).map(|day| usable.count_in(day * DAY_MINUTES + day_start, DAY_MINUTES)).max().unwrap_or(0);
    match rule.per() {
        Per::Hour => (0..7 * 24).map(|hour| usable.count_in(hour * 60, 60)).max().unwrap_or(0),
        Per::Day => day,
        Per::Week => usable.count(),
        // No month has more than 31 days; exact where it matters, which is where few minutes are left.
        Per::Month => 31 * day,
    }
}

/// Categories in which nothing can be: neither are they built in, nor does the person put anything there.
fn unknown_categories(rule: &Rule, set: &RuleSet) -> Vec<String> {
    let own = || set.categories.values().map(Category::as_str);
    let mut odd = Vec::new();
    for target in std::iter::once(&rule.target).chain(&rule.except) {
        let Target::Category(category) = target else { continue };
        let name = category.as_str();
        if category::NAMES.contains(&name) || own().any(|own| own.eq_ignore_ascii_case(name)) {
            continue;
        }
        let near = category::nearest(name, category::NAMES.iter().copied().chain(own()));
        let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        odd.push(format!("nothing is in {target} yet{meant}"));
    }
    odd
}

/// Domains that nothing is counted for, because browsers tell the site that they belong to.
fn no_sites(rule: &Rule) -> Vec<String> {
    let odd = |(target, instead): (&Target, &str)| {
        let Target::Domain(domain) = target else { return None };
        match Domain::registrable(domain.as_str()) {
            Ok(site) if site == *domain => None,
            Ok(site) => {
                Some(format!("{target} never counts, for browsers tell domain:{}: {instead}", site.as_str()))
            }
            Err(why) => Some(format!("{target} never counts: {why}")),
        }
    };
    let except = rule.except.iter().map(|target| (target, "except that"));
    std::iter::once((&rule.target, "make a limit on that")).chain(except).filter_map(odd).collect()
}

/// Windows that lie in others.
fn swallowed(windows: &[Window]) -> Vec<String> {
    let span = |window: Window| Minutes::of_windows(&[window], Days::ALL, 0);
    let mut odd = Vec::new();
    for (index, inner) in windows.iter().enumerate() {
        let mut others = windows.iter().enumerate().filter(|(other, _)| *other != index);
        // Of two that are the same, the second one is too many.
        let around = others.find(|(other, outer)| {
            span(**outer).covers(&span(*inner)) && (*other < index || !span(*inner).covers(&span(**outer)))
        });
        odd.extend(around.map(|(_, outer)| format!("{inner} is within {outer} already")));
    }
    odd
}

/// Windows that are in the night after the day that is named, which is easily taken for the one before.
fn nights(windows: &[Window], days: Days, day_start: DayStart) -> Vec<String> {
    if days == Days::ALL {
        return Vec::new();
    }
    let early = windows.iter().filter(|window| window.start().minutes() < day_start.minutes());
    early
        .map(|window| {
            format!("on {days}, {window} is in the night after the day, because days start at {day_start}")
        })
        .collect()
}

/// Whether another rule limits all that this one does.
fn needless(index: usize, rule: &Rule, set: &RuleSet) -> Option<String> {
    let known = set.settings.day_start;
    let mut others = set.rules.iter().enumerate().filter(|(other, _)| *other != index);
    // Of two that say the same, the second one is too many.
    let stronger = others.find(|(other, stronger)| {
        limits_hold(stronger, rule, known) && (*other < index || !limits_hold(rule, stronger, known))
    });
    stronger.map(|(_, stronger)| {
        format!("it never matters, for {} limits all of it already", stronger.id.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesText;

    fn odd(text: &str) -> Vec<String> {
        warnings(RulesText::parse(text).unwrap().set())
    }

    fn one(rest: &str) -> Vec<String> {
        odd(&format!("[[rule]]\nid = \"r\"\n{rest}"))
    }

    #[test]
    fn what_is_surely_not_meant_is_said() {
        for (text, said) in [
            ("target = \"all\"\nbudget = \"0s\"", "it blocks everything at all times"),
            ("target = \"all\"\nbudget = { opens = 0 }\ndays = \"sat\"", "it blocks everything on sat"),
            (
                "target = \"app:a\"\nbudget = \"0s\"\nallowed = \"09:00-10:00\"",
                "its budget is 0s a day, so its hours make no difference",
            ),
            (
                "target = \"app:a\"\nbudget = \"2h\"\nallowed = [\"09:00-10:00\", \"12:00-12:30\"]",
                "its hours leave 1h 30m at most, so 2h a day is never used up",
            ),
            (
                "target = \"app:a\"\nbudget = { amount = \"23h\", per = \"week\" }\ndays = \"mon,tue\"\nblocked = \"04:00-17:00\"\n[settings]\nday-start = \"04:00\"",
                "its hours leave 22h at most, so 23h a week is never used up",
            ),
            (
                "target = \"app:a\"\nbudget = { amount = \"40m\", per = \"hour\" }\nallowed = \"09:00-09:30\"",
                "its hours leave 30m at most, so 40m an hour is never used up",
            ),
            (
                "target = \"app:a\"\nbudget = { amount = \"32h\", per = \"month\" }\nallowed = \"09:00-10:00\"",
                "its hours leave 31h at most, so 32h a month is never used up",
            ),
            (
                "target = \"app:a\"\nbudget = \"1h\"\nallowed = \"09:00-10:00\"\ncount-free = \"08:00-12:00\"",
                "nothing is ever charged to it: no hour is left that is not blocked or free",
            ),
            (
                "target = \"domain:a.org\"\nbudget = \"1h\"\nexcept = \"domain:b.org\"",
                "its exception domain:b.org has nothing to do with domain:a.org",
            ),
            (
                "target = \"app:foot/vim\"\nbudget = \"1h\"\nexcept = \"app:foot\"",
                "its exception app:foot covers all that it is about, so it limits nothing",
            ),
            (
                "target = \"app:a\"\nblocked = \"09:00-10:00\"\ncount-free = \"12:00-13:00\"",
                "count-free makes no difference, for it has no budget",
            ),
            ("target = \"app:a\"\nallowed = \"00:00-24:00\"", "its hours block nothing"),
            (
                "target = \"category:vidoe\"\nbudget = \"1h\"",
                "nothing is in category:vidoe yet; did you mean video?",
            ),
            (
                "target = \"all\"\nbudget = \"1h\"\nexcept = \"category:garden\"",
                "nothing is in category:garden yet",
            ),
            (
                "target = \"domain:www.youtube.com\"\nbudget = \"1h\"",
                "domain:www.youtube.com never counts, for browsers tell domain:youtube.com: make a limit on that",
            ),
            (
                "target = \"all\"\nbudget = \"1h\"\nexcept = \"domain:co.uk\"",
                "domain:co.uk never counts: this is an ending that many sites share, and no site itself",
            ),
            (
                "target = \"app:a\"\nblocked = [\"22:00-07:00\", \"23:00-06:00\"]",
                "23:00-06:00 is within 22:00-07:00 already",
            ),
            (
                "target = \"app:a\"\nblocked = [\"22:00-07:00\", \"22:00-07:00\"]",
                "22:00-07:00 is within 22:00-07:00 already",
            ),
            (
                "target = \"app:a\"\nblocked = \"01:00-03:00\"\ndays = \"fri\"",
                "on fri, 01:00-03:00 is in the night after the day, because days start at 04:00",
            ),
            (
                "target = \"app:a\"\nbudget = \"45m\"\nwarn = [\"40m\", \"5m\"]",
                "it warns 40m before the end of 45m: before half of it is used",
            ),
        ] {
            assert_eq!(one(text), [format!("r: {said}")], "{text}");
        }
    }

    #[test]
    fn what_is_usual_is_not_odd() {
        for text in [
            "target = \"all\"\nbudget = \"8h\"",
            "target = \"category:video\"\nbudget = \"45m\"\nblocked = \"22:00-07:00\"\nexcept = \"domain:docs.rs\"",
            "target = \"app:a\"\nbudget = \"1h\"\nallowed = \"09:00-10:00\"",
            // It only tells, so that all hours can be used.
            "target = \"app:a\"\nbudget = \"2h\"\nallowed = \"09:00-10:00\"\nat-limit = \"notify\"",
            "target = \"app:a\"\nblocked = \"01:00-03:00\"",
            "target = \"category:garden\"\nbudget = \"1h\"\n[categories]\n\"app:a\" = \"garden\"",
            "target = \"app:a\"\nbudget = \"1h\"\ncount-free = \"12:00-13:00\"",
            "target = \"app:a\"\nbudget = \"4s\"",
        ] {
            assert_eq!(one(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_rule_that_another_one_outdoes_is_named() {
        let two = |one: &str, other: &str| {
            odd(&format!("[[rule]]\nid = \"a\"\n{one}\n[[rule]]\nid = \"b\"\n{other}"))
        };
        let (half, hour) = ("target = \"app:x\"\nbudget = \"30m\"", "target = \"app:x\"\nbudget = \"1h\"");
        assert_eq!(two(half, hour), ["b: it never matters, for a limits all of it already"]);
        assert_eq!(two(hour, half), ["a: it never matters, for b limits all of it already"]);
        assert_eq!(two(half, half), ["b: it never matters, for a limits all of it already"]);
        let all = "target = \"all\"\nbudget = \"20m\"";
        assert_eq!(two(half, all), ["a: it never matters, for b limits all of it already"]);
        // A limit that can be put off does not outdo one that cannot; nor does one that only tells.
        assert_eq!(two(half, &format!("{hour}\nsnooze = false")), [] as [&str; 0]);
        assert_eq!(two(&format!("{half}\nat-limit = \"notify\""), hour), [] as [&str; 0]);
        assert_eq!(two(half, "target = \"app:y\"\nbudget = \"1h\""), [] as [&str; 0]);
        assert_eq!(
            two(half, "target = \"app:x\"\nbudget = { amount = \"3h\", per = \"week\" }"),
            [] as [&str; 0]
        );
    }
}
