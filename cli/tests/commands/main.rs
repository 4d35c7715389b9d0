//! The real `dwell` program against buses of our own: none, one without a daemon, and one with a daemon in this
//! process that serves the real contract and answers what a test tells it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's helpers may fail as loudly as the test itself"
)]

mod caretaker;
mod daemon;
mod place;
mod rulekeeper;
mod terminal;

mod answers;
mod browsers;
mod categories;
mod doctor;
mod failures;
mod forgetting;
mod keys;
mod limits;
mod offline;
mod putting_back;
mod rules;
mod standing;
mod streams;
mod vault;
