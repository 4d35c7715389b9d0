//! Where answers about the past are read from.

use std::ops::RangeInclusive;

use dwell_core::calendar::CivilDay;
use dwell_core::count::is_part_of;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::Subject;
use dwell_core::time::{Millis, Reading};
use dwell_vault::{ActivityKind, Numbered, ReadError, Reader, Row, Scanned};

use super::{Found, Shelf};

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

/// A stretch of attention, of which no more is told than what who asks makes of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention<T> {
    /// When it began.
    pub start: Reading,
    /// How long it lasted.
    pub length: Millis,
    /// What was made of its subject.
    pub to: T,
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
        /// What days came to, for later reports.
        found: Found,
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

    /// The attention of some days, rows that are still held included, in the order of time. What belongs to the `open` span
    /// is left out. `tell` says what a subject is to who asks.
    ///
    /// Each name is looked at once a day, and none is copied: for questions that go over years of spans.
    ///
    /// # Errors
    /// See [`ReadError`]; damage to single days is none.
    pub fn attention<T: Copy>(
        &mut self,
        days: RangeInclusive<CivilDay>,
        open: Option<&Span>,
        mut tell: impl FnMut(&Subject) -> T,
    ) -> Result<Vec<Attention<T>>, ReadError> {
        let mut found = match self {
            Self::Reader { reader, held, .. } if !held.iter().any(|(day, _)| days.contains(day)) => {
                let mut found = Vec::new();
                reader.scan(days, |day| add_scanned(&mut found, &day, open, &mut tell))?;
                found
            }
            // Held rows take the place of recorded ones.
            _ => {
                let spans = self.read(days)?.spans.into_iter().map(|(_, span)| span);
                let spans = spans.filter(|span| !open.is_some_and(|open| is_part_of(span, open)));
                let of = |span: Span| {
                    let to = tell(&span.activity.charged()?);
                    Some(Attention { start: span.start, length: span.length, to })
                };
                spans.filter_map(of).collect()
            }
        };
        // Days may overlap where they were counted in another way before.
        found.sort_by_key(|attention| (attention.start.wall, attention.start.boot));
        Ok(found)
    }

    /// What reports found, for the vault to keep.
    pub(super) fn into_found(self) -> Found {
        match self {
            Self::Reader { found, .. } => found,
            Self::Shelf(_) => Found::default(),
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

fn add_scanned<T: Copy>(
    found: &mut Vec<Attention<T>>,
    day: &Scanned<'_>,
    open: Option<&Span>,
    mut tell: impl FnMut(&Subject) -> T,
) {
    let name = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
    let subject_of = |span: &Numbered| {
        let domain = name(span.domain).and_then(|domain| day.domains.get(domain)).cloned();
        Some(Subject { app: day.apps.get(name(span.app)?)?.clone(), domain })
    };
    // By program, then by domain, of which the first is none.
    let mut known: Vec<Vec<Option<T>>> = vec![Vec::new(); day.apps.len()];
    for span in day.spans {
        let private = match span.kind {
            ActivityKind::Focus => false,
            ActivityKind::Private => true,
            ActivityKind::Audible | ActivityKind::Unobserved => continue,
        };
        let Some(of_app) = name(span.app).and_then(|app| known.get_mut(app)) else { continue };
        // A private window has no domain.
        let at = name(span.domain).map_or(0, |domain| domain + 1);
        if of_app.len() <= at {
            of_app.resize(at + 1, None);
        }
        let Some(known) = of_app.get_mut(at) else { continue };
        let Numbered { start, length, .. } = *span;
        let to = match *known {
            Some(to) => to,
            None => {
                let Some(subject) = subject_of(span) else { continue };
                *known.insert(tell(&subject))
            }
        };
        let is_open = open.is_some_and(|open| {
            // Names are looked at only where all else fits.
            let activity = || {
                let subject = subject_of(span)?;
                Some(if private { Activity::Private(subject.app) } else { Activity::Focus(subject) })
            };
            start.boot >= open.start.boot
                && start.boot < open.end_boot()
                && activity().is_some_and(|activity| is_part_of(&Span { start, length, activity }, open))
        });
        if !is_open {
            found.push(Attention { start, length, to });
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

#[cfg(test)]
mod tests {
    use dwell_core::subject::{AppId, Domain, Target};
    use dwell_core::time::{Boot, Wall};
    use dwell_vault::{Places, Vault};
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_795_262_400_000;

    fn any_activity() -> impl Strategy<Value = Activity> {
        let app = prop::sample::select(vec!["a", "b", "a/x"]).prop_map(|app| AppId::new(app).unwrap());
        let domain = prop::sample::select(vec![None, Some("x.example"), Some("y.example")]);
        let subject = (app, domain)
            .prop_map(|(app, domain)| Subject { app, domain: domain.map(|d| Domain::new(d).unwrap()) });
        (subject, 0..9_u8).prop_map(|(subject, kind)| match kind {
            0 => Activity::Unobserved,
            1 => Activity::Audible(subject),
            2 => Activity::Private(subject.app),
            _ => Activity::Focus(subject),
        })
    }

    /// Spans of three days, with the day under which each is recorded; now and then under the one before.
    fn any_rows() -> impl Strategy<Value = Vec<(CivilDay, Span)>> {
        let row = (0..3_i32, 0..4_i32, 1..40_000_000_i64, 1..200_000_u64, any_activity());
        let row = row.prop_map(|(day, early, into, length, activity)| {
            let start = NOON + i64::from(day) * 86_400_000 + into;
            let boot = Boot::from_ms((start - NOON).unsigned_abs());
            let start = Reading::new(boot, Wall::from_unix_ms(start));
            let label = CivilDay::from_epoch_days(20_778 + day - i32::from(early == 0));
            (label, Span { start, length: Millis::from_ms(length), activity })
        });
        prop::collection::vec(row, 1..40).prop_map(|mut rows| {
            rows.sort_by_key(|(_, span)| span.start.wall);
            rows.dedup_by_key(|(_, span)| span.start.wall);
            rows
        })
    }

    proptest! {
        // Each makes a vault.
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn attention_is_what_spans_say(
            rows in any_rows(),
            target in prop::sample::select(vec!["app:a", "app:a/x", "domain:x.example", "all"]),
            sealed in 0..4_i32,
            open in any::<prop::sample::Index>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
            let recorded: Vec<_> = rows.iter().map(|(day, span)| (*day, Row::Span(span.clone()))).collect();
            vault.append_all(&recorded).unwrap();
            vault.seal_before(CivilDay::from_epoch_days(20_778 + sealed)).unwrap();
            let days = CivilDay::from_epoch_days(20_777)..=CivilDay::from_epoch_days(20_780);
            let target: Target = target.parse().unwrap();
            let mut source =
                Source::Reader { reader: Box::new(vault.reader().unwrap()), held: Vec::new(), days: vault.days(), found: Found::default() };
            // The span that is open now may have been recorded so far.
            let mut open = open.get(&rows).1.clone();
            open.length += Millis::from_ms(500);
            let mut said = source.read(days.clone()).unwrap().spans;
            said.retain(|(_, span)| !is_part_of(span, &open) && span.activity.charged().is_some());
            said.sort_by_key(|(_, span)| (span.start.wall, span.start.boot));
            let said: Vec<_> = said
                .into_iter()
                .map(|(_, Span { start, length, activity })| {
                    Attention { start, length, to: target.covers(&activity.charged().unwrap()) }
                })
                .collect();
            let found = source.attention(days, Some(&open), |subject| target.covers(subject)).unwrap();
            prop_assert_eq!(found, said);
        }
    }
}
