//! Forgetting and rekeying: what goes is gone from every file, what stays is as it was, and a kill leaves one whole
//! vault.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain};
use dwell_vault::{
    GenerationError, Keys, NewSecrets, NewSlot, OpenError, Progress, Row, SlotKind, State, Unlock,
    UnlockError, Vault, What,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::totals::assert_totals;
use crate::world::{World, all, copy, day, focus, of_day, record, some_spans};

pub(crate) fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn forget(vault: &mut Vault, what: &What) -> dwell_vault::Renewed {
    vault.forget(what, false, &NewSecrets::default(), &mut go_on).unwrap()
}

/// Days 0 to 39 sealed, 40 and 41 in the journal.
fn filled() -> World {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..42 {
        record(&mut vault, after, &some_spans(after, 10));
    }
    vault.put_enforcement(b"rules").unwrap();
    vault.seal_before(day(40)).unwrap();
    vault.close();
    world
}

fn app(name: &str) -> What {
    What::App(AppId::new(name).unwrap())
}

#[test]
fn rotating_changes_every_secret_and_no_span() {
    let world = filled();
    let old = world.files();
    let mut vault = world.open();
    let before = all(&mut vault);
    let renewed = vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    assert_eq!((renewed.forgotten.spans, renewed.unrotated.len()), (0, 0));
    assert_eq!(all(&mut vault), before);
    assert_totals(&mut vault, &[(0, 50), (3, 33)]);
    assert!(vault.append_all(&[]).unwrap().get() >= 420, "numbers of rows go on");
    vault.append(day(41), &Row::Span(focus(41 * 86_400_000 + 80_000_000, 9, "editor"))).unwrap();
    vault.close();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!(opened.notes, []);
    assert_eq!(all(&mut vault).spans.len(), before.spans.len() + 1);
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
    vault.close();
    let new = world.files();
    let name = |path: &std::path::Path| path.file_name().unwrap().to_owned();
    for file in ["keyfile", "enf.keyfile"] {
        let path = world.places.data_dir.join(file);
        assert_ne!(old[&path], new[&path]);
    }
    assert_eq!(new.keys().filter(|path| name(path) == "db").count(), 1, "the old generation is gone");
    // A copy made before opens with the old key file, and not with the new one.
    let stale = World::new();
    for (path, bytes) in &old {
        let to = stale.places.data_dir.join(path.strip_prefix(&world.places.data_dir).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if name(path) == "current" {
            std::os::unix::fs::symlink("g.1", to).unwrap();
        } else {
            fs::write(to, bytes).unwrap();
        }
    }
    fs::copy(world.places.keyfile(), stale.places.keyfile()).unwrap();
    assert!(matches!(stale.try_open().unwrap_err(), OpenError::WrongKey { .. }));
    fs::write(stale.places.keyfile(), &old[&world.places.keyfile()]).unwrap();
    assert_eq!(all(&mut stale.open()), before);
}

/// No 24 bytes of a wrapped key or a page of what was forgotten are in any file.
#[test]
fn what_was_forgotten_is_in_no_file() {
    let world = filled();
    let gone: Vec<Vec<u8>> = {
        let db = world.sqlite();
        let blobs = |sql: &str| -> Vec<Vec<u8>> {
            let mut statement = db.prepare(sql).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let all = ["SELECT w FROM dk", "SELECT b FROM page", "SELECT b FROM roll", "SELECT b FROM j"];
        all.into_iter().flat_map(blobs).collect()
    };
    assert!(gone.len() > 100);
    let mut vault = world.open();
    let renewed = forget(&mut vault, &What::Before(day(30)));
    assert_eq!((renewed.forgotten.days, renewed.forgotten.spans), (30, 300));
    let remains = |world: &World| {
        let files = world.files();
        gone.iter().any(|blob| {
            let at = blob.len() / 2;
            files.values().any(|bytes| bytes.windows(24).any(|w| *w == blob[at..at + 24]))
        })
    };
    assert!(!remains(&world));
    vault.close();
    assert!(!remains(&world));
    assert_eq!(world.open().days(), Some((day(30), day(41))));
}

#[test]
fn days_programs_and_domains_go_and_nothing_else_does() {
    let world = filled();
    let mut vault = world.open();
    let before = all(&mut vault);
    let names = |vault: &mut Vault| vault.subjects().unwrap().apps.len();
    assert_eq!(names(&mut vault), 3);
    let dry = vault.forget(&app("BROWSER"), true, &NewSecrets::default(), &mut go_on).unwrap();
    assert_eq!(all(&mut vault), before);
    let renewed = forget(&mut vault, &app("BROWSER"));
    assert_eq!(renewed.forgotten, dry.forgotten);
    assert_eq!((renewed.forgotten.days, renewed.forgotten.spans), (42, 42 * 4));
    let keep = |span: &Span| span.activity.app().is_none_or(|app| app.as_str() != "browser");
    let rest: Vec<_> = before.spans.iter().filter(|(_, span)| keep(span)).cloned().collect();
    assert_eq!(all(&mut vault).spans, rest);
    assert_eq!(names(&mut vault), 2);
    assert_totals(&mut vault, &[(0, 50), (3, 33), (41, 41)]);
    assert_eq!(forget(&mut vault, &What::Day(day(41))).forgotten.spans, 6);
    assert_eq!(forget(&mut vault, &What::Day(day(7))).forgotten.days, 1);
    assert_eq!(forget(&mut vault, &What::Day(day(99))).forgotten.days, 0);
    let none = What::Domain(Domain::new("example.org").unwrap());
    assert_eq!(forget(&mut vault, &none).forgotten.spans, 0);
    let rest: Vec<_> = rest.into_iter().filter(|(d, _)| *d != day(41) && *d != day(7)).collect();
    for _ in 0..2 {
        let now = all(&mut vault);
        assert_eq!((now.spans, now.damaged), (rest.clone(), vec![]));
        assert_totals(&mut vault, &[(0, 50), (3, 33)]);
        vault.close();
        vault = world.open();
    }
}

/// A row of a forgotten program that had superseded another's must not bring that one back.
#[test]
fn what_was_superseded_stays_superseded() {
    let world = World::new();
    let mut vault = world.open();
    let at = |app: &str, length| Row::Span(focus(1000, length, app));
    vault.append(day(0), &at("editor", 30)).unwrap();
    vault.seal_before(day(1)).unwrap();
    vault.append(day(0), &at("game", 50)).unwrap();
    vault.append(day(1), &at("editor", 30)).unwrap();
    vault.append(day(1), &at("game", 40)).unwrap();
    vault.append(day(1), &Row::Checkpoint(focus(9000, 7, "game"))).unwrap();
    vault.append(day(1), &Row::Span(focus(9000, 6, "editor"))).unwrap();
    forget(&mut vault, &app("game"));
    let history = all(&mut vault);
    assert_eq!(history.spans, [(day(1), focus(9000, 6, "editor"))]);
    vault.seal_before(day(2)).unwrap();
    assert_eq!(all(&mut vault), history);
    assert_totals(&mut vault, &[(0, 1)]);
}

#[test]
fn an_interruption_leaves_everything_as_it_was() {
    let world = filled();
    let mut vault = world.open();
    let before = all(&mut vault);
    for stop in [0, 1, 20, 41] {
        let mut hear = |p: Progress| {
            if p.done == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = vault.rotate(&NewSecrets::default(), &mut hear);
        assert!(matches!(result, Err(GenerationError::Interrupted)));
        assert_eq!(all(&mut vault), before);
        assert!(!world.places.vault().join("g.2").exists());
    }
    vault.close();
    assert_eq!(all(&mut world.open()), before);
}

#[test]
fn slots_are_carried_over_renewed_or_removed() {
    let world = filled();
    let mut vault = world.open();
    let seed = |byte| Zeroizing::new([byte; 32]);
    vault.add_slot(&NewSlot::Seed(seed(1), SlotKind::SecretService)).unwrap();
    let (_, text) = vault.add_recovery().unwrap();
    vault.add_slot(&NewSlot::Seed(seed(3), SlotKind::Credential)).unwrap();
    let secrets = NewSecrets { seeds: BTreeMap::from([(1, seed(9))]), ..NewSecrets::default() };
    let renewed = vault.remove_slot(3, &secrets, &mut go_on).unwrap();
    assert_eq!(renewed.unrotated.len(), 1);
    assert_eq!(vault.slots().unwrap().len(), 3);
    assert!(matches!(vault.remove_slot(3, &secrets, &mut go_on), Err(GenerationError::Slot { number: 3 })));
    vault.close();
    let refused = |unlock: Unlock| {
        let keys = Keys { slots: vec![unlock], ..Keys::sealed(&world.places) };
        match State::open(&world.places, &keys).unwrap().0 {
            State::Open(vault) => {
                vault.close();
                None
            }
            State::Sealed { refused, .. } => refused.into_iter().next(),
        }
    };
    assert!(refused(Unlock::Recovery(text)).is_none());
    assert!(refused(Unlock::Seed(seed(9), SlotKind::SecretService)).is_none());
    let wrong = refused(Unlock::Seed(seed(1), SlotKind::SecretService));
    assert!(matches!(wrong, Some(UnlockError::Wrong { .. })));
    let gone = refused(Unlock::Seed(seed(3), SlotKind::Credential));
    assert!(matches!(gone, Some(UnlockError::NoSlot { kind: SlotKind::Credential })));
}

/// The moments of a switch, each as a kill would leave it.
#[test]
fn a_switch_cut_off_after_any_step_is_finished_or_undone() {
    let world = filled();
    let before = world.killed();
    let mut vault = world.open();
    let truth = all(&mut vault);
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    vault.close();
    for step in 0..4 {
        let cut = before.killed();
        let new = cut.places.vault().join("g.2");
        copy(&world.places.vault().join("g.2"), &new);
        let files = [(world.places.keyfile(), "keyfile"), (world.places.enf_keyfile(), "enf.keyfile")];
        for (from, name) in &files[..2.min(4 - step)] {
            fs::copy(from, new.join(name)).unwrap();
        }
        if step > 0 {
            fs::remove_file(cut.places.vault().join("current")).unwrap();
            std::os::unix::fs::symlink("g.2", cut.places.vault().join("current")).unwrap();
        }
        if step > 1 {
            fs::copy(world.places.enf_keyfile(), cut.places.enf_keyfile()).unwrap();
            let _ = fs::remove_file(new.join("enf.keyfile"));
        }
        if step > 2 {
            fs::copy(world.places.keyfile(), cut.places.keyfile()).unwrap();
            let _ = fs::remove_file(new.join("keyfile"));
        }
        for _ in 0..2 {
            let (mut vault, opened) = cut.try_open().unwrap();
            assert_eq!((all(&mut vault), opened.notes), (truth.clone(), vec![]), "step {step}");
            vault.close();
        }
        let left: Vec<_> = cut.files().into_keys().filter(|path| path.ends_with("db")).collect();
        assert_eq!(left.len(), 1, "step {step}: {left:?}");
    }
}

/// Another vault's key file in our place is never overwritten.
#[test]
fn another_vaults_key_file_stays() {
    let (world, other) = (filled(), World::new());
    other.open().close();
    let mut vault = world.open();
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    vault.close();
    let folder = world.places.vault().join("g.2");
    fs::rename(world.places.keyfile(), folder.join("keyfile")).unwrap();
    fs::copy(other.places.keyfile(), world.places.keyfile()).unwrap();
    assert!(matches!(world.try_open().unwrap_err(), OpenError::WrongKey { .. }));
    assert_eq!(fs::read(world.places.keyfile()).unwrap(), fs::read(other.places.keyfile()).unwrap());
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        (0..8).prop_map(|d| What::Day(day(d))),
        (0..8).prop_map(|d| What::Before(day(d))),
        prop_oneof![Just("editor"), Just("browser"), Just("radio")].prop_map(app),
        Just(What::Domain(Domain::new("example.org").unwrap())),
    ]
}

fn takes(what: &What, d: CivilDay, span: &Span) -> bool {
    match what {
        What::Day(gone) => d == *gone,
        What::Before(bound) => d < *bound,
        What::App(gone) => span.activity.app() == Some(gone),
        What::Domain(gone) => match &span.activity {
            Activity::Focus(s) | Activity::Audible(s) => s.domain.as_ref() == Some(gone),
            _ => false,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// After any forgetting, what is left is what was there without what was to go, in spans and in totals.
    #[test]
    fn what_is_left_is_what_was_not_to_go(
        days in proptest::collection::vec((0..8_i32, 1..12_u64, any::<bool>()), 1..8),
        whats in proptest::collection::vec(what(), 1..3),
    ) {
        let world = World::new();
        let mut vault = world.open();
        for (after, count, seal) in days {
            record(&mut vault, after, &some_spans(after, count));
            if seal {
                vault.seal_before(day(after + 1)).unwrap();
            }
        }
        for what in whats {
            let before = all(&mut vault);
            let renewed = forget(&mut vault, &what);
            let after = all(&mut vault);
            let expected: Vec<_> =
                before.spans.iter().filter(|(d, span)| !takes(&what, *d, span)).cloned().collect();
            prop_assert_eq!(renewed.forgotten.spans as usize, before.spans.len() - expected.len());
            prop_assert_eq!(&after.spans, &expected);
            prop_assert_eq!(&after.damaged, &[]);
            assert_totals(&mut vault, &[(-9, 60), (2, 5)]);
        }
        prop_assert_eq!(of_day(&all(&mut vault), 99), vec![]);
    }
}
