//! Spans at rest: everything encrypted, damage noticed and kept small.
//!
//! A vault is a folder `vault/` whose link `current` names a generation `g.N`, with a header `hdr` (key slots), a
//! database `db` (opaque blobs) and a `tip` (how far the journal has come); and beside it the key files. Rows go to
//! the journal at once, 144 bytes each whatever they hold; a day that is over becomes one sealed page, and its totals
//! a rollup beside it, which are summed once more over 30 and over 360 days; what 30 days came to in reports can be kept
//! beside these ([`Sum`]). What each record is, of which day and where in its order, is authenticated with it, and a
//! manifest says which there are.
//!
//! A vault is *open* ([`Vault`]: its key VK is in memory) or *sealed* ([`SealedVault`]: it records and enforces, and
//! cannot read the days before).
//!
//! Before K_enf is there, it is neither: what comes then is spilled ([`Spill`]) and taken in once the vault is open.
//!
//! # Architecture invariant
//!
//! Synchronous, single-threaded, without a clock, and silent: instants and days come in as arguments, what went
//! wrong goes out as values, and no value of a span ever reaches a log. No plaintext of a span is ever given to
//! SQLite or written to a file.
#![forbid(unsafe_code)]

mod activity;
mod backup;
mod carry;
mod carve;
mod chain;
mod charged;
mod columns;
mod commit;
mod create;
mod db;
mod enforcement;
mod envelope;
mod error;
mod forget;
mod founding;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod generation;
mod header;
mod history;
mod import;
mod inventory;
mod journal;
mod keeping;
mod keyfile;
mod keys;
mod lock;
mod manifest;
mod memory;
mod mend;
mod names;
mod open;
mod page;
mod parts;
mod passphrase;
mod peek;
mod places;
mod preview;
mod reader;
mod record;
mod recover;
mod recovery_key;
mod relist;
mod restore;
mod retention;
mod rollup;
mod row;
mod running;
mod salvage;
#[cfg(test)]
mod samples;
mod scan;
mod sealed;
mod settle;
mod slot;
mod slots;
mod spill;
mod store;
mod sums;
mod tally;
mod tip;
mod totals;
mod tracks;
mod unlock;
mod vault;
mod verify;
mod wire;
mod wrap;

pub use backup::KnownBackup;
pub use error::{OpenError, Part, ReadError, WriteError};
pub use forget::{Forgotten, OnlyTogether, What};
pub use founding::{CreateError, Created, NewVault, secret};
pub use generation::{GenerationError, NewSecrets, OnProgress, Progress, Renewed};
pub use import::{ImportError, Imported, Terms};
pub use inventory::{RECORDS, RecordKind, Under};
pub use keeping::KeyfileError;
pub use mend::Mended;
pub use peek::{generation, is_rules_key, opens, slots};
pub use places::Places;
pub use preview::Forgetting;
pub use reader::Reader;
pub use recovery_key::Mistyped;
pub use restore::{RestoreError, Restored, restore};
pub use retention::{LetGo, Retention};
pub use row::{History, Note, Opened, Row, Seq, Subjects};
pub use salvage::{SalvageError, Salvaged, salvage};
pub use scan::{ActivityKind, Numbered, Scanned};
pub use sealed::{SealedDay, SealedHistory, SealedVault, State};
pub use slot::{SlotInfo, SlotKind};
pub use slots::{NewSlot, SlotError};
pub use spill::{Spill, Spilled, Taken};
pub use sums::{Run, SUMS_OF_RUN, Sum};
pub use tally::Use;
pub use totals::Totals;
pub use unlock::{EnfSource, Keys, Unlock, UnlockError};
pub use vault::Vault;
pub use verify::{Info, Verified};
