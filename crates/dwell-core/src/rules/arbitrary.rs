//! Arbitrary rules for tests: few targets and round numbers, so that rules meet each other often. Every one passes
//! [`Rule::check`].

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{
    Amount, AtLimit, Budget, Days, Hours, Per, Rule, RuleId, RuleSet, Settings, Snooze, Strict, Window,
    WithoutExtension,
};
use crate::calendar::CivilDay;
use crate::subject::{Category, Target};
use crate::time::Millis;

const TARGETS: [&str; 11] = [
    "all",
    "app:foot",
    "app:foot/vim",
    "app:org.mozilla.firefox",
    "app:a \"b\" \\ ü",
    "domain:example.org",
    "domain:youtube.com",
    "domain:music.youtube.com",
    "category:video",
    "category:garden",
    "category:browser",
];

/// Any of a few targets.
pub(crate) fn any_target() -> BoxedStrategy<Target> {
    select(&TARGETS[..]).prop_map(|text| text.parse().unwrap()).boxed()
}

/// Some days, at least one.
pub(crate) fn any_days() -> BoxedStrategy<Days> {
    let names = vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let some = subsequence(names, 1..=7).prop_map(|days| Days::of_words(&days).unwrap());
    prop_oneof![Just(Days::ALL), some].boxed()
}

/// Windows of less than a day, one to three.
pub(crate) fn any_windows() -> BoxedStrategy<Vec<Window>> {
    let edge =
        (0_u16..24, select(vec![0_u16, 30])).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    let window = (edge.clone(), edge).prop_filter_map("it starts where it ends", |(start, end)| {
        format!("{start}-{end}").parse::<Window>().ok()
    });
    vec(window, 1..=3).boxed()
}

fn any_budget() -> BoxedStrategy<Budget> {
    let time = prop_oneof![Just(0_u64), Just(30), Just(45), Just(60)]
        .prop_map(|m| Amount::Time(Millis::from_mins(m)));
    let opens = prop_oneof![Just(0_u32), Just(3), Just(5)].prop_map(Amount::Opens);
    let per = select(vec![Per::Hour, Per::Day, Per::Day, Per::Week, Per::Month]);
    (prop_oneof![3 => time, 1 => opens], per).prop_map(|(amount, per)| Budget { amount, per }).boxed()
}

fn any_snooze() -> BoxedStrategy<Snooze> {
    let sentence = option::of(select(vec!["I would rather read.", "say \"no\" \\ 'ü'"]));
    (1_u64..=3, 0_u32..=3, 0_u64..=2, sentence)
        .prop_map(|(length, per_day, wait, sentence)| Snooze {
            length: Millis::from_mins(length * 5),
            per_day,
            wait: Millis::from_secs(wait * 20),
            sentence: sentence.map(str::to_owned),
        })
        .boxed()
}

fn any_strict() -> BoxedStrategy<Strict> {
    let day = |day| Strict::LockedUntil(CivilDay::from_ymd(2026, 12, day).unwrap());
    select(vec![Strict::Open, Strict::Cooling, Strict::Cooling, day(24), day(31)]).boxed()
}

fn any_hours() -> BoxedStrategy<Hours> {
    prop_oneof![
        2 => Just(Hours::Any),
        1 => any_windows().prop_map(Hours::Blocked),
        1 => any_windows().prop_map(Hours::Allowed),
    ]
    .boxed()
}

/// Any rule of this id.
pub(crate) fn any_rule(id: &'static str) -> BoxedStrategy<Rule> {
    let what = (any_target(), option::weighted(0.8, any_budget()), any_days(), any_hours());
    let at_limit =
        select(vec![AtLimit::Notify, AtLimit::Block, AtLimit::Close, AtLimit::Freeze, AtLimit::Lock]);
    let how = (at_limit, prop_oneof![Just(Snooze::default()), any_snooze()], any_strict());
    let warn = option::of(subsequence(vec![20_u64, 5, 1], 0..=2));
    let free = prop_oneof![2 => Just(Vec::new()), 1 => any_windows()];
    let unseen = select(vec![WithoutExtension::Ignore, WithoutExtension::Block, WithoutExtension::CountAll]);
    let rest = (warn, vec(any_target(), 0..=2), any::<bool>(), free, unseen);
    (what, how, rest)
        .prop_filter_map("it cannot be kept", move |(what, how, rest)| {
            let (target, budget, days, hours) = what;
            let (at_limit, snooze, strict) = how;
            let (warn, mut except, rollover, count_free, unseen) = rest;
            except.retain(|except| *except != Target::All && *except != target);
            let mut rule = Rule {
                days,
                hours,
                at_limit,
                snooze,
                strict,
                except,
                count_free,
                ..Rule::new(RuleId::new(id).unwrap(), target, budget)
            };
            if matches!(rule.target, Target::Domain(_) | Target::Category(_)) {
                rule.without_extension = unseen;
            }
            rule.rollover = rollover && rule.time().is_some() && rule.per() != Per::Hour;
            rule.warn = warn.map(|warn| {
                let fits = |warning: &Millis| rule.time().is_some_and(|time| *warning < time);
                warn.into_iter().map(Millis::from_mins).filter(fits).collect()
            });
            rule.check().is_ok().then_some(rule)
        })
        .boxed()
}

fn any_settings() -> BoxedStrategy<Settings> {
    let idle = option::weighted(0.3, select(vec![Millis::from_mins(3), Millis::from_mins(5)]));
    let start = option::weighted(0.2, select(vec!["00:00", "04:00", "12:00"]));
    let zone = option::weighted(0.2, select(vec![chrono_tz::Europe::Athens, chrono_tz::UTC]));
    (idle, start, zone)
        .prop_map(|(idle_after, day_start, zone)| Settings {
            idle_after,
            day_start: day_start.map(|start| start.parse().unwrap()),
            zone,
        })
        .boxed()
}

/// Categories of a few of the same programs and domains.
pub(crate) fn any_categories() -> BoxedStrategy<BTreeMap<Target, Category>> {
    let own = select(&TARGETS[1..8]).prop_map(|text| text.parse::<Target>().unwrap());
    let name = select(vec!["video", "garden", "browser", "office"]);
    btree_map(own, name.prop_map(|name| Category::new(name).unwrap()), 0..=2).boxed()
}

/// Any set of up to four rules, with settings and categories.
pub(crate) fn any_rule_set() -> BoxedStrategy<RuleSet> {
    let rule = |id| option::of(any_rule(id));
    let rules = (rule("evening"), rule("r2"), rule("ü \"3\" \\"), rule("example.org"));
    (any_settings(), any_categories(), rules)
        .prop_map(|(settings, categories, (a, b, c, d))| RuleSet {
            settings,
            categories,
            rules: [a, b, c, d].into_iter().flatten().collect(),
        })
        .boxed()
}

/// Two sets that have much in common: the second one has some rules, settings or categories of another one.
pub(crate) fn any_change() -> BoxedStrategy<(RuleSet, RuleSet)> {
    any_rule_set().prop_flat_map(|old| (Just(old.clone()), any_changed(old))).boxed()
}

/// A set that differs from this one in one or two fields of some of its rules, or in little else.
pub(crate) fn any_changed(old: RuleSet) -> BoxedStrategy<RuleSet> {
    (any_rule_set(), vec(0_usize..17, 1..=2))
        .prop_map(move |(other, fields)| {
            let mut new = old.clone();
            for field in fields {
                match field {
                    0 => new.settings.idle_after = other.settings.idle_after,
                    1 => new.categories.clone_from(&other.categories),
                    2 => new.rules.truncate(old.rules.len() / 2),
                    3 => new.settings.zone = other.settings.zone,
                    _ => {
                        for (rule, other) in new.rules.iter_mut().zip(&other.rules) {
                            let before = rule.clone();
                            take_field(field, rule, other);
                            if rule.check().is_err() {
                                *rule = before;
                            }
                        }
                    }
                }
            }
            new
        })
        .boxed()
}

fn take_field(field: usize, rule: &mut Rule, other: &Rule) {
    match field {
        4 => rule.target = other.target.clone(),
        5 => rule.budget = other.budget,
        6 => rule.days = other.days,
        7 => rule.hours = other.hours.clone(),
        8 => rule.warn = other.warn.clone(),
        9 => rule.at_limit = other.at_limit,
        10 => rule.snooze = other.snooze.clone(),
        11 => rule.strict = other.strict,
        12 => rule.except = other.except.clone(),
        13 => rule.rollover = other.rollover,
        14 => rule.count_free = other.count_free.clone(),
        15 => rule.without_extension = other.without_extension,
        _ => rule.except.clear(),
    }
}
