//! The manifest as found on opening, or, where it is lost, made again from the records that are there.
//!
//! One that was made again knows neither which records are missing nor which parts were damaged: that is told.

use dwell_core::calendar::CivilDay;

use crate::db::{Db, Table};
use crate::history::parts_of;
use crate::keys::{EnfKeys, digest};
use crate::manifest::{Block, Entry, Form, Manifest, RollupEntry};
use crate::page::Stored;
use crate::record::{self, DayPart, Place};
use crate::rollup::{self, block_of};
use crate::store::Facts;
use crate::totals::days_of;

/// Reads the manifest, and the digest by which the tip knows it. `None`: it is lost.
pub(crate) fn read(db: &Db, facts: &Facts, enf: &mut EnfKeys) -> Option<(Manifest, [u8; 32])> {
    let place = Place::manifest(facts.generation);
    let sealed = db.get(Table::Meta, enf.blind(&place)).ok().flatten()?;
    let step = record::stated_epoch(&sealed)?;
    let plain =
        record::open(&enf.opening_key(&facts.vault_id, &place, step), &facts.vault_id, step, &place, &sealed)
            .ok()?;
    enf.after(step);
    Manifest::decode(&plain).ok().map(|manifest| (manifest, digest(&sealed)))
}

/// Days that a lost manifest's records are looked for in: 1970 and 1971 (a clock that had lost its battery), and
/// 2020 to 2099. The ids say nothing; each day's has to be made and compared.
const CANDIDATES: [std::ops::Range<i32>; 2] = [0..730, 18_262..47_482];

/// A manifest of the records that are there, as far as their ids can be told.
pub(crate) fn remake(db: &Db, facts: &Facts, enf: &EnfKeys) -> Manifest {
    let (mut keys, mut pages) = (db.ids(Table::DayKey), db.ids(Table::Page));
    keys.sort_unstable();
    pages.sort_unstable();
    let has = |ids: &[i64], place: &Place| ids.binary_search(&enf.blind(place)).is_ok();
    let mut manifest = Manifest::default();
    for day in CANDIDATES.into_iter().flatten().map(CivilDay::from_epoch_days) {
        for part in (0..=u16::MAX).map(|part| DayPart { day, part }) {
            let form = if has(&pages, &Place::page(part)) {
                let page = db.get(Table::Page, enf.blind(&Place::page(part))).ok().flatten();
                let digest = page.as_deref().and_then(Stored::parse).map_or([0; 32], |page| page.digest());
                Form::Page { rows: 0, digest, end_chain: [0; 16] }
            } else if has(&keys, &Place::day_key(part)) {
                Form::Journal
            } else {
                break;
            };
            let rollup = db.get(Table::Rollup, enf.blind(&Place::rollup(part))).ok().flatten();
            let tag = rollup.as_deref().and_then(rollup::Stored::parse).map(|stored| stored.tag());
            let mut entry = Entry::new(form, 0);
            // Which parts it is of, only the manifest knew; without a later part it makes no difference.
            entry.rollup = tag.map(|tag| RollupEntry { tag, cumulative: part.part == 0 });
            manifest.parts.insert(part, entry);
        }
    }
    let mut rolls = db.ids(Table::Rollup);
    rolls.sort_unstable();
    for block in CANDIDATES.into_iter().flat_map(|days| block_of(days.start)..=block_of(days.end)) {
        let (place, (from, to)) = (Place::block(block), days_of(block));
        // One whose days are still there is made again from them, when the next day is sealed.
        let days_left = manifest.parts.range(parts_of(&(from..=to))).next().is_some();
        if days_left || !has(&rolls, &place) {
            continue;
        }
        let blob = db.get(Table::Rollup, enf.blind(&place)).ok().flatten();
        if let Some(stored) = blob.as_deref().and_then(rollup::Stored::parse) {
            manifest.blocks.insert(block, Block { tag: stored.tag(), only: true });
        }
    }
    let place = Place::enforcement(facts.generation);
    manifest.enforcement = !matches!(db.get(Table::Enforcement, enf.blind(&place)), Ok(None));
    manifest
}

#[cfg(test)]
mod tests {
    use crate::samples::{day, span};
    use crate::{Note, Places, Row, Vault, create};

    /// The manifest is lost, and with it what only it knew; what can be found again is.
    #[test]
    fn a_lost_manifest_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        for d in 0..3 {
            vault.append(day(d), &Row::Span(span(0, 9, "editor", None))).unwrap();
        }
        vault.put_enforcement(b"rules").unwrap();
        vault.seal_before(day(2)).unwrap();
        let before = vault.read(day(0)..=day(9)).unwrap();
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        assert_eq!(db.execute("DELETE FROM meta", []).unwrap(), 1);
        drop(db);
        let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
        assert_eq!(opened.notes, [Note::ManifestRemade]);
        assert_eq!(vault.read(day(0)..=day(9)).unwrap(), before);
        assert_eq!(vault.enforcement().unwrap().unwrap().as_slice(), b"rules");
        vault.append(day(2), &Row::Span(span(50, 9, "editor", None))).unwrap();
        vault.close();
        let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
        assert_eq!(opened.notes, []);
        assert_eq!(vault.read(day(2)..=day(2)).unwrap().spans.len(), 2);
    }
}
