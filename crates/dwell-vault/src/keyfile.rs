//! Key files: 92 bytes that hold one secret, with the vault it belongs to and a checksum.
//!
//! `"dwellkey" | version u8 | purpose u8 | 0 u16 | vault_id[16] | secret[32] | SHA-256 of all before`
//!
//! The checksum tells a damaged file from one of another vault: the first is lost, the second wants looking for.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::OpenError;
use crate::keys::{Key, digest};
use crate::wire::{Short, Wire};

const MAGIC: &[u8; 8] = b"dwellkey";
const VERSION: u8 = 1;
const LENGTH: usize = 8 + 1 + 1 + 2 + 16 + 32 + 32;

/// What a key file's secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The seed of a key slot.
    Slot,
    /// K_enf.
    Enforcement,
}

impl Purpose {
    const fn code(self) -> u8 {
        match self {
            Self::Slot => 1,
            Self::Enforcement => 2,
        }
    }
}

/// A key file that was read.
pub(crate) struct Keyfile {
    pub(crate) secret: Key,
    pub(crate) vault_id: [u8; 16],
    /// Others than the owner could read or write it; it is 0600 again.
    pub(crate) was_open: bool,
}

/// Reads a key file. Makes its mode 0600 where it is wider: refusing would stop all recording, and the harm, if
/// any, is done; the person is told.
pub(crate) fn read(path: &Path, purpose: Purpose) -> Result<Keyfile, OpenError> {
    let unreadable = |source| OpenError::KeyUnreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => OpenError::KeyMissing { path: path.to_owned() },
        _ => unreadable(source),
    })?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
    Read::by_ref(&mut file).take(LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let (secret, vault_id) =
        parse(&bytes, purpose).ok_or_else(|| OpenError::KeyDamaged { path: path.to_owned() })?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    let was_open = mode & 0o077 != 0;
    if was_open {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(unreadable)?;
    }
    Ok(Keyfile { secret, vault_id, was_open })
}

/// Writes a new key file, durably; fails where there is a file already.
// Beside, and renamed: a kill must not leave an empty key file, which no opening would ever replace.
pub(crate) fn write(path: &Path, purpose: Purpose, vault_id: &[u8; 16], secret: &Key) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file
        .write_all(&encode(purpose, vault_id, secret))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    sync_folder_of(path)
}

/// Overwrites a key file and removes it, durably.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    wipe(&OpenOptions::new().write(true).open(path)?)?;
    fs::remove_file(path)?;
    sync_folder_of(path)
}

/// Overwrites a key file that is open, whether or not it still has a name.
pub(crate) fn wipe(file: &File) -> io::Result<()> {
    file.write_all_at(&[0; LENGTH], 0)?;
    file.sync_all()
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn encode(purpose: Purpose, vault_id: &[u8; 16], secret: &Key) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[VERSION, purpose.code(), 0, 0]);
    bytes.extend_from_slice(vault_id);
    bytes.extend_from_slice(secret.bytes());
    let sum = digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

fn parse(bytes: &[u8], purpose: Purpose) -> Option<(Key, [u8; 16])> {
    if bytes.len() != LENGTH || digest(&bytes[..LENGTH - 32]) != bytes[LENGTH - 32..] {
        return None;
    }
    let mut wire = Wire::new(bytes);
    let mut fields = || {
        Ok::<_, Short>((
            wire.array::<8>()?,
            wire.u8()?,
            wire.u8()?,
            wire.u16()?,
            wire.array()?,
            wire.take(32)?,
        ))
    };
    let (magic, version, code, _, vault_id, secret) = fields().ok()?;
    let ours = magic == *MAGIC && version == VERSION && code == purpose.code();
    Key::from_slice(secret).filter(|_| ours).map(|key| (key, vault_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_reads_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyfile");
        let key = Key::from_slice(&[5; 32]).unwrap();
        write(&path, Purpose::Slot, &[6; 16], &key).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let read_back = read(&path, Purpose::Slot).unwrap();
        assert_eq!(
            (read_back.secret.bytes(), read_back.vault_id, read_back.was_open),
            (&[5; 32], [6; 16], false)
        );
        assert!(write(&path, Purpose::Slot, &[6; 16], &key).is_err(), "a key file is never overwritten");
        assert!(matches!(read(&path, Purpose::Enforcement), Err(OpenError::KeyDamaged { .. })));
    }

    #[test]
    fn a_mode_that_is_too_open_is_put_right_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyfile");
        write(&path, Purpose::Slot, &[6; 16], &Key::from_slice(&[5; 32]).unwrap()).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path, Purpose::Slot).unwrap().was_open);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!read(&path, Purpose::Slot).unwrap().was_open);
    }

    #[test]
    fn damage_is_noticed_at_every_byte_and_length() {
        let bytes = encode(Purpose::Slot, &[6; 16], &Key::from_slice(&[5; 32]).unwrap());
        assert!(parse(&bytes, Purpose::Slot).is_some());
        for byte in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[byte] ^= 0x10;
            assert!(parse(&bad, Purpose::Slot).is_none(), "byte {byte}");
            assert!(parse(&bytes[..byte], Purpose::Slot).is_none(), "length {byte}");
        }
    }
}
