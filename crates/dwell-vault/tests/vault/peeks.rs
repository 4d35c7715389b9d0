//! What can be asked without opening, and openings that make nothing.

use std::fs;

use dwell_vault::{
    EnfSource, Keys, NewSecrets, NewSlot, NewVault, Note, OpenError, Places, SlotKind, State, Unlock,
    UnlockError, Vault, generation, is_rules_key, opens, restore, slots,
};
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::world::{World, all, record, some_spans};

fn seed(byte: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([byte; 32])
}

fn ring(byte: u8) -> Unlock {
    Unlock::Seed(seed(byte), SlotKind::SecretService)
}

fn recovery(text: &str) -> Unlock {
    Unlock::Recovery(Zeroizing::new(text.to_owned()))
}

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(Zeroizing::new(text.to_owned()))
}

/// A vault with its keys in a keyring, a passphrase and a recovery key, closed.
fn filled() -> (World, Zeroizing<String>) {
    let world = World::new();
    let new = NewVault {
        enf: Some(seed(1)),
        slots: vec![
            NewSlot::Seed(seed(2), SlotKind::SecretService),
            NewSlot::Passphrase(Zeroizing::new("correct horse".to_owned())),
        ],
        recovery: true,
    };
    let mut made = Vault::create(&world.places, &new).unwrap();
    record(&mut made.vault, 0, &some_spans(0, 10));
    made.vault.close();
    (world, made.recovery.unwrap())
}

#[test]
fn secrets_are_known_without_opening_and_nothing_is_touched() {
    let (world, text) = filled();
    let before = world.files();
    let places = &world.places;
    assert!(is_rules_key(places, &[1; 32]).unwrap());
    assert!(!is_rules_key(places, &[2; 32]).unwrap(), "a slot's");
    assert!(opens(places, &ring(2)).unwrap());
    assert!(opens(places, &recovery(&text)).unwrap());
    assert!(opens(places, &passphrase("correct horse")).unwrap());
    assert!(!opens(places, &ring(1)).unwrap(), "K_enf");
    assert!(!opens(places, &passphrase("wrong")).unwrap());
    let other_kind = Unlock::Seed(seed(2), SlotKind::Credential);
    assert!(!opens(places, &other_kind).unwrap(), "the secret, but of another kind of slot");
    assert!(matches!(opens(places, &recovery("ABC")), Err(UnlockError::Mistyped(_))));
    let missing = opens(places, &Unlock::Keyfile(places.keyfile()));
    assert!(matches!(missing, Err(UnlockError::Open(OpenError::KeyMissing { .. }))));
    assert_eq!((generation(places).unwrap(), slots(places).unwrap().len()), (1, 3));
    assert_eq!(world.files(), before);
    // With the vault in use as well, and after its keys have changed.
    let keys = Keys { enf: EnfSource::Secret(seed(1)), slots: vec![ring(2)] };
    let (State::Open(mut vault), _) = State::open_existing(places, &keys).unwrap() else {
        unreachable!("they fit")
    };
    assert!(is_rules_key(places, &[1; 32]).unwrap() && opens(places, &ring(2)).unwrap());
    let new = NewSecrets { enf: Some(seed(3)), seeds: [(0, seed(4))].into() };
    vault.rotate(&new, &mut go_on).unwrap();
    assert_eq!(generation(places).unwrap(), 2);
    assert!(is_rules_key(places, &[3; 32]).unwrap() && !is_rules_key(places, &[1; 32]).unwrap());
    assert!(opens(places, &ring(4)).unwrap() && !opens(places, &ring(2)).unwrap());
}

#[test]
fn where_there_is_no_vault_none_is_made() {
    let world = World::new();
    let places = &world.places;
    let none =
        |result: Option<OpenError>| assert!(matches!(result, Some(OpenError::NoVault { .. })), "{result:?}");
    let ask = || {
        none(generation(places).err());
        none(slots(places).err());
        none(is_rules_key(places, &[1; 32]).err());
        assert!(matches!(opens(places, &ring(1)), Err(UnlockError::Open(OpenError::NoVault { .. }))));
        none(State::open_existing(places, &Keys::files(places)).err());
    };
    ask();
    assert!(!places.data_dir.exists());
    fs::create_dir(&places.data_dir).unwrap();
    ask();
    // What a creation left that had not got anywhere is none either.
    fs::create_dir_all(places.vault().join("new")).unwrap();
    ask();
    assert_eq!(fs::read_dir(&places.data_dir).unwrap().count(), 1, "not even a lock");
    // Key files without a vault are told as ever.
    drop(world.open());
    fs::rename(places.vault(), places.data_dir.join("elsewhere")).unwrap();
    let refused = State::open_existing(places, &Keys::files(places)).unwrap_err();
    assert!(matches!(refused, OpenError::VaultMissing { .. }), "{refused}");
}

/// A creation that was cut off late, and a restore, are finished by it as by any other opening.
#[test]
fn a_vault_that_is_nearly_there_is_there() {
    let (world, _) = filled();
    fs::remove_file(world.places.vault().join("current")).unwrap();
    assert_eq!(generation(&world.places).unwrap(), 1);
    let keys = Keys { enf: EnfSource::Secret(seed(1)), slots: vec![ring(2)] };
    let (State::Open(mut vault), _) = State::open_existing(&world.places, &keys).unwrap() else {
        unreachable!("they fit")
    };
    let truth = all(&mut vault);
    let file = world.places.data_dir.join("backup");
    vault.rotate(&NewSecrets { enf: Some(seed(5)), seeds: [(0, seed(6))].into() }, &mut go_on).unwrap();
    vault.backup(&file, 0).unwrap();
    vault.close();
    // Decided, and nothing moved yet: what is asked for is the new one.
    let beside = Places::new(world.places.data_dir.join("restore.new"));
    let elsewhere = World::new();
    restore(&file, &elsewhere.places, &[ring(6)], false).unwrap().vault.close();
    fs::create_dir(&beside.data_dir).unwrap();
    fs::rename(elsewhere.places.vault(), beside.vault()).unwrap();
    fs::remove_dir_all(world.places.vault()).unwrap();
    assert!(matches!(generation(&world.places), Err(OpenError::NoVault { .. })), "not decided");
    fs::write(beside.data_dir.join("decided"), "").unwrap();
    assert_eq!(generation(&world.places).unwrap(), 2);
    assert!(is_rules_key(&world.places, &[5; 32]).unwrap());
    let keys = Keys { enf: EnfSource::Secret(seed(5)), slots: vec![ring(6)] };
    let (State::Open(mut vault), _) = State::open_existing(&world.places, &keys).unwrap() else {
        unreachable!("they fit")
    };
    assert_eq!(all(&mut vault), truth);
}

/// The key of rules is to come from the header: a key that does not fit is no missing key file.
#[test]
fn keys_that_open_nothing_are_told_one_by_one() {
    let (world, text) = filled();
    let open = |slots| State::open_existing(&world.places, &Keys { enf: EnfSource::Header, slots });
    let mut mistyped = text.to_string();
    mistyped.pop();
    for (unlock, is) in [
        (recovery(&mistyped), (|e| matches!(e, UnlockError::Mistyped(_))) as fn(&UnlockError) -> bool),
        (passphrase("wrong"), |e| matches!(e, UnlockError::Wrong { kind: SlotKind::Passphrase })),
        (ring(7), |e| matches!(e, UnlockError::Wrong { kind: SlotKind::SecretService })),
    ] {
        let refused = open(vec![unlock]).unwrap_err();
        let OpenError::NoKeyFits { refused } = &refused else { unreachable!("{refused}") };
        assert!(refused.len() == 1 && is(&refused[0]), "{refused:?}");
    }
    let both = open(vec![ring(7), passphrase("wrong")]).unwrap_err();
    assert_eq!(both.to_string(), "no key that was given opens the vault");
    assert!(matches!(&both, OpenError::NoKeyFits { refused } if refused.len() == 2));
    assert!(matches!(open(vec![]).unwrap_err(), OpenError::KeyMissing { .. }), "none was given");
    let (state, opened) = open(vec![ring(7), recovery(&text)]).unwrap();
    assert!(matches!(state, State::Open(_)) && opened.notes.is_empty());
}

#[test]
fn a_file_made_again_and_a_secret_from_the_header_are_told_apart() {
    let (world, text) = filled();
    let slots = || vec![recovery(&text)];
    let notes = |enf| State::open(&world.places, &Keys { enf, slots: slots() }).unwrap().1.notes;
    assert_eq!(notes(EnfSource::Secret(seed(9))), [Note::EnforcementKeyFromHeader]);
    assert!(!world.places.enf_keyfile().exists());
    assert_eq!(notes(EnfSource::Keyfile(world.places.enf_keyfile())), [Note::EnforcementKeyRestored]);
    assert!(world.places.enf_keyfile().exists());
    assert_eq!(notes(EnfSource::Header), []);
}
