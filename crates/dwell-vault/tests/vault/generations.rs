//! Forgetting and rekeying: what goes is gone from every file, what stays is as it was, and a kill leaves one whole
//! vault.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain};
use dwell_vault::{
    GenerationError, Keys, NewSecrets, NewSlot, OpenError, Places, Progress, Row, SlotKind, State, Unlock,
    UnlockError, Vault, What,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::totals::assert_totals;
use crate::world::{World, all, copy, day, focus, not_run, of_day, record, some_spans};
use crate::{kill, power};

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
    // The last one is when all is built, right before the switch.
    for stop in [0, 1, 20, 41, 42] {
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

/// The switch has happened, so that is no error: whoever keeps secrets must not take the new ones for unused.
#[test]
fn what_fails_after_the_switch_is_told_and_done_later() {
    let world = filled();
    let mut vault = world.open();
    let truth = all(&mut vault);
    // Nothing but an empty folder is where the weekly copy would be, and cannot be unlinked as a file.
    let in_the_way = world.places.weekly_copy();
    fs::create_dir(&in_the_way).unwrap();
    let renewed = vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    assert!(renewed.old_remains && world.places.vault().join("g.1").exists());
    assert_eq!(dwell_vault::generation(&world.places).unwrap(), 2);
    assert_eq!(all(&mut vault), truth);
    // There is no third generation before the first one is gone.
    let refused = vault.rotate(&NewSecrets::default(), &mut go_on).unwrap_err();
    assert!(matches!(refused, GenerationError::Open(OpenError::Io { .. })), "{refused}");
    assert_eq!(dwell_vault::generation(&world.places).unwrap(), 2);
    assert_eq!(all(&mut world.killed().open()), truth);
    fs::remove_dir(&in_the_way).unwrap();
    let renewed = vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    assert!(!renewed.old_remains && renewed.unrotated.is_empty());
    vault.close();
    let (mut vault, opened) = world.try_open().unwrap();
    assert_eq!((all(&mut vault), opened.notes), (truth, vec![]));
    let mut left: Vec<_> =
        fs::read_dir(world.places.vault()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["current", "g.3"]);
}

/// Not a test of its own: all syncs but the first n of a rekeying fail.
#[test]
fn unsynced_child() {
    let Some(root) = std::env::var_os(power::FOLDER).map(std::path::PathBuf::from) else { return };
    let world = World::new();
    let mut vault = world.open();
    for after in 0..3 {
        record(&mut vault, after, &some_spans(after, 10));
    }
    vault.seal_before(day(2)).unwrap();
    vault.make_copy().unwrap();
    let truth = all(&mut vault);
    vault.close();
    let (mut before, mut between, mut after) = (0, 0, 0);
    for n in 0.. {
        let places = Places::new(root.join("one"));
        copy(&world.places.data_dir, &places.data_dir);
        let whole = |places: &Places| {
            let (mut vault, opened) = Vault::open_or_create(places).unwrap();
            assert_eq!((all(&mut vault), opened.notes), (truth.clone(), vec![]), "{n} syncs");
        };
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        let limit = root.join(format!("sync.{n}"));
        fs::File::create(&limit).unwrap();
        let result = vault.rotate(&NewSecrets::default(), &mut go_on);
        let generation = dwell_vault::generation(&places).unwrap();
        assert_eq!(generation, 1 + u64::from(result.is_ok()), "{n} syncs");
        assert_eq!(all(&mut vault), truth, "{n} syncs");
        let unfinished = matches!(&result, Ok(renewed) if renewed.old_remains);
        if unfinished {
            // Killed: the next opening goes no further while syncs fail.
            let killed = Places::new(root.join("killed"));
            copy(&places.data_dir, &killed.data_dir);
            let moved = |places: &Places| !places.vault().join("g.2/keyfile").exists();
            let opened = Vault::open_or_create(&killed);
            assert!(opened.is_ok() == moved(&killed) && moved(&killed) == moved(&places), "{n} syncs");
            drop(opened);
            fs::remove_file(&limit).unwrap();
            if !moved(&killed) {
                // The power fails, and the link is the one that was there before.
                let lost = Places::new(root.join("lost"));
                copy(&killed.data_dir, &lost.data_dir);
                fs::remove_file(lost.vault().join("current")).unwrap();
                std::os::unix::fs::symlink("g.1", lost.vault().join("current")).unwrap();
                whole(&lost);
                fs::remove_dir_all(&lost.data_dir).unwrap();
                between += 1;
            }
            whole(&killed);
            assert!(!killed.vault().join("g.1").exists(), "{n} syncs");
            fs::remove_dir_all(&killed.data_dir).unwrap();
            // Not killed: the next rekeying takes up what this one has left, its key files above all.
            let again = vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
            assert!(!again.old_remains && again.unrotated.is_empty(), "{n} syncs");
        } else {
            fs::remove_file(&limit).unwrap();
            before += u32::from(result.is_err());
            after += u32::from(result.is_ok());
        }
        drop(vault);
        whole(&places);
        let left = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("g.");
        let generations =
            fs::read_dir(places.vault()).unwrap().filter(|entry| left(entry.as_ref().unwrap())).count();
        assert_eq!(generations, 1, "{n} syncs");
        fs::remove_dir_all(&places.data_dir).unwrap();
        if after == 3 {
            break;
        }
    }
    assert!(before > 5 && between > 0, "{before} {between}");
    kill::say(&format!("{before} before the switch, {between} where it may not last"));
}

#[test]
fn a_rekeying_whose_syncs_fail_is_the_old_vault_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(folder.path()).unwrap();
    let mut child = match power::recorded_child("generations::unsynced_child", &base) {
        Ok(child) => child,
        Err(why) => return not_run("syncs that fail", &why),
    };
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("before the switch"), "{text}{errors}");
    println!("{text}");
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
