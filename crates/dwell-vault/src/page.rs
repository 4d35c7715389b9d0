//! Sealed day pages: all spans of one part of a day, once nothing can change them any more.
//!
//! In the database: `wrap length u8 | wrapped day key | commitment of the day key[32] | sealed record`. The record
//! holds `raw length u32 | packed length u32 | zstd of the columns | 0…`, and is padded to 16 KiB · 2ⁿ less 512 bytes, so
//! that its size tells a busy day from a quiet one only in steps of two, and it fills a leaf of the database's tree.

use dwell_core::span::Span;
use zeroize::Zeroizing;

use crate::columns::{self, Columns};
use crate::keys::{Key, digest};
use crate::record::{self, DayPart, OVERHEAD, Place, RECORD_MAX, SealError};
use crate::wire::{Short, Wire};
use crate::wrap::WRAP_MAX;

const LEVEL: i32 = 3;
const STEP: usize = 16 << 10;
/// With so much less, what SQLite keeps in the tree's leaf of a record of several pages nearly fills the leaf; else it is
/// an eighth, eight days share one, and are lost together when that sector is.
const LESS: usize = 512;
/// The most that a page may unpack to.
const RAW_MAX: usize = 64 << 20;
/// The longest page in the database.
pub(crate) const PAGE_MAX: usize = 1 + WRAP_MAX + 32 + RECORD_MAX;

/// A page read from the database, not yet opened.
pub(crate) struct Stored<'a> {
    /// The day key, wrapped.
    pub(crate) wrap: &'a [u8],
    commitment: [u8; 32],
    sealed: &'a [u8],
}

/// Seals a part's spans. Returns the page and the digest by which the manifest knows it.
pub(crate) fn seal(
    key: &Key,
    wrap: &[u8],
    vault_id: &[u8; 16],
    epoch: u32,
    part: DayPart,
    spans: &[Span],
) -> Result<(Vec<u8>, [u8; 32]), SealError> {
    seal_packed(key, wrap, vault_id, epoch, part, &pack(spans)?)
}

/// Seals what [`Stored::open_packed`] gave.
pub(crate) fn seal_packed(
    key: &Key,
    wrap: &[u8],
    vault_id: &[u8; 16],
    epoch: u32,
    part: DayPart,
    packed: &[u8],
) -> Result<(Vec<u8>, [u8; 32]), SealError> {
    let sealed = record::seal(key, vault_id, epoch, &Place::page(part), packed)?;
    let wrap_length = u8::try_from(wrap.len()).map_err(|_| SealError::TooLong { bytes: wrap.len() })?;
    let mut page = Vec::with_capacity(1 + wrap.len() + 32 + sealed.len());
    page.push(wrap_length);
    page.extend_from_slice(wrap);
    let commitment = key.commitment(vault_id);
    page.extend_from_slice(&commitment);
    page.extend_from_slice(&sealed);
    let digest = known_by(&commitment, &sealed);
    Ok((page, digest))
}

/// By which the manifest knows a record under a key of its own: the SHA-256 of that key's commitment and the record's
/// tag. Under one key only its holder can make another record, and under another key, which anybody can wrap to the
/// vault's public key, the tag could be had but not the commitment.
pub(crate) fn known_by(commitment: &[u8; 32], sealed: &[u8]) -> [u8; 32] {
    let mut both = [0; 48];
    both[..32].copy_from_slice(commitment);
    both[32..].copy_from_slice(&record::tag(sealed));
    digest(&both)
}

impl<'a> Stored<'a> {
    pub(crate) fn parse(page: &'a [u8]) -> Option<Self> {
        let mut wire = Wire::new(page);
        let mut fields = || {
            let length = usize::from(wire.u8()?);
            Ok::<_, Short>((wire.take(length)?, wire.array()?, wire.take(wire.left())?))
        };
        let (wrap, commitment, sealed) = fields().ok()?;
        Some(Self { wrap, commitment, sealed })
    }

    /// The same page with its day key wrapped anew.
    pub(crate) fn rewrapped(&self, wrap: &[u8]) -> Vec<u8> {
        let mut page = Vec::with_capacity(1 + wrap.len() + 32 + self.sealed.len());
        // Wraps have one of two lengths, both far below 255.
        page.push(u8::try_from(wrap.len()).unwrap_or(0));
        page.extend_from_slice(wrap);
        page.extend_from_slice(&self.commitment);
        page.extend_from_slice(self.sealed);
        page
    }

    /// The digest by which the manifest knows this page. Leaves the wrap out: it may be renewed.
    pub(crate) fn digest(&self) -> [u8; 32] {
        known_by(&self.commitment, self.sealed)
    }

    pub(crate) fn open(
        &self,
        key: &Key,
        vault_id: &[u8; 16],
        epoch: u32,
        part: DayPart,
    ) -> Option<Vec<Span>> {
        unpack(&self.open_packed(key, vault_id, epoch, part)?, RAW_MAX)
    }

    /// What the page holds, still packed and padded: enough to seal it again under another key.
    pub(crate) fn open_packed(
        &self,
        key: &Key,
        vault_id: &[u8; 16],
        epoch: u32,
        part: DayPart,
    ) -> Option<Zeroizing<Vec<u8>>> {
        if !key.commits_to(vault_id, &self.commitment) {
            return None;
        }
        record::open(key, vault_id, epoch, &Place::page(part), self.sealed).ok()
    }
}

fn pack(spans: &[Span]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let raw = columns::encode(spans);
    let too_long = SealError::TooLong { bytes: raw.len() };
    if raw.len() > RAW_MAX {
        return Err(too_long);
    }
    // A context a call, freed at once: one page a day is no reason to keep a megabyte.
    let packed = Zeroizing::new(zstd::bulk::compress(&raw, LEVEL).map_err(|_| too_long)?);
    let size = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| too_long);
    let length = padded(8 + packed.len() + OVERHEAD) - OVERHEAD;
    let mut plain = Zeroizing::new(Vec::with_capacity(length));
    plain.extend_from_slice(&size(raw.len())?);
    plain.extend_from_slice(&size(packed.len())?);
    plain.extend_from_slice(&packed);
    plain.resize(length, 0);
    Ok(plain)
}

fn unpack(plain: &[u8], most: usize) -> Option<Vec<Span>> {
    Unpacking::default().raw(plain, most).and_then(columns::decode)
}

/// Unpacks pages one after another, with memory that is used again: a context of its own takes a quarter of the time
/// that unpacking a page does.
#[derive(Default)]
pub(crate) struct Unpacking {
    context: Option<zstd::bulk::Decompressor<'static>>,
    raw: Zeroizing<Vec<u8>>,
}

impl Unpacking {
    /// The columns of a page.
    pub(crate) fn columns(&mut self, packed: &[u8], columns: &mut Columns) -> Option<()> {
        let decoded = self.raw(packed, RAW_MAX).and_then(|raw| columns::decode_into(raw, columns));
        if decoded.is_none() {
            *columns = Columns::default();
        }
        decoded
    }

    fn raw(&mut self, plain: &[u8], most: usize) -> Option<&[u8]> {
        let mut wire = Wire::new(plain);
        let mut fields = || Ok::<_, Short>((wire.u32()?, wire.u32()?));
        let (raw, packed) = fields().ok()?;
        let (raw, packed) = (usize::try_from(raw).ok()?, usize::try_from(packed).ok()?);
        if raw > most {
            return None;
        }
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(zstd::bulk::Decompressor::new().ok()?),
        };
        if self.raw.len() < raw {
            // Not resized in place, which could leave a copy behind.
            self.raw = Zeroizing::new(vec![0; raw]);
        }
        let into = self.raw.get_mut(..raw)?;
        let length = context.decompress_to_buffer(wire.take(packed).ok()?, into).ok()?;
        (length == raw).then_some(&*into)
    }
}

/// The next size of 16 KiB · 2ⁿ less 512 bytes.
const fn padded(length: usize) -> usize {
    let mut size = STEP;
    while size - LESS < length {
        size *= 2;
    }
    size - LESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_span, day, span};
    use proptest::prelude::*;

    const VAULT: [u8; 16] = [3; 16];

    fn key(byte: u8) -> Key {
        Key::from_slice(&[byte; 32]).unwrap()
    }
    fn part(part: u16) -> DayPart {
        DayPart { day: day(0), part }
    }
    fn sealed(spans: &[Span]) -> (Vec<u8>, [u8; 32]) {
        seal(&key(1), &[0xee; 66], &VAULT, 1, part(0), spans).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pages_read_back(spans in proptest::collection::vec(any_span(), 0..60)) {
            let (page, known) = sealed(&spans);
            let stored = Stored::parse(&page).unwrap();
            prop_assert_eq!(stored.digest(), known);
            prop_assert_eq!(stored.wrap, &[0xee; 66]);
            prop_assert_eq!(stored.open(&key(1), &VAULT, 1, part(0)), Some(spans));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpack(&bytes, RAW_MAX);
            let _ = Stored::parse(&bytes);
        }
    }

    #[test]
    fn a_quiet_and_a_busy_day_have_one_size() {
        let spans: Vec<Span> = (0..2000).map(|i| span(i * 20_000, 15_000 + i % 7, "editor", None)).collect();
        assert_eq!(sealed(&spans).0.len(), sealed(&spans[..10]).0.len());
        assert_eq!(sealed(&[]).0.len(), 1 + 66 + 32 + STEP - LESS);
    }

    /// The file format's documentation, 1.6: what of a cell's payload stays in the leaf.
    #[test]
    fn each_page_has_a_leaf_of_its_own() {
        let usable = 2048;
        let (most, least) = (usable - 35, (usable - 12) * 32 / 255 - 23);
        for step in [STEP, 2 * STEP, 4 * STEP, 8 * STEP] {
            for wrap in [66, WRAP_MAX] {
                let payload = 5 + 1 + wrap + 32 + padded(step - LESS);
                let fitting = least + (payload - least) % (usable - 4);
                assert!(fitting <= most && fitting > usable / 2, "{step}: {fitting}");
            }
        }
    }

    #[test]
    fn a_page_opens_with_its_key_and_part_alone() {
        let (page, _) = sealed(&[span(0, 5, "editor", None)]);
        let stored = Stored::parse(&page).unwrap();
        assert!(stored.open(&key(2), &VAULT, 1, part(0)).is_none());
        assert!(stored.open(&key(1), &VAULT, 1, part(1)).is_none());
        let mut bad = page.clone();
        bad[1 + 66] ^= 1;
        assert!(Stored::parse(&bad).unwrap().open(&key(1), &VAULT, 1, part(0)).is_none(), "the commitment");
    }

    #[test]
    fn a_claim_to_unpack_to_more_than_a_page_may_hold_is_refused() {
        let mut plain = pack(&[]).unwrap();
        let raw = usize::from(plain[0]);
        assert!(unpack(&plain, raw).is_some());
        assert!(unpack(&plain, raw - 1).is_none());
        plain[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(unpack(&plain, RAW_MAX).is_none());
    }
}
