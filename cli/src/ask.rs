//! Questions to the person. They are asked on standard error, so that an answer in a pipe stays clean, and only
//! where standard input is a terminal: elsewhere there is nobody to ask.

use std::io::{self, IsTerminal, Write};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::console::Console;
use crate::error::{Error, Kind, reason};
use crate::output::text::wrap;

/// Whether somebody can be asked.
pub(crate) fn somebody() -> bool {
    io::stdin().is_terminal()
}

/// Tells something beside the answer. Where it cannot be written there is nobody left to tell.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Tells whole sentences beside the answer, each on lines of its own; not where quiet is wanted.
pub(crate) fn note(console: &Console, sentences: &[String]) {
    if !console.quiet {
        for line in sentences.iter().flat_map(|sentence| wrap(sentence, console.look.width, 2)) {
            tell(&format!("{line}\n"));
        }
    }
}

/// Asks whether to go on after saying what will happen. `yes` is the answer given in advance.
///
/// # Errors
/// The answer is no, or there is nobody to ask; then `deed` names what needs the consent.
pub(crate) fn consent(console: &Console, deed: &str, what: &[String], yes: bool) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    propose(console, deed, what)?;
    agreed(&answer(GO_ON)?)
}

/// As [`consent`], where Ctrl-C is listened for by now and would not end this program any more.
///
/// # Errors
/// As there; or it was stopped.
pub(crate) async fn consent_or_stop(
    console: &Console,
    deed: &str,
    what: &[String],
    yes: bool,
) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    let mut interrupts = signal(SignalKind::interrupt()).map_err(|why| {
        Error::new(Kind::Failed, format!("Ctrl-C cannot be listened for: {}", reason(&why)))
    })?;
    propose(console, deed, what)?;
    tell(GO_ON);
    tokio::select! {
        () = something_typed() => agreed(&answer("")?),
        _ = interrupts.recv() => {
            tell("\n");
            Err(Error::new(Kind::Failed, "stopped: nothing has changed"))
        }
    }
}

fn propose(console: &Console, deed: &str, what: &[String]) -> Result<(), Error> {
    if !somebody() {
        let message = format!("nobody can be asked here whether to {deed}");
        return Err(Error::new(Kind::Usage, message).hint("add --yes if it is meant"));
    }
    for line in what.iter().flat_map(|sentence| wrap(sentence, console.look.width, 2)) {
        tell(&format!("{line}\n"));
    }
    Ok(())
}

/// Returns when standard input has something to read: of a terminal, a whole line.
///
/// A thread waits for it: the event loop could only do so through unsafe code. Nobody waits for the thread.
pub(crate) async fn something_typed() {
    let (tell, told) = oneshot::channel();
    let watcher = std::thread::Builder::new().name("typed".to_owned()).spawn(move || {
        let input = io::stdin();
        while let Err(Errno::INTR) = poll(&mut [PollFd::new(&input, PollFlags::IN)], None) {}
        // By then it may be of no interest any more.
        let _ = tell.send(());
    });
    if watcher.is_ok() {
        let _ = told.await;
    }
}

/// The question after all was said.
pub(crate) const GO_ON: &str = "Go on? [y/N] ";

/// Whether the answer to [`GO_ON`] was yes.
///
/// # Errors
/// It was anything else.
pub(crate) fn agreed(said: &str) -> Result<(), Error> {
    if matches!(said.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(Kind::Failed, "nothing has changed: it was not confirmed")
        .hint("say it again and answer y, or add --yes"))
}

/// One line typed for all to see, without its end. Empty where the input has ended.
///
/// # Errors
/// The terminal is gone.
pub(crate) fn answer(prompt: &str) -> Result<Zeroizing<String>, Error> {
    tell(prompt);
    let mut typed = Zeroizing::new(Vec::with_capacity(ANSWER_MAX));
    let end = line(&mut typed, ANSWER_MAX, None)?;
    if end != Ended::Line {
        tell("\n");
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&typed).into_owned()))
}

/// No answer is longer.
const ANSWER_MAX: usize = 4096;

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With a line break.
    Line,
    /// With the input.
    Input,
    /// With the character that stops it.
    Stopped,
    /// It is longer than it may be.
    TooLong,
}

/// Reads one line of standard input, and not a byte more: what follows belongs to the next program. Bytes go straight
/// into `into`, whose room for `most` never has to grow, so that no copy of a secret is left behind.
///
/// # Errors
/// It cannot be read.
pub(crate) fn line(into: &mut Zeroizing<Vec<u8>>, most: usize, stop: Option<u8>) -> Result<Ended, Error> {
    let mut byte = [0_u8];
    loop {
        match rustix::io::read(io::stdin(), &mut byte) {
            Ok(0) => return Ok(Ended::Input),
            Ok(_) if byte[0] == b'\n' => return Ok(Ended::Line),
            Ok(_) if Some(byte[0]) == stop => return Ok(Ended::Stopped),
            Ok(_) if into.len() == most => return Ok(Ended::TooLong),
            Ok(_) => into.push(byte[0]),
            Err(Errno::INTR) => {}
            Err(why) => {
                let why = crate::error::reason(&why.into());
                return Err(Error::new(Kind::Failed, format!("standard input cannot be read: {why}")));
            }
        }
    }
}
