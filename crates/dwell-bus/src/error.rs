//! Errors on the bus: a kind, one line of what and why, and the next step.

use zbus::DBusError;

/// What kind of failure; fixes the D-Bus error name and the CLI's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller may not do this.
    Denied,
    /// The vault is locked.
    Locked,
    /// No such rule or subject.
    NotFound,
    /// A value that makes no sense.
    Invalid,
    /// Nothing, or not enough, is recorded.
    NoData,
    /// The clock cannot be trusted at the moment.
    ClockUntrusted,
    /// The store is damaged, full or read-only.
    StorageDegraded,
    /// Anything else.
    Failed,
}

impl Kind {
    /// Its name in `dwell.error/1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Locked => "locked",
            Self::NotFound => "not-found",
            Self::Invalid => "invalid",
            Self::NoData => "no-data",
            Self::ClockUntrusted => "clock-untrusted",
            Self::StorageDegraded => "storage-degraded",
            Self::Failed => "failed",
        }
    }
}

/// A failure on its way to a caller. Message and hint are one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub kind: Kind,
    /// What failed, and why.
    pub message: String,
    /// The next step for the person, or empty.
    pub hint: String,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: String::new() }
    }

    /// The same failure with a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// A [`Failure`] as it travels: the D-Bus error name is the kind, the text is `message` and `hint` on two lines.
#[derive(Clone, Debug, DBusError)]
#[zbus(prefix = "org.dwell.Error")]
pub enum Error {
    /// An error of the bus itself.
    #[zbus(error)]
    Bus(zbus::Error),
    /// See [`Kind::Denied`].
    Denied(String),
    /// See [`Kind::Locked`].
    Locked(String),
    /// See [`Kind::NotFound`].
    NotFound(String),
    /// See [`Kind::Invalid`].
    Invalid(String),
    /// See [`Kind::NoData`].
    NoData(String),
    /// See [`Kind::ClockUntrusted`].
    ClockUntrusted(String),
    /// See [`Kind::StorageDegraded`].
    StorageDegraded(String),
    /// See [`Kind::Failed`].
    Failed(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let text = if failure.hint.is_empty() {
            failure.message
        } else {
            format!("{}\n{}", failure.message, failure.hint)
        };
        match failure.kind {
            Kind::Denied => Self::Denied(text),
            Kind::Locked => Self::Locked(text),
            Kind::NotFound => Self::NotFound(text),
            Kind::Invalid => Self::Invalid(text),
            Kind::NoData => Self::NoData(text),
            Kind::ClockUntrusted => Self::ClockUntrusted(text),
            Kind::StorageDegraded => Self::StorageDegraded(text),
            Kind::Failed => Self::Failed(text),
        }
    }
}

impl Error {
    /// The failure that the daemon sent, or the bus error when it sent none.
    ///
    /// # Errors
    /// The error of the bus itself: no bus, no daemon, no answer.
    pub fn into_failure(self) -> Result<Failure, zbus::Error> {
        let (kind, text) = match self {
            Self::Bus(error) => return Err(error),
            Self::Denied(text) => (Kind::Denied, text),
            Self::Locked(text) => (Kind::Locked, text),
            Self::NotFound(text) => (Kind::NotFound, text),
            Self::Invalid(text) => (Kind::Invalid, text),
            Self::NoData(text) => (Kind::NoData, text),
            Self::ClockUntrusted(text) => (Kind::ClockUntrusted, text),
            Self::StorageDegraded(text) => (Kind::StorageDegraded, text),
            Self::Failed(text) => (Kind::Failed, text),
        };
        let (message, hint) = text.split_once('\n').unwrap_or((&text, ""));
        Ok(Failure::new(kind, message).hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_survive_the_journey() {
        for kind in [Kind::Denied, Kind::Locked, Kind::NotFound, Kind::Invalid, Kind::NoData, Kind::Failed] {
            let sent = Failure::new(kind, "what: why").hint("do this");
            assert_eq!(Error::from(sent.clone()).into_failure().ok(), Some(sent));
        }
    }
}
