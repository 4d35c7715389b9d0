//! The one error of the command line: a kind that fixes the exit code, what failed and why, and the next step.

use std::fmt;

use dwell_bus::lines::Failed;
use dwell_bus::{Failure, Kind as BusKind};
use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};

use crate::output::text::plain;

/// What kind of failure. The names are part of `dwell.error/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The command line itself makes no sense.
    Usage,
    /// A value that makes no sense.
    Invalid,
    /// No such rule or subject.
    NotFound,
    /// Nothing, or not enough, is recorded.
    NoData,
    /// Not allowed.
    Denied,
    /// The vault is locked.
    Locked,
    /// No bus, or no daemon on it.
    Unreachable,
    /// The clock cannot be trusted at the moment.
    ClockUntrusted,
    /// The store is damaged, full or read-only.
    StorageDegraded,
    /// Anything else.
    Failed,
}

impl Kind {
    /// The exit code: scripts rely on it.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::ClockUntrusted | Self::StorageDegraded => 1,
            Self::Usage | Self::Invalid | Self::NotFound => 2,
            Self::NoData => 3,
            Self::Denied | Self::Locked => 4,
            Self::Unreachable => 5,
        }
    }
}

/// A failure on its way to the person. Message and hint are one line each, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// Fixes the exit code.
    pub(crate) kind: Kind,
    /// What failed, and why.
    pub(crate) message: String,
    /// The next step, if one is known.
    pub(crate) hint: Option<String>,
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// 0
    Well,
    /// 1: the command worked, and found a problem.
    Problem,
    /// 10: blocked by a rule.
    Blocked,
}

impl End {
    /// The exit code: scripts rely on it.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Problem => 1,
            Self::Blocked => 10,
        }
    }
}

impl Error {
    /// A failure without a next step.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same failure with a next step.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into()).filter(|hint: &String| !hint.is_empty());
        self
    }

    /// `dwell.error/1`
    pub(crate) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema: &'static str,
            kind: Kind,
            message: &'a str,
            hint: Option<&'a str>,
        }
        crate::output::json::line(&Document {
            schema: "dwell.error/1",
            kind: self.kind,
            message: &self.message,
            hint: self.hint.as_deref(),
        })
    }
}

/// One line: `dwell: what and why; next step`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dwell: {}", plain(self.message.trim_end()))?;
        match &self.hint {
            Some(hint) => write!(f, "; {}", plain(hint.trim_end())),
            None => Ok(()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            BusKind::Denied => Kind::Denied,
            BusKind::Locked => Kind::Locked,
            BusKind::NotFound => Kind::NotFound,
            BusKind::Invalid => Kind::Invalid,
            BusKind::NoData => Kind::NoData,
            BusKind::ClockUntrusted => Kind::ClockUntrusted,
            BusKind::StorageDegraded => Kind::StorageDegraded,
            BusKind::Failed => Kind::Failed,
        };
        Self::new(kind, failure.message).hint(failure.hint)
    }
}

/// A `dwell.error/1` line, from the daemon's pipe or from `dwelld`.
impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            failed.kind.as_str().into_deserializer();
        // A kind of a later version is a failure like any other.
        let kind = Kind::deserialize(name).unwrap_or(Kind::Failed);
        Self::new(kind, failed.message).hint(failed.hint.unwrap_or_default())
    }
}

/// The reason of an I/O error without the number that Rust adds: `No such file or directory`.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line() {
        let error = Error::from(Failure::new(BusKind::NotFound, "no rule \"a\nb\"").hint("dwell limit list"));
        insta::assert_snapshot!(error, @r#"dwell: no rule "a\nb"; dwell limit list"#);
        insta::assert_snapshot!(error.json(), @r#"{"schema":"dwell.error/1","kind":"not-found","message":"no rule \"a\nb\"","hint":"dwell limit list"}"#);
        insta::assert_snapshot!(Error::new(Kind::StorageDegraded, "full").json(), @r#"{"schema":"dwell.error/1","kind":"storage-degraded","message":"full","hint":null}"#);
    }

    #[test]
    fn an_error_line_keeps_its_kind() {
        let line = |kind: &str| {
            Error::from(Failed {
                schema: "dwell.error/1".into(),
                kind: kind.into(),
                message: "no".into(),
                hint: Some("so".into()),
            })
        };
        assert_eq!(line("storage-degraded"), Error::new(Kind::StorageDegraded, "no").hint("so"));
        assert_eq!(line("locked").kind, Kind::Locked);
        assert_eq!(line("of-tomorrow").kind, Kind::Failed);
    }

    #[test]
    fn every_kind_has_its_pinned_code() {
        let codes = [
            (BusKind::Failed, 1),
            (BusKind::ClockUntrusted, 1),
            (BusKind::StorageDegraded, 1),
            (BusKind::Invalid, 2),
            (BusKind::NotFound, 2),
            (BusKind::NoData, 3),
            (BusKind::Denied, 4),
            (BusKind::Locked, 4),
        ];
        for (kind, code) in codes {
            assert_eq!(Error::from(Failure::new(kind, "x")).kind.exit_code(), code, "{kind:?}");
        }
        assert_eq!(Kind::Usage.exit_code(), 2);
        assert_eq!(Kind::Unreachable.exit_code(), 5);
        assert_eq!([End::Well, End::Problem, End::Blocked].map(End::exit_code), [0, 1, 10]);
    }
}
