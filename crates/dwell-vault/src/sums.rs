//! Sums: what closed runs of 30 days came to in reports, kept for the next report. What a sum says is for its maker to
//! read: here it is bytes.
//!
//! In the table of rollups, under the place of its run and number: a sealed record under a key of K_wrap's, which holds
//! `mark[32] | length u32 | bytes | 0…` and is padded to a multiple of 2 KiB. Nothing lists sums: one that is missing is made
//! again, and a version of dwell that knows nothing of them never asks for one.
//!
//! # Invariants
//!
//! - A sum is given only while the records that it was made of are those that the manifest lists: its mark is theirs
//!   ([`Reader::mark`]). So one that is put back, or comes from before a change, is as good as none.
//! - Only who has the vault key can make one. (The keys of rollups can be wrapped by anybody; this one cannot.)
//! - It goes in the commit in which its run's days change or are let go, and no new generation takes it over.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::db::Table;
use crate::error::{ReadError, WriteError};
use crate::history::{View, parts_of};
use crate::keys::{Key, VaultKeys, digest};
use crate::manifest::{Form, Manifest};
use crate::record::{self, OVERHEAD, Place, RECORD_MAX, SealError};
use crate::rollup::{STEP, block_of};
use crate::totals::days_of;
use crate::wire::Wire;
use crate::{Reader, Vault};

/// So many sums are kept of one run: their numbers are below this.
pub const SUMS_OF_RUN: u16 = 8;

/// A run that can have sums: 30 days, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run(u32);

impl Run {
    /// The run in which a day lies.
    pub fn of(day: CivilDay) -> Self {
        Self(block_of(day.epoch_days()))
    }

    /// Its days.
    pub fn days(self) -> RangeInclusive<CivilDay> {
        let (first, last) = days_of(self.0);
        first..=last
    }
}

/// What a run came to.
#[derive(Clone, PartialEq, Eq)]
pub struct Sum {
    /// Of which run.
    pub run: Run,
    /// Which of the run's sums it is, below [`SUMS_OF_RUN`].
    pub number: u16,
    /// The run's mark when it was made.
    pub mark: [u8; 32],
    /// What it says.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sum(‹redacted›)")
    }
}

impl Reader {
    /// What a run's sum says; `None` where none is kept, or it is not of the days as they are.
    ///
    /// # Errors
    /// See [`ReadError`]; a sum that is damaged is none.
    pub fn sum(&self, run: Run, number: u16) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        match self.mark(run.days()) {
            Some(mark) => self.view().sum(run, number, &mark),
            None => Ok(None),
        }
    }
}

impl Vault {
    /// Keeps sums, each in the place of the one before it. Those that are not of the days as they are by now are left out.
    ///
    /// # Errors
    /// See [`WriteError`]; none is kept then.
    pub fn put_sums(&mut self, sums: &[Sum]) -> Result<(), WriteError> {
        let (keys, index) = (Arc::clone(&self.keys), Arc::clone(&self.store.enf.index));
        let (id, epoch) = (self.store.facts.vault_id, self.store.facts.epoch);
        let key = key(&keys, &id);
        let mut blobs = Vec::with_capacity(sums.len());
        for sum in sums {
            let is_so = sum.number < SUMS_OF_RUN
                && self.store.manifest.mark(&sum.run.days()).is_some_and(|mark| mark == sum.mark);
            if is_so {
                let place = Place::sum(sum.run.0, sum.number);
                blobs.push((index.blind(&place), seal(&key, &id, epoch, &place, sum)?));
            }
        }
        if blobs.is_empty() {
            return Ok(());
        }
        let with_manifest = self.store.manifest_changed;
        self.store
            .commit(None, |tx| blobs.iter().try_for_each(|(id, blob)| tx.put(Table::Rollup, *id, blob)))?;
        if with_manifest {
            self.store.write_tip();
        }
        Ok(())
    }
}

/// Where the sums of a block of days are, if there are any.
pub(crate) fn sums_of(block: u32) -> impl Iterator<Item = Place> {
    (0..SUMS_OF_RUN).map(move |number| Place::sum(block, number))
}

fn key(keys: &VaultKeys, vault_id: &[u8; 16]) -> Key {
    keys.wrap.derive(vault_id, "sum", 0)
}

fn seal(key: &Key, vault_id: &[u8; 16], epoch: u32, place: &Place, sum: &Sum) -> Result<Vec<u8>, SealError> {
    let too_long = SealError::TooLong { bytes: sum.bytes.len() };
    let size = (36 + sum.bytes.len() + OVERHEAD).div_ceil(STEP) * STEP;
    if size > RECORD_MAX {
        return Err(too_long);
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(size - OVERHEAD));
    plain.extend_from_slice(&sum.mark);
    plain.extend_from_slice(&u32::try_from(sum.bytes.len()).map_err(|_| too_long)?.to_le_bytes());
    plain.extend_from_slice(&sum.bytes);
    plain.resize(size - OVERHEAD, 0);
    record::seal(key, vault_id, epoch, place, &plain)
}

impl View<'_> {
    fn sum(&self, run: Run, number: u16, mark: &[u8; 32]) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let Some(keys) = self.keys else { return Ok(None) };
        let place = Place::sum(run.0, number);
        let Some(blob) = self.get(Table::Rollup, &place)? else { return Ok(None) };
        let (id, epoch) = (&self.facts.vault_id, self.facts.epoch);
        let Ok(mut plain) = record::open(&key(keys, id), id, epoch, &place, &blob) else { return Ok(None) };
        let mut wire = Wire::new(&plain);
        let (Ok(of), Ok(length)) = (wire.array::<32>(), wire.u32()) else { return Ok(None) };
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= wire.left()) else {
            return Ok(None);
        };
        if of != *mark {
            return Ok(None);
        }
        plain.drain(..36);
        plain.truncate(length);
        Ok(Some(plain))
    }
}

impl Manifest {
    /// See [`Reader::mark`].
    pub(crate) fn mark(&self, days: &RangeInclusive<CivilDay>) -> Option<[u8; 32]> {
        let mut known = Vec::new();
        if days.is_empty() {
            return Some(digest(&known));
        }
        for (part, entry) in self.parts.range(parts_of(days)) {
            known.extend_from_slice(&part.day.epoch_days().to_le_bytes());
            known.extend_from_slice(&part.part.to_le_bytes());
            known.push(u8::from(entry.damaged));
            match &entry.form {
                Form::Journal => return None,
                Form::Page { digest, .. } => known.extend_from_slice(digest),
                Form::Totals => {}
            }
        }
        Some(digest(&known))
    }
}
