//! Making a vault with the slots that somebody chose, instead of the two key files that are the default.
//!
//! Secrets that a keyring or a credential keeps are made with [`secret`], stored there, and only then given to
//! [`Vault::create`]: a kill in between leaves a secret that opens nothing, never a vault that nothing opens.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::create::{self, Found, Founding};
use crate::error::OpenError;
use crate::keys::{Key, NoRandom, random};
use crate::passphrase::{self, NoSeed};
use crate::sealed::State;
use crate::slot::{PARAMETERS, SLOTS, SlotKind};
use crate::unlock::{EnfSource, Unlock};
use crate::{NewSlot, Opened, Places, Vault, lock, open, recovery_key, restore};

/// What a new vault is to be opened by.
#[derive(Default)]
pub struct NewVault {
    /// K_enf, where a keyring or a credential keeps it already; without, it gets its key file.
    pub enf: Option<Zeroizing<[u8; 32]>>,
    /// What opens history: at least one, at most eight together with the recovery key. A key file is
    /// [`Places::keyfile`]; further ones are added afterwards.
    pub slots: Vec<NewSlot>,
    /// Make a recovery key as well.
    pub recovery: bool,
}

impl fmt::Debug for NewVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewVault(‹redacted›)")
    }
}

/// A vault that was made.
pub struct Created {
    /// The vault, open.
    pub vault: Vault,
    /// The recovery key's text, where one was asked for. It exists nowhere else: to be shown, and written down, once.
    pub recovery: Option<Zeroizing<String>>,
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Created(‹redacted›)")
    }
}

/// Why a vault was not made. Nothing that was there is changed.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one, if only one whose creation was cut off: open it.
    #[error("there is a vault already")]
    Exists,
    /// A recovery key alone is none: a creation that is cut off would leave a vault whose key nobody has seen.
    #[error("a vault needs a key slot beside the recovery key")]
    NoSlot,
    /// More than eight were asked for.
    #[error("a vault has no more than eight key slots")]
    Full,
    /// Two slots of one kind with one secret.
    #[error("two of the key slots have the same key")]
    Twice,
    /// A key file that is not [`Places::keyfile`].
    #[error("a new vault's key file cannot be {}", path.display())]
    Elsewhere {
        /// Where it was to be.
        path: PathBuf,
    },
    /// There is not enough memory to derive a key from the passphrase.
    #[error("there is not enough memory for the passphrase")]
    Memory,
    /// A file could not be read or written.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<NoRandom> for CreateError {
    fn from(NoRandom: NoRandom) -> Self {
        Self::Open(OpenError::Random)
    }
}

/// 32 fresh random bytes, for a keyring or a credential to keep: a slot's seed, or K_enf.
///
/// # Errors
/// [`OpenError::Random`].
pub fn secret() -> Result<Zeroizing<[u8; 32]>, OpenError> {
    Ok(Zeroizing::new(random()?))
}

impl Vault {
    /// Whether there is a vault, or one whose creation was cut off: then open it, for a new one would hide the loss.
    /// Where its secrets are in a keyring, this is all that says so.
    ///
    /// # Errors
    /// See [`OpenError`]: key files without a vault, or a link that leads nowhere.
    pub fn is_there(places: &Places) -> Result<bool, OpenError> {
        Ok(restore::is_decided(places)? || !matches!(create::survey(places)?, Found::Nothing { .. }))
    }

    /// Makes a vault with the slots that `new` asks for, durably: a kill leaves either none or this one, which then
    /// opens with the same secrets. For each passphrase this takes 64 MiB and some tenths of a second.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn create(places: &Places, new: &NewVault) -> Result<Created, CreateError> {
        create::private_folder(&places.data_dir)?;
        let lock = lock::take(&places.lock())?;
        restore::finish(places)?;
        let found = create::survey(places)?;
        if !matches!(found, Found::Nothing { .. }) {
            return Err(CreateError::Exists);
        }
        let (founding, recovery) = plan(places, new)?;
        create::create(places, &founding)?;
        let enf = match &new.enf {
            Some(secret) => EnfSource::Secret(secret.clone()),
            None => EnfSource::Keyfile(places.enf_keyfile()),
        };
        let slots: Vec<Unlock> = founding
            .slots
            .iter()
            .take(1)
            .map(|slot| Unlock::Seed(Zeroizing::new(*slot.seed.bytes()), slot.kind))
            .collect();
        match open::open_taken(places, (found, lock, Vec::new()), &enf, &slots)? {
            (State::Open(vault), Opened { .. }) => Ok(Created { vault, recovery }),
            // What was sealed a moment ago does not open: the file system lies.
            (State::Sealed { .. }, _) => Err(OpenError::Corrupt { what: crate::Part::Header }.into()),
        }
    }
}

type Recovery = Option<Zeroizing<String>>;

fn plan(places: &Places, new: &NewVault) -> Result<(Founding, Recovery), CreateError> {
    if new.slots.is_empty() {
        return Err(CreateError::NoSlot);
    }
    if new.slots.len() + usize::from(new.recovery) > SLOTS {
        return Err(CreateError::Full);
    }
    let enf = match &new.enf {
        Some(secret) => Key::from_slice(secret.deref()).ok_or(NoRandom)?,
        None => Key::random()?,
    };
    let mut founding = Founding { enf, enf_file: new.enf.is_none(), slots: Vec::new() };
    for slot in &new.slots {
        let (kind, parameters, seed) = match slot {
            NewSlot::Keyfile(path) if *path == places.keyfile() => {
                (SlotKind::Keyfile, [0; PARAMETERS], Key::random()?)
            }
            NewSlot::Keyfile(path) => return Err(CreateError::Elsewhere { path: path.clone() }),
            NewSlot::Seed(seed, kind) => {
                (*kind, [0; PARAMETERS], Key::from_slice(seed.deref()).ok_or(NoRandom)?)
            }
            NewSlot::Passphrase(text) => {
                let parameters = passphrase::new_parameters()?;
                let seed = passphrase::seed(text, &parameters).map_err(|NoSeed| CreateError::Memory)?;
                (SlotKind::Passphrase, parameters, seed)
            }
        };
        let file = matches!(slot, NewSlot::Keyfile(_));
        let twice = |other: &create::FirstSlot| {
            other.kind == kind && (other.seed.bytes() == seed.bytes() || other.file && file)
        };
        if founding.slots.iter().any(twice) {
            return Err(CreateError::Twice);
        }
        founding.slots.push(create::FirstSlot { kind, parameters, seed, file });
    }
    let mut recovery = None;
    if new.recovery {
        let seed = Key::random()?;
        recovery = Some(recovery_key::print(&seed));
        let kind = SlotKind::Recovery;
        founding.slots.push(create::FirstSlot { kind, parameters: [0; PARAMETERS], seed, file: false });
    }
    Ok((founding, recovery))
}
