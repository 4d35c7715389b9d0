//! `dwelld`: senses, counts, enforces, answers.
//!
//! The [`hub`] is one task that owns the timeline, the ledger and the rules. Sensors, the bus and the clock reach it
//! through channels and timers; it reaches the [`store`] (one thread, the vault's only user) and the
//! [`enforcement`] the same way. So it cannot tell whether a sensor runs in this process or sends its facts over
//! the bus, which is what the family mode will need.
//!
//! # Architecture invariants
//!
//! - The daemon has no network: [`dwell_confine`] takes the ability away before anything else starts.
//! - Nothing polls. The hub sleeps until a fact, a request or the one armed deadline arrives.
//! - No name of a program, domain or rule reaches a log.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod care;
pub mod clock;
pub mod deadline;
pub mod enforcement;
pub mod environment;
pub mod failure;
pub mod hub;
pub mod keys;
pub mod pipe;
pub mod put_back;
pub mod record;
pub mod roles;
pub mod start;
pub mod store;
pub mod watch;
