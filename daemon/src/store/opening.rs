//! Opening the vault, and what that brought to light.

use dwell_core::calendar::Calendar;
use dwell_core::count::around;
use dwell_core::span::Span;
use dwell_vault::{Note, OpenError, Opened, ReadError, State, UnlockError};

use super::{Kept, Known};
use crate::clock;

/// A vault that was opened.
pub struct Opening {
    /// The vault.
    pub kept: Kept,
    /// What it knows.
    pub known: Known,
    /// One line for each thing that was mended on the way: for the log.
    pub mended: Vec<String>,
    /// Whether the vault was made just now.
    pub created: bool,
}

impl Opening {
    /// A vault whose key is not there yet.
    pub const fn waiting(why: String) -> Self {
        let known = Known { recent: Vec::new(), enforcement: None, problems: Vec::new(), cut_off: false };
        Self { kept: Kept::Waiting(why), known, mended: Vec::new(), created: false }
    }

    /// Reads what whoever counts needs to know of an opened vault.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of((state, opened): (State, Opened), calendar: &Calendar) -> Result<Self, OpenError> {
        let today = calendar.day_of(clock::now().wall);
        let describe = |note: &Note| describe(note, calendar);
        let (problems, mended) = opened.notes.iter().partition::<Vec<_>, _>(|note| is_problem(note));
        let mut problems: Vec<String> = problems.into_iter().map(&describe).collect();
        let (kept, spans, enforcement) = match state {
            State::Open(mut vault) => {
                let spans = vault.read(around(today)).map_err(unreadable)?.spans;
                let enforcement = vault.enforcement().map_err(unreadable)?;
                (Kept::Open(vault), spans, enforcement)
            }
            State::Sealed { vault, refused } => {
                let spans = vault.read(around(today)).map_err(unreadable)?.spans;
                let enforcement = vault.enforcement().map_err(unreadable)?;
                problems.extend(refused.iter().filter(|error| is_unexpected(error)).map(ToString::to_string));
                (Kept::Sealed(vault, why_sealed(&refused)), spans, enforcement)
            }
        };
        let mut recent: Vec<Span> = spans.into_iter().map(|(_, span)| span).collect();
        recent.sort_by_key(|span| (span.start.wall, span.start.boot));
        let cut_off = opened.notes.iter().any(|note| matches!(note, Note::OpenSpanKept { .. }));
        Ok(Self {
            kept,
            known: Known { recent, enforcement, problems, cut_off },
            mended: mended.into_iter().map(&describe).collect(),
            created: opened.created,
        })
    }
}

/// Whether a key should have fitted: one whose kind the vault does not even have says nothing.
const fn is_unexpected(error: &UnlockError) -> bool {
    !matches!(error, UnlockError::NoSlot { .. })
}

fn why_sealed(refused: &[UnlockError]) -> String {
    match refused.iter().find(|error| is_unexpected(error)) {
        Some(error) => error.to_string(),
        None => "its key is not kept on this machine".to_owned(),
    }
}

/// Whether something is lost or wrong, rather than put right.
const fn is_problem(note: &Note) -> bool {
    match note {
        Note::DayDamaged { .. } | Note::RowsMissing { .. } | Note::OlderThanLastSeen | Note::ReadOnly => true,
        Note::OpenSpanKept { .. }
        | Note::ManifestRemade
        | Note::TipRemade
        | Note::HeaderCopyDamaged
        | Note::KeyWasReadable
        | Note::EnforcementKeyRestored
        | Note::EnforcementKeyFromHeader
        | Note::UnfinishedCreationCleared => false,
    }
}

/// What a note means for the person.
pub fn describe(note: &Note, calendar: &Calendar) -> String {
    match note {
        Note::OpenSpanKept { day } => {
            format!("recording was cut off on {day}; the span that was open counts up to its last checkpoint")
        }
        Note::DayDamaged { day } => format!("records of {day} are damaged; all others are whole"),
        Note::RowsMissing { day, after } => {
            let after = after.map_or_else(String::new, |at| format!(" after {}", calendar.clock_face(at)));
            format!("spans of {day} that were once recorded are missing{after}")
        }
        Note::ManifestRemade => "the list of records was damaged and has been made anew".to_owned(),
        Note::OlderThanLastSeen => {
            "the database is older than the last one seen; was a copy put back?".to_owned()
        }
        Note::TipRemade => {
            "the file that notices lost spans was missing or damaged, and starts anew".to_owned()
        }
        Note::HeaderCopyDamaged => "one of the two copies of the vault's header is damaged".to_owned(),
        Note::KeyWasReadable => "a key file was readable by others; it is private again".to_owned(),
        Note::EnforcementKeyRestored => {
            "the key file of the rules was missing, and was made again".to_owned()
        }
        Note::EnforcementKeyFromHeader => {
            "the key of the rules that is kept is another vault's; the one in the header is in use".to_owned()
        }
        Note::UnfinishedCreationCleared => "an earlier start was cut off; its remains are gone".to_owned(),
        Note::ReadOnly => "a newer dwell wrote this vault: it can be read, not written".to_owned(),
    }
}

fn unreadable(error: ReadError) -> OpenError {
    match error {
        ReadError::Corrupt { what } => OpenError::Corrupt { what },
        ReadError::Database { source } => OpenError::Database { source },
    }
}
