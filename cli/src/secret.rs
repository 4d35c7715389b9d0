//! Passphrases and recovery keys: typed without an echo or read from standard input, handed on through a pipe, wiped
//! after that. Never an argument and never in the environment, where others on the machine could see them.

use std::io::{self, PipeReader, Write};

use dwell_bus::vault::SECRET_MAX;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::ask::{Ended, line, somebody, tell};
use crate::error::{Error, Kind, reason};

/// A secret, wiped when dropped. No `Debug`, no `Clone`.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

/// Which secret is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Chosen by a person.
    Passphrase,
    /// Made by dwell, on paper.
    RecoveryKey,
}

impl Wanted {
    /// The kind of key on the bus, and the option of `dwelld`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::RecoveryKey => "recovery",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::RecoveryKey => "recovery key",
        }
    }
}

impl Secret {
    /// No secret at all: for a key that needs none.
    pub(crate) fn none() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    /// Asks for a secret that there is already: on a terminal without an echo, elsewhere the first line of standard
    /// input.
    ///
    /// # Errors
    /// Nothing was given, or it was stopped.
    pub(crate) fn ask(wanted: Wanted) -> Result<Self, Error> {
        match wanted {
            Wanted::Passphrase => Self::read(wanted, "Passphrase: "),
            // Sixty characters off a sheet of paper cannot be typed unseen.
            Wanted::RecoveryKey if somebody() => {
                tell("Recovery key, from your paper: ");
                Self::checked(wanted, |into| line(into, SECRET_MAX, None))
            }
            Wanted::RecoveryKey => Self::read(wanted, ""),
        }
    }

    /// Asks for a new passphrase, on a terminal twice.
    ///
    /// # Errors
    /// Nothing was given, the two differ, it is no UTF-8, or it was stopped.
    pub(crate) fn choose() -> Result<Self, Error> {
        let secret = Self::read(Wanted::Passphrase, "New passphrase: ")?;
        if somebody() {
            let again = Self::read(Wanted::Passphrase, "The same again: ")?;
            if *again.0 != *secret.0 {
                return Err(Error::new(
                    Kind::Invalid,
                    "the two passphrases are not the same, so none was added",
                )
                .hint("say it again"));
            }
        }
        if std::str::from_utf8(&secret.0).is_err() {
            return Err(
                Error::new(Kind::Invalid, "the passphrase is no valid UTF-8").hint("choose another one")
            );
        }
        Ok(secret)
    }

    /// How many characters it has.
    pub(crate) fn characters(&self) -> usize {
        std::str::from_utf8(&self.0).map_or(self.0.len(), |text| text.chars().count())
    }

    /// The reading end of a pipe that holds it; nobody can write more to it.
    ///
    /// # Errors
    /// The system gives no pipe.
    pub(crate) fn into_pipe(self) -> Result<PipeReader, Error> {
        let no_pipe = |why: io::Error| {
            Error::new(Kind::Failed, format!("no pipe can be made for the secret: {}", reason(&why)))
        };
        let (ours, mut theirs) = io::pipe().map_err(no_pipe)?;
        // Even the smallest pipe holds a secret whole, so this never waits for a reader.
        theirs.write_all(&self.0).map_err(no_pipe)?;
        Ok(ours)
    }

    fn read(wanted: Wanted, prompt: &str) -> Result<Self, Error> {
        if !somebody() {
            return Self::checked(wanted, |into| line(into, SECRET_MAX, None));
        }
        // The echo is off before the prompt shows: who sees it may type.
        let (quiet, stop) = Quiet::start()?;
        tell(prompt);
        let read = Self::checked(wanted, |into| line(into, SECRET_MAX, Some(stop)));
        drop(quiet);
        tell("\n");
        read
    }

    fn checked(
        wanted: Wanted,
        read: impl FnOnce(&mut Zeroizing<Vec<u8>>) -> Result<Ended, Error>,
    ) -> Result<Self, Error> {
        let mut typed = Zeroizing::new(Vec::with_capacity(SECRET_MAX));
        let name = wanted.name();
        match read(&mut typed)? {
            Ended::Stopped => {
                Err(Error::new(Kind::Failed, "stopped: nothing has changed")
                    .hint("say it again when you like"))
            }
            Ended::TooLong => {
                let message = format!("the {name} is longer than {SECRET_MAX} bytes");
                Err(Error::new(Kind::Invalid, message).hint("check what was pasted"))
            }
            Ended::Line | Ended::Input if typed.is_empty() && somebody() => {
                Err(Error::new(Kind::Invalid, format!("the {name} is empty"))
                    .hint("say it again and type it"))
            }
            Ended::Line | Ended::Input if typed.is_empty() => {
                let message = format!("no {name} came through standard input");
                Err(Error::new(Kind::Invalid, message).hint("send it as one line, or run this on a terminal"))
            }
            Ended::Line | Ended::Input => Ok(Self(typed)),
        }
    }
}

/// The terminal without echo, until dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    /// Turns the echo off, and gives the character that now stops the line.
    ///
    /// Ctrl-C must not end the program here, or the terminal would stay without its echo: it sends no signal, and
    /// ends the line instead.
    fn start() -> Result<(Self, u8), Error> {
        let mut modes = tcgetattr(io::stdin()).map_err(|why| no_echo(&why.into()))?;
        let before = modes.clone();
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        modes.local_modes.insert(LocalModes::ICANON);
        let stop = modes.special_codes[SpecialCodeIndex::VINTR];
        modes.special_codes[SpecialCodeIndex::VEOL] = stop;
        // What was typed ahead was not meant for this question.
        tcsetattr(io::stdin(), OptionalActions::Flush, &modes).map_err(|why| no_echo(&why.into()))?;
        Ok((Self { before }, stop))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

fn no_echo(why: &io::Error) -> Error {
    let message = format!("the terminal's echo cannot be turned off: {}", reason(why));
    Error::new(Kind::Failed, message).hint("send the passphrase through standard input, as one line")
}
