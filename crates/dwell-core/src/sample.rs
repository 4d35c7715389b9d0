//! Samples: facts from outside, each with the boot-clock instant at which it became true. Never durations.

use serde::{Deserialize, Serialize};

use crate::browser::{LinkId, Told};
use crate::subject::AppId;
use crate::time::Boot;

/// One fact and when it became true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When the fact became true (CLOCK_BOOTTIME).
    pub at: Boot,
    /// The fact.
    pub fact: Fact,
}

impl Sample {
    /// A fact that became true at `at`.
    pub const fn new(at: Boot, fact: Fact) -> Self {
        Self { at, fact }
    }
}

/// What a sensor can know.
///
/// Facts are levels, not edges: repeating one changes nothing, so a sensor that reconnects simply states all it
/// knows again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// A window of this program has focus; `None`: no window has. May be passing: compositors say "none" for a
    /// few milliseconds between two windows, and the timeline waits that out.
    Focus(Option<AppId>),
    /// Nobody can say what has focus: the focus sensor is lost, or there is none.
    FocusUnknown,
    /// The person has been idle for the configured time; the last input was at this instant (at or before `at`).
    IdleSince(Boot),
    /// The person is there (again): input, or something that inhibits idleness.
    Active,
    /// The session is locked (`true`) or not.
    Locked(bool),
    /// The session is the one in front (logind's `Active`).
    SessionActive(bool),
    /// The machine goes to sleep (`true`), or has woken up.
    Asleep(bool),
    /// A browser's extension told something, or came or went.
    Browser(LinkId, Told),
}
