//! `dwell rules`: the rules as text, out and in.
//!
//! The text says as much as the history does, so it is written to no file that others can read, and to none that was
//! not named by the person.

mod edit;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use dwell_bus::own::RULES_MAX;
use dwell_bus::wire;
use dwell_core::rules::{RulesText, warnings};

use super::limit::{changed, done};
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::text::plain;
use crate::output::{change, json, phrase, rules_json};

/// Write, read, check and edit the rules as text
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = false)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the rules as text (TOML)
    Export {
        /// A file that does not exist yet (default: standard output, also -)
        file: Option<PathBuf>,
    },
    /// Take a text of rules in place of those that there are
    Import {
        /// The text; - is standard input
        file: PathBuf,
        /// Do not ask, though something may be looser than what holds now
        #[arg(long)]
        yes: bool,
    },
    /// Change the rules in your editor ($VISUAL, $EDITOR)
    Edit {
        /// Do not ask, though something may be looser than what holds now
        #[arg(long)]
        yes: bool,
    },
    /// Tell what taking over a text of rules would change; change nothing
    Check {
        /// The text; - is standard input
        file: PathBuf,
    },
}

/// Does one of the four.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    match args.command {
        Command::Export { file } => export(file.as_deref(), console).await?,
        Command::Import { file, yes } => {
            let source = Source::new(&file);
            let text = source.read()?;
            let daemon = Daemon::find().await?;
            take(&daemon, &source, &text, yes, console).await?;
        }
        Command::Edit { yes } => edit::run(yes, console).await?,
        Command::Check { file } => {
            let change = looked_at(&Source::new(&file)).await?;
            if console.json {
                console.say(&json::line(&rules_json::Change::new(&change)));
            } else if !console.quiet {
                console.say(&change::looked_at(&change, console.look));
            }
        }
    }
    Ok(End::Well)
}

/// Where a text of rules comes from.
enum Source {
    Input,
    File(PathBuf),
    /// The editor; what it was called on the way is nobody's matter.
    Editor,
}

impl Source {
    fn new(file: &Path) -> Self {
        if file == Path::new("-") { Self::Input } else { Self::File(file.to_owned()) }
    }

    /// How it is called in an error: `rules.toml`.
    fn name(&self) -> String {
        match self {
            Self::Input => "standard input".to_owned(),
            Self::File(path) => plain(&path.to_string_lossy()).into_owned(),
            Self::Editor => "the rules".to_owned(),
        }
    }

    fn read(&self) -> Result<String, Error> {
        let mut bytes = Vec::new();
        // One byte more than is kept tells that there is too much.
        let most = u64::try_from(RULES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let end = match self {
            Self::File(path) => File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)),
            Self::Input | Self::Editor => io::stdin().take(most).read_to_end(&mut bytes),
        };
        let invalid = |what: String, hint: &str| Error::new(Kind::Invalid, what).hint(hint);
        end.map_err(|why| {
            invalid(format!("{} cannot be read: {}", self.name(), reason(&why)), "name a file of rules")
        })?;
        if bytes.len() > RULES_MAX {
            let kilobytes = RULES_MAX / 1024;
            return Err(invalid(
                format!("{} is longer than {kilobytes} KiB", self.name()),
                "check what was given",
            ));
        }
        String::from_utf8(bytes)
            .map_err(|_| invalid(format!("{} is no valid UTF-8", self.name()), "check what was given"))
    }

    /// The same failure, where it is about the text, with the text's name before its line and column.
    fn named(&self, why: Error) -> Error {
        match (why.kind, self) {
            // The name of the editor's file would say nothing.
            (Kind::Invalid, Self::File(_) | Self::Input) => {
                let message = format!("{}: {}", self.name(), why.message);
                Error::new(Kind::Invalid, message).hint(why.hint.unwrap_or_default())
            }
            _ => why,
        }
    }
}

/// What a text would change; where no daemon can be asked, only that it can be read.
async fn looked_at(source: &Source) -> Result<wire::Change, Error> {
    let text = source.read()?;
    let read = RulesText::parse(&text)
        .map_err(|why| source.named(Error::new(Kind::Invalid, why.to_string()).hint(why.hint)))?;
    let asked = async { check(&Daemon::find().await?, source, &text).await };
    match asked.await {
        Err(why) if why.kind == Kind::Unreachable => Ok(wire::Change {
            is: change::UNKNOWN.to_owned(),
            warnings: warnings(read.set()),
            rules: u32::try_from(read.set().rules.len()).unwrap_or(u32::MAX),
            ..wire::Change::default()
        }),
        end => end,
    }
}

async fn check(daemon: &Daemon, source: &Source, text: &str) -> Result<wire::Change, Error> {
    daemon.ask(|d| d.check_rules(text)).await.map_err(|why| source.named(why))
}

/// Takes a text over. On a terminal, where it would have to wait, it is shown first.
async fn take(
    daemon: &Daemon,
    source: &Source,
    text: &str,
    yes: bool,
    console: &mut Console,
) -> Result<(), Error> {
    // An empty file is more often a mistake on the way than meant: that is asked also where nobody can answer.
    let emptied = RulesText::parse(text).is_ok_and(|text| text.set().rules.is_empty());
    if !yes && (emptied || ask::somebody()) {
        let would = check(daemon, source, text).await?;
        if emptied && would.is != "same" {
            let all = "There is no rule in it: all that there are would be removed.".to_owned();
            ask::consent(console, "remove all rules", &[all], false)?;
        } else if let Some(cost) = cost(&would, console) {
            ask::consent(console, "loosen the rules", &cost, false)?;
        }
    }
    import(daemon, source, text, console).await
}

/// Shows a change that would wait, and says what that means; `None` where it would hold at once.
fn cost(would: &wire::Change, console: &Console) -> Option<[String; 1]> {
    would.pending.is_some().then(|| {
        ask::tell(&(change::looked_at(would, console.look) + "\n"));
        ["All of it waits then, and after that for your confirmation.".to_owned()]
    })
}

async fn import(daemon: &Daemon, source: &Source, text: &str, console: &mut Console) -> Result<(), Error> {
    let change = daemon.ask(|d| d.import_rules(text)).await.map_err(|why| source.named(why))?;
    let deed = format!("{} now", phrase::count(change.rules.into(), "rule"));
    changed(&change, &deed, console);
    Ok(())
}

async fn export(file: Option<&Path>, console: &mut Console) -> Result<(), Error> {
    let daemon = Daemon::find().await?;
    let text = daemon.ask(|d| d.export_rules()).await?;
    let Some(file) = file.filter(|file| *file != Path::new("-")) else {
        if console.json {
            console.say(&json::line(&rules_json::Rules::new(&text)));
        } else {
            console.write(text.as_bytes());
        }
        return Ok(());
    };
    let shown = plain(&file.to_string_lossy()).into_owned();
    write_new(file, &text).map_err(|why| match why.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::new(Kind::Invalid, format!("{shown} exists already")).hint("name another file")
        }
        _ => Error::new(Kind::Failed, format!("{shown} cannot be written: {}", reason(&why))),
    })?;
    if console.json {
        console.say(&json::line(&rules_json::Written::new(&file.to_string_lossy())));
    } else {
        done(&format!("Written to {shown}, for you alone to read"), console);
    }
    Ok(())
}

/// Writes a file that only the person can read, and that was not there.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}
