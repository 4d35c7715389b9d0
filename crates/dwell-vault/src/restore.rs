//! Putting a backup back: unpacked beside, opened and verified there, and only then put in the vault's place.
//!
//! The vault that was there is kept aside. Once the new one is whole on the disk, `restore.new/decided` says so and
//! names the folder for the old one: before it appears, a kill leaves the old vault and remains that nobody takes for
//! one; after it, the renames that are left are done by the next opening. So it is the old vault or the new one.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::backup::{self, Copied};
use crate::error::{OpenError, Part};
use crate::header::Parsed;
use crate::sealed::State;
use crate::unlock::{self, EnfSource, Unlock, UnlockError};
use crate::verify::Verified;
use crate::{Opened, Places, ReadError, Vault, create, lock, open};

/// Why a backup was not put back. What was there before is still there.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a vault or a key file, and no consent to put it aside.
    #[error("there is a vault at {} already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// No key that was given opens the backup; why, for each of them.
    #[error("no key that was given opens the backup")]
    Locked {
        /// In the order of the keys.
        refused: Vec<UnlockError>,
    },
    /// The backup is damaged, or a file could not be read or written.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The backup could not be read through.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What came of putting a backup back.
#[derive(Debug)]
pub struct Restored {
    /// The vault, open.
    pub vault: Vault,
    /// What opening it found.
    pub opened: Opened,
    /// What reading it through found.
    pub verified: Verified,
    /// Where the vault that was there is now.
    pub aside: Option<PathBuf>,
}

/// Puts a backup back at `places`, opened by the first of `slots` that fits. A vault that is there is put aside if
/// `replace` says so, and never deleted. The slots are those of the time when the backup was made. K_enf's key file
/// is made again, and a key file that opened the backup is put in its place; others are not: add a slot where the
/// old ones are lost.
///
/// # Errors
/// See [`RestoreError`].
pub fn restore(
    file: &Path,
    places: &Places,
    slots: &[Unlock],
    replace: bool,
) -> Result<Restored, RestoreError> {
    create::private_folder(&places.data_dir)?;
    let lock = lock::take(&places.lock())?;
    finish(places)?;
    let mut there = false;
    for path in [places.vault(), places.keyfile(), places.enf_keyfile()] {
        there |= create::exists(&path)?;
        if there && !replace {
            return Err(RestoreError::Exists { path });
        }
    }
    let beside = beside(places);
    let put_back = (|| -> Result<_, RestoreError> {
        let (unlock, generation) = unpack(file, &beside, slots, true)?;
        let (mut vault, _) = open_with(&beside, unlock)?;
        let verified = vault.verify(&mut |_| ControlFlow::Continue(()))?;
        vault.close();
        let folder = create::folder(&beside, generation);
        rename(&beside.enf_keyfile(), &folder.join("enf.keyfile"))?;
        if let Unlock::Keyfile(path) = unlock {
            fs::copy(path, folder.join("keyfile")).map_err(|e| OpenError::io(path, e))?;
        }
        let aside = if there { free_folder(places)? } else { String::new() };
        sync_all(&beside.data_dir)?;
        // Written under another name: a power loss must not leave the word that it is decided without where to.
        let (deciding, decided) = (beside.data_dir.join("deciding"), beside.data_dir.join(DECIDED));
        create::write_new(&deciding, aside.as_bytes()).map_err(|e| OpenError::io(&deciding, e))?;
        rename(&deciding, &decided)?;
        create::sync(&beside.data_dir)?;
        create::sync(&places.data_dir)?;
        finish(places)?;
        Ok((unlock, generation, verified, there.then(|| places.data_dir.join(aside))))
    })();
    if !create::exists(&beside.data_dir.join(DECIDED))? {
        let _ = fs::remove_dir_all(&beside.data_dir);
    }
    let (unlock, generation, verified, aside) = put_back?;
    crate::generation::move_keys(places, generation)?;
    drop(lock);
    // A key file is where `move_keys` has put it by now.
    let moved = Unlock::Keyfile(places.keyfile());
    let unlock = if matches!(unlock, Unlock::Keyfile(_)) { &moved } else { unlock };
    let (vault, opened) = open_with(places, unlock)?;
    Ok(Restored { vault, opened, verified, aside })
}

/// Lays a copy out as a vault at `beside`. Returns which key opens it, and its generation.
pub(crate) fn unpack<'a>(
    file: &Path,
    beside: &Places,
    slots: &'a [Unlock],
    whole: bool,
) -> Result<(&'a Unlock, u64), RestoreError> {
    match fs::remove_dir_all(&beside.data_dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::io(&beside.data_dir, e).into());
        }
        _ => {}
    }
    create::private_folder(&beside.vault())?;
    let db = beside.vault().join("db");
    let copied = backup::read(file, &db, whole)?;
    let (unlock, generation) = lay_out(beside, &copied, slots)?;
    rename(&db, &create::folder(beside, generation).join("db"))?;
    Ok((unlock, generation))
}

/// Makes the generation's folder with header and tip, and the link to it.
pub(crate) fn lay_out<'a>(
    beside: &Places,
    copied: &Copied,
    slots: &'a [Unlock],
) -> Result<(&'a Unlock, u64), RestoreError> {
    let parsed = Parsed::read(&copied.header)?;
    let mut refused = Vec::new();
    let mut opens = None;
    for unlock in slots {
        match unlock::vault_keys(&parsed, unlock) {
            Ok(_) => {
                opens = Some(unlock);
                break;
            }
            Err(error) => refused.push(error),
        }
    }
    let Some(unlock) = opens else { return Err(RestoreError::Locked { refused }) };
    let generation = parsed.header.generation;
    let folder = create::folder(beside, generation);
    create::private_folder(&folder)?;
    for (name, bytes) in [("hdr", &copied.header), ("tip", &copied.tip)] {
        let path = folder.join(name);
        create::write_new(&path, bytes).map_err(|e| OpenError::io(&path, e))?;
    }
    let current = beside.current();
    symlink(format!("g.{generation}"), &current).map_err(|e| OpenError::io(&current, e))?;
    Ok((unlock, generation))
}

/// Opens a vault whose K_enf stands in its header, or in its key file.
pub(crate) fn open_with(places: &Places, unlock: &Unlock) -> Result<(Vault, Opened), RestoreError> {
    let enf = EnfSource::Keyfile(places.enf_keyfile());
    match open::open_by(places, &enf, std::slice::from_ref(unlock))? {
        (State::Open(vault), opened) => Ok((vault, opened)),
        (State::Sealed { refused, .. }, _) => Err(RestoreError::Locked { refused }),
    }
}

const DECIDED: &str = "decided";

/// Where a vault is built before it takes the place of another.
fn beside(places: &Places) -> Places {
    Places::new(places.data_dir.join("restore.new"))
}

/// Whether a restore was cut off after it was decided.
pub(crate) fn is_decided(places: &Places) -> Result<bool, OpenError> {
    create::exists(&beside(places).data_dir.join(DECIDED))
}

/// Where the vault is: beside its places while a restore that was decided has not moved it there.
pub(crate) fn decided(places: &Places) -> Result<Places, OpenError> {
    let beside = beside(places);
    Ok(if is_decided(places)? && create::exists(&beside.vault())? { beside } else { places.clone() })
}

/// Does the renames that are left of a restore that was decided; nothing where none was.
pub(crate) fn finish(places: &Places) -> Result<(), OpenError> {
    let beside = beside(places);
    let decided = beside.data_dir.join(DECIDED);
    if !create::exists(&decided)? {
        return Ok(());
    }
    let aside = fs::read_to_string(&decided).map_err(|e| OpenError::io(&decided, e))?;
    // As long as the new vault has not moved, what is in the vault's places is the old one's.
    if create::exists(&beside.vault())? {
        if !aside.is_empty() {
            if aside.contains('/') || !aside.starts_with(ASIDE) {
                return Err(OpenError::Corrupt { what: Part::Backup });
            }
            let folder = places.data_dir.join(aside);
            create::private_folder(&folder)?;
            let (vault, keyfile, enf) = (places.vault(), places.keyfile(), places.enf_keyfile());
            for (old, name) in [(vault, "vault"), (keyfile, "keyfile"), (enf, "enf.keyfile")] {
                let to = folder.join(name);
                if create::exists(&old)? && !create::exists(&to)? {
                    rename(&old, &to)?;
                }
            }
            create::sync(&folder)?;
            create::sync(&places.data_dir)?;
        }
        rename(&beside.vault(), &places.vault())?;
        create::sync(&places.data_dir)?;
    }
    match fs::remove_dir_all(&beside.data_dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(OpenError::io(&beside.data_dir, e)),
        _ => create::sync(&places.data_dir),
    }
}

const ASIDE: &str = "before-restore.";

/// The name of a folder beside the vault for what is there now.
fn free_folder(places: &Places) -> Result<String, OpenError> {
    (1..u32::MAX)
        .map(|n| format!("{ASIDE}{n}"))
        .find(|name| !places.data_dir.join(name).exists())
        .ok_or(OpenError::Corrupt { what: Part::Current })
}

/// Makes everything below a folder last through a power loss.
fn sync_all(folder: &Path) -> Result<(), OpenError> {
    for entry in fs::read_dir(folder).map_err(|e| OpenError::io(folder, e))? {
        let entry = entry.map_err(|e| OpenError::io(folder, e))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|e| OpenError::io(folder, e))?);
        if kind.is_dir() {
            sync_all(&path)?;
        } else if kind.is_file() {
            create::sync(&path)?;
        }
    }
    create::sync(folder)
}

fn rename(from: &Path, to: &Path) -> Result<(), OpenError> {
    fs::rename(from, to).map_err(|e| OpenError::io(to, e))
}
