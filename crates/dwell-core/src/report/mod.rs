//! Reports: spans of a period, grouped into rows.
//!
//! A report charges spans by [`crate::ledger::charges`], the same way as limits do.

mod period;
mod rows;

pub use period::{Period, PeriodError};
pub use rows::{Builder, By, ByError, Filter, Report, Row, round_seconds};
