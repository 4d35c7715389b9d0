//! What a forgetting says beforehand is what it then does, and saying it changes nothing.

use dwell_core::subject::{AppId, Domain};
use dwell_vault::{GenerationError, NewSecrets, NewSlot, OnlyTogether, Retention, What};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::world::{World, all, day, record, some_spans};

fn app(name: &str) -> What {
    What::App(AppId::new(name).unwrap())
}

/// Days 0 to 99: of the first month only its total is left, of the second only each day's, the last is not sealed.
fn aged() -> World {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..100 {
        record(&mut vault, after, &some_spans(after, 5));
    }
    vault.seal_before(day(99)).unwrap();
    let bound = |after| Some(day(after));
    vault.retain(&Retention { keep_detail: bound(70), keep_totals: bound(40) }).unwrap();
    vault.close();
    world
}

#[test]
fn a_preview_is_what_forgetting_then_tells() {
    let first = aged();
    let runs = first.open().totals(day(0)..=day(99)).unwrap().only_together;
    let (from, to) = runs[0];
    for what in [
        What::Day(day(99)),
        What::Day(day(80)),
        What::Day(day(60)),
        What::Day(day(500)),
        What::Before(to.plus(1)),
        What::Before(day(75)),
        app("browser"),
        app("nobody"),
        What::Domain(Domain::new("example.org").unwrap()),
    ] {
        let world = first.killed();
        let mut vault = world.open();
        let before = world.files();
        let told = vault.forgetting(&what, &NewSecrets::default(), &mut go_on).unwrap();
        let dry = vault.forget(&what, true, &NewSecrets::default(), &mut go_on).unwrap();
        assert!(world.files() == before, "{what:?}: a preview wrote something");
        let done = vault.forget(&what, false, &NewSecrets::default(), &mut go_on).unwrap();
        assert_eq!(told.forgotten, done.forgotten, "{what:?}");
        assert_eq!((dry.forgotten, dry.unrotated), (done.forgotten, done.unrotated.clone()), "{what:?}");
        assert_eq!((told.refused, told.unrotated), (vec![], done.unrotated), "{what:?}");
        let touches_run = matches!(&what, What::App(name) if name.as_str() == "browser")
            || matches!(what, What::Domain(_) | What::Before(_));
        assert_eq!(told.runs.contains(&OnlyTogether { from, to }), touches_run, "{what:?}");
        match &what {
            What::Before(_) => {}
            What::Day(d) => assert_eq!(told.days, (*d < day(500)).then_some((*d, *d))),
            What::App(name) if name.as_str() == "nobody" => assert_eq!(told.days, None),
            What::App(_) | What::Domain(_) => assert_eq!(told.days, Some((from, day(99)))),
        }
        let totals_only = matches!(&what, What::Day(d) if *d == day(60));
        assert_eq!(told.totals_only == [day(60)], totals_only, "{what:?}");
    }
}

#[test]
fn what_will_be_refused_is_said_beforehand_with_its_days() {
    let world = aged();
    let mut vault = world.open();
    let runs = vault.totals(day(0)..=day(99)).unwrap().only_together;
    let (from, to) = runs[0];
    for what in [What::Day(from), What::Day(to), What::Before(from.plus(1)), What::Before(to)] {
        let told = vault.forgetting(&what, &NewSecrets::default(), &mut go_on).unwrap();
        assert_eq!(told.refused, [OnlyTogether { from, to }], "{what:?}");
        for dry in [true, false] {
            let refused = vault.forget(&what, dry, &NewSecrets::default(), &mut go_on).unwrap_err();
            assert!(matches!(refused, GenerationError::OnlyTogether(run) if run == told.refused[0]));
        }
    }
}

#[test]
fn a_preview_can_be_stopped_and_names_the_slots_that_stay() {
    let world = aged();
    let mut vault = world.open();
    vault.add_slot(&NewSlot::Passphrase(Zeroizing::new("correct horse".into()))).unwrap();
    let told = vault.forgetting(&app("browser"), &NewSecrets::default(), &mut go_on).unwrap();
    assert_eq!(told.unrotated.iter().map(|slot| slot.number).collect::<Vec<_>>(), [1]);
    let mut stop = |p: dwell_vault::Progress| {
        if p.done == 3 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
    };
    let stopped = vault.forgetting(&app("browser"), &NewSecrets::default(), &mut stop).unwrap_err();
    assert!(matches!(stopped, GenerationError::Interrupted));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    /// Parts of days, superseded rows and voided spans included.
    #[test]
    fn whatever_the_days_a_preview_counts_as_forgetting_does(
        days in proptest::collection::vec((0..4_i32, 1..9_u64, any::<bool>()), 1..7),
        pick in 0..4_usize,
    ) {
        let world = World::new();
        let mut vault = world.open();
        for (after, count, seal) in days {
            let mut spans = some_spans(after, count);
            if seal {
                // Says the first span anew, as void.
                spans[0].length = dwell_core::time::Millis::ZERO;
            }
            record(&mut vault, after, &spans);
            if seal {
                vault.seal_before(day(after + 1)).unwrap();
            }
        }
        let what = [app("browser"), app("radio"), What::Day(day(1)), What::Before(day(3))][pick].clone();
        let before = all(&mut vault).spans.len();
        let told = vault.forgetting(&what, &NewSecrets::default(), &mut go_on).unwrap();
        let done = vault.forget(&what, false, &NewSecrets::default(), &mut go_on).unwrap();
        prop_assert_eq!(&told.forgotten, &done.forgotten);
        prop_assert_eq!(all(&mut vault).spans.len() as u64, before as u64 - told.forgotten.spans);
    }
}
