//! `dwell export`: everything that is recorded, in plain text, for other programs.
//!
//! A stream from the daemon to standard output: neither of the two ever holds more than a part of it. What cannot be read
//! (days that are damaged, or locked away) is left out and told at the end; the document itself is finished well.

mod activitywatch;
mod progress;

use self::progress::Progress;
use super::report::{period, two_formats};
use super::timeline::{self, Timeline, Told};
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind};
use crate::usage::BadValue;

/// Below the help text.
const HELP: &str = "\
What comes out is plain text, unless --encrypt says for whom it is. A copy of the vault as it is:
`dwell vault backup FILE`

Of private windows there is only their time. In ndjson it is of the kind \"private\"; for ActivityWatch, which has no such
kind, it is time of the browser like any other, without a site.";

/// Write out what is recorded, for other programs
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// today yesterday week lastweek month year all 7d DATE DATE..DATE
    #[arg(value_parser = period, default_value = "today")]
    period: String,
    /// In which form (default: ndjson)
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Encrypt it for a recipient of age (age1...), who alone opens it then
    #[arg(long, value_name = "RECIPIENT", value_parser = recipient)]
    encrypt: Option<age::x25519::Recipient>,
}

fn recipient(text: &str) -> Result<age::x25519::Recipient, BadValue> {
    text.parse().map_err(|_| {
        BadValue::new(
            format!("\"{text}\" is no recipient of age"),
            "it begins with age1; age-keygen makes one",
        )
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON object a line, as `dwell spans` has them
    Ndjson,
    /// A bucket export of ActivityWatch: window, web and afk
    Activitywatch,
}

/// Streams everything through.
pub(crate) async fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    if let Some(recipient) = &args.encrypt {
        if console.is_seen() {
            let message = "what is encrypted is no text, and standard output is a terminal";
            return Err(Error::new(Kind::Usage, message).hint("send it to a file: > FILE"));
        }
        console.encrypt(recipient);
    }
    // Cut off, it stays without its end: whoever reads it shall notice.
    let Some(told) = write(args, console).await? else { return Ok(End::Well) };
    console.end_encryption();
    told.end(&args.period)
}

/// Writes all that can be read, to its end; `None` where nobody reads any more.
async fn write(args: &Args, console: &mut Console) -> Result<Option<Told>, Error> {
    if args.format == Some(Format::Activitywatch) && console.json {
        return Err(two_formats("activitywatch"));
    }
    let daemon = Daemon::find().await?;
    if args.format == Some(Format::Activitywatch) {
        return activitywatch::write(&daemon, &args.period, console).await;
    }
    let mut progress = None;
    if Progress::is_wanted(console) {
        progress = Some(Progress::new(timeline::days(&daemon, &args.period).await?, 1, console));
    }
    let mut timeline = Timeline::of(&daemon, &args.period).await?;
    while let Some(line) = timeline.next().await? {
        console.write(line);
        if console.is_closed() {
            return Ok(None);
        }
        if let Some(progress) = &mut progress {
            progress.at(&timeline::read(line)?.start);
        }
    }
    timeline.told().map(Some)
}
