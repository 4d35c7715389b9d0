//! Backups, the weekly copy, what was put back, and what is let go with age.

use std::fs;
use std::path::PathBuf;

use dwell_vault::{
    GenerationError, NewSecrets, NewSlot, Note, OnlyTogether, OpenError, Part, Places, RestoreError,
    Retention, Row, Unlock, Vault, What, restore,
};
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::totals::{assert_totals, by_hand};
use crate::world::{World, all, day, focus, record, some_spans};

fn passphrase() -> [Unlock; 1] {
    [Unlock::Passphrase(Zeroizing::new("correct horse".into()))]
}

fn filled() -> (World, Vault, PathBuf) {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..5 {
        record(&mut vault, after, &some_spans(after, 10));
    }
    vault.seal_before(day(4)).unwrap();
    vault.put_enforcement(b"rules").unwrap();
    vault.add_slot(&NewSlot::Passphrase(Zeroizing::new("correct horse".into()))).unwrap();
    let file = world.places.data_dir.with_extension("backup");
    vault.backup(&file, 77).unwrap();
    (world, vault, file)
}

#[test]
fn a_backup_is_put_back_with_any_slot_and_never_over_a_vault_unasked() {
    let (world, mut vault, file) = filled();
    let truth = all(&mut vault);
    assert!(vault.backup(&file, 78).is_err(), "a file that is there is not overwritten");
    vault.append(day(4), &Row::Span(focus(400_000_000, 9, "editor"))).unwrap();
    let newer = all(&mut vault);
    vault.close();

    let elsewhere = World::new();
    let back = restore(&file, &elsewhere.places, &passphrase(), false).unwrap();
    let mut vault = back.vault;
    assert_eq!((all(&mut vault), back.aside, back.opened.notes), (truth.clone(), None, vec![]));
    assert_eq!((back.verified.days, back.verified.damaged, back.verified.contradicting), (5, vec![], vec![]));
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
    vault.append(day(4), &Row::Span(focus(400_000_000, 9, "editor"))).unwrap();
    vault.close();

    let before = world.files();
    let refused = restore(&file, &world.places, &passphrase(), false).unwrap_err();
    assert!(matches!(refused, RestoreError::Exists { .. }));
    let wrong = [Unlock::Passphrase(Zeroizing::new("wrong".into()))];
    let refused = restore(&file, &world.places, &wrong, true).unwrap_err();
    assert!(matches!(&refused, RestoreError::Locked { refused } if refused.len() == 1), "{refused}");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    let bad = file.with_extension("bad");
    for cut in [bytes.len(), bytes.len() - 1, 9000, 20, 0] {
        fs::write(&bad, &bytes[..cut]).unwrap();
        let refused = restore(&bad, &world.places, &passphrase(), true).unwrap_err();
        let corrupt = matches!(refused, RestoreError::Open(OpenError::Corrupt { what: Part::Backup }));
        assert!(corrupt, "{cut}: {refused}");
    }
    assert!(world.files() == before);
    let keyfile = [Unlock::Keyfile(world.places.keyfile())];
    let back = restore(&file, &world.places, &keyfile, true).unwrap();
    let mut vault = back.vault;
    assert_eq!(all(&mut vault), truth);
    vault.close();
    assert_eq!(all(&mut world.open()), truth);
    // What was there is aside, and whole.
    let aside = Places::new(back.aside.unwrap());
    let (mut old, _) = Vault::open_or_create(&aside).unwrap();
    assert_eq!(all(&mut old), newer);
}

#[test]
fn forgetting_names_the_backups_and_makes_the_weekly_copy_anew() {
    let (world, mut vault, file) = filled();
    vault.make_copy().unwrap();
    let weekly = world.places.vault().join("weekly");
    let gone: Vec<Vec<u8>> = {
        let db = world.sqlite();
        let mut statement = db.prepare("SELECT b FROM page").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let holds = |bytes: &[u8]| gone.iter().any(|b| bytes.windows(24).any(|w| *w == b[2000..2024]));
    assert!(holds(&fs::read(&weekly).unwrap()));
    let what = What::Before(day(3));
    let renewed = vault.forget(&what, false, &NewSecrets::default(), &mut go_on).unwrap();
    assert_eq!(renewed.backups, vault.known_backups().unwrap());
    let known = &renewed.backups[0];
    assert_eq!((&known.path, known.at_unix_ms, known.generation), (&fs::canonicalize(&file).unwrap(), 77, 1));
    assert!(!holds(&fs::read(&weekly).unwrap()));
    assert!(world.files().values().all(|bytes| !holds(bytes)));
    vault.close();
    // The copy is a backup like any other; the key file that was rotated opens it, and not the older backup.
    let keyfile = [Unlock::Keyfile(world.places.keyfile())];
    let elsewhere = World::new();
    restore(&weekly, &elsewhere.places, &keyfile, false).unwrap().vault.close();
    let refused = restore(&file, &World::new().places, &keyfile, false).unwrap_err();
    assert!(matches!(refused, RestoreError::Locked { .. }));
}

#[test]
fn a_record_that_goes_with_it_is_neither_in_the_vault_nor_in_its_copy() {
    let (world, mut vault, _) = filled();
    vault.put_enforcement(b"with notes").unwrap();
    vault.make_copy().unwrap();
    // Broken off at the last moment, it is the old one.
    let mut stop = |at: dwell_vault::Progress| match at.done < at.total {
        true => std::ops::ControlFlow::Continue(()),
        false => std::ops::ControlFlow::Break(()),
    };
    let none = NewSecrets::default();
    vault.forget_with_record(&What::Day(day(1)), Some(b"without"), &none, &mut stop).unwrap_err();
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"with notes");
    vault.forget_with_record(&What::Day(day(1)), Some(b"without"), &none, &mut go_on).unwrap();
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"without");
    vault.close();
    let keyfile = [Unlock::Keyfile(world.places.keyfile())];
    let copy =
        restore(&world.places.vault().join("weekly"), &World::new().places, &keyfile, false).unwrap().vault;
    assert_eq!(copy.enforcement().unwrap().unwrap().as_slice(), b"without");
    copy.close();
    let vault = world.open();
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"without");
    vault.close();
}

#[test]
fn what_was_put_back_is_suspect_until_it_is_accepted() {
    let (world, vault, _) = filled();
    vault.close();
    let old = world.killed();
    let mut vault = world.open();
    record(&mut vault, 5, &some_spans(5, 3));
    vault.close();
    fs::copy(old.generation().join("db"), world.generation().join("db")).unwrap();
    let (mut vault, opened) = world.try_open().unwrap();
    assert!(opened.notes.contains(&Note::OlderThanLastSeen));
    assert!(vault.info().unwrap().suspect);
    vault.append(day(6), &Row::Span(focus(600_000_000, 9, "editor"))).unwrap();
    vault.close();
    let mut vault = world.open();
    assert!(vault.info().unwrap().suspect, "recording on does not make it forgotten");
    vault.accept().unwrap();
    vault.close();
    assert!(!world.open().info().unwrap().suspect);
}

#[test]
fn info_and_verify_say_what_there_is() {
    let (_world, mut vault, _) = filled();
    let info = vault.info().unwrap();
    assert_eq!((info.generation, info.journal, info.pages, info.slots.len()), (1, 1, 4, 2));
    assert_eq!((info.days, info.suspect, info.has_copy), (Some((day(0), day(4))), false, false));
    let verified = vault.verify(&mut go_on).unwrap();
    assert_eq!((verified.days, verified.spans), (5, 50));
    assert_eq!((verified.damaged, verified.contradicting, verified.interrupted), (vec![], vec![], false));
}

#[test]
fn detail_goes_with_age_and_totals_stay() {
    let world = World::new();
    let mut vault = world.open();
    for after in 0..100 {
        record(&mut vault, after, &some_spans(after, 10));
    }
    vault.seal_before(day(99)).unwrap();
    vault.append(day(2), &Row::Span(focus(90_000_000 * 2, 5, "editor"))).unwrap();
    vault.seal_before(day(99)).unwrap();
    let all_days = || day(0)..=day(99);
    let truth = by_hand(&mut vault, all_days());
    let early = by_hand(&mut vault, day(0)..=day(49));
    let bound = Some(day(50));
    let gone = vault.retain(&Retention { keep_detail: bound, ..Retention::default() }).unwrap();
    assert_eq!(gone.details, 50);
    for _ in 0..2 {
        assert_eq!(vault.totals(all_days()).unwrap(), truth);
        assert_eq!(vault.totals(day(0)..=day(49)).unwrap(), early);
        let spans = vault.read(all_days()).unwrap();
        assert_eq!((spans.spans.len(), spans.damaged.len()), (500, 0));
        vault.close();
        vault = world.open();
    }
    assert_eq!(vault.retain(&Retention { keep_detail: bound, ..Retention::default() }).unwrap().details, 0);
    let gone = vault.retain(&Retention { keep_detail: bound, keep_totals: bound }).unwrap();
    assert!(gone.runs >= 1, "{gone:?}");
    let together = vault.totals(all_days()).unwrap().only_together;
    assert_eq!(together.len(), gone.runs);
    let (from, _) = together[0];
    let now = vault.totals(from..=day(99)).unwrap();
    // A day of the run cannot be told from the others, nor be taken out; all of it can.
    assert_eq!(vault.totals(from..=from).unwrap().charged_ms, 0);
    let refused = vault.forget(&What::Day(from), true, &NewSecrets::default(), &mut go_on).unwrap_err();
    assert!(matches!(refused, GenerationError::OnlyTogether(OnlyTogether { .. })));
    // What comes for it later counts besides.
    vault.append(from, &Row::Span(focus(5_000, 11, "editor"))).unwrap();
    assert_eq!(vault.totals(from..=day(99)).unwrap().charged_ms, now.charged_ms + 11);
    vault.seal_before(day(99)).unwrap();
    assert_eq!(vault.totals(from..=day(99)).unwrap().charged_ms, now.charged_ms + 11);
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    assert_eq!(vault.totals(from..=day(99)).unwrap().charged_ms, now.charged_ms + 11);
    let radio = What::App(dwell_core::subject::AppId::new("browser").unwrap());
    vault.forget(&radio, false, &NewSecrets::default(), &mut go_on).unwrap();
    let left = vault.totals(from..=day(99)).unwrap();
    assert!(left.subjects.keys().all(|subject| subject.app.as_str() != "browser"));
    assert!(left.charged_ms < now.charged_ms && left.charged_ms > 0);
    vault.forget(&What::Before(day(50)), false, &NewSecrets::default(), &mut go_on).unwrap();
    assert_totals(&mut vault, &[(-40, 99)]);
}

/// The renames of a restore that was decided, each as a kill would leave it.
#[test]
fn a_restore_cut_off_after_any_step_is_finished() {
    let (world, mut vault, file) = filled();
    let truth = all(&mut vault);
    record(&mut vault, 4, &[focus(400_000_000, 9, "editor")]);
    let newer = all(&mut vault);
    vault.close();
    let back = World::new();
    let keyfile = [Unlock::Keyfile(world.places.keyfile())];
    restore(&file, &back.places, &keyfile, false).unwrap().vault.close();
    // As it is laid out beside: the key files in the generation's folder.
    for name in ["keyfile", "enf.keyfile"] {
        fs::rename(back.places.data_dir.join(name), back.generation().join(name)).unwrap();
    }
    for step in 0..5 {
        let cut = world.killed();
        let data = &cut.places.data_dir;
        let (beside, aside) = (data.join("restore.new"), data.join("before-restore.1"));
        fs::create_dir_all(&beside).unwrap();
        crate::world::copy(&back.places.vault(), &beside.join("vault"));
        fs::write(beside.join("decided"), "before-restore.1").unwrap();
        if step > 0 {
            fs::create_dir_all(&aside).unwrap();
        }
        for name in ["vault", "keyfile", "enf.keyfile"].iter().take(step) {
            fs::rename(data.join(name), aside.join(name)).unwrap();
        }
        if step == 4 {
            fs::rename(beside.join("vault"), data.join("vault")).unwrap();
        }
        assert!(Vault::is_there(&cut.places).unwrap(), "step {step}");
        let (mut vault, opened) = cut.try_open().unwrap();
        assert_eq!((all(&mut vault), opened.notes), (truth.clone(), vec![]), "step {step}");
        assert!(!beside.exists());
        vault.close();
        assert_eq!(all(&mut Vault::open_or_create(&Places::new(aside)).unwrap().0), newer, "step {step}");
    }
    // Not decided: what was laid out is nobody's, and the old vault opens.
    let cut = world.killed();
    crate::world::copy(&back.places.vault(), &cut.places.data_dir.join("restore.new/vault"));
    assert_eq!(all(&mut cut.open()), newer);
}
