//! `dwell browser`: tells browsers where dwell's host is, takes that back, and says how each browser is linked.
//!
//! Works without the daemon. It touches nothing but its own manifests: the extension is installed in the browser.

mod manifest;
mod places;
mod status;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use self::manifest::{Readers, There};
use self::places::{BROWSERS, Browser, Packaging, Places};
use crate::bus::converse;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::json;
use crate::output::text::plain;

/// Link browsers, so that time counts by site and limits hold on pages (alone: say how each is linked)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Tell browsers where dwell's part for them is
    Install(Install),
    /// Take that back
    Remove(Reach),
    /// Say how each browser is linked
    Status(Reach),
}

/// For whom.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
struct Reach {
    /// For yourself (the default)
    #[arg(long, conflicts_with = "system")]
    user: bool,
    /// For everyone on this machine: needs root
    #[arg(long)]
    system: bool,
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct Install {
    #[command(flatten)]
    reach: Reach,
    /// Every browser that dwell knows, also those that are not installed
    #[arg(long)]
    all: bool,
    /// Replace what starts another program
    #[arg(long)]
    replace: bool,
}

/// Does one of the three.
pub(crate) fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let places = Places::own();
    match args.command {
        None => converse(status::run(&places, Reach::default(), console)),
        Some(Command::Status(reach)) => converse(status::run(&places, reach, console)),
        Some(Command::Install(args)) => {
            let dwell = std::env::current_exe().ok();
            told(&install(&places, dwell.as_deref(), args)?, "install", console)
        }
        Some(Command::Remove(reach)) => told(&remove(&places, reach)?, "remove", console),
    }
}

/// Browsers that can never be linked, as parts of `dwell doctor`.
pub(super) fn confined() -> Vec<dwell_bus::wire::Part> {
    status::confined(&Places::own())
}

/// What was done to one manifest.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Deed {
    browser: &'static str,
    manifest: PathBuf,
    /// Whether it was changed: else it was so before.
    changed: bool,
    /// One line for people.
    #[serde(skip)]
    line: String,
}

fn told(deeds: &[Deed], work: &'static str, console: &mut Console) -> Result<End, Error> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: &'static str,
        work: &'static str,
        manifests: &'a [Deed],
    }
    if console.json {
        console.say(&json::line(&Document { schema: "dwell.browser-files/1", work, manifests: deeds }));
    } else if !console.quiet {
        deeds.iter().for_each(|deed| console.say(&plain(&deed.line)));
        if work == "install" && deeds.iter().any(|deed| deed.changed) {
            console.say("Next: add the extension to the browser, then `dwell browser status`");
        }
    }
    Ok(End::Well)
}

/// The folder for manifests of a browser; `None`: it has none that is documented.
fn folder(places: &Places, reach: Reach, browser: &Browser) -> Result<Option<PathBuf>, Error> {
    if reach.system {
        return Ok(places.system_folder(browser));
    }
    let folder = places.own_folder(browser);
    let nobody = || Error::new(Kind::Failed, "nobody says where your home is").hint("set HOME");
    folder.map(Some).ok_or_else(nobody)
}

/// Writes the manifests. Nothing is written where one of them would take another program's place.
fn install(places: &Places, dwell: Option<&Path>, args: Install) -> Result<Vec<Deed>, Error> {
    let (host, looked) = places.host(dwell);
    let host = host.ok_or_else(|| {
        let looked: Vec<_> = looked.iter().map(|folder| folder.to_string_lossy()).collect();
        Error::new(
            Kind::Failed,
            format!("dwell-browser-host is not installed (looked in {})", looked.join(", ")),
        )
        .hint("install dwell again, or put it beside dwell")
    })?;
    if args.reach.system
        && let Some((place, wrong)) = places.exposed(&host)
    {
        let message = format!(
            "{} would be started by everyone's browsers, but {} {wrong}; nothing was changed",
            host.display(),
            place.display()
        );
        let hint = "install dwell for everyone first, by its package or with: sudo make install";
        return Err(Error::new(Kind::Failed, message).hint(hint));
    }
    let there = places.browsers();
    let is_there = |browser: &Browser| {
        there.iter().any(|found| found.browser.id == browser.id && found.packaging == Packaging::System)
    };
    let mut todo = Vec::new();
    for browser in BROWSERS.iter().filter(|browser| args.all || is_there(browser)) {
        let Some(folder) = folder(places, args.reach, browser)? else { continue };
        let file = manifest::file(&folder);
        let there = There::look(&file).map_err(|why| failed("read", &file, &why, args.reach))?;
        if let There::Foreign(other) = &there
            && !args.replace
        {
            let message = format!(
                "{} starts {}, which is not dwell's; nothing was changed",
                file.display(),
                other.display()
            );
            return Err(Error::new(Kind::Failed, message).hint("add --replace if it is to be replaced"));
        }
        todo.push((browser, file, there));
    }
    if todo.is_empty() {
        let confined = there.iter().find(|found| found.packaging != Packaging::System);
        return Err(match confined {
            Some(found) => Error::new(Kind::Failed, format!("{} {}", found.browser.name, status::CONFINED))
                .hint(status::FROM_SYSTEM),
            None => Error::new(Kind::Failed, "no browser that dwell knows is installed")
                .hint("add --all to prepare for one"),
        });
    }
    todo.into_iter()
        .map(|(browser, file, there)| {
            let readers = if args.reach.system { Readers::All } else { Readers::Own };
            let changed = manifest::write(&file, &manifest::text(browser.engine, &host), readers)
                .map_err(|why| failed("written", &file, &why, args.reach))?;
            let instead = match there {
                There::Ours(old) if old != host => format!(" (it started {} before)", old.display()),
                There::Foreign(old) => format!(" (in place of {})", old.display()),
                There::Dead(Some(old)) => format!(" (it named {}, which is gone)", old.display()),
                _ => String::new(),
            };
            let how = if changed { "knows dwell now" } else { "knew dwell already" };
            let line = format!("{} {how}: {}{instead}", browser.name, file.display());
            Ok(Deed { browser: browser.id, manifest: file, changed, line })
        })
        .collect()
}

/// Removes dwell's own manifests, of all browsers: one that is gone may have left its own.
fn remove(places: &Places, reach: Reach) -> Result<Vec<Deed>, Error> {
    let mut deeds = Vec::new();
    for browser in BROWSERS {
        let Some(folder) = folder(places, reach, browser)? else { continue };
        let file = manifest::file(&folder);
        let (changed, line) = match There::look(&file).map_err(|why| failed("read", &file, &why, reach))? {
            There::Nothing => continue,
            There::Foreign(other) => {
                (false, format!("{}: {} stays, it starts {}", browser.name, file.display(), other.display()))
            }
            There::Ours(_) | There::Dead(_) => {
                fs::remove_file(&file).map_err(|why| failed("removed", &file, &why, reach))?;
                // Where dwell made the folder, nothing is in it now; otherwise it stays.
                let _ = fs::remove_dir(&folder);
                (
                    true,
                    format!("{} does not know dwell any more: {} is removed", browser.name, file.display()),
                )
            }
        };
        deeds.push(Deed { browser: browser.id, manifest: file, changed, line });
    }
    Ok(deeds)
}

fn failed(what: &str, file: &Path, why: &io::Error, reach: Reach) -> Error {
    let error = Error::new(Kind::Failed, format!("{} cannot be {what}: {}", file.display(), reason(why)));
    match (why.kind(), reach.system) {
        (ErrorKind::PermissionDenied, true) => error.hint("as root: sudo dwell browser … --system"),
        _ => error.hint("see who owns the folder"),
    }
}

#[cfg(test)]
mod tests {
    use super::places::tests::{machine, program};
    use super::*;

    const USER: Install = Install { reach: Reach { user: false, system: false }, all: false, replace: false };

    fn lines(root: &Path, deeds: &[Deed]) -> Vec<String> {
        deeds.iter().map(|deed| deed.line.replace(&*root.to_string_lossy(), "")).collect()
    }

    #[test]
    fn manifests_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        let dwell = root.join("usr/bin/dwell");
        let why = install(&places, Some(&dwell), USER).unwrap_err();
        assert!(why.message.starts_with("dwell-browser-host is not installed (looked in "), "{why}");
        program(&root.join("usr/libexec/dwell-browser-host"), "ELF");
        assert_eq!(
            install(&places, Some(&dwell), USER).unwrap_err().hint.as_deref(),
            Some("add --all to prepare for one")
        );
        program(&root.join("usr/bin/chromium"), "ELF");
        program(&root.join("usr/bin/firefox"), "ELF");
        assert_eq!(
            lines(root, &install(&places, Some(&dwell), USER).unwrap()),
            [
                "Chromium knows dwell now: /home/.config/chromium/NativeMessagingHosts/org.dwell.browser.json",
                "Firefox knows dwell now: /home/.mozilla/native-messaging-hosts/org.dwell.browser.json",
            ]
        );
        let again = install(&places, Some(&dwell), USER).unwrap();
        assert!(again.iter().all(|deed| !deed.changed), "{again:?}");
        assert!(again[0].line.starts_with("Chromium knew dwell already: "));
        // Another place of the host: said, and written.
        program(&root.join("usr/bin/dwell-browser-host"), "ELF");
        let moved = lines(root, &install(&places, Some(&dwell), USER).unwrap());
        assert!(moved[0].ends_with(" (it started /usr/libexec/dwell-browser-host before)"), "{moved:?}");
        let gone = remove(&places, USER.reach).unwrap();
        assert_eq!(gone.len(), 2);
        assert!(!root.join("home/.mozilla/native-messaging-hosts").exists());
        assert_eq!(remove(&places, USER.reach).unwrap(), []);

        let all = install(&places, Some(&dwell), Install { all: true, ..USER }).unwrap();
        assert_eq!(all.len(), BROWSERS.len());
        let system = Install { reach: Reach { user: false, system: true }, all: true, replace: false };
        let machines: Vec<_> = install(&places, Some(&dwell), system).unwrap();
        let machines: Vec<_> =
            machines.iter().map(|deed| deed.manifest.strip_prefix(root).unwrap()).collect();
        assert_eq!(
            machines,
            [
                "etc/chromium/native-messaging-hosts/org.dwell.browser.json",
                "etc/opt/chrome/native-messaging-hosts/org.dwell.browser.json",
                "usr/lib/mozilla/native-messaging-hosts/org.dwell.browser.json",
            ]
            .map(Path::new)
        );
    }

    #[test]
    fn what_starts_another_program_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        for name in ["libexec/dwell-browser-host", "bin/chromium", "bin/firefox", "bin/other"] {
            program(&root.join("usr").join(name), "ELF");
        }
        let file = root.join("home/.mozilla/native-messaging-hosts/org.dwell.browser.json");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let foreign = format!("{{\"path\":\"{}\"}}", root.join("usr/bin/other").display());
        fs::write(&file, &foreign).unwrap();
        let why = install(&places, None, USER).unwrap_err().to_string().replace(&*root.to_string_lossy(), "");
        assert_eq!(
            why,
            "dwell: /home/.mozilla/native-messaging-hosts/org.dwell.browser.json starts /usr/bin/other, which is not dwell's; \
             nothing was changed; add --replace if it is to be replaced"
        );
        assert!(!root.join("home/.config").exists(), "half of it was done");
        let stays = remove(&places, USER.reach).unwrap();
        assert!(!stays[0].changed && stays[0].line.contains(" stays, it starts "), "{stays:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), foreign);
        let deeds = lines(root, &install(&places, None, Install { replace: true, ..USER }).unwrap());
        assert!(deeds[1].ends_with(" (in place of /usr/bin/other)"), "{deeds:?}");
    }

    #[test]
    fn what_others_could_replace_is_not_started_by_everyone() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        let host = root.join("usr/libexec/dwell-browser-host");
        program(&host, "ELF");
        let writable = std::os::unix::fs::PermissionsExt::from_mode(0o757);
        fs::set_permissions(&host, writable).unwrap();
        let system = Install { reach: Reach { user: false, system: true }, all: true, replace: false };
        let why =
            install(&places, None, system).unwrap_err().to_string().replace(&*root.to_string_lossy(), "");
        assert_eq!(
            why,
            "dwell: /usr/libexec/dwell-browser-host would be started by everyone's browsers, but \
             /usr/libexec/dwell-browser-host can be written by others than root; nothing was changed; \
             install dwell for everyone first, by its package or with: sudo make install"
        );
        assert!(!root.join("etc").exists(), "something was written");
        // What a person's own browsers start is that person's affair.
        assert!(install(&places, None, Install { all: true, ..USER }).is_ok());
    }

    #[test]
    fn a_snap_alone_cannot_be_told() {
        let dir = tempfile::tempdir().unwrap();
        let (root, places) = (dir.path(), machine(dir.path()));
        program(&root.join("usr/libexec/dwell-browser-host"), "ELF");
        fs::create_dir_all(root.join("snap/firefox")).unwrap();
        let why = install(&places, None, USER).unwrap_err();
        assert!(why.message.starts_with("Firefox cannot start dwell's part"), "{why}");
    }
}
