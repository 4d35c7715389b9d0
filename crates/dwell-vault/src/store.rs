//! The store: a generation's files, and all that can be done with them while the vault is sealed. It holds K_enf and
//! the day keys of open journal parts, but not VK: it appends and seals, and cannot read a sealed day.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::span::{Activity, Span};
use zeroize::Zeroizing;

use crate::charged::Counted;
use crate::db::{Db, Table};
use crate::enforcement;
use crate::envelope::SHARE;
use crate::error::{OpenError, Part, ReadError, WriteError};
use crate::history::View;
use crate::journal::{End, Sealing};
use crate::keys::{EnfKeys, Key, NoRandom, VaultKeys};
use crate::manifest::{Entry, Form, Lists, Manifest, RollupEntry};
use crate::names::Numbers;
use crate::page;
use crate::record::{DayPart, Place, SealError};
use crate::recover::minute;
use crate::row::Row;
use crate::running::{Ready, RunningFile};
use crate::settle::drop_block;
use crate::tally::Tally;
use crate::tip::TipFile;
use crate::tracks::Tracks;
use crate::wrap;

/// What the header says that sealing needs.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) vault_id: [u8; 16],
    pub(crate) epoch: u32,
    pub(crate) generation: u64,
    pub(crate) public_key: [u8; SHARE],
    /// The header's digest.
    pub(crate) header: [u8; 32],
    pub(crate) header_revision: u32,
}

impl Facts {
    /// A new key, wrapped so that only an open vault can use it again.
    pub(crate) fn wrap(&self, place: &Place, key: &Key) -> Result<Vec<u8>, NoRandom> {
        wrap::to_public_key(&self.public_key, &self.vault_id, self.epoch, place, key)
    }
}

/// A part of a day that is in the journal.
#[derive(Clone, Debug)]
pub(crate) struct OpenPart {
    /// Its day key; `None` where that is lost, or locked away while the vault is sealed.
    pub(crate) key: Option<Arc<Key>>,
    /// Rows so far: the next one's ordinal.
    pub(crate) rows: u32,
    /// The last row's tag.
    pub(crate) chain: [u8; 16],
    /// Unix minute in which the last row's span began.
    pub(crate) minute: u32,
    /// How much time its rows hold.
    pub(crate) counted: Counted,
    /// The names that its rows have said; none where there is no key, for then it takes no rows.
    pub(crate) names: Numbers,
}

impl OpenPart {
    /// Puts its key out of memory, and what else would tell of it.
    pub(crate) fn lock(&mut self) {
        self.key = None;
        self.names = Numbers::default();
    }
}

/// A part that a commit adds rows to.
struct Growing {
    part: DayPart,
    /// The key of a part that is new.
    key: Option<Arc<Key>>,
    end: End,
    minute: u32,
}

/// One generation's database and tip.
pub(crate) struct Store {
    pub(crate) db: Db,
    pub(crate) facts: Facts,
    pub(crate) enf: EnfKeys,
    pub(crate) tip: TipFile,
    pub(crate) running_file: RunningFile,
    /// The running span's checkpoint, where it is in that file and not in the journal yet.
    pub(crate) running: Option<(DayPart, Row)>,
    pub(crate) manifest: Manifest,
    /// SHA-256 of the sealed record of the manifest's root.
    pub(crate) manifest_digest: [u8; 32],
    /// Its lists on the disk.
    pub(crate) lists: Lists,
    /// The manifest in memory says more than the one on the disk; the next commit writes all of it.
    pub(crate) manifest_changed: bool,
    pub(crate) parts: BTreeMap<DayPart, OpenPart>,
    pub(crate) next_seq: u64,
    pub(crate) read_only: bool,
    /// By which a rollup's hours are counted; of UTC without.
    pub(crate) calendar: Option<Calendar>,
}

impl Store {
    /// Fills a new generation's folder, durably: an empty database with its manifest, and a tip.
    pub(crate) fn create(folder: &Path, facts: &Facts, enf: EnfKeys) -> Result<Self, OpenError> {
        let db = Db::create(&folder.join("db"))?;
        let path = folder.join("tip");
        let mut enf = enf;
        let (tip, _) = TipFile::open(&path, &mut enf, &facts.vault_id, facts.generation)
            .map_err(|e| OpenError::io(&path, e))?;
        let path = folder.join("running");
        let (running_file, _) = RunningFile::open(&path, &mut enf, &facts.vault_id, facts.generation)
            .map_err(|e| OpenError::io(&path, e))?;
        let path = folder.join("tip");
        let mut store = Self {
            db,
            facts: facts.clone(),
            enf,
            tip,
            running_file,
            running: None,
            manifest: Manifest { next_seq: 1, ..Manifest::default() },
            manifest_digest: [0; 32],
            lists: Lists::new(),
            manifest_changed: true,
            parts: BTreeMap::new(),
            next_seq: 1,
            read_only: false,
            calendar: None,
        };
        store.commit(None, |_| Ok(()))?;
        store.db.empty_log()?;
        store.write_tip();
        store.tip.sync().map_err(|e| OpenError::io(&path, e))?;
        Ok(store)
    }

    /// Records rows, all or none. Returns the last one's number; a checkpoint beside the journal has none yet, and the
    /// one before it counts.
    pub(crate) fn append(&mut self, rows: &[(CivilDay, Row)]) -> Result<u64, WriteError> {
        if let [(day, row @ Row::Checkpoint(_))] = rows
            && self.run_on(*day, row)?
        {
            return Ok(self.next_seq - 1);
        }
        let Some((part, row)) = self.running.take() else { return self.record(rows) };
        let in_its_place = |(day, new): &(CivilDay, Row)| *day == part.day && is_later_of(new, &row);
        let recorded = if rows.iter().any(in_its_place) {
            self.record(rows)
        } else {
            self.record(&[&[(part.day, row.clone())], rows].concat())
        };
        if recorded.is_err() {
            self.running = Some((part, row));
        }
        recorded
    }

    /// Puts the running span's checkpoint into the journal: whatever is done next sees one place only.
    pub(crate) fn settle_running(&mut self) -> Result<(), WriteError> {
        if self.running.is_some() { self.append(&[]).map(drop) } else { Ok(()) }
    }

    /// Writes a checkpoint beside the journal, if it can be the next row as it stands: alone, of a part that goes on,
    /// with names that were said before.
    fn run_on(&mut self, day: CivilDay, row: &Row) -> Result<bool, WriteError> {
        let span = row.span();
        let other = self.running.as_ref().is_some_and(|(of, old)| of.day != day || !is_later_of(row, old));
        if other || self.read_only || self.manifest_changed || span.length.is_zero() {
            return Ok(false);
        }
        let Some(Growing { part, mut end, .. }) = self.writable(day) else { return Ok(false) };
        let Some(open) = self.parts.get(&part) else { return Ok(false) };
        let Some(key) = open.key.clone() else { return Ok(false) };
        let Facts { vault_id, epoch, generation, .. } = self.facts;
        let (rows, chain) = (end.rows, end.chain);
        let to = Sealing { key: &key, vault_id: &vault_id, epoch, part };
        let (mut seq, mut sealed) = (self.next_seq, Vec::new());
        end.put(&to, &open.names, row, &mut seq, &mut sealed)?;
        let names_are_new = !end.said.apps.is_empty() || !end.said.domains.is_empty();
        let ([(seq, sealed)], false) = (&mut sealed[..], names_are_new) else { return Ok(false) };
        let ready = Ready {
            part,
            seq: *seq,
            rows,
            chain,
            minute: minute(span.start.wall.as_unix_ms()),
            totals: open.counted.totals_with(span),
            sealed: std::mem::take(sealed),
        };
        // Where it cannot be written there, the journal may still take it.
        if self.running_file.write(&ready, &mut self.enf, &vault_id, generation).is_err() {
            return Ok(false);
        }
        self.running = Some((part, row.clone()));
        Ok(true)
    }

    fn record(&mut self, rows: &[(CivilDay, Row)]) -> Result<u64, WriteError> {
        if rows.is_empty() {
            return Ok(self.next_seq - 1);
        }
        let mut growing: BTreeMap<CivilDay, Growing> = BTreeMap::new();
        let mut manifest: Option<Manifest> = None;
        let mut stale = Vec::new();
        let (mut wraps, mut sealed) = (Vec::new(), Vec::with_capacity(rows.len()));
        let mut seq = self.next_seq;
        let nothing = Numbers::default();
        for (day, row) in rows {
            let state = match growing.entry(*day) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => match self.writable(*day) {
                    Some(state) => entry.insert(state),
                    None => {
                        let part = self.next_part(*day)?;
                        let key = Arc::new(Key::random()?.held());
                        let place = Place::day_key(part);
                        wraps.push((self.enf.blind(&place), self.facts.wrap(&place, &key)?));
                        let entry_of = Entry::new(Form::Journal, seq);
                        let manifest = manifest.get_or_insert_with(|| self.listed());
                        manifest.parts.insert(part, entry_of);
                        let dropped = drop_block(manifest, *day);
                        stale.extend(dropped.iter().map(|place| self.enf.blind(place)));
                        entry.insert(Growing { part, key: Some(key), end: End::default(), minute: 0 })
                    }
                },
            };
            let open = self.parts.get(&state.part);
            let key = state.key.as_deref().or_else(|| open?.key.as_deref());
            let key = key.ok_or(WriteError::Corrupt { what: Part::Database })?;
            // A row may need some for its names.
            if state.end.rows > u32::MAX - 16 {
                return Err(WriteError::DayFull { day: *day });
            }
            let Facts { vault_id, epoch, .. } = &self.facts;
            let to = Sealing { key, vault_id, epoch: *epoch, part: state.part };
            let known = open.map_or(&nothing, |open| &open.names);
            state.end.put(&to, known, row, &mut seq, &mut sealed)?;
            state.minute = minute(row.span().start.wall.as_unix_ms());
        }
        if let Some(manifest) = &mut manifest {
            manifest.next_seq = seq;
        }
        match &sealed[..] {
            // What most commits are, and SQLite makes a transaction of a single statement by itself.
            [(seq, blob)] if manifest.is_none() && !self.manifest_changed => {
                if self.read_only {
                    return Err(WriteError::ReadOnly);
                }
                self.db.append_row(*seq, blob)?;
            }
            _ => self.commit(manifest, |tx| {
                for (id, wrap) in &wraps {
                    tx.insert(Table::DayKey, *id, wrap)?;
                }
                stale.iter().try_for_each(|id| tx.delete(Table::Rollup, *id))?;
                sealed.iter().try_for_each(|(seq, blob)| tx.insert_row(*seq, blob))
            })?,
        }
        for (day, row) in rows {
            let Some(state) = growing.get_mut(day) else { continue };
            let open = self.parts.entry(state.part).or_insert_with(|| OpenPart {
                key: state.key.take(),
                rows: 0,
                chain: [0; 16],
                minute: 0,
                counted: Counted::default(),
                names: Numbers::default(),
            });
            (open.rows, open.chain, open.minute) = (state.end.rows, state.end.chain, state.minute);
            open.names.extend(std::mem::take(&mut state.end.said));
            open.counted.put(row.span());
        }
        self.next_seq = seq;
        self.write_tip();
        Ok(seq - 1)
    }

    /// The part of a day that takes rows, where it has one: its last one, unless that is sealed or damaged.
    fn writable(&self, day: CivilDay) -> Option<Growing> {
        let (part, entry) = self.last_part(day)?;
        let open = self.parts.get(&part).filter(|open| open.key.is_some() && !entry.damaged)?;
        let end = End { rows: open.rows, chain: open.chain, said: Numbers::default() };
        Some(Growing { part, key: None, end, minute: open.minute })
    }

    fn last_part(&self, day: CivilDay) -> Option<(DayPart, &Entry)> {
        let all = DayPart { day, part: 0 }..=DayPart { day, part: u16::MAX };
        self.manifest.parts.range(all).next_back().map(|(part, entry)| (*part, entry))
    }

    pub(crate) fn next_part(&self, day: CivilDay) -> Result<DayPart, WriteError> {
        let part = match self.last_part(day) {
            None => 0,
            Some((last, _)) => last.part.checked_add(1).ok_or(WriteError::DayFull { day })?,
        };
        Ok(DayPart { day, part })
    }

    /// What reading takes, with the vault's keys or without.
    pub(crate) fn view<'a>(&'a self, keys: Option<&'a VaultKeys>) -> View<'a> {
        let Self { db, facts, manifest, parts, running, .. } = self;
        let calendar = self.calendar.as_ref();
        View { db, facts, index: &self.enf.index, manifest, parts, running: running.as_ref(), calendar, keys }
    }

    /// Turns the open parts of days before `today` into pages and rollups, with the vault's keys or without.
    pub(crate) fn seal_before(
        &mut self,
        today: CivilDay,
        keys: Option<&VaultKeys>,
    ) -> Result<usize, WriteError> {
        self.settle_running()?;
        let earlier: Vec<DayPart> =
            self.parts.range(..DayPart { day: today, part: 0 }).map(|(part, _)| *part).collect();
        let (mut sealed, mut first_error) = (0, None);
        for part in earlier {
            let Some(key) = self.parts.get(&part).and_then(|open| open.key.clone()) else { continue };
            match self.seal(part, &key, keys) {
                Ok(done) => sealed += usize::from(done),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        if sealed > 0 {
            // A reader may hold the log; then it is emptied at the next sealing, or on closing.
            let _ = self.db.empty_log();
            self.write_tip();
        }
        first_error.map_or(Ok(sealed), Err)
    }

    /// Leaves everything in one file.
    pub(crate) fn close(&mut self) {
        // Failing here costs nothing: it is taken in when the vault is next opened.
        let _ = self.settle_running();
        // Failing here costs nothing: what is in the log is read from there next time.
        let _ = self.db.empty_log();
        let _ = self.tip.sync();
    }

    /// Turns an open part into a page and a rollup. `false`: nothing of it can be read.
    fn seal(&mut self, part: DayPart, key: &Key, keys: Option<&VaultKeys>) -> Result<bool, WriteError> {
        let journal = self.view(None).journal(part);
        let Some(open) = self.parts.get(&part) else { return Ok(false) };
        let Some(entry) = self.manifest.parts.get(&part).filter(|_| !journal.rows.is_empty()) else {
            return Ok(false);
        };
        let (seqs, whole) = (journal.seqs, journal.whole);
        let mut tracks = Tracks::default();
        journal.rows.into_iter().for_each(|row| tracks.put(row.into_span()));
        let rows = tracks.into_rows();
        // A later part may hold the word that an earlier one's span is void, and must keep it.
        let is_first = self.manifest.parts.range(..part).next_back().is_none_or(|(p, _)| p.day != part.day);
        let spans: Vec<Span> = rows.into_iter().filter(|s| !is_first || !s.length.is_zero()).collect();
        let Facts { vault_id, epoch, .. } = self.facts;
        let place = Place::day_key(part);
        let wrap = match keys {
            Some(keys) => wrap::under_wrap_key(keys, &vault_id, epoch, &place, key)?,
            None => self.facts.wrap(&place, key)?,
        };
        let (page, digest) = page::seal(key, &wrap, &vault_id, epoch, part, &spans)?;
        // Of this part alone; where it is not the day's first, an open vault makes one of the whole day.
        let alive: Vec<Span> = spans.into_iter().filter(|span| !span.length.is_zero()).collect();
        let tally = Tally::of(&alive, self.calendar.as_ref());
        let (roll, tag) = self.roll(keys, part, &tally)?;
        let form = Form::Page { rows: open.rows, digest, end_chain: open.chain };
        let sealed = Entry {
            damaged: entry.damaged || !whole,
            totals: open.counted.totals(),
            rollup: Some(RollupEntry { tag, cumulative: is_first }),
            blind: keys.is_none(),
            ..Entry::new(form, entry.first_seq)
        };
        let mut manifest = self.listed();
        manifest.parts.insert(part, sealed);
        let (page_id, key_id) = (self.enf.blind(&Place::page(part)), self.enf.blind(&place));
        let roll_id = self.enf.blind(&Place::rollup(part));
        self.commit(Some(manifest), |tx| {
            tx.insert(Table::Page, page_id, &page)?;
            tx.insert(Table::Rollup, roll_id, &roll)?;
            tx.put(Table::DayKey, key_id, &wrap)?;
            seqs.iter().try_for_each(|seq| tx.delete_row(*seq))
        })?;
        self.parts.remove(&part);
        Ok(true)
    }

    /// The manifest, with what the open parts hold by now.
    pub(crate) fn listed(&self) -> Manifest {
        let mut manifest = self.manifest.clone();
        for (part, open) in &self.parts {
            if let Some(entry) = manifest.parts.get_mut(part) {
                entry.totals = open.counted.totals();
            }
        }
        manifest
    }

    /// Marks a part as damaged; said again by the next commit, so that it is not forgotten.
    pub(crate) fn mark_damaged(&mut self, part: DayPart) {
        if let Some(entry) = self.manifest.parts.get_mut(&part).filter(|entry| !entry.damaged) {
            entry.damaged = true;
            self.manifest_changed = true;
        }
    }

    /// The enforcement record's bytes.
    pub(crate) fn enforcement(&self) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let place = Place::enforcement(self.facts.generation);
        let corrupt = ReadError::Corrupt { what: Part::Enforcement };
        let Some(sealed) = self.db.get(Table::Enforcement, self.enf.blind(&place))? else {
            return if self.manifest.enforcement { Err(corrupt) } else { Ok(None) };
        };
        enforcement::open(&self.enf, &self.facts.vault_id, &place, &sealed).map(Some).ok_or(corrupt)
    }

    /// Puts the enforcement record in place of the last one.
    pub(crate) fn put_enforcement(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let place = Place::enforcement(self.facts.generation);
        let sealed = enforcement::seal(&mut self.enf, &self.facts.vault_id, &place, bytes)?;
        let manifest =
            (!self.manifest.enforcement).then(|| Manifest { enforcement: true, ..self.manifest.clone() });
        let id = self.enf.blind(&place);
        self.commit(manifest, |tx| tx.put(Table::Enforcement, id, &sealed))?;
        self.write_tip();
        Ok(())
    }
}

impl From<NoRandom> for WriteError {
    fn from(error: NoRandom) -> Self {
        SealError::from(error).into()
    }
}

/// Whether a row says of the same span how it went on: of the same track, as [`crate::tracks`] has them.
fn is_later_of(new: &Row, old: &Row) -> bool {
    let same_track = match (&new.span().activity, &old.span().activity) {
        (Activity::Audible(new), Activity::Audible(old)) => new == old,
        (Activity::Audible(_), _) | (_, Activity::Audible(_)) => false,
        _ => true,
    };
    same_track && new.span().start == old.span().start
}
