//! Steps of [`Part::fix`](crate::wire::Part::fix) that a program may take by itself, word by word.
//!
//! A step is a text for the person. These few are also known by the programs that can take them, so both sides have
//! them from here.

/// The daemon has to be told where the display is.
pub const ATTACH: &str = "in your desktop session, run: dwelld attach";

/// The extension of GNOME Shell has to be put in place; the shell finds it at the next log-in.
pub const GNOME_INSTALL: &str = "dwell doctor --fix, then log out and in";

/// The extension of GNOME Shell is in place, and switched off.
pub const GNOME_SWITCH_ON: &str = "dwell doctor --fix";
