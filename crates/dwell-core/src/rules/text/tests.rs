use proptest::prelude::*;

use super::super::arbitrary::{any_categories, any_rule, any_rule_set, any_target};
use super::super::{AtLimit, Hours, WithoutExtension};
use super::*;

const FULL: &str = r#"# My rules.

# Evenings are for sleep.
[[rule]]
id = "evening-video"
target = "category:video" # all of it
budget = { amount = "45m", per = "day" }
days = ["mon-fri"]
blocked = ["22:00-07:00"]
warn = ["5m"]
at-limit = "close"
snooze = { length = "3m", per-day = 2, wait = "30s", sentence = "I would rather read." }
strict = "locked-until 2026-12-31"
except = ["domain:docs.rs"]
rollover = true
without-extension = "count-all"
count-free = ["12:00-13:00"]

[[rule]]
target = 'app:org.mozilla.firefox'
budget = "2h"

[categories]
"domain:x.org" = "video"
"app:org.Game" = "games"

[settings]
idle-after = "5m"
day-start = "05:00"
zone = "Europe/Athens"
"#;

#[test]
fn a_full_text_is_read_and_written_back() {
    let text = RulesText::parse(FULL).unwrap();
    let set = text.set();
    assert_eq!(set.rules.len(), 2);
    assert_eq!(set.categories.len(), 2);
    let id = |index: usize| set.rules[index].id.as_str();
    assert_eq!((id(0), id(1)), ("evening-video", "firefox"));
    let written = FULL.replace("target = 'app", "id = \"firefox\"\ntarget = 'app");
    assert_eq!(text.to_text(), written);
    let again = RulesText::parse(&text.to_text()).unwrap();
    assert_eq!(again.set(), set);
    assert_eq!(RulesText::parse(&of_rule(&set.rules[0])).unwrap().set().rules[0], set.rules[0]);
}

#[test]
fn an_edit_leaves_everything_else_as_it_is() {
    let mut text = RulesText::parse(FULL).unwrap();
    let before = text.to_text();
    let mut rule = text.set().rules[0].clone();
    text.put(&rule).unwrap();
    assert_eq!(text.to_text(), before);
    rule.target = Target::All;
    rule.without_extension = WithoutExtension::Ignore;
    rule.rollover = false;
    rule.at_limit = AtLimit::Block;
    text.put(&rule).unwrap();
    let expected = before
        .replace("\"category:video\" #", "\"all\" #")
        .replace("rollover = true\nwithout-extension = \"count-all\"\n", "")
        .replace("at-limit = \"close\"\n", "");
    assert_eq!(text.to_text(), expected);
    assert!(text.remove(&rule.id));
    assert!(!text.remove(&rule.id));
    insta::assert_snapshot!(text.to_text(), @r#"
    # My rules.

    [[rule]]
    id = "firefox"
    target = 'app:org.mozilla.firefox'
    budget = "2h"

    [categories]
    "domain:x.org" = "video"
    "app:org.Game" = "games"

    [settings]
    idle-after = "5m"
    day-start = "05:00"
    zone = "Europe/Athens"
    "#);
}

#[test]
fn short_forms_say_the_same() {
    let rule = |text: &str| RulesText::parse(&format!("[[rule]]\n{text}")).unwrap().set().rules[0].clone();
    let same = |short: &str, long: &str| assert_eq!(rule(short), rule(long), "{short}");
    let target = "target = \"app:a\"\n";
    same(
        &format!("{target}budget = \"45m\""),
        &format!("{target}id = \"a\"\nbudget = {{ amount = \"45m\", per = \"day\" }}\nsnooze = true"),
    );
    same(&format!("{target}budget.opens = 5"), &format!("{target}[rule.budget]\nopens = 5\nper = \"day\""));
    same(
        &format!("{target}blocked = \"22:00-7:00\"\ndays = \"fri,sat\"\nexcept = \"app:b\""),
        &format!("{target}blocked = [\"22:00-07:00\"]\ndays = [\"sat\", \"friday\"]\nexcept = [\"app:b\"]"),
    );
    same(
        &format!("{target}budget = \"1h\"\nsnooze = false\nwarn = \"1m\""),
        &format!("{target}budget = \"60m\"\nsnooze = {{ per-day = 0 }}\nwarn = [\"1m\", \"60s\"]"),
    );
    let warn = rule(&format!("{target}budget = \"1h\"\nwarn = [\"1m\", \"10m\"]")).warn.unwrap();
    assert!(warn.is_sorted_by(|one, other| one > other));
    assert_eq!(rule(&format!("{target}budget = \"1h\"\nwarn = []")).warn, Some(Vec::new()));
    assert_eq!(rule(&format!("{target}budget = \"1h\"\nblocked = []")).hours, Hours::Any);
}

#[test]
fn ids_that_are_written_are_not_given_to_others() {
    let rules = "[[rule]]\ntarget = \"app:a\"\nbudget = \"1h\"\n".repeat(2);
    let text =
        RulesText::parse(&format!("{rules}[[rule]]\nid = \"a-2\"\ntarget = \"all\"\nbudget = \"1h\"\n"));
    let ids: Vec<_> = text.unwrap().set().rules.iter().map(|rule| rule.id.as_str().to_owned()).collect();
    assert_eq!(ids, ["a", "a-3", "a-2"]);
}

#[test]
fn an_empty_set_shows_how_to_begin() {
    let empty = RulesText::default();
    assert_eq!(RulesText::parse(&empty.to_text()).unwrap().set(), &RuleSet::default());
    assert_eq!(RulesText::parse(&empty.to_text()).unwrap(), empty);
    // What it shows is right: without the signs it can be read.
    let lines = empty.to_text();
    let lines = lines.lines().skip(2).map(|line| line.trim_start_matches("# ").trim_start_matches('#'));
    let shown = RulesText::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!((shown.set().rules.len(), shown.set().categories.len()), (1, 1));
}

#[test]
fn comments_keep_their_place() {
    let mut text = RulesText::parse("# About all.\n").unwrap();
    for id in ["a", "b"] {
        let rule = Rule::new(RuleId::new(id).unwrap(), Target::All, shown_rule().budget);
        text.put(&rule).unwrap();
    }
    text.set_category(&"domain:X.org".parse().unwrap(), Some(&Category::new("video").unwrap())).unwrap();
    text.set_category(&"app:Foot".parse().unwrap(), Some(&Category::new("office").unwrap())).unwrap();
    text.set_category(&"app:foot".parse().unwrap(), Some(&Category::new("video").unwrap())).unwrap();
    insta::assert_snapshot!(text.to_text(), @r#"
    # About all.

    [[rule]]
    id = "a"
    target = "all"
    budget = { amount = "1h", per = "day" }

    [[rule]]
    id = "b"
    target = "all"
    budget = { amount = "1h", per = "day" }

    [categories]
    "domain:x.org" = "video"
    "app:Foot" = "video"
    "#);
    text.set_category(&"domain:x.org".parse().unwrap(), None).unwrap();
    text.set_category(&"app:FOOT".parse().unwrap(), None).unwrap();
    text.set_category(&"app:other".parse().unwrap(), None).unwrap();
    assert!(text.remove(&RuleId::new("a").unwrap()) && text.remove(&RuleId::new("b").unwrap()));
    assert_eq!(text.to_text(), "# About all.\n\n");
    assert_eq!(text.set(), &RuleSet::default());
}

fn shown_rule() -> Rule {
    RulesText::parse("[[rule]]\ntarget = \"all\"\nbudget = \"1h\"").unwrap().set().rules[0].clone()
}

#[test]
fn a_table_of_its_own_becomes_a_value_when_it_changes() {
    let written = "[[rule]]\nid = \"a\"\ntarget = \"all\"\n[rule.budget]\namount = \"1h\"\n[rule.snooze] # mine\nper-day = 1\n";
    let mut text = RulesText::parse(written).unwrap();
    let mut rule = text.set().rules[0].clone();
    rule.budget =
        Some(super::super::Budget { amount: super::super::Amount::Opens(3), per: super::super::Per::Week });
    text.put(&rule).unwrap();
    assert_eq!(text.set().rules, [rule]);
    insta::assert_snapshot!(text.to_text(), @r#"
    [[rule]]
    id = "a"
    target = "all"
    budget = { opens = 3, per = "week" }
    [rule.snooze] # mine
    per-day = 1
    "#);
}

#[test]
fn a_rule_that_cannot_be_kept_changes_nothing() {
    let mut text = RulesText::parse(FULL).unwrap();
    let before = text.clone();
    let mut rule = text.set().rules[0].clone();
    rule.except.push(Target::All);
    let error = text.put(&rule).unwrap_err();
    assert_eq!(
        (error.line, error.column, error.message.as_str()),
        (14, 29, "an exception covers all that the rule is about")
    );
    assert!(text.set_category(&Target::All, Some(&Category::new("video").unwrap())).is_err());
    assert_eq!(text, before);
    let many = "[[rule]]\ntarget = \"all\"\nbudget = \"1h\"\n".repeat(MAX_RULES);
    let mut text = RulesText::parse(&many).unwrap();
    rule.except.clear();
    assert_eq!(text.put(&rule).unwrap_err().message, "there are 200 rules already");
    assert_eq!(text.set().rules.len(), MAX_RULES);
}

#[test]
fn nothing_private_is_shown_to_a_log() {
    let text = RulesText::parse(FULL).unwrap();
    let error = RulesText::parse("[[rule]]\ntarget = \"secret\"").unwrap_err();
    assert!(error.hint.contains("secret"));
    assert_eq!(format!("{text:?} {error:?}"), "‹redacted› TextError { line: 2, column: 10, ‹redacted› }");
}

/// Where an error is, what it says and what it advises.
fn error(text: &str) -> String {
    let error = RulesText::parse(text).unwrap_err();
    assert!(within(text, &error), "{error}");
    format!("{}:{}: {} | {}", error.line, error.column, error.message, error.hint)
}

fn within(text: &str, error: &TextError) -> bool {
    // The place behind the last character is one too.
    let line = text.split('\n').nth(error.line - 1);
    line.is_some_and(|line| (1..=line.chars().count() + 1).contains(&error.column))
}

#[test]
fn errors_name_place_and_next_step() {
    for (text, said) in [
        ("[[rules]]", "1:3: unknown key \"rules\" | did you mean rule?"),
        (
            "[rule]\ntarget = \"all\"",
            "1:2: a rule stands below [[rule]] | write [[rule]], in two pairs of brackets",
        ),
        (
            "target = \"all\"",
            "1:1: unknown key \"target\" | target belongs to a rule: write it below its [[rule]]",
        ),
        ("[settings]\nidle_after = \"3m\"", "2:1: unknown key \"idle_after\" | did you mean idle-after?"),
        (
            "[settings]\nidle-after = \"0s\"",
            "2:14: idle-after is out of range | choose 1s to 12h; 3m is the default",
        ),
        ("[settings]\nidle-after = 3", "2:14: idle-after is no text | write it like \"3m\" or \"90s\""),
        (
            "[settings]\nday-start = \"13:00\"",
            "2:13: day-start is not a time from 00:00 to 12:00 like 04:00 | write it like \"04:00\"",
        ),
        (
            "[settings]\nzone = \"Atlantis\"",
            "2:8: zone is no IANA time zone | write it like \"Europe/Athens\"",
        ),
        (
            "[categories]\n\"x.org\" = \"video\"",
            "2:1: a category's key: it names no kind of target (app:, domain:, category:, all) | write what kind it is in front, like \"domain:x.org\"",
        ),
        (
            "[categories]\nall = \"video\"",
            "2:1: only programs and domains have a category | write a line below [categories], like \"domain:example.org\" = \"video\"",
        ),
        (
            "[categories]\n\"app:A\" = \"video\"\n\"app:a\" = \"video\"",
            "3:1: this has a category already; upper and lower case are the same | remove this line",
        ),
        (
            "[categories]\ndomain:x.org = \"video\"",
            "2:7: invalid unquoted key, expected letters, numbers, `-`, `_` | write a key that has a \":\" in quotes, like \"domain:example.org\" = \"video\"",
        ),
        (
            "[[rule]]\nbudget = 45m",
            "2:10: string values must be quoted, expected literal string | write texts in quotes, like",
        ),
        ("[[rule]]\nbudget = \"1h\"", "1:1: this rule has no target | add target, written like"),
        (
            "\n  [[rule]]\nid = \"\"",
            "3:6: the rule's id is bad: it is empty | write a short name in quotes, like \"evening-video\"",
        ),
        (
            "[[rule]]\nid = \"a\"\ntarget = \"all\"\nbudget = \"1h\"\n[[rule]]\ntarget = \"all\"\nbudget = \"1h\"\nid = \"a\"",
            "8:6: there is a rule \"a\" already | give this one another id, or remove the line: it gets one then",
        ),
    ] {
        let error = error(text);
        assert!(error.starts_with(said), "{text}\n{error}");
    }
}

#[test]
fn errors_in_a_rule_name_the_key_that_is_wrong() {
    for (line, said) in [
        ("budgt = \"1h\"", "3:1: unknown key \"budgt\" | did you mean budget?"),
        (
            "budget = \"1h\"\nwithout-extension = \"block\"",
            "4:21: without-extension goes with a domain or a category | remove this line, or make",
        ),
        (
            "budget = \"1h\"\nwithout-extension = \"stop\"",
            "4:21: without-extension cannot be \"stop\" | there is ignore, block, count-all",
        ),
        (
            "target = \"aap:x\"",
            "2:10: target: \"aap:\" is no kind of target (app:, domain:, category:, all) | did you mean app?",
        ),
        ("budget = \"45\"", "3:10: budget: \"45\" lacks a unit | write it like \"45m\", {"),
        ("budget = 45", "3:10: budget is neither a time nor a table | write it like"),
        (
            "budget = \"25h\"",
            "3:10: a budget per day is at most 24h | choose at most 24h, or a longer period",
        ),
        (
            "budget = { amount = \"61m\", per = \"hour\" }",
            "3:21: a budget per hour is at most 1h | choose at most 1h, or a longer period",
        ),
        (
            "budget = { amount = \"1h\", opens = 5 }",
            "3:27: a budget has both an amount and opens | write two rules, one for each",
        ),
        (
            "budget = { opens = -1 }",
            "3:20: opens is no whole number from 0 on | write a number of visits, like 5; zero allows none",
        ),
        ("budget = { opens = 5, per = \"dya\" }", "3:29: per cannot be \"dya\" | did you mean day?"),
        ("budget = {}", "3:10: the budget has neither an amount nor opens | write it like"),
        ("days = [\"mon-fri\", \"sunn\"]", "3:20: \"sunn\" is no day of the week; write mon, tue,"),
        ("days = []", "3:8: days: no day is named | write it like [\"mon-fri\"] or \"sat,sun\""),
        (
            "blocked = [\"22:00-07:00\", \"7-9\"]",
            "3:27: blocked: it is no stretch of the day like 22:00-07:00 | write it like \"22:00-07:00\"; several ones in [ ]",
        ),
        ("blocked = 22", "3:11: blocked is neither a text nor a list of texts | write it like"),
        (
            "blocked = \"22:00-07:00\"\nallowed = \"08:00-09:00\"",
            "4:1: it has both blocked and allowed hours | keep one of both, or write two rules",
        ),
        (
            "allowed = []",
            "3:1: allowed names no hours | a rule that allows no hour at all has budget = \"0s\" instead",
        ),
        (
            "blocked = []",
            "3:1: it has neither a budget nor hours | add a line like budget = \"45m\" or blocked = [\"22:00-07:00\"]",
        ),
        ("", "1:1: it has neither a budget nor hours | add a line like"),
        (
            "blocked = \"22:00-07:00\"\nwarn = \"5m\"",
            "4:8: warnings go with a budget of time | remove this line, or give the rule a budget of time",
        ),
        (
            "budget = \"1h\"\nwarn = [\"1m\", \"60m\"]",
            "4:8: a warning would come before anything is used | name times that are shorter than the budget",
        ),
        (
            "budget = \"1h\"\nwarn = [\"1m\", \"2m\", \"3m\", \"4m\", \"5m\"]",
            "4:8: at most 4 warnings | keep those that you would act on",
        ),
        ("budget = \"1h\"\nat-limit = \"blok\"", "4:12: at-limit cannot be \"blok\" | did you mean block?"),
        (
            "budget = \"1h\"\nat-limit = \"end-session\"",
            "4:12: at-limit cannot be \"end-session\" | it is for families only; here: lock",
        ),
        (
            "budget = \"1h\"\nat-limit = \"offline\"",
            "4:12: at-limit cannot be \"offline\" | it is for families only; here: lock",
        ),
        (
            "budget = \"1h\"\nsnooze = { lenght = \"5m\" }",
            "4:12: unknown key \"lenght\" | did you mean length?",
        ),
        (
            "budget = \"1h\"\nsnooze = { per-day = 21 }",
            "4:22: a snooze lasts 1m to 1h, at most 20 times a day, after a wait of at most 10m | write false, or",
        ),
        ("budget = \"1h\"\nsnooze = { wait = \"11m\" }", "4:19: a snooze lasts 1m to 1h"),
        ("budget = \"1h\"\nsnooze = { per-day = 1, length = \"61m\" }", "4:34: a snooze lasts 1m to 1h"),
        (
            "budget = \"1h\"\nsnooze = { sentence = \" \" }",
            "4:23: the sentence has 1 to 200 characters, in one line | write one short line that you can type again",
        ),
        ("budget = \"1h\"\nsnooze = 3", "4:10: snooze is neither false nor a table | write false, or"),
        (
            "budget = \"1h\"\nstrict = \"locked\"",
            "4:10: strict cannot be \"locked\" | write \"open\", \"cooling\" or \"locked-until 2026-12-31\"",
        ),
        (
            "budget = \"1h\"\nstrict = \"colling\"",
            "4:10: strict cannot be \"colling\" | did you mean cooling?",
        ),
        (
            "budget = \"1h\"\nstrict = \"locked-until\"",
            "4:10: strict: the day until which it is locked is missing | write",
        ),
        (
            "budget = \"1h\"\nstrict = \"locked-until 31.12.2026\"",
            "4:10: strict: this is not a date like 2026-11-21 | write",
        ),
        (
            "budget = \"1h\"\nexcept = [\"app:b\", \"app:a\"]",
            "4:20: an exception covers all that the rule is about | name a part of the target, or remove the rule",
        ),
        (
            "budget = \"1h\"\nexcept = \"vim\"",
            "4:10: except: it names no kind of target (app:, domain:, category:, all) | write what kind it is in front, like \"app:vim\"",
        ),
        (
            "budget = { opens = 5 }\nrollover = true",
            "4:12: only time per day, week or month can be carried over | remove this line, or change the budget",
        ),
        (
            "budget = \"1h\"\nrollover = \"yes\"",
            "4:12: rollover is neither true nor false | write true or false",
        ),
        (
            "budget = \"1h\"\ncount-free = \"00:00-24:00\"",
            "4:14: no hour is left in which anything counts | leave hours in which it counts",
        ),
    ] {
        // The target may be the line itself.
        let head = if line.starts_with("target") { "[[rule]]\n" } else { "[[rule]]\ntarget = \"app:a\"\n" };
        let error = error(&format!("{head}{line}"));
        assert!(error.starts_with(said), "{line}\n{error}\n{said}");
    }
}

#[test]
fn a_set_has_bounds() {
    let windows = |number: usize| {
        let all: Vec<_> = (0..number).map(|at| format!("\"{at:02}:00-{at:02}:30\"")).collect();
        format!("[[rule]]\ntarget = \"app:a\"\nblocked = [{}]", all.join(", "))
    };
    assert!(RulesText::parse(&windows(12)).is_ok());
    assert!(error(&windows(13)).starts_with("3:11: at most 12 stretches of hours | join those that touch"));
    let except = |number: usize| {
        let all: Vec<_> = (0..number).map(|at| format!("\"app:{at}\"")).collect();
        format!("[[rule]]\ntarget = \"all\"\nbudget = \"1h\"\nexcept = [{}]", all.join(", "))
    };
    assert!(RulesText::parse(&except(50)).is_ok());
    assert!(error(&except(51)).starts_with("4:10: at most 50 exceptions | give what you mean a category"));
    let rules = |number: usize| "[[rule]]\ntarget = \"all\"\nbudget = \"1h\"\n".repeat(number);
    assert!(RulesText::parse(&rules(200)).is_ok());
    assert!(error(&rules(201)).starts_with("601:1: there are 200 rules already | "));
    let comment = format!("#{}", "ü".repeat(MAX_TEXT));
    assert_eq!(
        error(&comment),
        format!("1:{}: the text is longer than 256 KiB | remove what is not needed", MAX_TEXT / 2 + 1)
    );
    assert!(RulesText::parse(&format!("#{}", "x".repeat(MAX_TEXT - 1))).is_ok());
    // What is taken can be read again, ids and all.
    let full = |rest: usize| format!("{}#{}", rules(1), "x".repeat(MAX_TEXT - rules(1).len() - 1 - rest));
    assert!(RulesText::parse(&full("id = \"all\"\n".len())).is_ok());
    assert!(error(&full("id = \"all\"\n".len() - 1)).contains("the text is longer than 256 KiB"));
}

/// Tokens of which texts are made that are nearly right.
fn any_broken_text() -> impl Strategy<Value = String> {
    let tokens = vec![
        "[[rule]]",
        "[settings]",
        "[categories]",
        "\n",
        "=",
        "\"",
        "target",
        "budget",
        "\"45m\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "opens",
        "5",
        "snooze",
        "\"app:a\"",
        "\"ü\"",
        "warn",
        "id",
        " ",
        ".",
        "true",
        "#",
        "except",
        "'",
        "1979-05-27",
        "\r\n",
        "\u{feff}",
        "\"\"\"",
        "-",
        "blocked",
        "\"22:00-07:00\"",
    ];
    let soup =
        proptest::collection::vec(prop::sample::select(tokens), 0..30).prop_map(|tokens| tokens.concat());
    let cut = (0_usize..FULL.len(), 0_usize..20, "\\PC{0,4}").prop_map(|(at, length, instead)| {
        let mut text = FULL.to_owned();
        text.replace_range(at..(at + length).min(FULL.len()), &instead);
        text
    });
    let bytes = proptest::collection::vec(any::<u8>(), 0..60)
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    prop_oneof![soup, cut, bytes]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_does_harm(text in any_broken_text()) {
        match RulesText::parse(&text) {
            Ok(read) => {
                let again = RulesText::parse(&read.to_text());
                prop_assert_eq!(again.as_ref().map(RulesText::set), Ok(read.set()));
                prop_assert_eq!(again.map(|again| again.to_text()), Ok(read.to_text()));
            }
            Err(error) => prop_assert!(within(&text, &error), "{} {}", error.line, error.column),
        }
    }

    #[test]
    fn rules_read_back_as_put(set in any_rule_set()) {
        let mut text = RulesText::default();
        for rule in &set.rules {
            text.put(rule).unwrap();
            let alone = RulesText::parse(&of_rule(rule)).unwrap();
            prop_assert_eq!(&alone.set().rules[0], rule);
        }
        for (target, category) in &set.categories {
            text.set_category(target, Some(category)).unwrap();
        }
        prop_assert_eq!(&text.set().rules, &set.rules);
        prop_assert_eq!(&text.set().categories, &set.categories);
        let again = RulesText::parse(&text.to_text()).unwrap();
        prop_assert_eq!(again.set(), text.set());
        for rule in &set.rules {
            prop_assert!(text.remove(&rule.id));
        }
        for target in set.categories.keys() {
            text.set_category(target, None).unwrap();
        }
        prop_assert_eq!(text, RulesText::default());
    }

    #[test]
    fn an_edit_changes_what_it_is_about_and_nothing_else(
        first in any_rule("evening-video"),
        second in any_rule("evening-video"),
        target in any_target(),
        own in any_categories(),
    ) {
        let original = RulesText::parse(FULL).unwrap();
        let mut text = original.clone();
        for rule in [&first, &second] {
            text.put(rule).unwrap();
            prop_assert_eq!(&text.set().rules[0], rule);
            prop_assert_eq!(&text.set().rules[1], &original.set().rules[1]);
            prop_assert_eq!(&text.set().settings, &original.set().settings);
            prop_assert_eq!(&text.set().categories, &original.set().categories);
            prop_assert!(text.to_text().starts_with("# My rules.\n\n# Evenings are for sleep.\n[[rule]]\n"));
            // What stood before, in the same words.
            let rest = "\n[[rule]]\nid = \"firefox\"\ntarget = 'app:org.mozilla.firefox'\nbudget = \"2h\"\n\n[categories]";
            prop_assert!(text.to_text().contains(rest));
            let again = text.to_text();
            text.put(rule).unwrap();
            prop_assert_eq!(text.to_text(), again);
        }
        // Back to the first one says what it said.
        text.put(&original.set().rules[0]).unwrap();
        prop_assert_eq!(text.set(), original.set());
        if let (Target::App(_) | Target::Domain(_), Some(category)) = (&target, own.values().next()) {
            text.set_category(&target, Some(category)).unwrap();
            prop_assert_eq!(text.set().categories.get(&target), Some(category));
            prop_assert_eq!(&text.set().rules, &original.set().rules);
        }
    }
}
