//! What rules mean, and what follows from it, case by case. That nothing changes between two instants that judging names is
//! tested with [`crate::simulate`].

use std::sync::Arc;

use super::*;
use crate::calendar::Calendar;
use crate::ledger::{Ledger, Meters, Open, Tally};
use crate::rules::{Amount, AtLimit, Budget, Hours, Per, Rule, RuleId, WithoutExtension};
use crate::sample::{Fact, Sample};
use crate::subject::{AppId, Category, Domain, Subject, Target};
use crate::time::{Boot, Millis, Reading, Wall};
use crate::timeline::Timeline;

/// 1970-01-01, a Thursday, at noon.
const NOW: Reading = Reading::new(Boot::from_ms(1000), Wall::from_unix_ms(12 * 3_600_000));

fn rule(id: &str, target: &str, amount: &str, warn: &str, at_limit: AtLimit) -> Rule {
    let budget = Budget { amount: Amount::Time(amount.parse().unwrap()), per: Per::Day };
    let warn: Millis = warn.parse().unwrap();
    let warn = Some(Some(warn).into_iter().filter(|warn| !warn.is_zero()).collect());
    Rule { at_limit, warn, ..Rule::new(RuleId::new(id).unwrap(), target.parse().unwrap(), Some(budget)) }
}

fn subject(app: &str) -> Subject {
    Subject::app(AppId::new(app).unwrap())
}

fn away(subject: &Subject, unseen: bool) -> Away {
    Away { subject: subject.clone(), category: None, unseen }
}

fn calendar() -> Calendar {
    Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap())
}

/// What rules say when so much was used of each.
fn judged(
    rules: &[Rule],
    used: &str,
    running: Option<&Subject>,
    now: Reading,
    off: impl Fn(&mut Held),
) -> Verdicts {
    let used: Millis = used.parse().unwrap();
    let calendar = calendar();
    let held =
        rules.iter().map(|rule| Held::new(Arc::new(rule.clone()), &calendar, calendar.day_of(now.wall)));
    let mut held: Vec<Held> = held.collect();
    held.iter_mut().for_each(off);
    let ledger = Ledger::new(calendar);
    let mut timeline = Timeline::new(now);
    timeline.fold(&Sample::new(now.boot, Fact::Focus(running.map(|running| running.app.clone()))), now);
    let open = Open::of(&timeline, now.boot, ledger.almanac(), |_| None);
    let meters = Meters::new(held.iter().filter_map(Held::meter).cloned(), &ledger, |_| None);
    let beside = |_: &RuleId, _: i64| Tally { time: used, opens: 0 };
    let bench = Bench { meters: &meters, open: open.as_ref(), almanac: ledger.almanac(), beside: &beside };
    judge(&held, &bench, now)
}

fn at(rules: &[Rule], used: &str, running: Option<&Subject>) -> Verdicts {
    judged(rules, used, running, NOW, |_| {})
}

fn planned(before: &Verdicts, after: &Verdicts, in_front: Option<&Subject>, came: bool) -> Vec<Action> {
    let front =
        in_front.map(|subject| Front { subject, category: None, app_category: None, unseen: false, came });
    plan(before, after, front, &[], |app| app.as_str() == "org.example.Terminal").0
}

#[test]
fn the_next_change_is_the_warning_then_the_limit_then_the_day_start() {
    let rules = [rule("r", "app:a", "10m", "2m", AtLimit::Block)];
    let a = subject("a");
    let v = at(&rules, "1m", Some(&a));
    assert_eq!((v.rules[0].verdict, v.next_boot), (Verdict::Allowed, Some(NOW.boot + Millis::from_mins(7))));
    let v = at(&rules, "8m", Some(&a));
    assert_eq!((v.rules[0].verdict, v.next_boot), (Verdict::Warn, Some(NOW.boot + Millis::from_mins(2))));
    let v = at(&rules, "10m", Some(&a));
    assert_eq!((v.rules[0].verdict, v.next_boot), (Verdict::Blocked, None));
    assert_eq!(v.rules[0].until, Some(calendar().end_of(calendar().day_of(NOW.wall))));
    assert_eq!(at(&rules, "1m", Some(&subject("b"))).next_boot, None, "another program runs");
}

#[test]
fn hours_block_and_warn_before_they_do() {
    let night = Rule {
        hours: Hours::Blocked(vec!["22:00-07:00".parse().unwrap()]),
        ..Rule::new(RuleId::new("r").unwrap(), Target::All, None)
    };
    let minute = |hours: u64, minutes: u64| NOW.at(NOW.boot + Millis::from_mins((hours - 12) * 60 + minutes));
    let wall = |hours: i64, minutes: i64| Wall::from_unix_ms((hours * 60 + minutes) * 60_000);
    let said = |now| {
        let v = judged(std::slice::from_ref(&night), "0s", None, now, |_| {});
        (v.rules[0].verdict, v.rules[0].until, v.next_wall)
    };
    assert_eq!(said(NOW), (Verdict::Allowed, None, Some(wall(21, 55))));
    assert_eq!(said(minute(21, 55)), (Verdict::Warn, Some(wall(22, 0)), Some(wall(22, 0))));
    assert_eq!(said(minute(22, 0)), (Verdict::Blocked, Some(wall(31, 0)), Some(wall(31, 0))));
    assert_eq!(said(minute(31, 0)).0, Verdict::Allowed);
}

#[test]
fn a_block_that_ends_in_another_one_lasts_as_long_as_that() {
    // Used up, it would open at 04:00, when the night is not over.
    let both = Rule {
        hours: Hours::Blocked(vec!["22:00-07:00".parse().unwrap()]),
        ..rule("r", "app:a", "10m", "0s", AtLimit::Block)
    };
    let v = at(&[both], "10m", None);
    assert_eq!(v.rules[0].because, Some(Because::Budget));
    assert_eq!(v.rules[0].until, Some(Wall::from_unix_ms(31 * 3_600_000)));
}

#[test]
fn what_is_suspended_or_put_off_says_nothing() {
    let rules = [rule("r", "app:a", "10m", "2m", AtLimit::Block)];
    let v = judged(&rules, "10m", None, NOW, |held| held.suspended = true);
    assert_eq!((v.rules[0].verdict, v.rules[0].stage), (Verdict::Allowed, Stage::Within));
    assert!(v.rules[0].reached(), "what is used up is told still");
    let until = NOW.boot + Millis::from_mins(5);
    let v = judged(&rules, "10m", None, NOW, |held| held.snoozed_until = Some(until));
    assert_eq!((v.rules[0].verdict, v.next_boot), (Verdict::Allowed, Some(until)));
    let later = NOW.at(until);
    let v = judged(&rules, "10m", None, later, |held| held.snoozed_until = Some(until));
    assert_eq!(v.rules[0].verdict, Verdict::Blocked);
}

#[test]
fn a_week_that_is_used_up_blocks_on_its_days_only() {
    let week = Rule {
        days: "mon-fri".parse().unwrap(),
        budget: Some(Budget { amount: Amount::Time(Millis::from_mins(10)), per: Per::Week }),
        ..rule("r", "app:a", "10m", "0s", AtLimit::Block)
    };
    let v = at(std::slice::from_ref(&week), "10m", None);
    let friday = calendar().day_of(NOW.wall).plus(1);
    assert_eq!(v.rules[0].until, Some(calendar().end_of(friday)));
    let saturday = NOW.at(NOW.boot + Millis::from_mins(2 * 24 * 60));
    assert_eq!(judged(&[week], "10m", None, saturday, |_| {}).rules[0].verdict, Verdict::Allowed);
}

#[test]
fn a_limit_is_told_once_and_acted_on_each_time() {
    let rules = [rule("r", "app:a", "10m", "2m", AtLimit::Block)];
    let a = subject("a");
    let (within, over) = (at(&rules, "1m", Some(&a)), at(&rules, "10m", Some(&a)));
    let first = planned(&within, &over, Some(&a), false);
    assert!(matches!(
        first.as_slice(),
        [Action::Reached(_), Action::Act { deed: Deed::Minimise, again: false, .. }]
    ));
    assert_eq!(planned(&over, &over, Some(&a), false), [], "nothing new");
    let back = planned(&over, &over, Some(&a), true);
    assert!(matches!(back.as_slice(), [Action::Act { deed: Deed::Minimise, again: true, .. }]));
    assert_eq!(planned(&over, &over, Some(&subject("b")), true), []);
    assert_eq!(planned(&over, &Verdicts::default(), None, false), [Action::Lifted(over.rules[0].clone())]);
}

#[test]
fn a_browser_whose_site_nobody_knows_is_put_away_where_the_rule_says_so() {
    let is_done = |way: WithoutExtension, at_limit: AtLimit, app: &str, unseen: bool| {
        let made = Rule { without_extension: way, ..rule("r", "domain:example.org", "10m", "0s", at_limit) };
        let over = at(&[made], "10m", None);
        let subject = subject(app);
        let front = Front { subject: &subject, category: None, app_category: None, unseen, came: true };
        let plan = plan(&Verdicts::default(), &over, Some(front), &[], |_| false).0;
        plan.into_iter().find_map(|action| match action {
            Action::Act { deed, unseen, .. } => {
                assert!(unseen, "that is why");
                Some(deed)
            }
            _ => None,
        })
    };
    for way in [WithoutExtension::Block, WithoutExtension::CountAll] {
        for at_limit in [AtLimit::Block, AtLimit::Close, AtLimit::Freeze, AtLimit::Lock] {
            assert_eq!(is_done(way, at_limit, "firefox", true), Some(Deed::Minimise));
        }
        assert_eq!(is_done(way, AtLimit::Notify, "firefox", true), None);
        assert_eq!(is_done(way, AtLimit::Block, "firefox", false), None, "a new tab of a linked one");
        assert_eq!(is_done(way, AtLimit::Block, "surf", true), Some(Deed::Minimise), "one that no list has");
        assert_eq!(is_done(way, AtLimit::Block, "swaylock", true), None, "the way back");
    }
    assert_eq!(is_done(WithoutExtension::Ignore, AtLimit::Block, "firefox", true), None);
}

#[test]
fn the_time_of_a_browser_whose_site_nobody_knows_counts_where_the_rule_says_so() {
    let counts = |way: WithoutExtension, target: &str, app: &str| {
        let made = Rule { without_extension: way, ..rule("r", target, "10m", "2m", AtLimit::Block) };
        at(&[made], "1m", Some(&subject(app))).next_boot.is_some()
    };
    for target in ["domain:example.org", "category:video"] {
        assert!(counts(WithoutExtension::CountAll, target, "firefox"));
        assert!(!counts(WithoutExtension::CountAll, target, "foot"));
        assert!(!counts(WithoutExtension::Block, target, "firefox"));
        assert!(!counts(WithoutExtension::Ignore, target, "firefox"));
    }
}

#[test]
fn a_site_is_the_browsers_to_block_and_a_browser_is_put_away() {
    let site = Subject { domain: Some(Domain::new("example.org").unwrap()), ..subject("b") };
    let deeds = |rules: &[Rule], app_category: Option<&Category>, before: &Verdicts| {
        let over = at(rules, "10m", None);
        let video = Category::new("video").unwrap();
        let front = Front { subject: &site, category: Some(&video), app_category, unseen: false, came: true };
        let plan = plan(before, &over, Some(front), &[], |_| false).0;
        let deeds = plan.into_iter().filter_map(|action| match action {
            Action::Act { deed, by, .. } => Some((deed, by.id().as_str().to_owned())),
            _ => None,
        });
        (deeds.collect::<Vec<_>>(), over)
    };
    let is = |deed: Deed, by: &str| vec![(deed, by.to_owned())];
    let none = Verdicts::default();
    for at_limit in [AtLimit::Block, AtLimit::Close, AtLimit::Freeze] {
        for target in ["domain:example.org", "category:video"] {
            let rules = [rule("r", target, "10m", "0s", at_limit)];
            let (first, over) = deeds(&rules, None, &none);
            assert_eq!(first, is(Deed::Page, "r"), "{target}");
            assert_eq!(deeds(&rules, None, &over).0, [], "it is on its way: {target}");
        }
    }
    let lock = [rule("r", "domain:example.org", "10m", "0s", AtLimit::Lock)];
    assert_eq!(deeds(&lock, None, &none).0, is(Deed::Lock, "r"));
    // A rule about the program, or about what the program itself is in, puts it away.
    let video = Category::new("video").unwrap();
    let category = [rule("r", "category:video", "10m", "0s", AtLimit::Block)];
    assert_eq!(deeds(&category, Some(&video), &none).0, is(Deed::Minimise, "r"));
    let both = [
        rule("site", "domain:example.org", "10m", "0s", AtLimit::Freeze),
        rule("browser", "app:b", "10m", "0s", AtLimit::Block),
    ];
    assert_eq!(deeds(&both, None, &none).0, is(Deed::Minimise, "browser"));
}

#[test]
fn several_warnings_are_told_one_by_one() {
    let warn = Some(vec![Millis::from_mins(5), Millis::from_mins(1)]);
    let rules = [Rule { warn, ..rule("r", "app:a", "10m", "0s", AtLimit::Block) }];
    let stages = ["4m", "5m", "8m", "9m", "10m"].map(|used| at(&rules, used, None).rules[0].stage);
    use Stage::{Reached, Warned, Within};
    assert_eq!(stages, [Within, Warned(1), Warned(1), Warned(2), Reached]);
    let plans =
        |from: &str, to: &str| planned(&at(&rules, from, None), &at(&rules, to, None), None, false).len();
    assert_eq!((plans("4m", "5m"), plans("5m", "8m"), plans("8m", "9m")), (1, 0, 1));
}

#[test]
fn the_strictest_of_several_rules_acts() {
    let a = subject("a");
    let rules =
        [rule("r", "app:a", "10m", "0s", AtLimit::Close), rule("s", "all", "5m", "0s", AtLimit::Block)];
    let over = at(&rules, "10m", Some(&a));
    let actions = planned(&Verdicts::default(), &over, Some(&a), true);
    assert!(matches!(actions.last(), Some(Action::Act { deed: Deed::Close, again: false, .. })));
    assert_eq!(actions.len(), 3);
}

#[test]
fn notify_never_acts_and_never_blocks() {
    let a = subject("a");
    let over = at(&[rule("r", "app:a", "10m", "0s", AtLimit::Notify)], "11m", Some(&a));
    assert_eq!(over.rules[0].verdict, Verdict::Warn);
    assert_eq!(
        planned(&Verdicts::default(), &over, Some(&a), true),
        [Action::Reached(over.rules[0].clone())]
    );
}

#[test]
fn what_was_held_back_is_released_when_nothing_blocks_it() {
    let (a, b) = (subject("a"), subject("b"));
    let rules = [rule("r", "app:a", "10m", "0s", AtLimit::Block)];
    let (within, over) = (at(&rules, "1m", None), at(&rules, "10m", None));
    let back = [away(&a, false), away(&b, false)];
    let released = |after: &Verdicts| plan(&over, after, None, &back, |_| false).0;
    assert_eq!(released(&over), [Action::Release(b.app.clone())]);
    let all = released(&within);
    assert!(all.contains(&Action::Release(a.app)) && all.contains(&Action::Release(b.app)));
}

#[test]
fn a_browser_that_was_put_away_for_being_unseen_comes_back_when_it_is_seen() {
    let firefox = subject("firefox");
    let made = Rule {
        without_extension: WithoutExtension::Block,
        ..rule("r", "domain:example.org", "10m", "0s", AtLimit::Block)
    };
    let (within, over) =
        (at(std::slice::from_ref(&made), "1m", None), at(std::slice::from_ref(&made), "10m", None));
    let released =
        |after: &Verdicts, unseen| plan(&over, after, None, &[away(&firefox, unseen)], |_| false).0;
    assert_eq!(released(&over, true), [], "nobody asks a hidden window");
    assert_eq!(released(&over, false), [Action::Release(firefox.app.clone())], "its extension was linked");
    assert!(released(&within, true).contains(&Action::Release(firefox.app.clone())));
}

#[test]
fn terminals_are_minimised_and_the_shell_is_left_alone() {
    let last = |target: &str, app: &str, at_limit: AtLimit| {
        let rules = [rule("r", target, "1m", "0s", at_limit)];
        let s = subject(app);
        match planned(&Verdicts::default(), &at(&rules, "1m", Some(&s)), Some(&s), true).pop() {
            Some(Action::Act { deed, app, .. }) => Some((deed, app.as_str().to_owned())),
            _ => None,
        }
    };
    let deed = |target: &str, app: &str, at_limit| last(target, app, at_limit).map(|(deed, _)| deed);
    for at_limit in [AtLimit::Close, AtLimit::Freeze] {
        assert_eq!(deed("app:foot", "foot", at_limit), Some(Deed::Minimise));
        assert_eq!(deed("all", "code", at_limit), Some(Deed::Minimise));
        assert_eq!(deed("all", "foot", at_limit), None, "no way back");
        assert_eq!(deed("all", "foot/vim", at_limit), None, "no way back");
        // A terminal that no list has, but whose desktop file says that it is one, or in which something is known to run.
        for app in ["org.example.Terminal", "org.example.Other/vim", "com.raggesilver.BlackBox", "Yakuake"] {
            assert_eq!(deed("all", app, at_limit), None, "no way back: {app}");
            assert_eq!(deed(&format!("app:{app}"), app, at_limit), Some(Deed::Minimise), "{app}");
        }
        assert_eq!(deed("all", "swaylock", at_limit), None);
    }
    // The rule's target is what is acted on: the terminal with all its windows, or the program in it alone.
    for target in ["foot", "foot/vim"] {
        assert_eq!(last(&format!("app:{target}"), "foot/vim", AtLimit::Close).unwrap().1, target);
    }
    assert_eq!(deed("all", "org.example.Game", AtLimit::Close), Some(Deed::Close));
    assert_eq!(deed("all", "org.example.Game", AtLimit::Freeze), Some(Deed::Freeze));
}

#[test]
fn a_session_is_locked_once() {
    let a = subject("a");
    let over = at(&[rule("r", "all", "1m", "0s", AtLimit::Lock)], "1m", Some(&a));
    let deed = |before: &Verdicts, back: &[Away]| {
        let front =
            Some(Front { subject: &a, category: None, app_category: None, unseen: false, came: true });
        match plan(before, &over, front, back, |_| false).0.pop() {
            Some(Action::Act { deed, .. }) => Some(deed),
            _ => None,
        }
    };
    assert_eq!(deed(&Verdicts::default(), &[]), Some(Deed::Lock));
    assert_eq!(deed(&over, &[]), Some(Deed::Lock), "it was told when nothing was in front");
    let back = [away(&a, false)];
    assert_eq!(deed(&over, &back), Some(Deed::Minimise), "or nobody could unlock it to change the rule");
}

#[test]
fn nothing_on_some_days_ends_with_them() {
    // Until Sunday's 04:00, and not only until the next period begins.
    let days = Rule { days: "thu-sat".parse().unwrap(), ..rule("r", "app:a", "0s", "0s", AtLimit::Block) };
    let v = at(std::slice::from_ref(&days), "0s", None);
    assert_eq!(v.rules[0].until, Some(calendar().end_of(calendar().day_of(NOW.wall).plus(2))));
    let some = Rule { budget: rule("r", "app:a", "10m", "0s", AtLimit::Block).budget, ..days };
    let v = at(&[some], "10m", None);
    assert_eq!(v.rules[0].until, Some(calendar().end_of(calendar().day_of(NOW.wall))));
}
