//! A second, read-only connection for reports: it sees the vault as it was when it was made, and holds up no commit.
//!
//! It shares the vault's keys. As long as one lives, the database's log cannot be emptied, and locking the vault
//! does not take the keys out of memory: make one for a report, and drop it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use dwell_core::calendar::{Calendar, CivilDay};
use dwell_core::span::Span;

use crate::db::Db;
use crate::history::View;
use crate::keys::{Index, VaultKeys};
use crate::manifest::Manifest;
use crate::record::DayPart;
use crate::store::{Facts, OpenPart};
use crate::{History, OpenError, ReadError, Row, Totals, Vault, create};

/// Reads a vault from another thread than the one that writes it.
pub struct Reader {
    db: Db,
    facts: Facts,
    index: Arc<Index>,
    manifest: Manifest,
    parts: BTreeMap<DayPart, OpenPart>,
    running: Option<(DayPart, Row)>,
    calendar: Option<Calendar>,
    keys: Arc<VaultKeys>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader(‹redacted›)")
    }
}

impl Vault {
    /// A reader of the vault as it is now.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn reader(&self) -> Result<Reader, OpenError> {
        let store = &self.store;
        let folder = create::folder(&self.places, store.facts.generation);
        Ok(Reader {
            db: Db::open_to_read(&folder.join("db"))?,
            facts: store.facts.clone(),
            index: Arc::clone(&store.enf.index),
            manifest: store.manifest.clone(),
            parts: store.parts.clone(),
            running: store.running.clone(),
            calendar: store.calendar,
            keys: Arc::clone(&self.keys),
        })
    }
}

impl Reader {
    /// See [`Vault::read`].
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn read(&self, days: RangeInclusive<CivilDay>) -> Result<History, ReadError> {
        let mut spans = Vec::new();
        let damaged =
            self.read_each(days, |day, more| spans.extend(more.into_iter().map(|span| (day, span))))?;
        Ok(History { spans, damaged })
    }

    /// See [`Vault::read_each`].
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn read_each(
        &self,
        days: RangeInclusive<CivilDay>,
        mut each: impl FnMut(CivilDay, Vec<Span>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        let mut damaged = Vec::new();
        self.view().each_day(&days, |day| {
            damaged.extend((!day.whole).then_some(day.day));
            each(day.day, day.spans);
        })?;
        Ok(damaged)
    }

    /// See [`Vault::totals`].
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn totals(&self, days: RangeInclusive<CivilDay>) -> Result<Totals, ReadError> {
        self.view().totals(&days)
    }

    /// Runs of days of which no spans are left and [`Reader::totals`] are: the longest ones among `days`, in order.
    pub fn without_spans(&self, days: RangeInclusive<CivilDay>) -> Vec<RangeInclusive<CivilDay>> {
        self.manifest.without_spans(&days)
    }

    /// By which one knows that what some days hold is what it was: another one where any of their records is another;
    /// `None` where one is still in the journal, and may grow.
    ///
    /// For who keeps what these days came to ([`crate::Sum`]). It says nothing about the days, and new keys change it.
    pub fn mark(&self, days: RangeInclusive<CivilDay>) -> Option<[u8; 32]> {
        self.manifest.mark(&days)
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            db: &self.db,
            facts: &self.facts,
            index: &self.index,
            manifest: &self.manifest,
            parts: &self.parts,
            running: self.running.as_ref(),
            calendar: self.calendar.as_ref(),
            keys: Some(&self.keys),
        }
    }
}
