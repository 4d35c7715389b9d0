//! The vault from outside: through its API, and through what it leaves on the disk.

mod canary;
mod creation;
mod damage;
mod full;
mod history;
mod kill;
mod refusals;
mod world;
