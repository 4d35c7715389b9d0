//! Mending a damaged database where it lies: what salvage finds in it goes into a sound one, which takes its place
//! if it holds all that the damaged one does, and more.
//!
//! No keys change and nothing is re-encrypted: the blobs are put as they are under the ids that they had. The sound
//! database is built and read through in `g.N/mending`, then renamed to `g.N/db.mended`, which decides it: from then on
//! the next opening finishes the swap. The damaged database's log goes first, or it would be played into the new one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use dwell_core::calendar::CivilDay;

use crate::carve::Pages;
use crate::error::{OpenError, Part};
use crate::keys::{EnfKeys, VaultKeys};
use crate::store::{Facts, Store};
use crate::{Note, Vault, backup, create, open, salvage};

/// What came of mending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// The sound database holds more than the damaged one, and has taken its place.
    pub taken: bool,
    /// Days that could not be read whole and can be now; of a database that did not open at all, those that can be.
    pub regained: Vec<CivilDay>,
    /// Days of which something is still lost.
    pub lost: Vec<CivilDay>,
}

/// What is known of a vault beside its database.
pub(crate) struct Known<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) facts: &'a Facts,
    pub(crate) enf: &'a EnfKeys,
    pub(crate) keys: &'a VaultKeys,
}

impl Vault {
    /// Mends the database, where reading found days that are damaged or writing failed as [`crate::WriteError::Corrupt`]:
    /// a flipped byte in the wrong place hides many days that are whole. Opening does this by itself for damage that it finds. Reads all days, so it takes up to
    /// some seconds; changes nothing unless that gains something and loses nothing.
    ///
    /// # Errors
    /// See [`OpenError`]. The vault is closed then, and as it was.
    pub fn mend(self) -> Result<(Self, Mended), OpenError> {
        let (vault, mended) = self.try_mend()?;
        Ok((vault, mended?))
    }

    /// The same; where nothing was decided, why, with the vault as it was.
    fn try_mend(self) -> Result<(Self, Result<Mended, OpenError>), OpenError> {
        if self.store.read_only {
            return Err(OpenError::ReadOnly);
        }
        let folder = create::folder(&self.places, self.store.facts.generation);
        let Self { store, keys, places, lock, .. } = self;
        let facts = store.facts.clone();
        let enf = store.enf.again(&facts.vault_id);
        let known = Known { folder: &folder, facts: &facts, enf: &enf, keys: &keys };
        let calendar = store.calendar;
        let mended = known.mend(Some(&store));
        let store = match &mended {
            Ok(Mended { taken: true, .. }) => {
                drop(store);
                finish(&folder)?;
                let again = enf.again(&facts.vault_id);
                let mut store = open::open_store(&folder, facts, again, Some(&keys), false, &mut Vec::new())?;
                store.calendar = calendar;
                store
            }
            _ => store,
        };
        Ok((Self { store, keys, known: None, places, lock }, mended))
    }
}

impl Known<'_> {
    /// Builds a sound database beside, and decides for it if it holds more than `store`, or if there is none.
    pub(crate) fn mend(&self, store: Option<&Store>) -> Result<Mended, OpenError> {
        let beside = self.folder.join("mending");
        let mended = self.decide(&beside, store);
        let _ = fs::remove_dir_all(beside);
        mended
    }

    fn decide(&self, beside: &Path, store: Option<&Store>) -> Result<Mended, OpenError> {
        match fs::remove_dir_all(beside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(beside, e)),
            _ => {}
        }
        create::private_folder(beside)?;
        let (db, log) = (self.folder.join("db"), self.folder.join("db-wal"));
        let log = if create::exists(&log)? { salvage::read(&log)? } else { Vec::new() };
        salvage::gather(&beside.join("db"), &Pages::of(&salvage::read(&db)?, &log))?;
        // The tip stays where it is; this one is only to be compared with.
        let tip = fs::read(self.folder.join("tip")).unwrap_or_default();
        let path = beside.join("tip");
        create::write_new(&path, &tip).map_err(|e| OpenError::io(&path, e))?;
        let mut notes = Vec::new();
        let again = self.enf.again(&self.facts.vault_id);
        let mut sound =
            open::open_store(beside, self.facts.clone(), again, Some(self.keys), false, &mut notes)?;
        let before = store.map(|store| self.damaged(store)).transpose()?;
        let after = self.damaged(&sound)?;
        let gains = match (store, &before) {
            (Some(store), Some(before)) => {
                let all = |store: &Store| store.manifest.parts.keys().copied().collect::<BTreeSet<_>>();
                // Trees with a fault hide records, or take no more.
                let better = after.len() < before.len()
                    || store.manifest.suspect && !sound.manifest.suspect
                    || !store.db.is_sound();
                let no_worse = after.is_subset(before)
                    && sound.manifest.revision >= store.manifest.revision
                    && all(store).is_subset(&all(&sound));
                // Rules that are lost are worse than any day.
                let rules = store.enforcement().is_err() || sound.enforcement().is_ok();
                better && no_worse && rules
            }
            // Nothing opens without it; an empty one would hide what is lost.
            _ => {
                !notes.contains(&Note::ManifestRemade) || days_of(&sound).difference(&after).next().is_some()
            }
        };
        if !gains {
            return Ok(Mended { lost: before.unwrap_or(after).into_iter().collect(), ..Mended::default() });
        }
        let days = days_of(&sound);
        let regained = match before {
            Some(before) => before.difference(&after).copied().collect(),
            None => days.difference(&after).copied().collect(),
        };
        sound.close();
        drop(sound);
        let decided = self.folder.join("db.mended");
        create::sync(&beside.join("db"))?;
        fs::rename(beside.join("db"), &decided).map_err(|e| OpenError::io(&decided, e))?;
        create::sync(self.folder)?;
        Ok(Mended { taken: true, regained, lost: after.into_iter().collect() })
    }

    fn damaged(&self, store: &Store) -> Result<BTreeSet<CivilDay>, OpenError> {
        let mut damaged = BTreeSet::new();
        let read = store.view(Some(self.keys)).each_day(&(CivilDay::MIN..=CivilDay::MAX), |day| {
            damaged.extend((!day.whole).then_some(day.day));
        });
        read.map_err(|_| OpenError::Corrupt { what: Part::Database })?;
        Ok(damaged)
    }
}

fn days_of(store: &Store) -> BTreeSet<CivilDay> {
    store.manifest.parts.keys().map(|part| part.day).collect()
}

/// Like [`open::open_store`], and with the vault's keys, a database that does not open at all is mended first.
pub(crate) fn sound_store(
    folder: &Path,
    (facts, enf): (Facts, EnfKeys),
    vault: Option<&VaultKeys>,
    read_only: bool,
    notes: &mut Vec<Note>,
) -> Result<(Store, Option<Mended>), OpenError> {
    finish(folder)?;
    let again = enf.again(&facts.vault_id);
    let first = open::open_store(folder, facts.clone(), again, vault, read_only, notes);
    let corrupt = matches!(first, Err(OpenError::Corrupt { what: Part::Database }));
    let (Some(keys), true, false) = (vault, corrupt, read_only) else { return Ok((first?, None)) };
    let known = Known { folder, facts: &facts, enf: &enf, keys };
    // Where that fails or finds nothing, the vault is as damaged as it was, and told so.
    let Some(mended) = known.mend(None).ok().filter(|mended| mended.taken) else { return Ok((first?, None)) };
    finish(folder)?;
    let store = open::open_store(folder, facts, enf, vault, read_only, notes)?;
    Ok((store, Some(mended)))
}

/// Mends a database that opens, but in which something was found to be lost just now.
pub(crate) fn mend_if_damaged(
    vault: Vault,
    mended: &mut Option<Mended>,
    notes: &mut Vec<Note>,
) -> Result<Vault, OpenError> {
    let damaged = |note: &Note| matches!(note, Note::DayDamaged { .. } | Note::ManifestRemade);
    // What was known to be damaged before was looked at when it was found.
    let is_new = vault.store.manifest_changed && notes.iter().any(damaged);
    if mended.is_some() || (!is_new && vault.store.db.can_be_entered()) || vault.store.read_only {
        return Ok(vault);
    }
    let (vault, done) = vault.try_mend()?;
    // On a full disk, say, it stays as damaged as it was, and is told so.
    let Ok(done) = done else { return Ok(vault) };
    if done.taken {
        let regained = |note: &Note| match note {
            Note::DayDamaged { day } | Note::RowsMissing { day, .. } => done.regained.contains(day),
            Note::ManifestRemade => !vault.store.manifest.suspect,
            _ => false,
        };
        notes.retain(|note| !regained(note));
    }
    *mended = Some(done);
    Ok(vault)
}

/// Puts a sound database that was decided for in the place of the damaged one; nothing where there is none.
pub(crate) fn finish(folder: &Path) -> Result<(), OpenError> {
    let decided = folder.join("db.mended");
    if !create::exists(&decided)? {
        return Ok(());
    }
    for log in ["db-wal", "db-shm", "db-wal.aside"] {
        backup::remove(&folder.join(log))?;
    }
    // For good, before the new database could be found with the old one's log.
    create::sync(folder)?;
    let db = folder.join("db");
    fs::rename(&decided, &db).map_err(|e| OpenError::io(&db, e))?;
    let _ = fs::remove_dir_all(folder.join("mending"));
    create::sync(folder)
}
