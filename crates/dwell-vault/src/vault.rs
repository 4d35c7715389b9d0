//! The open vault: a store, and the keys that read its history.

use std::fmt;
use std::fs::File;
use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use zeroize::Zeroizing;

use crate::activity;
use crate::keys::VaultKeys;
use crate::record::DayPart;
use crate::store::Store;
use crate::{
    History, OpenError, Opened, Places, ReadError, Row, Seq, Subjects, WriteError, history, open, wrap,
};

/// A vault whose history can be read and written. One process at a time has it; dropping it without
/// [`Vault::close`] loses nothing.
pub struct Vault {
    store: Store,
    keys: VaultKeys,
    known: Option<Subjects>,
    // Declared last, so that it is given up only when the files are closed.
    _lock: File,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(‹redacted›)")
    }
}

impl Vault {
    /// Opens the vault of `places`, or makes one where there is none at all: neither vault nor key file.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing that is there is ever overwritten; a creation that was cut off is finished or done
    /// again.
    pub fn open_or_create(places: &Places) -> Result<(Self, Opened), OpenError> {
        open::open_or_create(places)
    }

    pub(crate) const fn new(store: Store, keys: VaultKeys, lock: File) -> Self {
        Self { store, keys, known: None, _lock: lock }
    }

    #[cfg(test)]
    pub(crate) const fn parts(&self) -> (&Store, &VaultKeys) {
        (&self.store, &self.keys)
    }

    /// Records one row of a day: when this returns, neither a kill nor a power loss takes it away.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was written then.
    pub fn append(&mut self, day: CivilDay, row: &Row) -> Result<Seq, WriteError> {
        self.append_all(&[(day, row.clone())])
    }

    /// Records rows in one durable commit, all or none. Returns the last one's number; of no rows, that of the last
    /// row before.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was written then.
    pub fn append_all(&mut self, rows: &[(CivilDay, Row)]) -> Result<Seq, WriteError> {
        if rows.is_empty() {
            return Ok(Seq(self.store.next_seq - 1));
        }
        let last = self.store.append(rows)?;
        if let Some(known) = &mut self.known {
            rows.iter().for_each(|(_, row)| learn(known, row.span()));
        }
        Ok(Seq(last))
    }

    /// The spans of some days, and which of these days are damaged.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn read(&mut self, days: RangeInclusive<CivilDay>) -> Result<History, ReadError> {
        let mut spans = Vec::new();
        let damaged =
            self.read_each(days, |day, more| spans.extend(more.into_iter().map(|span| (day, span))))?;
        Ok(History { spans, damaged })
    }

    /// Like [`Vault::read`], one day at a time, for ranges too long to hold in memory: calls `each` for each day
    /// that has data, and returns the damaged days.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn read_each(
        &mut self,
        days: RangeInclusive<CivilDay>,
        each: impl FnMut(CivilDay, Vec<Span>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        history::each_day(&self.store, &self.keys, &days, each)
    }

    /// The first and the last day with data, if there is any. Reads nothing from the disk.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        let parts = &self.store.manifest.parts;
        let (first, _) = parts.first_key_value()?;
        let (last, _) = parts.last_key_value()?;
        Some((first.day, last.day))
    }

    /// Every program and domain that ever had time. The first call reads all pages; later ones know.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn subjects(&mut self) -> Result<&Subjects, ReadError> {
        let known = match self.known.take() {
            Some(known) => known,
            None => {
                let mut known = Subjects::default();
                self.read_each(CivilDay::MIN..=CivilDay::MAX, |_, spans| {
                    spans.iter().for_each(|span| learn(&mut known, span));
                })?;
                known
            }
        };
        Ok(self.known.insert(known))
    }

    /// Seals the days before `today` into pages and deletes their journal rows, from the log as well. Returns how
    /// many pages that made. Call it once no provisional span can touch those days any more; rows that come for
    /// them later are kept all the same, in a further part.
    ///
    /// # Errors
    /// See [`WriteError`]: the first one that a part met; the other parts are sealed, and the part is still in the
    /// journal.
    pub fn seal_before(&mut self, today: CivilDay) -> Result<usize, WriteError> {
        let earlier: Vec<DayPart> =
            self.store.parts.range(..DayPart { day: today, part: 0 }).map(|(p, _)| *p).collect();
        let (mut sealed, mut first_error) = (0, None);
        for part in earlier {
            match self.seal(part) {
                Ok(done) => sealed += usize::from(done),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        if sealed > 0 {
            // A reader may hold the log; then it is emptied at the next sealing, or on closing.
            let _ = self.store.db.empty_log();
            self.store.write_tip();
        }
        first_error.map_or(Ok(sealed), Err)
    }

    fn seal(&mut self, part: DayPart) -> Result<bool, WriteError> {
        let Some(key) = self.store.parts.get(&part).and_then(|open| open.key.as_ref()) else {
            return Ok(false);
        };
        let facts = &self.store.facts;
        let wrap = wrap::under_wrap_key(&self.keys, &facts.vault_id, facts.epoch, part, key)?;
        self.store.seal(part, &wrap)
    }

    /// The bytes last given to [`Vault::put_enforcement`]; `None` if there never were any.
    ///
    /// # Errors
    /// See [`ReadError`]: a damaged record is an error, never `None`.
    pub fn enforcement(&self) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        self.store.enforcement()
    }

    /// Keeps the rules and counters, durably, in place of the last ones. At most 16 MiB.
    ///
    /// # Errors
    /// See [`WriteError`]; the last ones are still there then.
    pub fn put_enforcement(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.store.put_enforcement(bytes)
    }

    /// Leaves everything in one file, and lets go of the lock.
    pub fn close(self) {
        // Failing here costs nothing: what is in the log is read from there next time.
        let _ = self.store.db.empty_log();
        let _ = self.store.tip.sync();
    }
}

fn learn(known: &mut Subjects, span: &Span) {
    if let Some(app) = span.activity.app()
        && !known.apps.contains(app)
    {
        known.apps.insert(app.clone());
    }
    if let Some(domain) = activity::domain(&span.activity)
        && !known.domains.contains(domain)
    {
        known.domains.insert(domain.clone());
    }
}
