//! Totals of some days: from the rollups of 360 and of 30 days, at the edges from those of days, and from the detail where
//! there is no rollup, or none that can be trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use dwell_core::calendar::CivilDay;
use dwell_core::subject::Subject;

use crate::charged::Charged;
use crate::db::Table;
use crate::error::ReadError;
use crate::history::{View, parts_of};
use crate::manifest::{Entry, Form, Manifest};
use crate::record::{DayPart, Place};
use crate::rollup::{BLOCK_DAYS, Stored, block_of, blocks_of, year_of};
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

/// The days of a block whose bits are set.
fn damaged_days(block: u32, bits: u32) -> impl Iterator<Item = CivilDay> {
    let from = days_of(block).0;
    (0..BLOCK_DAYS).filter(move |day| bits >> day & 1 == 1).map(move |day| from.plus(day))
}

impl Manifest {
    /// See [`crate::Reader::without_spans`]. A day of which some spans are left is no such day, whatever its totals say.
    pub(crate) fn without_spans(&self, days: &RangeInclusive<CivilDay>) -> Vec<RangeInclusive<CivilDay>> {
        if days.is_empty() {
            return Vec::new();
        }
        let is_left = |run: &RangeInclusive<CivilDay>| {
            let mut blocks =
                self.blocks.range(block_of(run.start().epoch_days())..=block_of(run.end().epoch_days()));
            let whole = |(first, last): (CivilDay, CivilDay)| run.contains(&first) && run.contains(&last);
            self.parts.range(parts_of(run)).next().is_some()
                || blocks.any(|(block, known)| known.only && whole(days_of(*block)))
        };
        let parts = self.parts.range(parts_of(days));
        let with_spans = parts.filter(|(_, entry)| entry.form != Form::Totals).map(|(part, _)| part.day);
        let (mut runs, mut next) = (Vec::new(), *days.start());
        for day in with_spans.chain([days.end().plus(1)]) {
            if next < day {
                runs.extend(Some(next..=day.plus(-1)).filter(is_left));
            }
            next = day.plus(1);
        }
        runs
    }
}

impl View<'_> {
    pub(crate) fn totals(&self, days: &RangeInclusive<CivilDay>) -> Result<Totals, ReadError> {
        let (mut sum, mut totals) = (Tally::default(), Totals::default());
        if days.is_empty() {
            return Ok(totals);
        }
        let (first, last) = (block_of(days.start().epoch_days()), block_of(days.end().epoch_days()));
        let mut in_years: BTreeSet<u32> = BTreeSet::new();
        for (year, tag) in self.manifest.years.range(year_of(first)..=year_of(last)) {
            let blocks = blocks_of(*year);
            if self.holds_all(days, blocks.clone())
                && let Some(damaged) = self.add_year(*year, tag, &mut sum)?
            {
                totals.damaged.extend(damaged);
                in_years.extend(blocks);
            }
        }
        let mut covered: Vec<u32> = Vec::new();
        for (block, known) in self.manifest.blocks.range(first..=last) {
            let (from, to) = days_of(*block);
            if in_years.contains(block) {
                covered.extend((!known.only).then_some(*block));
            } else if self.holds_all(days, *block..block.saturating_add(1)) {
                let damaged = self.add_block(*block, &known.tag, &mut sum)?;
                if let Some(damaged) = damaged {
                    totals.damaged.extend(damaged_days(*block, damaged));
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

    /// Whether all records of some blocks are of these days.
    fn holds_all(&self, days: &RangeInclusive<CivilDay>, blocks: Range<u32>) -> bool {
        let (first, last) = (days_of(blocks.start).0, days_of(blocks.end - 1).1);
        let runs = self.manifest.blocks.range(blocks).filter(|(_, known)| known.only);
        let in_days = |(from, to): (CivilDay, CivilDay)| days.contains(&from) && days.contains(&to);
        let mut parts = self.manifest.parts.range(parts_of(&(first..=last)));
        let ends = [parts.next(), parts.next_back()];
        ends.into_iter().flatten().all(|(part, _)| days.contains(&part.day))
            && runs.into_iter().all(|(block, _)| in_days(days_of(*block)))
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

    /// Adds a year; which of its days are damaged, or `None` where it cannot be read.
    fn add_year(
        &self,
        year: u32,
        tag: &[u8; 16],
        sum: &mut Tally,
    ) -> Result<Option<Vec<CivilDay>>, ReadError> {
        let Some(bytes) = self.rolled(&Place::year(year), &Place::year_key(year), tag)? else {
            return Ok(None);
        };
        let mut wire = Wire::new(&bytes);
        let mut damaged = Vec::new();
        for block in blocks_of(year) {
            let Ok(of_block) = wire.u32() else { return Ok(None) };
            damaged.extend(damaged_days(block, of_block));
        }
        let tally = wire.take(wire.left()).unwrap_or_default();
        Ok(sum.add_encoded(tally).is_ok().then_some(damaged))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{day, span};
    use crate::{Places, Row, create};

    /// Under the right key, in the right place, and not what was written.
    #[test]
    fn a_rollup_that_the_manifest_does_not_know_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        vault.append(day(0), &Row::Span(span(0, 9, "editor", None))).unwrap();
        vault.seal_before(day(1)).unwrap();
        let part = DayPart { day: day(0), part: 0 };
        let (place, key_place) = (Place::rollup(part), Place::rollup_key(part));
        let (store, keys) = vault.parts();
        let (id, facts) = (store.enf.blind(&place), store.facts.clone());
        let blob = store.db.get(Table::Rollup, id).unwrap().unwrap();
        let wrapped = Stored::parse(&blob).unwrap().wrap.to_vec();
        let key = wrap::open(keys, &facts.vault_id, facts.epoch, &key_place, &wrapped).unwrap();
        let tally = Tally::of(&[span(0, 5000, "game", None)], None).encode();
        let (forged, _) =
            crate::rollup::seal(&key, &wrapped, &facts.vault_id, facts.epoch, &place, &tally).unwrap();
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        assert_eq!(db.execute("UPDATE roll SET b = ?2 WHERE id = ?1", (id, forged)).unwrap(), 1);
        drop(db);
        let (vault, _) = Vault::open_or_create(&places).unwrap();
        let view = vault.store.view(Some(&vault.keys));
        let (_, entry) = vault.store.manifest.parts.iter().next().unwrap();
        assert!(!view.add_rollup(part, entry, &mut Tally::default()).unwrap());
        assert_eq!(vault.totals(day(0)..=day(0)).unwrap().charged_ms, 9, "the detail is still there");
    }

    /// A year is a copy of what its blocks say: one that is lost costs time alone, and one of a day that changes goes.
    #[test]
    fn years_are_made_and_dropped_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        let years = |vault: &Vault| vault.parts().0.manifest.years.keys().copied().collect::<Vec<_>>();
        let sum = |vault: &Vault| vault.totals(day(0)..=day(999)).unwrap().charged_ms;
        // Days 0 to 101 are the end of year 57, days 102 to 461 are year 58.
        let rows: Vec<_> =
            (0..480).step_by(7).map(|d| (day(d), Row::Span(span(0, 9, "editor", None)))).collect();
        vault.append_all(&rows).unwrap();
        vault.seal_before(day(481)).unwrap();
        assert_eq!((years(&vault), sum(&vault)), (vec![57, 58], 69 * 9));
        assert_eq!(vault.totals(day(1)..=day(999)).unwrap().charged_ms, 68 * 9, "a day of the year left out");
        // A day that had nothing, and nothing in its block's neighbourhood says so but the year.
        vault.append(day(200), &Row::Span(span(0, 5, "editor", None))).unwrap();
        assert_eq!((years(&vault), sum(&vault)), (vec![57], 69 * 9 + 5));
        vault.seal_before(day(481)).unwrap();
        assert_eq!((years(&vault), sum(&vault)), (vec![57, 58], 69 * 9 + 5));
        let id = vault.parts().0.enf.blind(&Place::year(58));
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        assert_eq!(db.execute("UPDATE roll SET b = zeroblob(3000) WHERE id = ?1", [id]).unwrap(), 1);
        drop(db);
        let (vault, _) = Vault::open_or_create(&places).unwrap();
        assert_eq!(sum(&vault), 69 * 9 + 5);
    }
}
