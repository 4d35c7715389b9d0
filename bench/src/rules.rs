//! What judging costs: 200 rules against a day with 400 subjects, a heavy year of samples replayed, and a limit tried on
//! one.

use std::path::Path;
use std::sync::Arc;

use dwell_core::calendar::Calendar;
use dwell_core::ledger::{Ledger, Meters, Open, Tally};
use dwell_core::policy::{Bench, Held, judge};
use dwell_core::rules::{Amount, Budget, Hours, Per, Rule, RuleId};
use dwell_core::sample::{Fact, Sample};
use dwell_core::simulate::{Enforcement, Replay, Trial};
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Category, Domain, Subject};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use dwell_core::timeline::Timeline;

use crate::measure::{cpu_of, time_of};

const RULES: usize = 200;
const SUBJECTS: u64 = 400;
/// Changes of focus in a heavy year: 790,000.
const SAMPLES_A_DAY: u64 = 2_164;
const DAYS: u64 = 365;
/// 2026-01-01T08:00:00Z.
const START: i64 = 1_767_254_400_000;

/// Measures and says what held; `quick`: fewer rounds; `dir`: where the vault goes for the time being.
pub(crate) fn measure(quick: bool, dir: &Path) -> bool {
    println!("\n### Rules\n\n| | median | bar | |\n|---|---:|---:|---|");
    let rounds = if quick { 50 } else { 1_000 };
    let judging =
        line(&format!("judge {RULES} rules, {SUBJECTS} subjects"), judging(rounds), 100e3, "µs", 1e3);
    let rounds = if quick { 1 } else { 5 };
    let replaying = line("replay a year, 790,000 samples, 10 rules", replaying(rounds), 1e9, "ms", 1e6);
    let trying = line("try a limit on a year's spans, in memory", trying(rounds), 150e6, "ms", 1e6);
    let asked = crate::trial::measure(dir, if quick { 3 } else { 15 });
    let mut good = judging && replaying && trying;
    for (what, ns) in &asked.trials {
        good &= line(&format!("`dwell limit try` over a year, end to end: {what}"), *ns, 150e6, "ms", 1e6);
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (before, after) = asked.memory;
    println!(
        "\nThe vault of that year has {} spans. The daemon had {:.1} MiB before the trials (at most {:.1}), and {:.1} after \
         them (at most {:.1}).",
        asked.spans,
        mib(before.now),
        mib(before.peak),
        mib(after.now),
        mib(after.peak)
    );
    good
}

fn line(what: &str, ns: f64, bar: f64, unit: &str, per: f64) -> bool {
    let good = ns <= bar;
    let said = if good { "pass" } else { "**FAIL**" };
    println!("| {what} | {:.1} {unit} | {:.0} {unit} | {said} |", ns / per, bar / per);
    good
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn calendar() -> Calendar {
    Calendar::new("Europe/Athens".parse().unwrap(), "04:00".parse().unwrap())
}

fn subject(nth: u64) -> Subject {
    let domain = (nth.is_multiple_of(2)).then(|| Domain::new(format!("site-{nth}.example")).unwrap());
    Subject { app: AppId::new(format!("org.example.App{}", nth % 40)).unwrap(), domain }
}

fn category(subject: &Subject) -> Option<Category> {
    let name = if subject.domain.is_some() { "video" } else { "office" };
    Category::new(name).ok()
}

/// Rules of every kind, on programs, domains, categories and everything.
fn rules() -> Vec<Rule> {
    let rule = |nth: usize| {
        let target = match nth % 5 {
            0 | 1 => format!("domain:site-{}.example", nth % 400),
            2 => format!("app:org.example.App{}", nth % 40),
            3 => format!("category:{}", if nth.is_multiple_of(2) { "video" } else { "office" }),
            _ => "all".to_owned(),
        };
        let per = [Per::Hour, Per::Day, Per::Day, Per::Week, Per::Month][nth % 5];
        let amount =
            if nth.is_multiple_of(7) { Amount::Opens(20) } else { Amount::Time(Millis::from_mins(50)) };
        let mut rule = Rule::new(
            RuleId::new(format!("rule-{nth}")).unwrap(),
            target.parse().unwrap(),
            Some(Budget { amount, per }),
        );
        if nth.is_multiple_of(3) {
            rule.hours = Hours::Blocked(vec!["22:00-07:00".parse().unwrap()]);
        }
        if nth.is_multiple_of(4) {
            rule.count_free = vec!["12:00-13:00".parse().unwrap()];
        }
        rule
    };
    (0..RULES).map(rule).collect()
}

fn judging(rounds: usize) -> f64 {
    let calendar = calendar();
    let mut ledger = Ledger::new(calendar);
    for nth in 0..SUBJECTS {
        let start =
            Reading::new(Boot::from_ms(0), Wall::from_unix_ms(START + i64::try_from(nth).unwrap() * 60_000));
        let activity = Activity::Focus(subject(nth));
        ledger.charge(&Span { start, length: Millis::from_secs(40), activity });
    }
    let now = Reading::new(Boot::from_ms(40_000_000), Wall::from_unix_ms(START + 40_000_000));
    let today = calendar.day_of(now.wall);
    let held: Vec<Held> =
        rules().into_iter().map(|rule| Held::new(Arc::new(rule), &calendar, today)).collect();
    let mut meters = Meters::new(held.iter().filter_map(Held::meter).cloned(), &ledger, category);
    let mut timeline = Timeline::new(now);
    timeline.fold(&Sample::new(now.boot, Fact::Focus(Some(subject(2).app))), now);
    let later = now.at(now.boot + Millis::from_secs(30));
    let beside = |_: &RuleId, _: i64| Tally::default();
    let once = || {
        cpu_of(|| {
            meters.update(&ledger, category);
            let almanac = ledger.almanac();
            let open = Open::of(&timeline, later.boot, almanac, category);
            let bench = Bench { meters: &meters, open: open.as_ref(), almanac, beside: &beside };
            let _ = std::hint::black_box(judge(&held, &bench, later));
        })
    };
    median(std::iter::repeat_with(once).take(rounds).collect())
}

/// Which program has focus after each change, and when: the same in every run.
fn samples() -> impl Iterator<Item = Sample> {
    let step = 12 * 3_600_000 / SAMPLES_A_DAY;
    (0..DAYS).flat_map(move |day| {
        (0..SAMPLES_A_DAY).map(move |nth| {
            let at = Boot::from_ms(1_000 + day * 86_400_000 + nth * step);
            let last = nth + 1 == SAMPLES_A_DAY;
            let app = AppId::new(format!("org.example.App{}", (nth * 7 + day) % 40)).unwrap();
            Sample::new(at, Fact::Focus(Some(app).filter(|_| !last)))
        })
    })
}

fn replaying(rounds: usize) -> f64 {
    let rules: Vec<Rule> = rules().into_iter().take(10).collect();
    let samples: Vec<Sample> = samples().collect();
    let start = Reading::new(Boot::from_ms(1_000), Wall::from_unix_ms(START));
    let once = || {
        time_of(|| {
            let mut replay = Replay::new(calendar(), &rules, &category, Enforcement::Off, start);
            samples.iter().for_each(|sample| replay.sample(sample));
            std::hint::black_box(replay.events().len());
        })
    };
    median(std::iter::repeat_with(once).take(rounds).collect())
}

fn trying(rounds: usize) -> f64 {
    let calendar = calendar();
    let start = Reading::new(Boot::from_ms(1_000), Wall::from_unix_ms(START));
    let samples: Vec<Sample> = samples().collect();
    let span = |pair: &[Sample]| {
        let [first, next] = pair else { return None };
        let Fact::Focus(Some(app)) = &first.fact else { return None };
        let activity = Activity::Focus(Subject::app(app.clone()));
        Some(Span { start: start.at(first.at), length: next.at.since(first.at)?, activity })
    };
    let spans: Vec<Span> = samples.windows(2).filter_map(span).collect();
    let target = "app:org.example.App7".parse().unwrap();
    let budget = Budget { amount: Amount::Time(Millis::from_mins(15)), per: Per::Day };
    let rule = Rule::new(RuleId::new("tried").unwrap(), target, Some(budget));
    let once = || {
        time_of(|| {
            let mut trial = Trial::new(&calendar, &rule).unwrap();
            spans.iter().for_each(|span| trial.add(span, category));
            std::hint::black_box(trial.finish(start.wall));
        })
    };
    median(std::iter::repeat_with(once).take(rounds).collect())
}
