//! The real `dwell-browser-host` over pipes, as a browser starts it, on a bus of our own with a daemon in this process
//! that serves the real contract and answers what a test tells it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers may fail as loudly as the test itself"
)]

mod browser;
mod daemon;

mod conversation;
mod daemons;
mod limits;
mod refusals;
