//! A handle on a running `dwelld`.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::{PollFd, PollFlags, poll};

use crate::bed::Bed;
use crate::clock::Deadline;
use crate::process::{Process, ended};

/// A running `dwelld`. Dropped, it is ended.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    log: PathBuf,
    output: PathBuf,
}

/// A `dwelld` that would not start.
#[derive(Debug)]
pub struct Refusal {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it said on stderr.
    pub stderr: String,
}

impl Bed {
    /// Starts `dwelld` and waits until it says that it is ready.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn daemon(&self) -> Daemon {
        self.try_daemon(&[]).unwrap_or_else(|refusal| panic!("dwelld did not start: {refusal:?}"))
    }

    /// Starts `dwelld` with these variables besides the bed's, and waits until it says that it is ready.
    ///
    /// # Errors
    ///
    /// How it refused.
    pub fn try_daemon(&self, variables: &[(&str, &str)]) -> Result<Daemon, Refusal> {
        self.try_daemon_under(&[], variables)
    }

    /// The same below another program, such as a tracer, given with its arguments.
    ///
    /// # Errors
    ///
    /// How it refused.
    pub fn try_daemon_under(&self, tracer: &[&str], variables: &[(&str, &str)]) -> Result<Daemon, Refusal> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let place = self.place();

        // sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names.
        let address = place.runtime().join(format!("notify-{number}"));
        let socket = UnixDatagram::bind(&address).expect("a notify socket");
        place.own(&address, 0o600);

        let log = place.log(&format!("dwelld-{number}"));
        let dwelld = place.built("dwelld");
        let mut command = match tracer {
            [] => place.command(dwelld),
            [tracer, arguments @ ..] => {
                let mut command = place.command(tracer);
                command.args(arguments).arg(dwelld);
                command
            }
        };
        command.env("NOTIFY_SOCKET", &address).envs(variables.iter().copied());
        let output = log.with_extension("stdout");
        command
            .stderr(fs::File::create(&log).expect("a log"))
            .stdout(fs::File::create(&output).expect("a file"));
        let mut process = Process::start("dwelld", &mut command);
        let ready = wait_for_ready(&socket, &process, Deadline::seconds(20));
        let _ = fs::remove_file(&address);
        if ready {
            return Ok(Daemon { process, log, output });
        }
        let status = process.wait(Deadline::seconds(0));
        let stderr = fs::read_to_string(&log).unwrap_or_default();
        let Some(status) = status else { panic!("dwelld runs but never said that it is ready: {stderr}") };
        Err(Refusal { code: status.code(), stderr })
    }
}

impl Daemon {
    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Ends it as a crash would.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// Ends it as systemd would, and asserts that it went cleanly.
    ///
    /// # Panics
    ///
    /// When it takes longer than twenty seconds or fails.
    pub fn terminate(&mut self) -> ExitStatus {
        let status = self.process.terminate(Deadline::seconds(20));
        assert!(status.success(), "dwelld ended with {}: {}", ended(status), self.stderr());
        status
    }

    /// What it has logged.
    #[must_use]
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What it has printed on stdout, which must be nothing.
    #[must_use]
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// The file that it logs to.
    #[must_use]
    pub fn log(&self) -> &std::path::Path {
        &self.log
    }
}

/// Waits for `READY=1`; false when the process ends first or the deadline passes.
fn wait_for_ready(socket: &UnixDatagram, process: &Process, deadline: Deadline) -> bool {
    loop {
        let mut events = [PollFd::new(socket, PollFlags::IN), PollFd::new(process.end(), PollFlags::IN)];
        match poll(&mut events, Some(&deadline.timespec())) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => panic!("poll on a notify socket: {error}"),
        }
        if events[0].revents().contains(PollFlags::IN) {
            let mut message = [0; 4096];
            let length = socket.recv(&mut message).expect("a notify message");
            if message[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
                return true;
            }
        } else if events[1].revents().contains(PollFlags::IN) {
            return false;
        }
    }
}
