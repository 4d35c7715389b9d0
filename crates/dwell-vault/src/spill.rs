//! What is recorded before K_enf is there: spans that the daemon holds in memory, sealed to the header's public key
//! in files of their own, so that a kill or a power loss while a keyring is still locked costs no more than the last
//! batch.
//!
//! `vault/spill.N`, one a process: `"dwellspl" | version u16 | 0 u16`, then batches, `length u32 | key sealed by
//! HPKE[80] | sealed record`. A record holds `count u32`, then for each row `row u8 | activity u8 | day u32 | boot ms
//! u64 | wall ms i64 | length ms u64 | app length u8 | app | domain length u8 | domain`, padded with zeros to 4 KiB · 2ⁿ.
//!
//! # Architecture invariant
//!
//! Nothing vouches for a spill: the header cannot be checked without a key (whoever swaps it reads what is spilled),
//! and whoever knows the public key can write one. It is taken in when the vault is open, never replaces a row that
//! the vault has, and is bound to vault and epoch.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_core::subject::{AppId, Domain};
use dwell_core::time::{Boot, Millis, Reading, Wall};
use zeroize::Zeroizing;

use crate::charged::Charged;
use crate::create::Found;
use crate::envelope::{self, SEALED_KEY, SHARE};
use crate::error::Part;
use crate::keys::{Key, VaultKeys};
use crate::record::{self, OVERHEAD, Place, RECORD_MAX};
use crate::store::Store;
use crate::tracks::{TrackKey, Tracks};
use crate::wire::{Short, Wire};
use crate::{OpenError, Places, Row, Vault, WriteError, activity, create, lock, open, restore};

const MAGIC: &[u8; 8] = b"dwellspl";
const VERSION: u16 = 1;
const HEAD: usize = 12;
const STEP: usize = 4 << 10;
/// No file that is longer is read: a row a second for a week is half of it.
const FILE_MAX: u64 = 256 << 20;
/// No honest span is longer than its day, with an hour of daylight saving.
const SPAN_MAX: Millis = Millis::from_mins(25 * 60);
const DAY_MS: i64 = 86_400_000;

/// A place for what cannot be recorded yet. Holds the vault's lock.
pub struct Spill {
    file: File,
    path: PathBuf,
    facts: Sealing,
    /// Up to where whole batches stand.
    length: u64,
    batches: u64,
    // Declared last, so that it is given up only when the file is closed.
    _lock: File,
}

struct Sealing {
    vault_id: [u8; 16],
    epoch: u32,
    public_key: [u8; SHARE],
}

impl fmt::Debug for Spill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spill(‹redacted›)")
    }
}

/// A spill that is closed. Once its rows are recorded from memory, it is to be removed.
#[derive(Debug)]
#[must_use = "rows that were recorded from memory make the file useless; until the vault is open it stays"]
pub struct Spilled {
    path: PathBuf,
}

/// What came of taking spills in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Rows that are recorded now.
    pub rows: u64,
    /// Rows that the vault had already, or a later one in their place.
    pub known: u64,
    /// Batches and rows that were refused: damaged, of another vault or time, or absurd.
    pub refused: u64,
    /// The days of those that are recorded now.
    pub days: BTreeSet<CivilDay>,
}

impl Spill {
    /// Begins a spill for the vault of `places`, whose K_enf is not at hand.
    ///
    /// # Errors
    /// See [`OpenError`]: there is no vault ([`Part::Current`]), or another process has it.
    pub fn open(places: &Places) -> Result<Self, OpenError> {
        create::private_folder(&places.data_dir)?;
        let lock = lock::take(&places.lock())?;
        restore::finish(places)?;
        let generation = match create::survey(places)? {
            Found::Vault(generation) => generation,
            Found::Nothing { .. } | Found::Unfinished(_) => {
                return Err(OpenError::Corrupt { what: Part::Current });
            }
        };
        let header = open::read_header(&create::folder(places, generation).join("hdr"))?.header;
        let facts = Sealing { vault_id: header.vault_id, epoch: header.epoch, public_key: header.public_key };
        let number = files(places)?.keys().next_back().map_or(1, |last| last.saturating_add(1));
        let path = places.vault().join(format!("spill.{number}"));
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..10].copy_from_slice(&VERSION.to_le_bytes());
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = made.and_then(|file| file.write_all_at(&head, 0).map(|()| file));
        let file = file.map_err(|e| OpenError::io(&path, e))?;
        create::sync(&path)?;
        create::sync(&places.vault())?;
        Ok(Self { file, path, facts, length: HEAD as u64, batches: 0, _lock: lock })
    }

    /// Adds rows, durably. Give each row once, and the open span's checkpoint each time.
    ///
    /// # Errors
    /// See [`WriteError`]; what was put before is still there then.
    pub fn put(&mut self, rows: &[(CivilDay, Row)]) -> Result<(), WriteError> {
        if rows.is_empty() {
            return Ok(());
        }
        let batch = self.seal(rows)?;
        let written = (|| {
            // What a failed try left behind the last whole batch.
            self.file.set_len(self.length)?;
            self.file.write_all_at(&batch, self.length)?;
            self.file.sync_data()
        })();
        written.map_err(|error: io::Error| match OpenError::io(&self.path, error) {
            OpenError::DiskFull => WriteError::DiskFull,
            OpenError::ReadOnly => WriteError::ReadOnly,
            _ => WriteError::Corrupt { what: Part::Spill },
        })?;
        self.length += batch.len() as u64;
        self.batches += 1;
        Ok(())
    }

    fn seal(&self, rows: &[(CivilDay, Row)]) -> Result<Vec<u8>, WriteError> {
        let Sealing { vault_id, epoch, public_key } = &self.facts;
        let place = Place::spill(self.batches);
        let key = Key::random()?;
        let sealed_key = envelope::seal(
            public_key,
            &envelope::info(vault_id, *epoch),
            &place.aad(vault_id, *epoch),
            &key,
        )?;
        let sealed = record::seal(&key, vault_id, *epoch, &place, &encode(rows)?)?;
        let length = u32::try_from(SEALED_KEY + sealed.len())
            .map_err(|_| WriteError::TooLong { bytes: sealed.len() })?;
        let mut batch = Vec::with_capacity(4 + SEALED_KEY + sealed.len());
        batch.extend_from_slice(&length.to_le_bytes());
        batch.extend_from_slice(&sealed_key);
        batch.extend_from_slice(&sealed);
        Ok(batch)
    }

    /// Closes it and gives up the lock, so that the vault can be opened.
    pub fn close(self) -> Spilled {
        Spilled { path: self.path }
    }
}

impl Spilled {
    /// Removes it, durably: its rows have been recorded from memory. One that an opening has taken in is gone already.
    ///
    /// # Errors
    /// See [`OpenError`]; it is taken in when the vault is next open, and changes nothing then.
    pub fn remove(self) -> Result<(), OpenError> {
        remove(&self.path)
    }
}

impl Vault {
    /// Records what was spilled, and removes the spills. Opening does this by itself; after
    /// [`crate::SealedVault::unlock`] and for what could not be recorded then (a full disk), it can be asked for.
    /// A kill in between costs nothing, and doing it twice changes nothing.
    ///
    /// # Errors
    /// See [`WriteError`]; the spills that were not recorded are still there.
    pub fn take_spills(&mut self) -> Result<Taken, WriteError> {
        let mut taken = Taken::default();
        let unreadable = |_| WriteError::Corrupt { what: Part::Spill };
        for path in files(&self.places).map_err(unreadable)?.into_values() {
            if self.store.read_only {
                return Err(WriteError::ReadOnly);
            }
            let rows = read(&path, &self.store, &self.keys, &mut taken).map_err(unreadable)?;
            let new = self.unknown(rows, &mut taken)?;
            if !new.is_empty() {
                self.append_all(&new)?;
            }
            taken.rows += new.len() as u64;
            taken.days.extend(new.iter().map(|(day, _)| *day));
            remove(&path).map_err(unreadable)?;
        }
        Ok(taken)
    }

    /// Of each start and track the last row, unless the vault has one already: that was recorded later, from memory.
    fn unknown(
        &self,
        rows: Vec<(CivilDay, Row)>,
        taken: &mut Taken,
    ) -> Result<Vec<(CivilDay, Row)>, WriteError> {
        let mut last: BTreeMap<(CivilDay, TrackKey), Row> = BTreeMap::new();
        for (day, row) in rows {
            last.insert((day, Tracks::key(row.span())), row);
        }
        let days: BTreeSet<CivilDay> = last.keys().map(|(day, _)| *day).collect();
        let view = self.store.view(Some(&self.keys));
        for day in days {
            let mut there = Tracks::default();
            for (part, entry) in self.store.manifest.parts.range(crate::history::parts_of(&(day..=day))) {
                view.put_part(*part, entry, &mut there, &mut Charged::default())?;
            }
            for span in there.into_rows() {
                taken.known += u64::from(last.remove(&(day, Tracks::key(&span))).is_some());
            }
        }
        Ok(last.into_iter().map(|((day, _), row)| (day, row)).collect())
    }
}

/// The spills that are there, by number.
fn files(places: &Places) -> Result<BTreeMap<u64, PathBuf>, OpenError> {
    let vault = places.vault();
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(&vault).map_err(|e| OpenError::io(&vault, e))? {
        let entry = entry.map_err(|e| OpenError::io(&vault, e))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("spill."));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            files.insert(number, entry.path());
        }
    }
    Ok(files)
}

fn remove(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(OpenError::io(path, e)),
        Ok(()) => {}
    }
    create::sync(path.parent().unwrap_or(Path::new(".")))
}

/// A spill's rows, in the order in which they were put. A last batch that is not whole was never acknowledged.
fn read(
    path: &Path,
    store: &Store,
    keys: &VaultKeys,
    taken: &mut Taken,
) -> Result<Vec<(CivilDay, Row)>, OpenError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| OpenError::io(path, e))?;
    file.take(FILE_MAX).read_to_end(&mut bytes).map_err(|e| OpenError::io(path, e))?;
    let mut wire = Wire::new(&bytes);
    let head = wire.array().ok().zip(wire.u16().ok()).zip(wire.u16().ok());
    let mut rows = Vec::new();
    if head != Some(((*MAGIC, VERSION), 0)) {
        taken.refused += u64::from(bytes.len() > HEAD);
        return Ok(rows);
    }
    for number in 0.. {
        let batch = wire.u32().and_then(|length| wire.take(usize::try_from(length).map_err(|_| Short)?));
        let Ok(batch) = batch else { break };
        match open_batch(store, keys, number, batch).map(|plain| decode(&plain)) {
            Some(Ok(found)) => {
                let (sane, absurd): (Vec<_>, Vec<_>) =
                    found.into_iter().partition(|(day, row)| is_sane(*day, row.span()));
                taken.refused += absurd.len() as u64;
                rows.extend(sane);
            }
            Some(Err(Short)) | None => taken.refused += 1,
        }
    }
    Ok(rows)
}

fn open_batch(store: &Store, keys: &VaultKeys, number: u64, batch: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (vault_id, epoch) = (&store.facts.vault_id, store.facts.epoch);
    let place = Place::spill(number);
    let (key, sealed) = batch.split_first_chunk::<SEALED_KEY>()?;
    let key = envelope::open(&keys.seed, &envelope::info(vault_id, epoch), &place.aad(vault_id, epoch), key)?;
    record::open(&key, vault_id, epoch, &place, sealed).ok()
}

/// As much as can be told without a key that vouches: a span is no longer than a day, and begins near its own.
fn is_sane(day: CivilDay, span: &Span) -> bool {
    let from = i64::from(day.epoch_days()) * DAY_MS;
    let start = span.start.wall.as_unix_ms();
    span.length <= SPAN_MAX && start >= from - DAY_MS && start < from + 3 * DAY_MS
}

pub(crate) fn encode(rows: &[(CivilDay, Row)]) -> Result<Zeroizing<Vec<u8>>, WriteError> {
    let too_long = |bytes| WriteError::TooLong { bytes };
    // Reserved whole, so that it never grows and leaves a part of itself behind.
    let most = 4 + rows.len().saturating_mul(1 + 1 + 4 + 24 + 2 * 256);
    let mut size = STEP;
    while size < most + OVERHEAD {
        size *= 2;
    }
    if size > RECORD_MAX {
        return Err(too_long(most));
    }
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    out.extend_from_slice(&u32::try_from(rows.len()).map_err(|_| too_long(most))?.to_le_bytes());
    for (day, row) in rows {
        let span = row.span();
        let app = span.activity.app().map_or("", AppId::as_str).as_bytes();
        let domain = activity::domain(&span.activity).map_or("", Domain::as_str).as_bytes();
        out.push(u8::from(matches!(row, Row::Checkpoint(_))));
        out.push(activity::code(&span.activity));
        out.extend_from_slice(&day.epoch_days().to_le_bytes());
        out.extend_from_slice(&span.start.boot.as_ms().to_le_bytes());
        out.extend_from_slice(&span.start.wall.as_unix_ms().to_le_bytes());
        out.extend_from_slice(&span.length.as_ms().to_le_bytes());
        for name in [app, domain] {
            out.push(u8::try_from(name.len()).map_err(|_| too_long(name.len()))?);
            out.extend_from_slice(name);
        }
    }
    // As long as it has to be, not as long as it might have been.
    let mut padded = STEP;
    while padded < out.len() + OVERHEAD {
        padded *= 2;
    }
    out.resize(padded - OVERHEAD, 0);
    Ok(out)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<(CivilDay, Row)>, Short> {
    let mut wire = Wire::new(bytes);
    let count = wire.u32()?;
    let mut rows = Vec::new();
    for _ in 0..count {
        let (row, code) = (wire.u8()?, wire.u8()?);
        let day = i32::try_from(wire.u32()?).map_err(|_| Short)?;
        let day = Some(CivilDay::from_epoch_days(day)).filter(|d| d.epoch_days() == day).ok_or(Short)?;
        let start = Reading::new(Boot::from_ms(wire.u64()?), Wall::from_unix_ms(wire.i64()?));
        let length = Millis::from_ms(wire.u64()?);
        let app = name(&mut wire)?.map(AppId::new).transpose().map_err(|_| Short)?;
        let domain = name(&mut wire)?.map(Domain::new).transpose().map_err(|_| Short)?;
        let activity = activity::of(code, app, domain).ok_or(Short)?;
        let span = Span { start, length, activity };
        rows.push((
            day,
            match row {
                0 => Row::Span(span),
                1 => Row::Checkpoint(span),
                _ => return Err(Short),
            },
        ));
    }
    Ok(rows)
}

fn name<'a>(wire: &mut Wire<'a>) -> Result<Option<&'a str>, Short> {
    let length = usize::from(wire.u8()?);
    let text = std::str::from_utf8(wire.take(length)?).map_err(|_| Short)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_span, day};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_read_back(rows in proptest::collection::vec((0..9_i32, any_span(), any::<bool>()), 0..20)) {
            let rows: Vec<(CivilDay, Row)> = rows
                .into_iter()
                .map(|(d, span, open)| (day(d), if open { Row::Checkpoint(span) } else { Row::Span(span) }))
                .collect();
            let bytes = encode(&rows).unwrap();
            prop_assert_eq!((bytes.len() + OVERHEAD) % STEP, 0);
            prop_assert_eq!(decode(&bytes).unwrap(), rows);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn the_size_of_a_batch_does_not_count_its_rows() {
        let size = |count: usize| {
            let row = Row::Span(crate::samples::span(5, 9, "editor", None));
            encode(&vec![(day(0), row); count]).unwrap().len()
        };
        assert_eq!(size(1), size(60));
    }
}
