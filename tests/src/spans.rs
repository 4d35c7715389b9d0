//! The timeline as `dwell spans` gives it (`dwell.span/1`).

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::Value;

use crate::clock::Stamp;

/// One line of `dwell spans --format ndjson`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Unix milliseconds.
    pub start_ms: i64,
    /// Unix milliseconds.
    pub end_ms: i64,
    /// `focus`, `private`, `audible` or `unobserved`.
    pub kind: String,
    /// The app id; empty for unobserved time.
    pub app: String,
}

impl Span {
    /// How long it lasted.
    #[must_use]
    pub fn milliseconds(&self) -> i64 {
        self.end_ms - self.start_ms
    }

    /// Whether this is attention of somebody, and of whom.
    #[must_use]
    pub fn is_focus_on(&self, app: &str) -> bool {
        self.kind == "focus" && self.app == app
    }

    /// How much of it lies between two instants.
    #[must_use]
    pub fn within(&self, from_ms: i64, to_ms: i64) -> i64 {
        (self.end_ms.min(to_ms) - self.start_ms.max(from_ms)).max(0)
    }
}

/// Reads the output of `dwell spans --format ndjson`, in order of time.
///
/// # Panics
///
/// When a line is not a `dwell.span/1`.
#[must_use]
pub fn spans(ndjson: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = ndjson.lines().map(span).collect();
    spans.sort();
    spans
}

fn span(line: &str) -> Span {
    let value: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
    assert_eq!(value["schema"], "dwell.span/1", "{line}");
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    Span {
        start_ms: instant(&value["start"]),
        end_ms: instant(&value["end"]),
        kind: text("kind"),
        app: text("app"),
    }
}

/// An RFC 3339 instant as Unix milliseconds.
fn instant(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("not an instant: {value}"));
    let instant = DateTime::parse_from_rfc3339(text);
    instant.unwrap_or_else(|error| panic!("not an RFC 3339 instant ({error}): {text}")).timestamp_millis()
}

/// Milliseconds of attention per app between two instants.
#[must_use]
pub fn milliseconds_by_app(spans: &[Span], from: Stamp, to: Stamp) -> BTreeMap<String, i64> {
    let mut shares = BTreeMap::new();
    for span in spans.iter().filter(|span| span.kind == "focus") {
        let part = span.within(from.wall_ms, to.wall_ms);
        if part > 0 {
            *shares.entry(span.app.clone()).or_insert(0) += part;
        }
    }
    shares
}
