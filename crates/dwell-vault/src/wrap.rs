//! Wrapped keys, of days and of rollups. A day's key is made when its first row comes, wrapped to the vault's public key (the writer
//! needs no secret), and wrapped under K_wrap once the vault is open and the part is sealed.
//!
//! `02 | kind u8 | epoch u32 | share[32] | ciphertext[32] | tag[16]` by HPKE, or a sealed record (`01 | …`).

use zeroize::Zeroizing;

use crate::envelope::{self, SEALED_KEY, SHARE};
use crate::keys::{Key, NoRandom, VaultKeys};
use crate::record::{self, Place, SealError};
use crate::wire::{Short, Wire};

const BY_HPKE: u8 = 2;
/// The longest wrap.
pub(crate) const WRAP_MAX: usize = 6 + SEALED_KEY;

/// Wraps a key to the vault's public key.
pub(crate) fn to_public_key(
    public_key: &[u8; SHARE],
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    key: &Key,
) -> Result<Vec<u8>, NoRandom> {
    let info = envelope::info(vault_id, epoch);
    let sealed = envelope::seal(public_key, &info, &place.aad(vault_id, epoch), key)?;
    let mut out = Vec::with_capacity(WRAP_MAX);
    out.extend_from_slice(&[BY_HPKE, place.kind.code()]);
    out.extend_from_slice(&epoch.to_le_bytes());
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// Wraps a key under K_wrap: opening it costs a thousandth of what HPKE does.
pub(crate) fn under_wrap_key(
    keys: &VaultKeys,
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    key: &Key,
) -> Result<Vec<u8>, SealError> {
    record::seal(&keys.wrap, vault_id, epoch, place, key.bytes())
}

/// Opens either kind of wrap.
pub(crate) fn open(
    keys: &VaultKeys,
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    wrap: &[u8],
) -> Option<Key> {
    if wrap.first() != Some(&BY_HPKE) {
        let plain: Zeroizing<Vec<u8>> = record::open(&keys.wrap, vault_id, epoch, place, wrap).ok()?;
        return Key::from_slice(&plain);
    }
    let mut wire = Wire::new(wrap);
    let mut fields = || Ok::<_, Short>(((wire.u8()?, wire.u8()?, wire.u32()?), wire.array()?, wire.left()));
    let (head, sealed, left) = fields().ok()?;
    if head != (BY_HPKE, place.kind.code(), epoch) || left != 0 {
        return None;
    }
    envelope::open(&keys.seed, &envelope::info(vault_id, epoch), &place.aad(vault_id, epoch), &sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DayPart;
    use dwell_core::calendar::CivilDay;

    #[test]
    fn both_wraps_open_for_their_part_alone() {
        let id = [3; 16];
        let keys = VaultKeys::of(Key::from_slice(&[1; 32]).unwrap(), &id, 1);
        let key = Key::from_slice(&[2; 32]).unwrap();
        let part = |day, part| Place::day_key(DayPart { day: CivilDay::from_epoch_days(day), part });
        let hpke = to_public_key(&envelope::public_key(&keys.seed), &id, 1, &part(9, 0), &key).unwrap();
        let local = under_wrap_key(&keys, &id, 1, &part(9, 0), &key).unwrap();
        assert_eq!(hpke.len(), WRAP_MAX);
        for wrap in [&hpke, &local] {
            assert_eq!(open(&keys, &id, 1, &part(9, 0), wrap).unwrap().bytes(), &[2; 32]);
            assert!(open(&keys, &id, 1, &part(9, 1), wrap).is_none());
            assert!(open(&keys, &id, 1, &part(8, 0), wrap).is_none());
            assert!(open(&keys, &[0; 16], 1, &part(9, 0), wrap).is_none());
            let rollup = Place::rollup_key(DayPart { day: CivilDay::from_epoch_days(9), part: 0 });
            assert!(open(&keys, &id, 1, &rollup, wrap).is_none());
            for byte in 0..wrap.len() {
                let mut bad = wrap.clone();
                bad[byte] ^= 1;
                assert!(open(&keys, &id, 1, &part(9, 0), &bad).is_none(), "byte {byte}");
                assert!(open(&keys, &id, 1, &part(9, 0), &wrap[..byte]).is_none(), "length {byte}");
            }
        }
    }
}
