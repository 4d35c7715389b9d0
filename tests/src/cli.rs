//! Runs `dwell` in a bed, as a person or a script would.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::bed::Bed;
use crate::clock::Deadline;
use crate::place::Place;
use crate::process::{Lines, Process, ended};
use crate::spans::{Span, spans};

/// What a run of a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The command line, for messages.
    pub command: String,
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Answer {
    /// Runs a program to its end. A program that does not end in twenty seconds is a failure.
    pub(crate) fn of(place: &Place, program: &str, arguments: &[&str], typed: &str) -> Self {
        let shown = format!("{program} {}", arguments.join(" "));
        let mut command = place.command(place.built(program));
        Self::of_command(shown, command.args(arguments), typed, Deadline::seconds(20))
    }

    fn of_command(command: String, run: &mut Command, typed: &str, deadline: Deadline) -> Self {
        let (stdin, mut keyboard) = std::io::pipe().expect("a pipe");
        // A secret is shorter than what a pipe holds.
        keyboard.write_all(typed.as_bytes()).expect("a pipe takes a line");
        drop(keyboard);
        let mut process =
            Process::start(&command, run.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let (stdout, stderr) = (collect(process.take_stdout()), collect(process.take_stderr()));
        let status = process.wait(deadline).unwrap_or_else(|| panic!("`{command}` does not end"));
        let code = status.code().unwrap_or_else(|| panic!("`{command}` ended by {}", ended(status)));
        let text = |output: JoinHandle<String>| output.join().expect("the output of a program");
        Answer { command, code, stdout: text(stdout), stderr: text(stderr) }
    }

    /// This answer, once it is certain that it was a success.
    ///
    /// # Panics
    ///
    /// With what the program said, when it failed.
    #[must_use]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "`{}` failed: {}{}", self.command, self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("`{}`: not JSON ({error}): {}{}", self.command, self.stdout, self.stderr)
        })
    }

    /// Asserts a failure as a person must meet it: this exit code, nothing on stdout, and one line on stderr that
    /// names the matter and is long enough to hold a next step.
    ///
    /// # Panics
    ///
    /// When it is anything else.
    pub fn assert_refused(&self, code: i32, names: &str) {
        assert_eq!(self.code, code, "`{}`: {}{}", self.command, self.stdout, self.stderr);
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "`{}` should say one line, said: {}", self.command, self.stderr);
        assert!(lines[0].contains(names), "`{}` should name {names:?}, said: {}", self.command, self.stderr);
        assert!(self.stdout.is_empty(), "`{}` printed on stdout as it failed: {}", self.command, self.stdout);
    }
}

impl Bed {
    /// Runs `dwell` with these arguments.
    #[must_use]
    pub fn dwell(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.place(), "dwell", arguments, "")
    }

    /// Runs `dwell` with these arguments and this on its standard input.
    #[must_use]
    pub fn dwell_typed(&self, arguments: &[&str], typed: &str) -> Answer {
        Answer::of(self.place(), "dwell", arguments, typed)
    }

    /// Runs a line in a shell of the person's, with this on its standard input. One that does not end in a minute is a
    /// failure.
    #[must_use]
    pub fn shell(&self, shell: &str, line: &str, typed: &str) -> Answer {
        let mut command = self.place().command(shell);
        Answer::of_command(line.to_owned(), command.arg("-c").arg(line), typed, Deadline::seconds(60))
    }

    /// Runs `dwell` with these arguments and `--json`, which must succeed, and reads its answer.
    #[must_use]
    pub fn dwell_json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        self.dwell(&arguments).ok().json()
    }

    /// Today's timeline.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        spans(&self.dwell(&["spans", "--format", "ndjson"]).ok().stdout)
    }

    /// Starts `dwell watch --json`.
    #[must_use]
    pub fn watch(&self) -> Lines {
        let program = self.place().built("dwell");
        self.place().lines(&program.display().to_string(), &["watch", "--json"])
    }
}

fn collect(mut output: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = output.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
