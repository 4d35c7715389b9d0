//! The laws of comparison, and an oracle that knows nothing of sets of minutes or of moves.

use proptest::prelude::*;

use super::super::arbitrary::{any_change, any_changed, any_rule_set};
use super::super::{Days, Hours, RulesText, Window, describe};
use super::*;
use crate::category::Categories;
use crate::subject::Subject;

fn set(text: &str) -> RuleSet {
    RulesText::parse(text).unwrap_or_else(|error| panic!("{error}: {text}")).set().clone()
}

/// Compares two ways of writing a rule.
fn rules(old: &str, new: &str) -> Comparison {
    let rule = |rest: &str| set(&format!("[[rule]]\nid = \"r\"\n{rest}"));
    compare(&rule(old), &rule(new))
}

/// Both directions at once.
fn check(old: &str, new: &str, expected: Comparison) {
    assert_eq!(rules(old, new), expected, "{old}\n→ {new}");
    assert_eq!(rules(new, old), back(expected), "{new}\n→ {old}");
}

fn back(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Tighter => Comparison::Looser,
        Comparison::Looser => Comparison::Tighter,
        same => same,
    }
}

use Comparison::{Mixed, Same, Tighter};

#[test]
fn each_field_has_its_order() {
    let base = "target = \"app:foot\"\nbudget = \"45m\"\n";
    for (old, new, expected) in [
        ("", "warn = []", Same),
        ("", "rollover = false\nstrict = \"cooling\"", Same),
        ("rollover = true", "", Tighter),
        ("at-limit = \"notify\"", "", Tighter),
        ("", "at-limit = \"close\"", Tighter),
        ("", "at-limit = \"freeze\"", Tighter),
        ("at-limit = \"close\"", "at-limit = \"freeze\"", Mixed),
        ("at-limit = \"freeze\"", "at-limit = \"lock\"", Tighter),
        ("", "snooze = false", Tighter),
        ("snooze = false", "snooze = { per-day = 0, length = \"9m\" }", Same),
        ("", "snooze = { length = \"4m\" }", Tighter),
        ("", "snooze = { per-day = 2, wait = \"1m\" }", Tighter),
        ("", "snooze = { per-day = 2, wait = \"10s\" }", Mixed),
        ("", "snooze = { sentence = \"a\" }", Tighter),
        ("snooze = { sentence = \"a\" }", "snooze = { sentence = \"b\" }", Same),
        ("snooze = { sentence = \"I want this\" }", "snooze = { sentence = \"a\" }", Comparison::Looser),
        ("snooze = { sentence = \"ab\" }", "snooze = { sentence = \"a      b\" }", Same),
        ("snooze = { sentence = \"a    b\" }", "snooze = { sentence = \"a b c\" }", Tighter),
        ("snooze = { sentence = \"a b\" }", "snooze = { sentence = \"äö\" }", Same),
        ("strict = \"open\"", "", Tighter),
        ("", "strict = \"locked-until 2026-12-31\"", Tighter),
        ("strict = \"locked-until 2026-12-31\"", "strict = \"locked-until 2027-01-01\"", Tighter),
        ("except = \"app:foot/vim\"", "", Tighter),
        ("except = \"app:foot/vim\"", "except = \"app:foot/mutt\"", Mixed),
        ("except = \"app:firefox\"", "", Same),
        (
            "except = [\"app:foot/vim\", \"domain:a.org\"]",
            "except = [\"domain:a.org\", \"app:foot/vim\"]",
            Same,
        ),
        ("count-free = \"12:00-13:00\"", "", Tighter),
        ("count-free = \"12:00-13:00\"", "count-free = [\"12:00-12:30\", \"12:30-13:00\"]", Same),
        ("count-free = \"12:00-13:00\"", "count-free = \"12:30-13:30\"", Mixed),
        ("", "blocked = \"22:00-07:00\"", Tighter),
        ("", "allowed = \"09:00-17:00\"", Tighter),
        ("", "allowed = \"00:00-24:00\"", Same),
        ("blocked = \"00:00-09:00\"", "allowed = \"09:00-24:00\"", Same),
        ("blocked = \"00:00-09:00\"", "allowed = \"08:00-20:00\"", Mixed),
        ("blocked = \"22:00-07:00\"", "blocked = [\"21:00-00:00\", \"23:00-08:00\"]", Tighter),
        ("days = \"mon-fri\"", "", Tighter),
        ("days = \"mon-fri\"", "days = \"sat,sun\"", Mixed),
        ("days = \"mon\"\nblocked = \"22:00-23:00\"", "blocked = \"22:00-23:00\"", Tighter),
        // Saturday's allowed night reaches into Sunday, which was blocked in the morning.
        ("days = \"sun\"\nallowed = \"22:00-07:00\"", "days = \"sat,sun\"\nallowed = \"22:00-07:00\"", Mixed),
        // Saturday's night without counting reaches into Sunday.
        (
            "days = \"sun\"\ncount-free = \"22:00-07:00\"",
            "days = \"sat,sun\"\ncount-free = \"22:00-07:00\"",
            Mixed,
        ),
        // Over the week's end.
        ("days = \"sun\"\nblocked = \"23:00-01:00\"", "days = \"sun\"\nblocked = \"22:00-02:00\"", Tighter),
        (
            "days = \"sun\"\nallowed = \"22:00-07:00\"",
            "days = \"sun,mon\"\nallowed = \"22:00-07:00\"",
            Tighter,
        ),
    ] {
        check(&format!("{base}{old}"), &format!("{base}{new}"), expected);
    }
}

#[test]
fn a_day_start_decides_where_a_window_lies() {
    // With days from midnight on, Sunday's night covers Monday's morning; with days from 04:00 on, Monday's window is in
    // Tuesday's morning, and it does not.
    let rule = |rest: &str| format!("target = \"all\"\nbudget = \"1h\"\n{rest}");
    check(
        &rule("days = \"sun,mon\"\nblocked = [\"01:00-02:00\"]"),
        &rule("days = \"sun,mon\"\nblocked = [\"23:00-03:00\"]"),
        Mixed,
    );
    check(&rule("blocked = [\"01:00-02:00\"]"), &rule("blocked = [\"23:00-03:00\"]"), Tighter);
    // Only with days from after 05:30 on is it not.
    let (short, long) =
        ("days = \"mon\"\nblocked = \"06:30-07:00\"", "days = \"mon\"\nblocked = \"05:30-08:00\"");
    check(&rule(short), &rule(long), Mixed);
    for (start, expected) in [("04:00", Tighter), ("05:30", Tighter), ("05:31", Mixed)] {
        let known = |rest: &str| rule(&format!("{rest}\n[settings]\nday-start = \"{start}\""));
        check(&known(short), &known(long), expected);
    }
    // Longer hours at work are tighter.
    let office = |hours: &str| rule(&format!("days = \"mon-fri\"\nblocked = \"{hours}\""));
    check(&office("09:00-17:00"), &office("08:00-18:00"), Tighter);
}

#[test]
fn budgets_have_an_order_within_their_kind() {
    let per = |amount: &str, per: &str| {
        format!("target = \"app:foot\"\nblocked = \"22:00-23:00\"\nbudget = {{ {amount}, per = \"{per}\" }}")
    };
    let none = "target = \"app:foot\"\nblocked = \"22:00-23:00\"".to_owned();
    let time = |amount: &str| format!("amount = \"{amount}\"");
    for (old, new, expected) in [
        (per(&time("1h"), "day"), per(&time("45m"), "day"), Tighter),
        (none.clone(), per(&time("24h"), "day"), Tighter),
        (none, format!("{}\nrollover = true", per(&time("1h"), "day")), Tighter),
        (per("opens = 5", "day"), per("opens = 4", "day"), Tighter),
        (per("opens = 5", "day"), per("opens = 4", "week"), Mixed),
        (per("opens = 5", "day"), per(&time("5m"), "day"), Mixed),
        (per("opens = 5", "day"), per(&time("0s"), "week"), Tighter),
        (per("opens = 0", "day"), per(&time("0s"), "week"), Same),
        (per(&time("5m"), "day"), per("opens = 0", "hour"), Tighter),
        (per(&time("1h"), "day"), per(&time("1h"), "week"), Tighter),
        (per(&time("1h"), "day"), per(&time("2h"), "week"), Mixed),
        (per(&time("1h"), "day"), per(&time("1m"), "hour"), Mixed),
        (per(&time("1h"), "hour"), per(&time("1m"), "day"), Mixed),
        (per(&time("1h"), "week"), per(&time("1h"), "month"), Mixed),
        (per(&time("1h"), "day"), format!("{}\nrollover = true", per(&time("1h"), "week")), Mixed),
        // Only one half of it is known to be stricter.
        (per(&time("1h"), "day"), format!("{}\nstrict = \"open\"", per(&time("5m"), "day")), Mixed),
    ] {
        check(&old, &new, expected);
    }
}

#[test]
fn targets_have_an_order_of_what_they_cover() {
    let time = |target: &str| format!("target = \"{target}\"\nbudget = \"1h\"");
    for (old, new, expected) in [
        ("app:foot/vim", "app:foot", Tighter),
        ("app:FOOT", "app:foot", Same),
        ("domain:a.org", "all", Tighter),
        ("category:video", "all", Tighter),
        ("domain:a.org", "domain:b.org", Mixed),
        ("domain:youtube.com", "category:video", Mixed),
    ] {
        check(&time(old), &time(new), expected);
    }
    let opens = |target: &str| format!("target = \"{target}\"\nbudget = {{ opens = 5 }}");
    // One visit to the terminal may be several to what runs in it.
    check(&opens("app:foot/vim"), &opens("app:foot"), Mixed);
    check(&opens("all"), &format!("{}\nexcept = \"domain:a.org\"", opens("all")), Mixed);
    let except = |target: &str, except: &str| format!("{}\nexcept = \"{except}\"", time(target));
    check(&except("all", "app:foot/vim"), &except("all", "app:foot"), Comparison::Looser);
    check(&time("domain:a.org"), &except("all", "domain:b.org"), Tighter);
    check(&time("domain:a.org"), &except("all", "app:foot"), Mixed);
    check(&time("category:video"), &except("all", "category:garden"), Tighter);
}

#[test]
fn browsers_without_the_extension_have_an_order() {
    let rule = |target: &str, rest: &str| format!("target = \"{target}\"\n{rest}");
    let time = |way: &str| format!("budget = \"1h\"\nwithout-extension = \"{way}\"");
    let site = |way: &str| rule("domain:a.org", &time(way));
    check(&site("ignore"), &site("block"), Tighter);
    check(&site("block"), &site("count-all"), Tighter);
    check(&site("ignore"), &site("count-all"), Tighter);
    check(&site("count-all"), &rule("all", "budget = \"1h\""), Tighter);
    let visits = |way: &str| format!("budget = {{ opens = 5 }}\nwithout-extension = \"{way}\"");
    check(&rule("category:video", &visits("ignore")), &rule("category:video", &visits("count-all")), Mixed);
    // An exception is about the browser as well, where the rule is.
    let except = |way: &str, except: &str| format!("{}\nexcept = \"{except}\"", site(way));
    for other in ["app:firefox", "category:garden"] {
        check(&except("block", other), &site("block"), Tighter);
        check(&except("ignore", other), &except("block", other), Tighter);
    }
    check(&except("block", "domain:b.org"), &site("block"), Same);
}

#[test]
fn categories_move_what_rules_cover() {
    let categories = |lines: &str, rules: &str| set(&format!("[categories]\n{lines}\n{rules}"));
    let rule = |target: &str, rest: &str| {
        format!("[[rule]]\nid = \"{target}\"\ntarget = \"{target}\"\n{rest}\nbudget = \"1h\"\n")
    };
    let video = rule("category:video", "");
    let both = format!("{video}{}", rule("category:garden", ""));
    let not_video = rule("all", "except = \"category:video\"");
    let seen = rule("category:video", "except = \"category:garden\"");
    let unseen = format!("{seen}without-extension = \"block\"\n");
    let opens = "[[rule]]\nid = \"o\"\ntarget = \"category:video\"\nbudget = { opens = 5 }\n";
    for (rules, old, new, expected) in [
        (video.as_str(), "", "\"app:x\" = \"video\"", Tighter),
        (&video, "\"app:x\" = \"garden\"", "\"app:x\" = \"video\"", Tighter),
        (&video, "\"app:x\" = \"garden\"", "\"app:x\" = \"office\"", Same),
        (&both, "\"app:x\" = \"garden\"", "\"app:x\" = \"video\"", Mixed),
        // What a desktop file says is not known.
        (&video, "\"app:x\" = \"office\"", "", Tighter),
        (&both, "", "\"app:x\" = \"video\"", Mixed),
        (&video, "\"app:X\" = \"video\"", "\"app:x\" = \"Video\"", Same),
        // A domain that is not listed has its browser's category.
        (&both, "", "\"domain:dwell.example\" = \"video\"", Tighter),
        (&both, "", "\"domain:dwell.example\" = \"office\"", Same),
        (
            &both,
            "\"app:x\" = \"garden\"",
            "\"app:x\" = \"garden\"\n\"domain:dwell.example\" = \"video\"",
            Mixed,
        ),
        // The catalogue has this one as video, and what is below it as music.
        (&video, "", "\"domain:youtube.com\" = \"video\"", Tighter),
        (&both, "", "\"domain:youtube.com\" = \"office\"", Comparison::Looser),
        (
            &both,
            "\"domain:example.org\" = \"video\"",
            "\"domain:example.org\" = \"video\"\n\"domain:a.example.org\" = \"office\"",
            Comparison::Looser,
        ),
        (
            &video,
            "\"app:foot\" = \"video\"",
            "\"app:foot\" = \"video\"\n\"app:foot/vim\" = \"office\"",
            Comparison::Looser,
        ),
        (
            &video,
            "\"app:foot\" = \"office\"",
            "\"app:foot\" = \"office\"\n\"app:foot/vim\" = \"video\"",
            Tighter,
        ),
        (
            &video,
            "\"app:foot\" = \"office\"",
            "\"app:foot\" = \"office\"\n\"app:foot/vim\" = \"garden\"",
            Same,
        ),
        // An exception loses what enters it.
        (&not_video, "\"app:x\" = \"garden\"", "\"app:x\" = \"video\"", Comparison::Looser),
        (&not_video, "", "\"app:x\" = \"garden\"", Tighter),
        // A browser of which no site is known is covered whatever its category, but for those that are excepted.
        (&unseen, "\"app:x\" = \"office\"", "\"app:x\" = \"garden\"", Comparison::Looser),
        (&unseen, "\"app:x\" = \"office\"", "", Mixed),
        (&seen, "\"app:x\" = \"office\"", "", Tighter),
        (&unseen, "\"app:x\" = \"office\"", "\"app:x\" = \"news\"", Same),
        (&seen, "\"app:x\" = \"office\"", "\"app:x\" = \"garden\"", Same),
        (&unseen, "\"domain:dwell.example\" = \"office\"", "\"domain:dwell.example\" = \"garden\"", Same),
        (opens, "\"app:x\" = \"garden\"", "\"app:x\" = \"video\"", Mixed),
        ("", "\"app:x\" = \"garden\"", "\"app:x\" = \"video\"", Same),
    ] {
        let (from, to) = (categories(old, rules), categories(new, rules));
        assert_eq!(compare(&from, &to), expected, "{rules}{old} → {new}");
        assert_eq!(compare(&to, &from), back(expected), "{rules}{new} → {old}");
    }
}

#[test]
fn settings_count_where_a_rule_does() {
    let rule = "[[rule]]\nid = \"r\"\ntarget = \"all\"\nbudget = \"1h\"\n";
    let opens = "[[rule]]\nid = \"r\"\ntarget = \"all\"\nbudget = { opens = 5 }\n";
    let hours = "[[rule]]\nid = \"r\"\ntarget = \"all\"\nblocked = \"22:00-07:00\"\n";
    for (rules, old, new, expected) in [
        (rule, "idle-after = \"3m\"", "idle-after = \"5m\"", Tighter),
        (rule, "", "idle-after = \"5m\"", Mixed),
        (opens, "idle-after = \"3m\"", "idle-after = \"5m\"", Mixed),
        (hours, "idle-after = \"3m\"", "idle-after = \"5m\"", Same),
        (hours, "day-start = \"03:00\"", "day-start = \"04:00\"", Mixed),
        (rule, "", "zone = \"UTC\"", Mixed),
        ("", "day-start = \"03:00\"", "zone = \"UTC\"", Same),
    ] {
        let settings = |lines: &str| set(&format!("[settings]\n{lines}\n{rules}"));
        let (from, to) = (settings(old), settings(new));
        assert_eq!(compare(&from, &to), expected, "{rules}{old} → {new}");
        assert_eq!(compare(&to, &from), back(expected), "{rules}{new} → {old}");
    }
}

#[test]
fn what_would_be_loosened_is_kept_as_strictly_as_it_says() {
    let rule = |id: &str, target: &str, strict: &str, budget: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\ntarget = \"{target}\"\nstrict = \"{strict}\"\nbudget = \"{budget}\"\n"
        )
    };
    let open = rule("a", "app:foot", "open", "1h");
    let cooling = rule("b", "category:video", "cooling", "1h");
    let locked = rule("c", "all", "locked-until 2026-12-31", "5h");
    let old = set(&format!("{open}{cooling}{locked}"));
    let guard = |new: String| guard(&old, &set(&new));
    let until = Strict::LockedUntil("2026-12-31".parse().unwrap());
    assert_eq!(guard(format!("{open}{cooling}{locked}")), Strict::Open);
    assert_eq!(guard(format!("{cooling}{locked}")), Strict::Open);
    assert_eq!(guard(format!("{open}{locked}")), Strict::Cooling);
    assert_eq!(guard(format!("{open}{cooling}")), until);
    assert_eq!(guard(String::new()), until);
    let tighter = rule("b", "category:video", "cooling", "5m");
    assert_eq!(guard(format!("{open}{tighter}{locked}")), Strict::Open);
    // The lock itself cannot be taken off either.
    assert_eq!(guard(format!("{open}{cooling}{}", rule("c", "all", "open", "5h"))), until);
    assert_eq!(guard(format!("[settings]\nzone = \"UTC\"\n{open}{cooling}{locked}")), until);
    // Only the rule on the category loses something.
    let moved = format!("{open}{cooling}{locked}[categories]\n\"app:x\" = \"office\"\n");
    assert_eq!(guard(moved), Strict::Cooling);
}

/// Whether a rule blocks by its hours in a minute of the week, found out window by window.
fn blocks(rule: &Rule, minute: i32, day_start: i32) -> bool {
    let within = |windows: &[Window]| within(windows, rule.days, minute, day_start);
    match &rule.hours {
        Hours::Any => false,
        Hours::Blocked(windows) => within(windows),
        Hours::Allowed(windows) => holds(rule.days, minute, day_start) && !within(windows),
    }
}

fn charges(rule: &Rule, minute: i32, day_start: i32) -> bool {
    holds(rule.days, minute, day_start) && !within(&rule.count_free, rule.days, minute, day_start)
}

fn holds(days: Days, minute: i32, day_start: i32) -> bool {
    days.from_monday().any(|day| i32::from(day) == (minute - day_start).div_euclid(1440).rem_euclid(7))
}

fn within(windows: &[Window], days: Days, minute: i32, day_start: i32) -> bool {
    let begins = |day: u16, window: &Window| {
        let at = i32::from(window.start().minutes());
        let next = if at < day_start { 1440 } else { 0 };
        i32::from(day) * 1440 + at + next
    };
    let covers =
        |begin: i32, window: &Window| (minute - begin).rem_euclid(10_080) < i32::from(window.minutes());
    days.from_monday().any(|day| windows.iter().any(|window| covers(begins(day, window), window)))
}

fn subjects() -> Vec<Subject> {
    let mut subjects = Vec::new();
    for app in ["foot", "foot/vim", "org.mozilla.firefox", "other"] {
        for domain in [None, Some("example.org"), Some("youtube.com"), Some("music.youtube.com")] {
            let app = crate::subject::AppId::new(app).unwrap();
            let domain = domain.map(|domain| crate::subject::Domain::new(domain).unwrap());
            // Domains are looked at in browsers.
            if domain.is_none() || app.as_str().contains("firefox") {
                subjects.push(Subject { app, domain });
            }
        }
    }
    subjects
}

/// What a desktop file may say of a program: any category; of a browser that it is one.
fn desktop_files(subject: &Subject) -> Vec<Option<Category>> {
    let names: &[&str] = if subject.domain.is_some() { &["browser"] } else { &["video", "garden", "office"] };
    names
        .iter()
        .map(|name| Category::new(*name).ok())
        .chain(subject.domain.is_none().then_some(None))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_changes_where_nothing_changes(set in any_rule_set()) {
        prop_assert_eq!(compare(&set, &set), Same);
        prop_assert_eq!(guard(&set, &set), Strict::Open);
    }

    #[test]
    fn a_change_and_its_inverse_are_never_both_tighter((old, new) in any_change(), far in any_rule_set()) {
        for new in [new, far] {
            prop_assert_eq!(compare(&new, &old), back(compare(&old, &new)));
            // Only what loosens is guarded, and all that loosens asks the rules that are loosened.
            prop_assert!(compare(&old, &new).loosens() || guard(&old, &new) == Strict::Open);
            if describe(&old, &new).is_empty() {
                prop_assert_eq!(compare(&old, &new), Same);
            }
        }
    }

    #[test]
    fn as_strict_as_what_is_as_strict_is_as_strict(
        (a, b, c) in any_change().prop_flat_map(|(a, b)| (Just(a), Just(b.clone()), any_changed(b)))
    ) {
        for [a, b, c] in [[&a, &b, &c], [&c, &b, &a], [&b, &a, &c], [&c, &a, &b], [&a, &c, &b], [&b, &c, &a]] {
            if is_as_strict(b, a) && is_as_strict(c, b) {
                prop_assert!(is_as_strict(c, a));
                let tighter = compare(a, b) == Tighter || compare(b, c) == Tighter;
                prop_assert_eq!(compare(a, c) == Tighter, tighter);
            }
        }
    }

    #[test]
    fn what_is_as_strict_blocks_and_charges_as_much(
        (old, new) in any_change(),
        usual in 0_i32..=360,
        other in 0_i32..=720,
    ) {
        let known: DayStart = format!("{:02}:{:02}", other / 60, other % 60).parse().unwrap();
        for before in &old.rules {
            let Some(after) = new.rules.iter().find(|rule| rule.id == before.id) else { continue };
            for (day_start, known) in [(usual, None), (other, Some(known))] {
                if !limits_hold(after, before, known) {
                    continue;
                }
                for minute in (0..10_080).step_by(15).chain([day_start, day_start + 1440 * 3]) {
                    prop_assert!(!blocks(before, minute, day_start) || blocks(after, minute, day_start));
                    if before.budget.is_some() && !after.budget.as_ref().is_some_and(is_nothing) {
                        prop_assert!(!charges(before, minute, day_start) || charges(after, minute, day_start));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_as_strict_covers_as_much((old, new) in any_change()) {
        covers_as_much(&old, &new)?;
    }

    #[test]
    fn wherever_a_browser_is_put_what_is_as_strict_covers_as_much(
        old in any_rule_set(),
        names in [any_name(), any_name()],
    ) {
        let browser: Target = "app:org.mozilla.firefox".parse().unwrap();
        let [old, new] = names.map(|name| {
            let categories = name.map(|name| (browser.clone(), Category::new(name).unwrap()));
            RuleSet { categories: categories.into_iter().collect(), ..old.clone() }
        });
        covers_as_much(&old, &new)?;
    }

    #[test]
    fn a_tightening_is_tighter(set in any_rule_set(), index in any::<prop::sample::Index>(), kind in 0_usize..13) {
        if set.rules.is_empty() {
            return Ok(());
        }
        let mut new = set.clone();
        let index = index.index(set.rules.len());
        let rule = &mut new.rules[index];
        if tighten(rule, kind) {
            prop_assert_eq!(rule.check(), Ok(()));
            prop_assert_eq!(compare(&set, &new), Tighter);
            prop_assert_eq!(compare(&new, &set), Comparison::Looser);
            let strict = set.rules[index].strict.max(new.rules[index].strict);
            prop_assert_eq!(guard(&new, &set), strict);
        }
    }
}

fn any_name() -> impl Strategy<Value = Option<&'static str>> {
    proptest::sample::select(vec![None, Some("video"), Some("garden"), Some("office")])
}

/// What the new set is as strict as, it covers: by its category, and as a browser of which no site is known.
fn covers_as_much(old: &RuleSet, new: &RuleSet) -> Result<(), TestCaseError> {
    if !is_as_strict(new, old) {
        return Ok(());
    }
    let (before, after) = (Categories::new(&old.categories), Categories::new(&new.categories));
    for rule in &old.rules {
        let now = new.rules.iter().find(|now| now.id == rule.id).unwrap();
        for subject in subjects() {
            for file in desktop_files(&subject) {
                let (was, is) = (before.of(&subject, file.clone()), after.of(&subject, file.clone()));
                let (was, is) = (was.as_ref(), is.as_ref());
                let covers = now.covers(&subject, is);
                prop_assert!(!rule.covers(&subject, was) || covers);
                let unseen = rule.covers_unseen(&subject, was);
                prop_assert!(!unseen || covers || now.covers_unseen(&subject, is));
                prop_assert!(!rule.counts(&subject, was) || now.counts(&subject, is));
            }
        }
    }
    Ok(())
}

/// Makes one field tighter; `false`: this one cannot be, or it would change nothing.
fn tighten(rule: &mut Rule, kind: usize) -> bool {
    let before = rule.clone();
    let visits = rule.opens().is_some_and(|opens| opens > 0);
    match kind {
        0 => rule.strict = Strict::LockedUntil(crate::calendar::CivilDay::MAX),
        1 => rule.snooze.per_day = rule.snooze.per_day.saturating_sub(1),
        2 if rule.snooze.per_day > 0 => rule.snooze.wait = Millis::from_mins(10),
        3 if rule.snooze.per_day > 0 => rule.snooze.length = Millis::from_mins(1),
        4 if rule.snooze.per_day > 0 && rule.snooze.sentence.is_none() => {
            rule.snooze.sentence = Some("I chose this.".into());
        }
        5 => rule.at_limit = AtLimit::Lock,
        6 => {
            rule.rollover = rule.time() == Some(Millis::ZERO) && rule.rollover;
        }
        7 => {
            let Some(Budget { amount, .. }) = &mut rule.budget else { return false };
            match amount {
                Amount::Time(time) if !time.is_zero() => *time = time.saturating_sub(Millis::from_mins(1)),
                Amount::Opens(opens) if *opens > 0 => *opens -= 1,
                Amount::Time(_) | Amount::Opens(_) => return false,
            }
            rule.warn = None;
            return true;
        }
        8 if rule.budget.is_none() => {
            rule.budget = Some(Budget { amount: Amount::Time(Millis::from_mins(60)), per: Per::Week });
        }
        9 if rule.hours == super::super::Hours::Any => {
            rule.hours = Hours::Blocked(vec!["22:00-07:00".parse().unwrap()]);
        }
        10 if !visits && rule.except.is_empty() => {
            rule.target = Target::All;
            rule.without_extension = WithoutExtension::Ignore;
        }
        11 if rule.budget.is_some()
            && matches!(rule.hours, Hours::Any | Hours::Blocked(_))
            && rule.count_free.is_empty() =>
        {
            rule.days = Days::ALL;
        }
        12 if !visits && matches!(rule.target, Target::Domain(_) | Target::Category(_)) => {
            rule.without_extension = WithoutExtension::CountAll;
        }
        _ => return false,
    }
    *rule != before
}
