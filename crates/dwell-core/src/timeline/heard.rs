//! What is heard in the background: a row of spans for each subject, beside those of attention and in no total.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;
use crate::span::{Activity, Span};
use crate::subject::Subject;
use crate::time::{Boot, Millis, Reading};

/// What is heard is closed after this long and goes on as another span, so that a power loss costs at most this much.
pub(super) const PIECE: Millis = Millis::from_mins(5);

/// What is heard now. The spans of one subject never overlap.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    open: BTreeMap<Subject, Reading>,
    /// Nothing reaches back before this: a span may have ended here.
    floor: Boot,
}

impl Heard {
    pub(super) const fn new(floor: Boot) -> Self {
        Self { open: BTreeMap::new(), floor }
    }

    /// When the first piece is long enough.
    pub(super) fn deadline(&self) -> Option<Boot> {
        self.open.values().map(|start| start.boot + PIECE).min()
    }

    /// From `at` on this is heard, and nothing else; `clock` names instants on the wall. What is over by that.
    pub(super) fn follow(&mut self, wanted: BTreeSet<Subject>, at: Boot, clock: Reading) -> Vec<Step> {
        let at = at.max(self.floor);
        let goes_on = |subject: &Subject, start: Reading| {
            wanted.contains(subject) && at.since(start.boot).is_none_or(|length| length < PIECE)
        };
        let (open, over) =
            std::mem::take(&mut self.open).into_iter().partition(|(subject, start)| goes_on(subject, *start));
        self.open = open;
        let steps = self.close(over, at);
        for subject in wanted {
            self.open.entry(subject).or_insert_with(|| Reading::new(at, clock.wall_at(at)));
        }
        steps
    }

    /// Ends all of it.
    pub(super) fn hush(&mut self, at: Boot) -> Vec<Step> {
        self.floor = at;
        let over = std::mem::take(&mut self.open);
        self.close(over, at)
    }

    fn close(&mut self, over: BTreeMap<Subject, Reading>, at: Boot) -> Vec<Step> {
        if !over.is_empty() {
            self.floor = at;
        }
        let span = |(subject, start): (Subject, Reading)| {
            let length = at.since(start.boot).filter(|length| !length.is_zero())?;
            Some(Step::Closed(Span { start, length, activity: Activity::Audible(subject) }))
        };
        over.into_iter().filter_map(span).collect()
    }
}
