//! Letting go of detail with age, and later of the days' own totals: what is left is less, and never nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use dwell_core::calendar::CivilDay;

use crate::Vault;
use crate::db::Table;
use crate::error::WriteError;
use crate::history::parts_of;
use crate::manifest::{Block, Entry, Form, Manifest};
use crate::record::{DayPart, Place};
use crate::rollup::block_of;
use crate::sums::sums_of;
use crate::tally::Tally;
use crate::totals::days_of;

/// How long what is kept. The vault knows no clock, so these are days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Spans of days before this one go; their days' totals stay.
    pub keep_detail: Option<CivilDay>,
    /// Totals of days before this one, whose spans are gone, go into those of 30 days, which stay.
    pub keep_totals: Option<CivilDay>,
}

/// What was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LetGo {
    /// Days whose spans went.
    pub details: usize,
    /// Runs of 30 days whose days' totals went.
    pub runs: usize,
}

impl Vault {
    /// Lets go of what is older than `retention` says. A part without a rollup that can be read is kept.
    ///
    /// # Errors
    /// See [`WriteError`]; what was let go until then is gone.
    pub fn retain(&mut self, retention: &Retention) -> Result<LetGo, WriteError> {
        let mut done = LetGo::default();
        if let Some(bound) = retention.keep_detail {
            done.details = self.drop_details(bound)?;
        }
        if let Some(bound) = retention.keep_totals {
            done.runs = self.drop_days(bound)?;
        }
        if done != LetGo::default() {
            // A reader may hold the log; then it is emptied at the next sealing, or on closing.
            let _ = self.store.db.empty_log();
            self.store.write_tip();
        }
        Ok(done)
    }

    fn drop_details(&mut self, bound: CivilDay) -> Result<usize, WriteError> {
        let keys = Arc::clone(&self.keys);
        let mut days: BTreeMap<CivilDay, Vec<DayPart>> = BTreeMap::new();
        for (part, entry) in self.store.manifest.parts.range(..DayPart { day: bound, part: 0 }) {
            if entry.form != Form::Totals || days.contains_key(&part.day) {
                days.entry(part.day).or_default().push(*part);
            }
        }
        let (mut manifest, mut gone): (Manifest, Vec<(Table, Place)>) =
            (self.store.manifest.clone(), Vec::new());
        let mut dropped = 0;
        for (day, _) in days {
            let parts: Vec<(DayPart, Entry)> = self
                .store
                .manifest
                .parts
                .range(parts_of(&(day..=day)))
                .map(|(p, e)| (*p, e.clone()))
                .collect();
            let Some((last, entry)) = parts.last() else { continue };
            let in_journal = parts.iter().any(|(_, entry)| entry.form == Form::Journal);
            let whole_day = entry.rollup.is_some_and(|rollup| rollup.cumulative);
            let view = self.store.view(Some(&keys));
            if in_journal || !whole_day || !view.add_rollup(*last, entry, &mut Tally::default())? {
                continue;
            }
            let mut kept = Entry { form: Form::Totals, ..entry.clone() };
            for (part, entry) in &parts {
                kept.damaged |= entry.damaged;
                gone.extend([(Table::Page, Place::page(*part)), (Table::DayKey, Place::day_key(*part))]);
                if part != last {
                    kept.totals.charged_ms += entry.totals.charged_ms;
                    kept.totals.unobserved_ms += entry.totals.unobserved_ms;
                    gone.push((Table::Rollup, Place::rollup(*part)));
                    manifest.parts.remove(part);
                }
            }
            manifest.parts.insert(*last, kept);
            forget_sums(block_of(day.epoch_days()), &mut gone);
            dropped += 1;
        }
        self.let_go(manifest, &gone)?;
        Ok(dropped)
    }

    fn drop_days(&mut self, bound: CivilDay) -> Result<usize, WriteError> {
        let keys = Arc::clone(&self.keys);
        let (mut manifest, mut gone) = (self.store.manifest.clone(), Vec::new());
        let mut dropped = 0;
        for (block, known) in &self.store.manifest.blocks {
            let (from, to) = days_of(*block);
            let parts = || self.store.manifest.parts.range(parts_of(&(from..=to)));
            let totals_only = parts().all(|(_, entry)| entry.form == Form::Totals);
            let view = self.store.view(Some(&keys));
            if to >= bound
                || known.only
                || !totals_only
                || view.add_block(*block, &known.tag, &mut Tally::default())?.is_none()
            {
                continue;
            }
            for (part, _) in parts() {
                gone.push((Table::Rollup, Place::rollup(*part)));
                manifest.parts.remove(part);
            }
            manifest.blocks.insert(*block, Block { only: true, ..*known });
            forget_sums(*block, &mut gone);
            dropped += 1;
        }
        self.let_go(manifest, &gone)?;
        Ok(dropped)
    }

    fn let_go(&mut self, manifest: Manifest, gone: &[(Table, Place)]) -> Result<(), WriteError> {
        if gone.is_empty() {
            return Ok(());
        }
        let index = Arc::clone(&self.store.enf.index);
        self.store.commit(Some(manifest), |tx| {
            gone.iter().try_for_each(|(table, place)| tx.delete(*table, index.blind(place)))
        })
    }
}

/// What days came to in reports tells of their spans, and goes with them.
fn forget_sums(block: u32, gone: &mut Vec<(Table, Place)>) {
    let sums = sums_of(block).map(|place| (Table::Rollup, place));
    if !gone.iter().any(|(_, place)| *place == Place::sum(block, 0)) {
        gone.extend(sums);
    }
}
