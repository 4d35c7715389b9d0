//! Taking in what another program has recorded: spans of days that are over.
//!
//! What is recorded already stays as it is, and wins: an import fills only moments of which nothing is known, those that
//! no sensor saw among them. So taking in the same once more takes nothing.
//!
//! What comes for a day becomes a further part of it, which is a sealed page from the start, with a rollup of the whole
//! day. All parts and the manifest that knows them are one commit: a kill leaves all of it or nothing.
//!
//! What this lacks: an opinion on days that are not over (their spans may still change, or are recorded and not here
//! yet), on those of which not all that was recorded can be read (damaged, or only totals are left), and on those of which
//! no spans are kept any more. Of those nothing is taken.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use dwell_core::calendar::CivilDay;
use dwell_core::count::LABEL_SLACK;
use dwell_core::span::{Activity, Span};
use dwell_core::time::{Boot, Millis, Reading, Wall};

use crate::charged::Counted;
use crate::db::Table;
use crate::error::{ReadError, WriteError};
use crate::generation::{OnProgress, Progress};
use crate::history::parts_of;
use crate::keys::{Key, VaultKeys};
use crate::manifest::{Entry, Form, Manifest, RollupEntry};
use crate::page;
use crate::record::{DayPart, Place};
use crate::rollup::block_of;
use crate::settle::drop_block;
use crate::store::Store;
use crate::tally::Tally;
use crate::tracks::Tracks;
use crate::{Row, Vault, wrap};

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The caller said stop.
    #[error("it was interrupted")]
    Interrupted,
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What is there could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Which days take something.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Days before this one are over.
    pub today: CivilDay,
    /// Of days before this one no spans are kept: see [`crate::Retention`].
    pub keep_detail: Option<CivilDay>,
    /// What is recorded, and not in the vault yet. Its days are not over before it is.
    pub held: &'a [(CivilDay, Row)],
    /// Only says what would be taken.
    pub dry_run: bool,
}

/// What was taken in, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Days of which something was taken.
    pub days: u64,
    /// The first and the last of them.
    pub ends: Option<(CivilDay, CivilDay)>,
    /// Spans that were taken.
    pub spans: u64,
    /// How long they are together.
    pub taken_ms: u64,
    /// What was left out because something is recorded of these moments.
    pub known_ms: u64,
    /// What was left out because its days are not over.
    pub later_ms: u64,
    /// What was left out because not all that is recorded of its days can be read.
    pub unread_ms: u64,
    /// What was left out because spans of its days are not kept any more.
    pub expired_ms: u64,
}

/// A part that is to be written.
struct NewPart {
    part: DayPart,
    entry: Entry,
    wrap: Vec<u8>,
    page: Vec<u8>,
    rollup: Vec<u8>,
}

impl Vault {
    /// Takes in spans of attention, and of no other kind, of the days that `terms` say. The days come in order, each once;
    /// the spans of one in the order of their start, which lies in that day. Where they overlap, the first one counts.
    /// `total` is how many days there are, for `progress`.
    ///
    /// # Errors
    /// See [`ImportError`]; nothing is taken in then.
    pub fn import(
        &mut self,
        days: impl Iterator<Item = (CivilDay, Vec<Span>)>,
        total: u64,
        terms: Terms<'_>,
        progress: OnProgress<'_>,
    ) -> Result<Imported, ImportError> {
        let keys = Arc::clone(&self.keys);
        let mut known = Known::beside(terms.held);
        let (mut imported, mut new) = (Imported::default(), Vec::new());
        for (done, (day, spans)) in (0..).zip(days) {
            go_on(progress, Progress { done, total })?;
            let given: u64 = spans.iter().map(|span| span.length.as_ms()).sum();
            match self.store.standing(day, &terms) {
                Standing::Later => imported.later_ms += given,
                Standing::Expired => imported.expired_ms += given,
                Standing::Unread => imported.unread_ms += given,
                Standing::Over => {
                    let Some(day_known) = known.around(&self.store, &keys, day)? else {
                        imported.unread_ms += given;
                        continue;
                    };
                    let filled = day_known.fill(&spans);
                    imported.known_ms += given.saturating_sub(filled.taken_ms);
                    if filled.taken_ms == 0 {
                        continue;
                    }
                    imported.taken_ms += filled.taken_ms;
                    imported.spans += filled.spans;
                    imported.days += 1;
                    imported.ends = Some((imported.ends.map_or(day, |(first, _)| first), day));
                    if !terms.dry_run {
                        new.push(self.store.new_part(&keys, day, &day_known.own, &filled.rows)?);
                    }
                }
            }
        }
        // The last moment at which stopping changes nothing.
        go_on(progress, Progress { done: total, total })?;
        if !new.is_empty() {
            self.store.add_parts(&new)?;
            self.known = None;
            // A reader may hold the log; then it is emptied at the next sealing, or on closing.
            let _ = self.store.db.empty_log();
            self.store.write_tip();
            // Rollups of 30 days are a convenience, and those that could not be made now are made next time.
            let _ = self.settle(terms.today);
        }
        Ok(imported)
    }
}

fn go_on(progress: OnProgress<'_>, how_far: Progress) -> Result<(), ImportError> {
    match progress(how_far) {
        ControlFlow::Break(()) => Err(ImportError::Interrupted),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Whether a day takes what comes from elsewhere.
enum Standing {
    /// It does.
    Over,
    /// Its spans can still change.
    Later,
    /// What is recorded of it cannot all be read.
    Unread,
    /// Its spans would go at once.
    Expired,
}

impl Store {
    fn standing(&self, day: CivilDay, terms: &Terms<'_>) -> Standing {
        let entries = || self.manifest.parts.range(parts_of(&(day..=day))).map(|(_, entry)| entry);
        let only = self.manifest.blocks.get(&block_of(day.epoch_days())).is_some_and(|block| block.only);
        if day >= terms.today || terms.held.iter().any(|(held, _)| *held == day) {
            Standing::Later
        } else if terms.keep_detail.is_some_and(|first| day < first) {
            Standing::Expired
        } else if only || entries().any(|entry| entry.damaged || entry.form == Form::Totals) {
            Standing::Unread
        } else if entries().any(|entry| entry.form == Form::Journal) {
            Standing::Later
        } else {
            Standing::Over
        }
    }

    fn new_part(
        &self,
        keys: &VaultKeys,
        day: CivilDay,
        there: &[Span],
        rows: &[Span],
    ) -> Result<NewPart, WriteError> {
        let part = self.next_part(day)?;
        let facts = &self.facts;
        let (key, place) = (Key::random()?, Place::day_key(part));
        let wrap = wrap::under_wrap_key(keys, &facts.vault_id, facts.epoch, &place, &key)?;
        let (page, digest) = page::seal(&key, &wrap, &facts.vault_id, facts.epoch, part, rows)?;
        let (mut tracks, mut counted) = (Tracks::default(), Counted::default());
        there.iter().chain(rows).for_each(|span| tracks.put(span.clone()));
        rows.iter().for_each(|span| counted.put(span));
        let whole_day = Tally::of(&tracks.into_spans(), self.calendar.as_ref());
        let (rollup, tag) = self.roll(Some(keys), part, &whole_day)?;
        // It never was in the journal, so there are no rows that it came from.
        let form = Form::Page { rows: 0, digest, end_chain: [0; 16] };
        let entry = Entry {
            totals: counted.totals(),
            rollup: Some(RollupEntry { tag, cumulative: true }),
            ..Entry::new(form, self.next_seq)
        };
        Ok(NewPart { part, entry, wrap, page, rollup })
    }

    /// One commit for all of them.
    fn add_parts(&mut self, new: &[NewPart]) -> Result<(), WriteError> {
        let mut manifest: Manifest = self.listed();
        let mut stale = Vec::new();
        for NewPart { part, entry, .. } in new {
            manifest.parts.insert(*part, entry.clone());
            stale.extend(drop_block(&mut manifest, part.day).iter().map(|place| self.enf.blind(place)));
        }
        let index = Arc::clone(&self.enf.index);
        self.commit(Some(manifest), |tx| {
            for NewPart { part, wrap, page, rollup, .. } in new {
                tx.insert(Table::Page, index.blind(&Place::page(*part)), page)?;
                tx.insert(Table::DayKey, index.blind(&Place::day_key(*part)), wrap)?;
                tx.insert(Table::Rollup, index.blind(&Place::rollup(*part)), rollup)?;
            }
            stale.iter().try_for_each(|id| tx.delete(Table::Rollup, *id))
        })
    }
}

/// What is recorded of the days around the one that is looked at; `None` for one that cannot be read whole.
struct Known<'a> {
    days: BTreeMap<CivilDay, Option<Vec<Span>>>,
    /// What is not in the vault yet.
    held: &'a [(CivilDay, Row)],
}

impl<'a> Known<'a> {
    const fn beside(held: &'a [(CivilDay, Row)]) -> Self {
        Self { days: BTreeMap::new(), held }
    }

    /// What is recorded of a day; `None` where that cannot be read whole.
    fn around(
        &mut self,
        store: &Store,
        keys: &VaultKeys,
        day: CivilDay,
    ) -> Result<Option<DayKnown>, ReadError> {
        let labels = day.plus(-LABEL_SLACK)..=day.plus(LABEL_SLACK);
        self.days.retain(|known, _| labels.contains(known));
        let mut found = DayKnown::default();
        let held = self.held.iter().filter(|(held, _)| labels.contains(held)).map(|(_, row)| row.span());
        found.others.extend(held.filter(|span| is_track(span)).map(extent));
        let mut label = *labels.start();
        loop {
            let spans = match self.days.get(&label) {
                Some(spans) => spans,
                None => {
                    let mut read = Some(Vec::new());
                    store.view(Some(keys)).each_day(&(label..=label), |day| {
                        read = day.whole.then_some(day.spans);
                    })?;
                    self.days.entry(label).or_insert(read)
                }
            };
            match spans {
                Some(spans) if label == day => found.own.clone_from(spans),
                Some(spans) => found.others.extend(spans.iter().filter(|span| is_track(span)).map(extent)),
                None if label == day => return Ok(None),
                None => {}
            }
            if label >= *labels.end() {
                break;
            }
            label = label.plus(1);
        }
        Ok(Some(found))
    }
}

/// What is recorded of one day.
#[derive(Default)]
struct DayKnown {
    /// Under this day.
    own: Vec<Span>,
    /// From when to when something is recorded under a day near to it, by another calendar.
    others: Vec<(i64, i64)>,
}

/// What a day takes.
#[derive(Default)]
struct Filled {
    /// What is new, and what is left of unobserved spans, in the order of their start.
    rows: Vec<Span>,
    /// How many of these are new.
    spans: u64,
    taken_ms: u64,
}

impl DayKnown {
    fn fill(&self, spans: &[Span]) -> Filled {
        let seen = self.own.iter().filter(|span| is_track(span) && span.activity != Activity::Unobserved);
        let taken = joined(self.others.iter().copied().chain(seen.map(extent)));
        let mut filled = Filled::default();
        let (mut near, mut end) = (0, i64::MIN);
        for span in spans {
            let (from, to) = extent(span);
            let from = from.max(end);
            for (from, to) in gaps(&taken, &mut near, from, to) {
                // A boot that was at the epoch: whose it was is not known, and then the two clocks never differ.
                let start = Reading::new(Boot::from_ms(from.unsigned_abs()), Wall::from_unix_ms(from));
                let length = Millis::from_ms(to.abs_diff(from));
                filled.taken_ms += length.as_ms();
                filled.rows.push(Span { start, length, activity: span.activity.clone() });
            }
            end = end.max(to);
        }
        filled.spans = filled.rows.len() as u64;
        let new = joined(filled.rows.iter().map(extent));
        let mut near = 0;
        let unobserved = self.own.iter().filter(|span| span.activity == Activity::Unobserved);
        for span in unobserved {
            let (from, to) = extent(span);
            let left = gaps(&new, &mut near, from, to);
            if left == [(from, to)] {
                continue;
            }
            // A row with its start takes its place, also where nothing of it is left there.
            if left.first().is_none_or(|(first, _)| *first != from) {
                filled.rows.push(Span { length: Millis::ZERO, ..span.clone() });
            }
            filled.rows.extend(left.iter().map(|(first, end)| {
                let into = Millis::from_ms(first.abs_diff(from));
                let start = Reading::new(span.start.boot + into, span.start.wall + into);
                Span { start, length: Millis::from_ms(end.abs_diff(*first)), activity: Activity::Unobserved }
            }));
        }
        filled.rows.sort_by_key(Tracks::key);
        filled
    }
}

/// Whether a span is of the one track of attention, in which spans never overlap.
fn is_track(span: &Span) -> bool {
    !matches!(span.activity, Activity::Audible(_))
}

fn extent(span: &Span) -> (i64, i64) {
    (span.start.wall.as_unix_ms(), span.end_wall().as_unix_ms())
}

/// Stretches in order, none touching the next.
fn joined(stretches: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut all: Vec<(i64, i64)> = stretches.filter(|(from, to)| from < to).collect();
    all.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(all.len());
    for (from, to) in all {
        match joined.last_mut() {
            Some((_, end)) if *end >= from => *end = to.max(*end),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// What of `[from, to)` no stretch takes. Later calls come with later stretches: `near` is where they are looked for.
fn gaps(taken: &[(i64, i64)], near: &mut usize, from: i64, to: i64) -> Vec<(i64, i64)> {
    while taken.get(*near).is_some_and(|(_, end)| *end <= from) {
        *near += 1;
    }
    let (mut gaps, mut at) = (Vec::new(), from);
    for (start, end) in taken.iter().skip(*near).take_while(|(start, _)| *start < to) {
        if *start > at {
            gaps.push((at, *start));
        }
        at = at.max(*end);
    }
    if at < to {
        gaps.push((at, to));
    }
    gaps
}
