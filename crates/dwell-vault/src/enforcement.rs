//! The enforcement record: rules and counters, as bytes that the daemon alone understands. Under K_enf, so that it
//! can be kept up while the vault is sealed.
//!
//! `length u32 | bytes | 0…`, padded to 4 KiB · 2ⁿ with what sealing adds, so that its size does not count rules.

use zeroize::Zeroizing;

use crate::keys::EnfKeys;
use crate::record::{self, OVERHEAD, Place, RECORD_MAX, SealError};
use crate::wire::{Short, Wire};

const STEP: usize = 4 << 10;

pub(crate) fn seal(
    keys: &mut EnfKeys,
    vault_id: &[u8; 16],
    place: &Place,
    bytes: &[u8],
) -> Result<Vec<u8>, SealError> {
    let too_long = SealError::TooLong { bytes: bytes.len() };
    if bytes.len() > RECORD_MAX - OVERHEAD - 4 {
        return Err(too_long);
    }
    let length = u32::try_from(bytes.len()).map_err(|_| too_long)?;
    let mut size = STEP;
    while size < 4 + bytes.len() + OVERHEAD {
        size *= 2;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(size - OVERHEAD));
    plain.extend_from_slice(&length.to_le_bytes());
    plain.extend_from_slice(bytes);
    plain.resize(size - OVERHEAD, 0);
    let (step, key) = keys.sealing_key(vault_id, place);
    record::seal(&key, vault_id, step, place, &plain)
}

pub(crate) fn open(
    keys: &EnfKeys,
    vault_id: &[u8; 16],
    place: &Place,
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let step = record::stated_epoch(sealed)?;
    let plain = record::open(&keys.opening_key(vault_id, place, step), vault_id, step, place, sealed).ok()?;
    let mut wire = Wire::new(&plain);
    let mut bytes = || {
        let length = usize::try_from(wire.u32()?).map_err(|_| Short)?;
        wire.take(length)
    };
    bytes().ok().map(|bytes| Zeroizing::new(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Key;

    #[test]
    fn bytes_read_back_and_sizes_say_little() {
        let mut keys = EnfKeys::of(Key::from_slice(&[1; 32]).unwrap(), &[2; 16]);
        let place = Place::enforcement(1);
        for (length, size) in
            [(0, STEP), (1, STEP), (STEP - OVERHEAD - 4, STEP), (STEP - OVERHEAD - 3, 2 * STEP)]
        {
            let bytes = vec![7; length];
            let sealed = seal(&mut keys, &[2; 16], &place, &bytes).unwrap();
            assert_eq!(sealed.len(), size);
            assert_eq!(*open(&keys, &[2; 16], &place, &sealed).unwrap(), bytes);
            assert!(open(&keys, &[2; 16], &Place::enforcement(2), &sealed).is_none(), "another generation's");
        }
        assert!(seal(&mut keys, &[2; 16], &place, &vec![0; 17 << 20]).is_err());
    }
}
