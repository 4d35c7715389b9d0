//! What was forgotten is gone from every file, copies that the vault keeps included; and what a copy that somebody
//! else kept still gives away.

use std::collections::BTreeMap;
use std::fs;

use dwell_vault::{
    EnfSource, Keys, NewSecrets, NewSlot, NewVault, OpenError, Row, SlotKind, Spill, State, Unlock, Vault,
    What,
};
use zeroize::Zeroizing;

use crate::generations::go_on;
use crate::world::{World, all, day, focus, record, some_spans};

type Secret = Zeroizing<[u8; 32]>;

fn secret(byte: u8) -> Secret {
    Zeroizing::new([byte; 32])
}

fn passphrase() -> Zeroizing<String> {
    Zeroizing::new("correct horse".into())
}

fn open(world: &World, enf: &Secret, unlock: Unlock) -> Result<State, OpenError> {
    let keys = Keys { enf: EnfSource::Secret(enf.clone()), slots: vec![unlock] };
    State::open(&world.places, &keys).map(|(state, _)| state)
}

fn ring(seed: &Secret) -> Unlock {
    Unlock::Seed(seed.clone(), SlotKind::SecretService)
}

/// Every blob of the database, with its log in it.
fn blobs(world: &World) -> Vec<Vec<u8>> {
    let db = world.sqlite();
    let mut found = Vec::new();
    for sql in ["SELECT w FROM dk", "SELECT b FROM page", "SELECT b FROM roll", "SELECT b FROM j"] {
        let mut statement = db.prepare(sql).unwrap();
        found.extend(statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap().map(Result::unwrap));
    }
    found
}

/// How many of these blobs have 24 bytes of theirs in some file.
fn remains(world: &World, gone: &[Vec<u8>]) -> usize {
    let files = world.files();
    let all: std::collections::HashSet<&[u8]> = files.values().flat_map(|bytes| bytes.windows(24)).collect();
    gone.iter().filter(|blob| all.contains(&blob[blob.len() / 2..blob.len() / 2 + 24])).count()
}

#[test]
fn nothing_forgotten_is_left_in_the_vault_its_weekly_copy_or_its_spills() {
    let world = World::new();
    let slots = vec![NewSlot::Seed(secret(2), SlotKind::SecretService), NewSlot::Passphrase(passphrase())];
    let mut vault = Vault::create(&world.places, &NewVault { enf: Some(secret(1)), slots, recovery: false })
        .unwrap()
        .vault;
    for after in 0..12 {
        record(&mut vault, after, &some_spans(after, 8));
    }
    vault.seal_before(day(10)).unwrap();
    vault.make_copy().unwrap();
    vault.close();
    let gone = blobs(&world);
    let mut spill = Spill::open(&world.places).unwrap();
    spill.put(&[(day(3), Row::Span(focus(3 * 86_400_000 + 80_000_000, 900, "spilled")))]).unwrap();
    drop(spill);
    let stale = world.killed();
    let spilled = fs::read(world.places.vault().join("spill.1")).unwrap()[2000..2200].to_vec();
    assert_eq!(remains(&world, &gone), gone.len(), "the control: before, all of it is there");

    let State::Open(mut vault) = open(&world, &secret(1), ring(&secret(2))).unwrap() else {
        unreachable!("it opens")
    };
    let before = all(&mut vault);
    assert_eq!(before.spans.iter().filter(|(d, _)| *d < day(9)).count(), 9 * 8 + 1);
    let secrets = NewSecrets { enf: Some(secret(11)), seeds: BTreeMap::from([(0, secret(12))]) };
    let renewed = vault.forget(&What::Before(day(9)), false, &secrets, &mut go_on).unwrap();
    assert_eq!(renewed.forgotten.spans, 9 * 8 + 1);
    // What stays was sealed anew as well: nothing of before is left.
    assert_eq!(remains(&world, &gone), 0);
    vault.close();
    assert_eq!(remains(&world, &gone), 0);
    assert!(world.places.vault().join("weekly").exists());
    let holds = |bytes: &[u8]| bytes.windows(spilled.len()).any(|window| window == spilled);
    assert!(!world.files().values().any(|bytes| holds(bytes)));

    // A copy that somebody kept: the new secrets do not open it.
    let refused = open(&stale, &secret(11), ring(&secret(12))).unwrap_err();
    assert!(matches!(refused, OpenError::WrongKey { .. }), "{refused}");
    let State::Sealed { vault, refused } = open(&stale, &secret(1), ring(&secret(12))).unwrap() else {
        unreachable!("the old K_enf enforces, and reads nothing")
    };
    assert_eq!((vault.read(day(0)..=day(8)).unwrap().spans.len(), refused.len()), (0, 1));
    vault.close();
    // The passphrase does, as `Renewed::unrotated` says.
    assert_eq!(renewed.unrotated.iter().map(|slot| slot.number).collect::<Vec<_>>(), [1]);
    let by_passphrase = Unlock::Passphrase(passphrase());
    let State::Open(mut old) = open(&stale, &secret(1), by_passphrase).unwrap() else {
        unreachable!("it opens")
    };
    assert_eq!(all(&mut old).spans, before.spans);
}
