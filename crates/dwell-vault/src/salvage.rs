//! Salvage: a new vault of every record that authenticates itself, out of a damaged database or backup.
//!
//! The damaged file is only read. What its pages hold is put into a sound database beside, by what each blob looks
//! like; that one is opened as if after an unclean stop, which sorts out what belongs and what is missing; and a
//! new generation of it, under new keys, is the result.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::backup::{self, Copied};
use crate::carve::Pages;
use crate::db::{Db, Table};
use crate::error::OpenError;
use crate::generation::{GenerationError, NewSecrets, OnProgress};
use crate::journal::ROW;
use crate::record::Kind;
use crate::restore::{RestoreError, lay_out, open_with};
use crate::unlock::Unlock;
use crate::{Note, Places, Vault, create};

/// Ten years of very full days are a tenth of this; more is not read into memory.
const FILE_MAX: u64 = 2 << 30;

/// Why nothing was salvaged.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// The header, a key, or a file stands in the way.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The new vault could not be made.
    #[error(transparent)]
    Generation(#[from] GenerationError),
}

impl From<OpenError> for SalvageError {
    fn from(error: OpenError) -> Self {
        Self::Restore(error.into())
    }
}

/// What was salvaged.
#[derive(Debug)]
pub struct Salvaged {
    /// The new vault, open.
    pub vault: Vault,
    /// Blobs that looked like records.
    pub candidates: u64,
    /// What opening them found.
    pub notes: Vec<Note>,
}

/// Makes a new vault at `into`, where there is none yet, of what can be had of `file`: a backup, or a generation's
/// `db`, whose `hdr`, `tip`, `running` and log are then read beside it. The damaged vault must not be in use.
///
/// # Errors
/// See [`SalvageError`]. Nothing but `into` is ever written.
pub fn salvage(
    file: &Path,
    into: &Places,
    slots: &[Unlock],
    progress: OnProgress<'_>,
) -> Result<Salvaged, SalvageError> {
    if create::exists(&into.vault())? {
        return Err(RestoreError::Exists { path: into.vault() }.into());
    }
    create::private_folder(&into.vault())?;
    let raw = into.vault().join("raw");
    let (copied, db, log, running) = match backup::read(file, &raw, false) {
        Ok(copied) => (copied, read(&raw)?, Vec::new(), None),
        Err(_) => {
            let beside = |name| read(&file.with_file_name(name));
            let copied = Copied { header: beside("hdr")?, tip: beside("tip").unwrap_or_default() };
            let log = beside("db-wal.aside").or_else(|_| beside("db-wal")).unwrap_or_default();
            (copied, read(file)?, log, beside("running").ok())
        }
    };
    backup::remove(&raw)?;
    let (unlock, generation) = lay_out(into, &copied, slots)?;
    let candidates = gather(&create::folder(into, generation).join("db"), &Pages::of(&db, &log))?;
    drop(db);
    if let Some(running) = running {
        // Where the journal's end was salvaged, what follows it counts too.
        let path = create::folder(into, generation).join("running");
        create::write_new(&path, &running).map_err(|e| OpenError::io(&path, e))?;
    }
    let (mut vault, opened) = open_with(into, unlock)?;
    vault.rotate(&NewSecrets::default(), progress)?;
    Ok(Salvaged { vault, candidates, notes: opened.notes })
}

/// A file's bytes, if they are few enough.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, OpenError> {
    let failed = |e| OpenError::io(path, e);
    let file = fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > FILE_MAX {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Puts what pages hold into a new database. Returns how many blobs that were.
pub(crate) fn gather(path: &Path, pages: &Pages<'_>) -> Result<u64, OpenError> {
    let mut db = Db::create(path)?;
    let tx = db.write()?;
    let (mut candidates, mut failed) = (0, None);
    pages.cells(|id, blob| {
        let put = match place_of(&blob) {
            Some(Found::Row) => u64::try_from(id).map_or(Ok(()), |seq| tx.put_row(seq, &blob)),
            Some(Found::In(table)) => tx.put(table, id, &blob),
            None => return,
        };
        candidates += 1;
        if let Err(error) = put {
            failed.get_or_insert(error);
        }
    });
    failed.map_or(Ok(()), Err)?;
    tx.commit()?;
    Ok(candidates)
}

enum Found {
    Row,
    In(Table),
}

/// Where a blob belongs, by its first bytes; whether it is what it looks like, the keys will say.
fn place_of(blob: &[u8]) -> Option<Found> {
    let of = |kind: Kind| kind.code();
    match blob {
        [1, kind, ..] if *kind == of(Kind::Row) && blob.len() == ROW => Some(Found::Row),
        [1 | 2, kind, ..] if *kind == of(Kind::DayKey) => Some(Found::In(Table::DayKey)),
        [1, kind, ..] if *kind == of(Kind::Manifest) || *kind == of(Kind::Backups) => {
            Some(Found::In(Table::Meta))
        }
        [1, kind, ..] if *kind == of(Kind::Enforcement) => Some(Found::In(Table::Enforcement)),
        [_, 1 | 2, kind, ..] if *kind == of(Kind::DayKey) => Some(Found::In(Table::Page)),
        [_, 1 | 2, kind, ..] if *kind == of(Kind::RollupKey) => Some(Found::In(Table::Rollup)),
        _ => None,
    }
}
