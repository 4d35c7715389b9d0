//! The manifest: which records there are, so that one that vanishes is missed. Sealed under K_enf; one for each
//! generation, rewritten in the transaction that adds or removes a record.
//!
//! It has two levels, so that a day that is added writes a few KiB however long the history is. The *root*:
//! `revision u64 | next seq u64 | flags u32 | blocks u32 | years u32 | lists u32`, then for each rollup of 30 days
//! `block u32 | flags u8 | tag[16]`, for each of 360 days `year u32 | tag[16]`, and for each list `block u32 | digest[32]`, the SHA-256 of its sealed record. And for each run
//! of 30 days with records a *list*, at its place: for each part of a day 98 bytes, `kind u8 | flags u8 | day of the
//! block u8 | 0 u8 | part u16 | first seq u64 | rows u32 | digest[32] | end of chain[16] | charged ms u64 | unobserved
//! ms u64 | rollup's tag[16]`. Rows, digest and end of chain are those of a sealed page; for an open journal part,
//! whose end is in the tip, they are 0.

use std::collections::BTreeMap;

use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::charged::Charged;
use crate::parts::Parts;
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
/// Set where there is an enforcement record.
const ENFORCEMENT: u32 = 2;
const HEAD: usize = 32;
const ENTRY: usize = 98;

/// The lists of a manifest, by [`crate::rollup::block_of`] their days: the digest of each one's sealed record.
pub(crate) type Lists = BTreeMap<u32, [u8; 32]>;

/// What the manifest knows of a rollup of 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// By which it is known: see [`crate::rollup::Stored::tag`].
    pub(crate) tag: [u8; 16],
    /// It is all that is left of its days; what else there is of them came later, and counts besides.
    pub(crate) only: bool,
}

/// What the manifest knows of a rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RollupEntry {
    /// By which it is known: see [`crate::rollup::Stored::tag`].
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
        /// By which the page is known: see [`crate::page::known_by`].
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
    /// The tags of the rollups of 360 days, by [`crate::rollup::year_of`]: each of all its blocks, which are all there.
    pub(crate) years: BTreeMap<u32, [u8; 16]>,
    pub(crate) parts: Parts,
}

impl Manifest {
    /// The first and the last day with records.
    pub(crate) fn days(&self) -> Option<(CivilDay, CivilDay)> {
        let blocks = self.blocks.iter().filter(|(_, known)| known.only);
        let blocks = blocks.flat_map(|(block, _)| <[CivilDay; 2]>::from(days_of(*block)));
        let mut parts = self.parts.keys();
        let ends = [parts.next(), parts.next_back()].into_iter().flatten();
        let days: Vec<CivilDay> = ends.map(|part| part.day).chain(blocks).collect();
        Some((*days.iter().min()?, *days.iter().max()?))
    }

    pub(crate) fn encode_root(&self, lists: &Lists) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(
            HEAD + self.blocks.len() * 21 + self.years.len() * 20 + lists.len() * 36,
        ));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let flags = flag(self.suspect, SUSPECT) | flag(self.enforcement, ENFORCEMENT);
        out.extend_from_slice(&self.revision.to_le_bytes());
        out.extend_from_slice(&self.next_seq.to_le_bytes());
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&count(self.blocks.len()));
        out.extend_from_slice(&count(self.years.len()));
        out.extend_from_slice(&count(lists.len()));
        for (block, known) in &self.blocks {
            out.extend_from_slice(&block.to_le_bytes());
            out.push(if known.only { ONLY } else { 0 });
            out.extend_from_slice(&known.tag);
        }
        for (year, tag) in &self.years {
            out.extend_from_slice(&year.to_le_bytes());
            out.extend_from_slice(tag);
        }
        for (block, digest) in lists {
            out.extend_from_slice(&block.to_le_bytes());
            out.extend_from_slice(digest);
        }
        out
    }

    /// The list of one block's parts.
    pub(crate) fn encode_list(&self, block: u32) -> Zeroizing<Vec<u8>> {
        let first = days_of(block).0;
        let run = self.parts.run(block);
        let mut out = Zeroizing::new(Vec::with_capacity(run.len() * ENTRY));
        for (part, entry) in run {
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
            let day = part.day.epoch_days() - first.epoch_days();
            out.extend_from_slice(&[kind.code(), flags, day.to_le_bytes()[0], 0]);
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

    /// A manifest whose lists are still to be read.
    pub(crate) fn decode_root(bytes: &[u8]) -> Result<(Self, Lists), Short> {
        let mut wire = Wire::new(bytes);
        let mut manifest = Self { revision: wire.u64()?, next_seq: wire.u64()?, ..Self::default() };
        let flags = wire.u32()?;
        (manifest.suspect, manifest.enforcement) = (flags & SUSPECT != 0, flags & ENFORCEMENT != 0);
        let (blocks, years, lists) = (wire.u32()?, wire.u32()?, wire.u32()?);
        for _ in 0..blocks {
            let (block, flags, tag) = (wire.u32()?, wire.u8()?, wire.array()?);
            manifest.blocks.insert(block, Block { tag, only: flags & ONLY != 0 });
        }
        for _ in 0..years {
            manifest.years.insert(wire.u32()?, wire.array()?);
        }
        let mut found = Lists::new();
        for _ in 0..lists {
            found.insert(wire.u32()?, wire.array()?);
        }
        if wire.left() == 0 { Ok((manifest, found)) } else { Err(Short) }
    }

    /// Takes a list's parts.
    pub(crate) fn decode_list(&mut self, block: u32, bytes: &[u8]) -> Result<(), Short> {
        let (first, last) = days_of(block);
        let mut wire = Wire::new(bytes);
        let mut parts = Parts::default();
        while wire.left() > 0 {
            let ([kind, flags, day, _], part) = (wire.array::<4>()?, wire.u16()?);
            let (first_seq, rows) = (wire.u64()?, wire.u32()?);
            let (digest, end_chain) = (wire.array()?, wire.array()?);
            let totals = Charged { charged_ms: wire.u64()?, unobserved_ms: wire.u64()? };
            let tag = wire.array()?;
            let form = match kind {
                k if k == Kind::Row.code() => Form::Journal,
                k if k == Kind::Page.code() => Form::Page { rows, digest, end_chain },
                k if k == Kind::Rollup.code() => Form::Totals,
                // A record of a newer minor format, which this dwell can read around but will never rewrite.
                _ => continue,
            };
            let day = first.plus(i32::from(day));
            if day > last {
                return Err(Short);
            }
            let rollup = RollupEntry { tag, cumulative: flags & CUMULATIVE != 0 };
            let rollup = (flags & ROLLUP != 0).then_some(rollup);
            let (damaged, blind) = (flags & DAMAGED != 0, flags & BLIND != 0);
            let entry = Entry { form, first_seq, damaged, totals, rollup, blind };
            parts.insert(DayPart { day, part }, entry);
        }
        self.parts.join(block, parts);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::day;

    /// Day 18 of block 692 is 2026-11-21.
    const BLOCK: u32 = 692;

    fn sample() -> Manifest {
        let page = Form::Page { rows: 12, digest: [1; 32], end_chain: [2; 16] };
        let totals = Charged { charged_ms: 5, unobserved_ms: 6 };
        let rollup = Some(RollupEntry { tag: [3; 16], cumulative: true });
        let parts = [
            (DayPart { day: day(-1), part: 0 }, Entry { rollup, ..Entry::new(Form::Totals, 0) }),
            (DayPart { day: day(0), part: 0 }, Entry { totals, rollup, blind: true, ..Entry::new(page, 1) }),
            (DayPart { day: day(0), part: 1 }, Entry { damaged: true, ..Entry::new(Form::Journal, 40) }),
            (DayPart { day: day(30), part: 0 }, Entry::new(Form::Journal, 41)),
        ];
        let blocks = [(BLOCK, Block { tag: [9; 16], only: true })].into();
        let years = [(57, [8; 16])].into();
        let parts = parts.into_iter().collect();
        Manifest { revision: 7, next_seq: 42, enforcement: true, suspect: true, blocks, years, parts }
    }

    #[test]
    fn a_manifest_reads_back() {
        let lists: Lists = [(BLOCK, [4; 32]), (BLOCK + 1, [5; 32])].into();
        assert_eq!(sample().parts.blocks().into_iter().collect::<Vec<_>>(), [BLOCK, BLOCK + 1]);
        let bytes = sample().encode_root(&lists);
        assert_eq!(bytes.len(), HEAD + 21 + 20 + 2 * 36);
        let (mut read, found) = Manifest::decode_root(&bytes).unwrap();
        assert_eq!(found, lists);
        for (block, count) in [(BLOCK, 3), (BLOCK + 1, 1)] {
            let list = sample().encode_list(block);
            assert_eq!(list.len(), count * ENTRY);
            read.decode_list(block, &list).unwrap();
        }
        assert_eq!(read, sample());
    }

    #[test]
    fn cut_bytes_and_absurd_counts_are_refused() {
        let bytes = sample().encode_root(&[(BLOCK, [4; 32])].into());
        for length in 0..bytes.len() {
            assert_eq!(Manifest::decode_root(&bytes[..length]), Err(Short));
        }
        for at in [20, 24, 28] {
            let mut many = bytes.clone();
            many[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            assert_eq!(Manifest::decode_root(&many), Err(Short));
        }
        let list = sample().encode_list(BLOCK);
        for length in (0..list.len()).filter(|length| length % ENTRY != 0) {
            let mut manifest = Manifest::default();
            assert_eq!(manifest.decode_list(BLOCK, &list[..length]), Err(Short));
            assert_eq!(manifest, Manifest::default());
        }
        let mut other = list.clone();
        other[2] = 30;
        assert_eq!(Manifest::default().decode_list(BLOCK, &other), Err(Short), "a day of another block");
    }

    #[test]
    fn the_lists_that_change_are_told() {
        let (none, all) = (Manifest::default(), sample());
        let told = |a: &Manifest, b: &Manifest| a.parts.changed(&b.parts).into_iter().collect::<Vec<_>>();
        assert_eq!(told(&all, &all), [0; 0]);
        assert_eq!(told(&none, &all), [BLOCK, BLOCK + 1]);
        assert_eq!(told(&all, &none), [BLOCK, BLOCK + 1]);
        let mut one = sample();
        one.parts.get_mut(&DayPart { day: day(0), part: 1 }).unwrap().first_seq = 39;
        assert_eq!(told(&all, &one), [BLOCK]);
        assert_eq!(told(&one, &all), [BLOCK]);
        one = sample();
        one.parts.remove(&DayPart { day: day(30), part: 0 });
        assert_eq!(told(&all, &one), [BLOCK + 1]);
    }
}
