//! What kinds of record there are, for people: the schema, told in words. `dwell privacy` shows it, and a test compares
//! it with the tables and files of a real vault.

use crate::record::Kind;

/// Under which key a record is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// The vault key: whatever opens history.
    History,
    /// K_enf, which the daemon has even while history is locked away.
    Rules,
    /// The secret of one key slot.
    Slot,
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordKind {
    /// Its name in the format.
    pub name: &'static str,
    /// What it holds.
    pub holds: &'static str,
    /// Which key reads it.
    pub under: Under,
    /// How long it is kept.
    pub kept: &'static str,
    /// The table of the database or the file in which it stands.
    pub stands: &'static str,
}

/// All kinds of record that a vault can hold.
pub const RECORDS: &[RecordKind] = &[
    of(Kind::Row, "j", Under::History, "one span of today: program, domain, start, length, kind", DAY),
    of(Kind::Running, "running", Under::History, "the span that runs, as of its last checkpoint", CHECKPOINT),
    of(Kind::Page, "page", Under::History, "a day's spans", "as keep-detail says; else until forgotten"),
    of(
        Kind::Rollup,
        "roll",
        Under::History,
        "a day's totals: time and visits by program and domain, time by hour",
        "as keep-totals says; else until forgotten",
    ),
    of(Kind::Block, "roll", Under::History, "the totals of 30 days, and of 360", "until forgotten"),
    of(
        Kind::Sum,
        "roll",
        Under::History,
        "what 30 days came to in reports: by program, domain, category, hour, day, week, month",
        "as long as the spans of these days",
    ),
    of(Kind::DayKey, "dk", Under::History, "the key of one day's spans", "as long as these"),
    of(
        Kind::RollupKey,
        "roll",
        Under::History,
        "the key of one day's, 30 or 360 days' totals",
        "as long as these",
    ),
    of(
        Kind::Spill,
        "spill",
        Under::History,
        "spans that came before the vault's key did",
        "until it has come",
    ),
    of(
        Kind::Enforcement,
        "enf",
        Under::Rules,
        "the rules, what limited programs and domains had in the running day, and for 60 days what was planned and what limits did",
        NEWEST,
    ),
    of(
        Kind::Manifest,
        "meta",
        Under::Rules,
        "which days there are and how many spans each has: no names",
        NEWEST,
    ),
    of(Kind::Tip, "tip", Under::Rules, "how far recording has come: to notice loss", "as the newest two"),
    of(
        Kind::Backups,
        "meta",
        Under::Rules,
        "where and when backups were written",
        "until there are new keys",
    ),
    of(
        Kind::Slot,
        "hdr",
        Under::Slot,
        "the vault key, sealed to one of your keys",
        "until that key is removed",
    ),
    of(
        Kind::EnfKey,
        "hdr",
        Under::History,
        "the key of rules, so that any of your keys brings it back",
        "until there are new keys",
    ),
];

const DAY: &str = "until the day is sealed";
const CHECKPOINT: &str = "until the next checkpoint";
const NEWEST: &str = "as the newest one alone";

const fn of(
    kind: Kind,
    stands: &'static str,
    under: Under,
    holds: &'static str,
    kept: &'static str,
) -> RecordKind {
    RecordKind { name: kind.label(), holds, under, kept, stands }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{day, span};
    use crate::{Places, Row, Vault};
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_is_told_once() {
        let told = |kind: Kind| RECORDS.iter().filter(|record| record.name == kind.label()).count();
        for kind in Kind::ALL {
            assert_eq!(told(kind), 1, "{kind:?}");
        }
        assert_eq!(Kind::ALL.len(), RECORDS.len());
    }

    #[test]
    fn every_table_and_file_of_a_vault_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (mut vault, _) = Vault::open_or_create(&Places::new(folder.path())).unwrap();
        vault.append(day(0), &Row::Span(span(1, 1, "editor", None))).unwrap();
        vault.seal_before(day(1)).unwrap();
        let generation = folder.path().join("vault/g.1");
        let db = rusqlite::Connection::open(generation.join("db")).unwrap();
        let mut query = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
        let tables = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
        let files =
            std::fs::read_dir(&generation).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
        // The database holds the tables; beside it lie its log and index.
        let files = files.filter(|file| !file.starts_with("db"));
        let there: BTreeSet<String> = tables.chain(files).collect();
        let told: BTreeSet<String> = RECORDS.iter().map(|record| record.stands.to_owned()).collect();
        let spill = BTreeSet::from(["spill".to_owned()]);
        assert_eq!(told.symmetric_difference(&there).cloned().collect::<BTreeSet<_>>(), spill);
    }
}
