//! The header `hdr`: which vault this is, and the slots that open it. Two equal copies of 4096 bytes, so that a
//! damaged sector does not cost the vault.
//!
//! | at | |
//! |---|---|
//! | 0 | `"dwellvlt"`, major u16, minor u16, first 4 bytes of the SHA-256 of these 12: the same in every format to come |
//! | 16 | suite u8, 0\[3\], epoch u32, generation u64 |
//! | 32 | vault_id\[16\], device_id\[16\] |
//! | 64 | commitment of VK\[32\], commitment of K_enf\[32\], public key\[32\], K_enf sealed under K_wrap\[66\], revision u32, 0\[26\] |
//! | 256 | 8 slots of 256 bytes |
//! | 2304 | 0 |
//! | 4000 | MAC under K_hdr\[32\] and MAC under K_enf\[32\], both of 0..4000 |
//! | 4064 | SHA-256 of 0..4064 |
//!
//! The checksum says "damaged", the MACs say "forged", and neither is ever mistaken for a wrong key.

use zeroize::Zeroizing;

use crate::envelope::{SHARE, SUITE};
use crate::error::{OpenError, Part};
use crate::keys::{EnfKeys, Key, VaultKeys, digest};
use crate::record::{self, OVERHEAD, Place};
use crate::slot::{SLOT, SLOTS, Slot};
use crate::wire::{Short, Wire};

/// Format numbers: another major cannot be read, a higher minor can be read but not written.
pub(crate) const MAJOR: u16 = 1;
/// See [`MAJOR`].
pub(crate) const MINOR: u16 = 0;
/// Bytes of one copy.
pub(crate) const COPY: usize = 4096;
/// Bytes of the file.
pub(crate) const FILE: usize = 2 * COPY;
const MAGIC: &[u8; 8] = b"dwellvlt";
const SEALED_ENF: usize = 32 + OVERHEAD;
const SLOTS_AT: usize = 256;
const SIGNED: usize = 4000;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) minor: u16,
    pub(crate) epoch: u32,
    pub(crate) generation: u64,
    pub(crate) vault_id: [u8; 16],
    pub(crate) device_id: [u8; 16],
    pub(crate) vk_commitment: [u8; 32],
    pub(crate) enf_commitment: [u8; 32],
    pub(crate) public_key: [u8; SHARE],
    pub(crate) sealed_enf: [u8; SEALED_ENF],
    /// Grows with each rewriting within a generation: the tip tells an older one that was put back.
    pub(crate) revision: u32,
    pub(crate) slots: [Option<Slot>; SLOTS],
}

/// A header read from a file.
pub(crate) struct Parsed {
    pub(crate) header: Header,
    /// The copy that was used, whose MACs are still to be checked.
    copy: Box<[u8; COPY]>,
    /// The other copy is damaged or differs.
    pub(crate) other_damaged: bool,
}

enum Unread {
    Newer(u16),
    Damaged(Part),
}

impl Header {
    /// The file's bytes, signed.
    pub(crate) fn encode(&self, vault: &VaultKeys, enf: &EnfKeys) -> Vec<u8> {
        let mut copy = vec![0; COPY];
        copy[..8].copy_from_slice(MAGIC);
        copy[8..10].copy_from_slice(&MAJOR.to_le_bytes());
        copy[10..12].copy_from_slice(&self.minor.to_le_bytes());
        let sum = digest(&copy[..12]);
        copy[12..16].copy_from_slice(&sum[..4]);
        copy[16] = SUITE;
        copy[20..24].copy_from_slice(&self.epoch.to_le_bytes());
        copy[24..32].copy_from_slice(&self.generation.to_le_bytes());
        copy[32..48].copy_from_slice(&self.vault_id);
        copy[48..64].copy_from_slice(&self.device_id);
        copy[64..96].copy_from_slice(&self.vk_commitment);
        copy[96..128].copy_from_slice(&self.enf_commitment);
        copy[128..160].copy_from_slice(&self.public_key);
        copy[160..160 + SEALED_ENF].copy_from_slice(&self.sealed_enf);
        copy[160 + SEALED_ENF..164 + SEALED_ENF].copy_from_slice(&self.revision.to_le_bytes());
        for (number, slot) in self.slots.iter().enumerate() {
            if let Some(slot) = slot {
                let at = SLOTS_AT + number * SLOT;
                copy[at..at + SLOT].copy_from_slice(&slot.encode());
            }
        }
        let (by_vault, by_enf) = (vault.header.mac(&copy[..SIGNED]), enf.header.mac(&copy[..SIGNED]));
        copy[SIGNED..SIGNED + 32].copy_from_slice(&by_vault);
        copy[SIGNED + 32..SIGNED + 64].copy_from_slice(&by_enf);
        let sum = digest(&copy[..COPY - 32]);
        copy[COPY - 32..].copy_from_slice(&sum);
        copy.repeat(2)
    }

    /// Seals K_enf for the header, so that whoever opens a slot has it too.
    pub(crate) fn seal_enf(
        vault: &VaultKeys,
        vault_id: &[u8; 16],
        epoch: u32,
        enf: &Key,
    ) -> Result<[u8; SEALED_ENF], record::SealError> {
        let sealed = record::seal(&vault.wrap, vault_id, epoch, &Place::enf_key(), enf.bytes())?;
        sealed.try_into().map_err(|bytes: Vec<u8>| record::SealError::TooLong { bytes: bytes.len() })
    }

    /// K_enf, from the header.
    pub(crate) fn open_enf(&self, vault: &VaultKeys) -> Option<Key> {
        let plain: Zeroizing<Vec<u8>> =
            record::open(&vault.wrap, &self.vault_id, self.epoch, &Place::enf_key(), &self.sealed_enf)
                .ok()?;
        Key::from_slice(&plain)
    }
}

impl Parsed {
    /// Reads a header file: the first copy that is whole.
    pub(crate) fn read(file: &[u8]) -> Result<Self, OpenError> {
        let copies = [file.get(..COPY), file.get(COPY..FILE)];
        let mut worst = Part::Header;
        let mut newer = None;
        for (i, bytes) in copies.into_iter().enumerate() {
            let Some(bytes) = bytes else { continue };
            match parse(bytes) {
                Ok(header) => {
                    let mut copy = Box::new([0; COPY]);
                    copy.copy_from_slice(bytes);
                    let other_damaged = copies[1 - i] != Some(bytes) || file.len() != FILE;
                    return Ok(Self { header, copy, other_damaged });
                }
                Err(Unread::Newer(major)) => newer = Some(major),
                Err(Unread::Damaged(what)) => worst = what,
            }
        }
        match newer {
            Some(major) => Err(OpenError::Newer { major }),
            None => Err(OpenError::Corrupt { what: worst }),
        }
    }

    /// Whether K_hdr signed this.
    pub(crate) fn signed_by_vault(&self, keys: &VaultKeys) -> bool {
        self.signed_by(&keys.header, SIGNED)
    }

    /// Whether K_enf signed this. A swapped public key would otherwise capture every later day key.
    pub(crate) fn signed_by_enf(&self, keys: &EnfKeys) -> bool {
        self.signed_by(&keys.header, SIGNED + 32)
    }

    fn signed_by(&self, key: &Key, at: usize) -> bool {
        self.copy[at..].first_chunk().is_some_and(|mac| key.verifies(&self.copy[..SIGNED], mac))
    }

    /// The copy's SHA-256, for the tip.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(&self.copy[..])
    }
}

fn parse(copy: &[u8]) -> Result<Header, Unread> {
    let damaged = |Short: Short| Unread::Damaged(Part::Header);
    let mut wire = Wire::new(copy);
    let (magic, major, minor) =
        (wire.array::<8>().map_err(damaged)?, wire.u16().map_err(damaged)?, wire.u16().map_err(damaged)?);
    if magic != *MAGIC || digest(&copy[..12])[..4] != *wire.take(4).map_err(damaged)? {
        return Err(damaged(Short));
    }
    // From here on, only formats that this code knows mean the same.
    if major != MAJOR {
        return Err(Unread::Newer(major));
    }
    if digest(&copy[..COPY - 32]) != copy[COPY - 32..] {
        return Err(damaged(Short));
    }
    fields(&mut wire, minor).map_err(damaged).and_then(|mut header| {
        for (number, slot) in (0_u8..).zip(&mut header.slots) {
            let at = SLOTS_AT + usize::from(number) * SLOT;
            let bytes = copy[at..].first_chunk::<SLOT>().ok_or(Short).map_err(damaged)?;
            *slot = Slot::parse(bytes).map_err(|Short| Unread::Damaged(Part::Slot(number)))?;
        }
        Ok(header)
    })
}

fn fields(wire: &mut Wire<'_>, minor: u16) -> Result<Header, Short> {
    let (suite, _) = (wire.u8()?, wire.take(3)?);
    if suite != SUITE {
        return Err(Short);
    }
    Ok(Header {
        minor,
        epoch: wire.u32()?,
        generation: wire.u64()?,
        vault_id: wire.array()?,
        device_id: wire.array()?,
        vk_commitment: wire.array()?,
        enf_commitment: wire.array()?,
        public_key: wire.array()?,
        sealed_enf: wire.array()?,
        revision: wire.u32()?,
        slots: [const { None }; SLOTS],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::{PARAMETERS, SlotKind};

    fn keys() -> (VaultKeys, EnfKeys) {
        let vk = Key::from_slice(&[1; 32]).unwrap();
        (VaultKeys::of(vk, &[7; 16], 1), EnfKeys::of(Key::from_slice(&[2; 32]).unwrap(), &[7; 16]))
    }

    fn header() -> Header {
        let (vault, _) = keys();
        let enf = Key::from_slice(&[2; 32]).unwrap();
        let seed = Key::from_slice(&[3; 32]).unwrap();
        let mut slots = [const { None }; SLOTS];
        let (kind, public_key) = (SlotKind::Keyfile, crate::envelope::public_key(&seed));
        let vk = Key::from_slice(&[1; 32]).unwrap();
        slots[0] = Some(Slot::new(kind, [0; PARAMETERS], public_key, 0, &vk, &[7; 16], 1).unwrap());
        Header {
            minor: MINOR,
            epoch: 1,
            generation: 1,
            vault_id: [7; 16],
            device_id: [8; 16],
            vk_commitment: [9; 32],
            enf_commitment: [10; 32],
            public_key: [11; 32],
            sealed_enf: Header::seal_enf(&vault, &[7; 16], 1, &enf).unwrap(),
            revision: 3,
            slots,
        }
    }

    #[test]
    fn a_header_reads_back() {
        let (vault, enf) = keys();
        let file = header().encode(&vault, &enf);
        assert_eq!(file.len(), FILE);
        let parsed = Parsed::read(&file).unwrap();
        assert!(parsed.signed_by_vault(&vault) && parsed.signed_by_enf(&enf) && !parsed.other_damaged);
        assert_eq!(parsed.header.open_enf(&vault).unwrap().bytes(), &[2; 32]);
    }

    #[test]
    fn one_damaged_copy_is_survived_and_told_two_are_corrupt() {
        let (vault, enf) = keys();
        let file = header().encode(&vault, &enf);
        for byte in 0..FILE {
            let mut bad = file.clone();
            bad[byte] ^= 0x20;
            let parsed = Parsed::read(&bad).unwrap();
            assert!(parsed.other_damaged && parsed.signed_by_vault(&vault), "byte {byte}");
            bad[(byte + COPY) % FILE] ^= 0x20;
            assert!(matches!(Parsed::read(&bad), Err(OpenError::Corrupt { .. })), "byte {byte}");
        }
        for length in (0..FILE).step_by(97) {
            match Parsed::read(&file[..length]) {
                Ok(parsed) => assert!(length >= COPY && parsed.other_damaged),
                Err(error) => assert!(length < COPY && matches!(error, OpenError::Corrupt { .. })),
            }
        }
    }

    #[test]
    fn a_newer_major_is_told_before_anything_else_is_read() {
        let (vault, enf) = keys();
        let mut file = header().encode(&vault, &enf);
        for at in [0, COPY] {
            file[at + 8] = 2;
            let sum = digest(&file[at..at + 12]);
            file[at + 12..at + 16].copy_from_slice(&sum[..4]);
        }
        assert!(matches!(Parsed::read(&file), Err(OpenError::Newer { major: 2 })));
    }

    #[test]
    fn a_forged_header_is_whole_but_unsigned() {
        let (vault, enf) = keys();
        let mut header = header();
        let true_key = header.public_key;
        header.public_key = [0x66; 32];
        let thief = VaultKeys::of(Key::from_slice(&[0x66; 32]).unwrap(), &[7; 16], 1);
        let parsed = Parsed::read(&header.encode(&thief, &enf)).unwrap();
        assert_ne!(parsed.header.public_key, true_key);
        assert!(!parsed.signed_by_vault(&vault));
        assert!(parsed.signed_by_enf(&enf));
    }
}
