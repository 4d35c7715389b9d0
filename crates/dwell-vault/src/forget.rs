//! What is to be forgotten, and how records are edited for it. Decides only; a new generation carries it out.

use dwell_core::calendar::CivilDay;
use dwell_core::span::{Activity, Span};
use dwell_core::subject::{AppId, Domain, Subject};
use dwell_core::time::Millis;

use crate::activity;
use crate::tally::Tally;

/// What to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Everything of the days before this one.
    Before(CivilDay),
    /// Everything of one day.
    Day(CivilDay),
    /// Everything of a program and of what ran in it, in any day. Compared without regard to ASCII case.
    App(AppId),
    /// Everything of a web domain, in any day. Compared without regard to ASCII case.
    Domain(Domain),
}

impl What {
    /// Whether a whole day goes.
    pub(crate) fn takes_day(&self, day: CivilDay) -> bool {
        match self {
            Self::Before(bound) => day < *bound,
            Self::Day(only) => day == *only,
            Self::App(_) | Self::Domain(_) => false,
        }
    }

    /// Whether it picks subjects rather than days.
    pub(crate) const fn picks_subjects(&self) -> bool {
        matches!(self, Self::App(_) | Self::Domain(_))
    }

    fn takes(&self, app: Option<&AppId>, domain: Option<&Domain>) -> bool {
        match self {
            Self::App(gone) => app.is_some_and(|app| gone.covers(app)),
            Self::Domain(gone) => domain.is_some_and(|d| d.as_str().eq_ignore_ascii_case(gone.as_str())),
            Self::Before(_) | Self::Day(_) => false,
        }
    }

    pub(crate) fn takes_span(&self, span: &Span) -> bool {
        self.takes(span.activity.app(), activity::domain(&span.activity))
    }

    pub(crate) fn takes_subject(&self, subject: &Subject) -> bool {
        self.takes(Some(&subject.app), subject.domain.as_ref())
    }

    /// What is left of a span in its record: nothing but its start, where it is attention. That start may have
    /// superseded a row of an earlier part, which must not come back.
    pub(crate) fn rest_of(&self, span: Span) -> Option<Span> {
        if !self.takes_span(&span) {
            return Some(span);
        }
        match span.activity {
            Activity::Audible(_) => None,
            Activity::Focus(_) | Activity::Private(_) | Activity::Unobserved => {
                Some(Span { length: Millis::ZERO, activity: Activity::Unobserved, ..span })
            }
        }
    }

    /// Takes subjects out of a tally that cannot be counted anew; its hours go where they could be wrong.
    pub(crate) fn edit(&self, tally: &mut Tally) -> bool {
        let changed = self.picks_subjects() && tally.retain(|subject| !self.takes_subject(subject));
        if changed {
            tally.hours = [0; 24];
        }
        changed
    }
}

/// What was forgotten, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Days of which something goes.
    pub days: u64,
    /// Spans that go, those that were superseded not counted.
    pub spans: u64,
    /// Milliseconds of attention that go with them.
    pub charged_ms: u64,
}

/// Days of which only a common total is left, so that none of them can be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("of {from} to {to} only a common total is left")]
pub struct OnlyTogether {
    /// The first of them.
    pub from: CivilDay,
    /// The last of them.
    pub to: CivilDay,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_a_terminal_goes_what_ran_in_it() {
        let app = |id: &str| AppId::new(id).unwrap();
        let goes = |gone: &str, id: &str| What::App(app(gone)).takes_subject(&Subject::app(app(id)));
        assert!(goes("foot", "Foot") && goes("foot", "foot/vim") && goes("foot/vim", "foot/vim"));
        assert!(!goes("foot", "footclient") && !goes("foot/vim", "foot"));
    }
}
