//! Reports: spans of a period, grouped into rows.
//!
//! A report charges spans by [`Activity::charged`](crate::span::Activity::charged) and cuts them where dwell days end, the
//! same way as limits do. Who has spans of years at hand with their names by number gives them to [`Builder::put`], and
//! keeps what stretches of whole days come to as [`Part`]s: sums that are added up again are what the spans say.

mod before;
mod builder;
mod change;
#[cfg(test)]
mod made_up;
mod part;
mod period;
pub mod picture;
mod rows;

pub use before::{Before, NothingBefore};
pub use builder::{Builder, Lane};
pub use change::{Moved, NOTICEABLE, NOTICEABLE_PERCENT};
pub use part::{Part, PartBy};
pub use period::{Period, PeriodError};
pub use rows::{By, ByError, Filter, Report, Row, round_seconds};
