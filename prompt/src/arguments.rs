//! The command line of the window.

use std::ffi::OsString;
use std::time::Duration;

/// What `dwell-prompt --help` prints.
pub(crate) const HELP: &str = "\
dwell-prompt - the small window that says what a limit did

Usage: dwell-prompt [OPTIONS]

D-Bus starts it when dwelld calls org.dwell.Prompt1; nobody needs to.

Options:
  --linger SECONDS   end after so long without anything to show (default: 30)
  --version          print the version
  --help             print this

Exit codes: 0 nothing to show any more, 1 no display or no bus, 2 usage.
";

/// How long it stays when nothing is shown.
const LINGERS: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Wait for the daemon's calls.
    Run {
        /// How long it stays when nothing is shown.
        lingers: Duration,
    },
}

impl Arguments {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        use lexopt::prelude::*;
        let mut parser = lexopt::Parser::from_iter(words);
        let mut lingers = LINGERS;
        while let Some(word) = parser.next().map_err(|error| error.to_string())? {
            match word {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("linger") => {
                    let value = parser.value().map_err(|error| error.to_string())?;
                    let seconds = value.to_str().and_then(|text| text.parse().ok()).filter(|s| *s <= 3600);
                    lingers = Duration::from_secs(seconds.ok_or("--linger takes seconds, at most 3600")?);
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        Ok(Self::Run { lingers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(std::iter::once("dwell-prompt").chain(words.iter().copied()).map(OsString::from))
    }

    #[test]
    fn lines() {
        assert_eq!(parse(&[]), Ok(Arguments::Run { lingers: LINGERS }));
        assert_eq!(parse(&["--linger", "1"]), Ok(Arguments::Run { lingers: Duration::from_secs(1) }));
        assert!(parse(&["--linger", "4000"]).is_err());
        assert!(parse(&["now"]).is_err());
        assert_eq!(parse(&["--help"]), Ok(Arguments::Help));
    }
}
