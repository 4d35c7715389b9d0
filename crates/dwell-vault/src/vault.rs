//! The open vault: a store, and the keys that read its history.

use std::fmt;
use std::fs::File;
use std::ops::RangeInclusive;
use std::sync::Arc;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::span::Span;
use zeroize::Zeroizing;

use crate::activity;
use crate::keys::VaultKeys;
use crate::sealed::SealedVault;
use crate::store::Store;
use crate::{History, OpenError, Opened, Places, ReadError, Row, Seq, Subjects, WriteError, open};

/// A vault whose history can be read and written. One process at a time has it; dropping it without
/// [`Vault::close`] loses nothing.
pub struct Vault {
    pub(crate) store: Store,
    pub(crate) keys: Arc<VaultKeys>,
    pub(crate) known: Option<Subjects>,
    pub(crate) places: Places,
    // Declared last, so that it is given up only when the files are closed.
    pub(crate) lock: File,
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

    pub(crate) fn new(store: Store, keys: VaultKeys, places: Places, lock: File) -> Self {
        Self { store, keys: Arc::new(keys), known: None, places, lock }
    }

    /// Puts the vault's key out of memory. Recording and enforcing go on; of what is in the journal, only the
    /// latest day can still be read.
    pub fn lock(self) -> SealedVault {
        let Self { mut store, places, lock, .. } = self;
        // Failing here costs nothing: it can be recorded later.
        let _ = store.settle_running();
        let latest = store.parts.last_key_value().map(|(part, _)| part.day);
        for (part, open) in &mut store.parts {
            if Some(part.day) != latest {
                open.lock();
            }
        }
        SealedVault::new(store, places, lock)
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> (&Store, &VaultKeys) {
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
        mut each: impl FnMut(CivilDay, Vec<Span>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        let mut damaged = Vec::new();
        self.store.view(Some(&self.keys)).each_day(&days, |day| {
            damaged.extend((!day.whole).then_some(day.day));
            each(day.day, day.spans);
        })?;
        Ok(damaged)
    }

    /// The first and the last day with data, if there is any. Reads nothing from the disk.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        self.store.manifest.days()
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
                // By number: ten years have millions of spans, and few names.
                self.scan(CivilDay::MIN..=CivilDay::MAX, |day| {
                    let mut used = (vec![false; day.apps.len()], vec![false; day.domains.len()]);
                    let mark = |used: &mut [bool], number: Option<u32>| {
                        let number = number.and_then(|number| usize::try_from(number).ok());
                        number
                            .and_then(|number| used.get_mut(number))
                            .into_iter()
                            .for_each(|used| *used = true);
                    };
                    for span in day.spans {
                        mark(&mut used.0, span.app);
                        mark(&mut used.1, span.domain);
                    }
                    for (app, _) in day.apps.iter().zip(used.0).filter(|(_, used)| *used) {
                        if !known.apps.contains(app) {
                            known.apps.insert(app.clone());
                        }
                    }
                    for (domain, _) in day.domains.iter().zip(used.1).filter(|(_, used)| *used) {
                        if !known.domains.contains(domain) {
                            known.domains.insert(domain.clone());
                        }
                    }
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
        let keys = Arc::clone(&self.keys);
        let sealed = self.store.seal_before(today, Some(&keys));
        // Rollups are a convenience, and one that could not be made now is made next time.
        let _ = self.settle(today);
        sealed
    }

    /// Sets by which zone's hours rollups count from now on; without, they count those of UTC.
    pub fn set_calendar(&mut self, calendar: Calendar) {
        self.store.calendar = Some(calendar);
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
    pub fn close(mut self) {
        self.store.close();
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
