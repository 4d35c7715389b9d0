//! The environment, read once at start and passed on as values.

use std::path::{Path, PathBuf};

use dwell_core::config::{Config, ConfigError};
use dwell_desktop::{Settings, Surroundings};

use crate::arguments::CONNECT;
use crate::failure::Failure;
use crate::keys::Credentials;

/// Where things are.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `DWELL_DATA_DIR`, else `$XDG_DATA_HOME/dwell`, else `~/.local/share/dwell`.
    pub data_dir: PathBuf,
    /// `DWELL_CONFIG`, else `$XDG_CONFIG_HOME/dwell/config.toml`, else `~/.config/dwell/config.toml`.
    pub config: PathBuf,
    /// `CREDENTIALS_DIRECTORY`: what the service manager decrypted for this service.
    pub credentials: Credentials,
    /// The variables that say where a display may be found.
    pub surroundings: Surroundings,
    /// The locale of what is said to the person, as LC_ALL, LC_MESSAGES or LANG has it (locale(7): the first one that
    /// is set).
    pub locale: String,
}

impl Environment {
    /// Reads this process's environment.
    ///
    /// # Errors
    /// Neither HOME nor the variables that could stand in for it are set.
    pub fn read() -> Result<Self, Failure> {
        let path = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        // XDG base directories must be absolute; relative ones are to be ignored (basedir-spec 0.8).
        let base = |xdg: &str, below_home: &str| {
            path(xdg)
                .filter(|p| p.is_absolute())
                .or_else(|| path("HOME").map(|home| home.join(below_home)))
                .ok_or_else(|| Failure::new("HOME is not set", format!("set HOME or {xdg}")))
        };
        let data_dir = match path("DWELL_DATA_DIR") {
            Some(path) => path,
            None => base("XDG_DATA_HOME", ".local/share")?.join("dwell"),
        };
        let config = match path("DWELL_CONFIG") {
            Some(path) => path,
            None => base("XDG_CONFIG_HOME", ".config")?.join("dwell/config.toml"),
        };
        let variables = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        let credentials = Credentials::new(path("CREDENTIALS_DIRECTORY"));
        let surroundings = Surroundings::new(variables).connecting_by(connector());
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale =
            text("LC_ALL").or_else(|| text("LC_MESSAGES")).or_else(|| text("LANG")).unwrap_or_default();
        Ok(Self { data_dir, config, credentials, surroundings, locale })
    }
}

/// The command that connects to a compositor for this process: the program that runs here, by the path that it has now.
/// After an upgrade that path leads to the new one, as a desktop file's does.
fn connector() -> Vec<String> {
    let program = std::env::current_exe().ok().and_then(|path| path.into_os_string().into_string().ok());
    program.map(|program| vec![program, CONNECT.to_owned()]).unwrap_or_default()
}

/// Reads the configuration file; none is the default configuration.
///
/// # Errors
/// It cannot be read, or it is wrong: with the place and the next step, exit code 2.
pub fn read_config(path: &Path) -> Result<Config, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(error) => {
            let what = format!("the configuration {} cannot be read: {error}", path.display());
            return Err(Failure::new(what, "make it readable, or move it away").code(2));
        }
    };
    Config::parse(&text).map_err(|error: ConfigError| {
        let place = format!("{}: line {}, column {} is wrong", path.display(), error.line, error.column);
        Failure::new(format!("{}: {error}", path.display()), error.hint)
            .code(2)
            .loggable(format!("{place} (`dwell config check` says why)"))
    })
}

/// What the sensors must know of the configuration.
pub fn settings(config: &Config) -> Settings {
    Settings {
        idle_after: config.idle_after,
        aliases: config.aliases.clone(),
        terminal_programs: config.terminal_programs,
    }
}

/// The zone in force: the configured one, else the system's, else UTC.
pub fn zone(config: &Config) -> chrono_tz::Tz {
    let system = || iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok());
    config.zone.or_else(system).unwrap_or(chrono_tz::UTC)
}
