//! The command line of the daemon.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::hub::Sensors;
use crate::keys::SecretService;
use crate::put_back::{How, Order, Secret};
use crate::roles::user::Options;

/// What `dwelld --help` prints.
pub const HELP: &str = "\
dwelld - measures screen time on this machine and keeps the limits you set

Usage: dwelld [OPTIONS]
       dwelld attach        tell the running daemon where the display is
       dwelld sweep         let programs run again that a limit froze, after the daemon is gone
       dwelld restore FILE  put a backup back; `dwell vault restore` asks first
       dwelld salvage FILE  make a vault of what a damaged one still holds

Options:
  --sensors own|intake   sense in this process (default), or take facts from the bus only
  --dry-run              print what limits would do instead of doing it
  --no-keyring           do not ask the keyring for the vault's keys
  --put-aside            (restore) move the vault that is there aside; salvage always does
  --passphrase           (restore, salvage) read a passphrase from standard input
  --recovery             (restore, salvage) read a recovery key from standard input
  --version              print the version
  --help                 print this

Environment:
  DWELL_DATA_DIR   data folder (default: $XDG_DATA_HOME/dwell)
  DWELL_CONFIG     configuration file (default: $XDG_CONFIG_HOME/dwell/config.toml)
  DWELL_LOG        error, warn, info (default), debug or trace

Exit codes: 0 stopped, 1 failed, 2 invalid configuration or usage, 4 the vault's key is not to be had, 5 (attach) no
daemon reachable.
";

/// The word with which the daemon starts itself anew, to connect to a compositor that looks at `/proc/PID/exe`. Nobody
/// else needs it, so the help does not name it.
pub const CONNECT: &str = "connect-wayland";

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Arguments {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Do something.
    Call(Call),
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Call {
    /// Be the daemon.
    Run(Options),
    /// Tell the daemon where the display is.
    Attach,
    /// Undo what a daemon that is gone has left.
    Sweep,
    /// Connect to this Wayland socket for the daemon that started this process; see [`CONNECT`].
    Connect(PathBuf),
    /// Put a vault in the place of the one that is there.
    PutBack(Order),
}

impl Arguments {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// Unknown words; exit code 2.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, Failure> {
        use lexopt::prelude::*;
        let wrong = |what: String| Failure::new(what, "see `dwelld --help`").code(2);
        let mut parser = lexopt::Parser::from_iter(words);
        let mut options = Options { sensors: Sensors::Own, dry_run: false, keyrings: SecretService::Session };
        let (mut words, mut put_aside, mut secret) = (Vec::new(), false, None);
        while let Some(word) = parser.next().map_err(|e| wrong(e.to_string()))? {
            match word {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("dry-run") => options.dry_run = true,
                Long("no-keyring") => options.keyrings = SecretService::Unused,
                Long("sensors") => {
                    let value = parser.value().map_err(|e| wrong(e.to_string()))?;
                    options.sensors = match value.to_str() {
                        Some("own") => Sensors::Own,
                        Some("intake") => Sensors::Intake,
                        _ => return Err(wrong("--sensors takes \"own\" or \"intake\"".to_owned())),
                    };
                }
                Long("put-aside") => put_aside = true,
                Long("passphrase") => secret = Some(Secret::Passphrase),
                Long("recovery") => secret = Some(Secret::Recovery),
                Value(word) if words.len() < 2 => words.push(word),
                other => return Err(wrong(other.unexpected().to_string())),
            }
        }
        let mut words = words.into_iter();
        let (what, file) = (words.next(), words.next());
        let order = |how, file: Option<OsString>| {
            let file = file.ok_or_else(|| wrong("a file is missing".to_owned()))?;
            let keyrings = options.keyrings;
            Ok(Call::PutBack(Order { how, file: file.into(), put_aside, secret, keyrings }))
        };
        let call = match what {
            None => Call::Run(options),
            Some(word) if word == "attach" && file.is_none() => Call::Attach,
            Some(word) if word == "sweep" && file.is_none() => Call::Sweep,
            Some(word) if word == CONNECT => {
                Call::Connect(file.ok_or_else(|| wrong("a socket is missing".to_owned()))?.into())
            }
            Some(word) if word == "restore" => order(How::Restore, file)?,
            Some(word) if word == "salvage" => order(How::Salvage, file)?,
            Some(word) => return Err(wrong(format!("unexpected word \"{}\"", word.display()))),
        };
        Ok(Self::Call(call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, Failure> {
        Arguments::parse(["dwelld"].iter().chain(words).map(OsString::from))
    }

    #[test]
    fn the_command_line() {
        assert!(matches!(parse(&["attach"]), Ok(Arguments::Call(Call::Attach))));
        assert!(matches!(parse(&["sweep"]), Ok(Arguments::Call(Call::Sweep))));
        assert!(matches!(
            parse(&["--sensors", "intake", "--dry-run"]),
            Ok(Arguments::Call(Call::Run(Options { sensors: Sensors::Intake, dry_run: true, .. })))
        ));
        let restore = parse(&["restore", "b.dwell", "--put-aside", "--recovery"]);
        let Ok(Arguments::Call(Call::PutBack(order))) = restore else { panic!("{restore:?}") };
        assert_eq!((order.how, order.put_aside, order.secret), (How::Restore, true, Some(Secret::Recovery)));
        assert!(
            matches!(parse(&[CONNECT, "/run/w"]), Ok(Arguments::Call(Call::Connect(path))) if path.as_os_str() == "/run/w")
        );
        let bad = [
            &["--sensor"][..],
            &[CONNECT],
            &["--sensors", "none"],
            &["start"],
            &["--sensors"],
            &["restore"],
            &["attach", "x"],
        ];
        for bad in bad {
            assert_eq!(parse(bad).err().map(|f| f.code), Some(2), "{bad:?}");
        }
    }
}
