//! Totals of some days: from the rollups of 30 days, at the edges from those of days, and from the detail where
//! there is no rollup, or none that can be trusted.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::subject::Subject;

use crate::charged::Charged;
use crate::db::Table;
use crate::error::ReadError;
use crate::history::{View, parts_of};
use crate::manifest::{Entry, Form};
use crate::record::{DayPart, Place};
use crate::rollup::{BLOCK_DAYS, Stored, block_of};
use crate::tally::{Tally, Use};
use crate::tracks::Tracks;
use crate::wire::Wire;
use crate::{Vault, wrap};

/// What some days hold in sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What each subject had.
    pub subjects: BTreeMap<Subject, Use>,
    /// Milliseconds of attention in each local hour, 0 to 23, by the calendar that held when a day was sealed.
    pub hours: [u64; 24],
    /// Milliseconds of attention: the sum over the subjects, and over the hours.
    pub charged_ms: u64,
    /// Milliseconds that no sensor observed.
    pub unobserved_ms: u64,
    /// Days of which something is lost: they may have had more.
    pub damaged: Vec<CivilDay>,
    /// Runs of days, first and last, of which only their common total is left. One that reaches beyond what was
    /// asked for is listed here and not counted; one that lies within is counted.
    pub only_together: Vec<(CivilDay, CivilDay)>,
}

impl Vault {
    /// What some days hold in sum: the same as their spans say, in a fraction of the time.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn totals(&self, days: RangeInclusive<CivilDay>) -> Result<Totals, ReadError> {
        self.store.view(Some(&self.keys)).totals(&days)
    }
}

/// The first and the last day of a block.
pub(crate) fn days_of(block: u32) -> (CivilDay, CivilDay) {
    let first = i32::try_from(block).unwrap_or(i32::MAX / BLOCK_DAYS).saturating_mul(BLOCK_DAYS);
    (CivilDay::from_epoch_days(first), CivilDay::from_epoch_days(first.saturating_add(BLOCK_DAYS - 1)))
}

impl View<'_> {
    pub(crate) fn totals(&self, days: &RangeInclusive<CivilDay>) -> Result<Totals, ReadError> {
        let (mut sum, mut totals) = (Tally::default(), Totals::default());
        if days.is_empty() {
            return Ok(totals);
        }
        let (first, last) = (block_of(days.start().epoch_days()), block_of(days.end().epoch_days()));
        let mut covered: Vec<u32> = Vec::new();
        for (block, known) in self.manifest.blocks.range(first..=last) {
            let (from, to) = days_of(*block);
            if days.contains(&from) && days.contains(&to) {
                let damaged = self.add_block(*block, &known.tag, &mut sum)?;
                if let Some(damaged) = damaged {
                    totals.damaged.extend(
                        (0..BLOCK_DAYS).filter(|day| damaged >> day & 1 == 1).map(|day| from.plus(day)),
                    );
                    if !known.only {
                        covered.push(*block);
                    }
                } else if known.only {
                    totals.damaged.extend((0..BLOCK_DAYS).map(|day| from.plus(day)));
                }
            }
            if known.only {
                totals.only_together.push((from, to));
            }
        }
        let mut parts = self.manifest.parts.range(parts_of(days)).peekable();
        while let Some((part, entry)) = parts.next() {
            if covered.binary_search(&block_of(part.day.epoch_days())).is_ok() {
                continue;
            }
            let mut of_day = vec![(*part, entry)];
            while let Some((next, entry)) = parts.next_if(|(next, _)| next.day == part.day) {
                of_day.push((*next, entry));
            }
            if !self.add_day(&of_day, &mut sum)? {
                totals.damaged.push(part.day);
            }
        }
        totals.damaged.sort_unstable();
        totals.damaged.dedup();
        (totals.hours, totals.charged_ms, totals.unobserved_ms) =
            (sum.hours, sum.charged_ms, sum.unobserved_ms);
        totals.subjects = sum.into_subjects();
        Ok(totals)
    }

    /// Adds a day; `false` where something of it is lost.
    pub(crate) fn add_day(&self, parts: &[(DayPart, &Entry)], sum: &mut Tally) -> Result<bool, ReadError> {
        let whole = parts.iter().all(|(_, entry)| !entry.damaged);
        let in_journal = parts.iter().any(|(_, entry)| entry.form == Form::Journal);
        if let Some((last, entry)) = parts.last()
            && !in_journal
            && entry.rollup.is_some_and(|rollup| rollup.cumulative)
            && self.add_rollup(*last, entry, sum)?
        {
            return Ok(whole);
        }
        self.add_detail(parts, sum).map(|found| found && whole)
    }

    /// Adds a day from its spans, and, of parts whose spans are lost or were let go, from their rollups.
    fn add_detail(&self, parts: &[(DayPart, &Entry)], sum: &mut Tally) -> Result<bool, ReadError> {
        let (mut base, mut tracks, mut whole) = (Tally::default(), Tracks::default(), true);
        for (part, entry) in parts {
            let mut of_part = Tracks::default();
            let has_spans = entry.form != Form::Totals
                && self.put_part(*part, entry, &mut of_part, &mut Charged::default())?;
            if has_spans || entry.rollup.is_none() {
                whole &= has_spans;
                tracks.merge(of_part);
                continue;
            }
            let mut rolled = Tally::default();
            if !self.add_rollup(*part, entry, &mut rolled)? {
                whole = false;
                tracks.merge(of_part);
            } else if entry.rollup.is_some_and(|rollup| rollup.cumulative) {
                (base, tracks) = (rolled, Tracks::default());
            } else {
                base.add(&rolled);
            }
        }
        sum.add(&base);
        sum.add(&Tally::of(&tracks.into_spans(), self.calendar));
        Ok(whole)
    }

    /// Adds a part's rollup; `false` where it has none that can be read.
    pub(crate) fn add_rollup(
        &self,
        part: DayPart,
        entry: &Entry,
        sum: &mut Tally,
    ) -> Result<bool, ReadError> {
        let Some(known) = entry.rollup else { return Ok(false) };
        let bytes = self.rolled(&Place::rollup(part), &Place::rollup_key(part), &known.tag)?;
        Ok(bytes.is_some_and(|bytes| sum.add_encoded(&bytes).is_ok()))
    }

    /// Adds a block; which of its days are damaged, one bit each, or `None` where it cannot be read.
    pub(crate) fn add_block(
        &self,
        block: u32,
        tag: &[u8; 16],
        sum: &mut Tally,
    ) -> Result<Option<u32>, ReadError> {
        let Some(bytes) = self.rolled(&Place::block(block), &Place::block_key(block), tag)? else {
            return Ok(None);
        };
        let mut wire = Wire::new(&bytes);
        let damaged = wire.u32().ok();
        Ok(damaged.filter(|_| bytes.get(4..).is_some_and(|tally| sum.add_encoded(tally).is_ok())))
    }

    /// What a rollup holds; `None` where it cannot be read or is not the one that the manifest knows.
    pub(crate) fn rolled(
        &self,
        place: &Place,
        key_place: &Place,
        tag: &[u8; 16],
    ) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, ReadError> {
        let Some(keys) = self.keys else { return Ok(None) };
        let Some(blob) = self.get(Table::Rollup, place)? else { return Ok(None) };
        let (id, epoch) = (&self.facts.vault_id, self.facts.epoch);
        Ok(Stored::parse(&blob).filter(|stored| stored.tag() == *tag).and_then(|stored| {
            let key = wrap::open(keys, id, epoch, key_place, stored.wrap)?;
            stored.open(&key, id, epoch, place)
        }))
    }
}
