//! Key slots: the vault key VK, sealed to the public key of each thing that may open the vault.
//!
//! 256 bytes each: `kind u8 | suite u8 | 0 u16 | parameters[64] | public key[32] | sealed VK[80] | 0[44] | SHA-256`.
//! The parameters are for sources that need some (salt and costs of a passphrase); the others have zeros.

use crate::envelope::{self, SEALED_KEY, SHARE, SUITE};
use crate::keys::{Key, NoRandom, digest};
use crate::record::Place;
use crate::wire::{Short, Wire};

/// Slots in a header.
pub(crate) const SLOTS: usize = 8;
/// Bytes of a slot.
pub(crate) const SLOT: usize = 256;
/// Bytes of a slot's parameters.
pub(crate) const PARAMETERS: usize = 64;

/// Where a slot's secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// A file of mode 0600: whoever has the disk has it too.
    Keyfile,
    /// An item of the Secret Service, as good as the person's keyring.
    SecretService,
    /// A systemd credential, bound to the machine or its TPM.
    Credential,
    /// What a person types, by Argon2id.
    Passphrase,
    /// A printed recovery key.
    Recovery,
}

impl SlotKind {
    /// The code in the format; 0 is an empty slot.
    const fn code(self) -> u8 {
        match self {
            Self::Keyfile => 1,
            Self::SecretService => 2,
            Self::Credential => 3,
            Self::Passphrase => 4,
            Self::Recovery => 5,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Keyfile),
            2 => Some(Self::SecretService),
            3 => Some(Self::Credential),
            4 => Some(Self::Passphrase),
            5 => Some(Self::Recovery),
            _ => None,
        }
    }
}

/// A slot that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// Its number, 0 to 7.
    pub number: u8,
    /// Its kind; `None` for one that only a newer dwell knows.
    pub kind: Option<SlotKind>,
}

/// One slot as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    kind: u8,
    suite: u8,
    parameters: [u8; PARAMETERS],
    public_key: [u8; SHARE],
    sealed: [u8; SEALED_KEY],
}

/// What a seed found in the slots.
pub(crate) enum Found {
    /// The vault key.
    Vk(Key),
    /// A slot is of this seed, yet does not open.
    Broken(u8),
    /// No slot is of this seed.
    NotOurs,
}

impl Slot {
    /// Seals VK to the public key of a slot's seed.
    pub(crate) fn new(
        kind: SlotKind,
        parameters: [u8; PARAMETERS],
        public_key: [u8; SHARE],
        number: u8,
        vk: &Key,
        vault_id: &[u8; 16],
        epoch: u32,
    ) -> Result<Self, NoRandom> {
        let aad = Place::slot(number).aad(vault_id, epoch);
        let sealed = envelope::seal(&public_key, &envelope::info(vault_id, epoch), &aad, vk)?;
        Ok(Self { kind: kind.code(), suite: SUITE, parameters, public_key, sealed })
    }

    /// The same slot for another vault key. Needs no secret of the slot, so a passphrase need not be typed again.
    pub(crate) fn resealed(
        &self,
        number: u8,
        vk: &Key,
        vault_id: &[u8; 16],
        epoch: u32,
    ) -> Result<Self, NoRandom> {
        let aad = Place::slot(number).aad(vault_id, epoch);
        let sealed = envelope::seal(&self.public_key, &envelope::info(vault_id, epoch), &aad, vk)?;
        Ok(Self { sealed, ..self.clone() })
    }

    /// Its kind; `None` for one that only a newer dwell knows.
    pub(crate) const fn kind(&self) -> Option<SlotKind> {
        SlotKind::of(self.kind)
    }

    /// Whether it is sealed to this public key.
    pub(crate) fn is_of(&self, public_key: &[u8; SHARE]) -> bool {
        self.public_key == *public_key
    }

    /// What its source needs, salt and costs.
    pub(crate) const fn parameters(&self) -> &[u8; PARAMETERS] {
        &self.parameters
    }

    pub(crate) fn encode(&self) -> [u8; SLOT] {
        let mut bytes = [0; SLOT];
        bytes[0] = self.kind;
        bytes[1] = self.suite;
        bytes[4..68].copy_from_slice(&self.parameters);
        bytes[68..100].copy_from_slice(&self.public_key);
        bytes[100..180].copy_from_slice(&self.sealed);
        let sum = digest(&bytes[..SLOT - 32]);
        bytes[SLOT - 32..].copy_from_slice(&sum);
        bytes
    }

    /// `None` for an empty slot.
    pub(crate) fn parse(bytes: &[u8; SLOT]) -> Result<Option<Self>, Short> {
        if *bytes == [0; SLOT] {
            return Ok(None);
        }
        if digest(&bytes[..SLOT - 32]) != bytes[SLOT - 32..] {
            return Err(Short);
        }
        let mut wire = Wire::new(bytes);
        let (kind, suite, _) = (wire.u8()?, wire.u8()?, wire.u16()?);
        let (parameters, public_key, sealed) = (wire.array()?, wire.array()?, wire.array()?);
        Ok(Some(Self { kind, suite, parameters, public_key, sealed }))
    }
}

/// The slots that are taken.
pub(crate) fn list(slots: &[Option<Slot>; SLOTS]) -> Vec<SlotInfo> {
    (0_u8..)
        .zip(slots)
        .filter_map(|(number, slot)| slot.as_ref().map(|slot| SlotInfo { number, kind: slot.kind() }))
        .collect()
}

/// Looks for the slot of a kind that belongs to `seed`, and opens it.
pub(crate) fn open(
    slots: &[Option<Slot>; SLOTS],
    kind: SlotKind,
    seed: &Key,
    vault_id: &[u8; 16],
    epoch: u32,
) -> Found {
    let ours = envelope::public_key(seed);
    for (number, slot) in (0_u8..).zip(slots) {
        let Some(slot) = slot else { continue };
        if slot.kind() == Some(kind) && slot.suite == SUITE && slot.public_key == ours {
            let aad = Place::slot(number).aad(vault_id, epoch);
            return match envelope::open(seed, &envelope::info(vault_id, epoch), &aad, &slot.sealed) {
                Some(vk) => Found::Vk(vk),
                None => Found::Broken(number),
            };
        }
    }
    Found::NotOurs
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: [u8; 16] = [4; 16];

    fn slots() -> ([Option<Slot>; SLOTS], Key) {
        let seed = Key::from_slice(&[1; 32]).unwrap();
        let vk = Key::from_slice(&[2; 32]).unwrap();
        let mut slots = [const { None }; SLOTS];
        slots[3] = Some(
            Slot::new(SlotKind::Keyfile, [0; PARAMETERS], envelope::public_key(&seed), 3, &vk, &VAULT, 1)
                .unwrap(),
        );
        (slots, seed)
    }

    #[test]
    fn a_seed_opens_its_slot() {
        let (slots, seed) = slots();
        assert!(
            matches!(open(&slots, SlotKind::Keyfile, &seed, &VAULT, 1), Found::Vk(vk) if vk.bytes() == &[2; 32])
        );
        let other = Key::from_slice(&[9; 32]).unwrap();
        assert!(matches!(open(&slots, SlotKind::Keyfile, &other, &VAULT, 1), Found::NotOurs));
        assert!(
            matches!(open(&slots, SlotKind::Recovery, &seed, &VAULT, 1), Found::NotOurs),
            "another kind's"
        );
    }

    #[test]
    fn a_slot_takes_a_new_vault_key_without_its_seed() {
        let (slots, seed) = slots();
        let vk = Key::from_slice(&[5; 32]).unwrap();
        let mut next = [const { None }; SLOTS];
        next[1] = Some(slots[3].as_ref().unwrap().resealed(1, &vk, &VAULT, 2).unwrap());
        assert!(
            matches!(open(&next, SlotKind::Keyfile, &seed, &VAULT, 2), Found::Vk(vk) if vk.bytes() == &[5; 32])
        );
    }

    #[test]
    fn a_slot_of_another_vault_epoch_or_number_is_broken_not_wrong() {
        let (mut slots, seed) = slots();
        assert!(matches!(open(&slots, SlotKind::Keyfile, &seed, &[0; 16], 1), Found::Broken(3)));
        assert!(matches!(open(&slots, SlotKind::Keyfile, &seed, &VAULT, 2), Found::Broken(3)));
        slots.swap(3, 4);
        assert!(matches!(open(&slots, SlotKind::Keyfile, &seed, &VAULT, 1), Found::Broken(4)));
    }

    #[test]
    fn a_slot_reads_back_and_notices_damage() {
        let (slots, _) = slots();
        let bytes = slots[3].as_ref().unwrap().encode();
        assert_eq!(Slot::parse(&bytes), Ok(slots[3].clone()));
        assert_eq!(Slot::parse(&[0; SLOT]), Ok(None));
        for byte in 0..SLOT {
            let mut bad = bytes;
            bad[byte] ^= 4;
            assert_eq!(Slot::parse(&bad), Err(Short), "byte {byte}");
        }
    }
}
