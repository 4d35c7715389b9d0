//! The running span's latest checkpoint, beside the database: a row that is ready and not in the journal yet.
//!
//! A span that runs for hours is recorded every 30 seconds, and each of these rows takes the place of the one before.
//! In the journal each would cost a transaction, its pages, and what becomes of them in the log; here it is one block
//! that is overwritten. The row is sealed as the journal's next one, so that it only has to be put there: by the next
//! row that is recorded, unless that one takes its place, or by whoever opens the vault after a kill or power loss,
//! with a key to read it or without.
//!
//! The file has two slots of 4096 bytes that take turns, written whole and synced: `counter u64 | period u32 | part u16
//! | seq u64 | rows u32 | chain[16] | minute u32 | charged ms u64 | unobserved ms u64 | sealed row[144] | 0…`, sealed under
//! K_enf. Rows and chain are the end of the part's chain before this row, the totals those of the part with it.
//!
//! # Architecture invariant
//!
//! A slot counts only where it is the very next row: its number is, and it follows the end of its part's chain. Any other
//! is a thing of the past.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::charged::Charged;
use crate::journal::ROW;
use crate::keys::{EnfKeys, Key};
use crate::record::{self, DayPart, OVERHEAD, Place};
use crate::tip::TipError;
use crate::wire::{Short, Wire};

/// A block of the file system: less would have to be read before it is written, should nothing of it be cached.
const SLOT: usize = 4096;

/// A row that is ready for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) part: DayPart,
    /// The number that it will have.
    pub(crate) seq: u64,
    /// The part's rows before it.
    pub(crate) rows: u32,
    /// The tag of the last of these.
    pub(crate) chain: [u8; 16],
    /// Unix minute in which its span began.
    pub(crate) minute: u32,
    /// What the part holds with it.
    pub(crate) totals: Charged,
    pub(crate) sealed: Vec<u8>,
}

impl Ready {
    fn encode(&self, counter: u64) -> [u8; SLOT - OVERHEAD] {
        let mut out = Vec::with_capacity(SLOT);
        out.extend_from_slice(&counter.to_le_bytes());
        out.extend_from_slice(&self.part.period().to_le_bytes());
        out.extend_from_slice(&self.part.part.to_le_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.chain);
        out.extend_from_slice(&self.minute.to_le_bytes());
        out.extend_from_slice(&self.totals.charged_ms.to_le_bytes());
        out.extend_from_slice(&self.totals.unobserved_ms.to_le_bytes());
        out.extend_from_slice(&self.sealed);
        let mut slot = [0; SLOT - OVERHEAD];
        slot[..out.len()].copy_from_slice(&out);
        slot
    }

    fn decode(bytes: &[u8]) -> Result<(u64, Self), Short> {
        let mut wire = Wire::new(bytes);
        let counter = wire.u64()?;
        let part = DayPart::of(wire.u32()?, wire.u16()?).ok_or(Short)?;
        let ready = Self {
            part,
            seq: wire.u64()?,
            rows: wire.u32()?,
            chain: wire.array()?,
            minute: wire.u32()?,
            totals: Charged { charged_ms: wire.u64()?, unobserved_ms: wire.u64()? },
            sealed: wire.take(ROW)?.to_vec(),
        };
        Ok((counter, ready))
    }
}

/// The open file.
pub(crate) struct RunningFile {
    file: File,
    counter: u64,
    /// The step of the last write, and its key.
    key: Option<(u32, Key)>,
}

impl RunningFile {
    /// Opens the file, making it where it is missing, and reads its good slots, the later one first.
    pub(crate) fn open(
        path: &Path,
        keys: &mut EnfKeys,
        vault_id: &[u8; 16],
        generation: u64,
    ) -> io::Result<(Self, Vec<Ready>)> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        if file.metadata()?.len() < 2 * SLOT as u64 {
            // All blocks from the first: a checkpoint then changes nothing but one of them, on a full disk as well.
            file.write_all_at(&[0; 2 * SLOT], 0)?;
            file.sync_all()?;
        }
        let place = Place::running(generation);
        let mut found: Vec<(u64, Ready)> = Vec::new();
        for at in [0, SLOT as u64] {
            let mut slot = [0; SLOT];
            file.read_exact_at(&mut slot, at)?;
            let Some(step) = record::stated_epoch(&slot) else { continue };
            let key = keys.opening_key(vault_id, &place, step);
            let Ok(plain) = record::open(&key, vault_id, step, &place, &slot) else { continue };
            keys.after(step);
            found.extend(Ready::decode(&plain).ok());
        }
        found.sort_by_key(|(counter, _)| std::cmp::Reverse(*counter));
        let counter = found.first().map_or(0, |(counter, _)| *counter);
        Ok((Self { file, counter, key: None }, found.into_iter().map(|(_, ready)| ready).collect()))
    }

    /// Writes the slot whose turn it is, durably; the other one stays whole whatever happens.
    pub(crate) fn write(
        &mut self,
        ready: &Ready,
        keys: &mut EnfKeys,
        vault_id: &[u8; 16],
        generation: u64,
    ) -> Result<(), TipError> {
        let counter = self.counter + 1;
        let place = Place::running(generation);
        let step = keys.sealing_step();
        let key = match &mut self.key {
            Some((of, key)) if *of == step => key,
            other => &mut other.insert((step, keys.opening_key(vault_id, &place, step))).1,
        };
        let slot = record::seal(key, vault_id, step, &place, &ready.encode(counter))?;
        self.file.write_all_at(&slot, (counter % 2) * SLOT as u64)?;
        self.file.sync_data()?;
        self.counter = counter;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::day;

    fn ready(seq: u64) -> Ready {
        Ready {
            part: DayPart { day: day(0), part: 2 },
            seq,
            rows: 9,
            chain: [5; 16],
            minute: 77,
            totals: Charged { charged_ms: 8, unobserved_ms: 9 },
            sealed: vec![3; ROW],
        }
    }

    #[test]
    fn the_later_slot_comes_first_and_a_torn_one_leaves_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("running");
        let mut keys = EnfKeys::of(Key::from_slice(&[1; 32]).unwrap(), &[2; 16]);
        let (mut file, none) = RunningFile::open(&path, &mut keys, &[2; 16], 1).unwrap();
        assert_eq!(none, []);
        for seq in 1..=3 {
            file.write(&ready(seq), &mut keys, &[2; 16], 1).unwrap();
            assert_eq!(path.metadata().unwrap().len(), 8192);
        }
        let mut open = |generation| RunningFile::open(&path, &mut keys, &[2; 16], generation).unwrap().1;
        assert_eq!(open(1), [ready(3), ready(2)]);
        File::options().write(true).open(&path).unwrap().write_all_at(&[0xff], 4096 + 900).unwrap();
        assert_eq!(open(1), [ready(2)]);
        assert_eq!(open(2), [], "another generation's");
    }
}
