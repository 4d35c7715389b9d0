//! `dwell config`: what is configured, and where. Works without the daemon.

use std::env::var_os;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::Subcommand;
use dwell_core::config::Config;
use serde::Serialize;

use crate::bus::Bus;
use crate::console::Console;
use crate::error::{End, Error, Kind, reason};
use crate::output::json;
use crate::output::text::plain;

/// Show the configuration, its place, or what is wrong with it (alone: show it)
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Show the settings in force, defaults included
    Show,
    /// Print where the configuration is
    Path,
    /// Check the configuration, or another file, and say what is wrong
    Check {
        /// Another file than the configuration
        file: Option<PathBuf>,
    },
}

/// Does one of the three.
pub(crate) fn run(args: &Args, console: &mut Console) -> Result<End, Error> {
    let own = || Bus::chosen().and_then(place);
    match args.command.clone().unwrap_or(Command::Show) {
        Command::Show => {
            let path = own()?;
            let (config, exists) = read(&path)?;
            let zone = config.zone.unwrap_or_else(system_zone);
            if console.json {
                console.say(&document(&path, exists, &config, zone));
            } else {
                if !exists && !console.quiet {
                    console.say(&format!("# {} does not exist; these are the defaults", shown(&path)));
                }
                console.say(&config.to_text(zone));
            }
        }
        Command::Path => {
            let path = own()?;
            console.say(&if console.json { path_document(&path) } else { shown(&path) });
        }
        Command::Check { file } => {
            let given = file.is_some();
            let path = file.map_or_else(own, Ok)?;
            let (config, exists) = read(&path)?;
            if !exists && given {
                return Err(
                    Error::new(Kind::Invalid, format!("{} does not exist", shown(&path))).hint("name a file")
                );
            }
            if console.json {
                console.say(&document(&path, exists, &config, config.zone.unwrap_or_else(system_zone)));
            } else if !console.quiet {
                let state = if exists { "is fine" } else { "does not exist: the defaults hold" };
                console.say(&format!("{} {state}", shown(&path)));
            }
        }
    }
    Ok(End::Well)
}

/// The configuration as a part of `dwell doctor`, while there is no daemon that would tell.
pub(crate) fn part(bus: Bus) -> dwell_bus::wire::Part {
    let part = |ok, message, fix| dwell_bus::wire::Part { part: "config".to_owned(), ok, message, fix };
    match place(bus).and_then(|path| Ok((read(&path)?.1, path))) {
        Ok((true, path)) => part(true, shown(&path), None),
        Ok((false, path)) => part(true, format!("{} does not exist: the defaults hold", shown(&path)), None),
        Err(why) => part(false, why.message, why.hint),
    }
}

fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy()).into_owned()
}

/// `DWELL_CONFIG`, else the place that belongs to the bus.
fn place(bus: Bus) -> Result<PathBuf, Error> {
    let set = |name| var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("DWELL_CONFIG") {
        return Ok(path);
    }
    if bus == Bus::System {
        return Ok("/etc/dwell/config.toml".into());
    }
    set("XDG_CONFIG_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("dwell/config.toml"))
        .ok_or_else(|| {
            Error::new(Kind::Failed, "nobody says where your configuration is")
                .hint("set HOME or DWELL_CONFIG")
        })
}

/// The settings of a file, and whether it exists; the defaults where it does not.
fn read(path: &Path) -> Result<(Config, bool), Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Config::parse(&text).map(|config| (config, true)).map_err(|why| {
            Error::new(Kind::Invalid, format!("{}, {why}", shown(path))).hint(why.hint.clone())
        }),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok((Config::default(), false)),
        Err(why) => {
            Err(Error::new(Kind::Failed, format!("{} cannot be read: {}", shown(path), reason(&why))))
        }
    }
}

fn system_zone() -> Tz {
    iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC)
}

fn document(path: &Path, exists: bool, config: &Config, zone: Tz) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: &'static str,
        path: String,
        exists: bool,
        idle_after_seconds: u64,
        day_start: String,
        zone: &'a str,
        notifications: bool,
        terminal_programs: bool,
        audible: bool,
        aliases: Vec<Alias<'a>>,
    }
    #[derive(Serialize)]
    struct Alias<'a> {
        from: String,
        to: &'a str,
    }
    json::line(&Document {
        schema: "dwell.config/1",
        path: path.to_string_lossy().into_owned(),
        exists,
        idle_after_seconds: config.idle_after.as_ms() / 1000,
        day_start: config.day_start.to_string(),
        zone: zone.name(),
        notifications: config.notifications,
        terminal_programs: config.terminal_programs,
        audible: config.audible,
        aliases: config.aliases.iter().map(|(from, to)| Alias { from, to: to.as_str() }).collect(),
    })
}

fn path_document(path: &Path) -> String {
    #[derive(Serialize)]
    struct Document {
        schema: &'static str,
        path: String,
    }
    json::line(&Document { schema: "dwell.config-path/1", path: path.to_string_lossy().into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_is_told_with_place_and_hint() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, "idle-afer = \"3m\"\n").unwrap();
        let told = read(&file).unwrap_err();
        let told = told.to_string().replace(&*dir.path().to_string_lossy(), "DIR");
        insta::assert_snapshot!(told, @r#"dwell: DIR/c.toml, line 1, column 1: unknown key "idle-afer"; did you mean idle-after?"#);
        assert_eq!(read(&dir.path().join("none")).unwrap(), (Config::default(), false));
    }

    #[test]
    fn documents() {
        let path = Path::new("/home/me/.config/dwell/config.toml");
        insta::assert_snapshot!(document(path, false, &Config::default(), Tz::Europe__Athens), @r#"{"schema":"dwell.config/1","path":"/home/me/.config/dwell/config.toml","exists":false,"idle_after_seconds":180,"day_start":"04:00","zone":"Europe/Athens","notifications":true,"terminal_programs":false,"audible":false,"aliases":[]}"#);
        insta::assert_snapshot!(path_document(path), @r#"{"schema":"dwell.config-path/1","path":"/home/me/.config/dwell/config.toml"}"#);
    }
}
