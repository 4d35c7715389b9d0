//! The parts that one program can play.

pub mod attach;
pub mod sweep;
pub mod user;
