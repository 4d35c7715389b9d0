//! Steps of [`Health::fix`](crate::Health::fix) that a program may take for the person, and so has to know word by word.

/// The daemon has to be told where the display is.
pub const ATTACH: &str = "in your desktop session, run: dwelld attach";

/// The extension of GNOME Shell has to be put in place; the shell finds it at the next log-in.
pub const GNOME_INSTALL: &str = "dwell doctor --fix, then log out and in";

/// The extension of GNOME Shell is in place, and switched off.
pub const GNOME_SWITCH_ON: &str = "dwell doctor --fix";
