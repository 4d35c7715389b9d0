//! The manifest: which records there are, so that one that vanishes is missed. Sealed under K_enf; one for each
//! generation, rewritten in the transaction that adds or removes a record.
//!
//! `revision u64 | next seq u64 | count u32`, then for each record 68 bytes: `kind u8 | flags u8 | period u32 |
//! part u16 | first seq u64 | rows u32 | digest[32] | end of chain[16]`. Rows, digest and end of chain are those
//! of a sealed page; for an open journal part, whose end is in the tip, they are 0.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::record::{DayPart, Kind};
use crate::wire::{Short, Wire};

/// Set where something of the part could not be read, now or before it was sealed.
const DAMAGED: u8 = 1;

/// What the manifest knows of one part of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) form: Form,
    pub(crate) first_seq: u64,
    pub(crate) damaged: bool,
}

/// Where a part's spans are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In the journal.
    Journal,
    /// In a sealed page.
    Page {
        /// Journal rows that it came from.
        rows: u32,
        /// SHA-256 of the page's sealed record.
        digest: [u8; 32],
        /// The last row's tag.
        end_chain: [u8; 16],
    },
}

/// The list of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Grows with each rewriting.
    pub(crate) revision: u64,
    /// No journal row so far had this number or a higher one, as of this writing.
    pub(crate) next_seq: u64,
    /// Whether there is an enforcement record.
    pub(crate) enforcement: bool,
    pub(crate) parts: BTreeMap<DayPart, Entry>,
}

impl Manifest {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let count = self.parts.len() + usize::from(self.enforcement);
        let mut out = Zeroizing::new(Vec::with_capacity(20 + count * 68));
        out.extend_from_slice(&self.revision.to_le_bytes());
        out.extend_from_slice(&self.next_seq.to_le_bytes());
        out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        if self.enforcement {
            out.push(Kind::Enforcement.code());
            out.extend_from_slice(&[0; 67]);
        }
        for (part, entry) in &self.parts {
            let (kind, rows, digest, end_chain) = match &entry.form {
                Form::Journal => (Kind::Row, 0, [0; 32], [0; 16]),
                Form::Page { rows, digest, end_chain } => (Kind::Page, *rows, *digest, *end_chain),
            };
            out.extend_from_slice(&[kind.code(), if entry.damaged { DAMAGED } else { 0 }]);
            out.extend_from_slice(&part.period().to_le_bytes());
            out.extend_from_slice(&part.part.to_le_bytes());
            out.extend_from_slice(&entry.first_seq.to_le_bytes());
            out.extend_from_slice(&rows.to_le_bytes());
            out.extend_from_slice(&digest);
            out.extend_from_slice(&end_chain);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Short> {
        let mut wire = Wire::new(bytes);
        let mut manifest =
            Self { revision: wire.u64()?, next_seq: wire.u64()?, enforcement: false, parts: BTreeMap::new() };
        let count = wire.u32()?;
        for _ in 0..count {
            let (kind, flags, period, part) = (wire.u8()?, wire.u8()?, wire.u32()?, wire.u16()?);
            let (first_seq, rows) = (wire.u64()?, wire.u32()?);
            let (digest, end_chain) = (wire.array()?, wire.array()?);
            let form = match kind {
                k if k == Kind::Row.code() => Form::Journal,
                k if k == Kind::Page.code() => Form::Page { rows, digest, end_chain },
                k if k == Kind::Enforcement.code() => {
                    manifest.enforcement = true;
                    continue;
                }
                // A record of a newer minor format, which this dwell can read around but will never rewrite.
                _ => continue,
            };
            let part = DayPart::of(period, part).ok_or(Short)?;
            manifest.parts.insert(part, Entry { form, first_seq, damaged: flags & DAMAGED != 0 });
        }
        if wire.left() == 0 { Ok(manifest) } else { Err(Short) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::day;

    fn sample() -> Manifest {
        let page = Form::Page { rows: 12, digest: [1; 32], end_chain: [2; 16] };
        let parts = [
            (DayPart { day: day(0), part: 0 }, Entry { form: page, first_seq: 1, damaged: false }),
            (DayPart { day: day(0), part: 1 }, Entry { form: Form::Journal, first_seq: 40, damaged: true }),
        ];
        Manifest { revision: 7, next_seq: 41, enforcement: true, parts: parts.into() }
    }

    #[test]
    fn a_manifest_reads_back() {
        let bytes = sample().encode();
        assert_eq!(bytes.len(), 20 + 3 * 68);
        assert_eq!(Manifest::decode(&bytes), Ok(sample()));
    }

    #[test]
    fn cut_bytes_and_absurd_counts_are_refused() {
        let bytes = sample().encode();
        for length in 0..bytes.len() {
            assert_eq!(Manifest::decode(&bytes[..length]), Err(Short));
        }
        let mut many = bytes.clone();
        many[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Manifest::decode(&many), Err(Short));
    }
}
