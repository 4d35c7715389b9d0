//! The manifest: which records there are, so that one that vanishes is missed. Sealed under K_enf; one for each
//! generation, rewritten in the transaction that adds or removes a record.
//!
//! `revision u64 | next seq u64 | flags u32 | count u32`, then for each record 100 bytes: `kind u8 | flags u8 |
//! period u32 | part u16 | first seq u64 | rows u32 | digest[32] | end of chain[16] | charged ms u64 |
//! unobserved ms u64 | rollup's tag[16]`. Rows, digest and end of chain are those of a sealed page; for an open
//! journal part, whose end is in the tip, they are 0.

use std::collections::BTreeMap;

use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::charged::Charged;
use crate::record::{DayPart, Kind};
use crate::totals::days_of;
use crate::wire::{Short, Wire};

/// Set where something of the part could not be read, now or before it was sealed.
const DAMAGED: u8 = 1;
/// Set where the part has a rollup.
const ROLLUP: u8 = 2;
/// Set where that rollup is of this part and all earlier ones of its day.
const CUMULATIVE: u8 = 4;
/// Set where the part was sealed without VK.
const BLIND: u8 = 8;
/// Set where a block is all that is left of its days.
const ONLY: u8 = 16;
/// Set where history is older than what was once seen, until the person accepts that.
const SUSPECT: u32 = 1;
const HEAD: usize = 24;
const ENTRY: usize = 100;

/// What the manifest knows of a rollup of 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The tag of its sealed record.
    pub(crate) tag: [u8; 16],
    /// It is all that is left of its days; what else there is of them came later, and counts besides.
    pub(crate) only: bool,
}

/// What the manifest knows of a rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RollupEntry {
    /// The tag of its sealed record.
    pub(crate) tag: [u8; 16],
    /// It is of this part and all earlier ones of its day.
    pub(crate) cumulative: bool,
}

/// What the manifest knows of one part of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) form: Form,
    pub(crate) first_seq: u64,
    pub(crate) damaged: bool,
    /// What the part holds; of an open journal part, as of this writing.
    pub(crate) totals: Charged,
    pub(crate) rollup: Option<RollupEntry>,
    /// It was sealed without VK: its keys are wrapped to the public key, its rollup is of this part alone.
    pub(crate) blind: bool,
}

impl Entry {
    pub(crate) fn new(form: Form, first_seq: u64) -> Self {
        Self { form, first_seq, damaged: false, totals: Charged::default(), rollup: None, blind: false }
    }
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
    /// Nowhere any more: only the rollup is left.
    Totals,
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
    /// History is older than what was once seen, and nobody has accepted that yet.
    pub(crate) suspect: bool,
    /// The rollups of 30 days, by [`crate::rollup::block_of`].
    pub(crate) blocks: BTreeMap<u32, Block>,
    pub(crate) parts: BTreeMap<DayPart, Entry>,
}

impl Manifest {
    /// The first and the last day with records.
    pub(crate) fn days(&self) -> Option<(CivilDay, CivilDay)> {
        let blocks = self.blocks.iter().filter(|(_, known)| known.only);
        let blocks = blocks.flat_map(|(block, _)| <[CivilDay; 2]>::from(days_of(*block)));
        let ends = self.parts.first_key_value().into_iter().chain(self.parts.last_key_value());
        let days: Vec<CivilDay> = ends.map(|(part, _)| part.day).chain(blocks).collect();
        Some((*days.iter().min()?, *days.iter().max()?))
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let count = self.parts.len() + self.blocks.len() + usize::from(self.enforcement);
        let mut out = Zeroizing::new(Vec::with_capacity(HEAD + count * ENTRY));
        out.extend_from_slice(&self.revision.to_le_bytes());
        out.extend_from_slice(&self.next_seq.to_le_bytes());
        out.extend_from_slice(&if self.suspect { SUSPECT } else { 0 }.to_le_bytes());
        out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        if self.enforcement {
            out.push(Kind::Enforcement.code());
            out.extend_from_slice(&[0; ENTRY - 1]);
        }
        for (block, known) in &self.blocks {
            let flags = if known.only { ROLLUP | ONLY } else { ROLLUP };
            out.extend_from_slice(&[Kind::Block.code(), flags]);
            out.extend_from_slice(&block.to_le_bytes());
            out.extend_from_slice(&[0; ENTRY - 6 - 16]);
            out.extend_from_slice(&known.tag);
        }
        for (part, entry) in &self.parts {
            let (kind, rows, digest, end_chain) = match &entry.form {
                Form::Journal => (Kind::Row, 0, [0; 32], [0; 16]),
                Form::Page { rows, digest, end_chain } => (Kind::Page, *rows, *digest, *end_chain),
                Form::Totals => (Kind::Rollup, 0, [0; 32], [0; 16]),
            };
            let mut flags = if entry.damaged { DAMAGED } else { 0 };
            flags |= if entry.blind { BLIND } else { 0 };
            if let Some(rollup) = entry.rollup {
                flags |= if rollup.cumulative { ROLLUP | CUMULATIVE } else { ROLLUP };
            }
            out.extend_from_slice(&[kind.code(), flags]);
            out.extend_from_slice(&part.period().to_le_bytes());
            out.extend_from_slice(&part.part.to_le_bytes());
            out.extend_from_slice(&entry.first_seq.to_le_bytes());
            out.extend_from_slice(&rows.to_le_bytes());
            out.extend_from_slice(&digest);
            out.extend_from_slice(&end_chain);
            out.extend_from_slice(&entry.totals.charged_ms.to_le_bytes());
            out.extend_from_slice(&entry.totals.unobserved_ms.to_le_bytes());
            out.extend_from_slice(&entry.rollup.map_or([0; 16], |rollup| rollup.tag));
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Short> {
        let mut wire = Wire::new(bytes);
        let mut manifest = Self { revision: wire.u64()?, next_seq: wire.u64()?, ..Self::default() };
        manifest.suspect = wire.u32()? & SUSPECT != 0;
        let count = wire.u32()?;
        for _ in 0..count {
            let (kind, flags, period, part) = (wire.u8()?, wire.u8()?, wire.u32()?, wire.u16()?);
            let (first_seq, rows) = (wire.u64()?, wire.u32()?);
            let (digest, end_chain) = (wire.array()?, wire.array()?);
            let totals = Charged { charged_ms: wire.u64()?, unobserved_ms: wire.u64()? };
            let tag = wire.array()?;
            let form = match kind {
                k if k == Kind::Row.code() => Form::Journal,
                k if k == Kind::Page.code() => Form::Page { rows, digest, end_chain },
                k if k == Kind::Rollup.code() => Form::Totals,
                k if k == Kind::Block.code() => {
                    manifest.blocks.insert(period, Block { tag, only: flags & ONLY != 0 });
                    continue;
                }
                k if k == Kind::Enforcement.code() => {
                    manifest.enforcement = true;
                    continue;
                }
                // A record of a newer minor format, which this dwell can read around but will never rewrite.
                _ => continue,
            };
            let part = DayPart::of(period, part).ok_or(Short)?;
            let rollup = RollupEntry { tag, cumulative: flags & CUMULATIVE != 0 };
            let rollup = (flags & ROLLUP != 0).then_some(rollup);
            let (damaged, blind) = (flags & DAMAGED != 0, flags & BLIND != 0);
            manifest.parts.insert(part, Entry { form, first_seq, damaged, totals, rollup, blind });
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
        let totals = Charged { charged_ms: 5, unobserved_ms: 6 };
        let rollup = Some(RollupEntry { tag: [3; 16], cumulative: true });
        let parts = [
            (DayPart { day: day(-1), part: 0 }, Entry { rollup, ..Entry::new(Form::Totals, 0) }),
            (DayPart { day: day(0), part: 0 }, Entry { totals, rollup, blind: true, ..Entry::new(page, 1) }),
            (DayPart { day: day(0), part: 1 }, Entry { damaged: true, ..Entry::new(Form::Journal, 40) }),
        ];
        let blocks = [(692, Block { tag: [9; 16], only: true })].into();
        Manifest { revision: 7, next_seq: 41, enforcement: true, suspect: true, blocks, parts: parts.into() }
    }

    #[test]
    fn a_manifest_reads_back() {
        let bytes = sample().encode();
        assert_eq!(bytes.len(), HEAD + 5 * ENTRY);
        assert_eq!(Manifest::decode(&bytes), Ok(sample()));
    }

    #[test]
    fn cut_bytes_and_absurd_counts_are_refused() {
        let bytes = sample().encode();
        for length in 0..bytes.len() {
            assert_eq!(Manifest::decode(&bytes[..length]), Err(Short));
        }
        let mut many = bytes.clone();
        many[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Manifest::decode(&many), Err(Short));
    }
}
