//! Looking a vault over: what it is, whether every record of it reads, and taking note of what was put back.

use std::fs;
use std::ops::ControlFlow;

use dwell_core::calendar::CivilDay;

use crate::error::{OpenError, ReadError, WriteError};
use crate::generation::{OnProgress, Progress};
use crate::manifest::Form;
use crate::slot::{self, SlotInfo};
use crate::store::Store;
use crate::tally::Tally;
use crate::{Places, Vault, backup, create, open};

/// What a vault is, without a look at its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Grows with each forgetting and rekeying.
    pub generation: u64,
    /// Which vault: the same in all its generations and backups.
    pub vault_id: [u8; 16],
    /// The slots that are taken.
    pub slots: Vec<SlotInfo>,
    /// The first and the last day with data.
    pub days: Option<(CivilDay, CivilDay)>,
    /// Parts of days: in the journal, sealed with their detail, and those of which only totals are left.
    pub journal: usize,
    /// See `journal`.
    pub pages: usize,
    /// See `journal`.
    pub totals_only: usize,
    /// Rollups of 30 days.
    pub blocks: usize,
    /// Days that are known to be damaged.
    pub damaged: Vec<CivilDay>,
    /// History is older than what was once seen, or its list of records was lost, and nobody has accepted that.
    pub suspect: bool,
    /// Bytes of the database with its log.
    pub bytes: u64,
    /// There is a weekly copy.
    pub has_copy: bool,
    /// A newer dwell wrote it: it takes no writes.
    pub read_only: bool,
}

/// What reading a vault through found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Days that were read.
    pub days: u64,
    /// Spans that were read.
    pub spans: u64,
    /// Days of which something cannot be read.
    pub damaged: Vec<CivilDay>,
    /// Days whose totals are not those of their spans: none, if nobody forged any.
    pub contradicting: Vec<CivilDay>,
    /// It was interrupted: the days after are unread.
    pub interrupted: bool,
}

impl Store {
    /// What the vault is: none of it takes a key of history.
    pub(crate) fn info(&self, places: &Places) -> Result<Info, OpenError> {
        let folder = create::folder(places, self.facts.generation);
        let count =
            |is: fn(&Form) -> bool| self.manifest.parts.values().filter(|entry| is(&entry.form)).count();
        let size = |name: &str| fs::metadata(folder.join(name)).map_or(0, |meta| meta.len());
        let damaged = self.manifest.parts.iter().filter(|(_, entry)| entry.damaged);
        let mut damaged: Vec<CivilDay> = damaged.map(|(part, _)| part.day).collect();
        damaged.dedup();
        Ok(Info {
            generation: self.facts.generation,
            vault_id: self.facts.vault_id,
            slots: slot::list(&open::read_header(&folder.join("hdr"))?.header.slots),
            days: self.manifest.days(),
            journal: count(|form| *form == Form::Journal),
            pages: count(|form| matches!(form, Form::Page { .. })),
            totals_only: count(|form| *form == Form::Totals),
            blocks: self.manifest.blocks.len(),
            damaged,
            suspect: self.manifest.suspect,
            bytes: size("db") + size("db-wal"),
            has_copy: create::exists(&backup::weekly(places))?,
            read_only: self.read_only,
        })
    }
}

impl Vault {
    /// What the vault is.
    ///
    /// # Errors
    /// See [`OpenError`]: the header cannot be read any more.
    pub fn info(&self) -> Result<Info, OpenError> {
        self.store.info(&self.places)
    }

    /// Reads every record, and compares each day's totals with its spans.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn verify(&mut self, progress: OnProgress<'_>) -> Result<Verified, ReadError> {
        let view = self.store.view(Some(&self.keys));
        let mut days: Vec<CivilDay> = view.manifest.parts.keys().map(|part| part.day).collect();
        days.dedup();
        let mut found = Verified::default();
        let total = days.len() as u64;
        for (done, day) in (0..).zip(days) {
            if progress(Progress { done, total }) == ControlFlow::Break(()) {
                found.interrupted = true;
                break;
            }
            found.days += 1;
            let range = day..=day;
            let mut by_hand = None;
            view.each_day(&range, |read| {
                found.spans += read.spans.len() as u64;
                found.damaged.extend((!read.whole).then_some(day));
                by_hand = read.whole.then(|| Tally::of(&read.spans, view.calendar));
            })?;
            let parts: Vec<_> = view.manifest.parts.range(crate::history::parts_of(&range)).collect();
            if parts.iter().any(|(_, entry)| entry.form == Form::Totals) {
                continue;
            }
            let parts: Vec<_> = parts.into_iter().map(|(part, entry)| (*part, entry)).collect();
            let mut rolled = Tally::default();
            view.add_day(&parts, &mut rolled)?;
            // Hours are those of the zone at the time, which may have been another.
            if by_hand.is_some_and(|mut by_hand| {
                by_hand.hours = rolled.hours;
                by_hand != rolled
            }) {
                found.contradicting.push(day);
            }
        }
        Ok(found)
    }

    /// Takes the history as it is for what it should be, after it was found older than the last one seen.
    ///
    /// # Errors
    /// See [`WriteError`]; it is suspect as before then.
    pub fn accept(&mut self) -> Result<(), WriteError> {
        let mut manifest = self.store.manifest.clone();
        manifest.suspect = false;
        self.store.commit(Some(manifest), |_| Ok(()))?;
        self.store.write_tip();
        Ok(())
    }
}
