//! The daemon's own failures: one line of what and why, the next step, and an exit code.

use std::fmt;
use std::path::Path;

use dwell_vault::{OpenError, Places};

/// Why the daemon cannot run.
#[derive(Debug)]
pub struct Failure {
    what: String,
    next: String,
    /// What of it may be kept in a log, where not all of it may: a configuration names programs.
    loggable: Option<String>,
    /// The process's exit code: 1 failed, 2 invalid configuration or usage, 4 the vault's key is not to be had.
    pub code: u8,
}

impl Failure {
    /// A failure with the exit code 1.
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), loggable: None, code: 1 }
    }

    /// The same with another exit code.
    #[must_use]
    pub const fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The same, of which a log may keep no more than this.
    #[must_use]
    pub fn loggable(mut self, text: impl Into<String>) -> Self {
        self.loggable = Some(text.into());
        self
    }

    /// The line for a log, which outlives the vault's promises.
    pub fn for_log(&self) -> String {
        self.loggable.clone().unwrap_or_else(|| self.to_string())
    }

    /// What and why, and the next step.
    pub fn into_parts(self) -> (String, String) {
        (self.what, self.next)
    }

    /// What a vault that does not open means for the person.
    pub fn vault(error: &OpenError, data_dir: &Path) -> Self {
        let data = data_dir.display();
        let (next, code) = match error {
            OpenError::InUse { .. } => ("stop it first, or use it: `dwell status`".to_owned(), 1),
            OpenError::KeyMissing { .. } => {
                (format!("put the key file back from a backup; nothing in {data} was changed"), 4)
            }
            OpenError::VaultMissing { .. } => (
                "put the vault folder back from a backup, or move the key files away to start afresh".into(),
                4,
            ),
            OpenError::NoVault { .. } => ("start dwelld, which makes one".to_owned(), 1),
            OpenError::NoKeyFits { .. } => {
                ("try another key: a passphrase, or the recovery key; nothing is damaged".into(), 4)
            }
            OpenError::KeyUnreadable { path, .. } => {
                (format!("give yourself read access: `chmod 600 {}`", path.display()), 4)
            }
            OpenError::KeyDamaged { .. } => {
                ("put the key file back from a backup; the vault itself was not touched".into(), 4)
            }
            OpenError::WrongKey { .. } => {
                ("put the key file that was made with this vault back; nothing is damaged".into(), 4)
            }
            OpenError::Corrupt { .. } | OpenError::Database { .. } => {
                let db = Places::new(data_dir).vault().join("current/db");
                let next = format!(
                    "nothing was changed: put a backup back with `dwell vault restore FILE`, or take what can still be \
                     read with `dwell vault salvage {}`",
                    db.display()
                );
                (next, 1)
            }
            OpenError::Newer { .. } => ("install that newer dwell again; nothing was changed".into(), 1),
            OpenError::DiskFull => ("free some space, then start dwelld again".into(), 1),
            OpenError::ReadOnly => (format!("make {data} writable, or set DWELL_DATA_DIR"), 1),
            OpenError::Io { .. } => (format!("check the permissions of {data}, or set DWELL_DATA_DIR"), 1),
            OpenError::Random => ("check that /dev/urandom works".into(), 1),
        };
        Self::new(error.to_string(), next).code(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, " ({})", self.next) }
    }
}

impl std::error::Error for Failure {}
