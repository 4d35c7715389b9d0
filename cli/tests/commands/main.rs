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
/// What this program and the tests on real desktops both hold documents against.
#[path = "../../../tests/src/schemas.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::panic,
    reason = "the tests on real desktops use more of it, and a test fails by panicking"
)]
mod schemas;
mod terminal;

mod answers;
mod browsers;
mod categories;
mod data;
mod doctor;
mod failures;
mod follow;
mod forgetting;
mod keys;
mod limits;
mod offline;
mod pages;
mod putting_back;
mod rules;
mod standing;
mod streams;
mod top;
mod vault;
