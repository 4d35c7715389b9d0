//! A tally: milliseconds and opens per subject, milliseconds per hour. What rollups hold and totals are summed from.
//!
//! `charged ms | unobserved ms | 24 hours' ms | count`, then for each subject `app length, app, domain length,
//! domain, ms, opens`; all numbers varints, subjects in the order of these bytes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use dwell_core::calendar::Calendar;
use dwell_core::ledger::Visits;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::{Millis, Wall};
use zeroize::Zeroizing;

use crate::wire::{Short, Wire, put_varint};

const HOUR_MS: i64 = 3_600_000;

/// What one subject had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Milliseconds of attention.
    pub ms: u64,
    /// Visits: how often it got attention after five minutes without, counted anew each day.
    pub opens: u64,
}

/// A sum that grows. Subjects are kept as the bytes that stand in a rollup, in their order: adding a rollup is then a
/// walk along both, without hashing, and without allocation but for what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) charged_ms: u64,
    pub(crate) unobserved_ms: u64,
    pub(crate) hours: [u64; 24],
    subjects: Vec<(Box<[u8]>, Use)>,
}

impl Tally {
    /// Counts one day's spans, given in the order of their start. Without a calendar, hours are those of UTC.
    pub(crate) fn of(spans: &[Span], calendar: Option<&Calendar>) -> Self {
        let mut tally = Self::default();
        let mut subjects: HashMap<Box<[u8]>, (Use, Visits)> = HashMap::new();
        for span in spans {
            if span.activity == Activity::Unobserved {
                tally.unobserved_ms = tally.unobserved_ms.saturating_add(span.length.as_ms());
            }
            let Some(subject) = span.activity.charged() else { continue };
            let (ms, name) = (span.length.as_ms(), name_of(&subject));
            tally.charged_ms = tally.charged_ms.saturating_add(ms);
            tally.put_hours(span.start.wall, span.length, calendar);
            let (of, visits) = subjects.entry(name).or_default();
            of.ms = of.ms.saturating_add(ms);
            of.opens += u64::from(visits.next(span.start.wall, span.length));
        }
        tally.subjects = subjects.into_iter().map(|(name, (of, _))| (name, of)).collect();
        tally.subjects.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        tally
    }

    fn put_hours(&mut self, start: Wall, length: Millis, calendar: Option<&Calendar>) {
        let (mut at, mut left) = (start, length.as_ms());
        // A damaged clock may claim centuries: past a month of hours, the rest goes to the hour that was reached.
        for step in 0..=744 {
            let (hour, next) = match calendar {
                Some(calendar) => (calendar.hour_of(at), calendar.next_hour(at)),
                None => {
                    let ms = at.as_unix_ms();
                    let hour = ms.div_euclid(HOUR_MS).rem_euclid(24);
                    let next = Millis::from_ms((HOUR_MS - ms.rem_euclid(HOUR_MS)).unsigned_abs());
                    (u32::try_from(hour).unwrap_or(0), at + next)
                }
            };
            let until = next.since(at).map_or(left, Millis::as_ms);
            let ms = if step == 744 || until == 0 { left } else { left.min(until) };
            if let Some(of) = usize::try_from(hour).ok().and_then(|hour| self.hours.get_mut(hour)) {
                *of = of.saturating_add(ms);
            }
            left -= ms;
            if left == 0 {
                return;
            }
            at = next;
        }
    }

    /// Adds another sum.
    pub(crate) fn add(&mut self, other: &Self) {
        self.charged_ms = self.charged_ms.saturating_add(other.charged_ms);
        self.unobserved_ms = self.unobserved_ms.saturating_add(other.unobserved_ms);
        self.hours.iter_mut().zip(other.hours).for_each(|(of, ms)| *of = of.saturating_add(ms));
        let mut adding = Adding::to(&mut self.subjects);
        other.subjects.iter().for_each(|(name, of)| adding.put(name, *of));
        adding.finish();
    }

    /// Takes out subjects, and what was charged to them from the sum. The hours stay: whose they were, they do not
    /// say, so the caller has to drop them.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Subject) -> bool) -> bool {
        let before = self.subjects.len();
        let charged = &mut self.charged_ms;
        self.subjects.retain(|(name, of)| {
            let kept = subject_of(name).is_none_or(|subject| keep(&subject));
            *charged = charged.saturating_sub(if kept { 0 } else { of.ms });
            kept
        });
        self.subjects.len() != before
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(64 + self.subjects.len() * 48));
        for number in [self.charged_ms, self.unobserved_ms].into_iter().chain(self.hours) {
            put_varint(&mut out, number);
        }
        put_varint(&mut out, self.subjects.len() as u64);
        for (name, of) in &self.subjects {
            out.extend_from_slice(name);
            put_varint(&mut out, of.ms);
            put_varint(&mut out, of.opens);
        }
        out
    }

    /// Adds what [`Tally::encode`] gave; nothing where the bytes do not hold together.
    pub(crate) fn add_encoded(&mut self, bytes: &[u8]) -> Result<(), Short> {
        // Checked as a whole before anything is added: half a rollup would be wrong in silence.
        read(bytes, |_, _| {})?;
        let mut adding = Adding::to(&mut self.subjects);
        let (charged_ms, unobserved_ms, hours) = read(bytes, |name, of| adding.put(name, of))?;
        adding.finish();
        self.charged_ms = self.charged_ms.saturating_add(charged_ms);
        self.unobserved_ms = self.unobserved_ms.saturating_add(unobserved_ms);
        self.hours.iter_mut().zip(hours).for_each(|(of, ms)| *of = of.saturating_add(ms));
        Ok(())
    }

    /// What each subject had.
    pub(crate) fn into_subjects(self) -> BTreeMap<Subject, Use> {
        self.subjects.iter().filter_map(|(name, of)| Some((subject_of(name)?, *of))).collect()
    }
}

/// Adds subjects that come in order to subjects that stand in order.
struct Adding<'a> {
    to: &'a mut Vec<(Box<[u8]>, Use)>,
    at: usize,
    new: Vec<(Box<[u8]>, Use)>,
}

impl<'a> Adding<'a> {
    const fn to(to: &'a mut Vec<(Box<[u8]>, Use)>) -> Self {
        Self { to, at: 0, new: Vec::new() }
    }

    fn put(&mut self, name: &[u8], more: Use) {
        while let Some((there, of)) = self.to.get_mut(self.at) {
            match (**there).cmp(name) {
                Ordering::Less => self.at += 1,
                Ordering::Equal => {
                    of.ms = of.ms.saturating_add(more.ms);
                    of.opens = of.opens.saturating_add(more.opens);
                    return;
                }
                Ordering::Greater => break,
            }
        }
        self.new.push((name.into(), more));
    }

    fn finish(self) {
        if !self.new.is_empty() {
            self.to.extend(self.new);
            // Two runs in order, which a stable sort finds and merges.
            self.to.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }
}

/// Gives each subject to `each`, in the order of their names, and returns the sums.
fn read(bytes: &[u8], mut each: impl FnMut(&[u8], Use)) -> Result<(u64, u64, [u64; 24]), Short> {
    let mut wire = Wire::new(bytes);
    let sums = (wire.varint()?, wire.varint()?);
    let mut hours = [0; 24];
    for of in &mut hours {
        *of = wire.varint()?;
    }
    let mut last: &[u8] = &[];
    for _ in 0..wire.varint()? {
        let left = wire.left();
        for _ in 0..2 {
            let length = usize::try_from(wire.varint()?).map_err(|_| Short)?;
            wire.take(length)?;
        }
        let name = bytes.get(bytes.len() - left..bytes.len() - wire.left()).ok_or(Short)?;
        // None is empty: each begins with a length.
        if name <= last {
            return Err(Short);
        }
        last = name;
        each(name, Use { ms: wire.varint()?, opens: wire.varint()? });
    }
    if wire.left() == 0 { Ok((sums.0, sums.1, hours)) } else { Err(Short) }
}

fn name_of(subject: &Subject) -> Box<[u8]> {
    let (app, domain) = (subject.app.as_str(), subject.domain.as_ref().map_or("", Domain::as_str));
    let mut name = Vec::with_capacity(4 + app.len() + domain.len());
    for text in [app, domain] {
        put_varint(&mut name, text.len() as u64);
        name.extend_from_slice(text.as_bytes());
    }
    name.into()
}

fn subject_of(name: &[u8]) -> Option<Subject> {
    let mut wire = Wire::new(name);
    let mut text = || {
        let length = usize::try_from(wire.varint().ok()?).ok()?;
        std::str::from_utf8(wire.take(length).ok()?).ok()
    };
    let (app, domain) = (text()?, text()?);
    let domain = if domain.is_empty() { None } else { Some(Domain::new(domain).ok()?) };
    Some(Subject { app: AppId::new(app).ok()?, domain })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{any_span, span};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_tally_reads_back_and_adds_up(spans in proptest::collection::vec(any_span(), 0..30)) {
            let tally = Tally::of(&spans, None);
            let bytes = tally.encode();
            let mut read_back = Tally::default();
            prop_assert_eq!(read_back.add_encoded(&bytes), Ok(()));
            prop_assert_eq!(&read_back, &tally);
            prop_assert!(Tally::default().add_encoded(&bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn sums_are_those_of_all_spans(
            days in proptest::collection::vec(proptest::collection::vec((0_usize..9, 1_u64..99), 0..12), 0..6),
        ) {
            let mut by_hand: BTreeMap<Subject, u64> = BTreeMap::new();
            let mut tally = Tally::default();
            for (i, day) in days.iter().enumerate() {
                let mut at = 0;
                let spans: Vec<Span> = day.iter().map(|(name, ms)| {
                    at += 100;
                    let domain = format!("d{name}.example");
                    span(at, *ms, &"ab".repeat(1 + name % 4), Some(&*domain).filter(|_| name % 2 == 0))
                }).collect();
                for span in &spans {
                    *by_hand.entry(span.activity.charged().unwrap()).or_default() += span.length.as_ms();
                }
                let of_day = Tally::of(&spans, None);
                if i % 2 == 0 { tally.add(&of_day) } else { tally.add_encoded(&of_day.encode()).unwrap() }
            }
            let found: BTreeMap<Subject, u64> =
                tally.into_subjects().into_iter().map(|(subject, of)| (subject, of.ms)).collect();
            prop_assert_eq!(found, by_hand);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Tally::default().add_encoded(&bytes);
        }
    }

    #[test]
    fn names_out_of_order_or_twice_are_refused() {
        let of = |name: &str| Tally::of(&[span(0, 1, name, None)], None).encode();
        let (a, b) = (of("a"), of("b"));
        let subjects = |first: &[u8], second: &[u8]| {
            let head = a.len() - 5;
            let mut both = a[..head].to_vec();
            both[head - 1] = 2;
            both.extend_from_slice(&first[head..]);
            both.extend_from_slice(&second[head..]);
            Tally::default().add_encoded(&both)
        };
        assert_eq!(subjects(&a, &b), Ok(()));
        assert_eq!((subjects(&b, &a), subjects(&a, &a)), (Err(Short), Err(Short)));
    }

    #[test]
    fn hours_opens_and_sums() {
        let minute = 60_000;
        let spans = [
            span(0, 30 * minute, "a", None),
            span(31 * minute, 40 * minute, "a", None),
            span(80 * minute, minute, "b", Some("example.org")),
            Span { activity: Activity::Unobserved, ..span(90 * minute, 7, "x", None) },
        ];
        let mut tally = Tally::of(&spans, None);
        // The made-up machine was booted at 06:00 UTC.
        assert_eq!(tally.hours[6..8], [59 * minute, 12 * minute]);
        assert_eq!((tally.charged_ms, tally.unobserved_ms), (71 * minute, 7));
        let subjects: Vec<(u64, u64)> =
            tally.clone().into_subjects().values().map(|of| (of.ms / minute, of.opens)).collect();
        assert_eq!(subjects, [(70, 1), (1, 1)]);
        assert!(tally.retain(|subject| subject.domain.is_none()));
        assert_eq!((tally.charged_ms, tally.clone().into_subjects().len()), (70 * minute, 1));
        assert!(!tally.retain(|_| true));
    }
}
