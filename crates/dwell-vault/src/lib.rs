//! Spans at rest: everything encrypted, damage noticed and kept small.
//!
//! # Architecture invariant
//!
//! Synchronous, single-threaded, without a clock, and silent: instants and days come in as arguments, what went
//! wrong goes out as values, and no value of a span ever reaches a log.
#![forbid(unsafe_code)]

mod error;
mod places;
mod row;
mod vault;

pub use error::{OpenError, Part, ReadError, WriteError};
pub use places::Places;
pub use row::{History, Note, Opened, Row, Seq, Subjects};
pub use vault::Vault;
