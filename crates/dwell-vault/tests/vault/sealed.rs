//! The sealed state: it records, it enforces, and it cannot read the days before; and the keys that end it.

use std::fs;

use dwell_core::calendar::CivilDay;
use dwell_vault::{
    EnfSource, Keys, Mistyped, NewSlot, OpenError, Row, SealedVault, SlotError, SlotKind, State, Unlock,
    UnlockError, Vault,
};
use zeroize::Zeroizing;

use crate::world::{World, all, day, focus, of_day, record, some_spans};

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Zeroizing::new(text.into()))
}

fn sealed(world: &World) -> SealedVault {
    match State::open(&world.places, &Keys::sealed(&world.places)).unwrap() {
        (State::Sealed { vault, refused }, _) if refused.is_empty() => vault,
        _ => unreachable!("there was no key to try"),
    }
}

fn unlocked(vault: SealedVault, unlock: &Unlock) -> Vault {
    vault.unlock(unlock).map_err(|(_, error)| error).unwrap()
}

/// Milliseconds of attention.
fn charged(spans: &[(CivilDay, dwell_core::span::Span)]) -> u64 {
    spans.iter().filter(|(_, s)| s.activity.charged().is_some()).map(|(_, s)| s.length.as_ms()).sum()
}

/// Two days of which a vault with a passphrase as its only slot that is at hand knows nothing.
fn filled() -> World {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 20));
    record(&mut vault, 1, &some_spans(1, 20));
    vault.put_enforcement(b"rules").unwrap();
    vault.seal_before(day(1)).unwrap();
    vault.add_slot(&NewSlot::Passphrase(Zeroizing::new("correct horse".into()))).unwrap();
    vault.close();
    world
}

#[test]
fn a_sealed_vault_records_in_parts_of_its_own_and_reads_nothing_from_before() {
    let world = filled();
    let truth = all(&mut world.killed().open());
    let mut vault = sealed(&world);
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
    let before = vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap();
    assert_eq!((before.spans.len(), before.damaged.len()), (0, 0));
    assert_eq!(before.sealed.iter().map(|d| d.charged_ms).sum::<u64>(), charged(&truth.spans));
    // Noon of day 1, a second part, that this process can read until it is sealed.
    let more = focus(100_000_000, 7000, "terminal");
    vault.append(day(1), &Row::Checkpoint(focus(100_000_000, 500, "terminal"))).unwrap();
    vault.append(day(1), &Row::Span(more.clone())).unwrap();
    let now = vault.read(day(1)..=day(1)).unwrap();
    assert_eq!(now.spans, [(day(1), more.clone())]);
    assert_eq!(charged(&now.spans) + now.sealed[0].charged_ms, charged(&truth.spans) / 2 + 7000);
    vault.put_enforcement(b"new rules").unwrap();
    assert_eq!(vault.seal_before(day(2)).unwrap(), 1);
    let after = vault.read(day(1)..=day(1)).unwrap();
    assert_eq!((after.spans.len(), after.damaged.len()), (0, 0));
    assert_eq!(after.sealed[0].charged_ms, charged(&truth.spans) / 2 + 7000);
    // Killed and started again: the same, for the totals are under K_enf.
    drop(vault);
    let vault = sealed(&world);
    assert_eq!(vault.read(day(1)..=day(1)).unwrap(), after);
    let mut vault = unlocked(vault, &passphrase("correct horse"));
    let history = all(&mut vault);
    assert_eq!(history.damaged, []);
    assert_eq!(of_day(&history, 0), of_day(&truth, 0));
    let mut expected = of_day(&truth, 1);
    expected.push(more);
    expected.sort_by_key(|span| span.start.wall);
    assert_eq!(of_day(&history, 1), expected);
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"new rules");
}

#[test]
fn locking_drops_what_unlocking_gives() {
    let world = filled();
    let mut vault = unlocked(sealed(&world), &passphrase("correct horse"));
    record(&mut vault, 2, &some_spans(2, 5));
    let truth = all(&mut vault);
    let mut vault = vault.lock();
    let read = vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap();
    assert!(read.spans.iter().all(|(d, _)| *d == day(2)), "the day that is being written goes on");
    assert_eq!(read.spans.len(), 5);
    let total = charged(&read.spans) + read.sealed.iter().map(|d| d.charged_ms).sum::<u64>();
    assert_eq!(total, charged(&truth.spans));
    vault.append(day(2), &Row::Span(focus(300_000_000, 9, "editor"))).unwrap();
    let mut vault = unlocked(vault, &Unlock::Keyfile(world.places.keyfile()));
    assert_eq!(all(&mut vault).spans.len(), truth.spans.len() + 1);
    vault.close();
    assert_eq!(world.try_open().unwrap().1.notes, []);
}

/// What a thief gets who has the disk, K_enf included, and a running sealed daemon's files, but no passphrase: each
/// wrapped key and each page, tried with everything that K_enf gives.
#[test]
fn without_the_passphrase_yesterday_stays_shut() {
    let world = filled();
    fs::remove_file(world.places.keyfile()).unwrap();
    for wrong in ["", "Correct horse", "correct horse "] {
        let (back, error) = sealed(&world).unlock(&passphrase(wrong)).unwrap_err();
        assert!(matches!(error, UnlockError::Wrong { kind: SlotKind::Passphrase }), "{error}");
        assert_eq!(back.read(CivilDay::MIN..=day(0)).unwrap().spans, []);
        back.close();
    }
    let mut enf = fs::read(world.places.enf_keyfile()).unwrap();
    let secret: [u8; 32] = enf.drain(28..60).collect::<Vec<_>>().try_into().unwrap();
    for kind in [SlotKind::SecretService, SlotKind::Credential, SlotKind::Keyfile] {
        let (back, _) = sealed(&world).unlock(&Unlock::Seed(Zeroizing::new(secret), kind)).unwrap_err();
        back.close();
    }
    assert!(matches!(world.try_open().unwrap_err(), OpenError::KeyMissing { .. }));
    unlocked(sealed(&world), &passphrase("correct horse")).close();
}

#[test]
fn each_kind_of_slot_opens_and_survives_a_restart() {
    let world = filled();
    let mut vault = world.open();
    let seed = |byte| Zeroizing::new([byte; 32]);
    assert_eq!(vault.add_slot(&NewSlot::Seed(seed(1), SlotKind::SecretService)).unwrap(), 2);
    assert_eq!(vault.add_slot(&NewSlot::Seed(seed(2), SlotKind::Credential)).unwrap(), 3);
    let second = world.places.data_dir.join("second");
    assert_eq!(vault.add_slot(&NewSlot::Keyfile(second.clone())).unwrap(), 4);
    let (number, text) = vault.add_recovery().unwrap();
    assert_eq!(number, 5);
    let again = vault.add_slot(&NewSlot::Seed(seed(1), SlotKind::SecretService));
    assert!(matches!(again, Err(SlotError::Taken { number: 2 })));
    for byte in 6..8 {
        vault.add_slot(&NewSlot::Seed(seed(byte), SlotKind::SecretService)).unwrap();
    }
    assert!(matches!(vault.add_recovery(), Err(SlotError::Full)));
    let third = world.places.data_dir.join("third");
    assert!(matches!(vault.add_slot(&NewSlot::Keyfile(third.clone())), Err(SlotError::Full)));
    assert!(!third.exists());
    let kinds: Vec<_> = vault.slots().unwrap().iter().map(|slot| slot.kind.unwrap()).collect();
    use SlotKind::{Credential, Keyfile, Passphrase, Recovery, SecretService};
    assert_eq!(
        kinds,
        [Keyfile, Passphrase, SecretService, Credential, Keyfile, Recovery, SecretService, SecretService]
    );
    let truth = all(&mut vault);
    let killed = world.killed();
    drop(vault);
    for world in [&world, &killed] {
        for unlock in [
            passphrase("correct horse"),
            Unlock::Seed(seed(1), SecretService),
            Unlock::Seed(seed(2), Credential),
            Unlock::Keyfile(second.clone()),
            Unlock::Recovery(Zeroizing::new(text.to_lowercase().replace('0', "o").replace('-', " "))),
        ] {
            let keys = Keys { slots: vec![unlock], ..Keys::sealed(&world.places) };
            let (State::Open(mut vault), opened) = State::open(&world.places, &keys).unwrap() else {
                unreachable!("it opens")
            };
            assert_eq!((all(&mut vault), opened.notes.len()), (truth.clone(), 0));
            vault.close();
        }
    }
    // A recovery key brings back K_enf as well.
    fs::remove_file(world.places.enf_keyfile()).unwrap();
    fs::remove_file(world.places.keyfile()).unwrap();
    let keys = Keys { slots: vec![Unlock::Recovery(text)], ..Keys::sealed(&world.places) };
    let (State::Open(vault), _) = State::open(&world.places, &keys).unwrap() else {
        unreachable!("it opens")
    };
    assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
    vault.close();
    sealed(&world).close();
}

#[test]
fn a_sealed_vault_tells_what_it_is_as_the_open_one_does() {
    let world = filled();
    let mut vault = world.open();
    vault.make_copy().unwrap();
    vault.backup(&world.places.vault().join("elsewhere"), 7).unwrap();
    let (open, backups) = (vault.info().unwrap(), vault.known_backups().unwrap());
    assert!(
        open.has_copy && open.bytes > 0 && (open.journal, open.pages, backups.len()) == (1, 1, 1),
        "{open:?}"
    );
    vault.close();
    let vault = sealed(&world);
    let sealed = vault.info().unwrap();
    // What is written at the end is the database's own affair.
    assert!(sealed.bytes > 0);
    assert_eq!(dwell_vault::Info { bytes: open.bytes, ..sealed }, open);
    assert_eq!(vault.known_backups().unwrap(), backups);
}

#[test]
fn keys_that_do_not_fit_leave_the_vault_sealed_and_are_told_apart() {
    let world = filled();
    let other = Unlock::Seed(Zeroizing::new([9; 32]), SlotKind::SecretService);
    let keys = Keys {
        enf: EnfSource::Keyfile(world.places.enf_keyfile()),
        slots: vec![
            other,
            Unlock::Keyfile(world.places.data_dir.join("nothing")),
            Unlock::Recovery(Zeroizing::new("ABC".into())),
            Unlock::Recovery(Zeroizing::new("0".repeat(60))),
        ],
    };
    let before = world.files();
    let (State::Sealed { vault, refused }, _) = State::open(&world.places, &keys).unwrap() else {
        unreachable!("no key fits")
    };
    assert!(matches!(refused[0], UnlockError::NoSlot { kind: SlotKind::SecretService }));
    assert!(matches!(refused[1], UnlockError::Open(OpenError::KeyMissing { .. })));
    assert!(matches!(refused[2], UnlockError::Mistyped(Mistyped::Length { characters: 3 })));
    assert!(matches!(refused[3], UnlockError::Mistyped(Mistyped::Checksum)));
    drop(vault);
    let after = world.files();
    let kept = |(path, _): &(&std::path::PathBuf, _)| !path.to_string_lossy().ends_with("shm");
    assert!(
        before.iter().filter(kept).eq(after.iter().filter(kept).filter(|(p, _)| before.contains_key(*p)))
    );
    fs::remove_file(world.places.enf_keyfile()).unwrap();
    let refused = State::open(&world.places, &Keys::sealed(&world.places)).unwrap_err();
    assert!(matches!(refused, OpenError::KeyMissing { .. }), "{refused}");
}

#[test]
fn an_older_header_put_back_is_refused_while_sealed() {
    let world = filled();
    let path = world.generation().join("hdr");
    let old = fs::read(&path).unwrap();
    let mut vault = world.open();
    vault.add_slot(&NewSlot::Seed(Zeroizing::new([1; 32]), SlotKind::Credential)).unwrap();
    vault.close();
    let new = fs::read(&path).unwrap();
    fs::write(&path, &old).unwrap();
    let refused = State::open(&world.places, &Keys::sealed(&world.places)).unwrap_err();
    assert!(matches!(refused, OpenError::Corrupt { what: dwell_vault::Part::HeaderMac }), "{refused}");
    fs::write(&path, &new).unwrap();
    sealed(&world).close();
    // The other way round: the tip was lost with the power, the header was not.
    let tip = world.generation().join("tip");
    let before = fs::read(&tip).unwrap();
    let mut vault = world.open();
    vault.add_recovery().unwrap();
    drop(vault);
    fs::write(&tip, before).unwrap();
    sealed(&world).close();
}
