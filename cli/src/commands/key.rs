//! `dwell key`: the keys that open the vault.

use clap::{Subcommand, ValueEnum};
use dwell_bus::vault::SECRET_MAX;
use dwell_bus::wire;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use zbus::zvariant::{Fd, OwnedFd};
use zeroize::Zeroizing;

use super::work;
use crate::ask;
use crate::bus::Daemon;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::text::wrap;
use crate::output::vault_json::{Keys, RecoveryKey};
use crate::output::{care, json, phrase};
use crate::secret::Secret;

/// Add, list and remove the keys that open the vault (alone: list them)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the keys
    List,
    /// Add a key; a passphrase is asked for, or read from standard input
    Add {
        /// Which kind
        #[arg(value_enum)]
        kind: Added,
        /// Never write a secret here
        #[arg(hide = true)]
        secret: Vec<String>,
    },
    /// Remove a key, and encrypt everything anew
    Remove {
        /// The key's number, as `dwell key list` shows it
        #[arg(value_parser = number)]
        number: u8,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Make a recovery key, and show it once for writing down
    Recovery,
    /// Encrypt everything anew with new keys
    Rotate {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Added {
    /// A passphrase that you choose
    Passphrase,
    /// Kept by the desktop's keyring
    Keyring,
    /// In a file that only you can read
    Keyfile,
    /// Given by systemd at the start
    Credential,
}

fn number(text: &str) -> Result<u8, crate::usage::BadValue> {
    text.parse().map_err(|_| {
        let message = format!("\"{text}\" is no number of a key");
        crate::usage::BadValue::new(message, "see the numbers with `dwell key list`")
    })
}

/// A passphrase of fewer characters is remarked upon.
const SHORT: usize = 12;

/// Does one of the five.
pub(crate) async fn run(args: Args, console: &mut Console) -> Result<End, Error> {
    let command = args.command.unwrap_or(Command::List);
    if let Command::Add { secret, .. } = &command
        && !secret.is_empty()
    {
        // Not repeated here: it is in the shell's history already, and need not be in a log as well.
        return Err(Error::new(
            Kind::Usage,
            "a secret is never taken from the command line, where every program on this machine can read it",
        )
        .hint("choose another one, leave it out, and type it when you are asked or send it through standard input"));
    }
    let daemon = Daemon::find().await?;
    match command {
        Command::List => list(&daemon, console).await?,
        Command::Add { kind: Added::Passphrase, .. } => add_passphrase(&daemon, console).await?,
        Command::Add { kind, .. } => add(&daemon, kind, console).await?,
        Command::Remove { number, yes } => remove(&daemon, number, yes, console).await?,
        Command::Recovery => recovery(&daemon, console).await?,
        Command::Rotate { yes } => rotate(&daemon, yes, console).await?,
    }
    Ok(End::Well)
}

async fn list(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    let keys = daemon.care(|vault| vault.list_keys()).await?;
    if console.json {
        console.say(&json::line(&Keys::new(&keys)));
        return Ok(());
    }
    console.say(&care::keys(&keys, console.look));
    if !console.quiet && !keys.iter().any(|key| key.kind == "recovery") {
        let hint = "No recovery key yet: `dwell key recovery` makes one, to keep on paper";
        console.say(&format!("\n{}", wrap(hint, console.look.width, 0).join("\n")));
    }
    Ok(())
}

async fn add_passphrase(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    // Asked first: nobody types a passphrase twice to hear that there is no daemon.
    let others = daemon.care(|vault| vault.list_keys()).await?;
    let secret = Secret::choose()?;
    if secret.characters() < SHORT && !console.json {
        let short =
            format!("That is short. It is taken; from {SHORT} characters on it is much harder to guess");
        ask::note(console, &[short]);
    }
    let pipe = Fd::from(std::os::fd::OwnedFd::from(secret.into_pipe()?));
    let key = daemon.care(|vault| vault.add_passphrase(pipe)).await?;
    added(&key, console);
    let automatic: Vec<_> = others.iter().filter(|key| key.automatic).collect();
    if !automatic.is_empty() && !console.json && !console.quiet {
        let named = phrase::keys(automatic.iter().copied());
        let said = format!("The vault still opens without it, by {named}. To be asked for it from now on:");
        console.say(&wrap(&said, console.look.width, 0).join("\n"));
        automatic.iter().for_each(|key| console.say(&format!("  dwell key remove {}", key.number)));
    }
    Ok(())
}

async fn add(daemon: &Daemon, kind: Added, console: &mut Console) -> Result<(), Error> {
    let kind = kind.to_possible_value().map(|kind| kind.get_name().to_owned()).unwrap_or_default();
    let key = daemon.care(|vault| vault.add_key(&kind)).await?;
    added(&key, console);
    Ok(())
}

fn added(key: &wire::Key, console: &mut Console) {
    if console.json {
        console.say(&json::line(&Keys::new(std::slice::from_ref(key))));
    } else if !console.quiet {
        console.say(&care::keys(std::slice::from_ref(key), console.look));
    }
}

async fn remove(daemon: &Daemon, number: u8, yes: bool, console: &mut Console) -> Result<(), Error> {
    let keys = daemon.care(|vault| vault.list_keys()).await?;
    let Some(key) = keys.iter().find(|key| key.number == number) else {
        let hint = format!("there are {}", phrase::keys(&keys));
        return Err(Error::new(Kind::NotFound, format!("there is no key {number}")).hint(hint));
    };
    let rest: Vec<_> = keys.iter().filter(|key| key.number != number).collect();
    if rest.is_empty() {
        let message = format!("{} is the only one: without it nothing could be read again", phrase::key(key));
        return Err(Error::new(Kind::Invalid, message).hint("add another first: `dwell key add passphrase`"));
    }
    let mut what = vec![
        format!("Key {number} ({}) goes, and everything is encrypted anew.", key.kind),
        "Copies and backups made before still open with it.".to_owned(),
        format!("The vault then opens with {}.", phrase::keys(rest.iter().copied())),
    ];
    if key.automatic && !rest.iter().any(|key| key.automatic) {
        let last = "It no longer opens by itself: history is to be read after `dwell vault unlock`, while \
                    recording and limits go on without.";
        what.push(last.to_owned());
    }
    ask::consent(console, &format!("remove key {number}"), &what, yes)?;
    let done = work::by_daemon(daemon, "Encrypting", console, |vault| vault.remove_key(number)).await?;
    renewed(&format!("Removed key {number}; everything is encrypted anew"), &done, &keys, console);
    Ok(())
}

async fn rotate(daemon: &Daemon, yes: bool, console: &mut Console) -> Result<(), Error> {
    let what = [
        "Everything is encrypted anew, with new keys.".to_owned(),
        "Copies and backups made before still open with the old ones.".to_owned(),
    ];
    ask::consent(console, "encrypt everything anew", &what, yes)?;
    let keys = daemon.care(|vault| vault.list_keys()).await?;
    let done = work::by_daemon(daemon, "Encrypting", console, |vault| vault.rotate_keys()).await?;
    renewed("Everything is encrypted with new keys", &done, &keys, console);
    Ok(())
}

fn renewed(said: &str, done: &dwell_bus::lines::Done, keys: &[wire::Key], console: &mut Console) {
    if console.json {
        console.say(&json::line(done));
    } else if !console.quiet {
        let outside = care::outside(done, keys);
        for sentence in std::iter::once(said.to_owned()).chain(outside) {
            console.say(&wrap(&sentence, console.look.width, 2).join("\n"));
        }
    }
}

async fn recovery(daemon: &Daemon, console: &mut Console) -> Result<(), Error> {
    let (key, pipe) = daemon.care(|vault| vault.add_recovery()).await?;
    let text = whole(pipe).await?;
    if console.json {
        console.say(&json::line(&RecoveryKey::new(key.number, &text)));
        return Ok(());
    }
    console.say(&care::recovery_key(key.number, &text));
    if console.quiet {
        return Ok(());
    }
    console.say("");
    let what_for = "Write it down and keep it away from this machine. It opens the vault, and every backup made from \
                    now on, when no other key does: `dwell vault unlock --recovery`. It is shown only now, and kept \
                    nowhere.";
    console.say(&wrap(what_for, console.look.width, 0).join("\n"));
    console.flush();
    if ask::somebody() && console.is_seen() {
        let last = text.rsplit(['-', ' ']).next().unwrap_or_default();
        let said = if written_down(last)? {
            "That is right: it is written down"
        } else {
            "It was not confirmed that it is written down. It works all the same"
        };
        console.say(said);
    }
    Ok(())
}

/// Asks for the last group until it is right, or nothing is typed.
fn written_down(last: &str) -> Result<bool, Error> {
    let mut prompt = "Type its last five characters to see that it is (or Enter to go without): ";
    loop {
        let typed = ask::answer(prompt)?;
        let typed = typed.trim();
        if typed.is_empty() || typed.eq_ignore_ascii_case(last) {
            return Ok(!typed.is_empty());
        }
        prompt = "That is something else. Once more (or Enter to go without): ";
    }
}

/// The text of a recovery key, out of its pipe.
async fn whole(pipe: OwnedFd) -> Result<Zeroizing<String>, Error> {
    let broke = |why: &std::io::Error| {
        Error::new(Kind::Failed, format!("the recovery key did not come through ({})", reason(why)))
            .hint("see `dwell key list`, remove it with `dwell key remove`, and say it again")
    };
    let pipe = Receiver::from_owned_fd(pipe.into()).map_err(|why| broke(&why))?;
    // Room for all of it from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(SECRET_MAX));
    pipe.take(SECRET_MAX as u64).read_to_string(&mut text).await.map_err(|why| broke(&why))?;
    let length = text.trim_end().len();
    text.truncate(length);
    if text.is_empty() {
        return Err(broke(&std::io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(text)
}
