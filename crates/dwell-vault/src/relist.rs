//! The manifest as found on opening, or, where it is lost, made again from the records that are there.
//!
//! One that was made again knows neither which records are missing nor which parts were damaged: that is told.

use dwell_core::calendar::CivilDay;
use zeroize::Zeroizing;

use crate::db::{Db, Table};
use crate::history::parts_of;
use crate::keys::{self, EnfKeys};
use crate::manifest::{Block, Entry, Form, Lists, Manifest, RollupEntry};
use crate::page::Stored;
use crate::record::{self, DayPart, Place};
use crate::rollup::{self, block_of};
use crate::store::Facts;
use crate::totals::days_of;

/// A manifest as found.
pub(crate) struct Found {
    pub(crate) manifest: Manifest,
    pub(crate) lists: Lists,
    /// By which the tip knows it; zero where its root is lost.
    pub(crate) digest: [u8; 32],
    /// Some or all of it is made again.
    pub(crate) remade: bool,
}

/// Reads the manifest. What is lost of it is made again: all, or the days of a list.
pub(crate) fn find(db: &Db, facts: &Facts, enf: &mut EnfKeys) -> Found {
    let Some((mut manifest, lists, digest)) = root(db, facts, enf) else {
        let manifest = remake(db, facts, enf);
        return Found { manifest, lists: Lists::new(), digest: [0; 32], remade: true };
    };
    let mut remade = false;
    for (block, known) in &lists {
        let place = Place::list(facts.generation, *block);
        let sealed = db.get(Table::Meta, enf.blind(&place)).ok().flatten();
        let sealed = sealed.filter(|sealed| keys::digest(sealed) == *known);
        let plain = sealed.and_then(|sealed| open(facts, enf, &place, &sealed));
        if plain.is_none_or(|plain| manifest.decode_list(*block, &plain).is_err()) {
            remade = true;
            let (first, last) = days_of(*block);
            Remaking::new(db, enf).days(first.epoch_days()..last.epoch_days() + 1, &mut manifest);
        }
    }
    Found { manifest, lists, digest, remade }
}

fn root(db: &Db, facts: &Facts, enf: &mut EnfKeys) -> Option<(Manifest, Lists, [u8; 32])> {
    let place = Place::manifest(facts.generation);
    let sealed = db.get(Table::Meta, enf.blind(&place)).ok().flatten()?;
    let plain = open(facts, enf, &place, &sealed)?;
    enf.after(record::stated_epoch(&sealed)?);
    Manifest::decode_root(&plain).ok().map(|(manifest, lists)| (manifest, lists, keys::digest(&sealed)))
}

fn open(facts: &Facts, enf: &EnfKeys, place: &Place, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let step = record::stated_epoch(sealed)?;
    record::open(&enf.opening_key(&facts.vault_id, place, step), &facts.vault_id, step, place, sealed).ok()
}

/// Days that a lost manifest's records are looked for in: 1970 and 1971 (a clock that had lost its battery), and
/// 2020 to 2099. The ids say nothing; each day's has to be made and compared.
const CANDIDATES: [std::ops::Range<i32>; 2] = [0..730, 18_262..47_482];

/// What parts are made again from.
struct Remaking<'a> {
    db: &'a Db,
    enf: &'a EnfKeys,
    /// The ids that there are, in order.
    keys: Vec<i64>,
    pages: Vec<i64>,
}

impl<'a> Remaking<'a> {
    fn new(db: &'a Db, enf: &'a EnfKeys) -> Self {
        let (mut keys, mut pages) = (db.ids(Table::DayKey), db.ids(Table::Page));
        keys.sort_unstable();
        pages.sort_unstable();
        Self { db, enf, keys, pages }
    }

    /// Adds the parts of some days that are there.
    fn days(&self, days: std::ops::Range<i32>, manifest: &mut Manifest) {
        let has = |ids: &[i64], place: &Place| ids.binary_search(&self.enf.blind(place)).is_ok();
        let get = |table, place: &Place| self.db.get(table, self.enf.blind(place)).ok().flatten();
        for day in days.map(CivilDay::from_epoch_days) {
            for part in (0..=u16::MAX).map(|part| DayPart { day, part }) {
                let form = if has(&self.pages, &Place::page(part)) {
                    let page = get(Table::Page, &Place::page(part));
                    let page = page.as_deref().and_then(Stored::parse);
                    let digest = page.map_or([0; 32], |page| page.digest());
                    Form::Page { rows: 0, digest, end_chain: [0; 16] }
                } else if has(&self.keys, &Place::day_key(part)) {
                    Form::Journal
                } else {
                    break;
                };
                let rollup = get(Table::Rollup, &Place::rollup(part));
                let tag = rollup.as_deref().and_then(rollup::Stored::parse).map(|stored| stored.tag());
                let mut entry = Entry::new(form, 0);
                // Which parts it is of, only the manifest knew; without a later part it makes no difference.
                entry.rollup = tag.map(|tag| RollupEntry { tag, cumulative: part.part == 0 });
                manifest.parts.insert(part, entry);
            }
        }
    }
}

/// A manifest of the records that are there, as far as their ids can be told.
fn remake(db: &Db, facts: &Facts, enf: &EnfKeys) -> Manifest {
    let mut manifest = Manifest::default();
    let remaking = Remaking::new(db, enf);
    CANDIDATES.into_iter().for_each(|days| remaking.days(days, &mut manifest));
    let has = |ids: &[i64], place: &Place| ids.binary_search(&enf.blind(place)).is_ok();
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
    use crate::db::Table;
    use crate::record::{DayPart, Place};
    use crate::rollup::block_of;
    use crate::samples::{day, span};
    use crate::{Note, Places, Row, Vault, create};

    /// It is authentic, of the same place, and older: it would hide a day.
    #[test]
    fn a_list_that_the_root_does_not_know_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        let block = block_of(day(0).epoch_days());
        assert_eq!(block, block_of(day(1).epoch_days()));
        vault.append(day(0), &Row::Span(span(0, 9, "editor", None))).unwrap();
        let (store, _) = vault.parts();
        let id = store.enf.blind(&Place::list(1, block));
        let old = store.db.get(Table::Meta, id).unwrap().unwrap();
        vault.append(day(1), &Row::Span(span(50, 9, "editor", None))).unwrap();
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        assert_eq!(db.execute("UPDATE meta SET b = ?2 WHERE id = ?1", (id, old)).unwrap(), 1);
        drop(db);
        let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
        assert_eq!(opened.notes, [Note::ManifestRemade]);
        assert_eq!(vault.read(day(0)..=day(1)).unwrap().spans.len(), 2);
    }

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
        assert_eq!(db.execute("DELETE FROM meta", []).unwrap(), 2);
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

    /// A list that is lost is made again alone: what the other ones say, they still say.
    #[test]
    fn a_lost_list_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let (mut vault, _) = Vault::open_or_create(&places).unwrap();
        let days = [day(0), day(20)];
        for d in days {
            vault.append(d, &Row::Span(span(0, 9, "editor", None))).unwrap();
        }
        vault.seal_before(day(21)).unwrap();
        let blind = |place: &Place| vault.parts().0.enf.blind(place);
        let [one, other] = days.map(|d| block_of(d.epoch_days()));
        assert_ne!(one, other);
        let (list, page) =
            (blind(&Place::list(1, one)), blind(&Place::page(DayPart { day: days[1], part: 0 })));
        vault.close();
        let db = rusqlite::Connection::open(create::folder(&places, 1).join("db")).unwrap();
        assert_eq!(db.execute("DELETE FROM meta WHERE id = ?1", [list]).unwrap(), 1);
        assert_eq!(db.execute("DELETE FROM page WHERE id = ?1", [page]).unwrap(), 1);
        drop(db);
        let (mut vault, opened) = Vault::open_or_create(&places).unwrap();
        assert_eq!(opened.notes, [Note::ManifestRemade]);
        let history = vault.read(day(0)..=day(30)).unwrap();
        assert_eq!((history.spans.len(), history.damaged), (1, vec![days[1]]));
        vault.append(day(21), &Row::Span(span(50, 9, "editor", None))).unwrap();
        vault.close();
        assert_eq!(Vault::open_or_create(&places).unwrap().1.notes, []);
    }
}
