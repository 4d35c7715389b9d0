//! Vaults made with chosen slots, secrets that move between key files and a keyring, and keyrings that fail.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use dwell_core::calendar::CivilDay;
use dwell_vault::{
    CreateError, EnfSource, KeyfileError, Keys, NewSecrets, NewSlot, NewVault, Note, OpenError, Opened, Row,
    SealedVault, SlotKind, State, Unlock, UnlockError, Vault, secret,
};
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::world::{World, all, day, focus, record, some_spans};

fn passphrase() -> Zeroizing<String> {
    Zeroizing::new("correct horse".into())
}

fn seed(byte: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([byte; 32])
}

fn by_passphrase_only() -> NewVault {
    NewVault { slots: vec![NewSlot::Passphrase(passphrase())], ..NewVault::default() }
}

fn by_keyring() -> NewVault {
    NewVault {
        enf: Some(seed(1)),
        slots: vec![NewSlot::Seed(seed(2), SlotKind::SecretService)],
        recovery: true,
    }
}

fn open(world: &World, enf: EnfSource, slots: Vec<Unlock>) -> Result<(State, Opened), OpenError> {
    State::open(&world.places, &Keys { enf, slots })
}

fn opened(state: State) -> Vault {
    match state {
        State::Open(vault) => vault,
        State::Sealed { refused, .. } => unreachable!("{refused:?}"),
    }
}

fn sealed(state: State) -> (SealedVault, Vec<UnlockError>) {
    match state {
        State::Sealed { vault, refused } => (vault, refused),
        State::Open(_) => unreachable!("it should be sealed"),
    }
}

#[test]
fn a_vault_with_a_passphrase_alone_starts_sealed_and_cannot_read_yesterday() {
    let world = World::new();
    let mut made = Vault::create(&world.places, &by_passphrase_only()).unwrap();
    assert!(made.recovery.is_none());
    assert_eq!(made.vault.slots().unwrap()[0].kind, Some(SlotKind::Passphrase));
    record(&mut made.vault, 0, &some_spans(0, 10));
    made.vault.seal_before(day(1)).unwrap();
    let truth = all(&mut made.vault);
    made.vault.close();
    assert!(!world.places.keyfile().exists() && world.places.enf_keyfile().exists());

    // The key file that the default would try is not there, which is no error.
    let (state, found) = State::open(&world.places, &Keys::files(&world.places)).unwrap();
    assert!(!found.created);
    let (mut vault, refused) = sealed(state);
    assert!(matches!(refused[..], [UnlockError::Open(OpenError::KeyMissing { .. })]), "{refused:?}");
    vault.append(day(1), &Row::Span(focus(90_000_000, 9, "editor"))).unwrap();
    let read = vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap();
    assert_eq!(read.spans.len(), 1);
    assert_eq!(read.sealed[0].day, day(0));
    let mut vault = vault.unlock(&Unlock::Passphrase(passphrase())).map_err(|(_, e)| e).unwrap();
    assert_eq!(all(&mut vault).spans.len(), truth.spans.len() + 1);
}

#[test]
fn a_vault_in_a_keyring_leaves_no_key_on_the_disk_and_its_recovery_key_opens_it() {
    let world = World::new();
    assert!(!Vault::is_there(&world.places).unwrap());
    let mut made = Vault::create(&world.places, &by_keyring()).unwrap();
    record(&mut made.vault, 0, &some_spans(0, 10));
    made.vault.put_enforcement(b"rules").unwrap();
    let truth = all(&mut made.vault);
    made.vault.close();
    assert!(Vault::is_there(&world.places).unwrap());
    assert!(matches!(Vault::create(&world.places, &by_keyring()), Err(CreateError::Exists)));
    let files = world.files();
    assert!(files.keys().all(|path| !path.to_string_lossy().ends_with("keyfile")), "{:?}", files.keys());
    for unlock in [
        Unlock::Seed(seed(2), SlotKind::SecretService),
        Unlock::Recovery(Zeroizing::new(made.recovery.unwrap().to_string())),
    ] {
        let (state, found) = open(&world, EnfSource::Secret(seed(1)), vec![unlock]).unwrap();
        assert_eq!(found.notes, []);
        let mut vault = opened(state);
        assert_eq!(all(&mut vault), truth);
        vault.close();
    }
}

/// The keyring is gone, locked, another one's, or gives something else: nothing is overwritten, nothing new is made,
/// and the recovery key brings back all of it.
#[test]
fn a_keyring_that_fails_costs_nothing_that_the_recovery_key_does_not_bring_back() {
    let world = World::new();
    let mut made = Vault::create(&world.places, &by_keyring()).unwrap();
    record(&mut made.vault, 0, &some_spans(0, 10));
    made.vault.put_enforcement(b"rules").unwrap();
    let truth = all(&mut made.vault);
    made.vault.close();
    let before = world.files();
    let ring = |byte| Unlock::Seed(seed(byte), SlotKind::SecretService);

    // K_enf cannot be had: nothing opens, and no key file or vault is made in its stead.
    let missing = open(&world, EnfSource::Keyfile(world.places.enf_keyfile()), vec![]).unwrap_err();
    assert!(matches!(missing, OpenError::KeyMissing { .. }), "{missing}");
    let locked = open(&world, EnfSource::Header, vec![]).unwrap_err();
    assert!(matches!(locked, OpenError::KeyMissing { .. }), "{locked}");
    let swapped = open(&world, EnfSource::Secret(seed(2)), vec![ring(1)]).unwrap_err();
    assert!(matches!(swapped, OpenError::WrongKey { .. }), "{swapped}");
    assert!(matches!(world.try_open().unwrap_err(), OpenError::KeyMissing { .. }));
    // A wrong seed, the right K_enf: sealed.
    let (vault, refused) = sealed(open(&world, EnfSource::Secret(seed(1)), vec![ring(9)]).unwrap().0);
    assert!(matches!(refused[..], [UnlockError::Wrong { kind: SlotKind::SecretService }]));
    assert_eq!(vault.read(CivilDay::MIN..=CivilDay::MAX).unwrap().spans, []);
    vault.close();
    let unchanged = |world: &World| {
        let kept = |path: &std::path::Path| ["hdr", "db", "current"].iter().any(|name| path.ends_with(name));
        let files = world.files();
        assert!(files.keys().all(|path| !path.to_string_lossy().ends_with("keyfile")));
        before.iter().filter(|(path, _)| kept(path)).all(|(path, bytes)| files[path] == *bytes)
    };
    assert!(unchanged(&world));

    let text = made.recovery.unwrap();
    for (enf, noted) in [(EnfSource::Header, false), (EnfSource::Secret(seed(7)), true)] {
        let recovery = Unlock::Recovery(Zeroizing::new(text.to_string()));
        let (state, found) = open(&world, enf, vec![ring(9), recovery]).unwrap();
        assert_eq!(found.notes.contains(&Note::EnforcementKeyFromHeader), noted);
        let mut vault = opened(state);
        assert_eq!((all(&mut vault), *vault.enforcement_key()), (truth.clone(), [1; 32]));
        assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
        vault.close();
        assert!(unchanged(&world));
    }
}

#[test]
fn what_cannot_be_asked_of_a_new_vault_leaves_nothing() {
    let world = World::new();
    let ring = |byte| NewSlot::Seed(seed(byte), SlotKind::SecretService);
    let ask = |slots, recovery| {
        let refused =
            Vault::create(&world.places, &NewVault { enf: None, slots, recovery }).map(drop).unwrap_err();
        assert!(!Vault::is_there(&world.places).unwrap());
        refused
    };
    assert!(matches!(ask(vec![], true), CreateError::NoSlot));
    assert!(matches!(ask((0..8).map(ring).collect(), true), CreateError::Full));
    assert!(matches!(ask(vec![ring(1), ring(1)], false), CreateError::Twice));
    let file = || NewSlot::Keyfile(world.places.keyfile());
    assert!(matches!(ask(vec![file(), file()], false), CreateError::Twice));
    let elsewhere = NewSlot::Keyfile(world.places.data_dir.join("elsewhere"));
    assert!(matches!(ask(vec![elsewhere], false), CreateError::Elsewhere { .. }));
    let all = Vault::create(
        &world.places,
        &NewVault { enf: None, slots: vec![file(), ring(1), ring(2)], recovery: true },
    );
    assert_eq!(all.unwrap().vault.slots().unwrap().len(), 4);
    assert_eq!(world.try_open().unwrap().1.notes, []);
}

/// The links and names of a creation with no key file at all, each undone in turn.
#[test]
fn a_cut_off_creation_in_a_keyring_is_finished_by_opening_it() {
    let world = World::new();
    Vault::create(&world.places, &by_keyring()).unwrap().vault.close();
    fs::remove_file(world.places.vault().join("current")).unwrap();
    assert!(Vault::is_there(&world.places).unwrap());
    let ring = Unlock::Seed(seed(2), SlotKind::SecretService);
    let (state, found) = open(&world, EnfSource::Secret(seed(1)), vec![ring]).unwrap();
    assert!(!found.created);
    opened(state).close();
}

/// From the default's two key files into a keyring, and back. At every moment some set of keys opens everything.
#[test]
fn secrets_move_into_a_keyring_and_back() {
    let world = World::new();
    let mut vault = world.open();
    record(&mut vault, 0, &some_spans(0, 10));
    let truth = all(&mut vault);
    let (keyfile, enf_keyfile) = (world.places.keyfile(), world.places.enf_keyfile());
    assert_eq!(vault.stale_keyfiles().unwrap(), [""; 0].map(std::path::PathBuf::from));

    let (slot, enf) = (secret().unwrap(), secret().unwrap());
    let old = vault.slot_of(&Unlock::Keyfile(keyfile.clone())).unwrap();
    let new = vault.add_slot(&NewSlot::Seed(slot.clone(), SlotKind::SecretService)).unwrap();
    assert_eq!(vault.slot_of(&Unlock::Seed(slot.clone(), SlotKind::SecretService)).unwrap(), new);
    for path in [&keyfile, &enf_keyfile] {
        let refused = vault.destroy_keyfile(path, Some(&slot)).unwrap_err();
        assert!(matches!(refused, KeyfileError::OpensSlot { number: 0 } | KeyfileError::Enforces));
    }
    let secrets = NewSecrets { enf: Some(enf.clone()), seeds: BTreeMap::from([(new, slot.clone())]) };
    vault.remove_slot(old, &secrets, &mut go_on).unwrap();
    assert_eq!(*vault.enforcement_key(), *enf);
    assert_eq!(vault.stale_keyfiles().unwrap(), [keyfile.clone(), enf_keyfile.clone()]);
    for path in vault.stale_keyfiles().unwrap() {
        vault.destroy_keyfile(&path, None).unwrap();
        assert!(!path.exists());
        vault.destroy_keyfile(&path, None).unwrap();
    }
    vault.close();
    let ring = || Unlock::Seed(slot.clone(), SlotKind::SecretService);
    let (state, found) = open(&world, EnfSource::Secret(enf.clone()), vec![ring()]).unwrap();
    assert_eq!(found.notes, []);
    let mut vault = opened(state);
    assert_eq!(all(&mut vault), truth);

    vault.write_enforcement_keyfile(&enf_keyfile).unwrap();
    vault.write_enforcement_keyfile(&enf_keyfile).unwrap();
    vault.add_slot(&NewSlot::Keyfile(keyfile.clone())).unwrap();
    let old = vault.slot_of(&ring()).unwrap();
    vault.remove_slot(old, &NewSecrets::default(), &mut go_on).unwrap();
    vault.close();
    let (mut vault, found) = world.try_open().unwrap();
    assert_eq!((all(&mut vault), found.notes), (truth, vec![]));
    assert!(matches!(vault.slot_of(&ring()), Err(UnlockError::NoSlot { .. })));
    assert_ne!(*vault.enforcement_key(), *enf, "a removed slot takes K_enf with it");
}

#[test]
fn a_key_file_is_destroyed_only_when_it_may_and_leaves_no_bytes() {
    let world = World::new();
    let vault = world.open();
    let path = world.places.enf_keyfile();
    let link = world.places.data_dir.join("witness");
    fs::hard_link(&path, &link).unwrap();
    let wrong = vault.destroy_keyfile(&path, Some(&seed(0))).unwrap_err();
    assert!(matches!(wrong, KeyfileError::Enforces));
    // Shown to be kept elsewhere, it may go although it is in use.
    vault.destroy_keyfile(&path, Some(&vault.enforcement_key())).unwrap();
    assert!(!path.exists());
    assert!(fs::read(&link).unwrap().iter().all(|byte| *byte == 0), "overwritten before it was unlinked");

    let other = World::new();
    other.open().close();
    fs::copy(other.places.keyfile(), &path).unwrap();
    let stranger = vault.destroy_keyfile(&path, None).unwrap_err();
    assert!(matches!(stranger, KeyfileError::Open(OpenError::WrongKey { .. })), "{stranger}");
    assert!(matches!(vault.write_enforcement_keyfile(&path), Err(OpenError::KeyDamaged { .. })));
    fs::write(&path, b"no key at all").unwrap();
    let damaged = vault.destroy_keyfile(&path, None).unwrap_err();
    assert!(matches!(damaged, KeyfileError::Open(OpenError::KeyDamaged { .. })), "{damaged}");
    assert_eq!(fs::read(&path).unwrap(), b"no key at all");
}

#[test]
fn a_rekeying_overwrites_the_key_files_that_it_replaces() {
    let world = World::new();
    let mut vault = world.open();
    for name in ["keyfile", "enf.keyfile"] {
        fs::hard_link(world.places.data_dir.join(name), world.places.data_dir.join(name).with_extension("w"))
            .unwrap();
    }
    let witness = |name: &str| world.places.data_dir.join(name).with_extension("w");
    assert_eq!(fs::metadata(witness("keyfile")).unwrap().nlink(), 2);
    vault.rotate(&NewSecrets::default(), &mut go_on).unwrap();
    for name in ["keyfile", "enf.keyfile"] {
        assert!(fs::read(witness(name)).unwrap().iter().all(|byte| *byte == 0), "{name}");
    }
    vault.close();
    assert_eq!(world.try_open().unwrap().1.notes, []);
}

/// As a power loss may leave a rename between two folders: one key file under both names.
#[test]
fn a_key_file_with_two_names_is_one_and_is_not_overwritten() {
    let world = World::new();
    world.open().close();
    for cut_off in [false, true] {
        for name in ["keyfile", "enf.keyfile"] {
            fs::hard_link(world.places.data_dir.join(name), world.generation().join(name)).unwrap();
        }
        if cut_off {
            fs::remove_file(world.places.vault().join("current")).unwrap();
        }
        assert_eq!(world.try_open().unwrap().1.notes, []);
        assert!(!world.generation().join("keyfile").exists());
    }
    assert_eq!(world.try_open().unwrap().1.notes, []);
}
