//! What an open vault does for the days that are over: rollups of whole days, of 30 and of 360 days, and cheaper wraps for
//! what was sealed without VK.

use std::collections::{BTreeMap, BTreeSet};

use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::db::Table;
use crate::error::{ReadError, WriteError};
use crate::history::parts_of;
use crate::keys::{Key, VaultKeys};
use crate::manifest::{Block, Entry, Form, Manifest, RollupEntry};
use crate::page;
use crate::record::{DayPart, Place};
use crate::rollup::{self, block_of, blocks_of, year_of};
use crate::store::Store;
use crate::sums::sums_of;
use crate::tally::Tally;
use crate::totals::days_of;
use crate::{Vault, wrap};

impl Vault {
    /// Makes rollups that are missing for days before `today`. Costs nothing where there are none to make.
    pub(crate) fn settle(&mut self, today: CivilDay) -> Result<(), WriteError> {
        let keys = std::sync::Arc::clone(&self.keys);
        let mut unsettled: BTreeMap<CivilDay, Vec<DayPart>> = BTreeMap::new();
        for part in self.store.manifest.parts.range(..DayPart { day: today, part: 0 }).map(|(part, _)| *part)
        {
            unsettled.entry(part.day).or_default().push(part);
        }
        unsettled.retain(|_, parts| {
            let entries = || parts.iter().filter_map(|part| self.store.manifest.parts.get(part));
            let last = entries().next_back().is_some_and(|e| e.rollup.is_none_or(|r| !r.cumulative));
            let blind = entries().any(|entry| entry.blind);
            let journal = entries().any(|entry| entry.form == Form::Journal);
            (last || blind) && !journal
        });
        for parts in unsettled.into_values() {
            self.store.settle_day(&keys, &parts)?;
        }
        self.store.make_blocks(&keys, today)?;
        self.store.make_years(&keys, today)
    }
}

impl Store {
    /// One rollup for a whole day, and wraps under K_wrap, as far as its pages can be read.
    fn settle_day(&mut self, keys: &VaultKeys, parts: &[DayPart]) -> Result<(), WriteError> {
        let Some(last) = parts.last().copied() else { return Ok(()) };
        let mut manifest = self.manifest.clone();
        let (mut pages, mut wraps) = (Vec::new(), Vec::new());
        let facts = &self.facts;
        for part in parts.iter().filter(|part| self.manifest.parts.get(part).is_some_and(|e| e.blind)) {
            let place = Place::day_key(*part);
            let page = self.view(Some(keys)).get(Table::Page, &Place::page(*part))?;
            if let Some(stored) = page.as_deref().and_then(page::Stored::parse)
                && let Some(key) = wrap::open(keys, &facts.vault_id, facts.epoch, &place, stored.wrap)
            {
                let wrap = wrap::under_wrap_key(keys, &facts.vault_id, facts.epoch, &place, &key)?;
                pages.push((self.enf.blind(&Place::page(*part)), stored.rewrapped(&wrap)));
                wraps.push((self.enf.blind(&place), wrap));
            }
            if let Some(entry) = manifest.parts.get_mut(part) {
                entry.blind = false;
            }
        }
        let mut tally = Tally::default();
        let entries: Vec<(DayPart, &Entry)> =
            parts.iter().filter_map(|part| Some((*part, self.manifest.parts.get(part)?))).collect();
        self.view(Some(keys)).add_day(&entries, &mut tally)?;
        let (blob, tag) = self.roll(Some(keys), last, &tally)?;
        if let Some(entry) = manifest.parts.get_mut(&last) {
            entry.rollup = Some(RollupEntry { tag, cumulative: true });
        }
        let dropped = drop_block(&mut manifest, last.day);
        let dropped: Vec<i64> = dropped.iter().map(|place| self.enf.blind(place)).collect();
        let id = self.enf.blind(&Place::rollup(last));
        self.commit(Some(manifest), |tx| {
            pages.iter().try_for_each(|(id, page)| tx.put(Table::Page, *id, page))?;
            wraps.iter().try_for_each(|(id, wrap)| tx.put(Table::DayKey, *id, wrap))?;
            dropped.iter().try_for_each(|id| tx.delete(Table::Rollup, *id))?;
            tx.put(Table::Rollup, id, &blob)
        })
    }

    /// Seals a part's tally, its key wrapped under K_wrap, or, without VK, to the public key.
    pub(crate) fn roll(
        &self,
        keys: Option<&VaultKeys>,
        part: DayPart,
        tally: &Tally,
    ) -> Result<(Vec<u8>, [u8; 16]), WriteError> {
        self.roll_encoded(keys, part, &tally.encode())
    }

    /// The same of a tally's bytes.
    pub(crate) fn roll_encoded(
        &self,
        keys: Option<&VaultKeys>,
        part: DayPart,
        tally: &[u8],
    ) -> Result<(Vec<u8>, [u8; 16]), WriteError> {
        let facts = &self.facts;
        let (key, place) = (Key::random()?, Place::rollup_key(part));
        let wrap = match keys {
            Some(keys) => wrap::under_wrap_key(keys, &facts.vault_id, facts.epoch, &place, &key)?,
            None => facts.wrap(&place, &key)?,
        };
        let place = Place::rollup(part);
        Ok(rollup::seal(&key, &wrap, &facts.vault_id, facts.epoch, &place, tally)?)
    }

    /// Rollups of those blocks of 30 days that are over, and all of whose days are sealed.
    fn make_blocks(&mut self, keys: &VaultKeys, today: CivilDay) -> Result<(), WriteError> {
        let over = block_of(today.epoch_days());
        let mut parts: BTreeMap<u32, Vec<DayPart>> = BTreeMap::new();
        for part in self.manifest.parts.keys() {
            let block = block_of(part.day.epoch_days());
            if block < over && !self.manifest.blocks.contains_key(&block) {
                parts.entry(block).or_default().push(*part);
            }
        }
        parts.retain(|_, parts| {
            let forms = || parts.iter().filter_map(|part| self.manifest.parts.get(part));
            forms().all(|entry| entry.form != Form::Journal)
        });
        for block in parts.into_keys() {
            let (tally, damaged) = self.tally_block(keys, block)?;
            let (blob, tag) = self.roll_block(keys, block, &tally, damaged)?;
            let mut manifest = self.manifest.clone();
            manifest.blocks.insert(block, Block { tag, only: false });
            let id = self.enf.blind(&Place::block(block));
            self.commit(Some(manifest), |tx| tx.put(Table::Rollup, id, &blob))?;
        }
        Ok(())
    }

    fn tally_block(&self, keys: &VaultKeys, block: u32) -> Result<(Tally, u32), WriteError> {
        let (first, last) = days_of(block);
        let view = self.view(Some(keys));
        let (mut tally, mut damaged) = (Tally::default(), 0_u32);
        let mut days: BTreeMap<CivilDay, Vec<(DayPart, &Entry)>> = BTreeMap::new();
        for (part, entry) in self.manifest.parts.range(parts_of(&(first..=last))) {
            days.entry(part.day).or_default().push((*part, entry));
        }
        for (day, parts) in days {
            if !view.add_day(&parts, &mut tally)? {
                damaged |= 1 << (day.epoch_days() - first.epoch_days());
            }
        }
        Ok((tally, damaged))
    }

    /// Rollups of those years that are over, and all of whose days are in blocks.
    fn make_years(&mut self, keys: &VaultKeys, today: CivilDay) -> Result<(), WriteError> {
        let over = year_of(block_of(today.epoch_days()));
        let mut years: BTreeSet<u32> = self.manifest.blocks.keys().map(|block| year_of(*block)).collect();
        years.retain(|year| *year < over && !self.manifest.years.contains_key(year));
        for year in years {
            let blocks = blocks_of(year);
            let days = days_of(blocks.start).0..=days_of(blocks.end - 1).1;
            let in_block =
                |part: &DayPart| self.manifest.blocks.contains_key(&block_of(part.day.epoch_days()));
            if !self.manifest.parts.range(parts_of(&days)).all(|(part, _)| in_block(part)) {
                continue;
            }
            let view = self.view(Some(keys));
            let (mut tally, mut plain) = (Tally::default(), Zeroizing::new(Vec::new()));
            let mut whole = true;
            for block in blocks {
                let damaged = match self.manifest.blocks.get(&block) {
                    Some(known) => view.add_block(block, &known.tag, &mut tally)?,
                    None => Some(0),
                };
                whole &= damaged.is_some();
                plain.extend_from_slice(&damaged.unwrap_or(0).to_le_bytes());
            }
            if !whole {
                // One of them is damaged; the days answer for it as long as they are there.
                continue;
            }
            plain.extend_from_slice(&tally.encode());
            let (blob, tag) = self.roll_run(keys, &Place::year_key(year), &Place::year(year), &plain)?;
            let mut manifest = self.manifest.clone();
            manifest.years.insert(year, tag);
            let id = self.enf.blind(&Place::year(year));
            self.commit(Some(manifest), |tx| tx.put(Table::Rollup, id, &blob))?;
        }
        Ok(())
    }

    /// Seals a block's tally.
    pub(crate) fn roll_block(
        &self,
        keys: &VaultKeys,
        block: u32,
        tally: &Tally,
        damaged: u32,
    ) -> Result<(Vec<u8>, [u8; 16]), WriteError> {
        let tally = tally.encode();
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + tally.len()));
        plain.extend_from_slice(&damaged.to_le_bytes());
        plain.extend_from_slice(&tally);
        self.roll_run(keys, &Place::block_key(block), &Place::block(block), &plain)
    }

    fn roll_run(
        &self,
        keys: &VaultKeys,
        key_place: &Place,
        place: &Place,
        plain: &[u8],
    ) -> Result<(Vec<u8>, [u8; 16]), WriteError> {
        let (facts, key) = (&self.facts, Key::random()?);
        let wrap = wrap::under_wrap_key(keys, &facts.vault_id, facts.epoch, key_place, &key)?;
        Ok(rollup::seal(&key, &wrap, &facts.vault_id, facts.epoch, place, plain)?)
    }
}

/// Takes the block and the year of a day that changes out of the manifest, unless the block is all that is left of its
/// days: then what comes for them is counted besides. Returns where the records are that go.
pub(crate) fn drop_block(manifest: &mut Manifest, day: CivilDay) -> Vec<Place> {
    let block = block_of(day.epoch_days());
    let mut places: Vec<Place> = sums_of(block).collect();
    if manifest.blocks.get(&block).is_none_or(|known| !known.only) {
        let year = year_of(block);
        places.extend(manifest.blocks.remove(&block).map(|_| Place::block(block)));
        places.extend(manifest.years.remove(&year).map(|_| Place::year(year)));
    }
    places
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt { what } => Self::Corrupt { what },
            ReadError::Database { source } => source.into(),
        }
    }
}
