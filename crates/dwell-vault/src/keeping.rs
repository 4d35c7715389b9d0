//! Moving secrets between key files and what the daemon keeps outside: the keyring, a systemd credential.
//!
//! K_enf can be had as it is; a slot's secret moves by a new slot and the removal of the old one, which gives
//! everything new keys. Either way the key file that is left is destroyed last, and only if it opens nothing, or if
//! the caller shows that its secret has been read back from elsewhere.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::envelope;
use crate::error::OpenError;
use crate::header::Header;
use crate::keyfile::{self, Keyfile, Purpose};
use crate::keys::Key;
use crate::sealed::SealedVault;
use crate::unlock::{self, Unlock, UnlockError};
use crate::{Vault, create};

/// Why a key file was not destroyed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum KeyfileError {
    /// It opens this slot, and nobody has shown that its secret is kept elsewhere.
    #[error("the key file opens slot {number}")]
    OpensSlot {
        /// The slot's number.
        number: u8,
    },
    /// It holds the key of rules and counters, and nobody has shown that this is kept elsewhere.
    #[error("the key file holds the key of rules and counters")]
    Enforces,
    /// It is no key file, another vault's, or cannot be read or removed.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Vault {
    /// K_enf, for a keyring or a credential to keep: what [`crate::EnfSource::Secret`] takes. Wiped when dropped.
    pub fn enforcement_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.store.enf.root().bytes())
    }

    /// Writes K_enf's key file, durably, where there is none: the way back from a keyring or a credential.
    ///
    /// # Errors
    /// See [`OpenError`]: [`OpenError::WrongKey`] for a file that holds anything else, which stays.
    pub fn write_enforcement_keyfile(&self, path: &Path) -> Result<(), OpenError> {
        let vault_id = self.store.facts.vault_id;
        if create::exists(path)? {
            let there = keyfile::read(path, Purpose::Enforcement)?;
            let same = there.vault_id == vault_id && there.secret.is(self.store.enf.root());
            return if same { Ok(()) } else { Err(OpenError::WrongKey { path: path.to_owned() }) };
        }
        create::write_key(path, Purpose::Enforcement, &vault_id, self.store.enf.root())
    }

    /// Which slot a key opens. For a passphrase this takes as long as opening with it.
    ///
    /// # Errors
    /// See [`UnlockError`].
    pub fn slot_of(&self, unlock: &Unlock) -> Result<u8, UnlockError> {
        unlock::slot_of(&self.header()?, unlock)
    }

    /// Destroys a key file of this vault: overwritten, unlinked, and the folder synced. What flash storage and
    /// snapshots keep of it, nothing here can reach. One whose secret is still in use goes only if `kept` is that
    /// secret, as read back from where it is kept now. One that is not there is gone already.
    ///
    /// # Errors
    /// See [`KeyfileError`].
    pub fn destroy_keyfile(
        &self,
        path: &Path,
        kept: Option<&Zeroizing<[u8; 32]>>,
    ) -> Result<(), KeyfileError> {
        if !create::exists(path)? {
            return Ok(());
        }
        let (file, purpose) = match keyfile::read(path, Purpose::Slot) {
            Ok(file) => (file, Purpose::Slot),
            Err(OpenError::KeyDamaged { .. }) => {
                (keyfile::read(path, Purpose::Enforcement)?, Purpose::Enforcement)
            }
            Err(error) => return Err(error.into()),
        };
        let header = self.header()?;
        if file.vault_id != header.vault_id {
            return Err(OpenError::WrongKey { path: path.to_owned() }.into());
        }
        let shown =
            kept.and_then(|kept| Key::from_slice(kept.as_slice())).is_some_and(|k| k.is(&file.secret));
        if !shown {
            in_use(&header, &file, purpose)?;
        }
        Ok(keyfile::destroy(path).map_err(|e| OpenError::io(path, e))?)
    }

    /// The vault's own two key files that open nothing any more: what a move to a keyring left, or a rekeying whose
    /// new secrets were kept elsewhere. To be given to [`Vault::destroy_keyfile`].
    ///
    /// # Errors
    /// See [`OpenError`]: the header cannot be read any more.
    pub fn stale_keyfiles(&self) -> Result<Vec<PathBuf>, OpenError> {
        let header = self.header()?;
        let own = [(self.places.keyfile(), Purpose::Slot), (self.places.enf_keyfile(), Purpose::Enforcement)];
        let stale = own.into_iter().filter(|(path, purpose)| {
            keyfile::read(path, *purpose).is_ok_and(|file| {
                file.vault_id == header.vault_id && in_use(&header, &file, *purpose).is_ok()
            })
        });
        Ok(stale.map(|(path, _)| path).collect())
    }
}

impl SealedVault {
    /// See [`Vault::enforcement_key`].
    pub fn enforcement_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.store.enf.root().bytes())
    }
}

fn in_use(header: &Header, file: &Keyfile, purpose: Purpose) -> Result<(), KeyfileError> {
    match purpose {
        Purpose::Slot => {
            let to = envelope::public_key(&file.secret);
            let slots = (0_u8..).zip(&header.slots);
            let mut opened = slots.filter(|(_, slot)| slot.as_ref().is_some_and(|slot| slot.is_of(&to)));
            opened.next().map_or(Ok(()), |(number, _)| Err(KeyfileError::OpensSlot { number }))
        }
        Purpose::Enforcement if file.secret.commits_to(&header.vault_id, &header.enf_commitment) => {
            Err(KeyfileError::Enforces)
        }
        Purpose::Enforcement => Ok(()),
    }
}
