//! The open vault. (In memory for the moment: the API that the daemon is written against.)

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use zeroize::Zeroizing;

use crate::{History, OpenError, Opened, Places, ReadError, Row, Seq, Subjects, WriteError};

/// A vault whose history can be read and written.
pub struct Vault {
    rows: Vec<(CivilDay, Row)>,
    enforcement: Option<Zeroizing<Vec<u8>>>,
    known: Subjects,
}

impl Vault {
    /// Opens the vault of `places`, or makes one where there is none at all.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_or_create(_places: &Places) -> Result<(Self, Opened), OpenError> {
        let vault = Self { rows: Vec::new(), enforcement: None, known: Subjects::default() };
        Ok((vault, Opened { created: true, notes: Vec::new() }))
    }

    /// Records one row, durably.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was written then.
    pub fn append(&mut self, day: CivilDay, row: &Row) -> Result<Seq, WriteError> {
        self.append_all(&[(day, row.clone())])
    }

    /// Records rows, durably, all or none. Returns the last row's number.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was written then.
    pub fn append_all(&mut self, rows: &[(CivilDay, Row)]) -> Result<Seq, WriteError> {
        self.rows.extend_from_slice(rows);
        Ok(Seq(u64::try_from(self.rows.len()).unwrap_or(u64::MAX)))
    }

    /// The spans of some days, and which of these days are damaged.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&mut self, days: RangeInclusive<CivilDay>) -> Result<History, ReadError> {
        let mut history = History::default();
        self.read_each(days, |day, spans| history.spans.extend(spans.into_iter().map(|span| (day, span))))
            .map(|damaged| History { damaged, ..history })
    }

    /// Like [`Vault::read`], one day at a time: for ranges too long to hold. Returns the damaged days.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read_each(
        &mut self,
        days: RangeInclusive<CivilDay>,
        mut each: impl FnMut(CivilDay, Vec<Span>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        let named: BTreeSet<_> = self.rows.iter().map(|(d, _)| *d).filter(|d| days.contains(d)).collect();
        for day in named {
            let mut spans = BTreeMap::new();
            for (_, row) in self.rows.iter().filter(|(d, _)| *d == day) {
                let span = row.span();
                spans.insert((span.start.wall, span.start.boot), span.clone());
            }
            each(day, spans.into_values().filter(|span| !span.length.is_zero()).collect());
        }
        Ok(Vec::new())
    }

    /// The first and the last day with data, if there is any.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        let days = || self.rows.iter().map(|(day, _)| *day);
        days().min().zip(days().max())
    }

    /// Every program and domain that ever had time.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn subjects(&mut self) -> Result<&Subjects, ReadError> {
        for (_, row) in &self.rows {
            self.known.apps.extend(row.span().activity.app().cloned());
        }
        Ok(&self.known)
    }

    /// Seals the days before `today` into pages and deletes their journal rows. Returns how many days.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn seal_before(&mut self, _today: CivilDay) -> Result<usize, WriteError> {
        Ok(0)
    }

    /// The bytes last given to [`Vault::put_enforcement`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn enforcement(&self) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        Ok(self.enforcement.clone())
    }

    /// Keeps the rules and counters, durably, in place of the last ones.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn put_enforcement(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.enforcement = Some(Zeroizing::new(bytes.to_vec()));
        Ok(())
    }

    /// Leaves everything in one file, and lets go of the lock.
    pub fn close(self) {}
}
