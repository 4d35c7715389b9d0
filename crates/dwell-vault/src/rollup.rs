//! Sealed rollups: the totals of a part of a day (under DR), or of 30 days (under RK, once the vault is open), so
//! that totals can be had without the detail, and outlive it; and of 360 days, a copy of what twelve of those say,
//! for reports of many years.
//!
//! In the database, like a page: `wrap length u8 | wrapped key | commitment of the key[32] | sealed record`. The
//! record holds `length u32 | tally | 0…`, of which a block has `damaged days u32` in front of the tally, a year
//! twelve of them, and is padded to a multiple of 2 KiB with what sealing adds.

use zeroize::Zeroizing;

use crate::keys::Key;
use crate::page::known_by;
use crate::record::{self, OVERHEAD, Place, RECORD_MAX, SealError};
use crate::wire::{Short, Wire};

pub(crate) const STEP: usize = 2 << 10;
/// Days in a block.
pub(crate) const BLOCK_DAYS: i32 = 30;

/// Which block of 30 days a day lies in, counted from 1970-01-01.
pub(crate) fn block_of(epoch_days: i32) -> u32 {
    u32::try_from(epoch_days.div_euclid(BLOCK_DAYS)).unwrap_or(0)
}

/// Blocks in what is called a year here.
pub(crate) const YEAR_BLOCKS: u32 = 12;

/// Which run of twelve blocks a block lies in.
pub(crate) const fn year_of(block: u32) -> u32 {
    block / YEAR_BLOCKS
}

/// The blocks of a year.
pub(crate) fn blocks_of(year: u32) -> std::ops::Range<u32> {
    let first = year.saturating_mul(YEAR_BLOCKS);
    first..first.saturating_add(YEAR_BLOCKS)
}

/// Seals a tally. Returns the blob, and the tag by which the manifest knows it.
pub(crate) fn seal(
    key: &Key,
    wrap: &[u8],
    vault_id: &[u8; 16],
    epoch: u32,
    place: &Place,
    tally: &[u8],
) -> Result<(Vec<u8>, [u8; 16]), SealError> {
    let too_long = SealError::TooLong { bytes: tally.len() };
    let size = (4 + tally.len() + OVERHEAD).div_ceil(STEP) * STEP;
    if size > RECORD_MAX {
        return Err(too_long);
    }
    let length = u32::try_from(tally.len()).map_err(|_| too_long)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(size - OVERHEAD));
    plain.extend_from_slice(&length.to_le_bytes());
    plain.extend_from_slice(tally);
    plain.resize(size - OVERHEAD, 0);
    let sealed = record::seal(key, vault_id, epoch, place, &plain)?;
    let mut blob = Vec::with_capacity(1 + wrap.len() + 32 + sealed.len());
    blob.push(u8::try_from(wrap.len()).map_err(|_| too_long)?);
    blob.extend_from_slice(wrap);
    let commitment = key.commitment(vault_id);
    blob.extend_from_slice(&commitment);
    blob.extend_from_slice(&sealed);
    Ok((blob, mark(&commitment, &sealed)))
}

/// Half of what [`known_by`] gives: enough, for nobody can choose both of two that are to be the same.
fn mark(commitment: &[u8; 32], sealed: &[u8]) -> [u8; 16] {
    known_by(commitment, sealed).first_chunk().copied().unwrap_or_default()
}

/// A rollup as stored.
pub(crate) struct Stored<'a> {
    /// Its key, wrapped.
    pub(crate) wrap: &'a [u8],
    commitment: [u8; 32],
    sealed: &'a [u8],
}

impl<'a> Stored<'a> {
    pub(crate) fn parse(blob: &'a [u8]) -> Option<Self> {
        let mut wire = Wire::new(blob);
        let mut fields = || {
            let length = usize::from(wire.u8()?);
            Ok::<_, Short>((wire.take(length)?, wire.array()?, wire.take(wire.left())?))
        };
        let (wrap, commitment, sealed) = fields().ok()?;
        Some(Self { wrap, commitment, sealed })
    }

    /// The tag by which the manifest knows it.
    pub(crate) fn tag(&self) -> [u8; 16] {
        mark(&self.commitment, self.sealed)
    }

    /// The tally's bytes.
    pub(crate) fn open(
        &self,
        key: &Key,
        vault_id: &[u8; 16],
        epoch: u32,
        place: &Place,
    ) -> Option<Zeroizing<Vec<u8>>> {
        if !key.commits_to(vault_id, &self.commitment) {
            return None;
        }
        let mut plain = record::open(key, vault_id, epoch, place, self.sealed).ok()?;
        let length = usize::try_from(Wire::new(&plain).u32().ok()?).ok()?;
        if length > plain.len() - 4 {
            return None;
        }
        // In place: a copy would cost as much as the rest of reading it.
        plain.drain(..4);
        plain.truncate(length);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DayPart;
    use crate::samples::day;

    /// With a key of his own, wrapped to the vault's public key, anybody could make a record with a given tag.
    #[test]
    fn a_record_with_the_same_tag_under_another_key_is_another_one() {
        let place = Place::rollup(DayPart { day: day(0), part: 0 });
        let of = |byte| {
            seal(&Key::from_slice(&[byte; 32]).unwrap(), &[0xee; 66], &[2; 16], 1, &place, b"tally").unwrap()
        };
        let ((ours, tag), (mut forged, _)) = (of(1), of(2));
        let at = ours.len() - 16;
        forged[at..].copy_from_slice(&ours[at..]);
        assert_eq!(Stored::parse(&ours).unwrap().tag(), tag);
        assert_ne!(Stored::parse(&forged).unwrap().tag(), tag);
    }

    #[test]
    fn a_rollup_reads_back_in_its_place_alone_and_has_few_sizes() {
        let key = Key::from_slice(&[1; 32]).unwrap();
        let place = Place::rollup(DayPart { day: day(0), part: 0 });
        for (length, size) in
            [(0, STEP), (1, STEP), (STEP - OVERHEAD - 4, STEP), (STEP - OVERHEAD - 3, 2 * STEP)]
        {
            let tally = vec![7; length];
            let (blob, tag) = seal(&key, &[0xee; 66], &[2; 16], 1, &place, &tally).unwrap();
            assert_eq!(blob.len(), 1 + 66 + 32 + size);
            let stored = Stored::parse(&blob).unwrap();
            assert_eq!(stored.tag(), tag);
            assert_eq!(*stored.open(&key, &[2; 16], 1, &place).unwrap(), tally);
            let other = Place::rollup(DayPart { day: day(0), part: 1 });
            assert!(stored.open(&key, &[2; 16], 1, &other).is_none());
            let block = Place::block(block_of(day(0).epoch_days()));
            assert!(stored.open(&key, &[2; 16], 1, &block).is_none());
            for byte in (0..blob.len()).step_by(7) {
                let mut bad = blob.clone();
                bad[byte] ^= 1;
                let opened = Stored::parse(&bad).and_then(|s| s.open(&key, &[2; 16], 1, &place));
                assert!((1..67).contains(&byte) || opened.is_none_or(|bytes| *bytes != tally));
            }
        }
    }
}
