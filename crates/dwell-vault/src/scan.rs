//! Spans as they stand in a page: names by number, listed once a day. For reports that go over years of spans and sum
//! up by name, a tenth of the work that spans with names of their own are.

use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_core::subject::{AppId, Domain};
use dwell_core::time::{Millis, Reading};

use crate::activity;
use crate::columns::{self, Columns};
use crate::history::{View, parts_of};
use crate::manifest::Form;
use crate::page::Unpacking;
use crate::{ReadError, Reader, Vault};

/// What kind of activity a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityKind {
    /// A program had the focus.
    Focus,
    /// A program had it, in private.
    Private,
    /// A program could be heard.
    Audible,
    /// No sensor saw the time.
    Unobserved,
}

impl ActivityKind {
    pub(crate) const fn of(code: u8) -> Option<Self> {
        match code {
            activity::FOCUS => Some(Self::Focus),
            activity::PRIVATE => Some(Self::Private),
            activity::AUDIBLE => Some(Self::Audible),
            activity::UNOBSERVED => Some(Self::Unobserved),
            _ => None,
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Focus => activity::FOCUS,
            Self::Private => activity::PRIVATE,
            Self::Audible => activity::AUDIBLE,
            Self::Unobserved => activity::UNOBSERVED,
        }
    }
}

/// A span with its names' places in the day's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// When it began, by both clocks.
    pub start: Reading,
    /// How long it is.
    pub length: Millis,
    /// What it is of.
    pub kind: ActivityKind,
    /// Its program in [`Scanned::apps`]; only what is unobserved has none.
    pub app: Option<u32>,
    /// Its domain in [`Scanned::domains`].
    pub domain: Option<u32>,
}

/// One day's spans.
#[derive(Clone, Copy, Debug)]
pub struct Scanned<'a> {
    /// The day.
    pub day: CivilDay,
    /// The names of programs, in no order.
    pub apps: &'a [AppId],
    /// The names of domains, in no order.
    pub domains: &'a [Domain],
    /// The spans, by start in wall time.
    pub spans: &'a [Numbered],
}

impl Vault {
    /// Like [`Vault::read_each`], with names by number.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn scan(
        &self,
        days: RangeInclusive<CivilDay>,
        each: impl FnMut(Scanned<'_>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        self.store.view(Some(&self.keys)).scan(&days, each)
    }
}

impl Reader {
    /// See [`Vault::scan`].
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn scan(
        &self,
        days: RangeInclusive<CivilDay>,
        each: impl FnMut(Scanned<'_>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        self.view().scan(&days, each)
    }
}

impl View<'_> {
    fn scan(
        &self,
        days: &RangeInclusive<CivilDay>,
        mut each: impl FnMut(Scanned<'_>),
    ) -> Result<Vec<CivilDay>, ReadError> {
        let mut damaged = Vec::new();
        if days.is_empty() {
            return Ok(damaged);
        }
        let (mut columns, mut unpacking) = (Columns::default(), Unpacking::default());
        let mut parts = self.manifest.parts.range(parts_of(days)).peekable();
        while let Some((part, entry)) = parts.next() {
            let day = part.day;
            let alone = parts.peek().is_none_or(|(next, _)| next.day != day);
            let whole = if let (Form::Page { digest, .. }, true, Some(keys)) = (&entry.form, alone, self.keys)
            {
                match self.packed(keys, *part, digest)? {
                    Some(packed) => unpacking.columns(&packed, &mut columns).is_some() && !entry.damaged,
                    None => false,
                }
            } else {
                while parts.next_if(|(next, _)| next.day == day).is_some() {}
                let mut whole = true;
                self.each_day(&(day..=day), |read| {
                    columns = columns_of(&read.spans);
                    whole = read.whole;
                })?;
                whole
            };
            damaged.extend((!whole).then_some(day));
            columns.spans.retain(|span| !span.length.is_zero());
            let Columns { apps, domains, spans } = &columns;
            each(Scanned { day, apps, domains, spans });
            columns.spans.clear();
        }
        Ok(damaged)
    }
}

/// The same from spans that have their names.
fn columns_of(spans: &[Span]) -> Columns {
    let mut columns = Columns::default();
    // What was just encoded reads back.
    let _ = columns::decode_into(&columns::encode(spans), &mut columns);
    columns
}
