//! Making a vault, so that a kill at any moment leaves either nothing or a vault, and never blocks the next start.
//!
//! Everything, key files included, is built and synced in `vault/new`, which nobody takes for a vault. Then four
//! renames, each of which says by itself how far things are: `new` becomes `g.1`; the two key files move out to
//! their places; `current` appears. What a kill leaves is finished by doing the renames that are left, or, as long
//! as `new` has not been renamed, by starting over. No row can have been written before `current` is there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::envelope;
use crate::error::{OpenError, Part};
use crate::header::COPY;
use crate::header::{Header, MINOR};
use crate::keyfile::{self, Purpose};
use crate::keys::{EnfKeys, Key, NoRandom, VaultKeys, digest, random};
use crate::places::Places;
use crate::record::SealError;
use crate::slot::{PARAMETERS, SLOTS, Slot, SlotKind};
use crate::store::{Facts, Store};

const FIRST_EPOCH: u32 = 1;
const FIRST_GENERATION: u64 = 1;

/// How far along a vault's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// `current` names this generation.
    Vault(u64),
    /// Nothing, or the remains of a creation that had not got anywhere.
    Nothing {
        /// There were remains.
        remains: bool,
    },
    /// This generation is whole, but a creation was cut off before `current` named it.
    Unfinished(u64),
}

impl Found {
    /// The generation to open, once what was missing has been made.
    pub(crate) const fn generation(self) -> u64 {
        match self {
            Self::Vault(generation) | Self::Unfinished(generation) => generation,
            Self::Nothing { .. } => FIRST_GENERATION,
        }
    }
}

/// Looks at what is there, without changing anything.
pub(crate) fn survey(places: &Places) -> Result<Found, OpenError> {
    let current = places.current();
    match fs::read_link(&current) {
        Ok(target) => {
            let generation = target.to_str().and_then(generation_of);
            return generation
                .filter(|number| folder(places, *number).is_dir())
                .map(Found::Vault)
                .ok_or(OpenError::Corrupt { what: Part::Current });
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            return Err(OpenError::Corrupt { what: Part::Current });
        }
        Err(e) => return Err(OpenError::io(&current, e)),
    }
    let (mut generations, mut remains) = (Vec::new(), false);
    let vault = places.vault();
    match fs::read_dir(&vault) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.map_err(|e| OpenError::io(&vault, e))?.file_name();
                generations.extend(name.to_str().and_then(generation_of));
                remains |= name == "new";
            }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(OpenError::io(&vault, e)),
    }
    match generations[..] {
        [] => {}
        [only] => return Ok(Found::Unfinished(only)),
        // Which of them is in use, nobody can tell: guessing could lose days.
        _ => return Err(OpenError::Corrupt { what: Part::Current }),
    }
    for key in [places.keyfile(), places.enf_keyfile()] {
        // The key files move out after `new` has become a generation: these are of a vault that is lost.
        if exists(&key)? {
            return Err(OpenError::VaultMissing { key, vault });
        }
    }
    Ok(Found::Nothing { remains })
}

/// What a vault is made with.
pub(crate) struct Founding {
    pub(crate) enf: Key,
    /// K_enf gets its key file.
    pub(crate) enf_file: bool,
    /// At least one, at most [`SLOTS`].
    pub(crate) slots: Vec<FirstSlot>,
}

/// A slot of a new vault.
pub(crate) struct FirstSlot {
    pub(crate) kind: SlotKind,
    pub(crate) parameters: [u8; PARAMETERS],
    pub(crate) seed: Key,
    /// The seed gets the vault's key file.
    pub(crate) file: bool,
}

impl Founding {
    /// The two key files beside the vault.
    pub(crate) fn files() -> Result<Self, NoRandom> {
        let seed = Key::random()?;
        let slot = FirstSlot { kind: SlotKind::Keyfile, parameters: [0; PARAMETERS], seed, file: true };
        Ok(Self { enf: Key::random()?, enf_file: true, slots: vec![slot] })
    }
}

/// Makes a vault where [`survey`] found nothing.
pub(crate) fn create(places: &Places, founding: &Founding) -> Result<(), OpenError> {
    prepare(places)?;
    build(places, founding)?;
    finish(places, FIRST_GENERATION)
}

fn new(places: &Places) -> PathBuf {
    places.vault().join("new")
}

/// A generation's folder.
pub(crate) fn folder(places: &Places, generation: u64) -> PathBuf {
    places.vault().join(format!("g.{generation}"))
}

pub(crate) fn generation_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("g.")?;
    let number = digits.parse().ok()?;
    (format!("{number}") == digits).then_some(number)
}

/// Makes the folders, and clears what an earlier creation left.
fn prepare(places: &Places) -> Result<(), OpenError> {
    let vault = places.vault();
    private_folder(&vault)?;
    sync(&places.data_dir)?;
    let new = new(places);
    match fs::remove_dir_all(&new) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&new, e)),
        _ => {}
    }
    private_folder(&new)
}

fn build(places: &Places, founding: &Founding) -> Result<(), OpenError> {
    let new = new(places);
    let vault_id: [u8; 16] = random()?;
    let enf = &founding.enf;
    let vault = VaultKeys::of(Key::random()?, &vault_id, FIRST_EPOCH);
    let mut slots = [const { None }; SLOTS];
    for (number, (slot, first)) in (0_u8..).zip(slots.iter_mut().zip(&founding.slots)) {
        let to = envelope::public_key(&first.seed);
        let (kind, parameters) = (first.kind, first.parameters);
        *slot = Some(Slot::new(kind, parameters, to, number, &vault.root, &vault_id, FIRST_EPOCH)?);
        if first.file {
            write_key(&new.join("keyfile"), Purpose::Slot, &vault_id, &first.seed)?;
        }
    }
    let header = Header {
        minor: MINOR,
        epoch: FIRST_EPOCH,
        generation: FIRST_GENERATION,
        vault_id,
        device_id: random()?,
        vk_commitment: vault.root.commitment(&vault_id),
        enf_commitment: enf.commitment(&vault_id),
        public_key: envelope::public_key(&vault.seed),
        sealed_enf: Header::seal_enf(&vault, &vault_id, FIRST_EPOCH, enf)?,
        revision: 0,
        slots,
    };
    if founding.enf_file {
        write_key(&new.join("enf.keyfile"), Purpose::Enforcement, &vault_id, enf)?;
    }
    let enf = EnfKeys::of(enf.again(), &vault_id);
    let bytes = header.encode(&vault, &enf);
    let path = new.join("hdr");
    write_new(&path, &bytes).map_err(|e| OpenError::io(&path, e))?;
    let facts = Facts {
        vault_id,
        epoch: FIRST_EPOCH,
        generation: FIRST_GENERATION,
        public_key: header.public_key,
        header: digest(&bytes[..COPY]),
        header_revision: 0,
    };
    drop(Store::create(&new, &facts, enf)?);
    sync(&new.join("db"))?;
    sync(&new)?;
    let first = folder(places, FIRST_GENERATION);
    fs::rename(&new, &first).map_err(|e| OpenError::io(&first, e))?;
    sync(&places.vault())
}

/// Does the renames that are left once the generation's folder is there.
pub(crate) fn finish(places: &Places, generation: u64) -> Result<(), OpenError> {
    let folder = folder(places, generation);
    for (from, to) in
        [(folder.join("keyfile"), places.keyfile()), (folder.join("enf.keyfile"), places.enf_keyfile())]
    {
        if exists(&from)? {
            // Ours has not moved out yet, so this one is another vault's, and maybe the only key to it.
            if exists(&to)? && !is_same(&from, &to) {
                return Err(OpenError::WrongKey { path: to });
            }
            move_key(&from, &to)?;
        }
    }
    sync(&places.data_dir)?;
    sync(&folder)?;
    let current = places.current();
    symlink(format!("g.{generation}"), &current).map_err(|e| OpenError::io(&current, e))?;
    sync(&places.vault())
}

/// Moves a key file to its place, which is free or holds one that it replaces.
pub(crate) fn move_key(from: &Path, to: &Path) -> Result<(), OpenError> {
    // One file with two names stays under both when one is renamed to the other.
    let moved = if is_same(from, to) { fs::remove_file(from) } else { fs::rename(from, to) };
    moved.map_err(|e| OpenError::io(to, e))
}

/// Whether a key file is at both paths: what a power loss may leave of a rename between two folders.
pub(crate) fn is_same(one: &Path, two: &Path) -> bool {
    let read = |path| fs::read(path).map(Zeroizing::new);
    matches!((read(one), read(two)), (Ok(one), Ok(two)) if *one == *two)
}

/// Whether something is at a path; an error where that cannot be told.
pub(crate) fn exists(path: &Path) -> Result<bool, OpenError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(OpenError::io(path, e)),
    }
}

/// Makes a folder and what is above it, with mode 0700 and durably, where it is missing.
pub(crate) fn private_folder(path: &Path) -> Result<(), OpenError> {
    let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| OpenError::io(path, e))?;
    // A folder's name lasts only once the folder above it is synced.
    for made in missing {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        sync(above.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Writes a key file, durably.
pub(crate) fn write_key(
    path: &Path,
    purpose: Purpose,
    vault_id: &[u8; 16],
    key: &Key,
) -> Result<(), OpenError> {
    keyfile::write(path, purpose, vault_id, key).map_err(|e| OpenError::io(path, e))
}

/// Makes a file's or a folder's state last through a power loss.
pub(crate) fn sync(path: &Path) -> Result<(), OpenError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|e| OpenError::io(path, e))
}

/// Writes a new file, durably; fails where there is one.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

impl From<NoRandom> for OpenError {
    fn from(NoRandom: NoRandom) -> Self {
        Self::Random
    }
}

impl From<SealError> for OpenError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Random => Self::Random,
            // Only for what is longer than a record, and creation seals keys.
            SealError::TooLong { .. } => Self::Corrupt { what: Part::Header },
        }
    }
}
