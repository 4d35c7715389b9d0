//! Policy: [`judge()`] says what the rules mean at a moment, [`plan()`] says what must be done about it.
//!
//! Both are pure. [`judge()`] also names the next instants at which anything can change, so that the daemon arms exactly
//! one deadline on each clock and nothing polls. The executor of a [`Plan`] decides nothing.

mod exempt;
mod hours;
mod judge;
mod plan;
mod verdict;

pub use exempt::{guarded, holds_work, is_exempt, is_terminal};
pub use hours::Schedule;
pub use judge::{Bench, Held, judge};
pub use plan::{Action, Away, Deed, Front, Plan, plan};
pub use verdict::{Because, Judged, Stage, Verdict, Verdicts};

#[cfg(test)]
mod tests;
