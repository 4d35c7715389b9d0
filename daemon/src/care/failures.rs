//! What the vault's errors mean for the person.

use std::io;

use dwell_bus::{Failure, Kind};
use dwell_vault::{GenerationError, OpenError, ReadError, SlotError, UnlockError, WriteError};

use crate::keys::KeyringError;

pub(crate) fn keyring(error: &KeyringError) -> Failure {
    let hint = match error {
        KeyringError::Missing => {
            "start one (gnome-keyring, kwalletd, KeePassXC), or use `dwell key add keyfile`"
        }
        KeyringError::Locked => "unlock it in your keyring manager, then try again",
        KeyringError::Failed(_) => "try again; see the journal of the keyring's service",
    };
    let kind = if *error == KeyringError::Locked { Kind::Locked } else { Kind::Failed };
    Failure::new(kind, error.to_string()).hint(hint)
}

pub(crate) fn unlock(error: &UnlockError) -> Failure {
    let (kind, hint) = match error {
        UnlockError::Wrong { .. } => {
            (Kind::Denied, "try again; the recovery key works, too: `dwell vault unlock --recovery`")
        }
        UnlockError::NoSlot { .. } => (Kind::NotFound, "`dwell key list` shows what opens it"),
        UnlockError::Mistyped(_) => (Kind::Invalid, "compare it with what you wrote down"),
        UnlockError::Memory => (Kind::Failed, "close something, then try again"),
        UnlockError::Open(error) => return open(error),
    };
    Failure::new(kind, error.to_string()).hint(hint)
}

pub(crate) fn slot(error: &SlotError) -> Failure {
    match error {
        SlotError::Full => Failure::new(Kind::Failed, error.to_string())
            .hint("remove one first: `dwell key list`, `dwell key remove N`"),
        SlotError::Taken { .. } => {
            Failure::new(Kind::Invalid, error.to_string()).hint("`dwell key list` shows what is there")
        }
        SlotError::Memory => {
            Failure::new(Kind::Failed, error.to_string()).hint("close something, then try again")
        }
        SlotError::Open(error) => open(error),
    }
}

pub(crate) fn generation(error: &GenerationError) -> Failure {
    let unchanged = "nothing was changed";
    match error {
        GenerationError::Interrupted => Failure::new(Kind::Failed, error.to_string()).hint(unchanged),
        GenerationError::OnlyTogether(together) => {
            let hint =
                format!("forget all of it with `dwell forget --before {}`, or leave it", together.to.plus(1));
            Failure::new(Kind::Invalid, error.to_string()).hint(hint)
        }
        GenerationError::Slot { .. } => Failure::new(Kind::Invalid, error.to_string())
            .hint("add another key first: `dwell key add passphrase`"),
        GenerationError::Unverified => {
            Failure::new(Kind::StorageDegraded, error.to_string()).hint("check the disk; nothing was changed")
        }
        GenerationError::Open(error) => open(error),
        GenerationError::Write(error) => write(error),
        GenerationError::Read(error) => read(error),
    }
}

pub(crate) fn open(error: &OpenError) -> Failure {
    if let OpenError::Io { path, source } = error {
        let path = path.display();
        return match source.kind() {
            io::ErrorKind::AlreadyExists => Failure::new(Kind::Invalid, format!("{path} exists already"))
                .hint("nothing is written over it; nothing was changed"),
            _ => {
                let why = source.to_string();
                // Without the number that Rust adds.
                let why = why.split(" (os error").next().unwrap_or_default();
                Failure::new(Kind::Failed, format!("{path}: {why}"))
                    .hint("check the path and its permissions; nothing was changed")
            }
        };
    }
    let hint = match error {
        OpenError::DiskFull => "free some space, then try again; nothing was changed",
        OpenError::ReadOnly => "check the path and its permissions; nothing was changed",
        OpenError::Corrupt { .. } | OpenError::Database { .. } => "see `dwell vault verify`",
        _ => "see `dwell doctor`",
    };
    let kind = match error {
        OpenError::KeyMissing { .. } | OpenError::NoKeyFits { .. } | OpenError::WrongKey { .. } => {
            Kind::Locked
        }
        _ => Kind::StorageDegraded,
    };
    Failure::new(kind, error.to_string()).hint(hint)
}

pub(crate) fn write(error: &WriteError) -> Failure {
    let hint = match error {
        WriteError::DiskFull => "free some space, then try again; nothing was changed",
        _ => "see `dwell doctor`; nothing was changed",
    };
    Failure::new(Kind::StorageDegraded, error.to_string()).hint(hint)
}

pub(crate) fn read(error: &ReadError) -> Failure {
    Failure::new(Kind::StorageDegraded, error.to_string()).hint("see `dwell vault verify`")
}
