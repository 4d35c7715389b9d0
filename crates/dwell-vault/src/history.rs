//! Reading spans back, out of journal and pages.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::span::Span;
use rusqlite::ErrorCode;
use zeroize::Zeroizing;

use crate::chain::Chain;
use crate::charged::Charged;
use crate::db::{Db, Table};
use crate::error::ReadError;
use crate::journal;
use crate::keys::{Index, Key, VaultKeys};
use crate::manifest::{Entry, Form, Manifest};
use crate::names::{Nameless, Names};
use crate::page::Stored;
use crate::record::{DayPart, Place};
use crate::row::Row;
use crate::store::{Facts, OpenPart};
use crate::tracks::Tracks;
use crate::wrap;

/// Everything that reading takes; of the store, or of a reader with a connection of its own.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) db: &'a Db,
    pub(crate) facts: &'a Facts,
    pub(crate) index: &'a Index,
    pub(crate) manifest: &'a Manifest,
    pub(crate) parts: &'a BTreeMap<DayPart, OpenPart>,
    /// The running span's checkpoint, which is not in the journal yet.
    pub(crate) running: Option<&'a (DayPart, Row)>,
    /// By which hours are counted; of UTC without.
    pub(crate) calendar: Option<&'a Calendar>,
    /// `None` while the vault is sealed.
    pub(crate) keys: Option<&'a VaultKeys>,
}

/// One day as read.
pub(crate) struct Day {
    pub(crate) day: CivilDay,
    pub(crate) spans: Vec<Span>,
    /// Nothing of it was found to be lost.
    pub(crate) whole: bool,
    /// What is there, but sealed.
    pub(crate) sealed: Charged,
}

/// What of an open part's journal can be read.
#[derive(Default)]
pub(crate) struct Journal {
    /// Its spans' rows, in order.
    pub(crate) rows: Vec<Row>,
    /// The numbers of all its rows, in order.
    pub(crate) seqs: Vec<u64>,
    /// That is all that there ever was.
    pub(crate) whole: bool,
}

/// The parts of some days, in order.
pub(crate) fn parts_of(days: &RangeInclusive<CivilDay>) -> RangeInclusive<DayPart> {
    DayPart { day: *days.start(), part: 0 }..=DayPart { day: *days.end(), part: u16::MAX }
}

impl View<'_> {
    /// Gives each day that has records to `each`, in order.
    pub(crate) fn each_day(
        &self,
        days: &RangeInclusive<CivilDay>,
        mut each: impl FnMut(Day),
    ) -> Result<(), ReadError> {
        if days.is_empty() {
            return Ok(());
        }
        let mut parts = self.manifest.parts.range(parts_of(days)).peekable();
        while let Some((part, entry)) = parts.next() {
            let alone = parts.peek().is_none_or(|(next, _)| next.day != part.day);
            if let (Form::Page { digest, .. }, true, Some(keys)) = (&entry.form, alone, self.keys) {
                // Nothing in it supersedes anything else: it was sealed in this order, once.
                let spans = self.page(keys, *part, digest)?;
                let whole = spans.is_some() && !entry.damaged;
                let mut spans = spans.unwrap_or_default();
                spans.retain(|span| !span.length.is_zero());
                each(Day { day: part.day, spans, whole, sealed: Charged::default() });
                continue;
            }
            let mut tracks = Tracks::default();
            let mut sealed = Charged::default();
            let mut whole = self.put_part(*part, entry, &mut tracks, &mut sealed)?;
            while let Some((next, entry)) = parts.next_if(|(next, _)| next.day == part.day) {
                whole &= self.put_part(*next, entry, &mut tracks, &mut sealed)?;
            }
            each(Day { day: part.day, spans: tracks.into_spans(), whole, sealed });
        }
        Ok(())
    }

    /// Puts what can be read of a part; `false` where something is lost.
    pub(crate) fn put_part(
        &self,
        part: DayPart,
        entry: &Entry,
        tracks: &mut Tracks,
        sealed: &mut Charged,
    ) -> Result<bool, ReadError> {
        let mut keep_sealed = |totals: Charged| {
            sealed.charged_ms = sealed.charged_ms.saturating_add(totals.charged_ms);
            sealed.unobserved_ms = sealed.unobserved_ms.saturating_add(totals.unobserved_ms);
            true
        };
        let whole = match (&entry.form, self.keys) {
            (Form::Journal, keys) => match self.parts.get(&part) {
                Some(open) if open.key.is_none() && keys.is_none() => keep_sealed(open.counted.totals()),
                _ => {
                    let journal = self.journal(part);
                    journal.rows.into_iter().for_each(|row| tracks.put(row.into_span()));
                    journal.whole
                }
            },
            (Form::Totals, Some(_)) => true,
            (Form::Page { .. } | Form::Totals, None) => keep_sealed(entry.totals),
            (Form::Page { digest, .. }, Some(keys)) => match self.page(keys, part, digest)? {
                Some(spans) => {
                    spans.into_iter().for_each(|span| tracks.put(span));
                    true
                }
                None => false,
            },
        };
        Ok(whole && !entry.damaged)
    }

    /// What can be read of an open part.
    pub(crate) fn journal(&self, part: DayPart) -> Journal {
        let mut found = Journal::default();
        let Some(open) = self.parts.get(&part) else { return found };
        let Some(key) = &open.key else { return found };
        let first = self.manifest.parts.get(&part).map_or(0, |entry| entry.first_seq);
        let mut rows = Vec::new();
        let sound = self.db.rows(first, |seq, sealed| {
            rows.extend(journal::open(key, &self.facts.vault_id, self.facts.epoch, part, seq, sealed));
        });
        rows.sort_by_key(|row| row.link.ordinal);
        let chain = Chain::of(rows.iter().map(|row| (row.seq, row.link)));
        found.whole = sound && chain.is_whole() && chain.rows == open.rows && chain.end == open.chain;
        let mut names = Names::default();
        for row in &rows {
            found.seqs.push(row.seq);
            match names.read(row.link.ordinal, &row.said) {
                Ok(row) => found.rows.extend(row),
                Err(Nameless) => found.whole = false,
            }
        }
        found.rows.extend(self.running.filter(|(of, _)| *of == part).map(|(_, row)| row.clone()));
        found
    }

    /// A page's spans; `None` where it cannot be read or is not the one that the manifest knows.
    pub(crate) fn page(
        &self,
        keys: &VaultKeys,
        part: DayPart,
        known: &[u8; 32],
    ) -> Result<Option<Vec<Span>>, ReadError> {
        let facts = self.facts;
        self.page_by(keys, part, known, |page, key| page.open(key, &facts.vault_id, facts.epoch, part))
    }

    /// The same, still packed.
    pub(crate) fn packed(
        &self,
        keys: &VaultKeys,
        part: DayPart,
        known: &[u8; 32],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let facts = self.facts;
        self.page_by(keys, part, known, |page, key| page.open_packed(key, &facts.vault_id, facts.epoch, part))
    }

    fn page_by<T>(
        &self,
        keys: &VaultKeys,
        part: DayPart,
        known: &[u8; 32],
        open: impl Fn(&Stored<'_>, &Key) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        let facts = self.facts;
        let Some(bytes) = self.get(Table::Page, &Place::page(part))? else { return Ok(None) };
        let Some(stored) = Stored::parse(&bytes).filter(|stored| stored.digest() == *known) else {
            return Ok(None);
        };
        // The day key stands in two places, so that losing one costs nothing.
        let place = Place::day_key(part);
        if let Some(key) = wrap::open(keys, &facts.vault_id, facts.epoch, &place, stored.wrap)
            && let Some(opened) = open(&stored, &key)
        {
            return Ok(Some(opened));
        }
        let Some(wrap) = self.get(Table::DayKey, &place)? else { return Ok(None) };
        Ok(wrap::open(keys, &facts.vault_id, facts.epoch, &place, &wrap).and_then(|key| open(&stored, &key)))
    }

    /// Whether all that there should be of a part opens; what is inside a page is not looked at.
    pub(crate) fn opens(&self, keys: &VaultKeys, part: DayPart, entry: &Entry) -> Result<bool, ReadError> {
        match &entry.form {
            Form::Journal => Ok(self.journal(part).whole),
            Form::Page { digest, .. } => Ok(self.packed(keys, part, digest)?.is_some()),
            Form::Totals => Ok(true),
        }
    }

    /// A blob, or `None` where it is not there or lies in a damaged place.
    pub(crate) fn get(&self, table: Table, place: &Place) -> Result<Option<Vec<u8>>, ReadError> {
        match self.db.get(table, self.index.blind(place)) {
            Ok(blob) => Ok(blob),
            Err(e) => match e.sqlite_error_code() {
                Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                | None => Ok(None),
                Some(ErrorCode::TooBig) => Ok(None),
                Some(_) => Err(e.into()),
            },
        }
    }
}
