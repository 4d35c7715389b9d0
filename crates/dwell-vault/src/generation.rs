//! A new generation: all records under new keys, built and verified beside the old one, then switched to by one
//! rename. The one way to forget, and the one way to rekey.
//!
//! What a kill leaves: before the rename of `current`, a folder that nobody takes for the vault; after it, the new
//! vault, with its key files still in its folder and the old generation still there. The next opening moves the
//! files and deletes the rest. So it is the old vault or the new one, whole, never neither.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::carry::Carrier;
use crate::envelope;
use crate::error::{OpenError, ReadError, WriteError};
use crate::forget::{Forgotten, OnlyTogether, What};
use crate::header::{COPY, Header};
use crate::keyfile::{self, Purpose};
use crate::keys::{EnfKeys, Key, NoRandom, VaultKeys, digest};
use crate::manifest::Entry;
use crate::record::DayPart;
use crate::slot::{PARAMETERS, Slot, SlotInfo, SlotKind};
use crate::store::{Facts, Store};
use crate::{KnownBackup, Places, Vault, backup, create, open};

/// How far a long operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Days done.
    pub done: u64,
    /// Days in all.
    pub total: u64,
}

/// Hears how far things are, and says whether to go on.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Secrets that the daemon keeps outside, made anew.
///
/// Put them where they belong *before* the call, beside the old ones, and remove the old ones after it: a kill leaves
/// either generation, and each needs its own. After an error, the old ones are in use and the new ones can go; after
/// success it is the other way round, unless [`Renewed::old_remains`] says to keep both.
#[derive(Default)]
pub struct NewSecrets {
    /// K_enf, where it comes from a keyring or a credential; without, a new one goes into its key file.
    pub enf: Option<Zeroizing<[u8; 32]>>,
    /// New seeds for slots, by number.
    pub seeds: BTreeMap<u8, Zeroizing<[u8; 32]>>,
}

/// Why there is no new generation. The old one is as it was then.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// The caller said stop.
    #[error("it was interrupted")]
    Interrupted,
    /// A day is to be taken out of a total that is all that is left of 30.
    #[error(transparent)]
    OnlyTogether(#[from] OnlyTogether),
    /// The last slot, or one that there is none of, cannot be removed.
    #[error("slot {number} cannot be removed: it is the only one, or empty")]
    Slot {
        /// Its number.
        number: u8,
    },
    /// What was written does not read back as it should.
    #[error("the new generation does not read back; the old one stays")]
    Unverified,
    /// A file could not be read or written.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A record could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A record could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl GenerationError {
    /// See [`OpenError::or_full`].
    fn or_full(self, db: &Path) -> Self {
        match self {
            Self::Open(error) => Self::Open(error.or_full(db)),
            Self::Write(WriteError::Database { source }) | Self::Read(ReadError::Database { source }) => {
                Self::Open(OpenError::Database { source }.or_full(db))
            }
            other => other,
        }
    }
}

impl From<NoRandom> for GenerationError {
    fn from(NoRandom: NoRandom) -> Self {
        Self::Open(OpenError::Random)
    }
}

/// What a new generation came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// What went.
    pub forgotten: Forgotten,
    /// Slots whose secret is the one that it was: a copy made earlier still opens with it.
    pub unrotated: Vec<SlotInfo>,
    /// Backups from before, which still hold what went.
    pub backups: Vec<KnownBackup>,
    /// The new generation is in use, but the system would not put the old one away for good: it may still be on the
    /// disk, with what went, and even be the vault again after a power loss. The next opening puts it away; keep the
    /// old secrets beside the new ones until then.
    pub old_remains: bool,
}

impl Vault {
    /// Forgets for good: re-encrypts what stays into a new generation with new keys. `dry_run` only says what would
    /// go, and writes nothing; [`Vault::forgetting`] says more.
    ///
    /// # Errors
    /// See [`GenerationError`]; nothing is forgotten then.
    pub fn forget(
        &mut self,
        what: &What,
        dry_run: bool,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Renewed, GenerationError> {
        if dry_run {
            self.must_be_separable(what)?;
            return self.dry_run(what, secrets, progress);
        }
        self.forget_with_record(what, None, secrets, progress)
    }

    /// The same, and puts another enforcement record into the new generation and the copy that is made of it, so that what
    /// was forgotten is in neither; `None`: the one that there is.
    ///
    /// # Errors
    /// As for [`Vault::forget`]; the record is the old one then.
    pub fn forget_with_record(
        &mut self,
        what: &What,
        record: Option<&[u8]>,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Renewed, GenerationError> {
        self.must_be_separable(what)?;
        self.renew(Some(what), None, record, secrets, progress)
    }

    fn must_be_separable(&self, what: &What) -> Result<(), GenerationError> {
        self.inseparable(what).first().map_or(Ok(()), |together| Err((*together).into()))
    }

    /// Gives everything new keys.
    ///
    /// # Errors
    /// See [`GenerationError`]; the keys are the old ones then.
    pub fn rotate(
        &mut self,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Renewed, GenerationError> {
        self.renew(None, None, None, secrets, progress)
    }

    /// Removes a slot. Its secret may have been copied, so everything gets new keys.
    ///
    /// # Errors
    /// See [`GenerationError`]; the slot is still there then.
    pub fn remove_slot(
        &mut self,
        number: u8,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Renewed, GenerationError> {
        let slots = self.slots()?;
        if slots.len() < 2 || slots.iter().all(|slot| slot.number != number) {
            return Err(GenerationError::Slot { number });
        }
        self.renew(None, Some(number), None, secrets, progress)
    }

    fn renew(
        &mut self,
        what: Option<&What>,
        without: Option<u8>,
        record: Option<&[u8]>,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<Renewed, GenerationError> {
        if self.store.read_only {
            return Err(OpenError::ReadOnly.into());
        }
        self.store.settle_running()?;
        // What the last switch could not: its key files may still be in its folder, which goes with this one.
        tidy(&self.places, self.store.facts.generation)?;
        // What is spilled is of this epoch and would not open any more; and it may be what is to be forgotten.
        self.take_spills()?;
        let generation = self.store.facts.generation + 1;
        let folder = create::folder(&self.places, generation);
        remove(&folder)?;
        let has_copy = create::exists(&backup::weekly(&self.places))?;
        let built = self.build(&folder, what, without, record, secrets, progress).and_then(|built| {
            let total = self.days_in_all();
            // The last moment at which stopping changes nothing.
            if progress(Progress { done: total, total }).is_break() {
                return Err(GenerationError::Interrupted);
            }
            switch(&self.places, generation)?;
            Ok(built)
        });
        let (keys, store, mut renewed) = match built {
            Ok(built) => built,
            Err(error) => {
                let error = error.or_full(&folder.join("db"));
                // Nobody takes the folder for a vault, so failing to remove it now costs nothing.
                let _ = fs::remove_dir_all(&folder);
                return Err(error);
            }
        };
        // From here on the new generation is the vault, whatever else fails.
        drop(std::mem::replace(&mut self.store, store));
        self.keys = Arc::new(keys);
        self.known = None;
        renewed.old_remains = tidy(&self.places, generation).is_err();
        if has_copy {
            // It is gone by now, and what is forgotten with it; that it cannot be made anew is told by its absence.
            let _ = self.make_copy();
        }
        if let Some(day) = self.days().map(|(_, last)| last) {
            // Blocks that lost a day are made again; where that fails, they are made when the next day is sealed.
            let _ = self.settle(day);
        }
        Ok(renewed)
    }

    fn build(
        &mut self,
        folder: &Path,
        what: Option<&What>,
        without: Option<u8>,
        record: Option<&[u8]>,
        secrets: &NewSecrets,
        progress: OnProgress<'_>,
    ) -> Result<(VaultKeys, Store, Renewed), GenerationError> {
        create::private_folder(folder)?;
        let (header, keys, enf, unrotated) = self.next_header(folder, without, secrets)?;
        let bytes = header.encode(&keys, &enf);
        let path = folder.join("hdr");
        create::write_new(&path, &bytes).map_err(|e| OpenError::io(&path, e))?;
        let facts = Facts {
            vault_id: header.vault_id,
            epoch: header.epoch,
            generation: header.generation,
            public_key: header.public_key,
            header: digest(&bytes[..COPY]),
            header_revision: header.revision,
        };
        let again = enf.again(&facts.vault_id);
        let mut store = Store::create(folder, &facts, enf)?;
        // Nobody opens it before it is whole and synced as a whole.
        store.db.without_log().map_err(WriteError::from)?;
        store.calendar = self.store.calendar;
        store.next_seq = self.store.next_seq;
        match (record, self.store.enforcement()) {
            (Some(record), _) => store.put_enforcement(record)?,
            (None, Ok(Some(record))) => store.put_enforcement(&record)?,
            // Lost already; the manifest goes on to say that there was one, so that it never reads as none.
            (None, Ok(None) | Err(ReadError::Corrupt { .. })) => {}
            (None, Err(error)) => return Err(error.into()),
        }
        // A list that is damaged is no reason not to forget; it starts anew.
        let known = self.known_backups().unwrap_or_default();
        if !known.is_empty() {
            store.put_backups(&known)?;
        }
        let forgotten = self.carry(&mut store, &keys, what, progress)?;
        let expected = store.manifest.clone();
        // As the next start will find it: everything in the database, and nothing in its log.
        store.db.empty_log().map_err(WriteError::from)?;
        store.write_tip();
        store.tip.sync().map_err(|e| OpenError::io(&folder.join("tip"), e))?;
        drop(store);
        let mut notes = Vec::new();
        let mut store = open::open_store(folder, facts, again, Some(&keys), false, &mut notes)?;
        store.calendar = self.store.calendar;
        if store.manifest.parts != expected.parts || store.manifest.blocks != expected.blocks {
            return Err(GenerationError::Unverified);
        }
        let view = store.view(Some(&keys));
        let mut unread = false;
        if what.is_some_and(What::picks_subjects) {
            view.each_day(&(CivilDay::MIN..=CivilDay::MAX), |day| {
                let parts = crate::history::parts_of(&(day.day..=day.day));
                let lost = store.manifest.parts.range(parts).any(|(_, entry)| entry.damaged);
                unread |= !day.whole && !lost;
            })?;
        } else {
            // Pages went over as they were: what is in them is what it was if they open.
            for (part, entry) in store.manifest.parts.iter() {
                unread |= !entry.damaged && !view.opens(&keys, *part, entry)?;
            }
        }
        if unread {
            return Err(GenerationError::Unverified);
        }
        create::sync(&folder.join("db"))?;
        create::sync(folder)?;
        create::sync(&self.places.vault())?;
        Ok((keys, store, Renewed { forgotten, unrotated, backups: known, old_remains: false }))
    }

    /// What [`Progress`] counts.
    fn days_in_all(&self) -> u64 {
        let mut days: Vec<CivilDay> = self.store.manifest.parts.keys().map(|part| part.day).collect();
        days.dedup();
        days.len() as u64
    }

    fn carry(
        &self,
        store: &mut Store,
        keys: &VaultKeys,
        what: Option<&What>,
        progress: OnProgress<'_>,
    ) -> Result<Forgotten, GenerationError> {
        let mut days: BTreeMap<CivilDay, Vec<(DayPart, &Entry)>> = BTreeMap::new();
        for (part, entry) in self.store.manifest.parts.iter() {
            days.entry(part.day).or_default().push((*part, entry));
        }
        let total = self.days_in_all();
        let mut carrier = Carrier::new(self.store.view(Some(&self.keys)), store, keys, what);
        for (done, (day, parts)) in (0..).zip(days) {
            if progress(Progress { done, total }).is_break() {
                return Err(GenerationError::Interrupted);
            }
            carrier.day(day, &parts)?;
        }
        for (block, known) in &self.store.manifest.blocks {
            carrier.block(*block, known)?;
        }
        Ok(carrier.finish()?)
    }

    /// The next generation's header and keys; the key files of those that have one, in its folder.
    fn next_header(
        &self,
        folder: &Path,
        without: Option<u8>,
        secrets: &NewSecrets,
    ) -> Result<(Header, VaultKeys, EnfKeys, Vec<SlotInfo>), GenerationError> {
        let old = self.header()?;
        let (vault_id, epoch) = (old.vault_id, old.epoch + 1);
        let vault = VaultKeys::of(Key::random()?, &vault_id, epoch);
        let enf = match &secrets.enf {
            Some(secret) => Key::from_slice(secret.as_slice()).ok_or(NoRandom)?,
            None => Key::random()?,
        };
        if secrets.enf.is_none() && create::exists(&self.places.enf_keyfile())? {
            create::write_key(&folder.join("enf.keyfile"), Purpose::Enforcement, &vault_id, &enf)?;
        }
        let ours = match keyfile::read(&self.places.keyfile(), Purpose::Slot) {
            Ok(file) => Some(envelope::public_key(&file.secret)),
            Err(_) => None,
        };
        let mut slots = [const { None }; crate::slot::SLOTS];
        let mut unrotated = Vec::new();
        for (number, (to, from)) in (0_u8..).zip(slots.iter_mut().zip(&old.slots)) {
            let Some(from) = from.as_ref().filter(|_| without != Some(number)) else { continue };
            let file = ours.is_some_and(|ours| from.is_of(&ours)) && from.kind() == Some(SlotKind::Keyfile);
            let seed = match secrets.seeds.get(&number) {
                Some(seed) => Key::from_slice(seed.as_slice()),
                None if file => Some(Key::random()?),
                None => None,
            };
            *to = Some(match (seed, from.kind()) {
                (Some(seed), Some(kind)) => {
                    if file {
                        create::write_key(&folder.join("keyfile"), Purpose::Slot, &vault_id, &seed)?;
                    }
                    let key = envelope::public_key(&seed);
                    Slot::new(kind, [0; PARAMETERS], key, number, &vault.root, &vault_id, epoch)?
                }
                (_, kind) => {
                    unrotated.push(SlotInfo { number, kind });
                    from.resealed(number, &vault.root, &vault_id, epoch)?
                }
            });
        }
        let header = Header {
            minor: old.minor,
            epoch,
            generation: old.generation + 1,
            vault_id,
            device_id: old.device_id,
            vk_commitment: vault.root.commitment(&vault_id),
            enf_commitment: enf.commitment(&vault_id),
            public_key: envelope::public_key(&vault.seed),
            sealed_enf: Header::seal_enf(&vault, &vault_id, epoch, &enf).map_err(OpenError::from)?,
            revision: 0,
            slots,
        };
        Ok((header, vault, EnfKeys::of(enf, &vault_id), unrotated))
    }
}

/// Makes a switch last.
// Before anything of the old generation goes, which a power loss may bring back until then and which must be whole then.
// The link is made anew: a sync that has reported a failure may say the next time that all is well.
fn settle(places: &Places, generation: u64) -> Result<(), OpenError> {
    let _ = switch(places, generation);
    create::sync(&places.vault())
}

/// Lets `current` name a generation. An error means that it names the one that it did.
fn switch(places: &Places, generation: u64) -> Result<(), OpenError> {
    let (current, next) = (places.current(), places.vault().join("current.new"));
    let target = PathBuf::from(format!("g.{generation}"));
    let _ = fs::remove_file(&next);
    symlink(&target, &next).map_err(|e| OpenError::io(&next, e))?;
    match fs::rename(&next, &current) {
        // Said to have failed, and done all the same: what is there decides, here as at the next opening.
        Err(e) if !fs::read_link(&current).is_ok_and(|now| now == target) => Err(OpenError::io(&current, e)),
        _ => Ok(()),
    }
}

/// Finishes what a switch of generations leaves to do: the key files move out of the folder, over the old ones.
pub(crate) fn move_keys(places: &Places, generation: u64) -> Result<(), OpenError> {
    let folder = create::folder(places, generation);
    let left = |name| create::exists(&folder.join(name));
    if left("enf.keyfile")? || left("keyfile")? {
        settle(places, generation)?;
    }
    let (mut moved, mut replaced) = (false, Vec::new());
    for (from, to, purpose) in [
        (folder.join("enf.keyfile"), places.enf_keyfile(), Purpose::Enforcement),
        (folder.join("keyfile"), places.keyfile(), Purpose::Slot),
    ] {
        if !create::exists(&from)? {
            continue;
        }
        if create::exists(&to)? {
            // Only over this vault's own, older one: another vault's may be the only key to it.
            let (new, old) = (keyfile::read(&from, purpose)?, keyfile::read(&to, purpose)?);
            if new.vault_id != old.vault_id {
                return Err(OpenError::WrongKey { path: to });
            }
        }
        // Held open, so that it can still be overwritten once the new one has its name for good.
        if !create::is_same(&from, &to) {
            replaced.extend(fs::File::options().write(true).open(&to));
        }
        create::move_key(&from, &to)?;
        moved = true;
    }
    if moved {
        create::sync(&places.data_dir)?;
        create::sync(&folder)?;
        // Failing here leaves a remnant without a name, which flash storage may do anyway.
        replaced.iter().for_each(|old| drop(keyfile::wipe(old)));
    }
    Ok(())
}

/// [`move_keys`], and away with all other generations.
pub(crate) fn tidy(places: &Places, generation: u64) -> Result<(), OpenError> {
    move_keys(places, generation)?;
    let vault = places.vault();
    let entries = fs::read_dir(&vault).map_err(|e| OpenError::io(&vault, e))?;
    let mut removed = false;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(create::generation_of);
        if number.is_some_and(|number| number != generation) {
            if number < Some(generation) {
                settle(places, generation)?;
                // The copy is of what is left behind.
                backup::remove(&backup::weekly(places))?;
            }
            remove(&entry.path())?;
            removed = true;
        } else if ["current.new", "copy.db", "weekly.new"].iter().any(|left| name == *left) {
            let _ = fs::remove_file(entry.path());
        }
    }
    if removed { create::sync(&vault) } else { Ok(()) }
}

fn remove(folder: &Path) -> Result<(), OpenError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(OpenError::io(folder, e)),
        _ => Ok(()),
    }
}
