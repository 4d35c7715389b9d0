//! The documents that stream through pipes, one JSON object a line; pinned by their `schema`.

use std::borrow::Cow;

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

/// A stretch of attention that another program has recorded, on its way into the vault. The two ends of that pipe are of
/// one version, and nobody else reads it: it has no schema of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign<'a> {
    /// When it began, in Unix milliseconds.
    pub at: i64,
    /// How long it lasted, in milliseconds.
    pub ms: u32,
    /// As what that program knew the program in front: the class of its window, or its app id.
    #[serde(borrow)]
    pub app: Cow<'a, str>,
    /// The site, where it was told: a host name.
    #[serde(borrow, skip_serializing_if = "Option::is_none", default)]
    pub domain: Option<Cow<'a, str>>,
}

/// `dwell.end/1`: the last line of a timeline. Where it is missing the reader was cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// `dwell.end/1`
    pub schema: String,
    /// How many spans came before.
    pub spans: u64,
    /// Days (`2026-11-21`) of which records are damaged and missing.
    pub damaged: Vec<String>,
    /// Whole seconds of attention in the period that are locked away in the vault, and missing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed_seconds: Option<u64>,
    /// The days (`2026-11-21`) that these are of.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub sealed: Vec<String>,
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
    /// `forget`, `rotate`, `remove-key`, `verify`, `backup`, `import`, `restore` or `salvage`
    pub work: String,
    /// Days that were read (`verify`, `restore`, `salvage`), of which something went (`forget`) or came (`import`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub days: Option<u64>,
    /// Spans that were read, went or came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spans: Option<u64>,
    /// Whole seconds of attention that went (`forget`) or came (`import`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<u64>,
    /// Notes on plans and limits that went (`forget`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub notes: Option<u64>,
    /// The first and the last day (`2026-11-21`) of which something came (`import`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ends: Option<(String, String)>,
    /// Whole seconds that were left out (`import`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_out: Option<LeftOut>,
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

/// Why time was not taken in (`import`), in whole seconds each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Something is recorded of these moments already.
    #[serde(default)]
    pub known_seconds: u64,
    /// Of days that are not over.
    #[serde(default)]
    pub later_seconds: u64,
    /// Of days of which not all that is recorded can be read.
    #[serde(default)]
    pub unread_seconds: u64,
    /// Of days of which no spans are kept any more.
    #[serde(default)]
    pub expired_seconds: u64,
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
