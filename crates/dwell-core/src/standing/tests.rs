//! A machine with clocks that can be set, and what must hold whatever is done to it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::calendar::Calendar;
use crate::rules::{Amount, AtLimit, Budget, CONFIRMABLE, COOLING, FRESH, Per, Snooze};
use crate::subject::Target;

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// The machine. Everything in milliseconds.
pub(super) struct World {
    pub(super) standing: Standing,
    calendar: Calendar,
    boots: u32,
    boot: u64,
    wall: i64,
    /// For how long it was on in truth.
    pub(super) on: u64,
}

impl World {
    /// Noon of a Monday, and days that start at 04:00.
    pub(super) fn new() -> Self {
        let calendar = Calendar::new(chrono_tz::UTC, "04:00".parse().unwrap());
        let wall = calendar.start_of("2026-11-23".parse().unwrap()).as_unix_ms() + (8 * HOUR).cast_signed();
        let mut world = Self { standing: Standing::default(), calendar, boots: 0, boot: 5_000, wall, on: 0 };
        world.resume_clock();
        world
    }

    fn resume_clock(&mut self) {
        self.standing.resume_clock(&format!("boot-{}", self.boots), Boot::from_ms(self.boot));
    }

    pub(super) fn moment(&self) -> Moment {
        self.moment_in(0)
    }

    fn moment_in(&self, ms: u64) -> Moment {
        let wall = Wall::from_unix_ms(self.wall + ms.cast_signed());
        let now = Reading::new(Boot::from_ms(self.boot + ms), wall);
        let today = self.calendar.day_of(now.wall);
        self.standing.moment(now, today, self.calendar.end_of(today))
    }

    pub(super) fn advance(&mut self, ms: u64) {
        self.boot += ms;
        self.wall += ms.cast_signed();
        self.on += ms;
    }

    /// The clock on the wall is set.
    pub(super) fn step(&mut self, ms: i64) {
        self.wall += ms;
    }

    /// The daemon is stopped and started, with what it kept.
    pub(super) fn restart(&mut self, without_it: u64) {
        let kept = serde_json::to_string(&self.standing).unwrap();
        self.advance(without_it);
        self.standing = serde_json::from_str(&kept).unwrap();
        self.resume_clock();
    }

    /// The machine is off for a while, and the daemon starts 20 s after the boot.
    pub(super) fn reboot(&mut self, off: u64) {
        let _ = self.standing.settle(&self.moment());
        self.boots += 1;
        self.boot = 0;
        self.wall += off.cast_signed();
        self.restart(20_000);
    }

    pub(super) fn settle(&mut self) -> Vec<Ended> {
        let moment = self.moment();
        self.standing.settle(&moment)
    }

    pub(super) fn effective(&self, rules: &[Rule]) -> Vec<Effective> {
        self.standing.effective(rules, &self.moment())
    }
}

/// A rule of 30 minutes a day.
pub(super) fn rule(id: &str, target: &str, strict: Strict) -> Rule {
    let budget = Budget { amount: Amount::Time(Millis::from_mins(30)), per: Per::Day };
    Rule { strict, ..Rule::new(RuleId::new(id).unwrap(), target.parse().unwrap(), Some(budget)) }
}

pub(super) fn plain(rules: &[Rule]) -> Vec<Effective> {
    rules.iter().map(|rule| Effective::new(rule.clone(), MadeBy::Person)).collect()
}

fn everything(world: &mut World, rules: &[Rule]) {
    let now = world.moment();
    let standing = &mut world.standing;
    standing.rules_changed(&[], rules, &now);
    let sentence = rules[0].snooze.sentence.clone().unwrap_or_default();
    standing.ask_snooze(&rules[0], &now).unwrap();
    standing.snooze(&rules[0], &sentence, &now).unwrap();
    standing.ask_snooze(&rules[1], &now).unwrap();
    standing.pause(Millis::from_mins(90), &now).unwrap();
    standing.ask_exit(&now);
    standing
        .start_focus(Millis::from_mins(50), vec!["domain:secret.example".parse().unwrap()], &now)
        .unwrap();
    let secret: Target = "app:secret".parse().unwrap();
    standing.intend(secret.clone(), Millis::from_mins(5), Some("secret aim".into()), &now).unwrap();
    standing.intend(secret, Millis::from_mins(15), None, &now).unwrap();
    standing.start_reset_week(Some(Millis::from_mins(100)), &now);
    standing
        .ask_change("secret edit".into(), vec!["secret line".into()], now.machine + COOLING, &now)
        .unwrap();
    assert!(standing.nag_mut().may(now.today, false));
    let held =
        DigestEntry { line: "secret name".into(), target: None, kind: DigestKind::Reached, at: now.now.wall };
    standing.nag_mut().hold_back(now.today, held);
}

fn some_rules() -> Vec<Rule> {
    let sentence = Some("I want this".into());
    let instant = Snooze { wait: Millis::ZERO, length: Millis::from_mins(6), sentence, ..Snooze::default() };
    vec![
        Rule { snooze: instant, ..rule("secret-one", "app:a", Strict::Open) },
        rule("two", "domain:b.example", Strict::Cooling),
    ]
}

#[test]
fn all_of_it_outlives_the_daemon_and_none_of_it_is_shown() {
    let mut world = World::new();
    everything(&mut world, &some_rules());
    world.advance(5 * MINUTE);
    assert_eq!(world.settle().len(), 1);
    let text = serde_json::to_string(&world.standing).unwrap();
    assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), world.standing);
    let shown = format!("{:?} {:?}", world.standing, world.standing.intentions());
    assert!(!shown.contains("secret") && text.contains("secret"), "{shown}");
}

#[test]
fn other_versions_are_read() {
    assert_eq!(serde_json::from_str::<Standing>("{}").unwrap(), Standing::default());
    let later = r#"{"later": 1, "snoozes": {"later": [2]}, "nag": {}, "pending": {"last": 4}}"#;
    let mut standing: Standing = serde_json::from_str(later).unwrap();
    standing.cancel_exit();
    assert!(serde_json::to_string(&standing).unwrap().contains("\"last\":4"));
}

/// What an earlier version has written must be read for ever: to this text nothing is done, except that a newer one is set
/// beside it.
const STORED: &str = concat!(
    r#"{"clock":{"boot-id":"boot-0","boot":305000,"total":300000},"#,
    r#""made":{"secret-one":0,"two":0},"#,
    r#""pending":{"last":1,"changes":[{"id":"p1","edit":"secret edit","lines":["secret line"],"#,
    r#""asked-at":1795435200000,"ready-at":86400000,"locked-until":null,"told":false}]},"#,
    r#""snoozes":{"asks":{"two":{"asked-at":0,"ready-at":20000}},"running":{"secret-one":{"began":0,"until":360000}},"#,
    r#""used":[{"day":20780,"rule":"secret-one","count":1,"last":0}]},"#,
    r#""pause":{"until":1795440600000,"machine-until":5400000},"exit":{"waiting":{"ready-at":600000}},"#,
    r#""focus":{"targets":["domain:secret.example"],"until":3000000,"length":3000000},"#,
    r#""intentions":{"last":2,"running":[{"id":2,"target":"app:secret","to":null,"at":1795435200000,"day":20780,"#,
    r#""began":0,"planned":900000,"actual":null}],"past":[{"id":1,"target":"app:secret","to":"secret aim","#,
    r#""at":1795435200000,"day":20780,"began":0,"planned":300000,"actual":null}]},"#,
    r#""reset-week":{"first-day":20780,"baseline":6000000},"nag":{"told":{"20780":1},"#,
    r#""digest":{"20780":{"entries":[{"line":"secret name","kind":"reached","at":1795435200000}],"more":0}}}}"#,
);

#[test]
fn the_stored_form_is_pinned() {
    let mut world = World::new();
    everything(&mut world, &some_rules());
    world.advance(5 * MINUTE);
    let _ = world.settle();
    // Since then: when a focus session began, those that are over, and what a line of the digest is about.
    let mut as_then = world.standing.clone();
    as_then.focus.as_mut().unwrap().began = None;
    assert_eq!(serde_json::from_str::<Standing>(STORED).unwrap(), as_then);
    assert_eq!(serde_json::to_string(&as_then).unwrap(), STORED);
    let now = world.moment();
    assert!(world.standing.stop_focus(&now));
    let since = serde_json::to_value(&world.standing).unwrap();
    assert_eq!(
        since["sessions"].to_string(),
        r#"[{"at":1795435200000,"day":20780,"lasted":300000,"planned":3000000}]"#
    );
    assert_eq!(serde_json::from_value::<Standing>(since).unwrap(), world.standing);
    let began = Focus {
        targets: vec![],
        until: now.machine,
        length: Millis::ZERO,
        began: Some((now.now.wall, now.today)),
    };
    assert_eq!(
        serde_json::to_string(&began).unwrap(),
        r#"{"targets":[],"until":300000,"length":0,"began":[1795435500000,20780]}"#
    );
    let about = Some("app:secret".parse().unwrap());
    let line = DigestEntry { line: String::new(), target: about, kind: DigestKind::Warned, at: now.now.wall };
    assert_eq!(
        serde_json::to_string(&line).unwrap(),
        r#"{"line":"","target":"app:secret","kind":"warned","at":1795435500000}"#
    );
    world.advance(5 * MINUTE);
    let _ = world.settle();
    let off = serde_json::to_value(&world.standing).unwrap();
    assert_eq!(off["exit"].to_string(), r#"{"off":{"day":20780,"until":130200000}}"#);
}

#[test]
fn ends_come_one_after_the_other_and_next_names_each() {
    let mut world = World::new();
    let rules = some_rules();
    everything(&mut world, &rules);
    let mut told = Vec::new();
    for _ in 0..200 {
        let now = world.moment();
        let (machine, wall) = world.standing.next(&now);
        let waits =
            machine.map(|at| now.left(at)).into_iter().chain(wall.and_then(|at| at.since(now.now.wall)));
        let Some(wait) = waits.min() else { break };
        world.advance(wait.as_ms());
        for ended in world.settle() {
            let what = format!("{ended:?}");
            told.push(format!("{} {}", Millis::from_ms(world.on), what.split(['(', ' ']).next().unwrap()));
        }
    }
    // The reset week ends with its seventh day, of which 16 h were left at the beginning.
    assert_eq!(
        told,
        [
            "5m Intention",
            "6m Snooze",
            "10m ExitBegan",
            "15m Intention",
            "50m Focus",
            "1h 30m Pause",
            "16h ExitOver",
            "24h PendingReady",
            "48h PendingLapsed",
            "160h ResetWeek",
        ]
    );
    assert_eq!(world.effective(&rules), plain(&rules));
    assert_eq!(world.standing.next(&world.moment()), (None, None));
}

#[test]
fn what_is_too_old_is_not_kept() {
    let mut world = World::new();
    everything(&mut world, &some_rules());
    let first_day = world.moment().today;
    world.advance(FRESH.as_ms());
    let _ = world.settle();
    let kept = serde_json::to_value(&world.standing).unwrap();
    assert_eq!((kept["made"].to_string(), kept["nag"]["told"].to_string().len()), ("{}".into(), 11));
    assert!(world.standing.nag().digest(first_day).is_some());
    world.advance(60 * DAY);
    let _ = world.settle();
    assert!(world.standing.nag().digest(first_day).is_none());
}

#[test]
fn before_the_clock_is_there_nothing_is_counted() {
    let standing = Standing::default();
    let now = Reading::new(Boot::from_ms(9), Wall::from_unix_ms(9));
    let moment = standing.moment(now, CivilDay::MIN, Wall::from_unix_ms(10));
    assert_eq!((moment.machine.as_ms(), standing.clock()), (0, None));
}

#[derive(Clone, Copy, Debug)]
enum Op {
    AskSnooze(usize),
    Snooze(usize, bool),
    Shorten(usize),
    Pause(u64),
    Resume,
    AskExit,
    CancelExit,
    Focus(u64),
    StopFocus,
    Intend(u64),
    StartReset,
    StopReset,
    AskChange(u8),
    Confirm(u8),
    Cancel(u8),
    Advance(u64),
    Step(i64),
    Restart(u64),
    Reboot(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let length = prop_oneof![0..2 * MINUTE, 0..HOUR, 0..30 * HOUR];
    let advance = prop_oneof![4 => 0..MINUTE, 6 => 0..12 * MINUTE, 2 => 0..5 * HOUR, 1 => 0..26 * HOUR];
    prop_oneof![
        10 => (0_usize..3).prop_map(Op::AskSnooze),
        14 => (0_usize..3, prop::bool::weighted(0.9)).prop_map(|(rule, right)| Op::Snooze(rule, right)),
        1 => (0_usize..3).prop_map(Op::Shorten),
        1 => length.clone().prop_map(Op::Pause),
        1 => Just(Op::Resume),
        2 => Just(Op::AskExit),
        1 => Just(Op::CancelExit),
        1 => length.clone().prop_map(Op::Focus),
        1 => Just(Op::StopFocus),
        1 => length.prop_map(Op::Intend),
        1 => Just(Op::StartReset),
        1 => Just(Op::StopReset),
        2 => (0_u8..3).prop_map(Op::AskChange),
        4 => (0_u8..3).prop_map(Op::Confirm),
        1 => (0_u8..3).prop_map(Op::Cancel),
        16 => advance.prop_map(Op::Advance),
        2 => (-3 * DAY.cast_signed()..3 * DAY.cast_signed()).prop_map(Op::Step),
        1 => (0..HOUR).prop_map(Op::Restart),
        1 => (0..2 * DAY).prop_map(Op::Reboot),
    ]
}

/// What was promised to the person, reckoned in time for which the machine was on in truth.
#[derive(Default)]
struct Promised {
    /// When the wait of a snooze is over.
    snooze: [Option<u64>; 3],
    /// Begun and not told to be over.
    snoozing: [Option<(u64, u64)>; 3],
    snoozed: BTreeMap<(usize, CivilDay), (u32, u64)>,
    pause: Option<(u64, i64)>,
    exit: Option<u64>,
    off: Option<(CivilDay, u64)>,
    focus: Option<u64>,
    intentions: BTreeMap<u64, u64>,
    reset: Option<CivilDay>,
    /// Id, when ready, whether that was told.
    changes: BTreeMap<u8, (String, u64, bool)>,
}

struct Trial {
    world: World,
    rules: Vec<Rule>,
    promised: Promised,
    furthest: i64,
}

impl Trial {
    fn new() -> Self {
        let quick = Snooze { wait: Millis::ZERO, per_day: 2, ..Snooze::default() };
        let slow =
            Snooze { wait: Millis::from_mins(10), sentence: Some("My  own Words".into()), ..quick.clone() };
        let rules = vec![
            Rule { snooze: quick, ..rule("a", "app:a", Strict::Open) },
            Rule { snooze: slow, ..rule("b", "domain:b.example", Strict::Cooling) },
            rule("focus", "category:c", Strict::Open),
        ];
        let world = World::new();
        Self { furthest: world.wall, world, rules, promised: Promised::default() }
    }

    fn at(&self, id: &RuleId) -> usize {
        self.rules.iter().position(|rule| &rule.id == id).unwrap()
    }

    fn run(&mut self, op: Op) {
        self.settle();
        let now = self.world.moment();
        let (on, promised, standing) = (self.world.on, &mut self.promised, &mut self.world.standing);
        match op {
            Op::AskSnooze(at) => {
                let rule = &self.rules[at];
                match standing.ask_snooze(rule, &now) {
                    Ok(asked) => {
                        let over = promised.snooze[at].filter(|ready| on < ready + ASK_LASTS.as_ms());
                        let ready = over.unwrap_or(on + rule.snooze.wait.as_ms());
                        assert_eq!(on + asked.wait_left.as_ms(), ready.max(on));
                        assert!((1..=rule.snooze.per_day).contains(&asked.left));
                        promised.snooze[at] = Some(ready);
                    }
                    Err(SnoozeError::Running { .. }) => assert!(promised.snoozing[at].is_some()),
                    Err(SnoozeError::NoneLeft) => {
                        assert_eq!(promised.snoozed[&(at, now.today)].0, rule.snooze.per_day);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            Op::Snooze(at, right) => {
                let rule = &self.rules[at];
                let typed = if right { " my own  words " } else { "my own" };
                let done = standing.snooze(rule, typed, &now);
                let ready = promised.snooze[at].is_some_and(|at| at <= on && on < at + ASK_LASTS.as_ms());
                let (count, last) = promised.snoozed.entry((at, now.today)).or_default();
                let left = *count < rule.snooze.per_day;
                let right = right || rule.snooze.sentence.is_none();
                assert_eq!(
                    done.is_ok(),
                    ready && left && right && promised.snoozing[at].is_none(),
                    "{done:?}"
                );
                if done.is_ok() {
                    promised.snooze[at] = None;
                    promised.snoozing[at] = Some((on, on + rule.snooze.length.as_ms()));
                    (*count, *last) = (*count + 1, on);
                }
            }
            Op::Shorten(at) => {
                let before = self.rules.clone();
                let length = Millis::from_ms(self.rules[at].snooze.length.as_ms() * 3 / 4);
                self.rules[at].snooze.length = length;
                standing.rules_changed(&before, &self.rules, &now);
                if let Some((began, until)) = &mut promised.snoozing[at] {
                    *until = (*until).min(*began + length.as_ms());
                }
            }
            Op::Pause(ms) => {
                if standing.pause(Millis::from_ms(ms), &now).is_ok() {
                    promised.pause = Some((on + ms, self.world.wall + ms.cast_signed()));
                }
            }
            Op::Resume => assert_eq!(standing.resume(), promised.pause.take().is_some()),
            Op::AskExit => {
                standing.ask_exit(&now);
                if promised.off.is_none() {
                    promised.exit.get_or_insert(on + EXIT_WAIT.as_ms());
                }
            }
            Op::CancelExit => {
                let any = promised.exit.take().is_some() | promised.off.take().is_some();
                assert_eq!(standing.cancel_exit(), any);
            }
            Op::Focus(ms) => {
                if standing.start_focus(Millis::from_ms(ms), Vec::new(), &now).is_ok() {
                    promised.focus = Some(on + ms);
                }
            }
            Op::StopFocus => assert_eq!(standing.stop_focus(&now), promised.focus.take().is_some()),
            Op::Intend(ms) => {
                if let Ok(id) = standing.intend(Target::All, Millis::from_ms(ms), None, &now) {
                    promised.intentions.insert(id, on + ms);
                }
            }
            Op::StartReset => {
                standing.start_reset_week(Some(Millis::from_mins(200)), &now);
                promised.reset.get_or_insert(now.today);
            }
            Op::StopReset => assert_eq!(standing.stop_reset_week(), promised.reset.take().is_some()),
            Op::AskChange(which) => {
                let change = standing
                    .ask_change(format!("edit {which}"), Vec::new(), now.machine + COOLING, &now)
                    .unwrap();
                let first = promised
                    .changes
                    .entry(which)
                    .or_insert_with(|| (change.id.clone(), on + COOLING.as_ms(), false));
                assert_eq!((&change.id, change.ready_at.as_ms()), (&first.0, first.1));
            }
            Op::Confirm(which) => {
                if let Some((id, ready, _)) = promised.changes.get(&which) {
                    let confirmed = standing.confirm(id, &now);
                    assert_eq!(confirmed.is_ok(), *ready <= on, "{confirmed:?}");
                    if confirmed.is_ok() {
                        promised.changes.remove(&which);
                    }
                }
            }
            Op::Cancel(which) => {
                if let Some((id, ..)) = promised.changes.remove(&which) {
                    assert!(standing.cancel(&id).is_ok());
                }
            }
            Op::Advance(ms) => self.advance(ms),
            Op::Step(ms) => self.world.step(ms),
            Op::Restart(ms) => self.world.restart(ms),
            Op::Reboot(off) => {
                // What came to an end in the boot is told before it ends.
                self.settle();
                self.world.reboot(off);
            }
        }
        self.furthest = self.furthest.max(self.world.wall);
        self.settle();
        self.check();
    }

    /// Up to the next instant nothing ends and, but for a new day, nothing else holds.
    fn advance(&mut self, ms: u64) {
        let now = self.world.moment();
        let (machine, wall) = self.world.standing.next(&now);
        let still =
            machine.map(|at| now.left(at)).into_iter().chain(wall.and_then(|at| at.since(now.now.wall)));
        let still = still.min().map_or(u64::MAX, Millis::as_ms);
        if still > 0 {
            let later = self.world.moment_in(ms.min(still - 1));
            if later.today == now.today {
                let held = self.world.standing.effective(&self.rules, &later);
                assert_eq!(held, self.world.effective(&self.rules));
            }
            assert_eq!(self.world.standing.clone().settle(&later), []);
        }
        self.world.advance(ms);
    }

    fn settle(&mut self) {
        let ended = self.world.settle();
        assert_eq!(self.world.settle(), [], "twice");
        if !ended.is_empty() {
            self.world.restart(0);
            assert_eq!(self.world.settle(), [], "again after a restart");
        }
        let now = self.world.moment();
        let (on, wall) = (self.world.on, self.world.wall);
        for ended in ended {
            match ended {
                Ended::Snooze(id) => {
                    let at = self.at(&id);
                    let (_, until) = self.promised.snoozing[at].take().unwrap();
                    assert!(until <= on);
                }
                Ended::Pause => {
                    let (machine, until) = self.promised.pause.take().unwrap();
                    assert!(machine <= on || until <= wall);
                }
                Ended::ExitBegan => {
                    assert!(self.promised.exit.take().unwrap() <= on);
                    self.promised.off = Some((now.today, on + EXIT_MOST.as_ms()));
                }
                Ended::ExitOver => {
                    let (day, until) = self.promised.off.take().unwrap();
                    assert!(day < now.today || until <= on);
                }
                Ended::Focus(_) => assert!(self.promised.focus.take().unwrap() <= on),
                Ended::Intention(intention) => {
                    assert!(self.promised.intentions.remove(&intention.id).unwrap() <= on);
                    assert!(self.world.standing.set_actual(intention.id, Millis::ZERO));
                }
                Ended::ResetWeek => assert!(self.promised.reset.take().unwrap().plus(7) <= now.today),
                Ended::PendingReady(change) => {
                    let mut known = self.promised.changes.values_mut();
                    let known = known.find(|known| known.0 == change.id).unwrap();
                    assert!(known.1 <= on && !std::mem::replace(&mut known.2, true));
                }
                Ended::PendingLapsed(change) => {
                    let before = self.promised.changes.len();
                    self.promised
                        .changes
                        .retain(|_, (id, ready, _)| *id != change.id || on < *ready + CONFIRMABLE.as_ms());
                    assert_eq!(self.promised.changes.len() + 1, before);
                }
            }
        }
        self.promised.snoozed.retain(|(_, day), (_, last)| *day == now.today || on < *last + 7 * DAY);
    }

    /// Nothing that should have ended is still there, nothing that was promised is gone.
    fn check(&self) {
        let now = self.world.moment();
        let (on, wall, promised) = (self.world.on, self.world.wall, &self.promised);
        assert_eq!(now.machine.as_ms(), on);
        assert!(promised.snoozing.iter().flatten().all(|(_, until)| on < *until));
        assert!(promised.pause.is_none_or(|(machine, until)| on < machine && wall < until));
        assert!(promised.exit.is_none_or(|ready| on < ready));
        assert!(promised.off.is_none_or(|(day, until)| now.today <= day && on < until));
        assert!(promised.focus.is_none_or(|until| on < until));
        assert!(promised.intentions.values().all(|until| on < *until));
        assert!(promised.reset.is_none_or(|day| now.today < day.plus(7)));
        assert!(promised.changes.values().all(|(_, ready, told)| (on >= *ready) == *told));
        assert!(
            promised.snoozed.iter().all(|((at, _), (count, _))| *count <= self.rules[*at].snooze.per_day)
        );

        let effective = self.world.effective(&self.rules);
        let off = promised.off.is_some();
        for (at, (held, rule)) in effective.iter().zip(&self.rules).enumerate() {
            assert_eq!((&held.rule.id, held.made_by), (&rule.id, MadeBy::Person));
            assert_eq!(held.suspended, off || (promised.pause.is_some() && rule.strict == Strict::Open));
            assert_eq!(
                held.snoozed_until.map(MachineTime::as_ms),
                promised.snoozing[at].map(|(_, until)| until)
            );
            assert_eq!(&held.rule == rule, promised.reset.is_none());
            assert!(held.rule.time() <= rule.time());
        }
        let more = usize::from(promised.focus.is_some()) + usize::from(promised.reset.is_some());
        assert_eq!(effective.len(), self.rules.len() + more);
        let mut ids: Vec<_> = effective.iter().map(|held| &held.rule.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), effective.len());
        let checked = effective.iter().filter(|held| held.rule.id.as_str() != "focus");
        checked.for_each(|held| held.rule.check().unwrap());
    }
}

proptest! {
    #[test]
    fn promises_are_kept(ops in prop::collection::vec(op(), 1..120)) {
        let mut trial = Trial::new();
        for op in ops {
            trial.run(op);
        }
        // In the end all is as it was.
        trial.run(Op::Step(trial.furthest - trial.world.wall));
        for _ in 0..32 {
            trial.run(Op::Advance(DAY));
        }
        prop_assert_eq!(trial.world.effective(&trial.rules), plain(&trial.rules));
        prop_assert_eq!(trial.world.standing.next(&trial.world.moment()), (None, None));
    }

    #[test]
    fn a_rule_is_fresh_for_ten_minutes_that_the_machine_is_on(
        gone in 0..20 * MINUTE, step in -10 * HOUR.cast_signed()..10 * HOUR.cast_signed(), reboot: bool, edited: bool,
    ) {
        let mut world = World::new();
        let (old, new) = (rule("old", "app:a", Strict::Cooling), rule("new", "app:b", Strict::Cooling));
        world.standing.rules_changed(std::slice::from_ref(&old), &[old.clone(), new.clone()], &world.moment());
        world.advance(gone);
        world.step(step);
        if edited {
            let after = [old.clone(), Rule { at_limit: AtLimit::Notify, ..new.clone() }];
            world.standing.rules_changed(&[old.clone(), new.clone()], &after, &world.moment());
        }
        if reboot {
            world.reboot(DAY);
        }
        let now = world.moment();
        prop_assert!(!world.standing.is_fresh(&old.id, &now));
        prop_assert_eq!(world.standing.is_fresh(&new.id, &now), world.on < FRESH.as_ms());
        world.standing.rules_changed(&[old.clone(), new.clone()], &[old], &now);
        prop_assert!(!world.standing.is_fresh(&new.id, &now));
    }
}
