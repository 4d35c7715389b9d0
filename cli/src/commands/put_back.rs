//! `dwell vault restore` and `salvage`: another vault in the place of the one that is there.
//!
//! Nobody may have the vault open meanwhile, so the daemon is not asked but must be away, and the program `dwelld`
//! does it: the same work, lines and errors, through its standard output. This program never opens a vault itself.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use dwell_bus::NAME;
use dwell_bus::lines::Done;
use zbus::proxy::MethodFlags;

use super::work;
use crate::ask;
use crate::bus::Bus;
use crate::console::Console;
use crate::error::{Error, Kind, reason};
use crate::output::json;
use crate::output::phrase::{count, list};
use crate::output::text::{plain, wrap};
use crate::secret::{Secret, Wanted};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// A backup, as it is.
    Restore,
    /// What can be read of something damaged.
    Salvage,
}

/// Sees that the daemon is away, asks the person, and has it done.
pub(super) async fn run(
    put: Put,
    file: &Path,
    recovery: bool,
    yes: bool,
    console: &mut Console,
) -> Result<(), Error> {
    let bus = Bus::chosen()?;
    let file = existing(file)?;
    if let Some(stop) = what_stops_the_daemon(bus).await? {
        let message = "the daemon is running, and has the vault open";
        return Err(
            Error::new(Kind::Failed, message).hint(format!("stop it with `{stop}`, then say it again"))
        );
    }
    let shown = plain(&file.to_string_lossy()).into_owned();
    let (deed, takes) = match put {
        Put::Restore => {
            ("put a backup in the place of the vault", format!("{shown} takes the place of the vault."))
        }
        Put::Salvage => (
            "put what can be salvaged in the place of the vault",
            format!(
                "A new vault, made of what can be read of {shown}, takes the place of the one that is there."
            ),
        ),
    };
    let aside = "A vault that is there now is put aside, and nothing is deleted.".to_owned();
    ask::consent(console, deed, &[takes, aside], yes)?;
    let done = with_the_key_it_needs(put, &file, recovery, console).await?;
    if console.json {
        console.say(&json::line(&done));
    } else if !console.quiet {
        for sentence in told(put, &done, &shown, bus) {
            console.say(&wrap(&sentence, console.look.width, 2).join("\n"));
        }
    }
    Ok(())
}

/// First with the keys that need no person, unless the recovery key is wanted; then with the one that is asked for.
async fn with_the_key_it_needs(
    put: Put,
    file: &Path,
    recovery: bool,
    console: &Console,
) -> Result<Done, Error> {
    let wanted = if recovery {
        Wanted::RecoveryKey
    } else {
        match attempt(put, file, None, console).await {
            Err(why) if why.kind == Kind::Locked => {}
            end => return end,
        }
        ask::note(
            console,
            &["It does not open by itself; --recovery takes the recovery key instead.".to_owned()],
        );
        Wanted::Passphrase
    };
    attempt(put, file, Some((wanted, Secret::ask(wanted)?)), console).await
}

/// Runs `dwelld` once.
async fn attempt(
    put: Put,
    file: &Path,
    secret: Option<(Wanted, Secret)>,
    console: &Console,
) -> Result<Done, Error> {
    let (word, doing) = match put {
        Put::Restore => ("restore", "Restoring"),
        Put::Salvage => ("salvage", "Salvaging"),
    };
    let mut command = Command::new(program());
    command.arg(word).arg(file).stdin(Stdio::null()).stdout(Stdio::piped());
    if put == Put::Restore {
        command.arg("--put-aside");
    }
    if let Some((wanted, secret)) = secret {
        command.arg(format!("--{}", wanted.word()));
        command.stdin(OwnedFd::from(secret.into_pipe()?));
    }
    if std::env::var_os("DWELL_LOG").is_none() {
        // What goes wrong comes as a line of its own; the rest is for a journal.
        command.env("DWELL_LOG", "error");
    }
    let mut child = command.spawn().map_err(|why| {
        let message = format!("the program dwelld cannot be run: {}", reason(&why));
        Error::new(Kind::Failed, message).hint("install it beside dwell, or where PATH leads")
    })?;
    // The command keeps its copy of the secret's pipe until it is dropped.
    drop(command);
    let lines = child.stdout.take();
    let begun =
        async { lines.map(OwnedFd::from).ok_or_else(|| Error::new(Kind::Failed, "dwelld says nothing")) };
    let end = work::follow(begun, work::Worker::Program, doing, console).await;
    // It has said its last line, or its pipe is closed and it stops: this waits only until it has.
    let _ = child.wait();
    end
}

/// `dwelld` beside this program, else where PATH leads.
fn program() -> OsString {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("dwelld"));
    beside.filter(|path| path.is_file()).map_or_else(|| "dwelld".into(), OsString::from)
}

fn existing(file: &Path) -> Result<std::path::PathBuf, Error> {
    let fails = |why: &std::io::Error| {
        let shown = plain(&file.to_string_lossy()).into_owned();
        Error::new(Kind::Invalid, format!("{shown} cannot be read: {}", reason(why))).hint("name a backup")
    };
    std::fs::metadata(file).map_err(|why| fails(&why))?;
    std::path::absolute(file).map_err(|why| fails(&why))
}

/// The command that stops the daemon; `None` where there is none. Wakes nobody.
async fn what_stops_the_daemon(bus: Bus) -> Result<Option<String>, Error> {
    // Without a bus there is no daemon that could be asked; if one runs all the same, the vault's lock tells.
    let Ok(connection) = bus.connect().await else { return Ok(None) };
    let name = zbus::names::BusName::from_static_str(NAME)
        .map_err(|why| Error::new(Kind::Failed, format!("the daemon's name is no name ({why})")))?;
    let failed = |why: &zbus::Error| {
        Error::new(Kind::Failed, format!("the bus does not say whether the daemon is running ({why})"))
            .hint("try again")
    };
    let proxy = zbus::fdo::DBusProxy::new(&connection).await.map_err(|why| failed(&why))?;
    let pid = match proxy.get_connection_unix_process_id(name).await {
        Ok(pid) => pid,
        Err(zbus::fdo::Error::NameHasNoOwner(_)) => return Ok(None),
        Err(why) => return Err(failed(&why.into())),
    };
    let by_systemd = match bus {
        Bus::Session => "systemctl --user stop dwelld",
        Bus::System => "sudo systemctl stop dwelld",
    };
    Ok(Some(if is_a_unit(&connection, pid).await { by_systemd.to_owned() } else { format!("kill {pid}") }))
}

/// Whether the process is systemd's `dwelld.service`, which a bare kill might bring back.
async fn is_a_unit(connection: &zbus::Connection, pid: u32) -> bool {
    let manager = zbus::proxy::Builder::<zbus::Proxy<'_>>::new(connection)
        .destination("org.freedesktop.systemd1")
        .and_then(|b| b.path("/org/freedesktop/systemd1"))
        .and_then(|b| b.interface("org.freedesktop.systemd1.Manager"));
    let Ok(manager) = manager else { return false };
    let Ok(manager) = manager.cache_properties(zbus::proxy::CacheProperties::No).build().await else {
        return false;
    };
    let unit: Result<Option<zbus::zvariant::OwnedObjectPath>, _> =
        manager.call_with_flags("GetUnitByPID", MethodFlags::NoAutoStart.into(), &(pid,)).await;
    matches!(unit, Ok(Some(path)) if path.ends_with("/dwelld_2eservice"))
}

fn told(put: Put, done: &Done, file: &str, bus: Bus) -> Vec<String> {
    let deed = match put {
        Put::Restore => "Restored",
        Put::Salvage => "Salvaged",
    };
    let (days, spans) = (count(done.days.unwrap_or(0), "day"), count(done.spans.unwrap_or(0), "span"));
    let mut said = vec![format!("{deed} {days} and {spans} from {file}")];
    if !done.damaged.is_empty() {
        said.push(format!("Something could not be read of {}", plain(&list(&done.damaged))));
    }
    if let Some(aside) = &done.put_aside {
        said.push(format!("The vault that was there is now {}", plain(aside)));
    }
    said.push(format!("Start the daemon with `{}`", bus.start()));
    said
}
