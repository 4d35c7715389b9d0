//! The fold, with made-up clocks.

use super::*;
use crate::browser::{Shown, Told};
use crate::subject::Domain;
use proptest::prelude::*;

fn boot(ms: u64) -> Boot {
    Boot::from_ms(ms)
}
fn at(ms: u64) -> Reading {
    Reading::new(boot(ms), Wall::from_unix_ms(1_000_000 + i64::try_from(ms).unwrap()))
}
fn app(name: &str) -> AppId {
    AppId::new(name).unwrap()
}
fn focus(name: &str) -> Fact {
    Fact::Focus(Some(app(name)))
}

/// Folds facts at their instants; shows closed spans as (app or kind, start, length).
fn run(facts: &[(u64, Fact)]) -> Vec<(String, u64, u64)> {
    let mut timeline = Timeline::new(at(0));
    let mut steps = timeline.fold(&Sample::new(boot(0), Fact::Focus(None)), at(0));
    for (ms, fact) in facts {
        steps.extend(timeline.fold(&Sample::new(boot(*ms), fact.clone()), at(*ms)));
    }
    show(&steps)
}

fn show(steps: &[Step]) -> Vec<(String, u64, u64)> {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Closed(span) => {
                let app = span.activity.app().map_or("unobserved", AppId::as_str).to_owned();
                let name = match &span.activity {
                    Activity::Private(_) => format!("private {app}"),
                    Activity::Audible(subject) => {
                        format!("audible {app} at {}", subject.domain.as_ref().unwrap().as_str())
                    }
                    Activity::Focus(Subject { domain: Some(domain), .. }) => {
                        format!("{app} at {}", domain.as_str())
                    }
                    _ => app,
                };
                Some((name, span.start.boot.as_ms(), span.length.as_ms()))
            }
            Step::ClockStep { .. } => None,
        })
        .collect()
}

fn row(name: &str, start: u64, length: u64) -> (String, u64, u64) {
    (name.to_owned(), start, length)
}

#[test]
fn focus_changes_make_spans() {
    let got = run(&[(100, focus("a")), (400, focus("b")), (450, focus("b")), (1000, Fact::Locked(true))]);
    assert_eq!(got, [row("a", 100, 300), row("b", 400, 600)]);
}

#[test]
fn idleness_is_back_dated_to_the_last_input() {
    let got = run(&[
        (0, focus("a")),
        (200_000, Fact::IdleSince(boot(20_000))),
        (300_000, Fact::Active),
        (310_000, focus("b")),
    ]);
    assert_eq!(got, [row("a", 0, 20_000), row("a", 300_000, 10_000)]);
}

#[test]
fn idleness_never_changes_a_closed_span() {
    // A window that opened by itself during the idle time: its span is dropped, the one before stays.
    let got = run(&[(0, focus("a")), (100_000, focus("b")), (200_000, Fact::IdleSince(boot(20_000)))]);
    assert_eq!(got, [row("a", 0, 100_000)]);
}

#[test]
fn passing_none_between_windows_is_not_counted() {
    let got =
        run(&[(0, focus("a")), (1000, Fact::Focus(None)), (1010, focus("b")), (2000, Fact::Locked(true))]);
    assert_eq!(got, [row("a", 0, 1010), row("b", 1010, 990)]);
    // The same window again: one span.
    let got =
        run(&[(0, focus("a")), (1000, Fact::Focus(None)), (1010, focus("a")), (2000, Fact::Locked(true))]);
    assert_eq!(got, [row("a", 0, 2000)]);
}

fn linked(id: u64) -> Fact {
    Fact::Browser(LinkId(id), Told::Linked(vec![app("b")]))
}
fn shows(id: u64, focused: bool, domain: Option<&str>) -> Fact {
    let domain = domain.map(|domain| Domain::new(domain).unwrap());
    Fact::Browser(LinkId(id), Told::Shows(Shown { focused, domain, audible: Vec::new() }))
}
fn page(domain: &str, start: u64, length: u64) -> (String, u64, u64) {
    row(&format!("b at {domain}"), start, length)
}

#[test]
fn a_browsers_time_goes_to_the_domain_that_it_tells() {
    let got = run(&[
        (0, linked(1)),
        (1000, focus("b")),
        // Told a little after the compositor said it, and so from the start.
        (1040, shows(1, true, Some("x.example"))),
        (5000, shows(1, true, Some("y.example"))),
        (7000, shows(1, true, None)),
        (8000, focus("a")),
        // What it says while another has the focus counts for nothing.
        (8100, shows(1, true, Some("x.example"))),
        (9000, Fact::Locked(true)),
    ]);
    let pages = [page("x.example", 1000, 4000), page("y.example", 5000, 2000), row("b", 7000, 1000)];
    assert_eq!(got, [&pages[..], &[row("a", 8000, 1000)]].concat());
}

#[test]
fn a_page_that_comes_long_after_the_focus_was_not_there_from_the_start() {
    let late = run(&[
        (0, linked(1)),
        (1000, focus("b")),
        (2500, shows(1, true, Some("x.example"))),
        (3000, Fact::Locked(true)),
    ]);
    assert_eq!(late, [row("b", 1000, 1500), page("x.example", 2500, 500)]);
    // Nor was one that was opened in a new tab.
    let opened = run(&[
        (0, linked(1)),
        (1000, focus("b")),
        (1020, shows(1, true, None)),
        (1500, shows(1, true, Some("x.example"))),
        (3000, Fact::Locked(true)),
    ]);
    assert_eq!(opened, [row("b", 1000, 500), page("x.example", 1500, 1500)]);
}

#[test]
fn what_an_extension_does_not_see_is_private() {
    let got = run(&[
        (0, linked(1)),
        (0, focus("b")),
        (10, shows(1, true, Some("x.example"))),
        (4000, shows(1, false, Some("x.example"))),
        (9000, shows(1, true, Some("x.example"))),
        (9500, Fact::Locked(true)),
    ]);
    let private = row("private b", 4000, 5000);
    assert_eq!(got, [page("x.example", 0, 4000), private, page("x.example", 9000, 500)]);
    // A private window was in front when it came there.
    let from_the_start = run(&[
        (0, linked(1)),
        (1000, focus("b")),
        (1030, shows(1, false, Some("x.example"))),
        (6000, Fact::Locked(true)),
    ]);
    assert_eq!(from_the_start, [row("private b", 1000, 5000)]);
}

#[test]
fn an_answer_that_was_quicker_than_the_focus_is_corrected() {
    let got = run(&[
        (0, linked(1)),
        (1000, focus("b")),
        (1010, shows(1, false, None)),
        // Asked once more.
        (1420, shows(1, true, Some("x.example"))),
        (4000, Fact::Locked(true)),
    ]);
    assert_eq!(got, [page("x.example", 1000, 3000)]);
    // A private window that is left for another one was none of it from the start.
    let left = run(&[
        (0, linked(1)),
        (1000, focus("b")),
        (1010, shows(1, false, None)),
        (1900, shows(1, true, Some("x.example"))),
        (4000, Fact::Locked(true)),
    ]);
    assert_eq!(left, [row("b", 1000, 900), page("x.example", 1900, 2100)]);
}

#[test]
fn a_browser_that_is_just_being_left_is_not_private() {
    let got = run(&[
        (0, linked(1)),
        (0, focus("b")),
        (10, shows(1, true, Some("x.example"))),
        (4000, shows(1, false, Some("x.example"))),
        (4100, focus("a")),
        (9000, Fact::Locked(true)),
    ]);
    assert_eq!(got, [page("x.example", 0, 4100), row("a", 4100, 4900)]);
}

#[test]
fn that_it_is_private_is_settled_by_itself() {
    let mut timeline = Timeline::new(at(0));
    for (ms, fact) in [(0, linked(1)), (0, focus("b")), (10, shows(1, false, None))] {
        let _ = timeline.fold(&Sample::new(boot(ms), fact), at(ms));
    }
    let asked = |timeline: &Timeline| timeline.to_ask().1.collect::<Vec<_>>();
    assert_eq!(asked(&timeline), [], "it has answered");
    assert_eq!(timeline.deadline(), Some(boot(400)));
    let round = timeline.to_ask().0;
    let _ = timeline.advance(at(400));
    assert_eq!(asked(&timeline), [LinkId(1)], "and is asked once more");
    assert!(timeline.to_ask().0 > round);
    assert_eq!(timeline.deadline(), Some(boot(1000)));
    let _ = timeline.advance(at(1000));
    assert_eq!(asked(&timeline), []);
    assert_eq!(timeline.attention().unwrap().0, &Activity::Private(app("b")));
    assert_eq!(timeline.deadline(), None);
}

#[test]
fn without_its_link_a_browser_is_a_program_like_any_other() {
    let got = run(&[
        (0, linked(1)),
        (0, focus("b")),
        (10, shows(1, true, Some("x.example"))),
        (4000, Fact::Browser(LinkId(1), Told::Gone)),
        (5000, linked(2)),
        (5010, shows(2, true, Some("x.example"))),
        (6000, Fact::Locked(true)),
    ]);
    let between = row("b", 4000, 1010);
    assert_eq!(got, [page("x.example", 0, 4000), between, page("x.example", 5010, 990)]);
}

#[test]
fn those_are_asked_who_have_not_told() {
    let mut timeline = Timeline::new(at(0));
    for (ms, fact) in [(0, linked(1)), (0, linked(2)), (5, focus("b"))] {
        let _ = timeline.fold(&Sample::new(boot(ms), fact), at(ms));
    }
    assert_eq!(timeline.to_ask().1.collect::<Vec<_>>(), [LinkId(1), LinkId(2)]);
    let _ = timeline.fold(&Sample::new(boot(9), shows(2, true, None)), at(9));
    assert_eq!(timeline.to_ask().1.count(), 0);
}

fn sounds(focused: bool, domain: Option<&str>, audible: &[&str]) -> Fact {
    let name = |text: &&str| Domain::new(*text).unwrap();
    let audible = audible.iter().map(name).collect();
    Fact::Browser(LinkId(1), Told::Shows(Shown { focused, domain: domain.as_ref().map(name), audible }))
}

#[test]
fn what_is_heard_beside_has_its_own_row() {
    let radio = |start, length| row("audible b at radio.example", start, length);
    let got = run(&[
        (0, linked(1)),
        (0, focus("b")),
        (10, sounds(true, Some("radio.example"), &["radio.example"])),
        // In the background from here on, also while another program has the focus, and while nobody is there.
        (1000, sounds(true, Some("x.example"), &["radio.example"])),
        (2000, focus("a")),
        (3000, Fact::Locked(true)),
        (5000, sounds(false, Some("x.example"), &[])),
    ]);
    let pages = [page("radio.example", 0, 1000), page("x.example", 1000, 1000), row("a", 2000, 1000)];
    assert_eq!(got, [&pages[..], &[radio(1000, 4000)]].concat());
    // It lasts for hours, and is closed piece by piece.
    let mut timeline = Timeline::new(at(0));
    // Of which of a browser's windows is not known before one of them was in front.
    for fact in [linked(1), sounds(false, None, &["radio.example"]), focus("b"), focus("a")] {
        let _ = timeline.fold(&Sample::new(boot(0), fact), at(0));
    }
    assert_eq!(timeline.deadline(), Some(boot(heard::PIECE.as_ms())));
    let steps = timeline.advance(at(heard::PIECE.as_ms()));
    assert_eq!(show(&steps), [radio(0, heard::PIECE.as_ms())]);
    let gone = Sample::new(boot(400_000), Fact::Browser(LinkId(1), Told::Gone));
    assert_eq!(show(&timeline.fold(&gone, at(400_000))), [radio(300_000, 100_000)]);
    assert_eq!(timeline.deadline(), None);
}

#[test]
fn lasting_none_ends_the_span_where_it_began() {
    let got =
        run(&[(0, focus("a")), (1000, Fact::Focus(None)), (5000, focus("a")), (6000, Fact::Locked(true))]);
    assert_eq!(got, [row("a", 0, 1000), row("a", 5000, 1000)]);
    let mut timeline = Timeline::new(at(0));
    let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
    let _ = timeline.fold(&Sample::new(boot(1000), Fact::Focus(None)), at(1000));
    assert_eq!(timeline.deadline(), Some(boot(1050)));
    assert_eq!(timeline.open_span(boot(1040)).unwrap().length.as_ms(), 1000);
    assert_eq!(show(&timeline.advance(at(1049))), []);
    assert_eq!(show(&timeline.advance(at(1050))), [row("a", 0, 1000)]);
    assert_eq!(timeline.deadline(), None);
}

#[test]
fn lock_sleep_and_other_sessions_stop_the_count() {
    for (stop, go) in [
        (Fact::Locked(true), Fact::Locked(false)),
        (Fact::Asleep(true), Fact::Asleep(false)),
        (Fact::SessionActive(false), Fact::SessionActive(true)),
    ] {
        let got = run(&[(0, focus("a")), (10, stop), (20, focus("b")), (30, go), (50, Fact::FocusUnknown)]);
        assert_eq!(got, [row("a", 0, 10), row("b", 30, 20)]);
    }
}

#[test]
fn a_lost_sensor_is_unobserved_but_idle_or_locked_time_is_not() {
    let got = run(&[
        (0, focus("a")),
        (10, Fact::FocusUnknown),
        (30, Fact::Locked(true)),
        (90, Fact::Locked(false)),
        (100, focus("a")),
    ]);
    assert_eq!(got, [row("a", 0, 10), row("unobserved", 10, 20), row("unobserved", 90, 10)]);
}

#[test]
fn a_clock_that_is_set_is_an_event_and_never_negative() {
    let mut timeline = Timeline::new(at(0));
    let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
    let back = Reading::new(boot(10_000), Wall::from_unix_ms(1_000_000 - 3_600_000 + 10_000));
    let steps = timeline.advance(back);
    assert_eq!(show(&steps), [row("a", 0, 10_000)]);
    assert!(matches!(steps[1], Step::ClockStep { moved_ms: -3_600_000, .. }), "{steps:?}");
    assert_eq!(timeline.open_span(boot(11_000)).unwrap().start, back);
    // Slewing within the tolerance is no step, and makes no overlap in wall time.
    let slewed = Reading::new(boot(20_000), Wall::from_unix_ms(back.wall.as_unix_ms() + 10_000 - 1500));
    let steps = timeline.fold(&Sample::new(boot(20_000), focus("b")), slewed);
    let Step::Closed(first) = &steps[0] else { panic!("{steps:?}") };
    assert_eq!(steps.len(), 1);
    assert!(timeline.open_span(boot(20_001)).unwrap().start.wall >= first.end_wall());
}

#[test]
fn unannounced_sleep_is_not_counted() {
    let mut timeline = Timeline::new(at(0));
    let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
    let _ = timeline.advance(at(30_000));
    let steps = timeline.slept(Millis::from_secs(3600), at(3_635_000));
    assert_eq!(show(&steps), [row("a", 0, 35_000)]);
    assert_eq!(timeline.open_span(boot(3_636_000)).unwrap().length, Millis::from_secs(1));
    // A sleep that was announced changes nothing more.
    let _ = timeline.fold(&Sample::new(boot(3_636_000), Fact::Asleep(true)), at(3_636_000));
    assert_eq!(timeline.slept(Millis::from_secs(60), at(3_700_000)), []);
    assert_eq!(timeline.state(), State::Asleep);
}

#[test]
fn finishing_saves_the_open_span() {
    let mut timeline = Timeline::new(at(0));
    let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
    assert_eq!(show(&timeline.finish(at(700))), [row("a", 0, 700)]);
    assert!(timeline.open_span(boot(800)).is_none());
}

#[test]
fn a_queue_of_samples_keeps_its_instants() {
    let mut timeline = Timeline::new(at(0));
    let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
    // Time was looked at in between, which closes nothing.
    let _ = timeline.advance(at(4000));
    let mut steps = timeline.fold(&Sample::new(boot(1000), focus("b")), at(4000));
    steps.extend(timeline.fold(&Sample::new(boot(3000), focus("c")), at(4000)));
    steps.extend(timeline.finish(at(4000)));
    assert_eq!(show(&steps), [row("a", 0, 1000), row("b", 1000, 2000), row("c", 3000, 1000)]);
    // What is closed stays closed.
    assert_eq!(show(&timeline.fold(&Sample::new(boot(500), focus("d")), at(5000))), []);
    assert_eq!(timeline.open_span(boot(5000)).unwrap().start.boot, boot(4000));
}

#[test]
fn many_small_moves_of_the_clock_are_one_step() {
    let mut timeline = Timeline::new(at(0));
    let _ = timeline.fold(&Sample::new(boot(0), focus("a")), at(0));
    let mut stepped = 0;
    for i in 1..=40 {
        let now = Reading::new(boot(i * 1000), at(0).wall);
        stepped += timeline.advance(now).iter().filter(|s| matches!(s, Step::ClockStep { .. })).count();
    }
    // The wall clock stood still for 40 s: every third second it had moved by more than two.
    assert_eq!(stepped, 13);
    assert!(timeline.open_span(boot(41_000)).unwrap().start.wall <= at(0).wall + STEP_TOLERANCE);
}

#[derive(Clone, Debug)]
enum Op {
    Fold { late: u64, fact: Fact },
    Advance,
    StepClock(i64),
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "c"]).prop_map(focus),
        2 => Just(Fact::Focus(None)),
        1 => Just(Fact::FocusUnknown),
        2 => (0_u64..400_000).prop_map(|ms| Fact::IdleSince(boot(ms))),
        2 => Just(Fact::Active),
        1 => any::<bool>().prop_map(Fact::Locked),
        1 => any::<bool>().prop_map(Fact::SessionActive),
        1 => any::<bool>().prop_map(Fact::Asleep),
        4 => any_told(),
    ]
}

fn any_told() -> impl Strategy<Value = Fact> {
    let domain = prop::sample::select(vec![None, Some("x.example"), Some("y.example")]);
    let shown = (0_u64..2, prop::bool::weighted(0.7), domain)
        .prop_map(|(id, focused, domain)| shows(id, focused, domain));
    let audible = prop::sample::select(vec![&[][..], &["x.example"], &["x.example", "radio.example"]]);
    let heard = (any::<bool>(), audible).prop_map(|(focused, audible)| sounds(focused, None, audible));
    prop_oneof![
        2 => (0_u64..2).prop_map(linked),
        4 => shown,
        2 => heard,
        1 => (0_u64..2).prop_map(|id| Fact::Browser(LinkId(id), Told::Gone)),
    ]
}

fn any_op() -> impl Strategy<Value = (u64, Op)> {
    let op = prop_oneof![
        8 => (0_u64..2000, any_fact()).prop_map(|(late, fact)| Op::Fold { late, fact }),
        2 => Just(Op::Advance),
        1 => (-7_200_000_i64..7_200_000).prop_map(Op::StepClock),
    ];
    (0_u64..20_000, op)
}

/// What must hold after every operation.
fn verify_invariants(timeline: &Timeline, closed: &[Span], stepped_at: &[Boot], now: Reading) {
    let open = timeline.open_span(now.boot);
    let all: Vec<&Span> = closed.iter().chain(open.as_ref()).collect();
    for span in &all {
        assert!(!span.length.is_zero(), "an empty span");
        assert!(span.end_boot() <= now.boot, "a span ends in the future");
    }
    for pair in all.windows(2) {
        assert!(pair[0].end_boot() <= pair[1].start.boot, "overlap on the boot clock: {pair:?}");
        let stepped = stepped_at.iter().any(|s| *s >= pair[0].end_boot() && *s <= pair[1].start.boot);
        assert!(stepped || pair[0].end_wall() <= pair[1].start.wall, "overlap in wall time: {pair:?}");
    }
    if timeline.state() != State::Active && timeline.state() != State::Unobserved {
        assert!(timeline.attention().is_none(), "attention while {:?}", timeline.state());
    }
    let elapsed = now.boot.as_ms();
    let counted: Millis = all.iter().map(|s| s.length).sum();
    assert!(counted.as_ms() <= elapsed, "more time than there was");
}

proptest! {
    /// Facts that were queued make the same spans as facts that were folded at once, with time looked at between.
    #[test]
    fn a_batch_is_as_good_as_one_by_one(facts in prop::collection::vec((0_u64..20_000, any_fact()), 1..40)) {
        let (mut queued, mut prompt) = (Timeline::new(at(0)), Timeline::new(at(0)));
        let mut now = 0;
        let mut samples = Vec::new();
        let mut promptly = Vec::new();
        for (wait, fact) in facts {
            now += wait;
            let fact = match fact {
                Fact::IdleSince(since) => Fact::IdleSince(since.min(boot(now))),
                fact => fact,
            };
            let sample = Sample::new(boot(now), fact);
            promptly.extend(prompt.advance(at(now)));
            promptly.extend(prompt.fold(&sample, at(now)));
            samples.push(sample);
        }
        let late = at(now + 1000);
        let mut at_once: Vec<Step> = samples.iter().flat_map(|s| queued.fold(s, late)).collect();
        promptly.extend(prompt.finish(late));
        at_once.extend(queued.finish(late));
        prop_assert_eq!(promptly, at_once);
    }

    #[test]
    fn invariants_hold_for_any_sequence(ops in prop::collection::vec(any_op(), 1..60)) {
        let mut now = at(0);
        let mut timeline = Timeline::new(now);
        let (mut closed, mut heard, mut stepped_at) = (Vec::<Span>::new(), Vec::<Span>::new(), Vec::new());
        for (wait, op) in ops {
            now = now.at(now.boot + Millis::from_ms(wait));
            let steps = match op {
                Op::Fold { late, fact } => timeline.fold(&Sample::new(now.boot - Millis::from_ms(late), fact), now),
                Op::Advance => timeline.advance(now),
                Op::StepClock(by) => {
                    now.wall = Wall::from_unix_ms(now.wall.as_unix_ms() + by);
                    timeline.advance(now)
                }
            };
            for step in steps {
                match step {
                    Step::Closed(span) if matches!(span.activity, Activity::Audible(_)) => heard.push(span),
                    Step::Closed(span) => closed.push(span),
                    Step::ClockStep { at, .. } => stepped_at.push(at.boot),
                }
            }
            verify_invariants(&timeline, &closed, &stepped_at, now);
        }
        for step in timeline.finish(now) {
            match step {
                Step::Closed(span) if matches!(span.activity, Activity::Audible(_)) => heard.push(span),
                Step::Closed(span) => closed.push(span),
                Step::ClockStep { .. } => {}
            }
        }
        verify_invariants(&timeline, &closed, &stepped_at, now);
        // What is heard of one subject does not overlap either.
        heard.sort_by_key(|span| span.start.boot);
        for (nth, span) in heard.iter().enumerate() {
            prop_assert!(!span.length.is_zero() && span.length <= heard::PIECE + Millis::from_ms(20_000));
            let before = heard[..nth].iter().filter(|other| other.activity == span.activity);
            prop_assert!(before.clone().all(|other| other.end_boot() <= span.start.boot), "{heard:?}");
        }
    }
}
