//! A child process in a process group of its own, ended by its recorded pid.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

use crate::clock::{Deadline, Stamp};

/// A running child. Dropped, it is asked to end, given three seconds, and killed with all that is left of its group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    end: OwnedFd,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a command that is already in a process group of its own.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let pid = Pid::from_child(&child);
        let end = pidfd_open(pid, PidfdFlags::empty()).expect("a pidfd of a child");
        Process { name: name.to_owned(), child, pid, end, status: None }
    }

    /// The pid, which is the process group as well.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.status.is_none() && !self.ends_before(Deadline::seconds(0))
    }

    /// Waits for its end; none when it still runs at the deadline.
    pub fn wait(&mut self, deadline: Deadline) -> Option<ExitStatus> {
        if self.status.is_none() && self.ends_before(deadline) {
            self.status = Some(self.child.wait().expect("to reap a child that has ended"));
        }
        self.status
    }

    /// SIGKILL, to this process alone, as a crash would end it.
    pub fn kill(&mut self) {
        if self.status.is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
            self.wait(Deadline::seconds(10)).unwrap_or_else(|| panic!("{} survived SIGKILL", self.name));
        }
    }

    /// SIGTERM, then its end; panics when it takes longer than the deadline.
    pub fn terminate(&mut self, deadline: Deadline) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(deadline).unwrap_or_else(|| panic!("{} did not end on SIGTERM", self.name))
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }

    pub(crate) fn take_stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("stdout was asked for as a pipe")
    }

    pub(crate) fn take_stdin(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().expect("stdin was asked for as a pipe")
    }

    pub(crate) fn take_stderr(&mut self) -> std::process::ChildStderr {
        self.child.stderr.take().expect("stderr was asked for as a pipe")
    }

    /// The descriptor that becomes readable when the process ends.
    pub(crate) fn end(&self) -> &OwnedFd {
        &self.end
    }

    /// A pidfd becomes readable at the end and leaves the child unreaped, so its pid stays ours until we reap it.
    fn ends_before(&self, deadline: Deadline) -> bool {
        loop {
            match poll(&mut [PollFd::new(&self.end, PollFlags::IN)], Some(&deadline.timespec())) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("poll on a pidfd: {error}"),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.status.is_some() {
            return;
        }
        let _ = kill_process_group(self.pid, Signal::TERM);
        let _ = self.ends_before(Deadline::seconds(3));
        // The leader is not reaped yet, so the group's number cannot have passed to anybody else.
        let _ = kill_process_group(self.pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// How a process ended, in words.
#[must_use]
pub(crate) fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// A process whose output is read line by line, each with the time at which it was read.
#[derive(Debug)]
pub struct Lines {
    process: Process,
    // Behind a lock so that a bed can be shared between the threads of a test.
    lines: Mutex<Receiver<(Stamp, String)>>,
}

impl Lines {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut process = Process::start(name, command.stdout(Stdio::piped()));
        let output = BufReader::new(process.take_stdout());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if send.send((Stamp::now(), line)).is_err() {
                    return;
                }
            }
        });
        Lines { process, lines: Mutex::new(lines) }
    }

    /// The next line; none at the end of the output or at the deadline.
    pub fn next(&self, deadline: Deadline) -> Option<(Stamp, String)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(deadline.left()).ok()
    }

    /// The first line that the look accepts; none at the end of the output or at the deadline.
    pub fn find<T>(&self, deadline: Deadline, mut look: impl FnMut(Stamp, &str) -> Option<T>) -> Option<T> {
        loop {
            let (at, line) = self.next(deadline)?;
            if let Some(found) = look(at, &line) {
                return Some(found);
            }
        }
    }

    /// The process that writes the lines.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
