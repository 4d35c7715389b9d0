//! The pure heart of dwell: time, samples, timeline, ledger, rules, policy and reports.
//!
//! # Architecture invariant
//!
//! Nothing here reads a clock, a file, the environment or a socket, and nothing is asynchronous or logs: instants
//! and settings come in as arguments, decisions go out as values. The crate's own `clippy.toml` enforces it.
//! That is what makes every rule of measurement testable with plain values.
#![forbid(unsafe_code)]

pub mod aliases;
pub mod almanac;
pub mod browser;
pub mod calendar;
pub mod category;
pub mod config;
pub mod count;
pub mod domain;
pub mod ledger;
pub mod policy;
pub mod report;
pub mod rules;
pub mod sample;
pub mod simulate;
pub mod span;
pub mod standing;
pub mod subject;
pub mod texts;
pub mod time;
pub mod timeline;
