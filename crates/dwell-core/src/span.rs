//! A span: a stretch of time with one activity, the ledger's only coin.

use serde::{Deserialize, Serialize};

use crate::subject::{AppId, Subject};
use crate::time::{Boot, Millis, Reading, Wall};

/// What a span's time was given to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// A window of the subject had focus, and the person was there.
    Focus(Subject),
    /// A private window of this browser had focus; nothing more is known, on purpose.
    Private(AppId),
    /// Audible in the background. Enters no total.
    Audible(Subject),
    /// The session was active, but no sensor looked.
    Unobserved,
}

impl Activity {
    /// The `kind` of machine-readable output: `focus`, `private`, `audible` or `unobserved`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Focus(_) => "focus",
            Self::Private(_) => "private",
            Self::Audible(_) => "audible",
            Self::Unobserved => "unobserved",
        }
    }

    /// The program, where one is known.
    pub const fn app(&self) -> Option<&AppId> {
        match self {
            Self::Focus(subject) | Self::Audible(subject) => Some(&subject.app),
            Self::Private(app) => Some(app),
            Self::Unobserved => None,
        }
    }

    /// The subject that is charged for this activity, if any: attention is, `audible` and `unobserved` are not.
    pub fn charged(&self) -> Option<Subject> {
        match self {
            Self::Focus(subject) => Some(subject.clone()),
            Self::Private(app) => Some(Subject::app(app.clone())),
            Self::Audible(_) | Self::Unobserved => None,
        }
    }
}

/// `[start, start + length)`: one activity, measured on the boot clock, placed by the wall clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When it began, on both clocks; `start.boot` means nothing after a reboot.
    pub start: Reading,
    /// How long it lasted, by the boot clock.
    pub length: Millis,
    /// What the time was given to.
    pub activity: Activity,
}

impl Span {
    /// Its end on the boot clock.
    pub fn end_boot(&self) -> Boot {
        self.start.boot + self.length
    }

    /// Its end in wall time, by the offset between the clocks at its start.
    pub fn end_wall(&self) -> Wall {
        self.start.wall + self.length
    }
}
