//! Opening a vault that is there: header, keys, manifest, tip, journal, in this order. Until the keys have proven to
//! be the vault's, nothing is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::charged::{Charged, Counted};
use crate::create::{self, Found, Founding};
use crate::db::{Db, Table};
use crate::error::{OpenError, Part};
use crate::generation;
use crate::header::{FILE, Header, MINOR, Parsed};
use crate::keyfile::{self, Purpose};
use crate::keys::{EnfKeys, Key, VaultKeys};
use crate::lock;
use crate::manifest::{Entry, Form, Manifest};
use crate::mend::{mend_if_damaged, sound_store};
use crate::places::Places;
use crate::record::{self, DayPart, Place};
use crate::recover::{Recovered, SEQ_MAX, locked, minute, recover};
use crate::relist;
use crate::restore;
use crate::row::{Note, Opened};
use crate::running::{Ready, RunningFile};
use crate::sealed::{SealedVault, State};
use crate::spill::Taken;
use crate::store::{Facts, Store};
use crate::tip::{Tip, TipFile};
use crate::tracks::Tracks;
use crate::unlock::{self, EnfSource, Keys, Unlock, UnlockError};
use crate::vault::Vault;
use crate::wrap;
use dwell_core::calendar::CivilDay;
use dwell_core::time::Wall;

/// See [`Vault::open_or_create`].
pub(crate) fn open_or_create(places: &Places) -> Result<(Vault, Opened), OpenError> {
    let (found, lock, mut notes) = take(places, Absent::Make)?;
    let created = matches!(found, Found::Nothing { .. });
    let keys = Keys::files(places);
    let keys = (&keys.enf, &keys.slots[..]);
    let files = open_files(places, found.generation(), keys, true, &mut notes)?;
    let Some(vault) = files.vault else { return Err(OpenError::KeyMissing { path: places.keyfile() }) };
    let (store, mut mended) =
        sound_store(&files.folder, (files.facts, files.enf), Some(&vault), files.read_only, &mut notes)?;
    // What a switch of generations left is in nobody's way.
    let _ = generation::tidy(places, found.generation());
    let vault = Vault::new(store, vault, places.clone(), lock);
    let mut vault = mend_if_damaged(vault, &mut mended, &mut notes)?;
    // What cannot be recorded now (a full disk) stays where it is.
    let spilled = vault.take_spills().unwrap_or_default();
    Ok((vault, Opened { created, notes, spilled, mended }))
}

/// What to do where there is no vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Make one with key files.
    Make,
    /// Say so, and leave no trace.
    Refuse,
}

/// See [`State::open`].
pub(crate) fn open(places: &Places, keys: &Keys, absent: Absent) -> Result<(State, Opened), OpenError> {
    open_taken(places, take(places, absent)?, &keys.enf, &keys.slots)
}

/// The same for a vault that is there, with K_enf's source and what to try on the slots apart.
pub(crate) fn open_by(
    places: &Places,
    enf: &EnfSource,
    slots: &[Unlock],
) -> Result<(State, Opened), OpenError> {
    open_taken(places, take(places, Absent::Refuse)?, enf, slots)
}

/// The same once the lock is taken and there is a vault.
pub(crate) fn open_taken(
    places: &Places,
    (found, lock, mut notes): (Found, File, Vec<Note>),
    enf: &EnfSource,
    slots: &[Unlock],
) -> Result<(State, Opened), OpenError> {
    let created = matches!(found, Found::Nothing { .. });
    let files = open_files(places, found.generation(), (enf, slots), false, &mut notes)?;
    let vault = files.vault.as_ref();
    let (store, mut mended) =
        sound_store(&files.folder, (files.facts, files.enf), vault, files.read_only, &mut notes)?;
    let _ = generation::tidy(places, found.generation());
    let places = places.clone();
    let mut spilled = Taken::default();
    let state = match files.vault {
        Some(vault) => {
            let vault = Vault::new(store, vault, places, lock);
            let mut vault = mend_if_damaged(vault, &mut mended, &mut notes)?;
            spilled = vault.take_spills().unwrap_or_default();
            State::Open(vault)
        }
        None => State::Sealed { vault: SealedVault::new(store, places, lock), refused: files.refused },
    };
    Ok((state, Opened { created, notes, spilled, mended }))
}

/// Takes the lock, and makes a vault where there is nothing, if that is wanted.
fn take(places: &Places, absent: Absent) -> Result<(Found, File, Vec<Note>), OpenError> {
    let none = || OpenError::NoVault { path: places.vault() };
    match absent {
        Absent::Make => create::private_folder(&places.data_dir)?,
        // Not even the lock's file is made in a folder that something else may be mounted over.
        Absent::Refuse if !Vault::is_there(places)? => return Err(none()),
        Absent::Refuse => {}
    }
    let lock = match lock::take(&places.lock()) {
        // It went this very moment.
        Err(OpenError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(none());
        }
        taken => taken?,
    };
    restore::finish(places)?;
    let mut notes = Vec::new();
    let found = create::survey(places)?;
    match found {
        Found::Vault(generation) => generation::move_keys(places, generation)?,
        Found::Nothing { .. } if absent == Absent::Refuse => return Err(none()),
        Found::Nothing { remains } => {
            create::create(places, &Founding::files()?)?;
            notes.extend(remains.then_some(Note::UnfinishedCreationCleared));
        }
        Found::Unfinished(generation) => create::finish(places, generation)?,
    }
    Ok((found, lock, notes))
}

/// A generation whose keys have proven to be its own.
struct Files {
    folder: PathBuf,
    facts: Facts,
    enf: EnfKeys,
    vault: Option<VaultKeys>,
    /// Why each source that was tried did not open it.
    refused: Vec<UnlockError>,
    read_only: bool,
}

fn open_files(
    places: &Places,
    generation: u64,
    (source, slots): (&EnfSource, &[Unlock]),
    must_open: bool,
    notes: &mut Vec<Note>,
) -> Result<Files, OpenError> {
    let folder = create::folder(places, generation);
    let parsed = read_header(&folder.join("hdr"))?;
    let header = &parsed.header;
    if header.generation != generation {
        return Err(OpenError::Corrupt { what: Part::Current });
    }
    let mut refused = Vec::new();
    let mut vault = None;
    for unlock in slots {
        match unlock::vault_keys(&parsed, unlock) {
            Ok((found, was_open)) => {
                notes.extend(was_open.then_some(Note::KeyWasReadable));
                vault = Some(found);
                break;
            }
            Err(error) if must_open => return Err(error.into_open(&places.keyfile())),
            Err(error) => refused.push(error),
        }
    }
    if matches!(source, EnfSource::Header) && vault.is_none() && !refused.is_empty() {
        return Err(OpenError::NoKeyFits { refused });
    }
    let enf = enforcement_key(places, source, header, vault.as_ref(), notes)?;
    let enf = EnfKeys::of(enf, &header.vault_id);
    if !parsed.signed_by_enf(&enf) {
        return Err(OpenError::Corrupt { what: Part::HeaderMac });
    }
    if parsed.other_damaged {
        notes.push(Note::HeaderCopyDamaged);
    }
    let read_only = header.minor > MINOR;
    if read_only {
        notes.push(Note::ReadOnly);
    }
    let facts = facts(&parsed);
    Ok(Files { folder, facts, enf, vault, refused, read_only })
}

pub(crate) fn read_header(path: &Path) -> Result<Parsed, OpenError> {
    let mut bytes = Vec::with_capacity(FILE + 1);
    match std::fs::File::open(path) {
        Ok(file) => {
            file.take(FILE as u64 + 1).read_to_end(&mut bytes).map_err(|e| OpenError::io(path, e))?;
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(OpenError::io(path, e)),
    }
    Parsed::read(&bytes)
}

/// What of a header sealing needs.
pub(crate) fn facts(parsed: &Parsed) -> Facts {
    let header = &parsed.header;
    Facts {
        vault_id: header.vault_id,
        epoch: header.epoch,
        generation: header.generation,
        public_key: header.public_key,
        header: parsed.digest(),
        header_revision: header.revision,
    }
}

/// K_enf from its source, or, where its file is missing and a slot was opened, from the header, so that the file is
/// there again.
fn enforcement_key(
    places: &Places,
    source: &EnfSource,
    header: &Header,
    vault: Option<&VaultKeys>,
    notes: &mut Vec<Note>,
) -> Result<Key, OpenError> {
    let ours = |key: &Key| key.commits_to(&header.vault_id, &header.enf_commitment);
    let path = match source {
        EnfSource::Keyfile(path) => path,
        EnfSource::Secret(secret) => {
            if let Some(key) = Key::from_slice(secret.as_slice()).filter(ours) {
                return Ok(key);
            }
            let from_header = vault.and_then(|vault| header.open_enf(vault));
            notes.push(Note::EnforcementKeyFromHeader);
            return from_header.ok_or(OpenError::WrongKey { path: places.enf_keyfile() });
        }
        EnfSource::Header => {
            let vault = vault.ok_or(OpenError::KeyMissing { path: places.enf_keyfile() })?;
            return header.open_enf(vault).ok_or(OpenError::Corrupt { what: Part::Header });
        }
    };
    if let Some(vault) = vault
        && !create::exists(path)?
    {
        let key = header.open_enf(vault).ok_or(OpenError::Corrupt { what: Part::Header })?;
        create::write_key(path, Purpose::Enforcement, &header.vault_id, &key)?;
        create::sync(&places.data_dir)?;
        notes.push(Note::EnforcementKeyRestored);
        return Ok(key);
    }
    let file = keyfile::read(path, Purpose::Enforcement)?;
    if file.vault_id != header.vault_id || !ours(&file.secret) {
        return Err(OpenError::WrongKey { path: path.clone() });
    }
    if file.was_open && !notes.contains(&Note::KeyWasReadable) {
        notes.push(Note::KeyWasReadable);
    }
    Ok(file.secret)
}

/// Copies what an unclean stop left in the database's log aside: SQLite drops a damaged end of it in silence, and
/// what it dropped may still be salvaged. An earlier copy that was kept is the better evidence.
fn keep_log(folder: &Path) -> Result<PathBuf, OpenError> {
    let (log, aside) = (folder.join("db-wal"), folder.join("db-wal.aside"));
    let left = log.metadata().is_ok_and(|meta| meta.len() > 0);
    if left && !create::exists(&aside)? {
        // Without room for it, recording is worth more.
        if std::fs::copy(&log, &aside).is_err() {
            let _ = std::fs::remove_file(&aside);
        }
    }
    Ok(aside)
}

/// Opens a generation's database and tip; with the vault's keys, or sealed.
pub(crate) fn open_store(
    folder: &Path,
    facts: Facts,
    mut enf: EnfKeys,
    vault: Option<&VaultKeys>,
    read_only: bool,
    notes: &mut Vec<Note>,
) -> Result<Store, OpenError> {
    let aside = keep_log(folder)?;
    let mut db = Db::open(&folder.join("db"))?;
    let tip_path = folder.join("tip");
    let (tip_file, tip) = TipFile::open(&tip_path, &mut enf, &facts.vault_id, facts.generation)
        .map_err(|e| OpenError::io(&tip_path, e))?;
    let older_header = tip.as_ref().is_some_and(|tip| {
        // A later header than the tip's is one whose tip was lost with the power; it is signed all the same.
        tip.header != facts.header && tip.header_revision >= facts.header_revision
    });
    if older_header && vault.is_none() {
        return Err(OpenError::Corrupt { what: Part::HeaderMac });
    }
    let relist::Found { manifest, lists, digest: manifest_digest, remade } =
        relist::find(&db, &facts, &mut enf);
    if let Some(step) =
        db.get(Table::Enforcement, enf.blind(&Place::enforcement(facts.generation))).ok().flatten()
        && let Some(step) = record::stated_epoch(&step)
    {
        // The step is not authenticated here, and a damaged one must not use up all that are left.
        if step < u32::MAX / 2 {
            enf.after(step);
        }
    }
    let running_path = folder.join("running");
    let (running_file, ready) = RunningFile::open(&running_path, &mut enf, &facts.vault_id, facts.generation)
        .map_err(|e| OpenError::io(&running_path, e))?;
    let recovered = |db: &Db, enf: &EnfKeys| match vault {
        None => locked(&manifest, tip.as_ref()),
        Some(vault) => {
            let journal = manifest.parts.iter().filter(|(_, entry)| entry.form == Form::Journal);
            let keys: BTreeMap<DayPart, Option<Key>> = journal
                .map(|(part, _)| {
                    let place = Place::day_key(*part);
                    let wrap = db.get(Table::DayKey, enf.blind(&place)).ok().flatten();
                    let open = |wrap: Vec<u8>| wrap::open(vault, &facts.vault_id, facts.epoch, &place, &wrap);
                    (*part, wrap.and_then(open))
                })
                .collect();
            recover(db, &facts, &manifest, keys, tip.as_ref())
        }
    };
    let mut found = recovered(&db, &enf);
    let next_seq = db.last_seq(SEQ_MAX).ok().flatten().map_or(1, |last| last.saturating_add(1));
    let mut next_seq = next_seq.max(manifest.next_seq).max(tip.as_ref().map_or(1, |tip| tip.next_seq));
    let is_next = |ready: &Ready| {
        let follows = found.parts.get(&ready.part).is_some_and(|open| match vault {
            Some(_) => open.chain == ready.chain,
            // The end of the chain is hearsay: the tip's, which may be behind after a power loss. This file was synced.
            None => open.chain == ready.chain || open.rows < ready.rows,
        });
        ready.seq == next_seq && follows
    };
    let mut taken_in = false;
    // On a disk that takes no rows it stays where it is.
    if !read_only
        && let Some(ready) = ready.into_iter().find(is_next)
        && db.append_row(ready.seq, &ready.sealed).is_ok()
    {
        (next_seq, taken_in) = (next_seq + 1, true);
        found = recovered(&db, &enf);
        if vault.is_none()
            && let Some(open) = found.parts.get_mut(&ready.part)
        {
            (open.rows, open.chain) = (ready.rows + 1, record::tag(&ready.sealed));
            (open.minute, open.counted) = (ready.minute, Counted::known(ready.totals));
        }
    }
    let behind = older_header
        || tip.as_ref().is_some_and(|tip| {
            tip.revision > manifest.revision
                || (tip.revision == manifest.revision && tip.manifest != manifest_digest)
        });
    if remade {
        notes.push(Note::ManifestRemade);
    } else if behind {
        notes.push(Note::OlderThanLastSeen);
    }
    notes.extend(tip.is_none().then_some(Note::TipRemade));
    let revision = manifest.revision.max(tip.as_ref().map_or(0, |tip: &Tip| tip.revision));
    let suspect = manifest.suspect || behind || remade;
    let manifest = Manifest { revision, suspect, ..manifest };
    let Recovered { parts, damaged, missing, open_span } = found;
    let mut store = Store {
        db,
        facts,
        enf,
        tip: tip_file,
        running_file,
        running: None,
        manifest,
        manifest_digest,
        lists,
        manifest_changed: remade || behind,
        parts,
        next_seq,
        read_only,
        calendar: None,
    };
    if taken_in && !remade && !behind {
        // While it is sealed, the tip alone says how far it has come.
        store.write_tip();
    }
    for part in damaged.iter().chain(&missing) {
        store.mark_damaged(*part);
    }
    for part in missing.iter().filter(|part| !damaged.contains(part)) {
        notes.push(Note::RowsMissing { day: part.day, after: last_minute(&store, vault, *part) });
        // A part of which nothing is left stands in no manifest; its day must still be told as damaged.
        let lost = Entry { damaged: true, ..Entry::new(Form::Journal, 0) };
        if !store.manifest.parts.contains_key(part) {
            store.manifest.parts.insert(*part, lost);
            store.manifest_changed = true;
        }
    }
    if vault.is_some() && damaged.is_empty() && missing.is_empty() && !remade && !behind {
        // Tip and chains agree with what SQLite made of its log.
        let _ = std::fs::remove_file(aside);
    }
    let mut days: Vec<CivilDay> =
        store.manifest.parts.iter().filter(|(_, entry)| entry.damaged).map(|(part, _)| part.day).collect();
    days.dedup();
    notes.extend(days.into_iter().map(|day| Note::DayDamaged { day }));
    notes.extend(open_span.map(|day| Note::OpenSpanKept { day }));
    Ok(store)
}

/// The minute in which the last span of a part began, as far as it can be read.
fn last_minute(store: &Store, vault: Option<&VaultKeys>, part: DayPart) -> Option<Wall> {
    let entry = store.manifest.parts.get(&part)?;
    let minute = match entry.form {
        Form::Journal => store.parts.get(&part)?.minute,
        Form::Page { .. } => {
            let mut tracks = Tracks::default();
            store.view(vault).put_part(part, entry, &mut tracks, &mut Charged::default()).ok()?;
            minute(tracks.into_spans().last()?.start.wall.as_unix_ms())
        }
        Form::Totals => return None,
    };
    (minute > 0).then(|| Wall::from_unix_ms(i64::from(minute) * 60_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyfile::Purpose;
    use crate::page::Stored;
    use crate::samples::{day, span};
    use crate::{Row, WriteError};

    fn own_keys(places: &Places, parsed: &Parsed) -> VaultKeys {
        unlock::vault_keys(parsed, &Unlock::Keyfile(places.keyfile())).unwrap().0
    }

    /// Signs a changed header with the vault's own keys.
    fn rewrite_header(places: &Places, change: impl FnOnce(&mut Header)) {
        let path = create::folder(places, 1).join("hdr");
        let parsed = read_header(&path).unwrap();
        let keys = own_keys(places, &parsed);
        let enf = keyfile::read(&places.enf_keyfile(), Purpose::Enforcement).unwrap();
        let mut header = parsed.header;
        change(&mut header);
        let bytes = header.encode(&keys, &EnfKeys::of(enf.secret, &header.vault_id));
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_newer_minor_format_is_read_and_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        vault.append(day(0), &Row::Span(span(0, 9, "editor", None))).unwrap();
        vault.close();
        rewrite_header(&places, |header| header.minor = MINOR + 1);
        let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
        assert!(opened.notes.contains(&Note::ReadOnly));
        assert_eq!(vault.read(day(0)..=day(0)).unwrap().spans.len(), 1);
        let refused = vault.append(day(0), &Row::Span(span(9, 9, "editor", None)));
        assert!(matches!(refused, Err(WriteError::ReadOnly)));
        assert!(matches!(vault.put_enforcement(b"rules"), Err(WriteError::ReadOnly)));
        assert!(matches!(vault.seal_before(day(1)), Err(WriteError::ReadOnly)));
    }

    /// Either signature alone holds: a sealed daemon has only K_enf, a person with a slot only VK.
    #[test]
    fn a_swapped_public_key_is_refused_before_anything_is_wrapped_to_it() {
        for forged in [[true, false], [false, true], [true, true]] {
            let folder = tempfile::tempdir().unwrap();
            let places = Places::new(folder.path());
            Vault::open_or_create(&places).unwrap().0.close();
            let path = create::folder(&places, 1).join("hdr");
            let parsed = read_header(&path).unwrap();
            let own = own_keys(&places, &parsed);
            let own_enf = keyfile::read(&places.enf_keyfile(), Purpose::Enforcement).unwrap().secret;
            let mut header = parsed.header;
            header.public_key = [0x42; 32];
            let thief = || Key::from_slice(&[1; 32]).unwrap();
            let vault = if forged[0] { VaultKeys::of(thief(), &header.vault_id, 1) } else { own };
            let enf = EnfKeys::of(if forged[1] { thief() } else { own_enf }, &header.vault_id);
            std::fs::write(path, header.encode(&vault, &enf)).unwrap();
            let refused = Vault::open_or_create(&places).unwrap_err();
            assert!(matches!(refused, OpenError::Corrupt { what: Part::HeaderMac }), "{forged:?}: {refused}");
        }
    }

    #[test]
    fn a_wrap_to_the_public_key_becomes_one_under_k_wrap_when_its_part_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
        vault.append(day(0), &Row::Span(span(0, 9, "editor", None))).unwrap();
        let wrap = |vault: &Vault| {
            let place = Place::day_key(DayPart { day: day(0), part: 0 });
            let (store, _) = vault.parts();
            store.db.get(Table::DayKey, store.enf.blind(&place)).unwrap().unwrap()
        };
        assert_eq!(wrap(&vault)[0], 2);
        assert_eq!(vault.seal_before(day(1)).unwrap(), 1);
        assert_eq!(wrap(&vault)[0], record::VERSION);
    }

    #[test]
    fn a_key_file_that_names_this_vault_but_holds_another_key_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        Vault::open_or_create(&places).unwrap().0.close();
        for (path, purpose) in
            [(places.enf_keyfile(), Purpose::Enforcement), (places.keyfile(), Purpose::Slot)]
        {
            let id = keyfile::read(&path, purpose).unwrap().vault_id;
            std::fs::remove_file(&path).unwrap();
            keyfile::write(&path, purpose, &id, &Key::from_slice(&[1; 32]).unwrap()).unwrap();
            let refused = Vault::open_or_create(&places).unwrap_err();
            assert!(matches!(&refused, OpenError::WrongKey { path: p } if *p == path), "{refused}");
        }
    }

    /// It would open, and say something else than what was sealed.
    #[test]
    fn a_page_that_the_manifest_does_not_know_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        vault.append(day(0), &Row::Span(span(0, 9, "editor", None))).unwrap();
        vault.seal_before(day(1)).unwrap();
        let part = DayPart { day: day(0), part: 0 };
        let (store, keys) = vault.parts();
        let id = store.enf.blind(&Place::page(part));
        let page = store.db.get(Table::Page, id).unwrap().unwrap();
        let wrap = Stored::parse(&page).unwrap().wrap.to_vec();
        let facts = store.facts.clone();
        let key = wrap::open(keys, &facts.vault_id, facts.epoch, &Place::day_key(part), &wrap).unwrap();
        let (forged, _) = crate::page::seal(&key, &wrap, &facts.vault_id, facts.epoch, part, &[]).unwrap();
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        db.execute("UPDATE page SET b = ?1", [forged]).unwrap();
        drop(db);
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        assert_eq!(vault.read(day(0)..=day(0)).unwrap().damaged, [day(0)]);
    }

    #[test]
    fn a_damaged_part_takes_no_more_rows() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        for at in 0..3 {
            vault.append(day(0), &Row::Span(span(at, 9, "editor", None))).unwrap();
        }
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        db.execute("DELETE FROM j WHERE seq = 2", []).unwrap();
        drop(db);
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        vault.append(day(0), &Row::Span(span(70, 9, "editor", None))).unwrap();
        let rows: Vec<_> = vault.parts().0.parts.iter().map(|(part, open)| (part.part, open.rows)).collect();
        assert_eq!(rows, [(0, 3), (1, 1)]);
    }
}
