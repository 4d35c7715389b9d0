//! Which of a day's rows count: of those with one start on one track, the last.

use std::collections::BTreeMap;

use dwell_core::span::{Activity, Span};
use dwell_core::subject::Subject;

/// What can supersede what: attention is one track, and each audible subject is one of its own, for several may
/// begin in one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Track {
    Attention,
    Audible(Subject),
}

/// A day's spans, each as its last row states it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracks(BTreeMap<TrackKey, Span>);

/// A start on a track: what supersedes what.
pub(crate) type TrackKey = (i64, u64, Track);

impl Tracks {
    /// Where a span stands.
    pub(crate) fn key(span: &Span) -> TrackKey {
        let track = match &span.activity {
            Activity::Audible(subject) => Track::Audible(subject.clone()),
            Activity::Focus(_) | Activity::Private(_) | Activity::Unobserved => Track::Attention,
        };
        (span.start.wall.as_unix_ms(), span.start.boot.as_ms(), track)
    }

    /// Takes a row's span; rows come in the order in which they were written.
    pub(crate) fn put(&mut self, span: Span) {
        self.0.insert(Self::key(&span), span);
    }

    /// Takes a later part's spans on top of these.
    pub(crate) fn merge(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// The spans in order of their start, without those of zero length.
    pub(crate) fn into_spans(self) -> Vec<Span> {
        self.0.into_values().filter(|span| !span.length.is_zero()).collect()
    }

    /// The spans in order of their start, with those of zero length: they say that an earlier part's span is void.
    pub(crate) fn into_rows(self) -> Vec<Span> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{span, subject};

    fn merged(spans: &[Span]) -> Vec<Span> {
        let mut tracks = Tracks::default();
        spans.iter().cloned().for_each(|span| tracks.put(span));
        tracks.into_spans()
    }

    #[test]
    fn the_last_row_of_a_start_counts_and_may_be_shorter_or_none() {
        let at = |length| span(1000, length, "editor", None);
        assert_eq!(merged(&[at(30), at(60), at(45)]), [at(45)]);
        assert_eq!(merged(&[at(30), at(0)]), []);
        let next = span(2000, 5, "editor", None);
        assert_eq!(merged(&[next.clone(), at(30)]), [at(30), next]);
    }

    #[test]
    fn another_boot_is_another_start() {
        let one = span(1000, 30, "editor", None);
        let mut two = one.clone();
        two.start.boot = dwell_core::time::Boot::from_ms(7);
        assert_eq!(merged(&[one.clone(), two.clone()]).len(), 2);
    }

    #[test]
    fn sounds_that_begin_together_do_not_supersede_each_other_or_attention() {
        let focus = span(1000, 30, "editor", None);
        let sound = |app| Span { activity: Activity::Audible(subject(app, None)), ..focus.clone() };
        assert_eq!(merged(&[focus.clone(), sound("radio"), sound("player")]).len(), 3);
        assert_eq!(
            merged(&[sound("radio"), Span { length: dwell_core::time::Millis::ZERO, ..sound("radio") }]),
            []
        );
    }
}
