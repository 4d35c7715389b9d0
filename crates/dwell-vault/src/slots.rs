//! Adding key slots to an open vault, and the header's rewriting that this takes.
//!
//! The new header, both copies of it, is written beside the old one, synced, and renamed over it: a kill leaves the
//! one or the other. Removing a slot is no such rewriting: its key might have been copied, so that takes
//! new keys: a new generation.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::envelope;
use crate::error::{OpenError, Part};
use crate::header::{COPY, Header};
use crate::keyfile::Purpose;
use crate::keys::{Key, NoRandom, digest};
use crate::passphrase::{self, NoSeed};
use crate::slot::{self, PARAMETERS, Slot, SlotInfo, SlotKind};
use crate::{Vault, create, open, recovery_key};

/// What a new slot is to be opened by.
pub enum NewSlot {
    /// A key file that is made at this path; there must be none.
    Keyfile(PathBuf),
    /// 32 random bytes that the daemon has put into a keyring or a systemd credential.
    Seed(Zeroizing<[u8; 32]>, SlotKind),
    /// A passphrase, as UTF-8, exactly as typed.
    Passphrase(Zeroizing<String>),
}

impl fmt::Debug for NewSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSlot(‹redacted›)")
    }
}

/// Why a slot was not added. The header is as it was then.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// All eight are taken.
    #[error("all eight key slots are taken")]
    Full,
    /// A slot of this kind has this very secret already.
    #[error("slot {number} has this key already")]
    Taken {
        /// Its number.
        number: u8,
    },
    /// There is not enough memory to derive a key from the passphrase.
    #[error("there is not enough memory for the passphrase")]
    Memory,
    /// The header or a key file could not be read or written.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<NoRandom> for SlotError {
    fn from(NoRandom: NoRandom) -> Self {
        Self::Open(OpenError::Random)
    }
}

impl Vault {
    /// The slots that are taken.
    ///
    /// # Errors
    /// See [`OpenError`]: the header cannot be read any more.
    pub fn slots(&self) -> Result<Vec<SlotInfo>, OpenError> {
        Ok(slot::list(&self.header()?.slots))
    }

    /// Adds a slot, durably. Returns its number. For a passphrase this takes 64 MiB and some tenths of a second.
    ///
    /// # Errors
    /// See [`SlotError`].
    pub fn add_slot(&mut self, new: &NewSlot) -> Result<u8, SlotError> {
        match new {
            NewSlot::Seed(seed, kind) => {
                let seed = Key::from_slice(seed.as_slice()).ok_or(NoRandom)?;
                self.add(*kind, [0; PARAMETERS], &seed)
            }
            NewSlot::Passphrase(text) => {
                let parameters = passphrase::new_parameters()?;
                let seed = passphrase::seed(text, &parameters).map_err(|NoSeed| SlotError::Memory)?;
                self.add(SlotKind::Passphrase, parameters, &seed)
            }
            NewSlot::Keyfile(path) => {
                let seed = Key::random()?;
                create::write_key(path, Purpose::Slot, &self.store.facts.vault_id, &seed)?;
                let added = self.add(SlotKind::Keyfile, [0; PARAMETERS], &seed);
                if added.is_err() {
                    // It opens nothing, and nobody has seen it.
                    let _ = fs::remove_file(path);
                }
                added
            }
        }
    }

    /// Adds a recovery slot. Returns its number and the key's text, which exists nowhere else: to be shown, and
    /// written down, once.
    ///
    /// # Errors
    /// See [`SlotError`].
    pub fn add_recovery(&mut self) -> Result<(u8, Zeroizing<String>), SlotError> {
        let seed = Key::random()?;
        let number = self.add(SlotKind::Recovery, [0; PARAMETERS], &seed)?;
        Ok((number, recovery_key::print(&seed)))
    }

    fn add(&mut self, kind: SlotKind, parameters: [u8; PARAMETERS], seed: &Key) -> Result<u8, SlotError> {
        let mut header = self.header()?;
        let (vault_id, epoch) = (header.vault_id, header.epoch);
        if let slot::Found::Vk(_) | slot::Found::Broken(_) =
            slot::open(&header.slots, kind, seed, &vault_id, epoch)
        {
            let to = envelope::public_key(seed);
            let at = header.slots.iter().position(|slot| slot.as_ref().is_some_and(|s| s.is_of(&to)));
            let number = at.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
            return Err(SlotError::Taken { number });
        }
        let (number, free) =
            (0_u8..).zip(&mut header.slots).find(|(_, slot)| slot.is_none()).ok_or(SlotError::Full)?;
        let to = envelope::public_key(seed);
        *free = Some(Slot::new(kind, parameters, to, number, &self.keys.root, &vault_id, epoch)?);
        header.revision = header.revision.saturating_add(1);
        self.write_header(&header)?;
        Ok(number)
    }

    /// The header as it stands on the disk, proven to be this vault's.
    pub(crate) fn header(&self) -> Result<Header, OpenError> {
        let facts = &self.store.facts;
        let folder = create::folder(&self.places, facts.generation);
        let parsed = open::read_header(&folder.join("hdr"))?;
        if !parsed.signed_by_vault(&self.keys) || parsed.header.generation != facts.generation {
            return Err(OpenError::Corrupt { what: Part::HeaderMac });
        }
        Ok(parsed.header)
    }

    fn write_header(&mut self, header: &Header) -> Result<(), OpenError> {
        if self.store.read_only {
            return Err(OpenError::ReadOnly);
        }
        let folder = create::folder(&self.places, header.generation);
        let bytes = header.encode(&self.keys, &self.store.enf);
        let (new, path) = (folder.join("hdr.new"), folder.join("hdr"));
        // What a kill left of an earlier try.
        let _ = fs::remove_file(&new);
        create::write_new(&new, &bytes).map_err(|e| OpenError::io(&new, e))?;
        fs::rename(&new, &path).map_err(|e| OpenError::io(&path, e))?;
        create::sync(&folder)?;
        self.store.facts.header = digest(&bytes[..COPY]);
        self.store.facts.header_revision = header.revision;
        self.store.write_tip();
        Ok(())
    }
}
