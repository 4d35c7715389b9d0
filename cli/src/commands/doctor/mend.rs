//! `dwell doctor --fix`: what can be mended without root.
//!
//! Whoever says `--fix` wants what dwell needs to be on: its daemon at each log-in, and on GNOME its extension, which is
//! written to the person's data folder and switched on in their settings, also where it was switched off.
//!
//! A problem is known by the command that mends it ([`wire::Part::fix`]): where that is one of ours, it is what is done.
//! What was closed on purpose stays closed: a masked unit stays masked, a locked vault locked.

use std::collections::HashMap;
use std::process::Command;

use dwell_bus::{fixes, wire};

use crate::bus::{Bus, Daemon};
use crate::commands::gnome;
use crate::error::{Error, Kind, reason};

/// Variables under which a display may be found. (The daemon keeps no others.)
const OF_DISPLAY: &[&str] = &[
    "DISPLAY",
    "HYPRLAND_INSTANCE_SIGNATURE",
    "NIRI_SOCKET",
    "SWAYSOCK",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
];

/// Those of them that are a matter of one log-in or of the person, which systemd knows better.
const NOT_FOR_SYSTEMD: &[&str] = &["XDG_RUNTIME_DIR", "XDG_SESSION_ID"];

/// What can be done about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mending {
    /// Have systemd start the daemon.
    Start,
    /// Have it started at each log-in from now on.
    Enable,
    /// Both.
    EnableNow,
    /// Have the bus start the daemon, where there is no systemd.
    Activate,
    /// Tell the daemon, and what starts it next time, where this session's display is.
    Attach,
    /// Install the extension of GNOME Shell, without which it tells nobody what has focus.
    GnomeExtension,
}

/// What a mending has done.
pub(super) struct Done {
    /// In words.
    pub(super) what: String,
    /// What only the person can do after it.
    pub(super) left: Option<&'static str>,
}

impl Mending {
    /// What mends a problem of this part here, if we may.
    pub(super) fn of(part: &wire::Part, bus: Bus) -> Option<Self> {
        match part.fix.as_deref().filter(|_| !part.ok)? {
            fix if bus == Bus::Session && fix == bus.start() => Some(Self::Start),
            fix if bus == Bus::Session && fix == bus.enable() => Some(Self::Enable),
            fix if bus == Bus::Session && fix == bus.enable_now() => Some(Self::EnableNow),
            super::STARTED_BY_BUS => Some(Self::Activate),
            fixes::ATTACH if variables().next().is_some() => Some(Self::Attach),
            fixes::GNOME_INSTALL | fixes::GNOME_SWITCH_ON => Some(Self::GnomeExtension),
            _ => None,
        }
    }

    /// Whether the daemon looks for the desktop anew afterwards, which is worth waiting for.
    pub(super) const fn makes_it_look(self) -> bool {
        !matches!(self, Self::Enable)
    }

    /// Does it.
    ///
    /// # Errors
    /// Why it could not be done.
    pub(super) async fn carry_out(self, bus: Bus, connection: &zbus::Connection) -> Result<Done, Error> {
        let what = match self {
            Self::Start => format!("the daemon was started ({})", command(bus.start())?),
            Self::Enable => format!("the daemon starts at each log-in ({})", command(bus.enable())?),
            Self::EnableNow => {
                let done = command(bus.enable_now())?;
                format!("the daemon was started, and starts at each log-in ({done})")
            }
            Self::Activate => activate(connection).await?,
            Self::Attach => attach(bus, connection).await?,
            Self::GnomeExtension => {
                let outcome = gnome::mend(connection).await?;
                return Ok(Done { what: outcome.to_string(), left: outcome.left });
            }
        };
        Ok(Done { what, left: None })
    }
}

/// Runs one of our commands, which have neither blanks nor quotes within a word. What it was, when it succeeded.
fn command(line: &str) -> Result<&str, Error> {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    let ended = command.args(words).stdin(std::process::Stdio::null()).output();
    let failed = |why: String| Error::new(Kind::Failed, format!("`{line}` failed: {why}"));
    let output = ended.map_err(|why| failed(reason(&why)))?;
    if output.status.success() {
        return Ok(line);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(said.lines().next().unwrap_or("it did not say why").to_owned()))
}

/// Asks the bus to start the daemon, as its service file says.
async fn activate(connection: &zbus::Connection) -> Result<String, Error> {
    let failed = |why: &str| Error::new(Kind::Failed, format!("the bus cannot start the daemon: {why}"));
    let bus = zbus::fdo::DBusProxy::new(connection).await.map_err(|why| failed(&why.to_string()))?;
    let name = zbus::names::WellKnownName::from_static_str_unchecked(dwell_bus::NAME);
    match bus.start_service_by_name(name, 0).await {
        Ok(_) => Ok("the daemon was started by the bus".to_owned()),
        Err(zbus::fdo::Error::ServiceUnknown(_)) => Err(failed("no service file tells it how")),
        Err(why) => Err(failed(zbus::DBusError::description(&why).unwrap_or("it does not say why"))),
    }
}

/// Tells the daemon our display; and the person's systemd, so that the next daemon knows it from the start.
async fn attach(bus: Bus, connection: &zbus::Connection) -> Result<String, Error> {
    let environment: HashMap<String, String> = variables().collect();
    let mut names: Vec<String> = environment.keys().cloned().collect();
    names.retain(|name| !NOT_FOR_SYSTEMD.contains(&name.as_str()));
    names.sort_unstable();
    Daemon::on(bus, connection).await?.ask(|d| d.attach(environment)).await?;
    // What leads the daemon nowhere must not lead the next one there, nor anything else that systemd starts.
    super::settle(bus, connection).await;
    let parts = Daemon::on(bus, connection).await?.ask(|d| d.doctor()).await?;
    if !parts.iter().any(|part| part.part == "desktop" && part.ok) {
        return Ok("the daemon was told your display (dwelld attach)".to_owned());
    }
    let import = format!("systemctl --user import-environment {}", names.join(" "));
    Ok(match command(&import) {
        Ok(_) => "the daemon was told your display (dwelld attach), and so was systemd (import-environment)",
        Err(_) => "the daemon was told your display (dwelld attach)",
    }
    .to_owned())
}

/// What this session says of its display; nothing, where none of it names one of this machine.
fn variables() -> impl Iterator<Item = (String, String)> {
    let value = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = value(&"WAYLAND_DISPLAY").is_some() || value(&"DISPLAY").is_some_and(|name| is_local(&name));
    let all = OF_DISPLAY.iter().filter(move |_| named);
    let all = all.filter_map(move |name| Some(((*name).to_owned(), value(name)?)));
    all.filter(|(name, value)| name != "DISPLAY" || is_local(value))
}

/// Whether an X display is one of this machine (X(7), "Display Names"). ssh forwards as `localhost:10.0`: what one sees
/// there is another machine, and it ends with the connection.
fn is_local(display: &str) -> bool {
    display.strip_prefix("unix").unwrap_or(display).starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_display_is_not_ours() {
        assert!([":0", ":1.0", "unix:0"].into_iter().all(is_local));
        assert!(!["localhost:10.0", "10.0.0.7:0", "desk:0", ""].into_iter().any(is_local));
    }
}
