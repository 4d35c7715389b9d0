//! The documents that stream through pipes, one JSON object a line; pinned by their `schema`.

use serde::{Deserialize, Serialize};

/// `dwell.span/1`: one span of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// `dwell.span/1`
    pub schema: String,
    /// RFC 3339 with milliseconds and offset.
    pub start: String,
    /// RFC 3339 with milliseconds and offset.
    pub end: String,
    /// Whole seconds, rounded to the nearest; the instants have the milliseconds.
    pub seconds: u64,
    /// App id.
    pub app: Option<String>,
    /// Name for people.
    pub name: Option<String>,
    /// Registrable domain.
    pub domain: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// `focus`, `private`, `audible` or `unobserved`.
    pub kind: String,
}

/// The schema of [`Span`].
pub const SPAN: &str = "dwell.span/1";

/// `dwell.end/1`: the last line of a timeline. Where it is missing the reader was cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// `dwell.end/1`
    pub schema: String,
    /// How many spans came before.
    pub spans: u64,
    /// Days (`2026-11-21`) of which records are damaged and missing.
    pub damaged: Vec<String>,
    /// Why the rest could not be read; absent: all is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// The schema of [`End`].
pub const END: &str = "dwell.end/1";

/// `dwell.event/1`: one change. Which of the optional fields are there depends on the event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `dwell.event/1`
    pub schema: String,
    /// RFC 3339 with milliseconds and offset.
    pub at: String,
    /// `focus idle active lock unlock limit-warning limit-reached limit-lifted rules-changed sensor clock-step`
    pub event: String,
    /// App id (`focus`): there and null when nothing has focus.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "there")]
    pub app: Option<Option<String>>,
    /// Name for people (`focus`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Registrable domain (`focus`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub domain: Option<String>,
    /// The rule's id (`limit-…`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// The rule's target (`limit-…`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// Whole seconds left (`limit-warning`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_seconds: Option<u64>,
    /// `notify`, `block` or `close`: what happens at the limit (`limit-…`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_limit: Option<String>,
    /// When it opens again, RFC 3339 (`limit-reached`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// Which part (`sensor`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
    /// Whether that part works (`sensor`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ok: Option<bool>,
    /// One line for people (`sensor`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// Tells a null that is there from a field that is not.
fn there<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// The schema of [`Event`].
pub const EVENT: &str = "dwell.event/1";

/// `dwell.progress/1`: how far long work has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// `dwell.progress/1`
    pub schema: String,
    /// Days done.
    pub done: u64,
    /// Days in all; 0 where nobody knows yet.
    pub total: u64,
}

/// The schema of [`Progress`].
pub const PROGRESS: &str = "dwell.progress/1";

/// `dwell.done/1`: what came of long work. Which of the optional fields are there depends on the work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// `dwell.done/1`
    pub schema: String,
    /// `forget`, `rotate`, `remove-key`, `verify`, `backup`, `restore` or `salvage`
    pub work: String,
    /// Days that were read (`verify`, `restore`, `salvage`) or of which something went (`forget`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub days: Option<u64>,
    /// Spans that were read or went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spans: Option<u64>,
    /// Whole seconds of attention that went (`forget`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<u64>,
    /// Days (`2026-11-21`) of which something cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub damaged: Vec<String>,
    /// Days of which the totals are not those of the spans (`verify`).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mismatched: Vec<String>,
    /// Keys, by number, whose secret is the one that it was: a copy made earlier still opens with them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unrotated: Vec<u8>,
    /// Backups from before, which still hold what went or open with old keys.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub backups: Vec<String>,
    /// Where the vault that was there before is now (`restore`, `salvage`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub put_aside: Option<String>,
}

/// The schema of [`Done`].
pub const DONE: &str = "dwell.done/1";

/// `dwell.error/1`: why work failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// `dwell.error/1`
    pub schema: String,
    /// `denied`, `locked`, `not-found`, `invalid`, `no-data`, `clock-untrusted`, `storage-degraded` or `failed`
    pub kind: String,
    /// What failed and why: one line.
    pub message: String,
    /// The next step, where there is one.
    pub hint: Option<String>,
}

/// The schema of [`Failed`].
pub const ERROR: &str = "dwell.error/1";
