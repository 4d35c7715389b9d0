//! What kinds of record there are, for people: the schema, told in words. `dwell privacy` shows it.

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
}

/// All kinds of record that a vault can hold.
pub const RECORDS: &[RecordKind] = &[
    of(
        Kind::Row,
        "one span of today: program, domain, start, length, kind",
        Under::History,
        "until the day is sealed",
    ),
    of(
        Kind::Running,
        "the span that runs, as of its last checkpoint",
        Under::History,
        "until the next checkpoint",
    ),
    of(Kind::Page, "a day's spans", Under::History, "as keep-detail says; else until forgotten"),
    of(
        Kind::Rollup,
        "a day's totals: time and visits by program and domain, time by hour",
        Under::History,
        "as keep-totals says; else until forgotten",
    ),
    of(Kind::Block, "the totals of 30 days", Under::History, "until forgotten"),
    of(Kind::DayKey, "the key of one day's spans", Under::History, "as long as these"),
    of(Kind::RollupKey, "the key of one day's, or 30 days', totals", Under::History, "as long as these"),
    of(
        Kind::Enforcement,
        "the rules, and what limited programs and domains had in the running day",
        Under::Rules,
        "the newest one only",
    ),
    of(
        Kind::Manifest,
        "which days there are and how many spans each has: no names",
        Under::Rules,
        "the newest one only",
    ),
    of(Kind::Tip, "how far recording has come: to notice loss", Under::Rules, "the newest two"),
    of(Kind::Backups, "where and when backups were written", Under::History, "until forgotten"),
    of(Kind::Slot, "the vault key, sealed to one of your keys", Under::Slot, "until that key is removed"),
    of(
        Kind::EnfKey,
        "the key of rules, so that any of your keys brings it back",
        Under::History,
        "until keys are changed",
    ),
];

const fn of(kind: Kind, holds: &'static str, under: Under, kept: &'static str) -> RecordKind {
    RecordKind { name: kind.label(), holds, under, kept }
}
