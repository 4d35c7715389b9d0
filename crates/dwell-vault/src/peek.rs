//! What a vault's header says before anything is opened: which generation is in use, which slots there are, and whether
//! a secret is one of this vault's. Takes no lock, and changes nothing of the vault.
//!
//! Nobody has vouched for the header yet: somebody who can write to the folder can make it say anything. What a secret
//! opens is only ever decided by opening.

use crate::create::{self, Found};
use crate::error::OpenError;
use crate::header::Parsed;
use crate::keys::Key;
use crate::slot::{self, SlotInfo};
use crate::unlock::{self, Unlock, UnlockError};
use crate::{Places, open, restore};

/// The number of the generation in use: a higher one than before tells that a switch happened. Of a vault whose creation
/// or restoring was cut off, the one that the next opening finds.
///
/// # Errors
/// See [`OpenError`]: [`OpenError::NoVault`] where there is none.
pub fn generation(places: &Places) -> Result<u64, OpenError> {
    current(&restore::decided(places)?)
}

/// The slots that are taken: what is worth looking for.
///
/// # Errors
/// See [`OpenError`]: there is no vault, or its header cannot be read.
pub fn slots(places: &Places) -> Result<Vec<SlotInfo>, OpenError> {
    Ok(slot::list(&header(places)?.header.slots))
}

/// Whether a secret is this vault's key of rules and counters: of several that a keyring holds, which to open with.
///
/// # Errors
/// See [`OpenError`]: there is no vault, or its header cannot be read.
pub fn is_rules_key(places: &Places, secret: &[u8; 32]) -> Result<bool, OpenError> {
    let header = header(places)?.header;
    let key = Key::from_slice(secret);
    Ok(key.is_some_and(|key| key.commits_to(&header.vault_id, &header.enf_commitment)))
}

/// Whether a key opens a slot of this vault. For a passphrase this takes as long as opening with it.
///
/// # Errors
/// See [`UnlockError`]: a key that was mistyped, a key file that cannot be read, a slot that is damaged, no vault.
pub fn opens(places: &Places, unlock: &Unlock) -> Result<bool, UnlockError> {
    match unlock::vault_keys(&header(places)?, unlock) {
        Ok(_) => Ok(true),
        Err(UnlockError::Wrong { .. } | UnlockError::NoSlot { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn current(places: &Places) -> Result<u64, OpenError> {
    match create::survey(places)? {
        Found::Nothing { .. } => Err(OpenError::NoVault { path: places.vault() }),
        found => Ok(found.generation()),
    }
}

fn header(places: &Places) -> Result<Parsed, OpenError> {
    let places = restore::decided(places)?;
    open::read_header(&create::folder(&places, current(&places)?).join("hdr"))
}
