//! What can go wrong, one enum for each family of operations. They carry facts; the daemon adds the next step.

use std::io;
use std::path::{Path, PathBuf};

use dwell_core::calendar::CivilDay;
use rusqlite::ErrorCode;

use crate::unlock::UnlockError;

/// Which part of a vault does not hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Part {
    /// Both copies of the header are damaged, or the file is cut short.
    #[error("the header")]
    Header,
    /// The header is whole, but not what this vault's keys signed.
    #[error("the header's signature")]
    HeaderMac,
    /// The key slot with this number, counted from 0.
    #[error("key slot {0}")]
    Slot(u8),
    /// `vault/current` is missing or names no generation, though generations exist.
    #[error("the link to the current generation")]
    Current,
    /// The database file is missing, is no database, or lacks its tables.
    #[error("the database")]
    Database,
    /// A backup, or the list of backups.
    #[error("the backup")]
    Backup,
    /// The record of rules and counters.
    #[error("the enforcement record")]
    Enforcement,
    /// A file of what was recorded before the key of rules and counters was there.
    #[error("what was spilled")]
    Spill,
}

/// Why a vault could not be opened or made. None of these leaves anything changed on the disk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the vault open.
    #[error("the vault is in use by another process{}", pid.map(|p| format!(" ({p})")).unwrap_or_default())]
    InUse {
        /// Its process id, where it could be read.
        pid: Option<u32>,
    },
    /// There is a vault, but not the key file that opens it.
    #[error("the vault's key file {} is missing", path.display())]
    KeyMissing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// There is a key file, but no vault that it could open; making a fresh one would hide the loss.
    #[error("there is a key file {} but no vault at {}", key.display(), vault.display())]
    VaultMissing {
        /// The key file that was found.
        key: PathBuf,
        /// Where the vault was expected.
        vault: PathBuf,
    },
    /// There is no vault, and none was to be made: an opening that waits for one, or a look at one.
    #[error("there is no vault at {}", path.display())]
    NoVault {
        /// Where it was expected.
        path: PathBuf,
    },
    /// The key of rules and counters was to come from the header, and no key that was given opens it.
    #[error("no key that was given opens the vault")]
    NoKeyFits {
        /// Why each of them does not, in their order; at least one.
        refused: Vec<UnlockError>,
    },
    /// A key file exists but cannot be read.
    #[error("the key file {} cannot be read: {source}", path.display())]
    KeyUnreadable {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key file's checksum or length is wrong.
    #[error("the key file {} is damaged", path.display())]
    KeyDamaged {
        /// The key file.
        path: PathBuf,
    },
    /// The key file is whole, but belongs to another vault.
    #[error("the key file {} does not belong to this vault", path.display())]
    WrongKey {
        /// The key file.
        path: PathBuf,
    },
    /// A part of the vault is damaged so that nothing can be read.
    #[error("the vault is damaged: {what}")]
    Corrupt {
        /// Which part.
        what: Part,
    },
    /// The vault was written by a newer dwell, in a format that this one cannot read.
    #[error("the vault has format {major}, newer than this dwell can read")]
    Newer {
        /// Its major format number.
        major: u16,
    },
    /// The system refused a file operation.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database refused.
    #[error("the vault's database failed: {source}")]
    Database {
        /// What SQLite said; never contains a value.
        source: rusqlite::Error,
    },
    /// No space is left.
    #[error("no space is left for the vault")]
    DiskFull,
    /// The file system is mounted read-only, or the files may not be written.
    #[error("the vault's folder cannot be written")]
    ReadOnly,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Why something was not recorded. Nothing of the call was written then.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No space is left.
    #[error("no space is left for the vault")]
    DiskFull,
    /// The file system or the vault (one of a newer minor format) takes no writes.
    #[error("the vault cannot be written")]
    ReadOnly,
    /// The database is damaged where it had to be changed.
    #[error("the vault is damaged: {what}")]
    Corrupt {
        /// Which part.
        what: Part,
    },
    /// The enforcement record or a day is longer than a record can be (16 MiB).
    #[error("{bytes} bytes are more than one record can hold")]
    TooLong {
        /// Its length before sealing.
        bytes: usize,
    },
    /// A day has as many rows or parts as can be counted.
    #[error("{day} takes no more rows")]
    DayFull {
        /// The day.
        day: CivilDay,
    },
    /// The database refused for another reason.
    #[error("the vault's database failed: {source}")]
    Database {
        /// What SQLite said; never contains a value.
        source: rusqlite::Error,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// For work that writes only what a vault holds already: that it is too much would be damage.
impl From<WriteError> for OpenError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::DiskFull => Self::DiskFull,
            WriteError::ReadOnly => Self::ReadOnly,
            WriteError::Database { source } => Self::Database { source },
            WriteError::Random => Self::Random,
            WriteError::Corrupt { what } => Self::Corrupt { what },
            WriteError::TooLong { .. } | WriteError::DayFull { .. } => Self::Corrupt { what: Part::Database },
        }
    }
}

/// Why nothing at all could be read. Damaged days are no error: they are listed in what was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A record that is not of one day is damaged.
    #[error("the vault is damaged: {what}")]
    Corrupt {
        /// Which part.
        what: Part,
    },
    /// The database refused.
    #[error("the vault's database failed: {source}")]
    Database {
        /// What SQLite said; never contains a value.
        source: rusqlite::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

impl OpenError {
    /// The same, unless the disk turns out to be full: SQLite says no more than that it cannot open a file where it
    /// cannot make its log.
    pub(crate) fn or_full(self, db: &Path) -> Self {
        let cannot_open = matches!(
            &self,
            Self::Database { source } if source.sqlite_error_code() == Some(ErrorCode::CannotOpen)
        );
        if !cannot_open {
            return self;
        }
        let probe = db.with_extension("probe");
        let tried =
            std::fs::File::create(&probe).and_then(|mut file| io::Write::write_all(&mut file, &[0; 512]));
        let _ = std::fs::remove_file(&probe);
        match tried {
            Err(error) => Self::io(&probe, error),
            Ok(()) => self,
        }
    }
}

/// What an SQLite error means for us.
enum Fault {
    Full,
    ReadOnly,
    Corrupt,
    Other,
}

/// SQLITE_IOERR_SHMSIZE
const SHMSIZE: i32 = 10 | (19 << 8);

fn extended(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|e| e.extended_code)
}

fn fault(error: &rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Fault::Full,
        // The log's index could not grow, for which a full disk is the one common cause.
        Some(_) if extended(error) == Some(SHMSIZE) => Fault::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Fault::ReadOnly,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Fault::Corrupt,
        _ => Fault::Other,
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(source: rusqlite::Error) -> Self {
        match fault(&source) {
            Fault::Full => Self::DiskFull,
            Fault::ReadOnly => Self::ReadOnly,
            Fault::Corrupt => Self::Corrupt { what: Part::Database },
            Fault::Other => Self::Database { source },
        }
    }
}

impl From<rusqlite::Error> for WriteError {
    fn from(source: rusqlite::Error) -> Self {
        match fault(&source) {
            Fault::Full => Self::DiskFull,
            Fault::ReadOnly => Self::ReadOnly,
            Fault::Corrupt => Self::Corrupt { what: Part::Database },
            Fault::Other => Self::Database { source },
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(source: rusqlite::Error) -> Self {
        match fault(&source) {
            Fault::Corrupt => Self::Corrupt { what: Part::Database },
            _ => Self::Database { source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, ffi};

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_full_disk_is_told_as_one() {
        // A real SQLITE_FULL: the file may not grow.
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t(b BLOB); PRAGMA max_page_count = 3;").unwrap();
        let full = conn.execute("INSERT INTO t VALUES (zeroblob(100000))", []).unwrap_err();
        assert!(matches!(WriteError::from(full), WriteError::DiskFull));
        assert!(matches!(WriteError::from(failure(SHMSIZE)), WriteError::DiskFull));
        let enospc = || io::Error::from_raw_os_error(28);
        assert!(matches!(OpenError::io(Path::new("/x"), enospc()), OpenError::DiskFull));
        assert!(matches!(
            OpenError::io(Path::new("/x"), io::Error::from_raw_os_error(122)),
            OpenError::DiskFull
        ));
        assert!(matches!(
            OpenError::io(Path::new("/x"), io::Error::from_raw_os_error(30)),
            OpenError::ReadOnly
        ));
    }

    #[test]
    fn other_failures_are_told_apart() {
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT_INDEX] {
            assert!(matches!(WriteError::from(failure(code)), WriteError::Corrupt { what: Part::Database }));
            assert!(matches!(ReadError::from(failure(code)), ReadError::Corrupt { what: Part::Database }));
            assert!(matches!(OpenError::from(failure(code)), OpenError::Corrupt { what: Part::Database }));
        }
        assert!(matches!(WriteError::from(failure(ffi::SQLITE_READONLY_DIRECTORY)), WriteError::ReadOnly));
        assert!(matches!(WriteError::from(failure(ffi::SQLITE_IOERR_FSYNC)), WriteError::Database { .. }));
    }

    #[test]
    fn each_error_says_what_in_one_line() {
        let shown = OpenError::WrongKey { path: "/d/keyfile".into() }.to_string();
        assert_eq!(shown, "the key file /d/keyfile does not belong to this vault");
        assert_eq!(
            OpenError::InUse { pid: Some(7) }.to_string(),
            "the vault is in use by another process (7)"
        );
        assert_eq!(
            OpenError::Corrupt { what: Part::Slot(2) }.to_string(),
            "the vault is damaged: key slot 2"
        );
    }
}
