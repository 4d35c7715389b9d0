//! `dwell vault`: open and lock it, look at it, check it, copy it, put a copy back.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use dwell_bus::lines::Done;
use dwell_core::time::Millis;
use zbus::zvariant::Fd;

use super::put_back::{self, Put};
use super::{now_ms, work};
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::instant::Zone;
use crate::output::look::Ink;
use crate::output::phrase::{count, list};
use crate::output::text::{plain, wrap};
use crate::output::vault_json::{Vault, Verify};
use crate::output::{care, json};
use crate::secret::{Secret, Wanted};

/// Open, lock, check, copy and restore what is recorded (alone: say how it stands)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Open the vault for a while, so that history can be read
    Unlock {
        /// For how long; 0s: until it is locked
        #[arg(long = "for", value_name = "DURATION", default_value = "5m", value_parser = crate::cli::duration)]
        time: Millis,
        /// Open it with the recovery key
        #[arg(long)]
        recovery: bool,
    },
    /// Lock the vault; recording and limits go on
    Lock,
    /// Say how the vault stands
    Info,
    /// Read and check every record
    Verify,
    /// Write the whole vault, encrypted as it is, into a new file
    Backup {
        /// A file that does not exist yet
        file: PathBuf,
    },
    /// Put a backup in the place of the vault; the daemon must be stopped
    Restore {
        /// The backup
        file: PathBuf,
        /// Open it with the recovery key
        #[arg(long)]
        recovery: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Make a new vault of what can be read of a damaged one; the daemon must be stopped
    Salvage {
        /// A backup, or the database of a damaged vault
        file: PathBuf,
        /// Open it with the recovery key
        #[arg(long)]
        recovery: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Take history as it is, after it was found older than what was last seen
    Accept {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Does one of the eight.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    match args.command.unwrap_or(Command::Info) {
        Command::Restore { file, recovery, yes } => {
            put_back::run(Put::Restore, &file, recovery, yes, console).await?;
            Ok(End::Well)
        }
        Command::Salvage { file, recovery, yes } => {
            put_back::run(Put::Salvage, &file, recovery, yes, console).await?;
            Ok(End::Well)
        }
        command => with_daemon(command, &Daemon::find().await?, console).await,
    }
}

async fn with_daemon(command: Command, daemon: &Daemon, console: &mut Console) -> Result<End, Error> {
    match command {
        Command::Unlock { time, recovery } => unlock(daemon, time, recovery, console).await?,
        Command::Lock => {
            daemon.care(|vault| vault.lock()).await?;
            after(daemon, "The vault is locked. Recording and limits go on", console).await?;
        }
        Command::Verify => return verify(daemon, console).await,
        Command::Backup { file } => backup(daemon, &file, console).await?,
        Command::Accept { yes } => {
            let what = [
                "History here is older than what was last seen, as after an old copy was put back."
                    .to_owned(),
                "Accepting takes it as it is: what is missing stays missing, and is no longer remarked upon."
                    .to_owned(),
            ];
            ask::consent(console, "accept an older history", &what, yes)?;
            daemon.care(|vault| vault.accept()).await?;
            after(daemon, "History is accepted as it is", console).await?;
        }
        // The two that need no daemon have been done before.
        Command::Info | Command::Restore { .. } | Command::Salvage { .. } => info(daemon, console).await?,
    }
    Ok(End::Well)
}

async fn info(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    let info = daemon.care(|vault| vault.info()).await?;
    console.say(&if console.json {
        json::line(&Vault::new(&info))
    } else {
        care::info(&info, now_ms(), console.look)
    });
    Ok(())
}

/// One sentence, or with `--json` how the vault stands now.
async fn after(daemon: &Daemon, said: &str, console: &mut Console) -> Result<(), Error> {
    if console.json {
        return info(daemon, console).await;
    }
    if !console.quiet {
        console.say(&wrap(said, console.look.width, 2).join("\n"));
    }
    Ok(())
}

async fn unlock(daemon: &Daemon, time: Millis, recovery: bool, console: &mut Console) -> Result<(), Error> {
    let wanted = if recovery {
        Some(Wanted::RecoveryKey)
    } else {
        let keys = daemon.care(|vault| vault.list_keys()).await?;
        let has = |kind: &str| keys.iter().any(|key| key.kind == kind);
        if has("passphrase") {
            Some(Wanted::Passphrase)
        } else if keys.iter().any(|key| key.automatic) {
            None
        } else {
            // Nothing else can open it.
            has("recovery").then_some(Wanted::RecoveryKey)
        }
    };
    let secret = wanted.map_or_else(|| Ok(Secret::none()), Secret::ask)?;
    let pipe = Fd::from(std::os::fd::OwnedFd::from(secret.into_pipe()?));
    let kind = wanted.map_or("", Wanted::word);
    daemon.care(|vault| vault.unlock(kind, pipe, time.as_ms())).await.map_err(|why| wrong(why, wanted))?;
    let info = daemon.care(|vault| vault.info()).await?;
    if console.json {
        console.say(&json::line(&Vault::new(&info)));
    } else if !console.quiet {
        let until = match info.locks_at_ms {
            Some(at) => format!("until {}", Zone::new(&info.zone).near(at, now_ms())),
            None => "until `dwell vault lock`, or until the daemon ends".to_owned(),
        };
        console.say(&wrap(&format!("The vault is open {until}"), console.look.width, 2).join("\n"));
    }
    Ok(())
}

/// A refusal with a next step, where the daemon has none.
fn wrong(why: Error, wanted: Option<Wanted>) -> Error {
    if why.hint.is_some() || why.kind != Kind::Denied {
        return why;
    }
    why.hint(match wanted {
        Some(Wanted::Passphrase) => "say it again, or use `dwell vault unlock --recovery`",
        Some(Wanted::RecoveryKey) => "compare it with your paper, and say it again",
        None => "see `dwell key list`",
    })
}

async fn verify(daemon: &Daemon, console: &mut Console) -> Result<End, Error> {
    let done = work::by_daemon(daemon, "Checking", console, |vault| vault.verify()).await?;
    let whole = done.damaged.is_empty() && done.mismatched.is_empty();
    if console.json {
        console.say(&json::line(&Verify::new(&done)));
    } else {
        for (ink, line) in checked(&done) {
            for line in wrap(&line, console.look.width, 2) {
                console.say(&console.look.ink(ink, &line));
            }
        }
    }
    Ok(if whole { End::Well } else { End::Problem })
}

fn checked(done: &Done) -> Vec<(Ink, String)> {
    let read =
        format!("{} and {}", count(done.days.unwrap_or(0), "day"), count(done.spans.unwrap_or(0), "span"));
    let days = |days: &[String]| plain(&list(days)).into_owned();
    let mut said = Vec::new();
    if !done.damaged.is_empty() {
        said.push((Ink::Bad, format!("Something cannot be read of {}", days(&done.damaged))));
    }
    if !done.mismatched.is_empty() {
        said.push((Ink::Bad, format!("The totals are not those of the spans on {}", days(&done.mismatched))));
    }
    if said.is_empty() {
        return vec![(Ink::Good, format!("All is well: {read} were read and checked"))];
    }
    said.push((
        Ink::Faint,
        format!("{read} were read. A backup may have the rest: `dwell vault restore FILE`"),
    ));
    said
}

async fn backup(daemon: &Daemon, file: &Path, console: &mut Console) -> Result<(), Error> {
    let path = absolute(file)?;
    let done = work::by_daemon(daemon, "Writing", console, |vault| vault.backup(&path)).await?;
    if console.json {
        console.say(&json::line(&done));
    } else if !console.quiet {
        let held = match (done.days, done.spans) {
            (Some(days), Some(spans)) => {
                format!(", with {} and {}", count(days, "day"), count(spans, "span"))
            }
            (Some(days), None) => format!(", with {}", count(days, "day")),
            _ => String::new(),
        };
        let size = std::fs::metadata(&path)
            .map(|file| format!(" ({})", crate::output::phrase::size(file.len())))
            .unwrap_or_default();
        let said = format!("Written to {}{size}{held}; it opens with the keys of today", plain(&path));
        console.say(&wrap(&said, console.look.width, 2).join("\n"));
    }
    Ok(())
}

/// A path that means the same to the daemon, which is in another folder.
fn absolute(file: &Path) -> Result<String, Error> {
    let path = std::path::absolute(file).map_err(|why| {
        Error::new(Kind::Invalid, format!("{} is no file: {}", file.display(), reason(&why)))
            .hint("name a file")
    })?;
    let text = path.into_os_string().into_string().ok();
    text.filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        let message = "the file's name is no valid UTF-8, or has control characters";
        Error::new(Kind::Invalid, message).hint("choose another name")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checking_found() {
        let told =
            |done: &Done| checked(done).into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let whole = Done { days: Some(1), spans: Some(20), ..Done::default() };
        insta::assert_snapshot!(told(&whole), @"All is well: 1 day and 20 spans were read and checked");
        let days = |days: &[&str]| days.iter().map(|day| (*day).to_owned()).collect();
        let broken =
            Done { damaged: days(&["2026-11-01", "2026-11-03"]), mismatched: days(&["2026-11-02"]), ..whole };
        insta::assert_snapshot!(told(&broken), @r"
        Something cannot be read of 2026-11-01 and 2026-11-03
        The totals are not those of the spans on 2026-11-02
        1 day and 20 spans were read. A backup may have the rest: `dwell vault restore FILE`
        ");
    }

    #[test]
    fn a_backup_goes_where_the_person_is() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("a.dwell")).unwrap(), here.join("a.dwell").to_str().unwrap());
        assert_eq!(absolute(Path::new("a\nb")).unwrap_err().kind, Kind::Invalid);
        assert_eq!(absolute(Path::new("")).unwrap_err().kind, Kind::Invalid);
    }
}
