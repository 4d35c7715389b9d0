//! Where answers about the past are read from.

use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_core::time::Millis;
use dwell_vault::{ReadError, Reader, Row};

use super::Shelf;

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Each span that can be read, with the day to which it was charged, in the order of time within each day.
    pub spans: Vec<(CivilDay, Span)>,
    /// Days of which records are damaged.
    pub damaged: Vec<CivilDay>,
    /// What was charged on days that are locked away, and cannot be read for now.
    pub sealed: Vec<(CivilDay, Millis)>,
}

/// Something that can be read.
pub enum Source<'a> {
    /// An open vault on a connection of its own, with the rows that it could not take yet.
    Reader {
        /// The vault as it was.
        reader: Box<Reader>,
        /// What is held in memory.
        held: Vec<(CivilDay, Row)>,
        /// The first and the last day with data.
        days: Option<(CivilDay, CivilDay)>,
    },
    /// Whatever the store has.
    Shelf(&'a mut Shelf),
}

impl Source<'_> {
    /// The spans of some days, those that are still held included.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn read(&mut self, days: RangeInclusive<CivilDay>) -> Result<Past, ReadError> {
        match self {
            Self::Reader { reader, held, .. } => {
                let history = reader.read(days.clone())?;
                let mut past = Past { spans: history.spans, damaged: history.damaged, sealed: Vec::new() };
                past.add_held(held, &days);
                Ok(past)
            }
            Self::Shelf(shelf) => shelf.read(days),
        }
    }

    /// The first and the last day with data, if there is any.
    pub fn days(&self) -> Option<(CivilDay, CivilDay)> {
        match self {
            Self::Reader { days, .. } => *days,
            Self::Shelf(shelf) => shelf.days(),
        }
    }
}

impl Past {
    /// Adds rows that are held: each takes the place of what was recorded of the same span before.
    pub(super) fn add_held(&mut self, held: &[(CivilDay, Row)], days: &RangeInclusive<CivilDay>) {
        if held.is_empty() {
            return;
        }
        for (day, row) in held.iter().filter(|(day, _)| days.contains(day)) {
            let span = row.span();
            self.spans.retain(|(_, old)| old.start != span.start);
            if !span.length.is_zero() {
                self.spans.push((*day, span.clone()));
            }
        }
        self.spans.sort_by_key(|(day, span)| (*day, span.start.wall, span.start.boot));
    }
}
