//! Reading spans back, out of journal and pages.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use rusqlite::ErrorCode;

use crate::db::Table;
use crate::error::ReadError;
use crate::keys::VaultKeys;
use crate::manifest::{Entry, Form};
use crate::page::Stored;
use crate::record::{DayPart, Place};
use crate::store::Store;
use crate::tracks::Tracks;
use crate::wrap;

/// Gives each day's spans to `each`, in order. Returns the days of which something could not be read.
pub(crate) fn each_day(
    store: &Store,
    keys: &VaultKeys,
    days: &RangeInclusive<CivilDay>,
    mut each: impl FnMut(CivilDay, Vec<Span>),
) -> Result<Vec<CivilDay>, ReadError> {
    let mut damaged = BTreeSet::new();
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let range = DayPart { day: *days.start(), part: 0 }..=DayPart { day: *days.end(), part: u16::MAX };
    let mut parts = store.manifest.parts.range(range).peekable();
    while let Some((part, entry)) = parts.next() {
        let mut tracks = Tracks::default();
        let mut whole = put_part(store, keys, *part, entry, &mut tracks)?;
        while let Some((next, entry)) = parts.next_if(|(next, _)| next.day == part.day) {
            whole &= put_part(store, keys, *next, entry, &mut tracks)?;
        }
        if !whole {
            damaged.insert(part.day);
        }
        each(part.day, tracks.into_spans());
    }
    Ok(damaged.into_iter().collect())
}

/// Puts what can be read of a part; `false` where that is not all.
fn put_part(
    store: &Store,
    keys: &VaultKeys,
    part: DayPart,
    entry: &Entry,
    tracks: &mut Tracks,
) -> Result<bool, ReadError> {
    let whole = match &entry.form {
        Form::Journal => {
            let (rows, whole) = store.journal(part);
            rows.into_iter().for_each(|row| tracks.put(row.row.into_span()));
            whole
        }
        Form::Page { digest, .. } => match page(store, keys, part, digest)? {
            Some(spans) => {
                spans.into_iter().for_each(|span| tracks.put(span));
                true
            }
            None => false,
        },
    };
    Ok(whole && !entry.damaged)
}

fn page(
    store: &Store,
    keys: &VaultKeys,
    part: DayPart,
    known: &[u8; 32],
) -> Result<Option<Vec<Span>>, ReadError> {
    let facts = &store.facts;
    let Some(bytes) = get(store, Table::Page, &Place::page(part))? else { return Ok(None) };
    let Some(stored) = Stored::parse(&bytes).filter(|stored| stored.digest() == *known) else {
        return Ok(None);
    };
    // The day key stands in two places, so that losing one costs nothing.
    if let Some(key) = wrap::open(keys, &facts.vault_id, facts.epoch, part, stored.wrap)
        && let Some(spans) = stored.open(&key, &facts.vault_id, facts.epoch, part)
    {
        return Ok(Some(spans));
    }
    let Some(wrap) = get(store, Table::DayKey, &Place::day_key(part))? else { return Ok(None) };
    Ok(wrap::open(keys, &facts.vault_id, facts.epoch, part, &wrap)
        .and_then(|key| stored.open(&key, &facts.vault_id, facts.epoch, part)))
}

/// A blob, or `None` where it is not there or lies in a damaged place.
fn get(store: &Store, table: Table, place: &Place) -> Result<Option<Vec<u8>>, ReadError> {
    match store.db.get(table, store.enf.blind(place)) {
        Ok(blob) => Ok(blob),
        Err(e) => match e.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            | None => Ok(None),
            Some(ErrorCode::TooBig) => Ok(None),
            Some(_) => Err(e.into()),
        },
    }
}
