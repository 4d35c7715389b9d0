//! Keys as they come from outside: which sources there are, and what comes of trying one.
//!
//! This crate asks no keyring and no prompt: the daemon fetches, and hands the secrets over as values.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::envelope;
use crate::error::{OpenError, Part};
use crate::header::{Header, Parsed};
use crate::keyfile::{self, Purpose};
use crate::keys::{Key, VaultKeys};
use crate::passphrase::{self, NoSeed};
use crate::places::Places;
use crate::recovery_key::{self, Mistyped};
use crate::slot::{self, Found, SlotKind};

/// Everything that opening a vault may use.
#[derive(Debug)]
pub struct Keys {
    /// Where K_enf comes from.
    pub enf: EnfSource,
    /// What to try on the slots, in this order; with none, or none that fits, the vault stays sealed.
    pub slots: Vec<Unlock>,
}

impl Keys {
    /// The two key files beside the vault.
    pub fn files(places: &Places) -> Self {
        Self { enf: EnfSource::Keyfile(places.enf_keyfile()), slots: vec![Unlock::Keyfile(places.keyfile())] }
    }

    /// K_enf's key file alone: enough to record and to enforce.
    pub fn sealed(places: &Places) -> Self {
        Self { enf: EnfSource::Keyfile(places.enf_keyfile()), slots: Vec::new() }
    }
}

/// Where K_enf comes from: a source that needs no person.
pub enum EnfSource {
    /// A key file; where it is missing and a slot opens, it is made again from the header.
    Keyfile(PathBuf),
    /// The key itself, from a keyring or a systemd credential; where it is not this vault's and a slot opens, the
    /// header's is used, and noted.
    Secret(Zeroizing<[u8; 32]>),
    /// The header, once a slot opens: for when the key's own source cannot be reached. Writes no key file. Where keys
    /// were given for the slots and none fits, that is [`OpenError::NoKeyFits`]; where none was given,
    /// [`OpenError::KeyMissing`].
    Header,
}

impl fmt::Debug for EnfSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyfile(path) => f.debug_tuple("Keyfile").field(path).finish(),
            Self::Secret(_) => f.write_str("Secret(‹redacted›)"),
            Self::Header => f.write_str("Header"),
        }
    }
}

/// One thing to try on the slots.
pub enum Unlock {
    /// The key file at this path.
    Keyfile(PathBuf),
    /// The 32 bytes that a keyring or a systemd credential keeps for a slot of this kind.
    Seed(Zeroizing<[u8; 32]>, SlotKind),
    /// A passphrase, as UTF-8, exactly as typed. Takes 64 MiB and some tenths of a second for each passphrase slot.
    Passphrase(Zeroizing<String>),
    /// A recovery key, as typed.
    Recovery(Zeroizing<String>),
}

impl Unlock {
    /// The kind of slot that this is for.
    pub const fn kind(&self) -> SlotKind {
        match self {
            Self::Keyfile(_) => SlotKind::Keyfile,
            Self::Seed(_, kind) => *kind,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Recovery(_) => SlotKind::Recovery,
        }
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unlock({:?}, ‹redacted›)", self.kind())
    }
}

/// Why a key does not open the vault.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The vault has slots of this kind, but none for this secret: a wrong passphrase, another vault's key.
    #[error("this key opens no slot of the vault")]
    Wrong {
        /// The kind that was tried.
        kind: SlotKind,
    },
    /// The vault has no slot of this kind.
    #[error("the vault has no slot of this kind")]
    NoSlot {
        /// The kind that was tried.
        kind: SlotKind,
    },
    /// The recovery key was not typed as it was printed.
    #[error("the recovery key: {0}")]
    Mistyped(#[from] Mistyped),
    /// A passphrase slot asks for more memory than there is, or than any honest slot does.
    #[error("there is not enough memory for the passphrase")]
    Memory,
    /// A key file or the vault itself stands in the way.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl UnlockError {
    /// The same for an opening that has this one key to try.
    pub(crate) fn into_open(self, path: &Path) -> OpenError {
        match self {
            Self::Open(error) => error,
            Self::Wrong { .. } | Self::NoSlot { .. } | Self::Mistyped(_) | Self::Memory => {
                OpenError::WrongKey { path: path.to_owned() }
            }
        }
    }
}

/// The vault's keys by way of one source, proven to be this header's. The flag: a key file was readable by others.
pub(crate) fn vault_keys(parsed: &Parsed, unlock: &Unlock) -> Result<(VaultKeys, bool), UnlockError> {
    let header = &parsed.header;
    let kind = unlock.kind();
    let mut was_open = false;
    let vk = match unlock {
        Unlock::Keyfile(path) => {
            let file = keyfile::read(path, Purpose::Slot)?;
            was_open = file.was_open;
            by_seed(header, kind, &file.secret)?
        }
        Unlock::Seed(seed, kind) => {
            let seed = Key::from_slice(seed.as_slice()).ok_or(UnlockError::Wrong { kind: *kind })?;
            by_seed(header, *kind, &seed)?
        }
        Unlock::Recovery(text) => by_seed(header, kind, &recovery_key::parse(text)?)?,
        Unlock::Passphrase(text) => by_passphrase(header, text)?,
    };
    let keys = VaultKeys::of(vk, &header.vault_id, header.epoch);
    if !keys.root.commits_to(&header.vault_id, &header.vk_commitment) || !parsed.signed_by_vault(&keys) {
        return Err(OpenError::Corrupt { what: Part::HeaderMac }.into());
    }
    Ok((keys, was_open))
}

/// The number of the slot that a key opens.
pub(crate) fn slot_of(header: &Header, unlock: &Unlock) -> Result<u8, UnlockError> {
    let kind = unlock.kind();
    let secret = match unlock {
        Unlock::Keyfile(path) => keyfile::read(path, Purpose::Slot)?.secret,
        Unlock::Seed(seed, kind) => {
            Key::from_slice(seed.as_slice()).ok_or(UnlockError::Wrong { kind: *kind })?
        }
        Unlock::Recovery(text) => recovery_key::parse(text)?,
        Unlock::Passphrase(text) => {
            let of_kind = |slot: &&slot::Slot| slot.kind() == Some(kind);
            let mut error = UnlockError::NoSlot { kind };
            for (number, slot) in (0_u8..).zip(&header.slots) {
                let Some(slot) = slot.as_ref().filter(of_kind) else { continue };
                let seed = passphrase::seed(text, slot.parameters()).map_err(|NoSeed| UnlockError::Memory)?;
                if slot.is_of(&envelope::public_key(&seed)) {
                    return Ok(number);
                }
                error = UnlockError::Wrong { kind };
            }
            return Err(error);
        }
    };
    let to = envelope::public_key(&secret);
    let ours = |slot: &slot::Slot| slot.kind() == Some(kind) && slot.is_of(&to);
    let mut slots = (0_u8..).zip(&header.slots);
    match slots.find(|(_, slot)| slot.as_ref().is_some_and(ours)) {
        Some((number, _)) => Ok(number),
        None => by_seed(header, kind, &secret).and(Err(UnlockError::Wrong { kind })),
    }
}

fn by_seed(header: &Header, kind: SlotKind, seed: &Key) -> Result<Key, UnlockError> {
    match slot::open(&header.slots, kind, seed, &header.vault_id, header.epoch) {
        Found::Vk(vk) => Ok(vk),
        Found::Broken(number) => Err(OpenError::Corrupt { what: Part::Slot(number) }.into()),
        Found::NotOurs if header.slots.iter().flatten().any(|slot| slot.kind() == Some(kind)) => {
            Err(UnlockError::Wrong { kind })
        }
        Found::NotOurs => Err(UnlockError::NoSlot { kind }),
    }
}

/// Every passphrase slot has a salt of its own, so each has to be tried.
fn by_passphrase(header: &Header, text: &str) -> Result<Key, UnlockError> {
    let kind = SlotKind::Passphrase;
    let mut error = UnlockError::NoSlot { kind };
    for slot in header.slots.iter().flatten().filter(|slot| slot.kind() == Some(kind)) {
        match passphrase::seed(text, slot.parameters()) {
            Err(NoSeed) => error = UnlockError::Memory,
            Ok(seed) => match by_seed(header, kind, &seed) {
                Err(wrong @ UnlockError::Wrong { .. }) => error = wrong,
                other => return other,
            },
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let keys = Keys {
            enf: EnfSource::Secret(Zeroizing::new([0xab; 32])),
            slots: vec![
                Unlock::Passphrase(Zeroizing::new("open sesame".into())),
                Unlock::Recovery(Zeroizing::new("sesame".into())),
                Unlock::Seed(Zeroizing::new([0xab; 32]), SlotKind::Credential),
            ],
        };
        let shown = format!("{keys:?}");
        assert!(
            !shown.contains("sesame") && !shown.contains("171") && shown.contains("‹redacted›"),
            "{shown}"
        );
    }
}
