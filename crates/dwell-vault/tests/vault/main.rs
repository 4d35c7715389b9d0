//! The vault from outside: through its API, and through what it leaves on the disk.
#![expect(
    clippy::unwrap_used,
    reason = "what a test sets up must work, and its helpers are no tests to clippy"
)]

mod canary;
mod copies;
mod creation;
mod damage;
mod disk;
mod erase;
mod founding;
mod full;
mod generations;
mod golden;
mod history;
mod imports;
mod kill;
mod known_answers;
mod memory;
mod mends;
mod peeks;
mod power;
mod preview;
mod readers;
mod refusals;
mod running;
mod salvages;
mod sealed;
mod spills;
mod sums;
mod totals;
mod world;
