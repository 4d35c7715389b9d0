//! What goes in and what comes out: rows of the journal, and history read back.

use std::collections::BTreeSet;

use dwell_core::calendar::CivilDay;
use dwell_core::span::Span;
use dwell_core::subject::{AppId, Domain};
use dwell_core::time::Wall;

use crate::{Mended, Taken};

/// One entry of the journal.
///
/// Rows of one day supersede each other: of all rows with the same start (both clocks), and on the same track, the
/// last one counts. There is one track for attention (focus, private, unobserved: these never overlap) and one for
/// each audible subject. A superseding row may be shorter, and one of zero length drops the span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A span that is over.
    Span(Span),
    /// The span that is still open, as far as it has come. Counts as a span if nothing supersedes it.
    Checkpoint(Span),
}

impl Row {
    /// The span that this row states.
    pub const fn span(&self) -> &Span {
        match self {
            Self::Span(span) | Self::Checkpoint(span) => span,
        }
    }

    /// The same kind of row with another span, if any.
    pub(crate) fn map(self, change: impl FnOnce(Span) -> Option<Span>) -> Option<Self> {
        match self {
            Self::Span(span) => change(span).map(Self::Span),
            Self::Checkpoint(span) => change(span).map(Self::Checkpoint),
        }
    }

    pub(crate) fn into_span(self) -> Span {
        match self {
            Self::Span(span) | Self::Checkpoint(span) => span,
        }
    }
}

/// The number of a journal row: grows by one with each, never repeats within a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub(crate) u64);

impl Seq {
    /// The number itself; the first row has 1.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Spans read back, oldest first by day, then by start in wall time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Each span with the day to which it was charged.
    pub spans: Vec<(CivilDay, Span)>,
    /// Days of which something could not be read. Their readable spans are in `spans` all the same.
    pub damaged: Vec<CivilDay>,
}

/// Names that ever had time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Programs.
    pub apps: BTreeSet<AppId>,
    /// Web domains.
    pub domains: BTreeSet<Domain>,
}

/// What opening a vault found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// There was none: this one is new.
    pub created: bool,
    /// What the person or the log should hear about.
    pub notes: Vec<Note>,
    /// What was spilled before and is recorded now.
    pub spilled: Taken,
    /// What came of mending the database, where it was found to be damaged.
    pub mended: Option<Mended>,
}

/// Something that opening a vault put right or could not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A span was open when recording stopped; it counts as far as its last checkpoint.
    OpenSpanKept {
        /// Its day.
        day: CivilDay,
    },
    /// Something of this day cannot be read.
    DayDamaged {
        /// The day.
        day: CivilDay,
    },
    /// Rows of this day that were once written are gone.
    RowsMissing {
        /// The day.
        day: CivilDay,
        /// The minute in which the last span that is still there began: what is missing came after. `None` where
        /// nothing of that part of the day is left.
        after: Option<Wall>,
    },
    /// The list of records was damaged and has been made anew from what is there: a lost day would go unnoticed.
    ManifestRemade,
    /// The database is older than the last one seen: a copy was put back without the rest of the folder.
    OlderThanLastSeen,
    /// The file that notices lost rows was missing or damaged; it starts anew.
    TipRemade,
    /// One of the header's two copies is damaged; the other one is in use.
    HeaderCopyDamaged,
    /// A key file was readable by others; its mode is 0600 again, but it may have been copied.
    KeyWasReadable,
    /// The key file of rules and counters was missing and was made again from the header.
    EnforcementKeyRestored,
    /// The secret that was given as the key of rules and counters is not this vault's, and the header's is in use: keep
    /// [`crate::Vault::enforcement_key`] again. No file was made.
    EnforcementKeyFromHeader,
    /// An earlier creation was cut off before it had finished; its remains are gone.
    UnfinishedCreationCleared,
    /// A dwell of a newer minor format wrote this vault: it can be read but not written.
    ReadOnly,
}
