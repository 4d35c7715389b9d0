//! The sealed vault: it records and enforces, and cannot read the days before.
//!
//! # Architecture invariant
//!
//! No value of this type holds VK, a key of a sealed day, or anything that either could be derived from. Day keys
//! are those of parts that this process itself began, or was writing when the vault was locked; each goes when its
//! part is sealed.

use std::fmt;
use std::fs::File;
use std::ops::RangeInclusive;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::span::Span;
use zeroize::Zeroizing;

use crate::header::MINOR;
use crate::open::Absent;
use crate::slot::{self, SlotInfo};
use crate::store::Store;
use crate::unlock::{self, Keys, Unlock, UnlockError};
use crate::{
    Info, KnownBackup, OpenError, Opened, Places, ReadError, Row, Seq, Vault, WriteError, create, open,
};

/// A vault, open or sealed.
#[derive(Debug)]
pub enum State {
    /// A key fitted: history can be read.
    Open(Vault),
    /// None did, or none was there to try.
    Sealed {
        /// The vault.
        vault: SealedVault,
        /// Why each key that was tried did not fit, in their order.
        refused: Vec<UnlockError>,
    },
}

impl State {
    /// Opens the vault of `places` as far as `keys` allow, or makes one with key files where there is none at all.
    ///
    /// # Errors
    /// See [`OpenError`]. Keys that do not fit are no error as long as K_enf is there.
    pub fn open(places: &Places, keys: &Keys) -> Result<(Self, Opened), OpenError> {
        open::open(places, keys, Absent::Make)
    }

    /// The same for a vault that is there: never makes one, nor the folder for it. For a daemon that waits for its key
    /// while the person's folder may go.
    ///
    /// # Errors
    /// See [`OpenError`]: [`OpenError::NoVault`] where there is none.
    pub fn open_existing(places: &Places, keys: &Keys) -> Result<(Self, Opened), OpenError> {
        open::open(places, keys, Absent::Refuse)
    }
}

/// A vault of which only K_enf is at hand.
pub struct SealedVault {
    pub(crate) store: Store,
    places: Places,
    // Declared last, so that it is given up only when the files are closed.
    lock: File,
}

impl fmt::Debug for SealedVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedVault(‹redacted›)")
    }
}

/// Spans read back while the vault is sealed, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedHistory {
    /// Each span that can be read, with the day to which it was charged.
    pub spans: Vec<(CivilDay, Span)>,
    /// Days of which something could not be read for another reason than that it is sealed.
    pub damaged: Vec<CivilDay>,
    /// Days of which something is sealed.
    pub sealed: Vec<SealedDay>,
}

/// What a sealed vault still knows of a day that it cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedDay {
    /// The day.
    pub day: CivilDay,
    /// Milliseconds of attention in the parts that cannot be read. With those of the spans that can be, they are
    /// what was charged.
    pub charged_ms: u64,
    /// Milliseconds in these parts that no sensor observed.
    pub unobserved_ms: u64,
}

impl SealedVault {
    pub(crate) const fn new(store: Store, places: Places, lock: File) -> Self {
        Self { store, places, lock }
    }

    /// Records one row of a day: when this returns, neither a kill nor a power loss takes it away.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was written then.
    pub fn append(&mut self, day: CivilDay, row: &Row) -> Result<Seq, WriteError> {
        self.append_all(&[(day, row.clone())])
    }

    /// Records rows in one durable commit, all or none. Returns the last one's number; of no rows, that of the last
    /// row before. A day that was begun before this process, or before the vault was locked, goes on in a part of
    /// its own.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was written then.
    pub fn append_all(&mut self, rows: &[(CivilDay, Row)]) -> Result<Seq, WriteError> {
        if rows.is_empty() {
            return Ok(Seq(self.store.next_seq - 1));
        }
        self.store.append(rows).map(Seq)
    }

    /// Seals those parts of days before `today` whose keys are still here into pages, and drops the keys: from then
    /// on this process cannot read them either. Returns how many pages that made.
    ///
    /// # Errors
    /// See [`WriteError`]: the first one that a part met; the other parts are sealed, and the part is still in the
    /// journal.
    pub fn seal_before(&mut self, today: CivilDay) -> Result<usize, WriteError> {
        self.store.seal_before(today, None)
    }

    /// The spans of some days as far as they can be read, and how much of each day cannot.
    ///
    /// After a kill or power loss, what is sealed may be short of the last commit, and after a row that changes a
    /// span of an earlier part, both count; once the vault is open all is exact.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn read(&self, days: RangeInclusive<CivilDay>) -> Result<SealedHistory, ReadError> {
        let mut history = SealedHistory::default();
        self.store.view(None).each_day(&days, |day| {
            history.damaged.extend((!day.whole).then_some(day.day));
            if day.sealed != crate::charged::Charged::default() {
                let (charged_ms, unobserved_ms) = (day.sealed.charged_ms, day.sealed.unobserved_ms);
                history.sealed.push(SealedDay { day: day.day, charged_ms, unobserved_ms });
            }
            history.spans.extend(day.spans.into_iter().map(|span| (day.day, span)));
        })?;
        Ok(history)
    }

    /// Sets by which zone's hours rollups count from now on; without, they count those of UTC.
    pub fn set_calendar(&mut self, calendar: Calendar) {
        self.store.calendar = Some(calendar);
    }

    /// The first and the last day with data, if there is any. Reads nothing from the disk.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        self.store.manifest.days()
    }

    /// What the vault is, as the open one tells it.
    ///
    /// # Errors
    /// See [`OpenError`]: the header cannot be read any more.
    pub fn info(&self) -> Result<Info, OpenError> {
        self.store.info(&self.places)
    }

    /// See [`Vault::known_backups`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn known_backups(&self) -> Result<Vec<KnownBackup>, ReadError> {
        self.store.backups()
    }

    /// The slots that are taken: what could open the vault.
    ///
    /// # Errors
    /// See [`OpenError`]: the header cannot be read any more.
    pub fn slots(&self) -> Result<Vec<SlotInfo>, OpenError> {
        let folder = create::folder(&self.places, self.store.facts.generation);
        Ok(slot::list(&open::read_header(&folder.join("hdr"))?.header.slots))
    }

    /// The bytes last given to [`SealedVault::put_enforcement`] or the open vault's; `None` if there never were any.
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

    /// Opens the vault with a key.
    ///
    /// # Errors
    /// See [`UnlockError`]; the sealed vault comes back with it, as it was.
    pub fn unlock(self, unlock: &Unlock) -> Result<Vault, (Box<Self>, UnlockError)> {
        match self.opened_by(unlock) {
            Ok((keys, store)) => {
                let Self { store: sealed, places, lock } = self;
                drop(sealed);
                let mut vault = Vault::new(store, keys, places, lock);
                // What cannot be recorded now stays where it is.
                let _ = vault.take_spills();
                Ok(vault)
            }
            Err(error) => Err((Box::new(self), error)),
        }
    }

    /// The same files once more, with the vault's keys: what a restart with this key would find.
    fn opened_by(&self, unlock: &Unlock) -> Result<(crate::keys::VaultKeys, Store), UnlockError> {
        let facts = &self.store.facts;
        let folder = create::folder(&self.places, facts.generation);
        let parsed = open::read_header(&folder.join("hdr"))?;
        let (keys, _) = unlock::vault_keys(&parsed, unlock)?;
        let enf = self.store.enf.again(&facts.vault_id);
        let read_only = parsed.header.minor > MINOR;
        let mut notes = Vec::new();
        let store = open::open_store(&folder, open::facts(&parsed), enf, Some(&keys), read_only, &mut notes)?;
        Ok((keys, store))
    }

    /// Leaves everything in one file, and lets go of the lock.
    pub fn close(mut self) {
        self.store.close();
    }
}
