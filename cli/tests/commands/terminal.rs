//! A terminal of a chosen width.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs a command with standard output on a terminal, and returns what was shown. For at most 4 KiB: the terminal
/// holds them until the command has ended.
pub(crate) fn on_terminal(command: &mut Command, columns: u16) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    tcsetwinsize(&ours, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let end = command.stdout(theirs.try_clone().unwrap()).output().unwrap();
    assert!(end.stderr.is_empty(), "{end:?}");
    // The command keeps its end open until it gets another.
    command.stdout(std::process::Stdio::null());
    drop(theirs);
    let mut shown = Vec::new();
    // The end of a terminal is an error (EIO); what was shown before it has been read by then.
    let _ = File::from(ours).read_to_end(&mut shown);
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}
