//! A terminal of a chosen width, and a person at it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs a command with standard output on a terminal, and returns what was shown. For at most 4 KiB: the terminal
/// holds them until the command has ended.
pub(crate) fn on_terminal(command: &mut Command, columns: u16) -> String {
    let (ours, theirs) = terminal(columns);
    let end = command.stdout(theirs.try_clone().unwrap()).output().unwrap();
    assert!(end.stderr.is_empty(), "{end:?}");
    // The command keeps its end open until it gets another.
    command.stdout(Stdio::null());
    drop(theirs);
    let mut shown = Vec::new();
    // The end of a terminal is an error (EIO); what was shown before it has been read by then.
    let _ = { ours }.read_to_end(&mut shown);
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

/// Runs a command with standard error on a terminal, and returns what was shown; as above.
pub(crate) fn on_terminal_beside(command: &mut Command, columns: u16) -> String {
    let (ours, theirs) = terminal(columns);
    let end = command.stdout(Stdio::null()).stderr(theirs.try_clone().unwrap()).status().unwrap();
    assert!(end.success());
    command.stderr(Stdio::null());
    drop(theirs);
    let mut shown = Vec::new();
    // As above.
    let _ = { ours }.read_to_end(&mut shown);
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

/// Both ends of a terminal: ours and the program's.
fn terminal(columns: u16) -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    tcsetwinsize(&ours, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let mut options = OpenOptions::new();
    // It must not become the terminal of the tests themselves.
    let options =
        options.read(true).write(true).custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed());
    (ours.into(), options.open(name.to_str().unwrap()).unwrap())
}

fn modes(terminal: &File) -> String {
    format!("{:?}", rustix::termios::tcgetattr(terminal).unwrap())
}

/// A command all of whose ends are a terminal, and somebody who reads and types there.
pub(crate) struct Dialog {
    child: Child,
    ours: File,
    modes_before: String,
    shown: Vec<u8>,
    seen: usize,
}

impl Dialog {
    /// Starts the command.
    pub(crate) fn start(command: &mut Command) -> Self {
        let (ours, theirs) = terminal(80);
        // The command may change them at once.
        let modes_before = modes(&ours);
        let end = || theirs.try_clone().unwrap();
        let child = command.stdin(end()).stdout(end()).stderr(end()).env("NO_COLOR", "1").spawn().unwrap();
        // The command keeps its ends open until it gets others.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child, ours, modes_before, shown: Vec::new(), seen: 0 }
    }

    /// How the terminal is set: whether it echoes, waits for whole lines and so on.
    pub(crate) fn modes(&self) -> String {
        modes(&self.ours)
    }

    /// How it was set before the command was started.
    pub(crate) fn modes_before(&self) -> &str {
        &self.modes_before
    }

    /// Makes the terminal another size, and tells the command.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.ours, size).unwrap();
        // The terminal tells only those whose controlling terminal it is.
        self.signal(Signal::WINCH)
    }

    /// Sends a signal.
    pub(crate) fn signal(&mut self, signal: Signal) -> &mut Self {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self
    }

    /// Waits until this is shown, after what was waited for before.
    pub(crate) fn until(&mut self, text: &str) -> &mut Self {
        loop {
            let shown = self.shown();
            if let Some(at) = shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return self;
            }
            let mut piece = [0; 4096];
            // The end of a terminal is an error (EIO).
            let length = self.ours.read(&mut piece).unwrap_or(0);
            assert!(length > 0, "{text:?} was not shown: {shown}");
            self.shown.extend_from_slice(&piece[..length]);
        }
    }

    /// Types this.
    pub(crate) fn types(&mut self, text: &str) -> &mut Self {
        self.ours.write_all(text.as_bytes()).unwrap();
        self
    }

    /// The process id of the command.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end: the exit code, and all that was ever shown.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        // The end of a terminal is an error (EIO); what was shown before it has been read by then.
        let _ = self.ours.read_to_end(&mut self.shown);
        (self.child.wait().unwrap().code(), self.shown())
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown).replace("\r\n", "\n")
    }
}
