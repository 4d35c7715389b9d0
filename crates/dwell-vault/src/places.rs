//! Where a vault's files are. Paths only: nothing here touches the disk.

use std::path::PathBuf;

/// The folder that holds one person's vault and, beside it, its key files.
///
/// `data_dir` is `$XDG_DATA_HOME/dwell` in user mode and `/var/lib/dwell/users/UID` in family mode. The vault makes
/// it with mode 0700 where it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Holds `vault/`, `keyfile`, `enf.keyfile` and `lock`.
    pub data_dir: PathBuf,
}

impl Places {
    /// The places below `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into() }
    }

    /// The key file that opens the vault's key slot.
    pub fn keyfile(&self) -> PathBuf {
        self.data_dir.join("keyfile")
    }

    /// The key file of what must be readable while the vault is sealed: rules, counters, index.
    pub fn enf_keyfile(&self) -> PathBuf {
        self.data_dir.join("enf.keyfile")
    }

    /// The folder of the vault's generations.
    pub fn vault(&self) -> PathBuf {
        self.data_dir.join("vault")
    }

    /// The sealed copy of the database that is made once a week.
    pub fn weekly_copy(&self) -> PathBuf {
        self.vault().join("weekly")
    }

    /// The symbolic link that names the generation in use; making it is the last step of creation.
    pub(crate) fn current(&self) -> PathBuf {
        self.vault().join("current")
    }

    /// Held with an exclusive `flock` by the one daemon that has the vault open; contains its process id.
    pub(crate) fn lock(&self) -> PathBuf {
        self.data_dir.join("lock")
    }
}
