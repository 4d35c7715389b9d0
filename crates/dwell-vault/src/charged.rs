//! How much time a part of a day holds, without saying of whom: what a sealed vault may still know about it.

use std::collections::BTreeMap;

use dwell_core::span::{Activity, Span};

/// Milliseconds of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Charged {
    /// Attention: what was charged to somebody.
    pub(crate) charged_ms: u64,
    /// Time that no sensor observed.
    pub(crate) unobserved_ms: u64,
}

/// Counts a part's attention as its rows come; like [`crate::tracks::Tracks`] for that track, without names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    spans: BTreeMap<(i64, u64), Charged>,
    totals: Charged,
}

impl Counted {
    /// A part whose rows cannot be read, but whose totals are known.
    pub(crate) const fn known(totals: Charged) -> Self {
        Self { spans: BTreeMap::new(), totals }
    }

    /// Takes a row's span; rows come in the order in which they were written.
    pub(crate) fn put(&mut self, span: &Span) {
        self.totals = self.totals_with(span);
        if let Some(new) = of(span) {
            self.spans.insert(key(span), new);
        }
    }

    /// The sum as it would be with one more row.
    pub(crate) fn totals_with(&self, span: &Span) -> Charged {
        let Some(new) = of(span) else { return self.totals };
        let old = self.spans.get(&key(span)).copied().unwrap_or_default();
        let total = |sum: u64, old: u64, new: u64| sum.saturating_sub(old).saturating_add(new);
        Charged {
            charged_ms: total(self.totals.charged_ms, old.charged_ms, new.charged_ms),
            unobserved_ms: total(self.totals.unobserved_ms, old.unobserved_ms, new.unobserved_ms),
        }
    }

    /// The sum as of now.
    pub(crate) const fn totals(&self) -> Charged {
        self.totals
    }
}

fn key(span: &Span) -> (i64, u64) {
    (span.start.wall.as_unix_ms(), span.start.boot.as_ms())
}

fn of(span: &Span) -> Option<Charged> {
    let ms = span.length.as_ms();
    match span.activity {
        Activity::Focus(_) | Activity::Private(_) => Some(Charged { charged_ms: ms, unobserved_ms: 0 }),
        Activity::Unobserved => Some(Charged { charged_ms: 0, unobserved_ms: ms }),
        Activity::Audible(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::span;

    #[test]
    fn the_last_row_of_a_start_counts() {
        let mut counted = Counted::default();
        let at = |start, length| span(start, length, "editor", None);
        for row in [at(0, 30), at(0, 60), at(0, 45), at(100, 5)] {
            counted.put(&row);
        }
        counted.put(&Span { activity: Activity::Unobserved, ..at(200, 7) });
        counted
            .put(&Span { activity: Activity::Audible(crate::samples::subject("radio", None)), ..at(0, 99) });
        assert_eq!(counted.totals(), Charged { charged_ms: 50, unobserved_ms: 7 });
        counted.put(&at(0, 0));
        assert_eq!(counted.totals().charged_ms, 5);
    }
}
