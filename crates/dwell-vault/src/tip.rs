//! The tip: how far the journal has come, kept outside the database, which drops a damaged end of its log in silence.
//!
//! The file has two slots of 512 bytes that take turns, each a record sealed under K_enf. A slot is written *after*
//! a commit has returned and is not synced: the tip may be behind the database, never ahead of it. A database that
//! is behind its tip has lost something.
//!
//! `counter u64 | revision u64 | next seq u64 | manifest digest[32] | header digest[32] | header revision u32 | heads u8`, then for each
//! open journal part, at most 8, latest days first: `period u32 | part u16 | rows u32 | chain[16] | minute u32 |
//! charged ms u64 | unobserved ms u64`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::charged::Charged;
use crate::keys::{EnfKeys, Key};
use crate::record::{self, DayPart, OVERHEAD, Place, SealError};
use crate::wire::{Short, Wire};

const SLOT: usize = 512;
const HEADS: usize = 8;

/// How far one open journal part has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) part: DayPart,
    pub(crate) rows: u32,
    pub(crate) chain: [u8; 16],
    /// Unix minute in which the last row's span began.
    pub(crate) minute: u32,
    /// What the part holds: a vault that is sealed when it is next opened cannot count it.
    pub(crate) totals: Charged,
}

/// What the tip says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) counter: u64,
    pub(crate) revision: u64,
    pub(crate) next_seq: u64,
    pub(crate) manifest: [u8; 32],
    pub(crate) header: [u8; 32],
    pub(crate) header_revision: u32,
    pub(crate) heads: Vec<Head>,
}

impl Tip {
    fn encode(&self) -> [u8; SLOT - OVERHEAD] {
        let mut out = Vec::with_capacity(SLOT);
        for number in [self.counter, self.revision, self.next_seq] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.manifest);
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&self.header_revision.to_le_bytes());
        let heads = &self.heads[..self.heads.len().min(HEADS)];
        out.push(heads.len().to_le_bytes()[0]);
        for head in heads {
            out.extend_from_slice(&head.part.period().to_le_bytes());
            out.extend_from_slice(&head.part.part.to_le_bytes());
            out.extend_from_slice(&head.rows.to_le_bytes());
            out.extend_from_slice(&head.chain);
            out.extend_from_slice(&head.minute.to_le_bytes());
            out.extend_from_slice(&head.totals.charged_ms.to_le_bytes());
            out.extend_from_slice(&head.totals.unobserved_ms.to_le_bytes());
        }
        let mut slot = [0; SLOT - OVERHEAD];
        slot[..out.len()].copy_from_slice(&out);
        slot
    }

    fn decode(bytes: &[u8]) -> Result<Self, Short> {
        let mut wire = Wire::new(bytes);
        let mut tip = Self {
            counter: wire.u64()?,
            revision: wire.u64()?,
            next_seq: wire.u64()?,
            manifest: wire.array()?,
            header: wire.array()?,
            header_revision: wire.u32()?,
            heads: Vec::new(),
        };
        for _ in 0..wire.u8()? {
            let part = DayPart::of(wire.u32()?, wire.u16()?).ok_or(Short)?;
            tip.heads.push(Head {
                part,
                rows: wire.u32()?,
                chain: wire.array()?,
                minute: wire.u32()?,
                totals: Charged { charged_ms: wire.u64()?, unobserved_ms: wire.u64()? },
            });
        }
        Ok(tip)
    }
}

/// The open file.
pub(crate) struct TipFile {
    file: File,
    counter: u64,
    /// The step of the last write, and its key: deriving it for each commit would be a twelfth of what one costs.
    key: Option<(u32, Key)>,
}

impl TipFile {
    /// Opens the file, making it where it is missing, and reads the later of its good slots.
    pub(crate) fn open(
        path: &Path,
        keys: &mut EnfKeys,
        vault_id: &[u8; 16],
        generation: u64,
    ) -> io::Result<(Self, Option<Tip>)> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let place = Place::tip(generation);
        let mut latest: Option<Tip> = None;
        for at in [0, SLOT as u64] {
            let mut slot = [0; SLOT];
            if file.read_exact_at(&mut slot, at).is_err() {
                continue;
            }
            let Some(step) = record::stated_epoch(&slot) else { continue };
            let key = keys.opening_key(vault_id, &place, step);
            let Ok(plain) = record::open(&key, vault_id, step, &place, &slot) else { continue };
            keys.after(step);
            let Ok(tip) = Tip::decode(&plain) else { continue };
            if latest.as_ref().is_none_or(|other| other.counter < tip.counter) {
                latest = Some(tip);
            }
        }
        let counter = latest.as_ref().map_or(0, |tip| tip.counter);
        Ok((Self { file, counter, key: None }, latest))
    }

    /// Writes the slot whose turn it is; the other one stays whole whatever happens.
    pub(crate) fn write(
        &mut self,
        mut tip: Tip,
        keys: &mut EnfKeys,
        vault_id: &[u8; 16],
        generation: u64,
    ) -> Result<(), TipError> {
        tip.counter = self.counter + 1;
        let place = Place::tip(generation);
        let step = keys.sealing_step();
        let key = match &mut self.key {
            Some((of, key)) if *of == step => key,
            other => &mut other.insert((step, keys.opening_key(vault_id, &place, step))).1,
        };
        let slot = record::seal(key, vault_id, step, &place, &tip.encode())?;
        self.file.write_all_at(&slot, (tip.counter % 2) * SLOT as u64)?;
        self.counter = tip.counter;
        Ok(())
    }

    /// Makes what was written last through a power loss.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// Why the tip stayed behind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TipError {
    #[error("the tip could not be written: {0}")]
    Io(#[from] io::Error),
    #[error("the tip could not be sealed")]
    Seal,
}

impl From<SealError> for TipError {
    fn from(_: SealError) -> Self {
        Self::Seal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::day;

    fn keys() -> EnfKeys {
        EnfKeys::of(Key::from_slice(&[1; 32]).unwrap(), &[2; 16])
    }
    fn tip(seq: u64, heads: usize) -> Tip {
        let head = |i: usize| Head {
            part: DayPart { day: day(0), part: u16::try_from(i).unwrap() },
            rows: 9,
            chain: [5; 16],
            minute: 77,
            totals: Charged { charged_ms: 8, unobserved_ms: 9 },
        };
        Tip {
            next_seq: seq,
            manifest: [3; 32],
            header: [4; 32],
            heads: (0..heads).map(head).collect(),
            ..Tip::default()
        }
    }

    #[test]
    fn the_later_slot_counts_and_a_torn_one_leaves_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tip");
        let mut keys = keys();
        let open = |keys: &mut EnfKeys| TipFile::open(&path, keys, &[2; 16], 1).unwrap();
        let (mut file, none) = open(&mut keys);
        assert_eq!(none, None);
        for seq in 1..=3 {
            file.write(tip(seq, 8), &mut keys, &[2; 16], 1).unwrap();
        }
        assert_eq!(path.metadata().unwrap().len(), 1024);
        assert_eq!(open(&mut keys).1, Some(Tip { counter: 3, ..tip(3, 8) }));
        // The third write took the slot of the first.
        std::fs::File::options().write(true).open(&path).unwrap().write_all_at(&[0xff], 700).unwrap();
        assert_eq!(open(&mut keys).1, Some(Tip { counter: 2, ..tip(2, 8) }));
        assert_eq!(TipFile::open(&path, &mut keys, &[2; 16], 2).unwrap().1, None, "another generation's tip");
    }

    #[test]
    fn each_step_has_its_own_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tip");
        let mut keys = keys();
        let (mut file, _) = TipFile::open(&path, &mut keys, &[2; 16], 1).unwrap();
        for seq in 1..=4 {
            // What a later opening of the same files does: its steps come after those that were seen.
            keys.after(u32::try_from(seq).unwrap() * 3);
            file.write(tip(seq, 1), &mut keys, &[2; 16], 1).unwrap();
            let (_, found) = TipFile::open(&path, &mut self::keys(), &[2; 16], 1).unwrap();
            assert_eq!(found.unwrap().next_seq, seq);
        }
    }

    #[test]
    fn more_open_parts_than_fit_leave_out_the_rest() {
        assert_eq!(Tip::decode(&tip(1, 20).encode()).unwrap().heads.len(), HEADS);
    }
}
