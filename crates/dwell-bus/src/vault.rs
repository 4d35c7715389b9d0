//! `org.dwell.Dwell1.Vault`: the care of what is kept. Keys, locking, checking, copies, forgetting.
//!
//! Secrets never travel in a message, where a monitor of the bus would see them: they go through file descriptors.
//! A secret that is given is read until the end of the file, at most [`SECRET_MAX`] bytes; one line break at its end
//! is not part of it.
//!
//! Long work answers through a pipe: `dwell.progress/1` lines while it goes on ([`crate::lines::Progress`]), then one
//! `dwell.done/1` ([`crate::lines::Done`]) or one `dwell.error/1` line ([`crate::lines::Failed`]). Who closes the
//! pipe stops the work, and nothing has changed then, unless its last step was taken already; `Info` tells. Where the
//! last line is missing, the daemon was cut off.

use tokio::sync::mpsc;
use zbus::zvariant::{Fd, OwnedFd};

use crate::error::{Error, Failure, Kind};
use crate::own::{ask, checked};
use crate::{Request, VaultRequest, wire};

/// A passphrase or a recovery key is at most this long, in bytes.
pub const SECRET_MAX: usize = 4096;

/// The served object: a channel to the hub, and no logic.
#[derive(Clone, Debug)]
pub struct Vault {
    hub: mpsc::Sender<Request>,
}

impl Vault {
    /// An object that passes everything to `hub`.
    pub const fn new(hub: mpsc::Sender<Request>) -> Self {
        Self { hub }
    }

    async fn ask<T>(&self, request: impl FnOnce(crate::Reply<T>) -> VaultRequest) -> Result<T, Error> {
        ask(&self.hub, |reply| Request::Vault(request(reply))).await
    }
}

fn owned(secret: &Fd<'_>) -> Result<std::os::fd::OwnedFd, Error> {
    let copy = std::os::fd::AsFd::as_fd(secret).try_clone_to_owned();
    copy.map_err(|error| Failure::new(Kind::Failed, format!("no file descriptor: {error}")).into())
}

/// The care of what is kept. Errors are `org.dwell.Error.*` as everywhere: the first line says what and why, the
/// second, where there is one, the next step.
#[zbus::interface(
    name = "org.dwell.Dwell1.Vault",
    proxy(default_service = "org.dwell.Dwell1", default_path = "/org/dwell/Dwell1", gen_blocking = false)
)]
impl Vault {
    /// What the vault is: its state, size, days, and what is wrong with it.
    async fn info(&self) -> Result<wire::VaultInfo, Error> {
        self.ask(VaultRequest::Info).await
    }

    /// The keys that open it.
    async fn list_keys(&self) -> Result<Vec<wire::Key>, Error> {
        self.ask(VaultRequest::ListKeys).await
    }

    /// Adds a key that needs no person: `keyring`, `keyfile` or `credential`.
    /// Errors: Locked (the vault is sealed), Invalid (kind), Failed (no keyring, all eight places taken).
    async fn add_key(&self, kind: &str) -> Result<wire::Key, Error> {
        let kind = checked(kind)?;
        self.ask(|reply| VaultRequest::AddKey(kind, reply)).await
    }

    /// Adds a passphrase, UTF-8. Errors: Locked, Invalid (empty, not UTF-8, too long), Failed.
    async fn add_passphrase(&self, secret: Fd<'_>) -> Result<wire::Key, Error> {
        let secret = owned(&secret)?;
        self.ask(|reply| VaultRequest::AddPassphrase(secret, reply)).await
    }

    /// Adds a recovery key. Its text comes once, through the pipe, as one line, and exists nowhere else.
    /// Errors: Locked, Failed.
    async fn add_recovery(&self) -> Result<(wire::Key, OwnedFd), Error> {
        let (key, text) = self.ask(VaultRequest::AddRecovery).await?;
        Ok((key, text.into()))
    }

    /// Removes a key by its number, and gives everything new keys, for its secret may have been copied. Long work.
    /// Errors: Locked, NotFound (number), Invalid (the last one).
    async fn remove_key(&self, number: u8) -> Result<OwnedFd, Error> {
        Ok(self.ask(|reply| VaultRequest::RemoveKey(number, reply)).await?.into())
    }

    /// Gives everything new keys. Long work. Errors: Locked.
    async fn rotate_keys(&self) -> Result<OwnedFd, Error> {
        Ok(self.ask(VaultRequest::RotateKeys).await?.into())
    }

    /// Opens the vault for `for_ms` milliseconds (0: until `Lock` or the daemon ends). `kind` is `passphrase` or
    /// `recovery`, with the secret; or empty, for a key that needs no person, and an empty secret. Open already, a
    /// right secret sets the time anew. Errors: Denied (wrong secret), NotFound (no such key), Invalid.
    async fn unlock(&self, kind: &str, secret: Fd<'_>, for_ms: u64) -> Result<(), Error> {
        let (kind, secret) = (checked(kind)?, owned(&secret)?);
        self.ask(|reply| VaultRequest::Unlock(kind, secret, for_ms, reply)).await
    }

    /// Puts the vault's key out of memory. Recording and limits go on; history cannot be read until `Unlock`.
    async fn lock(&self) -> Result<(), Error> {
        self.ask(VaultRequest::Lock).await
    }

    /// Reads and checks every record. Long work. Errors: Locked.
    async fn verify(&self) -> Result<OwnedFd, Error> {
        Ok(self.ask(VaultRequest::Verify).await?.into())
    }

    /// Writes the whole vault, encrypted as it is, into a file that must not exist yet; an absolute path. Long work.
    /// Errors: Locked, Invalid (path).
    async fn backup(&self, path: &str) -> Result<OwnedFd, Error> {
        if path.len() > 4096 || !path.starts_with('/') || path.chars().any(char::is_control) {
            return Err(Failure::new(Kind::Invalid, "the path is not an absolute one").into());
        }
        let path = path.to_owned();
        Ok(self.ask(|reply| VaultRequest::Backup(path, reply)).await?.into())
    }

    /// Takes history as it is for what it should be, after it was found older than the one last seen.
    /// Errors: Locked.
    async fn accept(&self) -> Result<(), Error> {
        self.ask(VaultRequest::Accept).await
    }

    /// What forgetting would take. Errors: Locked, Invalid (selection).
    async fn would_forget(&self, selection: wire::Selection) -> Result<wire::Forgotten, Error> {
        check_selection(&selection)?;
        self.ask(|reply| VaultRequest::WouldForget(selection, reply)).await
    }

    /// Forgets for good: what stays is encrypted anew. Long work. Errors: Locked, Invalid (selection).
    async fn forget(&self, selection: wire::Selection) -> Result<OwnedFd, Error> {
        check_selection(&selection)?;
        Ok(self.ask(|reply| VaultRequest::Forget(selection, reply)).await?.into())
    }

    /// Takes in history that another program has recorded, of days that are over, all of it or nothing. Through `spans`
    /// comes a [`crate::lines::Foreign`] a line, in the order of their start, and one `dwell.end/1` that says how many there
    /// were. What is recorded already wins. `dry_run` only says what would be taken. Long work.
    /// Errors: Locked, Failed (another import is under way). In the work: Invalid (what came, with its line).
    async fn import(&self, spans: Fd<'_>, dry_run: bool) -> Result<OwnedFd, Error> {
        let spans = owned(&spans)?;
        Ok(self.ask(|reply| VaultRequest::Import(spans, dry_run, reply)).await?.into())
    }

    /// What is stored, where, and who can read it.
    async fn privacy(&self) -> Result<wire::Privacy, Error> {
        self.ask(VaultRequest::Privacy).await
    }
}

fn check_selection(selection: &wire::Selection) -> Result<(), Error> {
    let wire::Selection { before, day, app, domain } = selection;
    let texts: Vec<&String> = [before, day, app, domain].into_iter().flatten().collect();
    if texts.len() != 1 {
        let failure = Failure::new(Kind::Invalid, "exactly one of before, day, app and domain is wanted");
        return Err(failure.hint("forget one thing after the other").into());
    }
    texts.into_iter().try_for_each(|text| checked(text).map(|_| ()))
}
