//! Copies of the vault in one file, ciphertext as it stands: backups, the weekly copy, and the list of those that
//! are known, so that whoever forgets something learns where else it still is.
//!
//! `"dwellbak" | version u16 | 0 u16 | header length u32 | tip length u32 | database length u64 | header | tip |
//! database | SHA-256 of all before`. Whatever opens the vault opens the copy; K_enf comes from its header.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::db::Table;
use crate::enforcement;
use crate::error::{OpenError, Part, ReadError, WriteError};
use crate::record::Place;
use crate::store::Store;
use crate::wire::{Short, Wire};
use crate::{Places, Vault, create};

const MAGIC: &[u8; 8] = b"dwellbak";
const VERSION: u16 = 1;
const HEAD: usize = 28;
/// Backups that are remembered; of more, the oldest are not.
const KNOWN_MAX: usize = 64;
const PATH_MAX: usize = 4096;

/// A backup that was made of this vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBackup {
    /// Where it was written.
    pub path: PathBuf,
    /// When, in Unix milliseconds, as the caller said.
    pub at_unix_ms: i64,
    /// Of which generation it is: one before the vault's own still holds what was forgotten since.
    pub generation: u64,
}

/// The lengths and sum of a copy's three files.
pub(crate) struct Copied {
    pub(crate) header: Vec<u8>,
    pub(crate) tip: Vec<u8>,
}

impl Vault {
    /// Writes a backup: the whole vault as it stands, in one file that must not exist yet. `at_unix_ms` is
    /// remembered with it.
    ///
    /// # Errors
    /// See [`OpenError`]; there is no file then.
    pub fn backup(&mut self, file: &Path, at_unix_ms: i64) -> Result<(), OpenError> {
        if create::exists(file)? {
            let source = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(OpenError::Io { path: file.to_owned(), source });
        }
        self.store.settle_running()?;
        self.copy_to(file)?;
        let mut known = self.known_backups().unwrap_or_default();
        let path = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        known.push(KnownBackup { path, at_unix_ms, generation: self.store.facts.generation });
        // The backup is there; that it could not be noted is no reason to say it is not.
        let _ = self.store.put_backups(&known);
        Ok(())
    }

    /// Backups that were made of this vault, oldest first; whether they still exist, nobody knows.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn known_backups(&self) -> Result<Vec<KnownBackup>, ReadError> {
        self.store.backups()
    }

    /// Makes the sealed copy beside the generations anew: what a bad sector in the database can be mended from.
    /// Meant for once a week; a new generation makes it anew by itself, where there was one.
    ///
    /// # Errors
    /// See [`OpenError`]; the copy made before is still there then.
    pub fn make_copy(&mut self) -> Result<(), OpenError> {
        self.store.settle_running()?;
        self.copy_to(&weekly(&self.places))
    }

    fn copy_to(&self, file: &Path) -> Result<(), OpenError> {
        let folder = create::folder(&self.places, self.store.facts.generation);
        let (bare, new) = (self.places.vault().join("copy.db"), beside(file));
        let written = (|| {
            remove(&bare)?;
            remove(&new)?;
            self.store.db.copy_into(&bare)?;
            write(&new, &folder.join("hdr"), &folder.join("tip"), &bare)
                .map_err(|e| OpenError::io(&new, e))?;
            fs::rename(&new, file).map_err(|e| OpenError::io(file, e))?;
            create::sync(file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        })();
        let _ = remove(&bare);
        if written.is_err() {
            let _ = remove(&new);
        }
        written
    }
}

/// Where the weekly copy is.
pub(crate) fn weekly(places: &Places) -> PathBuf {
    places.weekly_copy()
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    file.with_file_name(name)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), OpenError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(OpenError::io(path, e)),
        _ => Ok(()),
    }
}

fn write(to: &Path, header: &Path, tip: &Path, db: &Path) -> io::Result<()> {
    let (header, tip, db) = (fs::read(header)?, fs::read(tip)?, File::open(db)?);
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidData);
    let mut out = Summed {
        file: OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?,
        sum: Sha256::new(),
    };
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&[0; 2])?;
    out.write_all(&u32::try_from(header.len()).map_err(too_long)?.to_le_bytes())?;
    out.write_all(&u32::try_from(tip.len()).map_err(too_long)?.to_le_bytes())?;
    out.write_all(&db.metadata()?.len().to_le_bytes())?;
    out.write_all(&header)?;
    out.write_all(&tip)?;
    io::copy(&mut io::BufReader::with_capacity(64 << 10, db), &mut out)?;
    let sum = out.sum.finalize();
    out.file.write_all(&sum)?;
    out.file.sync_all()
}

struct Summed {
    file: File,
    sum: Sha256,
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a copy, its database into a new file. With `whole`, a copy whose sum is wrong is refused; without, what it
/// holds is taken as far as it goes.
pub(crate) fn read(copy: &Path, db: &Path, whole: bool) -> Result<Copied, OpenError> {
    let damaged = || OpenError::Corrupt { what: Part::Backup };
    let failed = |e| OpenError::io(copy, e);
    let mut file = io::BufReader::with_capacity(64 << 10, File::open(copy).map_err(failed)?);
    let mut sum = Sha256::new();
    let mut head = [0; HEAD];
    file.read_exact(&mut head).map_err(|_| damaged())?;
    sum.update(head);
    let mut wire = Wire::new(&head);
    let mut fields = || {
        let (magic, version, _) = (wire.array::<8>()?, wire.u16()?, wire.u16()?);
        Ok::<_, Short>((magic, version, wire.u32()?, wire.u32()?, wire.u64()?))
    };
    let (magic, version, header, tip, length) = fields().map_err(|Short| damaged())?;
    if magic != *MAGIC {
        return Err(damaged());
    }
    if version != VERSION {
        return Err(OpenError::Newer { major: version });
    }
    // Bounded before anything is reserved: the lengths are not authenticated yet.
    let mut bytes = |length: u32| {
        let length = usize::try_from(length).ok().filter(|length| *length <= 64 << 10).ok_or_else(damaged)?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes).map_err(|_| damaged())?;
        sum.update(&bytes);
        Ok::<_, OpenError>(bytes)
    };
    let (header, tip) = (bytes(header)?, bytes(tip)?);
    let mut out = Summed {
        file: OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(db)
            .map_err(|e| OpenError::io(db, e))?,
        sum,
    };
    let copied =
        io::copy(&mut Read::by_ref(&mut file).take(length), &mut out).map_err(|e| OpenError::io(db, e))?;
    let mut stored = [0; 32];
    let ended = file.read_exact(&mut stored).is_ok() && file.read(&mut [0]).is_ok_and(|more| more == 0);
    let sound = copied == length && ended && out.sum.finalize()[..] == stored;
    if whole && !sound {
        return Err(damaged());
    }
    out.file.sync_all().map_err(|e| OpenError::io(db, e))?;
    Ok(Copied { header, tip })
}

impl Store {
    pub(crate) fn backups(&self) -> Result<Vec<KnownBackup>, ReadError> {
        let place = Place::backups(self.facts.generation);
        let Some(sealed) = self.db.get(Table::Meta, self.enf.blind(&place))? else { return Ok(Vec::new()) };
        enforcement::open(&self.enf, &self.facts.vault_id, &place, &sealed)
            .and_then(|plain| decode(&plain))
            .ok_or(ReadError::Corrupt { what: Part::Backup })
    }

    pub(crate) fn put_backups(&mut self, known: &[KnownBackup]) -> Result<(), WriteError> {
        let place = Place::backups(self.facts.generation);
        let known = &known[known.len().saturating_sub(KNOWN_MAX)..];
        let sealed = enforcement::seal(&mut self.enf, &self.facts.vault_id, &place, &encode(known))?;
        let id = self.enf.blind(&place);
        self.commit(None, |tx| tx.put(Table::Meta, id, &sealed))
    }
}

fn encode(known: &[KnownBackup]) -> Zeroizing<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    let mut out = Zeroizing::new(Vec::new());
    for backup in known {
        let path = backup.path.as_os_str().as_bytes();
        let path = &path[..path.len().min(PATH_MAX)];
        out.extend_from_slice(&u16::try_from(path.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(path);
        out.extend_from_slice(&backup.at_unix_ms.to_le_bytes());
        out.extend_from_slice(&backup.generation.to_le_bytes());
    }
    out
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<KnownBackup>> {
    use std::os::unix::ffi::OsStrExt;
    let mut wire = Wire::new(bytes);
    let mut known = Vec::new();
    while wire.left() > 0 {
        let length = usize::from(wire.u16().ok()?);
        let path = std::ffi::OsStr::from_bytes(wire.take(length).ok()?).into();
        known.push(KnownBackup { path, at_unix_ms: wire.i64().ok()?, generation: wire.u64().ok()? });
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_reads_back_and_no_bytes_panic() {
        let known = vec![
            KnownBackup { path: "/mnt/a".into(), at_unix_ms: -5, generation: 1 },
            KnownBackup { path: "b".into(), at_unix_ms: 1 << 40, generation: 9 },
        ];
        let bytes = encode(&known);
        assert_eq!(decode(&bytes), Some(known));
        (1..bytes.len()).for_each(|n| drop(decode(&bytes[..n])));
        assert_eq!(decode(&bytes[..3]), None);
    }
}
