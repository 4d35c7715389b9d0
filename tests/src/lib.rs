//! Real desktops, headless, for the tests of dwell: test beds, an independent observer, and handles on the daemon.
//!
//! A [`Bed`] is one person's session in a folder of its own: a home, a runtime folder, private buses and, if asked
//! for, a desktop (Xvfb with openbox, or sway). Everything that it starts is in process groups of its own making and
//! is ended by recorded pid when the bed is dropped, also when a test panics.
//!
//! Nothing here reads dwell's own crates: the beds know only the commands, the files and the bus, as a user does.
//! Nothing sleeps: a wait blocks on an event with a deadline. The one place where time itself must pass is
//! [`clock::let_pass`].

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test bed that cannot start must fail loudly, and says on stderr what it could not run"
)]

mod bed;
mod bell;
mod bus;
pub mod canary;
mod cli;
pub mod clock;
mod daemon;
mod foreign;
mod gnome;
mod keyring;
mod kwin;
mod logind;
pub mod machine;
pub mod memory;
mod mock;
mod notices;
mod observer;
mod place;
mod process;
pub mod schedule;
pub mod schemas;
mod spans;
mod sway;
mod wlroots;
mod x11;

pub use bed::{Bed, Kind, Window, say_panics_plainly};
pub use bell::Bell;
pub use bus::PrivateBus;
pub use cli::Answer;
pub use daemon::{Daemon, Refusal};
pub use gnome::Film;
pub use keyring::Keyring;
pub use logind::Logind;
pub use notices::{Asked, Notice, Notices};
pub use observer::{Observer, Sighting};
pub use place::Place;
pub use process::{Lines, Process};
pub use spans::{Span, milliseconds_by_app, spans};
