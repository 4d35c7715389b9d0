//! Carrying records over into a new generation: each opened with the old keys, edited, and sealed with new ones.

use std::collections::BTreeMap;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;

use crate::charged::{Charged, Counted};
use crate::db::Table;
use crate::error::WriteError;
use crate::forget::{Forgotten, What};
use crate::history::View;
use crate::journal::{End, Sealing};
use crate::keys::{Key, VaultKeys};
use crate::manifest::{Block, Entry, Form, Manifest, RollupEntry};
use crate::names::Numbers;
use crate::page;
use crate::record::{DayPart, Place, SealError};
use crate::store::{Facts, Store};
use crate::tally::Tally;
use crate::totals::days_of;
use crate::tracks::Tracks;
use crate::wrap;

/// A blob for the new database.
enum Blob {
    Of(Table, Place, Vec<u8>),
    Row(u64, Vec<u8>),
}

/// What goes into a new generation.
pub(crate) struct Carrier<'a> {
    pub(crate) old: View<'a>,
    pub(crate) new: &'a mut Store,
    pub(crate) keys: &'a VaultKeys,
    pub(crate) what: Option<&'a What>,
    pub(crate) manifest: Manifest,
    pub(crate) gone: Forgotten,
    waiting: Vec<Blob>,
    bytes: usize,
}

impl<'a> Carrier<'a> {
    pub(crate) fn new(
        old: View<'a>,
        new: &'a mut Store,
        keys: &'a VaultKeys,
        what: Option<&'a What>,
    ) -> Self {
        let manifest = Manifest {
            next_seq: new.next_seq,
            suspect: old.manifest.suspect,
            enforcement: old.manifest.enforcement,
            ..new.manifest.clone()
        };
        Self { old, new, keys, what, manifest, gone: Forgotten::default(), waiting: Vec::new(), bytes: 0 }
    }

    /// Carries a day's parts over, as far as they stay.
    pub(crate) fn day(&mut self, day: CivilDay, parts: &[(DayPart, &Entry)]) -> Result<(), WriteError> {
        let (spans, charged) = (self.gone.spans, self.gone.charged_ms);
        if self.what.is_some_and(|what| what.takes_day(day)) {
            let mut tracks = Tracks::default();
            let mut totals = 0_u64;
            for (part, entry) in parts {
                self.old.put_part(*part, entry, &mut tracks, &mut Charged::default())?;
                totals = totals.saturating_add(entry.totals.charged_ms);
            }
            let spans = tracks.into_spans();
            let charged: u64 = spans.iter().map(charged_ms).sum();
            self.gone.spans += spans.len() as u64;
            self.gone.charged_ms += if spans.is_empty() { totals } else { charged };
            self.gone.days += 1;
            return Ok(());
        }
        if !self.what.is_some_and(What::picks_subjects) && self.move_day(parts)? {
            return Ok(());
        }
        let mut of_day = Tracks::default();
        let mut all = Tracks::default();
        let mut sound = true;
        for (i, (part, entry)) in parts.iter().enumerate() {
            let mut tracks = Tracks::default();
            let has_spans = entry.form != Form::Totals
                && self.old.put_part(
                    *part,
                    &Entry { damaged: false, ..(*entry).clone() },
                    &mut tracks,
                    &mut Charged::default(),
                )?;
            let rows = tracks.into_rows();
            rows.iter().cloned().for_each(|span| all.put(span));
            let edited: Vec<Span> = match self.what {
                Some(what) => rows.into_iter().filter_map(|span| what.rest_of(span)).collect(),
                None => rows,
            };
            edited.iter().cloned().for_each(|span| of_day.put(span));
            sound &= has_spans;
            let whole_day =
                (sound && i > 0).then(|| Tally::of(&of_day.clone().into_spans(), self.old.calendar));
            self.part(*part, entry, has_spans, edited, whole_day)?;
        }
        if let Some(what) = self.what {
            let lost: Vec<Span> = all.into_spans().into_iter().filter(|span| what.takes_span(span)).collect();
            self.gone.spans += lost.len() as u64;
            self.gone.charged_ms += lost.iter().map(charged_ms).sum::<u64>();
        }
        self.gone.days += u64::from((spans, charged) != (self.gone.spans, self.gone.charged_ms));
        Ok(())
    }

    /// Carries over a day of which nothing goes: what is in its pages and rollups is sealed anew as it is, without
    /// unpacking it. `false`: something of it cannot be read or has to be made first, and nothing was carried.
    fn move_day(&mut self, parts: &[(DayPart, &Entry)]) -> Result<bool, WriteError> {
        let Some(old_keys) = self.old.keys else { return Ok(false) };
        let mut opened = Vec::with_capacity(parts.len());
        for (part, entry) in parts {
            let page = match &entry.form {
                Form::Journal => continue,
                Form::Totals => None,
                Form::Page { digest, .. } => match self.old.packed(old_keys, *part, digest)? {
                    Some(page) => Some(page),
                    None => return Ok(false),
                },
            };
            let Some(rollup) = entry.rollup.filter(|_| !entry.blind) else { return Ok(false) };
            let place = (Place::rollup(*part), Place::rollup_key(*part));
            let Some(tally) = self.old.rolled(&place.0, &place.1, &rollup.tag)? else { return Ok(false) };
            opened.push((*part, *entry, page, rollup.cumulative, tally));
        }
        for (part, entry) in parts.iter().filter(|(_, entry)| entry.form == Form::Journal) {
            self.rows(*part, entry)?;
        }
        for (part, entry, page, cumulative, tally) in opened {
            let mut next = entry.clone();
            if let Some(packed) = page
                && let Form::Page { digest, .. } = &mut next.form
            {
                *digest = self.page(part, |key, wrap, facts| {
                    page::seal_packed(key, wrap, &facts.vault_id, facts.epoch, part, &packed)
                })?;
            }
            let (blob, tag) = self.new.roll_encoded(Some(self.keys), part, &tally)?;
            next.rollup = Some(RollupEntry { tag, cumulative });
            self.put(Blob::Of(Table::Rollup, Place::rollup(part), blob))?;
            self.manifest.parts.insert(part, next);
        }
        Ok(true)
    }

    /// Puts a page with a day key of its own. Returns its digest.
    fn page(
        &mut self,
        part: DayPart,
        seal: impl FnOnce(&Key, &[u8], &Facts) -> Result<(Vec<u8>, [u8; 32]), SealError>,
    ) -> Result<[u8; 32], WriteError> {
        let (key, place) = (Key::random()?, Place::day_key(part));
        let facts = &self.new.facts;
        let wrap = wrap::under_wrap_key(self.keys, &facts.vault_id, facts.epoch, &place, &key)?;
        let (blob, digest) = seal(&key, &wrap, facts)?;
        self.put(Blob::Of(Table::Page, Place::page(part), blob))?;
        self.put(Blob::Of(Table::DayKey, place, wrap))?;
        Ok(digest)
    }

    fn part(
        &mut self,
        part: DayPart,
        entry: &Entry,
        has_spans: bool,
        spans: Vec<Span>,
        whole_day: Option<Tally>,
    ) -> Result<(), WriteError> {
        let mut counted = Counted::default();
        spans.iter().for_each(|span| counted.put(span));
        if entry.form == Form::Journal {
            return self.rows(part, entry);
        }
        let mut next = Entry { rollup: None, blind: false, ..entry.clone() };
        let tally = if has_spans {
            next.totals = counted.totals();
            let cumulative = part.part == 0 || whole_day.is_some();
            let own = || Tally::of(&alive(&spans), self.old.calendar);
            Some((whole_day.unwrap_or_else(own), cumulative))
        } else {
            let mut tally = Tally::default();
            let rolled = self.old.add_rollup(part, entry, &mut tally)?;
            if let Some(what) = self.what
                && rolled
            {
                let before = tally.charged_ms;
                what.edit(&mut tally);
                let taken = before - tally.charged_ms;
                next.totals.charged_ms = next.totals.charged_ms.saturating_sub(taken);
                self.gone.charged_ms += taken;
            }
            next.damaged |= entry.form != Form::Totals;
            next.form = Form::Totals;
            rolled.then_some((tally, entry.rollup.is_some_and(|rollup| rollup.cumulative)))
        };
        if has_spans {
            let digest = self.page(part, |key, wrap, facts| {
                page::seal(key, wrap, &facts.vault_id, facts.epoch, part, &spans)
            })?;
            if let Form::Page { rows, end_chain, .. } = entry.form {
                next.form = Form::Page { rows, digest, end_chain };
            }
        }
        if let Some((tally, cumulative)) = tally {
            let (blob, tag) = self.new.roll(Some(self.keys), part, &tally)?;
            next.rollup = Some(RollupEntry { tag, cumulative });
            self.put(Blob::Of(Table::Rollup, Place::rollup(part), blob))?;
        }
        self.manifest.parts.insert(part, next);
        Ok(())
    }

    /// The rows of a part that is still in the journal: those that count, under new numbers, for names that no row
    /// needs any more go too.
    fn rows(&mut self, part: DayPart, entry: &Entry) -> Result<(), WriteError> {
        let journal = self.old.journal(part);
        let mut last: BTreeMap<_, usize> = BTreeMap::new();
        for (i, row) in journal.rows.iter().enumerate() {
            last.insert(Tracks::key(row.span()), i);
        }
        let key = Key::random()?;
        let place = Place::day_key(part);
        let facts = self.new.facts.clone();
        let wrap = facts.wrap(&place, &key)?;
        let to = Sealing { key: &key, vault_id: &facts.vault_id, epoch: facts.epoch, part };
        let first_seq = self.manifest.next_seq;
        let (mut end, mut counted, none) = (End::default(), Counted::default(), Numbers::default());
        for (i, row) in journal.rows.into_iter().enumerate() {
            if last.get(&Tracks::key(row.span())) != Some(&i) {
                continue;
            }
            let Some(kept) = row.map(|span| match self.what {
                Some(what) => what.rest_of(span),
                None => Some(span),
            }) else {
                continue;
            };
            counted.put(kept.span());
            let mut sealed = Vec::new();
            end.put(&to, &none, &kept, &mut self.manifest.next_seq, &mut sealed)?;
            for (seq, blob) in sealed {
                self.put(Blob::Row(seq, blob))?;
            }
        }
        self.put(Blob::Of(Table::DayKey, place, wrap))?;
        let damaged = entry.damaged || !journal.whole;
        let next = Entry { damaged, totals: counted.totals(), ..Entry::new(Form::Journal, first_seq) };
        self.manifest.parts.insert(part, next);
        Ok(())
    }

    /// Carries a block of 30 days over, unless a day of it goes.
    pub(crate) fn block(&mut self, block: u32, known: &Block) -> Result<(), WriteError> {
        let (from, to) = days_of(block);
        if self.what.is_some_and(|what| {
            what.takes_day(from)
                || what.takes_day(to)
                || matches!(what, What::Day(day) if (from..=to).contains(day))
        }) {
            return Ok(());
        }
        let mut tally = Tally::default();
        let Some(damaged) = self.old.add_block(block, &known.tag, &mut tally)? else { return Ok(()) };
        if let Some(what) = self.what {
            let before = tally.charged_ms;
            if what.edit(&mut tally) {
                if !known.only {
                    // Made again from the days, which still know their hours.
                    return Ok(());
                }
                self.gone.charged_ms += before - tally.charged_ms;
                self.gone.days += 1;
            }
        }
        let (blob, tag) = self.new.roll_block(self.keys, block, &tally, damaged)?;
        self.manifest.blocks.insert(block, Block { tag, only: known.only });
        self.put(Blob::Of(Table::Rollup, Place::block(block), blob))
    }

    fn put(&mut self, blob: Blob) -> Result<(), WriteError> {
        let (Blob::Of(_, _, bytes) | Blob::Row(_, bytes)) = &blob;
        self.bytes += bytes.len();
        self.waiting.push(blob);
        // A few megabytes at a time, so that ten years need no more memory than one.
        if self.bytes > 4 << 20 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let index = std::sync::Arc::clone(&self.new.enf.index);
        let tx = self.new.db.write()?;
        for blob in waiting {
            match blob {
                Blob::Of(table, place, bytes) => tx.insert(table, index.blind(&place), &bytes)?,
                Blob::Row(seq, bytes) => tx.insert_row(seq, &bytes)?,
            }
        }
        Ok(tx.commit()?)
    }

    /// Writes what waits, and the manifest. Returns what went.
    pub(crate) fn finish(mut self) -> Result<Forgotten, WriteError> {
        self.flush()?;
        let manifest = self.manifest;
        self.new.next_seq = manifest.next_seq;
        self.new.commit(Some(manifest), |_| Ok(()))?;
        Ok(self.gone)
    }
}

fn alive(spans: &[Span]) -> Vec<Span> {
    spans.iter().filter(|span| !span.length.is_zero()).cloned().collect()
}

fn charged_ms(span: &Span) -> u64 {
    if span.activity.charged().is_some() { span.length.as_ms() } else { 0 }
}
