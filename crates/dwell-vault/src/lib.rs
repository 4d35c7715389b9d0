//! Spans at rest: everything encrypted, damage noticed and kept small.
//!
//! A vault is a folder `vault/` whose link `current` names a generation `g.N`, with a header `hdr` (key slots), a
//! database `db` (opaque blobs) and a `tip` (how far the journal has come); and beside it the key files. Rows go to
//! the journal at once; a day that is over becomes one sealed page. What each record is, of which day and where in
//! its order, is authenticated with it.
//!
//! Not here yet: rollups, the sealed state (no VK in memory), slots other than a key file, forget, rekey, backup,
//! salvage. The format has room for all of them.
//!
//! # Architecture invariant
//!
//! Synchronous, single-threaded, without a clock, and silent: instants and days come in as arguments, what went
//! wrong goes out as values, and no value of a span ever reaches a log. No plaintext of a span is ever given to
//! SQLite or written to a file.
#![forbid(unsafe_code)]

mod activity;
mod chain;
mod columns;
mod create;
mod db;
mod enforcement;
mod envelope;
mod error;
mod header;
mod history;
mod journal;
mod keyfile;
mod keys;
mod lock;
mod manifest;
mod open;
mod page;
mod places;
mod record;
mod recover;
mod relist;
mod row;
#[cfg(test)]
mod samples;
mod slot;
mod store;
mod tip;
mod tracks;
mod vault;
mod wire;
mod wrap;

pub use error::{OpenError, Part, ReadError, WriteError};
pub use places::Places;
pub use row::{History, Note, Opened, Row, Seq, Subjects};
pub use vault::Vault;
