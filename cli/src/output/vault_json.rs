//! The documents about the vault, its keys and what is kept; pinned by their `schema`.

use dwell_bus::lines::Done;
use dwell_bus::wire;
use serde::Serialize;

use super::instant::Zone;

/// A key that opens the vault.
#[derive(Debug, Serialize)]
struct Key<'a> {
    number: u8,
    kind: &'a str,
    place: Option<&'a str>,
    automatic: bool,
    problem: Option<&'a str>,
}

impl<'a> Key<'a> {
    fn all(keys: &'a [wire::Key]) -> Vec<Self> {
        keys.iter()
            .map(|key| Self {
                number: key.number,
                kind: &key.kind,
                place: key.place.as_deref(),
                automatic: key.automatic,
                problem: key.problem.as_deref(),
            })
            .collect()
    }
}

/// `dwell.keys/1`
#[derive(Debug, Serialize)]
pub(crate) struct Keys<'a> {
    schema: &'static str,
    keys: Vec<Key<'a>>,
}

impl<'a> Keys<'a> {
    /// The document of keys.
    pub(crate) fn new(keys: &'a [wire::Key]) -> Self {
        Self { schema: "dwell.keys/1", keys: Key::all(keys) }
    }
}

/// `dwell.recovery-key/1`
#[derive(Debug, Serialize)]
pub(crate) struct RecoveryKey<'a> {
    schema: &'static str,
    number: u8,
    key: &'a str,
}

impl<'a> RecoveryKey<'a> {
    /// The document of a recovery key, the only one that holds a secret.
    pub(crate) const fn new(number: u8, key: &'a str) -> Self {
        Self { schema: "dwell.recovery-key/1", number, key }
    }
}

#[derive(Debug, Serialize)]
struct Backup<'a> {
    path: &'a str,
    at: String,
    generation: u64,
}

/// `dwell.vault/1`
#[derive(Debug, Serialize)]
pub(crate) struct Vault<'a> {
    schema: &'static str,
    state: &'a str,
    why: Option<&'a str>,
    locks_at: Option<String>,
    path: &'a str,
    id: &'a str,
    generation: u64,
    first: Option<&'a str>,
    last: Option<&'a str>,
    journal_parts: u64,
    sealed_parts: u64,
    totals_parts: u64,
    blocks: u64,
    bytes: u64,
    damaged: &'a [String],
    suspect: bool,
    copy: bool,
    read_only: bool,
    keys: Vec<Key<'a>>,
    rules_key: &'a str,
    backups: Vec<Backup<'a>>,
}

impl<'a> Vault<'a> {
    /// The document of the vault.
    pub(crate) fn new(info: &'a wire::VaultInfo) -> Self {
        let zone = Zone::new(&info.zone);
        Self {
            schema: "dwell.vault/1",
            state: &info.state,
            why: info.why.as_deref(),
            locks_at: info.locks_at_ms.map(|at| zone.rfc3339(at)),
            path: &info.path,
            id: &info.id,
            generation: info.generation,
            first: info.first.as_deref(),
            last: info.last.as_deref(),
            journal_parts: info.journal_parts,
            sealed_parts: info.sealed_parts,
            totals_parts: info.totals_parts,
            blocks: info.blocks,
            bytes: info.bytes,
            damaged: &info.damaged,
            suspect: info.suspect,
            copy: info.copy,
            read_only: info.read_only,
            keys: Key::all(&info.keys),
            rules_key: &info.rules_key,
            backups: info
                .backups
                .iter()
                .map(|backup| Backup {
                    path: &backup.path,
                    at: zone.rfc3339(backup.at_ms),
                    generation: backup.generation,
                })
                .collect(),
        }
    }
}

/// `dwell.verify/1`
#[derive(Debug, Serialize)]
pub(crate) struct Verify<'a> {
    schema: &'static str,
    ok: bool,
    days: u64,
    spans: u64,
    damaged: &'a [String],
    mismatched: &'a [String],
}

impl<'a> Verify<'a> {
    /// The document of a check.
    pub(crate) fn new(done: &'a Done) -> Self {
        Self {
            schema: "dwell.verify/1",
            ok: done.damaged.is_empty() && done.mismatched.is_empty(),
            days: done.days.unwrap_or(0),
            spans: done.spans.unwrap_or(0),
            damaged: &done.damaged,
            mismatched: &done.mismatched,
        }
    }
}

/// `dwell.forget/1`
#[derive(Debug, Serialize)]
pub(crate) struct Forget<'a> {
    schema: &'static str,
    what: &'a str,
    dry_run: bool,
    days: u64,
    from: Option<&'a str>,
    to: Option<&'a str>,
    spans: u64,
    seconds: u64,
    notes: u64,
    backups: Vec<&'a str>,
    unrotated: &'a [u8],
}

impl<'a> Forget<'a> {
    /// The document of what would go, or, once it is `done`, of what went.
    pub(crate) fn new(would: &'a wire::Forgotten, done: Option<&'a Done>) -> Self {
        let known = would.backups.iter().map(|backup| backup.path.as_str());
        Self {
            schema: "dwell.forget/1",
            what: &would.what,
            dry_run: done.is_none(),
            days: done.and_then(|done| done.days).unwrap_or(would.days),
            from: would.first.as_deref(),
            to: would.last.as_deref(),
            spans: done.and_then(|done| done.spans).unwrap_or(would.spans),
            seconds: done.and_then(|done| done.seconds).unwrap_or(super::json::nearest(would.ms)),
            notes: done.map_or(would.notes, |done| done.notes).unwrap_or_default(),
            backups: match done {
                Some(done) => done.backups.iter().map(String::as_str).collect(),
                None => known.collect(),
            },
            unrotated: done.map_or(&[], |done| &done.unrotated),
        }
    }
}

/// `dwell.privacy/1`
#[derive(Debug, Serialize)]
pub(crate) struct Privacy<'a> {
    schema: &'static str,
    records: Vec<RecordKind<'a>>,
    places: Vec<Place<'a>>,
    keys: Vec<KeyPrivacy<'a>>,
    never: &'a [String],
    visible: &'a [String],
}

#[derive(Debug, Serialize)]
struct RecordKind<'a> {
    kind: &'a str,
    holds: &'a str,
    readable: &'a str,
    kept: &'a str,
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    path: &'a str,
    holds: &'a str,
    encrypted: bool,
}

#[derive(Debug, Serialize)]
struct KeyPrivacy<'a> {
    opens: &'a str,
    kind: &'a str,
    place: Option<&'a str>,
    protects: &'a str,
    exposed: &'a str,
}

impl<'a> Privacy<'a> {
    /// The document of what is stored, where, and who can read it.
    pub(crate) fn new(privacy: &'a wire::Privacy) -> Self {
        let record = |record: &'a wire::RecordKind| RecordKind {
            kind: &record.kind,
            holds: &record.holds,
            readable: &record.readable,
            kept: &record.kept,
        };
        let place = |place: &'a wire::Place| Place {
            path: &place.path,
            holds: &place.holds,
            encrypted: place.encrypted,
        };
        let key = |key: &'a wire::KeyPrivacy| KeyPrivacy {
            opens: &key.opens,
            kind: &key.kind,
            place: key.place.as_deref(),
            protects: &key.protects,
            exposed: &key.exposed,
        };
        Self {
            schema: "dwell.privacy/1",
            records: privacy.records.iter().map(record).collect(),
            places: privacy.places.iter().map(place).collect(),
            keys: privacy.keys.iter().map(key).collect(),
            never: &privacy.never,
            visible: &privacy.visible,
        }
    }
}
