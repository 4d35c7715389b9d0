//! The person's end of the program: where answers, notes and errors go, and how they look.
//!
//! A reader that closes its end early (`dwell report | head -1`) is no failure: from then on nothing is written,
//! and the exit code is what it would have been.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use crate::error::{End, Error};
use crate::output::look::Look;
use crate::output::text::plain;

/// Columns where nobody says how many there are.
const USUAL_WIDTH: usize = 80;

/// Standard output and error, and the wishes that hold for every command.
pub(crate) struct Console {
    /// Width and colours of standard output.
    pub(crate) look: Look,
    /// `--json` was given.
    pub(crate) json: bool,
    /// Errors are wanted as documents: `--json`, or a format that is JSON.
    json_errors: bool,
    /// Only results and errors: no confirmations, no hints.
    pub(crate) quiet: bool,
    out: Out,
    closed: bool,
    trouble: Option<io::Error>,
}

/// Standard output, as it is or encrypted.
enum Out {
    Plain(BufWriter<io::Stdout>),
    Encrypted(age::stream::StreamWriter<BufWriter<io::Stdout>>),
    /// It failed: there is nothing to be written to.
    Nowhere(io::Sink),
}

impl Out {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(out) => out,
            Self::Encrypted(out) => out,
            Self::Nowhere(sink) => sink,
        }
    }
}

impl Console {
    /// The console of this process. The arguments are looked at before they are parsed, because a mistake in them
    /// must already be told in the wanted form.
    pub(crate) fn new(arguments: &[OsString]) -> Self {
        let words: Vec<_> =
            arguments.iter().skip(1).map(|a| a.to_string_lossy()).take_while(|a| a != "--").collect();
        let said = |flag: &str| words.iter().any(|word| word == flag);
        let json_errors = said("--json")
            || said("--format=json")
            || said("--format=ndjson")
            || words.windows(2).any(|w| w[0] == "--format" && (w[1] == "json" || w[1] == "ndjson"));
        Self {
            look: Look { width: columns(), color: !said("--no-color") && colours_wanted() },
            json: said("--json"),
            json_errors,
            quiet: said("--quiet") || said("-q"),
            out: Out::Plain(BufWriter::new(io::stdout())),
            closed: false,
            trouble: None,
        }
    }

    /// Whether nobody reads any more.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_seen(&self) -> bool {
        !self.closed && io::stdout().is_terminal()
    }

    /// Writes a text and the end of the line to standard output.
    pub(crate) fn say(&mut self, text: &str) {
        self.write(text.as_bytes());
        if !text.ends_with('\n') {
            self.write(b"\n");
        }
    }

    /// Writes bytes as they are to standard output.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if !self.closed {
            let end = self.out.writer().write_all(bytes);
            self.took(end);
        }
    }

    /// Hands everything on to the reader.
    pub(crate) fn flush(&mut self) {
        if !self.closed {
            let end = self.out.writer().flush();
            self.took(end);
        }
    }

    /// From here on everything on standard output is encrypted for somebody (age, <https://age-encryption.org/v1>), until
    /// [`Console::end_encryption`]. Where that never comes, whoever decrypts it is told that the end is missing.
    pub(crate) fn encrypt(&mut self, recipient: &age::x25519::Recipient) {
        let Out::Plain(out) = std::mem::replace(&mut self.out, Out::Nowhere(io::sink())) else { return };
        let recipients = std::iter::once(recipient as &dyn age::Recipient);
        let wrapped = age::Encryptor::with_recipients(recipients).map_err(io::Error::other);
        match wrapped.and_then(|encryptor| encryptor.wrap_output(out)) {
            Ok(out) => self.out = Out::Encrypted(out),
            Err(error) => self.took(Err(error)),
        }
    }

    /// The end of what is encrypted.
    pub(crate) fn end_encryption(&mut self) {
        if self.closed {
            return;
        }
        if let Out::Encrypted(out) = std::mem::replace(&mut self.out, Out::Nowhere(io::sink())) {
            match out.finish() {
                Ok(out) => self.out = Out::Plain(out),
                Err(error) => self.took(Err(error)),
            }
        }
    }

    fn took(&mut self, end: io::Result<()>) {
        if let Err(error) = end {
            self.closed = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.trouble = Some(error);
            }
        }
    }

    /// Tells what is done, on standard error; nothing with `--quiet`.
    pub(crate) fn remark(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{}", plain(line));
        }
    }

    /// Tells an error in one line on standard error.
    pub(crate) fn complain(&self, error: &Error) {
        let mut line = if self.json_errors { error.json() } else { error.to_string() };
        let _ = line.write_char('\n');
        // Where even this cannot be written there is nobody left to tell.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// Flushes, tells the error if there is one, and gives the exit code.
    pub(crate) fn finish(&mut self, end: Result<End, Error>) -> ExitCode {
        self.flush();
        let end = match self.trouble.take() {
            Some(why) => Err(Error::new(
                crate::error::Kind::Failed,
                format!("the output could not be written: {}", crate::error::reason(&why)),
            )),
            None => end,
        };
        match end {
            Ok(end) => ExitCode::from(end.exit_code()),
            Err(error) => {
                self.complain(&error);
                ExitCode::from(error.kind.exit_code())
            }
        }
    }
}

fn colours_wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

/// `COLUMNS`, else the terminal's width, else the usual one.
fn columns() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let asked = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    told.or_else(asked).filter(|columns| (1..=10_000).contains(columns)).unwrap_or(USUAL_WIDTH)
}
